"""A scenario file becomes a :class:`~pathway.definition.scenario.Scenario`, or faults.

This module must not know a disease, and opens no file outside the scenario's folder but the library it names.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pathway.definition.scenario import Library, Scenario
from pathway.definition.strategies import StrategyDefinition
from pathway.definition.study import Override, ScenarioDocument
from pathway.definition.values import Parameter
from pathway.errors import PathwayError, did_you_mean
from pathway.reading.calibrated import with_calibration
from pathway.reading.checks import check_scenario
from pathway.reading.documents import build, parse_toml
from pathway.reading.evidence import check_interval, check_range, check_spread, told
from pathway.reading.house import house_unit
from pathway.reading.library import find_folder, read_library
from pathway.reading.likeness import inherited
from pathway.reading.patients import read_patients
from pathway.reading.text import Findings, read_text
from pathway.units import convert


def read_study(path: Path, findings: Findings, *, calibration: str | None = None) -> Scenario | None:
    """Scenario of a file, or None if there are faults; all of them are noted.

    Parameters
    ----------
    calibration
        A calibrated table in place of the one that the scenario names.
    """
    name = path.name or str(path)
    text = read_text(path, name, findings)
    data = None if text is None else parse_toml(text, name, findings)
    if data is not None and isinstance(data.get("strategies"), dict):
        data = {**data, "strategies": inherited(data["strategies"], f"{name}, table strategies", findings)}
    document = None if data is None else build(ScenarioDocument, data, name, findings)
    disease = document.study.disease if document is not None else _disease(data)
    folder = find_folder(disease, path.parent, name, findings) if disease is not None else None
    library = None if folder is None else read_library(folder, findings)
    if document is not None and calibration is not None:
        document = document.model_copy(update={"study": document.study.model_copy(update={"calibration": calibration})})
    if document is not None and library is not None and folder is not None and document.study.calibration is not None:
        where = "--calibration" if calibration is not None else f"{name}, key study.calibration"
        library = with_calibration(library, folder, document.study.calibration, where, findings)
    if document is None or library is None:
        return None
    scenario = _assemble(document, library, path, findings)
    if scenario is not None:
        check_scenario(scenario, document, name, findings)
    return scenario


def _disease(data: Mapping[str, object] | None) -> str | None:
    """Disease that a faulty scenario names, so that the library's own faults can be told too."""
    study = data.get("study") if data is not None else None
    disease = study.get("disease") if isinstance(study, Mapping) else None
    return disease if isinstance(disease, str) else None


def _assemble(document: ScenarioDocument, library: Library, path: Path, findings: Findings) -> Scenario | None:
    """Scenario whose names all exist, or None."""
    name = path.name
    before = len(findings.faults.faults)
    study = document.study
    switches = _switches(document, library, name, findings)
    strategies = _strategies(document, library, name, findings)
    overrides = {
        key: one
        for key, row in document.values.items()
        if (one := _override(key, row, library, name, findings)) is not None
    }
    for key in document.life_table:
        for word in (key, document.life_table[key]):
            _exists(word, list(library.life_tables), "life table", f"{name}, key life_table.{key}", findings)
    for item in document.prices:
        _exists(item, sorted({row.item for row in library.prices}), "item", f"{name}, key prices.{item}", findings)
    if study.cohort is None and study.patients_file is None:
        findings.faults.add(
            where=f"{name}, key study.cohort",
            found="neither cohort nor patients_file",
            expected="a preset of cohorts.toml, or a CSV of patients",
            mend="add cohort",
        )
    if study.cohort is not None:
        _exists(study.cohort, list(library.cohorts), "cohort", f"{name}, key study.cohort", findings)
    _exists(study.access, list(dict.fromkeys(["open", *library.access])), "access", f"{name}, key study.access", findings)
    patients = None
    if study.patients_file is not None:
        patients = read_patients(study.patients_file, path, library, findings)
    if len(findings.faults.faults) > before:
        return None
    return Scenario(
        study=study,
        economics=document.economics,
        switches=switches,
        library=library,
        strategies=strategies,
        overrides=overrides,
        price_overrides=dict(document.prices),
        life_tables=dict(document.life_table),
        patients=patients,
        path=path,
        sha256=findings.files[0][1],
    )


def _exists(word: str, known: list[str], kind: str, where: str, findings: Findings) -> bool:
    """Whether a name exists; if not, that is noted."""
    if word in known:
        return True
    findings.faults.add(
        where=where,
        found=f"unknown {kind} '{word}'",
        expected=f"one of {', '.join(known)}" if known else f"a {kind}; the library has none",
        mend=did_you_mean(word, known) or f"choose a {kind} of the library",
    )
    return False


def _switches(document: ScenarioDocument, library: Library, name: str, findings: Findings) -> dict[str, str]:
    """Every switch with its option."""
    known = library.pathway.switches
    chosen = {key: switch.base for key, switch in known.items()}
    for key, option in document.switches.items():
        where = f"{name}, key switches.{key}"
        if _exists(key, list(known), "switch", where, findings) and _exists(
            option, list(known[key].options), "option", where, findings
        ):
            chosen[key] = option
    return chosen


def _strategies(
    document: ScenarioDocument, library: Library, name: str, findings: Findings
) -> dict[str, StrategyDefinition]:
    """Chosen strategies, in order."""
    study = document.study
    where = f"{name}, key study.strategies"
    known = {**library.strategies, **document.strategies}
    for key in document.strategies:
        if key in library.strategies:
            findings.faults.add(
                where=f"{name}, key strategies.{key}",
                found=f"{key}, which the library has too",
                expected="a name of its own",
                mend="rename it",
            )
    chosen: dict[str, StrategyDefinition] = {}
    for key in study.strategies:
        if key in chosen:
            findings.faults.add(
                where=where, found=f"{key} twice", expected="each strategy once", mend="delete one of the two"
            )
        elif _exists(key, list(known), "strategy", where, findings):
            chosen[key] = known[key]
    if len(study.strategies) < 2:
        findings.faults.add(
            where=where,
            found=f"{len(study.strategies)} strategy" if study.strategies else "an empty list",
            expected="two or more: a comparison needs something to compare with",
            mend="add the strategy that stands for today's care",
        )
    if study.comparator not in study.strategies:
        findings.faults.add(
            where=f"{name}, key study.comparator",
            found=f"'{study.comparator}', which is not among the strategies",
            expected=f"one of {', '.join(study.strategies)}",
            mend=did_you_mean(study.comparator, list(study.strategies))
            or "add it to study.strategies, or name another",
        )
    return chosen


def _override(key: str, row: Override, library: Library, name: str, findings: Findings) -> Parameter | None:
    """Scenario's own value in house units."""
    where = f"{name}, key values.{key}"
    derived = library.pathway.derived
    if not _exists(key, [*library.parameters, *derived], "value", where, findings):
        return None
    old = library.parameters.get(key)
    unit = old.unit if old is not None else house_unit(derived[key].unit)
    try:
        value, low, high = (
            None if one is None else convert(one, row.unit, unit, where=f"{where}.unit")
            for one in (row.value, row.low, row.high)
        )
    except PathwayError as error:
        findings.faults.extend(told(error, "write a unit of the same dimension"))
        return None
    if value is None:
        return None
    before = len(findings.faults.faults)
    family = (old.family if old is not None and old.family != "fixed" else "normal") if low is not None else "fixed"
    label = old.label if old is not None else derived[key].label
    one = Parameter(
        id=key,
        label=label,
        value=value,
        unit=unit,
        family=family,
        low=low,
        high=high,
        group=old.group if old is not None else "",
        source=row.source,
        grade=row.grade,
        note=row.note,
        origin=where,
    )
    check_interval(value, low, high, where, findings)
    check_range(one, where, findings)
    if len(findings.faults.faults) == before:
        check_spread(one, findings)
    return one if len(findings.faults.faults) == before else None
