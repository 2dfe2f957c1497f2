"""A virtual trial becomes histories: each arm is the library's own pathway, with the trial's people, treatment and visits.

Nothing of the disease is replaced but what a protocol replaces: who comes, what is given and for how long, when patients are looked at, and which decisions of
routine care rest. All arms hold the same patients with the same luck. This module must not know a disease or how a trial is analysed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from pathway import draws
from pathway.cohort import draw_cohort
from pathway.compiler import compile_program
from pathway.definition.population import CohortDefinition, Entry
from pathway.definition.scenario import Scenario
from pathway.definition.strategies import Candidate, Line, StrategyDefinition
from pathway.definition.trials import Arm, Trial, years_of
from pathway.eventlog import EventLog
from pathway.program import INFINITY, Cohort, DelaySpec, Floats, Program
from pathway.telling import simulate_strategy

POPULATION = "virtual_trial"
"""Name of the arm's own population inside the scenario it runs in."""
AFTER_LAST = 7.0 / 365.25
"""Years simulated beyond the last time that is looked at: at the horizon itself nothing happens."""
DROPOUT = "trial:dropout"
"""Stream of the draws of who is lost."""
Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmRun:
    """One arm, lived.

    Attributes
    ----------
    lost
        Years from entry until a patient is lost for reasons of their own, shape (n,); infinite: never.
    """

    name: str
    arm: Arm
    scenario: Scenario
    values: dict[str, float]
    program: Program
    cohort: Cohort
    log: EventLog
    lost: Floats


def arm_scenario(base: Scenario, trial: Trial, name: str, horizon: float) -> Scenario:
    """The scenario that one arm is: the base with the trial's population, numbers and treatment."""
    document, arm = trial.document, trial.document.arms[name]
    library = base.library
    cohorts = dict(library.cohorts)
    population = document.population
    cohort: str | None = None
    if population.cohort is not None:
        cohort = POPULATION
        cohorts[POPULATION] = _population(cohorts[population.cohort], trial, arm)
    strategy = _strategy(base, arm)
    study = base.study.model_copy(
        update={"cohort": cohort, "patients_file": population.patients_file, "horizon": horizon, "strategies": (name,), "comparator": name}
    )
    library = replace(library, cohorts=cohorts, parameters={**library.parameters, **trial.numbers})
    return replace(base, study=study, library=library, strategies={name: strategy}, patients=trial.patients)


def _population(preset: CohortDefinition, trial: Trial, arm: Arm) -> CohortDefinition:
    population = trial.document.population
    entry: Entry = arm.entry or population.entry or preset.entry
    return preset.model_copy(
        update={
            "covariates": {**preset.covariates, **population.covariates, **arm.covariates},
            "set": {**preset.set, **population.set, **arm.set},
            "entry": entry,
        }
    )


def _strategy(base: Scenario, arm: Arm) -> StrategyDefinition:
    if arm.strategy is not None:
        return base.strategies[arm.strategy] if arm.strategy in base.strategies else base.library.strategies[arm.strategy]
    return StrategyDefinition(label=arm.label, lines=(Line(candidates=tuple(Candidate(regimen=part) for part in parts_of(arm.regimen or ()))),) if arm.regimen else ())


def parts_of(regimen: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The regimen, then what is left of it when drugs are stopped: larger parts first.

    Examples
    --------
    >>> parts_of(("mmf", "nintedanib"))
    [('mmf', 'nintedanib'), ('mmf',), ('nintedanib',)]
    """
    return [part for size in range(len(regimen), 0, -1) for part in combinations(regimen, size)]


def as_protocol(program: Program, trial: Trial, arm: Arm, horizon: float) -> Program:
    """Change a program into what the protocol says: visits, decisions in force, late start.

    With a fixed regimen no decision of routine care acts unless the arm names it, and only the trial's own visits take place.
    """
    wanted = arm.decisions if arm.decisions is not None else ("all" if arm.strategy is not None else "none")
    kept = program.decisions if wanted == "all" else tuple(one for one in program.decisions if one.name in wanted and wanted != "none")
    schedules = program.schedules
    visits = trial.document.visits
    if visits is not None:
        times = np.array([at for at in trial.visit_times if at < horizon], dtype=np.float64)
        schedules = tuple(replace(one, offsets=times) if one.name == visits.schedule else one for one in schedules)
        if wanted == "none":
            schedules = tuple(one for one in schedules if one.name == visits.schedule)
    access = program.access
    if arm.starts_after is not None:
        wait = DelaySpec(mean=years_of(arm.starts_after))
        access = replace(access, treatments=0, supplies=(wait,) * len(program.treatments))
    return replace(program, decisions=kept, schedules=schedules, access=access)


def run_arm(base: Scenario, trial: Trial, name: str, *, patients: int, seed: int, engine: str, horizon: float | None = None, workers: int = 1) -> ArmRun:
    """Simulate one arm.

    Parameters
    ----------
    patients
        Simulated patients; far more than the trial had, so that its own luck is not mistaken for the model's.
    horizon
        Years; absent: a week longer than the last thing that is looked at.
    """
    years = trial.last_time + AFTER_LAST if horizon is None else horizon
    scenario = arm_scenario(base, trial, name, years)
    values = scenario.base_values()
    arm = trial.document.arms[name]
    program = as_protocol(compile_program(scenario, name, values), trial, arm, years)
    cohort = draw_cohort(scenario, values, size=None if trial.patients is not None else patients, seed=seed)
    log = simulate_strategy(program, cohort, seed, engine=engine, workers=workers)
    return ArmRun(
        name=name, arm=arm, scenario=scenario, values=values, program=program, cohort=cohort, log=log, lost=_lost(trial, values, cohort, seed)
    )  # fmt: skip


def _lost(trial: Trial, values: dict[str, float], cohort: Cohort, seed: int) -> Floats:
    """When patients are lost: exponential at the trial's rate, the same patient at the same time in every arm."""
    rate = trial.document.dropout.rate
    hazard = 0.0 if rate is None else values[rate]
    if hazard <= 0.0:
        return np.full(cohort.size, INFINITY)
    return draws.exponential(seed, stream=DROPOUT, patient=cohort.patient) / hazard


def run_trial(
    base: Scenario, trial: Trial, *, patients: int, seed: int, engine: str = "compiled", workers: int = 1, tell: Tell | None = None
) -> dict[str, ArmRun]:
    """Simulate every arm of a trial on the same patients."""
    runs = {}
    names = list(trial.document.arms)
    for number, name in enumerate(names, start=1):
        runs[name] = run_arm(base, trial, name, patients=patients, seed=seed, engine=engine, workers=workers)
        if tell:
            tell(trial.document.label, number, len(names))
    return runs
