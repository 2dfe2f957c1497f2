"""The words of the documents: names, and what each name refers to.

A field of type ``MarkerId`` holds the name of a marker. The check that the marker exists, and the walk that
finds every number a document can reach, read that from the type (:mod:`pathway.definition.mentions`), so that a
new field needs no new check.

This module must not read files, know a disease, or compile anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints


@dataclass(frozen=True, slots=True)
class Refers:
    """Mark of a type: its text is the name of one of these."""

    kind: str


Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
"""A word in lower case with underscores: ``first_line``."""
OwnName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=64)]
"""The name of a table that a user adds: letters, digits and underscores."""
Label = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""One line of visible characters."""
Grade = Literal["verified", "memory", "derived", "assumption"]
Family = Literal["fixed", "normal", "lognormal", "beta", "gamma", "uniform", "triangular"]

ValueId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=80), Refers("value")]
"""The id of an evidence row, or of a derived value."""
Factor = Annotated[str, StringConstraints(pattern=r"^(-|/?[a-z][a-z0-9_]*)$", max_length=80), Refers("factor")]
"""A value id in a product; ``/id`` divides, ``-`` makes the product negative."""
Clock = Annotated[
    str,
    StringConstraints(pattern=r"^(entry|line|age|onset|course:[a-z0-9_]+|course_end:[a-z0-9_]+)$"),
    Refers("clock"),
]
"""Where time is counted from: ``entry``, ``line``, ``age``, ``onset``, ``course:mmf`` or ``course_end:mmf``."""

AccessId = Annotated[Name, Refers("access")]
CohortId = Annotated[Name, Refers("cohort")]
ConditionId = Annotated[Name, Refers("condition")]
CovariateId = Annotated[Name, Refers("covariate")]
DecisionId = Annotated[Name, Refers("decision")]
FindingId = Annotated[Name, Refers("finding")]
FlagId = Annotated[Name, Refers("flag")]
ItemId = Annotated[Name, Refers("item")]
LifeTableId = Annotated[Name, Refers("life_table")]
MarkerId = Annotated[Name, Refers("marker")]
NormId = Annotated[Name, Refers("norm")]
ReferenceTableId = Annotated[Name, Refers("reference_table")]
RuleId = Annotated[Name, Refers("rule")]
StateId = Annotated[Name, Refers("state")]
StrategyId = Annotated[str, Refers("strategy")]
SwitchId = Annotated[Name, Refers("switch")]
TreatmentId = Annotated[Name, Refers("treatment")]


class Document(BaseModel):
    """Base of every table: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, str_strip_whitespace=True)
