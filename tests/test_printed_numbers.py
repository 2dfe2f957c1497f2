"""Every number of every rule beside the text that prints it: a slip in a policy file shows here.

``determinations/printed.toml`` was held against the sources row by row; it and the rules must say the same. An entry that the rule does not hold, or a
number of a rule that no entry holds, fails.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from pathway.coverage.record import activity_class
from pathway.definition.policies import Clause, PolicyRule
from pathway.reading.policies import clauses_of
from tests.test_determinations import policies

PRINTED = tomllib.loads((Path(__file__).parent / "determinations" / "printed.toml").read_text(encoding="utf-8"))
SIGNS = {"at_least": ">=", "at_most": "<=", "above": ">", "below": "<", "equals": "="}
SPANS = {
    "within": "within", "for_at_least": "for at least", "for_more_than": "for more than", "last_dose_within": "last dose within", "last_dose_before": "begun before",
}  # fmt: skip


def numbers_of(clause: Clause) -> Iterator[str]:
    """Each number of one clause in words: what it is of, how it compares, the number."""
    what = clause.fact or (clause.direction + " of " + clause.change_of if clause.change_of else None) or clause.request
    what = what or ("improvement of " + clause.improvement_of if clause.improvement_of else None)
    what = what or (f"{clause.therapy} {'/'.join(clause.drugs)}" if clause.therapy else None) or "/".join(clause.documented or ()) or "group"
    if clause.relative:
        what += " (share)"
    for key, sign in SIGNS.items():
        bound = getattr(clause, key)
        if bound is not None and not isinstance(bound, bool):
            yield f"{what} {sign} {bound:g}"
    for key, words in SPANS.items():
        if getattr(clause, key) is not None:
            yield f"{what} {words} {getattr(clause, key)}"
    if clause.count is not None:
        yield f"{clause.count} of {len(clause.at_least_of or ())}"
    if clause.weekly_mg_at_least is not None:
        yield f"{what} weekly mg >= {clause.weekly_mg_at_least:g}"
    if clause.every:
        yield f"{what} every"


def numbers(rule: PolicyRule) -> set[str]:
    """All numbers of a rule, those of its approval included."""
    found = {words for _, clause in clauses_of(rule) for words in numbers_of(clause)}
    if rule.lasts is not None:
        found.add(f"lasts {rule.lasts}")
    if rule.due_after is not None:
        found.add(f"due after {rule.due_after}")
    found |= {f"expects {arm} {value:g}" for band in rule.bands for arm, value in band.expects.items()}
    return found


@pytest.mark.parametrize("code", sorted(PRINTED))
def test_a_rule_holds_the_numbers_that_its_source_prints(code):
    assert numbers(policies().rules[code]) == set(PRINTED[code]["numbers"]), PRINTED[code]["printed"]


def test_every_rule_with_a_number_is_in_the_table():
    assert {code for code, rule in policies().rules.items() if numbers(rule)} == set(PRINTED)


@pytest.mark.parametrize(
    ("index", "ends"),
    [("cdai", (2.8, 10.0, 22.0)), ("sdai", (3.3, 11.0, 26.0)), ("das28_crp", (2.6, 3.2, 5.1)), ("das28_esr", (2.6, 3.2, 5.1))],
)
def test_cut_points_of_activity(index, ends):
    """G-RA-09: CDAI 2.8, 10, 22; SDAI 3.3, 11, 26, ends included; DAS28 below 2.6, up to 3.2 and 5.1 (EULAR composite-measure table)."""
    at = [activity_class(index, end) for end in ends]
    above = [activity_class(index, end + 1e-9) for end in ends]
    assert at == ["low" if index.startswith("das28") else "remission", "low", "moderate"]
    assert above == ["low", "moderate", "high"]
