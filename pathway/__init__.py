"""pathway: a treatment-pathway simulator for health economists and formulary planners.

``read`` a study, ``run`` it, and look at ``Results`` as DataFrames; the command ``pathway`` does the same from a terminal. Heavy packages load when
first needed, so that importing this one is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["PathwayError", "Results", "Scenario", "__version__", "check", "read", "review", "run"]

if TYPE_CHECKING:
    from pathway.definition.scenario import Scenario
    from pathway.errors import PathwayError
    from pathway.experiment import Results, run
    from pathway.reading import check, read
    from pathway.reviewing import review

_HOMES = {
    "PathwayError": "pathway.errors",
    "Results": "pathway.experiment",
    "Scenario": "pathway.definition.scenario",
    "check": "pathway.reading",
    "read": "pathway.reading",
    "review": "pathway.reviewing",
    "run": "pathway.experiment",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'pathway' has no attribute {name!r}")
