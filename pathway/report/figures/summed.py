"""The markers of a run that kept no log: means of the living on the monthly grid. What needs single histories is not drawn."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pathway.report.figures.canvas import Sheet, grid_lines, paper, strategy_legend, year_ticks
from pathway.report.figures.components import component_figure, components_of
from pathway.report.figures.curves import fewest, last_year
from pathway.report.view import Look, View, plain, wrapped

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def summed_numbers(view: View, marker: int, last: float) -> pd.DataFrame:
    """Mean true value of a marker among the living, its error and how many live, by strategy and month."""
    parts = []
    for run in view.runs:
        summary = run.summary
        mean, error = summary.marker_means()
        kept = np.flatnonzero((summary.grid <= last) & (summary.living >= fewest(summary.patients)))
        parts.append(
            pd.DataFrame(
                {
                    "strategy": run.strategy, "series": "true", "year": summary.grid[kept], "number": summary.living[kept], "mean": mean[kept, marker],
                    "standard_error": error[kept, marker],
                }
            )
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def summed_marker_figures(view: View) -> list[Sheet]:
    """For each marker: means by strategy; what indices are made of, on one page."""
    last = last_year(view)
    sheets = []
    components = components_of(view.runs[0].program)
    parts: dict[str, pd.DataFrame] = {}
    for number, spec in enumerate(view.runs[0].program.markers):
        if spec.name in components:
            parts[spec.name] = summed_numbers(view, number, last)
            continue
        document = view.scenario.library.pathway.markers[spec.name]
        words, unit = plain(document.label), plain(document.shown_unit or document.unit)
        data = summed_numbers(view, number, last)
        ends = {name: (float(part["mean"].iloc[0]), float(part["mean"].iloc[-1])) for name, part in data.groupby("strategy")}
        said = "; ".join(f"{view.labels[name]}: from {ends[name][0]:.1f} to {ends[name][1]:.1f} {unit}" for name in view.ids if name in ends)
        sheets.append(
            Sheet(
                name=f"{spec.name}_mean", title=f"{words}, true value", data=data, drawing=partial(draw_summed, view.look, data, f"{words} ({unit}), mean of the living", last),
                caption="Mean true value among patients still alive, month by month, so it also changes as the most ill die. Bands: 95 % of the simulation's own error. This run kept no log: "
                "what visits measured and how patients differ are not shown.",
                alt=f"Lines of mean {words} by strategy over {last:g} years. {said}.",
            )
        )  # fmt: skip
    return sheets + component_figure(view, parts, last)


def draw_summed(look: Look, data: pd.DataFrame, head: str, last: float) -> Figure:
    """Means with bands, one line a strategy."""
    figure = paper(7.8, 4.2)
    axes = figure.add_subplot()
    for strategy in look.ids:
        part = data[data["strategy"] == strategy]
        year, mean, error = (part[key].to_numpy(dtype=np.float64) for key in ("year", "mean", "standard_error"))
        axes.plot(year, mean, color=look.colours[strategy], linewidth=1.4)
        axes.fill_between(year, mean - 1.96 * error, mean + 1.96 * error, color=look.colours[strategy], alpha=0.13, linewidth=0)
    year_ticks(axes, last)
    axes.set_ylabel(head)
    axes.set_xlabel("Years since entry")
    grid_lines(axes)
    strategy_legend(figure, [(wrapped(look.labels[name], 40, 1), look.colours[name]) for name in look.ids])
    return figure
