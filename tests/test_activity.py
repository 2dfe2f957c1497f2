"""Activity over time, effective drugs, and drugs begun on each line: small logs counted by hand, and a real run counted in another way."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import pathway
from pathway.definition.response import Band, Index
from pathway.eventlog import EVENT_COLUMNS, EventLog, Kind
from pathway.program import Action, DecisionSpec, Program
from pathway.reading.bands import check_bands
from pathway.reading.text import Findings
from pathway.report.activity import Measured, Scale, activity_numbers, effective_drugs, first_lasting, latest_at, measured_index, scales_of
from pathway.report.courses import DIED, GOES_ON, drug_courses, drugs_of, line_courses, reasons_in_order
from pathway.report.histories import Reading
from pathway.report.response import response_tables, stop_reasons, time_on_drug
from pathway.report.view import View
from tests.report_data import lung_results
from tests.tiny import with_names

STATES = ("start", "first", "second", "dead")
TREATMENTS = ("a_low", "a_high", "b", "old")
A_LOW, A_HIGH, B, OLD = 1, 2, 4, 8
WORDS = ("failure", "tolerance", "dose_step", "activity", "clinic", "confirm")


def program() -> Program:
    """Two lines; drug a in two doses, b, and a drug taken at entry."""
    step = DecisionSpec(name="step", rule=0, sources=0b0010, action=Action.EXCHANGE, reason="dose_step", exchange=((0, 1),))
    made = with_names(states=STATES, state_line=(0, 1, 2, -1), absorbing=0b1000, treatments=TREATMENTS, transitions=(), decisions=(step,), lines=((), ()), horizon=10.0, line_states=(0, 1, 2))
    names = tuple(dict.fromkeys((*made.names, *WORDS)))
    return replace(made, names=names, name_ids={name: number for number, name in enumerate(names)})


def log(of: Program, *histories: list[tuple]) -> EventLog:
    """Rows (time, kind, name, detail, state, regimen, line[, measured]) of each patient."""
    table: dict[str, list] = {name: [] for name in EVENT_COLUMNS}
    for patient, rows in enumerate(histories):
        for time, kind, name, detail, state, regimen, line, *measured in rows:
            values = {
                "patient": patient, "time": time, "kind": int(kind), "name": of.name_ids[name], "detail": of.name_ids[detail] if detail else -1, "occurrence": 0,
                "state": state, "regimen": regimen, "line": line, "true": np.nan, "measured": measured[0] if measured else np.nan, "native": np.nan,
            }  # fmt: skip
            for column, kept in table.items():
                kept.append(values[column])
    return EventLog(
        events={name: np.array(kept, dtype=EVENT_COLUMNS[name]) for name, kept in table.items()}, path={"patient": np.zeros(0, dtype=np.int64), "time": np.zeros(0)},
        names=of.names, states=of.states, treatments=of.treatments, markers=(), patients=len(histories),
    )  # fmt: skip


STEPPED = [
    (0.0, Kind.ENTER, "start", "", 0, OLD, 0),
    (0.0, Kind.MOVE, "first", "", 1, OLD, 1),
    (0.0, Kind.START, "a_low", "", 1, OLD | A_LOW, 1),
    (1.0, Kind.STOP, "a_low", "dose_step", 1, OLD, 1),
    (1.0, Kind.START, "a_high", "", 1, OLD | A_HIGH, 1),
    (2.5, Kind.STOP, "a_high", "failure", 1, OLD, 1),
    (2.5, Kind.MOVE, "second", "", 2, OLD, 2),
    (2.5, Kind.START, "b", "", 2, OLD | B, 2),
    (4.0, Kind.STOP, "b", "death", 2, OLD, 2),
    (4.0, Kind.MOVE, "dead", "", 3, 0, 2),
]
ADDED = [
    (0.0, Kind.ENTER, "start", "", 0, 0, 0),
    (0.0, Kind.START, "a_low", "", 1, A_LOW, 1),
    (3.0, Kind.MOVE, "second", "", 2, A_LOW, 2),
    (3.0, Kind.START, "b", "", 2, A_LOW | B, 2),
    (3.5, Kind.STOP, "b", "tolerance", 2, A_LOW, 2),
    (4.0, Kind.START, "b", "", 2, A_LOW | B, 2),
    (10.0, Kind.END, "second", "", 2, A_LOW | B, 2),
]


def test_doses_that_a_decision_exchanges_are_one_drug():
    assert drugs_of(program()) == [A_LOW | A_HIGH, B, OLD]


def test_courses_belong_to_the_line_they_began_on_and_end_for_their_own_reason():
    of = program()
    courses = line_courses(Reading(log(of, [(t, k, n, d if d != "death" else "", *rest) for t, k, n, d, *rest in STEPPED], ADDED), of))
    found = sorted(zip(courses.patient.tolist(), courses.line.tolist(), courses.drug.tolist(), courses.years.tolist(), courses.reason.tolist(), strict=True))
    assert found == [
        (0, 1, 0, 2.5, "failure"),  # the step of dose did not end it, and the drug of entry was begun on no line
        (0, 2, 1, 1.5, DIED),
        (1, 1, 0, 10.0, GOES_ON),  # it went on through the second line
        (1, 2, 1, 0.5, "tolerance"),  # the second course on the line does not count again
    ]
    assert courses.stopped.tolist() == [reason not in (DIED, GOES_ON) for reason in courses.reason]


def test_what_a_patient_took_at_entry_is_a_course_of_no_line():
    of = program()
    courses = drug_courses(Reading(log(of, [(t, k, n, d if d != "death" else "", *rest) for t, k, n, d, *rest in STEPPED], ADDED), of), OLD)
    assert (courses.patient.tolist(), courses.start.tolist(), courses.stop.tolist(), courses.reason.tolist(), courses.is_of_entry.tolist()) == ([0], [0.0], [4.0], [DIED], [True])


def test_regimens_of_one_figure_have_colours_of_their_own():
    view = View(lung_results(60))
    assert len(set(view.regimens.values())) == len(view.regimens)


def test_failures_come_first_and_those_who_did_not_stop_last():
    assert reasons_in_order({GOES_ON, "choice", "secondary_failure", DIED, "primary_failure"}) == ["primary_failure", "secondary_failure", "choice", DIED, GOES_ON]


SCALE = Scale(index="activity", words="Activity", unit="score", labels=("Remission", "Low", "High"), cuts=(2.6, 10.0, np.inf), has_cut=(False, True, True), target=1)


def test_a_cut_point_belongs_to_the_band_that_says_so():
    values = np.array([2.59, 2.6, 10.0, 10.01, np.nan])
    assert SCALE.band_of(values).tolist() == [0, 1, 1, 2, -1]
    assert SCALE.at_target(values).tolist() == [True, True, True, False, False]


def visit(time: float, value: float, schedule: str = "clinic", patient_state: int = 1) -> tuple:
    return (time, Kind.FINDING, "activity", schedule, patient_state, A_LOW, 1, value)


def test_the_latest_planned_value_speaks_for_a_year_and_for_the_living():
    of = replace(program(), decisions=(*program().decisions, DecisionSpec(name="confirm", rule=0, sources=2, action=Action.FLAG, confirm=object())))  # type: ignore[arg-type]
    rows = [(0.0, Kind.ENTER, "start", "", 1, A_LOW, 1), visit(0.0, 20.0), visit(0.5, 8.0), visit(0.6, 30.0, "confirm"), (3.0, Kind.MOVE, "dead", "", 3, 0, 1)]
    told = log(of, rows)
    measured = measured_index(told, of, "activity")
    assert measured.value.tolist() == [20.0, 8.0]
    found = latest_at(measured, np.array([0.0, 0.49, 0.5, 1.5, 1.51, 3.0]), Reading(told, of).lifetimes)
    np.testing.assert_array_equal(found, [[20.0, 20.0, 8.0, 8.0, np.nan, np.nan]])


@pytest.mark.parametrize(
    ("times", "values", "expected"),
    [
        ([0.0, 0.25, 0.5, 1.0], [20.0, 9.0, 9.0, 9.0], 0.25),
        ([0.0, 0.25, 0.5, 1.0], [20.0, 9.0, 11.0, 9.0], np.inf),  # lost at the next visit; the last one is not followed by another
        ([0.0, 0.25, 0.5, 1.0, 1.5], [20.0, 9.0, 11.0, 9.0, 1.0], 1.0),
        ([0.0, 0.25, 0.7], [9.0, 9.0, 9.0], 0.0),
        ([0.0, 0.25, 0.74], [20.0, 9.0, 9.0], np.inf),  # not yet six months
        ([0.0, 0.25, 2.0], [20.0, 9.0, 11.0], np.inf),  # the first visit after six months says no
    ],
)
def test_an_effective_drug_holds_at_every_visit_of_six_months(times, values, expected):
    size = len(times)
    measured = Measured(patient=np.zeros(size, dtype=np.int64), time=np.array(times), value=np.array(values), line=np.arange(size) + 1)
    when, line = first_lasting(measured, SCALE.at_target(measured.value), 2)
    assert when.tolist() == [expected, np.inf]
    assert line.tolist() == [times.index(expected) + 1 if np.isfinite(expected) else -1, -1]


def test_one_patient_does_not_finish_what_another_began():
    measured = Measured(patient=np.array([0, 0, 1, 1]), time=np.array([0.0, 0.2, 0.0, 0.7]), value=np.full(4, 5.0), line=np.ones(4, dtype=np.int64))
    assert first_lasting(measured, SCALE.at_target(measured.value), 2)[0].tolist() == [np.inf, 0.0]


@pytest.fixture(scope="module")
def joints() -> View:
    return View(pathway.run(pathway.read("scenarios/ra_us.toml"), patients=40, strategies=["r1", "r3"]))


def test_numbers_of_a_run_agree_with_its_frame(joints):
    scale = next(one for one in scales_of(joints) if one.index == "cdai")
    assert scale.cuts == (2.8, 10.0, 22.0, np.inf)
    data = activity_numbers(joints, scale, np.array([0.0, 1.0])).set_index(["strategy", "year"])
    frame = joints.results.events("r3")
    ends = frame.groupby("patient")["time"].max()
    seen = frame[(frame["name"] == "cdai") & (frame["time"] <= 1.0)].groupby("patient")[["time", "measured"]].last()
    seen = seen[(ends.loc[seen.index] > 1.0) & (seen["time"] >= 0.0)]
    row = data.loc[("r3", 1.0)]
    assert row["number"] == len(seen) > 20
    assert row["mean"] == pytest.approx(seen["measured"].mean())
    assert row["at_target"] == pytest.approx((seen["measured"] <= 10.0).mean())
    assert row[list(scale.labels)].sum() == pytest.approx(1.0)


def test_an_effective_drug_is_found_by_walking_the_visits(joints):
    scale = next(one for one in scales_of(joints) if one.index == "cdai")
    found = effective_drugs(joints, scale)[1]
    frame = joints.results.events("r3")
    confirmed = {decision.name for decision in joints.results.strategies["r3"].program.decisions if decision.confirm is not None}
    frame = frame[(frame["name"] == "cdai") & ~frame["detail"].isin(confirmed)]  # planned visits only
    for patient in range(40):
        rows = frame[frame["patient"] == patient][["time", "measured"]].to_numpy()
        expected = np.inf
        for time, value in rows:
            later = rows[rows[:, 0] >= time + 0.5 - 1e-9]
            if value <= 10.0 and len(later) and (rows[(rows[:, 0] >= time) & (rows[:, 0] <= later[0, 0])][:, 1] <= 10.0).all():
                expected = time
                break
        assert found.when[patient] == expected


def test_tables_of_response_add_up(joints):
    tables = {table.name: table for table in response_tables(joints)}
    assert set(tables) == {"activity", "effective_drug", "stop_reasons", "time_on_drug"}
    reasons = tables["stop_reasons"].frame
    shares = [name for name in reasons.columns if name.startswith("ended_") and not name.endswith("_se")]
    assert reasons[shares].sum(axis=1).to_numpy() == pytest.approx(1.0)
    first = tables["time_on_drug"].frame.query("strategy == 'r3' and line == 1").iloc[0]
    assert first["courses"] == reasons.query("strategy == 'r3' and line == 1")["courses"].iloc[0]
    assert 1.0 >= first["month_6"] >= first["month_12"] >= first["month_24"] >= first["month_60"] >= 0.0
    active = tables["activity"].frame
    assert active[[f"band_{k}_1" for k in range(4)]].sum(axis=1).to_numpy() == pytest.approx(1.0)
    reached = tables["effective_drug"].frame
    assert (reached["reached"] >= reached["month_60"]).all()


def test_a_disease_without_indices_has_tables_of_stopping_only():
    view = View(lung_results(60))
    assert [table.name for table in response_tables(view)] == ["stop_reasons", "time_on_drug"]
    run = view.results.strategies["s1"]
    courses = line_courses(view.reading(run))
    frame = run.log.frame()
    stops = frame[(frame["kind"] == "stop") & (frame["detail"] != "death")]
    assert set(courses.reason) <= {*stops["detail"].astype(str), DIED, GOES_ON}
    first = courses.only((courses.line == 1) & (courses.drug == 0))
    starts = frame[(frame["kind"] == "start") & (frame["name"] == "mmf") & (frame["line"] == 1)].drop_duplicates("patient")
    assert first.years.size == len(starts)
    by_strategy = {"s1": courses}
    assert len(stop_reasons(view, by_strategy).frame) == len(np.unique(courses.line))
    assert time_on_drug(replace_runs(view, "s1"), by_strategy).frame["courses"].sum() >= courses.years.size


def replace_runs(view: View, name: str) -> View:
    return View(replace(view.results, strategies={name: view.results.strategies[name]}))


def index(*bands: dict) -> SimpleNamespace:
    made = Index(label="Activity", unit="score", terms=({"marker": "m", "weight": "one"},), source="test", bands=tuple(Band(**band) for band in bands))  # type: ignore[arg-type]
    return SimpleNamespace(library=SimpleNamespace(name="made_up", pathway=SimpleNamespace(indices={"activity": made})))


LOW, MIDDLE = {"label": "Low", "at_most": "low"}, {"label": "Middle", "below": "high"}


@pytest.mark.parametrize(
    ("bands", "found"),
    [
        ((LOW, MIDDLE, {"label": "High"}), None),
        ((MIDDLE, LOW, {"label": "High"}), "low = 10 after high = 22"),
        ((LOW, MIDDLE), "below in the last band"),
        (({"label": "Low"}, {"label": "High"}), "no cut-point"),
        (({**LOW, "below": "high"}, {"label": "High"}), "at_most and below"),
        ((LOW, {**MIDDLE, "label": "Low"}, {"label": "High"}), "two bands called 'Low'"),
        ((LOW, MIDDLE, {"label": "High", "is_target": True}), "the last band as target"),
        (({**LOW, "is_target": True}, {**MIDDLE, "is_target": True}, {"label": "High"}), "2 targets"),
        (({"label": "Low", "at_most": "wait"}, {"label": "High"}), "wait in years"),
    ],
)
def test_bands_are_judged_when_read(bands, found):
    findings = Findings()
    values = {"low": 10.0, "high": 22.0, "wait": 0.5}
    check_bands(index(*bands), values, {"low": "score", "high": "score", "wait": "years"}.__getitem__, findings)
    told = [fault.found for fault in findings.faults.faults]
    assert told == ([] if found is None else [found])
    assert all("indices.activity.bands" in fault.where and fault.expected and fault.mend for fault in findings.faults.faults)
