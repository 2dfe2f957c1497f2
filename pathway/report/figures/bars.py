"""Stacked bars by strategy: costs by category, deaths by cause."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.ticker import FuncFormatter, PercentFormatter
from numpy.typing import NDArray

from pathway.economics.comparison import mean_and_error
from pathway.report.figures.canvas import INK, PALE, Sheet, grid_lines, paper, style
from pathway.report.formats import decimals, rounded
from pathway.report.histories import lifetimes
from pathway.report.view import CATEGORY_COLOURS, View, plain, wrapped

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
        lives = lifetimes(run.log, run.program)
        causes = {
            run.log.names[cause] if cause >= 0 else "unknown": float((lives.cause[lives.died] == cause).sum())
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


def _stacked(
    view: View, table: pd.DataFrame, colours: list[str], words: list[str], *, money: bool, head: str
) -> object:
    """Draw horizontal stacked bars with totals, first strategy on top."""
    figure = paper(8.6, 1.1 + 0.42 * len(table) + 0.2 * -(-len(words) // 3))
    axes = figure.add_subplot()
    rows = np.arange(len(table))
    left = np.zeros(len(table))
    longest = float(table.to_numpy().sum(axis=1).max()) or 1.0
    for column, colour, word in zip(table.columns, colours, words, strict=True):
        width = table[column].to_numpy(dtype=np.float64)
        axes.barh(rows, width, left=left, height=0.62, color=colour, edgecolor="white", linewidth=0.6, label=word)
        for row, (start, size) in enumerate(zip(left, width, strict=True)):
            if size > 0.075 * longest:
                text = f"{size / 1000:,.0f}k" if money else f"{size:.0%}"
                axes.text(
                    start + size / 2,
                    row,
                    text,
                    ha="center",
                    va="center",
                    fontsize=7.2,
                    color=INK if _is_light(colour) else "white",
                )
        left = left + width
    if money:
        for row, total in enumerate(left):
            error = mean_and_error(view.costs(str(table.index[row])))[1]
            axes.text(
                total + 0.01 * longest,
                row,
                rounded(float(total), min(decimals(error, 0), 0)),
                va="center",
                ha="left",
                fontsize=7.8,
            )
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.set_xlim(0.0, longest * 1.13)
    else:
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_xlim(0.0, 1.0)
    axes.set_yticks(
        rows,
        [wrapped(view.labels[name], 34, 2) + (" *" if name in view.reference_only else "") for name in table.index],
    )
    for tick, name in zip(axes.get_yticklabels(), table.index, strict=True):
        tick.set_color(view.colours[name])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.invert_yaxis()
    axes.set_xlabel(head)
    grid_lines(axes, "x")
    figure.legend(loc="outside lower left", ncols=4, fontsize=7.6, handlelength=1.1)
    return figure


def _is_light(colour: str) -> bool:
    """Whether dark text reads on it (relative luminance)."""
    red, green, blue = (int(colour[k : k + 2], 16) / 255.0 for k in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.38


def cost_figure(view: View) -> list[Sheet]:
    """Mean cost of a patient by category."""
    from matplotlib.figure import Figure

    numbers = cost_numbers(view)
    small = [name for name in numbers.columns if numbers[name].max() < SMALL * numbers.sum(axis=1).max()]
    table = numbers.drop(columns=small)
    if small:
        table = table.assign(**{OTHER: numbers[small].sum(axis=1)})
    words = [OTHER if name == OTHER else category_words(view, str(name)) for name in table.columns]
    colours = [CATEGORY_COLOURS[k % len(CATEGORY_COLOURS)] for k in range(len(words))]
    with style():
        figure = _stacked(
            view, table, colours, words, money=True, head=f"Mean discounted cost per patient ({view.currency})"
        )
    assert isinstance(figure, Figure)
    totals = "; ".join(f"{view.labels[name]} {table.loc[name].sum():,.0f}" for name in view.ids)
    star = " * printed as a reference only." if view.reference_only else ""
    return [
        Sheet(
            name="costs", title="Where the money goes", figure=figure, data=numbers.rename_axis("strategy").reset_index(),
            caption=f"Mean discounted cost per patient over the horizon by category, {view.currency}; totals at the right ends.{star}", alt=f"Stacked bars of mean cost per patient: {totals}.",
        )
    ]  # fmt: skip


def death_figure(view: View) -> list[Sheet]:
    """Draw what patients died of."""
    from matplotlib.figure import Figure

    table = death_numbers(view)
    words = [plain(str(name).replace("_", " ")) for name in table.columns]
    colours = [
        PALE
        if name == "background"
        else "#F2F2F2"
        if name == "alive at the horizon"
        else CATEGORY_COLOURS[k % len(CATEGORY_COLOURS)]
        for k, name in enumerate(table.columns)
    ]
    with style():
        figure = _stacked(view, table, colours, words, money=False, head="Share of patients by the end of follow-up")
    assert isinstance(figure, Figure)
    said = "; ".join(
        f"{view.labels[name]}: "
        + ", ".join(f"{word} {share:.0%}" for word, share in zip(words, table.loc[name], strict=True))
        for name in view.ids
    )
    return [
        Sheet(
            name="deaths", title="Causes of death", figure=figure, data=table.rename_axis("strategy").reset_index(),
            caption="Share of patients who died of each cause by the end of follow-up.", alt=f"Stacked bars of causes of death. {said}.",
        )
    ]  # fmt: skip
