"""Swimmer plot: some forty lives, one bar each, coloured by what was given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.collections import PatchCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from numpy.typing import NDArray

from pathway.eventlog import Kind
from pathway.report.figures.canvas import INK, PALE, Sheet, grid_lines, paper, style, year_ticks
from pathway.report.histories import lifetimes, positions, spans_of
from pathway.report.view import View, wrapped

LIVES = 40
CONDITION_MARKS = ("o", "^", "s", "D", "v", "P")
CONDITION_COLOURS = ("#E69F00", "#D55E00", "#56B4E9", "#CC79A7", "#000000", "#009E73")


def swimmer_figures(view: View) -> list[Sheet]:
    """One plot a strategy: the same first patients under each, so that a life can be compared."""
    return [_swimmer(view, name) for name in view.ids]


def swum(view: View, strategy: str) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Stretches of equal regimen, marks of events and ends of the sampled lives, one row each; and the patients, longest life first under the comparator."""
    result = view.results.strategies[strategy]
    lives = lifetimes(result.log, result.program)
    base = view.results.strategies.get(view.comparator, result)
    size = min(LIVES, result.log.patients)
    # Order by the comparator's lives, so that a patient keeps the row in every plot.
    order = np.argsort(-lifetimes(base.log, base.program).years[:size], kind="stable")
    spans = spans_of(result.log)
    chosen = (spans.patient < size) & (spans.stop > spans.start)
    who, start, stop, regimen = (values[chosen] for values in (spans.patient, spans.start, spans.stop, spans.regimen))
    breaks = np.r_[True, (who[1:] != who[:-1]) | (regimen[1:] != regimen[:-1])]
    firsts = np.flatnonzero(breaks)
    lasts = np.r_[firsts[1:] - 1, who.size - 1]
    bars = pd.DataFrame(
        {
            "position": who[firsts],
            "what": "regimen",
            "start": start[firsts],
            "stop": stop[lasts],
            "value": regimen[firsts].astype(str),
        }
    )
    _, position = positions(result.log)
    rows = result.log.rows(Kind.CONDITION) & (position < size)
    names = np.array([*result.log.names, ""], dtype=object)
    marks = pd.DataFrame(
        {
            "position": position[rows],
            "what": "condition",
            "start": result.log.events["time"][rows],
            "value": names[result.log.events["name"][rows]],
        }
    )
    special = [
        k
        for k, line in enumerate(result.program.state_line)
        if line < 0 and not result.program.absorbing >> k & 1 and k != result.program.last_resort
    ]
    moved = result.log.rows(Kind.MOVE) & (position < size) & np.isin(result.log.events["state"], special)
    states = np.array(result.program.states, dtype=object)
    moves = pd.DataFrame(
        {
            "position": position[moved],
            "what": "state",
            "start": result.log.events["time"][moved],
            "value": states[result.log.events["state"][moved].astype(np.int64)],
        }
    )
    ends = pd.DataFrame(
        {
            "position": np.arange(size),
            "what": "end",
            "start": lives.years[:size],
            "value": np.where(lives.died[:size], "death", "alive"),
        }
    )
    return pd.concat([bars, marks, moves, ends], ignore_index=True), order.astype(np.int64)


def _swimmer(view: View, strategy: str) -> Sheet:
    result = view.results.strategies[strategy]
    data, order = swum(view, strategy)
    row = np.empty(order.size, dtype=np.int64)
    row[order] = np.arange(order.size)
    data = data.assign(row=row[data["position"].to_numpy(dtype=np.int64)])
    last = float(np.ceil(max(float(lifetimes(run.log, run.program).years[: order.size].max()) for run in view.runs)))
    conditions = [spec.name for spec in result.program.conditions]
    with style():
        figure = paper(9.0, 0.9 + 0.115 * order.size)
        axes = figure.add_subplot()
        bars = data[data["what"] == "regimen"]
        axes.add_collection(
            PatchCollection(
                [Rectangle((start, r - 0.36), stop - start, 0.72) for start, stop, r in zip(bars["start"], bars["stop"], bars["row"], strict=True)],
                facecolors=[view.regimens[int(bits)] for bits in bars["value"]], edgecolors="none",
            )
        )  # fmt: skip
        keys: list[Patch | Line2D] = [
            Patch(facecolor=view.regimens[bits], label=wrapped(view.regimen(bits, result.program), 44, 1))
            for bits in view.regimens
            if str(bits) in set(bars["value"])
        ]
        for rank, name in enumerate(conditions):
            seen = data[(data["what"] == "condition") & (data["value"] == name)]
            symbol: dict[str, Any] = {
                "marker": CONDITION_MARKS[rank % 6],
                "color": CONDITION_COLOURS[rank % 6],
                "markeredgecolor": "white",
                "markeredgewidth": 0.4,
                "linestyle": "",
            }
            axes.plot(seen["start"], seen["row"], markersize=4.6, **symbol)
            if len(seen):
                keys.append(Line2D([], [], markersize=5, label=wrapped(view.condition(name), 44, 1), **symbol))
        moved = data[data["what"] == "state"]
        if len(moved):
            axes.plot(
                moved["start"],
                moved["row"],
                marker="*",
                color=INK,
                markersize=7,
                linestyle="",
                markeredgecolor="white",
                markeredgewidth=0.4,
            )
            keys.append(
                Line2D(
                    [],
                    [],
                    marker="*",
                    color=INK,
                    markersize=7,
                    linestyle="",
                    label=", ".join(view.state(name) for name in sorted(set(moved["value"]))),
                )
            )
        ends = data[data["what"] == "end"]
        for value, mark, words in (("death", "x", "died"), ("alive", ">", "alive at the horizon")):
            part = ends[ends["value"] == value]
            axes.plot(
                part["start"], part["row"], marker=mark, color=INK, markersize=3.6, markeredgewidth=1.1, linestyle=""
            )
            if len(part):
                keys.append(
                    Line2D([], [], marker=mark, color=INK, markersize=4, markeredgewidth=1.1, linestyle="", label=words)
                )
        year_ticks(axes, last)
        axes.set_xlim(-0.05, last * 1.01)
        axes.set_ylim(order.size - 0.4, -0.6)
        patients = result.log.events["patient"][
            np.r_[True, result.log.events["patient"][1:] != result.log.events["patient"][:-1]]
        ][: order.size]
        axes.set_yticks(np.arange(order.size), [f"{patients[k]}" for k in order], fontsize=5.6)
        axes.tick_params(axis="y", length=0, labelcolor=PALE)
        axes.spines["left"].set_visible(False)
        axes.set_ylabel("Patient", color=PALE)
        axes.set_xlabel("Years since entry")
        grid_lines(axes, "x")
        figure.legend(handles=keys, loc="outside lower left", ncols=3, fontsize=7.6, handlelength=1.1)
    deaths = int((ends["value"] == "death").sum())
    numbers = data.assign(patient=patients[data["position"].to_numpy(dtype=np.int64)])
    numbers = numbers.assign(
        value=[
            view.regimen(int(value), result.program) if what == "regimen" else value
            for what, value in zip(numbers["what"], numbers["value"], strict=True)
        ]
    )
    return Sheet(
        name=f"swimmer-{strategy}", title=f"Some lives: {view.labels[strategy]}", figure=figure, data=numbers[["patient", "what", "start", "stop", "value"]],
        caption=f"The first {order.size} patients, one bar a life, in the order of their lives under the comparator: the same patient has the same row in every such plot.",
        alt=f"Swimmer plot of {order.size} patients under {view.labels[strategy]}; {deaths} died within {last:g} years.",
    )  # fmt: skip
