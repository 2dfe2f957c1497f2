"""The terms of a valuation: prices, index, discounting and utilities, resolved from a scenario.

Change the terms and value the same ledger again: no run is needed. Prices are dated series; the price of a use is the one in force on its date, entry being
on the study's price date. Drug prices are never inflated; costs of care are brought to the price year by their index.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathway.economics.discounting import Discounting
from pathway.errors import EconomicsError, FaultList, did_you_mean

if TYPE_CHECKING:
    from pathway.definition.documents import PriceRow
    from pathway.definition.scenario import Scenario

Floats = NDArray[np.float64]
DAYS_PER_YEAR = 365.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Unit price of an item over time.

    Attributes
    ----------
    starts, values
        ``values[k]`` holds from ``starts[k]`` (years since entry) on; the first also before.
    unit, basis, grades, sources, labels, channels
        For tables; one entry a step.
    """

    item: str
    label: str
    starts: tuple[float, ...]
    values: tuple[float, ...]
    unit: str
    basis: str
    grades: tuple[str, ...]
    sources: tuple[str, ...]
    channels: tuple[str, ...]
    notes: tuple[str, ...]
    is_drug: bool = False

    def at(self, time: Floats) -> Floats:
        """Price in force at each time."""
        step = np.maximum(np.searchsorted(np.array(self.starts), time, side="right") - 1, 0)
        return np.array(self.values)[step]


@dataclass(frozen=True, slots=True, kw_only=True)
class UtilityTerms:
    """Utility of the living: (level + slope * (marker - reference) + decrements) * norm(age, sex) / norm of the source, at most the norm.

    ``norm`` has shape (2, ages), rows male and female, ages 0, 1, ...; empty when no age adjustment is made.
    """

    marker: str
    level: float
    slope: float
    reference: float
    norm: Floats
    source_norm: float
    is_capped: bool
    conditions: dict[str, float]
    flags: dict[str, float]
    states: dict[str, float]
    treatments: dict[str, float]
    other_markers: dict[str, float]
    lowest: float = -0.594
    """Worst state of EQ-5D-3L, UK value set (Dolan 1997): below it a utility is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Everything a valuation needs besides the ledger."""

    currency: str
    price_year: int
    price_date: date
    basis: str
    perspective: str
    discounting: Discounting
    prices: dict[str, Price]
    utility: UtilityTerms
    thresholds: tuple[float, ...]
    not_valued: tuple[str, ...] = ()

    def describe(self) -> dict[str, str]:
        """Conventions, printed with every result."""
        return {
            "Perspective": self.perspective,
            "Currency and price year": f"{self.currency} {self.price_year}",
            "Drug prices": f"{self.basis} prices in force on {self.price_date.isoformat()} and later dated prices from their date; never inflated",
            "Costs of care": "brought to the price year by their declared index",
            "Discounting": self.discounting.describe(),
            "Accrual": "exact between events; no cycles, no half-cycle correction",
            "Utilities": "multiplied by the age and sex norm" + (", capped by it" if self.utility.is_capped else "") if self.utility.norm.size else "no age adjustment",
        }


def _in_house(row: PriceRow, scenario: Scenario, faults: FaultList) -> float:
    """Value of a row in the study's price year."""
    choice = scenario.economics
    if row.currency != choice.currency:
        faults.add(where=f"prices.csv, {row.item}", found=row.currency, expected=choice.currency, mend="give the price in the study's currency, with its source")
        return 0.0
    if row.index == "none" or row.price_year == choice.price_year:
        return row.value
    index = scenario.library.economics.price_index.get(row.index, {})
    try:
        return row.value * index[str(choice.price_year)] / index[str(row.price_year)]
    except KeyError as missing:
        faults.add(where=f"economics.toml, price_index {row.index}", found=f"no level for {missing.args[0]}", expected="a level for every price year in use", mend="add the year with its source")
        return 0.0


def _years_from(entry: date, day: date | None) -> float:
    return -np.inf if day is None else (day - entry).days / DAYS_PER_YEAR


def _price_of(item: str, rows: list[PriceRow], scenario: Scenario, faults: FaultList, *, is_drug: bool) -> Price | None:
    """Series of one item: the latest row in force before entry, then later rows from their date."""
    entry = scenario.economics.price_date
    own = scenario.price_overrides.get(item)
    label, unit = rows[0].label, rows[0].unit
    if own is not None:
        return Price(
            item=item, label=label, starts=(-np.inf,), values=(own.value,), unit=own.unit, basis=own.basis, grades=(own.grade,), sources=(f"scenario: {own.source}",),
            channels=("scenario",), notes=("",), is_drug=is_drug,
        )  # fmt: skip
    wanted = [row for row in rows if row.basis in ("fee", scenario.economics.price_basis)]
    wanted = [row for row in wanted if row.valid_until is None or row.valid_until >= entry]
    wanted.sort(key=lambda row: _years_from(entry, row.valid_from))
    before = [row for row in wanted if _years_from(entry, row.valid_from) <= 0.0]
    series = before[-1:] + [row for row in wanted if _years_from(entry, row.valid_from) > 0.0]
    if not series:
        faults.add(where=f"prices.csv, {item}", found=f"no {scenario.economics.price_basis} price in force on {entry}", expected="a row valid on the price date", mend="add the price, or override it in the scenario")
        return None
    return Price(
        item=item, label=label, starts=tuple(_years_from(entry, row.valid_from) if k else -np.inf for k, row in enumerate(series)),
        values=tuple(_in_house(row, scenario, faults) for row in series), unit=unit, basis=series[0].basis, grades=tuple(row.grade for row in series),
        sources=tuple(row.source for row in series), channels=tuple(row.channel for row in series), notes=tuple(row.note for row in series), is_drug=is_drug,
    )  # fmt: skip


def terms_of(scenario: Scenario, values: dict[str, float]) -> Terms:
    """Resolve the terms of a scenario under one set of parameter values.

    Raises
    ------
    EconomicsError
        If prices in use are missing or cannot be brought to the price year; all faults together.
    """
    faults = FaultList()
    library, choice = scenario.library, scenario.economics
    used = {row.item for row in library.dosing} | {resource.item for resource in library.economics.resources}
    drugs = {row.item for row in library.dosing if row.category == "drug"}
    by_item: dict[str, list[PriceRow]] = {}
    for row in library.prices:
        by_item.setdefault(row.item, []).append(row)
    prices: dict[str, Price] = {}
    for item in sorted(used):
        if item not in by_item:
            faults.add(where="prices.csv", found=f"no price for {item}", expected="a price for every item in use", mend=did_you_mean(item, list(by_item)))
            continue
        price = _price_of(item, by_item[item], scenario, faults, is_drug=item in drugs)
        if price is not None:
            prices[item] = price
    faults.raise_if_any(EconomicsError)
    return Terms(
        currency=choice.currency, price_year=choice.price_year, price_date=choice.price_date, basis=choice.price_basis, perspective=choice.perspective,
        discounting=Discounting(costs=choice.discount_costs, outcomes=choice.discount_outcomes, convention=choice.discount_convention),
        prices=prices, utility=_utility(scenario, values), thresholds=tuple(choice.thresholds), not_valued=library.economics.utility.not_valued,
    )  # fmt: skip


def _utility(scenario: Scenario, values: dict[str, float]) -> UtilityTerms:
    spec = scenario.library.economics.utility
    norm, source_norm = np.zeros((2, 0)), 1.0
    if spec.norm is not None:
        table = scenario.library.utility_norms[spec.norm]
        lead = np.array([table.male, table.female])
        norm = np.hstack([np.repeat(lead[:, :1], int(table.first_age), axis=1), lead])
        if spec.source_age is not None:
            share = values[spec.source_share_female] if spec.source_share_female else 0.5
            column = norm[:, min(int(values[spec.source_age]), norm.shape[1] - 1)]
            source_norm = float((1.0 - share) * column[0] + share * column[1])
    named = {kind: {name: values[row] for name, row in getattr(spec, kind).items()} for kind in ("conditions", "flags", "states", "treatments", "other_markers")}
    return UtilityTerms(
        marker=spec.marker, level=values[spec.level], slope=values[spec.slope], reference=values[spec.reference], norm=norm, source_norm=source_norm,
        is_capped=spec.capped_by_norm, **named,
    )  # fmt: skip


def prices_used(terms: Terms) -> pd.DataFrame:
    """Every price behind a result: item, label, value, unit, from_year, basis, channel, grade, source, note; one row a step in time."""
    rows = [
        {
            "item": price.item, "label": price.label, "value": value, "unit": f"{terms.currency} {terms.price_year} per {price.unit}", "from_year": max(start, 0.0) if np.isfinite(start) else 0.0,
            "basis": price.basis, "channel": price.channels[k], "grade": price.grades[k], "source": price.sources[k], "note": price.notes[k],
        }
        for price in terms.prices.values()
        for k, (start, value) in enumerate(zip(price.starts, price.values, strict=True))
    ]  # fmt: skip
    return pd.DataFrame(rows)
