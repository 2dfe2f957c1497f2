"""JSON Schema of the documents, so that editors complete keys and mark mistakes.

This module must not check anything itself.
"""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from pathway.definition.disease import PathwayDocument
from pathway.definition.economics import EconomicsDocument
from pathway.definition.population import CohortDefinition
from pathway.definition.strategies import StrategyDefinition
from pathway.definition.study import ScenarioDocument
from pathway.definition.trials import CalibrationDocument, TrialDocument
from pathway.errors import ScenarioError, did_you_mean

KINDS: dict[str, TypeAdapter[Any]] = {
    "scenario": TypeAdapter(ScenarioDocument),
    "pathway": TypeAdapter(PathwayDocument),
    "strategies": TypeAdapter(dict[str, StrategyDefinition]),
    "cohorts": TypeAdapter(dict[str, CohortDefinition]),
    "economics": TypeAdapter(EconomicsDocument),
    "trial": TypeAdapter(TrialDocument),
    "calibration": TypeAdapter(CalibrationDocument),
}
"""Kinds of TOML files."""
ROWS_FOR_MANY = ("Transition", "ScheduledStop", "Decision", "Effect")
"""Rows that may be written once for several treatments (:mod:`pathway.reading.each`)."""
FOR_MANY = {"type": "object", "required": ["each", "name"], "properties": {"each": {"type": "array", "items": {"type": "string"}, "minItems": 1}}}
"""Such a row: what stands in it is checked once it is written out."""


def json_schema(kind: str) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of one kind of TOML file.

    Parameters
    ----------
    kind
        scenario, pathway, strategies, cohorts, economics, trial or calibration.

    Raises
    ------
    ScenarioError
        If there is no such kind.

    Examples
    --------
    >>> sorted(json_schema("scenario")["required"])
    ['economics', 'study']
    """
    if kind not in KINDS:
        raise ScenarioError(
            where="json_schema",
            found=f"unknown kind '{kind}'",
            expected=f"one of {', '.join(KINDS)}",
            mend=did_you_mean(kind, list(KINDS)) or "choose one",
        )
    schema = KINDS[kind].json_schema(by_alias=True)
    for row in ROWS_FOR_MANY:
        if row in schema.get("$defs", {}):
            schema["$defs"][row] = {"anyOf": [schema["$defs"][row], FOR_MANY]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
