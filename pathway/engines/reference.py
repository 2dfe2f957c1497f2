"""The reference engine: the pathway told in plain words.

SimPy keeps time, one shared ``transitions`` machine moves states, and a :class:`Life` tells one patient's story event by event as
:mod:`pathway.program` says. It is slow and honest: the meaning of the model. It knows no disease, drug, payer or price.
"""

from __future__ import annotations

from collections.abc import Generator
from math import inf, nan

import numpy as np
import simpy

from pathway import kernels
from pathway.engines.body import Body
from pathway.engines.clinic import OCCURRENCE_STRIDE, Visits
from pathway.engines.desk import Desk, Request
from pathway.engines.machine import StateMachine
from pathway.engines.record import EVERY_DOCUMENT, Record
from pathway.errors import EngineError
from pathway.eventlog import EVENT_COLUMNS, EventLog, Kind
from pathway.program import (
    EVENT_LIMIT,
    FAILURES,
    LINE_STATE,
    PRESENT_REGIMEN,
    UNSAFE,
    Action,
    ClockKind,
    Cohort,
    DecisionSpec,
    Program,
    ScheduledSpec,
    Turn,
)
from pathway.rules import Truth

Row = tuple[int, float, int, int, int, int, int, int, int, float, float, float]
BEFORE_DEATH = "death"
TIME = 0


class Life:
    """One patient: registers and what happens to them.

    ``state`` is the place in the pathway, moved only by the shared machine.
    """

    __slots__ = (
        "_awaits_entry_choice", "_bridged", "_confirmation", "_counts", "_entry_choice", "_just_stopped", "_machine", "_names", "_patient", "_recovery", "_touched", "body", "condition_draws", "desk", "entry_reason",
        "hold_by_condition", "hold_by_decision", "key", "knots", "program", "record", "rows", "state", "state_number", "time", "visits",
    )  # fmt: skip

    def __init__(self, program: Program, machine: StateMachine, cohort: Cohort, position: int, key: tuple[int, int, int]) -> None:
        self.program = program
        self.key = key
        self.time = 0.0
        self.rows: list[Row] = []
        self.knots: list[tuple[float, ...]] = []
        self._machine = machine
        self._names = program.name_ids
        self._patient = int(cohort.patient[position])
        self._counts: dict[tuple[int, str], int] = {}
        self._just_stopped = self._bridged = 0
        self._touched = False
        self._awaits_entry_choice = True
        self._recovery = inf
        self._confirmation: tuple[float, int, int] = (inf, -1, 0)
        self.condition_draws = [0] * len(program.conditions)
        self.hold_by_condition = self.hold_by_decision = 0
        self.record = Record(program, [float(x) for x in cohort.values[position]])
        self._enter(cohort, position)
        self.body = Body(program, self.record, key)
        self.body.state = self.state_number
        self.desk = Desk(program.access, self, key, len(program.treatments))
        self.visits = Visits(program, self.record, self.body, key, self.write)
        for treatment in range(len(program.treatments)):
            if self.record.regimen >> treatment & 1:
                self.body.course_count[treatment] = 1
                self.body.course_line[treatment] = self.record.line
                self.body.renew_course(treatment)
                self.visits.restart(ClockKind.COURSE, treatment, self.record.start[treatment], 0)
        if self.record.line > 0:
            self.visits.restart(ClockKind.LINE, -1, self.record.line_start, self.record.line)
        self.entry_reason = cohort.reason
        self._entry_choice = cohort.choose

    def _enter(self, cohort: Cohort, position: int) -> None:
        """Set the registers as the patient comes."""
        program, record = self.program, self.record
        line = int(cohort.line[position])
        record.regimen = record.ever = int(cohort.regimen[position])
        record.ever |= int(cohort.failed[position])
        record.failed = int(cohort.failed[position])
        record.line = line
        record.line_start = -float(cohort.years_on[position])
        for treatment in range(len(program.treatments)):
            if record.regimen >> treatment & 1:
                record.start[treatment] = record.line_start
        for flag, covariate in enumerate(program.flags_at_entry):
            if covariate >= 0 and record.covariates[covariate] == 1.0:
                record.flags |= 1 << flag
        self.state_number = program.line_states[min(line, len(program.line_states) - 1)]
        self.state = program.states[self.state_number]

    # --- the log ------------------------------------------------------------------------------------------------

    def write(
        self,
        kind: Kind,
        name: str,
        detail: str = "",
        *,
        true: float = nan,
        measured: float = nan,
        native: float = nan,
        occurrence: int = -1,
    ) -> None:
        """Add a row; ``occurrence`` is counted when not given."""
        if occurrence < 0:
            occurrence = self._counts.get((kind, name), 0)
            self._counts[kind, name] = occurrence + 1
        self.rows.append(
            (
                self._patient, self.time, int(kind), self._names[name], self._names[detail] if detail else -1, occurrence, self.state_number,
                self.record.regimen, self.record.line, true, measured, native,
            )
        )  # fmt: skip
        if len(self.rows) > EVENT_LIMIT:
            raise EngineError(
                where=f"patient {self._patient} at {self.time:.3f} years, strategy {self.program.strategy}",
                found=f"more than {EVENT_LIMIT} rows",
                expected="a pathway that moves on",
                mend="look for decisions that undo each other at one visit",
            )

    def _note_knot(self) -> None:
        body = self.body
        row = (self.time, *[x for pair in zip(body.native, body.shown, strict=True) for x in pair])
        if not self.knots or self.knots[-1] != row:
            self.knots.append(row)

    # --- the clock ----------------------------------------------------------------------------------------------

    def live(self, clock: simpy.Environment) -> Generator[simpy.Event, None, None]:
        """From entry to an absorbing state or the horizon. Absolute times are the engine's own; SimPy orders lives."""
        self.write(Kind.ENTER, self.state)
        self._note_knot()
        self.body.cut(0.0)
        while True:
            when, turn, number = self._next_event()
            if self._awaits_entry_choice and (when > 0.0 or turn > Turn.VISIT):
                self._awaits_entry_choice = False
                self._choose_at_entry()
                self._settle()
                continue
            if when > clock.now:
                yield clock.timeout(when - clock.now)
            self.time = when
            if turn == Turn.HORIZON:
                self.body.advance(when)
                self._note_knot()
                self.write(Kind.END, self.state)
                return
            self._just_stopped = 0
            self._happen(turn, number)
            if self.program.absorbing >> self.state_number & 1:
                return
            self._settle()

    def _next_event(self) -> tuple[float, int, int]:
        """The earliest event; ties by turn, then by definition order."""
        program, record = self.program, self.record
        best = (program.horizon, int(Turn.HORIZON), 0)
        for fire in self.body.fires:
            best = min(best, fire)
        if self._recovery <= best[TIME]:
            best = min(best, (self._recovery, int(Turn.SCHEDULED), len(program.scheduled)))
        for number, planned in enumerate(program.scheduled):
            if record.regimen >> planned.treatment & 1:
                best = min(best, (max(record.start[planned.treatment] + self._length(planned), self.time), int(Turn.SCHEDULED), number))
        best = min(best, (self.desk.next_due(), int(Turn.REQUEST), 0), (self.desk.next_expiry(), int(Turn.EXPIRY), 0))
        if program.state_visits[self.state_number]:
            best = min(best, (self.visits.next_due(), int(Turn.VISIT), 0), (self._confirmation[0], int(Turn.CONFIRMATION), 0))
        knot = (self.body.next_knot(), int(Turn.KNOT), 0)
        return min(best, knot)

    def _length(self, planned: ScheduledSpec) -> float:
        """Years that a planned course lasts in this patient."""
        share = self.record.covariates[planned.covariate] if planned.covariate >= 0 else 0.0
        return min(planned.after, planned.reach / share) if share > 0.0 else planned.after

    def _happen(self, turn: int, number: int) -> None:
        if turn in (Turn.ABSORBING, Turn.TIMED):
            self._fire(number)
        elif turn == Turn.SCHEDULED:
            self._complete(number)
        elif turn == Turn.REQUEST:
            self.desk.step()
            self._bridge()
        elif turn == Turn.EXPIRY:
            self.desk.expire()
        elif turn == Turn.VISIT:
            self._visit()
        elif turn == Turn.CONFIRMATION:
            self._confirm()
        else:
            self.body.knot(self.time)
            self._touch()

    def _touch(self, fired: int = -1) -> None:
        """Before any register changes: close the segment here, once per event."""
        if not self._touched:
            self._touched = True
            self.body.advance(self.time, fired)
            self._note_knot()

    def _settle(self) -> None:
        """After an event that changed something: a new segment."""
        if self._touched:
            self._touched = False
            self._note_knot()
            self.body.state = self.state_number
            self.body.cut(self.time)

    # --- timed and scheduled transitions ------------------------------------------------------------------------

    def _fire(self, number: int) -> None:
        spec = self.program.transitions[number]
        self._touch(fired=number)
        self.body.renew_fired(number)
        if spec.condition >= 0:
            self._fall_ill(spec.condition, spec.name)
        if spec.flag >= 0:
            self._set_flag(spec.flag, spec.name)
        for marker, change in spec.jumps:
            self.body.jump(marker, change)
            self.write(Kind.JUMP, self.program.markers[marker].name, spec.name, true=change)
        if spec.loses_response:
            self.body.responses.lose(spec.treatment, self.time)
            self.write(Kind.LOSE, self.program.treatments[spec.treatment], spec.name)
        is_death = spec.to >= 0 and bool(self.program.absorbing >> spec.to & 1)
        stopped = spec.stops & self.record.regimen
        if not is_death:
            self._stop_all(stopped, spec.reason or "choice")
        if spec.to >= 0:
            self._leave(spec.to, spec.name, spec.cause, is_death=is_death)
        elif stopped:
            self._choose_after_stop(spec.reason)

    def _leave(self, to: int, name: str, cause: str, *, is_death: bool) -> None:
        """Move to a state by a transition; an absorbing one closes everything first."""
        if is_death:
            self.desk.withdraw(BEFORE_DEATH)
            self._stop_all(self.record.regimen, BEFORE_DEATH)
        elif to != self.state_number:
            self.desk.withdraw("superseded")
            self._confirmation = (inf, -1, 0)
        self._move(to, name, cause)

    def _move(self, to: int, why: str, detail: str = "") -> None:
        """Fire the machine: a transition's own trigger, or that of the line's state."""
        self._machine.move(self, f"line:{self.program.states[to]}" if why == "line" else why)
        self.state_number = to
        self.write(Kind.MOVE, why, detail)

    def _fall_ill(self, condition: int, why: str) -> None:
        spec = self.program.conditions[condition]
        self.record.condition = condition
        count = self.condition_draws[condition]
        self.condition_draws[condition] += 1
        length = spec.recovery
        if spec.exponential:
            length = spec.recovery * float(kernels.exponential(*self.key, spec.stream, count))
        self._recovery = self.time + length
        self.write(Kind.CONDITION, spec.name, why)
        self._set_holds(self.hold_by_decision, spec.holds, spec.name)

    def _clear_flag(self, flag: int, why: str) -> None:
        self.record.flags &= ~(1 << flag)
        self.write(Kind.CLEAR, self.program.flags[flag], why)

    def _set_flag(self, flag: int, why: str) -> None:
        if not self.record.flags >> flag & 1:
            self.record.flags |= 1 << flag
            self.write(Kind.FLAG, self.program.flags[flag], why)

    def _complete(self, number: int) -> None:
        if number == len(self.program.scheduled):
            self._touch()
            name = self.program.conditions[self.record.condition].name
            self.record.condition = -1
            self._recovery = inf
            self.write(Kind.RECOVER, name)
            self._set_holds(self.hold_by_decision, 0, name)
            return
        planned = self.program.scheduled[number]
        self._touch()
        self._stop(planned.treatment, planned.reason)
        self._choose_after_stop(planned.reason)

    # --- courses ------------------------------------------------------------------------------------------------

    def _bits(self, treatments: int) -> list[int]:
        return [treatment for treatment in range(len(self.program.treatments)) if treatments >> treatment & 1]

    def _start(self, treatment: int, after: int = -1) -> None:
        record, body = self.record, self.body
        body.responses.begin(treatment, self.time, body.shown, self._is_met, after)
        record.regimen |= 1 << treatment
        record.ever |= 1 << treatment
        record.start[treatment] = self.time
        record.stop[treatment] = inf
        occurrence = body.course_count[treatment]
        body.course_count[treatment] += 1
        body.course_line[treatment] = record.line
        body.renew_course(treatment)
        self.visits.restart(ClockKind.COURSE, treatment, self.time, occurrence)
        self.write(Kind.START, self.program.treatments[treatment], occurrence=occurrence)
        if self.hold_by_condition >> treatment & 1:
            self._set_holds(self.hold_by_decision, self.hold_by_condition, self.program.conditions[record.condition].name)

    def _stop(self, treatment: int, reason: str) -> None:
        record = self.record
        bit = 1 << treatment
        self.body.responses.end(treatment, self.time)
        record.regimen &= ~bit
        record.stop[treatment] = self.time
        record.reduced &= ~bit
        self.hold_by_decision &= ~bit
        record.held &= ~bit
        if reason in FAILURES:
            record.failed |= bit
        elif reason == "intolerance":
            record.intolerant |= bit
        elif reason in UNSAFE:
            record.contraindicated |= bit
        elif reason == "completed":
            record.completed |= bit
        self._just_stopped |= bit
        self.visits.stop(treatment)
        self.write(Kind.STOP, self.program.treatments[treatment], reason, occurrence=self.body.course_count[treatment] - 1)
        self.desk.forget(treatment)

    def _stop_all(self, treatments: int, reason: str) -> None:
        for treatment in self._bits(treatments):
            self._stop(treatment, reason)

    def _barred(self) -> int:
        record = self.record
        return record.failed | record.intolerant | record.contraindicated

    def _set_holds(self, by_decision: int, by_condition: int, why: str) -> None:
        """Doses are held while anything asks for it; courses and approvals go on."""
        self.hold_by_decision = by_decision & self.record.regimen
        self.hold_by_condition = by_condition
        held = (self.hold_by_decision | by_condition) & self.record.regimen
        for treatment in self._bits(held ^ self.record.held):
            kind = Kind.HOLD if held >> treatment & 1 else Kind.RESUME
            self.write(kind, self.program.treatments[treatment], why)
        self.record.held = held

    # --- choosing and requests ----------------------------------------------------------------------------------

    def judge(self, rule: int, documents: int = EVERY_DOCUMENT, asked: int = 0) -> tuple[int, str]:
        """Evaluate a rule now, on the documents at hand and what is asked for; -1 is always met."""
        self.record.asked = asked
        return self.record.judge(rule, self.time, documents) if rule >= 0 else (int(Truth.MET), "")

    def _is_met(self, rule: int) -> bool:
        return self.judge(rule)[0] == Truth.MET

    def starts(self, regimen: int) -> int:
        """Treatments that ``regimen`` would newly start."""
        return regimen & ~self.record.regimen

    def _choose_at_entry(self) -> None:
        program = self.program
        nothing_to_choose = not program.lines and self.record.regimen == 0
        if self._entry_choice == "none" or nothing_to_choose or self.desk.request is not None:
            return
        first = max(self.record.line, 1) if self._entry_choice == "same_line" else self.record.line + 1
        self._choose(first, 0, "entry", self.entry_reason)

    def _choose_after_stop(self, reason: str) -> None:
        """The rest of the line first; a completed course never ends the line by itself."""
        request = self.desk.request
        if request is not None:
            starts = self.starts(request.regimen)
            unasked = self.program.access.treatments & ~request.asked  # its approval went with the course
            if not starts & (self._barred() | unasked):
                return
            self.desk.withdraw("superseded", only_start=True)
        self._choose(max(self.record.line, 1), 0, reason or "choice", "choice", beyond=reason not in ("completed", "good_response"))

    def _choose(self, line: int, candidate: int, trigger: str, reason: str, *, beyond: bool = True) -> None:
        """Ask for the first candidate that is open, from ``candidate`` of ``line`` on (rule 9)."""
        lines = self.program.lines
        first = line
        while line <= len(lines) and (beyond or line == first):
            for number in range(candidate, len(lines[line - 1])):
                option = lines[line - 1][number]
                newly = self.starts(option.regimen)
                if newly & (self._barred() | self._just_stopped):
                    continue
                if self.judge(option.rule)[0] != Truth.MET:
                    continue
                self._order(option.regimen, line, number, trigger, reason)
                return
            line += 1
            candidate = 0
        if beyond:
            self._last_resort(trigger, reason)

    def _order(self, regimen: int, line: int, number: int, trigger: str, reason: str) -> None:
        if self.starts(regimen):
            self.desk.ask(regimen=regimen, line=line, candidate=number, trigger=trigger, reason=reason)
            self._bridge()
        else:
            self._take_up(regimen, line, trigger, reason)

    def _bridge(self) -> None:
        """While the patient waits: what is taken goes on, or stops, or named treatments are added."""
        bridge, request = self.program.access.bridge, self.desk.request
        if bridge == PRESENT_REGIMEN or request is None or request.due <= self.time:
            return
        self._touch()
        if bridge == 0:
            self._stop_all(self.record.regimen & ~request.regimen, request.reason)
        for treatment in self._bits(self.starts(bridge) & ~(self._barred() | self._just_stopped)):
            self._start(treatment)
            self.body.course_line[treatment] = request.line  # what is bridged with acts as on the line that is asked for
            self._bridged |= 1 << treatment

    def _end_line(self, regimen: int, reason: str) -> None:
        """Stop what ``regimen`` leaves out; what only bridged stops without blame."""
        self._stop_all(self._bridged & self.record.regimen & ~regimen, "bridge")
        self._stop_all(self.record.regimen & ~regimen, reason)
        self._bridged = 0

    def begin(self, request: Request) -> None:
        """The regimen that was asked for can start."""
        self._take_up(request.regimen, request.line, request.trigger, request.reason)

    def turn_down(self, request: Request) -> None:
        """Denied for good: the next candidate."""
        self._choose(request.line, request.candidate + 1, request.trigger, request.reason)

    def _take_up(self, regimen: int, line: int, trigger: str, reason: str) -> None:
        """Change to ``regimen`` on ``line``: stops, the line, starts."""
        record = self.record
        self._touch()
        self._end_line(regimen, reason)
        is_new_line = line != record.line
        if is_new_line:
            record.begin_line(line, self.time)
            self._confirmation = (inf, -1, 0)
            self.visits.restart(ClockKind.LINE, -1, self.time, line)
        self._to_line_state()
        self.write(Kind.LINE, trigger)
        for treatment in self._bits(regimen & ~record.regimen):
            self._start(treatment)

    def _to_line_state(self) -> None:
        states = self.program.line_states
        state = states[min(self.record.line, len(states) - 1)]
        if state != self.state_number:
            self._move(state, "line")

    def _last_resort(self, trigger: str, reason: str) -> None:
        """No candidate is open: no treatment, the declared state."""
        self._touch()
        self._end_line(0, reason)
        self.record.begin_line(len(self.program.lines) + 1, self.time)
        self._confirmation = (inf, -1, 0)
        if self.state_number != self.program.last_resort:
            self._move(self.program.last_resort, "line")
        self.write(Kind.LINE, trigger, "no_candidate")

    def lapse(self, treatment: int) -> None:
        """An approval ran out: the course stops, without barring the drug."""
        self._touch()
        self.write(Kind.EXPIRE, self.program.treatments[treatment])
        self._stop(treatment, "not_covered")
        self._choose_after_stop("not_covered")

    # --- visits and decisions -----------------------------------------------------------------------------------

    def _visit(self) -> None:
        index = self.visits.hold(self.time)
        if index < 0 or self._awaits_entry_choice:
            return
        for number, decision in enumerate(self.program.decisions):
            self._try_decision(number, decision, index)

    def _is_open(self, decision: DecisionSpec) -> bool:
        if not decision.sources >> self.state_number & 1:
            return False
        if decision.treatment >= 0 and not self.record.regimen >> decision.treatment & 1:
            return False
        if decision.action is Action.EXCHANGE and not any(self.record.regimen >> treatment & 1 for treatment, _ in decision.exchange):
            return False
        return not (decision.choose and decision.action in (Action.NEXT_LINE, Action.STOP) and self.desk.request is not None)

    def _try_decision(self, number: int, decision: DecisionSpec, index: int) -> None:
        if not self._is_open(decision) or (decision.confirm is not None and self._confirmation[0] < inf):
            return
        if self._changes_nothing(decision):
            return
        truth, clause = self.judge(decision.rule)
        if truth != Truth.MET:
            return
        if decision.confirm is not None:
            self.write(Kind.DECIDE, decision.name, clause, measured=0.0)
            self._confirmation = (self.time + decision.confirm.after, number, index)
        else:
            self._decide(decision, clause)

    def _changes_nothing(self, decision: DecisionSpec) -> bool:
        bit = 1 << decision.treatment if decision.treatment >= 0 else 0
        if decision.action is Action.HOLD:
            return bool(self.hold_by_decision & bit)
        if decision.action is Action.RESUME:
            return not self.hold_by_decision & bit
        if decision.action is Action.REDUCE:
            return bool(self.record.reduced & bit)
        if decision.action is Action.RESTORE:
            return not self.record.reduced & bit
        if decision.action is Action.CLEAR:
            return not self.record.flags >> decision.flag & 1
        return decision.action is Action.FLAG and bool(self.record.flags >> decision.flag & 1)

    def _confirm(self) -> None:
        _, number, index = self._confirmation
        self._confirmation = (inf, -1, 0)
        decision = self.program.decisions[number]
        confirm = decision.confirm
        if confirm is None or not decision.sources >> self.state_number & 1:
            return
        self.write(Kind.VISIT, decision.name, "confirmatory")
        seen: set[int] = set()
        self.visits.examine(self.time, confirm.measures, confirm.findings, confirm.streams, index % OCCURRENCE_STRIDE, decision.name, seen)
        self.visits.compute_indices(self.time, seen, decision.name)
        if self._is_open(decision):
            truth, clause = self.judge(confirm.rule)
            if truth == Truth.MET:
                self._decide(decision, clause)

    def _decide(self, decision: DecisionSpec, clause: str) -> None:
        action = decision.action
        treatment = decision.treatment
        bit = 1 << treatment if treatment >= 0 else 0
        self.write(Kind.DECIDE, decision.name, clause, measured=1.0)
        if action is Action.NEXT_LINE:
            self._choose(self.record.line + 1, 0, decision.name, decision.reason or "progression")
        elif action is Action.STOP:
            self._touch()
            self._stop(treatment, decision.reason or "choice")
            if decision.choose:
                self._choose_after_stop(decision.reason)
        elif action is Action.HOLD:
            self._set_holds(self.hold_by_decision | bit, self.hold_by_condition, decision.name)
        elif action is Action.RESUME:
            self._set_holds(self.hold_by_decision & ~bit, self.hold_by_condition, decision.name)
        elif action is Action.EXCHANGE:
            self._exchange(decision)
        elif action is Action.REDUCE or action is Action.RESTORE:
            self._touch()
            self.record.reduced ^= bit
            self.write(Kind.REDUCE if action is Action.REDUCE else Kind.RESTORE, self.program.treatments[treatment], decision.name)
        elif action is Action.CLEAR:
            self._touch()
            self._clear_flag(decision.flag, decision.name)
        else:
            self._touch()
            self._set_flag(decision.flag, decision.name)

    def _exchange(self, decision: DecisionSpec) -> None:
        """One treatment for another on the same line, its approval with it: a step of dose, spacing, or full dose again."""
        self._touch()
        pairs = [pair for pair in decision.exchange if self.record.regimen >> pair[0] & 1]
        approvals = [self.desk.hand_over(treatment) for treatment, _ in pairs]
        for treatment, _ in pairs:
            self._stop(treatment, decision.reason)
        if decision.to == LINE_STATE:
            self._to_line_state()
        elif decision.to >= 0 and decision.to != self.state_number:
            self._move(decision.to, decision.name)
        for (treatment, other), approval in zip(pairs, approvals, strict=True):
            self._start(other, after=treatment)
            self.desk.take_over(other, approval)


def simulate(program: Program, cohort: Cohort, seed: int, sample: int = 0) -> EventLog:
    """Tell the history of every patient of the cohort.

    Parameters
    ----------
    program
        One strategy under one set of values.
    cohort
        Patients at entry; its covariates must be the program's.
    seed, sample
        Keys of all draws with the patient's number and the stream's name.

    Raises
    ------
    EngineError
        If cohort and program do not belong together, or a history does not end.
    """
    if cohort.covariates != program.covariates:
        raise EngineError(
            where="cohort",
            found=f"covariates {', '.join(cohort.covariates)}",
            expected=", ".join(program.covariates),
            mend="draw the cohort from the same scenario",
        )
    machine = StateMachine(program)
    rows: list[Row] = []
    knots: list[tuple[float, ...]] = []
    for position in range(cohort.size):
        patient = int(cohort.patient[position])
        life = Life(program, machine, cohort, position, (seed, sample, patient))
        clock = simpy.Environment()
        clock.process(life.live(clock))
        clock.run()
        rows.extend(life.rows)
        knots.extend((patient, *knot) for knot in life.knots)
    return _as_log(program, cohort.size, rows, knots)


def _as_log(program: Program, patients: int, rows: list[Row], knots: list[tuple[float, ...]]) -> EventLog:
    columns = zip(*rows, strict=True) if rows else [()] * len(EVENT_COLUMNS)
    events: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]] = {
        name: np.array(column, dtype=kind) for (name, kind), column in zip(EVENT_COLUMNS.items(), columns, strict=True)
    }
    table = np.array(knots, dtype=np.float64).reshape(len(knots), 2 + 2 * len(program.markers))
    path: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]] = {"patient": table[:, 0].astype(np.int64), "time": table[:, 1].copy()}
    for number, marker in enumerate(program.markers):
        path[f"{marker.name}_native"] = table[:, 2 + 2 * number].copy()
        path[marker.name] = table[:, 3 + 2 * number].copy()
    return EventLog(
        events=events,
        path=path,
        names=program.names,
        states=program.states,
        treatments=program.treatments,
        markers=tuple(marker.name for marker in program.markers),
        patients=patients,
    )
