"""Three tiny programs, written by hand: shared by the tests of every engine.

They are disease-free on purpose: an engine that knows lungs would fail here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pathway.draws import stream_id
from pathway.program import (
    AccessSpec,
    Action,
    CandidateSpec,
    Clock,
    ClockKind,
    CodeRow,
    Cohort,
    ConditionSpec,
    ConfirmationSpec,
    DecisionSpec,
    EffectKind,
    EffectSpec,
    MarkerSpec,
    Move,
    Op,
    Phases,
    Program,
    RuleSpec,
    ScheduledSpec,
    ScheduleSpec,
    TransitionSpec,
)
from pathway.rules import FIELD_NUMBERS

WORDS = (
    "line", "entry", "start", "renewal", "residual", "peer_to_peer", "appeal", "approved", "confirmatory", "denied", "no_candidate", "death",
    "superseded", "not_covered", "progression", "inefficacy", "primary_failure", "secondary_failure", "taper", "flare", "intolerance", "completed", "contraindication", "safety", "good_response", "choice", "horizon", "hold", "resume",
    "bridge", "abandoned", "insufficient_documentation", "resubmission",
)  # fmt: skip


def with_names(**parts: object) -> Program:
    """Make a program, filling in what a small one does not use, and its table of names."""
    blank: dict[str, object] = {
        "strategy": "tiny", "start_state": 0, "treatments": (), "covariates": ("age",), "markers": (), "references": (), "life_tables": (), "findings": (),
        "conditions": (), "flags": (), "flags_at_entry": (), "schedules": (), "rules": (), "code": (), "scheduled": (), "decisions": (), "effects": (),
        "lines": (), "access": AccessSpec(treatments=0), "horizon": 100.0, "age": 0, "names": (), "indices": (),
    }  # fmt: skip
    blank.update(parts)
    states = blank["states"]
    count = len(states)  # type: ignore[arg-type]
    if not blank["markers"]:
        blank.setdefault("grid", 25.0)  # nothing moves between events: few knots, fast tests
    blank.setdefault("state_line", (0,) + (-1,) * (count - 1))
    blank.setdefault("state_visits", (True,) * count)
    blank.setdefault("last_resort", 0)
    blank.setdefault("line_states", (0,))
    if "moves" not in parts:
        blank["moves"] = tuple(Move(trigger=t.name, label=t.name, sources=t.sources, to=t.to) for t in blank["transitions"] if t.to >= 0)  # type: ignore[attr-defined]
    words: list[str] = [*states]  # type: ignore[misc]
    for key in ("transitions", "markers", "findings", "indices", "conditions", "schedules", "decisions", "scheduled"):
        words += [item.name for item in blank[key]]  # type: ignore[attr-defined]
    words += [t.cause for t in blank["transitions"]] + [t.reason for t in blank["transitions"]]  # type: ignore[attr-defined]
    words += [*blank["treatments"], *blank["flags"], *(row.label for row in blank["code"]), *WORDS]  # type: ignore[misc, attr-defined]
    names = tuple(dict.fromkeys(word for word in words if word))
    blank["names"] = names
    blank["name_ids"] = {name: number for number, name in enumerate(names)}
    return Program(**blank)  # type: ignore[arg-type]


def people(size: int, covariates: Sequence[str] = ("age",), values: Sequence[float] = (50.0,), *, first: int = 0) -> Cohort:
    """Identical untreated patients."""
    return Cohort(
        covariates=tuple(covariates),
        values=np.tile(np.array(values, dtype=float), (size, 1)),
        patient=np.arange(first, first + size, dtype=np.int64),
        line=np.zeros(size, dtype=np.int64),
        regimen=np.zeros(size, dtype=np.int64),
        failed=np.zeros(size, dtype=np.int64),
        years_on=np.zeros(size),
    )


def hazard(name: str, rate: float, sources: int, to: int = -1, **more: object) -> TransitionSpec:
    """A constant hazard."""
    return TransitionSpec(name=name, stream=stream_id(f"transition:{name}"), sources=sources, to=to, rates=Phases(values=(rate,)), **more)  # type: ignore[arg-type]


def two_states(*, hazard: float, horizon: float = 100.0) -> Program:
    """Alive (0) and dead (1)."""
    rate = hazard
    return with_names(
        states=("alive", "dead"),
        absorbing=0b10,
        horizon=horizon,
        transitions=(TransitionSpec(name="die", stream=stream_id("transition:die"), sources=0b01, to=1, rates=Phases(values=(rate,)), cause="all"),),
    )


def sick_sicker(*, sick_to_sicker: float, death: float = 0.05, faster: float = 1.25, horizon: float = 400.0) -> Program:
    """Sick (0), sicker (1), dead (2): one budget of death spent ``faster`` once sicker (verification case 14)."""
    die = stream_id("transition:die")
    return with_names(
        states=("sick", "sicker", "dead"),
        absorbing=0b100,
        horizon=horizon,
        flags=("sicker_flag",),
        flags_at_entry=(-1,),
        transitions=(
            TransitionSpec(
                name="die", stream=die, sources=0b011, to=2, rates=Phases(values=(death,)), flag_terms=((0, float(np.log(faster))),), cause="all"
            ),
            hazard("worsen", sick_to_sicker, 0b001, 1, flag=0),
        ),
    )


A, B = 0, 1
STATES = ("untreated", "first_line", "second_line", "supportive_care", "dead")
TREATED = 0b00110
ALIVE = 0b01111


def two_drugs(**changes: object) -> Program:
    """Drug a, then b, on progression of one marker confirmed at a visit; intolerance of each; infection; death that depends on the marker.

    ``changes`` replace fields of the program.
    """
    leaf = FIELD_NUMBERS
    code = (
        CodeRow(op=Op.LEAF, field=leaf["fall"], of=0, window=1.05, at_least=10.0, label="fall of m within 1 year >= 10"),
        CodeRow(op=Op.LEAF, field=leaf["covariate"], of=2, at_least=1.0, label="suits_b >= 1"),
    )
    streams = (stream_id("measure:m:clinic"),)
    confirm = ConfirmationSpec(after=0.1, rule=0, measures=(0,), findings=(), streams=(stream_id("measure:m:confirm:progress"),))
    lines_into = tuple(
        Move(trigger=f"line:{STATES[to]}", label="line", sources=ALIVE, to=to) for to in (1, 2, 3)
    )
    transitions = (
        hazard("die_background", 0.02, ALIVE, 4, cause="background", is_invariant=True),
        hazard("die_disease", 0.03, ALIVE, 4, cause="disease", marker_terms=((0, -0.026, 70.0),)),
        hazard("stop_a", 0.1, TREATED, treatment=A, stops=1 << A, reason="intolerance"),
        hazard("stop_b", 0.15, TREATED, treatment=B, stops=1 << B, reason="intolerance"),
        hazard("infect", 0.1, ALIVE, forbids_condition=True, condition=0),
    )
    parts: dict[str, object] = {
        "states": STATES,
        "state_line": (0, 1, 2, -1, -1),
        "absorbing": 0b10000,
        "last_resort": 3,
        "line_states": (0, 1, 2),
        "treatments": ("a", "b"),
        "covariates": ("age", "m0", "suits_b"),
        "markers": (
            MarkerSpec(
                name="m", baseline=1, lower=20.0, upper=140.0, walk_keep=0.96, walk_sd=1.5, walk_stream=stream_id("walk:m"),
                personal_slope_sd=1.0, slope_stream=stream_id("slope:m"), error_sd=2.0, round_to=0.1,
            ),
        ),  # fmt: skip
        "conditions": (ConditionSpec(name="infection", stream=stream_id("recovery:infection"), recovery=1.0 / 12.0, exponential=False, holds=0b11),),
        "schedules": (
            ScheduleSpec(name="clinic", clock=Clock(), offsets=np.concatenate([np.arange(0.0, 1.0, 0.25), np.arange(1.0, 100.0, 0.5)]), measures=(0,), findings=(), streams=streams),
        ),
        "rules": (RuleSpec(name="progressed", first=0, last=1), RuleSpec(name="suits_b", first=1, last=2)),
        "code": code,
        "transitions": transitions,
        "decisions": (DecisionSpec(name="progress", rule=0, sources=TREATED, action=Action.NEXT_LINE, reason="progression", confirm=confirm),),
        "effects": (
            EffectSpec(name="drift", marker=0, kind=EffectKind.DRIFT, per_year=Phases(values=(-4.0,))),
            EffectSpec(
                name="a_helps", marker=0, kind=EffectKind.DIFFERENCE, per_year=Phases(values=(3.0, 2.0), edges=(1.25, float("inf"))),
                clock=Clock(kind=ClockKind.COURSE, treatment=A), needs=1 << A, first_treatment=A,
            ),
            EffectSpec(
                name="b_helps", marker=0, kind=EffectKind.RATIO, per_year=Phases(values=(0.5,)),
                clock=Clock(kind=ClockKind.COURSE, treatment=B), needs=1 << B, first_treatment=B,
            ),
        ),  # fmt: skip
        "lines": (
            (CandidateSpec(regimen=1 << A), CandidateSpec(regimen=1 << B)),
            (CandidateSpec(regimen=0b11, rule=1), CandidateSpec(regimen=1 << B, rule=1)),
        ),
        "access": AccessSpec(treatments=0b11),
        "moves": (*(Move(trigger=t.name, label=t.name, sources=t.sources, to=t.to) for t in transitions if t.to >= 0), *lines_into),
        "horizon": 60.0,
    }
    parts.update(changes)
    return with_names(**parts)


def drug_people(size: int, *, first: int = 0, age: float = 52.0, marker: float = 75.0) -> Cohort:
    """Patients for :func:`two_drugs`; every third does not suit b."""
    cohort = people(size, ("age", "m0", "suits_b"), (age, marker, 1.0), first=first)
    cohort.values[cohort.patient % 3 == 0, 2] = 0.0
    return cohort


__all__ = ["ScheduledSpec", "drug_people", "hazard", "people", "sick_sicker", "two_drugs", "two_states", "with_names"]
