"""A determination told to people (text, HTML) and to programs (JSON).

The three tell the same dictionary (:func:`told`). Text from a file is escaped wherever it is shown. This module must not judge anything.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from pathway.coverage.answers import FOR, LABEL_ONLY, WORDS, Finding, Verdict
from pathway.coverage.counterfactual import Change, could_deny, missing_facts, nearest_change
from pathway.coverage.determination import DISCLAIMER, Determination
from pathway.coverage.nodes import Proof
from pathway.definition.request import RequestDocument
from pathway.errors import shown
from pathway.rules import Truth

TRUTHS = {Truth.MET: "met", Truth.NOT_MET: "not met", Truth.NOT_DOCUMENTED: "not documented", Truth.NOT_APPLICABLE: "not applicable"}
GRADES = {
    "V1": "primary source read", "V2": "secondary source", "S": "stated in a seed document only", "M": "from memory", "A": "assumption",
}  # fmt: skip
SIGNS = {"met": "+", "not met": "-", "not documented": "?", "not applicable": "o"}
GROUP_WORDS = {"all": "all of these", "any": "any of these", "at_least": "at least"}
LAYERS = {"label": "Label", "guideline": "Guidelines", "practice": "Operational claims of the seed documents"}


def told(request: RequestDocument, made: Determination) -> dict[str, Any]:
    """A determination as plain values.

    Returns
    -------
    Keys: ``label``, ``question``, ``request``, ``overall``, ``coverage``, ``answer``, ``safety``, ``safety_answer``, ``reasons``, ``cautions``, ``standing`` (answers that
    are kept apart), ``modification``, ``not_evaluated``, ``payer``, ``contrast``, ``layers``,
    ``missing`` (sets of questions that could turn it into an approval), ``could_deny``, ``nearest_change``, ``do_first``, ``advice``, ``flags``, ``expects``,
    ``conflicts``, ``documents``, ``citations``, ``disclaimer``.
    """
    record = made.record
    asked = record.asked
    verdict = made.verdict
    rule = record.policies.rules.get(verdict.profile) if verdict is not None else None
    change = nearest_change(rule, record) if rule is not None else None
    used = _documents(made)
    return {
        "label": request.label, "question": asked.question, "as_of": record.as_of.isoformat(), "patient": record.patient.id,
        "request": _asked(made), "overall": made.overall, "coverage": made.coverage, "safety": made.safety, "reasons": list(made.reasons), "cautions": list(made.cautions),
        "answer": WORDS[made.coverage] if made.coverage is not None else "", "safety_answer": WORDS[made.safety] if made.safety is not None else "", "standing": _standing(made),
        "modification": made.modification, "payer": _verdict(verdict, made) if verdict is not None else None, "contrast": [_verdict(one, made) for one in made.contrast],
        "layers": {title: [_finding(one) for one in made.findings if one.layer == layer] for layer, title in LAYERS.items()},
        "missing": [list(group) for group in missing_facts(rule, record)] if rule is not None else [],
        "could_deny": list(could_deny(rule, record)) if rule is not None else [],
        "nearest_change": _change(change), "do_first": list(made.do_first), "advice": list(made.advice), "not_evaluated": list(made.not_evaluated), "flags": dict(made.flags), "expects": dict(made.expects),
        "conflicts": [{"number": number, **_conflict(made, number)} for number in made.conflicts()],
        "documents": [
            {"id": one.id, "type": one.type, "date": one.date.isoformat(), "label": one.label, "used": one.id in used} for one in record.documents
        ],
        "citations": _citations(made), "disclaimer": DISCLAIMER,
    }  # fmt: skip


def _asked(made: Determination) -> str:
    asked = made.record.asked
    agent = made.record.policies.agents[asked.drug]
    product = agent.products.get(asked.product.casefold())
    parts = [product.label if product is not None else agent.label, asked.route]
    parts += [f"{asked.dose_mg:g} mg" if asked.dose_mg is not None else "", _every(asked.interval_days) if asked.interval_days is not None else ""]
    together = ", ".join(made.record.policies.agents[one].label for one in made.record.with_agents)
    return " ".join(part for part in parts if part) + (f", with {together}" if together else "") + f" ({asked.kind.replace('_', ' ')}; {made.record.policies.disease(asked.disease)})"


def _every(days: float) -> str:
    """An interval as clinics say it."""
    spoken = {0.5: "twice a day", 1.0: "once a day", 7.0: "every week"}
    weeks = days / 7.0
    return spoken.get(days) or (f"every {weeks:g} weeks" if weeks.is_integer() else f"every {days:g} days")


def _standing(made: Determination) -> dict[str, str]:
    """Questions whose answers must not be taken for each other (X-02): experimental, labelled, within the plan's criteria."""
    record, verdict = made.record, made.verdict
    agent = record.policies.agents[record.asked.drug]
    is_listed = agent.labelled_for is not None and record.asked.disease in agent.labelled_for
    backed = [one.rule.id for one in made.findings if one.position in FOR]
    disease = record.policies.disease(record.asked.disease)
    found = [*([f"its label lists {disease}"] if is_listed else []), *([f"guidelines speak for it ({', '.join(backed)})"] if backed else [])]
    labelled = "not read" if agent.labelled_for is None else "yes" if is_listed else "no"
    return {
        "Experimental or investigational": f"no: {'; '.join(found)}" if found else "nothing here says that it is not",
        f"Labelled for {disease}": labelled,
        **({f"Meets the plan's criteria ({verdict.profile})": TRUTHS[verdict.truth]} if verdict is not None else {}),
    }


def _verdict(verdict: Verdict, made: Determination) -> dict[str, Any]:
    rule = made.record.policies.rules.get(verdict.profile)
    proof = verdict.proof
    deciding = proof.decisive() if proof is not None else None
    return {
        "profile": verdict.profile, "label": "the label alone" if verdict.profile == LABEL_ONLY else rule.label if rule is not None else "",
        "answer": str(verdict.answer), "answer_words": WORDS[verdict.answer] if verdict.truth is not Truth.NOT_APPLICABLE else "not applicable",
        "truth": TRUTHS[verdict.truth], "deciding": _node(deciding, depth=-1) if deciding is not None else None,
        "proof": [{**_node(node, depth), "below_not": below_not} for node, depth, below_not in _flat(proof)] if proof is not None else [],
        "source": rule.source if rule is not None else "", "grade": rule.grade if rule is not None else "", "grade_words": GRADES[rule.grade] if rule is not None else "",
        "note": rule.note if rule is not None else "", "lasts": verdict.lasts,
    }  # fmt: skip


def _flat(proof: Proof, depth: int = 0, *, below_not: bool = False) -> list[tuple[Proof, int, bool]]:
    """Nodes in file order, how deep they stand, and whether an odd number of negations turns what they say."""
    found = [(proof, depth, below_not)]
    for child in proof.children:
        found += _flat(child, depth + 1, below_not=below_not != (proof.form == "not"))
    return found


def _node(node: Proof, depth: int) -> dict[str, Any]:
    together = f": {'; '.join(_named(child) for child in node.children)}" if depth < 0 and node.children else ""
    return {
        "depth": depth, "truth": TRUTHS[node.truth], "words": ("none of these" if together and node.form == "any" and node.words == GROUP_WORDS["any"] else node.words) + together, "found": node.found, "date": node.date.isoformat() if node.date else "",
        "documents": list(node.documents), "distance": node.distance, "missing": node.missing if node.truth is Truth.NOT_DOCUMENTED and not node.children else "",
        "is_group": bool(node.children),
    }  # fmt: skip


def _named(node: Proof) -> str:
    """A node in a row of others: a group without a name of its own by its members."""
    chosen = next((child for child in node.children if child.truth is Truth.MET), None) if node.form == "any" and node.truth is Truth.MET else None
    if chosen is not None:
        return _named(chosen)
    if node.form in GROUP_WORDS and node.words.startswith(GROUP_WORDS[node.form]):
        return f"({' / '.join(_named(child) for child in node.children)})"
    return node.words


def _does_not_apply(one: Finding) -> bool:
    """Is an answer of no only the condition under which a piece of advice is given."""
    return one.layer != "label" and one.truth is Truth.NOT_MET and not one.position and one.rule.if_not_met in ("deny", "nothing")


def _finding(one: Finding) -> dict[str, Any]:
    deciding = one.proof.deciding()
    return {
        "id": one.rule.id, "label": one.rule.label, "type": one.rule.type, "truth": TRUTHS[one.truth], "shown": "not applicable" if _does_not_apply(one) else TRUTHS[one.truth], "act": one.act, "text": one.text,
        "position": one.position.replace("_", " "), "strength": "" if one.strength and one.position.startswith(one.strength) else one.strength, "deciding": _node(deciding, 0), "source": one.rule.source,
        "grade": one.rule.grade, "grade_words": GRADES[one.rule.grade], "edition": one.rule.edition,
    }  # fmt: skip


def _change(change: Change | None) -> dict[str, Any] | None:
    return None if change is None else {"words": list(change.words), "is_possible": change.is_possible}


def _conflict(made: Determination, number: str) -> dict[str, Any]:
    conflict = made.record.policies.conflicts[number]
    return {"label": conflict.label, "positions": list(conflict.positions), "resolution": conflict.resolution}


def _documents(made: Determination) -> set[str]:
    proofs = [one.proof for one in made.findings] + [v.proof for v in (made.verdict, *made.contrast) if v is not None and v.proof is not None]
    return {document for proof in proofs for node in proof.nodes() for document in node.documents}


def _citations(made: Determination) -> list[dict[str, str]]:
    rules = [one.rule for one in made.findings if one.truth is not Truth.NOT_APPLICABLE or one.act]
    rules += [made.record.policies.rules[v.profile] for v in (made.verdict, *made.contrast) if v is not None and v.profile != LABEL_ONLY]
    return [{"id": rule.id, "source": rule.source, "grade": rule.grade, "grade_words": GRADES[rule.grade]} for rule in {one.id: one for one in rules}.values()]


# --- text -----------------------------------------------------------------------------------------------------------


def as_text(told_: dict[str, Any]) -> str:
    """The determination for people, in plain lines."""
    lines = [told_["label"], "=" * len(told_["label"])]
    if told_["question"]:
        lines += [told_["question"]]
    lines += [f"Asked   {told_['request']}, as of {told_['as_of']}", f"Answer  {(told_['answer'] or told_['overall']).upper()}"]
    payer = told_["payer"]
    if payer is not None and payer["deciding"] is not None:
        lines += [f"        by {payer['profile']}: {payer['label']}", f"        {_leaf_text(payer['deciding'])}"]
    lines += [f"        and because {reason}" for reason in told_["reasons"]]
    if told_["answer"] and told_["safety_answer"]:
        lines += [f"Safety  {told_['safety_answer'].upper()}"]
    lines += [f"        {caution}" for caution in told_["cautions"]]
    if told_["modification"]:
        lines += [f"Would pass: {told_['modification']}"]
    lines += _listed("Missing, any one line would do", [" + ".join(group) for group in told_["missing"]])
    lines += _listed("One answer to these would settle a denial", told_["could_deny"])
    change = told_["nearest_change"]
    if change is not None:
        lines += _listed("Nearest change that would turn the denial into an approval" + ("" if change["is_possible"] else " (cannot be changed)"), change["words"])
    lines += _listed("Do first", told_["do_first"]) + _listed("Advice", told_["advice"])
    if told_["not_evaluated"]:
        lines += [f"Not evaluated, for what they ask is not on file: {', '.join(told_['not_evaluated'])}"]
    lines += _listed("Kept apart", [f"{question}: {told_answer}" for question, told_answer in told_["standing"].items()])
    lines += _listed("Notes", [f"{name.replace('_', ' ')}: {words}" for name, words in told_["flags"].items()])
    if told_["expects"]:
        lines += _listed("Expected change of FVC, % predicted, at week 48", [f"{arm}: {value:+g} points" for arm, value in told_["expects"].items()])
    if payer is not None and payer["proof"]:
        lines += ["", f"Proof of {payer['profile']}   (+ met, - not met, ? not documented, o not applicable)"]
        lines += [f"  {'  ' * node['depth']}{_leaf_text(node)}" for node in payer["proof"]]
    for title, findings in told_["layers"].items():
        if findings:
            lines += ["", f"{title}, each apart"]
            lines += [f"  {SIGNS[one['shown']]} {one['id']:<10} {_finding_text(one)}" for one in findings]
    if told_["contrast"]:
        lines += ["", "What other payers' rules would have decided"]
        lines += [f"  {one['profile']:<12} {one['answer_words']}: {_leaf_text(one['deciding']) if one['deciding'] else one['label']}" for one in told_["contrast"]]
    if told_["conflicts"]:
        lines += ["", "Where the sources disagree"]
        for one in told_["conflicts"]:
            lines += [f"  {one['number']:<4}{one['label']}", *(f"        - {position}" for position in one["positions"]), f"        here: {one['resolution']}"]
    lines += ["", "Sources"] + [f"  {one['id']:<12} {one['source']} ({one['grade']}: {one['grade_words']})" for one in told_["citations"]]
    lines += ["", told_["disclaimer"]]
    return "\n".join(shown(line, 2000) for line in lines)


def _listed(title: str, rows: list[str]) -> list[str]:
    return [f"{title}:", *(f"  * {row}" for row in rows)] if rows else []


def _leaf_text(node: dict[str, Any]) -> str:
    found = f": {node['found']}" if node["found"] else ""
    dated = f" on {node['date']}" if node["date"] and node["found"] else ""
    away = f", {abs(node['distance']):g} {'to spare' if node['distance'] > 0 else 'short'}" if node["distance"] else ", at the threshold" if node["distance"] == 0 else ""
    papers = f" [{', '.join(node['documents'])}]" if node["documents"] else ""
    asks = f" -> {node['missing']}" if node["missing"] else ""
    return f"{SIGNS[node['truth']]} {node['words']}{found}{dated}{away}{papers}{asks}"


def _finding_text(one: dict[str, Any]) -> str:
    says = f"{one['position']}" + (f" ({one['strength']})" if one["strength"] else "") + ": " if one["position"] else f"{one['act'].replace('_', ' ')}: " if one["act"] else ""
    return f"{says}{one['text'] or one['label']}" + (f" -> {one['deciding']['missing']}" if one["deciding"]["missing"] else "")


# --- JSON and HTML ----------------------------------------------------------------------------------------------------


def as_json(told_: dict[str, Any]) -> str:
    """The determination for programs."""
    return json.dumps(told_, indent=2, ensure_ascii=False)


@cache
def _template() -> Any:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(resources.files("pathway.report").joinpath("templates/review.html").read_text(encoding="utf-8"))


def as_html(told_: dict[str, Any]) -> str:
    """One self-contained page for the file."""
    return str(_template().render(**told_))
