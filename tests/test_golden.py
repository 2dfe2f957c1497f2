"""Frozen results of the main study on a few patients: they move only in a commit that says why."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import pathway

GOLDEN = Path(__file__).parent / "golden" / "ssc_ild_us.csv"
SCENARIO = Path(__file__).parents[1] / "scenarios" / "ssc_ild_us.toml"
EXACT = ["strategy", "patient", "events", "last_state", "line"]


def lives_of(strategies: list[str], patients: int) -> pd.DataFrame:
    """One row a patient and strategy: length of the log, end, line, and what it was worth."""
    results = pathway.run(pathway.read(SCENARIO), patients=patients, strategies=strategies)
    parts = []
    for name in strategies:
        frame = results.events(name)
        last = frame.groupby("patient").last()
        outcomes = results.strategies[name].outcomes
        parts.append(
            pd.DataFrame(
                {
                    "strategy": name, "patient": last.index, "events": frame.groupby("patient").size().to_numpy(), "last_state": last["state"].astype(str).to_numpy(),
                    "line": last["line"].to_numpy(), "life_years": outcomes.life_years, "qalys_discounted": outcomes.qalys_discounted, "cost_discounted": outcomes.total,
                }
            )
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def test_the_main_study_has_not_moved():
    """Write the file anew with: python -m tests.test_golden (and say in the commit why the results moved)."""
    golden = pd.read_csv(GOLDEN)
    now = lives_of(["s1", "s3", "s6", "s7"], 12)
    for column in EXACT:
        assert (now[column].to_numpy() == golden[column].to_numpy()).all(), f"{column} moved"
    for column in ("life_years", "qalys_discounted", "cost_discounted"):
        assert now[column].to_numpy() == pytest.approx(golden[column].to_numpy(), rel=1e-9), f"{column} moved"


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    lives_of(["s1", "s3", "s6", "s7"], 12).to_csv(GOLDEN, index=False, float_format="%.12g")
