"""The one Numba policy: how kernels are compiled, cached, threaded and locked.

Every kernel of the project is decorated by `serial` or `parallel` from here. A kernel is called
with one dtype and layout, made sure of at the boundary by the public functions, and calls only
kernels of its own file: Numba's cache does not see a change in a callee of another file.
"""

import os
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import wraps
from numbers import Integral
from typing import Any, TypeVar

import numba
from joblib import cpu_count
from numba.core import event
from numba.core.caching import FunctionCache
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import AnalysisPass, register_pass
from numba.core.typed_passes import AnnotateTypes
from threadpoolctl import threadpool_limits

from bhtsne import events

T = TypeVar("T")

# Sums may be reordered, which is what vectorises them. NaN and infinity keep their meaning.
FASTMATH = {"reassoc", "contract", "arcp", "nsz"}

# How often GNU's OpenMP, which reads it when it is loaded, turns in circles where threads wait for
# each other. By default 300,000 times, which takes milliseconds, as if nothing else ran: of two
# processes on two cores each holds the other up, and fits of 1,797 digits take over 10 s each. With
# this they take 1.2 s (0.9 with 1,000, 3.6 with 10,000); one alone 0.39 for 0.36 (0.44, 0.37).
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")

# Numba's workqueue layer aborts the process when two threads launch parallel code at once, and
# threadpoolctl's limits belong to the whole process. One lock guards both.
_lock = threading.RLock()

# In a process forked from this one another thread's hold of the lock would never end, and GNU's
# OpenMP has threads no more: Numba's part ends the process, scikit-learn's waits for them forever.
_forked, _orphaned = False, False

_folders: set[str] = set()  # of the caches


def _after_fork() -> None:
    global _lock, _forked, _orphaned
    _lock, _forked = threading.RLock(), True
    with suppress(ValueError):  # nothing has run in parallel yet
        _orphaned = sys.platform == "linux" and numba.threading_layer() == "omp"


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _check_process() -> None:
    if _orphaned:
        raise RuntimeError(
            "This process was forked from one whose OpenMP threads had begun, which end with that; "
            'start processes by "spawn" or "forkserver", or by joblib, or set '
            "NUMBA_THREADING_LAYER=workqueue."
        )


@register_pass(mutates_CFG=False, analysis_only=True)
class _OwnCopies(AnalysisPass):
    """Let a parallel kernel call its own copies of the functions that it calls.

    A loop of `prange` is compiled as a function of its own and then, with the kernel that holds it,
    once more. Both copies have one name: the process that compiles would run the first, those that
    load the kernel from the cache have only the second, and their last bits differ, by up to 5e-3
    of the map's units after 150 steps. Here the second gets a name that nobody else has: internal
    linkage alone would not do, since what is linked at run time finds internal names too.
    """

    _name = "own_copies"

    def __init__(self) -> None:
        AnalysisPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        """Make the kernel's library, which names its copies once its code is made."""
        library = state.targetctx.codegen().create_library(state.func_id.func_qualname)
        library.enable_object_caching()
        finish = library._finalize_final_module

        def rename_and_finish() -> None:
            own = uuid.uuid4().hex
            for function in library._final_module.functions:
                if not function.is_declaration and function.linkage.name != "external":
                    function.name = f"{function.name}.{own}"
            finish()

        library._finalize_final_module = rename_and_finish
        state.library = library
        return False


class _Compiler(CompilerBase):
    """Numba's own compiler, and `_OwnCopies`."""

    def define_pipelines(self) -> list:
        pipeline = DefaultPassBuilder.define_nopython_pipeline(self.state)
        pipeline.add_pass_after(_OwnCopies, AnnotateTypes)
        pipeline.finalize()
        return [pipeline]


class _Cache(FunctionCache):
    """Numba's cache, which can cost a compilation and not the run: a disk is full, a file torn."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # what is torn fails anywhere in pickle
            with suppress(OSError):
                self.flush()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        with suppress(OSError):
            super().save_overload(sig, data)


def _compile(function: Callable, **options: Any) -> Any:
    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]  # set at run time
        return function
    dispatcher = numba.njit(error_model="numpy", fastmath=FASTMATH, nogil=True, **options)(function)
    with suppress(RuntimeError):  # no folder to write to: compile anew in each process
        dispatcher._cache = _Cache(function)
        _folders.add(dispatcher._cache.cache_path)
    return dispatcher


def cache_folders() -> list[str]:
    """Return the folders in which the kernels that are loaded by now are kept, compiled."""
    return sorted(_folders)


def serial(function: Callable) -> Any:
    """Compile a kernel that runs on one thread; kernels of the same file may call it."""
    return _compile(function)


def parallel(function: Callable) -> Any:
    """Compile a kernel with `prange` loops; called from Python, one at a time per process.

    The compiled dispatcher is the attribute `dispatcher` of the result.
    """
    dispatcher = _compile(function, parallel=True, pipeline_class=_Compiler)

    @wraps(function)
    def locked(*args: Any) -> Any:
        _check_process()
        with _lock:
            return dispatcher(*args)

    locked.dispatcher = dispatcher  # type: ignore[attr-defined]  # mypy knows no such attribute
    return locked


class _First(event.Listener):
    """Calls a function when the first event begins."""

    def __init__(self, tell: Callable[[], Any]) -> None:
        self._tell: Callable[[], Any] | None = tell

    def on_start(self, event: Any) -> None:
        tell, self._tell = self._tell, None
        if tell is not None:
            tell()

    def on_end(self, event: Any) -> None:
        pass


def when_compiling(tell: Callable[[], Any]) -> Any:
    """Return a context in which `tell` is called once if anything is compiled, not just loaded."""
    return event.install_listener("numba:compile", _First(tell))


def threading_layer() -> str:
    """Return what runs Numba's threads: omp, tbb or workqueue."""
    numba.get_num_threads()  # starts them; before, nothing is chosen
    return numba.threading_layer()


def n_threads() -> int:
    """Return the number of threads that kernels called from this thread use."""
    return numba.get_num_threads()


@contextmanager
def threads(n_jobs: int | None) -> Iterator[int]:
    """Run the body with `n_jobs` threads; the caller's number is restored on every way out.

    Parameters
    ----------
    n_jobs : int or None
        Number of threads. None or -1 uses all that this process may use, which in a container may
        be fewer than there are, -2 all but one, and so on; more than there are is taken as all.

    Yields
    ------
    int
        The number of threads in force.
    """
    whole = isinstance(n_jobs, Integral) and not isinstance(n_jobs, bool)
    if n_jobs is not None and (not whole or n_jobs == 0):
        raise ValueError(
            f"n_jobs must be None or a whole number other than 0, got {n_jobs!r}; "
            "None uses every core, -2 leaves one free."
        )
    _check_process()
    most = int(numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]  # set at run time
    allowed = min(most, cpu_count())
    wanted = allowed if n_jobs is None else n_jobs if n_jobs > 0 else allowed + 1 + n_jobs
    before = numba.get_num_threads()
    numba.set_num_threads(min(max(wanted, 1), most))
    try:
        yield numba.get_num_threads()
    finally:
        numba.set_num_threads(before)


@contextmanager
def guarded() -> Iterator[None]:
    """Hold the lock around a library that runs in parallel itself, and undo its settings.

    pynndescent, for one, changes the number of threads and leaves it changed.
    """
    _check_process()
    before = numba.get_num_threads()
    with _lock, threadpool_limits(1 if _forked else before):  # scikit-learn's kernels ask no n_jobs
        try:
            yield
        finally:
            numba.set_num_threads(before)


def map_blocks(function: Callable[[int, int], T], n: int, block: int) -> list[T]:
    """Call `function(start, stop)` on consecutive blocks of ``range(n)``, several at a time.

    The threads are Python's, and BLAS is held to one thread in each of them: a matrix product and
    the scan of its result then share one core's cache, nothing waits for anything, and the bits do
    not depend on the number of threads. At 16,384 points of 52 dimensions, tiles of 256 × 1024:
    128 GFLOP/s on two cores against 64 on one.
    """
    return list(_each_block(function, n, block))


def sum_blocks(function: Callable[[int, int], Any], n: int, block: int) -> Any:
    """Return the sum of what `map_blocks` would list, in its order, which is never held whole."""
    return sum(_each_block(function, n, block))


def _each_block(function: Callable[[int, int], T], n: int, block: int) -> Iterator[T]:
    starts = range(0, n, block)
    with _lock, threadpool_limits(1, user_api="blas"):
        pool = ThreadPoolExecutor(n_threads())
        try:
            results = pool.map(lambda start: function(start, min(start + block, n)), starts)
            for count, result in enumerate(results, 1):
                events.report(count / len(starts))
                yield result
        finally:
            pool.shutdown(cancel_futures=True)
