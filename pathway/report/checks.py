"""The table of invariants: what the histories of a run were asked, what they broke, and what could not be asked and why.

It goes to CSV and the workbook. Histories are those of the first patients of every strategy, so that a large run is not held up.
"""

from __future__ import annotations

import pandas as pd

from pathway.invariants import History, audit
from pathway.invariants.determinations import DETERMINATIONS
from pathway.report.formats import Column
from pathway.report.tables import Table
from pathway.report.view import View

PATIENTS_CHECKED = 300
"""Of each strategy."""


def checks_table(view: View, patients: int = PATIENTS_CHECKED) -> Table:
    """One row an invariant, over all strategies.

    Columns: invariant, words, hardness, profile, basis, status, because, strategies, histories, occasions, violations, patients_in_violation, broken_under.
    """
    cohort = view.results.cohort
    audits = {run.strategy: audit(History.of_run(run.log, run.program, cohort, view.scenario, run.strategy).first_patients(patients)) for run in view.runs}
    rows = [_over_strategies({name: found.iloc[number] for name, found in audits.items()}) for number in range(len(next(iter(audits.values()))))]
    rows += [_of_requests(one.id, one.words, one.basis) for one in DETERMINATIONS]
    frame = pd.DataFrame(rows)
    columns = (
        Column(key="invariant", head="Invariant", form="text"),
        Column(key="words", head="Claim", form="text"),
        Column(key="status", head="Status", form="text"),
        Column(key="histories", head="Histories", form="whole"),
        Column(key="violations", head="Violations", form="whole"),
        Column(key="because", head="Because", form="text"),
    )
    note = f"The first {patients:,} patients of every strategy. What a record does not carry is listed, never passed."
    return Table(name="invariants", title="Invariants of the histories", frame=frame, columns=columns, note=note)


def _over_strategies(rows: dict[str, pd.Series]) -> dict[str, object]:
    first = next(iter(rows.values()))
    asked = {name: row for name, row in rows.items() if row["status"] == "checked"}
    shown = next(iter(asked.values()), first)
    return {
        **{key: shown[key] for key in ("invariant", "words", "hardness", "profile", "basis", "status", "because")},
        "strategies": ", ".join(asked),
        **{key: int(sum(row[key] for row in asked.values())) for key in ("histories", "occasions", "violations", "patients_in_violation")},
        "broken_under": ", ".join(name for name, row in asked.items() if row["violations"]),
    }


def _of_requests(name: str, words: str, basis: tuple[str, ...]) -> dict[str, object]:
    return {
        "invariant": name,
        "words": words,
        "hardness": "hard",
        "profile": "all",
        "basis": ", ".join(basis),
        "status": "about determinations",
        "because": "asked of the answers of pathway review, not of histories",
        "strategies": "",
        "histories": 0,
        "occasions": 0,
        "violations": 0,
        "patients_in_violation": 0,
        "broken_under": "",
    }
