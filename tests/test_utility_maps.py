"""Utility by marker, age and sex: maps against slow plain ones, their integral along a life, and their faults."""

from __future__ import annotations

import shutil
from dataclasses import replace
from math import exp, sqrt
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm as normal

from pathway.definition.documents import GivenMarker, LogisticMap, MixtureClass, MixtureMap
from pathway.economics.maps import UtilityCurve, censored_mean, curve_of, given_marker
from pathway.economics.valuation import equal_value_years_gained, value
from pathway.errors import EconomicsError, ScenarioError
from pathway.eventlog import Kind
from pathway.reading import read
from pathway.report.quality import quality_tables
from tests.hand_made import dosing, ledger_of, resource, terms
from tests.test_valuation import life

FIXTURES = Path(__file__).parent / "fixtures"
VALUES = {
    "low": 0.0, "high": 3.0, "zero": 0.0, "hundred": 100.0, "one": 1.0, "sixty": 60.0,
    "pain": 55.0, "pain_sd": 22.0, "mean": 1.2, "sd": 0.6, "r": 0.6,
    "a1": 0.8, "a2": 0.4, "b1": -0.10, "b2": -0.25, "q1": 0.01, "q2": 0.02, "p1": -0.1, "p2": -0.3, "g1": 0.01, "g2": -0.02, "h1": 0.002, "h2": 0.001,
    "v1": 0.01, "v2": 0.03, "u": 0.004, "top": 0.883, "male": -0.05, "si": 1.5, "sm": -0.4, "sp": 2.0, "sq": -3.0,
    "li": 2.0, "lm": -0.9, "la": 0.006, "ll": -0.3, "ca": 0.02, "cb": 8.0,
}  # fmt: skip


def mixture(**changes: str) -> MixtureMap:
    """Two classes of made-up numbers."""
    other = GivenMarker(mean="pain", spread="pain_sd", marker_mean="mean", marker_spread="sd", correlation="r", lowest="zero", highest="hundred")
    common: dict[str, str] = {}
    first = MixtureClass(
        intercept="a1", by_marker="b1", by_marker_square="q1", by_other="p1", by_age="g1", by_age_square="h1", variance="v1",
        share_intercept="si", share_by_marker="sm", share_by_other="sp", share_by_other_square="sq", **common,
    )  # fmt: skip
    second = MixtureClass(intercept="a2", by_marker="b2", by_marker_square="q2", by_other="p2", by_age="g2", by_age_square="h2", variance="v2")
    parts: dict[str, Any] = {
        "form": "mixture", "lowest": "low", "highest": "high", "other": other, "male": "male", "patient_variance": "u", "censored_from": "top",
        "age_centre": "sixty", "age_terms": "one", "classes": (first, second),
    }  # fmt: skip
    return MixtureMap(**{**parts, **changes})


def plainly(marker: float, age: float, *, male: bool) -> float:
    """The mixture's mean by adaptive quadrature over pain and over the normal of each class."""
    v = VALUES
    mean = v["pain"] + v["r"] * v["pain_sd"] / v["sd"] * (marker - v["mean"])
    spread = v["pain_sd"] * sqrt(1.0 - v["r"] ** 2)
    inside = normal.cdf(100.0, mean, spread) - normal.cdf(0.0, mean, spread)
    decade = (age - 60.0) / 10.0

    def at(pain: float) -> float:
        p = pain / 100.0
        odds = exp(v["si"] + v["sm"] * marker + v["sp"] * p + v["sq"] * p * p)
        total = 0.0
        for share, k in ((odds / (1.0 + odds), "1"), (1.0 / (1.0 + odds), "2")):
            place = v["a" + k] + v["b" + k] * marker + v["q" + k] * marker**2 + v["p" + k] * p + v["g" + k] * decade + v["h" + k] * decade**2
            place += v["male"] if male else 0.0
            sd = sqrt(v["v" + k] + v["u"])
            below = quad(lambda y, place=place, sd=sd: y * normal.pdf(y, place, sd), place - 10 * sd, v["top"], epsabs=1e-10)[0]
            total += share * (below + normal.sf(v["top"], place, sd))
        return total

    return quad(lambda pain: at(pain) * normal.pdf(pain, mean, spread), 0.0, 100.0, epsabs=1e-8)[0] / inside


@pytest.mark.parametrize(("marker", "age", "male"), [(0.0, 40, False), (1.25, 60, True), (3.0, 82, False)])
def test_a_mixture_is_its_mean_over_pain_and_classes(marker, age, male):
    curve = curve_of(mixture(), VALUES)
    sex, cell = np.array([0 if male else 1]), curve.cell_of(np.array([marker]))
    assert curve(np.array([marker]), cell, sex, np.array([age]))[0] == pytest.approx(plainly(marker, age + 0.5, male=male), abs=2e-6)


def test_pain_given_the_marker_has_weights_that_sum_to_one_and_stays_in_its_ends():
    node, weight = given_marker(mixture().other, VALUES, np.array([0.0, 3.0]))
    assert weight.sum(axis=1) == pytest.approx([1.0, 1.0])
    assert (node > 0.0).all()
    assert (node < 100.0).all()
    assert (weight * node).sum(axis=1)[1] > (weight * node).sum(axis=1)[0]


def test_without_age_terms_age_does_not_matter():
    assert curve_of(mixture(age_terms="zero"), VALUES).worth.shape == (2, 1, 25)
    aged = curve_of(mixture(), VALUES).worth
    middle = curve_of(mixture(age_terms="zero"), VALUES).worth[:, 0]
    assert aged[:, 59:61].mean(axis=1) == pytest.approx(middle, abs=2e-4), "the centre of age is where the terms are 0"


def test_pieces_are_fine_enough():
    coarse, fine = (curve_of(mixture(pieces=pieces), VALUES) for pieces in (24, 960))
    between = np.interp(fine.points, coarse.points, coarse.worth[1, 55])
    assert between == pytest.approx(fine.worth[1, 55], abs=2e-4)


def test_a_censored_mean_is_between_its_ends():
    place = np.linspace(-2.0, 3.0, 101)
    mean = censored_mean(place, 0.2, 0.883)
    assert (np.diff(mean) > -1e-12).all()
    assert mean[0] == pytest.approx(-2.0)
    assert mean[-1] == pytest.approx(1.0)


def test_a_logistic_map_by_hand():
    spec = LogisticMap(form="logistic", lowest="low", highest="high", intercept="li", by_marker="lm", by_age="la", male="ll", constants=(("ca", "cb"),))
    curve = curve_of(spec, VALUES)
    by_hand = 1.0 / (1.0 + exp(-(2.0 + 0.02 * 8.0 + 0.006 * 50.5 - 0.3 - 0.9 * 1.5)))
    assert curve.worth[0, 50, 12] == pytest.approx(by_hand)
    assert (curve.worth[1] > curve.worth[0]).all()


# --- along a life -------------------------------------------------------------------------------------------------

POINTS = np.array([0.0, 1.0, 2.0, 3.0])
WORTH = np.zeros((2, 121, 4))
WORTH[1] = np.array([0.9, 0.7, 0.3, -0.1]) - 0.004 * (np.arange(121)[:, None] - 50)
WORTH[0] = WORTH[1] - 0.05
BY_AGE = UtilityCurve(points=POINTS, worth=WORTH)


@given(st.floats(18.0, 95.0), st.floats(0.05, 6.0), st.floats(-0.5, 3.5), st.floats(-0.5, 3.5), st.sampled_from([0.0, 0.03]), st.sampled_from([0.0, 1.0]))
def test_utility_by_marker_age_and_sex_is_integrated_exactly(age, years, first, last, rate, female):
    made = ledger_of(life(years, first, last), age=age, female=female)
    out = value(made, terms(curve=BY_AGE, level=0.0, slope=0.0, reference=0.0, rate=rate))
    points = 4000
    t = (np.arange(points) + 0.5) * years / points
    marker = np.clip(first + (last - first) * t / years, 0.0, 3.0)
    row = WORTH[int(female), np.floor(age + t).astype(int)]
    cell = np.clip(np.searchsorted(POINTS, marker, side="right") - 1, 0, 2)
    u = np.minimum(row[np.arange(points), cell] + (marker - cell) * (row[np.arange(points), cell + 1] - row[np.arange(points), cell]), 1.0)
    assert out.qalys_discounted[0] == pytest.approx((u * (1.0 + rate) ** -t).mean() * years, abs=5e-5)


def test_a_decrement_is_added_to_a_map_and_utility_may_be_negative():
    rows = [(0.5, Kind.CONDITION, "infection"), (0.75, Kind.RECOVER, "infection")]
    made = ledger_of(life(1.0, 3.0, 3.0, *rows), age=50.0)
    out = value(made, terms(curve=BY_AGE, level=0.0, reference=0.0, conditions={"infection": -0.156}))
    assert out.qalys[0] == pytest.approx(-0.1 - 0.25 * 0.156)


def test_a_norm_that_only_caps_multiplies_nothing():
    """Utility 0.9 at 50 under a norm of 0.8 whose source had 0.4: capped at 0.8, not doubled; at marker 1, 0.7 stays."""
    spec = {"curve": BY_AGE, "level": 0.0, "reference": 0.0, "norm": np.full((2, 111), 0.8), "source_norm": 0.4, "is_scaled": False}
    best, usual = (ledger_of(life(0.5, m, m), age=50.0) for m in (0.0, 1.0))
    assert value(best, terms(**spec)).qalys[0] == pytest.approx(0.4)
    assert value(best, terms(**spec, is_capped=False)).qalys[0] == pytest.approx(0.45)
    assert value(usual, terms(**spec)).qalys[0] == pytest.approx(0.35)
    assert equal_value_years_gained(ledger_of(life(0.9, 1.0, 1.0), age=50.0), usual, terms(**spec))[0] == pytest.approx(0.4 * 0.8)


@pytest.mark.parametrize("points", [np.array([1.0]), np.array([1.0, 1.0]), np.array([2.0, 1.0])])
def test_a_curve_needs_two_points_that_rise(points):
    with pytest.raises(EconomicsError, match="two or more points that rise"):
        UtilityCurve(points=points, worth=np.zeros((2, 1, points.size)))


# --- doses by weight, quantities from evidence --------------------------------------------------------------------


@pytest.mark.parametrize(("weight", "syringes"), [(70.0, 2.0), (99.9, 2.0), (100.0, 4.0), (130.0, 4.0)])
def test_a_row_of_dosing_may_be_for_some_weights(weight, syringes):
    rows = [
        dosing("packs", amount=2.0, interval_days=28.0, weight_below=100.0),
        dosing("packs", amount=4.0, interval_days=28.0, weight_at_least=100.0),
    ]
    course = [(0.0, Kind.START, "a"), (0.05, Kind.HOLD, "a"), (0.06, Kind.RESUME, "a"), (0.07, Kind.STOP, "a")]
    made = ledger_of([*life(1.0, 70.0, 70.0), *life(1.0, 70.0, 70.0, *course)], dosing_rows=rows, weight=weight)
    assert made.use["quantity"].tolist() == [syringes]


def test_a_quantity_may_be_a_row_of_evidence():
    made = ledger_of(life(2.0), resources=[resource(quantity_value="days"), resource(item="stay", per="death", quantity_value="days")], values={"days": 0.72})
    assert sorted(made.use["quantity"].tolist()) == pytest.approx([0.72, 1.44])


def test_a_quantity_may_follow_a_marker_up_to_an_age():
    """2 a year and unit of a marker that falls from 3 to 1 over four years of a woman of 63.5: up to 65, 1.5 years at a mean of 2.625."""
    rows = [(2.0, Kind.START, "a")]
    values = {"old": 65.0, "two": 2.0}
    work = resource(marker="m", times_marker=True, age_below="old", quantity_value="two")
    made = ledger_of(life(4.0, 3.0, 1.0, *rows), age=63.5, resources=[work], values=values)
    assert made.use["quantity"].sum() == pytest.approx(2.0 * 1.5 * 2.625)
    assert made.use["stop"].max() == pytest.approx(1.5)
    ageless = ledger_of(life(4.0, 3.0, 1.0, *rows), age=63.5, resources=[resource(marker="m", times_marker=True)])
    assert ageless.use["quantity"].sum() == pytest.approx(4.0 * 2.0)
    retired = ledger_of(life(4.0, 3.0, 1.0, *rows), age=70.0, resources=[work, resource(per="death", age_below="old")], values=values)
    assert retired.use["quantity"].size == 0


def test_what_is_never_used_leaves_no_row():
    made = ledger_of(life(2.0), resources=[resource(quantity_value="none"), resource(per="death", quantity_value="none")], values={"none": 0.0})
    assert made.use["quantity"].size == 0


# --- read from documents ------------------------------------------------------------------------------------------

LOGISTIC = 'form = "logistic"\nlowest = "map_lowest"\nhighest = "map_highest"\nintercept = "utility_level"\nby_marker = "utility_slope"\nby_age = "utility_slope"\nmale = "utility_slope"\n'
SCORES = "map_lowest,lowest score,{low},point,fixed,,,,,made_up,assumption,,\nmap_highest,highest score,{high},point,fixed,,,,,made_up,assumption,,\n"


def study(tmp_path: Path, utility: str, *, low: float = 0.0, high: float = 120.0, dosing_row: str = "") -> Path:
    """The tiny study with another way of telling utility."""
    shutil.copytree(FIXTURES, tmp_path / "study")
    folder = tmp_path / "study" / "tiny"
    people = folder / "evidence" / "people.csv"
    people.write_text(people.read_text() + SCORES.format(low=low, high=high))
    economics = folder / "economics.toml"
    text = economics.read_text()
    line = 'level = "utility_level"\nslope = "utility_slope"\nreference = "score_usual"\n'
    assert line in text
    text = text.replace(line, "").replace("[drug_categories]", f"{utility}\n[drug_categories]")
    economics.write_text(text.replace('marker = "score"\n', 'marker = "score"\nscaled_by_norm = false\n' + ('map_switch = "drift"\n' if "maps" in utility else "")))
    if dosing_row:
        doses = folder / "dosing.csv"
        lines = doses.read_text().splitlines()
        doses.write_text("\n".join([lines[0] + ",weight_at_least,weight_below", *(line + ",," for line in lines[1:]), dosing_row]) + "\n")
    return tmp_path / "study" / "tiny.toml"


TWO_MAPS = f"[utility.maps.slow]\n{LOGISTIC}\n[utility.maps.fast]\n{LOGISTIC}"


def test_maps_are_chosen_by_their_switch_and_all_of_them_are_kept(tmp_path):
    from pathway.economics.terms import terms_of

    scenario = read(study(tmp_path, TWO_MAPS))
    made = terms_of(scenario, scenario.base_values())
    assert sorted(made.maps) == ["fast", "slow"]
    assert made.utility is made.maps["slow"]
    assert "map slow of score, age and sex; not multiplied" in made.describe()["Utilities"]
    other = replace(scenario, switches={**scenario.switches, "drift": "fast"})
    assert terms_of(other, other.base_values()).utility.map == "fast"
    assert {"utility_level", "map_highest"} <= set(scenario.used_parameters())


@pytest.mark.parametrize(
    ("utility", "ends", "words"),
    [
        (f"[utility.maps.slow]\n{LOGISTIC}", {}, "one map for each option"),
        (TWO_MAPS, {"low": 120.0, "high": 0.0}, "the lowest and the highest value"),
        ("", {}, "level, slope and reference; or a curve; or maps"),
        (TWO_MAPS.replace('form = "logistic"', 'form = "straight"'), {}, "straight"),
    ],
)
def test_maps_that_cannot_be_are_told(tmp_path, utility, ends, words):
    with pytest.raises(ScenarioError) as caught:
        read(study(tmp_path, utility, **ends))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("row", "words"),
    [("alpha,alpha_pill,drug,rate,10,mg,,made_up,assumption,100,50", "from 100 to below 50 kg"), ("alpha,alpha_pill,drug,rate,10,mg,,made_up,assumption,,50", "weight_kg")],
)
def test_weights_that_cannot_be_are_told(tmp_path, row, words):
    with pytest.raises(ScenarioError) as caught:
        read(study(tmp_path, TWO_MAPS, dosing_row=row))
    assert words in str(caught.value)


# --- in a report --------------------------------------------------------------------------------------------------


def test_a_report_shows_every_map_beside_the_other(tmp_path):
    from pathway import experiment
    from pathway.report.view import View

    scenario = read(study(tmp_path, TWO_MAPS.replace('by_age = "utility_slope"\nmale', 'by_age = "utility_infection"\nmale', 1)))
    results = experiment.run(scenario, patients=12)
    table = quality_tables(View(results))[0]
    frame = table.frame.set_index("strategy")
    for strategy, run in results.strategies.items():
        assert frame.loc[strategy, "qalys_slow"] == pytest.approx(run.outcomes.qalys_discounted.mean())
        assert frame.loc[strategy, "qalys_fast"] != frame.loc[strategy, "qalys_slow"]
        assert frame.loc[strategy, "qalys_uncapped_fast"] >= frame.loc[strategy, "qalys_fast"]
    assert frame.loc["alpha_first", "icer_text_slow"] == "comparator"
    other = frame.loc["beta_first"]
    assert other["inc_qalys_fast"] == pytest.approx(other["qalys_fast"] - frame.loc["alpha_first", "qalys_fast"])
    gained = 100_000.0 * other["inc_qalys_slow"] - (results.strategies["beta_first"].outcomes.total - results.strategies["alpha_first"].outcomes.total).mean()
    assert other["inc_nmb_slow"] == pytest.approx(gained)
    assert "This run uses slowly" in table.note
    assert [column.head for column in table.columns if column.key.startswith("qalys")] == ["QALYs, slowly", "QALYs, fast"]


def test_one_way_of_telling_utility_needs_no_table():
    view = SimpleNamespace(results=SimpleNamespace(terms=terms()))
    assert quality_tables(view) == []  # type: ignore[arg-type]
