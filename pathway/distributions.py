"""What is not known about a number: named families for parameters, drawn by their quantiles.

Conventions, printed wherever a spread is shown: a normal and a gamma keep the point as mean; a lognormal keeps it as
**median**, with its log scale from the interval or from standard error / value; a beta keeps it as mean; a uniform and
a triangular take low and high as their ends; a 95 % interval gives the standard error (high - low) / 3.92 (on the log
scale for a lognormal). Clipping is forbidden: what lies outside a parameter's domain is reported by
:meth:`Spread.share_outside`.

References
----------
Briggs AH et al. Model parameter estimation and uncertainty analysis. Med Decis Making 2012;32:722-32.
doi:10.1177/0272989X12458348
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, isfinite, log, sqrt
from typing import TYPE_CHECKING

from scipy import special

from pathway.errors import EvidenceError

if TYPE_CHECKING:
    from collections.abc import Callable

Z95 = 1.959963984540054
FAMILIES = ("fixed", "normal", "lognormal", "beta", "gamma", "uniform", "triangular")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A family with its point value and what is known of its width.

    Attributes
    ----------
    family
        One of :data:`FAMILIES`.
    value
        The point: mean (normal, beta, gamma), median (lognormal), mode (triangular).
    low, high
        95 % interval; the ends for uniform and triangular.
    standard_error
        Of the value, at least 0; has precedence over the interval, but not over the ends of a uniform or triangular.
        For a lognormal it is taken relative to the value.

    Raises
    ------
    EvidenceError
        If the family cannot have this value and width, or a number is not finite.
    """

    family: str
    value: float
    low: float | None = None
    high: float | None = None
    standard_error: float | None = None
    where: str = "spread"

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            self._refuse(f"family {self.family}", " or ".join(FAMILIES))
        numbers = {"value": self.value, "low": self.low, "high": self.high, "standard error": self.standard_error}
        for name, number in numbers.items():
            if number is not None and not isfinite(number):
                self._refuse(f"{name} {number:g}", "a finite number")
        if self.standard_error is not None and self.standard_error < 0.0:
            self._refuse(f"standard error {self.standard_error:g}", "at least 0")
        if (self.low is None) != (self.high is None):
            self._refuse("one end of an interval", "low and high, or neither")
        if self.low is not None and self.high is not None and not self.low <= self.value <= self.high:
            self._refuse(f"{self.value:g} with interval {self.low:g} to {self.high:g}", "low <= value <= high")
        check: dict[str, Callable[[], None]] = {
            "beta": self._check_beta,
            "lognormal": self._check_positive,
            "gamma": self._check_positive,
        }
        if self.family in check:
            check[self.family]()
        if self.family in ("uniform", "triangular") and self.low is None:
            self._refuse(f"a {self.family} spread without ends", "low and high")

    def _refuse(self, found: str, expected: str, mend: str = "") -> None:
        raise EvidenceError(where=self.where, found=found, expected=expected, mend=mend)

    def _check_beta(self) -> None:
        if not 0.0 <= self.value <= 1.0:
            self._refuse(f"beta with mean {self.value:g}", "a mean from 0 to 1")
        variance = self.error * self.error
        if variance > 0.0 and variance >= self.value * (1.0 - self.value):
            self._refuse(
                f"beta with mean {self.value:g} and standard error {self.error:g}",
                "a variance below mean * (1 - mean)",
                "was a standard deviation given in place of a standard error?",
            )

    def _check_positive(self) -> None:
        if self.value <= 0.0 and self._width() > 0.0:
            mend = "looks like a log ratio: take its exponential" if self.value < 0.0 else "use family fixed for a zero"
            self._refuse(f"{self.family} with value {self.value:g}", "a value above 0", mend)
        if self.low is not None and self.low <= 0.0 and self.family == "lognormal" and self.standard_error is None:
            self._refuse(f"lognormal with low {self.low:g}", "an interval above 0")

    def _width(self) -> float:
        if self.standard_error is not None and self.family not in ("uniform", "triangular"):
            return self.standard_error
        return self.high - self.low if self.low is not None and self.high is not None else 0.0

    @property
    def error(self) -> float:
        """Standard error on the natural scale (an approximation for lognormal)."""
        if self.standard_error is not None:
            return self.standard_error
        if self.low is None or self.high is None:
            return 0.0
        return (self.high - self.low) / (2.0 * Z95)

    @property
    def is_uncertain(self) -> bool:
        """Whether it spreads at all."""
        return self.family != "fixed" and self._width() > 0.0

    def _log_error(self) -> float:
        if self.standard_error is not None or self.low is None or self.high is None:
            return self.error / self.value
        return (log(self.high) - log(self.low)) / (2.0 * Z95)

    def _shape(self) -> tuple[float, float]:
        """Both shapes of a beta; shape and scale of a gamma."""
        m, s = self.value, self.error
        if self.family == "beta":
            n = m * (1.0 - m) / (s * s) - 1.0
            return m * n, (1.0 - m) * n
        return (m / s) ** 2, s * s / m

    def _quantile(self, u: float) -> float:
        """Inverse of the distribution function, by SciPy's special functions: its distribution objects take a thousand times as long to make."""
        if self.family == "normal":
            return self.value + self.error * float(special.ndtri(u))
        if self.family == "lognormal":
            return self.value * exp(self._log_error() * float(special.ndtri(u)))
        if self.family == "beta":
            return float(special.betaincinv(*self._shape(), u))
        if self.family == "gamma":
            shape, scale = self._shape()
            return float(special.gammaincinv(shape, u)) * scale
        low, high = self.low or 0.0, self.high or 0.0
        if self.family == "uniform":
            return low + u * (high - low)
        rising = (self.value - low) / (high - low)
        if u <= rising:
            return low + sqrt(u * (high - low) * (self.value - low))
        return high - sqrt((1.0 - u) * (high - low) * (high - self.value))

    def _below(self, x: float) -> float:
        """Share of the spread below a value."""
        if self.family == "normal":
            return float(special.ndtr((x - self.value) / self.error))
        if self.family == "lognormal":
            return float(special.ndtr(log(x / self.value) / self._log_error())) if x > 0.0 else 0.0
        if self.family == "beta":
            return float(special.betainc(*self._shape(), min(max(x, 0.0), 1.0)))
        if self.family == "gamma":
            shape, scale = self._shape()
            return float(special.gammainc(shape, max(x, 0.0) / scale))
        low, high = self.low or 0.0, self.high or 0.0
        x = min(max(x, low), high)
        if self.family == "uniform":
            return (x - low) / (high - low)
        if x < self.value:
            return (x - low) ** 2 / ((high - low) * (self.value - low))
        return 1.0 - (high - x) ** 2 / ((high - low) * (high - self.value)) if x < high else 1.0

    def quantile(self, u: float) -> float:
        """Value below which a share ``u`` of the spread lies; the point itself if it does not spread.

        Raises
        ------
        EvidenceError
            If ``u`` is not in the open interval (0, 1), where every family has a finite quantile.

        Examples
        --------
        >>> Spread(family="normal", value=41.0, low=2.9, high=79.0).quantile(0.5)
        41.0
        """
        if not 0.0 < u < 1.0:
            self._refuse(f"quantile at {u:g}", "between 0 and 1, both excluded")
        return self._quantile(u) if self.is_uncertain else self.value

    @property
    def mean(self) -> float:
        """Mean of the spread (a lognormal's is above its point)."""
        if not self.is_uncertain:
            return self.value
        if self.family == "lognormal":
            return self.value * exp(self._log_error() ** 2 / 2.0)
        low, high = self.low or 0.0, self.high or 0.0
        return {"uniform": (low + high) / 2.0, "triangular": (low + self.value + high) / 3.0}.get(self.family, self.value)

    def share_outside(self, low: float, high: float) -> float:
        """Share of the spread outside [low, high]: a cost below 0, a probability above 1."""
        if not self.is_uncertain:
            return float(not low <= self.value <= high)
        return self._below(low) + 1.0 - self._below(high)


def from_counts(events: int, people: int, *, where: str = "counts") -> Spread:
    """Beta for a proportion from counts, Jeffreys prior: Beta(x + 0.5, n - x + 0.5).

    Examples
    --------
    >>> round(from_counts(46, 288).value, 4)
    0.1609
    """
    if not 0 <= events <= people or people <= 0:
        raise EvidenceError(where=where, found=f"{events} of {people}", expected="0 <= events <= people")
    a, b = events + 0.5, people - events + 0.5
    mean = a / (a + b)
    return Spread(family="beta", value=mean, standard_error=sqrt(mean * (1.0 - mean) / (a + b + 1.0)), where=where)
