"""The worked cases of the coverage review, one row a case: what each layer says, what is decided, and why."""

from __future__ import annotations

import copy
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pathway.coverage.counterfactual import missing_facts
from pathway.coverage.determination import Determination, determine
from pathway.coverage.proof import Context, prove
from pathway.coverage.record import Record
from pathway.errors import ScenarioError
from pathway.reading.policies import read_policies
from pathway.reading.request import request_of

HERE = Path(__file__).parent / "determinations"
policies = cache(read_policies)


@cache
def documents(name: str) -> dict[str, Any]:
    """Tables of one file."""
    return tomllib.loads((HERE / name).read_text(encoding="utf-8"))


CASES = documents("cases.toml")["cases"]
CHECKS = documents("checks.toml")["cases"]
"""Rows beside the worked cases: what a rule's text says at its edges, each named by the rule."""


def base_of(name: str) -> dict[str, Any]:
    """A base record, with what it takes from another."""
    base = copy.deepcopy(documents("bases.toml")[name])
    other = base.pop("like", None)
    return {**base_of(other), **base} if other else base


def file_of(case: dict[str, Any]) -> dict[str, Any]:
    """The request file of a case."""
    data = base_of(case["base"])
    for table in ("request", "patient", "observations"):
        data[table] = {**data.get(table, {}), **case.get(table, {})}
    for name in case.get("remove", ()):
        data["observations"].pop(name)
    for table in ("therapies", "contraindications", "documents"):
        if table in case:
            data[table] = case[table]
    return data


def record_of(case: dict[str, Any]) -> Record:
    """The record of a case."""
    return request_of(file_of(case), f"{case['id']}.toml", policies())[1]


def truth_of(code: str, made: Determination) -> str:
    """Truth of any rule on the record of a determination."""
    finding = made.finding(code)
    truth = finding.truth if finding else prove(policies().rules[code], Context(record=made.record)).truth
    return truth.name.lower()


@pytest.mark.parametrize("case", [*CASES, *CHECKS], ids=[case["id"] for case in (*CASES, *CHECKS)])
def test_a_worked_case(case):
    if "refused" in case:
        with pytest.raises(ScenarioError) as caught:
            record_of(case)
        assert case["refused"] in str(caught.value)
        return
    made = determine(record_of(case))
    assert {code: truth_of(code, made) for code in case.get("truths", {})} == case.get("truths", {})
    if "coverage" in case:
        assert (made.coverage or "none") == case["coverage"], made.reasons
    if "safety" in case:
        assert (made.safety or "none") == case["safety"], made.reasons
    assert {v.profile: str(v.answer) for v in made.contrast if v.profile in case.get("contrast", {})} == case.get("contrast", {})
    assert {code: made.finding(code).position for code in case.get("positions", {})} == case.get("positions", {})
    assert [flag for flag in case.get("flags", ()) if flag not in made.flags] == []
    assert [flag for flag in case.get("no_flags", ()) if flag in made.flags] == []
    assert {code: made.finding(code).act for code in case.get("acts", {})} == case.get("acts", {})
    assert [code for code in case.get("not_asked", ()) if made.finding(code)] == []
    for word in case.get("advice", ()):
        assert any(word in line for line in made.advice), made.advice
    assert [code for code in case.get("not_evaluated", ()) if code not in made.not_evaluated] == []
    for word in case.get("do_first", ()):
        assert any(word in line for line in made.do_first), made.do_first
    assert case.get("modification", "") in made.modification
    assert dict(made.expects) == case.get("expects", dict(made.expects))
    if "deciding" in case:
        assert case["deciding"] in made.verdict.proof.deciding().words
    if "failed" in case:
        words = [leaf.words for leaf in made.verdict.proof.leaves() if leaf.truth == 0]
        assert all(any(word in one for one in words) for word in case["failed"]), words
    if "missing" in case:
        asked = " / ".join(" + ".join(group) for group in missing_facts(policies().rules[made.verdict.profile], made.record))
        assert all(word.lower() in asked.lower() for word in case["missing"]), asked


def test_rows_are_named_once():
    names = [case["id"] for case in (*CASES, *CHECKS)]
    assert sorted(names) == sorted(set(names))


def test_all_57_rows_are_here():
    rows = {case["id"].split()[0] for case in CASES}
    wanted = {f"C{n:02d}" for n in range(1, 56)} - {"C03"} | {"C03a", "C03b", "C03c"}
    assert rows == wanted
