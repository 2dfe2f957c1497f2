"""What a command of the command line does between its options and its words: read, run, write.

Here so that :mod:`pathway.cli` stays a list of options. This module must not print.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pathway.errors import ScenarioError
from pathway.reading.calibrated import tables_of
from pathway.reading.library import library_folders
from pathway.reading.trials import CALIBRATION, FOLDER, disease_of, read_trials
from pathway.report.calibrating import write_calibration
from pathway.report.store import check_output
from pathway.report.validating import write_validation
from pathway.validation.calibrating import Calibration, calibrate
from pathway.validation.validating import Validation, validate

Tell = Callable[[str, int, int], None]


def validations(  # noqa: PLR0913
    named: str | None, *, targets: Path | None, calibration: str | None = None, patients: int, seed: int | None, engine: str, workers: int, output: Path, command: Sequence[str], tell: Tell
) -> list[tuple[Validation, Path]]:
    """Run and write every validation that is asked for.

    Parameters
    ----------
    named
        Scenario file or disease; absent: what the targets' file names, or every disease that ships with trials (with a calibrated table: that has it).
    calibration
        A calibrated table in place of the evidence.

    Returns
    -------
    Each validation and the folder it was written to.
    """
    check_output(output)
    done = []
    names = bases_of(named, targets)
    if named is None and targets is None and calibration is not None:
        folders = library_folders()
        names = [name for name in names if calibration in tables_of(folders[name])] or names
    bases = [read_trials(name, targets=targets, beside=targets.parent if targets is not None else None, calibration=calibration) for name in names]
    for read in bases:
        begin = time.perf_counter()
        made = validate(read.base, read.trials, patients=patients, seed=seed, engine=engine, workers=workers, files=read.files, tell=tell)
        folder = write_validation(made, output, command=command, seconds=time.perf_counter() - begin)
        done.append((made, folder))
    return done


def calibrations(
    named: str, *, patients: int, seed: int | None, engine: str, workers: int, output: Path, command: Sequence[str], tell: Tell
) -> tuple[Calibration, Path]:
    """Fit the free numbers of a disease to its rows flagged C, and write what came of it."""
    check_output(output)
    read = read_trials(named)
    if not read.free:
        raise ScenarioError(
            where=f"{read.base.library.name}/{CALIBRATION}", found="no such file", expected="what may be moved, and why", mend="add a table free, as that of ssc_ild",
        )  # fmt: skip
    if read.base.library.calibration is not None:
        raise ScenarioError(
            where=named, found=f"a scenario under the calibrated table {read.base.library.calibration.name}", expected="the evidence, from which a fit starts", mend="take calibration out of its table study",
        )  # fmt: skip
    begin = time.perf_counter()
    made = calibrate(read.base, read.trials, read.free, patients=patients, seed=seed, engine=engine, workers=workers, tell=tell)
    return made, write_calibration(made, output, command=command, seconds=time.perf_counter() - begin)


def bases_of(named: str | None, targets: Path | None) -> list[str]:
    """Names of what is validated."""
    if named is not None:
        return [named]
    if targets is not None:
        disease = disease_of(targets)
        if disease is None and targets.is_file():
            raise ScenarioError(
                where=targets.name, found="no key disease, and neither scenario nor disease on the command line", expected="one of them",
                mend='add disease = "ssc_ild", or write pathway validate SCENARIO.toml --targets FILE',
            )  # fmt: skip
        return [disease or next(iter(library_folders()))]
    return [name for name, folder in library_folders().items() if (folder / FOLDER).is_dir()]
