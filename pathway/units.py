"""The door for units: what a number is written in, and what it is carried in.

A unit is a word or ``X per Y``; ``convert`` takes a number from one to another of the same dimension and refuses the
rest. A year has 365.25 days, a month is a twelfth of it. Points are percentage points of a predicted value; they are
not a fraction and not mL. This module must not know any disease.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import expm1, log1p

from pathway.errors import UnitError, did_you_mean

DAYS_PER_YEAR = 365.25

_TIME = {
    "year": 1.0, "month": 1.0 / 12.0, "quarter": 0.25, "week": 7.0 / DAYS_PER_YEAR, "day": 1.0 / DAYS_PER_YEAR,
    "hour": 1.0 / (24.0 * DAYS_PER_YEAR),
}  # fmt: skip

_WORDS: dict[str, tuple[str, float]] = {
    **{name: ("time", factor) for name, factor in _TIME.items()},
    **{name: ("fraction", factor) for name, factor in (
        ("fraction", 1.0), ("probability", 1.0), ("percent", 0.01), ("share", 1.0),
    )},
    **{name: ("mass", factor) for name, factor in (("mg", 1.0), ("g", 1000.0), ("mcg", 0.001))},
    **{name: ("volume", factor) for name, factor in (("mL", 1.0), ("L", 1000.0), ("dL", 100.0))},
    **{name: ("weight", factor) for name, factor in (("kg", 1.0),)},
    **{name: ("length", factor) for name, factor in (("cm", 1.0), ("m", 100.0))},
    "point": ("points", 1.0),
    "ratio": ("ratio", 1.0),
    "log ratio": ("log ratio", 1.0),
    "log odds": ("log odds", 1.0),
    "score": ("score", 1.0),
    "utility": ("utility", 1.0),
    "m2": ("surface", 1.0),
    "10^9/L": ("cell count", 1.0),
    "mm/h": ("sedimentation", 1.0),
    "mg/L": ("concentration", 1.0),
    "mg/dL": ("concentration", 10.0),
    "g/L": ("concentration", 1000.0),
    "log mg/L": ("log concentration", 1.0),
    "SD": ("standard deviations", 1.0),
    "correlation": ("correlation", 1.0),
    "count": ("count", 1.0),
    "years of age": ("age", 1.0),
    **{name: (name, 1.0) for name in (
        "event", "visit", "test", "infusion", "injection", "tablet", "capsule", "vial", "pack", "kit",
        "dose", "request", "denial", "appeal", "session",
        "course", "scan", "stay", "admission", "procedure", "death", "patient", "unit", "hr", "call",
        "determination", "syringe", "pen", "bag", "claim",
        "USD", "GBP", "EUR", "cell", "letter", "line",
    )},
}  # fmt: skip
"""Word (singular) -> dimension and factor to the house unit of that dimension."""

_PLURALS = {
    "years": "year", "months": "month", "weeks": "week", "days": "day", "quarters": "quarter", "hours": "hour",
    "points": "point", "patient-years": "year", "patient-year": "year", "person-years": "year", "yes/no": "count",
    "0/1": "count", "proportion": "fraction", "%": "percent", "dimensionless": "ratio", "hazard ratio": "ratio",
    "odds ratio": "ratio",
}  # fmt: skip

_SYMBOLS = frozenset(("mg", "g", "mcg", "mL", "L", "dL", "kg", "cm", "m", "hr", "USD", "GBP", "EUR", "SD"))
"""Words that take no plural: ``ms`` is not metres and ``hrs`` is not hr."""

_AMOUNT = re.compile(r"(\d+(?:\.\d*)?)[ -] *(.+)", re.ASCII)
"""A number before a word: ``48 weeks``, ``28-day``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A unit: its dimension and the factor that takes it to the house unit of that dimension."""

    dimension: str
    factor: float


def known_units() -> tuple[str, ...]:
    """Words a unit may be built from."""
    return tuple(_WORDS) + tuple(_PLURALS)


def _word(text: str, where: str, whole: str) -> Unit:
    """One part of a unit, with an optional amount: ``48 weeks``, ``100 patient-years``, ``point``."""
    amount = 1.0
    name = text.strip()
    if counted := _AMOUNT.fullmatch(name):
        amount, name = float(counted[1]), counted[2]
    if amount == 0.0:
        raise UnitError(
            where=where, found=f"unit {whole}: an amount of 0", expected="an amount above 0", mend="leave it out"
        )
    singular = name[:-1] if name.endswith("s") and name[:-1] not in _SYMBOLS else ""
    for candidate in (name, _PLURALS.get(name, ""), singular):
        if candidate in _WORDS:
            dimension, factor = _WORDS[candidate]
            return Unit(dimension=dimension, factor=amount * factor)
    raise UnitError(
        where=where,
        found=f"unit {whole}" if whole == text else f"unit {whole}: {text.strip()} is not known",
        expected="words such as year, per year, points per year, mL per year, mg, fraction, ratio",
        mend=_nearest(name),
    )


def _nearest(name: str) -> str:
    """Suggest a known word: a symbol with other capitals or an s too many first, then the most alike."""
    for word in (name.lower(), name.lower().removesuffix("s")):
        for known in known_units():
            if known.lower() == word:
                return did_you_mean(known, [known])
    return did_you_mean(name, list(known_units()))


def unit_of(text: str, *, where: str = "unit") -> Unit:
    """Read a unit.

    Raises
    ------
    UnitError
        If a word is not known; with the nearest known one.

    Examples
    --------
    >>> unit_of("points per 48 weeks").dimension
    'points per time'
    >>> unit_of("months").factor == 1 / 12
    True
    """
    name = " ".join(text.split())
    if name in _WORDS or name in _PLURALS:
        return _word(name, where, name)
    above, middle, below = name.partition("per ") if name.startswith("per ") else name.partition(" per ")
    if not middle:
        return _word(name, where, name)
    top = _word(above, where, name) if above.strip() else Unit(dimension="", factor=1.0)
    parts = [_word(part, where, name) for part in below.split(" per ")]
    factor = top.factor
    for part in parts:
        factor /= part.factor
    return Unit(dimension=" per ".join([top.dimension, *(part.dimension for part in parts)]).strip(), factor=factor)


def convert(value: float, unit: str, to: str, *, where: str = "unit") -> float:
    """Take a number from one unit to another of the same dimension.

    Parameters
    ----------
    value
        In ``unit``.
    unit, to
        Words as in :func:`unit_of`.
    where
        Place in a document, for the message.

    Raises
    ------
    UnitError
        If a unit is not known, or the two are of different dimensions.

    Examples
    --------
    >>> round(convert(-6.3, "points per 48 weeks", "points per year"), 3)
    -6.848
    >>> convert(3.5, "per 100 patient-years", "per year")
    0.035
    """
    if unit == to:
        unit_of(unit, where=where)
        return value
    source, target = unit_of(unit, where=where), unit_of(to, where=where)
    if source.dimension != target.dimension:
        raise UnitError(
            where=where,
            found=f"{unit} ({source.dimension or 'a pure number'})",
            expected=f"{to} or another unit of {target.dimension or 'a pure number'}",
            mend="write the number in the expected unit",
        )
    return value * (source.factor / target.factor)


def _check_years(years: float, where: str) -> None:
    if not years > 0.0:
        raise UnitError(where=where, found=f"over {years:g} years", expected="a time above 0")


def rate_from_probability(probability: float, years: float = 1.0, *, where: str = "probability") -> float:
    """Constant rate a year that gives this probability over ``years``: ``-log(1 - p) / years``.

    Examples
    --------
    >>> round(rate_from_probability(0.16, 1.0), 4)
    0.1744
    """
    _check_years(years, where)
    if not 0.0 <= probability < 1.0:
        raise UnitError(where=where, found=f"{probability:g}", expected="a probability from 0 to below 1")
    return -log1p(-probability) / years


def probability_from_rate(rate: float, years: float = 1.0, *, where: str = "rate") -> float:
    """Probability of at least one event over ``years`` at a constant rate.

    Examples
    --------
    >>> round(probability_from_rate(0.1744, 1.0), 2)
    0.16
    """
    _check_years(years, where)
    if not rate >= 0.0:
        raise UnitError(where=where, found=f"{rate:g}", expected="a rate of at least 0")
    return -expm1(-rate * years)
