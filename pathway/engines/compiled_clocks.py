"""Conditions on covariates, clocks, phases and curves of a life in flat arrays: small kernels that the others share.

Arguments as in :mod:`pathway.engines.compiled_body`.
"""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pathway.engines import compiled_layout as at
from pathway.jit import inner_kernel
from pathway.program import ClockKind

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

INFINITY = math.inf
ENTRY, LINE, AGE, ONSET = int(ClockKind.ENTRY), int(ClockKind.LINE), int(ClockKind.AGE), int(ClockKind.ONSET)
COURSE = int(ClockKind.COURSE)


@inner_kernel
def has_covariates(p: Ints, q: Floats, z: Floats, place: int, count: int) -> bool:
    """Do all (covariate, value) pairs hold?"""
    for row in range(count):
        if z[at.F_COVARIATE + p[place + 2 * row]] != q[p[place + 2 * row + 1]]:
            return False
    return True


@inner_kernel
def clock_start(p: Ints, s: Ints, z: Floats, kind: int, treatment: int) -> float:
    """Time at which a clock stood at zero; infinite if it does not run."""
    if kind == ENTRY:
        return 0.0
    if kind == LINE:
        return z[at.Z_LINE_START]
    if kind == AGE:
        return -z[at.Z_AGE]
    if kind == ONSET:
        return -z[at.Z_ONSET]
    is_on = s[at.S_REGIMEN] >> treatment & 1
    if kind == COURSE:
        return z[at.F_START + treatment] if is_on else INFINITY
    return INFINITY if is_on else z[at.F_STOP + treatment]


@inner_kernel
def phase_row(q: Floats, place: int, count: int, start: float, time: float) -> int:
    """Row of the phase in force at ``time``."""
    for row in range(count - 1):
        if time < start + q[place + 2 * row + 1]:
            return row
    return count - 1


@inner_kernel
def reached(q: Floats, place: int, count: int, years: float) -> float:
    """Integral of a rate by phase over the first ``years`` of its clock."""
    total = 0.0
    start = 0.0
    for row in range(count):
        rate = q[place + 2 * row]
        edge = q[place + 2 * row + 1]
        if years <= edge:
            return total + rate * (years - start) if rate != 0.0 else total
        total = total + rate * (edge - start)
        start = edge
    return total


@inner_kernel
def along(q: Floats, place: int, count: int, x: float) -> float:
    """Value of a curve of straight pieces at ``x``; held beyond its ends."""
    before = q[place]
    value = q[place + 1]
    if x <= before:
        return value
    for row in range(1, count):
        after = q[place + 2 * row]
        reaches = q[place + 2 * row + 1]
        if x < after:
            return value + (reaches - value) * ((x - before) / (after - before))
        before = after
        value = reaches
    return value
