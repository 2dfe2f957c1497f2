"""Waist 1: the program, all that an engine may know; and the contract that every engine keeps.

What a program means
====================

1. *State and registers.* Time is years since entry. A patient is in exactly one state. Beside the state stand registers: the regimen (a set of
   treatments), one course per treatment (start, end, count, line it started in), doses held or reduced, one acute condition and its
   recovery, flags (transitions and decisions set them, decisions clear them), approvals, at most one open start request and one renewal. The last row of a history is absorbing, or ``END`` at the horizon.
2. *Transitions* are timed (a hazard), scheduled (a delay) or decisions (at once, after the event that asked). At equal times the order is that of :class:`Turn`:
   horizon, absorbing timed, other timed, scheduled, request steps, expiry, scheduled visits, confirmatory visits, knots; inside a class, definition order.
   Nothing else happens at the horizon.
3. *Budgets.* A timed transition owns one unit-exponential draw per occurrence, keyed by its name. Time spends it at the hazard in force; when spent, it fires. ``forward``
   budgets rest where the transition is not active; ``reset`` budgets are drawn anew each time it becomes active again. A transition of a treatment
   has one budget per course, keyed by the course's number.
4. *Hazards.* ``h(t) = baseline(clock) * exp(sum beta * (M(t) - ref) + sum gamma * x)``. Baselines are steps, Weibull, Gompertz or a life table. Markers enter
   only with steps and Gompertz. A step is reached when ``t >= start + edge``. Inside a segment the hazard is ``level * exp(slope * s)``: integral and inverse are closed
   forms. It fires in the segment if its integral to the next knot is at least what is left; its time is the inverse, not later than the knot. A transition that
   no marker, regimen, condition, flag, state or line touches is inverted once, at entry. After the last age of a life table its last hazard goes on.
5. *Knots* are grid points, phase edges, and events that change state, regimen, line, condition, flag or marker. Visits, requests and decisions that change nothing
   do not cut. Where markers run straight from phase to phase (not :attr:`Program.is_gridded`) grid points are no knots, and it is one where a marker meets a bound.
6. *Markers.* Over a segment from t0 to t1 a marker runs straight, in native and in shown units. With P the denominator (1 in shown units of 1 when there is none):
   ageing alone gives ``A = m0 * P1 / P0``; drift and lasting differences displace it by D; if the marker cannot outgrow ageing, D is at most that of drift
   alone or zero, whichever is larger; if D < 0 it is multiplied by the ratios in force; then come gains, responses, the personal slope and the innovations of the
   grid interval. Bounds clip the projected end. A *response* is drawn once for a patient and a treatment: with u uniform and f the product of the factors whose
   rules are met, the latent value is ``level + shifts + sd * quantile(1 - u / f)`` (the curve's lowest point when ``u >= f``), a curve makes it an improvement, and each
   share an amount: improvement times the marker's value (at most down to its lower bound), or plain; what a drug does to a marker by itself is added. The value is that which the
   marker would return to: now, plus what earlier courses have yet to give back. Phases of the course spend the amount; once the response is over, because the
   course ended or because a transition lost it, phases give back what was reached. An exchange for a treatment of the same draw (a step of dose, spacing) carries
   what was reached over: nothing is given back, and the new course goes on from there; what was lost before it stays lost.
7. *Measurement* happens at visits only: true value plus keyed error, rounded in native units, possibly missing. The key is (marker, schedule; index in it and occurrence of
   its clock); a confirmatory visit has streams of its own. Schedules that fall together make one visit. Findings are drawn at visits. An *index*
   (a sum of transformed markers) exists in the record only: at a visit that measured all its markers.
8. *Rules see the record*: measured values, findings, covariates recorded at entry, prescriptions and stops with reasons. Four values, strong Kleene. A guard passes
   on met only. The deciding clause is the first leaf in file order that alone fixes the value.
9. *Choosing.* Candidates of a line in order, then of the following lines. A candidate is out if it newly starts a treatment barred by a reason of
   :attr:`Program.barring`. None left: the last resort, no treatment.
10. *Requests.* A choice that newly starts a treatment opens the start request: submission, decision, information, peer-to-peer, appeal, supply, each with its
    delay (zero where nobody waits; supply takes as long as the slowest treatment that starts). What starts without authorisation waits for supply only.
    *The submitted copy*: the payer's rules are answered on the record as of submission, each kind of document present with a keyed draw a request; a leaf
    whose document is missing is not documented. Every treatment that newly starts and needs authorisation must pass its own rule. Not documented leads to an
    information request, at whose end each missing document comes with a stated probability and the rules are answered once more, on the record of then; still
    not documented is a denial for insufficient documentation.
    *Denials* have three kinds (:class:`Denial`), each with its own chances of resubmission (at most one an order), peer-to-peer and appeal; what passes the
    rules may still be denied with the declared residual probabilities. A denied order may be abandoned. A final denial or an abandoned order leads to the
    next candidate.
    *Meanwhile* the declared bridge applies: the present regimen goes on, or stops, or named treatments are added to it, which stop for reason ``bridge`` when
    the choice is made.
    *Approvals* run from the start of the course. A renewal is filed ``renewal_lead`` before the approval ends, visit or not, and keeps the approval until it
    is decided; one that is denied is not filed again. When an approval has ended for ``grace`` years, the course stops for reason ``not_covered``, which bars
    nothing. While one renewal is open another waits, with its approval kept. A hold stops doses, not course or approval. Death or a stop that makes a request
    void closes it with a row: what it would start is barred now, or needs an approval that nobody asked for.
11. *Draws* are pure functions of (seed, sample, patient, stream name, index).
12. *The log* is :mod:`pathway.eventlog`.

Ties and edges settled here: at time 0 the first visit comes before the choice of the first regimen, so that guards see the baseline, and no decision is tried at it; a visit is
held only in states whose ``state_visits`` is true; at most one confirmatory visit is pending; a decision is tried at most once a visit and not at all while a
start request is open if it would choose; a treatment that starts while a condition holds it starts held; a patient who makes more than :data:`EVENT_LIMIT` rows is refused.

A program is immutable. It names no file, price or utility.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
INFINITY = float("inf")
EVENT_LIMIT = 20_000
LINE_STATE = -2
FAILURES = ("progression", "inefficacy", "primary_failure", "secondary_failure")
"""Reasons of stopping that say: it did not work."""
UNSAFE = ("contraindication", "safety")
"""Reasons of stopping that say: it must not be taken."""


class Turn(IntEnum):
    """Order of events at equal times."""

    HORIZON = 0
    ABSORBING = 1
    TIMED = 2
    SCHEDULED = 3
    REQUEST = 4
    EXPIRY = 5
    VISIT = 6
    CONFIRMATION = 7
    KNOT = 8


class ClockKind(IntEnum):
    """Where time is counted from."""

    ENTRY = 0
    LINE = 1
    AGE = 2
    ONSET = 3
    COURSE = 4
    COURSE_END = 5


class Form(IntEnum):
    """Shape of a baseline hazard."""

    STEPS = 0
    WEIBULL = 1
    GOMPERTZ = 2
    TABLE = 3


class EffectKind(IntEnum):
    """What an effect row does to a slope."""

    DRIFT = 0
    DIFFERENCE = 1
    GAIN = 2
    RATIO = 3
    RESPONSE = 4
    REBOUND = 5


class Transform(IntEnum):
    """What an index does to a measured value before it is weighed."""

    IDENTITY = 0
    SQRT = 1
    LOG = 2
    LOG1P = 3
    EXPM1 = 4


class Op(IntEnum):
    """Operations of rule code (postfix)."""

    LEAF = 0
    ALL = 1
    ANY = 2
    AT_LEAST = 3
    NOT = 4
    APPLIES_IF = 5
    ALWAYS = 6


class Denial(IntEnum):
    """Kinds of denial: the payer's own rule is not met; it is met and yet denied on the merits; documents are missing."""

    RULE = 0
    RESIDUAL = 1
    DOCUMENTS = 2


class Action(IntEnum):
    """What a decision does."""

    NEXT_LINE = 0
    STOP = 1
    HOLD = 2
    RESUME = 3
    REDUCE = 4
    FLAG = 5
    EXCHANGE = 6
    CLEAR = 7
    RESTORE = 8


class Dose(IntEnum):
    """At which dose of its first treatment an effect row acts."""

    ANY = -1
    FULL = 0
    REDUCED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """A clock; ``treatment`` only for COURSE and COURSE_END."""

    kind: ClockKind = ClockKind.ENTRY
    treatment: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """Values by phase of a clock: ``values[k]`` until ``edges[k]`` (years on the clock); the last edge is infinite."""

    values: tuple[float, ...]
    edges: tuple[float, ...] = (INFINITY,)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerSpec:
    """A marker. Values in shown units but for ``round_to`` (native). ``reference`` indexes ``Program.references``; -1: native = shown."""

    name: str
    baseline: int
    reference: int = -1
    factor: int = -1
    lower: float = -INFINITY
    upper: float = INFINITY
    ageing_ceiling: bool = False
    personal_slope_sd: float = 0.0
    walk_keep: float = 1.0
    walk_sd: float = 0.0
    walk_heavy: bool = False
    error_sd: float = 0.0
    error_heavy: bool = False
    round_to: float = 0.0
    missing: float = 0.0
    slope_stream: int = 0
    walk_stream: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A denominator: predicted native value by age for a standard patient, straight between entries.

    ``tables[sex]`` with sex 0 = male, 1 = female, shape (n,); the first entry is at ``first_age``, spacing ``step`` years. Held beyond its ends.
    """

    name: str
    first_age: float
    step: float
    tables: tuple[Floats, Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class LifeTable:
    """Cumulative hazard at whole ages 0, 1, ..., by sex (0 male, 1 female), shape (n + 1,)."""

    name: str
    tables: tuple[Floats, Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectSpec:
    """One effect row. ``per_year`` in shown units a year, or native if ``native``; a plain factor for RATIO.

    ``needs`` and ``without`` are bit sets of treatments; ``lines`` a bit set of lines in which the first treatment's course started (0: any);
    ``where`` pairs (covariate, value). ``dose`` of the first treatment at which the row acts. With a COURSE_END clock the clock's treatment must be off
    after having been on.
    """

    name: str
    marker: int
    kind: EffectKind
    per_year: Phases
    native: bool = False
    clock: Clock = Clock()
    needs: int = 0
    without: int = 0
    first_treatment: int = -1
    lines: int = 0
    where: tuple[tuple[int, float], ...] = ()
    dose: Dose = Dose.ANY


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseShare:
    """What a response means for one marker: it falls by ``(direct + weight * (improvement + noise_sd * normal)) * (value or 1)``, shown units.

    ``direct`` is what the drug does to the marker by itself; a relative fall ends at the marker's lower bound (or 0).
    """

    marker: int
    weight: float
    direct: float = 0.0
    is_relative: bool = True
    noise_sd: float = 0.0
    stream: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseSpec:
    """How well a treatment works in a patient, drawn once for patient and ``stream`` (treatments may share one).

    ``shifts`` and ``factors`` are pairs (rule, number) judged as a course begins. ``curve`` pairs (latent value, improvement), ascending, straight
    between and held beyond its ends.
    """

    treatment: int
    stream: int
    level: float
    sd: float
    curve: tuple[tuple[float, float], ...]
    shares: tuple[ResponseShare, ...]
    shifts: tuple[tuple[int, float], ...] = ()
    factors: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSpec:
    """An index of disease activity: ``constant + sum(weight * transform(marker))``; terms are (marker, weight, transform)."""

    name: str
    terms: tuple[tuple[int, float, int], ...]
    constant: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionSpec:
    """A timed transition.

    ``sources`` bit set of states; ``to`` state or -1; ``treatment`` -1 or the course that owns the budget. ``marker_terms`` (marker, beta, reference); ``covariate_terms``
    (covariate, gamma, reference); ``treatment_terms``, ``flag_terms``, ``condition_terms`` (index, gamma); ``response_terms`` (treatment, gamma, reference) on the improvement of the present course. ``stops`` bit set of treatments;
    ``loses_response``: the response of ``treatment`` is over, its course goes on. ``is_invariant``: inverted once at entry.
    """

    name: str
    stream: int
    sources: int
    to: int = -1
    treatment: int = -1
    form: Form = Form.STEPS
    rates: Phases = Phases(values=(0.0,))
    shape: float = 1.0
    scale: float = 1.0
    level: float = 0.0
    slope: float = 0.0
    table: int = -1
    clock: Clock = Clock()
    reset: bool = False
    marker_terms: tuple[tuple[int, float, float], ...] = ()
    covariate_terms: tuple[tuple[int, float, float], ...] = ()
    treatment_terms: tuple[tuple[int, float], ...] = ()
    flag_terms: tuple[tuple[int, float], ...] = ()
    condition_terms: tuple[tuple[int, float], ...] = ()
    response_terms: tuple[tuple[int, float, float], ...] = ()
    requires_flag: int = -1
    forbids_flag: int = -1
    requires_condition: int = -1
    forbids_condition: bool = False
    requires_regimen: bool = False
    where: tuple[tuple[int, float], ...] = ()
    stops: int = 0
    loses_response: bool = False
    reason: str = ""
    condition: int = -1
    flag: int = -1
    jumps: tuple[tuple[int, float], ...] = ()
    cause: str = ""
    is_invariant: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledSpec:
    """A course that is complete after a delay: ``after`` years, or ``reach / covariate`` years if that is earlier (-1: none).

    The second is a cumulative dose: what may be given in all, over what a unit of the covariate (a kg) is given in a year.
    """

    name: str
    treatment: int
    after: float
    reason: str
    covariate: int = -1
    reach: float = INFINITY


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionSpec:
    """An acute condition; ``holds`` bit set of treatments."""

    name: str
    stream: int
    recovery: float
    exponential: bool
    holds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingTermSpec:
    """One term of a finding's predictor: exactly one of marker, treatment and covariate is not -1.

    With a marker: its level, its change since entry, or its change over ``window`` years (true values, at grid points).
    """

    marker: int = -1
    since_entry: bool = False
    window: float = 0.0
    treatment: int = -1
    covariate: int = -1
    slope: float = 0.0
    reference: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingSpec:
    """A finding. ``kind`` yes_no, banded or continuous. ``while_on`` bit set (0: always)."""

    name: str
    kind: str
    level: float = 0.0
    level_covariate: int = -1
    log_scale: bool = False
    terms: tuple[FindingTermSpec, ...] = ()
    error_sd: float = 0.0
    bands: tuple[float, ...] = ()
    while_on: int = 0
    missing: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSpec:
    """Planned visits at ``offsets`` (years on ``clock``: ENTRY, LINE or COURSE), ascending.

    ``streams[marker or markers + finding]`` are the stream ids of what it measures; 0 where it does not.
    """

    name: str
    clock: Clock
    offsets: Floats
    measures: tuple[int, ...]
    findings: tuple[int, ...]
    while_on: int = 0
    streams: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSpec:
    """A rule as postfix code: rows ``first`` to ``last`` (excluded) of ``Program.code``."""

    name: str
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRow:
    """One operation. LEAF: ``field`` (index into ``pathway.rules.FIELDS``), ``of`` (index of what), ``window`` (inf: any age), bounds.

    A leaf is met when ``at_least <= x``, ``x <= at_most``, ``above < x`` and ``x < below``. ALL, ANY, AT_LEAST: ``count`` operands, AT_LEAST ``needed`` of them.
    ``document``: index into ``AccessSpec.documents`` of the kind of document in which a payer must find the leaf; -1: none.
    """

    op: Op
    field: int = -1
    of: int = -1
    window: float = INFINITY
    at_least: float = -INFINITY
    at_most: float = INFINITY
    above: float = -INFINITY
    below: float = INFINITY
    count: int = 0
    needed: int = 0
    document: int = -1
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationSpec:
    """A visit of its own that must confirm."""

    after: float
    rule: int
    measures: tuple[int, ...]
    findings: tuple[int, ...]
    streams: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionSpec:
    """A decision tried at visits. ``sources`` bit set of states; ``treatment`` -1: any.

    EXCHANGE: each pair (from, to) of ``exchange`` of which the first is on; then to state ``to`` (-1: stays, :data:`LINE_STATE`: that of the present line).
    """

    name: str
    rule: int
    sources: int
    action: Action
    treatment: int = -1
    reason: str = ""
    flag: int = -1
    choose: bool = True
    confirm: ConfirmationSpec | None = None
    exchange: tuple[tuple[int, int], ...] = ()
    to: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateSpec:
    """A regimen (bit set) and its guard (index of a rule; -1: always)."""

    regimen: int
    rule: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class DelaySpec:
    """A delay in years: ``fixed``, ``exponential`` or ``lognormal`` with mean ``mean`` and log-scale SD ``sd_log``."""

    mean: float = 0.0
    family: str = "fixed"
    sd_log: float = 0.0
    stream: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DenialSpec:
    """What may follow a denial of one kind: probabilities, tried in this order."""

    resubmission: float = 0.0
    peer_to_peer: float = 0.0
    peer_to_peer_success: float = 0.0
    appeal: float = 0.0
    appeal_success: float = 0.0


PRESENT_REGIMEN = -1
"""``AccessSpec.bridge``: what a patient takes goes on while a request is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessSpec:
    """The life of a request.

    Attributes
    ----------
    treatments
        Bit set of what needs authorisation.
    start_rules, renewal_rules
        Per treatment a rule, -1: always met; empty: -1 for all.
    submission, decision, information, peer_to_peer, appeal
        Delays of the stages.
    supplies
        Per treatment the delay from approval to first dose; empty: none.
    documents
        Per kind of document the probability that the submitted copy holds it.
    completes
        Probability that a document that was missing is sent when asked for.
    residual_merits, residual_documents
        Probability that what passes the rules is denied all the same, on the merits or for documents.
    denials
        What follows each :class:`Denial`.
    abandonment
        Probability that a denied order is given up at once.
    approval_lasts, renewal_lasts, renewal_lead, grace
        Years.
    bridge
        :data:`PRESENT_REGIMEN`, 0 (nothing) or a bit set of treatments added to the present regimen.
    """

    treatments: int
    start_rules: tuple[int, ...] = ()
    renewal_rules: tuple[int, ...] = ()
    submission: DelaySpec = DelaySpec()
    decision: DelaySpec = DelaySpec()
    information: DelaySpec = DelaySpec()
    peer_to_peer: DelaySpec = DelaySpec()
    appeal: DelaySpec = DelaySpec()
    supplies: tuple[DelaySpec, ...] = ()
    documents: tuple[float, ...] = ()
    completes: float = 1.0
    residual_merits: float = 0.0
    residual_documents: float = 0.0
    denials: tuple[DenialSpec, DenialSpec, DenialSpec] = (DenialSpec(), DenialSpec(), DenialSpec())
    abandonment: float = 0.0
    approval_lasts: float = INFINITY
    renewal_lasts: float = INFINITY
    renewal_lead: float = 0.0
    grace: float = 0.0
    bridge: int = PRESENT_REGIMEN
    stream: int = 0
    document_stream: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A legal move of the state machine: what ``draw`` shows and the reference engine's machine obeys."""

    trigger: str
    label: str
    sources: int
    to: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Everything an engine may know about one strategy under one set of values.

    Attributes
    ----------
    names
        The log's table of names; ``name_ids`` is its inverse.
    states, treatments, markers, findings, conditions, flags, covariates
        Names (or specifications) in definition order; bit k of a bit set is the k-th.
    state_line
        Per state: its line, or -1. ``line_states[L]`` is the state of line L (L = 0: the start state).
    lines
        Per line 1, 2, ...: its candidates.
    responses, indices
        How treatments work in a patient, at most one a treatment; indices of measured markers.
    barring
        Reasons of stopping that bar a treatment for good.
    age, female, onset
        Covariate indices of age (years), sex (1 female) and years since disease onset at entry; -1 if the disease has none.
    grid
        Years between grid points.
    horizon
        Years; the history is censored there.
    """

    strategy: str
    names: tuple[str, ...]
    states: tuple[str, ...]
    state_line: tuple[int, ...]
    state_visits: tuple[bool, ...]
    absorbing: int
    start_state: int
    last_resort: int
    line_states: tuple[int, ...]
    treatments: tuple[str, ...]
    covariates: tuple[str, ...]
    markers: tuple[MarkerSpec, ...]
    references: tuple[Reference, ...]
    life_tables: tuple[LifeTable, ...]
    findings: tuple[FindingSpec, ...]
    conditions: tuple[ConditionSpec, ...]
    flags: tuple[str, ...]
    flags_at_entry: tuple[int, ...]
    schedules: tuple[ScheduleSpec, ...]
    rules: tuple[RuleSpec, ...]
    code: tuple[CodeRow, ...]
    transitions: tuple[TransitionSpec, ...]
    scheduled: tuple[ScheduledSpec, ...]
    decisions: tuple[DecisionSpec, ...]
    effects: tuple[EffectSpec, ...]
    lines: tuple[tuple[CandidateSpec, ...], ...]
    access: AccessSpec
    moves: tuple[Move, ...]
    horizon: float
    grid: float = 0.25
    age: int = -1
    female: int = -1
    onset: int = -1
    barring: tuple[str, ...] = (*FAILURES, "intolerance", "contraindication")
    responses: tuple[ResponseSpec, ...] = ()
    indices: tuple[IndexSpec, ...] = ()
    name_ids: dict[str, int] = field(default_factory=dict)

    @property
    def is_gridded(self) -> bool:
        """Are all grid points knots: does a marker walk or have a denominator, which bends its course, or does a finding look back along the grid?"""
        bends = any(marker.walk_sd > 0.0 or marker.reference >= 0 for marker in self.markers)
        return bends or any(term.window > 0.0 for finding in self.findings for term in finding.terms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """Patients at entry, the same for every strategy.

    Attributes
    ----------
    covariates
        Names of the columns, as in ``Program.covariates``.
    values
        Shape (n, covariates); house units.
    patient
        Shape (n,); the patient's number, part of every draw's key. A chunk keeps its own numbers.
    line, regimen, failed
        Shape (n,); line at entry (0: untreated), treatments then on (bit set) and barred before (bit set).
    years_on
        Shape (n,); years on the entry regimen before entry.
    choose
        ``next_line``, ``same_line`` or ``none``: what is chosen at entry; ``reason`` the reason then written beside stops.
    """

    covariates: tuple[str, ...]
    values: Floats
    patient: NDArray[np.int64]
    line: NDArray[np.int64]
    regimen: NDArray[np.int64]
    failed: NDArray[np.int64]
    years_on: Floats
    choose: str = "next_line"
    reason: str = "progression"

    @property
    def size(self) -> int:
        """Number of patients."""
        return int(self.patient.shape[0])

    def part(self, first: int, last: int) -> Cohort:
        """Patients ``first`` to ``last`` (excluded), by position; numbers and so draws stay theirs."""
        piece = slice(first, last)
        return Cohort(
            covariates=self.covariates,
            values=self.values[piece],
            patient=self.patient[piece],
            line=self.line[piece],
            regimen=self.regimen[piece],
            failed=self.failed[piece],
            years_on=self.years_on[piece],
            choose=self.choose,
            reason=self.reason,
        )
