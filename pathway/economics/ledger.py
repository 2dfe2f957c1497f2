"""Waist 3: how much was used and how long was lived, in natural units; no money.

A :class:`Ledger` holds the quantities of one cohort under one strategy in two tables, ``use`` and ``life``. New
prices, utilities or discount rates need nothing else. It must not know how histories were made, nor any price.

``use``, one row per thing used, in order of patient, start and item:

========== ======= =========================================================================================
column     type    meaning
========== ======= =========================================================================================
patient    int64   position in the cohort
line       int64   line of therapy (0: untreated)
regimen    int64   bit set of treatments
category   int64   index into ``categories``
item       int64   index into ``items``
quantity   float64 units paid for, in the item's natural unit
waste      float64 of these, thrown away: rest of vials, unexpired part of the last pack
start      float64 years since entry
stop       float64 equal to start when used at once; otherwise the quantity accrues evenly from start to stop
========== ======= =========================================================================================

``life``, one row per segment on which registers stand still and markers run straight: ``patient``, ``start``,
``stop``, ``state``, ``line``, ``regimen``, ``condition`` (index, -1: none), ``flags`` (bit set) and, per marker,
``<marker>_start`` and ``<marker>_stop`` in shown units. Segments of a patient follow each other without gap from
0 to the last row of the log.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathway.economics.life import life_of
from pathway.economics.plan import Books, declared, plan_of
from pathway.economics.timeline import drug_history_of, timeline_of
from pathway.economics.using import Persons, Told, write_uses
from pathway.errors import EconomicsError
from pathway.eventlog import EventLog, Kind, regimen_words
from pathway.program import Cohort, Program

__all__ = ["Books", "Ledger", "build", "declared", "kinds_read"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Column = NDArray[np.generic]

USE_COLUMNS: dict[str, type] = {
    "patient": np.int64,
    "line": np.int64,
    "regimen": np.int64,
    "category": np.int64,
    "item": np.int64,
    "quantity": np.float64,
    "waste": np.float64,
    "start": np.float64,
    "stop": np.float64,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Quantities of one cohort under one strategy.

    Attributes
    ----------
    use, life
        The tables above; arrays of one length each.
    items, categories, states, treatments, conditions, flags, markers
        What indices and bits stand for.
    age, female : shape (patients,)
        At entry; for norms of utility.
    end : shape (patients,)
        Years lived, or the horizon.
    lines
        Highest line number in use.
    """

    use: dict[str, Column]
    life: dict[str, Column]
    items: tuple[str, ...]
    categories: tuple[str, ...]
    states: tuple[str, ...]
    treatments: tuple[str, ...]
    conditions: tuple[str, ...]
    flags: tuple[str, ...]
    markers: tuple[str, ...]
    age: Floats
    female: Ints
    end: Floats
    lines: int

    def __post_init__(self) -> None:
        if tuple(self.use) != tuple(USE_COLUMNS):
            raise EconomicsError(where="ledger", found=f"columns {list(self.use)}", expected=f"{list(USE_COLUMNS)}")

    @property
    def patients(self) -> int:
        """Cohort size."""
        return int(self.end.size)

    def use_frame(self) -> pd.DataFrame:
        """``use`` with words in place of indices."""
        words = {
            "regimen": regimen_words(np.asarray(self.use["regimen"], dtype=np.int64), self.treatments),
            "category": pd.Categorical.from_codes(np.asarray(self.use["category"], dtype=int), list(self.categories)),
            "item": pd.Categorical.from_codes(np.asarray(self.use["item"], dtype=int), list(self.items)),
        }
        return pd.DataFrame({name: words.get(name, column) for name, column in self.use.items()})

    def life_frame(self) -> pd.DataFrame:
        """``life`` with the states' names."""
        states = pd.Categorical.from_codes(np.asarray(self.life["state"], dtype=int), list(self.states))
        return pd.DataFrame({**self.life, "state": states})


def build(log: EventLog, program: Program, cohort: Cohort, library: Books, values: dict[str, float], *, is_ordered: bool = True) -> Ledger:
    """Turn histories into quantities.

    Parameters
    ----------
    log, program, cohort
        Of one strategy.
    library
        Dosing rows and ``economics.toml``.
    values
        Parameter values by id, for thresholds that resources name (bands of a marker).
    is_ordered
        Put ``use`` in order of patient, start and item? Otherwise it stands in order of category and item, then of patient and start, and does not say under which line and
        regimen a use fell (0); it is worth the same, and a third of the work is spared.

    Raises
    ------
    EconomicsError
        If log and cohort do not fit, a resource names what nobody knows, or a dose needs a covariate that is
        missing.
    """
    timeline = timeline_of(log, program, cohort)
    life, drugs = life_of(timeline, cohort), drug_history_of(timeline, cohort)
    table, categories, items = plan_of(program, library, log.names, log.markers, values).for_cohort(cohort, drugs, is_ordered=is_ordered)
    age = cohort.values[:, program.age] if program.age >= 0 else np.zeros(cohort.size)  # noqa: PD011
    weight = cohort.values[:, cohort.covariates.index("weight_kg")] if "weight_kg" in cohort.covariates else np.zeros(cohort.size)  # noqa: PD011
    told = Told(rows=timeline.rows, spells=timeline.spells, drugs=drugs, life=life.values, absorbing=program.absorbing)
    return Ledger(
        use=write_uses(table, Persons(age=np.array(age), weight=np.array(weight)), told, is_placed=is_ordered),
        life=life.table(),
        items=items,
        categories=categories,
        states=program.states,
        treatments=program.treatments,
        conditions=tuple(condition.name for condition in program.conditions),
        flags=program.flags,
        markers=tuple(marker.name for marker in program.markers),
        age=age,
        female=(cohort.values[:, program.female] if program.female >= 0 else np.ones(cohort.size)).astype(np.int64),  # noqa: PD011
        end=timeline.end,
        lines=max(len(program.lines) + 1, int(timeline.rows.line.max(initial=0))),
    )


REGISTERS = frozenset(Kind) - {Kind.MEASURE, Kind.FINDING, Kind.VISIT, Kind.DECIDE, Kind.REQUEST, Kind.INFORM, Kind.APPROVE, Kind.DENY, Kind.APPEAL, Kind.UPHOLD, Kind.ORDER}
"""Kinds of rows that change a register, and the first and last of a history."""


def kinds_read(library: Books) -> frozenset[Kind]:
    """Kinds of rows without which a ledger cannot be built; it is the same with those alone."""
    resources = library.economics.resources
    named = {"visit" if resource.per == "visit" else str(resource.kind) for resource in resources if resource.per not in ("year", "death")}
    return REGISTERS | {kind for kind in Kind if kind.name.lower() in named}
