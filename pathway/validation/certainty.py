"""How well a fit is known: rows of one trial seen in the same patients, and the luck of the simulated ones.

A trial's rows are not independent: the change at 12 and at 18 months, or three standard deviations, are of the same people. How their errors hang together is not printed, but the
model tells it: each trial is told many times at its own size, each arm with patients of its own, analysed each time, and its estimates correlated. Rows of different trials are
independent. This module must not know a disease or what is fitted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pathway.definition.scenario import Scenario
from pathway.definition.trials import Trial
from pathway.draws import LARGEST_SEED
from pathway.validation.analysing import Analysis
from pathway.validation.fitting import Floats
from pathway.validation.running import Tell, run_arm

REPLICATES = 100
"""Times each trial is told: a correlation of 0 then has a standard error of 0.1."""
FEWEST = 20
"""With fewer replicates in which every row could be estimated, a trial's rows count as independent."""
USUAL = 100
"""Patients of an arm whose size is not known."""
NOISE = 1e-9
"""Relative to its size, a spread below which an estimate is always the same."""
APART = 1_000_003
"""Between the seeds of one analysis and those of its replicates."""


def correlation_of_rows(base: Scenario, trials: Sequence[Trial], *, seed: int, engine: str, replicates: int = REPLICATES, tell: Tell | None = None) -> Floats:
    """Correlation of the estimates of all rows, in the order of the trials' targets; shape (rows, rows).

    Parameters
    ----------
    base
        With the numbers at which it is wanted.
    """
    blocks = []
    for place, trial in enumerate(trials, start=1):
        alone = len(trial.document.targets) == 1
        blocks.append(np.eye(1) if alone else _correlated(estimates(base, trial, seed=seed, engine=engine, replicates=replicates)))
        if tell:
            tell("how errors of rows hang together", place, len(trials))
    size = sum(len(block) for block in blocks)
    whole, at = np.zeros((size, size)), 0
    for block in blocks:
        whole[at : at + len(block), at : at + len(block)] = block
        at += len(block)
    return whole


def estimates(base: Scenario, trial: Trial, *, seed: int, engine: str, replicates: int) -> Floats:
    """Estimates of a trial of the published size, told again and again; shape (replicates, rows), ratios as logarithms, NaN where one could not be estimated."""
    found = np.full((replicates, len(trial.document.targets)), math.nan)
    names = list(trial.document.arms)
    for again in range(replicates):
        runs = {
            name: run_arm(base, trial, name, patients=trial.document.arms[name].size or USUAL, seed=(seed + APART + again * len(names) + number) % LARGEST_SEED, engine=engine)
            for number, name in enumerate(names)
        }
        analysis = Analysis(trial, runs)
        for row, target in enumerate(trial.document.targets):
            value = analysis.estimate(target).value
            is_ratio = trial.published[target.id].unit == "ratio"
            found[again, row] = (math.log(value) if value > 0.0 else math.nan) if is_ratio else value
    return found


def _correlated(table: Floats) -> Floats:
    """Correlation of columns over the rows without a gap; what does not vary hangs together with nothing."""
    whole = table[~np.isnan(table).any(axis=1)]
    size = table.shape[1]
    if len(whole) < FEWEST:
        return np.eye(size)
    scale = whole.std(axis=0)
    moved = scale > NOISE * np.maximum(np.abs(whole).max(axis=0), NOISE)
    scores = np.where(moved, (whole - whole.mean(axis=0)) / np.where(moved, scale, 1.0), 0.0)
    found = scores.T @ scores / len(whole)
    np.fill_diagonal(found, 1.0)
    return np.asarray(found)
