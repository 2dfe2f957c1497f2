"""Many parameter sets over one study: means of every strategy under each set, nothing loaded twice.

A set costs one draw of its values, a program a strategy, and the patients; documents are read once and the compiled engine serves every set. Sets are told side by side and
do not depend on each other, so set 7 is the same in any analysis that has it. This module must not know what a parameter means.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pathway.accumulation import Job, value_blocks
from pathway.cohort import draw_cohort
from pathway.economics.comparison import mean_and_error
from pathway.experiment import chosen_strategies, prepare

if TYPE_CHECKING:
    from pathway.definition.scenario import Scenario

ENGINE = "compiled"
COLUMNS = ("cost", "qaly", "life_years")


def means_of_set(scenario: Scenario, sample: int, strategies: Sequence[str], *, patients: int, seed: int) -> list[dict[str, object]]:
    """Means of every strategy under one sampled parameter set.

    Parameters
    ----------
    sample
        Number of the set, from 1; 0 stands for the base case. Part of the key of every draw but those of patients at entry, who have the same luck under every set.
    """
    values = scenario.sample_values(sample) if sample else scenario.base_values()
    programs, terms = prepare(scenario, values, strategies, engine=ENGINE)
    terms = replace(terms, maps={})  # other maps than the one in force are not asked for
    cohort = draw_cohort(scenario, values, size=patients, seed=seed)
    job = Job(programs=programs, books=scenario.library, values=values, terms=terms, comparator=scenario.study.comparator, seed=seed, sample=sample, engine=ENGINE)
    found = {name: np.empty((len(COLUMNS), patients)) for name in strategies}
    for name, rows, outcomes in value_blocks(job, cohort):
        found[name][:, rows] = outcomes.total, outcomes.qalys_discounted, outcomes.life_years
    means: list[dict[str, object]] = []
    for name, columns in found.items():
        row: dict[str, object] = {"sample": sample, "strategy": name}
        for column, each in zip(COLUMNS, columns, strict=True):
            row[column], row[f"{column}_se"] = mean_and_error(each)
        means.append(row)
    return means


def means_of_sets(
    scenario: Scenario,
    samples: Sequence[int],
    *,
    patients: int | None = None,
    strategies: Sequence[str] | None = None,
    seed: int | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Run a study under many parameter sets.

    Parameters
    ----------
    scenario
        A checked study.
    samples
        Numbers of the sets.
    patients, strategies, seed
        In place of the study's own; the comparator always runs.
    workers
        Sets under way at a time; all processors when absent. Results do not depend on it.
    progress
        Called with sets done and in all.

    Returns
    -------
    One row a set and strategy, in order: sample, strategy, cost, qaly (both discounted), life_years, and the Monte Carlo error of each (``_se``).

    Raises
    ------
    PathwayError
        If a strategy is unknown, or the programs of a set cannot be compiled.
    """
    chosen = chosen_strategies(scenario, strategies)
    size, key = patients or scenario.study.patients, scenario.study.seed if seed is None else seed
    rows: list[dict[str, object]] = []
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        told: Iterator[list[dict[str, object]]] = pool.map(lambda sample: means_of_set(scenario, sample, chosen, patients=size, seed=key), samples)
        for done, found in enumerate(told, start=1):
            rows += found
            if progress:
                progress(done, len(samples))
    return pd.DataFrame(rows)
