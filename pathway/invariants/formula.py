"""Formulas: claims about every moment of a history, joined as in a table of invariants.

A :class:`Formula` is answered for all patients at once, one truth a position of a :class:`~pathway.invariants.history.Trace`. It is built from predicates
(:mod:`~pathway.invariants.predicates`) by ``&``, ``|``, ``~``, :meth:`Formula.implies` and the temporal words of this file, and prints as it reads::

    start("rituximab").implies(once(measured("hbsag").known, days=365))

Windows are in days, both ends included. ``days=90`` is from now to 90 days from now (or before now), ``days=(28, 56)`` from day 28 to day 56.
What lasts (a state, a regimen, a hold) holds between moments too; what happens (a start, a visit) holds at its moment only.

The end of a history is no failure: a deadline is owed by those who lived and were watched until it, and what never came in a censored history may yet come.
This module must not know an event log.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np

from pathway.invariants.history import DAYS_PER_YEAR, TOLERANCE, Bools, History, Ints, Trace

Days = float | tuple[float, float] | None
"""A window: up to so many days, from so many to so many, or without end."""


class Formula(ABC):
    """A claim that is true or false at every moment of a history.

    A formula of one's own needs :meth:`text` and :meth:`evaluate`. Its text is its identity: two formulas that print the same are answered once.
    """

    parts: tuple[Formula, ...] = ()

    @abstractmethod
    def text(self) -> str:
        """Say it as the table of invariants would."""

    @abstractmethod
    def evaluate(self, trace: Trace) -> Bools:
        """Answer at every position, shape (positions,)."""

    @property
    def lasts(self) -> bool:
        """Whether it holds between moments too, as a state does and an event does not."""
        return bool(self.parts) and all(part.lasts for part in self.parts)

    def lacks(self, history: History) -> Iterator[str]:
        """Names that it needs and these histories do not carry."""
        for part in self.parts:
            yield from part.lacks(history)

    def holds(self, trace: Trace) -> Bools:
        """Answer at every position, made once a trace; shape (positions,)."""
        return trace.cached(self.text(), lambda: self.evaluate(trace))

    def implies(self, other: Formula) -> Formula:
        """Where this holds, so does the other."""
        return Implies(self, other)

    def __and__(self, other: Formula) -> Formula:
        return All(self, other)

    def __or__(self, other: Formula) -> Formula:
        return Any(self, other)

    def __invert__(self) -> Formula:
        return Not(self)

    def __bool__(self) -> bool:
        raise TypeError(
            f"a formula has a truth at every moment, not one of its own: {self.text()}; join with &, |, ~ (not and, or, not), each comparison in brackets"
        )

    def __repr__(self) -> str:
        return self.text()


def bracketed(formula: Formula) -> str:
    """Text, in brackets if it is joined from parts."""
    return f"({formula.text()})" if isinstance(formula, All | Any | Implies | Since) else formula.text()


class All(Formula):
    """Both hold."""

    def __init__(self, *parts: Formula) -> None:
        self.parts = parts

    def text(self) -> str:
        """Joined by &."""
        return " & ".join(bracketed(part) for part in self.parts)

    def evaluate(self, trace: Trace) -> Bools:
        """Hold all."""
        return np.asarray(np.logical_and.reduce([part.holds(trace) for part in self.parts]))


class Any(Formula):
    """At least one holds."""

    def __init__(self, *parts: Formula) -> None:
        self.parts = parts

    def text(self) -> str:
        """Joined by |."""
        return " | ".join(bracketed(part) for part in self.parts)

    def evaluate(self, trace: Trace) -> Bools:
        """Hold any."""
        return np.asarray(np.logical_or.reduce([part.holds(trace) for part in self.parts]))


class AtLeast(Formula):
    """So many of them hold."""

    def __init__(self, count: int, *parts: Formula) -> None:
        self.count, self.parts = count, parts

    def text(self) -> str:
        """Count, then parts."""
        return f"at least {self.count} of ({', '.join(part.text() for part in self.parts)})"

    def evaluate(self, trace: Trace) -> Bools:
        """Hold enough."""
        return np.asarray(np.sum([part.holds(trace) for part in self.parts], axis=0) >= self.count)


class Not(Formula):
    """It does not hold."""

    def __init__(self, part: Formula) -> None:
        self.parts = (part,)

    def text(self) -> str:
        """With not before it."""
        return f"not {bracketed(self.parts[0])}"

    def evaluate(self, trace: Trace) -> Bools:
        """Turn the answer."""
        return ~self.parts[0].holds(trace)


class Implies(Formula):
    """Where the first holds, so does the second."""

    def __init__(self, premise: Formula, claim: Formula) -> None:
        self.premise, self.claim = premise, claim
        self.parts = (premise, claim)

    def text(self) -> str:
        """With an arrow."""
        return f"{bracketed(self.premise)} -> {bracketed(self.claim)}"

    def evaluate(self, trace: Trace) -> Bools:
        """Not the first, or the second."""
        return ~self.premise.holds(trace) | self.claim.holds(trace)


class IfCarried(Formula):
    """It holds, if the record carries what it needs; otherwise it does not."""

    def __init__(self, part: Formula) -> None:
        self.parts = (part,)

    def text(self) -> str:
        """With the condition."""
        return f"{bracketed(self.parts[0])} if carried"

    def evaluate(self, trace: Trace) -> Bools:
        """Ask, or answer no."""
        if any(self.parts[0].lacks(trace.history)):
            return np.zeros(trace.size, dtype=bool)
        return self.parts[0].holds(trace)

    def lacks(self, history: History) -> Iterator[str]:  # noqa: ARG002  (that is its point)
        """Nothing."""
        return iter(())


# --- at other moments ---------------------------------------------------------------------------------------------


class Before(Formula):
    """It held at the moment before; false at the first."""

    def __init__(self, part: Formula) -> None:
        self.parts = (part,)

    def text(self) -> str:
        """With before."""
        return f"before({self.parts[0].text()})"

    def evaluate(self, trace: Trace) -> Bools:
        """Shift forward."""
        return trace.shifted(self.parts[0].holds(trace), missing=False)


class Next(Formula):
    """It holds at the next moment; true at the last."""

    def __init__(self, part: Formula) -> None:
        self.parts = (part,)

    def text(self) -> str:
        """With next."""
        return f"next({self.parts[0].text()})"

    def evaluate(self, trace: Trace) -> Bools:
        """Shift backward."""
        return trace.shifted(self.parts[0].holds(trace), missing=True, by=-1)


class Once(Formula):
    """It holds now, or held before within the window."""

    def __init__(self, part: Formula, days: Days = None) -> None:
        self.parts, self.days = (part,), days

    def text(self) -> str:
        """With its window."""
        return f"once{window_text(self.days)}({self.parts[0].text()})"

    def evaluate(self, trace: Trace) -> Bools:
        """Look back."""
        part = self.parts[0]
        if self.days is None:
            return trace.latest(part.holds(trace)) >= 0
        return _any_within(part.holds(trace), *_past(trace, self.days, lasts=part.lasts))


class Eventually(Formula):
    """It holds now or will hold within the window, unless the history ends first."""

    def __init__(self, part: Formula, days: Days = None, *, strict: bool = False) -> None:
        self.parts, self.days, self.strict = (part,), days, strict

    def text(self) -> str:
        """With its window."""
        return f"{'strictly ' if self.strict else ''}eventually{window_text(self.days)}({self.parts[0].text()})"

    def evaluate(self, trace: Trace) -> Bools:
        """Look ahead."""
        part = self.parts[0]
        if self.days is None:
            found = trace.coming(part.holds(trace)) <= trace.last
            return found if self.strict else np.asarray(found | trace.censored)
        found = _any_within(part.holds(trace), *_future(trace, self.days, lasts=part.lasts))
        deadline = trace.time + ends_of(self.days)[1] / DAYS_PER_YEAR
        return found if self.strict else found | (trace.time[trace.last] < deadline - TOLERANCE)


class Since(Formula):
    """The second held once, and the first at every moment after it, now included."""

    def __init__(self, part: Formula, begin: Formula) -> None:
        self.parts = (part, begin)

    def text(self) -> str:
        """In the order of the words."""
        return f"{bracketed(self.parts[0])} since {bracketed(self.parts[1])}"

    def evaluate(self, trace: Trace) -> Bools:
        """Compare the latest begin with the latest failure."""
        begin = trace.latest(self.parts[1].holds(trace))
        failure = trace.latest(~self.parts[0].holds(trace))
        return (begin >= 0) & (failure <= begin)


class Until(Since):
    """The first holds from now until the second does, or to the end of the history."""

    def text(self) -> str:
        """In the order of the words."""
        return f"{bracketed(self.parts[0])} until {bracketed(self.parts[1])}"

    def evaluate(self, trace: Trace) -> Bools:
        """Compare the next end with the next failure."""
        end = trace.coming(self.parts[1].holds(trace))
        failure = trace.coming(~self.parts[0].holds(trace))
        return failure >= end


def ends_of(days: Days) -> tuple[float, float]:
    """First and last day of a window."""
    if days is None:
        return 0.0, float("inf")
    return days if isinstance(days, tuple) else (0.0, days)


def window_text(days: Days) -> str:
    """A window in brackets, empty without one."""
    low, high = ends_of(days)
    return "" if days is None else f"[{low:g}-{high:g} d]" if low else f"[{high:g} d]"


def _past(trace: Trace, days: Days, *, lasts: bool) -> tuple[Ints, Ints]:
    """First and last position of the window; of what lasts also the one in force as it opens."""
    low, high = (day / DAYS_PER_YEAR for day in ends_of(days))
    now = np.arange(trace.size)
    begin = trace.at_or_after(np.full(trace.size, -high))
    if lasts:
        begin = np.minimum(begin, trace.at_or_before(np.full(trace.size, -high)))
    end = np.minimum(trace.at_or_before(np.full(trace.size, -low)), now) if low else now
    return np.maximum(begin, trace.first), end


def _future(trace: Trace, days: Days, *, lasts: bool) -> tuple[Ints, Ints]:
    low, high = (day / DAYS_PER_YEAR for day in ends_of(days))
    now = np.arange(trace.size)
    begin = now
    if low:
        begin = np.maximum(trace.at_or_after(np.full(trace.size, low)), now)
        if lasts:
            begin = np.minimum(begin, np.maximum(trace.at_or_before(np.full(trace.size, low)), now))
    end = trace.at_or_before(np.full(trace.size, high))
    return begin, np.minimum(end, trace.last)


def _any_within(truth: Bools, begin: Ints, end: Ints) -> Bools:
    count = np.r_[0, np.cumsum(truth)]
    is_window = end >= begin
    return np.asarray(is_window & (count[np.where(is_window, end + 1, 0)] > count[np.where(is_window, begin, 0)]))


# --- the words ----------------------------------------------------------------------------------------------------


def implies(premise: Formula, claim: Formula) -> Formula:
    """Where the first holds, so does the second."""
    return Implies(premise, claim)


def at_least(count: int, *parts: Formula) -> Formula:
    """So many of them hold."""
    return AtLeast(count, *parts)


def if_carried(part: Formula) -> Formula:
    """It holds, where the record carries what it needs; for exceptions that a record may not know of."""
    return IfCarried(part)


def previously(part: Formula) -> Formula:
    """It held at the moment before this one; false at the first moment."""
    return Before(part)


def afterwards(part: Formula) -> Formula:
    """It holds at the next moment (the table's ``X``); true at the last moment."""
    return Next(part)


def once(part: Formula, *, days: Days = None) -> Formula:
    """It holds now or held before, within the window if one is given (the table's ``O``)."""
    return Once(part, days)


def throughout(part: Formula, *, days: Days = None) -> Formula:
    """It holds now and held at all times before, within the window if one is given (the table's ``H``)."""
    return Not(Once(Not(part), days))


def eventually(part: Formula, *, days: Days = None, strict: bool = False) -> Formula:
    """It holds now or will, within the window if one is given (the table's ``F``).

    Parameters
    ----------
    part
        What is to come.
    days
        The window. Without one, at any time to come.
    strict
        Also a failure if the history ends before the window, or is censored before it came. Otherwise neither is.
    """
    return Eventually(part, days, strict=strict)


def always(part: Formula, *, days: Days = None) -> Formula:
    """It holds now and at all times to come, within the window if one is given (the table's ``G``)."""
    return Not(Eventually(Not(part), days, strict=True))


def never(part: Formula) -> Formula:
    """It does not hold."""
    return Not(part)


def since(part: Formula, begin: Formula) -> Formula:
    """``begin`` held once, and ``part`` at every moment after it until now (the table's ``S``)."""
    return Since(part, begin)


def until(part: Formula, end: Formula) -> Formula:
    """``part`` holds from now until ``end`` does; it need not come (the table's ``U``, made weak)."""
    return Until(part, end)
