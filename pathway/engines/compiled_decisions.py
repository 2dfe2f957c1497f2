"""Visits and the decisions tried at them, of a life in flat arrays: part of the compiled twin of :mod:`pathway.engines.reference`.

Arguments as in :mod:`pathway.engines.compiled_courses`; ``a`` is where a decision begins among the program's whole numbers.
"""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pathway.engines import compiled_layout as at
from pathway.engines.clinic import OCCURRENCE_STRIDE
from pathway.engines.compiled_clinic import compute_indices, examine, hold_visit
from pathway.engines.compiled_courses import choose, choose_after_stop, close_segment, forget_confirmation, move, set_holds, start, stop, to_line_state
from pathway.engines.compiled_record import write, write_measured
from pathway.engines.compiled_rules import MET, judge
from pathway.eventlog import Kind
from pathway.jit import inner_kernel
from pathway.program import LINE_STATE, Action

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

INFINITY = math.inf
REDUCE, RESTORE, FLAG, CLEAR, VISIT_KIND, DECIDE = (int(kind) for kind in (Kind.REDUCE, Kind.RESTORE, Kind.FLAG, Kind.CLEAR, Kind.VISIT, Kind.DECIDE))
NEXT_LINE, STOP, HOLD, RESUME, REDUCE_DOSE = (int(action) for action in (Action.NEXT_LINE, Action.STOP, Action.HOLD, Action.RESUME, Action.REDUCE))
RAISE_FLAG, EXCHANGE, CLEAR_FLAG, RESTORE_DOSE = (int(action) for action in (Action.FLAG, Action.EXCHANGE, Action.CLEAR, Action.RESTORE))


@inner_kernel
def set_flag(p: Ints, s: Ints, z: Floats, w: Ints, y: Floats, flag: int, why: int) -> None:
    """Set a lasting flag, once."""
    if not s[at.S_FLAGS] >> flag & 1:
        s[at.S_FLAGS] |= 1 << flag
        write(p, s, z, w, y, FLAG, p[p[at.P_FLAG_NAME] + flag], why)


@inner_kernel
def exchange(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, k: Floats, a: int) -> None:
    """One treatment for another on the same line, its approval with it."""
    close_segment(p, q, s, z, k, -1)
    place = p[a + at.A_SWAPS]
    count = p[a + at.A_SWAP_COUNT]
    regimen = s[at.S_REGIMEN]
    for row in range(count):
        treatment = p[place + 2 * row]
        other = p[place + 2 * row + 1]
        if not regimen >> treatment & 1:
            continue
        z[at.F_HANDED + 2 * other] = z[at.F_EXPIRY + treatment]
        z[at.F_HANDED + 2 * other + 1] = z[at.F_FILES_AT + treatment]
        if s[at.S_RENEWAL + at.B_STAGE] and s[at.S_RENEWAL + at.B_TREATMENT] == treatment:
            s[at.S_RENEWAL + at.B_TREATMENT] = other
            s[at.S_RENEWAL + at.B_ASKED] = 1 << other
    for row in range(count):
        if regimen >> p[place + 2 * row] & 1:
            stop(p, q, s, z, w, y, p[place + 2 * row], p[a + at.A_REASON])
    to = p[a + at.A_TO]
    if to == LINE_STATE:
        to_line_state(p, s, z, w, y)
    elif to >= 0 and to != s[at.S_STATE]:
        move(p, s, z, w, y, to, p[a + at.A_NAME], -1)
    for row in range(count):
        if regimen >> p[place + 2 * row] & 1:
            other = p[place + 2 * row + 1]
            start(p, q, s, z, w, y, other, p[place + 2 * row])
            z[at.F_EXPIRY + other] = z[at.F_HANDED + 2 * other]
            z[at.F_FILES_AT + other] = z[at.F_HANDED + 2 * other + 1]


@inner_kernel
def is_due(p: Ints, s: Ints, a: int) -> bool:
    """May a decision be taken in this state, on this regimen?"""
    if not p[a + at.A_SOURCES] >> s[at.S_STATE] & 1:
        return False
    treatment = p[a + at.A_TREATMENT]
    if treatment >= 0 and not s[at.S_REGIMEN] >> treatment & 1:
        return False
    if p[a + at.A_ACTION] == EXCHANGE:
        is_any = False
        for row in range(p[a + at.A_SWAP_COUNT]):
            is_any = is_any or s[at.S_REGIMEN] >> p[p[a + at.A_SWAPS] + 2 * row] & 1 == 1
        return is_any
    return True


@inner_kernel
def waits(p: Ints, s: Ints, a: int) -> bool:
    """Must a decision that would choose wait for the request that is open?"""
    action = p[a + at.A_ACTION]
    return p[a + at.A_CHOOSE] != 0 and (action == NEXT_LINE or action == STOP) and s[at.S_REQUEST + at.B_STAGE] != 0


@inner_kernel
def first_due(p: Ints, s: Ints, number: int, place: int) -> int:
    """Place, in the list of decisions that are due, of the first from ``number`` on; not before ``place`` while the list stands. It is made anew with another state or regimen."""
    if s[at.S_OPEN_STATE] == s[at.S_STATE] and s[at.S_OPEN_REGIMEN] == s[at.S_REGIMEN]:
        return place
    s[at.S_OPEN_STATE] = s[at.S_STATE]
    s[at.S_OPEN_REGIMEN] = s[at.S_REGIMEN]
    count = 0
    place = 0
    for other in range(p[at.H_DECISIONS]):
        if is_due(p, s, p[at.P_DECISION] + other * at.A_SIZE):
            s[at.I_OPEN + count] = other
            count += 1
            place += 1 if other < number else 0
    s[at.S_OPEN] = count
    return place


@inner_kernel
def changes_nothing(p: Ints, s: Ints, a: int) -> bool:
    """Would a decision change nothing?"""
    action = p[a + at.A_ACTION]
    treatment = p[a + at.A_TREATMENT]
    bit = 1 << treatment if treatment >= 0 else 0
    if action == HOLD:
        return s[at.S_HOLD_DECISION] & bit != 0
    if action == RESUME:
        return s[at.S_HOLD_DECISION] & bit == 0
    if action == REDUCE_DOSE:
        return s[at.S_REDUCED] & bit != 0
    if action == RESTORE_DOSE:
        return s[at.S_REDUCED] & bit == 0
    if action == CLEAR_FLAG:
        return s[at.S_FLAGS] >> p[a + at.A_FLAG] & 1 == 0
    return action == RAISE_FLAG and s[at.S_FLAGS] >> p[a + at.A_FLAG] & 1 == 1


@inner_kernel
def decide(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, k: Floats, a: int, clause: int) -> None:
    """Take a decision."""
    action = p[a + at.A_ACTION]
    treatment = p[a + at.A_TREATMENT]
    name = p[a + at.A_NAME]
    reason = p[a + at.A_REASON]
    bit = 1 << treatment if treatment >= 0 else 0
    write_measured(p, s, z, w, y, DECIDE, name, clause, 1.0)
    if action == NEXT_LINE:
        choose(p, q, s, z, w, y, k, s[at.S_LINE] + 1, 0, name, reason, True)
    elif action == STOP:
        close_segment(p, q, s, z, k, -1)
        stop(p, q, s, z, w, y, treatment, reason)
        if p[a + at.A_CHOOSE]:
            choose_after_stop(p, q, s, z, w, y, k, reason)
    elif action == HOLD:
        set_holds(p, s, z, w, y, s[at.S_HOLD_DECISION] | bit, s[at.S_HOLD_CONDITION], name)
    elif action == RESUME:
        set_holds(p, s, z, w, y, s[at.S_HOLD_DECISION] & ~bit, s[at.S_HOLD_CONDITION], name)
    elif action == EXCHANGE:
        exchange(p, q, s, z, w, y, k, a)
    elif action == REDUCE_DOSE or action == RESTORE_DOSE:
        close_segment(p, q, s, z, k, -1)
        s[at.S_REDUCED] ^= bit
        write(p, s, z, w, y, REDUCE if action == REDUCE_DOSE else RESTORE, p[p[at.P_TREATMENT_NAME] + treatment], name)
    elif action == CLEAR_FLAG:
        close_segment(p, q, s, z, k, -1)
        s[at.S_FLAGS] &= ~(1 << p[a + at.A_FLAG])
        write(p, s, z, w, y, CLEAR, p[p[at.P_FLAG_NAME] + p[a + at.A_FLAG]], name)
    else:
        close_segment(p, q, s, z, k, -1)
        set_flag(p, s, z, w, y, p[a + at.A_FLAG], name)


@inner_kernel
def visit(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, k: Floats) -> None:
    """A planned visit: what is due is measured, then decisions are tried in file order."""
    index = hold_visit(p, q, s, z, w, y)
    if index < 0 or s[at.S_AWAITS]:
        return
    number = -1
    place = 0
    while True:
        place = first_due(p, s, number + 1, place)
        if place == s[at.S_OPEN]:
            return
        number = s[at.I_OPEN + place]
        place += 1
        a = p[at.P_DECISION] + number * at.A_SIZE
        if waits(p, s, a) or (p[a + at.A_CONFIRM] and z[at.Z_CONFIRM] < INFINITY) or changes_nothing(p, s, a):
            continue
        if judge(p, q, s, z, p[a + at.A_RULE]) != MET:
            continue
        clause = s[at.S_CLAUSE]
        if p[a + at.A_CONFIRM]:
            write_measured(p, s, z, w, y, DECIDE, p[a + at.A_NAME], clause, 0.0)
            z[at.Z_CONFIRM] = z[at.Z_TIME] + q[p[a + at.A_FLOATS]]
            s[at.S_CONFIRM_DECISION] = number
            s[at.S_CONFIRM_INDEX] = index
        else:
            decide(p, q, s, z, w, y, k, a, clause)


@inner_kernel
def confirm(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, k: Floats) -> None:
    """The confirmatory visit of a decision."""
    index = s[at.S_CONFIRM_INDEX]
    a = p[at.P_DECISION] + s[at.S_CONFIRM_DECISION] * at.A_SIZE
    forget_confirmation(s, z)
    if not p[a + at.A_CONFIRM] or not p[a + at.A_SOURCES] >> s[at.S_STATE] & 1:
        return
    name = p[a + at.A_NAME]
    write(p, s, z, w, y, VISIT_KIND, name, p[at.N_CONFIRMATORY])
    s[at.S_SEEN] = 0
    measures, findings = p[a + at.A_MEASURES], p[a + at.A_FINDINGS]
    examine(p, q, s, z, w, y, measures, p[a + at.A_MEASURE_COUNT], findings, p[a + at.A_FINDING_COUNT], p[a + at.A_STREAMS], index % OCCURRENCE_STRIDE, -1, name)
    compute_indices(p, q, s, z, w, y, name)
    if is_due(p, s, a) and not waits(p, s, a) and judge(p, q, s, z, p[a + at.A_CONFIRM_RULE]) == MET:
        decide(p, q, s, z, w, y, k, a, s[at.S_CLAUSE])
