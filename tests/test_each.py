"""Rows that are written once for several treatments."""

from __future__ import annotations

import pytest

from pathway.reading.each import LISTS, spread
from pathway.reading.schema import ROWS_FOR_MANY, json_schema
from pathway.reading.text import Findings


def test_a_row_is_written_out_for_every_treatment():
    row = {"each": ["a", "b"], "name": "{treatment}_stop", "clock": "course:{treatment}", "terms": [{"response": "{treatment}"}], "jumps": 2}
    found = spread({"transitions": [{"name": "death"}, row], "rules": {"x": 1}}, "pathway.toml", Findings())
    assert [one["name"] for one in found["transitions"]] == ["death", "a_stop", "b_stop"]
    assert found["transitions"][2] == {"name": "b_stop", "clock": "course:b", "terms": [{"response": "b"}], "jumps": 2}
    assert found["rules"] == {"x": 1}


@pytest.mark.parametrize(
    ("row", "words"),
    [({"each": "adalimumab", "name": "{treatment}_x"}, "a list of treatments"), ({"each": [], "name": "{treatment}_x"}, "a list of treatments"), ({"each": ["a"], "name": "x"}, "{treatment} in its name")],
)
def test_a_wrong_each_is_told(row, words):
    findings = Findings()
    assert spread({"effects": [row]}, "pathway.toml", findings)["effects"] == []
    assert [fault.expected for fault in findings.faults.faults] == [words]


def test_editors_know_rows_for_many_treatments():
    rows = json_schema("pathway")["$defs"]
    assert len(ROWS_FOR_MANY) == len(LISTS)
    for name in ROWS_FOR_MANY:
        assert any("each" in form.get("properties", {}) for form in rows[name]["anyOf"])
