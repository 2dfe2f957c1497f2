"""Judge whether numbers can be what they are used for.

Units of thresholds, signs of rates, ranges of probabilities, order of phases; judged on base values, after switches,
population and overrides. This module must not read files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from pydantic import BaseModel

from pathway.definition.change import Effect
from pathway.definition.criteria import Criterion
from pathway.definition.mentions import join
from pathway.definition.scenario import Scenario
from pathway.errors import PathwayError
from pathway.populating.faults import faults_of
from pathway.reading.bands import check_bands
from pathway.reading.house import house_unit, same_dimension
from pathway.reading.text import Findings
from pathway.reading.wanted import INFINITY, WANTED
from pathway.reading.ways import other_ways, with_cohort
from pathway.units import unit_of

TAIL = 0.01
"""Share of a spread that may lie where its number cannot."""


def check_meaning(scenario: Scenario, findings: Findings) -> None:
    """Note every number that cannot be what it is used for."""
    values = scenario.base_values()
    library = scenario.library
    files: list[tuple[str, str, BaseModel]] = [
        (f"{library.name}/pathway.toml", "", library.pathway),
        (f"{library.name}/economics.toml", "", library.economics),
        *((f"{library.name}/access.toml", key, one) for key, one in library.access.items()),
    ]
    units = _Units(scenario)
    fields = [(f"{file}, key {path}", part) for file, prefix, document in files for path, part in parts(document, prefix)]
    for where, part in fields:
        _check_fields(part, where, values, units, findings)
        _warn_of_tails(part, scenario, findings)
    _check_other_ways(fields, scenario, units, findings)
    _check_covariates(scenario, findings)
    _check_derived(scenario, findings)
    _check_stand_ins(scenario, units, findings)
    _check_markers(scenario, values, units, findings)
    check_bands(scenario, values, units.of, findings)
    _check_rules(scenario, units, findings)
    _check_populations(scenario, findings)
    _check_utility(scenario, values, findings)


def _check_other_ways(
    fields: Sequence[tuple[str, BaseModel]], scenario: Scenario, units: _Units, findings: Findings
) -> None:
    """Look at the numbers that other options and populations would bring; what is wrong already is not told again."""
    known = {(fault.where, fault.found) for fault in findings.faults.faults}
    for way, other in other_ways(scenario):
        values = other.base_values()
        under = Findings()
        for where, part in fields:
            _check_fields(part, where, values, units, under)
        for fault in under.faults.faults:
            if (fault.where, fault.found) not in known:
                known.add((fault.where, fault.found))
                findings.faults.extend([replace(fault, found=way + fault.found)])


def _warn_of_tails(part: BaseModel, scenario: Scenario, findings: Findings) -> None:
    """Tell where a normal spread reaches numbers that its use cannot take."""
    for name in type(part).model_fields:
        wanted = WANTED.get((type(part).__name__, name))
        found = getattr(part, name)
        if wanted is None or found is None:
            continue
        for key in _ids(found):
            row = scenario.overrides.get(key) or scenario.library.parameters.get(key)
            if row is not None and row.family == "normal" and row.spread.quantile(TAIL) < wanted.low:
                sentence = f"more than {100 * TAIL:g} % of the draws of {key} fall below {wanted.low:g}"
                if f"{row.origin}: {sentence}" not in findings.warnings:
                    findings.warn(row.origin, sentence)


def _ids(found: str | Mapping[str, str] | Sequence[str]) -> Sequence[str]:
    """Value ids of a field: one, a list of them, or a table."""
    return (found,) if isinstance(found, str) else list(found.values()) if isinstance(found, Mapping) else found


class _Units:
    """Units of value ids, under the scenario's layers."""

    def __init__(self, scenario: Scenario) -> None:
        derived = {key: house_or(rule.unit) for key, rule in scenario.library.pathway.derived.items()}
        self._units = {**derived, **{key: one.unit for key, one in scenario.library.parameters.items()}}

    def of(self, name: str) -> str:
        """House unit of a value."""
        return self._units.get(name, "")


def house_or(unit: str) -> str:
    """Check that the house unit, or the unit itself if it is unknown."""
    try:
        return house_unit(unit)
    except PathwayError:
        return unit


def known_or_none(unit: str) -> str:
    """Tell the house unit; empty if the unit is unknown, as that of a covariate without numbers may be."""
    try:
        return house_unit(unit)
    except PathwayError:
        return ""


def parts(document: BaseModel, path: str = "") -> Iterator[tuple[str, BaseModel]]:
    """Document and all documents within it, each with its path."""
    yield path, document
    for name, field in type(document).model_fields.items():
        key = join(path, field.alias or name)
        yield from _within(getattr(document, name), key)


def _within(found: object, path: str) -> Iterator[tuple[str, BaseModel]]:
    """Documents inside a value."""
    if isinstance(found, BaseModel):
        yield from parts(found, path)
    elif isinstance(found, tuple):
        for number, item in enumerate(found):
            named = f" ({item.name})" if isinstance(getattr(item, "name", None), str) else ""
            yield from _within(item, f"{path}[{number}]{named}")
    elif isinstance(found, dict):
        for key, item in found.items():
            yield from _within(item, join(path, str(key)))


def _check_fields(part: BaseModel, where: str, values: Mapping[str, float], units: _Units, findings: Findings) -> None:
    """Ranges and units of one document's fields; phases end one after the other."""
    for name in type(part).model_fields:
        wanted = WANTED.get((type(part).__name__, name))
        found = getattr(part, name)
        if wanted is None or found is None:
            continue
        for key in _ids(found):
            number = values[key]
            if not wanted.low <= number <= wanted.high or (wanted.open and number == wanted.low):
                findings.faults.add(
                    where=f"{where}.{name}",
                    found=f"{key} = {number:g} {units.of(key)}".rstrip(),
                    expected=("more than " if wanted.open else "at least ")
                    + f"{wanted.low:g}"
                    + (f" and at most {wanted.high:g}" if wanted.high < INFINITY else ""),
                    mend=f"check the row {key} in evidence/"
                    + (": it looks like a log ratio; use log_ratio" if name == "ratio" and number < 0.0 else ""),
                )
            if wanted.unit and not same_dimension(units.of(key), wanted.unit):
                findings.faults.add(
                    where=f"{where}.{name}",
                    found=f"{key} in {units.of(key)}",
                    expected=f"a number in {wanted.unit}",
                    mend=f"correct the unit of the row {key}, or name another",
                )
    edges = getattr(part, "until", ())
    rising = [values[key] for key in edges]
    if any(after <= before for before, after in pairwise(rising)):
        findings.faults.add(
            where=f"{where}.until",
            found=", ".join(f"{edge:g}" for edge in rising),
            expected="ends of phases in rising order",
            mend="put them in order",
        )


def _check_covariates(scenario: Scenario, findings: Findings) -> None:
    """Check that every covariate has a range."""
    for key, covariate in scenario.library.pathway.covariates.items():
        if not covariate.low < covariate.high:
            findings.faults.add(
                where=f"{scenario.library.name}/pathway.toml, key covariates.{key}",
                found=f"low {covariate.low:g}, high {covariate.high:g}",
                expected="low below high",
                mend="exchange the two",
            )


def _check_derived(scenario: Scenario, findings: Findings) -> None:
    """Check that derived values say their unit in house units: they are made of numbers in house units."""
    for key, rule in scenario.library.pathway.derived.items():
        where = f"{scenario.library.name}/pathway.toml, key derived.{key}.unit"
        try:
            house = house_unit(rule.unit)
        except PathwayError as error:
            findings.faults.add(
                where=where, found=rule.unit, expected=error.faults[0].expected, mend=error.faults[0].mend
            )
            continue
        if unit_of(rule.unit).factor != unit_of(house).factor:
            findings.faults.add(
                where=where,
                found=rule.unit,
                expected=f"{house}: a sum is made of numbers in house units",
                mend=f"write {house}, and check that the terms give it",
            )


def _check_stand_ins(scenario: Scenario, units: _Units, findings: Findings) -> None:
    """Check that what stands in for a value has its unit."""
    pathway = scenario.library.pathway
    sets = {
        f"{scenario.library.name}/pathway.toml, key switches.{key}.options.{name}.set": option.set
        for key, switch in pathway.switches.items()
        for name, option in switch.options.items()
    }
    sets.update(
        {
            f"{scenario.library.name}/cohorts.toml, key {key}.set": one.set
            for key, one in scenario.library.cohorts.items()
        }
    )
    for where, pairs in sets.items():
        for name, other in pairs.items():
            if not same_dimension(units.of(name), units.of(other)):
                findings.faults.add(
                    where=f"{where}.{name}",
                    found=f"{other} in {units.of(other)}",
                    expected=f"a value in {units.of(name)}, the unit of {name}",
                    mend="correct the unit of one of the two rows",
                )


def _check_markers(scenario: Scenario, values: Mapping[str, float], units: _Units, findings: Findings) -> None:
    """Bounds in order and in shown units; effect rows in units of a slope of their marker."""
    pathway = scenario.library.pathway
    file = f"{scenario.library.name}/pathway.toml"
    for key, marker in pathway.markers.items():
        unknown = [unit for unit in (marker.unit, marker.shown_unit or marker.unit) if not known_or_none(unit)]
        if unknown:
            findings.faults.add(
                where=f"{file}, key markers.{key}.unit",
                found=f"unknown unit '{unknown[0]}'",
                expected="a unit such as mL, points, score, count or mg/L",
                mend="choose one of these",
            )
            continue
        shown = house_or(marker.shown_unit or marker.unit)
        for bound in ("lower", "upper"):
            name = getattr(marker, bound)
            if not same_dimension(units.of(name), shown):
                findings.faults.add(
                    where=f"{file}, key markers.{key}.{bound}",
                    found=f"{name} in {units.of(name)}",
                    expected=f"a number in {shown}",
                    mend="correct the unit of the row",
                )
        if values[marker.lower] >= values[marker.upper]:
            findings.faults.add(
                where=f"{file}, key markers.{key}.lower",
                found=f"{values[marker.lower]:g}, not below upper {values[marker.upper]:g}",
                expected="lower below upper",
                mend="exchange them",
            )
        if (marker.percent_of is None) != (marker.factor is None):
            findings.faults.add(
                where=f"{file}, key markers.{key}.percent_of",
                found="percent_of without factor, or the reverse",
                expected="both or neither",
                mend="add the other",
            )
    for number, row in enumerate(pathway.effects):
        _check_slope(row, f"{file}, key effects[{number}] ({row.name}).values", scenario, values, units, findings)


def _check_slope(
    row: Effect, where: str, scenario: Scenario, values: Mapping[str, float], units: _Units, findings: Findings
) -> None:
    """Check that an effect row's values are slopes of its marker, or plain ratios."""
    marker = scenario.library.pathway.markers[row.marker]
    slopes = {house_or(f"{unit} per year") for unit in (marker.unit, marker.shown_unit or marker.unit)}
    for name in row.values:
        unit = units.of(name)
        if row.kind == "ratio":
            if unit.endswith("per year") or values[name] < 0.0:
                findings.faults.add(
                    where=where,
                    found=f"{name} = {values[name]:g} {unit}",
                    expected="a ratio, 0 or more",
                    mend="make it a difference, or correct the row",
                )
        elif not any(same_dimension(unit, slope) for slope in slopes):
            findings.faults.add(
                where=where,
                found=f"{name} in {unit}",
                expected=f"a slope in {' or '.join(sorted(slopes))}",
                mend="correct the unit of the row",
            )


def _check_rules(scenario: Scenario, units: _Units, findings: Findings) -> None:
    """Thresholds of rules are in the unit of the field they are compared with."""
    pathway = scenario.library.pathway
    years = {"age", "disease_duration", "years_in_study", "years_on_line", "years_on", "years_since_stop"}
    for key, rule in pathway.rules.items():
        for path, node in parts(rule.when, f"rules.{key}.when"):
            if not isinstance(node, Criterion) or node.field is None:
                continue
            expected = ""
            if "relative_fall" in node.field:
                expected = "fraction"
            elif node.field.startswith("index") and node.of in pathway.indices:
                expected = house_or(pathway.indices[node.of].unit)
            elif node.of in pathway.markers:
                marker = pathway.markers[node.of]
                expected = house_or(marker.shown_unit or marker.unit)
            elif node.field in years:
                expected = "years"
            elif node.field == "covariate":
                expected = known_or_none(pathway.covariates[str(node.of)].unit)
            for bound in ("at_least", "at_most", "above", "below"):
                name = getattr(node, bound)
                if name is not None and expected and not same_dimension(units.of(name), expected):
                    findings.faults.add(
                        where=f"{scenario.library.name}/pathway.toml, key {path}.{bound}",
                        found=f"{name} in {units.of(name)}",
                        expected=f"a threshold in {expected}, the unit of {node.of or node.field}",
                        mend=f"correct the unit of the row {name}, or name another",
                    )


def _check_populations(scenario: Scenario, findings: Findings) -> None:
    """Every population of the library can be drawn under its own values, whether the study uses it or not."""
    library = scenario.library
    for key, cohort in library.cohorts.items():
        values = with_cohort(scenario, key).base_values()
        where = f"{library.name}/cohorts.toml, key {key}"
        findings.faults.extend(faults_of(cohort, library.pathway.covariates, values, where))


def _check_maps(scenario: Scenario, values: Mapping[str, float], where: str, findings: Findings) -> None:
    """Every map is told between two ends, and each is the option of the switch that chooses among them."""
    utility = scenario.library.economics.utility
    for name, one in utility.maps.items():
        if values[one.highest] <= values[one.lowest]:
            findings.faults.add(
                where=f"{where}.maps.{name}.highest",
                found=f"{one.highest} = {values[one.highest]:g}, not above {one.lowest} = {values[one.lowest]:g}",
                expected="the lowest and the highest value of the marker that the map is for",
                mend="exchange the two",
            )
    switch = scenario.library.pathway.switches.get(utility.map_switch or "")
    options = list(switch.options) if switch is not None else []
    if len(utility.maps) > 1 and switch is None:
        findings.faults.add(
            where=f"{where}.map_switch", found="no switch", expected=f"a switch of pathway.toml with the options {', '.join(utility.maps)}", mend="name the switch that chooses the map"
        )
    elif switch is not None and set(options) != set(utility.maps):
        findings.faults.add(
            where=f"{where}.map_switch",
            found=f"maps {', '.join(utility.maps) or '(none)'}; options of {utility.map_switch}: {', '.join(options)}",
            expected="one map for each option, by its name",
            mend="name maps as the options are named",
        )


def _check_utility(scenario: Scenario, values: Mapping[str, float], findings: Findings) -> None:
    """One form of utility; a warning where it is above the general population's at the source's age."""
    utility = scenario.library.economics.utility
    where = f"{scenario.library.name}/economics.toml, key utility"
    line = [part for part in (utility.level, utility.slope, utility.reference) if part is not None]
    forms = [bool(line), bool(utility.curve), bool(utility.maps)]
    if sum(forms) != 1 or (line and len(line) < 3):
        findings.faults.add(
            where=where,
            found=f"{len(line)} of level, slope and reference, {len(utility.curve)} points of a curve, {len(utility.maps)} maps",
            expected="level, slope and reference; or a curve; or maps",
            mend="keep one of the three, whole",
        )
    _check_maps(scenario, values, where, findings)
    points = [values[at] for at, _ in utility.curve]
    if any(later <= earlier for earlier, later in pairwise(points)):
        findings.faults.add(where=f"{where}.curve", found="points that do not rise", expected="markers in ascending order", mend="sort the points")
    norm = scenario.library.utility_norms.get(utility.norm or "")
    if norm is None or utility.source_age is None or utility.level is None:
        return
    place = min(max(int(values[utility.source_age]) - norm.first_age, 0), len(norm.female) - 1)
    share = values[utility.source_share_female] if utility.source_share_female is not None else 0.5
    usual = share * float(norm.female[place]) + (1.0 - share) * float(norm.male[place])
    if values[utility.level] > usual:
        findings.warn(
            f"{scenario.library.name}/economics.toml, key utility.level",
            f"{values[utility.level]:g} is above the population norm of {usual:.3g} "
            f"at age {values[utility.source_age]:g}",
        )
