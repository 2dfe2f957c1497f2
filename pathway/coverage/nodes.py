"""One node of a proof, and how values and thresholds are compared and said.

This module must not know a drug or a payer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from pathway.coverage.therapy import TOLERANCE
from pathway.definition.policies import Clause
from pathway.rules import Truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One node of a proof.

    Attributes
    ----------
    path
        Where the clause stands in its rule: the key by which a search may set its answer.
    words
        The clause in plain words.
    found, date, documents
        What the record holds; empty where it holds nothing.
    distance
        How far the value is from its threshold, in the fact's unit; at least 0 when met, below when not; None without a number.
    missing
        The question to ask when it is not documented.
    changeable
        Can a test, a visit or treatment change it.
    """

    path: str
    truth: Truth
    words: str
    form: str
    found: str = ""
    date: date | None = None
    documents: tuple[str, ...] = ()
    distance: float | None = None
    missing: str = ""
    changeable: bool = True
    fact: str = ""
    source: str = ""
    grade: str = ""
    children: tuple[Proof, ...] = ()

    def leaves(self) -> Iterator[Proof]:
        """Leaves in file order."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()

    def nodes(self) -> Iterator[Proof]:
        """All nodes, this one first."""
        yield self
        for child in self.children:
            yield from child.nodes()

    def deciding(self) -> Proof:
        """The first leaf in file order that alone fixes the answer."""
        if not self.children:
            return self
        if self.form == "not":
            return self.children[0].deciding()
        return next((child for child in self.children if child.truth == self.truth), self.children[0]).deciding()

    def decisive(self) -> Proof:
        """The node to show as the reason: the leaf that alone fixes the answer, or the group whose members fix it together."""
        if not self.children:
            return self
        together = (self.form == "all" and self.truth is Truth.MET) or (self.form == "any" and self.truth is Truth.NOT_MET) or self.form == "at_least"
        if together and len(self.children) > 1:
            return self
        if self.form in ("all", "any", "at_least"):
            return next((child for child in self.children if child.truth == self.truth), self.children[0]).decisive()
        return self.children[0].decisive()


def say(value: bool | float | str, unit: str = "") -> str:  # noqa: FBT001 - the value said may itself be yes or no
    """A value in words.

    Examples
    --------
    >>> say(True), say(56.0, "%"), say("dcSSc")
    ('yes', '56 %', 'dcSSc')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    return f"{value:g} {'' if unit == 'score' else unit}".strip()


def compared(clause: Clause, value: float) -> tuple[bool, float]:
    """Does a value pass the thresholds, and by how much (the least margin; below 0: it fails).

    Examples
    --------
    >>> compared(Clause(fact="fvc", above=55), 55.0)
    (False, 0.0)
    """
    margins: list[tuple[bool, float]] = []
    for bound, sign, strict in ((clause.at_least, 1, False), (clause.at_most, -1, False), (clause.above, 1, True), (clause.below, -1, True)):
        if bound is not None:
            slack = TOLERANCE * max(1.0, abs(bound))
            margin = sign * (value - bound)
            margins.append((margin > slack if strict else margin >= -slack, margin))
    if clause.equals is not None and not isinstance(clause.equals, bool):
        gap = abs(value - clause.equals)
        margins.append((gap <= TOLERANCE * max(1.0, abs(clause.equals)), -gap))
    least = min((margin for _, margin in margins), default=0.0)
    return all(passed for passed, _ in margins), round(least, 12) + 0.0


def threshold_words(clause: Clause, unit: str = "") -> str:
    """The thresholds of a clause in words."""
    parts = [
        f"{words} {say(bound, unit)}"
        for words, bound in (("at least", clause.at_least), ("at most", clause.at_most), ("above", clause.above), ("below", clause.below))
        if bound is not None
    ]
    if clause.one_of is not None:
        parts.append(" or ".join(clause.one_of))
    if clause.equals is not None:
        parts.append(say(clause.equals, unit))
    return " and ".join(parts)
