"""Draws of a stream by eights, for what a life draws one after the other: innovations of markers and errors of measurement.

A draw is a pure function of its key, so neighbours may be made before they are asked for, side by side in vector instructions, for a third of the time. They are the
bits that :func:`pathway.kernels.normal` and :func:`pathway.kernels.student4` give one by one.
"""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pathway import kernels
from pathway.engines import compiled_layout as at
from pathway.jit import inner_kernel, vector_kernel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@vector_kernel
def fill_normal(z: Floats, place: int, u: int, count: int, seed: int, sample: int, patient: int, stream: int, first: int) -> None:
    """Write ``count`` standard normals, from index ``first`` on, to ``z`` at ``place``; ``u`` is room for as many uniforms."""
    for k in range(count):
        a, b, _, _ = kernels.philox(first + k, stream, patient, sample, seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF)
        z[u + k] = kernels.unit_interval(a, b)
    for k in range(count):
        z[place + k] = kernels.central_quantile(z[u + k] - 0.5)
    for k in range(count):
        if abs(z[u + k] - 0.5) > kernels.CENTRAL:
            z[place + k] = kernels.normal_quantile(z[u + k])


@vector_kernel
def fill_student4(z: Floats, place: int, u: int, half: int, count: int, seed: int, sample: int, patient: int, stream: int, first: int) -> None:
    """Write ``count`` heavy-tailed draws, from index ``first`` on, to ``z`` at ``place``; ``u`` and ``half`` are room for as many floats each."""
    for k in range(count):
        a, b, c, d = kernels.philox(2 * (first + k), stream, patient, sample, seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF)
        e, f, _, _ = kernels.philox(2 * (first + k) + 1, stream, patient, sample, seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF)
        z[u + k] = kernels.unit_interval(a, b)
        z[half + k] = -(kernels.log_of_normal(kernels.unit_interval(c, d), 0) + kernels.log_of_normal(kernels.unit_interval(e, f), 0))
    for k in range(count):
        z[place + k] = kernels.central_quantile(z[u + k] - 0.5)
    for k in range(count):
        if abs(z[u + k] - 0.5) > kernels.CENTRAL:
            z[place + k] = kernels.normal_quantile(z[u + k])
    for k in range(count):
        x = z[place + k] / math.sqrt(z[half + k])
        z[place + k] = kernels.FOLDED_SCALE * (kernels.FOLD * kernels.FOLD / x if x > kernels.FOLD or x < -kernels.FOLD else x)


@inner_kernel
def forget_draws(p: Ints, s: Ints) -> None:
    """Another patient: nothing is drawn yet."""
    for slot in range(p[at.H_MARKERS] * (1 + p[at.H_SCHEDULES])):
        s[at.I_LUCK_BLOCK + slot] = -1


@inner_kernel
def drawn(s: Ints, z: Floats, slot: int, is_heavy: int, stream: int, index: int) -> float:
    """Draw of a stream that alone uses a slot."""
    block = index >> at.LUCK_SHIFT
    place = at.F_LUCK + at.LUCK * slot
    if s[at.I_LUCK_BLOCK + slot] != block:
        s[at.I_LUCK_BLOCK + slot] = block
        first = block << at.LUCK_SHIFT
        if is_heavy:
            fill_student4(z, place, at.F_LUCK_ROOM, at.F_LUCK_ROOM + at.LUCK, at.LUCK, s[at.S_SEED], s[at.S_SAMPLE], s[at.S_PATIENT], stream, first)
        else:
            fill_normal(z, place, at.F_LUCK_ROOM, at.LUCK, s[at.S_SEED], s[at.S_SAMPLE], s[at.S_PATIENT], stream, first)
    return z[place + (index & at.LUCK - 1)]
