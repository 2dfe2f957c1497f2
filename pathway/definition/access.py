"""``access.toml``: how requests are handled, the process of one kind of payer.

A payer's process has rules (which treatment must meet what, named by the code of a rule in ``policies/``), stages that take time, documents that may be
missing, and what follows a denial. Absent delays are zero, absent probabilities 0. This module must not read files, know a disease, or compile anything.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pathway.definition.policies import RuleCode
from pathway.definition.words import Document, Label, Name, RuleId, TreatmentId, ValueId


class Delay(Document):
    """A delay of a request: nobody waits when both mean and median are absent."""

    mean: ValueId | None = None
    median: ValueId | None = Field(default=None, description="in place of the mean")
    family: Literal["fixed", "exponential", "lognormal"] = "fixed"
    sd_log: ValueId | None = None


class AfterDenial(Document):
    """What may follow a denial of one kind, tried in this order; probabilities."""

    resubmission: ValueId | None = Field(default=None, description="asked for once more, at most once an order")
    peer_to_peer: ValueId | None = None
    peer_to_peer_success: ValueId | None = None
    appeal: ValueId | None = None
    appeal_success: ValueId | None = None


class TreatmentAccess(Document):
    """What one treatment must meet, and how long its supply takes."""

    start: RuleCode | None = Field(default=None, description="rule of policies/ for a start; absent: none")
    renewal: RuleCode | None = None
    start_when: RuleId | None = Field(default=None, description="a rule of pathway.toml in place of a policy's")
    renewal_when: RuleId | None = None
    supply: Delay | None = Field(default=None, description="from approval, or from the order where none is asked for, to the first dose")


class Access(Document):
    """How requests are handled."""

    label: Label
    treatments: tuple[TreatmentId, ...] | Literal["all", "none"] = Field(default="all", description="what needs authorisation")
    of: dict[TreatmentId, TreatmentAccess] = Field(default_factory=dict)
    submission: Delay = Delay()
    decision: Delay = Delay()
    information: Delay = Delay()
    peer_to_peer: Delay = Delay()
    appeal: Delay = Delay()
    supply: Delay = Field(default=Delay(), description="of treatments that give none of their own")
    documents: dict[Name, ValueId] = Field(
        default_factory=dict, description="kind of document -> probability that the submitted copy holds it; a kind that is not named always stands in it"
    )
    completes: ValueId | None = Field(default=None, description="probability that a missing document is sent when asked for; absent: never")
    residual_merits: ValueId | None = Field(default=None, description="probability that what meets the rules is denied on the merits all the same")
    residual_documents: ValueId | None = Field(default=None, description="the same, for insufficient documentation")
    after_rule: AfterDenial = Field(default=AfterDenial(), description="after a denial because the payer's own rule is not met")
    after_residual: AfterDenial = AfterDenial()
    after_documents: AfterDenial = AfterDenial()
    abandonment: ValueId | None = Field(default=None, description="probability that a denied order is given up at once")
    approval_lasts: ValueId | None = Field(default=None, description="years; absent: for ever")
    renewal_lasts: ValueId | None = Field(default=None, description="years; absent: as approval_lasts")
    renewal_lead: ValueId | None = Field(default=None, description="a renewal is filed so long before the approval ends")
    grace: ValueId | None = Field(default=None, description="a course goes on so long after its approval has ended")
    bridge: Literal["present", "none"] | tuple[TreatmentId, ...] = Field(
        default="present", description="while a patient waits: what is taken goes on, nothing, or these are added"
    )
    note: str = ""
    source: str = Field(default="", description="keys of sources.csv")
