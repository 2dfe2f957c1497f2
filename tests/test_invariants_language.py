"""The temporal language: against its definition, moment by moment, and the traps that it closes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pathway.errors import PathwayError
from pathway.eventlog import Kind
from pathway.invariants import (
    Invariant,
    afterwards,
    always,
    as_of,
    assert_holds,
    at_least,
    audit,
    before,
    covariate,
    days_since,
    each,
    eventually,
    examined,
    highest,
    if_carried,
    implies,
    invariant,
    latest,
    line,
    lowest,
    measured,
    never,
    on,
    once,
    previously,
    register,
    since,
    start,
    stop,
    throughout,
    truly,
    until,
    violations,
    years,
)
from pathway.invariants.formula import Formula
from tests.told import DAY, history, tell

WINDOWS = st.sampled_from([None, 0.0, 30.0, 90.0, (1.0, 30.0), (30.0, 90.0), (28.0, 56.0)])


class Given(Formula):
    """Truths told outright; ``lasts`` as told."""

    def __init__(self, name, truths, lasts):
        self.name, self.truths, self._lasts = name, np.array(truths, dtype=bool), lasts

    @property
    def lasts(self):
        return self._lasts

    def text(self):
        return self.name

    def evaluate(self, trace):
        return self.truths


@st.composite
def worlds(draw):
    """Histories of a few patients at whole days, with two claims; each patient's end is censored or death."""
    days = draw(st.lists(st.lists(st.integers(1, 150), min_size=0, max_size=7, unique=True).map(sorted), min_size=1, max_size=3))
    stories = []
    for of_one in days:
        deadly = draw(st.booleans()) and bool(of_one)
        stories.append({day: "move dead" if deadly and day == of_one[-1] else "visit clinic" for day in of_one})
    made = history(*stories, until=160.0)
    size = made.trace().size
    truths = st.lists(st.booleans(), min_size=size, max_size=size)
    return made, Given("p", draw(truths), draw(st.booleans())), Given("q", draw(truths), draw(st.booleans()))


def plainly(trace, claim):
    """Answer by a loop: ``claim(days, at, last)`` is told the days of one patient from 0 on, the position asked about, and the offset of the first."""
    found = []
    for position in range(trace.size):
        first, last = trace.first[position], trace.last[position]
        days = trace.time[first : last + 1] / DAY
        found.append(claim(np.round(days, 6), position - first, first))
    return np.array(found, dtype=bool)


def window(days):
    return (0.0, np.inf) if days is None else days if isinstance(days, tuple) else (0.0, days)


def in_force(truths, days, when):
    """Truth of what lasts at any time of a history."""
    return truths[np.flatnonzero(days <= when)[-1]]


def held_within(formula, days, first, low, high, *, begin, end):
    """Whether it holds at a moment of [low, high] among moments begin to end, or in force as the window opens."""
    truths = formula.truths[first : first + days.size]
    at_moments = any(truths[k] for k in range(begin, end + 1) if low <= days[k] <= high)
    opens = max(low, days[begin])
    return at_moments or (formula.lasts and days[begin] <= opens <= high and bool(in_force(truths, days[: end + 1], opens)))


@given(worlds(), WINDOWS)
def test_once_is_its_definition(world, days):
    made, p, _ = world
    low, high = window(days)

    def claim(times, at, first):
        return held_within(p, times, first, times[at] - high, times[at] - low, begin=0, end=at)

    assert (once(p, days=days).evaluate(made.trace()) == plainly(made.trace(), claim)).all()
    assert (throughout(p, days=days).evaluate(made.trace()) == ~once(~p, days=days).evaluate(made.trace())).all()


@given(worlds(), WINDOWS, st.booleans())
def test_eventually_is_its_definition_and_excuses_the_end(world, days, strict):
    made, p, _ = world
    trace = made.trace()
    low, high = window(days)
    censored = made.log.events["kind"][trace.row[trace.last]] == int(Kind.END)

    def claim(times, at, first):
        found = held_within(p, times, first, times[at] + low, times[at] + high, begin=at, end=times.size - 1)
        excused = censored[first] if days is None else times[-1] < times[at] + high
        return found or (excused and not strict)

    assert (eventually(p, days=days, strict=strict).evaluate(trace) == plainly(trace, claim)).all()
    assert (always(p, days=days).evaluate(trace) == ~eventually(~p, days=days, strict=True).evaluate(trace)).all()


@given(worlds())
def test_since_until_next_and_before_are_their_definitions(world):
    made, p, q = world
    trace = made.trace()
    truth = lambda one, first, at: bool(one.truths[first + at])  # noqa: E731

    def has_been(times, at, first):
        return any(truth(q, first, j) and all(truth(p, first, k) for k in range(j + 1, at + 1)) for j in range(at + 1))

    def will_be(times, at, first):
        ends = [j for j in range(at, times.size) if truth(q, first, j)]
        last = ends[0] if ends else times.size
        return all(truth(p, first, k) for k in range(at, last))

    assert (since(p, q).evaluate(trace) == plainly(trace, has_been)).all()
    assert (until(p, q).evaluate(trace) == plainly(trace, will_be)).all()
    assert (afterwards(p).evaluate(trace) == plainly(trace, lambda times, at, first: at + 1 == times.size or truth(p, first, at + 1))).all()
    assert (previously(p).evaluate(trace) == plainly(trace, lambda times, at, first: at > 0 and truth(p, first, at - 1))).all()
    assert (implies(p, q).evaluate(trace) == (~p.truths | q.truths)).all()
    assert (at_least(2, p, q).evaluate(trace) == (p.truths & q.truths)).all()
    assert (never(p | q).evaluate(trace) == ~(p.truths | q.truths)).all()


def at_days(formula_or_number, made):
    """Answer by day of patient 0."""
    trace = made.trace()
    values = formula_or_number.holds(trace) if isinstance(formula_or_number, Formula) else formula_or_number.values(trace)
    return {round(float(time / DAY)): value for time, value in zip(trace.time, values, strict=True)}


def test_numbers_by_day():
    made = history(
        {0: "measure fvc 80", 30: "visit clinic", 60: "measure fvc 70; start mmf", 200: "line 1; measure fvc 75"},
        until=300.0,
        covariates={"fvc": np.array([81.0])},
    )
    fvc = measured("fvc")
    assert [at_days(latest(fvc), made)[day] for day in (0, 30, 60, 300)] == [80, 80, 70, 75]
    assert np.isnan(at_days(latest(fvc, days=90), made)[300])
    assert [at_days(highest(fvc, days=90), made)[day] for day in (30, 60, 200)] == [80, 80, 75]
    assert [at_days(lowest(fvc, days=140), made)[day] for day in (60, 200)] == [70, 70]
    assert [at_days(before(latest(fvc)), made)[day] for day in (60, 200)] == [80, 70]
    assert at_days(days_since(start("mmf")), made)[200] == pytest.approx(140)
    assert at_days(as_of(latest(fvc), start("mmf")), made)[300] == 70
    assert at_days(abs(latest(fvc) - covariate("fvc")) / 2 + 1, made)[200] == 4
    assert at_days(2 * years, made)[300] == pytest.approx(600 * DAY)
    assert at_days(truly("fvc") > 70, made)[60] == False  # noqa: E712
    assert at_days((line == 1) & (line != 0), made) == {0: False, 30: False, 60: False, 200: True, 300: True}
    assert at_days(fvc.known, made)[30] == False  # noqa: E712
    assert at_days(fvc < 100, made)[30] == False, "nothing holds of a number that is missing"  # noqa: E712
    assert at_days(examined("fvc"), history({9: "measure fvc nan"}))[9]


def test_what_lasts_holds_between_moments():
    """On for 10 days is not on for 90, though both moments of the window say on; what ended within the window was on in it."""
    made = history({0: "visit clinic", 100: "start mmf", 110: "visit clinic", 200: "visit clinic", 300: "stop mmf (choice)", 310: "visit clinic"})
    assert not at_days(throughout(on("mmf"), days=90), made)[110]
    assert at_days(throughout(on("mmf"), days=90), made)[200]
    assert at_days(once(on("mmf"), days=11), made)[310]
    assert not at_days(once(on("mmf"), days=5), made)[310]


def test_a_moment_is_all_that_happens_at_one_time():
    made = history({9: "stop mmf (progression); start nintedanib"}, regimen=("mmf",))
    assert at_days(stop("mmf") & start("nintedanib") & on("nintedanib") & ~on("mmf"), made)[9]
    assert not (stop("mmf") & start("nintedanib")).evaluate(made.trace("row")).any(), "row by row they are two"


def test_classes_stand_for_their_drugs_and_but_leaves_some_out():
    made = history({9: "start adalimumab"})
    assert at_days(start("tnf_inhibitor"), made)[9]
    assert at_days(on("biologic_or_targeted", but="il6_inhibitor"), made)[9]
    assert not at_days(on("biologic_or_targeted", but=("tnf_inhibitor", "il6_inhibitor")), made)[9]
    assert not at_days(each(lambda drug: start(drug).implies(once(stop())), of="tnf_inhibitor"), made)[9]


def test_formulas_print_as_they_read():
    formula = (start("tocilizumab") & (line >= 2)).implies(once(measured("anc") >= 2000, days=30) | eventually(~on("mmf", but="rituximab"), days=(28, 56)))
    assert repr(formula) == "(start(tocilizumab) & line >= 2) -> (once[30 d](anc >= 2000) | eventually[28-56 d](not on(mmf but rituximab)))"


def test_and_between_formulas_is_refused():
    with pytest.raises(TypeError, match="join with &"):
        on("mmf") and on("rituximab")
    with pytest.raises(TypeError, match="join with &"):
        1 < line < 3  # noqa: B015


def test_a_name_that_no_log_knows_is_lacking():
    made = history({9: "finding crp 6"})
    claim = (measured("crp") > 5).implies((measured("zzz") > 5) | on("yyy"))
    assert list(claim.lacks(made)) == ["zzz", "a treatment that is yyy"]
    assert not any(if_carried(claim).lacks(made))
    assert not if_carried(claim).evaluate(made.trace()).any()


MINE = Invariant(id="mine", words="Mycophenolate before nintedanib", formula=start("nintedanib").implies(once(on("mmf"))))


def test_assert_holds_tells_the_story():
    log = tell({0: "start mmf", 9: "start nintedanib"}, {5: "visit clinic", 9: "start nintedanib"})
    with pytest.raises(AssertionError) as caught:
        assert_holds(log, MINE)
    text = str(caught.value)
    assert text.startswith("1 violations, 1 patients")
    assert "mine, patient 1, 0.0246 years: Mycophenolate before nintedanib" in text
    assert text.index("visit clinic") < text.index("start nintedanib | untreated, line 0, on nintedanib")
    assert_holds(tell({0: "start mmf", 9: "start nintedanib"}), MINE)


def test_assert_holds_passes_nothing_in_silence():
    with pytest.raises(AssertionError, match=r"I7 cannot be asked .*HBsAg"):
        assert_holds(history({9: "start rituximab"}), "I7")


def test_soft_ones_may_be_let_be():
    soft = Invariant(id="soft", words="No rituximab", formula=never(on("rituximab")), hardness="soft")
    made = history({9: "start rituximab"})
    assert list(violations(made, [soft])["hardness"]) == ["soft"] * 2
    assert violations(made, [soft], hardness="hard").empty
    assert_holds(made, soft, allow_soft=True)


def test_an_empty_table_has_its_columns():
    assert list(violations(tell({9: "start mmf"}), [])) == ["patient", "time", "invariant", "words", "hardness", "happened"]
    assert audit(tell({}), []).empty


def test_faults_of_an_invariant_are_told():
    with pytest.raises(PathwayError, match="a formula of type bool"):
        Invariant(id="x", words="x", formula=True)
    with pytest.raises(PathwayError, match="stand-in without words"):
        Invariant(id="x", words="x", formula=on("mmf"), stand_in=on("mmf"))
    with pytest.raises(PathwayError, match="taken"):
        register(invariant("I8"))
    with pytest.raises(PathwayError, match="I8"):
        invariant("I8x")
