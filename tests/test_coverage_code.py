"""Payers' rules over the simulated record: each form of clause, what is settled while compiling, and what nobody sees."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest

from pathway.compiler import compile_program
from pathway.compiling.coverage import PolicyCode
from pathway.compiling.facts import span_years
from pathway.compiling.lookup import Lookup
from pathway.compiling.rules import rules
from pathway.definition.policies import Agent, Clause, Fact, Policies, PolicyRule
from pathway.definition.simulation import SimulationDocument
from pathway.engines.record import EVERY_DOCUMENT, Record
from pathway.errors import ProgramError
from pathway.rules import Truth
from tests.small_study import small_scenario

FACTS = {
    "m_percent": Fact(label="Marker, %", kind="quantity", unit="%"),
    "duration": Fact(label="Duration", kind="quantity", unit="months"),
    "sex": Fact(label="Sex", kind="choice", choices=("female", "male")),
    "scan": Fact(label="Scan confirms", kind="yes_no"),
    "worse": Fact(label="Worse", kind="yes_no"),
    "smoker": Fact(label="Smokes", kind="yes_no"),
    "specialty": Fact(label="Specialty", kind="choice", choices=("lungs", "joints")),
}
AGENTS = {
    "drug_a": Agent(label="A", classes=("classic",), treatments=("a",)),
    "drug_b": Agent(label="B", classes=("modern",), treatments=("b",)),
    "drug_z": Agent(label="Z, in no strategy", classes=("classic",)),
}
SIMULATION = {
    "diseases": ["small"],
    "facts": {
        "m_percent": {"marker": "m", "document": "lab"},
        "duration": {"clock": "disease_duration", "times": 12.0},
        "sex": {"covariate": "female", "choices": {"female": 1.0, "male": 0.0}},
        "scan": {"constant": True, "document": "scan", "reason": "all have one"},
        "worse": {"finding": "worse"},
        "specialty": {"constant": "lungs", "reason": "who sees them"},
    },
    "requests": {"b": {"dose_mg": 162, "interval_days": 7, "source": "label"}},
    "routes": {"oral": "PO"},
    "therapy_document": "claim",
}  # fmt: skip
LAB, SCAN, CLAIM = 1, 2, 4
MET, NOT_MET, NOT_DOC = Truth.MET, Truth.NOT_MET, Truth.NOT_DOCUMENTED


def study(*trees: dict, start: str = "P-ONE", renewal: str | None = None):
    """A study whose payer asks P-ONE (the last tree) of drug b; earlier trees are P-T0, P-T1 ..."""
    made = {}
    for number, tree in enumerate(trees):
        code = "P-ONE" if number == len(trees) - 1 else f"P-T{number}"
        made[code] = PolicyRule(id=code, type="initiation", label=code, when=Clause.model_validate(tree), source="test", grade="A")
    access = {
        "label": "Payer", "treatments": ["b"], "of": {"b": {"start": start, "renewal": renewal}}, "documents": {"lab": "half", "scan": "half", "claim": "half"},
    }  # fmt: skip
    return small_scenario(access=access, policies=Policies(facts=FACTS, agents=AGENTS, rules=made), simulation=SimulationDocument.model_validate(SIMULATION))


def asked(*trees: dict, documents: int = EVERY_DOCUMENT, kind: str = "start", time: float = 1.0, **record):
    """Answer of the rule on a record made by hand; keys of ``record`` are set on it."""
    scenario = study(*trees, renewal="P-ONE")
    program = compile_program(scenario, "s1", scenario.base_values())
    chart = Record(program, [50.0, 1.0, 165.0, 1.0, 80.0, 2.0])
    for marker, when, value in record.pop("measured", ()):
        chart.note_measurement(marker, when, value)
    for key, value in record.items():
        setattr(chart, key, value)
    rule = (program.access.start_rules if kind == "start" else program.access.renewal_rules)[1]
    return chart.judge(rule, time, documents)


def test_the_covariates_stand_as_the_record_is_made():
    assert compile_program(study({"fact": "scan", "equals": True}), "s1", study({"fact": "scan"}).base_values()).covariates == (
        "age",
        "female",
        "height_cm",
        "factor",
        "m0",
        "onset_years",
    )


@pytest.mark.parametrize(
    ("tree", "value", "truth"),
    [
        ({"fact": "m_percent", "above": 55.0}, 55.0, NOT_MET),
        ({"fact": "m_percent", "above": 55.0}, 55.1, MET),
        ({"fact": "m_percent", "at_least": 55.0}, 55.0, MET),
        ({"fact": "m_percent", "below": 55.0}, 55.0, NOT_MET),
        ({"fact": "m_percent", "at_most": 55.0}, 55.0, MET),
        ({"not": {"fact": "m_percent", "at_most": 55.0}}, 55.0, NOT_MET),
        ({"documented": ["m_percent"]}, 55.0, MET),
    ],
)
def test_a_threshold_on_a_marker_is_inclusive_as_written(tree, value, truth):
    assert asked(tree, measured=[(0, 0.9, value)])[0] == truth
    assert asked(tree)[0] == NOT_DOC, "never measured"
    assert asked(tree, measured=[(0, 0.9, value)], documents=EVERY_DOCUMENT & ~LAB)[0] == NOT_DOC, "the document is missing"


def test_an_old_value_is_not_documented():
    tree = {"fact": "m_percent", "above": 55.0, "within": "180 days"}
    assert asked(tree, measured=[(0, 0.6, 70.0)])[0] == MET
    assert asked(tree, measured=[(0, 0.4, 70.0)])[0] == NOT_DOC


def test_units_of_the_rule_become_those_of_the_record():
    assert asked({"fact": "duration", "below": 36.0}, time=0.9)[0] == MET, "2 years at entry and 0.9 since: 34.8 months"
    assert asked({"fact": "duration", "below": 36.0}, time=1.0)[0] == NOT_MET


def test_a_choice_is_read_by_its_words():
    assert asked({"fact": "sex", "one_of": ["female"]})[0] == MET
    assert asked({"fact": "sex", "one_of": ["male"]})[0] == NOT_MET
    assert asked({"fact": "sex", "one_of": ["male", "female"]})[0] == MET


def test_a_constant_still_needs_its_document():
    assert asked({"fact": "scan", "equals": True})[0] == MET
    assert asked({"fact": "scan", "equals": True}, documents=EVERY_DOCUMENT & ~SCAN)[0] == NOT_DOC
    assert asked({"fact": "scan", "equals": False})[0] == NOT_MET
    assert asked({"fact": "specialty", "one_of": ["joints"]})[0] == NOT_MET


def test_a_finding_is_read_when_it_was_seen():
    assert asked({"fact": "worse", "equals": True}, findings=[(0.9, 1.0)])[0] == MET
    assert asked({"fact": "worse", "equals": True}, findings=[None])[0] == NOT_DOC


def test_what_is_not_bound_is_not_documented_unless_its_absence_counts_as_no():
    assert asked({"fact": "smoker", "equals": False})[0] == NOT_DOC
    assert asked({"fact": "smoker", "equals": False, "if_missing": "absent"})[0] == MET
    assert asked({"fact": "smoker", "equals": True, "if_missing": "absent"})[0] == NOT_MET


def test_a_fall_within_a_window():
    tree = {"change_of": "m_percent", "direction": "fall", "at_least": 10.0, "within": "1 year"}
    assert asked(tree, measured=[(0, 0.1, 80.0), (0, 0.9, 70.0)])[0] == MET
    assert asked(tree, measured=[(0, 0.1, 80.0), (0, 0.9, 71.0)])[0] == NOT_MET
    assert asked(tree, measured=[(0, 0.9, 71.0)])[0] == NOT_DOC
    relative = {**tree, "relative": True, "at_least": 0.1}
    assert asked(relative, measured=[(0, 0.1, 80.0), (0, 0.9, 72.0)])[0] == MET


A, B = 1, 2
THERAPY = [
    ({"therapy": "tried", "drugs": ["drug_a"]}, {"ever": A}, MET),
    ({"therapy": "tried", "drugs": ["drug_a"]}, {}, NOT_MET),
    ({"therapy": "on", "drugs": ["drug_a"]}, {"ever": A, "regimen": A}, MET),
    ({"therapy": "stopped", "drugs": ["drug_a"]}, {"ever": A}, MET),
    ({"therapy": "stopped", "drugs": ["drug_a"]}, {"ever": A, "regimen": A}, NOT_MET),
    ({"therapy": "failed", "drugs": ["classic"]}, {"failed": A}, MET),
    ({"therapy": "progressed", "drugs": ["classic"]}, {"failed": A}, MET),
    ({"therapy": "failed", "drugs": ["classic"], "every": True}, {"failed": A}, NOT_MET),
    ({"therapy": "failed", "drugs": ["classic"], "at_least": 2.0}, {"failed": A}, NOT_MET),
    ({"therapy": "failed", "drugs": ["classic", "modern"], "at_least": 2.0}, {"failed": A | B}, MET),
    ({"therapy": "intolerant", "drugs": ["drug_a"]}, {"intolerant": A}, MET),
    ({"therapy": "failed_or_intolerant", "drugs": ["drug_a"]}, {"intolerant": A}, MET),
    ({"therapy": "contraindicated", "drugs": ["drug_a"]}, {"contraindicated": A}, MET),
    ({"therapy": "failed", "drugs": ["drug_a"], "stop_reasons": ["adverse_event"]}, {"intolerant": A}, MET),
    ({"therapy": "tried", "drugs": ["drug_z"]}, {}, NOT_MET),
    ({"therapy": "tried", "drugs": ["modern"], "other_than_requested": True}, {"ever": B}, NOT_MET),
    ({"not": {"therapy": "on", "drugs": ["modern"], "other_than_requested": True}}, {"ever": B, "regimen": B}, MET),
]


@pytest.mark.parametrize(("tree", "chart", "truth"), THERAPY)
def test_questions_on_therapy(tree, chart, truth):
    assert asked(tree, **chart)[0] == truth
    assert asked(tree, documents=0, **chart)[0] == (truth if tree.get("drugs", ["modern"]) == ["modern"] else NOT_DOC)


def test_claims_tell_what_is_taken_where_the_rule_says_so():
    tree = {"therapy": "on", "drugs": ["drug_a"], "if_missing": "absent"}
    assert asked(tree, documents=0)[0] == NOT_MET


def test_a_course_must_have_lasted():
    tree = {"therapy": "failed", "drugs": ["drug_a"], "for_at_least": "3 months"}
    chart = {"ever": A, "failed": A, "start": [0.0, inf]}
    assert asked(tree, stop=[0.25, inf], **chart)[0] == MET
    assert asked(tree, stop=[0.2, inf], **chart)[0] == NOT_MET


def test_a_recent_dose():
    tree = {"therapy": "tried", "drugs": ["drug_a"], "last_dose_within": "120 days"}
    assert asked(tree, ever=A, start=[0.0, inf], stop=[0.7, inf])[0] == MET
    assert asked(tree, ever=A, start=[0.0, inf], stop=[0.6, inf])[0] == NOT_MET
    assert asked(tree, ever=A, regimen=A, start=[0.0, inf])[0] == MET


def test_what_is_asked_for_is_settled_while_compiling():
    assert asked({"request": "drug", "drugs": ["modern"]})[0] == MET
    assert asked({"request": "drug", "one_of": ["drug_b"]})[0] == MET
    assert asked({"request": "route", "one_of": ["PO"]})[0] == MET
    assert asked({"request": "dose_mg", "equals": 162.0})[0] == MET
    assert asked({"request": "interval_days", "at_least": 14.0})[0] == NOT_MET
    assert asked({"request": "daily_mg", "at_most": 300.0})[0] == NOT_DOC
    assert asked({"request": "kind", "one_of": ["start"]})[0] == MET
    assert asked({"request": "kind", "one_of": ["start"]}, kind="renewal")[0] == NOT_MET


def test_a_preference_among_products_does_not_apply_where_no_product_is_named():
    named = {"request": "product", "one_of": ["one", "two"], "if_missing": "nothing"}
    first = {"request": "product", "one_of": ["one"], "applies_if": named}
    assert asked({"request": "product", "one_of": ["one"]})[0] == NOT_DOC
    assert asked(first)[0] == Truth.NOT_APPLICABLE
    assert asked({"all": [first, {"fact": "scan", "equals": True}]})[0] == MET


def test_what_is_asked_for_together_is_read_on_the_request():
    tree = {"request": "with_drug", "drugs": ["classic"]}
    assert asked(tree, asked=0b11)[0] == MET
    assert asked(tree, asked=0b10)[0] == NOT_MET
    assert asked({"request": "with_drug", "drugs": ["modern"]}, asked=0b10)[0] == NOT_MET, "the drug itself is no other drug"


def test_groups_rules_in_rules_and_conditions_of_application():
    scan, smoker = {"fact": "scan", "equals": True}, {"fact": "smoker", "equals": True}
    assert asked(scan, {"all": [{"rule": "P-T0"}, {"not": {"therapy": "on", "drugs": ["drug_a"]}}]})[0] == MET
    assert asked({"any": [smoker, scan]})[0] == MET
    assert asked({"at_least_of": [smoker, scan, {"therapy": "on", "drugs": ["drug_a"]}], "count": 2})[0] == NOT_DOC
    assert asked({**smoker, "applies_if": {"therapy": "on", "drugs": ["drug_a"]}})[0] == Truth.NOT_APPLICABLE


def test_the_deciding_clause_is_named_in_words():
    assert asked({"all": [{"fact": "scan", "equals": True}, {"fact": "m_percent", "above": 55.0}]}, measured=[(0, 0.9, 50.0)]) == (NOT_MET, "Marker, %: > 55")
    assert asked({"fact": "scan", "equals": True, "label": "the scan shows it"})[1] == "the scan shows it"


def test_a_rule_of_the_pathway_makes_a_contraindication():
    scenario = study({"therapy": "contraindicated", "drugs": ["drug_a"]})
    bound = SimulationDocument.model_validate({**SIMULATION, "contraindicated": {"a": "fell"}})
    lookup = Lookup(scenario, "s1", scenario.base_values())
    made = PolicyCode(lookup, scenario.library.policies, bound, *rules(lookup))
    assert made.index("P-ONE", "b", "start", "here") == 3
    assert [row.op.name for row in made.rows[made.rules[-1].first :]] == ["LEAF", "LEAF", "NOT", "ANY"]


def test_what_a_rule_cannot_see_is_listed():
    scenario = study(
        {"all": [{"fact": "smoker", "equals": False}, {"therapy": "failed", "drugs": ["classic"]}, {"improvement_of": "scan", "at_least": 0.2}]}
    )
    lookup = Lookup(scenario, "s1", scenario.base_values())
    made = PolicyCode(lookup, scenario.library.policies, scenario.library.simulation, *rules(lookup))
    made.index("P-ONE", "b", "start", "here")
    assert [(one.rule, one.words) for one in made.unseen] == [
        ("P-ONE", "Smokes: no"),
        ("P-ONE", "failed: classic (drug_z)"),
        ("P-ONE", "improvement of Scan confirms: >= 0.2"),
    ]


def test_an_improvement_is_counted_from_the_last_value_before_the_line():
    clause = {"improvement_of": "m_percent", "at_least": 0.2, "within": "180 days"}
    assert asked(clause, measured=[(0, 0.0, 50.0), (0, 0.9, 40.0)])[0] == MET
    assert asked(clause, measured=[(0, 0.0, 50.0), (0, 0.9, 41.0)])[0] == NOT_MET
    assert asked(clause)[0] == NOT_DOC
    assert asked(clause, measured=[(0, 0.0, 0.0), (0, 0.9, 0.0)])[0] == Truth.NOT_APPLICABLE


def test_a_rule_that_does_not_exist_is_refused_with_a_suggestion():
    scenario = study({"fact": "scan"}, start="P-ONN")
    with pytest.raises(ProgramError, match="P-ONE"):
        compile_program(scenario, "s1", scenario.base_values())


def test_a_circle_of_policy_rules_is_refused():
    scenario = study({"rule": "P-ONE"}, {"rule": "P-T0"})
    with pytest.raises(ProgramError, match="P-ONE -> P-T0 -> P-ONE"):
        compile_program(scenario, "s1", scenario.base_values())


def test_spans_are_years():
    assert np.allclose([span_years(text) for text in ("365.25 days", "52.17857142857143 weeks", "12 months", "1 year")], 1.0)
