"""Cohorts: moments, truncation, correlation, the prefix property, formulas by hand, and the user's own patients."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from pathway.cohort import FORMULAS, describe_cohort, draw_cohort, patient_columns
from pathway.errors import ScenarioError
from pathway.populating.copula import correlated_normals, truncated_normal
from pathway.populating.formulas import gli_height_factor, inflammatory_phenotype, mosteller
from pathway.program import Cohort
from tests.small_study import cohort_tables, pathway_tables, small_scenario

MANY = 20_000


def drawn(size: int = MANY, *, first: int = 0, seed: int | None = None, **changes: Any) -> Cohort:
    scenario = small_scenario(**changes)
    return draw_cohort(scenario, scenario.base_values(), size=size, first=first, seed=seed)


def column(cohort: Cohort, name: str) -> np.ndarray:
    return cohort.values[:, cohort.covariates.index(name)]


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return drawn()


def standard_errors(values: np.ndarray, mean: float) -> float:
    return abs(values.mean() - mean) / (values.std() / math.sqrt(values.size))


def test_columns_follow_the_pathway_not_the_cohort_file(cohort: Cohort) -> None:
    assert cohort.covariates == ("age", "female", "height_cm", "factor", "m0", "onset_years")


def test_truncated_normal_has_the_moments_of_a_restricted_normal(cohort: Cohort) -> None:
    age = column(cohort, "age")
    exact = stats.truncnorm((20.0 - 55.0) / 10.0, (85.0 - 55.0) / 10.0, 55.0, 10.0)
    assert standard_errors(age, exact.mean()) < 4.0
    assert age.std() == pytest.approx(exact.std(), rel=0.02)
    assert (age > 20.0).all()
    assert (age < 85.0).all()
    assert stats.kstest(age, exact.cdf).pvalue > 1e-4


def test_truncated_lognormal_keeps_its_shape_and_its_ends(cohort: Cohort) -> None:
    marker = column(cohort, "m0")
    lower, upper = stats.norm.cdf(np.log(np.array([45.0, 110.0]) / 75.0) / 0.2)

    def cdf(x: np.ndarray) -> np.ndarray:
        return (stats.norm.cdf(np.log(x / 75.0) / 0.2) - lower) / (upper - lower)

    assert stats.kstest(marker, cdf).pvalue > 1e-4
    assert np.unique(marker).size == marker.size, "nothing piles up at an end, as clipping would make it"


def test_heavily_truncated_normal_stays_inside_and_spreads() -> None:
    normals = stats.norm.ppf((np.arange(1000) + 0.5) / 1000)
    found = truncated_normal(normals, np.zeros(1000), 1.0, 3.0, 3.5)
    assert ((found >= 3.0) & (found <= 3.5)).all()
    exact = stats.truncnorm(3.0, 3.5)
    assert found == pytest.approx(exact.ppf((np.arange(1000) + 0.5) / 1000), abs=1e-9)


def test_shares_uniforms_and_conditional_means(cohort: Cohort) -> None:
    female, height, onset = (column(cohort, name) for name in ("female", "height_cm", "onset_years"))
    assert set(np.unique(female)) == {0.0, 1.0}
    assert standard_errors(female, 0.8) < 4.0
    assert standard_errors(height[female == 1.0], 163.0) < 4.0
    assert standard_errors(height[female == 0.0], 176.0) < 4.0
    assert height[female == 1.0].std() == pytest.approx(7.0, rel=0.03)
    assert stats.kstest(onset, stats.uniform(0.5, 5.5).cdf).pvalue > 1e-4


def test_rank_correlation_is_the_one_asked_for(cohort: Cohort) -> None:
    names = ("age", "m0")
    found = stats.spearmanr(*(column(cohort, name) for name in names)).statistic
    assert found == pytest.approx(0.5, abs=0.025)
    assert abs(stats.spearmanr(column(cohort, "age"), column(cohort, "onset_years")).statistic) < 0.03


def test_contradicting_correlations_are_refused_with_the_smallest_eigenvalue() -> None:
    tables = cohort_tables()
    pairs = (("age", "m0", "high"), ("age", "onset_years", "high"), ("m0", "onset_years", "opposite"))
    tables["correlations"] = [{"a": a, "b": b, "value": value} for a, b, value in pairs]
    numbers = {"high": (0.9, "fraction"), "opposite": (-0.9, "fraction")}
    with pytest.raises(ScenarioError, match=r"smallest eigenvalue -0\.8"):
        drawn(10, cohort=tables, numbers=numbers)


def test_the_first_patients_of_a_larger_draw_are_the_smaller_draw(cohort: Cohort) -> None:
    few = drawn(37)
    assert np.array_equal(few.values, cohort.values[:37])
    later = drawn(20, first=30)
    assert np.array_equal(later.values, cohort.values[30:50])
    assert later.patient.tolist() == list(range(30, 50))
    assert not np.array_equal(drawn(37, seed=5).values, few.values)


def test_order_of_covariates_in_files_moves_no_draw(cohort: Cohort) -> None:
    tables = cohort_tables()
    tables["covariates"] = dict(reversed(tables["covariates"].items()))
    tables["correlations"] = [{"a": "m0", "b": "age", "value": "correlated"}]
    pathway = pathway_tables()
    pathway["covariates"] = dict(sorted(pathway["covariates"].items()))
    other = drawn(200, cohort=tables, pathway=pathway)
    for name in cohort.covariates:
        assert np.array_equal(column(other, name), column(cohort, name)[:200]), name


def test_an_uncorrelated_covariate_moves_no_other_draw() -> None:
    patient = np.arange(50, dtype=np.int64)
    some = correlated_normals({("b", "c"): 0.3}, ["b", "c"], patient, 1)
    more = correlated_normals({("b", "c"): 0.3}, ["a", "b", "c"], patient, 1)
    assert np.array_equal(some["c"], more["c"])


def test_entry_says_line_regimen_failures_and_time_on_drug(cohort: Cohort) -> None:
    assert set(cohort.line.tolist()) == {1}
    assert set(cohort.regimen.tolist()) == {0b01}
    assert set(cohort.failed.tolist()) == {0b10}
    assert np.array_equal(cohort.years_on, column(cohort, "onset_years"))
    assert (cohort.choose, cohort.reason) == ("next_line", "progression")


def test_size_is_the_studys_when_not_given() -> None:
    scenario = small_scenario()
    assert draw_cohort(scenario, scenario.base_values()).size == 50


# --- formulas ------------------------------------------------------------------------------------


def test_height_factor_is_the_published_power(cohort: Cohort) -> None:
    height, female = np.array([150.0, 165.0, 190.0]), np.array([1.0, 0.0, 0.0])
    expected = [(150 / 165) ** 2.621579, 1.0, (190 / 165) ** 2.727421]
    assert gli_height_factor(height, female) == pytest.approx(expected, rel=1e-13)
    assert np.array_equal(
        column(cohort, "factor"), gli_height_factor(column(cohort, "height_cm"), column(cohort, "female"))
    )


def test_body_surface_by_hand() -> None:
    assert mosteller(np.array([160.0]), np.array([90.0]))[0] == pytest.approx(2.0)


def test_inflammatory_phenotype_needs_every_part() -> None:
    limits = {
        "onset_at_most": 5.0,
        "mrss_at_least": 10.0,
        "mrss_at_most": 35.0,
        "crp_at_least": 6.0,
        "esr_at_least": 28.0,
        "platelets_at_least": 330.0,
    }
    typical = {"diffuse": 1.0, "onset_years": 5.0, "mrss": 10.0, "crp": 6.0, "esr": 10.0, "platelets": 200.0}
    cases = [
        ({}, 1.0),
        ({"crp": 5.9}, 0.0),
        ({"crp": 1.0, "esr": 28.0}, 1.0),
        ({"crp": 1.0, "platelets": 330.0}, 1.0),
        ({"diffuse": 0.0}, 0.0),
        ({"onset_years": 5.1}, 0.0),
        ({"mrss": 9.0}, 0.0),
        ({"mrss": 35.0}, 1.0),
        ({"mrss": 36.0}, 0.0),
    ]
    columns = {name: np.array([{**typical, **change}[name] for change, _ in cases]) for name in typical}
    assert inflammatory_phenotype(columns, limits).tolist() == [expected for _, expected in cases]
    assert set(FORMULAS["inflammatory_phenotype"].constants) == set(limits)


# --- faults of a preset ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "draw", "words"),
    [
        ("factor", {"family": "predicted", "rule": "gli_height"}, "did you mean 'gli_height_factor'?"),
        ("factor", {"family": "predicted", "rule": "mosteller"}, "mosteller without weight_kg"),
        ("age", {"family": "normal", "mean": "age_men", "sd": "age_sd"}, "did you mean 'age_mean'?"),
        ("age", {"family": "normal", "mean": "age_mean", "sd": "zero"}, "a standard deviation above 0"),
        ("age", {"family": "uniform", "low": "age_high", "high": "age_low"}, "low below high"),
        ("female", {"family": "yes_no", "probability": "ten"}, "a probability"),
        (
            "height_cm",
            {"family": "normal", "by": {"1": "height_men"}, "of": "female", "sd": "height_sd"},
            "no entry for female = [0.0]",
        ),
        ("female", {"family": "yes_no", "by": {"1": "half"}, "of": "female"}, "a circle among"),
        ("m0", {"family": "fixed"}, "no value"),
    ],
)
def test_a_draw_that_cannot_be_made_is_refused_in_words(name: str, draw: dict[str, Any], words: str) -> None:
    tables = cohort_tables()
    tables["covariates"][name] = draw
    tables["correlations"] = []
    with pytest.raises(ScenarioError) as caught:
        drawn(40, cohort=tables)
    assert words in str(caught.value)


def test_a_covariate_without_a_draw_is_named() -> None:
    tables = cohort_tables()
    del tables["covariates"]["m0"]
    with pytest.raises(ScenarioError, match="no draw of m0"):
        drawn(5, cohort=tables)


# --- the user's own patients ------------------------------------------------------------------------------------


def own_columns() -> dict[str, np.ndarray]:
    return {
        "age": np.array([40.0, 50.0, 60.0]),
        "female": np.array([1.0, 0.0, 1.0]),
        "height_cm": np.array([165.0, 180.0, 170.0]),
        "m0": np.array([70.0, 80.0, 90.0]),
        "onset_years": np.array([1.0, 2.0, 3.0]),
    }


def test_own_patients_are_taken_as_they_are_and_completed() -> None:
    cohort = draw_cohort(scenario := small_scenario(patients=own_columns()), scenario.base_values())
    assert cohort.size == 3
    assert column(cohort, "age").tolist() == [40.0, 50.0, 60.0]
    assert column(cohort, "factor")[1] == pytest.approx((180 / 165) ** 2.727421)
    part = draw_cohort(scenario, scenario.base_values(), first=1, size=2)
    assert np.array_equal(part.values, cohort.values[1:])
    assert part.patient.tolist() == [1, 2]


def test_own_patients_without_a_preset_enter_untreated() -> None:
    scenario = small_scenario(patients=own_columns(), study={"cohort": None, "patients_file": "mine.csv"})
    cohort = draw_cohort(scenario, scenario.base_values())
    assert cohort.line.tolist() == [0, 0, 0]
    assert cohort.regimen.tolist() == [0, 0, 0]
    assert column(cohort, "factor")[0] == 1.0


def test_own_patients_out_of_range_are_named_by_row() -> None:
    columns = own_columns()
    columns["age"][1] = 7.0
    columns["m0"][2] = math.nan
    columns["heigth_cm"] = columns.pop("height_cm")
    scenario = small_scenario(patients=columns, study={"patients_file": "mine.csv"})
    with pytest.raises(ScenarioError) as caught:
        draw_cohort(scenario, scenario.base_values())
    message = str(caught.value)
    assert "mine.csv, column age\n  found     row 3: 7\n  expected  18 to 100 years" in message
    assert "row 4: nan" in message
    assert "did you mean 'height_cm'?" in message
    with pytest.raises(ScenarioError, match="3 patients"):
        draw_cohort(small_scenario(patients=own_columns()), {}, size=4)


def test_columns_of_own_patients_are_documented() -> None:
    frame = patient_columns(small_scenario()).set_index("column")
    assert list(frame.columns) == ["unit", "low", "high", "label", "required"]
    assert not frame.loc["factor", "required"]
    assert frame.loc["age"].tolist() == ["years", 18.0, 100.0, "Age", True]


def test_description_has_mean_spread_and_quartiles(cohort: Cohort) -> None:
    frame = describe_cohort(cohort)
    age = column(cohort, "age")
    assert frame.loc["age", "mean"] == pytest.approx(age.mean())
    assert frame.loc["age", "sd"] == pytest.approx(age.std(ddof=1))
    row = frame.loc["age", ["minimum", "quartile_1", "median", "quartile_3", "maximum"]]
    assert row.tolist() == pytest.approx(np.quantile(age, [0, 0.25, 0.5, 0.75, 1]).tolist())
    assert describe_cohort(drawn(1))["sd"].isna().all()
