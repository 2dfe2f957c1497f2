"""Compiled passes over a ledger against plain loops, row by row, and what must not matter to them: order of rows, room, and how columns are kept."""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from pathway.economics.columns import side_by_side
from pathway.economics.ledger import Ledger, build
from pathway.economics.quality import equal_value_years_gained, quality_of, split_at_birthdays, split_at_points
from pathway.economics.summary import month_grid, summarise
from pathway.economics.valuation import Terms, value
from pathway.engines import simulate
from tests import tiny
from tests.hand_made import dosing, library, price, resource, terms

PATIENTS = 130
"""A whole hundred and a part of one."""
CARE = (resource(), resource(item="visit", category="visits", per="event", kind="start", name="a"))
DOSES = (dosing("packs", amount=30.0, interval_days=30.0), dosing("rate", treatment="b", item="b_mg"))
PRICES = (price("a_mg", 3.0, 2.0, 2.5, starts=(0.5, 1.7)), price("b_mg", 0.5, 0.25, starts=(1.1,)), price("care", 900.0), price("visit", 150.0))
NORM = np.tile(0.95 - 0.004 * np.arange(111), (2, 1))
VALUED = terms(*PRICES, rate=0.03, rate_outcomes=0.015, slope=0.004, norm=NORM, source_norm=0.8, treatments={"b": -0.02})


@pytest.fixture(scope="module")
def told():
    """Program, log and cohort."""
    made, people = tiny.two_drugs(), tiny.drug_people(PATIENTS)
    return made, simulate(made, people, 8), people


def ledger(told, *, is_ordered: bool = True) -> Ledger:
    made, log, people = told
    return build(log, made, people, library(DOSES, CARE), {}, is_ordered=is_ordered)


def bought_plainly(made: Ledger, valued: Terms) -> tuple[dict[tuple[int, int], float], dict[tuple[int, int], float]]:
    """Undiscounted and discounted cost by patient and category, a row at a time."""
    plain: dict[tuple[int, int], float] = {}
    today: dict[tuple[int, int], float] = {}
    rho = math.log1p(valued.discounting.costs)
    use = {name: column.tolist() for name, column in made.use.items()}
    for who, kind, item, many, start, stop in zip(*(use[name] for name in ("patient", "category", "item", "quantity", "start", "stop")), strict=True):
        of = valued.prices[made.items[item]]
        cost = now = 0.0
        for k, amount in enumerate(of.values):
            low, high = max(start, of.starts[k]), min(stop, of.starts[k + 1] if k + 1 < len(of.starts) else math.inf)
            if start == stop and of.starts[k] <= start and (k + 1 == len(of.starts) or start < of.starts[k + 1]):
                cost, now = many * amount, many * amount * math.exp(-rho * start)
            elif high > low:
                cost += amount * many * (high - low) / (stop - start)
                now += amount * many * (math.exp(-rho * low) - math.exp(-rho * high)) / rho / (stop - start)
        plain[who, kind] = plain.get((who, kind), 0.0) + cost
        today[who, kind] = today.get((who, kind), 0.0) + now
    return plain, today


def test_costs_are_those_of_a_plain_loop(told):
    made = ledger(told)
    out = value(made, VALUED)
    assert (np.asarray(made.use["stop"]) > np.asarray(made.use["start"])).any()
    for found, expected in zip((out.costs_undiscounted, out.costs), bought_plainly(made, VALUED), strict=True):
        assert np.count_nonzero(found) == np.count_nonzero(list(expected.values()))
        for (who, kind), cost in expected.items():
            assert found[who, kind] == pytest.approx(cost, rel=1e-12)


def test_units_and_costs_by_hundred_are_sums_over_patients(told):
    made = ledger(told)
    out = value(made, VALUED)
    assert out.item_sums.shape == (2, 4, 4)
    for number, row in enumerate(out.item_rows):
        mine = np.asarray(made.use["item"]) == made.items.index(row[0])
        for part, patients in enumerate((range(100), range(100, PATIENTS))):
            rows = mine & np.isin(made.use["patient"], patients)
            assert out.item_sums[part, number, 0] == pytest.approx(np.asarray(made.use["quantity"])[rows].sum())
            assert out.item_sums[part, number, 1] == pytest.approx(np.asarray(made.use["waste"])[rows].sum(), abs=1e-9)
    assert out.item_sums[:, :, 3].sum() == pytest.approx(out.total.sum())


def test_order_of_uses_moves_no_bit(told):
    one, other = (value(ledger(told, is_ordered=is_ordered), VALUED) for is_ordered in (True, False))
    for name in ("costs", "costs_undiscounted", "item_sums", "qalys_discounted"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes(), name


def test_years_and_months_are_those_of_a_plain_loop(told):
    program, log, _ = told
    made = ledger(told)
    out, summary = value(made, VALUED), summarise(log, made, program)
    life = {name: column.tolist() for name, column in made.life.items()}
    years, today = np.zeros(PATIENTS), np.zeros(PATIENTS)
    grid = month_grid(program.horizon)
    states, sums = np.zeros(summary.states.shape), np.zeros((grid.size, 2))
    rho = math.log(1.015)
    for who, start, stop, state, first, last in zip(*(life[name] for name in ("patient", "start", "stop", "state", "m_start", "m_stop")), strict=True):
        years[who] += stop - start
        today[who] += (math.exp(-rho * start) - math.exp(-rho * stop)) / rho
        for month in np.flatnonzero((grid >= start) & (grid < stop)):
            marker = first + (last - first) * (grid[month] - start) / (stop - start)
            states[month, state] += 1
            sums[month] += (marker, marker**2)
    assert out.life_years == pytest.approx(years, rel=1e-13)
    assert out.life_years_discounted == pytest.approx(today, rel=1e-11)
    gone = PATIENTS - states.sum(axis=1)
    assert (summary.living == states.sum(axis=1)).all()
    assert (summary.states.sum(axis=1) == PATIENTS).all()
    assert ((summary.states - states).sum(axis=1) == gone).all()
    assert summary.marker_sums.sum(axis=0)[:, 0] == pytest.approx(sums, rel=1e-12)


def test_columns_may_be_read_only_short_or_with_gaps(told):
    """As they come from a file: no kernel is compiled anew, and no bit moves."""
    made = ledger(told)

    def frozen(table):
        found = {}
        for name, column in table.items():
            wide = np.zeros((column.size, 2), dtype=column.dtype)
            wide[:, 0] = column
            found[name] = wide[:, 0].astype(np.int32) if name in ("state", "item") else wide[:, 0]
            found[name].flags.writeable = False
        return found

    kept = replace(made, use=frozen(made.use), life=frozen(made.life))
    one, other = value(made, VALUED), value(kept, VALUED)
    for name in ("costs", "qalys", "qalys_discounted", "life_years_discounted", "years_by_state", "years_by_line"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes(), name
    assert (equal_value_years_gained(made, kept, VALUED) == 0.0).all()


def test_quality_is_worked_out_once(told):
    made = ledger(told)
    quality = quality_of(made, VALUED)
    known, alone = value(made, VALUED, known=quality), value(made, VALUED)
    assert known.qalys_discounted.tobytes() == alone.qalys_discounted.tobytes()
    assert (quality.uncapped >= quality.discounted).all()
    assert (quality.uncapped > quality.discounted).any()


def test_a_line_may_pass_more_points_than_there_is_room_for():
    points = np.linspace(0.0, 1.0, 101)
    lines, before, after = split_at_points(np.array([-1.0, 2.0]), np.array([2.0, -1.0]), points)
    assert (lines == 0).sum() == (lines == 1).sum() == 102
    assert after[:101].tolist() == points.tolist()
    assert before[103:].tolist() == points[::-1].tolist()
    rows, begin, end = split_at_birthdays(np.array([40.5]), np.array([0.0]), np.array([30.0]))
    assert rows.size == 31
    assert begin[1:].tolist() == end[:-1].tolist() == [0.5 + k for k in range(30)]


def test_equal_value_years_are_those_of_pieces_cut_by_hand(told):
    """Lives cut off at a year: the later years count at the norm."""
    made = ledger(told)
    short = replace(made, end=np.minimum(made.end, 1.0))
    quality = quality_of(made, VALUED)
    gained = equal_value_years_gained(made, short, VALUED, known=(quality, quality))
    pieces, rho = quality.pieces, math.log(1.015)
    worth = np.zeros(PATIENTS)
    for who, begin, end, left, right, cap, norm in zip(*(getattr(pieces, name).tolist() for name in pieces.__slots__), strict=True):
        low = max(begin, min(1.0, end)) if made.end[who] > 1.0 else end
        steps = np.linspace(begin, low, 400)
        middle = 0.5 * (steps[1:] + steps[:-1])
        utility = np.minimum(left + (right - left) * (middle - begin) / (end - begin), cap)
        worth[who] += (utility * np.exp(-rho * middle) * np.diff(steps)).sum() + norm * (math.exp(-rho * low) - math.exp(-rho * end)) / rho
    assert gained == pytest.approx(worth - quality.discounted, abs=2e-6)


def test_columns_that_stand_side_by_side_are_not_copied():
    table = np.arange(24.0).reshape(4, 6).copy()
    rows = [table[k, :5] for k in (1, 2, 3)]
    assert np.shares_memory(side_by_side(rows), table)
    for columns in (rows, rows[::-1], [rows[0], rows[2]], [row.copy() for row in rows], [table[1, ::2], table[2, ::2]], [table[1, 1:], table[2, 1:]]):
        found = side_by_side(columns)
        for row, column in zip(found, columns, strict=True):
            assert row[: column.size].tolist() == column.tolist()
    assert side_by_side([]).shape == (0, 0)


def fingerprint() -> str:
    """Hash over the bits of a few patients' outcomes, with a curve and dated prices."""
    made, people = tiny.two_drugs(), tiny.drug_people(20)
    few = build(simulate(made, people, 8), made, people, library(DOSES, CARE), {})
    digest = hashlib.sha256()
    for valued in (VALUED, terms(*PRICES, rate=0.03, level=0.0, curve=((20.0, 0.1), (50.0, 0.4), (65.0, 0.75), (80.0, 0.8)))):
        out = value(few, valued)
        for column in (out.costs, out.costs_undiscounted, out.qalys, out.qalys_discounted, out.life_years_discounted, out.item_sums):
            digest.update(column.tobytes())
    return digest.hexdigest()


def test_the_interpreter_gives_the_bits_of_the_compiler():
    code = "from tests.test_compiled_valuation import fingerprint\nprint(fingerprint())"
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == fingerprint(), done.stderr
