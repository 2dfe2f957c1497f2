"""What can be said of one moment of a history: the words from which formulas are made.

=================================== ==========================================================================================
what lasts                          holds after the moment and until it changes
=================================== ==========================================================================================
``on("mmf")``                       a course is open: of any of the drugs or classes named, ``but`` those left out
``held``, ``reduced``               doses of it are held; are reduced
``count_on``, ``count_held``        how many of them
``state``, ``alive``, ``line``      place in the pathway; not absorbing; the number of the line
``condition``, ``flag``             an acute condition is present; a flag is set
``pending("start")``                a request of this kind is open (``"renewal"``, or both when nothing is named)
``covariate("age")``                known at entry
``age``                             years of age now
=================================== ==========================================================================================

=================================== ==========================================================================================
what happens                        holds at its moment only
=================================== ==========================================================================================
``start``, ``stop``                 a course begins; ends, for one of the reasons named (death ends courses too: ``DEATH``)
``hold``, ``resume``, ``reduce``    of doses
``restore``                         a reduced dose is full again
``measured("fvc")``                 a *number*: what a visit measured or found, NaN at other moments; ``.known``: it has a value
``examined("fvc")``                 it was looked for, with or without a usable value
``visit``, ``decided``              a visit of a schedule; a decision was taken (``suspected``: awaits its confirmation)
``chosen``, ``ordered``             a line began or changed its regimen; a regimen was ordered that has to wait
``requested``, ``approved`` ...     the life of a request, of ``start`` or ``renewal``, for a drug if one is named
``falls_ill``, ``recovers``         of a condition
``moved``, ``ended``                the state changed, through what; the last moment of the history
=================================== ==========================================================================================

This module must not know a disease or a drug.
"""

from __future__ import annotations

from pathway.eventlog import Kind
from pathway.invariants.atoms import (
    ANY_REASON,
    Alive,
    Answered,
    Clock,
    Covariate,
    Decision,
    DrugEvent,
    Drugs,
    Ended,
    Event,
    InState,
    IsOn,
    Lasting,
    LineNumber,
    Measured,
    Register,
    Words,
)
from pathway.invariants.formula import Formula
from pathway.invariants.number import Number
from pathway.program import FAILURES, UNSAFE

STATED = ANY_REASON
"""In place of a reason: any, but not none."""
FAILED = FAILURES
"""Reasons of stopping that say: it did not work."""
INTOLERANT = ("intolerance", *UNSAFE)
"""Reasons of stopping that say: it cannot be taken."""
DEATH = "death"
BY_DISPUTE = ("peer_to_peer", "appeal")
"""Approvals that overturned a denial."""
WORDS_OF_REQUESTS = ("start", "renewal")


# --- the words: what lasts ----------------------------------------------------------------------------------------


def on(*drugs: str, but: str | Words = ()) -> Formula:
    """A course of any of these drugs or classes is open."""
    return IsOn("on", Drugs(drugs, but))


def held(*drugs: str) -> Formula:
    """Doses of any of these are held."""
    return IsOn("held", Drugs(drugs))


def reduced(*drugs: str) -> Formula:
    """The dose of any of these was reduced in the present course."""
    return IsOn("reduced", Drugs(drugs))


def count_on(*drugs: str, but: str | Words = ()) -> Number:
    """How many of these drugs are on."""
    return Register("on", Drugs(drugs, but))


def count_held(*drugs: str) -> Number:
    """Of how many of these drugs doses are held."""
    return Register("held", Drugs(drugs))


def state(*names: str) -> Formula:
    """The patient is in one of these states."""
    return InState(names)


def condition(*names: str) -> Formula:
    """One of these acute conditions is present."""
    return Lasting("condition", Kind.CONDITION, (Kind.RECOVER,), names)


def flag(*names: str, at_entry: bool = False) -> Formula:
    """One of these flags is set; ``at_entry``: or the covariate of that name is 1."""
    return Lasting("flag", Kind.FLAG, (Kind.CLEAR,), names, at_entry=at_entry)


def pending(*what: str) -> Formula:
    """A request is open and was neither answered nor withdrawn: of ``start``, of ``renewal``, or of any."""
    return Lasting("pending", Kind.REQUEST, (Kind.APPROVE, Kind.DENY, Kind.WITHDRAW), what or WORDS_OF_REQUESTS)


def covariate(name: str) -> Number:
    """What is known of the patient at entry."""
    return Covariate(name)


alive: Formula = Alive()
line: Number = LineNumber()
age: Number = Clock(of_age=True)
years: Number = Clock(of_age=False)
ended: Formula = Ended()
censored: Formula = Event("censored", (Kind.END,))


# --- the words: what happens --------------------------------------------------------------------------------------


def start(*drugs: str, but: str | Words = ()) -> Formula:
    """A course of any of these begins."""
    return DrugEvent("start", Kind.START, Drugs(drugs, but))


def stop(*drugs: str, reason: str | Words = (), but: str | Words = (), but_reason: str | Words = ()) -> Formula:
    """A course of any of these ends, for one of the reasons (none named: any, death included; ``STATED``: any that is documented)."""
    return DrugEvent("stop", Kind.STOP, Drugs(drugs, but), _words(reason), _words(but_reason))


def hold(*drugs: str, why: str | Words = ()) -> Formula:
    """Doses of any of these begin to be held."""
    return DrugEvent("hold", Kind.HOLD, Drugs(drugs), _words(why))


def resume(*drugs: str, why: str | Words = ()) -> Formula:
    """Doses of any of these go on."""
    return DrugEvent("resume", Kind.RESUME, Drugs(drugs), _words(why))


def reduce(*drugs: str) -> Formula:
    """The dose of any of these is reduced."""
    return DrugEvent("reduce", Kind.REDUCE, Drugs(drugs))


def restore(*drugs: str) -> Formula:
    """A reduced dose of any of these is full again."""
    return DrugEvent("restore", Kind.RESTORE, Drugs(drugs))


def measured(name: str) -> Number:
    """What was measured of a marker or recorded of a finding at this moment."""
    return Measured(name)


def truly(name: str) -> Number:
    """The true value of a marker where it was measured, which no rule may see."""
    return Measured(name, true=True)


def examined(*names: str) -> Formula:
    """One of these markers or findings was looked for, with or without a usable value."""
    return Event("examined", (Kind.MEASURE, Kind.FINDING), names, needs=names)


def visit(*names: str) -> Formula:
    """A visit of one of these schedules."""
    return Event("visit", (Kind.VISIT,), names, needs=names)


def decided(name: str) -> Formula:
    """A decision was taken."""
    return Decision(name, is_taken=True)


def suspected(name: str) -> Formula:
    """A decision was found due and awaits its confirmation."""
    return Decision(name, is_taken=False)


def chosen(*triggers: str) -> Formula:
    """A line of therapy began or changed its regimen, for one of these triggers."""
    return Event("chosen", (Kind.LINE,), triggers)


def ordered(*triggers: str) -> Formula:
    """A regimen was ordered that cannot start at once."""
    return Event("ordered", (Kind.ORDER,), triggers)


def requested(*drugs: str, what: str | Words = WORDS_OF_REQUESTS) -> Formula:
    """Authorisation was asked for."""
    return Answered("requested", Kind.REQUEST, Drugs(drugs), _words(what))


def informed(*drugs: str, what: str | Words = WORDS_OF_REQUESTS) -> Formula:
    """The payer asked for more documents."""
    return Answered("informed", Kind.INFORM, Drugs(drugs), _words(what))


def approved(*drugs: str, what: str | Words = WORDS_OF_REQUESTS, but_by: str | Words = ()) -> Formula:
    """Authorisation was given (``but_by=BY_DISPUTE``: not by overturning a denial)."""
    return Answered("approved", Kind.APPROVE, Drugs(drugs), _words(what), (), _words(but_by))


def denied(*drugs: str, what: str | Words = WORDS_OF_REQUESTS, why: str | Words = ()) -> Formula:
    """Authorisation was denied, for this clause or for ``residual`` or ``insufficient_documentation``."""
    return Answered("denied", Kind.DENY, Drugs(drugs), _words(what), _words(why))


def appealed(*drugs: str, what: str | Words = WORDS_OF_REQUESTS) -> Formula:
    """A denial is disputed, by call or appeal."""
    return Answered("appealed", Kind.APPEAL, Drugs(drugs), _words(what))


def upheld(*drugs: str, what: str | Words = WORDS_OF_REQUESTS) -> Formula:
    """A disputed denial stands."""
    return Answered("upheld", Kind.UPHOLD, Drugs(drugs), _words(what))


def withdrawn(*drugs: str, what: str | Words = WORDS_OF_REQUESTS, why: str | Words = ()) -> Formula:
    """An open request was closed without an answer."""
    return Answered("withdrawn", Kind.WITHDRAW, Drugs(drugs), _words(what), _words(why))


def expired(*drugs: str) -> Formula:
    """An approval ran out."""
    return DrugEvent("expired", Kind.EXPIRE, Drugs(drugs))


def falls_ill(*names: str) -> Formula:
    """An acute condition begins."""
    return Event("falls_ill", (Kind.CONDITION,), names, needs=names)


def recovers(*names: str) -> Formula:
    """An acute condition ends."""
    return Event("recovers", (Kind.RECOVER,), names, needs=names)


def jumped(*markers: str) -> Formula:
    """A marker jumped."""
    return Event("jumped", (Kind.JUMP,), markers)


def moved(*through: str) -> Formula:
    """The state changed, through one of these transitions (``line``: a choice of regimen)."""
    return Event("moved", (Kind.MOVE,), through)


def _words(words: str | Words) -> tuple[str, ...]:
    return (words,) if isinstance(words, str) else tuple(words)
