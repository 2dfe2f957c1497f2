"""Facts, agents, rules and conflicts of coverage: read from the library, checked against each other.

What both diseases share stands in ``library/shared``; rules of one disease in its own ``policies`` folder. This module must not know a payer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path

from pathway.definition.policies import Agent, Clause, Conflict, Fact, Policies, PolicyDocument, PolicyHead, PolicyRule
from pathway.errors import ScenarioError, did_you_mean
from pathway.reading.documents import build, build_table, parse_toml
from pathway.reading.text import Findings, read_text

FORMS = ("all", "any", "at_least_of", "negate", "rule", "fact", "change_of", "improvement_of", "therapy", "request", "documented")
SHOWN = {"negate": "not"}
REQUESTED = "requested"
"""Stands for the drug that is asked for."""
APART = ("simulation.toml", "facts.toml", "agents.toml", "access.toml")
BOUNDS = ("at_least", "at_most", "above", "below", "equals", "one_of")


def library_root() -> Path:
    """Folder of the disease libraries."""
    return Path(str(resources.files("pathway.library")))


def read_policies(root: Path | None = None) -> Policies:
    """Everything that is known of coverage, for all diseases.

    Parameters
    ----------
    root
        A folder with ``shared`` and disease folders; the library's own when absent.

    Raises
    ------
    ScenarioError
        With every fault of every file.
    """
    findings = Findings()
    home = root or library_root()
    folders = sorted(path.parent for path in home.glob("*/policies") if path.parent.name != "shared")
    policies = load_policies(home / "shared", folders, findings)
    findings.faults.raise_if_any(ScenarioError)
    return policies


def load_policies(shared: Path, folders: Sequence[Path], findings: Findings) -> Policies:
    """What is shared, and the rules of disease folders, noting faults instead of raising them.

    A disease folder may hold ``facts.toml`` and ``agents.toml`` of its own, which add to what is shared.
    """
    facts: dict[str, Fact] = {}
    agents: dict[str, Agent] = {}
    for folder in (shared, *(folder / "policies" for folder in folders)):
        facts |= build_table(Fact, _toml(folder / "facts.toml", findings), _name(folder / "facts.toml"), findings)
        agents |= build_table(Agent, _toml(folder / "agents.toml", findings), _name(folder / "agents.toml"), findings)
    conflicts = build_table(Conflict, _toml(shared / "conflicts.toml", findings), _name(shared / "conflicts.toml"), findings)
    rules: dict[str, PolicyRule] = {}
    heads: dict[str, PolicyHead] = {}
    places: dict[str, str] = {}
    for path in [path for folder in (shared, *folders) for path in sorted((folder / "policies").glob("*.toml")) if path.name not in APART]:
        name = _name(path)
        document = build(PolicyDocument, _toml(path, findings), name, findings)
        for number, rule in enumerate(document.rules if document is not None else ()):
            where = f"{name}, key rules[{number}] ({rule.id})"
            if rule.id in rules:
                findings.faults.add(where=where, found=f"{rule.id} again", expected="each rule once", mend=f"the other is in {places[rule.id]}")
                continue
            rules[rule.id] = rule
            places[rule.id] = where
            if document is not None:
                heads[rule.id] = document.policy
    policies = Policies(facts=facts, agents=agents, rules=rules, heads=heads, conflicts=conflicts)
    if not findings.faults.faults:
        for code, rule in rules.items():
            _check_rule(rule, places[code], policies, findings)
    return policies


def _name(path: Path) -> str:
    """What a file is called in messages: its disease folder and what follows."""
    parts = path.parts
    return "/".join(parts[-3:]) if path.parent.name == "policies" else "/".join(parts[-2:])


def _toml(path: Path, findings: Findings) -> dict[str, object]:
    """Tables of a file; a file that is not there is empty."""
    text = read_text(path, _name(path), findings) if path.is_file() else None
    return (parse_toml(text, _name(path), findings) or {}) if text is not None else {}


def clauses_of(rule: PolicyRule) -> Iterator[tuple[str, Clause]]:
    """Every clause of a rule with its path."""
    roots = [("applies_if", rule.applies_if), ("when", rule.when), *((f"bands[{k}].{key}", getattr(band, key)) for k, band in enumerate(rule.bands) for key in ("when", "fits", "held_when"))]
    for path, clause in roots:
        if clause is not None:
            yield from walk(clause, path)


def walk(clause: Clause, path: str) -> Iterator[tuple[str, Clause]]:
    """A clause and those below it, with their paths."""
    yield path, clause
    for key in ("all", "any", "at_least_of"):
        for number, child in enumerate(getattr(clause, key) or ()):
            yield from walk(child, f"{path}.{key}[{number}]")
    for key, one in (("not", clause.negate), ("applies_if", clause.applies_if)):
        if one is not None:
            yield from walk(one, f"{path}.{key}")


def _check_rule(rule: PolicyRule, where: str, policies: Policies, findings: Findings) -> None:
    known = {*policies.agents, REQUESTED, *(one for agent in policies.agents.values() for one in agent.classes)}
    _check_names(rule.drugs, known, "agent or class", f"{where}.drugs", findings)
    _check_names(rule.conflicts, set(policies.conflicts), "conflict", f"{where}.conflicts", findings)
    for words, facts in rule.do_first_missing.items():
        _check_names(facts, set(policies.facts), "fact", f"{where}.do_first_missing '{words}'", findings)
    if rule.when is not None and rule.bands:
        findings.faults.add(where=where, found="when beside bands", expected="one of the two", mend="make it two rules")
    if rule.bands and rule.type == "monitoring" and rule.bands[-1].when is not None:
        findings.faults.add(where=f"{where}.bands", found="no last band without when", expected="bands that cover every value", mend='end with act = "continue"')
    for number, band in enumerate(rule.bands):
        if (band.act is None) == (band.says is None):
            findings.faults.add(where=f"{where}.bands[{number}]", found="act and says" if band.act else "neither act nor says", expected="one of the two", mend="act: what follows; says: a guideline's position")
    for path, clause in clauses_of(rule):
        _check_clause(clause, f"{where}.{path}", policies, known, findings)
    trail = _circle(rule.id, policies, ())
    if trail:
        findings.faults.add(where=where, found=f"a circle: {' -> '.join(trail)}", expected="rules that do not rest on themselves", mend="write one of them without the other")


def _check_clause(clause: Clause, where: str, policies: Policies, known: set[str], findings: Findings) -> None:
    forms = [form for form in FORMS if getattr(clause, form) is not None]
    if len(forms) != 1:
        shown = ", ".join(SHOWN.get(form, form) for form in FORMS)
        found = " and ".join(SHOWN.get(form, form) for form in forms) or "none of them"
        findings.faults.add(where=where, found=found, expected=f"exactly one of {shown}", mend="nest the clauses, one form in each")
        return
    group = clause.all or clause.any or clause.at_least_of
    if forms[0] in ("all", "any", "at_least_of") and not group:
        findings.faults.add(where=where, found=f"an empty {forms[0]}", expected="clauses to combine", mend="add clauses")
    if clause.at_least_of is not None and not 1 <= (clause.count or 0) <= len(clause.at_least_of):
        findings.faults.add(where=where, found=f"count = {clause.count}", expected=f"1 to {len(clause.at_least_of)}", mend="correct count")
    for named in (clause.fact, clause.change_of, clause.improvement_of, *(clause.documented or ())):
        if named is not None:
            _check_names((named,), set(policies.facts), "fact", where, findings)
    _check_names((*clause.drugs, *clause.not_with, *clause.before_start_of), known, "agent or class", where, findings)
    _check_names(clause.products, {one for agent in policies.agents.values() for one in agent.products}, "product", where, findings)
    if clause.rule is not None:
        _check_names((clause.rule,), set(policies.rules), "rule", where, findings)
    if clause.fact in policies.facts:
        _check_threshold(clause, policies.facts[clause.fact], where, findings)


def _check_threshold(clause: Clause, fact: Fact, where: str, findings: Findings) -> None:
    """A threshold of the fact's kind, within what is plausible."""
    given = [name for name in BOUNDS if getattr(clause, name) is not None]
    if not given:
        findings.faults.add(where=where, found=f"fact {clause.fact} without a threshold", expected=", ".join(BOUNDS), mend="add one")
        return
    wanted = {"yes_no": {"equals"}, "choice": {"one_of"}, "quantity": {"at_least", "at_most", "above", "below", "equals"}}[fact.kind]
    wrong = [name for name in given if name not in wanted]
    if wrong or (fact.kind == "yes_no") != isinstance(clause.equals, bool):
        findings.faults.add(where=where, found=f"{', '.join(given)} on {clause.fact}, which is {fact.kind}", expected=" or ".join(sorted(wanted)), mend="compare it as what it is")
    for word in clause.one_of or ():
        _check_names((word,), set(fact.choices), f"choice of {clause.fact}", where, findings)
    for name in ("at_least", "at_most", "above", "below"):
        bound = getattr(clause, name)
        if bound is not None and not (fact.low if fact.low is not None else bound) <= bound <= (fact.high if fact.high is not None else bound):
            findings.faults.add(where=where, found=f"{name} = {bound:g} {fact.unit}", expected=f"{fact.low} to {fact.high} {fact.unit}", mend="check the unit of the threshold")
    if clause.unit and clause.unit != fact.unit:
        findings.faults.add(where=where, found=f"unit {clause.unit}", expected=fact.unit, mend="write the threshold in the fact's unit")


def _check_names(names: tuple[str, ...], known: set[str], kind: str, where: str, findings: Findings) -> None:
    for name in names:
        if name not in known:
            listed = ", ".join(sorted(known)) if len(known) <= 12 else f"a {kind} of the tables"
            findings.faults.add(where=where, found=f"{kind} '{name}'", expected=listed, mend=did_you_mean(name, sorted(known)) or f"name a {kind}")


def _circle(code: str, policies: Policies, trail: tuple[str, ...]) -> tuple[str, ...]:
    """A closed walk of rules that rest on each other; empty if there is none."""
    if code in trail:
        return (*trail[trail.index(code) :], code)
    rule = policies.rules.get(code)
    if rule is None:
        return ()
    for _, clause in clauses_of(rule):
        if clause.rule is not None:
            found = _circle(clause.rule, policies, (*trail, code))
            if found:
                return found
    return ()
