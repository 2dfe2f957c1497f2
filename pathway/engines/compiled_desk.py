"""The steps of requests of a life in flat arrays: the other half of the compiled twin of :mod:`pathway.engines.desk`.

Arguments as in :mod:`pathway.engines.compiled_courses`; ``r`` is where a request begins among the life's whole numbers.
"""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pathway.engines import compiled_layout as at
from pathway.engines.compiled_courses import choose, choose_after_stop, close_segment, stop, take_up
from pathway.engines.compiled_record import write, write_measured
from pathway.engines.compiled_requests import (
    chance,
    close,
    ends_at,
    file_renewal,
    has_document,
    is_renewal,
    set_due,
    stage_delay,
    supply_time,
    take_number,
    word,
)
from pathway.engines.compiled_rules import MET, NOT_APPLICABLE, NOT_MET, judge_request
from pathway.engines.desk import ABANDONED, APPEAL_WON, APPEALED, PEER_ASKED, PEER_WON, RESIDUAL, RESUBMITTED
from pathway.eventlog import Kind
from pathway.jit import inner_kernel
from pathway.program import Denial

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

INFINITY = math.inf
REQUEST, INFORM, APPROVE, DENY = int(Kind.REQUEST), int(Kind.INFORM), int(Kind.APPROVE), int(Kind.DENY)
APPEAL_KIND, UPHOLD, WITHDRAW, EXPIRE = int(Kind.APPEAL), int(Kind.UPHOLD), int(Kind.WITHDRAW), int(Kind.EXPIRE)
BY_RULE, BY_RESIDUAL, BY_DOCUMENTS = int(Denial.RULE), int(Denial.RESIDUAL), int(Denial.DOCUMENTS)


@inner_kernel
def wait(p: Ints, q: Floats, s: Ints, z: Floats, r: int, stage: int) -> None:
    """Await the end of a stage."""
    s[r + at.B_STAGE] = stage
    set_due(z, r, z[at.Z_TIME] + stage_delay(p, q, s, stage, s[r + at.B_NUMBER]))


@inner_kernel
def after_denial(p: Ints, q: Floats, s: Ints, r: int, what: int) -> float:
    """A probability of what follows the denial of this request."""
    return q[p[p[at.P_ACCESS] + at.U_DENIALS] + s[r + at.B_DENIAL] * at.UD_SIZE + what]


@inner_kernel
def process(p: Ints, q: Floats, what: int) -> float:
    """A number of the payer's process."""
    return q[p[p[at.P_ACCESS] + at.U_FLOATS] + what]


@inner_kernel
def answer(p: Ints, q: Floats, s: Ints, z: Floats, r: int) -> None:
    """Every treatment asked for must pass its rule; the first that alone fixes the answer names the clause."""
    rules = p[p[at.P_ACCESS] + (at.U_RENEWAL_RULES if is_renewal(r) else at.U_START_RULES)]
    asked = s[r + at.B_REGIMEN] if s[r + at.B_REGIMEN] else s[r + at.B_ASKED]
    lowest = NOT_APPLICABLE
    clause = -1
    is_any = False
    for treatment in range(p[at.H_TREATMENTS]):
        if not s[r + at.B_ASKED] >> treatment & 1:
            continue
        truth = judge_request(p, q, s, z, p[rules + treatment], s[r + at.B_DOCUMENTS], asked)
        if not is_any or truth < lowest:
            lowest = truth
            clause = s[at.S_CLAUSE]
        is_any = True
    s[r + at.B_TRUTH] = lowest if is_any else MET
    s[r + at.B_CLAUSE] = clause if is_any else -1


@inner_kernel
def submit(p: Ints, q: Floats, s: Ints, z: Floats, r: int) -> None:
    """Send a copy of the record; what the rules say to it is settled."""
    s[r + at.B_DOCUMENTS] = 0
    place = p[p[at.P_ACCESS] + at.U_DOCUMENTS]
    for document in range(p[p[at.P_ACCESS] + at.U_DOCUMENT_COUNT]):
        if has_document(p, s, r, document, 0, q[place + document]):
            s[r + at.B_DOCUMENTS] |= 1 << document
    answer(p, q, s, z, r)


@inner_kernel
def complete_copy(p: Ints, q: Floats, s: Ints, z: Floats, r: int) -> None:
    """Send what was missing, as far as it is found."""
    for document in range(p[p[at.P_ACCESS] + at.U_DOCUMENT_COUNT]):
        if not s[r + at.B_DOCUMENTS] >> document & 1 and has_document(p, s, r, document, 1, process(p, q, at.UF_COMPLETES)):
            s[r + at.B_DOCUMENTS] |= 1 << document
    answer(p, q, s, z, r)


@inner_kernel
def set_approval(p: Ints, q: Floats, s: Ints, z: Floats, treatment: int, end: float) -> None:
    """An approval runs to ``end``; its renewal is filed before."""
    if end < INFINITY:
        s[at.S_HAS_APPROVALS] = 1
    z[at.F_EXPIRY + treatment] = end
    z[at.F_FILES_AT + treatment] = max(end - process(p, q, at.UF_LEAD), z[at.Z_TIME])


@inner_kernel
def approve(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, r: int, clause: int) -> None:
    """Approved: a renewal goes on, a start awaits supply."""
    write(p, s, z, w, y, APPROVE, word(p, r), clause)
    if is_renewal(r):
        treatment = s[r + at.B_TREATMENT]
        begin = max(z[at.F_EXPIRY + treatment], z[at.Z_TIME])
        set_approval(p, q, s, z, treatment, begin + process(p, q, at.UF_RENEWAL_LASTS))
        close(s, z, r)
    else:
        s[r + at.B_STAGE] = at.SUPPLY
        set_due(z, r, z[at.Z_TIME] + supply_time(p, q, s, s[r + at.B_REGIMEN], s[r + at.B_NUMBER]))


@inner_kernel
def close_denied(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, k: Floats, r: int) -> None:
    """No for good: a start leads to the next candidate, a renewal lets its approval run out."""
    close(s, z, r)
    if not is_renewal(r):
        choose(p, q, s, z, w, y, k, s[r + at.B_LINE], s[r + at.B_CANDIDATE] + 1, s[r + at.B_TRIGGER], s[r + at.B_REASON], True)


@inner_kernel
def appeal(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, k: Floats, r: int) -> None:
    """Appeal, or give up."""
    if chance(p, s, r, APPEALED) < after_denial(p, q, s, r, at.UD_APPEAL):
        write(p, s, z, w, y, APPEAL_KIND, p[at.N_APPEAL], word(p, r))
        wait(p, q, s, z, r, at.APPEAL)
    else:
        close_denied(p, q, s, z, w, y, k, r)


@inner_kernel
def deny(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, k: Floats, r: int, denial: int, why: int) -> None:
    """Denied: given up, sent again, talked over, or appealed."""
    s[r + at.B_DENIAL] = denial
    write(p, s, z, w, y, DENY, word(p, r), why)
    if not is_renewal(r) and chance(p, s, r, ABANDONED) < process(p, q, at.UF_ABANDONMENT):
        write(p, s, z, w, y, WITHDRAW, word(p, r), p[at.N_ABANDONED])
        close_denied(p, q, s, z, w, y, k, r)
    elif not s[r + at.B_RESUBMITTED] and chance(p, s, r, RESUBMITTED) < after_denial(p, q, s, r, at.UD_RESUBMISSION):
        s[r + at.B_RESUBMITTED] = 1
        s[r + at.B_NUMBER] = take_number(s)
        wait(p, q, s, z, r, at.SUBMISSION)
    elif chance(p, s, r, PEER_ASKED) < after_denial(p, q, s, r, at.UD_PEER):
        write(p, s, z, w, y, APPEAL_KIND, p[at.N_PEER], word(p, r))
        wait(p, q, s, z, r, at.PEER_TO_PEER)
    else:
        appeal(p, q, s, z, w, y, k, r)


@inner_kernel
def decide(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, k: Floats, r: int) -> None:
    """Tell what the rules said to the copy."""
    truth = s[r + at.B_TRUTH]
    clause = s[r + at.B_CLAUSE]
    if truth == MET or truth == NOT_APPLICABLE:
        merits = process(p, q, at.UF_MERITS)
        documents = process(p, q, at.UF_DOCUMENTS)
        luck = chance(p, s, r, RESIDUAL) if merits + documents > 0.0 else 1.0
        if luck < merits:
            deny(p, q, s, z, w, y, k, r, BY_RESIDUAL, p[at.N_RESIDUAL])
        elif luck < merits + documents:
            deny(p, q, s, z, w, y, k, r, BY_DOCUMENTS, p[at.N_INSUFFICIENT])
        else:
            approve(p, q, s, z, w, y, r, clause if clause >= 0 else p[at.N_APPROVED])
    elif truth == NOT_MET:
        deny(p, q, s, z, w, y, k, r, BY_RULE, clause)
    elif s[r + at.B_STAGE] == at.DECISION:
        write(p, s, z, w, y, INFORM, word(p, r), clause)
        wait(p, q, s, z, r, at.INFORMATION)
    else:
        deny(p, q, s, z, w, y, k, r, BY_DOCUMENTS, p[at.N_INSUFFICIENT])


@inner_kernel
def supply(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, k: Floats, r: int) -> None:
    """The supply is there: start the regimen."""
    newly = s[r + at.B_REGIMEN] & ~s[at.S_REGIMEN] & p[p[at.P_ACCESS] + at.U_TREATMENTS]
    close(s, z, r)
    take_up(p, q, s, z, w, y, k, s[r + at.B_REGIMEN], s[r + at.B_LINE], s[r + at.B_TRIGGER], s[r + at.B_REASON])
    for treatment in range(p[at.H_TREATMENTS]):
        if newly >> treatment & 1:
            set_approval(p, q, s, z, treatment, z[at.Z_TIME] + process(p, q, at.UF_LASTS))


@inner_kernel
def advance_request(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, k: Floats, r: int) -> None:
    """Take the step that a request awaits."""
    stage = s[r + at.B_STAGE]
    if stage == at.SUBMISSION:
        asked = s[r + at.B_REGIMEN] if s[r + at.B_REGIMEN] else s[r + at.B_ASKED]
        write_measured(p, s, z, w, y, REQUEST, word(p, r), p[at.N_RESUBMISSION] if s[r + at.B_RESUBMITTED] else -1, float(asked))
        submit(p, q, s, z, r)
        wait(p, q, s, z, r, at.DECISION)
    elif stage == at.DECISION:
        decide(p, q, s, z, w, y, k, r)
    elif stage == at.INFORMATION:
        complete_copy(p, q, s, z, r)
        decide(p, q, s, z, w, y, k, r)
    elif stage == at.PEER_TO_PEER:
        if chance(p, s, r, PEER_WON) < after_denial(p, q, s, r, at.UD_PEER_SUCCESS):
            approve(p, q, s, z, w, y, r, p[at.N_PEER])
        else:
            write(p, s, z, w, y, UPHOLD, p[at.N_PEER], word(p, r))
            appeal(p, q, s, z, w, y, k, r)
    elif stage == at.APPEAL:
        if chance(p, s, r, APPEAL_WON) < after_denial(p, q, s, r, at.UD_APPEAL_SUCCESS):
            approve(p, q, s, z, w, y, r, p[at.N_APPEAL])
        else:
            write(p, s, z, w, y, UPHOLD, p[at.N_APPEAL], word(p, r))
            close_denied(p, q, s, z, w, y, k, r)
    else:
        supply(p, q, s, z, w, y, k, r)


@inner_kernel
def step(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, k: Floats) -> None:
    """Take the step that is due now (the start request first, filing a renewal last)."""
    if s[at.S_REQUEST + at.B_STAGE] and z[at.Z_DUE] <= z[at.Z_TIME]:
        advance_request(p, q, s, z, w, y, k, at.S_REQUEST)
    elif s[at.S_RENEWAL + at.B_STAGE]:
        advance_request(p, q, s, z, w, y, k, at.S_RENEWAL)
    else:
        file_renewal(p, q, s, z)


@inner_kernel
def lapse(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, k: Floats, treatment: int) -> None:
    """An approval ran out: the course stops, without barring the drug."""
    close_segment(p, q, s, z, k, -1)
    write(p, s, z, w, y, EXPIRE, p[p[at.P_TREATMENT_NAME] + treatment], -1)
    stop(p, q, s, z, w, y, treatment, p[at.N_NOT_COVERED])
    choose_after_stop(p, q, s, z, w, y, k, p[at.N_NOT_COVERED])


@inner_kernel
def expire(p: Ints, q: Floats, s: Ints, z: Floats, w: Ints, y: Floats, k: Floats) -> None:
    """Let the approval that has run out lapse."""
    for treatment in range(p[at.H_TREATMENTS]):
        if ends_at(p, q, s, z, treatment) <= z[at.Z_TIME]:
            lapse(p, q, s, z, w, y, k, treatment)
            return
