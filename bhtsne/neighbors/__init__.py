"""X → `Neighbors(indices, distances)`: exact in blocks, or approximate by trees or pynndescent.

The point itself is left out here and nowhere else.
"""

from numbers import Integral
from typing import NamedTuple

import numpy as np
from scipy import sparse

from bhtsne.neighbors import approximate, brute, exact, forest, graphs
from bhtsne.neighbors.points import (
    check_count,
    checked_distances,
    checked_metric,
    checked_points,
    checked_random_state,
)

__all__ = ["Neighbors", "find", "given", "query"]

METHODS = ("auto", "exact", "forest", "pynndescent")

# Up to this many features a k-d tree is faster than matrix products: 90 neighbours of 70,000 normal
# points take 2.0, 4.7 and 6.8 s in 3, 5 and 6 dimensions; products take 5.3 to 6.3 s in each.
TREE_FEATURES = 5
# Up to this many points scikit-learn's blocks are done before pynndescent has compiled: Manhattan
# distances of 10,000 × 50 take 4.4 s.
_SMALL = 10_000
# Work of the exact search, N² (D + 40), from which the forest is used: 100,000 × 50.
# At 70,000 it finds 99.5 % in 4.1 s, the exact search all in 5.5; it grows as N log N, the other as
# N² (bench/neighbors.py).
_CROSSOVER = 1e12
_EUCLIDEAN = ("euclidean", "l2", "cosine")


class Neighbors(NamedTuple):
    """The k nearest neighbours of N points, nearest first, without the point itself.

    Attributes
    ----------
    indices : ndarray of int32, shape (N, k)
        Rows of the neighbours; -1 where an approximate search found fewer than k.
    distances : ndarray of float32, shape (N, k)
        In the units of the metric; infinity where the index is -1.
    """

    indices: np.ndarray
    distances: np.ndarray


def find(
    X,
    k: int,
    *,
    metric="euclidean",
    metric_params: dict | None = None,
    method: str = "auto",
    random_state=None,
) -> Neighbors:
    """Find the k nearest neighbours of every point.

    Parameters
    ----------
    X : array_like or CSR of shape (N, D)
        Points of finite coordinates, whose distances float32 holds. For ``metric="precomputed"``
        distances of shape (N, N), all of them, or sparse: then the stored ones are all that is
        known.
    k : int
        Neighbours of each point, 1 to N − 1.
    metric : str or callable
        A metric of scikit-learn (exact) or of pynndescent (approximate); "precomputed"; or a
        function of two points: compiled by Numba for pynndescent, any for the exact search.
    metric_params : dict, optional
        What the metric takes besides the points: p of "minkowski", V of "seuclidean".
    method : {"auto", "exact", "forest", "pynndescent"}
        "forest": random trees and neighbours of neighbours, for dense points and Euclidean or
        cosine distance. "auto" searches exactly where that takes seconds, by the forest beyond,
        and by pynndescent for large data of other metrics, as long as it has them.
    random_state : int, RandomState or None
        Seed of the approximate searches. With one, pynndescent runs on one thread, so that the
        graph does not depend on their number. The exact search has nothing random.

    Returns
    -------
    Neighbors
        The same for the same seed, at any number of threads.

    Raises
    ------
    ValueError
        If X is not a finite table of numbers, k is not within 1 … N − 1, or metric or method is
        unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import neighbors
    >>> neighbors.find(np.array([[0.0], [1.0], [3.0]]), 1).indices.ravel()
    array([1, 0, 1], dtype=int32)
    """
    checked_metric(metric, metric_params)
    X = checked_points(X)
    n = X.shape[0]
    if not _is_whole(k) or not 1 <= k <= n - 1:
        raise ValueError(f"k must be a whole number from 1 to N − 1 = {n - 1}, got {k!r}.")
    if not isinstance(method, str) or method not in METHODS:
        raise ValueError(f"method must be one of {METHODS}, got {method!r}.")
    if isinstance(metric, str) and metric == "precomputed":
        return _result(*graphs.of_distances(X, k, own=True))
    if method == "auto":
        method = suitable(X, metric, metric_params)
    if method == "exact":
        return _result(*_exact(X, k, metric, metric_params))
    if method == "forest":
        return _result(*_by_forest(X, k, metric, _random_integer(random_state)))
    known = approximate.metrics(X)
    if isinstance(metric, str) and metric not in known:
        raise ValueError(brute.unknown(metric, known, "pynndescent", X))
    seed = _random_integer(random_state)
    return _result(*approximate.nearest(X, k, metric, metric_params, seed))


def query(X, X_new, k: int, *, metric="euclidean", metric_params: dict | None = None) -> Neighbors:
    """Find the k nearest of one set of points to each point of another, exactly.

    Parameters
    ----------
    X : array_like or CSR of shape (N, D)
        Points among which is searched.
    X_new : array_like or CSR of shape (M, D)
        Points whose neighbours are wanted; distances of shape (M, N), all or sparse, for
        ``metric="precomputed"``, which needs no X.
    k : int
        Neighbours of each, 1 to N.
    metric : str or callable
        As in `find`, like the next.
    metric_params : dict, optional
        What the metric takes besides the points.

    Returns
    -------
    Neighbors
        Indices into X and distances, (M, k) each, nearest first. A point's do not depend on which
        others are asked for.

    Raises
    ------
    ValueError
        If the two sets are not finite tables of as many columns, or k is not within 1 … N.

    Examples
    --------
    >>> from bhtsne import neighbors
    >>> neighbors.query([[0.0], [1.0], [3.0]], [[2.5]], 2).indices
    array([[2, 1]], dtype=int32)
    """
    checked_metric(metric, metric_params)
    new = checked_points(X_new, 1, "X_new")
    if isinstance(metric, str) and metric == "precomputed":
        n = new.shape[1]
    else:
        X = checked_points(X, fewest=1)
        n = X.shape[0]
        if X.shape[1] != new.shape[1]:
            raise ValueError(f"X_new must have {X.shape[1]} columns as X, got {new.shape[1]}.")
    if not _is_whole(k) or not 1 <= k <= n:
        raise ValueError(f"k must be a whole number from 1 to N = {n}, got {k!r}.")
    if isinstance(metric, str) and metric == "precomputed":
        return _result(*graphs.of_distances(new, k, own=False))
    if metric in ("euclidean", "l2") and not (metric_params or _any_sparse(X, new)):
        return _result(*exact.nearest_to(X, new, k))
    return _result(*brute.nearest(X, k, metric, metric_params, new))


def given(graph, n: int) -> Neighbors:
    """Take one's own neighbour graph.

    Parameters
    ----------
    graph : tuple of two arrays, sparse matrix or pynndescent index
        Indices and distances of shape (N, k) each, where index -1 marks a missing neighbour; or a
        sparse matrix of distances, (N, N), whose stored entries are the neighbours, as in the
        ``obsp["distances"]`` of an AnnData; or an ``NNDescent`` of the points.
    n : int
        N.

    Returns
    -------
    Neighbors
        Nearest first. A point that stands among its own neighbours is left out.

    Raises
    ------
    ValueError
        If the graph is of another form or size, or an index or distance makes no sense.

    Examples
    --------
    >>> from scipy import sparse
    >>> from bhtsne import neighbors
    >>> graph = sparse.csr_array([[0.0, 2.0, 1.0], [2.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    >>> neighbors.given(graph, 3).indices
    array([[ 2,  1],
           [ 0, -1],
           [ 0, -1]], dtype=int32)
    """
    check_count("n", n)
    return _result(*graphs.arrays(graph, n), "neighbors")


def _is_whole(k) -> bool:
    return isinstance(k, Integral) and not isinstance(k, bool)


def _random_integer(random_state) -> int | None:
    if random_state is None:
        return None
    return int(checked_random_state(random_state).randint(np.iinfo(np.int32).max))


def _result(indices, distances, name: str = "X") -> Neighbors:
    distances = checked_distances(distances, indices >= 0, name)
    return Neighbors(np.ascontiguousarray(indices, np.int32), np.ascontiguousarray(distances))


def _any_sparse(*tables) -> bool:
    return any(sparse.issparse(table) for table in tables)


def is_euclidean(X, metric, metric_params) -> bool:
    """Return whether a search among these points may compute products of matrices."""
    named = isinstance(metric, str) and metric in _EUCLIDEAN
    return named and not (metric_params or sparse.issparse(X))


def suitable(X, metric, metric_params) -> str:
    """Return the method that "auto" stands for."""
    n, d = X.shape
    if not isinstance(metric, str):  # pynndescent wants a compiled function
        return "pynndescent" if hasattr(metric, "py_func") else "exact"
    if is_euclidean(X, metric, metric_params):
        exactly = d <= TREE_FEATURES or float(n) ** 2 * (d + 40) <= _CROSSOVER
        return "exact" if exactly else "forest"
    # pynndescent is asked last: its import alone takes 2 s.
    exactly = (n <= _SMALL and metric in brute.metrics(X)) or metric not in approximate.metrics(X)
    return "exact" if exactly else "pynndescent"


def _exact(X, k, metric, metric_params) -> tuple[np.ndarray, np.ndarray]:
    if not is_euclidean(X, metric, metric_params):
        return brute.nearest(X, k, metric, metric_params)
    few = X.shape[1] <= TREE_FEATURES and metric != "cosine"
    return _euclidean(X, k, metric, exact.nearest_by_kd_tree if few else exact.nearest)


def _by_forest(X, k, metric, seed) -> tuple[np.ndarray, np.ndarray]:
    if metric not in _EUCLIDEAN or sparse.issparse(X):
        raise ValueError(
            f'method="forest" takes dense points and a metric of {_EUCLIDEAN}, got {metric!r}'
            f'{" and a sparse matrix" if sparse.issparse(X) else ""}; use method="pynndescent".'
        )
    return _euclidean(X, k, metric, lambda points, k: forest.nearest(points, k, seed))


def _euclidean(X, k, metric, search) -> tuple[np.ndarray, np.ndarray]:
    """Search by Euclidean distance; for cosine on the unit sphere: 1 − cos = |x − y|² / 2."""
    if metric != "cosine":
        return search(X, k)
    norms = np.linalg.norm(X.astype(np.float64), axis=1, keepdims=True)
    if not norms.all():  # the angle of a point at the origin is scikit-learn's to define
        return brute.nearest(X, k, metric, None)
    indices, distances = search(X / norms, k)
    return indices, distances**2 / 2
