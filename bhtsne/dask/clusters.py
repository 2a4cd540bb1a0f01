"""An address, or "local" → a client of workers; tasks → their results as they are done."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from bhtsne import jit

__all__ = ["client", "results"]

LOCAL = "local"
_PATIENCE = "10s"  # until a scheduler answers
# Of workers: what dask sets but its MALLOC_TRIM_THRESHOLD_. With that, glibc maps each array anew,
# and placing 60,000 points on one thread takes 8.3 s for 6.5.
_ENVIRONMENT = "distributed.nanny.pre-spawn-environ"
_ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@contextmanager
def client(address: str, n_workers: int | None = None) -> Iterator[Any]:
    """Yield a client of a scheduler, or of one process for each core, and close what was started.

    Parameters
    ----------
    address : str
        Of a scheduler, such as ``tcp://10.0.0.1:8786``; or "local".
    n_workers : int or None
        Processes of "local", of one thread each; None is all cores.

    Raises
    ------
    ValueError
        If distributed is not installed.
    OSError
        If nobody answers at the address.
    """
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError:
        text = 'dask.distributed is not installed; install "numba-bhtsne[dask]".'
        raise ValueError(text) from None
    if address != LOCAL:
        try:
            found = Client(address, timeout=_PATIENCE)
        except (OSError, ValueError) as error:
            raise OSError(f"no scheduler of dask answers at {address!r}: {error}.") from None
        with found:
            yield found
        return
    with jit.threads(n_workers) as count:
        pass
    with (
        dask.config.set({_ENVIRONMENT: dict.fromkeys(_ONE_THREAD, 1)}),
        LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as found,
    ):
        yield found


def results(found: Any, function: Callable, tasks: Sequence[tuple]) -> Iterator[Any]:
    """Yield ``function(*task)`` for each task as it is done; after an error nothing more is begun.

    A task whose worker dies is done by another.

    Raises
    ------
    MemoryError
        If workers die one after another over one task, which is what too little memory looks like.
    """
    from distributed import KilledWorker, as_completed

    futures = [found.submit(_threaded, function, task, pure=False) for task in tasks]
    try:
        for future in as_completed(futures):
            yield future.result()
    except KilledWorker as error:
        raise MemoryError(
            "workers died one after another over one task; give them more memory, or fewer threads."
        ) from error
    finally:
        found.cancel([future for future in futures if not future.done()])


def _threaded(function: Callable, task: tuple) -> Any:
    """Call a function on the threads of the worker that this is."""
    from bhtsne.dask.partitions import worker_threads

    with jit.threads(worker_threads()):
        return function(*task)
