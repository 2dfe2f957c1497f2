"""One walk through the rows of every patient: whose they are, which registers stood when, and when each drug was on, held or reduced; compiled.

All arrays are flat; tables stand as in :mod:`pathway.economics.compiled_layout`. Times are compared exactly. This module must not know money.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pathway.economics.compiled_layout import S_CONDITION, S_FLAGS, S_IS_CUT, S_LINE, S_REGIMEN, S_STATE
from pathway.eventlog import Kind
from pathway.jit import kernel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Column = NDArray[np.generic]

CONDITION, RECOVER, FLAG, CLEAR = int(Kind.CONDITION), int(Kind.RECOVER), int(Kind.FLAG), int(Kind.CLEAR)
START, STOP, HOLD, RESUME, REDUCE, RESTORE = (int(kind) for kind in (Kind.START, Kind.STOP, Kind.HOLD, Kind.RESUME, Kind.REDUCE, Kind.RESTORE))


@kernel
def find_first_rows(number: Ints, patients: Ints, first: Ints) -> int:
    """Find where each patient's rows begin, if they stand in the cohort's order.

    Parameters
    ----------
    number : shape (rows,)
        Whose row it is.
    patients : shape (patients,)
        Numbers of the cohort, in order.
    first : shape (patients + 1,)
        Is set; the last is the number of rows.

    Returns
    -------
    -1, or the first row of somebody who is not in the cohort or comes too late.
    """
    position = 0
    first[0] = 0
    for row in range(number.shape[0]):
        while position < patients.shape[0] and patients[position] != number[row]:
            position += 1
            first[position] = row
        if position == patients.shape[0]:
            return row
    for later in range(position + 1, first.shape[0]):
        first[later] = number.shape[0]
    return -1


@kernel
def follow_registers(
    first: Ints, time: Floats, kind: Column, name: Column, state: Column, line: Column, regimen: Ints, condition_of: Ints, flags_of: Ints, came_with: Ints,
    condition: Ints, first_spell: Ints, start: Floats, spells: Ints,
) -> None:  # fmt: skip
    """Note the condition after every row, and spells: stretches of life on which no register changes.

    Parameters
    ----------
    first : shape (patients + 1,)
        First row of each patient.
    time, kind, name, state, line, regimen : shape (rows,)
        Columns of the log.
    condition_of, flags_of : shape (names + 1,)
        Condition (-1: none) and bit set of flags that each name stands for; the first for rows without a name.
    came_with : shape (patients,)
        Flags at entry, a bit set.
    condition : shape (rows,)
        Is set.
    first_spell, start, spells
        Are set: first spell of each patient, when each began, and the registers on it; several changes at one time begin one spell. A row that sets or clears a flag begins
        one, whatever the flag was.
    """
    room, count = start.shape[0], 0
    for patient in range(first.shape[0] - 1):
        first_spell[patient] = count
        flags, ill = came_with[patient], -1
        for row in range(first[patient], first[patient + 1]):
            is_first = row == first[patient]
            what, about = int(kind[row]), int(name[row]) + 1
            was_ill = ill
            if what == CONDITION:
                ill = condition_of[about]
            elif what == RECOVER:
                ill = -1
            elif what == FLAG:
                flags |= flags_of[about]
            elif what == CLEAR and not is_first:
                flags &= ~flags_of[about]
            condition[row] = ill
            is_moved = not is_first and (line[row] != line[row - 1] or regimen[row] != regimen[row - 1])
            if not (is_first or is_moved or ill != was_ill or what == FLAG or what == CLEAR or state[row] != state[row - 1]):
                continue
            if is_first or time[row] > start[count - 1]:
                start[count] = time[row]
                spells[S_IS_CUT * room + count] = 0
                count += 1
            spell = count - 1
            if is_moved:
                spells[S_IS_CUT * room + spell] = 1
            spells[S_STATE * room + spell] = int(state[row])
            spells[S_LINE * room + spell] = int(line[row])
            spells[S_REGIMEN * room + spell] = regimen[row]
            spells[S_CONDITION * room + spell] = ill
            spells[S_FLAGS * room + spell] = flags
    first_spell[first.shape[0] - 1] = count


@kernel
def list_occasions(first: Ints, kind: Column, name: Column, of_name: Ints, of_kind: Ints, occasions: int, first_row: Ints, rows: Ints) -> None:
    """List the rows of every patient by occasion: by kind and name, or by kind alone.

    Parameters
    ----------
    first, kind, name
        As in :func:`follow_registers`.
    of_name : shape (kinds * (names + 1),)
        Occasion of rows of each kind and name (the first of a kind for rows without one); -1: none.
    of_kind : shape (kinds,)
        Occasion of rows of each kind, whatever their name; -1: none.
    first_row : shape (patients * occasions + 1,)
        Is set: where the first row of each patient and occasion stands.
    rows : shape (2 * rows of the log,)
        Is set.
    """
    width, count = of_name.shape[0] // of_kind.shape[0], 0
    for patient in range(first.shape[0] - 1):
        base = patient * occasions
        for occasion in range(occasions):
            first_row[base + occasion + 1] = 0
        for row in range(first[patient], first[patient + 1]):
            what = int(kind[row])
            one, other = of_name[what * width + int(name[row]) + 1], of_kind[what]
            if one >= 0:
                first_row[base + one + 1] += 1
            if other >= 0:
                first_row[base + other + 1] += 1
        for occasion in range(occasions):  # what was counted becomes where each begins, and moves on as rows are listed
            many = first_row[base + occasion + 1]
            first_row[base + occasion + 1] = count
            count += many
        for row in range(first[patient], first[patient + 1]):
            what = int(kind[row])
            one, other = of_name[what * width + int(name[row]) + 1], of_kind[what]
            if one >= 0:
                rows[first_row[base + one + 1]] = row
                first_row[base + one + 1] += 1
            if other >= 0:
                rows[first_row[base + other + 1]] = row
                first_row[base + other + 1] += 1


@kernel
def count_spans(first: Ints, kind: Column, name: Column, treatment_of: Ints, entered: Ints, treatments: int, courses: Ints, holds: Ints, reductions: Ints) -> None:
    """Count courses, holds and reductions by treatment and patient, as where the first of each will stand.

    Parameters
    ----------
    first, kind, name
        As in :func:`follow_registers`.
    treatment_of : shape (names + 1,)
        Treatment that each name stands for; -1: none.
    entered : shape (patients,)
        Regimen at entry.
    courses, holds, reductions : shape (treatments * patients + 1,)
        Are set.
    """
    patients = first.shape[0] - 1
    courses[:] = 0
    holds[:] = 0
    reductions[:] = 0
    for patient in range(patients):
        for treatment in range(treatments):
            courses[treatment * patients + patient + 1] = entered[patient] >> treatment & 1
        for row in range(first[patient], first[patient + 1]):
            what = int(kind[row])
            treatment = treatment_of[int(name[row]) + 1]
            if treatment < 0:
                continue
            after = treatment * patients + patient + 1
            if what == START:
                courses[after] += 1
            elif what == HOLD:
                holds[after] += 1
            elif what == REDUCE:
                reductions[after] += 1
    for place in range(treatments * patients):
        courses[place + 1] += courses[place]
        holds[place + 1] += holds[place]
        reductions[place + 1] += reductions[place]


@kernel
def read_spans(
    first: Ints, time: Floats, kind: Column, name: Column, treatment_of: Ints, entered: Ints, years_on: Floats, end: Floats, is_censored: Ints,
    courses: Ints, course_start: Floats, course_stop: Floats, is_open: Ints, holds: Ints, hold_start: Floats, hold_stop: Floats,
    reductions: Ints, reduction_start: Floats, reduction_stop: Floats, seen: Ints,
) -> int:  # fmt: skip
    """Read when each drug was on, held and reduced.

    Starts and stops of one drug alternate, so the k-th stop of a patient ends the k-th course; one of the entry regimen began ``years_on`` before time 0, one still open ends
    with the history. A hold lasts until doses go on or the drug stops, a reduction until the dose is restored or the drug stops.

    Parameters
    ----------
    years_on, end, is_censored : shape (patients,)
        On the entry regimen before entry; of the last row; does the history end without death?
    courses, holds, reductions
        From :func:`count_spans`.
    seen : shape (6 * treatments,)
        For work.

    Returns
    -------
    -1, or the first treatment of which somebody has a stop without a start.
    """
    patients, treatments = first.shape[0] - 1, seen.shape[0] // 6
    started, stopped, held, held_done, reduced, reduced_done = 0, treatments, 2 * treatments, 3 * treatments, 4 * treatments, 5 * treatments
    fault = treatments
    for patient in range(patients):
        for treatment in range(treatments):
            place = treatment * patients + patient
            for course in range(courses[place], courses[place + 1]):
                course_stop[course] = end[patient]
                is_open[course] = is_censored[patient]
            seen[started + treatment] = courses[place]
            seen[stopped + treatment] = courses[place]
            seen[held + treatment] = seen[held_done + treatment] = holds[place]
            seen[reduced + treatment] = seen[reduced_done + treatment] = reductions[place]
            if entered[patient] >> treatment & 1:
                course_start[courses[place]] = -years_on[patient]
                seen[started + treatment] += 1
        for row in range(first[patient], first[patient + 1]):
            what = int(kind[row])
            treatment = treatment_of[int(name[row]) + 1]
            if treatment < 0:
                continue
            now = time[row]
            if what == START:
                course_start[seen[started + treatment]] = now
                seen[started + treatment] += 1
            elif what == HOLD:
                hold_start[seen[held + treatment]] = now
                hold_stop[seen[held + treatment]] = end[patient]
                seen[held + treatment] += 1
            elif what == REDUCE:
                reduction_start[seen[reduced + treatment]] = now
                reduction_stop[seen[reduced + treatment]] = end[patient]
                seen[reduced + treatment] += 1
            if what == RESUME or what == STOP:
                for hold in range(seen[held_done + treatment], seen[held + treatment]):
                    hold_stop[hold] = now
                seen[held_done + treatment] = seen[held + treatment]
            if what == RESTORE or what == STOP:
                for reduction in range(seen[reduced_done + treatment], seen[reduced + treatment]):
                    reduction_stop[reduction] = now
                seen[reduced_done + treatment] = seen[reduced + treatment]
            if what == STOP:
                course = seen[stopped + treatment]
                seen[stopped + treatment] += 1
                if course < courses[treatment * patients + patient + 1]:
                    course_stop[course] = now
                    is_open[course] = 0
                elif treatment < fault:
                    fault = treatment
    return fault if fault < treatments else -1


@kernel
def leave_out_holds(
    courses: Ints, course_start: Floats, course_stop: Floats, holds: Ints, hold_start: Floats, hold_stop: Floats, first_part: Ints, start: Floats, stop: Floats
) -> int:
    """Cut courses to the parts on which doses are given.

    A hold belongs to the last course that had begun. Holds of a patient stand in order of start, and of stop.

    Parameters
    ----------
    courses, holds : shape (groups + 1,)
        First course and hold of every group: a treatment and patient.
    first_part : shape (courses + 1,)
        Is set: first part of every course.
    start, stop : shape (courses + holds,)
        Are set.

    Returns
    -------
    How many parts there are.
    """
    count = 0
    for group in range(courses.shape[0] - 1):
        hold, last_hold = holds[group], holds[group + 1]
        for course in range(courses[group], courses[group + 1]):
            first_part[course] = count
            given, ends = course_start[course], course_stop[course]
            while hold < last_hold and hold_start[hold] < given:  # before the first course
                hold += 1
            is_last = course + 1 == courses[group + 1]
            while hold < last_hold and (is_last or hold_start[hold] < course_start[course + 1]):
                until = min(hold_start[hold], ends)
                if until > given:
                    start[count], stop[count] = given, until
                    count += 1
                given = min(hold_stop[hold], ends)
                hold += 1
            if ends > given:
                start[count], stop[count] = given, ends
                count += 1
    first_part[first_part.shape[0] - 1] = count
    return count
