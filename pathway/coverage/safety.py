"""Gates before a first dose and bands on therapy: what the label says of safety, whoever pays.

A gate that is not met or not known blocks a start; the worst band decides the next dose; a check that was due and is not on file holds it.
This module must not know a drug or a payer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pathway.coverage.answers import STARTS, WORST_FIRST, Answer, Finding
from pathway.coverage.counterfactual import missing_facts
from pathway.coverage.record import Record, before
from pathway.rules import Truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Safety:
    """What gates and bands say, with the reasons, what to do first and what would pass."""

    answer: Answer | None
    cautions: tuple[str, ...] = ()
    do_first: tuple[str, ...] = ()
    modification: str = ""


def safety_of(record: Record, findings: Sequence[Finding]) -> Safety:
    """Gather what the label's rules say of safety; ``answer`` is None where they say nothing."""
    said: list[Answer] = []
    cautions: list[str] = []
    do_first: list[str] = []
    modification = ""
    for one in findings:
        rule = one.rule
        if one.layer != "label":
            continue
        if _is_blocked(one, record):
            said.append(Answer.START_BLOCKED)
            why = "is not known" if one.truth is Truth.NOT_DOCUMENTED else "is not met"
            cautions.append(f"{rule.id} {why}: {rule.label}")
            do_first += _asks(one, record)
        elif rule.type == "monitoring" and one.act:
            said.append(Answer(one.act))
            if one.act != "continue":
                cautions.append(f"{rule.id}: {one.text}")
        elif rule.type == "monitoring" and _is_overdue(one, record):
            said.append(Answer.HOLD)
            cautions.append(f"{rule.id} is overdue, hold until it is known: {rule.label}")
            do_first += _asks(one, record)
        elif rule.type == "dosing" and record.asked.kind == "next_dose":
            act = _next_dose(one)
            if act is not None:
                said.append(act)
                cautions.append(f"{rule.id}: {one.text or rule.label}")
                modification = modification or one.text or rule.modification
    worst = next((answer for answer in WORST_FIRST if answer in said), None)
    return Safety(answer=worst, cautions=tuple(dict.fromkeys(cautions)), do_first=tuple(dict.fromkeys(do_first)), modification=modification)


def _is_blocked(one: Finding, record: Record) -> bool:
    rule = one.rule
    if one.truth is Truth.NOT_DOCUMENTED:
        return rule.if_missing == "block" and (rule.type == "start_gate" or record.asked.kind in STARTS)
    return rule.type == "start_gate" and one.truth is Truth.NOT_MET and rule.if_not_met == "block"


def _is_overdue(one: Finding, record: Record) -> bool:
    """Tell whether a next dose waits for a value: it was due, and none of late is on file."""
    course, due = record.present_course, one.rule.due_after
    if due is None or one.truth is not Truth.NOT_DOCUMENTED or course is None or record.asked.kind != "next_dose":
        return False
    start = record.spell_start(course)
    return start is None or start <= before(record.as_of, due)


def _next_dose(one: Finding) -> Answer | None:
    """What the label's dosing says to a dose on therapy, where no payer is asked."""
    if one.act == "not_recommended":
        return Answer.DISCONTINUE
    is_other = one.fits is Truth.NOT_MET or (not one.rule.bands and one.truth is Truth.NOT_MET)
    return Answer.MODIFY if is_other and one.rule.if_not_met in ("deny", "modify") else None


def _asks(one: Finding, record: Record) -> list[str]:
    """The fewest questions that could settle a rule that is not documented."""
    fewest = missing_facts(one.rule, record) if one.rule.when is not None else ()
    leaves = [leaf.missing for leaf in one.proof.leaves() if leaf.truth is Truth.NOT_DOCUMENTED and leaf.missing]
    return list(fewest[0]) if fewest else leaves
