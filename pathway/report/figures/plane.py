"""The cost-effectiveness plane: every strategy against the comparator, with the efficiency frontier."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from pathway.economics.comparison import frontier, incremental, mean_and_error
from pathway.report.figures.canvas import INK, PALE, Sheet, grid_lines, paper, spread, style
from pathway.report.view import View, wrapped


def plane_numbers(view: View) -> pd.DataFrame:
    """Means of paired differences against the comparator with their errors, and the place in the incremental analysis."""
    rows = []
    base_cost, base_qaly = view.costs(view.comparator), view.qalys(view.comparator)
    for strategy in view.ids:
        cost, cost_error = mean_and_error(view.costs(strategy) - base_cost)
        qaly, qaly_error = mean_and_error(view.qalys(strategy) - base_qaly)
        rows.append(
            {
                "strategy": strategy,
                "label": view.labels[strategy],
                "inc_qaly": qaly,
                "inc_qaly_se": qaly_error,
                "inc_cost": cost,
                "inc_cost_se": cost_error,
            }
        )
    data = pd.DataFrame(rows)
    contenders = [name for name in view.ids if name not in view.reference_only]
    options = {
        option.label: option
        for option in frontier(
            [float(view.costs(s).mean()) for s in contenders],
            [float(view.qalys(s).mean()) for s in contenders],
            contenders,
        )
    }
    data["status"] = [options[s].status if s in options else "reference only" for s in data["strategy"]]
    steps = incremental(
        {name: (view.costs(name), view.qalys(name)) for name in view.ids}, set(view.reference_only)
    ).set_index("strategy")
    data["icer"] = [float(steps.loc[s, "icer"]) for s in data["strategy"]]
    data["icer_text"] = [str(steps.loc[s, "icer_text"]) for s in data["strategy"]]
    return data


def plane_figure(view: View) -> list[Sheet]:
    """Differences with whiskers, frontier and threshold rays; reference-only strategies hollow and off the frontier."""
    data = plane_numbers(view)
    currency = view.scenario.economics.currency
    with style():
        figure = paper(8.6, 4.9)
        axes = figure.add_subplot()
        spread_x = max(float(np.ptp(data["inc_qaly"])), 0.05)
        spread_y = max(float(np.ptp(data["inc_cost"])), 1000.0)
        axes.set_xlim(float(data["inc_qaly"].min()) - 0.16 * spread_x, float(data["inc_qaly"].max()) + 0.12 * spread_x)
        axes.set_ylim(float(data["inc_cost"].min()) - 0.14 * spread_y, float(data["inc_cost"].max()) + 0.16 * spread_y)
        _rays(view, axes, currency)
        on = data[data["status"].isin(["reference", "on frontier"])].sort_values("inc_cost")
        axes.plot(on["inc_qaly"], on["inc_cost"], color=INK, linewidth=1.0, zorder=2)
        for row in data.itertuples(index=False):
            colour, hollow = view.colours[row.strategy], row.strategy in view.reference_only
            axes.errorbar(
                row.inc_qaly, row.inc_cost, xerr=1.96 * row.inc_qaly_se, yerr=1.96 * row.inc_cost_se, fmt="o", color=colour, markersize=7.5, elinewidth=1.0, capsize=0,
                markerfacecolor="white" if hollow else colour, markeredgewidth=1.6, zorder=3,
            )  # fmt: skip
        axes.axhline(0, color=PALE, linewidth=0.7, zorder=1)
        axes.axvline(0, color=PALE, linewidth=0.7, zorder=1)
        axes.set_xlabel(f"QALYs gained against {wrapped(view.labels[view.comparator], 60, 1)}, discounted")
        _margin_labels(view, axes, data)
        axes.set_ylabel(f"Added cost, discounted ({view.currency})")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}".replace("-", "\u2212")))
        grid_lines(axes, "both")
    words = "; ".join(
        f"{row.label}: {row.inc_qaly:+.2f} QALYs, {row.inc_cost:+,.0f} {currency}, {row.status}"
        for row in data.itertuples(index=False)
    )
    return [
        Sheet(
            name="cost_effectiveness_plane", title="Cost-effectiveness plane and frontier", figure=figure, data=data,
            caption=f"Mean differences per patient against {view.labels[view.comparator]}. Solid line: the efficiency frontier, with the cost of each QALY gained against the option before it. Dotted rays: "
            "thresholds; a strategy below a ray costs less than that per QALY gained. Whiskers: 95 % of the simulation's own error of paired differences, not parameter uncertainty. "
            + ("Hollow: printed as a reference, kept off the frontier." if view.reference_only else ""),
            alt=f"Cost-effectiveness plane. {words}.",
        )
    ]  # fmt: skip


def _rays(view: View, axes: Axes, currency: str) -> None:
    """Threshold rays through the comparator, each named where it leaves the picture."""
    (x0, x1), (y0, y1) = axes.get_xlim(), axes.get_ylim()
    for threshold in view.scenario.economics.thresholds:
        axes.plot(
            [x0, x1], [threshold * x0, threshold * x1], color=PALE, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1
        )
        # Where the ray leaves the picture, on the side where rays are farther apart.
        left = abs(x0) > abs(x1)
        x = (max(x0, y0 / threshold) if left else min(x1, y1 / threshold)) if threshold > 0.0 else x1
        at_side = x in (x0, x1)
        axes.annotate(
            f"{currency} {threshold:,.0f}/QALY",
            (x, threshold * x),
            xytext=(4 if left else -4, 3),
            textcoords="offset points",
            fontsize=6.8,
            color=PALE,
            ha="left" if left else "right",
            va="bottom" if left or at_side else "top",
        )
    axes.set_xlim(x0, x1)
    axes.set_ylim(y0, y1)


def _margin_labels(view: View, axes: Axes, data: pd.DataFrame) -> None:
    """Name the points in the right margin, in the order of their heights, each with its place on the frontier."""
    low, high = axes.get_ylim()
    left, right = axes.get_xlim()
    heights = [(float(cost) - low) / (high - low) for cost in data["inc_cost"]]
    gap = min(0.135, 1.0 / max(len(heights), 1))
    for row, height, place in zip(data.itertuples(index=False), heights, spread(heights, gap, 0.03, 0.97), strict=True):
        colour = view.colours[row.strategy]
        notes = ["comparator"] if row.strategy == view.comparator else []
        if row.strategy in view.reference_only:
            notes.append("reference only")
        elif row.status == "on frontier":
            notes.append(
                f"{view.scenario.economics.currency} {row.icer_text} per QALY"
                if np.isfinite(row.icer)
                else "ICER " + str(row.icer_text).partition(":")[0]
            )
        elif row.status != "reference":
            notes.append(
                "dominated"
                if row.status.startswith("dominated")
                else "extendedly dominated"
                if row.status.startswith("extendedly")
                else str(row.status)
            )
        axes.annotate(
            "\n".join([wrapped(row.label, 38, 2), *([", ".join(notes)] if notes else [])]), xy=((row.inc_qaly - left) / (right - left), height), xytext=(1.04, place),
            xycoords="axes fraction", textcoords="axes fraction", fontsize=7.6, color=colour, va="center", ha="left", annotation_clip=False, linespacing=1.25,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.6, "shrinkA": 1, "shrinkB": 5, "alpha": 0.7},
        )  # fmt: skip
