"""Timed transitions and planned stops, compiled.

A hazard that nothing in a patient's life touches is marked invariant: engines invert it once, at entry. This module
must not know visits or rules.
"""

from __future__ import annotations

import math
from dataclasses import replace

from pathway import kernels
from pathway.compiling.lookup import AGE, FEMALE, Lookup
from pathway.definition.change import HazardTerm, ScheduledStop, Transition
from pathway.draws import stream_id
from pathway.program import Clock, ClockKind, Form, LifeTable, Phases, ScheduledSpec, TransitionSpec

STEADY_CLOCKS = (ClockKind.ENTRY, ClockKind.AGE, ClockKind.ONSET)
"""Clocks that nothing sets anew after entry."""
REFERS = ("marker", "covariate", "treatment", "flag", "condition", "response")


class LifeTables:
    """Life tables in use; a ratio on a table makes a table of its own."""

    __slots__ = ("_numbers", "tables")

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, float], int] = {}
        self.tables: list[LifeTable] = []

    def number(self, lookup: Lookup, name: str, ratio: float, where: str) -> int:
        """Give the number of a table, with its cumulative hazard multiplied by ``ratio``."""
        scenario = lookup.scenario
        chosen = scenario.life_tables.get(name, name)
        if chosen not in scenario.library.life_tables:
            known = ", ".join(scenario.library.life_tables)
            lookup.fault(where, f"life table '{chosen}'", known or "a table in life_tables.csv")
            return -1
        lookup.need(AGE, where)
        lookup.need(FEMALE, where)
        if (chosen, ratio) not in self._numbers:
            self._numbers[chosen, ratio] = len(self.tables)
            table = scenario.library.life_tables[chosen]
            label = chosen if ratio == 1.0 else f"{chosen} x {ratio:g}"
            male, female = (table.male, table.female) if ratio == 1.0 else (table.male * ratio, table.female * ratio)
            self.tables.append(LifeTable(name=label, tables=(male, female)))
        return self._numbers[chosen, ratio]


def transitions(lookup: Lookup) -> tuple[tuple[TransitionSpec, ...], tuple[LifeTable, ...]]:
    """Compile timed transitions in force, in file order, and the life tables they use."""
    tables = LifeTables()
    scenario = lookup.scenario
    found = tuple(
        _transition(lookup, row, tables)
        for row in scenario.library.pathway.transitions
        if scenario.in_force(row) and row.unless_decision not in lookup.strategy.decisions
    )
    return found, tuple(tables.tables)


def scheduled(lookup: Lookup) -> tuple[ScheduledSpec, ...]:
    """Planned stops in force, in file order."""
    scenario = lookup.scenario
    return tuple(_scheduled(lookup, row) for row in scenario.library.pathway.scheduled if scenario.in_force(row))


def _scheduled(lookup: Lookup, row: ScheduledStop) -> ScheduledSpec:
    where = f"pathway.toml, scheduled {row.name}"
    spec = ScheduledSpec(
        name=row.name,
        treatment=lookup.index("treatment", row.treatment, f"{where}, treatment"),
        after=lookup.at_least_zero(row.after, f"{where}, after"),
        reason=row.reason,
    )
    if row.at_most is None or row.per_year is None or row.of is None:
        return spec
    rate = lookup.above_zero(row.per_year, f"{where}, per_year")
    return replace(spec, covariate=lookup.index("covariate", row.of, f"{where}, of"), reach=lookup.at_least_zero(row.at_most, f"{where}, at_most") / rate)


def _transition(lookup: Lookup, row: Transition, tables: LifeTables) -> TransitionSpec:
    where = f"pathway.toml, transition {row.name}"
    treatment = lookup.index("treatment", row.treatment, f"{where}, treatment")
    if row.stops_treatment and treatment < 0:
        lookup.fault(f"{where}, stops_treatment", "no treatment to stop", "key treatment")
    if row.loses_response and row.treatment not in lookup.scenario.library.pathway.responses:
        lookup.fault(f"{where}, loses_response", f"treatment {row.treatment}, of which no response is declared", "a treatment named in responses")
    everything = (1 << len(lookup.names("treatment"))) - 1
    parts: dict[str, object] = {
        "name": row.name,
        "stream": stream_id(f"transition:{row.draws_as or row.name}"),
        "sources": lookup.states(row.source_states, f"{where}, from"),
        "to": lookup.index("state", row.to, f"{where}, to"),
        "treatment": treatment,
        "clock": lookup.clock(row.clock, f"{where}, clock"),
        "reset": row.budget == "reset",
        "requires_flag": lookup.index("flag", row.requires_flag, f"{where}, requires_flag"),
        "forbids_flag": lookup.index("flag", row.forbids_flag, f"{where}, forbids_flag"),
        "requires_condition": lookup.index("condition", row.requires_condition, f"{where}, requires_condition"),
        "forbids_condition": row.forbids_condition,
        "requires_regimen": row.requires_regimen,
        "where": lookup.pairs(row.where, f"{where}, where"),
        "stops": everything if row.stops_all else 1 << treatment if row.stops_treatment and treatment >= 0 else 0,
        "loses_response": row.loses_response,
        "reason": row.reason or "",
        "condition": lookup.index("condition", row.condition, f"{where}, condition"),
        "flag": lookup.index("flag", row.flag, f"{where}, flag"),
        "jumps": tuple(
            (lookup.index("marker", jump.marker, f"{where}, jumps"), lookup.value(jump.change, f"{where}, jumps"))
            for jump in row.jumps
        ),
        "cause": row.cause,
    }
    parts.update(_baseline(lookup, row, tables, where))
    parts.update(_terms(lookup, row, where))
    spec = TransitionSpec(**parts)  # type: ignore[arg-type]
    return _checked(lookup, spec, where)


def _baseline(lookup: Lookup, row: Transition, tables: LifeTables, where: str) -> dict[str, object]:
    """Fields of the baseline hazard; exactly one form."""
    hazard = row.hazard
    forms = {
        "rates": bool(hazard.rates),
        "weibull": hazard.weibull_shape is not None or hazard.weibull_scale is not None,
        "gompertz": hazard.gompertz_level is not None or hazard.gompertz_slope is not None,
        "life_table": hazard.life_table is not None,
    }
    given = [name for name, is_given in forms.items() if is_given]
    if len(given) != 1:
        lookup.fault(f"{where}, hazard", " and ".join(given) or "no form", f"exactly one of {', '.join(forms)}")
        return {}
    if hazard.rates:
        rates: Phases = lookup.phases(hazard.rates, hazard.until, f"{where}, hazard.rates")
        if any(rate < 0.0 for rate in rates.values):
            lookup.fault(f"{where}, hazard.rates", f"rates {rates.values}", "rates that are not negative")
        return {"form": Form.STEPS, "rates": rates}
    if hazard.life_table is not None:
        if row.clock not in ("entry", "age"):
            lookup.fault(f"{where}, clock", row.clock, "age: a life table is read by age")
        ratio = lookup.at_least_zero(hazard.life_table_ratio, f"{where}, hazard.life_table_ratio", 1.0)
        number = tables.number(lookup, hazard.life_table, ratio, f"{where}, hazard.life_table")
        return {"form": Form.TABLE, "table": number, "clock": Clock(kind=ClockKind.AGE)}
    if given == ["weibull"]:
        if hazard.weibull_shape is None or hazard.weibull_scale is None:
            lookup.fault(f"{where}, hazard", "half of a Weibull", "weibull_shape and weibull_scale")
        return {
            "form": Form.WEIBULL,
            "shape": lookup.above_zero(hazard.weibull_shape, f"{where}, hazard.weibull_shape"),
            "scale": lookup.above_zero(hazard.weibull_scale, f"{where}, hazard.weibull_scale"),
        }
    if hazard.gompertz_level is None or hazard.gompertz_slope is None:
        lookup.fault(f"{where}, hazard", "half of a Gompertz", "gompertz_level and gompertz_slope")
    return {
        "form": Form.GOMPERTZ,
        "level": lookup.at_least_zero(hazard.gompertz_level, f"{where}, hazard.gompertz_level"),
        "slope": lookup.optional(hazard.gompertz_slope, f"{where}, hazard.gompertz_slope"),
    }


def _terms(lookup: Lookup, row: Transition, where: str) -> dict[str, object]:
    """Factors of a hazard, by what they depend on."""
    found: dict[str, list[tuple[int, float] | tuple[int, float, float]]] = {kind: [] for kind in REFERS}
    for position, term in enumerate(row.terms):
        place = f"{where}, terms[{position}]"
        kinds = [kind for kind in REFERS if getattr(term, kind) is not None]
        if len(kinds) != 1:
            lookup.fault(place, " and ".join(kinds) or "nothing", f"exactly one of {', '.join(REFERS)}")
            continue
        kind = kinds[0]
        number = lookup.index("treatment" if kind == "response" else kind, getattr(term, kind), place)
        slope = _log_ratio(lookup, term, place)
        if kind in ("marker", "covariate", "response"):
            found[kind].append((number, slope, lookup.optional(term.reference, place)))
        else:
            if term.reference is not None:
                lookup.fault(place, f"a reference for a {kind}", "none: it is 0 or 1")
            found[kind].append((number, slope))
    return {f"{kind}_terms": tuple(terms) for kind, terms in found.items()}


def _log_ratio(lookup: Lookup, term: HazardTerm, where: str) -> float:
    """Log hazard ratio per unit."""
    if (term.ratio is None) == (term.log_ratio is None):
        lookup.fault(where, "both or none of ratio and log_ratio", "exactly one of them")
        return math.nan
    per = lookup.optional(term.per, where, 1.0)
    if per == 0.0:
        lookup.fault(where, "a ratio per 0 units", "a number other than 0")
        return math.nan
    if term.log_ratio is not None:
        return lookup.value(term.log_ratio, where) / per
    ratio = lookup.above_zero(term.ratio, where)
    return float(kernels.log(ratio)) / per if ratio > 0.0 else math.nan


def _checked(lookup: Lookup, spec: TransitionSpec, where: str) -> TransitionSpec:
    """Mark what is invariant; refuse what no engine can integrate in closed form."""
    states = lookup.scenario.library.pathway.states
    is_last = spec.to >= 0 and list(states.values())[spec.to].is_absorbing
    is_invariant = (
        is_last
        and spec.sources == lookup.alive
        and spec.clock.kind in STEADY_CLOCKS
        and spec.treatment < 0
        and not (spec.marker_terms or spec.treatment_terms or spec.flag_terms or spec.condition_terms or spec.response_terms)
        and spec.requires_flag < 0
        and spec.forbids_flag < 0
        and spec.requires_condition < 0
        and not spec.forbids_condition
        and not spec.requires_regimen
    )
    if spec.marker_terms and spec.form not in (Form.STEPS, Form.GOMPERTZ):
        found = f"a marker in a {spec.form.name.lower()} hazard"
        lookup.fault(f"{where}, terms", found, "rates or a Gompertz with markers")
    if spec.form is Form.TABLE and not is_invariant:
        lookup.fault(
            f"{where}, hazard.life_table",
            "a life table that depends on something that changes, or does not lead from all states to an absorbing one",
            "a life table for background deaths of everybody; covariates may multiply it",
            "write what depends on treatment, markers, flags or states as a transition of its own",
        )
    return replace(spec, is_invariant=is_invariant)
