"""Neighbors → P: joint affinities as a sparse matrix that is symmetric and sums to 1."""

import numpy as np
from numba import prange
from scipy import sparse

from bhtsne import jit
from bhtsne.neighbors import Neighbors, checked_points

__all__ = ["all_pairs", "conditional", "perplexity"]

_TOLERANCE = 1e-5  # of the entropy, in nats: the perplexity is met to 1 part in 100,000


def perplexity(neighbors: Neighbors, perplexity: float = 30.0) -> sparse.csr_array:
    """Compute joint affinities whose rows have a given perplexity.

    ``p_j|i ∝ exp(−β_i d_ij²)`` over the neighbours j of i, where β_i solves
    ``−Σ_j p_j|i ln p_j|i = ln(perplexity)`` (Hinton & Roweis 2002), and
    ``p_ij = (p_j|i + p_i|j) / 2N`` (van der Maaten & Hinton 2008, §3.1).

    Parameters
    ----------
    neighbors : Neighbors
        Indices (N, k) and distances (N, k); index -1 marks a missing neighbour.
    perplexity : float
        Effective number of neighbours, 1 or more and below N. A row with fewer neighbours than
        that weighs them all alike.

    Returns
    -------
    scipy.sparse.csr_array of float32, shape (N, N)
        Symmetric to the last bit, without diagonal; sums to 1. Columns are sorted.

    Raises
    ------
    ValueError
        If perplexity is out of range, or indices and distances do not make sense.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import affinities, neighbors
    >>> X = np.random.default_rng(0).normal(size=(200, 5))
    >>> P = affinities.perplexity(neighbors.find(X, 60), perplexity=20)
    >>> P.shape, round(float(P.sum()), 6)
    ((200, 200), 1.0)
    """
    n = len(neighbors[0])
    _check_perplexity(perplexity, n)
    return _joint(conditional(neighbors, n, perplexity))


def conditional(neighbors: Neighbors, n: int, perplexity: float = 30.0) -> sparse.csr_array:
    """Compute conditional affinities of points to n others, as `perplexity` does before it joins.

    Parameters
    ----------
    neighbors : Neighbors
        Indices (M, k) among the n, and distances (M, k); index -1 marks a missing neighbour.
    n : int
        Number of the others.
    perplexity : float
        Effective number of neighbours, 1 to n. A row with fewer neighbours than that weighs them
        all alike.

    Returns
    -------
    scipy.sparse.csr_array of float32, shape (M, n)
        ``p_j|i``; each row with a neighbour sums to 1. Nothing that vanishes is stored.

    Raises
    ------
    ValueError
        If perplexity is out of range, or indices and distances do not make sense.

    Examples
    --------
    >>> from bhtsne import affinities, neighbors
    >>> near = neighbors.query([[0.0], [1.0], [2.0], [9.0]], [[1.1]], 3)
    >>> round(float(affinities.conditional(near, 4, perplexity=2).sum()), 6)
    1.0
    """
    indices, distances = _checked(neighbors, n)
    _check_perplexity(perplexity, n + 1)
    m, k = indices.shape
    p = np.empty((m, k), np.float32)
    _calibrate(distances, float(np.log(perplexity)), _TOLERANCE, p)
    offset = np.int32 if 2 * m * k < 2**31 else np.int64  # SciPy gives the columns the same type
    rows = np.arange(0, m * k + 1, k, dtype=offset)
    C = sparse.csr_array((p.ravel(), np.maximum(indices, 0).ravel(), rows), shape=(m, n))
    C.eliminate_zeros()
    return C


def all_pairs(X, perplexity: float = 30.0, *, metric="euclidean") -> sparse.csr_array:
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
    _check_perplexity(perplexity, n)
    _check_memory(n)
    distances = np.empty((n, n - 1), np.float32)
    start = 0
    for block in pairwise_distances_chunked(X, metric=metric, n_jobs=1):
        others = ~np.eye(len(block), n, start, dtype=bool)
        distances[start : start + len(block)] = block[others].reshape(len(block), n - 1)
        start += len(block)
    _calibrate(distances, float(np.log(perplexity)), _TOLERANCE, distances)
    _symmetrize(distances)
    P = sparse.csr_array((n, n), dtype=np.float32)
    P.data = distances.ravel()
    P.indices = _other_columns(n)
    P.indptr = np.arange(0, n * (n - 1) + 1, n - 1, dtype=np.int64)
    return _normalized(P)


def _check_perplexity(perplexity, n) -> None:
    if not 1 <= perplexity < n:
        raise ValueError(
            f"perplexity must be at least 1 and below the number of points, {n}, "
            f"got {perplexity!r}; a third of the number of points is a sensible most."
        )


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


def _checked(neighbors, n: int) -> tuple[np.ndarray, np.ndarray]:
    indices = np.ascontiguousarray(neighbors[0])
    distances = np.ascontiguousarray(neighbors[1], np.float32)
    if indices.ndim != 2 or indices.shape != distances.shape or not indices.size:
        raise ValueError(
            "Neighbours must be two arrays of one shape (N, k), got indices of shape "
            f"{indices.shape} and distances of shape {distances.shape}."
        )
    if indices.dtype.kind not in "iu" or indices.min() < -1 or indices.max() >= n:
        raise ValueError(
            f"Neighbours' indices must be whole numbers from 0 to {n - 1}, or -1 for "
            f"none, got {indices.dtype} from {indices.min()} to {indices.max()}."
        )
    if not (distances[indices >= 0] >= 0).all():
        raise ValueError("Neighbours' distances must be 0 or more, got a negative one or NaN.")
    return indices.astype(np.int32, copy=False), np.where(indices < 0, np.inf, distances)


def _joint(conditional: sparse.csr_array) -> sparse.csr_array:
    """Return ``(C + Cᵀ) / 2N``; the sum of two floats does not depend on their order."""
    transposed = conditional.T.tocsr()
    P = transposed.T.tocsr() + transposed  # transposing back sorts the columns
    P.eliminate_zeros()
    return _normalized(P)


def _normalized(P: sparse.csr_array) -> sparse.csr_array:
    P.data /= np.float32(P.data.sum(dtype=np.float64))
    return P


@jit.parallel
def _calibrate(distances, target, tolerance, out):
    """Fill out with p_j|i, row by row; it may be the same array as distances."""
    n, k = distances.shape
    for i in prange(n):
        squared = np.empty(k, np.float32)
        weights = np.empty(k, np.float32)
        _calibrate_row(distances[i], target, tolerance, squared, weights, out[i])


@jit.serial
def _calibrate_row(distances, target, tolerance, squared, weights, out):
    """Find β by Newton's method in ln β, safeguarded by bisection, and write the row of P."""
    # Shifting and scaling the squares changes β, not P: it makes β = 1 a fair start, and keeps
    # distances of any magnitude within float32.
    nearest, far, count = np.float64(np.inf), np.float64(0), 0
    for d in distances:
        if np.isfinite(d):
            nearest, far, count = min(nearest, np.float64(d)), max(far, np.float64(d)), count + 1
    mean = 0.0
    for j in range(len(distances)):
        d = np.float64(distances[j])
        squared[j] = (d * d - nearest * nearest) / (far * far) if far > 0 else 0.0
        if np.isfinite(d):
            mean += squared[j] / count
        else:
            squared[j] = np.inf
    log_beta, low, high = 0.0, -np.inf, np.inf
    flat = count == 0 or mean == 0 or target >= np.log(count)
    scale = 0.0 if flat else 1 / mean
    total = np.float64(0)
    for _ in range(1 if flat else 100):
        beta = np.float32(np.exp(log_beta) * scale)
        total, first, second = np.float64(0), np.float64(0), np.float64(0)
        for j in range(len(squared)):
            w = np.exp(-beta * squared[j]) if np.isfinite(squared[j]) else np.float32(0)
            weights[j] = w
            if w > 0:
                s = np.float64(beta) * squared[j]
                total += w
                first += w * s
                second += w * s * s
        first /= total
        gap = np.log(total) + first - target
        # More points at distance 0 than the perplexity: no β is large enough.
        if abs(gap) < tolerance or log_beta > 60:
            break
        if gap > 0:
            low = log_beta
        else:
            high = log_beta
        step = gap / max(second / total - first * first, 1e-3)
        log_beta += min(max(step, -2.0), 2.0)
        if not low < log_beta < high:
            log_beta = (low + high) / 2
    for j in range(len(weights)):
        out[j] = weights[j] / total if total > 0 else 0.0


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
