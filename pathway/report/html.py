"""The report as one page: opens offline, prints, runs nothing. All text is escaped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from pathway.economics.comparison import NOISE_ERRORS, NOT_ESTIMABLE, mean_and_error
from pathway.report.access import delay_sentences
from pathway.report.formats import Column, printed, visible
from pathway.report.tables import Table
from pathway.report.view import View, plain

if TYPE_CHECKING:
    from pathway.report.figures import Sheet

DISCLAIMER = "Decision support, not individual treatment advice"
ACCESS_LEAD = "The payer's rules are read on the simulated record as a clinic would send it; what they say is not medical or coverage advice."


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One printed cell."""

    text: str
    error: str = ""
    numeric: bool = False
    mark: bool = False
    link: str = ""
    colour: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A chapter of the page: tables (as :func:`table_view` gives them) and figures in order."""

    id: str
    title: str
    parts: list[dict[str, Any]] = field(default_factory=list)
    lead: str = ""
    notes: list[tuple[str, str]] = field(default_factory=list)
    page: bool = False


def is_numeric(column: Column) -> bool:
    """Tell whether the column stands to the right."""
    return column.form not in ("text", "grade")


def link_of(text: str) -> str:
    """Address that a page may point to: http, https or a DOI; otherwise nothing."""
    text = text.strip()
    if text.startswith("10.") and "/" in text and " " not in text:
        return f"https://doi.org/{text}"
    return text if text.startswith(("https://", "http://")) and " " not in text else ""


def table_view(table: Table, colours: dict[str, str]) -> dict[str, Any]:
    """Heads and rows of a table as the template wants them."""
    rows = []
    for number, record in enumerate(table.frame.to_dict("records")):
        cells = []
        for column in table.columns:
            error = record.get(column.error, math.nan) if column.error else math.nan
            text, error_text = printed(record.get(column.key), column, float(error))
            cells.append(
                Cell(
                    text=text, error=error_text, numeric=is_numeric(column), mark=column.form == "grade" and bool(text),
                    link=link_of(text) if column.key == "doi_or_url" else "", colour=colours.get(str(record.get("strategy", "")), "") if column.key == "label" else "",
                )
            )  # fmt: skip
        kind = (
            "pale" if number in table.pale else "total" if str(record.get("category", "")).startswith("total") else ""
        )
        rows.append({"cells": cells, "kind": kind})
    heads = [{"text": visible(column.head), "numeric": is_numeric(column)} for column in table.columns]
    return {"name": table.name, "title": table.title, "heads": heads, "rows": rows, "note": table.note, "svg": ""}


def figure_view(sheet: Sheet, svg_text: str) -> dict[str, Any]:
    """Return a figure as the template wants it."""
    from markupsafe import Markup

    from pathway.report.figures import inline_svg

    # The only markup let through: drawn by matplotlib, which escapes the text in it.
    svg = Markup(inline_svg(svg_text, visible(sheet.alt), sheet.name))
    return {"name": sheet.name, "title": visible(sheet.title), "caption": visible(sheet.caption), "svg": svg}


def answer(view: View, incremental: Table) -> list[str]:
    """State what the incremental analysis says, in sentences; nothing that the numbers do not carry."""
    currency = view.scenario.economics.currency
    said = []
    frame = incremental.frame
    on = frame[frame["status"].isin(["reference", "on frontier"])].sort_values("cost")
    if len(on):
        first = on.iloc[0]
        said.append(f"{view.labels[str(first['strategy'])]} is the least costly option on the frontier.")
    for row in on.iloc[1:].to_dict("records"):
        name, before = view.labels[str(row["strategy"])], view.labels[str(row["previous"])]
        if row["icer_text"] == NOT_ESTIMABLE or not np.isfinite(row["icer"]):
            said.append(
                f"{name}: its difference in QALYs from {before} is within simulation error, so no ratio can be given; simulate more patients."
            )
        else:
            said.append(
                f"{name} gains {printed(row['inc_qaly'], Column(key='', head=''), row['inc_qaly_se'])[0]} QALYs more than {before} at {currency} {row['icer_text']} per QALY gained."
            )
    said += [
        f"{view.labels[str(row['strategy'])]}: {row['status_text']}{_doubt(view, str(row['strategy']), str(row['status']))}."
        for row in frame.to_dict("records")
        if "dominated" in str(row["status"])
    ]
    said += [
        f"{view.labels[name]} is printed as a reference only and kept off the frontier." for name in view.reference_only
    ]
    said += delay_sentences(view)
    said.append(
        "The ± beside a number is the simulation's own error. How far the numbers behind it may be wrong is another matter: see what this rests on."
    )
    return [plain_sentence(one) for one in said]


def _doubt(view: View, strategy: str, status: str) -> str:
    """Say so where dominance rests on a difference within simulation error."""
    other = status.removeprefix("dominated by ")
    if other not in view.ids:
        return ""
    qaly, qaly_error = mean_and_error(view.qalys(strategy) - view.qalys(other))
    cost, cost_error = mean_and_error(view.costs(strategy) - view.costs(other))
    noisy = [
        word
        for word, value, error in (("QALYs", qaly, qaly_error), ("cost", cost, cost_error))
        if abs(value) < NOISE_ERRORS * error
    ]
    return f", but the difference in {' and '.join(noisy)} is within simulation error" if noisy else ""


def plain_sentence(text: str) -> str:
    """Give a sentence without hidden characters."""
    return visible(text)


def sections_of(
    view: View,
    tables: Sequence[Table],
    basis: Sequence[Table],
    sheets: Sequence[tuple[Sheet, str]],
    made: Sequence[tuple[str, str]],
) -> list[Section]:
    """Order tables and figures into chapters."""
    known = {table.name: table for table in [*tables, *basis]}
    drawn = {sheet.name: (sheet, svg) for sheet, svg in sheets}

    def parts(*names: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for name in names:
            if name.startswith("figure:"):
                wanted = name.removeprefix("figure:")
                found += [
                    figure_view(sheet, svg)
                    for key, (sheet, svg) in drawn.items()
                    if key == wanted
                    or (wanted.endswith("*") and key.startswith(wanted[:-1]))
                    or (wanted.startswith("*") and key.endswith(wanted[1:]))
                ]
            elif name in known:
                found.append(table_view(known[name], view.colours))
        return found

    notes = [
        (view.labels[name], plain_sentence(view.scenario.strategies[name].evidence_note))
        for name in view.ids
        if view.scenario.strategies[name].evidence_note
    ]
    access = parts("figure:access_funnel", "access_funnel", "figure:access_waiting", "cost_of_delay", "figure:access_marker", "delay_mechanisms", "figure:access_mechanisms", "payer_rules", "payer_rules_unseen")
    active = parts("effective_drug", "figure:effective_drug", "figure:activity_*", "activity", "figure:bands_*")
    measured = [Section(id="response", title="Response", parts=active, page=True)] if active else []
    asked = [Section(id="access", title="Access", parts=access, page=True, lead=ACCESS_LEAD)] if access else []
    weak = known.get("weak_numbers")
    lead = "Numbers known from memory (◆) were not checked against their source, and assumptions (◇) have none: a decision that turns on one of them should wait until it is checked."
    return [
        Section(id="value", title="Cost-effectiveness", parts=parts("cost_effectiveness", "figure:cost_effectiveness_plane", "incremental", "utility_maps", "alternative_results")),
        Section(id="costs", title="Costs", parts=parts("figure:costs", "costs"), page=True),
        Section(id="health", title="Health", parts=parts("figure:*_mean", "markers", "figure:*_spread", "figure:survival", "figure:deaths", "deaths", "events"), page=True),
        *measured,
        Section(id="treatment", title="Treatment", parts=parts("figure:state_occupancy", "lines", "figure:lines-*", "figure:stop_reasons", "stop_reasons", "figure:time_on_drug_by_line", "time_on_drug", "drug_use", "figure:time_on_treatment"), page=True),
        *asked,
        Section(
            id="lives", title="Some lives", parts=parts("figure:swimmer-*"), page=True,
            lead="Simulated patients, each drawn with the same luck under every strategy."
            if view.results.has_logs
            else "Single lives, courses and lines of therapy need a log of every event, and this run kept none: run fewer patients, or keep it with --log.",
        ),
        Section(id="basis", title="What this rests on", parts=parts("weak_numbers", "prices", "alternatives"), lead=lead if weak is not None else "", notes=notes, page=True),
        Section(id="conventions", title="Conventions", parts=parts("conventions"), page=True),
        Section(id="evidence", title="All numbers and sources", parts=parts("evidence", "sources"), page=True),
        Section(id="made", title="How this was made", notes=[(visible(word), visible(text)) for word, text in [*made, *(("Note of the reader", one) for one in view.scenario.warnings)]]),
    ]  # fmt: skip


def render(
    view: View,
    tables: Sequence[Table],
    basis: Sequence[Table],
    sheets: Sequence[tuple[Sheet, str]],
    made: Sequence[tuple[str, str]],
    footer: str,
) -> str:
    """Render the page.

    Parameters
    ----------
    tables, basis, sheets
        Results, what they rest on, figures with their SVG text.
    made
        Lines of "how this was made": version, hashes, seed, seconds.
    footer
        Scenario hash, version, seed and patients in one line.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(
        files("pathway.report").joinpath("templates/report.html").read_text(encoding="utf-8")
    )
    scenario = view.scenario
    money = scenario.economics
    incremental = next(table for table in tables if table.name == "incremental")
    line = f"{money.perspective}, {money.currency} of {money.price_year}, {money.price_basis} prices, discounted {100 * money.discount_costs:g} % (costs) and {100 * money.discount_outcomes:g} % (outcomes)"
    return template.render(
        title=plain(scenario.study.label), question=visible(scenario.study.question), disease=plain(scenario.library.title), patients=f"{view.results.cohort.size:,}", strategies=view.ids,
        conventions_line=visible(line), disclaimer=DISCLAIMER, answer=answer(view, incremental),
        sections=sections_of(view, tables, basis, sheets, made), footer=visible(footer),
    )  # fmt: skip
