"""True markers and budgets of a life in flat arrays: the compiled twin of :mod:`pathway.engines.body` and ``responses``.

Every function does what its namesake there does, with the same arithmetic in the same order, so that both engines tell the same history bit for bit. ``p`` and ``q``
are the program's whole numbers and floats, ``s`` and ``z`` the life's; places are named in :mod:`pathway.engines.compiled_layout`. This module must not know
what firing means.
"""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pathway import kernels
from pathway.engines import compiled_layout as at
from pathway.engines.compiled_clocks import clock_start, has_covariates, phase_row, reached
from pathway.engines.compiled_hazards import WEIBULL, arm, arm_plain, baselines, list_transitions, spend_plain
from pathway.engines.compiled_luck import drawn
from pathway.jit import inner_kernel
from pathway.program import ClockKind, EffectKind

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

INFINITY = math.inf
DRIFT, DIFFERENCE, GAIN, RATIO = int(EffectKind.DRIFT), int(EffectKind.DIFFERENCE), int(EffectKind.GAIN), int(EffectKind.RATIO)
RESPONSE, REBOUND = int(EffectKind.RESPONSE), int(EffectKind.REBOUND)
COURSE_END = int(ClockKind.COURSE_END)


# --- markers ---------------------------------------------------------------------------------------------------------


@inner_kernel
def unit_at(p: Ints, q: Floats, s: Ints, z: Floats, marker: int, time: float) -> float:
    """Native units in one shown unit at ``time``."""
    row = p[at.P_MARKER] + marker * at.M_SIZE
    table = p[row + at.M_REFERENCE]
    if table < 0:
        return 1.0
    length = p[row + at.M_LENGTH]
    first = table + length * s[at.S_FEMALE]
    numbers = p[row + at.M_FLOATS]
    value = kernels.table_value(q, first, length, q[numbers + at.MF_FIRST_AGE], q[numbers + at.MF_STEP], z[at.Z_AGE] + time)
    return z[at.F_FACTOR + marker] * value / 100.0


@inner_kernel
def walk(p: Ints, q: Floats, s: Ints, z: Floats, marker: int, previous: float, index: int) -> float:
    """Innovation of a marker at a grid point."""
    row = p[at.P_MARKER] + marker * at.M_SIZE
    numbers = p[row + at.M_FLOATS]
    spread = q[numbers + at.MF_WALK]
    if spread == 0.0:
        return 0.0
    return q[numbers + at.MF_KEEP] * previous + spread * drawn(s, z, marker, p[row + at.M_WALK_HEAVY], p[row + at.M_WALK_STREAM], index)


@inner_kernel
def shown_at(p: Ints, z: Floats, marker: int, time: float) -> float:
    """True value in shown units at a time of the present segment."""
    return z[at.F_SHOWN + marker] + z[at.F_SHOWN_SLOPE + marker] * (time - z[at.Z_START])


@inner_kernel
def change_over(p: Ints, q: Floats, s: Ints, z: Floats, marker: int, time: float, window: float) -> float:
    """True change over about ``window`` years."""
    index = max(int((time - window) / q[at.G_GRID]), 0)
    index = min(index, s[at.S_GRID])
    return shown_at(p, z, marker, time) - z[at.F_GRID + index * p[at.H_MARKERS] + marker]


@inner_kernel
def jump(p: Ints, q: Floats, z: Floats, marker: int, change: float) -> None:
    """Move a marker by ``change`` shown units, within its bounds."""
    numbers = p[p[at.P_MARKER] + marker * at.M_SIZE + at.M_FLOATS]
    value = min(max(z[at.F_SHOWN + marker] + change, q[numbers + at.MF_LOWER]), q[numbers + at.MF_UPPER])
    z[at.F_SHOWN + marker] = value
    z[at.F_NATIVE + marker] = value * z[at.F_UNIT + marker]


@inner_kernel
def project(p: Ints, q: Floats, s: Ints, z: Floats, end: float) -> float:
    """Set the straight lines of all markers from the segment's start to ``end`` (rule 6); tell when one first meets a bound that clips it there."""
    years = end - z[at.Z_START]
    markers = p[at.H_MARKERS]
    if years <= 0.0:
        for marker in range(markers):
            z[at.F_NATIVE_SLOPE + marker] = 0.0
            z[at.F_SHOWN_SLOPE + marker] = 0.0
        return INFINITY
    met = INFINITY
    share = years / q[at.G_GRID]
    for marker in range(markers):
        row = p[at.P_MARKER] + marker * at.M_SIZE
        numbers = p[row + at.M_FLOATS]
        unit_end = 1.0
        begin = z[at.F_NATIVE + marker]
        aged = begin
        has_unit = p[row + at.M_REFERENCE] >= 0  # without one a native unit is a shown unit, and dividing by 1 changes nothing
        if has_unit:
            unit_end = unit_at(p, q, s, z, marker, end)
            aged = begin * unit_end / z[at.F_UNIT + marker]
        z[at.F_UNIT_END + marker] = unit_end
        rates = at.F_RATES + marker * at.RATE_SIZE
        scaled = years * unit_end
        drift = z[rates + at.RATE_NATIVE_DRIFT] * years + z[rates + at.RATE_DRIFT] * scaled
        if z[rates + at.RATE_HAS_NATIVE_DRIFT] != 0.0:
            drift = drift - (aged - begin)
        displaced = drift + (z[rates + at.RATE_NATIVE_DIFFERENCE] * years + z[rates + at.RATE_DIFFERENCE] * scaled)
        if p[row + at.M_CEILING]:
            displaced = min(displaced, max(drift, 0.0))
        if displaced < 0.0:
            displaced = displaced * z[rates + at.RATE_RATIO]
        gain = z[rates + at.RATE_NATIVE_GAIN] * years + z[rates + at.RATE_GAIN] * scaled
        moved = z[at.F_PERSONAL + marker] * years + (z[at.F_AFTER + marker] - z[at.F_BEFORE + marker]) * share
        native_end = aged + displaced + gain + moved * unit_end
        shown_end = native_end / unit_end if has_unit else native_end
        lower = q[numbers + at.MF_LOWER]
        upper = q[numbers + at.MF_UPPER]
        if shown_end < lower or shown_end > upper:
            bound = lower if shown_end < lower else upper
            met = min(met, z[at.Z_START] + kernels.bound_met(z[at.F_SHOWN + marker], shown_end, bound, years))
            shown_end = bound
            native_end = shown_end * unit_end
        z[at.F_NATIVE_SLOPE + marker] = (native_end - begin) / years
        z[at.F_SHOWN_SLOPE + marker] = (shown_end - z[at.F_SHOWN + marker]) / years
    return met


@inner_kernel
def list_known(p: Ints, q: Floats, s: Ints, z: Floats) -> None:
    """List the effect rows of this patient whose treatments were ever on: no other can be in force. Made anew only after another treatment has started."""
    ever = s[at.S_EVER]
    if s[at.S_KNOWN_EVER] == ever:
        return
    s[at.S_KNOWN_EVER] = ever
    count = 0
    for effect in range(p[at.H_EFFECTS]):
        e = p[at.P_EFFECT] + effect * at.E_SIZE
        if not p[e + at.E_TOUCHES] & ~ever and has_covariates(p, q, z, p[e + at.E_WHERE], p[e + at.E_WHERE_COUNT]):
            s[at.I_KNOWN + count] = effect
            count += 1
    s[at.S_KNOWN] = count


@inner_kernel
def list_effects(p: Ints, q: Floats, s: Ints, z: Floats) -> None:
    """List the effect rows in force, those of the first marker first; their phases are looked up at the next cut."""
    regimen = s[at.S_REGIMEN]
    markers = p[at.H_MARKERS]
    count = 0
    for marker in range(markers):
        s[at.I_FORCE_COUNT + marker] = 0
    list_known(p, q, s, z)
    for known in range(s[at.S_KNOWN]):
        effect = s[at.I_KNOWN + known]
        e = p[at.P_EFFECT] + effect * at.E_SIZE
        needs = p[e + at.E_NEEDS]
        clock = p[e + at.E_CLOCK]
        treatment = p[e + at.E_CLOCK_TREATMENT]
        if clock == COURSE_END:
            needs &= ~(1 << treatment)
        if needs & ~regimen or p[e + at.E_WITHOUT] & regimen:
            continue
        lines = p[e + at.E_LINES]
        if lines and not lines >> s[at.I_COURSE_LINE + p[e + at.E_FIRST]] & 1:
            continue
        dose = p[e + at.E_DOSE]
        if dose >= 0 and s[at.S_REDUCED] >> p[e + at.E_FIRST] & 1 != dose:
            continue
        kind = p[e + at.E_KIND]
        start = z[at.F_OVER_SINCE + treatment] if kind == REBOUND else clock_start(p, s, z, clock, treatment)
        if start == INFINITY:
            continue
        amount = 1.0
        if kind == RESPONSE:
            amount = -z[at.F_AMOUNT + treatment * markers + p[e + at.E_MARKER]]
        elif kind == REBOUND:
            amount = z[at.F_GAINED + treatment * markers + p[e + at.E_MARKER]]
        if amount == 0.0:
            continue
        z[at.F_EFFECT_AMOUNT + count] = amount
        z[at.F_EFFECT_START + count] = start
        z[at.F_EFFECT_END + count] = -INFINITY
        s[at.I_IN_FORCE + count] = effect
        s[at.I_FORCE_KIND + count] = kind
        s[at.I_FORCE_NATIVE + count] = p[e + at.E_NATIVE]
        s[at.I_FORCE_COUNT + p[e + at.E_MARKER]] += 1
        count += 1
    s[at.S_IN_FORCE] = count
    z[at.Z_FORCE_END] = -INFINITY


@inner_kernel
def sum_rates(p: Ints, s: Ints, z: Floats) -> None:
    """What the effects in force do to each marker in a year."""
    place = 0
    for marker in range(p[at.H_MARKERS]):
        rates = at.F_RATES + marker * at.RATE_SIZE
        for kind in range(at.RATE_SIZE):
            z[rates + kind] = 0.0
        z[rates + at.RATE_RATIO] = 1.0
        for _ in range(s[at.I_FORCE_COUNT + marker]):
            value = z[at.F_EFFECT + place]
            is_native = s[at.I_FORCE_NATIVE + place]
            kind = s[at.I_FORCE_KIND + place]
            place += 1
            if kind == RATIO:
                z[rates + at.RATE_RATIO] *= value
            elif kind == GAIN or kind == RESPONSE or kind == REBOUND:
                z[rates + (at.RATE_NATIVE_GAIN if is_native else at.RATE_GAIN)] += value
            elif kind == DIFFERENCE:
                z[rates + (at.RATE_NATIVE_DIFFERENCE if is_native else at.RATE_DIFFERENCE)] += value
            else:
                z[rates + (at.RATE_NATIVE_DRIFT if is_native else at.RATE_DRIFT)] += value
                if is_native:
                    z[rates + at.RATE_HAS_NATIVE_DRIFT] = 1.0


@inner_kernel
def rates_in_force(p: Ints, q: Floats, s: Ints, z: Floats, time: float) -> None:
    """Keep the value of the phase of each effect row in force, and their sums; notes the next edge as a knot."""
    if time >= z[at.Z_FORCE_END]:
        earliest = INFINITY
        for place in range(s[at.S_IN_FORCE]):
            if time >= z[at.F_EFFECT_END + place]:
                e = p[at.P_EFFECT] + s[at.I_IN_FORCE + place] * at.E_SIZE
                start = z[at.F_EFFECT_START + place]
                row = p[e + at.E_PHASES] + 2 * phase_row(q, p[e + at.E_PHASES], p[e + at.E_PHASE_COUNT], start, time)
                value = q[row]
                z[at.F_EFFECT + place] = z[at.F_EFFECT_AMOUNT + place] * value if p[e + at.E_KIND] >= RESPONSE else value
                z[at.F_EFFECT_END + place] = start + q[row + 1]
            earliest = min(earliest, z[at.F_EFFECT_END + place])
        z[at.Z_FORCE_END] = earliest
        sum_rates(p, s, z)
    z[at.Z_EDGE] = min(z[at.Z_EDGE], z[at.Z_FORCE_END])


# --- segments -----------------------------------------------------------------------------------------------------------


@inner_kernel
def pass_knot(p: Ints, q: Floats, s: Ints, z: Floats, time: float) -> None:
    """Pass a knot: at a grid point the next innovation is drawn."""
    if not p[at.H_IS_GRIDDED] or time != (s[at.S_GRID] + 1) * q[at.G_GRID]:
        return
    index = s[at.S_GRID] + 1
    s[at.S_GRID] = index
    markers = p[at.H_MARKERS]
    for marker in range(markers):
        after = z[at.F_AFTER + marker]
        z[at.F_BEFORE + marker] = after
        z[at.F_AFTER + marker] = walk(p, q, s, z, marker, after, index)
        z[at.F_GRID + index * markers + marker] = shown_at(p, z, marker, time)


@inner_kernel
def advance(p: Ints, q: Floats, s: Ints, z: Floats, time: float, fired: int) -> None:
    """Close the segment at ``time``: spend budgets (not that of ``fired``) and move the markers there."""
    years = time - z[at.Z_START]
    is_edge = time == z[at.Z_EDGE]
    spend_plain(s, z, years, fired)
    for row in range(s[at.S_INTEGRALS]):
        number = s[at.I_INTEGRAL + row]
        if number == fired:
            continue
        t = p[at.P_TRANSITION] + number * at.T_SIZE
        level = z[at.F_LEVEL + row]
        slope = z[at.F_SLOPE + row]
        if p[t + at.T_FORM] == WEIBULL:
            numbers = p[t + at.T_FLOATS]
            spent = kernels.weibull_integral(q[numbers + at.TF_SHAPE], q[numbers + at.TF_SCALE], slope, years, level)
        elif is_edge:
            spent = z[at.F_WHOLE + row]
        else:
            spent = kernels.hazard_integral(level, slope, years)
        left = z[at.F_BUDGET + number] - spent
        z[at.F_BUDGET + number] = left if left > 0.0 else 0.0
    for marker in range(p[at.H_MARKERS]):
        native = z[at.F_NATIVE + marker] + z[at.F_NATIVE_SLOPE + marker] * years
        unit = z[at.F_UNIT_END + marker] if is_edge and years > 0.0 else unit_at(p, q, s, z, marker, time)
        z[at.F_NATIVE + marker] = native
        z[at.F_UNIT + marker] = unit
        z[at.F_SHOWN + marker] = native / unit
    z[at.Z_START] = time
    s[at.S_INTEGRALS] = 0


@inner_kernel
def cut(p: Ints, q: Floats, s: Ints, z: Floats, time: float) -> None:
    """Start a segment at a knot: straight lines and firing times up to the next knot.

    What depends on registers alone is listed anew only after they may have changed.
    """
    z[at.Z_START] = time
    z[at.Z_EDGE] = q[at.G_HORIZON]
    if p[at.H_IS_GRIDDED]:
        z[at.Z_EDGE] = min((s[at.S_GRID] + 1) * q[at.G_GRID], z[at.Z_EDGE])
    if s[at.S_CHANGED]:
        s[at.S_CHANGED] = 0
        list_effects(p, q, s, z)
        list_transitions(p, q, s, z, time)
    rates_in_force(p, q, s, z, time)
    baselines(p, q, s, z, time)
    met = project(p, q, s, z, z[at.Z_EDGE])
    if time < met < z[at.Z_EDGE] and not p[at.H_IS_GRIDDED]:
        z[at.Z_EDGE] = met
        project(p, q, s, z, met)
    years = z[at.Z_EDGE] - time
    z[at.Z_FIRE] = z[at.Z_FIXED]
    s[at.S_FIRE_TURN] = s[at.S_FIXED_TURN]
    s[at.S_FIRE] = s[at.S_FIXED]
    s[at.S_INTEGRALS] = 0
    arm_plain(p, s, z, years)
    for place in range(s[at.S_ACTIVE]):
        arm(p, q, s, z, s[at.I_ACTIVE + place], years)


# --- responses ------------------------------------------------------------------------------------------------------------


@inner_kernel
def has_response(p: Ints, treatment: int) -> bool:
    """Is a response declared for a treatment?"""
    for number in range(p[at.H_RESPONSES]):
        if p[p[at.P_RESPONSE] + number * at.Q_SIZE + at.Q_TREATMENT] == treatment:
            return True
    return False


@inner_kernel
def to_give_back(p: Ints, q: Floats, s: Ints, z: Floats, marker: int, time: float) -> float:
    """What responses that are over have yet to give back of a marker."""
    total = 0.0
    markers = p[at.H_MARKERS]
    list_known(p, q, s, z)
    for known in range(s[at.S_KNOWN]):
        e = p[at.P_EFFECT] + s[at.I_KNOWN + known] * at.E_SIZE
        treatment = p[e + at.E_CLOCK_TREATMENT]
        if p[e + at.E_KIND] != REBOUND or p[e + at.E_MARKER] != marker or z[at.F_OVER_SINCE + treatment] == INFINITY:
            continue
        gained = z[at.F_GAINED + treatment * markers + marker]
        if gained != 0.0:
            years = time - z[at.F_OVER_SINCE + treatment]
            place = p[e + at.E_PHASES]
            count = p[e + at.E_PHASE_COUNT]
            total = total + gained * (reached(q, place, count, INFINITY) - reached(q, place, count, years))
    return total


@inner_kernel
def end_response(p: Ints, q: Floats, s: Ints, z: Floats, treatment: int, time: float) -> None:
    """Note what a course reached as its response is over; one that is over already, or never was, stays so."""
    if z[at.F_OVER_SINCE + treatment] < INFINITY or not has_response(p, treatment):
        return
    years = time - z[at.F_START + treatment]
    markers = p[at.H_MARKERS]
    list_known(p, q, s, z)
    for known in range(s[at.S_KNOWN]):
        e = p[at.P_EFFECT] + s[at.I_KNOWN + known] * at.E_SIZE
        if p[e + at.E_KIND] == RESPONSE and p[e + at.E_CLOCK_TREATMENT] == treatment:
            place = treatment * markers + p[e + at.E_MARKER]
            z[at.F_GAINED + place] = z[at.F_CARRIED + place] + z[at.F_AMOUNT + place] * reached(q, p[e + at.E_PHASES], p[e + at.E_PHASE_COUNT], years)
    z[at.F_OVER_SINCE + treatment] = time


@inner_kernel
def lose_response(p: Ints, q: Floats, s: Ints, z: Floats, treatment: int, time: float) -> None:
    """The response of a course that goes on is over."""
    end_response(p, q, s, z, treatment, time)
    z[at.F_IMPROVEMENT + treatment] = 0.0
    markers = p[at.H_MARKERS]
    for marker in range(markers):
        z[at.F_AMOUNT + treatment * markers + marker] = 0.0
