"""Spreads of parameters: conventions, quantiles against SciPy, and refusals of what cannot be."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import integrate, stats

from pathway.distributions import FAMILIES, Z95, Spread, from_counts
from pathway.errors import EvidenceError

INFINITY = math.inf

EACH = [
    Spread(family="normal", value=-6.3, standard_error=1.1),
    Spread(family="lognormal", value=0.8, low=0.5, high=1.28),
    Spread(family="beta", value=0.16, standard_error=0.02),
    Spread(family="gamma", value=1200.0, standard_error=300.0),
    Spread(family="uniform", value=5.0, low=3.0, high=8.0),
    Spread(family="triangular", value=0.7, low=0.65, high=0.8),
]
"""One of each family that spreads."""


@pytest.fixture(params=EACH, ids=lambda spread: spread.family)
def spread(request: pytest.FixtureRequest) -> Spread:
    """One of each family."""
    return request.param


# --- what the point is --------------------------------------------------------------------------------------------


def test_every_family_is_tried_here():
    assert {one.family for one in EACH} | {"fixed"} == set(FAMILIES)


@pytest.mark.parametrize("family", ["normal", "beta", "gamma"])
def test_the_point_is_the_mean(family):
    spread = Spread(family=family, value=0.3, standard_error=0.05)
    assert spread.mean == pytest.approx(0.3)


def test_the_point_of_a_lognormal_is_its_median():
    spread = Spread(family="lognormal", value=0.8, low=0.5, high=1.28)
    assert spread.quantile(0.5) == pytest.approx(0.8)
    sigma = (math.log(1.28) - math.log(0.5)) / (2.0 * Z95)
    assert spread.mean == pytest.approx(0.8 * math.exp(sigma**2 / 2.0))
    assert spread.mean > spread.value


def test_a_lognormal_gives_back_a_symmetric_log_interval():
    spread = Spread(family="lognormal", value=0.8, low=0.5, high=1.28)  # 0.8 / 0.5 = 1.28 / 0.8
    assert spread.quantile(0.025) == pytest.approx(0.5)
    assert spread.quantile(0.975) == pytest.approx(1.28)


def test_the_standard_error_of_a_lognormal_is_relative():
    spread = Spread(family="lognormal", value=4.0, standard_error=0.8)
    assert spread.quantile(stats.norm.cdf(1.0)) == pytest.approx(4.0 * math.exp(0.2))


def test_the_interval_of_a_normal_is_95_percent():
    spread = Spread(family="normal", value=41.0, low=2.9, high=79.1)
    assert spread.quantile(0.025) == pytest.approx(2.9)
    assert spread.quantile(0.975) == pytest.approx(79.1)


def test_the_standard_error_has_precedence_over_the_interval():
    spread = Spread(family="normal", value=0.0, low=-100.0, high=100.0, standard_error=1.0)
    assert spread.quantile(0.975) == pytest.approx(Z95)


@pytest.mark.parametrize("error", [None, 0.0, 0.5])
@pytest.mark.parametrize("family", ["uniform", "triangular"])
def test_ends_are_ends_whatever_the_standard_error(family, error):
    spread = Spread(family=family, value=1.0, low=0.0, high=2.0, standard_error=error)
    assert spread.is_uncertain
    assert spread.quantile(1e-12) == pytest.approx(0.0, abs=1e-5)
    assert spread.quantile(1.0 - 1e-12) == pytest.approx(2.0, abs=1e-5)


@pytest.mark.parametrize(
    ("low", "value", "high", "u", "expected"), [(0, 1, 2, 0.5, 1.0), (0, 0, 1, 0.75, 0.5), (0, 1, 1, 0.25, 0.5)]
)
def test_triangular_by_hand(low, value, high, u, expected):
    assert Spread(family="triangular", value=value, low=low, high=high).quantile(u) == pytest.approx(expected)


@pytest.mark.parametrize(("mean", "error"), [(0.16, 0.02), (0.5, 0.28), (0.01, 0.005), (0.97, 0.01)])
def test_beta_has_its_mean_and_standard_error(mean, error):
    spread = Spread(family="beta", value=mean, standard_error=error)
    total = mean * (1.0 - mean) / error**2 - 1.0
    for u in (0.025, 0.5, 0.975):
        assert spread.quantile(u) == pytest.approx(stats.beta.ppf(u, mean * total, (1.0 - mean) * total))


@pytest.mark.parametrize(("mean", "error"), [(1200.0, 300.0), (0.03, 0.02), (7.0, 7.0)])
def test_gamma_has_its_mean_and_standard_error(mean, error):
    spread = Spread(family="gamma", value=mean, standard_error=error)
    for u in (0.025, 0.5, 0.975):
        assert spread.quantile(u) == pytest.approx(stats.gamma.ppf(u, (mean / error) ** 2, scale=error**2 / mean))


def test_counts_follow_jeffreys():
    spread = from_counts(46, 288)
    for u in (0.025, 0.5, 0.975):
        assert spread.quantile(u) == pytest.approx(stats.beta.ppf(u, 46.5, 242.5), rel=1e-9)


@pytest.mark.parametrize(("events", "people"), [(0, 20), (20, 20), (1, 1), (0, 1)])
def test_counts_at_their_ends_stay_inside(events, people):
    spread = from_counts(events, people)
    assert 0.0 < spread.quantile(0.001) < spread.value < spread.quantile(0.999) < 1.0


# --- any spread ---------------------------------------------------------------------------------------------------


def test_a_mean_is_the_mean_of_the_quantiles(spread):
    whole, _ = integrate.quad(spread.quantile, 1e-9, 1.0 - 1e-9, limit=200)
    assert whole == pytest.approx(spread.mean, rel=1e-4)


def test_quantiles_rise(spread):
    values = [spread.quantile(u) for u in np.linspace(0.001, 0.999, 60)]
    assert values == sorted(values)
    assert values[0] < values[-1]


def test_what_lies_outside_a_central_interval(spread):
    low, high = spread.quantile(0.05), spread.quantile(0.9)
    assert spread.share_outside(low, high) == pytest.approx(0.15)
    assert spread.share_outside(-INFINITY, INFINITY) == 0.0


def test_a_normal_probability_says_what_is_impossible():
    spread = Spread(family="normal", value=0.05, standard_error=0.05)
    assert spread.share_outside(0.0, 1.0) == pytest.approx(stats.norm.cdf(-1.0))
    assert Spread(family="beta", value=0.05, standard_error=0.05).share_outside(0.0, 1.0) == 0.0


@pytest.mark.parametrize("family", ["normal", "lognormal", "beta", "gamma"])
def test_without_width_there_is_only_the_point(family):
    spread = Spread(family=family, value=0.4)
    assert not spread.is_uncertain
    assert [spread.quantile(u) for u in (0.01, 0.5, 0.99)] == [0.4, 0.4, 0.4]
    assert spread.mean == 0.4
    assert (spread.share_outside(0.0, 1.0), spread.share_outside(0.5, 1.0)) == (0.0, 1.0)


def test_fixed_ignores_its_interval():
    spread = Spread(family="fixed", value=2.0, low=1.0, high=3.0)
    assert not spread.is_uncertain
    assert spread.quantile(0.9) == spread.mean == 2.0


@given(st.floats(0.01, 0.99), st.floats(0.001, 0.5), st.floats(0.001, 0.999))
def test_a_beta_stays_in_its_range(mean, error, u):
    assume(error**2 < 0.9 * mean * (1.0 - mean))
    assert 0.0 <= Spread(family="beta", value=mean, standard_error=error).quantile(u) <= 1.0


@given(st.floats(1e-3, 1e5), st.floats(0.05, 1.5), st.sampled_from(["gamma", "lognormal"]), st.floats(0.001, 0.999))
def test_positive_families_scale_with_their_value(value, relative, family, u):
    one = Spread(family=family, value=1.0, standard_error=relative)
    other = Spread(family=family, value=value, standard_error=relative * value)
    assert other.quantile(u) >= 0.0
    assert other.quantile(u) == pytest.approx(value * one.quantile(u), rel=1e-8, abs=1e-300)


# --- refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ({"family": "gaussian", "value": 1.0}, "gaussian"),
        ({"family": "normal", "value": 1.0, "low": 0.0}, "one end"),
        ({"family": "normal", "value": 1.0, "high": 2.0}, "one end"),
        ({"family": "normal", "value": 3.0, "low": 0.0, "high": 2.0}, "0 to 2"),
        ({"family": "normal", "value": 1.0, "low": 2.0, "high": 0.0}, "2 to 0"),
        ({"family": "beta", "value": 0.5, "standard_error": 0.5}, "beta"),
        ({"family": "beta", "value": 0.5, "standard_error": 0.6}, "beta"),
        ({"family": "beta", "value": 1.2, "standard_error": 0.1}, "1.2"),
        ({"family": "beta", "value": 0.0, "standard_error": 0.1}, "beta"),
        ({"family": "lognormal", "value": -0.2, "standard_error": 0.1}, "-0.2"),
        ({"family": "lognormal", "value": 0.0, "standard_error": 0.1}, "0"),
        ({"family": "lognormal", "value": 1.0, "low": 0.0, "high": 2.0}, "low 0"),
        ({"family": "gamma", "value": -1.0, "standard_error": 0.1}, "-1"),
        ({"family": "uniform", "value": 1.0}, "without ends"),
        ({"family": "triangular", "value": 1.0, "standard_error": 0.2}, "without ends"),
        ({"family": "normal", "value": 1.0, "standard_error": -0.2}, "-0.2"),
        ({"family": "gamma", "value": 1.0, "standard_error": -0.2}, "-0.2"),
        *(({"family": family, "value": 1.0, "standard_error": bad}, str(bad))
          for family in ("normal", "gamma", "lognormal") for bad in (math.nan, INFINITY)),
        *(({"family": family, "value": bad}, str(bad))
          for family in ("fixed", "normal") for bad in (math.nan, INFINITY)),
        ({"family": "lognormal", "value": 1.0, "low": 0.5, "high": INFINITY}, "inf"),
        ({"family": "uniform", "value": 1.0, "low": -INFINITY, "high": 2.0}, "inf"),
        ({"family": "normal", "value": 1.0, "low": math.nan, "high": 2.0}, "nan"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(bad, told):
    with pytest.raises(EvidenceError) as caught:
        Spread(**bad, where="clinical.csv, row 9")
    (fault,) = caught.value.faults
    assert fault.where == "clinical.csv, row 9"
    assert told in fault.found
    assert fault.expected


def test_a_log_ratio_is_recognised():
    with pytest.raises(EvidenceError, match="exponential"):
        Spread(family="lognormal", value=-0.22, standard_error=0.1)


@pytest.mark.parametrize("u", [0.0, 1.0, -0.1, 1.1, math.nan])
def test_a_quantile_is_asked_inside_the_open_interval(spread, u):
    with pytest.raises(EvidenceError):
        spread.quantile(u)


@pytest.mark.parametrize(("events", "people"), [(-1, 10), (11, 10), (0, 0), (1, -1)])
def test_counts_that_cannot_be_are_refused(events, people):
    with pytest.raises(EvidenceError):
        from_counts(events, people)


# --- every family against SciPy, parameters worked out by hand ----------------------------------------------------


@pytest.mark.parametrize(
    ("spread", "oracle"),
    [
        (Spread(family="normal", value=5.0, standard_error=2.0), stats.norm(5.0, 2.0)),
        (Spread(family="normal", value=41.0, low=2.9, high=79.0), stats.norm(41.0, 76.1 / (2.0 * Z95))),
        (
            Spread(family="lognormal", value=0.7, low=0.5, high=0.98),
            stats.lognorm(math.log(0.98 / 0.5) / (2.0 * Z95), scale=0.7),
        ),
        (Spread(family="lognormal", value=200.0, standard_error=50.0), stats.lognorm(0.25, scale=200.0)),
        (Spread(family="beta", value=0.2, standard_error=0.04), stats.beta(19.8, 79.2)),
        (Spread(family="gamma", value=1000.0, standard_error=250.0), stats.gamma(16.0, scale=62.5)),
        (Spread(family="uniform", value=3.0, low=1.0, high=5.0), stats.uniform(1.0, 4.0)),
        (Spread(family="triangular", value=2.0, low=1.0, high=5.0), stats.triang(0.25, 1.0, 4.0)),
    ],
    ids=lambda given_one: getattr(given_one, "family", ""),
)
def test_quantiles_means_and_shares_agree_with_scipy(spread, oracle):
    grid = (0.001, 0.025, 0.25, 0.5, 0.75, 0.975, 0.999)
    np.testing.assert_allclose([spread.quantile(u) for u in grid], oracle.ppf(grid), rtol=1e-9)
    assert spread.mean == pytest.approx(oracle.mean(), rel=1e-9, abs=0.0)
    assert spread.share_outside(oracle.ppf(0.1), oracle.ppf(0.7)) == pytest.approx(0.4, rel=1e-9)


@pytest.mark.parametrize(
    ("spread", "known"),
    [
        (Spread(family="normal", value=-3.0, standard_error=2.0), stats.norm(-3.0, 2.0)),
        (Spread(family="lognormal", value=0.7, low=0.5, high=0.98), stats.lognorm((math.log(0.98) - math.log(0.5)) / (2.0 * 1.959963984540054), scale=0.7)),
        (Spread(family="beta", value=0.2, standard_error=0.05), stats.beta(12.6, 50.4)),
        (Spread(family="gamma", value=900.0, standard_error=300.0), stats.gamma(9.0, scale=100.0)),
        (Spread(family="uniform", value=0.3, low=0.1, high=0.6), stats.uniform(0.1, 0.5)),
        (Spread(family="triangular", value=0.3, low=0.1, high=0.6), stats.triang(0.4, 0.1, 0.5)),
    ],
    ids=lambda one: getattr(one, "family", ""),
)
def test_every_family_is_the_textbook_one(spread, known):
    for u in (1e-6, 0.025, 0.3, 0.4, 0.5, 0.975, 1.0 - 1e-6):
        assert spread.quantile(u) == pytest.approx(known.ppf(u), rel=1e-9)
    for low, high in ((-4.0, 0.5), (0.15, 0.55), (0.25, 0.9), (500.0, math.inf), (-math.inf, 0.0)):
        assert spread.share_outside(low, high) == pytest.approx(known.cdf(low) + known.sf(high), abs=1e-12)
    assert spread.mean == pytest.approx(known.mean())
