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

from pathway import draws
from pathway.cli import app
from pathway.errors import ScenarioError
from pathway.reading import read
from pathway.reading.trials import read_trials
from pathway.report.calibrating import as_text, calibrated_frame, correlation_frame, rows_frame, values_toml, write_calibration
from pathway.validation.calibrating import calibrate, calibrated_rows, with_values
from pathway.validation.certainty import correlation_of_rows, estimates
from pathway.validation.fitting import BLIND, FARTHEST, minimise, spread_of
from pathway.validation.validating import validate

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
    found = minimise(lambda x: slopes @ x + offset, 2)
    plain = -np.linalg.lstsq(slopes, offset, rcond=None)[0]
    assert found.point == pytest.approx(plain, abs=1e-3)
    assert found.slopes == pytest.approx(slopes)
    assert found.before == pytest.approx(offset @ offset)
    assert found.ended.startswith("settled")
    assert found.after == pytest.approx(float(np.sum((slopes @ plain + offset) ** 2)), abs=1e-5)


def test_no_number_moves_by_more_than_a_factor_of_three():
    assert minimise(lambda x: x - 10.0, 1).point[0] == pytest.approx(FARTHEST)


def test_a_curved_problem_settles():
    found = minimise(lambda x: np.array([math.exp(x[0]) - 2.0, 0.1 * x[0]]), 1)
    assert math.exp(found.point[0]) == pytest.approx(2.0, abs=0.02)
    assert found.after < 0.01
    assert found.steps <= 8


def test_independent_rows_give_the_errors_of_least_squares():
    slopes = np.array([[1.0, 0.5], [0.0, 2.0], [1.0, -1.0]])
    plain = np.linalg.inv(slopes.T @ slopes)
    assert spread_of(slopes) == pytest.approx(plain)
    assert spread_of(slopes, np.eye(3)) == pytest.approx(plain)


def test_two_rows_that_say_the_same_tell_no_more_than_one():
    twice = np.array([[2.0], [2.0]])
    assert spread_of(twice)[0, 0] == pytest.approx(1.0 / 8.0)
    assert spread_of(twice, np.ones((2, 2)))[0, 0] == pytest.approx(1.0 / 4.0)  # the error of either row alone
    assert spread_of(twice, np.array([[1.0, -1.0], [-1.0, 1.0]]))[0, 0] == pytest.approx(0.0)  # their errors cancel


def test_the_error_is_that_of_the_estimate_over_repeated_data():
    """Least squares over correlated rows, again and again: its spread is what the formula says."""
    slopes, together = np.array([[1.0, 0.2], [0.8, -0.5], [0.1, 1.0]]), np.array([[1.0, 0.7, 0.0], [0.7, 1.0, 0.0], [0.0, 0.0, 1.0]])
    patient = np.arange(20_000)
    own = np.column_stack([draws.normal(3, stream=f"row {k}", patient=patient) for k in range(3)])
    errors = own @ np.linalg.cholesky(together).T
    found = np.linalg.lstsq(slopes, errors.T, rcond=None)[0]
    wanted = spread_of(slopes, together)
    error = np.sqrt((np.outer(np.diag(wanted), np.diag(wanted)) + wanted**2) / patient.size)
    assert (np.abs(np.cov(found) - wanted) < 4.0 * error).all()
    assert (np.abs(spread_of(slopes) - wanted) > 10.0 * error)[0, 0]  # rows taken for independent would be told another error


def test_a_number_that_no_row_feels_hangs_together_with_none():
    spread = spread_of(np.array([[1.0, 0.0], [1.0, 0.0]]), np.ones((2, 2)))
    assert spread[1, 1] == BLIND
    assert spread[0, 1] == 0.0
    assert spread_of(np.zeros((3, 0))).shape == (0, 0)


def test_rows_of_one_trial_hang_together_and_those_of_two_do_not(folder):
    """Everybody falls alike but for the error of the score: two changes from entry share its error there; in a trial without that error nothing varies."""
    text = (folder / "tiny" / "trials" / "exact.toml").read_text(encoding="utf-8")
    (folder / "tiny" / "trials" / "loose.toml").write_text(text.replace('score_error = "nothing", ', ""), encoding="utf-8")
    told = read_trials("tiny", beside=folder)
    base = told.base
    only = []
    for trial in told.trials:
        late = next(one for one in trial.document.targets if one.id == "change")
        early = late.model_copy(update={"id": "early", "at": "6 months"})
        only.append(trial.document.model_copy(update={"targets": (early, late), "arms": {"none": trial.document.arms["none"]}, "courses": ()}))
        trial.published["early"] = trial.published["change"]  # type: ignore[index]
    trials = [replace(trial, document=document) for trial, document in zip(told.trials, only, strict=True)]
    assert [(trial.name, len(trial.document.targets)) for trial in trials] == [("exact", 2), ("loose", 2)]
    table = estimates(base, trials[1], seed=3, engine="compiled", replicates=80)
    assert table.shape == (80, 2)
    assert (table[:20] == estimates(base, trials[1], seed=3, engine="compiled", replicates=20)).all()
    found = correlation_of_rows(base, trials, seed=3, engine="compiled", replicates=80)
    assert found == pytest.approx(found.T)
    assert np.diag(found) == pytest.approx(np.ones(4))
    assert (found[:2, 2:] == 0.0).all()
    assert found[0, 1] == 0.0
    assert found[2, 3] == pytest.approx(np.corrcoef(table, rowvar=False)[0, 1])
    assert abs(found[2, 3] - 0.5) < 4.0 * (1.0 - 0.5**2) / np.sqrt(80)  # two changes share the error at entry


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
    assert sorted(path.name for path in place.iterdir()) == ["calibrated.csv", "correlation.csv", "left.csv", "provenance.csv", "rows.csv", "values.toml"]
    told = dict(pd.read_csv(place / "provenance.csv").itertuples(index=False))
    assert {"version", "seed", "patients", "rows", "documents_sha256", "table_sha256", "command", "other_seeds"} <= set(told)
    assert "settled" in told["objective"]
    block = (place / "values.toml").read_text(encoding="utf-8")
    assert tomllib.loads(block)["values"]["drift"]["value"] == pytest.approx(-3.0, abs=0.05)
    shutil.copy(FIXTURES / "tiny.toml", folder / "tiny.toml")
    scenario = folder / "tiny.toml"
    scenario.write_text(scenario.read_text(encoding="utf-8") + "\n" + block, encoding="utf-8")
    assert read(scenario).base_values()["drift"] == pytest.approx(-3.0, abs=0.05)


def test_what_the_command_writes_is_a_table_that_a_scenario_can_name(folder):
    """Written, put into the folder, named: the trials then come out as the fit said, to the last bit."""
    place = folder / "tiny" / "trials" / "exact.toml"
    place.write_text(place.read_text(encoding="utf-8").replace('id = "late"\nlabel = "score at 24 months, alpha after a year"\nflag = "H"', 'id = "late"\nlabel = "late"\nflag = "C"'), encoding="utf-8")
    told = read_trials("tiny", beside=folder)
    made = calibrate(told.base, told.trials, {"drift": "made up", "score_error": "no row tells it"}, patients=20, engine="reference", replicates=2)
    place = write_calibration(made, folder / "out")
    shutil.copytree(place, folder / "tiny" / "calibrated" / "first")
    named = read_trials("tiny", beside=folder, calibration="first")
    assert named.base.library.calibration.joint.ids == ("drift",)
    assert named.base.library.parameters["drift"].value == made.moved[0].value
    assert named.base.library.parameters["score_error"] == told.base.library.parameters["score_error"]
    again = validate(named.base, named.trials, patients=20, engine="reference")
    assert {(row.target.id, row.simulated) for row in again.rows} == {(row.target.id, row.simulated) for row in made.after.rows}
    left = pd.read_csv(place / "left.csv")
    assert left["id"].tolist() == ["score_error"]


def test_a_correlation_of_numbers_has_the_sign_of_the_numbers(folder):
    """The fit is made in logarithms of ratios: where a number is below zero, a larger ratio is a smaller number."""
    place = folder / "tiny" / "trials" / "exact.toml"
    text = place.read_text(encoding="utf-8").replace("low = -3.2\nhigh = -2.8", "low = -4.2\nhigh = -1.8", 1)
    place.write_text(text.replace('id = "difference"\nlabel = "score at 24 months, alpha less none"\nflag = "H"', 'id = "difference"\nlabel = "gain"\nflag = "C"'), encoding="utf-8")
    told = read_trials("tiny", beside=folder)
    made = calibrate(told.base, told.trials, {"drift": "made up", "alpha_share": "made up"}, patients=25, engine="reference", replicates=2)
    assert [one.is_known for one in made.moved] == [True, True]
    drift, share = made.moved
    assert drift.value < 0.0 < share.value
    assert (drift.family, share.family) == ("normal", "lognormal")
    assert made.fitted == (("exact", "slope"), ("exact", "difference"))
    # what alpha gains is the share times the loss: a gain that is seen asks for a larger share where less is lost, that is, where the number drift is larger
    assert made.correlation[0, 1] == pytest.approx(0.2 / math.hypot(0.2, 0.24), abs=0.1)
    frame = correlation_frame(made)
    assert frame.columns.tolist() == ["id", "drift", "alpha_share"]
    assert frame["drift"].tolist()[0] == 1.0


def test_a_number_that_runs_to_its_limit_goes_back_to_its_evidence(folder):
    text = (folder / "tiny" / "trials" / "exact.toml").read_text(encoding="utf-8")
    (folder / "tiny" / "trials" / "exact.toml").write_text(text.replace("value = -3.0\nlow = -3.2\nhigh = -2.8", "value = -30.0\nlow = -30.2\nhigh = -29.8"), encoding="utf-8")
    told = read_trials("tiny", beside=folder)
    made = calibrate(told.base, told.trials, told.free, patients=20, engine="reference", replicates=2)
    (moved,) = made.moved
    assert moved.value == -2.0
    assert moved.fitted == pytest.approx(-6.0)
    assert not moved.is_known
    assert made.known == ()
    assert "left to its evidence: ran to its limit" in as_text(made)


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
