"""Resources, all that is used and not dosed, as parts: years in states, events, visits and deaths.

Each is laid out as numbers here and counted in :mod:`pathway.economics.compiled_resources`. This module must not know prices or drugs' doses.
"""

from __future__ import annotations

import numpy as np

from pathway.definition.documents import Resource
from pathway.economics.compiled_layout import How
from pathway.economics.using import Part
from pathway.errors import EconomicsError, did_you_mean
from pathway.eventlog import Kind
from pathway.program import Program

KINDS = {kind.name.lower(): int(kind) for kind in Kind}


def part_of(resource: Resource, program: Program, names: tuple[str, ...], markers: tuple[str, ...], values: dict[str, float]) -> Part:
    """Lay a resource out as numbers.

    Parameters
    ----------
    resource
        What is used, and when.
    program
        Of one strategy.
    names, markers
        Of its log.
    values
        Parameter values by id, for quantities, ages and the band of a marker.

    Raises
    ------
    EconomicsError
        If it names something that neither program nor log knows, or a band where there is none.
    """
    conditions = tuple(spec.name for spec in program.conditions)
    is_yearly = resource.per == "year"
    if resource.marker is not None and not is_yearly:
        raise EconomicsError(where=_where(resource), found=f"a band of {resource.marker} per {resource.per}", expected='per = "year"')
    how, kind, name = (How.YEAR, -1, -1) if is_yearly else _rows(resource, names)
    return Part(
        how=how,
        category=resource.category,
        item=resource.item,
        kind=kind,
        name=name,
        states=-1 if resource.states == "alive" else _bits(resource, resource.states, program.states),
        on=_bits(resource, resource.while_on, program.treatments),
        flag=_bits(resource, (resource.requires_flag,), program.flags) if resource.requires_flag else 0,
        condition=_number(resource, resource.requires_condition, conditions) if resource.requires_condition else -1,
        marker=_number(resource, resource.marker, markers) if resource.marker else -1,
        times_marker=resource.times_marker and resource.marker is not None,
        quantity=resource.quantity if resource.quantity_value is None else values[resource.quantity_value],
        low=values[resource.marker_at_least] if resource.marker_at_least else -np.inf,
        high=values[resource.marker_below] if resource.marker_below else np.inf,
        age_below=np.inf if resource.age_below is None else values[resource.age_below],
    )


def _rows(resource: Resource, names: tuple[str, ...]) -> tuple[How, int, int]:
    """Kind and name of the rows that cause a use."""
    if resource.per == "death":
        return How.DEATH, int(Kind.MOVE), -1
    kind = "visit" if resource.per == "visit" else str(resource.kind)
    _number(resource, kind, tuple(KINDS))
    return How.EVENT, KINDS[kind], -1 if resource.name is None else _number(resource, resource.name, names)


def _where(resource: Resource) -> str:
    return f"economics.toml, resource {resource.item} ({resource.label})"


def _number(resource: Resource, name: str, known: tuple[str, ...]) -> int:
    """Number of a name, or a refusal."""
    if name not in known:
        raise EconomicsError(where=_where(resource), found=name, expected=", ".join(known), mend=did_you_mean(name, list(known)))
    return known.index(name)


def _bits(resource: Resource, names: tuple[str, ...], known: tuple[str, ...]) -> int:
    """Bit set of names."""
    bits = 0
    for name in names:
        bits |= 1 << _number(resource, name, known)
    return bits
