"""Use of everything that is not dosed: years in states, events, visits and deaths.

This module must not know prices or drugs' doses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pathway.definition.documents import Resource
from pathway.economics.life import Life, inside_band
from pathway.economics.timeline import Timeline
from pathway.errors import EconomicsError, did_you_mean
from pathway.eventlog import Kind

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceUse:
    """Rows of use with the registers under which they fell, each shape (rows,)."""

    position: Ints
    line: Ints
    regimen: Ints
    quantity: Floats
    start: Floats
    stop: Floats


def resource_use(resource: Resource, timeline: Timeline, life: Life, values: dict[str, float]) -> ResourceUse:
    """Use of one resource by everybody.

    Parameters
    ----------
    resource
        What is used, and when.
    timeline, life
        Of one strategy.
    values
        Parameter values by id, for the band of a marker.

    Raises
    ------
    EconomicsError
        If it names something that neither program nor log knows, or a band where there is none.
    """
    if resource.per == "year":
        return _per_year(resource, timeline, life, values)
    return _per_event(resource, timeline)


def _where(resource: Resource) -> str:
    return f"economics.toml, resource {resource.item} ({resource.label})"


def _unknown(resource: Resource, name: str, known: tuple[str, ...]) -> EconomicsError:
    return EconomicsError(
        where=_where(resource), found=name, expected=", ".join(known), mend=did_you_mean(name, list(known))
    )


def _bits(resource: Resource, names: tuple[str, ...], known: tuple[str, ...]) -> int:
    bits = 0
    for name in names:
        if name not in known:
            raise _unknown(resource, name, known)
        bits |= 1 << known.index(name)
    return bits


def _condition(resource: Resource, timeline: Timeline) -> int:
    known = tuple(spec.name for spec in timeline.program.conditions)
    name = str(resource.requires_condition)
    if name not in known:
        raise _unknown(resource, name, known)
    return known.index(name)


def _registers(resource: Resource, timeline: Timeline, state: Ints, regimen: Ints) -> Flags:
    """Whether state and regimen fit."""
    fits = np.ones(state.size, dtype=bool)
    if resource.states != "alive":
        fits &= (_bits(resource, resource.states, timeline.program.states) >> state & 1).astype(bool)
    if resource.while_on:
        wanted = _bits(resource, resource.while_on, timeline.program.treatments)
        fits &= (regimen & wanted) == wanted
    return fits


def _per_event(resource: Resource, timeline: Timeline) -> ResourceUse:
    """Count rows of the log."""
    if resource.marker is not None:
        raise EconomicsError(
            where=_where(resource), found=f"a band of {resource.marker} per {resource.per}", expected='per = "year"'
        )
    state, regimen = timeline.column("state"), timeline.column("regimen")
    if resource.per == "death":
        chosen = timeline.select(Kind.MOVE) & ((timeline.program.absorbing >> state) & 1).astype(bool)
    else:
        kinds = {kind.name.lower(): kind for kind in Kind}
        kind = "visit" if resource.per == "visit" else str(resource.kind)
        if kind not in kinds:
            raise _unknown(resource, kind, tuple(kinds))
        if resource.name is not None and resource.name not in timeline.log.names:
            raise _unknown(resource, resource.name, timeline.log.names)
        chosen = timeline.select(kinds[kind], resource.name)
    chosen &= _registers(resource, timeline, state, regimen)
    if resource.requires_flag:
        bits = _bits(resource, (resource.requires_flag,), timeline.program.flags)
        chosen &= (timeline.flags[timeline.last_row(timeline.position, timeline.time)] & bits) > 0
    if resource.requires_condition:
        chosen &= timeline.condition == _condition(resource, timeline)
    rows = np.flatnonzero(chosen)
    time = timeline.time[rows]
    return ResourceUse(
        position=timeline.position[rows],
        line=timeline.column("line", rows),
        regimen=regimen[rows],
        quantity=np.full(rows.size, resource.quantity),
        start=time,
        stop=time.copy(),
    )


def _per_year(resource: Resource, timeline: Timeline, life: Life, values: dict[str, float]) -> ResourceUse:
    """Years in states, with flags, conditions, drugs and a band of a marker: the exact part of each segment."""
    fits = _registers(resource, timeline, life.state, life.regimen)
    if resource.requires_flag:
        fits &= (life.flags & _bits(resource, (resource.requires_flag,), timeline.program.flags)) > 0
    if resource.requires_condition:
        fits &= life.condition == _condition(resource, timeline)
    start, stop = life.start, life.stop
    if resource.marker:
        if resource.marker not in life.markers:
            raise _unknown(resource, resource.marker, tuple(life.markers))
        low = values[resource.marker_at_least] if resource.marker_at_least else -np.inf
        high = values[resource.marker_below] if resource.marker_below else np.inf
        start, stop = inside_band(start, stop, *life.markers[resource.marker], low, high)
    rows = np.flatnonzero(fits & (stop > start))
    position, line, regimen = life.patient[rows], life.line[rows], life.regimen[rows]
    start, stop = start[rows], stop[rows]
    # Neighbours under the same line and regimen become one row: the rate is the same on both.
    new = np.ones(rows.size, dtype=bool)
    new[1:] = (
        (position[1:] != position[:-1])
        | (start[1:] != stop[:-1])
        | (line[1:] != line[:-1])
        | (regimen[1:] != regimen[:-1])
    )
    begins = np.flatnonzero(new)
    ends = np.append(begins[1:] - 1, rows.size - 1) if rows.size else begins
    return ResourceUse(
        position=position[begins],
        line=line[begins],
        regimen=regimen[begins],
        quantity=(stop[ends] - start[begins]) * resource.quantity,
        start=start[begins],
        stop=stop[ends],
    )
