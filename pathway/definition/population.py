"""``cohorts.toml``: preset populations and where in the pathway they enter.

This module must not read files, know a disease, or draw anything.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pathway.definition.words import CovariateId, Document, Label, Name, TreatmentId, ValueId


class Draw(Document):
    """How a covariate is drawn: one family. Numbers are evidence ids; ``low`` and ``high`` truncate."""

    family: Literal["normal", "lognormal", "yes_no", "fixed", "uniform", "predicted"]
    mean: ValueId | None = Field(default=None, description="mean; of the log for lognormal: see median")
    median: ValueId | None = None
    sd: ValueId | None = Field(default=None, description="standard deviation (of the log for lognormal)")
    probability: ValueId | None = None
    value: ValueId | None = None
    low: ValueId | None = None
    high: ValueId | None = None
    by: dict[str, ValueId] = Field(
        default_factory=dict, description="mean (or probability) by value of covariate 'of', keys as text"
    )
    of: CovariateId | None = None
    rule: str | None = Field(default=None, description="predicted: a named formula of pathway.cohort.FORMULAS")


class Correlation(Document):
    """Rank correlation of two covariates (Gaussian copula)."""

    a: CovariateId
    b: CovariateId
    value: ValueId


class Entry(Document):
    """Where in the pathway the cohort enters."""

    line: int = Field(default=0, ge=0)
    regimen: tuple[TreatmentId, ...] = ()
    on_regimen_years: CovariateId | None = Field(
        default=None, description="covariate: years on the regimen before entry"
    )
    failed: tuple[TreatmentId, ...] = Field(default=(), description="treatments stopped or failed before entry")
    reason: Name = "progression"
    choose: Literal["same_line", "next_line"] = "same_line"


class CohortDefinition(Document):
    """A preset population with its sources."""

    label: Label
    covariates: dict[CovariateId, Draw]
    correlations: tuple[Correlation, ...] = ()
    entry: Entry = Entry()
    set: dict[ValueId, ValueId] = Field(default_factory=dict, description="values that go with this population")
    source: str = Field(min_length=1)
    note: str = ""
