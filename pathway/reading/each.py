"""One row for many treatments: ``each = ["adalimumab", "etanercept"]`` writes a row once and means it for every treatment of the list.

Wherever ``{treatment}`` stands in such a row, the treatment's name is put, so that a row of stopping hazards names its own course and a reader sees it once.
This module must not know what the rows are for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pathway.reading.text import Findings

LISTS = ("transitions", "scheduled", "decisions", "effects")
"""Lists of ``pathway.toml`` whose rows may be written for each of several treatments."""
PLACE = "{treatment}"


def spread(data: Mapping[str, Any], name: str, findings: Findings) -> dict[str, Any]:
    """Write out the rows that are meant for several treatments.

    Parameters
    ----------
    data
        Tables as read.
    name
        The file, as shown in messages.
    findings
        Takes the faults: ``each`` that is no list of names, a row that never says ``{treatment}``.

    Examples
    --------
    >>> rows = {"effects": [{"each": ["a", "b"], "name": "{treatment}_helps", "marker": "pain"}]}
    >>> [row["name"] for row in spread(rows, "pathway.toml", Findings())["effects"]]
    ['a_helps', 'b_helps']
    """
    found = dict(data)
    for key in LISTS:
        rows = data.get(key)
        if isinstance(rows, list):
            found[key] = [one for number, row in enumerate(rows) for one in _rows(row, f"{name}, key {key}[{number}].each", findings)]
    return found


def _rows(row: object, where: str, findings: Findings) -> list[object]:
    if not isinstance(row, Mapping) or "each" not in row:
        return [row]
    treatments = row["each"]
    if not isinstance(treatments, list) or not treatments or not all(isinstance(one, str) for one in treatments):
        findings.faults.add(where=where, found=repr(treatments), expected="a list of treatments", mend='write it as each = ["adalimumab", "etanercept"]')
        return []
    rest = {key: value for key, value in row.items() if key != "each"}
    if PLACE not in str(rest.get("name", "")):
        findings.faults.add(
            where=where, found=f"a row named '{rest.get('name', '')}'", expected=f"{PLACE} in its name", mend=f'name it "{PLACE}_..." so that every row has a name of its own'
        )
        return []
    return [_filled(rest, one) for one in treatments]


def _filled(found: object, treatment: str) -> Any:
    """A value with the treatment's name wherever its place is kept."""
    if isinstance(found, str):
        return found.replace(PLACE, treatment)
    if isinstance(found, Mapping):
        return {key: _filled(value, treatment) for key, value in found.items()}
    if isinstance(found, list):
        return [_filled(value, treatment) for value in found]
    return found
