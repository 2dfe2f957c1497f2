"""The cost-effectiveness plane: every strategy against the comparator, with the efficiency frontier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.ticker import FuncFormatter

from pathway.economics.comparison import frontier, incremental, mean_and_error
from pathway.report.figures.canvas import INK, PALE, Sheet, grid_lines, paper, spread
from pathway.report.view import Look, View, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


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
    data["icer"] = steps["icer"].reindex(data["strategy"]).to_numpy(dtype=np.float64)
    data["icer_text"] = steps["icer_text"].reindex(data["strategy"]).astype(str).to_numpy()
    return data


def draw_plane(look: Look, data: pd.DataFrame, thresholds: Sequence[float], money: str) -> Figure:
    """Differences with whiskers, frontier and threshold rays; reference-only strategies hollow and off the frontier.

    Parameters
    ----------
    data
        From :func:`plane_numbers`.
    thresholds
        Currency per QALY.
    money
        The currency without its year, for rays and ratios.
    """
    points = points_of(data)
    qaly, cost = np.array([point.qaly for point in points]), np.array([point.cost for point in points])
    figure = paper(9.2, 4.9)
    axes = figure.add_subplot()
    spread_x, spread_y = max(float(np.ptp(qaly)), 0.05), max(float(np.ptp(cost)), 1000.0)
    axes.set_xlim(float(qaly.min()) - 0.16 * spread_x, float(qaly.max()) + 0.12 * spread_x)
    axes.set_ylim(float(cost.min()) - 0.14 * spread_y, float(cost.max()) + 0.16 * spread_y)
    _rays(axes, thresholds, money, points)
    on = sorted((point for point in points if point.status in ("reference", "on frontier")), key=lambda point: point.cost)
    axes.plot([point.qaly for point in on], [point.cost for point in on], color=INK, linewidth=1.0, zorder=2)
    for point in points:
        colour = look.colours[point.strategy]
        axes.errorbar(
            point.qaly, point.cost, xerr=1.96 * point.qaly_error, yerr=1.96 * point.cost_error, fmt="o", color=colour, markersize=7.5, elinewidth=1.0, capsize=0,
            markerfacecolor="white" if point.strategy in look.reference_only else colour, markeredgewidth=1.6, zorder=3,
        )  # fmt: skip
    axes.axhline(0, color=PALE, linewidth=0.7, zorder=1)
    axes.axvline(0, color=PALE, linewidth=0.7, zorder=1)
    axes.set_xlabel(f"QALYs gained against {wrapped(look.labels[look.comparator], 60, 1)}, discounted")
    axes.set_ylabel(f"Added cost, discounted ({look.currency})")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}".replace("-", "\u2212")))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "\u2212")))
    grid_lines(axes, "both")
    _margin_labels(look, axes, points, money)
    return figure


def plane_figure(view: View) -> list[Sheet]:
    """The plane of this run."""
    data = plane_numbers(view)
    currency = view.scenario.economics.currency
    words = "; ".join(
        f"{view.labels[point.strategy]}: {point.qaly:+.2f} QALYs, {point.cost:+,.0f} {currency}, {point.status}" for point in points_of(data)
    )
    return [
        Sheet(
            name="cost_effectiveness_plane", title="Cost-effectiveness plane and frontier", data=data,
            drawing=partial(draw_plane, view.look, data, view.scenario.economics.thresholds, currency),
            caption=f"Mean differences per patient against {view.labels[view.comparator]}. Solid line: the efficiency frontier, with the cost of each QALY gained against the option before it. Dotted rays: "
            "thresholds; a strategy below a ray costs less than that per QALY gained. Whiskers: 95 % of the simulation's own error of paired differences, not parameter uncertainty. "
            + ("Hollow: printed as a reference, kept off the frontier." if view.reference_only else ""),
            alt=f"Cost-effectiveness plane. {words}.",
        )
    ]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One strategy on the plane: differences with standard errors, its place, and its ratio in number and words."""

    strategy: str
    qaly: float
    qaly_error: float
    cost: float
    cost_error: float
    status: str
    icer: float
    icer_text: str


def points_of(data: pd.DataFrame) -> list[Point]:
    """Rows of :func:`plane_numbers` as points."""
    return [
        Point(
            strategy=str(row["strategy"]), qaly=float(row["inc_qaly"]), qaly_error=float(row["inc_qaly_se"]), cost=float(row["inc_cost"]), cost_error=float(row["inc_cost_se"]),
            status=str(row["status"]), icer=float(row["icer"]), icer_text=str(row["icer_text"]),
        )
        for row in data.to_dict("records")
    ]  # fmt: skip


def _rays(axes: Axes, thresholds: Sequence[float], money: str, points: Sequence[Point]) -> None:
    """Threshold rays through the comparator, each named on itself where there is most room."""
    (x0, x1), (y0, y1) = axes.get_xlim(), axes.get_ylim()
    width, height = x1 - x0, y1 - y0
    taken = [(point.qaly / width, point.cost / height) for point in points]
    left = abs(x0) > abs(x1)
    for threshold in thresholds:
        axes.plot([x0, x1], [threshold * x0, threshold * x1], color=PALE, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
        end = (max(x0, y0 / threshold) if left else min(x1, y1 / threshold)) if threshold > 0.0 else (x0 if left else x1)
        # The label hangs on its outer end, so that it is a tenth or so of the width nearer to the middle.
        places = [(share * end, threshold * share * end) for share in (0.98, 0.86, 0.74, 0.62, 0.5)]
        inward = 0.09 if left else -0.09

        def room(place: tuple[float, float], inward: float = inward) -> float:
            x, y = place[0] / width + inward, place[1] / height + 0.02
            return min((max(abs(x - a) / 2.5, abs(y - b)) for a, b in taken), default=1.0)

        x, y = next((place for place in places if room(place) > 0.06), max(places, key=room))
        taken.append((x / width + inward, y / height + 0.02))
        axes.annotate(
            f"{money} {threshold:,.0f}/QALY", (x, y), xytext=(4 if left else -4, 3), textcoords="offset points", fontsize=7.2, color=PALE,
            ha="left" if left else "right", va="bottom", bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.4},
        )  # fmt: skip
    axes.set_xlim(x0, x1)
    axes.set_ylim(y0, y1)


def _note(look: Look, point: Point, money: str) -> str:
    """Place of a strategy in the incremental analysis, in a few words."""
    notes = ["comparator"] if point.strategy == look.comparator else []
    if point.strategy in look.reference_only:
        notes.append("reference only")
    elif point.status == "on frontier":
        notes.append(f"{money} {point.icer_text} per QALY" if np.isfinite(point.icer) else "ICER " + point.icer_text.partition(":")[0])
    elif point.status != "reference":
        notes.append(next((word for word in ("extendedly dominated", "dominated") if point.status.startswith(word)), point.status))
    return ", ".join(notes)


def _margin_labels(look: Look, axes: Axes, points: Sequence[Point], money: str) -> None:
    """Name the points in the right margin, in the order of their heights, each with its place on the frontier."""
    low, high = axes.get_ylim()
    left, right = axes.get_xlim()
    heights = [(point.cost - low) / (high - low) for point in points]
    gap = min(0.135, 1.0 / max(len(heights), 1))
    for point, height, place in zip(points, heights, spread(heights, gap, 0.03, 0.97), strict=True):
        colour, note = look.colours[point.strategy], _note(look, point, money)
        axes.annotate(
            "\n".join([wrapped(look.labels[point.strategy], 38, 2), *([note] if note else [])]), xy=((point.qaly - left) / (right - left), height), xytext=(1.04, place),
            xycoords="axes fraction", textcoords="axes fraction", fontsize=7.6, color=colour, va="center", ha="left", annotation_clip=False, linespacing=1.25,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.6, "shrinkA": 1, "shrinkB": 5, "alpha": 0.7},
        )  # fmt: skip
