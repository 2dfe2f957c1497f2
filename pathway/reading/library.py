"""A disease folder becomes a :class:`~pathway.definition.scenario.Library`, or faults.

Each file is read on its own first; only what was read whole is compared with the rest
(:mod:`pathway.reading.checks`), so that one slip does not breed a page of others. This module must not know a
disease.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from pathway.definition.access import Access
from pathway.definition.disease import PathwayDocument
from pathway.definition.economics import EconomicsDocument
from pathway.definition.policies import Policies
from pathway.definition.population import CohortDefinition
from pathway.definition.rows import DosingRow, EvidenceRow, PriceRow, SourceRow, TreatmentRow
from pathway.definition.scenario import Library
from pathway.definition.simulation import SimulationDocument
from pathway.definition.strategies import StrategyDefinition
from pathway.definition.values import Parameter
from pathway.errors import did_you_mean
from pathway.reading import curves
from pathway.reading.documents import build, build_table, parse_toml
from pathway.reading.each import spread
from pathway.reading.evidence import check_sources, parameter
from pathway.reading.likeness import inherited
from pathway.reading.policies import library_root, load_policies
from pathway.reading.tables import read_rows
from pathway.reading.text import Findings, read_text

Row = TypeVar("Row", bound=BaseModel)
Table = TypeVar("Table")


def library_folders() -> dict[str, Path]:
    """Disease folders that ship with the package, by name."""
    root = Path(str(resources.files("pathway.library")))
    return {folder.name: folder for folder in sorted(root.iterdir()) if (folder / "pathway.toml").is_file()}


def find_folder(disease: str, beside: Path, where: str, findings: Findings) -> Path | None:
    """Folder of a disease: one that ships, or a path relative to the scenario's own folder."""
    shipped = library_folders()
    if disease in shipped:
        return shipped[disease]
    try:
        folder = (beside / disease).resolve()
        if "\x00" not in disease and (folder / "pathway.toml").is_file():
            return folder
    except (OSError, ValueError):
        pass
    findings.faults.add(
        where=f"{where}, key study.disease",
        found=f"'{disease}': neither a library folder nor a path that holds pathway.toml",
        expected=f"one of {', '.join(shipped) or 'the library folders'}, or a path relative to the scenario",
        mend=did_you_mean(disease, list(shipped)) or f"check the path, read from {beside}",
    )
    return None


def read_library(folder: Path, findings: Findings) -> Library | None:
    """Library of one folder, or None if a file could not be read whole."""
    name = folder.name
    before = len(findings.faults.faults)
    first = len(findings.files)

    def toml(file: str) -> dict[str, object] | None:
        text = read_text(folder / file, f"{name}/{file}", findings)
        return None if text is None else parse_toml(text, f"{name}/{file}", findings)

    def rows(file: str, model: type[Row]) -> list[tuple[int, Row]]:
        text = read_text(folder / file, f"{name}/{file}", findings)
        return [] if text is None else read_rows(text, model, f"{name}/{file}", findings)

    head = toml("pathway.toml")
    pathway = None if head is None else build(PathwayDocument, spread(head, f"{name}/pathway.toml", findings), f"{name}/pathway.toml", findings)
    strategies = build_table(StrategyDefinition, inherited(toml("strategies.toml") or {}, f"{name}/strategies.toml", findings), f"{name}/strategies.toml", findings)
    cohorts = build_table(CohortDefinition, toml("cohorts.toml") or {}, f"{name}/cohorts.toml", findings)
    payers = toml("access.toml") if (folder / "access.toml").exists() else {}
    access = build_table(Access, inherited(payers or {}, f"{name}/access.toml", findings), f"{name}/access.toml", findings)
    bound = toml("policies/simulation.toml") if (folder / "policies" / "simulation.toml").exists() else {}
    simulation = build(SimulationDocument, bound or {}, f"{name}/policies/simulation.toml", findings)
    policies = load_policies(library_root() / "shared", [folder], findings) if (folder / "policies").is_dir() else Policies()
    money = toml("economics.toml")
    economics = None if money is None else build(EconomicsDocument, money, f"{name}/economics.toml", findings)
    sources = _unique(rows("sources.csv", SourceRow), "key", f"{name}/sources.csv", findings)
    treatments = _unique(rows("treatments.csv", TreatmentRow), "id", f"{name}/treatments.csv", findings)
    dosing = rows("dosing.csv", DosingRow)
    prices = rows("prices.csv", PriceRow)
    for file, table in (
        ("treatments.csv", [(0, row) for row in treatments.values()]),
        ("dosing.csv", dosing),
        ("prices.csv", prices),
    ):
        for at, row in table:
            place = (
                f"{name}/{file}, row {at}, column source"
                if at
                else f"{name}/{file}, treatment {getattr(row, 'id', '')}, column source"
            )
            check_sources(str(getattr(row, "source", "")), place, sources, findings)
    for key, payer in access.items():
        check_sources(payer.source, f"{name}/access.toml, key {key}.source", sources, findings)
    parameters = _evidence(folder, sources, findings)
    references = _curves(folder, "reference_equations.csv", curves.reference_equations, sources, findings)
    lives = _curves(folder, "life_tables.csv", curves.life_tables, sources, findings)
    norms = _curves(folder, "utility_norms.csv", curves.utility_norms, sources, findings)
    if pathway is None or economics is None or simulation is None or len(findings.faults.faults) > before:
        return None
    return Library(
        name=name,
        title=pathway.disease.label,
        pathway=pathway,
        strategies=strategies,
        cohorts=cohorts,
        economics=economics,
        parameters=parameters,
        sources=sources,
        treatments=tuple(treatments.values()),
        dosing=tuple(row for _, row in dosing),
        prices=tuple(row for _, row in prices),
        reference_equations=references,
        life_tables=lives,
        utility_norms=norms,
        files=tuple(findings.files[first:]),
        access=access,
        policies=policies,
        simulation=simulation,
    )


def _evidence(folder: Path, sources: dict[str, SourceRow], findings: Findings) -> dict[str, Parameter]:
    """Parameters of all files in ``evidence/``, in order of file names."""
    files = sorted((folder / "evidence").glob("*.csv"))
    if not files:
        findings.faults.add(
            where=f"{folder.name}/evidence",
            found="no CSV file",
            expected="at least one table of evidence",
            mend="add evidence/<name>.csv",
        )
    parameters: dict[str, Parameter] = {}
    for path in files:
        name = f"{folder.name}/evidence/{path.name}"
        text = read_text(path, name, findings)
        for at, row in read_rows(text, EvidenceRow, name, findings) if text is not None else []:
            where = f"{name}, row {at}"
            check_sources(row.source, f"{where}, column source", sources, findings)
            one = parameter(row, where, findings)
            if row.id in parameters:
                findings.faults.add(
                    where=f"{where}, column id",
                    found=f"{row.id} again",
                    expected="each id once",
                    mend=f"the other is {parameters[row.id].origin}",
                )
            elif one is not None:
                parameters[row.id] = one
    return parameters


def _curves(
    folder: Path,
    file: str,
    read: Callable[[str, str, Findings], dict[str, Table]],
    sources: dict[str, SourceRow],
    findings: Findings,
) -> dict[str, Table]:
    """Tables by age of one file; a folder may lack the file."""
    if not (folder / file).exists():
        return {}
    name = f"{folder.name}/{file}"
    text = read_text(folder / file, name, findings)
    if text is None:
        return {}
    tables = read(text, name, findings)
    for place, cell in curves.source_cells(text, name):
        check_sources(cell, place, sources, findings)
    return tables


def _unique(rows: list[tuple[int, Row]], key: str, name: str, findings: Findings) -> dict[str, Row]:
    """Rows by their key; a key that comes again is a fault."""
    found: dict[str, Row] = {}
    for at, row in rows:
        word = str(getattr(row, key))
        if word in found:
            findings.faults.add(
                where=f"{name}, row {at}, column {key}",
                found=f"{word} again",
                expected="each once",
                mend="delete or rename one of the two",
            )
        found.setdefault(word, row)
    return found
