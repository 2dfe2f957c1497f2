"""Segments of lives: registers stand still, markers run straight, nothing is missing and nothing counted twice.

This module must not know prices or utilities.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pathway.economics.columns import real
from pathway.economics.compiled_layout import L_CONDITION, L_FLAGS, L_LINE, L_MARKERS, L_PATIENT, L_REGIMEN, L_SIZE, L_START, L_STATE, L_STOP
from pathway.economics.compiled_segments import cut_lives, draw_marker
from pathway.economics.timeline import Timeline, first_rows
from pathway.errors import EconomicsError
from pathway.program import Cohort

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Column = NDArray[np.generic]
TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """Segments in order of patient and time.

    Attributes
    ----------
    registers, values : shape (columns, room)
        Whole numbers and floats, columns as in :mod:`pathway.economics.compiled_layout`.
    size
        How many segments there are; what stands behind them means nothing.
    markers
        Names.
    """

    registers: Ints
    values: Floats
    size: int
    markers: tuple[str, ...]

    def table(self) -> dict[str, Column]:
        """Columns of the ledger's table ``life``."""
        registers, values = self.registers[:, : self.size], self.values[:, : self.size]
        columns: dict[str, Column] = {
            "patient": registers[L_PATIENT],
            "start": values[L_START],
            "stop": values[L_STOP],
            "state": registers[L_STATE],
            "line": registers[L_LINE],
            "regimen": registers[L_REGIMEN],
            "condition": registers[L_CONDITION],
            "flags": registers[L_FLAGS],
        }
        for number, name in enumerate(self.markers):
            columns[f"{name}_start"], columns[f"{name}_stop"] = values[L_MARKERS + 2 * number], values[L_MARKERS + 2 * number + 1]
        return columns


def life_of(timeline: Timeline, cohort: Cohort) -> Life:
    """Segments between consecutive knots, cut where a register changes off a knot.

    Raises
    ------
    EconomicsError
        If the knots do not span a patient's life from 0 to the last row.
    """
    path, spells, markers = timeline.log.path, timeline.spells, timeline.log.markers
    first, time = first_rows(path["patient"], cohort), real(path["time"])
    room = time.size + int(spells.first[-1])
    registers, values = np.empty((L_SIZE, room), dtype=np.int64), np.empty((L_MARKERS + 2 * len(markers), room))
    knot, lived = np.empty(room, dtype=np.int64), np.empty(cohort.size)
    size = cut_lives(first, time, spells.first, spells.start, spells.table, registers.ravel(), values[L_START], values[L_STOP], knot, lived)
    wrong = np.flatnonzero(np.abs(lived - timeline.end) > TOLERANCE * (1.0 + timeline.end))
    if wrong.size:
        raise EconomicsError(
            where=f"event log, patient at position {wrong[0]}",
            found=f"knots over {lived[wrong[0]]:g} years",
            expected=f"{timeline.end[wrong[0]]:g} years, the time of the last row",
        )
    for number, marker in enumerate(markers):
        ends = values[L_MARKERS + 2 * number : L_MARKERS + 2 * number + 2, :size]
        draw_marker(real(path[marker]), time, knot[:size], values[L_START, :size], values[L_STOP, :size], ends[0], ends[1])
    return Life(registers=registers, values=values, size=size, markers=markers)
