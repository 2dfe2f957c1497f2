"""Segments of lives, from knots and spells; compiled.

Arrays as in :mod:`pathway.economics.compiled_timeline`. This module must not know prices or utilities.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pathway.economics.compiled_layout import (
    L_CONDITION,
    L_FLAGS,
    L_LINE,
    L_PATIENT,
    L_REGIMEN,
    L_STATE,
    S_CONDITION,
    S_FLAGS,
    S_LINE,
    S_REGIMEN,
    S_SEGMENT,
    S_STATE,
)
from pathway.jit import kernel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@kernel
def cut_lives(
    first_knot: Ints, time: Floats, first_spell: Ints, spell_start: Floats, spells: Ints, registers: Ints, start: Floats, stop: Floats, knot: Ints, lived: Floats
) -> int:
    """Write the segments between consecutive knots, cut where a spell begins off a knot.

    Parameters
    ----------
    first_knot : shape (patients + 1,)
        First knot of each patient, at ``time`` of shape (knots,).
    first_spell, spell_start, spells
        From :func:`pathway.economics.compiled_timeline.follow_registers`; the first segment of each is set.
    registers, start, stop, knot
        Are set: the segments' columns, and the knot before each; -1 less that knot where the segment is but a part of the way to the next.
    lived : shape (patients,)
        Is set: years between first and last knot.

    Returns
    -------
    How many segments there are.
    """
    room, spell_room, count = start.shape[0], spell_start.shape[0], 0
    for patient in range(first_knot.shape[0] - 1):
        spell, last = first_spell[patient], first_spell[patient + 1]
        lived[patient] = 0.0
        if spell < last:
            spells[S_SEGMENT * spell_room + spell] = count
        for before in range(first_knot[patient], first_knot[patient + 1] - 1):
            begin, until = time[before], time[before + 1]
            while begin < until:
                while spell + 1 < last and spell_start[spell + 1] <= begin:
                    spell += 1
                    spells[S_SEGMENT * spell_room + spell] = count
                end = spell_start[spell + 1] if spell + 1 < last and spell_start[spell + 1] < until else until
                registers[L_PATIENT * room + count] = patient
                registers[L_STATE * room + count] = spells[S_STATE * spell_room + spell]
                registers[L_LINE * room + count] = spells[S_LINE * spell_room + spell]
                registers[L_REGIMEN * room + count] = spells[S_REGIMEN * spell_room + spell]
                registers[L_CONDITION * room + count] = spells[S_CONDITION * spell_room + spell]
                registers[L_FLAGS * room + count] = spells[S_FLAGS * spell_room + spell]
                start[count], stop[count] = begin, end
                knot[count] = before if begin == time[before] and end == until else -1 - before
                lived[patient] += end - begin
                count += 1
                begin = end
        for later in range(spell + 1, last):
            spells[S_SEGMENT * spell_room + later] = count
    spells[S_SEGMENT * spell_room + first_spell[first_knot.shape[0] - 1]] = count
    return count


@kernel
def draw_marker(value: Floats, time: Floats, knot: Ints, start: Floats, stop: Floats, first: Floats, last: Floats) -> None:
    """Set a marker's value at both ends of every segment: it runs straight from knot to knot.

    Parameters
    ----------
    value, time : shape (knots,)
        Of the path.
    knot, start, stop : shape (segments,)
        From :func:`cut_lives`.
    first, last : shape (segments,)
        Are set.
    """
    for segment in range(knot.shape[0]):
        if knot[segment] >= 0:
            first[segment], last[segment] = value[knot[segment]], value[knot[segment] + 1]
            continue
        before = -1 - knot[segment]
        here, there, began, ends = value[before], value[before + 1], time[before], time[before + 1]
        first[segment] = here if start[segment] == began else here + (there - here) * (start[segment] - began) / (ends - began)
        last[segment] = there if stop[segment] == ends else here + (there - here) * (stop[segment] - began) / (ends - began)
