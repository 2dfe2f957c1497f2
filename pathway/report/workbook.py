"""The workbook: every table as values. No formula, no macro, no text that becomes one."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence

import pandas as pd

from pathway.report.formats import LONGEST_CELL, NOT_AVAILABLE, Column, visible
from pathway.report.tables import Table

FORMATS = {"money": "#,##0", "number": "#,##0.000", "share": "0.0%", "whole": "#,##0"}
LONGEST_NAME = 31
INK = "FF0B4F8A"
PALE = "FF808080"


def sheet_name(title: str, taken: set[str]) -> str:
    """Return a legal name of a sheet, at most 31 characters, not yet taken.

    Examples
    --------
    >>> sheet_name("a/b: c", set())
    'a b c'
    """
    base = re.sub(r"\s+", " ", re.sub(r"[\[\]:*?/\\']", " ", visible(title))).strip()[:LONGEST_NAME] or "table"
    name, number = base, 2
    while name.lower() in {one.lower() for one in taken}:
        name, number = f"{base[: LONGEST_NAME - 4]} ({number})", number + 1
    taken.add(name)
    return name


def workbook(tables: Sequence[Table], front: Sequence[tuple[str, str]]) -> bytes:
    """Make a workbook: a front page, then one sheet a table.

    Parameters
    ----------
    tables
        Full frames are written, printed columns first under their printed heads.
    front
        Lines of the first sheet.
    """
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    taken: set[str] = set()
    page = book.active
    page.title = sheet_name("Read me", taken)
    for number, (word, text) in enumerate(front, start=1):
        _write_text(page.cell(row=number, column=1), word)
        _write_text(page.cell(row=number, column=2), text)
        page.cell(row=number, column=1).font = Font(bold=True)
        page.cell(row=number, column=2).alignment = Alignment(wrap_text=True, vertical="top")
    page.column_dimensions["A"].width, page.column_dimensions["B"].width = 28, 110
    for table in tables:
        sheet = book.create_sheet(sheet_name(table.title, taken))
        _write_text(sheet.cell(row=1, column=1), table.title)
        sheet.cell(row=1, column=1).font = Font(bold=True, color=INK, size=13)
        _write_text(sheet.cell(row=2, column=1), table.note)
        sheet.cell(row=2, column=1).font = Font(color=PALE, italic=True)
        for place, (key, head, form) in enumerate(layout(table), start=1):
            cell = sheet.cell(row=4, column=place)
            _write_text(cell, head)
            is_error = head == "standard error"
            cell.font = Font(bold=not is_error, color=PALE if is_error else "FF000000")
            cell.alignment = Alignment(wrap_text=True, vertical="bottom")
            longest = 10
            for number, value in enumerate(table.frame[key].tolist(), start=5):
                cell = sheet.cell(row=number, column=place)
                _write_value(cell, value, form)
                if is_error:
                    cell.font = Font(color=PALE)
                longest = max(longest, min(len(str(value)) if isinstance(value, str) else 12, 60))
            sheet.column_dimensions[get_column_letter(place)].width = longest + 2
        sheet.freeze_panes = "B5"
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def layout(table: Table) -> list[tuple[str, str, str]]:
    """(key, head, form) of every column: as printed with its error beside it, then what was not printed."""
    found: list[tuple[str, str, str]] = []
    for column in table.columns:
        found.append((column.key, column.head or column.key, column.form))
        if column.error and column.error in table.frame:
            found.append((column.error, "standard error", column.form))
    used = {key for key, _, _ in found}
    found += [(str(key), str(key), _form_of(table.frame[key])) for key in table.frame.columns if key not in used]
    return [one for one in found if one[0] in table.frame]


def _form_of(values: pd.Series) -> str:
    """How a column that is not printed is shown."""
    return (
        "number"
        if pd.api.types.is_float_dtype(values)
        else "whole"
        if pd.api.types.is_integer_dtype(values)
        else "text"
    )


def _write_text(cell: object, text: str) -> None:
    """Write text as text, whatever it begins with."""
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    safe = ILLEGAL_CHARACTERS_RE.sub("", visible(text))[:LONGEST_CELL]
    cell.value = safe  # type: ignore[attr-defined]
    cell.data_type = "s"  # type: ignore[attr-defined]
    cell.quotePrefix = safe[:1] in "=+-@"  # type: ignore[attr-defined]


def _write_value(cell: object, value: object, form: str) -> None:
    """Write a number as a number, a missing one as words, anything else as text."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        _write_text(cell, "" if value is None else str(value))
        return
    if not math.isfinite(float(value)):
        _write_text(cell, NOT_AVAILABLE)
        return
    cell.value = value  # type: ignore[attr-defined]
    cell.number_format = FORMATS.get(form, "General")  # type: ignore[attr-defined]


__all__ = ["Column", "layout", "sheet_name", "workbook"]
