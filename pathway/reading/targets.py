"""Does a virtual trial hold together: arms, visits, and what each target needs.

This module must not read files or know a disease.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pathway.definition.scenario import Library, Scenario
from pathway.definition.trials import QUANTITIES, Response, Target, TrialDocument, years_of
from pathway.errors import did_you_mean
from pathway.reading.text import Findings

TINY = 1e-9
MEASURED = ("slope", "change", "sd_of_change", "share_by_change", "correlation_of_changes", "level", "share_by_level", "share_responding", "share_keeping")
SHARES = (
    "share_by_change", "share_by_level", "share_responding", "share_keeping", "dead", "on_treatment", "stopped", "share_taking", "completed", "failed", "share_with_event",
)  # fmt: skip
RATIOS = ("ratio", "odds_ratio", "hazard_ratio")
WHOLE = 1e-6
"""How far the shares of a mix may be from 1 together."""


def unit_of_target(target: Target, base: Scenario) -> str:
    """Unit in which a target's quantity is computed and compared."""
    if target.contrast in RATIOS and (target.versus is not None or target.versus_among is not None):
        return "ratio"
    if target.quantity in SHARES:
        return "fraction"
    if target.quantity == "events_per_year":
        return "per year"
    if target.quantity == "median_on_treatment":
        return "years"
    if target.quantity == "cost_per_year":
        return f"{base.economics.currency} per year"
    if target.quantity == "correlation_of_changes":
        return "correlation"
    if target.relative and target.quantity in ("change", "sd_of_change"):
        return "percent"
    marker = base.library.pathway.markers.get(target.marker or "")
    unit = (marker.shown_unit or marker.unit) if marker is not None and target.scale == "shown" else marker.unit if marker is not None else "score"
    return f"{unit} per year" if target.quantity == "slope" else unit


def check_trial(document: TrialDocument, library: Library, where: str, findings: Findings, responses: Mapping[str, Response]) -> None:
    """Note everything that does not hold together; ``responses`` are the criteria that targets may name."""
    if document.not_answered and not (document.arms or document.targets):
        return
    if not document.arms:
        findings.faults.add(where=f"{where}, key arms", found="no arms", expected="at least one table [arms.<name>]", mend="tell what patients got")
    _check_population(document, where, findings)
    _check_visits(document, library, where, findings)
    for name, arm in document.arms.items():
        if (arm.regimen is None) == (arm.strategy is None):
            findings.faults.add(
                where=f"{where}, key arms.{name}", found="both regimen and strategy" if arm.regimen is not None else "neither regimen nor strategy",
                expected="one of the two; regimen = [] is no treatment", mend="keep one",
            )  # fmt: skip
        if arm.starts_after is not None and arm.strategy is not None:
            findings.faults.add(where=f"{where}, key arms.{name}.starts_after", found="a strategy that starts late", expected="a regimen", mend="name a regimen")
    seen: set[str] = set()
    for target in document.targets:
        if target.id in seen:
            findings.faults.add(where=f"{where}, target {target.id}", found="the id again", expected="each id once", mend="rename one of the two")
        seen.add(target.id)
        _check_target(target, document, library, f"{where}, target {target.id}", findings)
        if target.response is not None:
            _exists(target.response, list(responses), "response", f"{where}, target {target.id}, key response", findings)
    for name, response in document.responses.items():
        for one in (one for way in response.ways for one in (*way.every, *way.some)):
            _exists(one.marker, [*library.pathway.markers, *library.pathway.indices], "marker", f"{where}, key responses.{name}", findings)
    for number, course in enumerate(document.courses):
        _exists(course.marker, list(library.pathway.markers), "marker", f"{where}, key courses[{number}].marker", findings)
        for arm_name in course.arms:
            _exists(arm_name, list(document.arms), "arm", f"{where}, key courses[{number}].arms", findings)
    if document.switching is not None:
        _exists(document.switching.marker, list(library.pathway.markers), "marker", f"{where}, key switching.marker", findings)


def _check_population(document: TrialDocument, where: str, findings: Findings) -> None:
    population = document.population
    if (population.cohort is None) == (population.patients_file is None):
        findings.faults.add(
            where=f"{where}, key population", found="both cohort and patients_file" if population.cohort else "neither cohort nor patients_file",
            expected="one of the two", mend="name a preset of cohorts.toml, or a CSV of your patients",
        )  # fmt: skip
    if population.patients_file is not None and population.covariates:
        findings.faults.add(
            where=f"{where}, key population.covariates", found="draws beside patients of your own", expected="one of the two", mend="put the columns into the patients' file",
        )  # fmt: skip


def _check_visits(document: TrialDocument, library: Library, where: str, findings: Findings) -> None:
    visits = document.visits
    if visits is None:
        return
    _exists(visits.schedule, list(library.pathway.schedules), "schedule", f"{where}, key visits.schedule", findings)
    if not visits.at or visits.at[0] != 0.0 or any(later <= earlier for earlier, later in zip(visits.at, visits.at[1:], strict=False)):
        findings.faults.add(
            where=f"{where}, key visits.at", found=", ".join(f"{at:g}" for at in visits.at) or "an empty list", expected="times from 0 on, ascending", mend="begin with 0, the visit at entry",
        )  # fmt: skip


def _exists(word: str, known: Sequence[str], kind: str, where: str, findings: Findings) -> bool:
    if word in known:
        return True
    findings.faults.add(where=where, found=f"unknown {kind} '{word}'", expected=f"one of {', '.join(known)}", mend=did_you_mean(word, known) or f"name a {kind} that exists")
    return False


def _check_target(target: Target, document: TrialDocument, library: Library, where: str, findings: Findings) -> None:
    pathway = library.pathway
    meaning, needs = QUANTITIES[target.quantity]
    missing = [key for key in needs if getattr(target, key) is None]
    if missing:
        findings.faults.add(where=where, found=f"{target.quantity} without {', '.join(missing)}", expected=f"{', '.join(needs)}: {meaning}", mend=f"add {missing[0]}")
    for name in (target.arm, target.versus, *target.mix, *target.treatments_by_arm):
        if name is not None:
            _exists(name, list(document.arms), "arm", where, findings)
    if target.mix and (target.versus is not None or target.versus_among is not None or abs(sum(target.mix.values()) - 1.0) > WHOLE):
        findings.faults.add(
            where=f"{where}, key mix", found=f"shares of {sum(target.mix.values()):g} together" if target.versus is None else "a mix that is compared", expected="shares of 1 together, and no versus",
            mend="give each arm its share of the paper's patients",
        )  # fmt: skip
    if target.contrast == "hazard_ratio" and target.quantity != "on_treatment":
        findings.faults.add(where=f"{where}, key contrast", found=f"hazard_ratio of {target.quantity}", expected="on_treatment", mend="compare shares still on treatment")
    if target.quantity == "share_taking" and not (target.any_of or target.none_of):
        findings.faults.add(where=where, found="share_taking without any_of or none_of", expected="treatments that are taken, or are not", mend="add any_of")
    if target.marker is not None:
        known = [*pathway.markers, *(pathway.indices if target.quantity in MEASURED else ())]
        is_known = _exists(target.marker, known, "marker", f"{where}, key marker", findings)
        if is_known and target.scale == "beyond_ageing" and (target.marker not in pathway.markers or pathway.markers[target.marker].percent_of is None):
            findings.faults.add(where=f"{where}, key scale", found="beyond_ageing", expected="a marker shown as percent of a predicted value", mend="use shown or native")
    if target.quantity.startswith("share_by") and target.bounds is None:
        findings.faults.add(where=where, found=f"{target.quantity} without bounds", expected="bounds, such as { at_most = -10 } for a fall of 10 or more", mend="add bounds")
    if target.bounds is not None and not target.quantity.startswith("share_by"):
        findings.faults.add(where=f"{where}, key bounds", found=f"bounds of {target.quantity}", expected="bounds only where a share within them is told", mend="leave them out")
    if target.quantity == "failed" and document.dropout.failure is None:
        findings.faults.add(where=where, found="failed, and no rule of failure", expected="key failure in table dropout", mend="add dropout.failure")
    _check_times(target, document, where, findings)


def _check_times(target: Target, document: TrialDocument, where: str, findings: Findings) -> None:
    """Whether what is measured is measured at a visit, and times stand in order."""
    times = [(key, years_of(getattr(target, key))) for key in ("since", "middle", "at") if getattr(target, key) is not None]
    if any(later <= earlier for (_, earlier), (_, later) in zip(times, times[1:], strict=False)):
        findings.faults.add(where=where, found=", ".join(f"{key} = {getattr(target, key)}" for key, _ in times), expected="since before middle before at", mend="put them in order")
    if document.visits is None or target.quantity not in MEASURED or target.quantity == "slope":
        return
    planned = [years_of(f"{at:.12g} {document.visits.unit}") for at in document.visits.at]
    for key, years in times:
        if all(abs(years - one) > TINY for one in planned):
            listed = ", ".join(f"{at:g}" for at in document.visits.at)
            findings.faults.add(
                where=f"{where}, key {key}", found=f"{getattr(target, key)}, when there is no visit", expected=f"a visit: {listed} {document.visits.unit}", mend="add the visit, or move the time to one",
            )  # fmt: skip
