"""Figures of disease activity: courses of indices, bands over time, and time to an effective drug."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pathway.report.activity import LASTS, OLDEST, Scale, activity_numbers, effective_drugs, scales_of
from pathway.report.figures.canvas import INK, PALE, Sheet, grid_lines, paper, share_axis, strategy_legend, year_ticks
from pathway.report.figures.curves import last_year
from pathway.report.figures.occupancy import draw_occupancy
from pathway.report.view import Look, View, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

YEARS_SHOWN = 10.0
STEP = 0.25
BAND_COLOURS = ("#1B7837", "#7FBF7B", "#F6D58E", "#D6604D", "#8C2D04", "#4D0E0E")
"""From the band with the lowest values up: green, paling, to red."""
EFFECTIVE_YEARS = 5.0


def activity_figures(view: View) -> list[Sheet]:
    """For each index: its course and the share at target; then the bands; at last time to an effective drug."""
    last = min(last_year(view), YEARS_SHOWN)
    grid = np.arange(0.0, last + 1e-9, STEP)
    courses, bands = [], []
    scales = scales_of(view)
    for scale in scales:
        data = activity_numbers(view, scale, grid)
        if data["mean"].isna().all():
            continue
        courses.append(_course(view, scale, data, last))
        if scale.labels:
            bands.append(_bands(view, scale, data, last))
    return [*courses, *bands, *_effective(view, [scale for scale in scales if scale.target >= 0])]


def _at(data: pd.DataFrame, strategy: str, year: float, key: str) -> float:
    mine = data[(data["strategy"] == strategy) & (np.abs(data["year"] - year) < 1e-9)][key].to_numpy(dtype=np.float64)
    return float(mine[0]) if mine.size else float("nan")


def _course(view: View, scale: Scale, data: pd.DataFrame, last: float) -> Sheet:
    year = min(1.0, last)
    said = "; ".join(f"{view.labels[name]}: from {_at(data, name, 0.0, 'mean'):.1f} to {_at(data, name, year, 'mean'):.1f}" for name in view.ids)
    target = f" Right: share of them at target ({scale.labels[scale.target].lower()} or better)." if scale.target >= 0 else ""
    return Sheet(
        name=f"activity_{scale.index}", title=f"{scale.words} over time", data=data, drawing=partial(draw_course, view.look, scale, data, last),
        caption=f"Left: mean of the latest {scale.words} of patients alive, as planned visits measured it; a value older than {OLDEST:g} year is left out.{target} "
        "Bands: 95 % of the simulation's own error. Dotted: cut-points.",
        alt=f"Lines of mean {scale.words} by strategy over {last:g} years. In year {year:g}, {said}.",
    )  # fmt: skip


def draw_course(look: Look, scale: Scale, data: pd.DataFrame, last: float) -> Figure:
    """Means on the left, share at target on the right if there is one."""
    figure = paper(9.6, 3.9)
    panels = figure.subplots(1, 2 if scale.target >= 0 else 1, squeeze=False)[0]
    for axes, key, error in zip(panels, ("mean", "at_target"), ("standard_error", "at_target_se"), strict=False):
        for strategy in look.ids:
            mine = data[data["strategy"] == strategy]
            year, mean, spread = (mine[name].to_numpy(dtype=np.float64) for name in ("year", key, error))
            axes.plot(year, mean, color=look.colours[strategy], linewidth=1.5)
            axes.fill_between(year, mean - 1.96 * spread, mean + 1.96 * spread, color=look.colours[strategy], alpha=0.12, linewidth=0)
        year_ticks(axes, last)
        axes.set_xlabel("Years since entry")
        grid_lines(axes)
    panels[0].set_ylabel(f"{scale.words} ({scale.unit}), mean")
    panels[0].set_title("Mean of the latest value")
    _cut_lines(panels[0], scale)
    if scale.target >= 0:
        share_axis(panels[1])
        panels[1].set_title(f"{scale.labels[scale.target]} or better")
        panels[1].set_ylabel("Share of patients alive")
    strategy_legend(figure, [(look.labels[name], look.colours[name]) for name in look.ids])
    return figure


def _cut_lines(axes: Axes, scale: Scale) -> None:
    """Cut-points that lie in the picture, each named by the band below it."""
    low, high = axes.get_ylim()
    low -= 0.06 * (high - low)
    axes.set_ylim(low, high)
    for label, cut in zip(scale.labels, scale.cuts, strict=True):
        if low < cut < high:
            axes.axhline(cut, color=PALE, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
            axes.text(
                0.995, cut, f"{label.lower()} below", transform=axes.get_yaxis_transform(), ha="right", va="top", fontsize=7.2, color=PALE,
                bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.3},
            )  # fmt: skip


def _bands(view: View, scale: Scale, data: pd.DataFrame, last: float) -> Sheet:
    shown = data[["strategy", "year", "number", *scale.labels]].dropna()
    layers = [(label, label, BAND_COLOURS[min(k, len(BAND_COLOURS) - 1)]) for k, label in enumerate(scale.labels)]
    year = min(1.0, last)
    said = "; ".join(f"{view.labels[name]}: " + ", ".join(f"{label.lower()} {_at(data, name, year, label):.0%}" for label in scale.labels) for name in view.ids)
    return Sheet(
        name=f"bands_{scale.index}", title=f"How active the disease is: {scale.words}", data=shown, drawing=partial(draw_occupancy, view.look, shown, layers, last, "Share of the living"),
        caption=f"Share of patients alive in each band of {scale.words}, by the latest value a planned visit measured (not older than {OLDEST:g} year).",
        alt=f"Stacked areas of bands of {scale.words} by strategy. In year {year:g}, {said}.",
    )  # fmt: skip


def effective_numbers(view: View, scale: Scale, grid: np.ndarray) -> pd.DataFrame:
    """Share of all patients whose first effective drug had begun to hold by each time: strategy, index, year, reached, standard_error."""
    parts = []
    for one in effective_drugs(view, scale):
        share = (one.when[:, None] <= grid).mean(axis=0)
        parts.append(
            pd.DataFrame({"strategy": one.strategy, "index": scale.index, "year": grid, "reached": share, "standard_error": np.sqrt(share * (1.0 - share) / one.when.size)})
        )
    return pd.concat(parts, ignore_index=True)


def _effective(view: View, scales: Sequence[Scale]) -> list[Sheet]:
    last = min(EFFECTIVE_YEARS, max(run.program.horizon for run in view.runs))
    grid = np.arange(0.0, last + 1e-9, STEP / 3.0)
    panels = [(scale.words, scale.labels[scale.target], effective_numbers(view, scale, grid)) for scale in scales]
    panels = [panel for panel in panels if float(panel[2]["reached"].max()) > 0.0]
    if not panels:
        return []
    data = pd.concat([panel[2] for panel in panels], ignore_index=True)
    words, _, first = panels[0]
    said = "; ".join(f"{view.labels[name]} {_at(first, name, min(1.0, last), 'reached'):.0%}" for name in view.ids)
    return [
        Sheet(
            name="effective_drug", title="Time to an effective drug", data=data, drawing=partial(draw_effective, view.look, panels, last),
            caption=f"Share of all patients at target for the first time and for good measure: at a planned visit and at every one up to {12 * LASTS:g} months later. Time is that of "
            "the first of these visits; who died before it never gets there.",
            alt=f"Rising curves of the share of patients with an effective drug by years since entry. By {words} within a year: {said}.",
        )
    ]  # fmt: skip


def draw_effective(look: Look, panels: Sequence[tuple[str, str, pd.DataFrame]], last: float) -> Figure:
    """Draw one panel an index: (words, words of the target band, numbers)."""
    columns = min(4, len(panels))
    lines = -(-len(panels) // columns)
    figure = paper(9.6, 0.9 + 2.6 * lines)
    axes_of = figure.subplots(lines, columns, sharey=True, squeeze=False).ravel()
    for axes, (words, target, data) in zip(axes_of, panels, strict=False):
        for strategy in look.ids:
            mine = data[data["strategy"] == strategy]
            axes.step(mine["year"], mine["reached"], where="post", color=look.colours[strategy], linewidth=1.4)
        year_ticks(axes, last)
        share_axis(axes)
        grid_lines(axes)
        axes.set_title(wrapped(words, 26, 1))
        axes.text(0.03, 0.97, wrapped(f"{target} or better that lasts", 30, 2), transform=axes.transAxes, fontsize=7.2, color=INK, va="top", ha="left")
        axes.set_xlabel("Years since entry")
    for axes in axes_of[len(panels) :]:
        axes.axis("off")
    axes_of[0].set_ylabel("Share of all patients")
    strategy_legend(figure, [(look.labels[name], look.colours[name]) for name in look.ids])
    return figure
