"""What the keys of draws promise, and that the draws have the distributions they are named for."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from scipy import integrate, stats

from pathway import draws, kernels
from pathway.errors import DrawError

SAMPLERS = [draws.uniform, draws.exponential, draws.normal, draws.student4]
SEED = 20_240_101
MANY = np.arange(40_000)

COLLIDING = ("transition:t16365", "transition:t78623")
"""Two names with one 32-bit hash, found by trying t0, t1, ... (expected after about 2**16 names)."""


@pytest.fixture(params=SAMPLERS, ids=lambda sampler: sampler.__name__)
def sampler(request: pytest.FixtureRequest):
    """One of the four samplers."""
    return request.param


# --- promises of the keys -----------------------------------------------------------------------------------------


def test_order_of_patients_does_not_matter(sampler):
    order = np.random.default_rng(5).permutation(500)
    straight = sampler(SEED, stream="a", patient=np.arange(500))
    np.testing.assert_array_equal(sampler(SEED, stream="a", patient=order), straight[order])


def test_order_of_calls_does_not_matter(sampler):
    patients = np.arange(50)
    first = [sampler(SEED, stream=name, patient=patients) for name in ("a", "b", "c")]
    second = [sampler(SEED, stream=name, patient=patients) for name in ("c", "b", "a")]
    np.testing.assert_array_equal(first, second[::-1])


@pytest.mark.parametrize("chunk", [1, 7, 100, 1000])
def test_chunks_do_not_matter(sampler, chunk):
    whole = sampler(SEED, stream="a", patient=np.arange(300), index=2)
    parts = [
        sampler(SEED, stream="a", patient=np.arange(300)[at : at + chunk], index=2) for at in range(0, 300, chunk)
    ]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_a_smaller_cohort_is_the_beginning_of_a_larger(sampler):
    few = sampler(SEED, stream="a", patient=np.arange(10))
    many = sampler(SEED, stream="a", patient=np.arange(5_000))
    np.testing.assert_array_equal(few, many[:10])


def test_one_index_is_many_of_the_same(sampler):
    patients = np.arange(20)
    one = sampler(SEED, stream="a", patient=patients, index=3)
    np.testing.assert_array_equal(one, sampler(SEED, stream="a", patient=patients, index=np.full(20, 3)))


@pytest.mark.parametrize(
    "change", [{"seed": SEED + 1}, {"seed": SEED + 2**32}, {"sample": 1}, {"index": 1}, {"stream": "b"}]
)
def test_every_part_of_the_key_counts(sampler, change):
    key = {"seed": SEED, "stream": "a", "patient": np.arange(1_000), "index": 0, "sample": 0}
    one, other = ({**key, **extra} for extra in ({}, change))
    assert not np.isin(sampler(one.pop("seed"), **one), sampler(other.pop("seed"), **other)).any()


def test_no_two_indices_share_words():
    patients = np.zeros(2_000, dtype=np.int64)
    values = draws.student4(SEED, stream="a", patient=patients, index=np.arange(2_000))
    assert np.unique(values).size == 2_000


def test_a_stream_is_its_number(sampler):
    patients = np.arange(9)
    by_name = sampler(SEED, stream="a", patient=patients)
    np.testing.assert_array_equal(by_name, sampler(SEED, stream=draws.stream_id("a"), patient=patients))


def test_the_arguments_are_left_alone(sampler):
    patients, indices = np.arange(12)[::2], np.arange(6)
    before = patients.copy(), indices.copy()
    sampler(SEED, stream="a", patient=patients, index=indices)
    np.testing.assert_array_equal(before, (patients, indices))


def fingerprint() -> str:
    """Hash over the bits of draws of all kinds, and over the numbers of streams."""
    digest = hashlib.sha256()
    patients = np.array([0, 1, 2, 99, 2**31, 2**32 - 1])
    for take in SAMPLERS:
        for stream in ("transition:death", "baseline", "Ångström"):
            digest.update(take(2**63 - 1, stream=stream, patient=patients, index=2**31 - 1, sample=2**32 - 1).tobytes())
            digest.update(take(0, stream=stream, patient=patients).tobytes())
    digest.update(repr(draws.check_streams(["a", "b"])).encode())
    return digest.hexdigest()


RECORDED_FINGERPRINT = "8868f6c8168b149a4fecadf95d478b6b2a214ed5f30844d77c605e66f3c8b1a0"
"""Recorded once; a change of any bit of any draw changes every recorded history."""


def test_the_bits_are_those_recorded():
    assert fingerprint() == RECORDED_FINGERPRINT


@pytest.mark.parametrize("hash_seed", ["0", "12345"])
def test_the_hash_seed_of_python_does_not_matter(hash_seed):
    done = subprocess.run(
        [sys.executable, "-c", "from tests.test_draws import fingerprint\nprint(fingerprint())"],
        env={**os.environ, "PYTHONHASHSEED": hash_seed}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == RECORDED_FINGERPRINT, done.stderr


# --- refusals -----------------------------------------------------------------------------------------------------


def test_two_names_with_one_hash_are_refused():
    one, other = COLLIDING
    assert draws.stream_id(one) == draws.stream_id(other)
    with pytest.raises(DrawError) as caught:
        draws.check_streams(["baseline", one, other])
    (fault,) = caught.value.faults
    assert other in fault.where
    assert one in fault.found
    assert "rename" in fault.mend


def test_streams_that_differ_are_numbered():
    numbers = draws.check_streams(["a", "b", COLLIDING[0], "a"])
    assert numbers == {name: draws.stream_id(name) for name in ("a", "b", COLLIDING[0])}
    assert all(0 <= number < 2**32 for number in numbers.values())


@pytest.mark.parametrize(
    ("bad", "part"),
    [
        ({"seed": -1}, "seed"), ({"seed": 2**63}, "seed"), ({"sample": -1}, "sample"), ({"sample": 2**32}, "sample"),
        ({"patient": np.array([0, -1])}, "patient"), ({"patient": np.array([0, 2**32])}, "patient"),
        ({"index": -1}, "index"), ({"index": 2**32}, "index"), ({"index": np.array([0, 2**32])}, "index"),
    ],
)  # fmt: skip
def test_keys_out_of_range_are_refused(sampler, bad, part):
    key = {"seed": 1, "stream": "a", "patient": np.arange(2), "index": 0, "sample": 0, **bad}
    with pytest.raises(DrawError) as caught:
        sampler(key.pop("seed"), **key)
    assert caught.value.faults[0].where == part


def test_student_draws_use_two_indices_each():
    last = 2**31 - 1
    assert np.isfinite(draws.student4(1, stream="a", patient=np.arange(2), index=last)).all()
    with pytest.raises(DrawError):
        draws.student4(1, stream="a", patient=np.arange(2), index=last + 1)


def test_the_ends_of_the_ranges_are_allowed(sampler):
    patients = np.array([0, 2**32 - 1])
    values = sampler(2**63 - 1, stream="a", patient=patients, index=2**31 - 1, sample=2**32 - 1)
    assert np.isfinite(values).all()
    assert values[0] != values[1]


def test_nobody_draws_nothing(sampler):
    assert sampler(1, stream="a", patient=np.arange(0)).shape == (0,)


# --- distributions ------------------------------------------------------------------------------------------------
# Seeds are fixed: these pass or fail for ever. Limits are at 4.5 standard errors, or p above 1e-4.


@pytest.mark.parametrize("stream", ["a", "b", "transition:death"])
def test_uniforms_are_uniform(stream):
    for values in (
        draws.uniform(SEED, stream=stream, patient=MANY),
        draws.uniform(SEED, stream=stream, patient=np.zeros_like(MANY), index=MANY),
    ):
        assert stats.kstest(values, "uniform").pvalue > 1e-4
        assert 0.0 < values.min() < values.max() < 1.0


def test_uniforms_over_samples_are_uniform():
    values = np.array([draws.uniform(SEED, stream="a", patient=np.arange(2), sample=s)[1] for s in range(3_000)])
    assert stats.kstest(values, "uniform").pvalue > 1e-4


class Folded(stats.rv_continuous):
    """Student t of 4 degrees, unit variance, what lies beyond 4 folded inside to 16 / x, and scaled to unit variance again."""

    def _cdf(self, y):
        at = np.abs(y) / kernels.FOLDED_SCALE
        whole = stats.t(4, scale=np.sqrt(0.5))
        upper = np.where(at < kernels.FOLD, whole.cdf(at) + whole.sf(kernels.FOLD**2 / np.maximum(at, 1e-9)), 1.0)
        return np.where(y > 0, upper, 1.0 - upper)

    def _stats(self):
        return 0.0, 1.0, None, None


def test_the_folded_student_has_unit_variance():
    """By quadrature: what stays inside, and what is folded in."""
    density = stats.t(4, scale=np.sqrt(0.5)).pdf
    inside = 2.0 * integrate.quad(lambda x: x * x * density(x), 0.0, kernels.FOLD, epsabs=1e-13)[0]
    folded = 2.0 * integrate.quad(lambda x: (kernels.FOLD**2 / x) ** 2 * density(x), kernels.FOLD, np.inf, epsabs=1e-13)[0]
    assert kernels.FOLDED_SCALE**2 * (inside + folded) == pytest.approx(1.0, rel=1e-9)


@pytest.mark.parametrize(
    ("take", "distribution"),
    [
        (draws.exponential, stats.expon()),
        (draws.normal, stats.norm()),
        (draws.student4, Folded(a=-5.0, b=5.0)),
    ],
    ids=["exponential", "normal", "student4"],
)
def test_draws_have_their_distribution(take, distribution):
    values = take(SEED, stream="marker", patient=MANY)
    assert stats.kstest(values, distribution.cdf).pvalue > 1e-4
    assert abs(values.mean() - distribution.mean()) < 4.5 * distribution.std() / np.sqrt(MANY.size)


def test_moments_of_normal():
    values = draws.normal(SEED, stream="moments", patient=MANY)
    root = np.sqrt(MANY.size)
    assert abs(values.mean()) < 4.5 / root
    assert abs(values.var() - 1.0) < 4.5 * np.sqrt(2.0) / root
    assert abs((values**3).mean()) < 4.5 * np.sqrt(15.0) / root
    assert abs((values**4).mean() - 3.0) < 4.5 * np.sqrt(96.0) / root


def test_moments_of_student4():
    values = draws.student4(SEED, stream="moments", patient=MANY)
    root = np.sqrt(MANY.size)
    assert abs(values.mean()) < 4.5 / root
    assert abs(values.var() - 1.0) < 4.5 * (values**2).std() / root
    assert np.abs(values).max() <= kernels.FOLD * kernels.FOLDED_SCALE
    assert (np.abs(values) > 3.0).mean() > 4.0 * 2.0 * stats.norm.sf(3.0), "tails heavier than normal"


def test_neighbouring_keys_are_not_correlated(sampler):
    patients = MANY[:20_000]
    base = sampler(SEED, stream="a", patient=patients)
    neighbours = {
        "patient": sampler(SEED, stream="a", patient=patients + 1),
        "index": sampler(SEED, stream="a", patient=patients, index=1),
        "sample": sampler(SEED, stream="a", patient=patients, sample=1),
        "seed": sampler(SEED + 1, stream="a", patient=patients),
        "stream": sampler(SEED, stream=draws.stream_id("a") ^ 1, patient=patients),
    }
    limit = 4.5 / np.sqrt(patients.size)
    ranks = stats.rankdata(base)
    for part, values in neighbours.items():
        assert abs(np.corrcoef(ranks, stats.rankdata(values))[0, 1]) < limit, part


def test_pairs_of_neighbours_fill_the_square():
    patients = MANY[:25_600]
    x = draws.uniform(SEED, stream="a", patient=patients)
    y = draws.uniform(SEED, stream="a", patient=patients, index=1)
    counts, _, _ = np.histogram2d(x, y, bins=16, range=[[0, 1], [0, 1]])
    assert stats.chisquare(counts.ravel()).pvalue > 1e-4


def test_normal_quantile_keeps_the_shape():
    u = np.array([[0.025, 0.5], [0.975, 0.1]])
    np.testing.assert_allclose(draws.normal_quantile(u), stats.norm.ppf(u), rtol=1e-14, atol=1e-15)
