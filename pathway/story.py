"""One patient's history told as a story, and two of them set side by side.

Reads an event log and the labels of the library; must not simulate, value or draw anything.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pathway.definition.scenario import Scenario
from pathway.errors import ScenarioError, shown
from pathway.eventlog import EventLog
from pathway.program import Cohort, Program

QUIET = ("move",)
"""Kinds told by their neighbours: a move of line by the row of its line."""

UNITLESS = ("count", "score")
"""Units that the marker's name says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One sentence of a story and when it happened."""

    time: float
    text: str

    def __str__(self) -> str:
        return f"{self.time:7.2f}  {self.text}"


@dataclass(frozen=True, slots=True)
class Words:
    """Labels of everything a log may name."""

    scenario: Scenario
    program: Program

    def treatment(self, name: str) -> str:
        """Words for a treatment."""
        return next((shown(row.label) for row in self.scenario.library.treatments if row.id == name), name)

    def regimen(self, text: str) -> str:
        """Words for a regimen, given as in :meth:`EventLog.frame`."""
        return " + ".join(self.treatment(name) for name in text.split(" + "))

    def state(self, name: str) -> str:
        """Words for a state."""
        states = self.scenario.library.pathway.states
        return shown(states[name].label).lower() if name in states else name

    def any(self, name: str) -> str:
        """Words for whatever has this name; the name itself, with spaces, where nothing does."""
        pathway = self.scenario.library.pathway
        for table in (
            pathway.conditions,
            pathway.flags,
            pathway.schedules,
            pathway.findings,
            pathway.markers,
            pathway.indices,
            pathway.states,
        ):
            if name in table:
                return shown(table[name].label)
        labels = {row.id: row.label for row in self.scenario.library.treatments}
        labels |= {row.name: row.label for row in pathway.transitions}
        labels |= {row.name: row.label for row in pathway.decisions}
        labels |= {row.name: row.label for row in pathway.scheduled}
        return shown(labels.get(name, name.replace("_", " ")))


def rows_of(log: EventLog, patient: int) -> pd.DataFrame:
    """One patient's rows, in words."""
    chosen = np.flatnonzero(log.events["patient"] == patient)
    if not chosen.size:
        raise ScenarioError(where="--patient", found=str(patient), expected=f"a number below {log.patients}")
    part = EventLog(
        events={name: values[chosen] for name, values in log.events.items()}, path=log.path, names=log.names, states=log.states, treatments=log.treatments,
        markers=log.markers, patients=1,
    )  # fmt: skip
    frame = part.frame()
    for name in ("kind", "name", "detail", "state", "regimen"):
        frame[name] = frame[name].astype(str)
    return frame


def introduce(cohort: Cohort, patient: int, scenario: Scenario) -> str:
    """Tell who the patient is: the covariates at entry."""
    row = cohort.values[int(np.flatnonzero(cohort.patient == patient)[0])]  # noqa: PD011
    covariates = scenario.library.pathway.covariates
    parts = []
    for name, value in zip(cohort.covariates, row.tolist(), strict=True):
        label = shown(covariates[name].label) if name in covariates else name
        unit = covariates[name].unit if name in covariates else ""
        number = (
            ("yes" if value else "no")
            if unit in ("", "0/1", "yes or no", "yes/no") and value in (0.0, 1.0)
            else f"{value:.4g} {'' if unit in ('yes or no', 'fraction', *UNITLESS) else unit}".strip()
        )
        parts.append(f"{label}: {number}")
    return "; ".join(parts)


@dataclass(slots=True)
class _Visit:
    """What one visit saw, while its rows are read."""

    time: float
    head: str
    rows: list[Mapping[Hashable, object]]
    is_confirmatory: bool = False

    def told(self, words: Words, *, is_whole: bool) -> Told:
        """Tell all that was seen, or leave out findings that are absent."""
        seen = [text for row in self.rows if (text := _observed(row, words, is_whole=is_whole))]
        return Told(time=self.time, text=self.head + (": " + ", ".join(seen) if seen else ""))


def tell(frame: pd.DataFrame, words: Words, *, is_whole: bool = False) -> list[Told]:
    """Tell a history, visits gathered into one sentence each.

    Parameters
    ----------
    frame
        From :func:`rows_of`.
    is_whole
        Tell every visit and all it saw; otherwise visits in a row at which nothing is decided are told together, and findings only where they are present.
    """
    story: list[Told] = []
    quiet: list[_Visit] = []
    visit: _Visit | None = None

    def end_quiet() -> None:
        story.extend(_together(quiet, words) if len(quiet) > 1 else [one.told(words, is_whole=is_whole) for one in quiet])
        quiet.clear()

    def end_visit(*, is_followed: bool) -> None:
        nonlocal visit
        if visit is not None and not (is_followed or is_whole or visit.is_confirmatory):
            quiet.append(visit)
        elif visit is not None:
            end_quiet()
            story.append(visit.told(words, is_whole=is_whole))
        visit = None

    for row in frame.to_dict("records"):
        time, kind = float(row["time"]), str(row["kind"])
        if visit is not None and time != visit.time:
            end_visit(is_followed=False)
        if kind in ("visit", "measure", "finding"):
            confirms = kind == "visit" and row["detail"] == "confirmatory"
            head = f"{'confirmatory visit for ' if confirms else 'visit, '}{words.any(str(row['name'])).lower()}" if kind == "visit" else "seen"
            if visit is None:
                visit = _Visit(time, head, [], confirms)
            elif confirms and not visit.is_confirmatory:
                visit.is_confirmatory, visit.head = True, f"{visit.head}, and {head}"
            if kind != "visit":
                visit.rows.append(row)
            continue
        text = _sentence(row, words)
        if text:
            end_visit(is_followed=True)
            end_quiet()
            story.append(Told(time=time, text=text))
    end_visit(is_followed=False)
    end_quiet()
    return story


def _together(visits: list[_Visit], words: Words) -> list[Told]:
    """Tell visits at which nothing was decided by what changed from the first to the last of them."""
    components = {words.program.markers[marker].name for index in words.program.indices for marker, _, _ in index.terms}
    wanted = {marker.name for marker in words.program.markers} - components | {index.name for index in words.program.indices}
    values: dict[str, list[float]] = {}
    for visit in visits:
        for row in visit.rows:
            value = float(str(row["measured"]))
            if row["name"] in wanted and not np.isnan(value):
                values.setdefault(str(row["name"]), []).append(value)
    seen = [f"{words.any(name)} {_number(found[0], name, words)} to {_number(found[-1], name, words)}{_unit(name, words)}" for name, found in values.items()]
    text = f"{len(visits)} visits to year {visits[-1].time:.2f}, nothing decided" + (": " + ", ".join(seen) if seen else "")
    return [Told(time=visits[0].time, text=text)]


def _unit(name: str, words: Words) -> str:
    """Unit of a marker, with a space before it."""
    marker = words.scenario.library.pathway.markers.get(name)
    unit = (marker.shown_unit or marker.unit) if marker else ""
    return "" if unit in ("", *UNITLESS) else f" {unit}"


def _number(value: float, name: str, words: Words) -> str:
    """Value as finely as it is measured."""
    spec = next((marker for marker in words.program.markers if marker.name == name), None)
    if spec is None:
        return f"{value:.3g}"
    is_shown_as_measured = spec.reference < 0 and spec.round_to > 0.0
    return f"{value:.{max(0, -int(np.floor(np.log10(spec.round_to)))) if is_shown_as_measured else 1}f}"


def _observed(row: Mapping[Hashable, object], words: Words, *, is_whole: bool = True) -> str:
    """Tell what a visit saw; empty for an absent finding, unless all is told."""
    pathway = words.scenario.library.pathway
    name, value = str(row["name"]), float(str(row["measured"]))
    label = words.any(name)
    if np.isnan(value):
        return f"{label} not obtained"
    if row["kind"] == "finding":
        kind = pathway.findings[name].kind if name in pathway.findings else "continuous"
        if kind != "yes_no":
            return f"{label} {_number(value, name, words)}"
        return f"{label}: {'yes' if value else 'no'}" if is_whole or value else ""
    marker = pathway.markers.get(name)
    native = (
        f"{float(str(row['native'])):,.0f} {marker.unit}; "
        if marker and marker.shown_unit and marker.shown_unit != marker.unit and not np.isnan(float(str(row["native"])))
        else ""
    )
    return f"{label} {_number(value, name, words)}{_unit(name, words)} ({native}truly {float(str(row['true'])):.1f})"


def _sentence(row: Mapping[Hashable, object], words: Words) -> str:
    """One row that is not a visit, in words; empty if its neighbours tell it."""
    kind, name, detail = str(row["kind"]), str(row["name"]), str(row["detail"])
    why = f" ({words.any(detail).lower()})" if detail else ""
    regimen = words.regimen(str(row["regimen"]))
    number = float(str(row["measured"]))
    said = {
        "enter": f"enters {words.state(str(row['state']))}, on {regimen}"
        if regimen != "none"
        else f"enters, {words.state(str(row['state']))}",
        "move": "" if name == "line" else f"{words.any(name)}: now {words.state(str(row['state']))}{why}",
        "start": f"starts {words.any(name)}; regimen {regimen}",
        "stop": f"stops {words.any(name)}{why}; regimen {regimen}",
        "hold": f"doses of {words.any(name)} are held{why}",
        "resume": f"doses of {words.any(name)} go on",
        "reduce": f"dose of {words.any(name)} is reduced{why}",
        "restore": f"dose of {words.any(name)} is full again{why}",
        "condition": f"{words.any(name)} begins",
        "recover": f"{words.any(name)} is over",
        "flag": f"from now on: {words.any(name)}",
        "clear": f"no longer: {words.any(name)}",
        "jump": f"{words.any(name)} jumps by {float(str(row['true'])):+.1f}{why}",
        "decide": f"decision: {words.any(name)}, because {shown(detail) or 'the rule is met'}"
        + (" (a visit must confirm it)" if number == 0.0 else ""),
        "order": "a regimen is ordered and must wait",
        "request": f"authorisation is asked for ({name})",
        "inform": f"the payer asks for more documents{why}",
        "approve": f"the {name} request is approved{why}",
        "deny": f"the {name} request is denied{why}",
        "appeal": f"the denial is disputed ({words.any(name).lower()})",
        "uphold": f"the denial stands after it ({words.any(name).lower()})",
        "expire": f"the approval of {words.any(name)} runs out",
        "withdraw": f"the {name} request is closed{why}",
        "line": f"{words.state(str(row['state']))} begins after {words.any(name).lower()}{why}",
        "end": f"the history ends here, {words.state(str(row['state']))}",
    }
    return said.get(kind, f"{kind} {name}{why}")


COMPARED = ("time", "kind", "name", "detail", "state", "regimen", "line", "true", "measured")


def first_divergence(one: pd.DataFrame, other: pd.DataFrame) -> int | None:
    """Position of the first row in which two histories of one patient differ; None if they are the same."""
    shared = min(len(one), len(other))
    differs = np.zeros(shared, dtype=bool)
    for name in COMPARED:
        left, right = one[name].to_numpy()[:shared], other[name].to_numpy()[:shared]
        if one[name].dtype.kind == "f":
            differs |= ~((left == right) | (np.isnan(left.astype(float)) & np.isnan(right.astype(float))))
        else:
            differs |= left != right
    where = np.flatnonzero(differs)
    if where.size:
        return int(where[0])
    return None if len(one) == len(other) else shared


def _row_words(frame: pd.DataFrame, position: int, words: Words) -> str:
    """Tell the row at a position, or the next one that has words."""
    if position < len(frame) and frame["kind"].iloc[position] == "request":
        # The same words in both: what is asked for shows when it starts.
        starts = np.flatnonzero((frame["kind"] == "start").to_numpy() & (np.arange(len(frame)) >= position))
        position = int(starts[0]) if starts.size else position
    for row in frame.iloc[position : position + 6].to_dict("records"):
        text = (
            _observed(row, words)
            if row["kind"] in ("measure", "finding")
            else f"visit, {words.any(str(row['name'])).lower()}"
            if row["kind"] == "visit"
            else _sentence(row, words)
        )
        if text:
            return f"at year {float(row['time']):.2f}, {text}"
    return "nothing more happens"


def compare(one: pd.DataFrame, other: pd.DataFrame, labels: tuple[str, str], words: tuple[Words, Words]) -> str:
    """Name the first divergence of two histories of one patient."""
    position = first_divergence(one, other)
    if position is None:
        return f"The two histories are the same, row by row: {labels[0]} and {labels[1]} never differ for this patient."
    told = [
        f"  {label}: {_row_words(frame, position, word)}"
        for label, frame, word in zip(labels, (one, other), words, strict=True)
    ]
    time = min(float(frame["time"].iloc[min(position, len(frame) - 1)]) for frame in (one, other))
    return f"First divergence at year {time:.2f}, after {position} shared rows:\n" + "\n".join(told)
