"""Figures of a validation: where simulated values lie in the published intervals, and mean courses with published points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from pathway.report.figures.canvas import INK, PALE, RULE, Sheet, paper
from pathway.report.formats import visible
from pathway.report.validating import frame_of, in_words
from pathway.validation.comparing import Comparison, Verdict
from pathway.validation.validating import CourseOfArm, Validation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {Verdict.INSIDE: "#0072B2", Verdict.NEAR: "#D55E00", Verdict.FAR: "#A50026", Verdict.UNJUDGED: PALE, Verdict.NOTHING: PALE}
ARMS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
FARTHEST = 4.0
"""Half-widths at which an axis ends; what lies beyond is drawn as an arrow there."""
ROW = 0.235
"""Inches of one row."""
LONGEST_LABEL = 96


def forest_figures(validation: Validation) -> list[Sheet]:
    """One forest of all misses, and one for each trial."""
    judged = [row for row in validation.rows if math.isfinite(row.distance)]
    missed = [row for row in judged if row.verdict is not Verdict.INSIDE]
    sheets = []
    if missed:
        sheets.append(_forest("misses", "Misses, all trials", [(f"{row.trial}: {row.target.label}", row) for row in missed]))
    for trial in validation.trials:
        label = trial.document.label
        order = [target.id for target in trial.document.targets]
        rows = sorted((row for row in judged if row.trial == label), key=lambda row: order.index(row.target.id))
        if rows:
            sheets.append(_forest(f"forest-{trial.name}", label, [(row.target.label, row) for row in rows]))
    return sheets


def _place(row: Comparison, x: float) -> float:
    """Position of a value: 0 published, -1 and 1 the ends of its interval."""
    if row.is_ratio:
        if x <= 0.0:
            return math.nan
        x, middle, low, high = math.log(x), math.log(row.published.value), math.log(row.published.low), math.log(row.published.high)
    else:
        middle, low, high = row.published.value, row.published.low, row.published.high
    width = high - middle if x >= middle else middle - low
    return (x - middle) / width if width > 0.0 else math.nan


def _forest(name: str, title: str, rows: Sequence[tuple[str, Comparison]]) -> Sheet:
    caption = "Dot: simulated; line: 95 % interval of a simulated trial of the published size; blue inside, orange within twice the half-width, red farther. C calibrated to; D, Hs, H not."
    alt = f"{title}: {sum(row.verdict is Verdict.INSIDE for _, row in rows)} of {len(rows)} simulated values lie inside the published interval."
    return Sheet(name=name, title=title, caption=caption, alt=alt, data=frame_of([row for _, row in rows]), drawing=partial(_drawn_forest, rows))


def _drawn_forest(rows: Sequence[tuple[str, Comparison]]) -> Figure:
    figure = paper(11.0, 1.0 + ROW * len(rows))
    axes = figure.add_subplot()
    axes.axvspan(-1.0, 1.0, color="#E8EEF4", linewidth=0)
    axes.axvline(0.0, color=PALE, linewidth=0.8)
    for number, (_, row) in enumerate(rows):
        _draw(axes, number, row)
    axes.set_xlim(-FARTHEST - 0.15, FARTHEST + 0.15)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_yticks(range(len(rows)), [f"{_short(visible(label))}  {row.target.flag:<2}" for label, row in rows], fontsize=7.6)
    axes.tick_params(axis="y", length=0)
    axes.set_xticks([-4, -3, -2, -1, 0, 1, 2, 3, 4])
    axes.grid(visible=True, axis="x", color=RULE, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel("Half-widths of the published 95 % interval (0: published value; band: its interval)")
    axes.spines["left"].set_visible(False)
    for number, (_, row) in enumerate(rows):
        words = f"{in_words(row.simulated.value, row.published.unit)}  |  {in_words(row.published.value, row.published.unit)} ({in_words(row.published.low, row.published.unit)} to {in_words(row.published.high, row.published.unit)})"
        axes.text(1.01, number, words, transform=axes.get_yaxis_transform(), fontsize=7.2, va="center", color=INK)
    axes.text(1.01, -0.9, "simulated  |  published", transform=axes.get_yaxis_transform(), fontsize=7.2, va="bottom", color=PALE)
    return figure


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 3] + "..."


def _draw(axes: Axes, number: int, row: Comparison) -> None:
    """One row: interval, dot, or an arrow at the end of the axis."""
    colour = COLOURS[row.verdict]
    at = _place(row, row.simulated.value)
    if not math.isfinite(at):
        return
    ends = [_place(row, x) for x in (row.low, row.high)]
    if all(math.isfinite(end) for end in ends):
        axes.plot([max(ends[0], -FARTHEST), min(ends[1], FARTHEST)], [number, number], color=colour, linewidth=1.1, solid_capstyle="butt", clip_on=True)
    marker = "<" if at < -FARTHEST else ">" if at > FARTHEST else "o"
    axes.plot([min(max(at, -FARTHEST), FARTHEST)], [number], marker, color=colour, markersize=4.6)


def course_figures(validation: Validation) -> list[Sheet]:
    """Mean change over trial time, a panel for each trial and marker."""
    groups: dict[tuple[str, str, str], list[CourseOfArm]] = {}
    for course in validation.courses:
        groups.setdefault((course.trial, course.marker, course.scale), []).append(course)
    if not groups:
        return []
    panels = [(visible(trial), *_names(validation, marker, scale), courses) for (trial, marker, scale), courses in groups.items()]
    data = pd.concat([_numbers(course) for course in validation.courses], ignore_index=True)
    caption = "Lines: mean measured change from entry of those seen, band: twice the simulation's standard error. Dots with bars: published values and 95 % intervals."
    alt = "Mean changes of markers by arm over trial time with published points."
    return [Sheet(name="courses", title="Courses over trial time", caption=caption, alt=alt, data=data, drawing=partial(_drawn_courses, panels))]


def _names(validation: Validation, marker: str, scale: str) -> tuple[str, str]:
    """Label of a marker and unit of its scale."""
    spec = validation.base.library.pathway.markers[marker]
    return visible(spec.label), spec.unit if scale == "native" or not spec.shown_unit else spec.shown_unit


def _drawn_courses(groups: Sequence[tuple[str, str, str, Sequence[CourseOfArm]]]) -> Figure:
    columns, rows = 2, math.ceil(len(groups) / 2)
    figure = paper(11.0, 0.5 + 2.7 * rows)
    panels = figure.subplots(rows, columns, squeeze=False)
    for number, (trial, label, unit, courses) in enumerate(groups):
        axes = panels[number // columns][number % columns]
        _panel(axes, courses)
        axes.set_title(f"{trial}: {label}")
        axes.set_ylabel(f"mean change, {unit}")
        axes.set_xlabel("weeks")
    for number in range(len(groups), rows * columns):
        panels[number // columns][number % columns].set_visible(False)
    return figure


def _panel(axes: Axes, courses: Sequence[CourseOfArm]) -> None:
    for number, course in enumerate(courses):
        colour = ARMS[number % len(ARMS)]
        weeks = course.times * 365.25 / 7.0
        axes.plot(weeks, course.mean, color=colour, label=visible(course.label), linewidth=1.6)
        axes.fill_between(weeks, course.mean - 2.0 * course.error, course.mean + 2.0 * course.error, color=colour, alpha=0.18, linewidth=0)
        shift = 0.35 * (number - (len(courses) - 1) / 2.0)
        for years, published in course.points:
            week = years * 365.25 / 7.0 + shift
            bars = None if math.isnan(published.low) else [[published.value - published.low], [published.high - published.value]]
            axes.errorbar([week], [published.value], yerr=bars, fmt="o", color=colour, markersize=4.2, elinewidth=0.9, capsize=2.0)
    axes.axhline(0.0, color=PALE, linewidth=0.7)
    axes.legend(fontsize=7.2, loc="best")


def _numbers(course: CourseOfArm) -> pd.DataFrame:
    """Drawn numbers of one arm, published points among them."""
    line = pd.DataFrame({"trial": course.trial, "arm": course.arm, "marker": course.marker, "scale": course.scale, "years": course.times, "mean": course.mean, "standard_error": course.error})
    dots = pd.DataFrame([{"years": years, "published": one.value, "published_low": one.low, "published_high": one.high} for years, one in course.points])
    return line.merge(dots, on="years", how="left") if len(dots) else line
