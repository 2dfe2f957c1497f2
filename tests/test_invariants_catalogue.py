"""Every invariant that comes with the project: it holds where it should, and it can fail, with the right patient and time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pathway.invariants import audit, registered, violations
from pathway.invariants.carriers import CARRIERS
from tests.invariant_cases import CASES, Case
from tests.told import DAY, history, tell


def told(case: Case, *stories):
    """Histories of these stories with the case's settings, covariates the same for all."""
    settings = dict(case.settings)
    covariates = {name: np.full(len(stories), value) for name, value in settings.pop("covariates", {}).items()}
    made = history(*stories, covariates=covariates, **settings)
    return replace(made, log=replace(made.log, names=tuple(dict.fromkeys((*made.log.names, *tell(case.good, case.bad).names)))))


def test_every_invariant_has_a_case():
    assert set(CASES) == set(registered())


@pytest.mark.parametrize("name", CASES)
def test_it_holds_where_it_should(name):
    case = CASES[name]
    (row,) = audit(told(case, case.good), [registered()[name]]).to_dict("records")
    assert (row["status"], row["because"]) == ("checked", "")
    assert row["occasions"] > 0, "nothing was claimed"
    assert row["violations"] == 0, row


@pytest.mark.parametrize("name", CASES)
def test_it_can_fail(name):
    case = CASES[name]
    found = violations(told(case, case.good, case.bad, case.good), [registered()[name]])
    assert set(found["patient"]) == {1}
    assert found["time"].iloc[0] == pytest.approx(case.day * DAY, abs=1e-9), found.to_string()
    assert found["happened"].str.len().min() > 0


STAND_INS = {
    "I1": ({"tocilizumab_labs_pass": 0.0}, "start tocilizumab", 9),
    "I2": ({}, "start tocilizumab; visit clinic", 9),
    "I6": ({}, "finding tb_screen 2; start tocilizumab", 9),
    "I7": ({}, "start rituximab", 9),
    "I20": ({}, "finding prednisone_band 3", 9),
    "I5": ({}, "start tocilizumab; hold tocilizumab (tocilizumab_laboratory_hold)", 9),
    "I13": ({}, "line 1; start mmf", 9),
    "I16": ({"age": 17.0}, "request start (tocilizumab); approve start", 9),
    "I27": ({}, "finding tocilizumab_band 0; start tocilizumab", 9),
    "I29": ({}, "start adalimumab", 9),
    "I36": ({}, "start rituximab", 9),
    "I38": ({}, "start adalimumab", 20),
    "I45": ({"childbearing": 1.0, "age": 30.0}, "start mmf", 9),
}
LATER = {"I2": {20: "finding tocilizumab_band 2", 30: "visit clinic"}, "I38": {20: "stop adalimumab (good_response)"},
    "I5": {20: "resume tocilizumab (tocilizumab_laboratory_resume)", 30: "reduce tocilizumab"}}


@pytest.mark.parametrize("name", [name for name, one in registered().items() if one.stand_in is not None and name not in ("I3", "I4")])
def test_a_stand_in_can_fail_too(name):
    """Where the record carries only what stands in for the claim, that is asked, and said; I3 and I4 share the stand-in of I2."""
    covariates, text, day = STAND_INS[name]
    one = registered()[name]
    log = tell({9: text, **LATER.get(name, {})})
    words = (*log.names, "fvc", "dlco", "hrct_progression", "tocilizumab_band", "tb_screen", "hbv_screen", "prednisone_band")
    made = history({}, disease=one.diseases[0], profiles=frozenset({one.profile}), covariates={key: np.array([value]) for key, value in covariates.items()})
    (row,) = audit(replace(made, log=replace(log, names=words)), [one]).to_dict("records")
    assert (row["status"], row["because"]) == ("checked", one.stand_in_words)
    assert row["first_time"] == pytest.approx({"I2": 20, "I5": 20, "I38": 20}.get(name, day) * DAY)


def test_what_is_not_carried_is_said_with_what_would_carry_it():
    table = audit(history({0: "start tocilizumab"}, disease="ssc_ild")).set_index("invariant")
    assert table.loc["I6", "status"] == "not carried"
    assert "result of a tuberculosis test" in table.loc["I6", "because"]
    assert table.loc["I33", "status"] == "other disease"
    assert (table.loc["I15", "status"], table.loc["I15", "violations"]) == ("other profile", 0)
    assert (table.loc[table["status"] != "checked", "histories"] == 0).all()
    assert (table.loc[table["status"] != "checked", "because"].str.len() > 0).all()


def test_every_name_that_may_not_be_carried_is_explained():
    """A finding that no library of the project records says what would carry it."""
    simulated = {"fvc", "dlco", "dlco_worse", "symptoms_worse", "hrct_progression", "tocilizumab_band", "progression", "taper"}
    needed = {name for one in registered().values() for name in one.needs}
    bare = {name for name in needed if name.isidentifier()} - simulated
    assert bare - set(CARRIERS) == set()
    assert set(CARRIERS) - needed == set(), "explained, but nobody asks"
