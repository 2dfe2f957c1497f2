"""Judge whether what can happen is well formed: hazards, terms, decisions, effects and their phases.

This module must not read files or judge numbers.
"""

from __future__ import annotations

from pathway.definition.change import Decision, Effect, Hazard, HazardTerm, ScheduledStop, Transition
from pathway.definition.disease import PathwayDocument
from pathway.errors import did_you_mean
from pathway.reading.text import Findings


def check_changes(pathway: PathwayDocument, file: str, findings: Findings) -> None:
    """Shapes of transitions, decisions and effects; names occur once."""
    seen: dict[str, str] = {}
    for table in ("transitions", "scheduled", "decisions", "effects"):
        for number, row in enumerate(getattr(pathway, table)):
            where = f"{file}, key {table}[{number}] ({row.name})"
            if row.name in seen:
                findings.faults.add(
                    where=f"{where}.name",
                    found=f"{row.name} again",
                    expected="each name once",
                    mend=f"the other is {seen[row.name]}",
                )
            seen.setdefault(row.name, f"{table}[{number}]")
    for number, transition in enumerate(pathway.transitions):
        _check_transition(transition, f"{file}, key transitions[{number}] ({transition.name})", findings)
    for number, decision in enumerate(pathway.decisions):
        _check_decision(decision, pathway, f"{file}, key decisions[{number}] ({decision.name})", findings)
    for number, effect in enumerate(pathway.effects):
        _check_effect(effect, f"{file}, key effects[{number}] ({effect.name})", findings)
    for number, planned in enumerate(pathway.scheduled):
        _check_planned(planned, f"{file}, key scheduled[{number}] ({planned.name})", findings)
    optional = {row.name for row in pathway.decisions if row.optional}
    for number, transition in enumerate(pathway.transitions):
        if transition.unless_decision is not None and transition.unless_decision not in optional:
            findings.faults.add(
                where=f"{file}, key transitions[{number}] ({transition.name}).unless_decision",
                found=f"'{transition.unless_decision}'",
                expected=f"an optional decision: {', '.join(sorted(optional)) or 'none is declared'}",
                mend=did_you_mean(transition.unless_decision, sorted(optional)) or "name one, or leave the key out",
            )
    for key, schedule in pathway.schedules.items():
        _check_phases(len(schedule.every), len(schedule.until), "every", f"{file}, key schedules.{key}", findings)


def _check_planned(row: ScheduledStop, where: str, findings: Findings) -> None:
    """Check that a cumulative dose has all of its parts."""
    given = [key for key in ("at_most", "per_year", "of") if getattr(row, key) is not None]
    if given and len(given) < 3:
        findings.faults.add(
            where=where,
            found=f"{' and '.join(given)} alone",
            expected="at_most, per_year and of together, or none of them",
            mend="say what may be given in all, what is given in a year, and for a unit of which covariate",
        )


def _check_phases(values: int, edges: int, key: str, where: str, findings: Findings) -> None:
    """There is one more value than edges between phases."""
    if values == 0 or edges != values - 1:
        findings.faults.add(
            where=where,
            found=f"{values} in {key}, {edges} in until",
            expected=f"until has one fewer than {key}",
            mend="give each phase but the last its end",
        )


def _check_transition(row: Transition, where: str, findings: Findings) -> None:
    """One form of hazard; terms that say what they multiply; markers only where integrals are closed."""
    hazard: Hazard = row.hazard
    forms = {
        "rates": bool(hazard.rates),
        "weibull_shape and weibull_scale": hazard.weibull_shape is not None or hazard.weibull_scale is not None,
        "gompertz_level and gompertz_slope": hazard.gompertz_level is not None or hazard.gompertz_slope is not None,
        "life_table": hazard.life_table is not None,
    }
    chosen = [form for form, given in forms.items() if given]
    pairs = ((hazard.weibull_shape, hazard.weibull_scale), (hazard.gompertz_level, hazard.gompertz_slope))
    if len(chosen) != 1 or any((a is None) != (b is None) for a, b in pairs):
        findings.faults.add(
            where=f"{where}.hazard",
            found=" and ".join(chosen) or "no form",
            expected=f"exactly one of {'; '.join(forms)}",
            mend="keep one form, whole",
        )
    elif hazard.rates:
        _check_phases(len(hazard.rates), len(hazard.until), "rates", f"{where}.hazard", findings)
    for number, term in enumerate(row.terms):
        _check_term(term, f"{where}.terms[{number}]", findings)
        if term.marker is not None and not (hazard.rates or hazard.gompertz_level is not None):
            findings.faults.add(
                where=f"{where}.terms[{number}].marker",
                found=f"a marker with {chosen[0] if chosen else 'no form'}",
                expected="rates or gompertz, whose integral along a marker is a closed form",
                mend="choose one of these forms",
            )
    if row.stops_treatment and row.treatment is None:
        findings.faults.add(
            where=f"{where}.stops_treatment",
            found="no treatment to stop",
            expected="the key treatment",
            mend="name the treatment",
        )
    if (row.stops_treatment or row.stops_all) and row.reason is None:
        findings.faults.add(
            where=f"{where}.reason",
            found="a stop without a reason",
            expected="a reason, e.g. intolerance",
            mend="add reason",
        )
    if row.clock.startswith("course_end:") and row.treatment is not None:
        findings.faults.add(
            where=f"{where}.clock",
            found=f"clock {row.clock} on treatment {row.treatment}",
            expected="a clock that runs while on it",
            mend="leave out treatment",
        )


def _check_term(term: HazardTerm, where: str, findings: Findings) -> None:
    """Check that a term names one thing and gives one ratio."""
    things = [
        key for key in ("marker", "covariate", "treatment", "flag", "condition", "response") if getattr(term, key) is not None
    ]
    ratios = [key for key in ("ratio", "log_ratio") if getattr(term, key) is not None]
    if len(things) != 1 or len(ratios) != 1:
        findings.faults.add(
            where=where,
            found=", ".join([*things, *ratios]) or "an empty term",
            expected="one of marker, covariate, treatment, flag, condition, response; and ratio or log_ratio",
            mend="write one term for each",
        )


def _check_decision(row: Decision, pathway: PathwayDocument, where: str, findings: Findings) -> None:
    """Check that a decision has what its action needs and cannot turn in a circle."""
    needs = {
        "stop": ("reason", "treatment"),
        "flag": ("flag",),
        "hold": ("treatment",),
        "resume": ("treatment",),
        "reduce": ("treatment",),
        "restore": ("treatment",),
        "clear": ("flag",),
    }
    for key in needs.get(row.do, ()):
        if getattr(row, key) is None and not (key == "treatment" and row.do == "stop"):
            findings.faults.add(
                where=f"{where}.{key}", found="no such key", expected=f"{key}, because do = {row.do}", mend=f"add {key}"
            )
    if (row.do == "exchange") != bool(row.exchange) or ((row.to or row.to_line_state) and row.do != "exchange") or (row.to and row.to_line_state):
        findings.faults.add(
            where=f"{where}.do",
            found=f"do = {row.do} with {len(row.exchange)} exchanges, to = {row.to}, to_line_state = {str(row.to_line_state).lower()}",
            expected="do = exchange with pairs of treatments, and at most one of to and to_line_state; nothing of these otherwise",
            mend="write exchange = [{ stop = one, start = other }]",
        )
    stuck = [
        key
        for key, state in pathway.states.items()
        if (state.is_last_resort or state.is_absorbing) and row.source_states != "alive" and key in row.source_states
    ]
    if row.do == "next_line" and stuck:
        findings.faults.add(
            where=f"{where}.from",
            found=f"next_line in {', '.join(stuck)}: it would come back at once, without a delay",
            expected="states that have a next line",
            mend=f"leave out {', '.join(stuck)}",
        )


def _check_effect(row: Effect, where: str, findings: Findings) -> None:
    """Phases fit; a row of a drug names it; a course clock belongs to a treatment of the row."""
    _check_phases(len(row.values), len(row.until), "values", where, findings)
    if row.kind == "drift" and row.treatments:
        findings.faults.add(
            where=f"{where}.treatments",
            found="drift under treatment",
            expected="drift is the untreated course",
            mend="make it a difference, gain or ratio",
        )
    if row.kind != "drift" and not row.treatments and not row.clock.startswith("course"):
        findings.warn(where, f"{row.kind} without a treatment acts on everybody")
