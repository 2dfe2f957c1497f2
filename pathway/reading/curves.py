"""Tables by age: predicted values, life tables, utility norms.

Each becomes arrays at equal steps of age. A gap, a repeated age or a number that cannot be is a fault: nothing
is filled in by guessing. This module must not know what the tables are used for.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pathway.definition.scenario import LifeTable, ReferenceTable, UtilityNorm
from pathway.reading.tables import Cells, number, read_cells
from pathway.reading.text import Findings

Floats = NDArray[np.float64]


def _numbers(
    rows: Cells, columns: tuple[str, ...], key: str, name: str, findings: Findings
) -> dict[str, list[tuple[int, list[float]]]]:
    """Rows of numbers by the name in column ``key``."""
    found: dict[str, list[tuple[int, list[float]]]] = {}
    for at, row in rows:
        where = f"{name}, row {at}"
        table = row.get(key)
        if table is None:
            findings.faults.add(
                where=f"{where}, column {key}",
                found="an empty cell",
                expected="the name of the table",
                mend="fill it in",
            )
            continue
        if not row.get("source"):
            findings.faults.add(
                where=f"{where}, column source",
                found="an empty cell",
                expected="a key of sources.csv",
                mend="name the source",
            )
        numbers = [number(row.get(column), f"{where}, column {column}", findings) for column in columns]
        kept = [one for one in numbers if one is not None]
        if len(kept) == len(columns):
            found.setdefault(table, []).append((at, kept))
    return found


def _check_ages(rows: list[tuple[int, list[float]]], step: float, name: str, table: str, findings: Findings) -> bool:
    """Whether ages rise by equal steps; the first that does not is noted."""
    for (_, before), (at, after) in pairwise(rows):
        if not math.isclose(after[0] - before[0], step, rel_tol=1e-6, abs_tol=1e-9):
            findings.faults.add(
                where=f"{name}, row {at}, column age",
                found=f"age {after[0]:g} after age {before[0]:g} in table {table}",
                expected=f"age {before[0] + step:g}: no gaps, no repeats, youngest first",
                mend="add the missing ages, or sort the rows",
            )
            return False
    return True


def source_cells(text: str, name: str) -> list[tuple[str, str]]:
    """(place, cell) of column source, each different cell once."""
    cells = read_cells(
        text, name, Findings(), required=["source"], optional=text.splitlines()[0].lstrip("\ufeff").split(",")
    )
    seen: dict[str, str] = {}
    for at, row in cells or []:
        if row.get("source"):
            seen.setdefault(row["source"], f"{name}, row {at}, column source")
    return [(where, cell) for cell, where in seen.items()]


def life_tables(text: str, name: str, findings: Findings) -> dict[str, LifeTable]:
    """Cumulative hazards by table, from yearly probabilities of death at whole ages from 0.

    Notes
    -----
    The hazard within a year of age is ``-ln(1 - qx)``. A closing row with ``qx = 1`` for both sexes ends the
    printed table and is not a hazard: it is left out, and the hazard of the age before goes on.
    """
    cells = read_cells(text, name, findings, required=["table", "age", "qx_female", "qx_male", "source"])
    tables: dict[str, LifeTable] = {}
    for table, rows in _numbers(cells or [], ("age", "qx_female", "qx_male"), "table", name, findings).items():
        before = len(findings.faults.faults)
        if rows[0][1][0] != 0.0:
            findings.faults.add(
                where=f"{name}, row {rows[0][0]}, column age",
                found=f"table {table} begins at age {rows[0][1][0]:g}",
                expected="age 0",
                mend="add the younger ages",
            )
        _check_ages(rows, 1.0, name, table, findings)
        _check_deaths(rows, name, findings)
        if len(findings.faults.faults) > before:
            continue
        if len(rows) > 1 and rows[-1][1][1] == rows[-1][1][2] == 1.0:
            rows.pop()
        female, male = (np.array([-math.log1p(-row[column]) for _, row in rows]) for column in (1, 2))
        tables[table] = LifeTable(female=_cumulative(female), male=_cumulative(male))
    return tables


def _check_deaths(rows: list[tuple[int, list[float]]], name: str, findings: Findings) -> None:
    """Yearly probabilities of death are probabilities; the first that is not is noted."""
    for position, (at, row) in enumerate(rows):
        for column, probability in zip(("qx_female", "qx_male"), row[1:], strict=True):
            closing = probability == 1.0 and position == len(rows) - 1
            if 0.0 <= probability < 1.0 or (closing and row[1] == row[2]):
                continue
            findings.faults.add(
                where=f"{name}, row {at}, column {column}",
                found=f"{probability:g}",
                expected="a yearly probability of death, from 0 to below 1 (1 only in the closing row, for both sexes)",
                mend="is it per thousand or in percent? Write it as a fraction"
                if probability > 1.0
                else "check the number",
            )
            return


def _cumulative(hazards: Floats) -> Floats:
    """Cumulative hazard at whole ages from 0."""
    return np.concatenate([np.zeros(1), np.cumsum(hazards)])


def utility_norms(text: str, name: str, findings: Findings) -> dict[str, UtilityNorm]:
    """Mean utility of the general population at whole ages, by norm."""
    cells = read_cells(text, name, findings, required=["norm", "age", "female", "male", "source"])
    norms: dict[str, UtilityNorm] = {}
    for norm, rows in _numbers(cells or [], ("age", "female", "male"), "norm", name, findings).items():
        before = len(findings.faults.faults)
        _check_ages(rows, 1.0, name, norm, findings)
        for at, row in rows:
            for column, utility in zip(("female", "male"), row[1:], strict=True):
                if not 0.0 < utility <= 1.0:
                    findings.faults.add(
                        where=f"{name}, row {at}, column {column}",
                        found=f"a mean utility of {utility:g}",
                        expected="above 0, at most 1",
                        mend="check the number",
                    )
        if rows[0][1][0] != int(rows[0][1][0]):
            findings.faults.add(
                where=f"{name}, row {rows[0][0]}, column age",
                found=f"{rows[0][1][0]:g}",
                expected="whole ages",
                mend="round the ages",
            )
        if len(findings.faults.faults) == before:
            female, male = (np.array([row[column] for _, row in rows]) for column in (1, 2))
            norms[norm] = UtilityNorm(first_age=int(rows[0][1][0]), female=female, male=male)
    return norms


def reference_equations(text: str, name: str, findings: Findings) -> dict[str, ReferenceTable]:
    """Predicted values of a standard patient by age and sex, by table."""
    cells = read_cells(text, name, findings, required=["table", "sex", "age", "value", "unit", "source"]) or []
    for at, row in cells:
        if row.get("sex") not in ("female", "male"):
            findings.faults.add(
                where=f"{name}, row {at}, column sex",
                found=row.get("sex", "an empty cell"),
                expected="female or male",
                mend="write female or male",
            )
    parts = {
        sex: _numbers(
            [(at, row) for at, row in cells if row.get("sex") == sex], ("age", "value"), "table", name, findings
        )
        for sex in ("female", "male")
    }
    tables: dict[str, ReferenceTable] = {}
    for table in dict.fromkeys([*parts["female"], *parts["male"]]):
        before = len(findings.faults.faults)
        female, male = parts["female"].get(table, []), parts["male"].get(table, [])
        if [row[0] for _, row in female] != [row[0] for _, row in male] or len(female) < 2:
            findings.faults.add(
                where=f"{name}, table {table}",
                found=f"{len(female)} ages of women, {len(male)} of men",
                expected="the same ages for both, two or more",
                mend="add the missing rows",
            )
            continue
        step = female[1][1][0] - female[0][1][0]
        if step <= 0.0:
            findings.faults.add(
                where=f"{name}, row {female[1][0]}, column age",
                found="ages that do not rise",
                expected="youngest first",
                mend="sort the rows",
            )
            continue
        _check_ages(female, step, name, table, findings)
        for at, (_, predicted) in [*female, *male]:
            if predicted <= 0.0:
                findings.faults.add(
                    where=f"{name}, row {at}, column value",
                    found=f"{predicted:g}",
                    expected="more than 0",
                    mend="check the number",
                )
        if len(findings.faults.faults) == before:
            women, men = (np.array([numbers[1] for _, numbers in rows]) for rows in (female, male))
            tables[table] = ReferenceTable(first_age=female[0][1][0], step=step, female=women, male=men)
    return tables
