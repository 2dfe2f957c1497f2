"""The commands of virtual trials: ``validate`` and ``calibrate``. Options and words only; :mod:`pathway.cli` puts them on the command line."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from pathway.console import MOST_PATIENTS, Calibration, guarded, progress_of, relative

Patients = Annotated[int, typer.Option(min=2, max=MOST_PATIENTS, help="simulated patients of each arm")]
Seed = Annotated[Optional[int], typer.Option(min=0, help="seed of all draws")]  # noqa: UP045
Engine = Annotated[str, typer.Option(help="name of the engine")]
Output = Annotated[Path, typer.Option(metavar="DIR", help="the folder of the result is made inside it")]


def validate(
    named: Annotated[Optional[str], typer.Argument(metavar="[DISEASE or SCENARIO]", help="absent: every disease that ships with trials", show_default=False)] = None,  # noqa: UP045
    targets: Annotated[Optional[Path], typer.Option(metavar="FILE", help="your own cohort and observed targets, in place of the trials")] = None,  # noqa: UP045
    calibration: Calibration = None,
    patients: Patients = 2000,
    seed: Seed = None,
    engine: Engine = "compiled",
    output: Output = Path("outputs"),
) -> None:
    """Run virtual trials and compare them with what was published; exit code 1 if a row that was calibrated to is missed."""
    with guarded():
        from pathway.report.commands import validations
        from pathway.report.validating import as_text

        with progress_of() as tell:
            done = validations(
                named, targets=targets, calibration=calibration, patients=patients, seed=seed, engine=engine, workers=os.cpu_count() or 1, output=output,
                command=["pathway", *sys.argv[1:]], tell=tell,
            )  # fmt: skip
        for made, folder in done:
            typer.echo(f"{as_text(made)}\nReport: {relative(folder / 'validation.html')}")
        if not all(made.summary.is_calibrated for made, _ in done):
            raise typer.Exit(1)


def calibrate(
    named: Annotated[str, typer.Argument(metavar="DISEASE or SCENARIO", help="whose calibration.toml says what may be moved")],
    patients: Patients = 2000,
    seed: Seed = None,
    engine: Engine = "compiled",
    output: Output = Path("outputs"),
) -> None:
    """Fit what no paper prints to the rows flagged C, with errors and correlations; the library is not changed."""
    with guarded():
        from pathway.report.calibrating import as_text
        from pathway.report.commands import calibrations

        with progress_of() as tell:
            made, folder = calibrations(
                named, patients=patients, seed=seed, engine=engine, workers=os.cpu_count() or 1, output=output, command=["pathway", *sys.argv[1:]], tell=tell
            )  # fmt: skip
        typer.echo(f"{as_text(made)}\nTables: {relative(folder)}")
