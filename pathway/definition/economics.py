"""``economics.toml``: what is used besides drugs, and what a year of life is worth.

Prices are rows of ``prices.csv``. This module must not read files, know a disease, or value anything.
"""

from __future__ import annotations

from typing import Annotated, Literal

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
    SwitchId,
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
    times_marker: bool = Field(default=False, description="per year: the quantity is for one unit of the marker")
    age_below: ValueId | None = Field(default=None, description="used by patients below this age")
    quantity_value: ValueId | None = Field(default=None, description="an evidence row in place of quantity")
    note: str = ""


class GivenMarker(Document):
    """A second variable that goes with the marker: normal given it, cut off at two ends, and averaged over."""

    mean: ValueId
    spread: ValueId = Field(description="standard deviation over everybody, not given the marker")
    marker_mean: ValueId
    marker_spread: ValueId
    correlation: ValueId
    lowest: ValueId
    highest: ValueId


class MixtureClass(Document):
    """One class of a mixture: a utility that is normal about a sum, and how likely the class is.

    Without ``share_intercept`` it is the class that the shares of the others are compared with.
    """

    intercept: ValueId
    by_marker: ValueId
    by_marker_square: ValueId
    by_other: ValueId
    by_age: ValueId
    by_age_square: ValueId
    variance: ValueId
    share_intercept: ValueId | None = None
    share_by_marker: ValueId | None = None
    share_by_other: ValueId | None = None
    share_by_other_square: ValueId | None = None


class _Map(Document):
    """Ends between which a map is told, in straight pieces; held beyond them."""

    lowest: ValueId
    highest: ValueId
    pieces: int = Field(default=24, ge=1, le=1000)


class MixtureMap(_Map):
    """Mean of a mixture of censored normals (adjusted limited dependent variable mixture) by marker, second variable, age and sex.

    Everybody at or above ``censored_from`` has utility 1. Age enters as (age - centre) / 10, times ``age_terms`` (0 leaves it out); the second
    variable as its hundredth.
    """

    form: Literal["mixture"]
    other: GivenMarker
    male: ValueId
    patient_variance: ValueId
    censored_from: ValueId
    age_centre: ValueId
    age_terms: ValueId
    classes: tuple[MixtureClass, ...] = Field(min_length=1)


class LogisticMap(_Map):
    """Logistic function of a sum: intercept, marker, age, sex, and products of a coefficient with a constant."""

    form: Literal["logistic"]
    intercept: ValueId
    by_marker: ValueId
    by_age: ValueId
    male: ValueId
    constants: tuple[tuple[ValueId, ValueId], ...] = Field(default=(), description="(coefficient, value it is multiplied by)")


UtilityMap = Annotated[MixtureMap | LogisticMap, Field(discriminator="form")]


class Utility(Document):
    """Utility of a living patient.

    (level + slope * (marker - reference) + decrements) * norm ratio, capped by the norm; or, in place of the straight line, a ``curve`` of
    straight pieces through (marker, utility), held beyond its ends; or one of several ``maps`` of marker, age and sex, chosen by the option of
    a switch that bears its name.
    """

    marker: MarkerId
    level: ValueId | None = None
    slope: ValueId | None = None
    reference: ValueId | None = None
    curve: tuple[tuple[ValueId, ValueId], ...] = Field(default=(), description="(marker, utility), ascending by marker; excludes level, slope and reference")
    maps: dict[Name, UtilityMap] = Field(default_factory=dict, description="utility by marker, age and sex; excludes level and curve")
    map_switch: SwitchId | None = Field(default=None, description="the switch whose options are the maps; left out where there is one")
    norm: NormId | None = Field(
        default=None, description="column family of utility_norms.csv; absent: no age adjustment"
    )
    source_age: ValueId | None = None
    source_share_female: ValueId | None = None
    scaled_by_norm: bool = Field(default=True, description="false: the norm caps and values added life only, as where a map knows age and sex itself")
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
