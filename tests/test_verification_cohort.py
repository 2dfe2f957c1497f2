"""Cohort models of the literature against the engines, and their published increments against the incremental analysis.

The engines have no cycles. What a yearly matrix says can be met where a continuous chain has that matrix as its step of
one year (cases 01 and 22): the engine's share in each state at whole years is then the model's trace, and the case's own
counting is applied to it. The matrices of cases 02, 03, 05 and 07 have no such chain, and those of case 06 have none
because probabilities were made of rates one by one; case 06 is met as the rates say, against the matrix exponential.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import expm, logm

from pathway.economics.comparison import frontier
from pathway.engines import simulate
from pathway.program import Program
from tests import tiny
from tests.histories import by_patient, present_value, within, years_in_states

CASES = Path(__file__).parent / "verification"
PATIENTS = 3000


def case(name: str) -> dict:
    return json.loads((CASES / name).read_text())


def table(name: str) -> list[dict[str, str]]:
    with (CASES / name).open(newline="") as file:
        return list(csv.DictReader(file))


def chain(states: tuple[str, ...], rates: np.ndarray, horizon: float, absorbing: int = 0) -> Program:
    """Every rate off the diagonal as a hazard of its own."""
    moves = tuple(
        tiny.hazard(f"{states[one]}_{states[other]}", float(rates[one, other]), 1 << one, other)
        for one in range(len(states))
        for other in range(len(states))
        if one != other and rates[one, other] > 1e-12
    )
    return tiny.with_names(states=states, absorbing=absorbing, horizon=horizon, transitions=moves)


def at_years(log, states: tuple[str, ...], years: np.ndarray) -> np.ndarray:
    """Is a patient in a state at a time: shape (patients, times, states)."""
    spans = years_in_states(log)
    found = np.zeros((PATIENTS, years.size, len(states)))
    for patient, state, start, stop in spans.itertuples(index=False):
        found[patient, (years >= start) & (years < stop), states.index(state)] = 1.0
    return found


def test_well_disabled_dead_is_case_01(engine):
    data = case("01_sonnenberg_beck_three_state.json")
    states = tuple(data["inputs"]["states"])
    matrix = np.array(data["inputs"]["transition_matrix"])
    log = simulate(chain(states, logm(matrix), 25.0, absorbing=0b100), tiny.people(PATIENTS), 1, engine=engine)
    occupied = at_years(log, states, np.arange(1.0, 25.0))
    for cycle in ("cycle1", "cycle2"):
        alive = np.array(data["published"][cycle]["counts"][:2]) / 10_000.0
        for state, share in enumerate(alive):
            assert within(occupied[:, int(cycle[-1]) - 1, state], share)
    utility = occupied @ np.array(data["inputs"]["utility_per_cycle"], dtype=float)
    assert within(utility.sum(axis=1), data["recomputed"]["cumulative_end_counting_24"] / 10_000.0)
    assert within(utility.sum(axis=1) + 0.5 - 0.5 * utility[:, -1], data["recomputed"]["half_cycle_corrected_24"] / 10_000.0)


@pytest.mark.parametrize("row", [row for row in table("22_one_way_costs.csv") if float(row["p1"]) + float(row["p2"]) < 1.0])
def test_two_states_and_back_are_case_22(engine, row):
    inputs = case("22_one_way_sensitivity_two_state.json")["inputs"]
    there, back = float(row["p1"]), float(row["p2"])
    rates = logm(np.array([[1.0 - there, there], [back, 1.0 - back]]))
    log = simulate(chain(("one", "other"), rates, 11.0), tiny.people(PATIENTS), 22, engine=engine)
    occupied = at_years(log, ("one", "other"), np.arange(1.0, 11.0))
    cost = (occupied @ np.array(inputs["cost"][f"strategy_{row['strategy']}"], dtype=float)).sum(axis=1)
    assert within(cost, float(row["total_cost"]) / 100.0)


@pytest.mark.parametrize("treated", [1.0, 0.6])
def test_healthy_sick_sicker_is_case_06_in_continuous_time(engine, treated):
    inputs = case("06_sick_sicker_time_independent.json")["inputs"]
    rate, ratio, years = inputs["rates"], inputs["hazard_ratio_death"], float(inputs["cycles"])
    dies = rate["H_to_D"]
    rates = np.zeros((4, 4))
    rates[0, 1], rates[1, 0], rates[1, 2] = rate["H_to_S1"], rate["S1_to_H"], rate["S1_to_S2"] * treated
    rates[:3, 3] = dies, dies * ratio["S1"], dies * ratio["S2"]
    rates -= np.diag(rates.sum(axis=1))
    states = tuple(inputs["states"])
    log = simulate(chain(states, rates, years, absorbing=0b1000), tiny.people(PATIENTS), 6, engine=engine)
    spans = years_in_states(log)
    force = np.log1p(inputs["discount"])
    generator = rates[:3, :3] - force * np.eye(3)
    exact = (np.linalg.inv(generator) @ (expm(generator * years) - np.eye(3)))[0]
    for state, discounted in enumerate(exact):
        lived = by_patient(spans, present_value(spans, inputs["discount"]) * (spans["state"] == states[state]).to_numpy(), PATIENTS)
        assert within(lived, discounted)


# --- increments -------------------------------------------------------------------------------------------------

TABLES = sorted({row["case"] for row in table("09_frontier_inputs_and_status.csv")})


@pytest.mark.parametrize("name", TABLES)
def test_frontiers_are_case_09(name):
    """On the frontier (ND), dominated (D) or extendedly dominated (ED); what is equal to another shares its place."""
    rows = [row for row in table("09_frontier_inputs_and_status.csv") if row["case"] == name]
    options = {o.label: o for o in frontier([float(row["cost"]) for row in rows], [float(row["effect"]) for row in rows], [row["strategy"] for row in rows])}

    def status(label: str) -> str:
        said = options[label].status
        if said.startswith("equal to "):
            return status(said.removeprefix("equal to "))
        return "D" if said.startswith("dominated") else "ED" if said.startswith("extendedly") else "ND"

    assert {row["strategy"]: status(row["strategy"]) for row in rows} == {row["strategy"]: row["status"] for row in rows}
    for row in table("09_frontier_increments.csv"):
        option = options.get(row["strategy"])
        if row["case"] == name and row["icer"] and not option.status.startswith("equal"):
            assert option.icer == pytest.approx(float(row["icer"]), rel=1e-6)


PUBLISHED = {
    "02": ([("mono", 44663.4535637, 7.9912066), ("comb", 50601.6513312, 8.9373889)], {"comb": 6275.9556}, 1e-6),
    "03": ([("standard", 512.43465834, 14.653189615), ("np1", 610.31181776, 14.697709857)], {"np1": 2198.486665}, 1e-6),
    "04": ([("caffeine_ergotamine", 4.714972, 0.201276 / 365.0), ("sumatriptan", 22.058057, 0.416861 / 365.0)], {"sumatriptan": 29363.02}, 1e-5),
    "06": (
        [("SoC", 151579.866, 20.71133), ("A", 284804.513, 21.49866), ("B", 259100.411, 22.18447), ("AB", 378875.198, 23.13684)],
        {"B": 72988.0, "AB": 125764.0},
        1e-4,
    ),
    "07": (
        [("SoC", 116374.448, 18.8792), ("A", 218789.359, 19.63556), ("B", 202536.46, 20.19893), ("AB", 296300.326, 21.09653)],
        {"B": 65288.0, "AB": 104461.0},
        1e-4,
    ),
}  # fmt: skip
"""Case -> strategies with cost and effect, ratios that the source prints for those on the frontier, and its rounding."""


@pytest.mark.parametrize("number", PUBLISHED)
def test_published_increments_follow_from_published_costs_and_effects(number):
    strategies, ratios, rounding = PUBLISHED[number]
    labels, costs, effects = zip(*strategies, strict=True)
    options = {one.label: one for one in frontier(costs, effects, labels)}
    assert {label for label, one in options.items() if one.status == "on frontier"} == set(ratios)
    for label, ratio in ratios.items():
        assert options[label].icer == pytest.approx(ratio, rel=rounding)
