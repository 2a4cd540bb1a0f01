"""Dask array or data frame → `Partitions`: lazy functions of its partitions as arrays of rows."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from bhtsne import jit
from bhtsne.tables import frames
from bhtsne.tables.frames import as_points

__all__ = ["Partitions", "call_on_partition", "check_columns", "is_collection", "points"]


def is_collection(X: Any) -> bool:
    """Return whether X is a dask array or data frame, without importing dask."""
    return type(X).__module__.partition(".")[0] in ("dask", "dask_expr")


def check_columns(X: Any) -> None:
    """Raise ValueError unless a collection is a table of numbers, according to its metadata."""
    if getattr(X, "ndim", None) != 2:
        raise ValueError(f"X must be a dask array or data frame of shape (N, D), got {X!r}.")
    if hasattr(X, "rechunk"):
        if X.dtype.kind not in "biuf":
            raise ValueError(f"X must hold real numbers, got a dask array of {X.dtype}.")
        return
    for name, column in X._meta.items():
        if column.dtype == object:  # not a numeric type
            raise ValueError(
                f"X must hold numbers in each column, got objects in {name!r}; drop the column, or "
                "encode it as numbers."
            )
        frames.check_kind(name, frames.arrow_of(column).type)


class Partitions:
    """The partitions of a dask array or data frame.

    Parameters
    ----------
    X : dask array or data frame of shape (N, D)
        Points. Chunks of columns are joined.

    Attributes
    ----------
    parts : list of dask.delayed.Delayed
        Partitions, each of m rows and D columns.
    n_columns : int
        Number of features D.
    """

    def __init__(self, X: Any) -> None:
        import dask

        check_columns(X)
        X = X.rechunk({1: -1}) if hasattr(X, "rechunk") else X
        parts = X.to_delayed()
        self.parts = [parts] if np.ndim(parts) == 0 else list(np.ravel(parts))
        self._compute = dask.compute
        self._delayed = dask.delayed
        self.n_columns = int(X.shape[1]) if hasattr(X, "rechunk") else len(X.columns)
        self._sizes: list[int] | None = None

    def each(self, function: Callable, *given: Any) -> list[Any]:
        """Return the results of a function of each partition, computed by the workers."""
        tasks = [self.lazily(function, i, *given) for i in range(len(self.parts))]
        return list(self._compute(*tasks))

    def lazily(self, function: Callable, i: int, *given: Any) -> Any:
        """Return a lazy function of partition i, whose errors state the number i."""
        return self._delayed(call_on_partition)(function, self.parts[i], i, *given)

    def summed(self, function: Callable, *given: Any) -> np.ndarray:
        """Return the sum of a function over all partitions.

        The sum is pairwise, in an order that does not depend on the workers. A worker adds two
        terms at a time.
        """
        terms = [self.lazily(function, i, *given) for i in range(len(self.parts))]
        while len(terms) > 1:
            odd = terms[len(terms) & ~1 :]
            pairs = zip(terms[::2], terms[1::2], strict=False)
            terms = [self._delayed(np.add)(*pair) for pair in pairs] + odd
        return self._compute(*terms)[0]

    @property
    def sizes(self) -> list[int]:
        """Number of rows of each partition."""
        if self._sizes is None:
            self._sizes = self.each(len)
        return self._sizes

    @property
    def workers(self) -> int:
        """Number of workers, each of which computes one partition at a time."""
        client = current_client()
        return max(len(client.nthreads()), 1) if client else 1

    def __iter__(self):
        """Yield each partition as an array of rows, one at a time."""
        for i in range(len(self.parts)):
            yield self._compute(self.lazily(points, i))[0]

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Return the given rows, in ascending order; the workers send no others."""
        ends = np.cumsum([0, *self.sizes])
        cuts = np.searchsorted(rows, ends)
        parts = [
            self.lazily(_rows, i, rows[cuts[i] : cuts[i + 1]] - ends[i])
            for i in range(len(self.parts))
            if cuts[i] < cuts[i + 1]
        ]
        return np.concatenate(self._compute(*parts))


def call_on_partition(function: Callable, part: Any, i: int, *given: Any) -> Any:
    """Call a function of partition i on the threads of its worker; an error states the number."""
    try:
        with jit.threads(worker_threads()):
            return function(part, *given)
    except Exception as error:
        kinds = (TypeError, ValueError, MemoryError, OSError)
        known = (kind for kind in kinds if isinstance(error, kind))
        kind = next(known, RuntimeError)
        raise kind(f"partition {i} of X: {error}") from error


def persisted(lazy: Iterable[Any]) -> list[Any]:
    """Compute lazy values, and leave the results on the workers; raise the first error."""
    import dask

    done = dask.persist(*lazy)
    if current_client():
        from distributed import futures_of

        for future in futures_of(done):
            if (error := future.exception()) is not None:
                raise error
    return list(done)


def current_client() -> Any:
    """Return the client of dask, or None if this process computes itself."""
    try:
        from distributed import get_client

        return get_client()
    except (ImportError, ValueError):
        return None


def worker_threads() -> int | None:
    """Return the number of threads of the worker in this process, or None outside a worker."""
    try:
        from distributed import get_worker

        return int(get_worker().state.nthreads)
    except (ImportError, ValueError):
        return None


def points(part: Any) -> np.ndarray:
    """Return the rows of a partition, which may be empty, as a finite array of floats."""
    if len(part):
        return as_points(part, fewest=1, name="its rows")
    return np.empty(part.shape, np.float32)


def _rows(part: Any, rows: np.ndarray) -> np.ndarray:
    return points(part)[rows]
