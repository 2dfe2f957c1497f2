"""Compilation of kernels: Numba without its traps.

Compiled code is kept on disk in a folder whose name has a hash of every kernel source, because Numba's own cache looks
only at the file of the outermost function and would silently use stale code. No fast-math: the compiled bits are the
interpreter's bits. The error model is NumPy's, which spares a branch at every division; so a division by zero gives a
number, infinity or NaN where it is compiled and ``ZeroDivisionError`` where it is interpreted, and a kernel must not
reach one. With ``NUMBA_DISABLE_JIT=1`` all kernels are plain Python.
"""

from __future__ import annotations

import hashlib
import math
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])

_HERE = Path(__file__).parent


def source_hash() -> str:
    """Hash of all sources that end up in compiled code."""
    digest = hashlib.sha256()
    digest.update(str(_HERE).encode())  # Numba keeps code by the place of its source: another checkout finds none here
    for path in sorted([_HERE / "jit.py", _HERE / "jit_inner.py", _HERE / "kernels.py", _HERE / "economics" / "parts.py", *_HERE.glob("*/compiled*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _cache_folder() -> Path | None:
    base = os.environ.get("PATHWAY_CACHE") or os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    user = os.getuid() if hasattr(os, "getuid") else 0
    for parent in (Path(base) / "pathway", Path(tempfile.gettempdir()) / f"pathway-{user}"):
        folder = parent / source_hash()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    return None


_FOLDER = _cache_folder()
if _FOLDER is not None:
    os.environ.setdefault("NUMBA_CACHE_DIR", str(_FOLDER))
for _setting, _value in (("NUMBA_OPT", "2"), ("NUMBA_LOOP_VECTORIZE", "0"), ("NUMBA_SLP_VECTORIZE", "0")):
    os.environ.setdefault(_setting, _value)  # scalar code gains nothing from the rest, and compiles a third faster without it

import numba  # noqa: E402  (the cache folder must be set before Numba is imported)
import numba.extending  # noqa: E402

from pathway.jit_inner import CALLEE, VECTOR, one_signature  # noqa: E402  (it imports Numba)

if _FOLDER is not None:
    _config: Any = numba.config
    _config.CACHE_DIR = str(_FOLDER)


def is_cached(name: str) -> bool:
    """Tell whether compiled code of a function of this name is kept on disk, under the hash of today's sources."""
    return _FOLDER is not None and any(_FOLDER.rglob(f"*.{name}-*.nbc"))


def kernel(function: F) -> F:
    """Compile a scalar kernel: cached, free of the interpreter's lock, exact."""
    return cast("F", numba.njit(nogil=True, cache=_FOLDER is not None, error_model="numpy")(function))


def inner_kernel(function: F) -> F:
    """Compile a kernel that only compiled code calls: no wrapper for Python, no cache and no machine code of its own (:mod:`pathway.jit_inner`)."""
    options: dict[str, Any] = {"pipeline_class": CALLEE} if CALLEE is not None else {}
    return cast("F", one_signature(numba.njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True, **options)(function)))


def vector_kernel(function: F) -> F:
    """Compile an inner kernel of short loops without branches into vector instructions, which give the same bits; into others where Numba lacks what it needs."""
    options: dict[str, Any] = {"pipeline_class": VECTOR} if VECTOR is not None else {}
    return cast("F", one_signature(numba.njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True, **options)(function)))


@numba.extending.intrinsic  # type: ignore[untyped-decorator]
def _pointer(_context: Any, array: Any) -> Any:
    """Address of an array's first element, as a typed pointer."""
    signature = numba.types.CPointer(array.dtype)(array)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        made = context.make_array(signature.args[0])(context, builder, arguments[0])
        return made.data

    return signature, generate


def pointer(array: Any) -> Any:
    """The array itself; compiled code gets its bare address, which costs no reference counting when it is passed on."""
    return array


@numba.extending.overload(pointer)
def _compiled_pointer(array: Any) -> Any:  # noqa: ARG001 - numba asks by parameter name
    def generate(array: Any) -> Any:
        return _pointer(array)

    return generate


def place(number: int) -> int:
    """The number itself, not below 0; compiled code takes it as an index that cannot be counted from the end, which spares a test at every look-up. Not to be reckoned with."""
    return number


@numba.extending.overload(place)
def _compiled_place(number: Any) -> Any:  # noqa: ARG001 - numba asks by parameter name
    def generate(number: Any) -> Any:
        return numba.uint64(number)

    return generate


@numba.extending.intrinsic  # type: ignore[untyped-decorator]
def _bits(_context: Any, number: Any) -> Any:  # noqa: ARG001 - numba asks by parameter name
    """The 64 bits of a double, as a whole number."""
    signature = numba.types.int64(numba.types.float64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(signature.return_type))

    return signature, generate


@numba.extending.intrinsic  # type: ignore[untyped-decorator]
def _double(_context: Any, bits: Any) -> Any:  # noqa: ARG001 - as above
    """The double that has these 64 bits."""
    signature = numba.types.float64(numba.types.int64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(signature.return_type))

    return signature, generate


def mantissa_exponent(number: float) -> tuple[float, int]:
    """Mantissa in [0.5, 1) and exponent of a normal number above 0; compiled, without a call of the library and without a branch."""
    return math.frexp(number)


@numba.extending.overload(mantissa_exponent)
def _compiled_mantissa_exponent(number: Any) -> Any:  # noqa: ARG001 - numba asks by parameter name
    def generate(number: Any) -> Any:
        bits: Any = _bits(number)
        return _double((bits & 0xFFFFFFFFFFFFF) | 0x3FE0000000000000), (bits >> 52) - 1022

    return generate


def inline_kernel(function: F) -> F:
    """Compile a small kernel into its callers."""
    return cast("F", numba.njit(nogil=True, cache=_FOLDER is not None, error_model="numpy", inline="always")(function))
