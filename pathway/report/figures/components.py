"""Markers that indices are made of: small panels on one page, since a reader looks at the index first."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from pathway.report.figures.canvas import Sheet, grid_lines, paper, strategy_legend, year_ticks
from pathway.report.view import Look, View, plain, wrapped

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pathway.program import Program

ACROSS = 4
"""Panels side by side, at most."""


def components_of(program: Program) -> frozenset[str]:
    """Names of the markers that enter an index of disease activity."""
    return frozenset(program.markers[marker].name for index in program.indices for marker, _, _ in index.terms)


def component_figure(view: View, true: Mapping[str, pd.DataFrame], last: float) -> list[Sheet]:
    """One panel a marker; none where no marker is a component.

    Parameters
    ----------
    true
        By marker: strategy, year, mean of the living.
    last
        Years shown.
    """
    documents = view.scenario.library.pathway.markers
    heads = {name: f"{plain(documents[name].label)} ({plain(documents[name].shown_unit or documents[name].unit)})" for name in true}
    shown = {name: data.dropna(subset=["mean"]) for name, data in true.items()}
    shown = {name: data for name, data in shown.items() if len(data)}
    if not shown:
        return []
    ends = {
        name: "; ".join(f"{view.labels[str(s)]} from {part['mean'].iloc[0]:.1f} to {part['mean'].iloc[-1]:.1f}" for s, part in data.groupby("strategy", sort=False))
        for name, data in shown.items()
    }
    data = pd.concat([part.assign(marker=name) for name, part in shown.items()], ignore_index=True)
    return [
        Sheet(
            name="components_mean", title="What indices are made of, true values", data=data, drawing=partial(draw_components, view.look, shown, heads, last),
            caption="Mean true value among patients still alive, so it also changes as the most ill die. Each panel has its own scale, from 0; errors stand in the table.",
            alt=f"Small panels, one a marker, of its mean by strategy over {last:g} years. " + " ".join(f"{heads[name]}: {said}." for name, said in ends.items()),
        )
    ]  # fmt: skip


def draw_components(look: Look, shown: Mapping[str, pd.DataFrame], heads: Mapping[str, str], last: float) -> Figure:
    """One small panel a marker, each with a line a strategy."""
    rows = -(-len(shown) // ACROSS)
    columns = -(-len(shown) // rows)
    figure = paper(9.6, 0.9 + 2.0 * rows)
    for rank, (name, data) in enumerate(shown.items()):
        axes = figure.add_subplot(rows, columns, rank + 1)
        for strategy in look.ids:
            part = data[data["strategy"] == strategy]
            axes.plot(part["year"], part["mean"], color=look.colours[strategy], linewidth=1.3)
        axes.set_title(wrapped(heads[name], 30, 2), fontsize=8)
        axes.set_ylim(bottom=min(0.0, float(data["mean"].min())))
        year_ticks(axes, last)
        grid_lines(axes)
        if rank >= len(shown) - columns:
            axes.set_xlabel("Years since entry")
    strategy_legend(figure, [(wrapped(look.labels[name], 40, 1), look.colours[name]) for name in look.ids])
    return figure
