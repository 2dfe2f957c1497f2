"""What is wrong with a preset population, told without drawing anybody.

The reader asks this of every population of a library, so that a slip in one that no study uses is found too; drawing
asks it again, because values may be another set by then. This module must not read files or draw.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from pathway.definition.body import Covariate
from pathway.definition.population import CohortDefinition, Draw
from pathway.errors import Fault, did_you_mean
from pathway.populating.columns import inputs_of
from pathway.populating.correlations import correlation_faults
from pathway.populating.formulas import FORMULAS

MAKES: dict[str, tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]] = {
    "normal": ((("mean", "by"), ("sd",)), ("low", "high", "of")),
    "lognormal": ((("median", "mean", "by"), ("sd",)), ("low", "high", "of")),
    "yes_no": ((("probability", "by"),), ("of",)),
    "fixed": ((("value", "by"),), ("of",)),
    "uniform": ((("low",), ("high",)), ()),
    "predicted": ((("rule",),), ("by",)),
}
"""Family -> the choices of keys it needs, and the keys it takes besides."""


def faults_of(cohort: CohortDefinition, covariates: Mapping[str, Covariate], values: Mapping[str, float], where: str) -> list[Fault]:
    """Every fault of a population that can be told without drawing.

    Parameters
    ----------
    cohort
        The population.
    covariates
        Of the pathway: every one needs a draw, and no other may have one.
    values
        Value of every id, house units, the population's own ``set`` in force.
    where
        The population's place, as shown in messages.
    """
    found = list(_covariate_faults(cohort, covariates, where))
    for name, draw in cohort.covariates.items():
        place = f"{where}.covariates.{name}"
        shape = list(_shape_faults(draw, place))
        found += shape
        if not shape:
            found += _number_faults(draw, name, covariates.get(name), values, place)
            found += _group_faults(draw, cohort.covariates, values, place)
            found += _formula_faults(draw, cohort.covariates, place)
    _, circle = in_order(cohort.covariates)
    if circle:
        found.append(
            Fault(
                where=f"{where}.covariates",
                found=f"a circle among {', '.join(circle)}",
                expected="draws that rest on earlier ones",
                mend="let one of them rest on none of the others",
            )
        )
    found += correlation_faults(cohort, values, where)
    found += _entry_faults(cohort, where)
    return found


def in_order(covariates: Mapping[str, Draw]) -> tuple[list[str], list[str]]:
    """Covariates so that each comes after those it rests on, and those that wait in a circle."""
    made: list[str] = []
    left = sorted(covariates)
    while left:
        ready = [one for one in left if all(of in made or of not in covariates for of in inputs_of(covariates[one]))]
        if not ready:
            break
        made.extend(ready)
        left = [name for name in left if name not in made]
    waited_for = {of for one in left for of in inputs_of(covariates[one])}
    while not waited_for.issuperset(left):
        left = [name for name in left if name in waited_for]
        waited_for = {of for one in left for of in inputs_of(covariates[one])}
    return made, left


def _covariate_faults(cohort: CohortDefinition, covariates: Mapping[str, Covariate], where: str) -> Iterator[Fault]:
    """Tell where a covariate has no draw, or a draw no covariate."""
    for name in covariates:
        if name not in cohort.covariates:
            yield Fault(
                where=f"{where}.covariates",
                found=f"no draw of {name}",
                expected="a draw of every covariate of pathway.toml",
                mend=f"say how {name} is drawn",
            )
    for name in cohort.covariates:
        if name not in covariates:
            yield Fault(
                where=f"{where}.covariates.{name}",
                found=f"covariate '{name}'",
                expected=f"one of {', '.join(covariates)}",
                mend=did_you_mean(name, list(covariates)) or "define it in pathway.toml, or delete the draw",
            )


def _given(draw: Draw) -> list[str]:
    """Keys that a draw gives, besides its family."""
    return [key for key in type(draw).model_fields if key != "family" and getattr(draw, key)]


def _shape_faults(draw: Draw, where: str) -> Iterator[Fault]:
    """Tell which keys the family lacks, and which it has no use for."""
    needs, more = MAKES[draw.family]
    for choices in needs:
        if not any(getattr(draw, choice) for choice in choices):
            yield Fault(
                where=where,
                found=f"no value: family {draw.family} without {' or '.join(choices)}",
                expected=" or ".join(choices),
                mend="add it",
            )
    taken = {key for choices in needs for key in choices} | set(more)
    for key in _given(draw):
        if key not in taken:
            yield Fault(
                where=f"{where}.{key}",
                found=f"{key}, which family {draw.family} has no use for",
                expected=f"only {', '.join(sorted(taken))}",
                mend="delete it, or choose another family",
            )
    if draw.median and draw.mean:
        yield Fault(where=where, found="a median and a mean", expected="one of the two", mend="delete the mean (of the log)")
    if draw.family != "predicted" and bool(draw.by) != (draw.of is not None):
        yield Fault(
            where=where,
            found="by without of, or the reverse",
            expected="both or neither",
            mend="name the covariate that by goes by",
        )


def _number_faults(draw: Draw, name: str, covariate: Covariate | None, values: Mapping[str, float], where: str) -> Iterator[Fault]:
    """Check that ids exist, spreads are above 0, ends in order, and centres where the covariate may be."""
    ids = {key: getattr(draw, key) for key in ("mean", "median", "sd", "probability", "value", "low", "high")}
    ids.update({f"by.{key}": one for key, one in draw.by.items()})
    ids = {key: one for key, one in ids.items() if one}
    unknown = {key: one for key, one in ids.items() if one not in values}
    for key, one in unknown.items():
        near = did_you_mean(one, list(values))
        yield Fault(
            where=f"{where}.{key}",
            found=f"value '{one}'",
            expected="an id of the evidence",
            mend=near or "add a row to evidence/",
        )
    if unknown or draw.family == "predicted":
        return
    number = {key: values[one] for key, one in ids.items()}
    low, high = number.get("low", -math.inf), number.get("high", math.inf)
    if not low < high:
        yield Fault(where=where, found=f"low {low:g}, high {high:g}", expected="low below high", mend="exchange the two")
    if "sd" in number and not number["sd"] > 0.0:
        yield Fault(
            where=f"{where}.sd",
            found=f"{ids['sd']} = {number['sd']:g}",
            expected="a standard deviation above 0",
            mend="check the row, or choose family fixed",
        )
    if draw.mean and draw.family == "lognormal":
        return
    least, most = _limits(draw, covariate)
    for key, one in number.items():
        if key not in ("sd", "low", "high") and not least <= one <= most:
            unit = f" {covariate.unit}" if covariate is not None and covariate.unit and draw.family != "yes_no" else ""
            yield Fault(
                where=f"{where}.{key}",
                found=f"{ids[key]} = {one:g}",
                expected=f"from {least:g} to {most:g}{unit}" + (", a probability" if draw.family == "yes_no" else f", where {name} may be"),
                mend="check the row, or the covariate's range in pathway.toml",
            )


def _limits(draw: Draw, covariate: Covariate | None) -> tuple[float, float]:
    """Where centres may lie: a probability, or a value of the covariate."""
    if draw.family == "yes_no":
        return 0.0, 1.0
    if draw.family == "lognormal":
        least = math.ulp(0.0) if covariate is None else max(covariate.low, math.ulp(0.0))
        return least, math.inf if covariate is None else covariate.high
    return (-math.inf, math.inf) if covariate is None else (covariate.low, covariate.high)


def _group_faults(draw: Draw, covariates: Mapping[str, Draw], values: Mapping[str, float], where: str) -> Iterator[Fault]:
    """Keys of ``by`` are numbers, and every value of the other covariate has one."""
    if draw.family == "predicted" or draw.of is None:
        return
    groups: set[float] = set()
    for key in draw.by:
        try:
            groups.add(float(key))
        except ValueError:
            yield Fault(
                where=f"{where}.by",
                found=f"key '{key}'",
                expected="a value of the covariate, such as 0 or 1",
                mend=f"write a value that {draw.of} takes",
            )
            return
    other = covariates.get(draw.of)
    if other is None:
        yield Fault(
            where=f"{where}.of",
            found=f"covariate '{draw.of}', which this population does not draw",
            expected=f"one of {', '.join(covariates)}",
            mend=did_you_mean(draw.of, list(covariates)) or "draw it, or name another",
        )
        return
    if other.family in ("normal", "lognormal", "uniform"):
        yield Fault(
            where=f"{where}.of",
            found=f"{draw.of}, which takes any value",
            expected="a covariate of few values",
            mend="name one of family yes_no or fixed",
        )
        return
    has_rest = any((draw.mean, draw.median, draw.probability, draw.value))
    missing = [] if has_rest else sorted(_taken(other, values) - groups)
    if missing:
        yield Fault(
            where=f"{where}.by",
            found=f"no entry for {draw.of} = {missing}",
            expected="one for every value",
            mend=f"add {', '.join(f'{one:g}' for one in missing)}",
        )


def _taken(draw: Draw, values: Mapping[str, float]) -> set[float]:
    """Values that a covariate of few values takes; empty where that is not known without drawing."""
    if draw.family == "fixed":
        return {values[one] for one in (draw.value, *draw.by.values()) if one is not None and one in values}
    if draw.family != "yes_no":
        return set()
    shares = [values[one] for one in (draw.probability, *draw.by.values()) if one is not None and one in values]
    return ({0.0} if min(shares, default=0.0) < 1.0 else set()) | ({1.0} if max(shares, default=1.0) > 0.0 else set())


def _formula_faults(draw: Draw, covariates: Mapping[str, Draw], where: str) -> Iterator[Fault]:
    """Check that the formula exists and has the covariates and constants it wants."""
    if draw.family != "predicted":
        return
    formula = FORMULAS.get(draw.rule or "")
    if formula is None:
        yield Fault(
            where=f"{where}.rule",
            found=f"'{draw.rule}'",
            expected=f"one of {', '.join(FORMULAS)}",
            mend=did_you_mean(draw.rule or "", list(FORMULAS)) or "choose one of these",
        )
        return
    absent = [name for name in formula.inputs if name not in covariates]
    without = [name for name in formula.constants if name not in draw.by]
    unknown = [name for name in draw.by if name not in formula.constants]
    if absent or without or unknown:
        said = [f"{draw.rule} without {', '.join([*absent, *without])}"] if absent or without else []
        said += [f"keys {', '.join(unknown)} under by"] if unknown else []
        yield Fault(
            where=where,
            found=", and ".join(said),
            expected=f"covariates {', '.join(formula.inputs)}; under by: {', '.join(formula.constants) or 'nothing'}",
            mend=did_you_mean(unknown[0], list(formula.constants)) if unknown and without else "add or delete them",
        )


def _entry_faults(cohort: CohortDefinition, where: str) -> Iterator[Fault]:
    """Check that the way into the pathway does not contradict itself."""
    entry = cohort.entry
    both = [name for name in entry.regimen if name in entry.failed]
    if both:
        yield Fault(
            where=f"{where}.entry",
            found=f"{', '.join(both)} both on and failed",
            expected="a treatment in regimen or in failed",
            mend="delete it from one of the two",
        )
    if entry.regimen and entry.line == 0:
        yield Fault(
            where=f"{where}.entry.line",
            found=f"line 0, untreated, with {', '.join(entry.regimen)} on",
            expected="the line of the regimen: 1 or more",
            mend="write line = 1, or leave regimen out",
        )
    if entry.on_regimen_years is not None and entry.on_regimen_years not in cohort.covariates:
        yield Fault(
            where=f"{where}.entry.on_regimen_years",
            found=f"covariate '{entry.on_regimen_years}'",
            expected="a covariate of this population",
            mend=did_you_mean(entry.on_regimen_years, list(cohort.covariates)) or "name one that is drawn",
        )
