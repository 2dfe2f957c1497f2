"""Calibration: the minimiser on functions whose minimum is known, the cut to rows flagged C, a fit whose answer is known, and the command."""

from __future__ import annotations

import math
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from pathway.cli import app
from pathway.errors import ScenarioError
from pathway.reading import read
from pathway.reading.trials import read_trials
from pathway.report.calibrating import calibrated_frame, rows_frame, values_toml
from pathway.validation.calibrating import FARTHEST, calibrate, calibrated_rows, minimise, with_values

FIXTURES = Path(__file__).parent / "fixtures"
FREE = {"drift": "made up for tests"}


def steeper(text: str) -> str:
    """The exact trial with a calibrated row that says 3 points a year, and nothing said of alpha."""
    return text.replace("value = -2.0\nlow = -2.5\nhigh = -1.5\n", "value = -3.0\nlow = -3.2\nhigh = -2.8\n", 1)


@pytest.fixture
def folder(tmp_path):
    """The tiny disease with a trial of its own and what may be moved."""
    shutil.copytree(FIXTURES / "tiny", tmp_path / "tiny")
    (tmp_path / "tiny" / "trials").mkdir()
    text = steeper((FIXTURES / "trials" / "exact.toml").read_text(encoding="utf-8"))
    (tmp_path / "tiny" / "trials" / "exact.toml").write_text(text, encoding="utf-8")
    (tmp_path / "tiny" / "calibration.toml").write_text('[free]\ndrift = { why = "made up for tests" }\n', encoding="utf-8")
    return tmp_path


def test_the_minimum_of_a_linear_problem_is_that_of_least_squares():
    slopes = np.array([[1.0, 0.5], [0.0, 2.0], [1.0, -1.0]])
    offset = np.array([0.3, -0.4, 0.2])
    x, told, before, after, _ = minimise(lambda x: slopes @ x + offset, 2)
    plain = -np.linalg.lstsq(slopes, offset, rcond=None)[0]
    assert x == pytest.approx(plain, abs=1e-3)
    assert told == pytest.approx(slopes)
    assert before == pytest.approx(offset @ offset)
    assert after == pytest.approx(float(np.sum((slopes @ plain + offset) ** 2)), abs=1e-5)


def test_no_number_moves_by_more_than_a_factor_of_three():
    x, _, _, _, _ = minimise(lambda x: x - 10.0, 1)
    assert x[0] == pytest.approx(FARTHEST)


def test_a_curved_problem_settles():
    x, _, _, after, rounds = minimise(lambda x: np.array([math.exp(x[0]) - 2.0, 0.1 * x[0]]), 1)
    assert math.exp(x[0]) == pytest.approx(2.0, abs=0.02)
    assert after < 0.01
    assert rounds <= 8


def test_only_rows_flagged_c_and_their_arms_are_seen():
    shipped = read_trials("ssc_ild")
    seen = calibrated_rows(shipped.trials)
    assert all(target.flag == "C" for trial in seen for target in trial.document.targets)
    senscis = next(trial for trial in seen if trial.name == "senscis")
    assert set(senscis.document.arms) == {"placebo", "nintedanib", "placebo_no_mmf", "placebo_mmf"}
    assert "fasscinate" not in {trial.name for trial in seen}
    assert set(shipped.free) <= set(shipped.base.library.parameters)


def test_the_slope_that_the_row_asks_for_is_found(folder):
    told = read_trials("tiny", beside=folder)
    made = calibrate(told.base, told.trials, told.free, patients=25, engine="reference")
    (moved,) = made.moved
    assert moved.parameter.value == -2.0
    assert moved.value == pytest.approx(-3.0, abs=0.02)
    assert moved.error == pytest.approx(0.2 / 1.96, rel=0.1)  # the standard error of the published row: d slope / d drift = 1
    assert moved.is_known
    assert made.fitted == (("exact", "slope"),)
    assert made.objective_before > 50.0
    assert made.objective_after < 0.1
    assert not made.before.summary.is_calibrated
    assert made.after.summary.is_calibrated
    rows = rows_frame(made).set_index("target")
    assert rows.loc["slope", "was_fitted"]
    assert rows.loc["change", "verdict_before"] == "inside"
    assert rows.loc["change", "verdict_after"] == "far miss"  # a row that was not looked at shows the harm


def test_what_no_row_tells_is_said_to_be_unknown(folder):
    told = read_trials("tiny", beside=folder)
    trials = told.trials
    with pytest.raises(ScenarioError, match="at least as many rows"):
        calibrate(told.base, trials, {**FREE, "death_rate": "no row tells it"}, patients=20, engine="reference")
    made = calibrate(told.base, trials, {"stop_rate": "no row flagged C tells it"}, patients=20, engine="reference")
    assert math.isinf(made.moved[0].error)
    assert not made.moved[0].is_known
    assert made.moved[0].value == made.moved[0].parameter.value
    assert "[values." not in values_toml(made)


def test_derived_sums_and_zeros_cannot_be_moved(folder):
    told = read_trials("tiny", beside=folder)
    with pytest.raises(ScenarioError, match="alpha_gain"):
        calibrate(told.base, told.trials, {"alpha_gain": "a sum"}, patients=20, engine="reference")


def test_a_calibrated_number_stands_in_wherever_a_population_takes_it():
    base = read_trials("ssc_ild").base
    changed = with_values(base, {"drift_sls": -4.0})
    sls = base.study.model_copy(update={"cohort": "sls_like"})
    assert replace(changed, study=sls).base_values()["drift_established"] == -4.0
    assert replace(base, study=sls).base_values()["drift_established"] == pytest.approx(-2.9)


def test_the_command_writes_tables_with_provenance_and_a_block_for_a_scenario(folder, monkeypatch):
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(app, ["calibrate", "tiny", "--patients", "12", "--engine", "reference", "--output", "out"])
    assert done.exit_code == 0, done.output
    place = next(folder.glob("out/calibration-tiny/*"))
    assert sorted(path.name for path in place.iterdir()) == ["calibrated.csv", "correlation.csv", "provenance.csv", "rows.csv", "values.toml"]
    told = dict(pd.read_csv(place / "provenance.csv").itertuples(index=False))
    assert {"version", "seed", "patients", "rows", "documents_sha256", "command"} <= set(told)
    block = (place / "values.toml").read_text(encoding="utf-8")
    assert tomllib.loads(block)["values"]["drift"]["value"] == pytest.approx(-3.0, abs=0.05)
    shutil.copy(FIXTURES / "tiny.toml", folder / "tiny.toml")
    scenario = folder / "tiny.toml"
    scenario.write_text(scenario.read_text(encoding="utf-8") + "\n" + block, encoding="utf-8")
    assert read(scenario).base_values()["drift"] == pytest.approx(-3.0, abs=0.05)


def test_a_disease_that_frees_nothing_is_told_so(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "tiny" / "calibration.toml").unlink()
    done = CliRunner().invoke(app, ["calibrate", "tiny", "--engine", "reference"])
    assert done.exit_code == 2
    assert "what may be moved" in done.output


def test_a_free_id_that_does_not_exist_is_a_fault(folder):
    (folder / "tiny" / "calibration.toml").write_text('[free]\ndrif = { why = "a slip" }\n', encoding="utf-8")
    with pytest.raises(ScenarioError, match="did you mean 'drift'"):
        read_trials("tiny", beside=folder)


def test_the_table_names_units_and_rows(folder):
    told = read_trials("tiny", beside=folder)
    made = calibrate(told.base, told.trials, told.free, patients=8, engine="reference")
    table = calibrated_frame(made)
    assert table.loc[0, ["id", "unit", "rows", "patients"]].tolist() == ["drift", "points per year", 1, 8]
