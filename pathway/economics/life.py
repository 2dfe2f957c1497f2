"""Segments of lives: registers stand still, markers run straight, nothing is missing and nothing counted twice.

This module must not know prices or utilities.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pathway.economics.timeline import Timeline
from pathway.errors import EconomicsError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Column = NDArray[np.generic]
TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """Segments in order of patient and time.

    Attributes
    ----------
    patient, start, stop, state, line, regimen, condition, flags : shape (segments,)
        As in :class:`pathway.economics.ledger.Ledger`.
    markers
        Marker -> shown value at start and stop of each segment.
    """

    patient: Ints
    start: Floats
    stop: Floats
    state: Ints
    line: Ints
    regimen: Ints
    condition: Ints
    flags: Ints
    markers: dict[str, tuple[Floats, Floats]]

    def table(self) -> dict[str, Column]:
        """Columns of the ledger's table ``life``."""
        columns: dict[str, Column] = {
            "patient": self.patient,
            "start": self.start,
            "stop": self.stop,
            "state": self.state,
            "line": self.line,
            "regimen": self.regimen,
            "condition": self.condition,
            "flags": self.flags,
        }
        for name, (first, last) in self.markers.items():
            columns[f"{name}_start"], columns[f"{name}_stop"] = first, last
        return columns


def life_of(timeline: Timeline) -> Life:
    """Segments between consecutive knots, cut where a register changes off a knot.

    Raises
    ------
    EconomicsError
        If the knots do not span a patient's life from 0 to the last row.
    """
    path = timeline.log.path
    position = timeline.where_is(path["patient"])
    time = np.asarray(path["time"], dtype=np.float64)
    before = np.flatnonzero((position[1:] == position[:-1]) & (time[1:] > time[:-1]))
    segment, start, stop = timeline.changes().cut(position[before], time[before], time[before + 1])
    knot = before[segment]
    who = position[knot]
    lived = np.bincount(who, weights=stop - start, minlength=timeline.end.size)
    wrong = np.flatnonzero(np.abs(lived - timeline.end) > TOLERANCE * (1.0 + timeline.end))
    if wrong.size:
        raise EconomicsError(
            where=f"event log, patient at position {wrong[0]}",
            found=f"knots over {lived[wrong[0]]:g} years",
            expected=f"{timeline.end[wrong[0]]:g} years, the time of the last row",
        )
    row = timeline.last_row(who, start)
    markers: dict[str, tuple[Floats, Floats]] = {}
    for marker in timeline.log.markers:
        values = np.asarray(path[marker], dtype=np.float64)
        first, last = values[knot], values[knot + 1]
        length, rise = time[knot + 1] - time[knot], last - first
        markers[marker] = (
            np.where(start == time[knot], first, first + rise * (start - time[knot]) / length),
            np.where(stop == time[knot + 1], last, first + rise * (stop - time[knot]) / length),
        )
    return Life(
        patient=who,
        start=start,
        stop=stop,
        state=timeline.column("state", row),
        line=timeline.column("line", row),
        regimen=timeline.column("regimen", row),
        condition=timeline.condition[row],
        flags=timeline.flags[row],
        markers=markers,
    )


def inside_band(
    start: Floats, stop: Floats, first: Floats, last: Floats, low: float, high: float
) -> tuple[Floats, Floats]:
    """Part of each segment on which a straight line lies in [low, high), by exact crossing times.

    Parameters
    ----------
    start, stop, first, last : shape (n,)
        Times and values of the line's ends.
    low, high
        Bounds; may be infinite.

    Returns
    -------
    Begin and end of the part; equal where there is none. Adjoining bands share their crossing to the last bit.

    Examples
    --------
    >>> inside_band(np.array([0.0]), np.array([1.0]), np.array([75.0]), np.array([65.0]), -np.inf, 70.0)
    (array([0.5]), array([1.]))
    """
    at_low, at_high = _crossing(start, stop, first, last, low), _crossing(start, stop, first, last, high)
    rises, falls = last > first, last < first
    begin = np.where(rises, at_low, np.where(falls, at_high, start))
    end = np.where(rises, at_high, np.where(falls, at_low, np.where((first >= low) & (first < high), stop, start)))
    return begin, np.maximum(begin, end)


def _crossing(start: Floats, stop: Floats, first: Floats, last: Floats, bound: float) -> Floats:
    """Time at which a line reaches a bound, held within its ends; meaningless where the line is level."""
    rise = last - first
    with np.errstate(over="ignore"):  # a rise next to nothing: the clip makes it an end
        share = np.clip((bound - first) / np.where(rise == 0.0, 1.0, rise), 0.0, 1.0)
    return np.where(share == 1.0, stop, start + share * (stop - start))
