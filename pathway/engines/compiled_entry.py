"""Registers, markers and budgets of somebody who has just come: the entry of the compiled twin of :mod:`pathway.engines.reference`.

Arguments as in :mod:`pathway.engines.compiled_record`.
"""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pathway import kernels
from pathway.engines import compiled_layout as at
from pathway.engines.compiled_body import unit_at, walk
from pathway.engines.compiled_clinic import restart, restart_schedule
from pathway.engines.compiled_clocks import has_covariates
from pathway.engines.compiled_courses import forget_confirmation
from pathway.engines.compiled_hazards import consider, invert_once, renew, renew_course, turn_of
from pathway.engines.compiled_luck import forget_draws
from pathway.engines.compiled_requests import close
from pathway.eventlog import Kind
from pathway.jit import inner_kernel
from pathway.program import ClockKind

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

INFINITY = math.inf
NAN = math.nan
KINDS = len(Kind)
COURSE, LINE, ENTRY = int(ClockKind.COURSE), int(ClockKind.LINE), int(ClockKind.ENTRY)


@inner_kernel
def clear(p: Ints, s: Ints, z: Floats) -> None:
    """Registers of somebody who has just come; the numbers of rows and knots and the fault stay."""
    for place in range(at.S_STATE, at.S_SIZE):
        if place not in (
            at.S_ROWS, at.S_TOLD, at.S_KNOTS, at.S_ROW_ROOM, at.S_KNOT_ROOM, at.S_KEEPS, at.S_KEEPS_PATH, at.S_FAULT, at.S_ENTRY_CHOICE, at.S_ENTRY_REASON
        ):  # fmt: skip
            s[place] = 0
    for treatment in range(p[at.H_TREATMENTS]):
        s[at.I_COURSE_COUNT + treatment] = 0
        s[at.I_COURSE_LINE + treatment] = 0
    for number in range(p[at.H_TRANSITIONS]):
        s[at.I_DRAWS + number] = 0
        s[at.I_WAS_ACTIVE + number] = 0
    for marker in range(p[at.H_MARKERS]):
        s[at.I_MEASURED + marker] = 0
    for condition in range(p[at.H_CONDITIONS]):
        s[at.I_CONDITION_DRAWS + condition] = 0
    for number in range(p[at.H_INDICES]):
        s[at.I_INDEX_COUNT + number] = 0
    if s[at.S_KEEPS]:
        for place in range(at.I_COUNTS, at.I_COUNTS + KINDS * p[at.H_NAMES]):
            s[place] = 0
    s[at.S_CONDITION] = -1
    s[at.S_OPEN_STATE] = -1
    for place in range(at.Z_SIZE):
        z[place] = 0.0
    z[at.Z_RECOVERY] = INFINITY
    z[at.Z_VISIT] = INFINITY
    z[at.Z_FIXED] = INFINITY
    forget_draws(p, s)
    forget_confirmation(s, z)
    close(s, z, at.S_REQUEST)
    close(s, z, at.S_RENEWAL)
    for treatment in range(p[at.H_TREATMENTS]):
        z[at.F_START + treatment] = INFINITY
        z[at.F_STOP + treatment] = INFINITY
        z[at.F_EXPIRY + treatment] = INFINITY
        z[at.F_FILES_AT + treatment] = INFINITY
        z[at.F_IMPROVEMENT + treatment] = 0.0
        z[at.F_OVER_SINCE + treatment] = INFINITY
        for marker in range(p[at.H_MARKERS]):
            z[at.F_AMOUNT + treatment * p[at.H_MARKERS] + marker] = 0.0
            z[at.F_GAINED + treatment * p[at.H_MARKERS] + marker] = 0.0
            z[at.F_CARRIED + treatment * p[at.H_MARKERS] + marker] = 0.0
    for number in range(p[at.H_TRANSITIONS]):
        z[at.F_BUDGET + number] = 0.0
    for marker in range(p[at.H_MARKERS]):
        z[at.F_LINE_BASELINE + marker] = NAN
    for number in range(p[at.H_INDICES]):
        z[at.F_INDEX_BASELINE + number] = NAN
    for number in range(p[at.H_FINDINGS]):
        z[at.F_FINDING_TIME + number] = NAN


@inner_kernel
def make_body(p: Ints, q: Floats, s: Ints, z: Floats) -> None:
    """True markers and budgets at entry."""
    markers = p[at.H_MARKERS]
    s[at.S_KNOWN_EVER] = -1
    for number in range(p[at.H_TRANSITIONS]):
        t = p[at.P_TRANSITION] + number * at.T_SIZE
        if not has_covariates(p, q, z, p[t + at.T_WHERE], p[t + at.T_WHERE_COUNT]):
            s[at.I_TRANSITION_ON + number] = 0
            continue
        s[at.I_TRANSITION_ON + number] = 1
        constant = 0.0
        place = p[t + at.T_COVARIATES]
        for row in range(p[t + at.T_COVARIATE_COUNT]):
            values = p[place + 2 * row + 1]
            constant = constant + q[values] * (z[at.F_COVARIATE + p[place + 2 * row]] - q[values + 1])
        z[at.F_CONSTANT + number] = constant
        if p[t + at.T_TREATMENT] < 0:
            renew(p, s, z, number, 0)
        if p[t + at.T_INVARIANT]:
            z[at.Z_FIRE] = z[at.Z_FIXED]
            s[at.S_FIRE_TURN] = s[at.S_FIXED_TURN]
            s[at.S_FIRE] = s[at.S_FIXED]
            consider(s, z, invert_once(p, q, s, z, number), turn_of(p, number), number)
            z[at.Z_FIXED] = z[at.Z_FIRE]
            s[at.S_FIXED_TURN] = s[at.S_FIRE_TURN]
            s[at.S_FIXED] = s[at.S_FIRE]
    for marker in range(markers):
        m = p[at.P_MARKER] + marker * at.M_SIZE
        numbers = p[m + at.M_FLOATS]
        factor = p[m + at.M_FACTOR]
        z[at.F_FACTOR + marker] = z[at.F_COVARIATE + factor] if factor >= 0 else 1.0
        value = z[at.F_COVARIATE + p[m + at.M_BASELINE]]
        unit = unit_at(p, q, s, z, marker, 0.0)
        z[at.F_SHOWN + marker] = value
        z[at.F_ENTRY_SHOWN + marker] = value
        z[at.F_GRID + marker] = value
        z[at.F_UNIT + marker] = unit
        z[at.F_NATIVE + marker] = value * unit
        spread = q[numbers + at.MF_PERSONAL]
        personal = 0.0
        if spread > 0.0:
            personal = spread * kernels.normal(s[at.S_SEED], s[at.S_SAMPLE], s[at.S_PATIENT], p[m + at.M_SLOPE_STREAM], 0)
        z[at.F_PERSONAL + marker] = personal
        z[at.F_BEFORE + marker] = 0.0
        z[at.F_AFTER + marker] = walk(p, q, s, z, marker, 0.0, 0)
        z[at.F_NATIVE_SLOPE + marker] = 0.0
        z[at.F_SHOWN_SLOPE + marker] = 0.0


@inner_kernel
def enter(p: Ints, q: Floats, s: Ints, z: Floats, line: int, regimen: int, failed: int, years_on: float) -> None:
    """Set the registers as the patient comes; the covariates stand already."""
    age = p[at.H_AGE]
    onset = p[at.H_ONSET]
    z[at.Z_AGE] = z[at.F_COVARIATE + age] if age >= 0 else 0.0
    z[at.Z_ONSET] = z[at.F_COVARIATE + onset] if onset >= 0 else NAN
    s[at.S_FEMALE] = int(z[at.F_COVARIATE + p[at.H_FEMALE]]) if p[at.H_FEMALE] >= 0 else 1
    s[at.S_REGIMEN] = regimen
    s[at.S_EVER] = regimen | failed
    s[at.S_FAILED] = failed
    s[at.S_LINE] = line
    z[at.Z_LINE_START] = -years_on
    for treatment in range(p[at.H_TREATMENTS]):
        if regimen >> treatment & 1:
            z[at.F_START + treatment] = z[at.Z_LINE_START]
    for flag in range(p[at.H_FLAGS]):
        covariate = p[p[at.P_FLAG_ENTRY] + flag]
        if covariate >= 0 and z[at.F_COVARIATE + covariate] == 1.0:
            s[at.S_FLAGS] |= 1 << flag
    s[at.S_STATE] = p[p[at.P_LINE_STATE] + min(line, p[at.H_LINE_STATES] - 1)]
    make_body(p, q, s, z)
    for number in range(p[at.H_SCHEDULES]):
        z[at.F_ORIGIN + number] = INFINITY
        z[at.F_DUE + number] = INFINITY
    for number in range(p[at.H_SCHEDULES]):
        if p[p[at.P_SCHEDULE] + number * at.V_SIZE + at.V_CLOCK] == ENTRY:
            restart_schedule(p, q, s, z, number, 0.0, 0)
    for treatment in range(p[at.H_TREATMENTS]):
        if regimen >> treatment & 1:
            s[at.I_COURSE_COUNT + treatment] = 1
            s[at.I_COURSE_LINE + treatment] = line
            renew_course(p, s, z, treatment)
            restart(p, q, s, z, COURSE, treatment, z[at.F_START + treatment], 0)
    if line > 0:
        restart(p, q, s, z, LINE, -1, z[at.Z_LINE_START], line)
    s[at.S_AWAITS] = 1
    s[at.S_CHANGED] = 1
