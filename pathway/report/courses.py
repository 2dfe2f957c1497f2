"""Drugs begun on each line: how long they were taken, and why they were stopped.

The unit is the first course of a drug that a patient begins on a line. Forms of one drug that a decision exchanges for each other (a step of dose, spacing) are one drug: an
exchange neither ends a course nor begins one. What a patient took already at entry was begun on no line. A course belongs to the line it began on, even when it goes on
through the next ones. This module must not know a disease, nor draw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pathway.eventlog import Kind
from pathway.program import FAILURES, Program
from pathway.report.histories import Reading
from pathway.report.view import View

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Booleans = NDArray[np.bool_]
DIED, GOES_ON = "died on it", "still on it"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineCourses:
    """First course of each patient, line and drug, shape (courses,).

    Attributes
    ----------
    patient, line, drug
        Position of the patient, line it began on, number of the drug in :func:`drugs_of`.
    years
        From start to stop, death or the horizon.
    reason
        Why it ended: a reason of the log, :data:`DIED` or :data:`GOES_ON`.
    """

    patient: Ints
    line: Ints
    drug: Ints
    years: Floats
    reason: NDArray[np.object_]

    @property
    def stopped(self) -> Booleans:
        """Was it stopped while the patient lived on?"""
        return np.asarray((self.reason != DIED) & (self.reason != GOES_ON), dtype=np.bool_)

    def only(self, rows: Booleans) -> LineCourses:
        """Some of them."""
        return LineCourses(patient=self.patient[rows], line=self.line[rows], drug=self.drug[rows], years=self.years[rows], reason=self.reason[rows])


def drugs_of(program: Program) -> list[int]:
    """Bits of the treatments that are forms of one drug, in the order of the treatments.

    Two treatments are forms of one drug if some decision exchanges one for the other.
    """
    group = list(range(len(program.treatments)))
    for decision in program.decisions:
        for old, new in decision.exchange:
            low, high = sorted((group[old], group[new]))
            group = [low if one == high else one for one in group]
    return [sum(1 << k for k, one in enumerate(group) if one == first) for first in dict.fromkeys(group)]


def drug_words(view: View, program: Program, bits: int) -> str:
    """Words for a drug: what the labels of its forms begin with in common, or all of them."""
    labels = [view.treatment(name) for k, name in enumerate(program.treatments) if bits >> k & 1]
    common = []
    for words in zip(*(label.split() for label in labels), strict=False):
        if len({word.rstrip(",") for word in words}) > 1:
            break
        common.append(words[0])
    return " ".join(common).rstrip(",") or " / ".join(labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrugCourses:
    """All courses of one drug, in order of patient and time, shape (courses,).

    Attributes
    ----------
    patient, start, stop, line
        Position of the patient, years since entry, and the line on which it began.
    reason
        As in :class:`LineCourses`.
    is_of_entry
        Was the patient on it when the history began?
    """

    patient: Ints
    start: Floats
    stop: Floats
    line: Ints
    reason: NDArray[np.object_]
    is_of_entry: Booleans

    @property
    def stopped(self) -> Booleans:
        """Was it stopped while the patient lived on?"""
        return np.asarray((self.reason != DIED) & (self.reason != GOES_ON), dtype=np.bool_)


def drug_courses(reading: Reading, bits: int) -> DrugCourses:
    """Courses of a drug in any of its forms; one that ends the moment it begins is none."""
    log, program, spans, lives = reading.log, reading.program, reading.spans, reading.lifetimes
    # Rows at one moment are one moment: an exchange stops and starts at once.
    rows = np.flatnonzero((spans.stop > spans.start) & ~(program.absorbing >> spans.state & 1).astype(bool))
    who = spans.patient[rows]
    is_on = (spans.regimen[rows] & bits) > 0
    opens = np.ones(rows.size, dtype=bool)
    opens[1:] = who[1:] != who[:-1]
    closes = np.ones(rows.size, dtype=bool)
    closes[:-1] = opens[1:]
    firsts = np.flatnonzero(is_on & (opens | ~np.r_[False, is_on[:-1]]))
    ends = np.flatnonzero(is_on & (closes | ~np.r_[is_on[1:], False]))
    patient, stop = who[firsts], spans.stop[rows[ends]]
    reason = _why(reading, bits, rows, ends, stop, patient, np.array([*log.names, ""], dtype=object))
    over = stop >= lives.years[patient]
    reason[over] = np.where(lives.died[patient[over]], DIED, GOES_ON)
    entered = spans.regimen[np.searchsorted(spans.patient, patient)]  # the first row of each patient: before any choice
    return DrugCourses(
        patient=patient, start=spans.start[rows[firsts]], stop=stop, line=spans.line[rows[firsts]], reason=reason, is_of_entry=opens[firsts] & ((entered & bits) > 0)
    )


def line_courses(reading: Reading) -> LineCourses:
    """First courses that patients began on each line, in order of drug, patient and time."""
    parts = []
    for number, bits in enumerate(drugs_of(reading.program)):
        courses = drug_courses(reading, bits)
        own = np.flatnonzero(~courses.is_of_entry)
        wide = int(courses.line.max(initial=0)) + 1
        first = own[np.unique(courses.patient[own] * wide + courses.line[own], return_index=True)[1]]
        parts.append(
            LineCourses(
                patient=courses.patient[first], line=courses.line[first], drug=np.full(first.size, number), years=(courses.stop - courses.start)[first],
                reason=courses.reason[first],
            )
        )  # fmt: skip
    nobody = np.zeros(0, dtype=np.int64)
    return LineCourses(
        patient=np.concatenate([nobody, *(part.patient for part in parts)]), line=np.concatenate([nobody, *(part.line for part in parts)]),
        drug=np.concatenate([nobody, *(part.drug for part in parts)]), years=np.concatenate([np.zeros(0), *(part.years for part in parts)]),
        reason=np.concatenate([np.zeros(0, dtype=object), *(part.reason for part in parts)]),
    )  # fmt: skip


def _why(reading: Reading, bits: int, rows: Ints, ends: Ints, stop: Floats, patient: Ints, names: NDArray[np.object_]) -> NDArray[np.object_]:
    """Reason of the last stop of the drug at the moment its course ends; ``unknown`` if the log has none there."""
    events, spans = reading.log.events, reading.spans
    ids = [reading.log.name_id(name) for k, name in enumerate(reading.program.treatments) if bits >> k & 1]
    stops = np.flatnonzero((events["kind"] == Kind.STOP) & np.isin(events["name"], ids))
    if not stops.size:
        return np.full(ends.size, "unknown", dtype=object)
    after = rows[np.minimum(ends + 1, rows.size - 1)]  # the next row that lasts: the stop is not later than it
    row = stops[np.maximum(np.searchsorted(stops, after, side="right") - 1, 0)]
    is_it = (spans.patient[row] == patient) & (spans.start[row] == stop)
    return np.where(is_it, names[events["detail"][row].astype(np.int64)], "unknown").astype(object)


def reasons_in_order(reasons: set[str]) -> list[str]:
    """Failures first, as the program names them; then other reasons; then those who died on it or are still on it."""
    ends = (DIED, GOES_ON)
    failures = [name for name in FAILURES if name in reasons]
    return [*failures, *sorted(reasons - set(failures) - set(ends)), *(end for end in ends if end in reasons)]


def reason_words(reason: str) -> str:
    """Words for a reason.

    Examples
    --------
    >>> reason_words("primary_failure")
    'Primary failure'
    """
    return reason.replace("_", " ").capitalize()
