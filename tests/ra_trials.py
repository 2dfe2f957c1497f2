"""Virtual trials of rheumatoid arthritis: ACR, EULAR and DAS28 of one drug at week 24, read off what the clinic measured. Shared by tests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from math import sqrt
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pandas as pd

from pathway import experiment
from pathway.definition.scenario import Scenario
from pathway.definition.strategies import Candidate, Line, StrategyDefinition
from pathway.reading import read
from pathway.reading.trials import read_trials

SCENARIO = Path(__file__).parents[1] / "scenarios" / "ra_us.toml"
MARKERS = ("tjc28", "sjc28", "ptga", "phga", "pain", "haq", "crp", "esr")
OTHERS = ("ptga", "phga", "pain", "haq", "crp")
WEEK_24 = 0.5
ERROR = 0.03
"""What a share may be off by beside the error of sampling: the curve was fitted to within a point in patients as active as in trials; a register's are less active."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """What one arm measured.

    ACR shares are of all who began, as in trials: who left or failed at month 3 counts as not responding. The rest is of those who did not leave for another
    reason than failure.
    """

    size: int
    acr: tuple[float, float, float]
    eular: tuple[float, float, float]
    das28_change: float
    das28_sd: float
    haq_change: float
    haq_by_eular: tuple[float, float, float]
    cdai_low: float
    das28_remission: float


@cache
def base(cohort: str, *, is_trial: bool = False) -> Scenario:
    """The library on a preset cohort, told to month 9; as active as a register's patients, or as those of the network's trials."""
    scenario = read(SCENARIO)
    library = scenario.library
    if is_trial:
        trial = next(one for one in read_trials("ra").trials if one.document.label == "Network, naive")
        preset = library.cohorts[cohort]
        active = preset.model_copy(update={"covariates": {**preset.covariates, **trial.document.population.covariates}})
        library = replace(library, cohorts={**library.cohorts, cohort: active}, parameters={**library.parameters, **trial.numbers})
    return replace(scenario, library=library, study=scenario.study.model_copy(update={"cohort": cohort, "horizon": 0.75, "comparator": "arm"}))


@cache
def measured(treatments: tuple[str, ...], cohort: str, patients: int, *, is_trial: bool = False) -> pd.DataFrame:
    """Values at entry and at week 24 by patient; a strategy of one regimen.

    After failure of a TNF inhibitor the regimen is the second line.
    """
    scenario = base(cohort, is_trial=is_trial)
    line = Line(candidates=(Candidate(regimen=treatments),))
    first = () if scenario.cohort is None or scenario.cohort.entry.choose == "same_line" else (Line(candidates=(Candidate(regimen=("adalimumab",)),)),)
    strategy = StrategyDefinition(label="arm", lines=(*first, line))
    run = experiment.run(replace(scenario, strategies={"arm": strategy}), patients=patients, strategies=["arm"])
    frame = run.strategies["arm"].log.frame()
    rows = frame[(frame["kind"].isin(["measure", "finding"])) & frame["detail"].astype(str).isin(["baseline", "clinic"]) & frame["time"].isin([0.0, WEEK_24])]
    wide = rows.assign(name=rows["name"].astype(str)).pivot_table(index="patient", columns=["time", "name"], values="measured")
    table = wide.reindex(range(patients))
    early = frame[(frame["kind"] == "stop") & (frame["time"] > 0.0) & (frame["time"] < WEEK_24) & frame["name"].astype(str).isin(treatments)]
    reasons = early["detail"].astype(str)
    failed = early[reasons == "primary_failure"]["patient"].unique()
    left = early[~reasons.isin(["primary_failure", "dose_step"])]["patient"].unique()
    return pd.concat([table, pd.DataFrame({"failed": table.index.isin(failed), "left": table.index.isin(left)}, index=table.index)], axis=1)


def arm(treatments: tuple[str, ...], cohort: str = "methotrexate_inadequate", patients: int = 1500, *, is_trial: bool = False) -> Arm:
    """Measure an arm."""
    table = measured(treatments, cohort, patients, is_trial=is_trial)
    failed = table["failed"].to_numpy()
    stayed = ~failed & ~table["left"].to_numpy()
    before = {name: table[(0.0, name)].to_numpy() for name in (*MARKERS, "das28_esr", "cdai")}
    after = {name: table[(WEEK_24, name)].to_numpy() for name in (*MARKERS, "das28_esr", "cdai")}
    known = np.isfinite(before["das28_esr"]) & (np.isfinite(after["das28_esr"]) | failed) & ~table["left"].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        better = {name: (before[name] - after[name]) / before[name] for name in MARKERS}
    acr = []
    for cut in (0.2, 0.5, 0.7):
        joints = [(better[name] >= cut) | (before[name] == 0.0) for name in ("tjc28", "sjc28")]
        others = sum((better[name] >= cut).astype(int) for name in OTHERS)
        acr.append(float((joints[0] & joints[1] & (others >= 3) & stayed)[known | table["left"].to_numpy()].mean()))
    fall = before["das28_esr"] - after["das28_esr"]
    good = (after["das28_esr"] <= 3.2) & (fall > 1.2) & stayed
    moderate = ~good & ((fall > 1.2) | ((fall > 0.6) & (after["das28_esr"] <= 5.1))) & stayed
    there = known & stayed
    haq = after["haq"] - before["haq"]
    by_eular = tuple(float(haq[there & group].mean()) for group in (~good & ~moderate, moderate, good))
    return Arm(
        size=int(known.sum()), acr=(acr[0], acr[1], acr[2]), eular=(float(1.0 - (good | moderate)[known].mean()), float(moderate[known].mean()), float(good[known].mean())),
        das28_change=float(-fall[there].mean()), das28_sd=float(fall[there].std()), haq_change=float(haq[there].mean()), haq_by_eular=by_eular,
        cdai_low=float(((after["cdai"] <= 10.0) & stayed)[known].mean()), das28_remission=float(((after["das28_esr"] < 2.6) & stayed)[known].mean()),
    )  # fmt: skip


def network(effect: float, factor: float = 1.0) -> tuple[float, float, float]:
    """ACR20, 50 and 70 that the network has for an effect: ``factor * Phi(-(A + z + d))``."""
    level, cuts = 0.55, (0.0, 0.6231, 1.202)
    shares = [factor * NormalDist().cdf(-(level + cut + effect)) for cut in cuts]
    return shares[0], shares[1], shares[2]


def allowed(share: float, size: int, other: int | None = None) -> float:
    """How far a simulated share may be off: three standard errors of both samples, and the error of the fit."""
    spread = share * (1.0 - share)
    return ERROR + 3.0 * sqrt(spread / size + (spread / other if other else 0.0))
