"""The ledger against a plain reading of the log, row by row: any history with ties, holds across stops, doses reduced, drugs on before entry, and weights on either side of a band."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pathway.economics.compiled_druguse import EDGE
from pathway.economics.ledger import build
from pathway.errors import EconomicsError
from pathway.eventlog import Kind
from tests.hand_made import DAY, cohort, dosing, ledger_of, library, log, program, resource

WEIGHTS = (60.0, 75.0, 104.0)
TIES = (0.0, 0.25, 0.5, 28 * DAY, 56 * DAY, 1.0)
"""Times at which several things happen, on the days of doses too."""
DOSES = (
    dosing(item="x", amount=100.0, interval_days=28.0, reduced=0.5),
    dosing(item="x", amount=8.0, basis="per_kg", vial_sizes="80;200;400", first_days=14.0, interval_days=14.0, count=3, weight_below=75.0),
    dosing("packs", treatment="b", item="x", amount=30.0, interval_days=30.0, reduced=0.25, from_days=28.0),
    dosing("packs", treatment="b", item="y", category="monitoring", amount=1.0, interval_days=7.0, until_days=100.0, weight_at_least=75.0),
    dosing("rate", item="z", amount=365.25),
)
RESOURCES = (
    resource(item="ill_year", states=("ill",)),
    resource(item="infected_on_a", requires_condition="infection", while_on=("a",), quantity=2.0),
    resource(item="frail_year", requires_flag="frail"),
    resource(item="visit", per="visit", name="clinic"),
    resource(item="x", category="drug", per="event", kind="start", name="a"),
    resource(item="move_frail", per="event", kind="move", requires_flag="frail"),
    resource(item="death", per="death", quantity=3.0),
)


@st.composite
def histories(draw, regimen: int):
    """Rows of one patient, in order of time, and knots."""
    end = draw(st.sampled_from([0.5, 1.0, 2.0]) | st.floats(0.1, 3.0))
    times = sorted(draw(st.lists(st.sampled_from([time for time in TIES if time <= end]) | st.floats(0.0, end), max_size=16)))
    on, line, state, rows = regimen, 0, 0, []
    for time in times:
        drug = draw(st.integers(0, 1))
        name, what = "ab"[drug], draw(st.sampled_from(["switch", "switch", "dose", "dose", "line", "illness", "flag", "move", "visit"]))
        if what == "switch":
            rows.append((time, Kind.STOP if on >> drug & 1 else Kind.START, name))
            on ^= 1 << drug
        elif what == "dose" and on >> drug & 1:
            rows.append((time, draw(st.sampled_from([Kind.HOLD, Kind.RESUME, Kind.REDUCE, Kind.RESTORE])), name))
        elif what == "line":
            line = draw(st.integers(0, 2))
            rows.append((time, Kind.LINE, "first", {"line": line}))
        elif what == "illness":
            rows.append((time, draw(st.sampled_from([Kind.CONDITION, Kind.RECOVER])), "infection"))
        elif what == "flag":
            rows.append((time, draw(st.sampled_from([Kind.FLAG, Kind.CLEAR])), "frail"))
        elif what == "move":
            state = 1 - state
            rows.append((time, Kind.MOVE, "worsen", {"state": state}))
        elif what == "visit":
            rows.append((time, Kind.VISIT, "clinic"))
    rows.append(draw(st.sampled_from([(end, Kind.MOVE, "die", {"state": 2}), (end, Kind.END, "well")])))
    inner = draw(st.lists(st.floats(0.0, end), max_size=3))
    return rows, [(time, 80.0 - 5.0 * time) for time in sorted({0.0, *inner, end})]


class Reader:
    """One patient's log, read from its beginning as far as a time."""

    def __init__(self, written, position: int, people) -> None:
        frame = written.frame()
        self.rows = list(frame[frame["patient"] == people.patient[position]].itertuples())
        self.weight = float(people.values[position, 2])
        self.entered, self.years_on = int(people.regimen[position]), float(people.years_on[position])
        self.end = self.rows[-1].time

    def registers(self, time: float) -> dict[str, object]:
        """After all rows of a time."""
        found: dict[str, object] = {"condition": -1, "flags": 0}
        for row in self.rows:
            if row.time > time:
                break
            found |= {"state": row.state, "line": row.line, "regimen": row.regimen}
            found |= {"condition": 0 if row.kind == "condition" else -1} if row.kind in ("condition", "recover") else {}
            found |= {"flags": int(row.kind == "flag")} if row.kind in ("flag", "clear") else {}
        return found

    def spans(self, name: str, begins: str, ends: tuple[str, ...]) -> list[tuple[float, float]]:
        """From each row of a kind to the next that ends it, or the end."""
        own = [row for row in self.rows if row.name == name]
        return [(row.time, next((later.time for later in own[number + 1 :] if later.kind in ends), self.end)) for number, row in enumerate(own) if row.kind == begins]

    def courses(self, name: str) -> list[tuple[float, float, bool]]:
        """Start, stop, and whether it went on when the history was cut off."""
        starts = [row.time for row in self.rows if row.kind == "start" and row.name == name]
        starts = [-self.years_on, *starts] if self.entered >> "ab".index(name) & 1 else starts
        stops = [row.time for row in self.rows if row.kind == "stop" and row.name == name]
        is_cut_off = len(starts) > len(stops) and self.rows[-1].kind == "end"
        return [(start, stops[k] if k < len(stops) else self.end, is_cut_off and k == len(stops)) for k, start in enumerate(starts)]


def plain_doses(reader: Reader, row) -> list[tuple[float, float, float]]:
    """Time, quantity and waste of every dose or pack, one by one."""
    if reader.weight < (row.weight_at_least or 0.0) or reader.weight >= (row.weight_below or np.inf):
        return []
    needed = row.amount * (reader.weight if row.basis == "per_kg" else 1.0)
    paid = next(total for total in (40.0 * k for k in range(2, 99)) if total >= needed) if row.vial_sizes else needed
    held = reader.spans(row.treatment, "hold", ("resume", "stop"))
    reduced = reader.spans(row.treatment, "reduce", ("restore", "stop"))
    courses, doses = reader.courses(row.treatment), []
    for number, (start, stop, is_cut_off) in enumerate(courses):
        until = stop if row.until_days is None else min(stop, start + row.until_days * DAY)
        following = courses[number + 1][0] if number + 1 < len(courses) else np.inf
        own = [(a, b) for a, b in held if start <= a < following]
        for k in range(row.count or 10_000):
            time = start + (row.first_days + k * row.interval_days) * DAY
            if time >= until - EDGE:
                break
            if time < max(0.0, start + row.from_days * DAY) - EDGE or any(a - EDGE <= time < min(b, stop) - EDGE for a, b in own):
                continue
            time = max(time, 0.0)
            last = [b for a, b in reduced if a - EDGE <= time][-1:]
            share = row.reduced if last and time < last[0] - EDGE else 1.0
            left = 0.0 if is_cut_off and until == stop else min(max((time + row.interval_days * DAY - until) / (row.interval_days * DAY), 0.0), 1.0)
            doses.append((time, paid * share, paid * share * left if row.mode == "packs" else (paid - needed) * share))
    return doses


def plain_use(reader: Reader, one, segments) -> list[tuple[float, float, float]]:
    """Start, quantity and waste of every use of a resource; years are summed up."""
    if one.per == "year":
        years = 0.0
        for start, stop in segments:
            now = reader.registers(start)
            fits = one.states == "alive" or now["state"] in one.states
            fits &= not one.while_on or "a" in now["regimen"].split(" + ")
            fits &= one.requires_condition is None or now["condition"] == 0
            fits &= one.requires_flag is None or now["flags"] == 1
            years += (stop - start) * one.quantity if fits else 0.0
        return [(0.0, years, 0.0)]
    kind = {"visit": "visit", "death": "move"}.get(one.per, one.kind)
    rows = [row for row in reader.rows if row.kind == kind and (one.per != "death" or row.state == "dead") and one.name in (None, row.name)]
    return [(row.time, one.quantity, 0.0) for row in rows if one.requires_flag is None or reader.registers(row.time)["flags"] == 1]


def fit(found, expected) -> bool:
    """Do two lists of uses hold the same, but for rounding, which may change their order?"""
    left = list(found)
    for use in expected:
        match = next((number for number, other in enumerate(left) if np.allclose(use, other, rtol=1e-9, atol=1e-7)), None)
        if match is None:
            return False
        del left[match]
    return not left


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(0, 3), st.sampled_from([0.0, 28 * DAY, 0.1]))
def test_a_ledger_is_what_a_plain_reading_finds(data, regimen, years_on):
    told = [data.draw(histories(regimen)) for _ in WEIGHTS]
    made, people = program(), cohort(len(WEIGHTS), regimen=regimen, years_on=years_on)
    people = replace(people, values=np.column_stack([people.values[:, :2], WEIGHTS, people.values[:, 3]]))
    written = log(made, told, regimen=regimen)
    books = library(DOSES, RESOURCES)
    ledger, loose = (build(written, made, people, books, {}, is_ordered=is_ordered) for is_ordered in (True, False))
    check_orders(ledger, loose)
    for position in range(len(WEIGHTS)):
        reader = Reader(written, position, people)
        segments = check_life(ledger, reader, position)
        expected: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
        for row in DOSES[:4]:
            expected.setdefault((row.category, row.item), []).extend(plain_doses(reader, row))
        for one in RESOURCES:
            expected.setdefault((one.category, one.item), []).extend(plain_use(reader, one, segments))
        for (category, item), uses in expected.items():
            found = uses_of(ledger, position, category, item)
            if any(one.item == item and one.per == "year" for one in RESOURCES):
                found = [(0.0, sum(quantity for _, quantity, _ in found), 0.0)]
            assert fit(found, uses), (position, item)
        check_rate(ledger, reader, position)


def uses_of(ledger, position: int, category: str, item: str) -> list[tuple[float, float, float]]:
    """Start, quantity and waste."""
    if item not in ledger.items or category not in ledger.categories:
        return []
    use = ledger.use
    rows = (use["patient"] == position) & (use["item"] == ledger.items.index(item)) & (use["category"] == ledger.categories.index(category))
    return list(zip(use["start"][rows].tolist(), use["quantity"][rows].tolist(), use["waste"][rows].tolist(), strict=True))


def check_orders(ledger, loose) -> None:
    """Patient by patient, or category and item by category and item: the same uses."""
    keys = ("patient", "start", "item", "category")
    assert sorted(zip(*(ledger.use[name] for name in keys[:3]), strict=True)) == list(zip(*(ledger.use[name] for name in keys[:3]), strict=True))
    pairs = ("category", "item", "patient", "start")
    assert sorted(zip(*(loose.use[name] for name in pairs), strict=True)) == list(zip(*(loose.use[name] for name in pairs), strict=True))
    columns = (*keys, "stop", "quantity", "waste")
    assert sorted(zip(*(ledger.use[name] for name in columns), strict=True)) == sorted(zip(*(loose.use[name] for name in columns), strict=True))
    assert not loose.use["line"].any()
    assert not loose.use["regimen"].any()


def check_life(ledger, reader: Reader, position: int) -> list[tuple[float, float]]:
    """Segments follow each other, and registers on each are those of the log; returns them."""
    life = ledger.life_frame()
    life = life[life["patient"] == position]
    for segment in life.itertuples():
        now = reader.registers(segment.start)
        assert (segment.state, segment.line, segment.regimen) == (now["state"], now["line"], regimen_bits(now["regimen"]))
        assert (segment.condition, segment.flags) == (now["condition"], now["flags"])
        assert segment.m_start == pytest.approx(80.0 - 5.0 * segment.start)
        inner = [row.time for row in reader.rows if segment.start < row.time < segment.stop]
        assert all(reader.registers(time) == now for time in inner)
    segments = list(zip(life["start"], life["stop"], strict=True))
    assert [0.0, *(stop for _, stop in segments)][: len(segments)] == [start for start, _ in segments]
    assert segments[-1][1] == reader.end
    return segments


def regimen_bits(words: str) -> int:
    """``a + b`` -> 3."""
    return sum(1 << "ab".index(name) for name in words.split(" + ") if name != "none")


def check_rate(ledger, reader: Reader, position: int) -> None:
    """A tablet a day while on drug and not held, under the line and regimen of its day."""
    days = 0.0
    held = reader.spans("a", "hold", ("resume", "stop"))
    moments = sorted({0.0, *(row.time for row in reader.rows)})
    for start, stop in pairwise(moments):
        middle = 0.5 * (start + stop)
        is_on = any(a <= middle < b for a, b, _ in reader.courses("a"))
        days += (stop - start) * 365.25 * (is_on and not any(a <= middle < b for a, b in held))
    assert sum(quantity for _, quantity, _ in uses_of(ledger, position, "drug", "z")) == pytest.approx(days, abs=1e-6)
    use = ledger.use_frame()
    for row in use[(use["patient"] == position) & (use["item"] == "z")].itertuples():
        for time in (row.start, *(other.time for other in reader.rows if row.start < other.time < row.stop)):
            assert (row.line, row.regimen) == (reader.registers(time)["line"], reader.registers(time)["regimen"])


# --- plans and room ----------------------------------------------------------------------------------------------------

LIFE = [(0.0, 80.0), (20.0, 50.0)]
TREATED = [(0.0, Kind.START, "a"), (20.0, Kind.MOVE, "die", {"state": 2})]


def test_a_life_of_many_uses_has_room():
    """Two rows of one item, a dose a day and one every half day: more than any first guess, and merged in order."""
    rows = [dosing(interval_days=1.0), dosing(first_days=0.25, interval_days=0.5), dosing(item="other", interval_days=7.0)]
    for is_ordered in (True, False):
        made = program()
        use = build(log(made, [(TREATED, LIFE)] * 2), made, cohort(2), library(rows), {}, is_ordered=is_ordered).use
        daily, own = use["item"] == 0, use["patient"] == 1
        assert (daily & own).sum() == 7305 + 14610
        assert (np.diff(use["start"][daily & own]) >= 0.0).all()
        assert (~daily).sum() == 2 * 1044
        assert (use["quantity"] == 100.0).all()


def test_other_values_count_otherwise_under_the_same_program():
    made, people = program(), cohort(1)
    written, books = log(made, [(TREATED, LIFE)]), library((), [resource(marker="m", marker_below="low"), resource(item="given", quantity_value="many")])
    for low, many, years in ((65.0, 2.0, 10.0), (72.5, 2.0, 15.0), (72.5, 3.0, 15.0)):
        ledger = build(written, made, people, books, {"low": low, "many": many})
        assert [sum(quantity for _, quantity, _ in uses_of(ledger, 0, "care", item)) for item in ("care", "given")] == pytest.approx([years, 20.0 * many])


def test_a_fault_of_a_row_matters_to_those_who_take_the_drug():
    faulty = dosing("packs", treatment="b")
    assert ledger_of([(TREATED, LIFE)], dosing_rows=[dosing(), faulty]).items == ("a_mg",)
    with pytest.raises(EconomicsError, match="packs without an interval"):
        ledger_of([([(0.0, Kind.START, "b"), *TREATED], LIFE)], dosing_rows=[dosing(), faulty])
    with pytest.raises(EconomicsError, match="weight_kg"):
        ledger_of([(TREATED, LIFE)], dosing_rows=[dosing(weight_below=70.0)], weight=np.nan)


def test_a_row_for_other_weights_is_no_item_of_the_ledger():
    rows = [dosing(item="light", weight_below=70.0), dosing(item="heavy", weight_at_least=70.0)]
    assert ledger_of([(TREATED, LIFE)], dosing_rows=rows, weight=70.0).items == ("heavy",)


def test_rows_in_another_order_are_refused():
    made, people = program(), cohort(2)
    written = log(made, [(TREATED, LIFE)] * 2)
    turned = {name: np.concatenate([column[3:], column[:3]]) for name, column in written.events.items()}
    with pytest.raises(EconomicsError, match="another order"):
        build(replace(written, events=turned), made, people, library(), {})
