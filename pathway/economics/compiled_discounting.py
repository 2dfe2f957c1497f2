"""Present values in closed form, one number at a time: the arithmetic behind :mod:`pathway.economics.discounting`, compiled.

``rho`` is the force of interest, ln(1 + r). Exponentials are those of :mod:`pathway.kernels`, so that money and QALYs are the same bits on every processor.
"""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pathway.jit import inline_kernel, inner_kernel, kernel
from pathway.kernels import exp, expm1

Floats = NDArray[np.float64]

CONTINUOUS, START_OF_YEAR, MID_YEAR = 0, 1, 2
SMALL = 1e-2
"""Below this force times years, a series takes the place of a difference of exponentials; what it leaves out is below the last bit."""


@inline_kernel
def value_today(time: float, rho: float, convention: int) -> float:
    """Value today of one unit at ``time``."""
    if rho == 0.0:
        return 1.0
    if convention != CONTINUOUS:
        time = math.floor(time)
        if convention == MID_YEAR:
            time = time + 0.5
    return exp(-rho * time)


@inline_kernel
def mean_value(x: float) -> float:
    """Mean of ``exp(-x s)`` for s from 0 to 1: ``(1 - exp(-x)) / x``."""
    if x < SMALL:
        return 1.0 - x * (1.0 / 2.0 - x * (1.0 / 6.0 - x * (1.0 / 24.0 - x * (1.0 / 120.0 - x * (1.0 / 720.0 - x * (1.0 / 5040.0))))))
    return -expm1(-x) / x


@inline_kernel
def rising_value(x: float, mean: float) -> float:
    """Mean of ``s exp(-x s)`` for s from 0 to 1, given :func:`mean_value`: ``(1 - exp(-x) (1 + x)) / x^2``, with what cancels taken out."""
    if x < SMALL:
        return 0.5 - x * (1.0 / 3.0 - x * (1.0 / 8.0 - x * (1.0 / 30.0 - x * (1.0 / 144.0 - x * (1.0 / 840.0 - x * (1.0 / 5760.0))))))
    return mean - (1.0 - mean) / x


@inner_kernel
def stepped_years(time: float, rho: float, convention: int) -> float:
    """Discounted years up to ``time`` when a whole year carries one factor."""
    years = math.floor(time)
    shift = 0.5 if convention == MID_YEAR else 0.0
    whole = expm1(-rho * years) / expm1(-rho) * exp(-rho * shift)
    return whole + (time - years) * exp(-rho * (years + shift))


@inner_kernel
def flow_today(start: float, stop: float, rho: float, convention: int) -> float:
    """Present value of one unit a year from ``start`` to ``stop``."""
    if rho == 0.0:
        return stop - start
    if convention != CONTINUOUS:
        return stepped_years(stop, rho, convention) - stepped_years(start, rho, convention)
    return exp(-rho * start) * (stop - start) * mean_value(rho * (stop - start))


@inline_kernel
def ends_today(start: float, stop: float, rho: float, convention: int) -> tuple[float, float]:
    """Present values of what falls from one unit a year at ``start`` to none at ``stop``, and of what rises from none to one; with a spreadsheet convention half of a flow."""
    if rho == 0.0 or convention != CONTINUOUS:
        half = 0.5 * flow_today(start, stop, rho, convention)
        return half, half
    x = rho * (stop - start)
    mean = mean_value(x)
    rising = rising_value(x, mean)
    years_today = exp(-rho * start) * (stop - start)
    return years_today * (mean - rising), years_today * rising


@inner_kernel
def line_today(start: float, stop: float, first: float, last: float, rho: float, convention: int) -> float:
    """Present value of a rate that runs straight from ``first`` to ``last``."""
    falling, rising = ends_today(start, stop, rho, convention)
    return first * falling + last * rising


# --- arrays, each of shape (n,) -----------------------------------------------------------------------------------


@kernel
def fill_value_today(time: Floats, rho: float, convention: int, out: Floats) -> None:
    """Fill ``out`` with values today."""
    for i in range(out.shape[0]):
        out[i] = value_today(time[i], rho, convention)


@kernel
def fill_flow_today(start: Floats, stop: Floats, rho: float, convention: int, out: Floats) -> None:
    """Fill ``out`` with present values of one unit a year."""
    for i in range(out.shape[0]):
        out[i] = flow_today(start[i], stop[i], rho, convention)


@kernel
def fill_line_today(start: Floats, stop: Floats, first: Floats, last: Floats, rho: float, convention: int, out: Floats) -> None:
    """Fill ``out`` with present values of rates that run straight."""
    for i in range(out.shape[0]):
        out[i] = line_today(start[i], stop[i], first[i], last[i], rho, convention)
