"""CSV files become checked rows; every fault names file, row and column.

A row's number is its line in the file, as a spreadsheet shows it: the header is row 1. Text is taken as it
stands, whatever it begins with; a number is digits with a decimal point. This module must not know what the
rows are for.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from pathway.errors import did_you_mean
from pathway.reading.documents import expected_of, mend_of
from pathway.reading.hints import NUMBER, column_hint, number_hint
from pathway.reading.text import LONGEST_TEXT, Findings, forbidden_character

Row = TypeVar("Row", bound=BaseModel)
Cells = list[tuple[int, dict[str, str]]]
"""Rows as (number, column -> text)."""

DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
YES = {"true": "true", "yes": "true", "1": "true", "false": "false", "no": "false", "0": "false"}


def read_cells(
    text: str, name: str, findings: Findings, *, required: Sequence[str], optional: Sequence[str] = ()
) -> Cells | None:
    """Rows of a CSV text by column name, or None if the table as a whole is at fault.

    Accepted: a byte order mark, CRLF, empty lines, quoted cells. Refused: other delimiters, a header that
    repeats a column, lacks a required one or has an unknown one, rows with more cells than the header.
    """
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    rows: Cells = []
    try:
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = [cell.strip() for cell in cells]
                if not _check_header(header, name, findings, required, optional):
                    return None
                continue
            row = _row(cells, header, f"{name}, row {lines.line_num}", findings)
            if row is not None:
                rows.append((lines.line_num, row))
    except csv.Error as error:
        findings.faults.add(
            where=f"{name}, row {lines.line_num}",
            found=str(error),
            expected="comma-separated values; quotation marks doubled inside quoted cells",
            mend="check the quotation marks of this row and the one before",
        )
        return None
    return rows


def _check_header(
    header: list[str], name: str, findings: Findings, required: Sequence[str], optional: Sequence[str]
) -> bool:
    """Whether the header can be used; what is wrong is noted."""
    where = f"{name}, row 1"
    before = len(findings.faults.faults)
    if len(header) == 1 and len(required) > 1 and re.search(r"[;\t|]", header[0]):
        mark = next(mark for mark in ";\t|" if mark in header[0])
        findings.faults.add(
            where=where,
            found=f"columns separated by {'a tab' if mark == chr(9) else repr(mark)}",
            expected="columns separated by commas, numbers with a decimal point",
            mend="save as comma-separated CSV (a spreadsheet set to a language with decimal commas writes semicolons)",
        )
        return False
    for column in dict.fromkeys(column for column in header if header.count(column) > 1):
        findings.faults.add(
            where=where,
            found=f"column {column or '(without a name)'} twice" if column else "two columns without a name",
            expected="each column once",
            mend="delete one of them",
        )
    known = [*required, *optional]
    for column in header:
        if column not in known:
            findings.faults.add(
                where=where,
                found=f"unknown column '{column}'",
                expected=f"columns {', '.join(known)}",
                mend=column_hint(column) or did_you_mean(column, known) or "delete the column, or check its spelling",
            )
    for column in required:
        if column not in header:
            findings.faults.add(
                where=where,
                found=f"no column {column}",
                expected=f"columns {', '.join(required)}",
                mend=f"add the column {column}",
            )
    return len(findings.faults.faults) == before


def _row(cells: list[str], header: list[str], where: str, findings: Findings) -> dict[str, str] | None:
    """Cells of a row by column; empty ones are left out."""
    if any(cell.strip() for cell in cells[len(header) :]):
        findings.faults.add(
            where=where,
            found=f"{len(cells)} cells",
            expected=f"{len(header)} cells, as in the header",
            mend="put cells that contain a comma in quotation marks; write numbers without commas",
        )
        return None
    row: dict[str, str] = {}
    for column, cell in zip(header, cells, strict=False):
        control = forbidden_character(cell)
        if control:
            findings.faults.add(
                where=f"{where}, column {column}",
                found=f"control character {control}",
                expected="visible characters",
                mend="delete it",
            )
            return None
        if len(cell) > LONGEST_TEXT:
            findings.faults.add(
                where=f"{where}, column {column}",
                found=f"{len(cell)} characters",
                expected=f"at most {LONGEST_TEXT}",
                mend="shorten the text",
            )
            return None
        if cell.strip():
            row[column] = cell.strip()
    return row


def number(cell: str | None, where: str, findings: Findings) -> float | None:
    """Read the number in a cell, or None after noting why not."""
    if cell is not None and NUMBER.fullmatch(cell):
        found = float(cell)
        if abs(found) != float("inf"):
            return found
    findings.faults.add(
        where=where,
        found=f'the text "{cell}"' if cell else "an empty cell",
        expected="a number",
        mend=number_hint(cell) if cell else "give a number",
    )
    return None


def read_rows(text: str, model: type[Row], name: str, findings: Findings) -> list[tuple[int, Row]]:
    """Read the rows of a CSV text, each with its number.

    Columns are the fields of ``model``; an empty cell leaves a field out.
    """
    fields = model.model_fields
    cells = read_cells(
        text,
        name,
        findings,
        required=[key for key, field in fields.items() if field.is_required()],
        optional=[key for key, field in fields.items() if not field.is_required()],
    )
    kinds = {key: _kind(str(field.annotation)) for key, field in fields.items()}
    rows: list[tuple[int, Row]] = []
    for at, row in cells or []:
        one = _build(model, row, kinds, f"{name}, row {at}", findings)
        if one is not None:
            rows.append((at, one))
    return rows


def _kind(annotation: str) -> str:
    """Tell what a column holds, from its type as printed."""
    for kind, mark in (("number", "float"), ("whole", "int"), ("yes_no", "bool"), ("date", "date")):
        if re.search(rf"\b{mark}\b", annotation):
            return kind
    return "text"


def _build(
    model: type[Row], row: Mapping[str, str], kinds: Mapping[str, str], where: str, findings: Findings
) -> Row | None:
    """One checked row, or None after noting every fault of it."""
    values: dict[str, object] = {}
    before = len(findings.faults.faults)
    for column, cell in row.items():
        kind = kinds[column]
        place = f"{where}, column {column}"
        if kind == "number":
            values[column] = number(cell, place, findings)
        elif kind == "whole":
            if re.fullmatch(r"[+-]?\d{1,18}", cell):
                values[column] = int(cell)
            else:
                findings.faults.add(where=place, found=cell, expected="a whole number", mend=number_hint(cell))
        elif kind == "yes_no" and cell.lower() not in YES:
            findings.faults.add(where=place, found=cell, expected="true or false", mend="write true or false")
        elif kind == "date" and not DATE.fullmatch(cell):
            findings.faults.add(
                where=place, found=cell, expected="a date: 2026-01-31", mend="write year, month, day with hyphens"
            )
        else:
            values[column] = YES[cell.lower()] if kind == "yes_no" else cell
    if len(findings.faults.faults) > before:
        return None
    try:
        return model.model_validate(values)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            column = str(one["loc"][0]) if one["loc"] else ""
            if one["type"] == "missing":
                findings.faults.add(
                    where=f"{where}, column {column}",
                    found="an empty cell",
                    expected=model.model_fields[column].description or f"a value for {column}",
                    mend="name a key of sources.csv" if column == "source" else f"fill in {column}",
                )
            else:
                findings.faults.add(
                    where=f"{where}, column {column}",
                    found=str(one["input"]),
                    expected=expected_of(one),
                    mend=mend_of(one, column),
                )
    return None
