"""Disease activity over time: what indices said, in which band patients were, and when a drug first held them at target.

An index exists in the record only, so activity here is what planned visits measured. Confirmatory visits are left out: they follow a bad value. "Patient" is a position, as in
:mod:`pathway.report.histories`. This module must not know a disease, nor draw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathway.eventlog import EventLog, Kind
from pathway.program import Program
from pathway.report.histories import Lifetimes, positions
from pathway.report.view import View, plain

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Booleans = NDArray[np.bool_]
OLDEST = 1.0
"""Years for which a measured index speaks for a patient; an older one says nothing."""
LASTS = 0.5
"""Years at target that make a drug an effective one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """An index with its bands, lowest values first.

    Attributes
    ----------
    labels, cuts, has_cut
        By band: words, cut-point (infinite: the last band) and whether the cut-point itself belongs to it.
    target
        Number of the highest band that treatment is content with; -1: none is declared.
    """

    index: str
    words: str
    unit: str
    labels: tuple[str, ...] = ()
    cuts: tuple[float, ...] = ()
    has_cut: tuple[bool, ...] = ()
    target: int = -1

    def band_of(self, values: Floats) -> Ints:
        """Band of each value, same shape; -1 where there is no value."""
        found = np.full(values.shape, -1, dtype=np.int64)
        for band in reversed(range(len(self.cuts))):
            found[values <= self.cuts[band] if self.has_cut[band] else values < self.cuts[band]] = band
        return found

    def at_target(self, values: Floats) -> Booleans:
        """Which values lie in the target band or a lower one, same shape; none without a target."""
        band = self.band_of(values)
        return (band >= 0) & (band <= self.target)


def scales_of(view: View) -> list[Scale]:
    """Every index of the disease, in its order."""
    values = view.scenario.base_values()
    scales = []
    for name, index in view.scenario.library.pathway.indices.items():
        cuts = [band.at_most or band.below for band in index.bands]
        scales.append(
            Scale(
                index=name, words=plain(index.label), unit=plain(index.unit), labels=tuple(plain(band.label) for band in index.bands),
                cuts=tuple(np.inf if cut is None else values[cut] for cut in cuts), has_cut=tuple(band.below is None for band in index.bands),
                target=next((number for number, band in enumerate(index.bands) if band.is_target), -1),
            )
        )  # fmt: skip
    return scales


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Values of an index at planned visits, by patient and time, shape (values,); ``line`` is the line at the visit."""

    patient: Ints
    time: Floats
    value: Floats
    line: Ints


def measured_index(log: EventLog, program: Program, index: str) -> Measured:
    """Values of an index in a log, confirmatory visits left out."""
    _, position = positions(log)
    confirmatory = [log.name_id(decision.name) for decision in program.decisions if decision.confirm is not None]
    rows = np.flatnonzero((log.events["kind"] == Kind.FINDING) & (log.events["name"] == log.name_id(index)))
    rows = rows[~np.isin(log.events["detail"][rows], confirmatory) & ~np.isnan(log.events["measured"][rows].astype(np.float64))]
    return Measured(
        patient=position[rows], time=log.events["time"][rows].astype(np.float64), value=log.events["measured"][rows].astype(np.float64),
        line=log.events["line"][rows].astype(np.int64),
    )  # fmt: skip


def latest_at(measured: Measured, grid: Floats, lives: Lifetimes) -> Floats:
    """Latest value at given times of those alive, shape (patients, times); NaN where there is none or it is older than :data:`OLDEST`."""
    patients = np.arange(lives.years.size)
    found = np.full((patients.size, grid.size), np.nan)
    if not measured.time.size:
        return found
    wide = float(max(measured.time.max(), grid.max(initial=0.0)) + 1.0)
    row = np.searchsorted(measured.patient * wide + measured.time, patients[:, None] * wide + grid, side="right") - 1
    safe = np.maximum(row, 0)
    speaks = (row >= 0) & (measured.patient[safe] == patients[:, None]) & (grid - measured.time[safe] <= OLDEST + 1e-9)
    alive = (grid < lives.years[:, None]) | ((grid == lives.years[:, None]) & ~lives.died[:, None])
    found[speaks & alive] = measured.value[safe][speaks & alive]
    return found


def first_lasting(measured: Measured, is_in: Booleans, patients: int, lasts: float = LASTS) -> tuple[Floats, Ints]:
    """When a condition first held and went on holding.

    Parameters
    ----------
    is_in : shape (values,)
        Does it hold at each visit?
    lasts
        Years: it must hold at every planned visit up to the first one at least this much later, and there must be such a visit.

    Returns
    -------
    Years since entry of the first such visit (infinite: never) and the line it fell on (-1: never), each of shape (patients,).

    Examples
    --------
    >>> seen = Measured(patient=np.zeros(4, dtype=np.int64), time=np.array([0.0, 0.25, 0.5, 0.75]), value=np.zeros(4), line=np.ones(4, dtype=np.int64))
    >>> first_lasting(seen, np.array([False, True, True, True]), 1)
    (array([0.25]), array([1]))
    """
    when, line = np.full(patients, np.inf), np.full(patients, -1, dtype=np.int64)
    if not is_in.size:
        return when, line
    wide = float(measured.time.max() + lasts + 1.0)
    keys = measured.patient * wide + measured.time
    later = np.searchsorted(keys, keys + lasts - 1e-9, side="left")
    safe = np.minimum(later, is_in.size - 1)
    broken = np.cumsum(~is_in)
    holds = is_in & (later < is_in.size) & (measured.patient[safe] == measured.patient) & (broken[safe] == broken)
    rows = np.flatnonzero(holds)
    who, first = np.unique(measured.patient[rows], return_index=True)
    when[who], line[who] = measured.time[rows[first]], measured.line[rows[first]]
    return when, line


def activity_numbers(view: View, scale: Scale, grid: Floats) -> pd.DataFrame:
    """Means and bands of an index over time.

    Returns
    -------
    One row a strategy and year: strategy, year, number (alive with a value), mean and standard_error (of the latest values), at_target and at_target_se (share of these at
    target; NaN without a target), and the share in each band under its label.
    """
    parts = []
    for run in view.runs:
        values = latest_at(measured_index(run.log, run.program, scale.index), grid, view.reading(run).lifetimes)
        known = ~np.isnan(values)
        number = known.sum(axis=0)
        count = np.maximum(number, 1)
        mean = np.where(known, values, 0.0).sum(axis=0) / count
        spread = np.sqrt(np.where(known, (values - mean) ** 2, 0.0).sum(axis=0) / np.maximum(number - 1, 1))
        band = scale.band_of(values)
        shares = {label: (band == k).sum(axis=0) / count for k, label in enumerate(scale.labels)}
        hit = scale.at_target(values).sum(axis=0) / count if scale.target >= 0 else np.full(grid.size, np.nan)
        empty = number < 2
        columns = {
            "mean": mean, "standard_error": spread / np.sqrt(count), "at_target": hit, "at_target_se": np.sqrt(hit * (1.0 - hit) / count), **shares,
        }  # fmt: skip
        part = pd.DataFrame({name: np.where(empty, np.nan, column) for name, column in columns.items()})
        part.insert(0, "number", number)
        part.insert(0, "year", grid)
        part.insert(0, "strategy", run.strategy)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """When each patient's first effective drug began to hold: years since entry (infinite: never) and line (-1), shape (patients,)."""

    strategy: str
    when: Floats
    line: Ints


def effective_drugs(view: View, scale: Scale) -> list[Effective]:
    """First lasting time at target of every patient, by strategy."""
    found = []
    for run in view.runs:
        measured = measured_index(run.log, run.program, scale.index)
        when, line = first_lasting(measured, scale.at_target(measured.value), run.log.patients)
        found.append(Effective(strategy=run.strategy, when=when, line=line))
    return found
