"""Swimmer plot: some forty lives, one bar each, coloured by what was given."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.collections import PatchCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from numpy.typing import NDArray

from pathway.eventlog import Kind
from pathway.report.figures.canvas import INK, PALE, Sheet, grid_lines, paper, year_ticks
from pathway.report.view import View, wrapped

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LIVES = 40
CONDITION_MARKS = ("o", "^", "s", "D", "v", "P")
CONDITION_COLOURS = ("#E69F00", "#D55E00", "#56B4E9", "#CC79A7", "#000000", "#009E73")


def swimmer_figures(view: View) -> list[Sheet]:
    """One plot a strategy: the same first patients under each, so that a life can be compared."""
    return [_swimmer(view, name) for name in view.ids]


def swum(view: View, strategy: str) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Stretches of equal regimen, marks of events and ends of the sampled lives, one row each; and the patients, longest life first under the comparator."""
    result = view.results.strategies[strategy]
    lives = view.reading(result).lifetimes
    base = view.results.strategies.get(view.comparator, result)
    size = min(LIVES, result.log.patients)
    # Order by the comparator's lives, so that a patient keeps the row in every plot.
    order = np.argsort(-view.reading(base).lifetimes.years[:size], kind="stable")
    spans = view.reading(result).spans
    chosen = np.flatnonzero((spans.patient < size) & (spans.stop > spans.start))
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
    few = int(np.searchsorted(spans.patient, size))  # rows of the sampled patients stand first
    position, events = spans.patient[:few], {name: column[:few] for name, column in result.log.events.items()}
    rows = events["kind"] == Kind.CONDITION
    names = np.array([*result.log.names, ""], dtype=object)
    marks = pd.DataFrame(
        {
            "position": position[rows],
            "what": "condition",
            "start": events["time"][rows],
            "value": names[events["name"][rows]],
        }
    )
    special = [
        k
        for k, line in enumerate(result.program.state_line)
        if line < 0 and not result.program.absorbing >> k & 1 and k != result.program.last_resort
    ]
    moved = (events["kind"] == Kind.MOVE) & np.isin(events["state"], special)
    states = np.array(result.program.states, dtype=object)
    moves = pd.DataFrame(
        {
            "position": position[moved],
            "what": "state",
            "start": events["time"][moved],
            "value": states[events["state"][moved].astype(np.int64)],
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Lives:
    """What a swimmer plot shows.

    Attributes
    ----------
    data
        From :func:`swum`, with the row of each patient.
    patients
        Their numbers, from the top.
    regimens
        Bits as text: words and colour.
    conditions
        Id and words, in the order of their marks.
    special
        Words for the states marked by a star.
    last
        Years drawn.
    """

    data: pd.DataFrame
    patients: tuple[int, ...]
    regimens: dict[str, tuple[str, str]]
    conditions: tuple[tuple[str, str], ...]
    special: str
    last: float


def _symbol(marker: str, colour: str) -> dict[str, Any]:
    return {"marker": marker, "color": colour, "markeredgecolor": "white", "markeredgewidth": 0.4, "linestyle": ""}


def draw_lives(lives: Lives) -> Figure:
    """Bars of lives, marks on them, and the key beneath."""
    data = lives.data
    figure = paper(9.2, 1.1 + 0.135 * len(lives.patients))
    axes = figure.add_subplot()
    bars = data[data["what"] == "regimen"]
    axes.add_collection(
        PatchCollection(
            [Rectangle((start, r - 0.36), stop - start, 0.72) for start, stop, r in zip(bars["start"], bars["stop"], bars["row"], strict=True)],
            facecolors=[lives.regimens[bits][1] for bits in bars["value"]], edgecolors="none",
        )
    )  # fmt: skip
    given = set(bars["value"])
    keys: list[Patch | Line2D] = [Patch(facecolor=colour, label=wrapped(words, 72, 1)) for bits, (words, colour) in lives.regimens.items() if bits in given]
    marks = [("condition", name, words, 4.6, _symbol(CONDITION_MARKS[k % 6], CONDITION_COLOURS[k % 6])) for k, (name, words) in enumerate(lives.conditions)]
    marks.append(("state", "", lives.special, 7.0, _symbol("*", INK)))
    crossed = {"color": INK, "markeredgewidth": 1.1, "linestyle": ""}
    marks += [("end", "death", "died", 3.6, {"marker": "x", **crossed}), ("end", "alive", "alive at the horizon", 3.6, {"marker": ">", **crossed})]
    for what, name, words, size, symbol in marks:
        seen = data[(data["what"] == what) & ((data["value"] == name) | (name == ""))]
        if len(seen):
            axes.plot(seen["start"], seen["row"], markersize=size, **symbol)
            keys.append(Line2D([], [], markersize=min(size + 0.4, 7.0), label=wrapped(words, 44, 1), **symbol))
    year_ticks(axes, lives.last)
    axes.set_xlim(-0.05, lives.last * 1.01)
    axes.set_ylim(len(lives.patients) - 0.4, -0.6)
    axes.set_yticks(np.arange(len(lives.patients)), [str(number) for number in lives.patients], fontsize=6.6)
    axes.tick_params(axis="y", length=0, labelcolor=PALE)
    axes.spines["left"].set_visible(False)
    axes.set_ylabel("Patient", color=PALE)
    axes.set_xlabel("Years since entry")
    grid_lines(axes, "x")
    is_long = max(len(str(key.get_label())) for key in keys) > 42
    figure.legend(handles=keys, loc="outside lower left", ncols=2 if is_long else 3, fontsize=7.6, handlelength=1.1)
    return figure


def _swimmer(view: View, strategy: str) -> Sheet:
    result = view.results.strategies[strategy]
    program = result.program
    data, order = swum(view, strategy)
    row = np.empty(order.size, dtype=np.int64)
    row[order] = np.arange(order.size)
    data = data.assign(row=row[data["position"].to_numpy(dtype=np.int64)])
    last = float(np.ceil(max(float(view.reading(run).lifetimes.years[: order.size].max()) for run in view.runs)))
    patients = view.reading(result).spans.patients[: order.size]
    lives = Lives(
        data=data, patients=tuple(patients[order].tolist()), regimens={str(bits): (view.regimen(bits, program), colour) for bits, colour in view.regimens.items()},
        conditions=tuple((spec.name, view.condition(spec.name)) for spec in program.conditions),
        special=", ".join(view.state(str(name)) for name in sorted(set(data.loc[data["what"] == "state", "value"]))), last=last,
    )  # fmt: skip
    deaths = int(((data["what"] == "end") & (data["value"] == "death")).sum())
    numbers = data.assign(
        patient=patients[data["position"].to_numpy(dtype=np.int64)],
        value=[lives.regimens[str(value)][0] if what == "regimen" else value for what, value in zip(data["what"], data["value"], strict=True)],
    )
    return Sheet(
        name=f"swimmer-{strategy}", title=f"Some lives: {view.labels[strategy]}", drawing=partial(draw_lives, lives), data=numbers[["patient", "what", "start", "stop", "value"]],
        caption=f"The first {order.size} patients, one bar a life, in the order of their lives under the comparator: the same patient has the same row in every such plot.",
        alt=f"Swimmer plot of {order.size} patients under {view.labels[strategy]}; {deaths} died within {last:g} years.",
    )  # fmt: skip
