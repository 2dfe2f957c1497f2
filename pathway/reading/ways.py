"""Every way in which a study could be set up by one more choice: another option of a switch, another population.

What is judged on the numbers of the study alone would let a slip in an option or a preset wait until somebody chooses
it. This module must not judge anything.
"""

from __future__ import annotations

from dataclasses import replace

from pathway.definition.scenario import Scenario


def other_ways(scenario: Scenario) -> list[tuple[str, Scenario]]:
    """List the study with one choice made otherwise, each with words for the choice.

    Returns
    -------
    Pairs such as ``("switch drift = fast: ", scenario)``.
    """
    found = [
        (f"switch {key} = {option}: ", replace(scenario, switches={**scenario.switches, key: option}))
        for key, switch in scenario.library.pathway.switches.items()
        for option in switch.options
        if option != scenario.switches[key]
    ]
    found.extend((f"cohort {key}: ", with_cohort(scenario, key)) for key in scenario.library.cohorts if key != scenario.study.cohort)
    return found


def with_cohort(scenario: Scenario, cohort: str) -> Scenario:
    """Give the same study another population."""
    return replace(scenario, study=scenario.study.model_copy(update={"cohort": cohort}))
