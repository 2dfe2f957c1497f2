"""Waist 3: how much was used and how long was lived, in natural units; no money.

A :class:`Ledger` has two tables. ``use``: patient (position in the cohort), line, regimen, category, item, quantity, start, stop (equal when instant; otherwise the quantity accrues
evenly). ``life``: segments on which registers stand still and markers run straight: patient, start, stop, state, line, regimen, condition (-1: none), flags (bit set) and, per marker,
``<marker>_start`` and ``<marker>_stop`` in shown units. Segments of a patient follow each other without gap from 0 to the end. New prices, utilities or
discount rates need nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathway.definition.documents import DosingRow, EconomicsDocument, Resource
from pathway.economics.druguse import Use, amounts, use_of
from pathway.economics.timeline import Timeline, courses_of, holds_of, timeline_of
from pathway.errors import EconomicsError, did_you_mean
from pathway.eventlog import EventLog, Kind, regimen_label
from pathway.program import Cohort, Program

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Column = NDArray[np.generic]


class Books(Protocol):
    """What the ledger needs of a library."""

    @property
    def dosing(self) -> tuple[DosingRow, ...]:
        """Rows of dosing.csv."""

    @property
    def economics(self) -> EconomicsDocument:
        """``economics.toml``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Quantities of one cohort under one strategy.

    Attributes
    ----------
    use, life
        The tables above; arrays of one length each.
    items, categories, states, treatments, conditions, flags, markers
        What indices and bits stand for.
    age, female : shape (patients,)
        At entry; for norms of utility.
    end : shape (patients,)
        Years lived, or the horizon.
    lines
        Highest line number in use.
    """

    use: dict[str, Column]
    life: dict[str, Column]
    items: tuple[str, ...]
    categories: tuple[str, ...]
    states: tuple[str, ...]
    treatments: tuple[str, ...]
    conditions: tuple[str, ...]
    flags: tuple[str, ...]
    markers: tuple[str, ...]
    age: Floats
    female: Ints
    end: Floats
    lines: int

    @property
    def patients(self) -> int:
        """Cohort size."""
        return int(self.end.size)

    def use_frame(self) -> pd.DataFrame:
        """``use`` with words in place of indices."""
        regimens, inverse = np.unique(self.use["regimen"], return_inverse=True)
        return pd.DataFrame(
            {
                **{name: self.use[name] for name in ("patient", "line")},
                "regimen": pd.Categorical.from_codes(inverse, [regimen_label(int(bits), self.treatments) for bits in regimens]),
                "category": pd.Categorical.from_codes(self.use["category"].astype(int), list(self.categories)),
                "item": pd.Categorical.from_codes(self.use["item"].astype(int), list(self.items)),
                **{name: self.use[name] for name in ("quantity", "start", "stop")},
            }
        )

    def life_frame(self) -> pd.DataFrame:
        """``life`` with the states' names."""
        return pd.DataFrame({**self.life, "state": pd.Categorical.from_codes(self.life["state"].astype(int), list(self.states))})


def build(log: EventLog, program: Program, cohort: Cohort, library: Books, values: dict[str, float]) -> Ledger:
    """Turn histories into quantities.

    Parameters
    ----------
    log, program, cohort
        Of one strategy.
    library
        Dosing rows and ``economics.toml``.
    values
        Parameter values by id, for thresholds that resources name (bands of a marker).

    Raises
    ------
    EconomicsError
        If a resource names something the log never speaks of, or a dose needs a covariate that is missing.
    """
    timeline = timeline_of(log, program, cohort)
    life = _life(timeline, cohort)
    rows: list[tuple[str, str, Use]] = []
    for treatment, name in enumerate(program.treatments):
        courses, holds = courses_of(timeline, treatment, cohort), holds_of(timeline, treatment)
        for row in library.dosing:
            if row.treatment == name and courses.position.size:
                dose = amounts(row, _covariate(cohort, "weight_kg", row), _covariate(cohort, "body_surface", row))
                rows.append((row.category, row.item, use_of(row, courses, holds, dose)))
    for resource in library.economics.resources:
        rows.append((resource.category, resource.item, _resource(resource, timeline, life, values)))
    categories = tuple(dict.fromkeys(category for category, _, _ in rows))
    items = tuple(dict.fromkeys(item for _, item, _ in rows))
    return Ledger(
        use=_table(rows, categories, items, timeline), life=life, items=items, categories=categories, states=program.states, treatments=program.treatments,
        conditions=tuple(c.name for c in program.conditions), flags=program.flags, markers=tuple(m.name for m in program.markers),
        age=cohort.values[:, program.age] if program.age >= 0 else np.zeros(cohort.size),
        female=cohort.values[:, program.female].astype(np.int64) if program.female >= 0 else np.ones(cohort.size, dtype=np.int64),
        end=timeline.end, lines=max(len(program.lines) + 1, int(log.events["line"].max(initial=0))),
    )  # fmt: skip


def _covariate(cohort: Cohort, name: str, row: DosingRow) -> Floats:
    """Weight or surface; needed only by doses that depend on it."""
    wanted = {"weight_kg": "per_kg", "body_surface": "per_m2"}[name]
    if name in cohort.covariates:
        return cohort.values[:, cohort.covariates.index(name)]
    if row.basis == wanted:
        raise EconomicsError(where=f"dosing.csv, {row.treatment}, {row.item}", found=f"basis {row.basis}", expected=f"a covariate {name}", mend=f"declare covariate {name} in pathway.toml")
    return np.ones(cohort.size)


def _life(timeline: Timeline, cohort: Cohort) -> dict[str, Column]:
    """Segments between consecutive knots; every change of a register is a knot."""
    path = timeline.log.path
    order = np.argsort(cohort.patient, kind="stable")
    position = order[np.searchsorted(cohort.patient[order], path["patient"].astype(np.int64))]
    time = path["time"].astype(np.float64)
    begins = np.flatnonzero((position[1:] == position[:-1]) & (time[1:] > time[:-1]))
    who, start, stop = position[begins], time[begins], time[begins + 1]
    row = timeline.last_row(who, start)
    flags = np.zeros(who.size, dtype=np.int64)
    for flag in range(len(timeline.program.flags)):
        flags |= (timeline.flag_time[who, flag] <= start).astype(np.int64) << flag
    life: dict[str, Column] = {
        "patient": who, "start": start, "stop": stop, "state": timeline.column("state", row), "line": timeline.column("line", row),
        "regimen": timeline.column("regimen", row), "condition": timeline.condition[row], "flags": flags,
    }  # fmt: skip
    for marker in timeline.log.markers:
        life[f"{marker}_start"] = path[marker][begins].astype(np.float64)
        life[f"{marker}_stop"] = path[marker][begins + 1].astype(np.float64)
    return life


def _bits(names: tuple[str, ...], known: tuple[str, ...], where: str) -> int:
    bits = 0
    for name in names:
        if name not in known:
            raise EconomicsError(where=where, found=name, expected=", ".join(known), mend=did_you_mean(name, list(known)))
        bits |= 1 << known.index(name)
    return bits


def _resource(resource: Resource, timeline: Timeline, life: dict[str, Column], values: dict[str, float]) -> Use:
    """Use of one resource by everybody."""
    where = f"economics.toml, resource {resource.item}"
    program = timeline.program
    if resource.per == "year":
        return _per_year(resource, timeline, life, values, where)
    events = timeline.log.events
    if resource.per == "death":
        chosen = timeline.select(Kind.MOVE) & ((program.absorbing >> events["state"].astype(np.int64)) & 1).astype(bool)
    elif resource.per == "visit":
        chosen = timeline.select(Kind.VISIT, resource.name)
    else:
        kinds = {kind.name.lower(): kind for kind in Kind}
        if resource.kind not in kinds:
            raise EconomicsError(where=where, found=f"kind {resource.kind}", expected=", ".join(kinds), mend=did_you_mean(str(resource.kind), list(kinds)))
        chosen = timeline.select(kinds[resource.kind], resource.name)
    if resource.states != "alive":
        chosen = chosen & _in_states(events["state"].astype(np.int64), resource.states, program.states, where)
    if resource.while_on:
        wanted = _bits(resource.while_on, program.treatments, where)
        chosen = chosen & (events["regimen"] & wanted == wanted)
    time = timeline.time[chosen]
    return Use(position=timeline.position[chosen], quantity=np.full(time.size, resource.quantity), start=time, stop=time.copy())


def _in_states(state: Ints, wanted: tuple[str, ...], states: tuple[str, ...], where: str) -> NDArray[np.bool_]:
    return ((_bits(wanted, states, where) >> state) & 1).astype(bool)


def _per_year(resource: Resource, timeline: Timeline, life: dict[str, Column], values: dict[str, float], where: str) -> Use:
    """Years in states, with flags, conditions, drugs and a band of a marker: the exact part of each segment."""
    program = timeline.program
    start, stop = life["start"].astype(np.float64), life["stop"].astype(np.float64)
    keep = np.ones(start.size, dtype=bool)
    if resource.states != "alive":
        keep &= _in_states(life["state"].astype(np.int64), resource.states, program.states, where)
    if resource.while_on:
        wanted = _bits(resource.while_on, program.treatments, where)
        keep &= (life["regimen"].astype(np.int64) & wanted) == wanted
    if resource.requires_flag:
        keep &= (life["flags"].astype(np.int64) & _bits((resource.requires_flag,), program.flags, where)) > 0
    if resource.requires_condition:
        names = tuple(spec.name for spec in program.conditions)
        keep &= life["condition"] == names.index(resource.requires_condition)
    if resource.marker:
        low = values[resource.marker_at_least] if resource.marker_at_least else -np.inf
        high = values[resource.marker_below] if resource.marker_below else np.inf
        start, stop = inside_band(start, stop, life[f"{resource.marker}_start"].astype(np.float64), life[f"{resource.marker}_stop"].astype(np.float64), low, high)
    keep &= stop > start
    position = life["patient"].astype(np.int64)[keep]
    start, stop = start[keep], stop[keep]
    return Use(position=position, quantity=(stop - start) * resource.quantity, start=start, stop=stop)


def inside_band(start: Floats, stop: Floats, first: Floats, last: Floats, low: float, high: float) -> tuple[Floats, Floats]:
    """Part of each segment on which a straight line lies in [low, high): exact crossing times.

    Examples
    --------
    >>> inside_band(np.array([0.0]), np.array([1.0]), np.array([75.0]), np.array([65.0]), -np.inf, 70.0)
    (array([0.5]), array([1.]))
    """
    slope = (last - first) / np.where(stop > start, stop - start, 1.0)
    begin, end = start.copy(), stop.copy()
    for bound, sign in ((low, 1.0), (high, -1.0)):
        if not np.isfinite(bound):
            continue
        above_first, above_last = sign * (first - bound), sign * (last - bound)
        outside = np.where(sign > 0, (above_first < 0) & (above_last < 0), (above_first <= 0) & (above_last <= 0))
        with np.errstate(divide="ignore", invalid="ignore"):
            cross = start + (bound - first) / slope
        enters = (above_first < 0) & (above_last > 0)
        leaves = (above_first > 0) & (above_last < 0)
        begin = np.where(enters, np.maximum(begin, cross), begin)
        end = np.where(leaves, np.minimum(end, cross), end)
        end = np.where(outside, begin, end)
    return begin, np.maximum(end, begin)


def _table(rows: list[tuple[str, str, Use]], categories: tuple[str, ...], items: tuple[str, ...], timeline: Timeline) -> dict[str, Column]:
    """Join all uses, in order of patient and time."""
    size = [use.position.size for _, _, use in rows]
    position = np.concatenate([use.position for _, _, use in rows]) if rows else np.zeros(0, dtype=np.int64)
    start = np.concatenate([use.start for _, _, use in rows]) if rows else np.zeros(0)
    category = np.repeat([categories.index(name) for name, _, _ in rows], size)
    item = np.repeat([items.index(name) for _, name, _ in rows], size)
    order = np.lexsort((item, start, position))
    row = timeline.last_row(position[order], start[order])
    return {
        "patient": position[order], "line": timeline.column("line", row), "regimen": timeline.column("regimen", row), "category": category[order], "item": item[order],
        "quantity": (np.concatenate([use.quantity for _, _, use in rows]) if rows else np.zeros(0))[order], "start": start[order],
        "stop": (np.concatenate([use.stop for _, _, use in rows]) if rows else np.zeros(0))[order],
    }  # fmt: skip
