"""What holds in any history, on random small pathways and cohorts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pathway.engines import ENGINES, simulate
from pathway.eventlog import EventLog, Kind
from pathway.program import Cohort, Program
from pathway.rules import Truth, combine_all, combine_any, combine_at_least, negate
from tests import generators, tiny
from tests.histories import same_history

engines = st.sampled_from(sorted(ENGINES))
BARRING = ("progression", "inefficacy", "intolerance", "contraindication")


def fits(program: Program, cohort: Cohort) -> Cohort:
    """A cohort on a drug can only enter a pathway with a first line."""
    if not program.lines:
        zeros = np.zeros(cohort.size, dtype=np.int64)
        return replace(cohort, regimen=zeros, line=zeros)
    return cohort


def check_history(log: EventLog, program: Program) -> None:
    """Every invariant of a log, row by row."""
    frame = log.frame()
    dead = [name for bit, name in enumerate(program.states) if program.absorbing >> bit & 1]
    for _, rows in frame.groupby("patient"):
        times = rows["time"].to_numpy()
        assert (np.diff(times) >= 0.0).all(), "time fell"
        assert times[0] == 0.0
        assert times[-1] <= program.horizon, "a row after the horizon"
        last = rows.iloc[-1]
        assert (last["kind"] == "end" and last["time"] == program.horizon) or last["state"] in dead, "the history does not end"
        assert not rows["state"].iloc[:-1].isin(dead).any(), "somebody left an absorbing state"
        line = rows["line"].to_numpy()
        assert (np.diff(line) >= 0).all(), "the line number fell without re-treatment"
        check_courses(rows, program, int(log.events["regimen"][rows.index[0]]))
        check_requests(rows)
        check_conditions(rows)
    knots = log.path_frame()
    assert (knots.groupby("patient")["time"].diff().dropna() >= 0.0).all()
    assert (knots.groupby("patient")["time"].min() == 0.0).all()
    assert (knots.groupby("patient")["time"].max() == frame.groupby("patient")["time"].max()).all(), "the path does not reach the end"
    for marker in program.markers:
        assert knots[marker.name].between(marker.lower - 1e-9, marker.upper + 1e-9).all(), "a marker left its bounds"


def check_courses(rows, program: Program, entry: int) -> None:
    """Starts and stops alternate; a barred drug never starts again; the regimen is the sum of open courses."""
    on = {name for bit, name in enumerate(program.treatments) if entry >> bit & 1}
    barred: set[str] = set()
    for row in rows.itertuples():
        if row.kind == "start":
            assert row.name not in on
            assert row.name not in barred, f"{row.name} started again after it was barred"
            on.add(row.name)
        elif row.kind == "stop":
            assert row.name in on
            on.discard(row.name)
            if row.detail in BARRING:
                barred.add(row.name)
        assert set(row.regimen.split(" + ")) - {"none"} == on
        if row.kind in ("hold", "resume"):
            assert row.name in on


def check_requests(rows) -> None:
    """At most one start request and one renewal await an answer; what follows a denial follows a denial; orders come before their requests."""
    stands = dict.fromkeys(("start", "renewal"), "closed")
    for row in rows.itertuples():
        word = row.detail if row.kind in ("appeal", "uphold") else row.name
        if row.kind == "request":
            assert stands[word] != "asked", "two requests at once"
            assert row.detail != "resubmission" or stands[word] == "denied", "a resubmission without a denial"
            stands[word] = "asked"
        elif row.kind == "inform":
            assert stands[word] == "asked"
        elif row.kind == "deny":
            assert stands[word] == "asked"
            stands[word] = "denied"
        elif row.kind in ("appeal", "uphold"):
            assert stands[word] == "denied"
        elif row.kind == "approve":
            assert stands[word] in ("asked", "denied")
            stands[word] = "closed"
        elif row.kind == "withdraw":
            stands[word] = "closed"


def check_conditions(rows) -> None:
    """One acute condition at a time."""
    present = False
    for row in rows.itertuples():
        if row.kind == "condition":
            assert not present
            present = True
        elif row.kind == "recover":
            assert present
            present = False


@given(generators.programs(), generators.cohorts(), engines, st.integers(0, 2**40))
@settings(max_examples=150)
def test_every_history_keeps_the_invariants(program, cohort, engine, seed):
    cohort = fits(program, cohort)
    check_history(simulate(program, cohort, seed, engine=engine), program)


@given(generators.programs(), generators.cohorts(), engines)
@settings(max_examples=40)
def test_a_split_cohort_is_the_whole(program, cohort, engine):
    cohort = fits(program, cohort)
    whole = simulate(program, cohort, 3, engine=engine)
    for position in range(cohort.size):
        alone = simulate(program, cohort.part(position, position + 1), 3, engine=engine)
        assert same_history(alone, whole, patients=cohort.patient[position : position + 1]) or same_history(
            whole, alone, patients=cohort.patient[position : position + 1]
        )


@given(generators.programs(), generators.cohorts(), engines)
@settings(max_examples=30)
def test_the_same_program_tells_the_same_history_twice(program, cohort, engine):
    cohort = fits(program, cohort)
    assert same_history(simulate(program, cohort, 11, engine=engine), simulate(program, cohort, 11, engine=engine))


truths = st.sampled_from(list(Truth))


@given(st.lists(truths, min_size=1, max_size=6), st.integers(1, 6))
def test_combining_is_kleene_case_by_case(values, needed):
    """Against the sentences of the rule, spelled out."""
    applicable = [v for v in values if v != Truth.NOT_APPLICABLE]
    met, unknown = applicable.count(Truth.MET), applicable.count(Truth.NOT_DOCUMENTED)
    if not applicable:
        expected_all = expected_any = expected_some = Truth.NOT_APPLICABLE
    else:
        expected_all = Truth.NOT_MET if Truth.NOT_MET in applicable else Truth.NOT_DOCUMENTED if unknown else Truth.MET
        expected_any = Truth.MET if met else Truth.NOT_DOCUMENTED if unknown else Truth.NOT_MET
        expected_some = Truth.MET if met >= needed else Truth.NOT_MET if met + unknown < needed else Truth.NOT_DOCUMENTED
    assert combine_all(values) == expected_all
    assert combine_any(values) == expected_any
    assert combine_at_least(needed, values) == expected_some
    assert [negate(negate(v)) for v in values] == values


def test_an_invariant_can_fail():
    """The checker is not blind: a forged row is caught."""
    program = tiny.two_drugs()
    log = simulate(program, tiny.drug_people(3), 1)
    check_history(log, program)
    events = dict(log.events)
    forged = events["time"].copy()
    forged[5] = 1e6
    broken = replace(log, events={**events, "time": forged})
    try:
        check_history(broken, program)
    except AssertionError:
        return
    raise AssertionError("a forged log passed")


def test_kinds_in_the_log_are_all_named(engine):
    log = simulate(tiny.two_drugs(), tiny.drug_people(60), 2, engine=engine)
    kinds = set(log.frame()["kind"].unique())
    assert {"enter", "move", "start", "stop", "visit", "measure", "request", "approve", "condition", "recover", "hold", "resume", "decide", "line"} <= kinds
    assert kinds <= {kind.name.lower() for kind in Kind}
