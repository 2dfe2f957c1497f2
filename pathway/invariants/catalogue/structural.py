"""What holds in every history of every pathway, whatever the disease."""

from __future__ import annotations

from pathway.invariants.checking import Invariant
from pathway.invariants.formula import eventually, never, once, previously, since
from pathway.invariants.number import before
from pathway.invariants.predicates import (
    FAILED,
    INTOLERANT,
    alive,
    approved,
    censored,
    condition,
    denied,
    ended,
    expired,
    falls_ill,
    held,
    hold,
    informed,
    line,
    moved,
    on,
    pending,
    recovers,
    reduce,
    requested,
    resume,
    start,
    stop,
    withdrawn,
    years,
)
from pathway.invariants.registers import (
    BarredAtEntry,
    Each,
    TakesOver,
    each,
    entered,
    in_dispute,
    line_of_state,
    needing_authorisation,
    retreated,
    state_number,
)

BARRING = (*FAILED, *INTOLERANT)

time_never_falls = Invariant(
    id="time_never_falls",
    words="Time never falls",
    formula=never(years < before(years)),
    grain="row",
)

absorbing_is_final = Invariant(
    id="absorbing_is_final",
    words="Nothing happens after an absorbing state was reached",
    formula=never(previously(~alive)),
    grain="row",
    basis=("I47",),
)

histories_end = Invariant(
    id="histories_end",
    words="A history ends in an absorbing state, or is censored there and nowhere before",
    formula=ended.implies(~alive | censored) & censored.implies(ended),
    grain="row",
)

state_moves = Invariant(
    id="state_moves",
    words="The state changes only by a move, one at a time",
    formula=(state_number != before(state_number)).implies(moved()),
    grain="row",
    basis=("I47",),
)

one_line = Invariant(
    id="I47",
    words="Exactly one line at a time, that of the state; its number never falls, but on declared re-treatment",
    basis=("FSM",),
    formula=line_of_state.known.implies(line_of_state == line) & (line < before(line)).implies(retreated),
)

courses_alternate = Invariant(
    id="courses_alternate",
    words="Starts and stops of a drug alternate, and it is on from the one to the other",
    formula=each(lambda drug: start(drug).implies(on(drug) & ~previously(on(drug))))
    & each(lambda drug: stop(drug).implies(previously(on(drug)) & ~on(drug)))
    & each(lambda drug: (on(drug) & ~previously(on(drug))).implies(start(drug) | entered))
    & each(lambda drug: (~on(drug) & previously(on(drug))).implies(stop(drug))),
    grain="row",
)

doses_of_courses = Invariant(
    id="doses_of_courses",
    words="Doses are held, resumed or reduced only of a drug that is on; what is resumed was held",
    formula=each(lambda drug: (hold(drug) | reduce(drug)).implies(on(drug))) & each(lambda drug: resume(drug).implies(on(drug) & previously(held(drug)))),
    grain="row",
)

barred_stays_barred = Invariant(
    id="barred_stays_barred",
    words="A drug that failed, was not tolerated or was contraindicated is never started again",
    formula=each(lambda drug: start(drug).implies(~once(stop(drug, reason=BARRING)) & ~BarredAtEntry(drug))),
    grain="row",
    basis=("P-SEED-SSC",),
)

one_condition = Invariant(
    id="one_condition",
    words="One acute condition at a time; what ends had begun",
    formula=falls_ill().implies(~previously(condition())) & recovers().implies(previously(condition())),
    grain="row",
)

one_request = Invariant(
    id="one_request",
    words="At most one start request and one renewal await an answer",
    formula=requested(what="start").implies(~previously(pending("start"))) & requested(what="renewal").implies(~previously(pending("renewal"))),
    grain="row",
    basis=("I46",),
)

answers_have_requests = Invariant(
    id="answers_have_requests",
    words="What is answered was asked for: information and denial while a request awaits its answer, approval then or after a dispute",
    formula=(denied(what="start") | informed(what="start")).implies(previously(pending("start")))
    & (denied(what="renewal") | informed(what="renewal")).implies(previously(pending("renewal")))
    & approved(what="start").implies(previously(pending("start") | in_dispute("start")))
    & approved(what="renewal").implies(previously(pending("renewal") | in_dispute("renewal"))),
    grain="row",
    basis=("I41",),
)

requests_close = Invariant(
    id="requests_close",
    words="Every request is answered or withdrawn in the end; only the horizon may leave one open",
    formula=requested(what="start").implies(eventually(approved(what="start") | denied(what="start") | withdrawn(what="start")))
    & requested(what="renewal").implies(eventually(approved(what="renewal") | denied(what="renewal") | withdrawn(what="renewal"))),
    grain="row",
    basis=("I46",),
)

approval_before_start = Invariant(
    id="approval_before_start",
    words="A drug that needs authorisation starts only after an approval given since its last start",
    formula=Each(
        lambda drug: start(drug).implies(previously(since(~start(drug), approved(drug, what="start"))) | TakesOver(drug)),
        needing_authorisation,
        "drug that needs authorisation",
    ),
    grain="row",
    basis=("I46",),
    but="What bridges a wait may start unasked; what replaces another drug on the same line keeps its approval.",
)

nothing_after_expiry = Invariant(
    id="nothing_after_expiry",
    words="A drug whose approval ran out stops at once",
    formula=each(lambda drug: expired(drug).implies(~on(drug))),
    basis=("I44",),
)

STRUCTURAL = (
    time_never_falls,
    absorbing_is_final,
    histories_end,
    state_moves,
    one_line,
    courses_alternate,
    doses_of_courses,
    barred_stays_barred,
    one_condition,
    one_request,
    answers_have_requests,
    requests_close,
    approval_before_start,
    nothing_after_expiry,
)
