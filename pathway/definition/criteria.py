"""Rules as written: trees of criteria over fields of the record.

What the fields are is told by :mod:`pathway.rules`. This module must not read files, know a disease, or compile
anything.
"""

from __future__ import annotations

from pydantic import ConfigDict, Field

from pathway.definition.words import Document, Label, RuleId, ValueId


class Criterion(Document):
    """A node of a rule: exactly one of ``all``, ``any``, ``at_least_of``, ``not``, ``rule`` or a leaf ``field``.

    A leaf compares one field of the record with a threshold: ``{ field = "fall", of = "fvc", within = "one_year",
    at_least = "progression_fall" }``. The value of a leaf is *not documented* when the record lacks it or it is
    older than ``within``. Fields are listed in ``pathway.rules.FIELDS``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    all: tuple[Criterion, ...] | None = None
    any: tuple[Criterion, ...] | None = None
    at_least_of: tuple[Criterion, ...] | None = None
    count: int | None = Field(default=None, ge=1, description="with at_least_of: how many must be met")
    negate: Criterion | None = Field(default=None, alias="not")
    rule: RuleId | None = Field(default=None, description="another rule of the same file")
    always: bool | None = Field(default=None, description="true: met for everybody")
    field: str | None = None
    of: str | None = Field(default=None, description="marker, finding, covariate, treatment, flag or condition")
    within: ValueId | None = Field(default=None, description="look-back window; an older value is not documented")
    at_least: ValueId | None = None
    at_most: ValueId | None = None
    above: ValueId | None = None
    below: ValueId | None = None
    equals: float | None = Field(default=None, description="for yes/no fields: 1 or 0; for bands their number")
    applies_if: Criterion | None = Field(default=None, description="otherwise the node is not applicable")
    label: str = ""
    source: str = ""


class Rule(Document):
    """A named criterion with its source."""

    label: Label
    source: str = Field(min_length=1)
    when: Criterion
    note: str = ""
