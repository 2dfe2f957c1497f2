"""Histories told in words, for tests of invariants: ``{0: "measure fvc 80; start mmf", 90: "stop mmf (intolerance)"}``.

A day's text is a row each, divided by semicolons: the kind, the name, a detail in brackets and a value, in that order. ``line 2`` and ``state ill`` set
registers without a row; ``start`` and ``stop`` keep the regimen; ``move second_line`` changes the state. Every history begins with a row of entry and ends on
``until`` with a row of censoring, unless it ends in death.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

from pathway.eventlog import EVENT_COLUMNS, EventLog, Kind
from pathway.invariants import History, groups_of
from pathway.reading.policies import read_policies

Story = Mapping[float, str] | Sequence[tuple[float, str]]
DAY = 1.0 / 365.25
STATES = ("untreated", "first_line", "second_line", "further_lines", "supportive_care", "transplanted", "dead")
LINE_STATES = {"untreated": 0, "first_line": 1, "second_line": 2, "further_lines": 3, "supportive_care": -1, "transplanted": -1, "dead": -1}
CLAUSE = re.compile(r"^(?P<kind>[a-z]+) ?(?P<name>[a-z_0-9]+)?(?: \((?P<detail>[a-z_0-9]+)\))?(?: (?P<value>-?[0-9.e+]+|nan))?$")
TREATMENTS = (
    "mmf",
    "cyclophosphamide_iv",
    "rituximab",
    "tocilizumab",
    "nintedanib",
    "azathioprine",
    "methotrexate",
    "leflunomide",
    "adalimumab",
    "etanercept",
    "abatacept",
    "sarilumab",
    "tofacitinib",
    "unlisted",
)


def tell(*stories: Story, until: float = 2000.0, treatments: Sequence[str] = TREATMENTS, regimen: Sequence[str] = ()) -> EventLog:
    """A log of patients 0, 1, ..., one a story; ``regimen``: what they take at entry."""
    names: dict[str, int] = {name: number for number, name in enumerate((*treatments, *STATES, "start", "renewal"))}
    table: dict[str, list[float]] = {column: [] for column in EVENT_COLUMNS}
    number = lambda word: names.setdefault(word, len(names)) if word else -1  # noqa: E731
    on_entry = sum(1 << treatments.index(name) for name in regimen)
    for patient, story in enumerate(stories):
        registers = {"state": 0, "line": 0, "regimen": on_entry}

        def write(day, kind, name="untreated", detail="", value=np.nan, patient=patient, registers=registers):
            row = {
                "patient": patient,
                "time": day * DAY,
                "kind": int(Kind[kind.upper()]),
                "name": number(name),
                "detail": number(detail),
                "occurrence": 0,
                **registers,
                "true": value,
                "measured": value,
                "native": value,
            }
            for column, cell in row.items():
                table[column].append(cell)

        write(0.0, "enter")
        for day, text in story.items() if isinstance(story, Mapping) else story:
            for clause in filter(None, (part.strip() for part in text.split(";"))):
                found = CLAUSE.match(clause)
                assert found, f"not a clause: {clause}"
                kind, name, detail = (found[group] or "" for group in ("kind", "name", "detail"))
                value = float(found["value"]) if found["value"] else np.nan
                if kind == "line" and name.isdigit():
                    registers["line"] = int(name)
                    continue
                if kind == "state":
                    registers["state"] = STATES.index(name)
                    continue
                _keep(registers, kind, name, treatments)
                if kind in ("order", "request"):
                    value = float(sum(1 << treatments.index(one) for one in detail.split("_and_")))
                    detail = ""
                write(day, kind, name, detail, value)
        if STATES[registers["state"]] != "dead":
            write(until, "end")
    return EventLog(
        events={column: np.array(cells, dtype=EVENT_COLUMNS[column]) for column, cells in table.items()},
        path={},
        names=tuple(names),
        states=STATES,
        treatments=tuple(treatments),
        markers=(),
        patients=len(stories),
    )


def _keep(registers: dict[str, int], kind: str, name: str, treatments: Sequence[str]) -> None:
    """What a row does to the registers."""
    if kind == "move":
        registers["state"] = STATES.index(name)
    elif kind in ("start", "stop"):
        bit = 1 << treatments.index(name)
        registers["regimen"] = registers["regimen"] | bit if kind == "start" else registers["regimen"] & ~bit


@cache
def groups() -> dict[str, tuple[str, ...]]:
    """Drugs and classes of the library."""
    return groups_of(read_policies().agents)


def history(*stories: Story, disease: str = "", until: float = 2000.0, regimen: Sequence[str] = (), **more: object) -> History:
    """Histories with the library's drugs and classes, and states that stand for lines."""
    log = tell(*stories, until=until, regimen=regimen)
    settings: dict[str, object] = {"groups": groups(), "absorbing": ("dead",), "line_states": LINE_STATES, "disease": disease}
    return History(log=log, **{**settings, **more})  # type: ignore[arg-type]
