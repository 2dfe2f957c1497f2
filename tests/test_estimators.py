"""Estimators of trials against numbers worked out by hand, against plain slow ones, and on data whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pathway import draws
from pathway.validation.estimators import (
    NOTHING,
    Estimate,
    adjusted_difference,
    correlation,
    deviation,
    difference,
    mean,
    odds_ratio,
    random_slope,
    rate,
    ratio,
    repeated_measures,
    share,
    still_on,
)

NAN = math.nan


def normals(stream: str, size: int, columns: int = 1) -> np.ndarray:
    """Standard normal table from the package's own draws."""
    table = [draws.normal(3, stream=f"{stream}:{k}", patient=np.arange(size)) for k in range(columns)]
    return np.column_stack(table)


def test_mean_and_its_error_by_hand():
    found = mean(np.array([2.0, 4.0, 9.0, NAN]))
    assert found.value == 5.0
    assert found.error == pytest.approx(math.sqrt(13.0 / 3.0))  # variance (9 + 1 + 16) / 2 = 13
    assert found.size == 3


def test_a_single_value_has_no_mean_with_an_error():
    assert mean(np.array([2.0, NAN])) is NOTHING


def test_deviation_by_hand_and_of_nothing_that_varies():
    assert deviation(np.array([1.0, 1.0, 3.0, 3.0])).value == pytest.approx(math.sqrt(4.0 / 3.0))
    assert deviation(np.full(5, 2.0)).value == 0.0


def test_the_error_of_a_deviation_is_that_of_theory_for_normal_data():
    found = deviation(normals("sd", 20_000)[:, 0])
    assert found.error == pytest.approx(found.value / math.sqrt(2 * 20_000), rel=0.05)


def test_share_and_odds_ratio_by_hand():
    few = share(np.array([True] * 3 + [False] * 7), np.ones(10, dtype=bool))
    many = share(np.array([True] * 6 + [False] * 4), np.ones(10, dtype=bool))
    assert (few.value, few.error) == (0.3, pytest.approx(math.sqrt(0.021)))
    found = odds_ratio(few, many)
    assert found.value == pytest.approx((3 / 7) / (6 / 4))
    assert found.error / found.value == pytest.approx(math.sqrt(1 / 3 + 1 / 7 + 1 / 6 + 1 / 4))  # Woolf


def test_contrasts_of_nothing_are_nothing():
    none = share(np.zeros(5, dtype=bool), np.ones(5, dtype=bool))
    assert odds_ratio(none, none) is NOTHING
    assert ratio(none, none) is NOTHING


def test_difference_and_ratio_by_hand():
    a, b = Estimate(value=6.0, error=3.0, size=10), Estimate(value=2.0, error=4.0, size=20)
    assert difference(a, b) == Estimate(value=4.0, error=5.0, size=10)
    assert ratio(a, b).value == 3.0


def test_rate_is_events_over_years():
    assert rate(9, 100.0, 50) == Estimate(value=0.09, error=0.03, size=50)


def test_correlation_of_a_line_is_one():
    x = np.array([1.0, 2.0, 3.0, 4.0, NAN])
    assert correlation(x, 2.0 * x + 1.0).value == pytest.approx(1.0)


def test_kaplan_meier_by_hand():
    length = np.array([1.0, 2.0, 2.0, 3.0, 5.0])
    stopped = np.array([True, True, False, False, True])
    found = still_on(length, stopped, 4.0)
    assert found.value == pytest.approx(4 / 5 * 3 / 4)
    assert found.error == pytest.approx(found.value * math.sqrt(1 / (5 * 4) + 1 / (4 * 3)))
    assert still_on(length, stopped, 6.0).value == 0.0


def test_adjusted_difference_is_that_of_least_squares():
    entry = normals("entry", 60)[:, 0]
    treated = np.arange(60) % 2 == 0
    change = 1.5 * treated - 0.4 * entry + 0.3 * normals("noise", 60)[:, 0]
    change[7] = NAN
    kept = ~np.isnan(change)
    design = np.column_stack([np.ones(kept.sum()), treated[kept], entry[kept]])
    plain = np.linalg.lstsq(design, change[kept], rcond=None)[0]
    assert adjusted_difference(change, entry, treated).value == pytest.approx(plain[1])


def test_slope_of_complete_data_is_the_mean_of_the_patients_own_slopes():
    times = np.array([0.0, 0.25, 0.5, 1.0])
    own = -3.0 + 2.0 * normals("slope", 80)[:, 0]
    y = 70.0 + 8.0 * normals("level", 80) + own[:, None] * times + 1.0 * normals("error", 80, 4)
    plain = np.polyfit(times, y.T, 1)[0]
    found = random_slope(y, times)
    assert found.value == pytest.approx(plain.mean(), abs=1e-6)
    assert found.error == pytest.approx(plain.std(ddof=0) / math.sqrt(80), rel=0.01)


def test_slope_of_straight_lines_without_error_is_exact():
    times = np.array([0.0, 0.5, 1.0])
    y = np.array([[70.0], [80.0], [65.0], [50.0]]) - 2.0 * times
    assert random_slope(y, times).value == pytest.approx(-2.0, abs=1e-6)


def test_a_patient_who_was_never_seen_does_not_count():
    times = np.array([0.0, 0.5, 1.0])
    y = 70.0 + normals("some", 30, 3)
    with_nobody = np.vstack([y, np.full(3, NAN)])
    assert random_slope(with_nobody, times) == random_slope(y, times)


def test_slope_is_unbiased_when_the_worst_leave():
    """Whoever has fallen by 5 is not seen again: the mixed model finds the slope that observed means miss."""
    times = np.linspace(0.0, 1.0, 5)
    own = -4.0 + 4.0 * normals("steep", 4000)[:, 0]
    y = 70.0 + 5.0 * normals("start", 4000) + own[:, None] * times + 1.0 * normals("blur", 4000, 5)
    gone = np.maximum.accumulate(y <= y[:, :1] - 5.0, axis=1)
    seen = np.where(np.roll(gone, 1, axis=1) & (np.arange(5) > 0), NAN, y)
    naive = np.nanmean(seen[:, 4] - seen[:, 0])
    found = random_slope(seen, times)
    assert abs(found.value + 4.0) < 4.0 * found.error
    assert abs(naive + 4.0) > 10.0 * found.error


def test_repeated_measures_of_complete_data_adjust_for_entry():
    """Two visits, nothing missing: the contrast is that of an analysis of covariance with the pooled slope of follow-up on entry."""
    entry = normals("base", 200)[:, 0]
    treated = np.arange(200) % 2 == 0
    later = 0.6 * entry + 1.0 * treated + 0.5 * normals("later", 200)[:, 0]
    groups = [np.column_stack([entry[who], later[who]]) for who in (treated, ~treated)]
    fit = repeated_measures(groups)
    covariance = adjusted_difference(later - entry, entry, treated)
    assert fit.at(0, 1).value - fit.at(1, 1).value == pytest.approx(covariance.value, abs=1e-5)


def test_repeated_measures_of_one_group_without_gaps_are_plain_means():
    y = 70.0 + normals("plain", 50, 3)
    fit = repeated_measures([y])
    assert fit.at(0, 2).value == pytest.approx((y[:, 2] - y[:, 0]).mean(), abs=1e-6)


def test_repeated_measures_see_through_gaps_at_random():
    truth = np.array([0.0, -1.0, -2.0])
    y = 70.0 + 6.0 * normals("person", 3000) + truth + 1.0 * normals("visit", 3000, 3)
    seen = y.copy()
    seen[y[:, 1] - y[:, 0] < -2.0, 2] = NAN  # the next visit is missed after a bad one
    fit = repeated_measures([seen]).at(0, 2)
    assert abs(fit.value + 2.0) < 4.0 * fit.error
    assert np.nanmean(seen[:, 2] - seen[:, 0]) + 2.0 > 5.0 * fit.error
