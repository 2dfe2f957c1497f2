"""Invariants: a formula that must hold at every moment, with what it means, whom it concerns and where it comes from.

:func:`violations` says where histories break them, :func:`audit` what was asked of how many histories and what could not be asked, and :func:`assert_holds`
is for tests. What a record does not carry is never passed in silence: the audit names it and says what would carry it.
This module must not know a disease or a drug.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from pathway.errors import PathwayError, did_you_mean
from pathway.eventlog import EVENT_COLUMNS, KINDS, EventLog, regimen_label
from pathway.invariants.carriers import carried_by
from pathway.invariants.formula import Formula, Implies
from pathway.invariants.history import Bools, Grain, History, Ints

Hardness = Literal["hard", "soft"]
Status = Literal["checked", "not carried", "other disease", "other profile", "determination", "ledger"]
VIOLATION_COLUMNS = ("patient", "time", "invariant", "words", "hardness", "happened")
AUDIT_COLUMNS = (
    "invariant",
    "words",
    "formula",
    "hardness",
    "profile",
    "basis",
    "status",
    "because",
    "histories",
    "occasions",
    "violations",
    "patients_in_violation",
    "first_patient",
    "first_time",
)
LONGEST_TALE = 12
"""Rows of one moment that are told in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """What must hold at every moment of every history.

    Attributes
    ----------
    id
        ``I8``, or a name of one's own.
    words
        The claim in plain words.
    formula
        The claim; answered at every moment.
    stand_in
        A claim to ask instead where the record does not carry what ``formula`` needs, in the words ``stand_in_words``.
    diseases
        Ids of diseases it speaks of; empty: every one.
    profile
        Code of the payer's rule under which it holds; empty: under all.
    basis
        Rules it rests on, by code.
    hardness
        ``hard``: a violation is a fault. ``soft``: practice that some sources leave open; a violation is worth a look.
    grain
        ``moment``: what happens at one time is one moment. ``row``: row by row, where order within a moment matters.
    but
        Exceptions that the formula makes, and why.
    """

    id: str
    words: str
    formula: Formula
    stand_in: Formula | None = None
    stand_in_words: str = ""
    diseases: tuple[str, ...] = ()
    profile: str = ""
    basis: tuple[str, ...] = ()
    hardness: Hardness = "hard"
    grain: Grain = "moment"
    but: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.formula, Formula):
            raise PathwayError(
                where=f"invariant {self.id}",
                found=f"a formula of type {type(self.formula).__name__}",
                expected="a formula, such as on('mmf').implies(alive)",
                mend="compare numbers (line >= 1) and join with &, | and ~",
            )
        if (self.stand_in is None) != (not self.stand_in_words):
            raise PathwayError(where=f"invariant {self.id}", found="a stand-in without words, or words without one", expected="both or none")

    @property
    def needs(self) -> tuple[str, ...]:
        """Names that the formula reads, as those of a history that carries nothing."""
        return tuple(dict.fromkeys(self.formula.lacks(NOTHING)))

    def status(self, history: History) -> tuple[Status, str]:
        """Can it be asked of these histories; if not, why and what would carry it."""
        if self.diseases and history.disease and history.disease not in self.diseases:
            return "other disease", f"about {', '.join(self.diseases)}"
        if self.profile and self.profile not in history.profiles:
            return "other profile", f"holds under payer rule {self.profile}, which is not in force"
        lacking = tuple(dict.fromkeys(self.asked_form(history).lacks(history)))
        if lacking:
            return "not carried", "; ".join(carried_by(name) for name in lacking)
        return "checked", self.stand_in_words if self.asked_form(history) is self.stand_in else ""

    def asked_form(self, history: History) -> Formula:
        """The formula, or its stand-in where the record carries only that."""
        if self.stand_in is not None and any(self.formula.lacks(history)) and not any(self.stand_in.lacks(history)):
            return self.stand_in
        return self.formula

    def broken(self, history: History) -> Bools:
        """At which positions of its grain it does not hold."""
        return ~self.asked_form(history).holds(history.trace(self.grain))

    def occasions(self, history: History) -> int:
        """Moments at which there was something to claim: where the premise held, or all."""
        form = self.asked_form(history)
        trace = history.trace(self.grain)
        return int(form.premise.holds(trace).sum()) if isinstance(form, Implies) else trace.size


NOTHING = History(
    log=EventLog(
        events={name: np.zeros(0, dtype=kind) for name, kind in EVENT_COLUMNS.items()}, path={}, names=(), states=(), treatments=(), markers=(), patients=0
    )
)
"""A history that carries nothing."""


def as_history(of: History | EventLog) -> History:
    """A history; a bare log carries no covariate, class or payer."""
    return of if isinstance(of, History) else History(log=of)


def violations(of: History | EventLog, invariants: Iterable[Invariant | str] | None = None, *, hardness: Hardness | None = None) -> pd.DataFrame:
    """Where histories break invariants.

    Parameters
    ----------
    of
        Histories, or a bare log.
    invariants
        Or ids of the registry; absent: all of it that can be asked.
    hardness
        Only ``hard`` or only ``soft`` ones.

    Returns
    -------
    One row a violation, in order of invariant, patient and time: ``patient`` (number in the log), ``time`` (years since entry), ``invariant``, ``words``,
    ``hardness``, ``happened`` (the moment in words). Empty: all hold.
    """
    history = as_history(of)
    parts = [_table(one, history) for one in _chosen(invariants) if one.status(history)[0] == "checked" and hardness in (None, one.hardness)]
    return pd.concat([_empty(), *parts], ignore_index=True) if parts else _empty()


def audit(of: History | EventLog, invariants: Iterable[Invariant | str] | None = None) -> pd.DataFrame:
    """What was asked of these histories, and what could not be.

    Returns
    -------
    One row an invariant: ``invariant``, ``words``, ``formula``, ``hardness``, ``profile``, ``basis``, ``status`` (checked, not carried,
    other disease, other profile), ``because`` (why not, and what would carry it; of a checked one: the stand-in), ``histories`` (checked), ``occasions``
    (moments at which there was something to claim), ``violations`` (moments), ``patients_in_violation``, ``first_patient`` and
    ``first_time`` (years; missing without one).
    """
    history = as_history(of)
    return pd.DataFrame([_audited(one, history) for one in _chosen(invariants)], columns=list(AUDIT_COLUMNS))


def assert_holds(of: History | EventLog, *invariants: Invariant | str, allow_soft: bool = False) -> None:
    """Raise AssertionError with the first violations, each told with the patient's story up to it; for tests.

    Parameters
    ----------
    of
        Histories, or a bare log.
    invariants
        Invariants or ids of the registry; none: all of the registry that can be asked.
    allow_soft
        Let soft ones be broken.

    Raises
    ------
    AssertionError
        If one does not hold, or one that was named cannot be asked.
    """
    history = as_history(of)
    named = _chosen(invariants)
    for one in named:
        status, because = one.status(history)
        if status != "checked":
            raise AssertionError(f"{one.id} cannot be asked of these histories ({status}): {because}")
    found = violations(history, named or None, hardness="hard" if allow_soft else None)
    if len(found):
        shown = "\n\n".join(
            _tale(history, int(row["patient"]), float(row["time"]), str(row["invariant"]), str(row["words"])) for row in found.head(3).to_dict("records")
        )
        raise AssertionError(f"{len(found)} violations, {found['patient'].nunique()} patients\n\n{shown}")


# --- the registry -------------------------------------------------------------------------------------------------

_REGISTRY: dict[str, Invariant] = {}


def register(*invariants: Invariant) -> None:
    """Add invariants to those that :func:`violations` and reports ask by default.

    Raises
    ------
    PathwayError
        If an id is taken.
    """
    for one in invariants:
        if one.id in _REGISTRY:
            raise PathwayError(where=f"invariant {one.id}", found="an id that is taken", expected="a new one", mend="give it a name of your own, my_1")
        _REGISTRY[one.id] = one


def registered() -> dict[str, Invariant]:
    """All invariants of the registry by id."""
    return dict(_REGISTRY)


def invariant(name: str) -> Invariant:
    """One invariant of the registry.

    Raises
    ------
    PathwayError
        If there is none of that id.
    """
    if name not in _REGISTRY:
        raise PathwayError(where="invariants", found=name, expected="an id of the registry", mend=did_you_mean(name, list(_REGISTRY)))
    return _REGISTRY[name]


def _chosen(invariants: Iterable[Invariant | str] | None) -> Sequence[Invariant]:
    return tuple(_REGISTRY.values()) if invariants is None else tuple(invariant(one) if isinstance(one, str) else one for one in invariants)


# --- telling ------------------------------------------------------------------------------------------------------


def _empty() -> pd.DataFrame:
    kinds: dict[str, str] = {"patient": "int64", "time": "float64"}
    return pd.DataFrame({name: pd.Series(dtype=kinds.get(name, "object")) for name in VIOLATION_COLUMNS})


def _table(one: Invariant, history: History) -> pd.DataFrame:
    trace = history.trace(one.grain)
    at = np.flatnonzero(one.broken(history))
    rows = trace.row[at]
    return pd.DataFrame(
        {
            "patient": history.log.events["patient"][rows].astype(np.int64),
            "time": trace.time[at],
            "invariant": one.id,
            "words": one.words,
            "hardness": one.hardness,
            "happened": [happened(history, int(row)) for row in rows],
        }
    )


def _audited(one: Invariant, history: History) -> dict[str, object]:
    status, because = one.status(history)
    row: dict[str, object] = {
        "invariant": one.id,
        "words": one.words,
        "formula": one.asked_form(history).text(),
        "hardness": one.hardness,
        "profile": one.profile or "all",
        "basis": ", ".join(one.basis),
        "status": status,
        "because": because,
        "histories": 0,
        "occasions": 0,
        "violations": 0,
        "patients_in_violation": 0,
        "first_patient": pd.NA,
        "first_time": np.nan,
    }
    if status == "checked":
        trace, broken = history.trace(one.grain), one.broken(history)
        at: Ints = np.flatnonzero(broken)
        row |= {
            "histories": history.log.patients,
            "occasions": one.occasions(history),
            "violations": int(at.size),
            "patients_in_violation": int(np.unique(trace.patient[at]).size),
        }
        if at.size:
            row |= {"first_patient": int(history.log.events["patient"][trace.row[at[0]]]), "first_time": float(trace.time[at[0]])}
    return row


def happened(history: History, row: int) -> str:
    """The moment of a row of the log, in words: its rows in order, and what was taken after them."""
    events = history.log.events
    begin = end = row
    patients, times = events["patient"], events["time"]
    while begin > 0 and (patients[begin - 1], times[begin - 1]) == (patients[row], times[row]):
        begin -= 1
    while end + 1 < times.size and (patients[end + 1], times[end + 1]) == (patients[row], times[row]):
        end += 1
    told = [_row_words(history, number) for number in range(begin, end + 1)]
    if len(told) > LONGEST_TALE:
        told = [*told[:LONGEST_TALE], f"and {len(told) - LONGEST_TALE} more"]
    return f"{'; '.join(told)} | {_left(history, end)}"


def _row_words(history: History, row: int) -> str:
    log = history.log
    events = log.events
    name, detail = int(events["name"][row]), int(events["detail"][row])
    value = float(events["measured"][row])
    words = [
        KINDS[int(events["kind"][row])],
        log.names[name] if name >= 0 else "",
        f"({log.names[detail]})" if detail >= 0 else "",
        "" if np.isnan(value) else f"{value:g}",
    ]
    return " ".join(word for word in words if word)


def _left(history: History, row: int) -> str:
    log = history.log
    state, line = log.states[int(log.events["state"][row])], int(log.events["line"][row])
    return f"{state}, line {line}, on {regimen_label(int(log.events['regimen'][row]), log.treatments)}"


def _tale(history: History, patient: int, time: float, name: str, words: str) -> str:
    """A violation with what happened before it."""
    return "\n".join([f"{name}, patient {patient}, {time:.4f} years: {words}", *_story(history, patient, time)])


def _story(history: History, patient: int, time: float) -> Iterator[str]:
    events = history.log.events
    times = np.asarray(events["time"], dtype=np.float64)
    rows = np.flatnonzero((events["patient"] == patient) & (times <= time))
    for when in np.unique(times[rows])[-LONGEST_TALE:]:
        yield f"  {when:9.4f}  {happened(history, int(rows[times[rows] == when][0]))}"
