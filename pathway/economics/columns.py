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

WHOLE, REAL = np.dtype(np.int64), np.dtype(np.float64)


def whole(column: Column) -> Ints:
    """Whole numbers; the column itself where it is of that kind."""
    return column if column.dtype == WHOLE and _is_plain(column) else np.require(column, WHOLE, ("C", "W"))  # type: ignore[return-value]


def real(column: Column) -> Floats:
    """Doubles; the column itself where it is of that kind."""
    return column if column.dtype == REAL and _is_plain(column) else np.require(column, REAL, ("C", "W"))  # type: ignore[return-value]


def _is_plain(column: Column) -> bool:
    flags = column.flags
    return flags.c_contiguous and flags.writeable


def side_by_side(columns: Sequence[Column]) -> Floats:
    """Columns as rows of one table, shape (columns, room); where they are such rows already, one beside the other, that table itself.

    What stands behind the end of a column means nothing.

    Examples
    --------
    >>> side_by_side([np.array([1.0, 2.0]), np.array([3.0, 4.0])])
    array([[1., 2.],
           [3., 4.]])
    """
    if not columns:
        return np.empty((0, 0))
    table = columns[0].base
    if isinstance(table, np.ndarray) and table.ndim == 2 and table.dtype == REAL and _is_plain(table):
        address, step = table.ctypes.data, table.strides[0]
        first, rest = divmod(columns[0].ctypes.data - address, step)
        last = first + len(columns)
        if rest == 0 and last <= len(table) and all(one.base is table and real(one) is one and one.ctypes.data == address + (first + k) * step for k, one in enumerate(columns)):
            return table[first:last]
    return np.stack([real(column) for column in columns])
