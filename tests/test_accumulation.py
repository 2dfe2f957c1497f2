"""Outcomes without logs equal those of the log, bit for bit, whatever the block, the workers and the engine, and after an interruption."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import pathway
from pathway.accumulation import Job, accumulate, value_blocks
from pathway.cohort import draw_cohort
from pathway.economics import ledger as ledgers
from pathway.economics.gathering import Gathering, Part
from pathway.economics.ledger import declared
from pathway.economics.parts import HUNDRED, added_up
from pathway.economics.valuation import Outcomes
from pathway.engines import simulate
from pathway.errors import PathwayError
from pathway.experiment import Results, prepare
from pathway.report.histories import lifetimes, marker_at, states_at
from pathway.report.store import store_of
from pathway.report.writer import write

ROOT = Path(__file__).parents[1]
SCENARIOS = sorted(path.stem for path in (ROOT / "scenarios").glob("*.toml"))
PATIENTS = 230
"""Two whole hundreds and a part of one."""


@cache
def scenario(name: str = "ssc_ild_us"):
    """A shipped scenario."""
    return pathway.read(ROOT / "scenarios" / f"{name}.toml")


@cache
def with_logs(name: str = "ssc_ild_us", patients: int = PATIENTS) -> Results:
    """A run that keeps every row; two strategies and the comparator."""
    chosen = list(scenario(name).strategies)[-2:]
    return pathway.run(scenario(name), patients=patients, strategies=chosen, logs=True)


def job_of(results: Results) -> Job:
    """The same run, to be summed up."""
    programs, terms = prepare(results.scenario, results.values, list(results.strategies), engine=results.engine)
    return Job(
        programs=programs, books=results.scenario.library, values=results.values, terms=terms, comparator=results.scenario.study.comparator, seed=results.seed, engine=results.engine
    )  # fmt: skip


def assert_equal(results: Results, summed: dict[str, Part]) -> None:
    """Outcomes, items, grid and equal-value life-years: to the last bit."""
    assert list(summed) == list(results.strategies)
    for name, part in summed.items():
        run = results.strategies[name]
        for field in fields(Outcomes):
            if field.name == "item_sums":
                assert (added_up(part.outcomes.item_sums) == added_up(run.outcomes.item_sums)).all()
            elif isinstance(getattr(run.outcomes, field.name), np.ndarray):
                assert getattr(part.outcomes, field.name).tobytes() == getattr(run.outcomes, field.name).tobytes(), field.name
            else:
                assert getattr(part.outcomes, field.name) == getattr(run.outcomes, field.name), field.name
        pd.testing.assert_frame_equal(part.outcomes.items, run.outcomes.items, check_exact=True)
        for field in ("grid", "states", "living", "years", "died", "cause"):
            assert (getattr(part.summary, field) == getattr(run.summary, field)).all(), field
        assert added_up(part.summary.marker_sums).tobytes() == added_up(run.summary.marker_sums).tobytes()
        if part.equal_value_years is not None:
            assert (part.equal_value_years == results.equal_value_years(name)).all()


@pytest.mark.parametrize("name", SCENARIOS)
def test_sums_equal_those_of_the_log(name):
    results = with_logs(name)
    assert_equal(results, accumulate(job_of(results), results.cohort, block=100))


@pytest.mark.parametrize(("block", "workers"), [(1, 1), (100, 2), (200, 2), (300, 1)])
def test_blocks_and_threads_move_nothing(block, workers):
    results = with_logs()
    assert_equal(results, accumulate(job_of(results), results.cohort, block=block, workers=workers))


def test_the_reference_engine_sums_to_the_same():
    results = with_logs(patients=104)
    small = results.cohort.part(0, 104)
    job = replace(job_of(results), engine="reference", programs={name: job_of(results).programs[name] for name in ("s1",)})
    found = accumulate(job, small, block=100, workers=2)["s1"]
    assert (found.outcomes.total == results.strategies["s1"].outcomes.total).all()


def test_a_run_without_logs_gives_the_same_tables():
    results = with_logs()
    without = pathway.run(scenario(), patients=PATIENTS, strategies=list(results.strategies), logs=False, workers=2)
    for table in ("outcomes", "costs", "incremental", "versus_comparator"):
        pd.testing.assert_frame_equal(getattr(without, table)(), getattr(results, table)(), check_exact=True)
    assert not without.has_logs


def test_what_needs_a_log_says_so():
    without = pathway.run(scenario(), patients=3, strategies=["s1"], logs=False)
    for ask in (lambda: without.events("s1"), lambda: without.history("s1"), lambda: without.revalue(without.terms)):
        with pytest.raises(PathwayError, match="dropped their rows"):
            ask()


@pytest.mark.parametrize("block", [1, 200])
def test_outcomes_without_summing_up_are_the_same(block):
    """Also where nobody in a block uses anything of some category."""
    results = with_logs()
    job = job_of(results)
    seen = set()
    for name, rows, outcomes in value_blocks(job, results.cohort, block=block):
        whole = results.strategies[name].outcomes
        seen.add((name, rows.start))
        for field in ("total", "total_undiscounted", "life_years", "qalys", "qalys_discounted", "years_by_state"):
            assert getattr(outcomes, field).tobytes() == getattr(whole, field)[rows].tobytes(), field
    assert len(seen) == len(results.strategies) * -(-PATIENTS // max(block, HUNDRED))


def test_a_part_is_the_same_after_a_file():
    run = with_logs("ra_us", 104).strategies["r5"]
    part = Part(outcomes=run.outcomes, summary=run.summary)
    arrays = part.arrays()
    assert arrays["summary.marker_sums"].shape[1] < run.summary.grid.size
    for name, array in Part.of_arrays(arrays).arrays().items():
        assert array.tobytes() == arrays[name].tobytes(), name
    again = Part.of_arrays(arrays).summary.marker_sums
    assert again.tobytes() == run.summary.marker_sums.tobytes()


def test_a_category_that_nobody_uses_moves_no_total():
    outcomes = with_logs().strategies["s1"].outcomes
    for place in range(outcomes.costs.shape[1] + 1):
        wider = replace(outcomes, costs=np.insert(outcomes.costs, place, 0.0, axis=1))
        assert wider.total.tobytes() == outcomes.total.tobytes()


def test_large_runs_keep_no_log_unless_asked(monkeypatch):
    monkeypatch.setattr("pathway.experiment.LIVES_WITH_LOGS", 5)
    said = []
    small = pathway.run(scenario(), patients=5, strategies=["s1"], announce=lambda what, _: said.append(what))
    large = pathway.run(scenario(), patients=6, strategies=["s1"], announce=lambda what, _: said.append(what))
    asked = pathway.run(scenario(), patients=6, strategies=["s1"], logs=True)
    assert (small.has_logs, large.has_logs, asked.has_logs) == (True, False, True)
    assert ["no event log" in words for words in said] == [False, True]


def test_a_resumed_run_without_logs_equals_one_that_was_never_interrupted(tmp_path, monkeypatch):
    monkeypatch.setattr("pathway.accumulation.BLOCK", 100)
    results = with_logs()
    settings = {"patients": PATIENTS, "seed": None, "engine": None}
    names = list(results.strategies)
    told = []

    def interrupt(_: str, done: int, total: int) -> None:
        if done == 200:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        accumulate(job_of(results), results.cohort, block=100, progress=interrupt, store=store_of(scenario(), tmp_path, reads=False, **settings))
    monkeypatch.setattr("pathway.accumulation.tell_block", counted(told))
    resumed = accumulate(job_of(results), results.cohort, block=100, store=store_of(scenario(), tmp_path, reads=True, **settings))
    assert told == [30], "only the last block was told again"
    assert_equal(results, resumed)
    store = store_of(scenario(), tmp_path, reads=True, **settings)
    assert store.load_block(tuple(names), 0, 100) is not None
    assert store.load_block(("s1",), 0, 100) is None, "other strategies are another block"
    next(store.folder.glob("block-*-0-100.npz")).write_bytes(b"cut short")
    assert store.load_block(tuple(names), 0, 100) is None


def counted(told: list[int]):
    """``tell_block`` that notes how many patients it is asked for."""
    from pathway import accumulation

    whole = accumulation.tell_block

    def tell(job, part):
        told.append(part.size)
        return whole(job, part)

    return tell


def test_the_grid_says_what_the_log_says():
    for run in with_logs().strategies.values():
        grid = run.summary.grid[:240]
        states = states_at(run.log, grid)
        counts = np.stack([(states == k).sum(axis=0) for k in range(len(run.program.states))], axis=1)
        assert (run.summary.states[:240] == counts).all()
        lives = lifetimes(run.log, run.program)
        assert (run.summary.years == lives.years).all()
        assert (run.summary.died == lives.died).all()
        assert (run.summary.cause == lives.cause).all()
        mean, error = run.summary.marker_means()
        for number, marker in enumerate(run.log.markers):
            values = marker_at(run.log, marker, grid[:120])
            alive = (~np.isnan(values)).sum(axis=0)
            assert (run.summary.living[:120] == alive).all()
            assert mean[:120, number] == pytest.approx(np.nanmean(values, axis=0), rel=1e-12)
            assert error[:120, number] == pytest.approx(np.nanstd(values, axis=0, ddof=1) / np.sqrt(alive), rel=1e-9)


def test_a_ledger_needs_only_the_rows_it_reads():
    study = scenario("ssc_ild_access")
    values = study.base_values()
    cohort = draw_cohort(study, values, size=60, seed=2)
    for name in study.strategies:
        program = prepare(study, values, [name], engine="compiled")[0][name]
        whole = ledgers.build(simulate(program, cohort, 2, engine="compiled"), program, cohort, study.library, values)
        lean = ledgers.build(simulate(program, cohort, 2, engine="compiled", kinds=ledgers.kinds_read(study.library)), program, cohort, study.library, values)
        for table in ("use", "life"):
            for column, expected in getattr(whole, table).items():
                assert expected.tobytes() == getattr(lean, table)[column].tobytes(), column


def test_hundreds_are_added_up_in_order():
    parts = np.random.default_rng(1).normal(size=(7, 3))
    by_hand = parts[0]
    for part in parts[1:]:
        by_hand = by_hand + part
    assert (added_up(parts) == by_hand).all()
    assert (added_up(np.concatenate([added_up(parts[:4])[None], parts[4:]])) == by_hand).all()
    assert HUNDRED == 100


def test_a_report_without_a_log_says_what_it_lacks(tmp_path):
    study = pathway.read(Path(__file__).parent / "fixtures" / "tiny.toml")
    folder = write(pathway.run(study, patients=250, logs=False), tmp_path)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "this run kept none" in page
    assert "their rows dropped" in page
    assert {path.stem for path in (folder / "figures").glob("*.svg")} == {"cost_effectiveness_plane", "costs", "score_mean", "survival", "deaths", "state_occupancy"}
    assert {path.stem for path in (folder / "tables").glob("*.csv")} >= {"cost_effectiveness", "incremental", "costs", "markers", "deaths"}
    assert not list(folder.glob("*.parquet"))
    whole = write(pathway.run(study, patients=250, logs=True), tmp_path)
    for table in ("cost_effectiveness", "incremental", "costs", "deaths"):
        one, other = (pd.read_csv(run / "tables" / f"{table}.csv") for run in (folder, whole))
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    summed, read = (pd.read_csv(run / "tables" / "markers.csv") for run in (folder, whole))
    for year in ("year_0", "year_1", "year_5", "year_5_se"):
        assert summed[year].to_numpy() == pytest.approx(read[year].to_numpy(), rel=1e-9)
    occupancy, told = (pd.read_csv(run / "figures" / "state_occupancy.csv") for run in (folder, whole))
    shared = min(len(occupancy), len(told))
    assert shared > 20
    assert (occupancy.iloc[:20].set_index("year").drop(columns="strategy") == told.iloc[:20].set_index("year").drop(columns="strategy")).all().all()


def test_a_part_may_know_of_more_lines_than_those_before_it():
    """As when somebody of the user's own patients comes on a later line than anybody before."""
    run = with_logs().strategies["s1"]
    gathering = Gathering(*declared(run.program, scenario().library), 2 * PATIENTS)
    later = replace(run.outcomes, years_by_line=np.pad(run.outcomes.years_by_line, ((0, 0), (0, 1)), constant_values=0.25))
    for outcomes in (run.outcomes, later):
        gathering.add(Part(outcomes=outcomes, summary=run.summary))
    whole = gathering.whole().outcomes
    assert whole.years_by_line[:PATIENTS, :-1].tobytes() == run.outcomes.years_by_line.tobytes()
    assert (whole.years_by_line[:PATIENTS, -1] == 0.0).all()
    assert whole.years_by_line[PATIENTS:].tobytes() == later.years_by_line.tobytes()
    assert (whole.costs == np.concatenate([run.outcomes.costs] * 2)).all()
    assert whole.items["cost"].to_numpy() == pytest.approx(run.outcomes.items["cost"].to_numpy())
