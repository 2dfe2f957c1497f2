"""Share of patients in each state over time, one panel a strategy."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pathway.report.figures.canvas import PALE, Sheet, paper, share_axis, style, year_ticks
from pathway.report.figures.curves import last_year
from pathway.report.histories import states_at
from pathway.report.view import View, wrapped

STEP = 0.25


def occupancy_numbers(view: View, last: float) -> pd.DataFrame:
    """Share in each state by strategy and year."""
    grid = np.arange(0.0, last + 1e-9, STEP)
    parts = []
    for run in view.runs:
        states = states_at(run.log, grid)
        share = np.stack([(states == k).mean(axis=0) for k in range(len(run.log.states))], axis=1)
        part = pd.DataFrame(share, columns=list(run.log.states))
        part.insert(0, "year", grid)
        part.insert(0, "strategy", run.strategy)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def occupancy_figure(view: View) -> list[Sheet]:
    """Stacked areas to 100 per cent; the key is in the order of the layers, from below."""
    from matplotlib.patches import Patch

    last = last_year(view, 0.05)
    data = occupancy_numbers(view, last)
    program = view.runs[0].program
    seen = [k for k, state in enumerate(program.states) if float(data[state].max()) > 0.0]
    columns = min(3 if len(view.ids) > 4 else 2, len(view.ids))
    lines = -(-len(view.ids) // columns)
    with style():
        figure = paper(9.6, 0.7 + 2.3 * lines)
        for rank, strategy in enumerate(view.ids):
            axes = figure.add_subplot(lines, columns, rank + 1)
            part = data[data["strategy"] == strategy]
            years = part["year"].to_numpy()
            heights = np.stack([part[program.states[k]].to_numpy() for k in seen])
            axes.stackplot(
                years, heights, colors=[view.state_colour(k, program) for k in seen], edgecolor="white", linewidth=0.5
            )
            year_ticks(axes, last)
            share_axis(axes)
            axes.set_title(wrapped(view.labels[strategy], 34 if columns == 3 else 44, 2), color=view.colours[strategy], fontsize=8.5)
            if rank % columns == 0:
                axes.set_ylabel("Share of patients")
            if rank >= len(view.ids) - columns:
                axes.set_xlabel("Years since entry")
        figure.legend(
            handles=[Patch(facecolor=view.state_colour(k, program), edgecolor=PALE, linewidth=0.4, label=wrapped(view.state(program.states[k]), 40, 1)) for k in seen],
            loc="outside lower left", ncols=4, fontsize=7.8, handlelength=1.1,
        )  # fmt: skip
    ten = data[data["year"] == min(5.0, last)]
    words = "; ".join(
        f"{view.labels[s]}: "
        + ", ".join(
            f"{view.state(program.states[k])} {float(ten.loc[ten['strategy'] == s, program.states[k]].iloc[0]):.0%}"
            for k in seen
        )
        for s in view.ids
    )
    return [
        Sheet(
            name="state_occupancy", title="Where patients are", figure=figure, data=data,
            caption="Share of all patients in each state of the pathway by years since entry; each column of a panel adds to 100 %.",
            alt=f"Stacked areas of state occupancy by strategy. At {min(5.0, last):g} years, {words}.",
        )
    ]  # fmt: skip
