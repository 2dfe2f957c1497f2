"""The command line: exit codes, plain words, and how soon it answers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import pathway
from pathway import cli
from pathway.cli import app
from pathway.reading import read
from pathway.story import Words, compare, first_divergence, rows_of, tell
from tests.report_data import lung_results, lung_scenario

TINY = str(Path(__file__).parent / "fixtures" / "tiny.toml")


def call(*words: str):
    return CliRunner().invoke(app, list(words))


def test_help_answers_in_a_third_of_a_second():
    def seconds() -> float:
        """Processor time: what others do on the machine is not the command's fault."""
        before = os.times()
        subprocess.run([sys.executable, "-m", "pathway", "--help"], check=True, capture_output=True)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    assert 0.0 < min(seconds() for _ in range(4)) < 1 / 3


def test_nothing_heavy_is_imported_for_help():
    code = "import sys, pathway.cli; print([name for name in ('numpy', 'pandas', 'pydantic', 'matplotlib', 'numba', 'rich') if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert found.strip() == "[]"


@pytest.mark.parametrize("patients", ["1", "8"])
def test_run_writes_a_report_and_prints_the_incremental_table(tmp_path, monkeypatch, patients):
    monkeypatch.chdir(tmp_path)
    done = call("run", TINY, "--patients", patients, "--workers", "1")
    assert done.exit_code == 0, done.output
    assert "cost per QALY gained" in done.output
    report = re.search(r"Report: (outputs\S+report\.html)", done.output)
    assert report is not None
    assert (tmp_path / report.group(1)).exists()
    assert "about 1 second" in done.output
    assert re.search(r"^alpha_first +alpha, then beta", done.output, re.MULTILINE)


def test_check_is_content_with_a_good_file_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = call("check", TINY)
    assert (done.exit_code, list(tmp_path.iterdir())) == (0, [])
    assert "no fault" in done.output


@pytest.mark.parametrize("command", ["run", "check", "draw", "trace", "sources"])
def test_a_missing_file_is_told_plainly(command):
    done = call(command, "no_such_file.toml")
    assert done.exit_code == 2
    assert "no such file" in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize("words", [("run", TINY, "--patients", "0"), ("run", TINY, "--patients", "many"), ("run",), ("fly", TINY)])
def test_wrong_use_is_the_user_s_fault(words):
    assert call(*words).exit_code == 2


def test_an_unknown_strategy_is_told_with_a_suggestion():
    done = call("trace", TINY, "--strategies", "alpha_frist")
    assert done.exit_code == 2
    assert "did you mean 'alpha_first'?" in done.output


def test_an_interruption_exits_with_130_and_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "simulated", interrupted)
    done = call("run", TINY, "--output", str(tmp_path))
    assert done.exit_code == 130
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_is_told_once_by_the_command_and_not_by_its_processes(tmp_path):
    import os
    import signal

    # A terminal sends the signal to all processes of the command; who runs the tests in the background may have had it ignored.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from pathway.cli import main; main()"
    words = ["run", TINY, "--patients", "1500", "--engine", "reference", "--workers", "2", "--alternatives", "0", "--output", str(tmp_path)]
    run = subprocess.Popen(
        [sys.executable, "-c", code, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    with run:
        assert run.stderr is not None
        begun = run.stderr.readline()
        done = run.stderr.readline()
        os.killpg(run.pid, signal.SIGINT)
        said = run.stderr.read()
    assert run.returncode == 130
    assert "2 workers" in begun
    assert "done" in done
    told = [line for line in said.splitlines() if not line.endswith("done")]  # chunks may be done before the signal comes
    assert told[0].startswith("interrupted;")
    assert said.count("interrupted;") == 1
    assert "Traceback" not in said


def test_trace_tells_a_life_and_names_the_first_divergence():
    done = call("trace", TINY, "--patient", "3", "--strategies", "alpha_first,beta_first")
    assert done.exit_code == 0, done.output
    assert "Under alpha_first" in done.output
    assert "First divergence at year 0.00" in done.output


def test_a_story_tells_quiet_visits_together_and_leaves_no_other_row_out():
    results = lung_results(60)
    run = results.strategies["s2"]
    words = Words(results.scenario, run.program)
    gathered = 0
    for patient in range(20):
        frame = rows_of(run.log, patient)
        whole, short = tell(frame, words, is_whole=True), tell(frame, words)
        visits = [one for one in whole if one.text.startswith(("visit, ", "confirmatory visit"))]
        assert len(visits) == (frame["kind"] == "visit").groupby(frame["time"]).any().sum()
        together = [re.match(r"(\d+) visits to year ([\d.]+), nothing decided", one.text) for one in short]
        quiet = [match for match in together if match]
        gathered += len(quiet)
        assert len(short) == len(whole) - sum(int(match[1]) - 1 for match in quiet)
        events = [str(one) for one in whole if one not in visits]
        assert [str(one) for one in short if str(one) in events] == events
        times = [one.time for one in short]
        assert times == sorted(times)
    assert gathered > 0


def test_every_confirmatory_visit_is_told():
    scenario = read(Path(__file__).parents[1] / "scenarios/ssc_ild_us.toml")
    run = pathway.run(scenario, patients=30, strategies=["s1"], logs=True).strategies["s1"]
    words = Words(scenario, run.program)
    wanted = told = 0
    for patient in range(30):
        frame = rows_of(run.log, patient)
        wanted += frame.loc[(frame["kind"] == "visit") & (frame["detail"] == "confirmatory"), "time"].nunique()
        told += sum("confirmatory visit for" in one.text for one in tell(frame, words))
    assert told == wanted > 0


def test_the_same_history_never_diverges():
    results = lung_results(60)
    run = results.strategies["s2"]
    frame = rows_of(run.log, 5)
    assert first_divergence(frame, frame.copy()) is None
    assert "never differ" in compare(frame, frame, ("a", "b"), (None, None))


def test_divergence_is_the_first_row_that_differs():
    results = lung_results(60)
    one, other = (rows_of(results.strategies[name].log, 5) for name in ("s1", "s2"))
    position = first_divergence(one, other)
    assert position is not None
    columns = ["time", "kind", "name", "state", "regimen"]
    assert one[columns].iloc[:position].equals(other[columns].iloc[:position])


def test_draw_shows_every_state_and_writes_a_picture(tmp_path):
    done = call("draw", TINY, "--output", str(tmp_path))
    assert done.exit_code == 0, done.output
    for state in read(TINY).library.pathway.states.values():
        assert state.label in done.output
    assert {path.suffix for path in tmp_path.iterdir()} == {".svg", ".png"}


def test_drawing_a_rich_machine_names_every_move():
    from pathway.drawing import arrows_of, as_text

    scenario = lung_scenario()
    program = lung_results(60).strategies["s2"].program
    text = as_text(program, scenario)
    for move in program.moves:
        if not move.trigger.startswith("line:"):
            assert move.label in text
    assert all(arrow.source != arrow.to for arrow in arrows_of(program))


ARTHRITIS = str(Path(__file__).parents[1] / "scenarios/ra_us.toml")


def test_draw_tells_which_strategy_and_where_an_optional_decision_leads():
    done = call("draw", ARTHRITIS)
    assert done.exit_code == 0, done.output
    assert done.output.startswith("under r1, ")
    assert "Tapering  [not entered under r1]\n    entered by 'Sustained remission" in done.output
    assert "under r6\n" in done.output
    tapering = call("draw", ARTHRITIS, "--strategies", "r6").output
    ways, inside = tapering.split("what happens inside states")
    assert ways.count("-> Tapering: Sustained remission") == 4
    assert "not entered" not in tapering
    assert "Sustained remission" not in inside


def test_moves_that_lines_share_are_drawn_once():
    from pathway.compiler import compile_program
    from pathway.drawing import as_figure

    scenario = read(ARTHRITIS)
    figure = as_figure(compile_program(scenario, "r6", scenario.base_values()), scenario)
    said = [text.get_text() for text in figure.axes[0].texts]
    assert sum("remission" in words for words in said) == 1


def test_help_says_what_is_drawn_and_told_without_strategies():
    for command in ("draw", "trace"):
        assert "the comparator" in re.sub(r"\s+", " ", call(command, "--help").output)
    assert "absent: all" in re.sub(r"\s+", " ", call("run", "--help").output)


def test_a_page_that_cannot_be_written_is_told_plainly(tmp_path):
    request = str(Path(ARTHRITIS).parent / "requests/c01_naive_ssc.toml")
    done = call("review", request, "--html", str(tmp_path / "missing" / "page.html"))
    assert done.exit_code == 2
    assert "--html" in done.output
    assert "No such file or directory" in done.output
    assert "Traceback" not in done.output


def test_trace_names_indices_by_their_labels():
    told = call("trace", ARTHRITIS, "--patient", "3").output
    assert re.search(r"CDAI \d", told)
    assert "das28 esr" not in told


def test_sources_lists_numbers_and_csv_can_be_read():
    import io

    import pandas as pd

    done = call("sources", TINY)
    assert done.exit_code == 0
    assert "from memory or assumed" in done.output
    table = pd.read_csv(io.StringIO(CliRunner().invoke(app, ["sources", TINY, "--csv"]).stdout))
    assert set(table["kind"]) == {"number", "price"}
    assert table["source"].notna().all()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["check", "."], ".\n  found     a folder"),
        (["run", TINY, "--strategies", ","], "no strategy"),
        (["run", TINY, "--strategies", "alhpa_first"], "did you mean 'alpha_first'?"),
        (["run", TINY, "--engine", "referense"], "did you mean 'reference'?"),
        (["run", TINY, "--patients", "99999999999"], "10000000"),
        (["run", TINY, "--patients", "0"], "greater than or equal to 1"),
        (["run", TINY, "--seed", "9" * 30, "--patients", "2"], "a whole number from 0 to"),
        (["run", TINY, "--output", TINY], "is not a folder"),
        (["run", TINY, "--output", f"{TINY}/below"], "is not a folder"),
        (["trace", TINY, "--patient", "9" * 20], "9999999"),
        (["trace", TINY, "--strategies", "x"], "alpha_first, beta_first"),
        (["draw", TINY, "--output", TINY], "give another --output"),
    ],
)
def test_what_the_command_line_cannot_take_is_told_and_nothing_is_written(tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    done = call(*words)
    assert done.exit_code == 2, done.output
    assert said in done.output
    assert "Traceback" not in done.output
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_cannot_be_is_refused_before_anything_is_simulated(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "patients under" not in call("run", TINY, "--output", TINY).output
