"""A calibrated table: numbers fitted together, with their errors, how those hang together, and where the table comes from.

A table is a folder ``calibrated/<name>/`` of a disease, as ``pathway calibrate`` writes it. A scenario that names it (``calibration`` in its table ``study``) takes its numbers in
place of the rows of evidence; the scenario's own values still stand above them. This module must not read files, know a disease, or compile anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import Field

from pathway.definition.joint import Joint
from pathway.definition.words import Document, Family, Label, ValueId


class CalibratedRow(Document):
    """One number of ``calibrated.csv``."""

    id: ValueId
    label: Label
    unit: str = Field(description="a unit of pathway.units")
    value: float
    family: Family = Field(description="distribution of the number's uncertainty")
    standard_error: float = Field(gt=0, description="in the number's own unit; of a lognormal it is taken relative to the value, as everywhere")
    low: float | None = Field(default=None, description="2.5 % quantile of that distribution, for reading only")
    high: float | None = None
    monte_carlo_error: float | None = Field(default=None, ge=0, description="how far another seed of the same size would move the value, one standard deviation")
    evidence: float = Field(description="the row of evidence it was fitted beside")
    ratio: float | None = None
    why: str = Field(default="", description="why it may be moved")
    rows: int | None = Field(default=None, ge=0, description="rows it was fitted to")
    seed: int | None = None
    patients: int | None = None
    engine: str = ""


class ProvenanceRow(Document):
    """One line of ``provenance.csv``."""

    what: str = Field(min_length=1)
    told: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibratedTable:
    """A table in force.

    Attributes
    ----------
    name
        Of its folder.
    joint
        Its numbers and the correlations of their normal scores.
    provenance
        What was written down when it was made: command, version, commit, hashes, seed, patients, rows, objective.
    """

    name: str
    joint: Joint
    provenance: Mapping[str, str]

    @property
    def source(self) -> str:
        """Key of the source under which its numbers stand."""
        letters = "".join(one if one.isalnum() else "_" for one in self.name.lower())
        return f"calibration_{letters}"

    @property
    def citation(self) -> str:
        """One sentence that says where the numbers come from."""
        told = self.provenance
        rows = len([one for one in told.get("rows", "").split(";") if one.strip()])
        made = f"{told.get('command', 'pathway calibrate')}, pathway {told.get('version', '')}, {told.get('written', 'undated')}"
        return (
            f"Calibrated table {self.name}: {len(self.joint.ids)} numbers fitted together to {rows} published rows flagged C ({made}; seed {told.get('seed', '')}, "
            f"{told.get('patients', '')} patients an arm; table SHA-256 {told.get('table_sha256', 'not written')[:16]})"
        )
