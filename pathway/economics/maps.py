"""Utility as a function of a marker, age and sex, evaluated once for all patients at points of the marker.

A *map* turns a disease's own measure (HAQ, FVC) into the utility of a generic instrument. It is not straight, so it is evaluated at points close
to each other and taken as straight between them; ages are whole years, each at its middle. A second variable of the map that is not
simulated with it (pain, given HAQ) is averaged over, never set to its mean. This module must not know a disease or a patient.

References
----------
Hernandez Alava M, Wailoo A. Fitting adjusted limited dependent variable mixture models to EQ-5D. Stata J 2015;15:737-50 (the form, from memory).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pathway.definition.economics import GivenMarker, LogisticMap, MixtureClass, MixtureMap
from pathway.economics.columns import real, whole
from pathway.economics.compiled_quality import fill_cells, fill_curve
from pathway.errors import EconomicsError

Floats = NDArray[np.float64]
AGES = 121
"""Whole ages 0 to 120; older patients are taken as 120."""
NODES = 48
"""Points of Gauss and Legendre over the second variable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UtilityCurve:
    """Utility at points of a marker, straight between them and held beyond.

    Attributes
    ----------
    points : shape (k,)
        Ascending, at least two.
    worth : shape (2, ages, k)
        Rows male and female; by whole age 0, 1, ..., the last held; one age where age does not matter.
    """

    points: Floats
    worth: Floats

    def __post_init__(self) -> None:
        if self.points.size < 2 or (np.diff(self.points) <= 0.0).any():
            raise EconomicsError(
                where="utility", found=f"a curve at {self.points.tolist()}", expected="two or more points that rise", mend="look at the points in economics.toml"
            )

    def __call__(self, marker: Floats, cell: NDArray[np.int64], female: NDArray[np.int64], age: NDArray[np.int64]) -> Floats:
        """Utility at values of the marker that lie in cells, all of shape (n,); ``age`` in whole years."""
        out = np.empty(marker.shape)
        fill_curve(real(self.points), real(self.worth), real(marker), whole(cell), whole(female), whole(age), out)
        return out

    def cell_of(self, marker: Floats) -> NDArray[np.int64]:
        """Cell between two points in which a value lies; the outer ones reach on for ever."""
        out = np.empty(marker.shape, dtype=np.int64)
        fill_cells(real(self.points), real(marker), out)
        return out


def through(points: tuple[tuple[float, float], ...]) -> UtilityCurve:
    """A curve through (marker, utility), the same for every age and both sexes."""
    at, worth = (np.array(column, dtype=np.float64) for column in zip(*points, strict=True))
    return UtilityCurve(points=at, worth=np.broadcast_to(worth, (2, 1, worth.size)))


def curve_of(spec: MixtureMap | LogisticMap, values: Mapping[str, float]) -> UtilityCurve:
    """Evaluate a map at its points.

    Parameters
    ----------
    spec
        Which values play which part.
    values
        Parameter values by id.
    """
    points = np.linspace(values[spec.lowest], values[spec.highest], spec.pieces + 1)
    age = np.arange(AGES) + 0.5
    if isinstance(spec, LogisticMap):
        fixed = values[spec.intercept] + sum(values[one] * values[other] for one, other in spec.constants)
        by_sex = np.array([values[spec.male], 0.0])[:, None, None]
        total = fixed + by_sex + values[spec.by_age] * age[:, None] + values[spec.by_marker] * points
        return UtilityCurve(points=points, worth=1.0 / (1.0 + np.exp(-total)))
    decades: Floats = np.zeros(1)
    if values[spec.age_terms]:
        decades = np.asarray(values[spec.age_terms] * (age - values[spec.age_centre]) / 10.0, dtype=np.float64)
    worth = np.stack([_mixture(spec, values, points, decades, male) for male in (1.0, 0.0)])
    return UtilityCurve(points=points, worth=worth)


def given_marker(spec: GivenMarker, values: Mapping[str, float], marker: Floats) -> tuple[Floats, Floats]:
    """Second variable given the marker.

    Parameters
    ----------
    marker : shape (k,)

    Returns
    -------
    Nodes, shape (nodes,), and the weight of each at every value of the marker, shape (k, nodes), summing to 1.

    Notes
    -----
    Normal with mean ``mean + r * spread / marker_spread * (M - marker_mean)`` and standard deviation ``spread * sqrt(1 - r^2)``, cut off at ``lowest``
    and ``highest``; integrated by Gauss and Legendre between them.
    """
    node, weight = np.polynomial.legendre.leggauss(NODES)
    low, high = values[spec.lowest], values[spec.highest]
    node = low + (high - low) * (node + 1.0) / 2.0
    correlation, spread = values[spec.correlation], values[spec.spread]
    mean = values[spec.mean] + correlation * spread / values[spec.marker_spread] * (marker - values[spec.marker_mean])
    away = (node - mean[:, None]) / (spread * np.sqrt(1.0 - correlation**2))
    density = weight * np.exp(-0.5 * away**2)
    return node, density / density.sum(axis=1, keepdims=True)


def _mixture(spec: MixtureMap, values: Mapping[str, float], points: Floats, decades: Floats, male: float) -> Floats:
    """Mean utility at every age and point, shape (ages, points)."""
    node, weight = given_marker(spec.other, values, points)
    other = node / 100.0
    shares = np.exp(np.stack([_share(one, values, points[:, None], other) for one in spec.classes]))
    shares = shares / shares.sum(axis=0)
    mean = np.zeros((decades.size, points.size))
    for one, share in zip(spec.classes, shares, strict=True):
        marker, square = values[one.by_marker], values[one.by_marker_square]
        place = values[one.intercept] + values[spec.male] * male + marker * points[:, None] + square * points[:, None] ** 2 + values[one.by_other] * other
        years = values[one.by_age] * decades + values[one.by_age_square] * decades**2
        spread = np.sqrt(values[one.variance] + values[spec.patient_variance])
        expected = censored_mean(place + years[:, None, None], spread, values[spec.censored_from])
        mean += (expected * share * weight).sum(axis=2)
    return mean


def _share(one: MixtureClass, values: Mapping[str, float], marker: Floats, other: Floats) -> Floats:
    """Log odds of a class against the one without them."""

    def value(name: str | None) -> float:
        return 0.0 if name is None else values[name]

    total = value(one.share_intercept) + value(one.share_by_marker) * marker
    return np.asarray(total + value(one.share_by_other) * other + value(one.share_by_other_square) * other**2, dtype=np.float64)


def censored_mean(mean: Floats, spread: float, top: float) -> Floats:
    """Mean of a normal whose values at or above ``top`` are 1.

    Notes
    -----
    With ``z = (top - mean) / spread``: ``1 - Phi(z) + mean * Phi(z) - spread * phi(z)``.

    Examples
    --------
    >>> censored_mean(np.array([0.5, 2.0]), 0.001, 0.883).round(6)
    array([0.5, 1. ])
    """
    from scipy.special import ndtr

    z = (top - mean) / spread
    below = ndtr(z)
    return np.asarray(1.0 - below + mean * below - spread * np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi), dtype=np.float64)
