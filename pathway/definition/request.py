"""A request for a determination: what is asked for, and the patient's record, as written in TOML or JSON.

Every measured field is a list of dated observations with unit and document. This module must not read files, know a disease, or judge anything.
"""

from __future__ import annotations

import datetime
from typing import Literal

from pydantic import Field

from pathway.definition.policies import Code, RequestKind, RuleCode
from pathway.definition.words import Document, Label, Name

StopReason = Literal[
    "inefficacy_primary", "inefficacy_secondary", "adverse_event", "intolerance", "contraindication", "cost", "patient", "remission", "completed", "unknown"
]


class Observation(Document):
    """One dated entry of a record. ``value`` is a number with ``unit``, true or false, or a word of the fact's choices."""

    value: bool | float | str | None = Field(default=None, description="absent with never_done: a documented refusal or 'never done'")
    unit: str = ""
    date: datetime.date | None = Field(default=None, description="absent: the day of the request")
    document: str = ""
    attested: bool = Field(default=False, description="stated in a letter without a measurement")
    never_done: bool = Field(default=False, description="the record says that this was never done, or refused")


class Course(Document):
    """One course of one drug."""

    drug: str
    product: str = ""
    route: str = ""
    dose_mg: float | None = Field(default=None, gt=0)
    interval_days: float | None = Field(default=None, gt=0)
    start: datetime.date | None = None
    stop: datetime.date | None = None
    last_dose: datetime.date | None = None
    ongoing: bool | None = Field(default=None, description="absent: ongoing if there is no stop and no last dose")
    stop_reason: StopReason | None = None
    progressed: bool | None = Field(default=None, description="the disease progressed on it")
    held: bool = False
    document: str = ""
    note: str = ""


class Contraindication(Document):
    """Whether a drug is contraindicated, and why."""

    drug: str
    present: bool = True
    basis: str = ""
    document: str = ""


class RecordDocument(Document):
    """A document of the file."""

    id: str = Field(min_length=1)
    type: Literal["letter", "note", "lab", "pft", "hrct", "claim", "other"]
    date: datetime.date
    label: str = ""


class Patient(Document):
    """Who the request is for."""

    id: str = Field(min_length=1, max_length=64)
    birth_date: datetime.date | None = None
    age: float | None = Field(default=None, ge=0, le=120, description="years; when no birth date is given")
    sex: Literal["female", "male"] | None = None
    diagnosis: tuple[Code, ...] = Field(default=(), description="disease names of the libraries, e.g. ssc_ild, ssc, ra, and ICD-10 codes")
    first_symptom: datetime.date | None = Field(default=None, description="first non-Raynaud symptom")
    therapy_history_complete: bool = Field(default=False, description="the list of courses is asserted to be complete")
    contraindications_complete: bool = False
    claims_complete: bool = Field(default=True, description="pharmacy and medical claims are all there")


class Asked(Document):
    """What is asked for."""

    kind: RequestKind
    disease: Name
    drug: str
    product: str = ""
    route: str = ""
    dose_mg: float | None = Field(default=None, gt=0)
    interval_days: float | None = Field(default=None, gt=0)
    with_drugs: tuple[str, ...] = Field(default=(), description="drugs started together with it")
    line: int | None = Field(default=None, ge=1)
    date: datetime.date = Field(description="day of the request; everything is judged as of it")
    intended_start: datetime.date | None = None
    date_of_service: datetime.date | None = Field(default=None, description="retrospective requests are judged as of it")
    profiles: tuple[str, ...] = Field(default=("label_only",), description="payer rules that decide; the first is the plan's own, the rest are shown for contrast")
    missing_policy: Literal["pend_first", "strict"] = "pend_first"
    parameters: dict[Name, Literal["any", "all"]] = Field(default_factory=dict)
    question: str = ""


class RequestDocument(Document):
    """A request file."""

    schema_version: int = Field(default=1, ge=1, le=1)
    label: Label
    request: Asked
    patient: Patient
    observations: dict[Name, Observation | tuple[Observation, ...]] = Field(default_factory=dict)
    therapies: tuple[Course, ...] = ()
    contraindications: tuple[Contraindication, ...] = ()
    documents: tuple[RecordDocument, ...] = ()
    source: str = ""


__all__ = ["Asked", "Contraindication", "Course", "Observation", "Patient", "RecordDocument", "RequestDocument", "RuleCode", "StopReason"]
