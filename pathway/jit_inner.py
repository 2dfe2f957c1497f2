"""How kernels are compiled that only compiled code calls: once, as part of their callers.

Numba gives every function machine code of its own and optimises it, then links its code into each caller and optimises it again, level by level; and it compiles a function anew
for every literal number it is called with. For an engine of 160 functions that is two thirds of the time to compile, for code that nobody calls. Here callees end as code to be
linked: the outermost kernel, which holds all of it, is optimised once and alone becomes machine code.

This uses parts of Numba that it does not promise to keep. Where they are missing, callees are compiled the usual way (:data:`CALLEE` is None): slower to compile, the same code.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from numba.core import types


def one_signature(dispatcher: Any) -> Any:
    """Let a callee take a literal number as any number of its type, so that it is compiled once."""
    own = getattr(dispatcher, "get_call_template", None)
    if own is None:  # with NUMBA_DISABLE_JIT=1 kernels are plain Python
        return dispatcher

    def get_call_template(args: tuple[Any, ...], kws: dict[str, Any]) -> Any:
        return own(tuple(types.unliteral(kind) for kind in args), {name: types.unliteral(kind) for name, kind in kws.items()})

    dispatcher.get_call_template = get_call_template
    return dispatcher


def _compilers() -> tuple[Any, Any]:
    """Make a compiler of callees and one of vector loops, or None where Numba lacks what they need."""
    try:
        from numba.core import config as numba_config
        from numba.core.codegen import JITCodeLibrary
        from numba.core.compiler import CompilerBase, DefaultPassBuilder
        from numba.core.compiler_machinery import PassManager, register_pass
        from numba.core.typed_passes import NativeLowering
    except ImportError:
        return None, None
    needed = ("_finalize_final_module", "_optimize_final_module", "_finalize_dynamic_globals", "_verify_declare_only_symbols", "get_pointer_to_function")
    if any(not hasattr(JITCodeLibrary, name) for name in needed):
        return None, None

    class CalleeLibrary(JITCodeLibrary):  # type: ignore[misc]
        """Code to be linked: neither optimised nor made machine code."""

        def _optimize_final_module(self) -> None:
            """Leave it to the outermost caller."""

        def _finalize_final_module(self) -> None:
            self._finalize_dynamic_globals()
            self._verify_declare_only_symbols()
            self._finalized = True

        def get_pointer_to_function(self, name: str) -> int:  # noqa: ARG002 - Numba's signature
            """Nothing to point at."""
            return 0

        @property
        def codegen(self) -> Any:
            """For one use: an environment, for which there is no place without machine code, and no need."""
            return SimpleNamespace(set_env=lambda *_: None)

    class VectorLibrary(CalleeLibrary):
        """Code to be linked, optimised by itself with loops made vectors: what links it has no such loops and leaves that out, which compiles faster."""

        def _optimize_final_module(self) -> None:
            config: Any = numba_config
            usual = config.LOOP_VECTORIZE
            config.LOOP_VECTORIZE = 1
            try:
                JITCodeLibrary._optimize_final_module(self)
            finally:
                config.LOOP_VECTORIZE = usual

    def compiler_into(library: Any) -> Any:
        @register_pass(mutates_CFG=True, analysis_only=False)  # type: ignore[untyped-decorator]
        class Lowering(NativeLowering):  # type: ignore[misc]
            """Lowering into such a library."""

            _name = f"pathway_{library.__name__}"

            def run_pass(self, state: Any) -> bool:
                state.library = library(state.targetctx.codegen(), state.func_id.func_qualname)
                return bool(super().run_pass(state))

        class Compiler(CompilerBase):  # type: ignore[misc]
            """Numba's passes, with that lowering."""

            def define_pipelines(self) -> list[Any]:
                passes = PassManager(f"pathway_{library.__name__}")
                for make in (DefaultPassBuilder.define_untyped_pipeline, DefaultPassBuilder.define_typed_pipeline, DefaultPassBuilder.define_nopython_lowering_pipeline):
                    passes.passes.extend((Lowering if one is NativeLowering else one, words) for one, words in make(self.state).passes)
                passes.finalize()
                return [passes]

        return Compiler

    return compiler_into(CalleeLibrary), compiler_into(VectorLibrary)


CALLEE, VECTOR = _compilers()
"""Compilers of callees and of vector loops, or None."""
