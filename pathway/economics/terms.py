"""The terms of a valuation: prices, index, discounting and utilities, resolved from a scenario.

Change the terms and value the same ledger again: no run is needed. Prices are dated series; the price of a use is the
one in force on its date, entry being on the study's price date. Drug prices (list, net) are never inflated; fees and
costs of care are brought to the price year by the index of their row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathway.economics.discounting import Discounting
from pathway.economics.maps import UtilityCurve, curve_of, through
from pathway.errors import EconomicsError, FaultList, did_you_mean
from pathway.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from pathway.definition.documents import PriceOverride, PriceRow
    from pathway.definition.scenario import Scenario

Floats = NDArray[np.float64]
WEAKEST_FIRST = ("memory", "assumption", "derived", "verified")
"""Grades, the one that most needs showing first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Unit price of an item over time.

    Attributes
    ----------
    starts, values
        ``values[k]`` holds from ``starts[k]`` (years since entry) on; the first also before.
    unit, basis, grades, sources, channels, notes
        For tables; the plurals have one entry a step.
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

    @property
    def weakest_grade(self) -> str:
        """Grade of the weakest step: memory, then assumption, then derived."""
        return min(self.grades, key=lambda grade: WEAKEST_FIRST.index(grade) if grade in WEAKEST_FIRST else 0)

    def at(self, time: Floats) -> Floats:
        """Price in force at each time."""
        if len(self.values) == 1:
            return np.full(time.shape, self.values[0])
        step = np.maximum(np.searchsorted(np.array(self.starts), time, side="right") - 1, 0)
        return np.asarray(np.array(self.values)[step], dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class UtilityTerms:
    """Utility of the living: (level + slope * (marker - reference) + decrements) * norm / norm of the source, capped.

    Attributes
    ----------
    norm : shape (2, ages)
        Rows male and female, ages 0, 1, ..., the last held; no ages: no adjustment, and a cap of 1.
    source_norm
        Norm of the people in whom the level was measured.
    curve
        Utility by marker, age and sex, added to the level; with a slope of 0.
    map
        Name of the map that the curve is of; empty: none.
    is_scaled
        Whether utility is multiplied by norm / norm of the source; if not, norms only cap.
    conditions, flags, states, treatments
        Changes that are added: a loss is negative.
    other_markers
        Slope per unit above 0.
    lowest
        Below it a utility is refused.
    """

    marker: str
    level: float
    slope: float
    reference: float
    norm: Floats
    source_norm: float = 1.0
    curve: UtilityCurve | None = None
    map: str = ""
    is_scaled: bool = True
    is_capped: bool = True
    conditions: dict[str, float] = field(default_factory=dict)
    flags: dict[str, float] = field(default_factory=dict)
    states: dict[str, float] = field(default_factory=dict)
    treatments: dict[str, float] = field(default_factory=dict)
    other_markers: dict[str, float] = field(default_factory=dict)
    lowest: float = -0.594
    """Worst state of EQ-5D-3L, UK value set: Dolan P, Med Care 1997;35:1095 (from memory)."""


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
    maps: dict[str, UtilityTerms] = field(default_factory=dict)
    """Every map of the disease by name, the one in force among them; empty where it has none."""

    def describe(self) -> dict[str, str]:
        """Conventions, printed with every result."""
        utilities = "no adjustment to age and sex; capped at 1"
        if self.utility.norm.size:
            utilities = "multiplied by the age and sex norm" if self.utility.is_scaled else "not multiplied by the age and sex norm"
            utilities += ", capped by it" if self.utility.is_capped else ""
        if self.utility.map:
            utilities = f"map {self.utility.map} of {self.utility.marker}, age and sex; {utilities}"
        day = self.price_date.isoformat()
        return {
            "Perspective": self.perspective,
            "Currency and price year": f"{self.currency} {self.price_year}",
            "Drug prices": f"{self.basis} prices in force on {day}, later dated prices from their date; never inflated",
            "Costs of care": "brought to the price year by their declared index",
            "Discounting": self.discounting.describe(),
            "Accrual": "exact between events; no cycles, no half-cycle correction",
            "Utilities": utilities,
        }


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
        own = scenario.price_overrides.get(item)
        price = None
        if own is not None:
            price = _overridden(item, own, by_item.get(item, []), scenario, faults)
        elif item in by_item:
            price = _dated(item, by_item[item], scenario, faults, is_drug=item in drugs)
        else:
            faults.add(
                where="prices.csv",
                found=f"no price for {item}",
                expected="a price for every item in use",
                mend=did_you_mean(item, list(by_item)),
            )
        if price is not None:
            prices[item] = price
    faults.raise_if_any(EconomicsError)
    utilities = _utilities(scenario, values)
    return Terms(
        currency=choice.currency,
        price_year=choice.price_year,
        price_date=choice.price_date,
        basis=choice.price_basis,
        perspective=choice.perspective,
        discounting=Discounting(
            costs=choice.discount_costs, outcomes=choice.discount_outcomes, convention=choice.discount_convention
        ),
        prices=prices,
        utility=utilities[_chosen_map(scenario)],
        thresholds=tuple(choice.thresholds),
        not_valued=library.economics.utility.not_valued,
        maps={name: one for name, one in utilities.items() if name},
    )


def _indexed(value: float, year: int, index: str, scenario: Scenario, faults: FaultList) -> float:
    """Bring a fee to the study's price year."""
    wanted = scenario.economics.price_year
    if index == "none" or year == wanted:
        return value
    levels = scenario.library.economics.price_index.get(index, {})
    try:
        return value * levels[str(wanted)] / levels[str(year)]
    except KeyError as missing:
        faults.add(
            where=f"economics.toml, price_index {index}",
            found=f"no level for {missing.args[0]}",
            expected="a level for every price year in use",
            mend="add the year with its source",
        )
        return value


def _years_from(entry: date, day: date | None) -> float:
    return -np.inf if day is None else (day - entry).days / DAYS_PER_YEAR


def _overridden(
    item: str, own: PriceOverride, rows: list[PriceRow], scenario: Scenario, faults: FaultList
) -> Price:
    """Take the scenario's own price; a fee is brought to the price year by the index of the row it replaces."""
    value = own.value
    if own.basis == "fee" and rows:
        value = _indexed(value, own.price_year, rows[0].index, scenario, faults)
    return Price(
        item=item,
        label=rows[0].label if rows else item,
        starts=(-np.inf,),
        values=(value,),
        unit=own.unit,
        basis=own.basis,
        grades=(own.grade,),
        sources=(f"scenario: {own.source}",),
        channels=("scenario",),
        notes=("",),
        is_drug=own.basis != "fee",
    )


def _dated(
    item: str, rows: list[PriceRow], scenario: Scenario, faults: FaultList, *, is_drug: bool
) -> Price | None:
    """Make the series of one item: the latest row in force at entry, then later rows from their date."""
    choice = scenario.economics
    entry = choice.price_date
    wanted = [
        row
        for row in rows
        if row.basis in ("fee", choice.price_basis) and (row.valid_until is None or row.valid_until >= entry)
    ]
    wanted.sort(key=lambda row: _years_from(entry, row.valid_from))
    now = [row for row in wanted if _years_from(entry, row.valid_from) <= 0.0]
    later = [row for row in wanted if _years_from(entry, row.valid_from) > 0.0]
    if not now:
        faults.add(
            where=f"prices.csv, {item}",
            found=f"no {choice.price_basis} price in force on {entry}",
            expected="a row valid on the price date",
            mend="add the price, or override it in the scenario",
        )
        return None
    series = [now[-1], *later]
    for row in series:
        where = f"prices.csv, {item}, {row.basis} from {row.valid_from or 'ever'}"
        if row.currency != choice.currency:
            faults.add(where=where, found=row.currency, expected=choice.currency, mend="convert it and name the rate")
        if row.basis != "fee" and row.index != "none":
            faults.add(where=where, found=f"index {row.index}", expected="none: drug prices are never inflated")
        if row.unit != series[0].unit:
            faults.add(where=where, found=f"per {row.unit}", expected=f"per {series[0].unit}, as the other prices")
    return Price(
        item=item,
        label=series[0].label,
        starts=tuple(_years_from(entry, row.valid_from) if k else -np.inf for k, row in enumerate(series)),
        values=tuple(_indexed(row.value, row.price_year, row.index, scenario, faults) for row in series),
        unit=series[0].unit,
        basis=series[0].basis,
        grades=tuple(row.grade for row in series),
        sources=tuple(row.source for row in series),
        channels=tuple(row.channel for row in series),
        notes=tuple(row.note for row in series),
        is_drug=is_drug,
    )


def _utilities(scenario: Scenario, values: dict[str, float]) -> dict[str, UtilityTerms]:
    """Terms by map; of one without a name where there are no maps."""
    spec = scenario.library.economics.utility
    norm: Floats = np.zeros((2, 0))
    source_norm = 1.0
    if spec.norm is not None:
        table = scenario.library.utility_norms[spec.norm]
        lead = np.array([table.male, table.female])
        norm = np.hstack([np.repeat(lead[:, :1], int(table.first_age), axis=1), lead])
        if spec.source_age is not None:
            share = values[spec.source_share_female] if spec.source_share_female else 0.5
            column = norm[:, min(int(values[spec.source_age]), norm.shape[1] - 1)]
            source_norm = float((1.0 - share) * column[0] + share * column[1])

    def named(ids: dict[str, str]) -> dict[str, float]:
        return {name: values[row] for name, row in ids.items()}

    def told(curve: UtilityCurve | None, name: str = "") -> UtilityTerms:
        return UtilityTerms(
            marker=spec.marker,
            level=0.0 if spec.level is None else values[spec.level],
            slope=0.0 if spec.slope is None else values[spec.slope],
            reference=0.0 if spec.reference is None else values[spec.reference],
            curve=curve,
            map=name,
            norm=norm,
            source_norm=source_norm,
            is_scaled=spec.scaled_by_norm,
            is_capped=spec.capped_by_norm,
            conditions=named(spec.conditions),
            flags=named(spec.flags),
            states=named(spec.states),
            treatments=named(spec.treatments),
            other_markers=named(spec.other_markers),
        )

    if not spec.maps:
        curve = through(tuple((values[at], values[worth]) for at, worth in spec.curve)) if spec.curve else None
        return {"": told(curve)}
    return {name: told(curve_of(one, values), name) for name, one in spec.maps.items()}


def _chosen_map(scenario: Scenario) -> str:
    """Name of the map in force; empty where there is none."""
    spec = scenario.library.economics.utility
    if spec.map_switch is not None:
        return scenario.switches[spec.map_switch]
    return next(iter(spec.maps), "")


def prices_used(terms: Terms) -> pd.DataFrame:
    """List every price behind a result.

    Returns
    -------
    One row a step in time: item, label, value, unit, from_year (since entry), basis, channel, grade, from_memory,
    source, note.
    """
    return pd.DataFrame(
        [
            {
                "item": price.item,
                "label": price.label,
                "value": value,
                "unit": f"{terms.currency} {terms.price_year} per {price.unit}",
                "from_year": max(start, 0.0),
                "basis": price.basis,
                "channel": price.channels[k],
                "grade": price.grades[k],
                "from_memory": price.grades[k] == "memory",
                "source": price.sources[k],
                "note": price.notes[k],
            }
            for price in terms.prices.values()
            for k, (start, value) in enumerate(zip(price.starts, price.values, strict=True))
        ]
    )
