"""Puts a run on the disk: one folder, whole or not at all.

Everything is written into a hidden sibling that takes its name only when complete, so an interrupted run leaves nothing half-made, and no run overwrites another.
"""

from __future__ import annotations

import datetime
import json
import re
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from pathway.errors import PathwayError
from pathway.report import manifest as manifests
from pathway.report.access import access_tables
from pathway.report.basis import basis_tables
from pathway.report.checks import checks_table
from pathway.report.figures import Picture, Sheet, picture_of
from pathway.report.figures.every import sheets_of
from pathway.report.formats import harmless_frame
from pathway.report.html import DISCLAIMER, render
from pathway.report.quality import quality_tables
from pathway.report.response import response_tables
from pathway.report.structure import structure_tables
from pathway.report.tables import Table, results_tables
from pathway.report.view import View, plain
from pathway.report.workbook import workbook
from pathway.workshop import Workshop

if TYPE_CHECKING:
    from pathway.experiment import Results

Tell = Callable[[str], None]


def write(
    results: Results,
    output: Path | str,
    *,
    command: Sequence[str] = (),
    tell: Tell | None = None,
    now: datetime.datetime | None = None,
    shop: Workshop | None = None,
) -> Path:
    """Write a run.

    Parameters
    ----------
    results
        From :func:`pathway.experiment.run`.
    output
        Folder of all runs; the run's own is ``output/<scenario>/<UTC time>-<hash>``.
    command
        Words of the command line, for the manifest.
    tell
        Called with the name of what is written next.
    now
        Time of the run; absent: the clock.
    shop
        Where figures are drawn; absent: here.

    Returns
    -------
    The run's folder: ``report.html``, ``results.xlsx``, ``manifest.json``, ``tables/``, ``figures/`` and Parquet files of events, paths and ledgers.

    Raises
    ------
    PathwayError
        If the folder cannot be made.
    """
    view = View(results)
    created = now or datetime.datetime.now(datetime.UTC)
    home = Path(output) / safe_name(view.scenario.study.id)
    final = _free(home, f"{created.strftime('%Y%m%dT%H%M%SZ')}-{manifests.run_hash(view)[:8]}")
    working = home / f".{final.name}.unfinished"
    try:
        for folder in ("tables", "figures"):
            (working / folder).mkdir(parents=True, exist_ok=False)
    except OSError as error:
        raise PathwayError(
            where=f"--output {home.name}",
            found=error.strerror or "cannot be written",
            expected="a folder that can be written to",
            mend="give another --output",
        ) from None
    try:
        _fill(view, working, created, command, tell or (lambda _: None), shop or Workshop(1))
        working.rename(final)
    except BaseException:
        shutil.rmtree(working, ignore_errors=True)
        raise
    return final


def _free(home: Path, name: str) -> Path:
    """First folder of that name, or of that name with a number, that does not exist."""
    final, number = home / name, 2
    while final.exists() or (home / f".{final.name}.unfinished").exists():
        final, number = home / f"{name}-{number}", number + 1
    return final


def safe_name(name: str) -> str:
    """File name of an id.

    Examples
    --------
    >>> safe_name("../up and away")
    'up_and_away'
    """
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_.") or "run"


def _fill(view: View, folder: Path, created: datetime.datetime, command: Sequence[str], tell: Tell, shop: Workshop) -> None:
    """Write everything into a folder; figures are drawn elsewhere meanwhile, so they are asked for first and fetched last."""
    begin = time.perf_counter()
    sheets = sheets_of(view, tell)
    longest_first = sorted(sheets, key=lambda sheet: -sheet.data.size)
    asked = {sheet.name: shop.submit(picture_of, sheet.drawing) for sheet in longest_first}
    tell("tables")
    tables = [*results_tables(view), *response_tables(view), *access_tables(view), *quality_tables(view), *structure_tables(view)]
    basis = basis_tables(view)
    checks = [checks_table(view)] if view.results.has_logs else []
    hashes = {}
    for table in [*tables, *basis, *checks]:
        path = folder / "tables" / f"{table.name}.csv"
        write_csv(table.frame, path)
        hashes[f"tables/{table.name}.csv"] = manifests.sha256(path.read_bytes())
    if view.results.has_logs:
        tell("event logs and ledgers")
        write_logs(view, folder)
    tell("workbook")
    front = front_lines(view, created)
    (folder / "results.xlsx").write_bytes(workbook([*tables, *basis, *checks], [*front, ("", DISCLAIMER)]))
    drawn = []
    for sheet in sheets:
        tell(f"figure {sheet.name}")
        drawn.append((sheet, asked[sheet.name].result()))
        write_sheet(*drawn[-1], folder / "figures")
    tell("report")
    page = render(view, tables, basis, [(sheet, picture.svg) for sheet, picture in drawn], front, footer(view))
    (folder / "report.html").write_text(page, encoding="utf-8")
    seconds = {**view.results.seconds, "report": time.perf_counter() - begin}
    described = manifests.manifest(
        view, created=created, command=command, hashes=hashes, report=manifests.sha256(page.encode()), seconds=seconds
    )
    (folder / "manifest.json").write_text(json.dumps(described, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def csv_text(frame: pd.DataFrame) -> str:
    """A table as CSV: text quoted and harmless in a spreadsheet, numbers in full precision, missing ones ``n/a``."""
    import csv

    return str(harmless_frame(frame).to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC, na_rep="n/a", lineterminator="\n"))


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, as :func:`csv_text` gives it."""
    path.write_text(csv_text(frame), encoding="utf-8", newline="\n")


def write_sheet(sheet: Sheet, picture: Picture, folder: Path) -> None:
    """Write a figure as SVG, PNG and the numbers plotted."""
    name = safe_name(sheet.name)
    (folder / f"{name}.svg").write_text(picture.svg, encoding="utf-8")
    (folder / f"{name}.png").write_bytes(picture.png)
    write_csv(sheet.data, folder / f"{name}.csv")


def write_logs(view: View, folder: Path) -> None:
    """Write events, marker paths and ledgers of every strategy as Parquet."""
    for run in view.runs:
        name = safe_name(run.strategy)
        write_parquet(run.log.frame(), folder / f"events-{name}.parquet")
        write_parquet(run.log.path_frame(), folder / f"path-{name}.parquet")
        write_parquet(run.ledger.use_frame(), folder / f"ledger-{name}.parquet")
        write_parquet(run.ledger.life_frame(), folder / f"lives-{name}.parquet")


def write_parquet(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as Parquet: dictionaries for words only, since those of millions of times take most of the writing and save no room."""
    words = [str(name) for name in frame.columns if isinstance(frame[name].dtype, pd.CategoricalDtype)]
    frame.to_parquet(path, index=False, use_dictionary=words, write_statistics=False)


def footer(view: View) -> str:
    """One line under every report: what fixes its numbers."""
    head, changed = manifests.commit()
    at = f" ({head[:10]}{', changed' if changed else ''})" if head else ""
    return (
        f"scenario {view.scenario.study.id}, hash {manifests.scenario_hash(view.scenario)[:12]} · pathway {manifests.version()}{at} · "
        f"{view.results.engine} engine · seed {view.results.seed} · {view.results.cohort.size:,} patients x {len(view.ids)} strategies"
    )


def front_lines(view: View, created: datetime.datetime) -> list[tuple[str, str]]:
    """Lines of "how this was made"."""
    scenario = view.scenario
    head, changed = manifests.commit()
    lines = [
        ("Study", plain(scenario.study.label)),
        ("Disease", plain(scenario.library.title)),
        ("Made (UTC)", created.strftime("%Y-%m-%d %H:%M")),
        (
            "Version",
            manifests.version() + (f", commit {head[:12]}{', with changes' if changed else ''}" if head else ""),
        ),
        ("Scenario hash", manifests.scenario_hash(scenario)),
        ("Run hash", manifests.run_hash(view)),
        ("Seed", str(view.results.seed)),
        ("Patients", f"{view.results.cohort.size:,}"),
        ("Engine", view.results.engine),
        ("Histories", "" if view.results.has_logs else NO_LOG),
        ("Strategies", ", ".join(f"{name} ({view.labels[name]})" for name in view.ids)),
        ("Seconds", ", ".join(f"{word} {value:,.1f}" for word, value in view.results.seconds.items())),
    ]
    return [(word, text) for word, text in lines if text]


NO_LOG = (
    "summed up block by block, their rows dropped: outcomes, costs, survival, states and markers are those of a run with a log; courses, lines, events, access, invariants "
    "and single lives need one (--log)"
)

__all__ = ["Table", "write"]
