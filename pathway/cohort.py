"""Patients at entry: drawn from a preset population, or the user's own.

Covariates are drawn one stream each (``cohort:<covariate>``), keyed by the patient's number, so the first n patients
of a larger draw are the smaller draw, and neither the order of the file nor a new covariate moves a draw. Rank
correlations act through a Gaussian copula. What follows from other covariates is :mod:`pathway.populating.formulas`.
This module must not read files or know what happens after entry.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathway import draws
from pathway.definition.population import Draw, Entry
from pathway.definition.scenario import Scenario
from pathway.errors import ScenarioError, did_you_mean
from pathway.populating.columns import ColumnMaker
from pathway.populating.copula import correlated_normals
from pathway.populating.correlations import pair_of
from pathway.populating.faults import faults_of, in_order
from pathway.populating.formulas import FORMULAS
from pathway.program import Cohort

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

__all__ = ["FORMULAS", "describe_cohort", "draw_cohort", "patient_columns"]

MOST_PATIENTS = 10_000_000
"""As many as a study may ask for."""
ROWS_TOLD = 5
"""Rows of a user's patients named in one fault."""


def draw_cohort(
    scenario: Scenario,
    values: Mapping[str, float],
    *,
    size: int | None = None,
    first: int = 0,
    seed: int | None = None,
) -> Cohort:
    """Draw patients, or take the user's own.

    Parameters
    ----------
    scenario
        A checked study.
    values
        Value of every id, house units.
    size
        Number of patients; absent: the study's, or all of the user's own.
    first
        Number of the first patient.
    seed
        In place of the study's.

    Returns
    -------
    Patients ``first`` to ``first + size`` (excluded), the same under every strategy; columns in the order of the
    pathway.

    Raises
    ------
    ScenarioError
        If a covariate has no draw, correlations contradict each other, or the user's patients cannot be used.
    """
    if size is not None and not 1 <= size <= MOST_PATIENTS:
        raise ScenarioError(
            where="patients", found=f"{size}", expected=f"1 to {MOST_PATIENTS:,}", mend="ask for fewer, or leave it out"
        )
    population = _Population(scenario, values)
    if scenario.patients is not None:
        columns, patient = population.own(scenario.patients, size, first)
    else:
        count = scenario.study.patients if size is None else size
        patient = np.arange(first, first + count, dtype=np.int64)
        columns = population.drawn(patient, scenario.study.seed if seed is None else seed)
    population.faults.raise_if_any(ScenarioError)
    return population.entered(columns, patient)


def patient_columns(scenario: Scenario) -> pd.DataFrame:
    """List the columns of a file of one's own patients.

    Returns
    -------
    One row a covariate: ``column``, ``unit``, ``low``, ``high`` (values outside are refused), ``label`` and
    ``required`` (what is not required is computed from the others when its column is missing).
    """
    computed = _predicted(scenario)
    rows = [
        (name, one.unit, one.low, one.high, one.label, name not in computed)
        for name, one in scenario.library.pathway.covariates.items()
    ]
    return pd.DataFrame(rows, columns=["column", "unit", "low", "high", "label", "required"])


def describe_cohort(cohort: Cohort) -> pd.DataFrame:
    """Summarise the covariates of a cohort.

    Returns
    -------
    One row a covariate: ``mean``, ``sd`` (n - 1), ``minimum``, ``quartile_1``, ``median``, ``quartile_3``, ``maximum``.
    """
    table = cohort.values  # noqa: PD011 (an array, not a frame)
    quartiles = np.quantile(table, [0.0, 0.25, 0.5, 0.75, 1.0], axis=0)
    names = ("minimum", "quartile_1", "median", "quartile_3", "maximum")
    return pd.DataFrame(
        {
            "mean": table.mean(axis=0),
            "sd": table.std(axis=0, ddof=1) if cohort.size > 1 else np.full(table.shape[1], math.nan),
            **dict(zip(names, quartiles, strict=True)),
        },
        index=pd.Index(cohort.covariates, name="covariate"),
    )


def _predicted(scenario: Scenario) -> dict[str, tuple[str, Draw]]:
    """Covariates that can be computed, with their place: the study's own cohort first, then the library's."""
    cohorts = dict(scenario.library.cohorts)
    if scenario.study.cohort is not None:
        cohorts = {scenario.study.cohort: cohorts[scenario.study.cohort], **cohorts}
    found: dict[str, tuple[str, Draw]] = {}
    for cohort, definition in cohorts.items():
        for name, draw in definition.covariates.items():
            if draw.family == "predicted":
                found.setdefault(name, (f"{scenario.library.name}/cohorts.toml, key {cohort}.covariates.{name}", draw))
    return found


class _Population:
    """Columns of one study's cohort, made in the order in which they rest on each other."""

    __slots__ = ("_make", "_values", "faults", "names", "scenario")

    def __init__(self, scenario: Scenario, values: Mapping[str, float]) -> None:
        self.scenario = scenario
        self._values = values
        self._make = ColumnMaker(values)
        self.names = tuple(scenario.library.pathway.covariates)
        self.faults = self._make.faults

    def drawn(self, patient: Ints, seed: int) -> dict[str, Floats]:
        """Columns drawn from the preset."""
        definition = self.scenario.cohort
        if definition is None:
            raise ScenarioError(
                where="study", found="neither a cohort nor patients", expected="key cohort or patients_file"
            )
        library = self.scenario.library
        where = f"{library.name}/cohorts.toml, key {self.scenario.study.cohort}"
        self.faults.extend(faults_of(definition, library.pathway.covariates, self._values, where))
        self.faults.raise_if_any(ScenarioError)
        draws.check_streams(f"cohort:{name}" for name in self.names)
        pairs = {pair_of(row): self._values[row.value] for row in definition.correlations}
        place = f"{where}.covariates"
        normals = correlated_normals(pairs, self.names, patient, seed)
        columns: dict[str, Floats] = {}
        for name in in_order(definition.covariates)[0]:
            columns[name] = self._make.column(definition.covariates[name], normals.pop(name), columns, f"{place}.{name}")
        return columns

    def own(self, given: Mapping[str, Floats], size: int | None, first: int) -> tuple[dict[str, Floats], Ints]:
        """Columns of the user's file; what can be computed and is missing is computed."""
        where = self.scenario.study.patients_file or "patients"
        known = len(next(iter(given.values()))) if given else 0
        count = known - first if size is None else size
        if not 0 <= first <= first + count <= known or count == 0:
            is_one = count <= 1
            raise ScenarioError(
                where=where,
                found=f"{known} patients, counted from 0",
                expected=f"a patient {first}" if is_one else f"patients {first} to {first + count - 1}",
                mend=f"ask for {f'a patient from 0 to {known - 1}' if is_one and known else 'fewer'}, or add rows to the file",
            )
        columns = {name: np.asarray(column, dtype=np.float64)[first : first + count] for name, column in given.items()}
        for name in columns:
            if name not in self.names:
                near = did_you_mean(name, list(self.names))
                self.faults.add(where=where, found=f"column '{name}'", expected=", ".join(self.names), mend=near)
        computed = {name: one for name, one in _predicted(self.scenario).items() if name not in columns}
        for name in self.names:
            if name not in columns and name not in computed:
                self.faults.add(
                    where=where, found=f"no column {name}", expected="a column for every required covariate"
                )
        self._check_range(columns, where, first)
        self.faults.raise_if_any(ScenarioError)
        for name in in_order({name: draw for name, (_, draw) in computed.items()})[0]:
            if name in self.names:
                place, draw = computed[name]
                columns[name] = self._make.computed(draw, columns, count, place)
        return columns, np.arange(first, first + count, dtype=np.int64)

    def _check_range(self, columns: Mapping[str, Floats], where: str, first: int) -> None:
        for name, covariate in self.scenario.library.pathway.covariates.items():
            if name in columns:
                column = columns[name]
                wrong = np.flatnonzero(~((column >= covariate.low) & (column <= covariate.high)))
                if wrong.size:
                    rows = ", ".join(f"row {first + row + 2}: {column[row]:g}" for row in wrong[:ROWS_TOLD])
                    more = f" and {wrong.size - ROWS_TOLD} more" if wrong.size > ROWS_TOLD else ""
                    unit = f" {covariate.unit}" if covariate.unit else ""
                    self.faults.add(
                        where=f"{where}, column {name}",
                        found=rows + more,
                        expected=f"{covariate.low:g} to {covariate.high:g}{unit}",
                    )

    # --- entry --------------------------------------------------------------------------------------------------

    def entered(self, columns: Mapping[str, Floats], patient: Ints) -> Cohort:
        """Cohort with its place in the pathway at entry."""
        definition = self.scenario.cohort
        entry = definition.entry if definition is not None else Entry()
        size = patient.size
        years = columns[entry.on_regimen_years] if entry.on_regimen_years is not None else np.zeros(size)
        cohort = Cohort(
            covariates=self.names,
            values=np.column_stack([columns[name] for name in self.names]) if self.names else np.zeros((size, 0)),
            patient=patient,
            line=np.full(size, entry.line, dtype=np.int64),
            regimen=np.full(size, self._bits(entry.regimen), dtype=np.int64),
            failed=np.full(size, self._bits(entry.failed), dtype=np.int64),
            years_on=np.array(years, dtype=np.float64),
            choose=entry.choose,
            reason=entry.reason,
        )
        self.faults.raise_if_any(ScenarioError)
        return cohort

    def _bits(self, treatments: Sequence[str]) -> int:
        known = [row.id for row in self.scenario.library.treatments]
        found = 0
        for name in treatments:
            if name in known:
                found |= 1 << known.index(name)
            else:
                place = f"{self.scenario.library.name}/cohorts.toml, key {self.scenario.study.cohort}.entry"
                self.faults.add(
                    where=place, found=f"treatment '{name}'", expected=", ".join(known), mend=did_you_mean(name, known)
                )
        return found
