"""The life of a request (rule 10): at most one open start request and one open renewal per patient.

The desk decides what the next step of a request is and when; what a start means is told through the :class:`Clinic` it serves. With
nobody to ask and no delays a request passes through all its steps at one time, so that waiting later changes data, not the engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from math import inf
from typing import Protocol

from pathway import kernels
from pathway.eventlog import Kind
from pathway.program import AccessSpec, DelaySpec
from pathway.rules import Truth

DRAWS_PER_REQUEST = 8
"""Each request has this many indices of the request stream."""
RESIDUAL, PEER_ASKED, PEER_WON, APPEALED, APPEAL_WON = range(5)


class Stage(Enum):
    """Where a request stands."""

    SUBMISSION = auto()
    DECISION = auto()
    INFORMATION = auto()
    PEER_TO_PEER = auto()
    APPEAL = auto()
    SUPPLY = auto()


@dataclass(slots=True, kw_only=True)
class Request:
    """An open request: a start (of ``regimen`` on ``line``) or the renewal of one treatment's approval."""

    number: int
    stage: Stage
    due: float
    regimen: int = 0
    line: int = 0
    candidate: int = -1
    trigger: str = ""
    reason: str = ""
    treatment: int = -1

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

    def judge(self, rule: int) -> tuple[int, str]:
        """Truth and deciding clause; a rule of -1 is always met."""

    def write(self, kind: Kind, name: str, detail: str = "", *, measured: float = ...) -> None:
        """Add a row to the log."""

    def starts(self, regimen: int) -> int:
        """Which treatments a regimen would newly start."""

    def begin(self, request: Request) -> None:
        """The supply is there: start the regimen."""

    def turn_down(self, request: Request) -> None:
        """A start was finally denied: choose again."""

    def lapse(self, treatment: int) -> None:
        """An approval has run out."""


class Desk:
    """One patient's requests and approvals."""

    __slots__ = ("_access", "_clinic", "_count", "_key", "expiry", "renewal", "request")

    def __init__(self, access: AccessSpec, clinic: Clinic, key: tuple[int, int, int], treatments: int) -> None:
        self._access = access
        self._clinic = clinic
        self._key = key
        self._count = 0
        self.request: Request | None = None
        self.renewal: Request | None = None
        self.expiry = [inf] * treatments

    def _delay(self, delay: DelaySpec, number: int) -> float:
        if delay.mean == 0.0 or delay.family == "fixed":
            return delay.mean
        if delay.family == "exponential":
            return delay.mean * float(kernels.exponential(*self._key, delay.stream, number))
        spread = delay.sd_log
        return delay.mean * float(kernels.exp(spread * kernels.normal(*self._key, delay.stream, number) - 0.5 * spread * spread))

    def _chance(self, request: Request, what: int) -> float:
        return float(kernels.uniform(*self._key, self._access.stream, request.number * DRAWS_PER_REQUEST + what))

    def next_due(self) -> float:
        """Time of the next step of any request."""
        start = self.request.due if self.request else inf
        renewal = self.renewal.due if self.renewal else inf
        return min(start, renewal)

    def ask(self, *, regimen: int, line: int, candidate: int, trigger: str, reason: str) -> None:
        """Open the start request."""
        number = self._count
        self._count += 1
        asks_payer = self._clinic.starts(regimen) & self._access.treatments
        delay = self._access.submission if asks_payer else self._access.supply
        self.request = Request(
            number=number,
            stage=Stage.SUBMISSION if asks_payer else Stage.SUPPLY,
            due=self._clinic.time + self._delay(delay, number),
            regimen=regimen,
            line=line,
            candidate=candidate,
            trigger=trigger,
            reason=reason,
        )

    def renew_if_due(self, regimen: int) -> None:
        """At a visit: file the renewal of the approval that runs out first, if that is near."""
        if self.renewal is not None:
            return
        on = [treatment for treatment in range(len(self.expiry)) if regimen >> treatment & 1]
        soonest = min(on, key=lambda treatment: (self.expiry[treatment], treatment), default=-1)
        if soonest < 0 or self.expiry[soonest] - self._clinic.time > self._access.renewal_lead:
            return
        number = self._count
        self._count += 1
        due = self._clinic.time + self._delay(self._access.submission, number)
        self.renewal = Request(number=number, stage=Stage.SUBMISSION, due=due, treatment=soonest)

    def withdraw(self, why: str, *, only_start: bool = False) -> None:
        """Close what is open, with a row."""
        for request in (self.request, None if only_start else self.renewal):
            if request is not None:
                self._clinic.write(Kind.WITHDRAW, request.word, why)
        self.request = None
        if not only_start:
            self.renewal = None

    def forget(self, treatment: int) -> None:
        """A course stopped: its approval and renewal end with it."""
        self.expiry[treatment] = inf
        if self.renewal is not None and self.renewal.treatment == treatment:
            self._clinic.write(Kind.WITHDRAW, self.renewal.word, "superseded")
            self.renewal = None

    def hand_over(self, treatment: int) -> tuple[float, Request | None]:
        """Take approval and open renewal from a treatment that another replaces."""
        renewal = self.renewal if self.renewal is not None and self.renewal.treatment == treatment else None
        if renewal is not None:
            self.renewal = None
        return self.expiry[treatment], renewal

    def take_over(self, treatment: int, approval: tuple[float, Request | None]) -> None:
        """Give them to the treatment that replaces it."""
        self.expiry[treatment], renewal = approval
        if renewal is not None:
            renewal.treatment = treatment
            self.renewal = renewal

    def step(self) -> None:
        """Take the step that is due now (the start request first)."""
        now = self._clinic.time
        request = self.request if self.request is not None and self.request.due <= now else self.renewal
        if request is None:
            return
        stage = request.stage
        if stage is Stage.SUBMISSION:
            self._clinic.write(Kind.REQUEST, request.word, measured=float(request.regimen or 1 << max(request.treatment, 0)))
            self._wait(request, Stage.DECISION, self._access.decision)
        elif stage in (Stage.DECISION, Stage.INFORMATION):
            self._decide(request)
        elif stage is Stage.PEER_TO_PEER:
            if self._chance(request, PEER_WON) < self._access.peer_to_peer_success:
                self._approve(request, "peer_to_peer")
            else:
                self._appeal(request)
        elif stage is Stage.APPEAL:
            if self._chance(request, APPEAL_WON) < self._access.appeal_success:
                self._approve(request, "appeal")
            else:
                self._close_denied(request)
        else:
            self._supply(request)

    def _wait(self, request: Request, stage: Stage, delay: DelaySpec) -> None:
        request.stage = stage
        request.due = self._clinic.time + self._delay(delay, request.number)

    def _decide(self, request: Request) -> None:
        access = self._access
        truth, clause = self._clinic.judge(access.renewal_rule if request.is_renewal else access.start_rule)
        if truth in (Truth.MET, Truth.NOT_APPLICABLE):
            if access.residual_denial > 0.0 and self._chance(request, RESIDUAL) < access.residual_denial:
                self._deny(request, "residual")
            else:
                self._approve(request, clause or "approved")
        elif truth == Truth.NOT_DOCUMENTED and request.stage is Stage.DECISION:
            self._clinic.write(Kind.INFORM, request.word, clause)
            self._wait(request, Stage.INFORMATION, access.information)
        else:
            self._deny(request, clause)

    def _deny(self, request: Request, clause: str) -> None:
        self._clinic.write(Kind.DENY, request.word, clause)
        if self._chance(request, PEER_ASKED) < self._access.peer_to_peer_probability:
            self._clinic.write(Kind.APPEAL, "peer_to_peer")
            self._wait(request, Stage.PEER_TO_PEER, self._access.peer_to_peer)
        else:
            self._appeal(request)

    def _appeal(self, request: Request) -> None:
        if self._chance(request, APPEALED) < self._access.appeal_probability:
            self._clinic.write(Kind.APPEAL, "appeal")
            self._wait(request, Stage.APPEAL, self._access.appeal)
        else:
            self._close_denied(request)

    def _close_denied(self, request: Request) -> None:
        if request.is_renewal:
            self.renewal = None
            if self.expiry[request.treatment] <= self._clinic.time:
                self._clinic.lapse(request.treatment)
        else:
            self.request = None
            self._clinic.turn_down(request)

    def _approve(self, request: Request, clause: str) -> None:
        self._clinic.write(Kind.APPROVE, request.word, clause)
        if request.is_renewal:
            self.expiry[request.treatment] = max(self.expiry[request.treatment], self._clinic.time) + self._access.approval_lasts
            self.renewal = None
        else:
            self._wait(request, Stage.SUPPLY, self._access.supply)

    def _supply(self, request: Request) -> None:
        newly = self._clinic.starts(request.regimen) & self._access.treatments
        self.request = None
        self._clinic.begin(request)
        for treatment in range(len(self.expiry)):
            if newly >> treatment & 1:
                self.expiry[treatment] = self._clinic.time + self._access.approval_lasts

    def next_expiry(self) -> float:
        """Time of the next approval to run out; an open renewal filed in time keeps its approval."""
        kept = self.renewal.treatment if self.renewal is not None else -1
        return min((expiry for treatment, expiry in enumerate(self.expiry) if treatment != kept), default=inf)

    def expire(self) -> None:
        """Let the approval that runs out now lapse."""
        kept = self.renewal.treatment if self.renewal is not None else -1
        for treatment, expiry in enumerate(self.expiry):
            if treatment != kept and expiry <= self._clinic.time:
                self._clinic.lapse(treatment)
                return
