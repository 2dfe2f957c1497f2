"""Reading a log patient by patient: which registers stood when, and when each drug was on, held or reduced.

The walk through the rows is compiled (:mod:`pathway.economics.compiled_timeline`); here stand its tables. This module must not know money.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pathway.economics.columns import real, whole
from pathway.economics.compiled_layout import S_SIZE
from pathway.economics.compiled_timeline import count_spans, find_first_rows, follow_registers, leave_out_holds, read_spans
from pathway.errors import EconomicsError
from pathway.eventlog import EVENT_COLUMNS, EventLog
from pathway.program import Cohort, Program

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Column = NDArray[np.generic]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows of the log as compiled code takes them.

    Attributes
    ----------
    first : shape (patients + 1,)
        First row of each patient; the last is the number of rows.
    time, kind, name, state, line, regimen : shape (rows,)
        Columns of the log.
    condition : shape (rows,)
        Acute condition after the row, -1: none.
    names
        How many names the log has.
    """

    first: Ints
    time: Floats
    kind: Column
    name: Column
    state: Column
    line: Column
    regimen: Ints
    condition: Ints
    names: int

    @classmethod
    def none(cls, patients: int) -> Rows:
        """No rows of so many patients."""
        columns: dict[str, NDArray[Any]] = {name: np.zeros(0, dtype=EVENT_COLUMNS[name]) for name in ("kind", "name", "state", "line", "regimen")}
        return cls(first=np.zeros(patients + 1, dtype=np.int64), time=np.zeros(0), condition=np.zeros(0, dtype=np.int64), names=0, **columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spells:
    """Stretches of life on which no register changes.

    Attributes
    ----------
    first : shape (patients + 1,)
        First spell of each patient.
    start : shape (room,)
        When each began.
    table : shape (columns * room,)
        Registers, as in :mod:`pathway.economics.compiled_layout`.
    """

    first: Ints
    start: Floats
    table: Ints

    @classmethod
    def none(cls, patients: int) -> Spells:
        """No spells of so many patients."""
        return cls(first=np.zeros(patients + 1, dtype=np.int64), start=np.zeros(0), table=np.zeros(0, dtype=np.int64))

    def at(self, patient: int, time: float, register: int) -> int:
        """Value of a register (``S_STATE``, ``S_FLAGS`` ...) of a patient, after all rows of a time."""
        own = slice(int(self.first[patient]), int(self.first[patient + 1]))
        spell = own.start + int(np.searchsorted(self.start[own], time, side="right")) - 1
        return int(self.table[register * self.start.size + spell])


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A log with patients as positions 0 .. n-1.

    Attributes
    ----------
    rows, spells
        Of the log.
    end : shape (patients,)
        Time of the last row.
    is_censored : shape (patients,)
        1 where the history ends without death, else 0.
    """

    log: EventLog
    program: Program
    rows: Rows
    spells: Spells
    end: Floats
    is_censored: Ints


def first_rows(patient: Column, cohort: Cohort) -> Ints:
    """Find where each patient's rows begin, shape (patients + 1,).

    Raises
    ------
    EconomicsError
        If a number is not in the cohort, or rows do not stand in the cohort's order.
    """
    first = np.empty(cohort.size + 1, dtype=np.int64)
    fault = find_first_rows(whole(patient), whole(cohort.patient), first)
    if fault >= 0:
        if np.isin(patient, cohort.patient).all():
            raise EconomicsError(where="event log", found="rows in another order", expected="the order of the cohort")
        raise EconomicsError(where="event log", found="patients not in the cohort", expected="the log's cohort")
    return first


def timeline_of(log: EventLog, program: Program, cohort: Cohort) -> Timeline:
    """Walk through a log.

    Raises
    ------
    EconomicsError
        If the log is not that of the cohort, in its order.
    """
    first = first_rows(log.events["patient"], cohort)
    told = int(np.count_nonzero(first[1:] > first[:-1]))
    if told != cohort.size:
        raise EconomicsError(where="event log", found=f"histories of {told} of {cohort.size} patients", expected="a history of every patient")
    columns = {name: np.require(log.events[name], EVENT_COLUMNS[name], ("C", "W")) for name in ("time", "kind", "name", "state", "line", "regimen")}
    rows = Rows(first=first, condition=np.empty(columns["time"].size, dtype=np.int64), names=len(log.names), **columns)
    room = rows.time.size + 1  # every row may begin one; then where the segments of the last end
    spells = Spells(first=np.empty(cohort.size + 1, dtype=np.int64), start=np.empty(room), table=np.empty(S_SIZE * room, dtype=np.int64))
    conditions, flags = np.full(len(log.names) + 1, -1, dtype=np.int64), np.zeros(len(log.names) + 1, dtype=np.int64)
    for number, spec in enumerate(program.conditions):
        if spec.name in log.names:
            conditions[log.name_id(spec.name) + 1] = number
    for number, name in enumerate(program.flags):
        flags[log.name_id(name) + 1] |= 1 << number
    follow_registers(
        first, rows.time, rows.kind, rows.name, rows.state, rows.line, rows.regimen, conditions, flags, _flags_at_entry(program, cohort), rows.condition,
        spells.first, spells.start, spells.table,
    )  # fmt: skip
    last = first[1:] - 1
    return Timeline(
        log=log, program=program, rows=rows, spells=spells, end=rows.time[last],
        is_censored=1 - (program.absorbing >> np.asarray(rows.state[last], dtype=np.int64) & 1),
    )  # fmt: skip


def _flags_at_entry(program: Program, cohort: Cohort) -> Ints:
    """Flags as each patient came, a bit set, shape (patients,)."""
    came = np.zeros(cohort.size, dtype=np.int64)
    for flag, covariate in enumerate(program.flags_at_entry):
        if covariate >= 0:
            came |= (cohort.values[:, covariate] == 1.0).astype(np.int64) << flag
    return came


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """Intervals of one treatment, by patient and time: position, start (may be before 0) and stop, shape (spans,).

    ``is_open``: still on when the history was censored.
    """

    position: Ints
    start: Floats
    stop: Floats
    is_open: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """Intervals of every treatment, by treatment, patient and time.

    Attributes
    ----------
    first : shape (treatments * patients + 1,)
        First interval of each treatment and patient.
    start, stop, is_open : shape (spans,)
        As in :class:`Spans`.
    """

    first: Ints
    start: Floats
    stop: Floats
    is_open: Ints

    @classmethod
    def empty(cls, first: Ints) -> Groups:
        """Room for intervals that are still to be read."""
        size = int(first[-1])
        return cls(first=first, start=np.empty(size), stop=np.empty(size), is_open=np.zeros(size, dtype=np.int64))

    @classmethod
    def of_one(cls, spans: Spans, patients: int) -> Groups:
        """Those of one treatment."""
        first = np.searchsorted(spans.position, np.arange(patients + 1)).astype(np.int64)
        start, stop = (np.array(side, dtype=np.float64) for side in (spans.start, spans.stop))
        return cls(first=first, start=start, stop=stop, is_open=spans.is_open.astype(np.int64))

    def of(self, treatment: int, patients: int) -> Spans:
        """Those of a treatment."""
        first = self.first[treatment * patients : (treatment + 1) * patients + 1]
        own = slice(int(first[0]), int(first[-1]))
        return Spans(position=np.repeat(np.arange(patients), np.diff(first)), start=self.start[own], stop=self.stop[own], is_open=self.is_open[own] == 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrugHistory:
    """When drugs were on, held and reduced.

    Attributes
    ----------
    courses, holds, reductions
        Of every treatment. A hold lasts until doses go on, a reduction until the dose is restored, both at most until the course or the history ends.
    first_part : shape (courses + 1,)
        First part of each course that is not held.
    part_start, part_stop : shape (room,)
        Of every part.
    """

    courses: Groups
    holds: Groups
    reductions: Groups
    first_part: Ints
    part_start: Floats
    part_stop: Floats

    @classmethod
    def of_spans(cls, courses: Groups, holds: Groups, reductions: Groups) -> DrugHistory:
        """Find the parts of courses that are not held."""
        room = courses.start.size + holds.start.size
        found = cls(
            courses=courses, holds=holds, reductions=reductions, first_part=np.zeros(courses.start.size + 1, dtype=np.int64), part_start=np.empty(room), part_stop=np.empty(room)
        )
        leave_out_holds(courses.first, courses.start, courses.stop, holds.first, holds.start, holds.stop, found.first_part, found.part_start, found.part_stop)
        return found


def drug_history_of(timeline: Timeline, cohort: Cohort) -> DrugHistory:
    """Read when drugs were on, held and reduced.

    Raises
    ------
    EconomicsError
        If a drug stops that has not started.
    """
    rows, names = timeline.rows, timeline.log.names
    treatments = timeline.program.treatments
    treatment_of = np.full(len(names) + 1, -1, dtype=np.int64)
    for number, name in enumerate(treatments):
        if name in names:
            treatment_of[timeline.log.name_id(name) + 1] = number
    entered = whole(cohort.regimen)
    firsts = [np.empty(len(treatments) * cohort.size + 1, dtype=np.int64) for _ in range(3)]
    count_spans(rows.first, rows.kind, rows.name, treatment_of, entered, len(treatments), *firsts)
    courses, holds, reductions = (Groups.empty(first) for first in firsts)
    fault = read_spans(
        rows.first, rows.time, rows.kind, rows.name, treatment_of, entered, real(cohort.years_on), timeline.end, timeline.is_censored,
        courses.first, courses.start, courses.stop, courses.is_open, holds.first, holds.start, holds.stop, reductions.first, reductions.start, reductions.stop,
        np.empty(6 * len(treatments), dtype=np.int64),
    )  # fmt: skip
    if fault >= 0:
        raise EconomicsError(where="event log", found=f"a stop of {treatments[fault]} without a start", expected="courses")
    return DrugHistory.of_spans(courses, holds, reductions)
