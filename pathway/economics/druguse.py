"""How much of a drug a course uses: the three modes, doses by weight, caps and vials.

``rate`` accrues evenly while on drug and not held; ``scheduled`` counts administrations (one given is paid even
if the patient stops next day; one due exactly at the stop is not given); ``packs`` are dispensed whole at the
start and every interval while on, and what is left of the last at the stop is wasted. Doses and packs that fall
due during a hold are not used. Intensity multiplies units, not time; so does the share of a reduced dose, for what
falls due while the dose is reduced. This module must not know prices.

Hand-computed cases stand in ``tests/test_druguse.py``.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from functools import reduce
from math import gcd

import numpy as np
from numpy.typing import NDArray

from pathway.definition.documents import DosingRow
from pathway.economics.timeline import Moments, Spans, repeated, without
from pathway.errors import EconomicsError
from pathway.units import DAYS_PER_YEAR

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
FINEST = 1000
"""Vial sizes are told apart to a thousandth of their unit."""
BLOCK = 2_000_000
"""Candidates of totals held in memory at once."""
EDGE = 1e-9
"""Years (0.03 seconds): times of doses computed by sums may miss an edge by rounding, not by more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Rows of use: position, quantity paid for, of it wasted, start, stop (equal when instant), each shape (rows,)."""

    position: Ints
    quantity: Floats
    waste: Floats
    start: Floats
    stop: Floats


def round_to_vials(amount: Floats, sizes: tuple[float, ...]) -> Floats:
    """Smallest total of whole vials that holds each amount, same shape.

    Parameters
    ----------
    amount
        Needed, in the unit of the sizes, at least 0.
    sizes
        Vial sizes, above 0, in steps of a thousandth; none: no rounding.

    Notes
    -----
    Totals are sorted by their remainder modulo the largest size: the smallest total of each remainder is a
    shortest path, every other one adds whole largest vials. Exact for any amount.

    Examples
    --------
    >>> round_to_vials(np.array([560.0, 600.0, 610.0]), (80.0, 200.0, 400.0))
    array([560., 600., 640.])
    """
    if not sizes:
        return amount
    whole = [round(size * FINEST) for size in sizes]
    step = reduce(gcd, whole)
    units = sorted({size // step for size in whole})
    largest = units[-1]
    smallest = np.array(_smallest_totals(units))
    unique, inverse = np.unique(amount, return_inverse=True)
    need = np.ceil(unique * (FINEST / step) * (1.0 - 1e-12) - 1e-9)
    totals = np.empty(need.size)
    block = max(BLOCK // largest, 1)
    for first in range(0, need.size, block):
        lack = np.maximum(need[first : first + block, None] - smallest, 0.0)
        totals[first : first + block] = (smallest + np.ceil(lack / largest) * largest).min(axis=1)
    return np.asarray((totals * (step / FINEST))[inverse].reshape(amount.shape), dtype=np.float64)


def _smallest_totals(units: list[int]) -> list[float]:
    """Smallest sum of units for each remainder modulo the largest unit (infinite: none)."""
    largest = units[-1]
    best = [float("inf")] * largest
    best[0] = 0.0
    queue = [(0.0, 0)]
    while queue:
        total, remainder = heapq.heappop(queue)
        if total > best[remainder]:
            continue
        for unit in units[:-1]:
            further = total + unit
            place = int(further) % largest
            if further < best[place]:
                best[place] = further
                heapq.heappush(queue, (further, place))
    return best


def amounts(row: DosingRow, weight: Floats, surface: Floats) -> tuple[Floats, Floats]:
    """Amount of one administration, of one pack, or of a year for a rate.

    Parameters
    ----------
    row
        How it is dosed.
    weight, surface : shape (patients,)
        kg and square metres.

    Returns
    -------
    Needed and paid for, each shape (patients,): dose, then cap; then whole vials; times intensity.

    Raises
    ------
    EconomicsError
        If vials are asked for where nothing is administered, or a size is not a number.
    """
    if row.basis == "per_kg":
        dose = row.amount * weight
    elif row.basis == "per_m2":
        dose = row.amount * surface
    else:
        dose = np.full(weight.shape, row.amount)
    if row.cap is not None:
        dose = np.minimum(dose, row.cap)
    if row.vial_sizes and row.mode == "rate":
        raise EconomicsError(
            where=f"dosing.csv, {row.treatment}, {row.item}, vial_sizes",
            found="vials of a drug whose use accrues evenly",
            expected="mode scheduled",
            mend="leave vial_sizes empty, or give administrations",
        )
    paid = round_to_vials(dose, vial_sizes(row)) if row.vial_sizes and not row.vial_sharing else dose
    return dose * row.intensity, paid * row.intensity


def vial_sizes(row: DosingRow) -> tuple[float, ...]:
    """Sizes as numbers.

    Raises
    ------
    EconomicsError
        If one is not a number above 0 in steps of a thousandth.
    """
    try:
        sizes = tuple(float(part) for part in row.vial_sizes.split(";") if part.strip())
    except ValueError:
        sizes = (0.0,)
    if any(not 0.0 < size < 1e9 or abs(size * FINEST - round(size * FINEST)) > 1e-6 for size in sizes):
        raise EconomicsError(
            where=f"dosing.csv, {row.treatment}, {row.item}, vial_sizes",
            found=row.vial_sizes,
            expected="numbers such as 80;200;400",
        )
    return sizes


def use_of(row: DosingRow, courses: Spans, holds: Spans, needed: Floats, paid: Floats, reductions: Spans | None = None) -> Use:
    """Use of one item during the courses of its treatment, after time 0; see :meth:`Schedules.use_of`."""
    return Schedules(courses, holds).use_of(row, needed, paid, reductions)


class Schedules:
    """What falls due in courses of one treatment; what items share (a visit's infusion, drug and blood count) is worked out once.

    Parameters
    ----------
    courses, holds
        Of the treatment.
    """

    __slots__ = ("_due", "_parts", "courses", "holds")

    def __init__(self, courses: Spans, holds: Spans) -> None:
        self.courses, self.holds = courses, holds
        self._parts: tuple[Ints, Floats, Floats] | None = None
        self._due: dict[tuple[float | None, ...], tuple[Ints, Floats]] = {}

    def use_of(self, row: DosingRow, needed: Floats, paid: Floats, reductions: Spans | None = None) -> Use:
        """Use of one item, after time 0.

        Parameters
        ----------
        row
            How it is dosed.
        needed, paid : shape (patients,)
            From :func:`amounts`.
        reductions
            When the dose was reduced; None: never.

        Raises
        ------
        EconomicsError
            If packs have no interval, or a reduced dose accrues evenly.
        """
        courses = self.courses
        if row.mode == "rate":
            return self._rate(row, paid)
        course, time = self.due(row)
        position = courses.position[course]
        quantity, waste = paid[position], (paid - needed)[position]
        if row.reduced != 1.0 and reductions is not None and reductions.position.size:
            share = _share_of_dose(row, position, time, reductions)
            quantity, waste = quantity * share, waste * share
        if row.mode == "packs":
            waste = self._unexpired(row, course, time, quantity)
        return Use(position=position, quantity=quantity, waste=waste, start=time, stop=time)

    def _bounds(self, row: DosingRow) -> tuple[Floats, Floats]:
        """When a row begins and ceases to act in each course."""
        begin, end = self.courses.start + row.from_days / DAYS_PER_YEAR, self.courses.stop
        return begin, end if row.until_days is None else np.minimum(end, self.courses.start + row.until_days / DAYS_PER_YEAR)

    def _rate(self, row: DosingRow, paid: Floats) -> Use:
        """Use that accrues evenly while on drug and not held."""
        if row.reduced != 1.0:
            raise EconomicsError(
                where=f"dosing.csv, {row.treatment}, {row.item}, reduced",
                found="a reduced dose of a drug whose use accrues evenly",
                expected="mode scheduled or packs",
                mend="give administrations or packs",
            )
        begin, end = self._bounds(row)
        course, start, stop = self.parts()
        start, stop = np.maximum(np.maximum(start, begin[course]), 0.0), np.minimum(stop, end[course])
        real = stop > start
        start, stop, position = start[real], stop[real], self.courses.position[course[real]]
        quantity = paid[position] * (stop - start)
        return Use(position=position, quantity=quantity, waste=np.zeros(quantity.size), start=start, stop=stop)

    def _unexpired(self, row: DosingRow, course: Ints, time: Floats, quantity: Floats) -> Floats:
        """Part of each pack that is left when the course stops."""
        if row.interval_days is None:
            raise EconomicsError(
                where=f"dosing.csv, {row.treatment}, {row.item}, interval_days",
                found="packs without an interval",
                expected="days a pack lasts",
            )
        _, end = self._bounds(row)
        spacing = row.interval_days / DAYS_PER_YEAR
        unexpired = np.clip((time + spacing - end[course]) / spacing, 0.0, 1.0)
        # A course cut off by the horizon has not stopped: its last pack is not wasted.
        goes_on = self.courses.is_open & (end >= self.courses.stop)
        return np.where(goes_on[course], 0.0, quantity * unexpired)

    def parts(self) -> tuple[Ints, Floats, Floats]:
        """Parts of courses that are not held: course, start and stop."""
        if self._parts is None:
            self._parts = without(self.courses, self.holds)
        return self._parts

    def due(self, row: DosingRow) -> tuple[Ints, Floats]:
        """Course and time of every administration or pack from time 0 on, before the stop and outside holds."""
        key = (row.from_days, row.until_days, row.first_days, row.interval_days, row.count)
        if key not in self._due:
            self._due[key] = self._fall_due(row)
        return self._due[key]

    def _fall_due(self, row: DosingRow) -> tuple[Ints, Floats]:
        begin, end = self._bounds(row)
        first = self.courses.start + row.first_days / DAYS_PER_YEAR
        spacing = 0.0 if row.interval_days is None else row.interval_days / DAYS_PER_YEAR
        many = np.ones(first.size, dtype=np.int64) if spacing == 0.0 else np.maximum(np.ceil((end - first) / spacing), 0.0).astype(np.int64) + 1
        if row.count is not None:
            many = np.minimum(many, row.count)
        course, number = repeated(many)
        time = first[course] + number * spacing
        keep = (time >= (np.maximum(begin, 0.0) - EDGE)[course]) & (time < (end - EDGE)[course])
        if self.holds.position.size:
            keep &= self._outside_holds(course, time)
        return course[keep], np.maximum(time[keep], 0.0)

    def _outside_holds(self, course: Ints, time: Floats) -> Flags:
        """Whether these times, inside their courses, are not held; only courses that were ever held are looked at."""
        given, start, stop = self.parts()
        is_whole = np.zeros(self.courses.position.size, dtype=bool)
        is_whole[given] = (start == self.courses.start[given]) & (stop == self.courses.stop[given])
        kept = is_whole[course]
        doubtful = np.flatnonzero(~kept)
        course, time = course[doubtful], time[doubtful]
        part = np.searchsorted(given, course, side="right")  # parts are in order of course and start
        found = np.zeros(course.size, dtype=bool)
        for back in range(1, int(np.bincount(given, minlength=1).max(initial=0)) + 1):
            at = part - back
            safe = np.maximum(at, 0)
            inside = (at >= 0) & (given[safe] == course)
            found |= inside & (time >= start[safe] - EDGE) & (time < stop[safe] - EDGE)
        kept[doubtful] = found
        return kept


def _share_of_dose(row: DosingRow, position: Ints, time: Floats, reductions: Spans) -> Floats:
    """Share of the full dose at each administration or pack, shape as given."""
    span = Moments(reductions.position, reductions.start).last(position, time)
    inside = (span >= 0) & (reductions.position[span] == position) & (reductions.start[span] <= time) & (time < reductions.stop[span])
    return np.where(inside, row.reduced, 1.0)
