"""A determination told to people (text, HTML) and to programs (JSON).

The three tell the same dictionary (:func:`told`). Text from a file is escaped wherever it is shown. This module must not judge anything.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from pathway.coverage.counterfactual import Change, could_deny, missing_facts, nearest_change
from pathway.coverage.determination import DISCLAIMER, LABEL_ONLY, WORDS, Determination, Finding, Verdict
from pathway.coverage.proof import Proof
from pathway.definition.request import RequestDocument
from pathway.errors import shown
from pathway.rules import Truth

TRUTHS = {Truth.MET: "met", Truth.NOT_MET: "not met", Truth.NOT_DOCUMENTED: "not documented", Truth.NOT_APPLICABLE: "not applicable"}
GRADES = {
    "V1": "primary source read", "V2": "secondary source", "S": "stated in a seed document only", "M": "from memory", "A": "assumption",
}  # fmt: skip
SIGNS = {"met": "+", "not met": "-", "not documented": "?", "not applicable": "o"}
LAYERS = {"label": "Label", "guideline": "Guidelines", "practice": "Operational claims of the seed documents"}


def told(request: RequestDocument, made: Determination) -> dict[str, Any]:
    """A determination as plain values.

    Returns
    -------
    Keys: ``label``, ``question``, ``request``, ``overall``, ``coverage``, ``safety``, ``reasons``, ``modification``, ``payer``, ``contrast``, ``layers``,
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
        "request": _asked(made), "overall": made.overall, "coverage": made.coverage, "safety": made.safety, "reasons": list(made.reasons),
        "modification": made.modification, "payer": _verdict(verdict, made) if verdict is not None else None, "contrast": [_verdict(one, made) for one in made.contrast],
        "layers": {title: [_finding(one) for one in made.findings if one.layer == layer] for layer, title in LAYERS.items()},
        "missing": [list(group) for group in missing_facts(rule, record)] if rule is not None else [],
        "could_deny": list(could_deny(rule, record)) if rule is not None else [],
        "nearest_change": _change(change), "do_first": list(made.do_first), "advice": list(made.advice), "flags": dict(made.flags), "expects": dict(made.expects),
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
    parts += [f"{asked.dose_mg:g} mg" if asked.dose_mg is not None else "", f"every {asked.interval_days:g} days" if asked.interval_days is not None else ""]
    together = ", ".join(made.record.policies.agents[one].label for one in made.record.with_agents)
    return " ".join(part for part in parts if part) + (f", with {together}" if together else "") + f" ({asked.kind.replace('_', ' ')}, {asked.disease})"


def _verdict(verdict: Verdict, made: Determination) -> dict[str, Any]:
    rule = made.record.policies.rules.get(verdict.profile)
    proof = verdict.proof
    deciding = proof.decisive() if proof is not None else None
    return {
        "profile": verdict.profile, "label": "the label alone" if verdict.profile == LABEL_ONLY else rule.label if rule is not None else "",
        "answer": str(verdict.answer), "answer_words": WORDS[verdict.answer] if verdict.truth is not Truth.NOT_APPLICABLE else "not applicable",
        "truth": TRUTHS[verdict.truth], "deciding": _node(deciding, depth=-1) if deciding is not None else None,
        "proof": [_node(node, depth) for node, depth in _flat(proof)] if proof is not None else [],
        "source": rule.source if rule is not None else "", "grade": rule.grade if rule is not None else "", "grade_words": GRADES[rule.grade] if rule is not None else "",
        "note": rule.note if rule is not None else "", "lasts": verdict.lasts,
    }  # fmt: skip


def _flat(proof: Proof, depth: int = 0) -> list[tuple[Proof, int]]:
    found = [(proof, depth)]
    for child in proof.children:
        found += _flat(child, depth + 1)
    return found


def _node(node: Proof, depth: int) -> dict[str, Any]:
    together = f": {'; '.join(child.decisive().words for child in node.children)}" if depth < 0 and node.children else ""
    return {
        "depth": depth, "truth": TRUTHS[node.truth], "words": node.words + together, "found": node.found, "date": node.date.isoformat() if node.date else "",
        "documents": list(node.documents), "distance": node.distance, "missing": node.missing if node.truth is Truth.NOT_DOCUMENTED and not node.children else "",
        "is_group": bool(node.children),
    }  # fmt: skip


def _finding(one: Finding) -> dict[str, Any]:
    deciding = one.proof.deciding()
    return {
        "id": one.rule.id, "label": one.rule.label, "type": one.rule.type, "truth": TRUTHS[one.truth], "act": one.act, "text": one.text,
        "position": one.position.replace("_", " "), "strength": one.strength, "deciding": _node(deciding, 0), "source": one.rule.source,
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
    lines += [f"Asked   {told_['request']}, as of {told_['as_of']}", f"Answer  {told_['overall'].upper()}"]
    lines += [f"        because {reason}" for reason in told_["reasons"]]
    payer = told_["payer"]
    if payer is not None and payer["deciding"] is not None:
        lines += [f"Decided by {payer['profile']} ({payer['label']})", f"        {_leaf_text(payer['deciding'])}"]
    if told_["modification"]:
        lines += [f"Would pass: {told_['modification']}"]
    lines += _listed("Missing, any one line would do", [" + ".join(group) for group in told_["missing"]])
    lines += _listed("One answer to these would settle a denial", told_["could_deny"])
    change = told_["nearest_change"]
    if change is not None:
        lines += _listed("Nearest change that would turn the denial into an approval" + ("" if change["is_possible"] else " (cannot be changed)"), change["words"])
    lines += _listed("Do first", told_["do_first"]) + _listed("Advice", told_["advice"])
    lines += _listed("Notes", [f"{name.replace('_', ' ')}: {words}" for name, words in told_["flags"].items()])
    if told_["expects"]:
        lines += _listed("Expected change of FVC, % predicted, at week 48", [f"{arm}: {value:+g} points" for arm, value in told_["expects"].items()])
    if payer is not None and payer["proof"]:
        lines += ["", f"Proof of {payer['profile']}   (+ met, - not met, ? not documented, o not applicable)"]
        lines += [f"  {'  ' * node['depth']}{_leaf_text(node)}" for node in payer["proof"]]
    for title, findings in told_["layers"].items():
        if findings:
            lines += ["", f"{title}, each apart"]
            lines += [f"  {SIGNS[one['truth']]} {one['id']:<10} {_finding_text(one)}" for one in findings]
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
