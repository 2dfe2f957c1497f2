"""The table ``use`` of the ledger, part by part and patient by patient; compiled.

Arguments as in :mod:`pathway.economics.compiled_druguse` and :mod:`pathway.economics.compiled_timeline`. This module must not know prices.
"""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pathway.economics.compiled_druguse import use_doses, use_evenly
from pathway.economics.compiled_layout import (
    P_CATEGORY,
    P_HOW,
    P_IS_BANDED,
    P_ITEM,
    P_SIZE,
    P_TREATMENT,
    Q_SIZE,
    Q_WEIGHT_AT_LEAST,
    Q_WEIGHT_BELOW,
    U_CATEGORY,
    U_LINE,
    U_SIZE,
    U_SIZE_REAL,
    U_START,
    How,
)  # fmt: skip
from pathway.economics.compiled_resources import use_at_events, use_years
from pathway.jit import inner_kernel, kernel, pointer

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Column = NDArray[np.generic]

RATE, PACKS, YEAR = int(How.RATE), int(How.PACKS), int(How.YEAR)


@inner_kernel
def end_of_run(start: Floats, order: Ints, first: int, size: int) -> int:
    """Where the run of rising starts that begins at ``first`` ends."""
    end = first + 1
    while end < size and start[order[end]] >= start[order[end - 1]]:
        end += 1
    return end


@inner_kernel
def merge_runs(start: Floats, source: Ints, target: Ints, size: int) -> int:
    """Merge each two neighbouring runs of rising starts; of equal starts those of the first run come first. Returns how many runs there were."""
    runs, low = 0, 0
    while low < size:
        middle = end_of_run(start, source, low, size)
        high = end_of_run(start, source, middle, size) if middle < size else middle
        left, right = low, middle
        for place in range(low, high):
            if left < middle and (right == high or start[source[left]] <= start[source[right]]):
                target[place] = source[left]
                left += 1
            else:
                target[place] = source[right]
                right += 1
        runs, low = runs + (2 if high > middle else 1), high
    return runs


@inner_kernel
def put_in_order(u: Ints, v: Floats, room: int, first: int, last: int, columns: int, order: Ints, other: Ints, whole: Ints, real: Floats) -> None:
    """Put uses ``first`` to ``last`` (excluded) of one patient in order of start, those of one start as they stand; whole numbers from column ``columns`` on are the same in all."""
    start, size = U_START * room + first, last - first
    is_sorted = True
    for place in range(1, size):
        if v[start + place] < v[start + place - 1]:
            is_sorted = False
    if is_sorted:
        return
    for place in range(size):
        order[place] = start + place
    while merge_runs(v, order, other, size) > 2:
        order, other = other, order
    for column in range(U_CATEGORY, columns):
        for place in range(size):
            whole[place] = u[column * room + first + place]
        for place in range(size):
            u[column * room + first + place] = whole[other[place] - start]
    for column in range(U_SIZE_REAL):
        for place in range(size):
            real[place] = v[column * room + first + place]
        for place in range(size):
            v[column * room + first + place] = real[other[place] - start]


@inner_kernel
def write_groups(
    p: Ints, q: Floats, groups: Ints, many: int, progress: Ints, u: Ints, v: Floats, room: int, is_placed: int, age: Floats, weight: Floats, needed: Floats, paid: Floats,
    patients: int, occasions: int, first_row: Ints, rows: Ints, state: Column, line: Column, regimen: Ints, time: Floats, condition: Ints, absorbing: int,
    first_spell: Ints, spell_start: Floats, spells: Ints, spell_room: int, life: Floats, life_room: int, courses: Ints, course_start: Floats, course_stop: Floats, is_open: Ints,
    first_part: Ints, part_start: Floats, part_stop: Floats, reductions: Ints, reduction_start: Floats, reduction_stop: Floats,
    order: Ints, other: Ints, whole: Ints, real: Floats, sortable: int,
) -> int:  # fmt: skip
    """Write all uses group by group, in each patient by patient, of a patient part by part; see :func:`write_all`."""
    count = progress[2]
    for group in range(progress[0], many):
        one, another = groups[group] * P_SIZE, (groups[group + 1] - 1) * P_SIZE
        is_mixed = p[one + P_CATEGORY] != p[another + P_CATEGORY] or p[one + P_ITEM] != p[another + P_ITEM]
        columns = U_SIZE if is_placed else U_LINE if is_mixed else U_CATEGORY
        for patient in range(progress[1], patients):
            begin = count
            for number in range(groups[group], groups[group + 1]):
                part, numbers = number * P_SIZE, number * Q_SIZE
                how = p[part + P_HOW]
                if how <= PACKS:
                    treated = p[part + P_TREATMENT] * patients + patient
                    if courses[treated] == courses[treated + 1]:
                        continue
                    if p[part + P_IS_BANDED] and not (weight[patient] >= q[numbers + Q_WEIGHT_AT_LEAST] and weight[patient] < q[numbers + Q_WEIGHT_BELOW]):
                        continue
                if how == RATE:
                    count = use_evenly(
                        p, q, part, numbers, u, v, room, count, patient, patients, is_placed, paid, first_spell, spell_start, spells, spell_room, courses, course_start, course_stop,
                        first_part, part_start, part_stop,
                    )  # fmt: skip
                elif how <= PACKS:
                    count = use_doses(
                        p, q, part, numbers, u, v, room, count, patient, patients, is_placed, needed, paid, first_spell, spell_start, spells, spell_room, courses, course_start,
                        course_stop, is_open, first_part, part_start, part_stop, reductions, reduction_start, reduction_stop,
                    )  # fmt: skip
                elif how == YEAR:
                    count = use_years(p, q, part, numbers, u, v, room, count, patient, is_placed, age, first_spell, spells, spell_room, life, life_room)
                else:
                    count = use_at_events(
                        p, q, part, numbers, u, v, room, count, patient, is_placed, age, occasions, first_row, rows, state, line, regimen, time, condition, absorbing,
                        first_spell, spell_start, spells, spell_room,
                    )  # fmt: skip
            if count > room or count - begin > sortable:
                progress[0], progress[1], progress[2] = group, patient, begin
                return count
            if count > begin + 1:
                put_in_order(u, v, room, begin, count, columns, order, other, whole, real)
        progress[1] = 0
    progress[0] = many
    progress[2] = count
    return count


@kernel
def write_all(
    p: Ints, q: Floats, groups: Ints, progress: Ints, u: Ints, v: Floats, is_placed: int, age: Floats, weight: Floats, needed: Floats, paid: Floats,
    first_row: Ints, rows: Ints, state: Column, line: Column, regimen: Ints, time: Floats, condition: Ints, absorbing: int,
    first_spell: Ints, spell_start: Floats, spells: Ints, life: Floats, life_room: int, courses: Ints, course_start: Floats, course_stop: Floats, is_open: Ints,
    first_part: Ints, part_start: Floats, part_stop: Floats, reductions: Ints, reduction_start: Floats, reduction_stop: Floats,
    order: Ints, other: Ints, whole: Ints, real: Floats,
) -> int:  # fmt: skip
    """Write all uses group by group, in each patient by patient, and a patient's of one group in order of start; ties stay in order of parts.

    Parameters
    ----------
    p, q
        Parts.
    groups : shape (groups + 1,)
        First part of each group.
    progress : shape (3,)
        Group, patient and number of uses at which to begin; are set to where it ended.
    u, v
        Uses.
    is_placed
        Is it to be said under which line and regimen each fell?
    age, weight : shape (patients,)
        At entry; kg.
    needed, paid
        Amounts of one administration, pack or year: of every patient where they depend on size, otherwise one for all.
    first_row, rows
        From :func:`pathway.economics.compiled_timeline.list_occasions`.
    order, other, whole, real : shape (most uses of a patient and group,)
        For work.

    Returns
    -------
    The number of uses; if there was no room for them, of those up to the patient at whom it ended.
    """
    return write_groups(
        pointer(p), pointer(q), pointer(groups), groups.shape[0] - 1, pointer(progress), pointer(u), pointer(v), v.shape[0] // U_SIZE_REAL, is_placed,
        pointer(age), pointer(weight), pointer(needed), pointer(paid), age.shape[0], (first_row.shape[0] - 1) // age.shape[0], pointer(first_row), pointer(rows), pointer(state), pointer(line), pointer(regimen),
        pointer(time), pointer(condition), absorbing, pointer(first_spell), pointer(spell_start), pointer(spells), spell_start.shape[0], pointer(life), life_room, pointer(courses),
        pointer(course_start), pointer(course_stop), pointer(is_open), pointer(first_part), pointer(part_start), pointer(part_stop), pointer(reductions),
        pointer(reduction_start), pointer(reduction_stop), pointer(order), pointer(other), pointer(whole), pointer(real), order.shape[0],
    )  # fmt: skip
