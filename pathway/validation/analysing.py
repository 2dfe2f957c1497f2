"""From what a trial saw to the number that its paper prints, target by target.

Quantities are those of :data:`pathway.definition.trials.QUANTITIES`. This module must not know a disease or what was published.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pathway.definition.trials import Improvement, Subgroup, Target, Trial, years_of
from pathway.economics import ledger as ledgers
from pathway.economics.valuation import terms_of, value
from pathway.program import INFINITY
from pathway.validation import estimators
from pathway.validation.estimators import NOTHING, Estimate, Floats, RepeatedMeasures
from pathway.validation.observing import Bools, Measured, Observed, in_bounds, within
from pathway.validation.running import ArmRun

CONTRASTS: dict[str, Callable[[Estimate, Estimate], Estimate]] = {
    "difference": estimators.difference,
    "ratio": estimators.ratio,
    "odds_ratio": estimators.odds_ratio,
    "hazard_ratio": estimators.hazard_ratio,
}
AT_ENTRY = 0
SAME_VISIT = 1e-6
"""Years: a failure is dated a moment after the visit that showed it."""


class Analysis:
    """One trial, analysed; what several targets share is computed once."""

    def __init__(self, trial: Trial, runs: dict[str, ArmRun], run_again: Callable[[str, float], ArmRun] | None = None) -> None:
        self.trial = trial
        self.arms = {name: Observed(run, trial.document.dropout) for name, run in runs.items()}
        self._run_again = run_again
        self._fits: dict[tuple[object, ...], RepeatedMeasures] = {}

    def estimate(self, target: Target) -> Estimate:
        """Estimate of a target from the simulated trial, its standard error that of a trial as large as the simulated one."""
        if target.mix:
            return self._mixed(target)
        arms, groups = self._groups(target)
        if len(groups) == 1:
            return self._single(target, arms[0], groups[0])
        if target.estimator == "adjusted" and target.quantity == "change":
            return self._adjusted(target, arms, groups)
        one, other = (self._single(target, arm, group) for arm, group in zip(arms, groups, strict=True))
        return CONTRASTS[target.contrast](one, other)

    def _mixed(self, target: Target) -> Estimate:
        """A population that is a mix of arms, each by its share."""
        parts = [(share_of, self._single(target, name, within(self.arms[name].run.cohort, target.among))) for name, share_of in target.mix.items()]
        return estimators.mixture(parts)

    def _groups(self, target: Target) -> tuple[list[str], list[Bools]]:
        """Arms and the patients of each that are analysed: one group, or two that are compared."""
        names = [target.arm]
        among: list[Subgroup | None] = [target.among]
        if target.versus is not None or target.versus_among is not None:
            names.append(target.versus or target.arm)
            among.append(target.versus_among or target.among)
        return names, [within(self.arms[name].run.cohort, one) for name, one in zip(names, among, strict=True)]

    def _single(self, target: Target, name: str, group: Bools) -> Estimate:
        makers: dict[str, Callable[[Target, Observed, Bools], Estimate]] = {
            "slope": self._slope, "change": self._change, "sd_of_change": self._deviation, "share_by_change": self._share_by_change,
            "correlation_of_changes": self._correlation, "level": self._level, "share_by_level": self._share_by_level, "share_responding": self._share_responding,
            "share_keeping": self._share_keeping, "dead": self._dead, "on_treatment": self._on_treatment, "median_on_treatment": self._median_on_treatment, "stopped": self._stopped,
            "share_taking": self._share_taking, "completed": self._completed, "failed": self._failed, "events_per_year": self._event_rate, "share_with_event": self._event_share,
            "cost_per_year": self._cost,
        }  # fmt: skip
        return makers[target.quantity](target, self.arms[name], group)

    # --- markers ------------------------------------------------------------------------------------------------

    def _table(self, target: Target, arm: Observed) -> tuple[Measured, Floats]:
        """Measured values in the target's scale, shape (patients, visits)."""
        assert target.marker is not None
        found = arm.measured(target.marker)
        if target.scale == "shown":
            return found, found.shown
        if target.scale == "native":
            return found, found.native
        healthy = np.column_stack([arm.predicted(target.marker, time) for time in found.times])
        return found, found.native - healthy

    def _visit(self, found: Measured, duration: str | None) -> int:
        """Column of a visit; that at entry when no time is given."""
        return AT_ENTRY if duration is None else int(np.argmin(np.abs(found.times - years_of(duration))))

    def _changes(self, target: Target, arm: Observed, group: Bools) -> Floats:
        """Change of each patient of a group, NaN where not seen; the worst earlier value stands in where the target says so."""
        found, table = self._table(target, arm)
        start, end = self._visit(found, target.since), self._visit(found, target.at)
        last = table[:, end]
        if target.missing == "worst_carried":
            with np.errstate(invalid="ignore"):
                earlier = np.where(np.isnan(table[:, start + 1 : end]), INFINITY, table[:, start + 1 : end]).min(axis=1, initial=INFINITY)
            last = np.where(np.isnan(last) & np.isfinite(earlier), earlier, last)
        change = last - table[:, start]
        if target.relative:
            change = 100.0 * change / table[:, start]
        return np.where(group, change, np.nan)

    def _slope(self, target: Target, arm: Observed, group: Bools) -> Estimate:
        found, table = self._table(target, arm)
        last = self._visit(found, target.at)
        return estimators.random_slope(table[group, : last + 1], found.times[: last + 1])

    def _change(self, target: Target, arm: Observed, group: Bools) -> Estimate:
        if target.estimator != "mixed_model" or target.since is not None:
            return estimators.mean(self._changes(target, arm, group))
        found, _ = self._table(target, arm)
        last = self._visit(found, target.at)
        names = list(dict.fromkeys([target.arm, *([target.versus] if target.versus else [])]))
        fit = self._fit(target, names, last)
        return fit.at(names.index(arm.run.name), last)

    def _fit(self, target: Target, names: list[str], last: int) -> RepeatedMeasures:
        """Mixed model of the arms that a target compares, up to its visit."""
        key = (tuple(names), target.marker, target.scale, last, repr(target.among))
        if key not in self._fits:
            groups = []
            for name in names:
                _, table = self._table(target, self.arms[name])
                groups.append(table[within(self.arms[name].run.cohort, target.among), : last + 1])
            self._fits[key] = estimators.repeated_measures(groups)
        return self._fits[key]

    def _adjusted(self, target: Target, names: list[str], groups: list[Bools]) -> Estimate:
        changes, entries, treated = [], [], []
        for number, (name, group) in enumerate(zip(names, groups, strict=True)):
            found, table = self._table(target, self.arms[name])
            changes.append(self._changes(target, self.arms[name], group))
            entries.append(table[:, self._visit(found, target.since)])
            treated.append(np.full(group.size, number == 0))
        return estimators.adjusted_difference(np.concatenate(changes), np.concatenate(entries), np.concatenate(treated))

    def _deviation(self, target: Target, arm: Observed, group: Bools) -> Estimate:
        return estimators.deviation(self._changes(target, arm, group))

    def _share_by_change(self, target: Target, arm: Observed, group: Bools) -> Estimate:
        change = self._changes(target, arm, group)
        return estimators.share(in_bounds(change, target.bounds), self._counted(target, ~np.isnan(change), group))

    def _counted(self, target: Target, seen: Bools, group: Bools) -> Bools:
        """Who stands below the line of a share: those seen, or everybody where a missing visit is no response."""
        return group if target.missing == "no_response" else seen & group

    def _correlation(self, target: Target, arm: Observed, group: Bools) -> Estimate:
        found, table = self._table(target, arm)
        start, middle, end = (self._visit(found, when) for when in (target.since, target.middle, target.at))
        early, late = table[:, middle] - table[:, start], table[:, end] - table[:, middle]
        return estimators.correlation(np.where(group, early, np.nan), late)

    def _levels(self, target: Target, arm: Observed, group: Bools) -> Floats:
        found, table = self._table(target, arm)
        return np.where(group, table[:, self._visit(found, target.at)], np.nan)

    def _level(self, target: Target, arm: Observed, group: Bools) -> Estimate:
        return estimators.mean(self._levels(target, arm, group))

    def _share_by_level(self, target: Target, arm: Observed, group: Bools) -> Estimate:
        level = self._levels(target, arm, group)
        return estimators.share(in_bounds(level, target.bounds), self._counted(target, ~np.isnan(level), group))

    def _share_responding(self, target: Target, arm: Observed, group: Bools) -> Estimate:
        met, seen = self._responses(target, arm)
        return estimators.share(met, self._counted(target, seen, group))

    def _share_keeping(self, target: Target, arm: Observed, group: Bools) -> Estimate:
        met, seen = self._responses(target, arm)
        before, _ = self._responses(target.model_copy(update={"at": target.since}), arm)
        if target.treatment is not None:
            courses = arm.courses(self._treatment(target, arm))
            met &= courses.stop > self._until(target)
            seen |= courses.stop <= self._until(target)
        return estimators.share(met, self._counted(target, seen, group & before))

    def _responses(self, target: Target, arm: Observed) -> tuple[Bools, Bools]:
        """Who meets the target's response at its visit, and of whom it can be told."""
        assert target.response is not None
        met, seen = np.zeros(arm.size, dtype=bool), np.zeros(arm.size, dtype=bool)
        for way in self.trial.responses[target.response].ways:
            parts = [self._improved(one, target, arm) for one in way.every]
            some = [self._improved(one, target, arm) for one in way.some]
            enough = sum((part.astype(int) for part, _ in some), np.zeros(arm.size, dtype=int)) >= way.count
            met |= np.logical_and.reduce([enough, *(part for part, _ in parts)])
            seen |= np.logical_and.reduce([np.ones(arm.size, dtype=bool), *(known for _, known in (*parts, *some))])
        return met, seen

    def _improved(self, asked: Improvement, target: Target, arm: Observed) -> tuple[Bools, Bools]:
        """Who meets one condition, and of whom it can be told."""
        found = arm.measured(asked.marker)
        table, visit = found.shown, self._visit(found, target.at)
        change = table[:, visit] - table[:, AT_ENTRY]
        if asked.relative:
            with np.errstate(divide="ignore", invalid="ignore"):
                change = 100.0 * change / table[:, AT_ENTRY]
        met = np.ones(arm.size, dtype=bool)
        if asked.level is not None:
            met &= in_bounds(table[:, visit], asked.level)
        if asked.change is not None:
            met &= in_bounds(change, asked.change)
        return met, ~np.isnan(table[:, visit]) & ~np.isnan(table[:, AT_ENTRY])

    # --- time, events, money --------------------------------------------------------------------------------------

    def _until(self, target: Target) -> float:
        assert target.at is not None
        return years_of(target.at)

    def _dead(self, target: Target, arm: Observed, group: Bools) -> Estimate:
        return estimators.share(arm.died <= self._until(target), group)

    def _treatment(self, target: Target, arm: Observed) -> str:
        """The drug that is asked about in this arm."""
        name = target.treatments_by_arm.get(arm.run.name, target.treatment)
        assert name is not None
        return name

    def _on_treatment(self, target: Target, arm: Observed, group: Bools) -> Estimate:
        return estimators.still_on(*self._time_on(target, arm, group), self._until(target))

    def _median_on_treatment(self, target: Target, arm: Observed, group: Bools) -> Estimate:
        return estimators.median_on(*self._time_on(target, arm, group), self._until(target))

    def _time_on(self, target: Target, arm: Observed, group: Bools) -> tuple[Floats, Bools]:
        """Years on the first course of those who started it, and whether it ended by a stop that counts."""
        courses = arm.courses(self._treatment(target, arm))
        started = group & np.isfinite(courses.start)
        alive = np.isfinite(courses.stop) & (courses.reason != "death")
        counts = alive & (np.isin(courses.reason, target.reasons) if target.reasons else np.ones(arm.size, dtype=bool))
        counts &= courses.stop < arm.run.lost
        end = np.minimum(np.minimum(np.minimum(courses.stop, arm.run.lost), arm.died), arm.run.program.horizon)
        with np.errstate(invalid="ignore"):
            length = end - courses.start
        return length[started], counts[started]

    def _share_taking(self, target: Target, arm: Observed, group: Bools) -> Estimate:
        until = self._until(target)
        names = arm.run.program.treatments
        taken = arm.regimen_at(until)
        bits = [sum(1 << names.index(name) for name in listed) for listed in (target.any_of or names, target.none_of)]
        there = (arm.died > until) & (arm.run.lost > until)
        return estimators.share(((taken & bits[0]) > 0) & ((taken & bits[1]) == 0), there & group)

    def _stopped(self, target: Target, arm: Observed, group: Bools) -> Estimate:
        courses = arm.courses(self._treatment(target, arm))
        started = group & np.isfinite(courses.start)
        with np.errstate(invalid="ignore"):
            within_time = courses.stop - courses.start <= self._until(target)
        counts = within_time & (np.isin(courses.reason, target.reasons) if target.reasons else courses.reason != "death")
        return estimators.share(counts, started)

    def _completed(self, target: Target, arm: Observed, group: Bools) -> Estimate:
        until = self._until(target)
        there = (arm.died > until) & (arm.run.lost > until)
        for name in [target.treatment] if target.treatment else arm.run.arm.regimen or ():
            courses = arm.courses(name)
            there &= np.isfinite(courses.start) & ((courses.stop > until) | (courses.reason == "completed"))
        return estimators.share(there, group)

    def _failed(self, target: Target, arm: Observed, group: Bools) -> Estimate:
        until = self._until(target)
        return estimators.share((arm.failed <= until + SAME_VISIT) & (arm.failed < arm.died), group)

    def _event_rate(self, target: Target, arm: Observed, group: Bools) -> Estimate:
        assert target.event is not None
        who, when = arm.event_times(target.event.kind, target.event.name)
        end = np.minimum(arm.seen_until, self._until(target))
        count = int((group[who] & (when <= end[who])).sum())
        return estimators.rate(count, float(end[group].sum()), int(group.sum()))

    def _event_share(self, target: Target, arm: Observed, group: Bools) -> Estimate:
        assert target.event is not None
        who, when = arm.event_times(target.event.kind, target.event.name)
        had = np.zeros(arm.size, dtype=bool)
        had[who[when <= np.minimum(arm.seen_until[who], self._until(target))]] = True
        return estimators.share(had, group)

    def _cost(self, target: Target, arm: Observed, group: Bools) -> Estimate:
        """Mean cost over mean years; the standard error by the delta method."""
        if self._run_again is None:
            return NOTHING
        run = self._run_again(arm.run.name, self._until(target))
        book = ledgers.build(run.log, run.program, run.cohort, run.scenario.library, run.values)
        outcomes = value(book, terms_of(run.scenario, run.values))
        cost, years = outcomes.total_undiscounted[group], outcomes.life_years[group]
        per_year = float(cost.sum() / years.sum())
        error = float((cost - per_year * years).std(ddof=1) / years.mean() / np.sqrt(cost.size)) if cost.size > 1 else float("nan")
        return Estimate(value=per_year, error=error, size=int(cost.size))
