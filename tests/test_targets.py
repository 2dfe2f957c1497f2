"""One's own targets: bad input is told all at once, every quantity is answered, the classification of a row, and the command."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from pathway.cli import app
from pathway.definition.trials import QUANTITIES, Published, Target
from pathway.errors import ScenarioError
from pathway.reading.trials import read_trials
from pathway.validation.comparing import Comparison, Verdict, misses_first, summarise
from pathway.validation.estimators import NOTHING, Estimate
from pathway.validation.validating import validate

FIXTURES = Path(__file__).parent / "fixtures"
HEAD = """
label = "Ours"
disease = "tiny"
source = "made up for tests"
[population]
cohort = "naive"
[visits]
schedule = "visit"
unit = "months"
at = [0, 6, 12]
[dropout]
failure = { marker = "score", fall = 6, not_before = "6 months" }
[arms.alpha]
label = "Alpha"
size = 100
regimen = ["alpha"]
[responses.better]
label = "No worse by 5 %, or above 60 points"
source = "made up for tests"
ways = [
    { every = [{ marker = "score", change = { at_least = -5 }, relative = true }] },
    { some = [{ marker = "score", level = { above = 60 } }, { marker = "score", change = { above = 0 } }], count = 1 },
]
[arms.care]
label = "Care"
strategy = "beta_first"
"""
TARGET = """
[[targets]]
id = "{id}"
label = "{id}"
quantity = "{quantity}"
arm = "alpha"
value = 0.5
unit = "{unit}"
source = "made up for tests"
"""


@pytest.fixture
def folder(tmp_path):
    """A place with the tiny disease and its scenario."""
    shutil.copytree(FIXTURES / "tiny", tmp_path / "tiny")
    shutil.copy(FIXTURES / "tiny.toml", tmp_path / "tiny.toml")
    return tmp_path


def written(folder: Path, text: str) -> Path:
    path = folder / "ours.toml"
    path.write_text(text, encoding="utf-8")
    return path


def faults(folder: Path, text: str) -> str:
    path = written(folder, text)
    with pytest.raises(ScenarioError) as caught:
        read_trials("tiny", targets=path, beside=folder)
    assert all(fault.where and fault.found and fault.expected and fault.mend for fault in caught.value.faults)
    return str(caught.value)


# --- bad input --------------------------------------------------------------------------------------------------------


def test_every_fault_is_told_at_once(folder):
    told = faults(
        folder,
        HEAD.replace("at = [0, 6, 12]", "at = [6, 0]").replace('regimen = ["alpha"]', 'regimen = ["alfa"]\nstrategy = "alpha_first"')
        + TARGET.format(id="one", quantity="change", unit="points")
        + 'marker = "scor"\nat = "12 months"\n'
        + TARGET.format(id="one", quantity="share_by_change", unit="percent")
        + 'marker = "score"\nat = "12 months"\n',
    )
    for words in ("unknown treatment 'alfa'", "both regimen and strategy", "times from 0 on", "unknown marker 'scor'", "the id again", "without bounds"):
        assert words in told, told


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('marker = "score"\n', "change without at"),
        ('marker = "score"\nat = "7 months"\n', "when there is no visit"),
        ('marker = "score"\nat = "a year"\n', "letters"),
        ('marker = "score"\nat = "12 months"\nsince = "12 months"\n', "since before middle before at"),
        ('marker = "score"\nat = "12 months"\nscale = "beyond_ageing"\n', "percent of a predicted value"),
        ('marker = "score"\nat = "12 months"\nversus = "beta"\n', "unknown arm 'beta'"),
        ('marker = "score"\nat = "12 months"\nbounds = { above = 0 }\n', "bounds only where"),
        ('marker = "score"\nat = "12 months"\nmix = { alpha = 0.5, care = 0.4 }\n', "shares of 1 together"),
        ('marker = "score"\nat = "12 months"\nmix = { alpha = 0.5, beta = 0.5 }\n', "unknown arm 'beta'"),
        ('marker = "score"\nat = "12 months"\ncontrast = "hazard_ratio"\nversus = "care"\n', "hazard_ratio of change"),
        ('marker = "score"\nat = "12 months"\nlow = 0.6\nhigh = 0.7\n', "outside its interval"),
        ('marker = "score"\nat = "12 months"\nlow = 0.1\n', "only low is given"),
        ('marker = "score"\nat = "12 months"\ncolour = "red"\n', "unknown key 'colour'"),
        ('marker = "score"\nat = "12 months"\npublished = "a_row"\n', "unknown value 'a_row'"),
        ('marker = "score"\nat = "12 months"\nresponse = "bettr"\n', "did you mean 'better'"),
        ('marker = "score"\nat = "12 months"\namong = { every = [{ covariate = "agee", above = 1 }] }\n', "unknown covariate 'agee'"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_what_to_do(folder, more, words):
    told = faults(folder, HEAD + TARGET.format(id="one", quantity="change", unit="points") + more)
    assert words in told or (words == "letters" and "a year" in told), told


def test_taking_needs_a_drug(folder):
    assert "without any_of or none_of" in faults(folder, HEAD + TARGET.format(id="one", quantity="share_taking", unit="percent") + 'at = "12 months"\n')


def test_a_unit_of_another_dimension_is_refused(folder):
    told = faults(folder, HEAD + TARGET.format(id="one", quantity="change", unit="mL") + 'marker = "score"\nat = "12 months"\n')
    assert "mL" in told
    assert "points" in told


def test_a_value_needs_unit_and_source(folder):
    text = HEAD + TARGET.format(id="one", quantity="dead", unit="percent").replace('unit = "percent"\n', "").replace('source = "made up for tests"\n', "")
    assert "a value without unit and source" in faults(folder, text + 'at = "12 months"\n')


def test_a_file_without_targets_is_refused(folder):
    assert "no targets" in faults(folder, HEAD)


def test_rows_without_an_answer_need_no_people(tmp_path):
    shutil.copytree(FIXTURES / "tiny", tmp_path / "tiny")
    (tmp_path / "tiny" / "trials").mkdir()
    silent = 'label = "Elsewhere"\nsource = "made up for tests"\n[[not_answered]]\nlabel = "a row"\nwhy = "no arm has it"\n'
    (tmp_path / "tiny" / "trials" / "elsewhere.toml").write_text(silent, encoding="utf-8")
    told = read_trials("tiny", beside=tmp_path)
    made = validate(told.base, told.trials, patients=3, engine="reference")
    assert made.rows == ()
    assert [one.label for trial in made.trials for one in trial.document.not_answered] == ["a row"]


def test_a_trial_without_arms_is_refused(folder):
    start, _, _ = HEAD.partition("[arms.alpha]")
    assert "no arms" in faults(folder, start + TARGET.format(id="one", quantity="dead", unit="percent") + 'at = "1 year"\n')


def test_neither_cohort_nor_patients_is_refused(folder):
    assert "neither cohort nor patients_file" in faults(folder, HEAD.replace('cohort = "naive"', "note = 'none'") + TARGET.format(id="one", quantity="dead", unit="percent") + 'at = "1 year"\n')


def test_a_disease_without_trials_says_so(folder):
    with pytest.raises(ScenarioError, match="no virtual trials"):
        read_trials("tiny", beside=folder)


def test_costs_need_a_scenario(folder):
    told = faults(folder, HEAD + TARGET.format(id="one", quantity="cost_per_year", unit="USD per year") + 'at = "12 months"\n')
    assert "pathway validate SCENARIO.toml --targets FILE" in told


# --- every quantity ---------------------------------------------------------------------------------------------------

KEYS = {
    "slope": ("points per year", 'marker = "score"\nat = "12 months"'),
    "change": ("points", 'marker = "score"\nat = "12 months"'),
    "sd_of_change": ("points", 'marker = "score"\nat = "12 months"'),
    "share_by_change": ("percent", 'marker = "score"\nat = "12 months"\nbounds = { at_most = -2 }'),
    "correlation_of_changes": ("correlation", 'marker = "score"\nsince = "0 months"\nmiddle = "6 months"\nat = "12 months"'),
    "level": ("points", 'marker = "score"\nat = "12 months"\nmiddle = "6 months"'),
    "share_by_level": ("fraction", 'marker = "score"\nat = "12 months"\nbounds = { above = 60 }'),
    "dead": ("percent", 'at = "5 years"'),
    "on_treatment": ("percent", 'treatment = "alpha"\nat = "5 years"'),
    "stopped": ("percent", 'treatment = "alpha"\nreasons = ["intolerance"]\nat = "5 years"'),
    "share_keeping": ("percent", 'response = "better"\nsince = "6 months"\nat = "12 months"'),
    "median_on_treatment": ("years", 'treatment = "alpha"\nat = "60 years"'),
    "share_taking": ("percent", 'none_of = ["alpha"]\nat = "5 years"'),
    "completed": ("percent", 'at = "5 years"'),
    "share_responding": ("percent", 'response = "better"\nat = "12 months"\nmissing = "no_response"'),
    "failed": ("percent", 'at = "12 months"'),
    "events_per_year": ("per 100 patient-years", 'event = { kind = "stop", name = "alpha" }\nat = "5 years"'),
    "share_with_event": ("percent", 'event = { kind = "stop", name = "alpha" }\nat = "5 years"'),
    "cost_per_year": ("USD per year", 'at = "5 years"'),
}  # fmt: skip


def test_every_quantity_is_answered_under_regimen_and_strategy(folder):
    assert set(KEYS) == set(QUANTITIES)
    blocks = [
        TARGET.format(id=f"{name}_{arm}", quantity=name, unit=unit).replace('arm = "alpha"', f'arm = "{arm}"') + keys + "\n"
        for name, (unit, keys) in KEYS.items()
        for arm in ("alpha", "care")
        if not (arm == "care" and name in ("on_treatment", "median_on_treatment", "stopped"))
    ]
    path = written(folder, HEAD + "".join(blocks))
    read = read_trials(str(folder / "tiny.toml"), targets=path)
    made = validate(read.base, read.trials, patients=60, engine="reference")
    assert len(made.rows) == len(blocks)
    missing = [row.target.id for row in made.rows if not math.isfinite(row.simulated.value)]
    assert missing == []
    by_id = {row.target.id: row.simulated.value for row in made.rows}
    assert by_id["cost_per_year_alpha"] > 0.0
    assert by_id["completed_alpha"] <= 1.0 - by_id["dead_alpha"]
    assert {row.verdict for row in made.rows} == {Verdict.UNJUDGED}


def test_ones_own_patients_are_the_trial(folder):
    pd.DataFrame({"age": [40, 50, 60], "female": [1, 0, 1], "score_at_entry": [80, 70, 60]}).to_csv(folder / "patients.csv", index=False)
    text = HEAD.replace('cohort = "naive"', 'patients_file = "patients.csv"') + TARGET.format(id="level", quantity="level", unit="points") + 'marker = "score"\nat = "0 months"\n'
    text = text.replace('at = "0 months"', 'at = "6 months"')
    read = read_trials("tiny", targets=written(folder, text), beside=folder)
    made = validate(read.base, read.trials, patients=999, engine="reference")
    assert made.rows[0].simulated.size == 3


# --- the verdict ------------------------------------------------------------------------------------------------------


def row(value: float, *, flag: str = "H", error: float = 0.0, unit: str = "points", low: float = 8.0, high: float = 11.0, published: float = 10.0, why: str = "") -> Comparison:
    target = Target.model_validate({"id": "t", "label": "t", "flag": flag, "quantity": "change", "arm": "a", "explanation": why})
    one = Published(value=published, low=low, high=high, unit=unit, source="s", grade="verified")
    return Comparison(trial="T", target=target, published=one, simulated=Estimate(value=value, error=error, size=100), low=math.nan, high=math.nan)


@pytest.mark.parametrize(
    ("value", "distance", "verdict"),
    [
        (10.0, 0.0, Verdict.INSIDE), (11.0, 1.0, Verdict.INSIDE), (8.0, 1.0, Verdict.INSIDE), (11.5, 1.5, Verdict.NEAR), (7.0, 1.5, Verdict.NEAR),
        (12.0, 2.0, Verdict.NEAR), (12.1, 2.1, Verdict.FAR), (5.9, 2.05, Verdict.FAR),
    ],
)  # fmt: skip
def test_the_distance_is_counted_in_half_widths_of_that_side(value, distance, verdict):
    found = row(value)
    assert found.distance == pytest.approx(distance)
    assert found.verdict is verdict


def test_ratios_are_judged_on_the_log_scale():
    found = row(0.25, unit="ratio", published=1.0, low=0.5, high=2.0)
    assert found.distance == pytest.approx(2.0)
    assert found.standardised == pytest.approx(-2.0 * 1.959963984540054)


def test_without_an_interval_nothing_is_judged():
    found = row(3.0, low=math.nan, high=math.nan)
    assert found.verdict is Verdict.UNJUDGED
    assert summarise([found]).independent == 0


def test_near_a_limit_a_verdict_is_unsure():
    assert row(11.1, error=0.1).is_unsure
    assert not row(10.0, error=0.1).is_unsure


def test_overlap_is_of_the_shorter_interval():
    from dataclasses import replace

    assert replace(row(10.0), low=9.0, high=13.0).overlap == pytest.approx(2.0 / 3.0)
    assert replace(row(20.0), low=19.0, high=21.0).overlap == 0.0


def test_misses_come_first_and_calibrated_ones_before_all():
    rows = [row(10.0, flag="C"), row(30.0), row(11.5, flag="C"), row(12.0, flag="Hs"), row(1.0, low=math.nan, high=math.nan)]
    order = [(one.target.flag, one.verdict) for one in misses_first(rows)]
    assert order == [("C", Verdict.NEAR), ("H", Verdict.FAR), ("Hs", Verdict.NEAR), ("H", Verdict.UNJUDGED), ("C", Verdict.INSIDE)]


def test_the_goal_asks_for_all_calibrated_rows_and_most_of_the_others():
    assert summarise([row(10.0, flag="C"), *[row(10.0)] * 7, *[row(11.5)] * 3]).meets_goal
    assert not summarise([row(10.0, flag="C"), *[row(10.0)] * 6, *[row(11.5)] * 4]).meets_goal
    assert not summarise([row(11.5, flag="C"), row(10.0)]).meets_goal
    assert not summarise([*[row(10.0)] * 9, row(30.0)]).meets_goal
    assert summarise([*[row(10.0)] * 9, row(30.0, why="a reason")]).meets_goal


def test_what_cannot_be_estimated_is_a_miss():
    from dataclasses import replace

    found = replace(row(10.0, flag="C"), simulated=NOTHING)
    assert found.verdict is Verdict.NOTHING
    assert not summarise([found]).is_calibrated


# --- the command ------------------------------------------------------------------------------------------------------


def run(*words: str):
    return CliRunner().invoke(app, ["validate", *words])


@pytest.mark.parametrize(("low", "high", "code"), [(-99.0, 99.0, 0), (0.4, 0.6, 1)])
def test_the_exit_code_is_1_when_a_calibrated_row_is_missed(folder, monkeypatch, low, high, code):
    monkeypatch.chdir(folder)
    text = HEAD + TARGET.format(id="one", quantity="change", unit="points") + f'flag = "C"\nmarker = "score"\nat = "12 months"\nlow = {low}\nhigh = {high}\n'
    done = run("--targets", str(written(folder, text)), "--patients", "20", "--engine", "reference", "--output", "out")
    assert done.exit_code == code, done.output
    page = next(folder.glob("out/validation-tiny/*/validation.html")).read_text(encoding="utf-8")
    assert "<script" not in page
    table = pd.read_csv(next(folder.glob("out/validation-tiny/*/tables/comparisons.csv")))
    assert table["verdict"].tolist() == ["inside" if code == 0 else "far miss"]


def test_faults_end_with_code_2_and_no_traceback(folder, monkeypatch):
    monkeypatch.chdir(folder)
    done = run("--targets", str(written(folder, HEAD)), "--patients", "20", "--engine", "reference")
    assert done.exit_code == 2
    assert "Traceback" not in done.output


def test_a_name_in_the_file_runs_nothing(folder, monkeypatch):
    monkeypatch.chdir(folder)
    text = HEAD.replace('"Ours"', '"<img src=x onerror=alert(1)>"') + TARGET.format(id="one", quantity="dead", unit="percent").replace('label = "one"', 'label = "=1+1"') + 'at = "1 year"\n'
    done = run("--targets", str(written(folder, text)), "--patients", "20", "--engine", "reference", "--output", "out")
    assert done.exit_code == 0, done.output
    assert "<img src" not in next(folder.glob("out/validation-tiny/*/validation.html")).read_text(encoding="utf-8")
    assert "'=1+1" in next(folder.glob("out/validation-tiny/*/tables/comparisons.csv")).read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_example_of_ones_own_targets_runs():
    example = Path(__file__).parents[1] / "scenarios" / "targets" / "eustar_tocilizumab.toml"
    read = read_trials("ssc_ild", targets=example)
    made = validate(read.base, read.trials, patients=300)
    assert {row.verdict for row in made.rows} == {Verdict.INSIDE}
