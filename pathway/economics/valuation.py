"""Ledger times prices and utilities: discounted costs, QALYs and life-years per patient, in closed form.

Only the ledger and the terms enter: other prices, utilities or discount rates need no new run. What is used at once
costs the price of its day; what accrues evenly is split where the price changes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathway.economics.discounting import Discounting, factor, flow
from pathway.economics.ledger import Ledger
from pathway.economics.parts import HUNDRED, added_up, hundreds
from pathway.economics.quality import Pieces, equal_value_years_gained, pieces_of, quality_adjusted_years
from pathway.economics.terms import Price, Terms, prices_used, terms_of
from pathway.errors import EconomicsError

__all__ = [
    "Outcomes",
    "Terms",
    "equal_value_years_gained",
    "prices_used",
    "terms_of",
    "value",
    "without_discounting",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
ITEM_COLUMNS = (
    "item", "label", "category", "unit", "quantity", "waste", "cost", "cost_discounted", "basis", "grade"
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """What one strategy is worth, patient by patient.

    Attributes
    ----------
    categories
        Cost categories, columns of ``costs``.
    costs, costs_undiscounted : shape (patients, categories)
        Currency of the terms.
    life_years, life_years_discounted, qalys, qalys_discounted : shape (patients,)
        Years.
    years_by_state : shape (patients, states)
        Years, undiscounted.
    years_by_line : shape (patients, lines + 1)
        Years, undiscounted; column 0: untreated.
    qalys_by_map : shape (patients, maps, 2)
        Discounted QALYs under every map of the terms, in their order: capped by the norm, and by 1 alone. No maps where there is no choice.
    item_rows
        Per item and category in use: item, label, category, unit, basis, grade (the weakest of the prices in use).
    item_sums : shape (parts, item rows, 4)
        Sums of quantity, waste, cost and discounted cost over a hundred patients each, in the cohort's order (:mod:`pathway.economics.parts`).
    """

    categories: tuple[str, ...]
    costs: Floats
    costs_undiscounted: Floats
    life_years: Floats
    life_years_discounted: Floats
    qalys: Floats
    qalys_discounted: Floats
    years_by_state: Floats
    years_by_line: Floats
    qalys_by_map: Floats
    item_rows: tuple[tuple[str, ...], ...]
    item_sums: Floats

    @property
    def items(self) -> pd.DataFrame:
        """Per item: item, label, category, unit, quantity, waste (units), cost, cost_discounted (means a patient), basis, grade."""
        means = added_up(self.item_sums) / max(self.life_years.size, 1)
        rows = [(*row[:4], *mean, *row[4:]) for row, mean in zip(self.item_rows, means.tolist(), strict=True)]
        return pd.DataFrame(rows, columns=list(ITEM_COLUMNS))

    @property
    def total(self) -> Floats:
        """Discounted costs of each patient, shape (patients,)."""
        return np.asarray(self.costs.sum(axis=1))

    @property
    def total_undiscounted(self) -> Floats:
        """Undiscounted costs of each patient, shape (patients,)."""
        return np.asarray(self.costs_undiscounted.sum(axis=1))


def value(ledger: Ledger, terms: Terms, *, known: Pieces | None = None) -> Outcomes:
    """Value a ledger; ``known``: the pieces of its lives, if they were cut before.

    Raises
    ------
    EconomicsError
        If an item has no price, or a utility falls below the worst the instrument can say.
    """
    patients = ledger.patients
    bought = _bought(ledger, terms)
    person = np.asarray(ledger.life["patient"], dtype=np.int64)
    start = np.asarray(ledger.life["start"], dtype=np.float64)
    stop = np.asarray(ledger.life["stop"], dtype=np.float64)
    state = np.asarray(ledger.life["state"], dtype=np.int64)
    line = np.asarray(ledger.life["line"], dtype=np.int64)
    years, discounting = stop - start, terms.discounting
    present_years = flow(start, stop, discounting.outcomes, discounting.convention)
    pieces = known or pieces_of(ledger, terms.utility)
    undiscounted = Discounting(costs=0.0, outcomes=0.0)
    nowhere = np.zeros_like(person)
    return Outcomes(
        categories=ledger.categories,
        costs=bought.by_category(bought.present, len(ledger.categories)),
        costs_undiscounted=bought.by_category(bought.plain, len(ledger.categories)),
        life_years=_sums(person, nowhere, years, patients, 1)[:, 0],
        life_years_discounted=_sums(person, nowhere, present_years, patients, 1)[:, 0],
        qalys=quality_adjusted_years(pieces, patients, 0.0, undiscounted),
        qalys_discounted=quality_adjusted_years(pieces, patients, discounting.outcomes, discounting),
        years_by_state=_sums(person, state, years, patients, len(ledger.states)),
        years_by_line=_sums(person, line, years, patients, ledger.lines + 1),
        qalys_by_map=_by_map(ledger, terms, pieces),
        item_rows=bought.rows(ledger, terms),
        item_sums=bought.sums(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bought:
    """What each patient used of each item: the one place where costs are added up, in order of start inside patient and item.

    Attributes
    ----------
    pairs : shape (pairs,)
        ``category * items + item`` of every pair in use.
    items
        How many items the ledger knows.
    plain, present : shape (patients, pairs)
        Undiscounted and discounted cost.
    units : shape (parts, pairs, 2)
        Quantity and waste by hundreds of patients.
    """

    pairs: Ints
    items: int
    plain: Floats
    present: Floats
    units: Floats

    def by_category(self, costs: Floats, categories: int) -> Floats:
        """Add items up, shape (patients, categories)."""
        found = np.zeros((costs.shape[0], categories))
        for number, pair in enumerate(self.pairs.tolist()):
            found[:, pair // self.items] += costs[:, number]
        return found

    def sums(self) -> Floats:
        """Quantity, waste, cost and discounted cost by hundreds of patients, shape (parts, pairs, 4)."""
        parts = hundreds(self.plain.shape[0])
        money = np.zeros((2, parts * HUNDRED, self.pairs.size))
        money[0, : self.plain.shape[0]], money[1, : self.present.shape[0]] = self.plain, self.present
        costs = np.add.accumulate(money.reshape(2, parts, HUNDRED, self.pairs.size), axis=2)[:, :, -1]  # in order; a plain sum may go by pairs
        return np.concatenate([self.units, np.moveaxis(costs, 0, -1)], axis=2)

    def rows(self, ledger: Ledger, terms: Terms) -> tuple[tuple[str, ...], ...]:
        """What stands for each pair: item, label, category, unit, basis, grade."""
        prices = [(terms.prices[ledger.items[pair % self.items]], ledger.categories[pair // self.items]) for pair in self.pairs.tolist()]
        return tuple((price.item, price.label, category, price.unit, price.basis, price.weakest_grade) for price, category in prices)


def _bought(ledger: Ledger, terms: Terms) -> _Bought:
    """Value every use and add it up by patient and item, pair by pair: a pair's rows are few enough to stay near the processor."""
    unpriced = [name for name in ledger.items if name not in terms.prices]
    if unpriced:
        raise EconomicsError(where="prices", found=f"no price for {unpriced[0]}", expected="a price for every item in the ledger")
    use, width, patients = ledger.use, len(ledger.items), ledger.patients
    rows = _rows_by_pair(ledger)
    plain, present = np.zeros((patients, len(rows))), np.zeros((patients, len(rows)))
    units = np.zeros((hundreds(patients), len(rows), 2))
    for number, (pair, chosen) in enumerate(rows.items()):
        patient = np.asarray(use["patient"][chosen], dtype=np.int64)
        quantity, waste, start, stop = (np.asarray(use[name][chosen], dtype=np.float64) for name in ("quantity", "waste", "start", "stop"))
        costs = _item_costs(terms, terms.prices[ledger.items[pair % width]], quantity, start, stop)
        plain[:, number], present[:, number] = (np.bincount(patient, weights=cost, minlength=patients) for cost in costs)
        hundred = patient // HUNDRED
        units[:, number] = np.stack([np.bincount(hundred, weights=unit, minlength=len(units)) for unit in (quantity, waste)], axis=1)
    return _Bought(pairs=np.array(list(rows), dtype=np.int64), items=width, plain=plain, present=present, units=units)


def _rows_by_pair(ledger: Ledger) -> dict[int, slice | Ints]:
    """Rows of every pair of category and item in use (``category * items + item``), as they stand; a slice where the ledger has them pair by pair."""
    width = len(ledger.items)
    pair = np.asarray(ledger.use["category"], dtype=np.int64) * width + np.asarray(ledger.use["item"], dtype=np.int64)
    counts = np.bincount(pair)
    pairs = np.flatnonzero(counts).tolist()
    ends = np.cumsum(counts)
    spans = {number: slice(int(ends[number] - counts[number]), int(ends[number])) for number in pairs}
    if (pair[1:] >= pair[:-1]).all():
        return dict(spans)
    order = np.argsort(pair.astype(np.uint16) if counts.size <= np.iinfo(np.uint16).max else pair, kind="stable")  # short numbers are sorted by digits, many times faster
    return {number: order[span] for number, span in spans.items()}


def _by_map(ledger: Ledger, terms: Terms, pieces: Pieces) -> Floats:
    """Discounted QALYs under every map, shape (patients, maps, 2); ``pieces`` are those of the map in force."""
    maps = terms.maps if len(terms.maps) > 1 else {}
    found = np.zeros((ledger.patients, len(maps), 2))
    for number, (name, spec) in enumerate(maps.items()):
        lived = pieces if name == terms.utility.map else pieces_of(ledger, spec)
        for side, one in enumerate((lived, replace(lived, cap=np.ones(lived.cap.size)))):
            found[:, number, side] = quality_adjusted_years(one, ledger.patients, terms.discounting.outcomes, terms.discounting)
    return found


def _sums(row: Ints, column: Ints, weight: Floats, rows: int, columns: int) -> Floats:
    """Sum a weight by two indices, shape (rows, columns)."""
    sums = np.bincount(row * columns + column, weights=weight, minlength=rows * columns)
    return np.asarray(sums, dtype=np.float64).reshape(rows, columns)


def _item_costs(terms: Terms, price: Price, quantity: Floats, start: Floats, stop: Floats) -> tuple[Floats, Floats]:
    """Value instant uses at the price of their time, and spread uses split where the price changes."""
    rate, convention = terms.discounting.costs, terms.discounting.convention
    spread = np.flatnonzero(stop != start)
    plain, present = np.zeros(start.size), np.zeros(start.size)
    if spread.size < start.size:
        plain = quantity * price.at(start)
        present = plain * factor(start, rate, convention)
    if spread.size:
        first, last = start[spread], stop[spread]
        per_year = quantity[spread] / (last - first)
        plain[spread], present[spread] = 0.0, 0.0
        edges = [*price.starts[1:], np.inf]
        begin = -np.inf
        for amount, end in zip(price.values, edges, strict=True):
            low = np.clip(first, begin, end)
            high = np.maximum(np.clip(last, begin, end), low)
            # Where a price is never in force, low = high lies at its edge: years of 0, even before entry.
            plain[spread] += amount * per_year * (high - low)
            present[spread] += amount * per_year * flow(np.maximum(low, 0.0), np.maximum(high, 0.0), rate, convention)
            begin = end
    return plain, present


def without_discounting(terms: Terms) -> Terms:
    """Keep the terms but for their rates, which become 0."""
    return replace(terms, discounting=replace(terms.discounting, costs=0.0, outcomes=0.0))
