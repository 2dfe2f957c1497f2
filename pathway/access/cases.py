"""Cases: every order and every renewal with all that happened to it, from the rows of an event log.

A start case begins with the order of a regimen (or with its request, where nobody waits) and ends with the first dose, a final denial, its withdrawal or the
end of the history. A renewal case begins when it is filed. A resubmission belongs to its case. This module must not know a payer or value anything.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathway.eventlog import EventLog, Kind

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

START, RENEWAL = "start", "renewal"
NAMED = (Kind.REQUEST, Kind.INFORM, Kind.APPROVE, Kind.DENY, Kind.WITHDRAW)
"""Kinds whose name says whether it is a start or a renewal."""
DISPUTES = (Kind.APPEAL, Kind.UPHOLD)
"""Kinds whose detail says it."""
RULE, RESIDUAL, DOCUMENTS = "rule", "residual", "documents"
"""Kinds of denial: the payer's rule is not met, other merits, documents."""
DISPUTED = ("peer_to_peer", "appeal")
"""Routes by which a denial is overturned."""


def cases(log: EventLog, word: str = START) -> pd.DataFrame:
    """All cases of starts or of renewals, in order of patient and time.

    Parameters
    ----------
    log
        Histories of one strategy.
    word
        ``start`` or ``renewal``.

    Returns
    -------
    One row a case: ``patient`` (position in the log), ``ordered`` (years; a renewal: filed), ``requested`` (NaN: no authorisation was asked for), ``decided``
    (first answer), ``closed`` (first dose, or the last row of the case), ``first_dose`` (NaN: none), ``regimen`` (bit set asked for), ``asked``,
    ``informed``, ``denied`` (at first), ``denial`` (kind of the first), ``disputed``, ``overturned``, ``resubmitted``, ``approved``, ``abandoned``,
    ``refused`` (denied for good), ``is_open`` (undecided at the end, or withdrawn before an answer).
    """
    table = _rows(log, word)
    columns = _per_case(table)
    return pd.DataFrame(columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """Rows of one word in the order of the log, with the case each belongs to (-1: none)."""

    patient: Ints
    time: Floats
    kind: Ints
    detail: Ints
    asked: Floats
    case: Ints
    count: int
    names: tuple[str, ...]

    def of(self, *kinds: Kind) -> Flags:
        """Which rows are of these kinds and belong to a case."""
        return np.isin(self.kind, [int(kind) for kind in kinds]) & (self.case >= 0)

    def any(self, rows: Flags) -> Flags:
        """Which cases have such a row."""
        return np.asarray(np.bincount(self.case[rows], minlength=self.count) > 0)

    def first(self, rows: Flags) -> Floats:
        """Time of the first such row of each case, NaN where there is none."""
        found = np.full(self.count, np.inf)
        np.minimum.at(found, self.case[rows], self.time[rows])
        return np.where(np.isfinite(found), found, np.nan)

    def word(self, *words: str) -> Flags:
        """Which rows have one of these details."""
        numbers = [self.names.index(word) for word in words if word in self.names]
        return np.isin(self.detail, numbers)


def _rows(log: EventLog, word: str) -> _Rows:
    events = log.events
    kind, name, detail = (np.asarray(events[column], dtype=np.int64) for column in ("kind", "name", "detail"))
    wanted = log.name_id(word)
    chosen = np.isin(kind, [int(one) for one in NAMED]) & (name == wanted)
    chosen |= np.isin(kind, [int(one) for one in DISPUTES]) & (detail == wanted)
    if word == START:
        chosen |= np.isin(kind, [int(Kind.ORDER), int(Kind.LINE)])
    numbers = np.asarray(events["patient"], dtype=np.int64)
    position = np.cumsum(np.r_[True, numbers[1:] != numbers[:-1]][: numbers.size]) - 1
    at = np.flatnonzero(chosen)
    kind, detail, patient = kind[at], detail[at], position[at]
    is_request = kind == int(Kind.REQUEST)
    again = detail == log.name_id("resubmission")
    same = np.r_[False, patient[1:] == patient[:-1]][: at.size]
    after_order = np.r_[False, kind[:-1] == int(Kind.ORDER)][: at.size] & same
    begins = (kind == int(Kind.ORDER)) | (is_request & ~again & ~after_order)
    case = np.cumsum(begins) - 1
    owner = patient[np.flatnonzero(begins)]
    foreign = (case < 0) | (owner[np.maximum(case, 0)] != patient) if owner.size else np.ones(at.size, dtype=bool)
    return _Rows(
        patient=patient,
        time=np.asarray(events["time"], dtype=np.float64)[at],
        kind=kind,
        detail=detail,
        asked=np.asarray(events["measured"], dtype=np.float64)[at],
        case=np.where(foreign, -1, case),
        count=int(begins.sum()),
        names=log.names,
    )


def _per_case(rows: _Rows) -> dict[str, NDArray[np.generic]]:
    """Columns of the table of cases."""
    begin = np.flatnonzero(rows.of(Kind.ORDER, Kind.REQUEST))
    first = begin[np.unique(rows.case[begin], return_index=True)[1]] if begin.size else begin
    requests, denials, answers = rows.of(Kind.REQUEST), rows.of(Kind.DENY), rows.of(Kind.APPROVE, Kind.DENY)
    approvals = rows.of(Kind.APPROVE)
    asked, decided, approved = rows.any(requests), rows.first(answers), rows.any(approvals)
    may_start = rows.of(Kind.LINE) & _after(rows, np.where(asked, _row_of(rows, approvals), first))
    begun = _row_of(rows, may_start)
    withdrawn = _row_of(rows, rows.of(Kind.WITHDRAW))
    dosed = np.where((begun >= 0) & ((withdrawn < 0) | (begun < withdrawn)), rows.time[np.maximum(begun, 0)] if rows.time.size else 0.0, np.nan)
    first_answer = _row_of(rows, answers)
    denied = np.zeros(rows.count, dtype=bool)
    has = first_answer >= 0
    denied[has] = rows.kind[first_answer[has]] == int(Kind.DENY)
    last = _last_row(rows, rows.of(Kind.REQUEST, Kind.INFORM, Kind.APPROVE, Kind.DENY, Kind.APPEAL, Kind.UPHOLD, Kind.WITHDRAW))
    ends_denied = (
        np.isin(rows.kind[np.maximum(last, 0)], [int(Kind.DENY), int(Kind.UPHOLD)]) & (last >= 0) if rows.kind.size else np.zeros(rows.count, dtype=bool)
    )
    abandoned = rows.any(rows.of(Kind.WITHDRAW) & rows.word("abandoned"))
    closed = np.where(np.isnan(dosed), rows.time[np.maximum(last, first)] if rows.time.size else 0.0, dosed)
    return {
        "patient": rows.patient[first],
        "ordered": rows.time[first],
        "requested": rows.first(requests),
        "decided": decided,
        "closed": closed,
        "first_dose": dosed,
        "regimen": np.nan_to_num(rows.asked[first]).astype(np.int64),
        "asked": asked,
        "informed": rows.any(rows.of(Kind.INFORM)),
        "denied": denied,
        "denial": _denial(rows, _row_of(rows, denials)),
        "disputed": rows.any(rows.of(Kind.APPEAL)),
        "overturned": rows.any(approvals & rows.word(*DISPUTED)),
        "resubmitted": rows.any(requests & rows.word("resubmission")),
        "approved": approved,
        "abandoned": abandoned,
        "refused": ends_denied & ~approved,
        "is_open": asked & ~approved & ~ends_denied & ~abandoned,
    }


def _row_of(rows: _Rows, chosen: Flags) -> Ints:
    """First such row of each case, -1 where there is none."""
    found = np.full(rows.count, -1, dtype=np.int64)
    at = np.flatnonzero(chosen)
    case, where = np.unique(rows.case[at], return_index=True)
    found[case] = at[where]
    return found


def _last_row(rows: _Rows, chosen: Flags) -> Ints:
    found = np.full(rows.count, -1, dtype=np.int64)
    at = np.flatnonzero(chosen)
    found[rows.case[at]] = at
    return found


def _after(rows: _Rows, since: Ints) -> Flags:
    """Rows after a given row of their case; cases without one have none."""
    if not rows.count:
        return np.zeros(rows.case.size, dtype=bool)
    start = since[np.maximum(rows.case, 0)]
    return (rows.case >= 0) & (start >= 0) & (np.arange(rows.case.size) > start)


def _denial(rows: _Rows, row: Ints) -> NDArray[np.object_]:
    """Kind of the first denial of each case, empty where there is none."""
    found = np.full(rows.count, "", dtype=object)
    has = row >= 0
    words = np.array([RULE] * rows.kind.size, dtype=object)
    words[rows.word("residual")] = RESIDUAL
    words[rows.word("insufficient_documentation")] = DOCUMENTS
    found[has] = words[row[has]]
    return found
