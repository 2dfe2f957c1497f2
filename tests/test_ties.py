"""What happens at one time happens by class: absorbing, timed, scheduled, request, expiry, visit, confirmation, knot; nothing at the horizon.

One story at 0.9 years, which is no point of the grid. Drug a is complete; that sets free an infection (a hazard that a
held down); the line asks for c; the approval of b runs out; a visit and a confirmatory visit are due.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from pathway.draws import stream_id
from pathway.engines import simulate
from pathway.program import (
    AccessSpec,
    Action,
    CandidateSpec,
    CodeRow,
    ConfirmationSpec,
    DecisionSpec,
    DelaySpec,
    DenialSpec,
    EffectKind,
    EffectSpec,
    Op,
    Phases,
    Program,
    RuleSpec,
    ScheduledSpec,
)
from pathway.rules import FIELD_NUMBERS
from tests import tiny
from tests.test_edges import at, calm, rows, story

NOW = 0.9
NEVER = -1400.0
"""Log ratio that makes any hazard 0."""
FIRST_ROW = {"scheduled": ("stop", "a"), "timed": ("condition", "infection"), "request": ("request", "start"), "expiry": ("expire", "b"),
             "visit": ("visit", "clinic"), "confirmation": ("visit", "progress")}  # fmt: skip
ORDER = ("scheduled", "timed", "request", "expiry", "visit", "confirmation")
"""The completion comes first because it sets the infection free; of what is due together, timed comes first."""


def crowded(**changes: object) -> Program:
    """Everything at once."""
    confirm = ConfirmationSpec(after=0.5, rule=1, measures=(0,), findings=(), streams=(stream_id("measure:m:confirm:progress"),))
    parts = {
        "treatments": ("a", "b", "c"),
        "code": (CodeRow(op=Op.ALWAYS, label="always"), CodeRow(op=Op.LEAF, field=FIELD_NUMBERS["age"], at_least=500.0, label="age >= 500")),
        "rules": (RuleSpec(name="always", first=0, last=1), RuleSpec(name="never", first=1, last=2)),
        "schedules": at([0.0, 0.4, NOW]),
        "lines": ((CandidateSpec(regimen=0b011), CandidateSpec(regimen=0b110), CandidateSpec(regimen=0b100)),),
        "access": AccessSpec(treatments=0b111, renewal_rules=(1, 1, 1), approval_lasts=NOW, renewal_lead=0.3),
        "scheduled": (ScheduledSpec(name="done", treatment=0, after=NOW, reason="completed"),),
        "decisions": (DecisionSpec(name="progress", rule=0, sources=tiny.TREATED, action=Action.NEXT_LINE, reason="progression", confirm=confirm),),
        "transitions": (tiny.hazard("infect", 1e300, tiny.ALIVE, condition=0, forbids_condition=True, treatment_terms=((0, NEVER),)),),
        "horizon": 3.0,
        **changes,
    }
    return calm(**parts)


def places(told) -> dict[str, int]:
    """Row at which each class first speaks at NOW."""
    same = told[told["time"] == NOW].reset_index(drop=True)
    found = {}
    for what, (kind, name) in FIRST_ROW.items():
        hits = same.index[(same["kind"] == kind) & (same["name"] == name)]
        if len(hits):
            found[what] = int(hits[0])
    return found


@pytest.mark.parametrize(("earlier", "later"), [(one, two) for at_, one in enumerate(ORDER) for two in ORDER[at_ + 1 :]])
def test_of_two_classes_at_one_time_the_earlier_comes_first(engine, earlier, later):
    place = places(story(crowded(), engine))
    assert set(place) == set(ORDER), "the story lost an event"
    assert place[earlier] < place[later]


def test_a_timed_transition_comes_before_a_scheduled_one_of_the_same_time(engine):
    """Two completions at one time: what the first sets free happens before the second."""
    both = (ScheduledSpec(name="done", treatment=0, after=NOW, reason="completed"), ScheduledSpec(name="done_b", treatment=1, after=NOW, reason="completed"))
    told = story(crowded(scheduled=both), engine)
    same = told[told["time"] == NOW]
    kinds = [f"{row.kind} {row.name}" for row in same.itertuples() if row.kind in ("stop", "condition")]
    assert kinds == ["stop a", "condition infection", "stop b"]


@pytest.mark.parametrize("others", [("infect",), ("infect", "scheduled"), ("infect", "scheduled", "request", "expiry", "visit", "confirmation")])
def test_death_comes_before_all_that_is_due_at_its_time(engine, others):
    """A death set free by the completion: no infection, request, expiry, visit or second completion after it."""
    die = tiny.hazard("die", 1e300, tiny.ALIVE, 4, cause="x", treatment_terms=((0, NEVER),))
    infect = crowded().transitions[0]
    scheduled = (*crowded().scheduled, ScheduledSpec(name="done_b", treatment=1, after=NOW, reason="completed"))
    changes = {"transitions": (infect, die), "scheduled": scheduled if "scheduled" in others else crowded().scheduled}
    told = story(crowded(**changes), engine)
    same = told[told["time"] == NOW]
    assert told.iloc[-1]["state"] == "dead"
    assert told.iloc[-1]["time"] == NOW
    assert rows(same, "condition", "expire", "visit", "approve").empty
    assert list(rows(same, "stop")["detail"]) == ["completed", "death"]


def test_within_a_class_definition_order_decides(engine):
    one, other = (tiny.hazard(name, 1e300, tiny.ALIVE, condition=0, forbids_condition=True, treatment_terms=((0, NEVER),)) for name in ("x", "y"))
    for first, second in ((one, other), (other, one)):
        told = story(crowded(transitions=(first, second)), engine)
        assert rows(told, "condition").iloc[0]["detail"] == first.name


def test_a_visit_at_a_phase_edge_comes_before_the_new_hazard(engine):
    """The edge is a knot, and knots come last: the visit of that time still finds the patient alive."""
    die = tiny.hazard("die", 0.0, tiny.ALIVE, 4, cause="x")
    die = replace(die, rates=Phases(values=(0.0, 1e300), edges=(NOW, float("inf"))))
    told = story(calm(schedules=at([0.0, NOW]), lines=(), transitions=(die,)), engine)
    same = told[told["time"] == NOW]
    assert list(same["kind"].astype(str)) == ["visit", "measure", "move"]


def test_nothing_of_a_crowded_moment_happens_at_the_horizon(engine):
    told = story(crowded(horizon=NOW), engine)
    assert list(told[told["time"] == NOW]["kind"].astype(str)) == ["end"]


def test_a_renewal_falls_due_while_another_start_is_in_appeal(engine):
    """On a, with approval for one year; b is denied and appealed from 0.5 to 1.5: the renewal of a is filed and granted meanwhile."""
    appealed = DenialSpec(appeal=1.0)
    program = calm(
        code=(CodeRow(op=Op.ALWAYS, label="always"), CodeRow(op=Op.LEAF, field=FIELD_NUMBERS["age"], at_least=500.0, label="age >= 500")),
        rules=(RuleSpec(name="always", first=0, last=1), RuleSpec(name="never", first=1, last=2)),
        schedules=at([0.0, 0.5]), lines=((CandidateSpec(regimen=0b01),), (CandidateSpec(regimen=0b11),)),
        access=AccessSpec(
            treatments=0b11, start_rules=(-1, 1), appeal=DelaySpec(mean=1.0), denials=(appealed, appealed, appealed),
            approval_lasts=1.0, renewal_lasts=9.0, renewal_lead=0.2,
        ),
        decisions=(DecisionSpec(name="go", rule=0, sources=tiny.TREATED, action=Action.NEXT_LINE, reason="progression"),),
    )  # fmt: skip
    told = story(program, engine)
    renewal = told[(told["kind"] == "approve") & (told["name"] == "renewal")]
    upheld = rows(told, "uphold")
    assert renewal.iloc[0]["time"] == pytest.approx(0.8)
    assert upheld.iloc[0]["time"] == pytest.approx(1.5)
    assert rows(told, "expire").empty
    waiting = told[(told["time"] > 0.5) & (told["time"] < 1.5)]
    assert (waiting["regimen"] == "a").all(), "a goes on while b is in appeal"


def test_a_hazard_at_a_bound_is_the_constant_hazard_there(engine):
    """A marker held at its lower bound of 20: the life is that of a constant hazard, to rounding."""
    fall = EffectSpec(name="fall", marker=0, kind=EffectKind.DRIFT, per_year=Phases(values=(-500.0,)))
    die = tiny.hazard("die", 0.02, tiny.ALIVE, 4, cause="x", marker_terms=((0, -0.03, 20.0),))
    bound = simulate(calm(effects=(fall,), lines=(), transitions=(die,), horizon=500.0), tiny.drug_people(40, marker=20.0), 4, engine=engine)
    plain = simulate(tiny.two_states(hazard=0.02, horizon=500.0), tiny.people(40), 4, engine=engine)
    ends = [log.frame().groupby("patient")["time"].max().to_numpy() for log in (bound, plain)]
    assert ends[0] == pytest.approx(ends[1], rel=1e-9)


@pytest.mark.parametrize(("rate", "slope"), [(1.0, 50.0), (1e308, 50.0), (1e308, 0.0)])
def test_a_hazard_that_overflows_fires_at_once(engine, rate, slope):
    die = tiny.hazard("die", rate, tiny.ALIVE, 4, cause="x", marker_terms=((0, slope, 0.0),))
    told = story(calm(lines=(), transitions=(die,)), engine)
    assert told.iloc[-1]["state"] == "dead"
    assert told.iloc[-1]["time"] == pytest.approx(0.0, abs=1e-300)


@pytest.mark.parametrize("rate", [0.0, 5e-324, 1e-300])
def test_a_hazard_too_small_to_count_never_fires(engine, rate):
    told = story(calm(lines=(), transitions=(tiny.hazard("die", rate, tiny.ALIVE, 4, cause="x"),)), engine)
    assert told.iloc[-1]["kind"] == "end"
