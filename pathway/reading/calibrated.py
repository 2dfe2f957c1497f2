"""A calibrated table becomes part of a library, or faults: every one of its three files, all at once.

What is looked at: ids that the evidence has, units, spreads, a correlation matrix (symmetric, ones on its diagonal, none outside -1 to 1, no negative eigenvalue) over the same
ids, and that nobody changed the numbers after they were written. This module must not know a disease or how a fit is made.
"""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pathway.definition.calibrated import CalibratedRow, CalibratedTable, ProvenanceRow
from pathway.definition.joint import Joint, faults_of
from pathway.definition.rows import EvidenceRow, SourceRow
from pathway.definition.scenario import Library
from pathway.definition.values import Parameter
from pathway.errors import did_you_mean
from pathway.reading.evidence import parameter
from pathway.reading.house import house_unit
from pathway.reading.tables import number, read_cells, read_rows
from pathway.reading.text import Findings, read_text

FOLDER = "calibrated"
HASHED = ("calibrated.csv", "correlation.csv")
HASH = "table_sha256"
"""Line of ``provenance.csv`` with the hash of both."""


def tables_of(folder: Path) -> list[str]:
    """Names of the calibrated tables of a disease folder."""
    home = folder / FOLDER
    return sorted(one.name for one in home.iterdir() if (one / HASHED[0]).is_file()) if home.is_dir() else []


def with_calibration(library: Library, folder: Path, name: str, where: str, findings: Findings) -> Library | None:
    """The library with a table's numbers in place of its evidence, or None after noting why not.

    Parameters
    ----------
    folder
        Of the disease.
    where
        What named the table, for messages.
    """
    known = tables_of(folder)
    if name not in known:
        findings.faults.add(
            where=where, found=f"unknown calibrated table '{name}'", expected=f"one of {', '.join(known)}" if known else f"no table: {library.name} has no folder {FOLDER}",
            mend=did_you_mean(name, known) or (f"choose a table of {library.name}/{FOLDER}" if known else f"make one with pathway calibrate, and put it into {FOLDER}/{name}"),
        )  # fmt: skip
        return None
    before, first = len(findings.faults.faults), len(findings.files)
    home, place = folder / FOLDER / name, f"{library.name}/{FOLDER}/{name}"
    texts = {file: read_text(home / file, f"{place}/{file}", findings) for file in (*HASHED, "provenance.csv")}
    told = {row.what: row.told for _, row in read_rows(texts["provenance.csv"] or "what,told\n", ProvenanceRow, f"{place}/provenance.csv", findings)}
    rows = _rows(texts[HASHED[0]], f"{place}/{HASHED[0]}", findings)
    correlations = texts[HASHED[1]]
    ids = _heads(correlations or "") if rows is None else tuple(dict.fromkeys(row.id for _, row in rows))
    correlation = None if correlations is None else _correlation(correlations, ids, f"{place}/{HASHED[1]}", findings)
    _check_untouched(texts, told, place, findings)
    if rows is None or correlation is None or len(findings.faults.faults) > before:
        return None
    table = CalibratedTable(name=name, joint=Joint(ids=ids, correlation=correlation), provenance=told)
    numbers = _numbers(rows, library, table, f"{place}/{HASHED[0]}", findings)
    if len(findings.faults.faults) > before:
        return None
    source = SourceRow(key=table.source, citation=table.citation, accessed=told.get("written", ""))
    return replace(
        library, parameters={**library.parameters, **numbers}, sources={**library.sources, source.key: source}, files=(*library.files, *findings.files[first:]), calibration=table
    )  # fmt: skip


def _rows(text: str | None, where: str, findings: Findings) -> list[tuple[int, CalibratedRow]] | None:
    """Rows of calibrated.csv, or None if not all of them can be read."""
    before = len(findings.faults.faults)
    rows = [] if text is None else read_rows(text, CalibratedRow, where, findings)
    return rows if text is not None and len(findings.faults.faults) == before else None


def _heads(text: str) -> tuple[str, ...]:
    """Numbers that the head of correlation.csv names: what it can be checked against when calibrated.csv cannot be read."""
    head = next(csv.reader(text.splitlines()), [])
    return tuple(dict.fromkeys(name.strip() for name in head[1:]))


def _correlation(text: str, ids: tuple[str, ...], where: str, findings: Findings) -> NDArray[np.float64] | None:
    """Square table in the order of ``ids``, or None after noting every fault."""
    before = len(findings.faults.faults)
    cells = read_cells(text, where, findings, required=["id", *ids])
    if cells is None:
        return None
    rows: dict[str, list[float]] = {}
    for at, row in cells:
        name = row.get("id", "")
        if name not in ids or name in rows:
            findings.faults.add(
                where=f"{where}, row {at}, column id", found=f"{name} again" if name in rows else f"unknown number '{name}'", expected="each number of calibrated.csv once",
                mend="delete one of the two rows" if name in rows else did_you_mean(name, list(ids)) or "name a number of calibrated.csv",
            )  # fmt: skip
            continue
        found = [number(row.get(other), f"{where}, row {at}, column {other}", findings) for other in ids]
        rows[name] = [math.nan if one is None else one for one in found]
    for name in ids:
        if name not in rows:
            findings.faults.add(where=where, found=f"no row {name}", expected="a row for each number of calibrated.csv", mend=f"add the row {name}")
    if len(findings.faults.faults) > before:
        return None
    matrix = np.array([rows[name] for name in ids], dtype=np.float64)
    for reason in faults_of(matrix, ids):
        findings.faults.add(where=where, found=reason, expected="a correlation matrix", mend="take the table as pathway calibrate wrote it")
    return matrix if len(findings.faults.faults) == before else None


def _numbers(rows: list[tuple[int, CalibratedRow]], library: Library, table: CalibratedTable, file: str, findings: Findings) -> dict[str, Parameter]:
    """Parameters by id, in house units."""
    known = list(library.parameters)
    found: dict[str, Parameter] = {}
    for at, row in rows:
        where = f"{file}, row {at}"
        old = library.parameters.get(row.id)
        if old is None or row.id in found:
            findings.faults.add(
                where=f"{where}, column id", found=f"{row.id} again" if row.id in found else f"unknown number '{row.id}'", expected="ids of rows of evidence, each once",
                mend="delete one of the two rows" if row.id in found else did_you_mean(row.id, known) or "make the table anew: the evidence has no such row",
            )  # fmt: skip
            continue
        if row.family in ("fixed", "uniform", "triangular"):
            findings.faults.add(where=f"{where}, column family", found=row.family, expected="normal, lognormal, beta or gamma", mend="name the family of its error")
            continue
        note = f"calibrated; evidence: {row.evidence:.6g} ({old.source}). {row.why}".strip()
        made = EvidenceRow(
            id=row.id, label=row.label, value=row.value, unit=row.unit, family=row.family, standard_error=row.standard_error, source=table.source, grade="derived",
            basis=old.basis, note=note,
        )  # fmt: skip
        one = parameter(made, where, findings)
        if one is None:
            continue
        if one.unit != old.unit:
            findings.faults.add(where=f"{where}, column unit", found=row.unit, expected=old.unit, mend=f"write the number in the unit of {old.origin}")
            continue
        if house_unit(row.unit) == row.unit and not math.isclose(row.evidence, old.value, rel_tol=1e-6, abs_tol=1e-12):
            findings.warn(where, f"{row.id} was fitted beside an evidence of {row.evidence:.6g}, which is {old.value:.6g} today: make the table anew with pathway calibrate")
        found[row.id] = one
    return found


def _check_untouched(texts: Mapping[str, str | None], told: Mapping[str, str], place: str, findings: Findings) -> None:
    """The numbers are those that were written, by their hash."""
    written = told.get(HASH, "")
    parts = [texts[file] for file in HASHED]
    if not written:
        findings.faults.add(where=f"{place}/provenance.csv", found=f"no line {HASH}", expected="the hash under which the table was written", mend="take all files as pathway calibrate wrote them")
    elif None not in parts and written != hash_of(part or "" for part in parts):
        findings.faults.add(
            where=f"{place}/provenance.csv, line {HASH}", found=f"another hash than that of {' and '.join(HASHED)}", expected="the numbers as they were written",
            mend="take all files as pathway calibrate wrote them; put a number of your own into the scenario's table values",
        )  # fmt: skip


def hash_of(texts: Iterable[str]) -> str:
    r"""SHA-256 of texts one after the other, whatever their ends of lines.

    Examples
    --------
    >>> hash_of(["a\r\n", "b"]) == hash_of(["a\n", "b"])
    True
    """
    return hashlib.sha256("".join(text.replace("\r\n", "\n") for text in texts).encode()).hexdigest()
