"""The door for units: known answers, round trips, and refusals that name the mend."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pathway.errors import UnitError
from pathway.units import DAYS_PER_YEAR, convert, known_units, probability_from_rate, rate_from_probability, unit_of

KNOWN = [
    # durations: a year has 365.25 days, a month is a twelfth of it
    (365.25, "days", "years", 1.0),
    (1.0, "year", "day", 365.25),
    (52.0, "weeks", "days", 364.0),
    (18.0, "months", "years", 1.5),
    (1.0, "month", "days", 30.4375),
    (2.0, "quarters", "months", 6.0),
    (1.0, "4-week", "days", 28.0),
    (3.0, "28-day", "weeks", 12.0),
    (1.0, "30-day", "days", 30.0),
    (36.0, "hours", "days", 1.5),
    # rates
    (3.5, "per 100 patient-years", "per year", 0.035),
    (7.0, "per 1000 person-years", "per year", 0.007),
    (0.1, "per month", "per year", 1.2),
    (1.0, "per week", "per year", 365.25 / 7.0),
    (1.0, "per 28 days", "per year", 365.25 / 28.0),
    (1.0, "per year", "per 100 patient-years", 100.0),
    # change of a marker
    (-50.0, "mL per 52 weeks", "mL per year", -50.0 * 365.25 / 364.0),
    (-0.3, "points per month", "points per year", -3.6),
    (-1.0, "points per 48 weeks", "points per year", -365.25 / 336.0),
    (1200.0, "USD per month", "USD per year", 14400.0),
    # amounts
    (1.5, "g", "mg", 1500.0),
    (250.0, "mcg", "mg", 0.25),
    (2.4, "L", "mL", 2400.0),
    (1.72, "m", "cm", 172.0),
    # a C-reactive protein of 1 mg/dL is 10 mg/L
    (0.6, "mg/dL", "mg/L", 6.0),
    (6.0, "mg/L", "mg/dL", 0.6),
    # parts of a whole
    (12.0, "percent", "fraction", 0.12),
    (0.12, "fraction", "%", 12.0),
    (0.3, "probability", "percent", 30.0),
    (4.0, "percent per month", "fraction per year", 0.48),
]  # fmt: skip

APART = [
    ("mL", "points"), ("points", "fraction"), ("percent", "points"), ("mL per year", "points per year"),
    ("points", "points per year"), ("per year", "year"), ("per year", "fraction"), ("mg", "mL"), ("mg", "mg/L"),
    ("kg", "mg"), ("USD", "GBP"), ("USD", "USD per year"), ("ratio", "log ratio"), ("log ratio", "log odds"),
    ("years of age", "years"), ("tablet", "mg"), ("mg per kg", "mg per m2"), ("utility", "fraction"),
]  # fmt: skip
"""Pairs that only look alike."""


@pytest.mark.parametrize(("value", "unit", "to", "expected"), KNOWN)
def test_known_answers(value, unit, to, expected):
    assert convert(value, unit, to) == pytest.approx(expected, rel=1e-14, abs=0.0)


@pytest.mark.parametrize(("unit", "to"), [*APART, *((to, unit) for unit, to in APART)])
def test_another_dimension_is_refused(unit, to):
    with pytest.raises(UnitError) as caught:
        convert(1.0, unit, to, where="clinical.csv, row 3")
    (fault,) = caught.value.faults
    assert fault.where == "clinical.csv, row 3"
    assert unit in fault.found
    assert to in fault.expected
    assert fault.mend


@pytest.mark.parametrize(
    ("unit", "meant"),
    [
        ("mgs", "mg"), ("kgs", "kg"), ("pionts", "points"), ("yaer", "year"), ("moths", "months"), ("per yeer", "year"),
        ("points per 48 weaks", "weeks"), ("ml", "mL"), ("mg per kgs", "kg"),
    ],
)  # fmt: skip
def test_an_unknown_word_is_refused_with_the_nearest_known(unit, meant):
    with pytest.raises(UnitError) as caught:
        unit_of(unit, where="prices.csv, row 2")
    (fault,) = caught.value.faults
    assert fault.where == "prices.csv, row 2"
    assert unit in fault.found
    assert fault.mend == f"did you mean '{meant}'?"


@pytest.mark.parametrize(
    "unit",
    ["", " ", "per", "per ", "per per year", "points per", "mL/year", "inf weeks", "nan weeks", "-5 weeks", "1e3 mg",
     "1_0 mg", "\u00b2 weeks", "\u0663 weeks", "48", "48-", "years per", "hrs"],
)  # fmt: skip
def test_what_is_not_a_unit_is_refused(unit):
    with pytest.raises(UnitError):
        unit_of(unit)


@pytest.mark.parametrize("unit", ["0 weeks", "per 0 years", "points per 0.0 weeks", "0-day", "mg per 0 kg"])
def test_no_amount_of_a_unit_is_refused(unit):
    with pytest.raises(UnitError) as caught:
        convert(1.0, unit, "year")
    assert unit in caught.value.faults[0].found


@pytest.mark.parametrize("word", known_units())
def test_every_known_word_is_read(word):
    unit = unit_of(word)
    assert unit.dimension
    assert unit.factor > 0.0
    assert convert(0.25, word, word) == 0.25


def test_the_same_unknown_unit_twice_is_still_unknown():
    with pytest.raises(UnitError):
        convert(1.0, "furlong", "furlong")


@pytest.mark.parametrize("spaced", ["points per 48 weeks", " points  per 48  weeks ", "points per\t48 weeks"])
def test_spaces_do_not_matter(spaced):
    assert unit_of(spaced) == unit_of("point per 48 week")


alike = st.sampled_from([
    ("day", "week", "28-day", "month", "quarter", "year"),
    ("per day", "per week", "per month", "per year", "per 100 patient-years"),
    ("points per year", "points per 48 weeks", "points per month"),
    ("mg", "g", "mcg"), ("mL", "L", "dL"), ("mg/L", "mg/dL", "g/L"), ("percent", "fraction", "probability"),
]).flatmap(lambda family: st.tuples(*[st.sampled_from(family)] * 3))  # fmt: skip


@given(st.floats(-1e6, 1e6), alike)
def test_there_and_back_is_the_same_number(value, units):
    one, other, _ = units
    assert convert(convert(value, one, other), other, one) == pytest.approx(value, rel=1e-13, abs=1e-300)


@given(st.floats(1e-6, 1e6), alike)
def test_a_detour_arrives_at_the_same_place(value, units):
    one, by, to = units
    assert convert(convert(value, one, by), by, to) == pytest.approx(convert(value, one, to), rel=1e-13)


@given(st.floats(1e-9, 5.0), st.floats(0.01, 20.0))
def test_rates_and_probabilities_undo_each_other(rate, years):
    assume(rate * years < 20.0)  # beyond, 1 - p has few digits left
    probability = probability_from_rate(rate, years)
    assert 0.0 < probability < 1.0
    assert rate_from_probability(probability, years) == pytest.approx(rate, rel=1e-6)


@pytest.mark.parametrize(
    ("rate", "years", "probability"),
    [(0.0, 3.0, 0.0), (math.log(2.0), 1.0, 0.5), (0.1, 2.0, 0.18126924692201815), (1e-12, 1.0, 1e-12)],
)
def test_probability_of_a_constant_rate(rate, years, probability):
    assert probability_from_rate(rate, years) == pytest.approx(probability, rel=1e-12, abs=0.0)


@pytest.mark.parametrize("bad", [-0.1, 1.0, 16.0, math.nan, math.inf])
def test_a_probability_that_cannot_be_is_refused(bad):
    with pytest.raises(UnitError):
        rate_from_probability(bad)


@pytest.mark.parametrize("bad", [-0.1, math.nan])
def test_a_rate_that_cannot_be_is_refused(bad):
    with pytest.raises(UnitError):
        probability_from_rate(bad)


@pytest.mark.parametrize("years", [0.0, -1.0, math.nan])
def test_a_probability_needs_time_to_happen_in(years):
    with pytest.raises(UnitError):
        rate_from_probability(0.1, years)
    with pytest.raises(UnitError):
        probability_from_rate(0.1, years)


def test_a_year_is_julian():
    assert DAYS_PER_YEAR == 365.25
