"""Full incremental analysis: dominance, extended dominance, ICERs and net monetary benefit, each with its Monte Carlo error.

Strategies share their patients, so the error of a difference is that of paired differences. A cost-effectiveness ratio is printed only when the difference in
QALYs is larger than the simulation's own noise. This module must not know what a strategy does.

References
----------
Rules of wording: Drummond MF et al. Methods for the Economic Evaluation of Health Care Programmes, 4th ed., 2015, chapter 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathway.errors import EconomicsError, did_you_mean

Floats = NDArray[np.float64]
NOISE_ERRORS = 2.0
"""A difference within so many standard errors is within simulation error."""
NOT_ESTIMABLE = "not estimable: difference within simulation error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One strategy's place in the incremental analysis.

    ``status``: ``reference`` (cheapest on the frontier), ``on frontier``, ``dominated by X``, ``extendedly dominated by X + Y`` or ``equal to X``. ``previous`` is the option
    before it on the frontier, ``icer`` the ratio to that one (NaN off the frontier).
    """

    label: str
    cost: float
    effect: float
    status: str
    previous: str = ""
    icer: float = float("nan")

    @property
    def is_on_frontier(self) -> bool:
        """Would somebody choose it at some threshold?"""
        return self.status in ("reference", "on frontier")


def frontier(costs: Sequence[float], effects: Sequence[float], labels: Sequence[str]) -> list[Option]:
    """Find the efficiency frontier.

    Strict dominance first (no dearer and no worse, one of them strictly), then extended dominance until the ratios rise. Equal options share their
    place; the first named keeps it.

    Parameters
    ----------
    costs, effects, labels : length n
        Means; more effect is better.

    Returns
    -------
    length n, in the order given
    """
    order = sorted(range(len(labels)), key=lambda i: (costs[i], -effects[i], i))
    status = [""] * len(labels)
    kept: list[int] = []
    for i in order:
        same = next((j for j in kept if costs[j] == costs[i] and effects[j] == effects[i]), None)
        if same is not None:
            status[i] = f"equal to {labels[same]}"
        elif kept and effects[kept[-1]] >= effects[i]:
            status[i] = f"dominated by {labels[max(kept, key=lambda j: effects[j])]}"
        else:
            kept.append(i)
    changed = True
    while changed:
        changed = False
        for position in range(1, len(kept) - 1):
            a, b, c = kept[position - 1 : position + 2]
            # b lies on or above the line from a to c: ratio to b is not below the ratio from b.
            if (costs[b] - costs[a]) * (effects[c] - effects[b]) > (costs[c] - costs[b]) * (effects[b] - effects[a]):
                status[b] = f"extendedly dominated by {labels[a]} + {labels[c]}"
                del kept[position]
                changed = True
                break
    options: list[Option] = []
    for i, label in enumerate(labels):
        previous, icer = "", float("nan")
        if i in kept:
            position = kept.index(i)
            status[i] = "on frontier" if position else "reference"
            if position:
                before = kept[position - 1]
                previous = labels[before]
                icer = (costs[i] - costs[before]) / (effects[i] - effects[before])
        options.append(Option(label=label, cost=costs[i], effect=effects[i], status=status[i], previous=previous, icer=icer))
    return options


def mean_and_error(sample: Floats) -> tuple[float, float]:
    """Mean and its Monte Carlo standard error (0 for one patient)."""
    return float(sample.mean()), float(sample.std(ddof=1) / np.sqrt(sample.size)) if sample.size > 1 else 0.0


def icer_words(cost: float, effect: float, effect_error: float) -> tuple[float, str]:
    """Ratio and how it is printed.

    Parameters
    ----------
    cost, effect
        Differences against the other option.
    effect_error
        Monte Carlo standard error of the difference in effect.

    Returns
    -------
    The ratio, NaN where it means nothing, and its words.

    Examples
    --------
    >>> icer_words(-100.0, 0.5, 0.01)[1]
    'dominant'
    >>> icer_words(1000.0, 0.001, 0.01)[1]
    'not estimable: difference within simulation error'
    """
    if cost == 0.0 and effect == 0.0:
        return float("nan"), "no difference"
    if effect == 0.0 or abs(effect) < NOISE_ERRORS * effect_error:
        return float("nan"), NOT_ESTIMABLE
    ratio = cost / effect
    if cost <= 0.0 and effect > 0.0:
        return float("nan"), "dominant"
    if cost >= 0.0 and effect < 0.0:
        return float("nan"), "dominated"
    if effect < 0.0:
        return ratio, f"{rounded_ratio(ratio)} saved per QALY lost (less costly, less effective: south-west)"
    return ratio, rounded_ratio(ratio)


def rounded_ratio(ratio: float) -> str:
    """Three figures, thousands separated.

    Examples
    --------
    >>> rounded_ratio(134567.8)
    '135,000'
    """
    if ratio == 0.0 or not np.isfinite(ratio):
        return f"{ratio:g}"
    digits = 3 - int(np.floor(np.log10(abs(ratio)))) - 1
    return f"{round(ratio, digits):,.{max(digits, 0)}f}"


def _check(per_patient: Mapping[str, tuple[Floats, Floats]]) -> None:
    sizes = {label: (cost.shape, effect.shape) for label, (cost, effect) in per_patient.items()}
    if len({shape for pair in sizes.values() for shape in pair}) > 1:
        raise EconomicsError(where="comparison", found=f"samples of shapes {sizes}", expected="the same patients under every strategy")


def incremental(per_patient: Mapping[str, tuple[Floats, Floats]], reference_only: frozenset[str] | set[str] = frozenset()) -> pd.DataFrame:
    """Full incremental analysis.

    Parameters
    ----------
    per_patient
        Strategy -> discounted costs and QALYs, each shape (patients,), the same patients in each.
    reference_only
        Strategies printed as a reference and kept off the frontier.

    Returns
    -------
    One row a strategy, in order of cost: rank, strategy, cost, cost_se, qaly, qaly_se, previous, inc_cost, inc_cost_se, inc_qaly, inc_qaly_se (against the previous option on
    the frontier), icer (NaN where it means nothing), icer_text, status.
    """
    _check(per_patient)
    means = {label: (mean_and_error(cost), mean_and_error(qaly)) for label, (cost, qaly) in per_patient.items()}
    contenders = [label for label in per_patient if label not in reference_only]
    options = {o.label: o for o in frontier([means[x][0][0] for x in contenders], [means[x][1][0] for x in contenders], contenders)}
    rows = []
    for rank, label in enumerate(sorted(per_patient, key=lambda x: means[x][0][0]), start=1):
        (cost, cost_se), (qaly, qaly_se) = means[label]
        option = options.get(label)
        row: dict[str, object] = {
            "rank": rank, "strategy": label, "cost": cost, "cost_se": cost_se, "qaly": qaly, "qaly_se": qaly_se, "previous": option.previous if option else "",
            "inc_cost": np.nan, "inc_cost_se": np.nan, "inc_qaly": np.nan, "inc_qaly_se": np.nan, "icer": np.nan,
            "icer_text": "", "status": option.status if option else "reference only, kept off the frontier",
        }  # fmt: skip
        if option and option.previous:
            row.update(_difference(per_patient, label, option.previous))
        rows.append(row)
    return pd.DataFrame(rows)


def _difference(per_patient: Mapping[str, tuple[Floats, Floats]], label: str, other: str) -> dict[str, object]:
    """Paired differences of one strategy against another."""
    cost, cost_se = mean_and_error(per_patient[label][0] - per_patient[other][0])
    qaly, qaly_se = mean_and_error(per_patient[label][1] - per_patient[other][1])
    ratio, words = icer_words(cost, qaly, qaly_se)
    return {
        "inc_cost": cost, "inc_cost_se": cost_se, "inc_qaly": qaly, "inc_qaly_se": qaly_se, "icer": ratio, "icer_text": words,
    }  # fmt: skip


def net_monetary_benefit(costs: Floats, effects: Floats, threshold: float) -> Floats:
    """``threshold * effect - cost``, shape as given.

    Examples
    --------
    >>> net_monetary_benefit(np.array([1000.0]), np.array([0.5]), 50_000.0)
    array([24000.])
    """
    return threshold * effects - costs


def versus_reference(per_patient: Mapping[str, tuple[Floats, Floats]], reference: str, thresholds: Sequence[float]) -> pd.DataFrame:
    """Every strategy against one comparator.

    Parameters
    ----------
    per_patient
        As in :func:`incremental`.
    reference
        The comparator.
    thresholds
        Willingness to pay per QALY, home currency.

    Returns
    -------
    One row a strategy in the order given: strategy, inc_cost, inc_cost_se, inc_qaly, inc_qaly_se, icer, icer_text and, per threshold t: nmb_t, inc_nmb_t, inc_nmb_se_t.

    Raises
    ------
    EconomicsError
        If the comparator is not among the strategies.
    """
    _check(per_patient)
    if reference not in per_patient:
        raise EconomicsError(where="comparator", found=reference, expected=", ".join(per_patient), mend=did_you_mean(reference, list(per_patient)))
    rows = []
    for label, (cost, qaly) in per_patient.items():
        row: dict[str, object] = {"strategy": label, **_difference(per_patient, label, reference)}
        if label == reference:
            row["icer_text"] = "comparator"
        for threshold in thresholds:
            benefit = net_monetary_benefit(cost, qaly, threshold)
            base = net_monetary_benefit(*per_patient[reference], threshold)
            gain, error = mean_and_error(benefit - base)
            row |= {f"nmb_{threshold:g}": float(benefit.mean()), f"inc_nmb_{threshold:g}": gain, f"inc_nmb_se_{threshold:g}": error}
        rows.append(row)
    return pd.DataFrame(rows)
