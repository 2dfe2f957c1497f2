"""What a reviewer of rheumatoid arthritis smells first; the rows of :mod:`tests.reviewer` for the second disease."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd

from pathway import experiment
from pathway.cohort import draw_cohort
from pathway.definition.documents import Candidate, Line, StrategyDefinition
from pathway.definition.scenario import Scenario
from pathway.reading import read
from tests.ra_trials import SCENARIO, arm, measured
from tests.reviewer import Smell

NAIVE_IN_ACTION = 674 / (674 + 1676)
"""Share of the abatacept register that was biologic-naive."""


def first_course(results: experiment.Results, strategy: str, treatment: str) -> pd.DataFrame:
    """First course of a treatment: years, and whether it ended by a stop (not by death)."""
    frame = results.strategies[strategy].log.frame()
    rows = frame[(frame["name"].astype(str) == treatment) & (frame["occurrence"] == 0)]
    start = rows[rows["kind"] == "start"].set_index("patient")["time"]
    stop = rows[rows["kind"] == "stop"].set_index("patient")
    return pd.DataFrame({"years": stop["time"] - start, "stopped": stop["detail"].astype(str) != "death"}).dropna()


def haq_at(results: experiment.Results, strategy: str, year: float) -> float:
    """Mean true HAQ of those alive."""
    path = results.strategies[strategy].log.path_frame()
    found = [float(np.interp(year, one["time"], one["haq"])) for _, one in path.groupby("patient") if one["time"].iloc[-1] >= year]
    return float(np.mean(found))


def of_55(base: Scenario, patients: int, **switches: str) -> experiment.Results:
    """R3 from 55 at HAQ 1.5, other covariates as drawn."""
    cohort = draw_cohort(base, base.base_values(), size=patients)
    columns = {name: cohort.values[:, number].copy() for number, name in enumerate(cohort.covariates)}  # noqa: PD011 (an array, not a frame)
    columns["age"][:], columns["haq"][:] = 55.0, 1.5
    return experiment.run(replace(base, patients=columns, switches={**base.switches, **switches}), patients=patients, strategies=["r1", "r3"])


def cost_a_year(base: Scenario, patients: int, *treatments: str) -> float:
    """Direct cost of the first year on a regimen after which nothing follows, thousand USD a patient-year."""
    strategy = StrategyDefinition(label="arm", lines=(Line(candidates=(Candidate(regimen=treatments),)),))
    study = base.study.model_copy(update={"horizon": 1.0, "comparator": "arm"})
    outcomes = experiment.run(replace(base, study=study, strategies={"arm": strategy}), patients=patients, strategies=["arm"]).strategies["arm"].outcomes
    return float(outcomes.total_undiscounted.sum() / outcomes.life_years.sum()) / 1000.0


def abatacept(patients: int) -> tuple[float, float]:
    """Low activity by CDAI among those on it at 6 months, and who was on it, percent; naive and experienced as in the register."""
    low, kept = [], []
    for cohort in ("methotrexate_inadequate", "tnf_inadequate"):
        regimen = ("methotrexate", "abatacept")
        table = measured(regimen, cohort, patients)
        stayed = 1.0 - float((table["failed"] | table["left"]).mean())
        low.append(arm(regimen, cohort, patients).cdai_low)
        kept.append(stayed)
    weights = (NAIVE_IN_ACTION, 1.0 - NAIVE_IN_ACTION)
    return 100.0 * float(np.dot(weights, low)), 100.0 * float(np.dot(weights, kept))


@cache
def smells_ra(patients: int = 1000) -> tuple[Smell, ...]:
    """Measure every row for rheumatoid arthritis."""
    main = read(SCENARIO)
    life = experiment.run(main, patients=patients, strategies=["r1", "r3"])
    outcomes = life.outcomes().set_index("strategy")
    course = first_course(life, "r3", "adalimumab")
    low, kept = abatacept(patients)
    steady = of_55(main, patients)
    other = of_55(main, patients, utility_map="wailoo")
    row = lambda low, high, source, quantity, value: Smell(quantity=f"RA: {quantity}", low=low, high=high, source=source, value=float(value))  # noqa: E731
    years = steady.outcomes().set_index("strategy")["life_years"]
    return (
        row(50, 67, "network", "adalimumab + methotrexate, naive, ACR20 at 24 weeks, %", 100.0 * arm(("methotrexate", "adalimumab"), patients=1500, is_trial=True).acr[0]),
        row(28, 31, "network", "csDMARD, ACR20 at 24 weeks, %", 100.0 * arm(("methotrexate_optimised",), patients=4000, is_trial=True).acr[0]),
        row(30, 36, "ACTION", "CDAI low activity at 6 months on abatacept, %", low),
        row(86, 91, "ACTION", "abatacept kept for 6 months, %", kept),
        row(2, 4, "registries", "median time on the first TNF inhibitor, years", course["years"].median()),
        row(15, 19, "registries", "first TNF inhibitor stopped, % a year", 100.0 * course["stopped"].sum() / course["years"].sum()),
        row(17.5, 21, "section 2.3", "life-years from 55 at HAQ 1.5, R3", years["r3"]),
        row(6.3, 8.0, "section 2.3", "the same, discounted QALYs, mixture map", steady.outcomes().set_index("strategy").loc["r3", "qalys_discounted"]),
        row(8.8, 10.5, "section 2.3", "the same, discounted QALYs, Wailoo map", other.outcomes().set_index("strategy").loc["r3", "qalys_discounted"]),
        row(0.5, 2.4, "published models", "R3 against R1, QALYs", outcomes.loc["r3", "qalys_discounted"] - outcomes.loc["r1", "qalys_discounted"]),
        row(-0.5, -0.2, "published models", "R3 against R1, HAQ at 10 years", haq_at(life, "r3", 10.0) - haq_at(life, "r1", 10.0)),
        row(2, 6, "section 4", "direct cost of a year, csDMARD, thousand USD", cost_a_year(main, patients, "methotrexate_optimised")),
        row(13, 20, "section 4", "direct cost of a year, adalimumab biosimilar, thousand USD", cost_a_year(main, patients, "methotrexate", "adalimumab")),
        row(40, 55, "section 4", "direct cost of a year, adalimumab originator net, thousand USD", cost_a_year(main, patients, "methotrexate", "adalimumab_originator")),
    )
