"""What cannot be in one record: dates out of order, two values on one day, a list that says otherwise than an observation.

Each is a fault, told with all others before anything is judged: a determination on a record that contradicts itself would be a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from pathway.coverage.record import Given, Record, Seen, months_between
from pathway.definition.request import RequestDocument

Fault = tuple[str, str, str, str]
"""Where, found, expected, mend."""
AGE_SLACK_YEARS = 1.0
DURATION_SLACK_MONTHS = 2.0


def contradictions(document: RequestDocument, record: Record) -> Iterator[Fault]:
    """Every contradiction of a request and its record."""
    for check in (_days_of_the_request, _days_of_the_patient, _stated_and_derived, _sex, _contraindications, _courses):
        yield from check(document, record)


def same_day(fact: str, rows: tuple[Seen, ...]) -> Iterator[Fault]:
    """Two values of one fact on one day: which of them counts is not for a program to say."""
    for number, one in enumerate(rows):
        for other in rows[:number]:
            if one.date == other.date and one.value != other.value and one.value is not None and other.value is not None:
                yield f"key observations.{fact}", f"{other.value} and {one.value}, both on {one.date}", "one value a day", "keep the one that counts, or correct a date"


def _days_of_the_request(document: RequestDocument, _record: Record) -> Iterator[Fault]:
    asked = document.request
    if asked.date_of_service is not None and asked.kind != "retrospective":
        yield "key request.date_of_service", f"{asked.date_of_service} in a request of kind {asked.kind}", "a date of service only where kind is retrospective", "set kind, or use intended_start"
    elif asked.date_of_service is not None and asked.date_of_service > asked.date:
        yield "key request.date_of_service", f"{asked.date_of_service}, after the request of {asked.date}", "a day up to the request", "check the year; what is still to come is a start"
    if asked.intended_start is not None and asked.intended_start < asked.date:
        yield "key request.intended_start", f"{asked.intended_start}, before the request of {asked.date}", "a day from the request on", "ask for what was given already as retrospective"


def _days_of_the_patient(document: RequestDocument, _record: Record) -> Iterator[Fault]:
    patient, asked = document.patient, document.request
    for key, day in (("birth_date", patient.birth_date), ("first_symptom", patient.first_symptom)):
        if day is not None and day > asked.date:
            yield f"key patient.{key}", f"{day}, after the request of {asked.date}", "a day up to the request", "check the year"
    born = patient.birth_date
    if born is not None and patient.first_symptom is not None and patient.first_symptom < born <= asked.date:
        yield "key patient.first_symptom", f"{patient.first_symptom}, before the birth on {born}", "a day of the patient's life", "check the years"
    if born is not None and patient.age is not None and born <= asked.date and abs(months_between(born, asked.date) / 12.0 - patient.age) > AGE_SLACK_YEARS:
        yield "key patient.age", f"{patient.age:g} years beside a birth on {born}", "one of the two", "delete age: the birth date gives it"


def _stated_and_derived(document: RequestDocument, record: Record) -> Iterator[Fault]:
    """An observation beside what the patient's table says of the same."""
    patient = document.patient
    for fact, rows in record.observations.items():
        stated = rows[-1]
        if fact.startswith("diagnosis_") and isinstance(stated.value, bool) and stated.value != (fact.removeprefix("diagnosis_") in record.diagnoses) and not stated.value:
            yield f"key observations.{fact}", f"no, beside a diagnosis of {', '.join(patient.diagnosis)}", "the same answer twice, or once", "correct one of the two"
        derived: float | None = None
        if fact == "age":
            derived = patient.age if patient.birth_date is None else months_between(patient.birth_date, stated.date) / 12.0
        elif fact == "disease_duration" and patient.first_symptom is not None:
            derived = months_between(patient.first_symptom, stated.date)
        slack = AGE_SLACK_YEARS if fact == "age" else DURATION_SLACK_MONTHS
        if derived is not None and isinstance(stated.value, float) and abs(stated.value - derived) > slack:
            yield f"key observations.{fact}", f"{stated.value:g} beside {derived:.1f} by the patient's dates", "one of the two", "delete the observation: the dates give it"


def _sex(document: RequestDocument, record: Record) -> Iterator[Fault]:
    can = record.observations.get("reproductive_potential", ())
    if document.patient.sex == "male" and can and can[-1].value is True:
        yield "key observations.reproductive_potential", "yes, beside sex = male", "one of the two", "correct one of them: safety gates rest on it"


def _contraindications(_document: RequestDocument, record: Record) -> Iterator[Fault]:
    for number, one in enumerate(record.contraindications):
        if any(other.drug == one.drug and other.present != one.present for other in record.contraindications[:number]):
            yield f"key contraindications[{number}]", f"{one.drug} contraindicated and not contraindicated", "one of the two", "delete one"

def _courses(document: RequestDocument, record: Record) -> Iterator[Fault]:
    for number, course in enumerate(document.therapies):
        where = f"key therapies[{number}]"
        if course.ongoing and course.stop_reason is not None:
            yield f"{where}.ongoing", f"true beside stop_reason = {course.stop_reason}", "one of the two", "delete one"
        if course.ongoing is False and course.progressed is None and course.stop_reason is None and course.stop is None and course.last_dose is None and course.start is None:
            yield where, "stopped, and nothing else", "a date or a reason", "say what is known of it, or leave it out"
        if course.stop is not None and course.last_dose is not None and course.last_dose > course.stop:
            yield f"{where}.last_dose", f"{course.last_dose}, after the stop on {course.stop}", "a last dose up to the stop", "check the dates"
        born = document.patient.birth_date
        if born is not None and course.start is not None and course.start < born:
            yield f"{where}.start", f"{course.start}, before the birth on {born}", "a day of the patient's life", "check the years"
    yield from _overlapping(record.courses, record.as_of, lambda agent: record.policies.agents[agent].label if agent in record.policies.agents else agent)


def _overlapping(courses: tuple[Given, ...], as_of: date, label: Callable[[str], str]) -> Iterator[Fault]:
    """One drug in two courses at once that differ in dose: how much is taken is not known."""
    for number, one in enumerate(courses):
        for other in courses[:number]:
            same = one.agent == other.agent and one.start is not None and other.start is not None
            if not same or one.weekly_mg == other.weekly_mg or one.weekly_mg is None or other.weekly_mg is None:
                continue
            end, other_end = (given.end(as_of) or given.start or as_of for given in (one, other))
            if (one.start or as_of) < other_end and (other.start or as_of) < end:
                yield "key therapies", f"{label(one.agent)} in two doses at once, from {one.start}", "courses that follow each other", "stop the earlier one where the dose changed"
