"""Lines of therapy as a flow (Sankey): columns are lines, bars are regimens, widths are patients.

Patients whose pathway ends on a line (death, supportive care, still on it) are drawn in the next column, beneath those who go on, so that no band crosses a column.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path as Outline
from numpy.typing import NDArray

from pathway.eventlog import EventLog
from pathway.program import Program
from pathway.report.figures.canvas import INK, PALE, Sheet, paper
from pathway.report.histories import Reading
from pathway.report.view import DEAD_COLOUR, View, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Ints = NDArray[np.int64]
COLUMNS = 6
"""Lines drawn; later ones are counted with the last."""
OTHER_SHARE = 0.012
"""Regimens with fewer patients than this share of a column are drawn together."""
BAR = 0.16
LABELLED = 0.008
TALL = 0.12
"""A bar of this height has room for three lines of words."""
GAP = 0.028


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A bar: its column, its place from the top and height (shares of all patients), and how it looks."""

    column: int
    key: str
    words: str
    colour: str
    top: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A band between two bars of neighbouring columns: tops at its ends and height, shares of all patients."""

    column: int
    left: float
    right: float
    height: float
    colour: str


def places(log: EventLog, program: Program) -> pd.DataFrame:
    """Where every patient stands in every column.

    Returns
    -------
    One row a patient, one column a line reached in order (``0``, ``1``, ...): ``regimen:<bits>``, then ``end:death``, ``end:still_on`` or ``state:<state>`` where
    the lines end; empty afterwards.
    """
    return _places(Reading(log, program))


def _places(reading: Reading) -> pd.DataFrame:
    """Places of patients in a log that is read already."""
    log, program = reading.log, reading.program
    regimen, reached = reading.regimens_by_line
    last_line = len(program.lines)
    reached = reached[:, 1 : last_line + 1]
    regimen = regimen[:, 1 : last_line + 1]
    spans, lives = reading.spans, reading.lifetimes
    n = log.patients
    words = {bits: f"regimen:{bits}" for bits in np.unique(regimen).tolist()}
    table = np.full((n, COLUMNS + 2), "", dtype=object)
    filled = np.zeros(n, dtype=np.int64)
    for line in range(reached.shape[1]):
        who = np.flatnonzero(reached[:, line] & (regimen[:, line] > 0))
        at = np.minimum(filled[who], COLUMNS - 1)
        table[who, at] = [words[bits] for bits in regimen[who, line].tolist()]
        filled[who] = np.minimum(filled[who] + 1, COLUMNS)
    # The first state after the lines that is neither a line nor absorbing, such as supportive care.
    outside = np.array([line < 0 and not program.absorbing >> k & 1 for k, line in enumerate(program.state_line)])
    ends = np.flatnonzero(outside[spans.state])
    ends = ends[np.unique(spans.patient[ends], return_index=True)[1]]
    state = np.full(n, -1, dtype=np.int64)
    state[spans.patient[ends]] = spans.state[ends]
    end = np.where(lives.died, "end:death", "end:still_on").astype(object)
    cares = state >= 0
    end[cares] = [f"state:{program.states[k]}" for k in state[cares]]
    table[np.arange(n), filled] = end
    return pd.DataFrame(table, index=spans.patients).loc[:, lambda frame: (frame != "").any(axis=0)]


def _merge_small(table: pd.DataFrame) -> pd.DataFrame:
    """Rare regimens of a column become one bar."""
    merged = table.copy()
    for column in table.columns:
        counts = table[column].value_counts()
        small = [
            key for key, count in counts.items() if str(key).startswith("regimen:") and count < OTHER_SHARE * len(table)
        ]
        if len(small) > 1:
            merged[column] = table[column].where(~table[column].isin(small), "regimen:other")
    return merged


def _look_of(view: View, program: Program, key: str) -> tuple[str, str]:
    """Words and colour of a bar."""
    kind, _, what = key.partition(":")
    if kind == "regimen":
        return (view.regimen(int(what), program), view.regimens.get(int(what), PALE)) if what != "other" else ("other regimens", "#B0B0B0")
    if kind == "end":
        return ("died", DEAD_COLOUR) if what == "death" else ("still on it", "#9FC5A8")
    return view.state(what), view.state_colour(program.states.index(what), program) if what in program.states else PALE


def _order(key: str) -> tuple[int, int, str]:
    """Regimens first, in a lasting order, then the ends."""
    kind, _, what = key.partition(":")
    rank = {"regimen": 0, "state": 1}.get(kind, 3 if what == "death" else 2)
    return rank, int(what) if what.isdigit() else 10**9, key


def flow_figures(view: View) -> list[Sheet]:
    """One flow a strategy that has lines."""
    return [sheet for name in view.ids if view.results.strategies[name].program.lines for sheet in _flow(view, name)]


def _flow(view: View, strategy: str) -> list[Sheet]:
    result = view.results.strategies[strategy]
    table = _merge_small(_places(view.reading(result)))
    if len(table.columns) < 2:
        return []
    nodes = _nodes(view, result.program, table)
    links = _links(table)
    firsts = [node for node in nodes if node.column == 0]
    return [
        Sheet(
            name=f"lines-{strategy}", title=f"Lines of therapy: {view.labels[strategy]}", data=links, drawing=partial(draw_flow, nodes, _bands(nodes, links)),
            caption="Widths are patients; the regimen of a line is the one it begins with. Those whose lines end are shown once, in the column after their last line: "
            "supportive care, death before another line, or still on it at the horizon.",
            alt=f"Flow of {len(table):,} patients through lines of therapy under {view.labels[strategy]}. First: " + "; ".join(f"{n.words} {n.height:.0%}" for n in firsts) + ".",
        )
    ]  # fmt: skip


def _nodes(view: View, program: Program, table: pd.DataFrame) -> list[Node]:
    """Bars of every column, from the top."""
    nodes = []
    for column in range(len(table.columns)):
        counts = table[column][table[column] != ""].value_counts()
        top = 0.0
        for key, patients in sorted(((str(key), int(count)) for key, count in counts.items()), key=lambda pair: _order(pair[0])):
            words, colour = _look_of(view, program, key)
            nodes.append(Node(column=column, key=key, words=words, colour=colour, top=top, height=patients / len(table)))
            top += patients / len(table) + GAP
    return nodes


def _links(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers of patients between neighbouring columns: column, source, target, patients, share."""
    parts = []
    for left in range(len(table.columns) - 1):
        both = table[(table[left] != "") & (table[left + 1] != "")]
        pairs = pd.DataFrame({"source": both[left], "target": both[left + 1]})
        counts = pairs.groupby(["source", "target"], sort=True).size().reset_index(name="patients")
        counts.insert(0, "column", left)
        parts.append(counts)
    links = pd.concat(parts, ignore_index=True)
    return links.assign(share=links["patients"] / len(table))


def _bands(nodes: list[Node], links: pd.DataFrame) -> list[Band]:
    """Bands, those of one bar stacked in the order of the bars they join."""
    known = {(node.column, node.key): node for node in nodes}
    left_used, right_used = dict.fromkeys(known, 0.0), dict.fromkeys(known, 0.0)
    rows = [(int(row["column"]), str(row["source"]), str(row["target"]), float(row["share"])) for row in links.to_dict("records")]
    bands = []
    for column, source, target, height in sorted(rows, key=lambda row: (row[0], _order(row[1]), _order(row[2]))):
        begin, end = (column, source), (column + 1, target)
        left, right = known[begin].top + left_used[begin], known[end].top + right_used[end]
        bands.append(Band(column=column, left=left, right=right, height=height, colour=known[begin].colour))
        left_used[begin] += height
        right_used[end] += height
    return bands


def draw_flow(nodes: list[Node], bands: list[Band]) -> Figure:
    """Draw bands, then bars with their words."""
    last = max(node.column for node in nodes)
    figure = paper(min(9.6, 1.2 + 2.1 * (last + 1)), 4.3)
    axes = figure.add_subplot()
    for band in bands:
        axes.add_patch(PathPatch(_outline(band), facecolor=band.colour, alpha=0.30, edgecolor="none"))
    for node in nodes:
        _draw_node(axes, node)
    for column in sorted({node.column for node in nodes if node.key.startswith("regimen")}):
        head = f"Line {column + 1}" + (" and later" if column == COLUMNS - 1 else "")
        axes.text(column + BAR / 2, -0.03, head, ha="center", va="bottom", fontsize=8.5, fontweight="bold")
    axes.set_xlim(-0.05, last + 1.0)
    axes.set_ylim(max(node.top + node.height for node in nodes) + 0.02, -0.1)
    axes.axis("off")
    return figure


def _outline(band: Band) -> Outline:
    """Edge of a band: two curves that leave and arrive level."""
    x0, x1 = band.column + BAR, band.column + 1.0
    middle = (x0 + x1) / 2.0
    codes = [Outline.MOVETO, *[Outline.CURVE4] * 3, Outline.LINETO, *[Outline.CURVE4] * 3, Outline.CLOSEPOLY]
    above = [(x0, band.left), (middle, band.left), (middle, band.right), (x1, band.right)]
    below = [(x, y + band.height) for x, y in reversed(above)]
    return Outline([*above, *below, above[0]], codes)


def _draw_node(axes: Axes, node: Node) -> None:
    """Draw a bar with its words to the right; a bar too thin for words stays without."""
    axes.add_patch(Rectangle((node.column, node.top), BAR, node.height, facecolor=node.colour, edgecolor=PALE, linewidth=0.5))
    if node.height < LABELLED:
        return
    axes.text(
        node.column + BAR + 0.025, node.top + node.height / 2.0, f"{wrapped(node.words, 24, 3 if node.height > TALL else 2)}  {node.height:.0%}", ha="left", va="center", fontsize=7.4, color=INK,
        bbox={"facecolor": "white", "alpha": 0.6, "edgecolor": "none", "pad": 0.6},
    )  # fmt: skip
