"""Stacked bars by strategy: costs by category, deaths by cause."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.ticker import FuncFormatter, PercentFormatter
from numpy.typing import NDArray

from pathway.economics.comparison import mean_and_error
from pathway.report.figures.canvas import INK, PALE, Sheet, grid_lines, paper
from pathway.report.formats import decimals, rounded
from pathway.report.view import CATEGORY_COLOURS, Look, View, plain, wrapped

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
OTHER = "everything else"
SMALL = 0.012
"""Categories below this share of the largest total are drawn together."""


def category_words(view: View, category: str) -> str:
    """Words for a cost category."""
    words = plain(view.scenario.library.economics.drug_categories.get(category, category.replace("_", " ")))
    return words[:1].upper() + words[1:]


def cost_numbers(view: View) -> pd.DataFrame:
    """Mean discounted cost by strategy (rows) and category (columns), largest category of the run first."""
    table = pd.DataFrame(
        {
            name: [float(view.category_costs(strategy, name).mean()) for strategy in view.ids]
            for name in view.categories
        },
        index=list(view.ids),
    )
    return table[table.mean().sort_values(ascending=False, kind="stable").index]


def death_numbers(view: View) -> pd.DataFrame:
    """Share of patients dead of each cause by the end of follow-up, by strategy; and those alive."""
    rows = []
    for run in view.runs:
        lives = view.reading(run).lifetimes
        causes = {
            run.program.names[cause] if cause >= 0 else "unknown": float((lives.cause[lives.died] == cause).sum())
            / lives.died.size
            for cause in np.unique(lives.cause[lives.died]).tolist()
        }
        rows.append({**causes, "alive at the horizon": float((~lives.died).mean())})
    table = pd.DataFrame(rows, index=list(view.ids)).fillna(0.0)
    ordered = [
        *(
            column
            for column in table.mean().sort_values(ascending=False, kind="stable").index
            if column != "alive at the horizon"
        ),
        "alive at the horizon",
    ]
    return table[[column for column in ordered if column != "alive at the horizon" or table[column].max() > 0]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Stacked bars: a row of ``sizes`` a strategy, a column a layer; ``totals`` is empty where bars are shares of one."""

    sizes: Floats
    words: tuple[str, ...]
    colours: tuple[str, ...]
    totals: tuple[str, ...]
    head: str


def draw_stack(look: Look, stack: Stack) -> Figure:
    """Draw horizontal bars, first strategy on top, with totals at their ends."""
    is_share = not stack.totals
    count = len(stack.sizes)
    figure = paper(8.6, 1.1 + 0.42 * count + 0.2 * -(-len(stack.words) // 4))
    axes = figure.add_subplot()
    rows = np.arange(count)
    ends = np.cumsum(stack.sizes, axis=1)
    longest = float(ends[:, -1].max()) or 1.0
    for layer, (colour, word) in enumerate(zip(stack.colours, stack.words, strict=True)):
        width, left = stack.sizes[:, layer], ends[:, layer] - stack.sizes[:, layer]
        axes.barh(rows, width, left=left, height=0.62, color=colour, edgecolor="white", linewidth=0.6, label=word)
        for row in np.flatnonzero(width > 0.055 * longest).tolist():
            text = f"{width[row]:.0%}" if is_share else f"{width[row] / 1000:,.0f}k"
            axes.text(left[row] + width[row] / 2, row, text, ha="center", va="center", fontsize=7.2, color=INK if _is_light(colour) else "white")
    for row, total in enumerate(stack.totals):
        axes.text(float(ends[row, -1]) + 0.01 * longest, row, total, va="center", ha="left", fontsize=7.8)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0) if is_share else FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlim(0.0, 1.0 if is_share else longest * 1.13)
    axes.set_yticks(rows, [wrapped(look.labels[name], 34, 2) + (" *" if name in look.reference_only else "") for name in look.ids])
    for tick, name in zip(axes.get_yticklabels(), look.ids, strict=True):
        tick.set_color(look.colours[name])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(count - 0.5, -0.5)
    axes.set_xlabel(stack.head)
    grid_lines(axes, "x")
    figure.legend(loc="outside lower left", ncols=4, fontsize=7.6, handlelength=1.1)
    return figure


def _is_light(colour: str) -> bool:
    """Whether dark text reads on it (relative luminance)."""
    red, green, blue = (int(colour[k : k + 2], 16) / 255.0 for k in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.38


def cost_figure(view: View) -> list[Sheet]:
    """Mean cost of a patient by category."""
    numbers = cost_numbers(view)
    small = [name for name in numbers.columns if numbers[name].max() < SMALL * numbers.sum(axis=1).max()]
    table = numbers.drop(columns=small)
    if small:
        table = table.assign(**{OTHER: numbers[small].sum(axis=1)})
    words = tuple(OTHER if name == OTHER else category_words(view, str(name)) for name in table.columns)
    sums = dict(zip(view.ids, table.to_numpy(dtype=np.float64).sum(axis=1).tolist(), strict=True))
    stack = Stack(
        sizes=table.to_numpy(dtype=np.float64), words=words, colours=tuple(CATEGORY_COLOURS[k % len(CATEGORY_COLOURS)] for k in range(len(words))),
        totals=tuple(rounded(sums[name], min(decimals(mean_and_error(view.costs(name))[1], 0), 0)) for name in view.ids), head=f"Mean discounted cost per patient ({view.currency})",
    )  # fmt: skip
    totals = "; ".join(f"{view.labels[name]} {total:,.0f}" for name, total in sums.items())
    star = " * printed as a reference only." if view.reference_only else ""
    return [
        Sheet(
            name="costs", title="Where the money goes", drawing=partial(draw_stack, view.look, stack), data=numbers.rename_axis("strategy").reset_index(),
            caption=f"Mean discounted cost per patient over the horizon by category, {view.currency}; totals at the right ends.{star}", alt=f"Stacked bars of mean cost per patient: {totals}.",
        )
    ]  # fmt: skip


def _cause_colour(rank: int, cause: str) -> str:
    """Grey for other causes, nearly white for the living."""
    if cause == "background":
        return PALE
    return "#F2F2F2" if cause == "alive at the horizon" else CATEGORY_COLOURS[rank % len(CATEGORY_COLOURS)]


def death_figure(view: View) -> list[Sheet]:
    """Draw what patients died of."""
    table = death_numbers(view)
    if len(table.columns) < 2:
        return []  # all died of the one cause there is
    words = tuple(plain(str(name).replace("_", " ")) for name in table.columns)
    stack = Stack(
        sizes=table.to_numpy(dtype=np.float64), words=words, colours=tuple(_cause_colour(k, str(name)) for k, name in enumerate(table.columns)), totals=(),
        head="Share of patients by the end of follow-up",
    )  # fmt: skip
    said = "; ".join(
        f"{view.labels[name]}: "
        + ", ".join(f"{word} {share:.0%}" for word, share in zip(words, table.loc[name], strict=True))
        for name in view.ids
    )
    star = " * printed as a reference only." if view.reference_only else ""
    return [
        Sheet(
            name="deaths", title="Causes of death", drawing=partial(draw_stack, view.look, stack), data=table.rename_axis("strategy").reset_index(),
            caption=f"Share of patients who died of each cause by the end of follow-up.{star}", alt=f"Stacked bars of causes of death. {said}.",
        )
    ]  # fmt: skip
