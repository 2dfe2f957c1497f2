"""The finite-state machine of the pathway, one for all patients.

Built once from ``program.moves`` with the ``transitions`` package and fired for any patient: no machine, no bound method and no registration
per patient. It knows which move leads where; when it happens is the clock's business.
"""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from transitions import Machine, MachineError, State

from pathway.errors import EngineError
from pathway.program import Program


class HasState(Protocol):
    """Anything with a place in the pathway."""

    state: str


class StateMachine:
    """Legal moves of a program.

    Examples
    --------
    ``machine.move(patient, "death_background")`` changes ``patient.state`` or raises.
    """

    __slots__ = ("_events", "_machine")

    def __init__(self, program: Program) -> None:
        self._machine = Machine(
            model=None,
            states=list(program.states),
            initial=program.states[program.start_state],
            auto_transitions=False,
        )
        for move in program.moves:
            sources: list[str | Enum | State] = [name for bit, name in enumerate(program.states) if move.sources >> bit & 1]
            self._machine.add_transition(move.trigger, sources, program.states[move.to])
        self._events = self._machine.events

    def move(self, patient: HasState, trigger: str) -> None:
        """Fire ``trigger`` for ``patient``.

        Raises
        ------
        EngineError
            If the move is not legal from the patient's state; the state is left as it was.
        """
        try:
            self._events[trigger].trigger(patient)
        except (KeyError, MachineError) as fault:
            raise EngineError(
                where=f"move {trigger}",
                found=f"state {patient.state}",
                expected="a state from which the pathway allows this move",
                mend="look at the machine with: pathway draw",
            ) from fault
