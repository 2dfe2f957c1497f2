"""Structural alternatives beside the base case: what each does to net benefit.

The alternatives ran on the first patients of the cohort under the same draws, so the rows differ by structure and not by luck.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from pathway.report.formats import Column
from pathway.report.tables import Table
from pathway.report.view import View, plain


def structure_tables(view: View) -> list[Table]:
    """One table, if the run made the alternatives."""
    found = view.results.alternatives
    if found is None or found.empty:
        return []
    thresholds = view.results.terms.thresholds
    threshold = thresholds[len(thresholds) // 2]
    names = [name for name in view.ids if name != view.comparator and name not in view.reference_only]
    rows = []
    for label, part in found.groupby("label", sort=False):
        gain, error = (dict(zip(part["strategy"], part[f"{key}_{threshold:g}"].to_numpy(dtype=np.float64).tolist(), strict=True)) for key in ("inc_nmb", "inc_nmb_se"))
        row: dict[str, object] = {"label": plain(str(label))}
        for name in names:
            row[f"inc_nmb_{name}"], row[f"inc_nmb_se_{name}"] = gain[name], error[name]
        gains = {view.comparator: 0.0, **{name: gain[name] for name in names}}
        best = max(gains, key=lambda name: gains[name])
        row["best"] = view.labels[best]
        rows.append(row)
    columns = (
        Column(key="label", head="Alternative", form="text"),
        *(Column(key=f"inc_nmb_{name}", head=view.labels[name], form="money", error=f"inc_nmb_se_{name}") for name in names),
        Column(key="best", head="Highest net benefit", form="text"),
    )
    frame = pd.DataFrame(rows)
    patients = min(view.results.alternative_patients, view.results.cohort.size)
    note = (
        f"Net monetary benefit gained against {view.labels[view.comparator]} at {view.scenario.economics.currency} {threshold:,.0f} per QALY "
        f"({view.currency}), first {patients:,} patients under the same draws; reference-only strategies are left out."
    )
    full = Table(name="alternative_results", title="The base case and its structural alternatives, side by side", frame=frame, columns=columns, note=note)
    return [full]
