"""What is compared: lines of candidates, and under which payer's process.

This module must not read files, know a disease, or compile anything.
"""

from __future__ import annotations

from pydantic import Field

from pathway.definition.words import AccessId, DecisionId, Document, Label, RuleId, TreatmentId


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
    access: AccessId | None = Field(default=None, description="the payer's process it runs under; absent: the study's")
    evidence_note: str = Field(
        default="", description="what the lines of this strategy rest on, printed in every report"
    )
    source: str = ""
