"""The record of a life in flat arrays, and rows of the log: half of the compiled twin of :mod:`pathway.engines.record`.

Arguments as in :mod:`pathway.engines.compiled_body`; ``w`` and ``y`` hold the rows of the log (whole numbers, floats). This module must not see a marker's true path.
"""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pathway import kernels
from pathway.engines import compiled_layout as at
from pathway.engines.compiled_indices import index_highest, index_latest, index_lowest_on_line
from pathway.jit import inner_kernel
from pathway.rules import FIELD_NUMBERS

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

INFINITY, NAN = math.inf, math.nan
YES_NO, BANDED, CONTINUOUS = 0, 1, 2
LATEST, FALL, RELATIVE_FALL, RISE = (FIELD_NUMBERS[name] for name in ("latest", "fall", "relative_fall", "rise"))
FALL_FROM_LINE_START, RISE_FROM_LINE_START = FIELD_NUMBERS["fall_from_line_start"], FIELD_NUMBERS["rise_from_line_start"]
FINDING, COVARIATE, AGE, DISEASE_DURATION = (FIELD_NUMBERS[name] for name in ("finding", "covariate", "age", "disease_duration"))
YEARS_IN_STUDY, LINE, YEARS_ON_LINE = (FIELD_NUMBERS[name] for name in ("years_in_study", "line", "years_on_line"))
ON, YEARS_ON, EVER, COMPLETED, FAILED = (FIELD_NUMBERS[name] for name in ("on", "years_on", "ever", "completed", "failed"))
INTOLERANT, CONTRAINDICATED, ON_HOLD, REDUCED = (FIELD_NUMBERS[name] for name in ("intolerant", "contraindicated", "on_hold", "reduced"))
YEARS_SINCE_STOP, FAILED_COUNT, TRIED_COUNT = (FIELD_NUMBERS[name] for name in ("years_since_stop", "failed_count", "tried_count"))
FLAG, CONDITION, FALL_ON_LINE = (FIELD_NUMBERS[name] for name in ("flag", "condition", "fall_on_line"))
RELATIVE_FALL_FROM_LINE_START, INDEX, INDEX_HIGHEST = (FIELD_NUMBERS[name] for name in ("relative_fall_from_line_start", "index", "index_highest"))
COURSE_YEARS, YEARS_SINCE_START = FIELD_NUMBERS["course_years"], FIELD_NUMBERS["years_since_start"]
CONSTANT, UNSEEN, ASKED = (FIELD_NUMBERS[name] for name in ("constant", "unseen", "asked"))
INDEX_LOWEST_ON_LINE = FIELD_NUMBERS["index_lowest_on_line"]
INDEX_FALL, INDEX_RELATIVE_FALL = FIELD_NUMBERS["index_fall_from_line_start"], FIELD_NUMBERS["index_relative_fall_from_line_start"]


# --- the log ----------------------------------------------------------------------------------------------------------


@inner_kernel
def write_row(
    p: Ints, s: Ints, z: Floats, w: Ints, y: Floats, kind: int, name: int, detail: int, true: float, measured: float, native: float, occurrence: int
) -> None:
    """Add a row to the log, if its kind is kept; ``occurrence`` below 0 is counted."""
    s[at.S_TOLD] += 1
    if not s[at.S_KEEPS] >> kind & 1:
        return
    row = s[at.S_ROWS]
    s[at.S_ROWS] = row + 1
    if occurrence < 0:
        place = at.I_COUNTS + kind * p[at.H_NAMES] + name
        occurrence = s[place]
        s[place] = occurrence + 1
    if row >= s[at.S_ROW_ROOM]:
        s[at.S_FAULT] = at.FAULT_ROWS
        return
    place = row * at.W_SIZE
    w[place + at.W_PATIENT] = s[at.S_PATIENT]
    w[place + at.W_KIND] = kind
    w[place + at.W_NAME] = name
    w[place + at.W_DETAIL] = detail
    w[place + at.W_OCCURRENCE] = occurrence
    w[place + at.W_STATE] = s[at.S_STATE]
    w[place + at.W_REGIMEN] = s[at.S_REGIMEN]
    w[place + at.W_LINE] = s[at.S_LINE]
    place = row * at.Y_SIZE
    y[place + at.Y_TIME] = z[at.Z_TIME]
    y[place + at.Y_TRUE] = true
    y[place + at.Y_MEASURED] = measured
    y[place + at.Y_NATIVE] = native


@inner_kernel
def write(p: Ints, s: Ints, z: Floats, w: Ints, y: Floats, kind: int, name: int, detail: int) -> None:
    """Add a row without values."""
    write_row(p, s, z, w, y, kind, name, detail, NAN, NAN, NAN, -1)


@inner_kernel
def write_measured(p: Ints, s: Ints, z: Floats, w: Ints, y: Floats, kind: int, name: int, detail: int, measured: float) -> None:
    """Add a row with a recorded value."""
    write_row(p, s, z, w, y, kind, name, detail, NAN, measured, NAN, -1)


# --- what is written down --------------------------------------------------------------------------------------------------


@inner_kernel
def note_measurement(p: Ints, s: Ints, z: Floats, marker: int, time: float, value: float) -> None:
    """Write a measured value down."""
    count = s[at.I_MEASURED + marker]
    place = marker * at.RING + (count & at.RING_MASK)
    z[at.F_RING_TIME + place] = time
    z[at.F_RING_VALUE + place] = value
    s[at.I_MEASURED + marker] = count + 1
    base = at.F_LINE_BASELINE + marker
    if z[base] != z[base]:
        z[base] = value


@inner_kernel
def begin_line(p: Ints, s: Ints, z: Floats, line: int, time: float) -> None:
    """A line begins: what was measured last becomes its baseline."""
    s[at.S_LINE] = line
    z[at.Z_LINE_START] = time
    for marker in range(p[at.H_MARKERS]):
        count = s[at.I_MEASURED + marker]
        z[at.F_LINE_BASELINE + marker] = z[at.F_RING_VALUE + marker * at.RING + (count - 1 & at.RING_MASK)] if count > 0 else NAN
    for number in range(p[at.H_INDICES]):
        count = s[at.I_INDEX_COUNT + number]
        z[at.F_INDEX_BASELINE + number] = z[at.F_INDEX_VALUE + number * at.RING + (count - 1 & at.RING_MASK)] if count > 0 else NAN


# --- fields --------------------------------------------------------------------------------------------------------------------


@inner_kernel
def latest(p: Ints, s: Ints, z: Floats, of: int, since: float) -> float:
    """Last measured value, if not older than ``since``."""
    count = s[at.I_MEASURED + of]
    if count == 0:
        return NAN
    place = of * at.RING + (count - 1 & at.RING_MASK)
    return z[at.F_RING_VALUE + place] if z[at.F_RING_TIME + place] >= since else NAN


@inner_kernel
def extreme(p: Ints, s: Ints, z: Floats, of: int, since: float, sign: float) -> float:
    """Highest (sign 1) or lowest (sign -1) value since then, needing two values there."""
    count = s[at.I_MEASURED + of]
    times = at.F_RING_TIME + of * at.RING
    values = at.F_RING_VALUE + of * at.RING
    if count < 2 or z[times + (count - 1 & at.RING_MASK)] < since or z[times + (count - 2 & at.RING_MASK)] < since:
        return NAN
    best = z[values + (count - 1 & at.RING_MASK)]
    for back in range(min(count, at.KEPT)):
        place = count - 1 - back & at.RING_MASK
        if z[times + place] < since:
            break
        if sign * (z[values + place] - best) > 0.0:
            best = z[values + place]
    return best


@inner_kernel
def last_value(p: Ints, s: Ints, z: Floats, of: int) -> float:
    """Last measured value, whenever; NaN if there is none."""
    count = s[at.I_MEASURED + of]
    return z[at.F_RING_VALUE + of * at.RING + (count - 1 & at.RING_MASK)] if count > 0 else NAN


@inner_kernel
def fall_on_line(p: Ints, s: Ints, z: Floats, of: int, since: float) -> float:
    """Highest value since the line began (its baseline included) and inside the window, less the latest one."""
    count = s[at.I_MEASURED + of]
    times = at.F_RING_TIME + of * at.RING
    values = at.F_RING_VALUE + of * at.RING
    line_start = z[at.Z_LINE_START]
    if count == 0 or z[times + (count - 1 & at.RING_MASK)] < since or z[times + (count - 1 & at.RING_MASK)] <= line_start:
        return NAN
    base = z[at.F_LINE_BASELINE + of]
    best = base if line_start >= since and base == base else -INFINITY
    for back in range(min(count, at.KEPT)):
        place = count - 1 - back & at.RING_MASK
        when = z[times + place]
        if when < since or when <= line_start:
            break
        best = max(best, z[values + place])
    return best - z[values + (count - 1 & at.RING_MASK)]


@inner_kernel
def share_lost(before: float, now: float) -> float:
    """Fall as a share of the value before; infinite where that is 0."""
    if before != before or now != now:
        return NAN
    return (before - now) / before if before > 0.0 else INFINITY


@inner_kernel
def bits_set(x: int) -> int:
    """Number of bits set."""
    found = 0
    while x:
        x &= x - 1
        found += 1
    return found


@inner_kernel
def marker_field(p: Ints, s: Ints, z: Floats, field: int, of: int, since: float) -> float:
    """Fields of one marker."""
    if field == LATEST:
        return latest(p, s, z, of, since)
    if field == FALL:
        return extreme(p, s, z, of, since, 1.0) - last_value(p, s, z, of)
    if field == FALL_ON_LINE:
        return fall_on_line(p, s, z, of, since)
    if field == RELATIVE_FALL:
        highest = extreme(p, s, z, of, since, 1.0)
        return (highest - last_value(p, s, z, of)) / highest if highest == highest and highest > 0.0 else NAN
    if field == RISE:
        return last_value(p, s, z, of) - extreme(p, s, z, of, since, -1.0)
    base = z[at.F_LINE_BASELINE + of]
    now = latest(p, s, z, of, since)
    if field == FALL_FROM_LINE_START:
        return base - now
    if field == RISE_FROM_LINE_START:
        return now - base
    return share_lost(base, now)


@inner_kernel
def treatment_field(p: Ints, s: Ints, z: Floats, field: int, of: int, time: float) -> float:
    """Fields of one treatment."""
    if field == ON:
        return float(s[at.S_REGIMEN] >> of & 1)
    if field == YEARS_ON:
        return time - z[at.F_START + of] if s[at.S_REGIMEN] >> of & 1 else 0.0
    if field == EVER:
        return float(s[at.S_EVER] >> of & 1)
    if field == COMPLETED:
        return float(s[at.S_COMPLETED] >> of & 1)
    if field == FAILED:
        return float(s[at.S_FAILED] >> of & 1)
    if field == INTOLERANT:
        return float(s[at.S_INTOLERANT] >> of & 1)
    if field == CONTRAINDICATED:
        return float(s[at.S_CONTRAINDICATED] >> of & 1)
    if field == ON_HOLD:
        return float(s[at.S_HELD] >> of & 1)
    if field == REDUCED:
        return float(s[at.S_REDUCED] >> of & 1)
    start = z[at.F_START + of]
    stop = z[at.F_STOP + of]
    if field == COURSE_YEARS:
        if not s[at.S_EVER] >> of & 1:
            return 0.0
        return (time if s[at.S_REGIMEN] >> of & 1 else stop) - start
    if field == YEARS_SINCE_START:
        return time - start if start < INFINITY else NAN
    return time - stop if s[at.S_EVER] >> of & 1 and not s[at.S_REGIMEN] >> of & 1 and stop < INFINITY else NAN


@inner_kernel
def found(p: Ints, q: Floats, s: Ints, z: Floats, finding: int) -> float:
    """What the latest look for a finding gave; drawn when somebody first asks, since a keyed draw may wait."""
    if not s[at.I_FINDING_OPEN + finding]:
        return z[at.F_FINDING_VALUE + finding]
    d = p[at.P_FINDING] + finding * at.D_SIZE
    numbers = p[d + at.D_FLOATS]
    seed, sample, patient = s[at.S_SEED], s[at.S_SAMPLE], s[at.S_PATIENT]
    stream, index = s[at.I_FINDING_STREAM + finding], s[at.I_FINDING_INDEX + finding]
    kind = p[d + at.D_KIND]
    value = z[at.F_FINDING_VALUE + finding]
    if kind == CONTINUOUS:
        spread = q[numbers + at.DF_ERROR]
        if spread > 0.0:
            value = value + spread * kernels.normal(seed, sample, patient, stream, index)
        if p[d + at.D_LOG]:
            value = kernels.exp(value)
    elif kind == YES_NO:
        odds = kernels.exp(value)
        value = 1.0 if kernels.uniform(seed, sample, patient, stream, index) < odds / (1.0 + odds) else 0.0
    else:
        chance = kernels.uniform(seed, sample, patient, stream, index)
        upto = 0.0
        value = 0.0
        for band in range(p[d + at.D_BAND_COUNT]):
            upto = upto + q[p[d + at.D_BANDS] + band]
            if chance < upto:
                value = float(band + 1)
                break
    z[at.F_FINDING_VALUE + finding] = value
    s[at.I_FINDING_OPEN + finding] = 0
    return value


@inner_kernel
def field_value(p: Ints, q: Floats, s: Ints, z: Floats, field: int, of: int, window: float, time: float) -> float:
    """Value of a field of the record: NaN when not documented, infinite when it has no meaning."""
    since = time - window
    if field == FINDING:
        when = z[at.F_FINDING_TIME + of]
        return found(p, q, s, z, of) if when == when and when >= since else NAN
    if field == COVARIATE:
        return z[at.F_COVARIATE + of]
    if field <= RISE_FROM_LINE_START or field == FALL_ON_LINE or field == RELATIVE_FALL_FROM_LINE_START:
        return marker_field(p, s, z, field, of, since)
    if field == INDEX:
        return index_latest(p, s, z, of, since)
    if field == INDEX_HIGHEST:
        return index_highest(p, s, z, of, since, window)
    if field == INDEX_LOWEST_ON_LINE:
        return index_lowest_on_line(p, s, z, of, since)
    if field == INDEX_FALL:
        return z[at.F_INDEX_BASELINE + of] - index_latest(p, s, z, of, since)
    if field == INDEX_RELATIVE_FALL:
        return share_lost(z[at.F_INDEX_BASELINE + of], index_latest(p, s, z, of, since))
    if field == AGE:
        return z[at.Z_AGE] + time if p[at.H_AGE] >= 0 else NAN
    if field == DISEASE_DURATION:
        return z[at.Z_ONSET] + time
    if field == YEARS_IN_STUDY:
        return time
    if field == LINE:
        return float(s[at.S_LINE])
    if field == YEARS_ON_LINE:
        return time - z[at.Z_LINE_START]
    if field == FAILED_COUNT:
        return float(bits_set(s[at.S_FAILED]))
    if field == TRIED_COUNT:
        return float(bits_set(s[at.S_EVER]))
    if field == FLAG:
        return float(s[at.S_FLAGS] >> of & 1)
    if field == CONSTANT:
        return 1.0
    if field == UNSEEN:
        return NAN
    if field == ASKED:
        return float(s[at.S_ASKED] >> of & 1)
    if field == CONDITION:
        return 1.0 if s[at.S_CONDITION] >= 0 else 0.0
    return treatment_field(p, s, z, field, of, time)
