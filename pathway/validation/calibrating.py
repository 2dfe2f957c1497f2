"""Calibration of what is not observed: move a few numbers until the rows flagged C are met, and say how well they are then known.

The objective is the sum of squared standardised differences over the rows flagged C: (simulated - published) over the root of the squares of the published standard
error (interval / 3.92) and the simulation's. It is minimised by damped Gauss-Newton steps (Levenberg 1944, Marquardt 1963) on the logarithm of each number's ratio to
its evidence, so that signs stay. Every evaluation tells the same patients with the same luck, so the objective is a fixed function of the numbers. Errors and
correlations are those of the curvature at the minimum: they hold what the rows say and nothing of the evidence's own spread, since that comes from the same studies.

Rows that are not flagged C are never looked at while fitting; :class:`Calibration` holds them before and after, so that a fit that harms them shows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pathway.definition.scenario import Scenario
from pathway.definition.trials import Trial
from pathway.definition.values import Parameter
from pathway.errors import ScenarioError
from pathway.validation.analysing import Analysis
from pathway.validation.comparing import Comparison, compare
from pathway.validation.running import Tell, run_trial
from pathway.validation.validating import Validation, validate

Floats = NDArray[np.float64]
STEP = 0.1
"""Step of a finite difference, in the logarithm: large enough that some patients' fates change."""
FARTHEST = math.log(3.0)
"""No number is moved by more than a factor of three."""
ROUNDS = 8
"""Most steps."""
SETTLED = 0.005
"""A step that lowers the objective by less than this share is the last."""
BLIND = 1e9
"""Variance of the logarithm of a number on which no row depends."""
DAMPING = 0.01
"""Share of the curvature's diagonal that is added at first."""
Differences = Callable[[Floats], Floats]
"""Standardised differences, shape (rows,), at a point, shape (numbers,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One number, before and after.

    Attributes
    ----------
    error
        Standard error in the number's own unit, from the curvature; infinite where no row depends on the number.
    is_known
        Do the rows tell it, to within a factor of two either way (95 %)?
    """

    parameter: Parameter
    why: str
    value: float
    error: float
    is_known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A fit with its provenance.

    Attributes
    ----------
    correlation : shape (numbers, numbers)
        Of the errors, in the order of ``moved``.
    fitted
        (trial, target) of the rows it was fitted to.
    before, after
        All rows, those that were not fitted to among them.
    """

    moved: tuple[Moved, ...]
    correlation: Floats
    fitted: tuple[tuple[str, str], ...]
    objective_before: float
    objective_after: float
    rounds: int
    before: Validation
    after: Validation


def calibrated_rows(trials: Sequence[Trial]) -> list[Trial]:
    """The trials cut down to what calibration may see: rows flagged C with an interval, and the arms they need."""
    kept = []
    for trial in trials:
        targets = tuple(one for one in trial.document.targets if one.flag == "C" and math.isfinite(trial.published[one.id].low))
        arms = {name for one in targets for name in (one.arm, one.versus, *one.mix) if name is not None}
        if targets:
            document = trial.document.model_copy(
                update={"targets": targets, "arms": {name: arm for name, arm in trial.document.arms.items() if name in arms}, "courses": (), "switching": None}
            )
            kept.append(replace(trial, document=document))
    return kept


def with_values(base: Scenario, values: Mapping[str, float]) -> Scenario:
    """The same base with numbers overridden."""
    rows = {**base.library.parameters, **base.overrides}
    changed = {name: replace(rows[name], value=value, family="fixed", low=None, high=None, standard_error=None) for name, value in values.items()}
    return replace(base, overrides={**base.overrides, **changed})


class _Objective:
    """Standardised differences of the fitted rows as a function of the logarithms of ratios."""

    def __init__(self, base: Scenario, trials: Sequence[Trial], start: Mapping[str, float], *, patients: int, seed: int, engine: str, workers: int) -> None:
        self.base, self.trials, self.start = base, trials, dict(start)
        self._patients, self._seed, self._engine, self._workers = patients, seed, engine, workers
        self.rows: list[Comparison] = []

    def values(self, x: Floats) -> dict[str, float]:
        """Numbers at a point."""
        return {name: value * math.exp(move) for (name, value), move in zip(self.start.items(), x, strict=True)}

    def __call__(self, x: Floats) -> Floats:
        base = with_values(self.base, self.values(x))
        self.rows = []
        for trial in self.trials:
            runs = run_trial(base, trial, patients=self._patients, seed=self._seed, engine=self._engine, workers=self._workers)
            analysis = Analysis(trial, runs)
            self.rows += [compare(trial, target, analysis.estimate(target)) for target in trial.document.targets]
        return np.array([standardised(row) for row in self.rows])


def standardised(row: Comparison) -> float:
    """(simulated - published) over both errors together; a row that cannot be estimated counts as ten."""
    if not math.isfinite(row.standardised) or row.standardised == 0.0:
        return 0.0 if row.standardised == 0.0 else 10.0
    difference = row.simulated.value - row.published.value
    if row.is_ratio:
        error = row.simulated.error / row.simulated.value
        published = math.log(row.published.high / row.published.low) / 3.919927969080108
        return row.standardised * published / math.hypot(published, error)
    published = abs(difference / row.standardised)
    return difference / math.hypot(published, row.simulated.error)


def calibrate(
    base: Scenario, trials: Sequence[Trial], free: Mapping[str, str], *, patients: int = 2000, seed: int | None = None, engine: str = "compiled", workers: int = 1,
    tell: Tell | None = None,
) -> Calibration:  # fmt: skip
    """Fit the free numbers to the rows flagged C.

    Parameters
    ----------
    free
        Id of a row of the evidence -> why it may be moved.
    patients
        Simulated patients of each arm, the same at every evaluation.

    Raises
    ------
    ScenarioError
        If a free id is no row of the evidence or is 0, or fewer rows are flagged C than numbers are free.
    """
    rows = {**base.library.parameters, **base.overrides}
    start = _start(rows, free)
    fitted = calibrated_rows(trials)
    count = sum(len(trial.document.targets) for trial in fitted)
    if count < len(start):
        raise ScenarioError(
            where="calibration.toml, table free", found=f"{len(start)} numbers for {count} rows flagged C with an interval", expected="at least as many rows as numbers",
            mend="free fewer numbers",
        )  # fmt: skip
    key = base.study.seed if seed is None else seed
    objective = _Objective(base, fitted, start, patients=patients, seed=key, engine=engine, workers=workers)
    x, slopes, before, after, rounds = minimise(objective, len(start), tell)
    spread, known = _spread(slopes)
    values = objective.values(x)
    moved = tuple(
        Moved(parameter=rows[name], why=free[name], value=values[name], error=abs(values[name]) * math.sqrt(spread[k, k]) if spread[k, k] < BLIND else math.inf, is_known=bool(known[k]))
        for k, name in enumerate(start)
    )
    scale = np.sqrt(np.diag(spread))
    told = {"patients": patients, "seed": key, "engine": engine, "workers": workers}
    return Calibration(
        moved=moved, correlation=spread / np.outer(scale, scale), fitted=tuple((trial.name, target.id) for trial in fitted for target in trial.document.targets),
        objective_before=before, objective_after=after, rounds=rounds, before=validate(base, trials, **told), after=validate(with_values(base, values), trials, **told),  # type: ignore[arg-type]
    )  # fmt: skip


def _start(rows: Mapping[str, Parameter], free: Mapping[str, str]) -> dict[str, float]:
    wrong = [name for name in free if name not in rows or rows[name].value == 0.0]
    if wrong:
        raise ScenarioError(
            where="calibration.toml, table free", found=", ".join(wrong), expected="ids of evidence rows with a value other than 0", mend="name rows of evidence/*.csv, not derived sums",
        )  # fmt: skip
    return {name: rows[name].value for name in free}


def minimise(objective: Differences, size: int, tell: Tell | None = None) -> tuple[Floats, Floats, float, float, int]:
    """Damped Gauss-Newton within the bounds.

    Returns
    -------
    Point, slopes of the differences there (rows, numbers), objective at the start and at the end, steps taken.
    """
    x = np.zeros(size)
    residual = objective(x)
    first = now = float(residual @ residual)
    damping, rounds = DAMPING, 0
    slopes = _slopes(objective, x, residual)
    while rounds < ROUNDS:
        curvature = slopes.T @ slopes
        diagonal = np.diag(np.maximum(np.diag(curvature), 1e-9))
        step = np.linalg.solve(curvature + damping * diagonal, -slopes.T @ residual)
        trial = np.clip(x + step, -FARTHEST, FARTHEST)
        tried = objective(trial)
        value = float(tried @ tried)
        rounds += 1
        if tell:
            tell(f"calibrating, objective {min(value, now):.2f}", rounds, ROUNDS)
        if value < now:
            fall = (now - value) / now
            x, residual, now, damping = trial, tried, value, damping / 3.0
            slopes = _slopes(objective, x, residual)
            if fall < SETTLED:
                break
        elif damping > 10.0:
            break
        else:
            damping *= 10.0
    return x, slopes, first, now, rounds


def _slopes(objective: Differences, x: Floats, residual: Floats) -> Floats:
    """Slopes of the standardised differences by forward differences, shape (rows, numbers); the step turns back at a bound."""
    columns = []
    for number in range(x.size):
        step = np.zeros(x.size)
        step[number] = STEP if x[number] + STEP <= FARTHEST else -STEP
        columns.append((objective(x + step) - residual) / step[number])
    return np.column_stack(columns)


def _spread(slopes: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Covariance of the logarithms from the curvature, and which of them the rows tell."""
    curvature = np.asarray(slopes.T @ slopes)
    spread = np.asarray(np.linalg.pinv(curvature + 1e-12 * np.eye(len(curvature))), dtype=np.float64)
    blind = np.diag(curvature) < 1e-9
    spread[blind, blind] = BLIND
    return spread, np.asarray(np.sqrt(np.diag(spread)) * 1.96 < math.log(2.0))
