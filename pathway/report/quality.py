"""QALYs under every map of utility, side by side: which map is right decides much."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathway.economics.comparison import icer_words, mean_and_error, net_monetary_benefit
from pathway.report.formats import Column
from pathway.report.tables import Table, name_of
from pathway.report.view import View, plain

Floats = NDArray[np.float64]


def map_label(view: View, name: str) -> str:
    """Words for a map: those of the switch's option that bears its name."""
    switch = view.scenario.library.pathway.switches.get(view.scenario.library.economics.utility.map_switch or "")
    label = switch.options[name].label if switch is not None and name in switch.options else name
    return plain(label)


def quality_tables(view: View) -> list[Table]:
    """One table, if the disease has more than one map: every patient valued under each."""
    terms = view.results.terms
    if len(terms.maps) < 2:
        return []
    threshold = terms.thresholds[len(terms.thresholds) // 2]
    frame = pd.DataFrame({"strategy": view.ids, "label": [name_of(view, name) for name in view.ids]})
    columns = [Column(key="label", head="Strategy", form="text")]
    taken = []
    for number, name in enumerate(terms.maps):
        capped, free = ({run.strategy: run.outcomes.qalys_by_map[:, number, side] for run in view.runs} for side in (0, 1))
        rows = [_compared(view, strategy, capped, threshold) for strategy in view.ids]
        for row, strategy in zip(rows, view.ids, strict=True):
            row["qalys_uncapped"] = float(free[strategy].mean())
        part = pd.DataFrame(rows).add_suffix(f"_{name}")
        frame = pd.concat([frame, part], axis=1)
        most = max(float((free[strategy] - capped[strategy]).mean()) for strategy in view.ids)
        label = map_label(view, name)
        if most > 0.0:
            taken.append(f"the cap takes up to {most:.2g} QALYs of a strategy under {label}")
        columns += [
            Column(key=f"qalys_{name}", head=f"QALYs, {label}", error=f"qalys_se_{name}"),
            Column(key=f"inc_qalys_{name}", head="Added QALYs", error=f"inc_qalys_se_{name}"),
            Column(key=f"icer_text_{name}", head=f"Cost per QALY gained, {view.currency}", form="text"),
            Column(key=f"inc_nmb_{name}", head=f"Added net monetary benefit at {threshold:,.0f} per QALY, {view.currency}", form="money", error=f"inc_nmb_se_{name}"),
        ]
    note = (
        f"The same lives of all patients; discounted means, added: against {view.labels[view.comparator]}. This run uses {map_label(view, terms.utility.map)}"
        + "".join(f"; {one}" for one in taken) + "."
    )  # fmt: skip
    return [Table(name="utility_maps", title="QALYs under every map of utility, side by side", frame=frame, columns=tuple(columns), note=note)]


def _compared(view: View, strategy: str, qalys: dict[str, Floats], threshold: float) -> dict[str, object]:
    """One strategy under one map, beside the comparator."""
    cost, base_cost = view.costs(strategy), view.costs(view.comparator)
    qaly, base_qaly = qalys[strategy], qalys[view.comparator]
    row: dict[str, object] = {}
    row["qalys"], row["qalys_se"] = mean_and_error(qaly)
    if strategy == view.comparator:
        row.update(inc_qalys=np.nan, inc_qalys_se=np.nan, icer=np.nan, icer_text="comparator", inc_nmb=np.nan, inc_nmb_se=np.nan)
        return row
    row["inc_qalys"], row["inc_qalys_se"] = mean_and_error(qaly - base_qaly)
    row["icer"], row["icer_text"] = icer_words(float(np.mean(cost - base_cost)), float(np.mean(qaly - base_qaly)), mean_and_error(qaly - base_qaly)[1])
    row["inc_nmb"], row["inc_nmb_se"] = mean_and_error(net_monetary_benefit(cost, qaly, threshold) - net_monetary_benefit(base_cost, base_qaly, threshold))
    return row
