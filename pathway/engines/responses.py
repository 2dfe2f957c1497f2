"""How well each treatment works in one patient, and what its courses have moved (rule 6, responses).

A response is drawn once for a patient and a treatment. Its amounts are fixed as a course begins and spent by the phases of effect rows;
what a course reached is what may be given back after it. This module must not know where a marker's line runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

from pathway import kernels
from pathway.engines.record import Record
from pathway.program import EffectKind, EffectSpec, Phases, Program


def along(curve: Sequence[tuple[float, float]], x: float) -> float:
    """Value of a curve of straight pieces at ``x``; held beyond its ends.

    Examples
    --------
    >>> round(along([(0.0, 0.2), (1.0, 0.7)], 0.5), 12)
    0.45
    """
    before, value = curve[0]
    if x <= before:
        return value
    for after, reaches in curve[1:]:
        if x < after:
            return value + (reaches - value) * ((x - before) / (after - before))
        before, value = after, reaches
    return value


def reached(shares: Phases, years: float) -> float:
    """Integral of a rate by phase over the first ``years`` of its clock (infinite years: the last rate is 0).

    Examples
    --------
    >>> reached(Phases(values=(3.2, 0.8, 0.0), edges=(0.25, 0.5, inf)), 0.375)
    0.9
    """
    total = start = 0.0
    for rate, edge in zip(shares.values, shares.edges, strict=True):
        if years <= edge:
            return total + rate * (years - start) if rate != 0.0 else total
        total = total + rate * (edge - start)
        start = edge
    return total


class Responses:
    """Improvements and amounts of one patient, by treatment and marker."""

    __slots__ = ("_amounts", "_carried", "_effects", "_gained", "_key", "_lowest", "_record", "_specs", "improvement", "over_since")

    def __init__(self, program: Program, record: Record, key: tuple[int, int, int], effects: Sequence[EffectSpec]) -> None:
        self._record = record
        self._key = key
        self._effects = effects
        self._specs = {spec.treatment: spec for spec in program.responses}
        self._lowest = [max(marker.lower, 0.0) for marker in program.markers]
        self.improvement = [0.0] * len(program.treatments)
        self._amounts = [[0.0] * len(program.markers) for _ in program.treatments]
        self._gained = [[0.0] * len(program.markers) for _ in program.treatments]
        self._carried = [[0.0] * len(program.markers) for _ in program.treatments]
        self.over_since = [inf] * len(program.treatments)

    def begin(self, treatment: int, time: float, shown: Sequence[float], is_met: Callable[[int], bool], after: int = -1) -> None:
        """Draw how well a treatment works as its course begins; the record is still as it was before.

        Parameters
        ----------
        treatment, time
            Whose course begins, and when.
        shown : shape (markers,)
            True values at that time.
        is_met
            Answers a rule.
        after
            The treatment it was exchanged for, just stopped; -1: none.
        """
        spec = self._specs.get(treatment)
        if spec is None:
            return
        former = self._specs.get(after)
        is_same = former is not None and former.stream == spec.stream
        if is_same and self.over_since[after] < time:
            self._stay_lost(treatment, after)
            return
        level, factor = spec.level, 1.0
        for rule, shift in spec.shifts:
            if is_met(rule):
                level = level + shift
        for rule, share_of_courses in spec.factors:
            if is_met(rule):
                factor = factor * share_of_courses
        latent = kernels.improvement(level, spec.sd, factor, kernels.uniform(*self._key, spec.stream, 0))
        improved = along(spec.curve, latent)
        self.improvement[treatment] = improved
        for share in spec.shares:
            marker = share.marker
            held = 0.0
            if is_same:
                held = self._gained[after][marker]
                self._gained[after][marker] = 0.0
            amount = improved
            if share.noise_sd > 0.0:
                amount = amount + share.noise_sd * kernels.normal(*self._key, share.stream, 0)
            amount = share.direct + share.weight * amount
            if share.is_relative:
                value = shown[marker] + self._to_give_back(marker, time) + held
                amount = min(amount * value, value - self._lowest[marker])
            self._amounts[treatment][marker] = amount - held
            self._carried[treatment][marker] = held
        self.over_since[treatment] = inf

    def _stay_lost(self, treatment: int, after: int) -> None:
        """A response that was lost before the exchange stays lost after it, and goes on being given back."""
        self.improvement[treatment] = 0.0
        self._amounts[treatment] = [0.0] * len(self._amounts[treatment])
        self._gained[treatment] = self._gained[after]
        self._gained[after] = [0.0] * len(self._gained[after])
        self.over_since[treatment] = self.over_since[after]

    def end(self, treatment: int, time: float) -> None:
        """Note what a course reached as its response is over; the record still holds it. One that is over already stays so."""
        if treatment not in self._specs or self.over_since[treatment] < inf:
            return
        years = time - self._record.start[treatment]
        for effect in self._effects:
            if effect.kind is EffectKind.RESPONSE and effect.clock.treatment == treatment:
                marker = effect.marker
                self._gained[treatment][marker] = self._carried[treatment][marker] + self._amounts[treatment][marker] * reached(effect.per_year, years)
        self.over_since[treatment] = time

    def lose(self, treatment: int, time: float) -> None:
        """The response of a course that goes on is over."""
        self.end(treatment, time)
        self.improvement[treatment] = 0.0
        self._amounts[treatment] = [0.0] * len(self._amounts[treatment])

    def amount(self, effect: EffectSpec) -> float:
        """What the phases of a response or rebound row multiply, shown units."""
        treatment = effect.clock.treatment
        if effect.kind is EffectKind.RESPONSE:
            return -self._amounts[treatment][effect.marker]
        return self._gained[treatment][effect.marker]

    def _to_give_back(self, marker: int, time: float) -> float:
        """What responses that are over have yet to give back of a marker."""
        total = 0.0
        for effect in self._effects:
            treatment = effect.clock.treatment
            if effect.kind is not EffectKind.REBOUND or effect.marker != marker or self.over_since[treatment] == inf:
                continue
            gained = self._gained[treatment][marker]
            if gained != 0.0:
                years = time - self.over_since[treatment]
                total = total + gained * (reached(effect.per_year, inf) - reached(effect.per_year, years))
        return total
