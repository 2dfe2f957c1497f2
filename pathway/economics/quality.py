"""Utility of the living, in closed form: marker, decrements, norms by age and sex, and the cap.

``u(t) = min(cap, (level + slope * (M(t) - reference) + decrements) * norm(age, sex) / norm(source))``, or, with a curve, its
value at the marker, age and sex in place of level and slope. A marker runs
straight inside a segment; segments are split where it passes a point of the utility curve, at birthdays, since norms are steps of whole
years of age, and where the line crosses its cap, so every integral is exact. Nothing is clipped from below: a utility that the instrument
cannot express is refused. The dead accrue nothing. This module must not know prices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pathway.economics.columns import real, whole
from pathway.economics.compiled_quality import (
    add_quality,
    add_shared_quality,
    add_slope,
    cut_at_birthdays,
    cut_at_points,
    fill_between,
    fill_steady,
    fill_utilities,
)
from pathway.economics.discounting import CODES, force_of
from pathway.economics.ledger import Ledger
from pathway.economics.terms import Terms, UtilityTerms
from pathway.errors import EconomicsError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """Stretches of life on which utility runs straight but for its cap, each shape (pieces,).

    ``left`` and ``right`` are the uncapped utilities at ``begin`` and ``end``; ``norm`` is that of age and sex, 1
    where the terms have none.
    """

    patient: Ints
    begin: Floats
    end: Floats
    left: Floats
    right: Floats
    cap: Floats
    norm: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Years:
    """Rows of ``life`` cut at birthdays, each shape (years,): row, begin and end; the same for every utility."""

    row: Ints
    begin: Floats
    end: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Quality-adjusted years of every patient, each shape (patients,), and the pieces that they are the integral of.

    ``uncapped`` is ``discounted`` with a cap of 1 alone, whatever the norm; ``worth`` has the discounted years of each piece, shape (pieces,).
    """

    years: Years
    pieces: Pieces
    worth: Floats
    undiscounted: Floats
    discounted: Floats
    uncapped: Floats


def quality_of(ledger: Ledger, terms: Terms, spec: UtilityTerms | None = None, *, years: Years | None = None) -> Quality:
    """Integrate utility over every life.

    Parameters
    ----------
    spec
        Utility in place of the terms' own.
    years
        Of the same ledger, if they were cut before.

    Raises
    ------
    EconomicsError
        If a utility falls below the worst the instrument can say, or a marker is missing.
    """
    years = years or years_of(ledger)
    pieces = pieces_of(ledger, spec or terms.utility, years)
    undiscounted, discounted, uncapped, worth = np.zeros(ledger.patients), np.zeros(ledger.patients), np.zeros(ledger.patients), np.empty(pieces.patient.size)
    rho, convention = force_of(terms.discounting.outcomes), CODES[terms.discounting.convention]
    add_quality(pieces.patient, pieces.begin, pieces.end, pieces.left, pieces.right, pieces.cap, rho, convention, worth, undiscounted, discounted, uncapped)
    return Quality(years=years, pieces=pieces, worth=worth, undiscounted=undiscounted, discounted=discounted, uncapped=uncapped)


def years_of(ledger: Ledger) -> Years:
    """Cut lives at birthdays."""
    life = ledger.life
    row, begin, end = _cut_at_birthdays(whole(life["patient"]), real(life["start"]), real(life["stop"]), real(ledger.age))
    return Years(row=row, begin=begin, end=end)


def pieces_of(ledger: Ledger, spec: UtilityTerms, years: Years) -> Pieces:
    """Cut years of lives at points of a curve, and apply norms.

    Raises
    ------
    EconomicsError
        If a utility falls below the worst the instrument can say, or a marker is missing.
    """
    life = ledger.life
    patient, start, stop = whole(life["patient"]), real(life["start"]), real(life["stop"])
    rows, begin, end = years.row, years.begin, years.end
    first, last = _ends(ledger, spec)
    lines, cells, none = np.arange(rows.size), rows, np.zeros(0)
    points, worth, marker, marker_after, before, after = none, np.zeros((2, 1, 0)), none, none, none, none
    if spec.curve is not None:
        _check_marker(ledger, spec.marker)
        points, worth = real(spec.curve.points), real(spec.curve.worth)
        marker, marker_after = np.empty(rows.size), np.empty(rows.size)
        fill_between(rows, begin, end, start, stop, real(life[f"{spec.marker}_start"]), real(life[f"{spec.marker}_stop"]), marker, marker_after)
        lines, before, after, cells = _cut_at_points(marker, marker_after, points)
    who, (low, high, left, right, cap, norm) = np.empty(lines.size, dtype=np.int64), (np.empty(lines.size) for _ in range(6))
    worst = fill_utilities(
        patient, start, stop, first, last, real(ledger.age), whole(ledger.female), rows, begin, end, marker, marker_after, lines, before, after, cells, points, worth, real(spec.norm), spec.source_norm,
        int(spec.is_scaled), int(spec.is_capped), who, low, high, left, right, cap, norm,
    )  # fmt: skip
    if worst < spec.lowest:
        raise EconomicsError(
            where="utility",
            found=f"{worst:.3f}",
            expected=f"at least {spec.lowest}, the worst the instrument can say",
            mend="look at level, slope and decrements in economics.toml",
        )
    return Pieces(patient=who, begin=low, end=high, left=left, right=right, cap=cap, norm=norm)


def _ends(ledger: Ledger, spec: UtilityTerms) -> tuple[Floats, Floats]:
    """Tell utility before norms at both ends of every segment, but for a curve's part."""
    life = ledger.life
    first, last = np.empty(life["start"].size), np.empty(life["start"].size)
    of_condition = np.array([*(spec.conditions.get(name, 0.0) for name in ledger.conditions), 0.0])
    of_state = np.array([spec.states.get(name, 0.0) for name in ledger.states])
    of_flag, of_treatment = _of_bits(spec.flags, ledger.flags), _of_bits(spec.treatments, ledger.treatments)
    fill_steady(
        whole(life["condition"]), whole(life["flags"]), whole(life["state"]), whole(life["regimen"]), spec.level, of_condition, of_flag, of_state, of_treatment, first, last
    )  # fmt: skip
    for marker, slope, reference in ((spec.marker, spec.slope, spec.reference), *((name, slope, 0.0) for name, slope in spec.other_markers.items())):
        _check_marker(ledger, marker)
        if slope != 0.0:
            add_slope(real(life[f"{marker}_start"]), real(life[f"{marker}_stop"]), slope, reference, first, last)
    return first, last


def _of_bits(worth: dict[str, float], names: tuple[str, ...]) -> Floats:
    """What each bit is worth, up to the last that is worth something: those beyond it need not be read."""
    found = [worth.get(name, 0.0) for name in names]
    while found and found[-1] == 0.0:
        found.pop()
    return np.array(found)


def _check_marker(ledger: Ledger, marker: str) -> None:
    if marker not in ledger.markers:
        raise EconomicsError(where="utility", found=f"marker {marker}", expected=", ".join(ledger.markers))


def _cut_at_birthdays(patient: Ints, start: Floats, stop: Floats, age: Floats) -> tuple[Ints, Floats, Floats]:
    """Row of every piece, and its ends."""
    needed, room = 2 * start.size, -1
    while needed > room:
        room = needed
        rows, begin, end = np.empty(room, dtype=np.int64), np.empty(room), np.empty(room)
        needed = cut_at_birthdays(patient, start, stop, age, rows, begin, end)
    return rows[:needed], begin[:needed], end[:needed]


def _cut_at_points(left: Floats, right: Floats, points: Floats) -> tuple[Ints, Floats, Floats, Ints]:
    """Line of every piece, values at its ends, and its cell."""
    needed, room = 2 * left.size, -1
    while needed > room:
        room = needed
        lines, before, after, cells = np.empty(room, dtype=np.int64), np.empty(room), np.empty(room), np.empty(room, dtype=np.int64)
        needed = cut_at_points(left, right, points, lines, before, after, cells)
    return lines[:needed], before[:needed], after[:needed], cells[:needed]


def split_at_points(left: Floats, right: Floats, points: Floats) -> tuple[Ints, Floats, Floats]:
    """Cut straight lines where they pass points.

    Parameters
    ----------
    left, right : shape (n,)
        Value of each line at its ends.
    points : shape (k,)
        Ascending.

    Returns
    -------
    Line, and value at both ends of each piece, in the order in which the line is walked.

    Examples
    --------
    >>> split_at_points(np.array([0.5]), np.array([2.5]), np.array([1.0, 2.0, 3.0]))
    (array([0, 0, 0]), array([0.5, 1. , 2. ]), array([1. , 2. , 2.5]))
    """
    return _cut_at_points(left, right, points)[:3]


def split_at_birthdays(age: Floats, start: Floats, stop: Floats) -> tuple[Ints, Floats, Floats]:
    """Cut segments at whole ages.

    Parameters
    ----------
    age, start, stop : shape (n,)
        Age at entry; years since entry.

    Returns
    -------
    Segment, begin and end of each piece, in order; none is empty.

    Examples
    --------
    >>> split_at_birthdays(np.array([54.5]), np.array([0.0]), np.array([1.0]))
    (array([0, 0]), array([0. , 0.5]), array([0.5, 1. ]))
    """
    return _cut_at_birthdays(np.arange(age.size), start, stop, age)


def equal_value_years_gained(ledger: Ledger, comparator: Ledger, terms: Terms, *, known: tuple[Quality, Quality] | None = None) -> Floats:
    """Equal-value life-years gained over a comparator, discounted, shape (patients,).

    While both lives last (up to the earlier end), quality counts as it is; years that only one of them has count at
    the norm of age and sex, however ill the patient is in them.

    Parameters
    ----------
    ledger, comparator
        The same patients under two strategies.
    terms
        Utilities and discounting.
    known
        Quality of both lives, if it was worked out before.

    References
    ----------
    Institute for Clinical and Economic Review, equal value of life-years gained; per patient with shared draws.

    Raises
    ------
    EconomicsError
        If the cohorts differ, or the terms have no norm.
    """
    if ledger.patients != comparator.patients:
        raise EconomicsError(where="evLY", found="cohorts of two sizes", expected="the same patients")
    if not terms.utility.norm.size:
        raise EconomicsError(where="evLY", found="no norm", expected="a norm in economics.toml, table utility")
    if ledger is comparator:
        return np.zeros(ledger.patients)
    shared = np.minimum(ledger.end, comparator.end)
    rho, convention = force_of(terms.discounting.outcomes), CODES[terms.discounting.convention]
    sides = []
    for one, quality in zip((ledger, comparator), known or [quality_of(one, terms) for one in (ledger, comparator)], strict=True):
        pieces, end = quality.pieces, real(one.end)
        side = np.where(end > shared, 0.0, quality.discounted)  # a life that does not go on alone counts as it is
        add_shared_quality(pieces.patient, pieces.begin, pieces.end, pieces.left, pieces.right, pieces.cap, pieces.norm, quality.worth, shared, end, rho, convention, side)
        sides.append(side)
    return sides[0] - sides[1]
