"""Engines: anything that turns a program and a cohort into an event log, by the contract of :mod:`pathway.program`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from importlib import import_module

from pathway.engines.unread import without_unread
from pathway.errors import EngineError, did_you_mean
from pathway.eventlog import EventLog, Kind
from pathway.jit import is_cached
from pathway.program import Cohort, Program
from pathway.recent import Recent

ENGINES: dict[str, str] = {"reference": "pathway.engines.reference", "compiled": "pathway.engines.compiled"}
"""Name of an engine -> module with a function ``simulate(program, cohort, seed, sample)``. Loaded when first asked for."""
THREADED = frozenset({"compiled"})
"""Engines that tell patients side by side themselves; for the others several processes do."""

LEAN = Recent(without_unread)
"""Programs without what nobody reads."""


def check_engine(engine: str) -> None:
    """Refuse an engine that there is not."""
    if engine not in ENGINES:
        raise EngineError(
            where="engine",
            found=engine or "an empty name",
            expected=" or ".join(ENGINES),
            mend=did_you_mean(engine, list(ENGINES)) or "choose one of these, or leave engine out",
        )


def simulate(
    program: Program, cohort: Cohort, seed: int, *, sample: int = 0, engine: str = "reference", threads: int | None = None, kinds: Collection[Kind] | None = None
) -> EventLog:
    """Run one program over a cohort; ``threads`` side by side, where the engine can. Results do not depend on it.

    With ``kinds`` only rows of these kinds are kept: the log is the whole one with the others struck out, and what nobody would read is not drawn.

    Raises
    ------
    EngineError
        If there is no such engine, or the engine lacks something the program asks for.
    """
    check_engine(engine)
    run: Callable[..., EventLog] = import_module(ENGINES[engine]).simulate
    if kinds is not None:
        program = LEAN(program, frozenset(kinds))
    if engine in THREADED:
        return run(program, cohort, seed, sample, threads=threads, kinds=tuple(Kind) if kinds is None else kinds)
    log = run(program, cohort, seed, sample)
    return log if kinds is None else log.only(kinds)


def needs_compiling(engine: str) -> bool:
    """Tell whether an engine must be compiled before it runs (once; it is kept for later runs)."""
    return engine in THREADED and not is_cached("live_all")
