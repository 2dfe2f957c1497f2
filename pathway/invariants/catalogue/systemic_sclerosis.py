"""Sequences of treatment in SSc-ILD (I13, I15 to I22, I26, I28, I50); I17 is of every disease."""

from __future__ import annotations

from pathway.invariants.checking import Invariant
from pathway.invariants.formula import Formula, at_least, eventually, if_carried, never, once, previously, until
from pathway.invariants.number import Number, before, highest, latest, lowest
from pathway.invariants.predicates import (
    BY_DISPUTE,
    DEATH,
    FAILED,
    INTOLERANT,
    STATED,
    age,
    approved,
    chosen,
    covariate,
    decided,
    examined,
    falls_ill,
    jumped,
    line,
    measured,
    on,
    ordered,
    start,
    state,
    stop,
    truly,
    years,
)
from pathway.invariants.registers import BarredAtEntry, each

SSC = ("ssc_ild",)
BOTH = ("ssc_ild", "ra")
FIRST_LINE = ("mycophenolate", "cyclophosphamide", "rituximab")
fvc = measured("fvc")
any_first_line_contraindicated = covariate("childbearing") == 1


def steady(value: Number) -> Formula:
    """It moves by at most 25 points within a quarter without an acute event."""
    explained = jumped("fvc") | falls_ill() | if_carried(measured("equation_set_changed") == 1)
    return never((highest(value, days=92) - value > 25) | (value - lowest(value, days=92) > 25)) | once(explained, days=92)


SYSTEMIC_SCLEROSIS = (
    Invariant(
        id="I13",
        words="A first line starts after FVC, DLCO and HRCT were looked at",
        formula=(start() & (line == 1)).implies(once(examined("fvc")) & once(examined("dlco")) & once(examined("hrct"))),
        stand_in=(start() & (line == 1)).implies(once(examined("fvc")) & once(examined("dlco")) & once(examined("hrct_progression"))),
        stand_in_words="the yearly CT finding stands for a CT that was read",
        diseases=SSC,
        basis=("X-09",),
        but="An emergency start (none is simulated). A spirometry without a usable value counts as done.",
    ),
    Invariant(
        id="I15",
        words="Under the seed rule tocilizumab is approved after failure of a first-line drug, or in early inflammatory disease that cannot take one",
        formula=approved("tocilizumab", what="start", but_by=BY_DISPUTE).implies(
            once(stop(*FIRST_LINE, reason=FAILED))
            | BarredAtEntry(*FIRST_LINE)
            | ((covariate("inflammatory") == 1) & (once(stop(*FIRST_LINE, reason=INTOLERANT)) | any_first_line_contraindicated))
        ),
        diseases=SSC,
        profile="P-SEED-SSC",
        basis=("P-SEED-SSC",),
        but="A denial that was overturned by call or appeal is no approval by rule.",
    ),
    Invariant(
        id="I16",
        words="Under the rule of CVS tocilizumab is approved for adults whose CT confirms ILD",
        formula=approved("tocilizumab", what="start").implies((age >= 18) & (latest(measured("hrct_confirms_ild")) == 1)),
        stand_in=approved("tocilizumab", what="start").implies(age >= 18),
        stand_in_words="that a CT confirms ILD is true of every simulated patient",
        diseases=SSC,
        profile="P-CVS-SSC",
        basis=("P-CVS-SSC",),
        but="It does not imply an earlier therapy: the test of this invariant shows approvals without one.",
    ),
    Invariant(
        id="I17",
        words="A later line begins after a stop with a stated reason, or adds to what goes on",
        formula=((line > before(line)) & (before(line) >= 1)).implies(
            once(stop(reason=STATED, but_reason=DEATH)) | (previously(on()) & each(lambda drug: previously(on(drug)).implies(on(drug))))
        ),
        diseases=BOTH,
        basis=("S-001", "G-ACR-06"),
    ),
    Invariant(
        id="I18",
        words="Intolerance of a first line without progression leads to another option of SSc-ILD and is not counted as progression",
        formula=(previously(line == 1) & stop("ssc_agent", reason=INTOLERANT) & ~decided("progression")).implies(
            ~chosen("progression") & ~ordered("progression") & until(~start(but="ssc_agent"), start("ssc_agent") | decided("progression"))
        ),
        diseases=SSC,
        basis=("G-ACR-07",),
    ),
    Invariant(
        id="I19",
        words="Progression is followed within 90 days by a switch, an addition or a documented decision",
        formula=decided("progression").implies(eventually(chosen() | ordered() | start() | stop(), days=90)),
        diseases=SSC,
        basis=("G-ACR-06",),
    ),
    Invariant(
        id="I20",
        words="At most 15 mg of prednisone a day, and none for ILD as a first line",
        formula=never(measured("prednisone_mg") > 15) & never((measured("steroid_for_ild") == 1) & (line <= 1)),
        stand_in=never(measured("prednisone_band") >= 3),
        stand_in_words="the band of prednisone at entry (3: above 15 mg a day) stands for the dose; what it was given for is not recorded",
        diseases=SSC,
        hardness="soft",
        basis=("G-ATS-02", "G-ACR-04"),
    ),
    Invariant(
        id="I21",
        words="Cyclophosphamide is not combined with mycophenolate, rituximab, tocilizumab or azathioprine",
        formula=on("cyclophosphamide").implies(~on("mycophenolate", "rituximab", "tocilizumab", "azathioprine")),
        diseases=SSC,
        basis=("G-ACR-07",),
    ),
    Invariant(
        id="I22",
        words="Nintedanib is not started with mycophenolate as a first line (ACR against, ATS and EULAR allow)",
        formula=(start("nintedanib") & (line == 1)).implies(~on("mycophenolate")),
        diseases=SSC,
        hardness="soft",
        basis=("G-ACR-04", "K10"),
    ),
    Invariant(
        id="I26",
        words="In the first year pulmonary function is looked at again within 183 days",
        formula=(examined("fvc") & (years <= 1)).implies(eventually(examined("fvc"), days=(1, 183)) | eventually(state("transplanted"), days=183)),
        diseases=SSC,
        basis=("G-ACR-09",),
        but="After a transplant this clinic no longer looks.",
    ),
    Invariant(
        id="I28",
        words="Progressive pulmonary fibrosis rests on at least two of symptoms, physiology and CT within 365 days, and is not IPF",
        formula=(measured("ppf") == 1).implies(
            at_least(
                2,
                latest(measured("symptoms_worse"), days=365) == 1,
                (highest(fvc, days=365) - latest(fvc, days=365) >= 5) | (latest(measured("dlco_worse"), days=365) == 1),
                latest(measured("hrct_progression"), days=365) == 1,
            )
            & ~(latest(measured("ipf")) == 1)
        ),
        diseases=BOTH,
        basis=("G-PPF-01",),
    ),
    Invariant(
        id="I50",
        words="True FVC changes by at most 25 points within a quarter, unless an acute event or a change of equations explains it",
        formula=steady(truly("fvc")),
        diseases=SSC,
        hardness="soft",
        but="Soft: the steps of true FVC are heavy-tailed but end at 4.2 standard deviations; none of 2,000 histories makes such a step.",
        basis=("assumption",),
    ),
    Invariant(
        id="I50_record",
        words="FVC as measured changes by at most 25 points within a quarter, unless an acute event or a change of equations explains it",
        formula=steady(fvc),
        diseases=SSC,
        hardness="soft",
        basis=("assumption",),
        but="Soft: one reading errs by up to 4.2 standard deviations (20 points in routine), so two in a quarter may differ by more than 25: about one patient in twenty meets it in a lifetime.",
    ),
)
