"""Engines: anything that turns a program and a cohort into an event log, by the contract of :mod:`pathway.program`."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from pathway.errors import EngineError, did_you_mean
from pathway.eventlog import EventLog
from pathway.jit import is_cached
from pathway.program import Cohort, Program

ENGINES: dict[str, str] = {"reference": "pathway.engines.reference", "compiled": "pathway.engines.compiled"}
"""Name of an engine -> module with a function ``simulate(program, cohort, seed, sample)``. Loaded when first asked for."""
THREADED = frozenset({"compiled"})
"""Engines that tell patients side by side themselves; for the others several processes do."""


def check_engine(engine: str) -> None:
    """Refuse an engine that there is not."""
    if engine not in ENGINES:
        raise EngineError(
            where="engine",
            found=engine or "an empty name",
            expected=" or ".join(ENGINES),
            mend=did_you_mean(engine, list(ENGINES)) or "choose one of these, or leave engine out",
        )


def simulate(program: Program, cohort: Cohort, seed: int, *, sample: int = 0, engine: str = "reference", threads: int | None = None) -> EventLog:
    """Run one program over a cohort; ``threads`` side by side, where the engine can. Results do not depend on it.

    Raises
    ------
    EngineError
        If there is no such engine, or the engine lacks something the program asks for.
    """
    check_engine(engine)
    run: Callable[..., EventLog] = import_module(ENGINES[engine]).simulate
    if engine in THREADED:
        return run(program, cohort, seed, sample, threads=threads)
    return run(program, cohort, seed, sample)


def needs_compiling(engine: str) -> bool:
    """Tell whether an engine must be compiled before it runs (once; it is kept for later runs)."""
    return engine in THREADED and not is_cached("live_all")
