"""Dask array or data frame → exact neighbours, merged over pairs of partitions."""

from typing import Any

import numpy as np

from bhtsne.dask.partitions import Partitions, persisted, points
from bhtsne.neighbors import Neighbors, exact
from bhtsne.validation.numbers import check_count

__all__ = ["neighbors"]


def neighbors(X: Any, k: int) -> Neighbors:
    """Find the k nearest neighbours of every point exactly, by pairs of partitions.

    For a fit of all points if they are larger than memory but their neighbours are not:
    ``TSNE(neighbors=dask.neighbors(X, 90), init="spectral")``.

    Parameters
    ----------
    X : dask array or data frame of shape (N, D)
        Points. A worker holds two partitions and the candidates of one at a time. With W workers
        and P partitions, each partition is computed about P / W times; ``X.persist()`` avoids this
        if the memory of the workers suffices.
    k : int
        Number of neighbours, 1 to N − 1.

    Returns
    -------
    Neighbors
        The same as those of `neighbors.find` with ``method="exact"``.

    Raises
    ------
    ValueError
        If k is out of range, or a partition has values that are not finite; the message has the
        number of the partition.

    Examples
    --------
    >>> import dask.array as da
    >>> from bhtsne import dask
    >>> line = da.from_array([[0.0], [1.0], [3.0], [3.5]], chunks=(2, 1))
    >>> dask.neighbors(line, 1).indices.ravel()
    array([1, 0, 3, 2], dtype=int32)
    """
    import dask

    partitions = Partitions(X)
    ends = np.cumsum([0, *partitions.sizes])
    check_count("k", k)
    if k > ends[-1] - 1:
        raise ValueError(f"k must be a whole number from 1 to N − 1 = {ends[-1] - 1}, got {k}.")
    found, count = list[tuple](), len(partitions.parts)
    at_once = partitions.workers  # partitions that share one pass over all others
    for first in range(0, count, at_once):
        bests: list = [None] * min(at_once, count - first)
        for j, other in enumerate(partitions.parts):
            # Each step is computed before the next, or workers would hold all partitions at once.
            bests = persisted(
                partitions.lazily(_nearer, i, other, int(ends[i]), int(ends[j]), k, best)
                for i, best in enumerate(bests, first)
            )
        found += dask.compute(*bests)
    indices, distances = (np.concatenate(part) for part in zip(*found, strict=True))
    return Neighbors(indices.astype(np.int32), distances.astype(np.float32))


def _nearer(part, other, begin: int, start: int, k: int, best) -> tuple[np.ndarray, np.ndarray]:
    """Return the k nearest among the best so far and the points of another partition."""
    new, among = points(part), points(other)
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
