"""A calibration as tables with provenance, as text, and as a block of a scenario.

The folder holds ``calibrated.csv`` (one row a number that the rows tell), ``correlation.csv``, ``left.csv`` (what went back to its evidence), ``rows.csv`` (every row of every trial
before and after), ``provenance.csv`` (with a hash of the first two) and ``values.toml``, which puts the numbers into a scenario one by one. As ``calibrated/<name>/`` of the disease it is
a table that a scenario can name. The library itself is not changed: that is a decision of whoever keeps it. This module must not know how a fit is made.
"""

from __future__ import annotations

import datetime
import hashlib
import math
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pathway.definition.joint import faults_of
from pathway.errors import PathwayError
from pathway.reading.calibrated import HASH, hash_of
from pathway.report.formats import significant, visible
from pathway.report.terminal import aligned
from pathway.report.validating import DISCLAIMER, frame_of, sentences
from pathway.report.writer import csv_text, safe_name, write_csv
from pathway.validation.calibrating import Calibration

SOURCE = "calibrated to the rows flagged C of the trials"
DIGITS = (3, 5, 7)
"""Decimals of a correlation: as few as leave a correlation matrix."""


def calibrated_frame(made: Calibration) -> pd.DataFrame:
    """Numbers that the rows tell.

    Returns
    -------
    One row a number: id, label, unit (house), value, family, standard_error, low, high (95 % of that distribution), monte_carlo_error (another seed), evidence, ratio, why, rows (fitted
    to), seed, patients, engine.
    """
    told = made.before
    columns = ["id", "label", "unit", "value", "family", "standard_error", "low", "high", "monte_carlo_error", "evidence", "ratio", "why", "rows", "seed", "patients", "engine"]
    return pd.DataFrame(
        [
            {
                "id": one.parameter.id, "label": one.parameter.label, "unit": one.parameter.unit, "value": one.value, "family": one.family, "standard_error": one.error,
                "low": one.interval[0], "high": one.interval[1], "monte_carlo_error": one.monte_carlo_error, "evidence": one.parameter.value, "ratio": one.value / one.parameter.value,
                "why": one.why, "rows": len(made.fitted), "seed": told.seed, "patients": told.patients, "engine": told.engine,
            }
            for one in made.known
        ],
        columns=columns,
    )  # fmt: skip


def left_frame(made: Calibration) -> pd.DataFrame:
    """Numbers that went back to their evidence: id, label, unit, evidence, fitted (what the fit gave them before), standard_error (of that), left_because, why (it may be moved)."""
    columns = ["id", "label", "unit", "evidence", "fitted", "standard_error", "left_because", "why"]
    return pd.DataFrame(
        [
            {
                "id": one.parameter.id, "label": one.parameter.label, "unit": one.parameter.unit, "evidence": one.parameter.value, "fitted": one.fitted,
                "standard_error": one.error, "left_because": one.left_because, "why": one.why,
            }
            for one in made.moved if not one.is_known
        ],
        columns=columns,
    )  # fmt: skip


def correlation_frame(made: Calibration) -> pd.DataFrame:
    """Correlation of the numbers' normal scores: a square table with the ids as first column and as heads, rounded to as few decimals as leave it a correlation matrix."""
    names = [one.parameter.id for one in made.known]
    rounded = made.correlation
    for digits in DIGITS:
        rounded = np.round(made.correlation, digits) + 0.0
        np.fill_diagonal(rounded, 1.0)
        if not faults_of(rounded, tuple(names)):
            break
    return pd.DataFrame(rounded, columns=names).assign(id=names)[["id", *names]]


def rows_frame(made: Calibration) -> pd.DataFrame:
    """Every row before and after: trial, target, label, flag, was_fitted, published and its interval, simulated, half-widths and verdict of both."""
    before = frame_of(made.before.rows).set_index(["trial", "target"])
    after = frame_of(made.after.rows).set_index(["trial", "target"])
    names = {trial.name: trial.document.label for trial in made.before.trials}
    fitted = {(names[trial], target) for trial, target in made.fitted}
    found = before[["label", "flag", "unit", "published", "published_low", "published_high"]].copy()
    found["was_fitted"] = [key in fitted for key in before.index]
    for column in ("simulated", "half_widths", "verdict"):
        found[f"{column}_before"] = before[column]
        found[f"{column}_after"] = after[column]
    return found.reset_index()


def values_toml(made: Calibration) -> str:
    """Table ``values`` of a scenario with what the rows tell; numbers that they do not tell are left to the evidence."""
    lines = [
        "# Calibrated numbers for a scenario, each on its own. Drawn together, with their correlations: put this folder into calibrated/NAME of the disease, and name it.", "",
    ]  # fmt: skip
    for one in made.known:
        low, high = one.interval
        lines += [
            f"[values.{one.parameter.id}]", f"value = {one.value:.6g}", f'unit = "{one.parameter.unit}"', f"low = {low:.6g}", f"high = {high:.6g}", f'source = "{SOURCE}"', 'grade = "derived"', "",
        ]  # fmt: skip
    return "\n".join(lines)


def as_text(made: Calibration) -> str:
    """Summary for a terminal."""
    lines = [["number", "evidence", "calibrated", "standard error", "another seed", ""]]
    for one in made.moved:
        error = significant(one.error) if math.isfinite(one.error) else "unknown"
        luck = significant(one.monte_carlo_error) if one.is_known else ""
        lines.append(
            [
                visible(one.parameter.id), significant(one.parameter.value), significant(one.value), error, luck,
                "" if one.is_known else f"left to its evidence: {one.left_because} (fit: {significant(one.fitted)})",
            ]
        )  # fmt: skip
    known = made.known
    strong = [
        f"{known[i].parameter.id} and {known[j].parameter.id} ({made.correlation[i, j]:+.2f})"
        for i in range(len(known)) for j in range(i) if abs(made.correlation[i, j]) >= 0.5
    ]  # fmt: skip
    count = len(made.fitted)
    parts = [
        aligned(lines, numeric=(1, 2, 3, 4)),
        f"Sum of squared standardised differences over {count} rows flagged C: {made.objective_before:.2f} before, {made.objective_after:.2f} after {made.rounds} steps ({made.ended}).",
        *([_other_seeds(made)] if made.others else []),
        *(["Errors that hang together: " + "; ".join(strong) + "."] if strong else []),
        "Before. " + " ".join(sentences(made.before.summary)),
        "After. " + " ".join(sentences(made.after.summary)),
        f"{DISCLAIMER}.",
    ]
    return "\n\n".join(parts)


def _other_seeds(made: Calibration) -> str:
    sums, inside = [one.objective for one in made.others], [one.inside for one in made.others]
    few = f"{min(inside)} to {max(inside)}" if min(inside) < max(inside) else f"{min(inside)}"
    return f"Under {len(made.others)} other seeds the same numbers give {min(sums):.2f} to {max(sums):.2f}, and {few} of the {len(made.fitted)} rows inside."


def write_calibration(made: Calibration, output: Path, *, command: Sequence[str] = (), seconds: float = 0.0, now: datetime.datetime | None = None) -> Path:
    """Write the tables into ``output/calibration-<disease>/<UTC time>``, whole or not at all.

    Raises
    ------
    PathwayError
        If the folder cannot be written to.
    """
    from pathway.report.manifest import commit, share_safe, version

    head, changed = commit()
    created = now or datetime.datetime.now(datetime.UTC)
    base = made.before.base
    documents = hashlib.sha256("\n".join(f"{name}:{one}" for name, one in (*base.library.files, *made.before.files)).encode()).hexdigest()
    tables = {"calibrated": calibrated_frame(made), "correlation": correlation_frame(made), "left": left_frame(made), "rows": rows_frame(made)}
    provenance = pd.DataFrame(
        [
            ("written", created.strftime("%Y-%m-%d %H:%M UTC")), ("command", " ".join(share_safe(command))), ("version", version()), ("commit", f"{head}, with changes" if changed else head),
            ("documents_sha256", documents), ("scenario_sha256", base.sha256), ("seed", str(made.before.seed)), ("patients", str(made.before.patients)),
            ("engine", made.before.engine), ("rows", "; ".join(f"{trial}.{target}" for trial, target in made.fitted)),
            ("objective", f"{made.objective_before:.4f} before, {made.objective_after:.4f} after {made.rounds} steps; {made.ended}"),
            ("other_seeds", _other_seeds(made) if made.others else "none"), ("standard_errors", "least squares, rows of a trial correlated as in its replicates"),
            (HASH, hash_of(csv_text(tables[name]) for name in ("calibrated", "correlation"))), ("seconds", f"{seconds:.0f}"),
        ],
        columns=["what", "told"],
    )  # fmt: skip
    home = output / f"calibration-{safe_name(base.library.name)}"
    final, number = home / created.strftime("%Y%m%dT%H%M%SZ"), 1
    while final.exists():
        number += 1
        final = home / f"{created:%Y%m%dT%H%M%SZ}-{number}"
    working = final.with_name(f".{final.name}.part")
    try:
        working.mkdir(parents=True)
        for name, table in {**tables, "provenance": provenance}.items():
            write_csv(table, working / f"{name}.csv")
        (working / "values.toml").write_text(values_toml(made), encoding="utf-8")
        working.rename(final)
    except OSError as error:
        shutil.rmtree(working, ignore_errors=True)
        raise PathwayError(where="--output", found=error.strerror or "cannot be written", expected="a folder that can be written to", mend="give another --output") from None
    return final
