"""TOML files become checked documents; every fault is told in four parts.

``tomllib`` reads, pydantic checks, and the renderer below turns what they complain about into where, found,
expected and mend. Nothing in a document is executed. This module must not know what the documents are for.
"""

from __future__ import annotations

import datetime
import json
import re
import tomllib
import types
import unicodedata
from collections.abc import Mapping
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pathway.errors import Fault, did_you_mean
from pathway.reading.hints import number_hint, syntax_hint
from pathway.reading.text import DEEPEST, LONGEST_TEXT, MOST_VALUES, Findings, forbidden_character

Model = TypeVar("Model", bound=BaseModel)


def parse_toml(text: str, name: str, findings: Findings) -> dict[str, Any] | None:
    """Tables of a TOML text, or None after noting why not.

    Refused: wrong syntax, a key given twice, tables deeper than 50, control characters, texts that are too
    long, keys that differ only in case or Unicode form.
    """
    try:
        data = tomllib.loads(text)
    except RecursionError:
        findings.faults.add(**_too_deep(name))
        return None
    except ValueError as error:
        findings.faults.add(**_syntax(str(error), text, name))
        return None
    before = len(findings.faults.faults)
    if _count(data) > MOST_VALUES:
        findings.faults.add(
            where=name,
            found=f"more than {MOST_VALUES:,} values",
            expected=f"at most {MOST_VALUES:,} tables, texts and numbers",
            mend="a document holds definitions, not data: rows belong in a CSV file",
        )
        return None
    _look_through(data, name, "", 0, findings)
    return data if len(findings.faults.faults) == before else None


def _count(data: object) -> int:
    """Count the values of a document, no further than it may have."""
    count, left = 0, [data]
    while left and count <= MOST_VALUES:
        found = left.pop()
        count += 1
        if isinstance(found, Mapping | list):
            left.extend(found.values() if isinstance(found, Mapping) else found)
    return count


def _too_deep(name: str) -> dict[str, str]:
    """Four parts of the complaint about nesting."""
    return {
        "where": name,
        "found": f"tables or lists nested deeper than {DEEPEST}",
        "expected": f"at most {DEEPEST} levels",
        "mend": "check brackets; no document needs that many",
    }


def _syntax(message: str, text: str, name: str) -> dict[str, str]:
    """Tell what tomllib says, in four parts, with the line it speaks of."""
    place = re.search(r"\(at line (\d+), column (\d+)\)", message)
    lines = text.splitlines()
    said = re.sub(r"\s*\(at [^)]*\)", "", message)
    if place is None:
        return {
            "where": name,
            "found": said,
            "expected": "a TOML document",
            "mend": syntax_hint(lines[-1])
            if "end of document" in message and lines
            else "check brackets, quotation marks and lengths of numbers",
        }
    number = int(place.group(1))
    line = lines[number - 1] if number <= len(lines) else ""
    if "overwrite" in said or "twice" in said:
        key = line.partition("=")[0].strip() or line.strip()
        first = next(
            (at for at, other in enumerate(lines, 1) if other.partition("=")[0].strip() == key and at < number), None
        )
        return {
            "where": f"{name}, line {number}, column {place.group(2)}",
            "found": f"{key} given twice" + (f", first on line {first}" if first else ""),
            "expected": "each key once in a table, each table once in a file",
            "mend": "delete one of the two",
        }
    return {
        "where": f"{name}, line {number}, column {place.group(2)}",
        "found": f"{line.strip()} ({said})" if line.strip() else said,
        "expected": "TOML: key = value",
        "mend": syntax_hint(line),
    }


def _look_through(found: object, name: str, path: str, depth: int, findings: Findings) -> None:
    """Depth, control characters, lengths and twin keys of everything in a document."""
    where = f"{name}, key {path}" if path else name
    if depth > DEEPEST:
        findings.faults.add(**{**_too_deep(name), "where": where[:120]})
    elif isinstance(found, str):
        _look_at_text(found, where, findings)
    elif isinstance(found, Mapping):
        folded: dict[str, str] = {}
        for key, item in found.items():
            twin = folded.setdefault(unicodedata.normalize("NFKC", key).casefold(), key)
            if twin != key:
                findings.faults.add(
                    where=where,
                    found=f"keys '{twin}' and '{key}', equal but for case or Unicode form",
                    expected="names that a reader can tell apart",
                    mend="rename one of the two",
                )
            _look_at_text(key, where, findings)
            _look_through(item, name, f"{path}.{key}" if path else key, depth + 1, findings)
    elif isinstance(found, list):
        for number, item in enumerate(found):
            _look_through(item, name, f"{path}[{number}]", depth + 1, findings)


def _look_at_text(text: str, where: str, findings: Findings) -> None:
    """Control characters and length of one text; notes may have lines, labels may not (checked by their type)."""
    control = forbidden_character(text)
    if control:
        findings.faults.add(
            where=where,
            found=f"control character {control}",
            expected="visible characters",
            mend="delete the character",
        )
    elif len(text) > LONGEST_TEXT:
        findings.faults.add(
            where=where,
            found=f"a text of {len(text)} characters",
            expected=f"at most {LONGEST_TEXT}",
            mend="shorten it",
        )


def build(model: type[Model], data: object, name: str, findings: Findings, prefix: str = "") -> Model | None:
    """Build a checked document, or None after noting every fault of it.

    Parameters
    ----------
    model
        Class of the document.
    data
        What tomllib read.
    name
        The file, as shown in messages.
    prefix
        Dotted path of ``data`` inside the file.

    Notes
    -----
    Checked in strict mode, so that the text ``"1e5"`` is not taken for a number.
    """
    try:
        return model.model_validate_json(json.dumps(data, default=_iso), strict=True)
    except ValidationError as error:
        findings.faults.extend(
            _fault(one, model, data, name, prefix) for one in _telling(error.errors(include_url=False))
        )
    except (ValueError, RecursionError) as error:
        findings.faults.add(
            where=name, found=str(error), expected=f"a {model.__name__}", mend="check the values of this table"
        )
    return None


def build_table(
    model: type[Model], data: Mapping[str, object], name: str, findings: Findings, prefix: str = ""
) -> dict[str, Model]:
    """Build the documents of a file whose every table is one of them."""
    built: dict[str, Model] = {}
    for key, item in data.items():
        path = f"{prefix}.{key}" if prefix else key
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", key):
            findings.faults.add(
                where=f"{name}, key {path}",
                found=f"'{key}' as a name",
                expected="letters, digits and underscores, beginning with a letter",
                mend="rename it",
            )
        one = build(model, item, name, findings, path)
        if one is not None:
            built[key] = one
    return built


def _iso(found: object) -> str:
    """Dates as JSON holds them."""
    if isinstance(found, datetime.date | datetime.time):
        return found.isoformat()
    raise TypeError(f"a value of type {type(found).__name__} has no place in a document")


def _telling(errors: list[ErrorDetails]) -> list[ErrorDetails]:
    """Errors without the echo of a union's other arms: the arm that got furthest speaks."""
    kept: dict[tuple[object, ...], ErrorDetails] = {}
    for one in errors:
        if one["type"] == "literal_error" and "'alive'" in str(one["msg"]) and isinstance(one["input"], list):
            continue
        kept.setdefault((*(part for part in one["loc"] if not _is_arm(part)), one["type"] == "extra_forbidden"), one)
    return list(kept.values())


def _is_arm(part: object) -> bool:
    """Whether a piece of pydantic's location names an arm of a union, not a key."""
    return isinstance(part, str) and (
        part.startswith(("literal[", "tuple[", "constrained-", "function-")) or part == "[key]"
    )


def _fault(error: ErrorDetails, model: type[BaseModel], data: object, name: str, prefix: str) -> Fault:
    """One complaint of pydantic in four parts."""
    parts = tuple(part for part in error["loc"] if not _is_arm(part))
    path = _dotted(parts, data, prefix)
    last = str(parts[-1]) if parts else path
    kind = error["type"]
    where = f"{name}, key {path}" if path else name
    if kind == "missing":
        return Fault(
            where=where,
            found="no such key",
            expected=_field(model, parts) or f"a value for {last}",
            mend=f"add the key {last}",
        )
    if kind == "extra_forbidden":
        known = sorted(_known(model, parts[:-1]))
        near = did_you_mean(last, known)
        return Fault(
            where=where,
            found=f"unknown key '{last}'",
            expected=f"one of {', '.join(known)}",
            mend=near or "delete the key, or check its spelling",
        )
    return Fault(where=where, found=_shown(error["input"]), expected=expected_of(error), mend=mend_of(error, last))


def expected_of(error: ErrorDetails) -> str:
    """Tell what a kind of error wanted instead, in words."""
    context = {key: _plain(item) for key, item in error.get("ctx", {}).items()}
    kind = error["type"]
    words = {
        "string_type": "a text in quotation marks",
        "float_type": "a number",
        "float_parsing": "a number",
        "int_type": "a whole number",
        "int_parsing": "a whole number",
        "int_from_float": "a whole number",
        "int_parsing_size": "a whole number of bearable size",
        "bool_type": "true or false",
        "bool_parsing": "true or false",
        "finite_number": "a finite number",
        "tuple_type": "a list in square brackets",
        "dict_type": "a table",
        "model_type": "a table",
        "model_attributes_type": "a table",
        "greater_than": f"more than {context.get('gt')}",
        "greater_than_equal": f"at least {context.get('ge')}",
        "less_than": f"less than {context.get('lt')}",
        "less_than_equal": f"at most {context.get('le')}",
        "string_too_short": f"a text of at least {context.get('min_length')} character",
        "string_too_long": f"a text of at most {context.get('max_length')} characters",
        "literal_error": f"one of {context.get('expected')}",
        "date_from_datetime_parsing": "a date: 2026-01-31",
        "date_parsing": "a date: 2026-01-31",
        "date_type": "a date: 2026-01-31",
    }
    if kind == "string_pattern_mismatch":
        return _pattern(str(context.get("pattern")))
    return words.get(kind, str(error["msg"]))


def _plain(found: object) -> object:
    """Write a whole number without decimals, anything else as it is."""
    return int(found) if isinstance(found, float) and found.is_integer() else found


def _pattern(pattern: str) -> str:
    """Tell what a pattern of the grammar wants, in words."""
    if pattern.startswith("^(entry"):
        return "entry, line, age, onset, course:<treatment> or course_end:<treatment>"
    if pattern == "^[A-Z]{3}$":
        return "a currency in three capital letters, such as USD"
    if pattern.startswith("^(-|"):
        return 'a value id, "/id" to divide, or "-"'
    if r"\x00" in pattern:
        return "one line of visible characters"
    if pattern.startswith("^[A-Za-z]"):
        return "letters, digits and underscores, beginning with a letter"
    return "lower case letters, digits and underscores, beginning with a letter"


def mend_of(error: ErrorDetails, key: str) -> str:
    """Tell what to do about it."""
    kind = error["type"]
    found = error["input"]
    if kind in ("float_type", "float_parsing", "int_type", "int_parsing") and isinstance(found, str):
        return number_hint(found)
    if kind == "literal_error" and isinstance(found, str):
        choices = re.findall(r"'([^']+)'", str(error.get("ctx", {}).get("expected", "")))
        return did_you_mean(found, choices) or "choose one of them"
    if kind == "less_than_equal" and key.startswith("discount") and isinstance(found, int | float):
        return f"did you mean {found / 100:.6g}? Rates are fractions a year: 0.035, not 3.5"
    if kind == "greater_than_equal" and key.startswith("discount"):
        return "a rate is not negative: 0 leaves undiscounted"
    if kind in ("greater_than", "greater_than_equal") and key in ("value", "amount"):
        return "a price or an amount is not negative; a rebate is a lower net price"
    if kind == "string_type" and isinstance(found, bool | int | float):
        return f'put it in quotation marks: "{str(found).lower() if isinstance(found, bool) else found}"'
    if kind == "string_pattern_mismatch" and isinstance(found, str):
        tidy = re.sub(r"[^a-z0-9_]+", "_", unicodedata.normalize("NFKD", found).lower()).strip("_")
        return (
            f"write {tidy}"
            if tidy and _pattern(str(error.get("ctx", {}).get("pattern"))).startswith(("lower", "letters"))
            else "write it in that form"
        )
    if kind == "int_from_float":
        return "leave the decimals out"
    return "correct the value"


def _dotted(parts: tuple[object, ...], data: object, prefix: str) -> str:
    """Path of an error; a row of a list shows its name too."""
    path = prefix
    current = data
    for part in parts:
        if isinstance(part, int):
            current = current[part] if isinstance(current, list) and part < len(current) else None
            named = current.get("name") if isinstance(current, Mapping) else None
            path += f"[{part}]" + (f" ({named})" if isinstance(named, str) else "")
        else:
            current = current.get(str(part)) if isinstance(current, Mapping) else None
            path = f"{path}.{part}" if path else str(part)
    return path


def _shown(found: object) -> str:
    """Wrong value as it is shown."""
    if isinstance(found, str):
        return f'the text "{found}"' if found else "an empty text"
    if isinstance(found, bool):
        return str(found).lower()
    if isinstance(found, int) and abs(found) >= 10**30:
        return f"a number of {len(str(abs(found)))} digits"
    if isinstance(found, Mapping):
        return "a table"
    if isinstance(found, list):
        return "a list"
    return "nothing" if found is None else str(found)


def _arms(kind: Any) -> list[Any]:
    """Types a type may be, unions opened."""
    if get_origin(kind) in (Union, types.UnionType):
        return [arm for one in get_args(kind) for arm in _arms(one)]
    return [kind]


def _models_at(model: type[BaseModel], parts: tuple[object, ...]) -> list[type[BaseModel]]:
    """Classes of documents that may stand at a location."""
    current: list[Any] = [model]
    for part in parts:
        following: list[Any] = []
        for kind in current:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                for key, field in kind.model_fields.items():
                    if part in (key, field.alias):
                        following.extend(_arms(field.annotation))
            elif get_origin(kind) is dict:
                following.extend(_arms(get_args(kind)[1]))
            elif get_origin(kind) is tuple:
                following.extend(_arms(get_args(kind)[0]))
        current = following
    return [kind for kind in current if isinstance(kind, type) and issubclass(kind, BaseModel)]


def _known(model: type[BaseModel], parts: tuple[object, ...]) -> set[str]:
    """Keys that a table may have."""
    return {field.alias or key for kind in _models_at(model, parts) for key, field in kind.model_fields.items()}


def _field(model: type[BaseModel], parts: tuple[object, ...]) -> str:
    """Find the description of the field at a location."""
    for kind in _models_at(model, parts[:-1]):
        for key, field in kind.model_fields.items():
            if parts and parts[-1] in (key, field.alias):
                return field.description or ""
    return ""
