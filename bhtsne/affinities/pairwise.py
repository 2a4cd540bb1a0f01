"""X → affinities over all pairs of points, for the exact methods: joint or conditional."""

from collections.abc import Iterator

import numpy as np
from numba import prange
from scipy import sparse

from bhtsne import events, jit, memory
from bhtsne.affinities.rows import calibrated, gaussian
from bhtsne.affinities.symmetrization import normalized
from bhtsne.neighbors import brute, measures, precomputed
from bhtsne.tables.frames import as_points
from bhtsne.validation.graphs import check_perplexity, checked_distances
from bhtsne.validation.numbers import check_metric, checked_number

_CANCELLED = 1e-8  # part of |x|² + |y|² below which the rounding of x·y shows in float32
_BLOCK = 128  # MiB of distances computed at a time


def all_pairs(
    X, perplexity: float = 30.0, *, metric="euclidean", metric_params: dict | None = None
) -> sparse.csr_array:
    """Compute joint affinities over all pairs of points.

    The equations are those of `affinities.perplexity` with k = N − 1. Memory is about 8 N² bytes.

    Parameters
    ----------
    X : array_like or CSR of shape (N, D)
        Points, or their distances for ``metric="precomputed"``.
    perplexity : float
        Effective number of neighbours, 1 or more and below N.
    metric : str or callable
        Metric, as in `neighbors.find`.
    metric_params : dict, optional
        Parameters of the metric by name.

    Returns
    -------
    scipy.sparse.csr_array of float32, shape (N, N)
        Joint affinities; all N (N − 1) entries are stored, zeros included.

    Raises
    ------
    ValueError
        If perplexity is out of range.
    MemoryError
        If the matrix needs more memory than is available.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import affinities
    >>> affinities.all_pairs(np.random.default_rng(0).normal(size=(50, 3)), 10).nnz
    2450
    """
    X, measure = _comparable(X, metric, metric_params)
    n = X.shape[0]
    check_perplexity(perplexity, n)
    check_memory(n)
    distances = np.empty((n, n - 1), np.float32)
    with events.portion(0, 0.6):
        for start, block in _blocks(X, measure):
            others = ~np.eye(len(block), n, start, dtype=bool)
            distances[start : start + len(block)] = block[others].reshape(len(block), n - 1)
    with events.portion(0.6, 0.9):
        calibrated(distances, perplexity, distances)
    _symmetrize(distances)
    P = sparse.csr_array((n, n), dtype=np.float32)
    P.data = distances.ravel()
    P.indices = _other_columns(n)
    P.indptr = np.arange(0, n * (n - 1) + 1, n - 1, dtype=np.int64)
    return normalized(P)


def conditional_pairs(
    X,
    perplexity: float = 30.0,
    *,
    sigma: float | None = None,
    metric="euclidean",
    metric_params: dict | None = None,
) -> np.ndarray:
    """Compute conditional affinities over all pairs of points: the rows of SNE.

    ``p_j|i = exp(−d_ij² / 2σ_i²) / Σ_{k≠i} exp(−d_ik² / 2σ_i²)`` (Hinton & Roweis 2002); memory is
    about 8 N² bytes.

    Parameters
    ----------
    X : array_like or CSR of shape (N, D)
        Points, or their distances for ``metric="precomputed"``.
    perplexity : float
        Effective number of neighbours, 1 or more and below N, which determines each σ_i.
    sigma : float, optional
        One σ for all points, in units of the distances, instead of the perplexity.
    metric : str or callable
        Metric, as in `neighbors.find`.
    metric_params : dict, optional
        Parameters of the metric by name.

    Returns
    -------
    ndarray of float32, shape (N, N)
        Conditional affinities; each row has a sum of 1, and the diagonal is 0.

    Raises
    ------
    ValueError
        If perplexity or sigma is out of range.
    MemoryError
        If the matrix needs more memory than is available.

    Examples
    --------
    >>> from bhtsne import affinities
    >>> affinities.conditional_pairs([[0.0], [1.0], [3.0]], sigma=1.0).round(2)
    array([[0.  , 0.98, 0.02],
           [0.82, 0.  , 0.18],
           [0.08, 0.92, 0.  ]], dtype=float32)
    """
    X, measure = _comparable(X, metric, metric_params)
    n = X.shape[0]
    if sigma is None:
        check_perplexity(perplexity, n)
    else:
        sigma = float(checked_number("sigma", sigma))
    check_memory(n)
    C = np.empty((n, n), np.float32)
    for start, block in _blocks(X, measure):
        distances, rows = block.copy(), C[start : start + len(block)]
        distances[np.eye(len(block), n, start, dtype=bool)] = np.inf
        if sigma is None:
            with events.listening(None):  # progress counts the blocks
                calibrated(distances, perplexity, rows)
        else:
            rows[:] = gaussian(distances, sigma)
    return C


def shared_sigma(
    X, perplexity: float = 30.0, *, metric="euclidean", metric_params: dict | None = None
) -> float:
    """Find the one σ for all points at which their mean entropy is that of a perplexity.

    ``1/N Σ_i H_i(σ) = ln(perplexity)``, which makes SNE with one σ comparable to SNE with one σ
    for each point. The mean is over at most 1,000 points, evenly spaced in X.

    Parameters
    ----------
    X : array_like or CSR of shape (N, D)
        Points, or their distances for ``metric="precomputed"``.
    perplexity : float
        Effective number of neighbours, above 1 and below N.
    metric : str or callable
        Metric, as in `neighbors.find`.
    metric_params : dict, optional
        Parameters of the metric by name.

    Returns
    -------
    float
        σ, in units of the distances.

    Raises
    ------
    ValueError
        If perplexity is out of range, or no σ gives it because too many points coincide.

    Examples
    --------
    >>> from bhtsne import affinities, datasets
    >>> X = datasets.digits().X[:1000]
    >>> sigma = affinities.shared_sigma(X, 30)
    >>> C = affinities.conditional_pairs(X, sigma=sigma).astype("float64")
    >>> entropies = [-(row[row > 0] * np.log(row[row > 0])).sum() for row in C]
    >>> round(float(np.exp(np.mean(entropies))), 1)
    30.0
    """
    from scipy.optimize import brentq

    X, measure = _comparable(X, metric, metric_params)
    n = X.shape[0]
    check_perplexity(perplexity, n)
    some = np.unique(np.linspace(0, n - 1, min(n, 1000)).astype(np.int64))
    distances = checked_distances(brute.distances(X[some], X, measure, 0, len(some)))
    distances[np.arange(len(some)), some] = np.inf
    apart = distances[(distances > 0) & np.isfinite(distances)]
    if not len(apart):
        raise ValueError("X must hold points that differ, got points that all coincide.")
    least, most = np.log(float(apart.min()) / 15), np.log(float(apart.max()) * 100)

    def gap(log_sigma):
        p = gaussian(distances, float(np.exp(log_sigma))).astype(np.float64)
        return -(p * np.log(np.where(p > 0, p, 1))).sum() / len(some) - np.log(perplexity)

    if not gap(least) < 0 < gap(most):
        raise ValueError(
            "perplexity must be above 1 and above the number of points that coincide, got "
            f"{perplexity!r}; take a larger one, or drop duplicates."
        )
    return float(np.exp(brentq(gap, least, most, xtol=1e-6)))


def _comparable(X, metric, metric_params) -> tuple:
    """Return the points in the form that the metric compares, or their distances; and the metric.

    Points with Euclidean distances are centred, and of float64.
    """
    check_metric(metric, metric_params)
    if isinstance(metric, str) and metric == "precomputed":
        precomputed.check_shape(X)
        X = as_points(X)
        if sparse.issparse(X):
            raise ValueError(
                "X, precomputed distances of all pairs, must be dense, got a sparse matrix; "
                "neighbors.given takes it."
            )
        return precomputed.checked(X), measures.Measure(metric, {}, lambda X: X)
    X = as_points(X)
    measure = measures.resolved(X, metric, metric_params)
    measures.warn_of_values(X, metric)
    X = brute.comparable(measure.points(X), measure.metric)
    # Far from the origin, |x|² + |y|² − 2 x·y would cancel to the last digit.
    centred = _is_euclidean(measure.metric) and not sparse.issparse(X)
    return X - X.mean(axis=0) if centred else X, measure


def _is_euclidean(metric) -> bool:
    return isinstance(metric, str) and metric in ("euclidean", "l2")


def _recompute_short(X, start: int, block) -> None:
    """Compute short distances again, from differences, where the product leaves only rounding."""
    norms = np.einsum("ij,ij->i", X, X)
    for i, row in enumerate(block, start):
        near = np.flatnonzero(row**2 <= _CANCELLED * (norms[i] + norms))
        row[near] = np.linalg.norm(X[near] - X[i], axis=1)


def _blocks(X, measure) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (first row, block of rows) of the distances between all points, float32."""
    start, n = 0, X.shape[0]
    for block in _rows_of_distances(X, measure):
        if _is_euclidean(measure.metric) and not sparse.issparse(X):
            _recompute_short(X, start, block)
        yield start, checked_distances(block)
        start += len(block)
        events.report(start / n)


def _rows_of_distances(X, measure) -> Iterator[np.ndarray]:
    """Yield blocks of rows of the distances between all points, of `_BLOCK` MiB each."""
    from sklearn.metrics import pairwise_distances_chunked

    if measure.metric == "precomputed" or _is_euclidean(measure.metric):
        yield from pairwise_distances_chunked(
            X, metric=measure.metric, n_jobs=1, working_memory=_BLOCK
        )
        return
    n = X.shape[0]
    rows = max((_BLOCK << 20) // (8 * n), 1)
    for start in range(0, n, rows):
        stop = min(start + rows, n)
        block = brute.distances(X, X, measure, start, stop, np.arange(n))
        block[np.arange(stop - start), np.arange(start, stop)] = 0
        yield block


def check_memory(n: int) -> None:
    """Raise MemoryError if all pairs of n points need more memory than is available."""
    block = _BLOCK << 20
    need = max(4 * n**2 + 1.25 * min(block, 8 * n**2), 8 * n**2)  # distances; later also columns
    memory.check(
        need,
        f"All pairs of {n:,} points",
        'take fewer points, or TSNE(method="barnes_hut"), whose memory grows with N',
    )


@jit.parallel
def _symmetrize(p):
    """Replace p_j|i and p_i|j by ``p_j|i + p_i|j``; the rows lack the diagonal."""
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
