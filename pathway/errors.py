"""One family of errors, each fault in four parts: where, found, expected, mend.

Faults of a document are gathered and raised together. Text that came from a document is shown with control and direction-changing characters
escaped, so that a message cannot be made to lie.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

SHOWN_FAULTS = 50
"""More faults than this are counted, not listed."""


def shown(text: str, longest: int = 300) -> str:
    r"""Text as it may be printed: control and direction-changing characters escaped, long text cut.

    Examples
    --------
    >>> shown("price\u202e\n")
    'price\\u202e\\n'
    """
    safe = "".join(
        character if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") else character.encode("unicode_escape").decode()
        for character in text
    )
    return safe if len(safe) <= longest else safe[: longest - 3] + "..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong, told to somebody tired."""

    where: str
    found: str
    expected: str = ""
    mend: str = ""

    def __str__(self) -> str:
        parts = [("found", self.found), ("expected", self.expected), ("mend", self.mend)]
        return "\n".join([shown(self.where), *(f"  {name:<9} {shown(text)}" for name, text in parts if text)])


class PathwayError(Exception):
    """Base of all errors this package raises on purpose.

    Parameters
    ----------
    faults
        What is wrong; or give one fault by its parts.
    """

    def __init__(self, faults: Iterable[Fault] = (), *, where: str = "", found: str = "", expected: str = "", mend: str = "") -> None:
        given = tuple(faults)
        self.faults: tuple[Fault, ...] = given or (Fault(where=where, found=found, expected=expected, mend=mend),)
        # The arguments must rebuild the error: SimPy and process pools make it anew from them.
        super().__init__(self.faults)

    def __str__(self) -> str:
        listed = "\n\n".join(str(fault) for fault in self.faults[:SHOWN_FAULTS])
        more = len(self.faults) - SHOWN_FAULTS
        return listed + (f"\n\nand {more} more" if more > 0 else "")


class ScenarioError(PathwayError):
    """A document is at fault."""


class EvidenceError(PathwayError):
    """A number of the evidence is at fault."""


class UnitError(PathwayError):
    """A unit is unknown or of another dimension."""


class DrawError(PathwayError):
    """A key of a random draw is out of range, or two streams collide."""


class ProgramError(PathwayError):
    """A program cannot be compiled from the documents."""


class EngineError(PathwayError):
    """An engine cannot run the program."""


class EconomicsError(PathwayError):
    """Costs or outcomes cannot be computed."""


@dataclass(slots=True)
class FaultList:
    """Gathers faults so that all can be told at once."""

    faults: list[Fault] = field(default_factory=list)

    def add(self, *, where: str, found: str, expected: str = "", mend: str = "") -> None:
        """Note one fault."""
        self.faults.append(Fault(where=where, found=found, expected=expected, mend=mend))

    def extend(self, faults: Iterable[Fault]) -> None:
        """Note several."""
        self.faults.extend(faults)

    def raise_if_any(self, kind: type[PathwayError] = ScenarioError) -> None:
        """Raise all of them as one error, if there are any."""
        if self.faults:
            raise kind(faults=self.faults)


def did_you_mean(word: str, choices: Sequence[str]) -> str:
    """Suggest the nearest of ``choices``; empty when none is near.

    Examples
    --------
    >>> did_you_mean("disount_rate", ["discount_rate", "horizon"])
    "did you mean 'discount_rate'?"
    """
    near = difflib.get_close_matches(word, choices, n=1, cutoff=0.6) or difflib.get_close_matches(
        word.lower(), [choice for choice in choices if choice == choice.lower()], n=1, cutoff=0.6
    )
    return f"did you mean '{near[0]}'?" if near else ""
