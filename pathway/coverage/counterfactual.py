"""What could change an answer: the fewest missing facts, and the nearest change that turns a denial into an approval.

Both are searches over the leaves of one rule's proof, smallest sets first and at most :data:`LARGEST_SET` leaves: a set of leaves that changes the answer when they
are answered otherwise, none of whose parts does. This module must not know a drug or a payer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from pathway.coverage.proof import Context, Proof, prove
from pathway.coverage.record import Record
from pathway.definition.policies import PolicyRule
from pathway.rules import Truth

LARGEST_SET = 4
MOST_LEAVES = 24
"""Leaves that are searched over, the first in file order."""


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
    proof = prove(rule, Context(record=record))
    if proof.truth is not Truth.NOT_DOCUMENTED:
        return ()
    leaves = [leaf for leaf in _open_to_search(proof) if leaf.truth is Truth.NOT_DOCUMENTED]
    found = list(_smallest(rule, record, leaves, Truth.MET))
    return tuple(dict.fromkeys(tuple(dict.fromkeys(leaf.missing or leaf.words for leaf in group)) for group in found))


def could_deny(rule: PolicyRule, record: Record) -> tuple[str, ...]:
    """Questions one answer to which would settle a denial."""
    proof = prove(rule, Context(record=record))
    if proof.truth is not Truth.NOT_DOCUMENTED:
        return ()
    leaves = [leaf for leaf in _open_to_search(proof) if leaf.truth is Truth.NOT_DOCUMENTED]
    found = [leaf for leaf in leaves if any(_given(rule, record, (leaf,), (value,)) is Truth.NOT_MET for value in (Truth.NOT_MET, Truth.MET))]
    return tuple(dict.fromkeys(leaf.missing or leaf.words for leaf in found))


def nearest_change(rule: PolicyRule, record: Record) -> Change | None:
    """The smallest change that turns a denial into an approval: what can be changed first, then the least distance; None if none is near."""
    proof = prove(rule, Context(record=record))
    if proof.truth is not Truth.NOT_MET:
        return None
    leaves = [leaf for leaf in _open_to_search(proof) if leaf.truth in (Truth.NOT_MET, Truth.NOT_DOCUMENTED, Truth.MET)]
    for only_possible in (True, False):
        chosen = [leaf for leaf in leaves if leaf.changeable or leaf.truth is Truth.NOT_DOCUMENTED or not only_possible]  # a paper may always come
        groups = list(_smallest(rule, record, chosen, Truth.MET))
        if groups:
            smallest = min(len(group) for group in groups)
            best = min((group for group in groups if len(group) == smallest), key=_distance)
            return Change(leaves=tuple(best), is_possible=only_possible)
        wide = _with_papers(rule, record, chosen)
        if wide is not None:
            return Change(leaves=wide, is_possible=only_possible)
    return None


def _with_papers(rule: PolicyRule, record: Record, leaves: Sequence[Proof]) -> tuple[Proof, ...] | None:
    """Where much is missing: all that is open answered in favour, the fewest settled leaves turned, and then only the papers that it takes."""
    open_ones = {leaf.path: _favour(leaf) for leaf in leaves if leaf.truth is Truth.NOT_DOCUMENTED}
    settled = [leaf for leaf in leaves if leaf.truth is Truth.NOT_MET or leaf.truth is Truth.MET]
    for size in range(1, min(2, len(settled)) + 1):
        for group in combinations(settled, size):
            turned = {leaf.path: Truth.MET if leaf.truth is Truth.NOT_MET else Truth.NOT_MET for leaf in group}
            if prove(rule, Context(record=record, given={**open_ones, **turned})).truth is not Truth.MET:
                continue
            needed = dict(open_ones)
            for path in open_ones:
                fewer = {key: value for key, value in needed.items() if key != path}
                if prove(rule, Context(record=record, given={**fewer, **turned})).truth is Truth.MET:
                    needed = fewer
            return tuple(leaf for leaf in leaves if leaf.path in needed or leaf.path in turned)
    return None


def _favour(leaf: Proof) -> Truth:
    """The answer that helps a leaf's rule: yes, unless an odd number of negations stands above it."""
    return Truth.NOT_MET if leaf.path.count(".not") % 2 else Truth.MET


def _distance(group: Sequence[Proof]) -> tuple[int, float]:
    """Open leaves first (a paper may do), then the least distance."""
    return sum(leaf.truth is not Truth.NOT_DOCUMENTED for leaf in group), sum(abs(leaf.distance) if leaf.distance is not None else 1.0 for leaf in group)


def _open_to_search(proof: Proof) -> list[Proof]:
    return [leaf for leaf in proof.leaves() if leaf.form != "rule"][:MOST_LEAVES]


def _given(rule: PolicyRule, record: Record, leaves: Sequence[Proof], values: Sequence[Truth]) -> Truth:
    return prove(rule, Context(record=record, given={leaf.path: value for leaf, value in zip(leaves, values, strict=True)})).truth


def _smallest(rule: PolicyRule, record: Record, leaves: Sequence[Proof], wanted: Truth) -> Iterator[Sequence[Proof]]:
    """Minimal sets of leaves some answers to which give the wanted truth."""
    found: list[frozenset[str]] = []
    for size in range(1, min(LARGEST_SET, len(leaves)) + 1):
        for group in combinations(leaves, size):
            paths = frozenset(leaf.path for leaf in group)
            if any(one <= paths for one in found):
                continue
            options = [[value for value in (Truth.MET, Truth.NOT_MET) if value is not leaf.truth] for leaf in group]
            if any(_given(rule, record, group, values) is wanted for values in product(*options)):
                found.append(paths)
                yield group
        if found:
            return
