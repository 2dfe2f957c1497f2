"""Judge whether rules are well formed: one form in each node, fields that exist, no rule that rests on itself.

This module must not read files or judge numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pathway.definition.criteria import Criterion
from pathway.definition.disease import PathwayDocument
from pathway.errors import did_you_mean
from pathway.reading.text import Findings
from pathway.rules import FIELDS


def leaves(criterion: Criterion, path: str) -> Iterator[tuple[str, Criterion]]:
    """All nodes of a rule with their paths, the root first."""
    yield path, criterion
    for key in ("all", "any", "at_least_of"):
        for number, child in enumerate(getattr(criterion, key) or ()):
            yield from leaves(child, f"{path}.{key}[{number}]")
    for key, child in (("not", criterion.negate), ("applies_if", criterion.applies_if)):
        if child is not None:
            yield from leaves(child, f"{path}.{key}")


def check_criteria(pathway: PathwayDocument, file: str, known: Mapping[str, Sequence[str]], findings: Findings) -> None:
    """Each node has one form, each leaf a field that exists with what it needs; no rule rests on itself."""
    for key, rule in pathway.rules.items():
        for path, node in leaves(rule.when, f"rules.{key}.when"):
            _check_node(node, f"{file}, key {path}", known, findings)
    resting = {
        key: [node.rule for _, node in leaves(rule.when, "") if node.rule] for key, rule in pathway.rules.items()
    }
    circle = _circle(resting)
    if circle:
        findings.faults.add(
            where=f"{file}, key rules.{circle[0]}",
            found=f"a circle: {' -> '.join(circle)}",
            expected="rules that do not rest on themselves",
            mend="write one of them without the other",
        )


def _check_node(node: Criterion, where: str, known: Mapping[str, Sequence[str]], findings: Findings) -> None:
    """One node of a rule."""
    forms = [
        form
        for form in ("all", "any", "at_least_of", "negate", "rule", "always", "field")
        if getattr(node, form) is not None
    ]
    names = [{"negate": "not"}.get(form, form) for form in forms]
    if len(forms) != 1:
        findings.faults.add(
            where=where,
            found=" and ".join(names) or "none of them",
            expected="exactly one of all, any, at_least_of, not, rule, always, field",
            mend="nest the criteria, one form in each",
        )
        return
    children = next(
        (getattr(node, form) for form in ("all", "any", "at_least_of") if getattr(node, form) is not None), None
    )
    if children is not None and (
        not children or (node.at_least_of is not None and not 1 <= (node.count or 0) <= len(children))
    ):
        findings.faults.add(
            where=where,
            found=f"{len(children)} criteria, count {node.count}",
            expected="at least one; for at_least_of a count not above their number",
            mend="add criteria, or correct count",
        )
    if node.field is None:
        return
    if node.field not in FIELDS:
        findings.faults.add(
            where=where,
            found=f"unknown field '{node.field}'",
            expected=f"one of {', '.join(FIELDS)}",
            mend=did_you_mean(node.field, list(FIELDS)) or "choose a field of the record",
        )
        return
    kind = FIELDS[node.field]
    choices = list(known.get(kind, []))
    if (not kind) != (node.of is None) and not (node.field == "condition" and node.of in known["condition"]):
        findings.faults.add(
            where=where,
            found=f"field {node.field} {'with' if node.of else 'without'} of",
            expected=f"of = a {kind}" if kind else "no of",
            mend=f"add of = one of {', '.join(choices)}" if kind else "delete of",
        )
    elif kind and node.of not in choices:
        findings.faults.add(
            where=where,
            found=f"unknown {kind} '{node.of}'",
            expected=f"one of {', '.join(choices)}",
            mend=did_you_mean(str(node.of), choices) or f"name a {kind}",
        )
    bounds = (node.at_least, node.at_most, node.above, node.below, node.equals)
    if all(bound is None for bound in bounds):
        findings.faults.add(
            where=where,
            found=f"field {node.field} without a threshold",
            expected="at_least, at_most, above, below or equals",
            mend="add one",
        )


def _circle(resting: Mapping[str, Sequence[str]]) -> list[str]:
    """Check that a circle in what rests on what, as a closed walk; empty if there is none."""
    done: set[str] = set()

    def visit(key: str, trail: list[str]) -> list[str]:
        if key in trail:
            return [*trail[trail.index(key) :], key]
        if key in done or key not in resting:
            return []
        for other in resting[key]:
            circle = visit(other, [*trail, key])
            if circle:
                return circle
        done.add(key)
        return []

    return next((circle for key in resting if (circle := visit(key, []))), [])
