"""The last few results of a costly reading of a program: a run that tells its patients block by block asks for the same again and again.

A program is known again by being the same object, not by what it holds, which takes as long to compare as to read. This module must not know what is read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from pathway.program import Program

Made = TypeVar("Made")
KEPT = 16


class Recent(Generic[Made]):
    """Keeps what a function made of the last programs; may be asked from several threads.

    Parameters
    ----------
    make
        Called with a program and what else it goes by.
    """

    __slots__ = ("_kept", "_make")

    def __init__(self, make: Callable[..., Made]) -> None:
        self._make = make
        self._kept: tuple[tuple[Program, tuple[object, ...], Made], ...] = ()

    def __call__(self, program: Program, *more: object) -> Made:
        """The result, made now or before."""
        for known, went_by, made in self._kept:
            if known is program and went_by == more:
                return made
        made = self._make(program, *more)
        self._kept = (*self._kept[1 - KEPT :], (program, more, made))  # one assignment: a thread sees the old row or the new one
        return made
