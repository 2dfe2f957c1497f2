"""What is used besides drugs by one patient: years in states, events, visits and deaths; compiled.

Arguments as in :mod:`pathway.economics.compiled_druguse`. This module must not know prices or drugs' doses.
"""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pathway.economics.compiled_druguse import write_use
from pathway.economics.compiled_layout import (
    L_MARKERS,
    L_START,
    L_STOP,
    P_CATEGORY,
    P_CONDITION,
    P_FLAG,
    P_HOW,
    P_ITEM,
    P_MARKER,
    P_OCCASION,
    P_ON,
    P_STATES,
    P_TIMES_MARKER,
    Q_AGE_BELOW,
    Q_HIGH,
    Q_LOW,
    Q_QUANTITY,
    S_CONDITION,
    S_FLAGS,
    S_LINE,
    S_REGIMEN,
    S_SEGMENT,
    S_STATE,
    How,
)  # fmt: skip
from pathway.jit import inner_kernel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Column = NDArray[np.generic]

DEATH, INFINITY = int(How.DEATH), math.inf


@inner_kernel
def until_age(last: float, age: float) -> float:
    """Years from entry until somebody of this age reaches the last; infinite if there is none."""
    return last if last == INFINITY else last - age


@inner_kernel
def crossing(start: float, stop: float, first: float, last: float, bound: float) -> float:
    """Time at which a line that is not level reaches a bound, held within its ends."""
    way, rise = bound - first, last - first
    if way <= 0.0 if rise > 0.0 else way >= 0.0:
        return start
    if way >= rise if rise > 0.0 else way <= rise:
        return stop
    share = way / rise
    return stop if share == 1.0 else start + share * (stop - start)


@inner_kernel
def inside_band(start: float, stop: float, first: float, last: float, low: float, high: float) -> tuple[float, float]:
    """Part of a segment on which a straight line lies in [low, high), by exact crossing times; equal ends where there is none.

    ``start`` and ``stop`` are times, ``first`` and ``last`` values of the line's ends. Bounds may be infinite. Adjoining bands share their crossing to the last bit.
    """
    lowest, highest = min(first, last), max(first, last)
    if lowest >= high or highest < low:
        return start, start
    if lowest >= low and highest <= high:
        return start, stop
    if last > first:
        begin, end = crossing(start, stop, first, last, low), crossing(start, stop, first, last, high)
    elif last < first:
        begin, end = crossing(start, stop, first, last, high), crossing(start, stop, first, last, low)
    else:
        begin, end = start, stop if low <= first and first < high else start
    return begin, max(begin, end)


@inner_kernel
def use_years(
    p: Ints, q: Floats, part: int, numbers: int, u: Ints, v: Floats, room: int, count: int, patient: int, is_placed: int, age: Floats,
    first_spell: Ints, spells: Ints, spell_room: int, life: Floats, life_room: int,
) -> int:  # fmt: skip
    """Use what accrues over the years in states, with flags, conditions, drugs and a band of a marker; returns the number of uses.

    Neighbours under the same line and regimen become one row, since the rate is the same on both; but where the quantity follows the marker, every segment stays a row.
    """
    quantity, last_time = q[numbers + Q_QUANTITY], until_age(q[numbers + Q_AGE_BELOW], age[patient])
    if not quantity > 0.0:
        return count
    marker, category, item = p[part + P_MARKER], p[part + P_CATEGORY], p[part + P_ITEM]
    values = (L_MARKERS + 2 * marker) * life_room
    run_start, run_stop, run_line, run_regimen = 0.0, -1.0, 0, 0  # none so far
    for spell in range(first_spell[patient], first_spell[patient + 1]):
        line, regimen = spells[S_LINE * spell_room + spell], spells[S_REGIMEN * spell_room + spell]
        if not p[part + P_STATES] >> spells[S_STATE * spell_room + spell] & 1 or regimen & p[part + P_ON] != p[part + P_ON]:
            continue
        if p[part + P_FLAG] and not spells[S_FLAGS * spell_room + spell] & p[part + P_FLAG]:
            continue
        if p[part + P_CONDITION] >= 0 and spells[S_CONDITION * spell_room + spell] != p[part + P_CONDITION]:
            continue
        segment, last_segment = spells[S_SEGMENT * spell_room + spell], spells[S_SEGMENT * spell_room + spell + 1]
        while segment < last_segment:
            here, there = life[L_START * life_room + segment], life[L_STOP * life_room + segment]
            if marker < 0:  # a spell has no gap
                begin, end = here, life[L_STOP * life_room + last_segment - 1]
                segment = last_segment
            else:
                begin, end = inside_band(here, there, life[values + segment], life[values + life_room + segment], q[numbers + Q_LOW], q[numbers + Q_HIGH])
                segment += 1
            end = end if end <= last_time else last_time
            if not end > begin:
                continue
            if p[part + P_TIMES_MARKER]:
                first = life[values + segment - 1]
                middle = first + (life[values + life_room + segment - 1] - first) * ((0.5 * (begin + end) - here) / (there - here))
                count = write_use(u, v, room, count, is_placed, category, item, patient, line, regimen, quantity * (end - begin) * middle, 0.0, begin, end)
            elif begin == run_stop and line == run_line and regimen == run_regimen:
                run_stop = end
            else:
                if run_stop > run_start:
                    count = write_use(
                        u, v, room, count, is_placed, category, item, patient, run_line, run_regimen, (run_stop - run_start) * quantity, 0.0, run_start, run_stop
                    )
                run_start, run_stop, run_line, run_regimen = begin, end, line, regimen
    if run_stop > run_start:
        count = write_use(
            u, v, room, count, is_placed, category, item, patient, run_line, run_regimen, (run_stop - run_start) * quantity, 0.0, run_start, run_stop
        )
    return count


@inner_kernel
def use_at_events(
    p: Ints, q: Floats, part: int, numbers: int, u: Ints, v: Floats, room: int, count: int, patient: int, is_placed: int, age: Floats, occasions: int, first_row: Ints, rows: Ints,
    state: Column, line: Column, regimen: Ints, time: Floats, condition: Ints, absorbing: int, first_spell: Ints, spell_start: Floats, spells: Ints, spell_room: int,
) -> int:  # fmt: skip
    """Use what rows of the log cause: of a kind, perhaps of a name, or arrivals in an absorbing state; returns the number of uses.

    A condition is that of the row itself, flags are those after all rows of its time.
    """
    quantity, last_time = q[numbers + Q_QUANTITY], until_age(q[numbers + Q_AGE_BELOW], age[patient])
    if not quantity > 0.0:
        return count
    states, on, ill = p[part + P_STATES], p[part + P_ON], p[part + P_CONDITION]
    if p[part + P_HOW] == DEATH:
        states &= absorbing
    flag, spell = p[part + P_FLAG], first_spell[patient]
    category, item = p[part + P_CATEGORY], p[part + P_ITEM]
    occasion = patient * occasions + p[part + P_OCCASION]
    for place in range(first_row[occasion], first_row[occasion + 1]):
        row = rows[place]
        now = time[row]
        if not states >> int(state[row]) & 1 or regimen[row] & on != on or not now < last_time:
            continue
        if ill >= 0 and condition[row] != ill:
            continue
        if flag:
            while spell + 1 < first_spell[patient + 1] and spell_start[spell + 1] <= now:
                spell += 1
            if not spells[S_FLAGS * spell_room + spell] & flag:
                continue
        count = write_use(u, v, room, count, is_placed, category, item, patient, int(line[row]), regimen[row], quantity, 0.0, now, now)
    return count
