"""What stays of histories when their rows are dropped: how each life ended, who was where on a monthly grid, and the markers of the living.

Sums of floats are those of :mod:`pathway.economics.parts`. This module must not know money.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pathway.economics.columns import real, side_by_side, whole
from pathway.economics.compiled_life import add_months, read_ends
from pathway.economics.ledger import Ledger
from pathway.economics.parts import added_up, hundreds
from pathway.eventlog import EVENT_COLUMNS, EventLog, Kind
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
    grid, life, states = month_grid(program.horizon), ledger.life, len(program.states)
    here, living = np.zeros((grid.size, states), dtype=np.int64), np.zeros(grid.size, dtype=np.int64)
    sums = np.zeros((hundreds(ledger.patients), grid.size, len(ledger.markers), 2))
    markers = side_by_side([life[f"{marker}_{side}"] for marker in ledger.markers for side in ("start", "stop")])
    add_months(whole(life["patient"]), real(life["start"]), real(life["stop"]), whole(life["state"]), markers, grid, here, living, sums)
    final, cause = _ends(log, program)
    return Summary(
        grid=grid,
        states=here + _gone(np.searchsorted(grid, ledger.end, side="left"), final, grid.size, states),
        living=living,
        marker_sums=sums,
        years=ledger.end,
        died=(program.absorbing >> final & 1).astype(bool),
        cause=cause,
        rows=int(log.events["patient"].size),
    )


def _gone(month: Ints, state: Ints, months: int, states: int) -> Ints:
    """Those whose history is over, from the first month after its end on."""
    new = np.bincount(month * states + state, minlength=(months + 1) * states).astype(np.int64).reshape(months + 1, states)
    return np.asarray(np.cumsum(new, axis=0)[:months])


def _ends(log: EventLog, program: Program) -> tuple[Ints, Ints]:
    """Last state of every history, and why it ended; -1 where it did not, or nothing is said."""
    final, cause = np.zeros(log.patients, dtype=np.int64), np.full(log.patients, -1, dtype=np.int64)
    patient, kind, state, detail = (np.require(log.events[name], EVENT_COLUMNS[name], ("C", "W")) for name in ("patient", "kind", "state", "detail"))
    read_ends(patient, kind, state, detail, int(Kind.MOVE), program.absorbing, final, cause)
    return final, cause
