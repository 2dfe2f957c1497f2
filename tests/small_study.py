"""A small study made by hand: two drugs, one marker, one finding. Shared by tests of compiler and cohort."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np

from pathway.definition.documents import (
    Access,
    CohortDefinition,
    EconomicsChoice,
    EconomicsDocument,
    PathwayDocument,
    StrategyDefinition,
    Study,
    TreatmentRow,
)
from pathway.definition.policies import Policies
from pathway.definition.scenario import Library, LifeTable, Parameter, ReferenceTable, Scenario
from pathway.definition.simulation import SimulationDocument

NUMBERS: dict[str, tuple[float, str]] = {
    "lower": (20.0, "points"),
    "upper": (140.0, "points"),
    "process_sd": (4.0, "points"),
    "process_memory": (2.0, "years"),
    "error": (2.0, "points"),
    "ten_ml": (10.0, "mL"),
    "drift_early": (-4.0, "points per year"),
    "drift_late": (-1.0, "points per year"),
    "back": (-1.0, "points per year"),
    "early_end": (5.0, "years"),
    "drift_ml": (-93.0, "mL per year"),
    "help_a": (41.0, "mL per year"),
    "half": (0.5, "fraction"),
    "stop_rate": (0.12, "per year"),
    "excess": (0.02, "per year"),
    "ratio_ten": (1.3, "fraction"),
    "minus_ten": (-10.0, "points"),
    "seventy": (70.0, "points"),
    "frailty": (0.1, "fraction"),
    "quarter": (0.25, "years"),
    "month": (1.0 / 12.0, "years"),
    "one_year": (1.0, "years"),
    "ten": (10.0, "points"),
    "five": (5.0, "points"),
    "one": (1.0, "fraction"),
    "zero": (0.0, "fraction"),
    "minus_two": (-2.0, "fraction"),
    "minus_tenth": (-0.1, "fraction"),
    "age_mean": (55.0, "years"),
    "age_sd": (10.0, "years"),
    "age_low": (20.0, "years"),
    "age_high": (85.0, "years"),
    "share_female": (0.8, "fraction"),
    "height_men": (176.0, "cm"),
    "height_women": (163.0, "cm"),
    "height_sd": (7.0, "cm"),
    "marker_median": (75.0, "points"),
    "marker_sd_log": (0.2, "fraction"),
    "marker_low": (45.0, "points"),
    "marker_high": (110.0, "points"),
    "onset_low": (0.5, "years"),
    "onset_high": (6.0, "years"),
    "correlated": (0.5, "fraction"),
    "success": (0.4, "fraction"),
}


def pathway_tables() -> dict[str, Any]:
    """The pathway as TOML would give it; tests change it."""
    return {
        "disease": {"id": "small", "label": "Small disease"},
        "states": {
            "untreated": {"label": "Untreated", "is_start": True, "line": 0},
            "first": {"label": "First line", "line": 1},
            "later": {"label": "Later lines", "line": 2},
            "supportive": {"label": "Supportive care", "is_last_resort": True},
            "transplanted": {"label": "Transplanted"},
            "dead": {"label": "Dead", "is_absorbing": True},
        },
        "covariates": {
            "age": {"label": "Age", "unit": "years", "low": 18, "high": 100},
            "female": {"label": "Female", "unit": "", "low": 0, "high": 1},
            "height_cm": {"label": "Height", "unit": "cm", "low": 120, "high": 220},
            "factor": {"label": "Factor on the predicted value", "unit": "", "low": 0.3, "high": 3},
            "m0": {"label": "Marker at entry", "unit": "points", "low": 20, "high": 140},
            "onset_years": {"label": "Years since onset", "unit": "years", "low": 0, "high": 60},
        },
        "markers": {
            "m": {
                "label": "Marker",
                "unit": "mL",
                "shown_unit": "points",
                "percent_of": "standard",
                "factor": "factor",
                "baseline": "m0",
                "lower": "lower",
                "upper": "upper",
                "cannot_outgrow_ageing": True,
                "process_sd_one_year": "process_sd",
                "process_memory": "process_memory",
                "error_sd": "error",
                "round_to": "ten_ml",
            },
        },
        "findings": {
            "worse": {
                "label": "Worse symptoms",
                "kind": "yes_no",
                "level": "minus_two",
                "terms": [{"marker": "m", "change_over": "one_year", "slope": "minus_tenth"}],
            },
        },
        "schedules": {
            "clinic": {
                "label": "Clinic",
                "every": ["quarter", "one"],
                "until": ["one_year"],
                "measures": ["m"],
                "findings": ["worse"],
            },
            "on_a": {"label": "Safety visit on a", "clock": "course:a", "every": ["quarter"], "measures": ["m"]},
        },
        "conditions": {"infection": {"label": "Infection", "recovery": "month", "holds": ["a", "b"]}},
        "flags": {"frail": {"label": "Frail", "at_entry": "female"}},
        "rules": {
            "fell": {
                "label": "Fall",
                "source": "test",
                "when": {"field": "fall", "of": "m", "within": "one_year", "at_least": "ten"},
            },
            "progressed": {
                "label": "Progressed",
                "source": "test",
                "when": {
                    "any": [
                        {"rule": "fell"},
                        {
                            "all": [
                                {
                                    "field": "fall",
                                    "of": "m",
                                    "within": "one_year",
                                    "at_least": "five",
                                    "label": "a smaller fall",
                                },
                                {"field": "finding", "of": "worse", "equals": 1},
                            ],
                        },
                    ],
                },
            },
            "may_have_b": {
                "label": "May have b",
                "source": "test",
                "when": {
                    "at_least_of": [
                        {"not": {"field": "failed", "of": "b", "equals": 1}},
                        {"field": "covariate", "of": "female", "equals": 1},
                        {"field": "age", "below": "age_high"},
                    ],
                    "count": 2,
                    "applies_if": {"field": "line", "above": "zero"},
                },
            },
        },
        "transitions": [
            {
                "name": "death_background",
                "label": "Death",
                "to": "dead",
                "clock": "age",
                "cause": "background",
                "hazard": {"life_table": "usa", "life_table_ratio": "ratio_ten"},
            },
            {
                "name": "death_disease",
                "label": "Death of the disease",
                "to": "dead",
                "cause": "disease",
                "hazard": {"rates": ["excess"]},
                "terms": [
                    {"marker": "m", "ratio": "ratio_ten", "per": "minus_ten", "reference": "seventy"},
                    {"covariate": "age", "log_ratio": "frailty", "reference": "age_mean"},
                    {"flag": "frail", "ratio": "ratio_ten"},
                    {"condition": "infection", "log_ratio": "frailty"},
                    {"treatment": "b", "ratio": "half"},
                ],
            },
            {
                "name": "stop_a",
                "label": "Intolerance of a",
                "from": ["first", "later"],
                "treatment": "a",
                "clock": "course:a",
                "hazard": {"rates": ["stop_rate", "excess"], "until": ["one_year"]},
                "stops_treatment": True,
                "reason": "intolerance",
            },
            {
                "name": "infect",
                "label": "Infection",
                "hazard": {"weibull_shape": "one", "weibull_scale": "age_mean"},
                "forbids_condition": True,
                "condition": "infection",
                "jumps": [{"marker": "m", "change": "minus_two"}],
                "only_if": {"switch": "infections", "option": ["yes"]},
            },
            {
                "name": "transplant",
                "label": "Transplant",
                "from": ["supportive"],
                "to": "transplanted",
                "stops_all": True,
                "reason": "choice",
                "hazard": {"rates": ["excess"]},
                "budget": "reset",
            },
        ],
        "scheduled": [{"name": "b_complete", "label": "Course of b complete", "treatment": "b", "after": "one_year"}],
        "decisions": [
            {
                "name": "progress",
                "label": "Progression",
                "when": "progressed",
                "from": ["first", "later"],
                "do": "next_line",
                "confirm": {"after": "month", "when": "fell", "measures": ["m"]},
            },
            {
                "name": "stop_b",
                "label": "Stop rule",
                "when": "fell",
                "treatment": "b",
                "do": "stop",
                "reason": "inefficacy",
                "optional": True,
                "choose": False,
            },
        ],
        "effects": [
            {
                "name": "drift",
                "marker": "m",
                "kind": "drift",
                "clock": "onset",
                "values": ["drift_early", "drift_late"],
                "until": ["early_end"],
            },
            {
                "name": "a_helps",
                "marker": "m",
                "kind": "difference",
                "treatments": ["a"],
                "clock": "course:a",
                "values": ["help_a"],
                "lines": [1, 2],
            },
            {
                "name": "b_helps",
                "marker": "m",
                "kind": "ratio",
                "treatments": ["b"],
                "without": ["a"],
                "values": ["half"],
                "where": {"female": 1},
            },
            {
                "name": "rebound",
                "marker": "m",
                "kind": "gain",
                "treatments": ["a"],
                "clock": "course_end:a",
                "values": ["back", "zero_slope"],
                "until": ["one_year"],
            },
        ],
        "derived": {"zero_slope": {"label": "nothing", "unit": "points per year", "terms": [["back", "zero"]]}},
        "switches": {
            "infections": {
                "label": "Infections",
                "base": "yes",
                "options": {"yes": {"label": "yes"}, "no": {"label": "no"}},
            },
            "early": {
                "label": "Early drift",
                "base": "points",
                "options": {
                    "points": {"label": "points"},
                    "ml": {"label": "mL", "set": {"drift_early": "drift_ml", "drift_late": "drift_ml"}},
                },
            },
        },
    }


def access_tables() -> dict[str, Any]:
    """The payer as TOML would give it."""
    return {
        "label": "Payer",
        "treatments": ["b"],
        "of": {"b": {"start_when": "may_have_b"}},
        "decision": {"mean": "month", "family": "lognormal", "sd_log": "half"},
        "residual_merits": "frailty",
        "after_rule": {"appeal": "half", "appeal_success": "success"},
        "approval_lasts": "one_year",
        "renewal_lead": "month",
    }


def cohort_tables() -> dict[str, Any]:
    """The preset cohort as TOML would give it."""
    return {
        "label": "Preset",
        "source": "test",
        "covariates": {
            "factor": {"family": "predicted", "rule": "gli_height_factor"},
            "height_cm": {
                "family": "normal",
                "by": {"0": "height_men", "1": "height_women"},
                "of": "female",
                "sd": "height_sd",
            },
            "age": {"family": "normal", "mean": "age_mean", "sd": "age_sd", "low": "age_low", "high": "age_high"},
            "female": {"family": "yes_no", "probability": "share_female"},
            "m0": {
                "family": "lognormal",
                "median": "marker_median",
                "sd": "marker_sd_log",
                "low": "marker_low",
                "high": "marker_high",
            },
            "onset_years": {"family": "uniform", "low": "onset_low", "high": "onset_high"},
        },
        "correlations": [{"a": "age", "b": "m0", "value": "correlated"}],
        "entry": {
            "line": 1,
            "regimen": ["a"],
            "failed": ["b"],
            "on_regimen_years": "onset_years",
            "choose": "next_line",
        },
    }


STRATEGIES: dict[str, dict[str, Any]] = {
    "s0": {"label": "Nothing"},
    "s1": {
        "label": "a, then b",
        "lines": [
            {"candidates": [{"regimen": ["a"]}]},
            {"candidates": [{"regimen": ["a", "b"], "when": "may_have_b"}, {"regimen": ["b"]}]},
            {"candidates": [{"regimen": ["b"]}]},
        ],
        "decisions": ["stop_b"],
    },
}


def small_scenario(
    *,
    pathway: dict[str, Any] | None = None,
    cohort: dict[str, Any] | None = None,
    study: dict[str, Any] | None = None,
    switches: dict[str, str] | None = None,
    patients: dict[str, np.ndarray] | None = None,
    strategies: dict[str, dict[str, Any]] | None = None,
    numbers: dict[str, tuple[float, str]] | None = None,
    access: dict[str, Any] | None = None,
    policies: Policies | None = None,
    simulation: SimulationDocument | None = None,
) -> Scenario:
    """Make the study, with parts replaced."""
    ages = np.arange(3.0, 111.0, 0.25)
    table = np.arange(111) * 0.01
    document = PathwayDocument.model_validate(pathway or pathway_tables())
    library = Library(
        name="small",
        title="Small disease",
        pathway=document,
        strategies={},
        cohorts={"preset": CohortDefinition.model_validate(cohort or cohort_tables())},
        economics=EconomicsDocument.model_construct(),
        parameters={
            name: Parameter(id=name, label=name, value=value, unit=unit, source="test", grade="assumption")
            for name, (value, unit) in {**NUMBERS, **(numbers or {})}.items()
        },
        sources={},
        treatments=tuple(
            TreatmentRow(id=name, label=name, substance=name, drug_class="drug", route="oral", source="test")
            for name in ("a", "b")
        ),
        dosing=(),
        prices=(),
        reference_equations={"standard": ReferenceTable(3.0, 0.25, 3000.0 - 20.0 * ages, 4000.0 - 25.0 * ages)},
        life_tables={"usa": LifeTable(table, 2.0 * table), "other": LifeTable(3.0 * table, 4.0 * table)},
        utility_norms={},
        files=(),
        access={"payer": Access.model_validate(access or access_tables())},
        policies=policies or Policies(),
        simulation=simulation or SimulationDocument(),
    )
    chosen = {
        "id": "study",
        "label": "Study",
        "disease": "small",
        "cohort": "preset",
        "strategies": ("s0", "s1"),
        "comparator": "s0",
        "horizon": 3.0,
        "patients": 50,
        "access": "payer",
    }
    return Scenario(
        study=Study.model_validate({**chosen, **(study or {})}),
        economics=EconomicsChoice(
            currency="USD",
            price_year=2026,
            price_basis="net",
            price_date=datetime.date(2026, 1, 1),
            perspective="payer",
            discount_costs=0.03,
            discount_outcomes=0.03,
            thresholds=(100000.0,),
        ),
        switches={"infections": "yes", "early": "points", **(switches or {})},
        library=library,
        strategies={
            name: StrategyDefinition.model_validate(table) for name, table in (strategies or STRATEGIES).items()
        },
        overrides={},
        price_overrides={},
        patients=patients,
    )
