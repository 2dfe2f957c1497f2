"""The compiled engine: a twin of the reference, for cohorts.

A program is laid out as two flat arrays (:mod:`pathway.engines.compiled_packing`) and lives are told by compiled code that knows neither disease, drug nor payer
(:mod:`pathway.engines.compiled_life`), so a new disease, drug or rule compiles nothing. Threads tell blocks of patients side by side; since draws are keyed by
patient, neither their number nor the size of a block moves a bit. It has no shared capacity (chairs, slots, desks): for that there is the reference engine.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pathway.engines import compiled_layout as at
from pathway.engines.compiled_life import CHOOSES_NEXT_LINE, CHOOSES_NOTHING, CHOOSES_SAME_LINE, live_all
from pathway.engines.compiled_packing import Packed, pack
from pathway.errors import EngineError
from pathway.eventlog import EVENT_COLUMNS, EventLog, Kind, concatenate
from pathway.program import EVENT_LIMIT, Cohort, Program
from pathway.recent import Recent

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

PACKED = Recent(pack)
"""Programs laid out."""
BLOCK = 512
"""Patients a thread takes at a time."""
ROWS_A_LIFE, KNOTS_A_LIFE = 400, 100
"""First guess of how many rows and knots a life has; buffers that are too small are doubled."""
CHOICES = {"next_line": CHOOSES_NEXT_LINE, "same_line": CHOOSES_SAME_LINE, "none": CHOOSES_NOTHING}
COLUMNS = {
    "patient": at.W_PATIENT, "kind": at.W_KIND, "name": at.W_NAME, "detail": at.W_DETAIL, "occurrence": at.W_OCCURRENCE, "state": at.W_STATE,
    "regimen": at.W_REGIMEN, "line": at.W_LINE,
}  # fmt: skip
VALUES = {"time": at.Y_TIME, "true": at.Y_TRUE, "measured": at.Y_MEASURED, "native": at.Y_NATIVE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A cohort as compiled code wants it, flat: shapes (n * covariates,), (n,), (3 n,) of line, regimen and failed, (n,)."""

    covariates: Floats
    patients: Ints
    registers: Ints
    years_on: Floats


class Teller:
    """Work arrays and buffers of one thread.

    Parameters
    ----------
    packed
        The program.
    program, cohort
        What it was packed from, for names and messages.
    seed, sample
        Keys of all draws.
    kinds
        Of the rows that are kept.
    keeps_path
        Is the path of the markers kept?
    """

    __slots__ = ("_knots", "_packed", "_program", "_real", "_rows", "_values", "_whole")

    def __init__(
        self, packed: Packed, program: Program, cohort: Cohort, seed: int, sample: int, *, kinds: Collection[Kind] = tuple(Kind), keeps_path: bool = True
    ) -> None:
        self._packed = packed
        self._program = program
        self._whole: Ints = np.zeros(packed.work_whole, dtype=np.int64)
        self._real: Floats = np.zeros(packed.work_real, dtype=np.float64)
        self._whole[at.S_SEED] = seed
        self._whole[at.S_SAMPLE] = sample
        self._whole[at.S_ENTRY_CHOICE] = CHOICES[cohort.choose]
        self._whole[at.S_ENTRY_REASON] = program.name_ids.get(cohort.reason, -1)
        self._whole[at.S_KEEPS] = sum(1 << int(kind) for kind in kinds)
        self._whole[at.S_KEEPS_PATH] = int(keeps_path)
        self._resize(BLOCK * ROWS_A_LIFE * len(kinds) // len(Kind), BLOCK * KNOTS_A_LIFE if keeps_path else 0)

    def _resize(self, rows: int, knots: int) -> None:
        self._whole[at.S_ROW_ROOM], self._whole[at.S_KNOT_ROOM] = rows, knots
        self._rows: Ints = np.empty((rows, at.W_SIZE), dtype=np.int64)
        self._values: Floats = np.empty((rows, at.Y_SIZE), dtype=np.float64)
        self._knots: Floats = np.empty((knots, 2 + 2 * len(self._program.markers)), dtype=np.float64)

    def tell(self, entry: Entry, first: int, last: int) -> EventLog:
        """Histories of patients ``first`` to ``last`` (excluded)."""
        parts: list[EventLog] = []
        while first < last:
            done = self._run(entry, first, last)
            if done > first:
                parts.append(self._log(done - first))
            self._mend(int(self._whole[at.S_FAULT]), entry, done, is_stuck=done == first)
            first = done
        return parts[0] if len(parts) == 1 else concatenate(parts)

    def count(self, entry: Entry, first: int, last: int) -> int:
        """Rows of the histories of these patients."""
        done = self._run(entry, first, last)
        if done < last:
            self._mend(int(self._whole[at.S_FAULT]), entry, done, is_stuck=True)
        return int(self._whole[at.S_TOLD])

    def _run(self, entry: Entry, first: int, last: int) -> int:
        self._whole[at.S_ROWS] = self._whole[at.S_TOLD] = self._whole[at.S_KNOTS] = self._whole[at.S_FAULT] = 0
        return int(
            live_all(
                self._packed.whole, self._packed.real, self._whole, self._real, self._rows.ravel(), self._values.ravel(), self._knots.ravel(),
                entry.covariates, entry.patients, entry.registers, entry.years_on, first, last,
            )
        )  # fmt: skip

    def _mend(self, fault: int, entry: Entry, position: int, *, is_stuck: bool) -> None:
        """Make room for a life that did not fit, or say what is wrong with it."""
        if fault in (at.FAULT_ROWS, at.FAULT_KNOTS):
            if is_stuck:
                self._resize(2 * len(self._rows), 2 * len(self._knots))
        elif fault:
            time = float(self._real[at.Z_TIME])
            state = self._program.states[int(self._whole[at.S_STATE])]
            is_endless = fault == at.FAULT_ENDLESS
            raise EngineError(
                where=f"patient {int(entry.patients[position])} at {time:.3f} years, strategy {self._program.strategy}",
                found=f"more than {EVENT_LIMIT} rows" if is_endless else f"a change of line from state {state}",
                expected="a pathway that moves on" if is_endless else "a state from which the pathway allows this move",
                mend="look for decisions that undo each other at one visit" if is_endless else "look at the machine with: pathway draw",
            )

    def _log(self, patients: int) -> EventLog:
        rows, knots = int(self._whole[at.S_ROWS]), int(self._whole[at.S_KNOTS])
        program = self._program
        events: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]] = {}
        for name, kind in EVENT_COLUMNS.items():
            source = self._rows[:rows, COLUMNS[name]] if name in COLUMNS else self._values[:rows, VALUES[name]]
            events[name] = source.astype(kind)
        path: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]] = {
            "patient": self._knots[:knots, 0].astype(np.int64), "time": self._knots[:knots, 1].copy(),
        }  # fmt: skip
        for number, marker in enumerate(program.markers):
            path[f"{marker.name}_native"] = self._knots[:knots, 2 + 2 * number].copy()
            path[marker.name] = self._knots[:knots, 3 + 2 * number].copy()
        return EventLog(
            events=events, path=path, names=program.names, states=program.states, treatments=program.treatments,
            markers=tuple(marker.name for marker in program.markers), patients=patients,
        )  # fmt: skip


def blocks(size: int, block: int = BLOCK) -> Iterator[tuple[int, int]]:
    """Cut so many patients into blocks, in order."""
    for first in range(0, size, block):
        yield first, min(first + block, size)


def entry_of(cohort: Cohort) -> Entry:
    """Lay a cohort out."""
    return Entry(
        covariates=np.ascontiguousarray(cohort.values, dtype=np.float64).ravel(),
        patients=np.ascontiguousarray(cohort.patient, dtype=np.int64),
        registers=np.ascontiguousarray(np.stack([cohort.line, cohort.regimen, cohort.failed], axis=1), dtype=np.int64).ravel(),
        years_on=np.ascontiguousarray(cohort.years_on, dtype=np.float64),
    )


def check(program: Program, cohort: Cohort) -> None:
    """Refuse what this engine cannot run.

    Raises
    ------
    EngineError
        If cohort and program do not belong together.
    """
    if cohort.covariates != program.covariates:
        raise EngineError(
            where="cohort",
            found=f"covariates {', '.join(cohort.covariates)}",
            expected=", ".join(program.covariates),
            mend="draw the cohort from the same scenario",
        )


def simulate(
    program: Program, cohort: Cohort, seed: int, sample: int = 0, *, threads: int | None = None, block: int = BLOCK, kinds: Collection[Kind] = tuple(Kind)
) -> EventLog:
    """Tell the history of every patient of the cohort.

    Parameters
    ----------
    program
        One strategy under one set of values.
    cohort
        Patients at entry; its covariates must be the program's.
    seed, sample
        Keys of all draws with the patient's number and the stream's name.
    threads
        Side by side; all processors when absent. Results do not depend on it.
    block
        Patients a thread takes at a time. Results do not depend on it.
    kinds
        Kinds of rows to keep; the others are told, not written.

    Raises
    ------
    EngineError
        If cohort and program do not belong together, or a history does not end.
    """
    check(program, cohort)
    packed, entry = PACKED(program), entry_of(cohort)
    parts = list(blocks(cohort.size, block))
    wanted = max(min(threads or os.cpu_count() or 1, len(parts)), 1)
    if wanted == 1:
        teller = Teller(packed, program, cohort, seed, sample, kinds=kinds)
        return _joined([teller.tell(entry, first, last) for first, last in parts], program)
    idle = [Teller(packed, program, cohort, seed, sample, kinds=kinds) for _ in range(wanted)]

    def tell(part: tuple[int, int]) -> EventLog:
        teller = idle.pop()
        try:
            return teller.tell(entry, *part)
        finally:
            idle.append(teller)

    with ThreadPoolExecutor(wanted) as pool:
        return _joined(list(pool.map(tell, parts)), program)


def count_rows(program: Program, cohort: Cohort, seed: int, sample: int = 0, *, threads: int = 1, block: int = BLOCK) -> int:
    """Tell every history without keeping its rows, and count them: what the engine alone costs.

    Parameters as in :func:`simulate`.
    """
    check(program, cohort)
    packed, entry = PACKED(program), entry_of(cohort)

    def count(part: tuple[int, int]) -> int:
        return Teller(packed, program, cohort, seed, sample, kinds=(), keeps_path=False).count(entry, *part)

    parts = list(blocks(cohort.size, max(block, -(-cohort.size // max(threads, 1)))))
    if threads == 1:
        return sum(count(part) for part in parts)
    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(count, parts))


def _joined(logs: list[EventLog], program: Program) -> EventLog:
    if len(logs) == 1:
        return logs[0]
    if not logs:
        raise EngineError(where=f"strategy {program.strategy}", found="no patients", expected="a cohort of at least one")
    return concatenate(logs)
