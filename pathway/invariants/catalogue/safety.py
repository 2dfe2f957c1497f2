"""Safety of drugs by their labels: laboratory gates, infections, tests before a start, doses, combinations, pregnancy (I1 to I12, I23 to I25, I27, I45)."""

from __future__ import annotations

from pathway.invariants.checking import Invariant
from pathway.invariants.formula import Formula, afterwards, eventually, never, once, previously
from pathway.invariants.number import Number, latest
from pathway.invariants.predicates import (
    age,
    condition,
    count_held,
    count_on,
    covariate,
    measured,
    on,
    reduced,
    resume,
    start,
)

BOTH = ("ssc_ild", "ra")
SSC = ("ssc_ild",)
RA = ("ra",)
TCZ, RTX, NIN = "tocilizumab", "rituximab", "nintedanib"
BAND_WORDS = "the laboratory band that the simulation draws (0 normal, 1 hold, 2 stop) stands for neutrophils, platelets and ALT together"

anc, plt, alt = measured("anc"), measured("plt"), measured("alt")
band = measured("tocilizumab_band")


def stops_at_once(drug: str, reason: Formula) -> Formula:
    """Whoever was on the drug when the reason came is off it then or at the next moment."""
    return (previously(on(drug)) & reason).implies(~on(drug) | afterwards(~on(drug)))


def says(finding: Number) -> Formula:
    """The latest value of a yes/no finding is yes."""
    return latest(finding) == 1


SAFETY = (
    Invariant(
        id="I1",
        words="Tocilizumab starts on neutrophils of at least 2,000, platelets of at least 100,000 and ALT of at most 1.5 x upper limit, at most 30 days old",
        formula=start(TCZ).implies((latest(anc, days=30) >= 2000) & (latest(plt, days=30) >= 1e5) & (latest(alt, days=30) <= 1.5)),
        stand_in=start(TCZ).implies(covariate("tocilizumab_labs_pass") == 1),
        stand_in_words="a covariate at entry stands for the three values",
        diseases=BOTH,
        basis=("L-TCZ-06", "L-TCZ-07", "L-TCZ-08"),
    ),
    Invariant(
        id="I2",
        words="Neutrophils under 500 on tocilizumab stop it",
        formula=stops_at_once(TCZ, anc < 500),
        stand_in=stops_at_once(TCZ, band >= 2),
        stand_in_words=BAND_WORDS,
        diseases=BOTH,
        basis=("L-TCZ-10",),
    ),
    Invariant(
        id="I3",
        words="Platelets under 50,000 on tocilizumab stop it",
        formula=stops_at_once(TCZ, plt < 5e4),
        stand_in=stops_at_once(TCZ, band >= 2),
        stand_in_words=BAND_WORDS,
        diseases=BOTH,
        basis=("L-TCZ-11",),
    ),
    Invariant(
        id="I4",
        words="ALT over 5 x upper limit on tocilizumab stops it",
        formula=stops_at_once(TCZ, alt > 5),
        stand_in=stops_at_once(TCZ, band >= 2),
        stand_in_words=BAND_WORDS,
        diseases=BOTH,
        basis=("L-TCZ-09",),
    ),
    Invariant(
        id="I5",
        words="Tocilizumab that was held for a laboratory value goes on at no more than the reduced dose",
        formula=(resume(TCZ) & (latest(anc) > 1000) & (latest(plt) > 1e5) & (latest(alt) < 3)).implies(reduced(TCZ)),
        stand_in=resume(TCZ, why="tocilizumab_laboratory_resume").implies(reduced(TCZ)),
        stand_in_words=BAND_WORDS,
        diseases=BOTH,
        basis=("L-TCZ-09", "L-TCZ-10", "L-TCZ-11"),
    ),
    Invariant(
        id="I6",
        words="Drugs with a warning of tuberculosis start after a test, and after treatment has begun where it is positive",
        formula=start("tb_risk").implies(once(measured("tb_test").known) & (~says(measured("tb_test")) | once(measured("tb_treatment_started") == 1))),
        stand_in=start("tb_risk").implies(latest(measured("tb_screen")) <= 1),
        stand_in_words="the screen that the simulation draws (0 negative, 1 positive and treatment begun, 2 positive and not treatable) stands for test and treatment",
        diseases=BOTH,
        basis=("L-TCZ-14",),
    ),
    Invariant(
        id="I7",
        words="Rituximab starts after HBsAg and anti-HBc have resulted",
        formula=start(RTX).implies(once(measured("hbsag").known) & once(measured("anti_hbc").known)),
        stand_in=start(RTX).implies(latest(measured("hbv_screen")) <= 1),
        stand_in_words="the screen that the simulation draws (0 negative, 1 past infection, 2 HBsAg positive) stands for both tests",
        diseases=BOTH,
        basis=("L-RTX-03",),
    ),
    Invariant(
        id="I8",
        words="At most one biologic or targeted drug at a time",
        formula=count_on("biologic_or_targeted") <= 1,
        diseases=BOTH,
        basis=("L-TCZ-16", "P-CVS-CMB"),
    ),
    Invariant(
        id="I9",
        words="No live vaccine on tocilizumab",
        formula=(measured("live_vaccine") == 1).implies(~on(TCZ)),
        diseases=BOTH,
        basis=("L-TCZ-17",),
    ),
    Invariant(
        id="I10",
        words="A serious infection holds every immunosuppressant until it is controlled",
        formula=condition("infection", "serious_infection").implies(count_held("immunosuppressant") == count_on("immunosuppressant")),
        diseases=BOTH,
        basis=("L-TCZ-13",),
    ),
    Invariant(
        id="I11",
        words="In SSc-ILD tocilizumab is 162 mg under the skin every 7 days",
        formula=measured("tocilizumab_mg").known.implies(
            (measured("tocilizumab_mg") == 162) & (measured("tocilizumab_subcutaneous") == 1) & (measured("tocilizumab_days") == 7)
        ),
        diseases=SSC,
        basis=("L-TCZ-03",),
    ),
    Invariant(
        id="I12",
        words="In RA an infusion of tocilizumab is at most 8 mg/kg and 800 mg",
        formula=(measured("tocilizumab_subcutaneous") == 0).implies(
            (measured("tocilizumab_mg") <= 8 * covariate("weight_kg")) & (measured("tocilizumab_mg") <= 800)
        ),
        diseases=RA,
        basis=("L-TCZ-04",),
    ),
    Invariant(
        id="I23",
        words="Nintedanib starts after liver tests, and after a negative pregnancy test where pregnancy is possible",
        formula=start(NIN).implies(once(alt.known) & (~(covariate("childbearing") == 1) | (latest(measured("pregnancy_test")) == 0))),
        diseases=SSC,
        basis=("L-NIN-03",),
    ),
    Invariant(
        id="I24",
        words="Nintedanib is at most 300 mg a day, 200 mg in Child-Pugh A, and is not given in B or C",
        formula=measured("nintedanib_daily_mg").known.implies(
            (measured("nintedanib_daily_mg") <= 300)
            & (~says(measured("child_pugh")) | (measured("nintedanib_daily_mg") <= 200))
            & ~(latest(measured("child_pugh")) >= 2)
        ),
        diseases=SSC,
        basis=("L-NIN-04", "L-NIN-05"),
    ),
    Invariant(
        id="I25",
        words="Whoever does not tolerate the reduced dose of nintedanib stops it",
        formula=(previously(reduced(NIN)) & (measured("intolerable_event") == 1)).implies(~on(NIN) | afterwards(~on(NIN))),
        diseases=SSC,
        basis=("L-NIN-04",),
    ),
    Invariant(
        id="I27",
        words="On tocilizumab blood count and liver tests come 4 to 8 weeks after the start, then at most 100 days apart",
        formula=start(TCZ).implies(eventually(anc.known & alt.known, days=(28, 56)) | eventually(~on(TCZ), days=56))
        & (on(TCZ) & anc.known).implies(eventually(anc.known & alt.known, days=(1, 100)) | eventually(~on(TCZ), days=100)),
        stand_in=start(TCZ).implies(eventually(band.known, days=(28, 56)) | eventually(~on(TCZ), days=56))
        & (on(TCZ) & band.known).implies(eventually(band.known, days=(1, 100)) | eventually(~on(TCZ), days=100)),
        stand_in_words=BAND_WORDS,
        diseases=BOTH,
        basis=("L-TCZ-18",),
    ),
    Invariant(
        id="I45",
        words="No mycophenolate, methotrexate, cyclophosphamide or nintedanib in pregnancy",
        formula=never(says(measured("pregnant")) & on("teratogen")),
        stand_in=start("teratogen").implies((covariate("childbearing") == 0) | (age >= 50)),
        stand_in_words="pregnancy is not simulated: none of these starts in a woman under 50 who may become pregnant without contraception",
        diseases=BOTH,
        basis=("L-MMF-01", "L-CYC-01", "L-NIN-03"),
    ),
)
