"""Columns of a table as compiled code takes them: one kind of number, without gaps, so that no table has it compiled anew.

This module must not know what a column means.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.generic]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def whole(column: Column) -> Ints:
    """Whole numbers; the column itself where it is of that kind."""
    return np.require(column, np.int64, ("C", "W"))


def real(column: Column) -> Floats:
    """Doubles; the column itself where it is of that kind."""
    return np.require(column, np.float64, ("C", "W"))


def side_by_side(columns: Sequence[Column], rows: int) -> Floats:
    """Columns as rows of one table, shape (columns, rows); the table itself where they are its rows already.

    Examples
    --------
    >>> side_by_side([np.array([1.0, 2.0]), np.array([3.0, 4.0])], 2)
    array([[1., 2.],
           [3., 4.]])
    """
    table = np.empty((len(columns), rows))
    for number, column in enumerate(columns):
        table[number] = column
    return table
