"""A patient's record as rules read it: dated observations in one unit, courses of drugs, and what is asserted to be complete.

Only what was known on the day of judgement is seen. Nothing is judged here: the answers are values, or None for *not on file*.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import exp, log, log1p, sqrt

from pathway.definition.policies import Policies
from pathway.definition.request import Asked, Contraindication, Course, Patient, RecordDocument

Value = bool | float | str
BASELINE_BEFORE, BASELINE_AFTER = timedelta(days=90), timedelta(days=14)
"""A baseline is dated from so long before to so long after the start of a course (assumption of the coverage review)."""
SPELL_GAP = timedelta(days=31)
"""Courses of one drug that follow each other within this are one spell: a new dose, route or product is no stop (assumption)."""
ENDS_A_SPELL = ("inefficacy_primary", "inefficacy_secondary", "adverse_event", "intolerance", "contraindication")


def months_later(day: date, months: int) -> date:
    """The same day of a later (or earlier) month; the last day where the month is shorter.

    Examples
    --------
    >>> months_later(date(2026, 1, 31), 1)
    datetime.date(2026, 2, 28)
    """
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def before(day: date, span: str) -> date:
    """The day that lies a span before: days and weeks exact, months and years by the calendar.

    Examples
    --------
    >>> before(date(2026, 3, 31), "12 months"), before(date(2026, 3, 31), "30 days")
    (datetime.date(2025, 3, 31), datetime.date(2026, 3, 1))
    """
    number, unit = span.split()
    amount = float(number)
    if unit.startswith("day"):
        return day - timedelta(days=amount)
    if unit.startswith("week"):
        return day - timedelta(days=7 * amount)
    return months_later(day, -round(amount * (12 if unit.startswith("year") else 1)))


def months_between(first: date, last: date) -> float:
    """Whole months between two days, and the days of the last one as a share of 30.4375.

    Examples
    --------
    >>> months_between(date(2021, 3, 1), date(2026, 3, 1))
    60.0
    """
    whole = (last.year - first.year) * 12 + last.month - first.month
    if months_later(first, whole) > last:
        whole -= 1
    return whole + (last - months_later(first, whole)).days / 30.4375


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One observation, in the fact's unit; ``value`` None: documented as never done."""

    value: Value | None
    date: date
    document: str = ""
    is_attested: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One course of one agent; dates None: not on file."""

    agent: str
    course: Course
    start: date | None
    last_dose: date | None
    is_ongoing: bool

    def end(self, as_of: date) -> date | None:
        """Last day of it; None if that is not on file."""
        return as_of if self.is_ongoing else self.last_dose

    @property
    def weekly_mg(self) -> float | None:
        """Dose a week."""
        dose, interval = self.course.dose_mg, self.course.interval_days
        return None if dose is None or interval is None else dose * 7.0 / interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What the reviewer has.

    Attributes
    ----------
    asked, patient
        The request, with names of agents in place of brands; and the patient.
    observations
        By fact, oldest first; only up to ``as_of``.
    courses
        Oldest first.
    as_of
        Day of judgement: the request's, or the date of service of a retrospective request.
    reference
        Day from which look-backs count: the intended start, or ``as_of``.
    """

    asked: Asked
    patient: Patient
    policies: Policies
    observations: dict[str, tuple[Seen, ...]]
    courses: tuple[Given, ...]
    contraindications: tuple[Contraindication, ...]
    documents: tuple[RecordDocument, ...]
    with_agents: tuple[str, ...]
    as_of: date
    reference: date

    def of(self, fact: str) -> tuple[Seen, ...]:
        """All observations of a fact, derived ones included, oldest first."""
        stated = self.observations.get(fact, ())
        if stated:
            return stated
        if fact.startswith("diagnosis_"):
            return self._diagnosis(fact.removeprefix("diagnosis_"))
        how = self.policies.facts[fact].derived
        if how == "age":
            return self._age()
        if how == "not_male":
            return (Seen(value=False, date=self.as_of),) if self.patient.sex == "male" else ()
        if how == "activity":
            return self._activity()
        if how == "disease_duration":
            first = self.patient.first_symptom
            return () if first is None else (Seen(value=months_between(first, self.as_of), date=self.as_of),)
        if how == "transaminases":
            return self._higher(("alt", "ast"))
        if how:
            return self._index(how)
        return ()

    @property
    def diagnoses(self) -> tuple[str, ...]:
        """Diseases of the patient's list, those that an ICD-10 code stands for included."""
        listed = self.patient.diagnosis
        coded = (
            name.removeprefix("diagnosis_") for name, fact in self.policies.facts.items() if any(one.upper().startswith(code) for code in fact.codes for one in listed)
        )
        return tuple(dict.fromkeys((*listed, *coded)))

    def _activity(self) -> tuple[Seen, ...]:
        """Activity by the cut-points of an index, where nobody states it: the last of CDAI, SDAI and DAS28."""
        found = [
            replace(seen, value=activity_class(index, float(seen.value)))
            for index in ("cdai", "sdai", "das28_crp", "das28_esr")
            for seen in self.of(index)
            if isinstance(seen.value, float)
        ]
        return tuple(sorted(found, key=lambda seen: seen.date))

    def _diagnosis(self, name: str) -> tuple[Seen, ...]:
        """Yes if listed; open if only a wider diagnosis is, or none that is known here; no if others are."""
        listed = self.diagnoses
        if name in listed:
            return (Seen(value=True, date=self.as_of),)
        known = [one for one in listed if f"diagnosis_{one}" in self.policies.facts]
        if any(name.startswith(f"{wider}_") for wider in listed) or not known:
            return ()
        return (Seen(value=any(one.startswith(f"{name}_") for one in listed), date=self.as_of),)

    def _age(self) -> tuple[Seen, ...]:
        born = self.patient.birth_date
        if born is not None:
            return (Seen(value=float(int(months_between(born, self.as_of) // 12)), date=self.as_of),)
        return () if self.patient.age is None else (Seen(value=self.patient.age, date=self.as_of),)

    def _higher(self, facts: tuple[str, ...]) -> tuple[Seen, ...]:
        """The higher of several values day by day, each as last known; open until all are known."""
        days = sorted({seen.date for fact in facts for seen in self.observations.get(fact, ())})
        found: list[Seen] = []
        for day in days:
            last = [[seen for seen in self.observations.get(fact, ()) if seen.date <= day and isinstance(seen.value, float)] for fact in facts]
            if all(last):
                top = max((one[-1] for one in last), key=lambda seen: float(seen.value or 0.0))
                found.append(replace(top, date=day))
        return tuple(found)

    def _index(self, how: str) -> tuple[Seen, ...]:
        """An activity index on days on which all its parts were measured."""
        parts = {
            "cdai": ("tjc28", "sjc28", "patient_global", "physician_global"), "sdai": ("tjc28", "sjc28", "patient_global", "physician_global", "crp"),
            "das28_crp": ("tjc28", "sjc28", "crp", "patient_global"), "das28_esr": ("tjc28", "sjc28", "esr", "patient_global"),
        }[how]  # fmt: skip
        found: list[Seen] = []
        for day in sorted({seen.date for seen in self.observations.get(parts[0], ())}):
            values = [[seen for seen in self.observations.get(part, ()) if seen.date == day and isinstance(seen.value, float)] for part in parts]
            if all(values):
                x = [float(one[-1].value or 0.0) for one in values]
                found.append(Seen(value=activity_index(how, x), date=day, document=values[0][-1].document))
        return tuple(found)

    def latest(self, fact: str, *, earlier_than: date | None = None, skip: int = 0, measured_only: bool = False) -> Seen | None:
        """The last observation (``skip``: the one before it), before a day if one is given."""
        kept = [
            seen for seen in self.of(fact) if (earlier_than is None or seen.date < earlier_than) and not (measured_only and seen.is_attested and seen.value is not None)
        ]
        return kept[-1 - skip] if len(kept) > skip else None

    def first_dose(self, agents: tuple[str, ...]) -> date | None:
        """First dose of any of these agents; ``date.min`` if one of them was given since nobody knows when."""
        return min((given.start or date.min for given in self.courses if given.agent in agents), default=None)

    def of_agent(self, agent: str) -> tuple[Given, ...]:
        """Courses of one agent."""
        return tuple(given for given in self.courses if given.agent == agent)

    @property
    def present_course(self) -> Given | None:
        """The course of the requested drug that the request is about."""
        return next(reversed(self.of_agent(self.asked.drug)), None)

    def spell_start(self, given: Given, among: tuple[Given, ...] | None = None) -> date | None:
        """First day of the unbroken use that a course belongs to; None if it is not on file.

        ``among``: the courses that may count to it, all of its drug when absent.
        """
        start = given.start
        others = [one for one in (self.of_agent(given.agent) if among is None else among) if one is not given and one.start is not None]
        for one in sorted(others, key=lambda other: other.start or date.min, reverse=True):
            end = one.end(self.as_of)
            is_before = start is not None and one.start is not None and one.start < start
            if is_before and end is not None and start is not None and end >= start - SPELL_GAP and one.course.stop_reason not in ENDS_A_SPELL:
                start = one.start
        return start

    def is_continued(self, given: Given) -> bool:
        """Tell whether it gave way to the next course of its drug for no reason on file: a new dose, route or product."""
        end = given.end(self.as_of)
        if given.is_ongoing or end is None or given.start is None or given.course.stop_reason not in (None, "unknown"):
            return False
        return any(one.start is not None and given.start < one.start <= end + SPELL_GAP for one in self.of_agent(given.agent))

    def baseline(self, fact: str, *, measured_only: bool) -> Seen | None:
        """The observation nearest to the start of the present course that may serve as its baseline."""
        course = self.present_course
        start = None if course is None else self.spell_start(course)
        if start is None:
            return None
        kept = [
            seen
            for seen in self.of(fact)
            if start - BASELINE_BEFORE <= seen.date <= start + BASELINE_AFTER and seen.value is not None and not (measured_only and seen.is_attested)
        ]
        return min(kept, key=lambda seen: abs((seen.date - start).days), default=None)


ACTIVITY = {"cdai": (2.8, 10.0, 22.0), "sdai": (3.3, 11.0, 26.0), "das28_crp": (2.6, 3.2, 5.1), "das28_esr": (2.6, 3.2, 5.1)}
"""Upper ends of remission, low and moderate activity (G-RA-09); remission by DAS28 is below 2.6, all others include the end."""


def activity_class(how: str, value: float) -> str:
    """Remission, low, moderate or high by the cut-points of an index.

    Examples
    --------
    >>> activity_class("cdai", 10.0), activity_class("das28_crp", 2.6)
    ('low', 'low')
    """
    remission, low, moderate = ACTIVITY[how]
    is_remission = value < remission if how.startswith("das28") else value <= remission
    return "remission" if is_remission else "low" if value <= low else "moderate" if value <= moderate else "high"


def activity_index(how: str, x: list[float]) -> float:
    """CDAI, SDAI or DAS28 of their parts: joints of 28, globals of 10, CRP in mg/L, ESR in mm/h.

    References
    ----------
    Published definitions as in the rheumatoid arthritis evidence, section 3.

    Examples
    --------
    >>> activity_index("cdai", [10.0, 8.0, 6.0, 5.0])
    29.0
    """
    tender, swollen = x[0], x[1]
    if how == "cdai":
        return sum(x)
    if how == "sdai":
        return sum(x[:4]) + x[4] / 10.0
    joints = 0.56 * sqrt(tender) + 0.28 * sqrt(swollen) + 0.014 * 10.0 * x[3]
    return joints + 0.36 * log1p(x[2]) + 0.96 if how == "das28_crp" else joints + 0.70 * log(max(x[2], exp(0.0)))
