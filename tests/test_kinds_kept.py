"""A log of some kinds of rows is the whole log with the others struck out, by either engine; what nobody reads is not drawn."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pathway.cohort import draw_cohort
from pathway.compiler import compile_program
from pathway.definition.scenario import Scenario
from pathway.engines import compiled, simulate
from pathway.engines.unread import without_unread
from pathway.errors import EngineError
from pathway.eventlog import Kind
from pathway.reading import read
from tests import tiny
from tests.generators import programs
from tests.test_twins import assert_same

ROOT = Path(__file__).parents[1]
SCENARIOS = sorted(path.stem for path in (ROOT / "scenarios").glob("*.toml"))
REGISTERS = frozenset(Kind) - {Kind.VISIT, Kind.MEASURE, Kind.FINDING}


@cache
def scenario(name: str) -> Scenario:
    """A shipped scenario."""
    return read(ROOT / "scenarios" / f"{name}.toml")


@pytest.mark.parametrize(("name", "strategy"), [(name, strategy) for name in SCENARIOS for strategy in scenario(name).strategies])
def test_rows_left_out_move_none_that_stay(name, strategy):
    study = scenario(name)
    values = study.base_values()
    cohort = draw_cohort(study, values, size=150, seed=4)
    program = compile_program(study, strategy, values)
    whole = simulate(program, cohort, 4, engine="compiled")
    for kinds in (REGISTERS, REGISTERS | {Kind.FINDING}, REGISTERS | {Kind.MEASURE, Kind.VISIT}):
        assert_same(whole.only(kinds), simulate(program, cohort, 4, engine="compiled", kinds=kinds))


def test_the_reference_engine_leaves_out_the_same():
    study = scenario("ssc_ild_us")
    values = study.base_values()
    cohort = draw_cohort(study, values, size=6, seed=4)
    program = compile_program(study, "s3", values)
    assert_same(simulate(program, cohort, 4, kinds=REGISTERS), simulate(program, cohort, 4, engine="compiled", kinds=REGISTERS))


@settings(max_examples=60)
@given(programs(), st.integers(0, 2**62), st.sets(st.sampled_from(Kind), min_size=1))
def test_any_kinds_of_any_pathway(program, seed, kinds):
    cohort = tiny.drug_people(5)
    try:
        told = simulate(program, cohort, seed, engine="compiled")
    except EngineError:
        return
    assert_same(told.only(kinds), simulate(program, cohort, seed, engine="compiled", kinds=kinds))


def test_unread_findings_are_not_looked_for():
    study = scenario("ssc_ild_us")
    program = compile_program(study, "s1", study.base_values())
    lean = without_unread(program, REGISTERS)
    assert sum(len(one.findings) for one in lean.schedules) < sum(len(one.findings) for one in program.schedules)
    assert without_unread(program, frozenset(Kind)).schedules == program.schedules


def test_an_engine_without_a_log_counts_every_row():
    program, cohort = tiny.two_drugs(), tiny.drug_people(50)
    assert compiled.count_rows(program, cohort, 9) == len(compiled.simulate(program, cohort, 9, threads=1).events["time"])
