"""How numbers are printed: no more digits than the simulation's error supports, and text that nothing can run.

This module must not know what the numbers mean.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

Form = Literal["text", "number", "money", "share", "whole", "grade"]
GRADE_MARKS = {"verified": "", "derived": "derived", "memory": "◆ from memory", "assumption": "◇ assumption"}
"""How a grade shows beside its number; a verified number needs no mark."""
NOT_AVAILABLE = "n/a"
MINUS = "\u2212"
LONGEST_CELL = 32_767
"""Characters that fit into a cell of a workbook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    key
        Column of the frame.
    head
        As printed, with currency and price year or unit.
    error
        Column that holds the Monte Carlo standard error; empty: none.
    digits
        Decimals where no error tells how many are known.
    """

    key: str
    head: str
    form: Form = "number"
    error: str = ""
    digits: int = 2


def decimals(error: float, digits: int) -> int:
    """Decimals that an error supports: down to its second significant digit; negative for tens, hundreds.

    Examples
    --------
    >>> decimals(1234.0, 2), decimals(0.031, 2), decimals(0.0, 2)
    (-2, 3, 2)
    """
    if not math.isfinite(error) or error <= 0.0:
        return digits
    return 1 - math.floor(math.log10(error))


def rounded(value: float, places: int) -> str:
    """Write a number with thousands separated, to so many decimals (negative: tens, hundreds).

    Examples
    --------
    >>> rounded(-1234567.0, -3), rounded(0.125, 2), rounded(-0.001, 1)
    ('\u22121,235,000', '0.12', '0.0')
    """
    text = f"{round(value, places):,.{max(places, 0)}f}"
    if text.startswith("-"):
        return MINUS + text[1:] if text.strip("-0.,") else text[1:]
    return text


def printed(value: object, column: Column, error: float = float("nan")) -> tuple[str, str]:
    """Give a cell's text and, in small grey beside it, its Monte Carlo standard error.

    Examples
    --------
    >>> printed(123456.0, Column(key="cost", head="Cost", form="money", error="se"), 1234.0)
    ('123,500', '±1,200')
    >>> printed(0.1234, Column(key="share", head="Share", form="share"))
    ('12.3 %', '')
    """
    if column.form in ("text", "grade"):
        text = "" if value is None or (isinstance(value, float) and math.isnan(value)) else visible(str(value))
        return (GRADE_MARKS.get(text, text) if column.form == "grade" else text), ""
    number = float(value) if isinstance(value, int | float | np.number) else float("nan")
    if not math.isfinite(number):
        return "" if column.error else NOT_AVAILABLE, ""
    if column.form == "whole":
        return rounded(number, 0), ""
    scale = 100.0 if column.form == "share" else 1.0
    unit = " %" if column.form == "share" else ""
    usual = {"share": 1, "money": 0}.get(column.form, column.digits)
    places = min(decimals(scale * error, usual), 3)
    if column.form == "money":
        places = min(places, 2)
    if column.form == "share":
        places = min(max(places, 0), 1)
    shown_error = f"±{rounded(scale * error, places)}{unit}" if math.isfinite(error) and error > 0.0 else ""
    return rounded(scale * number, places) + unit, shown_error


def significant(value: float, digits: int = 4) -> str:
    """Write a number of the evidence: some four significant digits, no exponent unless tiny.

    Examples
    --------
    >>> significant(0.0312345), significant(134567.0), significant(3.0)
    ('0.03123', '134,567', '3')
    """
    if not math.isfinite(value):
        return NOT_AVAILABLE
    if value == 0.0 or 1e-4 <= abs(value) < 1e9:
        places = max(digits - 1 - (math.floor(math.log10(abs(value))) if value else 0), 0)
        text = f"{value:,.{places}f}"
        return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", MINUS)
    return f"{value:.{digits - 1}e}"


def visible(text: str) -> str:
    r"""Text without characters that hide or reorder others.

    Examples
    --------
    >>> visible("a\x1b[2Jb\u202e")
    'a[2Jb'
    """
    return "".join(one for one in text if one in "\n\t" or unicodedata.category(one) not in ("Cc", "Cf", "Cs", "Co"))


_FORMULA = re.compile(r"^\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula: a leading apostrophe where it might. To read it back, drop one apostrophe.

    Examples
    --------
    >>> harmless("=1+1"), harmless("mmf"), harmless("'quoted")
    ("'=1+1", 'mmf', "''quoted")
    """
    return "'" + text if _FORMULA.match(text) or text.startswith("'") else text


def harmless_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Text columns made harmless; numbers stay numbers."""
    safe = frame.copy()
    for name in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[name]) and not pd.api.types.is_bool_dtype(safe[name]):
            safe[name] = [
                harmless(visible(value)) if isinstance(value, str) else value for value in safe[name].astype(object)
            ]
    return safe.rename(columns=lambda name: harmless(visible(str(name))))
