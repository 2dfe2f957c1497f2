"""Reviewing requests: the seed questions, bad records, and what holds for any rule and any record."""

from __future__ import annotations

import copy
import itertools
import json
import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import pathway
from pathway.cli import app
from pathway.coverage.counterfactual import missing_facts, nearest_change
from pathway.coverage.determination import determine
from pathway.coverage.proof import Context, answer, prove
from pathway.coverage.record import before, months_between
from pathway.definition.policies import Clause
from pathway.errors import ScenarioError
from pathway.reading.policies import clauses_of, read_policies
from pathway.reading.request import request_of
from pathway.report.review import as_html, as_json, as_text, told
from pathway.rules import Truth
from tests.test_determinations import CASES, base_of, file_of, policies, record_of

REQUESTS = Path(__file__).parents[1] / "scenarios" / "requests"
SEEDS = {
    "c01_naive_ssc.toml": ("deny", {"P-CVS-SSC": "pend"}), "c02_continuation_ra.toml": ("deny_insufficient", {"P-CIG-RA-C": "deny_insufficient"}),
    "c03a_progressed_on_mmf.toml": ("approve", {}), "c03b_early_intolerant.toml": ("approve", {}),
    "c03c_naive_three_answers.toml": ("deny", {"P-CVS-SSC": "approve", "P-CIG-SSC": "approve", "P-P32-SSC": "deny"}),
    "c04_add_mycophenolate.toml": ("approve", {}), "c05_focussced_fit.toml": (None, {}),
}  # fmt: skip


def case_of(name: str) -> dict:
    """A worked case by its id."""
    return next(case for case in CASES if case["id"] == name)


# --- the seed questions and how they are told -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(SEEDS))
def test_a_seed_question_is_answered_as_stated(name):
    coverage, contrast = SEEDS[name]
    made = pathway.review(REQUESTS / name)
    assert made.coverage == coverage
    found = {verdict.profile: str(verdict.answer) for verdict in made.contrast}
    assert {profile: found[profile] for profile in contrast} == contrast


def test_every_seed_question_ships():
    assert {path.name for path in REQUESTS.glob("*.toml")} == set(SEEDS)


def test_the_command_tells_text_json_and_a_page(tmp_path):
    runner = CliRunner()
    page = tmp_path / "page.html"
    text = runner.invoke(app, ["review", str(REQUESTS / "c02_continuation_ra.toml"), "--html", str(page)])
    assert text.exit_code == 0
    for words in ("DENY FOR INSUFFICIENT DOCUMENTATION", "Decision support, not medical or coverage advice.", "baseline and current tender joints", "abatacept or rituximab", "Where the sources disagree"):
        assert words in text.output
    made = json.loads(runner.invoke(app, ["review", str(REQUESTS / "c02_continuation_ra.toml"), "--json", "--profile", "P-CIG-RA-C"]).output)
    assert made["payer"]["profile"] == "P-CIG-RA-C"
    assert made["coverage"] == "deny_insufficient"
    html = page.read_text(encoding="utf-8")
    assert "<script" not in html
    assert "http" not in re.sub(r"<meta[^>]*>", "", html)
    assert runner.invoke(app, ["review", str(REQUESTS / "c02_continuation_ra.toml"), "--profile", "P-CIG-RA-X"]).exit_code == 2


@pytest.mark.parametrize("case", [case for case in CASES if "refused" not in case], ids=lambda case: case["id"])
def test_every_case_can_be_told(case):
    document, record = request_of(file_of(case), "case.toml", policies())
    words = told(document, determine(record))
    assert json.loads(as_json(words)) == words
    assert words["disclaimer"] in as_text(words)
    assert words["disclaimer"] in as_html(words)


def test_text_of_a_file_is_escaped():
    data = file_of(case_of("C25"))
    data["label"] = "<script>alert(1)</script>"
    data["patient"]["id"] = "<b>x"
    document, record = request_of(data, "case.toml", policies())
    page = as_html(told(document, determine(record)))
    assert "<script>alert" not in page
    assert "<b>x" not in page


# --- explanations ------------------------------------------------------------------------------------------------------------


def test_the_nearest_change_turns_the_denial():
    record = record_of(case_of("C21"))
    change = nearest_change(policies().rules["P-CIG-SSC"], record)
    assert [leaf.fact for leaf in change.leaves] == ["fvc_percent"]
    assert change.leaves[0].distance == 0.0
    assert "55 %" in change.words[0]


def test_a_missing_fact_is_minimal():
    record = record_of(case_of("C38"))
    assert missing_facts(policies().rules["P-CVS-SSC"], record) == (("the report of the high-resolution CT",),)
    assert missing_facts(policies().rules["P-CVS-SSC"], record_of(case_of("C25"))) == ()


@pytest.mark.parametrize("case", [case for case in CASES if case.get("coverage") == "deny" and case.get("request", {}).get("profiles")], ids=lambda case: case["id"])
def test_a_change_found_by_search_is_an_approval(case):
    record = record_of(case)
    profile = record.asked.profiles[0]
    rule = policies().rules[profile]
    change = nearest_change(rule, record)
    if change is None:
        return
    found = [
        prove(rule, Context(record=record, given={leaf.path: value for leaf, value in zip(change.leaves, values, strict=True)})).truth
        for values in itertools.product((Truth.MET, Truth.NOT_MET), repeat=len(change.leaves))
    ]
    assert Truth.MET in found
    for leaf in change.leaves:  # no part of it would do
        rest = [one for one in change.leaves if one is not leaf]
        if rest:
            parts = [
                prove(rule, Context(record=record, given={one.path: value for one, value in zip(rest, values, strict=True)})).truth
                for values in itertools.product((Truth.MET, Truth.NOT_MET), repeat=len(rest))
            ]
            assert Truth.MET not in parts


# --- what holds for any record -----------------------------------------------------------------------------------------------


PAYER_RULES = [code for code, rule in policies().rules.items() if policies().heads[code].layer == "payer" and rule.when is not None]
BASES = ("ssc_tocilizumab", "ssc_nintedanib", "ra_tocilizumab", "ra_continuation")


@settings(max_examples=60)
@given(st.sampled_from(BASES), st.sampled_from(PAYER_RULES), st.data())
def test_adding_a_document_never_turns_met_into_not_documented(base, code, data):
    """Information monotonicity: what is known stays known when more comes on file."""
    whole = base_of(base)
    hidden = data.draw(st.sets(st.sampled_from(sorted(whole["observations"]))))
    less = copy.deepcopy(whole)
    for name in hidden:
        del less["observations"][name]
    rule = policies().rules[code]
    few = prove(rule, Context(record=request_of(less, "less.toml", policies())[1])).truth
    more = prove(rule, Context(record=request_of(whole, "more.toml", policies())[1])).truth
    if few is Truth.MET:
        assert more is not Truth.NOT_DOCUMENTED
    if few is not Truth.NOT_DOCUMENTED and not _takes_absence(code):
        assert more is few


def _takes_absence(code: str) -> bool:
    """Does a rule take missing facts as no (closed world)?"""
    rules = policies().rules
    found = [clause for _, clause in clauses_of(rules[code])]
    return any(clause.if_missing == "absent" or (clause.rule is not None and _takes_absence(clause.rule)) for clause in found)


@settings(max_examples=60)
@given(st.sampled_from(["ssc_tocilizumab", "ssc_nintedanib"]), st.sampled_from(["P-CIG-SSC", "P-CVS-SSC", "P-CIG-NIN", "P-HMK-NIN"]), st.data())
def test_a_known_failure_dominates_missing_data(base, code, data):
    """Once a criterion of an all-of fails, hiding the rest does not help."""
    whole = base_of(base)
    whole["patient"]["age"] = 18
    whole["observations"]["fvc_percent"] = {"value": 30, "unit": "%", "date": date(2026, 2, 1)}
    whole["observations"]["hrct_confirms_ild"] = {"value": False, "date": date(2026, 1, 10)}
    for name in data.draw(st.sets(st.sampled_from(sorted(set(whole["observations"]) - {"fvc_percent", "hrct_confirms_ild"})))):
        del whole["observations"][name]
    assert prove(policies().rules[code], Context(record=request_of(whole, "x.toml", policies())[1])).truth is Truth.NOT_MET


@settings(max_examples=40)
@given(st.permutations(range(4)), st.sets(st.integers(0, 3)))
def test_any_of_is_symmetric(order, hidden):
    record = record_of(case_of("C28"))
    measures = ("tjc28", "sjc28", "pain", "haq")
    data = file_of(case_of("C28"))
    for number in hidden:
        del data["observations"][measures[number]]
    record = request_of(data, "x.toml", policies())[1]
    parts = [Clause(improvement_of=name, at_least=0.2, within="180 days") for name in measures]
    straight = answer(Clause(any=tuple(parts)), Context(record=record), "x").truth
    assert answer(Clause(any=tuple(parts[number] for number in order)), Context(record=record), "x").truth is straight


def thresholds():
    """Each threshold of each shipped rule on a quantity: (rule, clause, bound, which)."""
    for code, rule in policies().rules.items():
        for path, clause in clauses_of(rule):
            fact = policies().facts.get(clause.fact or "")
            if fact is not None and fact.kind == "quantity" and not fact.derived:
                for which in ("at_least", "at_most", "above", "below"):
                    if getattr(clause, which) is not None:
                        yield pytest.param(clause, which, id=f"{code} {path} {which}")


@pytest.mark.parametrize(("clause", "which"), list(thresholds()))
def test_both_sides_of_a_threshold(clause, which):
    """At the bound an inclusive comparison is met and a strict one is not; a hair beyond, each turns."""
    bound = getattr(clause, which)
    fact = policies().facts[clause.fact]
    hair = 1.0 if fact.whole else 1e-6 * max(1.0, abs(bound))
    bare = Clause(fact=clause.fact, **{which: bound})
    for value in (bound - hair, bound, bound + hair):
        if not fact.low <= value <= fact.high:
            continue
        data = base_of("ssc_tocilizumab")
        data["observations"][clause.fact] = {"value": value, "unit": fact.unit, "date": date(2026, 2, 27)}
        truth = answer(bare, Context(record=request_of(data, "x.toml", policies())[1]), "x").truth
        expected = {"at_least": value >= bound, "at_most": value <= bound, "above": value > bound, "below": value < bound}[which]
        assert truth is (Truth.MET if expected else Truth.NOT_MET), value


@given(st.dates(date(2000, 1, 1), date(2030, 12, 31)), st.integers(0, 120))
def test_calendar_months_are_whole(day, months):
    earlier = before(day, f"{months} months")
    assert earlier.month == (day.month - months - 1) % 12 + 1
    assert abs(months_between(earlier, day) - months) < 0.2


# --- malformed records --------------------------------------------------------------------------------------------------------

FAULTS = [
    ("unknown fact", {"observations": {"fcv_percent": {"value": 70, "unit": "%"}}}, "did you mean 'fvc_percent'?"),
    ("wrong unit", {"observations": {"fvc_percent": {"value": 2.1, "unit": "L"}}}, "unit 'L'"),
    ("no unit", {"observations": {"fvc_percent": {"value": 70}}}, "no unit"),
    ("implausible", {"observations": {"anc": {"value": 4.1e6, "unit": "per mm3"}}}, "0 to 50000 per mm3"),
    ("CRP in mg/mL", {"observations": {"crp": {"value": 6, "unit": "mg/mL"}}}, "write mg/L"),
    ("after the request", {"observations": {"esr": {"value": 20, "unit": "mm/h", "date": date(2027, 1, 1)}}}, "after the request"),
    ("text for a number", {"observations": {"esr": {"value": "high", "unit": "mm/h"}}}, "a number in mm/h"),
    ("number for yes or no", {"observations": {"active_infection": {"value": 1}}}, "true or false"),
    ("unknown choice", {"observations": {"subset": {"value": "diffuse"}}}, "dcSSc"),
    ("unknown document", {"observations": {"esr": {"value": 20, "unit": "mm/h", "document": "labb"}}}, "did you mean 'lab'?"),
    ("unknown drug", {"request": {"drug": "tocilizumb"}}, "did you mean 'tocilizumab'?"),
    ("unknown profile", {"request": {"profiles": ["P-CIG-SCC"]}}, "did you mean 'P-CIG-SSC"),
    ("unknown product", {"request": {"product": "tyene"}}, "did you mean 'tyenne'?"),
    ("retrospective without a date", {"request": {"kind": "retrospective"}}, "date of service"),
    ("course that ends before it starts", {"therapies": [{"drug": "mmf", "start": date(2025, 2, 1), "stop": date(2025, 1, 1)}]}, "before it starts"),
    ("unknown key", {"patient": {"weight": 70}}, "weight"),
    ("FVC as a share", {"observations": {"fvc_percent": {"value": 0.7, "unit": "%"}}}, "a percent, not a share: write 70"),
    ("platelets in another unit", {"observations": {"platelets": {"value": 250, "unit": "per mm3"}}}, "check the number and its unit"),
    ("neutrophils in another unit", {"observations": {"anc": {"value": 4.1, "unit": "per mm3"}}}, "10^9/L"),
    ("zero weight", {"observations": {"weight": {"value": 0, "unit": "kg"}}}, "30 to 250 kg"),
    ("zero dose", {"request": {"dose_mg": 0}}, "dose_mg"),
    ("a course of the future", {"therapies": [{"drug": "mmf", "start": date(2026, 4, 1)}]}, "after the request"),
    ("a last dose after the stop", {"therapies": [{"drug": "mmf", "start": date(2025, 1, 1), "stop": date(2025, 2, 1), "last_dose": date(2025, 3, 1)}]}, "after the stop"),
    ("ongoing, with a reason of stopping", {"therapies": [{"drug": "mmf", "start": date(2025, 1, 1), "ongoing": True, "stop_reason": "intolerance"}]}, "stop_reason = intolerance"),
    ("two doses at once", {"therapies": [{"drug": "mmf", "dose_mg": 1000, "interval_days": 0.5, "start": date(2025, 1, 1)}, {"drug": "mmf", "dose_mg": 500, "interval_days": 0.5, "start": date(2025, 3, 1)}]}, "two doses at once"),
    ("two values on one day", {"observations": {"anc": [{"value": 4000, "unit": "per mm3", "date": date(2026, 2, 20)}, {"value": 400, "unit": "per mm3", "date": date(2026, 2, 20)}]}}, "both on 2026-02-20"),
    ("first symptom in the future", {"patient": {"first_symptom": date(2027, 1, 1)}}, "after the request"),
    ("born in the future", {"patient": {"birth_date": date(2027, 1, 1)}}, "after the request"),
    ("age beside another birth date", {"patient": {"birth_date": date(1990, 1, 1)}}, "50 years beside a birth on 1990-01-01"),
    ("an age stated twice", {"observations": {"age": {"value": 30, "unit": "years"}}}, "30 beside 50.0"),
    ("a diagnosis denied", {"observations": {"diagnosis_ssc_ild": {"value": False}}}, "beside a diagnosis of"),
    ("a man who can become pregnant", {"patient": {"sex": "male"}, "observations": {"reproductive_potential": {"value": True}}}, "beside sex = male"),
    ("contraindicated and not", {"contraindications": [{"drug": "mmf"}, {"drug": "cellcept", "present": False}]}, "contraindicated and not contraindicated"),
    ("a value never done", {"observations": {"tb_test": {"value": "negative", "never_done": True}}}, "beside never_done"),
    ("a start in the past", {"request": {"intended_start": date(2020, 1, 1)}}, "before the request"),
    ("a date of service of a start", {"request": {"date_of_service": date(2026, 1, 1)}}, "only where kind is retrospective"),
    ("a service that is still to come", {"request": {"kind": "retrospective", "date_of_service": date(2026, 4, 1)}}, "after the request"),
    ("unknown disease", {"request": {"disease": "ssc_idl"}}, "did you mean 'ssc_ild'?"),
    ("unknown route", {"request": {"route": "IM"}}, "IV, SC or oral"),
    ("a quantifier nobody reads", {"request": {"parameters": {"response_quantifer": "all"}}}, "did you mean 'response_quantifier'?"),
    ("with itself", {"request": {"with_drugs": ["actemra"]}}, "the drug itself"),
    ("a part of a rule as a rule", {"request": {"profiles": ["P-CVS-TB"]}}, "label_only or a payer's rule"),
    ("no observations in a list", {"observations": {"crp": []}}, "an empty list"),
]


@pytest.mark.parametrize(("change", "words"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_a_malformed_record_gets_one_clear_message(change, words):
    data = file_of({"id": "x", "base": "ssc_tocilizumab", **change})
    with pytest.raises(ScenarioError) as caught:
        request_of(data, "case.toml", policies())
    assert len(caught.value.faults) == 1
    assert words in str(caught.value)


def test_all_faults_of_a_record_are_told_at_once():
    changes = [fault[1] for fault in FAULTS[:14] if "observations" in fault[1] and fault[0] not in ("no unit", "wrong unit", "after the request", "text for a number")]
    data = base_of("ssc_tocilizumab")
    for change in changes:
        data["observations"] |= change["observations"]
    data["request"]["drug"] = "tocilizumb"
    with pytest.raises(ScenarioError) as caught:
        request_of(data, "case.toml", policies())
    assert len(caught.value.faults) == len({name for change in changes for name in change["observations"]}) + 1


def test_json_is_read_as_toml_is(tmp_path):
    data = file_of(case_of("C25"))
    path = tmp_path / "request.json"
    path.write_text(json.dumps(data, default=str), encoding="utf-8")
    assert pathway.review(path).coverage == "approve"
    path.write_text('{"label": NaN, "label": 2}', encoding="utf-8")
    with pytest.raises(ScenarioError):
        pathway.review(path)


# --- policies -----------------------------------------------------------------------------------------------------------------

ROWS = (
    [f"L-TCZ-{n:02d}" for n in range(1, 21)] + [f"L-NIN-{n:02d}" for n in range(1, 10)] + [f"L-MMF-{n:02d}" for n in range(1, 5)]
    + ["L-CYC-01", "L-CYC-02"] + [f"L-RTX-{n:02d}" for n in range(1, 5)] + [f"L-TOF-{n:02d}" for n in range(1, 5)]
    + ["L-ABA-01", "L-ABA-02", "L-ADA-01", "L-MTX-01", "L-MTX-02"] + [f"G-ACR-{n:02d}" for n in range(1, 12)] + ["G-ATS-01", "G-ATS-02"]
    + [f"G-EUL-{n:02d}" for n in range(1, 5)] + ["G-ERS-01", "G-PPF-01", "G-PPF-02", "G-EVI-01", "G-EVI-02", "G-EVI-03"]
    + [f"G-RA-{n:02d}" for n in range(1, 10)] + ["G-INF-01"]
    + ["P-SEED-SSC", "P-CVS-SSC", "P-CVS-TB", "P-CVS-CMB", "P-CIG-SSC", "P-P32-SSC", "P-UHC-SSC", "P-EVI-SSC", "P-BTX-SSC", "P-CIG-NIN", "P-UHC-NIN", "P-HMK-NIN", "P-BCK-NIN", "P-AET-HCT"]
    + ["P-CVS-RA-I", "P-CVS-RA-C", "P-CIG-RA-I", "P-CIG-RA-C", "P-MED-RA-I", "P-QC-RA-I", "P-P32-RA-I", "P-AET-MAST", "P-PRM-IV", "P-BNC-RTX", "P-MMF", "P-CYC"]
    + [f"X-{n:02d}" for n in range(1, 13)]
)  # fmt: skip
"""Rows of the coverage review, sections 1.1 to 1.8, but L-NER-01: nerandomilast is in no library."""


def test_every_row_of_the_review_is_a_rule_with_source_and_grade():
    rules = policies().rules
    assert [code for code in ROWS if code not in rules] == []
    assert all(rule.source and rule.grade for rule in rules.values())
    assert set(policies().conflicts) == {f"K{n}" for n in range(1, 22)}


def test_faults_of_policies_are_told_together(tmp_path):
    (tmp_path / "shared" / "policies").mkdir(parents=True)
    (tmp_path / "shared" / "facts.toml").write_text('fvc = { label = "FVC", kind = "quantity", unit = "%", low = 10, high = 150 }\n', encoding="utf-8")
    (tmp_path / "shared" / "agents.toml").write_text('alpha = { label = "Alpha" }\n', encoding="utf-8")
    (tmp_path / "shared" / "conflicts.toml").write_text('K1 = { label = "x", positions = [], resolution = "x" }\n', encoding="utf-8")
    (tmp_path / "shared" / "policies" / "x.toml").write_text(
        '[policy]\nid = "x"\nlabel = "x"\nissuer = "x"\nlayer = "payer"\nread = 2026-01-01\nsource = "x"\n'
        '[[rules]]\nid = "P-X-1"\ntype = "step"\nlabel = "one"\nsource = "x"\ngrade = "A"\n'
        'when = { all = [{ fact = "fcv", at_least = 1 }, { fact = "fvc", at_least = 500 }, { fact = "fvc" }, { therapy = "on", drugs = ["alhpa"] }, { rule = "P-X-2" }] }\n'
        '[[rules]]\nid = "P-X-2"\ntype = "step"\nlabel = "two"\nsource = "x"\ngrade = "A"\nwhen = { rule = "P-X-1" }\n',
        encoding="utf-8",
    )
    with pytest.raises(ScenarioError) as caught:
        read_policies(tmp_path)
    said = str(caught.value)
    for words in ("did you mean 'fvc'?", "at_least = 500 %", "without a threshold", "did you mean 'alpha'?", "a circle: P-X-1 -> P-X-2 -> P-X-1"):
        assert words in said


def test_a_rule_that_is_kept_gives_no_advice_on_how_to_keep_it():
    data = file_of(case_of("C28"))
    advice = determine(request_of(data, "x.toml", policies())[1]).advice
    assert not [line for line in advice if "physician's letter" in line or "reason of stopping" in line]


# --- odd records ----------------------------------------------------------------------------------------------------------------

DAYS = [date(2026, 3, 1), date(2026, 2, 20), date(2026, 1, 29), date(2025, 11, 1), date(2025, 3, 1), date(2018, 3, 1)]


@st.composite
def odd_observations(draw):
    """A value of any fact, at an end of what is plausible or inside, on any day, or never done."""
    name = draw(st.sampled_from(sorted(policies().facts)))
    fact = policies().facts[name]
    made = {"date": draw(st.sampled_from(DAYS))}
    if draw(st.integers(0, 9)) == 0:
        return name, {**made, "never_done": True}
    if fact.kind == "yes_no":
        return name, {**made, "value": draw(st.booleans())}
    if fact.kind == "choice":
        return name, {**made, "value": draw(st.sampled_from(fact.choices))}
    value = fact.low + draw(st.sampled_from([0.0, 0.01, 0.1, 0.5, 1.0])) * (fact.high - fact.low)
    return name, {**made, "value": float(round(value)) if fact.whole else value, "unit": fact.unit}


@st.composite
def odd_courses(draw):
    """A course of any drug, its days in any order."""
    made = {"drug": draw(st.sampled_from(sorted(policies().agents)))}
    for key in ("start", "stop", "last_dose"):
        if draw(st.booleans()):
            made[key] = draw(st.sampled_from(DAYS))
    if draw(st.booleans()):
        made["stop_reason"] = draw(st.sampled_from(["inefficacy_primary", "intolerance", "contraindication", "unknown", "completed"]))
    return made


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([*BASES, "ssc_mycophenolate"]), st.sampled_from(["start", "add", "repeat", "continuation", "next_dose", "evidence", "advice"]), st.sampled_from(sorted(policies().agents)),
    st.sampled_from([*PAYER_RULES, "label_only"]), st.lists(odd_observations(), max_size=6), st.lists(odd_courses(), max_size=4), st.booleans(),
)  # fmt: skip
def test_an_odd_record_is_refused_or_told_and_never_passes_a_boxed_warning(base, kind, drug, profile, seen, courses, keep):
    data = base_of(base)
    data["request"] |= {"kind": kind, "profiles": [profile]} | ({} if keep else {"drug": drug})
    data["observations"] |= dict(seen)
    data["therapies"] = [*data.get("therapies", []), *courses]
    try:
        document, record = request_of(data, "odd.toml", policies())
    except ScenarioError:
        return
    made = determine(record)
    words = told(document, made)
    assert words["disclaimer"] in as_text(words)
    assert words["disclaimer"] in as_html(words)
    if made.coverage == "approve":
        assert made.verdict.truth is Truth.MET
    if kind in ("start", "add", "repeat"):
        holds = {fact: (record.latest(fact).value if record.latest(fact) else None) for fact in ("active_tb_excluded", "pregnant")}
        is_boxed = (holds["active_tb_excluded"] is False and record.asked.drug == "tocilizumab") or (
            holds["pregnant"] is True and record.asked.drug in policies().members(("teratogen",))
        )
        assert not is_boxed or made.safety in ("start_blocked", "discontinue")


def test_a_far_denial_is_searched_at_once():
    """The largest rule, with nothing on file: its nearest change took minutes when every set of leaves was tried."""
    data = base_of("ra_tocilizumab")
    data["observations"] = {}
    data["therapies"] = [{"drug": "methotrexate", "dose_mg": 10, "interval_days": 7, "start": date(2026, 1, 1)}]
    data["patient"]["age"] = 17
    data["request"]["profiles"] = ["P-CVS-RA-I"]
    record = request_of(data, "x.toml", policies())[1]
    change = nearest_change(policies().rules["P-CVS-RA-I"], record)
    assert change is not None
    assert "Age" in change.words[0]


def test_what_stands_below_a_not_is_no_fault():
    """On no other biologic: the page says no, in no alarming colour, where the proof says not met."""
    document, record = request_of(file_of(case_of("C25")), "x.toml", policies())
    words = told(document, determine(record))
    below = [node for node in words["payer"]["proof"] if node["below_not"]]
    assert {node["truth"] for node in below} == {"not met"}
    assert '<span class="not_applicable nowrap">no</span>' in as_html(words)
