"""``economics.toml``: what is used besides drugs, and what a year of life is worth.

Prices are rows of ``prices.csv``. This module must not read files, know a disease, or value anything.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pathway.definition.words import (
    ConditionId,
    Document,
    FlagId,
    ItemId,
    Label,
    MarkerId,
    Name,
    NormId,
    StateId,
    TreatmentId,
    ValueId,
)


class Resource(Document):
    """A use of something priced that is not a drug: what causes it, and which item it is.

    ``per``: ``year`` (in ``states``, with optional ``conditions``/``flags``/band of a marker), ``event`` (a log
    row of ``kind`` and ``name``), ``visit`` (each visit of ``schedule``) or ``death``.
    """

    item: ItemId
    category: Name
    label: Label
    per: Literal["year", "event", "visit", "death"]
    states: tuple[StateId, ...] | Literal["alive"] = "alive"
    kind: str | None = Field(
        default=None, description="event: kind of log row, e.g. condition, move, request, deny, start"
    )
    name: str | None = Field(default=None, description="event: the row's name; visit: schedule")
    while_on: tuple[TreatmentId, ...] = ()
    requires_flag: FlagId | None = None
    requires_condition: ConditionId | None = None
    marker: MarkerId | None = None
    marker_below: ValueId | None = None
    marker_at_least: ValueId | None = None
    quantity: float = Field(default=1.0, gt=0)
    note: str = ""


class Utility(Document):
    """Utility of a living patient.

    (level + slope * (marker - reference) + decrements) * norm ratio, capped by the norm; or, in place of the straight line, a ``curve`` of
    straight pieces through (marker, utility), held beyond its ends.
    """

    marker: MarkerId
    level: ValueId | None = None
    slope: ValueId | None = None
    reference: ValueId | None = None
    curve: tuple[tuple[ValueId, ValueId], ...] = Field(default=(), description="(marker, utility), ascending by marker; excludes level, slope and reference")
    norm: NormId | None = Field(
        default=None, description="column family of utility_norms.csv; absent: no age adjustment"
    )
    source_age: ValueId | None = None
    source_share_female: ValueId | None = None
    capped_by_norm: bool = True
    conditions: dict[ConditionId, ValueId] = Field(
        default_factory=dict, description="decrement while the condition lasts"
    )
    flags: dict[FlagId, ValueId] = Field(default_factory=dict)
    states: dict[StateId, ValueId] = Field(default_factory=dict)
    treatments: dict[TreatmentId, ValueId] = Field(default_factory=dict)
    other_markers: dict[MarkerId, ValueId] = Field(
        default_factory=dict, description="slope per unit above 0 of another marker"
    )
    not_valued: tuple[str, ...] = Field(default=(), description="named in the report as not valued")


class EconomicsDocument(Document):
    """``economics.toml``."""

    utility: Utility
    resources: tuple[Resource, ...]
    drug_categories: dict[Name, str] = Field(default_factory=dict)
    price_index: dict[str, dict[str, float]] = Field(default_factory=dict, description="index name -> year -> level")
    price_index_source: str = ""
