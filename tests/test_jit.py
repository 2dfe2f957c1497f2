"""Compilation of kernels that only compiled code calls."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

from pathway import jit, jit_inner


def half(x: float, way: int) -> float:
    return x / 2.0 if way == 0 else -x / 2.0


needs_jit = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="kernels are plain Python")


def caller_of(callee):
    @numba.njit
    def caller(x):
        return callee(x, 0) + callee(x, 1) + callee(x, 2) * 3.0

    return caller


@needs_jit
def test_callees_have_no_machine_code_and_one_signature():
    assert jit_inner.CALLEE is not None, "the pinned Numba lacks what lean compilation needs: kernels take three times as long to compile"
    callee = jit.inner_kernel(half)
    caller = caller_of(callee)
    assert caller(3.0) == 1.5 - 1.5 - 4.5
    assert [str(kinds) for kinds in callee.signatures] == ["(float64, int64)"]
    (made,) = callee.overloads.values()
    assert made.library.get_pointer_to_function(made.fndesc.llvm_func_name) == 0
    (whole,) = caller.overloads.values()
    assert whole.library.get_pointer_to_function(whole.fndesc.llvm_func_name) != 0


@needs_jit
def test_without_numbas_inner_parts_callees_are_compiled_the_usual_way(monkeypatch):
    monkeypatch.setattr(jit, "CALLEE", None)
    callee = jit.inner_kernel(half)
    assert caller_of(callee)(3.0) == -4.5
    (made,) = callee.overloads.values()
    assert made.library.get_pointer_to_function(made.fndesc.llvm_func_name) != 0


@needs_jit
def test_a_numba_without_those_parts_is_noticed(monkeypatch):
    monkeypatch.setattr("numba.core.codegen.JITCodeLibrary", type("Bare", (), {}))
    assert jit_inner._compilers() == (None, None)


@needs_jit
def test_vector_loops_are_optimised_by_themselves_and_need_not_be(monkeypatch):
    assert jit_inner.VECTOR is not None

    def doubled(z, count):
        for k in range(count):
            z[k] = 2.0 * z[k]

    def called(compiled):
        @numba.njit
        def caller(z):
            compiled(jit.pointer(z), z.shape[0])

        z = np.arange(50.0)
        caller(z)
        return z.tolist()

    vectors = called(jit.vector_kernel(doubled))
    monkeypatch.setattr(jit, "VECTOR", None)
    assert vectors == called(jit.vector_kernel(doubled)) == np.arange(0.0, 100.0, 2.0).tolist()
    assert int(os.environ["NUMBA_LOOP_VECTORIZE"]) == numba.config.LOOP_VECTORIZE


@needs_jit
@pytest.mark.slow
def test_a_first_run_compiles_everything_once_and_keeps_it(tmp_path):
    study = Path(__file__).parent / "fixtures/tiny.toml"
    code = "import sys, pathway; from pathway.engines import needs_compiling; print(needs_compiling('compiled')); pathway.run(pathway.read(sys.argv[1]), patients=3)"

    def run() -> tuple[str, set[str]]:
        done = subprocess.run([sys.executable, "-c", code, str(study)], check=True, capture_output=True, text=True, env={**os.environ, "PATHWAY_CACHE": str(tmp_path)})
        return done.stdout.strip(), {path.name for path in tmp_path.rglob("*.nbc")}

    (asked, made), (asked_again, made_again) = run(), run()
    assert (asked, asked_again) == ("True", "False")
    assert made_again == made
    for kernel in ("live_all", "add_costs", "add_quality"):
        assert any(f".{kernel}-" in name for name in made)
