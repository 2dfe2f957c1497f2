"""Every figure of a report, in reading order."""

from __future__ import annotations

from collections.abc import Callable

from pathway.report.figures import access, bars, curves, flow, occupancy, plane, swimmer
from pathway.report.figures.canvas import Sheet
from pathway.report.view import View

MAKERS: tuple[tuple[str, Callable[[View], list[Sheet]]], ...] = (
    ("cost-effectiveness plane", plane.plane_figure),
    ("costs", bars.cost_figure),
    ("markers", curves.marker_figures),
    ("survival", curves.survival_figure),
    ("causes of death", bars.death_figure),
    ("states", occupancy.occupancy_figure),
    ("lines of therapy", flow.flow_figures),
    ("time on treatment", curves.time_on_treatment),
    ("access", access.access_figures),
    ("lives", swimmer.swimmer_figures),
)


def sheets_of(view: View, progress: Callable[[str], None] | None = None) -> list[Sheet]:
    """Count what every figure of a run shows, drawing none yet; ``progress`` is told the name of the next."""
    sheets: list[Sheet] = []
    for words, maker in MAKERS:
        if progress:
            progress(words)
        sheets += maker(view)
    return sheets
