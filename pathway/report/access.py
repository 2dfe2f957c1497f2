"""Tables of access: the funnel of requests, what waiting costs and by what mechanism, and the payers' rules in force."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pathway.access.delay import MECHANISMS, PLAN, PROVIDER, delay_row, mechanisms, sentence
from pathway.access.funnel import funnel_rows
from pathway.compiling.coverage import unseen_facts
from pathway.economics.comparison import mean_and_error
from pathway.eventlog import Kind
from pathway.report.formats import Column
from pathway.report.tables import Table
from pathway.report.view import View, plain

DEATHS_BY = 5.0
"""Year of the deaths counted in the cost of delay."""
MECHANISM_WORDS = {
    "waiting_untreated": "Waiting untreated",
    "waiting_on_bridge": "Waiting on another drug",
    "abandonment": "Order given up",
    "step_drug": "Denied: step drug or the next one",
    "approval_lost": "Approval lost",
    "requests_only": "Requests alone",
    "total": "Total",
}
ASKS = (Kind.ORDER, Kind.INFORM, Kind.DENY)


def has_requests(view: View) -> bool:
    """Tell whether anybody waited or was asked anything."""
    return view.results.has_logs and any(run.log.rows(*ASKS).any() for run in view.runs)


def access_tables(view: View) -> list[Table]:
    """All tables of access, in reading order; none where every request is approved at once."""
    if not has_requests(view):
        return []
    return [funnel(view), *([cost_of_delay(view), by_mechanism(view)] if view.results.undelayed else []), *payer_rules(view)]


def funnel(view: View) -> Table:
    """Tabulate requests by policy, with the metrics of public reporting."""
    rows = []
    for run in view.runs:
        asked = run.program.access.treatments
        for part, found in funnel_rows(run.log, run.outcomes.life_years, asked).items():
            words = view.treatment(part) if part in run.program.treatments else part.capitalize()
            row: dict[str, object] = {"strategy": run.strategy, "label": view.labels[run.strategy], "part": part, "part_label": words, **found}
            for key, category in (("admin_plan", PLAN), ("admin_provider", PROVIDER)):
                row[key], row[f"{key}_se"] = mean_and_error(view.category_costs(run.strategy, category)) if part == "all starts" else (np.nan, np.nan)
            rows.append(row)
    frame = pd.DataFrame(rows)
    frame = frame[(frame["requests"] > 0.0) | (frame["part"] == "all starts")].reset_index(drop=True)
    heads = (
        ("requests", "Requests a patient", "number"),
        ("approved_first_pass", "Approved at first", "share"),
        ("denied", "Denied", "share"),
        ("denied_on_rule", "of which on the rule", "share"),
        ("informed", "More documents asked for", "share"),
        ("denials_disputed", "Denials disputed", "share"),
        ("disputes_overturned", "Disputes won", "share"),
        ("approved_after_denial", "Approved after a denial", "share"),
        ("approved", "Approved in the end", "share"),
        ("abandoned", "Given up", "share"),
        ("forced_to_step", "Forced to a step drug", "share"),
        ("decision_days", "Days to a decision, mean", "number"),
        ("decision_days_median", "median", "number"),
        ("decision_days_p90", "90th percentile", "number"),
        ("dose_days", "Days from order to first dose, median", "number"),
        ("dose_unasked_days", "not asked for", "number"),
        ("dose_approved_days", "approved at first", "number"),
        ("dose_denied_first_days", "denied at first", "number"),
        ("requests_per_100_years", "Requests per 100 patient-years", "number"),
        ("admin_plan", f"Handling, plan, {view.currency}", "money"),
        ("admin_provider", f"Handling, clinic, {view.currency}", "money"),
    )
    columns = [Column(key="label", head="Policy", form="text"), Column(key="part_label", head="Asked for", form="text")]
    columns += [Column(key=key, head=head, form=form, error=f"{key}_se", digits=1) for key, head, form in heads]  # type: ignore[arg-type]
    return Table(
        name="access_funnel", title="The access funnel", frame=frame, columns=tuple(columns),
        note="Shares are of requests with a decision; disputes are peer-to-peer calls and appeals. A request sent once more belongs to "
        "its order, and counts in the rate per 100 patient-years. "
        "Handling: discounted mean a patient over the horizon.",
    )  # fmt: skip


def delays(view: View) -> dict[str, dict[str, float]]:
    """Cost of delay of every policy that differs from the comparator by its payer alone."""
    marker = view.scenario.library.economics.utility.marker
    base = view.results.strategies[view.comparator]
    thresholds = view.results.terms.thresholds
    return {
        name: delay_row(view.results.strategies[name], base, marker=marker, thresholds=thresholds, year=min(DEATHS_BY, base.program.horizon))
        for name in view.results.undelayed
    }


def delay_sentences(view: View) -> list[str]:
    """Say plainly what each policy does to the plan and to the patient."""
    if not view.results.undelayed:
        return []
    currency = view.scenario.economics.currency
    return [sentence(row, view.labels[name], view.labels[view.comparator], currency) for name, row in delays(view).items()]


def cost_of_delay(view: View) -> Table:
    """Every policy against the comparator on the same patients."""
    rows = [{"strategy": name, "label": view.labels[name], **row} for name, row in delays(view).items()]
    pathway = view.scenario.library.pathway
    marker = pathway.markers[view.scenario.library.economics.utility.marker]
    words, unit = plain(marker.label), plain(marker.unit)
    conditions = [(f"events_{spec.name}", f"{view.condition(spec.name)}, per 1,000") for spec in view.runs[0].program.conditions]
    worth = view.results.terms.thresholds[len(view.results.terms.thresholds) // 2]
    money = view.currency
    heads = (
        ("days_added", "Days waited, added", "number"),
        ("untreated_days_added", "of which untreated", "number"),
        ("change_while_waiting", f"{words} while waiting, {unit}", "number"),
        ("marker_at_one_year", f"{words} at one year, {unit}", "number"),
        ("qalys", "QALYs", "number"),
        *((key, head, "number") for key, head in conditions),
        ("deaths", f"Deaths by year {min(DEATHS_BY, view.runs[0].program.horizon):g}, per 1,000", "number"),
        ("drug_cost", f"Drugs, {money}", "money"),
        ("other_cost", f"Other care, {money}", "money"),
        ("admin_plan", f"Handling, plan, {money}", "money"),
        ("admin_provider", f"Handling, clinic, {money}", "money"),
        ("net_plan_cost", f"Net cost to the plan, {money}", "money"),
        (f"nmb_{worth:g}", f"Net monetary benefit at {worth:,.0f} per QALY, {money}", "money"),
    )
    columns = [Column(key="label", head="Policy", form="text")]
    columns += [Column(key=key, head=head, form=form, error=f"{key}_se") for key, head, form in heads]  # type: ignore[arg-type]
    columns.append(Column(key="break_even", head=f"Break-even drug saving a day of delay, {money}", form="money"))
    return Table(
        name="cost_of_delay", title="What the delay costs", frame=pd.DataFrame(rows), columns=tuple(columns),
        note=f"Means a patient, each policy less {view.labels[view.comparator]}, the same patients in both; money and QALYs discounted. "
        "A negative cost is money saved. "
        f"Break-even: what a day of delay would have to save on drugs to pay, at {worth:,.0f} per QALY, for the health and the other care that it costs.",
    )  # fmt: skip


def mechanism_frame(view: View) -> pd.DataFrame:
    """Parts of the difference by policy and mechanism."""
    base = view.results.strategies[view.comparator]
    worth = view.results.terms.thresholds[len(view.results.terms.thresholds) // 2]
    parts = []
    for name, undelayed in view.results.undelayed.items():
        part = mechanisms(view.results.strategies[name], undelayed, base, threshold=worth)
        part.insert(0, "label", view.labels[name])
        part.insert(0, "strategy", name)
        part["mechanism_label"] = [MECHANISM_WORDS[word] for word in part["mechanism"]]
        part["category"] = ["total" if word == "total" else word for word in part["mechanism"]]
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def by_mechanism(view: View) -> Table:
    """Split the cost of delay by what made it."""
    money = view.currency
    heads = (
        ("patients", "Patients", "share"),
        ("qalys", "QALYs", "number"),
        ("drug_cost", f"Drugs, {money}", "money"),
        ("net_plan_cost", f"Net cost to the plan, {money}", "money"),
        ("nmb", f"Net monetary benefit, {money}", "money"),
    )
    columns = [Column(key="label", head="Policy", form="text"), Column(key="mechanism_label", head="Mechanism", form="text")]
    columns += [Column(key=key, head=head, form=form, error=f"{key}_se") for key, head, form in heads]  # type: ignore[arg-type]
    return Table(
        name="delay_mechanisms", title="What the delay costs, by mechanism", frame=mechanism_frame(view), columns=tuple(columns),
        note="Parts add up to the total, patient by patient. Waiting: the policy less the same payer answering at once (supply takes "
        "as long as ever), told by what the patient took during most of it. "
        "The rest: that payer less the comparator, told by the gravest thing that happened to the patient's requests.",
    )  # fmt: skip


def payer_rules(view: View) -> list[Table]:
    """Rules in force, and what the simulation cannot see of them."""
    library = view.scenario.library
    rows, blind = [], []
    for name in view.ids:
        for treatment, one in view.scenario.access(name).of.items():
            for kind, code in (("start", one.start), ("renewal", one.renewal)):
                if code is not None:
                    rule = library.policies.rules[code]
                    rows.append(
                        {
                            "label": view.labels[name],
                            "treatment": view.treatment(treatment),
                            "kind": kind,
                            "rule": code,
                            "text": plain(rule.label),
                            "source": plain(rule.source),
                            "grade": rule.grade,
                        }
                    )
        blind += [
            {"label": view.labels[name], "rule": one.rule, "clause": plain(one.words), "taken": plain(one.why)} for one in unseen_facts(view.scenario, name)
        ]
    tables = []
    if rows:
        columns = (
            ("label", "Policy"),
            ("treatment", "Drug"),
            ("kind", "Asked at"),
            ("rule", "Rule"),
            ("text", "In words"),
            ("source", "Printed in"),
            ("grade", "Read"),
        )
        tables.append(
            Table(
                name="payer_rules", title="Payers' rules in force", frame=pd.DataFrame(rows),
                columns=tuple(Column(key=key, head=head, form="text") for key, head in columns),
                note="Read: V1 the primary text, V2 a secondary source, S a source document of the project only, M memory, A assumption.",
            )
        )  # fmt: skip
    if blind:
        heads = (("label", "Policy"), ("rule", "Rule"), ("clause", "Clause"), ("taken", "Taken as"))
        tables.append(
            Table(
                name="payer_rules_unseen", title="What the simulation cannot see of these rules", frame=pd.DataFrame(blind).drop_duplicates(),
                columns=tuple(Column(key=key, head=head, form="text") for key, head in heads),
            )
        )  # fmt: skip
    return tables


__all__ = ["MECHANISMS", "access_tables", "delay_sentences", "delays", "has_requests", "mechanism_frame"]
