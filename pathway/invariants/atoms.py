"""Atoms of formulas: what one log's rows and registers say at a moment.

Those who write invariants use the words of :mod:`pathway.invariants.predicates`; the classes behind them stand here.
This module must not know a disease or a drug.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from pathway.eventlog import Kind
from pathway.invariants.formula import Formula
from pathway.invariants.history import Bools, Floats, History, Trace
from pathway.invariants.number import Number

Words = Sequence[str]
ANY_REASON = "stated"
"""As a detail: any, but not none."""


def _listed(words: Words) -> str:
    return "|".join(words)


class Drugs:
    """Drugs and classes that a predicate names, ``but`` those left out."""

    def __init__(self, names: Words, but: str | Words = ()) -> None:
        self.names, self.but = tuple(names), (but,) if isinstance(but, str) else tuple(but)

    def text(self) -> str:
        """Names, with what is left out."""
        return _listed(self.names) + (f" but {_listed(self.but)}" if self.but else "")

    def of(self, history: History) -> tuple[str, ...]:
        """Treatments of these histories; no name: all of them."""
        return history.treatments_of(*(self.names or history.log.treatments), but=self.but)

    def lacks(self, history: History) -> Iterator[str]:
        """The names, if no treatment answers to them."""
        if self.names and not self.of(history):
            yield f"a treatment that is {' or '.join(self.names)}"


class Event(Formula):
    """A row of these kinds, with these names and details, stands at the moment."""

    def __init__(self, word: str, kinds: Sequence[Kind], names: Words = (), details: Words = (), *, needs: Words = (), but_details: Words = ()) -> None:
        self.word, self.kinds, self.names, self.details, self.needs, self.but_details = (
            word,
            tuple(kinds),
            tuple(names),
            tuple(details),
            tuple(needs),
            tuple(but_details),
        )

    def text(self) -> str:
        """Word, names and details."""
        inside = [part for part in (_listed(self.names), _listed(self.details), f"not {_listed(self.but_details)}" if self.but_details else "") if part]
        return f"{self.word}({', '.join(inside)})"

    def rows(self, history: History) -> Bools:
        """Which rows of the log are meant."""
        stated = self.details == (ANY_REASON,)
        chosen = history.rows(self.kinds, self.names or None, None if stated or not self.details else self.details)
        if stated:
            chosen &= np.asarray(history.log.events["detail"], dtype=np.int64) >= 0
        if self.but_details:
            chosen &= ~history.rows(self.kinds, None, self.but_details)
        return chosen

    def evaluate(self, trace: Trace) -> Bools:
        """Any such row."""
        return trace.happened(self.rows(trace.history))

    def lacks(self, history: History) -> Iterator[str]:
        """Names that the log does not know; one of several is enough."""
        if self.needs and not history.name_ids(self.needs):
            yield " or ".join(self.needs)


class DrugEvent(Event):
    """An event of a drug."""

    def __init__(self, word: str, kind: Kind, drugs: Drugs, details: Words = (), but_details: Words = ()) -> None:
        super().__init__(word, (kind,), (), details, but_details=but_details)
        self.drugs = drugs

    def text(self) -> str:
        """Word, drugs and reasons."""
        inside = [part for part in (self.drugs.text(), _listed(self.details), f"not {_listed(self.but_details)}" if self.but_details else "") if part]
        return f"{self.word}({', '.join(inside)})"

    def rows(self, history: History) -> Bools:
        """Which rows of the log are meant."""
        return super().rows(history) & history.rows(self.kinds, self.drugs.of(history))

    def lacks(self, history: History) -> Iterator[str]:
        """A treatment that answers to the names."""
        yield from self.drugs.lacks(history)


class IsOn(Formula):
    """At least one of these drugs is on, held or reduced."""

    lasts = True

    def __init__(self, word: str, drugs: Drugs) -> None:
        self.word, self.count = word, Register(word, drugs)

    def text(self) -> str:
        """Word and drugs."""
        return f"{self.word}({self.count.drugs.text()})"

    def evaluate(self, trace: Trace) -> Bools:
        """Any of them."""
        return self.count.values(trace) >= 1.0

    def lacks(self, history: History) -> Iterator[str]:
        """As the count of them."""
        yield from self.count.lacks(history)


class Register(Number):
    """How many of these drugs are on, held or reduced."""

    lasts = True

    def __init__(self, word: str, drugs: Drugs) -> None:
        self.word, self.drugs = word, drugs

    def text(self) -> str:
        """Word and drugs."""
        return f"count {self.word}({self.drugs.text()})"

    def evaluate(self, trace: Trace) -> Floats:
        """Count treatments."""
        history = trace.history
        total = np.zeros(trace.size)
        for treatment in self.drugs.of(history):
            total += trace.cached(f"register {self.word} {treatment}", lambda name=treatment: self._one(trace, name))  # type: ignore[misc]
        return total

    def _one(self, trace: Trace, treatment: str) -> Bools:
        history = trace.history
        regimen = np.asarray(trace.as_left(history.log.events["regimen"]), dtype=np.int64)
        is_on = (regimen & history.bits([treatment])) != 0
        if self.word == "on":
            return np.asarray(is_on)
        kinds = (Kind.HOLD, Kind.RESUME) if self.word == "held" else (Kind.REDUCE, Kind.RESTORE)
        return np.asarray(is_on) & lasting(trace, (*kinds, Kind.START, Kind.STOP), kinds[0], (treatment,))

    def lacks(self, history: History) -> Iterator[str]:
        """A treatment that answers to the names; for a reduced dose, doses that are ever reduced."""
        yield from self.drugs.lacks(history)
        if self.word == "reduced" and not history.log.rows(Kind.REDUCE).any():
            yield "steps of dose"


def lasting(trace: Trace, kinds: Sequence[Kind], sets: Kind, names: Words) -> Bools:
    """After each position: was the latest row of these kinds and names of the kind that sets."""
    history = trace.history
    at = trace.latest_row(history.rows(kinds, names))
    return np.asarray((at >= 0) & (history.log.events["kind"][at] == int(sets)))


class InState(Formula):
    """The patient is in one of these states."""

    lasts = True

    def __init__(self, names: Words) -> None:
        self.names = tuple(names)

    def text(self) -> str:
        """With the states."""
        return f"state({_listed(self.names)})"

    def evaluate(self, trace: Trace) -> Bools:
        """Look at the state left."""
        states = trace.history.log.states
        return np.isin(trace.as_left(trace.history.log.events["state"]), [states.index(name) for name in self.names if name in states])

    def lacks(self, history: History) -> Iterator[str]:
        """A state of one of the names."""
        if not set(self.names) & set(history.log.states):
            yield f"a state {' or '.join(self.names)}"


class Alive(Formula):
    """Not in an absorbing state."""

    lasts = True

    def text(self) -> str:
        """One word."""
        return "alive"

    def evaluate(self, trace: Trace) -> Bools:
        """Look at the state left."""
        return ~InState(trace.history.absorbing).evaluate(trace)

    def lacks(self, history: History) -> Iterator[str]:
        """Names of the absorbing states."""
        if not history.absorbing:
            yield "the names of absorbing states"


class Lasting(Formula):
    """What one kind of row sets and another ends: conditions, flags, pending requests."""

    lasts = True

    def __init__(self, word: str, sets: Kind, ends: Sequence[Kind], names: Words, *, at_entry: bool = False) -> None:
        self.word, self.sets, self.ends, self.names, self.at_entry = word, sets, tuple(ends), tuple(names), at_entry

    def text(self) -> str:
        """Word and names."""
        return f"{self.word}({_listed(self.names)})"

    def evaluate(self, trace: Trace) -> Bools:
        """Any of the names is set."""
        found = np.zeros(trace.size, dtype=bool)
        for name in self._set_names(trace.history):
            found |= lasting(trace, (self.sets, *self.ends), self.sets, (name,))
            if self.at_entry and name in trace.history.covariates:
                found |= trace.history.covariates[name][trace.patient] == 1.0
        return found

    def _set_names(self, history: History) -> Words:
        """Names that are ever set; of all, where none is named."""
        log = history.log
        seen = [log.names[number] for number in np.unique(log.events["name"][history.rows((self.sets,))])]
        return [name for name in seen if not self.names or name in self.names] if not self.at_entry else self.names

    def lacks(self, history: History) -> Iterator[str]:
        """One of the names."""
        if self.names and not history.name_ids(self.names):
            yield f"{self.word} {' or '.join(self.names)}"


class LineNumber(Number):
    """The line of therapy."""

    lasts = True

    def text(self) -> str:
        """One word."""
        return "line"

    def evaluate(self, trace: Trace) -> Floats:
        """Look at the line left."""
        return np.asarray(trace.as_left(trace.history.log.events["line"]), dtype=np.float64)


class Covariate(Number):
    """What is known at entry."""

    lasts = True

    def __init__(self, name: str) -> None:
        self.name = name

    def text(self) -> str:
        """The name, apart from a marker of that name."""
        return f"{self.name} at entry"

    def evaluate(self, trace: Trace) -> Floats:
        """The patient's value."""
        return np.asarray(trace.history.covariates[self.name][trace.patient], dtype=np.float64)

    def lacks(self, history: History) -> Iterator[str]:
        """The covariate."""
        if self.name not in history.covariates:
            yield f"covariate {self.name}"


class Clock(Number):
    """Years since entry, or of age."""

    def __init__(self, *, of_age: bool) -> None:
        self.of_age = of_age
        self.sources = (Covariate("age"),) if of_age else ()

    def text(self) -> str:
        """Age or time."""
        return "age" if self.of_age else "years since entry"

    def evaluate(self, trace: Trace) -> Floats:
        """Time, and age at entry."""
        return trace.time + (Covariate("age").values(trace) if self.of_age else 0.0)


class Measured(Number):
    """What a visit measured or found; NaN at other moments."""

    def __init__(self, name: str, *, true: bool = False) -> None:
        self.name, self.true = name, true

    def text(self) -> str:
        """The name."""
        return f"{'true ' if self.true else ''}{self.name}"

    def evaluate(self, trace: Trace) -> Floats:
        """The last value recorded at each moment."""
        events = trace.history.log.events
        rows = trace.history.rows((Kind.MEASURE, Kind.FINDING), (self.name,))
        values = np.asarray(events["true" if self.true else "measured"], dtype=np.float64)
        return trace.value(rows & ~np.isnan(values), values)

    def lacks(self, history: History) -> Iterator[str]:
        """The marker or finding."""
        if not history.name_ids((self.name,)):
            yield self.name


class Ended(Formula):
    """The last moment of the history."""

    def text(self) -> str:
        """One word."""
        return "ended"

    def evaluate(self, trace: Trace) -> Bools:
        """Last positions."""
        return np.asarray(np.arange(trace.size) == trace.last)


DISPUTES = (Kind.APPEAL, Kind.UPHOLD)
"""Kinds whose detail, not name, says what was asked for."""


class Answered(Event):
    """A row in the life of a request for a drug.

    Rows of answers do not say what was asked for; the latest request of the same patient and word does.
    """

    def __init__(self, word: str, kind: Kind, drugs: Drugs, what: Words, details: Words = (), but_details: Words = ()) -> None:
        in_detail = kind in DISPUTES
        super().__init__(word, (kind,), () if in_detail else what, what if in_detail else details, but_details=but_details)
        self.drugs, self.what = drugs, tuple(what)

    def text(self) -> str:
        """Word, drugs, what was asked and details."""
        details = () if self.kinds[0] in DISPUTES else self.details
        but = f"not {_listed(self.but_details)}" if self.but_details else ""
        return f"{self.word}({', '.join(part for part in (self.drugs.text(), _listed(self.what), _listed(details), but) if part)})"

    def evaluate(self, trace: Trace) -> Bools:
        """Rows whose request asked for the drug, which a start newly starts."""
        history, events = trace.history, trace.history.log.events
        rows = self.rows(history)
        if not self.drugs.names:
            return trace.happened(rows)
        by_row = history.trace("row")
        found, wanted = np.zeros(rows.size, dtype=bool), history.bits(self.drugs.of(history))
        in_detail = self.kinds[0] in DISPUTES
        for word in self.what:
            mine = np.flatnonzero(rows & history.rows(self.kinds, None if in_detail else (word,), (word,) if in_detail else None))
            at = by_row.latest_row(history.rows((Kind.REQUEST,), (word,)))[mine]
            asked = np.where(at >= 0, np.nan_to_num(events["measured"][at]), 0.0).astype(np.int64)
            if word == "start":
                asked &= ~np.asarray(events["regimen"][at], dtype=np.int64)
            found[mine] = (asked & wanted) != 0
        return trace.happened(found)

    def lacks(self, history: History) -> Iterator[str]:
        """A treatment that answers to the names."""
        if self.drugs.names:
            yield from self.drugs.lacks(history)


class Decision(Event):
    """A decision; ``measured`` of its row is 0 while it awaits confirmation."""

    def __init__(self, name: str, *, is_taken: bool) -> None:
        super().__init__("decided" if is_taken else "suspected", (Kind.DECIDE,), (name,), needs=(name,))
        self.is_taken = is_taken

    def rows(self, history: History) -> Bools:
        """Taken, or awaiting confirmation."""
        awaits = np.asarray(history.log.events["measured"] == 0.0)
        return np.asarray(super().rows(history) & (awaits != self.is_taken))
