"""Extreme inputs with known answers, from the documents to the outcomes: nobody dies, everybody dies, nothing costs, nothing works."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pathway.experiment import Results, run
from pathway.reading import read

FIXTURES = Path(__file__).parent / "fixtures"
COURSE, PEOPLE, PRICES, LIVES = "tiny/evidence/course.csv", "tiny/evidence/people.csv", "tiny/prices.csv", "tiny/life_tables.csv"
STUDY, NORMS, STRATEGIES = "tiny.toml", "tiny/utility_norms.csv", "tiny/strategies.toml"
OWN_RATE = "[values.death_rate]\nvalue = 2.0"
NO_DEATH = [
    (STUDY, OWN_RATE, "[values.death_rate]\nvalue = 0.0"), (STUDY, "low = 1.0\nhigh = 3.0\n", ""),
    (LIVES, "0,0.01,0.02", "0,0,0"), (LIVES, "1,0.01,0.02", "1,0,0"), (LIVES, "2,1,1", "2,0,0"),
]  # fmt: skip
FULL_HEALTH = [
    (PEOPLE, "0.7,utility,beta,0.6,0.8", "1,utility,fixed,,"), (PEOPLE, "0.002,utility per point,normal,0.001,0.003", "0,utility per point,fixed,,"),
    (PEOPLE, "-0.1,utility", "0,utility"), ("tiny/economics.toml", 'norm = "made_up"\n', ""),
]  # fmt: skip
NO_EFFECT = [
    (COURSE, "50,percent,beta,30,70", "0,percent,fixed,,"), (COURSE, "0.4,ratio,triangular,0,1", "1,ratio,fixed,,"),
    (COURSE, "5,per 100 years,gamma,3,8", "0,per 100 years,fixed,,"),
]  # fmt: skip
FREE = [(STUDY, "value = 4.0", "value = 0"), (PRICES, "alpha pill,1.5", "alpha pill,0"), (PRICES, "beta pill,9", "beta pill,0"),
        (PRICES, "a visit,100", "a visit,0"), (PRICES, "an admission,9000", "an admission,0")]  # fmt: skip
UNDISCOUNTED = [(STUDY, "discount_costs = 0.03", "discount_costs = 0"), (STUDY, "discount_outcomes = 0.03", "discount_outcomes = 0")]


def results(folder: Path, edits: list[tuple[str, str, str]], engine: str) -> Results:
    shutil.copytree(FIXTURES, folder / "study")
    for file, old, new in edits:
        path = folder / "study" / file
        text = path.read_text()
        assert old in text, (file, old)
        path.write_text(text.replace(old, new))
    return run(read(folder / "study/tiny.toml"), patients=60, engine=engine)


@pytest.fixture
def outcomes(tmp_path: Path, engine: str):
    """Outcomes of the tiny study after some edits, one row a strategy."""

    def make(*edits: list[tuple[str, str, str]]) -> pd.DataFrame:
        return results(tmp_path, [one for several in edits for one in several], engine).outcomes()

    return make


def test_without_mortality_everybody_lives_to_the_horizon(outcomes):
    assert (outcomes(NO_DEATH)["life_years"] == 10.0).all()


def test_with_huge_mortality_nobody_lives_and_only_the_first_visit_and_pack_are_paid(outcomes):
    found = outcomes([(STUDY, OWN_RATE, "[values.death_rate]\nvalue = 1e8"), (STUDY, "low = 1.0\nhigh = 3.0\n", "")])
    assert (found["life_years"] < 1e-5).all()
    assert (found["qalys"] < 1e-5).all()
    visit, pack = 100.0 * 106.0 / 100.0, 30.0 * 4.0
    assert found["cost_undiscounted"].to_numpy() == pytest.approx([visit, visit + pack], abs=0.01)
    assert np.isfinite(found.select_dtypes("number").to_numpy()).all()


def test_in_full_health_qalys_are_life_years(outcomes):
    found = outcomes(FULL_HEALTH)
    assert found["qalys"].to_numpy() == pytest.approx(found["life_years"].to_numpy(), rel=1e-12)


def test_at_utility_zero_there_are_no_qalys(outcomes):
    zero = [(file, old, new.replace("1,utility,fixed", "0,utility,fixed")) for file, old, new in FULL_HEALTH]
    found = outcomes(zero)
    assert (found["qalys"] == 0.0).all()
    assert (found["life_years"] > 0.0).all()


def test_at_prices_of_zero_nothing_costs(outcomes):
    found = outcomes(FREE)
    assert (found["cost"] == 0.0).all()
    assert (found["life_years"] > 0.0).all()


def test_when_no_drug_works_all_strategies_live_the_same_lives(tmp_path, engine):
    found = results(tmp_path, NO_EFFECT, engine)
    one, other = (found.strategies[name].log.frame().groupby("patient")["time"].max().to_numpy() for name in ("alpha_first", "beta_first"))
    assert one == pytest.approx(other, rel=1e-12)


def test_identical_strategies_differ_by_exactly_nothing(outcomes):
    beta = STRATEGIES, 'lines = [{ candidates = [{ regimen = ["beta"] }] }, { candidates = [{ regimen = ["alpha", "beta"], when = "progressed" }] }]'
    found = outcomes([(*beta, 'lines = [{ candidates = [{ regimen = ["alpha"] }] }, { candidates = [{ regimen = ["beta"] }] }]')])
    numbers = found.select_dtypes("number").to_numpy()
    assert np.array_equal(numbers[0], numbers[1], equal_nan=True)


def test_undiscounted_is_discounted_at_zero(outcomes):
    found = outcomes(UNDISCOUNTED)
    assert found["cost"].to_numpy() == pytest.approx(found["cost_undiscounted"].to_numpy(), rel=1e-12)
    assert found["qalys_discounted"].to_numpy() == pytest.approx(found["qalys"].to_numpy(), rel=1e-12)


def test_life_years_stay_within_the_horizon_and_costs_above_zero(outcomes):
    found = outcomes([])
    assert (found["life_years"] <= 10.0).all()
    assert (found["qalys"] <= found["life_years"]).all()
    assert (found["cost"] > 0.0).all()
