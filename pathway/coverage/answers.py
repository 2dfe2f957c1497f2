"""What rules may answer: the words of a determination, one rule's finding, one payer's verdict.

This module must not judge anything, nor know a drug or a payer.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pathway.coverage.nodes import Proof
from pathway.definition.policies import Band, PolicyRule
from pathway.rules import Truth

LABEL_ONLY = "label_only"


class Answer(StrEnum):
    """What may follow."""

    APPROVE = "approve"
    DENY = "deny"
    DENY_INSUFFICIENT = "deny_insufficient"
    PEND = "pend"
    MODIFY = "modify"
    START_BLOCKED = "start_blocked"
    DISCONTINUE = "discontinue"
    HOLD = "hold"
    REDUCE = "reduce"
    ADJUST = "adjust"
    CONTINUE = "continue"
    UNCERTAIN = "uncertain"


WORDS = {
    Answer.APPROVE: "approve", Answer.DENY: "deny on the merits", Answer.DENY_INSUFFICIENT: "deny for insufficient documentation", Answer.PEND: "pend: ask for what is missing",
    Answer.MODIFY: "modify", Answer.START_BLOCKED: "start blocked", Answer.DISCONTINUE: "discontinue", Answer.HOLD: "hold", Answer.REDUCE: "reduce",
    Answer.ADJUST: "adjust", Answer.CONTINUE: "continue", Answer.UNCERTAIN: "no answer: the rule does not speak of this request",
}  # fmt: skip
WORST_FIRST = (Answer.DISCONTINUE, Answer.START_BLOCKED, Answer.HOLD, Answer.REDUCE, Answer.MODIFY, Answer.ADJUST, Answer.CONTINUE)
DEFAULT_KINDS: dict[str, tuple[str, ...]] = {
    "initiation": ("start", "add", "repeat", "retrospective"), "continuation": ("continuation", "retrospective"), "dosing": ("start", "add", "continuation", "next_dose", "repeat", "retrospective"),
    "start_gate": ("start", "add", "repeat"), "monitoring": ("continuation", "next_dose"), "step": ("start", "add"), "exclusion": ("start", "add", "continuation", "repeat", "retrospective"),
    "evidence": ("evidence",),
}  # fmt: skip
"""Kinds of request at which a rule of a type is asked; types that are not listed: all."""
STARTS = ("start", "add", "repeat")
"""Kinds of request before a first dose."""
DECIDES_LABEL = ("initiation", "dosing", "step", "exclusion")
FOR = ("preferred", "option", "permitted", "strong_for", "conditional_for")
AGAINST = ("strong_against", "conditional_against")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One rule's answer.

    Attributes
    ----------
    band, act
        For lists of bands: the one that fits, and what it says (after repeats and holds).
    position
        For guidelines: what it says to the request, if anything.
    fits
        For bands of dosing: is what is asked for what the band asks for.
    strength
        How strongly, as the guideline puts it.
    """

    rule: PolicyRule
    layer: str
    truth: Truth
    proof: Proof
    band: Band | None = None
    act: str = ""
    text: str = ""
    position: str = ""
    strength: str = ""
    fits: Truth | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one payer's rule decides."""

    profile: str
    answer: Answer
    truth: Truth
    proof: Proof | None
    lasts: str = ""
