"""Visits: what is planned, measured, found and suspected (rules 7 and 8).

The clinic sees the body only through :meth:`Visits.hold`, which adds keyed error to true values and writes what it measured into the record.
"""

from __future__ import annotations

from math import inf, nan
from typing import Protocol

from pathway import kernels
from pathway.engines.body import Body
from pathway.engines.record import Record
from pathway.eventlog import Kind
from pathway.program import ClockKind, FindingSpec, Program, ScheduleSpec

OCCURRENCE_STRIDE = 4096
"""Indices of a measurement stream kept for one occurrence of a schedule's clock."""
MISSING_OFFSET = 1 << 30
"""Where the indices for *was it missed* begin in a measurement stream."""


class Writer(Protocol):
    """Adds rows to a history."""

    def __call__(
        self, kind: Kind, name: str, detail: str = "", *, true: float = ..., measured: float = ..., native: float = ..., occurrence: int = ...
    ) -> None:
        """Write a row."""


class Visits:
    """One patient's schedules."""

    __slots__ = ("_body", "_index", "_key", "_occurrence", "_origin", "_program", "_record", "_write", "due")

    def __init__(self, program: Program, record: Record, body: Body, key: tuple[int, int, int], write: Writer) -> None:
        self._program = program
        self._record = record
        self._body = body
        self._key = key
        self._write = write
        count = len(program.schedules)
        self._index = [0] * count
        self._occurrence = [0] * count
        self._origin = [inf] * count
        self.due = [inf] * count
        for number, schedule in enumerate(program.schedules):
            if schedule.clock.kind is ClockKind.ENTRY:
                self._restart(number, 0.0, 0)

    def _restart(self, number: int, origin: float, occurrence: int) -> None:
        offsets = self._program.schedules[number].offsets
        index = 0
        while index < len(offsets) and origin + float(offsets[index]) < 0.0:  # the clock began before entry
            index += 1
        self._index[number] = index
        self._occurrence[number] = occurrence
        self._origin[number] = origin
        self.due[number] = origin + float(offsets[index]) if index < len(offsets) else inf

    def restart(self, kind: ClockKind, treatment: int, time: float, occurrence: int) -> None:
        """A clock began: schedules that count from it start again."""
        for number, schedule in enumerate(self._program.schedules):
            if schedule.clock.kind is kind and (kind is ClockKind.LINE or schedule.clock.treatment == treatment):
                self._restart(number, time, occurrence)

    def stop(self, treatment: int) -> None:
        """A course ended: its schedules end."""
        for number, schedule in enumerate(self._program.schedules):
            if schedule.clock.kind is ClockKind.COURSE and schedule.clock.treatment == treatment:
                self.due[number] = inf

    def next_due(self) -> float:
        """Time of the next planned visit."""
        return min(self.due, default=inf)

    def _is_wanted(self, schedule: ScheduleSpec) -> bool:
        return schedule.while_on == 0 or bool(schedule.while_on & self._record.regimen)

    def hold(self, time: float) -> int:
        """Hold the visit that is due: measure what the schedules that fall together ask for, each thing once.

        Returns
        -------
        The index of the visit in its first schedule, or -1 if no schedule that is due wants one now.
        """
        due = [number for number, when in enumerate(self.due) if when == time]
        wanted = [number for number in due if self._is_wanted(self._program.schedules[number])]
        seen: set[int] = set()
        first = self._index[wanted[0]] if wanted else -1
        leader = self._program.schedules[wanted[0]].name if wanted else ""
        for number in wanted:
            schedule = self._program.schedules[number]
            self._write(Kind.VISIT, schedule.name, "" if schedule.name == leader else leader, occurrence=self._index[number])
            index = self._index[number] + OCCURRENCE_STRIDE * self._occurrence[number]
            self.examine(time, schedule.measures, schedule.findings, schedule.streams, index, schedule.name, seen)
        self.compute_indices(time, seen, leader)
        for number in due:
            self._index[number] += 1
            offsets = self._program.schedules[number].offsets
            position = self._index[number]
            self.due[number] = self._origin[number] + float(offsets[position]) if position < len(offsets) else inf
        return first

    def examine(
        self,
        time: float,
        measures: tuple[int, ...],
        findings: tuple[int, ...],
        streams: tuple[int, ...],
        index: int,
        where: str,
        seen: set[int],
    ) -> None:
        """Measure markers and look for findings; ``seen`` holds what this visit already has."""
        markers = len(self._program.markers)
        for marker in measures:
            if marker not in seen:
                seen.add(marker)
                self._measure(time, marker, streams[marker], index, where)
        for finding in findings:
            spec = self._program.findings[finding]
            if markers + finding not in seen and (spec.while_on == 0 or spec.while_on & self._record.regimen):
                seen.add(markers + finding)
                self._find(time, finding, spec, streams[markers + finding], index, where)

    def compute_indices(self, time: float, seen: set[int], where: str) -> None:
        """Indices of which this visit measured every marker; a missing value leaves them undocumented."""
        for number, spec in enumerate(self._program.indices):
            if not any(marker in seen for marker, _, _ in spec.terms):
                continue
            value = spec.constant
            for marker, weight, transform in spec.terms:
                kept = self._record.measured[marker]
                if not kept or kept[-1][0] != time:
                    break
                value = value + weight * kernels.transformed(transform, kept[-1][1])
            else:
                self._record.note_index(number, time, value)
                self._write(Kind.FINDING, spec.name, where, measured=value)

    def _measure(self, time: float, marker: int, stream: int, index: int, where: str) -> None:
        spec = self._program.markers[marker]
        true = self._body.shown_at(marker, time)
        if spec.missing > 0.0 and kernels.uniform(*self._key, stream, MISSING_OFFSET + index) < spec.missing:
            self._write(Kind.MEASURE, spec.name, where, true=true, measured=nan, native=nan)
            return
        unit = self._body.unit_at(marker, time)
        draw = kernels.student4 if spec.error_heavy else kernels.normal
        error = spec.error_sd * draw(*self._key, stream, index) if spec.error_sd > 0.0 else 0.0
        native = self._body.native_at(marker, time) + error * unit
        if spec.round_to > 0.0:
            native = kernels.round_half_up(native, spec.round_to)
        floor = min(spec.round_to, spec.lower * unit) if spec.lower > -inf else spec.round_to
        native = min(max(native, floor), spec.upper * unit)
        measured = native / unit
        self._record.note_measurement(marker, time, measured)
        self._write(Kind.MEASURE, spec.name, where, true=true, measured=measured, native=native)

    def _find(self, time: float, finding: int, spec: FindingSpec, stream: int, index: int, where: str) -> None:
        if spec.missing > 0.0 and kernels.uniform(*self._key, stream, MISSING_OFFSET + index) < spec.missing:
            return
        if spec.kind == "continuous":
            value = self._predictor(spec, time)
            if spec.error_sd > 0.0:
                value = value + spec.error_sd * kernels.normal(*self._key, stream, index)
            if spec.log_scale:
                value = float(kernels.exp(value))
        elif spec.kind == "yes_no":
            odds = kernels.exp(self._predictor(spec, time))
            value = float(kernels.uniform(*self._key, stream, index) < odds / (1.0 + odds))
        else:
            value = self._band(spec, kernels.uniform(*self._key, stream, index))
        self._record.findings[finding] = (time, value)
        self._write(Kind.FINDING, spec.name, where, measured=value)

    def _band(self, spec: FindingSpec, chance: float) -> float:
        reached = 0.0
        for band, probability in enumerate(spec.bands, start=1):
            reached = reached + probability
            if chance < reached:
                return float(band)
        return 0.0

    def _predictor(self, spec: FindingSpec, time: float) -> float:
        level = spec.level
        if spec.level_covariate >= 0:
            known = self._record.covariates[spec.level_covariate]
            level = level + (float(kernels.log(known)) if spec.log_scale else known)
        for term in spec.terms:
            if term.marker >= 0:
                if term.since_entry:
                    x = self._body.shown_at(term.marker, time) - self._body.entry_shown[term.marker]
                elif term.window > 0.0:
                    x = self._body.change_over(term.marker, time, term.window)
                else:
                    x = self._body.shown_at(term.marker, time)
            elif term.treatment >= 0:
                x = float(self._record.regimen >> term.treatment & 1)
            else:
                x = self._record.covariates[term.covariate]
            level = level + term.slope * (x - term.reference)
        return level
