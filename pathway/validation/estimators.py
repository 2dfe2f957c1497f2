"""How trials estimate: means, mixed models, shares, survival - plain NumPy on tables of patients by visits.

Every estimator returns a value, its standard error as a trial of this size would print it, and how many patients stood behind it. Mixed models are fitted by
maximum likelihood. Patients with the same visits missing share their covariance, so the work grows with the patterns of missing visits, not with the patients.
This module must not know trials, arms or diseases.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
ROUNDS = 500
"""Most rounds of expectation and maximisation."""
SETTLED = 1e-7
"""Largest change of a mean or covariance, in units of its scale, at which a fit is done."""

LOGS = 5.0
"""How far, in logs, standard deviations may lie from those seen at first: a factor of 150, so that no covariance is singular."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number with its standard error, from ``size`` patients; NaN where nothing could be estimated."""

    value: float
    error: float
    size: int


NOTHING = Estimate(value=math.nan, error=math.nan, size=0)


def mean(x: Floats) -> Estimate:
    """Mean of what was seen.

    Examples
    --------
    >>> mean(np.array([1.0, 3.0, np.nan]))
    Estimate(value=2.0, error=1.0, size=2)
    """
    seen = x[~np.isnan(x)]
    if seen.size < 2:
        return NOTHING
    return Estimate(value=float(seen.mean()), error=float(seen.std(ddof=1) / math.sqrt(seen.size)), size=seen.size)


def deviation(x: Floats) -> Estimate:
    """Standard deviation of what was seen, and its standard error from the fourth moment (heavy tails widen it)."""
    seen = x[~np.isnan(x)]
    if seen.size < 4:
        return NOTHING
    centred = seen - seen.mean()
    variance = float((centred**2).sum() / (seen.size - 1))
    if variance <= 0.0:
        return Estimate(value=0.0, error=0.0, size=seen.size)
    fourth = float((centred**4).mean())
    return Estimate(value=math.sqrt(variance), error=math.sqrt(max(fourth - variance**2, 0.0) / seen.size / (4.0 * variance)), size=seen.size)


def share(hit: Bools, counted: Bools) -> Estimate:
    """Share of those counted.

    Examples
    --------
    >>> share(np.array([True, False, True, False]), np.array([True, True, True, True])).value
    0.5
    """
    size = int(counted.sum())
    if size == 0:
        return NOTHING
    value = float((hit & counted).sum() / size)
    return Estimate(value=value, error=math.sqrt(value * (1.0 - value) / size), size=size)


def correlation(x: Floats, y: Floats) -> Estimate:
    """Pearson correlation of pairs that were both seen; standard error ``(1 - r^2) / sqrt(n - 1)``."""
    both = ~np.isnan(x) & ~np.isnan(y)
    size = int(both.sum())
    if size < 4 or x[both].std() == 0.0 or y[both].std() == 0.0:
        return NOTHING
    value = float(np.corrcoef(x[both], y[both])[0, 1])
    return Estimate(value=value, error=(1.0 - value**2) / math.sqrt(size - 1), size=size)


def rate(events: int, years: float, size: int) -> Estimate:
    """Events per year with the standard error of a Poisson count."""
    return Estimate(value=events / years, error=math.sqrt(events) / years, size=size) if years > 0.0 else NOTHING


def still_on(length: Floats, stopped: Bools, years: float) -> Estimate:
    """Kaplan-Meier share that has not stopped by ``years``, with Greenwood's standard error.

    Parameters
    ----------
    length : shape (n,)
        Years on treatment: until the stop that counts, or until censored.
    stopped : shape (n,)
        Did it end by a stop that counts?

    Examples
    --------
    >>> round(still_on(np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, False, True, False]), 3.5).value, 3)
    0.375
    """
    size = length.size
    if size == 0:
        return NOTHING
    value, spread = 1.0, 0.0
    for time in np.unique(length[stopped & (length <= years)]):
        at_risk = int((length >= time).sum())
        gone = int((stopped & (length == time)).sum())
        value *= 1.0 - gone / at_risk
        spread += gone / (at_risk * (at_risk - gone)) if at_risk > gone else math.inf
    return Estimate(value=value, error=value * math.sqrt(spread) if value > 0.0 else 0.0, size=size)


def median_on(length: Floats, stopped: Bools, years: float) -> Estimate:
    """Kaplan-Meier median time on treatment; nothing where fewer than half have stopped by ``years``.

    The standard error is Greenwood's at the median over the slope of the curve there, taken between the times when 60 % and 40 % are still on.

    Parameters
    ----------
    length, stopped
        As in :func:`still_on`.

    Examples
    --------
    >>> median_on(np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, True, True, True]), 5.0).value
    2.0
    """
    times = np.unique(length[stopped & (length <= years)])
    gone = np.array([int((stopped & (length == time)).sum()) for time in times], dtype=np.float64)
    at_risk = np.array([int((length >= time).sum()) for time in times], dtype=np.float64)
    share_on = np.cumprod(1.0 - gone / at_risk) if times.size else np.ones(0)
    if not (share_on <= 0.5).any():
        return NOTHING
    early, middle, late = (float(times[min(int((share_on > part).sum()), times.size - 1)]) for part in (0.6, 0.5, 0.4))
    error = still_on(length, stopped, middle).error * (late - early) / 0.2
    return Estimate(value=middle, error=error, size=length.size)


# --- contrasts ------------------------------------------------------------------------------------------------------


def difference(one: Estimate, other: Estimate) -> Estimate:
    """``one - other`` of independent groups; the size is that of the smaller."""
    return Estimate(value=one.value - other.value, error=math.hypot(one.error, other.error), size=min(one.size, other.size))


def ratio(one: Estimate, other: Estimate) -> Estimate:
    """``one / other``; the standard error is that of its logarithm times the ratio."""
    if not (one.value > 0.0 and other.value > 0.0):
        return NOTHING
    value = one.value / other.value
    return Estimate(value=value, error=value * math.hypot(one.error / one.value, other.error / other.value), size=min(one.size, other.size))


def odds_ratio(one: Estimate, other: Estimate) -> Estimate:
    """Odds of ``one`` over odds of ``other``, both shares; the standard error is that of its logarithm times the ratio.

    Examples
    --------
    >>> a, b = share(np.array([True] * 20 + [False] * 80), np.ones(100, bool)), share(np.array([True] * 50 + [False] * 50), np.ones(100, bool))
    >>> round(odds_ratio(a, b).value, 3), round(odds_ratio(a, b).error / odds_ratio(a, b).value, 3)
    (0.25, 0.32)
    """
    odds = []
    for group in (one, other):
        if not 0.0 < group.value < 1.0:
            return NOTHING
        p = group.value
        odds.append(Estimate(value=p / (1.0 - p), error=group.error / (1.0 - p) ** 2, size=group.size))
    return ratio(odds[0], odds[1])


def hazard_ratio(one: Estimate, other: Estimate) -> Estimate:
    """Hazard of stopping in ``one`` over that in ``other``, both shares still on treatment at one time, under proportional hazards.

    Examples
    --------
    >>> a, b = Estimate(value=0.25, error=0.0, size=100), Estimate(value=0.5, error=0.0, size=100)
    >>> hazard_ratio(a, b).value
    2.0
    """
    if not (0.0 < one.value < 1.0 and 0.0 < other.value < 1.0):
        return NOTHING
    hazards = [Estimate(value=-math.log(group.value), error=group.error / group.value, size=group.size) for group in (one, other)]
    return ratio(hazards[0], hazards[1])


def mixture(parts: list[tuple[float, Estimate]]) -> Estimate:
    """Sum of independent estimates, each times its share of a population; the size is that of the smallest."""
    value = sum(share_of * one.value for share_of, one in parts)
    return Estimate(value=value, error=math.sqrt(sum((share_of * one.error) ** 2 for share_of, one in parts)), size=min(one.size for _, one in parts))


def adjusted_difference(change: Floats, entry: Floats, treated: Bools) -> Estimate:
    """Difference of mean change between two groups at the same value at entry (analysis of covariance, one common slope).

    Parameters
    ----------
    change, entry : shape (n,)
        Change and value at entry; rows with a missing one are left out.
    treated : shape (n,)
        Which patients are of the first group.
    """
    seen = ~np.isnan(change) & ~np.isnan(entry)
    y, group = change[seen], treated[seen].astype(float)
    size = int(min(group.sum(), (1.0 - group).sum()))
    if size < 2:
        return NOTHING
    design = np.column_stack([np.ones(y.size), group, entry[seen] - entry[seen].mean()])
    moments = np.linalg.pinv(design.T @ design)
    coefficients = moments @ design.T @ y
    residual = y - design @ coefficients
    variance = float(residual @ residual) / max(y.size - 3, 1)
    return Estimate(value=float(coefficients[1]), error=math.sqrt(variance * moments[1, 1]), size=size)


# --- mixed models ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Patterns:
    """Patients grouped by which visits were seen.

    Attributes
    ----------
    seen : shape (patterns, visits)
    count : shape (patterns,)
    mean : shape (patterns, visits)
        0 where not seen.
    scatter : shape (patterns, visits, visits)
        Sum of squares and products about the pattern's mean; 0 where not seen.
    """

    seen: Bools
    count: Floats
    mean: Floats
    scatter: Floats

    @classmethod
    def of(cls, y: Floats) -> Patterns:
        """Group the rows of a table (patients, visits); rows without any value are left out."""
        kept = y[~np.isnan(y).all(axis=1)]
        seen, which = np.unique(~np.isnan(kept), axis=0, return_inverse=True)
        which = which.ravel()
        means, scatters = np.zeros(seen.shape), np.zeros((*seen.shape, seen.shape[1]))
        filled = np.nan_to_num(kept)
        for number in range(len(seen)):
            rows = filled[which == number]
            means[number] = rows.mean(axis=0)
            centred = (rows - means[number]) * seen[number]
            scatters[number] = centred.T @ centred
        return cls(seen=seen, count=np.bincount(which, minlength=len(seen)).astype(float), mean=means, scatter=scatters)


def _inverses(covariance: Floats, seen: Bools) -> tuple[Floats, Floats]:
    """Inverse of the covariance of what each pattern saw, 0 elsewhere, and its log determinant."""
    both = seen[:, :, None] & seen[:, None, :]
    parts = np.where(both, covariance[None], 0.0)
    diagonal = np.arange(seen.shape[1])
    parts[:, diagonal, diagonal] = np.where(seen, parts[:, diagonal, diagonal], 1.0)
    _, logs = np.linalg.slogdet(parts)
    return np.where(both, np.linalg.inv(parts), 0.0), logs


def random_slope(y: Floats, times: Floats) -> Estimate:
    """Mean yearly slope by a mixed model: fixed intercept and slope, correlated random intercept and slope of each patient, independent error.

    Parameters
    ----------
    y : shape (patients, visits)
        NaN where not seen.
    times : shape (visits,)
        Years.

    Returns
    -------
    Slope per year by maximum likelihood, and its standard error at the fitted variances.

    Notes
    -----
    Laird NM, Ware JH. Biometrics 1982;38:963-74, doi:10.2307/2529876. The likelihood is maximised over the Cholesky factor of the random effects'
    covariance and the log of the error; the fixed effects are profiled out.
    """
    y = y[~np.isnan(y).all(axis=1)]
    patterns = Patterns.of(y)
    size = int(patterns.count.sum())
    if size < 3 or times.size < 2:
        return NOTHING
    design = np.column_stack([np.ones(times.size), times])
    residual = float(np.nanstd(y - np.nanmean(y, axis=1, keepdims=True))) or 1.0
    between = float(np.nanstd(np.nanmean(y, axis=1))) or 1.0

    def covariance(theta: Floats) -> Floats:
        factor = np.array([[math.exp(theta[0]), 0.0], [theta[1], math.exp(theta[2])]])
        return np.asarray(design @ factor @ factor.T @ design.T + math.exp(2.0 * theta[3]) * np.eye(times.size))

    def fit(theta: Floats) -> tuple[float, Floats, Floats]:
        inverse, logs = _inverses(covariance(theta), patterns.seen)
        information = np.einsum("p,va,pvw,wb->ab", patterns.count, design, inverse, design)
        beta = np.linalg.solve(information, np.einsum("p,va,pvw,pw->a", patterns.count, design, inverse, patterns.mean))
        off = (patterns.mean - design @ beta) * patterns.seen
        loss = (patterns.count * logs).sum() + np.einsum("pvw,pvw->", inverse, patterns.scatter) + np.einsum("p,pv,pvw,pw->", patterns.count, off, inverse, off)
        return float(loss) / size, beta, information

    if residual < 1e-9:  # no scatter about patients' own means: every patient is a point
        return NOTHING
    start = np.array([math.log(between), 0.0, math.log(residual), math.log(residual)])
    widest = max(between, residual)
    bounds = [(start[0] - LOGS, start[0] + LOGS), (-LOGS * widest, LOGS * widest), (start[2] - LOGS, start[2] + LOGS), (start[3] - LOGS, start[3] + LOGS)]
    best = minimize(lambda theta: fit(theta)[0], start, method="L-BFGS-B", bounds=bounds)
    _, beta, information = fit(best.x)
    return Estimate(value=float(beta[1]), error=math.sqrt(float(np.linalg.inv(information)[1, 1])), size=size)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatedMeasures:
    """Fitted means of a mixed model for repeated measures.

    Attributes
    ----------
    change, error : shape (groups, visits)
        Mean change from entry and its standard error.
    sizes
        Patients of each group.
    """

    change: Floats
    error: Floats
    sizes: tuple[int, ...]

    def at(self, group: int, visit: int) -> Estimate:
        """Mean change of one group at one visit."""
        return Estimate(value=float(self.change[group, visit]), error=float(self.error[group, visit]), size=self.sizes[group])


def repeated_measures(groups: list[Floats]) -> RepeatedMeasures:
    """Means over visits with an unstructured covariance shared by all groups, and one mean at entry for all.

    Parameters
    ----------
    groups
        Tables (patients, visits), first column the visit at entry; NaN where not seen.

    Notes
    -----
    The constrained longitudinal analysis of Liang and Zeger (Sankhya B 2000;62:134-48): the value at entry is part of the response, its mean the same in every
    group, which adjusts for it and keeps patients who lack a visit. Maximum likelihood by expectation and maximisation.
    """
    patterns = [Patterns.of(table) for table in groups]
    visits = groups[0].shape[1]
    seen = np.concatenate([one.seen for one in patterns])
    count = np.concatenate([one.count for one in patterns])
    middle = np.concatenate([one.mean for one in patterns])
    scatter = np.concatenate([one.scatter for one in patterns])
    of = np.concatenate([np.full(len(one.count), number) for number, one in enumerate(patterns)])
    designs = np.stack([_group_design(number, len(groups), visits) for number in range(len(groups))])
    spread = np.nanvar(np.concatenate(groups), axis=0)
    covariance = np.diag(np.where(spread > 0.0, spread, 1.0))
    means = np.zeros(designs.shape[2])
    scale = math.sqrt(float(spread.max())) or 1.0
    for _ in range(ROUNDS):
        inverse, _logs = _inverses(covariance, seen)
        information = np.einsum("p,pva,pvw,pwb->ab", count, designs[of], inverse, designs[of])
        fitted = np.linalg.pinv(information) @ np.einsum("p,pva,pvw,pw->a", count, designs[of], inverse, middle)
        off = (middle - designs[of] @ fitted) * seen
        about = scatter + count[:, None, None] * off[:, :, None] * off[:, None, :]
        weight = np.einsum("vw,pwx->pvx", covariance, inverse)
        expected = np.einsum("pvw,pwx,pyx->vy", weight, about, weight)
        rest = count.sum() * covariance - np.einsum("p,pvw,wx->vx", count, weight, covariance)
        updated = (expected + rest) / count.sum()
        moved = max(float(np.abs(fitted - means).max()) / scale, float(np.abs(updated - covariance).max()) / scale**2)
        means, covariance = fitted, 0.5 * (updated + updated.T)
        if moved < SETTLED:
            break
    spread_of_means = np.linalg.pinv(information)
    change, error = np.zeros((len(groups), visits)), np.zeros((len(groups), visits))
    for number in range(len(groups)):
        contrast = designs[number] - designs[number][0]
        change[number] = contrast @ means
        error[number] = np.sqrt(np.maximum(np.einsum("va,ab,vb->v", contrast, spread_of_means, contrast), 0.0))
    return RepeatedMeasures(change=change, error=error, sizes=tuple(int(one.count.sum()) for one in patterns))


def _group_design(number: int, groups: int, visits: int) -> Floats:
    """Which means a group's visits have: the first is shared, the others are its own; shape (visits, 1 + groups x (visits - 1))."""
    design = np.zeros((visits, 1 + groups * (visits - 1)))
    design[0, 0] = 1.0
    for visit in range(1, visits):
        design[visit, 1 + number * (visits - 1) + visit - 1] = 1.0
    return design
