"""Engines against exact answers: exponential survival, verification cases 14, 18 and 20, and a life table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pathway import kernels
from pathway.draws import stream_id
from pathway.engines import simulate
from pathway.program import CandidateSpec, Clock, ClockKind, Form, LifeTable, Move, Phases, TransitionSpec
from tests import tiny
from tests.histories import by_patient, crowd, lives, present_value, within, years_in_states

CASES = Path(__file__).parent / "verification"
PATIENTS = 4000


def case(name: str) -> dict:
    return json.loads((CASES / name).read_text())


@pytest.mark.parametrize("hazard", [0.02, 0.1, 1.5])
def test_two_states_live_as_long_as_the_formula_says(engine, hazard):
    log = simulate(tiny.two_states(hazard=hazard, horizon=30.0), tiny.people(PATIENTS), 7, engine=engine)
    exact = (1.0 - np.exp(-hazard * 30.0)) / hazard
    assert within(lives(log).to_numpy(), exact)


def test_a_budget_is_spent_to_the_last_bit(engine):
    """A constant hazard dies at budget / hazard exactly, for grid points do not matter to it."""
    program = tiny.two_states(hazard=0.25, horizon=1e6)
    log = simulate(program, tiny.people(200), 3, engine=engine)
    for patient, life in lives(log).items():
        budget = kernels.exponential(3, 0, patient, stream_id("transition:die"), 0)
        assert life == pytest.approx(budget / 0.25, rel=1e-12)


def test_hazard_zero_never_fires_and_a_huge_one_fires_at_once(engine):
    assert (lives(simulate(tiny.two_states(hazard=0.0), tiny.people(50), 1, engine=engine)) == 100.0).all()
    assert (lives(simulate(tiny.two_states(hazard=1e9), tiny.people(50), 1, engine=engine)) < 1e-6).all()


def test_weibull_survival_is_case_18(engine):
    data = case("18_weibull_survival_closed_form.json")
    shape, scale = data["inputs"]["shape"], data["inputs"]["scale"]
    spec = TransitionSpec(name="die", stream=stream_id("transition:die"), sources=1, to=1, form=Form.WEIBULL, shape=shape, scale=scale)
    program = tiny.with_names(states=("alive", "dead"), absorbing=2, horizon=200.0, transitions=(spec,))
    log = simulate(program, tiny.people(PATIENTS), 18, engine=engine)
    exact = data["exact"]
    assert within(lives(log).to_numpy(), exact["life_expectancy"])
    spans = years_in_states(log)
    discounted = by_patient(spans, present_value(spans, 0.03), PATIENTS)
    assert within(discounted, exact["by_discount_form"]["annual_effective_3pc"]["discounted_life_years"])


@pytest.mark.parametrize("arm", ["int", "noint"])
def test_sick_sicker_dead_is_case_14(engine, arm):
    data = case("14_continuous_time_sick_sicker_dead.json")
    inputs = data["inputs"]["arms"][arm]
    program = tiny.sick_sicker(sick_to_sicker=inputs["rate_sick_to_sicker"])
    log = simulate(program, tiny.people(PATIENTS), 14, engine=engine)
    spans = years_in_states(log)
    utility = spans["state"].map(data["inputs"]["utility"]).to_numpy()
    cost = spans["state"].map({"sick": inputs["cost_sick"], "sicker": inputs["cost_sicker"]}).to_numpy()
    for label, rate in (("discounted", 0.035), ("undiscounted", 0.0)):
        exact = data["exact"][label][arm]
        years = present_value(spans, rate)
        assert within(by_patient(spans, years, PATIENTS), exact["ly"])
        assert within(by_patient(spans, years * utility, PATIENTS), exact["qaly"])
        assert within(by_patient(spans, years * cost, PATIENTS), exact["cost"])


LINES = ("L1", "L2", "L3")


def three_lines(order: tuple[str, ...], *, weibull: bool) -> tuple:
    """Case 20 as a program: therapies in order, then best supportive care."""
    inputs = case("20_three_line_pathway_closed_form.json")["inputs"]
    states = ("untreated", *[f"line_{n}" for n in range(1, len(order) + 1)], "supportive_care", "dead")
    dead, care = len(states) - 1, len(states) - 2
    alive = (1 << dead) - 1
    transitions = []
    for number, therapy in enumerate(order):
        rates = inputs["lines"][therapy]
        transitions.append(tiny.hazard(f"die_{therapy}", rates["death_rate"], 1 << (number + 1), dead, cause="all"))
        form = {"form": Form.WEIBULL, "shape": 1.3, "scale": 1.0 / rates["stop_rate"]} if weibull else {}
        transitions.append(
            TransitionSpec(
                name=f"stop_{therapy}", stream=stream_id(f"transition:stop_{therapy}"), sources=alive, treatment=number, stops=1 << number, reason="intolerance",
                clock=Clock(kind=ClockKind.COURSE, treatment=number), rates=Phases(values=(rates["stop_rate"],)), **form,
            )
        )  # fmt: skip
    transitions.append(tiny.hazard("die_BSC", inputs["lines"]["BSC"]["death_rate"], 1 << care, dead, cause="all"))
    moves = [Move(trigger=t.name, label=t.name, sources=t.sources, to=t.to) for t in transitions if t.to >= 0]
    moves += [Move(trigger=f"line:{states[to]}", label="line", sources=alive, to=to) for to in range(1, care + 1)]
    program = tiny.with_names(
        states=states, absorbing=1 << dead, last_resort=care, line_states=tuple(range(len(order) + 1)), treatments=order, transitions=tuple(transitions),
        lines=tuple((CandidateSpec(regimen=1 << n),) for n in range(len(order))), moves=tuple(moves), horizon=500.0,
    )  # fmt: skip
    return program, inputs


@pytest.mark.parametrize("name", list(case("20_three_line_pathway_closed_form.json")["exact"]))
@pytest.mark.parametrize("variant", ["exponential_3_5", "weibull_3_5", "exponential_cost3_qaly1_5"])
def test_three_lines_of_therapy_are_case_20(engine, name, variant):
    data = case("20_three_line_pathway_closed_form.json")
    exact = data["exact"][name][variant]
    order = tuple(part for part in name.split(" (")[0].split(">") if part != "BSC")
    program, inputs = three_lines(order, weibull=variant.startswith("weibull"))
    size = 2000
    log = simulate(program, tiny.people(size), 20, engine=engine)
    spans = years_in_states(log)
    therapy = spans["state"].map({**{f"line_{n}": t for n, t in enumerate(order, 1)}, "supportive_care": "BSC", "untreated": "L1"})
    cost_rate, qaly_rate = (0.03, 0.015) if "cost3" in variant else (0.035, 0.035)
    of = {t: inputs["lines"][t] for t in (*LINES, "BSC")}
    running = therapy.map(lambda t: of[t]["running_cost_per_year"]).to_numpy()
    utility = therapy.map(lambda t: of[t]["utility"]).to_numpy()
    has_length = (spans["stop"] > spans["start"]).to_numpy()
    starting = therapy.map(lambda t: of[t]["cost_on_start"]).to_numpy() * (1.0 + cost_rate) ** -spans["start"].to_numpy() * has_length
    death = inputs["cost_at_death"] * (1.0 + cost_rate) ** -lives(log).to_numpy()
    cost = by_patient(spans, present_value(spans, cost_rate) * running + starting, size) + death
    qaly = by_patient(spans, present_value(spans, qaly_rate) * utility, size)
    assert within(lives(log).to_numpy(), exact["life_years"])
    assert within(qaly, exact["qaly"])
    assert within(cost, exact["cost"])
    for line in exact["lines"]:
        years = by_patient(spans, present_value(spans, 0.0) * (therapy == line["line"]).to_numpy(), size)
        assert within(years, line["undiscounted_years"])


def test_a_life_table_gives_back_its_life_expectancy(engine):
    """Hazard constant inside each year of age, inverted once; after the last age the last hazard goes on."""
    q = np.minimum(0.0005 * np.exp(0.085 * np.arange(0, 110)), 0.6)
    hazards = np.concatenate([[0.0], np.cumsum(-np.log1p(-q))])
    spec = TransitionSpec(
        name="die", stream=stream_id("transition:die"), sources=1, to=1, form=Form.TABLE, table=0, clock=Clock(kind=ClockKind.AGE), is_invariant=True
    )
    program = tiny.with_names(
        states=("alive", "dead"), absorbing=2, horizon=200.0, transitions=(spec,), life_tables=(LifeTable(name="t", tables=(hazards, hazards)),)
    )
    log = simulate(program, tiny.people(PATIENTS, values=(50.5,)), 5, engine=engine)
    ages = np.linspace(50.5, 200.5, 1_500_001)
    cumulative = np.interp(ages, np.arange(111), hazards) + np.maximum(ages - 110, 0) * (hazards[-1] - hazards[-2])
    exact = np.trapezoid(np.exp(-(cumulative - cumulative[0])), ages)
    assert within(lives(log).to_numpy(), exact)


def test_a_hazard_that_follows_a_marker_is_integrated_exactly(engine):
    """A marker falling on a straight line makes a Gompertz hazard: the mean life against quadrature."""
    from pathway.program import EffectKind, EffectSpec, MarkerSpec

    program = tiny.with_names(
        states=("alive", "dead"), absorbing=2, horizon=40.0, covariates=("age", "m0"),
        markers=(MarkerSpec(name="m", baseline=1),),
        effects=(EffectSpec(name="fall", marker=0, kind=EffectKind.DRIFT, per_year=Phases(values=(-2.0,))),),
        transitions=(tiny.hazard("die", 0.03, 1, 1, marker_terms=((0, -0.03, 70.0),)),),
    )  # fmt: skip
    log = simulate(program, tiny.people(crowd(engine, PATIENTS), ("age", "m0"), (50.0, 80.0)), 9, engine=engine)
    t = np.linspace(0.0, 40.0, 400_001)
    level = 0.03 * np.exp(-0.03 * 10.0)
    survival = np.exp(-level * np.expm1(0.06 * t) / 0.06)
    assert within(lives(log).to_numpy(), np.trapezoid(survival, t))
