"""What the SSc-ILD library promises, read off simulated histories: MODEL decisions that a change of a table could break in silence."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from pathway import experiment
from pathway.definition.scenario import Scenario
from pathway.reading import read

SCENARIOS = Path(__file__).parents[1] / "scenarios"
PATIENTS = 60


@cache
def scenario(name: str = "ssc_ild_us") -> Scenario:
    """A shipped scenario."""
    return read(SCENARIOS / f"{name}.toml")


def events(base: Scenario, strategy: str, **switches: str) -> pd.DataFrame:
    """Histories of the first patients under one strategy."""
    with_switches = replace(base, switches={**base.switches, **switches})
    return experiment.run(with_switches, patients=PATIENTS, strategies=[strategy]).strategies[strategy].log.frame()


def regimens(frame: pd.DataFrame) -> pd.DataFrame:
    """Regimen before and after each change of line that progression caused."""
    changes = frame[(frame["kind"] == "line") & (frame["name"] == "progression")][["patient", "time"]].drop_duplicates()
    before = frame[frame["time"].notna()].copy()
    rows = []
    for patient, time in changes.itertuples(index=False):
        history = before[before["patient"] == patient]
        decided = history[(history["time"] == time) & (history["kind"] == "decide") & (history["name"] == "progression")]
        rows.append((str(decided.iloc[0]["regimen"]), str(history[history["time"] <= time].iloc[-1]["regimen"])))
    return pd.DataFrame(rows, columns=["old", "new"])


@pytest.mark.parametrize("strategy", ["s1", "s2", "s4", "s6", "s7"])
def test_progression_changes_the_regimen(strategy):
    changed = regimens(events(scenario(), strategy))
    assert len(changed) > PATIENTS / 3
    same = changed[(changed["old"] == changed["new"]) & ~changed["old"].isin(["nintedanib", "none"])]
    assert same.empty, same


def test_nintedanib_goes_on_through_progression_unless_a_payer_stops_it():
    def blamed(**switches: str) -> int:
        frame = events(scenario(), "s2", **switches)
        stops = frame[(frame["kind"] == "stop") & (frame["name"] == "nintedanib")]
        return int((stops["detail"] == "progression").sum())

    assert blamed() == 0
    assert blamed(nintedanib_stop="ten_points") > 0


def test_nobody_is_transplanted_after_65():
    run = experiment.run(scenario(), patients=400, strategies=["s0"]).strategies["s0"]
    ages = run.ledger.age
    rows = run.log.frame()
    moved = rows[(rows["kind"] == "move") & (rows["name"] == "transplant")]
    assert len(moved) >= 5
    assert (ages[moved["patient"].to_numpy()] + moved["time"].to_numpy() <= 65.0).all()


def test_a_death_in_an_exacerbation_or_infection_pays_no_second_admission():
    run = experiment.run(scenario(), patients=PATIENTS, strategies=["s0"]).strategies["s0"]
    rows = run.log.frame()
    deaths = rows[(rows["kind"] == "move") & (rows["state"] == "dead")]["name"].astype(str)
    apart = deaths.isin(["death_in_exacerbation", "death_in_infection"]).sum()
    stays = run.ledger.use_frame().query("item == 'end_of_life'")["quantity"].sum()
    assert apart > 0
    assert stays == len(deaths) - apart


@pytest.mark.parametrize(
    ("switch", "option", "strategy", "is_worse"),
    [
        ("mmf_later", "share", "s1", True),
        ("rituximab_added", "lost", "s1", True),
        ("untreated_course", "progressive", "s0", True),
        ("mmf_anchor", "pooled", "s1", True),
        ("early_drift_end", "three_years", "s0", False),
    ],
)
def test_a_structural_alternative_moves_health_the_way_it_should(switch, option, strategy, is_worse):
    def qalys(**switches: str) -> float:
        base = replace(scenario(), switches={**scenario().switches, **switches})
        return float(experiment.run(base, patients=200, strategies=[strategy]).strategies[strategy].outcomes.qalys.mean())

    assert (qalys(**{switch: option}) < qalys()) is is_worse


def test_adherence_of_a_half_halves_what_nintedanib_takes_off_the_loss():
    full = scenario()
    assert full.base_values()["nintedanib_ratio_in_practice"] == pytest.approx(0.39)
    half = replace(full.library.parameters["adherence_nintedanib"], value=0.5)
    assert replace(full, overrides={"adherence_nintedanib": half}).base_values()["nintedanib_ratio_in_practice"] == pytest.approx(1.0 - 0.5 * 0.61)
