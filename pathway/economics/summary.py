"""What stays of histories when their rows are dropped: how each life ended, who was where on a monthly grid, and the markers of the living.

Sums of floats are those of :mod:`pathway.economics.parts`. This module must not know money.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pathway.economics.ledger import Ledger
from pathway.economics.parts import HUNDRED, added_up, hundreds
from pathway.economics.timeline import repeated
from pathway.eventlog import EventLog, Kind
from pathway.program import Program

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Booleans = NDArray[np.bool_]

MONTHS_A_YEAR = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Histories of consecutive patients of a cohort, a whole number of hundreds of them or its last ones.

    Attributes
    ----------
    grid : shape (times,)
        Years since entry, monthly, below the horizon.
    states : shape (times, states)
        Patients in each state; the dead stay where they are.
    living : shape (times,)
        Patients alive and followed.
    marker_sums : shape (parts, times, markers, 2)
        Part by part, sums over the living of the true value (shown unit) and of its square.
    years, died, cause : shape (patients,)
        Length of each history, whether it ended in an absorbing state, and why (index of the program's names; -1: none said).
    rows
        Rows of the log that was summed up.
    """

    grid: Floats
    states: Ints
    living: Ints
    marker_sums: Floats
    years: Floats
    died: Booleans
    cause: Ints
    rows: int

    @property
    def patients(self) -> int:
        """Patients summed up."""
        return int(self.years.size)

    def occupancy(self) -> Floats:
        """Share of patients in each state, shape (times, states)."""
        return np.asarray(self.states / self.patients, dtype=np.float64)

    def marker_means(self) -> tuple[Floats, Floats]:
        """Mean true value among the living and its standard error, shape (times, markers); NaN where nobody, or only one, lives."""
        total, square = np.moveaxis(added_up(self.marker_sums), -1, 0)
        number = self.living[:, None].astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = total / number
            variance = np.maximum(square - mean * total, 0.0) / (number - 1.0)
            return mean, np.sqrt(variance / number)


def month_grid(horizon: float) -> Floats:
    """Months from 0 to below the horizon, in years.

    Examples
    --------
    >>> month_grid(0.25)
    array([0.        , 0.08333333, 0.16666667])
    """
    return np.arange(int(np.ceil(horizon * MONTHS_A_YEAR - 1e-9))) / MONTHS_A_YEAR


def summarise(log: EventLog, ledger: Ledger, program: Program) -> Summary:
    """Sum the histories of a log up; its ledger has the stretches of every life.

    Parameters
    ----------
    log, ledger
        Of the same patients under the same program.
    """
    grid = month_grid(program.horizon)
    life = ledger.life
    patient, state = np.asarray(life["patient"], dtype=np.int64), np.asarray(life["state"], dtype=np.int64)
    start, stop = np.asarray(life["start"], dtype=np.float64), np.asarray(life["stop"], dtype=np.float64)
    first = np.searchsorted(grid, start, side="left")
    row, number = repeated(np.searchsorted(grid, stop, side="left") - first)
    month = first[row] + number
    last = np.append(np.flatnonzero(np.diff(log.events["patient"])), log.events["patient"].size - 1)
    final = np.asarray(log.events["state"], dtype=np.int64)[last]
    died = (program.absorbing >> final & 1).astype(bool)
    return Summary(
        grid=grid,
        states=_alive(month, state[row], grid.size, len(program.states)) + _gone(np.searchsorted(grid, ledger.end, side="left"), final, grid.size, len(program.states)),
        living=np.bincount(month, minlength=grid.size).astype(np.int64),
        marker_sums=_marker_sums(ledger, patient[row] // HUNDRED, month, row, grid),
        years=ledger.end,
        died=died,
        cause=_causes(log, program, died.size),
        rows=int(log.events["patient"].size),
    )


def _alive(month: Ints, state: Ints, months: int, states: int) -> Ints:
    return np.bincount(month * states + state, minlength=months * states).astype(np.int64).reshape(months, states)


def _gone(month: Ints, state: Ints, months: int, states: int) -> Ints:
    """Those whose history is over, from the first month after its end on."""
    new = np.bincount(month * states + state, minlength=(months + 1) * states).astype(np.int64).reshape(months + 1, states)
    return np.asarray(np.cumsum(new, axis=0)[:months])


def _marker_sums(ledger: Ledger, hundred: Ints, month: Ints, row: Ints, grid: Floats) -> Floats:
    """Sums of true values and squares by hundred and month."""
    life, size = ledger.life, hundreds(ledger.patients)
    start, stop = np.asarray(life["start"], dtype=np.float64), np.asarray(life["stop"], dtype=np.float64)
    cell = hundred * grid.size + month
    share = (grid[month] - start[row]) / (stop - start)[row]
    sums = np.zeros((size, grid.size, len(ledger.markers), 2))
    for number, marker in enumerate(ledger.markers):
        begin, end = (np.asarray(life[f"{marker}_{side}"], dtype=np.float64) for side in ("start", "stop"))
        value = begin[row] + (end - begin)[row] * share
        for power, weight in enumerate((value, value * value)):
            sums[:, :, number, power] = np.bincount(cell, weights=weight, minlength=size * grid.size).reshape(size, grid.size)
    return sums


def _causes(log: EventLog, program: Program, patients: int) -> Ints:
    """Why each life ended; -1 where it did not, or nothing is said."""
    number = np.asarray(log.events["patient"])
    position = np.append(0, np.cumsum(number[1:] != number[:-1]))
    arrival = log.rows(Kind.MOVE) & ((program.absorbing >> np.asarray(log.events["state"], dtype=np.int64) & 1) == 1)
    cause = np.full(patients, -1, dtype=np.int64)
    cause[position[arrival]] = log.events["detail"][arrival]
    return cause
