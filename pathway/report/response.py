"""Tables of response: activity over time, time to an effective drug, reasons of stopping and time on drug by line.

Each mean has its Monte Carlo error (``_se``). What is counted is said in :mod:`pathway.report.activity` and :mod:`pathway.report.courses`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from pathway.economics.comparison import mean_and_error
from pathway.report.activity import LASTS, OLDEST, Scale, activity_numbers, effective_drugs, scales_of
from pathway.report.courses import LineCourses, drug_words, drugs_of, line_courses, reason_words, reasons_in_order
from pathway.report.formats import Column
from pathway.report.histories import median_time, step_at, survival
from pathway.report.tables import Table, name_of
from pathway.report.view import View, plain

MONTHS = (6, 12, 24, 60)
YEARS = (0.0, 0.5, 1.0, 2.0, 5.0)


def response_tables(view: View) -> list[Table]:
    """All of them; those of activity only where the disease has indices, and none of a run that kept no log."""
    if not view.results.has_logs:
        return []
    by_strategy = {run.strategy: line_courses(view.reading(run)) for run in view.runs}
    scales = scales_of(view)
    tables = [activity(view, scales), effective(view, [scale for scale in scales if scale.target >= 0]), stop_reasons(view, by_strategy), time_on_drug(view, by_strategy)]
    return [table for table in tables if len(table.frame)]


def _pale(view: View, frame: pd.DataFrame) -> tuple[int, ...]:
    return tuple(k for k, name in enumerate(frame.get("strategy", ())) if name in view.reference_only)


def activity(view: View, scales: list[Scale]) -> Table:
    """Means and bands of every index at entry, 6 months, 1, 2 and 5 years.

    Columns: strategy, label, index, index_label and, for each year y: number_y (patients alive with a value not older than a year), mean_y and mean_y_se (unit of the index),
    at_target_y and at_target_y_se (share of these), and band_k_y (share in band k = 0, 1, ..., lowest values first; their words stand in ``bands``).
    """
    grid = np.array([year for year in YEARS if year <= max(run.program.horizon for run in view.runs)])
    rows: list[dict[str, object]] = []
    for scale in scales:
        found = activity_numbers(view, scale, grid)
        for run in view.runs:
            row: dict[str, object] = {
                "strategy": run.strategy, "label": name_of(view, run.strategy), "index": scale.index, "index_label": f"{scale.words}, {scale.unit}", "bands": "; ".join(scale.labels),
            }  # fmt: skip
            for point in found[found["strategy"] == run.strategy].to_dict("records"):
                year = f"{point['year']:g}"
                row[f"number_{year}"] = point["number"]
                row[f"mean_{year}"], row[f"mean_{year}_se"] = point["mean"], point["standard_error"]
                row[f"at_target_{year}"], row[f"at_target_{year}_se"] = point["at_target"], point["at_target_se"]
                row.update({f"band_{number}_{year}": point[label] for number, label in enumerate(scale.labels)})
            rows.append(row)
    years = [f"{year:g}" for year in grid]
    columns = (
        Column(key="index_label", head="Index", form="text"),
        Column(key="label", head="Strategy", form="text"),
        *(Column(key=f"mean_{year}", head=f"Mean, {_when(year)}", error=f"mean_{year}_se", digits=2) for year in years),
        *(Column(key=f"at_target_{year}", head=f"At target, {_when(year)}", form="share", error=f"at_target_{year}_se") for year in years[1:]),
    )
    frame = pd.DataFrame(rows)
    targets = "; ".join(f"{scale.words}: {scale.labels[scale.target].lower()} or better" for scale in scales if scale.target >= 0)
    note = f"Patients alive, by the latest value that a planned visit measured, not older than {OLDEST:g} year. Target: {targets or 'none is declared'}."
    return Table(name="activity", title="Disease activity over time", frame=frame, columns=columns, pale=_pale(view, frame), note=note)


def _when(year: str) -> str:
    return {"0": "entry", "0.5": "6 months"}.get(year, f"year {year}")


def effective(view: View, scales: list[Scale]) -> Table:
    """Time to an effective drug, by index.

    Columns: strategy, label, index, index_label, reached and reached_se (share of all patients by the horizon), median_years (time by which half of all patients got there; n/a:
    fewer ever do), ``month_<m>`` and ``month_<m>_se`` (share of all by then) and lines (on which line, of those who got there).
    """
    rows: list[dict[str, object]] = []
    for scale in scales:
        for one in effective_drugs(view, scale):
            row: dict[str, object] = {"strategy": one.strategy, "label": name_of(view, one.strategy), "index": scale.index, "index_label": scale.words}
            row["reached"], row["reached_se"] = mean_and_error(np.isfinite(one.when).astype(np.float64))
            half = np.sort(one.when)[(one.when.size - 1) // 2]
            row["median_years"] = float(half) if np.isfinite(half) else float("nan")
            for month in MONTHS:
                row[f"month_{month}"], row[f"month_{month}_se"] = mean_and_error((one.when <= month / 12.0 + 1e-9).astype(np.float64))
            lines, counts = np.unique(one.line[one.line >= 0], return_counts=True)
            row["lines"] = ", ".join(f"line {line} {count / counts.sum():.0%}" for line, count in zip(lines.tolist(), counts.tolist(), strict=True))
            rows.append(row)
    columns = (
        Column(key="index_label", head="Index", form="text"),
        Column(key="label", head="Strategy", form="text"),
        Column(key="reached", head="Ever", form="share", error="reached_se"),
        Column(key="median_years", head="Half of patients by, years", digits=2),
        *(Column(key=f"month_{month}", head=f"By {month} months", form="share", error=f"month_{month}_se") for month in MONTHS),
        Column(key="lines", head="On which line", form="text"),
    )
    frame = pd.DataFrame(rows)
    note = (
        f"An effective drug: at target at a planned visit and at every one up to the first that is {12 * LASTS:g} months later or more; time is that of the first of these visits. "
        "Shares are of all patients; who died before it never got there."
    )
    return Table(name="effective_drug", title="Time to an effective drug", frame=frame, columns=columns, pale=_pale(view, frame), note=note)


def stop_reasons(view: View, by_strategy: dict[str, LineCourses]) -> Table:
    """Why the drugs begun on each line ended.

    Columns: strategy, label, line, courses (first course of each drug begun on the line), and per reason ``ended_<reason>`` and ``ended_<reason>_se`` (share of courses):
    reasons of the log, ``died_on_it`` and ``still_on_it`` (at the horizon). A row's shares add to 1.
    """
    seen = reasons_in_order({str(reason) for courses in by_strategy.values() for reason in courses.reason[courses.line > 0]})
    keys = {reason: f"ended_{reason.replace(' ', '_')}" for reason in seen}
    rows: list[dict[str, object]] = []
    for strategy, courses in by_strategy.items():
        for line in np.unique(courses.line[courses.line > 0]).tolist():
            mine = courses.reason[courses.line == line]
            row: dict[str, object] = {"strategy": strategy, "label": name_of(view, strategy), "line": line, "courses": mine.size}
            for reason, key in keys.items():
                row[key], row[f"{key}_se"] = mean_and_error((mine == reason).astype(np.float64))
            rows.append(row)
    columns = (
        Column(key="label", head="Strategy", form="text"),
        Column(key="line", head="Line", form="whole"),
        Column(key="courses", head="Courses", form="whole"),
        *(Column(key=key, head=plain(reason_words(reason)), form="share", error=f"{key}_se") for reason, key in keys.items()),
    )
    frame = pd.DataFrame(rows)
    note = "First course of every drug begun on a line, whenever it ended. A step of dose is no end. Drugs taken already at entry are left out."
    return Table(name="stop_reasons", title="Why drugs were stopped, by line", frame=frame, columns=columns, pale=_pale(view, frame), note=note)


def time_on_drug(view: View, by_strategy: dict[str, LineCourses]) -> Table:
    """How long the drugs begun on each line were taken: all of a line, then each drug.

    Columns: strategy, label, line, drug (empty: all of the line), drug_label, courses, median_years (n/a: more than half never stop) and ``month_<m>``, ``month_<m>_se``: share still on
    drug (Kaplan-Meier with Greenwood's error; n/a once nobody is left to watch).
    """
    rows: list[dict[str, object]] = []
    for run in view.runs:
        courses, drugs = by_strategy[run.strategy], drugs_of(run.program)
        for line in np.unique(courses.line[courses.line > 0]).tolist():
            here = courses.only(courses.line == line)
            present = np.unique(here.drug).tolist()
            rows.append(_retention(view, run.strategy, line, "", "all", here))
            if len(present) > 1:
                for drug in present:
                    ids = " / ".join(name for k, name in enumerate(run.program.treatments) if drugs[drug] >> k & 1)
                    rows.append(_retention(view, run.strategy, line, ids, drug_words(view, run.program, drugs[drug]), here.only(here.drug == drug)))
            else:
                rows[-1]["drug_label"] = drug_words(view, run.program, drugs[present[0]])
    columns = (
        Column(key="label", head="Strategy", form="text"),
        Column(key="line", head="Line", form="whole"),
        Column(key="drug_label", head="Drug", form="text"),
        Column(key="courses", head="Courses", form="whole"),
        Column(key="median_years", head="Median, years", digits=1),
        *(Column(key=f"month_{month}", head=f"On it at {month} months", form="share", error=f"month_{month}_se") for month in MONTHS),
    )
    frame = pd.DataFrame(rows)
    note = "First course of every drug begun on a line, from its start; stopping for any reason is the event, death and the horizon censor, a step of dose is no stop."
    return Table(name="time_on_drug", title="Time on drug, by line", frame=frame, columns=columns, pale=_pale(view, frame), note=note)


def _retention(view: View, strategy: str, line: int, drug: str, words: str, courses: LineCourses) -> dict[str, object]:
    """One row of time on drug."""
    times, share, error = survival(courses.years, courses.stopped)
    row: dict[str, object] = {
        "strategy": strategy, "label": name_of(view, strategy), "line": line, "drug": drug, "drug_label": words, "courses": courses.years.size,
        "median_years": median_time(times, share),
    }  # fmt: skip
    longest = float(courses.years.max())
    for month in MONTHS:
        at = np.array([month / 12.0])
        is_seen = at[0] <= longest or share[-1] == 0.0
        row[f"month_{month}"] = float(step_at(times, share, at)[0]) if is_seen else float("nan")
        row[f"month_{month}_se"] = float(step_at(times, error, at)[0]) if is_seen else float("nan")
    return row
