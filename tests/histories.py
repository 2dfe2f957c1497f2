"""Plain readings of an event log for tests: slow, obvious, independent of the ledger."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pathway.eventlog import EventLog, Kind


def lives(log: EventLog) -> pd.Series:
    """Years lived by patient."""
    frame = log.frame()
    return frame.groupby("patient")["time"].max()


def years_in_states(log: EventLog) -> pd.DataFrame:
    """Intervals (patient, state, start, stop) of the states passed through."""
    frame = log.frame()
    moves = frame[frame["kind"].isin(["enter", "move", "end"])]
    stop = moves.groupby("patient")["time"].shift(-1)
    spans = pd.DataFrame({"patient": moves["patient"], "state": moves["state"].astype(str), "start": moves["time"], "stop": stop})
    return spans.dropna()


def present_value(spans: pd.DataFrame, rate: float) -> np.ndarray:
    """Discounted years of each span at an annual rate, continuous: exact integral."""
    if rate == 0.0:
        return (spans["stop"] - spans["start"]).to_numpy()
    force = np.log1p(rate)
    return ((np.exp(-force * spans["start"]) - np.exp(-force * spans["stop"])) / force).to_numpy()


def by_patient(spans: pd.DataFrame, weight: np.ndarray, patients: int) -> np.ndarray:
    """Sum of a weight by patient, shape (patients,)."""
    return np.bincount(spans["patient"], weights=weight, minlength=patients)


def same_history(one: EventLog, other: EventLog, *, patients: np.ndarray | None = None) -> bool:
    """Are the histories equal row by row and bit by bit, in words (so that tables of names may differ)?"""
    left, right = one.frame(), other.frame()
    paths = [log.path_frame() for log in (one, other)]
    if patients is not None:
        left, right = (frame[frame["patient"].isin(patients)].reset_index(drop=True) for frame in (left, right))
        paths = [frame[frame["patient"].isin(patients)].reset_index(drop=True) for frame in paths]
    left, right = (frame.astype(dict.fromkeys(("kind", "name", "detail", "state", "regimen"), str)) for frame in (left, right))
    return left.equals(right) and paths[0].equals(paths[1])


def within(sample: np.ndarray, exact: float, *, errors: float = 4.0) -> bool:
    """Is the sample's mean within so many standard errors of the exact value?"""
    error = sample.std(ddof=1) / np.sqrt(sample.size)
    return bool(abs(sample.mean() - exact) <= errors * error)


def crowd(engine: str, patients: int) -> int:
    """Patients of a statistical test: all of them where compiled, a quarter where interpreted, whose histories its twin tells bit for bit."""
    return patients if engine == "compiled" else patients // 4


def kind_rows(log: EventLog, kind: Kind) -> pd.DataFrame:
    """Rows of one kind, as a frame."""
    frame = log.frame()
    return frame[frame["kind"] == kind.name.lower()]
