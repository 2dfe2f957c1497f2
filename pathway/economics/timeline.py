"""Reading a log by patient and time: which registers stood when, and when each drug was on or held.

Everything is done on whole arrays, and times are compared exactly: never by sums of patient and time, which
would blur times of patients with high numbers. This module must not know money.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pathway.errors import EconomicsError
from pathway.eventlog import EventLog, Kind
from pathway.program import Cohort, Program

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Moments:
    """Times of patients, ordered by patient and time, for exact look-ups.

    Parameters
    ----------
    position, time : shape (rows,)
        Ascending by patient, then by time.
    """

    __slots__ = ("_keys", "_known", "position", "time")

    def __init__(self, position: Ints, time: Floats) -> None:
        self.position, self.time = position, time
        self._known: Floats = np.unique(time)
        self._keys: Ints = self._key(position, np.searchsorted(self._known, time, side="right"))

    def _key(self, position: Ints, rank: NDArray[np.intp]) -> Ints:
        return np.asarray(position * (self._known.size + 1) + rank, dtype=np.int64)

    def first_after(self, position: Ints, time: Floats) -> Ints:
        """Index of the first row of each patient later than a time (of the next patient's first, if none)."""
        key = self._key(position, np.searchsorted(self._known, time, side="right"))
        return np.asarray(np.searchsorted(self._keys, key, side="right"), dtype=np.int64)

    def first_from(self, position: Ints, time: Floats) -> Ints:
        """Index of the first row of each patient at or after a time (of the next patient's first, if none)."""
        key = self._key(position, np.searchsorted(self._known, time, side="left") + 1)
        return np.asarray(np.searchsorted(self._keys, key, side="left"), dtype=np.int64)

    def last(self, position: Ints, time: Floats) -> Ints:
        """Index of the last row of each patient at or before a time; there must be one."""
        return self.first_after(position, time) - 1

    def cut(self, position: Ints, start: Floats, stop: Floats) -> tuple[Ints, Floats, Floats]:
        """Cut intervals at the moments that lie strictly inside them.

        Returns
        -------
        Interval, begin and end of every piece, in order.
        """
        first = self.first_after(position, start)
        inside = np.maximum(self.first_from(position, stop) - first, 0)
        which, number = repeated(inside + 1)
        begin, end = start[which], stop[which]
        later, earlier = np.flatnonzero(number > 0), np.flatnonzero(number < inside[which])
        begin[later] = self.time[first[which[later]] + number[later] - 1]
        end[earlier] = self.time[first[which[earlier]] + number[earlier]]
        real = end > begin
        return which[real], begin[real], end[real]


def repeated(many: Ints) -> tuple[Ints, Ints]:
    """Row and number within it, for rows that stand ``many`` times each.

    Examples
    --------
    >>> repeated(np.array([2, 0, 1]))
    (array([0, 0, 2]), array([0, 1, 0]))
    """
    which = np.repeat(np.arange(many.size), many)
    return which, np.arange(which.size) - np.repeat(np.cumsum(many) - many, many)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A log with patients as positions 0 .. n-1.

    Attributes
    ----------
    position, time : shape (rows,)
        Patient's position in the cohort and time of every row.
    condition : shape (rows,)
        Acute condition after the row, -1: none.
    flags : shape (rows,)
        Flags after the row, a bit set.
    end : shape (patients,)
        Time of the last row.
    is_censored : shape (patients,)
        Whether the history ends without death.
    by_code, first_of_code, codes
        Rows in order of kind and name, where each pair begins among them, and pairs of a kind.
    """

    log: EventLog
    program: Program
    patient_order: Ints
    patient_sorted: Ints
    position: Ints
    time: Floats
    rows: Moments
    condition: Ints
    flags: Ints
    end: Floats
    is_censored: Flags
    by_code: Ints
    first_of_code: Ints
    codes: int

    def last_row(self, position: Ints, time: Floats) -> Ints:
        """Index of the last row of these patients at or before these times, shape as given."""
        return self.rows.last(position, time)

    def column(self, name: str, rows: Ints | None = None) -> Ints:
        """Values of an integer column, at some rows or at all."""
        column = self.log.events[name]
        return np.asarray(column if rows is None else column[rows], dtype=np.int64)

    def rows_of(self, kind: Kind, name: str | None = None) -> Ints:
        """Rows of a kind, and of a name, in order; a name that the log does not know has none."""
        first = int(kind) * self.codes
        if name is None:
            return np.sort(self.by_code[self.first_of_code[first] : self.first_of_code[first + self.codes]])
        number = self.log.name_id(name)
        if number < 0:
            return np.zeros(0, dtype=np.int64)
        return self.by_code[self.first_of_code[first + number + 1] : self.first_of_code[first + number + 2]]

    def where_is(self, patient: NDArray[np.generic]) -> Ints:
        """Positions of patients by their numbers.

        Raises
        ------
        EconomicsError
            If a number is not in the cohort, or rows do not stand in the cohort's order.
        """
        return _positions(self.patient_sorted, self.patient_order, patient)

    def changes(self, *, of_line: bool = False) -> Moments:
        """When registers changed; ``of_line``: only line and regimen."""
        columns = [self.column("line"), self.column("regimen")]
        if not of_line:
            columns += [self.column("state"), self.condition]
        differs = np.zeros(self.position.size, dtype=bool)
        for column in columns:
            differs[1:] |= column[1:] != column[:-1]
        if not of_line:
            differs[self.rows_of(Kind.FLAG)] = True
            differs[self.rows_of(Kind.CLEAR)] = True
        differs[1:] &= self.position[1:] == self.position[:-1]
        rows = np.flatnonzero(differs)
        position, time = self.position[rows], self.time[rows]
        new = np.ones(rows.size, dtype=bool)
        new[1:] = (position[1:] != position[:-1]) | (time[1:] != time[:-1])
        return Moments(position[new], time[new])


def _positions(known: Ints, order: Ints, patient: NDArray[np.generic]) -> Ints:
    numbers = np.asarray(patient, dtype=np.int64)
    found = np.minimum(np.searchsorted(known, numbers), max(known.size - 1, 0))
    if numbers.size and (known.size == 0 or (known[found] != numbers).any()):
        raise EconomicsError(where="event log", found="patients not in the cohort", expected="the log's cohort")
    position = order[found]
    if (np.diff(position) < 0).any():
        raise EconomicsError(where="event log", found="rows in another order", expected="the order of the cohort")
    return position


def timeline_of(log: EventLog, program: Program, cohort: Cohort) -> Timeline:
    """Prepare a log for look-ups by patient and time.

    Raises
    ------
    EconomicsError
        If the log is not that of the cohort, in its order.
    """
    order = np.asarray(np.argsort(cohort.patient, kind="stable"), dtype=np.int64)
    known = np.asarray(cohort.patient[order], dtype=np.int64)
    position = _positions(known, order, log.events["patient"])
    time = np.asarray(log.events["time"], dtype=np.float64)
    first = np.ones(position.size, dtype=bool)
    first[1:] = position[1:] != position[:-1]
    if int(first.sum()) != cohort.size:
        raise EconomicsError(
            where="event log",
            found=f"histories of {int(first.sum())} of {cohort.size} patients",
            expected="a history of every patient",
        )
    last = np.append(np.flatnonzero(first)[1:] - 1, position.size - 1)
    state = np.asarray(log.events["state"], dtype=np.int64)
    by_code, first_of_code = _by_code(log)
    return Timeline(
        log=log,
        program=program,
        patient_order=order,
        patient_sorted=known,
        position=position,
        time=time,
        rows=Moments(position, time),
        condition=_conditions(log, program, first),
        flags=_flags(log, program, cohort, position, first),
        end=time[last],
        is_censored=(program.absorbing >> state[last] & 1) == 0,
        by_code=by_code,
        first_of_code=first_of_code,
        codes=len(log.names) + 1,
    )


def _by_code(log: EventLog) -> tuple[Ints, Ints]:
    """Rows in order of kind and name, and where each pair begins: every drug's rows are looked up, never searched for."""
    codes = len(log.names) + 1
    code = np.asarray(log.events["kind"], dtype=np.int64) * codes + np.asarray(log.events["name"], dtype=np.int64) + 1
    size = (max(Kind) + 1) * codes
    if size <= np.iinfo(np.uint16).max:  # sorted by digits, many times faster
        code = code.astype(np.uint16)
    counts = np.bincount(code, minlength=size)
    return np.argsort(code, kind="stable").astype(np.int64), np.append(0, np.cumsum(counts)).astype(np.int64)


def _conditions(log: EventLog, program: Program, first: Flags) -> Ints:
    """Condition after every row: set by CONDITION, cleared by RECOVER, carried forward inside a patient."""
    kind = log.events["kind"]
    lookup = np.full(len(log.names) + 1, -1, dtype=np.int64)
    for number, spec in enumerate(program.conditions):
        if spec.name in log.names:
            lookup[log.name_id(spec.name)] = number
    begins, ends = kind == int(Kind.CONDITION), kind == int(Kind.RECOVER)
    value = np.where(begins, lookup[np.asarray(log.events["name"], dtype=np.int64)], -1)
    source = np.maximum.accumulate(np.where(begins | ends | first, np.arange(first.size), 0))
    return np.asarray(value[source], dtype=np.int64)


def _flags(log: EventLog, program: Program, cohort: Cohort, position: Ints, first: Flags) -> Ints:
    """Flags after every row, a bit set: set by FLAG, cleared by CLEAR, at first as the patient came."""
    kind, name = log.events["kind"], log.events["name"]
    flags = np.zeros(first.size, dtype=np.int64)
    for flag, covariate in enumerate(program.flags_at_entry):
        came = cohort.values[position, covariate] == 1.0 if covariate >= 0 else np.zeros(first.size, dtype=np.bool_)
        of_flag = name == log.name_id(program.flags[flag])
        sets, clears = of_flag & (kind == int(Kind.FLAG)), of_flag & (kind == int(Kind.CLEAR))
        source = np.maximum.accumulate(np.where(sets | clears | first, np.arange(first.size), 0))
        flags |= (sets | (first & came))[source].astype(np.int64) << flag
    return flags


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """Intervals of one treatment, by patient and time: position, start (may be before 0) and stop, shape (spans,).

    ``is_open``: still on when the history was censored.
    """

    position: Ints
    start: Floats
    stop: Floats
    is_open: Flags

    def only(self, patients: Flags) -> Spans:
        """Those of some patients, shape (patients,)."""
        kept = patients[self.position]
        return Spans(position=self.position[kept], start=self.start[kept], stop=self.stop[kept], is_open=self.is_open[kept])


def courses_of(timeline: Timeline, treatment: int, cohort: Cohort) -> Spans:
    """Courses of a treatment; one still open ends with the history.

    Starts and stops of one drug alternate, so the k-th stop of a patient ends the k-th course. A course of the
    entry regimen began ``years_on`` before time 0.
    """
    name = timeline.program.treatments[treatment]
    entered = np.flatnonzero(cohort.regimen >> treatment & 1)
    starts = timeline.rows_of(Kind.START, name)
    stops = timeline.rows_of(Kind.STOP, name)
    position = np.concatenate([entered, timeline.position[starts]])
    start = np.concatenate([-cohort.years_on[entered], timeline.time[starts]])
    order = np.argsort(position, kind="stable")  # entry courses first, then in order of the log
    position, start = position[order], start[order]
    stop = timeline.end[position]
    is_open = timeline.is_censored[position].copy()
    stopped = timeline.position[stops]
    course = np.searchsorted(position, stopped, side="left") + _number_within(stopped)
    if stops.size and (course.max() >= position.size or (position[course] != stopped).any()):
        raise EconomicsError(where="event log", found=f"a stop of {name} without a start", expected="courses")
    stop[course] = timeline.time[stops]
    is_open[course] = False
    return Spans(position=position, start=start, stop=stop, is_open=is_open)


def _number_within(groups: Ints) -> Ints:
    """0, 1, ... within runs of equal values."""
    return np.asarray(np.arange(groups.size) - np.searchsorted(groups, groups, side="left"), dtype=np.int64)


def holds_of(timeline: Timeline, treatment: int) -> Spans:
    """Find when doses of a treatment were held: from HOLD to RESUME, stop of the course or end."""
    return _parts_of(timeline, treatment, Kind.HOLD, Kind.RESUME)


def reductions_of(timeline: Timeline, treatment: int) -> Spans:
    """Find when the dose of a treatment was reduced: from REDUCE to RESTORE, stop of the course or end."""
    return _parts_of(timeline, treatment, Kind.REDUCE, Kind.RESTORE)


def _parts_of(timeline: Timeline, treatment: int, opens: Kind, closes: Kind) -> Spans:
    """Find parts of courses: from one kind of row to another, stop of the course or end."""
    name = timeline.program.treatments[treatment]
    begin = timeline.rows_of(opens, name)
    over = np.sort(np.concatenate([timeline.rows_of(closes, name), timeline.rows_of(Kind.STOP, name)]))
    position = timeline.position[begin]
    after = np.searchsorted(over, begin)  # rows stand in order of time: the next one ends the part
    row = np.append(over, -1)[after]
    ends = (row >= 0) & (timeline.position[row] == position)
    stop = np.where(ends, timeline.time[row], timeline.end[position])
    return Spans(position=position, start=timeline.time[begin], stop=stop, is_open=~ends)


def without(courses: Spans, holds: Spans) -> tuple[Ints, Floats, Floats]:
    """Parts of courses that are not held.

    Returns
    -------
    Course, start and stop of every part, in order.
    """
    owner = Moments(courses.position, courses.start).last(holds.position, holds.start)
    every = np.arange(courses.position.size)
    group = np.concatenate([every, owner])
    starts = np.concatenate([courses.start, np.minimum(holds.stop, courses.stop[owner])])
    stops = np.concatenate([courses.stop, np.minimum(holds.start, courses.stop[owner])])
    left, right = np.lexsort((starts, group)), np.lexsort((stops, group))
    start, stop = starts[left], stops[right]
    real = stop > start
    return np.asarray(group[left][real], dtype=np.int64), start[real], stop[real]
