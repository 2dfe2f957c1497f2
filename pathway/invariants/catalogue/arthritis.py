"""Sequences of treatment in rheumatoid arthritis (I29 to I40, I49)."""

from __future__ import annotations

from pathway.invariants.atoms import Drugs
from pathway.invariants.checking import Invariant
from pathway.invariants.formula import Formula, eventually, once, throughout, until
from pathway.invariants.history import History
from pathway.invariants.number import as_of, before, days_since, latest, lowest
from pathway.invariants.predicates import (
    DEATH,
    FAILED,
    INTOLERANT,
    age,
    approved,
    chosen,
    covariate,
    decided,
    line,
    measured,
    on,
    ordered,
    reduce,
    start,
    stop,
)
from pathway.invariants.registers import BarredAtEntry, Each

RA = ("ra",)
MTX, RTX = "methotrexate", "rituximab"
TARGETED = "biologic_or_targeted"
DMARDS = ("csdmard", TARGETED)
CLASSES = ("tnf_inhibitor", "il6_inhibitor", "jak_inhibitor", "anti_cd20", "t_cell_modulator")
NOT_TOLERATED_OR_FAILED = (*FAILED, *INTOLERANT)
cdai = measured("cdai")
LOW_ACTIVITY = 10.0
"""CDAI up to which activity is low, the least target."""

adjusted: Formula = start() | stop() | reduce() | chosen() | ordered()
tnf_failed: Formula = once(stop("tnf_inhibitor", reason=NOT_TOLERATED_OR_FAILED)) | BarredAtEntry("tnf_inhibitor")


def before_and_now(measure: str) -> Formula:
    """A measure is on file from before the drug, and from the last year."""
    value = measured(measure)
    return as_of(latest(value), start(TARGETED)).known & latest(value, days=365).known


def to_another_class(one: str) -> Formula:
    """After failure of a class the next targeted drug is of another."""
    return stop(one, reason=FAILED).implies(until(~start(one), start(TARGETED, but=one)))


def classes_of(history: History) -> tuple[str, ...]:
    """Classes that these histories have a treatment of."""
    return tuple(name for name in CLASSES if history.treatments_of(name))


ARTHRITIS = (
    Invariant(
        id="I29",
        words="A first line is methotrexate, or it was tried, or it is contraindicated on file",
        formula=start(*DMARDS).implies(once(on(MTX)) | (latest(measured("methotrexate_excluded")) == 1)),
        stand_in=start(*DMARDS).implies(once(on(MTX)) | BarredAtEntry(MTX)),
        stand_in_words="only what was taken or barred at entry is on file",
        diseases=RA,
        basis=("G-RA-03",),
    ),
    Invariant(
        id="I30",
        words="A trial of methotrexate that counts as adequate was at least 15 mg a week for 90 days",
        formula=(measured("methotrexate_adequate") == 1).implies(
            throughout(on(MTX), days=90) & (days_since(start(MTX)) >= 90) & (lowest(measured("methotrexate_weekly_mg"), days=90) >= 15)
        ),
        diseases=RA,
        basis=("P-CVS-RA-I",),
    ),
    Invariant(
        id="I31",
        words="No improvement after 3 months of a line is followed by an adjustment within 30 days",
        formula=(on(*DMARDS) & (days_since(chosen()) >= 91) & (cdai >= as_of(latest(cdai), chosen()))).implies(eventually(adjusted, days=30)),
        diseases=RA,
        hardness="soft",
        basis=("G-RA-02",),
    ),
    Invariant(
        id="I32",
        words="Activity that is not low after 6 months of a line is followed by an adjustment within 30 days",
        formula=(on(*DMARDS) & (days_since(chosen()) >= 182) & (cdai > LOW_ACTIVITY)).implies(eventually(adjusted, days=30)),
        diseases=RA,
        hardness="soft",
        basis=("G-RA-02",),
    ),
    Invariant(
        id="I33",
        words="After failure of a targeted drug the next is of another class (ACR; EULAR allows any)",
        formula=Each(to_another_class, classes_of, "class", Drugs((TARGETED,))),
        diseases=RA,
        hardness="soft",
        basis=("G-RA-06", "G-RA-07"),
    ),
    Invariant(
        id="I34",
        words="A JAK inhibitor starts after a TNF inhibitor failed or was not tolerated (US label)",
        formula=start("jak_inhibitor").implies(tnf_failed),
        diseases=RA,
        basis=("L-TOF-01",),
    ),
    Invariant(
        id="I35",
        words="With a risk for JAK inhibitors one starts only where no alternative exists (EULAR)",
        formula=(
            start("jak_inhibitor")
            & (
                (age >= 65)
                | (covariate("smoker") == 1)
                | (covariate("cardiovascular_risk") == 1)
                | (covariate("malignancy") == 1)
                | (covariate("thromboembolism") == 1)
            )
        ).implies(latest(measured("no_alternative")) == 1),
        diseases=RA,
        profile="EULAR",
        basis=("G-RA-05",),
    ),
    Invariant(
        id="I36",
        words="Rituximab starts after a TNF inhibitor failed, with methotrexate, or as a documented exception",
        formula=start(RTX).implies(tnf_failed & (on(MTX) | (latest(measured("documented_exception")) == 1))),
        stand_in=start(RTX).implies(tnf_failed & on(MTX)),
        stand_in_words="exceptions are not on file",
        diseases=RA,
        basis=("L-RTX-01",),
    ),
    Invariant(
        id="I37",
        words="Courses of rituximab begin at least 112 days apart",
        formula=start(RTX).implies(~once(start(RTX), days=(1, 111.5))),
        diseases=RA,
        basis=("L-RTX-02",),
    ),
    Invariant(
        id="I38",
        words="Sustained remission leads to taper or goes on, never to a stop of all DMARDs at once",
        formula=((latest(measured("remission_months")) >= 6) & stop(*DMARDS, but_reason=(DEATH, *NOT_TOLERATED_OR_FAILED))).implies(on(*DMARDS)),
        stand_in=stop(*DMARDS, reason=("remission", "good_response")).implies(on(*DMARDS)),
        stand_in_words="stops for remission or good response",
        diseases=RA,
        basis=("G-RA-08",),
    ),
    Invariant(
        id="I39",
        words="Taper comes after glucocorticoid was stopped and the target was held for 182 days",
        formula=decided("taper").implies((latest(measured("steroid_stopped")) == 1) & (latest(measured("remission_months")) >= 6)),
        diseases=RA,
        basis=("G-RA-08",),
    ),
    Invariant(
        id="I40",
        words="Continuation is approved on an activity, pain or disability measured before the start and one of the last year",
        formula=approved(TARGETED, what="renewal").implies(
            before_and_now("cdai") | before_and_now("tjc28") | before_and_now("sjc28") | before_and_now("pain") | before_and_now("haq")
        ),
        diseases=RA,
        profile="P-CVS-RA-C",
        basis=("P-CVS-RA-C",),
    ),
    Invariant(
        id="I49",
        words="A targeted drug that follows the failure of one begins a later line",
        formula=(start(TARGETED) & once(stop(TARGETED, reason=FAILED))).implies(line > as_of(before(line), stop(TARGETED, reason=FAILED))),
        diseases=RA,
        basis=("lines",),
        but="After intolerance the line's other options come first, as I18 asks in SSc-ILD: the number of drugs rises, the line need not.",
    ),
)
