"""Evidence rows become parameters in house units, or faults.

What can be judged from one row alone is judged here: unit, interval, family, and whether the number can be what
its unit says. This module must not know where a number is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pathway.definition.rows import EvidenceRow, SourceRow
from pathway.definition.values import Parameter
from pathway.errors import Fault, PathwayError, did_you_mean
from pathway.reading.house import house_unit
from pathway.reading.text import Findings
from pathway.units import convert

RATIOS = ("hazard ratio", "odds ratio", "rate ratio", "risk ratio")
"""Units of numbers that multiply a hazard, odds, rate or risk: more than 0."""
LOWEST_UTILITY = -0.594
"""Worst EQ-5D-3L state in the UK value set (Dolan 1997, Med Care 35:1095-108)."""


def parameter(row: EvidenceRow, where: str, findings: Findings) -> Parameter | None:
    """Check that a parameter in house units, or None after noting what is wrong with the row."""
    before = len(findings.faults.faults)
    converted = _converted(row, where, findings)
    if converted is None:
        return None
    one = Parameter(
        id=row.id,
        label=row.label,
        value=converted["value"],
        unit=house_unit(row.unit),
        family=row.family,
        low=converted.get("low"),
        high=converted.get("high"),
        standard_error=converted.get("standard_error"),
        group=row.group,
        source=row.source,
        grade=row.grade,
        basis=row.basis,
        note=row.note,
        origin=where,
    )
    check_interval(one.value, one.low, one.high, where, findings)
    check_range(one, where, findings)
    if len(findings.faults.faults) == before:
        _check_family(one, where, findings)
    if len(findings.faults.faults) == before:
        check_spread(one, findings)
    return one if len(findings.faults.faults) == before else None


def _converted(row: EvidenceRow, where: str, findings: Findings) -> dict[str, float] | None:
    """Value, interval and standard error in the house unit."""
    place = f"{where}, column unit"
    try:
        house = house_unit(row.unit, where=place)
        numbers = {"value": row.value, "low": row.low, "high": row.high}
        converted = {
            key: convert(number, row.unit, house, where=place) for key, number in numbers.items() if number is not None
        }
        if row.standard_error is not None:
            one = convert(1.0, row.unit, house, where=place)
            nothing = convert(0.0, row.unit, house, where=place)
            converted["standard_error"] = row.standard_error * abs(one - nothing)
    except PathwayError as error:
        findings.faults.extend(told(error, "write a unit that is known"))
        return None
    return converted


def told(error: PathwayError, mend: str) -> list[Fault]:
    """Faults of an error, each with something to do about it."""
    return [fault if fault.mend else replace(fault, mend=mend) for fault in error.faults]


def check_interval(value: float, low: float | None, high: float | None, where: str, findings: Findings) -> None:
    """Check that an interval has two ends in order, and the point inside."""
    if (low is None) != (high is None):
        findings.faults.add(
            where=where,
            found=f"only {'high' if low is None else 'low'} is given",
            expected="low and high, or neither",
            mend="fill in the other end",
        )
    elif low is not None and high is not None:
        if low > high:
            findings.faults.add(
                where=where,
                found=f"low {low:g} above high {high:g}",
                expected="low at most high",
                mend="exchange low and high",
            )
        elif not low <= value <= high:
            findings.faults.add(
                where=where,
                found=f"value {value:g} outside its interval from {low:g} to {high:g}",
                expected="the value within its interval",
                mend="check sign, unit and decimals of the three numbers",
            )


def check_range(one: Parameter, where: str, findings: Findings) -> None:
    """Check that a number can be what its unit says it is."""
    for column, number in (("value", one.value), ("low", one.low), ("high", one.high)):
        if number is None:
            continue
        place = f"{where}, column {column}"
        if one.unit == "probability" and not 0.0 <= number <= 1.0:
            hint = f"did you mean {number / 100:g}?" if 1.0 < number <= 100.0 else "a rate has the unit per year"
            findings.faults.add(where=place, found=f"{number:g} as a probability", expected="from 0 to 1", mend=hint)
        elif one.unit in RATIOS and number <= 0.0:
            findings.faults.add(
                where=place,
                found=f"{number:g} as a {one.unit}",
                expected="more than 0",
                mend=f"it looks like log({one.unit}): give exp({number:g}), or the unit log {one.unit}"
                if number < 0.0
                else "a ratio of 0 would stop the event for ever: give a small ratio",
            )
        elif one.unit == "utility" and number > 1.0:
            findings.faults.add(
                where=place,
                found=f"a utility of {number:g}",
                expected="at most 1",
                mend=f"did you mean {number / 100:g}?" if number > 2.0 else "1 is full health",
            )
        elif one.unit == "utility" and number < LOWEST_UTILITY:
            findings.faults.add(
                where=place,
                found=f"a utility of {number:g}",
                expected=f"at least {LOWEST_UTILITY}, the worst state of the EQ-5D-3L",
                mend="check the value set; a decrement has the unit utility as well, but is small",
            )


def _check_family(one: Parameter, where: str, findings: Findings) -> None:
    """Check that the spread exists, and its family can hold the number."""
    if one.family == "fixed":
        return
    ends = [end for end in (one.low, one.high) if end is not None]
    if not ends and not one.standard_error:
        findings.faults.add(
            where=where,
            found=f"family {one.family} without a spread",
            expected="low and high, or standard_error",
            mend="give one of them (the standard error of the mean, not the SD of patients), or family fixed",
        )
    elif one.family in ("uniform", "triangular") and not ends:
        findings.faults.add(
            where=where, found=f"family {one.family} without low and high", expected="low and high", mend="fill in both"
        )
    elif one.family == "beta":
        variance = one.value * (1.0 - one.value)
        if not 0.0 < one.value < 1.0 or any(not 0.0 <= end <= 1.0 for end in ends):
            findings.faults.add(
                where=where,
                found=f"family beta for {one.value:g}",
                expected="a value between 0 and 1",
                mend="choose another family",
            )
        elif one.standard_error and one.standard_error**2 >= variance:
            findings.faults.add(
                where=where,
                found=f"family beta with mean {one.value:g} and standard error {one.standard_error:g}",
                expected=f"a standard error below {variance**0.5:.3g}: no beta has more variance than mean (1 - mean)",
                mend="check the standard error: is it in percent, or the SD of patients?",
            )
    elif one.family in ("lognormal", "gamma"):
        if one.value <= 0.0 or any(end < 0.0 or (end == 0.0 and one.family == "lognormal") for end in ends):
            findings.faults.add(
                where=where,
                found=f"family {one.family} for {one.value:g}"
                + (f" ({ends[0]:g} to {ends[1]:g})" if len(ends) == 2 else ""),
                expected="numbers above 0",
                mend="choose family normal, or triangular for a range that begins at 0",
            )
    elif one.family == "normal" and one.unit in ("probability", *RATIOS):
        findings.warn(where, f"family normal for a {one.unit} ({one.id}): draws may fall outside what is possible")


def check_spread(one: Parameter, findings: Findings) -> None:
    """Check that the distribution itself accepts its numbers."""
    try:
        one.spread.quantile(0.5)
    except PathwayError as error:
        findings.faults.extend(told(error, "check value, low, high and standard_error"))


def check_sources(text: str, where: str, sources: Mapping[str, SourceRow] | Sequence[str], findings: Findings) -> None:
    """Keys of a source cell exist in sources.csv."""
    keys = list(sources)
    for key in (part.strip() for part in text.split(";")):
        if key and key not in sources:
            findings.faults.add(
                where=where,
                found=f"unknown source '{key}'",
                expected="keys of sources.csv, separated by semicolons",
                mend=did_you_mean(key, keys) or "add a row to sources.csv",
            )
