"""QALYs under every map of utility, side by side: which map is right decides much, and no run is needed to see how much."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from pathway.economics.comparison import icer_words, mean_and_error, net_monetary_benefit
from pathway.economics.quality import pieces_of, quality_adjusted_years
from pathway.report.formats import Column
from pathway.report.tables import Table, name_of
from pathway.report.view import View, plain


def map_label(view: View, name: str) -> str:
    """Words for a map: those of the switch's option that bears its name."""
    switch = view.scenario.library.pathway.switches.get(view.scenario.library.economics.utility.map_switch or "")
    label = switch.options[name].label if switch is not None and name in switch.options else name
    return plain(label) + (" (in this run)" if name == view.results.terms.utility.map else "")


def quality_tables(view: View) -> list[Table]:
    """One table, if the disease has more than one map: every patient valued again under each."""
    terms = view.results.terms
    if len(terms.maps) < 2:
        return []
    threshold = terms.thresholds[len(terms.thresholds) // 2]
    base_cost = view.costs(view.comparator)
    rows = []
    for name, spec in terms.maps.items():
        gained, free = {}, {}
        for run in view.runs:
            pieces, patients = pieces_of(run.ledger, spec), run.ledger.patients
            gained[run.strategy] = quality_adjusted_years(pieces, patients, terms.discounting.outcomes, terms.discounting)
            loose = replace(pieces, cap=np.ones(pieces.cap.size))
            free[run.strategy] = quality_adjusted_years(loose, patients, terms.discounting.outcomes, terms.discounting)
        for strategy, qaly in gained.items():
            row: dict[str, object] = {"map": name, "map_label": map_label(view, name), "strategy": strategy, "label": name_of(view, strategy)}
            row["qalys"], row["qalys_se"] = mean_and_error(qaly)
            row["qalys_uncapped"], row["qalys_uncapped_se"] = mean_and_error(free[strategy])
            more, cost = qaly - gained[view.comparator], view.costs(strategy)
            row["inc_qalys"], row["inc_qalys_se"] = mean_and_error(more)
            row["icer"], row["icer_text"] = icer_words(float(np.mean(cost - base_cost)), float(np.mean(more)), mean_and_error(more)[1])
            worth = net_monetary_benefit(cost, qaly, threshold) - net_monetary_benefit(base_cost, gained[view.comparator], threshold)
            row["inc_nmb"], row["inc_nmb_se"] = mean_and_error(worth)
            if strategy == view.comparator:
                row.update(inc_qalys=np.nan, inc_qalys_se=np.nan, icer=np.nan, icer_text="comparator", inc_nmb=np.nan, inc_nmb_se=np.nan)
            rows.append(row)
    columns = (
        Column(key="map_label", head="Utility", form="text"),
        Column(key="label", head="Strategy", form="text"),
        Column(key="qalys", head="QALYs", error="qalys_se"),
        Column(key="qalys_uncapped", head="QALYs, capped by 1 alone", error="qalys_uncapped_se"),
        Column(key="inc_qalys", head="Added QALYs", error="inc_qalys_se"),
        Column(key="icer_text", head=f"Cost per QALY gained, {view.currency}", form="text"),
        Column(key="inc_nmb", head=f"Added net monetary benefit at {threshold:,.0f} per QALY, {view.currency}", form="money", error="inc_nmb_se"),
    )
    return [
        Table(
            name="utility_maps", title="QALYs under every map of utility, side by side", frame=pd.DataFrame(rows), columns=columns,
            note=f"The same lives of all patients valued again; discounted means. Added: against {view.labels[view.comparator]}.",
        )
    ]  # fmt: skip
