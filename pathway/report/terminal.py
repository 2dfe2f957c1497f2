"""Results as text for a terminal. Heavy modules load when a table is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathway.experiment import Results


def duration(seconds: float) -> str:
    """Seconds in words.

    Examples
    --------
    >>> duration(4.2), duration(95.0), duration(7300.0)
    ('4 seconds', '2 minutes', '2 hours')
    """
    for unit, size in (("hour", 3600.0), ("minute", 60.0)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.0f} {unit}s"
    return f"{max(seconds, 1.0):.0f} second{'s' if seconds >= 1.5 else ''}"


def summary_text(results: Results) -> str:
    """Write the full incremental analysis as text: ids first, as ``--strategies`` takes them and labels quote them."""
    from pathway.report.formats import printed
    from pathway.report.tables import full_incremental
    from pathway.report.view import View

    view = View(results)
    table = full_incremental(view)
    lines = [["id", "strategy", f"cost ({view.currency})", "QALYs", "added cost", "added QALYs", "cost per QALY gained"]]
    wanted = [
        next(column for column in table.columns if column.key == key)
        for key in ("label", "cost", "qaly", "inc_cost", "inc_qaly", "icer_text")
    ]
    for record in table.frame.to_dict("records"):
        cells = [str(record["strategy"])] + [
            " ".join(
                part for part in printed(record[column.key], column, record.get(column.error, float("nan"))) if part
            )
            for column in wanted
        ]
        cells[-1] = cells[-1] or str(record["status"]).replace(" + ", " and ")
        lines.append(cells)
    text = aligned(lines, numeric=(2, 3, 4, 5))
    return f"{text}\n\n±: standard error of the simulation. Decision support, not individual treatment advice."


def aligned(rows: list[list[str]], numeric: tuple[int, ...] = ()) -> str:
    """Columns of text, numbers to the right."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if k in numeric else cell.ljust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
