"""An interrupted run goes on from the strategies it had finished, and ends as if nothing had happened."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import pathway
from pathway.report.store import store_of
from tests.histories import same_history

SCENARIO = Path(__file__).parents[1] / "scenarios" / "ssc_ild_us.toml"


def test_a_resumed_run_equals_one_that_was_never_interrupted(tmp_path):
    scenario = pathway.read(SCENARIO)
    chosen = ["s1", "s3", "s7"]
    whole = pathway.run(scenario, patients=12, strategies=chosen)
    seen = []

    def interrupt(strategy: str, done: int, total: int) -> None:
        seen.append(strategy)
        if strategy == "s3":
            raise KeyboardInterrupt

    settings = {"patients": 12, "seed": None, "engine": None}
    with pytest.raises(KeyboardInterrupt):
        pathway.run(scenario, patients=12, strategies=chosen, progress=interrupt, store=store_of(scenario, tmp_path, reads=False, **settings))
    assert seen == ["s1", "s3"]
    seen.clear()
    resumed = pathway.run(scenario, patients=12, strategies=chosen, progress=lambda name, *_: seen.append(name), store=store_of(scenario, tmp_path, reads=True, **settings))
    assert seen == ["s3", "s7"], "s1 was not simulated again"
    for name in chosen:
        assert same_history(whole.strategies[name].log, resumed.strategies[name].log)
        assert (whole.strategies[name].outcomes.total == resumed.strategies[name].outcomes.total).all()


def test_another_seed_or_cohort_is_another_run(tmp_path):
    scenario = pathway.read(SCENARIO)
    one = store_of(scenario, tmp_path, patients=12, seed=None, engine=None, reads=True)
    assert one.folder != store_of(scenario, tmp_path, patients=13, seed=None, engine=None, reads=True).folder
    assert one.folder != store_of(scenario, tmp_path, patients=12, seed=5, engine=None, reads=True).folder
    assert one.load("s1") is None


def test_a_damaged_log_is_simulated_again(tmp_path):
    scenario = pathway.read(SCENARIO)
    settings = {"patients": 3, "seed": None, "engine": None}
    store = store_of(scenario, tmp_path, reads=True, **settings)
    whole = pathway.run(scenario, patients=3, strategies=["s1"], store=store)
    (store.folder / "s1.npz").write_bytes((store.folder / "s1.npz").read_bytes()[:1000])
    assert store.load("s1") is None
    again = pathway.run(scenario, patients=3, strategies=["s1"], store=store)
    assert same_history(whole.strategies["s1"].log, again.strategies["s1"].log)


def test_other_patients_of_ones_own_are_another_run(tmp_path):
    scenario = pathway.read(SCENARIO)
    settings = {"patients": None, "seed": None, "engine": None, "reads": True}
    columns = {"age": np.array([50.0, 60.0])}
    folders = {store_of(replace(scenario, patients=one), tmp_path, **settings).folder for one in (None, columns, {"age": np.array([50.0, 61.0])})}
    assert len(folders) == 3
