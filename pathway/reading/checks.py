"""Do the documents agree with each other: every name exists, every place can be reached, nothing turns in a circle.

What numbers may be is :mod:`pathway.reading.meaning`, what money needs is :mod:`pathway.reading.money`. This
module must not read files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from pathway.definition.change import When
from pathway.definition.disease import PathwayDocument
from pathway.definition.mentions import join, mentions
from pathway.definition.scenario import Library, Scenario
from pathway.definition.study import ScenarioDocument
from pathway.errors import PathwayError, did_you_mean
from pathway.reading.changes import check_changes
from pathway.reading.criteria import check_criteria
from pathway.reading.meaning import check_meaning
from pathway.reading.money import check_money
from pathway.reading.text import Findings
from pathway.reading.usage import check_usage
from pathway.reading.ways import other_ways

LIFETIME = 60.0
"""Years; a study at least this long needs a state that nobody leaves."""


def check_scenario(scenario: Scenario, document: ScenarioDocument, name: str, findings: Findings) -> None:
    """Note every disagreement between the documents of a study.

    Numbers are looked at only when all names are in order.
    """
    library = scenario.library
    before = len(findings.faults.faults)
    known = known_names(library)
    parts = _documents(library)
    for file, prefix, part in parts:
        _check_mentions(part, file, prefix, known, findings)
    for key, strategy in document.strategies.items():
        _check_mentions(strategy, name, f"strategies.{key}", known, findings)
    pathway_file = f"{library.name}/pathway.toml"
    _check_switches(library.pathway, pathway_file, findings)
    check_criteria(library.pathway, pathway_file, known, findings)
    check_changes(library.pathway, pathway_file, findings)
    _check_states(scenario, pathway_file, findings)
    _check_strategies(scenario, findings)
    _check_twins(library, pathway_file, findings)
    if len(findings.faults.faults) > before:
        return
    if not _check_sums(scenario, findings):
        return
    check_meaning(scenario, findings)
    check_money(scenario, name, findings)
    check_usage(scenario, findings)
    _warn_unused(library, parts, findings)


def known_names(library: Library) -> dict[str, list[str]]:
    """Tell what exists, by kind of name."""
    pathway = library.pathway
    return {
        "value": [*library.parameters, *pathway.derived],
        "treatment": [row.id for row in library.treatments],
        "state": list(pathway.states),
        "marker": list(pathway.markers),
        "finding": list(pathway.findings),
        "index": list(pathway.indices),
        "covariate": list(pathway.covariates),
        "flag": list(pathway.flags),
        "condition": list(pathway.conditions),
        "schedule": list(pathway.schedules),
        "rule": list(pathway.rules),
        "switch": list(pathway.switches),
        "decision": [decision.name for decision in pathway.decisions],
        "access": list(dict.fromkeys(["open", *library.access])),
        "cohort": list(library.cohorts),
        "strategy": list(library.strategies),
        "norm": list(library.utility_norms),
        "life_table": list(library.life_tables),
        "reference_table": list(library.reference_equations),
        "item": list(dict.fromkeys(row.item for row in library.prices)),
    }


def _documents(library: Library) -> list[tuple[str, str, BaseModel]]:
    """Every document of a library: (file, path inside it, document)."""
    found: list[tuple[str, str, BaseModel]] = [
        (f"{library.name}/pathway.toml", "", library.pathway),
        (f"{library.name}/economics.toml", "", library.economics),
    ]
    found.append((f"{library.name}/policies/simulation.toml", "", library.simulation))
    found.extend((f"{library.name}/access.toml", key, one) for key, one in library.access.items())
    found.extend((f"{library.name}/strategies.toml", key, one) for key, one in library.strategies.items())
    found.extend((f"{library.name}/cohorts.toml", key, one) for key, one in library.cohorts.items())
    found.extend((f"{library.name}/dosing.csv", f"({row.treatment}, {row.item})", row) for row in library.dosing)
    return found


def _check_mentions(
    part: BaseModel, file: str, prefix: str, known: Mapping[str, Sequence[str]], findings: Findings
) -> None:
    """Every name that a document mentions exists."""
    for one in mentions(part, prefix):
        if one.word in known[one.kind]:
            continue
        kind = one.kind.replace("_", " ")
        choices = list(known[one.kind])
        listed = ", ".join(choices[:12]) + (", ..." if len(choices) > 12 else "")
        findings.faults.add(
            where=f"{file}, key {one.path}",
            found=f"unknown {kind} '{one.word}'",
            expected=f"one of {listed}" if choices else f"a {kind}; none is defined",
            mend=did_you_mean(one.word, choices)
            or ("add a row to evidence/" if one.kind == "value" else f"define the {kind}, or name another"),
        )


def _check_switches(pathway: PathwayDocument, file: str, findings: Findings) -> None:
    """Check that base options exist; rows depend on options that exist."""
    for key, switch in pathway.switches.items():
        if switch.base not in switch.options:
            findings.faults.add(
                where=f"{file}, key switches.{key}.base",
                found=f"'{switch.base}'",
                expected=f"one of {', '.join(switch.options)}",
                mend=did_you_mean(switch.base, list(switch.options)) or "name one of the options",
            )
    rows: list[tuple[str, When]] = [
        (f"{table}[{number}] ({row.name}).only_if", row.only_if)
        for table in ("transitions", "scheduled", "decisions", "effects")
        for number, row in enumerate(getattr(pathway, table))
        if row.only_if is not None
    ]
    for path, when in rows:
        options = list(pathway.switches[when.switch].options) if when.switch in pathway.switches else list(when.option)
        for option in when.option:
            if option not in options:
                findings.faults.add(
                    where=f"{file}, key {path}.option",
                    found=f"unknown option '{option}' of switch {when.switch}",
                    expected=f"one of {', '.join(options)}",
                    mend=did_you_mean(option, options) or "name one of the options",
                )


def _check_states(scenario: Scenario, file: str, findings: Findings) -> None:
    """One start, one last resort, an end; and every state can be reached."""
    pathway = scenario.library.pathway
    states = pathway.states
    for mark, count in (("is_start", 1), ("is_last_resort", 1)):
        marked = [key for key, state in states.items() if getattr(state, mark)]
        if len(marked) != count:
            findings.faults.add(
                where=f"{file}, key states",
                found=f"{mark} in {', '.join(marked) or 'no state'}",
                expected="exactly one",
                mend=f"set {mark} = true in one state",
            )
    absorbing = [key for key, state in states.items() if state.is_absorbing]
    if not absorbing and scenario.study.horizon >= LIFETIME:
        findings.faults.add(
            where=f"{file}, key states",
            found=f"no absorbing state, with a horizon of {scenario.study.horizon:g} years",
            expected="a state that nobody leaves, such as dead",
            mend="set is_absorbing = true in one state, or shorten study.horizon",
        )
    lines_of: dict[int, str] = {}
    for key, state in states.items():
        if state.is_absorbing and (state.is_start or state.is_last_resort or state.line is not None):
            findings.faults.add(
                where=f"{file}, key states.{key}",
                found=f"{key} absorbing, and a start, a last resort or a line",
                expected="a place of treatment that one can leave",
                mend="delete is_absorbing, or let another state be that place",
            )
        if state.line is not None and lines_of.setdefault(state.line, key) != key:
            findings.faults.add(
                where=f"{file}, key states.{key}.line",
                found=f"line {state.line}, which {lines_of[state.line]} has too",
                expected="one state a line; the highest also serves later lines",
                mend="give one of the two another line",
            )
    moves = [(row.source_states, row.to) for row in pathway.transitions if row.to is not None]
    moves += [(row.source_states, row.to) for row in pathway.decisions if row.to is not None]
    for number, row in enumerate(pathway.transitions):
        out = [key for key in absorbing if row.source_states != "alive" and key in row.source_states]
        if out:
            findings.faults.add(
                where=f"{file}, key transitions[{number}] ({row.name}).from",
                found=f"a transition out of {', '.join(out)}",
                expected="no way out of an absorbing state",
                mend=f"leave out {', '.join(out)}",
            )
    lines = max(
        [len(one.lines) for one in (*scenario.library.strategies.values(), *scenario.strategies.values())], default=0
    )
    reached = {
        key
        for key, state in states.items()
        if state.is_start or state.is_last_resort or (state.line is not None and state.line <= lines)
    }
    grows = True
    while grows:
        new = {
            to
            for sources, to in moves
            if to is not None and to not in reached and (sources == "alive" or set(sources) & reached)
        }
        reached |= new
        grows = bool(new)
    for key in states:
        if key not in reached:
            findings.faults.add(
                where=f"{file}, key states.{key}",
                found="a state that nothing leads to",
                expected="a line, or a transition to it",
                mend="give it a line, let a transition lead to it, or delete it",
            )


def _check_strategies(scenario: Scenario, findings: Findings) -> None:
    """Lines have candidates and can be reached; decisions in force are optional ones; twins are named."""
    pathway = scenario.library.pathway
    optional = {row.name for row in pathway.decisions if row.optional}
    advances = any(row.do in ("next_line", "stop") for row in pathway.decisions) or any(
        row.stops_treatment or row.stops_all for row in pathway.transitions
    )
    for key, strategy in scenario.strategies.items():
        where = f"strategy {key}"
        for number, line in enumerate(strategy.lines, 1):
            if not line.candidates:
                findings.faults.add(
                    where=f"{where}, line {number}",
                    found="no candidate",
                    expected="at least one regimen",
                    mend="add a candidate, or delete the line",
                )
        if len(strategy.lines) > 1 and not advances:
            findings.faults.add(
                where=f"{where}, line 2",
                found="a line that nobody can reach: no decision or intolerance leads on",
                expected="a decision with do = next_line",
                mend="add one to pathway.toml, or delete the line",
            )
        for name in strategy.decisions:
            if name not in optional:
                findings.warn(where, f"decision {name} is in force for everybody; listing it changes nothing")
    shapes: dict[tuple[object, ...], str] = {}
    for key, strategy in scenario.strategies.items():
        twin = shapes.setdefault((strategy.lines, frozenset(strategy.decisions), scenario.access_name(key)), key)
        if twin != key:
            findings.warn(f"strategies {twin} and {key}", "identical: every difference between them will be exactly 0")


def _check_twins(library: Library, file: str, findings: Findings) -> None:
    """Check that an id is a row of the evidence or a derived value, not both."""
    for key in library.pathway.derived:
        if key in library.parameters:
            findings.faults.add(
                where=f"{file}, key derived.{key}",
                found=f"{key}, which is also a row of the evidence",
                expected="one or the other",
                mend=f"rename it, or delete {library.parameters[key].origin}",
            )


def _check_sums(scenario: Scenario, findings: Findings) -> bool:
    """Values can be made under the chosen switches and under every other option."""
    for way, one in [("", scenario), *other_ways(scenario)]:
        try:
            one.base_values()
        except PathwayError as error:
            for fault in error.faults:
                findings.faults.add(
                    where=f"{scenario.library.name}/{fault.where}",
                    found=way + fault.found,
                    expected=fault.expected,
                    mend=fault.mend,
                )
            return False
    return True


def _warn_unused(library: Library, parts: Sequence[tuple[str, str, BaseModel]], findings: Findings) -> None:
    """Evidence that no document mentions."""
    used = {one.word for _, prefix, part in parts for one in mentions(part, join("", prefix)) if one.kind == "value"}
    for key, row in library.parameters.items():
        if key not in used:
            findings.warn(row.origin, f"{key} is used by no document")
