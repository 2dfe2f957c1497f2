"""Experiments: strategies simulated on one cohort, valued and compared.

Histories are kept whole (:mod:`pathway.telling`) or summed up block by block (:mod:`pathway.accumulation`); outcomes are the same, and neither the number of workers
nor the size of a block moves a result.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
import pandas as pd

from pathway.access.delay import without_waiting
from pathway.accumulation import BlockStore, Job, accumulate, seconds_of, tell_block
from pathway.cohort import draw_cohort
from pathway.compiler import compile_program
from pathway.economics import ledger as ledgers
from pathway.economics.comparison import incremental, mean_and_error, versus_reference
from pathway.economics.quality import equal_value_years_gained
from pathway.economics.summary import Summary, summarise
from pathway.economics.valuation import Outcomes, Terms, terms_of, value
from pathway.engines import THREADED, check_engine, needs_compiling, simulate
from pathway.errors import FaultList, PathwayError, ScenarioError, did_you_mean
from pathway.eventlog import EventLog
from pathway.invariants.history import History
from pathway.program import Cohort, Program
from pathway.telling import Progress, processes, simulate_strategy

if TYPE_CHECKING:
    from pathway.definition.scenario import Scenario

Kept = TypeVar("Kept")

SECONDS_TO_COMPILE = 30.0
"""What a first run is told; measured at 20 to 30 of a processor."""
PILOT = 20
"""Patients of the pilot that estimates how long a run will take."""

LIVES_WITH_LOGS = 40_000
"""Patients times strategies above which no event log is kept unless asked for: log and ledger of a life take some 70 kB, so that many take 3 GB."""


class Store(BlockStore, Protocol):
    """Keeps logs of finished strategies, or finished blocks, so that an interrupted run can be resumed."""

    def load(self, strategy: str) -> EventLog | None:
        """Log of a strategy, or None if it must be simulated."""

    def save(self, strategy: str, log: EventLog) -> None:
        """Keep a log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyResult:
    """What one strategy did to the cohort; without logs only ``outcomes``, ``summary`` and the equal-value life-years remain."""

    strategy: str
    program: Program
    outcomes: Outcomes
    summary: Summary
    kept_log: EventLog | None = None
    kept_ledger: ledgers.Ledger | None = None
    equal_value_years: np.ndarray | None = None

    @property
    def log(self) -> EventLog:
        """Every event of every patient; refused where none was kept."""
        return self._kept(self.kept_log, "event log")

    @property
    def ledger(self) -> ledgers.Ledger:
        """Quantities in natural units; refused where none was kept."""
        return self._kept(self.kept_ledger, "ledger")

    def _kept(self, what: Kept | None, name: str) -> Kept:
        if what is None:
            raise PathwayError(
                where=f"strategy {self.strategy}", found=f"no {name}: this run summed its histories up and dropped their rows", expected=f"a run that keeps the {name}",
                mend="run fewer patients, or keep logs: --log, or logs=True from Python",
            )  # fmt: skip
        return what


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """A run: the same patients under every strategy.

    Attributes
    ----------
    strategies
        By id, in the scenario's order.
    values
        Parameter values the programs were compiled from, house units.
    terms
        How the ledger was valued; :meth:`revalue` takes others without a new run.
    seconds
        Wall-clock seconds by step.
    undelayed
        Strategies of :func:`with_undelayed`: the same payers answering at once.
    alternatives, alternative_patients
        Table of :func:`alternatives` and on how many patients it was made, if it was.
    """

    scenario: Scenario
    values: dict[str, float]
    cohort: Cohort
    terms: Terms
    strategies: dict[str, StrategyResult]
    engine: str
    seed: int
    workers: int
    seconds: dict[str, float] = field(default_factory=dict)
    undelayed: dict[str, StrategyResult] = field(default_factory=dict)
    alternatives: pd.DataFrame | None = None
    alternative_patients: int = 0

    def revalue(self, terms: Terms) -> Results:
        """Value the same ledgers with other prices, utilities or discount rates."""
        valued, undelayed = (
            {name: replace(result, outcomes=value(result.ledger, terms)) for name, result in runs.items()} for runs in (self.strategies, self.undelayed)
        )
        return replace(self, terms=terms, strategies=valued, undelayed=undelayed)

    def per_patient(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Discounted costs and QALYs by strategy, each of shape (patients,)."""
        return {name: (result.outcomes.total, result.outcomes.qalys_discounted) for name, result in self.strategies.items()}

    @property
    def has_logs(self) -> bool:
        """Were the rows of the histories kept?"""
        return all(result.kept_log is not None for result in self.strategies.values())

    @property
    def reference_only(self) -> frozenset[str]:
        """Strategies kept off the frontier."""
        return frozenset(name for name in self.strategies if self.scenario.strategies[name].reference_only)

    def outcomes(self) -> pd.DataFrame:
        """Means a patient by strategy, each with its Monte Carlo standard error (``_se``).

        Columns: strategy, label, cost, cost_undiscounted (home currency), life_years, life_years_discounted, qalys, qalys_discounted (years).
        """
        rows = []
        for name, result in self.strategies.items():
            o = result.outcomes
            row: dict[str, object] = {"strategy": name, "label": self.scenario.strategies[name].label}
            columns = {
                "cost": o.total, "cost_undiscounted": o.total_undiscounted, "life_years": o.life_years, "life_years_discounted": o.life_years_discounted,
                "qalys": o.qalys, "qalys_discounted": o.qalys_discounted,
            }  # fmt: skip
            for column, sample in columns.items():
                row[column], row[f"{column}_se"] = mean_and_error(sample)
            rows.append(row)
        return pd.DataFrame(rows)

    def costs(self) -> pd.DataFrame:
        """Mean cost a patient by strategy and category: strategy, category, cost_discounted, cost_discounted_se, cost (home currency)."""
        return pd.DataFrame(
            [
                {
                    "strategy": name, "category": category, "cost_discounted": mean_and_error(o.costs[:, k])[0], "cost_discounted_se": mean_and_error(o.costs[:, k])[1],
                    "cost": float(o.costs_undiscounted[:, k].mean()),
                }
                for name, result in self.strategies.items()
                for o in [result.outcomes]
                for k, category in enumerate(o.categories)
            ]
        )  # fmt: skip

    def incremental(self) -> pd.DataFrame:
        """Full incremental analysis; columns as in :func:`pathway.economics.comparison.incremental`."""
        return incremental(self.per_patient(), self.reference_only)

    def versus_comparator(self) -> pd.DataFrame:
        """Every strategy against the study's comparator; columns as in :func:`pathway.economics.comparison.versus_reference`."""
        return versus_reference(self.per_patient(), self.scenario.study.comparator, self.terms.thresholds)

    def equal_value_years(self, strategy: str) -> np.ndarray:
        """Equal-value life-years gained over the comparator by patient, discounted; shape (patients,)."""
        known = self.strategies[strategy].equal_value_years
        if known is not None:
            return known
        base = self.strategies[self.scenario.study.comparator].ledger
        return equal_value_years_gained(self.strategies[strategy].ledger, base, self.terms)

    def history(self, strategy: str) -> History:
        """Histories of a strategy with all that invariants may ask of them."""
        run = self.strategies[strategy]
        return History.of_run(run.log, run.program, self.cohort, self.scenario, strategy)

    def events(self, strategy: str) -> pd.DataFrame:
        """The event log of a strategy, in words; columns as in :mod:`pathway.eventlog`."""
        return self.strategies[strategy].log.frame()


def compile_code(job: Job, cohort: Cohort) -> None:
    """Compile the engine in this process and, beside it, ledger and valuation in another; what each compiled is kept on disk for both."""
    one = cohort.part(0, 1)
    with processes(1) as other:
        rest = other.submit(tell_block, replace(job, engine="reference"), one)
        simulate(next(iter(job.programs.values())), one, job.seed, engine=job.engine, threads=1)
        rest.result()


def estimate_seconds(programs: Sequence[Program], cohort: Cohort, seed: int, *, engine: str, workers: int) -> float:
    """Guess the seconds a run will take, from a small pilot of the same patients."""
    pilot = cohort.part(0, min(PILOT, cohort.size))
    simulate(programs[0], pilot.part(0, 1), seed, engine=engine, threads=1)
    begin = time.perf_counter()
    for program in programs:
        simulate(program, pilot, seed, engine=engine, threads=1)
    return (time.perf_counter() - begin) * cohort.size / pilot.size / max(workers, 1)


def cohort_size(scenario: Scenario, patients: int | None) -> int:
    """Patients of a run: those asked for, all of the user's own, or the study's."""
    own = len(next(iter(scenario.patients.values()))) if scenario.patients else scenario.study.patients
    return own if patients is None else patients


def chosen_strategies(scenario: Scenario, strategies: Sequence[str] | None) -> tuple[str, ...]:
    """Strategies to run, in the scenario's order; the comparator is always among them."""
    known = tuple(scenario.strategies)
    if strategies is None:
        return known
    if not strategies:
        raise ScenarioError(
            where="--strategies", found="no strategy", expected=", ".join(known), mend="name one, or leave the option out for all"
        )
    unknown = [name for name in strategies if name not in known]
    if unknown:
        raise ScenarioError(
            where="--strategies", found=", ".join(unknown), expected=", ".join(known),
            mend=did_you_mean(unknown[0], list(known)) or "choose among these",
        )
    return tuple(name for name in known if name in strategies or name == scenario.study.comparator)


def prepare(
    scenario: Scenario, values: dict[str, float], strategies: Sequence[str], *, engine: str
) -> tuple[dict[str, Program], Terms]:
    """Compile every strategy and resolve the terms of valuation, so that nothing fails after the patients have lived.

    Raises
    ------
    ScenarioError
        With the faults of all strategies, the prices and the engine together.
    """
    programs: dict[str, Program] = {}
    terms: list[Terms] = []
    faults = FaultList()

    def gather(step: Callable[[], object]) -> None:
        try:
            step()
        except PathwayError as error:
            faults.extend(fault for fault in error.faults if fault not in faults.faults)

    def keep(name: str) -> None:
        programs[name] = compile_program(scenario, name, values)

    gather(lambda: check_engine(engine))
    for name in strategies:
        gather(partial(keep, name))
    gather(lambda: terms.append(terms_of(scenario, values)))
    faults.raise_if_any(ScenarioError)
    return programs, terms[0]


def run(  # noqa: PLR0913 - each is a choice of the user's
    scenario: Scenario,
    *,
    patients: int | None = None,
    seed: int | None = None,
    engine: str | None = None,
    strategies: Sequence[str] | None = None,
    workers: int = 1,
    progress: Progress | None = None,
    announce: Callable[[str, float], None] | None = None,
    store: Store | None = None,
    logs: bool | None = None,
) -> Results:
    """Simulate, value and compare.

    Parameters
    ----------
    scenario
        A checked study, from :func:`pathway.read`.
    patients, seed, engine
        In place of the scenario's own.
    strategies
        Ids to run; all when absent. The comparator always runs.
    workers
        Processes; results do not depend on it.
    progress, announce
        Called as work goes on; ``announce`` once, with what will be done and the seconds it may take.
    store
        Keeps logs of finished strategies (or blocks) and gives back those it has.
    logs
        Keep every event? Without, histories are valued and summed up block by block and their rows dropped: memory stays small and outcomes are the same, but prices,
        utilities and discount rates are fixed. Absent: up to :data:`LIVES_WITH_LOGS` lives.

    Raises
    ------
    PathwayError
        If a strategy or engine is unknown, or the program cannot be compiled or run.
    """
    begin = time.perf_counter()
    seed = scenario.study.seed if seed is None else seed
    engine = engine or scenario.study.engine
    values = scenario.base_values()
    cohort = draw_cohort(scenario, values, size=patients, seed=seed)
    chosen = chosen_strategies(scenario, strategies)
    programs, terms = prepare(scenario, values, chosen, engine=engine)
    seconds = {"compile": time.perf_counter() - begin}
    is_large = cohort.size * len(chosen) > LIVES_WITH_LOGS
    logs = not is_large if logs is None else logs
    job = Job(programs=programs, books=scenario.library, values=values, terms=terms, comparator=scenario.study.comparator, seed=seed, engine=engine)
    if needs_compiling(engine):
        if announce:
            announce("first run: compiling the engine, kept for later runs", SECONDS_TO_COMPILE)
        compile_code(job, cohort)
    if announce:
        guess = estimate_seconds(list(programs.values()), cohort, seed, engine=engine, workers=workers) if logs else seconds_of(job, cohort, workers=workers)
        announce(f"{cohort.size:,} patients under {len(chosen)} strategies, {engine} engine, {workers} worker{'s' if workers > 1 else ''}{'' if logs else ', no event log'}", guess)
    begin = time.perf_counter()
    if not logs:
        summed = accumulate(job, cohort, workers=workers, progress=progress, store=store)
        results = {
            name: StrategyResult(strategy=name, program=program, outcomes=summed[name].outcomes, summary=summed[name].summary, equal_value_years=summed[name].equal_value_years)
            for name, program in programs.items()
        }
        return Results(
            scenario=scenario, values=values, cohort=cohort, terms=terms, strategies=results, engine=engine, seed=seed, workers=workers,
            seconds={**seconds, "simulate and value": time.perf_counter() - begin},
        )  # fmt: skip
    pool = processes(workers) if workers > 1 and engine not in THREADED else None
    try:
        told: dict[str, EventLog] = {}
        for name, program in programs.items():
            kept = store.load(name) if store else None
            told[name] = kept or simulate_strategy(program, cohort, seed, engine=engine, pool=pool, workers=workers, progress=progress)
            if store and kept is None:
                store.save(name, told[name])
    except BaseException:
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)
        raise
    if pool is not None:
        pool.shutdown()
    seconds["simulate"] = time.perf_counter() - begin
    begin = time.perf_counter()
    with ThreadPoolExecutor(max(workers, 1)) as threads:  # arrays are counted and sorted outside Python's lock
        found = threads.map(lambda name: _valued(name, programs[name], told[name], cohort, scenario, values, terms), programs)
        results = dict(zip(programs, found, strict=True))
    seconds["value"] = time.perf_counter() - begin
    return Results(
        scenario=scenario, values=values, cohort=cohort, terms=terms, strategies=results, engine=engine, seed=seed, workers=workers, seconds=seconds
    )


def _valued(
    name: str, program: Program, log: EventLog, cohort: Cohort, scenario: Scenario, values: dict[str, float], terms: Terms
) -> StrategyResult:
    ledger = ledgers.build(log, program, cohort, scenario.library, values)
    outcomes, summary = value(ledger, terms), summarise(log, ledger, program)
    return StrategyResult(strategy=name, program=program, outcomes=outcomes, summary=summary, kept_log=log, kept_ledger=ledger)


def payers_compared(results: Results) -> tuple[str, ...]:
    """Strategies that differ from the comparator by their payer alone."""
    scenario, base = results.scenario, results.scenario.study.comparator
    same = scenario.strategies[base]
    return tuple(
        name
        for name in results.strategies
        if (scenario.strategies[name].lines, scenario.strategies[name].decisions) == (same.lines, same.decisions)
        and scenario.access_name(name) != scenario.access_name(base)
    )


def with_undelayed(results: Results, *, workers: int = 1, progress: Progress | None = None) -> Results:
    """The same results with every payer that differs from the comparator run once more, answering at once: what tells waiting from denial."""
    begin = time.perf_counter()
    found: dict[str, StrategyResult] = {}
    pool = processes(workers) if workers > 1 and results.engine not in THREADED else None
    try:
        for name in payers_compared(results):
            program = results.strategies[name].program
            told = (lambda what, done, total: progress(f"{what}, answered at once", done, total)) if progress else None
            quick = replace(program, access=without_waiting(program.access))
            log = simulate_strategy(quick, results.cohort, results.seed, engine=results.engine, pool=pool, workers=workers, progress=told)
            found[name] = _valued(name, quick, log, results.cohort, results.scenario, results.values, results.terms)
    finally:
        if pool is not None:
            pool.shutdown(cancel_futures=True)
    return replace(results, undelayed=found, seconds={**results.seconds, "undelayed": time.perf_counter() - begin})
