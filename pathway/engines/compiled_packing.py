"""A program as two flat arrays, and how large the work arrays of a life must be.

Every name becomes its number in the program's table of names, every list an offset and a count. This module must not know what happens.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pathway.engines import compiled_layout as at
from pathway.errors import EngineError, FaultList
from pathway.eventlog import Kind
from pathway.program import (
    FAILURES,
    UNSAFE,
    AccessSpec,
    Action,
    DecisionSpec,
    DelaySpec,
    EffectSpec,
    FindingSpec,
    MarkerSpec,
    Op,
    Phases,
    Program,
    ResponseSpec,
    ScheduleSpec,
    TransitionSpec,
)
from pathway.rules import Truth

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

FINDING_KINDS = {"yes_no": 0, "banded": 1, "continuous": 2}
DECIDING = {Op.ALL: Truth.NOT_MET, Op.ANY: Truth.MET}
"""The truth of one operand that fixes a group."""
DELAY_FAMILIES = {"fixed": 0, "exponential": 1, "lognormal": 2}
FAILED, INTOLERANT, CONTRAINDICATED, COMPLETED, GOOD_RESPONSE = 1, 2, 3, 4, 5
"""What a reason of stopping means to the record; 0: nothing."""
REASONS = {
    **dict.fromkeys(FAILURES, FAILED), **dict.fromkeys(UNSAFE, CONTRAINDICATED), "intolerance": INTOLERANT, "completed": COMPLETED, "good_response": GOOD_RESPONSE,
}  # fmt: skip
ENGINE_WORDS = {
    at.N_LINE: "line", at.N_ENTRY: "entry", at.N_CHOICE: "choice", at.N_START: "start", at.N_RENEWAL: "renewal", at.N_RESIDUAL: "residual", at.N_PEER: "peer_to_peer",
    at.N_APPEAL: "appeal", at.N_APPROVED: "approved", at.N_CONFIRMATORY: "confirmatory", at.N_NO_CANDIDATE: "no_candidate", at.N_DEATH: "death",
    at.N_SUPERSEDED: "superseded", at.N_NOT_COVERED: "not_covered", at.N_COMPLETED: "completed", at.N_GOOD_RESPONSE: "good_response",
    at.N_BRIDGE: "bridge", at.N_ABANDONED: "abandoned", at.N_INSUFFICIENT: "insufficient_documentation", at.N_RESUBMISSION: "resubmission",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A program in flat arrays.

    Attributes
    ----------
    whole, real : shape (n,), (m,)
        The program; ``whole`` begins with the header of :mod:`pathway.engines.compiled_layout`.
    work_whole, work_real
        Lengths of a life's work arrays.
    """

    whole: Ints
    real: Floats
    work_whole: int
    work_real: int


@dataclass(slots=True)
class _Writer:
    """Grows the two arrays."""

    program: Program
    whole: list[int] = field(default_factory=list)
    real: list[float] = field(default_factory=list)

    def ints(self, numbers: Iterable[int]) -> int:
        """Append whole numbers; give their offset."""
        place = len(self.whole)
        self.whole.extend(int(number) for number in numbers)
        return place

    def floats(self, numbers: Iterable[float]) -> int:
        """Append floats; give their offset."""
        place = len(self.real)
        self.real.extend(float(number) for number in numbers)
        return place

    def name(self, word: str) -> int:
        """Number of a word in the log's table; -1 for none."""
        return self.program.name_ids[word] if word else -1

    def terms(self, rows: Sequence[tuple[float, ...]]) -> tuple[int, int]:
        """Write (index, float, ...) rows: pairs of index and offset of their floats."""
        pairs: list[int] = []
        for index, *numbers in rows:
            pairs += [int(index), self.floats(numbers)]
        return self.ints(pairs), len(rows)

    def phases(self, phases: Phases) -> tuple[int, int]:
        """Write values and edges in turn: offset in the floats, and how many."""
        return self.floats(x for pair in zip(phases.values, phases.edges, strict=True) for x in pair), len(phases.values)

    def table(self, rows: Sequence[Sequence[int]], size: int) -> int:
        """Write records of one length."""
        for row in rows:
            assert len(row) == size
        return self.ints(number for row in rows for number in row)


def pack(program: Program) -> Packed:
    """Lay a program out.

    Raises
    ------
    EngineError
        If it has more of something than the work arrays can hold; all at once.
    """
    _check(program)
    w = _Writer(program)
    w.ints([0] * at.HEADER)
    w.floats((program.horizon, program.grid))
    head = _counts(program)
    head |= _registers(w)
    head |= {
        at.P_MARKER: w.table([_marker(w, marker) for marker in program.markers], at.M_SIZE),
        at.P_FINDING: w.table([_finding(w, finding) for finding in program.findings], at.D_SIZE),
        at.P_CONDITION: w.table(
            [(w.name(c.name), c.stream, c.exponential, c.holds, w.floats((c.recovery,))) for c in program.conditions], at.C_SIZE
        ),
        at.P_SCHEDULE: w.table([_schedule(w, schedule) for schedule in program.schedules], at.V_SIZE),
        at.P_RULE: w.table([(rule.first, rule.last) for rule in program.rules], at.R_SIZE),
        at.P_CODE: w.table(
            [
                (row.op, row.field, row.of, row.count, row.needed, row.document, w.name(row.label), w.floats((row.window, row.at_least, row.at_most, row.above, row.below)), *ends)
                for row, ends in zip(program.code, _shortcuts(program), strict=True)
            ],
            at.K_SIZE,
        ),
        at.P_TRANSITION: w.table([_transition(w, transition) for transition in program.transitions], at.T_SIZE),
        at.P_SCHEDULED: w.table([(w.name(s.name), s.treatment, w.name(s.reason), s.covariate, w.floats((s.after, s.reach))) for s in program.scheduled], at.L_SIZE),
        at.P_DECISION: w.table([_decision(w, decision) for decision in program.decisions], at.A_SIZE),
        at.P_EFFECT: w.table([_effect(w, effect) for effect in sorted(program.effects, key=lambda effect: effect.marker)], at.E_SIZE),
        at.P_INDEX: w.table([_index(w, *one) for one in ((i.name, i.terms, i.constant) for i in program.indices)], at.X_SIZE),
        at.P_RESPONSE: w.table([_response(w, response) for response in program.responses], at.Q_SIZE),
    }
    lines = [(w.ints(x for option in line for x in (option.regimen, option.rule)), len(line)) for line in program.lines]
    head[at.P_LINE] = w.table(lines, 2)
    head[at.P_ACCESS] = _access(w, program.access)
    work_whole, work_real = _work(program)
    for place, number in head.items():
        w.whole[place] = number
    return Packed(whole=np.array(w.whole, dtype=np.int64), real=np.array(w.real, dtype=np.float64), work_whole=work_whole, work_real=work_real)


def _shortcuts(program: Program) -> list[tuple[int, int, int]]:
    """Per row of code: the truth with which it fixes its group (-1: none), how many operands stand before it, and the group's row."""
    found = [(-1, 0, 0)] * len(program.code)
    users = np.zeros(len(program.code) + 1, dtype=np.int64)
    for rule in program.rules:
        users[rule.first : rule.last] += 1
    for rule in program.rules:
        stack: list[int] = []
        for number in range(rule.first, rule.last):
            op, count = program.code[number].op, program.code[number].count
            if op in (Op.LEAF, Op.ALWAYS):
                stack.append(number)
                continue
            operands = {Op.NOT: 1, Op.APPLIES_IF: 2}.get(op, count)
            for behind, operand in enumerate(stack[len(stack) - operands :]):
                if op in DECIDING and users[operand] == 1:
                    found[operand] = (int(DECIDING[op]), behind, number)
            del stack[len(stack) - operands :]
            stack.append(number)
    return found


def _counts(program: Program) -> dict[int, int]:
    return {
        at.H_STATES: len(program.states), at.H_TREATMENTS: len(program.treatments), at.H_MARKERS: len(program.markers), at.H_FINDINGS: len(program.findings),
        at.H_CONDITIONS: len(program.conditions), at.H_FLAGS: len(program.flags), at.H_SCHEDULES: len(program.schedules),
        at.H_TRANSITIONS: len(program.transitions), at.H_SCHEDULED: len(program.scheduled), at.H_DECISIONS: len(program.decisions),
        at.H_EFFECTS: len(program.effects), at.H_LINES: len(program.lines), at.H_COVARIATES: len(program.covariates), at.H_NAMES: len(program.names),
        at.H_INDICES: len(program.indices), at.H_RESPONSES: len(program.responses), at.H_LINE_STATES: len(program.line_states),
        at.H_ABSORBING: program.absorbing, at.H_START_STATE: program.start_state, at.H_LAST_RESORT: program.last_resort,
        at.H_IS_GRIDDED: program.is_gridded, at.H_AGE: program.age, at.H_FEMALE: program.female, at.H_ONSET: program.onset,
    }  # fmt: skip


def _registers(w: _Writer) -> dict[int, int]:
    """Names, states and what reasons mean."""
    program = w.program
    sources = [0] * len(program.states)
    for move in program.moves:
        if move.trigger == f"line:{program.states[move.to]}":
            sources[move.to] |= move.sources
    words = {place: program.name_ids.get(word, -1) for place, word in ENGINE_WORDS.items()}
    return words | {
        at.P_STATE_VISITS: w.ints(program.state_visits),
        at.P_STATE_NAME: w.ints(w.name(state) for state in program.states),
        at.P_LINE_SOURCES: w.ints(sources),
        at.P_LINE_STATE: w.ints(program.line_states),
        at.P_FLAG_ENTRY: w.ints(program.flags_at_entry),
        at.P_FLAG_NAME: w.ints(w.name(flag) for flag in program.flags),
        at.P_TREATMENT_NAME: w.ints(w.name(treatment) for treatment in program.treatments),
        at.P_REASON: w.ints(REASONS.get(word, 0) for word in program.names),
    }


def _marker(w: _Writer, marker: MarkerSpec) -> list[int]:
    first, length, age, step = -1, 0, 0.0, 1.0
    if marker.reference >= 0:
        reference = w.program.references[marker.reference]
        first, length, age, step = w.floats(reference.tables[0]), len(reference.tables[0]), reference.first_age, reference.step
        w.floats(reference.tables[1])
    numbers = w.floats(
        (marker.lower, marker.upper, marker.personal_slope_sd, marker.walk_keep, marker.walk_sd, marker.error_sd, marker.round_to, marker.missing, age, step)
    )
    return [
        w.name(marker.name), marker.baseline, first, length, marker.factor, marker.ageing_ceiling, marker.walk_heavy, marker.error_heavy,
        marker.slope_stream, marker.walk_stream, numbers,
    ]  # fmt: skip


def _finding(w: _Writer, finding: FindingSpec) -> list[int]:
    terms = [
        (t.marker, t.since_entry, t.treatment, t.covariate, w.floats((t.window, t.slope, t.reference))) for t in finding.terms
    ]
    return [
        w.name(finding.name), FINDING_KINDS[finding.kind], finding.level_covariate, finding.log_scale, finding.while_on, w.table(terms, at.DT_SIZE), len(terms),
        w.floats(finding.bands), len(finding.bands), w.floats((finding.level, finding.error_sd, finding.missing)),
    ]  # fmt: skip


def _schedule(w: _Writer, schedule: ScheduleSpec) -> list[int]:
    return [
        w.name(schedule.name), schedule.clock.kind, schedule.clock.treatment, schedule.while_on, w.floats(schedule.offsets), len(schedule.offsets),
        w.ints(schedule.measures), len(schedule.measures), w.ints(schedule.findings), len(schedule.findings), w.ints(schedule.streams),
    ]  # fmt: skip


def _transition(w: _Writer, t: TransitionSpec) -> list[int]:
    table, length = -1, 0
    if t.table >= 0:
        life = w.program.life_tables[t.table]
        table, length = w.floats(life.tables[0]), len(life.tables[0])
        w.floats(life.tables[1])
    is_death = t.to >= 0 and bool(w.program.absorbing >> t.to & 1)
    return [
        w.name(t.name), t.stream, t.sources, t.to, t.treatment, t.form, t.clock.kind, t.clock.treatment, t.reset, t.requires_flag, t.forbids_flag,
        t.requires_condition, t.forbids_condition, t.requires_regimen, t.stops, w.name(t.reason), t.condition, t.flag, w.name(t.cause), t.is_invariant, is_death,
        table, length, *w.phases(t.rates), *w.terms(t.marker_terms), *w.terms(t.treatment_terms), *w.terms(t.flag_terms), *w.terms(t.condition_terms),
        *w.terms(t.response_terms), *w.terms(t.covariate_terms), *w.terms(t.where), *w.terms(t.jumps), t.loses_response, w.floats((t.shape, t.scale, t.level, t.slope)),
    ]  # fmt: skip


def _decision(w: _Writer, d: DecisionSpec) -> list[int]:
    confirm = d.confirm
    measures, findings, streams = (confirm.measures, confirm.findings, confirm.streams) if confirm else ((), (), ())
    reason = d.reason or ("progression" if d.action is Action.NEXT_LINE else "choice")
    return [
        w.name(d.name), d.rule, d.sources, d.action, d.treatment, w.program.name_ids.get(reason, -1), d.flag, d.choose, d.to, w.ints(x for pair in d.exchange for x in pair), len(d.exchange),
        confirm is not None, confirm.rule if confirm else -1, w.ints(measures), len(measures), w.ints(findings), len(findings), w.ints(streams),
        w.floats((confirm.after if confirm else 0.0,)),
    ]  # fmt: skip


def _effect(w: _Writer, e: EffectSpec) -> list[int]:
    touches = e.needs | (1 << e.clock.treatment if e.clock.treatment >= 0 else 0)
    return [
        e.marker, e.kind, e.native, e.clock.kind, e.clock.treatment, e.needs, e.without, e.first_treatment, e.lines, *w.phases(e.per_year), *w.terms(e.where), e.dose, touches,
    ]  # fmt: skip


def _index(w: _Writer, name: str, terms: Sequence[tuple[int, float, int]], constant: float) -> list[int]:
    place = w.ints(x for marker, weight, transform in terms for x in (marker, transform, w.floats((weight,))))
    return [w.name(name), place, len(terms), w.floats((constant,))]


def _response(w: _Writer, r: ResponseSpec) -> list[int]:
    shares = [(s.marker, s.is_relative, s.stream, w.floats((s.weight, s.noise_sd, s.direct))) for s in r.shares]
    return [
        r.treatment, r.stream, *w.terms(r.shifts), *w.terms(r.factors), w.floats(x for point in r.curve for x in point), len(r.curve),
        w.table(shares, at.QS_SIZE), len(shares), w.floats((r.level, r.sd)),
    ]  # fmt: skip


def _delay(w: _Writer, delay: DelaySpec) -> list[int]:
    return [DELAY_FAMILIES[delay.family], delay.stream, w.floats((delay.mean, delay.sd_log))]


def _work(program: Program) -> tuple[int, int]:
    """Lengths of a life's work arrays."""
    points = int(program.horizon / program.grid) + 3 if program.is_gridded else 1
    return at.I_COUNTS + len(Kind) * len(program.names), at.F_GRID + points * len(program.markers)


def _check(program: Program) -> None:
    """Refuse a program that the work arrays cannot hold."""
    sizes = {
        "treatment": program.treatments, "marker": program.markers, "finding": program.findings, "transition": program.transitions, "effect": program.effects,
        "schedule": program.schedules, "condition": program.conditions, "index": program.indices, "covariate": program.covariates,
        "decision": program.decisions,
    }  # fmt: skip
    faults = FaultList()
    for name, things in sizes.items():
        if len(things) > at.MOST[name]:
            faults.add(
                where=f"strategy {program.strategy}", found=f"{len(things)} of kind {name}", expected=f"at most {at.MOST[name]} in the compiled engine",
                mend="use the reference engine: --engine reference",
            )  # fmt: skip
    for rule in program.rules:
        if rule.last - rule.first > at.DEEPEST_STACK:
            faults.add(
                where=f"rule {rule.name}", found=f"{rule.last - rule.first} operations", expected=f"at most {at.DEEPEST_STACK} in the compiled engine",
                mend="write it as several rules, or use the reference engine: --engine reference",
            )  # fmt: skip
    faults.raise_if_any(EngineError)


def _access(w: _Writer, access: AccessSpec) -> int:
    """The handling of requests."""
    treatments = range(len(w.program.treatments))
    waits = (access.decision, access.information, access.peer_to_peer, access.appeal, *access.supplies)
    stages = (access.submission, access.decision, access.information, access.peer_to_peer, access.appeal)

    def of_each(rules: Sequence[int]) -> int:
        return w.ints(rules[treatment] if rules else -1 for treatment in treatments)

    supplies = [access.supplies[treatment] if access.supplies else DelaySpec() for treatment in treatments]
    row = [
        access.treatments, access.bridge, any(stage.mean > 0.0 for stage in waits), access.stream, access.document_stream, of_each(access.start_rules),
        of_each(access.renewal_rules), w.table([_delay(w, stage) for stage in stages], 3), w.table([_delay(w, supply) for supply in supplies], 3),
        w.floats(access.documents), len(access.documents),
        w.floats(x for d in access.denials for x in (d.resubmission, d.peer_to_peer, d.peer_to_peer_success, d.appeal, d.appeal_success)),
        w.floats((
            access.completes, access.residual_merits, access.residual_documents, access.abandonment, access.approval_lasts, access.renewal_lasts,
            access.renewal_lead, access.grace,
        )),
    ]  # fmt: skip
    return w.ints(row)
