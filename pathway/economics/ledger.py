"""Waist 3: how much was used and how long was lived, in natural units; no money.

A :class:`Ledger` holds the quantities of one cohort under one strategy in two tables, ``use`` and ``life``. New
prices, utilities or discount rates need nothing else. It must not know how histories were made, nor any price.

``use``, one row per thing used, in order of patient, start and item:

========== ======= =========================================================================================
column     type    meaning
========== ======= =========================================================================================
patient    int64   position in the cohort
line       int64   line of therapy (0: untreated)
regimen    int64   bit set of treatments
category   int64   index into ``categories``
item       int64   index into ``items``
quantity   float64 units paid for, in the item's natural unit
waste      float64 of these, thrown away: rest of vials, unexpired part of the last pack
start      float64 years since entry
stop       float64 equal to start when used at once; otherwise the quantity accrues evenly from start to stop
========== ======= =========================================================================================

``life``, one row per segment on which registers stand still and markers run straight: ``patient``, ``start``,
``stop``, ``state``, ``line``, ``regimen``, ``condition`` (index, -1: none), ``flags`` (bit set) and, per marker,
``<marker>_start`` and ``<marker>_stop`` in shown units. Segments of a patient follow each other without gap from
0 to the last row of the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathway.definition.documents import DosingRow, EconomicsDocument
from pathway.economics.druguse import Schedules, Use, amounts
from pathway.economics.life import life_of
from pathway.economics.resources import resource_use
from pathway.economics.timeline import Moments, Timeline, courses_of, holds_of, reductions_of, timeline_of
from pathway.errors import EconomicsError
from pathway.eventlog import EventLog, Kind, regimen_words
from pathway.program import Cohort, Program

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Column = NDArray[np.generic]

USE_COLUMNS: dict[str, type] = {
    "patient": np.int64,
    "line": np.int64,
    "regimen": np.int64,
    "category": np.int64,
    "item": np.int64,
    "quantity": np.float64,
    "waste": np.float64,
    "start": np.float64,
    "stop": np.float64,
}


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

    def __post_init__(self) -> None:
        if tuple(self.use) != tuple(USE_COLUMNS):
            raise EconomicsError(where="ledger", found=f"columns {list(self.use)}", expected=f"{list(USE_COLUMNS)}")

    @property
    def patients(self) -> int:
        """Cohort size."""
        return int(self.end.size)

    def use_frame(self) -> pd.DataFrame:
        """``use`` with words in place of indices."""
        words = {
            "regimen": regimen_words(np.asarray(self.use["regimen"], dtype=np.int64), self.treatments),
            "category": pd.Categorical.from_codes(np.asarray(self.use["category"], dtype=int), list(self.categories)),
            "item": pd.Categorical.from_codes(np.asarray(self.use["item"], dtype=int), list(self.items)),
        }
        return pd.DataFrame({name: words.get(name, column) for name, column in self.use.items()})

    def life_frame(self) -> pd.DataFrame:
        """``life`` with the states' names."""
        states = pd.Categorical.from_codes(np.asarray(self.life["state"], dtype=int), list(self.states))
        return pd.DataFrame({**self.life, "state": states})


def build(log: EventLog, program: Program, cohort: Cohort, library: Books, values: dict[str, float], *, is_ordered: bool = True) -> Ledger:
    """Turn histories into quantities.

    Parameters
    ----------
    log, program, cohort
        Of one strategy.
    library
        Dosing rows and ``economics.toml``.
    values
        Parameter values by id, for thresholds that resources name (bands of a marker).
    is_ordered
        Put ``use`` in order of patient, start and item? Otherwise it stands in order of category and item, then of patient and start, and does not say under which line and
        regimen a use fell (0); it is worth the same, and a third of the work is spared.

    Raises
    ------
    EconomicsError
        If log and cohort do not fit, a resource names what nobody knows, or a dose needs a covariate that is
        missing.
    """
    timeline = timeline_of(log, program, cohort)
    life = life_of(timeline)
    changes = timeline.changes(of_line=True)
    parts: list[tuple[str, str, dict[str, Column]]] = []
    for number, treatment in enumerate(program.treatments):
        rows = [row for row in library.dosing if row.treatment == treatment]
        courses = courses_of(timeline, number, cohort)
        if not rows or not courses.position.size:
            continue
        holds, reductions = holds_of(timeline, number), reductions_of(timeline, number)
        of_band: dict[tuple[float | None, float | None], Schedules] = {}
        for row in rows:
            band = (row.weight_at_least, row.weight_below)
            if band not in of_band:
                fits = _weighs(cohort, row)
                of_band[band] = Schedules(courses.only(fits), holds.only(fits))
            if not of_band[band].courses.position.size:
                continue
            needed, paid = amounts(row, _size(cohort, "weight_kg", row), _size(cohort, "body_surface", row))
            parts.append((row.category, row.item, _by_line(timeline, changes, of_band[band].use_of(row, needed, paid, reductions), is_placed=is_ordered)))
    age = cohort.values[:, program.age] if program.age >= 0 else np.zeros(cohort.size)  # noqa: PD011
    for resource in library.economics.resources:
        used = resource_use(resource, timeline, life, values, age)
        table: dict[str, Column] = {
            "patient": used.position,
            "quantity": used.quantity,
            "waste": np.zeros(used.quantity.size),
            "start": used.start,
            "stop": used.stop,
            **({"line": used.line, "regimen": used.regimen} if is_ordered else {}),
        }
        parts.append((resource.category, resource.item, table))
    used_categories, used_items = {category for category, _, _ in parts}, {item for _, item, _ in parts}
    known_categories, known_items = declared(program, library)
    categories = tuple(category for category in known_categories if category in used_categories)
    items = tuple(item for item in known_items if item in used_items)
    return Ledger(
        use=_joined(parts, categories, items, is_ordered=is_ordered),
        life=life.table(),
        items=items,
        categories=categories,
        states=program.states,
        treatments=program.treatments,
        conditions=tuple(condition.name for condition in program.conditions),
        flags=program.flags,
        markers=tuple(marker.name for marker in program.markers),
        age=age,
        female=(cohort.values[:, program.female] if program.female >= 0 else np.ones(cohort.size)).astype(np.int64),  # noqa: PD011
        end=timeline.end,
        lines=max(len(program.lines) + 1, int(timeline.column("line").max(initial=0))),
    )


def declared(program: Program, library: Books) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """All categories and items that a ledger of this program may have, in order: those of a part of the cohort stand in the order of the whole."""
    dosed = [(row.category, row.item) for treatment in program.treatments for row in library.dosing if row.treatment == treatment]
    pairs = [*dosed, *((resource.category, resource.item) for resource in library.economics.resources)]
    return tuple(dict.fromkeys(category for category, _ in pairs)), tuple(dict.fromkeys(item for _, item in pairs))


REGISTERS = frozenset(Kind) - {Kind.MEASURE, Kind.FINDING, Kind.VISIT, Kind.DECIDE, Kind.REQUEST, Kind.INFORM, Kind.APPROVE, Kind.DENY, Kind.APPEAL, Kind.UPHOLD, Kind.ORDER}
"""Kinds of rows that change a register, and the first and last of a history."""


def kinds_read(library: Books) -> frozenset[Kind]:
    """Kinds of rows without which a ledger cannot be built; it is the same with those alone."""
    resources = library.economics.resources
    named = {"visit" if resource.per == "visit" else str(resource.kind) for resource in resources if resource.per not in ("year", "death")}
    return REGISTERS | {kind for kind in Kind if kind.name.lower() in named}


def _size(cohort: Cohort, name: str, row: DosingRow) -> Floats:
    """Weight or surface of every patient; ones where the dose does not depend on it."""
    if row.basis != {"weight_kg": "per_kg", "body_surface": "per_m2"}[name]:
        return np.ones(cohort.size)
    where = f"dosing.csv, {row.treatment}, {row.item}"
    if name not in cohort.covariates:
        raise EconomicsError(
            where=where,
            found=f"basis {row.basis}",
            expected=f"a covariate {name}",
            mend=f"declare covariate {name} in pathway.toml",
        )
    size = cohort.values[:, cohort.covariates.index(name)]  # noqa: PD011
    if not (np.isfinite(size) & (size > 0.0)).all():
        raise EconomicsError(where=where, found=f"{name} missing or not above 0", expected="a value for every patient")
    return size


def _weighs(cohort: Cohort, row: DosingRow) -> NDArray[np.bool_]:
    """Tell whose weight is in the band that the row is for."""
    fits = np.ones(cohort.size, dtype=bool)
    if row.weight_at_least is None and row.weight_below is None:
        return fits
    weight = _size(cohort, "weight_kg", row.model_copy(update={"basis": "per_kg"}))
    if row.weight_at_least is not None:
        fits &= weight >= row.weight_at_least
    if row.weight_below is not None:
        fits &= weight < row.weight_below
    return fits


def _by_line(timeline: Timeline, changes: Moments, use: Use, *, is_placed: bool) -> dict[str, Column]:
    """Say under which line and regimen each use fell, if it is to be placed; what accrues evenly is cut where these change."""
    spread = np.flatnonzero(use.stop > use.start)
    if spread.size:
        piece, begin, end = changes.cut(use.position[spread], use.start[spread], use.stop[spread])
        piece = spread[piece]
        share = (end - begin) / (use.stop[piece] - use.start[piece])
        once = np.flatnonzero(use.stop <= use.start)
        use = Use(
            position=np.concatenate([use.position[once], use.position[piece]]),
            quantity=np.concatenate([use.quantity[once], use.quantity[piece] * share]),
            waste=np.concatenate([use.waste[once], use.waste[piece] * share]),
            start=np.concatenate([use.start[once], begin]),
            stop=np.concatenate([use.stop[once], end]),
        )
    table: dict[str, Column] = {"patient": use.position, "quantity": use.quantity, "waste": use.waste, "start": use.start, "stop": use.stop}
    if not is_placed:
        return table
    row = timeline.last_row(use.position, use.start)
    return {**table, "line": timeline.column("line", row), "regimen": timeline.column("regimen", row)}


def _joined(parts: list[tuple[str, str, dict[str, Column]]], categories: tuple[str, ...], items: tuple[str, ...], *, is_ordered: bool) -> dict[str, Column]:
    """Join all uses: those of one category and item in order of patient and start, then all of them, if they are to be ordered.

    Every column is laid out once and filled pair by pair: most of what this costs is memory touched for the first time.
    """
    of_pair: dict[tuple[int, int], list[dict[str, Column]]] = {}
    for category, item, table in parts:
        of_pair.setdefault((categories.index(category), items.index(item)), []).append(table)
    size = sum(table["patient"].size for _, _, table in parts)
    columns: dict[str, Column] = {name: np.zeros(size, dtype=kind) for name, kind in USE_COLUMNS.items()}
    first = 0
    # Where all are to be ordered, those of one item stand together: a stable merge then leaves items in order where patient and start are the same.
    for category_number, item_number in sorted(of_pair, key=lambda pair: (pair[1], pair[0]) if is_ordered else pair):
        same = of_pair[category_number, item_number]
        table = same[0] if len(same) == 1 else {name: np.concatenate([one[name] for one in same]) for name in same[0]}
        place = slice(first, first + table["patient"].size)
        order = _order_of(np.asarray(table["patient"], dtype=np.int64), np.asarray(table["start"], dtype=np.float64))
        for name, column in table.items():
            if order is None:
                columns[name][place] = column
            else:
                np.take(column, order, out=columns[name][place], mode="clip")  # clip: without a copy of its own
        columns["category"][place], columns["item"][place] = category_number, item_number
        first = place.stop
    order = _order_of(np.asarray(columns["patient"], dtype=np.int64), np.asarray(columns["start"], dtype=np.float64)) if is_ordered else None
    return columns if order is None else {name: column[order] for name, column in columns.items()}


def _order_of(patient: Ints, start: Floats) -> Ints | None:
    """Order of rows by patient, then start, ties as they stand; None: they stand so.

    Rows are runs that are in order, one for each row of dosing.csv: a stable sort of a single key merges them, where two keys would be sorted from the beginning. The key is
    rounded, so what it says is looked at; times that it cannot tell apart are sorted by both.
    """
    if _is_sorted(patient, start):
        return None
    order = np.argsort(patient * (start.max() + 1.0) + start, kind="stable")
    return np.asarray(order if _is_sorted(patient[order], start[order]) else np.lexsort((start, patient)), dtype=np.int64)


def _is_sorted(patient: Ints, start: Floats) -> bool:
    """Do rows stand in order of patient, then of start?"""
    falls = np.flatnonzero(start[1:] < start[:-1])  # few: from one course to the next
    return bool(np.all(patient[1:] >= patient[:-1]) and np.all(patient[falls + 1] > patient[falls]))
