"""Proofs: a rule's tree answered on a record, with what was found, what was asked, and what is missing.

Four values and strong Kleene logic (:mod:`pathway.rules`). A known failure decides whatever is missing; an old observation is *not documented*, because a new test
cures it; "never done" is *not met* where a test is asked for. Thresholds compare as printed, up to one part in 10^9, so that 20 % of 10 joints is 20 %.
This module must not know a drug or a payer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from pathway.coverage.asked import request_leaf
from pathway.coverage.nodes import Proof, compared, say, threshold_words
from pathway.coverage.record import Record, Seen, before
from pathway.coverage.therapy import of_agent, therapy_words
from pathway.definition.policies import Clause, PolicyRule
from pathway.rules import Truth, combine_all, combine_any, combine_at_least, negate

REQUESTED = "requested"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What clauses are answered on.

    Attributes
    ----------
    skip
        1: on the observations before the last ones (was the value before it in the band too).
    given
        Answers set by a search, by path.
    """

    record: Record
    skip: int = 0
    given: Mapping[str, Truth] = field(default_factory=dict)


def prove(rule: PolicyRule, context: Context) -> Proof:
    """Answer a rule; one without a tree is not applicable."""
    return _rule(rule, context, rule.id)


def _rule(rule: PolicyRule, context: Context, path: str) -> Proof:
    if rule.when is None:
        return Proof(path=path, truth=Truth.NOT_APPLICABLE, words=rule.label, form="rule", source=rule.source, grade=rule.grade)
    inner = answer(rule.when, context, f"{path}.when")
    truth = inner.truth
    children: tuple[Proof, ...] = (inner,)
    if rule.applies_if is not None:
        guard = answer(rule.applies_if, context, f"{path}.applies_if")
        truth, children = _guarded(guard, inner)
    return Proof(path=path, truth=truth, words=rule.label, form="rule", source=rule.source, grade=rule.grade, children=children)


def _guarded(guard: Proof, inner: Proof) -> tuple[Truth, tuple[Proof, ...]]:
    if guard.truth is Truth.MET:
        return inner.truth, (inner,)
    return (Truth.NOT_DOCUMENTED if guard.truth is Truth.NOT_DOCUMENTED else Truth.NOT_APPLICABLE), (guard,)


def answer(clause: Clause, context: Context, path: str) -> Proof:
    """Answer one clause."""
    if path in context.given:
        return Proof(path=path, truth=context.given[path], words=clause.label, form="given")
    proof = _plain(clause, context, path)
    if clause.applies_if is not None:
        guard = answer(clause.applies_if, context, f"{path}.applies_if")
        truth, children = _guarded(guard, proof)
        proof = proof if children[0] is proof else Proof(path=path, truth=truth, words=f"only if {guard.words}", form="if", children=children)
    return proof


def _plain(clause: Clause, context: Context, path: str) -> Proof:
    group = clause.all or clause.any or clause.at_least_of
    if group:
        return _group(clause, group, context, path)
    if clause.negate is not None:
        inner = answer(clause.negate, context, f"{path}.not")
        return Proof(path=path, truth=negate(inner.truth), words=clause.label or f"not: {inner.words}", form="not", children=(inner,))
    if clause.rule is not None:
        return _rule(context.record.policies.rules[clause.rule], context, f"{path}({clause.rule})")
    if clause.documented is not None:
        return _documented(clause, context, path)
    leaf = _leaf(clause, context, path)
    if leaf.truth is Truth.NOT_DOCUMENTED and clause.if_missing in ("warn", "nothing"):
        return _with(leaf, truth=Truth.NOT_APPLICABLE, found=leaf.found or "not on file, left out")
    return leaf


def _with(proof: Proof, *, truth: Truth, found: str) -> Proof:
    return Proof(
        path=proof.path, truth=truth, words=proof.words, form=proof.form, found=found, date=proof.date, documents=proof.documents, missing=proof.missing,
        changeable=proof.changeable, fact=proof.fact, source=proof.source, grade=proof.grade,
    )  # fmt: skip


def _group(clause: Clause, group: Sequence[Clause], context: Context, path: str) -> Proof:
    form = "all" if clause.all else "any" if clause.any else "at_least"
    if clause.parameter is not None:
        form = context.record.asked.parameters.get(clause.parameter, form)
    key = "all" if clause.all else "any" if clause.any else "at_least_of"
    children = tuple(answer(child, context, f"{path}.{key}[{number}]") for number, child in enumerate(group))
    values = [child.truth for child in children]
    truth = combine_all(values) if form == "all" else combine_any(values) if form == "any" else combine_at_least(clause.count or 1, values)
    words = clause.label or {"all": "all of these", "any": "any of these", "at_least": f"at least {clause.count} of these"}[form]
    return Proof(path=path, truth=truth, words=words, form=form, children=children, source=clause.source, grade=clause.grade or "")


def _documented(clause: Clause, context: Context, path: str) -> Proof:
    children = tuple(_on_file(fact, clause.within, context, f"{path}.documented[{number}]") for number, fact in enumerate(clause.documented or ()))
    if len(children) == 1:
        return children[0]
    return Proof(path=path, truth=combine_all([child.truth for child in children]), words=clause.label or _all_on_file(clause, context), form="all", children=children)


def _all_on_file(clause: Clause, context: Context) -> str:
    labels = [context.record.policies.facts[fact].label for fact in clause.documented or ()]
    return f"{', '.join(labels[:-1])} and {labels[-1]} on file"


def _on_file(fact: str, within: str | None, context: Context, path: str) -> Proof:
    if path in context.given:
        return Proof(path=path, truth=context.given[path], words=fact, form="given")
    spec = context.record.policies.facts[fact]
    seen = context.record.latest(fact)
    truth = Truth.NOT_DOCUMENTED if seen is None else Truth.NOT_MET if seen.value is None else Truth.MET
    found = "" if seen is None else "documented as never done" if seen.value is None else f"on file: {say(seen.value, spec.unit)}"
    if truth is Truth.MET and within is not None and seen is not None and seen.date < before(context.record.reference, within):
        truth, found = Truth.NOT_DOCUMENTED, f"{found}, older than {within}"
    return Proof(
        path=path, truth=truth, words=f"{spec.label} on file" + (f", within {within}" if within else ""), form="documented", found=found, date=None if seen is None else seen.date,
        documents=_papers(seen), missing=spec.ask or spec.label, fact=fact, changeable=True,
    )  # fmt: skip


def _papers(*seen: Seen | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.document for one in seen if one is not None and one.document))


# --- leaves ---------------------------------------------------------------------------------------------------------


def _leaf(clause: Clause, context: Context, path: str) -> Proof:
    if clause.fact is not None:
        return _fact(clause, clause.fact, context, path)
    if clause.change_of is not None:
        return _change(clause, clause.change_of, context, path)
    if clause.improvement_of is not None:
        return _improvement(clause, clause.improvement_of, context, path)
    if clause.therapy is not None:
        return _therapy(clause, context, path)
    return request_leaf(clause, context.record, path)


def _fact(clause: Clause, fact: str, context: Context, path: str) -> Proof:
    record = context.record
    spec = record.policies.facts[fact]
    agents = record.policies.members(clause.before_start_of)
    first = record.first_dose(agents) if agents else None
    seen = record.latest(fact, earlier_than=first, skip=context.skip, measured_only=clause.measured_only)
    if clause.ever:
        seen = next((one for one in reversed(record.of(fact)) if one.value is not None and _judged(clause, one, "")[0] is Truth.MET), seen)
    words = clause.label or (spec.label if clause.equals is True else f"{spec.label}: {threshold_words(clause, spec.unit)}")
    if clause.before_start_of:
        words += ", before the first dose"
    if clause.within is not None:
        words += f", within {clause.within}"
    truth, found, distance = Truth.NOT_DOCUMENTED, "", None
    if seen is None or seen.value is None:
        is_absent = clause.if_missing == "absent" and record.patient.claims_complete and spec.kind == "yes_no"
        if is_absent:
            truth, found = (Truth.NOT_MET if clause.equals else Truth.MET), "nothing on file, taken as no"
        elif seen is not None:
            found = "documented as never done"
    elif clause.within is not None and seen.date < before(record.reference, clause.within):
        found = f"{say(seen.value, spec.unit)}, older than {clause.within}"
    else:
        truth, found, distance = _judged(clause, seen, spec.unit)
    return Proof(
        path=path, truth=truth, words=words, form="fact", found=found, date=None if seen is None else seen.date, documents=_papers(seen), distance=distance,
        missing=clause.ask or spec.ask or spec.label, changeable=spec.changeable, fact=fact, source=clause.source, grade=clause.grade or "",
    )  # fmt: skip


def _judged(clause: Clause, seen: Seen, unit: str) -> tuple[Truth, str, float | None]:
    value = seen.value
    if isinstance(value, bool):
        return (Truth.MET if value == clause.equals else Truth.NOT_MET), say(value), None
    if isinstance(value, str):
        return (Truth.MET if value in (clause.one_of or ()) else Truth.NOT_MET), value, None
    number = float(value or 0.0)
    passed, distance = compared(clause, number)
    return (Truth.MET if passed else Truth.NOT_MET), say(number, unit), distance


def _change(clause: Clause, fact: str, context: Context, path: str) -> Proof:
    record = context.record
    spec = record.policies.facts[fact]
    last = record.latest(fact)
    since = None if last is None else before(last.date, clause.within) if clause.within else date.min
    kept = [seen for seen in record.of(fact) if last is not None and since is not None and seen.date >= since and isinstance(seen.value, float)]
    words = clause.label or f"{clause.direction} of {spec.label}" + (f" within {clause.within}" if clause.within else "")
    words += f": {threshold_words(clause, '' if clause.relative else spec.unit)}" + (" of the earlier value" if clause.relative else "")
    is_old = last is not None and clause.within is not None and last.date < before(record.as_of, clause.within)
    if last is None or is_old or len(kept) < 2 or not isinstance(last.value, float):
        found = f"the last value is older than {clause.within}" if is_old else ""
        return Proof(path=path, truth=Truth.NOT_DOCUMENTED, words=words, form="change", found=found, missing=f"{spec.ask or spec.label}, twice, with dates", fact=fact)
    earlier = max(kept[:-1], key=lambda seen: float(seen.value or 0.0) * (1 if clause.direction == "fall" else -1))
    start = float(earlier.value or 0.0)
    moved = (start - last.value) * (1 if clause.direction == "fall" else -1)
    if clause.relative:
        if start == 0.0:
            return Proof(path=path, truth=Truth.NOT_APPLICABLE, words=words, form="change", found="an earlier value of 0", fact=fact)
        moved /= start
    passed, distance = compared(clause, moved)
    found = f"{say(start, spec.unit)} on {earlier.date}, {say(last.value, spec.unit)} on {last.date}: {moved:g}"
    return Proof(
        path=path, truth=Truth.MET if passed else Truth.NOT_MET, words=words, form="change", found=found, date=last.date, documents=_papers(earlier, last),
        distance=distance, fact=fact, missing=spec.ask,
    )  # fmt: skip


def _improvement(clause: Clause, fact: str, context: Context, path: str) -> Proof:
    record = context.record
    spec = record.policies.facts[fact]
    least = clause.at_least if clause.at_least is not None else clause.above
    words = clause.label or f"{spec.label}: improved from baseline" + (f" by at least {100.0 * least:g} %" if least else "")
    base = record.baseline(fact, measured_only=clause.measured_only)
    now = record.latest(fact, measured_only=clause.measured_only)
    if now is not None and (
        (base is not None and now.date <= base.date) or now.value is None or (clause.within is not None and now.date < before(record.as_of, clause.within))
    ):
        now = None
    if base is not None and base.value == 0.0:
        return Proof(path=path, truth=Truth.NOT_APPLICABLE, words=words, form="improvement", found="a baseline of 0: improvement has no meaning", fact=fact)
    if base is None or now is None or not isinstance(base.value, float) or not isinstance(now.value, float):
        lack = " and ".join(name for name, one in (("baseline", base), ("current", now)) if one is None)
        return Proof(
            path=path, truth=Truth.NOT_DOCUMENTED, words=words, form="improvement", found=f"no measured {lack} value on file" if lack else "", fact=fact,
            missing=f"{lack or 'current'} {_inside(spec.label)}", documents=_papers(base, now),
        )  # fmt: skip
    share = (base.value - now.value) / base.value
    passed, distance = compared(clause, share)
    found = f"{say(base.value, spec.unit)} on {base.date}, {say(now.value, spec.unit)} on {now.date}: {100 * share:.1f} %"
    return Proof(
        path=path, truth=Truth.MET if passed else Truth.NOT_MET, words=words, form="improvement", found=found, date=now.date, documents=_papers(base, now),
        distance=distance, fact=fact, missing=spec.ask,
    )  # fmt: skip


def _inside(label: str) -> str:
    """A label within a sentence: HAQ-DI keeps its capitals."""
    return label[0].lower() + label[1:] if label[1:2].islower() else label


# --- therapy ----------------------------------------------------------------------------------------------------------


def _therapy(clause: Clause, context: Context, path: str) -> Proof:
    record = context.record
    named = tuple(record.asked.drug if one == REQUESTED else one for one in clause.drugs)
    agents = tuple(
        one
        for one in record.policies.members(named)
        if not (clause.other_than_requested and one == record.asked.drug)
        and not (clause.indicated and record.asked.disease not in (record.policies.agents[one].labelled_for or ()))
    )
    answers = {agent: of_agent(clause, agent, record) for agent in agents}
    values = [truth for truth, _ in answers.values()]
    needed = int(clause.at_least) if clause.at_least is not None else 1
    truth = combine_all(values) if clause.every else combine_at_least(needed, values) if needed > 1 else combine_any(values)
    labels = record.policies.agents
    told = "; ".join(f"{labels[agent].label}: {what}" for agent, (_, what) in answers.items() if what)
    words = clause.label or therapy_words(clause, needed)
    open_ones = [labels[agent].label for agent, (one, _) in answers.items() if one is Truth.NOT_DOCUMENTED]
    missing = f"history of {', '.join(open_ones[:4])}{' and others' if len(open_ones) > 4 else ''}: dates, dose, response and reason of stopping" if open_ones else ""
    documents = tuple(dict.fromkeys(given.course.document for agent in agents for given in record.of_agent(agent) if given.course.document))
    return Proof(path=path, truth=truth, words=words, form="therapy", found=told, documents=documents, missing=missing, source=clause.source, grade=clause.grade or "")
