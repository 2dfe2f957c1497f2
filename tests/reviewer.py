"""What a reviewer smells first: quantities of virtual cohorts with the range outside which one must explain, not tune.

Ranges and their sources stand in ``RANGES``; the README explains every row that is out of range.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from pathway import experiment
from pathway.access.cases import cases
from pathway.access.funnel import funnel_row
from pathway.definition.documents import Candidate, Line, StrategyDefinition
from pathway.definition.scenario import Scenario
from pathway.reading import read

SCENARIO = Path(__file__).parents[1] / "scenarios" / "ssc_ild_us.toml"
ACCESS = SCENARIO.with_name("ssc_ild_access.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Smell:
    """One quantity: what it is, its range and source, and what was measured."""

    quantity: str
    low: float
    high: float
    source: str
    value: float

    @property
    def is_in_range(self) -> bool:
        """Does it need no explanation?"""
        return self.low <= self.value <= self.high


def single(*treatments: str) -> StrategyDefinition:
    """A strategy of one drug for life, after which nothing."""
    return StrategyDefinition(label=" + ".join(treatments) or "none", lines=(Line(candidates=(Candidate(regimen=treatments),)),) if treatments else ())


def replace_lines(strategy: StrategyDefinition, lines: int) -> StrategyDefinition:
    """Only the first lines of a strategy."""
    return strategy.model_copy(update={"lines": strategy.lines[:lines]})


def virtual(cohort: str, horizon: float, patients: int, **strategies: StrategyDefinition) -> experiment.Results:
    """The library's pathway on a preset cohort under given strategies."""
    base: Scenario = read(SCENARIO)
    study = base.study.model_copy(update={"cohort": cohort, "horizon": horizon, "comparator": next(iter(strategies))})
    return experiment.run(replace(base, study=study, strategies=strategies), patients=patients, workers=2)


def fvc_at(results: experiment.Results, strategy: str, year: float) -> pd.DataFrame:
    """Measured FVC (points and mL) of the living at the first visit and at ``year``, with the true change."""
    frame = results.strategies[strategy].log.frame()
    rows = frame[(frame["kind"] == "measure") & (frame["name"] == "fvc") & (frame["detail"] == "spirometry")]
    first = rows[rows["time"] == 0.0].set_index("patient")
    last = rows[rows["time"] == year].set_index("patient")
    both = first.add_suffix("_first").join(last.add_suffix("_last"), how="inner")
    return pd.DataFrame(
        {
            "points": both["measured_last"] - both["measured_first"],
            "true": both["true_last"] - both["true_first"],
            "mL": both["native_last"] - both["native_first"],
            "beyond_ageing": (both["measured_last"] - both["measured_first"]) * both["native_last"] / both["measured_last"],
        }
    ).dropna()  # fmt: skip


def marker_change(results: experiment.Results, strategy: str, marker: str, year: float) -> float:
    """Mean true change of a marker in the living at ``year``; markers run straight between knots."""
    path = results.strategies[strategy].log.path_frame()
    changes = [
        float(np.interp(year, history["time"], history[marker])) - float(history[marker].iloc[0])
        for _, history in path.groupby("patient")
        if history["time"].iloc[-1] >= year
    ]
    return float(np.mean(changes))


def deaths_per_100(results: experiment.Results, strategy: str) -> float:
    """Deaths per 100 patient-years."""
    frame = results.strategies[strategy].log.frame()
    years = results.strategies[strategy].outcomes.life_years.sum()
    return float(100.0 * ((frame["kind"] == "move") & (frame["state"] == "dead")).sum() / years)


def events_per_100(results: experiment.Results, strategy: str, kind: str, name: str) -> float:
    """Log rows of a kind and name per 100 patient-years."""
    frame = results.strategies[strategy].log.frame()
    return float(100.0 * ((frame["kind"] == kind) & (frame["name"] == name)).sum() / results.strategies[strategy].outcomes.life_years.sum())


def dead_share(results: experiment.Results, strategy: str, year: float) -> float:
    """Percent dead by ``year``."""
    frame = results.strategies[strategy].log.frame()
    dead = frame[(frame["kind"] == "move") & (frame["state"] == "dead") & (frame["time"] <= year)]["patient"].nunique()
    return 100.0 * dead / results.cohort.size


def courses(results: experiment.Results, strategy: str, treatment: str) -> pd.DataFrame:
    """First course of a treatment by patient: start, stop (NaN: at the end of the history), reason."""
    frame = results.strategies[strategy].log.frame()
    rows = frame[(frame["name"] == treatment) & (frame["occurrence"] == 0)]
    start = rows[rows["kind"] == "start"].set_index("patient")["time"]
    stop = rows[rows["kind"] == "stop"].set_index("patient")
    end = frame.groupby("patient")["time"].max()
    return pd.DataFrame({"start": start, "stop": stop["time"], "reason": stop["detail"].astype(str)}).assign(end=end).loc[start.index]


def retained(results: experiment.Results, strategy: str, treatment: str, year: float, reasons: tuple[str, ...]) -> float:
    """Kaplan-Meier share still on drug at ``year``, percent; only stops for ``reasons`` count, others are censored."""
    table = courses(results, strategy, treatment)
    length = (table["stop"].fillna(table["end"]) - table["start"]).to_numpy()
    failed = table["reason"].isin(reasons).to_numpy() & table["stop"].notna().to_numpy()
    order = np.argsort(length, kind="stable")
    share = 1.0
    for position, index in enumerate(order):
        if length[index] > year:
            break
        if failed[index]:
            share *= 1.0 - 1.0 / (length.size - position)
    return 100.0 * share


def median_time(results: experiment.Results, strategy: str, treatment: str) -> float:
    """Median years of the first course, deaths counted as its end."""
    table = courses(results, strategy, treatment)
    return float((table["stop"].fillna(table["end"]) - table["start"]).median())


def naive_denied(results: experiment.Results, strategy: str, treatment: str) -> float:
    """Percent of the first requests at entry for one drug alone that are denied at first."""
    run = results.strategies[strategy]
    table = cases(run.log)
    naive = table[(table["regimen"] == 1 << run.program.treatments.index(treatment)) & (table["ordered"] == 0.0)]
    return 100.0 * float(naive["denied"].mean())


def days_to_dose(results: experiment.Results, strategy: str, how: str) -> float:
    """Median days from order to first dose of orders that came to it in one way."""
    run = results.strategies[strategy]
    return funnel_row(run.log, run.outcomes.life_years)[f"{how}_days"]


@cache
def smells(patients: int = 1500) -> tuple[Smell, ...]:
    """Measure every row for SSc-ILD."""
    any_reason = ("intolerance", "choice", "progression", "good_response", "completed", "inefficacy")
    senscis = virtual("senscis_like", 2.0, patients, none=single(), nintedanib=single("nintedanib"))
    long = virtual("senscis_like", 8.0, patients, none=single())
    sls = virtual("sls_like", 8.0, patients, none=single(), mmf=single("mmf"))
    focus = virtual("focussced_like", 2.0, patients, none=single(), tocilizumab=single("tocilizumab"))
    main = read(SCENARIO)
    base = experiment.run(main, patients=patients, strategies=["s1"], workers=2)
    no_nintedanib = virtual("mixed_naive", main.study.horizon, patients, s1=replace_lines(main.strategies["s1"], 2)).strategies["s1"].outcomes
    placebo, sls_year = fvc_at(senscis, "none", 1.0), fvc_at(sls, "none", 1.0)
    mmf_frame = base.strategies["s1"].log.frame()
    transplanted = 100.0 * mmf_frame[(mmf_frame["kind"] == "move") & (mmf_frame["name"] == "transplant")]["patient"].nunique() / base.cohort.size
    outcomes = base.strategies["s1"].outcomes
    drug = 100.0 * float(no_nintedanib.costs_undiscounted[:, no_nintedanib.categories.index("drug")].sum() / no_nintedanib.total_undiscounted.sum())
    treated = fvc_at(senscis, "nintedanib", 1.0)
    kept_nintedanib = retained(senscis, "nintedanib", "nintedanib", 1.0, ("intolerance",))
    kept_tocilizumab = retained(focus, "tocilizumab", "tocilizumab", 1.84, ("intolerance", "choice"))
    asked = experiment.run(read(ACCESS), patients=max(patients // 3, 2), strategies=["no_authorisation", "hrct_only", "two_step"], workers=2)
    first = lambda low, high, source, quantity, value: Smell(quantity=quantity, low=low, high=high, source=source, value=value)  # noqa: E731
    return (
        first(-120, -67, "F026", "SENSCIS-like placebo, mL a year", float(placebo["mL"].mean())),
        first(-103.7, -51.4, "F029", "SENSCIS-like placebo, mL a year beyond ageing", float(placebo["beyond_ageing"].mean())),
        first(-2.7, -2.0, "F032", "SENSCIS-like placebo, points at 52 weeks", float(placebo["points"].mean())),
        first(6.0, 6.8, "F034", "SD of 12-month measured change, SENSCIS-like", float(placebo["points"].std())),
        first(7.6, 8.8, "P028", "SD of 12-month measured change, SLS-like", float(sls_year["points"].std())),
        first(23.6, 34.0, "F060", "measured fall > 5 points at 52 weeks, SENSCIS-like placebo, %", float(100 * (placebo["points"] < -5).mean())),
        first(16.3, 25.7, "F060", "measured fall > 5 points at 52 weeks, SENSCIS-like nintedanib, %", float(100 * (treated["points"] < -5).mean())),
        first(5.6, 12.1, "F061", "measured fall > 10 points at 52 weeks, SENSCIS-like placebo, %", float(100 * (placebo["points"] < -10).mean())),
        first(4.6, 10.6, "F061", "measured fall > 10 points at 52 weeks, SENSCIS-like nintedanib, %", float(100 * (treated["points"] < -10).mean())),
        first(10, 28, "F152", "measured 12-month fall >= 10 points, SLS-like placebo, %", float(100 * (sls_year["points"] <= -10).mean())),
        first(1.8, 3.5, "M003", "deaths per 100 patient-years, SENSCIS-like", deaths_per_100(long, "none")),
        first(4.5, 7.0, "M003", "deaths per 100 patient-years, SLS-like", deaths_per_100(sls, "none")),
        first(35, 50, "M006", "SLS I-like, dead at 8 years, %", dead_share(sls, "none", 8.0)),
        first(79, 88, "A003", "nintedanib on drug at 1 year (adverse-event stops only), %", kept_nintedanib),
        first(70, 86, "A021", "tocilizumab on drug at 96 weeks (adverse events and choice only), %", kept_tocilizumab),
        first(59, 80, "A039", "mycophenolate still on at 24 months, SLS-like, %", retained(sls, "mmf", "mmf", 2.0, any_reason)),
        first(2.0, 4.5, "judgement", "median time on mycophenolate, years", median_time(base, "s1", "mmf")),
        first(0.5, 4.0, "M008", "lung transplant, lifetime, %", transplanted),
        first(1.0, 12.0, "M033", "exacerbations per 100 patient-years", events_per_100(base, "s1", "condition", "exacerbation")),
        first(35_000, 65_000, "C005, C006", "cost per patient-year, MMF first, 2026 USD", float(outcomes.total_undiscounted.sum() / outcomes.life_years.sum())),
        first(35_000, 65_000, "C005, C006", "the same before nintedanib", float(no_nintedanib.total_undiscounted.sum() / no_nintedanib.life_years.sum())),
        first(0, 10, "judgement", "drugs in it before nintedanib, %", drug),
        first(-5.9, -2.9, "S005", "mRSS at 48 weeks, focuSSced-like, placebo", marker_change(focus, "none", "mrss", 0.92)),
        first(-7.6, -4.6, "S005", "mRSS at 48 weeks, focuSSced-like, tocilizumab", marker_change(focus, "tocilizumab", "mrss", 0.92)),
        first(3, 15, "coverage rules", "first denial of naive tocilizumab, HRCT-only rule, %", naive_denied(asked, "hrct_only", "tocilizumab")),
        first(90, 100, "coverage rules", "first denial of naive tocilizumab, two-step rule, %", naive_denied(asked, "two_step", "tocilizumab")),
        first(21.6, 32.4, "Wallace", "median days to first dose, no request", days_to_dose(asked, "no_authorisation", "dose_unasked")),
        first(24.8, 37.2, "Wallace", "median days to first dose, approved at first", days_to_dose(asked, "hrct_only", "dose_approved")),
        first(40, 60, "Wallace", "median days to first dose, denied at first", days_to_dose(asked, "hrct_only", "dose_denied_first")),
    )


def report(rows: tuple[Smell, ...]) -> str:
    """The table as text."""
    lines = [f"{'quantity':<62}{'value':>10}  {'range':<18}{'source':<12}"]
    lines += [f"{s.quantity:<62}{s.value:>10.2f}  {f'{s.low:g} to {s.high:g}':<18}{s.source:<12}{'' if s.is_in_range else 'OUT OF RANGE'}" for s in rows]
    return "\n".join(lines)
