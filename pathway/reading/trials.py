"""Virtual trials become checked :class:`~pathway.definition.trials.Trial` objects, or faults: every fault of every file, all at once.

This module must not know a disease, and opens no file but those of the disease's folder ``trials/`` and the user's own.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field

from pathway.definition.mentions import mentions
from pathway.definition.rows import SourceRow
from pathway.definition.scenario import Library, Scenario
from pathway.definition.study import EconomicsChoice, Study
from pathway.definition.trials import CalibrationDocument, Floats, Published, Response, Target, Trial, TrialDocument
from pathway.definition.values import Parameter
from pathway.definition.words import Document, Grade, Label, ValueId
from pathway.errors import Fault, PathwayError, ScenarioError, did_you_mean
from pathway.reading.calibrated import with_calibration
from pathway.reading.checks import known_names
from pathway.reading.documents import build, build_table, parse_toml
from pathway.reading.evidence import check_interval, check_range, check_sources, told
from pathway.reading.house import house_unit
from pathway.reading.library import find_folder, read_library
from pathway.reading.patients import read_patients
from pathway.reading.study import read_study
from pathway.reading.tables import read_rows
from pathway.reading.targets import check_trial, unit_of_target
from pathway.reading.text import Findings, read_text
from pathway.units import convert

FOLDER = "trials"
CALIBRATION = "calibration.toml"
Z = 1.959963984540054
"""Half-width of a 95 % interval in standard errors."""
NOBODY = EconomicsChoice(
    currency="XXX", price_year=2026, price_basis="net", price_date=datetime.date(2026, 1, 1), perspective="none", discount_costs=0.0, discount_outcomes=0.0, thresholds=(),
)  # fmt: skip
"""Terms of a run that values nothing (XXX: no currency, ISO 4217)."""


class PublishedRow(Document):
    """One number as a paper printed it (``trials/published.csv``)."""

    id: ValueId
    label: Label
    value: float
    unit: str = Field(description="a unit of pathway.units")
    low: float | None = Field(default=None, description="lower end of the 95 % interval")
    high: float | None = None
    standard_error: float | None = Field(default=None, gt=0)
    source: str = Field(min_length=1, description="keys of sources.csv, separated by ';'")
    grade: Grade
    basis: str = Field(default="", description="rows of the evidence review it rests on")
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """What ``pathway validate`` runs: a base of numbers and structure, and trials.

    Attributes
    ----------
    base
        Scenario whose library, switches and overrides hold; each arm puts its own population and strategy in.
    free
        What calibration may move, and why: ``calibration.toml`` of the disease, if it has one.
    files
        (name, SHA-256) of the trial files.
    """

    base: Scenario
    trials: tuple[Trial, ...]
    free: dict[str, str] = field(default_factory=dict)
    files: tuple[tuple[str, str], ...] = field(default=())


def read_trials(named: str, *, targets: Path | None = None, beside: Path | None = None, calibration: str | None = None) -> Trials:
    """Read the base and its trials.

    Parameters
    ----------
    named
        A scenario file, or the name of a disease folder.
    targets
        A user's own file of cohort and targets, in place of the disease's trials.
    beside
        Where paths of disease folders are read from; absent: the current folder.
    calibration
        A calibrated table of the disease, in place of its evidence or of the one that the scenario names.

    Raises
    ------
    ScenarioError
        With every fault of every file.
    """
    findings = Findings()
    base, folder = _base(named, beside or Path(), findings, calibration)
    trials: list[Trial] = []
    free: dict[str, str] = {}
    first = len(findings.files)
    if base is not None and folder is not None:
        trials = _shipped(folder / FOLDER, base, findings) if targets is None else [one for one in [_own(targets, base, folder, findings)] if one is not None]
        free = _free(folder, base.library, findings)
    elif targets is not None:  # tell what can be told of the user's file too
        _document(targets, targets.name, findings)
    findings.faults.faults = list(dict.fromkeys(findings.faults.faults))
    findings.faults.raise_if_any(ScenarioError)
    assert base is not None
    return Trials(base=base, trials=tuple(trials), free=free, files=tuple(findings.files[first:]))


def disease_of(targets: Path) -> str | None:
    """Disease that a user's file names, if it can be read that far."""
    findings = Findings()
    text = read_text(targets, targets.name, findings)
    data = parse_toml(text, targets.name, findings) if text is not None else None
    found = (data or {}).get("disease")
    return found if isinstance(found, str) else None


def _base(named: str, beside: Path, findings: Findings, calibration: str | None) -> tuple[Scenario | None, Path | None]:
    """Scenario of a file or of a bare disease, and the disease's folder."""
    path = Path(named)
    if path.suffix == ".toml":
        scenario = read_study(path, findings, calibration=calibration)
        folder = find_folder(scenario.study.disease, path.parent, path.name, findings) if scenario is not None else None
        return scenario, folder
    folder = find_folder(named, beside, "pathway validate", findings)
    library = None if folder is None else read_library(folder, findings)
    if library is not None and folder is not None and calibration is not None:
        library = with_calibration(library, folder, calibration, "--calibration", findings)
    if library is None:
        return None, None
    return bare_scenario(library), folder


def bare_scenario(library: Library) -> Scenario:
    """The library as it is: base options of every switch, no overrides, nothing valued."""
    study = Study(
        id="validation", label=f"Validation of {library.title}", disease=library.name, cohort=next(iter(library.cohorts), None), patients=1,
        strategies=(), comparator="none", horizon=1.0,
    )  # fmt: skip
    if library.calibration is not None:
        study = study.model_copy(update={"calibration": library.calibration.name})
    switches = {name: switch.base for name, switch in library.pathway.switches.items()}
    return Scenario(
        study=study, economics=NOBODY, switches=switches, library=library, strategies={}, overrides={}, price_overrides={}, sha256=""
    )  # fmt: skip


def _free(folder: Path, library: Library, findings: Findings) -> dict[str, str]:
    """Numbers that calibration may move, each with its reason."""
    where = f"{library.name}/{CALIBRATION}"
    if not (folder / CALIBRATION).is_file():
        return {}
    text = read_text(folder / CALIBRATION, where, findings)
    data = None if text is None else parse_toml(text, where, findings)
    document = None if data is None else build(CalibrationDocument, data, where, findings)
    if document is None:
        return {}
    known = list(library.parameters)
    for name in document.free:
        if name not in known:
            findings.faults.add(
                where=f"{where}, key free.{name}", found=f"unknown value '{name}'", expected="the id of a row of evidence/*.csv", mend=did_you_mean(name, known) or "derived sums cannot be moved: name what they are made of",
            )  # fmt: skip
    return {name: one.why for name, one in document.free.items()}


def _shipped(folder: Path, base: Scenario, findings: Findings) -> list[Trial]:
    """Trials of a disease folder, in order of file names."""
    library = base.library
    files = sorted(folder.glob("*.toml")) if folder.is_dir() else []
    if not files:
        findings.faults.add(
            where=f"{library.name}/{FOLDER}", found="no virtual trials", expected="at least one <trial>.toml",
            mend="name another disease, or give your own with --targets FILE",
        )  # fmt: skip
    published = _published(folder, library, findings)
    responses = _responses(folder, library, findings)
    trials = []
    for path in files:
        where = f"{library.name}/{FOLDER}/{path.name}"
        document = _document(path, where, findings)
        if document is not None:
            trials.append(_trial(path.stem, document, where, base, published, findings, responses=responses))
    return [one for one in trials if one is not None]


def _responses(folder: Path, library: Library, findings: Findings) -> dict[str, Response]:
    """Criteria of response that all trials of a disease share (``trials/shared/responses.toml``)."""
    where = f"{library.name}/{FOLDER}/shared/responses.toml"
    path = folder / "shared" / "responses.toml"
    if not path.is_file():
        return {}
    text = read_text(path, where, findings)
    data = None if text is None else parse_toml(text, where, findings)
    return {} if data is None else build_table(Response, data, where, findings)


def _own(path: Path, base: Scenario, folder: Path, findings: Findings) -> Trial | None:
    """Read the user's file."""
    document = _document(path, path.name, findings)
    if document is None:
        return None
    if not document.targets:
        findings.faults.add(where=f"{path.name}, key targets", found="no targets", expected="at least one table [[targets]]", mend="add what you observed")
    patients = None
    if document.population.patients_file is not None:
        patients = read_patients(document.population.patients_file, path, base.library, findings)
    responses = _responses(folder / FOLDER, base.library, findings)
    return _trial(path.stem, document, path.name, base, {}, findings, patients, responses=responses)


def _document(path: Path, where: str, findings: Findings) -> TrialDocument | None:
    text = read_text(path, where, findings)
    data = None if text is None else parse_toml(text, where, findings)
    return None if data is None else build(TrialDocument, data, where, findings)


def _published(folder: Path, library: Library, findings: Findings) -> dict[str, tuple[PublishedRow, str]]:
    """Rows of ``published.csv`` by id, with their place; sources are keys of the library's or of ``trials/sources.csv``."""
    name = f"{library.name}/{FOLDER}"
    sources = dict(library.sources)
    if (folder / "sources.csv").is_file():
        text = read_text(folder / "sources.csv", f"{name}/sources.csv", findings)
        sources |= {row.key: row for _, row in read_rows(text, SourceRow, f"{name}/sources.csv", findings)} if text is not None else {}
    if not (folder / "published.csv").is_file():
        return {}
    text = read_text(folder / "published.csv", f"{name}/published.csv", findings)
    found: dict[str, tuple[PublishedRow, str]] = {}
    for at, row in read_rows(text, PublishedRow, f"{name}/published.csv", findings) if text is not None else []:
        where = f"{name}/published.csv, row {at}"
        check_sources(row.source, f"{where}, column source", sources, findings)
        if row.id in found or row.id in library.parameters:
            other = found[row.id][1] if row.id in found else library.parameters[row.id].origin
            findings.faults.add(where=f"{where}, column id", found=f"{row.id} again", expected="each id once", mend=f"the other is {other}")
        found.setdefault(row.id, (row, where))
    return found


def _trial(
    name: str, document: TrialDocument, where: str, base: Scenario, rows: Mapping[str, tuple[PublishedRow, str]],
    findings: Findings, patients: dict[str, Floats] | None = None, *, responses: Mapping[str, Response],
) -> Trial | None:  # fmt: skip
    """Check a trial against the library; None where it cannot be run."""
    before = len(findings.faults.faults)
    known = known_names(base.library)
    known["value"] = [*known["value"], *rows, *document.numbers]
    known["strategy"] = list(dict.fromkeys([*known["strategy"], *base.strategies]))
    for one in mentions(document):
        if one.word not in known[one.kind] and not one.path.startswith("numbers."):
            kind = one.kind.replace("_", " ")
            findings.faults.add(
                where=f"{where}, key {one.path}", found=f"unknown {kind} '{one.word}'", expected=f"one of {', '.join(known[one.kind][:12])}",
                mend=did_you_mean(one.word, known[one.kind]) or f"name a {kind} that exists",
            )  # fmt: skip
    criteria = {**responses, **document.responses}
    check_trial(document, base.library, where, findings, criteria)
    if len(findings.faults.faults) > before:
        return None
    numbers = {key: made for key, (row, place) in rows.items() if (made := _number(key, row.value, row.unit, row.source, row.grade, place, findings)) is not None}
    numbers |= {
        key: made
        for key, own in document.numbers.items()
        if (made := _number(key, own.value, own.unit, own.source, own.grade, f"{where}, key numbers.{key}", findings)) is not None
    }
    published = {target.id: _result(target, rows, base, f"{where}, target {target.id}", findings) for target in document.targets}
    if len(findings.faults.faults) > before:
        return None
    return Trial(
        name=name, document=document, numbers=numbers, responses=criteria, patients=patients, published={key: one for key, one in published.items() if one is not None},
    )  # fmt: skip


def _number(name: str, value: float, unit: str, source: str, grade: str, where: str, findings: Findings) -> Parameter | None:
    """A number in house units, fixed: how far a protocol's number may be off is not asked."""
    try:
        house = house_unit(unit, where=f"{where}, unit")
        value = convert(value, unit, house, where=f"{where}, unit")
    except PathwayError as error:
        findings.faults.extend(told(error, "write a unit that is known"))
        return None
    return Parameter(id=name, label=name, value=value, unit=house, source=source, grade=grade, origin=where)


def _result(target: Target, rows: Mapping[str, tuple[PublishedRow, str]], base: Scenario, where: str, findings: Findings) -> Published | None:
    """Published number of a target in the unit of its quantity."""
    if target.quantity == "cost_per_year" and base.economics.currency == NOBODY.currency:
        findings.faults.add(
            where=where, found="a cost to compare, and no prices in force", expected="a scenario, which gives currency, basis and date of prices",
            mend="write pathway validate SCENARIO.toml --targets FILE",
        )  # fmt: skip
        return None
    if (target.published is None) == (target.value is None):
        findings.faults.add(
            where=where, found="both published and value" if target.published else "neither published nor value", expected="one of the two",
            mend="name a row of published.csv, or give value, unit and source",
        )  # fmt: skip
        return None
    if target.published is not None:
        row, place = rows[target.published]
    else:
        missing = [key for key, given in (("unit", target.unit), ("source", target.source)) if not given]
        if missing:
            findings.faults.add(where=where, found=f"a value without {' and '.join(missing)}", expected="value, unit and source", mend=f"add {missing[0]}")
            return None
        assert target.value is not None
        assert target.unit is not None
        row = PublishedRow(
            id=target.id, label=target.label, value=target.value, unit=target.unit, low=target.low, high=target.high, standard_error=target.standard_error,
            source=target.source, grade=target.grade,
        )  # fmt: skip
        place = where
    return _converted(row, unit_of_target(target, base), place, findings)


def _converted(row: PublishedRow, unit: str, where: str, findings: Findings) -> Published | None:
    try:
        value, low, high = (math.nan if one is None else convert(one, row.unit, unit, where=f"{where}, unit") for one in (row.value, row.low, row.high))
        error = None if row.standard_error is None else abs(convert(row.standard_error, row.unit, unit) - convert(0.0, row.unit, unit))
    except PathwayError as problem:
        findings.faults.extend(Fault(where=f.where, found=f.found, expected=f.expected, mend="write the number in a unit of what is compared") for f in problem.faults)
        return None
    is_computed = row.low is None and error is not None
    if is_computed and error is not None:
        low, high = value - Z * error, value + Z * error
    check_interval(row.value, row.low, row.high, where, findings)
    number = Parameter(id=row.id, label=row.label, value=value, unit=unit, source=row.source, grade=row.grade, origin=where)
    check_range(number, where, findings)
    return Published(
        value=value, low=low, high=high, unit=unit, source=row.source, grade=row.grade, basis=row.basis, note=row.note, is_computed=is_computed
    )  # fmt: skip
