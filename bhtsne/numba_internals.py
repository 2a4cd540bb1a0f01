"""Numba's private parts → reproducible code, a tolerant cache, events of compilation.

Each of the three has a probe, which runs at import. Where a version of Numba lacks the parts that
a probe looks for, kernels are compiled by plain `njit` and run all the same; `SUPPORT` then says
which promise is off, and `bhtsne info` prints it. No other file uses a private name of Numba.
"""

import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

__all__ = ["SUPPORT", "Support", "dispatcher", "is_cached", "set_cache", "when_compiling"]


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


_REFRESH = 0.2  # seconds between two events while another process compiles a kernel
_PATIENCE = 60.0  # seconds after which that process is taken for a stopped one


class NotCached(Exception):
    """A part of a kernel has no machine code of its own to be cached."""


def _found(probe: Callable[[], Any]) -> Any:
    """Return what a probe builds, or None where this version of Numba lacks a part of it."""
    try:
        return probe()
    except Exception:  # an unknown version may fail in any way
        return None


def _rename_copies(library: Any) -> None:
    """Give the internal functions of a library names of their own before its code is made.

    The linker of the running process finds internal names, so that a function of another library
    with the same name would be called instead.
    """
    finish = library._finalize_final_module

    def rename_and_finish() -> None:
        own = uuid.uuid4().hex
        for function in library._final_module.functions:
            if not function.is_declaration and function.linkage.name != "external":
                function.name = f"{function.name}.{own}"
        finish()

    library._finalize_final_module = rename_and_finish


def _draft() -> type:
    """Return a library that others link: neither optimised nor turned into machine code.

    Numba optimises each function that a kernel calls, and the loop of each `prange` three times,
    makes machine code of all of them, and does it again as part of the kernel. As drafts they are
    optimised with the kernel alone, which takes a seventh off the time of the first run of
    `bhtsne embed digits`. It also makes parallel kernels reproducible: the process that compiles
    would run the loop that was compiled first, one that loads the kernel from the cache has only
    the copy in the kernel, and their last bits differ.
    """
    from numba.core.codegen import JITCodeLibrary

    class WithoutEnvironment:
        """A code generator for functions that have no machine code to hold an environment."""

        def __init__(self, codegen: Any) -> None:
            self._codegen = codegen

        def __getattr__(self, name: str) -> Any:
            return getattr(self._codegen, name)

        def set_env(self, name: str, env: Any) -> None:
            pass

    class Draft(JITCodeLibrary):
        @property
        def codegen(self) -> Any:
            return WithoutEnvironment(super().codegen)

        def _optimize_final_module(self) -> None:
            pass

        def _finalize_final_module(self) -> None:
            self._finalize_dynamic_globals()
            self._finalized = True

        def get_pointer_to_function(self, name: str) -> int:
            self._ensure_finalized()
            return 0

        def serialize_using_object_code(self) -> NoReturn:
            raise NotCached

    for name in ("_optimize_final_module", "_finalize_final_module", "_finalize_dynamic_globals"):
        getattr(JITCodeLibrary, name)  # AttributeError where a version lacks it
    return Draft


def _compiler(draft: type) -> type:
    """Return Numba's compiler, with drafts for all libraries but that of the outermost kernel."""
    from numba.core.codegen import JITCodeLibrary
    from numba.core.compiler import CompilerBase, DefaultPassBuilder
    from numba.core.compiler_machinery import AnalysisPass, register_pass
    from numba.core.typed_passes import AnnotateTypes

    @register_pass(mutates_CFG=False, analysis_only=True)
    class ChooseLibrary(AnalysisPass):
        """Make the library of the outermost kernel, and omit the Python entry of its callees."""

        _name = "choose_library"

        def __init__(self) -> None:
            AnalysisPass.__init__(self)

        def run_pass(self, state: Any) -> bool:
            if Compiler.depth > 1:
                state.flags.no_cpython_wrapper = True
            else:
                codegen = state.targetctx.codegen()
                state.library = JITCodeLibrary(codegen, state.func_id.func_qualname)
                state.library.enable_object_caching()
                _rename_copies(state.library)
            return False

    class Compiler(CompilerBase):
        depth = 0  # of the function that is compiled; one process compiles one kernel at a time

        def compile_extra(self, function: Any) -> Any:
            codegen = self.state.targetctx.codegen()
            codegen.create_library = partial(draft, codegen)
            Compiler.depth += 1
            try:
                return super().compile_extra(function)
            finally:
                Compiler.depth -= 1
                if not Compiler.depth:
                    del codegen.create_library

        def define_pipelines(self) -> list:
            pipeline = DefaultPassBuilder.define_nopython_pipeline(self.state)
            pipeline.add_pass_after(ChooseLibrary, AnnotateTypes)
            pipeline.finalize()
            return [pipeline]

    return Compiler


def _dispatcher() -> Callable[[Callable, dict[str, Any]], Any]:
    """Return a function that makes a dispatcher, with that compiler, from a kernel and options."""
    from numba.core.codegen import JITCPUCodegen
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.registry import CPUDispatcher
    from numba.core.sigutils import normalize_signature

    draft = _draft()
    compiler: Any = _compiler(draft)

    class Dispatcher(CPUDispatcher):
        """Numba's own dispatcher; a call from Python compiles a function that was a draft again."""

        def compile(self, sig: Any) -> Any:
            with global_compiler_lock:
                arguments, _ = normalize_signature(sig)
                known: Any = self.overloads.get(arguments)
                if not compiler.depth and known is not None and isinstance(known.library, draft):
                    del self.overloads[arguments]
                with nullcontext() if compiler.depth else _alone(getattr(self, "_cache", None)):
                    return super().compile(sig)

        def add_overload(self, cres: Any) -> None:
            if isinstance(cres.library, draft):
                self.overloads[tuple(cres.signature.args)] = cres
            else:
                super().add_overload(cres)

    def dispatcher(function: Callable, options: dict[str, Any]) -> Any:
        options = {"nopython": True, "boundscheck": None} | options
        return Dispatcher(function, targetoptions=options, pipeline_class=compiler)

    for owner, name in ((CPUDispatcher, "add_overload"), (JITCPUCodegen, "create_library")):
        getattr(owner, name)  # AttributeError where a version lacks it
    return dispatcher


@contextmanager
def _alone(cache: Any) -> Iterator[None]:
    """Let other processes wait while this one compiles a kernel, which they then load."""
    index = getattr(getattr(cache, "_cache_file", None), "_index_path", None)
    lock = None if index is None else _acquired(f"{index}.lock")
    try:
        yield
    finally:
        if lock is not None:
            lock.release()


def _acquired(path: str) -> Any:
    """Return a lock once it is held, or None where there can be none, or it is held for long."""
    import filelock

    # A soft lock, a mere file, would outlive a process that was killed.
    if issubclass(filelock.FileLock, filelock.SoftFileLock):
        return None
    lock = filelock.FileLock(path, fallback_to_soft=False)
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        try:
            lock.acquire(timeout=_REFRESH)
            return lock
        except filelock.Timeout:
            for listener in _open:
                listener.tell()
        except OSError:  # a folder that cannot be written to, or a file system without locks
            break
    return None


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
            with suppress(OSError, NotCached):
                super().save_overload(sig, data)

    # AttributeError where a version lacks them
    for owner, name in ((CPUDispatcher(_found), "_cache"), (FunctionCache, "flush")):
        getattr(owner, name)
    with suppress(RuntimeError):  # no folder to write to
        Cache(_found)
    return Cache


_open: list[Any] = []  # listeners of `when_compiling`


def _listening() -> Callable[[Callable[[int], Any]], Any]:
    """Return a function that makes the context of `when_compiling`."""
    from numba.core import event

    class Count(event.Listener):
        """Calls a function with the number of events that have begun."""

        def __init__(self, call: Callable[[int], Any]) -> None:
            self._call, self._count = call, 0

        def on_start(self, event: Any) -> None:
            self._count += 1
            self.tell()

        def on_end(self, event: Any) -> None:
            pass

        def tell(self) -> None:
            self._call(self._count)

    @contextmanager
    def listening(call: Callable[[int], Any]) -> Iterator[None]:
        count = Count(call)
        _open.append(count)
        try:
            with event.install_listener("numba:compile", count):
                yield
        finally:
            _open.remove(count)

    with listening(lambda count: None):
        pass
    return listening


_DISPATCHER, _CACHE, _LISTENING = _found(_dispatcher), _found(_cache), _found(_listening)
SUPPORT = Support(_DISPATCHER is not None, _CACHE is not None, _LISTENING is not None)


def dispatcher(function: Callable, options: dict[str, Any]) -> Any:
    """Return a kernel whose code is reproducible, or None where Numba lacks a part for it."""
    return None if _DISPATCHER is None else _DISPATCHER(function, options)


def set_cache(dispatcher: Any, function: Callable) -> None:
    """Give a compiled function a cache, if a folder for it can be written to."""
    if _CACHE is not None:
        with suppress(RuntimeError):  # no such folder: each process compiles
            dispatcher._cache = _CACHE(function)


def is_cached(dispatcher: Any) -> bool:
    """Return whether the cache holds code of a kernel; True where that cannot be known."""
    index = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
    try:
        return index is None or bool(index._load_index())
    except Exception:  # a damaged file
        return False


def when_compiling(call: Callable[[int], Any]) -> Any:
    """Return a context in which `call` is called while kernels are compiled, not just loaded.

    Its argument is the number of functions whose compilation has begun. While another process
    compiles a kernel that is needed here, it is called several times a second.
    """
    return nullcontext() if _LISTENING is None else _LISTENING(call)
