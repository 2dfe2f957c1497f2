"""The compiler: field by field on a small study, rules against their logic, and everything that must be refused."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pathway.compiler import WORDS, compile_program
from pathway.compiling.body import walk_of
from pathway.compiling.clinic import visit_times
from pathway.compiling.rules import leaf_label
from pathway.draws import stream_id
from pathway.engines import simulate
from pathway.errors import ProgramError
from pathway.program import (
    INFINITY,
    PRESENT_REGIMEN,
    Action,
    CandidateSpec,
    Clock,
    ClockKind,
    CodeRow,
    ConfirmationSpec,
    DelaySpec,
    DenialSpec,
    EffectKind,
    Form,
    Op,
    Phases,
    Program,
)
from pathway.rules import FIELD_NUMBERS, Truth, combine_all, combine_any, combine_at_least, negate
from tests.small_study import STRATEGIES, pathway_tables, small_scenario
from tests.tiny import people

STATE = {"untreated": 0, "first": 1, "later": 2, "supportive": 3, "transplanted": 4, "dead": 5}
ALIVE = 0b011111


def program_of(
    change: Callable[[dict[str, Any]], None] | None = None, *, strategy: str = "s1", **parts: Any
) -> Program:
    tables = pathway_tables()
    if change is not None:
        change(tables)
    scenario = small_scenario(pathway=tables, **parts)
    return compile_program(scenario, strategy, scenario.base_values())


def refused(change: Callable[[dict[str, Any]], None]) -> str:
    with pytest.raises(ProgramError) as caught:
        program_of(change)
    return str(caught.value)


@pytest.fixture(scope="module")
def program() -> Program:
    return program_of()


def by_name(rows: tuple[Any, ...], name: str) -> Any:
    return next(row for row in rows if row.name == name)


def test_states_lines_and_last_resort_find_their_places(program: Program) -> None:
    assert program.states == tuple(STATE)
    assert program.state_line == (0, 1, 2, -1, -1, -1)
    assert program.absorbing == 1 << STATE["dead"]
    assert (program.start_state, program.last_resort) == (STATE["untreated"], STATE["supportive"])
    assert program.line_states == (0, 1, 2, 2), "the highest line state serves the third line"
    assert (program.age, program.female, program.onset) == (0, 1, 5)
    assert program.flags_at_entry == (1,)
    assert (program.horizon, program.grid) == (3.0, 0.25)


def test_marker_carries_bounds_reference_and_streams(program: Program) -> None:
    (marker,) = program.markers
    assert (marker.baseline, marker.reference, marker.factor) == (4, 0, 3)
    assert (marker.lower, marker.upper, marker.error_sd, marker.round_to) == (20.0, 140.0, 2.0, 10.0)
    assert marker.ageing_ceiling
    assert marker.walk_stream == stream_id("walk:m")
    assert marker.slope_stream == stream_id("slope:m")
    male, female = program.references[0].tables
    assert (male[0], female[0]) == (4000.0 - 75.0, 3000.0 - 60.0)


@pytest.mark.parametrize("memory", [0.5, 2.0, 10.0])
def test_walk_has_the_wanted_spread_after_one_year(memory: float) -> None:
    keep, sd = walk_of(4.0, memory, 0.25)
    assert keep == pytest.approx(math.exp(-0.25 / memory), rel=1e-14)
    variance = 0.0
    for _ in range(4):
        variance = keep * keep * variance + sd * sd
    assert math.sqrt(variance) == pytest.approx(4.0, rel=1e-12)


def test_walk_without_memory_row_is_a_plain_random_walk() -> None:
    def change(tables: dict[str, Any]) -> None:
        del tables["markers"]["m"]["process_memory"]

    (marker,) = program_of(change).markers
    assert (marker.walk_keep, marker.walk_sd) == (1.0, 2.0)


def test_effects_know_native_units_clocks_and_conditions(program: Program) -> None:
    drift, a_helps, b_helps, rebound = program.effects
    assert (drift.kind, drift.native, drift.clock) == (EffectKind.DRIFT, False, Clock(kind=ClockKind.ONSET))
    assert drift.per_year == Phases(values=(-4.0, -1.0), edges=(5.0, INFINITY))
    assert a_helps.native
    assert a_helps.clock == Clock(kind=ClockKind.COURSE, treatment=0)
    assert (a_helps.needs, a_helps.first_treatment, a_helps.lines) == (0b01, 0, 0b110)
    assert (b_helps.kind, b_helps.needs, b_helps.without, b_helps.where) == (EffectKind.RATIO, 0b10, 0b01, ((1, 1.0),))
    assert not b_helps.native
    assert rebound.clock == Clock(kind=ClockKind.COURSE_END, treatment=0)
    assert (rebound.kind, rebound.native) == (EffectKind.GAIN, False), (
        "a derived sum gives the unit of its second phase"
    )


def test_unit_follows_the_row_that_stands_in() -> None:
    (drift, *_) = program_of(switches={"early": "ml"}).effects
    assert drift.native
    assert drift.per_year.values == (-93.0, -93.0)


def test_life_table_is_scaled_read_by_age_and_invariant(program: Program) -> None:
    death = by_name(program.transitions, "death_background")
    assert (death.form, death.clock.kind, death.is_invariant) == (Form.TABLE, ClockKind.AGE, True)
    assert (death.sources, death.to, death.cause) == (ALIVE, STATE["dead"], "background")
    male, female = program.life_tables[death.table].tables
    assert female[50] == pytest.approx(0.5 * 1.3)
    assert male[50] == pytest.approx(1.0 * 1.3)


def test_scenario_may_put_another_life_table_in_its_place() -> None:
    scenario = small_scenario()
    object.__setattr__(scenario, "life_tables", {"usa": "other"})
    program = compile_program(scenario, "s1", scenario.base_values())
    assert program.life_tables[0].tables[1][50] == pytest.approx(1.5 * 1.3)


def test_hazard_terms_are_logs_per_unit(program: Program) -> None:
    death = by_name(program.transitions, "death_disease")
    ((marker, beta, reference),) = death.marker_terms
    assert (marker, reference) == (0, 70.0)
    assert beta == pytest.approx(-math.log(1.3) / 10.0, rel=1e-14)
    assert death.covariate_terms == ((0, 0.1, 55.0),)
    assert death.treatment_terms == ((1, pytest.approx(-math.log(2.0))),)
    assert death.flag_terms == ((0, pytest.approx(math.log(1.3))),)
    assert death.condition_terms == ((0, 0.1),)
    assert not death.is_invariant


def test_transitions_keep_courses_jumps_and_stops(program: Program) -> None:
    stop = by_name(program.transitions, "stop_a")
    assert (stop.treatment, stop.stops, stop.reason) == (0, 0b01, "intolerance")
    assert stop.sources == 1 << STATE["first"] | 1 << STATE["later"]
    assert stop.rates == Phases(values=(0.12, 0.02), edges=(1.0, INFINITY))
    assert stop.clock == Clock(kind=ClockKind.COURSE, treatment=0)
    infect = by_name(program.transitions, "infect")
    assert (infect.form, infect.shape, infect.scale, infect.condition) == (Form.WEIBULL, 1.0, 55.0, 0)
    assert infect.jumps == ((0, -2.0),)
    assert infect.forbids_condition
    transplant = by_name(program.transitions, "transplant")
    assert (transplant.stops, transplant.reset, transplant.to) == (0b11, True, STATE["transplanted"])
    (planned,) = program.scheduled
    assert (planned.treatment, planned.after, planned.reason) == (1, 1.0, "completed")


def test_plain_death_of_all_is_invariant_and_a_single_dependence_undoes_it() -> None:
    def plain(tables: dict[str, Any]) -> None:
        tables["transitions"][1]["terms"] = tables["transitions"][1]["terms"][1:2]

    assert by_name(program_of(plain).transitions, "death_disease").is_invariant
    for key, value in (
        ("requires_flag", "frail"),
        ("forbids_flag", "frail"),
        ("requires_condition", "infection"),
        ("forbids_condition", True),
        ("requires_regimen", True),
        ("treatment", "a"),
        ("clock", "line"),
        ("from", ["untreated", "first"]),
        ("terms", [{"flag": "frail", "ratio": "half"}]),
        ("to", "transplanted"),
    ):

        def bound(tables: dict[str, Any], key: str = key, value: object = value) -> None:
            plain(tables)
            tables["transitions"][1][key] = value

        assert not by_name(program_of(bound).transitions, "death_disease").is_invariant, key


def test_rows_out_of_force_are_left_out() -> None:
    program = program_of(switches={"infections": "no"})
    assert "infect" not in [row.name for row in program.transitions]
    assert "infect" not in program.names


def test_schedule_offsets_do_not_pile_up_rounding() -> None:
    tenth = 0.1
    times = visit_times(Phases(values=(tenth, 1 / 3), edges=(1.0, INFINITY)), 100.0, at_zero=True)
    assert times[:11].tolist() == [k * tenth for k in range(10)] + [1.0]
    assert times[11] == 1.0 + 1 / 3
    assert times[-1] <= 100.0 + 1e-9
    assert (np.diff(times) > 1e-6).all()
    assert times[0] == 0.0
    assert visit_times(Phases(values=(0.25,)), 1.0, at_zero=False).tolist() == [0.25, 0.5, 0.75, 1.0]


def test_schedules_measure_with_streams_of_their_own(program: Program) -> None:
    clinic, on_a = program.schedules
    assert clinic.offsets.tolist() == [0.0, 0.25, 0.5, 0.75, 1.0, 2.0, 3.0]
    assert clinic.streams == (stream_id("measure:m:clinic"), stream_id("finding:worse:clinic"))
    assert (clinic.measures, clinic.findings, clinic.while_on) == ((0,), (0,), 0)
    assert on_a.clock == Clock(kind=ClockKind.COURSE, treatment=0)
    assert on_a.offsets[0] == 0.25
    assert on_a.streams == (stream_id("measure:m:on_a"), 0)
    assert on_a.while_on == 0b01


def test_decisions_confirmations_and_options(program: Program) -> None:
    progress, stop = program.decisions
    assert (progress.action, progress.rule, progress.sources) == (Action.NEXT_LINE, 1, 0b110)
    assert progress.reason == "progression"
    assert progress.confirm == ConfirmationSpec(
        after=1.0 / 12.0, rule=0, measures=(0,), findings=(), streams=(stream_id("measure:m:confirm:progress"), 0)
    )
    assert (stop.action, stop.treatment, stop.reason, stop.choose) == (Action.STOP, 1, "inefficacy", False)
    assert [row.name for row in program_of(strategy="s0").decisions] == ["progress"], "optional and not listed"


def test_a_hazard_rests_where_a_decision_does_the_same() -> None:
    change = edit("transitions", 1, "unless_decision", value="stop_b")
    listed, other = ([row.name for row in program_of(change, strategy=name).transitions] for name in ("s1", "s0"))
    assert set(other) - set(listed) == {program_of(strategy="s0").transitions[1].name}


def test_a_planned_end_may_go_by_a_cumulative_dose() -> None:
    def change(tables: dict[str, Any]) -> None:
        tables["scheduled"][0].update(at_most="ten", per_year="half", of="age")

    (planned,) = program_of(change).scheduled
    assert (planned.after, planned.covariate, planned.reach) == (1.0, 0, 20.0)


def test_lines_access_and_findings(program: Program) -> None:
    assert program.lines == (
        (CandidateSpec(regimen=0b01),),
        (CandidateSpec(regimen=0b11, rule=2), CandidateSpec(regimen=0b10)),
        (CandidateSpec(regimen=0b10),),
    )
    access = program.access
    assert (access.treatments, access.start_rules, access.renewal_rules) == (0b10, (-1, 2), (-1, -1))
    assert access.decision == DelaySpec(
        mean=1 / 12, family="lognormal", sd_log=0.5, stream=stream_id("request:decision")
    )
    assert access.supplies == (DelaySpec(stream=stream_id("request:supply")),) * 2
    assert access.residual_merits == 0.1
    assert access.denials == (DenialSpec(appeal=0.5, appeal_success=0.4), DenialSpec(), DenialSpec())
    assert (access.approval_lasts, access.renewal_lasts, access.renewal_lead, access.grace) == (1.0, 1.0, 1 / 12, 0.0)
    assert (access.stream, access.document_stream, access.bridge) == (stream_id("request"), stream_id("request:documents"), PRESENT_REGIMEN)
    (worse,) = program.findings
    assert (worse.kind, worse.level, worse.terms[0].window, worse.terms[0].slope) == ("yes_no", -2.0, 1.0, -0.1)
    (infection,) = program.conditions
    assert (infection.recovery, infection.holds, infection.stream) == (1 / 12, 0b11, stream_id("recovery:infection"))
    assert program_of(study={"access": "open"}).access.treatments == 0


def test_moves_are_those_of_transitions_and_of_lines(program: Program) -> None:
    found = {move.trigger: (move.sources, move.to) for move in program.moves}
    assert found["death_disease"] == (ALIVE, STATE["dead"])
    assert found["transplant"] == (1 << STATE["supportive"], STATE["transplanted"])
    assert found["line:first"] == (0b000001, STATE["first"]), "only from before it: lines never lead back"
    assert found["line:supportive"] == (0b000111, STATE["supportive"])
    assert "line:untreated" not in found


def test_names_are_unique_and_their_inverse_is_right(program: Program) -> None:
    assert len(set(program.names)) == len(program.names)
    assert all(program.names[number] == name for name, number in program.name_ids.items())
    assert set(WORDS) <= set(program.names)
    assert program.names[: len(STATE)] == tuple(STATE)
    assert {"intolerance", "background", "fall of m within 1 year >= 10", "a smaller fall", "b_complete"} <= set(
        program.names
    )


def test_the_program_runs(program: Program) -> None:
    cohort = people(30, program.covariates, (55.0, 1.0, 165.0, 1.0, 75.0, 2.0))
    frame = simulate(program, cohort, 1).frame()
    assert set(frame.loc[frame["kind"] == "start", "name"]) >= {"a"}
    assert frame.groupby("patient")["kind"].last().isin(["end", "move"]).all()


# --- rules ------------------------------------------------------------------------------------------------------------


def run_code(rows: tuple[CodeRow, ...], leaves: dict[str, int]) -> int:
    """A plain stack machine over given truths of leaves."""
    stack: list[int] = []
    for row in rows:
        if row.op is Op.LEAF:
            stack.append(leaves[row.label])
        elif row.op is Op.NOT:
            stack.append(negate(stack.pop()))
        elif row.op is Op.APPLIES_IF:
            value, condition = stack.pop(), stack.pop()
            rest = Truth.NOT_DOCUMENTED if condition == Truth.NOT_DOCUMENTED else Truth.NOT_APPLICABLE
            stack.append(value if condition == Truth.MET else rest)
        else:
            stack, operands = stack[: -row.count], stack[-row.count :]
            combined = {Op.ALL: combine_all, Op.ANY: combine_any}.get(row.op)
            stack.append(combined(operands) if combined else combine_at_least(row.needed, operands))
    (result,) = stack
    return int(result)


def rule_code(program: Program, name: str) -> tuple[CodeRow, ...]:
    rule = by_name(program.rules, name)
    return program.code[rule.first : rule.last]


def test_rule_code_means_what_the_tree_says(program: Program) -> None:
    big, small, worse = "fall of m within 1 year >= 10", "a smaller fall", "worse = 1"
    code = rule_code(program, "progressed")
    for one, two, three in itertools.product(Truth, repeat=3):
        expected = combine_any([one, combine_all([two, three])])
        assert run_code(code, {big: one, small: two, worse: three}) == expected


def test_guarded_rule_and_counting_rule_mean_what_the_tree_says(program: Program) -> None:
    code = rule_code(program, "may_have_b")
    for line, failed, female, age in itertools.product(Truth, repeat=4):
        inner = combine_at_least(2, [negate(failed), female, age])
        expected = inner if line == Truth.MET else 1 if line == Truth.NOT_DOCUMENTED else 3
        truths = {"line > 0": line, "failed b": failed, "female = 1": female, "age < 85": age}
        assert run_code(code, truths) == expected


def test_leaf_carries_field_window_and_bounds(program: Program) -> None:
    (leaf,) = rule_code(program, "fell")
    assert (leaf.field, leaf.of, leaf.window) == (FIELD_NUMBERS["fall"], 0, 1.0)
    assert (leaf.at_least, leaf.at_most, leaf.above, leaf.below) == (10.0, INFINITY, -INFINITY, INFINITY)
    line = rule_code(program, "may_have_b")[0]
    assert (line.above, line.at_least, line.of) == (0.0, -INFINITY, -1)
    finding = rule_code(program, "progressed")[2]
    assert (finding.at_least, finding.at_most) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("name", "of", "bounds", "label"),
    [
        ("latest", "m", {"below": 50.0}, "latest of m < 50"),
        ("age", "", {"at_least": 18.0, "at_most": 65.0}, "age >= 18 and <= 65"),
        ("on", "a", {"at_least": 0.0, "at_most": 0.0}, "not on a"),
        ("years_on", "a", {"at_least": 0.5}, "years on a >= 0.5"),
        ("finding", "band", {"at_least": 2.0, "at_most": 2.0, "window": 0.25}, "band within 0.25 years = 2"),
        ("fall_from_line_start", "m", {"above": 5.0}, "fall from line start of m > 5"),
    ],
)
def test_leaves_are_said_in_words(name: str, of: str, bounds: dict[str, float], label: str) -> None:
    assert leaf_label(CodeRow(op=Op.LEAF, **bounds), name, of) == label  # type: ignore[arg-type]


# --- what is refused --------------------------------------------------------------------------------------------------


def test_missing_value_names_the_row_and_the_nearest_id() -> None:
    def change(tables: dict[str, Any]) -> None:
        tables["transitions"][2]["hazard"]["rates"] = ["stop_rat", "excess"]
        tables["markers"]["m"]["error_sd"] = "eror"

    message = refused(change)
    assert "transition stop_a" in message
    assert "did you mean 'stop_rate'?" in message
    assert "markers.m.error_sd" in message, "all faults are told at once"


def edit(*path: str | int, value: object) -> Callable[[dict[str, Any]], None]:
    def change(tables: dict[str, Any]) -> None:
        place: Any = tables
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (edit("rules", "fell", "when", value={"rule": "progressed"}), "a circle of rules: fell -> progressed -> fell"),
        (edit("rules", "fell", "when", value={"rule": "fel"}), "did you mean 'fell'?"),
        (edit("rules", "fell", "when", value={"field": "fal", "of": "m", "above": "ten"}), "did you mean 'fall'?"),
        (edit("rules", "fell", "when", value={"field": "fall", "of": "m"}), "without a bound"),
        (edit("rules", "fell", "when", value={"field": "fall", "above": "ten"}), "of nothing"),
        (edit("rules", "fell", "when", value={"field": "age", "of": "m", "above": "ten"}), "no key of"),
        (edit("rules", "fell", "when", value={"all": []}), "an empty all"),
        (edit("rules", "fell", "when", value={"always": True, "rule": "progressed"}), "rule and always"),
        (edit("effects", 0, "until", value=[]), "2 values and 0 ends"),
        (edit("effects", 0, "values", value=["drift_early", "help_a"]), "values in mL and in points"),
        (edit("effects", 0, "values", value=["drift_early", "age_sd"]), "mL per year or points per year"),
        (edit("effects", 0, "clock", value="course:c"), "treatment 'c'"),
        (edit("transitions", 0, "forbids_condition", value=True), "a life table that depends on something"),
        (edit("transitions", 0, "clock", value="onset"), "a life table is read by age"),
        (edit("transitions", 3, "terms", value=[{"marker": "m", "ratio": "half"}]), "a marker in a weibull hazard"),
        (edit("transitions", 1, "hazard", value={"rates": ["excess"], "life_table": "usa"}), "rates and life_table"),
        (edit("transitions", 1, "terms", value=[{"flag": "frail"}]), "exactly one of them"),
        (edit("transitions", 1, "terms", value=[{"flag": "frail", "marker": "m", "ratio": "half"}]), "marker and flag"),
        (edit("transitions", 1, "terms", value=[{"flag": "frail", "ratio": "zero"}]), "a number above zero"),
        (edit("transitions", 1, "hazard", value={"rates": ["minus_two"]}), "not negative"),
        (edit("transitions", 1, "hazard", value={"gompertz_level": "excess"}), "half of a Gompertz"),
        (edit("schedules", "clinic", "every", value=["zero", "one"]), "years above zero"),
        (edit("schedules", "clinic", "clock", value="age"), "entry, line or course"),
        (edit("findings", "worse", "level", value=None), "no level"),
        (edit("states", "first", "is_start", value=True), "2 start states"),
        (edit("states", "supportive", "is_last_resort", value=False), "0 states of last resort"),
        (edit("decisions", 1, "treatment", value=None), "do = stop without a treatment"),
        (edit("decisions", 1, "optional", value=False), "decision 'stop_b'"),
        (edit("decisions", 1, "do", value="clear"), "do = clear with flag = None"),
        (edit("effects", 0, "dose", value="reduced"), "a dose without a treatment"),
    ],
)
def test_what_cannot_be_compiled_is_refused_in_words(change: Callable[[dict[str, Any]], None], words: str) -> None:
    assert words in refused(change)


def test_unknown_strategy_is_refused_with_the_nearest() -> None:
    scenario = small_scenario()
    with pytest.raises(ProgramError, match="s0, s1"):
        compile_program(scenario, "s9", scenario.base_values())


def test_strategies_of_one_study_share_all_but_their_own() -> None:
    one, other = program_of(strategy="s0"), program_of(strategy="s1")
    for part in ("transitions", "effects", "markers", "rules", "code", "states", "treatments"):
        assert getattr(one, part) == getattr(other, part) or part == "references"
    assert one.lines == ()
    assert STRATEGIES["s0"].get("lines", []) == []
