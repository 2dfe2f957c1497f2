"""For every invariant of the registry a story on which it holds, with something to claim, and one on which it does not, with the day of the violation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.told import Story


@dataclass(frozen=True, kw_only=True)
class Case:
    """Stories of one invariant. ``day``: when the second breaks it; ``settings`` of the histories."""

    good: Story
    bad: Story
    day: float
    settings: dict[str, Any] = field(default_factory=dict)


SSC, RA = {"disease": "ssc_ild"}, {"disease": "ra"}
LABS = "finding anc 2500; finding plt 200000; finding alt 1.0"
ON_TCZ = f"{LABS}; start tocilizumab"
ASKED = {"asked": ("tocilizumab", "nintedanib"), "approval_days": 400.0}

STRUCTURAL: dict[str, Case] = {
    "time_never_falls": Case(good={0: "visit clinic", 10: "visit clinic"}, bad=[(20, "visit clinic"), (10, "visit clinic"), (30, "visit clinic")], day=10),
    "absorbing_is_final": Case(good={5: "move dead"}, bad={5: "move dead", 6: "visit clinic"}, day=6),
    "histories_end": Case(good={5: "visit clinic"}, bad={5: "end", 6: "visit clinic"}, day=5),
    "state_moves": Case(good={5: "move first_line"}, bad={5: "state first_line; visit clinic"}, day=5),
    "I47": Case(
        good={5: "line 1; move first_line; line entry", 9: "line 2; move second_line; line progression"},
        bad={5: "line 2; move second_line", 9: "line 1; move first_line"},
        day=9,
    ),
    "courses_alternate": Case(good={5: "start mmf", 9: "stop mmf (choice)", 12: "start mmf"}, bad={5: "start mmf", 9: "start mmf"}, day=9),
    "doses_of_courses": Case(good={5: "start mmf; hold mmf", 9: "resume mmf"}, bad={5: "start mmf", 9: "resume mmf"}, day=9),
    "barred_stays_barred": Case(
        good={5: "start mmf", 9: "stop mmf (choice)", 12: "start mmf"}, bad={5: "start mmf", 9: "stop mmf (intolerance)", 12: "start mmf"}, day=12
    ),
    "one_condition": Case(
        good={5: "condition infection", 9: "recover infection; condition infection"}, bad={5: "condition infection", 9: "condition exacerbation"}, day=9
    ),
    "one_request": Case(
        good={5: "request start (mmf)", 6: "approve start", 7: "request start (mmf)"}, bad={5: "request start (mmf)", 7: "request start (mmf)"}, day=7
    ),
    "answers_have_requests": Case(
        good={5: "request start (mmf)", 6: "deny start (residual)", 7: "appeal appeal (start)", 9: "approve start (appeal)"},
        bad={5: "request start (mmf)", 6: "deny start (residual)", 9: "approve start"},
        day=9,
    ),
    "requests_close": Case(good={5: "request start (mmf)", 6: "withdraw start (death); move dead"}, bad={5: "request start (mmf)", 6: "move dead"}, day=5),
    "approval_before_start": Case(
        good={5: "request start (tocilizumab)", 6: "approve start", 8: "start tocilizumab"},
        bad={5: "request start (tocilizumab)", 8: "start tocilizumab", 9: "approve start"},
        day=8,
        settings=ASKED,
    ),
    "nothing_after_expiry": Case(good={5: "start mmf", 9: "expire mmf; stop mmf (not_covered)"}, bad={5: "start mmf", 9: "expire mmf"}, day=9),
    "I44": Case(
        good={
            0: "request start (tocilizumab); approve start; start tocilizumab",
            350: "request renewal (tocilizumab); approve renewal",
            700: "visit clinic",
            740: "stop tocilizumab (not_covered)",
        },
        bad={0: "request start (tocilizumab); approve start; start tocilizumab", 390: "visit clinic", 410: "visit clinic"},
        day=410,
        settings=ASKED,
    ),
    "I46": Case(good={5: "request start (mmf)", 20: "inform start", 60: "approve start"}, bad={5: "request start (mmf)", 60: "approve start"}, day=5),
}

SAFETY: dict[str, Case] = {
    "I1": Case(good={0: ON_TCZ}, bad={0: LABS, 40: "start tocilizumab"}, day=40, settings=SSC),
    "I2": Case(good={0: ON_TCZ, 40: "finding anc 400; stop tocilizumab (intolerance)"}, bad={0: ON_TCZ, 40: "finding anc 400", 60: "visit clinic"}, day=40),
    "I3": Case(
        good={0: ON_TCZ, 40: "finding plt 40000", 42: "stop tocilizumab (intolerance)"}, bad={0: ON_TCZ, 40: "finding plt 40000", 60: "visit clinic"}, day=40
    ),
    "I4": Case(good={0: ON_TCZ, 40: "finding alt 6", 41: "stop tocilizumab (intolerance)"}, bad={0: ON_TCZ, 40: "finding alt 6", 60: "visit clinic"}, day=40),
    "I5": Case(
        good={0: ON_TCZ, 40: "finding anc 800; hold tocilizumab", 60: f"{LABS}; resume tocilizumab; reduce tocilizumab"},
        bad={0: ON_TCZ, 40: "finding anc 800; hold tocilizumab", 60: f"{LABS}; resume tocilizumab"},
        day=60,
    ),
    "I6": Case(
        good={0: "finding tb_test 1; finding tb_treatment_started 1", 30: "start adalimumab"}, bad={0: "finding tb_test 1", 30: "start adalimumab"}, day=30
    ),
    "I7": Case(good={0: "finding hbsag 0; finding anti_hbc 0", 30: "start rituximab"}, bad={0: "finding hbsag 0", 30: "start rituximab"}, day=30),
    "I8": Case(good={0: "start rituximab", 30: "stop rituximab (choice); start tocilizumab"}, bad={0: "start rituximab", 30: "start tocilizumab"}, day=30),
    "I9": Case(good={0: "finding live_vaccine 1", 30: "start tocilizumab"}, bad={0: "start tocilizumab", 30: "finding live_vaccine 1"}, day=30),
    "I10": Case(
        good={0: "start mmf", 30: "condition infection; hold mmf", 60: "recover infection; resume mmf"},
        bad={0: "start mmf", 30: "condition infection; hold mmf", 40: "start rituximab"},
        day=40,
    ),
    "I11": Case(
        good={0: "finding tocilizumab_mg 162; finding tocilizumab_subcutaneous 1; finding tocilizumab_days 7"},
        bad={9: "finding tocilizumab_mg 162; finding tocilizumab_subcutaneous 1; finding tocilizumab_days 14"},
        day=9,
        settings=SSC,
    ),
    "I12": Case(
        good={0: "finding tocilizumab_mg 480; finding tocilizumab_subcutaneous 0"},
        bad={9: "finding tocilizumab_mg 560; finding tocilizumab_subcutaneous 0"},
        day=9,
        settings={**RA, "covariates": {"weight_kg": 60.0}},
    ),
    "I23": Case(
        good={0: "finding alt 1; finding pregnancy_test 0", 9: "start nintedanib"},
        bad={0: "finding alt 1", 9: "start nintedanib"},
        day=9,
        settings={**SSC, "covariates": {"childbearing": 1.0}},
    ),
    "I24": Case(
        good={0: "finding child_pugh 1; finding nintedanib_daily_mg 200"},
        bad={0: "finding child_pugh 1; finding nintedanib_daily_mg 200", 9: "finding nintedanib_daily_mg 300"},
        day=9,
        settings=SSC,
    ),
    "I25": Case(
        good={0: "start nintedanib; reduce nintedanib", 9: "finding intolerable_event 1; stop nintedanib (intolerance)"},
        bad={0: "start nintedanib; reduce nintedanib", 9: "finding intolerable_event 1", 20: "visit clinic"},
        day=9,
        settings=SSC,
    ),
    "I27": Case(
        good={0: ON_TCZ, 42: LABS, 130: LABS, 150: "stop tocilizumab (choice)"},
        bad={0: ON_TCZ, 20: LABS, 70: LABS, 150: "stop tocilizumab (choice)"},
        day=0,
        settings=SSC,
    ),
    "I45": Case(good={0: "finding pregnant 1; start rituximab"}, bad={0: "start mmf", 30: "finding pregnant 1"}, day=30),
}

SYSTEMIC_SCLEROSIS: dict[str, Case] = {
    "I13": Case(
        good={0: "measure fvc 80; finding dlco 60; finding hrct 1; line 1; start mmf"},
        bad={0: "measure fvc 80; finding dlco 60; line 1; start mmf", 5: "finding hrct 1"},
        day=0,
        settings=SSC,
    ),
    "I15": Case(
        good={0: "start mmf", 90: "stop mmf (progression); request start (tocilizumab)", 95: "approve start"},
        bad={0: "request start (tocilizumab)", 5: "approve start"},
        day=5,
        settings={**SSC, "profiles": frozenset({"P-SEED-SSC"}), "covariates": {"inflammatory": 1.0, "childbearing": 0.0}},
    ),
    "I16": Case(
        good={0: "finding hrct_confirms_ild 1; request start (tocilizumab); approve start"},
        bad={0: "request start (tocilizumab)", 5: "approve start"},
        day=5,
        settings={**SSC, "profiles": frozenset({"P-CVS-SSC"}), "covariates": {"age": 50.0}},
    ),
    "I17": Case(
        good={0: "line 1; start mmf", 90: "line 2; start nintedanib"},
        bad={0: "line 1; start mmf", 90: "stop mmf; line 2; start nintedanib"},
        day=90,
    ),
    "I18": Case(
        good={0: "line 1; start mmf", 90: "stop mmf (intolerance); line intolerance; start rituximab"},
        bad={0: "line 1; start mmf", 90: "stop mmf (intolerance); line intolerance; start unlisted", 120: "decide progression"},
        day=90,
        settings=SSC,
    ),
    "I19": Case(good={9: "decide progression", 99: "line progression"}, bad={9: "decide progression", 109: "line progression"}, day=9, settings=SSC),
    "I20": Case(good={9: "finding prednisone_mg 10; finding steroid_for_ild 0"}, bad={9: "finding prednisone_mg 20"}, day=9, settings=SSC),
    "I21": Case(good={0: "start cyclophosphamide_iv"}, bad={0: "start cyclophosphamide_iv", 9: "start rituximab"}, day=9, settings=SSC),
    "I22": Case(good={0: "line 1; start nintedanib", 9: "line 2; start mmf"}, bad={0: "line 1; start mmf", 9: "start nintedanib"}, day=9, settings=SSC),
    "I26": Case(
        good={0: "measure fvc 80", 180: "measure fvc nan", 360: "measure fvc 70", 540: "measure fvc 70"},
        bad={0: "measure fvc 80", 190: "measure fvc 75", 370: "measure fvc 75", 550: "measure fvc 75"},
        day=0,
        settings=SSC,
    ),
    "I28": Case(
        good={
            0: "measure fvc 80; finding symptoms_worse 1; finding dlco_worse 0; finding hrct_progression 0; finding ipf 0",
            300: "measure fvc 74; finding ppf 1",
        },
        bad={0: "measure fvc 80; finding symptoms_worse 1", 300: "measure fvc 78; finding ppf 1"},
        day=300,
    ),
    "I50": Case(good={0: "measure fvc 80", 9: "measure fvc 60", 200: "measure fvc 90"}, bad={0: "measure fvc 80", 9: "measure fvc 50"}, day=9, settings=SSC),
    "I50_record": Case(
        good={0: "measure fvc 80", 9: "condition exacerbation", 20: "measure fvc 50", 120: "recover exacerbation"},
        bad={0: "measure fvc 80", 90: "measure fvc 110", 200: "condition exacerbation"},
        day=90,
        settings=SSC,
    ),
}

ARTHRITIS: dict[str, Case] = {
    "I29": Case(good={0: "start methotrexate", 90: "start adalimumab"}, bad={0: "finding methotrexate_excluded 0; start adalimumab"}, day=0, settings=RA),
    "I30": Case(
        good={0: "start methotrexate; finding methotrexate_weekly_mg 20", 100: "finding methotrexate_weekly_mg 20; finding methotrexate_adequate 1"},
        bad={
            0: "start methotrexate; finding methotrexate_weekly_mg 20",
            60: "finding methotrexate_weekly_mg 20; finding methotrexate_adequate 1",
            61: "stop methotrexate (choice)",
        },
        day=60,
        settings=RA,
    ),
    "I31": Case(
        good={0: "finding cdai 30; start methotrexate; line entry", 95: "finding cdai 31", 110: "start adalimumab"},
        bad={0: "finding cdai 30; start methotrexate; line entry", 95: "finding cdai 31", 140: "start adalimumab"},
        day=95,
        settings=RA,
    ),
    "I32": Case(
        good={0: "finding cdai 30; start methotrexate; line entry", 190: "finding cdai 12", 215: "reduce methotrexate"},
        bad={0: "finding cdai 30; start methotrexate; line entry", 190: "finding cdai 12"},
        day=190,
        settings=RA,
    ),
    "I33": Case(
        good={0: "start adalimumab", 90: "stop adalimumab (inefficacy); start sarilumab"},
        bad={0: "start adalimumab", 90: "stop adalimumab (inefficacy)", 99: "start etanercept"},
        day=90,
        settings=RA,
    ),
    "I34": Case(
        good={0: "start adalimumab", 9: "stop adalimumab (intolerance); start tofacitinib"},
        bad={0: "start adalimumab", 9: "stop adalimumab (choice); start tofacitinib"},
        day=9,
        settings=RA,
    ),
    "I35": Case(
        good={0: "finding no_alternative 1; start tofacitinib"},
        bad={9: "start tofacitinib"},
        day=9,
        settings={
            **RA,
            "profiles": frozenset({"EULAR"}),
            "covariates": {"age": 70.0, "smoker": 0.0, "cardiovascular_risk": 0.0, "malignancy": 0.0, "thromboembolism": 0.0},
        },
    ),
    "I36": Case(
        good={0: "start methotrexate; start adalimumab", 90: "stop adalimumab (inefficacy); start rituximab"},
        bad={0: "start adalimumab", 90: "finding documented_exception 0; stop adalimumab (inefficacy); start rituximab"},
        day=90,
        settings=RA,
    ),
    "I37": Case(
        good={0: "start rituximab", 9: "stop rituximab (completed)", 112: "start rituximab"},
        bad={0: "start rituximab", 9: "stop rituximab (completed)", 111: "start rituximab"},
        day=111,
        settings=RA,
    ),
    "I38": Case(
        good={0: "start methotrexate; start adalimumab", 9: "finding remission_months 7; stop adalimumab (taper)"},
        bad={0: "start adalimumab", 9: "finding remission_months 7; stop adalimumab (taper)"},
        day=9,
        settings=RA,
    ),
    "I39": Case(
        good={0: "finding remission_months 6; finding steroid_stopped 1", 9: "decide taper"},
        bad={0: "finding remission_months 6", 9: "decide taper"},
        day=9,
        settings=RA,
    ),
    "I40": Case(
        good={
            0: "finding cdai 30; finding pain 60; start adalimumab",
            300: "finding pain 30; finding tjc28 2; finding sjc28 1; finding haq 1; request renewal (adalimumab); approve renewal",
        },
        bad={
            0: "start adalimumab",
            300: "finding cdai 12; finding pain 30; finding tjc28 2; finding sjc28 1; finding haq 1; request renewal (adalimumab)", 310: "approve renewal",
        },
        day=310,
        settings={**RA, "profiles": frozenset({"P-CVS-RA-C"})},
    ),
    "I49": Case(
        good={0: "line 2; start adalimumab", 90: "stop adalimumab (inefficacy); line 3; start sarilumab"},
        bad={0: "line 2; start adalimumab", 90: "stop adalimumab (inefficacy); start sarilumab"},
        day=90,
        settings=RA,
    ),
}

CASES: dict[str, Case] = {**STRUCTURAL, **SAFETY, **SYSTEMIC_SCLEROSIS, **ARTHRITIS}
