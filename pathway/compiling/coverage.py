"""Payers' rules as postfix code over the simulated record: the same trees that a reviewer's proof reads.

A clause on a fact becomes a leaf on the marker, finding, covariate or flag that ``policies/simulation.toml`` ties it to; a clause on therapy becomes leaves on
treatments; a clause on what is asked for is settled while compiling, and so is what is the same for everybody. What the simulation cannot see is *not
documented*, and is listed (:attr:`PolicyCode.unseen`). This module must not know a payer, a drug or a disease.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pathway.compiling.facts import Unseen
from pathway.compiling.lookup import Lookup
from pathway.compiling.rules import rules
from pathway.compiling.therapy import TherapyCode
from pathway.definition.policies import Clause, PolicyRule
from pathway.definition.scenario import Scenario
from pathway.errors import did_you_mean
from pathway.program import CodeRow, Op, RuleSpec

START, RENEWAL = "start", "continuation"
"""Kinds of request that a simulated clinic makes."""


@dataclass(slots=True)
class PolicyCode(TherapyCode):
    """Code of the payer's rules of one strategy, in the making."""

    _made: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def index(self, code: str | None, treatment: str, kind: str, where: str) -> int:
        """Give the number of a policy rule asked of one treatment; -1 where none is named."""
        if code is None:
            return -1
        found = self._rule(code, where)
        if found is None:
            return -1
        key = (code, treatment, kind)
        if key not in self._made:
            self.code, self.treatment, self.kind = key
            first = len(self.rows)
            self._policy(found, (code,))
            self._made[key] = len(self.rules)
            self.rules.append(RuleSpec(name=code, first=first, last=len(self.rows)))
        return self._made[key]

    def _rule(self, code: str, where: str) -> PolicyRule | None:
        found = self.policies.rules.get(code)
        if found is None:
            known = list(self.policies.rules)
            self.lookup.fault(where, f"policy rule '{code}'", "the id of a rule in policies/", did_you_mean(code, known))
        elif found.when is None:
            self.lookup.fault(where, f"policy rule '{code}', which is a list of bands", "a rule that is met or not")
            return None
        return found

    def _policy(self, rule: PolicyRule, trail: tuple[str, ...]) -> None:
        if rule.applies_if is not None:
            self._node(rule.applies_if, trail)
        if rule.when is not None:
            self._node(rule.when, trail)
        if rule.applies_if is not None:
            self.rows.append(CodeRow(op=Op.APPLIES_IF))

    def _node(self, node: Clause, trail: tuple[str, ...]) -> None:
        if node.applies_if is not None:
            self._node(node.applies_if, trail)
        group = node.all or node.any or node.at_least_of
        if group:
            for child in group:
                self._node(child, trail)
            self._join(Op.ALL if node.all else Op.ANY if node.any else Op.AT_LEAST, len(group), node.count or 1)
        elif node.negate is not None:
            self._node(node.negate, trail)
            self.rows.append(CodeRow(op=Op.NOT))
        elif node.rule is not None:
            self._named(node.rule, trail)
        else:
            self._leaf(node)
        if node.applies_if is not None:
            self.rows.append(CodeRow(op=Op.APPLIES_IF))

    def _named(self, code: str, trail: tuple[str, ...]) -> None:
        where = f"policies, rule {trail[-1]}"
        found = self._rule(code, where)
        if code in trail:
            self.lookup.fault(where, f"a circle of rules: {' -> '.join([*trail, code])}", "a rule that does not rest on itself")
            found = None
        if found is None:
            self.rows.append(CodeRow(op=Op.ALWAYS))
        else:
            self._policy(found, (*trail, code))

    def _leaf(self, node: Clause) -> None:
        if node.fact is not None:
            self._fact(node, node.fact)
        elif node.change_of is not None:
            self._change(node, node.change_of)
        elif node.documented is not None:
            for name in node.documented:
                self._tested(node, name)
            if len(node.documented) != 1:
                self._join(Op.ALL, len(node.documented))
        elif node.therapy is not None:
            self._therapy(node)
        elif node.request == "with_drug":
            self._together(node)
        elif node.request is not None:
            self._settle(self._asked(node), self._words(node, f"asked for: {node.request.replace('_', ' ')}"), "")
        elif node.improvement_of is not None:
            self._improvement(node, node.improvement_of)


def unseen_facts(scenario: Scenario, strategy: str) -> tuple[Unseen, ...]:
    """Tell what the payer's rules of a strategy ask for that the simulation cannot see, each thing once."""
    lookup = Lookup(scenario, strategy, scenario.base_values())
    code = PolicyCode(lookup, scenario.library.policies, scenario.library.simulation, *rules(lookup))
    for treatment, one in lookup.access.of.items():
        for kind, name in ((START, one.start), (RENEWAL, one.renewal)):
            code.index(name, treatment, kind, "access.toml")
    return tuple(dict.fromkeys(code.unseen))
