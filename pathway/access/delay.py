"""What waiting costs: one policy against another on the same patients, as a whole and by mechanism.

Both policies share every draw, so the difference between their ledgers is what the policy did. The part that waiting did is found by running the policy once
more with every stage of its requests at no time (supply takes as long as ever): policy less policy without waiting is *waiting*, and is called untreated or
bridged by what the patient took meanwhile. The rest, policy without waiting less reference, belongs to what the payer decided: given up, denied and sent to a
step drug, approval lost, or requests alone. Parts sum to the whole, patient by patient. This module must not know a payer, a drug or a disease.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathway.access.cases import cases
from pathway.access.funnel import DAYS_PER_YEAR
from pathway.eventlog import EventLog, Kind
from pathway.program import AccessSpec, Program

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PROVIDER, PLAN = "access_provider", "access_plan"
"""Cost categories of handling requests: the clinic's, which no payer bears, and the payer's."""
MECHANISMS = ("waiting_untreated", "waiting_on_bridge", "abandonment", "step_drug", "approval_lost", "requests_only")
STAGES = ("submission", "decision", "information", "peer_to_peer", "appeal")


def waits(access: AccessSpec) -> bool:
    """Tell whether any stage of a request takes time."""
    return access.treatments != 0 and any(getattr(access, stage).mean > 0.0 for stage in STAGES)


def without_waiting(access: AccessSpec) -> AccessSpec:
    """Make the same payer answer at once; supply takes as long as ever."""
    return replace(access, **{stage: replace(getattr(access, stage), mean=0.0) for stage in STAGES})


class Worth(Protocol):
    """What a strategy was worth."""

    @property
    def categories(self) -> tuple[str, ...]:
        """Cost categories."""

    @property
    def costs(self) -> Floats:
        """Discounted, shape (patients, categories)."""

    @property
    def qalys_discounted(self) -> Floats:
        """Shape (patients,)."""


class Valued(Protocol):
    """One strategy's histories and what they were worth."""

    @property
    def program(self) -> Program:
        """What was simulated."""

    @property
    def log(self) -> EventLog:
        """What happened."""

    @property
    def outcomes(self) -> Worth:
        """What it was worth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How each patient waited, shape (patients,): days with an open order, of which without any treatment; change of a marker meanwhile (native units)."""

    days: Floats
    untreated_days: Floats
    change: Floats


def waiting_of(log: EventLog, marker: str) -> Waiting:
    """Read waits from a log.

    Parameters
    ----------
    log
        Histories of one strategy.
    marker
        Column of ``path``, such as ``fvc_native``.
    """
    table = cases(log)
    patient = table["patient"].to_numpy(dtype=np.int64)
    start, stop = (table[name].to_numpy(dtype=np.float64) for name in ("ordered", "closed"))
    length = DAYS_PER_YEAR * (stop - start)
    bare = _untreated(log, patient, start, stop)
    change = _at(log, marker, patient, stop) - _at(log, marker, patient, start)
    sums = [np.bincount(patient, weights=weight, minlength=log.patients).astype(np.float64) for weight in (length, DAYS_PER_YEAR * bare, change)]
    return Waiting(days=sums[0], untreated_days=sums[1], change=sums[2])


def _positions(numbers: NDArray[np.generic]) -> Ints:
    values = np.asarray(numbers, dtype=np.int64)
    return np.asarray(np.cumsum(np.r_[True, values[1:] != values[:-1]][: values.size]) - 1, dtype=np.int64)


def _untreated(log: EventLog, patient: Ints, start: Floats, stop: Floats) -> Floats:
    """Years of each interval in which the patient took nothing."""
    events = log.events
    position, time = _positions(events["patient"]), np.asarray(events["time"], dtype=np.float64)
    goes_on = np.r_[position[1:] == position[:-1], False]
    idle = np.where(goes_on, np.r_[time[1:], 0.0] - time, 0.0) * (np.asarray(events["regimen"], dtype=np.int64) == 0)
    # Years without treatment up to each row, then up to any time: straight between rows.
    total = np.cumsum(idle) - idle
    found = []
    for moment in (start, stop):
        row = _row_at(position, time, patient, moment)
        rate = (np.asarray(events["regimen"], dtype=np.int64)[row] == 0).astype(np.float64)
        found.append(total[row] + rate * (moment - time[row]))
    return np.asarray(found[1] - found[0])


def _row_at(position: Ints, time: Floats, patient: Ints, moment: Floats) -> Ints:
    """Last row of a patient at or before a moment."""
    wide = float(max(time.max(initial=0.0), moment.max(initial=0.0))) + 1.0
    found = np.searchsorted(position * wide + time, patient * wide + moment, side="right") - 1
    return np.maximum(found, np.searchsorted(position, patient)).astype(np.int64)


def _at(log: EventLog, marker: str, patient: Ints, moment: Floats) -> Floats:
    """Read the true value of a marker at a moment, straight between knots."""
    position, time = _positions(log.path["patient"]), np.asarray(log.path["time"], dtype=np.float64)
    value = np.asarray(log.path[marker], dtype=np.float64)
    if not patient.size:
        return np.zeros(0)
    left = _row_at(position, time, patient, moment)
    right = np.minimum(left + 1, time.size - 1)
    inside = (position[right] == position[left]) & (time[right] > time[left])
    width = np.where(inside, time[right] - time[left], 1.0)
    return np.asarray(np.where(inside, value[left] + (value[right] - value[left]) * (moment - time[left]) / width, value[left]))


def _paired_marker(one: EventLog, other: EventLog, marker: str, year: float) -> Floats:
    """Difference of a marker at a year in patients alive in both; NaN in the others."""
    everybody = np.arange(one.patients)
    when = np.full(one.patients, year)
    found = _at(one, marker, everybody, when) - _at(other, marker, everybody, when)
    for log in (one, other):
        end = np.zeros(log.patients)
        np.maximum.at(end, _positions(log.path["patient"]), np.asarray(log.path["time"], dtype=np.float64))
        found[end < year] = np.nan
    return found


def _dead_by(result: Valued, year: float) -> Floats:
    """1 for those who reached an absorbing state by then."""
    events = result.log.events
    state = np.asarray(events["state"], dtype=np.int64)
    rows = result.log.rows(Kind.MOVE) & ((result.program.absorbing >> state & 1) == 1) & (np.asarray(events["time"]) <= year)
    return np.bincount(_positions(events["patient"])[rows], minlength=result.log.patients).astype(np.float64)


def _events(log: EventLog, name: str) -> Floats:
    rows = log.rows(Kind.CONDITION) & (np.asarray(log.events["name"]) == log.name_id(name))
    return np.bincount(_positions(log.events["patient"])[rows], minlength=log.patients).astype(np.float64)


def _costs(result: Valued, wanted: Callable[[str], bool]) -> Floats:
    columns = [k for k, name in enumerate(result.outcomes.categories) if wanted(name)]
    return np.asarray(result.outcomes.costs[:, columns].sum(axis=1))


def is_drug(category: str) -> bool:
    """Tell whether a cost category is of drugs."""
    return category == "drug" or category.startswith("drug_")


def plan_cost(result: Valued) -> Floats:
    """Discounted cost to the plan: everything but the clinic's handling of requests, shape (patients,)."""
    return _costs(result, lambda name: name != PROVIDER)


def delay_row(policy: Valued, reference: Valued, *, marker: str, thresholds: Sequence[float], year: float = 5.0) -> dict[str, float]:
    """Cost of delay of one policy against a reference.

    Parameters
    ----------
    policy, reference
        The same patients under both.
    marker
        Marker whose native and shown units are reported.
    thresholds
        Willingness to pay per QALY; the middle one values health in ``break_even``.
    year
        Year of the deaths counted.

    Returns
    -------
    Differences a patient (policy less reference) and ``<metric>_se``: days waited, QALYs, marker at one year (native) in patients alive in both and its
    change while waiting, events and deaths per 1,000, discounted costs by kind, net plan cost, net monetary benefit, and ``break_even``: the drug saving a
    day of delay at which the plan's money would pay for the health lost.
    """
    native = f"{marker}_native"
    waited, waited_reference = waiting_of(policy.log, native), waiting_of(reference.log, native)
    qaly = policy.outcomes.qalys_discounted - reference.outcomes.qalys_discounted
    plan = plan_cost(policy) - plan_cost(reference)
    others = lambda name: not is_drug(name) and name not in (PROVIDER, PLAN)  # noqa: E731
    samples: dict[str, Floats] = {
        "days_waited": waited.days,
        "days_added": waited.days - waited_reference.days,
        "untreated_days_added": waited.untreated_days - waited_reference.untreated_days,
        "change_while_waiting": waited.change - waited_reference.change,
        "marker_at_one_year": _paired_marker(policy.log, reference.log, native, 1.0),
        "qalys": qaly,
        **{f"events_{spec.name}": 1000.0 * (_events(policy.log, spec.name) - _events(reference.log, spec.name)) for spec in policy.program.conditions},
        "deaths": 1000.0 * (_dead_by(policy, year) - _dead_by(reference, year)),
        "drug_cost": _costs(policy, is_drug) - _costs(reference, is_drug),
        "other_cost": _costs(policy, others) - _costs(reference, others),
        "admin_plan": _costs(policy, PLAN.__eq__) - _costs(reference, PLAN.__eq__),
        "admin_provider": _costs(policy, PROVIDER.__eq__) - _costs(reference, PROVIDER.__eq__),
        "net_plan_cost": plan,
        **{f"nmb_{threshold:g}": threshold * qaly - plan for threshold in thresholds},
    }
    found: dict[str, float] = {}
    for key, sample in samples.items():
        found[key], found[f"{key}_se"] = mean_error(sample)
    worth = thresholds[len(thresholds) // 2]
    days = found["days_added"]
    found["break_even"] = (found["net_plan_cost"] - found["drug_cost"] - worth * found["qalys"]) / days if days > 0.0 else float("nan")
    return found


def mean_error(sample: Floats) -> tuple[float, float]:
    """Mean and Monte Carlo standard error of what is not NaN."""
    kept = sample[~np.isnan(sample)]
    if not kept.size:
        return float("nan"), float("nan")
    return float(kept.mean()), float(kept.std(ddof=1) / np.sqrt(kept.size)) if kept.size > 1 else 0.0


def mechanisms(policy: Valued, undelayed: Valued, reference: Valued, *, threshold: float) -> pd.DataFrame:
    """Split the difference to the reference by what made it.

    Parameters
    ----------
    policy, undelayed, reference
        The policy, the same payer answering at once, and what it is compared with; the same patients.
    threshold
        Willingness to pay per QALY.

    Returns
    -------
    One row a mechanism and a last row ``total``: patients (share of the cohort whose difference is put there), qalys, drug_cost, net_plan_cost, nmb (means
    over the whole cohort, so that rows sum to the total) and their ``_se``.
    """
    waited = waiting_of(policy.log, policy.log.markers[0] + "_native")
    bare = waited.untreated_days > 0.5 * waited.days
    cause = _causes(undelayed)
    parts: dict[str, list[tuple[Floats, Valued, Valued]]] = {
        "waiting_untreated": [(bare.astype(np.float64), policy, undelayed)],
        "waiting_on_bridge": [((~bare).astype(np.float64), policy, undelayed)],
    }
    for name in MECHANISMS[2:]:
        parts[name] = [((cause == name).astype(np.float64), undelayed, reference)]
    rows = []
    for name, ((weight, one, other),) in parts.items():
        samples = _differences(one, other, threshold)
        touched = weight * (np.abs(np.stack(list(samples.values()))).max(axis=0) > 0.0)
        rows.append(_row(name, touched, {key: weight * sample for key, sample in samples.items()}))
    whole = _differences(policy, reference, threshold)
    rows.append(_row("total", (np.abs(np.stack(list(whole.values()))).max(axis=0) > 0.0).astype(np.float64), whole))
    return pd.DataFrame(rows)


def _differences(one: Valued, other: Valued, threshold: float) -> dict[str, Floats]:
    qaly = one.outcomes.qalys_discounted - other.outcomes.qalys_discounted
    plan = plan_cost(one) - plan_cost(other)
    return {"qalys": qaly, "drug_cost": _costs(one, is_drug) - _costs(other, is_drug), "net_plan_cost": plan, "nmb": threshold * qaly - plan}


def _row(name: str, touched: Floats, samples: dict[str, Floats]) -> dict[str, object]:
    row: dict[str, object] = {"mechanism": name}
    for key, sample in {"patients": touched, **samples}.items():
        row[key], row[f"{key}_se"] = mean_error(sample)
    return row


def _causes(result: Valued) -> NDArray[np.object_]:
    """Find the gravest thing that the payer's answers did to each patient: abandonment, denial for good, loss of an approval; otherwise requests alone."""
    table = cases(result.log)
    patient = table["patient"].to_numpy(dtype=np.int64)
    found = np.full(result.log.patients, "requests_only", dtype=object)
    lapsed = _positions(result.log.events["patient"])[result.log.rows(Kind.EXPIRE)]
    found[lapsed] = "approval_lost"
    found[patient[table["refused"].to_numpy(dtype=bool)]] = "step_drug"
    found[patient[table["abandoned"].to_numpy(dtype=bool)]] = "abandonment"
    return found


def sentence(row: dict[str, float], policy: str, reference: str, currency: str) -> str:
    """Say plainly who gains and who loses.

    Examples
    --------
    >>> row = {"qalys": -0.1, "qalys_se": 0.01, "net_plan_cost": -5000.0, "net_plan_cost_se": 100.0}
    >>> sentence(row, "Two steps", "No authorisation", "USD").split(" and ", 1)[0]
    'Two steps against No authorisation saves the plan USD 5,000 a patient'
    """
    money, health = row["net_plan_cost"], row["qalys"]
    sure_money, sure_health = abs(money) > 2.0 * row["net_plan_cost_se"], abs(health) > 2.0 * row["qalys_se"]
    head = f"{policy} against {reference} "
    spent = (
        f"{'saves' if money < 0.0 else 'costs'} the plan {currency} {abs(money):,.0f} a patient"
        if sure_money
        else "changes the plan's cost by less than the simulation can tell"
    )
    lived = (
        f"{'costs' if health < 0.0 else 'gains'} the patient {abs(health):.3f} QALYs" if sure_health else "changes QALYs by less than the simulation can tell"
    )
    if sure_money and sure_health and money < 0.0 and health < 0.0:
        return f"{head}{spent} and {lived}: the delay pays the plan and is paid for in health."
    if sure_money and sure_health and money > 0.0 and health < 0.0:
        return f"{head}{spent} and {lived}: nobody gains."
    return f"{head}{spent} and {lived}."
