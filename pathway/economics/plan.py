"""What a ledger counts under one program: every row of dosing.csv for its treatments, then every resource, laid out once for all blocks of a cohort.

Amounts that depend on weight or surface are added for the patients at hand, and drugs that none of them took are left out. This module must not know prices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pathway.definition.documents import DosingRow, EconomicsDocument, Resource
from pathway.economics.compiled_layout import P_AMOUNT, P_CATEGORY, P_ITEM, How
from pathway.economics.druguse import amounts
from pathway.economics.druguse import part_of as dose_part
from pathway.economics.resources import part_of as resource_part
from pathway.economics.timeline import DrugHistory
from pathway.economics.using import Part, PartTable, lay_out
from pathway.errors import EconomicsError
from pathway.program import Cohort, Program
from pathway.recent import Recent

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
PAIR = [P_CATEGORY, P_ITEM]
ONE, SEVERAL = np.ones(1), np.ones(2)
"""Amounts of one patient; of several, where each has another."""


class Books(Protocol):
    """What the ledger needs of a library."""

    @property
    def dosing(self) -> tuple[DosingRow, ...]:
        """Rows of dosing.csv."""

    @property
    def economics(self) -> EconomicsDocument:
        """``economics.toml``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    """A row of dosing.csv.

    Attributes
    ----------
    row, treatment
        The row, and the number of its treatment.
    is_banded
        Is the row for some weights only?
    amount
        Needed and paid for, each shape (1,); None where they depend on size.
    part
        The row laid out, or what is wrong with it: that matters only if somebody takes the drug.
    """

    row: DosingRow
    treatment: int
    is_banded: bool
    amount: tuple[Floats, Floats] | None
    part: Part | EconomicsError

    def fits_one(self, takers: NDArray[np.bool_], cohort: Cohort) -> bool:
        """Is the row for somebody of those who took the drug, shape (patients,)?"""
        return not self.is_banded or bool((_weighs(cohort, self.row) & takers).any())

    def amounts(self, cohort: Cohort) -> tuple[Floats, Floats]:
        """Needed and paid for: by everybody, shape (1,), or by each, shape (patients,)."""
        return self.amount or amounts(self.row, _size(cohort, "weight_kg", self.row), _size(cohort, "body_surface", self.row))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that may be counted under one program.

    Attributes
    ----------
    categories, items
        All that a ledger may have, in order.
    doses
        Rows of dosing.csv in order of treatments; the first parts of the table.
    first_dose
        First of each treatment; then how many there are.
    table
        Doses, then resources; numbers of category and item are those of the plan.
    """

    categories: tuple[str, ...]
    items: tuple[str, ...]
    doses: tuple[Dose, ...]
    first_dose: tuple[int, ...]
    table: PartTable

    def for_cohort(self, cohort: Cohort, drugs: DrugHistory, *, is_ordered: bool) -> tuple[PartTable, tuple[str, ...], tuple[str, ...]]:
        """Choose what counts in a cohort.

        Parameters
        ----------
        cohort, drugs
            Of one log.
        is_ordered
            Is the table of uses to stand in order of patient and start? Otherwise each category and item is a group of its own.

        Returns
        -------
        Parts, and categories and items that they have, in order.

        Raises
        ------
        EconomicsError
            If a dose needs a covariate that is missing, or a row for a drug that somebody took is at fault.
        """
        taken = list(self._taken(cohort, drugs))
        faults = [dose.part for dose in (self.doses[number] for number in taken) if isinstance(dose.part, EconomicsError)]
        if faults:
            raise faults[0]
        needed, paid = zip(*(self.doses[number].amounts(cohort) for number in taken), (ONE, ONE), strict=True)
        parts = [*taken, *range(len(self.doses), len(self.table.whole))]
        whole, real = self.table.whole[parts], self.table.real[parts]
        whole[: len(taken), P_AMOUNT] = np.cumsum([0, *(amount.size for amount in paid)])[: len(taken)]
        used = [np.unique(whole[:, column]) for column in PAIR]
        for column, numbers in zip(PAIR, used, strict=True):
            whole[:, column] = np.searchsorted(numbers, whole[:, column])
        order = np.lexsort((whole[:, P_CATEGORY], whole[:, P_ITEM]) if is_ordered else (whole[:, P_ITEM], whole[:, P_CATEGORY]))
        whole, real = whole[order], real[order]
        differs = np.append(True, np.any(whole[1:, PAIR] != whole[:-1, PAIR], axis=1))
        begins = np.flatnonzero(differs[: len(whole)])
        groups = np.append(begins[:1] if is_ordered else begins, len(whole))
        table = PartTable(whole=whole, real=real, needed=np.concatenate(needed), paid=np.concatenate(paid), groups=groups, occasions=self.table.occasions)
        categories, items = (tuple(known[number] for number in numbers) for known, numbers in zip((self.categories, self.items), used, strict=True))
        return table, categories, items

    def _taken(self, cohort: Cohort, drugs: DrugHistory) -> Iterator[int]:
        """Numbers of the doses of drugs that somebody took for whom the row is."""
        first = drugs.courses.first
        for treatment in np.flatnonzero(np.diff(first[:: cohort.size])).tolist():
            own = first[treatment * cohort.size : (treatment + 1) * cohort.size + 1]
            takers = own[1:] > own[:-1]
            yield from (number for number in range(*self.first_dose[treatment : treatment + 2]) if self.doses[number].fits_one(takers, cohort))


def declared(program: Program, library: Books) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """All categories and items that a ledger of this program may have, in order: those of a part of the cohort stand in the order of the whole."""
    return _declared(program, library.dosing, library.economics)


def _declared(program: Program, dosing: tuple[DosingRow, ...], economics: EconomicsDocument) -> tuple[tuple[str, ...], tuple[str, ...]]:
    pairs = [*((row.category, row.item) for _, row in _rows(program, dosing)), *((resource.category, resource.item) for resource in economics.resources)]
    return tuple(dict.fromkeys(category for category, _ in pairs)), tuple(dict.fromkeys(item for _, item in pairs))


def plan_of(program: Program, library: Books, names: tuple[str, ...], markers: tuple[str, ...], values: dict[str, float]) -> Plan:
    """Lay out what may be counted, or take what was laid out before.

    Parameters
    ----------
    program, library
        Of one strategy.
    names, markers
        Of the log.
    values
        Parameter values by id, for quantities, ages and bands of a marker.

    Raises
    ------
    EconomicsError
        If a resource names what nobody knows, or a band where there is none.
    """
    named = [name for resource in library.economics.resources for name in _values_of(resource) if name is not None]
    return PLANS(program, library.dosing, library.economics, names, markers, tuple((name, values[name]) for name in named))


def _plan(
    program: Program, dosing: tuple[DosingRow, ...], economics: EconomicsDocument, names: tuple[str, ...], markers: tuple[str, ...], values: tuple[tuple[str, float], ...]
) -> Plan:
    """Lay out what may be counted."""
    doses = tuple(_dose(treatment, row) for treatment, row in _rows(program, dosing))
    of_doses = [dose.part if isinstance(dose.part, Part) else Part(how=How.RATE, category=dose.row.category, item=dose.row.item) for dose in doses]
    of_resources = [resource_part(resource, program, names, markers, dict(values)) for resource in economics.resources]
    categories, items = _declared(program, dosing, economics)
    first_dose = np.searchsorted([dose.treatment for dose in doses], np.arange(len(program.treatments) + 1)).tolist()
    return Plan(categories=categories, items=items, doses=doses, first_dose=tuple(first_dose), table=lay_out([*of_doses, *of_resources], categories, items, len(names)))


PLANS = Recent(_plan)


def _rows(program: Program, dosing: tuple[DosingRow, ...]) -> list[tuple[int, DosingRow]]:
    """Rows of dosing.csv in order of treatments, each with its treatment's number."""
    number_of = {treatment: number for number, treatment in enumerate(program.treatments)}
    rows = [(number_of[row.treatment], row) for row in dosing if row.treatment in number_of]
    return sorted(rows, key=lambda row: row[0])


def _dose(treatment: int, row: DosingRow) -> Dose:
    """Lay a row out, or keep what is wrong with it."""
    amount = None
    try:
        amount = amounts(row, ONE, ONE)
        part: Part | EconomicsError = dose_part(row, treatment, *((ONE, ONE) if row.basis == "fixed" else (SEVERAL, SEVERAL)))
    except EconomicsError as fault:
        part = fault
    is_banded = row.weight_at_least is not None or row.weight_below is not None
    return Dose(row=row, treatment=treatment, is_banded=is_banded, amount=amount if row.basis == "fixed" else None, part=part)


def _values_of(resource: Resource) -> tuple[str | None, ...]:
    """Values that a resource names."""
    return resource.quantity_value, resource.age_below, resource.marker_at_least, resource.marker_below


def _size(cohort: Cohort, name: str, row: DosingRow) -> Floats:
    """Weight or surface of every patient; ones where the dose does not depend on it."""
    if row.basis != {"weight_kg": "per_kg", "body_surface": "per_m2"}[name]:
        return np.ones(cohort.size)
    where = f"dosing.csv, {row.treatment}, {row.item}"
    if name not in cohort.covariates:
        raise EconomicsError(
            where=where,
            found=f"basis {row.basis}",
            expected=f"a covariate {name}",
            mend=f"declare covariate {name} in pathway.toml",
        )
    size = cohort.values[:, cohort.covariates.index(name)]
    if not (np.isfinite(size) & (size > 0.0)).all():
        raise EconomicsError(where=where, found=f"{name} missing or not above 0", expected="a value for every patient")
    return size


def _weighs(cohort: Cohort, row: DosingRow) -> NDArray[np.bool_]:
    """Tell whose weight is in the band that the row is for."""
    fits = np.ones(cohort.size, dtype=bool)
    if row.weight_at_least is None and row.weight_below is None:
        return fits
    weight = _size(cohort, "weight_kg", row.model_copy(update={"basis": "per_kg"}))
    if row.weight_at_least is not None:
        fits &= weight >= row.weight_at_least
    if row.weight_below is not None:
        fits &= weight < row.weight_below
    return fits
