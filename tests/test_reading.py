"""What a read scenario holds: numbers in house units, layers in order, names that all exist."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pathway import draws
from pathway.definition import documents
from pathway.definition.change import When
from pathway.definition.documents import Criterion, PathwayDocument, Sum, Transition
from pathway.definition.mentions import mentions
from pathway.definition.scenario import Scenario
from pathway.definition.values import Layers, resolve
from pathway.errors import ScenarioError
from pathway.reading import read
from pathway.reading.house import house_unit
from pathway.reading.schema import KINDS, json_schema
from tests.test_bad_input import COHORTS, COURSE, PATHWAY, STUDY, WARNINGS, edit, folder

__all__ = ["WARNINGS", "folder"]

TINY = Path(__file__).parent / "fixtures" / "tiny.toml"


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    """The tiny study."""
    return read(TINY)


def test_the_tiny_study_is_read_without_a_warning(scenario: Scenario) -> None:
    assert scenario.warnings == ()
    assert scenario.study.patients == 20
    assert list(scenario.strategies) == ["alpha_first", "beta_first"]
    assert scenario.sha256 == hashlib.sha256(TINY.read_bytes()).hexdigest()
    assert [name for name, _ in scenario.library.files][:2] == ["tiny/pathway.toml", "tiny/strategies.toml"]


def test_numbers_are_carried_in_house_units(scenario: Scenario) -> None:
    values = scenario.base_values()
    assert values["one_year"] == 1.0
    assert math.isclose(values["quarter"], 13 * 7 / 365.25)
    assert values["alpha_share"] == 0.5
    stop = scenario.library.parameters["stop_rate"]
    assert (stop.value, stop.low, stop.high, stop.unit) == (0.05, 0.03, 0.08, "per year")


@pytest.mark.parametrize(
    ("unit", "house"),
    [
        ("days", "years"),
        ("per month", "per year"),
        ("points per 48 weeks", "points per year"),
        ("mL per year", "mL per year"),
        ("L", "mL"),
        ("percent", "fraction"),
        ("probability", "probability"),
        ("hazard ratio", "hazard ratio"),
        ("log odds per point", "log odds per point"),
        ("points per year per year", "points per year per year"),
    ],
)
def test_house_units(unit: str, house: str) -> None:
    assert house_unit(unit) == house
    assert house_unit(house) == house


def test_an_override_stands_above_the_evidence(scenario: Scenario) -> None:
    assert scenario.library.parameters["death_rate"].value == 0.02
    assert scenario.base_values()["death_rate"] == 0.02
    changed = replace(scenario, overrides={"death_rate": replace(scenario.overrides["death_rate"], value=0.5)})
    assert changed.base_values()["death_rate"] == 0.5
    assert scenario.overrides["death_rate"].origin == "tiny.toml, key values.death_rate"


def test_a_switch_exchanges_a_value_and_what_is_derived_from_it(scenario: Scenario) -> None:
    fast = replace(scenario, switches={"drift": "fast"})
    assert scenario.base_values()["drift"] == -2.0
    assert scenario.base_values()["alpha_gain"] == 1.0
    assert fast.base_values()["drift"] == -4.0
    assert fast.base_values()["alpha_gain"] == 2.0


def test_a_population_brings_its_own_values_unless_the_scenario_overrides_them(scenario: Scenario) -> None:
    severe = replace(scenario, study=scenario.study.model_copy(update={"cohort": "severe"}))
    assert severe.base_values()["death_rate"] == 0.02
    assert replace(severe, overrides={}).base_values()["death_rate"] == 0.05


def test_layers_stand_in_order() -> None:
    rows = {"a": 1.0, "b": 2.0, "c": 3.0}
    switched = Layers(switches={"a": "b"})
    assert resolve(switched, rows)["a"] == 2.0
    assert resolve(replace(switched, cohort={"a": "c"}), rows)["a"] == 3.0
    assert resolve(replace(switched, cohort={"a": "c"}, switches={"c": "b"}), rows)["a"] == 2.0
    assert resolve(replace(switched, cohort={"a": "c"}, overrides=frozenset({"a"})), rows)["a"] == 1.0


@pytest.mark.parametrize(
    ("form", "terms", "expected"),
    [
        ("identity", (("a", "b"), ("-", "a")), 0.3 * 0.2 - 0.3),
        ("identity", (("a", "/b"),), 1.5),
        ("log", (("a",),), math.log(0.3)),
        ("exp", (("a",), ("b",)), math.exp(0.5)),
        ("rate_from_probability", (("b",),), -math.log(0.8)),
        ("negative", (("a",),), -0.3),
    ],
)
def test_sums_follow_their_formula(form: str, terms: tuple[tuple[str, ...], ...], expected: float) -> None:
    rule = Sum.model_validate({"label": "x", "unit": "ratio", "terms": terms, "form": form})
    assert math.isclose(resolve(Layers(derived={"x": rule}), {"a": 0.3, "b": 0.2})["x"], expected, rel_tol=1e-14)


def test_a_sum_of_sums_is_made_in_order_of_need_and_kept_above_its_floor() -> None:
    last = Sum(label="x", unit="ratio", terms=(("middle", "middle"),))
    middle = Sum(label="x", unit="ratio", terms=(("a",),), at_least=2.0)
    assert resolve(Layers(derived={"last": last, "middle": middle}), {"a": 1.0})["last"] == 4.0


def test_samples_are_keyed_and_grouped_parameters_move_together(scenario: Scenario) -> None:
    first, again, second = (scenario.sample_values(number) for number in (1, 1, 2))
    assert first == again
    assert first["drift"] != second["drift"]
    assert math.isclose(first["drift"] - first["drift_fast"], 2.0)
    uniform = float(draws.uniform(7, stream="parameter:stop_rate", patient=np.array([0]), sample=1)[0])
    assert first["stop_rate"] == scenario.library.parameters["stop_rate"].spread.quantile(uniform)
    assert first["age_mean"] == 55.0
    assert math.isclose(first["alpha_gain"], -first["drift"] * first["alpha_share"])


def test_a_new_parameter_moves_no_other_draw(scenario: Scenario) -> None:
    parameters = dict(scenario.library.parameters)
    less = {name: row for name, row in parameters.items() if name != "denial"}
    smaller = replace(scenario, library=replace(scenario.library, parameters=less))
    all_of_them = scenario.sample_values(3)
    del all_of_them["denial"]
    assert smaller.sample_values(3) == all_of_them


def test_used_parameters_are_those_the_documents_in_force_reach(scenario: Scenario) -> None:
    used = scenario.used_parameters()
    assert {"drift", "alpha_share", "death_ratio", "age_mean", "utility_level"} <= set(used)
    assert not {"drift_fast", "denial", "death_rate_severe", "one"} & set(used)
    asked = replace(scenario, study=scenario.study.model_copy(update={"access": "asked"}), switches={"drift": "fast"})
    assert {"denial", "drift_fast"} <= set(asked.used_parameters())
    assert "drift" not in asked.used_parameters()


def test_rows_are_in_force_only_under_their_option(scenario: Scenario) -> None:
    row = SimpleNamespace(only_if=When(switch="drift", option=("fast",)))
    assert not scenario.in_force(row)
    assert replace(scenario, switches={"drift": "fast"}).in_force(row)
    assert scenario.in_force(SimpleNamespace(only_if=None))


def test_life_tables_are_cumulative_hazards_without_the_closing_row(scenario: Scenario) -> None:
    table = scenario.life_table("made_up")
    np.testing.assert_allclose(table.female, [0.0, -math.log(0.99), -2 * math.log(0.99)])
    np.testing.assert_allclose(table.male, [0.0, -math.log(0.98), -2 * math.log(0.98)])


def test_tables_by_age_are_arrays(scenario: Scenario) -> None:
    first, step, female, male = scenario.library.reference_equations["made_up"]
    assert (first, step) == (3.0, 107.0)
    np.testing.assert_array_equal(female, [2000.0, 1000.0])
    np.testing.assert_array_equal(male, [2500.0, 1500.0])
    assert scenario.library.utility_norms["made_up"].first_age == 18


def test_users_own_patients_are_read_by_column(folder: Path) -> None:
    edit(folder, STUDY, 'cohort = "naive"', 'patients_file = "mine.csv"')
    (folder / "mine.csv").write_text("\ufeffpatient,female,age,score_at_entry\r\n17,1,60,71.5\r\n18,0,45,80\r\n\r\n")
    scenario = read(folder / STUDY)
    assert scenario.patients is not None
    assert scenario.cohort is None
    np.testing.assert_array_equal(scenario.patients["age"], [60.0, 45.0])
    np.testing.assert_array_equal(scenario.patients["score_at_entry"], [71.5, 80.0])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("age,female,score_at_entry\n170,1,70\n", "row 2, column age"),
        ("age,female,score_at_entry\n60,1,450\n", "row 2, column score_at_entry"),
        ("age,female,score_at_entry\n60,X,70\n", "row 2, column female"),
        ("age,female\n60,1\n", "no column score_at_entry"),
        ("age,age,female,score_at_entry\n60,1,1,70\n", "column age twice"),
        ("age;female;score_at_entry\n60;1;70,5\n", "separated by ';'"),
        ("age,female,score_at_entry\n", "no patients"),
        ('age,female,score_at_entry\n60,1,"70,5"\n', "write 70.5"),
    ],
)
def test_users_patients_that_cannot_be_are_told_by_row(folder: Path, text: str, words: str) -> None:
    edit(folder, STUDY, 'cohort = "naive"', 'patients_file = "mine.csv"')
    (folder / "mine.csv").write_text(text)
    with pytest.raises(ScenarioError, match=r"mine\.csv") as caught:
        read(folder / STUDY)
    assert words in str(caught.value)


def test_a_scenario_may_bring_its_own_strategy_and_life_table(folder: Path) -> None:
    edit(folder, STUDY, '"alpha_first", "beta_first"]', '"alpha_first", "mine"]')
    edit(
        folder,
        STUDY,
        "[switches]",
        '[life_table]\nmade_up = "made_up"\n[strategies.mine]\nlabel = "nothing"\n[switches]',
    )
    scenario = read(folder / STUDY)
    assert scenario.strategies["mine"].lines == ()
    assert scenario.life_tables == {"made_up": "made_up"}


def test_a_circle_under_another_option_is_found_before_it_is_chosen(folder: Path) -> None:
    edit(folder, PATHWAY, 'set = { drift = "drift_fast" }', 'set = { drift = "alpha_gain" }')
    with pytest.raises(ScenarioError, match="switch drift = fast"):
        read(folder / STUDY)


def test_impossible_correlations_are_refused(folder: Path) -> None:
    edit(
        folder,
        COHORTS,
        'correlations = [{ a = "age", b = "score_at_entry", value = "age_score" }]',
        'correlations = [{ a = "age", b = "score_at_entry", value = "strong" }, '
        '{ a = "age", b = "female", value = "strong" }, { a = "female", b = "score_at_entry", value = "contrary" }]',
    )
    path = folder / COURSE
    rows = "".join(
        f"{name},made up,{value},correlation,fixed,,,,,made_up,assumption,,\n"
        for name, value in (("strong", 0.9), ("contrary", -0.9))
    )
    path.write_text(path.read_text() + rows)
    with pytest.raises(ScenarioError, match="smallest eigenvalue"):
        read(folder / STUDY)


def test_a_scenario_is_frozen(scenario: Scenario) -> None:
    with pytest.raises(AttributeError):
        scenario.study = None  # type: ignore[misc, assignment]


def test_the_walk_finds_names_wherever_the_grammar_holds_them() -> None:
    row = Transition.model_validate(
        {
            "name": "stop",
            "label": "stop",
            "from": ["first"],
            "treatment": "mmf",
            "hazard": {"rates": ["low", "high"], "until": ["edge"]},
            "clock": "course:mmf",
            "where": {"female": 1.0},
            "terms": [{"marker": "fvc", "ratio": "ratio"}],
        }
    )
    found = {(one.kind, one.word) for one in mentions(row)}
    assert found == {
        ("state", "first"), ("treatment", "mmf"), ("value", "low"), ("value", "high"), ("value", "edge"),
        ("covariate", "female"), ("marker", "fvc"), ("value", "ratio"),
    }  # fmt: skip
    nested = Criterion.model_validate({"all": [{"not": {"field": "age", "at_least": "old"}}]})
    assert [(one.word, one.path) for one in mentions(nested)] == [("old", "all[0].not.at_least")]


def test_every_name_of_the_grammar_is_exported() -> None:
    assert all(hasattr(documents, name) for name in documents.__all__)
    assert documents.PathwayDocument is PathwayDocument


@pytest.mark.parametrize("kind", KINDS)
def test_editors_get_a_schema_of_each_document(kind: str) -> None:
    schema = json_schema(kind)
    assert schema["$schema"].startswith("https://json-schema.org")
    table = schema.get("properties") or schema["additionalProperties"]
    assert table


def test_an_unknown_schema_is_refused_with_a_hint() -> None:
    with pytest.raises(ScenarioError, match="did you mean 'pathway'"):
        json_schema("pathways")
