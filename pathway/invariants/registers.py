"""Claims about the machinery of a pathway: for each drug, line of a state, what was barred, what authorisation is asked for.

This module must not know a disease or a drug.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from pathway.eventlog import Kind
from pathway.invariants.atoms import Drugs
from pathway.invariants.formula import Formula
from pathway.invariants.history import Bools, Floats, History, Trace
from pathway.invariants.number import Number
from pathway.invariants.predicates import start, stop

Treatments = Callable[[History], tuple[str, ...]]


class Each(Formula):
    """A claim that holds for each of some treatments or classes."""

    def __init__(self, make: Callable[[str], Formula], of: Treatments, said: str, needs: Drugs | None = None) -> None:
        self.make, self.of, self.said, self.needs = make, of, said, needs

    def text(self) -> str:
        """The claim for a drug, and of which drugs."""
        return f"for each {self.said}: {self.make('it').text()}"

    def evaluate(self, trace: Trace) -> Bools:
        """Hold for all."""
        return np.asarray(np.logical_and.reduce([np.ones(trace.size, dtype=bool), *(self.make(name).holds(trace) for name in self.of(trace.history))]))

    def lacks(self, history: History) -> Iterator[str]:
        """Drugs, and what the claim for each needs besides them."""
        if self.needs is not None:
            yield from self.needs.lacks(history)
        elif not self.of(history):
            yield f"a {self.said}"
        for name in self.of(history)[:1]:
            yield from self.make(name).lacks(history)


def each(make: Callable[[str], Formula], *, of: str | tuple[str, ...] = ()) -> Formula:
    """What ``make`` claims of a drug holds for each treatment, or each of the drugs and classes named.

    Examples
    --------
    >>> from pathway.invariants.predicates import on
    >>> each(lambda drug: stop(drug).implies(~on(drug)))
    for each drug: stop(it) -> not on(it)
    """
    names = (of,) if isinstance(of, str) else tuple(of)
    drugs = Drugs(names)
    return Each(make, drugs.of, f"drug that is {drugs.text()}" if names else "drug", drugs if names else None)


class StateNumber(Number):
    """Number of the state, in the order of the pathway."""

    lasts = True

    def text(self) -> str:
        """One word."""
        return "state"

    def evaluate(self, trace: Trace) -> Floats:
        """Look at the state left."""
        return np.asarray(trace.as_left(trace.history.log.events["state"]), dtype=np.float64)


class LineOfState(Number):
    """Line of therapy that the state stands for; NaN in states that stand for none.

    The last line's state stands for all that follow it: there it is the present line, or the state's own where that is lower.
    """

    lasts = True

    def text(self) -> str:
        """Three words."""
        return "line of the state"

    def evaluate(self, trace: Trace) -> Floats:
        """Look the state up."""
        history = trace.history
        of_state = np.array([history.line_states.get(name, -1) for name in history.log.states], dtype=np.float64)
        found = of_state[np.asarray(trace.as_left(history.log.events["state"]), dtype=np.int64)]
        present = np.asarray(trace.as_left(history.log.events["line"]), dtype=np.float64)
        found = np.where(found == of_state.max(initial=-1.0), np.fmax(found, present), found)
        return np.where(found < 0, np.nan, found)

    def lacks(self, history: History) -> Iterator[str]:
        """Lines of the states."""
        if not history.line_states:
            yield "the lines that states stand for"


class BarredAtEntry(Formula):
    """One of these drugs was barred before entry."""

    lasts = True

    def __init__(self, *drugs: str) -> None:
        self.drugs = Drugs(drugs)

    def text(self) -> str:
        """With the drug."""
        return f"barred at entry({self.drugs.text()})"

    def evaluate(self, trace: Trace) -> Bools:
        """Look at what failed before."""
        barred = trace.history.failed_before
        if barred is None:
            return np.zeros(trace.size, dtype=bool)
        is_barred = (barred & trace.history.bits(self.drugs.of(trace.history))) != 0
        return np.asarray(is_barred[trace.patient])


class Retreatment(Formula):
    """A transition or decision that may lower the line number happens."""

    def text(self) -> str:
        """One word."""
        return "re-treatment"

    def evaluate(self, trace: Trace) -> Bools:
        """Any row of its name that moves or decides."""
        history = trace.history
        return trace.happened(history.rows((Kind.MOVE, Kind.DECIDE, Kind.LINE), history.retreatments))


class Entered(Formula):
    """The first row of a history, or its moment."""

    def text(self) -> str:
        """One word."""
        return "entered"

    def evaluate(self, trace: Trace) -> Bools:
        """Any row of entry."""
        return trace.happened(trace.history.rows((Kind.ENTER,)))


class DaysCovered(Number):
    """Longest time from an approval to the end of cover; NaN where approvals do not end."""

    lasts = True

    def text(self) -> str:
        """In words."""
        return "longest cover"

    def evaluate(self, trace: Trace) -> Floats:
        """The same everywhere."""
        days = trace.history.approval_days
        return np.full(trace.size, days if np.isfinite(days) else np.nan)

    def lacks(self, history: History) -> Iterator[str]:
        """An end of approvals."""
        if not np.isfinite(history.approval_days):
            yield "approvals that end"


def needing_authorisation(history: History) -> tuple[str, ...]:
    """Treatments that may not start unasked: those asked for, but what bridges."""
    return tuple(name for name in history.asked if name not in history.bridge)


class TakesOver(Formula):
    """The drug replaces another on the same line and keeps its approval."""

    def __init__(self, drug: str) -> None:
        self.drug = drug

    def text(self) -> str:
        """With the drug."""
        return f"{self.drug} takes over"

    def evaluate(self, trace: Trace) -> Bools:
        """One that may, where another stops."""
        if self.drug not in trace.history.taken_over:
            return np.zeros(trace.size, dtype=bool)
        return start(self.drug).holds(trace) & _SAME_TIME_STOP.holds(trace)


class SameTime(Formula):
    """It holds at a row of the same moment."""

    def __init__(self, part: Formula) -> None:
        self.parts = (part,)

    def text(self) -> str:
        """In words."""
        return f"at the same time({self.parts[0].text()})"

    def evaluate(self, trace: Trace) -> Bools:
        """Spread over each moment."""
        truth = self.parts[0].holds(trace)
        begins = np.r_[True, (trace.time[1:] != trace.time[:-1]) | (trace.patient[1:] != trace.patient[:-1])][: trace.size]
        moment = np.cumsum(begins) - 1
        return np.asarray(np.bincount(moment, weights=truth, minlength=1)[moment] > 0) if trace.size else truth


_SAME_TIME_STOP = SameTime(stop())

state_number: Number = StateNumber()
line_of_state: Number = LineOfState()
entered: Formula = Entered()
retreated: Formula = Retreatment()
longest_cover: Number = DaysCovered()


class InDispute(Formula):
    """A denial is disputed: no end of the dispute, approval or withdrawal came after it."""

    lasts = True

    def __init__(self, what: str) -> None:
        self.what = what

    def text(self) -> str:
        """With the word."""
        return f"in dispute({self.what})"

    def evaluate(self, trace: Trace) -> Bools:
        """Compare the latest row of each."""
        history, word = trace.history, (self.what,)
        begin = trace.latest_row(history.rows((Kind.APPEAL,), None, word))
        ends = history.rows((Kind.UPHOLD,), None, word) | history.rows((Kind.APPROVE, Kind.WITHDRAW), word)
        return begin > trace.latest_row(ends)


def in_dispute(what: str) -> Formula:
    """A denial of this kind (``start``, ``renewal``) is disputed."""
    return InDispute(what)
