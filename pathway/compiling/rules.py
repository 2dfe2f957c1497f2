"""Rules as postfix code: trees of criteria become rows that one small stack machine reads.

Named rules that a rule mentions are written out in its place, so a rule's code is self-contained. This module must not
know what a field of the record means beyond what it refers to (:data:`pathway.rules.FIELDS`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pathway.compiling.lookup import AGE, ONSET, Lookup
from pathway.definition.criteria import Criterion
from pathway.errors import did_you_mean
from pathway.program import INFINITY, CodeRow, Op, RuleSpec
from pathway.rules import FIELD_NUMBERS, FIELDS

NODES = ("all", "any", "at_least_of", "negate", "rule", "always", "field")
NAMED_BY_THEIR_OBJECT = ("covariate", "finding", "flag")
"""Fields whose name says less than what they are of: ``suits_b >= 1``, not ``covariate of suits_b >= 1``."""
ZERO_OR_ONE = (
    "on", "ever", "completed", "failed", "intolerant", "contraindicated", "on_hold", "reduced", "flag", "condition",
)  # fmt: skip
"""Fields that are 1 or 0: said as ``on mmf`` and ``not on mmf``."""


@dataclass(slots=True)
class Code:
    """Postfix code in the making."""

    lookup: Lookup
    rows: list[CodeRow] = field(default_factory=list)

    def node(self, node: Criterion, where: str, trail: tuple[str, ...]) -> None:
        """Write a node: its guard, itself, and the operation that joins both."""
        if node.applies_if is not None:
            self.node(node.applies_if, f"{where}.applies_if", trail)
        given = [name for name in NODES if getattr(node, name) is not None]
        if len(given) != 1:
            expected = "exactly one of all, any, at_least_of, not, rule, always, field"
            self.lookup.fault(where, " and ".join(given) or "an empty criterion", expected)
            self.rows.append(CodeRow(op=Op.ALWAYS))
        elif node.field is not None:
            self._leaf(node, node.field, where)
        elif node.rule is not None:
            self.named(node.rule, where, trail)
        elif node.negate is not None:
            self.node(node.negate, f"{where}.not", trail)
            self.rows.append(CodeRow(op=Op.NOT))
        elif node.always is not None:
            if not node.always:
                self.lookup.fault(where, "always = false", "always = true, or another criterion")
            self.rows.append(CodeRow(op=Op.ALWAYS, label=node.label or "always"))
        else:
            self._group(node, given[0], where, trail)
        if node.applies_if is not None:
            self.rows.append(CodeRow(op=Op.APPLIES_IF))

    def _group(self, node: Criterion, kind: str, where: str, trail: tuple[str, ...]) -> None:
        children = node.all or node.any or node.at_least_of or ()
        if not children:
            self.lookup.fault(where, f"an empty {kind}", "criteria to combine")
            self.rows.append(CodeRow(op=Op.ALWAYS))
            return
        for position, child in enumerate(children):
            self.node(child, f"{where}.{kind}[{position}]", trail)
        count = len(children)
        if kind == "all":
            self.rows.append(CodeRow(op=Op.ALL, count=count))
        elif kind == "any":
            self.rows.append(CodeRow(op=Op.ANY, count=count))
        else:
            if node.count is None or node.count > count:
                self.lookup.fault(where, f"count = {node.count}", f"how many of the {count} criteria must be met")
            self.rows.append(CodeRow(op=Op.AT_LEAST, count=count, needed=min(node.count or 1, count)))

    def named(self, name: str, where: str, trail: tuple[str, ...]) -> None:
        """Write a named rule out in its place."""
        rules = self.lookup.scenario.library.pathway.rules
        if name in trail:
            circle = " -> ".join([*trail[trail.index(name) :], name])
            self.lookup.fault(where, f"a circle of rules: {circle}", "a rule that does not rest on itself")
            self.rows.append(CodeRow(op=Op.ALWAYS))
        elif self.lookup.index("rule", name, where) < 0:
            self.rows.append(CodeRow(op=Op.ALWAYS))
        else:
            self.node(rules[name].when, where, (*trail, name))

    def _leaf(self, node: Criterion, name: str, where: str) -> None:
        lookup = self.lookup
        if name not in FIELDS:
            lookup.fault(where, f"field '{name}'", "a field of the record", did_you_mean(name, list(FIELDS)))
            self.rows.append(CodeRow(op=Op.ALWAYS))
            return
        kind = FIELDS[name]
        of = -1
        if kind and node.of is None:
            lookup.fault(where, f"field {name} of nothing", f"of = a {kind}")
        elif kind:
            of = lookup.index(kind, node.of, where)
        elif node.of is not None:
            lookup.fault(where, f"field {name} of '{node.of}'", "no key of: the field is of the patient")
        if name in ("age", "disease_duration"):
            lookup.need(AGE if name == "age" else ONSET, where)
        window = lookup.above_zero(node.within, where, INFINITY)
        at_least = lookup.optional(node.at_least, where, -INFINITY)
        at_most = lookup.optional(node.at_most, where, INFINITY)
        above = lookup.optional(node.above, where, -INFINITY)
        below = lookup.optional(node.below, where, INFINITY)
        if node.equals is not None:
            at_least = at_most = node.equals
        bounds = {"=": node.equals, ">=": node.at_least, "<=": node.at_most, ">": node.above, "<": node.below}
        if all(bound is None for bound in bounds.values()):
            lookup.fault(where, f"field {name} without a bound", "at_least, at_most, above, below or equals")
        if node.equals is not None and sum(bound is not None for bound in bounds.values()) > 1:
            lookup.fault(where, "equals beside another bound", "either")
        row = CodeRow(
            op=Op.LEAF, field=FIELD_NUMBERS[name], of=of, window=window, at_least=at_least, at_most=at_most,
            above=above, below=below, label=node.label,
        )  # fmt: skip
        self.rows.append(row if node.label else _labelled(row, name, node.of or ""))


def leaf_label(row: CodeRow, name: str, of: str) -> str:
    """Say a leaf in words.

    Examples
    --------
    >>> leaf_label(CodeRow(op=Op.LEAF, window=1.0, at_least=10.0), "fall", "fvc")
    'fall of fvc within 1 year >= 10'
    >>> leaf_label(CodeRow(op=Op.LEAF, at_least=1.0, at_most=1.0), "on", "mmf")
    'on mmf'
    """
    if name in NAMED_BY_THEIR_OBJECT:
        what = of
    elif FIELDS[name] == "treatment":
        what = f"{name.replace('_', ' ')} {of}"
    else:
        what = name.replace("_", " ") + (f" of {of}" if of else "")
    if row.window < INFINITY:
        what += f" within {row.window:g} year" + ("" if row.window == 1.0 else "s")
    if row.at_least == row.at_most:
        if name in ZERO_OR_ONE and row.at_least in (0.0, 1.0):
            return what if row.at_least == 1.0 else f"not {what}"
        return f"{what} = {row.at_least:g}"
    bounds = ((">=", row.at_least), (">", row.above), ("<=", row.at_most), ("<", row.below))
    return f"{what} " + " and ".join(f"{sign} {bound:g}" for sign, bound in bounds if abs(bound) < INFINITY)


def _labelled(row: CodeRow, name: str, of: str) -> CodeRow:
    return replace(row, label=leaf_label(row, name, of))


def rules(lookup: Lookup) -> tuple[list[CodeRow], list[RuleSpec]]:
    """Code of all rules of the pathway, and the rules in file order."""
    code = Code(lookup)
    found: list[RuleSpec] = []
    for name, rule in lookup.scenario.library.pathway.rules.items():
        first = len(code.rows)
        code.node(rule.when, f"pathway.toml, key rules.{name}.when", (name,))
        found.append(RuleSpec(name=name, first=first, last=len(code.rows)))
    return code.rows, found
