"""A validation as tables, as text for a terminal, and as one page and a folder of CSV files.

Misses come first, and failures are printed. This module must not know how anything was estimated.
"""

from __future__ import annotations

import datetime
import hashlib
import math
import shutil
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd

from pathway.errors import PathwayError
from pathway.report.basis import calibration_words
from pathway.report.figures import Picture, Sheet
from pathway.report.formats import GRADE_MARKS, rounded, visible
from pathway.report.terminal import aligned
from pathway.validation.comparing import FLAG_WORDS, WANTED_INSIDE, Comparison, Summary, Verdict
from pathway.validation.validating import Validation

DISCLAIMER = "Decision support, not individual treatment advice"
PERCENT = ("fraction",)
PER_HUNDRED = ("per year",)


def in_words(x: float, unit: str) -> str:
    """Write a number of a comparison without its unit's name: shares in per cent, rates per 100 patient-years.

    Examples
    --------
    >>> in_words(0.1639, "fraction"), in_words(0.05, "per year"), in_words(-93.31, "mL per year"), in_words(0.664, "ratio")
    ('16.4 %', '5.0', '\u221293', '0.66')
    """
    if not math.isfinite(x):
        return "n/a"
    if unit in PERCENT:
        return f"{rounded(100.0 * x, 1)} %"
    if unit in PER_HUNDRED:
        return rounded(100.0 * x, 1)
    return rounded(x, 0 if abs(x) >= 50.0 or "mL" in unit else 2 if abs(x) < 10.0 else 1)


def frame_of(rows: Sequence[Comparison]) -> pd.DataFrame:
    """Comparisons as a table.

    Returns
    -------
    One row a target: trial, target, label, flag, quantity, unit, published, published_low, published_high, interval_is_computed, simulated, simulated_se (of the
    simulation), trial_low, trial_high (95 % interval of a simulated trial of the published size), standardised_difference, half_widths, overlap, verdict,
    is_unsure (more patients might change it), grade, source, basis, explanation, note.
    """
    return pd.DataFrame(
        [
            {
                "trial": row.trial, "target": row.target.id, "label": row.target.label, "flag": row.target.flag, "quantity": row.target.quantity, "unit": row.published.unit,
                "published": row.published.value, "published_low": row.published.low, "published_high": row.published.high, "interval_is_computed": row.published.is_computed,
                "simulated": row.simulated.value, "simulated_se": row.simulated.error, "trial_low": row.low, "trial_high": row.high,
                "standardised_difference": row.standardised, "half_widths": row.distance, "overlap": row.overlap, "verdict": str(row.verdict), "is_unsure": row.is_unsure,
                "grade": row.published.grade, "source": row.published.source, "basis": row.published.basis, "explanation": row.target.explanation,
                "note": "; ".join(part for part in (row.target.note, row.published.note) if part),
            }
            for row in rows
        ]
    )  # fmt: skip


def sentences(summary: Summary) -> list[str]:
    """What the comparison says, in sentences."""
    said = []
    if summary.calibrated:
        said.append(
            f"Calibrated rows: {summary.calibrated_inside} of {summary.calibrated} inside the published interval."
            + ("" if summary.is_calibrated else " The goal is all of them.")
        )
    if summary.independent:
        share = summary.independent_inside / summary.independent
        said.append(
            f"Rows that were not calibrated to: {summary.independent_inside} of {summary.independent} inside ({100 * share:.0f} %; goal {100 * WANTED_INSIDE:.0f} %), "
            f"{summary.far} farther than twice the half-width."
        )
    if summary.unexplained:
        said.append("Far misses without a reason: " + "; ".join(summary.unexplained) + ".")
    said.append("The goal is met." if summary.meets_goal else "The goal is not met.")
    return said


def as_text(validation: Validation) -> str:
    """Summary and misses for a terminal."""
    lines = [["", "trial", "target", "simulated", "published (95 % interval)", "half-widths"]]
    for row in validation.rows:
        if row.verdict is not Verdict.INSIDE:
            unit = row.published.unit
            interval = f" ({in_words(row.published.low, unit)} to {in_words(row.published.high, unit)})" if math.isfinite(row.published.low) else ""
            lines.append(
                [
                    row.target.flag, visible(row.trial), visible(row.target.label), in_words(row.simulated.value, unit), f"{in_words(row.published.value, unit)}{interval}",
                    f"{row.distance:.2f}{'?' if row.is_unsure else ''}" if math.isfinite(row.distance) else str(row.verdict),
                ]
            )  # fmt: skip
    parts = ["Misses, calibrated rows first", aligned(lines)] if len(lines) > 1 else ["No miss."]
    force = calibration_words(validation.base)
    return "\n\n".join([*parts, *([f"In force: {force}."] if force else []), "\n".join(sentences(validation.summary)), f"?: within simulation error of a limit. {DISCLAIMER}."])


# --- page and folder --------------------------------------------------------------------------------------------------


def _row_view(row: Comparison) -> dict[str, Any]:
    unit = row.published.unit
    interval = f"{in_words(row.published.low, unit)} to {in_words(row.published.high, unit)}" if math.isfinite(row.published.low) else "none printed"
    own = f"{in_words(row.low, unit)} to {in_words(row.high, unit)}" if math.isfinite(row.low) else ""
    return {
        "trial": visible(row.trial), "label": visible(row.target.label), "flag": row.target.flag, "simulated": in_words(row.simulated.value, unit),
        "error": in_words(row.simulated.error, unit), "own": own, "published": in_words(row.published.value, unit), "interval": interval + (" (computed)" if row.published.is_computed else ""),
        "distance": f"{row.distance:.2f}" if math.isfinite(row.distance) else "", "standardised": f"{row.standardised:+.1f}" if math.isfinite(row.standardised) else "",
        "overlap": f"{100 * row.overlap:.0f} %" if math.isfinite(row.overlap) else "", "verdict": str(row.verdict) + ("?" if row.is_unsure else ""),
        "kind": {"inside": "", "near miss": "near", "far miss": "far"}.get(str(row.verdict), "pale"), "grade": GRADE_MARKS.get(row.published.grade, ""),
        "source": f"{row.published.source} {row.published.basis}".strip(), "why": visible(". ".join(part.rstrip(".") for part in (row.target.explanation, row.target.note, row.published.note) if part)),
    }  # fmt: skip


@cache
def _template() -> Any:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(resources.files("pathway.report").joinpath("templates/validation.html").read_text(encoding="utf-8"))


def as_html(validation: Validation, sheets: Sequence[tuple[Sheet, Picture]], made: Sequence[tuple[str, str]]) -> str:
    """One self-contained page."""
    from markupsafe import Markup

    from pathway.report.figures import inline_svg

    drawn = {
        sheet.name: {"title": visible(sheet.title), "caption": visible(sheet.caption), "svg": Markup(inline_svg(picture.svg, visible(sheet.alt), sheet.name))}
        for sheet, picture in sheets
    }  # the only markup let through: drawn by matplotlib, which escapes the text in it
    missed = [row for row in validation.rows if row.verdict in (Verdict.NEAR, Verdict.FAR, Verdict.NOTHING)]
    held = [row for row in validation.rows if row not in missed]
    blocks = [
        ("Misses, calibrated to", [row for row in missed if row.target.flag == "C"]),
        ("Misses, not calibrated to", [row for row in missed if row.target.flag != "C"]),
        ("Inside, calibrated to", [row for row in held if row.target.flag == "C"]),
        ("Inside or without an interval, not calibrated to", [row for row in held if row.target.flag != "C"]),
    ]
    trials = [
        {
            "label": visible(trial.document.label), "source": trial.document.source, "note": visible(trial.document.note), "figure": drawn.get(f"forest-{trial.name}"),
            "arms": [f"{visible(arm.label)}{f' ({arm.size})' if arm.size else ''}" for arm in trial.document.arms.values()],
            "not_answered": [(visible(one.label), visible(one.why)) for one in trial.document.not_answered],
        }
        for trial in validation.trials
    ]  # fmt: skip
    return str(
        _template().render(
            title=f"Validation: {visible(validation.base.library.title)}", patients=f"{validation.patients:,}", seed=validation.seed, answer=sentences(validation.summary),
            blocks=[(title, [_row_view(row) for row in rows]) for title, rows in blocks if rows], flags=FLAG_WORDS, misses=drawn.get("misses"), courses=drawn.get("courses"),
            trials=trials, switches=validation.switches, made=[(word, visible(text)) for word, text in made], disclaimer=DISCLAIMER,
        )
    )  # fmt: skip


def tables_of(validation: Validation) -> dict[str, pd.DataFrame]:
    """Every table of a validation by name."""
    from dataclasses import asdict

    silent = [{"trial": trial.document.label, "label": one.label, "published": one.published, "why": one.why} for trial in validation.trials for one in trial.document.not_answered]
    found = {"comparisons": frame_of(validation.rows)}
    if silent:
        found["not_answered"] = pd.DataFrame(silent)
    if validation.switches:
        found["switching"] = pd.DataFrame([asdict(one) for one in validation.switches])
    return found


def write_validation(
    validation: Validation, output: Path, *, command: Sequence[str] = (), seconds: float = 0.0, now: datetime.datetime | None = None, tell: Callable[[str], None] | None = None
) -> Path:
    """Write page, figures and tables into ``output/validation-<disease>/<UTC time>``, whole or not at all.

    Raises
    ------
    PathwayError
        If the folder cannot be written to.
    """
    from pathway.report.figures import picture_of
    from pathway.report.figures.validation import course_figures, forest_figures
    from pathway.report.manifest import version
    from pathway.report.writer import safe_name, write_csv, write_sheet

    created = now or datetime.datetime.now(datetime.UTC)
    sheets = [(sheet, picture_of(sheet.drawing)) for sheet in (*forest_figures(validation), *course_figures(validation))]
    if tell:
        tell("page and tables")
    digest = hashlib.sha256("\n".join(f"{name}:{one}" for name, one in (*validation.base.library.files, *validation.files)).encode()).hexdigest()[:16]
    made = [
        ("Program", f"pathway {version()}"), ("Written", created.strftime("%Y-%m-%d %H:%M UTC")), ("Command", " ".join(command)), ("Documents", f"SHA-256 of all hashes {digest}"),
        ("Scenario", validation.base.sha256 or "the bare library: base options of every switch"),
        ("Numbers", calibration_words(validation.base) or "the evidence as published, no calibrated table"), ("Simulated", f"{validation.patients:,} patients an arm, seed {validation.seed}, {validation.engine} engine"),
        ("Seconds", f"{seconds:.0f}"),
    ]  # fmt: skip
    home = output / f"validation-{safe_name(validation.base.library.name)}"
    final = _free(home, created.strftime("%Y%m%dT%H%M%SZ"))
    working = final.with_name(f".{final.name}.part")
    try:
        (working / "figures").mkdir(parents=True)
        (working / "tables").mkdir()
        (working / "validation.html").write_text(as_html(validation, sheets, made), encoding="utf-8")
        for name, table in tables_of(validation).items():
            write_csv(table, working / "tables" / f"{name}.csv")
        for sheet, picture in sheets:
            write_sheet(sheet, picture, working / "figures")
        working.rename(final)
    except OSError as error:
        shutil.rmtree(working, ignore_errors=True)
        raise PathwayError(where="--output", found=error.strerror or "cannot be written", expected="a folder that can be written to", mend="give another --output") from None
    return final


def _free(home: Path, name: str) -> Path:
    """Folder that does not exist yet."""
    number = 1
    found = home / name
    while found.exists():
        number += 1
        found = home / f"{name}-{number}"
    return found
