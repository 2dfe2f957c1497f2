"""Judge the bands of indices: cut-points of the index's own unit, in rising order, one to a band and none to the last.

This module must not read files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

from pathway.definition.response import Band, Index
from pathway.definition.scenario import Scenario
from pathway.reading.house import same_dimension
from pathway.reading.text import Findings


def check_bands(scenario: Scenario, values: Mapping[str, float], unit_of_value: Callable[[str], str], findings: Findings) -> None:
    """Note every fault of every index's bands.

    Parameters
    ----------
    values
        Base values by id, house units.
    unit_of_value
        House unit of a value id.
    """
    file = f"{scenario.library.name}/pathway.toml"
    for name, index in scenario.library.pathway.indices.items():
        where = f"{file}, key indices.{name}.bands"
        if index.bands:
            _check_form(index.bands, where, findings)
            _check_values(index, where, values, unit_of_value, findings)


def cut_of(band: Band) -> str | None:
    """Value id of a band's cut-point, whichever of the two it is."""
    return band.at_most or band.below


def _check_form(bands: tuple[Band, ...], where: str, findings: Findings) -> None:
    for number, band in enumerate(bands):
        is_last = number == len(bands) - 1
        given = [key for key in ("at_most", "below") if getattr(band, key) is not None]
        if is_last and given:
            findings.faults.add(
                where=f"{where}[{number}]", found=f"{given[0]} in the last band", expected="no cut-point: the last band takes what is left", mend="leave it out, or add a band after it"
            )
        if not is_last and len(given) != 1:
            findings.faults.add(
                where=f"{where}[{number}]", found=" and ".join(given) or "no cut-point", expected="at_most or below, one of them", mend="give one: whether the cut-point itself belongs to the band"
            )
    labels = [band.label for band in bands]
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if twice is not None:
        findings.faults.add(where=where, found=f"two bands called '{twice}'", expected="a label of its own for each", mend="rename one")
    targets = [number for number, band in enumerate(bands) if band.is_target]
    if len(targets) > 1 or targets == [len(bands) - 1]:
        found = f"{len(targets)} targets" if len(targets) > 1 else "the last band as target"
        findings.faults.add(where=where, found=found, expected="at most one target, below the last band", mend="set is_target at the highest band that treatment is content with")


def _check_values(index: Index, where: str, values: Mapping[str, float], unit_of_value: Callable[[str], str], findings: Findings) -> None:
    cuts = [(number, cut) for number, band in enumerate(index.bands) if (cut := cut_of(band)) is not None and cut in values]
    for number, cut in cuts:
        if not same_dimension(unit_of_value(cut), index.unit):
            findings.faults.add(
                where=f"{where}[{number}]", found=f"{cut} in {unit_of_value(cut)}", expected=f"a number in {index.unit}, the unit of the index", mend="correct the unit of the row"
            )
    for (_, earlier), (number, later) in pairwise(cuts):
        if values[later] <= values[earlier]:
            findings.faults.add(
                where=f"{where}[{number}]", found=f"{later} = {values[later]:g} after {earlier} = {values[earlier]:g}", expected="rising cut-points", mend="put the bands in order, lowest values first"
            )
