"""What goes on when a drug is spaced, or a conventional one follows a targeted one: a taper must win no health by a clock that starts anew or a reason of stopping left out."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from pathway import experiment
from pathway.compiler import compile_program
from pathway.definition.scenario import Scenario
from pathway.engines.record import Record
from pathway.program import ClockKind
from pathway.reading import read
from pathway.rules import Truth
from tests.ra_trials import allowed, arm

SCENARIOS = Path(__file__).parents[1] / "scenarios"
PATIENTS = 400
FULL_DOSE = {
    "adalimumab_spaced": "adalimumab", "etanercept_spaced": "etanercept", "abatacept_spaced": "abatacept", "tocilizumab_iv_spaced": "tocilizumab_iv",
    "tocilizumab_sc_2w_spaced": "tocilizumab_sc_2w", "tocilizumab_sc_spaced": "tocilizumab_sc",
}  # fmt: skip


@cache
def scenario() -> Scenario:
    """The main study of rheumatoid arthritis."""
    return read(SCENARIOS / "ra_us.toml")


@cache
def events() -> pd.DataFrame:
    """Histories under R6; names as text."""
    frame = experiment.run(scenario(), patients=PATIENTS, strategies=["r6"]).strategies["r6"].log.frame()
    return frame.assign(**{column: frame[column].astype(str) for column in ("kind", "name", "detail", "state")})


@pytest.mark.parametrize(("spaced", "full"), FULL_DOSE.items())
def test_a_spaced_drug_stops_for_the_reasons_and_at_the_rates_of_full_dose(spaced, full):
    program = compile_program(scenario(), "r6", scenario().base_values())
    of = {drug: {} for drug in (spaced, full)}
    for one in program.transitions:
        if one.treatment >= 0 and program.treatments[one.treatment] in of:
            drug = program.treatments[one.treatment]
            of[drug][one.name.removeprefix(f"{drug}_")] = (one.reason, one.rates, one.clock.kind, one.sources)
    assert set(of[full]) == {"intolerance", "infection_stop", "choice", "loss"}
    assert {name: (reason, rates) for name, (reason, rates, _, _) in of[spaced].items()} == {name: (reason, rates) for name, (reason, rates, _, _) in of[full].items()}
    for name in ("intolerance", "loss"):
        assert of[spaced][name][2] is ClockKind.LINE
        assert of[full][name][2] is ClockKind.LINE


def test_an_interval_that_changes_gives_no_half_year_without_loss():
    frame = events()
    courses = frame[(frame["kind"] == "start") & frame["name"].isin([*FULL_DOSE, *FULL_DOSE.values()])]
    lost = frame[(frame["kind"] == "lose")]
    younger = 0
    for _, row in lost.iterrows():
        begun = courses[(courses["patient"] == row["patient"]) & (courses["name"] == row["name"]) & (courses["time"] <= row["time"])]
        younger += not begun.empty and row["time"] - begun["time"].max() < 0.5
    assert younger > 0


def test_who_stops_a_spaced_drug_by_choice_or_for_harm_is_not_given_it_at_full_dose():
    frame = events()
    stops = frame[(frame["kind"] == "stop") & frame["name"].isin(list(FULL_DOSE)) & frame["detail"].isin(["choice", "intolerance", "safety"])]
    alone = 0
    for _, row in stops.iterrows():
        of_patient = frame[frame["patient"] == row["patient"]]
        now = of_patient[of_patient["time"] == row["time"]]
        if ((now["kind"] == "stop") & now["name"].str.startswith("methotrexate")).any():
            continue  # methotrexate was not tolerated: the drug goes on alone, at full dose
        alone += 1
        later = of_patient[(of_patient["time"] >= row["time"]) & (of_patient["kind"] == "start")]
        assert FULL_DOSE[row["name"]] not in set(later["name"])
    assert alone > 5


def test_tocilizumab_is_spaced_from_the_interval_it_was_given_at():
    frame = events()
    spaced = frame[(frame["kind"] == "start") & frame["name"].isin(["tocilizumab_sc_2w_spaced", "tocilizumab_sc_spaced"])]
    assert set(spaced["name"]) == {"tocilizumab_sc_2w_spaced", "tocilizumab_sc_spaced"}
    for _, row in spaced.iterrows():
        now = frame[(frame["patient"] == row["patient"]) & (frame["time"] == row["time"]) & (frame["kind"] == "stop")]
        assert FULL_DOSE[row["name"]] in set(now["name"])


def test_an_infection_ends_no_drug_that_began_while_it_lasted():
    """A drug that starts held is not to blame: one infection took three lines in a month."""
    frame = events()
    stops = frame[(frame["kind"] == "stop") & (frame["detail"] == "safety")]
    assert len(stops) > 20
    for _, row in stops.iterrows():
        of_course = frame[(frame["patient"] == row["patient"]) & (frame["name"] == row["name"]) & (frame["kind"] == "start") & (frame["time"] <= row["time"])]
        assert row["time"] - of_course["time"].max() >= 30.4375 / 365.25 - 1e-9


def test_a_flare_costs_health():
    utility = experiment.run(scenario(), patients=20, strategies=["r6"]).terms.utility
    assert -0.156 < utility.conditions["flare"] < 0.0


@pytest.mark.parametrize("drug", ["sulfasalazine", "leflunomide"])
def test_conventional_drugs_respond_less_after_a_targeted_one(drug):
    naive, later = arm((drug,), patients=1500, is_trial=True), arm((drug,), "tnf_inadequate", patients=1500, is_trial=True)
    assert later.acr[0] < naive.acr[0] - 0.02
    published = (0.521 if drug == "sulfasalazine" else 0.291, 0.835)
    assert later.acr[0] == pytest.approx(published[0] * published[1], abs=allowed(published[0] * published[1], later.size))
    assert naive.acr[0] == pytest.approx(published[0], abs=allowed(published[0], naive.size))


def test_csdmards_on_later_lines_of_a_patient_without_a_targeted_drug_are_not_made_weaker():
    program = compile_program(scenario(), "r1", scenario().base_values())
    frame = experiment.run(scenario(), patients=PATIENTS, strategies=["r1"]).strategies["r1"].log.frame()
    targeted = {"adalimumab", "etanercept", "certolizumab", "abatacept", "tocilizumab_sc_2w", "tocilizumab_sc", "rituximab", "upadacitinib"}
    assert not set(frame[frame["kind"] == "start"]["name"].astype(str)) & targeted
    weaker = [spec.factors for spec in program.responses if program.treatments[spec.treatment] in {"methotrexate_optimised", "sulfasalazine", "leflunomide"}]
    earlier = [spec.factors for spec in program.responses if program.treatments[spec.treatment] == "abatacept"]
    assert len(weaker) == 3
    assert all(len(factors) == 1 and factors[0][0] != earlier[0][0][0] for factors in weaker)  # by what was taken, not by the number of the line


@pytest.mark.parametrize(("line", "prior", "met"), [(2, 2.0, False), (2, 3.0, True), (3, 0.0, False), (3, 1.9, False), (3, 2.0, True), (4, 0.0, True)])
def test_drugs_before_entry_count_with_those_since(line, prior, met):
    program = compile_program(scenario(), "r3", scenario().base_values())
    record = Record(program, [prior if name == "prior_targeted" else 0.0 for name in program.covariates])
    record.begin_line(line, 0.0)
    rule = next(number for number, one in enumerate(program.rules) if one.name == "had_three_targeted_drugs")
    assert (record.judge(rule, 0.0)[0] == Truth.MET) is met


def test_a_jak_inhibitor_follows_the_tnf_inhibitor_that_fails_at_that_visit():
    """The next line is chosen before the stop is written; the failure in hand must count."""
    results = experiment.run(scenario(), patients=PATIENTS, strategies=["r5"])
    frame = results.strategies["r5"].log.frame()
    frame = frame.assign(**{column: frame[column].astype(str) for column in ("kind", "name", "detail")})
    at_risk = results.cohort.values[:, results.cohort.covariates.index("cardiovascular_risk")] == 1.0  # noqa: PD011 (an array)
    age = results.cohort.values[:, results.cohort.covariates.index("age")]  # noqa: PD011 (an array)
    failures = frame[(frame["kind"] == "stop") & (frame["name"] == "adalimumab") & frame["detail"].isin(["primary_failure", "secondary_failure"])]
    young = [row for _, row in failures.iterrows() if not at_risk[row["patient"]] and age[row["patient"]] + row["time"] < 65.0]
    assert len(young) > 30
    for row in young:
        now = frame[(frame["patient"] == row["patient"]) & (frame["time"] == row["time"]) & (frame["kind"] == "start")]
        assert "upadacitinib" in set(now["name"])
