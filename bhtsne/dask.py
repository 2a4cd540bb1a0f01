"""Dask arrays and data frames → components, neighbours and places, partition by partition.

The only room that imports dask. A task works on as many threads as its worker has, one task of a
process at a time: kernels share them, and nothing is oversubscribed.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from bhtsne import jit
from bhtsne.neighbors import Neighbors, checked_points, exact
from bhtsne.neighbors.points import check_count

__all__ = ["Partitions", "is_collection", "map_rows", "neighbors", "principal_components"]


def is_collection(X: Any) -> bool:
    """Return whether X is a dask array or data frame; dask is not imported to tell."""
    return type(X).__module__.partition(".")[0] in ("dask", "dask_expr")


class Partitions:
    """The partitions of a dask array or data frame, each an array of rows when it is asked for.

    Parameters
    ----------
    X : dask array or data frame of shape (N, D)
        Points. Columns in several chunks are put together.
    """

    def __init__(self, X: Any) -> None:
        import dask

        if getattr(X, "ndim", None) != 2:
            raise ValueError(f"X must be of shape (N, D), got {X!r}.")
        X = X.rechunk({1: -1}) if hasattr(X, "rechunk") else X
        parts = X.to_delayed()
        self.parts = [parts] if np.ndim(parts) == 0 else list(np.ravel(parts))
        self._compute = dask.compute
        self._delayed = dask.delayed
        self.n_columns = int(X.shape[1]) if hasattr(X, "rechunk") else len(X.columns)
        self._sizes: list[int] | None = None

    def each(self, function: Callable, *given: Any) -> list[Any]:
        """Return what a function of each partition comes to, computed by the workers."""
        tasks = [self.lazily(function, i, *given) for i in range(len(self.parts))]
        return list(self._compute(*tasks))

    def lazily(self, function: Callable, i: int, *given: Any) -> Any:
        """Return a function of partition i, not computed yet; an error says which it is."""
        return self._delayed(_named)(function, self.parts[i], i, *given)

    @property
    def sizes(self) -> list[int]:
        """Rows of each partition."""
        if self._sizes is None:
            self._sizes = self.each(len)
        return self._sizes

    def __iter__(self):
        """Yield each partition, one at a time."""
        for i in range(len(self.parts)):
            yield self._compute(self.lazily(np.asarray, i))[0]

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Return these rows, in ascending order; only they leave the workers."""
        ends = np.cumsum([0, *self.sizes])
        cuts = np.searchsorted(rows, ends)
        wanted = [
            self.lazily(_rows, i, rows[cuts[i] : cuts[i + 1]] - ends[i])
            for i in range(len(self.parts))
            if cuts[i] < cuts[i + 1]
        ]
        return np.concatenate(self._compute(*wanted))


def map_rows(function: Callable, X: Any, columns: list[str]) -> Any:
    """Return a function of every partition's rows as a lazy collection of float32.

    Parameters
    ----------
    function : callable
        Takes (m, D) points, returns (m, d). What it holds is sent to each worker once.
    X : dask array or data frame of shape (N, D)
        Points.
    columns : list of str
        Names of the d columns of what comes of a data frame, which keeps its index.

    Returns
    -------
    dask array or data frame of float32, shape (N, d)
        Nothing is computed yet. With a client, it is for that client's workers.
    """
    held, d = _scattered(function), len(columns)
    if hasattr(X, "rechunk"):
        import dask.array as da

        partitions = Partitions(X)
        parts = [partitions.lazily(_call, i, held) for i in range(len(partitions.parts))]
        sized = zip(parts, X.chunks[0], strict=True)
        return da.concatenate([da.from_delayed(part, (m, d), np.float32) for part, m in sized])
    meta = _framed(np.empty((0, d), np.float32), X._meta.index, columns)
    return X.map_partitions(_named_frame, held, columns, meta=meta, enforce_metadata=False)


def principal_components(X: Any, n_components: int) -> Any:
    """Project points on their first principal components, partition by partition.

    Parameters
    ----------
    X : dask array or data frame of shape (N, D)
        Points; D × D numbers fit into memory.
    n_components : int
        1 … D.

    Returns
    -------
    dask array or data frame of float32, shape (N, n_components)
        The scores, lazily; mean and covariance are computed at once, by the workers, in an order
        that does not depend on their number. Each axis points where its largest weight is positive.

    Raises
    ------
    ValueError
        If n_components is out of range, or a partition holds no finite numbers: it is named.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> from bhtsne import dask
    >>> dask.principal_components(da.from_array(np.eye(4), chunks=(2, 4)), 2).shape
    (4, 2)
    """
    partitions = Partitions(X)
    check_count("n_components", n_components)
    if n_components > partitions.n_columns:
        raise ValueError(
            f"n_components must be at most D = {partitions.n_columns}, got {n_components}."
        )
    n = sum(partitions.sizes)
    mean = sum(partitions.each(_sum), np.zeros(partitions.n_columns)) / n
    covariance = sum(partitions.each(_scatter, mean))
    axes = np.linalg.eigh(covariance)[1][:, ::-1][:, :n_components]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(n_components)])
    names = [f"pc{i}" for i in range(1, n_components + 1)]
    return map_rows(partial(_project, mean=mean, axes=axes), X, names)


def neighbors(X: Any, k: int) -> Neighbors:
    """Find the k nearest neighbours of every point, exactly, two partitions at a time.

    For a full fit of points that do not fit into memory while their neighbours do:
    ``TSNE(neighbors=dask.neighbors(X, 90), init="spectral")``.

    Parameters
    ----------
    X : dask array or data frame of shape (N, D)
        Points. A worker holds two partitions and their distances' candidates at a time.
    k : int
        Neighbours of each, 1 to N − 1.

    Returns
    -------
    Neighbors
        As `neighbors.find` with ``method="exact"`` returns them.

    Raises
    ------
    ValueError
        If k is out of range, or a partition holds no finite numbers: it is named.
    """
    import dask

    partitions = Partitions(X)
    ends = np.cumsum([0, *partitions.sizes])
    check_count("k", k)
    if k > ends[-1] - 1:
        raise ValueError(f"k must be a whole number from 1 to N − 1 = {ends[-1] - 1}, got {k}.")
    rows = []
    for i in range(len(partitions.parts)):
        best = None
        for j, other in enumerate(partitions.parts):
            best = partitions.lazily(_nearer, i, other, int(ends[i]), int(ends[j]), k, best)
        rows.append(best)
    found = dask.compute(*rows)
    indices, distances = (np.concatenate(part) for part in zip(*found, strict=True))
    return Neighbors(indices.astype(np.int32), distances.astype(np.float32))


def _named(function: Callable, part: Any, i: int, *given: Any) -> Any:
    """Call a function of a partition on its worker's threads; an error says which it is."""
    try:
        with jit.threads(_threads()):
            return function(part, *given)
    except Exception as error:
        kind = type(error) if isinstance(error, TypeError | ValueError) else RuntimeError
        raise kind(f"partition {i} of X: {error}") from error


def _threads() -> int | None:
    """Return the threads of the worker that this is, or None where there is no worker."""
    try:
        from distributed import get_worker

        return int(get_worker().state.nthreads)
    except (ImportError, ValueError):
        return None


def _scattered(function: Callable) -> Any:
    """Return a function as one object on each worker, or as it is where there is no client."""
    try:
        from distributed import get_client

        return get_client().scatter(function, broadcast=True, hash=False)
    except (ImportError, ValueError):
        return function


def _call(part: Any, function: Callable) -> np.ndarray:
    return function(_points(part))


def _named_frame(part: Any, function: Any, columns: list[str], partition_info=None) -> Any:
    i = (partition_info or {}).get("number", 0)
    return _framed(_named(_call, part, i, function), part.index, columns)


def _framed(Y: np.ndarray, index: Any, columns: list[str]) -> Any:
    import pandas as pd

    return pd.DataFrame(Y, index=index[: len(Y)], columns=columns)


def _points(part: Any) -> np.ndarray:
    """Return a partition's rows as a finite array of floats; an empty one is one too."""
    part = np.asarray(part)
    return checked_points(part, fewest=1, name="its rows") if len(part) else part


def _rows(part: Any, rows: np.ndarray) -> np.ndarray:
    return np.asarray(part)[rows]


def _sum(part: Any) -> np.ndarray:
    return _points(part).sum(axis=0, dtype=np.float64)


def _scatter(part: Any, mean: np.ndarray) -> np.ndarray:
    rows = _points(part) - mean
    return rows.T @ rows


def _project(points: np.ndarray, mean: np.ndarray, axes: np.ndarray) -> np.ndarray:
    return ((points - mean) @ axes).astype(np.float32)


def _nearer(part, other, begin: int, start: int, k: int, best) -> tuple[np.ndarray, np.ndarray]:
    """Return the k nearest among those known and the points of another partition."""
    new, among = _points(part), _points(other)
    own = begin == start
    if len(new) and len(among):
        indices, distances = exact.nearest_to(among, new, min(k + own, len(among)))
        if own:
            indices, distances = exact.without_self(indices, distances)
        indices = indices + start
        if best is not None:
            indices = np.hstack([best[0], indices])
            distances = np.hstack([best[1], distances])
        order = np.lexsort((indices, distances))[:, :k]
        best = tuple(np.take_along_axis(part, order, 1) for part in (indices, distances))
    return best if best is not None else (np.empty((len(new), 0), int), np.empty((len(new), 0)))
