"""The access funnel: requests, denials, disputes and days, in the metrics that US payers must publish, each with its Monte Carlo error.

Shares are ratios of sums over patients, so a patient with many requests counts as often as he asks; their errors take patients, not requests, as independent.
Medians and the 90th percentile carry half the width of the distribution-free 68 % interval. This module must not know a payer.

References
----------
CMS Interoperability and Prior Authorization Final Rule, CMS-0057-F (2024), 42 CFR 422.122(c): public reporting of prior authorisation metrics.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathway.access.cases import RENEWAL, RULE, START, cases
from pathway.eventlog import EventLog

Floats = NDArray[np.float64]
DAYS_PER_YEAR = 365.25


def funnel_row(log: EventLog, years: Floats, *, word: str = START, treatment: int = -1) -> dict[str, float]:
    """Metrics of one policy.

    Parameters
    ----------
    log
        Histories of one strategy.
    years : shape (patients,)
        Years lived, for rates.
    word
        ``start`` or ``renewal``.
    treatment
        Only cases that ask for this treatment; -1: all.

    Returns
    -------
    Metric -> value and ``<metric>_se`` -> Monte Carlo standard error; NaN where nothing was asked. Shares are fractions, ``requests`` is a count a patient,
    ``requests_per_100_years`` counts resubmissions too.
    """
    table = cases(log, word)
    if treatment >= 0:
        table = table[(table["regimen"].to_numpy(dtype=np.int64) >> treatment & 1).astype(bool)]
    patients = years.size
    asked = table[table["asked"]]
    decided = asked[asked["decided"].notna()]
    denied = decided[decided["denied"]]
    disputed = denied[denied["disputed"]]
    found: dict[str, float] = {}

    def share(key: str, part: pd.DataFrame, whole: pd.DataFrame) -> None:
        found[key], found[f"{key}_se"] = ratio(_counts(part, patients), _counts(whole, patients))

    found["requests"], found["requests_se"] = ratio(_counts(asked, patients), np.ones(patients))
    share("approved_first_pass", decided[~decided["denied"]], decided)
    share("denied", denied, decided)
    share("denied_on_rule", denied[denied["denial"] == RULE], decided)
    share("informed", decided[decided["informed"]], decided)
    share("denials_disputed", disputed, denied)
    share("disputes_overturned", disputed[disputed["overturned"]], disputed)
    share("resubmitted", denied[denied["resubmitted"]], denied)
    share("approved_after_denial", decided[decided["denied"] & decided["approved"]], decided)
    share("approved", decided[decided["approved"]], decided)
    share("abandoned", decided[decided["abandoned"]], decided)
    share("forced_to_step", decided[decided["refused"] & (decided["denial"] == RULE)], decided)
    wait = DAYS_PER_YEAR * (decided["decided"] - decided["requested"]).to_numpy(dtype=np.float64)
    found["decision_days"], found["decision_days_se"] = _mean(wait)
    found["decision_days_median"], found["decision_days_median_se"] = quantile(wait, 0.5)
    found["decision_days_p90"], found["decision_days_p90_se"] = quantile(wait, 0.9)
    for key, rows in _dosed(table).items():
        days = DAYS_PER_YEAR * (rows["first_dose"] - rows["ordered"]).to_numpy(dtype=np.float64)
        found[f"{key}_days"], found[f"{key}_days_se"] = quantile(days, 0.5)
    submissions = _counts(asked, patients) + _counts(asked[asked["resubmitted"]], patients)
    rate, error = ratio(submissions, years)
    found["requests_per_100_years"], found["requests_per_100_years_se"] = 100.0 * rate, 100.0 * error
    return found


def _dosed(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Cases with a first dose, by how they came to it."""
    dosed = table[table["first_dose"].notna()]
    return {
        "dose": dosed,
        "dose_unasked": dosed[~dosed["asked"]],
        "dose_approved": dosed[dosed["asked"] & ~dosed["denied"]],
        "dose_denied_first": dosed[dosed["asked"] & dosed["denied"]],
    }


def _counts(table: pd.DataFrame, patients: int) -> Floats:
    return np.bincount(table["patient"].to_numpy(dtype=np.int64), minlength=patients).astype(np.float64)


def ratio(part: Floats, whole: Floats) -> tuple[float, float]:
    """Sum over sum, and its standard error with patients as independent.

    Examples
    --------
    >>> value, error = ratio(np.array([1.0, 0.0, 1.0, 1.0]), np.ones(4))
    >>> value, round(error, 3)
    (0.75, 0.25)
    """
    total = float(whole.sum())
    if total <= 0.0:
        return float("nan"), float("nan")
    value = float(part.sum()) / total
    if part.size < 2:
        return value, 0.0
    return value, float(np.std(part - value * whole, ddof=1) * np.sqrt(part.size) / total)


def _mean(sample: Floats) -> tuple[float, float]:
    if not sample.size:
        return float("nan"), float("nan")
    return float(sample.mean()), float(sample.std(ddof=1) / np.sqrt(sample.size)) if sample.size > 1 else 0.0


def quantile(sample: Floats, level: float) -> tuple[float, float]:
    """Quantile, and half the width of its 68 % interval from ranks.

    Examples
    --------
    >>> value, error = quantile(np.arange(101.0), 0.5)
    >>> value, round(error, 2)
    (50.0, 4.98)
    """
    if not sample.size:
        return float("nan"), float("nan")
    ordered = np.sort(sample)
    half = np.sqrt(level * (1.0 - level) / sample.size)
    low, high = np.quantile(ordered, [max(level - half, 0.0), min(level + half, 1.0)])
    return float(np.quantile(ordered, level)), float(high - low) / 2.0


def funnel_rows(log: EventLog, years: Floats, asked: int) -> dict[str, dict[str, float]]:
    """Metrics of all starts, of all renewals and of the starts of each treatment of a bit set; those that nobody ordered are left out."""
    rows = {"all starts": funnel_row(log, years), "renewals": funnel_row(log, years, word=RENEWAL)}
    ordered = cases(log)["regimen"].to_numpy(dtype=np.int64)
    for number, name in enumerate(log.treatments):
        if asked >> number & 1 and (ordered >> number & 1).any():
            rows[name] = funnel_row(log, years, treatment=number)
    return rows
