"""Leaves of payers' rules on therapy and on the request itself.

This module must not know a payer, a drug or a disease.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pathway.compiling.facts import FactCode, Unseen, holds, is_met, span_years
from pathway.compiling.rules import Code
from pathway.definition.policies import Clause
from pathway.program import INFINITY, CodeRow, Op
from pathway.rules import FIELD_NUMBERS, Truth

STOP_REASONS = {
    "inefficacy_primary": "failed", "inefficacy_secondary": "failed", "adverse_event": "intolerant", "intolerance": "intolerant",
    "contraindication": "contraindicated", "completed": "completed",
}  # fmt: skip
"""Reason of stopping in a request -> field of the simulated record."""


@dataclass(slots=True)
class TherapyCode(FactCode):
    """Code of rules in the making: earlier and present treatment, and what is asked for."""

    def _agents(self, names: Iterable[str], *, other: bool) -> list[str]:
        """Agents of these names and classes, in the order of the table; ``other``: without the one asked for."""
        wanted = set(names)
        own = self._own_agents() if other else set()
        return [key for key, agent in self.policies.agents.items() if key not in own and (key in wanted or wanted & set(agent.classes))]

    def _own_agents(self) -> set[str]:
        return {key for key, agent in self.policies.agents.items() if self.treatment in agent.treatments}

    def _therapy(self, node: Clause) -> None:
        """Write one part an agent, joined by any, every or at least so many."""
        words = self._words(node, f"{str(node.therapy).replace('_', ' ')}: {', '.join(node.drugs)}")
        self.paper = None if node.if_missing == "absent" else self.bindings.therapy_document
        agents = self._agents(node.drugs, other=node.other_than_requested)
        if node.indicated:
            agents = [one for one in agents if set(self.policies.agents[one].labelled_for or ()) & set(self.bindings.diseases)]
        if not agents:
            self._settle(Truth.NOT_MET, words, None)
            return
        absent = [agent for agent in agents if not self._treatments(agent)]
        if absent:
            why = self.bindings.absent_agents or "no strategy holds them"
            self.unseen.append(Unseen(rule=self.code, words=f"{words} ({', '.join(absent)})", why=f"never used, not contraindicated: {why}"))
        if not node.every and node.at_least is None and len(absent) < len(agents):
            agents = [agent for agent in agents if agent not in absent]  # any of them: those that nobody can have had decide nothing
        for agent in agents:
            self._of_agent(node, agent, words)
        if len(agents) > 1 or node.at_least is not None:
            op = Op.AT_LEAST if node.at_least is not None else Op.ALL if node.every else Op.ANY
            self._join(op, len(agents), int(node.at_least or 1))

    def _treatments(self, agent: str) -> list[str]:
        """Treatments of the library that are this agent."""
        return [name for name in self.policies.agents[agent].treatments if name in self.lookup.names("treatment")]

    def _of_agent(self, node: Clause, agent: str, words: str) -> None:
        treatments = self._treatments(agent)
        if not treatments:
            self._settle(Truth.NOT_MET, words, self.paper)
            return
        for treatment in treatments:
            self._of_treatment(node, treatment, words)
        if len(treatments) > 1:
            self._join(Op.ANY, len(treatments))

    def _of_treatment(self, node: Clause, treatment: str, words: str) -> None:
        """Write the question on one treatment, and every condition put to the course."""
        parts = self._question(node, treatment, words)
        if node.for_at_least is not None:
            parts += self._flag("course_years", treatment, span_years(node.for_at_least), words, upper=INFINITY)
        if node.products:
            self._blind(f"{words} (of a product)", "products are not fields of the record")
            parts += 1
        if node.for_more_than is not None:
            self._blind(f"{words} (longer than {node.for_more_than})", "only the least length of a course is a field of the record")
            parts += 1
        if node.last_dose_before is not None:
            parts += self._flag("years_since_start", treatment, span_years(node.last_dose_before), words, upper=INFINITY)
        if node.last_dose_within is not None:
            self._flag("on", treatment, 1.0, words)
            self._flag("years_since_stop", treatment, 0.0, words, upper=span_years(node.last_dose_within))
            self._join(Op.ANY, 2)
            parts += 1
        if node.weekly_mg_at_least is not None or node.alone:
            self._blind(f"{words} (dose, or alone)", "doses and overlap of courses are not fields of the record")
            parts += 1
        if parts > 1:
            self._join(Op.ALL, parts)

    def _question(self, node: Clause, treatment: str, words: str) -> int:
        """Write what is asked of a treatment; always one part."""
        fields = {
            "tried": ("ever",),
            "on": ("on",),
            "failed": ("failed",),
            "progressed": ("failed",),
            "intolerant": ("intolerant",),
            "failed_or_intolerant": ("failed", "intolerant"),
        }
        if node.stop_reasons:
            chosen = tuple(dict.fromkeys(STOP_REASONS[reason] for reason in node.stop_reasons if reason in STOP_REASONS)) or ("failed",)
        elif node.therapy == "stopped":
            self._flag("ever", treatment, 1.0, words)
            self._flag("on", treatment, 0.0, words)
            self._join(Op.ALL, 2)
            return 1
        elif node.therapy == "contraindicated":
            return self._contraindicated(treatment, words)
        elif node.therapy == "reason_documented":
            self._settle(Truth.MET, words, self.paper)
            return 1
        else:
            chosen = fields[str(node.therapy)]
        for place in chosen:
            self._flag(place, treatment, 1.0, words)
        if len(chosen) > 1:
            self._join(Op.ANY, len(chosen))
        return 1

    def _contraindicated(self, treatment: str, words: str) -> int:
        self._flag("contraindicated", treatment, 1.0, words)
        rule = self.bindings.contraindicated.get(treatment)
        if rule is not None:
            Code(self.lookup, self.rows).named(rule, f"policies/simulation.toml, key contraindicated.{treatment}", ())
            self.rows.append(CodeRow(op=Op.NOT))
            self._join(Op.ANY, 2)
        return 1

    def _flag(self, place: str, treatment: str, low: float, words: str, upper: float | None = None) -> int:
        """Write a leaf on a field of a treatment; always one part."""
        of = self.lookup.index("treatment", treatment, "policies/simulation.toml")
        high = low if upper is None else upper
        self.rows.append(CodeRow(op=Op.LEAF, field=FIELD_NUMBERS[place], of=of, at_least=low, at_most=high, document=self._bit(self.paper), label=words))
        return 1

    def _together(self, node: Clause) -> None:
        """Write whether another drug of these is asked for in the same request."""
        words = self._words(node, f"asked for together with: {', '.join(node.drugs)}")
        others = [name for agent in self._agents(node.drugs, other=True) for name in self._treatments(agent)]
        if not others:
            self._settle(Truth.NOT_MET, words, None)
            return
        for name in others:
            of = self.lookup.index("treatment", name, "policies/simulation.toml")
            self.rows.append(CodeRow(op=Op.LEAF, field=FIELD_NUMBERS["asked"], of=of, at_least=1.0, label=words))
        if len(others) > 1:
            self._join(Op.ANY, len(others))

    # --- what is asked for --------------------------------------------------------------------------------------

    def _asked(self, node: Clause) -> Truth:
        """Answer a clause on the request itself."""
        if node.request == "drug":
            return is_met(bool(set(self._agents(node.drugs or node.one_of or (), other=False)) & self._own_agents()))
        if node.request == "kind":
            return holds(node, self.kind)
        if node.request == "route":
            route = next((row.route for row in self.lookup.scenario.library.treatments if row.id == self.treatment), "")
            return holds(node, self.bindings.routes.get(route, route))
        form = self.bindings.requests.get(self.treatment)
        if form is not None and node.request == "product_indicated":
            products = [product for agent in self._own_agents() for key, product in self.policies.agents[agent].products.items() if key == form.product]
            return is_met(any(set(product.indications) & set(self.bindings.diseases) for product in products)) if products else Truth.NOT_DOCUMENTED
        if node.request == "product":
            product = "" if form is None else str(form.product or "")
            return holds(node, product) if product else Truth.NOT_MET if node.if_missing == "nothing" else Truth.NOT_DOCUMENTED
        value = getattr(form, node.request, None) if form is not None and node.request in ("dose_mg", "daily_mg", "interval_days") else None
        if value is None and node.if_missing == "absent":
            return Truth.NOT_MET
        return Truth.NOT_DOCUMENTED if value is None else holds(node, value)
