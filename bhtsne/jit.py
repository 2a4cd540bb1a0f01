"""Function → kernel: how kernels are compiled, cached, threaded and locked.

Every kernel of the project is decorated by `serial` or `parallel` from here. The public functions
make sure of dtype and memory layout, so that each kernel is compiled for few signatures. A kernel
calls only kernels of its own folder, since a cached kernel is renewed when a file of that folder
changes, and otherwise not. Arrays that belong together are fields of a `NamedTuple`; but the body
of a `prange` loop writes to no such field, which Numba would take for dead code and drop.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from functools import lru_cache, wraps
from numbers import Integral
from typing import Any, TypeVar

import numba
from joblib import cpu_count
from numba import extending
from threadpoolctl import ThreadpoolController, threadpool_limits

from bhtsne import events, numba_internals
from bhtsne.numba_internals import when_compiling

__all__ = [
    "FASTMATH",
    "cache_folders",
    "guarded",
    "instruction",
    "is_cached",
    "map_blocks",
    "n_threads",
    "parallel",
    "run_beside",
    "serial",
    "sum_blocks",
    "threading_layer",
    "threads",
    "when_compiling",
]

T = TypeVar("T")

# Sums may be reordered, which lets loops be vectorised. NaN and infinity keep their meaning.
FASTMATH = {"reassoc", "contract", "arcp", "nsz"}

# Threads run loops of `prange` alone. Numba would also look for others, such as ``a[:] = 0``, which
# are short here: without, the first run of `bhtsne embed digits` takes 6 % less CPU time.
_PRANGE_ALONE = dict.fromkeys(
    ("comprehension", "reduction", "inplace_binop", "setitem", "numpy", "stencil", "fusion"), False
) | {"prange": True}

# How often a waiting thread of GNU's OpenMP spins before it sleeps; read when the library is
# loaded. The default spins for milliseconds, so that two processes on the same cores hold each
# other up many times over. A short spin costs a single process little.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")

# Numba's workqueue layer aborts the process when two threads launch parallel code at once, and
# threadpoolctl's limits belong to the whole process. One lock guards both.
_lock = threading.RLock()

# State of a forked process. A lock held by another thread of the parent would never be released,
# and the threads of GNU's OpenMP are gone: Numba then ends the process, and scikit-learn waits
# forever.
_forked, _orphaned = False, False

_block = threading.local()  # its attribute `running` is True in the threads of `map_blocks`

_folders: set[str] = set()  # of the caches


def _after_fork() -> None:
    global _lock, _forked, _orphaned
    _lock, _forked = threading.RLock(), True
    _helpers.cache_clear()
    with suppress(ValueError):  # no parallel kernel has run yet
        _orphaned = sys.platform == "linux" and numba.threading_layer() == "omp"


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _check_process() -> None:
    """Raise RuntimeError in a forked process that has lost its OpenMP threads."""
    if _orphaned:
        raise RuntimeError(
            "This process was forked after OpenMP had started threads, which it lacks; start "
            'processes by "spawn", "forkserver" or joblib, or set '
            "NUMBA_THREADING_LAYER=workqueue."
        )


@contextmanager
def _exclusive() -> Iterator[None]:
    """Hold the lock of parallel code; raise AssertionError where that would wait forever."""
    if getattr(_block, "running", False):
        raise AssertionError(
            "A block of map_blocks must call no parallel kernel and no map_blocks: they wait for a "
            "lock that is held until the block ends."
        )
    with _lock:
        yield


_interpreted = bool(numba.config.DISABLE_JIT)  # type: ignore[attr-defined]  # set at run time


def _compile(function: Callable, **options: Any) -> Any:
    if _interpreted:
        return function
    options |= {"error_model": "numpy", "fastmath": FASTMATH, "nogil": True}
    options["no_cfunc_wrapper"] = True  # kernels are called from Python and from each other
    dispatcher = numba_internals.dispatcher(function, options) or numba.njit(**options)(function)
    numba_internals.set_cache(dispatcher, function)
    if dispatcher.stats.cache_path is not None:
        _folders.add(dispatcher.stats.cache_path)
    return dispatcher


def cache_folders() -> list[str]:
    """Return the folders of the compiled kernels of all modules that are imported by now."""
    return sorted(_folders)


def serial(function: Callable) -> Any:
    """Compile a kernel that runs on one thread; kernels of the same folder may call it."""
    return _compile(function)


def parallel(function: Callable) -> Any:
    """Compile a kernel with `prange` loops; called from Python, one at a time per process.

    The compiled dispatcher is the attribute `dispatcher` of the result.
    """
    dispatcher = _compile(function, parallel=_PRANGE_ALONE)

    @wraps(function)
    def locked(*args: Any) -> Any:
        _check_process()
        with _exclusive():
            return dispatcher(*args)

    locked.dispatcher = dispatcher  # type: ignore[attr-defined]  # mypy knows no such attribute
    return locked


def instruction(compiled: Callable, interpreted: Callable) -> Any:
    """Return an instruction for kernels, which Numba has no function for.

    Parameters
    ----------
    compiled : callable
        Makes its signature and code, as `numba.extending.intrinsic` takes it.
    interpreted : callable
        Takes its place where compilation is disabled.
    """
    return interpreted if _interpreted else extending.intrinsic(compiled)


def is_cached(kernel: Any) -> bool:
    """Return whether the cache holds machine code of a kernel, for any types of its arguments."""
    return numba_internals.is_cached(getattr(kernel, "dispatcher", kernel))


def threading_layer() -> str:
    """Return the library that runs Numba's threads: omp, tbb or workqueue."""
    numba.get_num_threads()  # starts the threads; the layer is chosen with them
    return numba.threading_layer()


def n_threads() -> int:
    """Return the number of threads of kernels called from this thread."""
    return numba.get_num_threads()


@contextmanager
def threads(n_jobs: int | None) -> Iterator[int]:
    """Run the body with `n_jobs` threads, and restore the caller's number afterwards.

    Parameters
    ----------
    n_jobs : int or None
        Number of threads. None or -1 uses all threads that this process may use (in a container
        perhaps fewer than the machine has), -2 all but one, and so on. A larger number than the
        machine has uses all.

    Yields
    ------
    int
        The number of threads in force.

    Raises
    ------
    ValueError
        If n_jobs is 0 or not a whole number.
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
    """Hold the lock while a library runs parallel code of its own, and undo its settings.

    pynndescent, for one, changes the number of threads and does not restore it.
    """
    _check_process()
    before = numba.get_num_threads()
    # scikit-learn's kernels take no n_jobs: their OpenMP threads are limited here.
    with _exclusive(), threadpool_limits(1 if _forked else before):
        try:
            yield
        finally:
            numba.set_num_threads(before)


def map_blocks(
    function: Callable[[int, int], T], n: int, block: int, *, interruptible: bool = True
) -> list[T]:
    """Call `function(start, stop)` on consecutive blocks of ``range(n)``, several at a time.

    The threads are Python's, and BLAS runs on one thread in each of them. A matrix product and the
    scan of its result then share one core's cache, no thread waits for another, and the bits do
    not depend on the number of threads. The function must call no parallel kernel.

    Parameters
    ----------
    function : callable
        Takes the first and the end of a block.
    n : int
        Length of the range.
    block : int
        Length of a block; the last one may be shorter.
    interruptible : bool
        Whether progress is reported after each block, and a signal ends the work.

    Returns
    -------
    list
        Results in the order of the blocks.

    Raises
    ------
    AssertionError
        If the function calls a parallel kernel or `map_blocks`.
    """
    return list(_each_block(function, n, block, interruptible))


def run_beside(work: Callable[[], T], function: Callable[[], Any], *, alone: bool = False) -> T:
    """Return `work()`, and call `function()` by each thread, by this one after the work.

    The calls share the rest of the work by a counter (see `forces.counting`): a thread takes the
    next part whenever it is free, so that none waits for another.

    Parameters
    ----------
    work : callable
        Takes no argument; kernels that it calls must be serial.
    function : callable
        Takes no argument. It calls a serial kernel, whose result must not depend on which thread
        does which part; one call does all that the others leave.
    alone : bool
        Whether this thread makes the only call.

    Returns
    -------
    object
        Result of `work`.
    """
    others = 0 if alone else n_threads() - 1
    with _exclusive():
        calls = [_helpers(others).submit(function) for _ in range(others)]
        try:
            result = work()
            function()
        finally:
            # A thread that has not woken up by now has nothing left to do.
            calls = [call for call in calls if not call.cancel()]
            wait(calls)
    for call in calls:
        call.result()
    return result


@lru_cache(1)
def _helpers(n: int) -> ThreadPoolExecutor:
    """Return n threads that stay: they are needed in every iteration of a fit."""
    return ThreadPoolExecutor(n, initializer=_mark)


def _mark() -> None:
    _block.running = True


def sum_blocks(function: Callable[[int, int], Any], n: int, block: int) -> Any:
    """Return the sum of the results of `map_blocks`, in their order, without holding them all."""
    return sum(_each_block(function, n, block, True))


@lru_cache(1)
def _libraries(n_modules: int) -> ThreadpoolController:
    """Return the thread pools of the loaded libraries, looked up again after each import.

    The lookup takes longer than the blocks of a small fit, whose checks call it many times.
    """
    return ThreadpoolController()


def _each_block(
    function: Callable[[int, int], T], n: int, block: int, interruptible: bool
) -> Iterator[T]:
    starts = range(0, n, block)

    with _exclusive(), _libraries(len(sys.modules)).limit(limits=1, user_api="blas"):
        pool = ThreadPoolExecutor(n_threads(), initializer=_mark)
        try:
            results = pool.map(lambda start: function(start, min(start + block, n)), starts)
            for count, result in enumerate(results, 1):
                if interruptible:
                    events.report(count / len(starts))
                yield result
        finally:
            pool.shutdown(cancel_futures=True)
