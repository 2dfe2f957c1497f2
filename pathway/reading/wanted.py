"""What the numbers of each field must be: a range and a unit, one row a field of the grammar.

This module must not read files or judge a study.
"""

from __future__ import annotations

from typing import NamedTuple

INFINITY = float("inf")


class Wanted(NamedTuple):
    """What a field asks of its values: a range (``open``: its lower end excluded) and a unit (empty: any)."""

    low: float
    high: float = INFINITY
    open: bool = False
    unit: str = ""


POSITIVE_YEARS = Wanted(0.0, open=True, unit="years")
YEARS = Wanted(0.0, unit="years")
SHARE = Wanted(0.0, 1.0)
NOT_NEGATIVE = Wanted(0.0)
POSITIVE = Wanted(0.0, open=True)

WANTED: dict[tuple[str, str], Wanted] = {
    ("Schedule", "every"): POSITIVE_YEARS,
    ("Schedule", "until"): YEARS,
    ("Condition", "recovery"): POSITIVE_YEARS,
    ("ScheduledStop", "after"): POSITIVE_YEARS,
    ("Confirmation", "after"): POSITIVE_YEARS,
    ("Hazard", "rates"): Wanted(0.0, unit="per year"),
    ("Hazard", "until"): YEARS,
    ("Hazard", "weibull_shape"): POSITIVE,
    ("Hazard", "weibull_scale"): POSITIVE_YEARS,
    ("Hazard", "gompertz_level"): Wanted(0.0, unit="per year"),
    ("Hazard", "life_table_ratio"): NOT_NEGATIVE,
    ("HazardTerm", "ratio"): POSITIVE,
    ("Effect", "until"): YEARS,
    ("Marker", "personal_slope_sd"): NOT_NEGATIVE,
    ("Marker", "process_sd_one_year"): NOT_NEGATIVE,
    ("Marker", "process_memory"): POSITIVE_YEARS,
    ("Marker", "error_sd"): NOT_NEGATIVE,
    ("Marker", "round_to"): NOT_NEGATIVE,
    ("Marker", "missing"): SHARE,
    ("Finding", "error_sd"): NOT_NEGATIVE,
    ("Finding", "bands"): SHARE,
    ("Finding", "missing"): SHARE,
    ("FindingTerm", "change_over"): POSITIVE_YEARS,
    ("Criterion", "within"): POSITIVE_YEARS,
    ("Delay", "mean"): YEARS,
    ("Delay", "sd_log"): NOT_NEGATIVE,
    ("Delay", "median"): YEARS,
    ("AfterDenial", "resubmission"): SHARE,
    ("AfterDenial", "peer_to_peer"): SHARE,
    ("AfterDenial", "peer_to_peer_success"): SHARE,
    ("AfterDenial", "appeal"): SHARE,
    ("AfterDenial", "appeal_success"): SHARE,
    ("Access", "documents"): SHARE,
    ("Access", "completes"): SHARE,
    ("Access", "residual_merits"): SHARE,
    ("Access", "residual_documents"): SHARE,
    ("Access", "abandonment"): SHARE,
    ("Access", "approval_lasts"): POSITIVE_YEARS,
    ("Access", "renewal_lasts"): POSITIVE_YEARS,
    ("Access", "renewal_lead"): YEARS,
    ("Access", "grace"): YEARS,
    ("ResponseShape", "times"): POSITIVE_YEARS,
    ("ResponseShape", "reached"): Wanted(0.0),
    ("Share", "noise_sd"): NOT_NEGATIVE,
    ("Share", "gives_back"): NOT_NEGATIVE,
    ("Share", "gives_back_over"): POSITIVE_YEARS,
    ("Response", "sd"): POSITIVE,
    ("Utility", "level"): Wanted(-1.0, 1.0),
    ("MixtureMap", "patient_variance"): NOT_NEGATIVE,
    ("MixtureMap", "censored_from"): Wanted(-1.0, 1.0),
    ("MixtureMap", "age_terms"): SHARE,
    ("MixtureClass", "variance"): POSITIVE,
    ("GivenMarker", "spread"): POSITIVE,
    ("GivenMarker", "marker_spread"): POSITIVE,
    ("GivenMarker", "correlation"): Wanted(-0.999, 0.999),
    ("Resource", "quantity_value"): NOT_NEGATIVE,
}
"""(class, field) of the grammar -> what its values must be."""
