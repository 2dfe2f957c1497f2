"""From quantities to money and QALYs: vectors computed by hand, and what holds for any ledger."""

from __future__ import annotations

import datetime
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from pathway.definition.documents import EconomicsChoice, EconomicsDocument, PriceOverride, PriceRow, Utility
from pathway.definition.scenario import UtilityNorm
from pathway.economics.ledger import build
from pathway.economics.quality import split_at_birthdays, split_at_points
from pathway.economics.valuation import (
    equal_value_years_gained,
    prices_used,
    terms_of,
    value,
    without_discounting,
)
from pathway.engines import simulate
from pathway.errors import EconomicsError
from pathway.eventlog import Kind
from tests import tiny
from tests.hand_made import DAY, dosing, ledger_of, library, price, resource, terms


def life(years: float, first: float = 70.0, last: float = 70.0, *rows: Any, dies: bool = True):
    """One patient who lives so long, with a straight marker."""
    end = (years, Kind.MOVE, "die", {"state": 2}) if dies else (years, Kind.END, "well")
    return [([*rows, end], [(0.0, first), (years, last)])]


CURVE = ((20.0, 0.1), (50.0, 0.4), (65.0, 0.75), (80.0, 0.8))


@pytest.mark.parametrize(("first", "last"), [(90.0, 10.0), (10.0, 90.0), (50.0, 65.0), (65.0, 65.0), (66.0, 79.0), (30.0, 64.9)])
@pytest.mark.parametrize("rate", [0.0, 0.04])
def test_a_utility_curve_is_integrated_exactly(first, last, rate):
    """Against quadrature, along a marker that passes some, all or none of the points."""
    out = value(ledger_of(life(6.0, first, last)), terms(curve=CURVE, level=0.0, rate=rate))
    at, worth = zip(*CURVE, strict=True)
    points = [6.0 * (point - first) / (last - first) for point in at if first != last]
    inside = sorted(point for point in points if 0.0 < point < 6.0)
    expected, _ = quad(
        lambda t: np.interp(first + (last - first) * t / 6.0, at, worth) * (1.0 + rate) ** -t, 0.0, 6.0, points=inside or None, epsabs=1e-12, limit=200
    )
    assert out.qalys_discounted[0] == pytest.approx(expected, rel=1e-9)


def test_a_straight_curve_is_the_straight_line():
    line = value(ledger_of(life(6.0, 90.0, 40.0)), terms(level=0.7, slope=0.005, reference=70.0, rate=0.03))
    curve = value(ledger_of(life(6.0, 90.0, 40.0)), terms(level=0.0, curve=((0.0, 0.35), (60.0, 0.65), (100.0, 0.85)), rate=0.03))
    assert curve.qalys_discounted == pytest.approx(line.qalys_discounted, rel=1e-12)


@given(st.floats(0, 10), st.floats(0, 10), st.lists(st.floats(0, 10), min_size=1, max_size=6, unique=True))
def test_pieces_of_a_line_join(left, right, points):
    lines, before, after = split_at_points(np.array([left]), np.array([right]), np.array(sorted(points)))
    assert (before[0], after[-1]) == (left, right)
    assert (after[:-1] == before[1:]).all()
    assert len(lines) == 1 + sum(min(left, right) < point < max(left, right) for point in points)


# --- vectors of health_economics_practice 3.1 ---------------------------------------------------------------------


def test_a_constant_rate_of_money():
    rows = [(0.5, Kind.START, "a"), (3.0, Kind.STOP, "a")]
    made = ledger_of(life(5.0, 70.0, 70.0, *rows), dosing_rows=[dosing("rate", amount=1.0)])
    out = value(made, terms(price("a_mg", 2500.0), rate=0.035))
    assert out.total[0] == pytest.approx(5886.650, abs=5e-4)
    assert out.total_undiscounted[0] == pytest.approx(6250.0)


def test_a_payment_at_once():
    made = ledger_of(life(2.0), resources=[resource(per="death")])
    assert value(made, terms(price("care", 1000.0), rate=0.035)).total[0] == pytest.approx(933.511, abs=5e-4)


def test_a_utility_that_falls_with_its_marker():
    """u = 0.75 - 0.01 t: four years less the first."""
    falling = {"level": 0.70, "slope": 0.01, "rate": 0.03}
    four, one = (ledger_of(life(t, 75.0, 75.0 - t)) for t in (4.0, 1.0))
    gained = value(four, terms(**falling)).qalys_discounted - value(one, terms(**falling)).qalys_discounted
    assert gained[0] == pytest.approx(2.0213487, abs=1e-7)


def test_thirteen_doses_four_weeks_apart():
    row = dosing(amount=1.0, interval_days=28.0, count=13)
    made = ledger_of(life(5.0, 70.0, 70.0, (0.0, Kind.START, "a")), dosing_rows=[row])
    assert value(made, terms(price("a_mg", 1000.0), rate=0.03)).total[0] == pytest.approx(12_824.911, abs=5e-4)


@pytest.mark.parametrize(
    ("convention", "years"), [("continuous", 15.0995), ("mid_year", 15.0990), ("start_of_year", 15.3238)]
)
def test_twenty_years_under_each_convention(convention, years):
    valued = terms(rate=0.03, convention=convention, level=1.0)
    out = value(ledger_of(life(20.0)), valued)
    assert out.life_years_discounted[0] == pytest.approx(years, abs=5e-5)
    assert out.qalys_discounted[0] == pytest.approx(years, abs=5e-5)
    assert convention.split("_")[0] in valued.describe()["Discounting"]


# --- utilities ----------------------------------------------------------------------------------------------------

NORM = np.zeros((2, 111))
NORM[:, :51], NORM[:, 51:] = 0.80, 0.75
NORM[0] += 0.05


def test_a_birthday_and_the_cap_by_hand():
    """A woman of 50.5; marker 70 to 130 in a year at 0.0025 a point: base 0.70 to 0.85.

    Until 51: 0.5 * (0.700 + 0.775) / 2 = 0.36875. Then times 0.75 / 0.80: 0.7265625 to 0.796875, capped by 0.75 after
    a third: (1/6) * (0.7265625 + 0.75) / 2 + (1/3) * 0.75 = 0.373046875.
    """
    spec = {"slope": 0.0025, "norm": NORM, "source_norm": 0.80}
    made = ledger_of(life(1.0, 70.0, 130.0))
    out = value(made, terms(rate=0.03, **spec))
    assert out.qalys[0] == pytest.approx(0.741796875, abs=1e-12)

    def discounted(t: float) -> float:
        norm = 0.80 if t < 0.5 else 0.75
        return min(norm, (0.70 + 0.15 * t) * norm / 0.80) * 1.03**-t

    exact = quad(discounted, 0.0, 1.0, points=[0.5, 2.0 / 3.0], epsabs=1e-12)[0]
    assert out.qalys_discounted[0] == pytest.approx(exact, abs=1e-10)
    uncapped = value(made, terms(**spec, is_capped=False)).qalys[0]
    assert uncapped == pytest.approx(0.36875 + 0.5 * (0.7265625 + 0.796875) / 2)
    man = value(ledger_of(life(1.0, 70.0, 130.0), female=0.0), terms(**spec)).qalys[0]
    assert man > out.qalys[0]


@given(
    st.floats(18.0, 99.0), st.floats(0.05, 6.0), st.floats(20.0, 120.0), st.floats(20.0, 120.0), st.floats(0.0, 0.1)
)
def test_qalys_are_the_integral(age, years, first, last, rate):
    norm = np.tile(0.95 - 0.003 * np.arange(111), (2, 1))
    spec = {"level": 0.72, "slope": 0.004, "norm": norm, "source_norm": 0.8}
    out = value(ledger_of(life(years, first, last), age=age), terms(rate=rate, **spec))
    points = 4000
    t = (np.arange(points) + 0.5) * years / points
    own = norm[0, np.minimum(np.floor(age + t).astype(int), 110)]
    u = np.minimum(own, (0.72 + 0.004 * (first + (last - first) * t / years - 70.0)) * own / 0.8)
    assert out.qalys_discounted[0] == pytest.approx((u * (1.0 + rate) ** -t).mean() * years, abs=2e-5)
    assert out.qalys[0] == pytest.approx(u.mean() * years, abs=2e-5)


def test_losses_last_as_long_as_what_causes_them():
    rows = [
        (0.5, Kind.CONDITION, "infection"),
        (0.75, Kind.RECOVER, "infection"),
        (1.0, Kind.START, "a"),
        (1.5, Kind.FLAG, "frail"),
        (3.0, Kind.MOVE, "worsen", {"state": 1}),
    ]
    made = ledger_of(life(4.0, 70.0, 70.0, *rows))
    plain = value(made, terms()).qalys[0]
    for change, expected in (
        ({"conditions": {"infection": -0.14}}, -0.14 * 0.25),
        ({"treatments": {"a": -0.02}}, -0.02 * 3.0),
        ({"flags": {"frail": -0.05}}, -0.05 * 2.5),
        ({"states": {"ill": -0.1}}, -0.1),
        ({"other_markers": {"m": -0.001}}, -0.001 * 70.0 * 4.0),
    ):
        assert value(made, terms(**change)).qalys[0] - plain == pytest.approx(expected)


def test_a_utility_no_instrument_can_express_is_refused():
    made = ledger_of(life(1.0))
    assert value(made, terms(level=-0.5)).qalys[0] == pytest.approx(-0.5)
    with pytest.raises(EconomicsError, match="worst"):
        value(made, terms(level=-0.7))


def test_without_a_norm_nobody_is_better_than_well():
    assert value(ledger_of(life(2.0)), terms(level=1.4)).qalys[0] == pytest.approx(2.0)


@given(st.floats(0.0, 90.0), st.floats(0.0, 30.0), st.floats(1e-6, 30.0))
def test_pieces_between_birthdays_make_the_segment(age, start, years):
    rows, begin, end = split_at_birthdays(np.array([age]), np.array([start]), np.array([start + years]))
    assert begin[0] == start
    assert end[-1] == start + years
    assert (begin[1:] == end[:-1]).all()
    middle = age + 0.5 * (begin + end)
    assert (np.floor(middle + 0.499999 * (end - begin)) - np.floor(middle - 0.499999 * (end - begin)) == 0).all()
    assert (rows == 0).all()


# --- equal-value life-years ---------------------------------------------------------------------------------------


def test_equal_value_years_count_longer_life_at_the_norm():
    """Shared two years at 0.1 more utility, then one year more at the norm, however ill."""
    spec = {"slope": 0.01, "norm": np.full((2, 111), 0.85), "source_norm": 0.85}
    new, old = ledger_of(life(3.0, 60.0, 60.0)), ledger_of(life(2.0, 50.0, 50.0))
    valued = terms(**spec)
    assert equal_value_years_gained(new, old, valued)[0] == pytest.approx(0.2 + 0.85)
    assert value(new, valued).qalys[0] - value(old, valued).qalys[0] == pytest.approx(0.2 + 0.6)
    assert equal_value_years_gained(old, new, valued)[0] == pytest.approx(-1.05)
    assert equal_value_years_gained(new, new, valued)[0] == 0.0


def test_equal_value_years_follow_quality_up_to_the_earlier_death():
    """0.7 - 0.1 t over the shared two years, 1.2 in all, then a year at the norm; against two years at 0.5."""
    spec = {"slope": 0.01, "norm": np.full((2, 111), 0.85), "source_norm": 0.85}
    new, old = ledger_of(life(3.0, 70.0, 40.0)), ledger_of(life(2.0, 50.0, 50.0))
    assert equal_value_years_gained(new, old, terms(**spec))[0] == pytest.approx(1.2 + 0.85 - 1.0)


def test_with_equal_survival_equal_value_years_are_qalys():
    spec = {"slope": 0.01, "norm": np.full((2, 111), 0.85), "source_norm": 0.85, "rate": 0.03}
    new, old = ledger_of(life(3.3, 70.0, 60.0)), ledger_of(life(3.3, 70.0, 40.0))
    valued = terms(**spec)
    gained = value(new, valued).qalys_discounted - value(old, valued).qalys_discounted
    assert equal_value_years_gained(new, old, valued) == pytest.approx(gained)


def test_equal_value_years_need_a_norm():
    made = ledger_of(life(1.0))
    with pytest.raises(EconomicsError, match="norm"):
        equal_value_years_gained(made, made, terms())


# --- money --------------------------------------------------------------------------------------------------------

CARE = (resource(), resource(item="visit", category="visits", per="event", kind="start", name="a"))
DRUG = dosing("packs", amount=30.0, interval_days=30.0)


@pytest.fixture(scope="module")
def simulated():
    made, people = tiny.two_drugs(), tiny.drug_people(40)
    books = library([DRUG, dosing("rate", treatment="b", item="b_mg")], CARE)
    return build(simulate(made, people, 8), made, people, books, {})


PRICES = (price("a_mg", 3.0), price("b_mg", 0.5), price("care", 900.0), price("visit", 150.0, grade="memory"))


def test_costs_and_years_are_sound(simulated):
    out = value(simulated, terms(*PRICES, rate=0.03, slope=0.002, marker="m"))
    assert (out.costs >= 0.0).all()
    assert (out.costs <= out.costs_undiscounted + 1e-9).all()
    assert (out.qalys <= out.life_years + 1e-12).all()
    assert (out.qalys_discounted <= out.life_years_discounted + 1e-12).all()
    assert out.life_years == pytest.approx(simulated.end)
    assert out.years_by_state.sum(axis=1) == pytest.approx(out.life_years)
    assert out.years_by_line.sum(axis=1) == pytest.approx(out.life_years)
    assert out.items["cost_discounted"].sum() == pytest.approx(out.total.mean())
    assert (out.years_by_state[:, -1] == 0.0).all(), "the dead accrue nothing"


def test_a_rate_of_zero_is_undiscounted(simulated):
    valued = terms(*PRICES, rate=0.03)
    for convention in ("continuous", "mid_year", "start_of_year"):
        changed = replace(valued, discounting=replace(valued.discounting, convention=convention))
        out = value(simulated, without_discounting(changed))
        assert out.costs == pytest.approx(out.costs_undiscounted)
        assert out.qalys_discounted == pytest.approx(out.qalys)
        assert out.life_years_discounted == pytest.approx(out.life_years)


def test_rates_of_costs_and_outcomes_are_apart(simulated):
    one, other = (value(simulated, terms(*PRICES, rate=0.035, rate_outcomes=r)) for r in (0.035, 0.015))
    assert (one.costs == other.costs).all()
    assert (other.qalys_discounted > one.qalys_discounted).all()


def test_twice_the_price_doubles_that_item_and_nothing_else(simulated):
    dearer = (price("a_mg", 6.0), *PRICES[1:])
    one, two = (value(simulated, terms(*prices, rate=0.03)) for prices in (PRICES, dearer))
    for column in ("cost", "cost_discounted"):
        ratio = two.items[column] / one.items[column]
        assert ratio[one.items["item"] == "a_mg"].tolist() == [2.0]
        assert (ratio[one.items["item"] != "a_mg"] == 1.0).all()
    assert (one.qalys_discounted == two.qalys_discounted).all()


def test_an_item_without_a_price_is_refused(simulated):
    with pytest.raises(EconomicsError, match="no price for care"):
        value(simulated, terms(*PRICES[:2], PRICES[3]))


def test_prices_change_on_their_date():
    """Packs at their day's price; what accrues evenly is split at the change."""
    rows = [(0.0, Kind.START, "a"), (2.0, Kind.STOP, "a")]
    new_price = price("a_mg", 100.0, 60.0, starts=(1.0,))
    evenly = ledger_of(life(3.0, 70.0, 70.0, *rows), dosing_rows=[dosing("rate", amount=10.0)])
    assert value(evenly, terms(new_price)).total[0] == pytest.approx(1000.0 + 600.0)
    packs = ledger_of(life(3.0, 70.0, 70.0, *rows), dosing_rows=[dosing("packs", amount=1.0, interval_days=365.25 / 2)])
    assert value(packs, terms(new_price)).total[0] == pytest.approx(100.0 * 2 + 60.0 * 2)
    discounted = value(evenly, terms(new_price, rate=0.03)).total[0]
    exact = quad(lambda t: (1000.0 if t < 1.0 else 600.0) * 1.03**-t, 0.0, 2.0, points=[1.0])[0]
    assert discounted == pytest.approx(exact)


def test_items_tell_units_bought_and_wasted():
    rows = [(1.0, Kind.START, "a"), (1.0 + 45.0 * DAY, Kind.STOP, "a")]
    out = value(ledger_of(life(3.0, 70.0, 70.0, *rows), dosing_rows=[DRUG]), terms(price("a_mg", 2.0)))
    item = out.items.iloc[0]
    assert (item["quantity"], item["cost"]) == (60.0, 120.0)
    assert item["waste"] == pytest.approx(15.0)


# --- terms of a scenario ------------------------------------------------------------------------------------------


def price_row(item: str, amount: float, **changes: Any) -> PriceRow:
    row = {
        "item": item, "label": item, "value": amount, "unit": "mg", "currency": "USD", "price_year": 2024,
        "basis": "fee", "channel": "test", "source": "test", "grade": "verified",
    }  # fmt: skip
    return PriceRow(**{**row, **changes})


def scenario(*rows: PriceRow, overrides: dict[str, PriceOverride] | None = None, **choice: Any) -> Any:
    """What terms are made from."""
    document = EconomicsDocument(
        utility=Utility(
            marker="m", level="level", slope="slope", reference="reference", norm="n", source_age="source_age",
            source_share_female="share", conditions={"infection": "loss"}, not_valued=("carers",),
        ),
        resources=(resource(),),
        price_index={"medical_cpi": {"2020": 500.0, "2024": 550.0, "2026": 600.0}},
    )  # fmt: skip
    base = {
        "currency": "USD", "price_year": 2026, "price_basis": "net",
        "price_date": datetime.date(2026, 1, 1), "perspective": "payer",
        "discount_costs": 0.03, "discount_outcomes": 0.03, "thresholds": (100_000.0,),
    }  # fmt: skip
    norm = UtilityNorm(first_age=18, female=np.linspace(0.9, 0.7, 83), male=np.linspace(0.95, 0.75, 83))
    return SimpleNamespace(
        economics=EconomicsChoice(**{**base, **choice}),
        price_overrides=overrides or {},
        library=SimpleNamespace(
            dosing=(dosing(),), economics=document, prices=rows, utility_norms={"n": norm}
        ),
    )


VALUES = {"level": 0.7, "slope": 0.002, "reference": 70.0, "source_age": 58.0, "share": 0.75, "loss": -0.14}
DRUG_ROWS = (
    price_row("a_mg", 5.0, basis="list"),
    price_row("a_mg", 4.5, basis="net", valid_until=datetime.date(2025, 12, 31)),
    price_row("a_mg", 4.0, basis="net", valid_from=datetime.date(2025, 7, 1)),
    price_row("a_mg", 3.0, basis="net", valid_from=datetime.date(2027, 1, 1), grade="memory"),
)
CARE_ROW = price_row("care", 1000.0, price_year=2020, index="medical_cpi")


def test_net_prices_of_the_date_then_those_to_come():
    made = terms_of(scenario(*DRUG_ROWS, CARE_ROW), VALUES).prices["a_mg"]
    assert made.values == (4.0, 3.0)
    assert made.starts[1] == pytest.approx(365.0 / 365.25)
    assert made.at(np.array([0.0, 0.99, 1.0])).tolist() == [4.0, 4.0, 3.0]
    assert made.weakest_grade == "memory"
    earlier = terms_of(scenario(*DRUG_ROWS, CARE_ROW, price_date=datetime.date(2025, 1, 1)), VALUES).prices["a_mg"]
    assert earlier.values == (4.5, 4.0, 3.0)


def test_list_prices_on_demand():
    assert terms_of(scenario(*DRUG_ROWS, CARE_ROW, price_basis="list"), VALUES).prices["a_mg"].values == (5.0,)


def test_care_is_brought_to_the_price_year_and_drugs_are_not():
    made = terms_of(scenario(*DRUG_ROWS, CARE_ROW), VALUES)
    assert made.prices["care"].values == pytest.approx((1200.0,))
    assert made.prices["a_mg"].values[0] == 4.0
    with pytest.raises(EconomicsError, match="never inflated"):
        terms_of(scenario(price_row("a_mg", 5.0, basis="net", index="medical_cpi"), CARE_ROW), VALUES)


def test_a_scenario_gives_its_own_prices():
    own = {
        "a_mg": PriceOverride(value=1.5, unit="mg", price_year=2026, source="tender"),
        "care": PriceOverride(value=1100.0, unit="year", basis="fee", price_year=2024, source="own study"),
    }
    made = terms_of(scenario(*DRUG_ROWS, CARE_ROW, overrides=own), VALUES)
    assert made.prices["a_mg"].values == (1.5,)
    assert made.prices["care"].values == pytest.approx((1200.0,))
    assert made.prices["a_mg"].sources == ("scenario: tender",)


def test_all_faults_of_prices_are_told_together():
    with pytest.raises(EconomicsError) as caught:
        terms_of(scenario(DRUG_ROWS[3], price_row("cere", 1.0)), VALUES)
    told = str(caught.value)
    assert "no net price in force on 2026-01-01" in told
    assert "did you mean 'cere'" in told
    with pytest.raises(EconomicsError, match="EUR"):
        terms_of(scenario(*DRUG_ROWS, price_row("care", 1.0, currency="EUR")), VALUES)
    with pytest.raises(EconomicsError, match="no level for 1999"):
        terms_of(scenario(*DRUG_ROWS, price_row("care", 1.0, price_year=1999, index="medical_cpi")), VALUES)
    with pytest.raises(EconomicsError, match="per tablet"):
        terms_of(scenario(*DRUG_ROWS[2:3], DRUG_ROWS[3].model_copy(update={"unit": "tablet"}), CARE_ROW), VALUES)


def test_the_norm_of_the_source_mixes_the_sexes():
    spec = terms_of(scenario(*DRUG_ROWS, CARE_ROW), VALUES).utility
    at_58 = 40.0 / 82.0 * 0.2
    assert spec.source_norm == pytest.approx(0.75 * (0.9 - at_58) + 0.25 * (0.95 - at_58))
    assert spec.norm.shape == (2, 101)
    assert (spec.norm[:, 0] == spec.norm[:, 18]).all()
    assert spec.conditions == {"infection": -0.14}


def test_every_price_is_listed_with_its_source_and_grade():
    listed = prices_used(terms_of(scenario(*DRUG_ROWS, CARE_ROW), VALUES))
    assert listed["item"].tolist() == ["a_mg", "a_mg", "care"]
    assert listed["from_memory"].tolist() == [False, True, False]
    assert listed["unit"].iloc[0] == "USD 2026 per mg"
    assert listed["source"].tolist() == ["test"] * 3


def test_terms_describe_their_conventions():
    told = terms_of(scenario(*DRUG_ROWS, CARE_ROW, discount_convention="mid_year"), VALUES).describe()
    assert "USD 2026" in told["Currency and price year"]
    assert "net prices in force on 2026-01-01" in told["Drug prices"]
    assert "middle" in told["Discounting"]
    assert "norm" in told["Utilities"]
