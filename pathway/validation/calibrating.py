"""Calibration of what is not observed: move a few numbers until the rows flagged C are met, and say how well they are then known.

**Objective.** The sum of squared standardised differences over the rows flagged C: (simulated - published) over the root of the squares of the published standard error
(interval / 3.92) and the simulation's. It is minimised (:mod:`pathway.validation.fitting`) over the logarithm of each number's ratio to its evidence, so that signs stay. Every
evaluation tells the same patients with the same luck, so the objective is a fixed function of the numbers.

**What is kept.** A number that the rows do not tell to within a factor of two either way, or that ran to its limit, goes back to its evidence, and the rest is fitted again beside it:
the table holds what the rows say and nothing else.

**Errors.** Those of a least-squares estimate whose rows hang together within a trial (:mod:`pathway.validation.certainty`); they hold nothing of the evidence's own spread, since
that comes from the same studies. The luck of the simulated patients is looked at with other seeds: one more step from the minimum under each tells how far the fit would move.

Rows that are not flagged C are never looked at while fitting; :class:`Calibration` holds them before and after, so that a fit that harms them shows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pathway.definition.scenario import Scenario
from pathway.definition.trials import Trial
from pathway.definition.values import Parameter
from pathway.distributions import Spread
from pathway.draws import LARGEST_SEED
from pathway.errors import ScenarioError
from pathway.validation.analysing import Analysis
from pathway.validation.certainty import REPLICATES, correlation_of_rows
from pathway.validation.comparing import Comparison, Verdict, compare
from pathway.validation.fitting import BLIND, FARTHEST, Floats, Minimum, minimise, spread_of
from pathway.validation.running import Tell, run_trial
from pathway.validation.validating import Validation, validate

OTHER_SEEDS = 6
"""Other seeds under which the fit is looked at."""
TOLD = math.log(2.0)
"""Half-width of a 95 % interval, in the logarithm, within which a number counts as told by the rows."""
LIMIT = 1e-9
"""How near to its limit a number has run to it."""
Z = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One number, before and after.

    Attributes
    ----------
    value
        As fitted; the evidence where the rows do not tell it.
    error
        Standard error of the fit in the number's own unit (of a lognormal relative to the value); infinite where no row depends on the number.
    monte_carlo_error
        How far another seed would move it, one standard deviation; NaN where it was not kept.
    is_known
        Do the rows tell it, to within a factor of two either way (95 %), short of its limit?
    fitted
        The value that the fit gave it before it went back to its evidence; ``value`` where it is known.
    """

    parameter: Parameter
    why: str
    value: float
    error: float
    monte_carlo_error: float
    is_known: bool
    fitted: float

    @property
    def family(self) -> str:
        """Distribution of the error: of logarithms, as it was fitted; a number below zero has no lognormal, a probability needs an end."""
        if self.parameter.unit == "probability":
            return "beta"
        return "lognormal" if self.value > 0.0 else "normal"

    @property
    def left_because(self) -> str:
        """Why it went back to its evidence; empty where it did not."""
        if self.is_known:
            return ""
        return "ran to its limit" if abs(math.log(self.fitted / self.parameter.value)) > FARTHEST - LIMIT else "hardly told by the rows"

    @property
    def interval(self) -> tuple[float, float]:
        """95 % of that distribution; infinite where nothing is known."""
        if not math.isfinite(self.error):
            return -math.inf, math.inf
        spread = Spread(family=self.family, value=self.value, standard_error=self.error)
        return spread.quantile(0.025), spread.quantile(0.975)


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherSeed:
    """The fitted numbers looked at with other patients' luck."""

    seed: int
    objective: float
    inside: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A fit with its provenance.

    Attributes
    ----------
    correlation : shape (numbers, numbers)
        Of the errors of the numbers that are known, in their order in ``moved``: of their normal scores, so of the numbers themselves where they are normal.
    fitted
        (trial, target) of the rows it was fitted to.
    ended
        Why the last fit stopped.
    others
        Other seeds at the fitted numbers.
    before, after
        All rows, those that were not fitted to among them.
    """

    moved: tuple[Moved, ...]
    correlation: Floats
    fitted: tuple[tuple[str, str], ...]
    objective_before: float
    objective_after: float
    rounds: int
    ended: str
    others: tuple[OtherSeed, ...] = field(default=())
    before: Validation
    after: Validation

    @property
    def known(self) -> tuple[Moved, ...]:
        """Numbers that the rows tell."""
        return tuple(one for one in self.moved if one.is_known)


def calibrated_rows(trials: Sequence[Trial]) -> list[Trial]:
    """The trials cut down to what calibration may see: rows flagged C with an interval that no other such row holds or contradicts, and the arms they need."""
    kept = []
    for trial in trials:
        targets = tuple(one for one in trial.document.targets if one.flag == "C" and not one.not_fitted and math.isfinite(trial.published[one.id].low))
        arms = {name for one in targets for name in (one.arm, one.versus, *one.mix) if name is not None}
        if targets:
            document = trial.document.model_copy(
                update={"targets": targets, "arms": {name: arm for name, arm in trial.document.arms.items() if name in arms}, "courses": (), "switching": None}
            )
            kept.append(replace(trial, document=document))
    return kept


def with_values(base: Scenario, values: Mapping[str, float]) -> Scenario:
    """The same base with numbers in place of rows of evidence, or of the scenario's own."""
    own = {name: _fixed(row, values[name]) for name, row in base.overrides.items() if name in values}
    rows = {name: _fixed(row, values[name]) for name, row in base.library.parameters.items() if name in values and name not in own}
    return replace(base, overrides={**base.overrides, **own}, library=replace(base.library, parameters={**base.library.parameters, **rows}))


def _fixed(row: Parameter, value: float) -> Parameter:
    return replace(row, value=value, family="fixed", low=None, high=None, standard_error=None)


class _Objective:
    """Standardised differences of the fitted rows as a function of the logarithms of ratios."""

    def __init__(self, base: Scenario, trials: Sequence[Trial], start: Mapping[str, float], *, patients: int, seed: int, engine: str, workers: int) -> None:
        self.base, self.trials, self.start = base, trials, dict(start)
        self.seed = seed
        self._patients, self._engine, self._workers = patients, engine, workers
        self.rows: list[Comparison] = []

    def values(self, x: Floats) -> dict[str, float]:
        """Numbers at a point."""
        return {name: value * math.exp(move) for (name, value), move in zip(self.start.items(), x, strict=True)}

    def __call__(self, x: Floats) -> Floats:
        base = with_values(self.base, self.values(x))
        self.rows = []
        for trial in self.trials:
            runs = run_trial(base, trial, patients=self._patients, seed=self.seed, engine=self._engine, workers=self._workers)
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
    replicates: int = REPLICATES, tell: Tell | None = None,
) -> Calibration:  # fmt: skip
    """Fit the free numbers to the rows flagged C.

    Parameters
    ----------
    free
        Id of a row of the evidence -> why it may be moved.
    patients
        Simulated patients of each arm, the same at every evaluation.
    replicates
        Times each trial is told again at its own size to see how its rows hang together.

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

    def objective_of(names: Sequence[str], other: int = key) -> _Objective:
        return _Objective(base, fitted, {name: start[name] for name in names}, patients=patients, seed=other, engine=engine, workers=workers)

    names = list(start)
    left: dict[str, tuple[float, float]] = {}
    best = minimise(objective_of(names), len(names), tell)
    before, steps = best.before, best.steps
    together = correlation_of_rows(with_values(base, objective_of(names).values(best.point)), fitted, seed=key, engine=engine, replicates=replicates, tell=tell)
    while True:
        spread = spread_of(best.slopes, together)
        told = [_is_told(float(spread[k, k]), float(best.point[k])) for k in range(len(names))]
        if all(told):
            break
        left |= {name: (float(best.point[k]), float(spread[k, k])) for k, name in enumerate(names) if not told[k]}
        names = [name for name, is_told in zip(names, told, strict=True) if is_told]
        best = minimise(objective_of(names), len(names), tell, start=best.point[np.array(told)])
        steps += best.steps
    others, luck = _other_seeds(best, [objective_of(names, (key + 1 + k) % LARGEST_SEED) for k in range(OTHER_SEEDS)])
    values = objective_of(names).values(best.point)
    moved = []
    for name, evidence in start.items():
        log, variance = left[name] if name in left else (float(best.point[names.index(name)]), float(spread[names.index(name), names.index(name)]))
        value, is_known = evidence * math.exp(log), name not in left
        moved.append(
            Moved(
                parameter=rows[name], why=free[name], value=value if is_known else evidence, error=abs(value) * math.sqrt(variance) if variance < BLIND else math.inf, is_known=is_known,
                monte_carlo_error=abs(value) * float(luck[names.index(name)]) if is_known else math.nan, fitted=value,
            )
        )  # fmt: skip
    run = {"patients": patients, "seed": key, "engine": engine, "workers": workers}
    return Calibration(
        moved=tuple(moved), correlation=_correlation(spread, [start[name] for name in names]), fitted=tuple((trial.name, target.id) for trial in fitted for target in trial.document.targets),
        objective_before=before, objective_after=best.after, rounds=steps, ended=best.ended, others=others,
        before=validate(base, trials, **run), after=validate(with_values(base, values), trials, **run),  # type: ignore[arg-type]
    )  # fmt: skip


def _is_told(variance: float, log: float) -> bool:
    """Do the rows tell a number, short of its limit?"""
    return Z * math.sqrt(variance) < TOLD and abs(log) <= FARTHEST - LIMIT


def _correlation(spread: Floats, signs: Sequence[float]) -> Floats:
    """Correlation of the numbers, from the covariance of the logarithms of their ratios: where a number is below zero, a larger ratio is a smaller number."""
    scale = np.sqrt(np.diag(spread)) * np.sign(signs)
    return np.asarray(spread / np.outer(scale, scale)) if len(signs) else np.zeros((0, 0))


def _other_seeds(best: Minimum, objectives: Sequence[_Objective]) -> tuple[tuple[OtherSeed, ...], Floats]:
    """The fit under other seeds, and the standard deviation of one more step from the minimum under each, shape (numbers,)."""
    if not best.point.size:
        return (), np.zeros(0)
    found, steps = [], []
    for objective in objectives:
        residual = objective(best.point)
        steps.append(np.linalg.lstsq(best.slopes, -residual, rcond=None)[0])
        found.append(OtherSeed(seed=objective.seed, objective=float(residual @ residual), inside=sum(row.verdict is Verdict.INSIDE for row in objective.rows)))
    return tuple(found), np.asarray(np.std(steps, axis=0, ddof=1))


def _start(rows: Mapping[str, Parameter], free: Mapping[str, str]) -> dict[str, float]:
    wrong = [name for name in free if name not in rows or rows[name].value == 0.0]
    if wrong:
        raise ScenarioError(
            where="calibration.toml, table free", found=", ".join(wrong), expected="ids of evidence rows with a value other than 0", mend="name rows of evidence/*.csv, not derived sums",
        )  # fmt: skip
    return {name: rows[name].value for name in free}
