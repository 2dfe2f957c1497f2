"""The invariant of the books (I48): nothing negative is used or paid, and drugs are used only by those who are on them.

It reads a ledger as a table of uses. This module must not know a price or a drug.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

import numpy as np
import pandas as pd

from pathway.invariants.history import Bools, Floats, History, Ints
from pathway.invariants.predicates import held, on

ID = "I48"
WORDS = "Nothing negative is used or paid, and drugs are used only by those who are on them, not while doses are held"
DRUG = "drug"


class Books(Protocol):
    """What is read of a ledger."""

    @property
    def use(self) -> Mapping[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]:
        """Columns patient (position), category, item, quantity, start, stop."""

    @property
    def items(self) -> tuple[str, ...]:
        """Names of items."""

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of categories."""


class Dosing(Protocol):
    """One row of ``dosing.csv``."""

    @property
    def treatment(self) -> str:
        """Whose it is."""

    @property
    def item(self) -> str:
        """What is used."""


def ledger_violations(history: History, books: Books, dosing: Iterable[Dosing], costs: Floats | None = None, *, shared: Iterable[str] = ()) -> pd.DataFrame:
    """Uses that no history explains, and costs below zero.

    Parameters
    ----------
    history
        Histories of the ledger.
    books
        The ledger.
    dosing
        Which treatment uses which item.
    costs
        Cost by patient and category, shape (patients, categories), if they are to be checked too.
    shared
        Items that are also used for other reasons than a course (prophylaxis by regimen): their uses need no course.

    Returns
    -------
    One row a violation: ``patient`` (number in the log), ``time``, ``invariant``, ``words``, ``happened``. Empty: all hold.
    """
    use = books.use
    position, start = np.asarray(use["patient"], dtype=np.int64), np.asarray(use["start"], dtype=np.float64)
    quantity, item = np.asarray(use["quantity"], dtype=np.float64), np.asarray(use["item"], dtype=np.int64)
    negative = ~(quantity >= 0.0)
    is_drug = np.asarray(use["category"]) == (books.categories.index(DRUG) if DRUG in books.categories else -1)
    is_drug &= ~np.isin(item, [books.items.index(name) for name in shared if name in books.items])
    unexplained = is_drug & ~_may_use(history, books, dosing, position, start, item)
    trace = history.trace("row")
    numbers = np.asarray(history.log.events["patient"], dtype=np.int64)[np.unique(trace.first)]
    parts = [
        _rows(
            numbers,
            position[chosen],
            start[chosen],
            [f"{books.items[one]} {amount:g}" for one, amount in zip(item[chosen], quantity[chosen], strict=True)],
            why,
        )
        for chosen, why in ((negative, "a quantity below zero"), (unexplained, "a drug used off its course or while held"))
    ]
    if costs is not None:
        patient, _ = np.nonzero(costs < 0.0)
        parts.append(_rows(numbers, patient, np.zeros(patient.size), ["cost"] * patient.size, "a cost below zero"))
    return pd.concat(parts, ignore_index=True).sort_values(["patient", "time"], ignore_index=True)


def _may_use(history: History, books: Books, dosing: Iterable[Dosing], position: Ints, start: Floats, item: Ints) -> Bools:
    """Whether at its start a use finds a treatment of its item on, and not held since before."""
    owners: dict[str, set[str]] = {}
    for row in dosing:
        owners.setdefault(row.item, set()).add(row.treatment)
    trace = history.trace("moment")
    reach = float(trace.time.max(initial=0.0)) + 1.0
    at = np.searchsorted(trace.patient * reach + trace.time, position * reach + start + 1e-9, side="right") - 1
    allowed = np.zeros(position.size, dtype=bool)
    for number, name in enumerate(books.items):
        mine = np.flatnonzero(item == number)
        for treatment in history.treatments_of(*owners.get(name, ())):
            is_on, is_held = on(treatment).holds(trace), held(treatment).holds(trace)
            allowed[mine] |= (is_on & ~is_held)[at[mine]]
    return allowed


def _rows(numbers: Ints, position: Ints, time: Floats, happened: list[str], why: str) -> pd.DataFrame:
    return pd.DataFrame(
        {"patient": numbers[position], "time": time, "invariant": ID, "words": WORDS, "happened": [f"{what}: {why}" for what in happened]},
        columns=["patient", "time", "invariant", "words", "happened"],
    )
