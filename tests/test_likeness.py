"""Tables that are like another of their file, and what is told when they cannot be."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pathway.reading import inspect, read
from pathway.reading.likeness import inherited
from pathway.reading.text import Findings

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the tiny study with a payer like the one that asks."""
    shutil.copy(FIXTURES / "tiny.toml", tmp_path)
    shutil.copytree(FIXTURES / "tiny", tmp_path / "tiny")
    payers = tmp_path / "tiny" / "access.toml"
    payers.write_text(payers.read_text() + '\n[slower]\nlike = "asked"\nlabel = "the same, slower"\nappeal = { mean = "one_year" }\n')
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def found(folder: Path) -> str:
    return "\n".join(fault.found for fault in inspect(folder / "tiny.toml")[1])


def test_what_a_table_does_not_say_is_taken_over(folder):
    access = read(folder / "tiny.toml").library.access
    assert access["slower"].decision == access["asked"].decision
    assert access["slower"].of == access["asked"].of
    assert access["slower"].appeal.mean == "one_year"
    assert access["asked"].appeal.mean is None


def test_a_circle_of_likeness_is_refused():
    findings = Findings()
    inherited({"a": {"like": "b"}, "b": {"like": "a"}}, "access.toml", findings)
    assert any("leads back here" in fault.found for fault in findings.faults.faults)


def test_a_likeness_to_nothing_is_refused_with_a_suggestion(folder):
    edit(folder / "tiny" / "access.toml", 'like = "asked"', 'like = "askd"')
    faults = inspect(folder / "tiny.toml")[1]
    assert any(fault.found.startswith("'askd'") and "asked" in fault.mend for fault in faults)


def test_a_strategy_names_a_payer_that_exists(folder):
    own = '\n[strategies.mine]\nlabel = "mine"\nlines = [{ candidates = [{ regimen = ["alpha"] }] }]\naccess = "slowr"\n'
    edit(folder / "tiny.toml", 'strategies = ["alpha_first", "beta_first"]', 'strategies = ["alpha_first", "beta_first", "mine"]')
    scenario = folder / "tiny.toml"
    scenario.write_text(scenario.read_text() + own)
    assert "unknown access 'slowr'" in found(folder)
    edit(scenario, '"slowr"', '"slower"')
    study = read(scenario)
    assert study.access_name("mine") == "slower"
    assert study.access("mine").label == "the same, slower"
    assert study.access_name("alpha_first") == study.study.access


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('residual_merits = "denial"', 'residual_merits = "ten_points"', "ten_points"),
        ('residual_merits = "denial"', 'residual_merit = "denial"', "residual_merit"),
        ('decision = { mean = "quarter"', 'decision = { mean = "denial"', "denial in probability"),
        ("alpha = { start_when", "gamma = { start_when", "unknown treatment 'gamma'"),
    ],
)
def test_a_payer_that_cannot_be_is_refused(folder, old, new, words):
    edit(folder / "tiny" / "access.toml", old, new)
    faults = inspect(folder / "tiny.toml")[1]
    assert any(words in f"{fault.where} {fault.found}" for fault in faults), faults
