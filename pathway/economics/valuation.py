"""Ledger times prices and utilities: discounted costs, QALYs and life-years per patient, in closed form.

Only the ledger and the terms enter. Costs of spread items accrue evenly; utilities run straight inside a segment, which is split at birthdays (the norm is a step function of
whole years of age) and where the line crosses the norm that caps it, so that every integral is exact.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathway.economics.discounting import factor, flow, linear_flow
from pathway.economics.ledger import Ledger
from pathway.economics.terms import Price, Terms, UtilityTerms, prices_used, terms_of
from pathway.errors import EconomicsError

__all__ = ["Outcomes", "Terms", "prices_used", "terms_of", "value"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


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
    items
        Per item: item, category, quantity, cost, cost_discounted (means a patient), basis, grade.
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
    items: pd.DataFrame

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
    who, category = ledger.use["patient"].astype(np.int64), ledger.use["category"].astype(np.int64)
    plain, discounted = _costs(ledger, terms)
    shape = (patients, len(ledger.categories))
    cell = who * shape[1] + category
    costs = [np.bincount(cell, weights=money, minlength=shape[0] * shape[1]).reshape(shape) for money in (plain, discounted)]
    life = ledger.life
    person = life["patient"].astype(np.int64)
    start, stop = life["start"].astype(np.float64), life["stop"].astype(np.float64)
    rate, convention = terms.discounting.outcomes, terms.discounting.convention
    years = stop - start
    qalys, qalys_discounted = _qalys(ledger, terms)
    by = lambda weights: np.bincount(person, weights=weights, minlength=patients)  # noqa: E731
    return Outcomes(
        categories=ledger.categories, costs=costs[1], costs_undiscounted=costs[0], life_years=by(years), life_years_discounted=by(flow(start, stop, rate, convention)),
        qalys=qalys, qalys_discounted=qalys_discounted, years_by_state=_split(person, life["state"].astype(np.int64), years, patients, len(ledger.states)),
        years_by_line=_split(person, life["line"].astype(np.int64), years, patients, ledger.lines + 1), items=_items(ledger, terms, plain, discounted),
    )  # fmt: skip


def _split(person: Ints, column: Ints, years: Floats, patients: int, width: int) -> Floats:
    return np.bincount(person * width + column, weights=years, minlength=patients * width).reshape(patients, width)


def _costs(ledger: Ledger, terms: Terms) -> tuple[Floats, Floats]:
    """Cost of every row of use, undiscounted and discounted."""
    use = ledger.use
    item = use["item"].astype(np.int64)
    quantity, start, stop = (use[name].astype(np.float64) for name in ("quantity", "start", "stop"))
    plain, discounted = np.zeros(item.size), np.zeros(item.size)
    for number, name in enumerate(ledger.items):
        if name not in terms.prices:
            raise EconomicsError(where="prices", found=f"no price for {name}", expected="a price for every item in the ledger")
        rows = np.flatnonzero(item == number)
        if rows.size:
            plain[rows], discounted[rows] = _item_costs(terms, terms.prices[name], quantity[rows], start[rows], stop[rows])
    return plain, discounted


def _item_costs(terms: Terms, price: Price, quantity: Floats, start: Floats, stop: Floats) -> tuple[Floats, Floats]:
    """Instant uses at the price of their time; spread uses split where the price changes."""
    rate, convention = terms.discounting.costs, terms.discounting.convention
    instant = stop == start
    money = quantity * price.at(start)
    present = money * factor(start, rate, convention)
    if not instant.all():
        years = np.where(instant, 1.0, stop - start)
        spread_plain, spread_present = np.zeros(quantity.size), np.zeros(quantity.size)
        edges = [*price.starts[1:], np.inf]
        begin = -np.inf
        for amount, end in zip(price.values, edges, strict=True):
            low, high = np.clip(start, begin, end), np.clip(stop, begin, end)
            high = np.maximum(high, low)
            spread_plain += amount * quantity / years * (high - low)
            spread_present += amount * quantity / years * flow(np.maximum(low, 0.0), np.maximum(high, 0.0), rate, convention)
            begin = end
        money, present = np.where(instant, money, spread_plain), np.where(instant, present, spread_present)
    return money, present


def _items(ledger: Ledger, terms: Terms, plain: Floats, discounted: Floats) -> pd.DataFrame:
    """Means a patient by item and category."""
    width = len(ledger.items)
    key = ledger.use["category"].astype(np.int64) * width + ledger.use["item"].astype(np.int64)
    size = width * max(len(ledger.categories), 1)
    sums = [np.bincount(key, weights=w, minlength=size) / ledger.patients for w in (ledger.use["quantity"].astype(np.float64), plain, discounted)]
    rows = []
    for k in np.unique(key):
        price = terms.prices[ledger.items[k % width]]
        worst = "memory" if "memory" in price.grades else "assumption" if "assumption" in price.grades else price.grades[0]
        rows.append(
            {
                "item": price.item, "label": price.label, "category": ledger.categories[k // width], "unit": price.unit, "quantity": sums[0][k], "cost": sums[1][k],
                "cost_discounted": sums[2][k], "basis": price.basis, "grade": worst,
            }
        )  # fmt: skip
    return pd.DataFrame(rows, columns=["item", "label", "category", "unit", "quantity", "cost", "cost_discounted", "basis", "grade"])


def _qalys(ledger: Ledger, terms: Terms) -> tuple[Floats, Floats]:
    """QALYs of every patient, undiscounted and discounted."""
    life = ledger.life
    person = life["patient"].astype(np.int64)
    start, stop = life["start"].astype(np.float64), life["stop"].astype(np.float64)
    first, last = _utility_ends(ledger, terms.utility)
    rows, begin, end = _split_at_birthdays(ledger.age[person], start, stop)
    years = np.where(stop > start, stop - start, 1.0)
    at = lambda t: first[rows] + (last - first)[rows] * ((t - start[rows]) / years[rows])  # noqa: E731
    left, right = at(begin), at(end)
    cap = np.full(rows.size, np.inf)
    spec = terms.utility
    if spec.norm.size:
        age = np.minimum(np.floor(ledger.age[person[rows]] + 0.5 * (begin + end)).astype(np.int64), spec.norm.shape[1] - 1)
        norm = spec.norm[ledger.female[person[rows]], np.maximum(age, 0)]
        left, right = left * (norm / spec.source_norm), right * (norm / spec.source_norm)
        cap = norm if spec.is_capped else cap
    _check_lowest(left, right, spec)
    plain, present = _capped(begin, end, left, right, cap, terms)
    who = person[rows]
    return np.bincount(who, weights=plain, minlength=ledger.patients), np.bincount(who, weights=present, minlength=ledger.patients)


def _check_lowest(left: Floats, right: Floats, spec: UtilityTerms) -> None:
    if left.size and min(left.min(), right.min()) < spec.lowest:
        raise EconomicsError(
            where="utility", found=f"{min(left.min(), right.min()):.3f}", expected=f"at least {spec.lowest}, the worst the instrument can say",
            mend="look at level, slope and decrements in economics.toml",
        )  # fmt: skip


def _utility_ends(ledger: Ledger, spec: UtilityTerms) -> tuple[Floats, Floats]:
    """Utility before norms at both ends of every segment."""
    life = ledger.life
    size = life["start"].size
    constant = np.zeros(size)
    for number, name in enumerate(ledger.conditions):
        constant += spec.conditions.get(name, 0.0) * (life["condition"] == number)
    for number, name in enumerate(ledger.flags):
        constant += spec.flags.get(name, 0.0) * ((life["flags"].astype(np.int64) >> number) & 1)
    for number, name in enumerate(ledger.states):
        constant += spec.states.get(name, 0.0) * (life["state"] == number)
    for number, name in enumerate(ledger.treatments):
        constant += spec.treatments.get(name, 0.0) * ((life["regimen"].astype(np.int64) >> number) & 1)
    ends = []
    for end in ("start", "stop"):
        u = spec.level + constant
        if spec.marker in ledger.markers:
            u = u + spec.slope * (life[f"{spec.marker}_{end}"].astype(np.float64) - spec.reference)
        for name, slope in spec.other_markers.items():
            u = u + slope * life[f"{name}_{end}"].astype(np.float64)
        ends.append(u)
    return ends[0], ends[1]


def _split_at_birthdays(age: Floats, start: Floats, stop: Floats) -> tuple[Ints, Floats, Floats]:
    """Cut segments at whole ages: (segment, begin, end) of each piece."""
    pieces = np.floor(age + stop - 1e-12) - np.floor(age + start) + 1
    many = np.maximum(pieces, 1).astype(np.int64)
    rows = np.repeat(np.arange(start.size), many)
    number = np.arange(rows.size) - np.repeat(np.cumsum(many) - many, many)
    birthday = np.floor(age + start)[rows] + number - age[rows]
    begin = np.where(number == 0, start[rows], birthday)
    end = np.where(number == many[rows] - 1, stop[rows], birthday + 1.0)
    return rows, begin, np.maximum(end, begin)


def _capped(begin: Floats, end: Floats, left: Floats, right: Floats, cap: Floats, terms: Terms) -> tuple[Floats, Floats]:
    """Integral of min(straight line, cap) over each piece, undiscounted and discounted."""
    crosses = (left < cap) != (right < cap)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(crosses, (cap - left) / (right - left), 1.0)
    middle = begin + np.clip(share, 0.0, 1.0) * (end - begin)
    between = np.where(crosses, cap, np.minimum(right, cap))
    parts = ((begin, middle, np.minimum(left, cap), between), (middle, end, between, np.minimum(right, cap)))
    results = []
    for rate in (0.0, terms.discounting.outcomes):
        convention = terms.discounting.convention if rate else "continuous"
        results.append(sum(linear_flow(a, b, u, v, rate, convention) for a, b, u, v in parts))
    return np.asarray(results[0]), np.asarray(results[1])


def without_discounting(terms: Terms) -> Terms:
    """The same terms at rates of zero."""
    return replace(terms, discounting=replace(terms.discounting, costs=0.0, outcomes=0.0))
