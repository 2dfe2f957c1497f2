"""What could change an answer: the fewest missing facts, and the nearest change that turns a denial into an approval.

Both walk the tree of a rule once: a leaf costs nothing if it answers as wanted already and one if it may be turned; an all-of takes one way of each member, an any-of
the shortest way of any. So the fewest leaves are found exactly, however large the rule. This module must not know a drug or a payer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from pathway.coverage.nodes import Proof
from pathway.coverage.proof import Context, answer, prove
from pathway.coverage.record import Record
from pathway.definition.policies import Clause, PolicyRule
from pathway.rules import Truth

MOST_WAYS = 200
"""Ways that are kept at each node, the shortest first."""

Way = frozenset[str]
"""Paths of the leaves that would have to answer otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What would have to be otherwise: the leaves, in words, with the distance of each to its threshold."""

    leaves: tuple[Proof, ...]
    is_possible: bool

    @property
    def words(self) -> tuple[str, ...]:
        """Each leaf, what is on file and how far it is."""
        return tuple(
            f"{leaf.words}" + (f" (now {leaf.found}" + (f", {abs(leaf.distance):g} away" if leaf.distance is not None else "") + ")" if leaf.found else "") for leaf in self.leaves
        )


def missing_facts(rule: PolicyRule, record: Record) -> tuple[tuple[str, ...], ...]:
    """Smallest sets of questions whose answers could turn *not documented* into an approval; empty when nothing is open."""
    if prove(rule, Context(record=record)).truth is not Truth.NOT_DOCUMENTED:
        return ()
    found = _Walk(rule, record, lambda leaf: leaf.truth is Truth.NOT_DOCUMENTED).shortest()
    return tuple(dict.fromkeys(tuple(dict.fromkeys(leaf.missing or leaf.words for leaf in group)) for group in found))


def could_deny(rule: PolicyRule, record: Record) -> tuple[str, ...]:
    """Questions one answer to which would settle a denial."""
    proof = prove(rule, Context(record=record))
    if proof.truth is not Truth.NOT_DOCUMENTED:
        return ()
    leaves = [leaf for leaf in proof.leaves() if leaf.form != "rule" and leaf.truth is Truth.NOT_DOCUMENTED]
    found = [leaf for leaf in leaves if any(prove(rule, Context(record=record, given={leaf.path: value})).truth is Truth.NOT_MET for value in (Truth.NOT_MET, Truth.MET))]
    return tuple(dict.fromkeys(leaf.missing or leaf.words for leaf in found))


def nearest_change(rule: PolicyRule, record: Record) -> Change | None:
    """The smallest change that turns a denial into an approval: what can be changed first, then the least distance; None if none is near."""
    if prove(rule, Context(record=record)).truth is not Truth.NOT_MET:
        return None
    for only_possible in (True, False):
        may_turn = (lambda leaf: leaf.changeable or leaf.truth is Truth.NOT_DOCUMENTED) if only_possible else (lambda _leaf: True)  # a paper may always come
        groups = _Walk(rule, record, may_turn).shortest()
        if groups:
            return Change(leaves=min(groups, key=_distance), is_possible=only_possible)
    return None


def _distance(group: Sequence[Proof]) -> tuple[int, float]:
    """Open leaves first (a paper may do), then the least distance."""
    return sum(leaf.truth is not Truth.NOT_DOCUMENTED for leaf in group), sum(abs(leaf.distance) if leaf.distance is not None else 1.0 for leaf in group)


class _Walk:
    """Ways through one rule: sets of leaves that, answered otherwise, give the wanted truth."""

    def __init__(self, rule: PolicyRule, record: Record, may_turn: Callable[[Proof], bool]) -> None:
        self._rule, self._may_turn = rule, may_turn
        self._context = Context(record=record)
        self._leaves: dict[str, tuple[Proof, Truth]] = {}

    def shortest(self) -> tuple[tuple[Proof, ...], ...]:
        """The smallest ways to an approval, each with its leaves in file order; what does not hold when tried is dropped."""
        ways = [way for way in self._of_rule(self._rule, self._rule.id, Truth.MET) if way]
        tried = [way for way in ways if prove(self._rule, Context(record=self._context.record, given={path: self._leaves[path][1] for path in way})).truth is Truth.MET]
        least = min(map(len, tried), default=0)
        order = {path: number for number, path in enumerate(self._leaves)}
        return tuple(tuple(self._leaves[path][0] for path in sorted(way, key=order.__getitem__)) for way in tried if len(way) == least)

    def _of_rule(self, rule: PolicyRule, path: str, wanted: Truth) -> list[Way]:
        if rule.when is None:
            return []
        return self._guarded(rule.applies_if, f"{path}.applies_if", self._node(rule.when, f"{path}.when", wanted), wanted)

    def _guarded(self, guard: Clause | None, path: str, inner: list[Way], wanted: Truth) -> list[Way]:
        """A part that applies under a condition: the condition and the part, or, where no answer is as good as yes, the condition turned off."""
        if guard is None:
            return inner
        both = _each([self._node(guard, path, Truth.MET), inner])
        return _fewest([*both, *(self._node(guard, path, Truth.NOT_MET) if wanted is Truth.MET else [])])

    def _node(self, clause: Clause, path: str, wanted: Truth) -> list[Way]:
        return self._guarded(clause.applies_if, f"{path}.applies_if", self._plain(clause, path, wanted), wanted)

    def _plain(self, clause: Clause, path: str, wanted: Truth) -> list[Way]:
        group = clause.all or clause.any or clause.at_least_of
        if group:
            return self._group(clause, group, path, wanted)
        if clause.negate is not None:
            return self._node(clause.negate, f"{path}.not", Truth.NOT_MET if wanted is Truth.MET else Truth.MET)
        if clause.rule is not None:
            return self._of_rule(self._context.record.policies.rules[clause.rule], f"{path}({clause.rule})", wanted)
        proof = answer(clause.model_copy(update={"applies_if": None}), self._context, path)
        leaves = [self._leaf(leaf, wanted) for leaf in proof.leaves()]
        return _each(leaves) if wanted is Truth.MET else _fewest(way for ways in leaves for way in ways)

    def _group(self, clause: Clause, group: Sequence[Clause], path: str, wanted: Truth) -> list[Way]:
        key = "all" if clause.all else "any" if clause.any else "at_least_of"
        form = key if clause.parameter is None else self._context.record.asked.parameters.get(clause.parameter, key)
        ways = [self._node(child, f"{path}.{key}[{number}]", wanted) for number, child in enumerate(group)]
        count = {"all": len(ways), "any": 1}.get(form, clause.count or 1)
        needed = count if wanted is Truth.MET else len(ways) - count + 1
        if needed < len(ways):  # what does not apply stands in no one's way, but is no reason either
            truths = [answer(child, self._context, f"{path}.{key}[{number}]").truth for number, child in enumerate(group)]
            ways = [[] if truth is Truth.NOT_APPLICABLE else way for way, truth in zip(ways, truths, strict=True)]
        return _fewest(way for chosen in combinations(ways, needed) for way in _each(list(chosen)))

    def _leaf(self, leaf: Proof, wanted: Truth) -> list[Way]:
        self._leaves.setdefault(leaf.path, (leaf, wanted))
        if leaf.truth is wanted or leaf.truth is Truth.NOT_APPLICABLE:
            return [frozenset()]
        return [frozenset({leaf.path})] if self._may_turn(leaf) else []


def _each(parts: list[list[Way]]) -> list[Way]:
    """One way of every part."""
    found: list[Way] = [frozenset()]
    for ways in parts:
        found = _fewest(one | other for one in found for other in ways)
    return found


def _fewest(ways: Iterable[Way]) -> list[Way]:
    """Different ways, the shortest first, none that holds another."""
    kept: list[Way] = []
    for way in sorted(dict.fromkeys(ways), key=len):
        if not any(other <= way for other in kept):
            kept.append(way)
        if len(kept) >= MOST_WAYS:
            break
    return kept
