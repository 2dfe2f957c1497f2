"""Errors: four parts, gathered, capped, printable, and rebuilt on the far side of a process pool."""

from __future__ import annotations

import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from pathway import errors
from pathway.errors import SHOWN_FAULTS, Fault, FaultList, PathwayError, ScenarioError, did_you_mean, shown

KINDS = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PathwayError)
]


def _fail(number: int) -> int:
    """Raise in a worker process."""
    raise ScenarioError(where=f"row {number}", found="price \u20ac1", expected="a price in USD", mend="convert it")


def test_four_parts_in_their_order():
    error = ScenarioError(where="prices.csv:4 price", found="-3", expected="at least 0", mend="drop the sign")
    assert str(error) == "prices.csv:4 price\n  found     -3\n  expected  at least 0\n  mend      drop the sign"


def test_parts_not_given_are_not_printed():
    assert str(ScenarioError(where="study.toml", found="nothing")) == "study.toml\n  found     nothing"


def test_there_are_errors_of_every_floor():
    names = {kind.__name__ for kind in KINDS}
    assert names >= {"PathwayError", "ScenarioError", "EvidenceError", "UnitError", "DrawError", "EngineError"}


def test_faults_are_gathered_and_raised_together():
    faults = FaultList()
    faults.raise_if_any()
    faults.add(where="a", found="1", expected="2", mend="3")
    faults.extend([Fault(where="b", found="4"), Fault(where="c", found="5")])
    with pytest.raises(ScenarioError) as caught:
        faults.raise_if_any()
    assert [fault.where for fault in caught.value.faults] == ["a", "b", "c"]
    text = str(caught.value)
    assert text.index("a\n") < text.index("b\n") < text.index("c\n")


def test_the_kind_raised_is_the_kind_asked_for():
    faults = FaultList()
    faults.add(where="a", found="1")
    with pytest.raises(errors.EvidenceError):
        faults.raise_if_any(errors.EvidenceError)


def test_two_lists_share_nothing():
    one, other = FaultList(), FaultList()
    one.add(where="a", found="1")
    assert other.faults == []


@pytest.mark.parametrize("beyond", [0, 1, 37])
def test_many_faults_are_counted_not_listed(beyond):
    count = SHOWN_FAULTS + beyond
    error = ScenarioError(Fault(where=f"row {number}", found="bad") for number in range(count))
    assert len(error.faults) == count
    assert str(error).count("  found ") == SHOWN_FAULTS
    assert str(error).endswith(f"and {beyond} more") == (beyond > 0)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_rebuilt_from_its_arguments(kind):
    error = kind(where="here", found="this", expected="that", mend="so")
    again = type(error)(*error.args)
    for copy in (again, pickle.loads(pickle.dumps(error)), kind(error.faults)):
        assert type(copy) is kind
        assert copy.faults == error.faults
        assert str(copy) == str(error)


def test_an_error_comes_whole_out_of_a_process_pool():
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("fork")) as pool:
        error = pool.submit(_fail, 7).exception()
    assert type(error) is ScenarioError
    assert error.faults == (Fault(where="row 7", found="price \u20ac1", expected="a price in USD", mend="convert it"),)


@pytest.mark.parametrize(
    "bad", ["\n", "\r", "\t", "\x00", "\x1b[31m", "\x7f", "\x85", "\u202e", "\u2066", "\u200b", "\u2028", "\ufeff"]
)
def test_control_characters_are_escaped_in_every_part(bad):
    text = f"before{bad}after"
    printed = str(ScenarioError(where=text, found=text, expected=text, mend=text))
    assert bad not in printed.replace("\n  ", "")
    assert printed.count("after") == printed.count("before") == 4
    assert len(printed.splitlines()) == 4


def test_letters_of_all_languages_stay():
    assert shown("Sjögren, naïve, 肺, µg, €") == "Sjögren, naïve, 肺, µg, €"


def test_a_lone_surrogate_can_be_printed():
    assert shown("\udc80").encode() == b"\\udc80"


@pytest.mark.parametrize("length", [299, 300, 301, 100_000])
def test_long_text_is_cut(length):
    text = shown("x" * length)
    assert len(text) == min(length, 300)
    assert text.endswith("...") == (length > 300)


@pytest.mark.parametrize(
    ("word", "choices", "told"),
    [
        ("disount_rate", ["discount_rate", "horizon"], "did you mean 'discount_rate'?"),
        ("Horizon", ["discount_rate", "horizon"], "did you mean 'horizon'?"),
        ("NINTEDANIB", ["nintedanib", "mmf"], "did you mean 'nintedanib'?"),
        ("qqqq", ["discount_rate", "horizon"], ""),
        ("", ["discount_rate"], ""),
        ("word", [], ""),
    ],
)
def test_the_nearest_word_is_suggested(word, choices, told):
    assert did_you_mean(word, choices) == told
