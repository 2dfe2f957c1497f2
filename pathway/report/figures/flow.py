"""Lines of therapy as a flow (Sankey): columns are lines, bars are regimens, widths are patients.

Patients whose pathway ends on a line (death, supportive care, still on it) are drawn in the next column, beneath those who go on, so that no band crosses a column.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path as Outline
from numpy.typing import NDArray

from pathway.eventlog import EventLog
from pathway.program import Program
from pathway.report.figures.canvas import INK, PALE, Sheet, paper, style
from pathway.report.histories import lifetimes, regimens_by_line, spans_of
from pathway.report.view import DEAD_COLOUR, View, wrapped

Ints = NDArray[np.int64]
COLUMNS = 6
"""Lines drawn; later ones are counted with the last."""
OTHER_SHARE = 0.012
"""Regimens with fewer patients than this share of a column are drawn together."""
BAR = 0.16
LABELLED = 0.008
GAP = 0.028


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A bar: its column, key (for colour and order), words and number of patients."""

    column: int
    key: str
    words: str
    colour: str
    patients: int


def places(log: EventLog, program: Program) -> pd.DataFrame:
    """Where every patient stands in every column.

    Returns
    -------
    One row a patient, one column a line reached in order (``0``, ``1``, ...): ``regimen:<bits>``, then ``end:death``, ``end:still_on`` or ``state:<state>`` where
    the lines end; empty afterwards.
    """
    regimen, reached = regimens_by_line(log)
    last_line = len(program.lines)
    reached = reached[:, 1 : last_line + 1]
    regimen = regimen[:, 1 : last_line + 1]
    spans = spans_of(log)
    lives = lifetimes(log, program)
    n = log.patients
    table = np.full((n, COLUMNS + 2), "", dtype=object)
    filled = np.zeros(n, dtype=np.int64)
    for line in range(reached.shape[1]):
        who = np.flatnonzero(reached[:, line] & (regimen[:, line] > 0))
        at = np.minimum(filled[who], COLUMNS - 1)
        table[who, at] = np.char.add("regimen:", regimen[who, line].astype(str))
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


def _node(view: View, program: Program, column: int, key: str, patients: int) -> Node:
    """Words and colour of a bar."""
    kind, _, what = key.partition(":")
    if kind == "regimen" and what != "other":
        bits = int(what)
        return Node(
            column=column,
            key=key,
            words=view.regimen(bits, program),
            colour=view.regimens.get(bits, PALE),
            patients=patients,
        )
    words, colour = {
        "regimen": ("other regimens", "#B0B0B0"),
        "end": ("died" if what == "death" else "still on it", DEAD_COLOUR if what == "death" else "#9FC5A8"),
    }.get(
        kind,
        (view.state(what), view.state_colour(program.states.index(what), program) if what in program.states else PALE),
    )
    return Node(column=column, key=key, words=words, colour=colour, patients=patients)


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
    table = _merge_small(places(result.log, result.program))
    total = len(table)
    columns = list(table.columns)
    if len(columns) < 2:
        return []
    with style():
        figure = paper(min(9.6, 1.2 + 2.1 * len(columns)), 4.3)
        axes = figure.add_subplot()
        tops: dict[tuple[int, str], float] = {}
        nodes: dict[tuple[int, str], Node] = {}
        for column in columns:
            counts = table[column][table[column] != ""].value_counts()
            y = 0.0
            for key in sorted(counts.index, key=_order):
                node = _node(view, result.program, column, str(key), int(counts[key]))
                nodes[column, str(key)], tops[column, str(key)] = node, y
                y += node.patients / total + GAP
        links = _links(table)
        _draw_links(axes, links, tops, nodes, total)
        for place, node in nodes.items():
            _draw_node(axes, node, tops[place], total)
        ends_now = {column: any(key.startswith("regimen") for at, key in nodes if at == column) for column in columns}
        for column in columns:
            head = f"Line {column + 1}" + (" and later" if column == COLUMNS - 1 else "")
            axes.text(
                column + BAR / 2,
                -0.03,
                head if ends_now[column] else "",
                ha="center",
                va="bottom",
                fontsize=8.5,
                fontweight="bold",
            )
        deepest = max(tops[place] + node.patients / total for place, node in nodes.items())
        axes.set_xlim(-0.05, columns[-1] + 1.0)
        axes.set_ylim(deepest + 0.02, -0.1)
        axes.axis("off")
    links = links.assign(share=links["patients"] / total)
    firsts = [node for (column, _), node in nodes.items() if column == 0]
    return [
        Sheet(
            name=f"lines-{strategy}", title=f"Lines of therapy: {view.labels[strategy]}", figure=figure, data=links,
            caption="Widths are patients; the regimen of a line is the one it begins with. Those whose lines end are shown once, in the column after their last line: "
            "supportive care, death before another line, or still on it at the horizon.",
            alt=f"Flow of {total:,} patients through lines of therapy under {view.labels[strategy]}. First: " + "; ".join(f"{n.words} {n.patients / total:.0%}" for n in firsts) + ".",
        )
    ]  # fmt: skip


def _links(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers of patients between neighbouring columns."""
    parts = []
    for left, right in zip(table.columns[:-1], table.columns[1:], strict=True):
        both = table[(table[left] != "") & (table[right] != "")]
        pairs = pd.DataFrame({"source": both[left], "target": both[right]})
        counts = pairs.groupby(["source", "target"], sort=True).size().reset_index(name="patients")
        counts.insert(0, "column", left)
        parts.append(counts)
    return pd.concat(parts, ignore_index=True)


def _draw_links(
    axes: Axes, links: pd.DataFrame, tops: dict[tuple[int, str], float], nodes: dict[tuple[int, str], Node], total: int
) -> None:
    """Draw bands, those of one bar stacked in the order of the bars they join."""
    left_used = dict.fromkeys(tops, 0.0)
    right_used = dict.fromkeys(tops, 0.0)
    ordered = sorted(
        links.itertuples(index=False), key=lambda row: (row.column, _order(str(row.source)), _order(str(row.target)))
    )
    for row in ordered:
        source, target = (int(row.column), str(row.source)), (int(row.column) + 1, str(row.target))
        height = int(row.patients) / total
        y0, y1 = tops[source] + left_used[source], tops[target] + right_used[target]
        left_used[source] += height
        right_used[target] += height
        x0, x1 = row.column + BAR, row.column + 1.0
        middle = (x0 + x1) / 2.0
        codes = [Outline.MOVETO, *[Outline.CURVE4] * 3, Outline.LINETO, *[Outline.CURVE4] * 3, Outline.CLOSEPOLY]
        points = [
            (x0, y0),
            (middle, y0),
            (middle, y1),
            (x1, y1),
            (x1, y1 + height),
            (middle, y1 + height),
            (middle, y0 + height),
            (x0, y0 + height),
            (x0, y0),
        ]
        axes.add_patch(PathPatch(Outline(points, codes), facecolor=nodes[source].colour, alpha=0.30, edgecolor="none"))


def _draw_node(axes: Axes, node: Node, top: float, total: int) -> None:
    """Draw a bar with its words to the right; a bar too thin for words stays without."""
    height = node.patients / total
    axes.add_patch(Rectangle((node.column, top), BAR, height, facecolor=node.colour, edgecolor=PALE, linewidth=0.5))
    if height < LABELLED:
        return
    axes.text(
        node.column + BAR + 0.025, top + height / 2.0, f"{wrapped(node.words, 24, 2)}  {node.patients / total:.0%}", ha="left", va="center", fontsize=7.4, color=INK,
        bbox={"facecolor": "white", "alpha": 0.6, "edgecolor": "none", "pad": 0.6},
    )  # fmt: skip
