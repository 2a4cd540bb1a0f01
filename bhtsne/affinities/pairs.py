"""X → P over all pairs of points, for the exact path: dense in all but its form."""

import numpy as np
from numba import prange
from scipy import sparse

from bhtsne import jit
from bhtsne.affinities.checks import check_perplexity
from bhtsne.affinities.joining import normalized
from bhtsne.affinities.rows import calibrated
from bhtsne.neighbors import checked_points


def all_pairs(
    X, perplexity: float = 30.0, *, metric="euclidean", metric_params: dict | None = None
) -> sparse.csr_array:
    """Compute joint affinities over all pairs of points, no neighbours left out.

    The same equations as `perplexity` with k = N − 1; memory is about 8 N² bytes.

    Parameters
    ----------
    X : array_like or CSR of shape (N, D)
        Points, or their distances for ``metric="precomputed"``.
    perplexity : float
        Effective number of neighbours, 1 or more and below N.
    metric : str or callable
        Any of scikit-learn's.
    metric_params : dict, optional
        What the metric takes besides the points.

    Returns
    -------
    scipy.sparse.csr_array of float32, shape (N, N)
        With all N (N − 1) entries stored, those that vanish included.

    Raises
    ------
    ValueError
        If perplexity is out of range.
    MemoryError
        If the machine has less free memory than the matrix needs; the message says how much.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import affinities
    >>> affinities.all_pairs(np.random.default_rng(0).normal(size=(50, 3)), 10).nnz
    2450
    """
    from sklearn.metrics import pairwise_distances_chunked

    X = checked_points(X)
    n = X.shape[0]
    check_perplexity(perplexity, n)
    _check_memory(n)
    distances = np.empty((n, n - 1), np.float32)
    start = 0
    for block in pairwise_distances_chunked(X, metric=metric, n_jobs=1, **metric_params or {}):
        others = ~np.eye(len(block), n, start, dtype=bool)
        distances[start : start + len(block)] = block[others].reshape(len(block), n - 1)
        start += len(block)
    calibrated(distances, perplexity, distances)
    _symmetrize(distances)
    P = sparse.csr_array((n, n), dtype=np.float32)
    P.data = distances.ravel()
    P.indices = _other_columns(n)
    P.indptr = np.arange(0, n * (n - 1) + 1, n - 1, dtype=np.int64)
    return normalized(P)


def _check_memory(n) -> None:
    need, free = 8 * n**2, _free_memory()
    if need > free:
        raise MemoryError(
            f"All pairs of {n} points need {need / 2**30:.1f} GiB and {free / 2**30:.1f} GiB are "
            'free; take fewer points, or method="barnes_hut", whose memory grows with N.'
        )


def _free_memory() -> float:
    """Return the bytes that can still be had, or infinity where the system does not say."""
    try:
        with open("/proc/meminfo") as lines:
            return next(1024 * int(x.split()[1]) for x in lines if x.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return np.inf


@jit.parallel
def _symmetrize(p):
    """Replace p_j|i and p_i|j, rows without their diagonal, by their sum."""
    n = len(p)
    for i in prange(n):
        for j in range(i + 1, n):
            p[i, j - 1] = p[j, i] = p[i, j - 1] + p[j, i]


def _other_columns(n) -> np.ndarray:
    """Return 1 2 … n−1, 0 2 … n−1, …: the columns of a matrix without its diagonal."""
    columns = np.empty((n, n - 1), np.int32)
    for i in range(n):
        columns[i, :i] = np.arange(i)
        columns[i, i:] = np.arange(i + 1, n)
    return columns.ravel()
