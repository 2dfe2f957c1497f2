"""From histories to quantities: hand-made logs, logs of the engine, and what holds in any of them."""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pathway.economics.ledger import build
from pathway.engines import simulate
from pathway.errors import EconomicsError
from pathway.eventlog import EventLog, Kind
from tests import tiny
from tests.hand_made import DAY, cohort, dosing, ledger_of, library, log, program, resource

LIFE = [(0.0, 80.0), (1.0, 70.0), (2.0, 50.0)]
DEATH = (2.0, Kind.MOVE, "die", {"state": 2})


def used(ledger, item: str) -> dict[str, np.ndarray]:
    rows = ledger.use["item"] == ledger.items.index(item)
    return {name: column[rows] for name, column in ledger.use.items()}


# --- life ---------------------------------------------------------------------------------------------------------


def test_life_is_cut_at_knots_and_at_register_changes():
    rows = [
        (0.5, Kind.MOVE, "worsen", {"state": 1}),
        (1.0, Kind.CONDITION, "infection"),
        (1.25, Kind.RECOVER, "infection"),
        (1.25, Kind.FLAG, "frail"),
        DEATH,
    ]
    life = ledger_of([(rows, LIFE)]).life
    assert life["start"].tolist() == [0.0, 0.5, 1.0, 1.25]
    assert life["stop"].tolist() == [0.5, 1.0, 1.25, 2.0]
    assert life["state"].tolist() == [0, 1, 1, 1]
    assert life["condition"].tolist() == [-1, -1, 0, -1]
    assert life["flags"].tolist() == [0, 0, 0, 1]
    assert life["m_start"].tolist() == [80.0, 75.0, 70.0, 65.0]
    assert life["m_stop"].tolist() == [75.0, 70.0, 65.0, 50.0]


def test_a_jump_of_a_marker_is_no_time():
    life = ledger_of([([DEATH], [(0.0, 80.0), (1.0, 70.0), (1.0, 60.0), (2.0, 50.0)])]).life
    assert life["start"].tolist() == [0.0, 1.0]
    assert life["m_stop"].tolist() == [70.0, 50.0]
    assert life["m_start"].tolist() == [80.0, 60.0]


def test_a_path_that_does_not_span_the_life_is_refused():
    with pytest.raises(EconomicsError, match="knots"):
        ledger_of([([DEATH], [(0.0, 80.0), (1.5, 70.0)])])


def test_a_log_of_other_patients_is_refused():
    made = program()
    with pytest.raises(EconomicsError, match="cohort"):
        build(log(made, [([DEATH], LIFE)], first=7), made, cohort(1), library(), {})
    with pytest.raises(EconomicsError, match="every patient"):
        build(log(made, [([DEATH], LIFE)]), made, cohort(2), library(), {})


def check_partition(ledger, log: EventLog) -> None:
    life = ledger.life
    patient, start, stop = life["patient"], life["start"], life["stop"]
    assert (stop > start).all()
    follows = patient[1:] == patient[:-1]
    assert (start[1:][follows] == stop[:-1][follows]).all(), "a gap or an overlap"
    assert (start[np.append(True, ~follows)] == 0.0).all()
    frame = log.frame()
    last = frame.groupby("patient")["time"].max().to_numpy()
    assert stop[np.append(~follows, True)].tolist() == last[last > 0.0].tolist()
    assert np.bincount(patient, weights=stop - start, minlength=ledger.patients) == pytest.approx(last)


DRUGS = (
    dosing("rate", amount=365.25, item="a_tablet"),
    dosing("packs", treatment="b", item="b_pack", amount=1.0, interval_days=30.0),
    dosing(treatment="b", item="test", category="monitoring", amount=1.0, interval_days=91.0),
)
BANDS = (
    resource(marker="m", marker_at_least="seventy"),
    resource(marker="m", marker_at_least="fifty", marker_below="seventy", item="care_low"),
    resource(marker="m", marker_below="fifty", item="care_worst"),
    resource(item="everybody"),
)


@pytest.fixture(scope="module")
def engine_run():
    made, people = tiny.two_drugs(), tiny.drug_people(60)
    return made, people, simulate(made, people, 5)


def test_segments_partition_every_simulated_life(engine_run):
    made, people, written = engine_run
    check_partition(build(written, made, people, library(DRUGS), {}), written)


def test_registers_of_segments_are_those_of_the_log(engine_run):
    made, people, written = engine_run
    life = build(written, made, people, library(), {}).life
    frame = written.frame()
    for k in range(0, life["start"].size, 97):
        rows = frame[(frame["patient"] == life["patient"][k]) & (frame["time"] <= life["start"][k])]
        assert rows["line"].iloc[-1] == life["line"][k]
        assert made.states[life["state"][k]] == rows["state"].iloc[-1]
        illness = rows[rows["kind"].isin(["condition", "recover"])]
        is_ill = len(illness) > 0 and illness["kind"].iloc[-1] == "condition"
        assert life["condition"][k] == (0 if is_ill else -1)


def test_bands_of_a_marker_add_up_to_everybody(engine_run):
    made, people, written = engine_run
    ledger = build(written, made, people, library((), BANDS), {"seventy": 70.0, "fifty": 50.0})
    total = {item: used(ledger, item)["quantity"].sum() for item in ledger.items}
    assert total["care"] > 0.0
    assert total["care_worst"] > 0.0
    assert total["care"] + total["care_low"] + total["care_worst"] == pytest.approx(total["everybody"])
    assert total["everybody"] == pytest.approx(ledger.end.sum())


def test_drug_use_fits_the_days_on_drug(engine_run):
    """Against a plain reading of the log: starts and stops, less the holds."""
    made, people, written = engine_run
    ledger = build(written, made, people, library(DRUGS), {})
    days = 0.0
    for _, rows in written.frame().groupby("patient"):
        since = None
        for row in rows.itertuples():
            if row.name == "a" and row.kind in ("start", "resume"):
                since = row.time
            elif row.name == "a" and row.kind in ("stop", "hold") and since is not None:
                days, since = days + 365.25 * (row.time - since), None
        days += 365.25 * (rows["time"].iloc[-1] - since) if since is not None else 0.0
    assert days > 0.0
    assert used(ledger, "a_tablet")["quantity"].sum() == pytest.approx(days)


def test_use_stands_under_its_line_and_regimen(engine_run):
    made, people, written = engine_run
    ledger = build(written, made, people, library(DRUGS, BANDS[3:]), {})
    assert ((ledger.use["regimen"] & 1) == 1)[ledger.use["item"] == ledger.items.index("a_tablet")].all()
    assert ((ledger.use["regimen"] & 2) == 2)[ledger.use["item"] == ledger.items.index("b_pack")].all()
    by_line = np.bincount(used(ledger, "everybody")["line"], weights=used(ledger, "everybody")["quantity"])
    years = ledger.life["stop"] - ledger.life["start"]
    assert by_line == pytest.approx(np.bincount(ledger.life["line"], weights=years))


def test_a_ledger_of_a_part_is_the_part_of_the_ledger(engine_run):
    made, people, written = engine_run
    whole = build(written, made, people, library(DRUGS, BANDS), {"seventy": 70.0, "fifty": 50.0})
    part = people.part(20, 40)
    alone = build(simulate(made, part, 5), made, part, library(DRUGS, BANDS), {"seventy": 70.0, "fifty": 50.0})
    rows = (whole.use["patient"] >= 20) & (whole.use["patient"] < 40)
    assert (whole.use["quantity"][rows] == alone.use["quantity"]).all()
    assert (whole.use["patient"][rows] - 20 == alone.use["patient"]).all()


# --- drugs --------------------------------------------------------------------------------------------------------


def test_a_course_that_spans_lines_is_cut_where_the_line_changes():
    rows = [
        (0.0, Kind.LINE, "first", {"line": 1}),
        (0.0, Kind.START, "a"),
        (0.75, Kind.LINE, "first", {"line": 2}),
        (0.75, Kind.START, "b"),
        DEATH,
    ]
    ledger = ledger_of([(rows, LIFE)], dosing_rows=[dosing("rate", amount=10.0)])
    assert ledger.use["line"].tolist() == [1, 2]
    assert ledger.use["regimen"].tolist() == [1, 3]
    assert ledger.use["quantity"] == pytest.approx([7.5, 12.5])
    assert ledger.use["stop"].tolist() == [0.75, 2.0]


def test_no_dose_at_or_after_death():
    start = 2.0 - 3 * 28.0 * DAY  # the fourth dose falls on the day of death
    ledger = ledger_of([([(start, Kind.START, "a"), DEATH], LIFE)], dosing_rows=[dosing(interval_days=28.0)])
    assert ledger.use["start"] == pytest.approx([start, start + 28 * DAY, start + 56 * DAY])


def test_courses_open_at_the_horizon_end_there_and_waste_nothing():
    rows = [(0.0, Kind.START, "a"), (2.0, Kind.END, "well")]
    packs = dosing("packs", amount=30.0, interval_days=30.0)
    censored = ledger_of([(rows, LIFE)], dosing_rows=[packs])
    dies = ledger_of([([rows[0], DEATH], LIFE)], dosing_rows=[packs])
    assert censored.use["quantity"].sum() == dies.use["quantity"].sum() == 30.0 * 25
    assert censored.use["waste"].sum() == 0.0
    assert dies.use["waste"].sum() == pytest.approx(30.0 * 25 - 730.5)


def test_entry_courses_count_from_before_entry_but_pay_after():
    rows = [(0.5, Kind.STOP, "a"), (1.0, Kind.START, "a"), DEATH]
    made = ledger_of([(rows, LIFE)], dosing_rows=[dosing(interval_days=73.05)], regimen=1, years_on=0.1)
    # Every 0.2 years: from -0.1 at 0.1 and 0.3 (0.5 is the stop), then a new course at 1.0, 1.2 ... 1.8.
    assert made.use["start"] == pytest.approx([0.1, 0.3, 1.0, 1.2, 1.4, 1.6, 1.8])


def test_holds_end_with_the_resume_or_the_stop():
    rows = [
        (0.0, Kind.START, "a"),
        (0.25, Kind.HOLD, "a"),
        (0.5, Kind.RESUME, "a"),
        (0.75, Kind.HOLD, "a"),
        (1.0, Kind.STOP, "a"),
        (1.0, Kind.START, "a"),
        (1.5, Kind.HOLD, "a"),
        DEATH,
    ]
    made = ledger_of([(rows, LIFE)], dosing_rows=[dosing("rate", amount=1.0)])
    assert made.use["start"].tolist() == [0.0, 0.5, 1.0]
    assert made.use["stop"].tolist() == [0.25, 0.75, 1.5]


def test_a_stop_without_a_start_is_refused():
    with pytest.raises(EconomicsError, match="without a start"):
        ledger_of([([(0.5, Kind.STOP, "a"), DEATH], LIFE)], dosing_rows=[dosing(), dosing(treatment="b")], regimen=2)


def test_a_dose_by_weight_needs_the_weight():
    made = program()
    people = tiny.people(1)
    with pytest.raises(EconomicsError, match="weight_kg"):
        build(log(made, [([(0.0, Kind.START, "a"), DEATH], LIFE)]), made, people, library([dosing(basis="per_kg")]), {})
    with pytest.raises(EconomicsError, match="weight_kg"):
        ledger_of([([(0.0, Kind.START, "a"), DEATH], LIFE)], dosing_rows=[dosing(basis="per_kg")], weight=np.nan)


# --- resources ----------------------------------------------------------------------------------------------------

ILLNESS = [
    (0.0, Kind.VISIT, "clinic"),
    (0.5, Kind.CONDITION, "infection"),
    (0.75, Kind.RECOVER, "infection"),
    (1.0, Kind.VISIT, "clinic"),
    (1.0, Kind.LINE, "first", {"line": 1}),
    (1.0, Kind.FLAG, "frail"),
    (1.0, Kind.START, "a"),
    (1.5, Kind.MOVE, "worsen", {"state": 1}),
    DEATH,
]


@pytest.mark.parametrize(
    ("how", "quantity", "start"),
    [
        ({}, 2.0, [0.0, 1.0, 1.0]),
        ({"states": ("ill",)}, 0.5, [1.5]),
        ({"requires_condition": "infection"}, 0.25, [0.5]),
        ({"requires_flag": "frail"}, 1.0, [1.0]),
        ({"while_on": ("a",)}, 1.0, [1.0]),
        ({"while_on": ("a", "b")}, 0.0, []),
        ({"marker": "m", "marker_below": "low"}, 0.75, [1.25]),
        ({"marker": "m", "marker_at_least": "low", "quantity": 2.0}, 2.5, [0.0, 1.0]),
        ({"per": "event", "kind": "condition", "name": "infection"}, 1.0, [0.5]),
        ({"per": "event", "kind": "start", "name": "b"}, 0.0, []),
        ({"per": "event", "kind": "visit"}, 2.0, [0.0, 1.0]),
        ({"per": "event", "kind": "visit", "requires_flag": "frail"}, 1.0, [1.0]),
        ({"per": "visit", "name": "clinic", "quantity": 3.0}, 6.0, [0.0, 1.0]),
        ({"per": "event", "kind": "move", "states": ("ill",)}, 1.0, [1.5]),
        ({"per": "death"}, 1.0, [2.0]),
    ],
)
def test_resources_by_hand(how, quantity, start):
    made = ledger_of([(ILLNESS, LIFE)], resources=[resource(**how)], values={"low": 65.0})
    assert made.use["quantity"].sum() == pytest.approx(quantity)
    assert sorted(set(made.use["start"].tolist())) == pytest.approx(sorted(set(start)))


def test_a_visit_belongs_to_the_line_it_was_made_in():
    made = ledger_of([(ILLNESS, LIFE)], resources=[resource(per="visit", name="clinic")])
    assert made.use["line"].tolist() == [0, 0]


def test_years_are_told_by_line_even_when_nothing_else_changes():
    rows = [(1.5, Kind.LINE, "first", {"line": 1}), DEATH]
    made = ledger_of([(rows, LIFE)], resources=[resource()])
    assert made.use["line"].tolist() == [0, 1]
    assert made.use["quantity"].tolist() == [1.5, 0.5]


@pytest.mark.parametrize(
    ("how", "mend"),
    [
        ({"per": "event", "kind": "conditon", "name": "infection"}, "did you mean 'condition'"),
        ({"per": "visit", "name": "clinik"}, "did you mean 'clinic'"),
        ({"states": ("il",)}, "did you mean 'ill'"),
        ({"requires_flag": "frial"}, "did you mean 'frail'"),
        ({"requires_condition": "infektion"}, "did you mean 'infection'"),
        ({"per": "death", "marker": "m"}, "year"),
    ],
)
def test_a_resource_that_names_what_nobody_knows_is_refused(how, mend):
    with pytest.raises(EconomicsError, match=mend):
        ledger_of([(ILLNESS, LIFE)], resources=[resource(**how)])


EDGES = {"fifty": 50.0, "seventy": 70.0}


@settings(deadline=None)
@given(
    st.floats(0.0, 5.0), st.floats(0.01, 3.0), st.sampled_from([40.0, 50.0, 60.0, 70.0, 80.0]) | st.floats(30.0, 90.0),
    st.sampled_from([40.0, 50.0, 60.0, 70.0, 80.0]) | st.floats(30.0, 90.0),
)  # fmt: skip
def test_bands_partition_a_life_to_the_last_bit(start, years, first, last):
    """Also where the marker begins, ends or rests on an edge."""
    rows, knots = [(start + years, Kind.MOVE, "die", {"state": 2})], [(0.0, first), (start, first), (start + years, last)]
    use = ledger_of([(rows, knots)], resources=BANDS[:3], values=EDGES).use
    parts = sorted(zip(use["start"], use["stop"], strict=True))
    assert parts[0][0] == 0.0
    assert parts[-1][1] == start + years
    assert all(a[1] == b[0] for a, b in pairwise(parts))


def test_a_marker_that_touches_an_edge_from_below_is_not_above_it():
    made = ledger_of([([DEATH], [(0.0, 65.0), (2.0, 70.0)])], resources=BANDS[:1], values=EDGES)
    assert made.use["start"].size == 0


def test_times_next_to_each_other_are_told_apart_in_patients_of_high_number():
    near = float(np.nextafter(1.0, 2.0))
    rows = [(1.0, Kind.CONDITION, "infection"), (near, Kind.RECOVER, "infection"), DEATH]
    life = ledger_of([(rows, LIFE)], first=10**7).life
    assert life["start"].tolist() == [0.0, 1.0, near]
    assert life["condition"].tolist() == [-1, 0, -1]


# --- size ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_ten_thousand_patients_with_eighty_knots_take_seconds():
    made, size = program(), 10_000
    knots = [(0.25 * k, 90.0 - 0.5 * k) for k in range(81)]
    rows = [(0.0, Kind.START, "a"), (5.0, Kind.LINE, "first", {"line": 1}), (20.0, Kind.MOVE, "die", {"state": 2})]
    one = log(made, [(rows, knots)])

    def tiled(columns):
        many = {name: np.tile(column, size) for name, column in columns.items()}
        many["patient"] = np.repeat(np.arange(size), columns["patient"].size)
        return many

    big = EventLog(
        events=tiled(one.events), path=tiled(one.path), names=one.names, states=one.states, treatments=one.treatments,
        markers=one.markers, patients=size,
    )  # fmt: skip
    begin = time.perf_counter()
    books = library([dosing(interval_days=28.0)], BANDS)
    ledger = build(big, made, cohort(size), books, {"seventy": 70.0, "fifty": 50.0})
    assert time.perf_counter() - begin < 15.0
    assert ledger.life["start"].size == 80 * size


@given(st.lists(st.tuples(st.floats(0.01, 3.0), st.booleans()), min_size=1, max_size=4))
@settings(max_examples=40)
def test_high_patient_numbers_change_nothing(steps):
    at, rows, on = 0.0, [], False
    for gap, changes in steps:
        at += gap
        rows.append((at, Kind.STOP if on else Kind.START, "a") if changes else (at, Kind.FLAG, "frail"))
        on = on != changes
    history = ([*rows, (at + 1.0, Kind.END, "well")], [(0.0, 80.0), (at + 1.0, 60.0)])
    low, high = (ledger_of([history] * 2, dosing_rows=[dosing(interval_days=30.0)], first=n) for n in (0, 10**9))
    assert (low.use["start"] == high.use["start"]).all()
    assert (low.life["start"] == high.life["start"]).all()
