"""The two engines tell the same histories: row by row, bit for bit, whatever the scenario, the pathway, the threads and the blocks."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pathway.cohort import draw_cohort
from pathway.compiler import compile_program
from pathway.definition.scenario import Scenario
from pathway.engines import compiled, compiled_layout, simulate
from pathway.engines.compiled_packing import pack
from pathway.errors import EngineError
from pathway.eventlog import EventLog
from pathway.program import EVENT_LIMIT
from pathway.reading import read
from tests import tiny
from tests.generators import programs
from tests.test_responses import exchanging, losing
from tests.test_responses import program as responding

ROOT = Path(__file__).parents[1]
SCENARIOS = sorted(path.stem for path in (ROOT / "scenarios").glob("*.toml"))


def assert_same(one: EventLog, other: EventLog) -> None:
    """Every column of both tables, to the last bit (a NaN is a NaN)."""
    assert (one.names, one.states, one.treatments, one.markers, one.patients) == (other.names, other.states, other.treatments, other.markers, other.patients)
    for part in ("events", "path"):
        left, right = getattr(one, part), getattr(other, part)
        assert list(left) == list(right)
        for column in left:
            assert left[column].dtype == right[column].dtype, column
            assert left[column].tobytes() == right[column].tobytes() or np.array_equal(left[column], right[column], equal_nan=True), column


@cache
def scenario(name: str) -> Scenario:
    """A shipped scenario."""
    return read(ROOT / "scenarios" / f"{name}.toml")


def every_strategy() -> list[tuple[str, str]]:
    """All (scenario, strategy)."""
    return [(name, strategy) for name in SCENARIOS for strategy in scenario(name).strategies]


@pytest.mark.parametrize(("name", "strategy"), every_strategy())
def test_shipped_strategies_have_twins(name, strategy):
    study = scenario(name)
    values = study.base_values()
    cohort = draw_cohort(study, values, size=6, seed=11)
    program = compile_program(study, strategy, values)
    assert_same(simulate(program, cohort, 11), simulate(program, cohort, 11, engine="compiled"))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "strategy"), every_strategy())
def test_many_shipped_lives_have_twins(name, strategy):
    study = scenario(name)
    values = study.base_values()
    cohort = draw_cohort(study, values, size=60, seed=5)
    program = compile_program(study, strategy, values)
    assert_same(simulate(program, cohort, 5, sample=3), simulate(program, cohort, 5, sample=3, engine="compiled"))


@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much])
@given(programs(), st.integers(0, 2**62), st.integers(0, 5))
def test_random_pathways_have_twins(program, seed, sample):
    cohort = tiny.drug_people(5)
    try:
        told = simulate(program, cohort, seed, sample=sample)
    except EngineError as fault:
        with pytest.raises(EngineError) as again:
            simulate(program, cohort, seed, sample=sample, engine="compiled")
        assert again.value.faults[0].found == fault.faults[0].found  # noqa: PT017 - the twin has to fail as the first did
        return
    assert_same(told, simulate(program, cohort, seed, sample=sample, engine="compiled"))


@pytest.mark.parametrize("program", [responding(), exchanging(), losing(), tiny.two_drugs(), tiny.two_states(hazard=0.3), tiny.sick_sicker(sick_to_sicker=0.4)], ids=["responses", "exchanges", "losses", "two_drugs", "two_states", "sick_sicker"])
def test_tiny_programs_have_twins(program):
    cohort = tiny.people(30, program.covariates, (50.0, 20.0, 9.0)[: len(program.covariates)])
    assert_same(simulate(program, cohort, 3), simulate(program, cohort, 3, engine="compiled"))


def test_threads_and_blocks_move_nothing():
    program, cohort = tiny.two_drugs(), tiny.drug_people(700)
    whole = compiled.simulate(program, cohort, 9, threads=1, block=700)
    for threads, block in ((1, 1), (2, 64), (2, 256), (3, 333)):
        assert_same(whole, compiled.simulate(program, cohort, 9, threads=threads, block=block))


def test_small_buffers_grow(monkeypatch):
    program, cohort = tiny.two_drugs(), tiny.drug_people(40)
    whole = compiled.simulate(program, cohort, 9, threads=1)
    monkeypatch.setattr(compiled, "ROWS_A_LIFE", 1)
    monkeypatch.setattr(compiled, "KNOTS_A_LIFE", 1)
    monkeypatch.setattr(compiled, "BLOCK", 8)
    assert_same(whole, compiled.simulate(program, cohort, 9, threads=1, block=8))


def test_a_history_without_end_is_refused_in_the_same_words():
    program = tiny.two_drugs(transitions=(tiny.hazard("infect", 1e6, 0b01111, condition=0),), horizon=50.0, moves=tiny.two_drugs().moves)
    said = []
    for engine in ("reference", "compiled"):
        with pytest.raises(EngineError) as caught:
            simulate(program, tiny.drug_people(1), 1, engine=engine)
        said.append(caught.value.faults[0].found)
    assert said == [f"more than {EVENT_LIMIT} rows"] * 2


def test_too_much_is_refused_in_words_that_name_the_other_engine():
    many = tuple(tiny.hazard(f"t{n}", 0.1, 0b01) for n in range(compiled_layout.MOST["transition"] + 1))
    with pytest.raises(EngineError, match="--engine reference"):
        pack(tiny.with_names(states=("alive", "dead"), absorbing=0b10, transitions=many))
