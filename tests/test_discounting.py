"""Present values against sixty digits, at the joint of series and exponentials, and under each convention."""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
import pytest

from pathway.economics.compiled_discounting import SMALL
from pathway.economics.discounting import factor, flow, linear_flow

RATE = 0.03
YEARS = [1e-9, 1e-4, 0.01, 0.25, SMALL / np.log1p(RATE) * (1.0 - 1e-9), SMALL / np.log1p(RATE) * (1.0 + 1e-9), 1.0, 7.5, 40.0, 2_000.0]


def plainly(start: float, stop: float, first: float, last: float) -> tuple[float, float, float]:
    """Factor at the start, flow and straight line, from ln and exp of sixty digits."""
    with localcontext() as context:
        context.prec = 60
        rho = (1 + Decimal(RATE)).ln()
        a, b = Decimal(start), Decimal(stop)
        x = rho * (b - a)
        lead = (-rho * a).exp()
        falls = 1 - (-x).exp()
        total = lead * falls / rho
        rising = lead * (b - a) * (falls - x * (-x).exp()) / (x * x)
        line = Decimal(first) * (total - rising) + Decimal(last) * rising
        return float(lead), float(total), float(line)


@pytest.mark.parametrize("years", YEARS)
@pytest.mark.parametrize("start", [0.0, 3.7])
def test_present_values_are_exact(start, years):
    """A series below, exponentials above: neither loses digits, least of all where they meet."""
    stop = start + years
    a, b = np.array([start]), np.array([stop])
    at_once, steady, straight = plainly(start, stop, 0.83, 0.21)
    assert factor(a, RATE)[0] == pytest.approx(at_once, rel=1e-15)
    assert flow(a, b, RATE)[0] == pytest.approx(steady, rel=2e-15)
    assert linear_flow(a, b, np.array([0.83]), np.array([0.21]), RATE)[0] == pytest.approx(straight, rel=4e-14)


@pytest.mark.parametrize("convention", ["start_of_year", "mid_year"])
def test_a_convention_counts_whole_years(convention):
    """Two years and a half at 5 %: one factor a year, by hand."""
    shift = {"start_of_year": 0.0, "mid_year": 0.5}[convention]
    year = [1.05 ** -(k + shift) for k in range(3)]
    found = flow(np.array([0.0, 0.5]), np.array([2.5, 2.5]), 0.05, convention)
    assert found == pytest.approx([year[0] + year[1] + 0.5 * year[2], 0.5 * year[0] + year[1] + 0.5 * year[2]], rel=1e-14)
    assert factor(np.array([0.3, 1.0, 2.9]), 0.05, convention) == pytest.approx(year, rel=1e-14)
    mean = linear_flow(np.array([0.5]), np.array([2.5]), np.array([1.0]), np.array([0.0]), 0.05, convention)
    assert mean == pytest.approx(0.5 * found[1:], rel=1e-14)


def test_at_a_rate_of_zero_time_is_money():
    start, stop = np.array([0.0, 1.5]), np.array([2.0, 1.5])
    assert flow(start, stop, 0.0).tolist() == [2.0, 0.0]
    assert factor(stop, 0.0).tolist() == [1.0, 1.0]
    assert linear_flow(start, stop, np.array([1.0, 9.0]), np.array([0.5, 9.0]), 0.0).tolist() == [1.5, 0.0]
