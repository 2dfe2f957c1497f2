"""What can happen: transitions, planned stops, decisions at visits, and effects on markers.

This module must not read files, know a disease, or compile anything.
"""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from pathway.definition.words import (
    Clock,
    ConditionId,
    CovariateId,
    Document,
    FindingId,
    FlagId,
    Label,
    LifeTableId,
    MarkerId,
    Name,
    RuleId,
    StateId,
    SwitchId,
    TreatmentId,
    ValueId,
)


class When(Document):
    """Structural choice: the row is in force only when the switches stand so."""

    switch: SwitchId
    option: tuple[Name, ...]


class HazardTerm(Document):
    """One factor of a hazard: exp(log_ratio * (x - reference))."""

    marker: MarkerId | None = None
    covariate: CovariateId | None = None
    treatment: TreatmentId | None = Field(default=None, description="x = 1 while on it")
    flag: FlagId | None = None
    condition: ConditionId | None = None
    response: TreatmentId | None = Field(default=None, description="x = improvement (fraction) of the present course of it")
    log_ratio: ValueId | None = Field(default=None, description="log hazard ratio per unit of x")
    ratio: ValueId | None = Field(default=None, description="hazard ratio per unit of x (its log is taken)")
    per: ValueId | None = Field(
        default=None, description="the ratio is per so many units (10 points lower: per = minus_ten)"
    )
    reference: ValueId | None = None


class Hazard(Document):
    """The baseline hazard; exactly one form."""

    rates: tuple[ValueId, ...] = Field(default=(), description="steps: per year, by phase of the clock")
    until: tuple[ValueId, ...] = ()
    weibull_shape: ValueId | None = None
    weibull_scale: ValueId | None = None
    gompertz_level: ValueId | None = None
    gompertz_slope: ValueId | None = None
    life_table: LifeTableId | None = None
    life_table_ratio: ValueId | None = None


class Jump(Document):
    """A sudden change of a marker, in shown units."""

    marker: MarkerId
    change: ValueId


class Transition(Document):
    """Something that can happen in its own time (a hazard)."""

    name: Name
    label: Label
    source_states: tuple[StateId, ...] | Literal["alive"] = Field(default="alive", alias="from")
    to: StateId | None = None
    treatment: TreatmentId | None = Field(default=None, description="one budget per course of it; only while on it")
    hazard: Hazard
    clock: Clock = "entry"
    budget: Literal["forward", "reset"] = "forward"
    terms: tuple[HazardTerm, ...] = ()
    requires_flag: FlagId | None = None
    forbids_flag: FlagId | None = None
    requires_condition: ConditionId | None = None
    forbids_condition: bool = Field(default=False, description="only while no acute condition is present")
    requires_regimen: bool = Field(default=False, description="only while on any treatment")
    where: dict[CovariateId, float] = Field(default_factory=dict, description="covariate = value")
    stops_treatment: bool = Field(default=False, description="stops the transition's own treatment")
    stops_all: bool = False
    loses_response: bool = Field(default=False, description="the response to the transition's own treatment is over; its course goes on until somebody sees it")
    reason: Name | None = Field(default=None, description="reason written beside the stop")
    condition: ConditionId | None = Field(default=None, description="the acute condition that begins")
    flag: FlagId | None = Field(default=None, description="the flag it sets")
    jumps: tuple[Jump, ...] = ()
    cause: str = Field(default="", description="for deaths: the cause as reported")
    draws_as: Name | None = Field(default=None, description="name of the draws; two products of one substance share them; absent: the transition's own")
    unless_decision: Name | None = Field(default=None, description="not in force for strategies that list this optional decision, which does the same")
    only_if: When | None = None
    note: str = ""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)


class ScheduledStop(Document):
    """A planned end: a course that is complete after a delay."""

    name: Name
    label: Label
    treatment: TreatmentId
    after: ValueId
    at_most: ValueId | None = Field(default=None, description="cumulative dose at which it is complete before that; with per_year and of")
    per_year: ValueId | None = Field(default=None, description="dose a year for one unit of the covariate in of")
    of: CovariateId | None = Field(default=None, description="covariate that the dose goes by, e.g. weight_kg")
    reason: Name = "completed"
    only_if: When | None = None


class Confirmation(Document):
    """A visit of its own that must confirm a decision."""

    after: ValueId
    when: RuleId = Field(description="rule judged at the confirmatory visit")
    measures: tuple[MarkerId, ...] = ()
    findings: tuple[FindingId, ...] = ()


class Swap(Document):
    """One treatment in place of another on the same line: a step of dose, wider spacing, or full dose again."""

    stop: TreatmentId
    start: TreatmentId


class Decision(Document):
    """What clinicians do at a visit when a rule is met; tried in file order.

    ``do``: ``next_line`` (progression: choose from the next line), ``stop`` (that treatment, with ``reason``;
    then choose again from the same line unless ``choose = false``), ``hold``, ``resume``, ``reduce`` (dose
    level), ``restore`` (full dose again), ``flag`` (set ``flag``), ``clear`` (clear ``flag``), ``exchange`` (each pair of ``exchange`` that is on, its approval with it; then to state
    ``to``, or back to the state of the present line).
    """

    name: Name
    label: Label
    when: RuleId = Field(description="rule")
    source_states: tuple[StateId, ...] | Literal["alive"] = Field(default="alive", alias="from")
    treatment: TreatmentId | None = Field(default=None, description="only while on it; what do acts on")
    do: Literal["next_line", "stop", "hold", "resume", "reduce", "restore", "flag", "clear", "exchange"]
    exchange: tuple[Swap, ...] = ()
    to: StateId | None = Field(default=None, description="exchange: the state it leads to")
    to_line_state: bool = Field(default=False, description="exchange: back to the state of the present line")
    reason: Name | None = None
    flag: FlagId | None = None
    choose: bool = True
    confirm: Confirmation | None = None
    optional: bool = Field(default=False, description="in force only for strategies that list it")
    only_if: When | None = None
    note: str = ""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Effect(Document):
    """One effect row on a marker's slope.

    ``drift``: the untreated course. ``difference``: lasting difference against the untreated course while on
    drug. ``gain``: a passing gain or loss, outside the ageing ceiling. ``ratio``: multiplies the loss beyond
    normal ageing. Units come from the evidence: ``points per year`` (ageing of the denominator is added), ``mL
    per year``; a ``drift`` in mL is total (ageing inside).
    """

    name: Name
    marker: MarkerId
    kind: Literal["drift", "difference", "gain", "ratio"]
    treatments: tuple[TreatmentId, ...] = Field(
        default=(), description="all must be on (for course_end clocks: has ended and is off)"
    )
    without: tuple[TreatmentId, ...] = Field(default=(), description="none of these may be on")
    clock: Clock = "entry"
    values: tuple[ValueId, ...]
    until: tuple[ValueId, ...] = ()
    where: dict[CovariateId, float] = Field(default_factory=dict, description="covariate = value")
    lines: tuple[int, ...] = Field(
        default=(), description="only if the first treatment's course started in one of these lines; empty: any"
    )
    dose: Literal["any", "full", "reduced"] = Field(default="any", description="only at this dose of the first treatment")
    only_if: When | None = None
    label: str = ""
    note: str = ""
