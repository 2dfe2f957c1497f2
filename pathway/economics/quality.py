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

from pathway.economics.discounting import Discounting, flow, linear_flow
from pathway.economics.ledger import Ledger
from pathway.economics.terms import Terms, UtilityTerms
from pathway.economics.timeline import repeated
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

    def until(self, limit: Floats) -> Pieces:
        """Cut off what lies after a time of each patient, shape (patients,)."""
        last = limit[self.patient]
        begin, end = np.minimum(self.begin, last), np.minimum(self.end, last)
        length = np.where(self.end > self.begin, self.end - self.begin, 1.0)
        rise = self.right - self.left
        right = np.where(end < self.end, self.left + rise * (end - self.begin) / length, self.right)
        return Pieces(
            patient=self.patient, begin=begin, end=end, left=self.left, right=right, cap=self.cap, norm=self.norm
        )


def pieces_of(ledger: Ledger, spec: UtilityTerms) -> Pieces:
    """Cut lives at birthdays and apply norms.

    Raises
    ------
    EconomicsError
        If a utility falls below the worst the instrument can say, or a marker is missing.
    """
    line = _straight(ledger, spec)
    person = np.asarray(ledger.life["patient"], dtype=np.int64)[line.segment]
    rows, begin, end = split_at_birthdays(ledger.age[person], line.start, line.stop)
    who, length = person[rows], (line.stop - line.start)[rows]
    left, right = line.between(rows, begin, end, length, line.first, line.last)
    age = np.floor(ledger.age[who] + 0.5 * (begin + end)).astype(np.int64)
    if spec.curve is not None:
        before, after = line.between(rows, begin, end, length, line.before, line.after)
        cell = spec.curve.cell_of(0.5 * (before + after))
        left = left + spec.curve(before, cell, ledger.female[who], age)
        right = right + spec.curve(after, cell, ledger.female[who], age)
    norm, cap = np.ones(rows.size), np.ones(rows.size)
    if spec.norm.size:
        norm = spec.norm[ledger.female[who], np.clip(age, 0, spec.norm.shape[1] - 1)]
        if spec.is_scaled:
            left, right = left * (norm / spec.source_norm), right * (norm / spec.source_norm)
        cap = np.minimum(norm, 1.0) if spec.is_capped else cap
    worst = min(left.min(initial=np.inf), right.min(initial=np.inf))
    if worst < spec.lowest:
        raise EconomicsError(
            where="utility",
            found=f"{worst:.3f}",
            expected=f"at least {spec.lowest}, the worst the instrument can say",
            mend="look at level, slope and decrements in economics.toml",
        )
    return Pieces(patient=who, begin=begin, end=end, left=left, right=right, cap=cap, norm=norm)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """Stretches on which utility before norms runs straight, each shape (stretches,).

    ``first`` and ``last`` are all of it but for a curve's part, which is that of the marker from ``before`` to ``after``.
    """

    segment: Ints
    start: Floats
    stop: Floats
    first: Floats
    last: Floats
    before: Floats
    after: Floats

    def between(self, rows: Ints, begin: Floats, end: Floats, length: Floats, first: Floats, last: Floats) -> tuple[Floats, Floats]:
        """Values at ``begin`` and ``end`` of what runs straight from ``first`` to ``last`` of the stretch in ``rows``."""
        rise = (last - first)[rows]
        left = np.where(begin == self.start[rows], first[rows], first[rows] + rise * (begin - self.start[rows]) / length)
        right = np.where(end == self.stop[rows], last[rows], first[rows] + rise * (end - self.start[rows]) / length)
        return left, right


def _straight(ledger: Ledger, spec: UtilityTerms) -> _Line:
    """Cut segments where the marker passes a point of the curve."""
    life = ledger.life
    start, stop = np.asarray(life["start"], dtype=np.float64), np.asarray(life["stop"], dtype=np.float64)
    first, last = _ends(ledger, spec)
    if spec.curve is None:
        return _Line(segment=np.arange(start.size, dtype=np.int64), start=start, stop=stop, first=first, last=last, before=first, after=last)
    if spec.marker not in ledger.markers:
        raise EconomicsError(where="utility", found=f"marker {spec.marker}", expected=", ".join(ledger.markers))
    left, right = (np.asarray(life[f"{spec.marker}_{side}"], dtype=np.float64) for side in ("start", "stop"))
    segment, before, after = split_at_points(left, right, spec.curve.points)
    share_before, share_after = ((value - left[segment]) / _or_one(right - left)[segment] for value in (before, after))
    others, rise, length = first[segment], (last - first)[segment], (stop - start)[segment]
    is_last = np.append(segment[1:] != segment[:-1], True)[: segment.size]
    share_after = np.where(is_last, 1.0, share_after)
    return _Line(
        segment=segment, start=start[segment] + share_before * length, stop=np.where(is_last, stop[segment], start[segment] + share_after * length),
        first=others + rise * share_before, last=others + rise * share_after, before=before, after=after,
    )  # fmt: skip


def _or_one(x: Floats) -> Floats:
    return np.where(x == 0.0, 1.0, x)


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
    low = np.searchsorted(points, np.minimum(left, right), side="right")
    high = np.maximum(np.searchsorted(points, np.maximum(left, right), side="left"), low)
    lines, number = repeated(np.asarray(high - low + 1, dtype=np.int64))
    is_rising = (right >= left)[lines]
    passed = np.where(is_rising, low[lines] + number, high[lines] - 1 - number)
    count = (high - low)[lines]
    padded = np.append(points, np.nan)
    after = np.where(number < count, padded[np.clip(passed, 0, points.size)], right[lines])
    previous = np.where(is_rising, passed - 1, passed + 1)
    before = np.where(number > 0, padded[np.clip(previous, 0, points.size)], left[lines])
    return lines, before, after


def _ends(ledger: Ledger, spec: UtilityTerms) -> tuple[Floats, Floats]:
    """Tell utility before norms at both ends of every segment, but for a curve's part."""
    life = ledger.life
    constant = np.full(life["start"].size, spec.level)
    condition, state = life["condition"], life["state"]
    flags, regimen = np.asarray(life["flags"], dtype=np.int64), np.asarray(life["regimen"], dtype=np.int64)
    for number, name in enumerate(ledger.conditions):
        constant += spec.conditions.get(name, 0.0) * (condition == number)
    for number, name in enumerate(ledger.flags):
        constant += spec.flags.get(name, 0.0) * (flags >> number & 1)
    for number, name in enumerate(ledger.states):
        constant += spec.states.get(name, 0.0) * (state == number)
    for number, name in enumerate(ledger.treatments):
        constant += spec.treatments.get(name, 0.0) * (regimen >> number & 1)
    slopes = [(spec.marker, spec.slope, spec.reference), *((m, s, 0.0) for m, s in spec.other_markers.items())]
    first, last = constant.copy(), constant
    for marker, slope, reference in slopes:
        if slope == 0.0 and marker in ledger.markers:
            continue
        if marker not in ledger.markers:
            raise EconomicsError(where="utility", found=f"marker {marker}", expected=", ".join(ledger.markers))
        first = first + slope * (np.asarray(life[f"{marker}_start"], dtype=np.float64) - reference)
        last = last + slope * (np.asarray(life[f"{marker}_stop"], dtype=np.float64) - reference)
    return first, last


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
    lowest = np.floor(age + start)
    rows, number = repeated(np.maximum(np.ceil(age + stop) - lowest, 1.0).astype(np.int64))
    before, after = ((lowest[rows] + number + shift) - age[rows] for shift in (0.0, 1.0))
    begin = np.where(number == 0, start[rows], np.clip(before, start[rows], stop[rows]))
    is_last = np.append(rows[1:] != rows[:-1], True)[: rows.size]
    end = np.where(is_last, stop[rows], np.clip(after, start[rows], stop[rows]))
    real = end > begin
    return rows[real], begin[real], end[real]


def quality_adjusted_years(pieces: Pieces, patients: int, rate: float, discounting: Discounting) -> Floats:
    """Integral of capped utility for every patient, shape (patients,)."""
    begin, end, cap = pieces.begin, pieces.end, pieces.cap
    crosses = (pieces.left < cap) != (pieces.right < cap)
    rise = np.where(crosses, pieces.right - pieces.left, 1.0)
    share = np.where(crosses, np.clip((cap - pieces.left) / rise, 0.0, 1.0), 1.0)
    middle = begin + share * (end - begin)
    left, right = np.minimum(pieces.left, cap), np.minimum(pieces.right, cap)
    between = np.where(crosses, cap, right)
    convention = discounting.convention
    years = linear_flow(begin, middle, left, between, rate, convention)
    rest = np.flatnonzero(middle != end)  # where utility bends, or the last bit of a sum is missing
    years[rest] += linear_flow(middle[rest], end[rest], between[rest], right[rest], rate, convention)
    return _by_patient(pieces, years, patients)


def _by_patient(pieces: Pieces, weight: Floats, patients: int) -> Floats:
    return np.asarray(np.bincount(pieces.patient, weights=weight, minlength=patients), dtype=np.float64)


def equal_value_years_gained(ledger: Ledger, comparator: Ledger, terms: Terms, *, known: tuple[Pieces, Pieces] | None = None) -> Floats:
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
        Pieces of both lives, if they were cut before.

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
    sides = []
    for one, pieces in zip((ledger, comparator), known or [pieces_of(one, terms.utility) for one in (ledger, comparator)], strict=True):
        both = pieces.until(shared)
        rate, convention = terms.discounting.outcomes, terms.discounting.convention
        later = np.maximum(pieces.begin, shared[pieces.patient])
        alone = pieces.norm * flow(later, np.maximum(pieces.end, later), rate, convention)
        quality = quality_adjusted_years(both, one.patients, rate, terms.discounting)
        sides.append(quality + _by_patient(pieces, alone, one.patients))
    return sides[0] - sides[1]
