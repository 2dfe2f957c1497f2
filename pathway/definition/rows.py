"""Rows of the CSV files of a disease folder: evidence, sources, treatments, dosing, prices.

This module must not read files, know a disease, or compile anything.
"""

from __future__ import annotations

import datetime
from typing import Literal

from pydantic import Field

from pathway.definition.words import Document, Family, Grade, ItemId, Label, Name, TreatmentId, ValueId


class EvidenceRow(Document):
    """One number that someone measured, derived or assumed (``evidence/*.csv``)."""

    id: ValueId
    label: Label
    value: float
    unit: str = Field(description="a unit of pathway.units")
    family: Family = Field(description="distribution of the parameter's uncertainty")
    low: float | None = Field(
        default=None, description="lower end of the 95 % interval, or of the range (uniform, triangular)"
    )
    high: float | None = None
    standard_error: float | None = Field(default=None, ge=0)
    group: str = Field(
        default="", description="parameters of one group are drawn with the same uniform (perfectly correlated)"
    )
    source: str = Field(min_length=1, description="keys of sources.csv, separated by ';'")
    grade: Grade
    basis: str = Field(default="", description="rows of the evidence review it rests on, e.g. F026;F032")
    note: str = ""


class SourceRow(Document):
    """One publication or decision (``sources.csv``)."""

    key: str = Field(pattern=r"^[a-z0-9_]+$")
    citation: str = Field(min_length=1)
    doi_or_url: str = ""
    accessed: str = ""
    note: str = ""


class TreatmentRow(Document):
    """One treatment (``treatments.csv``)."""

    id: Name
    label: Label
    substance: str
    drug_class: str
    route: Literal["oral", "subcutaneous", "intravenous", "procedure"]
    mechanism: str = ""
    source: str = Field(min_length=1)
    note: str = ""


class DosingRow(Document):
    """How a treatment uses a priced item during a course (``dosing.csv``).

    ``mode`` is one of the three drug-use modes: ``rate`` (``amount`` units a year while on drug), ``scheduled``
    (administrations at ``first_days``, then every ``interval_days``, ``count`` of them or until the course stops;
    a dose given is paid even if the patient stops next day) and ``packs`` (a pack of ``amount`` units dispensed
    every ``interval_days`` from ``first_days``, the unexpired part wasted at stop).
    """

    treatment: TreatmentId
    item: ItemId = Field(description="what is used: an item of prices.csv")
    category: Literal["drug", "administration", "monitoring"]
    mode: Literal["rate", "scheduled", "packs"]
    amount: float = Field(gt=0)
    amount_unit: str = Field(description="mg, vial, tablet, pack, infusion, test, visit, injection ...")
    basis: Literal["fixed", "per_kg", "per_m2"] = "fixed"
    weight_at_least: float | None = Field(default=None, gt=0, description="kg: the row is for patients from this weight")
    weight_below: float | None = Field(default=None, gt=0, description="kg: the row is for patients below this weight")
    cap: float | None = Field(default=None, gt=0, description="largest amount of one administration, in amount_unit")
    vial_sizes: str = Field(default="", description="e.g. 80;200;400, in amount_unit; empty: no rounding")
    vial_sharing: bool = False
    first_days: float = Field(default=0.0, ge=0)
    interval_days: float | None = Field(default=None, gt=0)
    count: int | None = Field(default=None, gt=0)
    from_days: float = Field(default=0.0, ge=0, description="this row acts from this day of the course")
    until_days: float | None = Field(default=None, gt=0)
    intensity: float = Field(default=1.0, gt=0, le=1, description="relative dose intensity; multiplies units, not time")
    reduced: float = Field(default=1.0, gt=0, le=1, description="share of the units that are used while the dose is reduced; its share of the effect is evidence")
    source: str = Field(min_length=1)
    grade: Grade
    note: str = ""


class PriceRow(Document):
    """One unit price (``prices.csv``). ``basis`` list or net; costs and fees have one row with basis ``fee``."""

    item: Name
    label: Label
    value: float = Field(ge=0, le=1e9)
    unit: str = Field(description="per what: mg, vial, tablet, pack, visit, test, event, year ...")
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    price_year: int = Field(ge=1990, le=2030)
    basis: Literal["list", "net", "fee"]
    channel: str = Field(description="ASP+6, WAC, NADAC, physician fee schedule, published cost study ...")
    valid_from: datetime.date | None = None
    valid_until: datetime.date | None = None
    index: str = Field(
        default="none", description="how it is brought to the price year of the study: none or medical_cpi"
    )
    family: Family = "fixed"
    low: float | None = Field(default=None, ge=0)
    high: float | None = Field(default=None, ge=0)
    source: str = Field(min_length=1)
    grade: Grade
    note: str = ""
