"""Curves over time since entry: the marker true and measured, survival, time on treatment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathway.report.figures.canvas import (
    PALE,
    Sheet,
    at_risk_table,
    grid_lines,
    legend_by_height,
    paper,
    share_axis,
    strategy_legend,
    style,
    year_ticks,
)
from pathway.report.histories import courses_of, lifetimes, marker_at, measured_at, median_time, step_at, survival
from pathway.report.view import View, plain, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
ALIVE_SHOWN = 0.25
"""Means of the living are drawn while at least this share lives under some strategy, and for each strategy while 10 patients do."""
FEWEST = 10
CURVE_STEP = 0.25


def last_year(view: View, share: float = ALIVE_SHOWN) -> float:
    """Whole years for which at least this share lives under some strategy."""
    longest = max(float(np.quantile(lifetimes(run.log, run.program).years, 1.0 - share)) for run in view.runs)
    return float(min(max(np.floor(longest), 1.0), max(run.program.horizon for run in view.runs)))


def _with_table(width: float, height: float, columns: int, rows: int) -> tuple[Figure, list[Axes], list[Axes]]:
    """Curves above, numbers at risk below."""
    table = 0.17 * (rows + 1)
    figure = paper(width, height + table)
    grid = figure.add_gridspec(2, columns, height_ratios=[height, table])
    top = [figure.add_subplot(grid[0, k]) for k in range(columns)]
    return figure, top, [figure.add_subplot(grid[1, k]) for k in range(columns)]


def _ticks(axes: Axes, last: float) -> Floats:
    year_ticks(axes, last)
    return np.asarray(axes.get_xticks(), dtype=np.float64)


def fewest(patients: int) -> int:
    """Patients below whom no mean is drawn: ten, or a quarter of a small cohort, but never one."""
    return max(2, min(FEWEST, patients // 4))


def _mean(values: Floats) -> pd.DataFrame:
    """Mean of the living at each time, its error, spread and number."""
    number = np.sum(~np.isnan(values), axis=0)
    enough = number >= fewest(values.shape[0])
    rows = {"number": number}
    kept = values[:, enough]
    for name, found in {
        "mean": np.nanmean(kept, axis=0),
        "standard_error": np.nanstd(kept, axis=0, ddof=1) / np.sqrt(number[enough]),
        "p10": np.nanquantile(kept, 0.10, axis=0),
        "p25": np.nanquantile(kept, 0.25, axis=0),
        "median": np.nanquantile(kept, 0.50, axis=0),
        "p75": np.nanquantile(kept, 0.75, axis=0),
        "p90": np.nanquantile(kept, 0.90, axis=0),
    }.items():
        column = np.full(number.size, np.nan)
        column[enough] = found
        rows[name] = column
    return pd.DataFrame(rows)


def marker_numbers(view: View, marker: str, last: float) -> pd.DataFrame:
    """Means and spread of the true and the measured marker among the living, by strategy, series and year."""
    grid = np.arange(0.0, last + 1e-9, CURVE_STEP)
    visits = np.arange(0.0, last + 1e-9, 2.0 * CURVE_STEP)
    parts = []
    for run in view.runs:
        confirmed = tuple(decision.name for decision in run.program.decisions if decision.confirm is not None)
        for series, times, values in (
            ("true", grid, marker_at(run.log, marker, grid)),
            ("measured", visits, measured_at(run.log, marker, visits, CURVE_STEP, confirmatory=confirmed)),
        ):
            part = _mean(values)
            part.insert(0, "year", times)
            part.insert(0, "series", series)
            part.insert(0, "strategy", run.strategy)
            parts.append(part)
    return pd.concat(parts, ignore_index=True)


def marker_figures(view: View) -> list[Sheet]:
    """For each marker: means by strategy, and the spread between patients."""
    last = last_year(view)
    sheets = []
    for spec in view.runs[0].program.markers:
        document = view.scenario.library.pathway.markers[spec.name]
        words = plain(document.label)
        unit = plain(document.shown_unit or document.unit)
        data = marker_numbers(view, spec.name, last)
        if data["mean"].isna().all():
            continue
        with style():
            sheets += [
                _means(view, spec.name, words, unit, data, last),
                _spread(view, spec.name, words, unit, data, last),
            ]
    return sheets


def _means(view: View, marker: str, words: str, unit: str, data: pd.DataFrame, last: float) -> Sheet:
    figure, tops, tables = _with_table(9.6, 3.5, 2, len(view.ids))
    shown_rows = data.dropna(subset=["mean"])
    low, high = (
        (shown_rows["mean"] - 2 * shown_rows["standard_error"]).min(),
        (shown_rows["mean"] + 2 * shown_rows["standard_error"]).max(),
    )
    for axes, table, series in zip(tops, tables, ("true", "measured"), strict=True):
        ticks = _ticks(axes, last)
        axes.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
        rows: list[tuple[str, str, Sequence[int]]] = []
        for strategy in view.ids:
            part = data[(data["strategy"] == strategy) & (data["series"] == series)]
            seen = part.dropna(subset=["mean"])
            colour = view.colours[strategy]
            axes.plot(seen["year"], seen["mean"], color=colour)
            axes.fill_between(
                seen["year"],
                seen["mean"] - 1.96 * seen["standard_error"],
                seen["mean"] + 1.96 * seen["standard_error"],
                color=colour,
                alpha=0.13,
                linewidth=0,
            )
            numbers = np.interp(ticks, part["year"], part["number"]).round().astype(int)
            rows.append((view.labels[strategy] if series == "true" else "", colour, numbers.tolist()))
        axes.set_title("True value" if series == "true" else "Measured at planned visits")
        axes.set_xlabel("Years since entry")
        grid_lines(axes)
        at_risk_table(
            table,
            ticks,
            [(wrapped(label, 48, 1), colour, numbers) for label, colour, numbers in rows],
            last,
            head="Number alive" if series == "true" else "Number measured",
        )
    tops[0].set_ylabel(f"{words} ({unit}), mean of the living")
    first, final = _ends(data, view, "true")
    return Sheet(
        name=f"{marker}_mean", title=f"{words}: true and measured", figure=figure, data=data,
        caption=(
            f"Mean among patients still alive, so it also changes as the most ill die. Left: the true value. Right: what planned visits measured, with the error of "
            f"measurement (confirmatory visits left out). Bands: 95 % of the simulation's own error. Drawn while {fewest(view.results.cohort.size)} patients are alive."
        ),
        alt=f"Lines of mean {words} by strategy over {last:g} years. " + "; ".join(f"{view.labels[s]}: from {first[s]:.1f} to {final[s]:.1f} {unit}" for s in view.ids) + ".",
    )  # fmt: skip


def _ends(data: pd.DataFrame, view: View, series: str) -> tuple[dict[str, float], dict[str, float]]:
    """First and last drawn means by strategy."""
    first, final = {}, {}
    for strategy in view.ids:
        seen = data[(data["strategy"] == strategy) & (data["series"] == series)].dropna(subset=["mean"])["mean"]
        first[strategy], final[strategy] = (
            (float(seen.iloc[0]), float(seen.iloc[-1])) if len(seen) else (float("nan"), float("nan"))
        )
    return first, final


def _spread(view: View, marker: str, words: str, unit: str, data: pd.DataFrame, last: float) -> Sheet:
    columns = min(4, len(view.ids))
    lines = -(-len(view.ids) // columns)
    figure = paper(9.6, 0.5 + 2.1 * lines)
    true = data[data["series"] == "true"].dropna(subset=["mean"])
    low, high = float(true["p10"].min()), float(true["p90"].max())
    for rank, strategy in enumerate(view.ids):
        axes = figure.add_subplot(lines, columns, rank + 1)
        part, colour = true[true["strategy"] == strategy], view.colours[strategy]
        axes.fill_between(part["year"], part["p10"], part["p90"], color=colour, alpha=0.15, linewidth=0)
        axes.fill_between(part["year"], part["p25"], part["p75"], color=colour, alpha=0.28, linewidth=0)
        axes.plot(part["year"], part["median"], color=colour)
        axes.set_title(wrapped(view.labels[strategy], 30, 2), color=colour, fontsize=8)
        year_ticks(axes, last)
        axes.set_ylim(low - 2.0, high + 2.0)
        grid_lines(axes)
        if rank % columns:
            axes.set_yticklabels([])
        else:
            axes.set_ylabel(unit)
        if rank >= len(view.ids) - columns:
            axes.set_xlabel("Years since entry")
    return Sheet(
        name=f"{marker}_spread", title=f"{words}: how patients differ", figure=figure, data=true.drop(columns=["series"]),
        caption="True value among patients still alive. Line: median; dark band: the middle half of patients; pale band: the middle 80 %. This is spread between patients, not uncertainty of the mean.",
        alt=f"Small panels, one a strategy, of median {words} with bands that hold half and 80 per cent of living patients, over {last:g} years.",
    )  # fmt: skip


def survival_figure(view: View) -> list[Sheet]:
    """Overall survival by strategy with numbers at risk."""
    last = last_year(view, 0.02)
    parts, ends, rows, words = [], [], [], []
    with style():
        figure, (axes,), (table,) = _with_table(7.8, 3.7, 1, len(view.ids))
        ticks = _ticks(axes, last)
        share_axis(axes)
        for run in view.runs:
            lives = lifetimes(run.log, run.program)
            times, share, error = survival(lives.years, lives.died)
            colour = view.colours[run.strategy]
            axes.step(np.r_[times, last], np.r_[share, share[-1]], where="post", color=colour)
            axes.fill_between(
                times,
                np.clip(share - 1.96 * error, 0, 1),
                np.clip(share + 1.96 * error, 0, 1),
                step="post",
                color=colour,
                alpha=0.12,
                linewidth=0,
            )
            middle = float(step_at(times, share, np.array([0.62 * last]))[0])
            ends.append((middle, wrapped(view.labels[run.strategy]), colour))
            at_risk = [int((lives.years >= tick).sum()) for tick in ticks]
            rows.append((wrapped(view.labels[run.strategy], 48, 1), colour, at_risk))
            parts.append(
                pd.DataFrame({"strategy": run.strategy, "year": times, "alive": share, "standard_error": error})
            )
            words.append(f"{view.labels[run.strategy]}: median {median_time(times, share):.1f} years")
        axes.set_ylabel("Alive")
        axes.set_xlabel("Years since entry")
        grid_lines(axes)
        legend_by_height(axes, ends)
        at_risk_table(table, ticks, rows, last)
    return [
        Sheet(
            name="survival", title="Survival", figure=figure, data=pd.concat(parts, ignore_index=True),
            caption="Share of patients alive by years since entry (Kaplan-Meier; nobody is lost before the horizon). Bands: 95 % of the simulation's own error.",
            alt="Survival curves by strategy. " + "; ".join(words) + ".",
        )
    ]  # fmt: skip


def time_on_treatment(view: View) -> list[Sheet]:
    """Kaplan-Meier curves of the first course, one panel a drug."""
    program = view.runs[0].program
    parts: list[pd.DataFrame] = []
    panels: list[tuple[int, list[tuple[str, Floats, Floats, int, float]]]] = []
    for treatment in range(len(program.treatments)):
        curves = []
        for run in view.runs:
            courses = courses_of(run.log, treatment, run.program)
            first = (
                np.r_[True, courses.patient[1:] != courses.patient[:-1]]
                if courses.patient.size
                else np.zeros(0, dtype=bool)
            )
            years, stopped = (courses.stop - courses.start)[first], courses.stopped[first]
            if years.size < fewest(run.log.patients):
                continue
            times, share, error = survival(years, stopped)
            curves.append((run.strategy, times, share, int(years.size), median_time(times, share)))
            parts.append(
                pd.DataFrame(
                    {
                        "treatment": program.treatments[treatment],
                        "strategy": run.strategy,
                        "year": times,
                        "on_treatment": share,
                        "standard_error": error,
                        "patients": years.size,
                    }
                )
            )
        if curves:
            panels.append((treatment, curves))
    if not panels:
        return []
    columns = min(3, len(panels))
    lines = -(-len(panels) // columns)
    words = []
    with style():
        figure = paper(9.6, 0.7 + 2.4 * lines)
        for rank, (treatment, curves) in enumerate(panels):
            axes = figure.add_subplot(lines, columns, rank + 1)
            shortest = min(float(np.max(curve[1])) for curve in curves)
            last = max(shortest, 1.0, *(float(np.quantile(curve[1], 0.9)) for curve in curves))
            for strategy, times, share, _, _ in curves:
                axes.step(
                    np.r_[times, max(last, times[-1])],
                    np.r_[share, share[-1]],
                    where="post",
                    color=view.colours[strategy],
                    linewidth=1.4,
                )
            year_ticks(axes, float(np.ceil(last)))
            share_axis(axes)
            grid_lines(axes)
            axes.axhline(0.5, color=PALE, linewidth=0.6, linestyle=(0, (2, 2)))
            name = view.treatment(program.treatments[treatment])
            axes.set_title(wrapped(name, 34, 1))
            medians = [median for *_, median in curves if np.isfinite(median)]
            said = (
                f"median {min(medians):.1f} to {max(medians):.1f} years"
                if medians and max(medians) - min(medians) >= 0.05
                else (f"median {medians[0]:.1f} years" if medians else "median not reached")
            )
            axes.text(0.98, 0.95, said, transform=axes.transAxes, ha="right", va="top", fontsize=7.5, color=PALE)
            words.append(f"{name}: {said}")
            if rank % columns == 0:
                axes.set_ylabel("Still on treatment")
            if rank >= len(panels) - columns:
                axes.set_xlabel("Years since start of the course")
        strategy_legend(figure, [(wrapped(view.labels[name], 40, 1), view.colours[name]) for name in view.ids])
    return [
        Sheet(
            name="time_on_treatment", title="Time on treatment", figure=figure, data=pd.concat(parts, ignore_index=True),
            caption=f"First course of each treatment, from its start, by strategy (at least {fewest(view.results.cohort.size)} patients). Stopping for any reason is the event; death and the horizon censor. Dotted: half are left.",
            alt="Kaplan-Meier curves of time on treatment, one panel a drug. " + "; ".join(words) + ".",
        )
    ]  # fmt: skip
