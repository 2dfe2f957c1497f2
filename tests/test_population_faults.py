"""Faults of populations are told for every one of a library, without drawing anybody."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from pathway.definition.population import CohortDefinition
from pathway.populating.faults import faults_of
from pathway.reading import check
from tests.small_study import cohort_tables, small_scenario

FIXTURES = Path(__file__).parent / "fixtures"
HEIGHT = {"family": "normal", "by": {"0": "height_men", "1": "height_women"}, "of": "female", "sd": "height_sd"}

DRAWS: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("age", {"family": "normal", "sd": "age_sd"}, ("family normal without mean or by",)),
    ("age", {"family": "normal", "mean": "age_mean", "sd": "zero"}, ("age.sd", "zero = 0", "above 0")),
    ("age", {"family": "normal", "mean": "age_mean", "sd": "age_sd", "median": "ten"}, ("median, which family normal has no use for",)),
    ("age", {"family": "lognormal", "mean": "ten", "median": "age_mean", "sd": "age_sd"}, ("a median and a mean",)),
    ("age", {"family": "uniform", "low": "age_high", "high": "age_low"}, ("low below high",)),
    ("age", {"family": "fixed", "value": "height_men"}, ("age.value", "height_men = 176", "from 18 to 100 years")),
    ("age", {"family": "fixed", "value": "age_men"}, ("value 'age_men'", "did you mean 'age_mean'?")),
    ("female", {"family": "yes_no", "probability": "ten"}, ("female.probability", "ten = 10", "from 0 to 1")),
    ("female", {"family": "yes_no", "by": {"0": "half", "1": "half"}, "of": "female"}, ("a circle among female",)),
    ("female", {"family": "yes_no", "probability": "half", "sd": "age_sd"}, ("sd, which family yes_no has no use for",)),
    ("m0", {"family": "lognormal", "median": "zero", "sd": "half"}, ("m0.median", "zero = 0")),
    ("height_cm", {**HEIGHT, "by": {"1": "height_women"}}, ("no entry for female = [0.0]", "add 0")),
    ("height_cm", {**HEIGHT, "by": {"man": "height_men"}}, ("key 'man'",)),
    ("height_cm", {**HEIGHT, "of": "age"}, ("age, which takes any value",)),
    ("height_cm", {**HEIGHT, "of": "sex"}, ("covariate 'sex', which this population does not draw",)),
    ("height_cm", {"family": "normal", "mean": "height_men", "of": "female", "sd": "height_sd"}, ("by without of, or the reverse",)),
    ("height_cm", {**HEIGHT, "by": {"0": "height_men", "1": "ten"}}, ("height_cm.by.1", "ten = 10", "from 120 to 220 cm")),
    ("factor", {"family": "predicted", "rule": "gli"}, ("'gli'", "one of gli_height_factor")),
    ("factor", {"family": "predicted", "rule": "mosteller"}, ("mosteller without weight_kg",)),
    ("factor", {"family": "predicted", "rule": "gli_height_factor", "by": {"exponent": "ten"}}, ("keys exponent under by",)),
    ("smokes", {"family": "fixed", "value": "ten"}, ("covariate 'smokes'", "define it in pathway.toml")),
]  # fmt: skip


def told(tables: dict[str, Any]) -> str:
    """All faults of a population of the small study, as text."""
    scenario = small_scenario()
    cohort = CohortDefinition.model_validate(tables)
    faults = faults_of(cohort, scenario.library.pathway.covariates, scenario.base_values(), "here")
    assert all(fault.where and fault.found and fault.expected and fault.mend for fault in faults)
    return "\n".join(str(fault) for fault in faults)


def test_a_sound_population_has_no_fault() -> None:
    assert told(cohort_tables()) == ""


@pytest.mark.parametrize(("name", "draw", "words"), DRAWS, ids=[f"{name}-{words[-1]}" for name, _, words in DRAWS])
def test_a_draw_that_cannot_be_made_is_told(name: str, draw: dict[str, Any], words: tuple[str, ...]) -> None:
    tables = cohort_tables()
    tables["covariates"][name] = draw
    tables["correlations"] = []
    said = told(tables)
    for word in words:
        assert word in said, said


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        ("age", "age", "age with itself"),
        ("m0", "age", "m0 and age a second time"),
        ("age", "factor", "factor, which is predicted: computed from other covariates"),
        ("age", "onset_years", "onset_years, which is fixed: the same for everybody"),
        ("heigth_cm", "age", "did you mean 'height_cm'?"),
    ],
)
def test_what_is_wrong_with_a_correlation_is_said(a: str, b: str, words: str) -> None:
    tables = cohort_tables()
    tables["covariates"]["onset_years"] = {"family": "fixed", "value": "onset_low"}
    tables["correlations"].append({"a": a, "b": b, "value": "correlated"})
    said = told(tables)
    assert words in said
    assert "here.correlations[1]" in said


def test_correlations_are_judged_as_they_are_drawn() -> None:
    """Ranks at 0.5, 0.5 and -0.497 are positive definite as they stand, their normals (0.518, 0.518, -0.514) are not."""
    scenario = small_scenario(numbers={"half_rank": (0.5, "fraction"), "opposite": (-0.497, "fraction")})
    tables = cohort_tables()
    pairs = (("age", "m0", "half_rank"), ("age", "height_cm", "half_rank"), ("m0", "height_cm", "opposite"))
    tables["correlations"] = [{"a": a, "b": b, "value": value} for a, b, value in pairs]
    cohort = CohortDefinition.model_validate(tables)
    (fault,) = faults_of(cohort, scenario.library.pathway.covariates, scenario.base_values(), "here")
    assert "cannot be true together" in fault.found


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"line": 0, "regimen": ["a"]}, "line 0, untreated, with a on"),
        ({"line": 1, "regimen": ["a"], "failed": ["a", "b"]}, "a both on and failed"),
        ({"line": 1, "on_regimen_years": "years_on"}, "covariate 'years_on'"),
    ],
)
def test_an_entry_that_contradicts_itself_is_told(entry: dict[str, Any], words: str) -> None:
    assert words in told({**cohort_tables(), "entry": entry})


def test_all_faults_are_told_together() -> None:
    tables = cohort_tables()
    del tables["covariates"]["m0"]
    tables["covariates"]["age"]["sd"] = "zero"
    tables["correlations"] *= 2
    said = told(tables)
    for word in ("no draw of m0", "zero = 0", "covariate 'm0'"):
        assert word in said, said


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('covariates.score_at_entry = { family = "fixed", value = "score_usual" }\n', "", "no draw of score_at_entry"),
        ('set = { death', 'correlations = [{ a = "age", b = "female", value = "age_score" }]\nset = { death', "age, which is fixed"),
        ('covariates.female = { family = "fixed", value = "one" }', 'covariates.female = { family = "fixed" }', "without value or by"),
    ],
)  # fmt: skip
def test_the_reader_finds_faults_of_a_population_that_no_study_uses(tmp_path: Path, old: str, new: str, words: str) -> None:
    shutil.copytree(FIXTURES, tmp_path / "study")
    path = tmp_path / "study/tiny/cohorts.toml"
    naive, severe = path.read_text().split("[severe]")
    assert old in severe
    path.write_text(naive + "[severe]" + severe.replace(old, new))
    (fault,) = check(tmp_path / "study/tiny.toml")
    assert fault.where.startswith("tiny/cohorts.toml, key severe.")
    assert words in fault.found
