"""``policies/`` of a disease folder: facts, agents and rules, checked against each other.

This module must not know a payer.
"""

from __future__ import annotations

from pathlib import Path

from pathway.definition.policies import Agent, Fact, Policies, PolicyDocument, PolicyRule
from pathway.reading.documents import build, build_table, parse_toml
from pathway.reading.text import Findings, read_text

APART = ("facts.toml", "agents.toml", "simulation.toml")
"""Files of ``policies/`` that are not rules of an issuer."""


def read_coverage(folder: Path, name: str, findings: Findings) -> Policies:
    """Facts, agents and rules of ``policies/``; what a folder lacks is empty."""

    def toml(path: Path) -> dict[str, object]:
        text = read_text(path, f"{name}/policies/{path.name}", findings) if path.is_file() else None
        return (parse_toml(text, f"{name}/policies/{path.name}", findings) or {}) if text is not None else {}

    home = folder / "policies"
    facts = build_table(Fact, toml(home / "facts.toml"), f"{name}/policies/facts.toml", findings)
    agents = build_table(Agent, toml(home / "agents.toml"), f"{name}/policies/agents.toml", findings)
    rules: dict[str, PolicyRule] = {}
    for path in sorted(home.glob("*.toml")):
        if path.name in APART:
            continue
        document = build(PolicyDocument, toml(path), f"{name}/policies/{path.name}", findings)
        for rule in document.rules if document is not None else ():
            if rule.id in rules:
                findings.faults.add(where=f"{name}/policies/{path.name}", found=f"{rule.id} again", expected="each rule once", mend="delete one of the two")
            rules.setdefault(rule.id, rule)
    return Policies(facts=facts, agents=agents, rules=rules)
