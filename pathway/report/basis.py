"""What a report rests on: evidence with grades, prices, structural alternatives, conventions, sources.

Nothing here is computed from a run; it is what the reader must know to judge one.
"""

from __future__ import annotations

import pandas as pd

from pathway.definition.scenario import Scenario
from pathway.report.formats import Column, significant
from pathway.report.tables import Table
from pathway.report.view import View, plain


def evidence_frame(scenario: Scenario) -> pd.DataFrame:
    """Every number that the study can reach.

    Returns
    -------
    One row a number: id, label, value, unit, low, high, standard_error, family, grade, source, citation, origin (library, calibrated table or scenario), note. Derived sums are marked ``derived``.
    """
    values = scenario.base_values()
    known = {**scenario.library.parameters, **scenario.overrides}
    derived = scenario.library.pathway.derived
    table = scenario.library.calibration
    calibrated = set() if table is None else set(table.joint.ids)
    rows = []
    for name in scenario.used_parameters():
        if name in known:
            one = known[name]
            cited = "; ".join(
                scenario.library.sources[key.strip()].citation
                for key in one.source.split(";")
                if key.strip() in scenario.library.sources
            )
            rows.append(
                {
                    "id": name, "label": one.label, "value": values.get(name, one.value), "unit": one.unit, "low": one.low, "high": one.high, "standard_error": one.standard_error, "family": one.family,
                    "grade": one.grade, "source": one.source, "citation": cited, "note": one.note,
                    "origin": "scenario" if name in scenario.overrides else f"calibrated {table.name}" if table is not None and name in calibrated else "library",
                }
            )  # fmt: skip
        elif name in derived:
            total = derived[name]
            rows.append(
                {
                    "id": name, "label": total.label, "value": values[name], "unit": total.unit, "low": None, "high": None, "standard_error": None, "family": "", "grade": "derived",
                    "source": total.source, "citation": "", "origin": "library", "note": total.note,
                }
            )  # fmt: skip
    columns = ["id", "label", "value", "unit", "low", "high", "standard_error", "family", "grade", "source", "citation", "origin", "note"]
    return pd.DataFrame(rows, columns=columns)


def price_frame(scenario: Scenario) -> pd.DataFrame:
    """Every price the study may use: item, label, value, unit, currency, price_year, basis, channel, valid_from, grade, source."""
    rows = []
    day = scenario.economics.price_date
    for row in scenario.library.prices:
        if row.item in scenario.price_overrides or row.basis not in ("fee", scenario.economics.price_basis):
            continue
        if row.valid_until and row.valid_until < day:  # later rows stay: they act from their date
            continue
        rows.append(
            {
                "item": row.item, "label": row.label, "value": row.value, "unit": row.unit, "currency": row.currency, "price_year": row.price_year, "basis": row.basis,
                "channel": row.channel, "valid_from": str(row.valid_from or ""), "grade": row.grade, "source": row.source, "origin": "library",
            }
        )  # fmt: skip
    labels = {row.item: row.label for row in scenario.library.prices}
    for item, price in scenario.price_overrides.items():
        rows.append(
            {
                "item": item, "label": labels.get(item, item), "value": price.value, "unit": price.unit, "currency": scenario.economics.currency,
                "price_year": price.price_year, "basis": price.basis, "channel": "the scenario's own", "valid_from": "", "grade": price.grade, "source": price.source,
                "origin": "scenario",
            }
        )  # fmt: skip
    return pd.DataFrame(
        rows,
        columns=[
            "item",
            "label",
            "value",
            "unit",
            "currency",
            "price_year",
            "basis",
            "channel",
            "valid_from",
            "grade",
            "source",
            "origin",
        ],
    )


def _shown(frame: pd.DataFrame) -> pd.DataFrame:
    """Add printed values and spreads."""
    told = frame.copy()
    told["value_text"] = [
        f"{significant(float(value))} {unit}" for value, unit in zip(told["value"], told["unit"], strict=True)
    ]
    if "low" in told:
        errors = told["standard_error"] if "standard_error" in told else [None] * len(told)
        told["spread_text"] = [
            f"{significant(float(low))} to {significant(float(high))}"
            if pd.notna(low) and pd.notna(high)
            else f"SE {significant(float(error))}"
            if pd.notna(error)
            else ""
            for low, high, error in zip(told["low"], told["high"], errors, strict=True)
        ]
    return told


_EVIDENCE_COLUMNS = (
    Column(key="label", head="Number", form="text"),
    Column(key="value_text", head="Value", form="text"),
    Column(key="spread_text", head="95 % interval, range or standard error", form="text"),
    Column(key="grade", head="Grade", form="grade"),
    Column(key="source", head="Source", form="text"),
    Column(key="origin", head="From", form="text"),
    Column(key="id", head="Id", form="text"),
)


def basis_tables(view: View) -> list[Table]:
    """Weak numbers first, then everything."""
    scenario = view.scenario
    evidence = _shown(evidence_frame(scenario))
    weak = (
        evidence[evidence["grade"].isin(["memory", "assumption"])]
        .sort_values(["grade"], ascending=False, kind="stable")
        .reset_index(drop=True)
    )
    prices = _shown(price_frame(scenario))
    grades = evidence["grade"].value_counts()
    counted = ", ".join(
        f"{int(grades[grade])} {word}"
        for grade, word in (
            ("verified", "verified"),
            ("derived", "derived"),
            ("memory", "from memory"),
            ("assumption", "assumed"),
        )
        if grade in grades
    )
    tables = [
        Table(name="weak_numbers", title="Numbers known from memory or assumed", frame=weak, columns=_EVIDENCE_COLUMNS, note=f"Of {len(evidence)} numbers of this study: {counted}."),
        Table(
            name="prices", title=f"Prices ({scenario.economics.price_basis} basis)", frame=prices, note="As stated by the source, before indexing to the price year of the study.",
            columns=(
                Column(key="label", head="Item", form="text"), Column(key="value_text", head="Price per unit", form="text"), Column(key="currency", head="Currency", form="text"),
                Column(key="price_year", head="Year", form="text"), Column(key="basis", head="Basis", form="text"), Column(key="channel", head="Channel", form="text"),
                Column(key="grade", head="Grade", form="grade"), Column(key="source", head="Source", form="text"), Column(key="origin", head="From", form="text"),
            ),
        ),
        alternatives(view),
        conventions(view),
        Table(name="evidence", title="All numbers", frame=evidence, columns=_EVIDENCE_COLUMNS),
        sources(view),
    ]  # fmt: skip
    return [table for table in tables if len(table.frame)]


def alternatives(view: View) -> Table:
    """Named structural alternatives and which option is in force."""
    scenario = view.scenario
    rows = [
        {
            "switch": name, "label": plain(switch.label), "chosen": plain(switch.options[scenario.switches[name]].label), "base": scenario.switches[name] == switch.base,
            "base_text": "base case" if scenario.switches[name] == switch.base else "departs from the base case", "source": switch.source,
            "others": "; ".join(plain(option.label) for key, option in switch.options.items() if key != scenario.switches[name]),
        }
        for name, switch in scenario.library.pathway.switches.items()
    ]  # fmt: skip
    columns = (
        Column(key="label", head="Alternative", form="text"), Column(key="chosen", head="In this run", form="text"), Column(key="base_text", head="", form="text"),
        Column(key="others", head="Other options", form="text"), Column(key="source", head="Source", form="text"),
    )  # fmt: skip
    return Table(name="alternatives", title="Structural alternatives", frame=pd.DataFrame(rows), columns=columns)


def calibration_words(scenario: Scenario) -> str:
    """Which calibrated table is in force, in one sentence; empty if none is."""
    table = scenario.library.calibration
    if table is None:
        return ""
    own = sorted(set(table.joint.ids) & set(scenario.overrides))
    return f"{table.citation}; in place of the evidence, drawn together with their correlations" + (f"; but for {', '.join(own)}, which the scenario gives itself" if own else "")


def conventions(view: View) -> Table:
    """Conventions in force, printed with every result."""
    scenario = view.scenario
    study, money = scenario.study, scenario.economics
    cohort = scenario.cohort
    rates = f"costs {100 * money.discount_costs:g} % a year, outcomes {100 * money.discount_outcomes:g} % a year"
    lifetime = " (a lifetime)" if study.horizon >= 100 else ""
    not_valued = scenario.library.economics.utility.not_valued
    told = [
        ("Perspective", money.perspective),
        ("Population", cohort.label if cohort is not None else "the user's own patients"),
        ("Horizon", f"{study.horizon:g} years from entry{lifetime}"),
        ("Comparator", view.labels[view.comparator]),
        ("Discounting", f"{rates}, {money.discount_convention.replace('_', ' ')}"),
        ("Prices", f"{money.price_basis} prices of {money.price_date.isoformat()}, in {money.currency} of {money.price_year}"),
        ("Thresholds", ", ".join(f"{money.currency} {threshold:,.0f} per QALY" for threshold in money.thresholds)),
        ("Authorisation", "; ".join(dict.fromkeys(scenario.access(name).label for name in view.ids))),
        ("Calibration", calibration_words(scenario)),
        ("Utilities", view.results.terms.describe()["Utilities"]),
        ("Time", "exact event times; no cycles, so no half-cycle correction"),
        ("Monte Carlo error", "±: standard error of the mean from a finite number of simulated patients; differences are paired. It is not parameter uncertainty, which this run does not vary."),
        ("Not valued", "; ".join(not_valued)),
        ("Life tables replaced", "; ".join(f"{old} by {new}" for old, new in scenario.life_tables.items())),
    ]  # fmt: skip
    frame = pd.DataFrame([{"what": what, "convention": plain(words)} for what, words in told if words])
    return Table(
        name="conventions",
        title="Conventions",
        frame=frame,
        columns=(Column(key="what", head="", form="text"), Column(key="convention", head="In this run", form="text")),
    )


def sources(view: View) -> Table:
    """Publications behind the numbers of this study."""
    scenario = view.scenario
    wanted = {
        key.strip()
        for text in [*evidence_frame(scenario)["source"], *price_frame(scenario)["source"]]
        for key in str(text).split(";")
    }
    rows = [
        {"key": row.key, "citation": row.citation, "doi_or_url": row.doi_or_url, "accessed": row.accessed}
        for row in scenario.library.sources.values()
        if row.key in wanted
    ]
    columns = (
        Column(key="key", head="Key", form="text"),
        Column(key="citation", head="Citation", form="text"),
        Column(key="doi_or_url", head="DOI or address", form="text"),
    )
    return Table(name="sources", title="Sources", frame=pd.DataFrame(rows), columns=columns)
