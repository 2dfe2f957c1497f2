"""Tables that are like another of their file but for a few keys, written out in full.

This module must not read files, or know what the tables are for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pathway.errors import did_you_mean
from pathway.reading.text import Findings

LIKE = "like"
"""Key that names the table that one resembles."""


def inherited(tables: Mapping[str, Any], name: str, findings: Findings) -> dict[str, Any]:
    """Tables of a file with ``like`` resolved: keys of the other one where a table has none of its own; what stands in ``of`` is joined by treatment.

    Examples
    --------
    >>> inherited({"a": {"x": 1, "of": {"m": 1}}, "b": {"like": "a", "of": {"n": 2}}}, "access.toml", Findings())["b"]
    {'x': 1, 'of': {'m': 1, 'n': 2}}
    """
    return {key: _full(key, tables, name, findings, ()) for key in tables}


def _full(key: str, tables: Mapping[str, Any], name: str, findings: Findings, trail: tuple[str, ...]) -> Any:
    table = tables[key]
    if not isinstance(table, Mapping) or LIKE not in table:
        return table
    other = table[LIKE]
    own = {word: item for word, item in table.items() if word != LIKE}
    if other not in tables or other in (*trail, key):
        findings.faults.add(
            where=f"{name}, key {key}.{LIKE}",
            found=f"'{other}'" + (", which leads back here" if other in tables else ""),
            expected="another table of this file",
            mend=did_you_mean(str(other), [one for one in tables if one != key]) or "name one of them",
        )
        return own
    base = _full(other, tables, name, findings, (*trail, key))
    if not isinstance(base, Mapping):
        return own
    both = {**base, **own}
    if isinstance(base.get("of"), Mapping) and isinstance(own.get("of"), Mapping):
        both["of"] = {**base["of"], **own["of"]}
    return both
