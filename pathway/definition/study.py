"""``scenarios/*.toml``: one study, as written.

This module must not read files, know a disease, or compile anything.
"""

from __future__ import annotations

import datetime
from typing import Literal

from pydantic import Field

from pathway.definition.strategies import StrategyDefinition
from pathway.definition.words import (
    AccessId,
    CohortId,
    Document,
    Grade,
    ItemId,
    Label,
    LifeTableId,
    Name,
    OwnName,
    StrategyId,
    SwitchId,
    ValueId,
)


class Override(Document):
    """A scenario's own number in place of the library's."""

    value: float
    unit: str
    source: str = Field(min_length=1)
    grade: Grade = "assumption"
    low: float | None = None
    high: float | None = None
    note: str = ""


class PriceOverride(Document):
    """A scenario's own price."""

    value: float = Field(ge=0, le=1e9)
    unit: str
    basis: Literal["list", "net", "fee"] = "net"
    price_year: int = Field(ge=1990, le=2030)
    source: str = Field(min_length=1)
    grade: Grade = "assumption"


class Study(Document):
    """The head of a scenario."""

    schema_version: int = Field(default=1, ge=1, le=1)
    id: Name
    label: Label
    disease: str = Field(description="a library folder's name, or the path of your own folder")
    question: str = ""
    cohort: CohortId | None = Field(default=None, description="a preset of cohorts.toml")
    patients_file: str | None = Field(default=None, description="CSV of your own patients, beside the scenario")
    patients: int = Field(default=1000, ge=1, le=10_000_000)
    seed: int = Field(default=20260101, ge=0, lt=2**63)
    strategies: tuple[StrategyId, ...]
    comparator: StrategyId
    horizon: float = Field(gt=0, le=120, description="years; 100 is a lifetime")
    engine: str = "compiled"
    access: AccessId = "open"
    calibration: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", description="a table of the disease's folder calibrated/; absent: the evidence as published"
    )


class EconomicsChoice(Document):
    """How the ledger is valued: a change needs no new run."""

    currency: str = Field(pattern=r"^[A-Z]{3}$")
    price_year: int = Field(ge=1990, le=2030)
    price_basis: Literal["list", "net"]
    price_date: datetime.date
    perspective: str
    discount_costs: float = Field(ge=0, le=0.2)
    discount_outcomes: float = Field(ge=0, le=0.2)
    discount_convention: Literal["continuous", "start_of_year", "mid_year"] = "continuous"
    thresholds: tuple[float, ...]


class ScenarioDocument(Document):
    """``scenarios/*.toml``: one study."""

    study: Study
    economics: EconomicsChoice
    switches: dict[SwitchId, Name] = Field(default_factory=dict)
    values: dict[ValueId, Override] = Field(default_factory=dict)
    prices: dict[ItemId, PriceOverride] = Field(default_factory=dict)
    life_table: dict[LifeTableId, LifeTableId] = Field(default_factory=dict)
    strategies: dict[OwnName, StrategyDefinition] = Field(
        default_factory=dict, description="strategies of the scenario's own"
    )
