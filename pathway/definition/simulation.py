"""``policies/simulation.toml``: where the simulation finds the facts that payers' rules speak of.

A rule is one tree with two readers: a reviewer answers it on a patient's file, the simulation on its own record. This table ties the second to the first.
What is not named here is not documented for a simulated payer, and ``pathway check`` says so. This module must not read files, know a disease, or compile
anything.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pathway.definition.policies import Code
from pathway.definition.words import CovariateId, Document, FindingId, FlagId, MarkerId, Name, RuleId, TreatmentId


class Binding(Document):
    """Where one fact stands: exactly one of marker, finding, covariate, flag, rule, clock and constant."""

    marker: MarkerId | None = None
    finding: FindingId | None = None
    covariate: CovariateId | None = None
    flag: FlagId | None = None
    rule: RuleId | None = Field(default=None, description="a yes/no that is yes where this rule of pathway.toml is met")
    clock: Literal["age", "disease_duration"] | None = None
    constant: bool | float | Code | None = Field(default=None, description="the same for every patient; needs a reason")
    times: float = Field(default=1.0, gt=0, description="the fact's unit = the simulation's unit x this")
    choices: dict[Code, float] = Field(default_factory=dict, description="word of the fact's choices -> value in the simulation")
    document: Name | None = Field(default=None, description="kind of document in which a payer must find it; absent: always at hand")
    reason: str = Field(default="", description="why, printed by pathway check; a constant needs one")


class RequestForm(Document):
    """What is asked for when a treatment is asked for."""

    dose_mg: float | None = Field(default=None, gt=0)
    daily_mg: float | None = Field(default=None, gt=0)
    interval_days: float | None = Field(default=None, gt=0)
    product: Name | None = None
    source: str = Field(min_length=1)


class SimulationDocument(Document):
    """``policies/simulation.toml``."""

    diseases: tuple[Name, ...] = Field(default=(), description="names that rules use for this disease")
    facts: dict[Name, Binding] = Field(default_factory=dict)
    contraindicated: dict[TreatmentId, RuleId] = Field(default_factory=dict, description="contraindicated too where this rule of pathway.toml is not met")
    requests: dict[TreatmentId, RequestForm] = Field(default_factory=dict)
    routes: dict[str, Code] = Field(default_factory=dict, description="route of treatments.csv -> word that rules use")
    therapy_document: Name | None = Field(default=None, description="kind of document in which a payer must find earlier treatment")
    absent_agents: str = Field(default="", description="why drugs that no strategy holds count as never used and not contraindicated")
