"""What is compared, and how requests for it are handled: lines of candidates, and the process of one kind of payer.

This module must not read files, know a disease, or compile anything.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pathway.definition.words import DecisionId, Document, Label, RuleId, TreatmentId, ValueId


class Delay(Document):
    """A delay of a request: nobody waits when mean is absent."""

    mean: ValueId | None = None
    family: Literal["fixed", "exponential", "lognormal"] = "fixed"
    sd_log: ValueId | None = None


class Access(Document):
    """How requests are handled: the process of one kind of payer. Absent delays are zero, absent probabilities 0."""

    label: Label
    treatments: tuple[TreatmentId, ...] | Literal["all", "none"] = "all"
    start_rule: RuleId | None = Field(default=None, description="the payer's rule for a start; absent: always approved")
    renewal_rule: RuleId | None = None
    submission: Delay = Delay()
    decision: Delay = Delay()
    information: Delay = Delay()
    peer_to_peer: Delay = Delay()
    appeal: Delay = Delay()
    supply: Delay = Delay()
    residual_denial: ValueId | None = None
    documented: ValueId | None = Field(
        default=None, description="probability that the submitted copy holds a finding; absent: 1"
    )
    peer_to_peer_probability: ValueId | None = None
    peer_to_peer_success: ValueId | None = None
    appeal_probability: ValueId | None = None
    appeal_success: ValueId | None = None
    approval_lasts: ValueId | None = Field(default=None, description="years; absent: for ever")
    renewal_lead: ValueId | None = Field(
        default=None, description="a renewal is asked for at the last visit within this time before expiry"
    )
    source: str = "assumption"


class Candidate(Document):
    """A regimen that may be chosen, and its guard."""

    regimen: tuple[TreatmentId, ...]
    when: RuleId | None = Field(default=None, description="rule; absent: always")


class Line(Document):
    """One line of therapy: candidates in order of preference."""

    candidates: tuple[Candidate, ...]


class StrategyDefinition(Document):
    """A sequence of lines, the thing that is compared."""

    label: Label
    problems: tuple[str, ...] = ()
    reference_only: bool = Field(default=False, description="printed as a reference, kept off the frontier")
    lines: tuple[Line, ...] = ()
    decisions: tuple[DecisionId, ...] = Field(default=(), description="optional decisions in force")
    evidence_note: str = Field(
        default="", description="what the lines of this strategy rest on, printed in every report"
    )
    source: str = ""
