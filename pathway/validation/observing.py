"""What a trial saw: tables of patients by visits, courses of treatment, deaths, events - read from the event log.

Somebody who died, was lost, or left with the treatment is not seen afterwards. This module must not know a disease or what is estimated.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pathway.definition.trials import Dropout, Having, Subgroup, years_of
from pathway.eventlog import KINDS, Kind
from pathway.program import INFINITY, ClockKind, Cohort, Floats
from pathway.validation.running import ArmRun

Bools = NDArray[np.bool_]
SAME_TIME = 1e-9
"""Years: nearer than this is the same visit."""
COMPLETED = "completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Values of one marker at planned visits, each of shape (patients, visits); NaN where nothing was seen."""

    times: Floats
    shown: Floats
    native: Floats
    true: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Courses:
    """First course of a treatment, each of shape (patients,): years of its start and stop (infinite: not), and why it stopped."""

    start: Floats
    stop: Floats
    reason: NDArray[np.str_]


class Observed:
    """One arm as its investigators saw it."""

    def __init__(self, run: ArmRun, dropout: Dropout) -> None:
        self.run = run
        self.log = run.log
        self.size = run.cohort.size
        self._events = run.log.events
        self._row = np.searchsorted(run.cohort.patient, self._events["patient"])
        self._dropout = dropout
        self._measured: dict[str, Measured] = {}

    # --- who is still there -------------------------------------------------------------------------------------

    @cached_property
    def died(self) -> Floats:
        """Years until death, infinite for survivors; shape (patients,)."""
        absorbing = np.array([bool(self.run.program.absorbing >> number & 1) for number in range(len(self.run.program.states))])
        rows = self.log.rows(Kind.MOVE) & absorbing[self._events["state"]]
        return self._first(rows)

    @cached_property
    def left(self) -> Floats:
        """Years until a patient left the study alive (or would have), infinite for those who stay; shape (patients,)."""
        away = self.run.lost
        if self._dropout.with_treatment:
            stopped = [np.where(c.reason == COMPLETED, INFINITY, c.stop) for c in (self.courses(name) for name in self.run.arm.regimen or ())]
            for times in stopped:
                away = np.minimum(away, times)
        return np.minimum(away, self.failed)

    @cached_property
    def failed(self) -> Floats:
        """Years until a measured fall takes a patient out; the visit that showed it still counts."""
        asked = self._dropout.failure
        found = np.full(self.size, INFINITY)
        if asked is None:
            return found
        every = self._read(asked.marker, np.full(self.size, INFINITY))
        fallen = (every.shown <= every.shown[:, :1] - asked.fall) & (every.times >= years_of(asked.not_before) - SAME_TIME)
        some = fallen.any(axis=1)
        found[some] = every.times[fallen[some].argmax(axis=1)] + 2.0 * SAME_TIME
        return found

    @cached_property
    def seen_until(self) -> Floats:
        """Years until death, leaving, or the end; shape (patients,)."""
        return np.minimum(np.minimum(self.died, self.left), self.run.program.horizon)

    def _first(self, rows: Bools) -> Floats:
        found = np.full(self.size, INFINITY)
        np.minimum.at(found, self._row[rows], self._events["time"][rows])
        return found

    # --- measurements -------------------------------------------------------------------------------------------

    def measured(self, marker: str) -> Measured:
        """Table of a marker or index at planned visits; measured before the patient died, was lost or left."""
        if marker not in self._measured:
            self._measured[marker] = self._read(marker, self.left)
        return self._measured[marker]

    def _read(self, marker: str, left: Floats) -> Measured:
        planned = [one for one in self.run.program.schedules if one.clock.kind is ClockKind.ENTRY]
        times = np.unique(np.concatenate([one.offsets for one in planned] or [np.zeros(0)]))
        times = times[times < self.run.program.horizon]
        events = self._events
        rows = self.log.rows(Kind.MEASURE, Kind.FINDING) & (events["name"] == self.log.name_id(marker))
        at, who, when = np.flatnonzero(rows), self._row[rows], events["time"][rows]
        column = np.clip(np.searchsorted(times, when - SAME_TIME), 0, max(times.size - 1, 0))
        hit = (np.abs(times[column] - when) <= SAME_TIME) & (when < left[who]) if times.size else np.zeros(at.size, dtype=bool)
        tables = {name: np.full((self.size, times.size), np.nan) for name in ("measured", "native", "true")}
        for name, table in tables.items():
            table[who[hit], column[hit]] = events[name][at[hit]]
        gone = np.isnan(tables["measured"])
        for name in ("native", "true"):
            tables[name][gone] = np.nan
        native = np.where(np.isnan(tables["native"]), tables["measured"], tables["native"])
        return Measured(times=times, shown=tables["measured"], native=native, true=tables["true"])

    def predicted(self, marker: str, years: float) -> Floats:
        """Native value of a healthy person like each patient at ``years``, shape (patients,); for markers that are percent of it."""
        program, cohort = self.run.program, self.run.cohort
        spec = next(one for one in program.markers if one.name == marker)
        reference = program.references[spec.reference]
        age = cohort.values[:, program.age] + years
        female = cohort.values[:, program.female]
        factor = cohort.values[:, spec.factor] if spec.factor >= 0 else np.ones(self.size)
        grid = [reference.first_age + reference.step * np.arange(table.size) for table in reference.tables]
        by_sex = [np.interp(age, ages, table) for ages, table in zip(grid, reference.tables, strict=True)]
        return np.asarray(factor * np.where(female == 1.0, by_sex[1], by_sex[0]))

    # --- treatment, events --------------------------------------------------------------------------------------

    def courses(self, treatment: str) -> Courses:
        """First course of a treatment; a treatment that a patient came with started at 0."""
        events = self._events
        number = self.log.name_id(treatment)
        first = (events["name"] == number) & (events["occurrence"] == 0)
        start = self._first(self.log.rows(Kind.START) & first)
        if treatment in self.run.program.treatments:
            on_entry = (self.run.cohort.regimen >> self.run.program.treatments.index(treatment)) & 1
            start = np.where(on_entry == 1, 0.0, start)
        rows = self.log.rows(Kind.STOP) & first
        reason = np.full(self.size, "", dtype="<U64")
        reason[self._row[rows]] = np.array([*self.log.names, ""])[events["detail"][rows] % (len(self.log.names) + 1)]
        return Courses(start=start, stop=self._first(rows), reason=reason)

    def regimen_at(self, years: float) -> NDArray[np.int64]:
        """Treatments taken at a time as a sum of bits, in the program's order; shape (patients,)."""
        taken = np.asarray(self.run.cohort.regimen, dtype=np.int64).copy()
        until = np.less_equal(self._events["time"], years)
        taken[self._row[until]] = self._events["regimen"][until]  # rows stand in the order of time within a patient: the last one stays
        return taken

    def event_times(self, kind: str, name: str) -> tuple[NDArray[np.int64], Floats]:
        """Patient (position) and time of every row of this kind and name; a death ends a treatment, but is no stop."""
        rows = (self._events["kind"] == KINDS.index(kind)) & (self._events["name"] == self.log.name_id(name))
        if kind == "stop":
            rows &= self._events["detail"] != self.log.name_id("death")
        return self._row[rows], self._events["time"][rows]


def within(cohort: Cohort, among: Subgroup | None) -> Bools:
    """Which patients belong to a subgroup by what is known at entry, shape (patients,)."""
    inside = np.ones(cohort.size, dtype=bool)
    if among is None:
        return inside
    for one in among.every:
        inside &= _holds(cohort, one)
    if among.either:
        inside &= np.logical_or.reduce([_holds(cohort, one) for one in among.either])
    return inside


def _holds(cohort: Cohort, one: Having) -> Bools:
    return in_bounds(cohort.values[:, cohort.covariates.index(one.covariate)], one)


def in_bounds(x: Floats, bounds: object) -> Bools:
    """Which numbers lie within bounds; NaN does not."""
    found = ~np.isnan(x)
    for name, ask in (("equals", np.equal), ("at_least", np.greater_equal), ("at_most", np.less_equal), ("above", np.greater), ("below", np.less)):
        limit = getattr(bounds, name)
        if limit is not None:
            found &= ask(x, limit)
    return np.asarray(found)


__all__ = ["Courses", "Measured", "Observed", "in_bounds", "within"]
