"""What every command does alike: faults in plain words, exit codes, progress, and paths as the user sees them.

Heavy imports wait until they are needed. This module must not know any command.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

INPUT_AT_FAULT = 2
INTERRUPTED = 130
MOST_PATIENTS = 10_000_000
"""As in a study."""
Tell = Callable[[str, int, int], None]
Calibration = Annotated[Optional[str], typer.Option(metavar="NAME", help="a calibrated table of the disease in place of its evidence")]  # noqa: UP045


@contextmanager
def guarded() -> Iterator[None]:
    """Turn faults into plain words and exit codes; no traceback for what a user can mend."""
    from pathway.errors import PathwayError

    try:
        yield
    except PathwayError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(INPUT_AT_FAULT) from None
    except KeyboardInterrupt:
        typer.echo("interrupted; no result was written (a run goes on from its finished strategies with --resume)", err=True)
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        # The reader of a pipe left; that is no fault of the input.
        sys.stderr.close()
        raise typer.Exit(0) from None


@contextmanager
def progress_of() -> Iterator[Tell]:
    """Bars on a terminal, and silence but for milestones elsewhere."""
    if not sys.stderr.isatty():
        told: set[str] = set()

        def plain(what: str, done: int, total: int) -> None:
            if total and done == total and what not in told:
                told.add(what)
                typer.echo(f"{what}: {total:,} done", err=True)

        yield plain
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bars = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    tasks: dict[str, TaskID] = {}
    with bars:
        yield lambda what, done, total: _advance(bars, tasks, what, done, total)


def _advance(bars: Progress, tasks: dict[str, TaskID], what: str, done: int, total: int) -> None:
    """Move one bar; a total of 0 names a step of unknown length."""
    key = what if total else "step"
    if key not in tasks:
        tasks[key] = bars.add_task(what, total=total or None)
    bars.update(tasks[key], completed=done, description=what)


def relative(path: Path) -> str:
    """Path from where the user stands, if it lies below."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
