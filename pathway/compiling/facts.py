"""Leaves of payers' rules on facts: a marker, a finding, a covariate, a flag, or what is the same for everybody.

This module must not know a payer, a drug or a disease.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pathway.compiling.lookup import Lookup
from pathway.compiling.rules import Code
from pathway.definition.policies import Clause, Policies
from pathway.definition.simulation import Binding, SimulationDocument
from pathway.program import INFINITY, CodeRow, Op, RuleSpec
from pathway.rules import FIELD_NUMBERS, Truth

DAYS_PER_YEAR = 365.25
YEARS = {"day": 1.0 / DAYS_PER_YEAR, "week": 7.0 / DAYS_PER_YEAR, "month": 1.0 / 12.0, "year": 1.0}


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
class FactCode:
    """Code of rules in the making.

    Attributes
    ----------
    rows, rules
        The program's code and rules, those of the pathway first.
    documents
        Kinds of document in the order of their bits.
    unseen
        What was found that the simulation cannot see.
    code, treatment, kind
        The rule that is being written, the treatment that it is asked of, and the kind of request.
    paper
        Kind of document in which therapy must be found: none where claims tell (``if_missing = "absent"``).
    """

    lookup: Lookup
    policies: Policies
    bindings: SimulationDocument
    rows: list[CodeRow]
    rules: list[RuleSpec]
    documents: tuple[str, ...] = ()
    unseen: list[Unseen] = field(default_factory=list)
    code: str = ""
    treatment: str = ""
    kind: str = ""
    paper: str | None = None

    def _join(self, op: Op, count: int, needed: int = 0) -> None:
        self.rows.append(CodeRow(op=op, count=count, needed=needed if op is Op.AT_LEAST else 0))

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
        self.unseen.append(Unseen(rule=self.code, words=words, why=f"not documented: {why}"))
        self.rows.append(CodeRow(op=Op.LEAF, field=FIELD_NUMBERS["unseen"], at_least=0.0, label=words))

    def _bit(self, document: str | None) -> int:
        return self.documents.index(document) if document in self.documents else -1

    def _fact(self, node: Clause, name: str) -> None:
        words = self._fact_words(node, name)
        binding = self.bindings.facts.get(name)
        if node.ever and (binding is None or binding.constant is None):
            self._blind(words, "earlier values are not kept for good")
        elif binding is None:
            if node.if_missing == "absent":
                self.unseen.append(Unseen(rule=self.code, words=words, why="no record: taken as no, as the rule says"))
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


    def _improvement(self, node: Clause, name: str) -> None:
        """Ask how much of a marker's value from before the line is gone.

        A record keeps the baseline of the line, not of each course: after a step of dose, spacing or intolerance of a first drug it is the value from before all of
        them, which is the one that an improvement is claimed against.
        """
        words = self._words(node, f"improvement of {self._fact_words(node, name)}")
        binding = self.bindings.facts.get(name)
        if binding is None or binding.marker is None:
            self._blind(words, "improvements are known of markers only")
            return
        of = self.lookup.index("marker", binding.marker, f"policies/simulation.toml, key facts.{name}")
        self.rows.append(
            CodeRow(
                op=Op.LEAF, field=FIELD_NUMBERS["relative_fall_from_line_start"], of=of, window=span_years(node.within) if node.within else INFINITY,
                at_least=-INFINITY if node.at_least is None else node.at_least, at_most=INFINITY if node.at_most is None else node.at_most,
                above=-INFINITY if node.above is None else node.above, below=INFINITY if node.below is None else node.below,
                document=self._bit(binding.document), label=words,
            )
        )  # fmt: skip


def is_met(claim: bool) -> Truth:  # noqa: FBT001
    """Truth of a claim that is settled."""
    return Truth.MET if claim else Truth.NOT_MET


def holds(node: Clause, value: bool | float | str) -> Truth:  # noqa: FBT001
    """Answer a clause on a value that is known while compiling."""
    if node.one_of is not None:
        return is_met(str(value) in node.one_of)
    if isinstance(value, str):
        return Truth.NOT_DOCUMENTED
    if node.equals is not None and float(node.equals) != float(value):
        return Truth.NOT_MET
    number = float(value)
    return is_met(
        (node.at_least is None or number >= node.at_least) and (node.at_most is None or number <= node.at_most)
        and (node.above is None or number > node.above) and (node.below is None or number < node.below)
    )  # fmt: skip
