"""Figures of drugs begun on each line: why they ended, and how long they were taken."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.ticker import PercentFormatter

from pathway.program import FAILURES
from pathway.report.courses import DIED, GOES_ON, LineCourses, line_courses, reason_words, reasons_in_order
from pathway.report.figures.canvas import INK, Sheet, grid_lines, paper
from pathway.report.figures.curves import Retention, draw_retention, fewest, medians_of, retention
from pathway.report.view import Look, View, plain, wrapped

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LINES_SHOWN = 4
FAILURE_COLOURS = ("#B2182B", "#EF8A62", "#7F0000", "#C994C7")
KNOWN_COLOURS = {
    "intolerance": "#2166AC", "safety": "#67A9CF", "contraindication": "#7570B3", "choice": "#E6AB02", "completed": "#1B9E77", "good_response": "#66A61E",
    "not_covered": "#542788", "bridge": "#C7A76C",
}  # fmt: skip
"""Reasons that most diseases have keep their colour in every report."""
OTHER_COLOURS = ("#A6761D", "#5E4FA2", "#01665E", "#80CDC1")
END_COLOURS = {DIED: "#8C8C8C", GOES_ON: "#E3E3E3"}


def stopping_figures(view: View) -> list[Sheet]:
    """Reasons of stopping and time on drug, by line."""
    by_strategy = {run.strategy: line_courses(view.reading(run)) for run in view.runs}
    return [*_reasons(view, by_strategy), *_time_on_drug(view, by_strategy)]


def lines_of(view: View, by_strategy: dict[str, LineCourses]) -> list[int]:
    """First lines on which some strategy begins enough courses to be shown."""
    enough = fewest(view.results.cohort.size)
    most = max((int(courses.line.max(initial=0)) for courses in by_strategy.values()), default=0)
    return [line for line in range(1, most + 1) if any(int((courses.line == line).sum()) >= enough for courses in by_strategy.values())][:LINES_SHOWN]


def reason_numbers(by_strategy: dict[str, LineCourses]) -> pd.DataFrame:
    """How courses ended: strategy, line, reason, courses (begun on that line), share (of these)."""
    rows: list[dict[str, object]] = []
    for strategy, courses in by_strategy.items():
        for line in np.unique(courses.line[courses.line > 0]).tolist():
            mine = courses.reason[courses.line == line]
            rows += [
                {"strategy": strategy, "line": line, "reason": reason, "courses": mine.size, "share": float((mine == reason).mean())}
                for reason in reasons_in_order(set(mine))
            ]
    return pd.DataFrame(rows, columns=["strategy", "line", "reason", "courses", "share"])


def colours_of(reasons: Sequence[str]) -> dict[str, str]:
    """Colour of each reason: reds for failures, greys for those who did not stop."""
    failures = [reason for reason in reasons if reason in FAILURES]
    others = [reason for reason in reasons if reason not in {*FAILURES, *KNOWN_COLOURS, *END_COLOURS}]
    return {
        **KNOWN_COLOURS,
        **{reason: FAILURE_COLOURS[k % len(FAILURE_COLOURS)] for k, reason in enumerate(failures)},
        **{reason: OTHER_COLOURS[k % len(OTHER_COLOURS)] for k, reason in enumerate(others)},
        **END_COLOURS,
    }


def _reasons(view: View, by_strategy: dict[str, LineCourses]) -> list[Sheet]:
    data = reason_numbers(by_strategy)
    lines = lines_of(view, by_strategy)
    if not lines:
        return []
    shown = data[data["line"].isin(lines)]
    reasons = reasons_in_order(set(shown["reason"]))
    first = shown[shown["line"] == lines[0]]
    said = "; ".join(
        f"{view.labels[name]}: " + ", ".join(f"{reason_words(str(row['reason'])).lower()} {row['share']:.0%}" for row in first[first["strategy"] == name].to_dict("records"))
        for name in dict.fromkeys(first["strategy"])
    )
    words = {reason: plain(reason_words(reason)) for reason in reasons}
    return [
        Sheet(
            name="stop_reasons", title="Why drugs were stopped, by line", data=data, drawing=partial(draw_reasons, view.look, shown, lines, words),
            caption="First course of every drug begun on a line, whenever it ended: share ended for each reason, ended by death, or still on at the horizon. "
            "A step of dose is no end. At the right: courses. Drugs taken already at entry are left out.",
            alt=f"Stacked bars of reasons by strategy, one panel a line. Line {lines[0]}: {said}.",
        )
    ]  # fmt: skip


def draw_reasons(look: Look, data: pd.DataFrame, lines: Sequence[int], words: dict[str, str]) -> Figure:
    """One panel a line, one bar a strategy, failures first; ``words`` by reason, in order."""
    colours = colours_of(list(words))
    names = [name for name in look.ids if name in set(data["strategy"])]
    figure = paper(9.6, 1.2 + 0.36 * len(names) + 0.18 * -(-len(words) // 5))
    panels = figure.subplots(1, len(lines), sharey=True, squeeze=False)[0]
    for axes, line in zip(panels, lines, strict=True):
        for row, name in enumerate(names):
            mine = data[(data["strategy"] == name) & (data["line"] == line)]
            share = dict(zip(mine["reason"], mine["share"], strict=True))
            left = 0.0
            for reason in words:
                width = float(share.get(reason, 0.0))
                axes.barh(row, width, left=left, height=0.66, color=colours[reason], edgecolor="white", linewidth=0.5)
                if width > 0.04 * len(lines):
                    axes.text(left + width / 2, row, f"{width:.0%}", ha="center", va="center", fontsize=6.6, color=INK if reason in END_COLOURS else "white")
                left += width
            if len(mine):
                axes.text(1.02, row, f"{int(mine['courses'].iloc[0]):,}", va="center", ha="left", fontsize=6.8, color=INK)
        axes.set_xlim(0.0, 1.0)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_xticks([0.0, 0.5, 1.0])
        axes.set_title(f"Line {line}")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        grid_lines(axes, "x")
    panels[0].set_ylim(len(names) - 0.5, -0.5)
    panels[0].set_yticks(range(len(names)), [wrapped(look.labels[name], 30, 2) for name in names], fontsize=7.6)
    for tick, name in zip(panels[0].get_yticklabels(), names, strict=True):
        tick.set_color(look.colours[name])
    from matplotlib.patches import Patch

    figure.legend(
        handles=[Patch(facecolor=colours[reason], label=text) for reason, text in words.items()], loc="outside lower left", ncols=5, fontsize=7.6, handlelength=1.1
    )
    return figure


def _time_on_drug(view: View, by_strategy: dict[str, LineCourses]) -> list[Sheet]:
    panels: list[tuple[str, list[Retention]]] = []
    for line in lines_of(view, by_strategy):
        curves = []
        for strategy, courses in by_strategy.items():
            mine = courses.only(courses.line == line)
            if mine.years.size >= fewest(view.results.cohort.size):
                curves.append(retention(strategy, mine.years, mine.stopped))
        panels.append((f"Line {line}", curves))
    if not panels:
        return []
    data = pd.concat([curve.frame().assign(line=words.removeprefix("Line ")) for words, curves in panels for curve in curves], ignore_index=True)
    return [
        Sheet(
            name="time_on_drug_by_line", title="Time on drug, by line", data=data, drawing=partial(draw_retention, view.look, panels),
            caption="First course of every drug begun on a line, from its start (Kaplan-Meier). Stopping for any reason is the event; death and the horizon censor; a step of dose is no stop. Dotted: half are left.",
            alt="Kaplan-Meier curves of time on drug, one panel a line. " + "; ".join(f"{words}: {medians_of(curves)}" for words, curves in panels) + ".",
        )
    ]  # fmt: skip
