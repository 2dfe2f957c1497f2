"""Four-valued logic: truth tables written out, and every combination of up to four operands against sentences."""

from __future__ import annotations

from itertools import permutations, product

import pytest

from pathway.rules import FIELD_NUMBERS, FIELDS, Truth, combine_all, combine_any, combine_at_least, negate

N, D, M, X = Truth.NOT_MET, Truth.NOT_DOCUMENTED, Truth.MET, Truth.NOT_APPLICABLE
COMBINATIONS = [values for count in range(5) for values in product(Truth, repeat=count)]

ALL_TABLE = {
    N: {N: N, D: N, M: N, X: N},
    D: {N: N, D: D, M: D, X: D},
    M: {N: N, D: D, M: M, X: M},
    X: {N: N, D: D, M: M, X: X},
}
ANY_TABLE = {
    N: {N: N, D: D, M: M, X: N},
    D: {N: D, D: D, M: M, X: D},
    M: {N: M, D: M, M: M, X: M},
    X: {N: N, D: D, M: M, X: X},
}


@pytest.mark.parametrize(("left", "right"), list(product(Truth, repeat=2)))
def test_truth_tables_of_two(left, right):
    assert combine_all([left, right]) is ALL_TABLE[left][right]
    assert combine_any([left, right]) is ANY_TABLE[left][right]


def test_truth_table_of_not():
    assert {value: negate(value) for value in Truth} == {N: M, D: D, M: N, X: X}


def test_there_are_all_combinations():
    assert len(COMBINATIONS) == 1 + 4 + 16 + 64 + 256


def _all_in_words(values: tuple[Truth, ...]) -> Truth:
    if N in values:
        return N  # one that is not met decides
    if D in values:
        return D  # none fails, but one is open
    if M in values:
        return M  # all that apply are met
    return X  # nothing applies


def _any_in_words(values: tuple[Truth, ...]) -> Truth:
    if M in values:
        return M  # one that is met decides
    if D in values:
        return D  # none is met, but one might be
    if N in values:
        return N  # all that apply fail
    return X  # nothing applies


def _at_least_in_words(needed: int, values: tuple[Truth, ...]) -> Truth:
    met, still_open, failed = values.count(M), values.count(D), values.count(N)
    if met + still_open + failed == 0:
        return X  # nothing applies
    if met >= needed:
        return M  # enough are met, whatever the rest
    if met + still_open < needed:
        return N  # fewer than needed are possible
    return D  # the open ones would decide


def test_all_says_what_the_sentence_says():
    assert [combine_all(values) for values in COMBINATIONS] == [_all_in_words(values) for values in COMBINATIONS]


def test_any_says_what_the_sentence_says():
    assert [combine_any(values) for values in COMBINATIONS] == [_any_in_words(values) for values in COMBINATIONS]


@pytest.mark.parametrize("needed", [1, 2, 3, 4, 5])
def test_at_least_says_what_the_sentence_says(needed):
    for values in COMBINATIONS:
        assert combine_at_least(needed, values) is _at_least_in_words(needed, values), values


def test_results_are_of_the_type_truth_for_plain_numbers_too():
    for result in (combine_all([2, 1]), combine_any([0, 1]), combine_at_least(1, [2]), negate(0)):
        assert isinstance(result, Truth)


def test_what_is_documented_later_never_contradicts():
    """An open operand turned into met or not met keeps a verdict that was already reached."""
    for values in COMBINATIONS:
        for verdict in (combine_all, combine_any, lambda operands: combine_at_least(2, operands)):
            before = verdict(values)
            if before is D:
                continue
            for place in (at for at, value in enumerate(values) if value is D):
                for known in (N, M):
                    assert verdict((*values[:place], known, *values[place + 1 :])) is before


def test_not_turns_all_into_any():
    for values in COMBINATIONS:
        assert negate(combine_all(values)) is combine_any([negate(value) for value in values])
        assert negate(negate(combine_any(values))) is combine_any(values)


def test_at_least_one_is_any_and_at_least_every_one_is_all():
    for values in COMBINATIONS:
        applicable = [value for value in values if value is not X]
        assert combine_at_least(1, values) is combine_any(values)
        if applicable:
            assert combine_at_least(len(applicable), values) is combine_all(values)


@pytest.mark.parametrize("values", [(N, D, M), (M, M, X), (D, X, M, N)])
def test_order_of_operands_does_not_matter(values):
    for other in permutations(values):
        assert combine_all(other) is combine_all(values)
        assert combine_any(other) is combine_any(values)
        assert combine_at_least(2, other) is combine_at_least(2, values)


def test_fields_are_numbered_in_their_order():
    assert list(FIELD_NUMBERS) == list(FIELDS)
    assert list(FIELD_NUMBERS.values()) == list(range(len(FIELDS)))
    assert set(FIELDS.values()) == {"", "marker", "finding", "covariate", "treatment", "flag", "index"}
