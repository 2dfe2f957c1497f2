"""How much of a drug a course uses: the three modes, doses by weight, caps and vials.

``rate`` accrues evenly while on drug; ``scheduled`` counts administrations (one given is paid even if the patient stops next day; one due exactly at the stop is not
given); ``packs`` are dispensed whole, the rest wasted at stop. Doses that fall into a hold are not used. Intensity multiplies units, not time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from math import gcd

import numpy as np
from numpy.typing import NDArray

from pathway.definition.documents import DosingRow
from pathway.economics.timeline import Courses
from pathway.errors import EconomicsError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
DAYS_PER_YEAR = 365.25
FINEST = 1000
"""Vial sizes are told apart to a thousandth of their unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Rows of use: position, quantity, start, stop (equal when instant), each shape (rows,)."""

    position: Ints
    quantity: Floats
    start: Floats
    stop: Floats


def round_to_vials(amount: Floats, sizes: tuple[float, ...]) -> Floats:
    """Smallest total of whole vials that holds each amount, same shape.

    Parameters
    ----------
    amount
        Needed, in the unit of the sizes, at least 0.
    sizes
        Vial sizes.

    Examples
    --------
    >>> round_to_vials(np.array([560.0, 600.0, 610.0]), (80.0, 200.0, 400.0))
    array([560., 600., 640.])
    """
    if not sizes:
        return amount
    whole = [round(size * FINEST) for size in sizes]
    step = reduce(gcd, whole)
    units = [size // step for size in whole]
    highest = int(np.ceil(amount.max() * FINEST / step)) + max(units) if amount.size else 0
    reachable = np.zeros(highest + 1, dtype=bool)
    reachable[0] = True
    for unit in units:
        for total in range(unit, highest + 1):
            reachable[total] |= reachable[total - unit]
    totals = np.flatnonzero(reachable) * (step / FINEST)
    return totals[np.searchsorted(totals, amount - 1e-9)]


def amounts(row: DosingRow, weight: Floats, surface: Floats) -> Floats:
    """Amount of one administration (or of a year, for a rate) by patient, shape (patients,): dose, cap, vials, intensity."""
    if row.basis == "per_kg":
        dose = row.amount * weight
    elif row.basis == "per_m2":
        dose = row.amount * surface
    else:
        dose = np.full(weight.shape, row.amount)
    if row.cap is not None:
        dose = np.minimum(dose, row.cap)
    if row.vial_sizes and not row.vial_sharing:
        dose = round_to_vials(dose, vial_sizes(row))
    return dose * row.intensity


def vial_sizes(row: DosingRow) -> tuple[float, ...]:
    """Sizes as numbers.

    Raises
    ------
    EconomicsError
        If one is not a number above 0.
    """
    try:
        sizes = tuple(float(part) for part in row.vial_sizes.split(";") if part.strip())
    except ValueError:
        sizes = (0.0,)
    if any(size <= 0.0 for size in sizes):
        raise EconomicsError(where=f"dosing.csv, {row.treatment}, {row.item}, vial_sizes", found=row.vial_sizes, expected="numbers such as 80;200;400")
    return sizes


def use_of(row: DosingRow, courses: Courses, holds: Courses, amount: Floats) -> Use:
    """Use of one item during the courses of its treatment, after time 0.

    Parameters
    ----------
    row
        How it is dosed.
    courses, holds
        Of the treatment.
    amount : shape (patients,)
        From :func:`amounts`.
    """
    begin = courses.start + row.from_days / DAYS_PER_YEAR
    end = courses.stop if row.until_days is None else np.minimum(courses.stop, courses.start + row.until_days / DAYS_PER_YEAR)
    if row.mode == "rate":
        start = np.maximum(begin, 0.0)
        held = _held(courses.position, start, end, holds)
        years = np.maximum(end - start - held, 0.0)
        keep = years > 0.0
        return Use(position=courses.position[keep], quantity=(amount[courses.position] * years)[keep], start=start[keep], stop=end[keep])
    first = courses.start + row.first_days / DAYS_PER_YEAR
    if row.interval_days is None:
        many = np.ones(first.size, dtype=np.int64)
        spacing = 0.0
    else:
        spacing = row.interval_days / DAYS_PER_YEAR
        many = np.maximum(np.ceil((end - first) / spacing - 1e-12), 0.0).astype(np.int64)
    if row.count is not None:
        many = np.minimum(many, row.count)
    which = np.repeat(np.arange(first.size), many)
    number = np.arange(which.size) - np.repeat(np.cumsum(many) - many, many)
    time = first[which] + number * spacing
    keep = (time >= 0.0) & (time >= begin[which]) & (time < end[which]) & ~_in_hold(courses.position[which], time, holds)
    position, time = courses.position[which][keep], time[keep]
    return Use(position=position, quantity=amount[position], start=time, stop=time.copy())


def _held(position: Ints, start: Floats, stop: Floats, holds: Courses) -> Floats:
    """Years of each interval that were held."""
    total = np.zeros(start.shape)
    if holds.position.size:
        order = np.argsort(position, kind="stable")
        left = np.searchsorted(position[order], holds.position, side="left")
        right = np.searchsorted(position[order], holds.position, side="right")
        for shift in range(int((right - left).max(initial=0))):
            has = left + shift < right
            which = order[left[has] + shift]
            overlap = np.minimum(stop[which], holds.stop[has]) - np.maximum(start[which], holds.start[has])
            np.add.at(total, which, np.maximum(overlap, 0.0))
    return total


def _in_hold(position: Ints, time: Floats, holds: Courses) -> NDArray[np.bool_]:
    """Does a dose fall into a hold?"""
    inside = np.zeros(time.shape, dtype=bool)
    if holds.position.size and time.size:
        scale = 4.0 * (float(max(time.max(), holds.stop.max(), 1.0)) + 1.0)
        order = np.lexsort((holds.start, holds.position))
        keys = holds.position[order] * scale + holds.start[order]
        last = np.searchsorted(keys, position * scale + time, side="right") - 1
        known = last >= 0
        which = order[np.maximum(last, 0)]
        inside = known & (holds.position[which] == position) & (time < holds.stop[which])
    return inside
