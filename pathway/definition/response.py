"""How well a treatment works in a patient, and indices of disease activity.

A response is drawn once for a patient and a treatment; what it means for markers is a *shape* that treatments share. This module must not
read files, know a disease, or compile anything.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pathway.definition.words import Document, Label, MarkerId, Name, RuleId, ValueId


class IndexTerm(Document):
    """One part of an index: ``weight * transform(measured marker)``."""

    marker: MarkerId
    weight: ValueId
    transform: Literal["identity", "sqrt", "log", "log1p", "expm1"] = "identity"


class Band(Document):
    """Values of an index up to a cut-point, the last band without one."""

    label: Label
    at_most: ValueId | None = Field(default=None, description="cut-point that still belongs to the band")
    below: ValueId | None = Field(default=None, description="cut-point that no longer does")
    is_target: bool = Field(default=False, description="treatment aims here or lower: a drug that keeps a patient there is called effective")


class Index(Document):
    """An index computed from what one visit measured, in shown units; it exists in the record only."""

    label: Label
    unit: str
    terms: tuple[IndexTerm, ...] = Field(min_length=1)
    constant: ValueId | None = None
    bands: tuple[Band, ...] = Field(default=(), description="from the lowest values up; what reports call the activity of a patient")
    source: str = Field(min_length=1)


class Share(Document):
    """What a response means for one marker: it falls by ``direct + weight * (improvement + noise)``, of its value (at most down to its lower bound) or plain."""

    marker: MarkerId
    weight: ValueId
    direct: ValueId | None = Field(default=None, description="what the drug does to the marker by itself, whatever the improvement (IL-6 inhibitors to CRP)")
    relative: bool = Field(default=True, description="a share of the marker's value at the start of the course; false: shown units")
    noise_sd: ValueId | None = Field(default=None, description="SD of the improvement of this marker alone, one draw a patient")
    noise_as: Name | None = Field(default=None, description="name of that draw; markers that share it are off together; absent: the marker's own")
    gives_back: ValueId | None = Field(default=None, description="share of what was reached that is lost again after the course; absent: nothing")
    gives_back_over: ValueId | None = Field(default=None, description="years over which it is lost")


class ResponseShape(Document):
    """How a latent response becomes improvements of markers over time."""

    label: Label
    curve: tuple[tuple[ValueId, ValueId], ...] = Field(min_length=1, description="latent value and improvement (fraction), ascending, straight between")
    times: tuple[ValueId, ...] = Field(min_length=1, description="years on the course, ascending")
    reached: tuple[ValueId, ...] = Field(min_length=1, description="fraction of the response reached by then")
    shares: tuple[Share, ...] = Field(min_length=1)
    source: str = Field(min_length=1)
    note: str = ""


class Modifier(Document):
    """A shift of the latent value, or a factor on the share that responds, where a rule is met as the course begins."""

    when: RuleId
    by: ValueId


class Response(Document):
    """One treatment: P(improvement of at least c) = factor * Phi((level + shifts - latent(c)) / sd)."""

    shape: Name
    level: ValueId
    sd: ValueId
    shifts: tuple[Modifier, ...] = ()
    factors: tuple[Modifier, ...] = ()
    draws_as: Name | None = Field(default=None, description="name of the draw; treatments of one substance share it; absent: the treatment's own")
    note: str = ""
