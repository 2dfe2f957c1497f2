"""Indices by their formulas, responses by their definitions, and what drugs do in virtual trials against the published network."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from math import log, sqrt

import pytest

from pathway import kernels
from pathway.compiler import compile_program
from pathway.engines.record import Record
from pathway.errors import ProgramError
from pathway.program import Program
from pathway.rules import Truth
from tests.ra_trials import allowed, arm, base, network

MARKERS = ("tjc28", "sjc28", "ptga", "phga", "pain", "crp", "esr", "haq")


@cache
def program() -> Program:
    """The main pathway, compiled."""
    scenario = base("methotrexate_inadequate")
    return compile_program(scenario, "r3", scenario.base_values())


def index(name: str, **values: float) -> float:
    """An index of values that a visit measured, as the engines add it up."""
    spec = next(one for one in program().indices if one.name == name)
    names = [marker.name for marker in program().markers]
    total = spec.constant
    for marker, weight, transform in spec.terms:
        total += weight * kernels.transformed(transform, values[names[marker]])
    return total


# --- indices: worked by hand from the published definitions ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("das28_esr", {"tjc28": 4, "sjc28": 9, "esr": 28, "ptga": 40}, 0.56 * 2 + 0.28 * 3 + 0.70 * log(28) + 0.014 * 40),
        ("das28_esr", {"tjc28": 0, "sjc28": 0, "esr": 1, "ptga": 0}, 0.0),
        ("das28_esr", {"tjc28": 28, "sjc28": 28, "esr": 100, "ptga": 100}, 0.84 * sqrt(28) + 0.70 * log(100) + 1.4),
        ("das28_crp", {"tjc28": 4, "sjc28": 9, "crp": 12, "ptga": 40}, 0.56 * 2 + 0.28 * 3 + 0.36 * log(13) + 0.014 * 40 + 0.96),
        ("das28_crp", {"tjc28": 0, "sjc28": 0, "crp": 0, "ptga": 0}, 0.96),
        ("cdai", {"tjc28": 5, "sjc28": 4, "ptga": 55, "phga": 45}, 19.0),
        ("cdai", {"tjc28": 28, "sjc28": 28, "ptga": 100, "phga": 100}, 76.0),
        ("sdai", {"tjc28": 5, "sjc28": 4, "ptga": 55, "phga": 45, "crp": 12}, 20.2),
    ],
)
def test_indices_follow_their_formulas(name, values, expected):
    assert index(name, **values) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_das28_of_a_worked_case_to_its_printed_digits():
    """0.56 x 2 + 0.28 x 2 + 0.70 x 3.332 + 0.014 x 40."""
    assert round(index("das28_esr", tjc28=4, sjc28=4, esr=28, ptga=40), 2) == 4.57


def judged(rule: str, **indices: tuple[float, float]) -> Truth:
    """Truth of a rule half a year into a line; by index: (when the line began, now)."""
    covariates = dict.fromkeys(program().covariates, 0.0)
    record = Record(program(), list(covariates.values()))
    names = [one.name for one in program().indices]
    for name, (before, _) in indices.items():
        record.note_index(names.index(name), 0.0, before)
    record.begin_line(1, 0.0)
    for name, (_, now) in indices.items():
        record.note_index(names.index(name), 0.5, now)
    number = [one.name for one in program().rules].index(rule)
    return Truth(record.judge(number, 0.5)[0])


@pytest.mark.parametrize(("cdai", "met"), [(9.9, True), (10.0, True), (10.1, False)])
def test_low_activity_is_ten_or_less(cdai, met):
    assert judged("low_activity", cdai=(30.0, cdai)) == (Truth.MET if met else Truth.NOT_MET)
    assert judged("moderate_or_high_activity", cdai=(30.0, cdai)) == (Truth.NOT_MET if met else Truth.MET)


@pytest.mark.parametrize(
    ("before", "now", "response"),
    [
        (5.0, 3.2, "good"), (4.5, 3.2, "good"), (4.375, 3.25, "moderate"), (5.0, 3.25, "moderate"), (6.5, 5.25, "moderate"), (6.375, 5.25, "none"), (5.75, 5.0, "moderate"),
        (5.5, 5.0, "none"), (3.75, 3.0, "moderate"), (3.5, 3.0, "none"), (6.0, 6.5, "none"), (7.0, 5.75, "moderate"),
    ],
)  # fmt: skip
def test_the_eular_response_is_a_matrix_of_level_and_fall(before, now, response):
    good = judged("eular_good", das28_esr=(before, now)) == Truth.MET
    moderate = judged("eular_moderate", das28_esr=(before, now)) == Truth.MET
    assert {"good": (True, True), "moderate": (False, True), "none": (False, False)}[response] == (good, moderate)


def better_by(shares: dict[str, float]) -> Truth:
    """ACR20 of somebody whose measures fell by these shares from 10."""
    record = Record(program(), [0.0] * len(program().covariates))
    names = [marker.name for marker in program().markers]
    for marker in MARKERS:
        record.note_measurement(names.index(marker), 0.0, 10.0)
    record.begin_line(1, 0.0)
    for marker in MARKERS:
        record.note_measurement(names.index(marker), 0.5, 10.0 * (1.0 - shares.get(marker, 0.0)))
    return Truth(record.judge([one.name for one in program().rules].index("acr20"), 0.5)[0])


def test_acr20_needs_both_joint_counts_and_three_of_five_others():
    joints = {"tjc28": 0.2, "sjc28": 0.2}
    assert better_by({**joints, "ptga": 0.2, "pain": 0.3, "crp": 0.25}) == Truth.MET
    assert better_by({**joints, "ptga": 0.2, "pain": 0.3}) == Truth.NOT_MET
    assert better_by({**joints, "ptga": 0.2, "pain": 0.3, "esr": 0.5}) == Truth.NOT_MET
    assert better_by({"tjc28": 0.6, "ptga": 0.5, "phga": 0.5, "pain": 0.5, "haq": 0.5, "crp": 0.5}) == Truth.NOT_MET
    assert better_by({**joints, "haq": 0.2, "phga": 0.2, "crp": 0.19, "ptga": 0.19}) == Truth.NOT_MET


# --- what measures have in common ------------------------------------------------------------------------------------------------


def compiled_with(**names: str) -> Program:
    """The pathway whose usual shape gives these markers a draw of that name."""
    scenario = base("methotrexate_inadequate")
    shapes = scenario.library.pathway.response_shapes
    shares = tuple(one.model_copy(update={"noise_as": names.get(one.marker)}) for one in shapes["usual"].shares)
    pathway = scenario.library.pathway.model_copy(update={"response_shapes": {**shapes, "usual": shapes["usual"].model_copy(update={"shares": shares})}})
    changed = replace(scenario, library=replace(scenario.library, pathway=pathway))
    return compile_program(changed, "r3", changed.base_values())


def test_markers_may_share_the_draw_of_their_own_part():
    told = compiled_with(crp="acute_phase", esr="acute_phase")
    names = [marker.name for marker in told.markers]
    (response,) = (one for one in told.responses if told.treatments[one.treatment] == "adalimumab")
    streams = {names[share.marker]: share.stream for share in response.shares}
    assert streams["crp"] == streams["esr"]
    assert len(set(streams.values())) == len(streams) - 1


@pytest.mark.parametrize("names", [{"crp": "acute_phase"}, {"crp": "acute_phase", "esr": "acute_fase"}, {"crp": "haq", "esr": "haq"}])
def test_a_shared_draw_that_nothing_else_has_is_refused(names):
    with pytest.raises(ProgramError, match="which no other marker of the shape gives"):
        compiled_with(**names)


# --- drugs in virtual trials --------------------------------------------------------------------------------------------------

NAIVE = {
    "methotrexate_optimised": 0.0, "adalimumab": -0.7743, "etanercept": -0.7629, "certolizumab": -1.1913, "infliximab": -0.7734, "golimumab": -0.8451, "abatacept": -0.9006,
    "tocilizumab_sc": -0.9883, "sarilumab": -0.8697, "rituximab": -0.704, "tofacitinib": -0.7668, "upadacitinib": -0.7272, "baricitinib": -0.6993,
}  # fmt: skip
AFTER_FAILURE = {
    "RADIATE, tocilizumab 8 mg/kg": ("tocilizumab_sc", 170, (0.50, 0.29, 0.12)),
    "REFLEX, rituximab": ("rituximab", 298, (0.51, 0.27, 0.12)), "ATTAIN, abatacept (recalled)": ("abatacept", 256, (0.504, 0.203, 0.102)),
    "ORAL Step, tofacitinib": ("tofacitinib", 133, (0.51, 0.37, 0.16)), "TARGET, sarilumab 200 mg": ("sarilumab", 184, (0.609,)),
}  # fmt: skip
"""Drug, patients, ACR20, 50 and 70 at week 24; of sarilumab only ACR20 was read. Trials had fewer with two drugs behind them than the cohort here (57 %)."""


@pytest.mark.parametrize("drug", ["methotrexate_optimised", "adalimumab"])
def test_naive_responses_have_the_shares_of_the_network(drug):
    regimen = (drug,) if drug == "methotrexate_optimised" else ("methotrexate", drug)
    found = arm(regimen, patients=600, is_trial=True)
    for measured, published in zip(found.acr, network(NAIVE[drug]), strict=True):
        assert measured == pytest.approx(published, abs=allowed(published, found.size))


def test_tocilizumab_every_two_weeks_has_the_response_of_its_trial():
    """BREVACTA, week 24: ACR20, 50 and 70 of 60.9, 40 and 20 % on it; every week is taken to work like 8 mg/kg (SUMMACTA)."""
    level = {program().treatments[one.treatment]: one.level for one in program().responses}
    share = (level["tocilizumab_sc_2w"] - level["leflunomide"]) / (level["tocilizumab_sc"] - level["leflunomide"])
    assert level["tocilizumab_sc"] == level["tocilizumab_iv"]
    assert level["tocilizumab_sc_2w_spaced"] == level["tocilizumab_sc_2w"]
    for simulated, published in zip(network(NAIVE["tocilizumab_sc"] * share), (0.609, 0.40, 0.20), strict=True):
        assert simulated == pytest.approx(published, abs=0.05)


def test_after_a_first_drug_fewer_respond():
    naive, later = arm(("methotrexate", "abatacept"), patients=600), arm(("methotrexate", "abatacept"), "tnf_inadequate", patients=600)
    assert later.acr[0] < naive.acr[0] - 0.05
    assert later.cdai_low < naive.cdai_low


def test_a_second_tnf_inhibitor_does_worse_than_another_mechanism():
    second, other = arm(("methotrexate", "etanercept"), "tnf_inadequate", patients=600), arm(("methotrexate", "abatacept"), "tnf_inadequate", patients=600)
    odds = [(1.0 - found.eular[0]) / found.eular[0] for found in (second, other)]
    assert odds[0] / odds[1] < 0.8


@pytest.mark.slow
def test_every_drug_of_the_network_is_met_or_told():
    lines, missed = [f"{'drug, naive':<34}{'ACR20/50/70 simulated':>24}{'network':>22}{'EULAR none/mod/good':>24}{'dDAS28':>9}{'SD':>6}{'dHAQ':>8}"], []
    for drug, effect in NAIVE.items():
        found = arm((drug,) if drug == "methotrexate_optimised" else ("methotrexate", drug), is_trial=True)
        published = network(effect)
        lines.append(row(drug, found.acr, published, found))
        missed += [(drug, m, p) for m, p in zip(found.acr, published, strict=True) if abs(m - p) > allowed(p, found.size)]
    print("\n" + "\n".join(lines))
    assert not missed, missed


@pytest.mark.slow
def test_trials_after_a_tnf_inhibitor_are_told_with_their_misses():
    """Development rows (flag D): reported, not tuned to. The published rule itself misses ACR20 by 7.8 points on average."""
    lines, errors = [f"{'after a TNF inhibitor':<34}{'ACR20/50/70 simulated':>24}{'published':>22}{'EULAR none/mod/good':>24}{'dDAS28':>9}{'SD':>6}{'dHAQ':>8}"], []
    for label, (drug, _, published) in AFTER_FAILURE.items():
        found = arm(("methotrexate", drug), "tnf_inadequate", is_trial=True)
        lines.append(row(label, found.acr, published, found))
        errors.append(abs(found.acr[0] - published[0]))
    print("\n" + "\n".join(lines) + f"\nmean absolute error of ACR20: {100 * sum(errors) / len(errors):.1f} points")
    assert sum(errors) / len(errors) < 0.13


@pytest.mark.slow
def test_disability_by_eular_response_is_that_of_registers_and_trials():
    found = arm(("methotrexate", "adalimumab"), patients=3000)
    print("\nHAQ change by EULAR none, moderate, good:", [round(change, 2) for change in found.haq_by_eular])
    for measured, published in zip(found.haq_by_eular, (-0.07, -0.40, -0.75), strict=True):
        assert measured == pytest.approx(published, abs=0.2)


def row(label: str, acr: tuple[float, ...], published: tuple[float, ...], found: object) -> str:
    """One line of the printed table."""
    shares = " / ".join(f"{100 * one:.0f}" for one in acr)
    other = " / ".join(f"{100 * one:.0f}" for one in published)
    eular = " / ".join(f"{100 * one:.0f}" for one in found.eular)  # type: ignore[attr-defined]
    return f"{label:<34}{shares:>24}{other:>22}{eular:>24}{found.das28_change:>9.2f}{found.das28_sd:>6.2f}{found.haq_change:>8.2f}"  # type: ignore[attr-defined]
