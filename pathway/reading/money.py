"""Can everything that is used be paid for: a price for every item, in the unit and currency it is used in.

This module must not read files or value anything.
"""

from __future__ import annotations

from pathway.definition.rows import PriceRow
from pathway.definition.scenario import Library, Scenario
from pathway.errors import PathwayError, did_you_mean
from pathway.reading.house import same_dimension
from pathway.reading.text import Findings
from pathway.units import unit_of


def check_money(scenario: Scenario, name: str, findings: Findings) -> None:
    """Note every price that is missing, of another unit or currency, or odd."""
    library = scenario.library
    _check_rows(scenario, findings)
    used = {
        treatment
        for strategy in scenario.strategies.values()
        for line in strategy.lines
        for one in line.candidates
        for treatment in one.regimen
    }
    cohort = scenario.cohort
    if cohort is not None:
        used.update(cohort.entry.regimen)
    wanted = {
        f"{library.name}/dosing.csv ({row.treatment}, {row.item})": (row.item, row.amount_unit)
        for row in library.dosing
        if row.treatment in used
    }
    wanted.update(
        {
            f"{library.name}/economics.toml, key resources[{number}].item": (row.item, "")
            for number, row in enumerate(library.economics.resources)
        }
    )
    for where, (item, unit) in wanted.items():
        _check_price(scenario, item, unit, where, findings)
    dosed = {row.treatment for row in library.dosing}
    for treatment in sorted(used - dosed):
        findings.warn(f"{library.name}/dosing.csv", f"{treatment} has no row: it costs nothing")
    for number, resource in enumerate(library.economics.resources):
        where = f"{library.name}/economics.toml, key resources[{number}]"
        if resource.per == "event" and resource.kind is None:
            findings.faults.add(
                where=f"{where}.kind",
                found="no such key",
                expected="kind, because per = event",
                mend="add the kind of log row that is counted",
            )
        if resource.per == "visit":
            schedules = list(library.pathway.schedules)
            if resource.name is not None and resource.name not in schedules:
                findings.faults.add(
                    where=f"{where}.name",
                    found=f"unknown schedule '{resource.name}'",
                    expected=f"one of {', '.join(schedules)}",
                    mend=did_you_mean(resource.name, schedules) or "name a schedule",
                )
    for item, price in scenario.price_overrides.items():
        if price.value == 0.0:
            findings.warn(f"{name}, key prices.{item}", "a price of 0: is it free?")
        units = sorted({row.unit for row in library.prices if row.item == item})
        for row in library.prices:
            if row.item == item and price.basis == "fee":
                own = row.model_copy(update={"price_year": price.price_year, "basis": "fee"})
                _check_index(own, library, scenario.economics.price_year, f"{name}, key prices.{item}", findings)
                break
        if units and not any(_same_unit(price.unit, unit) for unit in units):
            findings.faults.add(
                where=f"{name}, key prices.{item}.unit",
                found=price.unit or "no unit",
                expected=" or ".join(units),
                mend="give the price in that unit",
            )
    thresholds = scenario.economics.thresholds
    if not thresholds or any(one < 0.0 for one in thresholds):
        findings.faults.add(
            where=f"{name}, key economics.thresholds",
            found=str(list(thresholds)),
            expected="one or more thresholds, none below 0",
            mend="e.g. [50000, 100000, 150000]",
        )


def _check_rows(scenario: Scenario, findings: Findings) -> None:
    """Prices are in the study's currency, within their ends, and can be brought to its price year."""
    library = scenario.library
    for row in library.prices:
        where = f"{library.name}/prices.csv ({row.item}, {row.basis})"
        if row.currency != scenario.economics.currency:
            findings.faults.add(
                where=where,
                found=f"a price in {row.currency}",
                expected=f"{scenario.economics.currency}, the study's currency",
                mend="convert it, and name the rate in note",
            )
        if row.low is not None and row.high is not None and not row.low <= row.value <= row.high:
            findings.faults.add(
                where=where,
                found=f"value {row.value:g}, low {row.low:g}, high {row.high:g}",
                expected="low at most value at most high",
                mend="check the three numbers",
            )
        if row.valid_from is not None and row.valid_until is not None and row.valid_from > row.valid_until:
            findings.faults.add(
                where=where,
                found=f"valid from {row.valid_from} until {row.valid_until}",
                expected="from before until",
                mend="exchange the dates",
            )
        _check_index(row, library, scenario.economics.price_year, where, findings)
        if row.value == 0.0:
            findings.warn(where, "a price of 0: a free drug?")


def _check_index(row: PriceRow, library: Library, year: int, where: str, findings: Findings) -> None:
    """Check that an index that brings a price to the study's year has both years."""
    if row.index == "none":
        return
    if row.basis != "fee":
        findings.faults.add(
            where=where,
            found=f"index {row.index} for a {row.basis} price",
            expected="none: drug prices are never inflated",
            mend="write none, or basis fee if it is a cost of care",
        )
    indices = library.economics.price_index
    if row.index not in indices:
        findings.faults.add(
            where=where,
            found=f"unknown price index '{row.index}'",
            expected=f"none, or one of {', '.join(indices)}",
            mend=did_you_mean(row.index, list(indices)) or "add the index to economics.toml",
        )
        return
    for wanted in (row.price_year, year):
        if str(wanted) not in indices[row.index]:
            years = sorted(indices[row.index])
            findings.faults.add(
                where=where,
                found=f"price year {wanted}, which index {row.index} lacks",
                expected=f"a year from {years[0]} to {years[-1]}" if years else "years in the index",
                mend="check the year, or extend the index in economics.toml",
            )


def _same_unit(one: str, other: str) -> bool:
    """Whether two units count the same thing in the same size: a price per g is not one per mg."""
    if one == other or one.removesuffix("s") == other.removesuffix("s"):
        return True
    try:
        return same_dimension(one, other) and unit_of(one).factor == unit_of(other).factor
    except PathwayError:
        return False


def _check_price(scenario: Scenario, item: str, unit: str, where: str, findings: Findings) -> None:
    """Check that an item has a price at the study's basis and date, in the unit it is used in."""
    choice = scenario.economics
    rows = [row for row in scenario.library.prices if row.item == item]
    own = scenario.price_overrides.get(item)
    valid = [
        row
        for row in rows
        if row.basis in (choice.price_basis, "fee")
        and (row.valid_from is None or row.valid_from <= choice.price_date)
        and (row.valid_until is None or choice.price_date <= row.valid_until)
    ]
    if own is None and not valid:
        have = ", ".join(
            f"{row.basis} from {row.valid_from or 'ever'} until {row.valid_until or 'ever'}" for row in rows
        )
        findings.faults.add(
            where=where,
            found=f"no {choice.price_basis} price of {item} on {choice.price_date}"
            + (f" (there is: {have})" if have else ""),
            expected="a row of prices.csv at that basis and date",
            mend="add the row, choose another price_basis or price_date, or give the price in the scenario",
        )
    for row in valid:
        if unit and not _same_unit(unit, row.unit):
            findings.faults.add(
                where=where,
                found=f"{item} used in {unit}, priced per {row.unit}",
                expected="one unit for both",
                mend=f"give amount and amount_unit in {row.unit}, or the price per {unit}",
            )
            break
