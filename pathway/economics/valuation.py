"""Ledger times prices and utilities: discounted costs, QALYs and life-years per patient, in closed form.

Only the ledger and the terms enter: other prices, utilities or discount rates need no new run. What is used at once
costs the price of its day; what accrues evenly is split where the price changes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathway.economics.columns import real, whole
from pathway.economics.compiled_life import add_years
from pathway.economics.compiled_use import add_costs, add_uses, mark_pairs
from pathway.economics.discounting import CODES, force_of
from pathway.economics.ledger import Ledger
from pathway.economics.parts import added_up, hundreds
from pathway.economics.quality import Quality, equal_value_years_gained, quality_of
from pathway.economics.terms import Terms, prices_used, terms_of
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
        return _in_order(self.costs)

    @property
    def total_undiscounted(self) -> Floats:
        """Undiscounted costs of each patient, shape (patients,)."""
        return _in_order(self.costs_undiscounted)


def _in_order(costs: Floats) -> Floats:
    """Sums of rows, column by column: those of a block of patients who use nothing of a category are those of the whole."""
    total = np.zeros(len(costs))
    for column in costs.T:
        total += column
    return total


def value(ledger: Ledger, terms: Terms, *, known: Quality | None = None) -> Outcomes:
    """Value a ledger; ``known``: the quality of its lives, if it was worked out before.

    Raises
    ------
    EconomicsError
        If an item has no price, or a utility falls below the worst the instrument can say.
    """
    patients, life = ledger.patients, ledger.life
    bought = _bought(ledger, terms)
    quality = known or quality_of(ledger, terms)
    years, years_discounted = np.zeros(patients), np.zeros(patients)
    by_state, by_line = np.zeros((patients, len(ledger.states))), np.zeros((patients, ledger.lines + 1))
    add_years(
        whole(life["patient"]), real(life["start"]), real(life["stop"]), whole(life["state"]), whole(life["line"]), force_of(terms.discounting.outcomes),
        CODES[terms.discounting.convention], years, years_discounted, by_state, by_line,
    )  # fmt: skip
    return Outcomes(
        categories=ledger.categories,
        costs=bought.costs,
        costs_undiscounted=bought.costs_undiscounted,
        life_years=years,
        life_years_discounted=years_discounted,
        qalys=quality.undiscounted,
        qalys_discounted=quality.discounted,
        years_by_state=by_state,
        years_by_line=by_line,
        qalys_by_map=_by_map(ledger, terms, quality),
        item_rows=bought.rows,
        item_sums=bought.sums,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bought:
    """What was used, in money and units: columns of :class:`Outcomes`."""

    costs: Floats
    costs_undiscounted: Floats
    rows: tuple[tuple[str, ...], ...]
    sums: Floats


def _bought(ledger: Ledger, terms: Terms) -> _Bought:
    """Value every use and add it up: the one place where costs are added up, in order of start inside patient and item."""
    unpriced = [name for name in ledger.items if name not in terms.prices]
    if unpriced:
        raise EconomicsError(where="prices", found=f"no price for {unpriced[0]}", expected="a price for every item in the ledger")
    use, items, patients = ledger.use, len(ledger.items), ledger.patients
    category, item = whole(use["category"]), whole(use["item"])
    number = np.zeros(len(ledger.categories) * items, dtype=np.int64)
    mark_pairs(category, item, items, number)
    pairs = np.flatnonzero(number)
    number[pairs] = np.arange(pairs.size)
    prices = [terms.prices[name] for name in ledger.items]
    first_step = np.cumsum([0, *(len(price.starts) for price in prices)], dtype=np.int64)
    step_start = np.array([start for price in prices for start in price.starts])
    step_price = np.array([amount for price in prices for amount in price.values])  # noqa: PD011 - no frame of pandas
    plain, today = np.zeros((pairs.size, patients)), np.zeros((pairs.size, patients))
    sums = np.zeros((hundreds(patients), pairs.size, 4))
    add_uses(
        whole(use["patient"]), category, item, real(use["quantity"]), real(use["waste"]), real(use["start"]), real(use["stop"]), number, first_step, step_start, step_price,
        force_of(terms.discounting.costs), CODES[terms.discounting.convention], plain, today, sums,
    )  # fmt: skip
    costs, costs_undiscounted = np.zeros((patients, len(ledger.categories))), np.zeros((patients, len(ledger.categories)))
    add_costs(plain, today, pairs // max(items, 1), costs_undiscounted, costs, sums)
    named = [(prices[pair % items], ledger.categories[pair // items]) for pair in pairs.tolist()]
    rows = tuple((price.item, price.label, name, price.unit, price.basis, price.weakest_grade) for price, name in named)
    return _Bought(costs=costs, costs_undiscounted=costs_undiscounted, rows=rows, sums=sums)


def _by_map(ledger: Ledger, terms: Terms, quality: Quality) -> Floats:
    """Discounted QALYs under every map, shape (patients, maps, 2); ``quality`` is that of the map in force."""
    maps = terms.maps if len(terms.maps) > 1 else {}
    found = np.zeros((ledger.patients, len(maps), 2))
    for number, (name, spec) in enumerate(maps.items()):
        lived = quality if name == terms.utility.map else quality_of(ledger, terms, spec, years=quality.years)
        found[:, number, 0], found[:, number, 1] = lived.discounted, lived.uncapped
    return found


def without_discounting(terms: Terms) -> Terms:
    """Keep the terms but for their rates, which become 0."""
    return replace(terms, discounting=replace(terms.discounting, costs=0.0, outcomes=0.0))
