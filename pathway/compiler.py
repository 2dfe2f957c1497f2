"""From documents to a program: one strategy of a study under one set of values.

All ids become numbers, all names become indices and bit sets, rules become postfix code. What is wrong is gathered and
told at once. The parts stand in :mod:`pathway.compiling`; this face puts them together, lays out the finite-state
machine and the table of names. It must not read files or run anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pathway.compiling import body, clinic, hazards, response
from pathway.compiling.access import DELAYS, access
from pathway.compiling.coverage import PolicyCode
from pathway.compiling.lookup import AGE, FEMALE, ONSET, Lookup
from pathway.compiling.rules import rules
from pathway.definition.scenario import Scenario
from pathway.draws import check_streams
from pathway.errors import ProgramError, did_you_mean
from pathway.program import Action, CodeRow, DecisionSpec, Move, Program, TransitionSpec

GRID = 0.25
"""Years between grid points."""
WORDS = (
    "line", "entry", "start", "renewal", "residual", "peer_to_peer", "appeal", "approved", "confirmatory", "denied",
    "no_candidate", "death", "superseded", "not_covered", "progression", "intolerance", "completed", "contraindication",
    "inefficacy", "good_response", "choice", "horizon", "hold", "resume", "bridge", "abandoned", "insufficient_documentation", "resubmission",
)  # fmt: skip
"""Words of the log that no document declares."""


def compile_program(scenario: Scenario, strategy: str, values: Mapping[str, float]) -> Program:
    """Compile one strategy of a study.

    Parameters
    ----------
    scenario
        A checked study.
    strategy
        Id of one of ``scenario.strategies``.
    values
        Value of every id in house units: ``scenario.base_values()`` or a parameter set.

    Raises
    ------
    ProgramError
        If an id has no value, a name means nothing, or what is asked for has no closed form; all faults together.
    DrawError
        If two streams of draws share a number.
    """
    if strategy not in scenario.strategies:
        known = list(scenario.strategies)
        raise ProgramError(
            where="strategy", found=strategy, expected=", ".join(known), mend=did_you_mean(strategy, known)
        )
    lookup = Lookup(scenario, strategy, values)
    pathway = scenario.library.pathway
    horizon = scenario.study.horizon
    references = body.references(lookup)
    policies = PolicyCode(lookup, scenario.library.policies, scenario.library.simulation, *rules(lookup), documents=tuple(lookup.access.documents))
    transitions, life_tables = hazards.transitions(lookup)
    decisions = clinic.decisions(lookup)
    lines = clinic.lines(lookup)
    start, last_resort, line_states = places(lookup, len(lines))
    works, response_effects = response.responses(lookup)
    parts = {
        "markers": body.markers(lookup, references, GRID),
        "findings": body.findings(lookup),
        "conditions": body.conditions(lookup),
        "schedules": clinic.schedules(lookup, horizon),
        "scheduled": hazards.scheduled(lookup),
        "effects": (*body.effects(lookup), *response_effects),
        "responses": works,
        "indices": response.indices(lookup),
    }
    flags_at_entry = tuple(
        lookup.index("covariate", flag.at_entry, f"pathway.toml, key flags.{name}.at_entry")
        for name, flag in pathway.flags.items()
    )
    requests = access(lookup, policies)
    code = tuple(policies.rows)
    lookup.faults.raise_if_any(ProgramError)
    check_streams(stream_names(lookup, transitions, decisions))
    names = word_table(lookup, transitions, decisions, code)
    return Program(
        strategy=strategy,
        names=names,
        states=lookup.names("state"),
        state_line=tuple(-1 if state.line is None else state.line for state in pathway.states.values()),
        state_visits=tuple(state.visits for state in pathway.states.values()),
        absorbing=((1 << len(pathway.states)) - 1) & ~lookup.alive,
        start_state=start,
        last_resort=last_resort,
        line_states=line_states,
        treatments=lookup.names("treatment"),
        covariates=lookup.names("covariate"),
        references=references,
        life_tables=life_tables,
        flags=lookup.names("flag"),
        flags_at_entry=flags_at_entry,
        rules=tuple(policies.rules),
        code=code,
        transitions=transitions,
        decisions=decisions,
        lines=lines,
        access=requests,
        moves=moves(lookup, transitions, decisions, (*line_states[1:], last_resort)),
        horizon=horizon,
        grid=GRID,
        age=lookup.covariate(AGE),
        female=lookup.covariate(FEMALE),
        onset=lookup.covariate(ONSET),
        name_ids={name: number for number, name in enumerate(names)},
        **parts,  # type: ignore[arg-type]
    )


def places(lookup: Lookup, line_count: int) -> tuple[int, int, tuple[int, ...]]:
    """Start state, last resort, and the state of every line (0: the start state).

    The state of a line is the one with the highest ``line`` not above it.
    """
    where = "pathway.toml, states"
    states = list(lookup.scenario.library.pathway.states.values())
    starts = [number for number, state in enumerate(states) if state.is_start]
    resorts = [number for number, state in enumerate(states) if state.is_last_resort]
    if len(starts) != 1:
        lookup.fault(where, f"{len(starts)} start states", "exactly one state with is_start = true")
    if len(resorts) > 1 or (line_count > 0 and not resorts):
        lookup.fault(where, f"{len(resorts)} states of last resort", "exactly one state with is_last_resort = true")
    for number, state in enumerate(states):
        if state.is_absorbing and (number in starts or number in resorts or state.line is not None):
            name = lookup.names("state")[number]
            lookup.fault(where, f"absorbing state {name} as a place of treatment", "a state one can leave")
    start = starts[0] if starts else 0
    by_line: dict[int, int] = {0: start}
    for number, state in enumerate(states):
        if state.line is not None and state.line > 0:
            if state.line in by_line:
                lookup.fault(where, f"two states of line {state.line}", "one state a line")
            by_line[state.line] = number
    if line_count > 0 and len(by_line) == 1:
        lookup.fault(where, f"a strategy of {line_count} lines and no state with a line", "a state with line = 1")
    last = max(line_count, *by_line)
    line_states = tuple(by_line[max(line for line in by_line if line <= wanted)] for wanted in range(last + 1))
    return start, resorts[0] if resorts else start, line_states


def moves(
    lookup: Lookup,
    transitions: Iterable[TransitionSpec],
    decisions: Iterable[DecisionSpec],
    line_states: Iterable[int],
) -> tuple[Move, ...]:
    """Legal moves: transitions that lead somewhere, and changes of line.

    A change of line may leave every state in which treatment can be chosen: states of earlier lines, tapering, those that
    a treated patient can come to without stopping all drugs, and those that a decision names. It never leads back.
    """
    pathway = lookup.scenario.library.pathway
    everything = (1 << len(lookup.names("treatment"))) - 1
    targets = list(dict.fromkeys(line_states))
    treated = sum(1 << number for number in targets)
    states = list(pathway.states.values())
    treated |= sum(1 << number for number, state in enumerate(states) if state.is_tapering or state.is_start)
    found: list[Move] = []
    labels = {row.name: row.label for row in pathway.transitions}
    decision_labels = {row.name: row.label for row in pathway.decisions}
    for row in transitions:
        if row.to >= 0:
            found.append(Move(trigger=row.name, label=labels[row.name], sources=row.sources, to=row.to))
            if row.stops != everything:
                treated |= 1 << row.to
    for decision in decisions:
        if decision.action is Action.NEXT_LINE:
            treated |= decision.sources
        if decision.to >= 0:
            found.append(Move(trigger=decision.name, label=decision_labels[decision.name], sources=decision.sources & ~(1 << decision.to), to=decision.to))
            treated |= 1 << decision.to
    treated &= lookup.alive
    names = lookup.names("state")
    for place, to in enumerate(targets):
        later = sum(1 << state for state in targets[place:])  # lines go forward: the line number never falls
        sources = treated & ~later
        if sources:
            found.append(Move(trigger=f"line:{names[to]}", label="line", sources=sources, to=to))
    return tuple(found)


def stream_names(lookup: Lookup, transitions: Iterable[TransitionSpec], decisions: Iterable[DecisionSpec]) -> list[str]:
    """Names of all streams of draws of a program."""
    pathway = lookup.scenario.library.pathway
    markers, findings = lookup.names("marker"), lookup.names("finding")
    found = [f"transition:{row.name}" for row in transitions]
    for marker in markers:
        found += [f"walk:{marker}", f"slope:{marker}"]
    for name, schedule in pathway.schedules.items():
        found += [f"measure:{marker}:{name}" for marker in schedule.measures]
        found += [f"finding:{finding}:{name}" for finding in schedule.findings]
    for decision in decisions:
        if decision.confirm is not None:
            found += [f"measure:{markers[number]}:confirm:{decision.name}" for number in decision.confirm.measures]
            found += [f"finding:{findings[number]}:confirm:{decision.name}" for number in decision.confirm.findings]
    found += [f"recovery:{name}" for name in pathway.conditions]
    for treatment, one in pathway.responses.items():
        found.append(response.stream_of(treatment, one))
        shares = pathway.response_shapes[one.shape].shares
        found += [response.noise_stream(treatment, one, share) for share in shares if share.noise_sd is not None]
    return [*found, *(f"request:{name}" for name in DELAYS), "request", "request:documents"]


def word_table(
    lookup: Lookup,
    transitions: Iterable[TransitionSpec],
    decisions: Iterable[DecisionSpec],
    code: Iterable[CodeRow],
) -> tuple[str, ...]:
    """Every word the log may use, once, in a fixed order."""
    scenario = lookup.scenario
    pathway = scenario.library.pathway
    planned = [row for row in pathway.scheduled if scenario.in_force(row)]
    words = [*lookup.names("state"), *(row.name for row in transitions)]
    for kind in ("treatment", "condition", "flag", "marker", "finding", "index"):
        words += lookup.names(kind)
    words += [*pathway.schedules, *(row.name for row in decisions), *(row.name for row in planned)]
    words += [row.reason for row in transitions] + [row.reason for row in planned] + [row.reason for row in decisions]
    words += [scenario.cohort.entry.reason] if scenario.cohort is not None else []
    words += [row.cause for row in transitions] + [row.label for row in code]
    return tuple(dict.fromkeys(word for word in [*words, *WORDS] if word))
