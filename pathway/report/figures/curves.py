"""Curves over time since entry: the marker true and measured, survival, time on treatment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathway.report.courses import drug_courses, drug_words, drugs_of
from pathway.report.figures.canvas import PALE, Sheet, at_risk_table, grid_lines, paper, share_axis, strategy_legend, ticks_of, year_ticks
from pathway.report.figures.components import component_figure, components_of
from pathway.report.histories import Lifetimes, marker_at, measured_at, median_time, step_at, survival
from pathway.report.view import Look, View, plain, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pathway.experiment import StrategyResult

Floats = NDArray[np.float64]
ALIVE_SHOWN = 0.25
"""Means of the living are drawn while at least this share lives under some strategy, and for each strategy while 10 patients do."""
FEWEST = 10
CURVE_STEP = 0.25
GRID = 401
"""Points of a step curve: finer than a line is wide."""


def last_year(view: View, share: float = ALIVE_SHOWN) -> float:
    """Whole years for which at least this share lives under some strategy."""
    longest = max(float(np.quantile(view.reading(run).lifetimes.years, 1.0 - share)) for run in view.runs)
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


QUANTILES = {"p10": 0.10, "p25": 0.25, "median": 0.50, "p75": 0.75, "p90": 0.90}


def _mean(values: Floats) -> pd.DataFrame:
    """Mean of the living at each time, its error, spread and number; values of shape (patients, times), NaN: dead."""
    ordered = np.sort(values, axis=0)  # NaN last
    number = values.shape[0] - np.isnan(ordered).sum(axis=0)
    enough = np.flatnonzero(number >= fewest(values.shape[0]))
    found = {name: np.full(number.size, np.nan) for name in ("mean", "standard_error", *QUANTILES)}
    kept, living = ordered[:, enough], number[enough]
    found["mean"][enough] = np.nanmean(kept, axis=0)
    found["standard_error"][enough] = np.nanstd(kept, axis=0, ddof=1) / np.sqrt(living)
    for name, share in QUANTILES.items():
        place = share * (living - 1)
        low = np.floor(place).astype(np.int64)
        below, above = (kept[np.minimum(at, living - 1), np.arange(enough.size)] for at in (low, low + 1))
        found[name][enough] = below + (place - low) * (above - below)
    return pd.DataFrame({"number": number, **found})


def marker_numbers(view: View, marker: str, last: float, *, is_measured: bool = True) -> pd.DataFrame:
    """Means and spread of the true and, if asked for, the measured marker among the living, by strategy, series and year."""
    grid = np.arange(0.0, last + 1e-9, CURVE_STEP)
    visits = np.arange(0.0, last + 1e-9, 2.0 * CURVE_STEP)
    parts = []
    for run in view.runs:
        confirmed = tuple(decision.name for decision in run.program.decisions if decision.confirm is not None)
        found = [("true", grid, marker_at(run.log, marker, grid))]
        if is_measured:
            found.append(("measured", visits, measured_at(run.log, marker, visits, CURVE_STEP, confirmatory=confirmed)))
        for series, times, values in found:
            part = _mean(values)
            part.insert(0, "year", times)
            part.insert(0, "series", series)
            part.insert(0, "strategy", run.strategy)
            parts.append(part)
    return pd.concat(parts, ignore_index=True)


def marker_figures(view: View) -> list[Sheet]:
    """For each marker: means by strategy, and the spread between patients; what indices are made of, on one page."""
    last = last_year(view)
    sheets = []
    components = components_of(view.runs[0].program)
    parts = {spec.name: marker_numbers(view, spec.name, last, is_measured=False) for spec in view.runs[0].program.markers if spec.name in components}
    for spec in view.runs[0].program.markers:
        if spec.name in components:
            continue
        document = view.scenario.library.pathway.markers[spec.name]
        words, unit = plain(document.label), plain(document.shown_unit or document.unit)
        data = marker_numbers(view, spec.name, last)
        if not data["mean"].isna().all():
            sheets += [_means(view, spec.name, words, unit, data, last), _spread(view, spec.name, words, unit, data, last)]
    return sheets + component_figure(view, parts, last)


def _means(view: View, marker: str, words: str, unit: str, data: pd.DataFrame, last: float) -> Sheet:
    first, final = _ends(data, view, "true")
    return Sheet(
        name=f"{marker}_mean", title=f"{words}: true and measured", data=data, drawing=partial(draw_means, view.look, data, f"{words} ({unit}), mean of the living", last),
        caption=(
            f"Mean among patients still alive, so it also changes as the most ill die. Left: the true value. Right: what planned visits measured, with the error of "
            f"measurement (confirmatory visits left out). Bands: 95 % of the simulation's own error. Drawn while {fewest(view.results.cohort.size)} patients are alive."
        ),
        alt=f"Lines of mean {words} by strategy over {last:g} years. " + "; ".join(f"{view.labels[s]}: from {first[s]:.1f} to {final[s]:.1f} {unit}" for s in view.ids) + ".",
    )  # fmt: skip


def draw_means(look: Look, data: pd.DataFrame, head: str, last: float) -> Figure:
    """Means with bands, true and measured side by side, and how many patients stand behind them."""
    figure, tops, tables = _with_table(9.6, 3.5, 2, len(look.ids))
    low = float((data["mean"] - 2 * data["standard_error"]).min())
    high = float((data["mean"] + 2 * data["standard_error"]).max())
    for axes, table, series in zip(tops, tables, ("true", "measured"), strict=True):
        ticks = _ticks(axes, last)
        axes.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
        rows: list[tuple[str, str, Sequence[int]]] = []
        for strategy in look.ids:
            part = data[(data["strategy"] == strategy) & (data["series"] == series)]
            year, mean, error, number = (part[key].to_numpy(dtype=np.float64) for key in ("year", "mean", "standard_error", "number"))
            colour = look.colours[strategy]
            axes.plot(year, mean, color=colour)
            axes.fill_between(year, mean - 1.96 * error, mean + 1.96 * error, color=colour, alpha=0.13, linewidth=0)
            rows.append((wrapped(look.labels[strategy], 52, 1) if series == "true" else "", colour, np.interp(ticks, year, number).round().astype(int).tolist()))
        axes.set_title("True value" if series == "true" else "Measured at planned visits")
        axes.set_xlabel("Years since entry")
        grid_lines(axes)
        at_risk_table(table, ticks, rows, last, head="Number alive" if series == "true" else "Number measured")
    tops[0].set_ylabel(head)
    return figure


def _ends(data: pd.DataFrame, view: View, series: str) -> tuple[dict[str, float], dict[str, float]]:
    """First and last drawn means by strategy."""
    first, final = {}, {}
    for strategy in view.ids:
        seen = data.loc[(data["strategy"] == strategy) & (data["series"] == series), "mean"].dropna().to_numpy(dtype=np.float64)
        first[strategy], final[strategy] = (float(seen[0]), float(seen[-1])) if seen.size else (float("nan"), float("nan"))
    return first, final


def _spread(view: View, marker: str, words: str, unit: str, data: pd.DataFrame, last: float) -> Sheet:
    true = data[data["series"] == "true"].dropna(subset=["mean"]).drop(columns=["series"])
    return Sheet(
        name=f"{marker}_spread", title=f"{words}: how patients differ", data=true, drawing=partial(draw_spread, view.look, true, unit, last),
        caption="True value among patients still alive. Line: median; dark band: the middle half of patients; pale band: the middle 80 %. This is spread between patients, not uncertainty of the mean.",
        alt=f"Small panels, one a strategy, of median {words} with bands that hold half and 80 per cent of living patients, over {last:g} years.",
    )  # fmt: skip


def draw_spread(look: Look, true: pd.DataFrame, unit: str, last: float) -> Figure:
    """One small panel a strategy, all on one scale."""
    lines = -(-len(look.ids) // 4)
    columns = -(-len(look.ids) // lines)
    figure = paper(9.6, 0.5 + 2.1 * lines)
    low, high = float(true["p10"].min()), float(true["p90"].max())
    room = 0.02 * (high - low)
    for rank, strategy in enumerate(look.ids):
        axes = figure.add_subplot(lines, columns, rank + 1)
        part, colour = true[true["strategy"] == strategy], look.colours[strategy]
        axes.fill_between(part["year"], part["p10"], part["p90"], color=colour, alpha=0.15, linewidth=0)
        axes.fill_between(part["year"], part["p25"], part["p75"], color=colour, alpha=0.28, linewidth=0)
        axes.plot(part["year"], part["median"], color=colour)
        axes.set_title(wrapped(look.labels[strategy], 30, 2), color=colour, fontsize=8)
        year_ticks(axes, last)
        axes.set_ylim(low - room, high + room)
        grid_lines(axes)
        if rank % columns:
            axes.set_yticklabels([])
        else:
            axes.set_ylabel(unit)
        if rank >= len(look.ids) - columns:
            axes.set_xlabel("Years since entry")
    return figure


def survival_numbers(view: View, last: float) -> pd.DataFrame:
    """Share alive (Kaplan-Meier) and its paired difference to the comparator, with their errors, by strategy and year."""
    grid = np.linspace(0.0, last, GRID)
    base = view.reading(view.results.strategies[view.comparator]).lifetimes
    parts = []
    for run in view.runs:
        lives = view.reading(run).lifetimes
        times, share, error = survival(lives.years, lives.died)
        difference, error_of_difference = _gained(lives, base, grid)
        parts.append(
            pd.DataFrame(
                {
                    "strategy": run.strategy, "year": grid, "alive": step_at(times, share, grid), "standard_error": step_at(times, error, grid),
                    "difference": difference, "difference_se": error_of_difference,
                }
            )
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _gained(lives: Lifetimes, base: Lifetimes, grid: Floats) -> tuple[Floats, Floats]:
    """Share alive less that under the comparator, paired, and its error: from those who live here alone and there alone, a time at a time."""
    size = lives.years.size
    counts = np.zeros((2, grid.size))
    for k, time in enumerate(grid):
        here, there = (lives.years > time) | ~lives.died, (base.years > time) | ~base.died
        counts[:, k] = np.count_nonzero(here & ~there), np.count_nonzero(there & ~here)
    mean = (counts[0] - counts[1]) / size
    variance = np.maximum(counts.sum(axis=0) - size * mean * mean, 0.0) / max(size - 1, 1)
    return mean, np.sqrt(variance / size)


def survival_figure(view: View) -> list[Sheet]:
    """Overall survival by strategy with numbers at risk, and what it gains on the comparator."""
    last = last_year(view, 0.02)
    data = survival_numbers(view, last)
    ticks = ticks_of(last)
    at_risk, words = {}, []
    for run in view.runs:
        lives = view.reading(run).lifetimes
        at_risk[run.strategy] = [int((lives.years >= tick).sum()) for tick in ticks]
        words.append(f"{view.labels[run.strategy]}: median {median_time(*survival(lives.years, lives.died)[:2]):.1f} years")
    return [
        Sheet(
            name="survival", title="Survival", data=data, drawing=partial(draw_survival, view.look, data, at_risk, last),
            caption=f"Left: share of patients alive by years since entry (Kaplan-Meier; nobody is lost before the horizon). Right: the same less {view.labels[view.comparator]}, "
            "the same patients under both. Bands: 95 % of the simulation's own error.",
            alt="Survival curves by strategy. " + "; ".join(words) + ".",
        )
    ]  # fmt: skip


def draw_survival(look: Look, data: pd.DataFrame, at_risk: dict[str, list[int]], last: float) -> Figure:
    """Curves, their differences to the comparator, and numbers at risk."""
    figure, (curves, gains), (table, key) = _with_table(9.6, 3.5, 2, len(look.ids))
    rows = []
    for strategy in look.ids:
        part, colour = data[data["strategy"] == strategy], look.colours[strategy]
        year, alive, error, gain, gain_error = (part[name].to_numpy(dtype=np.float64) for name in ("year", "alive", "standard_error", "difference", "difference_se"))
        curves.step(year, alive, where="post", color=colour, linewidth=1.4)
        curves.fill_between(year, np.clip(alive - 1.96 * error, 0, 1), np.clip(alive + 1.96 * error, 0, 1), step="post", color=colour, alpha=0.12, linewidth=0)
        gains.plot(year, 100.0 * gain, color=colour, linewidth=1.4)
        gains.fill_between(year, 100.0 * (gain - 1.96 * gain_error), 100.0 * (gain + 1.96 * gain_error), color=colour, alpha=0.12, linewidth=0)
        rows.append((wrapped(look.labels[strategy], 52, 1), colour, at_risk[strategy]))
    share_axis(curves)
    curves.set_title("Alive")
    gains.set_title(wrapped(f"Less {look.labels[look.comparator]}", 40, 2))
    gains.set_ylabel("Percentage points")
    for axes in (curves, gains):
        ticks = _ticks(axes, last)
        axes.set_xlabel("Years since entry")
        grid_lines(axes)
    at_risk_table(table, ticks, rows, last)
    key.axis("off")
    return figure


def time_on_treatment(view: View) -> list[Sheet]:
    """Kaplan-Meier curves of the first course, one panel a drug."""
    program = view.runs[0].program
    panels: list[tuple[str, list[Retention]]] = []
    for bits in drugs_of(program):
        curves = [curve for run in view.runs for curve in _first_courses(view, run, bits)]
        if curves:
            panels.append((drug_words(view, program, bits), curves))
    if not panels:
        return []
    data = pd.concat([curve.frame().assign(treatment=words) for words, curves in panels for curve in curves], ignore_index=True)
    return [
        Sheet(
            name="time_on_treatment", title="Time on treatment", data=data, drawing=partial(draw_retention, view.look, panels),
            caption=f"First course of each drug, from its start or from entry, by strategy (at least {fewest(view.results.cohort.size)} patients). Stopping for any reason is the event; "
            "death and the horizon censor; a step of dose is no stop. Dotted: half are left.",
            alt="Kaplan-Meier curves of time on treatment, one panel a drug. " + "; ".join(f"{words}: {medians_of(curves)}" for words, curves in panels) + ".",
        )
    ]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Share still on treatment, at the times of a step curve; ``patients`` began it."""

    strategy: str
    years: Floats
    share: Floats
    error: Floats
    patients: int
    median: float

    def frame(self) -> pd.DataFrame:
        """Numbers plotted: strategy, year, on_treatment, standard_error, patients."""
        grid = np.linspace(0.0, float(self.years[-1]), min(GRID, self.years.size))
        return pd.DataFrame(
            {"strategy": self.strategy, "year": grid, "on_treatment": step_at(self.years, self.share, grid), "standard_error": step_at(self.years, self.error, grid),
             "patients": self.patients}
        )  # fmt: skip


def retention(strategy: str, years: Floats, stopped: NDArray[np.bool_]) -> Retention:
    """Kaplan-Meier curve of courses: their lengths, and whether they were stopped; shape (courses,)."""
    times, share, error = survival(years, stopped)
    return Retention(strategy=strategy, years=times, share=share, error=error, patients=int(years.size), median=median_time(times, share))


def _first_courses(view: View, run: StrategyResult, bits: int) -> list[Retention]:
    """Curve of the first course of each patient; none if too few began one."""
    courses = drug_courses(view.reading(run), bits)
    first = np.unique(courses.patient, return_index=True)[1]
    if first.size < fewest(run.log.patients):
        return []
    return [retention(run.strategy, (courses.stop - courses.start)[first], courses.stopped[first])]


def medians_of(curves: Sequence[Retention]) -> str:
    """Say between which medians curves lie."""
    medians = [curve.median for curve in curves if np.isfinite(curve.median)]
    if not medians:
        return "median not reached"
    low, high = min(medians), max(medians)
    return f"median {low:.1f} to {high:.1f} years" if high - low >= 0.05 else f"median {low:.1f} years"


def draw_retention(look: Look, panels: Sequence[tuple[str, Sequence[Retention]]]) -> Figure:
    """Draw one panel a drug, or whatever was begun: (words, curves)."""
    columns = len(panels) if len(panels) <= 4 else 3
    lines = -(-len(panels) // columns)
    figure = paper(9.6, 0.9 + 2.4 * lines)
    for rank, (words, curves) in enumerate(panels):
        axes = figure.add_subplot(lines, columns, rank + 1)
        shortest = min(float(np.max(curve.years)) for curve in curves)
        last = float(np.ceil(max(shortest, 1.0, *(float(np.quantile(curve.years, 0.9)) for curve in curves))))
        grid = np.linspace(0.0, last, GRID)
        for curve in curves:
            axes.step(grid, step_at(curve.years, curve.share, grid), where="post", color=look.colours[curve.strategy], linewidth=1.4)
        year_ticks(axes, last)
        share_axis(axes)
        grid_lines(axes)
        axes.axhline(0.5, color=PALE, linewidth=0.6, linestyle=(0, (2, 2)))
        axes.set_title(wrapped(words, 34 if columns < 4 else 26, 1))
        axes.text(0.98, 0.95, medians_of(curves), transform=axes.transAxes, ha="right", va="top", fontsize=7.5, color=PALE)
        if rank % columns == 0:
            axes.set_ylabel("Still on treatment")
        if rank >= len(panels) - columns:
            axes.set_xlabel("Years since start of the course")
    drawn = {curve.strategy for _, curves in panels for curve in curves}
    strategy_legend(figure, [(look.labels[name], look.colours[name]) for name in look.ids if name in drawn])
    return figure
