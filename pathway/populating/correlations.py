"""What is wrong with the correlations of a population, told without drawing anybody.

This module must not know what the covariates mean.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pathway.definition.population import CohortDefinition, Correlation, Draw
from pathway.errors import Fault, did_you_mean
from pathway.populating.copula import normal_correlation

DRAWN = ("normal", "lognormal", "yes_no", "uniform")
"""Families that take a draw, and so can be correlated."""


def correlation_faults(cohort: CohortDefinition, values: Mapping[str, float], where: str) -> list[Fault]:
    """Check each pair, and that the correlations can be true together."""
    found: list[Fault] = []
    pairs: dict[tuple[str, str], float] = {}
    for number, row in enumerate(cohort.correlations):
        fault = _pair_fault(row, cohort.covariates, values, pairs, f"{where}.correlations[{number}]")
        if fault is not None:
            found.append(fault)
        else:
            pairs[pair_of(row)] = values[row.value]
    names = sorted({name for pair in pairs for name in pair})
    if not found and names:
        matrix = np.eye(len(names))
        for (one, other), rho in pairs.items():
            row_of, column_of = names.index(one), names.index(other)
            matrix[row_of, column_of] = matrix[column_of, row_of] = normal_correlation(rho)
        smallest = float(np.linalg.eigvalsh(matrix).min())
        if smallest <= 1e-12:
            found.append(
                Fault(
                    where=f"{where}.correlations",
                    found=f"correlations of {', '.join(names)} that cannot be true together (smallest eigenvalue {smallest:.3g})",
                    expected="a positive definite matrix: every eigenvalue above 0",
                    mend="weaken the largest of them, or state those left out (absent ones are 0)",
                )
            )
    return found


def pair_of(row: Correlation) -> tuple[str, str]:
    """Name a pair in alphabetical order, whichever way it was written."""
    return min(row.a, row.b), max(row.a, row.b)


def _pair_fault(
    row: Correlation,
    covariates: Mapping[str, Draw],
    values: Mapping[str, float],
    earlier: Mapping[tuple[str, str], float],
    where: str,
) -> Fault | None:
    """Tell what is wrong with one correlation, or None."""
    expected = "two covariates that are drawn, each pair once"
    if row.a == row.b:
        return Fault(where=where, found=f"{row.a} with itself", expected=expected, mend="name the other covariate")
    for key, name in (("a", row.a), ("b", row.b)):
        if name not in covariates:
            near = did_you_mean(name, list(covariates)) or "name one that this population draws"
            return Fault(where=f"{where}.{key}", found=f"covariate '{name}'", expected=expected, mend=near)
        if covariates[name].family not in DRAWN:
            how = "the same for everybody" if covariates[name].family == "fixed" else "computed from other covariates"
            return Fault(
                where=f"{where}.{key}",
                found=f"{name}, which is {covariates[name].family}: {how}",
                expected=expected,
                mend="delete the correlation, or correlate what it is computed from",
            )
    if pair_of(row) in earlier:
        return Fault(
            where=where,
            found=f"{row.a} and {row.b} a second time",
            expected=expected,
            mend="delete one of the two",
        )
    if row.value not in values or not -1.0 < values[row.value] < 1.0:
        said = f"{row.value} = {values[row.value]:g}" if row.value in values else f"value '{row.value}'"
        return Fault(
            where=f"{where}.value",
            found=f"{said}, of {row.a} and {row.b}",
            expected="a number between -1 and 1",
            mend=did_you_mean(row.value, list(values)) if row.value not in values else "check the row in evidence/",
        )
    return None
