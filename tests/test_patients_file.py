"""The user's own patients: what is accepted, what is computed, what is refused by row; nothing outside the folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from pathway.cohort import draw_cohort, patient_columns
from pathway.definition.scenario import Scenario
from pathway.errors import ScenarioError
from pathway.reading import check, read

FIXTURES = Path(__file__).parent / "fixtures"
HEADER = "age,female,score_at_entry\n"
FACTOR = """[covariates]
height_cm = { label = "height", unit = "cm", low = 100, high = 230 }
factor = { label = "factor", unit = "ratio", low = 0.3, high = 3 }
"""
DRAWS = 'covariates.height_cm = { family = "fixed", value = "tall" }\ncovariates.factor = { family = "predicted", rule = "gli_height_factor" }\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the tiny study, of one's own patients."""
    shutil.copytree(FIXTURES, tmp_path / "study")
    study = tmp_path / "study/tiny.toml"
    study.write_text(study.read_text().replace('cohort = "naive"', 'patients_file = "mine.csv"'))
    return tmp_path / "study"


def faults(folder: Path, text: str) -> str:
    (folder / "mine.csv").write_text(text, encoding="utf-8")
    found = check(folder / "tiny.toml")
    assert all(fault.where and fault.found and fault.expected and fault.mend for fault in found)
    return "\n".join(str(fault) for fault in found)


def with_factor(folder: Path, text: str) -> Scenario:
    """The study with a covariate that follows from two others."""
    pathway, cohorts, people = (folder / "tiny" / name for name in ("pathway.toml", "cohorts.toml", "evidence/people.csv"))
    pathway.write_text(pathway.read_text().replace("[covariates]\n", FACTOR))
    cohorts.write_text(cohorts.read_text().replace("covariates.age", DRAWS + "covariates.age"))
    people.write_text(people.read_text() + "tall,height,180,cm,fixed,,,,,made_up,assumption,,\n")
    (folder / "mine.csv").write_text(text)
    return read(folder / "tiny.toml")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("-3,1,70", "row 2, column age\n  found     -3"),
        ("170,1,70", "18 to 100 years"),
        ("50,X,70", 'the text "X"'),
        ("50,0.5,70", "0.5\n  expected  sex (1 female): 0 or 1"),
        ("50,2,70", "row 2, column female"),
        ("50,7,70", "7\n  expected  sex (1 female): 0 or 1"),
        ("50,1,450", "score at entry: 0 to 100 points"),
        ("50,,70", "an empty cell"),
        ("50,1", "row 2, column score_at_entry\n  found     an empty cell"),
        ("nan,1,70", "give a finite number"),
        ("1e400,1,70", "below 1e308"),
        ("\u0665\u0660,1,70", "a plain number"),
        ("x" * 200_000 + ",1,70", "row 2"),
    ],
)
def test_a_value_that_cannot_be_is_told_by_row(folder: Path, row: str, words: str) -> None:
    assert words in faults(folder, HEADER + row + "\n")


def test_faults_of_all_rows_are_told_together(folder: Path) -> None:
    said = faults(folder, HEADER + "500,1,70\n50,7,70\n50,1,-70\n")
    for row, column in ((2, "age"), (3, "female"), (4, "score_at_entry")):
        assert f"mine.csv, row {row}, column {column}" in said


def test_a_patient_named_twice_is_told(folder: Path) -> None:
    said = faults(folder, "patient," + HEADER + "P1,50,1,70\nP2,50,1,70\nP1,50,1,70\n")
    assert "row 4, column patient\n  found     P1 again, first in row 2" in said


def test_text_that_a_spreadsheet_would_run_is_only_text(folder: Path) -> None:
    assert faults(folder, "note," + HEADER + '"=HYPERLINK(""http://x"")",50,1,70\n@SUM(A1),50,1,70\n') == ""


def test_what_can_be_computed_may_be_left_out(folder: Path) -> None:
    scenario = with_factor(folder, "age,female,height_cm,score_at_entry\n50,0,180,70\n60,1,165,80\n")
    cohort = draw_cohort(scenario, scenario.base_values())
    factor = cohort.values[:, cohort.covariates.index("factor")]
    np.testing.assert_allclose(factor, [(180 / 165) ** 2.727421, 1.0])
    required = patient_columns(scenario).set_index("column")["required"]
    assert not required["factor"]
    assert required.drop("factor").all()


def test_what_is_given_is_not_computed(folder: Path) -> None:
    scenario = with_factor(folder, "age,female,height_cm,score_at_entry,factor\n50,0,180,70,0.9\n")
    cohort = draw_cohort(scenario, scenario.base_values())
    assert cohort.values[0, cohort.covariates.index("factor")] == 0.9


def test_links_out_of_the_folder_and_circles_of_links_are_refused(folder: Path) -> None:
    (folder / "mine.csv").symlink_to("/etc/hostname")
    assert "outside the scenario's folder" in check(folder / "tiny.toml")[0].found
    (folder / "mine.csv").unlink()
    (folder / "mine.csv").symlink_to("mine.csv")
    (fault,) = check(folder / "tiny.toml")
    assert "mine.csv" in fault.found + fault.where


def test_a_file_that_is_not_a_file_is_refused(folder: Path) -> None:
    (folder / "mine.csv").mkdir()
    assert check(folder / "tiny.toml")[0].found == "a folder"


def test_a_patient_beyond_the_file_is_told_with_the_numbers_there_are(folder: Path) -> None:
    (folder / "mine.csv").write_text(HEADER + "50,1,70\n60,0,50\n")
    scenario = read(folder / "tiny.toml")
    with pytest.raises(ScenarioError, match=r"2 patients, counted from 0\n  expected  a patient 2\n  mend      ask for a patient from 0 to 1"):
        draw_cohort(scenario, scenario.base_values(), size=1, first=2)
    with pytest.raises(ScenarioError, match=r"patients 0 to 4\n  mend      ask for fewer"):
        draw_cohort(scenario, scenario.base_values(), size=5)
