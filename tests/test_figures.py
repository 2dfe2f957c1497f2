"""What figures are made of, and that they can be read without being seen."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import pathway
from pathway.report.figures import inline_svg, picture_of
from pathway.report.figures.bars import cost_numbers, death_numbers
from pathway.report.figures.canvas import spread
from pathway.report.figures.components import components_of
from pathway.report.figures.curves import marker_figures, marker_numbers
from pathway.report.figures.every import sheets_of
from pathway.report.figures.flow import places
from pathway.report.figures.occupancy import occupancy_numbers
from pathway.report.figures.plane import plane_numbers
from pathway.report.figures.summed import summed_marker_figures
from pathway.report.figures.swimmer import swum
from pathway.report.histories import (
    courses_of,
    lifetimes,
    marker_at,
    measured_at,
    regimens_by_line,
    states_at,
    survival,
)
from pathway.report.view import View
from tests.report_data import lung_results


@pytest.fixture(scope="module")
def view() -> View:
    return View(lung_results(60))


@pytest.fixture(scope="module")
def sheets(view):
    return sheets_of(view)


def test_kaplan_meier_is_the_textbook_one():
    times, share, error = survival(np.array([6.0, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]), np.array([1] * 9 + [0] * 12, dtype=bool))
    # Freireich's 6-MP arm, as in Kalbfleisch & Prentice: S(6) = 18/21, S(23) = 0.448, Greenwood SE(23) = 0.135.
    assert share[1] == pytest.approx(18 / 21)
    assert (times[-1], share[-1], error[-1]) == (23.0, pytest.approx(0.4482, abs=1e-4), pytest.approx(0.1346, abs=1e-4))


def test_a_curve_without_events_stays_at_one():
    times, share, error = survival(np.array([1.0, 2.0]), np.array([False, False]))
    assert times.tolist(), share.tolist() == ([0.0], [1.0])
    assert error.tolist() == [0.0]


def test_vectorised_look_ups_agree_with_walking_one_history_at_a_time(view):
    log = view.runs[2].log
    grid = np.array([0.0, 0.6, 3.25, 11.0])
    states, values = states_at(log, grid), marker_at(log, "fvc", grid)
    measured = measured_at(log, "fvc", grid, 0.25)
    frame, path = log.frame(), log.path_frame()
    for patient in range(0, 60, 7):
        rows, knots = frame[frame["patient"] == patient], path[path["patient"] == patient]
        for k, time in enumerate(grid):
            assert log.states[states[patient, k]] == rows[rows["time"] <= time]["state"].iloc[-1]
            if time > knots["time"].iloc[-1] + 1e-9:
                assert np.isnan(values[patient, k])
            else:
                last = knots[knots["time"] <= time].iloc[-1]
                following = knots[knots["time"] > time]
                expected = last["fvc"] if following.empty else np.interp(time, [last["time"], following["time"].iloc[0]], [last["fvc"], following["fvc"].iloc[0]])
                assert values[patient, k] == pytest.approx(expected, abs=1e-6)
            seen = rows[(rows["kind"] == "measure") & (abs(rows["time"] - time) <= 0.25) & rows["measured"].notna()]
            if len(seen):
                assert measured[patient, k] == seen["measured"].iloc[0]
            else:
                assert np.isnan(measured[patient, k])


def test_courses_add_up_to_the_time_the_regimen_held_the_drug(view):
    run = view.runs[3]
    frame = run.log.frame()
    for k, drug in enumerate(run.program.treatments):
        courses = courses_of(run.log, k, run.program)
        starts = frame[(frame["kind"] == "start") & (frame["name"] == drug)]
        assert len(starts) == courses.patient.size
        assert np.sort(courses.start) == pytest.approx(np.sort(starts["time"].to_numpy()))
        stops = frame[(frame["kind"] == "stop") & (frame["name"] == drug) & (frame["detail"] != "death")]
        assert int(courses.stopped.sum()) == len(stops)
        names = [run.log.names[reason] for reason in courses.reason[courses.stopped]]
        assert sorted(names) == sorted(stops["detail"].astype(str))


def test_a_line_is_named_by_what_it_begins_with(view):
    run = view.results.strategies["s1"]
    regimen, reached = regimens_by_line(run.log)
    both = 0b1001  # mmf + nintedanib
    second = regimen[reached[:, 2], 2]
    assert (second == both).mean() > 0.5
    assert set(regimen[reached[:, 1], 1].tolist()) == {0b0001}


def test_everybody_is_somewhere_in_the_occupancy_and_in_every_flow(view):
    data = occupancy_numbers(view, 10.0)
    assert data[list(view.runs[0].log.states)].sum(axis=1).to_numpy() == pytest.approx(1.0)
    for name in ("s1", "s2", "s3"):
        run = view.results.strategies[name]
        table = places(run.log, run.program)
        last = table.apply(lambda row: [key for key in row if key][-1], axis=1)
        assert len(table) == run.log.patients
        assert last.str.match(r"end:|state:").all()


def test_plane_differences_of_the_comparator_are_exactly_zero(view):
    data = plane_numbers(view).set_index("strategy")
    assert data.loc["s1", ["inc_cost", "inc_qaly", "inc_cost_se", "inc_qaly_se"]].tolist() == [0.0, 0.0, 0.0, 0.0]
    assert data.loc["s0", "status"] == "reference only"


def test_bars_add_up_to_means(view):
    assert cost_numbers(view).sum(axis=1).to_numpy() == pytest.approx([view.costs(name).mean() for name in view.ids])
    assert death_numbers(view).sum(axis=1).to_numpy() == pytest.approx(1.0)


def test_swimmer_bars_fill_each_life_without_gap(view):
    data, _ = swum(view, "s2")
    lives = lifetimes(view.results.strategies["s2"].log, view.results.strategies["s2"].program).years
    bars = data[data["what"] == "regimen"]
    assert (bars["stop"] - bars["start"]).groupby(bars["position"]).sum().to_numpy() == pytest.approx(lives[:40])


def test_true_means_are_of_the_living_only(view):
    data = marker_numbers(view, "fvc", 10.0)
    row = data[(data["strategy"] == "s1") & (data["series"] == "true") & (data["year"] == 5.0)].iloc[0]
    run = view.results.strategies["s1"]
    assert row["number"] == (lifetimes(run.log, run.program).years >= 5.0).sum()


def test_every_asked_figure_is_drawn_with_words_and_numbers(sheets):
    names = {sheet.name for sheet in sheets}
    assert {"cost_effectiveness_plane", "costs", "deaths", "fvc_mean", "fvc_spread", "survival", "state_occupancy", "time_on_treatment", "lines-s2", "swimmer-s0"} <= names
    for sheet in sheets:
        assert len(sheet.alt) > 40, sheet.name
        assert len(sheet.caption) > 40, sheet.name
        assert len(sheet.data) > 0, sheet.name


def test_pictures_are_valid_and_the_same_every_time(sheets):
    sheet = next(one for one in sheets if one.name == "lines-s3")
    first = picture_of(sheet.drawing)
    ET.fromstring(first.svg)
    assert first == picture_of(sheet.drawing)
    assert first.png.startswith(b"\x89PNG")


def test_text_of_a_user_cannot_leave_the_picture(sheets):
    sheet = next(one for one in sheets if one.name == "survival")
    svg = inline_svg(picture_of(sheet.drawing).svg, 'a "quoted" <b>', "survival")
    ET.fromstring(svg)
    assert "<first>" not in svg
    assert "&lt;first&gt; &amp; $so on$" in svg
    assert 'aria-label="a &quot;quoted&quot; &lt;b&gt;"' in svg
    assert not re.search(r"<script|onload|href=\"http", svg)


def test_strategies_keep_their_colours_when_only_some_run(view):
    import dataclasses

    part = {name: view.results.strategies[name] for name in ("s1", "s3")}
    fewer = View(dataclasses.replace(view.results, strategies=part))
    assert {name: fewer.colours[name] for name in part} == {name: view.colours[name] for name in part}


def test_labels_in_a_margin_never_overlap_nor_leave_it():
    placed = sorted(spread([0.5, 0.5, 0.52, 0.98, 0.99, 0.01], 0.1, 0.0, 1.0))
    assert min(np.diff(placed)) >= 0.1 - 1e-9
    assert placed[0] >= 0.0
    assert placed[-1] <= 1.0


def test_ten_strategies_have_ten_colours():
    from pathway.report.view import REFERENCE_COLOUR, STRATEGY_COLOURS

    assert len({*STRATEGY_COLOURS, REFERENCE_COLOUR}) == 11
    assert len(STRATEGY_COLOURS) == 10


@pytest.mark.parametrize("logs", [True, False])
def test_what_an_index_is_made_of_shares_one_figure(logs):
    scenario = pathway.read("scenarios/ra_us.toml")
    results = pathway.run(scenario, patients=12, strategies=["r1", "r2"], logs=logs)
    maker = marker_figures if logs else summed_marker_figures
    drawn = {sheet.name: sheet for sheet in maker(View(results))}
    components = components_of(results.strategies["r1"].program)
    assert components == {"tjc28", "sjc28", "ptga", "phga", "crp", "esr"}
    others = {"haq", "pain"}
    assert set(drawn) == {"components_mean"} | {f"{name}_mean" for name in others} | ({f"{name}_spread" for name in others} if logs else set())
    data = drawn["components_mean"].data
    assert set(data["marker"]) == components
    mean, _ = results.strategies["r2"].summary.marker_means()
    entry = data[(data["strategy"] == "r2") & (data["marker"] == "tjc28")]
    assert entry["mean"].iloc[0] == pytest.approx(mean[0, [marker.name for marker in results.strategies["r2"].program.markers].index("tjc28")])
