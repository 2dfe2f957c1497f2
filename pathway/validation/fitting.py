"""The minimiser of a sum of squares: damped Gauss-Newton within bounds, and how it ended.

The functions are those of simulations under common random numbers: fixed, but stepwise where few patients change their fate, so slopes are finite differences over a step that many
feel, and a step counts only if it lowers the sum. This module must not know what is fitted.

References
----------
Levenberg K. Q Appl Math 1944;2:164-8. doi:10.1090/qam/10666. Marquardt DW. J Soc Ind Appl Math 1963;11:431-41. doi:10.1137/0111030
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Differences = Callable[[Floats], Floats]
"""Standardised differences, shape (rows,), at a point, shape (numbers,)."""
Tell = Callable[[str, int, int], None]
STEP = 0.1
"""Step of a finite difference, in the logarithm: large enough that some patients' fates change."""
FARTHEST = math.log(3.0)
"""No number is moved by more than a factor of three."""
ROUNDS = 12
"""Most steps."""
SETTLED = 0.005
"""A step that lowers the sum by less than this share is the last,"""
NOTHING = 0.001
"""and so is one that lowers it by less than this: no row moves by a thirtieth of its standard error."""
DAMPING = 0.01
"""Share of the curvature's diagonal that is added at first."""
MOST_DAMPING = 10.0
"""Beyond it a step is so short that the sum is at a minimum as far as finite differences tell."""
BLIND = 1e9
"""Variance of the logarithm of a number on which no row depends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minimum:
    """Where the minimiser stopped.

    Attributes
    ----------
    point : shape (numbers,)
    slopes : shape (rows, numbers)
        Of the differences at the point.
    before, after
        The sum of squares at the start and at the point.
    steps
        Steps tried.
    ended
        Why it stopped, in words.
    """

    point: Floats
    slopes: Floats
    before: float
    after: float
    steps: int
    ended: str


def minimise(objective: Differences, size: int, tell: Tell | None = None, *, start: Floats | None = None) -> Minimum:
    """Damped Gauss-Newton within the bounds.

    Parameters
    ----------
    start : shape (size,)
        Absent: zero, the evidence.
    """
    x = np.zeros(size) if start is None else start
    residual = objective(x)
    first = now = float(residual @ residual)
    damping, rounds, ended = DAMPING, 0, f"after the most steps, {ROUNDS}"
    slopes = slopes_of(objective, x, residual)
    if not size:
        ended = "nothing was left to fit"
    while size and rounds < ROUNDS:
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
            is_last = now - value < max(SETTLED * now, NOTHING)
            x, residual, now, damping = trial, tried, value, damping / 3.0
            slopes = slopes_of(objective, x, residual)
            if is_last:
                ended = f"settled: the last step lowered the sum by less than {100 * SETTLED:g} %, or {NOTHING:g}"
                break
        elif damping > MOST_DAMPING:
            ended = "settled: no step lowered the sum"
            break
        else:
            damping *= 10.0
    return Minimum(point=x, slopes=slopes, before=first, after=now, steps=rounds, ended=ended)


def slopes_of(objective: Differences, x: Floats, residual: Floats) -> Floats:
    """Slopes of the standardised differences by forward differences, shape (rows, numbers); the step turns back at a bound."""
    columns = []
    for number in range(x.size):
        step = np.zeros(x.size)
        step[number] = STEP if x[number] + STEP <= FARTHEST else -STEP
        columns.append((objective(x + step) - residual) / step[number])
    return np.column_stack(columns) if columns else np.zeros((residual.size, 0))


def spread_of(slopes: Floats, together: Floats | None = None) -> Floats:
    """Covariance of the fitted point, shape (numbers, numbers).

    Parameters
    ----------
    slopes : shape (rows, numbers)
        Of differences that have a variance of one each.
    together : shape (rows, rows)
        How the errors of the rows hang together; absent: not at all.

    Notes
    -----
    ``A S'RS A`` with ``A = (S'S)^-1``: the covariance of a least-squares estimate whose weights leave out that rows of one trial are seen in the same patients, while its error does not
    (White H. Econometrica 1982;50:1-25, doi:10.2307/1912526). With independent rows it is ``A``. A number that no row feels has the variance :data:`BLIND` and hangs together with none.
    """
    if not slopes.shape[1]:
        return np.zeros((0, 0))
    curvature = np.asarray(slopes.T @ slopes)
    blind = np.diag(curvature) < 1e-9
    bread = np.asarray(np.linalg.pinv(curvature + 1e-12 * np.eye(len(curvature))), dtype=np.float64)
    bread[blind, :] = bread[:, blind] = 0.0
    spread = bread if together is None else np.asarray(bread @ slopes.T @ together @ slopes @ bread)
    spread = 0.5 * (spread + spread.T)
    spread[blind, blind] = BLIND
    return spread
