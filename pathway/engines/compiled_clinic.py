"""Visits of a life in flat arrays: the compiled twin of :mod:`pathway.engines.clinic`.

Arguments as in :mod:`pathway.engines.compiled_record`.
"""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pathway import kernels
from pathway.engines import compiled_layout as at
from pathway.engines.clinic import MISSING_OFFSET, OCCURRENCE_STRIDE
from pathway.engines.compiled_body import change_over, shown_at, unit_at
from pathway.engines.compiled_indices import note_index
from pathway.engines.compiled_luck import drawn
from pathway.engines.compiled_record import BANDED, found, note_measurement, write_row
from pathway.eventlog import Kind
from pathway.jit import inner_kernel
from pathway.program import ClockKind

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

INFINITY = math.inf
NAN = math.nan
VISIT, MEASURE, FINDING = int(Kind.VISIT), int(Kind.MEASURE), int(Kind.FINDING)
LINE, COURSE = int(ClockKind.LINE), int(ClockKind.COURSE)


@inner_kernel
def plan_visit(p: Ints, z: Floats) -> None:
    """Note when the next planned visit is."""
    best = INFINITY
    for number in range(p[at.H_SCHEDULES]):
        best = min(best, z[at.F_DUE + number])
    z[at.Z_VISIT] = best


@inner_kernel
def restart_schedule(p: Ints, q: Floats, s: Ints, z: Floats, number: int, origin: float, occurrence: int) -> None:
    """A schedule starts again; visits before entry are passed over."""
    v = p[at.P_SCHEDULE] + number * at.V_SIZE
    offsets = p[v + at.V_OFFSETS]
    count = p[v + at.V_COUNT]
    index = 0
    while index < count and origin + q[offsets + index] < 0.0:
        index += 1
    s[at.I_SCHEDULE_INDEX + number] = index
    s[at.I_OCCURRENCE + number] = occurrence
    z[at.F_ORIGIN + number] = origin
    z[at.F_DUE + number] = origin + q[offsets + index] if index < count else INFINITY
    plan_visit(p, z)


@inner_kernel
def restart(p: Ints, q: Floats, s: Ints, z: Floats, kind: int, treatment: int, time: float, occurrence: int) -> None:
    """A clock began: schedules that count from it start again."""
    for number in range(p[at.H_SCHEDULES]):
        v = p[at.P_SCHEDULE] + number * at.V_SIZE
        if p[v + at.V_CLOCK] == kind and (kind == LINE or p[v + at.V_CLOCK_TREATMENT] == treatment):
            restart_schedule(p, q, s, z, number, time, occurrence)


@inner_kernel
def stop_schedules(p: Ints, z: Floats, treatment: int) -> None:
    """A course ended: its schedules end."""
    for number in range(p[at.H_SCHEDULES]):
        v = p[at.P_SCHEDULE] + number * at.V_SIZE
        if p[v + at.V_CLOCK] == COURSE and p[v + at.V_CLOCK_TREATMENT] == treatment:
            z[at.F_DUE + number] = INFINITY
    plan_visit(p, z)


@inner_kernel
def predictor(p: Ints, q: Floats, s: Ints, z: Floats, d: int, time: float) -> float:
    """Predictor of a finding."""
    level = q[p[d + at.D_FLOATS] + at.DF_LEVEL]
    covariate = p[d + at.D_LEVEL_COVARIATE]
    if covariate >= 0:
        known = z[at.F_COVARIATE + covariate]
        level = level + (kernels.log(known) if p[d + at.D_LOG] else known)
    for row in range(p[d + at.D_TERM_COUNT]):
        term = p[d + at.D_TERMS] + row * at.DT_SIZE
        numbers = p[term + at.DT_FLOATS]
        marker = p[term + at.DT_MARKER]
        treatment = p[term + at.DT_TREATMENT]
        if marker >= 0:
            if p[term + at.DT_ENTRY]:
                x = shown_at(p, z, marker, time) - z[at.F_ENTRY_SHOWN + marker]
            elif q[numbers + at.DTF_WINDOW] > 0.0:
                x = change_over(p, q, s, z, marker, time, q[numbers + at.DTF_WINDOW])
            else:
                x = shown_at(p, z, marker, time)
        elif treatment >= 0:
            x = float(s[at.S_REGIMEN] >> treatment & 1)
        else:
            x = z[at.F_COVARIATE + p[term + at.DT_COVARIATE]]
        level = level + q[numbers + at.DTF_SLOPE] * (x - q[numbers + at.DTF_REFERENCE])
    return level


@inner_kernel
def measure(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, time: float, marker: int, stream: int, index: int, slots: int, where: int) -> None:
    """Measure a marker: true value plus keyed error, rounded in native units, possibly missing."""
    row = p[at.P_MARKER] + marker * at.M_SIZE
    numbers = p[row + at.M_FLOATS]
    seed, sample, patient = s[at.S_SEED], s[at.S_SAMPLE], s[at.S_PATIENT]
    true = shown_at(p, z, marker, time)
    missing = q[numbers + at.MF_MISSING]
    if missing > 0.0 and kernels.uniform(seed, sample, patient, stream, MISSING_OFFSET + index) < missing:
        write_row(p, s, z, w, y, MEASURE, p[row + at.M_NAME], where, true, NAN, NAN, -1)
        return
    unit = unit_at(p, q, s, z, marker, time)
    spread = q[numbers + at.MF_ERROR]
    error = 0.0
    if spread > 0.0:
        if slots >= 0:
            error = spread * drawn(s, z, slots + marker, p[row + at.M_ERROR_HEAVY], stream, index)
        elif p[row + at.M_ERROR_HEAVY]:
            error = spread * kernels.student4(seed, sample, patient, stream, index)
        else:
            error = spread * kernels.normal(seed, sample, patient, stream, index)
    native = z[at.F_NATIVE + marker] + z[at.F_NATIVE_SLOPE + marker] * (time - z[at.Z_START]) + error * unit
    step = q[numbers + at.MF_ROUND]
    if step > 0.0:
        native = kernels.round_half_up(native, step)
    lower = q[numbers + at.MF_LOWER]
    floor = min(step, lower * unit) if lower > -INFINITY else step
    native = min(max(native, floor), q[numbers + at.MF_UPPER] * unit)
    measured = native / unit
    note_measurement(p, s, z, marker, time, measured)
    write_row(p, s, z, w, y, MEASURE, p[row + at.M_NAME], where, true, measured, native, -1)


@inner_kernel
def find(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, time: float, finding: int, stream: int, index: int, where: int) -> None:
    """Look for a finding: its predictor is kept as it is now, the draw waits for somebody who asks."""
    d = p[at.P_FINDING] + finding * at.D_SIZE
    numbers = p[d + at.D_FLOATS]
    seed, sample, patient = s[at.S_SEED], s[at.S_SAMPLE], s[at.S_PATIENT]
    missing = q[numbers + at.DF_MISSING]
    if missing > 0.0 and kernels.uniform(seed, sample, patient, stream, MISSING_OFFSET + index) < missing:
        return
    z[at.F_FINDING_TIME + finding] = time
    z[at.F_FINDING_VALUE + finding] = 0.0 if p[d + at.D_KIND] == BANDED else predictor(p, q, s, z, d, time)
    s[at.I_FINDING_OPEN + finding] = 1
    s[at.I_FINDING_STREAM + finding] = stream
    s[at.I_FINDING_INDEX + finding] = index
    if s[at.S_KEEPS] >> FINDING & 1:
        write_row(p, s, z, w, y, FINDING, p[d + at.D_NAME], where, NAN, found(p, q, s, z, finding), NAN, -1)
    else:
        s[at.S_TOLD] += 1


@inner_kernel
def examine(
    p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, measures: int, measure_count: int, findings: int, finding_count: int, streams: int, index: int, slots: int,
    where: int,
) -> None:  # fmt: skip
    """Measure markers and look for findings; ``S_SEEN`` holds what this visit already has. Errors stand from ``slots`` on (-1: are drawn one by one)."""
    time = z[at.Z_TIME]
    markers = p[at.H_MARKERS]
    for row in range(measure_count):
        marker = p[measures + row]
        if not s[at.S_SEEN] >> marker & 1:
            s[at.S_SEEN] |= 1 << marker
            measure(p, q, s, z, w, y, time, marker, p[streams + marker], index, slots, where)
    for row in range(finding_count):
        finding = p[findings + row]
        while_on = p[p[at.P_FINDING] + finding * at.D_SIZE + at.D_WHILE_ON]
        if not s[at.S_SEEN] >> (markers + finding) & 1 and (while_on == 0 or while_on & s[at.S_REGIMEN]):
            s[at.S_SEEN] |= 1 << (markers + finding)
            find(p, q, s, z, w, y, time, finding, p[streams + markers + finding], index, where)


@inner_kernel
def compute_indices(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, where: int) -> None:
    """Indices of which this visit measured every marker."""
    time = z[at.Z_TIME]
    for number in range(p[at.H_INDICES]):
        x = p[at.P_INDEX] + number * at.X_SIZE
        terms = p[x + at.X_TERMS]
        count = p[x + at.X_TERM_COUNT]
        is_any = False
        for row in range(count):
            is_any = is_any or s[at.S_SEEN] >> p[terms + 3 * row] & 1 == 1
        if not is_any:
            continue
        value = q[p[x + at.X_FLOATS]]
        is_whole = True
        for row in range(count):
            marker = p[terms + 3 * row]
            kept = s[at.I_MEASURED + marker]
            place = marker * at.RING + (kept - 1 & at.RING_MASK)
            if kept == 0 or z[at.F_RING_TIME + place] != time:
                is_whole = False
                break
            value = value + q[p[terms + 3 * row + 2]] * kernels.transformed(p[terms + 3 * row + 1], z[at.F_RING_VALUE + place])
        if is_whole:
            note_index(p, s, z, number, time, value)
            write_row(p, s, z, w, y, FINDING, p[x + at.X_NAME], where, NAN, value, NAN, -1)


@inner_kernel
def hold_visit(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats) -> int:
    """Hold the visit that is due; its index in the first schedule that wants one, or -1."""
    time = z[at.Z_TIME]
    s[at.S_SEEN] = 0
    first = -1
    leader = -1
    regimen = s[at.S_REGIMEN]
    for number in range(p[at.H_SCHEDULES]):
        if z[at.F_DUE + number] != time:
            continue
        v = p[at.P_SCHEDULE] + number * at.V_SIZE
        if p[v + at.V_WHILE_ON] != 0 and not p[v + at.V_WHILE_ON] & regimen:
            continue
        index = s[at.I_SCHEDULE_INDEX + number]
        name = p[v + at.V_NAME]
        if leader < 0:
            first = index
            leader = name
        write_row(p, s, z, w, y, VISIT, name, -1 if name == leader else leader, NAN, NAN, NAN, index)
        key = index + OCCURRENCE_STRIDE * s[at.I_OCCURRENCE + number]
        slots = p[at.H_MARKERS] * (1 + number)
        examine(p, q, s, z, w, y, p[v + at.V_MEASURES], p[v + at.V_MEASURE_COUNT], p[v + at.V_FINDINGS], p[v + at.V_FINDING_COUNT], p[v + at.V_STREAMS], key, slots, name)
    compute_indices(p, q, s, z, w, y, leader)
    for number in range(p[at.H_SCHEDULES]):
        if z[at.F_DUE + number] == time:
            v = p[at.P_SCHEDULE] + number * at.V_SIZE
            index = s[at.I_SCHEDULE_INDEX + number] + 1
            s[at.I_SCHEDULE_INDEX + number] = index
            z[at.F_DUE + number] = z[at.F_ORIGIN + number] + q[p[v + at.V_OFFSETS] + index] if index < p[v + at.V_COUNT] else INFINITY
    plan_visit(p, z)
    return first
