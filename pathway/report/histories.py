"""What reports read from an event log: spans, courses, lifetimes, and states and markers at given times.

Everything is arrays over rows or patients; nobody loops over patients. "Patient" here is a position 0, 1, ... in the order of the log, not the patient's number.
This module must not know how a history was made, nor draw or value anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pathway.economics.summary import Summary
from pathway.eventlog import EventLog, Kind
from pathway.program import Program

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """Stretches of time in which state, regimen and line stand still; zero-length ones are kept.

    Attributes
    ----------
    patients
        Shape (patients,); numbers of the patients in the order of the log.
    patient, start, stop, state, regimen, line
        Shape (spans,); ``patient`` is the position in ``patients``, times are years since entry.
    """

    patients: Ints
    patient: Ints
    start: Floats
    stop: Floats
    state: Ints
    regimen: Ints
    line: Ints


def positions(log: EventLog, column: str = "events") -> tuple[Ints, Ints]:
    """Numbers of the patients in the order of the log, and each row's position among them; column is ``events`` or ``path``."""
    numbers = getattr(log, column)["patient"]
    fresh = np.ones(numbers.size, dtype=bool)
    np.not_equal(numbers[1:], numbers[:-1], out=fresh[1:])
    return numbers[fresh].astype(np.int64), (np.cumsum(fresh) - 1).astype(np.int64)


def spans_of(log: EventLog) -> Spans:
    """Cut every history at its rows."""
    patients, position = positions(log)
    time = np.maximum(log.events["time"].astype(np.float64), 0.0)
    goes_on = np.r_[position[1:] == position[:-1], False]
    stop = np.where(goes_on, np.r_[time[1:], 0.0], time)
    return Spans(
        patients=patients,
        patient=position,
        start=time,
        stop=stop,
        state=log.events["state"].astype(np.int64),
        regimen=log.events["regimen"].astype(np.int64),
        line=log.events["line"].astype(np.int64),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """Follow-up of every patient, shape (patients,): years, whether it ended in an absorbing state, and the cause (index of names; -1: none)."""

    years: Floats
    died: Booleans
    cause: Ints


def lifetimes(log: EventLog, program: Program) -> Lifetimes:
    """Read the last row of every patient."""
    _, position = positions(log)
    last = np.r_[position[1:] != position[:-1], True]
    state = log.events["state"][last].astype(np.int64)
    died = (program.absorbing >> state & 1).astype(bool)
    arrival = log.rows(Kind.MOVE) & ((program.absorbing >> log.events["state"].astype(np.int64) & 1) == 1)
    cause = np.full(died.size, -1, dtype=np.int64)
    cause[position[arrival]] = log.events["detail"][arrival]
    years = log.events["time"][last].astype(np.float64)
    return Lifetimes(years=years, died=died, cause=cause)


def survival(years: Floats, died: Booleans) -> tuple[Floats, Floats, Floats]:
    """Kaplan-Meier estimate.

    Parameters
    ----------
    years, died : shape (n,)
        Follow-up and whether it ended in the event.

    Returns
    -------
    Times of events (starting with 0), the share without event just after each, and Greenwood's standard error of it; shape (k + 1,).

    References
    ----------
    Kaplan EL, Meier P. J Am Stat Assoc 1958;53:457-481. doi:10.1080/01621459.1958.10501452

    Examples
    --------
    >>> times, share, _ = survival(np.array([1.0, 2.0, 3.0]), np.array([True, False, True]))
    >>> share.round(3)
    array([1.   , 0.667, 0.   ])
    """
    times, events = np.unique(years[died], return_counts=True)
    if not times.size:
        return np.zeros(1), np.ones(1), np.zeros(1)
    at_risk = years.size - np.searchsorted(np.sort(years), times, side="left")
    share = np.cumprod(1.0 - events / at_risk)
    left = np.maximum(at_risk - events, 1)
    error = share * np.sqrt(np.cumsum(events / (at_risk * left)))
    return np.r_[0.0, times], np.r_[1.0, share], np.r_[0.0, error]


def step_at(times: Floats, values: Floats, grid: Floats) -> Floats:
    """Value of a step function, held from each time on, at the points of a grid."""
    return values[np.maximum(np.searchsorted(times, grid, side="right") - 1, 0)]


def median_time(times: Floats, share: Floats) -> float:
    """First time at which at most half are left; NaN if more than half are left at the end."""
    reached = np.flatnonzero(share <= 0.5)
    return float(times[reached[0]]) if reached.size else float("nan")


def _row_at(position: Ints, time: Floats, grid: Floats, patients: int) -> Ints:
    """Last row of each patient at or before each time; shape (patients, times)."""
    wide = float(max(time.max(initial=0.0), grid.max(initial=0.0)) + 1.0)
    keys = position * wide + time
    wanted = np.arange(patients)[:, None] * wide + grid[None, :]
    first = np.searchsorted(position, np.arange(patients))
    return np.maximum(np.searchsorted(keys, wanted, side="right") - 1, first[:, None]).astype(np.int64)


def states_at(log: EventLog, grid: Floats) -> Ints:
    """State of every patient at given times, shape (patients, times)."""
    spans = spans_of(log)
    return spans.state[_row_at(spans.patient, spans.start, grid, log.patients)]


def marker_at(log: EventLog, marker: str, grid: Floats) -> Floats:
    """Give the true value of a marker at given times, shape (patients, times); NaN after the end of a history.

    Parameters
    ----------
    marker
        A column of ``path``: ``fvc`` (shown unit) or ``fvc_native``.
    """
    _, position = positions(log, "path")
    time, value = log.path["time"].astype(np.float64), log.path[marker].astype(np.float64)
    left = _row_at(position, time, grid, log.patients)
    last = np.r_[position[1:] != position[:-1], True]
    right = np.where(last[left], left, np.minimum(left + 1, time.size - 1))
    width = time[right] - time[left]
    weight = np.where(width > 0.0, (grid[None, :] - time[left]) / np.where(width > 0.0, width, 1.0), 0.0)
    found = value[left] + weight * (value[right] - value[left])
    found[last[left] & (grid[None, :] > time[left] + 1e-9)] = np.nan
    return found


def _first(keys: Ints) -> Ints:
    """Positions of the first row of every key."""
    return np.unique(keys, return_index=True)[1].astype(np.int64)


def measured_at(
    log: EventLog, marker: str, grid: Floats, half_width: float, *, confirmatory: tuple[str, ...] = ()
) -> Floats:
    """First planned measurement of a marker within ``half_width`` years of given times, shape (patients, times); NaN where there is none.

    Confirmatory visits (named by their decision) are left out: they follow a bad value, and would drag the mean to where the luck was bad.
    """
    _, position = positions(log)
    rows = (
        log.rows(Kind.MEASURE)
        & (log.events["name"] == log.name_id(marker))
        & ~np.isnan(log.events["measured"].astype(np.float64))
    )
    rows &= ~np.isin(log.events["detail"], [log.name_id(name) for name in confirmatory])
    time, value, who = log.events["time"][rows], log.events["measured"][rows], position[rows]
    nearest = np.clip(np.searchsorted((grid[1:] + grid[:-1]) / 2.0, time, side="left"), 0, grid.size - 1)
    near = (np.abs(grid[nearest] - time) <= half_width + 1e-9) & (time >= 0.0)
    found = np.full((log.patients, grid.size), np.nan)
    who, nearest, value = who[near], nearest[near], value[near]
    first = _first(who * grid.size + nearest)
    found[who[first], nearest[first]] = value[first]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Courses:
    """Courses of one treatment, in order of patient and time.

    Attributes
    ----------
    patient, start, stop, reason
        Shape (courses,); position of the patient, years since entry, and why it stopped (index of names; -1: death or the horizon came first).
    stopped
        Whether it stopped while the patient lived on.
    """

    patient: Ints
    start: Floats
    stop: Floats
    stopped: Booleans
    reason: Ints


def courses_of(log: EventLog, treatment: int, program: Program) -> Courses:
    """Courses of a treatment, from the bits of the regimen."""
    return Reading(log, program).courses(treatment)


def _courses(log: EventLog, treatment: int, program: Program, spans: Spans, lives: Lifetimes) -> Courses:
    """Read courses off spans that are known already."""
    is_on = (spans.regimen >> treatment & 1).astype(bool) & ~(program.absorbing >> spans.state & 1).astype(bool)
    first = np.r_[True, spans.patient[1:] != spans.patient[:-1]]
    before = np.r_[False, is_on[:-1]] & ~first
    starts = np.flatnonzero(is_on & ~before)
    last = np.r_[first[1:], True]
    ends = np.flatnonzero(is_on & (last | ~np.r_[is_on[1:], False]))
    stop_row = np.minimum(ends + 1, spans.start.size - 1)
    dies = last[ends] | (program.absorbing >> spans.state[stop_row] & 1).astype(bool)
    # Death may write its stop before its move: a stop in the last instant of a life is the end of the life.
    stop = spans.stop[ends]
    dies |= lives.died[spans.patient[ends]] & (stop >= lives.years[spans.patient[ends]])
    stops = (log.events["kind"][stop_row] == Kind.STOP) & (log.events["name"][stop_row] == log.name_id(program.treatments[treatment]))
    reason = np.where(stops & ~dies, log.events["detail"][stop_row], -1).astype(np.int64)
    return Courses(patient=spans.patient[starts], start=spans.start[starts], stop=stop, stopped=~dies, reason=reason)


def regimens_by_line(log: EventLog) -> tuple[Ints, Booleans]:
    """Regimen with which each line was begun.

    The first one in force after the first course that starts on the line, so that a bridge held while waiting is not taken for
    it; on a line where nothing starts, the first one held.

    Returns
    -------
    Regimen (bit set), shape (patients, lines + 1) (0: nothing was given); and whether the line was reached.
    """
    return _regimens_by_line(log, spans_of(log))


def _regimens_by_line(log: EventLog, spans: Spans) -> tuple[Ints, Booleans]:
    """Read regimens of lines off spans that are known already."""
    lines = int(spans.line.max(initial=0)) + 1
    regimen = np.zeros((log.patients, lines), dtype=np.int64)
    reached = np.zeros((log.patients, lines), dtype=bool)
    reached[spans.patient, spans.line] = True
    begun = np.full((log.patients, lines), -1.0)
    cell = spans.patient * lines + spans.line
    starts = np.flatnonzero(log.rows(Kind.START))
    starts = starts[_first(cell[starts])]
    begun[spans.patient[starts], spans.line[starts]] = spans.start[starts]
    given = spans.regimen > 0
    late = spans.start >= begun[spans.patient, spans.line]
    lasting = spans.stop > spans.start
    # The weakest claim first, so that the strongest stays.
    for claim in (given, given & lasting, given & late & lasting):
        rows = np.flatnonzero(claim)
        rows = rows[_first(cell[rows])]
        regimen[spans.patient[rows], spans.line[rows]] = spans.regimen[rows]
    return regimen, reached


@dataclass(frozen=True)
class Reading:
    """What one log says, each thing read once: tables and figures ask for the same."""

    kept: EventLog | None
    program: Program
    summary: Summary | None = None
    """In place of a log whose rows were dropped: how each life ended, and no more."""

    @property
    def log(self) -> EventLog:
        """Every event; there must be a log."""
        assert self.kept is not None, "no rows were kept"
        return self.kept

    @cached_property
    def spans(self) -> Spans:
        """As :func:`spans_of`."""
        return spans_of(self.log)

    @cached_property
    def lifetimes(self) -> Lifetimes:
        """As :func:`lifetimes`."""
        summary = self.summary
        return lifetimes(self.log, self.program) if summary is None else Lifetimes(years=summary.years, died=summary.died, cause=summary.cause)

    @cached_property
    def regimens_by_line(self) -> tuple[Ints, Booleans]:
        """As :func:`regimens_by_line`."""
        return _regimens_by_line(self.log, self.spans)

    @cached_property
    def _courses(self) -> dict[int, Courses]:
        return {}

    def courses(self, treatment: int) -> Courses:
        """As :func:`courses_of`."""
        if treatment not in self._courses:
            self._courses[treatment] = _courses(self.log, treatment, self.program, self.spans, self.lifetimes)
        return self._courses[treatment]

    def states_at(self, grid: Floats) -> Ints:
        """As :func:`states_at`."""
        return self.spans.state[_row_at(self.spans.patient, self.spans.start, grid, self.log.patients)]
