"""The language of rules: fields of the record and strong Kleene logic with four values.

A criterion is *not met*, *not documented*, *met* or *not applicable*; what is not applicable is left out before combining
(``all``: any not met decides; ``any``: any met decides; ``not`` leaves not documented as it is; ``at least k``: k met decide, fewer than k
possible decide against). This module must not know a record's layout, a disease or a payer: engines supply the fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum


class Truth(IntEnum):
    """The four values, ordered so that ``all`` is a minimum and ``any`` a maximum over what is applicable."""

    NOT_MET = 0
    NOT_DOCUMENTED = 1
    MET = 2
    NOT_APPLICABLE = 3


FIELDS: dict[str, str] = {
    "latest": "marker",
    "fall": "marker",
    "relative_fall": "marker",
    "rise": "marker",
    "fall_from_line_start": "marker",
    "rise_from_line_start": "marker",
    "finding": "finding",
    "covariate": "covariate",
    "age": "",
    "disease_duration": "",
    "years_in_study": "",
    "line": "",
    "years_on_line": "",
    "on": "treatment",
    "years_on": "treatment",
    "ever": "treatment",
    "completed": "treatment",
    "failed": "treatment",
    "intolerant": "treatment",
    "contraindicated": "treatment",
    "on_hold": "treatment",
    "reduced": "treatment",
    "years_since_stop": "treatment",
    "failed_count": "",
    "tried_count": "",
    "flag": "flag",
    "condition": "",
    "fall_on_line": "marker",
    "relative_fall_from_line_start": "marker",
    "index": "index",
    "index_highest": "index",
    "index_fall_from_line_start": "index",
    "index_relative_fall_from_line_start": "index",
    "course_years": "treatment",
    "years_since_start": "treatment",
    "constant": "",
    "unseen": "",
    "asked": "treatment",
    "index_lowest_on_line": "index",
}
"""Field of the record -> what its ``of`` names (empty: nothing). The order is the field's number in a program."""

FIELD_NUMBERS: dict[str, int] = {name: number for number, name in enumerate(FIELDS)}


def combine_all(values: Sequence[int]) -> Truth:
    """Truth of *all of* these.

    Examples
    --------
    >>> combine_all([Truth.MET, Truth.NOT_DOCUMENTED, Truth.NOT_APPLICABLE]).name
    'NOT_DOCUMENTED'
    """
    applicable = [value for value in values if value != Truth.NOT_APPLICABLE]
    return Truth(min(applicable)) if applicable else Truth.NOT_APPLICABLE


def combine_any(values: Sequence[int]) -> Truth:
    """Truth of *any of* these."""
    applicable = [value for value in values if value != Truth.NOT_APPLICABLE]
    return Truth(max(applicable)) if applicable else Truth.NOT_APPLICABLE


def combine_at_least(needed: int, values: Sequence[int]) -> Truth:
    """Truth of *at least ``needed`` of* these: the needed-th largest of what is applicable.

    With fewer applicable than needed it is not met; with none it is not applicable.
    """
    applicable = sorted((value for value in values if value != Truth.NOT_APPLICABLE), reverse=True)
    if not applicable:
        return Truth.NOT_APPLICABLE
    return Truth(applicable[needed - 1]) if len(applicable) >= needed else Truth.NOT_MET


def negate(value: int) -> Truth:
    """Truth of *not*: met and not met change places."""
    return Truth(2 - value) if value != Truth.NOT_APPLICABLE else Truth.NOT_APPLICABLE
