"""The sharp edges of the contract, one test each: ties, bounds, first days, pending requests, the horizon."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pathway.draws import stream_id
from pathway.engines import simulate
from pathway.errors import EngineError, PathwayError
from pathway.program import (
    AccessSpec,
    Action,
    CandidateSpec,
    Clock,
    CodeRow,
    DecisionSpec,
    DelaySpec,
    DenialSpec,
    EffectKind,
    EffectSpec,
    Op,
    Phases,
    RuleSpec,
    ScheduledSpec,
    ScheduleSpec,
)
from pathway.rules import FIELD_NUMBERS
from tests import tiny

QUIET = {"transitions": (), "decisions": ()}
"""No hazards and no decisions: only what a test adds."""


def calm(**changes):
    """The two-drug pathway without hazards, noise or decisions."""
    program = tiny.two_drugs()
    marker = replace(program.markers[0], walk_sd=0.0, personal_slope_sd=0.0, error_sd=0.0, round_to=0.0)
    moves = tuple(move for move in program.moves if move.trigger.startswith("line:"))
    parts = {"markers": (marker,), "moves": moves, "horizon": 10.0, **QUIET, **changes}
    if parts["transitions"]:
        parts["moves"] = (*moves, *(tiny.Move(trigger=t.name, label=t.name, sources=t.sources, to=t.to) for t in parts["transitions"] if t.to >= 0))
    return tiny.two_drugs(**parts)


def story(program, engine, patients=1, first=1):
    """The rows of patient 1, who suits b."""
    frame = simulate(program, tiny.drug_people(patients, first=first), 4, engine=engine).frame()
    return frame[frame["patient"] == first].reset_index(drop=True)


def rows(frame, *kinds):
    return frame[frame["kind"].isin(kinds)]


def at(offsets, name="clinic"):
    return (ScheduleSpec(name=name, clock=Clock(), offsets=np.array(offsets, dtype=float), measures=(0,), findings=(), streams=(stream_id(f"measure:m:{name}"),)),)


STEADY = DelaySpec(mean=1.0)
NEVER = CodeRow(op=Op.LEAF, field=FIELD_NUMBERS["age"], at_least=500.0, label="age >= 500")


def test_nothing_else_happens_at_the_horizon(engine):
    """A visit, a knot and a completion fall on the horizon: only END is written."""
    program = calm(horizon=2.0, schedules=at([0.0, 1.0, 2.0]), scheduled=(ScheduledSpec(name="done", treatment=0, after=2.0, reason="completed"),))
    told = story(program, engine)
    assert list(told[told["time"] == 2.0]["kind"]) == ["end"]


def test_absorbing_comes_before_everything_else_at_one_time(engine):
    """Two hazards so large that both fire at once: death first, and no infection after it."""
    program = calm(transitions=(tiny.hazard("infect", 1e300, tiny.ALIVE, condition=0, forbids_condition=True), tiny.hazard("die", 1e300, tiny.ALIVE, 4, cause="x")))
    told = story(program, engine)
    assert told.iloc[-1]["state"] == "dead"
    assert rows(told, "condition").empty


def test_scheduled_comes_before_request_visit_and_knot(engine):
    """At 1.0 a course completes, a request is decided and a visit is due: in that order."""
    program = calm(
        schedules=at([0.0, 1.0]), lines=((CandidateSpec(regimen=1),), ()), access=AccessSpec(treatments=0b01, decision=DelaySpec(mean=0.5)),
        scheduled=(ScheduledSpec(name="done", treatment=0, after=0.5, reason="completed"),),
    )  # fmt: skip
    told = story(program, engine)
    same = told[told["time"] == 1.0]
    assert list(same["kind"].astype(str))[:2] == ["stop", "visit"]


def test_request_steps_come_before_visits(engine):
    program = calm(schedules=at([0.0, 1.0]), access=AccessSpec(treatments=0b11, decision=STEADY))
    told = story(program, engine)
    same = list(told[told["time"] == 1.0]["kind"].astype(str))
    assert same.index("approve") < same.index("start") < same.index("visit")


def test_expiry_comes_before_the_visit_of_the_same_time(engine):
    base = tiny.two_drugs()
    program = calm(
        code=(*base.code, NEVER), rules=(*base.rules, RuleSpec(name="never", first=2, last=3)), schedules=at([0.0, 1.0, 2.0]),
        access=AccessSpec(treatments=0b11, renewal_rules=(2, 2), approval_lasts=1.0, renewal_lead=0.5),
    )  # fmt: skip
    told = story(program, engine)
    same = list(told[told["time"] == 1.0]["kind"].astype(str))
    assert same.index("expire") < same.index("visit")
    stops = rows(told, "stop")
    assert stops.iloc[0]["detail"] == "not_covered"


def test_a_renewal_filed_in_time_keeps_the_approval_until_decided(engine):
    """Approval for one year; the renewal is asked for at 0.75 and decided at 1.75: the course goes on meanwhile."""
    program = calm(schedules=at(np.arange(0, 10, 0.25)), access=AccessSpec(treatments=0b01, decision=DelaySpec(mean=1.0), approval_lasts=1.0, renewal_lead=0.26))
    told = story(program, engine)
    assert rows(told, "expire").empty
    assert rows(told, "stop").empty
    assert (rows(told, "approve")["name"] == "renewal").any()


def test_a_denied_renewal_lapses_even_during_an_appeal(engine):
    base = tiny.two_drugs()
    program = calm(
        code=(*base.code, NEVER), rules=(*base.rules, RuleSpec(name="never", first=2, last=3)), schedules=at(np.arange(0, 10, 0.25)),
        access=AccessSpec(treatments=0b01, renewal_rules=(2, 2), decision=DelaySpec(mean=0.1), appeal=DelaySpec(mean=0.6), denials=(DenialSpec(appeal=1.0),) * 3, approval_lasts=1.0, renewal_lead=0.26, stream=5),
    )  # fmt: skip
    told = story(program, engine)
    lapse = rows(told, "expire").iloc[0]
    assert lapse["time"] == pytest.approx(0.84 + 0.1 + 0.6)  # filed at 0.84 for the approval of 0.1 to 1.1
    assert next(iter(rows(told, "deny")["detail"])) == "age >= 500"
    assert rows(told, "stop").iloc[0]["detail"] == "not_covered"


def test_death_closes_a_pending_request_with_a_row(engine):
    program = calm(transitions=(tiny.hazard("die", 50.0, tiny.ALIVE, 4, cause="x"),), access=AccessSpec(treatments=0b11, decision=DelaySpec(mean=8.0)))
    told = story(program, engine)
    closing = rows(told, "withdraw").iloc[0]
    assert closing["detail"] == "death"
    assert told.iloc[-1]["state"] == "dead"
    assert rows(told, "start").empty


def test_a_drug_stopped_on_its_first_day_has_a_course(engine):
    program = calm(transitions=(tiny.hazard("stop_a", 1e300, tiny.TREATED, treatment=0, stops=1, reason="intolerance"),))
    told = story(program, engine)
    assert list(rows(told, "start", "stop")["kind"].astype(str))[:2] == ["start", "stop"]
    assert rows(told, "start").iloc[0]["time"] == pytest.approx(0.0) == rows(told, "stop").iloc[0]["time"]
    assert rows(told, "start").iloc[1]["name"] == "b"
    assert rows(told, "line")["line"].tolist() == [1, 1]


def test_intolerance_is_not_progression(engine):
    """After intolerance the line stays and the next candidate of it is taken; the drug is barred."""
    program = calm(transitions=(tiny.hazard("stop_a", 0.5, tiny.TREATED, treatment=0, stops=1, reason="intolerance"),))
    told = story(program, engine)
    assert told.iloc[-1]["line"] == 1
    assert told.iloc[-1]["regimen"] == "b"


def test_a_completed_course_does_not_end_the_line(engine):
    program = calm(lines=((CandidateSpec(regimen=1),), (CandidateSpec(regimen=2),)), scheduled=(ScheduledSpec(name="done", treatment=0, after=0.5, reason="completed"),))
    told = story(program, engine)
    assert told.iloc[-1]["line"] == 1
    assert told.iloc[-1]["regimen"] == "none"
    assert rows(told, "stop").iloc[0]["detail"] == "completed"


def test_a_marker_stays_at_its_bound_and_hazards_with_it(engine):
    program = calm(
        effects=(EffectSpec(name="fall", marker=0, kind=EffectKind.DRIFT, per_year=Phases(values=(-60.0,))),), lines=(),
        transitions=(tiny.hazard("die", 1e-9, tiny.ALIVE, 4, cause="x", marker_terms=((0, -0.03, 70.0),)),),
    )  # fmt: skip
    path = simulate(program, tiny.drug_people(1), 4, engine=engine).path_frame()
    assert path["m"].tolist() == [75.0, 20.0, 20.0]
    assert path["time"].tolist() == [0.0, pytest.approx(55.0 / 60.0, rel=1e-15), program.horizon]


def test_on_a_grid_a_marker_meets_its_bound_at_a_grid_point(engine):
    """A marker that walks is clipped where its straight line ends."""
    walks = replace(calm().markers[0], walk_sd=1e-9, walk_stream=stream_id("walk"))
    program = calm(markers=(walks,), effects=(EffectSpec(name="fall", marker=0, kind=EffectKind.DRIFT, per_year=Phases(values=(-60.0,))),), lines=())
    assert program.is_gridded
    path = simulate(program, tiny.drug_people(1), 4, engine=engine).path_frame()
    assert path["m"].iloc[:5].tolist() == [75.0, pytest.approx(60.0), pytest.approx(45.0), pytest.approx(30.0), 20.0]
    assert path["time"].iloc[:5].tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert (path["m"].iloc[4:] >= 20.0).all()


def test_a_marker_at_its_bound_that_would_leave_it_holds_up_nothing(engine):
    """Next to a bound by less than rounding: no segment of no length, whatever the slope."""
    for slope in (-1e-12, -1e-3, -1e6):
        for begin in (20.0, np.nextafter(20.0, 30.0), 20.0 + 1e-10, 19.0):
            program = calm(effects=(EffectSpec(name="fall", marker=0, kind=EffectKind.DRIFT, per_year=Phases(values=(slope,))),), lines=())
            path = simulate(program, tiny.drug_people(1, marker=float(begin)), 4, engine=engine).path_frame()
            assert len(path) <= 3
            assert path["m"].iloc[-1] == pytest.approx(20.0, abs=1e-9)


def test_a_hazard_that_underflows_never_fires(engine):
    program = calm(lines=(), transitions=(tiny.hazard("die", 1.0, tiny.ALIVE, 4, cause="x", marker_terms=((0, -50.0, 0.0),)),))
    assert story(program, engine).iloc[-1]["kind"] == "end"


def test_the_horizon_may_come_before_the_first_visit(engine):
    program = calm(horizon=0.01, schedules=at([0.5]))
    told = story(program, engine)
    assert rows(told, "visit").empty
    assert told.iloc[-1]["kind"] == "end"
    assert told.iloc[-1]["time"] == 0.01


def test_a_loop_without_delay_is_stopped_in_words(engine):
    """A decision that stops a drug for a reason that bars nothing, and a line that starts it again at every visit."""
    always = (CodeRow(op=Op.ALWAYS, label="always"),)
    visits = at(np.arange(0.0, 10.0, 0.0005))
    program = calm(
        code=always, rules=(RuleSpec(name="always", first=0, last=1),), schedules=visits,
        lines=((CandidateSpec(regimen=1), CandidateSpec(regimen=2)), ()),
        decisions=(
            DecisionSpec(name="off_a", rule=0, sources=tiny.TREATED, action=Action.STOP, treatment=0, reason="choice"),
            DecisionSpec(name="off_b", rule=0, sources=tiny.TREATED, action=Action.STOP, treatment=1, reason="choice"),
        ),
    )  # fmt: skip
    with pytest.raises(EngineError) as fault:
        story(program, engine)
    assert "undo each other" in str(fault.value)


def test_certain_denial_without_appeal_means_the_drug_is_never_used(engine):
    program = calm(access=AccessSpec(treatments=0b11, residual_merits=1.0, stream=9))
    told = story(program, engine)
    assert rows(told, "start").empty
    assert told.iloc[-1]["state"] == "supportive_care"


def test_zero_delay_equals_no_request_but_for_its_rows(engine):
    asked = tiny.two_drugs()
    unasked = tiny.two_drugs(access=AccessSpec(treatments=0))
    cohort = tiny.drug_people(40)
    frames = []
    for program in (asked, unasked):
        frame = simulate(program, cohort, 8, engine=engine).frame()
        frames.append(frame[~frame["kind"].isin(["request", "approve"])].drop(columns="kind").reset_index(drop=True).astype({"name": str, "detail": str}))
    assert frames[0].equals(frames[1])


def test_waiting_delays_the_start_and_bridges_with_what_is_on(engine):
    program = calm(access=AccessSpec(treatments=0b10, decision=DelaySpec(mean=0.4)), transitions=(tiny.hazard("stop_a", 1e300, 0, treatment=0, stops=1),),
                   schedules=at([0.0, 1.0]), decisions=(DecisionSpec(name="go", rule=1, sources=tiny.TREATED, action=Action.NEXT_LINE, reason="progression"),))  # fmt: skip
    told = story(program, engine)
    second = rows(told, "start").iloc[1]
    assert second["name"] == "b"
    assert second["time"] == pytest.approx(1.4)
    assert (told[(told["time"] > 1.0) & (told["time"] < 1.4)]["regimen"] == "a").all()


def test_a_course_from_before_entry_has_a_budget_of_its_own(engine):
    """Patients who enter on a drug stop it in their own time, not at once: its hazard is spent from entry on."""
    program = calm(transitions=(tiny.hazard("stop_a", 0.5, tiny.TREATED, treatment=0, stops=1, reason="intolerance"),), horizon=60.0)
    cohort = tiny.drug_people(300)
    one = np.ones(cohort.size, dtype=np.int64)
    cohort = replace(cohort, regimen=one, line=one, years_on=np.full(cohort.size, 0.7), choose="none")
    frame = simulate(program, cohort, 4, engine=engine).frame()
    stops = frame[(frame["kind"] == "stop") & (frame["name"] == "a")]["time"].to_numpy()
    assert stops.size == cohort.size
    assert abs(stops.mean() - 2.0) < 4.0 * 2.0 / np.sqrt(cohort.size)


def test_visits_on_a_course_from_before_entry_begin_at_entry(engine):
    """The schedule keeps its phase: every half year from 0.7 years before entry on, the first at 0.3."""
    from pathway.program import ClockKind

    on_a = Clock(kind=ClockKind.COURSE, treatment=0)
    schedule = ScheduleSpec(name="on_a", clock=on_a, offsets=np.arange(0.5, 60.0, 0.5), measures=(0,), findings=(), streams=(stream_id("measure:m:on_a"),))
    program = calm(schedules=(schedule,))
    one = np.ones(2, dtype=np.int64)
    cohort = replace(tiny.drug_people(2), regimen=one, line=one, years_on=np.full(2, 0.7), choose="none")
    frame = simulate(program, cohort, 4, engine=engine).frame()
    visits = frame[(frame["kind"] == "visit") & (frame["patient"] == 0)]["time"].to_numpy()
    assert visits[0] == pytest.approx(0.3)
    assert np.allclose(np.diff(visits), 0.5)


def test_a_cohort_of_another_program_is_refused(engine):
    with pytest.raises(PathwayError) as fault:
        simulate(tiny.two_drugs(), tiny.people(1), 1, engine=engine)
    assert "draw the cohort from the same scenario" in str(fault.value)


def test_an_unknown_engine_is_refused_with_a_suggestion():
    with pytest.raises(EngineError) as fault:
        simulate(tiny.two_drugs(), tiny.drug_people(1), 1, engine="referense")
    assert "did you mean 'reference'?" in str(fault.value)


def test_a_drug_that_starts_during_an_infection_starts_held(engine):
    """Ordered at 0, there at 0.5; infected from the first instant until 1: doses wait for the recovery, the course does not."""
    ill = tiny.hazard("infect", 1e300, tiny.ALIVE, condition=0, forbids_condition=True)
    condition = replace(tiny.two_drugs().conditions[0], recovery=1.0)
    program = calm(
        transitions=(ill,), conditions=(condition,), lines=((CandidateSpec(regimen=0b01),), ()), access=AccessSpec(treatments=0, supplies=(DelaySpec(mean=0.5),) * 2), horizon=0.9,
    )  # fmt: skip
    told = story(program, engine)
    assert list(rows(told, "start", "hold")["kind"].astype(str)) == ["start", "hold"]
    (held,) = rows(told, "hold").to_dict("records")
    assert (held["time"], held["name"], held["detail"], held["regimen"]) == (0.5, "a", "infection", "a")
    recovered = rows(story(replace(program, horizon=1.5), engine), "recover", "resume")
    assert list(recovered["kind"].astype(str))[:2] == ["recover", "resume"]
