"""Figures of access: the funnel, how long patients wait, what happens to the marker, and the waterfall by mechanism."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from pathway.access.cases import cases
from pathway.access.funnel import DAYS_PER_YEAR
from pathway.report.access import MECHANISM_WORDS, has_requests, mechanism_frame
from pathway.report.figures.canvas import INK, PALE, RULE, Sheet, grid_lines, paper, strategy_legend, year_ticks
from pathway.report.histories import marker_at
from pathway.report.view import Look, View, plain, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
STAGES = (
    ("asked", "asked for"),
    ("approved_first", "approved\nat first"),
    ("approved", "approved\nin the end"),
    ("dosed", "first dose"),
)
YEARS_SHOWN = 5.0
LONGEST_DAYS = 150.0
MOST_PANELS = 3
"""In a row: more would make names of drugs and stages run into each other."""
LOSS, GAIN = "#B2552D", "#2D7F5E"


def access_figures(view: View) -> list[Sheet]:
    """All figures of access; none where every request is approved at once."""
    if not has_requests(view):
        return []
    sheets = [*funnel_figure(view), *waiting_figure(view)]
    if view.results.undelayed:
        sheets += [*marker_figure(view), *waterfall_figure(view)]
    return sheets


def funnel_numbers(view: View) -> pd.DataFrame:
    """Share of the first request of each treatment that reaches each stage, by policy; orders nobody asked for are at the first two stages by definition."""
    rows = []
    for run in view.runs:
        table = cases(run.log)
        asked = run.program.access.treatments
        for number, name in enumerate(run.program.treatments):
            if not asked >> number & 1:
                continue
            mine = table[(table["regimen"].to_numpy(dtype=np.int64) >> number & 1).astype(bool) & table["asked"]]
            first = mine.drop_duplicates("patient")
            if not len(first):
                continue
            shares = {
                "asked": 1.0,
                "approved_first": float((first["approved"] & ~first["denied"]).mean()),
                "approved": float(first["approved"].mean()),
                "dosed": float(first["first_dose"].notna().mean()),
            }
            for stage, _ in STAGES:
                rows.append({"strategy": run.strategy, "treatment": name, "stage": stage, "share": shares[stage], "patients": len(first)})
    return pd.DataFrame(rows)


def funnel_figure(view: View) -> list[Sheet]:
    """Bars of the first request of each treatment."""
    data = funnel_numbers(view)
    if not len(data):
        return []
    treatments = {str(name): view.treatment(str(name)) for name in dict.fromkeys(data["treatment"])}
    first = data[(data["treatment"] == next(iter(treatments))) & (data["stage"] == "approved_first")]
    said = "; ".join(f"{view.labels[row['strategy']]} {row['share']:.0%}" for row in first.to_dict("records"))
    return [
        Sheet(
            name="access_funnel", title="From request to first dose", drawing=partial(draw_funnel, view.look, data, treatments), data=data,
            caption="The first request for each drug of each patient: share that is approved at first, approved in the end (after documents, "
            "a call or an appeal), and followed by a first dose.",
            alt=f"Bars by stage and policy. {next(iter(treatments.values()))} approved at first: {said}.",
        )
    ]  # fmt: skip


def draw_funnel(look: Look, data: pd.DataFrame, treatments: dict[str, str]) -> Figure:
    """One panel a treatment; ``treatments``: id and words."""
    names = [name for name in look.ids if name in set(data["strategy"])]
    columns = min(len(treatments), MOST_PANELS)
    rows = -(-len(treatments) // columns)
    figure = paper(9.6, 1.0 + 2.6 * rows)
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axes, (treatment, words) in zip(grid.flat, treatments.items(), strict=False):
        _funnel_panel(look, axes, data[data["treatment"] == treatment], names)
        axes.set_title(wrapped(words, 26, 2))
    for axes in grid.flat[len(treatments) :]:
        axes.set_axis_off()
    for axes in grid[:, 0]:
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_ylabel("Share of first requests")
    strategy_legend(figure, [(look.labels[name], look.colours[name]) for name in names])
    return figure


def _funnel_panel(look: Look, axes: Axes, data: pd.DataFrame, names: list[str]) -> None:
    width = 0.82 / max(len(names), 1)
    for rank, name in enumerate(names):
        mine = data[data["strategy"] == name].set_index("stage")["share"]
        if not len(mine):
            continue
        left = np.arange(len(STAGES)) + (rank - (len(names) - 1) / 2) * width
        axes.bar(left, [float(mine[stage]) for stage, _ in STAGES], width=width * 0.92, color=look.colours[name])
    axes.set_xticks(range(len(STAGES)), [words for _, words in STAGES], fontsize=7.2)
    axes.set_ylim(0.0, 1.02)
    axes.tick_params(axis="x", length=0)
    grid_lines(axes)


def waiting_numbers(view: View) -> pd.DataFrame:
    """Days from order to first dose of every start that came to one, by policy."""
    parts = []
    for run in view.runs:
        table = cases(run.log)
        dosed = table[table["first_dose"].notna()]
        parts.append(pd.DataFrame({"strategy": run.strategy, "days": DAYS_PER_YEAR * (dosed["first_dose"] - dosed["ordered"]).to_numpy(dtype=np.float64)}))
    return pd.concat(parts, ignore_index=True)


def waiting_figure(view: View) -> list[Sheet]:
    """Share of orders still without a first dose, by days since the order; none where nobody waits (renewals alone are reviewed)."""
    data = waiting_numbers(view)
    if not (data["days"] > 0.0).any():
        return []
    grid = np.arange(0.0, LONGEST_DAYS + 0.5, 1.0)
    rows, medians = [], []
    for name in view.ids:
        days = np.sort(data.loc[data["strategy"] == name, "days"].to_numpy(dtype=np.float64))
        if days.size:
            still = 1.0 - np.searchsorted(days, grid, side="right") / days.size
            rows.append(pd.DataFrame({"strategy": name, "day": grid, "still_waiting": still, "orders": days.size}))
            medians.append(f"{view.labels[name]} {np.median(days):.0f}")
    if not rows:
        return []
    curves = pd.concat(rows, ignore_index=True)
    return [
        Sheet(
            name="access_waiting", title="How long patients wait", drawing=partial(draw_waiting, view.look, curves), data=curves,
            caption="Orders that came to a first dose, every start of the horizon: share still waiting by days since the order. Orders denied "
            "for good or given up are not in it.",
            alt=f"Falling curves of the share still waiting. Median days: {'; '.join(medians)}.",
        )
    ]  # fmt: skip


def draw_waiting(look: Look, curves: pd.DataFrame) -> Figure:
    """Falling steps by policy."""
    figure = paper(9.6, 3.9)
    axes = figure.add_subplot()
    names = [name for name in look.ids if name in set(curves["strategy"])]
    for name in names:
        mine = curves[curves["strategy"] == name]
        axes.step(mine["day"], mine["still_waiting"], where="post", color=look.colours[name])
    axes.axhline(0.5, color=RULE, linewidth=0.8)
    axes.text(LONGEST_DAYS, 0.515, "half have their first dose", ha="right", va="bottom", fontsize=7.2, color=PALE)
    axes.set_xlim(0.0, LONGEST_DAYS)
    axes.set_ylim(0.0, 1.0)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlabel("Days since the order")
    axes.set_ylabel("Still without a first dose")
    grid_lines(axes)
    strategy_legend(figure, [(look.labels[name], look.colours[name]) for name in names])
    return figure


def marker_numbers(view: View, marker: str, last: float) -> pd.DataFrame:
    """Mean difference of a marker to the comparator (native units) in patients alive under both, by policy and year."""
    grid = np.arange(0.0, last + 1e-9, 0.25)
    base = marker_at(view.results.strategies[view.comparator].log, f"{marker}_native", grid)
    rows = []
    for name in view.results.undelayed:
        found = marker_at(view.results.strategies[name].log, f"{marker}_native", grid) - base
        number = np.sum(~np.isnan(found), axis=0)
        mean, spread = np.nanmean(found, axis=0), np.nanstd(found, axis=0, ddof=1)
        rows.append(pd.DataFrame({"strategy": name, "year": grid, "difference": mean, "standard_error": spread / np.sqrt(number), "patients": number}))
    return pd.concat(rows, ignore_index=True)


def marker_figure(view: View) -> list[Sheet]:
    """Draw what the marker loses to each policy."""
    marker = view.scenario.library.economics.utility.marker
    document = view.scenario.library.pathway.markers[marker]
    last = min(YEARS_SHOWN, view.runs[0].program.horizon)
    data = marker_numbers(view, marker, last)
    words, unit = plain(document.label), plain(document.unit)
    ends = data.groupby("strategy", sort=False)["difference"].last()
    end = "; ".join(f"{view.labels[str(name)]} {value:+.3g} {unit}" for name, value in ends.items())
    head = f"{words}, {unit}, less\n{wrapped(view.labels[view.comparator], 44, 1)}"
    return [
        Sheet(
            name="access_marker", title=f"{words} lost to each policy", drawing=partial(draw_marker, view.look, data, head, last), data=data,
            caption=f"Mean difference in true {words} to {view.labels[view.comparator]} in patients alive under both, with twice its Monte Carlo error.",
            alt=f"Curves of the difference. At year {last:g}: {end}.",
        )
    ]  # fmt: skip


def draw_marker(look: Look, data: pd.DataFrame, head: str, last: float) -> Figure:
    """Differences with bands; the comparator is the line at zero."""
    figure = paper(9.6, 3.7)
    axes = figure.add_subplot()
    names = [str(name) for name in dict.fromkeys(data["strategy"])]
    for name in names:
        mine = data[data["strategy"] == name]
        year, mean, error = (mine[key].to_numpy(dtype=np.float64) for key in ("year", "difference", "standard_error"))
        axes.fill_between(year, mean - 2.0 * error, mean + 2.0 * error, color=look.colours[name], alpha=0.14, linewidth=0)
        axes.plot(year, mean, color=look.colours[name])
    axes.axhline(0.0, color=look.colours[look.comparator], linewidth=1.2)
    year_ticks(axes, last)
    axes.set_xlabel("Years since entry")
    axes.set_ylabel(head)
    grid_lines(axes)
    strategy_legend(figure, [(look.labels[name], look.colours[name]) for name in (look.comparator, *names)])
    return figure


def waterfall_figure(view: View) -> list[Sheet]:
    """QALYs and net plan cost by mechanism, one row of panels a policy."""
    data = mechanism_frame(view)
    totals = data[data["mechanism"] == "total"].to_dict("records")
    said = "; ".join(f"{view.labels[row['strategy']]} {row['qalys']:+.3f} QALYs, {row['net_plan_cost']:+,.0f}" for row in totals)
    return [
        Sheet(
            name="access_mechanisms", title="What each policy costs, by mechanism", drawing=partial(draw_waterfall, view.look, data), data=data.drop(columns="category"),
            caption=f"Each policy less {view.labels[view.comparator]}; parts follow each other to the total. Green: better for the patient "
            "(left) or the plan (right); red: worse.",
            alt=f"Waterfalls by mechanism. Totals: {said}.",
        )
    ]  # fmt: skip


def draw_waterfall(look: Look, data: pd.DataFrame) -> Figure:
    """Two panels a policy on shared scales."""
    names = [str(name) for name in dict.fromkeys(data["strategy"])]
    words = list(MECHANISM_WORDS.values())
    figure = paper(9.6, 0.9 + 1.75 * len(names))
    panels = figure.subplots(len(names), 2, sharex="col", sharey=True, squeeze=False)
    for row, name in enumerate(names):
        mine = data[data["strategy"] == name].set_index("mechanism").loc[list(MECHANISM_WORDS)]
        for axes, key in zip(panels[row], ("qalys", "net_plan_cost"), strict=True):
            _waterfall(axes, mine[key].to_numpy(dtype=np.float64), worse=-1.0 if key == "qalys" else 1.0, money=key != "qalys")
        panels[row][0].set_yticks(range(len(words)), [wrapped(word, 20, 2) for word in words], fontsize=7.2)
        panels[row][0].set_title(wrapped(look.labels[name], 40, 1), color=look.colours[name])
    panels[-1][0].set_xlabel("QALYs a patient")
    panels[-1][1].set_xlabel(f"Net cost to the plan a patient, {look.currency}")
    for axes in panels[-1]:
        axes.xaxis.set_major_locator(MaxNLocator(5))
    panels[-1][1].xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}".replace("-", "\u2212")))
    return figure


def _waterfall(axes: Axes, parts: Floats, *, worse: float, money: bool) -> None:
    """Bars that begin where the one before ended; the last is the total from zero."""
    begin = np.r_[0.0, np.cumsum(parts[:-2]), 0.0]
    rows = np.arange(parts.size)
    colours = [LOSS if part * worse > 0.0 else GAIN for part in parts]
    axes.use_sticky_edges = False
    axes.margins(x=0.03)
    axes.barh(rows, parts, left=begin, height=0.66, color=colours)
    for row in rows[1:-1]:
        axes.plot([begin[row]] * 2, [row - 1.33, row + 0.33], color=PALE, linewidth=0.6)
    axes.axvline(0.0, color=INK, linewidth=0.7)
    column = axes.get_yaxis_transform()
    for row, part in zip(rows.tolist(), parts.tolist(), strict=True):
        text = f"{part:+,.0f}" if money else f"{part:+.3f}"
        axes.text(1.01, row, text.replace("-", "\u2212"), transform=column, va="center", ha="left", fontsize=6.8, color=INK)
    axes.set_ylim(parts.size - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    grid_lines(axes, "x")
