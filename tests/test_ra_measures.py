"""How measures of one patient improve together, and how early: what the library's spreads and time course were derived from, simulated again.

Trials printed spreads of changes, correlations of improvements and responders at two times; none of them is a row of validation but ACR20 of ORAL Step. The population is that of the pooled network.
"""

from __future__ import annotations

from functools import cache
from math import log, sqrt

import numpy as np
import pytest
from numpy.typing import NDArray

from pathway.definition.scenario import Scenario
from pathway.reading.trials import read_trials
from pathway.validation.calibrating import with_values
from pathway.validation.running import run_arm
from tests.ra_trials import OTHERS, network

PATIENTS = 3000
WEEK_12, WEEK_24 = 12.0 * 7.0 / 365.25, 24.0 * 7.0 / 365.25
JOINTS = ("tjc28", "sjc28")

LABELS = (
    ("tofacitinib, ORAL Solo", 243, (59.0, 31.0, 15.0), (69.0, 42.0, 22.0)),
    ("tofacitinib, ORAL Scan", 321, (55.0, 29.0, 11.0), (50.0, 32.0, 14.0)),
    ("tofacitinib, ORAL Step", 133, (41.0, 26.0, 14.0), (51.0, 37.0, 16.0)),
    ("etanercept alone", 78, (62.0, 41.0, 15.0), (59.0, 40.0, 15.0)),
    ("etanercept with methotrexate", 59, (66.0, 42.0, 15.0), (71.0, 39.0, 15.0)),
    ("golimumab 50 mg, GO-FORWARD", 89, (55.1, 34.8, 13.5), (59.6, 37.1, 20.2)),
    ("sarilumab 150 mg, Japan", 81, (66.7, 27.2, 6.2), (67.9, 43.2, 18.5)),
    ("sarilumab 200 mg, Japan", 80, (65.0, 31.3, 18.8), (57.5, 38.8, 15.0)),
)
"""Arm, patients, ACR20, 50 and 70 in percent at weeks 12 to 14 and at week 24: US labels of Xeljanz and Enbrel, GO-FORWARD (2009) and Tanaka et al. (2019)."""
ERROR_OF_LOG = (0.05, 0.053, 0.083)
"""Standard errors of the logs of the pooled ratios, arms drawn again."""
RAPID_2 = {
    "tjc28": (45.3, 29.2), "sjc28": (35.9, 29.0), "phga": (28.1, 29.2), "ptga": (46.6, 37.4), "pain": (34.9, 38.5), "haq": (38.5, 35.1),
}  # fmt: skip
"""SD of the percentage improvement at week 24 on certolizumab 200 and 400 mg with methotrexate, 246 patients each, ACR20 57 % (Smolen et al. 2009, table 2)."""


class Measured:
    """What one arm of the network measured, by marker: values at entry, week 12 and week 24, shape (patients,); NaN: dead, or off the drug by then."""

    def __init__(self, drug: str, base: Scenario | None = None) -> None:
        trials = read_trials("ra")
        trial = next(one for one in trials.trials if one.document.label == "Network, naive")
        run = run_arm(base or trials.base, trial, drug, patients=PATIENTS, seed=20260101, engine="compiled")
        frame = run.log.frame()
        rows = frame[frame["kind"].astype(str) == "measure"]
        wide = rows.assign(name=rows["name"].astype(str)).pivot_table(index="patient", columns=["time", "name"], values="measured").reindex(range(PATIENTS))
        times = sorted({float(time) for time, _ in wide.columns})
        self.at = {week: {name: wide[(times[number], name)].to_numpy() for name in (*JOINTS, *OTHERS)} for number, week in enumerate((0, 12, 24))}
        assert times == pytest.approx([0.0, WEEK_12, WEEK_24])
        stops = frame[(frame["kind"].astype(str) == "stop") & (frame["time"] > 0.0) & (frame["name"].astype(str) != "methotrexate")]
        self.stopped = {week: np.isin(np.arange(PATIENTS), stops[stops["time"] < time]["patient"]) for week, time in ((12, WEEK_12), (24, WEEK_24))}

    def better(self, name: str, week: int) -> NDArray[np.float64]:
        """Improvement as a fraction of the value at entry; NaN where it was none."""
        before, after = self.at[0][name], self.at[week][name]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(before > 0.0, (before - after) / before, np.nan)

    def acr(self, week: int) -> tuple[float, ...]:
        """Shares of all who began with ACR20, 50 and 70; who is off the drug does not respond."""
        found = []
        for cut in (0.2, 0.5, 0.7):
            met = {name: self.better(name, week) >= cut - 1e-9 for name in (*JOINTS, *OTHERS)}
            responds = met["tjc28"] & met["sjc28"] & (sum(met[name].astype(int) for name in OTHERS) >= 3) & ~self.stopped[week]
            found.append(float(responds.mean()))
        return tuple(found)


@cache
def measured(drug: str) -> Measured:
    """One arm as the library has it."""
    return Measured(drug)


def pooled(cut: int) -> float:
    """Responders at week 12 over responders at week 24, all arms of the labels together."""
    early, late = (sum(size * one[cut] for _, size, *weeks in LABELS for one in (weeks[week],)) for week in (0, 1))
    return early / late


def test_responders_at_week_12_over_week_24_are_those_of_labels():
    """One share of the improvement for ACR20, ACR50 and ACR70 alike."""
    assert [round(pooled(cut), 3) for cut in range(3)] == [0.967, 0.829, 0.772]
    arm = measured("tofacitinib")
    for cut, (early, late) in enumerate(zip(arm.acr(12), arm.acr(24), strict=True)):
        luck = sqrt((1.0 - early) / (early * PATIENTS) + (1.0 - late) / (late * PATIENTS))
        assert abs(log(early / late) - log(pooled(cut))) < 2.0 * sqrt(ERROR_OF_LOG[cut] ** 2 + luck**2), (cut, early, late)


@pytest.mark.parametrize("share", [0.8, 1.0])
def test_neither_the_share_of_before_nor_all_of_it_would_do(share):
    base = read_trials("ra").base
    arm = Measured("tofacitinib", with_values(base, {"share_by_month_3": share}))
    far = [abs(log(early / late) - log(pooled(cut))) / ERROR_OF_LOG[cut] for cut, (early, late) in enumerate(zip(arm.acr(12), arm.acr(24), strict=True))]
    assert max(far) > 3.0


@pytest.mark.parametrize(("drug", "effect"), [("csdmard", 0.0), ("adalimumab", -0.7743), ("tocilizumab", -0.9883)])
def test_shares_of_the_network_are_met_by_patients_as_active_as_in_its_trials(drug, effect):
    for simulated, published in zip(measured(drug).acr(24), network(effect), strict=True):
        assert simulated == pytest.approx(published, abs=0.012 + 2.0 * sqrt(published * (1.0 - published) / PATIENTS))


@pytest.mark.parametrize(("names", "off"), [(JOINTS, 0.12), (("ptga", "pain"), 0.12), (("haq",), 0.15)])
def test_changes_of_measures_spread_as_in_rapid_2(names, off):
    arm = measured("adalimumab")
    simulated = np.mean([np.nanstd(arm.better(name, 24)) for name in names])
    published = np.mean([sqrt(sum(sd**2 for sd in RAPID_2[name]) / 2.0) / 100.0 for name in names])
    assert simulated == pytest.approx(published, rel=off)


def test_the_physicians_global_spreads_more_than_in_rapid_2_without_any_noise_of_its_own():
    simulated = float(np.nanstd(measured("adalimumab").better("phga", 24)))
    assert 0.287 < simulated < 0.287 * 1.35


def phi(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Correlation of two yes-or-no facts."""
    return float(np.corrcoef(one.astype(float), other.astype(float))[0, 1])


def test_what_a_patient_reports_goes_together_as_on_tofacitinib():
    """Strand et al. 2020, table 3, month 3 (692 to 695 patients): global with pain, and with HAQ."""
    arm = measured("tofacitinib")
    there = np.isfinite(arm.at[12]["ptga"])
    value = {name: arm.at[12][name][there] for name in ("ptga", "pain", "haq")}
    better = {name: arm.better(name, 12)[there] for name in ("ptga", "pain")}
    haq_better = arm.at[0]["haq"][there] - value["haq"] >= 0.22
    pairs = (
        (phi(better["ptga"] >= 0.3, better["pain"] >= 0.3), 0.64), (phi(value["ptga"] <= 20.0, value["pain"] <= 20.0), 0.74),
        (phi(value["ptga"] <= 20.0, better["pain"] >= 0.5), 0.55), (phi(value["ptga"] <= 20.0, better["pain"] >= 0.3), 0.42), (phi(value["ptga"] <= 20.0, haq_better), 0.18),
    )  # fmt: skip
    for simulated, published in pairs:
        assert simulated == pytest.approx(published, abs=0.1)
