"""Present values in closed form: no cycles, no half-cycle correction.

With annual rate r and force rho = ln(1 + r), a flow of one unit a year from a to b is worth ``(exp(-rho a) - exp(-rho b)) / rho``, a straight line the
integral of its product with the discount factor, a payment at t ``(1 + r) ** -t``. The conventions of spreadsheets (start of year, middle of year)
exist solely to reproduce them and are printed with every result.

References
----------
Derived; test vectors in ``tests/test_discounting.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pathway.economics.compiled_discounting import CONTINUOUS, MID_YEAR, START_OF_YEAR, fill_flow_today, fill_line_today, fill_value_today
from pathway.errors import EconomicsError
from pathway.kernels import log1p

Floats = NDArray[np.float64]
Convention = Literal["continuous", "start_of_year", "mid_year"]
CODES: dict[str, int] = {"continuous": CONTINUOUS, "start_of_year": START_OF_YEAR, "mid_year": MID_YEAR}
"""Conventions as compiled code knows them."""


def force_of(rate: float) -> float:
    """Force of interest of an annual rate: ln(1 + rate).

    Raises
    ------
    EconomicsError
        If the rate is negative, or so large that it was surely meant in percent.
    """
    if not 0.0 <= rate <= 1.0:
        mend = f"write {rate / 100.0:g}" if rate > 1.0 else "discount rates are at least 0"
        raise EconomicsError(where="discount rate", found=f"{rate:g}", expected="a fraction per year from 0 to 1", mend=mend)
    return log1p(float(rate))


def factor(time: Floats, rate: float, convention: Convention = "continuous") -> Floats:
    """Value today of one unit at ``time``.

    Examples
    --------
    >>> (1000 * factor(np.array([2.0]), 0.035)).round(3)
    array([933.511])
    """
    (time,), out = _columns(time)
    fill_value_today(time, force_of(rate), CODES[convention], out.ravel())
    return out


def _columns(*columns: Floats) -> tuple[list[Floats], Floats]:
    """Columns of one length, flat, and room for a result in their shape."""
    wide = np.broadcast_arrays(*(np.asarray(column, dtype=np.float64) for column in columns))
    return [np.array(column).ravel() for column in wide], np.empty(wide[0].shape)


def flow(start: Floats, stop: Floats, rate: float, convention: Convention = "continuous") -> Floats:
    """Present value of one unit a year accrued from ``start`` to ``stop``.

    Parameters
    ----------
    start, stop : shape (n,)
        Years since entry, 0 <= start <= stop.
    rate
        Per year, as a fraction: 0.035, not 3.5.
    convention
        ``continuous``, or what a spreadsheet with annual cycles does.

    Returns
    -------
    shape (n,)
        Discounted years; ``stop - start`` when rate is 0.

    Examples
    --------
    >>> (2500 * flow(np.array([0.5]), np.array([3.0]), 0.035)).round(2)
    array([5886.65])
    """
    (start, stop), out = _columns(start, stop)
    fill_flow_today(start, stop, force_of(rate), CODES[convention], out.ravel())
    return out


def linear_flow(start: Floats, stop: Floats, first: Floats, last: Floats, rate: float, convention: Convention = "continuous") -> Floats:
    """Present value of a rate that runs straight from ``first`` at ``start`` to ``last`` at ``stop``.

    Shapes (n,). Where force times years is small, a series in it takes the place of a difference of exponentials. With a spreadsheet convention the mean rate is used.

    Examples
    --------
    >>> float(linear_flow(np.array([1.0]), np.array([4.0]), np.array([0.74]), np.array([0.71]), 0.03)[0].round(7))
    2.0213487
    """
    (start, stop, first, last), out = _columns(start, stop, first, last)
    fill_line_today(start, stop, first, last, force_of(rate), CODES[convention], out.ravel())
    return out


def doses(first: Floats, spacing: float, count: Floats, rate: float) -> Floats:
    """Present value of ``count`` unit payments, the first at ``first``, then every ``spacing`` years.

    Examples
    --------
    >>> (1000 * doses(np.array([0.0]), 28 / 365.25, np.array([13.0]), 0.03)).round(1)
    array([12824.9])
    """
    rho = force_of(rate)
    first, count = np.asarray(first, dtype=float), np.asarray(count, dtype=float)
    if rho == 0.0:
        return count * np.ones_like(first)
    return np.asarray(np.exp(-rho * first) * np.expm1(-rho * spacing * count) / np.expm1(-rho * spacing), dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Discounting:
    """Rates for costs and for outcomes, and the convention."""

    costs: float
    outcomes: float
    convention: Convention = "continuous"

    def __post_init__(self) -> None:
        force_of(self.costs)
        force_of(self.outcomes)
        if self.convention not in CODES:
            raise EconomicsError(where="discount convention", found=self.convention, expected="continuous, start_of_year or mid_year")

    def describe(self) -> str:
        """Words for the report."""
        how = {
            "continuous": "continuous at ln(1 + r), in closed form between events",
            "start_of_year": "whole years at their start (spreadsheet convention)",
            "mid_year": "whole years at their middle (spreadsheet convention)",
        }[self.convention]
        return f"costs {self.costs:.1%}, outcomes {self.outcomes:.1%} a year; {how}"
