"""Histories written by hand, for tests of the ledger and of its valuation: no engine takes part."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from pathway.definition.documents import DosingRow, EconomicsDocument, Resource, Utility
from pathway.economics.discounting import Discounting
from pathway.economics.ledger import Ledger, build
from pathway.economics.maps import through
from pathway.economics.terms import Price, Terms, UtilityTerms
from pathway.eventlog import EVENT_COLUMNS, EventLog, Kind
from pathway.program import Cohort, ConditionSpec, MarkerSpec, Program
from tests import tiny

Row = tuple[float, Kind, str] | tuple[float, Kind, str, dict[str, int]]
DAY = 1.0 / 365.25
EXTRA_WORDS = ("clinic", "die", "worsen", "first")


def program(**changes: Any) -> Program:
    """Well (0), ill (1), dead (2); drugs a and b; one marker m, one condition, one flag."""
    parts: dict[str, Any] = {
        "states": ("well", "ill", "dead"),
        "absorbing": 0b100,
        "treatments": ("a", "b"),
        "covariates": ("age", "female", "weight_kg", "body_surface"),
        "female": 1,
        "markers": (MarkerSpec(name="m", baseline=0),),
        "conditions": (ConditionSpec(name="infection", stream=0, recovery=0.1, exponential=False),),
        "flags": ("frail",),
        "flags_at_entry": (-1,),
        "transitions": (),
        "horizon": 50.0,
    }
    made = tiny.with_names(**{**parts, **changes})
    names = (*made.names, *EXTRA_WORDS)
    return replace(made, names=names, name_ids={name: number for number, name in enumerate(names)})


def cohort(
    size: int = 1,
    *,
    age: float = 50.5,
    female: float = 1.0,
    weight: float = 70.0,
    surface: float = 1.8,
    regimen: int = 0,
    years_on: float = 0.0,
    first: int = 0,
) -> Cohort:
    """Identical patients."""
    return Cohort(
        covariates=("age", "female", "weight_kg", "body_surface"),
        values=np.tile(np.array([age, female, weight, surface]), (size, 1)),
        patient=np.arange(first, first + size, dtype=np.int64),
        line=np.zeros(size, dtype=np.int64),
        regimen=np.full(size, regimen, dtype=np.int64),
        failed=np.zeros(size, dtype=np.int64),
        years_on=np.full(size, years_on),
    )


def log(
    of: Program,
    histories: Sequence[tuple[Sequence[Row], Sequence[tuple[float, float]]]],
    *,
    regimen: int = 0,
    first: int = 0,
) -> EventLog:
    """A log from rows (time, kind, name, {register: value}) and knots (time, m) of every patient.

    START and STOP set the regimen; ENTER at time 0 is added. Other registers stay until a row changes them.
    """
    table: dict[str, list[float]] = {name: [] for name in EVENT_COLUMNS}
    path: dict[str, list[float]] = {"patient": [], "time": [], "m_native": [], "m": []}
    for number, (rows, knots) in enumerate(histories):
        registers = {"state": 0, "line": 0, "regimen": regimen}
        seen: dict[tuple[int, str], int] = {}
        if regimen:
            seen.update({(int(Kind.START), name): 1 for bit, name in enumerate(of.treatments) if regimen >> bit & 1})
        for row in ((0.0, Kind.ENTER, of.states[0]), *rows):
            time, kind, name = row[:3]
            registers |= row[3] if len(row) > 3 else {}
            if kind in (Kind.START, Kind.STOP):
                bit = 1 << of.treatments.index(name)
                registers["regimen"] = registers["regimen"] | bit if kind == Kind.START else registers["regimen"] & ~bit
            occurrence = seen.get((int(kind), name), 0)
            seen[int(kind), name] = occurrence + 1
            values = {
                **registers, "patient": first + number, "time": time, "kind": int(kind), "name": of.name_ids[name],
                "detail": -1, "occurrence": occurrence, "true": np.nan, "measured": np.nan, "native": np.nan,
            }  # fmt: skip
            for column, values_so_far in table.items():
                values_so_far.append(values[column])
        for time, m in knots:
            for column, value in (("patient", first + number), ("time", time), ("m_native", m), ("m", m)):
                path[column].append(value)
    return EventLog(
        events={name: np.array(column, dtype=EVENT_COLUMNS[name]) for name, column in table.items()},
        path={name: np.array(column, dtype=np.int64 if name == "patient" else float) for name, column in path.items()},
        names=of.names,
        states=of.states,
        treatments=of.treatments,
        markers=("m",),
        patients=len(histories),
    )


def dosing(mode: str = "scheduled", **changes: Any) -> DosingRow:
    """A row of dosing.csv for drug a."""
    row = {
        "treatment": "a", "item": "a_mg", "category": "drug", "mode": mode, "amount": 100.0, "amount_unit": "mg",
        "source": "test", "grade": "assumption",
    }  # fmt: skip
    return DosingRow(**{**row, **changes})


def library(dosing_rows: Sequence[DosingRow] = (), resources: Sequence[Resource] = ()) -> Any:
    """What the ledger needs of a library."""
    utility = Utility(marker="m", level="level", slope="slope", reference="reference")
    return SimpleNamespace(
        dosing=tuple(dosing_rows), economics=EconomicsDocument(utility=utility, resources=tuple(resources))
    )


def resource(**changes: Any) -> Resource:
    """A resource used per year by everybody alive."""
    return Resource(**{"item": "care", "category": "care", "label": "Care", "per": "year", **changes})


def ledger_of(
    histories: Sequence[tuple[Sequence[Row], Sequence[tuple[float, float]]]],
    *,
    dosing_rows: Sequence[DosingRow] = (),
    resources: Sequence[Resource] = (),
    values: dict[str, float] | None = None,
    **of_cohort: Any,
) -> Ledger:
    """Ledger of histories written by hand."""
    made, people = program(), cohort(len(histories), **of_cohort)
    written = log(made, histories, regimen=of_cohort.get("regimen", 0), first=of_cohort.get("first", 0))
    return build(written, made, people, library(dosing_rows, resources), values or {})


def price(item: str, *values: float, starts: Sequence[float] = (), grade: str = "verified") -> Price:
    """A price with steps at ``starts``."""
    count = len(values)
    return Price(
        item=item, label=item, starts=(-np.inf, *starts), values=values, unit="unit", basis="net",
        grades=(grade,) * count, sources=("test",) * count, channels=("test",) * count, notes=("",) * count,
    )  # fmt: skip


def terms(
    *prices: Price,
    rate: float = 0.0,
    rate_outcomes: float | None = None,
    convention: Any = "continuous",
    **utility: Any,
) -> Terms:
    """Terms with these prices; utility 0.7 at m = 70, slope 0 and no norm unless told. A curve is given as pairs."""
    if isinstance(utility.get("curve"), tuple):
        utility["curve"] = through(utility["curve"])
    spec = {"marker": "m", "level": 0.7, "slope": 0.0, "reference": 70.0, "norm": np.zeros((2, 0))}
    return Terms(
        currency="USD",
        price_year=2026,
        price_date=datetime.date(2026, 1, 1),
        basis="net",
        perspective="payer",
        discounting=Discounting(
            costs=rate, outcomes=rate if rate_outcomes is None else rate_outcomes, convention=convention
        ),
        prices={one.item: one for one in prices},
        utility=UtilityTerms(**{**spec, **utility}),
        thresholds=(100_000.0,),
    )
