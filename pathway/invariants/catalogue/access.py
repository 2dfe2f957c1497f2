"""Requests and approvals (I44, I46)."""

from __future__ import annotations

from pathway.invariants.checking import Invariant
from pathway.invariants.formula import Formula, eventually
from pathway.invariants.number import days_since
from pathway.invariants.predicates import approved, denied, informed, on, pending, requested, start, withdrawn
from pathway.invariants.registers import Each, in_dispute, longest_cover, needing_authorisation

TURNAROUND = 30
"""Days within which a first answer is due: the pre-service clock of ERISA, 15 days, extended once (memory)."""


def answered_in_time(what: str) -> Formula:
    """A first answer or a withdrawal comes within the turnaround."""
    answer = approved(what=what) | denied(what=what) | informed(what=what) | withdrawn(what=what)
    return requested(what=what).implies(eventually(answer, days=TURNAROUND))


ACCESS = (
    Invariant(
        id="I44",
        words="Nobody is on a drug longer than its approval lasts, grace included, unless a renewal is under review",
        formula=Each(
            lambda drug: (on(drug) & (days_since(start(drug) | approved(drug, what="renewal")) > longest_cover)).implies(
                pending("renewal") | in_dispute("renewal")
            ),
            needing_authorisation,
            "drug that needs authorisation",
        ),
        basis=("approval duration",),
        but="The longest cover is counted from the approval; renewals are filed before the end, so it is a bound.",
    ),
    Invariant(
        id="I46",
        words=f"A request has a first answer within {TURNAROUND} days, unless it is withdrawn",
        formula=answered_in_time("start") & answered_in_time("renewal"),
        hardness="soft",
        basis=("section 6",),
        but="Soft: the limit is the payer's. That a start follows its approval is approval_before_start.",
    ),
)
