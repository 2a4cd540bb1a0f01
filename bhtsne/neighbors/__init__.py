"""X → `Neighbors(indices, distances)`: exact in blocks, or approximate by trees or pynndescent.

A point is no neighbour of itself; this room excludes it, and no other does.
"""

from numbers import Integral
from typing import NamedTuple

import numpy as np
from scipy import sparse

from bhtsne.neighbors import approximate, brute, exact, forest, graphs, measures, precomputed
from bhtsne.neighbors.measures import dense
from bhtsne.neighbors.methods import checked_method, measure_for
from bhtsne.tables.frames import as_points
from bhtsne.validation.graphs import checked_distances
from bhtsne.validation.numbers import check_count, check_metric, checked_random_state

__all__ = ["Neighbors", "find", "given", "query"]

# Up to this many features a k-d tree is faster than matrix products.
TREE_FEATURES = 5
# Up to this many points the blocks of scikit-learn take less time than compiling pynndescent.
_SMALL = 10_000
# Work of the exact search, N² (D + 40), from which the forest is used: that of 60,000 × 50. From
# there on the forest takes less time, the more so with vectors of 256 bits and not 512;
# `bench/neighbors.py` prints times and recall by size.
_CROSSOVER = 3.24e11
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
    method: str | dict = "auto",
    random_state=None,
) -> Neighbors:
    """Find the k nearest neighbours of every point.

    Parameters
    ----------
    X : array_like or CSR of shape (N, D)
        Finite points whose distances fit into float32. For ``metric="precomputed"`` distances of
        shape (N, N); of a sparse matrix, the stored entries alone are neighbours.
    k : int
        Neighbours of each point, 1 to N − 1.
    metric : str or callable
        Name of a metric of scikit-learn or pynndescent; "precomputed"; or a function of two points,
        which must be compiled by Numba for pynndescent. Binary metrics, such as "jaccard", compare
        zero with nonzero.
    metric_params : dict, optional
        Parameters of the metric by name: p and w of "minkowski", V or VI of "mahalanobis", V of
        "seuclidean". The last two default to the covariance and the variances of X.
    method : {"auto", "exact", "forest", "pynndescent"} or dict
        "forest": random trees and neighbours of neighbours, for dense points and Euclidean or
        cosine distance. "auto" is the exact search where it takes seconds, otherwise the forest,
        or pynndescent for metrics that the forest does not have. A dict adds
        arguments of ``pynndescent.NNDescent``, as in ``{"method": "pynndescent", "n_trees": 20}``.
    random_state : int, RandomState or None
        Seed of the approximate searches. A seeded pynndescent runs on one thread, so that the graph
        does not depend on the number of threads.

    Returns
    -------
    Neighbors
        The same for the same seed, at any number of threads.

    Raises
    ------
    ValueError
        If X is not a finite table of numbers, k is not within 1 … N − 1, metric or method is
        unknown, or a row of X has no value by the metric. Precomputed distances must be symmetric,
        at least 0 and smallest on the diagonal, up to rounding.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import neighbors
    >>> neighbors.find(np.array([[0.0], [1.0], [3.0]]), 1).indices.ravel()
    array([1, 0, 1], dtype=int32)
    """
    check_metric(metric, metric_params)
    if isinstance(metric, str) and metric == "precomputed":
        precomputed.check_shape(X)
    X = as_points(X)
    n = X.shape[0]
    if not _is_whole(k) or not 1 <= k <= n - 1:
        raise ValueError(f"k must be a whole number from 1 to N − 1 = {n - 1}, got {k!r}.")
    return search(
        X, k, metric=metric, metric_params=metric_params, method=method, random_state=random_state
    )


def search(
    X, k: int, *, metric="euclidean", metric_params=None, method="auto", random_state=None
) -> Neighbors:
    """Find neighbours as `find` does, of points and for a k that have been checked."""
    method, options = checked_method(method)
    if isinstance(metric, str) and metric == "precomputed":
        return _result(*graphs.of_distances(X, k, own=True))
    method = suitable(X, metric, metric_params) if method == "auto" else method
    measure = measure_for(X, metric, metric_params, method)
    measures.warn_of_values(X, metric)
    if approximate.is_compiled(metric) and not _takes_sparse_points(X, metric, measure.params):
        X = dense(X)
    X, metric = measure.points(X), measure.metric
    if method == "exact":
        return _result(*_exact(X, k, measure))
    if method == "forest":
        return _result(*_by_forest(X, k, metric, _random_integer(random_state)))
    seed = _random_integer(random_state)
    return _result(*approximate.nearest(X, k, metric, measure.params, seed, options))


def query(X, X_new, k: int, *, metric="euclidean", metric_params: dict | None = None) -> Neighbors:
    """Find the k nearest of one set of points to each point of another, exactly.

    Parameters
    ----------
    X : array_like or CSR of shape (N, D)
        Points that are searched.
    X_new : array_like or CSR of shape (M, D)
        Points whose neighbours are sought; distances of shape (M, N), dense or sparse, for
        ``metric="precomputed"``, which needs no X.
    k : int
        Neighbours of each, 1 to N.
    metric : str or callable
        As in `find`, like the next.
    metric_params : dict, optional
        Parameters of the metric by name.

    Returns
    -------
    Neighbors
        Indices into X and distances, (M, k) each, nearest first. The neighbours of a point do not
        depend on the other points of X_new.

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
    check_metric(metric, metric_params)
    new = as_points(X_new, 1, "X_new")
    is_precomputed = isinstance(metric, str) and metric == "precomputed"
    if is_precomputed:
        n = new.shape[1]
    else:
        X = as_points(X, fewest=1)
        n = X.shape[0]
        if X.shape[1] != new.shape[1]:
            raise ValueError(f"X_new must have {X.shape[1]} columns as X, got {new.shape[1]}.")
    if not _is_whole(k) or not 1 <= k <= n:
        raise ValueError(f"k must be a whole number from 1 to N = {n}, got {k!r}.")
    return search_among(X, new, k, metric=metric, metric_params=metric_params)


def search_among(X, new, k: int, *, metric="euclidean", metric_params=None) -> Neighbors:
    """Find neighbours as `query` does, of points and for a k that have been checked."""
    if isinstance(metric, str) and metric == "precomputed":
        return _result(*graphs.of_distances(new, k, own=False))
    measure = measure_for(X, metric, metric_params)
    X, new = measure.points(X), measure.points(new)
    if measure.metric in ("euclidean", "l2") and not _any_sparse(X, new):
        return _result(*exact.nearest_to(X, new, k))
    return _result(*brute.nearest(X, k, measure, new))


def given(graph, n: int) -> Neighbors:
    """Return a given graph of neighbours.

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
        Nearest first. A point among its own neighbours is left out.

    Raises
    ------
    ValueError
        If the graph has another form or size, or an index or distance is invalid.

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
    """Return whether a search may use matrix products."""
    if not isinstance(metric, str):
        return False
    named = metric in _EUCLIDEAN and not (metric_params or sparse.issparse(X))
    return named or metric in measures.TRANSFORMED


def suitable(X, metric, metric_params) -> str:
    """Return the method that "auto" stands for."""
    n, d = X.shape
    if is_euclidean(X, metric, metric_params):
        exactly = d <= TREE_FEATURES or float(n) ** 2 * (d + 40) <= _CROSSOVER
        return "exact" if exactly else "forest"
    if _takes_sparse_points(X, metric, metric_params or {}):
        return "pynndescent"
    # pynndescent comes last, since its import takes seconds.
    small = n <= _SMALL and brute.is_small(X, metric)
    exactly = small or not approximate.takes(X, metric, metric_params or {})
    return "exact" if exactly else "pynndescent"


def _takes_sparse_points(X, metric, params: dict) -> bool:
    compiled = sparse.issparse(X) and approximate.is_compiled(metric)
    return compiled and approximate.of_sparse_points(metric, params)


def _exact(X, k, measure) -> tuple[np.ndarray, np.ndarray]:
    metric = measure.metric
    if not is_euclidean(X, metric, measure.params):
        return brute.nearest(X, k, measure)
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
    if not norms.all():  # scikit-learn defines the cosine distance of a point at the origin
        return brute.nearest(X, k, measures.resolved(X, metric, None))
    indices, distances = search(X / norms, k)
    return indices, distances**2 / 2
