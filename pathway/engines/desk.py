"""The life of a request (rule 10): at most one open start request and one open renewal per patient.

The desk decides what the next step of a request is and when; what a start means is told through the :class:`Clinic` it serves. With
nobody to ask and no delays a request passes through all its steps at one time, so that waiting later changes data, not the engine.

The payer's copy of the record needs no copying: what it says is settled when it is sent, so the rules are answered at submission and again when asked-for
documents arrive, and the answer is told when it is due.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from math import inf
from typing import Protocol

from pathway import kernels
from pathway.eventlog import Kind
from pathway.program import AccessSpec, DelaySpec, Denial
from pathway.rules import Truth, combine_all

DRAWS_PER_REQUEST = 8
"""Each request has this many indices of the request stream."""
RESIDUAL, PEER_ASKED, PEER_WON, APPEALED, APPEAL_WON, ABANDONED, RESUBMITTED = range(7)
DOCUMENTS_PER_REQUEST = 64
"""Indices of the document stream a request has: half for the submission, half for what is sent when asked."""
SUPPLIES_PER_REQUEST = 64
"""Indices of the supply stream a request has: one a treatment."""


class Stage(Enum):
    """What is awaited."""

    SUBMISSION = auto()
    DECISION = auto()
    INFORMATION = auto()
    PEER_TO_PEER = auto()
    APPEAL = auto()
    SUPPLY = auto()


@dataclass(slots=True, kw_only=True)
class Request:
    """An open request: a start (of ``regimen`` on ``line``) or the renewal of one treatment's approval.

    ``documents`` bit set of what the copy holds; ``truth`` and ``clause`` what the payer's rules say to it.
    """

    number: int
    stage: Stage
    due: float
    regimen: int = 0
    line: int = 0
    candidate: int = -1
    trigger: str = ""
    reason: str = ""
    treatment: int = -1
    asked: int = 0
    documents: int = 0
    truth: int = int(Truth.MET)
    clause: str = ""
    denial: Denial = Denial.RULE
    is_resubmitted: bool = False

    @property
    def is_renewal(self) -> bool:
        """Renewals belong to one treatment."""
        return self.treatment >= 0

    @property
    def word(self) -> str:
        """What the log calls it."""
        return "renewal" if self.is_renewal else "start"


class Clinic(Protocol):
    """What the desk needs of the patient it serves."""

    time: float

    def judge(self, rule: int, documents: int = ..., asked: int = ...) -> tuple[int, str]:
        """Truth and deciding clause on the documents at hand and what is asked for; a rule of -1 is always met."""

    def write(self, kind: Kind, name: str, detail: str = "", *, measured: float = ...) -> None:
        """Add a row to the log."""

    def starts(self, regimen: int) -> int:
        """Which treatments a regimen would newly start."""

    def begin(self, request: Request) -> None:
        """Start the regimen: the supply is there."""

    def turn_down(self, request: Request) -> None:
        """Choose again: a start was finally denied or given up."""

    def lapse(self, treatment: int) -> None:
        """Stop a course whose approval has run out."""


class Desk:
    """One patient's requests and approvals.

    Attributes
    ----------
    request, renewal
        What is open.
    expiry
        Per treatment the end of its approval, infinite without one.
    files_at
        Per treatment when its renewal is filed, infinite: never (no approval, or its renewal was denied).
    """

    __slots__ = ("_access", "_clinic", "_count", "_key", "expiry", "files_at", "renewal", "request")

    def __init__(self, access: AccessSpec, clinic: Clinic, key: tuple[int, int, int], treatments: int) -> None:
        self._access = access
        self._clinic = clinic
        self._key = key
        self._count = 0
        self.request: Request | None = None
        self.renewal: Request | None = None
        self.expiry = [inf] * treatments
        self.files_at = [inf] * treatments

    # --- draws --------------------------------------------------------------------------------------------------

    def _delay(self, delay: DelaySpec, index: int) -> float:
        if delay.mean == 0.0 or delay.family == "fixed":
            return delay.mean
        if delay.family == "exponential":
            return delay.mean * float(kernels.exponential(*self._key, delay.stream, index))
        spread = delay.sd_log
        return delay.mean * float(kernels.exp(spread * kernels.normal(*self._key, delay.stream, index) - 0.5 * spread * spread))

    def _supply_time(self, regimen: int, number: int) -> float:
        """Until the slowest of the treatments that newly start is there."""
        newly = self._clinic.starts(regimen)
        return max(
            (
                self._delay(supply, number * SUPPLIES_PER_REQUEST + treatment)
                for treatment, supply in enumerate(self._access.supplies)
                if newly >> treatment & 1
            ),
            default=0.0,
        )

    def _chance(self, request: Request, what: int) -> float:
        return float(kernels.uniform(*self._key, self._access.stream, request.number * DRAWS_PER_REQUEST + what))

    def _has_document(self, request: Request, document: int, part: int, probability: float) -> bool:
        index = request.number * DOCUMENTS_PER_REQUEST + part * (DOCUMENTS_PER_REQUEST // 2) + document
        return probability >= 1.0 or bool(kernels.uniform(*self._key, self._access.document_stream, index) < probability)

    def _take_number(self) -> int:
        self._count += 1
        return self._count - 1

    # --- filing -------------------------------------------------------------------------------------------------

    def next_due(self) -> float:
        """Time of the next step of any request, or of the next renewal to file."""
        start = self.request.due if self.request else inf
        renewal = self.renewal.due if self.renewal else max(min(self.files_at, default=inf), self._clinic.time)
        return min(start, renewal)

    def ask(self, *, regimen: int, line: int, candidate: int, trigger: str, reason: str) -> None:
        """Open the start request."""
        number = self._take_number()
        asked = self._clinic.starts(regimen) & self._access.treatments
        wait = self._delay(self._access.submission, number) if asked else self._supply_time(regimen, number)
        self.request = Request(
            number=number,
            stage=Stage.SUBMISSION if asked else Stage.SUPPLY,
            due=self._clinic.time + wait,
            regimen=regimen,
            line=line,
            candidate=candidate,
            trigger=trigger,
            reason=reason,
            asked=asked,
        )
        if wait > 0.0 or (asked and self._may_wait()):
            self._clinic.write(Kind.ORDER, trigger, measured=float(regimen))

    def _may_wait(self) -> bool:
        """Tell whether any stage after submission takes time."""
        access = self._access
        stages = (access.decision, access.information, access.peer_to_peer, access.appeal, *access.supplies)
        return any(stage.mean > 0.0 for stage in stages)

    def _file_renewal(self) -> None:
        """File the renewal that is due; while it is open no other is filed."""
        treatment = min(range(len(self.files_at)), key=lambda one: (self.files_at[one], one))
        self.files_at[treatment] = inf
        number = self._take_number()
        due = self._clinic.time + self._delay(self._access.submission, number)
        self.renewal = Request(number=number, stage=Stage.SUBMISSION, due=due, treatment=treatment, asked=1 << treatment)

    def withdraw(self, why: str, *, only_start: bool = False) -> None:
        """Close what is open, with a row."""
        for request in (self.request, None if only_start else self.renewal):
            if request is not None:
                self._clinic.write(Kind.WITHDRAW, request.word, why)
        self.request = None
        if not only_start:
            self.renewal = None

    def forget(self, treatment: int) -> None:
        """Forget approval and renewal of a course that stopped."""
        self.expiry[treatment] = self.files_at[treatment] = inf
        if self.renewal is not None and self.renewal.treatment == treatment:
            self._clinic.write(Kind.WITHDRAW, self.renewal.word, "superseded")
            self.renewal = None

    def hand_over(self, treatment: int) -> tuple[float, float, Request | None]:
        """Take approval, filing of its renewal, and open renewal from a treatment that another replaces."""
        renewal = self.renewal if self.renewal is not None and self.renewal.treatment == treatment else None
        if renewal is not None:
            self.renewal = None
        return self.expiry[treatment], self.files_at[treatment], renewal

    def take_over(self, treatment: int, approval: tuple[float, float, Request | None]) -> None:
        """Give them to the treatment that replaces it."""
        self.expiry[treatment], self.files_at[treatment], renewal = approval
        if renewal is not None:
            renewal.treatment = treatment
            renewal.asked = 1 << treatment
            self.renewal = renewal

    # --- steps --------------------------------------------------------------------------------------------------

    def step(self) -> None:
        """Take the step that is due now (the start request first, filing a renewal last)."""
        now = self._clinic.time
        if self.request is not None and self.request.due <= now:
            self._advance(self.request)
        elif self.renewal is not None:
            self._advance(self.renewal)
        else:
            self._file_renewal()

    def _advance(self, request: Request) -> None:
        stage, access = request.stage, self._access
        if stage is Stage.SUBMISSION:
            self._clinic.write(Kind.REQUEST, request.word, "resubmission" if request.is_resubmitted else "", measured=float(request.regimen or request.asked))
            self._submit(request)
            self._wait(request, Stage.DECISION, access.decision)
        elif stage is Stage.DECISION:
            self._decide(request)
        elif stage is Stage.INFORMATION:
            self._complete(request)
            self._decide(request)
        elif stage is Stage.PEER_TO_PEER:
            if self._chance(request, PEER_WON) < access.denials[request.denial].peer_to_peer_success:
                self._approve(request, "peer_to_peer")
            else:
                self._clinic.write(Kind.UPHOLD, "peer_to_peer", request.word)
                self._appeal(request)
        elif stage is Stage.APPEAL:
            if self._chance(request, APPEAL_WON) < access.denials[request.denial].appeal_success:
                self._approve(request, "appeal")
            else:
                self._clinic.write(Kind.UPHOLD, "appeal", request.word)
                self._close_denied(request)
        else:
            self._supply(request)

    def _wait(self, request: Request, stage: Stage, delay: DelaySpec) -> None:
        request.stage = stage
        request.due = self._clinic.time + self._delay(delay, request.number)

    def _submit(self, request: Request) -> None:
        """Send a copy of the record, each kind of document present or not; what the rules say to it is settled."""
        request.documents = 0
        for document, probability in enumerate(self._access.documents):
            if self._has_document(request, document, 0, probability):
                request.documents |= 1 << document
        self._answer(request)

    def _complete(self, request: Request) -> None:
        """Send what was missing, as far as it is found."""
        for document in range(len(self._access.documents)):
            if not request.documents >> document & 1 and self._has_document(request, document, 1, self._access.completes):
                request.documents |= 1 << document
        self._answer(request)

    def _answer(self, request: Request) -> None:
        """Every treatment asked for must pass its rule; the first that alone fixes the answer names the clause."""
        rules = self._access.renewal_rules if request.is_renewal else self._access.start_rules
        answers = [
            self._clinic.judge(rule, request.documents, request.regimen or request.asked)
            for treatment, rule in enumerate(rules)
            if request.asked >> treatment & 1
        ]
        request.truth, request.clause = int(Truth.MET), ""
        if answers:
            request.truth = int(combine_all([truth for truth, _ in answers]))
            request.clause = next(clause for truth, clause in answers if truth == request.truth)

    def _decide(self, request: Request) -> None:
        access = self._access
        if request.truth in (Truth.MET, Truth.NOT_APPLICABLE):
            luck = self._chance(request, RESIDUAL) if access.residual_merits + access.residual_documents > 0.0 else 1.0
            if luck < access.residual_merits:
                self._deny(request, Denial.RESIDUAL, "residual")
            elif luck < access.residual_merits + access.residual_documents:
                self._deny(request, Denial.DOCUMENTS, "insufficient_documentation")
            else:
                self._approve(request, request.clause or "approved")
        elif request.truth == Truth.NOT_MET:
            self._deny(request, Denial.RULE, request.clause)
        elif request.stage is Stage.DECISION:
            self._clinic.write(Kind.INFORM, request.word, request.clause)
            self._wait(request, Stage.INFORMATION, access.information)
        else:
            self._deny(request, Denial.DOCUMENTS, "insufficient_documentation")

    def _deny(self, request: Request, denial: Denial, why: str) -> None:
        access, after = self._access, self._access.denials[denial]
        request.denial = denial
        self._clinic.write(Kind.DENY, request.word, why)
        if not request.is_renewal and self._chance(request, ABANDONED) < access.abandonment:
            self._clinic.write(Kind.WITHDRAW, request.word, "abandoned")
            self._close_denied(request)
        elif not request.is_resubmitted and self._chance(request, RESUBMITTED) < after.resubmission:
            request.is_resubmitted = True
            request.number = self._take_number()
            self._wait(request, Stage.SUBMISSION, access.submission)
        elif self._chance(request, PEER_ASKED) < after.peer_to_peer:
            self._clinic.write(Kind.APPEAL, "peer_to_peer", request.word)
            self._wait(request, Stage.PEER_TO_PEER, access.peer_to_peer)
        else:
            self._appeal(request)

    def _appeal(self, request: Request) -> None:
        if self._chance(request, APPEALED) < self._access.denials[request.denial].appeal:
            self._clinic.write(Kind.APPEAL, "appeal", request.word)
            self._wait(request, Stage.APPEAL, self._access.appeal)
        else:
            self._close_denied(request)

    def _close_denied(self, request: Request) -> None:
        """No for good: a start leads to the next candidate, a renewal lets its approval run out."""
        if request.is_renewal:
            self.renewal = None
        else:
            self.request = None
            self._clinic.turn_down(request)

    def _approve(self, request: Request, clause: str) -> None:
        self._clinic.write(Kind.APPROVE, request.word, clause)
        if request.is_renewal:
            begin = max(self.expiry[request.treatment], self._clinic.time)
            self._set_approval(request.treatment, begin + self._access.renewal_lasts)
            self.renewal = None
        else:
            request.stage = Stage.SUPPLY
            request.due = self._clinic.time + self._supply_time(request.regimen, request.number)

    def _set_approval(self, treatment: int, end: float) -> None:
        self.expiry[treatment] = end
        self.files_at[treatment] = max(end - self._access.renewal_lead, self._clinic.time)

    def _supply(self, request: Request) -> None:
        newly = self._clinic.starts(request.regimen) & self._access.treatments
        self.request = None
        self._clinic.begin(request)
        for treatment in range(len(self.expiry)):
            if newly >> treatment & 1:
                self._set_approval(treatment, self._clinic.time + self._access.approval_lasts)

    # --- expiry -------------------------------------------------------------------------------------------------

    def _ends_at(self, treatment: int) -> float:
        """When a course must stop for want of approval; never while its renewal is open, or waits for another that is."""
        renewal = self.renewal
        if renewal is not None and (renewal.treatment == treatment or self.files_at[treatment] < inf):
            return inf
        return max(self.expiry[treatment] + self._access.grace, self._clinic.time)

    def next_expiry(self) -> float:
        """Time of the next course to stop for want of approval."""
        return min((self._ends_at(treatment) for treatment in range(len(self.expiry))), default=inf)

    def expire(self) -> None:
        """Let the approval that has run out lapse."""
        for treatment in range(len(self.expiry)):
            if self._ends_at(treatment) <= self._clinic.time:
                self._clinic.lapse(treatment)
                return
