"""Logs of finished strategies, or what stays of finished blocks, kept beside an unfinished run so that it can be resumed.

The folder's name is a hash of everything that fixes the histories (documents, version, seed, patients, engine): a log is used again only by the very same run. It is removed when the run is written.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pathway import __version__
from pathway.economics.gathering import Part
from pathway.errors import PathwayError
from pathway.eventlog import EventLog
from pathway.report.writer import safe_name

if TYPE_CHECKING:
    from pathway.definition.scenario import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class LogStore:
    """One unfinished run's folder.

    Attributes
    ----------
    folder
        Made when the first log is saved.
    reads
        Are logs found there used? Otherwise they are only saved.
    """

    folder: Path
    reads: bool

    def load(self, strategy: str) -> EventLog | None:
        """Log of a strategy that finished before, or None."""
        path = self.folder / f"{safe_name(strategy)}.npz"
        if not self.reads or not path.is_file():
            return None
        try:
            return self._read(path)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
            return None  # cut short or damaged: the strategy is simulated again

    def _read(self, path: Path) -> EventLog:
        """Log in a file."""
        with np.load(path, allow_pickle=False) as kept:
            events = {name.removeprefix("events:"): kept[name] for name in kept.files if name.startswith("events:")}
            paths = {name.removeprefix("path:"): kept[name] for name in kept.files if name.startswith("path:")}
            words = {name: tuple(str(word) for word in kept[name]) for name in ("names", "states", "treatments", "markers")}
            return EventLog(events=events, path=paths, patients=int(kept["patients"]), **words)

    def save(self, strategy: str, log: EventLog) -> None:
        """Keep the log of a finished strategy; whole or not at all."""
        self._make_folder()
        final = self.folder / f"{safe_name(strategy)}.npz"
        working = final.with_suffix(".part.npz")
        columns: dict[str, Any] = {
            **{f"events:{name}": column for name, column in log.events.items()}, **{f"path:{name}": column for name, column in log.path.items()},
            "patients": log.patients, "names": np.array(log.names), "states": np.array(log.states), "treatments": np.array(log.treatments), "markers": np.array(log.markers),
        }  # fmt: skip
        np.savez(working, **columns)
        working.rename(final)

    def load_block(self, strategies: tuple[str, ...], first: int, last: int) -> dict[str, Part] | None:
        """What stayed of these patients under these strategies, or None."""
        path = self.folder / self._block_name(strategies, first, last)
        if not self.reads or not path.is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as kept:
                arrays = {name: kept[name] for name in kept.files}
            return {strategy: Part.of_arrays({name.removeprefix(f"{k}:"): arrays[name] for name in arrays if name.startswith(f"{k}:")}) for k, strategy in enumerate(strategies)}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
            return None  # cut short or damaged: the block is simulated again

    def save_block(self, block: Mapping[str, Part], first: int, last: int) -> None:
        """Keep a finished block; whole or not at all."""
        self._make_folder()
        final = self.folder / self._block_name(tuple(block), first, last)
        working = final.with_suffix(".part.npz")
        columns: dict[str, Any] = {f"{k}:{name}": column for k, part in enumerate(block.values()) for name, column in part.arrays().items()}
        np.savez(working, **columns)
        working.rename(final)

    def _block_name(self, strategies: tuple[str, ...], first: int, last: int) -> str:
        named = hashlib.sha256("\n".join(strategies).encode()).hexdigest()[:8]
        return f"block-{named}-{first}-{last}.npz"

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PathwayError(where="--output", found=error.strerror or "cannot be written", expected="a folder that can be written to", mend="give another --output") from None

    def clear(self) -> None:
        """The run is written: nothing to resume."""
        shutil.rmtree(self.folder, ignore_errors=True)


def check_output(output: Path) -> None:
    """Refuse a folder that cannot be written to, before anything is simulated; nothing is made.

    Raises
    ------
    PathwayError
        If the folder, or the nearest one above it that exists, is no folder or may not be written to.
    """
    nearest = next((folder for folder in (output, *output.absolute().parents) if folder.exists()), output)
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise PathwayError(
            where=f"--output {output}",
            found=f"{nearest} is not a folder" if not nearest.is_dir() else f"{nearest} cannot be written to",
            expected="a folder that can be written to",
            mend="give another --output",
        )


def store_of(scenario: Scenario, output: Path, *, patients: int | None, seed: int | None, engine: str | None, reads: bool) -> LogStore:
    """Folder of an unfinished run with these settings."""
    study = scenario.study
    parts = [
        __version__, scenario.sha256, *(f"{name}:{digest}" for name, digest in scenario.library.files), str(patients or study.patients),
        str(study.seed if seed is None else seed), engine or study.engine, repr(sorted(scenario.switches.items())),
    ]  # fmt: skip
    for name, column in sorted((scenario.patients or {}).items()):
        parts.append(f"{name}:{hashlib.sha256(column.tobytes()).hexdigest()}")
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
    return LogStore(folder=output / safe_name(study.id) / f".resume-{digest}", reads=reads)
