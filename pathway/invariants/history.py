"""Histories as invariants read them: a log, what is known at entry, and the names that the log's words stand for.

A history is read at two grains. A *moment* is everything that happened to one patient at one time: what lasts (state, regimen, line) is as its last row left
it, and an event happened if any of its rows says so. A *row* is one row of the log. A :class:`Trace` holds all patients at one grain side by side, so that
formulas are answered for everybody at once. This module must not know an engine, a disease or a drug.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from pathway.eventlog import EventLog, Kind
from pathway.program import INFINITY, Cohort, Program

if TYPE_CHECKING:
    from pathway.definition.scenario import Scenario

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Column = NDArray[np.generic]
Array = TypeVar("Array", bound=Column)

Grain = Literal["moment", "row"]
DAYS_PER_YEAR = 365.25


class Agent(Protocol):
    """What is needed of a drug of ``agents.toml``: its classes and the treatments that it is."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of classes."""

    @property
    def treatments(self) -> tuple[str, ...]:
        """Ids of treatments."""


def groups_of(agents: Mapping[str, Agent]) -> dict[str, tuple[str, ...]]:
    """Agents and classes, each with its treatments: what ``on("tnf_inhibitor")`` stands for.

    An agent that names no treatment is taken to be the treatment of its own name.
    """
    groups: dict[str, dict[str, None]] = {}
    for name, agent in agents.items():
        for group in (name, *agent.classes):
            groups.setdefault(group, {}).update(dict.fromkeys(agent.treatments or (name,)))
    return {name: tuple(treatments) for name, treatments in groups.items()}


@dataclass(frozen=True, kw_only=True)
class History:
    """Histories of one cohort under one strategy, and the names an invariant may use.

    Only ``log`` is needed. What is left out is *not carried*, and an invariant that needs it says so instead of passing.

    Attributes
    ----------
    log
        What happened.
    covariates
        Known at entry, by name; each of shape (patients,).
    groups
        Agents and classes -> treatments; see :func:`groups_of`. A treatment's own id always works.
    disease
        Id of the disease, ``ssc_ild``; empty: unknown, and invariants of every disease are asked.
    profiles
        Codes of the payers' rules in force, ``P-SEED-SSC``.
    absorbing
        States that nobody leaves.
    line_states
        State -> line of therapy; -1: none.
    retreatments
        Names (of a decision or transition) that may lower the line number.
    asked
        Treatments whose start needs authorisation.
    approval_days
        Longest time from an approval, or from the start it allowed, to the end of cover, grace included; infinite: approvals do not end.
    bridge
        Treatments that may be taken while a request is open.
    taken_over
        Treatments that may take over the approval of one that they replace on the same line.
    failed_before
        Treatments barred before entry, one bit set a patient.
    """

    log: EventLog
    covariates: Mapping[str, Floats] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    disease: str = ""
    profiles: frozenset[str] = frozenset()
    absorbing: tuple[str, ...] = ()
    line_states: Mapping[str, int] = field(default_factory=dict)
    retreatments: frozenset[str] = frozenset()
    asked: tuple[str, ...] = ()
    approval_days: float = INFINITY
    bridge: tuple[str, ...] = ()
    taken_over: tuple[str, ...] = ()
    failed_before: Ints | None = None
    _traces: dict[str, Trace] = field(default_factory=dict, init=False, repr=False, compare=False)
    _at: dict[int, Ints] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        log: EventLog,
        program: Program,
        cohort: Cohort,
        *,
        agents: Mapping[str, Agent] | None = None,
        disease: str = "",
        profiles: Iterable[str] = (),
    ) -> History:
        """Histories that an engine made, with all that their program and cohort tell."""
        access = program.access
        lasts = max(access.approval_lasts, access.renewal_lasts)
        return cls(
            log=log,
            covariates={name: cohort.values[:, number] for number, name in enumerate(cohort.covariates)},
            groups=groups_of(agents or {}),
            disease=disease,
            profiles=frozenset(profiles),
            absorbing=tuple(name for bit, name in enumerate(program.states) if program.absorbing >> bit & 1),
            line_states=dict(zip(program.states, program.state_line, strict=True)),
            asked=_named(program.treatments, access.treatments),
            approval_days=(lasts + access.renewal_lead + access.grace) * DAYS_PER_YEAR,
            bridge=_named(program.treatments, access.bridge) if access.bridge > 0 else (),
            taken_over=tuple(dict.fromkeys(program.treatments[other] for decision in program.decisions for _, other in decision.exchange)),
            failed_before=cohort.failed,
        )

    @classmethod
    def of_run(cls, log: EventLog, program: Program, cohort: Cohort, scenario: Scenario, strategy: str) -> History:
        """Histories of one strategy of a study, with the library's drugs and the payers' rules that were in force."""
        rules = (rule for one in scenario.access(strategy).of.values() for rule in (one.start, one.renewal) if rule)
        library = scenario.library
        return cls.of(log, program, cohort, agents=library.policies.agents, disease=library.pathway.disease.id, profiles=rules)

    def first_patients(self, patients: int) -> History:
        """The same of the first patients only."""
        events, path = self.log.events, self.log.path
        if patients >= self.log.patients:
            return self
        numbers = np.unique(events["patient"])[:patients]
        rows, knots = np.isin(events["patient"], numbers), np.isin(path.get("patient", np.zeros(0)), numbers)
        log = replace(
            self.log,
            events={name: column[rows] for name, column in events.items()},
            path={name: column[knots] for name, column in path.items()},
            patients=int(numbers.size),
        )
        failed = self.failed_before[:patients] if self.failed_before is not None else None
        return replace(self, log=log, covariates={name: values[:patients] for name, values in self.covariates.items()}, failed_before=failed)

    def trace(self, grain: Grain = "moment") -> Trace:
        """All patients at one grain."""
        if grain not in self._traces:
            self._traces[grain] = Trace(self, grain)
        return self._traces[grain]

    def treatments_of(self, *names: str, but: Iterable[str] = ()) -> tuple[str, ...]:
        """Treatments of these histories that names of drugs or classes stand for, in the log's order."""
        apart = set(self.treatments_of(*but)) if but else set()
        wanted = {treatment for name in names for treatment in self.groups.get(name, (name,))}
        return tuple(name for name in self.log.treatments if name in wanted and name not in apart)

    def bits(self, treatments: Iterable[str]) -> int:
        """Bit set of treatments."""
        return sum(1 << self.log.treatments.index(name) for name in treatments)

    def rows(self, kinds: Iterable[Kind], names: Iterable[str] | None = None, details: Iterable[str] | None = None) -> Bools:
        """Which rows of the log are of these kinds, with these names and details; None: any. Shape (rows,)."""
        events = self.log.events
        found = np.zeros(events["kind"].size, dtype=bool)
        for kind in kinds:
            at = self._of_kind(kind)
            for column, words in (("name", names), ("detail", details)):
                if words is not None:
                    at = at[np.isin(events[column][at], self.name_ids(words))]
            found[at] = True
        return found

    def _of_kind(self, kind: Kind) -> Ints:
        if int(kind) not in self._at:
            self._at[int(kind)] = np.flatnonzero(self.log.events["kind"] == int(kind))
        return self._at[int(kind)]

    def name_ids(self, names: Iterable[str]) -> list[int]:
        """Numbers of those words that the log knows."""
        return [number for number in (self.log.name_id(name) for name in names) if number >= 0]


def _named(treatments: tuple[str, ...], bits: int) -> tuple[str, ...]:
    return tuple(name for bit, name in enumerate(treatments) if bits >> bit & 1)


class Trace:
    """All positions of all patients at one grain, in order of patient and time.

    Attributes
    ----------
    patient
        Number of the patient (0, 1, ... in the order of the log) at each position.
    time
        Years since entry at each position.
    first, last
        First and last position of the same patient.
    row
        Last row of each position in the log.
    """

    __slots__ = ("_cache", "_closes", "_key", "_opens", "_position", "_row_first", "censored", "first", "grain", "history", "last", "patient", "row", "time")

    def __init__(self, history: History, grain: Grain) -> None:
        events = history.log.events
        number, time = events["patient"], np.asarray(events["time"], dtype=np.float64)
        rows = time.size
        is_new_patient = np.r_[True, number[1:] != number[:-1]][:rows]
        begins = is_new_patient if grain == "moment" else np.ones(rows, dtype=bool)
        if grain == "moment":
            begins = begins | np.r_[True, time[1:] != time[:-1]][:rows]
        self.history = history
        self.grain = grain
        self._position = np.cumsum(begins) - 1
        starts = np.flatnonzero(begins)
        self.row = np.r_[starts[1:], rows][: starts.size] - 1
        code = np.cumsum(is_new_patient) - 1
        self.patient = code[starts]
        self.time = time[starts]
        opens = np.flatnonzero(np.r_[True, self.patient[1:] != self.patient[:-1]][: starts.size])
        self.first = opens[self.patient]
        self.last = (np.r_[opens[1:], starts.size] - 1)[: opens.size][self.patient]
        self._row_first = np.flatnonzero(is_new_patient)[self.patient]
        self._opens, self._closes = opens, self.last[opens]
        self.censored = (events["kind"] == int(Kind.END))[self.row[self.last]]
        reach = float(self.time.max(initial=0.0)) + 1.0
        self._key = self.patient * reach + self.time
        self._cache: dict[str, Column] = {}

    @property
    def size(self) -> int:
        """Number of positions."""
        return int(self.time.size)

    def cached(self, key: str, make: Callable[[], Array]) -> Array:
        """Answer of a formula, made once."""
        if key not in self._cache:
            self._cache[key] = make()
        return cast("Array", self._cache[key])

    # --- from rows to positions ---------------------------------------------------------------------------------

    def happened(self, rows: Bools) -> Bools:
        """At which positions any of these rows stands."""
        if self.grain == "row":
            return rows
        found = np.zeros(self.size, dtype=bool)
        found[self._position[rows]] = True
        return found

    def as_left(self, rows: Array) -> Array:
        """What rows say after each position's last one."""
        return cast("Array", rows[self.row])

    def value(self, rows: Bools, values: Floats) -> Floats:
        """Value of the last of these rows at each position, NaN where there is none."""
        found = np.full(self.size, np.nan)
        at = np.flatnonzero(rows)
        found[self._position[at]] = values[at]
        return found

    def latest_row(self, rows: Bools) -> Ints:
        """For every position, the latest of these rows of the same patient up to its last one; -1: none."""
        found = _carried(rows)
        if self.grain == "moment":
            found = found[self.row]
        return np.where(found >= self._row_first, found, -1)

    # --- along time ---------------------------------------------------------------------------------------------

    def latest(self, positions: Bools) -> Ints:
        """For every position, the latest of these positions up to it; -1: none."""
        found = _carried(positions)
        return np.where(found >= self.first, found, -1)

    def coming(self, positions: Bools) -> Ints:
        """For every position, the next of these positions from it on; one beyond the patient's last where there is none."""
        found = self.size - 1 - _carried(positions[::-1])[::-1]
        return np.where(found <= self.last, found, self.last + 1)

    def shifted(self, values: Array, *, missing: bool | float, by: int = 1) -> Array:
        """Values at the position ``by`` before (negative: after); ``missing`` beyond the history."""
        if abs(by) == 1 and self.size:
            moved = np.empty_like(values)
            if by == 1:
                moved[1:], moved[self._opens] = values[:-1], missing
            else:
                moved[:-1], moved[self._closes] = values[1:], missing
            return moved
        number = np.arange(self.size) - by
        inside = (number >= self.first) & (number <= self.last)
        return cast("Array", np.where(inside, values[np.clip(number, 0, max(self.size - 1, 0))], missing))

    def at_or_after(self, years: Floats) -> Ints:
        """First position at or after a time this many years from each position (any patient's; clip it)."""
        return np.asarray(np.searchsorted(self._key, self._key + years - TOLERANCE, side="left"))

    def at_or_before(self, years: Floats) -> Ints:
        """Last position at or before a time this many years from each position (any patient's; clip it)."""
        return np.asarray(np.searchsorted(self._key, self._key + years + TOLERANCE, side="right")) - 1


TOLERANCE = 1e-4 / DAYS_PER_YEAR
"""Years within which two times are the same when days are counted: about 9 seconds."""


def _carried(chosen: Bools) -> Ints:
    """At every place the latest chosen one up to it; -1: none yet."""
    at = np.flatnonzero(chosen)
    return np.repeat(np.r_[-1, at], np.diff(np.r_[0, at, chosen.size]))
