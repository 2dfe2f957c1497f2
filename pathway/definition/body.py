"""What a patient is made of: states, covariates, markers, findings, visits, acute conditions and flags.

This module must not read files, know a disease, or compile anything.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pathway.definition.words import (
    Clock,
    CovariateId,
    Document,
    FindingId,
    Label,
    MarkerId,
    ReferenceTableId,
    TreatmentId,
    ValueId,
)


class State(Document):
    """A health state: the patient's place in the pathway."""

    label: Label
    line: int | None = Field(
        default=None,
        ge=0,
        description="regimens of this line put the patient here; the highest also serves later lines",
    )
    is_start: bool = False
    is_last_resort: bool = Field(default=False, description="where no candidate is left: always open")
    is_absorbing: bool = False
    is_tapering: bool = False
    visits: bool = Field(default=True, description="do visits go on in this state")


class Covariate(Document):
    """A fact of the patient at entry; a column of the cohort."""

    label: Label
    unit: str
    low: float = Field(description="values outside [low, high] are refused in a user's own patients")
    high: float
    recorded: bool = Field(default=True, description="does the record hold it from entry")

    @property
    def is_indicator(self) -> bool:
        """Whether it is either 0 or 1, as its unit says."""
        return self.unit in ("0/1", "yes or no")


class Marker(Document):
    """A true quantity with a path, measured with error at visits."""

    label: Label
    unit: str = Field(description="native unit, e.g. mL")
    shown_unit: str = Field(
        default="", description="unit of hazards, bounds and rules, e.g. points (percent of predicted)"
    )
    percent_of: ReferenceTableId | None = Field(
        default=None,
        description="reference table (reference_equations.csv) that makes native into percent of predicted",
    )
    factor: CovariateId | None = Field(
        default=None, description="covariate: the patient's factor on the reference table"
    )
    baseline: CovariateId = Field(description="covariate with the true value at entry, in shown_unit")
    lower: ValueId
    upper: ValueId
    cannot_outgrow_ageing: bool = Field(
        default=False, description="lasting effects never lift the slope above normal ageing"
    )
    personal_slope_sd: ValueId | None = None
    process_sd_one_year: ValueId | None = Field(
        default=None, description="SD of the one-year change of the mean-reverting walk"
    )
    process_memory: ValueId | None = Field(default=None, description="years; the walk keeps exp(-dt/memory)")
    process_heavy_tails: bool = False
    error_sd: ValueId
    error_heavy_tails: bool = False
    round_to: ValueId | None = Field(default=None, description="native unit")
    missing: ValueId | None = Field(default=None, description="probability that a visit yields no value")


class FindingTerm(Document):
    """One term of a finding's predictor."""

    marker: MarkerId | None = None
    change_since_entry: bool = Field(default=False, description="the marker's true change since entry, not its level")
    change_over: ValueId | None = Field(
        default=None, description="the marker's true change over the last so many years (at grid resolution)"
    )
    treatment: TreatmentId | None = Field(default=None, description="1 while on it")
    covariate: CovariateId | None = None
    slope: ValueId
    reference: ValueId | None = None


class Finding(Document):
    """An observation drawn at visits that is not a marker: yes/no, banded or continuous.

    ``yes_no``: log odds = ``level`` + sum(slopes * (term - reference)). ``banded``: probabilities of bands 1, 2,
    ... by ``bands`` (the rest is band 0). ``continuous``: ``level`` (or covariate) + sum(...) + ``error_sd`` *
    normal.
    """

    label: Label
    kind: Literal["yes_no", "banded", "continuous"]
    unit: str = ""
    level: ValueId | None = None
    level_covariate: CovariateId | None = None
    log_scale: bool = Field(default=False, description="continuous: the predictor is the log of the value")
    terms: tuple[FindingTerm, ...] = ()
    error_sd: ValueId | None = None
    bands: tuple[ValueId, ...] = ()
    while_on: tuple[TreatmentId, ...] = Field(default=(), description="drawn only while on one of these treatments")
    missing: ValueId | None = None


class Schedule(Document):
    """Planned visits: every so often, by phase, from a clock."""

    label: Label
    clock: Clock = "entry"
    every: tuple[ValueId, ...]
    until: tuple[ValueId, ...] = Field(default=(), description="one fewer than every; ends of the phases")
    measures: tuple[MarkerId, ...] = ()
    findings: tuple[FindingId, ...] = ()
    while_on: tuple[TreatmentId, ...] = ()


class Condition(Document):
    """An acute condition: at most one at a time."""

    label: Label
    recovery: ValueId = Field(description="fixed delay until recovery")
    recovery_exponential: bool = Field(default=False, description="the delay is drawn, exponential with this mean")
    holds: tuple[TreatmentId, ...] = Field(default=(), description="treatments whose doses are held meanwhile")


class Flag(Document):
    """A yes/no register: transitions and decisions set it, decisions clear it."""

    label: Label
    at_entry: CovariateId | None = Field(default=None, description="covariate (0/1) that sets it at entry")
