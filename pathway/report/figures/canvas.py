"""Paper and pens of the figures: one style, number-at-risk tables, labels at the ends of lines.

Drawn with matplotlib's object interface, imported when a figure is asked for. This module must not know what is drawn.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakSet

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
INK = "#222222"
PALE = "#767676"
RULE = "#DDDDDD"
PNG_EFFORT = 1
"""Of 9: files are a fifth larger than the smallest, and soon written."""
STYLE: Any = {
    "font.family": "DejaVu Sans", "font.size": 8.5, "axes.titlesize": 9.5, "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.labelsize": 8.5,
    "axes.edgecolor": PALE, "axes.linewidth": 0.7, "axes.spines.top": False, "axes.spines.right": False, "axes.labelcolor": INK, "text.color": INK,
    "xtick.color": PALE, "ytick.color": PALE, "xtick.labelcolor": INK, "ytick.labelcolor": INK, "xtick.major.width": 0.7, "ytick.major.width": 0.7,
    "lines.linewidth": 1.7, "axes.grid": False, "legend.frameon": False, "svg.fonttype": "none", "svg.hashsalt": "pathway", "text.parse_math": False,
    "axes.unicode_minus": True, "figure.dpi": 100, "hatch.linewidth": 0.6,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One figure with what is needed to read it without seeing it, and to draw it anywhere.

    Attributes
    ----------
    name
        File name without ending.
    caption
        What is shown and how it was made.
    alt
        Text in place of the picture.
    data
        The plotted numbers, one row a point.
    drawing
        Makes the figure. It holds numbers and words only, no histories, so that another process can draw it.
    """

    name: str
    title: str
    caption: str
    alt: str
    data: pd.DataFrame
    drawing: Callable[[], Figure]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A figure as it is kept: SVG text and PNG bytes (160 dots an inch) of the same layout."""

    svg: str
    png: bytes


def picture_of(drawing: Callable[[], Figure]) -> Picture:
    """Draw a figure, lay it out once and write it twice."""
    with style():
        figure = drawing()
    return Picture(svg=as_svg(figure), png=as_png(figure))


@contextmanager
def style() -> Iterator[None]:
    """Draw in the house style; nothing is left behind for others."""
    import matplotlib as mpl

    with mpl.rc_context(STYLE):
        yield


def paper(width: float, height: float) -> Figure:
    """Return an empty figure, in inches; :func:`as_svg` and :func:`as_png` lay it out inside these."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height))


_LAID_OUT: WeakSet[Figure] = WeakSet()
"""Figures whose places were found: layout costs as much as drawing, so it is done once for both formats."""


def _lay_out(figure: Figure) -> None:
    """Give every part its room, once."""
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    if figure not in _LAID_OUT:
        # Run by hand: a figure that owns an engine is drawn twice at every saving.
        ConstrainedLayoutEngine().execute(figure)
        _LAID_OUT.add(figure)


def as_svg(figure: Figure) -> str:
    """Figure as SVG text: same bytes every time, and fonts of the same width where DejaVu Sans is missing.

    A figure is laid out once; what is drawn on it later finds its place taken.
    """
    text = io.StringIO()
    with style():
        _lay_out(figure)
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue().replace("'DejaVu Sans'", "'DejaVu Sans', Verdana, Arial, sans-serif")


def as_png(figure: Figure) -> bytes:
    """Figure as PNG, 160 dots an inch."""
    data = io.BytesIO()
    with style():
        _lay_out(figure)
        figure.savefig(data, format="png", dpi=160, metadata={"Software": None}, pil_kwargs={"compress_level": PNG_EFFORT})
    return data.getvalue()


def inline_svg(svg: str, alt: str, name: str) -> str:
    """SVG as it stands inside a page: no prologue, ids of its own, a role and an escaped label."""
    from html import escape

    body = svg[svg.index("<svg") :]
    prefix = re.sub(r"[^a-z0-9]", "-", name.lower())
    body = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', body)
    body = re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}-\1)", body)
    body = re.sub(r'href="#([^"]+)"', rf'href="#{prefix}-\1"', body)
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    return body.replace("<svg ", f'<svg role="img" aria-label="{escape(alt, quote=True)}" ', 1)


def year_ticks(axes: Axes, last: float) -> None:
    """Whole years, some six of them."""
    axes.set_xlim(0.0, last)
    axes.set_xticks(ticks_of(last))


def ticks_of(last: float) -> Floats:
    """Whole years from 0 on, at most nine of them."""
    step = next((step for step in (1, 2, 5, 10, 20) if last / step <= 8), 20)
    return np.arange(0.0, last + 1e-9, step)


def share_axis(axes: Axes) -> None:
    """Per cent from 0 to 100."""
    from matplotlib.ticker import PercentFormatter

    axes.set_ylim(0.0, 1.0)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))


def grid_lines(axes: Axes, which: Literal["both", "x", "y"] = "y") -> None:
    """Thin lines behind the data."""
    axes.grid(visible=True, axis=which, color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move labels apart, as little as it takes.

    Examples
    --------
    >>> [round(y, 2) for y in spread([0.5, 0.5, 0.9], 0.1, 0.0, 1.0)]
    [0.45, 0.55, 0.9]
    """
    order = sorted(range(len(wanted)), key=lambda i: (wanted[i], i))
    groups: list[tuple[float, list[int]]] = []

    def bounds(group: tuple[float, list[int]]) -> tuple[float, float]:
        half = (len(group[1]) - 1) * gap / 2.0
        middle = min(max(group[0], low + half), high - half)
        return middle - half, middle + half

    for i in order:
        groups.append((wanted[i], [i]))
        while len(groups) > 1 and bounds(groups[-1])[0] - bounds(groups[-2])[1] < gap - 1e-12:
            members = groups[-2][1] + groups[-1][1]
            groups[-2:] = [(sum(wanted[m] for m in members) / len(members), members)]
    placed = [0.0] * len(wanted)
    for group in groups:
        for rank, member in enumerate(group[1]):
            placed[member] = bounds(group)[0] + rank * gap
    return placed


def strategy_legend(figure: Figure, names: Sequence[tuple[str, str]]) -> None:
    """(text, colour) of all strategies, under a figure of panels."""
    from matplotlib.lines import Line2D

    figure.legend(
        [Line2D([], [], color=colour, linewidth=2.4) for _, colour in names], [text for text, _ in names],
        loc="outside lower left", ncols=3 if max(len(text) for text, _ in names) <= 44 else 2, fontsize=7.8, handlelength=1.4,
    )  # fmt: skip


def at_risk_table(
    axes: Axes,
    ticks: Floats,
    rows: Sequence[tuple[str, str, Sequence[int]]],
    last: float,
    *,
    head: str = "Number at risk",
) -> None:
    """Numbers under a curve: (label, colour, number at each tick)."""
    axes.set_xlim(0.0, last)
    axes.set_ylim(len(rows) - 0.4, -1.0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(0.0, -0.95, head, fontsize=7.5, color=PALE, va="center", ha="left")
    for rank, (label, colour, numbers) in enumerate(rows):
        axes.annotate(
            label,
            xy=(0, rank),
            xytext=(-14, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=7.2,
            color=colour,
            annotation_clip=False,
        )
        for tick, number in zip(ticks, numbers, strict=True):
            axes.text(tick, rank, f"{number:,}", ha="center", va="center", fontsize=7.2, color=INK)
