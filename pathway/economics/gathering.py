"""What stays of blocks of patients, joined to what stays of the whole cohort, in order.

Outcomes are joined patient by patient; sums are added up part by part (:mod:`pathway.economics.parts`). This module must not know how a history was made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pathway.economics.parts import added_up
from pathway.economics.summary import Summary
from pathway.economics.valuation import Outcomes

Floats = NDArray[np.float64]
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
        """Every field as an array, by name, for a file."""
        found: dict[str, Column] = {}
        for group, thing in (("outcomes", self.outcomes), ("summary", self.summary)):
            found |= {f"{group}.{field.name}": np.asarray(getattr(thing, field.name)) for field in fields(thing)}
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
        words = {
            "categories": tuple(str(word) for word in outcomes["categories"]),
            "item_rows": tuple(tuple(str(word) for word in row) for row in outcomes["item_rows"]),
        }
        return cls(
            outcomes=Outcomes(**{**outcomes, **words}),  # type: ignore[arg-type]
            summary=Summary(**{**summary, "rows": int(summary["rows"])}),  # type: ignore[arg-type]
            equal_value_years=arrays.get("equal_value_years"),
        )


class Gathering:
    """Takes parts of a cohort, in order, and gives the whole.

    Parameters
    ----------
    categories, items
        All that a part may have, in order.
    """

    __slots__ = ("_categories", "_items", "_parts", "_rows", "_sums", "_tables")

    def __init__(self, categories: tuple[str, ...], items: tuple[str, ...]) -> None:
        self._categories, self._items = categories, items
        self._parts: list[dict[str, Column]] = []
        self._tables: dict[str, Column] = {}
        self._rows: dict[tuple[str, ...], int] = {}
        self._sums: Floats = np.zeros((0, 4))

    def add(self, part: Part) -> None:
        """Take the next part."""
        outcomes, summary = part.outcomes, part.summary
        columns: dict[str, Column] = {name: getattr(outcomes, name) for name in ("life_years", "life_years_discounted", "qalys", "qalys_discounted", "years_by_state", "years_by_line", "qalys_by_map")}
        columns |= {name: getattr(summary, name) for name in ("years", "died", "cause")}
        if part.equal_value_years is not None:
            columns["equal_value_years"] = part.equal_value_years
        place = [self._categories.index(name) for name in outcomes.categories]
        for name in ("costs", "costs_undiscounted"):
            wide = np.zeros((summary.patients, len(self._categories)))
            wide[:, place] = getattr(outcomes, name)
            columns[name] = wide
        columns["seen"] = np.isin(self._categories, outcomes.categories)
        self._parts.append(columns)
        self._add_sums(summary)
        self._add_items(outcomes)

    def _add_sums(self, summary: Summary) -> None:
        if not self._tables:
            self._tables = {"grid": summary.grid, "states": summary.states, "living": summary.living, "marker_sums": added_up(summary.marker_sums), "rows": np.array(summary.rows)}
            return
        tables = self._tables
        for name in ("states", "living", "rows"):
            tables[name] = tables[name] + getattr(summary, name)
        tables["marker_sums"] = added_up(np.concatenate([tables["marker_sums"][None], summary.marker_sums]))

    def _add_items(self, outcomes: Outcomes) -> None:
        """Add up items; one that comes first now had sums of 0 so far."""
        for row in outcomes.item_rows:
            self._rows.setdefault(row, len(self._rows))
        wide = np.zeros((len(outcomes.item_sums), len(self._rows), 4))
        wide[:, [self._rows[row] for row in outcomes.item_rows]] = outcomes.item_sums
        so_far = np.zeros((len(self._rows), 4))
        so_far[: len(self._sums)] = self._sums
        self._sums = added_up(np.concatenate([so_far[None], wide]))

    def whole(self) -> Part:
        """What stays of all parts taken."""
        seen = np.any([columns.pop("seen") for columns in self._parts], axis=0)
        joined = {name: np.concatenate([columns.pop(name) for columns in self._parts]) for name in list(self._parts[0])}
        categories = tuple(np.array(self._categories, dtype=object)[seen])
        order = sorted(self._rows, key=lambda row: (self._categories.index(row[2]), self._items.index(row[0])))
        outcomes = Outcomes(
            categories=categories, costs=np.ascontiguousarray(joined.pop("costs")[:, seen]), costs_undiscounted=np.ascontiguousarray(joined.pop("costs_undiscounted")[:, seen]),
            life_years=joined["life_years"], life_years_discounted=joined["life_years_discounted"], qalys=joined["qalys"], qalys_discounted=joined["qalys_discounted"],
            years_by_state=joined["years_by_state"], years_by_line=joined["years_by_line"], qalys_by_map=joined["qalys_by_map"], item_rows=tuple(order), item_sums=self._sums[[self._rows[row] for row in order]][None],
        )  # fmt: skip
        tables = self._tables
        summary = Summary(
            grid=tables["grid"], states=tables["states"], living=tables["living"], marker_sums=tables["marker_sums"][None], years=joined["years"], died=joined["died"],
            cause=joined["cause"], rows=int(tables["rows"]),
        )  # fmt: skip
        return Part(outcomes=outcomes, summary=summary, equal_value_years=joined.get("equal_value_years"))
