"""Virtual trials: one whose answers are known in closed form, the reading of the user's own, and those that ship."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from pathway.definition.trials import Response, Subgroup, Target, Trial
from pathway.reading.trials import Trials, read_trials
from pathway.validation.analysing import Analysis
from pathway.validation.comparing import Verdict
from pathway.validation.estimators import Estimate, median_on
from pathway.validation.observing import within
from pathway.validation.running import ArmRun, run_trial
from pathway.validation.validating import validate

TRIALS = Path(__file__).parent / "fixtures" / "trials"
PATIENTS = 400


@cache
def exact() -> tuple[Trials, dict[str, ArmRun], Analysis]:
    """The made-up trial, run once."""
    read = read_trials("../tiny", targets=TRIALS / "exact.toml", beside=TRIALS)
    runs = run_trial(read.base, read.trials[0], patients=PATIENTS, seed=5, engine="reference")
    return read, runs, Analysis(read.trials[0], runs)


def estimate(target: str) -> Estimate:
    """Estimate of one of its targets."""
    read, _, analysis = exact()
    return analysis.estimate(next(one for one in read.trials[0].document.targets if one.id == target))


def test_a_fixed_slope_is_found_exactly():
    assert estimate("slope").value == pytest.approx(-2.0, abs=1e-5)
    assert estimate("change").value == pytest.approx(-2.0, abs=1e-9)


def test_a_drug_that_halves_the_loss_gains_a_point_a_year_but_for_those_who_stopped():
    _, runs, analysis = exact()
    stop = analysis.arms["alpha"].courses("alpha").stop
    alive = analysis.arms["alpha"].died > 2.0
    expected = np.minimum(stop, 2.0)[alive].mean()  # 1 point a year while on it
    assert estimate("difference").value == pytest.approx(expected, abs=0.01)
    assert runs["alpha"].log.patients == PATIENTS


def test_a_regimen_that_starts_late_acts_from_then_on():
    late = exact()[2].arms["late"]
    started = late.courses("alpha").start
    assert started[np.isfinite(started)] == pytest.approx(1.0)
    assert estimate("late").value == pytest.approx(-3.0, abs=0.06)  # a few stop again


def test_everybody_falls_by_three_in_two_years():
    assert estimate("fall").value == 1.0


def test_retention_is_the_exponential_of_the_hazard():
    found = estimate("on_alpha")
    assert abs(found.value - math.exp(-0.1)) < 4.0 * found.error


def responding(level: float, change: float, count: int) -> float:
    """Share on no drug that meets a made-up criterion at 24 months, when everybody has fallen by 4 from 70."""
    read, runs, _ = exact()
    trial = read.trials[0]
    way = {"every": [{"marker": "score", "level": {"at_least": level}}], "some": [{"marker": "score", "change": {"at_least": change}}], "count": count}
    criterion = {"label": "made up", "source": "made up for tests", "ways": [way]}
    target = trial.document.targets[0].model_copy(update={"quantity": "share_responding", "response": "made_up", "at": "24 months"})
    return Analysis(replace(trial, responses={"made_up": Response.model_validate(criterion)}), runs).estimate(target).value


def test_a_response_needs_all_of_every_and_enough_of_some():
    assert responding(level=65.0, change=-5.0, count=1) == 1.0
    assert responding(level=67.0, change=-5.0, count=1) == 0.0
    assert responding(level=65.0, change=-3.0, count=1) == 0.0
    assert responding(level=65.0, change=-3.0, count=0) == 1.0


def test_a_missing_visit_is_no_response_if_the_trial_says_so():
    read, _, analysis = exact()
    target = read.trials[0].document.targets[4]
    assert target.id == "fall"
    everybody = analysis.estimate(target.model_copy(update={"missing": "no_response"}))
    dead = (analysis.arms["none"].died <= 2.0).mean()
    assert everybody.value == pytest.approx(1.0 - dead)
    assert everybody.size == PATIENTS


def test_dead_is_the_share_that_the_log_tells():
    read, runs, analysis = exact()
    document = read.trials[0].document
    target = document.targets[0].model_copy(update={"quantity": "dead", "at": "2 years"})
    ends = runs["none"].log.frame().groupby("patient").last()
    assert analysis.estimate(target).value == pytest.approx((ends["state"] == "dead").mean())


def of_stops(**changed: object) -> Target:
    """A target on stopping, from the one of the made-up trial."""
    read, _, _ = exact()
    target = next(one for one in read.trials[0].document.targets if one.id == "on_alpha")
    return target.model_copy(update=changed)


def test_who_takes_a_drug_at_a_time_is_who_is_still_on_it():
    analysis = exact()[2]
    alpha = analysis.arms["alpha"]
    alive = alpha.died > 2.0
    taking = analysis.estimate(of_stops(quantity="share_taking", any_of=("alpha",), at="2 years"))
    assert taking.value == pytest.approx((alpha.courses("alpha").stop[alive] > 2.0).mean())
    assert taking.size == alive.sum()
    without = analysis.estimate(of_stops(quantity="share_taking", any_of=("beta",), at="2 years"))
    nothing = analysis.estimate(of_stops(quantity="share_taking", none_of=("alpha",), at="2 years"))
    assert without.value == 0.0
    assert nothing.value == 0.0  # whoever takes nothing takes none of any


def test_a_mix_of_arms_is_the_sum_of_its_parts():
    analysis = exact()[2]
    one, other = (analysis.estimate(of_stops(quantity="change", marker="score", at="12 months", arm=name)) for name in ("none", "alpha"))
    mixed = analysis.estimate(of_stops(quantity="change", marker="score", at="12 months", mix={"none": 0.25, "alpha": 0.75}))
    assert mixed.value == pytest.approx(0.25 * one.value + 0.75 * other.value)
    assert mixed.error == pytest.approx(math.hypot(0.25 * one.error, 0.75 * other.error))


def test_a_ratio_of_hazards_takes_each_arm_at_its_own_drug():
    analysis = exact()[2]
    asked = {"versus": "late", "contrast": "hazard_ratio", "treatments_by_arm": {"alpha": "alpha", "late": "alpha"}, "treatment": None, "at": "6 months"}
    found = analysis.estimate(of_stops(**asked))
    on_alpha, on_late = (analysis.estimate(of_stops(arm=name, at="6 months")).value for name in ("alpha", "late"))
    assert found.value == pytest.approx(math.log(on_alpha) / math.log(on_late))


def test_the_median_is_where_the_curve_of_an_exponential_halves():
    length = np.random.default_rng(1).exponential(2.0, 20_000)
    found = median_on(np.minimum(length, 5.0), length < 5.0, 10.0)
    assert abs(found.value - 2.0 * math.log(2.0)) < 4.0 * found.error
    assert found.error == pytest.approx(2.0 / math.sqrt(20_000), rel=0.1)  # 1 / (2 f sqrt n) with f = 1 / (2 mean)
    assert math.isnan(median_on(np.minimum(length, 1.0), length < 1.0, 10.0).value)


def test_a_response_is_kept_by_those_who_met_it_before_and_stayed_on_the_drug():
    read, runs, analysis = exact()
    way = {"every": [{"marker": "score", "change": {"above": -1.5}}]}  # met at 12 months by those who still take alpha, and by most of those who stopped late
    trial = replace(read.trials[0], responses={"held": Response.model_validate({"label": "made up", "source": "made up for tests", "ways": [way]})})
    asked = of_stops(quantity="share_keeping", response="held", since="6 months", at="12 months", treatment="alpha")
    found = Analysis(trial, runs).estimate(asked)
    alpha = analysis.arms["alpha"]
    table, stop = alpha.measured("score").shown, alpha.courses("alpha").stop
    met = table - table[:, :1] > -1.5
    seen = met[:, 2] & (~np.isnan(table[:, 3]) | (stop <= 1.0))
    assert found.value == pytest.approx((met[:, 3] & (stop > 1.0))[seen].mean())
    assert 0.5 < found.value < 1.0


def test_arms_hold_the_same_patients():
    _, runs, _ = exact()
    assert (runs["none"].cohort.values == runs["alpha"].cohort.values).all()
    assert (runs["none"].cohort.patient == runs["late"].cohort.patient).all()


def test_no_decision_of_routine_care_acts_in_a_fixed_arm():
    for run in exact()[1].values():
        assert run.program.decisions == ()
        assert [one.name for one in run.program.schedules] == ["visit"]
        assert not (run.log.frame()["kind"] == "decide").any()


def test_who_stops_leaves_if_the_trial_says_so():
    read, runs, _ = exact()
    trial = read.trials[0]
    leaving = trial.document.model_copy(update={"dropout": trial.document.dropout.model_copy(update={"with_treatment": True})})
    analysis = Analysis(replace(trial, document=leaving), runs)
    arm = analysis.arms["alpha"]
    table = arm.measured("score")
    gone = arm.courses("alpha").stop < 1.5
    assert gone.any()
    assert np.isnan(table.shown[gone, -1]).all()
    assert not np.isnan(table.shown[gone, 0]).any()


def test_a_dropout_rate_takes_its_share():
    read, _, _ = exact()
    trial = read.trials[0]
    lost = trial.document.dropout.model_copy(update={"rate": "stop_rate"})
    some = replace(trial, document=trial.document.model_copy(update={"dropout": lost, "arms": {"none": trial.document.arms["none"]}, "targets": (), "courses": ()}))
    runs = run_trial(read.base, some, patients=500, seed=5, engine="reference")
    assert (runs["none"].lost < 2.0).mean() == pytest.approx(1.0 - math.exp(-0.1), abs=0.04)


def test_failures_leave_after_the_visit_that_showed_it():
    read, runs, _ = exact()
    trial = read.trials[0]
    failure = {"marker": "score", "fall": 1.5, "not_before": "3 months"}
    document = trial.document.model_validate({**trial.document.model_dump(by_alias=True), "dropout": {"failure": failure}})
    table = Analysis(replace(trial, document=document), runs).arms["none"].measured("score").shown
    alive = ~np.isnan(exact()[2].arms["none"].measured("score").shown[:, 3])
    assert not np.isnan(table[alive, 3]).any()  # fell by 2 at 12 months, and that visit counts
    assert np.isnan(table[:, 4]).all()


def test_subgroups_are_taken_by_facts_at_entry():
    _, runs, _ = exact()
    cohort = runs["none"].cohort
    older = Subgroup.model_validate({"every": [{"covariate": "age", "at_least": 55}]})
    nobody = Subgroup.model_validate({"either": [{"covariate": "age", "below": 20}, {"covariate": "female", "equals": 0}]})
    assert within(cohort, None).all()
    assert within(cohort, older).all()  # everybody is 55
    assert not within(cohort, nobody).any()


def test_the_table_tells_what_is_inside():
    read, _, _ = exact()
    made = validate(read.base, read.trials, patients=PATIENTS, seed=5, engine="reference")
    verdicts = {row.target.id: row.verdict for row in made.rows}
    assert verdicts == {
        "slope": Verdict.INSIDE, "change": Verdict.INSIDE, "difference": Verdict.INSIDE, "late": Verdict.INSIDE, "on_alpha": Verdict.INSIDE, "fall": Verdict.FAR,
    }  # fmt: skip
    assert made.rows[0].target.id == "fall"
    assert made.summary.unexplained == ("A trial with known answers: fall of 3 or more at 24 months, none",)
    assert made.summary.is_calibrated
    assert not made.summary.meets_goal


def test_engines_give_the_same_trial(engine):
    read, _, _ = exact()
    made = validate(read.base, read.trials, patients=50, seed=5, engine=engine)
    other = validate(read.base, read.trials, patients=50, seed=5, engine="reference")
    assert [(row.target.id, row.simulated) for row in made.rows] == [(row.target.id, row.simulated) for row in other.rows]


# --- what ships -------------------------------------------------------------------------------------------------------

KNOWN_USES = {
    ("network", "*"): "RA-E001 is the whole network: its ACR shares are inputs and flagged C, its changes of DAS28 and HAQ are not used",
    ("focussced", "week_96_tocilizumab"): "F094 gives the length of the evidence, not its value",
    ("senscis", "inflammatory_placebo"): "F057 gives thresholds of the subgroup, not its course",
    ("sls_2", "dead_24_mmf"): "A036 takes deaths from those who did not complete; no hazard of death rests on it",
    ("sls_2", "dead_24_cyclophosphamide"): "as above",
    ("senscis", "mmf_difference"): "F054 is an alternative that is not in force",
}
"""Rows whose study stands in the library's basis and that are still not calibrated to."""


DISEASES = ("ssc_ild", "ra")


@cache
def shipped(disease: str = "ssc_ild") -> Trials:
    """Trials of a disease, read."""
    return read_trials(disease)


def targets_of(read: Trials) -> list[tuple[Trial, object]]:
    return [(trial, target) for trial in read.trials for target in trial.document.targets]


def test_the_trials_asked_for_are_there():
    assert {"sls_1", "sls_2", "senscis", "fasscinate", "focussced", "desires"} <= {trial.name for trial in shipped().trials}


@pytest.mark.parametrize("disease", DISEASES)
def test_a_row_that_gave_the_library_a_number_is_not_called_independent(disease):
    basis = {row for one in shipped(disease).base.library.parameters.values() for row in one.basis.replace(" ", "").split(";") if row}
    wrong = [
        (trial.name, target.id)
        for trial, target in targets_of(shipped(disease))
        if target.flag in ("Hs", "H")
        and not {(trial.name, target.id), (trial.name, "*")} & set(KNOWN_USES)
        and basis & set(trial.published[target.id].basis.split(";"))
    ]
    assert wrong == []


@pytest.mark.parametrize("disease", DISEASES)
def test_a_study_that_gave_the_library_any_number_has_no_row_called_unused(disease):
    """H means not used at all: not even another number of the same patients."""
    used = {key.strip() for one in shipped(disease).base.library.parameters.values() for key in one.source.split(";")}
    wrong = [
        (trial.name, target.id)
        for trial, target in targets_of(shipped(disease))
        if target.flag == "H" and used & {key for one in trial.published.values() for key in one.source.split(";")}
    ]
    assert wrong == []


def test_who_takes_some_drugs_and_no_others_names_every_drug():
    """A drug in neither list would count with those taken alone: a new form of a drug must be put into one."""
    known = {one.id for one in shipped("ra").base.library.treatments}
    alone = {(trial.name, target.id): known - {*target.any_of, *target.none_of} for trial, target in targets_of(shipped("ra")) if target.any_of and target.none_of}
    assert ("corrona", "conventional_24") in alone
    assert not any(alone.values()), alone


@pytest.mark.parametrize("disease", DISEASES)
def test_no_published_number_stands_in_a_trial_file(disease):
    assert all(target.published is not None for _, target in targets_of(shipped(disease)))
    assert all(not trial.document.numbers for trial in shipped(disease).trials)


@pytest.mark.parametrize("disease", DISEASES)
def test_every_published_number_is_used(disease):
    rows = {name for trial in shipped(disease).trials for name in trial.numbers}
    used = {target.published for _, target in targets_of(shipped(disease))}
    named = " ".join(repr(trial.document) for trial in shipped(disease).trials)
    unused = {name for name in rows - used if f"'{name}'" not in named}
    assert unused <= {"focussced_completed_48"}  # printed among what cannot be answered


@pytest.mark.slow
def test_the_shipped_trials_run_and_every_row_is_estimated():
    arthritis = validate(shipped("ra").base, shipped("ra").trials, patients=100)
    assert [row.target.id for row in arthritis.rows if row.verdict is Verdict.NOTHING] == []
    made = validate(shipped().base, shipped().trials, patients=200)
    assert [row.target.id for row in made.rows if row.verdict is Verdict.NOTHING] == []
    assert made.summary.calibrated > 25
    assert made.summary.independent > 60
    changed = {one.arm: one for one in made.switches}
    assert 0.0 < changed["s1"].stable < 1.0
    assert changed["s1"].rebound > 0.0
