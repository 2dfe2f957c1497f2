"""A cohort told without keeping its rows: block by block the histories are written, valued and summed up, and dropped.

A block runs through the same ledger and valuation as a whole log, so there is one meaning of both; outcomes are kept patient by patient, and floats that are added up over
patients go by hundreds (:mod:`pathway.economics.parts`). So the result is that of the log, bit for bit, for any block, any number of workers, and after an interruption. Only
rows that the ledger reads are written at all. Memory does not grow with the number of events.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from pathway.economics import ledger as ledgers
from pathway.economics.gathering import Gathering, Part
from pathway.economics.parts import HUNDRED, hundreds
from pathway.economics.quality import Quality, equal_value_years_gained, quality_of
from pathway.economics.summary import summarise
from pathway.economics.valuation import Outcomes, Terms, value
from pathway.engines import THREADED, simulate
from pathway.eventlog import EventLog
from pathway.program import Cohort, Program
from pathway.telling import Progress, processes

PILOT = 100
"""Patients of the block that estimates how long a run will take: few for the reference engine, enough to hide what a block costs besides its patients."""
BLOCK = 500
"""Patients told at a time, by each worker; some 20 MB a strategy. Measured: from 300 to 2,000 a life costs the same; fewer feel what a block costs besides its patients."""
KEPT = 31 * 2**20
"""Bytes of the array that tells the allocator to keep memory: just below the most that the C library of Linux learns from (32 MiB)."""


class BlockStore(Protocol):
    """Keeps finished blocks, so that an interrupted run can be resumed."""

    def load_block(self, strategies: tuple[str, ...], first: int, last: int) -> dict[str, Part] | None:
        """What stays of patients ``first`` to ``last`` (excluded) under each strategy, or None if they must be simulated."""

    def save_block(self, block: Mapping[str, Part], first: int, last: int) -> None:
        """Keep a block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is the same for every block.

    Attributes
    ----------
    programs
        By strategy.
    books, values
        Of the ledger: dosing, resources, and numbers that they name.
    terms
        Of the valuation; fixed, since there is no ledger to value again.
    comparator
        Strategy against which equal-value life-years are counted, where the terms have a norm.
    """

    programs: dict[str, Program]
    books: ledgers.Books
    values: dict[str, float]
    terms: Terms
    comparator: str
    seed: int
    engine: str = "compiled"
    sample: int = 0


def tell_block(job: Job, part: Cohort) -> dict[str, Part]:
    """Tell, value and sum up the same patients under every strategy."""
    found: dict[str, Part] = {}
    base: tuple[ledgers.Ledger, Quality] | None = None
    order = sorted(job.programs, key=lambda name: name != job.comparator)  # the comparator's ledger is needed by all others
    for name in order:
        log, ledger = _told(job, name, part)
        quality = quality_of(ledger, job.terms)
        base = (ledger, quality) if name == job.comparator else base
        gained = equal_value_years_gained(ledger, base[0], job.terms, known=(quality, base[1])) if base is not None and job.terms.utility.norm.size else None
        found[name] = Part(outcomes=value(ledger, job.terms, known=quality), summary=summarise(log, ledger, job.programs[name]), equal_value_years=gained)
    return {name: found[name] for name in job.programs}


def value_blocks(job: Job, cohort: Cohort, *, block: int | None = None) -> Iterator[tuple[str, slice, Outcomes]]:
    """Tell and value a cohort block by block, without summing histories up: the outcomes are those of :func:`accumulate`.

    Yields
    ------
    Strategy, patients of a block, and what they are worth.
    """
    _keep_memory()
    for first, last in _spans(cohort.size, BLOCK if block is None else block):
        part = cohort.part(first, last)
        for name in job.programs:
            yield name, slice(first, last), value(_told(job, name, part)[1], job.terms)


def _told(job: Job, name: str, part: Cohort) -> tuple[EventLog, ledgers.Ledger]:
    """Log and ledger of patients under one strategy, of the rows that the ledger reads."""
    program = job.programs[name]
    log = simulate(program, part, job.seed, sample=job.sample, engine=job.engine, threads=1, kinds=ledgers.kinds_read(job.books))
    return log, ledgers.build(log, program, part, job.books, job.values, is_ordered=False)


def _spans(patients: int, block: int) -> list[tuple[int, int]]:
    """First and last patient (excluded) of every block, of whole hundreds but for the last."""
    size = HUNDRED * hundreds(max(block, 1))
    return [(first, min(first + size, patients)) for first in range(0, patients, size)]


def seconds_of(job: Job, cohort: Cohort, *, workers: int) -> float:
    """Guess the seconds that a cohort will take, from a small block of it."""
    pilot = cohort.part(0, min(PILOT, cohort.size))
    tell_block(job, pilot.part(0, 1))
    begin = time.perf_counter()
    tell_block(job, pilot)
    return (time.perf_counter() - begin) * cohort.size / pilot.size / min(workers, hundreds(cohort.size))


def accumulate(
    job: Job, cohort: Cohort, *, block: int = BLOCK, workers: int = 1, progress: Progress | None = None, store: BlockStore | None = None
) -> dict[str, Part]:
    """Tell a cohort block by block and join what stays, in order of patients.

    Parameters
    ----------
    job
        Strategies, books and terms.
    block
        Patients at a time, rounded up to whole hundreds.
    workers
        Threads, or processes where the engine has no threads of its own.
    progress
        Called with all strategies as one.
    store
        Keeps finished blocks and gives back those it has.

    Returns
    -------
    By strategy; ``outcomes`` and ``summary`` equal those of a run with logs.
    """
    _keep_memory()
    names = tuple(job.programs)
    gathered = {name: Gathering(*ledgers.declared(program, job.books), cohort.size) for name, program in job.programs.items()}
    for last, found in _in_order(job, cohort, block, workers, store):
        for name in names:
            gathered[name].add(found[name])
        if progress:
            progress(f"{len(names)} strategies" if len(names) > 1 else names[0], last, cohort.size)
    return {name: gathered.pop(name).whole() for name in names}


def _keep_memory() -> None:
    """Let blocks use the memory of those before them.

    The C library of Linux gives freed memory back to the system, which clears every page again for the next block: a sixth of the processor time of a block. How much it
    keeps, it learns from the largest array freed so far; this one is never written to, so it costs nothing. Elsewhere nothing happens.
    """
    np.empty(KEPT, dtype=np.uint8)


def _in_order(job: Job, cohort: Cohort, block: int, workers: int, store: BlockStore | None) -> Iterator[tuple[int, dict[str, Part]]]:
    """Blocks in order of patients, each with the number of patients so far; a few are under way at a time."""
    spans = _spans(cohort.size, block)
    if workers == 1:
        for span in spans:
            yield span[1], _block(job, cohort, span, store)
        return
    pool: Executor = ThreadPoolExecutor(workers) if job.engine in THREADED else processes(workers)
    under_way: deque[tuple[tuple[int, int], Future[dict[str, Part]] | None, dict[str, Part] | None]] = deque()

    def oldest() -> tuple[int, dict[str, Part]]:
        span, task, known = under_way.popleft()
        found = known if task is None else task.result()
        assert found is not None
        if task is not None and store is not None:
            store.save_block(found, *span)
        return span[1], found

    try:
        for span in spans:
            known = store.load_block(tuple(job.programs), *span) if store is not None else None
            under_way.append((span, None if known else pool.submit(tell_block, job, cohort.part(*span)), known))
            if len(under_way) > 2 * workers:
                yield oldest()
        while under_way:
            yield oldest()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _block(job: Job, cohort: Cohort, span: tuple[int, int], store: BlockStore | None) -> dict[str, Part]:
    """One block, from the store if it has it."""
    known = store.load_block(tuple(job.programs), *span) if store is not None else None
    if known is not None:
        return known
    found = tell_block(job, cohort.part(*span))
    if store is not None:
        store.save_block(found, *span)
    return found
