"""Tables of results: money, health, treatment and events, each mean with its Monte Carlo error.

What the numbers rest on is :mod:`pathway.report.basis`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathway.economics.comparison import icer_words, incremental, mean_and_error, net_monetary_benefit
from pathway.economics.summary import MONTHS_A_YEAR
from pathway.eventlog import Kind
from pathway.report.figures.bars import category_words
from pathway.report.formats import GRADE_MARKS, Column
from pathway.report.histories import (
    marker_at,
    median_time,
    positions,
    survival,
)
from pathway.report.view import View, plain

Floats = NDArray[np.float64]
YEARS_SHOWN = (1.0, 3.0, 5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table as printed, and its raw numbers.

    Attributes
    ----------
    frame
        Every column, full precision; goes to CSV and the workbook.
    columns
        Those that are printed, in order.
    pale
        Positions of rows that are printed as a reference only.
    """

    name: str
    title: str
    frame: pd.DataFrame
    columns: tuple[Column, ...]
    note: str = ""
    pale: tuple[int, ...] = ()


def results_tables(view: View) -> list[Table]:
    """All tables of results, in reading order."""
    of_histories = [drug_use(view), by_line(view), markers(view), events(view)] if view.results.has_logs else [summed_markers(view)]
    tables = [summary(view), full_incremental(view), costs(view), *of_histories, deaths(view)]
    return [table for table in tables if len(table.frame)]


def _pale(view: View, strategies: Sequence[str]) -> tuple[int, ...]:
    return tuple(k for k, name in enumerate(strategies) if name in view.reference_only)


def name_of(view: View, strategy: str) -> str:
    """Label of a strategy as it stands in tables."""
    notes = [
        word
        for word, holds in (
            ("comparator", strategy == view.comparator),
            ("reference only", strategy in view.reference_only),
        )
        if holds
    ]
    return view.labels[strategy] + (f" ({', '.join(notes)})" if notes else "")


def _with_error(row: dict[str, object], key: str, sample: NDArray[np.generic]) -> None:
    """Put a mean and its error into a row."""
    row[key], row[f"{key}_se"] = mean_and_error(np.asarray(sample, dtype=np.float64))


def memory_marks(view: View) -> dict[str, str]:
    """Mark of every cost category that uses a price from memory or an assumed one; the weakest grade shows."""
    marks: dict[str, str] = {}
    for run in view.runs:
        items = run.outcomes.items
        used = items[items["quantity"] > 0] if "quantity" in items else items
        for grade in ("assumption", "memory"):
            for category in used.loc[used["grade"] == grade, "category"].unique():
                marks[str(category)] = "◆" if grade == "memory" else marks.get(str(category), "◇")
    return marks


def drug_categories(view: View) -> list[str]:
    """Cost categories that are drugs."""
    return [name for name in view.categories if name == "drug" or name.startswith("drug_")]


def summary(view: View) -> Table:
    """Cost-effectiveness summary: every strategy beside the comparator."""
    base = view.results.strategies[view.comparator].outcomes
    thresholds = view.scenario.economics.thresholds
    drugs = drug_categories(view)
    has_norm = view.results.terms.utility.norm.size > 0
    rows = []
    for run in view.runs:
        out = run.outcomes
        row: dict[str, object] = {"strategy": run.strategy, "label": name_of(view, run.strategy)}
        cost, qaly = view.costs(run.strategy), view.qalys(run.strategy)
        base_cost, base_qaly = view.costs(view.comparator), view.qalys(view.comparator)
        _with_error(row, "cost", cost)
        _with_error(
            row,
            "drug_cost",
            np.sum([view.category_costs(run.strategy, name) for name in drugs], axis=0) + np.zeros(cost.size),
        )
        _with_error(row, "life_years", out.life_years)
        _with_error(row, "life_years_discounted", out.life_years_discounted)
        _with_error(row, "qalys", qaly)
        is_base = run.strategy == view.comparator
        for key, sample in (
            ("inc_cost", cost - base_cost),
            ("inc_life_years", out.life_years_discounted - base.life_years_discounted),
            ("inc_qalys", qaly - base_qaly),
            *([("inc_evly", view.results.equal_value_years(run.strategy))] if has_norm else []),
        ):
            _with_error(row, key, sample)
            if is_base:
                row[key] = row[f"{key}_se"] = np.nan
        ratio, words = (
            (np.nan, "comparator")
            if is_base
            else icer_words(
                float(np.mean(cost - base_cost)), float(np.mean(qaly - base_qaly)), mean_and_error(qaly - base_qaly)[1]
            )
        )
        row["icer"], row["icer_text"] = ratio, words
        for threshold in thresholds:
            _with_error(
                row,
                f"inc_nmb_{threshold:g}",
                net_monetary_benefit(cost, qaly, threshold) - net_monetary_benefit(base_cost, base_qaly, threshold),
            )
            if is_base:
                row[f"inc_nmb_{threshold:g}"] = row[f"inc_nmb_{threshold:g}_se"] = np.nan
        rows.append(row)
    money = view.currency
    mark = {"◆": " ◆", "◇": " ◇"}.get(memory_marks(view).get("drug", ""), "")
    columns = [
        Column(key="label", head="Strategy", form="text"),
        Column(key="cost", head=f"Cost, {money}", form="money", error="cost_se"),
        Column(key="drug_cost", head=f"of which drugs{mark}", form="money", error="drug_cost_se"),
        Column(key="life_years", head="Life-years, not discounted", error="life_years_se"),
        Column(key="life_years_discounted", head="Life-years", error="life_years_discounted_se"),
        Column(key="qalys", head="QALYs", error="qalys_se"),
        Column(key="inc_cost", head=f"Added cost, {money}", form="money", error="inc_cost_se"),
        Column(key="inc_life_years", head="Added life-years", error="inc_life_years_se"),
        Column(key="inc_qalys", head="Added QALYs", error="inc_qalys_se"),
        *([Column(key="inc_evly", head="Added evLYs", error="inc_evly_se")] if has_norm else []),
        Column(key="icer_text", head=f"Cost per QALY gained, {money}", form="text"),
        *(
            Column(
                key=f"inc_nmb_{t:g}",
                head=f"Added net monetary benefit at {t:,.0f} per QALY, {money}",
                form="money",
                error=f"inc_nmb_{t:g}_se",
            )
            for t in thresholds
        ),
    ]
    return Table(
        name="cost_effectiveness", title="Every strategy beside the comparator", frame=pd.DataFrame(rows), columns=tuple(columns), pale=_pale(view, view.ids),
        note=f"Means per patient over the horizon, discounted unless said otherwise. Added: against {view.labels[view.comparator]}, the same patients in both. evLY: equal-value life-years, which count years gained at the norm of age and sex.",
    )  # fmt: skip


def full_incremental(view: View) -> Table:
    """Full incremental analysis with dominance and extended dominance."""
    frame = incremental({name: (view.costs(name), view.qalys(name)) for name in view.ids}, set(view.reference_only))
    ids = [str(name) for name in frame["strategy"]]
    words = dict(view.labels)
    frame.insert(2, "label", [name_of(view, name) for name in ids])
    frame["status_text"] = [_named(str(status), words) for status in frame["status"]]
    frame["previous_text"] = [words.get(str(name), "") for name in frame["previous"]]
    money = view.currency
    columns = (
        Column(key="rank", head="Rank by cost", form="whole"),
        Column(key="label", head="Strategy", form="text"),
        Column(key="cost", head=f"Cost, {money}", form="money", error="cost_se"),
        Column(key="qaly", head="QALYs", error="qaly_se"),
        Column(key="previous_text", head="Compared with", form="text"),
        Column(key="inc_cost", head=f"Added cost, {money}", form="money", error="inc_cost_se"),
        Column(key="inc_qaly", head="Added QALYs", error="inc_qaly_se"),
        Column(key="icer_text", head=f"Cost per QALY gained, {money}", form="text"),
        Column(key="status_text", head="Place", form="text"),
    )
    return Table(
        name="incremental", title="Full incremental analysis", frame=frame, columns=columns, pale=_pale(view, ids),
        note="Each strategy on the frontier against the one before it. A ratio is printed only where the difference in QALYs is larger than twice the simulation's own error.",
    )  # fmt: skip


def _named(status: str, words: dict[str, str]) -> str:
    """Put labels in place of ids: ``dominated by X``, ``extendedly dominated by X + Y``, ``equal to X``."""
    for lead in ("extendedly dominated by ", "dominated by ", "equal to "):
        if status.startswith(lead):
            return lead + " and ".join(words.get(name, name) for name in status.removeprefix(lead).split(" + "))
    return status


def costs(view: View) -> Table:
    """Mean discounted cost by category (rows) and strategy (columns)."""
    marks = memory_marks(view)
    rows = []
    for category in view.categories:
        row: dict[str, object] = {
            "category": category,
            "label": f"{category_words(view, category)} {marks.get(category, '')}".strip(),
        }
        for run in view.runs:
            _with_error(row, run.strategy, view.category_costs(run.strategy, category))
            row[f"{run.strategy}_undiscounted"] = float(
                view.category_costs(run.strategy, category, discounted=False).mean()
            )
        rows.append(row)
    total: dict[str, object] = {"category": "total", "label": "Total"}
    yearly: dict[str, object] = {"category": "total_per_life_year", "label": "Total per year lived, not discounted"}
    for run in view.runs:
        _with_error(total, run.strategy, view.costs(run.strategy))
        undiscounted = run.outcomes.total_undiscounted
        total[f"{run.strategy}_undiscounted"] = float(undiscounted.mean())
        yearly[run.strategy] = float(undiscounted.mean() / max(float(run.outcomes.life_years.mean()), 1e-12))
    columns = (
        Column(key="label", head=f"Category, {view.currency}", form="text"),
        *(
            Column(
                key=name,
                head=view.labels[name] + (" (reference only)" if name in view.reference_only else ""),
                form="money",
                error=f"{name}_se",
            )
            for name in view.ids
        ),
    )
    basis = view.scenario.economics.price_basis
    return Table(
        name="costs", title="Costs by category", frame=pd.DataFrame([*rows, total, yearly]), columns=columns,
        note=f"Mean discounted cost per patient; {basis} prices. ◆ uses a price known from memory, ◇ an assumed one.",
    )  # fmt: skip


def drug_use(view: View) -> Table:
    """Who was ever treated with what, for how long, and why it stopped."""
    rows = []
    for run in view.runs:
        for k, treatment in enumerate(run.program.treatments):
            courses = view.reading(run).courses(k)
            if not courses.patient.size:
                continue
            years = np.bincount(courses.patient, weights=courses.stop - courses.start, minlength=run.log.patients)
            ever = np.bincount(courses.patient, minlength=run.log.patients) > 0
            first = np.r_[True, courses.patient[1:] != courses.patient[:-1]]
            times, share, _ = survival((courses.stop - courses.start)[first], courses.stopped[first])
            row: dict[str, object] = {
                "strategy": run.strategy,
                "label": name_of(view, run.strategy),
                "treatment": treatment,
                "treatment_label": view.treatment(treatment),
            }
            _with_error(row, "ever", ever.astype(np.float64))
            _with_error(row, "years", years[ever])
            row["median_years"] = median_time(times, share)
            row["start_year"] = float(courses.start[first].mean())
            row["courses"] = courses.patient.size / int(ever.sum())
            reasons, counts = np.unique(courses.reason[courses.stopped], return_counts=True)
            told = sorted(zip(counts.tolist(), reasons.tolist(), strict=True), reverse=True)
            parts = [
                (run.log.names[reason].replace("_", " ") if reason >= 0 else "not said", count)
                for count, reason in told
            ]
            parts.append(("death or horizon", int((~courses.stopped).sum())))
            row["reasons"] = ", ".join(
                f"{plain(word)} {count / courses.patient.size:.0%}" for word, count in parts if count
            )
            rows.append(row)
    columns = (
        Column(key="label", head="Strategy", form="text"),
        Column(key="treatment_label", head="Treatment", form="text"),
        Column(key="ever", head="Ever treated", form="share", error="ever_se"),
        Column(key="years", head="Mean years on it, of those", error="years_se"),
        Column(key="median_years", head="Median of first course, years", digits=1),
        Column(key="start_year", head="Mean year of start", digits=1),
        Column(key="courses", head="Courses each", digits=2),
        Column(key="reasons", head="Why courses ended", form="text"),
    )
    frame = pd.DataFrame(rows)
    return Table(
        name="drug_use", title="Drug use", frame=frame, columns=columns, pale=_pale(view, list(frame["strategy"]) if len(frame) else []),
        note="Median by Kaplan-Meier, censored at death and horizon; n/a: more than half never stop.",
    )  # fmt: skip


def by_line(view: View) -> Table:
    """How many reach each line, when, for how long and with what."""
    rows = []
    for run in view.runs:
        regimen, reached = view.reading(run).regimens_by_line
        spans = view.reading(run).spans
        for line in range(1, min(len(run.program.lines) + 1, reached.shape[1])):
            treated = reached[:, line] & (regimen[:, line] > 0)
            if not treated.any():
                continue
            first = np.full(run.log.patients, np.inf)
            rows_here = spans.line == line
            np.minimum.at(first, spans.patient[rows_here], spans.start[rows_here])
            row: dict[str, object] = {"strategy": run.strategy, "label": name_of(view, run.strategy), "line": line}
            _with_error(row, "reached", treated.astype(np.float64))
            row["start_year"] = float(first[treated].mean())
            _with_error(row, "years", run.outcomes.years_by_line[treated, line])
            bits, counts = np.unique(regimen[treated, line], return_counts=True)
            order = np.argsort(-counts, kind="stable")[:3]
            row["regimens"] = "; ".join(
                f"{view.regimen(int(bits[k]), run.program)} {counts[k] / treated.sum():.0%}" for k in order
            )
            rows.append(row)
    columns = (
        Column(key="label", head="Strategy", form="text"),
        Column(key="line", head="Line", form="whole"),
        Column(key="reached", head="Reach it", form="share", error="reached_se"),
        Column(key="start_year", head="Mean year of start", digits=1),
        Column(key="years", head="Mean years on the line, of those", error="years_se"),
        Column(key="regimens", head="Begun with", form="text"),
    )
    frame = pd.DataFrame(rows)
    return Table(
        name="lines",
        title="Outcomes by line",
        frame=frame,
        columns=columns,
        pale=_pale(view, list(frame["strategy"]) if len(frame) else []),
    )


def markers(view: View) -> Table:
    """Give the true value of every marker among the living at one, three and five years."""
    rows = []
    for run in view.runs:
        for spec in run.program.markers:
            document = view.scenario.library.pathway.markers[spec.name]
            unit = plain(document.shown_unit or document.unit)
            years = np.array([0.0, *(year for year in YEARS_SHOWN if year <= run.program.horizon)])
            values = marker_at(run.log, spec.name, years)
            row: dict[str, object] = {
                "strategy": run.strategy,
                "label": name_of(view, run.strategy),
                "marker": spec.name,
                "marker_label": f"{plain(document.label)}, {unit}",
            }
            for k, year in enumerate(years):
                living = values[:, k][~np.isnan(values[:, k])]
                _with_error(row, f"year_{year:g}", living if living.size else np.array([np.nan]))
                row[f"alive_{year:g}"] = int(living.size)
            rows.append(row)
    columns = (
        Column(key="label", head="Strategy", form="text"),
        Column(key="marker_label", head="Marker", form="text"),
        Column(key="year_0", head="At entry", error="year_0_se"),
        *(
            column
            for year in YEARS_SHOWN
            if rows and f"year_{year:g}" in rows[0]
            for column in (
                Column(key=f"year_{year:g}", head=f"Year {year:g}", error=f"year_{year:g}_se"),
                Column(key=f"alive_{year:g}", head="alive", form="whole"),
            )
        ),
    )
    frame = pd.DataFrame(rows)
    return Table(
        name="markers", title="Markers over time", frame=frame, columns=columns, pale=_pale(view, list(frame["strategy"]) if len(frame) else []),
        note="Mean true value of those still alive.",
    )  # fmt: skip


def summed_markers(view: View) -> Table:
    """Give the true value of every marker among the living, from the monthly grid of a run that kept no log."""
    rows = []
    for run in view.runs:
        mean, error = run.summary.marker_means()
        for number, spec in enumerate(run.program.markers):
            document = view.scenario.library.pathway.markers[spec.name]
            row: dict[str, object] = {"strategy": run.strategy, "label": name_of(view, run.strategy), "marker_label": f"{plain(document.label)}, {plain(document.shown_unit or document.unit)}"}
            for year in (0.0, *YEARS_SHOWN):
                month = round(year * MONTHS_A_YEAR)
                if month < run.summary.grid.size:
                    row |= {f"year_{year:g}": mean[month, number], f"year_{year:g}_se": error[month, number], f"alive_{year:g}": int(run.summary.living[month])}
            rows.append(row)
    shown = [year for year in (0.0, *YEARS_SHOWN) if rows and f"year_{year:g}" in rows[0]]
    columns = (
        Column(key="label", head="Strategy", form="text"),
        Column(key="marker_label", head="Marker", form="text"),
        *(Column(key=f"year_{year:g}", head=f"Year {year:g}" if year else "At entry", error=f"year_{year:g}_se") for year in shown),
    )
    return Table(name="markers", title="Markers over time", frame=pd.DataFrame(rows), columns=columns, note="Mean true value of those still alive.")


def events(view: View) -> Table:
    """Events per 100 patient-years: acute conditions, moves to special states, holds, denials."""
    rows = []
    for run in view.runs:
        patients, position = positions(run.log)
        years = view.reading(run).lifetimes.years
        names = np.asarray(run.log.events["name"])
        row: dict[str, object] = {
            "strategy": run.strategy,
            "label": name_of(view, run.strategy),
            "patient_years": float(years.sum()),
        }
        wanted = [
            (spec.name, run.log.rows(Kind.CONDITION) & (names == run.log.name_id(spec.name)))
            for spec in run.program.conditions
        ]
        special = [
            k
            for k, line in enumerate(run.program.state_line)
            if line < 0 and not run.program.absorbing >> k & 1 and k != run.program.last_resort
        ]
        wanted += [(run.program.states[k], run.log.rows(Kind.MOVE) & (run.log.events["state"] == k)) for k in special]
        wanted += [("doses_held", run.log.rows(Kind.HOLD)), ("denials", run.log.rows(Kind.DENY))]
        for name, mask in wanted:
            counts = np.bincount(position[mask], minlength=patients.size).astype(np.float64)
            rate = counts.sum() / max(years.sum(), 1e-12)
            row[name] = 100.0 * rate
            # Ratio of means: the error is that of counts less their expectation, over mean years.
            row[f"{name}_se"] = 100.0 * mean_and_error(counts - rate * years)[1] / max(float(years.mean()), 1e-12)
        rows.append(row)
    frame = pd.DataFrame(rows)
    optional = [name for name in ("doses_held", "denials") if float(frame[name].max()) > 0.0]
    program = view.runs[0].program
    keys = [spec.name for spec in program.conditions]
    keys += [state for state in program.states if state in frame.columns]
    heads = {
        **{name: view.condition(name) for name in keys},
        **{state: view.state(state) for state in program.states},
        "doses_held": "Doses held",
        "denials": "Denials",
    }
    columns = (
        Column(key="label", head="Strategy", form="text"),
        Column(key="patient_years", head="Patient-years", form="whole"),
        *(Column(key=name, head=heads[name], error=f"{name}_se") for name in [*keys, *optional]),
    )
    return Table(
        name="events",
        title="Events per 100 patient-years",
        frame=frame,
        columns=columns,
        pale=_pale(view, view.ids),
        note="Not discounted, all patients over the whole horizon.",
    )


def deaths(view: View) -> Table:
    """Causes of death, and survival."""
    rows = []
    causes: dict[str, None] = {}
    for run in view.runs:
        lives = view.reading(run).lifetimes
        times, share, _ = survival(lives.years, lives.died)
        row: dict[str, object] = {"strategy": run.strategy, "label": name_of(view, run.strategy)}
        for cause in np.unique(lives.cause[lives.died]).tolist():
            name = run.program.names[cause] if cause >= 0 else "unknown"
            causes[name] = None
            _with_error(row, f"cause_{name}", ((lives.cause == cause) & lives.died).astype(np.float64))
        _with_error(row, "alive_at_horizon", (~lives.died).astype(np.float64))
        row["median_survival"] = median_time(times, share)
        for year in (5.0, 10.0):
            if year <= run.program.horizon:
                _with_error(row, f"alive_{year:g}", ((lives.years > year) | ~lives.died).astype(np.float64))
        rows.append(row)
    frame = pd.DataFrame(rows).fillna({key: 0.0 for name in causes for key in (f"cause_{name}", f"cause_{name}_se")})
    columns = [
        Column(key="label", head="Strategy", form="text"),
        Column(key="median_survival", head="Median survival, years", digits=1),
    ]
    columns += [
        Column(key=f"alive_{y:g}", head=f"Alive at {y:g} years", form="share", error=f"alive_{y:g}_se")
        for y in (5.0, 10.0)
        if f"alive_{y:g}" in frame
    ]
    columns += [
        Column(
            key=f"cause_{name}", head=f"Died: {plain(name.replace('_', ' '))}", form="share", error=f"cause_{name}_se"
        )
        for name in sorted(causes)
    ]
    columns.append(
        Column(key="alive_at_horizon", head="Alive at the horizon", form="share", error="alive_at_horizon_se")
    )
    return Table(
        name="deaths",
        title="Survival and causes of death",
        frame=frame,
        columns=tuple(columns),
        pale=_pale(view, view.ids),
    )


__all__ = ["GRADE_MARKS", "Table", "memory_marks", "name_of", "results_tables"]
