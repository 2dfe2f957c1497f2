"""Reading a log by patient and time: which registers stood when.

Everything is done on whole arrays; rows of a log are ordered by patient and time. This module must not know money.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pathway.eventlog import EventLog, Kind
from pathway.program import Cohort, Program

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A log with patients as positions 0 .. n-1.

    Attributes
    ----------
    position, time : shape (rows,)
        Patient's position in the cohort and time of every row.
    condition : shape (rows,)
        Acute condition after the row, -1: none.
    flag_time : shape (patients, flags)
        When a flag was set, infinite: never; 0 or below: at entry.
    end : shape (patients,)
        Time of the last row.
    """

    log: EventLog
    program: Program
    position: Ints
    time: Floats
    condition: Ints
    flag_time: Floats
    end: Floats

    def last_row(self, position: Ints, time: Floats) -> Ints:
        """Index of the last row of these patients at or before these times, shape as given."""
        scale = 4.0 * (self.program.horizon + 1.0)
        keys = self.position * scale + self.time
        return np.searchsorted(keys, position * scale + time, side="right") - 1

    def column(self, name: str, rows: Ints) -> Ints:
        """Values of an integer column at some rows."""
        return self.log.events[name][rows].astype(np.int64)

    def select(self, kind: Kind, name: str | None = None) -> Flags:
        """Rows of a kind, and of a name."""
        chosen = self.log.events["kind"] == int(kind)
        if name is not None:
            chosen = chosen & (self.log.events["name"] == self.log.name_id(name))
        return chosen


def timeline_of(log: EventLog, program: Program, cohort: Cohort) -> Timeline:
    """Prepare a log for look-ups by patient and time."""
    events = log.events
    order = np.argsort(cohort.patient, kind="stable")
    position = order[np.searchsorted(cohort.patient[order], events["patient"].astype(np.int64))]
    time = events["time"].astype(np.float64)
    first = np.ones(position.size, dtype=bool)
    first[1:] = position[1:] != position[:-1]
    condition = _fill(log, program, position, first)
    flag_time = np.full((cohort.size, max(len(program.flags), 1)), np.inf)
    for flag, covariate in enumerate(program.flags_at_entry):
        if covariate >= 0:
            flag_time[cohort.values[:, covariate] == 1.0, flag] = 0.0
    for flag, name in enumerate(program.flags):
        rows = (events["kind"] == int(Kind.FLAG)) & (events["name"] == log.name_id(name))
        np.minimum.at(flag_time[:, flag], position[rows], time[rows])
    end = np.zeros(cohort.size)
    np.maximum.at(end, position, time)
    return Timeline(log=log, program=program, position=position, time=time, condition=condition, flag_time=flag_time, end=end)


def _fill(log: EventLog, program: Program, position: Ints, first: Flags) -> Ints:
    """Condition after every row: set by CONDITION, cleared by RECOVER, carried forward inside a patient."""
    kind = log.events["kind"]
    number = {log.name_id(spec.name): k for k, spec in enumerate(program.conditions)}
    lookup = np.full(len(log.names) + 1, -1, dtype=np.int64)
    for name, k in number.items():
        lookup[name] = k
    begins, ends = kind == int(Kind.CONDITION), kind == int(Kind.RECOVER)
    value = np.where(begins, lookup[log.events["name"]], -1)
    known = begins | ends | first
    source = np.maximum.accumulate(np.where(known, np.arange(position.size), 0))
    return value[source]


@dataclass(frozen=True, slots=True, kw_only=True)
class Courses:
    """Courses of one treatment: position, start (may be before 0), stop and line, each shape (courses,)."""

    position: Ints
    start: Floats
    stop: Floats


def courses_of(timeline: Timeline, treatment: int, cohort: Cohort) -> Courses:
    """Courses of a treatment; one still open ends with the history."""
    log, name = timeline.log, timeline.program.treatments[treatment]
    starts, stops = timeline.select(Kind.START, name), timeline.select(Kind.STOP, name)
    entered = np.flatnonzero(cohort.regimen >> treatment & 1)
    position = np.concatenate([entered, timeline.position[starts]])
    start = np.concatenate([-cohort.years_on[entered], timeline.time[starts]])
    occurrence = np.concatenate([np.zeros(entered.size, dtype=np.int64), log.events["occurrence"][starts].astype(np.int64)])
    stop = timeline.end[position].copy()
    limit = int(occurrence.max()) + 1 if occurrence.size else 1
    key = position * limit + occurrence
    order = np.argsort(key)
    found = np.searchsorted(key[order], timeline.position[stops] * limit + log.events["occurrence"][stops])
    stop[order[found]] = timeline.time[stops]
    return Courses(position=position, start=start, stop=stop)


def holds_of(timeline: Timeline, treatment: int) -> Courses:
    """Times during which doses of a treatment were held."""
    name = timeline.program.treatments[treatment]
    begin = timeline.select(Kind.HOLD, name)
    over = timeline.select(Kind.RESUME, name) | timeline.select(Kind.STOP, name)
    position, start = timeline.position[begin], timeline.time[begin]
    scale = 4.0 * (timeline.program.horizon + 1.0)
    ends = timeline.position[over] * scale + timeline.time[over]
    after = np.searchsorted(ends, position * scale + start, side="left")
    has = after < ends.size
    safe = np.minimum(after, max(ends.size - 1, 0))
    same = has & (timeline.position[over][safe] == position) if ends.size else np.zeros(position.size, dtype=bool)
    stop = np.where(same, timeline.time[over][safe] if ends.size else 0.0, timeline.end[position])
    return Courses(position=position, start=start, stop=stop)
