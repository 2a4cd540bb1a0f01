"""A given graph (arrays, CSR of distances, a pynndescent index) → indices and distances."""

import numpy as np
from scipy import sparse

from bhtsne.neighbors import precomputed
from bhtsne.neighbors.exact import without_self
from bhtsne.validation.arrays import checked_array, checked_sparse
from bhtsne.validation.graphs import check_graph


def arrays(graph, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return indices and distances, (N, k) each, nearest first, without self.

    A missing neighbour is -1. ValueError names the first fault.
    """
    if sparse.issparse(graph):
        if graph.shape[0] != n:
            raise ValueError(
                f"neighbors, a graph of {n} points, must have {n} rows, got {graph.shape[0]}."
            )
        indices, distances = from_sparse(checked_sparse(graph, "neighbors"), n)
    else:
        graph = getattr(graph, "neighbor_graph", graph)  # the graph of a pynndescent index
        indices, distances = _pair(graph, n)
    own = indices == np.arange(n)[:, None]
    if own.all(axis=1).any() and indices.shape[1] == 1:
        raise ValueError("neighbors must hold others than the points themselves, got none.")
    if (own.sum(axis=1) == 1).all():  # the form of most searches
        indices, distances = without_self(indices, distances)
        if (distances[:, 1:] >= distances[:, :-1]).all():
            return indices, distances
        return nearest_first(indices, distances)
    return nearest_first(np.where(own, -1, indices), np.where(own, np.inf, distances))


def from_sparse(graph, n: int, name: str = "neighbors") -> tuple[np.ndarray, np.ndarray]:
    """Return the stored entries of each row of a sparse matrix of distances to n points.

    Stored zeros are distances of duplicates. scikit-learn's `kneighbors_graph` and the
    ``obsp["distances"]`` of an AnnData hold graphs in this form.
    """
    if graph.shape[1] != n:
        raise ValueError(
            f"{name}, a sparse matrix of distances, must have a column for each of {n} points, "
            f"got shape {graph.shape}."
        )
    counts = np.diff(graph.indptr)
    if not graph.nnz:
        raise ValueError(f"{name}, a sparse matrix of distances, must hold some, got no entry.")
    graph = precomputed.clipped(graph, name)
    indices = np.full((graph.shape[0], counts.max()), -1, np.int32)
    distances = np.full(indices.shape, np.inf)
    there = np.arange(indices.shape[1]) < counts[:, None]
    indices[there], distances[there] = graph.indices, graph.data
    return nearest_first(indices, distances)


def nearest_first(indices, distances) -> tuple[np.ndarray, np.ndarray]:
    """Return rows sorted by distance, ties by index."""
    order = np.lexsort((indices, distances))
    indices = np.take_along_axis(indices, order, axis=1)
    most = max(int((indices >= 0).sum(axis=1).max(initial=0)), 1)
    return indices[:, :most], np.take_along_axis(distances, order, axis=1)[:, :most]


def _pair(graph, n) -> tuple[np.ndarray, np.ndarray]:
    pair = isinstance(graph, list | tuple) and len(graph) == 2
    parts = [checked_array(part, "neighbors") for part in graph] if pair else []
    shapes = [part.shape for part in parts]
    if len(shapes) != 2 or shapes[0] != shapes[1] or len(shapes[0]) != 2 or shapes[0][0] != n:
        raise ValueError(
            f"neighbors must be two arrays, indices and distances, of shape ({n}, k) each, a "
            f"sparse matrix of distances, ({n}, {n}), or a pynndescent index of as many points, "
            f"got {f'shapes {shapes}' if shapes else repr(type(graph).__name__)}."
        )
    indices, distances = parts
    if not indices.size:
        raise ValueError(
            f"neighbors must hold at least one for each point, got shape {indices.shape}."
        )
    check_graph(indices, distances, n)
    distances = np.where(indices < 0, np.inf, np.maximum(distances, 0))  # rounding
    return indices.astype(np.int32), distances


def of_distances(X, k, own: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the k smallest entries of each row of distances; `own`: without the diagonal."""
    m, n = X.shape
    if sparse.issparse(X):
        indices, distances = arrays(precomputed.checked(X), n) if own else from_sparse(X, n, "X")
        return indices[:, :k], distances[:, :k]
    X = precomputed.checked(X) if own else precomputed.clipped(X, "X_new")
    indices, distances = np.empty((m, k), np.int32), np.empty((m, k))
    everyone = np.arange(n, dtype=np.int32)
    for i in range(m):
        others = np.delete(everyone, i) if own else everyone
        nearest = others[np.argsort(X[i, others], kind="stable")[:k]]
        indices[i], distances[i] = nearest, X[i, nearest]
    return indices, distances
