"""Flags that can clear, doses that are reduced and full again, courses that end at a cumulative dose."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pathway.economics.compiled_layout import S_FLAGS
from pathway.economics.druguse import use_of
from pathway.economics.timeline import drug_history_of, timeline_of
from pathway.engines import simulate
from pathway.errors import EconomicsError
from pathway.invariants import flag, reduced
from pathway.invariants.history import History
from pathway.program import Action, Clock, ClockKind, CodeRow, DecisionSpec, Dose, EffectKind, EffectSpec, Op, Phases, RuleSpec, ScheduledSpec
from pathway.rules import FIELD_NUMBERS
from tests import tiny
from tests.test_druguse import DAY, dosing, spans
from tests.test_edges import at, calm, rows, story

YEARS = FIELD_NUMBERS["years_in_study"]
RULES = {
    "rules": (RuleSpec(name="progressed", first=0, last=1), RuleSpec(name="suits_b", first=1, last=2), RuleSpec(name="early", first=2, last=3), RuleSpec(name="late", first=3, last=4)),
    "code": (*tiny.two_drugs().code, CodeRow(op=Op.LEAF, field=YEARS, at_least=1.0, below=3.0, label="years 1 to 3"), CodeRow(op=Op.LEAF, field=YEARS, at_least=3.0, label="years >= 3")),
}
EARLY, LATE = 2, 3


def step(name, rule, action, **what):
    return DecisionSpec(name=name, rule=rule, sources=tiny.ALIVE, action=action, **what)


def reductions_of(log, program):
    """When the first drug's dose was reduced in the only patient."""
    cohort = tiny.drug_people(1)
    return drug_history_of(timeline_of(log, program, cohort), cohort).reductions.of(0, 1)


RAISED = (step("note", EARLY, Action.FLAG, flag=0), step("forget", LATE, Action.CLEAR, flag=0))
LOWERED = (step("less", EARLY, Action.REDUCE, treatment=0), step("full", LATE, Action.RESTORE, treatment=0))


def test_a_decision_clears_a_flag_once_and_may_set_it_again(engine):
    again = (step("note", EARLY, Action.FLAG, flag=0), step("forget", LATE, Action.CLEAR, flag=0), step("once_more", LATE, Action.FLAG, flag=0))
    program = calm(flags=("noted",), flags_at_entry=(-1,), schedules=at([0.0, 1.0, 2.0, 3.0]), decisions=again, **RULES)
    told = rows(story(program, engine), "flag", "clear")
    assert list(zip(told["time"], told["kind"], told["name"], told["detail"], strict=True)) == [
        (1.0, "flag", "noted", "note"),
        (3.0, "clear", "noted", "forget"),
        (3.0, "flag", "noted", "once_more"),
    ]


def test_a_flag_of_entry_can_be_cleared(engine):
    program = calm(flags=("noted",), flags_at_entry=(2,), schedules=at([0.0, 1.0, 3.0]), decisions=RAISED, **RULES)
    log = simulate(program, tiny.drug_people(3), 4, engine=engine)
    assert not log.frame()["kind"].eq("flag")[log.events["patient"] != 0].any(), "it was set already"
    spells = timeline_of(log, program, tiny.drug_people(3)).spells
    for patient, expected in ((1, [1, 1, 0]), (0, [0, 1, 0])):
        assert [spells.at(patient, time, S_FLAGS) for time in (0.5, 2.0, 4.0)] == expected


def test_a_cleared_flag_gives_the_hazard_back(engine):
    """Two years at a hundred times the hazard: budgets are spent by what was in force when."""
    die = tiny.hazard("die", 0.01, tiny.ALIVE, 4, cause="all", flag_terms=((0, float(np.log(100.0))),))
    program = calm(flags=("noted",), flags_at_entry=(-1,), schedules=at([0.0, 1.0, 3.0]), decisions=RAISED, transitions=(die,), horizon=10.0, **RULES)
    frame = simulate(program, tiny.drug_people(4000 if engine == "compiled" else 800), 4, engine=engine).frame()
    died = frame[(frame["kind"] == "move") & (frame["name"] == "die")]["time"].to_numpy()
    lived = frame["patient"].nunique()
    expected = np.exp(-np.array([0.01, 2.01, 2.08]))
    for year, alive in zip((1.0, 3.0, 10.0), expected, strict=True):
        share = 1.0 - (died <= year).sum() / lived
        assert abs(share - alive) < 4.0 * np.sqrt(alive * (1 - alive) / lived)


def test_formulas_see_a_flag_go():
    program = calm(flags=("noted",), flags_at_entry=(-1,), schedules=at([0.0, 1.0, 3.0]), decisions=RAISED, **RULES)
    history = History(log=simulate(program, tiny.drug_people(1), 4))
    trace = history.trace()
    assert list(trace.time[flag("noted").evaluate(trace)]) == [1.0]


def test_an_effect_acts_at_its_dose(engine):
    """Full until 1, reduced until 3, full again: 2, 1 and 2 a year on a marker that does not move otherwise."""
    on_a = {"marker": 0, "kind": EffectKind.GAIN, "clock": Clock(kind=ClockKind.COURSE, treatment=0), "needs": 1, "first_treatment": 0}
    effects = (EffectSpec(name="full", per_year=Phases(values=(2.0,)), dose=Dose.FULL, **on_a), EffectSpec(name="reduced", per_year=Phases(values=(1.0,)), dose=Dose.REDUCED, **on_a))
    program = calm(schedules=at([0.0, 1.0, 3.0]), decisions=LOWERED, effects=effects, horizon=4.0, **RULES)
    log = simulate(program, tiny.drug_people(1), 4, engine=engine)
    path = log.path_frame().drop_duplicates("time").set_index("time")["m"]
    assert list(path[[1.0, 3.0, 4.0]] - path[0.0]) == pytest.approx([2.0, 4.0, 6.0])
    told = rows(log.frame(), "reduce", "restore")
    assert list(zip(told["time"], told["kind"], told["name"], strict=True)) == [(1.0, "reduce", "a"), (3.0, "restore", "a")]
    reductions = reductions_of(log, program)
    assert (reductions.start.tolist(), reductions.stop.tolist()) == ([1.0], [3.0])
    trace = History(log=log).trace()
    assert set(trace.time[reduced("a").evaluate(trace)]) == {1.0}


def test_a_stop_ends_a_reduced_dose(engine):
    stop = ScheduledSpec(name="done", treatment=0, after=2.0, reason="completed")
    program = calm(schedules=at([0.0, 1.0, 3.0]), decisions=LOWERED, scheduled=(stop,), horizon=4.0, **RULES)
    log = simulate(program, tiny.drug_people(1), 4, engine=engine)
    assert not log.frame()["kind"].eq("restore").any()
    assert reductions_of(log, program).stop.tolist() == [2.0]


@pytest.mark.parametrize(("weight", "end"), [(52.0, 2.0), (104.0, 1.0), (10.0, 5.0), (0.0, 5.0)])
def test_a_course_ends_at_its_cumulative_dose_or_its_length(engine, weight, end):
    """``reach / covariate`` years: the age stands in for the weight."""
    stop = ScheduledSpec(name="done", treatment=0, after=5.0, reason="completed", covariate=0, reach=104.0)
    program = calm(schedules=at([0.0]), scheduled=(stop,), horizon=9.0)
    cohort = tiny.drug_people(1)
    cohort = replace(cohort, values=np.array([[weight, *cohort.values[0, 1:]]]))
    frame = simulate(program, cohort, 4, engine=engine).frame()
    assert frame[frame["kind"] == "stop"]["time"].tolist() == [end]


def test_packs_of_a_reduced_dose_are_a_share():
    row = dosing("packs", amount=4.0, interval_days=28.0, reduced=0.5)
    course, reductions = spans((0.0, 100.0 * DAY)), spans((28.0 * DAY, 56.0 * DAY))
    full = np.array([4.0])
    assert use_of(row, course, spans(), full, full, reductions).quantity.tolist() == [4.0, 2.0, 4.0, 4.0]
    assert use_of(row, course, spans(), full, full).quantity.tolist() == [4.0] * 4
    with pytest.raises(EconomicsError, match="reduced dose of a drug whose use accrues evenly"):
        use_of(dosing("rate", reduced=0.5), course, spans(), full, full, reductions)
