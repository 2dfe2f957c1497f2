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
from dataclasses import dataclass, replace
from functools import reduce
from math import gcd

import numpy as np
from numpy.typing import NDArray

from pathway.definition.documents import DosingRow
from pathway.economics.compiled_layout import How
from pathway.economics.timeline import DrugHistory, Groups, Rows, Spans, Spells
from pathway.economics.using import Part, Persons, Told, lay_out, write_uses
from pathway.errors import EconomicsError
from pathway.units import DAYS_PER_YEAR

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FINEST = 1000
"""Vial sizes are told apart to a thousandth of their unit."""
BLOCK = 2_000_000
"""Candidates of totals held in memory at once."""
HOW = {"rate": How.RATE, "scheduled": How.SCHEDULED, "packs": How.PACKS}


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


def part_of(row: DosingRow, treatment: int, needed: Floats, paid: Floats) -> Part:
    """Lay a row of dosing.csv out as numbers.

    Parameters
    ----------
    row
        How it is dosed.
    treatment
        Its number.
    needed, paid : shape (patients,) or (1,)
        From :func:`amounts`; one for everybody, or for each.

    Raises
    ------
    EconomicsError
        If packs have no interval, or a reduced dose accrues evenly.
    """
    where = f"dosing.csv, {row.treatment}, {row.item}"
    if row.mode == "rate" and row.reduced != 1.0:
        raise EconomicsError(
            where=f"{where}, reduced",
            found="a reduced dose of a drug whose use accrues evenly",
            expected="mode scheduled or packs",
            mend="give administrations or packs",
        )
    if row.mode == "packs" and row.interval_days is None:
        raise EconomicsError(where=f"{where}, interval_days", found="packs without an interval", expected="days a pack lasts")
    return Part(
        how=HOW[row.mode],
        category=row.category,
        item=row.item,
        treatment=treatment,
        needed=needed,
        paid=paid,
        count=row.count,
        first=row.first_days / DAYS_PER_YEAR,
        spacing=0.0 if row.interval_days is None else row.interval_days / DAYS_PER_YEAR,
        acts_from=row.from_days / DAYS_PER_YEAR,
        acts_until=np.inf if row.until_days is None else row.until_days / DAYS_PER_YEAR,
        reduced=row.reduced,
        weight_at_least=row.weight_at_least,
        weight_below=row.weight_below,
    )


def use_of(row: DosingRow, courses: Spans, holds: Spans, needed: Floats, paid: Floats, reductions: Spans | None = None) -> Use:
    """Use of one item during the courses of its treatment, after time 0.

    Parameters
    ----------
    row
        How it is dosed; for any weight.
    courses, holds
        Of the treatment.
    needed, paid : shape (patients,)
        From :func:`amounts`.
    reductions
        When the dose was reduced; None: never.

    Raises
    ------
    EconomicsError
        If packs have no interval, or a reduced dose accrues evenly.
    """
    patients = needed.size
    nothing = Spans(position=np.zeros(0, dtype=np.int64), start=np.zeros(0), stop=np.zeros(0), is_open=np.zeros(0, dtype=bool))
    drugs = DrugHistory.of_spans(*(Groups.of_one(spans, patients) for spans in (courses, holds, reductions or nothing)))
    part = part_of(row.model_copy(update={"weight_at_least": None, "weight_below": None}), 0, needed, paid)
    told = Told(rows=Rows.none(patients), spells=Spells.none(patients), drugs=drugs, life=np.zeros((0, 0)), absorbing=0)
    table = replace(lay_out([part], [row.category], [row.item], 0), needed=needed, paid=paid)
    found = write_uses(table, Persons(age=np.zeros(patients), weight=np.zeros(patients)), told, is_placed=False)
    return Use(**{name: found["patient" if name == "position" else name] for name in ("position", "quantity", "waste", "start", "stop")})  # type: ignore[arg-type]
