"""Numbers drawn together: correlations and marginals within their Monte Carlo error, draws keyed, and no draw moved that need not move."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from pathway import draws
from pathway.definition.joint import Joint, factor_of, faults_of
from pathway.definition.values import Parameter, draw
from pathway.errors import EvidenceError

SETS = 4000
THREE = Joint(ids=("a", "b", "c"), correlation=np.array([[1.0, -0.9, 0.3], [-0.9, 1.0, -0.2], [0.3, -0.2, 1.0]]))
ROWS = {
    "a": Parameter(id="a", label="a", value=-3.0, unit="points per year", family="normal", standard_error=0.5, source="made up", grade="derived"),
    "b": Parameter(id="b", label="b", value=7.0, unit="points", family="lognormal", standard_error=1.4, source="made up", grade="derived"),
    "c": Parameter(id="c", label="c", value=0.2, unit="per year", family="gamma", standard_error=0.05, source="made up", grade="derived"),
    "alone": Parameter(id="alone", label="alone", value=1.0, unit="points", family="normal", standard_error=1.0, source="made up", grade="derived"),
}


def table(joint: Joint | None, names: tuple[str, ...] = ("a", "b", "c", "alone"), sets: int = SETS) -> np.ndarray:
    """Drawn values, shape (sets, names)."""
    drawn = [draw(ROWS, seed=11, sample=sample, joint=joint) for sample in range(1, sets + 1)]
    return np.array([[one[name] for name in names] for one in drawn])


@pytest.fixture(scope="module")
def told() -> np.ndarray:
    return table(THREE)


def test_correlations_are_those_of_the_table_within_four_standard_errors(told):
    scores = np.column_stack([(told[:, 0] + 3.0) / 0.5, np.log(told[:, 1] / 7.0) / 0.2, special.ndtri(stats.gamma.cdf(told[:, 2], a=16.0, scale=0.0125))])
    found = np.corrcoef(scores, rowvar=False)
    for i in range(3):
        for j in range(i):
            wanted = THREE.correlation[i, j]
            assert abs(found[i, j] - wanted) < 4.0 * (1.0 - wanted**2) / math.sqrt(SETS)


def test_who_stands_in_no_table_hangs_together_with_nobody(told):
    assert all(abs(np.corrcoef(told[:, 3], told[:, k])[0, 1]) < 4.0 / math.sqrt(SETS) for k in range(3))


def test_every_number_keeps_the_distribution_it_declares(told):
    """Kolmogorov-Smirnov against the declared spread: at four thousand sets a shift of a twentieth of a standard deviation would fail."""
    for column, law in ((0, stats.norm(-3.0, 0.5)), (1, stats.lognorm(s=0.2, scale=7.0)), (2, stats.gamma(a=16.0, scale=0.0125))):
        assert stats.kstest(told[:, column], law.cdf).pvalue > 1e-4
        assert abs(told[:, column].mean() - law.mean()) < 4.0 * law.std() / math.sqrt(SETS)
    assert stats.kstest(told[:, 0] + 0.025, stats.norm(-3.0, 0.5).cdf).pvalue < 1e-2  # the test can fail


def test_draws_are_a_function_of_their_key(told):
    assert (table(THREE, sets=50) == told[:50]).all()
    assert THREE.uniforms(seed=11, sample=3) != THREE.uniforms(seed=11, sample=4)
    assert THREE.uniforms(seed=11, sample=3) != THREE.uniforms(seed=12, sample=3)


def test_the_first_number_and_those_outside_the_table_draw_what_they_would_draw_alone(told):
    alone = table(None)
    assert (alone[:, [0, 3]] == told[:, [0, 3]]).all()
    assert (alone[:, 1] != told[:, 1]).all()


def test_a_number_added_at_the_end_moves_no_draw(told):
    two = Joint(ids=("a", "b"), correlation=THREE.correlation[:2, :2])
    assert (table(two, ("a", "b"), sets=200) == told[:200, :2]).all()


def test_a_number_without_correlations_draws_what_it_would_draw_alone_wherever_it_stands():
    apart = Joint(ids=("a", "alone", "b"), correlation=np.array([[1.0, 0.0, -0.9], [0.0, 1.0, 0.0], [-0.9, 0.0, 1.0]]))
    pair = Joint(ids=("a", "b"), correlation=np.array([[1.0, -0.9], [-0.9, 1.0]]))
    assert (table(apart, sets=100) == table(pair, sets=100)).all()
    uniform = float(draws.uniform(11, stream="parameter:alone", patient=np.zeros(1, dtype=np.int64), sample=7)[0])
    assert apart.uniforms(seed=11, sample=7)["alone"] == uniform


def test_what_is_left_without_a_number_hangs_together_as_before():
    less = THREE.without(["a"])
    assert less.ids == ("b", "c")
    assert less.correlation.tolist() == [[1.0, -0.2], [-0.2, 1.0]]
    assert THREE.without([]) is THREE


def test_numbers_that_are_one_are_drawn_as_one():
    same = Joint(ids=("a", "b", "c"), correlation=np.array([[1.0, 1.0, -1.0], [1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]]))
    for sample in (1, 2, 3):
        found = same.uniforms(seed=11, sample=sample)
        assert found["b"] == pytest.approx(found["a"], abs=1e-12)
        assert found["c"] == pytest.approx(1.0 - found["a"], abs=1e-12)


@pytest.mark.parametrize(
    ("matrix", "said"),
    [
        ([[1.0, 0.5], [0.4, 1.0]], "a with b is 0.5, b with a is 0.4"),
        ([[1.0, 1.5], [1.5, 1.0]], "outside -1 to 1"),
        ([[1.0, math.nan], [math.nan, 1.0]], "a with b is nan"),
        ([[0.9, 0.0], [0.0, 1.0]], "a with itself is 0.9, not 1"),
        ([[1.0, 0.5, 0.0], [0.5, 1.0, 0.0]], "shape"),
    ],
)
def test_a_matrix_that_is_no_correlation_matrix_is_refused(matrix, said):
    with pytest.raises(EvidenceError, match=said):
        Joint(ids=("a", "b"), correlation=np.array(matrix))


def test_correlations_that_contradict_each_other_are_refused():
    (reason,) = faults_of(np.array([[1.0, 0.9, 0.9], [0.9, 1.0, -0.9], [0.9, -0.9, 1.0]]), ("a", "b", "c"))
    assert "smallest eigenvalue is -0.8" in reason


def test_all_reasons_are_told_at_once():
    assert len(faults_of(np.array([[2.0, 0.5], [0.4, 0.0]]), ("a", "b"))) == 3


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1.0, 1.0), min_size=12, max_size=12))
def test_the_factor_gives_the_matrix_back_even_where_it_is_singular(numbers):
    loads = np.array(numbers).reshape(6, 2) + np.array([[0.1, 0.0]])
    norms = np.sqrt((loads**2).sum(axis=1, keepdims=True))
    loads = np.where(norms > 1e-3, loads / np.maximum(norms, 1e-3), [[1.0, 0.0]])  # rank two
    matrix = loads @ loads.T
    np.fill_diagonal(matrix, 1.0)
    factor = factor_of(matrix)
    assert factor @ factor.T == pytest.approx(matrix, abs=2e-3)
    assert (np.triu(factor, 1) == 0.0).all()
