"""Passes over lives and their pieces: cuts at birthdays and at points of a curve, utilities, and their integrals, compiled.

The arithmetic behind :mod:`pathway.economics.quality`, which says what is computed and why. Kernels that cut lines fill what room there is and return how much they need,
so that a caller whose room was too small can give more.
"""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pathway.economics.compiled_discounting import ends_today, flow_today, line_today
from pathway.jit import inline_kernel, inner_kernel, kernel, place

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


# --- cuts ---------------------------------------------------------------------------------------------------------


@kernel
def cut_at_birthdays(patient: Ints, start: Floats, stop: Floats, age: Floats, rows: Ints, begin: Floats, end: Floats) -> int:
    """Cut rows at whole ages; none of the pieces is empty.

    Parameters
    ----------
    patient, start, stop : shape (n,)
        Patient, years since entry.
    age : shape (patients,)
        At entry.
    rows, begin, end : shape (room,)
        Filled in order: row of each piece, and its ends.
    """
    room = rows.shape[0]
    count = 0
    for row in range(patient.shape[0]):
        own = age[place(patient[row])]
        birthday = math.floor(own + start[row]) + 1.0
        last = math.ceil(own + stop[row])
        low = start[row]
        while low < stop[row]:
            high = stop[row] if birthday >= last else min(max(birthday - own, low), stop[row])
            if high > low:
                if count < room:
                    rows[count] = row
                    begin[count] = low
                    end[count] = high
                count += 1
                low = high
            birthday += 1.0
    return count


@inline_kernel
def points_up_to(points: Floats, x: float, guess: int) -> int:
    """Number of points at or below a value; cheap where the guess is right."""
    if (guess == 0 or points[place(guess - 1)] <= x) and (guess == points.shape[0] or x < points[place(guess)]):
        return guess
    low = 0
    high = points.shape[0]
    while low < high:
        middle = (low + high) >> 1
        if points[place(middle)] <= x:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def cut_at_points(left: Floats, right: Floats, points: Floats, lines: Ints, before: Floats, after: Floats, cells: Ints) -> int:
    """Cut straight lines where they pass points.

    Parameters
    ----------
    left, right : shape (n,)
        Value of each line at its ends.
    points : shape (k,)
        Ascending.
    lines, before, after, cells : shape (room,)
        Filled in the order in which a line is walked: line of each piece, values at its ends, and between which two points it lies; the outer cells reach on for ever.
    """
    room = lines.shape[0]
    count = 0
    below = 0  # points at or below where the walk is
    for line in range(left.shape[0]):
        value = left[line]
        target = right[line]
        is_rising = target >= value
        below = points_up_to(points, value, below)
        if not is_rising and below > 0 and points[place(below - 1)] == value:
            below -= 1
        while True:
            if is_rising:
                passes = below < points.shape[0] and points[place(below)] < target
                reached = points[place(below)] if passes else target
            else:
                passes = below > 0 and points[place(below - 1)] > target
                reached = points[place(below - 1)] if passes else target
            if count < room:
                lines[place(count)] = line
                before[place(count)] = value
                after[place(count)] = reached
                cells[place(count)] = min(max(below - 1, 0), points.shape[0] - 2)
            count += 1
            if not passes:
                break
            value = reached
            below += 1 if is_rising else -1
    return count


@inline_kernel
def between(time: float, start: float, stop: float, first: float, last: float) -> float:
    """Value at a time of what runs straight; exact at its ends."""
    if time == start:
        return first
    if time == stop:
        return last
    return first + (last - first) * (time - start) / (stop - start)


@kernel
def fill_between(rows: Ints, begin: Floats, end: Floats, start: Floats, stop: Floats, first: Floats, last: Floats, left: Floats, right: Floats) -> None:
    """Fill ``left`` and ``right`` with what runs straight from ``first`` to ``last`` of a row, at ``begin`` and ``end`` of its pieces."""
    for piece in range(rows.shape[0]):
        row = place(rows[piece])
        left[piece] = between(begin[piece], start[row], stop[row], first[row], last[row])
        right[piece] = between(end[piece], start[row], stop[row], first[row], last[row])


# --- utilities ----------------------------------------------------------------------------------------------------


@inline_kernel
def curve_at(points: Floats, worth: Floats, x: float, cell: int, female: int, age: int) -> float:
    """Utility at a value of the marker that lies in a cell; ``worth`` of shape (2, ages, points)."""
    low = points[place(cell)]
    share = (min(max(x, points[0]), points[points.shape[0] - 1]) - low) / (points[place(cell + 1)] - low)
    age = min(max(age, 0), worth.shape[1] - 1)
    return (1.0 - share) * worth[place(female), place(age), place(cell)] + share * worth[place(female), place(age), place(cell + 1)]


@kernel
def fill_cells(points: Floats, x: Floats, out: Ints) -> None:
    """Fill ``out``, shape (n,), with cells of values."""
    for i in range(out.shape[0]):
        out[i] = min(max(points_up_to(points, x[i], 0) - 1, 0), points.shape[0] - 2)


@kernel
def fill_curve(points: Floats, worth: Floats, x: Floats, cell: Ints, female: Ints, age: Ints, out: Floats) -> None:
    """Fill ``out``, shape (n,), with utilities."""
    for i in range(out.shape[0]):
        out[i] = curve_at(points, worth, x[i], cell[i], female[i], age[i])


@inline_kernel
def worth_of_bits(bits: int, worth: Floats) -> float:
    """Sum of what the set bits are worth."""
    total = 0.0
    for bit in range(worth.shape[0]):
        if (bits >> bit) & 1:
            total += worth[bit]
    return total


@kernel
def fill_steady(
    condition: Ints, flags: Ints, state: Ints, regimen: Ints, level: float, of_condition: Floats, of_flag: Floats, of_state: Floats, of_treatment: Floats, first: Floats, last: Floats
) -> None:
    """Fill ``first`` and ``last``, shape (rows,), with the part of utility that stands still on a row of ``life``: the level, and what condition, flags, state and treatments add.

    ``of_condition`` has that of no condition last, so that -1 finds it.
    """
    for row in range(first.shape[0]):
        first[row] = level + of_condition[condition[row]] + worth_of_bits(flags[row], of_flag) + of_state[place(state[row])] + worth_of_bits(regimen[row], of_treatment)
        last[row] = first[row]


@kernel
def add_slope(marker: Floats, marker_after: Floats, slope: float, reference: float, first: Floats, last: Floats) -> None:
    """Add what a marker adds at both ends of every row of ``life``, shape (rows,)."""
    for row in range(first.shape[0]):
        first[row] += slope * (marker[row] - reference)
        last[row] += slope * (marker_after[row] - reference)


@kernel
def fill_utilities(
    patient: Ints, start: Floats, stop: Floats, first: Floats, last: Floats, age: Floats, female: Ints, rows: Ints, begin: Floats, end: Floats, marker: Floats, marker_after: Floats,
    lines: Ints, before: Floats, after: Floats, cells: Ints, points: Floats, worth: Floats, norm: Floats, source_norm: float, is_scaled: int, is_capped: int,
    who: Ints, low: Floats, high: Floats, left: Floats, right: Floats, cap: Floats, norms: Floats,
) -> float:  # fmt: skip
    """Fill pieces with times, utilities, caps and norms, and return the lowest utility.

    Parameters
    ----------
    patient, start, stop : shape (rows,)
        Of the table ``life``.
    first, last : shape (rows,)
        Utility before norms at the ends of every row, but for a curve's part.
    age, female : shape (patients,)
        At entry.
    rows, begin, end, marker, marker_after : shape (years,)
        Rows cut at birthdays: row, times and the curve's marker at the ends of each.
    lines, before, after, cells : shape (pieces,)
        These cut at points of the curve: which of them, the marker at the ends of each piece and its cell. Without a curve they are not cut, and markers are not read.
    points, worth
        The curve, shape (k,) and (2, ages, k); k = 0: none.
    norm : shape (2, ages)
        No ages: none.
    source_norm, is_scaled, is_capped
        As in :class:`pathway.economics.terms.UtilityTerms`.
    who, low, high, left, right, cap, norms : shape (pieces,)
        Filled: columns of :class:`pathway.economics.quality.Pieces`.
    """
    worst = math.inf
    until = 0.0
    for piece in range(lines.shape[0]):
        line = place(lines[piece])
        row = place(rows[line])
        person = place(patient[row])
        time = begin[line] if piece == 0 or lines[piece - 1] != lines[piece] else until
        until = end[line]
        if piece + 1 < lines.shape[0] and lines[piece + 1] == lines[piece]:
            until = begin[line] + (after[piece] - marker[line]) / (marker_after[line] - marker[line]) * (end[line] - begin[line])
        utility = between(time, start[row], stop[row], first[row], last[row])
        utility_after = between(until, start[row], stop[row], first[row], last[row])
        years = math.floor(age[person] + 0.5 * (begin[line] + end[line]))
        if points.shape[0]:
            utility += curve_at(points, worth, before[piece], cells[piece], female[person], int(years))
            utility_after += curve_at(points, worth, after[piece], cells[piece], female[person], int(years))
        own = 1.0
        top = 1.0
        if norm.shape[1]:
            own = norm[place(female[person]), place(min(max(int(years), 0), norm.shape[1] - 1))]
            if is_scaled:
                utility *= own / source_norm
                utility_after *= own / source_norm
            if is_capped:
                top = min(own, 1.0)
        who[piece] = patient[row]
        low[piece] = time
        high[piece] = until
        left[piece] = utility
        right[piece] = utility_after
        cap[piece] = top
        norms[piece] = own
        worst = min(worst, utility, utility_after)
    return worst


# --- integrals ----------------------------------------------------------------------------------------------------


@inner_kernel
def bent_line(begin: float, end: float, left: float, right: float, cap: float, rho: float, convention: int) -> float:
    """Present value of a line that crosses its cap."""
    bend = begin + min(max((cap - left) / (right - left), 0.0), 1.0) * (end - begin)
    return line_today(begin, bend, min(left, cap), cap, rho, convention) + line_today(bend, end, cap, min(right, cap), rho, convention)


@inner_kernel
def capped_line(begin: float, end: float, left: float, right: float, cap: float, rho: float, convention: int) -> float:
    """Present value of a line under its cap."""
    if (left < cap) == (right < cap):
        return line_today(begin, end, min(left, cap), min(right, cap), rho, convention)
    return bent_line(begin, end, left, right, cap, rho, convention)


@kernel
def add_quality(
    who: Ints, begin: Floats, end: Floats, left: Floats, right: Floats, cap: Floats, rho: float, convention: int, worth: Floats, plain: Floats, today: Floats, uncapped: Floats
) -> None:
    """Add up quality-adjusted years.

    Parameters
    ----------
    who, begin, end, left, right, cap : shape (pieces,)
        Columns of :class:`pathway.economics.quality.Pieces`.
    rho, convention
        Of outcomes.
    worth : shape (pieces,)
        Filled: discounted years of each piece.
    plain, today, uncapped : shape (patients,)
        Undiscounted, discounted, and discounted under a cap of 1 alone; added to.
    """
    for piece in range(who.shape[0]):
        person = place(who[piece])
        top = cap[piece]
        low = begin[piece]
        high = end[piece]
        first = min(left[piece], top)
        last = min(right[piece], top)
        if (left[piece] < top) == (right[piece] < top):
            falling, rising = ends_today(low, high, rho, convention)
            plain[person] += 0.5 * (first + last) * (high - low)
            years = first * falling + last * rising
        else:
            plain[person] += bent_line(low, high, left[piece], right[piece], top, 0.0, convention)
            years = bent_line(low, high, left[piece], right[piece], top, rho, convention)
        worth[piece] = years
        today[person] += years
        if max(left[piece], right[piece]) > top:
            years = capped_line(low, high, left[piece], right[piece], 1.0, rho, convention)
        uncapped[person] += years


@kernel
def add_shared_quality(
    who: Ints, begin: Floats, end: Floats, left: Floats, right: Floats, cap: Floats, norms: Floats, worth: Floats, limit: Floats, own_end: Floats, rho: float, convention: int, today: Floats
) -> None:
    """Add up discounted years that count as they are up to a limit and at the norm after it, of patients whose lives go beyond theirs.

    Parameters
    ----------
    who, begin, end, left, right, cap, norms, worth : shape (pieces,)
        Columns of :class:`pathway.economics.quality.Pieces`, and discounted years of each piece.
    limit, own_end : shape (patients,)
        Who ends at the limit, or before, is left alone.
    rho, convention
        Of outcomes.
    today : shape (patients,)
        Added to.
    """
    for piece in range(who.shape[0]):
        person = place(who[piece])
        last = limit[person]
        if own_end[person] <= last:
            continue
        low = begin[piece]
        high = end[piece]
        if high <= last:
            today[person] += worth[piece]
        elif low >= last:
            today[person] += norms[piece] * flow_today(low, high, rho, convention)
        else:
            there = left[piece] + (right[piece] - left[piece]) * (last - low) / (high - low)
            today[person] += capped_line(low, last, left[piece], there, cap[piece], rho, convention) + norms[piece] * flow_today(last, high, rho, convention)
