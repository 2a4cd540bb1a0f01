"""Address of a scheduler, or "local" → client of Dask; tasks → results in order of completion."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from bhtsne import jit

__all__ = ["client", "results"]

LOCAL = "local"
_TIMEOUT = "10s"  # of the connection to a scheduler
# Environment of the workers: that of dask without MALLOC_TRIM_THRESHOLD_, with which glibc maps new
# memory for each array, and the placement of points takes longer.
_ENVIRONMENT = "distributed.nanny.pre-spawn-environ"
_ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@contextmanager
def client(address: str, n_workers: int | None = None) -> Iterator[Any]:
    """Yield a client of a scheduler, or of local processes, and close it at the end.

    Parameters
    ----------
    address : str
        Address of a scheduler, such as ``tcp://10.0.0.1:8786``, or "local".
    n_workers : int or None
        Number of local processes of one thread each; None is the number of cores.

    Yields
    ------
    distributed.Client
        Client of the scheduler.

    Raises
    ------
    ValueError
        If distributed is not installed.
    OSError
        If no scheduler answers at the address.
    """
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError:
        text = 'dask.distributed is not installed; install "numba-bhtsne[dask]".'
        raise ValueError(text) from None
    if address != LOCAL:
        try:
            remote = Client(address, timeout=_TIMEOUT)
        except (OSError, ValueError) as error:
            raise OSError(f"no scheduler of dask answers at {address!r}: {error}.") from None
        with remote:
            yield remote
        return
    with jit.threads(n_workers) as count:
        pass
    with (
        dask.config.set({_ENVIRONMENT: dict.fromkeys(_ONE_THREAD, 1)}),
        LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as local,
    ):
        yield local


def results(dask_client: Any, function: Callable, tasks: Sequence[tuple]) -> Iterator[Any]:
    """Yield ``function(*task)`` for each task in order of completion.

    Another worker repeats a task if its worker dies. An error cancels the remaining tasks.

    Parameters
    ----------
    dask_client : distributed.Client
        Client whose workers run the tasks.
    function : callable
        Function of a task.
    tasks : sequence of tuple
        Arguments of each task.

    Yields
    ------
    object
        Result of a task.

    Raises
    ------
    MemoryError
        If one task ends several workers, usually for lack of memory.
    """
    from distributed import KilledWorker, as_completed

    futures = [dask_client.submit(_threaded, function, task, pure=False) for task in tasks]
    try:
        for future in as_completed(futures):
            yield future.result()
    except KilledWorker as error:
        raise MemoryError(
            "several workers died in one task; give each more memory, or use fewer workers."
        ) from error
    finally:
        dask_client.cancel([future for future in futures if not future.done()])


def _threaded(function: Callable, task: tuple) -> Any:
    """Call a function with the number of threads of this worker."""
    from bhtsne.dask.partitions import worker_threads

    with jit.threads(worker_threads()):
        return function(*task)
