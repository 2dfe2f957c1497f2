"""Leaves on the request itself: drug, product, route, dose, line, and what is asked for beside it.

This module must not know a drug or a payer.
"""

from __future__ import annotations

from pathway.coverage.nodes import Proof, compared, threshold_words
from pathway.coverage.record import Record
from pathway.definition.policies import Clause
from pathway.rules import Truth


def request_leaf(clause: Clause, record: Record, path: str) -> Proof:
    """Answer a clause on what is asked for."""
    asked = record.asked
    what = clause.request or "drug"
    words = clause.label or f"requested {what.replace('_', ' ')}: {threshold_words(clause) or ', '.join(clause.drugs)}"
    if what == "with_drug":
        members = record.policies.members(clause.drugs)
        together = [one for one in record.with_agents if one in members]
        truth = Truth.MET if together else Truth.NOT_MET
        return Proof(path=path, truth=truth, words=words, form="request", found=", ".join(together) or "none of them", changeable=True)
    if what == "product_indicated":
        return _product(clause, record, path)
    if what in ("drug", "kind", "route", "product"):
        word = {"drug": asked.drug, "kind": asked.kind, "route": asked.route, "product": asked.product.casefold()}[what]
        truth = Truth.NOT_DOCUMENTED if not word else Truth.MET if word in (clause.one_of or ()) else Truth.NOT_MET
        return Proof(path=path, truth=truth, words=words, form="request", found=word, missing=f"the {what} that is asked for")
    value = _amount(what, record)
    if value is None:
        return Proof(path=path, truth=Truth.NOT_DOCUMENTED, words=words, form="request", missing=f"{what.replace('_', ' ')} that is asked for")
    passed, distance = compared(clause, value)
    return Proof(path=path, truth=Truth.MET if passed else Truth.NOT_MET, words=words, form="request", found=f"{value:g}", distance=distance)


def _amount(what: str, record: Record) -> float | None:
    asked = record.asked
    if what == "line":
        return None if asked.line is None else float(asked.line)
    if what == "interval_days":
        return asked.interval_days
    if asked.dose_mg is None:
        return None
    if what == "daily_mg":
        return None if asked.interval_days is None else asked.dose_mg / asked.interval_days
    if what == "dose_mg_per_kg":
        weight = record.latest("weight")
        return None if weight is None or not isinstance(weight.value, float) else asked.dose_mg / weight.value
    return asked.dose_mg


def _product(clause: Clause, record: Record, path: str) -> Proof:
    asked = record.asked
    agent = record.policies.agents[asked.drug]
    words = clause.label or f"the product's label lists {record.policies.disease(asked.disease)}"
    product = agent.products.get(asked.product.casefold())
    if product is None:
        return Proof(path=path, truth=Truth.NOT_APPLICABLE, words=words, form="request", found="no product named")
    comes_so = not asked.route or not product.routes or asked.route in product.routes
    is_listed = asked.disease in product.indications and comes_so
    listed = ", ".join(record.policies.disease(one) for one in product.indications) + ("" if comes_so else f"; it comes as {' and '.join(product.routes)} only")
    return Proof(
        path=path, truth=Truth.MET if is_listed else Truth.NOT_MET, words=words, form="request", found=f"{product.label}: {listed}", source=product.source, grade=product.grade
    )
