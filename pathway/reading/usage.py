"""Can what is used be counted: doses that can be rounded and packed, events that a log can hold.

The ledger would find out too, but only after every patient has lived. This module must not read files or count
anything.
"""

from __future__ import annotations

from pathway.definition.economics import Resource
from pathway.definition.rows import DosingRow
from pathway.definition.scenario import Library, Scenario
from pathway.errors import did_you_mean
from pathway.eventlog import Kind
from pathway.reading.text import Findings

SIZES = {"per_kg": "weight_kg", "per_m2": "body_surface"}
"""Basis of a dose -> the covariate it is multiplied by."""
FINEST = 1000.0
"""Vial sizes are told apart to a thousandth of their unit."""


def check_usage(scenario: Scenario, findings: Findings) -> None:
    """Note every dose and resource that no ledger could count."""
    library = scenario.library
    for row in library.dosing:
        _check_dose(row, library, f"{library.name}/dosing.csv ({row.treatment}, {row.item})", findings)
    for number, resource in enumerate(library.economics.resources):
        _check_resource(resource, library, f"{library.name}/economics.toml, key resources[{number}]", findings)


def _check_dose(row: DosingRow, library: Library, where: str, findings: Findings) -> None:
    """Packs last some time, vials are numbers and given, and what a dose goes by is a covariate."""
    if row.mode == "packs" and row.interval_days is None:
        findings.faults.add(
            where=f"{where}, column interval_days",
            found="packs without an interval",
            expected="the days that a pack lasts",
            mend="fill in interval_days, or choose mode rate",
        )
    if row.vial_sizes and row.mode == "rate":
        findings.faults.add(
            where=f"{where}, column vial_sizes",
            found="vials of a drug whose use accrues evenly",
            expected="mode scheduled",
            mend="leave vial_sizes empty, or give administrations",
        )
    sizes = [part.strip() for part in row.vial_sizes.split(";") if part.strip()]
    wrong = [part for part in sizes if not _is_size(part)]
    if wrong:
        findings.faults.add(
            where=f"{where}, column vial_sizes",
            found=", ".join(wrong),
            expected="numbers above 0 such as 80;200;400, to a thousandth",
            mend="separate sizes by semicolons, without units",
        )
    covariate = SIZES.get(row.basis)
    if covariate is not None and covariate not in library.pathway.covariates:
        findings.faults.add(
            where=f"{where}, column basis",
            found=row.basis,
            expected=f"a covariate {covariate}",
            mend=f"declare {covariate} in pathway.toml and draw it, or choose basis fixed",
        )
    low, high = row.weight_at_least, row.weight_below
    if (low is not None or high is not None) and SIZES["per_kg"] not in library.pathway.covariates:
        findings.faults.add(
            where=f"{where}, column {'weight_below' if low is None else 'weight_at_least'}",
            found="a row for some weights",
            expected=f"a covariate {SIZES['per_kg']}",
            mend="declare it in pathway.toml and draw it, or leave the weight out",
        )
    if low is not None and high is not None and high <= low:
        findings.faults.add(where=f"{where}, column weight_below", found=f"from {low:g} to below {high:g} kg", expected="from below until", mend="exchange the two")
    if row.until_days is not None and row.until_days <= row.from_days:
        findings.faults.add(
            where=f"{where}, column until_days",
            found=f"from day {row.from_days:g} until day {row.until_days:g}",
            expected="from before until",
            mend="exchange the two",
        )


def _is_size(text: str) -> bool:
    """Whether a text is a vial size."""
    try:
        size = float(text)
    except ValueError:
        return False
    return 0.0 < size < 1e9 and abs(size * FINEST - round(size * FINEST)) <= 1e-6


def _check_resource(resource: Resource, library: Library, where: str, findings: Findings) -> None:
    """Events are of a kind that a log has, and named as such rows are; a band of a marker takes time."""
    if resource.marker is not None and resource.per != "year":
        findings.faults.add(
            where=f"{where}.marker",
            found=f"a band of {resource.marker} per {resource.per}",
            expected='per = "year"',
            mend="leave the band out, or count years",
        )
    if resource.times_marker and (resource.marker is None or resource.per != "year"):
        findings.faults.add(
            where=f"{where}.times_marker",
            found="true" if resource.marker is not None else "no marker",
            expected='a marker, and per = "year"',
            mend="name the marker, or leave times_marker out",
        )
    if resource.age_below is not None and "age" not in library.pathway.covariates:
        findings.faults.add(where=f"{where}.age_below", found="an age", expected="a covariate age", mend="declare age in pathway.toml, or leave age_below out")
    if resource.per != "event" or resource.kind is None:
        return
    kinds = [kind.name.lower() for kind in Kind]
    if resource.kind not in kinds:
        findings.faults.add(
            where=f"{where}.kind",
            found=f"unknown kind '{resource.kind}'",
            expected=f"one of {', '.join(kinds)}",
            mend=did_you_mean(resource.kind, kinds) or "name a kind of log row",
        )
        return
    known = _names_of(resource.kind, library)
    if resource.name is not None and known and resource.name not in known:
        findings.faults.add(
            where=f"{where}.name",
            found=f"'{resource.name}', which no row of kind {resource.kind} bears",
            expected=f"one of {', '.join(known)}",
            mend=did_you_mean(resource.name, known) or "choose one of these, or leave name out",
        )


def _names_of(kind: str, library: Library) -> list[str]:
    """Names that rows of a kind may bear; empty where any may."""
    pathway = library.pathway
    treatments = [row.id for row in library.treatments]
    return {
        "condition": list(pathway.conditions),
        "recover": list(pathway.conditions),
        "flag": list(pathway.flags),
        "start": treatments,
        "stop": treatments,
        "hold": treatments,
        "resume": treatments,
        "expire": treatments,
        "measure": list(pathway.markers),
        "finding": list(pathway.findings),
        "move": [*(row.name for row in pathway.transitions), "line"],
    }.get(kind, [])
