"""Tables, workbook, manifest, page and folder of a run."""

from __future__ import annotations

import csv
import dataclasses
import datetime
import getpass
import io
import json
import re
import socket
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from openpyxl import load_workbook

from pathway.economics.comparison import mean_and_error
from pathway.errors import PathwayError
from pathway.report import writer
from pathway.report.basis import basis_tables, evidence_frame
from pathway.report.formats import Column, harmless, printed
from pathway.report.tables import Table, deaths, drug_use, events, full_incremental, results_tables, summary
from pathway.report.view import View
from pathway.report.workbook import sheet_name, workbook
from tests.report_data import lung_results

NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def view() -> View:
    return View(lung_results(60))


@pytest.fixture(scope="module")
def folder(view, tmp_path_factory) -> Path:
    return writer.write(view.results, tmp_path_factory.mktemp("runs"), command=["pathway", "run", "/home/somebody/secret/study.toml"], now=NOW)


@pytest.fixture(scope="module")
def page(folder) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


def test_printed_digits_stop_where_the_error_begins():
    money = Column(key="cost", head="Cost", form="money", error="se")
    assert printed(242_885.3, money, 16_012.0) == ("243,000", "±16,000")
    assert printed(7.7071, Column(key="q", head="QALYs", error="se"), 0.312) == ("7.71", "±0.31")
    assert printed(7.7071, Column(key="q", head="QALYs"))[1] == ""


def test_every_mean_of_results_carries_its_error(view):
    for table in results_tables(view):
        errors = [column.error for column in table.columns if column.error]
        assert errors, table.name
        for error in errors:
            assert error in table.frame, (table.name, error)


def test_summary_is_the_paired_difference(view):
    frame = summary(view).frame.set_index("strategy")
    mean, error = mean_and_error(view.qalys("s2") - view.qalys("s1"))
    assert (frame.loc["s2", "inc_qalys"], frame.loc["s2", "inc_qalys_se"]) == (pytest.approx(mean), pytest.approx(error))
    assert np.isnan(frame.loc["s1", "inc_cost"])
    assert frame.loc["s1", "icer_text"] == "comparator"


def test_reference_only_is_printed_pale_and_off_the_frontier(view):
    table = full_incremental(view)
    row = table.frame.set_index("strategy").loc["s0"]
    assert "off the frontier" in row["status"]
    assert table.frame.index[table.frame["strategy"] == "s0"].tolist() == list(table.pale)


def test_rates_count_events_over_the_years_lived(view):
    frame = events(view).frame.set_index("strategy")
    run = view.results.strategies["s2"]
    log = run.log.frame()
    years = log.groupby("patient")["time"].max().sum()
    count = ((log["kind"] == "condition") & (log["name"] == "infection")).sum()
    assert frame.loc["s2", "infection"] == pytest.approx(100.0 * count / years)
    assert 0.0 < frame.loc["s2", "infection_se"] < frame.loc["s2", "infection"]


def test_causes_of_death_and_survivors_make_all(view):
    frame = deaths(view).frame
    shares = frame[[name for name in frame if name.startswith("cause_") and not name.endswith("_se")] + ["alive_at_horizon"]]
    assert shares.sum(axis=1).to_numpy() == pytest.approx(1.0)


def test_reasons_of_stopping_make_all_courses(view):
    for text in drug_use(view).frame["reasons"]:
        assert abs(sum(int(share) for share in re.findall(r"(\d+)%", text)) - 100) <= 3


def test_evidence_holds_every_number_in_reach_and_marks_the_weak(view):
    frame = evidence_frame(view.scenario)
    assert frame["id"].tolist() == list(view.scenario.used_parameters())
    weak = next(table for table in basis_tables(view) if table.name == "weak_numbers")
    assert set(weak.frame["grade"]) <= {"memory", "assumption"}
    assert printed("memory", Column(key="grade", head="Grade", form="grade"))[0] == "◆ from memory"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", " =1", "\uff1d1", "'=1"])
def test_no_text_becomes_a_formula_and_all_can_be_read_back(text):
    assert harmless(text).startswith("'")
    assert harmless(text)[1:] == text


def test_numbers_of_a_csv_stay_numbers(tmp_path):
    writer.write_csv(pd.DataFrame({"name": ["=cmd()", "mmf"], "value": [-1.5, np.nan]}), tmp_path / "t.csv")
    rows = list(csv.reader((tmp_path / "t.csv").open(encoding="utf-8")))
    assert rows == [["name", "value"], ["'=cmd()", "-1.5"], ["mmf", "n/a"]]


def test_workbook_has_no_formula_and_keeps_odd_text():
    frame = pd.DataFrame({"label": ["=HYPERLINK(1)", "+a", "b\x07" + "x" * 40_000], "value": [1.0, float("nan"), -2.0]})
    table = Table(name="t", title="a/b [c]: a name that is too long for a sheet", frame=frame, columns=(Column(key="label", head="=head", form="text"), Column(key="value", head="Value")))
    data = workbook([table, table], [("=x", "@y")])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheets = [archive.read(name).decode() for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
    assert len(sheets) == 3
    assert not any("<f>" in sheet or "<f " in sheet for sheet in sheets)
    sheet = load_workbook(io.BytesIO(data)).worksheets[1]
    assert sheet["A5"].value == "=HYPERLINK(1)"
    assert sheet["A5"].data_type == "s"
    assert sheet["B6"].value == "n/a"
    assert sheet["B7"].value == -2.0
    assert len(sheet["A7"].value) <= 32_767


def test_sheet_names_are_legal_and_differ():
    taken: set[str] = set()
    names = [sheet_name("x" * 50, taken), sheet_name("x" * 50, taken), sheet_name("[]", taken)]
    assert len(set(names)) == 3
    assert all(0 < len(name) <= 31 for name in names)


def test_a_run_has_all_its_parts(folder):
    assert folder.name.startswith("20260102T030405Z-")
    assert {path.name for path in folder.iterdir()} >= {"manifest.json", "report.html", "results.xlsx", "tables", "figures", "events-s1.parquet", "path-s1.parquet", "ledger-s1.parquet"}
    for svg in (folder / "figures").glob("*.svg"):
        assert svg.with_suffix(".png").exists()
        assert svg.with_suffix(".csv").exists()


def test_manifest_tells_how_to_make_it_again_and_nobody_s_secrets(folder, view):
    text = (folder / "manifest.json").read_text()
    told = json.loads(text)
    assert (told["seed"], told["n_patients"], told["strategies"]) == (7, 60, ["s0", "s1", "s2", "s3"])
    assert told["command"] == ["pathway", "run", "study.toml"]
    assert set(told["results_sha256"]) == {f"tables/{path.name}" for path in (folder / "tables").iterdir()}
    for secret in ("/home", "somebody", str(folder.parent), socket.gethostname(), f'"{getpass.getuser()}"'):
        assert secret not in text, secret


def test_no_run_overwrites_another_and_results_agree(view, folder, monkeypatch):
    monkeypatch.setattr(writer, "sheets_of", lambda *_: [])
    again = writer.write(view.results, folder.parents[1], now=NOW)
    assert again != folder
    one, other = (json.loads((one / "manifest.json").read_text())["results_sha256"] for one in (folder, again))
    assert one == other


def test_an_interrupted_run_leaves_nothing(view, tmp_path):
    def interrupt(what: str) -> None:
        if what == "costs":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        writer.write(view.results, tmp_path, tell=interrupt)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_output_that_is_a_file_is_refused_in_words(view, tmp_path):
    (tmp_path / "here").write_text("")
    with pytest.raises(PathwayError, match="give another --output"):
        writer.write(view.results, tmp_path / "here")


class Reader(HTMLParser):
    """Collects tags, attributes and headings."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_page_is_whole_and_fetches_nothing(page):
    reader = Reader()
    reader.feed(page)
    names = {tag for tag, _ in reader.tags}
    assert not names & {"script", "iframe", "img", "object", "embed", "form", "link"}
    assert any(tag == "meta" and "default-src 'none'" in (attrs.get("content") or "") for tag, attrs in reader.tags)
    assert not any(name.startswith("on") for _, attrs in reader.tags for name in attrs)
    for tag, attrs in reader.tags:
        if tag == "a":
            assert re.match(r"#|https?://", attrs["href"] or ""), attrs
    pictures = [attrs for tag, attrs in reader.tags if tag == "svg"]
    assert len(pictures) >= 15
    assert all(len(attrs.get("aria-label") or "") > 40 for attrs in pictures)


def test_contents_lead_to_every_chapter_and_ids_are_unique(page):
    reader = Reader()
    reader.feed(page)
    ids = [attrs["id"] for _, attrs in reader.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {attrs["href"][1:] for tag, attrs in reader.tags if tag == "a" and (attrs["href"] or "").startswith("#")} <= set(ids)


def test_text_of_documents_is_escaped(page):
    assert "Lungs &lt;b&gt;made up&lt;/b&gt;" in page
    assert "<script>alert(1)</script>" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_page_says_what_it_must(page, view):
    for text in (
        "Decision support, not individual treatment advice", "no randomised evidence exists for MMF, add nintedanib", "What this rests on", "◆ from memory", "◇ assumption",
        "reference only", "seed 7", "60 patients", "hash ", "USD 2026", "one price is older than the study", "unpaid care", "within simulation error",
    ):  # fmt: skip
        assert text in page, text


def test_a_run_of_two_strategies_still_reports(view, tmp_path):
    only = {name: view.results.strategies[name] for name in ("s0", "s1")}
    folder = writer.write(dataclasses.replace(view.results, strategies=only), tmp_path)
    assert (folder / "report.html").exists()
