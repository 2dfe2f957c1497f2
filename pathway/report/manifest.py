"""The manifest of a run: what it takes to make it again. Nothing in it names a person, a machine or a place on a disk."""

from __future__ import annotations

import datetime
import hashlib
import json
import platform
import subprocess
from collections.abc import Sequence
from functools import cache
from importlib import metadata
from pathlib import Path, PurePath
from typing import Any

from pathway.definition.scenario import Scenario
from pathway.report.view import View

SCHEMA = "pathway.manifest/1"
DISTRIBUTION = "treatment-pathway"
PACKAGES = (
    "numpy",
    "pandas",
    "scipy",
    "numba",
    "simpy",
    "transitions",
    "pydantic",
    "pyarrow",
    "matplotlib",
    "jinja2",
    "openpyxl",
)


def sha256(data: bytes) -> str:
    """Hash of bytes as hexadecimal text."""
    return hashlib.sha256(data).hexdigest()


def version() -> str:
    """Version of the installed package; ``uninstalled`` when run from a bare checkout."""
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "uninstalled"


@cache
def commit() -> tuple[str, bool | None]:
    """Commit of a source checkout and whether its files were changed; empty when installed from a package."""
    home = Path(__file__).resolve().parents[2]
    if not (home / ".git").exists():
        return "", None
    try:
        head = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=home, capture_output=True, text=True, timeout=10, check=True
        ).stdout.strip()
        changed = subprocess.run(
            ["git", "status", "--porcelain", "--", "pathway"],
            cwd=home,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return "", None
    return head, bool(changed.strip())


def scenario_hash(scenario: Scenario) -> str:
    """Hash of the scenario and of every file of its disease, in reading order."""
    told: dict[str, object] = {
        "scenario": scenario.sha256,
        "files": [
            [PurePath(name).name if PurePath(name).is_absolute() else name, digest]
            for name, digest in scenario.library.files
        ],
    }
    if scenario.patients is not None:
        told["patients"] = {name: sha256(values.tobytes()) for name, values in scenario.patients.items()}
    return sha256(json.dumps(told, sort_keys=True).encode())


def run_hash(view: View) -> str:
    """Hash of all that fixes the results of a run; eight letters of it are in the folder's name."""
    results = view.results
    told = [
        scenario_hash(view.scenario),
        version(),
        commit(),
        results.seed,
        results.cohort.size,
        list(view.ids),
        results.engine,
    ]
    return sha256(json.dumps(told).encode())


def share_safe(words: Sequence[str]) -> list[str]:
    """Strip a command line of folders.

    Examples
    --------
    >>> share_safe(["run", "/home/someone/study.toml", "--output=/tmp/x", "--seed", "7"])
    ['run', 'study.toml', '--output=x', '--seed', '7']
    """
    safe = []
    for word in words:
        lead, sign, rest = word.partition("=") if word.startswith("--") else ("", "", word)
        name = rest.replace("\\", "/").rstrip("/").rpartition("/")[2] if sign or not word.startswith("--") else rest
        safe.append(f"{lead}{sign}{name}")
    return safe


def manifest(
    view: View,
    *,
    created: datetime.datetime,
    command: Sequence[str],
    hashes: dict[str, str],
    report: str,
    seconds: dict[str, float],
) -> dict[str, Any]:
    """Describe a run.

    Parameters
    ----------
    created
        In UTC.
    command
        Words of the command line; folders are left out.
    hashes
        File name -> SHA-256 of the table.
    report
        SHA-256 of the page.
    seconds
        Wall-clock seconds by step.
    """
    scenario, results = view.scenario, view.results
    head, changed = commit()
    money = scenario.economics
    return {
        "schema": SCHEMA,
        "run_id": run_hash(view)[:16],
        "created_utc": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "engine": results.engine,
        "engine_version": version(),
        "engine_commit": head,
        "dirty_flag": changed,
        "python": platform.python_version(),
        "os": platform.system(),
        "cpu": platform.machine(),
        "packages": {name: _package(name) for name in PACKAGES},
        "scenario": {"id": scenario.study.id, "label": scenario.study.label, "name": scenario.path.name if scenario.path else "", "sha256": scenario.sha256},
        "resolved_scenario_sha256": scenario_hash(scenario),
        "data_files": [{"name": PurePath(name).name if PurePath(name).is_absolute() else name, "sha256": digest} for name, digest in scenario.library.files],
        "disease": scenario.library.name if not PurePath(scenario.library.name).is_absolute() else PurePath(scenario.library.name).name,
        "command": share_safe(command),
        "seed": results.seed,
        "rng": {"algorithm": "Philox4x32-10", "key_scheme": "seed, sample, patient, stream name, index"},
        "n_patients": results.cohort.size,
        "n_draws": 1,
        "event_log": results.has_logs,
        "strategies": list(view.ids),
        "comparator": view.comparator,
        "switches": dict(scenario.switches),
        "overrides": sorted(scenario.overrides),
        "calibration": scenario.study.calibration,
        "conventions": {
            "discount_costs": money.discount_costs, "discount_outcomes": money.discount_outcomes, "discount_convention": money.discount_convention, "currency": money.currency,
            "price_year": money.price_year, "price_basis": money.price_basis, "price_date": money.price_date.isoformat(), "perspective": money.perspective,
            "horizon_years": scenario.study.horizon, "thresholds": list(money.thresholds),
        },
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "workers": getattr(results, "workers", 1),
        "warnings": list(scenario.warnings),
        "results_sha256": hashes,
        "report_sha256": report,
    }  # fmt: skip


def _package(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"
