"""Hints for numbers and words that people write differently from what a file format takes.

This module must not read files or know a document's shape.
"""

from __future__ import annotations

import math
import re

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)

COLUMNS = {
    "sd": "standard_error is the sd of patients / sqrt(n): the uncertainty of the mean, not the spread of patients",
    "se": "write standard_error",
    "stderr": "write standard_error",
    "ci_low": "write low",
    "ci_high": "write high",
    "lower": "write low",
    "upper": "write high",
    "mean": "write value",
    "units": "write unit",
    "reference": "write source: a key of sources.csv",
}
"""Columns that other tables have -> what they are called here."""

NOT_PAIRS = (
    (r"<<", "merge keys do not exist here: write the keys out"),
    (r"(---|\.\.\.)$", "one document a file: delete the line"),
    (r"[A-Za-z_][\w.]*\s*:", "write key = value: TOML has an equals sign, not a colon"),
)
"""Lines without an equals sign, as people write them elsewhere -> what to do about them."""


def number_hint(text: str) -> str:
    """Tell what to write instead of a text that should be a number.

    Examples
    --------
    >>> number_hint("50%")
    'write 0.5, without the percent sign'
    """
    word = text.strip()
    if NUMBER.fullmatch(word):
        if math.isinf(float(word)):
            return "give a number below 1e308"
        return f"write {float(word):.15g} without quotation marks"
    percent = word.removesuffix("%").strip()
    if word.endswith("%") and NUMBER.fullmatch(percent):
        return f"write {float(percent) / 100:.15g}, without the percent sign"
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?", word):
        return f"write {word.replace(',', '')}: no comma between thousands"
    if re.fullmatch(r"[+-]?\d*,\d+", word):
        return f"write {word.replace(',', '.')}: a decimal point, not a comma"
    if word.lower() in ("nan", "inf", "-inf", "+inf", "infinity", ".nan", ".inf"):
        return "give a finite number"
    if re.fullmatch(r"\d{1,4}[-/:]\d{1,2}([-/:]\d{1,4})?", word):
        return "it looks like a date or a time: give a number, with its unit in the column or key unit"
    if re.match(r"[$€£]", word):
        return "leave the currency sign out; the currency has its own column or key"
    return "write a plain number, such as 0.05 or 120"


def column_hint(column: str) -> str:
    """Tell what a column that people expect is called here, and what it means; empty if that is not known.

    Examples
    --------
    >>> column_hint("SE")
    'write standard_error'
    """
    return COLUMNS.get(column.strip().lower(), "")


def syntax_hint(line: str) -> str:
    """Tell what may be wrong with a line that TOML cannot read.

    Examples
    --------
    >>> syntax_hint("rate = 50%")
    'write 0.5, without the percent sign'
    """
    key, equals, value = line.partition("=")
    word = value.split("#")[0].strip()
    if not equals:
        return next((hint for mark, hint in NOT_PAIRS if re.match(mark, line.strip())), "write key = value, or [table]")
    if word.endswith("%") or re.fullmatch(r"[+-]?\d+(,\d+)+(\.\d*)?", word):
        return number_hint(word)
    if re.fullmatch(r"[+-]?0\d+", word):
        return f"write {int(word)}: a number has no leading zero"
    if re.fullmatch(r"\.\d+|\d+\.", word):
        return f"write {float(word):.15g}: digits on both sides of the point"
    if word.lower() in ("null", "none", "nil", ""):
        return f"give {key.strip()} a value, or leave the key out"
    if word.lower() in ("yes", "no", "on", "off") or word in ("True", "False", "TRUE", "FALSE"):
        return f'write true or false; or "{word}" in quotation marks if it is a text'
    if word[:1] in "!&*":
        return "tags, anchors and aliases do not exist here: write the value itself"
    if re.fullmatch(r"[A-Za-z_][^\"']*", word):
        return f'put text in quotation marks: "{word}"'
    return "check quotation marks, brackets and commas on this line"
