"""Compilation of kernels that only compiled code calls."""

from __future__ import annotations

import numba
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
    assert jit_inner._callee() is None
