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


def value(ledger: Ledger, terms: Terms) -> Outcomes:
    """Value a ledger.

    Raises
    ------
    EconomicsError
        If an item has no price, or a utility falls below the worst the instrument can say.
    """
    patients = ledger.patients
    plain, present = _costs(ledger, terms)
    buyer = np.asarray(ledger.use["patient"], dtype=np.int64)
    category = np.asarray(ledger.use["category"], dtype=np.int64)
    person = np.asarray(ledger.life["patient"], dtype=np.int64)
    start = np.asarray(ledger.life["start"], dtype=np.float64)
    stop = np.asarray(ledger.life["stop"], dtype=np.float64)
    state = np.asarray(ledger.life["state"], dtype=np.int64)
    line = np.asarray(ledger.life["line"], dtype=np.int64)
    years, discounting = stop - start, terms.discounting
    present_years = flow(start, stop, discounting.outcomes, discounting.convention)
    pieces = pieces_of(ledger, terms.utility)
    undiscounted = Discounting(costs=0.0, outcomes=0.0)
    nowhere = np.zeros_like(person)
    item_rows, item_sums = _items(ledger, terms, plain, present)
    return Outcomes(
        categories=ledger.categories,
        costs=_sums(buyer, category, present, patients, len(ledger.categories)),
        costs_undiscounted=_sums(buyer, category, plain, patients, len(ledger.categories)),
        life_years=_sums(person, nowhere, years, patients, 1)[:, 0],
        life_years_discounted=_sums(person, nowhere, present_years, patients, 1)[:, 0],
        qalys=quality_adjusted_years(pieces, patients, 0.0, undiscounted),
        qalys_discounted=quality_adjusted_years(pieces, patients, discounting.outcomes, discounting),
        years_by_state=_sums(person, state, years, patients, len(ledger.states)),
        years_by_line=_sums(person, line, years, patients, ledger.lines + 1),
        qalys_by_map=_by_map(ledger, terms, pieces),
        item_rows=item_rows,
        item_sums=item_sums,
    )


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


def _costs(ledger: Ledger, terms: Terms) -> tuple[Floats, Floats]:
    """Cost of every row of use, undiscounted and discounted."""
    use = ledger.use
    item = np.asarray(use["item"], dtype=np.int64)
    quantity, start, stop = (np.asarray(use[name], dtype=np.float64) for name in ("quantity", "start", "stop"))
    plain, present = np.zeros(item.size), np.zeros(item.size)
    for number, name in enumerate(ledger.items):
        if name not in terms.prices:
            raise EconomicsError(
                where="prices", found=f"no price for {name}", expected="a price for every item in the ledger"
            )
        rows = np.flatnonzero(item == number)
        if rows.size:
            costs = _item_costs(terms, terms.prices[name], quantity[rows], start[rows], stop[rows])
            plain[rows], present[rows] = costs
    return plain, present


def _item_costs(terms: Terms, price: Price, quantity: Floats, start: Floats, stop: Floats) -> tuple[Floats, Floats]:
    """Value instant uses at the price of their time, and spread uses split where the price changes."""
    rate, convention = terms.discounting.costs, terms.discounting.convention
    instant = stop == start
    plain = quantity * price.at(start)
    present = plain * factor(start, rate, convention)
    spread = np.flatnonzero(~instant)
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


def _items(ledger: Ledger, terms: Terms, plain: Floats, present: Floats) -> tuple[tuple[tuple[str, ...], ...], Floats]:
    """What stands for each item and category in use, and sums by hundreds of patients."""
    use, width = ledger.use, len(ledger.items)
    pair = np.asarray(use["category"], dtype=np.int64) * width + np.asarray(use["item"], dtype=np.int64)
    pairs = np.flatnonzero(np.bincount(pair, minlength=width * len(ledger.categories)))
    column = np.zeros(width * len(ledger.categories) + 1, dtype=np.int64)
    column[pairs] = np.arange(pairs.size)
    cell = np.asarray(use["patient"], dtype=np.int64) // HUNDRED * pairs.size + column[pair]
    parts = hundreds(ledger.patients)
    quantity, waste = (np.asarray(use[name], dtype=np.float64) for name in ("quantity", "waste"))
    sums = np.stack([np.bincount(cell, weights=weight, minlength=parts * pairs.size) for weight in (quantity, waste, plain, present)], axis=1)
    prices = [(terms.prices[ledger.items[k % width]], ledger.categories[k // width]) for k in pairs.tolist()]
    rows = tuple((price.item, price.label, category, price.unit, price.basis, price.weakest_grade) for price, category in prices)
    return rows, np.asarray(sums.reshape(parts, pairs.size, 4), dtype=np.float64)


def without_discounting(terms: Terms) -> Terms:
    """Keep the terms but for their rates, which become 0."""
    return replace(terms, discounting=replace(terms.discounting, costs=0.0, outcomes=0.0))
