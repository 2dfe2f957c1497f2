"""``pathway.toml``: the disease as a finite-state machine with registers, its derived values and its switches.

This module must not read files, know a disease, or compile anything.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pathway.definition.body import Condition, Covariate, Finding, Flag, Marker, Schedule, State
from pathway.definition.change import Decision, Effect, ScheduledStop, Transition
from pathway.definition.criteria import Rule
from pathway.definition.response import Index, Response, ResponseShape
from pathway.definition.words import Document, Factor, Label, Name, TreatmentId, ValueId


class Disease(Document):
    """The head of ``pathway.toml``."""

    id: Name
    label: Label
    note: str = ""


class Sum(Document):
    """A derived value: a sum of products, e.g. terms = [["total", "share"], ["-", "rate", "risk"]].

    A term is a product of value ids; a leading "-" makes it negative, an id with a leading "/" divides.
    ``form`` applies one function to the sum: identity, log, exp, rate_from_probability (minus log of one minus
    it) or negative.
    """

    label: Label
    unit: str
    terms: tuple[tuple[Factor, ...], ...]
    form: Literal["identity", "log", "exp", "rate_from_probability", "negative"] = "identity"
    at_least: float | None = None
    source: str = Field(default="derived", min_length=1)
    note: str = ""


class SwitchOption(Document):
    """One option of a structural switch: which value ids stand in for which."""

    label: Label
    set: dict[ValueId, ValueId] = Field(default_factory=dict)


class Switch(Document):
    """A named structural alternative."""

    label: Label
    base: Name
    options: dict[Name, SwitchOption]
    printed: bool = Field(default=False, description="a report prints these alternatives beside its base case")
    source: str = ""


class PathwayDocument(Document):
    """``pathway.toml``: the disease as a finite-state machine with registers, in reading order."""

    disease: Disease
    states: dict[Name, State]
    covariates: dict[Name, Covariate]
    markers: dict[Name, Marker]
    findings: dict[Name, Finding] = Field(default_factory=dict)
    indices: dict[Name, Index] = Field(default_factory=dict)
    schedules: dict[Name, Schedule]
    conditions: dict[Name, Condition] = Field(default_factory=dict)
    flags: dict[Name, Flag] = Field(default_factory=dict)
    rules: dict[Name, Rule] = Field(default_factory=dict)
    transitions: tuple[Transition, ...]
    scheduled: tuple[ScheduledStop, ...] = ()
    decisions: tuple[Decision, ...] = ()
    effects: tuple[Effect, ...] = ()
    response_shapes: dict[Name, ResponseShape] = Field(default_factory=dict)
    responses: dict[TreatmentId, Response] = Field(default_factory=dict)
    derived: dict[ValueId, Sum] = Field(default_factory=dict)
    switches: dict[Name, Switch] = Field(default_factory=dict)
