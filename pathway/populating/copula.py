"""Normal draws that go together, and normals cut off without piling up: the numbers under a cohort.

This module must not know a covariate's meaning or a document's layout.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from pathway import draws
from pathway.errors import ScenarioError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
INFINITY = float("inf")


def normal_correlation(rho: float) -> float:
    """Correlation of two normals whose ranks have Spearman's rho: ``2 sin(pi rho / 6)``.

    References
    ----------
    Pearson K. On further methods of determining correlation. Drapers' Company Research Memoirs, Biometric Series IV,
    1907.

    Examples
    --------
    >>> round(normal_correlation(0.5), 4)
    0.5176
    """
    return 2.0 * math.sin(math.pi * rho / 6.0)


def correlated_normals(
    correlations: Mapping[tuple[str, str], float],
    names: Sequence[str],
    patient: Ints,
    seed: int,
) -> dict[str, Floats]:
    """Draw standard normals, one a covariate and patient, with the given rank correlations.

    Rank correlation rho becomes the normals' correlation (:func:`normal_correlation`); covariates are taken in alphabetical
    order, so the order of a file does not matter.

    Parameters
    ----------
    correlations
        Pair of covariates (alphabetical) -> Spearman's rho.
    names
        Covariates to draw.
    patient : shape (n,)
    seed
        Key with the patient and the covariate's stream.

    Returns
    -------
    Covariate -> shape (n,)

    Raises
    ------
    ScenarioError
        If the correlations contradict each other: the matrix is not positive definite.
    """
    tied = sorted({name for pair in correlations for name in pair})
    normals = {name: draws.normal(seed, stream=f"cohort:{name}", patient=patient) for name in {*names, *tied}}
    matrix = np.eye(len(tied))
    for (one, other), rho in correlations.items():
        row, column = tied.index(one), tied.index(other)
        matrix[row, column] = matrix[column, row] = normal_correlation(rho)
    root = _cholesky(matrix)
    if root is None:
        raise ScenarioError(
            where="cohorts.toml, key correlations",
            found=f"correlations of {', '.join(tied)} with smallest eigenvalue {np.linalg.eigvalsh(matrix)[0]:.4f}",
            expected="a positive definite matrix: every eigenvalue above 0",
            mend="weaken the correlations, or state those left out (absent ones are 0)",
        )
    mixed = dict(normals)
    for row, name in enumerate(tied):
        total = np.zeros(patient.shape)
        for column in range(row + 1):
            if root[row][column] != 0.0:
                total = total + root[row][column] * normals[tied[column]]
        mixed[name] = total
    return mixed


def _cholesky(matrix: Floats) -> list[list[float]] | None:
    """Lower root of a matrix by plain sums, the same bits on every machine; None if not positive definite."""
    size = matrix.shape[0]
    root = [[0.0] * size for _ in range(size)]
    for row in range(size):
        for column in range(row + 1):
            left = float(matrix[row, column])
            for k in range(column):
                left -= root[row][k] * root[column][k]
            if row != column:
                root[row][column] = left / root[column][column]
            elif left <= 1e-12:
                return None
            else:
                root[row][row] = math.sqrt(left)
    return root


def truncated_normal(normals: Floats, mean: Floats, sd: float, low: float, high: float) -> Floats:
    """Turn standard normals into normals restricted to [low, high] by the inverse of the restricted distribution.

    Nothing piles up at the ends, as it would by clipping.

    Parameters
    ----------
    normals, mean : shape (n,)
    sd
        Of the normal before truncation, above 0.
    low, high
        Infinite: not truncated there.

    Returns
    -------
    shape (n,)
    """
    if low == -INFINITY and high == INFINITY:
        return mean + sd * normals
    begin, end = ndtr((low - mean) / sd), ndtr((high - mean) / sd)
    share: Floats = np.clip(begin + ndtr(normals) * (end - begin), np.finfo(float).tiny, 1.0 - np.finfo(float).epsneg)
    found: Floats = np.clip(mean + sd * draws.normal_quantile(share), low, high)
    return found
