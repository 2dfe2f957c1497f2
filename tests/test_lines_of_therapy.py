"""The shared job on which tools are compared: the general engines against a plain loop written for it alone.

As printed, the job compares a measured FVC with the *true* FVC at the start of a line. Rules here read the record only, so the fixture states it with what was *measured* last
when the line began, and with a visit at entry that measures for the first line (300 more a patient). The loop tells both: the stated job, which the engines must match,
and the printed one, whose means are known from a million histories. How far apart the two are is measured with the same luck.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import pathway
from pathway.accumulation import Job, accumulate
from pathway.cohort import draw_cohort
from pathway.engines import simulate
from pathway.experiment import prepare
from pathway.program import Cohort
from tests.histories import within
from tests.test_twins import assert_same

SCENARIO = Path(__file__).parent / "fixtures" / "lines_of_therapy.toml"
PATIENTS = 6_000
HORIZON, RATE = 40.0, 0.03
AGEING, PER_POINT, REFERENCE = 0.095, 0.03, 75.0
VISIT, ERROR, FALL = 300.0, 3.0, 10.0
PRINTED = {"mmf_tcz": (222_950.0 - 370.0, 22.40), "mmf_nin": (142_336.0 - 290.0, 22.17)}
"""Cost and life-years of a million printed histories, hazards exact in place of held between events; costs to 3 figures, life-years to 0.01."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """Slope of each line, hazard of stopping the first two, cost of a year."""

    slopes: tuple[float, float, float]
    stops: tuple[float, float]
    costs: tuple[float, float, float]


ARMS = {
    "mmf_tcz": Arm(slopes=(-1.0, -0.8, -5.0), stops=(0.12, 0.15), costs=(4_000.0, 60_000.0, 1_000.0)),
    "mmf_nin": Arm(slopes=(-1.0, -1.2, -5.0), stops=(0.12, 0.15), costs=(4_000.0, 36_000.0, 1_000.0)),
}


def visit_times() -> list[float]:
    """0, a quarter, ... a year, then every half year."""
    return [0.0, 0.25, 0.5, 0.75, *(1.0 + 0.5 * k for k in range(int(2 * HORIZON)))]


VISITS = visit_times()


def lived(age: float, is_female: bool, fvc: float, arm: Arm, luck: np.ndarray, *, is_printed: bool) -> tuple[float, float, float]:
    """Cost, QALYs (discounted) and years of one life.

    ``luck``: unit normal of the slope, unit exponentials of death and the two stops, unit normals of the visits' errors.
    """
    personal, need, errors = 3.0 * luck[0], luck[1], luck[4:]
    line, time, visit = 0, 0.0, 1 if is_printed else 0
    base = fvc
    measured = fvc
    stop = luck[2] / arm.stops[0]
    cost = qaly = 0.0
    while True:
        due = min(VISITS[visit], stop, HORIZON)
        slope = arm.slopes[line] + personal
        level = math.exp((-10.9 if is_female else -10.3) + AGEING * (age + time) + PER_POINT * (REFERENCE - fvc))
        growth = AGEING - PER_POINT * slope
        spent = level * math.expm1(growth * (due - time)) / growth if growth != 0.0 else level * (due - time)
        dies = spent >= need
        if dies:
            due = time + (math.log1p(need * growth / level) / growth if growth != 0.0 else need / level)
        need -= spent
        before, after = math.exp(-RATE * time), math.exp(-RATE * due)
        cost += arm.costs[line] * (before - after) / RATE
        qaly += worth(fvc, fvc + slope * (due - time), due - time, before, after)
        fvc += slope * (due - time)
        time = due
        if dies or time >= HORIZON:
            return cost, qaly, time
        moves = time == stop
        if time == VISITS[visit] and not moves:
            cost += VISIT * after
            measured = fvc + ERROR * errors[visit]
            if visit == 0:
                base = measured
            moves = line < 2 and visit > 0 and base - measured >= FALL
            visit += 1
        if moves:
            line += 1
            base = fvc if is_printed else measured
            stop = time + luck[3] / arm.stops[1] if line == 1 else math.inf


def worth(first: float, last: float, years: float, before: float, after: float) -> float:
    """Discounted integral of the utility, straight between two moments."""
    u, v = (min(1.0, max(0.0, 0.80 - 0.005 * (90.0 - fvc))) for fvc in (first, last))
    return (u * before - v * after) / RATE + (v - u) / years * (before - after) / (RATE * RATE) if years > 0.0 else 0.0


@cache
def patients() -> Cohort:
    """The patients of the job: normal covariates, cut by moving what lies outside to the bound."""
    study = pathway.read(SCENARIO)
    cohort = draw_cohort(study, study.base_values(), size=PATIENTS, seed=1)
    luck = np.random.default_rng(3)
    values = np.stack([np.clip(luck.normal(50.0, 12.0, PATIENTS), 18.0, 90.0), (luck.random(PATIENTS) < 0.8).astype(float), np.clip(luck.normal(76.0, 14.0, PATIENTS), 45.0, 110.0)], axis=1)
    return replace(cohort, values=values)


@cache
def by_loop(strategy: str, *, is_printed: bool) -> np.ndarray:
    """Cost, QALYs and years by the plain loop, shape (patients, 3); the same luck under either reading."""
    luck = np.random.default_rng(17)
    draws = luck.normal(size=(PATIENTS, 4 + len(VISITS)))
    draws[:, 1:4] = luck.exponential(size=(PATIENTS, 3))
    told = [lived(float(age), female == 1.0, float(fvc), ARMS[strategy], draws[k], is_printed=is_printed) for k, (age, female, fvc) in enumerate(patients().values)]
    return np.array(told)


@cache
def by_engine() -> dict[str, np.ndarray]:
    """The same of the compiled engine, through ledger and valuation."""
    study = pathway.read(SCENARIO)
    values = study.base_values()
    programs, terms = prepare(study, values, list(ARMS), engine="compiled")
    job = Job(programs=programs, books=study.library, values=values, terms=terms, comparator="mmf_tcz", seed=5)
    return {
        name: np.stack([part.outcomes.total, part.outcomes.qalys_discounted, part.outcomes.life_years], axis=1) for name, part in accumulate(job, patients()).items()
    }


@pytest.mark.parametrize("strategy", list(ARMS))
def test_the_engine_tells_the_stated_job(strategy):
    apart = by_engine()[strategy] - by_loop(strategy, is_printed=False)
    for column in range(3):
        assert within(apart[:, column], 0.0), ("cost", "QALYs", "years")[column]


@pytest.mark.parametrize("strategy", list(ARMS))
def test_the_loop_tells_the_printed_job(strategy):
    told = by_loop(strategy, is_printed=True)
    cost, years = PRINTED[strategy]
    assert within(told[:, 0], cost)
    assert within(told[:, 2], years)


def test_both_engines_tell_the_shared_job():
    study = pathway.read(SCENARIO)
    values = study.base_values()
    programs, _ = prepare(study, values, list(ARMS), engine="reference")
    for program in programs.values():
        part = patients().part(0, 40)
        assert_same(simulate(program, part, 5), simulate(program, part, 5, engine="compiled"))


@pytest.mark.parametrize("strategy", list(ARMS))
def test_what_was_measured_is_near_what_was_true(strategy):
    """The two readings differ by little in years, and in cost by the visit at entry and by how long the second drug is kept."""
    apart = by_loop(strategy, is_printed=False) - by_loop(strategy, is_printed=True)
    assert abs(apart[:, 2].mean()) < 0.2
    assert abs(apart[:, 0].mean()) < 0.05 * by_loop(strategy, is_printed=True)[:, 0].mean()
