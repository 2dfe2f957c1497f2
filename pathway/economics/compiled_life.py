"""Passes over lives: years by patient, state and line, and what stands on a monthly grid, compiled.

Rows of ``life`` stand in order of patient and time, those of a patient without gap (:mod:`pathway.economics.ledger`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pathway.economics.compiled_discounting import flow_today
from pathway.jit import kernel, place

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

HUNDRED = 100
"""Patients whose floats are added up first (:mod:`pathway.economics.parts`); compiled code holds it, so it stands where a change is noticed."""


@kernel
def add_years(
    patient: Ints, start: Floats, stop: Floats, state: Ints, line: Ints, rho: float, convention: int, years: Floats, years_today: Floats, by_state: Floats, by_line: Floats
) -> None:
    """Add up the years of every life.

    Parameters
    ----------
    patient, start, stop, state, line : shape (rows,)
        Of the table ``life``.
    rho, convention
        Of outcomes.
    years, years_today : shape (patients,)
        Undiscounted and discounted, added to.
    by_state, by_line : shape (patients, states), (patients, lines + 1)
        Undiscounted, added to.
    """
    for row in range(patient.shape[0]):
        who = place(patient[row])
        length = stop[row] - start[row]
        years[who] += length
        years_today[who] += flow_today(start[row], stop[row], rho, convention)
        by_state[who, place(state[row])] += length
        by_line[who, place(line[row])] += length


@kernel
def add_months(patient: Ints, start: Floats, stop: Floats, state: Ints, markers: Floats, grid: Floats, states: Ints, living: Ints, sums: Floats) -> None:
    """Add up who is where in every month and the markers of the living; a month belongs to the row from whose start on it lies.

    Parameters
    ----------
    patient, start, stop, state : shape (rows,)
        Of the table ``life``.
    markers : shape (2 * markers, room)
        Value of each marker at start and stop of every row; no rows beyond those of ``patient`` are read.
    grid : shape (months,)
        Years since entry, ascending from 0.
    states : shape (months, states)
        Patients in each state, added to.
    living : shape (months,)
        Patients alive and followed, added to.
    sums : shape (parts, months, markers, 2)
        Sums of values and of their squares by hundreds, added to.
    """
    month = 0
    before = -1
    for row in range(patient.shape[0]):
        if patient[row] != before:
            month = 0
            before = patient[row]
        here = place(state[row])
        hundred = place(patient[row] // HUNDRED)
        length = stop[row] - start[row]
        while month < grid.shape[0] and grid[month] < stop[row]:
            states[month, here] += 1
            living[month] += 1
            share = (grid[month] - start[row]) / length
            for marker in range(sums.shape[2]):
                first = markers[place(2 * marker), row]
                value = first + (markers[place(2 * marker + 1), row] - first) * share
                sums[hundred, month, marker, 0] += value
                sums[hundred, month, marker, 1] += value * value
            month += 1


@kernel
def read_ends(patient: Ints, kind: NDArray[np.int8], state: NDArray[np.int8], detail: NDArray[np.int16], move: int, absorbing: int, final: Ints, cause: Ints) -> None:
    """Tell the last state of every history, and why it ended.

    Parameters
    ----------
    patient, kind, state, detail : shape (rows,)
        Of the table ``events`` of a log.
    move, absorbing
        Kind of a change of state; states that end a history, a bit set.
    final, cause : shape (patients,)
        Filled; ``cause`` only where an absorbing state was entered.
    """
    position = -1
    for row in range(patient.shape[0]):
        if row == 0 or patient[row] != patient[row - 1]:
            position += 1
        final[position] = state[row]
        if kind[row] == move and (absorbing >> state[row]) & 1:
            cause[position] = detail[row]
