"""The life of a request: the submitted copy, what follows a denial, the bridge, approvals and their ends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pathway.draws import stream_id
from pathway.engines import ENGINES, simulate
from pathway.program import AccessSpec, Action, CandidateSpec, CodeRow, DecisionSpec, DelaySpec, DenialSpec, Op, RuleSpec
from pathway.rules import FIELD_NUMBERS
from tests import generators, tiny
from tests.histories import same_history
from tests.test_edges import NEVER, at, calm, rows, story
from tests.test_invariants import fits

HALF = DelaySpec(mean=0.5)
ALWAYS = CodeRow(op=Op.LEAF, field=FIELD_NUMBERS["constant"], at_least=1.0, label="holds for all")
SUITS_B, IN_FILE, NEVER_MET, SEEN = 1, 2, 3, 4
QUARTERS = at(np.arange(0.0, 10.0, 0.25))


def payer(**access):
    """The calm pathway under a payer; rules: suits b, something that must be in document 0, never, and something nobody sees."""
    base = tiny.two_drugs()
    extra = (replace(ALWAYS, document=0, label="in the file"), NEVER, CodeRow(op=Op.LEAF, field=FIELD_NUMBERS["unseen"], at_least=0.0, label="nobody sees it"))
    rules = tuple(RuleSpec(name=name, first=2 + k, last=3 + k) for k, name in enumerate(("in_file", "never", "seen")))
    parts = {key: access.pop(key) for key in list(access) if key in ("lines", "schedules", "decisions", "transitions", "horizon", "moves")}
    spec = AccessSpec(**{"treatments": 0b11, "stream": 3, "document_stream": 4, **access})
    return calm(code=(*base.code, *extra), rules=(*base.rules, *rules), access=spec, **{"schedules": QUARTERS, **parts})


def told_kinds(frame):
    return list(rows(frame, "order", "request", "inform", "approve", "deny", "appeal", "uphold", "withdraw", "start", "expire")["kind"].astype(str))


# --- documents ----------------------------------------------------------------------------------------------------


def test_a_missing_document_is_asked_for_and_its_absence_is_no_denial_on_the_merits(engine):
    told = story(payer(start_rules=(IN_FILE, IN_FILE), documents=(0.0,), completes=0.0, information=HALF), engine)
    assert told_kinds(told)[:4] == ["order", "request", "inform", "deny"]
    assert rows(told, "inform").iloc[0]["detail"] == "in the file"
    denial = rows(told, "deny").iloc[0]
    assert denial["detail"] == "insufficient_documentation"
    assert denial["time"] == pytest.approx(0.5)


def test_a_document_sent_when_asked_for_leads_to_approval(engine):
    told = story(payer(start_rules=(IN_FILE, IN_FILE), documents=(0.0,), completes=1.0, information=HALF), engine)
    assert told_kinds(told) == ["order", "request", "inform", "approve", "start"]
    assert rows(told, "start").iloc[0]["time"] == pytest.approx(0.5)


def test_what_nobody_sees_is_denied_for_documents_whatever_is_sent(engine):
    told = story(payer(start_rules=(SEEN, SEEN), documents=(1.0,)), engine)
    assert rows(told, "start").empty
    assert set(rows(told, "deny")["detail"]) == {"insufficient_documentation"}


def test_a_known_failure_is_denied_at_once_though_documents_are_missing(engine):
    """All of (in the file, never): the file is not asked for, since nothing in it could help."""
    program = payer(documents=(0.0,))
    code = (*program.code, CodeRow(op=Op.ALL, count=2))
    rule = RuleSpec(name="both", first=2, last=4)
    program = replace(program, code=(*code[:4], CodeRow(op=Op.ALL, count=2), *code[4:]), rules=(*program.rules[:2], replace(rule, last=5)))
    program = replace(program, access=replace(program.access, start_rules=(2, 2)))
    told = story(program, engine)
    assert rows(told, "inform").empty
    assert rows(told, "deny").iloc[0]["detail"] == NEVER.label


def test_the_payer_judges_the_record_as_of_submission(engine):
    """b suits only while the marker is measured at 70 or more; it falls below between submission and decision."""
    base = tiny.two_drugs()
    code = (*base.code, CodeRow(op=Op.LEAF, field=FIELD_NUMBERS["latest"], of=0, at_least=70.0, label="m >= 70"))
    parts = {"code": code, "rules": (*base.rules, RuleSpec(name="high", first=2, last=3)), "schedules": QUARTERS, "lines": ((CandidateSpec(regimen=1),), ())}
    late = calm(access=AccessSpec(treatments=1, start_rules=(2, -1), decision=DelaySpec(mean=3.0)), **parts)
    assert not rows(story(late, engine), "start").empty
    sent_late = calm(access=AccessSpec(treatments=1, start_rules=(2, -1), submission=DelaySpec(mean=3.0)), **parts)
    told = story(sent_late, engine)
    assert rows(told, "start").empty
    assert rows(told, "deny").iloc[0]["detail"] == "m >= 70"


def test_documents_are_drawn_for_each_request(engine):
    """Half of the submissions hold the document."""
    program = payer(start_rules=(IN_FILE, -1), documents=(0.5,), completes=0.0, lines=((CandidateSpec(regimen=1),), ()))
    frame = simulate(program, tiny.drug_people(600), 5, engine=engine).frame()
    share = (frame["kind"] == "approve").sum() / 600
    assert abs(share - 0.5) < 3.0 * np.sqrt(0.25 / 600)


# --- who must pass ------------------------------------------------------------------------------------------------


def test_every_treatment_that_starts_must_pass_its_own_rule(engine):
    both = ((CandidateSpec(regimen=0b11), CandidateSpec(regimen=0b01)), ())
    told = story(payer(start_rules=(-1, NEVER_MET), lines=both), engine)
    assert rows(told, "deny").iloc[0]["detail"] == NEVER.label
    assert list(rows(told, "start")["name"]) == ["a"]
    unasked = story(payer(start_rules=(-1, NEVER_MET), treatments=0b01, lines=both), engine)
    assert list(rows(unasked, "start")["name"]) == ["a", "b"], "b needs no authorisation, so its rule is not asked"


def test_rules_see_what_is_asked_for_with_it(engine):
    """A rule that b is not asked for: a alone passes, a with b does not."""
    base = payer()
    alone = CodeRow(op=Op.LEAF, field=FIELD_NUMBERS["asked"], of=1, below=1.0, label="not with b")
    both = ((CandidateSpec(regimen=0b11), CandidateSpec(regimen=0b01)), ())
    program = replace(
        base,
        code=(*base.code, alone),
        rules=(*base.rules, RuleSpec(name="alone", first=5, last=6)),
        lines=both,
        access=replace(base.access, start_rules=(5, -1)),
        names=(*base.names, "not with b"),
    )
    program = replace(program, name_ids={name: number for number, name in enumerate(program.names)})
    told = story(program, engine)
    assert rows(told, "deny")["detail"].tolist() == ["not with b"]
    assert rows(told, "start")["name"].tolist() == ["a"]


def test_what_needs_no_authorisation_waits_for_its_supply_only(engine):
    slow = (DelaySpec(), DelaySpec(mean=0.25))
    told = story(payer(treatments=0b01, decision=HALF, supplies=slow, lines=((CandidateSpec(regimen=0b10),), ())), engine)
    assert told_kinds(told) == ["order", "start"]
    assert rows(told, "start").iloc[0]["time"] == pytest.approx(0.25)


def test_a_patient_without_a_request_is_moved_by_no_payer(engine):
    cohort = tiny.drug_people(40)
    never_asks = AccessSpec(treatments=0, decision=HALF, appeal=HALF, residual_merits=0.5, abandonment=0.5, documents=(0.3,), stream=3, document_stream=4)
    free = tiny.two_drugs(access=AccessSpec(treatments=0))
    assert same_history(simulate(free, cohort, 8, engine=engine), simulate(replace(free, access=never_asks), cohort, 8, engine=engine))


# --- after a denial -----------------------------------------------------------------------------------------------


def test_a_resubmission_is_a_request_of_its_own_and_comes_once(engine):
    told = story(
        payer(start_rules=(NEVER_MET, -1), denials=(DenialSpec(resubmission=1.0),) * 3, submission=HALF, lines=((CandidateSpec(regimen=1),), ())), engine
    )
    assert told_kinds(told) == ["order", "request", "deny", "request", "deny"]
    assert told.iloc[-1]["state"] == "supportive_care"


def test_each_kind_of_denial_has_its_own_way_on(engine):
    only_documents = (DenialSpec(), DenialSpec(), DenialSpec(appeal=1.0, appeal_success=1.0))
    one_line = ((CandidateSpec(regimen=1),), ())
    lacking = story(payer(start_rules=(SEEN, -1), denials=only_documents, lines=one_line), engine)
    failing = story(payer(start_rules=(NEVER_MET, -1), denials=only_documents, lines=one_line), engine)
    assert rows(lacking, "approve").iloc[0]["detail"] == "appeal"
    assert rows(failing, "approve").empty


def test_a_lost_call_leads_to_the_appeal_and_a_lost_appeal_to_the_next_candidate(engine):
    lost = DenialSpec(peer_to_peer=1.0, appeal=1.0)
    told = story(payer(start_rules=(NEVER_MET, -1), denials=(lost,) * 3), engine)
    assert told_kinds(told) == ["request", "deny", "appeal", "uphold", "appeal", "uphold", "request", "approve", "start"]
    assert list(rows(told, "uphold")["name"]) == ["peer_to_peer", "appeal"]
    assert list(rows(told, "start")["name"]) == ["b"]


def test_a_denied_order_may_be_given_up_and_the_next_candidate_follows(engine):
    told = story(payer(start_rules=(NEVER_MET, -1), abandonment=1.0, denials=(DenialSpec(appeal=1.0, appeal_success=1.0),) * 3), engine)
    assert rows(told, "withdraw").iloc[0]["detail"] == "abandoned"
    assert rows(told, "appeal").empty
    assert list(rows(told, "start")["name"]) == ["b"]


# --- the bridge ---------------------------------------------------------------------------------------------------

ADD_B = {
    "lines": ((CandidateSpec(regimen=1),), (CandidateSpec(regimen=2),)),
    "decisions": (DecisionSpec(name="go", rule=1, sources=tiny.TREATED, action=Action.NEXT_LINE, reason="progression"),),
    "schedules": at([0.0, 1.0]),
}


@pytest.mark.parametrize(("bridge", "regimen"), [(-1, "a"), (0, "none")])
def test_the_bridge_is_what_is_taken_or_nothing(engine, bridge, regimen):
    told = story(payer(treatments=0b10, decision=HALF, bridge=bridge, **ADD_B), engine)
    waiting = told[(told["time"] >= 1.0) & (told["time"] < 1.5)]
    assert waiting.iloc[-1]["regimen"] == regimen
    assert told[told["time"] == 1.5].iloc[-1]["regimen"] == "b"
    assert rows(told, "stop").iloc[0]["detail"] == "progression"


def test_a_named_bridge_starts_with_the_wait_and_stops_without_blame(engine):
    program = payer(treatments=0b10, decision=HALF, bridge=0b01, lines=((CandidateSpec(regimen=2), CandidateSpec(regimen=1)), ()))
    told = story(program, engine)
    assert [(row.name, row.time) for row in rows(told, "start").itertuples()] == [("a", 0.0), ("b", 0.5)]
    stop = rows(told, "stop").iloc[0]
    assert (stop["name"], stop["detail"]) == ("a", "bridge")


def test_a_bridge_that_becomes_the_next_candidate_goes_on_without_a_break(engine):
    program = payer(treatments=0b10, start_rules=(-1, NEVER_MET), decision=HALF, bridge=0b01, lines=((CandidateSpec(regimen=2), CandidateSpec(regimen=1)), ()))
    told = story(program, engine)
    assert list(rows(told, "start")["name"]) == ["a"]
    assert rows(told, "stop").empty
    assert told.iloc[-1]["line"] == 1


def test_nobody_bridges_who_does_not_wait(engine):
    told = story(payer(treatments=0b10, bridge=0b01, lines=((CandidateSpec(regimen=2),), ())), engine)
    assert list(rows(told, "start")["name"]) == ["b"]


# --- approvals ----------------------------------------------------------------------------------------------------


def test_a_course_goes_on_for_the_grace_after_its_approval(engine):
    program = payer(treatments=1, renewal_rules=(NEVER_MET, -1), approval_lasts=1.0, renewal_lead=0.25, grace=0.1)
    told = story(program, engine)
    assert rows(told, "request")["name"].tolist()[:2] == ["start", "renewal"]
    assert rows(told, "request").iloc[1]["time"] == pytest.approx(0.75)
    assert rows(told, "expire").iloc[0]["time"] == pytest.approx(1.1)
    assert (rows(told, "deny")["name"] == "renewal").sum() == 1, "a denied renewal is not filed again"


def test_renewals_last_as_long_as_they_say(engine):
    told = story(payer(treatments=1, approval_lasts=0.5, renewal_lasts=2.0, lines=((CandidateSpec(regimen=1),), ())), engine)
    renewals = rows(told, "request")
    assert renewals[renewals["name"] == "renewal"]["time"].round(6).tolist() == [0.5, 2.5, 4.5, 6.5, 8.5]


def test_a_renewal_that_falls_due_while_another_is_open_keeps_its_approval(engine):
    """The renewal of a takes two years, that of b is filed when it is decided, and neither course breaks."""
    program = payer(
        approval_lasts=1.0,
        renewal_lasts=50.0,
        lines=((CandidateSpec(regimen=0b11),), ()),
        renewal_rules=(SEEN, SEEN),
        information=DelaySpec(mean=2.0),
        denials=(DenialSpec(), DenialSpec(), DenialSpec(appeal=1.0, appeal_success=1.0)),
    )
    told = story(program, engine)
    assert rows(told, "stop", "expire").empty
    asked = rows(told, "request")
    assert asked[asked["name"] == "renewal"]["time"].round(6).tolist() == [1.0, 3.0]


def test_a_renewal_falls_due_during_the_appeal_of_a_start(engine):
    """Start of b is appealed from 1.0 to 3.0; the renewal of a is filed, decided and approved meanwhile."""
    parts = {**ADD_B, "lines": ((CandidateSpec(regimen=1),), (CandidateSpec(regimen=0b11),))}
    program = payer(
        start_rules=(-1, NEVER_MET), appeal=DelaySpec(mean=2.0), denials=(DenialSpec(appeal=1.0, appeal_success=1.0),) * 3, approval_lasts=1.5, **parts
    )
    told = story(program, engine)
    named = [(row.kind, row.name, round(row.time, 6)) for row in rows(told, "request", "approve").itertuples()]
    assert ("approve", "renewal", 1.5) in named
    assert ("approve", "start", 3.0) in named
    assert rows(told, "start").iloc[1]["name"] == "b"
    assert rows(told, "stop").empty


def test_a_hold_stops_doses_and_not_the_approval(engine):
    ill = tiny.hazard("infect", 0.9, tiny.ALIVE, forbids_condition=True, condition=0)
    told = story(payer(treatments=1, transitions=(ill,), approval_lasts=1.0, lines=((CandidateSpec(regimen=1),), ())), engine)
    assert not rows(told, "hold").empty
    assert rows(told, "stop", "expire").empty


def test_a_stop_on_the_first_day_closes_the_renewal_with_a_row(engine):
    """The renewal is filed with the start (lead longer than the approval) and pending when the course stops at once."""
    stop = tiny.hazard("stop_a", 1e300, tiny.TREATED, treatment=0, stops=1, reason="intolerance")
    program = payer(
        treatments=1, submission=DelaySpec(), decision=HALF, approval_lasts=0.5, renewal_lead=5.0, transitions=(stop,), lines=((CandidateSpec(regimen=1),), ())
    )
    told = story(program, engine)
    assert rows(told, "start").iloc[0]["time"] == rows(told, "stop").iloc[0]["time"]
    assert rows(told, "expire").empty
    open_renewals = (rows(told, "request")["name"] == "renewal").sum() - (rows(told, "withdraw")["name"] == "renewal").sum()
    assert open_renewals == 0


def test_what_stops_while_an_order_waits_is_not_started_again_unasked(engine):
    """b is ordered beside a, which is stopped by choice before b is there: a's approval went with it, so the order is void."""
    add = DecisionSpec(name="add", rule=SUITS_B, sources=0b10, action=Action.NEXT_LINE, reason="progression")
    program = payer(
        treatments=1, supplies=(DelaySpec(), DelaySpec(mean=1.0)), decisions=(add,), lines=((CandidateSpec(regimen=1),), (CandidateSpec(regimen=0b11),)),
        transitions=(tiny.hazard("stop_a", 2.0, tiny.TREATED, treatment=0, stops=1, reason="choice"),),
    )  # fmt: skip
    frame = simulate(program, tiny.drug_people(60), 4, engine=engine).frame()
    void = frame[(frame["kind"] == "withdraw") & (frame["detail"] == "superseded")]
    assert len(void) > 10
    for _, life in frame.groupby("patient"):
        approved = (life["kind"] == "approve").sum()
        assert ((life["kind"] == "start") & (life["name"] == "a")).sum() <= approved


# --- properties ---------------------------------------------------------------------------------------------------

REQUEST_ROWS = ["order", "request", "inform", "approve", "deny", "appeal", "uphold"]


@given(generators.programs(), generators.cohorts(), st.sampled_from(sorted(ENGINES)), st.integers(0, 2**40))
@settings(max_examples=60)
def test_zero_delay_and_certain_approval_equal_no_requests(program, cohort, engine, seed):
    """Event by event, in any pathway, but for the rows of requests."""
    cohort = fits(program, cohort)
    old = program.access
    streams = {"stream": stream_id("request"), "document_stream": stream_id("request:documents")}
    approvals = {"approval_lasts": old.approval_lasts, "renewal_lasts": 0.5, "renewal_lead": old.renewal_lead, "grace": old.grace}
    certain = AccessSpec(treatments=old.treatments, **approvals, **streams)
    frames, paths = [], []
    for access in (certain, AccessSpec(treatments=0)):
        log = simulate(replace(program, access=access), cohort, seed, engine=engine)
        frame = log.frame()
        # A request that a stop makes void at its own moment is the only row of closing.
        kept = frame[~frame["kind"].isin([*REQUEST_ROWS, "withdraw"])].reset_index(drop=True)
        frames.append(kept.astype(dict.fromkeys(("kind", "name", "detail", "state", "regimen"), str)))
        paths.append(log.path_frame())
    assert frames[0].equals(frames[1])
    assert paths[0].equals(paths[1])


@given(generators.programs(), generators.cohorts(), st.sampled_from(sorted(ENGINES)), st.integers(0, 2**40))
@settings(max_examples=40)
def test_certain_denial_without_appeal_means_never_used(program, cohort, engine, seed):
    cohort = fits(program, replace(cohort, regimen=np.zeros(cohort.size, dtype=np.int64), line=np.zeros(cohort.size, dtype=np.int64)))
    denied = AccessSpec(treatments=program.access.treatments, residual_merits=1.0, stream=stream_id("request"), document_stream=stream_id("request:documents"))
    frame = simulate(replace(program, access=denied), cohort, seed, engine=engine).frame()
    started = set(frame[frame["kind"] == "start"]["name"].astype(str))
    assert not started & {name for bit, name in enumerate(program.treatments) if denied.treatments >> bit & 1}
