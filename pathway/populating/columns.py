"""One covariate at a time: from standard normals, or from the covariates it rests on, to a column.

This module must not know which covariates there are or who asks for them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from pathway.definition.population import Draw
from pathway.errors import FaultList, did_you_mean
from pathway.populating.copula import INFINITY, truncated_normal
from pathway.populating.formulas import FORMULAS, exponential, logarithm

Floats = NDArray[np.float64]

VALUES_TOLD = 5
"""Values of a covariate named in one fault."""


class ColumnMaker:
    """Makes columns as a cohort document says; notes what is wrong with it.

    Attributes
    ----------
    faults
        What was found wrong so far; a faulty column is all NaN.
    """

    __slots__ = ("_values", "faults")

    def __init__(self, values: Mapping[str, float]) -> None:
        self._values = values
        self.faults = FaultList()

    def value(self, name: str | None, where: str, absent: float | None = None) -> float:
        """Look up the number of an id; ``absent`` where none is named."""
        if name is None:
            if absent is None:
                self.faults.add(where=where, found="no value", expected="an id of the evidence")
            return math.nan if absent is None else absent
        if name not in self._values:
            near = did_you_mean(name, list(self._values))
            self.faults.add(where=where, found=f"value '{name}'", expected="an id of the evidence", mend=near)
        return self._values.get(name, math.nan)

    def column(self, draw: Draw, normals: Floats, columns: Mapping[str, Floats], where: str) -> Floats:
        """Make the column of a drawn covariate from standard normals, shape (n,), and the columns it rests on."""
        if draw.family == "predicted":
            return self.computed(draw, columns, normals.shape[0], where)
        if draw.family == "fixed":
            return self._centre(draw, draw.value, columns, normals.shape, where)
        if draw.family == "yes_no":
            share = self._centre(draw, draw.probability, columns, normals.shape, where)
            if not ((share >= 0.0) & (share <= 1.0)).all():
                self.faults.add(where=where, found="a probability outside 0 to 1", expected="a probability")
                return np.full(normals.shape, math.nan)
            return np.where(ndtr(normals) > 1.0 - share, 1.0, 0.0)
        low = self.value(draw.low, f"{where}.low", None if draw.family == "uniform" else -INFINITY)
        high = self.value(draw.high, f"{where}.high", None if draw.family == "uniform" else INFINITY)
        if not low < high:
            self.faults.add(where=where, found=f"low {low:g} and high {high:g}", expected="low below high")
            return np.full(normals.shape, math.nan)
        if draw.family == "uniform":
            spread: Floats = low + (high - low) * ndtr(normals)
            return spread
        sd = self.value(draw.sd, f"{where}.sd")
        if not sd > 0.0:
            self.faults.add(where=f"{where}.sd", found=f"{sd:g}", expected="a standard deviation above 0")
            return np.full(normals.shape, math.nan)
        if draw.family == "normal":
            mean = self._centre(draw, draw.mean, columns, normals.shape, where)
            return truncated_normal(normals, mean, sd, low, high)
        return self._lognormal(draw, normals, columns, where, (sd, low, high))

    def _lognormal(
        self, draw: Draw, normals: Floats, columns: Mapping[str, Floats], where: str, limits: tuple[float, float, float]
    ) -> Floats:
        sd, low, high = limits
        if draw.median is None and draw.mean is not None:
            centre = self._centre(draw, draw.mean, columns, normals.shape, where)
        else:
            median = self._centre(draw, draw.median, columns, normals.shape, where)
            if not (median > 0.0).all():
                self.faults.add(where=where, found="a median of 0 or less", expected="a median above 0")
                return np.full(normals.shape, math.nan)
            centre = logarithm(median)
        bottom = math.log(low) if low > 0.0 else -INFINITY
        top = math.log(high) if 0.0 < high < INFINITY else INFINITY
        return np.clip(exponential(truncated_normal(normals, centre, sd, bottom, top)), low, high)

    def _centre(
        self, draw: Draw, plain: str | None, columns: Mapping[str, Floats], shape: tuple[int, ...], where: str
    ) -> Floats:
        """Mean, median or probability of each patient: one for all, or by the value of another covariate."""
        if draw.of is None:
            return np.full(shape, self.value(plain, where))
        if draw.of not in columns:
            self.faults.add(where=f"{where}.of", found=f"covariate '{draw.of}'", expected="a covariate")
            return np.full(shape, math.nan)
        found = np.full(shape, math.nan if plain is None else self.value(plain, where))
        for key, name in draw.by.items():
            try:
                group = float(key)
            except ValueError:
                self.faults.add(
                    where=f"{where}.by", found=f"key '{key}'", expected="a value of the covariate, such as 0 or 1"
                )
                continue
            found[columns[draw.of] == group] = self.value(name, f"{where}.by.{key}")
        if np.isnan(found).any():
            missing = sorted(set(columns[draw.of][np.isnan(found)].tolist()))[:VALUES_TOLD]
            self.faults.add(
                where=f"{where}.by", found=f"no entry for {draw.of} = {missing}", expected="one for every value"
            )
        return found

    def computed(self, draw: Draw, columns: Mapping[str, Floats], size: int, where: str) -> Floats:
        """Compute a predicted covariate from the columns it rests on, shape (size,)."""
        nothing = np.full(size, math.nan)
        formula = FORMULAS.get(draw.rule or "")
        if formula is None:
            near = did_you_mean(draw.rule or "", list(FORMULAS))
            self.faults.add(where=f"{where}.rule", found=f"'{draw.rule}'", expected=", ".join(FORMULAS), mend=near)
            return nothing
        absent = [name for name in formula.inputs if name not in columns]
        unknown = [name for name in draw.by if name not in formula.constants]
        if absent or unknown:
            wanted = f"covariates {', '.join(formula.inputs)}; under by: {', '.join(formula.constants) or 'nothing'}"
            found = f"{draw.rule} without {', '.join(absent)}" if absent else f"keys {', '.join(unknown)} under by"
            self.faults.add(where=where, found=found, expected=wanted)
            return nothing
        constants = {name: self.value(draw.by.get(name), f"{where}.by.{name}") for name in formula.constants}
        return formula.compute(columns, constants)


def inputs_of(draw: Draw) -> tuple[str, ...]:
    """Covariates that a draw rests on."""
    if draw.family == "predicted":
        formula = FORMULAS.get(draw.rule or "")
        return formula.inputs if formula is not None else ()
    return (draw.of,) if draw.of is not None else ()
