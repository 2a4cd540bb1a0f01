"""Numba's private parts → reproducible code, a tolerant cache, events of compilation.

Each of the three has a probe, which runs at import. Where a version of Numba lacks the parts that
a probe looks for, kernels are compiled by plain `njit` and run all the same; `SUPPORT` then says
which promise is off, and `bhtsne info` prints it. No other file uses a private name of Numba.
"""

import os
import uuid
from collections.abc import Callable
from contextlib import nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["SUPPORT", "Support", "compiler_options", "set_cache", "when_compiling"]


class Support(NamedTuple):
    """Promises that rest on private parts of Numba, and whether each of them holds.

    Attributes
    ----------
    reproducible_code : bool
        The process that compiles a kernel computes the same bits as those that load it.
    cache : bool
        Compiled kernels are cached. A full disk or a damaged file costs a compilation, never the
        run, and a change in any file of a kernel's folder leads to a new compilation.
    compilation_events : bool
        Progress can show that a kernel is being compiled.
    """

    reproducible_code: bool
    cache: bool
    compilation_events: bool


def _found(probe: Callable[[], Any]) -> Any:
    """Return what a probe builds, or None where this version of Numba lacks a part of it."""
    try:
        return probe()
    except Exception:  # an unknown version may fail in any way
        return None


def _rename_copies(library: Any) -> None:
    """Give the internal functions of a library names of their own before its code is made."""
    finish = library._finalize_final_module

    def rename_and_finish() -> None:
        own = uuid.uuid4().hex
        for function in library._final_module.functions:
            if not function.is_declaration and function.linkage.name != "external":
                function.name = f"{function.name}.{own}"
        finish()

    library._finalize_final_module = rename_and_finish


def _compiler() -> type:
    """Return Numba's compiler with a pass that makes parallel kernels reproducible.

    Numba compiles a loop of `prange` twice: as a function of its own, and again together with the
    kernel that holds it. Both copies have one name. The process that compiles would run the first,
    a process that loads the kernel from the cache has only the second, and their last bits differ.
    Unique names make every process run the second. Internal linkage alone does not: the linker of
    the running process finds internal names too.
    """
    from numba.core.compiler import CompilerBase, DefaultPassBuilder
    from numba.core.compiler_machinery import AnalysisPass, register_pass
    from numba.core.registry import cpu_target
    from numba.core.typed_passes import AnnotateTypes

    library = cpu_target.target_context.codegen().create_library("probe")
    _rename_copies(library)
    list(library._final_module.functions)
    library._finalize_final_module()

    @register_pass(mutates_CFG=False, analysis_only=True)
    class OwnCopies(AnalysisPass):
        """Make the kernel's library, with unique names for its functions."""

        _name = "own_copies"

        def __init__(self) -> None:
            AnalysisPass.__init__(self)

        def run_pass(self, state: Any) -> bool:
            codegen = state.targetctx.codegen()
            state.library = codegen.create_library(state.func_id.func_qualname)
            state.library.enable_object_caching()
            _rename_copies(state.library)
            return False

    class Compiler(CompilerBase):
        """Numba's own compiler, and `OwnCopies`."""

        def define_pipelines(self) -> list:
            pipeline = DefaultPassBuilder.define_nopython_pipeline(self.state)
            pipeline.add_pass_after(OwnCopies, AnnotateTypes)
            pipeline.finalize()
            return [pipeline]

    return Compiler


@cache
def _stamp(folder: Path) -> tuple:
    """Return names, sizes and times of the source files in a folder."""
    with suppress(OSError):
        files = ((entry.name, entry.stat()) for entry in os.scandir(folder))
        return tuple(sorted((n, s.st_size, s.st_mtime) for n, s in files if n.endswith(".py")))
    return ()  # a package in an archive


def _cache() -> type:
    """Return Numba's cache with errors of the disk suppressed and a stamp of the whole folder.

    Numba's own stamp covers the file of the kernel alone: a change in a callee, a constant or a
    `NamedTuple` of another file would leave old code in use.
    """
    from numba.core.caching import FunctionCache
    from numba.core.registry import CPUDispatcher

    class Cache(FunctionCache):
        def __init__(self, function: Any) -> None:
            super().__init__(function)
            index = self._cache_file
            folder = Path(function.__code__.co_filename).parent
            index._source_stamp = index._source_stamp, *_stamp(folder)

        def load_overload(self, sig: Any, target_context: Any) -> Any:
            try:
                return super().load_overload(sig, target_context)
            except Exception:  # a damaged file may fail anywhere in pickle
                with suppress(OSError):
                    self.flush()
                return None

        def save_overload(self, sig: Any, data: Any) -> None:
            with suppress(OSError):
                super().save_overload(sig, data)

    # AttributeError where a version lacks them
    for owner, name in ((CPUDispatcher(_found), "_cache"), (FunctionCache, "flush")):
        getattr(owner, name)
    with suppress(RuntimeError):  # no folder to write to
        Cache(_found)
    return Cache


def _listening() -> Callable[[Callable[[], Any]], Any]:
    """Return a function that makes the context of `when_compiling`."""
    from numba.core import event

    class FirstStart(event.Listener):
        """Calls a function when the first event begins."""

        def __init__(self, call: Callable[[], Any]) -> None:
            self._call: Callable[[], Any] | None = call

        def on_start(self, event: Any) -> None:
            call, self._call = self._call, None
            if call is not None:
                call()

        def on_end(self, event: Any) -> None:
            pass

    with event.install_listener("numba:compile", FirstStart(lambda: None)):
        pass
    return lambda call: event.install_listener("numba:compile", FirstStart(call))


_COMPILER, _CACHE, _LISTENING = _found(_compiler), _found(_cache), _found(_listening)
SUPPORT = Support(_COMPILER is not None, _CACHE is not None, _LISTENING is not None)


def compiler_options() -> dict[str, Any]:
    """Return the options of `njit` that make a parallel kernel reproducible."""
    return {} if _COMPILER is None else {"pipeline_class": _COMPILER}


def set_cache(dispatcher: Any, function: Callable) -> None:
    """Give a compiled function a cache, if a folder for it can be written to."""
    if _CACHE is not None:
        with suppress(RuntimeError):  # no such folder: each process compiles
            dispatcher._cache = _CACHE(function)


def when_compiling(call: Callable[[], Any]) -> Any:
    """Return a context in which `call` is called once if a kernel is compiled, not just loaded."""
    return nullcontext() if _LISTENING is None else _LISTENING(call)
