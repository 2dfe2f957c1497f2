"""One life in flat arrays, from entry to its end: the compiled twin of :mod:`pathway.engines.reference`.

Arguments as in :mod:`pathway.engines.compiled_courses`. Every function does what its namesake there does.
"""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pathway import kernels
from pathway.engines import compiled_layout as at
from pathway.engines.compiled_body import cut, jump, lose_response, pass_knot
from pathway.engines.compiled_courses import (
    bridge,
    choose,
    choose_after_stop,
    close_segment,
    forget_confirmation,
    move,
    note_knot,
    set_holds,
    settle,
    stop,
    stop_all,
)
from pathway.engines.compiled_decisions import confirm, set_flag, visit
from pathway.engines.compiled_desk import expire, step
from pathway.engines.compiled_entry import clear, enter
from pathway.engines.compiled_hazards import renew_fired
from pathway.engines.compiled_record import write, write_row
from pathway.engines.compiled_requests import next_expiry, next_request, withdraw
from pathway.eventlog import Kind
from pathway.jit import inner_kernel, kernel, pointer
from pathway.program import EVENT_LIMIT, Turn

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

INFINITY = math.inf
NAN = math.nan
ENTER, CONDITION, RECOVER, JUMP, END, LOSE = (int(kind) for kind in (Kind.ENTER, Kind.CONDITION, Kind.RECOVER, Kind.JUMP, Kind.END, Kind.LOSE))
HORIZON, ABSORBING, TIMED, SCHEDULED, REQUEST = int(Turn.HORIZON), int(Turn.ABSORBING), int(Turn.TIMED), int(Turn.SCHEDULED), int(Turn.REQUEST)
EXPIRY, VISIT, CONFIRMATION, KNOT = int(Turn.EXPIRY), int(Turn.VISIT), int(Turn.CONFIRMATION), int(Turn.KNOT)
CHOOSES_NEXT_LINE, CHOOSES_SAME_LINE, CHOOSES_NOTHING = 0, 1, 2


# --- entry ------------------------------------------------------------------------------------------------------------


@inner_kernel
def choose_at_entry(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, k: Floats) -> None:
    """The first choice, after the visits at entry."""
    choice = s[at.S_ENTRY_CHOICE]
    if choice == CHOOSES_NOTHING or (p[at.H_LINES] == 0 and s[at.S_REGIMEN] == 0) or s[at.S_REQUEST + at.B_STAGE]:
        return
    line = max(s[at.S_LINE], 1) if choice == CHOOSES_SAME_LINE else s[at.S_LINE] + 1
    choose(p, q, s, z, w, y, k, line, 0, p[at.N_ENTRY], s[at.S_ENTRY_REASON], True)


# --- timed and scheduled transitions -------------------------------------------------------------------------------------


@inner_kernel
def fall_ill(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, condition: int, why: int) -> None:
    """An acute condition begins."""
    c = p[at.P_CONDITION] + condition * at.C_SIZE
    s[at.S_CONDITION] = condition
    count = s[at.I_CONDITION_DRAWS + condition]
    s[at.I_CONDITION_DRAWS + condition] = count + 1
    length = q[p[c + at.C_FLOATS]]
    if p[c + at.C_EXPONENTIAL]:
        length = length * kernels.exponential(s[at.S_SEED], s[at.S_SAMPLE], s[at.S_PATIENT], p[c + at.C_STREAM], count)
    z[at.Z_RECOVERY] = z[at.Z_TIME] + length
    write(p, s, z, w, y, CONDITION, p[c + at.C_NAME], why)
    set_holds(p, s, z, w, y, s[at.S_HOLD_DECISION], p[c + at.C_HOLDS], p[c + at.C_NAME])


@inner_kernel
def fire(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, k: Floats, number: int) -> None:
    """A timed transition happens."""
    t = p[at.P_TRANSITION] + number * at.T_SIZE
    name = p[t + at.T_NAME]
    close_segment(p, q, s, z, k, number)
    renew_fired(p, s, z, number)
    if p[t + at.T_CONDITION] >= 0:
        fall_ill(p, q, s, z, w, y, p[t + at.T_CONDITION], name)
    if p[t + at.T_FLAG] >= 0:
        set_flag(p, s, z, w, y, p[t + at.T_FLAG], name)
    place = p[t + at.T_JUMPS]
    for row in range(p[t + at.T_JUMP_COUNT]):
        marker = p[place + 2 * row]
        change = q[p[place + 2 * row + 1]]
        jump(p, q, z, marker, change)
        write_row(p, s, z, w, y, JUMP, p[p[at.P_MARKER] + marker * at.M_SIZE + at.M_NAME], name, change, NAN, NAN, -1)
    if p[t + at.T_LOSES]:
        lose_response(p, q, s, z, p[t + at.T_TREATMENT], z[at.Z_TIME])
        write(p, s, z, w, y, LOSE, p[p[at.P_TREATMENT_NAME] + p[t + at.T_TREATMENT]], name)
    is_death = p[t + at.T_IS_DEATH] != 0
    stopped = p[t + at.T_STOPS] & s[at.S_REGIMEN]
    reason = p[t + at.T_REASON]
    if not is_death:
        stop_all(p, q, s, z, w, y, stopped, reason if reason >= 0 else p[at.N_CHOICE])
    to = p[t + at.T_TO]
    if to >= 0:
        if is_death:
            withdraw(p, s, z, w, y, p[at.N_DEATH])
            stop_all(p, q, s, z, w, y, s[at.S_REGIMEN], p[at.N_DEATH])
        elif to != s[at.S_STATE]:
            withdraw(p, s, z, w, y, p[at.N_SUPERSEDED])
            forget_confirmation(s, z)
        move(p, s, z, w, y, to, name, p[t + at.T_CAUSE])
    elif stopped:
        choose_after_stop(p, q, s, z, w, y, k, reason)


@inner_kernel
def complete(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, k: Floats, number: int) -> None:
    """A course is complete, or a condition is over."""
    close_segment(p, q, s, z, k, -1)
    if number == p[at.H_SCHEDULED]:
        name = p[p[at.P_CONDITION] + s[at.S_CONDITION] * at.C_SIZE + at.C_NAME]
        s[at.S_CONDITION] = -1
        z[at.Z_RECOVERY] = INFINITY
        write(p, s, z, w, y, RECOVER, name, -1)
        set_holds(p, s, z, w, y, s[at.S_HOLD_DECISION], 0, name)
        return
    row = p[at.P_SCHEDULED] + number * at.L_SIZE
    stop(p, q, s, z, w, y, p[row + at.L_TREATMENT], p[row + at.L_REASON])
    choose_after_stop(p, q, s, z, w, y, k, p[row + at.L_REASON])


# --- the clock -----------------------------------------------------------------------------------------------------------------------


@inner_kernel
def earlier(time: float, turn: int, best: float, best_turn: int) -> bool:
    """Does one event come before another, by time and then by turn?"""
    return time < best or (time == best and turn < best_turn)


@inner_kernel
def next_event(p: Ints, q: Floats, s: Ints, z: Floats) -> tuple[float, int, int]:
    """The earliest event; ties by turn, then by definition order."""
    best = q[at.G_HORIZON]
    turn = HORIZON
    number = 0
    if earlier(z[at.Z_FIRE], s[at.S_FIRE_TURN], best, turn):
        best = z[at.Z_FIRE]
        turn = s[at.S_FIRE_TURN]
        number = s[at.S_FIRE]
    for row in range(p[at.H_SCHEDULED]):
        planned = p[at.P_SCHEDULED] + row * at.L_SIZE
        treatment = p[planned + at.L_TREATMENT]
        if s[at.S_REGIMEN] >> treatment & 1:
            covariate = p[planned + at.L_COVARIATE]
            after = q[p[planned + at.L_FLOATS]]
            if covariate >= 0 and z[at.F_COVARIATE + covariate] > 0.0:
                after = min(after, q[p[planned + at.L_FLOATS] + 1] / z[at.F_COVARIATE + covariate])
            time = max(z[at.F_START + treatment] + after, z[at.Z_TIME])
            if earlier(time, SCHEDULED, best, turn):
                best, turn, number = time, SCHEDULED, row
    if earlier(z[at.Z_RECOVERY], SCHEDULED, best, turn):
        best, turn, number = z[at.Z_RECOVERY], SCHEDULED, p[at.H_SCHEDULED]
    time = next_request(p, s, z)
    if earlier(time, REQUEST, best, turn):
        best, turn, number = time, REQUEST, 0
    time = next_expiry(p, q, s, z)
    if earlier(time, EXPIRY, best, turn):
        best, turn, number = time, EXPIRY, 0
    if p[p[at.P_STATE_VISITS] + s[at.S_STATE]]:
        if earlier(z[at.Z_VISIT], VISIT, best, turn):
            best, turn, number = z[at.Z_VISIT], VISIT, 0
        if earlier(z[at.Z_CONFIRM], CONFIRMATION, best, turn):
            best, turn, number = z[at.Z_CONFIRM], CONFIRMATION, 0
    if earlier(z[at.Z_EDGE], KNOT, best, turn):
        best, turn, number = z[at.Z_EDGE], KNOT, 0
    return best, turn, number


@inner_kernel
def happen(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, k: Floats, turn: int, number: int) -> None:
    """Let an event happen."""
    if turn == ABSORBING or turn == TIMED:
        fire(p, q, s, z, w, y, k, number)
    elif turn == SCHEDULED:
        complete(p, q, s, z, w, y, k, number)
    elif turn == REQUEST:
        step(p, q, s, z, w, y, k)
        bridge(p, q, s, z, w, y, k)
    elif turn == EXPIRY:
        expire(p, q, s, z, w, y, k)
    elif turn == VISIT:
        visit(p, q, s, z, w, y, k)
    elif turn == CONFIRMATION:
        confirm(p, q, s, z, w, y, k)
    else:
        pass_knot(p, q, s, z, z[at.Z_TIME])
        is_changed = s[at.S_CHANGED]
        close_segment(p, q, s, z, k, -1)
        s[at.S_CHANGED] = is_changed


@inner_kernel
def live(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, k: Floats) -> None:
    """From entry to an absorbing state or the horizon."""
    begin = s[at.S_TOLD]
    write(p, s, z, w, y, ENTER, p[p[at.P_STATE_NAME] + s[at.S_STATE]], -1)
    note_knot(p, s, z, k)
    cut(p, q, s, z, 0.0)
    while True:
        when, turn, number = next_event(p, q, s, z)
        if s[at.S_AWAITS] and (when > 0.0 or turn > VISIT):
            s[at.S_AWAITS] = 0
            choose_at_entry(p, q, s, z, w, y, k)
            settle(p, q, s, z, k)
            continue
        z[at.Z_TIME] = when
        if turn == HORIZON:
            s[at.S_TOUCHED] = 0
            close_segment(p, q, s, z, k, -1)
            write(p, s, z, w, y, END, p[p[at.P_STATE_NAME] + s[at.S_STATE]], -1)
            return
        s[at.S_JUST_STOPPED] = 0
        happen(p, q, s, z, w, y, k, turn, number)
        if p[at.H_ABSORBING] >> s[at.S_STATE] & 1:
            return
        settle(p, q, s, z, k)
        if s[at.S_TOLD] - begin > EVENT_LIMIT:
            s[at.S_FAULT] = at.FAULT_ENDLESS
        if s[at.S_FAULT]:
            return


@inner_kernel
def live_each(
    p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, k: Floats, covariates: Floats, patients: Ints, entry: Ints, years_on: Floats, first: int, last: int
) -> int:
    """Tell lives ``first`` to ``last`` (excluded); stop at the first that does not fit."""
    width = p[at.H_COVARIATES]
    for position in range(first, last):
        rows = s[at.S_ROWS]
        knots = s[at.S_KNOTS]
        s[at.S_PATIENT] = patients[position]
        clear(p, s, z)
        for column in range(width):
            z[at.F_COVARIATE + column] = covariates[position * width + column]
        enter(p, q, s, z, entry[3 * position], entry[3 * position + 1], entry[3 * position + 2], years_on[position])
        live(p, q, s, z, w, y, k)
        if s[at.S_FAULT]:
            s[at.S_ROWS] = rows
            s[at.S_KNOTS] = knots
            return position
    return last


@kernel
def live_all(
    p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, k: Floats, covariates: Floats, patients: Ints, entry: Ints, years_on: Floats, first: int, last: int
) -> int:
    """Tell lives ``first`` to ``last`` (excluded); stop at the first that does not fit.

    All arrays are flat and contiguous; ``entry`` has line, regimen and failed in turn. Returns the number of the first life not told whole.
    """
    return live_each(
        pointer(p), pointer(q), pointer(s), pointer(z), pointer(w), pointer(y), pointer(k), pointer(covariates), pointer(patients), pointer(entry), pointer(years_on),
        first, last,
    )  # fmt: skip
