"""Where things stand in the flat tables that compiled code reads and writes for the ledger.

A table of several columns is one array, column after column; ``room`` is how many rows a column may have. A *part* is one row of dosing.csv or one resource, laid out as
numbers: a new drug, dose or resource compiles nothing.
"""

from __future__ import annotations

from enum import IntEnum


class How(IntEnum):
    """How a part is used."""

    RATE = 0
    """Accrues evenly while on drug and not held."""
    SCHEDULED = 1
    """Administrations."""
    PACKS = 2
    """Packs; what is left of the last is wasted."""
    YEAR = 3
    """Years in states, with flags, conditions, drugs and a band of a marker."""
    EVENT = 4
    """Rows of a kind, perhaps of a name."""
    DEATH = 5
    """Arrivals in an absorbing state."""


# A part, whole numbers.
P_HOW, P_CATEGORY, P_ITEM = 0, 1, 2
P_TREATMENT, P_COUNT, P_AMOUNT, P_STRIDE, P_IS_BANDED = 3, 4, 5, 6, 7
"""Of a dose: treatment; most administrations; place of the first patient's amount, and of the next patient's after it (0: all have one); is it for some weights only?"""
P_STATES, P_ON, P_FLAG, P_CONDITION = 8, 9, 10, 11
"""Of a resource: bit sets of states, of treatments that must be on, and of flags (0: any); condition (-1: any)."""
P_MARKER, P_TIMES_MARKER, P_OCCASION = 12, 13, 14
"""Marker of the band (-1: none); is the quantity for one unit of it? Kind of row and its name, as a number."""
P_SIZE = 15

# A part, floats.
Q_FIRST, Q_SPACING, Q_FROM, Q_UNTIL = 0, 1, 2, 3
"""Years of a course: of the first administration, from one to the next (0: there is but one), and in which the row acts."""
Q_REDUCED, Q_WEIGHT_AT_LEAST, Q_WEIGHT_BELOW = 4, 5, 6
"""Share of a reduced dose; kg."""
Q_QUANTITY, Q_LOW, Q_HIGH, Q_AGE_BELOW = 7, 8, 9, 10
"""Of a resource: units; band of the marker; age."""
Q_SIZE = 11

# Spells: from one change of a register to the next.
S_STATE, S_LINE, S_REGIMEN, S_CONDITION, S_FLAGS, S_IS_CUT, S_SEGMENT, S_SIZE = 0, 1, 2, 3, 4, 5, 6, 7
"""``S_IS_CUT``: did line or regimen change as it began? ``S_SEGMENT``: its first segment of ``life``."""

# Segments: ``life`` of the ledger.
L_PATIENT, L_STATE, L_LINE, L_REGIMEN, L_CONDITION, L_FLAGS, L_SIZE = 0, 1, 2, 3, 4, 5, 6
L_START, L_STOP, L_MARKERS = 0, 1, 2
"""Floats; then start and stop of every marker in turn."""

# Uses: ``use`` of the ledger.
U_PATIENT, U_CATEGORY, U_ITEM, U_LINE, U_REGIMEN, U_SIZE = 0, 1, 2, 3, 4, 5
"""The last two only where uses are placed."""
U_QUANTITY, U_WASTE, U_START, U_STOP, U_SIZE_REAL = 0, 1, 2, 3, 4
