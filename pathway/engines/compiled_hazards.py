"""Budgets and hazards of a life in flat arrays: half of the compiled twin of :mod:`pathway.engines.body`.

Arguments as in :mod:`pathway.engines.compiled_body`.
"""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pathway import kernels
from pathway.engines import compiled_layout as at
from pathway.engines.compiled_clocks import clock_start, phase_row
from pathway.jit import inner_kernel
from pathway.program import Form, Turn

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

INFINITY = math.inf
STEPS, WEIBULL, GOMPERTZ, TABLE = int(Form.STEPS), int(Form.WEIBULL), int(Form.GOMPERTZ), int(Form.TABLE)
ABSORBING, TIMED = int(Turn.ABSORBING), int(Turn.TIMED)


@inner_kernel
def renew(p: Ints, s: Ints, z: Floats, number: int, index: int) -> None:
    """Draw the budget of a transition."""
    s[at.I_DRAWS + number] = index
    stream = p[p[at.P_TRANSITION] + number * at.T_SIZE + at.T_STREAM]
    z[at.F_BUDGET + number] = kernels.exponential(s[at.S_SEED], s[at.S_SAMPLE], s[at.S_PATIENT], stream, index)


@inner_kernel
def renew_course(p: Ints, s: Ints, z: Floats, treatment: int) -> None:
    """Draw the budgets that belong to a new course."""
    for number in range(p[at.H_TRANSITIONS]):
        if s[at.I_TRANSITION_ON + number] and p[p[at.P_TRANSITION] + number * at.T_SIZE + at.T_TREATMENT] == treatment:
            renew(p, s, z, number, s[at.I_COURSE_COUNT + treatment] - 1)


@inner_kernel
def renew_fired(p: Ints, s: Ints, z: Floats, number: int) -> None:
    """Draw the next budget of a transition that has fired; one of a treatment waits for the next course."""
    if p[p[at.P_TRANSITION] + number * at.T_SIZE + at.T_TREATMENT] < 0:
        renew(p, s, z, number, s[at.I_DRAWS + number] + 1)
    else:
        z[at.F_BUDGET + number] = INFINITY


@inner_kernel
def turn_of(p: Ints, number: int) -> int:
    """Absorbing before other timed transitions."""
    return ABSORBING if p[p[at.P_TRANSITION] + number * at.T_SIZE + at.T_IS_DEATH] else TIMED


@inner_kernel
def consider(s: Ints, z: Floats, time: float, turn: int, number: int) -> None:
    """Keep the earliest firing of the segment; ties by turn, then by definition order."""
    best = z[at.Z_FIRE]
    if time < best or (time == best and (turn < s[at.S_FIRE_TURN] or (turn == s[at.S_FIRE_TURN] and number < s[at.S_FIRE]))):
        z[at.Z_FIRE] = time
        s[at.S_FIRE_TURN] = turn
        s[at.S_FIRE] = number


@inner_kernel
def invert_once(p: Ints, q: Floats, s: Ints, z: Floats, number: int) -> float:
    """Time of a transition that nothing changes."""
    t = p[at.P_TRANSITION] + number * at.T_SIZE
    factor = kernels.exp(z[at.F_CONSTANT + number])
    begin = -clock_start(p, s, z, p[t + at.T_CLOCK], p[t + at.T_CLOCK_TREATMENT])
    need = z[at.F_BUDGET + number]
    form = p[t + at.T_FORM]
    numbers = p[t + at.T_FLOATS]
    if form == TABLE:
        length = p[t + at.T_TABLE_LENGTH]
        first = p[t + at.T_TABLE] + length * s[at.S_FEMALE]
        return kernels.table_inverse(q, first, length, begin, need / factor) if factor > 0.0 else INFINITY
    if form == WEIBULL:
        return kernels.weibull_inverse(q[numbers + at.TF_SHAPE], q[numbers + at.TF_SCALE], begin, factor, need)
    if form == GOMPERTZ:
        slope = q[numbers + at.TF_SLOPE]
        return kernels.hazard_inverse(factor * q[numbers + at.TF_LEVEL] * kernels.exp(slope * begin), slope, need)
    time = 0.0
    place = p[t + at.T_PHASES]
    for row in range(p[t + at.T_PHASE_COUNT]):
        value = q[place + 2 * row]
        end = q[place + 2 * row + 1] - begin
        if end <= time:
            continue
        spent = factor * value * (end - time) if end < INFINITY else INFINITY
        if factor * value > 0.0 and spent >= need:
            return time + need / (factor * value)
        if end == INFINITY:
            break
        need -= spent
        time = end
    return INFINITY


@inner_kernel
def is_active(p: Ints, s: Ints, z: Floats, t: int) -> bool:
    """Is a transition running?"""
    flags = s[at.S_FLAGS]
    condition = s[at.S_CONDITION]
    if not p[t + at.T_SOURCES] >> s[at.S_STATE] & 1:
        return False
    treatment = p[t + at.T_TREATMENT]
    if treatment >= 0 and not s[at.S_REGIMEN] >> treatment & 1:
        return False
    if p[t + at.T_REQUIRES_FLAG] >= 0 and not flags >> p[t + at.T_REQUIRES_FLAG] & 1:
        return False
    if p[t + at.T_FORBIDS_FLAG] >= 0 and flags >> p[t + at.T_FORBIDS_FLAG] & 1:
        return False
    if p[t + at.T_REQUIRES_CONDITION] >= 0 and condition != p[t + at.T_REQUIRES_CONDITION]:
        return False
    if p[t + at.T_FORBIDS_CONDITION] and condition >= 0:
        return False
    if p[t + at.T_REQUIRES_REGIMEN] and s[at.S_REGIMEN] == 0:
        return False
    return clock_start(p, s, z, p[t + at.T_CLOCK], p[t + at.T_CLOCK_TREATMENT]) != INFINITY


@inner_kernel
def list_transitions(p: Ints, q: Floats, s: Ints, z: Floats, time: float) -> None:
    """List the transitions that run, with what multiplies their hazard besides markers; budgets that are reset are drawn anew.

    The plain ones, steps that no marker multiplies, have a list of their own: between two edges their hazard is one number.
    """
    regimen = s[at.S_REGIMEN]
    count = 0
    plain = 0
    for number in range(p[at.H_TRANSITIONS]):
        was = at.I_WAS_ACTIVE + number
        t = p[at.P_TRANSITION] + number * at.T_SIZE
        if s[at.I_TRANSITION_ON + number] == 0 or p[t + at.T_INVARIANT] or not is_active(p, s, z, t):
            s[was] = 0
            continue
        if p[t + at.T_FORM] == STEPS and p[t + at.T_MARKER_COUNT] == 0:
            s[at.I_PLAIN + plain] = number
            plain += 1
        else:
            s[at.I_ACTIVE + count] = number
            count += 1
        if p[t + at.T_RESET] and p[t + at.T_TREATMENT] < 0 and not s[was] and time > 0.0:
            renew(p, s, z, number, s[at.I_DRAWS + number] + 1)
        s[was] = 1
        exponent = z[at.F_CONSTANT + number]
        place = p[t + at.T_TREATMENTS]
        for row in range(p[t + at.T_TREATMENT_COUNT]):
            if regimen >> p[place + 2 * row] & 1:
                exponent = exponent + q[p[place + 2 * row + 1]]
        place = p[t + at.T_FLAGS]
        for row in range(p[t + at.T_FLAG_COUNT]):
            if s[at.S_FLAGS] >> p[place + 2 * row] & 1:
                exponent = exponent + q[p[place + 2 * row + 1]]
        place = p[t + at.T_CONDITIONS]
        for row in range(p[t + at.T_CONDITION_COUNT]):
            if s[at.S_CONDITION] == p[place + 2 * row]:
                exponent = exponent + q[p[place + 2 * row + 1]]
        place = p[t + at.T_RESPONSES]
        for row in range(p[t + at.T_RESPONSE_COUNT]):
            treatment = p[place + 2 * row]
            if regimen >> treatment & 1:
                at_floats = p[place + 2 * row + 1]
                exponent = exponent + q[at_floats] * (z[at.F_IMPROVEMENT + treatment] - q[at_floats + 1])
        z[at.F_EXPONENT + number] = exponent
        z[at.F_CLOCK_START + number] = clock_start(p, s, z, p[t + at.T_CLOCK], p[t + at.T_CLOCK_TREATMENT])
        z[at.F_PHASE_END + number] = -INFINITY
    s[at.S_ACTIVE] = count
    s[at.S_PLAIN] = plain
    z[at.Z_PLAIN_END] = -INFINITY


@inner_kernel
def phase_base(p: Ints, q: Floats, z: Floats, number: int, time: float) -> float:
    """Rate of the phase in force; notes when that phase ends."""
    t = p[at.P_TRANSITION] + number * at.T_SIZE
    start = z[at.F_CLOCK_START + number]
    row = p[t + at.T_PHASES] + 2 * phase_row(q, p[t + at.T_PHASES], p[t + at.T_PHASE_COUNT], start, time)
    z[at.F_PHASE_END + number] = start + q[row + 1]
    return q[row]


@inner_kernel
def plain_levels(p: Ints, q: Floats, s: Ints, z: Floats, time: float) -> None:
    """Hazards of the plain transitions, once a phase."""
    earliest = INFINITY
    for place in range(s[at.S_PLAIN]):
        number = s[at.I_PLAIN + place]
        if time >= z[at.F_PHASE_END + number]:
            base = phase_base(p, q, z, number, time)
            exponent = z[at.F_EXPONENT + number]
            if base > 0.0 and exponent != 0.0:
                base = base * kernels.exp(exponent)
            z[at.F_PLAIN_LEVEL + place] = base
        earliest = min(earliest, z[at.F_PHASE_END + number])
    z[at.Z_PLAIN_END] = earliest


@inner_kernel
def baselines(p: Ints, q: Floats, s: Ints, z: Floats, time: float) -> None:
    """Baselines at the start of the segment, before markers; notes the next edges as knots."""
    if time >= z[at.Z_PLAIN_END]:
        plain_levels(p, q, s, z, time)
    z[at.Z_EDGE] = min(z[at.Z_EDGE], z[at.Z_PLAIN_END])
    for place in range(s[at.S_ACTIVE]):
        number = s[at.I_ACTIVE + place]
        t = p[at.P_TRANSITION] + number * at.T_SIZE
        form = p[t + at.T_FORM]
        if form == STEPS:
            if time >= z[at.F_PHASE_END + number]:
                z[at.F_BASE + number] = phase_base(p, q, z, number, time)
            z[at.Z_EDGE] = min(z[at.Z_EDGE], z[at.F_PHASE_END + number])
        elif form == GOMPERTZ:
            numbers = p[t + at.T_FLOATS]
            start = z[at.F_CLOCK_START + number]
            z[at.F_BASE + number] = q[numbers + at.TF_LEVEL] * kernels.exp(q[numbers + at.TF_SLOPE] * (time - start))
        else:
            z[at.F_BASE + number] = 1.0


@inner_kernel
def arm_plain(p: Ints, s: Ints, z: Floats, years: float) -> None:
    """Find which plain transitions fire in this segment."""
    for place in range(s[at.S_PLAIN]):
        level = z[at.F_PLAIN_LEVEL + place]
        number = s[at.I_PLAIN + place]
        budget = z[at.F_BUDGET + number]
        if level > 0.0 and level * years >= budget:
            after = kernels.hazard_inverse(level, 0.0, budget)
            if after < INFINITY:
                consider(s, z, min(z[at.Z_START] + after, z[at.Z_EDGE]), turn_of(p, number), number)


@inner_kernel
def spend_plain(s: Ints, z: Floats, years: float, fired: int) -> None:
    """Spend the budgets of the plain transitions, not that of ``fired``."""
    for place in range(s[at.S_PLAIN]):
        level = z[at.F_PLAIN_LEVEL + place]
        number = s[at.I_PLAIN + place]
        if level > 0.0 and number != fired:
            left = z[at.F_BUDGET + number] - level * years
            z[at.F_BUDGET + number] = left if left > 0.0 else 0.0


@inner_kernel
def arm(p: Ints, q: Floats, s: Ints, z: Floats, number: int, years: float) -> None:
    """Find when a transition fires in this segment, if it does."""
    base = z[at.F_BASE + number]
    if base <= 0.0:
        return
    t = p[at.P_TRANSITION] + number * at.T_SIZE
    form = p[t + at.T_FORM]
    markers = p[t + at.T_MARKER_COUNT]
    level = base
    slope = 0.0
    if form == GOMPERTZ:
        slope = q[p[t + at.T_FLOATS] + at.TF_SLOPE]
    exponent = z[at.F_EXPONENT + number]
    place = p[t + at.T_MARKERS]
    for row in range(markers):
        marker = p[place + 2 * row]
        at_floats = p[place + 2 * row + 1]
        beta = q[at_floats]
        exponent = exponent + beta * (z[at.F_SHOWN + marker] - q[at_floats + 1])
        slope = slope + beta * z[at.F_SHOWN_SLOPE + marker]
    if exponent != 0.0:
        level = base * kernels.exp(exponent)
    budget = z[at.F_BUDGET + number]
    after = INFINITY
    if form == WEIBULL:
        numbers = p[t + at.T_FLOATS]
        slope = z[at.Z_START] - z[at.F_CLOCK_START + number]
        whole = kernels.weibull_integral(q[numbers + at.TF_SHAPE], q[numbers + at.TF_SCALE], slope, years, level)
        if whole >= budget:
            after = kernels.weibull_inverse(q[numbers + at.TF_SHAPE], q[numbers + at.TF_SCALE], slope, level, budget)
    else:
        whole = kernels.hazard_integral(level, slope, years)
        if whole >= budget:
            after = kernels.hazard_inverse(level, slope, budget)
    row = s[at.S_INTEGRALS]
    s[at.S_INTEGRALS] = row + 1
    s[at.I_INTEGRAL + row] = number
    z[at.F_LEVEL + row] = level
    z[at.F_SLOPE + row] = slope
    z[at.F_WHOLE + row] = whole
    if after < INFINITY:
        consider(s, z, min(z[at.Z_START] + after, z[at.Z_EDGE]), turn_of(p, number), number)
