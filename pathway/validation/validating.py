"""Every trial, run, analysed and compared: what ``pathway validate`` does.

This module must not read or write files, or know a disease.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from pathway.definition.scenario import Scenario
from pathway.definition.trials import Published, Trial, years_of
from pathway.engines import check_engine
from pathway.validation import estimators
from pathway.validation.analysing import Analysis
from pathway.validation.comparing import Comparison, Summary, compare, misses_first, summarise
from pathway.validation.estimators import Floats
from pathway.validation.running import ArmRun, Tell, run_arm, run_trial
from pathway.validation.switching import Switches, switches

PATIENTS = 2000
"""Simulated patients an arm, unless asked otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseOfArm:
    """Mean change of a marker over trial time in one arm, with its simulation error; points of the paper beside it.

    Attributes
    ----------
    points
        (years, published) of targets that tell the mean change of this marker in this arm.
    """

    trial: str
    arm: str
    label: str
    marker: str
    scale: str
    times: Floats
    mean: Floats
    error: Floats
    points: tuple[tuple[float, Published], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """All trials compared.

    Attributes
    ----------
    rows
        Misses first.
    """

    base: Scenario
    trials: tuple[Trial, ...]
    rows: tuple[Comparison, ...]
    courses: tuple[CourseOfArm, ...]
    switches: tuple[Switches, ...]
    patients: int
    seed: int
    engine: str
    files: tuple[tuple[str, str], ...] = field(default=())

    @property
    def summary(self) -> Summary:
        """How many of which rows lie inside."""
        return summarise(self.rows)


def validate(
    base: Scenario, trials: Sequence[Trial], *, patients: int = PATIENTS, seed: int | None = None, engine: str = "compiled",
    workers: int = 1, files: tuple[tuple[str, str], ...] = (), tell: Tell | None = None,
) -> Validation:  # fmt: skip
    """Run, analyse and compare trials.

    Parameters
    ----------
    base
        Numbers and structure: a scenario, or the bare library.
    patients
        Simulated patients of each arm.
    seed
        Absent: the base's own.

    Raises
    ------
    PathwayError
        If the engine is unknown, or an arm cannot be compiled.
    """
    check_engine(engine)
    key = base.study.seed if seed is None else seed
    rows: list[Comparison] = []
    courses: list[CourseOfArm] = []
    changed: list[Switches] = []
    for trial in trials:
        runs = run_trial(base, trial, patients=patients, seed=key, engine=engine, workers=workers, tell=tell)
        again = _runs_again(base, trial, patients=patients, seed=key, engine=engine, workers=workers)
        analysis = Analysis(trial, runs, again)
        rows += [compare(trial, target, analysis.estimate(target)) for target in trial.document.targets]
        courses += courses_of(trial, analysis)
        if trial.document.switching is not None:
            changed += [switches(run, trial.document.switching) for run in runs.values()]
    return Validation(
        base=base, trials=tuple(trials), rows=tuple(misses_first(rows)), courses=tuple(courses), switches=tuple(changed), patients=patients, seed=key,
        engine=engine, files=files,
    )  # fmt: skip


def _runs_again(base: Scenario, trial: Trial, *, patients: int, seed: int, engine: str, workers: int) -> Callable[[str, float], ArmRun]:
    """Run an arm to another horizon: costs are those of a whole history."""
    return lambda name, horizon: run_arm(base, trial, name, patients=patients, seed=seed, engine=engine, horizon=horizon, workers=workers)


def courses_of(trial: Trial, analysis: Analysis) -> list[CourseOfArm]:
    """Mean changes over trial time that a trial asks to be drawn."""
    found = []
    for course in trial.document.courses:
        for name in course.arms or tuple(analysis.arms):
            measured = analysis.arms[name].measured(course.marker)
            table = measured.shown if course.scale == "shown" else measured.native
            changes = [estimators.mean(table[:, visit] - table[:, 0]) for visit in range(measured.times.size)]
            points = tuple(
                (years_of(target.at), trial.published[target.id])
                for target in trial.document.targets
                if target.at is not None
                and (target.quantity, target.arm, target.marker, target.scale) == ("change", name, course.marker, course.scale)
                and target.versus is None
                and target.among is None
                and target.since is None
            )
            found.append(
                CourseOfArm(
                    trial=trial.document.label, arm=name, label=trial.document.arms[name].label, marker=course.marker, scale=course.scale, times=measured.times,
                    mean=np.array([one.value for one in changes]), error=np.array([one.error for one in changes]), points=points,
                )
            )  # fmt: skip
    return found
