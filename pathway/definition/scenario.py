"""What a checked study is: the library of a disease, and the scenario that uses it.

Everything below the reader receives these frozen objects and nothing else. Numbers are already in house units
(years, per year, points, mL, fractions). How a number comes to its value - structural switches, the
population's own values, the scenario's overrides, derived sums - is :mod:`pathway.definition.values`. This
module must not read files.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pathway.definition import values
from pathway.definition.access import Access
from pathway.definition.calibrated import CalibratedTable
from pathway.definition.change import When
from pathway.definition.disease import PathwayDocument
from pathway.definition.economics import EconomicsDocument
from pathway.definition.mentions import mentions
from pathway.definition.policies import Policies
from pathway.definition.population import CohortDefinition
from pathway.definition.rows import DosingRow, PriceRow, SourceRow, TreatmentRow
from pathway.definition.simulation import SimulationDocument
from pathway.definition.strategies import StrategyDefinition
from pathway.definition.study import EconomicsChoice, PriceOverride, Study
from pathway.definition.values import Parameter

Floats = NDArray[np.float64]

__all__ = ["Library", "LifeTable", "Parameter", "ReferenceTable", "Scenario", "UtilityNorm"]


class ReferenceTable(NamedTuple):
    """Predicted native value of a standard patient by age.

    At ``first_age``, ``first_age + step``, ...; shape (n,).
    """

    first_age: float
    step: float
    female: Floats
    male: Floats


class LifeTable(NamedTuple):
    """Cumulative hazard at whole ages 0, 1, ..., n; shape (n + 1,).

    The hazard within a year of age is ``-ln(1 - qx)``. A closing row with ``qx = 1`` is a convention, not a
    hazard, and is left out: after the last age the last hazard goes on.
    """

    female: Floats
    male: Floats


class UtilityNorm(NamedTuple):
    """Mean utility of the general population at whole ages from ``first_age``, held beyond the ends; shape (n,)."""

    first_age: int
    female: Floats
    male: Floats


class _Conditional(Protocol):
    """A row that may depend on a switch."""

    @property
    def only_if(self) -> When | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """A disease folder, checked; numbers in house units.

    Attributes
    ----------
    name, title
        The folder's name and the disease's label.
    parameters
        Evidence by id.
    files
        (name, SHA-256) of every file read, in reading order.
    calibration
        The calibrated table whose rows stand among ``parameters`` in place of the evidence; None: the evidence as it is.
    """

    name: str
    title: str
    pathway: PathwayDocument
    strategies: dict[str, StrategyDefinition]
    cohorts: dict[str, CohortDefinition]
    economics: EconomicsDocument
    parameters: dict[str, Parameter]
    sources: dict[str, SourceRow]
    treatments: tuple[TreatmentRow, ...]
    dosing: tuple[DosingRow, ...]
    prices: tuple[PriceRow, ...]
    reference_equations: dict[str, ReferenceTable]
    life_tables: dict[str, LifeTable]
    utility_norms: dict[str, UtilityNorm]
    files: tuple[tuple[str, str], ...]
    access: dict[str, Access] = field(default_factory=dict)
    policies: Policies = field(default_factory=Policies)
    simulation: SimulationDocument = field(default_factory=SimulationDocument)
    calibration: CalibratedTable | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One study, checked against its library.

    Attributes
    ----------
    switches
        Every switch of the library with its option, base options filled in.
    strategies
        Chosen strategies by name, in the order of ``study.strategies``.
    overrides
        The scenario's own values, in house units.
    life_tables
        Library life table -> the one that stands in for it.
    patients
        Columns of the user's own patients (covariate -> shape (n,)); None with a preset cohort.
    warnings
        What the reader noticed but did not refuse, one sentence each.
    """

    study: Study
    economics: EconomicsChoice
    switches: dict[str, str]
    library: Library
    strategies: dict[str, StrategyDefinition]
    overrides: dict[str, Parameter]
    price_overrides: dict[str, PriceOverride]
    life_tables: dict[str, str] = field(default_factory=dict)
    patients: dict[str, Floats] | None = None
    warnings: tuple[str, ...] = ()
    path: Path | None = None
    sha256: str = ""

    @property
    def cohort(self) -> CohortDefinition | None:
        """The preset population, if the study names one."""
        return self.library.cohorts[self.study.cohort] if self.study.cohort is not None else None

    def access_name(self, strategy: str) -> str:
        """Name of the payer's process that a strategy runs under."""
        return self.strategies[strategy].access or self.study.access

    def access(self, strategy: str) -> Access:
        """How its requests are handled; ``open`` means that nobody asks unless the library declares it."""
        declared = self.library.access.get(self.access_name(strategy))
        return declared or Access(label="no authorisation is asked for", treatments="none")

    def in_force(self, row: _Conditional) -> bool:
        """Whether a row is in force under the switches of this study."""
        return row.only_if is None or self.switches[row.only_if.switch] in row.only_if.option

    def life_table(self, name: str) -> LifeTable:
        """Life table by the library's name, or what the scenario puts in its place."""
        return self.library.life_tables[self.life_tables.get(name, name)]

    def base_values(self) -> dict[str, float]:
        """Value of every parameter and derived value in the base case, in house units.

        A scenario's override is highest; then the population's ``set``; then the switches; then the evidence. Derived
        sums are made from the result.

        Raises
        ------
        ScenarioError
            If a derived value rests on itself, or is not finite.
        """
        return values.resolve(self._layers(), {name: one.value for name, one in self._rows().items()})

    def sample_values(self, sample: int) -> dict[str, float]:
        """Values of parameter set ``sample``: every spread drawn, then resolved as in the base case.

        Parameters of one ``group`` share their uniform. Those of a calibrated table in force are drawn together with its correlations, but for those that
        the scenario overrides, which come from elsewhere. An override with ``low`` and ``high`` keeps the spread's family.

        Parameters
        ----------
        sample
            Number of the parameter set, part of the key of every draw; the same under every strategy.
        """
        rows, table = self._rows(), self.library.calibration
        joint = None if table is None else table.joint.without(self.overrides)
        return values.resolve(self._layers(), values.draw(rows, seed=self.study.seed, sample=sample, joint=joint))

    def used_parameters(self) -> tuple[str, ...]:
        """Ids of the parameters that the documents in force can reach, in the library's order."""
        return values.reachable(self._layers(), self._rows(), self._wanted())

    def _rows(self) -> dict[str, Parameter]:
        """Parameters with the scenario's overrides in place, and overrides of derived values."""
        return {**self.library.parameters, **self.overrides}

    def _layers(self) -> values.Layers:
        """Tell what stands in for what, and how sums are made."""
        cohort = self.cohort
        stand_ins: dict[str, str] = {}
        for name, option in self.switches.items():
            stand_ins.update(self.library.pathway.switches[name].options[option].set)
        return values.Layers(
            overrides=frozenset(self.overrides),
            cohort=dict(cohort.set) if cohort is not None else {},
            switches=stand_ins,
            derived=self.library.pathway.derived,
        )

    def _wanted(self) -> set[str]:
        """Value ids mentioned by documents in force."""
        pathway = self.library.pathway
        conditional = {"transitions", "scheduled", "decisions", "effects"}
        apart = {"derived", "switches"}
        found: set[str] = set()
        for name in type(pathway).model_fields:
            if name in apart:
                continue
            part = getattr(pathway, name)
            rows = [row for row in part if self.in_force(row)] if name in conditional else []
            tables = list(part.values()) if isinstance(part, dict) else []
            for document in [*rows, *tables]:
                found.update(one.word for one in mentions(document) if one.kind == "value")
        cohort = self.cohort
        others = [self.library.economics, *(self.access(name) for name in self.strategies), *self.strategies.values()]
        if cohort is not None:
            others.extend([*cohort.covariates.values(), *cohort.correlations, cohort.entry])
        for document in others:
            found.update(one.word for one in mentions(document) if one.kind == "value")
        return found
