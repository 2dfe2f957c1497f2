"""Parts of the table ``use``, and the table written from them.

A *part* is one row of dosing.csv or one resource, in numbers that compiled code reads (:mod:`pathway.economics.compiled_ledger`). This module must not know prices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pathway.economics.compiled_layout import (
    P_SIZE,
    Q_SIZE,
    U_CATEGORY,
    U_ITEM,
    U_LINE,
    U_PATIENT,
    U_QUANTITY,
    U_REGIMEN,
    U_SIZE,
    U_SIZE_REAL,
    U_START,
    U_STOP,
    U_WASTE,
    How,
)  # fmt: skip
from pathway.economics.compiled_ledger import write_all
from pathway.economics.compiled_timeline import list_occasions
from pathway.economics.timeline import DrugHistory, Rows, Spells
from pathway.eventlog import Kind

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Column = NDArray[np.generic]

USES_A_LIFE = 640
"""First guess of how many uses a life has; tables that are too small are doubled."""
MOST = np.iinfo(np.int64).max
ONE = np.ones(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What is used, when and how much of it; meanings and units as in :class:`pathway.definition.documents.DosingRow` and ``Resource``.

    Attributes
    ----------
    how, category, item
        Kind of part, and what it counts as.
    treatment, needed, paid, count, first, spacing, acts_from, acts_until, reduced, weight_at_least, weight_below
        Of a dose, times in years; amounts of shape (1,) for everybody or (patients,).
    states, on, flag, condition, marker, times_marker, kind, name, quantity, low, high, age_below
        Of a resource: bit sets of states, treatments and flags, and indices; -1: any or none.
    """

    how: How
    category: str
    item: str
    treatment: int = -1
    needed: Floats = field(default_factory=lambda: ONE)
    paid: Floats = field(default_factory=lambda: ONE)
    count: int | None = None
    first: float = 0.0
    spacing: float = 0.0
    acts_from: float = 0.0
    acts_until: float = np.inf
    reduced: float = 1.0
    weight_at_least: float | None = None
    weight_below: float | None = None
    states: int = -1
    on: int = 0
    flag: int = 0
    condition: int = -1
    marker: int = -1
    times_marker: bool = False
    kind: int = -1
    name: int = -1
    quantity: float = 1.0
    low: float = -np.inf
    high: float = np.inf
    age_below: float = np.inf

    @property
    def is_banded(self) -> bool:
        """Is it for some weights only?"""
        return self.weight_at_least is not None or self.weight_below is not None

    def whole(self, category: int, item: int, occasion: int) -> tuple[int, ...]:
        """Whole numbers, in the order of :mod:`pathway.economics.compiled_layout`, with the numbers of category, item, and kind and name."""
        return (
            self.how, category, item, self.treatment, MOST if self.count is None else self.count, 0, int(self.paid.size > 1), self.is_banded,
            self.states, self.on, self.flag, self.condition, self.marker, self.times_marker, occasion,
        )  # fmt: skip

    def real(self) -> tuple[float, ...]:
        """Floats, in the order of :mod:`pathway.economics.compiled_layout`."""
        return (
            self.first, self.spacing, self.acts_from, self.acts_until, self.reduced, -np.inf if self.weight_at_least is None else self.weight_at_least,
            np.inf if self.weight_below is None else self.weight_below, self.quantity, self.low, self.high, self.age_below,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasions:
    """Kinds and names of rows on which something is used, numbered.

    Attributes
    ----------
    of_name : shape (kinds * (names + 1),)
        Number of rows of each kind and name (the first of a kind: rows without one); -1: none.
    of_kind : shape (kinds,)
        Number of rows of each kind, whatever their name; -1: none.
    count
        How many there are.
    """

    of_name: Ints
    of_kind: Ints
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartTable:
    """Parts laid out as numbers.

    Attributes
    ----------
    whole, real : shape (parts, columns)
        As in :mod:`pathway.economics.compiled_layout`.
    needed, paid : shape (amounts,)
        Amounts of all doses, one after another.
    groups : shape (groups + 1,)
        First part of each group. The table of uses stands in order of groups, of patients and of start; uses of one patient, group and start in order of parts.
    occasions
        Of resources.
    """

    whole: Ints
    real: Floats
    needed: Floats
    paid: Floats
    groups: Ints
    occasions: Occasions


def lay_out(parts: Sequence[Part], categories: Sequence[str], items: Sequence[str], names: int) -> PartTable:
    """Lay parts out, each a group, without amounts that depend on size.

    Parameters
    ----------
    parts
        In order.
    categories, items
        What numbers stand for.
    names
        How many names the log has.
    """
    category, item = ({name: number for number, name in enumerate(known)} for known in (categories, items))
    numbers = {occasion: number for number, occasion in enumerate(dict.fromkeys((part.kind, part.name) for part in parts if part.kind >= 0))}
    whole = [part.whole(category[part.category], item[part.item], numbers.get((part.kind, part.name), -1)) for part in parts]
    occasions = Occasions(of_name=np.full(len(Kind) * (names + 1), -1, dtype=np.int64), of_kind=np.full(len(Kind), -1, dtype=np.int64), count=len(numbers))
    for (kind, name), number in numbers.items():
        if name < 0:
            occasions.of_kind[kind] = number
        else:
            occasions.of_name[kind * (names + 1) + name + 1] = number
    return PartTable(
        whole=np.array(whole, dtype=np.int64).reshape(len(parts), P_SIZE), real=np.array([part.real() for part in parts], dtype=np.float64).reshape(len(parts), Q_SIZE),
        needed=np.zeros(0), paid=np.zeros(0), groups=np.arange(len(parts) + 1), occasions=occasions,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Persons:
    """Age at entry and weight (kg), each shape (patients,)."""

    age: Floats
    weight: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one log tells: rows, spells, drugs, floats of :class:`pathway.economics.life.Life` of shape (columns, room), and which states are absorbing (a bit set)."""

    rows: Rows
    spells: Spells
    drugs: DrugHistory
    life: Floats
    absorbing: int


def write_uses(table: PartTable, persons: Persons, told: Told, *, is_placed: bool) -> dict[str, Column]:
    """Write the table ``use``.

    Parameters
    ----------
    table, persons, told
        Of one cohort.
    is_placed
        Is it to be said under which line and regimen each use fell? Otherwise 0.

    Returns
    -------
    Columns as in :class:`pathway.economics.ledger.Ledger`.
    """
    rows, spells, drugs, occasions = told.rows, told.spells, told.drugs, table.occasions
    patients, columns = persons.age.size, U_SIZE if is_placed else U_LINE
    first_row, listed = np.zeros(patients * occasions.count + 1, dtype=np.int64), np.empty(2 * rows.time.size, dtype=np.int64)
    list_occasions(rows.first, rows.kind, rows.name, occasions.of_name, occasions.of_kind, occasions.count, first_row, listed)
    progress, room, sortable = np.zeros(3, dtype=np.int64), USES_A_LIFE * patients, USES_A_LIFE
    registers, numbers = np.empty((columns, room), dtype=np.int64), np.empty((U_SIZE_REAL, room))
    while True:
        order, other, moved = (np.empty(sortable, dtype=np.int64) for _ in range(3))
        size = write_all(
            table.whole.ravel(), table.real.ravel(), table.groups, progress, registers.ravel(), numbers.ravel(), int(is_placed), persons.age, persons.weight, table.needed, table.paid,
            first_row, listed, rows.state, rows.line, rows.regimen, rows.time, rows.condition, told.absorbing,
            spells.first, spells.start, spells.table, told.life.ravel(), told.life.shape[1], drugs.courses.first, drugs.courses.start, drugs.courses.stop, drugs.courses.is_open,
            drugs.first_part, drugs.part_start, drugs.part_stop, drugs.reductions.first, drugs.reductions.start, drugs.reductions.stop, order, other, moved, np.empty(sortable),
        )  # fmt: skip
        if progress[0] == table.groups.size - 1:
            break
        sortable = max(sortable, 2 * (size - int(progress[2])))
        if size > room:
            room = 2 * max(room, size)
            registers, numbers = (_with_room(columns, room, int(progress[2])) for columns in (registers, numbers))
    nowhere = np.broadcast_to(np.int64(0), size)
    return {
        "patient": registers[U_PATIENT, :size],
        "line": registers[U_LINE, :size] if is_placed else nowhere,
        "regimen": registers[U_REGIMEN, :size] if is_placed else nowhere,
        "category": registers[U_CATEGORY, :size],
        "item": registers[U_ITEM, :size],
        "quantity": numbers[U_QUANTITY, :size],
        "waste": numbers[U_WASTE, :size],
        "start": numbers[U_START, :size],
        "stop": numbers[U_STOP, :size],
    }


def _with_room(table: NDArray[Any], room: int, kept: int) -> NDArray[Any]:
    """Copy a table's first rows into one with more room."""
    larger = np.empty((len(table), room), dtype=table.dtype)
    larger[:, :kept] = table[:, :kept]
    return larger
