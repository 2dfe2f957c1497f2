"""The true course of a patient: markers that run straight between knots, and hazards that spend budgets (rules 3 to 6).

A segment starts at a knot (:meth:`Body.cut`) and ends at the next. Inside it every marker is a straight line and every hazard is
``level * exp(slope * s)``, so when something fires is a closed form. Registers (state, regimen, flags ...) are read from the
:class:`pathway.engines.record.Record` and the state number passed in; they may change only after :meth:`Body.advance`.
This module must not know what firing means.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

from pathway import kernels
from pathway.engines.record import Record
from pathway.engines.responses import Responses
from pathway.program import Clock, ClockKind, Dose, EffectKind, EffectSpec, Form, Phases, Program, TransitionSpec, Turn


@dataclass(slots=True)
class Sums:
    """What effects of one kind of units do to a marker in a year."""

    drift: float = 0.0
    difference: float = 0.0
    gain: float = 0.0


@dataclass(slots=True)
class Rates:
    """What the effects in force do to a marker in a year, in shown and in native units; the product of the ratios; and whether any drift is native."""

    shown: Sums = field(default_factory=Sums)
    native: Sums = field(default_factory=Sums)
    ratio: float = 1.0
    has_native_drift: bool = False

    def add(self, effect: EffectSpec, value: float) -> None:
        """Add an effect."""
        sums = self.native if effect.native else self.shown
        if effect.kind is EffectKind.RATIO:
            self.ratio *= value
        elif effect.kind in (EffectKind.GAIN, EffectKind.RESPONSE, EffectKind.REBOUND):
            sums.gain += value
        elif effect.kind is EffectKind.DIFFERENCE:
            sums.difference += value
        else:
            sums.drift += value
            self.has_native_drift = self.has_native_drift or effect.native


Fire = tuple[float, int, int]
"""Time, turn (absorbing or timed) and number of the transition."""


def predicted(program: Program, reference: int, is_female: int, factor: float, age: float) -> float:
    """Denominator of a marker for this patient at this age, native units."""
    spec = program.references[reference]
    return factor * float(kernels.table_value(spec.tables[is_female], 0, len(spec.tables[is_female]), spec.first_age, spec.step, age))


class Body:
    """True markers and budgets of one patient."""

    __slots__ = (
        "_active", "_constants", "_edge", "_effects", "_factors", "_female", "_fixed_fires", "_grid_values", "_innovation", "_integrals", "_is_gridded", "_key",
        "_level", "_personal", "_slope", "_transitions", "_units", "age", "budget", "course_count", "course_line", "draws",
        "entry_shown", "fires", "grid_index", "native", "native_slope", "program", "record", "responses", "shown", "shown_slope", "start", "state",
    )  # fmt: skip

    def __init__(self, program: Program, record: Record, key: tuple[int, int, int]) -> None:
        self.program = program
        self.record = record
        self._key = key
        covariates = record.covariates
        self.age = record.age if record.age == record.age else 0.0
        self._female = int(covariates[program.female]) if program.female >= 0 else 1
        self.state = program.start_state
        self._is_gridded = program.is_gridded
        self.start = 0.0
        self.course_count = [0] * len(program.treatments)
        self.course_line = [0] * len(program.treatments)
        self._effects = [e for e in program.effects if all(covariates[c] == v for c, v in e.where)]
        self._transitions = [
            (number, t) for number, t in enumerate(program.transitions) if all(covariates[c] == v for c, v in t.where)
        ]
        self._constants = {
            number: sum(gamma * (covariates[c] - reference) for c, gamma, reference in t.covariate_terms) for number, t in self._transitions
        }
        self.draws = [0] * len(program.transitions)
        self.budget = [0.0] * len(program.transitions)
        self.responses = Responses(program, record, key, self._effects)
        self._active: dict[int, None] = {}
        self._integrals: list[tuple[int, float, float, float]] = []
        self.fires: list[Fire] = []
        self._fixed_fires: list[Fire] = []
        for number, spec in self._transitions:
            if spec.treatment < 0:
                self.renew(number, 0)
            if spec.is_invariant:
                self._fixed_fires.append((self._invert_once(number, spec), self._turn(spec), number))
        self.grid_index = 0
        self._factors: list[float] = []
        self._units: list[float] = []
        self._personal: list[float] = []
        self._innovation: list[tuple[float, float]] = []
        self.native: list[float] = []
        self.shown: list[float] = []
        for marker in program.markers:
            factor = covariates[marker.factor] if marker.factor >= 0 else 1.0
            self._factors.append(factor)
            self.shown.append(covariates[marker.baseline])
            unit = self._unit(len(self.shown) - 1, 0.0)
            self._units.append(unit)
            self.native.append(covariates[marker.baseline] * unit)
            self._personal.append(
                marker.personal_slope_sd * kernels.normal(*key, marker.slope_stream, 0) if marker.personal_slope_sd > 0.0 else 0.0
            )
            self._innovation.append((0.0, self._walk(len(self.shown) - 1, 0.0, 0)))
        self.entry_shown = list(self.shown)
        self._grid_values: list[list[float]] = [list(self.shown)]
        self.native_slope = [0.0] * len(program.markers)
        self.shown_slope = [0.0] * len(program.markers)
        self._edge = inf

    # --- budgets ------------------------------------------------------------------------------------------------

    def renew(self, number: int, index: int) -> None:
        """Draw the budget of a transition; ``index`` is the occurrence (or the number of the course)."""
        self.draws[number] = index
        self.budget[number] = kernels.exponential(*self._key, self.program.transitions[number].stream, index)

    def renew_course(self, treatment: int) -> None:
        """Draw the budgets that belong to a new course of ``treatment``."""
        for number, spec in self._transitions:
            if spec.treatment == treatment:
                self.renew(number, self.course_count[treatment] - 1)

    def renew_fired(self, number: int) -> None:
        """Draw the next budget of a transition that has fired; one of a treatment waits for the next course."""
        if self.program.transitions[number].treatment < 0:
            self.renew(number, self.draws[number] + 1)
        else:
            self.budget[number] = inf

    def _invert_once(self, number: int, spec: TransitionSpec) -> float:
        factor = kernels.exp(self._constants[number])
        begin = -self._clock_start(spec.clock)
        need = self.budget[number]
        if spec.form is Form.TABLE:
            hazards = self.program.life_tables[spec.table].tables[self._female]
            return float(kernels.table_inverse(hazards, 0, len(hazards), begin, need / factor)) if factor > 0.0 else inf
        if spec.form is Form.WEIBULL:
            return float(kernels.weibull_inverse(spec.shape, spec.scale, begin, factor, need))
        if spec.form is Form.GOMPERTZ:
            return float(kernels.hazard_inverse(factor * spec.level * kernels.exp(spec.slope * begin), spec.slope, need))
        time = 0.0
        for value, edge in zip(spec.rates.values, spec.rates.edges, strict=True):
            end = edge - begin
            if end <= time:
                continue
            spent = factor * value * (end - time) if end < inf else inf
            if factor * value > 0.0 and spent >= need:
                return time + need / (factor * value)
            if end == inf:
                break
            need -= spent
            time = end
        return inf

    # --- clocks and phases --------------------------------------------------------------------------------------

    def _clock_start(self, clock: Clock) -> float:
        """Time at which the clock stood at zero; infinite if it does not run."""
        kind = clock.kind
        if kind is ClockKind.ENTRY:
            return 0.0
        if kind is ClockKind.LINE:
            return self.record.line_start
        if kind is ClockKind.AGE:
            return -self.age
        if kind is ClockKind.ONSET:
            return -self.record.onset
        is_on = self.record.regimen >> clock.treatment & 1
        if kind is ClockKind.COURSE:
            return self.record.start[clock.treatment] if is_on else inf
        return inf if is_on else self.record.stop[clock.treatment]

    def _phase(self, phases: Phases, start: float, time: float) -> float:
        """Value in force at ``time``; notes the next edge as a knot."""
        for value, edge in zip(phases.values, phases.edges, strict=True):
            end = start + edge
            if time < end:
                self._edge = min(self._edge, end)
                return value
        return phases.values[-1]

    # --- markers ------------------------------------------------------------------------------------------------

    def _unit(self, marker: int, time: float) -> float:
        """Native units in one shown unit at ``time`` (mL in one point)."""
        spec = self.program.markers[marker]
        if spec.reference < 0:
            return 1.0
        return predicted(self.program, spec.reference, self._female, self._factors[marker], self.age + time) / 100.0

    def _walk(self, marker: int, previous: float, index: int) -> float:
        spec = self.program.markers[marker]
        if spec.walk_sd == 0.0:
            return 0.0
        draw = kernels.student4 if spec.walk_heavy else kernels.normal
        return spec.walk_keep * previous + spec.walk_sd * draw(*self._key, spec.walk_stream, index)

    def shown_at(self, marker: int, time: float) -> float:
        """True value in shown units at a time of the present segment."""
        return self.shown[marker] + self.shown_slope[marker] * (time - self.start)

    def native_at(self, marker: int, time: float) -> float:
        """True value in native units at a time of the present segment."""
        return self.native[marker] + self.native_slope[marker] * (time - self.start)

    def unit_at(self, marker: int, time: float) -> float:
        """Native units in one shown unit at ``time``."""
        return self._unit(marker, time)

    def change_over(self, marker: int, time: float, window: float) -> float:
        """True change over about ``window`` years: now against the grid point at or before then (or entry)."""
        index = max(int((time - window) / self.program.grid), 0)
        return self.shown_at(marker, time) - self._grid_values[min(index, len(self._grid_values) - 1)][marker]

    def jump(self, marker: int, change: float) -> None:
        """Move a marker by ``change`` shown units, within its bounds. Only at a knot."""
        spec = self.program.markers[marker]
        self.shown[marker] = min(max(self.shown[marker] + change, spec.lower), spec.upper)
        self.native[marker] = self.shown[marker] * self._units[marker]

    def _rates_in_force(self, time: float) -> list[Rates]:
        """What the effect rows in force do to each marker in a year."""
        record = self.record
        regimen = record.regimen
        found = [Rates() for _ in self.program.markers]
        for effect in self._effects:
            needs = effect.needs
            if effect.clock.kind is ClockKind.COURSE_END:
                needs &= ~(1 << effect.clock.treatment)
            if needs & ~regimen or effect.without & regimen:
                continue
            if effect.lines and not effect.lines >> self.course_line[effect.first_treatment] & 1:
                continue
            if effect.dose is not Dose.ANY and record.reduced >> effect.first_treatment & 1 != effect.dose:
                continue
            start = self.responses.over_since[effect.clock.treatment] if effect.kind is EffectKind.REBOUND else self._clock_start(effect.clock)
            if start == inf:
                continue
            if effect.kind in (EffectKind.RESPONSE, EffectKind.REBOUND):
                amount = self.responses.amount(effect)
                if amount != 0.0:
                    found[effect.marker].add(effect, amount * self._phase(effect.per_year, start, time))
            else:
                found[effect.marker].add(effect, self._phase(effect.per_year, start, time))
        return found

    def _project(self, marker: int, rates: Rates, end: float) -> float:
        """Set the straight line of a marker from the segment's start to ``end`` (rule 6); tell when it meets a bound that clips it there."""
        spec = self.program.markers[marker]
        years = end - self.start
        if years <= 0.0:
            self.native_slope[marker] = self.shown_slope[marker] = 0.0
            return inf
        unit = self._units[marker]
        unit_end = self._unit(marker, end)
        begin = self.native[marker]
        aged = begin * unit_end / unit
        scaled = years * unit_end
        drift = rates.native.drift * years + rates.shown.drift * scaled
        if rates.has_native_drift:
            drift = drift - (aged - begin)
        displaced = drift + (rates.native.difference * years + rates.shown.difference * scaled)
        if spec.ageing_ceiling:
            displaced = min(displaced, max(drift, 0.0))
        if displaced < 0.0:
            displaced = displaced * rates.ratio
        gain = rates.native.gain * years + rates.shown.gain * scaled
        before, after = self._innovation[marker]
        moved = self._personal[marker] * years + (after - before) * (years / self.program.grid)
        native_end = aged + displaced + gain + moved * unit_end
        shown_end = native_end / unit_end
        met = inf
        if shown_end < spec.lower or shown_end > spec.upper:
            bound = spec.lower if shown_end < spec.lower else spec.upper
            met = self.start + kernels.bound_met(self.shown[marker], shown_end, bound, years)
            shown_end = bound
            native_end = shown_end * unit_end
        self.native_slope[marker] = (native_end - begin) / years
        self.shown_slope[marker] = (shown_end - self.shown[marker]) / years
        return met

    # --- segments -----------------------------------------------------------------------------------------------

    def knot(self, time: float) -> None:
        """Pass a knot: at a grid point the next innovation is drawn."""
        if self._is_gridded and time == (self.grid_index + 1) * self.program.grid:
            self.grid_index += 1
            for marker, (_, after) in enumerate(self._innovation):
                self._innovation[marker] = (after, self._walk(marker, after, self.grid_index))
            self._grid_values.append([self.shown_at(m, time) for m in range(len(self.shown))])

    def advance(self, time: float, fired: int = -1) -> None:
        """Close the segment at ``time``: spend budgets (not that of ``fired``) and move the markers there."""
        years = time - self.start
        for number, level, slope, whole in self._integrals:
            if number != fired:
                spec = self.program.transitions[number]
                if spec.form is Form.WEIBULL:
                    spent = kernels.weibull_integral(spec.shape, spec.scale, slope, years, level)
                elif time == self._edge:
                    spent = whole
                else:
                    spent = kernels.hazard_integral(level, slope, years)
                left = self.budget[number] - spent
                self.budget[number] = left if left > 0.0 else 0.0
        for marker in range(len(self.native)):
            self.native[marker] += self.native_slope[marker] * years
            self._units[marker] = self._unit(marker, time)
            self.shown[marker] = self.native[marker] / self._units[marker]
        self.start = time
        self._integrals = []

    def cut(self, time: float) -> None:
        """Start a segment at a knot: straight lines and firing times up to the next knot."""
        self.start = time
        self._edge = self.program.horizon
        if self._is_gridded:
            self._edge = min((self.grid_index + 1) * self.program.grid, self._edge)
        in_force = self._rates_in_force(time)
        active = [(number, spec) for number, spec in self._transitions if not spec.is_invariant and self._is_active(spec)]
        levels = [self._baseline(spec, time) for _, spec in active]
        met = min((self._project(marker, rates, self._edge) for marker, rates in enumerate(in_force)), default=inf)
        if time < met < self._edge and not self._is_gridded:
            self._edge = met
            for marker, rates in enumerate(in_force):
                self._project(marker, rates, met)
        years = self._edge - time
        self.fires = list(self._fixed_fires)
        self._integrals = []
        was_active = self._active
        self._active = {number: None for number, _ in active}
        for (number, spec), base in zip(active, levels, strict=True):
            if spec.reset and spec.treatment < 0 and number not in was_active and time > 0.0:
                self.renew(number, self.draws[number] + 1)
            self._arm(number, spec, base, years)

    def next_knot(self) -> float:
        """Time of the next knot that no event causes."""
        return self._edge

    def _is_active(self, spec: TransitionSpec) -> bool:
        record = self.record
        return not (
            not spec.sources >> self.state & 1
            or (spec.treatment >= 0 and not record.regimen >> spec.treatment & 1)
            or (spec.requires_flag >= 0 and not record.flags >> spec.requires_flag & 1)
            or (spec.forbids_flag >= 0 and record.flags >> spec.forbids_flag & 1)
            or (spec.requires_condition >= 0 and record.condition != spec.requires_condition)
            or (spec.forbids_condition and record.condition >= 0)
            or (spec.requires_regimen and record.regimen == 0)
            or self._clock_start(spec.clock) == inf
        )

    def _baseline(self, spec: TransitionSpec, time: float) -> float:
        """Baseline at the start of the segment, before factors; for Weibull the scale factor is applied later."""
        if spec.form is Form.STEPS:
            return self._phase(spec.rates, self._clock_start(spec.clock), time)
        if spec.form is Form.GOMPERTZ:
            return spec.level * kernels.exp(spec.slope * (time - self._clock_start(spec.clock)))
        return 1.0

    def _arm(self, number: int, spec: TransitionSpec, base: float, years: float) -> None:
        """Find when a transition fires in this segment, if it does."""
        if base <= 0.0:
            return
        record = self.record
        exponent = self._constants[number]
        slope = spec.slope if spec.form is Form.GOMPERTZ else 0.0
        for treatment, gamma in spec.treatment_terms:
            if record.regimen >> treatment & 1:
                exponent = exponent + gamma
        for flag, gamma in spec.flag_terms:
            if record.flags >> flag & 1:
                exponent = exponent + gamma
        for condition, gamma in spec.condition_terms:
            if record.condition == condition:
                exponent = exponent + gamma
        for treatment, gamma, reference in spec.response_terms:
            if record.regimen >> treatment & 1:
                exponent = exponent + gamma * (self.responses.improvement[treatment] - reference)
        for marker, beta, reference in spec.marker_terms:
            exponent = exponent + beta * (self.shown[marker] - reference)
            slope = slope + beta * self.shown_slope[marker]
        level = base * kernels.exp(exponent) if exponent != 0.0 else base
        budget = self.budget[number]
        if spec.form is Form.WEIBULL:
            begin = self.start - self._clock_start(spec.clock)
            whole = kernels.weibull_integral(spec.shape, spec.scale, begin, years, level)
            after = kernels.weibull_inverse(spec.shape, spec.scale, begin, level, budget) if whole >= budget else inf
            self._integrals.append((number, level, begin, whole))
        else:
            whole = kernels.hazard_integral(level, slope, years)
            after = kernels.hazard_inverse(level, slope, budget) if whole >= budget else inf
            self._integrals.append((number, level, slope, whole))
        if after < inf:
            self.fires.append((min(self.start + after, self._edge), self._turn(spec), number))

    def _turn(self, spec: TransitionSpec) -> int:
        return int(Turn.ABSORBING if spec.to >= 0 and self.program.absorbing >> spec.to & 1 else Turn.TIMED)
