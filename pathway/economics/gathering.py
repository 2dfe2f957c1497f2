"""What stays of blocks of patients, joined to what stays of the whole cohort, in order.

Outcomes are joined patient by patient; sums are added up part by part (:mod:`pathway.economics.parts`). This module must not know how a history was made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pathway.economics.summary import Summary
from pathway.economics.valuation import Outcomes

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Column = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What stays of consecutive patients under one strategy.

    Attributes
    ----------
    equal_value_years : shape (patients,)
        Gained over the comparator; None where there is no norm or no comparator.
    """

    outcomes: Outcomes
    summary: Summary
    equal_value_years: Floats | None = None

    def arrays(self) -> dict[str, Column]:
        """Every field as an array, by name, for a file; sums of markers up to the last month in which somebody lives."""
        found: dict[str, Column] = {}
        for group, thing in (("outcomes", self.outcomes), ("summary", self.summary)):
            found |= {f"{group}.{field.name}": np.asarray(getattr(thing, field.name)) for field in fields(thing)}
        found["summary.marker_sums"] = self.summary.marker_sums[:, : np.count_nonzero(self.summary.living)]  # nobody lives later: nothing but zeros
        return found if self.equal_value_years is None else {**found, "equal_value_years": self.equal_value_years}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Column]) -> Part:
        """Inverse of :meth:`arrays`.

        Raises
        ------
        KeyError
            If one is missing.
        """
        outcomes = {field.name: arrays[f"outcomes.{field.name}"] for field in fields(Outcomes)}
        summary = {field.name: arrays[f"summary.{field.name}"] for field in fields(Summary)}
        sums = summary["marker_sums"]
        summary["marker_sums"] = np.zeros((len(sums), summary["grid"].size, *sums.shape[2:]))
        summary["marker_sums"][:, : sums.shape[1]] = sums
        words = {
            "categories": tuple(str(word) for word in outcomes["categories"]),
            "item_rows": tuple(tuple(str(word) for word in row) for row in outcomes["item_rows"]),
        }
        return cls(
            outcomes=Outcomes(**{**outcomes, **words}),  # type: ignore[arg-type]
            summary=Summary(**{**summary, "rows": int(summary["rows"])}),  # type: ignore[arg-type]
            equal_value_years=arrays.get("equal_value_years"),
        )


PATIENTWISE = ("life_years", "life_years_discounted", "qalys", "qalys_discounted", "years_by_state", "years_by_line", "qalys_by_map")
"""Fields of outcomes that have a row a patient, besides costs."""


class Gathering:
    """Takes parts of a cohort, in order, and gives the whole.

    Rows of patients are written where they stand in the whole, so that nothing is kept twice.

    Parameters
    ----------
    categories, items
        All that a part may have, in order.
    patients
        Of the whole cohort.
    """

    __slots__ = ("_categories", "_columns", "_items", "_living", "_marker_sums", "_patients", "_rows", "_seen", "_states", "_sums", "_told", "_written")

    def __init__(self, categories: tuple[str, ...], items: tuple[str, ...], patients: int) -> None:
        self._categories, self._items, self._patients = categories, items, patients
        self._told = 0
        self._columns: dict[str, Column] = {}
        self._seen = np.zeros(len(categories), dtype=bool)
        self._states: Ints = np.zeros(0, dtype=np.int64)
        self._living: Ints = np.zeros(0, dtype=np.int64)
        self._marker_sums: Floats = np.zeros(0)
        self._rows: dict[tuple[str, ...], int] = {}
        self._sums: Floats = np.zeros((0, 4))
        self._written = 0

    def add(self, part: Part) -> None:
        """Take the next part."""
        outcomes, summary = part.outcomes, part.summary
        for name in PATIENTWISE:
            self._write(name, getattr(outcomes, name))
        for name in ("years", "died", "cause"):
            self._write(name, getattr(summary, name))
        if part.equal_value_years is not None:
            self._write("equal_value_years", part.equal_value_years)
        place = [self._categories.index(name) for name in outcomes.categories]
        self._seen[place] = True
        for name in ("costs", "costs_undiscounted"):
            wide = np.zeros((summary.patients, len(self._categories)))
            wide[:, place] = getattr(outcomes, name)
            self._write(name, wide)
        self._told += summary.patients
        self._add_sums(summary)
        self._add_items(outcomes)

    def _write(self, name: str, column: Column) -> None:
        """Write rows of a column where they stand; a part that knows of more lines than those before it makes the column wider."""
        whole = self._columns.get(name)
        if whole is None or whole.shape[1:] != column.shape[1:]:
            shape = column.shape[1:] if whole is None else tuple(np.maximum(whole.shape[1:], column.shape[1:]))
            wider = np.zeros((self._patients, *shape), dtype=column.dtype)
            if whole is not None:
                wider[tuple(slice(size) for size in whole.shape)] = whole
            self._columns[name] = whole = wider
        whole[(slice(self._told, self._told + len(column)), *(slice(size) for size in column.shape[1:]))] = column

    def _add_sums(self, summary: Summary) -> None:
        """Add up what is told of all patients together, hundred by hundred."""
        self._written += summary.rows
        if self._told == summary.patients:
            self._columns["grid"] = summary.grid
            self._states, self._living = summary.states.copy(), summary.living.copy()
            self._marker_sums = np.zeros(summary.marker_sums.shape[1:])
        else:
            self._states += summary.states
            self._living += summary.living
        for hundred in summary.marker_sums:
            self._marker_sums += hundred

    def _add_items(self, outcomes: Outcomes) -> None:
        """Add up items, hundred by hundred; one that comes first now had sums of 0 so far."""
        for row in outcomes.item_rows:
            self._rows.setdefault(row, len(self._rows))
        if len(self._rows) > len(self._sums):
            self._sums = np.concatenate([self._sums, np.zeros((len(self._rows) - len(self._sums), 4))])
        place = [self._rows[row] for row in outcomes.item_rows]
        for hundred in outcomes.item_sums:
            self._sums[place] += hundred

    def whole(self) -> Part:
        """What stays of all parts taken; they cannot be gathered on."""
        columns = self._columns
        categories = tuple(np.array(self._categories, dtype=object)[self._seen])
        costs, undiscounted = (self._of_seen(columns.pop(name)) for name in ("costs", "costs_undiscounted"))
        order = sorted(self._rows, key=lambda row: (self._categories.index(row[2]), self._items.index(row[0])))
        outcomes = Outcomes(
            categories=categories, costs=costs, costs_undiscounted=undiscounted, **{name: columns[name] for name in PATIENTWISE},
            item_rows=tuple(order), item_sums=self._sums[[self._rows[row] for row in order]][None],
        )  # fmt: skip
        summary = Summary(
            grid=columns["grid"], states=self._states, living=self._living, marker_sums=self._marker_sums[None], years=columns["years"], died=columns["died"],
            cause=columns["cause"], rows=self._written,
        )  # fmt: skip
        return Part(outcomes=outcomes, summary=summary, equal_value_years=columns.get("equal_value_years"))

    def _of_seen(self, costs: Floats) -> Floats:
        """Costs of the categories in use; the array itself where all are."""
        return costs if self._seen.all() else np.ascontiguousarray(costs[:, self._seen])
