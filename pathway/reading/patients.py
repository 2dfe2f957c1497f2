"""The user's own patients: a CSV beside the scenario, one row a patient, one column a covariate.

A column that can be computed from the others may be left out. This module must not know a disease, and opens no file
outside the scenario's folder.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pathway.definition.body import Covariate
from pathway.definition.scenario import Library
from pathway.reading.tables import Cells, number, read_cells
from pathway.reading.text import Findings, read_text

Floats = NDArray[np.float64]


def read_patients(file: str, scenario: Path, library: Library, findings: Findings) -> dict[str, Floats] | None:
    """Columns of the user's own patients, every value within the range of its covariate; None after noting faults.

    Parameters
    ----------
    file
        As the scenario names it: a path below the scenario's folder.
    scenario
        The scenario's own file.
    library
        Its covariates are the columns.
    findings
        Takes faults.
    """
    path = _inside(file, scenario, findings)
    text = None if path is None else read_text(path, file, findings)
    if text is None:
        return None
    before = len(findings.faults.faults)
    covariates = library.pathway.covariates
    computed = {
        name
        for cohort in library.cohorts.values()
        for name, draw in cohort.covariates.items()
        if draw.family == "predicted" and name in covariates
    }
    cells = read_cells(
        text,
        file,
        findings,
        required=[name for name in covariates if name not in computed],
        optional=[*sorted(computed), "patient", "note"],
    )
    if cells is not None and not cells:
        findings.faults.add(
            where=file, found="no patients", expected="at least one row below the header", mend="add patients"
        )
    given = [name for name in covariates if name not in computed or any(name in row for _, row in cells or [])]
    columns = {name: _column(name, covariates[name], cells or [], file, findings) for name in given}
    _check_numbers(cells or [], file, findings)
    return None if cells is None or len(findings.faults.faults) > before else columns


def _inside(file: str, scenario: Path, findings: Findings) -> Path | None:
    """Path of a file below the scenario's folder, links followed; None after noting that it is not."""
    root = scenario.parent.resolve()
    try:
        path = (root / file).resolve()
        if path.is_relative_to(root) and "\x00" not in file and not Path(file).is_absolute():
            return path
    except (OSError, ValueError, RuntimeError):
        pass  # a circle of links, or a name that no file can have
    findings.faults.add(
        where=f"{scenario.name}, key study.patients_file",
        found=f"'{file}', outside the scenario's folder",
        expected=f"a file beside {scenario.name}",
        mend="copy the file there and name it without a path",
    )
    return None


def _column(name: str, covariate: Covariate, cells: Cells, file: str, findings: Findings) -> Floats:
    """One covariate of all patients; what cannot be is noted by row."""
    column: list[float] = []
    for at, row in cells:
        place = f"{file}, row {at}, column {name}"
        one = number(row.get(name), place, findings)
        if one is None:
            continue
        if not covariate.low <= one <= covariate.high:
            findings.faults.add(
                where=place,
                found=f"{one:g}",
                expected=f"{covariate.label}: 0 or 1"
                if covariate.is_indicator
                else f"{covariate.label}: {covariate.low:g} to {covariate.high:g} {covariate.unit}".rstrip(),
                mend="write 1 for yes and 0 for no" if covariate.is_indicator else "correct the value, or check its unit",
            )
        elif covariate.is_indicator and one not in (0.0, 1.0):
            findings.faults.add(
                where=place,
                found=f"{one:g}",
                expected=f"{covariate.label}: 0 or 1",
                mend="write 1 for yes and 0 for no; a share is not a patient",
            )
        column.append(one)
    return np.array(column)


def _check_numbers(cells: Cells, file: str, findings: Findings) -> None:
    """Check that a patient named in the column ``patient`` is named once."""
    first: dict[str, int] = {}
    for at, row in cells:
        name = row.get("patient")
        if name is not None and first.setdefault(name, at) != at:
            findings.faults.add(
                where=f"{file}, row {at}, column patient",
                found=f"{name} again, first in row {first[name]}",
                expected="each patient once",
                mend="delete one of the two rows, or rename it",
            )
