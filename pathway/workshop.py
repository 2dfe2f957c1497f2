"""Work done beside the main process: figures drawn, structural alternatives run.

A :class:`Workshop` hands tasks to processes of its own, which are made clean (never copied from this one, whose threads and locks they would inherit) and load what
they need while this one still reads documents. With one worker there are no other processes: a task is done when its answer is asked for. Results do not
depend on it. This module must not know what the tasks are.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Answer(Protocol[T_co]):
    """What a task will have given."""

    def result(self) -> T_co:
        """Wait for it; what the task raised is raised here."""


@dataclass(frozen=True, slots=True)
class Deferred(Generic[T]):
    """A task done in this process, when it is asked for."""

    task: Callable[..., T]
    words: tuple[Any, ...]

    def result(self) -> T:
        """Do it."""
        return self.task(*self.words)


def _prepare(modules: Sequence[str]) -> None:
    """Load what tasks will need; an interruption is the main process's affair."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in modules:
        import_module(name)


def _ready() -> None:
    """Do nothing: makes a process start."""


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Processes started here ignore Ctrl-C from their first moment, before they can say so themselves."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, kept)


def _context(modules: Sequence[str]) -> BaseContext:
    """How processes are made: by one that has loaded the modules, where there is such a thing."""
    context = multiprocessing.get_context("forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn")
    context.set_forkserver_preload(list(modules))
    return context


def begin_loading(modules: Sequence[str]) -> None:
    """Let the process from which those of a :class:`Workshop` will be made load these modules, while this one does something else."""
    if _context(modules).get_start_method() == "forkserver":
        from multiprocessing import forkserver

        with _uninterrupted():
            forkserver.ensure_running()


class Workshop:
    """Processes for tasks.

    Parameters
    ----------
    workers
        Processes; 1: none beside this one.
    modules
        Loaded by each before its first task.

    Examples
    --------
    >>> with Workshop(1) as shop:
    ...     shop.submit(pow, 2, 10).result()
    1024
    """

    def __init__(self, workers: int, modules: Sequence[str] = ()) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._processes: set[BaseProcess] = set()
        if workers > 1:
            self._pool = ProcessPoolExecutor(workers, mp_context=_context(modules), initializer=_prepare, initargs=(tuple(modules),))
            before = set(multiprocessing.active_children())
            with _uninterrupted():
                for _ in range(workers):
                    self._pool.submit(_ready)
            self._processes = set(multiprocessing.active_children()) - before

    def submit(self, task: Callable[..., T], *words: object) -> Answer[T]:
        """Hand in a task: a function of a module, and what it is given; both are sent to another process."""
        if self._pool is None:
            return Deferred(task, words)
        answer: Future[T] = self._pool.submit(task, *words)
        return answer

    def __enter__(self) -> Workshop:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._pool is None:
            return
        if kind is not None:  # nobody waits for what they are doing
            for process in self._processes:
                process.terminate()
        self._pool.shutdown(wait=kind is None, cancel_futures=True)
