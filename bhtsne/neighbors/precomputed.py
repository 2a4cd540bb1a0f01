"""Precomputed distances → the same, or one clear error if they cannot be distances."""

import numpy as np
from scipy import sparse

from bhtsne.validation.graphs import ROUNDING

__all__ = ["check_shape", "checked", "clipped"]

_ASYMMETRY = 0.1  # of the largest distance, and of their sum: approximate distances stay below
_ROWS = 256


def check_shape(X) -> None:
    """Raise ValueError if X is the condensed vector of `scipy.spatial.distance.pdist`."""
    shape = np.shape(X)
    if len(shape) == 1 and np.asarray(X).dtype.kind in "biuf":
        raise ValueError(
            f"X, precomputed distances, must be square, got a vector of shape {shape}; "
            "scipy.spatial.distance.squareform(X) makes a matrix of condensed distances."
        )


def checked(X):
    """Return the distances of points to each other, (N, N), dense or CSR, or raise ValueError.

    Negative values within rounding become 0. A sparse matrix may be a graph of neighbours, and
    asymmetric.
    """
    if X.shape[0] != X.shape[1]:
        raise ValueError(f"X, precomputed distances, must be square, got {X.shape}.")
    X = clipped(X, "X")
    if sparse.issparse(X):
        _check_stored(X)
    else:
        _check_whole(X)
    return X


def clipped(X, name: str):
    """Return distances with negative values within rounding set to 0; ValueError for others."""
    values = X.data if sparse.issparse(X) else X
    least, most = float(values.min(initial=0)), float(values.max(initial=0))
    if not least >= -ROUNDING * most:
        raise ValueError(
            f"{name}, precomputed distances, must be at least 0, got {least:g}; turn similarities "
            "into distances, such as 1 − X."
        )
    if least == 0:
        return X
    if not sparse.issparse(X):
        return np.maximum(X, 0)
    return sparse.csr_array((np.maximum(values, 0), X.indices, X.indptr), shape=X.shape)


def _check_whole(D) -> None:
    n, most = len(D), float(D.max())
    gap, pair, gaps = 0.0, (0, 0), 0.0
    triangles = [False, False]
    for start in range(0, n, _ROWS):
        rows = np.arange(start, min(start + _ROWS, n))
        block, other = D[rows], D[:, rows].T
        own = np.arange(len(rows)), rows
        others = np.array(block)
        others[own] = np.inf
        _check_diagonal(rows, block[own], others.min(axis=1), most)
        triangles[0] |= bool(block[np.arange(n) < rows[:, None]].any())
        triangles[1] |= bool(block[np.arange(n) > rows[:, None]].any())
        differences = np.abs(block - other)
        gaps += float(differences.sum(dtype=np.float64))
        if differences.max() > gap:
            i, j = np.unravel_index(differences.argmax(), differences.shape)
            gap, pair = float(differences[i, j]), (int(rows[i]), int(j))
    _check_triangles(*triangles)
    if gap > _ASYMMETRY * most or gaps > _ASYMMETRY * float(D.sum(dtype=np.float64)):
        i, j = pair
        raise ValueError(
            f"X, precomputed distances, must be symmetric, got X[{i}, {j}] = {D[i, j]:g} and "
            f"X[{j}, {i}] = {D[j, i]:g}; (X + X.T) / 2 is symmetric."
        )


def _check_stored(D) -> None:
    D = D.tocoo()
    own = D.row == D.col
    if own.any():
        least = np.full(D.shape[0], np.inf)
        np.minimum.at(least, D.row[~own], D.data[~own])
        _check_diagonal(D.row[own], D.data[own], least[D.row[own]], float(D.data.max()))
    _check_triangles(bool((D.row > D.col).any()), bool((D.row < D.col).any()))


def _check_diagonal(rows, own, least, most: float) -> None:
    wrong = own > least + ROUNDING * most
    if wrong.any():
        i = int(np.argmax(wrong))
        raise ValueError(
            "X, precomputed distances, must have the least of each row on the diagonal, got "
            f"{own[i]:g} in row {rows[i]}, which holds {least[i]:g}; turn similarities into "
            "distances, such as 1 − X."
        )


def _check_triangles(below: bool, above: bool) -> None:
    if below != above:
        raise ValueError(
            "X, precomputed distances, must be symmetric, and one of its triangles is empty; "
            "X + X.T has both."
        )
