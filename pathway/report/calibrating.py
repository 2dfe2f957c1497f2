"""A calibration as tables with provenance, as text, and as a block of a scenario.

The folder holds ``calibrated.csv`` (one row a number), ``correlation.csv``, ``rows.csv`` (every row of every trial before and after), ``provenance.csv`` and
``values.toml``, which puts the numbers into a scenario. The library itself is not changed: that is a decision of whoever keeps it. This module must not know how a
fit is made.
"""

from __future__ import annotations

import datetime
import hashlib
import math
import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pathway.errors import PathwayError
from pathway.report.formats import significant, visible
from pathway.report.terminal import aligned
from pathway.report.validating import DISCLAIMER, frame_of, sentences
from pathway.report.writer import safe_name, write_csv
from pathway.validation.calibrating import Calibration

SOURCE = "calibrated to the rows flagged C of the trials"
Z = 1.959963984540054


def calibrated_frame(made: Calibration) -> pd.DataFrame:
    """Numbers before and after.

    Returns
    -------
    One row a number: id, label, unit (house), value, standard_error, low, high (95 %), evidence, ratio, is_known (do the rows tell it to within a factor of two),
    why, rows (fitted to), seed, patients, engine.
    """
    told = made.before
    return pd.DataFrame(
        [
            {
                "id": one.parameter.id, "label": one.parameter.label, "unit": one.parameter.unit, "value": one.value, "standard_error": one.error,
                "low": one.value - Z * one.error, "high": one.value + Z * one.error, "evidence": one.parameter.value, "ratio": one.value / one.parameter.value,
                "is_known": one.is_known, "why": one.why, "rows": len(made.fitted), "seed": told.seed, "patients": told.patients, "engine": told.engine,
            }
            for one in made.moved
        ]
    )  # fmt: skip


def correlation_frame(made: Calibration) -> pd.DataFrame:
    """Correlation of the errors: a square table with the ids as first column and as heads."""
    names = [one.parameter.id for one in made.moved]
    return pd.DataFrame(made.correlation, columns=names).assign(id=names)[["id", *names]]


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
    lines = ["# Calibrated numbers for a scenario; calibrated.csv beside this file says how well they are known.", ""]
    for one in made.moved:
        if one.is_known:
            lines += [
                f"[values.{one.parameter.id}]", f"value = {one.value:.6g}", f'unit = "{one.parameter.unit}"', f"low = {one.value - Z * one.error:.6g}",
                f"high = {one.value + Z * one.error:.6g}", f'source = "{SOURCE}"', 'grade = "derived"', "",
            ]  # fmt: skip
    return "\n".join(lines)


def as_text(made: Calibration) -> str:
    """Summary for a terminal."""
    lines = [["number", "evidence", "calibrated", "standard error", ""]]
    lines += [
        [
            visible(one.parameter.id), significant(one.parameter.value), significant(one.value), significant(one.error) if math.isfinite(one.error) else "unknown",
            "" if one.is_known else "hardly told by the rows",
        ]
        for one in made.moved
    ]  # fmt: skip
    strong = [
        f"{made.moved[i].parameter.id} and {made.moved[j].parameter.id} ({made.correlation[i, j]:+.2f})"
        for i in range(len(made.moved)) for j in range(i) if abs(made.correlation[i, j]) >= 0.5
    ]  # fmt: skip
    parts = [
        aligned(lines, numeric=(1, 2, 3)),
        f"Sum of squared standardised differences over {len(made.fitted)} rows flagged C: {made.objective_before:.2f} before, {made.objective_after:.2f} after {made.rounds} steps.",
        *(["Errors that hang together: " + "; ".join(strong) + "."] if strong else []),
        "Before. " + " ".join(sentences(made.before.summary)),
        "After. " + " ".join(sentences(made.after.summary)),
        f"{DISCLAIMER}.",
    ]
    return "\n\n".join(parts)


def write_calibration(made: Calibration, output: Path, *, command: Sequence[str] = (), seconds: float = 0.0, now: datetime.datetime | None = None) -> Path:
    """Write the tables into ``output/calibration-<disease>/<UTC time>``, whole or not at all.

    Raises
    ------
    PathwayError
        If the folder cannot be written to.
    """
    from pathway.report.manifest import commit, version

    created = now or datetime.datetime.now(datetime.UTC)
    base = made.before.base
    documents = hashlib.sha256("\n".join(f"{name}:{one}" for name, one in (*base.library.files, *made.before.files)).encode()).hexdigest()
    provenance = pd.DataFrame(
        [
            ("written", created.strftime("%Y-%m-%d %H:%M UTC")), ("command", " ".join(command)), ("version", version()), ("commit", commit()[0]),
            ("documents_sha256", documents), ("scenario_sha256", base.sha256), ("seed", str(made.before.seed)), ("patients", str(made.before.patients)),
            ("engine", made.before.engine), ("rows", "; ".join(f"{trial}.{target}" for trial, target in made.fitted)),
            ("objective", f"{made.objective_before:.4f} before, {made.objective_after:.4f} after {made.rounds} steps"), ("seconds", f"{seconds:.0f}"),
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
        for name, table in (
            ("calibrated", calibrated_frame(made)), ("correlation", correlation_frame(made)), ("rows", rows_frame(made)), ("provenance", provenance),
        ):  # fmt: skip
            write_csv(table, working / f"{name}.csv")
        (working / "values.toml").write_text(values_toml(made), encoding="utf-8")
        working.rename(final)
    except OSError as error:
        shutil.rmtree(working, ignore_errors=True)
        raise PathwayError(where="--output", found=error.strerror or "cannot be written", expected="a folder that can be written to", mend="give another --output") from None
    return final
