"""What made patients change treatment: the disease, or its measurement.

A rule that reads measured values fires on errors too. Whoever changes then is measured better at the next visit, and a naive reader credits the next drug. This
module must not know a disease.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pathway.definition.trials import Switching
from pathway.eventlog import Kind
from pathway.validation.running import ArmRun

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """First change of each patient that one decision made, under one strategy.

    Attributes
    ----------
    patients, changed
        How many there were, and how many changed treatment by the decision.
    measured_fall, true_fall
        Mean fall from the highest measurement on the line to that on which the decision rests; and of the true values at the same two moments.
    over_read, under_read
        Mean of measured less true at the highest, and of true less measured at the last.
    rebound
        Mean of the next measurement less the one on which the decision rests.
    stable
        Share of those who changed whose true fall was smaller than the margin.
    """

    arm: str
    label: str
    patients: int
    changed: int
    measured_fall: float
    true_fall: float
    over_read: float
    under_read: float
    rebound: float
    stable: float


def switches(run: ArmRun, asked: Switching) -> Switches:
    """Look at the first time that a decision changed each patient's treatment."""
    events, log = run.log.events, run.log
    decided = log.rows(Kind.DECIDE) & (events["name"] == log.name_id(asked.decision))
    measured = log.rows(Kind.MEASURE) & (events["name"] == log.name_id(asked.marker)) & ~np.isnan(events["measured"])
    lines = log.rows(Kind.LINE)
    firsts = np.flatnonzero(decided)
    _, kept = np.unique(events["patient"][firsts], return_index=True)
    found = [one for one in (_one(events, int(row), measured, lines) for row in firsts[kept]) if one is not None]
    table = np.array(found, dtype=np.float64).reshape(-1, 5)
    peak, last, peak_true, last_true, following = table.T
    fall = peak_true - last_true

    def average(x: Floats) -> float:
        seen = x[~np.isnan(x)]
        return float(seen.mean()) if seen.size else float("nan")

    return Switches(
        arm=run.name, label=run.arm.label, patients=run.cohort.size, changed=len(table), measured_fall=average(peak - last), true_fall=average(fall),
        over_read=average(peak - peak_true), under_read=average(last_true - last), rebound=average(following - last),
        stable=average((fall < asked.stable_below).astype(np.float64)),
    )  # fmt: skip


def _one(events: dict[str, np.ndarray], row: int, measured: np.ndarray, lines: np.ndarray) -> tuple[float, float, float, float, float] | None:
    """Highest and last measurement on the line before a decision, both as measured and true, and the next measurement (NaN: none)."""
    patient, time = events["patient"], events["time"]
    first, end = np.searchsorted(patient, patient[row]), np.searchsorted(patient, patient[row], side="right")
    began = [at for at in range(first, row) if lines[at]]
    since = float(time[began[-1]]) if began else 0.0
    before = [at for at in range(first, row) if measured[at] and time[at] >= since]
    if len(before) < 2:
        return None
    values, truths = events["measured"][before], events["true"][before]
    peak = int(np.argmax(values))
    later = [at for at in range(row + 1, int(end)) if measured[at]]
    following = float(events["measured"][later[0]]) if later else float("nan")
    return float(values[peak]), float(values[-1]), float(truths[peak]), float(truths[-1]), following
