"""Waist 2: what happened to whom, when.

An :class:`EventLog` holds the histories of one cohort under one strategy in two tables, ``events`` and ``path``. Ledger, valuation and
reports need nothing else. It must not know how the histories were made, nor any disease, price or policy.

``events``, one row per thing that happened, in order of patient and time, ties in the order they happened:

========== ======== =====================================================================================
column     type     meaning
========== ======== =====================================================================================
patient    int64    number of the patient in the cohort
time       float64  years since entry
kind       int8     index into :data:`KINDS`
name       int16    index into ``names``: what the row is about (see the table of kinds)
detail     int16    index into ``names``: reason, cause, condition or deciding clause; -1: none
occurrence int32    how many times this had happened to the patient before (0, 1, ...)
state      int8     index into ``states``, after the row
regimen    int64    bit set of treatments, after the row
line       int16    line of therapy, after the row (0: untreated)
true       float64  measured markers: the true value (shown unit); otherwise NaN
measured   float64  measured markers and findings: the recorded value (shown unit); orders and requests: the regimen asked for; otherwise NaN
native     float64  measured markers: the recorded value in the marker's native unit; otherwise NaN
========== ======== =====================================================================================

``path``, one row per knot and two at a jump (before, after): ``patient``, ``time`` and, per marker, the true value in its native unit and in
its shown unit (``<marker>_native``, ``<marker>``). Between two rows of a patient both are straight lines.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathway.errors import EngineError

Floats = NDArray[np.float64]
DIRECT = 1 << 20
"""Below this, a number of a regimen is its own place in a table."""


class Kind(IntEnum):
    """Kinds of rows. In brackets: what ``name`` and ``detail`` hold."""

    ENTER = 0
    """The history begins [state, none]."""
    MOVE = 1
    """The state changed [transition or ``line``, cause of death or none]."""
    START = 2
    """A course started [treatment, none]."""
    STOP = 3
    """A course stopped [treatment, reason]."""
    HOLD = 4
    """Doses are held [treatment, why]."""
    RESUME = 5
    """Doses go on [treatment, why]."""
    REDUCE = 6
    """The dose was reduced [treatment, decision]."""
    CONDITION = 7
    """An acute condition began [condition, transition]."""
    RECOVER = 8
    """It ended [condition, none]."""
    FLAG = 9
    """A flag was set [flag, transition or decision]."""
    JUMP = 10
    """A marker jumped [marker, transition]; ``true`` holds the change in shown units."""
    VISIT = 11
    """A visit [schedule, none]; a confirmatory one [decision, ``confirmatory``]."""
    MEASURE = 12
    """A marker was measured [marker, schedule or decision]; a missed value is NaN."""
    FINDING = 13
    """A finding was recorded [finding, schedule or decision]."""
    DECIDE = 14
    """A decision was taken [decision, deciding clause]."""
    REQUEST = 15
    """An authorisation was asked for [``start`` or ``renewal``, ``resubmission`` when once more, or none]; ``measured`` holds the regimen as a number."""
    INFORM = 16
    """The payer asked for more documents [``start`` or ``renewal``, deciding clause]."""
    APPROVE = 17
    """Approved [``start`` or ``renewal``, deciding clause or route]."""
    DENY = 18
    """Denied [``start`` or ``renewal``, the deciding clause of a rule that is not met; ``residual``: met, and denied on the merits all the same;
    ``insufficient_documentation``: apart from the merits]."""
    APPEAL = 19
    """A denial is disputed [``peer_to_peer`` or ``appeal``, ``start`` or ``renewal``]."""
    EXPIRE = 20
    """An approval ran out [treatment, none]."""
    WITHDRAW = 21
    """An open request was closed without an answer [``start`` or ``renewal``, why: ``death``, ``superseded``, ``abandoned``]."""
    LINE = 22
    """A line of therapy began or changed its regimen [trigger of the choice, none]."""
    END = 23
    """Censored at the horizon [state, none]."""
    ORDER = 24
    """A regimen was ordered that cannot start at once [trigger of the choice, none]; ``measured`` holds the regimen as a number."""
    UPHOLD = 25
    """A disputed denial stands [``peer_to_peer`` or ``appeal``, ``start`` or ``renewal``]."""
    CLEAR = 26
    """A flag was cleared [flag, decision]."""
    RESTORE = 27
    """A reduced dose is full again [treatment, decision]."""
    LOSE = 28
    """A course that goes on lost its response [treatment, transition]."""


KINDS: tuple[str, ...] = tuple(kind.name.lower() for kind in Kind)

EVENT_COLUMNS: dict[str, type] = {
    "patient": np.int64,
    "time": np.float64,
    "kind": np.int8,
    "name": np.int16,
    "detail": np.int16,
    "occurrence": np.int32,
    "state": np.int8,
    "regimen": np.int64,
    "line": np.int16,
    "true": np.float64,
    "measured": np.float64,
    "native": np.float64,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLog:
    """Histories of one cohort under one strategy.

    Attributes
    ----------
    events
        Column name to array of shape (rows,), as in the module's table.
    path
        ``patient``, ``time`` and two columns a marker, shape (knots,).
    names, states, treatments, markers
        What the indices and bits stand for.
    patients
        Number of patients in the cohort; every one has at least two rows.
    """

    events: dict[str, NDArray[np.generic]]
    path: dict[str, NDArray[np.generic]]
    names: tuple[str, ...]
    states: tuple[str, ...]
    treatments: tuple[str, ...]
    markers: tuple[str, ...]
    patients: int

    def __post_init__(self) -> None:
        if tuple(self.events) != tuple(EVENT_COLUMNS):
            raise EngineError(where="event log", found=f"columns {list(self.events)}", expected=f"{list(EVENT_COLUMNS)}")

    def rows(self, *kinds: Kind) -> NDArray[np.bool_]:
        """Which rows are of these kinds, shape (rows,)."""
        return np.isin(self.events["kind"], [int(kind) for kind in kinds])

    def only(self, kinds: Collection[Kind]) -> EventLog:
        """The same log with rows of other kinds struck out; the path stays whole."""
        kept = self.rows(*kinds)
        return replace(self, events={name: column[kept] for name, column in self.events.items()})

    def name_id(self, name: str) -> int:
        """Index of a name; -1 if the log never speaks of it."""
        return self.names.index(name) if name in self.names else -1

    def frame(self) -> pd.DataFrame:
        """``events`` for people: words in place of indices.

        Returns
        -------
        One row an event; ``kind``, ``name``, ``detail`` and ``state`` categorical, ``regimen`` as text such as ``mmf + nintedanib``.
        """
        events = self.events
        names = [*self.names, ""]
        return pd.DataFrame(
            {
                "patient": events["patient"],
                "time": events["time"],
                "kind": pd.Categorical.from_codes(events["kind"], list(KINDS)),
                "name": pd.Categorical.from_codes(events["name"] % len(names), names),
                "detail": pd.Categorical.from_codes(events["detail"] % len(names), names),
                "occurrence": events["occurrence"],
                "state": pd.Categorical.from_codes(events["state"], list(self.states)),
                "regimen": regimen_words(np.asarray(events["regimen"], dtype=np.int64), self.treatments),
                "line": events["line"],
                "true": events["true"],
                "measured": events["measured"],
                "native": events["native"],
            }
        )

    def path_frame(self) -> pd.DataFrame:
        """``path`` as a DataFrame."""
        return pd.DataFrame(self.path)


def regimen_label(bits: int, treatments: Sequence[str]) -> str:
    """Name a regimen, ``none`` when empty.

    Examples
    --------
    >>> regimen_label(5, ("mmf", "rituximab", "nintedanib"))
    'mmf + nintedanib'
    """
    return " + ".join(name for bit, name in enumerate(treatments) if bits >> bit & 1) or "none"


def regimen_words(bits: NDArray[np.int64], treatments: Sequence[str]) -> pd.Categorical:
    """Regimens in words; bits of shape (rows,).

    Examples
    --------
    >>> list(regimen_words(np.array([1, 0, 1]), ("mmf", "rituximab")))
    ['mmf', 'none', 'mmf']
    """
    if bits.size and int(bits.max()) < DIRECT:  # counting is several times as fast as sorting
        present = np.flatnonzero(np.bincount(bits))
        place = np.zeros(int(present[-1]) + 1, dtype=np.int64)
        place[present] = np.arange(present.size)
        codes = place[bits]
    else:
        present, codes = np.unique(bits, return_inverse=True)
    words: pd.Categorical = pd.Categorical.from_codes(codes, [regimen_label(int(one), treatments) for one in present])
    return words


def concatenate(logs: Sequence[EventLog]) -> EventLog:
    """Join the logs of consecutive chunks of one cohort, in the order given."""
    first = logs[0]
    if any((log.names, log.states, log.treatments) != (first.names, first.states, first.treatments) for log in logs):
        raise EngineError(where="event log", found="chunks of different programs", mend="join only chunks of one strategy")
    return EventLog(
        events={name: np.concatenate([log.events[name] for log in logs]) for name in first.events},
        path={name: np.concatenate([log.path[name] for log in logs]) for name in first.path},
        names=first.names,
        states=first.states,
        treatments=first.treatments,
        markers=first.markers,
        patients=sum(log.patients for log in logs),
    )
