"""Numbers of a history that formulas compare: ``measured("fvc") < 50``, ``latest(measured("crp"), days=90) >= 6``, ``line > before(line)``.

A number has a value at every moment, NaN where there is none; no comparison with NaN holds. This module must not know an event log.
"""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

import numpy as np

from pathway.invariants.formula import Days, Formula, ends_of, window_text
from pathway.invariants.history import DAYS_PER_YEAR, TOLERANCE, Bools, Floats, History, Trace

COMPARE: dict[str, Callable[[Floats, Floats], Bools]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}
ARITHMETIC: dict[str, Callable[[Floats, Floats], Floats]] = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}


class Number(ABC):
    """A number at every moment of a history."""

    sources: tuple[Number | Formula, ...] = ()
    lasts: bool = False

    @abstractmethod
    def text(self) -> str:
        """Say it as the table of invariants would."""

    @abstractmethod
    def evaluate(self, trace: Trace) -> Floats:
        """Its value at every position, NaN where there is none; shape (positions,)."""

    def values(self, trace: Trace) -> Floats:
        """Its value at every position, made once a trace; shape (positions,)."""
        return trace.cached(f"value of {self.text()}", lambda: self.evaluate(trace))

    def lacks(self, history: History) -> Iterator[str]:
        """Names that it needs and these histories do not carry."""
        for source in self.sources:
            yield from source.lacks(history)

    @property
    def known(self) -> Formula:
        """It has a value."""
        return Known(self)

    def __lt__(self, other: float | Number) -> Formula:
        return Comparison(self, "<", other)

    def __le__(self, other: float | Number) -> Formula:
        return Comparison(self, "<=", other)

    def __gt__(self, other: float | Number) -> Formula:
        return Comparison(self, ">", other)

    def __ge__(self, other: float | Number) -> Formula:
        return Comparison(self, ">=", other)

    def __eq__(self, other: float | Number) -> Formula:  # type: ignore[override]
        return Comparison(self, "=", other)

    def __ne__(self, other: float | Number) -> Formula:  # type: ignore[override]
        return Comparison(self, "!=", other)

    __hash__ = object.__hash__

    def __add__(self, other: float | Number) -> Number:
        return Combined(self, "+", other)

    def __sub__(self, other: float | Number) -> Number:
        return Combined(self, "-", other)

    def __mul__(self, other: float | Number) -> Number:
        return Combined(self, "*", other)

    __rmul__ = __mul__

    def __truediv__(self, other: float | Number) -> Number:
        return Combined(self, "/", other)

    def __abs__(self) -> Number:
        return Absolute(self)

    def __repr__(self) -> str:
        return self.text()


class Constant(Number):
    """A plain number."""

    lasts = True

    def __init__(self, value: float) -> None:
        self.value = value

    def text(self) -> str:
        """Its digits."""
        return f"{self.value:.12g}"

    def evaluate(self, trace: Trace) -> Floats:
        """The same everywhere."""
        return np.full(trace.size, float(self.value))


def number_of(value: float | Number) -> Number:
    """A number, if it is not one yet."""
    return value if isinstance(value, Number) else Constant(value)


class Known(Formula):
    """A number has a value."""

    def __init__(self, number: Number) -> None:
        self.number = number

    @property
    def lasts(self) -> bool:
        """As its number."""
        return self.number.lasts

    def text(self) -> str:
        """With known."""
        return f"{self.number.text()} known"

    def evaluate(self, trace: Trace) -> Bools:
        """Not NaN."""
        return ~np.isnan(self.number.values(trace))

    def lacks(self, history: History) -> Iterator[str]:
        """As its number."""
        yield from self.number.lacks(history)


class Comparison(Formula):
    """Two numbers compared; nothing holds of NaN."""

    def __init__(self, left: Number, sign: str, right: float | Number) -> None:
        self.left, self.sign, self.right = left, sign, number_of(right)

    @property
    def lasts(self) -> bool:
        """If both do."""
        return self.left.lasts and self.right.lasts

    def text(self) -> str:
        """As written."""
        return f"{self.left.text()} {self.sign} {self.right.text()}"

    def evaluate(self, trace: Trace) -> Bools:
        """Compare."""
        left, right = self.left.values(trace), self.right.values(trace)
        return COMPARE[self.sign](left, right) & ~np.isnan(left) & ~np.isnan(right)

    def lacks(self, history: History) -> Iterator[str]:
        """As both numbers."""
        yield from self.left.lacks(history)
        yield from self.right.lacks(history)


class Combined(Number):
    """A sum, difference, product or quotient."""

    def __init__(self, left: Number, sign: str, right: float | Number) -> None:
        self.left, self.sign, self.right = left, sign, number_of(right)
        self.sources = (self.left, self.right)
        self.lasts = self.left.lasts and self.right.lasts

    def text(self) -> str:
        """In brackets."""
        return f"({self.left.text()} {self.sign} {self.right.text()})"

    def evaluate(self, trace: Trace) -> Floats:
        """Combine."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return ARITHMETIC[self.sign](self.left.values(trace), self.right.values(trace))


class Absolute(Number):
    """A number without its sign."""

    def __init__(self, number: Number) -> None:
        self.number, self.sources, self.lasts = number, (number,), number.lasts

    def text(self) -> str:
        """Between bars."""
        return f"|{self.number.text()}|"

    def evaluate(self, trace: Trace) -> Floats:
        """Drop the sign."""
        return np.abs(self.number.values(trace))


class Earlier(Number):
    """A number at the moment before; NaN at the first."""

    def __init__(self, number: Number) -> None:
        self.number, self.sources, self.lasts = number, (number,), False

    def text(self) -> str:
        """With before."""
        return f"before({self.number.text()})"

    def evaluate(self, trace: Trace) -> Floats:
        """Shift forward."""
        return trace.shifted(self.number.values(trace), missing=np.nan)


class Latest(Number):
    """The latest value that was known; older than the window: NaN."""

    def __init__(self, number: Number, days: float | None) -> None:
        self.number, self.sources, self.days = number, (number,), days
        self.lasts = days is None

    def text(self) -> str:
        """With its window."""
        return f"latest{window_text(self.days)}({self.number.text()})"

    def evaluate(self, trace: Trace) -> Floats:
        """Carry forward."""
        values = self.number.values(trace)
        at = trace.latest(~np.isnan(values))
        found = np.where(at >= 0, values[at], np.nan)
        if self.days is None:
            return found
        age = trace.time - trace.time[at]
        return np.where(age <= self.days / DAYS_PER_YEAR + TOLERANCE, found, np.nan)


class AsOf(Number):
    """A number as it was when a formula last held."""

    lasts = True

    def __init__(self, number: Number, when: Formula) -> None:
        self.number, self.when, self.sources = number, when, (number, when)

    def text(self) -> str:
        """With the formula."""
        return f"({self.number.text()} as of {self.when.text()})"

    def evaluate(self, trace: Trace) -> Floats:
        """Carry forward from where it held."""
        at = trace.latest(self.when.holds(trace))
        return np.where(at >= 0, self.number.values(trace)[at], np.nan)


class DaysSince(Number):
    """Days since a formula last held; NaN before it did."""

    def __init__(self, when: Formula) -> None:
        self.when, self.sources = when, (when,)

    def text(self) -> str:
        """With the formula."""
        return f"days since {self.when.text()}"

    def evaluate(self, trace: Trace) -> Floats:
        """Count from the latest."""
        at = trace.latest(self.when.holds(trace))
        return np.where(at >= 0, (trace.time - trace.time[at]) * DAYS_PER_YEAR, np.nan)


class Extreme(Number):
    """The highest or lowest value known within a window up to now."""

    def __init__(self, number: Number, days: Days, *, highest: bool) -> None:
        self.number, self.sources, self.days, self.highest = number, (number,), days, highest

    def text(self) -> str:
        """With its window."""
        return f"{'highest' if self.highest else 'lowest'}{window_text(self.days)}({self.number.text()})"

    def evaluate(self, trace: Trace) -> Floats:
        """Step back until everybody has left the window."""
        low, high = ends_of(self.days)
        values, found = self.number.values(trace), np.full(trace.size, np.nan)
        better = np.fmax if self.highest else np.fmin
        for by in range(trace.size):
            earlier = trace.shifted(trace.time, missing=-np.inf, by=by)
            age = (trace.time - earlier) * DAYS_PER_YEAR
            is_inside = age <= high + TOLERANCE * DAYS_PER_YEAR
            if not is_inside.any() or np.isneginf(earlier).all():
                break
            is_inside &= (age >= low - TOLERANCE * DAYS_PER_YEAR) & ~np.isneginf(earlier)
            found = np.where(is_inside, better(found, trace.shifted(values, missing=np.nan, by=by)), found)
        return found


def before(number: Number) -> Number:
    """A number as it was at the moment before this one."""
    return Earlier(number)


def latest(number: Number, *, days: float | None = None) -> Number:
    """The latest known value, not older than so many days."""
    return Latest(number, days)


def as_of(number: Number, when: Formula) -> Number:
    """A number as it was when a formula last held: ``as_of(line, stop("mmf"))``."""
    return AsOf(number, when)


def days_since(when: Formula) -> Number:
    """Days since a formula last held."""
    return DaysSince(when)


def highest(number: Number, *, days: Days) -> Number:
    """The highest value known within the window up to now."""
    return Extreme(number, days, highest=True)


def lowest(number: Number, *, days: Days) -> Number:
    """The lowest value known within the window up to now."""
    return Extreme(number, days, highest=False)
