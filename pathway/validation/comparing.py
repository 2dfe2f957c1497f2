"""Simulated against published: is it inside, how far, and what does that prove.

A row is judged by the published interval alone. The simulation's own error is kept far below it and told apart, and so is the spread that a trial of the published
size would have had. This module must not know how an estimate was made.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pathway.definition.trials import Flag, Published, Target, Trial
from pathway.validation.estimators import Estimate

Z = 1.959963984540054
NEAR = 2.0
"""Half-widths of the published interval within which a miss is near."""
WANTED_INSIDE = 0.70
"""Share of rows that were not calibrated to that should lie inside."""
NOISE = 2.0
"""Simulation errors from a limit of the interval within which the verdict might change with more patients."""
INDEPENDENT: tuple[Flag, ...] = ("D", "Hs", "H")
FLAG_WORDS: dict[str, str] = {
    "C": "calibrated to: shows that the code is right",
    "D": "looked at when structures were chosen",
    "Hs": "same patients supplied another number: a weak check",
    "H": "not used at all",
}


class Verdict(StrEnum):
    """Where the simulated value lies."""

    INSIDE = "inside"
    NEAR = "near miss"
    FAR = "far miss"
    UNJUDGED = "no interval"
    NOTHING = "not estimable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One target, met or missed.

    Attributes
    ----------
    simulated
        Estimate from the simulated patients; its error is that of the simulation.
    low, high
        95 % interval that a trial of the published size would have had around the simulated value; NaN where the size is not known.
    """

    trial: str
    target: Target
    published: Published
    simulated: Estimate
    low: float
    high: float

    @property
    def is_ratio(self) -> bool:
        """Is it compared on the log scale?"""
        return self.published.unit == "ratio" and self.published.value > 0.0 and (math.isnan(self.published.low) or self.published.low > 0.0)

    def _scaled(self, x: float) -> float:
        return (math.log(x) if x > 0.0 else math.nan) if self.is_ratio else x

    @property
    def distance(self) -> float:
        """Distance from the published value in half-widths of its interval on that side; NaN without an interval."""
        value, found = self._scaled(self.published.value), self._scaled(self.simulated.value)
        limit = self._scaled(self.published.high if found >= value else self.published.low)
        width = abs(limit - value)
        if not math.isfinite(width) or not math.isfinite(found):
            return math.nan
        return abs(found - value) / width if width > 0.0 else (0.0 if found == value else math.inf)

    @property
    def standardised(self) -> float:
        """(simulated - published) over the published standard error (interval / 3.92), on the log scale for ratios."""
        error = (self._scaled(self.published.high) - self._scaled(self.published.low)) / (2.0 * Z)
        return (self._scaled(self.simulated.value) - self._scaled(self.published.value)) / error if error > 0.0 else math.nan

    @property
    def overlap(self) -> float:
        """Shared length of the published interval and that of a simulated trial of its size, as a share of the shorter one."""
        shared = min(self.published.high, self.high) - max(self.published.low, self.low)
        shorter = min(self.published.high - self.published.low, self.high - self.low)
        return max(shared, 0.0) / shorter if shorter > 0.0 else math.nan

    @property
    def verdict(self) -> Verdict:
        """Inside the interval, within twice its half-width, or farther."""
        if not math.isfinite(self.simulated.value):
            return Verdict.NOTHING
        if math.isnan(self.distance):
            return Verdict.UNJUDGED
        return Verdict.INSIDE if self.distance <= 1.0 else Verdict.NEAR if self.distance <= NEAR else Verdict.FAR

    @property
    def is_unsure(self) -> bool:
        """Might more simulated patients change the verdict?"""
        limits = (self.published.low, self.published.high)
        return any(abs(self.simulated.value - limit) < NOISE * self.simulated.error for limit in limits if math.isfinite(limit))


def compare(trial: Trial, target: Target, simulated: Estimate) -> Comparison:
    """Set an estimate beside what was published."""
    low = high = math.nan
    sizes = [target.size] if target.size else [trial.document.arms[name].size for name in (target.arm, target.versus) if name is not None]
    known = [size for size in sizes if size is not None]
    if known and simulated.size > 0 and math.isfinite(simulated.error):
        error = simulated.error * math.sqrt(simulated.size / min(known))
        if trial.published[target.id].unit == "ratio" and simulated.value > 0.0:
            factor = math.exp(Z * error / simulated.value)
            low, high = simulated.value / factor, simulated.value * factor
        else:
            low, high = simulated.value - Z * error, simulated.value + Z * error
            if trial.published[target.id].unit in ("fraction", "per year") and target.versus is None and target.versus_among is None:
                low, high = max(low, 0.0), (min(high, 1.0) if trial.published[target.id].unit == "fraction" else high)
    return Comparison(trial=trial.document.label, target=target, published=trial.published[target.id], simulated=simulated, low=low, high=high)


def misses_first(rows: Sequence[Comparison]) -> list[Comparison]:
    """Order for reading: calibrated misses, other misses by distance, what could not be told, then what lies inside."""

    def rank(row: Comparison) -> tuple[int, int, float]:
        order = {Verdict.FAR: 0, Verdict.NEAR: 0, Verdict.NOTHING: 0, Verdict.INSIDE: 2, Verdict.UNJUDGED: 1}[row.verdict]
        far = row.distance if math.isfinite(row.distance) else 0.0
        return (order, 0 if order == 0 and row.target.flag == "C" else 1, -far)

    return sorted(rows, key=rank)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """How many of which rows lie inside.

    Attributes
    ----------
    unexplained
        Independent rows farther than twice the half-width for which no reason is given.
    """

    calibrated: int
    calibrated_inside: int
    independent: int
    independent_inside: int
    far: int
    unexplained: tuple[str, ...]

    @property
    def is_calibrated(self) -> bool:
        """Do all rows that were calibrated to lie inside?"""
        return self.calibrated == self.calibrated_inside

    @property
    def meets_goal(self) -> bool:
        """Calibrated rows all inside; of the others at least 70 %, and far misses explained."""
        enough = self.independent == 0 or self.independent_inside >= WANTED_INSIDE * self.independent
        return self.is_calibrated and enough and not self.unexplained


def summarise(rows: Sequence[Comparison]) -> Summary:
    """Count rows that can be judged; calibrated and independent ones apart."""
    judged = [row for row in rows if row.verdict is not Verdict.UNJUDGED]
    calibrated = [row for row in judged if row.target.flag == "C"]
    others = [row for row in judged if row.target.flag != "C"]
    far = [row for row in others if row.verdict in (Verdict.FAR, Verdict.NOTHING)]
    return Summary(
        calibrated=len(calibrated),
        calibrated_inside=sum(row.verdict is Verdict.INSIDE for row in calibrated),
        independent=len(others),
        independent_inside=sum(row.verdict is Verdict.INSIDE for row in others),
        far=len(far),
        unexplained=tuple(f"{row.trial}: {row.target.label}" for row in far if not row.target.explanation),
    )
