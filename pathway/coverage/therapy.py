"""Questions on earlier and present drugs, answered on a record: one agent at a time, one course at a time.

A history that is not asserted to be complete leaves what it does not mention *not documented*. This module must not know a drug or a payer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from pathway.coverage.record import Given, Record, before
from pathway.definition.policies import Clause
from pathway.rules import Truth, combine_all, combine_any

TOLERANCE = 1e-9
FAILED = ("inefficacy_primary", "inefficacy_secondary")
NOT_TOLERATED = ("adverse_event", "intolerance")


def therapy_words(clause: Clause, needed: int) -> str:
    """Tell a question on therapy in words; ``needed``: of how many drugs it must hold."""
    verb = {
        "tried": "had", "on": "is on", "failed": "failed", "intolerant": "did not tolerate", "failed_or_intolerant": "failed or did not tolerate",
        "contraindicated": "contraindicated", "progressed": "progressed on", "stopped": "stopped", "reason_documented": "reason of stopping documented for",
    }[clause.therapy or "tried"]  # fmt: skip
    how = "every one of " if clause.every else f"at least {needed} of " if needed > 1 else ""
    extra = "".join(
        part
        for part in (
            f", for at least {clause.for_at_least}" if clause.for_at_least else "", f", for more than {clause.for_more_than}" if clause.for_more_than else "", f", last dose within {clause.last_dose_within}" if clause.last_dose_within else "",
            f", begun at least {clause.last_dose_before} ago" if clause.last_dose_before else "",
        )  # fmt: skip
    )
    names = [one.replace("_", " ") for one in clause.drugs]
    return f"{verb} {how}{', '.join(names)}{extra}"


def of_agent(clause: Clause, agent: str, record: Record) -> tuple[Truth, str]:
    """Truth of the question for one agent, and what the record says of it."""
    courses = record.of_agent(agent)
    question = clause.therapy
    if question == "contraindicated":
        return _contraindicated(agent, courses, record)
    if question == "reason_documented":
        stopped = [given for given in courses if not given.is_ongoing and not record.is_continued(given)]
        if not stopped:
            return Truth.NOT_APPLICABLE, ""
        is_known = all(given.course.stop_reason not in (None, "unknown") for given in stopped)
        return (Truth.MET if is_known else Truth.NOT_DOCUMENTED), "" if is_known else "stopped, reason not on file"
    if not courses:
        is_known = record.patient.therapy_history_complete or (clause.if_missing == "absent" and record.patient.claims_complete)
        return (Truth.NOT_MET if is_known else Truth.NOT_DOCUMENTED), ""
    counts_from_last = clause.last_dose_before is not None  # an interval counts from the latest course, and one without a date may be the latest
    asked = [given for given in courses if given.start is None or given is courses[-1]] if counts_from_last else courses
    answers = [_of_course(clause, given, record) for given in asked]
    truth = (combine_all if counts_from_last else combine_any)([one for one, _ in answers])
    return truth, next(what for one, what in answers if one == truth)


def _contraindicated(agent: str, courses: Sequence[Given], record: Record) -> tuple[Truth, str]:
    stated = [one for one in record.contraindications if one.drug == agent]
    if any(one.present for one in stated) or any(given.course.stop_reason == "contraindication" for given in courses):
        return Truth.MET, f"contraindicated ({next((one.basis for one in stated if one.basis), 'on file')})"
    if stated or record.patient.contraindications_complete:
        return Truth.NOT_MET, "not contraindicated"
    return Truth.NOT_DOCUMENTED, ""


def _of_course(clause: Clause, given: Given, record: Record) -> tuple[Truth, str]:
    asked = _asked_of_course(clause, given, has_ended=not given.is_ongoing and not record.is_continued(given))
    limits = [asked, *_limits(clause, given, record)]
    said = "ongoing" if given.is_ongoing else f"stopped {given.last_dose or ''} ({given.course.stop_reason or 'no reason on file'})".replace("  ", " ")
    if given.course.progressed:
        said += ", progressed on it"
    return combine_all(limits), f"{said}, since {given.start}" if given.start else said


def _asked_of_course(clause: Clause, given: Given, *, has_ended: bool) -> Truth:
    question, reason = clause.therapy, given.course.stop_reason
    is_open = has_ended and reason in (None, "unknown")
    progressed = given.course.progressed is True or reason in FAILED
    if question == "tried":
        return Truth.MET
    if question == "on":
        return Truth.MET if given.is_ongoing else Truth.NOT_MET
    if question == "stopped":
        return Truth.MET if has_ended else Truth.NOT_MET
    if question == "progressed":
        return Truth.MET if progressed else Truth.NOT_DOCUMENTED if is_open or (not has_ended and given.course.progressed is None) else Truth.NOT_MET
    failed = Truth.MET if progressed else Truth.NOT_DOCUMENTED if is_open else Truth.NOT_MET
    intolerant = Truth.MET if reason in NOT_TOLERATED else Truth.NOT_DOCUMENTED if is_open else Truth.NOT_MET
    return failed if question == "failed" else intolerant if question == "intolerant" else combine_any([failed, intolerant])


def _limits(clause: Clause, given: Given, record: Record) -> Iterator[Truth]:
    """What is asked of the course besides: its length, last dose, dose and company."""
    if clause.for_at_least is not None or clause.for_more_than is not None or clause.alone:
        yield _lasted(clause, given, record)
    if clause.products:
        product = given.course.product.casefold()
        yield _known(None if not product else product in clause.products)
    if clause.last_dose_within is not None:
        last = given.end(record.as_of)
        yield _known(None if last is None else last >= before(record.as_of, clause.last_dose_within))
    if clause.last_dose_before is not None:
        yield _known(None if given.start is None else given.start <= before(record.reference, clause.last_dose_before))
    if clause.weekly_mg_at_least is not None:
        yield _known(_is_dosed(clause, given))


def _is_dosed(clause: Clause, given: Given) -> bool | None:
    dose = given.weekly_mg
    return clause.weekly_mg_at_least is None or (None if dose is None else dose >= clause.weekly_mg_at_least * (1.0 - TOLERANCE))


def _lasted(clause: Clause, given: Given, record: Record) -> Truth:
    """Was it taken so long in one spell (``alone``: so long without the others); courses whose dates are not on file may have been at any time."""
    alike = tuple(one for one in record.of_agent(given.agent) if _is_dosed(clause, one))
    start, end = record.spell_start(given, alike), given.end(record.as_of)
    if start is None or end is None:
        return Truth.NOT_DOCUMENTED
    others = record.policies.members(clause.not_with) if clause.alone else ()
    company = [one for one in record.courses if one.agent in others and one.agent != given.agent]
    least = [(one.start, one.end(record.as_of) or one.start) for one in company if one.start is not None]
    most = [(one.start or date.min, one.end(record.as_of) or date.max) for one in company]
    answers = [any(_is_long(clause, first, last) for first, last in _free(start, end, covers)) for covers in (least, most)]
    return _known(answers[0] if answers[0] == answers[1] else None)


def _is_long(clause: Clause, start: date, end: date) -> bool:
    if clause.for_more_than is not None:
        return start < before(end, clause.for_more_than)
    return start <= before(end, clause.for_at_least or "1 day")


def _free(start: date, end: date, covers: Sequence[tuple[date, date]]) -> Iterator[tuple[date, date]]:
    """Stretches from start to end that nothing covers."""
    for first, last in sorted(covers):
        if last > start:
            if first > start:
                yield start, min(first, end)
            start = max(start, last)
        if start >= end:
            return
    yield start, end


def _known(is_so: bool | None) -> Truth:  # noqa: FBT001 (an answer, not a flag)
    return Truth.NOT_DOCUMENTED if is_so is None else Truth.MET if is_so else Truth.NOT_MET
