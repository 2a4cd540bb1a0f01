"""A call → the most memory that it allocates by Python and NumPy, traced in a process of its own.

CPython 3.11 crashes when tracing stops while a thread of compiled code, such as one of Arrow's,
waits to allocate. The process here therefore never stops it.
"""

import gc
import tracemalloc
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context


class Tracer:
    """A process that runs calls, one after another."""

    def __init__(self):
        self._process = ProcessPoolExecutor(1, get_context("spawn"))

    def peak(self, function, *args):
        """Return the largest number of bytes allocated during `function(*args)`.

        Both must be picklable. What the call raises is raised here.
        """
        return self._process.submit(_peak, function, args).result()

    def close(self):
        """End the process."""
        self._process.shutdown()


def _peak(function, args):
    if not tracemalloc.is_tracing():  # not before the modules of the function are imported
        tracemalloc.start()
    gc.collect()
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    function(*args)
    return tracemalloc.get_traced_memory()[1] - before
