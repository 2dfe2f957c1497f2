"""Compilation of kernels: Numba without its traps.

Compiled code is kept on disk in a folder whose name has a hash of every kernel source, because Numba's own cache looks
only at the file of the outermost function and would silently use stale code. No fast-math: the compiled bits are the
interpreter's bits. The error model is NumPy's, which spares a branch at every division; so a division by zero gives a
number, infinity or NaN where it is compiled and ``ZeroDivisionError`` where it is interpreted, and a kernel must not
reach one. With ``NUMBA_DISABLE_JIT=1`` all kernels are plain Python.
"""

from __future__ import annotations

import hashlib
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
    for path in sorted([_HERE / "jit.py", _HERE / "kernels.py", *(_HERE / "engines").glob("compiled*.py")]):
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

import numba  # noqa: E402  (the cache folder must be set before Numba is imported)

if _FOLDER is not None:
    _config: Any = numba.config
    _config.CACHE_DIR = str(_FOLDER)


def kernel(function: F) -> F:
    """Compile a scalar kernel: cached, free of the interpreter's lock, exact."""
    return cast("F", numba.njit(nogil=True, cache=_FOLDER is not None, error_model="numpy")(function))


def inline_kernel(function: F) -> F:
    """Compile a small kernel into its callers."""
    return cast("F", numba.njit(nogil=True, cache=_FOLDER is not None, error_model="numpy", inline="always")(function))
