"""Random draws as pure functions of (seed, sample, patient, stream name, index).

Neither strategy, engine, worker, chunk nor the order of calls enters, so adding a strategy, a stream or patients moves no other draw, and the
first n patients of a larger cohort are the smaller cohort. There is no other source of randomness in the package.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from pathway import kernels
from pathway.errors import DrawError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LARGEST_SEED = 2**63
LARGEST_WORD = 2**32


def stream_id(name: str) -> int:
    """Number of a stream: 32 bits of BLAKE2s of its name, the same on every machine.

    Examples
    --------
    >>> stream_id("transition:death_background") == stream_id("transition:death_background")
    True
    """
    return int.from_bytes(hashlib.blake2s(name.encode(), digest_size=4).digest(), "big")


def check_streams(names: Iterable[str]) -> dict[str, int]:
    """Numbers of all streams of a program.

    Raises
    ------
    DrawError
        If two names share a number: their draws would be the same.
    """
    owners: dict[int, str] = {}
    numbers: dict[str, int] = {}
    for name in names:
        number = stream_id(name)
        other = owners.setdefault(number, name)
        if other != name:
            raise DrawError(where=f"stream {name}", found=f"the same hash as {other}", expected="a hash of its own", mend="rename one of the two")
        numbers[name] = number
    return numbers


def _check(what: str, value: int, limit: int) -> None:
    if not 0 <= value < limit:
        raise DrawError(where=what, found=str(value), expected=f"a whole number from 0 to {limit - 1}")


def _draw(
    fill: Callable[[int, int, Ints, int, Ints, Floats], None],
    seed: int,
    stream: str | int,
    patient: Ints,
    index: Ints | int,
    sample: int,
    limit: int,
) -> Floats:
    _check("seed", seed, LARGEST_SEED)
    _check("sample", sample, LARGEST_WORD)
    patients = np.ascontiguousarray(patient, dtype=np.int64)
    indices = np.ascontiguousarray(np.broadcast_to(np.asarray(index, dtype=np.int64), patients.shape))
    if patients.size:
        _check("patient", int(patients.min()), LARGEST_WORD)
        _check("patient", int(patients.max()), LARGEST_WORD)
        _check("index", int(indices.min()), limit)
        _check("index", int(indices.max()), limit)
    out = np.empty(patients.shape, dtype=np.float64)
    fill(seed, sample, patients, stream_id(stream) if isinstance(stream, str) else stream, indices, out)
    return out


def uniform(seed: int, *, stream: str | int, patient: Ints, index: Ints | int = 0, sample: int = 0) -> Floats:
    """Uniform draws in the open interval (0, 1).

    Parameters
    ----------
    seed
        0 <= seed < 2**63.
    stream
        Name of the stream, or its number.
    patient : shape (n,)
        Numbers of patients, below 2**32.
    index : shape (n,) or one number
        Occurrence, below 2**32.
    sample
        Number of the parameter set, 0 for the base case.

    Returns
    -------
    shape (n,)

    Raises
    ------
    DrawError
        If a part of the key is out of range.

    Examples
    --------
    >>> few = uniform(1, stream="baseline", patient=np.arange(3))
    >>> many = uniform(1, stream="baseline", patient=np.arange(9))
    >>> bool((few == many[:3]).all())
    True
    """
    return _draw(kernels.fill_uniform, seed, stream, patient, index, sample, LARGEST_WORD)


def exponential(seed: int, *, stream: str | int, patient: Ints, index: Ints | int = 0, sample: int = 0) -> Floats:
    """Unit-exponential draws; keys as in :func:`uniform`."""
    return _draw(kernels.fill_exponential, seed, stream, patient, index, sample, LARGEST_WORD)


def normal(seed: int, *, stream: str | int, patient: Ints, index: Ints | int = 0, sample: int = 0) -> Floats:
    """Standard normal draws; keys as in :func:`uniform`."""
    return _draw(kernels.fill_normal, seed, stream, patient, index, sample, LARGEST_WORD)


def student4(seed: int, *, stream: str | int, patient: Ints, index: Ints | int = 0, sample: int = 0) -> Floats:
    """Student t draws, 4 degrees of freedom, unit variance; ``index`` below 2**31 (each uses two)."""
    return _draw(kernels.fill_student4, seed, stream, patient, index, sample, LARGEST_WORD // 2)


def normal_quantile(u: Floats) -> Floats:
    """Standard normal quantiles of ``u`` in (0, 1), shape as given."""
    flat = np.ascontiguousarray(u, dtype=np.float64).ravel()
    out = np.empty_like(flat)
    kernels.fill_normal_quantile(flat, out)
    return out.reshape(np.shape(u))
