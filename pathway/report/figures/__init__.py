"""Figures: what they show is counted here, and drawn here or elsewhere."""

from __future__ import annotations

from pathway.report.figures.canvas import Picture, Sheet, as_png, as_svg, inline_svg, picture_of

__all__ = ["Picture", "Sheet", "as_png", "as_svg", "inline_svg", "picture_of"]
