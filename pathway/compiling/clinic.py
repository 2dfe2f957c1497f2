"""Visits, decisions and lines of candidates, compiled.

This module must not know hazards or the true course of markers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pathway.compiling.lookup import Lookup
from pathway.definition.body import Schedule
from pathway.definition.change import Confirmation, Decision
from pathway.draws import stream_id
from pathway.errors import did_you_mean
from pathway.program import (
    LINE_STATE,
    Action,
    CandidateSpec,
    ClockKind,
    ConfirmationSpec,
    DecisionSpec,
    Floats,
    Phases,
    ScheduleSpec,
)

ACTIONS = {
    "next_line": Action.NEXT_LINE,
    "stop": Action.STOP,
    "hold": Action.HOLD,
    "resume": Action.RESUME,
    "reduce": Action.REDUCE,
    "restore": Action.RESTORE,
    "flag": Action.FLAG,
    "clear": Action.CLEAR,
    "exchange": Action.EXCHANGE,
}
USUAL_REASONS = {Action.NEXT_LINE: "progression", Action.STOP: "choice", Action.EXCHANGE: "exchange"}
TINY = 1e-9
"""Years: visits nearer than this to the end of a phase belong to the next."""
VISITS_AT_MOST = 1 << 20


def visit_times(every: Phases, horizon: float, *, at_zero: bool) -> Floats:
    """List the times of planned visits on their clock, ascending.

    The k-th visit of a phase is at ``start + k * interval``, so rounding does not pile up.

    Parameters
    ----------
    every
        Interval by phase, years, above zero.
    horizon
        Last time, years.
    at_zero
        Whether there is a visit at time 0; otherwise the first is after one interval.

    Examples
    --------
    >>> visit_times(Phases(values=(0.25, 0.5), edges=(0.5, float("inf"))), 2.0, at_zero=True).tolist()
    [0.0, 0.25, 0.5, 1.0, 1.5, 2.0]
    """
    found: list[float] = []
    start = 0.0
    for interval, edge in zip(every.values, every.edges, strict=True):
        end = min(edge - TINY, horizon + TINY)
        count = max(math.ceil((end - start) / interval), 0) + 1
        times = start + np.arange(count) * interval
        found.extend(times[times < end].tolist())
        start = edge
        if edge > horizon:
            break
    return np.array(found if at_zero else found[1:], dtype=np.float64)


def _streams(lookup: Lookup, measures: Sequence[int], findings: Sequence[int], suffix: str) -> tuple[int, ...]:
    """Stream ids of what is measured; 0 where it is not."""
    markers, kinds = lookup.names("marker"), lookup.names("finding")
    found = [0] * (len(markers) + len(kinds))
    for number in measures:
        found[number] = stream_id(f"measure:{markers[number]}:{suffix}")
    for number in findings:
        found[len(markers) + number] = stream_id(f"finding:{kinds[number]}:{suffix}")
    return tuple(found)


def _numbers(lookup: Lookup, kind: str, names: Sequence[str], where: str) -> tuple[int, ...]:
    numbers = [lookup.index(kind, name, where) for name in names]
    return tuple(number for number in numbers if number >= 0)


def schedules(lookup: Lookup, horizon: float) -> tuple[ScheduleSpec, ...]:
    """All schedules, in definition order."""
    declared = lookup.scenario.library.pathway.schedules
    return tuple(_schedule(lookup, name, schedule, horizon) for name, schedule in declared.items())


def _schedule(lookup: Lookup, name: str, schedule: Schedule, horizon: float) -> ScheduleSpec:
    where = f"pathway.toml, key schedules.{name}"
    clock = lookup.clock(schedule.clock, f"{where}.clock")
    if clock.kind not in (ClockKind.ENTRY, ClockKind.LINE, ClockKind.COURSE):
        lookup.fault(f"{where}.clock", schedule.clock, "entry, line or course:<treatment>")
    every = lookup.phases(schedule.every, schedule.until, f"{where}.every")
    offsets = np.zeros(0)
    if any(not interval > 0.0 for interval in every.values):
        lookup.fault(f"{where}.every", f"intervals {every.values}", "years above zero")
    elif horizon / min(every.values) > VISITS_AT_MOST:
        found = f"a visit every {min(every.values):g} years for {horizon:g} years"
        lookup.fault(f"{where}.every", found, "fewer visits")
    elif all(math.isfinite(edge) for edge in every.edges[:-1]):
        offsets = visit_times(every, horizon, at_zero=clock.kind is ClockKind.ENTRY)
    measures = _numbers(lookup, "marker", schedule.measures, f"{where}.measures")
    findings = _numbers(lookup, "finding", schedule.findings, f"{where}.findings")
    while_on = lookup.bits("treatment", schedule.while_on, f"{where}.while_on")
    if clock.kind is ClockKind.COURSE and not while_on and clock.treatment >= 0:
        while_on = 1 << clock.treatment
    return ScheduleSpec(
        name=name,
        clock=clock,
        offsets=offsets,
        measures=measures,
        findings=findings,
        while_on=while_on,
        streams=_streams(lookup, measures, findings, name),
    )


def decisions(lookup: Lookup) -> tuple[DecisionSpec, ...]:
    """Decisions in force, in file order; optional ones only if the strategy lists them."""
    scenario = lookup.scenario
    declared = scenario.library.pathway.decisions
    known = {row.name for row in declared if row.optional}
    for name in lookup.strategy.decisions:
        if name not in known:
            expected = ", ".join(sorted(known)) or "no optional decision is declared"
            lookup.fault("strategy, key decisions", f"decision '{name}'", expected, did_you_mean(name, sorted(known)))
    return tuple(
        _decision(lookup, row)
        for row in declared
        if scenario.in_force(row) and (not row.optional or row.name in lookup.strategy.decisions)
    )


def _decision(lookup: Lookup, row: Decision) -> DecisionSpec:
    where = f"pathway.toml, decision {row.name}"
    action = ACTIONS[row.do]
    if action in (Action.STOP, Action.HOLD, Action.RESUME, Action.REDUCE, Action.RESTORE) and row.treatment is None:
        lookup.fault(where, f"do = {row.do} without a treatment", "key treatment")
    if (action in (Action.FLAG, Action.CLEAR)) != (row.flag is not None):
        lookup.fault(where, f"do = {row.do} with flag = {row.flag}", "key flag for do = flag and do = clear, and only for them")
    exchange = tuple(
        (lookup.index("treatment", swap.stop, f"{where}, exchange"), lookup.index("treatment", swap.start, f"{where}, exchange")) for swap in row.exchange
    )
    to = LINE_STATE if row.to_line_state else lookup.index("state", row.to, f"{where}, to")
    return DecisionSpec(
        name=row.name,
        rule=lookup.index("rule", row.when, f"{where}, when"),
        sources=lookup.states(row.source_states, f"{where}, from"),
        action=action,
        treatment=lookup.index("treatment", row.treatment, f"{where}, treatment"),
        reason=row.reason or USUAL_REASONS.get(action, ""),
        flag=lookup.index("flag", row.flag, f"{where}, flag"),
        choose=row.choose,
        confirm=_confirmation(lookup, row.name, row.confirm, f"{where}, confirm") if row.confirm is not None else None,
        exchange=exchange,
        to=to,
    )


def _confirmation(lookup: Lookup, decision: str, row: Confirmation, where: str) -> ConfirmationSpec:
    measures = _numbers(lookup, "marker", row.measures, where)
    findings = _numbers(lookup, "finding", row.findings, where)
    return ConfirmationSpec(
        after=lookup.at_least_zero(row.after, where),
        rule=lookup.index("rule", row.when, where),
        measures=measures,
        findings=findings,
        streams=_streams(lookup, measures, findings, f"confirm:{decision}"),
    )


def lines(lookup: Lookup) -> tuple[tuple[CandidateSpec, ...], ...]:
    """Candidates of each line of the strategy."""
    return tuple(
        tuple(
            CandidateSpec(
                regimen=lookup.bits("treatment", candidate.regimen, f"strategy, line {number}, candidate {position}"),
                rule=lookup.index("rule", candidate.when, f"strategy, line {number}, candidate {position}"),
            )
            for position, candidate in enumerate(line.candidates, start=1)
        )
        for number, line in enumerate(lookup.strategy.lines, start=1)
    )
