"""Covariates that follow from others: published formulas, by name.

A cohort document asks for one with ``family = "predicted"`` and ``rule = "<name>"``; thresholds come from its table
``by``. This module must not know where the covariates come from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pathway import kernels

Floats = NDArray[np.float64]
Columns = Mapping[str, Floats]
Constants = Mapping[str, float]

STANDARD_HEIGHT_CM = 165.0
"""Height of the standard patient of ``reference_equations.csv``."""
GLI_HEIGHT_EXPONENT_MALE, GLI_HEIGHT_EXPONENT_FEMALE = 2.727421, 2.621579
"""Exponents of height in the GLI Global (2023) equations of FVC. Source: Bowerman 2023."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """A formula: covariates it reads, constants it wants under ``by``, and itself."""

    inputs: tuple[str, ...]
    constants: tuple[str, ...] = ()
    compute: Callable[[Columns, Constants], Floats]


def gli_height_factor(height_cm: Floats, female: Floats) -> Floats:
    """Compute a patient's factor on the predicted FVC of somebody 165 cm tall of the same sex and age.

    ``(height_cm / 165) ** exponent`` with the exponent of the sex: in GLI Global height enters the median as a power
    only.

    Parameters
    ----------
    height_cm, female : shape (n,)
        cm; 1 female, 0 male.

    Returns
    -------
    shape (n,)

    References
    ----------
    Bowerman C et al. A race-neutral approach to the interpretation of lung function measurements. Am J Respir Crit
    Care Med 2023;207:768-774. doi:10.1164/rccm.202205-0963OC

    Examples
    --------
    >>> gli_height_factor(np.array([165.0, 180.0]), np.array([1.0, 0.0])).round(4)
    array([1.    , 1.2678])
    """
    exponent = np.where(female == 1.0, GLI_HEIGHT_EXPONENT_FEMALE, GLI_HEIGHT_EXPONENT_MALE)
    return _power(height_cm / STANDARD_HEIGHT_CM, exponent)


def mosteller(height_cm: Floats, weight_kg: Floats) -> Floats:
    """Compute body surface, ``sqrt(height_cm * weight_kg / 3600)`` m2.

    Parameters
    ----------
    height_cm, weight_kg : shape (n,)

    Returns
    -------
    shape (n,)
        m2.

    References
    ----------
    Mosteller RD. Simplified calculation of body-surface area. N Engl J Med 1987;317:1098.
    doi:10.1056/NEJM198710223171717

    Examples
    --------
    >>> mosteller(np.array([180.0]), np.array([80.0]))
    array([2.])
    """
    return np.sqrt(height_cm * weight_kg / 3600.0)


def inflammatory_phenotype(columns: Columns, constants: Constants) -> Floats:
    """Tell who has early inflammatory diffuse disease: 1 or 0.

    Diffuse skin disease, ``onset_years <= onset_at_most``, ``mrss_at_least <= mrss <= mrss_at_most``, and at least one
    of ``crp >= crp_at_least``, ``esr >= esr_at_least``, ``platelets >= platelets_at_least``.

    Parameters
    ----------
    columns
        ``diffuse`` (0/1), ``onset_years``, ``mrss``, ``crp`` (mg/L), ``esr`` (mm/h), ``platelets`` (10^9/L); shape
        (n,). constants
        The six thresholds; they are evidence of the disease folder.

    Returns
    -------
    shape (n,)
    """
    raised = (
        (columns["crp"] >= constants["crp_at_least"])
        | (columns["esr"] >= constants["esr_at_least"])
        | (columns["platelets"] >= constants["platelets_at_least"])
    )
    mrss = columns["mrss"]
    skin = (mrss >= constants["mrss_at_least"]) & (mrss <= constants["mrss_at_most"])
    early = columns["onset_years"] <= constants["onset_at_most"]
    return np.where((columns["diffuse"] == 1.0) & early & skin & raised, 1.0, 0.0)


FORMULAS: dict[str, Formula] = {
    "gli_height_factor": Formula(
        inputs=("height_cm", "female"),
        compute=lambda columns, _: gli_height_factor(columns["height_cm"], columns["female"]),
    ),
    "mosteller": Formula(
        inputs=("height_cm", "weight_kg"),
        compute=lambda columns, _: mosteller(columns["height_cm"], columns["weight_kg"]),
    ),
    "inflammatory_phenotype": Formula(
        inputs=("diffuse", "onset_years", "mrss", "crp", "esr", "platelets"),
        constants=(
            "onset_at_most",
            "mrss_at_least",
            "mrss_at_most",
            "crp_at_least",
            "esr_at_least",
            "platelets_at_least",
        ),
        compute=inflammatory_phenotype,
    ),
}
"""Name in a cohort document -> formula."""


def exponential(x: Floats) -> Floats:
    """Compute ``exp(x)`` with the same bits on every machine, shape (n,)."""
    out = np.empty(x.shape)
    kernels.fill_exp(_plain(x), out)
    return out


def logarithm(x: Floats) -> Floats:
    """Compute ``log(x)`` with the same bits on every machine, shape (n,)."""
    out = np.empty(x.shape)
    kernels.fill_log(_plain(x), out)
    return out


def _power(base: Floats, exponent: Floats) -> Floats:
    """Power with the same bits on every machine; shapes (n,)."""
    out = np.empty(base.shape)
    kernels.fill_power(_plain(base), _plain(exponent), out)
    return out


def _plain(column: Floats) -> Floats:
    """Doubles without gaps: one kind of array, so that kernels are compiled once."""
    return np.require(column, np.float64, ("C", "W"))
