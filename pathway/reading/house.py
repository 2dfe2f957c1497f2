"""Which unit a number is carried in, whatever unit its row is written in.

Years, per year, points per year, mL per year, fractions: one unit for each dimension, so that nothing below the
reader converts. What can be converted into what is known to :mod:`pathway.units` alone.
"""

from __future__ import annotations

from functools import cache

from pathway.errors import PathwayError
from pathway.units import known_units, unit_of

HOUSE: dict[str, tuple[str, str]] = {
    "time": ("years", "year"),
    "points": ("points", "point"),
    "volume": ("mL", "mL"),
    "mass": ("mg", "mg"),
    "weight": ("kg", "kg"),
    "length": ("cm", "cm"),
    "fraction": ("fraction", "fraction"),
    "concentration": ("mg/L", "mg/L"),
}
"""Dimension -> its house unit, as it stands first and after ``per``."""


@cache
def _word(dimension: str, place: int) -> str:
    """House unit of one dimension; the dimension's own word where it has only one unit."""
    if dimension in HOUSE:
        return HOUSE[dimension][place]
    return next((word for word in known_units() if _is_house(word, dimension)), dimension)


def _is_house(word: str, dimension: str) -> bool:
    """Whether a word is the first of its dimension with factor 1."""
    unit = unit_of(word)
    return unit.dimension == dimension and unit.factor == 1.0


def house_unit(unit: str, *, where: str = "unit") -> str:
    """House unit of a unit's dimension.

    A word that means the same as the house unit is kept where it says more: a probability, a hazard ratio.

    Raises
    ------
    UnitError
        If the unit is unknown.

    Examples
    --------
    >>> house_unit("months"), house_unit("points per 48 weeks"), house_unit("per 100 patient-years")
    ('years', 'points per year', 'per year')
    >>> house_unit("hazard ratio"), house_unit("percent")
    ('hazard ratio', 'fraction')
    """
    read = unit_of(unit, where=where)
    tidy = " ".join(unit.split())
    if read.factor == 1.0 and "per " not in tidy and read.dimension not in ("time", "points", "volume"):
        return tidy
    above, *below = f" {read.dimension}".split(" per ")
    first = above.strip()
    return " per ".join([_word(first, 0) if first else "", *(_word(part, 1) for part in below)]).strip()


def same_dimension(unit: str, other: str) -> bool:
    """Whether numbers in two units can be compared.

    Examples
    --------
    >>> same_dimension("weeks", "years"), same_dimension("mL", "points")
    (True, False)
    >>> same_dimension("years of age", "years")
    True
    """
    try:
        one, two = ("time" if unit_of(word).dimension == "age" else unit_of(word).dimension for word in (unit, other))
        return one == two
    except PathwayError:
        return unit == other
