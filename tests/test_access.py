"""Access outputs: cases read from logs, the funnel gives its input rates back, the cost of delay adds up, and requests are paid for once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import pathway
from pathway import experiment
from pathway.access.cases import DOCUMENTS, RENEWAL, RESIDUAL, RULE, cases
from pathway.access.delay import MECHANISMS, delay_row, is_drug, mechanisms, plan_cost, sentence, waiting_of, waits, without_waiting
from pathway.access.funnel import funnel_row, quantile, ratio
from pathway.engines import simulate
from pathway.program import CandidateSpec, DelaySpec, DenialSpec
from pathway.report.access import access_tables, delay_sentences
from pathway.report.figures.access import STAGES, access_figures, draw_funnel
from pathway.report.html import answer
from pathway.report.tables import full_incremental
from pathway.report.view import View
from pathway.story import Words, rows_of, tell
from tests import tiny
from tests.histories import crowd, same_history
from tests.test_requests import ADD_B, HALF, IN_FILE, NEVER_MET, payer

SCENARIO = Path(__file__).parents[1] / "scenarios" / "ssc_ild_access.toml"
ONE_LINE = {"lines": ((CandidateSpec(regimen=1),), ())}
YEAR = 365.25


def one(program, engine, word="start"):
    """The cases of patient 1."""
    return cases(simulate(program, tiny.drug_people(1, first=1), 4, engine=engine), word)


# --- cases --------------------------------------------------------------------------------------------------------


def test_a_case_runs_from_order_to_first_dose(engine):
    supply = (DelaySpec(mean=0.125),) * 2
    (case,) = one(payer(submission=DelaySpec(mean=0.25), decision=HALF, supplies=supply, **ONE_LINE), engine).to_dict("records")
    assert (case["ordered"], case["requested"], case["decided"], case["first_dose"]) == (0.0, 0.25, 0.75, 0.875)
    assert case["asked"]
    assert case["approved"]
    assert not case["denied"]
    assert (case["regimen"], case["denial"], case["closed"]) == (1, "", 0.875)


def test_an_order_nobody_asks_about_is_a_case_without_a_request(engine):
    (case,) = one(payer(treatments=0, supplies=(HALF, HALF), **ONE_LINE), engine).to_dict("records")
    assert not case["asked"]
    assert np.isnan(case["requested"])
    assert case["first_dose"] == 0.5


def test_a_denied_order_and_its_next_candidate_are_two_cases(engine):
    table = one(payer(start_rules=(NEVER_MET, -1), decision=HALF), engine)
    assert table["regimen"].tolist() == [1, 2]
    assert table["refused"].tolist() == [True, False]
    assert table["denial"].tolist() == [RULE, ""]
    assert np.isnan(table["first_dose"][0])
    assert table["first_dose"][1] == 1.0
    assert table["closed"].tolist() == [0.5, 1.0]


def test_a_resubmission_belongs_to_its_case(engine):
    program = payer(start_rules=(IN_FILE, -1), documents=(0.0,), completes=0.0, denials=(DenialSpec(),) * 2 + (DenialSpec(resubmission=1.0),), **ONE_LINE)
    (case,) = one(program, engine).to_dict("records")
    assert case["resubmitted"]
    assert case["refused"]
    assert case["denial"] == DOCUMENTS
    assert case["informed"]


def test_a_won_call_and_a_won_appeal_are_overturned_denials(engine):
    call, appeal = DenialSpec(peer_to_peer=1.0, peer_to_peer_success=1.0), DenialSpec(appeal=1.0, appeal_success=1.0)
    for after in (call, appeal):
        (case,) = one(payer(residual_merits=1.0, denials=(DenialSpec(), after, DenialSpec()), peer_to_peer=HALF, appeal=HALF, **ONE_LINE), engine).to_dict(
            "records"
        )
        assert case["denied"]
        assert case["denial"] == RESIDUAL
        assert case["disputed"]
        assert case["overturned"]
        assert (case["decided"], case["first_dose"]) == (0.0, 0.5)


def test_what_is_given_up_and_what_death_closes_are_told_apart(engine):
    given_up = one(payer(start_rules=(NEVER_MET, NEVER_MET), abandonment=1.0, **ONE_LINE), engine)
    assert given_up["abandoned"].tolist() == [True]
    die = tiny.hazard("die", 50.0, tiny.ALIVE, 4, cause="x")
    cut = one(payer(decision=DelaySpec(mean=8.0), transitions=(die,)), engine)
    assert cut["is_open"].tolist() == [True]
    assert not cut["approved"].any()


def test_renewals_are_cases_of_their_own(engine):
    table = one(payer(approval_lasts=1.0, renewal_lasts=3.0, renewal_lead=0.25, decision=HALF, **ONE_LINE), engine, RENEWAL)
    assert table["requested"].round(6).tolist() == [1.25, 4.5, 7.75], "from the start at 0.5; a late answer counts from its own day"
    assert table["approved"].all()


def test_a_bridge_is_not_the_first_dose(engine):
    program = payer(treatments=0b10, decision=HALF, bridge=0b01, lines=((CandidateSpec(regimen=2),), ()))
    assert one(program, engine)["first_dose"].tolist() == [0.5]


# --- the funnel ---------------------------------------------------------------------------------------------------


def test_the_funnel_gives_its_input_rates_back(engine):
    """Every chance that was put in, within three standard errors of what the funnel reads."""
    chances = {"documents": 0.7, "completes": 0.6, "residual": 0.2, "call": 0.5, "won": 0.6, "appeal": 0.3, "appeal_won": 0.8, "again": 0.4, "given_up": 0.1}
    after = DenialSpec(peer_to_peer=0.5, peer_to_peer_success=0.6, appeal=0.3, appeal_success=0.8)
    program = payer(
        start_rules=(IN_FILE, -1),
        documents=(0.7,),
        completes=0.6,
        residual_merits=0.2,
        denials=(after, after, DenialSpec(resubmission=0.4)),
        abandonment=0.1,
        **ONE_LINE,
    )
    log = simulate(program, tiny.drug_people(crowd(engine, 3000)), 7, engine=engine)
    found = funnel_row(log, np.full(crowd(engine, 3000), 10.0))
    lacking = (1 - chances["documents"]) * (1 - chances["completes"])
    merits = (1 - lacking) * chances["residual"]
    denied = lacking + merits
    disputed = merits * (1 - chances["given_up"]) * (chances["call"] + (1 - chances["call"]) * chances["appeal"])
    won = (
        chances["call"] * (chances["won"] + (1 - chances["won"]) * chances["appeal"] * chances["appeal_won"])
        + (1 - chances["call"]) * chances["appeal"] * chances["appeal_won"]
    )
    expected = {
        "approved_first_pass": 1 - denied,
        "denied": denied,
        "denied_on_rule": 0.0,
        "informed": 1 - chances["documents"],
        "abandoned": denied * 0.1 + lacking * 0.9 * 0.4 * denied * 0.1,
        "requests": 1.0,
    }
    for key, value in expected.items():
        assert abs(found[key] - value) <= 3.0 * found[f"{key}_se"] + 1e-12, key
    table = cases(log)
    first_on_merits = table[table["denial"] == RESIDUAL]
    share, error = ratio(first_on_merits["disputed"].to_numpy(dtype=float), np.ones(len(first_on_merits)))
    assert abs(share - disputed / merits) <= 3.0 * error
    contested = first_on_merits[first_on_merits["disputed"]]
    share, error = ratio(contested["overturned"].to_numpy(dtype=float), np.ones(len(contested)))
    asked = chances["call"] + (1 - chances["call"]) * chances["appeal"]
    assert abs(share - won / asked) <= 3.0 * error
    for_documents = table[table["denial"] == DOCUMENTS]
    share, error = ratio(for_documents["resubmitted"].to_numpy(dtype=float), np.ones(len(for_documents)))
    assert abs(share - (1 - chances["given_up"]) * chances["again"]) <= 3.0 * error


def test_days_are_what_the_delays_say(engine):
    spread = 0.5
    supply = DelaySpec(mean=0.1, family="lognormal", sd_log=spread, stream=11)
    program = payer(submission=DelaySpec(mean=0.02), decision=DelaySpec(mean=0.05, family="exponential", stream=12), supplies=(supply, supply), **ONE_LINE)
    found = funnel_row(simulate(program, tiny.drug_people(crowd(engine, 3000)), 7, engine=engine), np.full(crowd(engine, 3000), 10.0))
    assert abs(found["decision_days"] - 0.05 * YEAR) < 3.0 * found["decision_days_se"]
    assert abs(found["decision_days_median"] - 0.05 * np.log(2.0) * YEAR) < 3.0 * found["decision_days_median_se"]
    assert abs(found["decision_days_p90"] - 0.05 * np.log(10.0) * YEAR) < 3.0 * found["decision_days_p90_se"]
    assert found["dose_days"] == found["dose_approved_days"]
    unasked = funnel_row(
        simulate(replace(program, access=replace(program.access, treatments=0)), tiny.drug_people(crowd(engine, 3000)), 7, engine=engine), np.full(crowd(engine, 3000), 10.0)
    )
    assert abs(unasked["dose_unasked_days"] - 0.1 * np.exp(-0.5 * spread**2) * YEAR) < 3.0 * unasked["dose_unasked_days_se"]
    assert unasked["requests"] == 0.0
    assert np.isnan(unasked["denied"])


def test_requests_of_one_treatment_are_its_own(engine):
    program = payer(start_rules=(NEVER_MET, -1))
    log = simulate(program, tiny.drug_people(50), 7, engine=engine)
    years = np.full(50, 10.0)
    assert funnel_row(log, years, treatment=0)["denied"] == 1.0
    assert funnel_row(log, years, treatment=1)["denied"] == 0.0
    assert funnel_row(log, years)["requests"] == pytest.approx(2.0)
    assert funnel_row(log, years)["requests_per_100_years"] == pytest.approx(20.0)
    assert funnel_row(log, years)["forced_to_step"] == pytest.approx(0.5)


def test_an_error_takes_patients_as_independent():
    """Ten patients of ten identical requests are ten observations, not a hundred."""
    rng_free = np.array([0.0, 10.0] * 5)
    value, error = ratio(rng_free, np.full(10, 10.0))
    assert value == 0.5
    assert error == pytest.approx(np.std([0.0, 1.0] * 5, ddof=1) / np.sqrt(10.0))
    assert quantile(np.zeros(0), 0.5)[0] != quantile(np.zeros(0), 0.5)[0]


# --- waiting ------------------------------------------------------------------------------------------------------


def test_waiting_is_read_with_what_was_taken_and_what_was_lost(engine):
    """Half a year untreated at entry, half a year on a from year 1: m falls by 4 a year untreated, by 1 on a in its first 1.25 years."""
    program = payer(decision=HALF, **ADD_B)
    found = waiting_of(simulate(program, tiny.drug_people(1, first=1), 4, engine=engine), "m")
    assert found.days.tolist() == pytest.approx([YEAR])
    assert found.untreated_days.tolist() == pytest.approx([0.5 * YEAR])
    assert found.change.tolist() == pytest.approx([-2.0 - 0.5])


def test_a_payer_without_waiting_keeps_its_answers(engine):
    access = payer(decision=HALF, appeal=HALF, residual_merits=0.3, supplies=(HALF, HALF)).access
    quick = without_waiting(access)
    assert waits(access)
    assert not waits(quick)
    assert quick.supplies == access.supplies
    assert quick.residual_merits == access.residual_merits


@pytest.fixture(scope="module")
def results():
    """The access study on a few patients over ten years, with the payers answering at once."""
    scenario = pathway.read(SCENARIO)
    short = replace(scenario, study=scenario.study.model_copy(update={"horizon": 10.0}))
    return experiment.with_undelayed(experiment.run(short, patients=40))


def test_the_same_patients_meet_every_payer(results):
    """Until the first request is answered, the histories are the same to the last bit."""
    frames = (results.strategies[name].log.frame() for name in ("no_authorisation", "two_step"))
    first = [frame[frame["time"] == 0.0].drop(columns=["detail", "name", "kind"]).reset_index(drop=True) for frame in frames]
    assert first[0].equals(first[1])
    assert np.array_equal(results.cohort.values, experiment.draw_cohort(results.scenario, results.values, size=40, seed=results.seed).values)


def test_adding_a_payer_moves_no_other(results):
    scenario = results.scenario
    fewer = replace(scenario, strategies={name: scenario.strategies[name] for name in ("no_authorisation", "two_step")})
    again = experiment.run(fewer, patients=40)
    for name in fewer.strategies:
        assert same_history(again.strategies[name].log, results.strategies[name].log)


def test_payers_that_differ_by_payer_alone_are_compared(results):
    assert set(results.undelayed) == {"hrct_only", "one_step", "two_step", "slow_payer"}


def test_mechanisms_add_up_to_the_total(results):
    base = results.strategies["no_authorisation"]
    for name, undelayed in results.undelayed.items():
        table = mechanisms(results.strategies[name], undelayed, base, threshold=100_000.0).set_index("mechanism")
        for key in ("qalys", "drug_cost", "net_plan_cost", "nmb"):
            assert table.loc[list(MECHANISMS), key].sum() == pytest.approx(table.loc["total", key], rel=1e-9, abs=1e-9), (name, key)
        row = delay_row(results.strategies[name], base, marker="fvc", thresholds=(100_000.0,))
        assert table.loc["total", "nmb"] == pytest.approx(row["nmb_100000"])
        assert row["net_plan_cost"] == pytest.approx(row["drug_cost"] + row["other_cost"] + row["admin_plan"])


def test_a_policy_against_itself_costs_exactly_nothing(results):
    base = results.strategies["hrct_only"]
    row = delay_row(base, base, marker="fvc", thresholds=(50_000.0, 100_000.0))
    zeros = [key for key in row if key not in ("days_waited", "days_waited_se", "break_even")]
    assert all(row[key] == 0.0 for key in zeros)
    table = mechanisms(base, base, base, threshold=1.0)
    assert (table[["patients", "qalys", "net_plan_cost"]] == 0.0).all(axis=None)


def test_requests_are_paid_for_once_by_each_side(results):
    """One unit of handling a REQUEST row, one a dispute, and nothing where nobody asks."""
    for name, run in results.strategies.items():
        use = run.ledger.use_frame()
        frame = run.log.frame()
        for item, kind in (
            ("request_provider", "request"),
            ("request_plan", "request"),
            ("denial_provider", "deny"),
            ("appeal_provider", "appeal"),
            ("appeal_plan", "appeal"),
        ):
            assert use[use["item"] == item]["quantity"].sum() == (frame["kind"] == kind).sum(), (name, item)
    assert (results.strategies["no_authorisation"].log.frame()["kind"] != "request").all()
    free = results.strategies["no_authorisation"]
    handled = [k for k, category in enumerate(free.outcomes.categories) if category.startswith("access_")]
    assert free.outcomes.costs[:, handled].sum() == 0.0


def test_certain_denial_without_appeal_costs_no_drug(results):
    """Deny tocilizumab always: nobody uses it, and no item of it is in the ledger."""
    run = results.strategies["hrct_only"]
    number = run.program.treatments.index("tocilizumab")
    never = replace(run.program.access, treatments=1 << number, residual_merits=1.0, residual_documents=0.0, denials=(DenialSpec(),) * 3)
    part = results.cohort.part(0, 15)
    program = replace(run.program, access=never)
    log = experiment.simulate_strategy(program, part, results.seed)
    assert not (log.events["regimen"] >> number & 1).any()
    ledger = experiment.ledgers.build(log, program, part, results.scenario.library, results.values)
    items = ledger.use_frame().groupby("item", observed=False)["quantity"].sum()
    assert items.get("tocilizumab_syringe", 0.0) == 0.0


def test_the_shipped_rules_behave_as_their_names(results):
    """Naive tocilizumab: a step edit denies nearly all at first, a rule on HRCT few; on the rule itself HRCT denies nobody who had no biologic."""
    number = results.strategies["hrct_only"].program.treatments.index("tocilizumab")
    found = {}
    for name in ("hrct_only", "one_step", "two_step"):
        table = cases(results.strategies[name].log)
        naive = table[(table["regimen"] == 1 << number) & (table["ordered"] == 0.0)]
        found[name] = float(naive["denied"].mean())
    assert found["hrct_only"] < 0.3
    assert found["two_step"] > 0.9
    assert found["one_step"] > 0.8


# --- what the reader sees -----------------------------------------------------------------------------------------


def test_tables_and_figures_of_access_are_made(results):
    view = View(results)
    tables = {table.name: table for table in access_tables(view)}
    assert list(tables) == ["access_funnel", "cost_of_delay", "delay_mechanisms", "payer_rules", "payer_rules_unseen"]
    assert set(tables["access_funnel"].frame["strategy"]) == set(results.strategies)
    assert set(tables["payer_rules"].frame["rule"]) == {"P-CVS-SSC", "P-CIG-NIN", "P-SEED-SSC", "P-P32-SSC"}
    for table in tables.values():
        assert {column.key for column in table.columns} <= set(table.frame.columns), table.name
    sheets = access_figures(view)
    assert [sheet.name for sheet in sheets] == ["access_funnel", "access_waiting", "access_marker", "access_mechanisms"]
    said = answer(view, full_incremental(view))
    assert all(line in said for line in delay_sentences(view))


def test_many_drugs_are_drawn_in_rows_of_three(results):
    look = View(results).look
    drugs = {f"drug_{k}": f"a drug with a long name, number {k}" for k in range(5)}
    rows = [
        {"strategy": name, "treatment": drug, "stage": stage, "share": 1.0, "patients": 9}
        for name in look.ids for drug in drugs for stage, _ in STAGES
    ]  # fmt: skip
    figure = draw_funnel(look, pd.DataFrame(rows), drugs)
    shown = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_subplotspec().rowspan.start for axes in shown] == [0, 0, 0, 1, 1]


def test_waiting_is_not_drawn_where_nobody_waits(results, monkeypatch):
    nobody = pd.DataFrame({"strategy": list(results.strategies), "days": 0.0})
    monkeypatch.setattr("pathway.report.figures.access.waiting_numbers", lambda _: nobody)
    assert "access_waiting" not in [sheet.name for sheet in access_figures(View(results))]


def test_a_run_without_requests_has_no_access_section(results):
    quiet = {
        name: replace(run, kept_log=simulate(replace(run.program, access=replace(run.program.access, treatments=0, supplies=())), results.cohort.part(0, 2), 1))
        for name, run in results.strategies.items()
    }
    assert access_tables(View(replace(results, strategies=quiet, undelayed={}))) == []


def test_the_sentence_says_who_pays():
    sure = {"qalys": -0.2, "qalys_se": 0.01, "net_plan_cost": 900.0, "net_plan_cost_se": 10.0}
    assert sentence(sure, "A", "B", "USD").endswith("nobody gains.")
    assert "less than the simulation can tell" in sentence({**sure, "qalys_se": 1.0}, "A", "B", "USD")
    assert "gains the patient 0.200" in sentence({**sure, "qalys": 0.2}, "A", "B", "USD")


def test_costs_are_parted_by_who_bears_them(results):
    run = results.strategies["slow_payer"]
    total = run.outcomes.costs.sum(axis=1)
    provider = run.outcomes.costs[:, run.outcomes.categories.index("access_provider")]
    assert np.allclose(plan_cost(run), total - provider)
    assert provider.sum() > 0.0
    assert is_drug("drug")
    assert not is_drug("access_plan")


def test_the_story_tells_orders_and_disputes(results):
    run = results.strategies["two_step"]
    frame = run.log.frame()
    patient = int(frame[frame["kind"] == "uphold"]["patient"].iloc[0]) if (frame["kind"] == "uphold").any() else int(frame["patient"].iloc[0])
    told = " ".join(one.text for one in tell(rows_of(run.log, patient), Words(results.scenario, run.program)))
    assert "a regimen is ordered and must wait" in told
    assert "authorisation is asked for" in told
