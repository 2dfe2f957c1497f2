"""The handling of requests, compiled: stages, documents, what follows a denial, and the rules in force.

This module must not know what a rule says.
"""

from __future__ import annotations

import math

from pathway.compiling.coverage import RENEWAL, START, PolicyCode
from pathway.compiling.lookup import Lookup
from pathway.definition.access import Access, AfterDenial, Delay, TreatmentAccess
from pathway.draws import stream_id
from pathway.program import INFINITY, PRESENT_REGIMEN, AccessSpec, DelaySpec, DenialSpec

DELAYS = ("submission", "decision", "information", "peer_to_peer", "appeal", "supply")
NOTHING = TreatmentAccess()


def access(lookup: Lookup, policies: PolicyCode) -> AccessSpec:
    """Compile the process that the strategy runs under; its rules are added to ``policies``."""
    chosen = lookup.access
    where = f"access.toml, key {lookup.access_name}"
    treatments = lookup.names("treatment")
    everything = (1 << len(treatments)) - 1
    if isinstance(chosen.treatments, str):
        asked = everything if chosen.treatments == "all" else 0
    else:
        asked = lookup.bits("treatment", chosen.treatments, f"{where}.treatments")
    for name in chosen.of:
        lookup.index("treatment", name, f"{where}.of")
    each = [chosen.of.get(name, NOTHING) for name in treatments]
    delays = {name: _delay(lookup, name, getattr(chosen, name), f"{where}.{name}") for name in DELAYS}
    lasts = lookup.above_zero(chosen.approval_lasts, f"{where}.approval_lasts", INFINITY)
    return AccessSpec(
        treatments=asked,
        start_rules=tuple(_rule(lookup, policies, name, one, f"{where}.of.{name}", START) for name, one in zip(treatments, each, strict=True)),
        renewal_rules=tuple(_rule(lookup, policies, name, one, f"{where}.of.{name}", RENEWAL) for name, one in zip(treatments, each, strict=True)),
        submission=delays["submission"],
        decision=delays["decision"],
        information=delays["information"],
        peer_to_peer=delays["peer_to_peer"],
        appeal=delays["appeal"],
        supplies=tuple(
            delays["supply"] if one.supply is None else _delay(lookup, "supply", one.supply, f"{where}.of.{name}.supply")
            for name, one in zip(treatments, each, strict=True)
        ),
        documents=tuple(lookup.probability(value, f"{where}.documents.{kind}") for kind, value in chosen.documents.items()),
        completes=lookup.probability(chosen.completes, f"{where}.completes"),
        residual_merits=lookup.probability(chosen.residual_merits, f"{where}.residual_merits"),
        residual_documents=lookup.probability(chosen.residual_documents, f"{where}.residual_documents"),
        denials=(
            _after(lookup, chosen.after_rule, f"{where}.after_rule"),
            _after(lookup, chosen.after_residual, f"{where}.after_residual"),
            _after(lookup, chosen.after_documents, f"{where}.after_documents"),
        ),
        abandonment=lookup.probability(chosen.abandonment, f"{where}.abandonment"),
        approval_lasts=lasts,
        renewal_lasts=lookup.above_zero(chosen.renewal_lasts, f"{where}.renewal_lasts", lasts),
        renewal_lead=lookup.at_least_zero(chosen.renewal_lead, f"{where}.renewal_lead"),
        grace=lookup.at_least_zero(chosen.grace, f"{where}.grace"),
        bridge=_bridge(lookup, chosen, asked, f"{where}.bridge"),
        stream=stream_id("request"),
        document_stream=stream_id("request:documents"),
    )


def _rule(lookup: Lookup, policies: PolicyCode, treatment: str, one: TreatmentAccess, where: str, kind: str) -> int:
    """Find the rule for a start or a renewal of a treatment."""
    code, name = (one.start, one.start_when) if kind == START else (one.renewal, one.renewal_when)
    key = "start" if kind == START else "renewal"
    if code is not None and name is not None:
        lookup.fault(where, f"{key} and {key}_when", "one of the two")
    if name is not None:
        return lookup.index("rule", name, f"{where}.{key}_when")
    return policies.index(code, treatment, kind, f"{where}.{key}")


def _bridge(lookup: Lookup, chosen: Access, asked: int, where: str) -> int:
    if isinstance(chosen.bridge, str):
        return PRESENT_REGIMEN if chosen.bridge == "present" else 0
    bits = lookup.bits("treatment", chosen.bridge, where)
    if bits & asked:
        lookup.fault(where, ", ".join(chosen.bridge), "treatments that need no authorisation: a bridge cannot wait")
    return bits


def _after(lookup: Lookup, row: AfterDenial, where: str) -> DenialSpec:
    return DenialSpec(**{name: lookup.probability(getattr(row, name), f"{where}.{name}") for name in type(row).model_fields})


def _delay(lookup: Lookup, name: str, delay: Delay, where: str) -> DelaySpec:
    spread = lookup.at_least_zero(delay.sd_log, f"{where}.sd_log")
    if delay.mean is not None and delay.median is not None:
        lookup.fault(where, "mean and median", "one of the two")
    mean = lookup.at_least_zero(delay.mean, f"{where}.mean")
    if delay.median is not None:
        median = lookup.at_least_zero(delay.median, f"{where}.median")
        mean = median * {"fixed": 1.0, "exponential": 1.0 / math.log(2.0), "lognormal": math.exp(0.5 * spread * spread)}[delay.family]
    return DelaySpec(mean=mean, family=delay.family, sd_log=spread, stream=stream_id(f"request:{name}"))
