"""Hypothesis strategies: random small pathways, rules and cohorts in the language of a program."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from pathway.draws import stream_id
from pathway.program import (
    PRESENT_REGIMEN,
    AccessSpec,
    Action,
    CandidateSpec,
    Clock,
    ClockKind,
    CodeRow,
    Cohort,
    ConditionSpec,
    ConfirmationSpec,
    DecisionSpec,
    DelaySpec,
    DenialSpec,
    Dose,
    EffectKind,
    EffectSpec,
    MarkerSpec,
    Move,
    Op,
    Phases,
    Program,
    RuleSpec,
    ScheduledSpec,
    ScheduleSpec,
)
from pathway.rules import FIELD_NUMBERS
from tests import tiny

rates = st.floats(0.0, 3.0, allow_nan=False).map(lambda x: round(x, 4))
slopes = st.floats(-12.0, 6.0, allow_nan=False).map(lambda x: round(x, 3))
delays = st.sampled_from([0.0, 0.0, 0.02, 0.25, 0.6])


@st.composite
def leaves(draw: st.DrawFn, treatments: int) -> CodeRow:
    """A comparison of one field of the record."""
    name = draw(st.sampled_from(["fall", "fall_on_line", "latest", "fall_from_line_start", "on", "ever", "failed_count", "years_on_line", "age", "condition", "covariate"]))
    of = draw(st.integers(0, treatments - 1)) if name in ("on", "ever") else 2 if name == "covariate" else 0
    threshold = draw(st.sampled_from([0.0, 1.0, 5.0, 10.0, 40.0, 60.0]))
    window = draw(st.sampled_from([0.3, 1.05, float("inf")]))
    label = f"{name} {of} {threshold} {window}"
    if draw(st.booleans()):
        return CodeRow(op=Op.LEAF, field=FIELD_NUMBERS[name], of=of, window=window, at_least=threshold, label=label + " at least")
    return CodeRow(op=Op.LEAF, field=FIELD_NUMBERS[name], of=of, window=window, below=threshold, label=label + " below")


@st.composite
def rule_codes(draw: st.DrawFn, treatments: int, depth: int = 2) -> list[CodeRow]:
    """Postfix code of one rule."""
    if depth == 0 or draw(st.integers(0, 2)) == 0:
        return [draw(leaves(treatments))]
    kind = draw(st.sampled_from([Op.ALL, Op.ANY, Op.AT_LEAST, Op.NOT, Op.APPLIES_IF]))
    count = {Op.NOT: 1, Op.APPLIES_IF: 2}.get(kind) or draw(st.integers(1, 3))
    code = [row for _ in range(count) for row in draw(rule_codes(treatments, depth - 1))]
    needed = draw(st.integers(1, count)) if kind is Op.AT_LEAST else 0
    return [*code, CodeRow(op=kind, count=count, needed=needed)]


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """A random pathway: up to three drugs and lines, one marker, visits, decisions, a condition, requests with or without delays."""
    drugs = draw(st.integers(1, 3))
    lines = draw(st.integers(0, 3))
    states = ("untreated", *[f"line_{n}" for n in range(1, lines + 1)], "supportive_care", "dead")
    dead, care = len(states) - 1, len(states) - 2
    alive = (1 << dead) - 1
    treated = alive & ~1 & ~(1 << care)
    names = tuple("abc"[:drugs])
    code: list[CodeRow] = []
    rules: list[RuleSpec] = []
    for number in range(draw(st.integers(1, 3))):
        rows = draw(rule_codes(drugs))
        rules.append(RuleSpec(name=f"rule_{number}", first=len(code), last=len(code) + len(rows)))
        code += rows
    pick_rule = st.integers(0, len(rules) - 1)
    transitions = [
        tiny.hazard("die_background", draw(rates), alive, dead, cause="background", is_invariant=True),
        tiny.hazard("die_disease", draw(rates) * 0.1, alive, dead, cause="disease", marker_terms=((0, -0.03, 70.0),), condition_terms=((0, 0.7),), flag_terms=((0, 0.9),)),
        tiny.hazard("infect", draw(rates), alive, forbids_condition=True, condition=0, jumps=((0, -1.0),)),
    ]
    transitions += [
        tiny.hazard(f"stop_{name}", draw(rates), treated, treatment=number, stops=1 << number, reason=draw(st.sampled_from(["intolerance", "choice"])))
        for number, name in enumerate(names)
    ]
    regimens = st.integers(1, (1 << drugs) - 1)
    candidates = tuple(
        tuple(
            CandidateSpec(regimen=draw(regimens), rule=draw(st.one_of(st.just(-1), pick_rule)))
            for _ in range(draw(st.integers(1, 3)))
        )
        for _ in range(lines)
    )
    streams = (stream_id("measure:m:clinic"),)
    confirm = ConfirmationSpec(after=0.1, rule=draw(pick_rule), measures=(0,), findings=(), streams=(stream_id("measure:m:confirm:progress"),))
    decisions = [
        DecisionSpec(name="progress", rule=draw(pick_rule), sources=treated, action=Action.NEXT_LINE, reason="progression", confirm=draw(st.sampled_from([None, confirm]))),
        DecisionSpec(name="pause", rule=draw(pick_rule), sources=treated, action=Action.HOLD, treatment=0),
        DecisionSpec(name="go_on", rule=draw(pick_rule), sources=treated, action=Action.RESUME, treatment=0),
        DecisionSpec(name="raise", rule=draw(pick_rule), sources=alive, action=Action.FLAG, flag=0),
        DecisionSpec(name="lower", rule=draw(pick_rule), sources=alive, action=Action.CLEAR, flag=0),
        DecisionSpec(name="less", rule=draw(pick_rule), sources=treated, action=Action.REDUCE, treatment=0),
        DecisionSpec(name="full", rule=draw(pick_rule), sources=treated, action=Action.RESTORE, treatment=0),
        DecisionSpec(name="give_up", rule=draw(pick_rule), sources=treated, action=Action.STOP, treatment=drugs - 1, reason=draw(st.sampled_from(["inefficacy", "good_response", "choice"]))),
    ]  # fmt: skip
    delay = lambda name: DelaySpec(mean=draw(delays), family=draw(st.sampled_from(["fixed", "exponential"])), stream=stream_id(f"request:{name}"))  # noqa: E731
    chance = st.sampled_from([0.0, 0.3, 1.0])
    after = st.builds(DenialSpec, resubmission=chance, peer_to_peer=chance, peer_to_peer_success=chance, appeal=chance, appeal_success=chance)
    for position, row in enumerate(code):
        if row.op is Op.LEAF and draw(st.integers(0, 4)) == 0:
            code[position] = replace(row, document=draw(st.integers(0, 1)))
    some_rules = st.lists(st.one_of(st.just(-1), pick_rule), min_size=drugs, max_size=drugs).map(tuple)
    asked = draw(st.integers(0, (1 << drugs) - 1))
    access = AccessSpec(
        treatments=asked, start_rules=draw(some_rules), renewal_rules=draw(some_rules), supplies=tuple(delay("supply") for _ in names),
        submission=delay("submission"), decision=delay("decision"), information=delay("information"), peer_to_peer=delay("peer_to_peer"), appeal=delay("appeal"),
        documents=(draw(chance), draw(chance)), completes=draw(chance), residual_merits=draw(chance), residual_documents=draw(st.sampled_from([0.0, 0.2])),
        denials=(draw(after), draw(after), draw(after)), abandonment=draw(chance), approval_lasts=draw(st.sampled_from([0.5, 1.0, float("inf")])), renewal_lasts=draw(st.sampled_from([0.5, 1.0])),
        renewal_lead=draw(st.sampled_from([0.0, 0.3, 0.8])), grace=draw(st.sampled_from([0.0, 0.1])), bridge=draw(st.sampled_from([PRESENT_REGIMEN, 0, ((1 << drugs) - 1) & ~asked])),
        stream=stream_id("request"), document_stream=stream_id("request:documents"),
    )  # fmt: skip
    effects = [EffectSpec(name="drift", marker=0, kind=EffectKind.DRIFT, per_year=Phases(values=(draw(slopes),)))]
    effects += [
        EffectSpec(
            name=f"{name}_helps", marker=0, kind=draw(st.sampled_from([EffectKind.DIFFERENCE, EffectKind.GAIN])),
            per_year=Phases(values=(draw(slopes), 0.0), edges=(draw(st.sampled_from([0.4, 1.25])), float("inf"))),
            clock=Clock(kind=ClockKind.COURSE, treatment=number), needs=1 << number, first_treatment=number, dose=draw(st.sampled_from(Dose)),
        )
        for number, name in enumerate(names)
    ]  # fmt: skip
    moves = [Move(trigger=t.name, label=t.name, sources=t.sources, to=t.to) for t in transitions if t.to >= 0]
    moves += [Move(trigger=f"line:{states[to]}", label="line", sources=alive, to=to) for to in range(1, dead)]
    return tiny.with_names(
        states=states, absorbing=1 << dead, last_resort=care, line_states=tuple(range(lines + 1)), treatments=names, covariates=("age", "m0", "suits_b"),
        markers=(MarkerSpec(name="m", baseline=1, lower=20.0, upper=140.0, walk_keep=0.96, walk_sd=draw(st.sampled_from([0.0, 2.0])), walk_heavy=draw(st.booleans()), walk_stream=stream_id("walk:m"), error_sd=draw(st.sampled_from([0.0, 3.0])), missing=draw(st.sampled_from([0.0, 0.2]))),),
        conditions=(ConditionSpec(name="infection", stream=stream_id("recovery:infection"), recovery=0.1, exponential=draw(st.booleans()), holds=draw(st.integers(0, (1 << drugs) - 1))),),
        flags=("noted",), flags_at_entry=(draw(st.sampled_from([-1, 2])),),
        schedules=(ScheduleSpec(name="clinic", clock=Clock(), offsets=np.arange(0.0, 60.0, draw(st.sampled_from([0.25, 0.5]))), measures=(0,), findings=(), streams=streams),),
        rules=tuple(rules), code=tuple(code), transitions=tuple(transitions),
        scheduled=tuple(ScheduledSpec(name="complete_a", treatment=0, after=0.5, reason="completed", covariate=draw(st.sampled_from([-1, 0, 2])), reach=draw(st.sampled_from([10.0, 30.0]))) for _ in range(draw(st.integers(0, 1)))),
        decisions=tuple(decisions), effects=tuple(effects), lines=candidates, access=access, moves=tuple(moves), horizon=draw(st.sampled_from([0.1, 3.0, 12.0])),
    )  # fmt: skip


@st.composite
def cohorts(draw: st.DrawFn) -> Cohort:
    """A few patients with differing covariates; some enter on a drug in line 1."""
    size = draw(st.integers(1, 6))
    cohort = tiny.drug_people(size, age=draw(st.floats(20.0, 80.0)), marker=draw(st.floats(30.0, 120.0)))
    if draw(st.booleans()):
        cohort = replace(cohort, regimen=np.ones(size, dtype=np.int64), line=np.ones(size, dtype=np.int64), years_on=np.full(size, 0.7))
    return cohort
