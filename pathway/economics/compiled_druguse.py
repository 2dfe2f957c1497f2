"""How much of a drug the courses of one patient use, dose by dose; compiled.

``p`` and ``q`` hold the parts (whole numbers, floats), ``u`` and ``v`` the uses, as in :mod:`pathway.economics.compiled_layout`. Courses, reductions and parts of courses that
are not held are those of :mod:`pathway.economics.compiled_timeline`. This module must not know prices.
"""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pathway.economics.compiled_layout import (
    P_AMOUNT,
    P_CATEGORY,
    P_COUNT,
    P_HOW,
    P_ITEM,
    P_STRIDE,
    P_TREATMENT,
    Q_FIRST,
    Q_FROM,
    Q_REDUCED,
    Q_SPACING,
    Q_UNTIL,
    S_IS_CUT,
    S_LINE,
    S_REGIMEN,
    U_CATEGORY,
    U_ITEM,
    U_LINE,
    U_PATIENT,
    U_QUANTITY,
    U_REGIMEN,
    U_START,
    U_STOP,
    U_WASTE,
    How,
)
from pathway.jit import inner_kernel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

PACKS = int(How.PACKS)
EDGE = 1e-9
"""Years (0.03 seconds): times of doses computed by sums may miss an edge by rounding, not by more."""


@inner_kernel
def write_use(
    u: Ints, v: Floats, room: int, count: int, is_placed: int, category: int, item: int, patient: int, line: int, regimen: int, quantity: float, waste: float, start: float, stop: float
) -> int:
    """Add a use, if there is room for it, and count it."""
    if count < room:
        u[U_PATIENT * room + count] = patient
        if is_placed:
            u[U_LINE * room + count] = line
            u[U_REGIMEN * room + count] = regimen
        u[U_CATEGORY * room + count] = category
        u[U_ITEM * room + count] = item
        v[U_QUANTITY * room + count] = quantity
        v[U_WASTE * room + count] = waste
        v[U_START * room + count] = start
        v[U_STOP * room + count] = stop
    return count + 1


@inner_kernel
def use_doses(
    p: Ints, q: Floats, part: int, numbers: int, u: Ints, v: Floats, room: int, count: int, patient: int, patients: int, is_placed: int, needed: Floats, paid: Floats,
    first_spell: Ints, spell_start: Floats, spells: Ints, spell_room: int, courses: Ints, course_start: Floats, course_stop: Floats, is_open: Ints,
    first_part: Ints, part_start: Floats, part_stop: Floats, reductions: Ints, reduction_start: Floats, reduction_stop: Floats,
) -> int:  # fmt: skip
    """Use what is given dose by dose or dispensed pack by pack; returns the number of uses.

    A dose is due at ``first``, then every ``spacing`` years of the course, ``count`` times at most. It is given from time 0 on, while the row acts, before the course stops (one due
    exactly at the stop is not) and outside holds.
    """
    group = p[part + P_TREATMENT] * patients + patient
    category, item = p[part + P_CATEGORY], p[part + P_ITEM]
    spacing, most, share, is_pack = q[numbers + Q_SPACING], p[part + P_COUNT], q[numbers + Q_REDUCED], p[part + P_HOW] == PACKS
    amount = p[part + P_AMOUNT] + p[part + P_STRIDE] * patient
    full, left_in_vial = paid[amount], paid[amount] - needed[amount]
    spell, last_spell, line, regimen = first_spell[patient], first_spell[patient + 1], 0, 0
    for course in range(courses[group], courses[group + 1]):
        began, stopped = course_start[course], course_stop[course]
        begin, end, first = began + q[numbers + Q_FROM], min(stopped, began + q[numbers + Q_UNTIL]), began + q[numbers + Q_FIRST]
        earliest, latest = (begin if begin > 0.0 else 0.0) - EDGE, end - EDGE
        goes_on = is_open[course] and end >= stopped  # cut off by the horizon: its last pack is not wasted
        given, last_given, reduction, last_reduction = first_part[course], first_part[course + 1], reductions[group], reductions[group + 1]
        if given == last_given:
            continue
        given_from, given_until = part_start[given] - EDGE, part_stop[given] - EDGE
        number = 0
        while number < most:
            time = first + number * spacing
            if not time < latest:
                break
            number = number + 1 if spacing > 0.0 else most
            if time < earliest:
                continue
            while time >= given_until and given < last_given:
                given += 1
                if given < last_given:
                    given_from, given_until = part_start[given] - EDGE, part_stop[given] - EDGE
            if given == last_given:
                break
            if time < given_from:
                continue
            time = time if time > 0.0 else 0.0
            quantity, waste = full, left_in_vial
            if share != 1.0:
                while reduction + 1 < last_reduction and reduction_start[reduction + 1] - EDGE <= time:
                    reduction += 1
                if reduction < last_reduction and reduction_start[reduction] - EDGE <= time and time < reduction_stop[reduction] - EDGE:
                    quantity, waste = quantity * share, waste * share
            if is_pack:
                waste = 0.0 if goes_on else quantity * min(max((time + spacing - end) / spacing, 0.0), 1.0)
            if is_placed:
                while spell + 1 < last_spell and spell_start[spell + 1] <= time:
                    spell += 1
                line, regimen = spells[S_LINE * spell_room + spell], spells[S_REGIMEN * spell_room + spell]
            count = write_use(u, v, room, count, is_placed, category, item, patient, line, regimen, quantity, waste, time, time)
    return count


@inner_kernel
def use_evenly(
    p: Ints, q: Floats, part: int, numbers: int, u: Ints, v: Floats, room: int, count: int, patient: int, patients: int, is_placed: int, paid: Floats,
    first_spell: Ints, spell_start: Floats, spells: Ints, spell_room: int, courses: Ints, course_start: Floats, course_stop: Floats,
    first_part: Ints, part_start: Floats, part_stop: Floats,
) -> int:  # fmt: skip
    """Use what accrues evenly while on drug and not held, from time 0 on and while the row acts, cut where line or regimen change; returns the number of uses."""
    group = p[part + P_TREATMENT] * patients + patient
    category, item = p[part + P_CATEGORY], p[part + P_ITEM]
    per_year = paid[p[part + P_AMOUNT] + p[part + P_STRIDE] * patient]
    for course in range(courses[group], courses[group + 1]):
        begin = course_start[course] + q[numbers + Q_FROM]
        end = min(course_stop[course], course_start[course] + q[numbers + Q_UNTIL])
        for given in range(first_part[course], first_part[course + 1]):
            start, stop = max(part_start[given], begin), min(part_stop[given], end)
            start = start if start > 0.0 else 0.0
            if not stop > start:
                continue
            quantity = per_year * (stop - start)
            left, now = start, first_spell[patient]
            for spell in range(first_spell[patient], first_spell[patient + 1] + 1):
                is_last = spell == first_spell[patient + 1] or spell_start[spell] >= stop
                if not is_last and (spell_start[spell] <= left or not spells[S_IS_CUT * spell_room + spell]):
                    now = spell if spell_start[spell] <= left else now
                    continue
                right = stop if is_last else spell_start[spell]
                line, regimen = (spells[S_LINE * spell_room + now], spells[S_REGIMEN * spell_room + now]) if is_placed else (0, 0)
                share = (right - left) / (stop - start)
                count = write_use(u, v, room, count, is_placed, category, item, patient, line, regimen, quantity * share, 0.0, left, right)
                left, now = right, spell
                if is_last:
                    break
    return count
