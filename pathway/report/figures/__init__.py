"""Every figure of a report, in reading order."""

from __future__ import annotations

from collections.abc import Callable

from pathway.report.figures.canvas import Sheet, as_png, as_svg, inline_svg
from pathway.report.view import View

__all__ = ["Sheet", "as_png", "as_svg", "draw_all", "inline_svg"]


def draw_all(view: View, progress: Callable[[str], None] | None = None) -> list[Sheet]:
    """Draw every figure of a run; ``progress`` is told the name of what is drawn next."""
    from pathway.report.figures import access, bars, curves, flow, occupancy, plane, swimmer

    makers: tuple[tuple[str, Callable[[View], list[Sheet]]], ...] = (
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
    sheets: list[Sheet] = []
    for words, maker in makers:
        if progress:
            progress(words)
        sheets += maker(view)
    return sheets
