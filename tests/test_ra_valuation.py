"""Rheumatoid arthritis valued: what a simulated year costs, days in hospital by HAQ, both maps and the switches that value more."""

from __future__ import annotations

import csv
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import pathway
from pathway import experiment
from pathway.definition.scenario import Scenario
from pathway.economics.valuation import terms_of, value
from pathway.experiment import Results, StrategyResult
from pathway.reading import read
from pathway.report.quality import quality_tables
from pathway.report.view import View

SCENARIO = Path(__file__).parents[1] / "scenarios" / "ra_us.toml"
EVIDENCE = Path(pathway.__file__).parent / "library" / "ra" / "evidence" / "economic.csv"
PATIENTS = 80


@cache
def scenario() -> Scenario:
    return read(SCENARIO)


@cache
def results() -> Results:
    return experiment.run(scenario(), patients=PATIENTS, strategies=["r1", "r3", "r4"])


def test_the_numbers_of_the_library_are_carried_as_they_are_written():
    """A number of days a year must not be taken for a share of time: half a day would become 0.0014."""
    values = scenario().base_values()
    with EVIDENCE.open(encoding="utf-8", newline="") as file:
        written = {row["id"]: float(row["value"]) for row in csv.DictReader(file)}
    assert {name: values[name] for name in written if name in values} == pytest.approx({name: number for name, number in written.items() if name in values})
    assert values["hospital_days_6"] == 4.16


def test_days_in_hospital_are_those_of_the_haq_that_was_lived():
    """Against a plain sum over a fine grid of every life."""
    days, edges = np.array([0.26, 0.13, 0.51, 0.72, 1.86, 4.16]), np.array([0.5, 1.0, 1.5, 2.0, 2.5])
    for run in results().strategies.values():
        life, use = run.ledger.life, run.ledger.use
        share = (np.arange(200) + 0.5) / 200
        first, last = (np.asarray(life[f"haq_{side}"], dtype=float)[:, None] for side in ("start", "stop"))
        haq = first + (last - first) * share
        years = np.asarray(life["stop"], dtype=float) - np.asarray(life["start"], dtype=float)
        expected = (days[np.searchsorted(edges, haq, side="right")].mean(axis=1) * years).sum()
        mine = np.asarray(use["item"]) == run.ledger.items.index("hospital_day")
        assert np.asarray(use["quantity"])[mine].sum() == pytest.approx(expected, rel=2e-3)


def yearly_costs(run: StrategyResult, treatment: str, line: int = 1) -> float:
    """Undiscounted cost of a patient-year on a treatment in a line, everything in it."""
    ledger, terms = run.ledger, results().terms
    bit = run.program.treatments.index(treatment)

    def on(table: dict[str, np.ndarray]) -> np.ndarray:
        return (np.asarray(table["line"]) == line) & (np.asarray(table["regimen"], dtype=np.int64) >> bit & 1 == 1)

    use = {name: column[on(ledger.use)] for name, column in ledger.use.items()}
    cost = value(replace(ledger, use=use), replace(terms, discounting=replace(terms.discounting, costs=0.0))).total.sum()
    lived = np.asarray(ledger.life["stop"], dtype=float) - np.asarray(ledger.life["start"], dtype=float)
    return float(cost / lived[on(ledger.life)].sum())


def test_a_year_costs_what_a_reviewer_expects():
    """MODEL's rows: csDMARD 2 to 6, adalimumab biosimilar 13 to 20 thousand USD; the originator in :func:`test_the_originator_costs_more`."""
    runs = results().strategies
    csdmard = runs["r1"].outcomes.total_undiscounted.sum() / runs["r1"].outcomes.life_years.sum()
    assert 2_000.0 < csdmard < 6_000.0
    assert 13_000.0 < yearly_costs(runs["r3"], "adalimumab") < 20_000.0


def test_the_originator_costs_more():
    """40 to 55 thousand USD a year net."""
    run = experiment.run(read(SCENARIO), patients=40, strategies=["r3o"]).strategies["r3o"]
    assert 40_000.0 < yearly_costs(run, "adalimumab_originator") < 55_000.0


def test_infusions_are_paid_for_where_tocilizumab_is_infused():
    run = results().strategies["r4"]
    items = run.outcomes.items.set_index("item")["quantity"]
    vials, infusions = items["tocilizumab_iv"], items["infusion_first_hour"]
    assert 240.0 < vials / infusions < 800.0, "mg an infusion"
    assert "infusion_first_hour" not in set(results().strategies["r1"].outcomes.items["item"])


def test_both_maps_stand_side_by_side():
    made = results()
    table = quality_tables(View(made))[0]
    frame = table.frame.set_index("strategy")
    assert (frame["qalys_wailoo"] > frame["qalys_mixture"]).all()
    assert (frame["qalys_uncapped_wailoo"] >= frame["qalys_wailoo"]).all()
    for name, run in made.strategies.items():
        assert frame.loc[name, "qalys_mixture"] == pytest.approx(run.outcomes.qalys_discounted.mean())
    other = replace(scenario(), switches={**scenario().switches, "utility_map": "wailoo"})
    again = made.revalue(terms_of(other, other.base_values()))
    for name, run in again.strategies.items():
        assert frame.loc[name, "qalys_wailoo"] == pytest.approx(run.outcomes.qalys_discounted.mean())


def test_both_maps_remain_where_histories_are_summed_up():
    kept = quality_tables(View(results()))[0].frame
    dropped = experiment.run(scenario(), patients=PATIENTS, strategies=["r1", "r3", "r4"], logs=False)
    assert not dropped.has_logs
    frame = quality_tables(View(dropped))[0].frame
    for column in ("qalys_mixture", "qalys_wailoo", "qalys_uncapped_wailoo", "inc_nmb_wailoo"):
        assert frame[column].to_numpy(dtype=float) == pytest.approx(kept[column].to_numpy(dtype=float), nan_ok=True)


def test_utility_is_that_of_haq_age_and_sex():
    """Undiscounted QALYs of r1 against a plain sum over a grid of every life: the map, less the loss while infected, under the cap."""
    run = results().strategies["r1"]
    curve, norm = results().terms.utility.curve, results().terms.utility.norm
    assert curve is not None
    life, ledger = run.ledger.life, run.ledger
    share = (np.arange(60) + 0.5) / 60
    first, last = (np.asarray(life[f"haq_{side}"], dtype=float)[:, None] for side in ("start", "stop"))
    start, stop = (np.asarray(life[side], dtype=float)[:, None] for side in ("start", "stop"))
    who = np.asarray(life["patient"], dtype=np.int64)[:, None]
    age = np.floor(ledger.age[who] + start + (stop - start) * share).astype(np.int64)
    female = np.broadcast_to(ledger.female[who], age.shape)
    utility = np.array([np.interp(first + (last - first) * share, curve.points, curve.worth[sex, 0]) for sex in (0, 1)])
    lost = np.where(np.asarray(life["condition"])[:, None] == ledger.conditions.index("infection"), -0.156, 0.0)
    mine = np.where(female == 1, utility[1], utility[0]) + lost
    mine = np.minimum(mine, norm[female, np.minimum(age, norm.shape[1] - 1)])
    expected = np.bincount(who[:, 0], weights=(mine.mean(axis=1) * (stop - start)[:, 0]), minlength=PATIENTS)
    assert run.outcomes.qalys == pytest.approx(expected, abs=5e-3)


@pytest.mark.parametrize(("switch", "option", "category"), [("productivity", "societal", "productivity"), ("jak_safety", "oral_surveillance", "jak_harm")])
def test_what_is_left_out_is_nothing_until_it_is_counted(switch, option, category):
    base = results().strategies["r3"].outcomes
    assert base.costs[:, base.categories.index(category)].sum() == 0.0
    other = replace(scenario(), switches={**scenario().switches, switch: option})
    counted = experiment.run(other, patients=PATIENTS, strategies=["r3"]).strategies["r3"]
    costs = counted.outcomes.costs_undiscounted[:, counted.outcomes.categories.index(category)]
    assert costs.sum() > 0.0
    assert counted.outcomes.qalys == pytest.approx(base.qalys)
    if switch == "productivity":
        old = counted.ledger.age >= 65.0
        assert (costs[old] == 0.0).all()
        life = counted.ledger.life
        haq = 0.5 * (np.asarray(life["haq_start"], dtype=float) + np.asarray(life["haq_stop"], dtype=float))
        left = np.minimum(np.asarray(life["stop"], dtype=float), (65.0 - counted.ledger.age)[np.asarray(life["patient"], dtype=np.int64)])
        units = (haq * np.maximum(left - np.asarray(life["start"], dtype=float), 0.0)).sum()
        price = results().terms.prices["productivity_haq_unit"].values[0]
        assert costs.sum() == pytest.approx(price * units, rel=5e-3)
