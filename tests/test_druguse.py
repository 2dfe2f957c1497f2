"""Three modes of drug use, doses, caps and vials: hand-computed, and against plain loops."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pathway.economics.compiled_druguse import EDGE
from pathway.economics.druguse import Use, amounts, round_to_vials, use_of, vial_sizes
from pathway.economics.timeline import Spans
from pathway.errors import EconomicsError
from tests.hand_made import DAY, dosing

NOBODY = Spans(
    position=np.zeros(0, dtype=np.int64), start=np.zeros(0), stop=np.zeros(0), is_open=np.zeros(0, dtype=bool)
)


def spans(*intervals: tuple[float, float], is_open: bool = False, position: int = 0) -> Spans:
    start, stop = np.array(intervals, dtype=float).reshape(-1, 2).T
    count = len(intervals)
    return Spans(position=np.full(count, position), start=start, stop=stop, is_open=np.full(count, is_open))


def use(row, courses: Spans, holds: Spans = NOBODY, weight: float = 70.0, surface: float = 1.8) -> Use:
    needed, paid = amounts(row, np.array([weight]), np.array([surface]))
    return use_of(row, courses, holds, needed, paid)


# --- rate ---------------------------------------------------------------------------------------------------------


def test_a_rate_accrues_while_on_and_pauses_in_a_hold():
    row = dosing("rate", amount=730.5, amount_unit="tablet")
    made = use(row, spans((0.5, 2.0)), spans((1.0, 1.25)))
    assert made.start.tolist() == [0.5, 1.25]
    assert made.stop.tolist() == [1.0, 2.0]
    assert made.quantity == pytest.approx([730.5 * 0.5, 730.5 * 0.75])


def test_a_rate_keeps_to_its_window_and_to_time_after_entry():
    row = dosing("rate", amount=100.0, from_days=36.525, until_days=365.25)
    made = use(row, spans((-0.5, 3.0)))
    assert made.start.tolist() == [0.0]
    assert made.stop.tolist() == [0.5]
    assert made.quantity == pytest.approx([50.0])


def test_intensity_multiplies_units_not_time():
    full, less = (use(dosing("rate", intensity=x), spans((0.0, 2.0))) for x in (1.0, 0.85))
    assert less.quantity == pytest.approx(0.85 * full.quantity)
    assert less.stop.tolist() == full.stop.tolist()


# --- scheduled ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "doses"), [(0.5, 1), (1.0, 1), (27.9, 1), (28.0, 1), (28.001, 2), (29.0, 2), (56.0, 2), (57.0, 3)]
)
def test_a_dose_given_is_paid_and_one_due_at_the_stop_is_not(days, doses):
    assert use(dosing(interval_days=28.0), spans((0.3, 0.3 + days * DAY))).quantity.size == doses


def test_loading_doses_and_count():
    made = use(dosing(first_days=14.0, interval_days=14.0, count=2), spans((1.0, 9.0)))
    assert made.start == pytest.approx([1.0 + 14.0 * DAY, 1.0 + 28.0 * DAY])


def test_a_single_dose_needs_no_interval():
    assert use(dosing(), spans((1.0, 9.0), (10.0, 11.0))).start.tolist() == [1.0, 10.0]


def test_doses_in_a_hold_are_not_given_and_those_at_its_end_are():
    holds = spans((28.0 * DAY, 56.0 * DAY))
    made = use(dosing(interval_days=28.0), spans((0.0, 100.0 * DAY)), holds)
    assert made.start == pytest.approx([0.0, 56.0 * DAY, 84.0 * DAY])


def test_a_course_begun_before_entry_keeps_its_phase_and_pays_only_after():
    made = use(dosing(interval_days=28.0), spans((-30.0 * DAY, 30.0 * DAY)))
    assert made.start == pytest.approx([26.0 * DAY])
    assert use(dosing(interval_days=28.0, count=2), spans((-30.0 * DAY, 1.0))).start.size == 0
    assert use(dosing(interval_days=28.0), spans((-28.0 * DAY, 1.0 * DAY))).start.tolist() == [0.0]


@given(st.integers(1, 20), st.integers(1, 12), st.floats(0.0, 40.0), st.floats(0.01, 3.0))
def test_windows_that_adjoin_lose_and_double_no_dose(interval, count, start, years):
    course = spans((start, start + years))
    edge = float(interval * count)
    whole = use(dosing(interval_days=interval), course)
    early = use(dosing(interval_days=interval, until_days=edge), course)
    late = use(dosing(interval_days=interval, from_days=edge), course)
    assert np.concatenate([early.start, late.start]) == pytest.approx(whole.start)


# --- packs --------------------------------------------------------------------------------------------------------


def test_packs_are_whole_and_the_rest_of_the_last_is_wasted():
    made = use(dosing("packs", amount=60.0, interval_days=30.0), spans((1.0, 1.0 + 45.0 * DAY)))
    assert made.start == pytest.approx([1.0, 1.0 + 30.0 * DAY])
    assert made.quantity.tolist() == [60.0, 60.0]
    assert made.waste == pytest.approx([0.0, 30.0], abs=1e-9)


def test_a_course_cut_off_by_the_horizon_wastes_nothing():
    made = use(dosing("packs", amount=60.0, interval_days=30.0), spans((1.0, 1.0 + 45.0 * DAY), is_open=True))
    assert made.waste.tolist() == [0.0, 0.0]


def test_packs_due_in_a_hold_are_not_dispensed():
    made = use(dosing("packs", interval_days=30.0), spans((0.0, 1.0)), spans((20.0 * DAY, 65.0 * DAY)))
    assert made.start[:2] == pytest.approx([0.0, 90.0 * DAY])


def test_packs_without_an_interval_are_refused():
    with pytest.raises(EconomicsError, match="interval"):
        use(dosing("packs"), spans((0.0, 1.0)))


# --- doses --------------------------------------------------------------------------------------------------------


def test_doses_by_weight_and_surface_with_cap_and_vials():
    by_weight = dosing(amount=8.0, basis="per_kg", cap=800.0, vial_sizes="80;200;400")
    weights = np.array([70.0, 76.0, 130.0])
    needed, paid = amounts(by_weight, weights, weights)
    assert needed == pytest.approx([560.0, 608.0, 800.0])
    assert paid == pytest.approx([560.0, 640.0, 800.0])
    needed, paid = amounts(dosing(amount=600.0, basis="per_m2", vial_sizes="500;1000;2000"), weights, np.full(3, 1.8))
    assert needed == pytest.approx([1080.0] * 3)
    assert paid == pytest.approx([1500.0] * 3)


def test_shared_vials_are_not_rounded():
    row = dosing(amount=8.0, basis="per_kg", vial_sizes="80;200;400", vial_sharing=True)
    made = use(row, spans((0.0, 1.0)), weight=76.0)
    assert made.quantity.tolist() == [608.0]
    assert made.waste.tolist() == [0.0]


def test_rest_of_vials_is_told_as_waste():
    made = use(dosing(amount=8.0, basis="per_kg", vial_sizes="80;200;400"), spans((0.0, 1.0)), weight=76.0)
    assert made.waste == pytest.approx([32.0])


@pytest.mark.parametrize("sizes", ["0", "80;x", "-5", "0.0004", "nan"])
def test_vials_that_are_no_numbers_are_refused(sizes):
    with pytest.raises(EconomicsError, match="vial_sizes"):
        vial_sizes(dosing(vial_sizes=sizes))


def test_vials_of_what_accrues_evenly_are_refused():
    with pytest.raises(EconomicsError, match="evenly"):
        amounts(dosing("rate", vial_sizes="100"), np.ones(1), np.ones(1))


@given(
    st.lists(st.sampled_from([20.0, 50.0, 80.0, 162.5, 200.0, 400.0]), min_size=1, max_size=3),
    st.lists(st.floats(0.0, 900.0).map(lambda x: round(x, 2)), min_size=1, max_size=5),
)
@settings(deadline=None)
def test_vials_waste_least_by_brute_force(sizes, doses):
    most = [range(int(900.0 // size) + 2) for size in sizes]
    totals = sorted({sum(n * s for n, s in zip(pick, sizes, strict=True)) for pick in itertools.product(*most)})
    expected = [next(total for total in totals if total >= dose - 1e-9) for dose in doses]
    assert round_to_vials(np.array(doses), tuple(sizes)) == pytest.approx(expected)


def test_an_exact_dose_is_not_rounded_up_by_binary_fractions():
    assert round_to_vials(np.array([0.1 + 0.2, 3 * 0.7]), (0.1,)) == pytest.approx([0.3, 2.1])


# --- against plain loops ------------------------------------------------------------------------------------------


def plain_doses(row, courses: Spans, holds: Spans) -> list[tuple[int, float]]:
    """Every dose, one by one."""
    doses = []
    for position, start, stop in zip(courses.position, courses.start, courses.stop, strict=True):
        paused = [(a, b) for p, a, b in zip(holds.position, holds.start, holds.stop, strict=True) if p == position]
        limit = stop if row.until_days is None else min(stop, start + row.until_days * DAY)
        number = 0
        while True:
            time = start + row.first_days * DAY + number * row.interval_days * DAY
            if time >= limit - EDGE or (row.count is not None and number >= row.count):
                break
            number += 1
            is_held = any(a - EDGE <= time < b - EDGE and start <= a < stop for a, b in paused)
            if time >= max(0.0, start + row.from_days * DAY) - EDGE and not is_held:
                doses.append((int(position), time))
    return doses


@st.composite
def lives(draw) -> tuple[Spans, Spans]:
    """Courses of some patients, and holds inside them."""
    courses, holds = [], []
    for position in range(draw(st.integers(1, 3))):
        edges = sorted(draw(st.lists(st.floats(0.0, 4.0), min_size=2, max_size=6, unique=True)))
        for start, stop in zip(edges[::2], edges[1::2], strict=False):
            courses.append((position, start, stop))
            inner = sorted(draw(st.lists(st.floats(0.0, 1.0), min_size=0, max_size=4, unique=True)))
            at = [start + x * (stop - start) for x in inner]
            holds += [(position, a, b) for a, b in zip(at[::2], at[1::2], strict=False) if a < stop]

    def made(rows) -> Spans:
        position, start, stop = (np.array(column) for column in zip(*rows, strict=True)) if rows else ((), (), ())
        return Spans(
            position=np.array(position, dtype=np.int64), start=np.array(start, dtype=float),
            stop=np.array(stop, dtype=float), is_open=np.zeros(len(rows), dtype=bool),
        )  # fmt: skip

    return made(courses), made(holds)


@given(
    lives(), st.integers(5, 120), st.integers(0, 60), st.one_of(st.none(), st.integers(1, 9)), st.integers(0, 200),
    st.one_of(st.none(), st.integers(1, 400)),
)  # fmt: skip
def test_doses_are_those_of_a_plain_loop(life, interval, first, count, from_days, until_days):
    courses, holds = life
    row = dosing(interval_days=interval, first_days=first, count=count, from_days=from_days, until_days=until_days)
    made = use_of(row, courses, holds, np.ones(3), np.ones(3))
    expected = plain_doses(row, courses, holds)
    assert made.position.tolist() == [position for position, _ in expected]
    assert made.start == pytest.approx([time for _, time in expected])


@given(lives())
def test_a_rate_is_paid_for_exactly_the_years_not_held(life):
    courses, holds = life
    made = use_of(dosing("rate"), courses, holds, np.ones(3), np.ones(3))
    held = np.maximum(holds.stop - holds.start, 0.0).sum()
    assert (made.stop - made.start).sum() == pytest.approx((courses.stop - courses.start).sum() - held, abs=1e-9)
    assert made.quantity == pytest.approx(made.stop - made.start)
    assert (made.stop > made.start).all()
