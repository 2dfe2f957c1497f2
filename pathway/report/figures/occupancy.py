"""Share of patients in each state over time, one panel a strategy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pathway.economics.summary import MONTHS_A_YEAR
from pathway.report.figures.canvas import PALE, Sheet, paper, share_axis, year_ticks
from pathway.report.figures.curves import last_year
from pathway.report.view import Look, View, wrapped

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEP = 0.25


def occupancy_numbers(view: View, last: float) -> pd.DataFrame:
    """Share in each state by strategy and year."""
    grid = np.arange(0.0, last + 1e-9, STEP)
    parts = []
    for run in view.runs:
        if view.results.has_logs:
            states = view.reading(run).states_at(grid)
            share = np.stack([(states == k).mean(axis=0) for k in range(len(run.program.states))], axis=1)
        else:
            known = run.summary.occupancy()
            share = known[np.minimum(np.arange(grid.size) * round(STEP * MONTHS_A_YEAR), len(known) - 1)]
        part = pd.DataFrame(share, columns=list(run.program.states))
        part.insert(0, "year", grid)
        part.insert(0, "strategy", run.strategy)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def draw_occupancy(look: Look, data: pd.DataFrame, layers: Sequence[tuple[str, str, str]], last: float, head: str = "Share of patients") -> Figure:
    """Stacked areas to 100 per cent; ``layers``: (column, words, colour) from below, as in the key."""
    from matplotlib.patches import Patch

    columns = min(3 if len(look.ids) > 4 else 2, len(look.ids))
    lines = -(-len(look.ids) // columns)
    figure = paper(9.6, 0.7 + 2.3 * lines)
    for rank, strategy in enumerate(look.ids):
        axes = figure.add_subplot(lines, columns, rank + 1)
        part = data[data["strategy"] == strategy]
        axes.stackplot(
            part["year"].to_numpy(), part[[name for name, _, _ in layers]].to_numpy().T, colors=[colour for _, _, colour in layers], edgecolor="white", linewidth=0.5
        )  # fmt: skip
        year_ticks(axes, last)
        share_axis(axes)
        axes.set_title(wrapped(look.labels[strategy], 34 if columns == 3 else 44, 2), color=look.colours[strategy], fontsize=8.5)
        if rank % columns == 0:
            axes.set_ylabel(head)
        if rank >= len(look.ids) - columns:
            axes.set_xlabel("Years since entry")
    figure.legend(
        handles=[Patch(facecolor=colour, edgecolor=PALE, linewidth=0.4, label=wrapped(words, 40, 1)) for _, words, colour in layers],
        loc="outside lower left", ncols=4, fontsize=7.8, handlelength=1.1,
    )  # fmt: skip
    return figure


def occupancy_figure(view: View) -> list[Sheet]:
    """Where patients are, by strategy."""
    last = last_year(view, 0.05)
    data = occupancy_numbers(view, last)
    program = view.runs[0].program
    layers = [
        (state, view.state(state), view.state_colour(k, program)) for k, state in enumerate(program.states) if float(data[state].max()) > 0.0
    ]
    year = min(5.0, last)
    then = data[data["year"] == year].set_index("strategy")
    words = "; ".join(f"{view.labels[s]}: " + ", ".join(f"{label} {float(then[name].loc[s]):.0%}" for name, label, _ in layers) for s in view.ids)
    return [
        Sheet(
            name="state_occupancy", title="Where patients are", drawing=partial(draw_occupancy, view.look, data, layers, last), data=data,
            caption="Share of all patients in each state of the pathway by years since entry; each column of a panel adds to 100 %.",
            alt=f"Stacked areas of state occupancy by strategy. At {year:g} years, {words}.",
        )
    ]  # fmt: skip
