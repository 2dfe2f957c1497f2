"""Numbers that were estimated together are drawn together: a Gaussian copula on keyed uniforms.

Each number keeps the distribution it declares. Its uniform is no longer its own: standard normals, one a number and keyed as an independent draw would be, are mixed by the lower
triangular factor of a correlation matrix, and each mixed normal gives the uniform at which the number's quantile is taken. So the correlation is that of normal scores: of the
numbers themselves where both are normal, of their logarithms where both are lognormal, and close to it elsewhere.

The factor is Cholesky's, in the order of the table: a number added at the end moves no draw of those before it, and a number that hangs together with none of those before it draws
exactly what it would draw alone, to the last bit. This module must not read files or know what a number means.

References
----------
Iman RL, Conover WJ. A distribution-free approach to inducing rank correlation among input variables. Commun Stat Simul Comput 1982;11:311-34. doi:10.1080/03610918208812265
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pathway import draws
from pathway.errors import EvidenceError

Floats = NDArray[np.float64]
ROUNDING = 1e-6
"""How far a correlation matrix may miss symmetry, a diagonal of one and eigenvalues of at least zero: what writing it with seven digits does."""
SMALLEST = 2.0**-53
"""Nearest that a mixed uniform comes to 0 and to 1, where quantiles are infinite."""


def stream_of(name: str) -> str:
    """Stream of the uniform of a parameter or a group of them."""
    return f"parameter:{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """Which numbers are drawn together, and how they hang together.

    Attributes
    ----------
    ids
        Parameters, in the order of the table.
    correlation : shape (ids, ids)
        Of the normal scores.

    Raises
    ------
    EvidenceError
        If the matrix has another shape, or is no correlation matrix; every reason at once.

    Examples
    --------
    >>> both = Joint(ids=("a", "b"), correlation=np.array([[1.0, 0.6], [0.6, 1.0]]))
    >>> [round(float(x), 3) for x in both.factor[1]]
    [0.6, 0.8]
    """

    ids: tuple[str, ...]
    correlation: Floats

    def __post_init__(self) -> None:
        reasons = faults_of(self.correlation, self.ids)
        if reasons:
            raise EvidenceError(where="correlations", found="; ".join(reasons), expected="a correlation matrix")

    @property
    def factor(self) -> Floats:
        """Lower triangular factor: ``factor @ factor.T`` is the correlation; shape (ids, ids)."""
        return factor_of(self.correlation)

    def without(self, names: Collection[str]) -> Joint:
        """The same less some numbers; those that stay hang together as before."""
        kept = [number for number, name in enumerate(self.ids) if name not in names]
        return self if len(kept) == len(self.ids) else Joint(ids=tuple(self.ids[number] for number in kept), correlation=self.correlation[np.ix_(kept, kept)])

    def uniforms(self, *, seed: int, sample: int) -> dict[str, float]:
        """The uniform of every number in one parameter set, in the open interval (0, 1).

        Parameters
        ----------
        sample
            Number of the parameter set, part of the key of every draw.
        """
        patient = np.zeros(1, dtype=np.int64)
        own = [draws.uniform(seed, stream=stream_of(name), patient=patient, sample=sample) for name in self.ids]
        normals = [float(draws.normal_quantile(one)[0]) for one in own]
        found = {}
        for number, (name, weights) in enumerate(zip(self.ids, self.factor, strict=True)):
            if not weights[:number].any():
                found[name] = float(own[number][0])
                continue
            mixed = math.fsum(float(weight) * normal for weight, normal in zip(weights[: number + 1], normals, strict=False))
            found[name] = min(max(float(special.ndtr(mixed)), SMALLEST), 1.0 - SMALLEST)
        return found


def factor_of(correlation: Floats) -> Floats:
    """Cholesky's factor of a matrix that may be singular, row by row in plain arithmetic, so that it is the same on every machine; shape as given.

    Examples
    --------
    >>> factor_of(np.array([[1.0, -1.0], [-1.0, 1.0]])).tolist()
    [[1.0, 0.0], [-1.0, 0.0]]
    """
    size = len(correlation)
    rows = [[0.0] * size for _ in range(size)]
    for i in range(size):
        for j in range(i + 1):
            rest = float(correlation[i, j]) - math.fsum(rows[i][k] * rows[j][k] for k in range(j))
            if i == j:
                rows[i][i] = math.sqrt(rest) if rest > ROUNDING else 0.0
            elif rows[j][j] > 0.0:
                rows[i][j] = rest / rows[j][j]
    return np.array(rows).reshape(size, size)


def faults_of(correlation: Floats, ids: tuple[str, ...]) -> list[str]:
    """Why a table is no correlation matrix, one sentence a reason; empty if it is one.

    Examples
    --------
    >>> faults_of(np.array([[1.0, 0.5], [0.4, 1.0]]), ("a", "b"))
    ['a with b is 0.5, b with a is 0.4']
    """
    size = len(ids)
    if correlation.shape != (size, size):
        return [f"a table of shape {correlation.shape} for {size} numbers"]
    reasons = [f"{name} with itself is {correlation[k, k]:g}, not 1" for k, name in enumerate(ids) if not abs(correlation[k, k] - 1.0) <= ROUNDING]
    for i in range(size):
        for j in range(i):
            one, other = correlation[j, i], correlation[i, j]
            if not abs(one - other) <= ROUNDING:
                reasons.append(f"{ids[j]} with {ids[i]} is {one:g}, {ids[i]} with {ids[j]} is {other:g}")
            elif not abs(one) <= 1.0 + ROUNDING:
                reasons.append(f"{ids[j]} with {ids[i]} is {one:g}, outside -1 to 1")
    if not reasons and size:
        lowest = float(np.linalg.eigvalsh(correlation).min())
        if lowest < -ROUNDING * size:
            reasons.append(f"no numbers can hang together like this: the smallest eigenvalue is {lowest:.3g}, not at least 0")
    return reasons
