"""What a patient is made of, compiled: markers with their denominators, effects on them, findings, conditions.

This module must not know hazards, visits or rules.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pathway import kernels
from pathway.compiling.lookup import AGE, FEMALE, Lookup
from pathway.definition.body import Finding, FindingTerm, Marker
from pathway.definition.change import Effect
from pathway.draws import stream_id
from pathway.errors import UnitError
from pathway.program import (
    INFINITY,
    ClockKind,
    ConditionSpec,
    Dose,
    EffectKind,
    EffectSpec,
    FindingSpec,
    FindingTermSpec,
    MarkerSpec,
    Reference,
)
from pathway.units import unit_of

EFFECT_KINDS = {
    "drift": EffectKind.DRIFT,
    "difference": EffectKind.DIFFERENCE,
    "gain": EffectKind.GAIN,
    "ratio": EffectKind.RATIO,
}


def walk_of(sd_one_year: float, memory: float, grid: float) -> tuple[float, float]:
    """Find what a mean-reverting walk keeps from one grid point to the next, and the SD of its innovations.

    ``keep = exp(-grid / memory)`` and ``sd = sd_one_year / sqrt(sum of keep**(2 k) for k < 1 / grid)``, so that the
    change over the first year of a walk that starts at 0 has the wanted SD.

    Parameters
    ----------
    sd_one_year
        SD of the change over one year, shown units.
    memory
        Years; infinite: a plain random walk.
    grid
        Years between grid points.

    Examples
    --------
    >>> walk_of(4.0, float("inf"), 0.25)
    (1.0, 2.0)
    """
    keep = float(kernels.exp(-grid / memory)) if memory < INFINITY else 1.0
    share, total = 1.0, 0.0
    for _ in range(max(round(1.0 / grid), 1)):
        total += share
        share *= keep * keep
    return keep, sd_one_year / math.sqrt(total)


def references(lookup: Lookup) -> tuple[Reference, ...]:
    """Denominators that the markers use, in order of first use."""
    tables = lookup.scenario.library.reference_equations
    declared = lookup.scenario.library.pathway.markers.values()
    wanted = dict.fromkeys(marker.percent_of for marker in declared if marker.percent_of is not None)
    found: list[Reference] = []
    for name in wanted:
        where = f"pathway.toml, markers: reference table {name}"
        if name not in tables:
            lookup.fault(where, "no such table", ", ".join(tables) or "a table in reference_equations.csv")
            continue
        lookup.need(AGE, where)
        lookup.need(FEMALE, where)
        table = tables[name]
        by_sex = (table.male, table.female)
        found.append(Reference(name=name, first_age=table.first_age, step=table.step, tables=by_sex))
    return tuple(found)


def markers(lookup: Lookup, denominators: Sequence[Reference], grid: float) -> tuple[MarkerSpec, ...]:
    """All markers, in definition order."""
    order = [one.name for one in denominators]
    declared = lookup.scenario.library.pathway.markers
    return tuple(_marker(lookup, name, marker, order, grid) for name, marker in declared.items())


def _marker(lookup: Lookup, name: str, marker: Marker, order: Sequence[str], grid: float) -> MarkerSpec:
    where = f"pathway.toml, key markers.{name}"
    keep, walk_sd = 1.0, 0.0
    if marker.process_sd_one_year is not None:
        sd = lookup.at_least_zero(marker.process_sd_one_year, f"{where}.process_sd_one_year")
        memory = lookup.above_zero(marker.process_memory, f"{where}.process_memory", INFINITY)
        keep, walk_sd = walk_of(sd, memory, grid) if memory > 0.0 else (1.0, math.nan)
    lower = lookup.value(marker.lower, f"{where}.lower")
    upper = lookup.value(marker.upper, f"{where}.upper")
    if lower >= upper:
        lookup.fault(where, f"bounds {lower:g} and {upper:g}", "a lower bound below the upper")
    return MarkerSpec(
        name=name,
        baseline=lookup.index("covariate", marker.baseline, f"{where}.baseline"),
        reference=order.index(marker.percent_of) if marker.percent_of in order else -1,
        factor=lookup.index("covariate", marker.factor, f"{where}.factor"),
        lower=lower,
        upper=upper,
        ageing_ceiling=marker.cannot_outgrow_ageing,
        personal_slope_sd=lookup.at_least_zero(marker.personal_slope_sd, f"{where}.personal_slope_sd"),
        walk_keep=keep,
        walk_sd=walk_sd,
        walk_heavy=marker.process_heavy_tails,
        error_sd=lookup.at_least_zero(marker.error_sd, f"{where}.error_sd"),
        error_heavy=marker.error_heavy_tails,
        round_to=lookup.at_least_zero(marker.round_to, f"{where}.round_to"),
        missing=lookup.probability(marker.missing, f"{where}.missing"),
        slope_stream=stream_id(f"slope:{name}"),
        walk_stream=stream_id(f"walk:{name}"),
    )


def effects(lookup: Lookup) -> tuple[EffectSpec, ...]:
    """Effect rows in force, in file order."""
    scenario = lookup.scenario
    return tuple(_effect(lookup, effect) for effect in scenario.library.pathway.effects if scenario.in_force(effect))


def _effect(lookup: Lookup, effect: Effect) -> EffectSpec:
    where = f"pathway.toml, effect {effect.name}"
    clock = lookup.clock(effect.clock, f"{where}, clock")
    needs = lookup.bits("treatment", effect.treatments, f"{where}, treatments")
    first = lookup.index("treatment", effect.treatments[0], where) if effect.treatments else clock.treatment
    if clock.kind is ClockKind.COURSE and clock.treatment >= 0:
        needs |= 1 << clock.treatment
    if effect.lines and first < 0:
        lookup.fault(f"{where}, lines", "lines without a treatment", "the treatment whose course started in them")
    if effect.dose != "any" and first < 0:
        lookup.fault(f"{where}, dose", "a dose without a treatment", "the treatment that is taken at it")
    return EffectSpec(
        name=effect.name,
        marker=lookup.index("marker", effect.marker, f"{where}, marker"),
        kind=EFFECT_KINDS[effect.kind],
        per_year=lookup.phases(effect.values, effect.until, f"{where}, values"),
        native=_is_native(lookup, effect, where),
        clock=clock,
        needs=needs,
        without=lookup.bits("treatment", effect.without, f"{where}, without"),
        first_treatment=first,
        lines=sum(1 << line for line in set(effect.lines)),
        where=lookup.pairs(effect.where, f"{where}, where"),
        dose=Dose[effect.dose.upper()],
    )


def dimension(unit: str) -> str:
    """Dimension of a unit; of a unit nobody knows, the unit itself."""
    try:
        return unit_of(unit).dimension
    except UnitError:
        return unit


def _is_native(lookup: Lookup, effect: Effect, where: str) -> bool:
    """Whether the numbers of an effect are in native units (mL per year), not shown ones (points per year)."""
    marker = lookup.scenario.library.pathway.markers.get(effect.marker)
    if marker is None or effect.kind == "ratio" or marker.percent_of is None:
        return False
    native, shown = dimension(f"{marker.unit} per year"), dimension(f"{marker.shown_unit} per year")
    kinds: set[bool] = set()
    for name in effect.values:
        amount = dimension(lookup.unit(name))
        if amount not in (native, shown):
            lookup.fault(
                f"{where}, value {name}",
                f"unit '{lookup.unit(name)}'",
                f"{marker.unit} per year or {marker.shown_unit} per year",
            )
        kinds.add(amount == native)
    if len(kinds) > 1:
        lookup.fault(where, f"values in {marker.unit} and in {marker.shown_unit}", "one unit for all phases")
    return True in kinds


def findings(lookup: Lookup) -> tuple[FindingSpec, ...]:
    """All findings, in definition order."""
    return tuple(_finding(lookup, name, one) for name, one in lookup.scenario.library.pathway.findings.items())


def _finding(lookup: Lookup, name: str, finding: Finding) -> FindingSpec:
    where = f"pathway.toml, key findings.{name}"
    bands = tuple(lookup.probability(band, f"{where}.bands") for band in finding.bands)
    if finding.kind == "banded":
        if not bands:
            lookup.fault(where, "a banded finding without bands", "the probabilities of bands 1, 2, ...")
        if sum(bands) > 1.0 + 1e-9:
            lookup.fault(f"{where}.bands", f"probabilities that sum to {sum(bands):g}", "at most 1")
    elif finding.level is None and finding.level_covariate is None:
        lookup.fault(where, "no level", "level or level_covariate")
    return FindingSpec(
        name=name,
        kind=finding.kind,
        level=lookup.optional(finding.level, f"{where}.level"),
        level_covariate=lookup.index("covariate", finding.level_covariate, f"{where}.level_covariate"),
        log_scale=finding.log_scale,
        terms=tuple(_finding_term(lookup, term, f"{where}.terms[{k}]") for k, term in enumerate(finding.terms)),
        error_sd=lookup.at_least_zero(finding.error_sd, f"{where}.error_sd"),
        bands=bands,
        while_on=lookup.bits("treatment", finding.while_on, f"{where}.while_on"),
        missing=lookup.probability(finding.missing, f"{where}.missing"),
    )


def _finding_term(lookup: Lookup, term: FindingTerm, where: str) -> FindingTermSpec:
    if sum(one is not None for one in (term.marker, term.treatment, term.covariate)) != 1:
        lookup.fault(where, "a term of none or of several things", "exactly one of marker, treatment, covariate")
    return FindingTermSpec(
        marker=lookup.index("marker", term.marker, where),
        since_entry=term.change_since_entry,
        window=lookup.at_least_zero(term.change_over, where),
        treatment=lookup.index("treatment", term.treatment, where),
        covariate=lookup.index("covariate", term.covariate, where),
        slope=lookup.value(term.slope, where),
        reference=lookup.optional(term.reference, where),
    )


def conditions(lookup: Lookup) -> tuple[ConditionSpec, ...]:
    """All acute conditions, in definition order."""
    return tuple(
        ConditionSpec(
            name=name,
            stream=stream_id(f"recovery:{name}"),
            recovery=lookup.at_least_zero(one.recovery, f"pathway.toml, key conditions.{name}.recovery"),
            exponential=one.recovery_exponential,
            holds=lookup.bits("treatment", one.holds, f"pathway.toml, key conditions.{name}.holds"),
        )
        for name, one in lookup.scenario.library.pathway.conditions.items()
    )
