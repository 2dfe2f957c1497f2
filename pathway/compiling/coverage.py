"""Payers' rules as postfix code over the simulated record: the same trees that a reviewer's proof reads.

A clause on a fact becomes a leaf on the marker, finding, covariate or flag that ``policies/simulation.toml`` ties it to; a clause on therapy becomes leaves
on treatments; a clause on what is asked for is settled while compiling, and so is what is the same for everybody. What the simulation cannot see is *not
documented*, and is listed (:attr:`PolicyCode.unseen`). This module must not know a payer, a drug or a disease.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pathway.compiling.lookup import Lookup
from pathway.compiling.rules import Code, rules
from pathway.definition.policies import Clause, Policies, PolicyRule
from pathway.definition.scenario import Scenario
from pathway.definition.simulation import Binding, SimulationDocument
from pathway.errors import did_you_mean
from pathway.program import INFINITY, CodeRow, Op, RuleSpec
from pathway.rules import FIELD_NUMBERS, Truth

START, RENEWAL = "start", "continuation"
"""Kinds of request that a simulated clinic makes."""
DAYS_PER_YEAR = 365.25
YEARS = {"day": 1.0 / DAYS_PER_YEAR, "week": 7.0 / DAYS_PER_YEAR, "month": 1.0 / 12.0, "year": 1.0}
STOP_REASONS = {
    "inefficacy_primary": "failed", "inefficacy_secondary": "failed", "adverse_event": "intolerant", "intolerance": "intolerant",
    "contraindication": "contraindicated", "completed": "completed",
}  # fmt: skip
"""Reason of stopping in a request -> field of the simulated record."""


def span_years(text: str) -> float:
    """Length of a span such as ``12 months``, in years.

    Examples
    --------
    >>> span_years("6 months"), span_years("2 years")
    (0.5, 2.0)
    """
    number, unit = text.split()
    return float(number) * YEARS[unit.removesuffix("s")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """Something in a rule that the simulation cannot see, and what it is taken for."""

    rule: str
    words: str
    why: str


@dataclass(slots=True)
class PolicyCode:
    """Code of the payer's rules of one strategy, in the making.

    Attributes
    ----------
    rows, rules
        The program's code and rules, those of the pathway first.
    documents
        Kinds of document in the order of their bits.
    unseen
        What was found that the simulation cannot see.
    """

    lookup: Lookup
    policies: Policies
    bindings: SimulationDocument
    rows: list[CodeRow]
    rules: list[RuleSpec]
    documents: tuple[str, ...] = ()
    unseen: list[Unseen] = field(default_factory=list)
    _made: dict[tuple[str, str, str], int] = field(default_factory=dict)
    _code: str = ""
    _treatment: str = ""
    _kind: str = START

    def index(self, code: str | None, treatment: str, kind: str, where: str) -> int:
        """Give the number of a policy rule asked of one treatment; -1 where none is named."""
        if code is None:
            return -1
        found = self._rule(code, where)
        if found is None:
            return -1
        key = (code, treatment, kind)
        if key not in self._made:
            self._code, self._treatment, self._kind = key
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

    # --- groups -------------------------------------------------------------------------------------------------

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

    def _join(self, op: Op, count: int, needed: int = 0) -> None:
        self.rows.append(CodeRow(op=op, count=count, needed=needed if op is Op.AT_LEAST else 0))

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

    # --- leaves -------------------------------------------------------------------------------------------------

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
        elif node.request is not None:
            self._settle(self._asked(node), self._words(node, f"asked for: {node.request.replace('_', ' ')}"), "")
        else:
            self._blind(self._words(node, f"improvement of {node.improvement_of}"), "responses to one course are not simulated")

    def _words(self, node: Clause, usual: str) -> str:
        return node.label or usual

    def _fact_words(self, node: Clause, name: str) -> str:
        fact = self.policies.facts.get(name)
        label = fact.label if fact is not None else name.replace("_", " ")
        bounds = ((">=", node.at_least), (">", node.above), ("<=", node.at_most), ("<", node.below))
        said = " and ".join(f"{sign} {bound:g}" for sign, bound in bounds if bound is not None)
        if node.one_of:
            said = " or ".join(node.one_of)
        elif node.equals is not None:
            said = {True: "yes", False: "no"}.get(node.equals, f"{node.equals:g}") if isinstance(node.equals, bool) else f"= {node.equals:g}"
        return self._words(node, f"{label}: {said}" if said else label)

    def _settle(self, truth: Truth, words: str, document: str | None) -> None:
        """Write an answer that is the same for everybody."""
        if truth is Truth.NOT_DOCUMENTED:
            self._blind(words, "not part of the simulation")
            return
        self.rows.append(
            CodeRow(op=Op.LEAF, field=FIELD_NUMBERS["constant"], at_least=1.0 if truth is Truth.MET else 2.0, document=self._bit(document), label=words)
        )

    def _blind(self, words: str, why: str) -> None:
        self.unseen.append(Unseen(rule=self._code, words=words, why=f"not documented: {why}"))
        self.rows.append(CodeRow(op=Op.LEAF, field=FIELD_NUMBERS["unseen"], at_least=0.0, label=words))

    def _bit(self, document: str | None) -> int:
        return self.documents.index(document) if document in self.documents else -1

    def _fact(self, node: Clause, name: str) -> None:
        words = self._fact_words(node, name)
        binding = self.bindings.facts.get(name)
        if binding is None:
            if node.if_missing == "absent":
                self.unseen.append(Unseen(rule=self._code, words=words, why="no record: taken as no, as the rule says"))
                self._settle(Truth.MET if node.equals is False else Truth.NOT_MET, words, None)
            else:
                self._blind(words, "no marker, finding, covariate or constant stands for it")
        elif binding.constant is not None:
            self._settle(holds(node, binding.constant), words, binding.document)
        elif binding.rule is not None:
            Code(self.lookup, self.rows).named(binding.rule, f"policies/simulation.toml, key facts.{name}.rule", ())
            if node.equals is False:
                self.rows.append(CodeRow(op=Op.NOT))
        else:
            options: list[float | None] = [binding.choices[one] for one in node.one_of or () if one in binding.choices]
            if node.one_of and not options:
                self._settle(Truth.NOT_MET, words, binding.document)
                return
            for option in options or [None]:
                self._bound(binding, node, name, words, option)
            if len(options) > 1:
                self._join(Op.ANY, len(options))

    def _place(self, binding: Binding, name: str) -> tuple[str, int]:
        """Give field and object of a binding."""
        where = f"policies/simulation.toml, key facts.{name}"
        if binding.clock is not None:
            return binding.clock, -1
        for kind, word in (("marker", binding.marker), ("finding", binding.finding), ("covariate", binding.covariate), ("flag", binding.flag)):
            if word is not None:
                return ("latest" if kind == "marker" else kind), self.lookup.index(kind, word, where)
        self.lookup.fault(where, "nothing that it stands for", "marker, finding, covariate, flag, rule, clock or constant")
        return "unseen", -1

    def _bound(self, binding: Binding, node: Clause, name: str, words: str, option: float | None) -> None:
        place, of = self._place(binding, name)
        exact = option if option is not None else None if node.equals is None else float(node.equals)
        scale = binding.times
        self.rows.append(
            CodeRow(
                op=Op.LEAF, field=FIELD_NUMBERS[place], of=of, window=span_years(node.within) if node.within else INFINITY,
                at_least=exact if exact is not None else -INFINITY if node.at_least is None else node.at_least / scale,
                at_most=exact if exact is not None else INFINITY if node.at_most is None else node.at_most / scale,
                above=-INFINITY if node.above is None else node.above / scale, below=INFINITY if node.below is None else node.below / scale,
                document=self._bit(binding.document), label=words,
            )
        )  # fmt: skip

    def _tested(self, node: Clause, name: str) -> None:
        """Ask whether a test was done: any value will do."""
        binding = self.bindings.facts.get(name)
        words = self._words(node, f"{self._fact_words(node, name)} on file")
        if binding is None:
            self._blind(words, "no marker, finding, covariate or constant stands for it")
        elif binding.constant is not None or binding.rule is not None:
            self._settle(Truth.MET, words, binding.document)
        else:
            place, of = self._place(binding, name)
            window = span_years(node.within) if node.within else INFINITY
            self.rows.append(CodeRow(op=Op.LEAF, field=FIELD_NUMBERS[place], of=of, window=window, document=self._bit(binding.document), label=words))

    def _change(self, node: Clause, name: str) -> None:
        binding = self.bindings.facts.get(name)
        words = self._words(node, f"{node.direction} of {self._fact_words(node, name)}")
        if binding is None or binding.marker is None:
            self._blind(words, "changes are known of markers only")
            return
        if node.relative and node.direction == "rise":
            self._blind(words, "a relative rise is not a field of the record")
            return
        place = "relative_fall" if node.relative else node.direction
        scale = 1.0 if node.relative else binding.times
        of = self.lookup.index("marker", binding.marker, f"policies/simulation.toml, key facts.{name}")
        self.rows.append(
            CodeRow(
                op=Op.LEAF, field=FIELD_NUMBERS[place], of=of, window=span_years(node.within) if node.within else INFINITY,
                at_least=-INFINITY if node.at_least is None else node.at_least / scale, at_most=INFINITY if node.at_most is None else node.at_most / scale,
                above=-INFINITY if node.above is None else node.above / scale, below=INFINITY if node.below is None else node.below / scale,
                document=self._bit(binding.document), label=words,
            )
        )  # fmt: skip

    # --- therapy ------------------------------------------------------------------------------------------------

    def _agents(self, names: Iterable[str], *, other: bool) -> list[str]:
        """Agents of these names and classes, in the order of the table; ``other``: without the one asked for."""
        wanted = set(names)
        own = self._own_agents() if other else set()
        return [key for key, agent in self.policies.agents.items() if key not in own and (key in wanted or wanted & set(agent.classes))]

    def _own_agents(self) -> set[str]:
        return {key for key, agent in self.policies.agents.items() if self._treatment in agent.treatments}

    def _therapy(self, node: Clause) -> None:
        """Write one part an agent, joined by any, every or at least so many."""
        words = self._words(node, f"{str(node.therapy).replace('_', ' ')}: {', '.join(node.drugs)}")
        agents = self._agents(node.drugs, other=node.other_than_requested)
        if not agents:
            self._settle(Truth.NOT_MET, words, None)
            return
        for agent in agents:
            self._of_agent(node, agent, words)
        if len(agents) > 1 or node.at_least is not None:
            op = Op.AT_LEAST if node.at_least is not None else Op.ALL if node.every else Op.ANY
            self._join(op, len(agents), int(node.at_least or 1))

    def _of_agent(self, node: Clause, agent: str, words: str) -> None:
        known = self.lookup.names("treatment")
        treatments = [name for name in self.policies.agents[agent].treatments if name in known]
        if not treatments:
            why = self.bindings.absent_agents or "no strategy holds it"
            self.unseen.append(Unseen(rule=self._code, words=f"{words} ({agent})", why=f"never used, not contraindicated: {why}"))
            self._settle(Truth.NOT_MET, words, self.bindings.therapy_document)
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
            self._settle(Truth.MET, words, self.bindings.therapy_document)
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
        self.rows.append(
            CodeRow(op=Op.LEAF, field=FIELD_NUMBERS[place], of=of, at_least=low, at_most=high, document=self._bit(self.bindings.therapy_document), label=words)
        )
        return 1

    # --- what is asked for --------------------------------------------------------------------------------------

    def _asked(self, node: Clause) -> Truth:
        """Answer a clause on the request itself."""
        if node.request == "drug":
            return _truth(bool(set(self._agents(node.drugs, other=False)) & self._own_agents()))
        if node.request == "kind":
            return holds(node, self._kind)
        if node.request == "route":
            route = next((row.route for row in self.lookup.scenario.library.treatments if row.id == self._treatment), "")
            return holds(node, self.bindings.routes.get(route, route))
        form = self.bindings.requests.get(self._treatment)
        if form is not None and node.request == "product_indicated":
            products = [product for agent in self._own_agents() for key, product in self.policies.agents[agent].products.items() if key == form.product]
            return _truth(any(set(product.indications) & set(self.bindings.diseases) for product in products)) if products else Truth.NOT_DOCUMENTED
        value = getattr(form, node.request, None) if form is not None and node.request in ("dose_mg", "daily_mg", "interval_days") else None
        if value is None and node.if_missing == "absent":
            return Truth.NOT_MET
        return Truth.NOT_DOCUMENTED if value is None else holds(node, value)


def unseen_facts(scenario: Scenario, strategy: str) -> tuple[Unseen, ...]:
    """Tell what the payer's rules of a strategy ask for that the simulation cannot see, each thing once."""
    lookup = Lookup(scenario, strategy, scenario.base_values())
    code = PolicyCode(lookup, scenario.library.policies, scenario.library.simulation, *rules(lookup))
    for treatment, one in lookup.access.of.items():
        for kind, name in ((START, one.start), (RENEWAL, one.renewal)):
            code.index(name, treatment, kind, "access.toml")
    return tuple(dict.fromkeys(code.unseen))


def _truth(claim: bool) -> Truth:  # noqa: FBT001
    return Truth.MET if claim else Truth.NOT_MET


def holds(node: Clause, value: bool | float | str) -> Truth:  # noqa: FBT001
    """Answer a clause on a value that is known while compiling."""
    if node.one_of is not None:
        return _truth(str(value) in node.one_of)
    if isinstance(value, str):
        return Truth.NOT_DOCUMENTED
    if node.equals is not None and float(node.equals) != float(value):
        return Truth.NOT_MET
    number = float(value)
    return _truth(
        (node.at_least is None or number >= node.at_least) and (node.at_most is None or number <= node.at_most)
        and (node.above is None or number > node.above) and (node.below is None or number < node.below)
    )  # fmt: skip
