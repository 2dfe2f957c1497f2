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


def resource_use(resource: Resource, timeline: Timeline, life: Life, values: dict[str, float], age: Floats) -> ResourceUse:
    """Use of one resource by everybody.

    Parameters
    ----------
    resource
        What is used, and when.
    timeline, life
        Of one strategy.
    values
        Parameter values by id, for quantities, ages and the band of a marker.
    age : shape (patients,)
        At entry.

    Raises
    ------
    EconomicsError
        If it names something that neither program nor log knows, or a band where there is none.
    """
    quantity = resource.quantity if resource.quantity_value is None else values[resource.quantity_value]
    last = np.full(age.size, np.inf) if resource.age_below is None else values[resource.age_below] - age
    if resource.per == "year":
        return _per_year(resource, timeline, life, values, quantity, last)
    return _per_event(resource, timeline, quantity, last)


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


def _per_event(resource: Resource, timeline: Timeline, quantity: float, last: Floats) -> ResourceUse:
    """Count rows of the log before the ``last`` time of each patient."""
    if resource.marker is not None:
        raise EconomicsError(
            where=_where(resource), found=f"a band of {resource.marker} per {resource.per}", expected='per = "year"'
        )
    if resource.per == "death":
        rows = timeline.rows_of(Kind.MOVE)
        rows = rows[(timeline.program.absorbing >> timeline.column("state", rows) & 1).astype(bool)]
    else:
        kinds = {kind.name.lower(): kind for kind in Kind}
        kind = "visit" if resource.per == "visit" else str(resource.kind)
        if kind not in kinds:
            raise _unknown(resource, kind, tuple(kinds))
        if resource.name is not None and resource.name not in timeline.log.names:
            raise _unknown(resource, resource.name, timeline.log.names)
        rows = timeline.rows_of(kinds[kind], resource.name)
    position, time = timeline.position[rows], timeline.time[rows]
    chosen = _registers(resource, timeline, timeline.column("state", rows), timeline.column("regimen", rows))
    chosen &= (time < last[position]) & (quantity > 0.0)
    if resource.requires_flag:
        bits = _bits(resource, (resource.requires_flag,), timeline.program.flags)
        chosen &= (timeline.flags[timeline.last_row(position, time)] & bits) > 0
    if resource.requires_condition:
        chosen &= timeline.condition[rows] == _condition(resource, timeline)
    rows, time = rows[chosen], time[chosen]
    return ResourceUse(
        position=position[chosen],
        line=timeline.column("line", rows),
        regimen=timeline.column("regimen", rows),
        quantity=np.full(rows.size, quantity),
        start=time,
        stop=time.copy(),
    )


def _per_year(
    resource: Resource, timeline: Timeline, life: Life, values: dict[str, float], quantity: float, last: Floats
) -> ResourceUse:
    """Years before the ``last`` time in states, with flags, conditions, drugs and a band of a marker: the exact part of each segment."""
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
    if resource.age_below is not None:
        stop = np.minimum(stop, last[life.patient])
    rows = np.flatnonzero(fits & (stop > start) & (quantity > 0.0))
    begin, end = start[rows], stop[rows]
    if resource.times_marker and resource.marker is not None:
        amount = quantity * (end - begin) * _mean_of(resource.marker, life, rows, begin, end)
        # What follows a marker is not the same at both ends of a line of therapy: every segment stays a row.
    else:
        begins, ends = _runs(life, rows, begin, end)
        rows, begin, end = rows[begins], begin[begins], end[ends]
        amount = (end - begin) * quantity
    return ResourceUse(position=life.patient[rows], line=life.line[rows], regimen=life.regimen[rows], quantity=amount, start=begin, stop=end)


def _mean_of(marker: str, life: Life, rows: Ints, start: Floats, stop: Floats) -> Floats:
    """Mean of a marker over a part of each segment: the value in its middle, since it runs straight."""
    first, last = (side[rows] for side in life.markers[marker])
    share = (0.5 * (start + stop) - life.start[rows]) / (life.stop[rows] - life.start[rows])
    return np.asarray(first + (last - first) * share, dtype=np.float64)


def _runs(life: Life, rows: Ints, start: Floats, stop: Floats) -> tuple[Ints, Ints]:
    """First and last of neighbours under the same line and regimen, which become one row: the rate is the same on both."""
    position, line, regimen = life.patient[rows], life.line[rows], life.regimen[rows]
    new = np.ones(rows.size, dtype=bool)
    new[1:] = (
        (position[1:] != position[:-1])
        | (start[1:] != stop[:-1])
        | (line[1:] != line[:-1])
        | (regimen[1:] != regimen[:-1])
    )
    begins = np.flatnonzero(new)
    ends = np.append(begins[1:] - 1, rows.size - 1) if rows.size else begins
    return begins, ends
