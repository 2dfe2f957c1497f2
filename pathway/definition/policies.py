"""``policies/*.toml``: who may start and stay on a drug, as written by labels, guidelines and payers.

A policy file has a head (issuer, layer, dates) and rules. A rule is a tree of clauses over the *facts* of a patient's record, or an
ordered list of bands of which the first that fits wins. Labels, guidelines and payers are separate layers and are never merged. The
thresholds of a rule stand in its file beside the source that prints them: they are the wording of a rule, not evidence with a spread.

``facts.toml`` says what a record may hold; ``agents.toml`` names drugs, their classes and products. This module must not read files,
know a disease, or judge anything.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from pathway.definition.words import Document, Label, Name

RuleCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]*(-[A-Z0-9]+)+$", max_length=40)]
"""A rule's name as reviewers cite it: ``L-TCZ-06``, ``P-CVS-SSC``."""
Span = Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)? (days?|weeks?|months?|years?)$")]
"""A length of calendar time: ``180 days``, ``12 months`` (months and years run by the calendar)."""
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-+]*$", max_length=60)]
"""A word of a closed list: ``dcSSc``, ``rheumatology``, ``M34.81``."""

Sentence = Annotated[str, StringConstraints(min_length=1, max_length=400, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""What a rule says, on one line."""

Layer = Literal["label", "guideline", "payer", "practice"]
RuleGrade = Literal["V1", "V2", "S", "M", "A"]
"""V1 primary source read; V2 secondary source; S stated in a seed document only; M memory; A assumption."""
RuleType = Literal["initiation", "continuation", "dosing", "start_gate", "monitoring", "step", "exclusion", "advice", "definition", "evidence", "record"]
RequestKind = Literal["start", "add", "repeat", "continuation", "next_dose", "retrospective", "evidence", "advice"]
IfNotMet = Literal["deny", "modify", "block", "flag", "warn", "nothing"]
IfMissing = Literal["pend", "block", "warn", "absent", "nothing"]
Act = Literal["continue", "adjust", "reduce", "hold", "discontinue", "not_recommended", "dose", "start", "expect", "uncertain"]
Position = Literal[
    "preferred", "option", "permitted", "strong_for", "conditional_for", "conditional_against", "strong_against", "adjust", "advice", "uncertain", "research_only"
]
TherapyQuestion = Literal[
    "tried", "on", "failed", "intolerant", "failed_or_intolerant", "contraindicated", "progressed", "stopped", "reason_documented"
]


class Fact(Document):
    """One thing a record may hold: its unit, what is plausible, and how it is asked for."""

    label: Label
    kind: Literal["quantity", "yes_no", "choice"]
    unit: str = ""
    low: float | None = Field(default=None, description="a value below is implausible and refused")
    high: float | None = None
    units: dict[str, float] = Field(default_factory=dict, description="other units that are accepted, with the factor to ``unit``")
    refused_units: dict[str, str] = Field(default_factory=dict, description="units that are refused, with the suggestion shown")
    whole: bool = Field(default=False, description="a count: whole in its own unit")
    choices: tuple[Code, ...] = ()
    derived: Literal["", "age", "disease_duration", "transaminases", "das28_crp", "das28_esr", "cdai", "sdai", "activity", "not_male"] = Field(
        default="", description="computed from other facts when the record does not state it"
    )
    codes: tuple[Code, ...] = Field(default=(), description="diagnosis: ICD-10 codes that stand for it, and all that begin with them")
    document: Name | None = Field(default=None, description="the kind of document it stands in: letter, note, lab, pft, hrct, claim")
    changeable: bool = Field(default=True, description="can a test, a visit or treatment change it")
    ask: str = Field(default="", description="the question put to a clinic when it is missing")
    source: str = ""


class Product(Document):
    """One product of an agent: what its label lists."""

    label: Label
    indications: tuple[Name, ...] = ()
    routes: tuple[Code, ...] = ()
    biosimilar: bool = False
    grade: RuleGrade = "V2"
    source: str = Field(min_length=1)


class Agent(Document):
    """A drug as records and rules name it; ``classes`` are names that rules may use in its place."""

    label: Label
    classes: tuple[Name, ...] = ()
    names: tuple[str, ...] = Field(default=(), description="other names a record may use, brands included")
    labelled_for: tuple[Name, ...] | None = Field(default=None, description="diseases that its label lists, none if empty; absent: its label was not read for them")
    products: dict[Name, Product] = Field(default_factory=dict)
    treatments: tuple[Name, ...] = Field(default=(), description="treatments of the disease libraries that are this agent")
    source: str = ""


class Clause(Document):
    """A node of a rule: exactly one of the forms below.

    Groups: ``all``, ``any``, ``at_least_of`` with ``count``, ``not``, ``rule``. Leaves: ``fact`` (a value against a threshold, a yes/no, a
    choice), ``change_of`` (fall or rise within a window), ``improvement_of`` (share of the baseline of the requested drug's course),
    ``therapy`` (a question on earlier or present drugs), ``request`` (what is asked for), ``documented`` (a test was done).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False, str_strip_whitespace=True)

    all: tuple[Clause, ...] | None = None
    any: tuple[Clause, ...] | None = None
    at_least_of: tuple[Clause, ...] | None = None
    count: int | None = Field(default=None, ge=1)
    negate: Clause | None = Field(default=None, alias="not")
    rule: RuleCode | None = None

    fact: Name | None = None
    change_of: Name | None = None
    improvement_of: Name | None = None
    therapy: TherapyQuestion | None = None
    request: Literal["drug", "kind", "route", "dose_mg", "daily_mg", "interval_days", "product", "product_indicated", "line", "with_drug", "quantity", "dose_mg_per_kg"] | None = None
    documented: tuple[Name, ...] | None = None

    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None
    equals: bool | float | None = None
    one_of: tuple[Code, ...] | None = None
    unit: str = Field(default="", description="unit of the threshold; must be the fact's own")

    within: Span | None = Field(default=None, description="older than this is not documented; for change_of the window of the change")
    ever: bool = Field(default=False, description="fact: was it ever so, whatever was found later")
    before_start_of: tuple[Name, ...] = Field(default=(), description="last value before the first dose of these agents or classes")
    direction: Literal["fall", "rise"] = "fall"
    relative: bool = Field(default=False, description="change_of: as a share of the earlier value, not in units")
    measured_only: bool = Field(default=False, description="what a letter attests without a measurement is not documented")

    drugs: tuple[Name, ...] = Field(default=(), description="agents or classes; with therapy and with_drug")
    products: tuple[Name, ...] = Field(default=(), description="therapy: courses of these products only; a course without a product may be of any")
    indicated: bool = Field(default=False, description="therapy: only drugs whose label lists the disease that is asked for")
    other_than_requested: bool = Field(default=False, description="therapy: leave the requested drug out of ``drugs``")
    every: bool = Field(default=False, description="therapy: of every drug; otherwise of any, or of at_least many")
    for_at_least: Span | None = Field(default=None, description="therapy: the course lasted this long")
    for_more_than: Span | None = Field(default=None, description="therapy: the course lasted longer than this")
    last_dose_within: Span | None = None
    last_dose_before: Span | None = Field(default=None, description="therapy: the latest course began at least this long ago")
    weekly_mg_at_least: float | None = None
    alone: bool = Field(default=False, description="therapy: without another drug of ``not_with`` at the same time")
    not_with: tuple[Name, ...] = ()
    stop_reasons: tuple[Name, ...] = ()

    applies_if: Clause | None = None
    if_missing: IfMissing | None = Field(default=None, description="absent: a missing yes/no is taken as no where claims are complete")
    parameter: Name | None = Field(default=None, description="any: a quantifier that the request may set to any or all")
    label: str = ""
    ask: str = ""
    source: str = ""
    grade: RuleGrade | None = None
    note: str = ""


class Band(Document):
    """One band of an ordered list; the first whose ``when`` is met wins, a band without ``when`` always fits."""

    when: Clause | None = None
    act: Act | None = Field(default=None, description="what follows; a guideline's band has ``says`` instead")
    says: Position | None = Field(default=None, description="guideline: its position when this band fits")
    strength: str = ""
    text: str = Field(min_length=1, description="what to do, in words")
    fits: Clause | None = Field(default=None, description="dosing: the request that this band asks for; another one is modified, or warned of, as the rule says")
    if_repeated: Act | None = Field(default=None, description="act when the value before it was in this band too")
    if_held: Act | None = Field(default=None, description="act when doses are already held for it")
    held_when: Clause | None = Field(default=None, description="if_held only where this held of the values before the last ones")
    repeated_text: str = ""
    held_text: str = ""
    confirm: bool = Field(default=False, description="a single value asks for a repeat")
    flag: str = Field(default="", description="something the source leaves open")
    expects: dict[Name, float] = Field(default_factory=dict, description="evidence: expected values by arm")


class PolicyRule(Document):
    """One rule of an issuer, with its source, grade and what follows from each answer."""

    id: RuleCode
    type: RuleType
    label: Sentence
    diseases: tuple[Name, ...] = Field(default=(), description="empty: every disease")
    drugs: tuple[Name, ...] = Field(default=(), description="agents or classes that a request must concern; empty: every drug")
    kinds: tuple[RequestKind, ...] = Field(default=(), description="kinds of request it is asked at; empty: those of its type")
    applies_if: Clause | None = None
    when: Clause | None = None
    bands: tuple[Band, ...] = ()
    if_not_met: IfNotMet = "deny"
    if_missing: IfMissing = "pend"
    says: Position | None = Field(default=None, description="guideline: its position when met")
    says_if_not_met: Position | None = None
    strength: str = ""
    modification: str = Field(default="", description="the nearest request that would pass")
    do_first: tuple[str, ...] = Field(default=(), description="what to do first when it is not met or not documented")
    do_first_missing: dict[str, tuple[Name, ...]] = Field(default_factory=dict, description="what to do first where one of these facts is not on file")
    advice: tuple[str, ...] = ()
    due_after: Span | None = Field(default=None, description="monitoring: on the drug for so long, a next dose waits for a value that is not on file")
    lasts: Span | None = Field(default=None, description="an approval under it lasts so long")
    source: str = Field(min_length=1, description="where it is printed")
    grade: RuleGrade
    edition: str = ""
    valid_from: datetime.date | None = None
    valid_to: datetime.date | None = None
    conflicts: tuple[str, ...] = Field(default=(), description="numbers of conflicts.toml that touch it")
    note: str = ""


class PolicyHead(Document):
    """The head of a policy file."""

    id: Name
    label: Label
    issuer: Label
    layer: Layer
    effective: datetime.date | None = None
    read: datetime.date = Field(description="the day its sources were read")
    source: str = Field(min_length=1)
    note: str = ""


class PolicyDocument(Document):
    """``policies/*.toml``: one issuer's rules of one layer."""

    policy: PolicyHead
    rules: tuple[PolicyRule, ...]


class Conflict(Document):
    """Where sources disagree, and what is done about it."""

    label: Label
    positions: tuple[str, ...]
    resolution: str
    source: str = ""


Clause.model_rebuild()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """All that is known of coverage for one disease: facts, agents, rules by id and conflicts by number, what is shared first."""

    facts: dict[str, Fact] = field(default_factory=dict)
    agents: dict[str, Agent] = field(default_factory=dict)
    rules: dict[str, PolicyRule] = field(default_factory=dict)
    heads: dict[str, PolicyHead] = field(default_factory=dict)
    """Head of the file of each rule, by the rule's id."""
    conflicts: dict[str, Conflict] = field(default_factory=dict)

    def agent(self, word: str) -> str | None:
        """Give the id of a drug as a record names it: its id, label, or another of its names; None if nothing bears it."""
        asked = word.strip().casefold()
        for name, agent in self.agents.items():
            if asked in (name, agent.label.casefold(), *(other.casefold() for other in agent.names), *agent.products):
                return name
        return None

    def disease(self, name: str) -> str:
        """Give a disease in words: as the question for its diagnosis names it."""
        fact = self.facts.get(f"diagnosis_{name}")
        return fact.label.removesuffix(" diagnosed") if fact is not None else name.replace("_", " ").upper()

    def members(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """Agents that these ids or classes name, in the order of the table."""
        return tuple(name for name, agent in self.agents.items() if name in words or any(one in words for one in agent.classes))
