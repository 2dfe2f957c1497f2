"""A made-up study rich enough to draw every figure: three lines, four drugs, infections, exacerbations, transplant.

Histories come from the reference engine; money is a plain sum of years and doses, so that reports are tested apart from the ledger. Nothing here is evidence.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from pathway.cohort import draw_cohort
from pathway.compiler import compile_program
from pathway.definition.documents import EconomicsDocument, PriceRow, SourceRow, TreatmentRow
from pathway.definition.scenario import Scenario
from pathway.engines import simulate
from pathway.eventlog import EventLog
from pathway.program import Cohort, Program
from pathway.report.histories import Spans, spans_of
from tests.small_study import cohort_tables, pathway_tables, small_scenario

DRUGS = {"mmf": "Mycophenolate", "rituximab": "Rituximab", "tocilizumab": "Tocilizumab", "nintedanib": "Nintedanib"}
YEARLY = {"mmf": 900.0, "rituximab": 14_000.0, "tocilizumab": 26_000.0, "nintedanib": 98_000.0}
NUMBERS = {
    "drift_early": (-6.0, "points per year"), "drift_late": (-3.0, "points per year"), "stop_rate": (0.08, "per year"), "excess": (0.03, "per year"),
    "listed": (0.25, "per year"), "help_mmf": (2.0, "points per year"), "help_rtx": (2.2, "points per year"), "help_tcz": (3.0, "points per year"), "keep_nin": (0.55, "fraction"),
    "ratio_ten": (1.45, "fraction"), "never": (30.0, "years"),
    "infection_rate": (0.06, "per year"), "exacerbation_rate": (0.05, "per year"), "marker_median": (78.0, "points"), "age_mean": (52.0, "years"),
}  # fmt: skip
LINES: dict[str, list[list[list[str]]]] = {
    "s0": [],
    "s1": [[["mmf"]], [["mmf", "nintedanib"]], [["rituximab"]]],
    "s2": [[["mmf"]], [["tocilizumab"]], [["mmf", "nintedanib"], ["nintedanib"]]],
    "s3": [[["rituximab"]], [["mmf", "tocilizumab"], ["mmf"]], [["nintedanib"]]],
}
LABELS = {
    "s0": "No treatment",
    "s1": "MMF, add nintedanib",
    "s2": "MMF, then tocilizumab",
    "s3": "Rituximab <first> & $so on$",
}


def tables() -> dict[str, Any]:
    """The pathway as TOML would give it."""
    found = pathway_tables()
    found["disease"] = {"id": "lungs", "label": "Made-up lung disease"}
    found["states"] = {
        "untreated": {"label": "Untreated", "is_start": True, "line": 0},
        "first_line": {"label": "First line", "line": 1},
        "second_line": {"label": "Second line", "line": 2},
        "further_lines": {"label": "Further lines", "line": 3},
        "supportive_care": {"label": "Supportive care", "is_last_resort": True},
        "transplanted": {"label": "Transplanted"},
        "dead": {"label": "Dead", "is_absorbing": True},
    }
    found["markers"] = {"fvc": {**found["markers"]["m"], "label": "Forced vital capacity", "error_sd": "error"}}
    found["findings"]["worse"]["terms"][0]["marker"] = "fvc"
    found["schedules"] = {
        "clinic": {
            "label": "Clinic",
            "every": ["quarter", "half_year"],
            "until": ["one_year"],
            "measures": ["fvc"],
            "findings": ["worse"],
        }
    }
    found["conditions"] = {
        "infection": {"label": "Serious infection", "recovery": "month"},
        "exacerbation": {"label": "Acute exacerbation", "recovery": "month"},
    }
    found["rules"] = {
        "fell": {
            "label": "Fall of 10 points within a year",
            "source": "test",
            "when": {"field": "fall", "of": "fvc", "within": "one_year", "at_least": "ten"},
        }
    }
    lines = ["first_line", "second_line", "further_lines"]
    marker = {"marker": "fvc", "ratio": "ratio_ten", "per": "minus_ten", "reference": "seventy"}
    found["transitions"] = [
        {"name": "death_background", "label": "Death of another cause", "to": "dead", "clock": "age", "cause": "background", "hazard": {"life_table": "usa"}},
        {"name": "death_disease", "label": "Death of the disease", "to": "dead", "cause": "lung disease", "hazard": {"rates": ["excess"]}, "terms": [marker]},
        *(
            {"name": f"stop_{drug}", "label": f"Intolerance of {drug}", "from": lines, "treatment": drug, "clock": f"course:{drug}",
             "hazard": {"rates": ["stop_rate"]}, "stops_treatment": True, "reason": "intolerance"}
            for drug in DRUGS
        ),
        {"name": "infect", "label": "Infection", "hazard": {"rates": ["infection_rate"]}, "forbids_condition": True, "condition": "infection"},
        {"name": "exacerbate", "label": "Exacerbation", "hazard": {"rates": ["exacerbation_rate"]}, "forbids_condition": True, "condition": "exacerbation",
         "jumps": [{"marker": "fvc", "change": "minus_two"}]},
        {"name": "transplant", "label": "Transplant", "from": ["supportive_care"], "to": "transplanted", "stops_all": True, "reason": "choice", "hazard": {"rates": ["excess"]}},
    ]  # fmt: skip
    found["scheduled"] = []
    found["decisions"] = [
        {"name": "progress", "label": "Progression", "when": "fell", "from": lines, "do": "next_line"}
    ]
    found["effects"] = [{"name": "drift", "marker": "fvc", "kind": "drift", "clock": "onset", "values": ["drift_early", "drift_late"], "until": ["five"]}] + [
        {"name": f"{drug}_helps", "marker": "fvc", "kind": kind, "treatments": [drug], "clock": f"course:{drug}", "values": [value]}
        for drug, kind, value in (
            ("mmf", "difference", "help_mmf"), ("rituximab", "difference", "help_rtx"), ("tocilizumab", "difference", "help_tcz"), ("nintedanib", "ratio", "keep_nin"),
        )
    ]  # fmt: skip
    found["derived"] = {}
    return found


def lung_scenario(**study: Any) -> Scenario:
    """Four strategies, the first a reference only."""
    cohort = cohort_tables()
    cohort["covariates"]["m0"] = {**cohort["covariates"]["m0"]}
    cohort["entry"] = {}
    numbers = {**NUMBERS, "half_year": (0.5, "years"), "five": (5.0, "years")}
    strategies = {
        name: {
            "label": LABELS[name], "reference_only": name == "s0", "evidence_note": "" if name == "s0" else f"no randomised evidence exists for {LABELS[name]}",
            "lines": [{"candidates": [{"regimen": regimen} for regimen in line]} for line in lines],
        }
        for name, lines in LINES.items()
    }  # fmt: skip
    chosen = {
        "id": "lungs_us",
        "label": "Lungs <b>made up</b>",
        "strategies": tuple(LINES),
        "comparator": "s1",
        "horizon": 60.0,
        "patients": 200,
        "access": "open",
        **study,
    }
    scenario = small_scenario(pathway=tables(), cohort=cohort, numbers=numbers, strategies=strategies, study=chosen)
    library = dataclasses.replace(
        scenario.library,
        title="Made-up lung disease",
        treatments=tuple(
            TreatmentRow(id=name, label=label, substance=name, drug_class="drug", route="oral", source="made_up") for name, label in DRUGS.items()
        ),
        prices=tuple(
            PriceRow(item=name, label=label, value=YEARLY[name], unit="year", currency="USD", price_year=2026, basis="net", channel="made up", source="made_up",
                     grade="memory" if name == "mmf" else "assumption")
            for name, label in DRUGS.items()
        ),
        sources={"made_up": SourceRow(key="made_up", citation="Made up for tests <script>alert(1)</script>", doi_or_url="https://doi.org/10.1000/1")},
        economics=EconomicsDocument.model_validate(
            {"utility": {"marker": "fvc", "level": "half", "slope": "zero", "reference": "seventy", "not_valued": ["unpaid care"]}, "resources": [], "drug_categories": {"drug": "Drugs"}}
        ),
        files=(("pathway.toml", "ab" * 32),),
    )  # fmt: skip
    return dataclasses.replace(
        scenario, library=library, sha256="cd" * 32, warnings=("one price is older than the study",)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeOutcomes:
    """What valuation gives, as documented."""

    categories: tuple[str, ...]
    costs: np.ndarray
    costs_undiscounted: np.ndarray
    life_years: np.ndarray
    life_years_discounted: np.ndarray
    qalys: np.ndarray
    qalys_discounted: np.ndarray
    years_by_state: np.ndarray
    years_by_line: np.ndarray
    items: pd.DataFrame

    @property
    def total(self) -> np.ndarray:
        """Discounted costs."""
        return self.costs.sum(axis=1)

    @property
    def total_undiscounted(self) -> np.ndarray:
        """Undiscounted costs."""
        return self.costs_undiscounted.sum(axis=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeLedger:
    """A ledger's two tables."""

    rows: pd.DataFrame

    def use_frame(self) -> pd.DataFrame:
        """Quantities."""
        return self.rows

    def life_frame(self) -> pd.DataFrame:
        """Lives."""
        return self.rows


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeResult:
    """A strategy's result."""

    strategy: str
    program: Program
    log: EventLog
    ledger: MadeLedger
    outcomes: MadeOutcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeResults:
    """Results as the experiment gives them."""

    scenario: Scenario
    values: dict[str, float]
    cohort: Cohort
    strategies: dict[str, MadeResult]
    seconds: dict[str, float]
    engine: str
    seed: int
    workers: int = 1
    has_logs: bool = True
    undelayed: dict[str, MadeResult] = field(default_factory=dict)
    alternatives: None = None
    alternative_patients: int = 0
    terms: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(utility=SimpleNamespace(norm=np.zeros((2, 0)), map=""), maps={}, describe=lambda: {"Utilities": "made up"}))


def _discounted(spans: Spans) -> np.ndarray:
    rate = np.log(1.03)
    return (np.exp(-rate * spans.start) - np.exp(-rate * spans.stop)) / rate


def outcomes_of(log: EventLog, program: Program) -> MadeOutcomes:
    """Years and money straight from the log: 0.7 a year of life, a price a year of drug, 5,000 a year of care."""
    spans = spans_of(log)
    alive = ~(np.array([program.absorbing >> k & 1 for k in range(len(program.states))], dtype=bool)[spans.state])
    length, present = (spans.stop - spans.start) * alive, _discounted(spans) * alive

    def per_patient(weight: np.ndarray) -> np.ndarray:
        return np.bincount(spans.patient, weights=weight, minlength=log.patients)

    price = sum(YEARLY[drug] * (spans.regimen >> k & 1) for k, drug in enumerate(program.treatments))
    infections = np.zeros(log.patients)
    rows = log.events["kind"] == 7
    np.add.at(infections, np.searchsorted(spans.patients, log.events["patient"][rows]), 21_000.0)
    years, years_present = per_patient(length), per_patient(present)
    costs = np.stack([per_patient(price * present), 5_000.0 * years_present, infections], axis=1)
    undiscounted = np.stack([per_patient(price * length), 5_000.0 * years, infections], axis=1)
    by_state = np.stack([per_patient(length * (spans.state == k)) for k in range(len(program.states))], axis=1)
    by_line = np.stack([per_patient(length * (spans.line == k)) for k in range(len(program.lines) + 1)], axis=1)
    items = pd.DataFrame(
        {
            "item": list(YEARLY),
            "category": "drug",
            "quantity": 1.0,
            "cost": 2.0,
            "cost_discounted": 1.0,
            "basis": "list",
            "grade": ["memory", "assumption", "assumption", "assumption"],
        }
    )
    return MadeOutcomes(
        categories=("drug", "care", "hospital"), costs=costs, costs_undiscounted=undiscounted, life_years=years, life_years_discounted=years_present,
        qalys=0.7 * years, qalys_discounted=0.7 * years_present, years_by_state=by_state, years_by_line=by_line, items=items,
    )  # fmt: skip


@lru_cache(maxsize=4)
def lung_results(patients: int = 200) -> MadeResults:
    """The study run with the reference engine."""
    scenario = lung_scenario()
    values = scenario.base_values()
    cohort = draw_cohort(scenario, values, size=patients)
    results = {}
    for name in LINES:
        program = compile_program(scenario, name, values)
        log = simulate(program, cohort, 7)
        ledger = MadeLedger(rows=pd.DataFrame({"patient": log.events["patient"][:3], "quantity": 1.0}))
        results[name] = MadeResult(
            strategy=name, program=program, log=log, ledger=ledger, outcomes=outcomes_of(log, program)
        )
    return MadeResults(
        scenario=scenario,
        values=values,
        cohort=cohort,
        strategies=results,
        seconds={"simulate": 1.0},
        engine="reference",
        seed=7,
    )
