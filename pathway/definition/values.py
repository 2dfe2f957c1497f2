"""How a number comes to its value: evidence, switches, population, scenario, sums.

Every value id is looked up through four layers, highest first: the scenario's override; the population's
``set``; the ``set`` of the switches; the evidence row. A derived value is a sum of products of values so found.
This module must not read files.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from pathway import draws
from pathway.definition.disease import Sum
from pathway.definition.joint import Joint, stream_of
from pathway.distributions import Spread
from pathway.errors import ScenarioError


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One number with its unit, spread and source.

    Attributes
    ----------
    value, low, high, standard_error
        In house units (``unit``), whatever the file said; ``low`` and ``high`` are the 95 % interval, or the
        range of a uniform or triangular spread.
    group
        Parameters of one group share their draws.
    basis
        Rows of the evidence review.
    origin
        File and row it was read from.
    """

    id: str
    label: str
    value: float
    unit: str
    family: str = "fixed"
    low: float | None = None
    high: float | None = None
    standard_error: float | None = None
    group: str = ""
    source: str
    grade: str
    basis: str = ""
    note: str = ""
    origin: str = ""

    @property
    def spread(self) -> Spread:
        """The distribution of what is not known about the number."""
        return Spread(
            family=self.family,
            value=self.value,
            low=self.low,
            high=self.high,
            standard_error=self.standard_error,
            where=self.origin,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """What stands in for what.

    Attributes
    ----------
    overrides
        Ids that the scenario gives itself.
    cohort, switches
        Id -> id whose value stands in.
    derived
        Sums by id.
    """

    overrides: frozenset[str] = frozenset()
    cohort: Mapping[str, str] = field(default_factory=dict)
    switches: Mapping[str, str] = field(default_factory=dict)
    derived: Mapping[str, Sum] = field(default_factory=dict)

    def stand_in(self, name: str) -> str:
        """Id whose row or sum gives the value of ``name``."""
        if name in self.overrides:
            return name
        chosen = self.cohort.get(name, name)
        return chosen if chosen in self.overrides else self.switches.get(chosen, chosen)


FORMS: dict[str, Callable[[float], float]] = {
    "identity": lambda total: total,
    "log": math.log,
    "exp": math.exp,
    "rate_from_probability": lambda total: -math.log1p(-total),
    "negative": lambda total: -total,
}


def resolve(layers: Layers, rows: Mapping[str, float]) -> dict[str, float]:
    """Values of all ids: rows, then derived sums.

    Parameters
    ----------
    layers
        What stands in for what.
    rows
        Value of every row, overrides in place, in house units.

    Raises
    ------
    ScenarioError
        If a derived value rests on itself, or is not a finite number.

    Examples
    --------
    >>> half = Sum(label="half of it", unit="per year", terms=(("total", "share"),))
    >>> resolve(Layers(derived={"half": half}), {"total": 0.5, "share": 0.25})["half"]
    0.125
    """
    found: dict[str, float] = {}

    def value(name: str, trail: tuple[str, ...]) -> float:
        if name in found:
            return found[name]
        if name in trail:
            circle = " -> ".join([*trail[trail.index(name) :], name])
            raise ScenarioError(
                where=f"pathway.toml, key derived.{name}",
                found=f"a circle: {circle}",
                expected="a value that does not rest on itself",
                mend="break the circle with a row of the evidence",
            )
        target = layers.stand_in(name)
        if target in rows and (target in layers.overrides or target not in layers.derived):
            result = rows[target]
        elif target == name or target in layers.derived:
            result = total(target, (*trail, name))
        else:
            result = value(target, (*trail, name))
        found[name] = result
        return result

    def total(name: str, trail: tuple[str, ...]) -> float:
        rule = layers.derived[name]
        terms = [product(term, trail) for term in rule.terms]
        try:
            result = FORMS[rule.form](math.fsum(terms))
        except (ValueError, OverflowError):
            result = math.nan
        if not math.isfinite(result):
            raise _not_finite(
                name, rule, {one: found.get(one, math.nan) for term in rule.terms for one in ingredients(term)}
            )
        return result if rule.at_least is None else max(result, rule.at_least)

    def product(term: tuple[str, ...], trail: tuple[str, ...]) -> float:
        result = 1.0
        for factor in term:
            if factor == "-":
                result = -result
            elif factor.startswith("/"):
                divisor = value(factor[1:], trail)
                result = result / divisor if divisor != 0.0 else math.nan
            else:
                result *= value(factor, trail)
        return result

    for name in [*rows, *layers.derived]:
        value(name, ())
    return found


def _not_finite(name: str, rule: Sum, inputs: Mapping[str, float]) -> ScenarioError:
    """Complaint about a sum that gives no number."""
    listed = ", ".join(f"{key} = {number:g}" for key, number in inputs.items())
    return ScenarioError(
        where=f"pathway.toml, key derived.{name}",
        found=f"no finite number from {listed} (form {rule.form})",
        expected="a finite number",
        mend="check the values it is made of: a division by zero, or a logarithm of what is not positive",
    )


def ingredients(term: Iterable[str]) -> list[str]:
    """Value ids of a product."""
    return [factor.removeprefix("/") for factor in term if factor != "-"]


def draw(rows: Mapping[str, Parameter], *, seed: int, sample: int, joint: Joint | None = None) -> dict[str, float]:
    """One parameter set: every row drawn from its spread by a keyed uniform.

    The stream is ``parameter:`` and the row's group, or its id where it has none, so a new row moves no other draw. Rows of ``joint`` are drawn together; their
    marginal distributions stay as declared.
    """
    uniforms: dict[str, float] = {}
    together = {} if joint is None else joint.uniforms(seed=seed, sample=sample)
    drawn: dict[str, float] = {}
    patient = np.zeros(1, dtype=np.int64)
    for name, row in rows.items():
        if row.family == "fixed":
            drawn[name] = row.value
            continue
        if name in together:
            drawn[name] = float(row.spread.quantile(together[name]))
            continue
        stream = stream_of(row.group or row.id)
        if stream not in uniforms:
            uniforms[stream] = float(draws.uniform(seed, stream=stream, patient=patient, sample=sample)[0])
        drawn[name] = float(row.spread.quantile(uniforms[stream]))
    return drawn


def reachable(layers: Layers, rows: Mapping[str, Parameter], wanted: Iterable[str]) -> tuple[str, ...]:
    """Ids of the rows that the wanted values rest on, in the order of ``rows``."""
    reached: set[str] = set()
    seen: set[str] = set()
    left = list(wanted)
    while left:
        name = left.pop()
        if name in seen:
            continue
        seen.add(name)
        target = layers.stand_in(name)
        rule = layers.derived.get(target)
        if target in rows and (rule is None or target in layers.overrides):
            reached.add(target)
        elif rule is not None:
            left.extend(one for term in rule.terms for one in ingredients(term))
    return tuple(name for name in rows if name in reached)
