"""Opening and closing requests of a life in flat arrays: half of the compiled twin of :mod:`pathway.engines.desk`.

Arguments as in :mod:`pathway.engines.compiled_record`; ``r`` is where a request begins among the life's whole numbers. This half must not choose treatments.
"""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pathway import kernels
from pathway.engines import compiled_layout as at
from pathway.engines.compiled_record import write, write_measured
from pathway.engines.desk import DOCUMENTS_PER_REQUEST, DRAWS_PER_REQUEST, SUPPLIES_PER_REQUEST
from pathway.eventlog import Kind
from pathway.jit import inner_kernel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

INFINITY = math.inf
ORDER, WITHDRAW = int(Kind.ORDER), int(Kind.WITHDRAW)
EXPONENTIAL = 1
FIXED = 0


@inner_kernel
def is_renewal(r: int) -> bool:
    """Renewals belong to one treatment."""
    return r == at.S_RENEWAL


@inner_kernel
def word(p: Ints, r: int) -> int:
    """What the log calls a request."""
    return p[at.N_RENEWAL] if is_renewal(r) else p[at.N_START]


@inner_kernel
def set_due(z: Floats, r: int, time: float) -> None:
    """When the next step of a request is taken."""
    z[at.Z_RENEWAL_DUE if is_renewal(r) else at.Z_DUE] = time


@inner_kernel
def close(s: Ints, z: Floats, r: int) -> None:
    """No request is open here any more."""
    s[r + at.B_STAGE] = 0
    set_due(z, r, INFINITY)


@inner_kernel
def delay(p: Ints, q: Floats, s: Ints, place: int, index: int) -> float:
    """A delay that stands at ``place``."""
    family = p[place]
    numbers = p[place + 2]
    mean = q[numbers]
    if mean == 0.0 or family == FIXED:
        return mean
    if family == EXPONENTIAL:
        return mean * kernels.exponential(s[at.S_SEED], s[at.S_SAMPLE], s[at.S_PATIENT], p[place + 1], index)
    spread = q[numbers + 1]
    normal = kernels.normal(s[at.S_SEED], s[at.S_SAMPLE], s[at.S_PATIENT], p[place + 1], index)
    return mean * kernels.exp(spread * normal - 0.5 * spread * spread)


@inner_kernel
def stage_delay(p: Ints, q: Floats, s: Ints, stage: int, number: int) -> float:
    """Delay of a stage from submission to appeal."""
    return delay(p, q, s, p[p[at.P_ACCESS] + at.U_DELAYS] + 3 * (stage - at.SUBMISSION), number)


@inner_kernel
def supply_time(p: Ints, q: Floats, s: Ints, regimen: int, number: int) -> float:
    """Until the slowest of the treatments that newly start is there."""
    newly = regimen & ~s[at.S_REGIMEN]
    place = p[p[at.P_ACCESS] + at.U_SUPPLIES]
    longest = 0.0
    for treatment in range(p[at.H_TREATMENTS]):
        if newly >> treatment & 1:
            longest = max(longest, delay(p, q, s, place + 3 * treatment, number * SUPPLIES_PER_REQUEST + treatment))
    return longest


@inner_kernel
def chance(p: Ints, s: Ints, r: int, what: int) -> float:
    """A request's own uniform draw."""
    stream = p[p[at.P_ACCESS] + at.U_STREAM]
    return kernels.uniform(s[at.S_SEED], s[at.S_SAMPLE], s[at.S_PATIENT], stream, s[r + at.B_NUMBER] * DRAWS_PER_REQUEST + what)


@inner_kernel
def has_document(p: Ints, s: Ints, r: int, document: int, part: int, probability: float) -> bool:
    """Is a kind of document in the copy?"""
    if probability >= 1.0:
        return True
    index = s[r + at.B_NUMBER] * DOCUMENTS_PER_REQUEST + part * (DOCUMENTS_PER_REQUEST // 2) + document
    return kernels.uniform(s[at.S_SEED], s[at.S_SAMPLE], s[at.S_PATIENT], p[p[at.P_ACCESS] + at.U_DOCUMENT_STREAM], index) < probability


@inner_kernel
def take_number(s: Ints) -> int:
    """Number of a new submission."""
    number = s[at.S_REQUESTS]
    s[at.S_REQUESTS] = number + 1
    return number


@inner_kernel
def open_request(s: Ints, r: int, stage: int, number: int, regimen: int, treatment: int, asked: int) -> None:
    """Fill in a new request."""
    s[r + at.B_STAGE] = stage
    s[r + at.B_NUMBER] = number
    s[r + at.B_REGIMEN] = regimen
    s[r + at.B_TREATMENT] = treatment
    s[r + at.B_ASKED] = asked
    s[r + at.B_DOCUMENTS] = 0
    s[r + at.B_TRUTH] = 2
    s[r + at.B_CLAUSE] = -1
    s[r + at.B_DENIAL] = 0
    s[r + at.B_RESUBMITTED] = 0


@inner_kernel
def ask(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, regimen: int, line: int, candidate: int, trigger: int, reason: int) -> None:
    """Open the start request."""
    access = p[at.P_ACCESS]
    number = take_number(s)
    asked = regimen & ~s[at.S_REGIMEN] & p[access + at.U_TREATMENTS]
    wait = stage_delay(p, q, s, at.SUBMISSION, number) if asked else supply_time(p, q, s, regimen, number)
    r = at.S_REQUEST
    open_request(s, r, at.SUBMISSION if asked else at.SUPPLY, number, regimen, -1, asked)
    s[r + at.B_LINE] = line
    s[r + at.B_CANDIDATE] = candidate
    s[r + at.B_TRIGGER] = trigger
    s[r + at.B_REASON] = reason
    z[at.Z_DUE] = z[at.Z_TIME] + wait
    if wait > 0.0 or (asked and p[access + at.U_MAY_WAIT]):
        write_measured(p, s, z, w, y, ORDER, trigger, -1, float(regimen))


@inner_kernel
def file_renewal(p: Ints, q: Floats, s: Ints, z: Floats) -> None:
    """File the renewal that is due; while it is open no other is filed."""
    treatment = 0
    for other in range(1, p[at.H_TREATMENTS]):
        if z[at.F_FILES_AT + other] < z[at.F_FILES_AT + treatment]:
            treatment = other
    z[at.F_FILES_AT + treatment] = INFINITY
    number = take_number(s)
    open_request(s, at.S_RENEWAL, at.SUBMISSION, number, 0, treatment, 1 << treatment)
    z[at.Z_RENEWAL_DUE] = z[at.Z_TIME] + stage_delay(p, q, s, at.SUBMISSION, number)


@inner_kernel
def next_request(p: Ints, s: Ints, z: Floats) -> float:
    """Time of the next step of any request, or of the next renewal to file."""
    if s[at.S_RENEWAL + at.B_STAGE]:
        return min(z[at.Z_DUE], z[at.Z_RENEWAL_DUE])
    if not s[at.S_HAS_APPROVALS]:
        return z[at.Z_DUE]
    files = INFINITY
    for treatment in range(p[at.H_TREATMENTS]):
        files = min(files, z[at.F_FILES_AT + treatment])
    return min(z[at.Z_DUE], max(files, z[at.Z_TIME]))


@inner_kernel
def ends_at(p: Ints, q: Floats, s: Ints, z: Floats, treatment: int) -> float:
    """When a course must stop for want of approval."""
    if s[at.S_RENEWAL + at.B_STAGE] and (s[at.S_RENEWAL + at.B_TREATMENT] == treatment or z[at.F_FILES_AT + treatment] < INFINITY):
        return INFINITY
    return max(z[at.F_EXPIRY + treatment] + q[p[p[at.P_ACCESS] + at.U_FLOATS] + at.UF_GRACE], z[at.Z_TIME])


@inner_kernel
def next_expiry(p: Ints, q: Floats, s: Ints, z: Floats) -> float:
    """Time of the next course to stop for want of approval."""
    best = INFINITY
    if not s[at.S_HAS_APPROVALS]:
        return best
    for treatment in range(p[at.H_TREATMENTS]):
        best = min(best, ends_at(p, q, s, z, treatment))
    return best


@inner_kernel
def withdraw_start(p: Ints, s: Ints, z: Floats, w: Ints, y: Floats, why: int) -> None:
    """Close the start request, with a row."""
    if s[at.S_REQUEST + at.B_STAGE]:
        write(p, s, z, w, y, WITHDRAW, p[at.N_START], why)
        close(s, z, at.S_REQUEST)


@inner_kernel
def withdraw(p: Ints, s: Ints, z: Floats, w: Ints, y: Floats, why: int) -> None:
    """Close what is open, with a row."""
    withdraw_start(p, s, z, w, y, why)
    if s[at.S_RENEWAL + at.B_STAGE]:
        write(p, s, z, w, y, WITHDRAW, p[at.N_RENEWAL], why)
        close(s, z, at.S_RENEWAL)


@inner_kernel
def forget(p: Ints, s: Ints, z: Floats, w: Ints, y: Floats, treatment: int) -> None:
    """A course stopped: its approval and renewal end with it."""
    z[at.F_EXPIRY + treatment] = INFINITY
    z[at.F_FILES_AT + treatment] = INFINITY
    if s[at.S_RENEWAL + at.B_STAGE] and s[at.S_RENEWAL + at.B_TREATMENT] == treatment:
        write(p, s, z, w, y, WITHDRAW, p[at.N_RENEWAL], p[at.N_SUPERSEDED])
        close(s, z, at.S_RENEWAL)
