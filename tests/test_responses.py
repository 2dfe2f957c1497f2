"""Responses, rebound, indices and exchanges: each against a plain computation by hand."""

from __future__ import annotations

from math import inf
from statistics import NormalDist

import numpy as np
import pytest

from pathway import draws
from pathway.draws import stream_id
from pathway.engines import simulate
from pathway.program import (
    LINE_STATE,
    Action,
    CandidateSpec,
    Clock,
    ClockKind,
    CodeRow,
    DecisionSpec,
    EffectKind,
    EffectSpec,
    IndexSpec,
    MarkerSpec,
    Move,
    Op,
    Phases,
    Program,
    ResponseShare,
    ResponseSpec,
    RuleSpec,
    ScheduledSpec,
    ScheduleSpec,
    Transform,
)
from pathway.report.histories import marker_at
from pathway.rules import FIELD_NUMBERS
from tests.tiny import hazard, people, with_names

STATES = ("untreated", "first_line", "second_line", "spaced", "supportive_care", "dead")
CURVE = ((-1.0, 0.0), (0.0, 0.2), (1.0, 0.6), (2.0, 1.0))
"""Latent value and improvement."""
LEVEL, SD = 0.3, 1.0
BUILDS = Phases(values=(3.2, 0.8, 0.0), edges=(0.25, 0.5, inf))
GIVES_BACK = Phases(values=(0.75 / 0.25, 0.0), edges=(0.25, inf))
A, B = 0, 1


def row(kind: EffectKind, treatment: int, marker: int) -> EffectSpec:
    """An effect row that builds a response up or gives it back."""
    is_build = kind is EffectKind.RESPONSE
    return EffectSpec(
        name=f"{kind.name}_{treatment}_{marker}", marker=marker, kind=kind, per_year=BUILDS if is_build else GIVES_BACK, needs=1 << treatment,
        clock=Clock(kind=ClockKind.COURSE if is_build else ClockKind.COURSE_END, treatment=treatment), first_treatment=treatment,
    )  # fmt: skip


def response(treatment: int, **changes: object) -> ResponseSpec:
    """A response that halves what it improves of marker 0 and takes 2 * improvement from marker 1."""
    parts: dict[str, object] = {
        "treatment": treatment, "stream": stream_id(f"response:{treatment}"), "level": LEVEL, "sd": SD, "curve": CURVE,
        "shares": (ResponseShare(marker=0, weight=0.5), ResponseShare(marker=1, weight=2.0, is_relative=False)),
    }  # fmt: skip
    return ResponseSpec(**{**parts, **changes})  # type: ignore[arg-type]


def program(**changes: object) -> Program:
    """Drug a for a year from the start, then b for ever; two still markers, measured without error every quarter."""
    markers = tuple(MarkerSpec(name=name, baseline=number + 1, lower=0.0, upper=100.0) for number, name in enumerate(("joints", "pain")))
    streams = tuple(stream_id(f"measure:{name}:clinic") for name in ("joints", "pain"))
    clinic = ScheduleSpec(name="clinic", clock=Clock(), offsets=np.arange(0.0, 5.0, 0.25), measures=(0, 1), findings=(), streams=streams)
    parts: dict[str, object] = {
        "states": STATES, "state_line": (0, 1, 2, -1, -1, -1), "absorbing": 0b100000, "last_resort": 4, "line_states": (0, 1, 2), "treatments": ("a", "b"),
        "covariates": ("age", "joints0", "pain0"), "markers": markers, "schedules": (clinic,), "horizon": 4.0, "transitions": (),
        "scheduled": (ScheduledSpec(name="a_year", treatment=A, after=1.0, reason="primary_failure"),),
        "effects": tuple(row(kind, treatment, marker) for kind in (EffectKind.RESPONSE, EffectKind.REBOUND) for treatment in (A, B) for marker in (0, 1)),
        "responses": (response(A), response(B)),
        "indices": (IndexSpec(name="activity", terms=((0, 1.0, Transform.IDENTITY), (1, 2.0, Transform.SQRT)), constant=3.0),),
        "lines": ((CandidateSpec(regimen=1 << A),), (CandidateSpec(regimen=1 << B),)),
        "moves": tuple(Move(trigger=f"line:{STATES[to]}", label="line", sources=0b001111 & ~(1 << to), to=to) for to in (1, 2, 4)),
    }  # fmt: skip
    return with_names(**{**parts, **changes})


def cohort(size: int = 40):
    """Patients with 20 joints and pain of 9."""
    return people(size, ("age", "joints0", "pain0"), (50.0, 20.0, 9.0))


def improvements(treatment: int, size: int, *, level: float = LEVEL, factor: float = 1.0) -> np.ndarray:
    """Improvement of each patient, by the inverse of its distribution."""
    u = draws.uniform(7, stream=f"response:{treatment}", patient=np.arange(size))
    latent = np.array([level + SD * NormalDist().inv_cdf(1 - x / factor) if x < factor else -inf for x in u])
    return np.interp(latent, [x for x, _ in CURVE], [y for _, y in CURVE])


def values(log, marker: str, time: float) -> np.ndarray:
    """True value of each patient at a time (after a jump)."""
    return marker_at(log, marker, np.array([time]))[:, 0]


def test_a_response_builds_up_by_its_phases(engine):
    log = simulate(program(), cohort(), engine=engine, seed=7)
    share = improvements(A, 40)
    for time, built in ((0.25, 0.8), (0.5, 1.0), (1.0, 1.0)):
        assert values(log, "joints", time) == pytest.approx(20.0 - 0.5 * share * 20.0 * built, rel=1e-9)
    assert values(log, "pain", 0.5) == pytest.approx(9.0 - 2.0 * share, rel=1e-9)


def test_the_next_drug_improves_what_the_marker_would_return_to(engine):
    log = simulate(program(), cohort(), engine=engine, seed=7)
    first, second = improvements(A, 40), improvements(B, 40)
    kept = 20.0 - 0.25 * 0.5 * first * 20.0  # three quarters are given back
    assert values(log, "joints", 1.5) == pytest.approx(kept - 0.5 * second * kept, rel=1e-9)
    assert values(log, "joints", 4.0) == pytest.approx(kept - 0.5 * second * kept, rel=1e-9)


def test_a_factor_is_the_share_that_responds_at_all(engine):
    after_failure = CodeRow(op=Op.LEAF, field=FIELD_NUMBERS["failed_count"], at_least=1.0, label="a drug failed")
    changed = program(
        responses=(response(A), response(B, factors=((0, 0.6),), shifts=((0, 0.4),))), code=(after_failure,), rules=(RuleSpec(name="failed", first=0, last=1),)
    )
    log = simulate(changed, cohort(400), engine=engine, seed=7)
    first, second = improvements(A, 400), improvements(B, 400, level=LEVEL + 0.4, factor=0.6)
    assert (second == 0.0).mean() > 0.4  # those beyond the share, and the low end of the curve
    kept = 20.0 - 0.25 * 0.5 * first * 20.0
    assert values(log, "joints", 2.0) == pytest.approx(kept - 0.5 * second * kept, rel=1e-9)


def test_an_index_is_computed_from_what_one_visit_measured(engine):
    frame = simulate(program(), cohort(), engine=engine, seed=7).frame()
    index = frame[frame["name"] == "activity"].set_index(["patient", "time"])["measured"]
    joints = frame[(frame["kind"] == "measure") & (frame["name"] == "joints")].set_index(["patient", "time"])["measured"]
    pain = frame[(frame["kind"] == "measure") & (frame["name"] == "pain")].set_index(["patient", "time"])["measured"]
    assert len(index) == len(joints) > 0
    assert index.to_numpy() == pytest.approx((3.0 + joints + 2.0 * np.sqrt(pain)).loc[index.index].to_numpy(), rel=1e-12)


def test_an_index_lacks_when_a_part_was_missed(engine):
    markers = list(program().markers)
    lossy = MarkerSpec(name="pain", baseline=2, lower=0.0, upper=100.0, missing=0.5)
    frame = simulate(program(markers=(markers[0], lossy)), cohort(), engine=engine, seed=7).frame()
    pain = frame[(frame["kind"] == "measure") & (frame["name"] == "pain")]
    assert len(frame[frame["name"] == "activity"]) == pain["measured"].notna().sum() < len(pain)


@pytest.mark.parametrize(
    ("field", "bounds", "expected"),
    [
        ("index", {"at_most": 22.0}, lambda start, now: now <= 22.0),
        ("index_fall_from_line_start", {"at_least": 5.0}, lambda start, now: start - now >= 5.0),
        ("index_relative_fall_from_line_start", {"at_least": 0.3}, lambda start, now: (start - now) / start >= 0.3),
    ],
)
def test_rules_read_indices(engine, field, bounds, expected):
    leaf = CodeRow(op=Op.LEAF, field=FIELD_NUMBERS[field], of=0, label="reads the index", **bounds)
    decision = DecisionSpec(name="well", rule=0, sources=0b000010, action=Action.FLAG, flag=0)
    changed = program(code=(leaf,), rules=(RuleSpec(name="well", first=0, last=1),), decisions=(decision,), flags=("well_flag",), flags_at_entry=(-1,), scheduled=())
    frame = simulate(changed, cohort(), engine=engine, seed=7).frame()
    flagged = set(frame[frame["kind"] == "flag"]["patient"])
    joints = 20.0 - 0.5 * improvements(A, 40) * 20.0
    pain = 9.0 - 2.0 * improvements(A, 40)
    start, now = 3.0 + 20.0 + 2.0 * 3.0, 3.0 + joints + 2.0 * np.sqrt(pain)
    assert flagged == {int(i) for i in np.flatnonzero([expected(start, one) for one in now])}
    assert 0 < len(flagged) < 40


def test_a_share_of_nothing_is_not_applicable(engine):
    """No tender joint at the start of the line: its improvement has no meaning, and alone it decides nothing."""
    leaf = CodeRow(op=Op.LEAF, field=FIELD_NUMBERS["relative_fall_from_line_start"], of=0, at_least=0.2, label="joints fell by a fifth")
    other = CodeRow(op=Op.LEAF, field=FIELD_NUMBERS["years_in_study"], at_least=1.0, label="a year passed")
    decision = DecisionSpec(name="well", rule=0, sources=0b000010, action=Action.FLAG, flag=0)
    code = (leaf, other, CodeRow(op=Op.ALL, count=2))
    changed = program(code=code, rules=(RuleSpec(name="well", first=0, last=3),), decisions=(decision,), flags=("f",), flags_at_entry=(-1,), scheduled=())
    frame = simulate(changed, people(3, ("age", "joints0", "pain0"), (50.0, 0.0, 9.0)), engine=engine, seed=7).frame()
    assert frame[frame["kind"] == "flag"]["time"].tolist() == [1.0, 1.0, 1.0]


def exchanging(**changes: object) -> Program:
    """Drug a is spaced (b) once the index is low, in a state of its own, and goes back when a hazard raises a flag."""
    low = CodeRow(op=Op.LEAF, field=FIELD_NUMBERS["years_on_line"], at_least=1.0, label="a year on the line")
    flared = CodeRow(op=Op.LEAF, field=FIELD_NUMBERS["condition"], at_least=1.0, label="a flare")
    parts: dict[str, object] = {
        "code": (low, flared), "rules": (RuleSpec(name="well", first=0, last=1), RuleSpec(name="flared", first=1, last=2)), "scheduled": (),
        "responses": (response(A), response(B, stream=stream_id("response:0"))),
        "decisions": (
            DecisionSpec(name="space", rule=0, sources=0b000010, action=Action.EXCHANGE, reason="taper", exchange=((A, B),), to=3),
            DecisionSpec(name="full_dose", rule=1, sources=0b001000, action=Action.EXCHANGE, reason="flare", exchange=((B, A),), to=LINE_STATE),
        ),
        "moves": (
            *(Move(trigger=f"line:{STATES[to]}", label="line", sources=0b001111 & ~(1 << to), to=to) for to in (1, 2, 4)),
            Move(trigger="space", label="spaced", sources=0b000010, to=3),
        ),
    }  # fmt: skip
    return program(**{**parts, **changes})


def test_an_exchange_keeps_the_line_and_the_luck(engine):
    frame = simulate(exchanging(), cohort(), engine=engine, seed=7).frame()
    starts = frame[frame["kind"] == "start"]
    assert starts[starts["name"] == "b"]["time"].tolist() == [1.0] * 40
    assert set(frame[frame["time"] > 1.0]["line"]) == {1}
    assert frame[frame["kind"] == "stop"]["detail"].astype(str).unique().tolist() == ["taper"]
    assert set(frame[frame["time"] > 1.0]["state"].astype(str)) == {"spaced"}


def test_a_flare_leads_back_to_full_dose(engine):
    from pathway.program import ConditionSpec

    flare = hazard("flare", 2.0, 0b001000, condition=0, forbids_condition=True)
    spec = ConditionSpec(name="flare_up", stream=stream_id("recovery:flare_up"), recovery=0.5, exponential=False)
    frame = simulate(exchanging(transitions=(flare,), conditions=(spec,)), cohort(), engine=engine, seed=7).frame()
    flares = frame[frame["kind"] == "condition"].groupby("patient")["time"].first()
    back = frame[(frame["kind"] == "stop") & (frame["name"] == "b")].groupby("patient")["time"].first()
    assert len(back) > 20
    assert (back > flares.loc[back.index]).all()
    assert (back - flares.loc[back.index] <= 0.25 + 1e-12).all()  # at the next visit
    row_after = frame[(frame["kind"] == "start") & (frame["name"] == "a") & (frame["time"] > 1.0)]
    assert set(row_after["state"].astype(str)) == {"first_line"}


def test_a_better_response_lowers_a_hazard_by_its_term(engine):
    gamma = -3.0
    stop = hazard("stop_a", 0.5, 0b000010, treatment=A, stops=1 << A, reason="secondary_failure", response_terms=((A, gamma, 0.0),))
    frame = simulate(program(transitions=(stop,), scheduled=(), horizon=50.0), cohort(60), engine=engine, seed=7).frame()
    stops = frame[(frame["kind"] == "stop") & (frame["name"] == "a")].set_index("patient")["time"]
    budget = draws.exponential(7, stream="transition:stop_a", patient=np.arange(60))
    expected = budget / (0.5 * np.exp(gamma * improvements(A, 60)))
    assert stops.to_numpy() == pytest.approx(expected[stops.index.to_numpy()], rel=1e-9)
    assert len(stops) > 30


def test_an_exchange_within_one_draw_carries_the_response_over(engine):
    """Nothing is given back and nothing built up anew: the markers stay where they were."""
    log = simulate(exchanging(), cohort(), engine=engine, seed=7)
    reached = 20.0 - 0.5 * improvements(A, 40) * 20.0
    for time in (1.0, 1.25, 1.5, 4.0):
        assert values(log, "joints", time) == pytest.approx(reached, rel=1e-9)


def test_a_better_dose_goes_on_from_what_the_lower_one_reached(engine):
    stronger = response(B, stream=stream_id("response:0"), level=LEVEL + 0.5)
    log = simulate(exchanging(responses=(response(A), stronger)), cohort(), engine=engine, seed=7)
    before, after = improvements(A, 40), improvements(A, 40, level=LEVEL + 0.5)
    low, high = 0.5 * before * 20.0, 0.5 * after * 20.0
    for time, built in ((1.25, 0.8), (1.5, 1.0), (3.0, 1.0)):
        assert values(log, "joints", time) == pytest.approx(20.0 - low - (high - low) * built, rel=1e-9)


def test_after_a_carried_course_all_of_it_is_given_back(engine):
    two = ScheduledSpec(name="stop_b", treatment=B, after=1.0, reason="primary_failure")
    code = (*exchanging().code, CodeRow(op=Op.LEAF, field=FIELD_NUMBERS["years_in_study"], below=0.5, label="at entry"))
    rules = (*exchanging().rules, RuleSpec(name="at_entry", first=2, last=3))
    changed = exchanging(scheduled=(two,), lines=((CandidateSpec(regimen=1 << A, rule=2),),), code=code, rules=rules)
    log = simulate(changed, cohort(), engine=engine, seed=7)
    gained = 0.5 * improvements(A, 40) * 20.0
    assert values(log, "joints", 4.0) == pytest.approx(20.0 - 0.25 * gained, rel=1e-9)


def losing(**changes: object) -> Program:
    """Drug a whose response is lost by a hazard, while its course goes on."""
    loss = hazard("loss_a", 1.0, 0b000010, treatment=A, loses_response=True)
    return program(**{"transitions": (loss,), "scheduled": (), "horizon": 30.0, **changes})


def test_a_lost_response_is_given_back_while_the_course_goes_on(engine):
    log = simulate(losing(), cohort(), engine=engine, seed=7)
    frame = log.frame()
    lost = frame[frame["kind"] == "lose"].set_index("patient")["time"]
    assert lost.to_numpy() == pytest.approx(draws.exponential(7, stream="transition:loss_a", patient=np.arange(40))[lost.index.to_numpy()], rel=1e-9)
    assert len(frame[frame["kind"] == "stop"]) == 0
    reached = np.clip(np.where(lost <= 0.25, 3.2 * lost, 0.8 + 0.8 * (lost - 0.25)), 0.0, 1.0)
    gained = 0.5 * improvements(A, 40)[lost.index.to_numpy()] * 20.0 * reached
    last = log.path_frame().groupby("patient")["joints"].last().loc[lost.index]
    assert last.to_numpy() == pytest.approx(20.0 - 0.25 * gained, rel=1e-9)


def test_what_was_lost_is_not_given_back_again_at_the_stop(engine):
    late = ScheduledSpec(name="end", treatment=A, after=29.0, reason="choice")
    log = simulate(losing(scheduled=(late,), lines=((CandidateSpec(regimen=1 << A),),)), cohort(), engine=engine, seed=7)
    path = log.path_frame()
    before = path[path["time"] == 29.0].groupby("patient")["joints"].first()
    last = path.groupby("patient")["joints"].last()
    assert last.to_numpy() == pytest.approx(before.to_numpy(), rel=1e-12)


def test_a_relative_fall_is_at_most_all_of_the_value(engine):
    shares = (ResponseShare(marker=0, weight=1.0, direct=0.5), ResponseShare(marker=1, weight=1.0, direct=0.5, is_relative=False))
    changed = program(responses=(response(A, shares=shares), response(B)), scheduled=())
    log = simulate(changed, cohort(400), engine=engine, seed=7)
    improved = improvements(A, 400)
    assert (improved > 0.5).any()
    assert values(log, "joints", 0.5) == pytest.approx(20.0 * (1.0 - np.minimum(0.5 + improved, 1.0)), abs=1e-9)
    assert values(log, "pain", 0.5) == pytest.approx(9.0 - 0.5 - improved, rel=1e-9)


def test_rules_read_the_best_value_of_the_line(engine):
    """Somebody who reached a low index and lost the response is told from somebody who never did."""
    target = 3.0 + 20.0 * 0.85 + 2.0 * 3.0
    leaf = CodeRow(op=Op.LEAF, field=FIELD_NUMBERS["index_lowest_on_line"], of=0, window=100.0, at_most=target, label="was low")
    late = CodeRow(op=Op.LEAF, field=FIELD_NUMBERS["years_in_study"], at_least=3.5, label="late")
    decision = DecisionSpec(name="was_low", rule=0, sources=0b000010, action=Action.FLAG, flag=0)
    code = (leaf, late, CodeRow(op=Op.ALL, count=2))
    changed = losing(code=code, rules=(RuleSpec(name="was_low", first=0, last=3),), decisions=(decision,), flags=("f",), flags_at_entry=(-1,))
    frame = simulate(changed, cohort(), engine=engine, seed=7).frame()
    index = frame[(frame["name"] == "activity") & (frame["time"] > 0.0) & (frame["time"] <= 3.5)]
    lowest = index.groupby("patient")["measured"].min()
    assert set(frame[frame["kind"] == "flag"]["patient"]) == set(lowest.index[lowest <= target])
    assert 0 < (lowest <= target).sum() < 40


def test_a_stop_for_safety_bars_the_drug(engine):
    again = (CandidateSpec(regimen=1 << A),), (CandidateSpec(regimen=1 << A),), (CandidateSpec(regimen=1 << B),)
    stop = ScheduledSpec(name="harm", treatment=A, after=1.0, reason="safety")
    frame = simulate(program(scheduled=(stop,), lines=again), cohort(3), engine=engine, seed=7).frame()
    assert frame[(frame["kind"] == "start") & (frame["time"] == 1.0)]["name"].tolist() == ["b"] * 3


def test_a_lost_response_stays_lost_after_an_exchange(engine):
    """Full dose of the same drug does not win back what the spaced one lost."""
    loss = hazard("loss_a", 1.0, 0b000010, treatment=A, loses_response=True)
    spaced = CodeRow(op=Op.LEAF, field=FIELD_NUMBERS["years_on_line"], at_least=3.0, label="three years on the line")
    changed = exchanging(transitions=(loss,), code=(spaced, *exchanging().code[1:]), horizon=12.0)
    log = simulate(changed, cohort(), engine=engine, seed=7)
    frame = log.frame()
    lost = frame[frame["kind"] == "lose"].set_index("patient")["time"]
    early = lost[lost < 2.0].index
    assert len(early) > 10
    at, after = values(log, "joints", 3.0), values(log, "joints", 4.0)
    assert after[early.to_numpy()] == pytest.approx(at[early.to_numpy()], rel=1e-9)
    others = np.setdiff1d(np.arange(40), lost.index.to_numpy())
    assert after[others] == pytest.approx(20.0 - 0.5 * improvements(A, 40)[others] * 20.0, rel=1e-9)


def test_a_relative_fall_ends_at_the_lower_bound_and_gives_back_no_more(engine):
    markers = (MarkerSpec(name="joints", baseline=1, lower=15.0, upper=100.0), program().markers[1])
    log = simulate(program(markers=markers, lines=((CandidateSpec(regimen=1 << A),),)), cohort(400), engine=engine, seed=7)
    gained = np.minimum(0.5 * improvements(A, 400) * 20.0, 5.0)
    assert (gained == 5.0).any()
    assert values(log, "joints", 0.75) == pytest.approx(20.0 - gained, rel=1e-9)
    assert values(log, "joints", 2.0) == pytest.approx(20.0 - 0.25 * gained, rel=1e-9)
