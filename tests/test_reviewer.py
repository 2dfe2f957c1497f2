"""The table *what a reviewer smells first*, measured on virtual cohorts: every row in range, or explained in the README."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reviewer import report, smells
from tests.reviewer_ra import smells_ra

README = Path(__file__).parents[1] / "README.md"
TOLD_WITHIN = 0.02
"""The README's value may be off by this share, or by as much plainly: the same patients are drawn each time, so only rounding and later changes of the model part them."""


def told() -> dict[str, float]:
    """Quantity -> value in the table of the README."""
    chapter = README.read_text(encoding="utf-8").split("### What a reviewer smells first")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in chapter.splitlines() if line.startswith("| ") and "---" not in line]
    return {name.strip(): float(value.strip(" *").replace(",", "")) for name, value, *_ in rows[1:]}


@pytest.mark.slow
def test_every_quantity_is_in_range_or_explained():
    rows = smells() + smells_ra()
    print("\n" + report(rows))
    explained = README.read_text(encoding="utf-8")
    missing = [row.quantity for row in rows if not row.is_in_range and f"**{row.quantity}**" not in explained]
    assert not missing, f"out of range and not explained in the README: {missing}"


@pytest.mark.slow
def test_the_readme_tells_what_is_measured():
    written = told()
    rows = smells() + smells_ra()
    assert set(written) == {row.quantity for row in rows}
    stale = {
        row.quantity: (written[row.quantity], row.value)
        for row in rows
        if abs(written[row.quantity] - row.value) > TOLD_WITHIN * max(abs(row.value), 1.0)
    }
    assert not stale, f"README against measured: {stale}"
