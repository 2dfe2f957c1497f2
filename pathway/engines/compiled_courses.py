"""Moves, courses, holds and choices of a life in flat arrays: the middle of the compiled twin of :mod:`pathway.engines.reference`.

Arguments as in :mod:`pathway.engines.compiled_record`; ``k`` holds the knots of the path. Every function does what its namesake there does.
"""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pathway import kernels
from pathway.engines import compiled_layout as at
from pathway.engines.compiled_body import advance, cut, end_response, to_give_back
from pathway.engines.compiled_clinic import restart, stop_schedules
from pathway.engines.compiled_clocks import along
from pathway.engines.compiled_hazards import renew_course
from pathway.engines.compiled_packing import COMPLETED, CONTRAINDICATED, FAILED, GOOD_RESPONSE, INTOLERANT
from pathway.engines.compiled_record import begin_line, write, write_row
from pathway.engines.compiled_requests import ask, forget, withdraw_start
from pathway.engines.compiled_rules import MET, judge
from pathway.eventlog import Kind
from pathway.jit import inner_kernel
from pathway.program import PRESENT_REGIMEN, ClockKind

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

INFINITY = math.inf
NAN = math.nan
MOVE, START, STOP, HOLD, RESUME = int(Kind.MOVE), int(Kind.START), int(Kind.STOP), int(Kind.HOLD), int(Kind.RESUME)
LINE_KIND = int(Kind.LINE)
LINE, COURSE = int(ClockKind.LINE), int(ClockKind.COURSE)


@inner_kernel
def note_knot(p: Ints, s: Ints, z: Floats, k: Floats) -> None:
    """Add a row to the path unless it repeats the last one of this patient."""
    if not s[at.S_KEEPS_PATH]:
        return
    row = s[at.S_KNOTS]
    markers = p[at.H_MARKERS]
    if row >= s[at.S_KNOT_ROOM]:
        s[at.S_FAULT] = at.FAULT_KNOTS
        return
    width = 2 + 2 * markers
    place = row * width
    k[place] = s[at.S_PATIENT]
    k[place + 1] = z[at.Z_TIME]
    is_new = row == 0 or k[place - width] != k[place] or k[place - width + 1] != k[place + 1]
    for marker in range(markers):
        native = z[at.F_NATIVE + marker]
        shown = z[at.F_SHOWN + marker]
        k[place + 2 + 2 * marker] = native
        k[place + 3 + 2 * marker] = shown
        is_new = is_new or k[place - width + 2 + 2 * marker] != native or k[place - width + 3 + 2 * marker] != shown
    if is_new:
        s[at.S_KNOTS] = row + 1


@inner_kernel
def close_segment(p: Ints, q: Floats, s: Ints, z: Floats, k: Floats, fired: int) -> None:
    """Before any register changes: close the segment here, once per event."""
    s[at.S_CHANGED] = 1
    if not s[at.S_TOUCHED]:
        s[at.S_TOUCHED] = 1
        advance(p, q, s, z, z[at.Z_TIME], fired)
        note_knot(p, s, z, k)


@inner_kernel
def settle(p: Ints, q: Floats, s: Ints, z: Floats, k: Floats) -> None:
    """After an event that changed something: a new segment."""
    if s[at.S_TOUCHED]:
        s[at.S_TOUCHED] = 0
        note_knot(p, s, z, k)
        cut(p, q, s, z, z[at.Z_TIME])


@inner_kernel
def move(p: Ints, s: Ints, z: Floats, w: Ints, y: Floats, to: int, why: int, detail: int) -> None:
    """Change the state; a change of line only from where the machine allows it."""
    if why == p[at.N_LINE] and not p[p[at.P_LINE_SOURCES] + to] >> s[at.S_STATE] & 1:
        s[at.S_FAULT] = at.FAULT_MOVE
        return
    s[at.S_STATE] = to
    write(p, s, z, w, y, MOVE, why, detail)


@inner_kernel
def to_line_state(p: Ints, s: Ints, z: Floats, w: Ints, y: Floats) -> None:
    """Move to the state of the present line."""
    state = p[p[at.P_LINE_STATE] + min(s[at.S_LINE], p[at.H_LINE_STATES] - 1)]
    if state != s[at.S_STATE]:
        move(p, s, z, w, y, state, p[at.N_LINE], -1)


# --- courses -------------------------------------------------------------------------------------------------------------


@inner_kernel
def stream_of_response(p: Ints, treatment: int) -> int:
    """Stream of the draw of a treatment's response; -1: it has none."""
    for number in range(p[at.H_RESPONSES]):
        row = p[at.P_RESPONSE] + number * at.Q_SIZE
        if p[row + at.Q_TREATMENT] == treatment:
            return p[row + at.Q_STREAM]
    return -1


@inner_kernel
def stay_lost(z: Floats, markers: int, treatment: int, after: int) -> None:
    """A response that was lost before the exchange stays lost after it, and goes on being given back."""
    z[at.F_IMPROVEMENT + treatment] = 0.0
    for marker in range(markers):
        z[at.F_AMOUNT + treatment * markers + marker] = 0.0
        z[at.F_GAINED + treatment * markers + marker] = z[at.F_GAINED + after * markers + marker]
        z[at.F_GAINED + after * markers + marker] = 0.0
    z[at.F_OVER_SINCE + treatment] = z[at.F_OVER_SINCE + after]


@inner_kernel
def begin_response(p: Ints, q: Floats, s: Ints, z: Floats, treatment: int, after: int) -> None:
    """Draw how well a treatment works as its course begins; the record is still as it was before. ``after`` was exchanged for it (-1: none)."""
    time = z[at.Z_TIME]
    markers = p[at.H_MARKERS]
    seed, sample, patient = s[at.S_SEED], s[at.S_SAMPLE], s[at.S_PATIENT]
    for number in range(p[at.H_RESPONSES]):
        row = p[at.P_RESPONSE] + number * at.Q_SIZE
        if p[row + at.Q_TREATMENT] != treatment:
            continue
        is_same = after >= 0 and stream_of_response(p, after) == p[row + at.Q_STREAM]
        if is_same and z[at.F_OVER_SINCE + after] < time:
            stay_lost(z, markers, treatment, after)
            return
        numbers = p[row + at.Q_FLOATS]
        level = q[numbers]
        factor = 1.0
        place = p[row + at.Q_SHIFTS]
        for one in range(p[row + at.Q_SHIFT_COUNT]):
            if judge(p, q, s, z, p[place + 2 * one]) == MET:
                level = level + q[p[place + 2 * one + 1]]
        place = p[row + at.Q_FACTORS]
        for one in range(p[row + at.Q_FACTOR_COUNT]):
            if judge(p, q, s, z, p[place + 2 * one]) == MET:
                factor = factor * q[p[place + 2 * one + 1]]
        draw = kernels.uniform(seed, sample, patient, p[row + at.Q_STREAM], 0)
        improved = along(q, p[row + at.Q_CURVE], p[row + at.Q_CURVE_COUNT], kernels.improvement(level, q[numbers + 1], factor, draw))
        z[at.F_IMPROVEMENT + treatment] = improved
        for one in range(p[row + at.Q_SHARE_COUNT]):
            share = p[row + at.Q_SHARES] + one * at.QS_SIZE
            marker = p[share + at.QS_MARKER]
            values = p[share + at.QS_FLOATS]
            held = 0.0
            if is_same:
                held = z[at.F_GAINED + after * markers + marker]
                z[at.F_GAINED + after * markers + marker] = 0.0
            amount = improved
            if q[values + 1] > 0.0:
                amount = amount + q[values + 1] * kernels.normal(seed, sample, patient, p[share + at.QS_STREAM], 0)
            amount = q[values + 2] + q[values] * amount
            if p[share + at.QS_RELATIVE]:
                value = z[at.F_SHOWN + marker] + to_give_back(p, q, s, z, marker, time) + held
                lowest = max(q[p[p[at.P_MARKER] + marker * at.M_SIZE + at.M_FLOATS] + at.MF_LOWER], 0.0)
                amount = min(amount * value, value - lowest)
            z[at.F_AMOUNT + treatment * markers + marker] = amount - held
            z[at.F_CARRIED + treatment * markers + marker] = held
        z[at.F_OVER_SINCE + treatment] = INFINITY


@inner_kernel
def set_holds(p: Ints, s: Ints, z: Floats, w: Ints, y: Floats, by_decision: int, by_condition: int, why: int) -> None:
    """Doses are held while anything asks for it; courses and approvals go on."""
    s[at.S_HOLD_DECISION] = by_decision & s[at.S_REGIMEN]
    s[at.S_HOLD_CONDITION] = by_condition
    held = (s[at.S_HOLD_DECISION] | by_condition) & s[at.S_REGIMEN]
    changed = held ^ s[at.S_HELD]
    for treatment in range(p[at.H_TREATMENTS]):
        if changed >> treatment & 1:
            write(p, s, z, w, y, HOLD if held >> treatment & 1 else RESUME, p[p[at.P_TREATMENT_NAME] + treatment], why)
    s[at.S_HELD] = held


@inner_kernel
def start(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, treatment: int, after: int) -> None:
    """A course begins, in place of ``after`` (-1: of none)."""
    begin_response(p, q, s, z, treatment, after)
    bit = 1 << treatment
    s[at.S_REGIMEN] |= bit
    s[at.S_EVER] |= bit
    z[at.F_START + treatment] = z[at.Z_TIME]
    z[at.F_STOP + treatment] = INFINITY
    occurrence = s[at.I_COURSE_COUNT + treatment]
    s[at.I_COURSE_COUNT + treatment] = occurrence + 1
    s[at.I_COURSE_LINE + treatment] = s[at.S_LINE]
    renew_course(p, s, z, treatment)
    restart(p, q, s, z, COURSE, treatment, z[at.Z_TIME], occurrence)
    write_row(p, s, z, w, y, START, p[p[at.P_TREATMENT_NAME] + treatment], -1, NAN, NAN, NAN, occurrence)
    if s[at.S_HOLD_CONDITION] >> treatment & 1:
        name = p[p[at.P_CONDITION] + s[at.S_CONDITION] * at.C_SIZE + at.C_NAME]
        set_holds(p, s, z, w, y, s[at.S_HOLD_DECISION], s[at.S_HOLD_CONDITION], name)


@inner_kernel
def stop(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, treatment: int, reason: int) -> None:
    """A course ends, for a reason."""
    if p[at.H_RESPONSES]:
        end_response(p, q, s, z, treatment, z[at.Z_TIME])
    bit = 1 << treatment
    s[at.S_REGIMEN] &= ~bit
    z[at.F_STOP + treatment] = z[at.Z_TIME]
    s[at.S_REDUCED] &= ~bit
    s[at.S_HOLD_DECISION] &= ~bit
    s[at.S_HELD] &= ~bit
    meaning = p[p[at.P_REASON] + reason]
    if meaning == FAILED:
        s[at.S_FAILED] |= bit
    elif meaning == INTOLERANT:
        s[at.S_INTOLERANT] |= bit
    elif meaning == CONTRAINDICATED:
        s[at.S_CONTRAINDICATED] |= bit
    elif meaning == COMPLETED:
        s[at.S_COMPLETED] |= bit
    s[at.S_JUST_STOPPED] |= bit
    stop_schedules(p, z, treatment)
    write_row(p, s, z, w, y, STOP, p[p[at.P_TREATMENT_NAME] + treatment], reason, NAN, NAN, NAN, s[at.I_COURSE_COUNT + treatment] - 1)
    forget(p, s, z, w, y, treatment)


@inner_kernel
def stop_all(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, treatments: int, reason: int) -> None:
    """Several courses end, for one reason."""
    for treatment in range(p[at.H_TREATMENTS]):
        if treatments >> treatment & 1:
            stop(p, q, s, z, w, y, treatment, reason)


# --- choosing --------------------------------------------------------------------------------------------------------------------


@inner_kernel
def barred(s: Ints) -> int:
    """Treatments that failed, were not tolerated or are contraindicated."""
    return s[at.S_FAILED] | s[at.S_INTOLERANT] | s[at.S_CONTRAINDICATED]


@inner_kernel
def end_line(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, regimen: int, reason: int) -> None:
    """Stop what ``regimen`` leaves out; what only bridged stops without blame."""
    stop_all(p, q, s, z, w, y, s[at.S_BRIDGED] & s[at.S_REGIMEN] & ~regimen, p[at.N_BRIDGE])
    stop_all(p, q, s, z, w, y, s[at.S_REGIMEN] & ~regimen, reason)
    s[at.S_BRIDGED] = 0


@inner_kernel
def forget_confirmation(s: Ints, z: Floats) -> None:
    """No confirmatory visit is pending."""
    z[at.Z_CONFIRM] = INFINITY
    s[at.S_CONFIRM_DECISION] = -1


@inner_kernel
def take_up(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, k: Floats, regimen: int, line: int, trigger: int, reason: int) -> None:
    """Change to ``regimen`` on ``line``: stops, the line, starts."""
    close_segment(p, q, s, z, k, -1)
    end_line(p, q, s, z, w, y, regimen, reason)
    if line != s[at.S_LINE]:
        begin_line(p, s, z, line, z[at.Z_TIME])
        forget_confirmation(s, z)
        restart(p, q, s, z, LINE, -1, z[at.Z_TIME], line)
    to_line_state(p, s, z, w, y)
    write(p, s, z, w, y, LINE_KIND, trigger, -1)
    newly = regimen & ~s[at.S_REGIMEN]
    for treatment in range(p[at.H_TREATMENTS]):
        if newly >> treatment & 1:
            start(p, q, s, z, w, y, treatment, -1)


@inner_kernel
def last_resort(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, k: Floats, trigger: int, reason: int) -> None:
    """No candidate is open: no treatment, the declared state."""
    close_segment(p, q, s, z, k, -1)
    end_line(p, q, s, z, w, y, 0, reason)
    begin_line(p, s, z, p[at.H_LINES] + 1, z[at.Z_TIME])
    forget_confirmation(s, z)
    if s[at.S_STATE] != p[at.H_LAST_RESORT]:
        move(p, s, z, w, y, p[at.H_LAST_RESORT], p[at.N_LINE], -1)
    write(p, s, z, w, y, LINE_KIND, trigger, p[at.N_NO_CANDIDATE])


@inner_kernel
def bridge(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, k: Floats) -> None:
    """While the patient waits: what is taken goes on, or stops, or named treatments are added."""
    bridging = p[p[at.P_ACCESS] + at.U_BRIDGE]
    r = at.S_REQUEST
    if bridging == PRESENT_REGIMEN or not s[r + at.B_STAGE] or z[at.Z_DUE] <= z[at.Z_TIME]:
        return
    close_segment(p, q, s, z, k, -1)
    if bridging == 0:
        stop_all(p, q, s, z, w, y, s[at.S_REGIMEN] & ~s[r + at.B_REGIMEN], s[r + at.B_REASON])
    newly = bridging & ~s[at.S_REGIMEN] & ~(barred(s) | s[at.S_JUST_STOPPED])
    for treatment in range(p[at.H_TREATMENTS]):
        if newly >> treatment & 1:
            start(p, q, s, z, w, y, treatment, -1)
            s[at.I_COURSE_LINE + treatment] = s[r + at.B_LINE]
            s[at.S_BRIDGED] |= 1 << treatment


@inner_kernel
def choose(
    p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, k: Floats, line: int, candidate: int, trigger: int, reason: int, beyond: bool
) -> None:
    """Ask for the first candidate that is open, from ``candidate`` of ``line`` on (rule 9)."""
    first = line
    lines = p[at.H_LINES]
    while line <= lines and (beyond or line == first):
        options = p[p[at.P_LINE] + 2 * (line - 1)]
        for number in range(candidate, p[p[at.P_LINE] + 2 * (line - 1) + 1]):
            regimen = p[options + at.O_SIZE * number + at.O_REGIMEN]
            newly = regimen & ~s[at.S_REGIMEN]
            if newly & (barred(s) | s[at.S_JUST_STOPPED]):
                continue
            if judge(p, q, s, z, p[options + at.O_SIZE * number + at.O_RULE]) != MET:
                continue
            if newly:
                ask(p, q, s, z, w, y, regimen, line, number, trigger, reason)
                bridge(p, q, s, z, w, y, k)
            else:
                take_up(p, q, s, z, w, y, k, regimen, line, trigger, reason)
            return
        line += 1
        candidate = 0
    if beyond:
        last_resort(p, q, s, z, w, y, k, trigger, reason)


@inner_kernel
def choose_after_stop(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, k: Floats, reason: int) -> None:
    """The rest of the line first; a completed course never ends the line by itself."""
    r = at.S_REQUEST
    if s[r + at.B_STAGE]:
        unasked = p[p[at.P_ACCESS] + at.U_TREATMENTS] & ~s[r + at.B_ASKED]
        if not s[r + at.B_REGIMEN] & ~s[at.S_REGIMEN] & (barred(s) | unasked):
            return
        withdraw_start(p, s, z, w, y, p[at.N_SUPERSEDED])
    meaning = p[p[at.P_REASON] + reason] if reason >= 0 else 0
    trigger = reason if reason >= 0 else p[at.N_CHOICE]
    choose(p, q, s, z, w, y, k, max(s[at.S_LINE], 1), 0, trigger, p[at.N_CHOICE], meaning != COMPLETED and meaning != GOOD_RESPONSE)


