"""Virtual trials: who was in, what they got, when they were looked at, how the paper analysed it, and what it printed.

One TOML file a trial (``trials/*.toml`` of a disease folder), or a user's own file of the same form (``pathway validate --targets FILE``). Published numbers of
a library stand in ``trials/published.csv`` with unit, source and grade and are named by id; a user may write them inline. Weeks, arm sizes and thresholds
are wording of a protocol and stand in the TOML file, as thresholds do in a payer's rule. This module must not read files, know a disease, or analyse anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, StringConstraints

from pathway.definition.population import Draw, Entry
from pathway.definition.values import Parameter
from pathway.definition.words import (
    CohortId,
    CovariateId,
    DecisionId,
    Document,
    Grade,
    Label,
    MarkerId,
    Name,
    StrategyId,
    TreatmentId,
    ValueId,
)
from pathway.units import convert

Floats = NDArray[np.float64]

Duration = Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)? (days?|weeks?|months?|years?)$", max_length=30)]
"""An amount of time in words: ``52 weeks``, ``8 years``."""
Flag = Literal["C", "D", "Hs", "H"]
"""How independent a published row is.

``C`` calibration: the study supplies a number of the library, so a match shows that the code is right. ``D`` development: looked at when structures were chosen.
``Hs`` same source: the same patients supplied another number. ``H``: not used at all.
"""
Quantity = Literal[
    "slope", "change", "sd_of_change", "share_by_change", "correlation_of_changes", "level", "share_by_level", "share_responding",
    "share_keeping", "dead", "on_treatment", "median_on_treatment", "stopped", "share_taking", "completed", "failed", "events_per_year", "share_with_event",
    "cost_per_year",
]  # fmt: skip
"""What is compared; ``QUANTITIES`` tells what each is and what it needs."""
QUANTITIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "slope": ("yearly rate of change by a mixed model with random intercept and slope, visits up to `at`", ("marker", "at")),
    "change": ("mean change of a marker from `since` (entry) to `at`", ("marker", "at")),
    "sd_of_change": ("standard deviation of that change", ("marker", "at")),
    "share_by_change": ("share of patients whose change lies within the bounds", ("marker", "at")),
    "correlation_of_changes": ("correlation of the change from `since` to `middle` with that from `middle` to `at`", ("marker", "since", "middle", "at")),
    "level": ("mean of a marker or index at `at`", ("marker", "at")),
    "share_by_level": ("share of patients whose marker or index lies within the bounds at `at`", ("marker", "at")),
    "share_responding": ("share of patients who meet the response `response` at `at`", ("response", "at")),
    "share_keeping": ("share of those who met `response` at `since` who meet it at `at`, still on `treatment` if one is named", ("response", "since", "at")),
    "dead": ("share dead by `at`", ("at",)),
    "on_treatment": ("share still on `treatment` at `at`, Kaplan-Meier; stops for `reasons` count (all when empty), others and deaths are censored", ("treatment", "at")),
    "median_on_treatment": ("years until half have stopped `treatment`, Kaplan-Meier over the time to `at`; reasons as in `on_treatment`", ("treatment", "at")),
    "share_taking": ("share of the living who take one of `any_of` and nothing of `none_of` at `at`", ("at",)),
    "stopped": ("share who stopped `treatment` for `reasons` by `at`, of all who started", ("treatment", "at")),
    "completed": ("share alive, not lost and still on (or done with) `treatment` at `at`", ("at",)),
    "failed": ("share alive whom the trial's rule of failure took out by `at`", ("at",)),
    "events_per_year": ("events `event` per patient-year up to `at`", ("event", "at")),
    "share_with_event": ("share of patients with `event` by `at`", ("event", "at")),
    "cost_per_year": ("undiscounted cost per patient-year up to `at`, in the scenario's currency", ("at",)),
}
"""Quantity -> what it is, and the keys it needs besides ``arm``."""


class Bounds(Document):
    """Where a number must lie; every bound that is given must hold."""

    equals: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None


class Having(Bounds):
    """A condition on one fact at entry."""

    covariate: CovariateId


class Subgroup(Document):
    """Which patients are analysed: all of ``every``, and one of ``either`` where any is given."""

    every: tuple[Having, ...] = ()
    either: tuple[Having, ...] = ()


class Population(Document):
    """Who is in: a preset, with what the trial's patients had otherwise; or the user's own patients."""

    cohort: CohortId | None = Field(default=None, description="a preset of cohorts.toml; its numbers and values come with it")
    patients_file: str | None = Field(default=None, description="CSV of your own patients, beside this file")
    covariates: dict[CovariateId, Draw] = Field(default_factory=dict, description="draws in place of the preset's")
    entry: Entry | None = None
    set: dict[ValueId, ValueId] = Field(default_factory=dict, description="value id -> id whose value stands in")
    note: str = ""


class Visits(Document):
    """When patients are looked at, on one of the disease's schedules."""

    schedule: Name = Field(description="schedule of pathway.toml whose visits are moved")
    unit: Literal["days", "weeks", "months", "years"]
    at: tuple[float, ...] = Field(description="times of visits, ascending, 0 first")
    source: str = ""


class Failure(Document):
    """Who loses so much of a marker, as measured at a visit, leaves: the trial called it failure of treatment."""

    marker: MarkerId
    fall: float = Field(gt=0, description="below the value at entry, shown unit")
    not_before: Duration


class Dropout(Document):
    """Who is no longer looked at."""

    rate: ValueId | None = Field(default=None, description="per year; absent: nobody is lost for reasons of their own")
    with_treatment: bool = Field(default=False, description="who stops the arm's treatment (but for a completed course) leaves the study")
    failure: Failure | None = None
    source: str = ""
    note: str = ""


class Arm(Document):
    """What one group gets: a fixed regimen, or a strategy."""

    label: Label
    size: int | None = Field(default=None, ge=1, description="patients in the publication; for the interval of a trial of that size")
    regimen: tuple[TreatmentId, ...] | None = None
    strategy: StrategyId | None = Field(default=None, description="a strategy of the library or scenario, with its decisions")
    starts_after: Duration | None = Field(default=None, description="the regimen starts so long after entry")
    decisions: Literal["all", "none"] | tuple[DecisionId, ...] | None = Field(
        default=None, description="decisions in force; absent: none with a regimen, all with a strategy"
    )
    covariates: dict[CovariateId, Draw] = Field(default_factory=dict)
    entry: Entry | None = None
    set: dict[ValueId, ValueId] = Field(default_factory=dict)


class Improvement(Document):
    """One condition on a marker or index at a visit: where it lies, how it changed since entry, or both."""

    marker: Name
    level: Bounds | None = None
    change: Bounds | None = None
    relative: bool = Field(default=False, description="change is percent of the value at entry")


class Way(Document):
    """One way to meet a response: all of ``every``, and at least ``count`` of ``some``."""

    every: tuple[Improvement, ...] = ()
    some: tuple[Improvement, ...] = ()
    count: int = Field(default=0, ge=0)


class Response(Document):
    """A criterion of response, such as ACR20: met by any of its ways."""

    label: Label
    ways: tuple[Way, ...] = Field(min_length=1)
    source: str = Field(min_length=1)


class Event(Document):
    """Rows of the log: what kind, and the name."""

    kind: Literal["condition", "flag", "start", "stop", "move", "finding", "decide"]
    name: Name


class Target(Document):
    """One published number and how the virtual trial is analysed to meet it."""

    id: Name
    label: Label
    flag: Flag = "H"
    quantity: Quantity
    arm: Name
    versus: Name | None = Field(default=None, description="the arm it is compared with")
    contrast: Literal["difference", "ratio", "odds_ratio", "hazard_ratio"] = Field(
        default="difference", description="hazard_ratio: of two shares still on treatment, under proportional hazards"
    )
    mix: dict[Name, float] = Field(default_factory=dict, description="arm -> its share, where the paper's patients were a mix of arms; in place of the arm alone")
    marker: Name | None = Field(default=None, description="marker, or an index that is computed at visits")
    scale: Literal["shown", "native", "beyond_ageing"] = Field(
        default="shown", description="shown unit (points), native unit (mL), or native beyond the change of a healthy person"
    )
    at: Duration | None = None
    since: Duration | None = None
    middle: Duration | None = None
    estimator: Literal["observed", "mixed_model", "adjusted"] = Field(
        default="observed", description="observed cases; means of a mixed model for repeated measures; adjusted for entry (differences)"
    )
    missing: Literal["observed", "worst_carried", "no_response"] = Field(
        default="observed", description="who lacks the visit: left out, the worst earlier value, or counted as not within the bounds"
    )
    response: Name | None = Field(default=None, description="a criterion of table responses, or of the disease's trials/shared/responses.toml")
    bounds: Bounds | None = None
    relative: bool = Field(default=False, description="bounds are percent of the value at entry")
    treatment: TreatmentId | None = None
    treatments_by_arm: dict[Name, TreatmentId] = Field(default_factory=dict, description="arm -> its drug, where the arms compared or mixed differ in it")
    any_of: tuple[TreatmentId, ...] = Field(default=(), description="of share_taking: one of these; empty: whatever it is")
    none_of: tuple[TreatmentId, ...] = ()
    reasons: tuple[Name, ...] = ()
    event: Event | None = None
    among: Subgroup | None = None
    versus_among: Subgroup | None = Field(default=None, description="the other group, where subgroups of one arm are compared")
    size: int | None = Field(default=None, ge=1, description="patients analysed in the publication, if not the arm's size")
    published: ValueId | None = Field(default=None, description="row of published.csv; or give value, unit and source here")
    value: float | None = None
    unit: str | None = None
    low: float | None = None
    high: float | None = None
    standard_error: float | None = Field(default=None, gt=0)
    source: str = ""
    grade: Grade = "assumption"
    explanation: str = Field(default="", description="why the model is known to differ; printed beside a miss")
    not_fitted: str = Field(default="", description="of a row flagged C: which other row flagged C holds or contradicts it, so that calibration leaves it alone")
    note: str = ""


class NotAnswered(Document):
    """A published row that the model cannot answer."""

    label: Label
    why: str = Field(min_length=1)
    published: str = ""


class Course(Document):
    """A figure of a marker's mean change over trial time."""

    marker: Name
    scale: Literal["shown", "native"] = "shown"
    arms: tuple[Name, ...] = ()


class Switching(Document):
    """Look at what made patients of routine care change: measurement, or disease."""

    decision: DecisionId
    marker: Name
    stable_below: float = Field(gt=0, description="a true fall smaller than this is stable, shown unit")
    years: float = Field(gt=0, le=100, description="years of routine care that are looked at")


class OwnNumber(Document):
    """A number of a user's own, named in ``set`` or in draws."""

    value: float
    unit: str
    source: str = Field(min_length=1)
    grade: Grade = "assumption"


class TrialDocument(Document):
    """One file: a virtual trial, or a user's cohort and targets; or published rows that no virtual trial answers, which need neither people nor arms."""

    label: Label
    disease: str | None = Field(default=None, description="of a user's file: a library folder's name, unless the command line names one")
    source: str = Field(min_length=1)
    population: Population = Population()
    visits: Visits | None = None
    dropout: Dropout = Dropout()
    arms: dict[Name, Arm] = Field(default_factory=dict, description="none only in a file that lists rows without an answer")
    targets: tuple[Target, ...] = ()
    not_answered: tuple[NotAnswered, ...] = ()
    courses: tuple[Course, ...] = ()
    switching: Switching | None = None
    numbers: dict[ValueId, OwnNumber] = Field(default_factory=dict)
    responses: dict[Name, Response] = Field(default_factory=dict)
    note: str = ""


class Free(Document):
    """A number that calibration may move."""

    why: str = Field(min_length=1, description="why no paper's number can simply be taken")


class CalibrationDocument(Document):
    """``calibration.toml`` of a disease folder: what may be moved; the rows it is fitted to are flagged C in ``trials/``."""

    free: dict[ValueId, Free] = Field(min_length=1)


# --- as checked -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What the paper printed, in the house unit of its quantity.

    Attributes
    ----------
    low, high
        95 % interval; NaN where none was printed and none can be computed.
    is_computed
        Was the interval made from a standard error, not printed?
    """

    value: float
    low: float
    high: float
    unit: str
    source: str
    grade: str
    basis: str = ""
    note: str = ""
    is_computed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One virtual trial, checked.

    Attributes
    ----------
    name
        The file's name without ending.
    published
        By id of the target.
    numbers
        Parameters beyond the library's, house units: rows of ``published.csv`` and the file's own.
    responses
        Criteria of response by name: the disease's and the file's own.
    patients
        Columns of the user's own patients, if the file names some.
    """

    name: str
    document: TrialDocument
    published: Mapping[str, Published]
    numbers: Mapping[str, Parameter]
    responses: Mapping[str, Response] = field(default_factory=dict)
    patients: dict[str, Floats] | None = None

    @property
    def visit_times(self) -> tuple[float, ...]:
        """Planned visits, years since entry; empty where the disease's own schedule stands."""
        visits = self.document.visits
        return () if visits is None else tuple(years_of(f"{at:.12g} {visits.unit}") for at in visits.at)

    @property
    def last_time(self) -> float:
        """Years that must be simulated."""
        times = [years_of(target.at) for target in self.document.targets if target.at is not None]
        looked = [] if self.document.switching is None else [self.document.switching.years]
        return max([*self.visit_times, *times, *looked], default=0.0)


def years_of(duration: str) -> float:
    """Years of a duration in words.

    Examples
    --------
    >>> round(years_of("52 weeks"), 4), years_of("18 months")
    (0.9966, 1.5)
    """
    amount, word = duration.split()
    return convert(float(amount), word, "years")
