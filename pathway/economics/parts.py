"""Sums of floats that do not depend on how many patients are told at a time.

Floats are added up inside every hundred patients, in order of rows, then hundred by hundred, in the order of the cohort. A block of patients has a whole number of hundreds,
so the order of every addition is fixed, with or without blocks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pathway.economics.compiled_life import HUNDRED

__all__ = ["HUNDRED", "added_up", "hundreds"]

Floats = NDArray[np.float64]


def hundreds(patients: int) -> int:
    """Number of hundreds, the last one perhaps not full.

    Examples
    --------
    >>> hundreds(250)
    3
    """
    return -(-patients // HUNDRED)


def added_up(parts: Floats) -> Floats:
    """Add parts up in order along the first axis; what was added up before may stand as the first of them.

    Examples
    --------
    >>> added_up(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([4., 6.])
    """
    return np.asarray(np.add.accumulate(parts, axis=0)[-1]) if len(parts) else np.zeros(parts.shape[1:])
