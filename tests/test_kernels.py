"""Arithmetic and random words: known answers, accuracy, round trips, and the same bits compiled and interpreted."""

from __future__ import annotations

import hashlib
import math
import os
import struct
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy import special

from pathway import kernels

ONES = 0xFFFFFFFF
SMALLEST = 5e-324


def ulps(found: float, expected: float) -> float:
    """Distance in units of the last place of what is expected."""
    if found == expected or (math.isnan(found) and math.isnan(expected)):
        return 0.0
    return abs(found - expected) / math.ulp(expected)


def _worst(function, oracle, arguments) -> tuple[float, float]:
    return max((ulps(function(x), oracle(x)), x) for x in map(float, arguments))


# --- exponential and logarithm ------------------------------------------------------------------------------------


def test_exp_is_within_one_unit_of_the_last_place():
    random = np.random.default_rng(1)
    arguments = np.concatenate([
        random.uniform(-744.0, 709.7, 30_000), random.uniform(-1.0, 1.0, 15_000), random.normal(0.0, 1e-6, 5_000),
    ])  # fmt: skip
    worst, where = _worst(kernels.exp, math.exp, arguments)
    assert worst <= 1.0, where


@pytest.mark.parametrize(
    "x",
    [0.0, -0.0, 1.0, -1.0, SMALLEST, 709.782712893384, -708.4, -744.0, -745.1, 693.5, -693.5, math.log(2.0) / 2.0,
     1000 * math.log(2.0), -1000 * math.log(2.0), 1.5 * math.log(2.0)],
)  # fmt: skip
def test_exp_at_its_edges(x):
    assert ulps(kernels.exp(x), math.exp(x)) <= 1.0


def test_exp_beyond_its_range():
    assert kernels.exp(709.79) == math.inf
    assert kernels.exp(math.inf) == math.inf
    assert kernels.exp(-746.0) == kernels.exp(-math.inf) == 0.0
    assert math.isnan(kernels.exp(math.nan))


def test_log_is_within_one_unit_of_the_last_place():
    random = np.random.default_rng(2)
    arguments = np.concatenate([
        2.0 ** random.uniform(-1074.0, 1023.9, 25_000), random.uniform(0.0, 1.0, 15_000),
        1.0 + random.normal(0.0, 1e-4, 10_000),
    ])  # fmt: skip
    worst, where = _worst(kernels.log, math.log, arguments[arguments > 0.0])
    assert worst <= 1.0, where


@pytest.mark.parametrize(
    "x",
    [1.0, math.nextafter(1.0, 0.0), math.nextafter(1.0, 2.0), 0.5, 2.0, math.sqrt(0.5), math.sqrt(2.0), SMALLEST,
     2.2250738585072014e-308, 1.7976931348623157e308],
)  # fmt: skip
def test_log_at_its_edges(x):
    assert ulps(kernels.log(x), math.log(x)) <= 1.0


def test_log_beyond_its_range():
    assert kernels.log(0.0) == kernels.log(-0.0) == -math.inf
    assert kernels.log(math.inf) == math.inf
    assert math.isnan(kernels.log(-1.0))
    assert math.isnan(kernels.log(math.nan))


@pytest.mark.parametrize("magnitude", [1e-300, 1e-16, 1e-9, 9.99e-6, 1.01e-5, 1e-3, 0.1, 1.0, 10.0, 39.0])
def test_expm1_and_log1p_lose_nothing_near_zero(magnitude):
    for x in (magnitude, -magnitude):
        assert kernels.expm1(x) == pytest.approx(math.expm1(x), rel=4e-15, abs=0.0)
        if x > -1.0:
            assert kernels.log1p(x) == pytest.approx(math.log1p(x), rel=4e-15, abs=0.0)


def test_expm1_and_log1p_on_many_arguments():
    random = np.random.default_rng(3)
    for x in map(float, random.choice([-1.0, 1.0], 5_000) * 10.0 ** random.uniform(-12.0, 1.55, 5_000)):
        assert kernels.expm1(x) == pytest.approx(math.expm1(x), rel=4e-15, abs=0.0)
        assert kernels.log1p(abs(x)) == pytest.approx(math.log1p(abs(x)), rel=4e-15, abs=0.0)


def test_expm1_and_log1p_at_their_ends():
    assert kernels.expm1(0.0) == kernels.log1p(0.0) == 0.0
    assert kernels.expm1(800.0) == kernels.log1p(math.inf) == math.inf
    assert kernels.expm1(-800.0) == -1.0
    assert kernels.log1p(-1.0) == -math.inf
    assert math.isnan(kernels.log1p(-1.5))


def test_arrays_have_the_bits_of_their_numbers():
    x = np.linspace(0.01, 40.0, 501)
    out = np.empty(x.size)
    kernels.fill_exp(-x, out)
    assert out.tolist() == [kernels.exp(-one) for one in x]
    kernels.fill_log(x, out)
    assert out.tolist() == [kernels.log(one) for one in x]
    kernels.fill_power(x, x[::-1].copy() / 40.0, out)
    assert out.tolist() == [kernels.power(one, other) for one, other in zip(x, x[::-1] / 40.0, strict=True)]


def test_power():
    random = np.random.default_rng(4)
    for base, exponent in zip(random.uniform(1e-6, 50.0, 2_000), random.uniform(-4.0, 4.0, 2_000), strict=True):
        assert kernels.power(base, exponent) == pytest.approx(base**exponent, rel=2e-14, abs=0.0)
    assert kernels.power(0.3, 1.0) == 0.3
    assert kernels.power(0.0, 2.0) == 0.0
    assert kernels.power(0.0, 0.0) == kernels.power(7.0, 0.0) == 1.0


# --- random words -------------------------------------------------------------------------------------------------

KNOWN_ANSWERS = [
    ((0, 0, 0, 0, 0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((ONES,) * 6, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344, 0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]
"""Random123 (D. E. Shaw Research), file kat_vectors, philox4x32 with 10 rounds: counter and key -> words."""


@pytest.mark.parametrize(("given_words", "expected"), KNOWN_ANSWERS)
def test_philox_gives_the_published_answers(given_words, expected):
    assert tuple(kernels.philox(*given_words)) == expected


@pytest.mark.parametrize(("given_words", "expected"), KNOWN_ANSWERS)
def test_a_key_lies_where_the_documentation_says(given_words, expected):
    index, stream, patient, sample, low, high = given_words
    if high < 2**31:  # a seed is below 2**63
        assert tuple(kernels.words((high << 32) | low, sample, patient, stream, index)) == expected


@pytest.mark.parametrize(("a", "b"), [(0, 0), (ONES, ONES), (0, ONES), (ONES, 0), (63, 63)])
def test_the_unit_interval_is_open(a, b):
    u = kernels.unit_interval(a, b)
    assert 0.0 < u < 1.0
    assert math.isfinite(kernels.log(u))
    assert math.isfinite(kernels.normal_quantile(u))


def test_the_unit_interval_is_as_wide_as_it_says():
    assert kernels.unit_interval(0, 0) == 2.0**-53
    assert kernels.unit_interval(ONES, ONES) == 1.0 - 2.0**-53


def test_draws_are_functions_of_one_uniform():
    key = (20_240_101, 3, 41, 977, 5)
    u = kernels.uniform(*key)
    assert kernels.exponential(*key) == -kernels.log(u)
    assert kernels.normal(*key) == kernels.normal_quantile(u)


def test_normal_quantiles_agree_with_scipy():
    tails = 10.0 ** np.linspace(-300.0, -1.0, 2_000)
    middle = np.linspace(0.001, 0.999, 3_001)
    # The upper tail cannot be finer than 1 - 2**-53.
    upper = 1.0 - 10.0 ** np.linspace(-15.5, -1.0, 500)
    u = np.concatenate([tails, middle, upper])
    found = np.array([kernels.normal_quantile(x) for x in u])
    np.testing.assert_allclose(found, special.ndtri(u), rtol=2e-14, atol=2e-15)


def test_normal_quantiles_are_symmetric():
    assert kernels.normal_quantile(0.5) == 0.0
    for u in (0.01, 0.0625, 0.074, 0.076, 0.25, 2.0**-40):
        assert kernels.normal_quantile(1.0 - u) == pytest.approx(-kernels.normal_quantile(u), rel=1e-10)
        if 1.0 - (1.0 - u) == u:
            assert kernels.normal_quantile(1.0 - u) == -kernels.normal_quantile(u)


# --- hazards ------------------------------------------------------------------------------------------------------

levels = st.floats(1e-8, 50.0)
slopes = st.floats(-3.0, 3.0)
"""Down to the smallest doubles: a slope that is as good as none must behave as none."""
needs = st.floats(1e-12, 40.0)


@given(levels, slopes, needs)
@example(0.1, 0.0, 1.0)
@example(0.1, 1e-300, 1.0)
@example(0.1, -1e-17, 1.0)
@example(0.1, SMALLEST, 1.0)
@example(1e-8, 3.0, 40.0)
def test_a_hazard_reaches_the_need_at_its_inverse(level, slope, need):
    years = kernels.hazard_inverse(level, slope, need)
    if math.isinf(years):
        assert slope < 0.0
        assert need >= level / -slope
        return
    assert years > 0.0
    # Near the largest need a falling hazard can ever meet, a last place of the need is many years.
    assume(slope >= 0.0 or need * -slope / level < 0.99)
    assert kernels.hazard_integral(level, slope, years) == pytest.approx(need, rel=1e-11, abs=0.0)


@given(levels, slopes, st.floats(1e-9, 10.0))
@example(0.3, SMALLEST, 1.0)
@example(1e-8, 2.225073858507203e-309, 1.0)
def test_the_inverse_undoes_the_integral(level, slope, years):
    assume(slope * years > -4.0)
    need = kernels.hazard_integral(level, slope, years)
    assert kernels.hazard_inverse(level, slope, need) == pytest.approx(years, rel=1e-11, abs=0.0)


@given(levels, st.floats(-3.0, -1e-6), st.floats(1.0, 100.0))
def test_a_falling_hazard_that_is_used_up_never_fires(level, slope, times):
    assert kernels.hazard_inverse(level, slope, times * 1.000001 * level / -slope) == math.inf


@pytest.mark.parametrize("slope", [-1.0, 0.0, 1.0])
@pytest.mark.parametrize("level", [0.0, -0.0])
def test_no_hazard_never_fires(level, slope):
    assert kernels.hazard_inverse(level, slope, 1.0) == math.inf
    assert kernels.hazard_integral(level, slope, 5.0) == 0.0


@pytest.mark.parametrize("slope", [-1.0, 0.0, 1.0])
def test_no_need_fires_at_once(slope):
    assert kernels.hazard_inverse(0.2, slope, 0.0) == kernels.hazard_inverse(0.0, slope, 0.0) == 0.0


def test_hazards_too_small_for_a_double():
    assert kernels.hazard_inverse(SMALLEST, 0.0, 1.0) == math.inf
    assert kernels.hazard_inverse(0.1, SMALLEST, 1.0) == pytest.approx(10.0)
    assert kernels.hazard_inverse(0.1, 1e-310, 1e-300) == pytest.approx(1e-299, abs=0.0)
    assert kernels.hazard_integral(0.1, SMALLEST, 2.0) == pytest.approx(0.2)
    # z = need * slope / level overflows: the time is still a number or never, not NaN.
    assert not math.isnan(kernels.hazard_inverse(1e-300, 3.0, 1e10))


@given(st.floats(0.3, 6.0), st.floats(0.1, 60.0), st.floats(0.0, 20.0), st.floats(0.05, 20.0), st.floats(1e-3, 20.0))
def test_weibull_round_trip(shape, scale, begin, factor, need):
    years = kernels.weibull_inverse(shape, scale, begin, factor, need)
    base = factor * (begin / scale) ** shape
    assume(base < 1e4 * need)  # otherwise the need is lost in the last places of what has gone before
    assume(years > 1e-4 * begin)
    assert kernels.weibull_integral(shape, scale, begin, years, factor) == pytest.approx(need, rel=1e-7, abs=0.0)


def test_weibull_of_shape_one_is_exponential():
    assert kernels.weibull_integral(1.0, 4.0, 3.0, 2.0, 1.5) == pytest.approx(0.75)
    assert kernels.weibull_inverse(1.0, 4.0, 3.0, 1.5, 0.75) == pytest.approx(2.0)


def test_weibull_against_its_formula():
    assert kernels.weibull_integral(2.0, 5.0, 1.0, 2.0, 3.0) == pytest.approx(3.0 * (9.0 - 1.0) / 25.0)
    assert kernels.weibull_inverse(2.0, 5.0, 0.0, 1.0, 0.0) == 0.0
    assert kernels.weibull_inverse(2.0, 5.0, 0.0, 0.0, 1.0) == math.inf


# --- tables -------------------------------------------------------------------------------------------------------


def _slow_table_inverse(hazards: list[float], age: float, need: float) -> float:
    """Walk the years one by one."""
    last = len(hazards) - 1
    year = min(max(math.floor(age), 0), last - 1)
    here, years = age, 0.0
    while True:
        hazard = hazards[year + 1] - hazards[year]
        room = (year + 1 - here) * hazard if year < last - 1 else math.inf * (hazard > 0.0) if hazard else 0.0
        if year == last - 1 and hazard <= 0.0:
            return math.inf
        if need < room or year == last - 1:
            return years + need / hazard
        need -= room
        years += year + 1 - here
        year, here = year + 1, float(year + 1)


@given(
    st.lists(st.floats(0.0, 0.6), min_size=2, max_size=40),
    st.floats(0.0, 45.0),
    st.floats(1e-3, 15.0),
)
def test_table_inverse_against_a_slow_loop(rates, age, need):
    hazards = np.concatenate([[0.0], np.cumsum(rates)])
    found = kernels.table_inverse(hazards, 0, len(hazards), age, need)
    reached = np.interp(age, np.arange(hazards.size), hazards) + need
    # At a knot (flat years beyond it) the last place decides which year it is.
    assume(np.abs(hazards - reached).min() > 1e-9)
    steps = np.diff(hazards)
    assume(not ((steps > 0.0) & (steps < 1e-6)).any())
    expected = _slow_table_inverse([float(h) for h in hazards], age, need)
    assert found == expected or found == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_a_year_without_hazard_is_stepped_over():
    hazards = np.array([0.0, 0.1, 0.1, 0.1, 0.3])
    assert kernels.table_inverse(hazards, 0, len(hazards), 0.5, 0.10) == pytest.approx(2.75)
    assert kernels.table_inverse(hazards, 0, len(hazards), 1.5, 0.10) == pytest.approx(2.0)


def test_beyond_the_table_the_last_year_goes_on():
    hazards = np.array([0.0, 0.1, 0.3])
    assert kernels.table_inverse(hazards, 0, len(hazards), 1.0, 1.0) == pytest.approx(5.0)
    assert kernels.table_inverse(hazards, 0, len(hazards), 7.0, 1.0) == pytest.approx(5.0)
    assert kernels.table_inverse(np.array([0.0, 0.1, 0.1]), 0, 3, 0.0, 0.2) == math.inf


@given(st.lists(st.floats(-5.0, 5.0), min_size=1, max_size=12), st.floats(-9.0, 9.0), st.floats(0.1, 3.0))
def test_table_value_against_numpy(entries, x, step):
    table = np.array(entries)
    knots = 0.5 + step * np.arange(table.size)
    assert kernels.table_value(table, 0, len(table), 0.5, step, x) == pytest.approx(np.interp(x, knots, table), abs=1e-9)


def test_table_value_is_held_beyond_its_ends():
    table = np.array([1.0, 3.0])
    assert [kernels.table_value(table, 0, len(table), 0.0, 2.0, x) for x in (-5.0, 0.0, 1.0, 2.0, 50.0)] == [1.0, 1.0, 2.0, 3.0, 3.0]


@pytest.mark.parametrize(
    ("x", "step", "expected"),
    [(2.5, 1.0, 3.0), (-2.5, 1.0, -2.0), (2.4999, 1.0, 2.0), (0.75, 0.5, 1.0), (1.25, 0.5, 1.5), (149.0, 100.0, 100.0),
     (150.0, 100.0, 200.0), (0.0, 1.0, 0.0), (3.0, 1.0, 3.0)],
)  # fmt: skip
def test_round_half_up(x, step, expected):
    assert kernels.round_half_up(x, step) == expected


# --- the same bits everywhere -------------------------------------------------------------------------------------


def fingerprint() -> str:
    """Hash over the bits of many results."""
    digest = hashlib.sha256()
    with np.errstate(over="ignore", invalid="ignore"):
        for number in range(400):
            key = (8_999_999_999_999_999_937, number % 5, 7 * number, 4_000_000_000 + number, number)
            u = kernels.uniform(*key)
            x = 40.0 * (u - 0.5)
            numbers = [
                u, kernels.exponential(*key), kernels.normal(*key), kernels.student4(*key), kernels.exp(x),
                kernels.log(u), kernels.expm1(x), kernels.log1p(u), kernels.power(u, x),
                kernels.normal_quantile(u / 1e9),
                kernels.hazard_integral(u, x / 20.0, 3.0), kernels.hazard_inverse(u, x / 20.0, 0.3),
                kernels.weibull_integral(1.0 + u, 4.0, u, 2.0, 0.7), kernels.weibull_inverse(1.0 + u, 4.0, u, 0.7, 1.1),
                kernels.table_inverse(_TABLE, 0, len(_TABLE), 30.0 * u, 2.0 * u), kernels.table_value(_TABLE, 0, len(_TABLE), 0.0, 1.0, 30.0 * u),
                kernels.round_half_up(x, 0.1),
            ]  # fmt: skip
            digest.update(struct.pack(f"<{len(numbers)}d", *numbers))
            digest.update(struct.pack("<4q", *(int(word) for word in kernels.words(*key))))
    return digest.hexdigest()


_TABLE = np.cumsum([0.001 * 1.1**year for year in range(40)])

RECORDED_FINGERPRINT = "b7795d1aa297ef535d02923be86966325d7077be308c18234abce4c354a8f6ca"
"""Recorded once; a change of any bit of any draw changes every recorded history."""


def test_the_bits_are_those_recorded():
    assert fingerprint() == RECORDED_FINGERPRINT


def test_the_interpreter_gives_the_bits_of_the_compiler():
    code = "from pathway import kernels\nfrom tests.test_kernels import fingerprint\n"
    code += "assert not hasattr(kernels.exp, 'py_func'), 'still compiled'\nprint(fingerprint())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == RECORDED_FINGERPRINT, done.stderr
