"""Indices in the record of a life in flat arrays: part of the compiled twin of :mod:`pathway.engines.record`.

Arguments as in :mod:`pathway.engines.compiled_record`.
"""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pathway.engines import compiled_layout as at
from pathway.jit import inner_kernel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

NAN = math.nan


@inner_kernel
def note_index(p: Ints, s: Ints, z: Floats, number: int, time: float, value: float) -> None:
    """Write down an index that was computed from what a visit measured."""
    count = s[at.I_INDEX_COUNT + number]
    place = number * at.RING + (count & at.RING_MASK)
    z[at.F_INDEX_TIME + place] = time
    z[at.F_INDEX_VALUE + place] = value
    s[at.I_INDEX_COUNT + number] = count + 1
    base = at.F_INDEX_BASELINE + number
    if z[base] != z[base]:
        z[base] = value


@inner_kernel
def index_latest(p: Ints, s: Ints, z: Floats, of: int, since: float) -> float:
    """Last value of an index, if not older than ``since``."""
    count = s[at.I_INDEX_COUNT + of]
    if count == 0:
        return NAN
    place = of * at.RING + (count - 1 & at.RING_MASK)
    return z[at.F_INDEX_VALUE + place] if z[at.F_INDEX_TIME + place] >= since else NAN


@inner_kernel
def index_highest(p: Ints, s: Ints, z: Floats, of: int, since: float, window: float) -> float:
    """Highest value of an index in the window; needs two in it, the first in its earlier half."""
    count = s[at.I_INDEX_COUNT + of]
    times = at.F_INDEX_TIME + of * at.RING
    values = at.F_INDEX_VALUE + of * at.RING
    best = NAN
    first = NAN
    seen = 0
    for back in range(min(count, at.KEPT)):
        place = count - 1 - back & at.RING_MASK
        if z[times + place] < since:
            break
        first = z[times + place]
        seen += 1
        value = z[values + place]
        best = value if seen == 1 or value > best else best
    return best if seen > 1 and first <= since + 0.5 * window else NAN


@inner_kernel
def index_lowest_on_line(p: Ints, s: Ints, z: Floats, of: int, since: float) -> float:
    """Lowest value of an index since the line began (its baseline apart) and inside the window."""
    count = s[at.I_INDEX_COUNT + of]
    times = at.F_INDEX_TIME + of * at.RING
    values = at.F_INDEX_VALUE + of * at.RING
    best = NAN
    for back in range(min(count, at.KEPT)):
        place = count - 1 - back & at.RING_MASK
        if z[times + place] < since or z[times + place] <= z[at.Z_LINE_START]:
            break
        if not z[values + place] >= best:
            best = z[values + place]
    return best
