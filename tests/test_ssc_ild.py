"""What the SSc-ILD library promises, read off simulated histories: MODEL decisions that a change of a table could break in silence."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from pathway import experiment
from pathway.compiler import compile_program
from pathway.definition.scenario import Scenario
from pathway.program import Program
from pathway.reading import read

SCENARIOS = Path(__file__).parents[1] / "scenarios"
PATIENTS = 60


@cache
def scenario(name: str = "ssc_ild_us") -> Scenario:
    """A shipped scenario."""
    return read(SCENARIOS / f"{name}.toml")


def events(base: Scenario, strategy: str, **switches: str) -> pd.DataFrame:
    """Histories of the first patients under one strategy."""
    with_switches = replace(base, switches={**base.switches, **switches})
    return experiment.run(with_switches, patients=PATIENTS, strategies=[strategy]).strategies[strategy].log.frame()


def program_of(strategy: str, **switches: str) -> Program:
    """One strategy compiled under the base values."""
    base = replace(scenario(), switches={**scenario().switches, **switches})
    return compile_program(base, strategy, base.base_values())


def regimens(frame: pd.DataFrame) -> pd.DataFrame:
    """Regimen before and after each change of line that progression caused."""
    changes = frame[(frame["kind"] == "line") & (frame["name"] == "progression")][["patient", "time"]].drop_duplicates()
    before = frame[frame["time"].notna()].copy()
    rows = []
    for patient, time in changes.itertuples(index=False):
        history = before[before["patient"] == patient]
        decided = history[(history["time"] == time) & (history["kind"] == "decide") & (history["name"] == "progression")]
        rows.append((str(decided.iloc[0]["regimen"]), str(history[history["time"] <= time].iloc[-1]["regimen"])))
    return pd.DataFrame(rows, columns=["old", "new"])


@pytest.mark.parametrize("strategy", ["s1", "s2", "s4", "s6", "s7"])
def test_progression_changes_the_regimen(strategy):
    changed = regimens(events(scenario(), strategy))
    assert len(changed) > PATIENTS / 3
    same = changed[(changed["old"] == changed["new"]) & ~changed["old"].isin(["nintedanib", "none"])]
    assert same.empty, same


def test_nintedanib_goes_on_through_progression_unless_a_payer_stops_it():
    def blamed(**switches: str) -> int:
        frame = events(scenario(), "s2", **switches)
        stops = frame[(frame["kind"] == "stop") & (frame["name"] == "nintedanib")]
        return int((stops["detail"] == "progression").sum())

    assert blamed() == 0
    assert blamed(nintedanib_stop="ten_points") > 0


def test_nobody_is_transplanted_after_65():
    run = experiment.run(scenario(), patients=400, strategies=["s0"]).strategies["s0"]
    ages = run.ledger.age
    rows = run.log.frame()
    moved = rows[(rows["kind"] == "move") & (rows["name"] == "transplant")]
    assert len(moved) >= 5
    assert (ages[moved["patient"].to_numpy()] + moved["time"].to_numpy() <= 65.0).all()


def test_a_death_in_an_exacerbation_or_infection_pays_no_second_admission():
    run = experiment.run(scenario(), patients=PATIENTS, strategies=["s0"]).strategies["s0"]
    rows = run.log.frame()
    deaths = rows[(rows["kind"] == "move") & (rows["state"] == "dead")]["name"].astype(str)
    apart = deaths.isin(["death_in_exacerbation", "death_in_infection"]).sum()
    stays = run.ledger.use_frame().query("item == 'end_of_life'")["quantity"].sum()
    assert apart > 0
    assert stays == len(deaths) - apart


@pytest.mark.parametrize(
    ("switch", "option", "strategy", "is_worse"),
    [
        ("mmf_later", "share", "s1", True),
        ("rituximab_added", "lost", "s1", True),
        ("untreated_course", "progressive", "s0", True),
        ("mmf_anchor", "pooled", "s1", True),
        ("early_drift_end", "three_years", "s0", False),
    ],
)
def test_a_structural_alternative_moves_health_the_way_it_should(switch, option, strategy, is_worse):
    def qalys(**switches: str) -> float:
        base = replace(scenario(), switches={**scenario().switches, **switches})
        return float(experiment.run(base, patients=200, strategies=[strategy]).strategies[strategy].outcomes.qalys.mean())

    assert (qalys(**{switch: option}) < qalys()) is is_worse


def test_adherence_of_a_half_halves_what_nintedanib_takes_off_the_loss():
    full = scenario()
    assert full.base_values()["nintedanib_ratio_in_practice"] == pytest.approx(0.39)
    half = replace(full.library.parameters["adherence_nintedanib"], value=0.5)
    assert replace(full, overrides={"adherence_nintedanib": half}).base_values()["nintedanib_ratio_in_practice"] == pytest.approx(1.0 - 0.5 * 0.61)


# --- what lung death follows ------------------------------------------------------------------------------------------


def test_a_recent_fall_is_a_measured_one_and_is_over_again():
    """The flag after every visit is what the last year's measured values say, wherever they say anything."""
    frame = events(scenario(), "s2", lung_death="recent_fall")
    flagged = checked = 0
    for _, life in frame[frame["patient"] < 20].groupby("patient"):
        is_on, values = False, []
        for time, at_once in life.groupby("time"):
            seen = at_once[(at_once["kind"] == "measure") & (at_once["name"] == "fvc")]["measured"].dropna()
            values += [(time, value) for value in seen]
            for kind in at_once[at_once["name"] == "recent_fall"]["kind"]:
                is_on = kind == "flag"
            lately = [value for when, value in values if when >= time - 1.08]
            if len(seen) and len(lately) > 1 and time < life["time"].max() and not at_once["detail"].eq("confirmatory").any():
                assert is_on == ((max(lately) - lately[-1]) / max(lately) > 0.1)
                checked += 1
                flagged += is_on
    assert checked > 300
    assert 0.1 < flagged / checked < 0.5


def test_the_ratio_for_a_fall_is_never_multiplied_with_the_ratio_for_the_level():
    for option, flag_ratio, follows_level in (("level", 1.0, True), ("recent_fall", 2.6, False)):
        program = program_of("s2", lung_death=option)
        death = next(row for row in program.transitions if row.name == "death_lung")
        ((_, log_ratio),) = death.flag_terms
        ((_, slope, _),) = death.marker_terms
        assert log_ratio == pytest.approx(math.log(flag_ratio))
        assert (slope != 0.0) == follows_level
    assert death.rates.values[0] == pytest.approx((0.035 * 0.4 - 0.034 * 0.3) / (1.0 + 0.3 * 1.6))  # noqa: PD011


# --- tocilizumab: bands that hold, reduce and stop ------------------------------------------------------------------------


def with_values(base: Scenario, **values: float) -> Scenario:
    """The study with other base values."""
    return replace(base, overrides={name: replace(base.library.parameters[name], value=value) for name, value in values.items()})


def test_a_hold_ends_at_the_reduced_dose_and_a_clean_visit_gives_the_full_one_back():
    often = with_values(scenario("ssc_ild_early_us"), tocilizumab_hold_band=0.15, tocilizumab_liver_raised_chance=0.15)
    frame = events(often, "s6")
    tcz = frame[frame["name"] == "tocilizumab"]
    resumed = tcz[(tcz["kind"] == "resume") & (tcz["detail"] == "tocilizumab_laboratory_resume")]
    assert len(resumed) > 20
    for patient, time in resumed[["patient", "time"]].itertuples(index=False):
        before = tcz[(tcz["patient"] == patient) & (tcz["time"] <= time) & tcz["kind"].isin(["reduce", "restore", "start"])]
        assert before.iloc[-1]["kind"] == "reduce"
    for patient, time in tcz[tcz["kind"] == "restore"][["patient", "time"]].itertuples(index=False):
        today = frame[(frame["patient"] == patient) & (frame["time"] == time)].set_index("name")["measured"]
        assert today["tocilizumab_band"] == 0.0
        assert today["tocilizumab_liver_raised"] == 0.0
    assert len(tcz[tcz["kind"] == "restore"]) > 20


def test_a_reduced_dose_costs_half_the_syringes_and_keeps_its_share_of_the_effect():
    base = scenario("ssc_ild_early_us")
    values = base.base_values()
    assert values["tocilizumab_early_reduced"] == pytest.approx(0.75 * values["tocilizumab_early_in_practice"])
    assert values["tocilizumab_later_ratio_reduced"] == pytest.approx(1.0 - 0.75 * 0.25)

    def syringes(**chances: float) -> float:
        run = experiment.run(with_values(base, tocilizumab_stop_band=0.0, tocilizumab_hold_band=0.0, **chances), patients=100, strategies=["s6"]).strategies["s6"]
        use = run.ledger.use_frame().query("item == 'tocilizumab_syringe'")
        after = use[use["start"] > 0.2]  # the first laboratory visit is at 6 weeks
        return float(after["quantity"].mean())

    assert syringes(tocilizumab_liver_raised_chance=0.0) == pytest.approx(4.0)
    assert syringes(tocilizumab_liver_raised_chance=1.0) == pytest.approx(2.0, rel=0.01), "but for the first packs of later courses"


# --- courses that end -----------------------------------------------------------------------------------------------------


def test_oral_cyclophosphamide_ends_at_twelve_months_or_at_its_lifetime_dose():
    base = scenario()
    base = replace(base, strategies={**base.strategies, "s7a": base.library.strategies["s7a"]})
    run = experiment.run(base, patients=300, strategies=["s7a"]).strategies["s7a"]
    frame = run.log.frame()
    oral = frame[frame["name"] == "cyclophosphamide_oral"]
    length = oral[oral["kind"] == "stop"].set_index("patient")["time"] - oral[oral["kind"] == "start"].set_index("patient")["time"]
    done = oral[(oral["kind"] == "stop") & (oral["detail"] == "completed")]["patient"]
    grams = run.ledger.use_frame().query("item == 'cyclophosphamide_oral'").groupby("patient")["quantity"].sum() / 1000.0
    assert (length <= 1.0 + 1e-9).all()
    assert (grams <= 36.0 + 1e-9).all()
    ends_by_dose = [patient for patient in done if length[patient] < 1.0 - 1e-9]
    assert 0.5 < len(ends_by_dose) / len(done) < 1.0, "most weigh more than 55 kg"
    held = set(frame[(frame["kind"] == "hold") & (frame["name"] == "cyclophosphamide_oral")]["patient"])
    assert grams[[patient for patient in ends_by_dose if patient not in held]].to_numpy() == pytest.approx(36.0), "what an infection held is not made up for"


def test_a_stop_for_good_response_is_counted_once():
    """S4 stops rituximab by rule after two stable years; the published rate of such stops rests there."""
    assert "rituximab_good_response" not in [row.name for row in program_of("s4").transitions]
    assert "rituximab_good_response" in [row.name for row in program_of("s7").transitions]
    stops = events(scenario(), "s4").query("kind == 'stop' and detail == 'good_response'")
    assert len(stops) > 0


# --- screens, steroids, vaccines ------------------------------------------------------------------------------------------


def test_a_positive_screen_treats_or_excludes():
    """Every band is met: tocilizumab for none whose tuberculosis cannot be treated, rituximab for none with HBsAg."""
    base = with_values(scenario(), tb_positive_treated=0.3, tb_positive_untreated=0.3, hbv_past=0.3, hbv_present=0.3)
    for strategy, drug, screen in (("s3", "tocilizumab", "tb_screen"), ("s1", "rituximab", "hbv_screen")):
        frame = experiment.run(base, patients=200, strategies=[strategy]).strategies[strategy].log.frame()
        bands = frame[frame["name"] == screen].set_index("patient")["measured"]
        assert bands.size == 200, "one screen each, before the first choice"
        took = frame[(frame["kind"] == "start") & (frame["name"] == drug)]["patient"].unique()
        assert set(bands[took]) == {0.0, 1.0}
        assert set(bands) == {0.0, 1.0, 2.0}


def test_shares_of_screens_are_those_of_the_evidence():
    frame = experiment.run(scenario(), patients=1500, strategies=["s0"], engine="compiled").strategies["s0"].log.frame()
    values = scenario().base_values()
    for finding, ids in {
        "tb_screen": ("tb_positive_treated", "tb_positive_untreated"),
        "hbv_screen": ("hbv_past", "hbv_present"),
        "prednisone_band": ("prednisone_to_10", "prednisone_to_15", "prednisone_above_15"),
    }.items():
        bands = frame[frame["name"] == finding]["measured"]
        for band, name in enumerate(ids, start=1):
            assert abs((bands == band).mean() - values[name]) < 4.0 * math.sqrt(values[name] * (1.0 - values[name]) / 1500)


def test_prednisone_above_15_mg_means_prophylaxis_until_it_is_tapered():
    base = with_values(scenario(), prednisone_above_15=0.4, prednisone_to_10=0.3)
    run = experiment.run(base, patients=100, strategies=["s0"]).strategies["s0"]
    frame = run.log.frame()
    high = set(frame[(frame["name"] == "prednisone_band") & (frame["measured"] == 3.0)]["patient"])
    flagged = frame[frame["name"] == "high_steroid"]
    assert 20 < len(high) < 60
    assert set(flagged[flagged["kind"] == "flag"]["patient"]) <= high
    assert (flagged[flagged["kind"] == "flag"]["time"] == 0.25).all()
    assert (flagged[flagged["kind"] == "clear"]["time"] == 0.75).all()
    tablets = run.ledger.use_frame().query("item == 'cotrimoxazole_tablet'")
    assert set(tablets["patient"]) == set(flagged["patient"])
    cleared = set(flagged[flagged["kind"] == "clear"]["patient"])
    assert tablets[tablets["patient"].isin(cleared)]["quantity"].to_numpy() == pytest.approx(156.54 / 2.0)


def test_a_live_vaccine_waits_for_the_end_of_immunosuppression():
    often = with_values(scenario(), live_vaccine_level=3.0)
    frame = events(often, "s2")
    given = frame[frame["name"] == "live_vaccine"]
    waits = given["regimen"].astype(str).str.contains("mmf|rituximab|cyclophosphamide|tocilizumab")
    assert waits.sum() > 20
    assert (given[waits]["measured"] == 0.0).all()
    assert (given[~waits]["measured"] == 1.0).mean() > 0.8


def test_shares_in_dosing_are_those_of_the_evidence():
    """Numbers that the ledger and the histories both need stand in two tables: they agree."""
    base = scenario()
    values = base.base_values()
    rows = {(row.treatment, row.item): row for row in base.library.dosing}
    assert rows["tocilizumab", "latent_tuberculosis_course"].intensity == values["tb_positive_treated"]
    assert rows["rituximab", "entecavir_tablet"].intensity == values["hbv_past"]
    oral = rows["cyclophosphamide_oral", "cyclophosphamide_oral"]
    assert oral.amount * oral.intensity == pytest.approx(values["cyclophosphamide_oral_yearly_dose"])
