"""Every figure of a report, in reading order."""

from __future__ import annotations

from collections.abc import Callable

from pathway.report.figures import access, activity, bars, curves, flow, occupancy, plane, stopping, summed, swimmer
from pathway.report.figures.canvas import Sheet
from pathway.report.view import View

MAKERS: tuple[tuple[str, Callable[[View], list[Sheet]]], ...] = (
    ("cost-effectiveness plane", plane.plane_figure),
    ("costs", bars.cost_figure),
    ("markers", curves.marker_figures),
    ("survival", curves.survival_figure),
    ("causes of death", bars.death_figure),
    ("activity", activity.activity_figures),
    ("states", occupancy.occupancy_figure),
    ("lines of therapy", flow.flow_figures),
    ("time on treatment", curves.time_on_treatment),
    ("reasons of stopping", stopping.stopping_figures),
    ("access", access.access_figures),
    ("lives", swimmer.swimmer_figures),
)

MAKERS_WITHOUT_LOG: tuple[tuple[str, Callable[[View], list[Sheet]]], ...] = (
    ("cost-effectiveness plane", plane.plane_figure),
    ("costs", bars.cost_figure),
    ("markers", summed.summed_marker_figures),
    ("survival", curves.survival_figure),
    ("causes of death", bars.death_figure),
    ("states", occupancy.occupancy_figure),
)
"""What can be drawn where the rows of the histories were dropped."""


def sheets_of(view: View, progress: Callable[[str], None] | None = None) -> list[Sheet]:
    """Count what every figure of a run shows, drawing none yet; ``progress`` is told the name of the next."""
    sheets: list[Sheet] = []
    for words, maker in MAKERS if view.results.has_logs else MAKERS_WITHOUT_LOG:
        if progress:
            progress(words)
        sheets += maker(view)
    return sheets
