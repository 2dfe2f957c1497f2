"""From files to a checked :class:`~pathway.definition.scenario.Scenario`.

Every fault of every file is gathered and told at once, in four parts: where, found, expected, mend. Nothing in
a file is executed, and nothing is written.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pathway.definition.scenario import Scenario
from pathway.errors import Fault, ScenarioError
from pathway.reading.study import read_study
from pathway.reading.text import Findings

__all__ = ["check", "inspect", "read"]


def inspect(path: str | Path, *, calibration: str | None = None) -> tuple[Scenario | None, list[Fault], list[str]]:
    """Scenario if it can be used, all faults, and all warnings of a scenario file.

    Examples
    --------
    >>> scenario, faults, warnings = inspect("no_such_file.toml")
    >>> scenario is None, faults[0].found
    (True, 'no such file')
    """
    findings = Findings()
    scenario = read_study(Path(path), findings, calibration=calibration)
    faults = list(dict.fromkeys(findings.faults.faults))
    if faults or scenario is None:
        return None, faults, findings.warnings
    return replace(scenario, warnings=tuple(dict.fromkeys(findings.warnings))), [], findings.warnings


def read(path: str | Path, *, calibration: str | None = None) -> Scenario:
    """Read and check a scenario file and the disease it names.

    Parameters
    ----------
    calibration
        Name of a calibrated table of the disease, in place of the one that the scenario names, if any.

    Raises
    ------
    ScenarioError
        With every fault of every file.
    """
    scenario, faults, _ = inspect(path, calibration=calibration)
    if scenario is None:
        raise ScenarioError(faults=faults)
    return scenario


def check(path: str | Path) -> list[Fault]:
    """Every fault that :func:`read` would raise; empty if the scenario can be used."""
    return inspect(path)[1]
