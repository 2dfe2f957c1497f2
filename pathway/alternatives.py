"""Structural alternatives: the same study with one switch turned, beside its base case.

They need nothing of the main run, so they are handed in before it and run beside it. This module must not know what a switch means.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from pathway.economics.comparison import versus_reference
from pathway.experiment import Results, run
from pathway.telling import Progress
from pathway.workshop import Answer, Workshop

if TYPE_CHECKING:
    from pathway.definition.scenario import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """An alternative under way; ``table``: every strategy against the comparator."""

    switch: str
    option: str
    label: str
    table: Answer[pd.DataFrame]


def with_switch(scenario: Scenario, switch: str, option: str) -> Scenario:
    """The same study with one structural switch turned."""
    return replace(scenario, switches={**scenario.switches, switch: option})


def printed_alternatives(scenario: Scenario) -> list[tuple[str, str]]:
    """Structural alternatives a report prints beside its base case: (switch, option), the study's own options left out."""
    switches = scenario.library.pathway.switches
    return [
        (name, option)
        for name, switch in switches.items()
        if switch.printed
        for option in switch.options
        if option != scenario.switches[name]
    ]


def begin(
    scenario: Scenario, shop: Workshop, *, patients: int, seed: int | None = None, engine: str | None = None, strategies: Sequence[str] | None = None
) -> list[Alternative]:
    """Hand in every printed structural alternative on the first patients, under the same draws.

    Parameters
    ----------
    shop
        Where they run.
    patients, seed, engine, strategies
        As in :func:`pathway.experiment.run`.
    """
    switches = scenario.library.pathway.switches
    return [
        Alternative(
            switch=switch, option=option, label=f"{switches[switch].label}: {switches[switch].options[option].label}",
            table=shop.submit(_turned, with_switch(scenario, switch, option), patients, seed, engine, strategies),
        )
        for switch, option in printed_alternatives(scenario)
    ]  # fmt: skip


def _turned(scenario: Scenario, patients: int, seed: int | None, engine: str | None, strategies: Sequence[str] | None) -> pd.DataFrame:
    # Their outcomes are all that is asked for: no log is kept, and what only a log would tell is not even drawn.
    return against_comparator(run(scenario, patients=patients, seed=seed, engine=engine, strategies=strategies, logs=False), patients)


def against_comparator(results: Results, patients: int) -> pd.DataFrame:
    """Means of every strategy and their differences to the comparator, over the first patients.

    Columns: strategy, cost, qaly, inc_cost, inc_qaly, inc_qaly_se and, per threshold t, inc_nmb_t and inc_nmb_se_t.
    """
    first = {name: (cost[:patients], qaly[:patients]) for name, (cost, qaly) in results.per_patient().items()}
    table = versus_reference(first, results.scenario.study.comparator, results.terms.thresholds).drop(columns=["icer"])
    table.insert(1, "cost", [float(first[name][0].mean()) for name in table["strategy"]])
    table.insert(2, "qaly", [float(first[name][1].mean()) for name in table["strategy"]])
    return table


def with_alternatives(results: Results, begun: Sequence[Alternative], *, patients: int, progress: Progress | None = None) -> Results:
    """The same results with their structural alternatives; see :func:`alternatives`."""
    since = time.perf_counter()
    tables = [_named("", "", "base case", against_comparator(results, patients))]
    for number, one in enumerate(begun):
        tables.append(_named(one.switch, one.option, one.label, one.table.result()))
        if progress:
            progress("structural alternatives", number + 1, len(begun))
    seconds = {**results.seconds, "alternatives": time.perf_counter() - since}
    return replace(results, alternatives=pd.concat(tables, ignore_index=True), alternative_patients=patients, seconds=seconds)


def _named(switch: str, option: str, label: str, table: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([pd.DataFrame({"switch": switch, "option": option, "label": label}, index=table.index), table], axis=1)


def alternatives(results: Results, *, patients: int) -> pd.DataFrame:
    """Run every printed structural alternative on the first patients of the cohort, here and now.

    Returns
    -------
    One row an alternative and strategy: switch, option (empty for the base case), label, and the columns of :func:`against_comparator`.
    """
    size = min(patients, results.cohort.size)
    begun = begin(results.scenario, Workshop(1), patients=size, seed=results.seed, engine=results.engine, strategies=list(results.strategies))
    found = with_alternatives(results, begun, patients=size).alternatives
    assert found is not None
    return found
