"""A request file (TOML or JSON) becomes a record, or faults: every one at once.

Units are converted to the fact's own; what is implausible is refused, not taken as missing. Nothing in a file is executed.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from pathway.coverage.record import Given, Record, Seen, Value
from pathway.definition.policies import Fact, Policies
from pathway.definition.request import Course, Observation, RequestDocument
from pathway.errors import ScenarioError, did_you_mean
from pathway.reading.contradictions import contradictions, same_day
from pathway.reading.documents import build, parse_toml
from pathway.reading.policies import clauses_of, read_policies
from pathway.reading.text import Findings, read_text

ROUTES = {"iv": "IV", "intravenous": "IV", "sc": "SC", "subcutaneous": "SC", "oral": "oral", "po": "oral"}
"""Routes as records write them -> as rules name them."""
RULES_THAT_DECIDE = ("initiation", "continuation", "step")


def read_request(path: str | Path, policies: Policies | None = None, *, profiles: tuple[str, ...] = ()) -> tuple[RequestDocument, Record]:
    """Read and check a request; ``profiles`` stand in for the file's own.

    Raises
    ------
    ScenarioError
        With every fault of the file.
    """
    findings = Findings()
    source = Path(path)
    text = read_text(source, source.name, findings)
    data = None if text is None else parse_json(text, source.name, findings) if source.suffix.lower() == ".json" else parse_toml(text, source.name, findings)
    findings.faults.raise_if_any(ScenarioError)
    if profiles and isinstance((data or {}).get("request"), dict):
        data = {**(data or {}), "request": {**(data or {})["request"], "profiles": list(profiles)}}
    return request_of(data or {}, source.name, policies or read_policies())


def parse_json(text: str, name: str, findings: Findings) -> dict[str, Any] | None:
    """Tables of a JSON text, or None after noting why not."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        for key, _ in pairs:
            if sum(other == key for other, _ in pairs) > 1:
                findings.faults.add(where=name, found=f"{key} given twice", expected="each key once", mend="delete one of the two")
        return dict(pairs)

    try:
        data = json.loads(text, object_pairs_hook=once, parse_constant=lambda word: findings.faults.add(where=name, found=word, expected="a number", mend="leave it out"))
    except (ValueError, RecursionError) as error:
        findings.faults.add(where=name, found=f"no JSON: {error}", expected="a JSON object", mend="check quotation marks, commas and brackets")
        return None
    if not isinstance(data, dict):
        findings.faults.add(where=name, found=type(data).__name__, expected="a JSON object", mend="begin with {")
        return None
    return data


def request_of(data: dict[str, Any], name: str, policies: Policies) -> tuple[RequestDocument, Record]:
    """Check a request that was parsed already.

    Raises
    ------
    ScenarioError
        With every fault.
    """
    findings = Findings()
    document = build(RequestDocument, data, name, findings)
    if document is None:
        raise ScenarioError(faults=findings.faults.faults)
    record = _Door(document, name, policies, findings).record()
    findings.faults.raise_if_any(ScenarioError)
    return document, record


class _Door:
    """One request on its way in."""

    def __init__(self, document: RequestDocument, name: str, policies: Policies, findings: Findings) -> None:
        self._document = document
        self._name = name
        self._policies = policies
        self._findings = findings
        asked = document.request
        retrospective = asked.kind == "retrospective" and asked.date_of_service is not None
        self._as_of: date = min(asked.date_of_service, asked.date) if retrospective and asked.date_of_service is not None else asked.date

    def _fault(self, where: str, found: str, expected: str = "", mend: str = "") -> None:
        self._findings.faults.add(where=f"{self._name}, {where}", found=found, expected=expected, mend=mend)

    def record(self) -> Record:
        document, asked = self._document, self._document.request
        drug = self._agent(asked.drug, "key request.drug")
        if asked.kind == "retrospective" and asked.date_of_service is None:
            self._fault("key request.date_of_service", "a retrospective request without it", "the date of service", "add date_of_service")
        self._profiles()
        self._words_of_the_request(drug)
        if asked.product and asked.product.casefold() not in self._policies.agents.get(drug, self._policies.agents[next(iter(self._policies.agents))]).products:
            known = list(self._policies.agents[drug].products) if drug in self._policies.agents else []
            self._fault("key request.product", f"product '{asked.product}'", ", ".join(known) or "a product of the drug", did_you_mean(asked.product.casefold(), known))
        observations: dict[str, tuple[Seen, ...]] = {}
        for fact, found in document.observations.items():
            if fact not in self._policies.facts:
                known = list(self._policies.facts)
                self._fault(f"key observations.{fact}", f"fact '{fact}'", "a fact of library/shared/facts.toml", did_you_mean(fact, known) or "look for it in library/shared/facts.toml")
                continue
            rows = found if isinstance(found, tuple) else (found,)
            if isinstance(found, tuple) and not found:
                self._fault(f"key observations.{fact}", "an empty list", "one observation or more", "delete the key")
            seen = [self._seen(fact, row, f"key observations.{fact}" + (f"[{k}]" if isinstance(found, tuple) else "")) for k, row in enumerate(rows)]
            kept = tuple(dict.fromkeys(sorted((one for one in seen if one is not None and one.date <= self._as_of), key=lambda one: one.date)))
            for fault in same_day(fact, kept):
                self._fault(*fault)
            if kept:
                observations[fact] = kept
        given = [self._as_known(self._given(course, f"key therapies[{k}]")) for k, course in enumerate(document.therapies)]
        courses = sorted((one for one in given if one is not None), key=lambda one: one.start or date.min)
        for number, one in enumerate(document.contraindications):
            self._agent(one.drug, f"key contraindications[{number}].drug")
        self._check_documents()
        record = Record(
            asked=asked.model_copy(update={"drug": drug, "route": ROUTES.get(asked.route.casefold(), asked.route), "product": self._product(asked.product, asked.drug, drug)}),
            patient=document.patient,
            policies=self._policies,
            observations=observations,
            courses=tuple(courses),
            contraindications=tuple(
                one.model_copy(update={"drug": self._policies.agent(one.drug) or one.drug}) for one in document.contraindications
            ),
            documents=document.documents,
            with_agents=tuple(self._agent(word, "key request.with_drugs") for word in asked.with_drugs),
            as_of=self._as_of,
            reference=asked.intended_start or self._as_of,
        )
        for fault in contradictions(document, record):
            self._fault(*fault)
        return record

    def _product(self, product: str, word: str, drug: str) -> str:
        """The product that is named, be it only in place of the drug."""
        brand = word.strip().casefold()
        agent = self._policies.agents.get(drug)
        return product or (brand if agent is not None and brand in agent.products else "")

    def _words_of_the_request(self, drug: str) -> None:
        """Disease, route, quantifiers and drugs beside it: a word that no rule knows would be passed over in silence."""
        asked, policies = self._document.request, self._policies
        diseases = dict.fromkeys(one for rule in policies.rules.values() for one in rule.diseases)
        if asked.disease not in diseases:
            self._fault("key request.disease", f"disease '{asked.disease}'", ", ".join(diseases), did_you_mean(asked.disease, list(diseases)) or "name a disease of the rules")
        if asked.route and asked.route.casefold() not in ROUTES:
            self._fault("key request.route", f"route '{asked.route}'", "IV, SC or oral", did_you_mean(asked.route, list(ROUTES)) or "name one of them")
        known = dict.fromkeys(clause.parameter for rule in policies.rules.values() for _, clause in clauses_of(rule) if clause.parameter is not None)
        for name in asked.parameters:
            if name not in known:
                self._fault(f"key request.parameters.{name}", f"parameter '{name}'", ", ".join(known), did_you_mean(name, list(known)) or "delete it")
        for number, word in enumerate(asked.with_drugs):
            if policies.agent(word) == drug:
                self._fault(f"key request.with_drugs[{number}]", f"{word}, the drug itself", "drugs started beside it", "delete it")

    def _as_known(self, given: Given) -> Given | None:
        """A course as it stood on the day of judgement: nothing that began later, no end or outcome that came later."""
        if given.start is not None and given.start > self._as_of:
            return None
        ends = [day for day in (given.course.stop, given.course.last_dose) if day is not None]
        if not ends or max(ends) <= self._as_of:
            return given
        course = given.course.model_copy(update={"stop": None, "last_dose": None, "stop_reason": None, "progressed": None, "ongoing": True})
        return replace(given, course=course, last_dose=None, is_ongoing=True)

    def _agent(self, word: str, where: str) -> str:
        found = self._policies.agent(word)
        if found is None:
            names = [*self._policies.agents, *(name for agent in self._policies.agents.values() for name in agent.names)]
            self._fault(where, f"drug '{word}'", "a drug of library/shared/agents.toml", did_you_mean(word, names) or "name its ingredient")
        return found or word

    def _profiles(self) -> None:
        payers = [code for code, rule in self._policies.rules.items() if self._policies.heads[code].layer == "payer" and rule.type in RULES_THAT_DECIDE]
        for number, profile in enumerate(self._document.request.profiles):
            if profile != "label_only" and profile not in payers:
                self._fault(f"key request.profiles[{number}]", f"profile '{profile}'", "label_only or a payer's rule, such as P-CVS-SSC", did_you_mean(profile, payers))
        if not self._document.request.profiles:
            self._fault("key request.profiles", "no profile", "label_only or a payer's rule, such as P-CVS-SSC", "add one")

    def _seen(self, fact: str, row: Observation, where: str) -> Seen | None:
        spec = self._policies.facts[fact]
        day = row.date or (self._document.request.date if spec.changeable else self._as_of)
        if day > self._document.request.date:
            self._fault(f"{where}.date", f"{day}, after the request of {self._document.request.date}", "a day up to the request", "check the year")
        if row.document and row.document not in {one.id for one in self._document.documents}:
            known = [one.id for one in self._document.documents]
            self._fault(f"{where}.document", f"document '{row.document}'", ", ".join(known) or "a document of the file", did_you_mean(row.document, known) or "list it under documents")
        if row.never_done and row.value is not None:
            self._fault(where, "a value beside never_done", "one of the two", "delete one")
        if row.never_done:
            return Seen(value=None, date=day, document=row.document)
        value = self._value(spec, row, where)
        return None if value is None else Seen(value=value, date=day, document=row.document, is_attested=row.attested)

    def _value(self, spec: Fact, row: Observation, where: str) -> Value | None:
        if row.value is None:
            self._fault(f"{where}.value", "no value", "a value, or never_done = true", "add it, or leave the observation out")
            return None
        if spec.kind == "yes_no":
            if not isinstance(row.value, bool):
                self._fault(f"{where}.value", f"{row.value!r}", "true or false", "write it without quotation marks")
                return None
            return row.value
        if spec.kind == "choice":
            if row.value not in spec.choices:
                self._fault(f"{where}.value", f"{row.value!r}", ", ".join(spec.choices), did_you_mean(str(row.value), list(spec.choices)))
                return None
            return str(row.value)
        return self._quantity(spec, row, where)

    def _quantity(self, spec: Fact, row: Observation, where: str) -> float | None:
        if isinstance(row.value, bool) or not isinstance(row.value, (int, float)):
            self._fault(f"{where}.value", f"{row.value!r}", f"a number in {spec.unit}", "write the number alone, and its unit in unit")
            return None
        if row.unit in spec.refused_units:
            self._fault(f"{where}.unit", row.unit, spec.unit, spec.refused_units[row.unit])
            return None
        factors = {spec.unit: 1.0, **spec.units}
        if row.unit not in factors:
            mend = did_you_mean(row.unit, list(factors)) if row.unit else f'add unit = "{spec.unit}"'
            self._fault(f"{where}.unit", f"unit '{row.unit}'" if row.unit else "no unit", ", ".join(factors), mend or f"convert it to {spec.unit}")
            return None
        if spec.whole and row.unit == spec.unit and not float(row.value).is_integer():
            self._fault(f"{where}.value", f"{row.value:g} {row.unit}", f"a whole count {row.unit}", f"check the unit: is it {' or '.join(spec.units)}?")
            return None
        value = float(row.value) * factors[row.unit]
        low, high = spec.low, spec.high
        if (low is not None and value < low) or (high is not None and value > high):
            self._fault(f"{where}.value", f"{value:g} {spec.unit}", f"{low:g} to {high:g} {spec.unit}" if low is not None and high is not None else "a plausible value", self._slip(spec, row))
            return None
        return value

    def _slip(self, spec: Fact, row: Observation) -> str:
        """Guess what was meant by a value that is not plausible."""
        number = float(row.value or 0.0)
        inside = [unit for unit, factor in spec.units.items() if unit != row.unit and (spec.low or 0.0) <= number * factor <= (spec.high or number * factor)]
        if inside and number > 0.0:
            return f"check the number and its unit: is it {' or '.join(inside)}?"
        if spec.unit == "%" and 0.0 < number <= 1.5:
            return f"a percent, not a share: write {100.0 * number:g}"
        return "check the number and its unit"

    def _given(self, course: Course, where: str) -> Given:
        last = course.last_dose or course.stop
        for key, day in (("start", course.start), ("stop", course.stop), ("last_dose", course.last_dose)):
            if day is not None and day > self._document.request.date:
                self._fault(f"{where}.{key}", f"{day}, after the request", "a day up to the request", "check the year")
        if course.start is not None and last is not None and last < course.start:
            self._fault(where, f"it ends on {last}, before it starts on {course.start}", "a start before the end", "check the dates")
        is_ongoing = course.ongoing if course.ongoing is not None else last is None and course.stop_reason is None
        if is_ongoing and course.stop is not None:
            self._fault(f"{where}.ongoing", "true beside a stop", "one of the two", "delete one")
        return Given(agent=self._agent(course.drug, f"{where}.drug"), course=course, start=course.start, last_dose=last, is_ongoing=is_ongoing)

    def _check_documents(self) -> None:
        seen: set[str] = set()
        for number, one in enumerate(self._document.documents):
            if one.id in seen:
                self._fault(f"key documents[{number}].id", f"{one.id} again", "each document once", "rename one of the two")
            seen.add(one.id)
            if one.date > self._document.request.date:
                self._fault(f"key documents[{number}].date", f"{one.date}, after the request", "a day up to the request", "check the year")
