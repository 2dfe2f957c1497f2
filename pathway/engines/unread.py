"""What nobody reads is not drawn: a program without measurements and findings that neither a rule, an index nor the log asks for.

Draws are keyed, so leaving some out moves no other. This module must not know how an engine tells a history.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from pathway.eventlog import Kind
from pathway.program import CodeRow, DecisionSpec, Program, ScheduleSpec
from pathway.rules import FIELD_NUMBERS, FIELDS

READS = {FIELD_NUMBERS[name]: kind for name, kind in FIELDS.items() if kind in ("marker", "finding", "index")}


def without_unread(program: Program, kinds: Collection[Kind]) -> Program:
    """Leave out what nobody reads when only rows of these kinds are kept.

    Parameters
    ----------
    program
        One strategy under one set of values.
    kinds
        Kinds of rows that the log keeps.

    Returns
    -------
    A program with the same histories but for rows of measurements and findings that are not kept.
    """
    read = {(READS[row.field], row.of) for row in _rows_asked(program) if row.field in READS}
    every_finding, every_measure = Kind.FINDING in kinds, Kind.MEASURE in kinds
    findings = {finding for finding in range(len(program.findings)) if every_finding or ("finding", finding) in read}
    asked = [every_finding or ("index", number) in read for number in range(len(program.indices))]
    indices = tuple(index if is_asked else replace(index, terms=()) for index, is_asked in zip(program.indices, asked, strict=True))
    markers = {marker for marker in range(len(program.markers)) if every_measure or ("marker", marker) in read}
    markers |= {marker for index in indices for marker, _, _ in index.terms}

    def planned(schedule: ScheduleSpec) -> ScheduleSpec:
        return replace(schedule, measures=_kept(schedule.measures, markers), findings=_kept(schedule.findings, findings))

    def confirmed(decision: DecisionSpec) -> DecisionSpec:
        confirm = decision.confirm
        if confirm is None:
            return decision
        return replace(decision, confirm=replace(confirm, measures=_kept(confirm.measures, markers), findings=_kept(confirm.findings, findings)))

    return replace(
        program,
        indices=indices,
        schedules=tuple(planned(schedule) for schedule in program.schedules),
        decisions=tuple(confirmed(decision) for decision in program.decisions),
    )


def _kept(numbers: tuple[int, ...], read: set[int]) -> tuple[int, ...]:
    return tuple(number for number in numbers if number in read)


def _rows_asked(program: Program) -> Iterator[CodeRow]:
    """Code of every rule that anything in the program asks for."""
    rules = {decision.rule for decision in program.decisions}
    rules |= {decision.confirm.rule for decision in program.decisions if decision.confirm}
    rules |= {candidate.rule for line in program.lines for candidate in line}
    rules |= {*program.access.start_rules, *program.access.renewal_rules}
    rules |= {rule for response in program.responses for rule, _ in (*response.shifts, *response.factors)}
    for rule in sorted(rules - {-1}):
        yield from program.code[program.rules[rule].first : program.rules[rule].last]
