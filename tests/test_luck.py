"""Draws by eights are the bits of the draws one by one, in the middle, in the tails and beyond the fold."""

from __future__ import annotations

import numpy as np
import pytest

from pathway import kernels
from pathway.engines import compiled_luck
from pathway.jit import kernel, pointer

SEED = (1 << 63) - 12345
DRAWS = 4_000


@kernel
def normals(z, place, count, seed, sample, patient, stream, first):
    """Standard normals at ``place``; what a test may call."""
    compiled_luck.fill_normal(pointer(z), place, place + count, count, seed, sample, patient, stream, first)


@kernel
def heavy_tailed(z, place, count, seed, sample, patient, stream, first):
    """Heavy-tailed draws at ``place``; what a test may call."""
    compiled_luck.fill_student4(pointer(z), place, place + count, place + 2 * count, count, seed, sample, patient, stream, first)


@pytest.mark.parametrize(("fill", "single"), [(normals, kernels.normal), (heavy_tailed, kernels.student4)])
@pytest.mark.parametrize("count", [1, 3, 8, DRAWS])
def test_neighbours_drawn_together_are_those_drawn_alone(fill, single, count):
    for stream, patient, sample, first in ((77, 0, 0, 0), (4_000_000_000, 123_456, 7, 1 << 20)):
        z = np.full(5 + 3 * count, 7.5)
        fill(z, 5, count, SEED, sample, patient, stream, first)
        alone = np.array([single(SEED, sample, patient, stream, first + k) for k in range(count)])
        assert (z[5 : 5 + count].view(np.int64) == alone.view(np.int64)).all()
        assert (z[:5] == 7.5).all()


def test_the_draws_of_that_test_reach_the_tails_and_the_fold():
    alone = np.array([kernels.normal(SEED, 0, 0, 77, k) for k in range(DRAWS)])
    beyond = np.array([abs(alone[k]) for k in range(DRAWS)]) > 1.44  # where the quantile's middle ends
    assert beyond.any()
    assert not beyond.all()
    unfolded = [kernels.student4(SEED, 0, 0, 77, k) / kernels.FOLDED_SCALE for k in range(DRAWS)]
    words = [(kernels.words(SEED, 0, 0, 77, 2 * k), kernels.words(SEED, 0, 0, 77, 2 * k + 1)) for k in range(DRAWS)]
    raw = [
        kernels.normal_quantile(kernels.unit_interval(a, b)) / np.sqrt(-(kernels.log(kernels.unit_interval(c, d)) + kernels.log(kernels.unit_interval(e, f))))
        for (a, b, c, d), (e, f, _, _) in words
    ]
    folded = np.abs(raw) > kernels.FOLD
    assert folded.any()
    assert np.allclose(np.array(unfolded)[folded], kernels.FOLD**2 / np.array(raw)[folded])
