"""A cohort told in chunks, perhaps by several processes: the log is that of the whole.

A chunk's histories depend on its patients' keys only, so neither the number of workers nor the size of a chunk moves a result.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed

from pathway.engines import THREADED, simulate
from pathway.eventlog import EventLog, concatenate
from pathway.program import Cohort, Program

CHUNK = 100
"""Patients a worker takes at a time."""
THREADED_CHUNK = 5_000
"""Patients an engine with threads of its own takes at a time."""

Progress = Callable[[str, int, int], None]
"""Called with (strategy, patients done, patients in all)."""


def processes(workers: int) -> ProcessPoolExecutor:
    """Processes for chunks. On Ctrl-C they end without a word: the one that started them tells it."""
    return ProcessPoolExecutor(workers, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_DFL))


def chunks(cohort: Cohort, size: int = CHUNK) -> Iterator[Cohort]:
    """Cut a cohort into parts of at most ``size`` patients, in order."""
    for first in range(0, cohort.size, size):
        yield cohort.part(first, min(first + size, cohort.size))


def _simulate_chunk(program: Program, part: Cohort, seed: int, sample: int, engine: str) -> EventLog:
    return simulate(program, part, seed, sample=sample, engine=engine)


def simulate_strategy(
    program: Program,
    cohort: Cohort,
    seed: int,
    *,
    sample: int = 0,
    engine: str = "reference",
    pool: ProcessPoolExecutor | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> EventLog:
    """Run one program over a cohort in chunks; the log is that of the whole, in order of patients."""
    parts = list(chunks(cohort, THREADED_CHUNK if engine in THREADED else CHUNK))
    logs: list[EventLog | None] = [None] * len(parts)
    done = 0
    if pool is None:
        for number, part in enumerate(parts):
            logs[number] = simulate(program, part, seed, sample=sample, engine=engine, threads=workers)
            done += part.size
            if progress:
                progress(program.strategy, done, cohort.size)
    else:
        tasks = {pool.submit(_simulate_chunk, program, part, seed, sample, engine): number for number, part in enumerate(parts)}
        for task in as_completed(tasks):
            number = tasks[task]
            logs[number] = task.result()
            done += parts[number].size
            if progress:
                progress(program.strategy, done, cohort.size)
    return concatenate([log for log in logs if log is not None])
