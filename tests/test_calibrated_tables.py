"""Calibrated tables: read, checked, named by a scenario or on the command line, drawn together, and shown wherever a number is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from pathway.cli import app
from pathway.errors import Fault, ScenarioError
from pathway.experiment import run
from pathway.parameter_sets import means_of_sets
from pathway.reading import check, inspect, read
from pathway.reading.calibrated import hash_of, tables_of
from pathway.reading.trials import read_trials
from pathway.report.basis import calibration_words, evidence_frame

FIXTURES = Path(__file__).parent / "fixtures"
NUMBERS = """id,label,unit,value,family,standard_error,evidence,why
drift,untreated fall,points per year,-2.5,normal,0.25,-2,made up for tests
death_rate_severe,deaths from the disease if severe,per year,0.06,lognormal,0.012,0.05,made up for tests
score_error,measurement error,points,2.4,lognormal,0.48,2,made up for tests
"""
CORRELATIONS = """id,drift,death_rate_severe,score_error
drift,1,-0.3,0.8
death_rate_severe,-0.3,1,0
score_error,0.8,0,1
"""


def write_table(home: Path, numbers: str = NUMBERS, correlations: str = CORRELATIONS, *, digest: str | None = None) -> Path:
    """A table as the command would write it."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "calibrated.csv").write_text(numbers, encoding="utf-8")
    (home / "correlation.csv").write_text(correlations, encoding="utf-8")
    told = {"command": "pathway calibrate tiny", "version": "9.9", "written": "2026-11-27 12:00 UTC", "seed": "7", "patients": "50", "rows": "exact.slope; exact.change; exact.sd"}
    told["table_sha256"] = hash_of([numbers, correlations]) if digest is None else digest
    (home / "provenance.csv").write_text("what,told\n" + "".join(f'"{what}","{words}"\n' for what, words in told.items() if words), encoding="utf-8")
    return home


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The tiny disease with a calibrated table, and a scenario that names it."""
    shutil.copytree(FIXTURES / "tiny", tmp_path / "tiny")
    shutil.copy(FIXTURES / "tiny.toml", tmp_path / "plain.toml")
    write_table(tmp_path / "tiny" / "calibrated" / "2026-11")
    text = (FIXTURES / "tiny.toml").read_text(encoding="utf-8")
    (tmp_path / "tiny.toml").write_text(text.replace("seed = 7\n", 'seed = 7\ncalibration = "2026-11"\n'), encoding="utf-8")
    return tmp_path


def faults(folder: Path) -> list[Fault]:
    return check(folder / "tiny.toml")


def table(folder: Path) -> Path:
    return folder / "tiny" / "calibrated" / "2026-11"


def test_a_scenario_that_names_a_table_takes_its_numbers_and_keeps_its_own(folder):
    plain, calibrated = read(folder / "plain.toml"), read(folder / "tiny.toml")
    assert plain.base_values()["drift"] == -2.0
    assert plain.library.calibration is None
    assert calibrated.base_values()["drift"] == -2.5
    assert calibrated.base_values()["alpha_gain"] == pytest.approx(1.25)  # a sum of it
    assert calibrated.base_values()["death_rate"] == plain.base_values()["death_rate"] == 0.02  # the scenario's own
    assert calibrated.library.parameters["drift"].family == "normal"
    assert calibrated.library.parameters["drift"].group == ""
    assert tables_of(folder / "tiny") == ["2026-11"]


def test_a_calibrated_number_gives_way_to_the_scenarios_own(folder):
    text = (folder / "tiny.toml").read_text(encoding="utf-8")
    (folder / "tiny.toml").write_text(text + '\n[values.drift]\nvalue = -9.0\nlow = -10.0\nhigh = -8.0\nunit = "points per year"\nsource = "made up"\n', encoding="utf-8")
    scenario = read(folder / "tiny.toml")
    assert scenario.base_values()["drift"] == -9.0
    assert "but for drift, which the scenario gives itself" in calibration_words(scenario)
    drawn = [scenario.sample_values(sample) for sample in range(1, 801)]
    scores = np.array([[one["drift"], np.log(one["score_error"])] for one in drawn])
    assert abs(np.corrcoef(scores, rowvar=False)[0, 1]) < 4.0 / np.sqrt(800)  # another source: drawn on its own


def test_sampled_sets_have_the_correlations_of_the_table(folder):
    scenario = read(folder / "tiny.toml")
    drawn = [scenario.sample_values(sample) for sample in range(1, 1201)]
    scores = np.array([[one["drift"], np.log(one["death_rate_severe"]), np.log(one["score_error"])] for one in drawn])
    found = np.corrcoef(scores, rowvar=False)
    for (i, j), wanted in {(0, 1): -0.3, (0, 2): 0.8, (1, 2): 0.0}.items():
        assert abs(found[i, j] - wanted) < 4.0 * (1.0 - wanted**2) / np.sqrt(1200)
    assert scores[:, 0].mean() == pytest.approx(-2.5, abs=4.0 * 0.25 / np.sqrt(1200))
    assert scores[:, 0].std() == pytest.approx(0.25, rel=4.0 / np.sqrt(2400))


def test_numbers_outside_the_table_are_drawn_as_without_it(folder):
    with_table, without = read(folder / "tiny.toml").sample_values(5), read(folder / "plain.toml").sample_values(5)
    touched = {"drift", "death_rate_severe", "score_error", "alpha_gain", "beta_gain"}
    assert {name for name in without if without[name] != with_table[name]} <= touched
    assert {"drift", "death_rate_severe", "score_error"} <= {name for name in without if without[name] != with_table[name]}


def test_parameter_sets_run_under_the_table(folder):
    calibrated = means_of_sets(read(folder / "tiny.toml"), [0, 1], patients=10, workers=1)
    plain = means_of_sets(read(folder / "plain.toml"), [0, 1], patients=10, workers=1)
    assert (calibrated["qaly"] != plain["qaly"]).all()
    again = means_of_sets(read(folder / "tiny.toml"), [1], patients=10, workers=1)
    assert again["qaly"].tolist() == calibrated.loc[calibrated["sample"] == 1, "qaly"].tolist()


def test_what_is_in_force_is_told_with_its_provenance(folder, monkeypatch):
    scenario = read(folder / "tiny.toml")
    words = calibration_words(scenario)
    assert "Calibrated table 2026-11: 3 numbers fitted together to 3 published rows flagged C" in words
    assert "pathway calibrate tiny, pathway 9.9, 2026-11-27 12:00 UTC; seed 7" in words
    assert calibration_words(read(folder / "plain.toml")) == ""
    frame = evidence_frame(scenario).set_index("id")
    assert frame.loc["drift", "origin"] == "calibrated 2026-11"
    assert frame.loc["drift", "source"] == "calibration_2026_11"
    assert frame.loc["drift", "citation"].startswith("Calibrated table 2026-11")
    assert "evidence: -2 (made_up)" in frame.loc["drift", "note"]
    assert frame.loc["alpha_share", "origin"] == "library"
    monkeypatch.chdir(folder)
    told = CliRunner().invoke(app, ["sources", "tiny.toml"])
    assert told.exit_code == 0
    assert "In force: Calibrated table 2026-11" in told.output
    assert "calibration_2026_11" in told.output
    assert "In force" not in CliRunner().invoke(app, ["sources", "plain.toml"]).output


def test_a_run_writes_down_which_table_was_in_force(folder, monkeypatch):
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(app, ["run", "tiny.toml", "--patients", "6", "--alternatives", "0", "--output", "out"])
    assert done.exit_code == 0, done.output
    (place,) = (folder / "out").glob("*/*/manifest.json")
    made = json.loads(place.read_text(encoding="utf-8"))
    assert made["calibration"] == "2026-11"
    assert "tiny/calibrated/2026-11/calibrated.csv" in {one["name"] for one in made["data_files"]}
    assert "Calibrated table 2026-11" in place.with_name("report.html").read_text(encoding="utf-8")


def test_lives_under_a_table_are_those_under_the_same_values(folder):
    text = (folder / "plain.toml").read_text(encoding="utf-8")
    own = "".join(f'\n[values.{name}]\nvalue = {value}\nunit = "{unit}"\nsource = "made up"\n' for name, value, unit in (("drift", -2.5, "points per year"), ("death_rate_severe", 0.06, "per year"), ("score_error", 2.4, "points")))
    (folder / "own.toml").write_text(text + own, encoding="utf-8")
    one, other = (run(read(folder / name), patients=12, engine="reference").outcomes() for name in ("tiny.toml", "own.toml"))
    assert one.equals(other)


def test_a_validation_takes_a_table_by_name(folder, monkeypatch):
    (folder / "tiny" / "trials").mkdir()
    shutil.copy(FIXTURES / "trials" / "exact.toml", folder / "tiny" / "trials" / "exact.toml")
    told = read_trials("tiny", beside=folder, calibration="2026-11")
    assert told.base.base_values()["drift"] == -2.5
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(app, ["validate", "tiny", "--calibration", "2026-11", "--patients", "20", "--engine", "reference", "--output", "out"])
    assert done.exit_code == 1  # 2.5 a year is far from the trial's 2
    assert "In force: Calibrated table 2026-11" in done.output
    (page,) = folder.glob("out/validation-tiny/*/validation.html")
    assert "Calibrated table 2026-11" in page.read_text(encoding="utf-8")
    plain = CliRunner().invoke(app, ["validate", "tiny", "--patients", "20", "--engine", "reference", "--output", "out"])
    assert plain.exit_code == 0, plain.output
    assert "In force" not in plain.output
    assert read_trials(str(folder / "tiny.toml")).base.base_values()["drift"] == -2.5
    assert read_trials(str(folder / "plain.toml"), calibration="2026-11").base.base_values()["drift"] == -2.5
    with pytest.raises(ScenarioError, match="unknown calibrated table 'other'"):
        read_trials("tiny", beside=folder, calibration="other")


def test_a_table_on_the_command_line_goes_before_the_scenarios_own(folder, monkeypatch):
    write_table(folder / "tiny" / "calibrated" / "later", NUMBERS.replace("-2.5", "-2.7"))
    assert read(folder / "tiny.toml", calibration="later").base_values()["drift"] == -2.7
    assert read(folder / "plain.toml", calibration="later").study.calibration == "later"
    monkeypatch.chdir(folder)
    assert "In force: Calibrated table later" in CliRunner().invoke(app, ["sources", "tiny.toml", "--calibration", "later"]).output
    refused = CliRunner().invoke(app, ["sources", "plain.toml", "--calibration", "latter"])
    assert refused.exit_code == 2
    assert "did you mean 'later'" in refused.output


@pytest.mark.parametrize(
    ("numbers", "correlations", "said"),
    [
        (NUMBERS.replace("drift,untreated", "drif,untreated"), CORRELATIONS.replace("drift", "drif"), ["unknown number 'drif'"]),
        (NUMBERS.replace("points per year", "mL per day"), CORRELATIONS, ["mL per day"]),
        (NUMBERS.replace("points per year", "per year"), CORRELATIONS, ["expected  points per year"]),
        (NUMBERS.replace("0.06,lognormal", "-0.06,lognormal"), CORRELATIONS, ["family lognormal for -0.06"]),
        (NUMBERS.replace("normal,0.25", "normal,0"), CORRELATIONS, ["expected  more than 0"]),
        (NUMBERS.replace("-2.5,normal", "-2.5,fixed"), CORRELATIONS, ["normal, lognormal, beta or gamma"]),
        (NUMBERS + "drift,again,points per year,-2.5,normal,0.25,-2,\n", CORRELATIONS, ["drift again"]),
        (NUMBERS, CORRELATIONS.replace("drift,1,", "drift,0.9,"), ["drift with itself is 0.9, not 1"]),
        (NUMBERS, CORRELATIONS.replace("score_error,0.8,0,1", "score_error,0.7,0,1"), ["drift with score_error is 0.8, score_error with drift is 0.7"]),
        (NUMBERS, CORRELATIONS.replace("0.8", "1.8"), ["outside -1 to 1"]),
        (NUMBERS, CORRELATIONS.replace("-0.3,1,0", "-0.3,1,-0.9").replace("0.8,0,1", "0.8,-0.9,1").replace("1,-0.3,0.8", "1,0.3,0.8").replace("-0.3,1,", "0.3,1,"), ["smallest eigenvalue"]),
        (NUMBERS, CORRELATIONS.replace("-0.3,1,0", "-0.3,1,none"), ['the text "none"']),
        (NUMBERS, CORRELATIONS.replace("score_error,0.8,0,1\n", ""), ["no row score_error"]),
        (NUMBERS, CORRELATIONS + "other,0,0,0\n", ["unknown number 'other'"]),
        (NUMBERS, CORRELATIONS.replace("drift,1,-0.3", "drift,0.9,-0.4"), ["drift with itself is 0.9", "drift with death_rate_severe is -0.4"]),
    ],
)  # fmt: skip
def test_every_fault_of_a_table_is_told(folder, numbers, correlations, said):
    write_table(table(folder), numbers, correlations)
    text = str(ScenarioError(faults=faults(folder)))
    for words in said:
        assert words in text
    assert "tiny/calibrated/2026-11/" in text


def test_faults_of_all_files_are_told_at_once(folder):
    write_table(table(folder), NUMBERS.replace("normal,0.25", "normal,x"), CORRELATIONS.replace("0.8", "a lot"), digest="no hash")
    places = {fault.where.split(",")[0] for fault in faults(folder)}
    assert places == {f"tiny/calibrated/2026-11/{file}.csv" for file in ("calibrated", "correlation", "provenance")}


def test_a_number_changed_by_hand_is_refused(folder):
    place = table(folder) / "calibrated.csv"
    place.write_text(NUMBERS.replace("-2.5", "-2.4"), encoding="utf-8")
    (fault,) = faults(folder)
    assert fault.where == "tiny/calibrated/2026-11/provenance.csv, line table_sha256"
    assert "scenario's table values" in fault.mend
    place.write_bytes(NUMBERS.replace("\n", "\r\n").encode())  # other ends of lines are no change
    assert faults(folder) == []
    write_table(table(folder), digest="")
    assert "no line table_sha256" in faults(folder)[0].found


def test_a_file_that_is_missing_is_told(folder):
    (table(folder) / "provenance.csv").unlink()
    assert any(fault.where == "tiny/calibrated/2026-11/provenance.csv" and fault.found == "no such file" for fault in faults(folder))


@pytest.mark.parametrize(("name", "said"), [("2026-12", "did you mean '2026-11'"), ("nothing like it", "calibration"), ("../2026-11", "calibration")])
def test_a_table_that_does_not_exist_is_a_fault(folder, name, said):
    text = (folder / "tiny.toml").read_text(encoding="utf-8")
    (folder / "tiny.toml").write_text(text.replace('"2026-11"', f'"{name}"'), encoding="utf-8")
    (fault,) = faults(folder)
    assert said in f"{fault.where} {fault.mend}"


def test_a_disease_without_tables_says_so(folder):
    shutil.rmtree(folder / "tiny" / "calibrated")
    (fault,) = faults(folder)
    assert fault.expected == "no table: tiny has no folder calibrated"
    assert "pathway calibrate" in fault.mend


def test_a_table_made_beside_other_evidence_is_noted(folder):
    write_table(table(folder), NUMBERS.replace("0.25,-2,", "0.25,-2.2,"))
    scenario, found, warnings = inspect(folder / "tiny.toml")
    assert scenario is not None
    assert found == []
    assert any("fitted beside an evidence of -2.2, which is -2 today" in warning for warning in warnings)


# --- what ships -------------------------------------------------------------------------------------------------------

SHIPPED = Path(__file__).parents[1] / "scenarios" / "ssc_ild_us.toml"


def test_the_table_that_ships_can_be_named_without_a_note():
    scenario, found, warnings = inspect(SHIPPED, calibration="2026-11")
    assert scenario is not None
    assert found == []
    assert not any("make the table anew" in warning for warning in warnings)
    joint = scenario.library.calibration.joint
    assert set(joint.ids) <= set(read_trials("ssc_ild").free)
    pair = joint.ids.index("fvc_process_sd_sls"), joint.ids.index("fvc_error_trial")
    assert joint.correlation[pair] < -0.5
    assert "/" not in scenario.library.calibration.provenance["command"]


def test_sets_of_the_shipped_table_hang_together_as_it_says():
    scenario = read(SHIPPED, calibration="2026-11")
    wanted = scenario.library.calibration.joint.correlation
    ids = scenario.library.calibration.joint.ids
    drawn = [scenario.sample_values(sample) for sample in range(1, 401)]
    rows = scenario.library.parameters
    scores = np.array([[np.log(one[name]) if rows[name].family == "lognormal" else one[name] for name in ids] for one in drawn])
    assert (np.abs(np.corrcoef(scores, rowvar=False) - wanted) <= 4.5 * (1.0 - wanted**2) / 20.0 + 1e-12).all()
