"""Invariants of determinations: what must hold of any answer to a request (I14, I41 to I43).

They read an answer through the protocols below, which :class:`pathway.coverage.determination.Determination` keeps. This module must not know a drug or a payer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from pathway.rules import Truth

DENIED = ("deny", "deny_insufficient")
SETTLED = (Truth.MET, Truth.NOT_APPLICABLE)


class Rule(Protocol):
    """A rule that was asked."""

    @property
    def id(self) -> str:
        """Its code."""

    @property
    def diseases(self) -> tuple[str, ...]:
        """Diseases it is of; empty: every one."""

    @property
    def source(self) -> str:
        """Where it is printed."""


class Proof(Protocol):
    """A node of a proof."""

    @property
    def truth(self) -> Truth:
        """Its answer."""

    @property
    def words(self) -> str:
        """The clause in plain words."""

    @property
    def fact(self) -> str:
        """The fact of the record that it reads; empty for what the request itself says."""

    @property
    def found(self) -> str:
        """What the record holds."""

    @property
    def documents(self) -> tuple[str, ...]:
        """Where it stands."""

    @property
    def source(self) -> str:
        """Where the rule is printed."""

    @property
    def form(self) -> str:
        """Kind of node."""

    @property
    def children(self) -> Sequence[Proof]:
        """Parts."""


class Asked(Protocol):
    """What was requested."""

    @property
    def disease(self) -> str:
        """Id of the disease."""


class Record(Protocol):
    """What the answer rests on."""

    @property
    def asked(self) -> Asked:
        """The request."""


class Finding(Protocol):
    """One rule's answer."""

    @property
    def rule(self) -> Rule:
        """The rule."""

    @property
    def truth(self) -> Truth:
        """Its answer."""


class Verdict(Protocol):
    """What the payer's rule decides."""

    @property
    def profile(self) -> str:
        """Code of the rule."""

    @property
    def truth(self) -> Truth:
        """Its answer."""

    @property
    def proof(self) -> Proof | None:
        """How it came to it."""


class Determined(Protocol):
    """The answer to a request."""

    @property
    def coverage(self) -> str | None:
        """The plan's answer; None where nothing is asked of it."""

    @property
    def verdict(self) -> Verdict | None:
        """What the payer's rule decides."""

    @property
    def findings(self) -> Sequence[Finding]:
        """Every rule that was asked."""

    @property
    def reasons(self) -> Sequence[str]:
        """Reasons in words."""

    @property
    def record(self) -> Record:
        """What it rests on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeterminationInvariant:
    """What must hold of any determination; ``faults`` yields what breaks it, in words."""

    id: str
    words: str
    basis: tuple[str, ...]
    faults: Callable[[Determined], Iterator[str]]


def deciding_leaves(proof: Proof) -> Iterator[Proof]:
    """Leaves (and negations) on which an answer rests: all of an all-of; of the rest those that answer as it does; what does not apply is one of its own."""
    if not proof.children or proof.form == "not" or proof.truth is Truth.NOT_APPLICABLE:
        yield proof
        return
    for child in proof.children:
        if proof.form == "all" or child.truth is proof.truth or len(proof.children) == 1:
            yield from deciding_leaves(child)


def _foreign_rules(made: Determined) -> Iterator[str]:
    disease = made.record.asked.disease
    for finding in made.findings:
        if finding.rule.diseases and disease not in finding.rule.diseases:
            yield f"{finding.rule.id} is of {', '.join(finding.rule.diseases)}, the request of {disease}"


def _unexplained(made: Determined) -> Iterator[str]:
    if made.coverage in DENIED:
        proof = made.verdict.proof if made.verdict is not None else None
        failed = [leaf.words for leaf in deciding_leaves(proof) if leaf.truth not in SETTLED] if proof is not None else []
        if not any(reason.strip() for reason in (*made.reasons, *failed)):
            yield "denied without a reason"
        sources = [finding.rule.source for finding in made.findings if finding.truth not in SETTLED]
        if not any([*sources, proof.source if proof is not None else ""]):
            yield "denied without a citation"
    elif made.coverage == "approve" and made.verdict is not None:
        if made.verdict.truth not in SETTLED:
            yield f"approved though {made.verdict.profile} is {made.verdict.truth.name.lower()}"
        if made.verdict.proof is not None and made.verdict.truth is Truth.MET:
            for leaf in deciding_leaves(made.verdict.proof):
                if leaf.truth not in SETTLED:
                    yield f"approved though not met: {leaf.words}"
                elif leaf.truth is Truth.MET and leaf.fact and not (leaf.found or leaf.documents):
                    yield f"approved on what stands nowhere in the record: {leaf.words}"


def _denied_for_want_of_documents(made: Determined) -> Iterator[str]:
    truths = [finding.truth for finding in made.findings] + ([made.verdict.truth] if made.verdict is not None else [])
    if made.coverage == "deny" and Truth.NOT_MET not in truths:
        yield "denied on the merits though nothing is known to fail"


DETERMINATIONS = (
    DeterminationInvariant(
        id="I14",
        words="A request is judged by rules of its own disease only: a rheumatoid factor makes no RA",
        basis=("X-01",),
        faults=_foreign_rules,
    ),
    DeterminationInvariant(
        id="I41",
        words="A denial names reason and citation; an approval rests on criteria that are met, each by what stands in the record",
        basis=("explanation",),
        faults=_unexplained,
    ),
    DeterminationInvariant(
        id="I42",
        words="What is only not documented is not denied on the merits",
        basis=("0.2",),
        faults=_denied_for_want_of_documents,
    ),
)


def review_violations(made: Determined, invariants: Iterable[DeterminationInvariant] = DETERMINATIONS) -> pd.DataFrame:
    """What a determination breaks.

    Returns
    -------
    One row a fault: ``invariant``, ``words``, ``found``. Empty: all hold.
    """
    rows = [(one.id, one.words, found) for one in invariants for found in one.faults(made)]
    return pd.DataFrame(rows, columns=["invariant", "words", "found"])


def information_lost(before: Determined, after: Determined) -> tuple[str, ...]:
    """Rules that were met before documents were added and are not documented after (I43): there must be none."""
    later = {finding.rule.id: finding.truth for finding in after.findings}
    lost = [finding.rule.id for finding in before.findings if finding.truth is Truth.MET and later.get(finding.rule.id) is Truth.NOT_DOCUMENTED]
    if before.verdict is not None and after.verdict is not None and before.verdict.profile == after.verdict.profile:
        lost += [before.verdict.profile] if (before.verdict.truth, after.verdict.truth) == (Truth.MET, Truth.NOT_DOCUMENTED) else []
    return tuple(dict.fromkeys(lost))
