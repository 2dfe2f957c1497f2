"""What the clinic and the payer know of a patient, and the rules that read it.

The record holds measured values, findings, facts recorded at entry and prescriptions; never a true value. A rule's answer is
one of four truth values with the clause that decided. This module must not see a marker's true path.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan

from pathway.program import CodeRow, Op, Program
from pathway.rules import FIELDS, Truth, combine_all, combine_any, combine_at_least, negate

KEPT = 24
"""Measurements of one marker that the record keeps for look-back windows."""

EVERY_DOCUMENT = -1
"""Bit set with all bits: the whole record is at hand."""

Answer = tuple[int, str]
"""Truth value and the label of the deciding clause."""


class Record:
    """One patient's record.

    Attributes
    ----------
    measured
        Per marker: the last :data:`KEPT` pairs (time, value in shown units), oldest first.
    line_baseline
        Per marker: the value a fall since the start of the line is counted from; NaN until something is measured.
    findings
        Per finding: (time, value) of its latest; None before.
    indices, index_baseline
        Per index: the last :data:`KEPT` pairs (time, value); the value at the start of the line.
    regimen, ever, completed, failed, intolerant, contraindicated, held, reduced
        Bit sets of treatments.
    asked
        Bit set of what the request asks for whose rules are being answered.
    start, stop
        Per treatment: time the present or last course started and stopped (infinite: never).
    """

    __slots__ = (
        "_fields", "age", "asked", "completed", "condition", "contraindicated", "covariates", "ever", "failed", "findings", "flags", "held", "index_baseline", "indices", "intolerant",
        "line", "line_baseline", "line_start", "measured", "onset", "program", "reduced", "regimen", "start", "stop",
    )  # fmt: skip

    def __init__(self, program: Program, covariates: list[float]) -> None:
        self.program = program
        self.covariates = covariates
        self.age = covariates[program.age] if program.age >= 0 else nan
        self.onset = covariates[program.onset] if program.onset >= 0 else nan
        self.measured: list[list[tuple[float, float]]] = [[] for _ in program.markers]
        self.line_baseline = [nan] * len(program.markers)
        self.findings: list[tuple[float, float] | None] = [None] * len(program.findings)
        self.indices: list[list[tuple[float, float]]] = [[] for _ in program.indices]
        self.index_baseline = [nan] * len(program.indices)
        self.start = [inf] * len(program.treatments)
        self.stop = [inf] * len(program.treatments)
        self.regimen = self.ever = self.completed = self.failed = self.intolerant = self.contraindicated = 0
        self.held = self.reduced = self.flags = 0
        self.condition = -1
        self.asked = 0
        self.line = 0
        self.line_start = 0.0
        self._fields: tuple[Callable[[float, int, float], float], ...] = tuple(getattr(self, "_" + name) for name in FIELDS)

    def note_measurement(self, marker: int, time: float, value: float) -> None:
        """Write a measured value down."""
        kept = self.measured[marker]
        kept.append((time, value))
        if len(kept) > KEPT:
            del kept[0]
        if self.line_baseline[marker] != self.line_baseline[marker]:
            self.line_baseline[marker] = value

    def note_index(self, number: int, time: float, value: float) -> None:
        """Write down an index that was computed from what a visit measured."""
        kept = self.indices[number]
        kept.append((time, value))
        if len(kept) > KEPT:
            del kept[0]
        if self.index_baseline[number] != self.index_baseline[number]:
            self.index_baseline[number] = value

    def begin_line(self, line: int, time: float) -> None:
        """A line begins: what was measured last becomes its baseline."""
        self.line = line
        self.line_start = time
        for marker, kept in enumerate(self.measured):
            self.line_baseline[marker] = kept[-1][1] if kept else nan
        for number, kept in enumerate(self.indices):
            self.index_baseline[number] = kept[-1][1] if kept else nan

    def judge(self, rule: int, time: float, documents: int = EVERY_DOCUMENT) -> Answer:
        """Evaluate a rule of the program at ``time``; ``documents`` is the bit set of those at hand."""
        spec = self.program.rules[rule]
        code = self.program.code
        stack: list[Answer] = []
        for row in range(spec.first, spec.last):
            self._step(code[row], time, documents, stack)
        return stack[-1]

    def _step(self, row: CodeRow, time: float, documents: int, stack: list[Answer]) -> None:
        op = row.op
        if op is Op.LEAF:
            stack.append((self._leaf(row, time, documents), row.label))
        elif op is Op.NOT:
            truth, clause = stack.pop()
            stack.append((int(negate(truth)), clause))
        elif op is Op.APPLIES_IF:
            answer = stack.pop()
            truth, clause = stack.pop()
            if truth == Truth.MET:
                stack.append(answer)
            else:
                stack.append((int(Truth.NOT_DOCUMENTED if truth == Truth.NOT_DOCUMENTED else Truth.NOT_APPLICABLE), clause))
        elif op is Op.ALWAYS:
            stack.append((int(Truth.MET), row.label))
        else:
            operands = stack[len(stack) - row.count :]
            del stack[len(stack) - row.count :]
            values = [truth for truth, _ in operands]
            if op is Op.ALL:
                truth = combine_all(values)
            elif op is Op.ANY:
                truth = combine_any(values)
            else:
                truth = combine_at_least(row.needed, values)
            clause = next((label for value, label in operands if value == truth), operands[0][1])
            stack.append((int(truth), clause))

    def _leaf(self, row: CodeRow, time: float, documents: int) -> int:
        if row.document >= 0 and not documents >> row.document & 1:
            return Truth.NOT_DOCUMENTED
        value = self._fields[row.field](time, row.of, row.window)
        if value != value:
            return Truth.NOT_DOCUMENTED
        if value == inf:
            return Truth.NOT_APPLICABLE
        is_met = row.at_least <= value <= row.at_most and row.above < value < row.below
        return Truth.MET if is_met else Truth.NOT_MET

    # Fields: (time, of, window) -> value, NaN when not documented, infinite when it has no meaning. Their names are those of pathway.rules.FIELDS.

    def _latest(self, time: float, of: int, window: float) -> float:
        kept = self.measured[of]
        return kept[-1][1] if kept and kept[-1][0] >= time - window else nan

    def _extreme(self, time: float, of: int, window: float, sign: float) -> float:
        """Highest (sign 1) or lowest (sign -1) value in the window, needing two values there."""
        kept = self.measured[of]
        since = time - window
        if len(kept) < 2 or kept[-1][0] < since or kept[-2][0] < since:
            return nan
        best = kept[-1][1]
        for when, value in reversed(kept):
            if when < since:
                break
            if sign * (value - best) > 0.0:
                best = value
        return best

    def _fall(self, time: float, of: int, window: float) -> float:
        return self._extreme(time, of, window, 1.0) - self.measured[of][-1][1] if self.measured[of] else nan

    def _fall_on_line(self, time: float, of: int, window: float) -> float:
        """Highest value since the line began (its baseline included) and inside the window, less the latest one."""
        kept = self.measured[of]
        since = time - window
        if not kept or kept[-1][0] < since or kept[-1][0] <= self.line_start:
            return nan
        best = self.line_baseline[of] if self.line_start >= since and self.line_baseline[of] == self.line_baseline[of] else -inf
        for when, value in reversed(kept):
            if when < since or when <= self.line_start:
                break
            best = max(best, value)
        return best - kept[-1][1]

    def _relative_fall(self, time: float, of: int, window: float) -> float:
        highest = self._extreme(time, of, window, 1.0)
        return (highest - self.measured[of][-1][1]) / highest if highest == highest and highest > 0.0 else nan

    def _rise(self, time: float, of: int, window: float) -> float:
        return self.measured[of][-1][1] - self._extreme(time, of, window, -1.0) if self.measured[of] else nan

    def _fall_from_line_start(self, time: float, of: int, window: float) -> float:
        return self.line_baseline[of] - self._latest(time, of, window)

    def _rise_from_line_start(self, time: float, of: int, window: float) -> float:
        return self._latest(time, of, window) - self.line_baseline[of]

    def _relative_fall_from_line_start(self, time: float, of: int, window: float) -> float:
        return _share_lost(self.line_baseline[of], self._latest(time, of, window))

    def _index(self, time: float, of: int, window: float) -> float:
        kept = self.indices[of]
        return kept[-1][1] if kept and kept[-1][0] >= time - window else nan

    def _index_highest(self, time: float, of: int, window: float) -> float:
        """Highest value of the window; needs two in it, the first in its earlier half."""
        kept = self.indices[of]
        since = time - window
        best = first = nan
        count = 0
        for when, value in reversed(kept):
            if when < since:
                break
            first = when
            count += 1
            best = value if count == 1 or value > best else best
        return best if count > 1 and first <= since + 0.5 * window else nan

    def _index_lowest_on_line(self, time: float, of: int, window: float) -> float:
        """Lowest value since the line began (its baseline apart) and inside the window."""
        best = nan
        for when, value in reversed(self.indices[of]):
            if when < time - window or when <= self.line_start:
                break
            if not value >= best:
                best = value
        return best

    def _index_fall_from_line_start(self, time: float, of: int, window: float) -> float:
        return self.index_baseline[of] - self._index(time, of, window)

    def _index_relative_fall_from_line_start(self, time: float, of: int, window: float) -> float:
        return _share_lost(self.index_baseline[of], self._index(time, of, window))

    def _finding(self, time: float, of: int, window: float) -> float:
        latest = self.findings[of]
        return latest[1] if latest is not None and latest[0] >= time - window else nan

    def _covariate(self, _time: float, of: int, _window: float) -> float:
        return self.covariates[of]

    def _age(self, time: float, _of: int, _window: float) -> float:
        return self.age + time

    def _disease_duration(self, time: float, _of: int, _window: float) -> float:
        return self.onset + time

    def _years_in_study(self, time: float, _of: int, _window: float) -> float:
        return time

    def _line(self, _time: float, _of: int, _window: float) -> float:
        return float(self.line)

    def _years_on_line(self, time: float, _of: int, _window: float) -> float:
        return time - self.line_start

    def _on(self, _time: float, of: int, _window: float) -> float:
        return float(self.regimen >> of & 1)

    def _years_on(self, time: float, of: int, _window: float) -> float:
        return time - self.start[of] if self.regimen >> of & 1 else 0.0

    def _ever(self, _time: float, of: int, _window: float) -> float:
        return float(self.ever >> of & 1)

    def _completed(self, _time: float, of: int, _window: float) -> float:
        return float(self.completed >> of & 1)

    def _failed(self, _time: float, of: int, _window: float) -> float:
        return float(self.failed >> of & 1)

    def _intolerant(self, _time: float, of: int, _window: float) -> float:
        return float(self.intolerant >> of & 1)

    def _contraindicated(self, _time: float, of: int, _window: float) -> float:
        return float(self.contraindicated >> of & 1)

    def _on_hold(self, _time: float, of: int, _window: float) -> float:
        return float(self.held >> of & 1)

    def _reduced(self, _time: float, of: int, _window: float) -> float:
        return float(self.reduced >> of & 1)

    def _years_since_stop(self, time: float, of: int, _window: float) -> float:
        return time - self.stop[of] if self.ever >> of & 1 and not self.regimen >> of & 1 and self.stop[of] < inf else nan

    def _failed_count(self, _time: float, _of: int, _window: float) -> float:
        return float(self.failed.bit_count())

    def _tried_count(self, _time: float, _of: int, _window: float) -> float:
        return float(self.ever.bit_count())

    def _flag(self, _time: float, of: int, _window: float) -> float:
        return float(self.flags >> of & 1)

    def _condition(self, _time: float, _of: int, _window: float) -> float:
        return float(self.condition >= 0)

    def _course_years(self, time: float, of: int, _window: float) -> float:
        if not self.ever >> of & 1:
            return 0.0
        return (time if self.regimen >> of & 1 else self.stop[of]) - self.start[of]

    def _years_since_start(self, time: float, of: int, _window: float) -> float:
        return time - self.start[of] if self.start[of] < inf else nan

    def _constant(self, _time: float, _of: int, _window: float) -> float:
        return 1.0

    def _asked(self, _time: float, of: int, _window: float) -> float:
        return float(self.asked >> of & 1)

    def _unseen(self, _time: float, _of: int, _window: float) -> float:
        return nan


def _share_lost(before: float, now: float) -> float:
    """Fall as a share of the value before; without meaning (infinite) where that is 0."""
    if before != before or now != now:
        return nan
    return (before - now) / before if before > 0.0 else inf
