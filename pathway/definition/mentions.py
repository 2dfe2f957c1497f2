"""A walk over documents that finds every name they mention, and what kind of thing each name is.

The kinds come from the types of the fields (:class:`pathway.definition.words.Refers`), so a new field of the
grammar is walked, checked and counted as used without a line of code. This module must not know what exists:
whoever calls compares.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from pathway.definition.words import Refers


@dataclass(frozen=True, slots=True)
class Mention:
    """A name found in a document.

    Attributes
    ----------
    kind
        What the name should be: ``value``, ``marker``, ``treatment`` ...
    word
        The name.
    path
        Where: ``transitions[2].hazard.rates[0]``.
    """

    kind: str
    word: str
    path: str


def join(path: str, key: str) -> str:
    """Lengthen a dotted path by a key."""
    return f"{path}.{key}" if path else key


def mentions(document: BaseModel, path: str = "") -> Iterator[Mention]:
    """Every name that ``document`` mentions, in file order.

    Examples
    --------
    >>> from pathway.definition.documents import Jump
    >>> [(one.kind, one.path) for one in mentions(Jump(marker="fvc", change="fall"))]
    [('marker', 'marker'), ('value', 'change')]
    """
    for name, field in type(document).model_fields.items():
        found = getattr(document, name)
        refers = next((mark for mark in field.metadata if isinstance(mark, Refers)), None)
        yield from _walk(field.annotation, found, join(path, field.alias or name), refers)


def _walk(kind: Any, found: object, path: str, refers: Refers | None = None) -> Iterator[Mention]:
    """Mentions inside one value, guided by its type."""
    if isinstance(found, BaseModel):
        yield from mentions(found, path)
        return
    origin = get_origin(kind)
    arguments = get_args(kind)
    if origin is Annotated:
        mark = next((mark for mark in arguments[1:] if isinstance(mark, Refers)), refers)
        yield from _walk(arguments[0], found, path, mark)
    elif origin in (Union, types.UnionType):
        yield from _walk(_arm(arguments, found), found, path, refers)
    elif isinstance(found, tuple):
        inner = arguments[0] if arguments else None
        for number, item in enumerate(found):
            yield from _walk(inner, item, f"{path}[{number}]")
    elif isinstance(found, dict):
        of_key, of_item = arguments if len(arguments) == 2 else (None, None)
        for key, item in found.items():
            yield from _walk(of_key, key, join(path, str(key)))
            yield from _walk(of_item, item, join(path, str(key)))
    elif isinstance(found, str) and refers is not None:
        yield from _named(refers.kind, found, path)


def _arm(arms: tuple[Any, ...], found: object) -> Any:
    """Arm of a union that the value is of: words of a Literal and None mention nothing."""
    for arm in arms:
        if get_origin(arm) is Literal and found in get_args(arm):
            return arm
    for arm in arms:
        base = get_args(arm)[0] if get_origin(arm) is Annotated else arm
        shape = get_origin(base) or base
        if isinstance(shape, type) and isinstance(found, shape):
            return arm
    return None


def _named(kind: str, word: str, path: str) -> Iterator[Mention]:
    """Name, freed of what surrounds it in a clock or a product."""
    if kind == "clock":
        if ":" in word:
            yield Mention("treatment", word.split(":", 1)[1], path)
    elif kind == "factor":
        if word != "-":
            yield Mention("value", word.removeprefix("/"), path)
    else:
        yield Mention(kind, word, path)
