"""X, P, Y → how far to trust a map: divergence, neighbours and distances kept, maps aligned."""

from typing import NamedTuple

import numpy as np

from bhtsne import forces, neighbors
from bhtsne.forces import kl_divergence
from bhtsne.metrics import ranks
from bhtsne.neighbors import Neighbors

__all__ = [
    "Alignment",
    "align",
    "distance_correlation",
    "kl_divergence",
    "kl_per_point",
    "neighbor_recall",
    "trustworthiness",
]


class Alignment(NamedTuple):
    """A map laid over another.

    Attributes
    ----------
    Y : ndarray of float64, shape (N, d)
        The map, shifted, rotated or mirrored, and scaled.
    disparity : float
        Part of the reference's variance left between the two, 0 to 1.
    """

    Y: np.ndarray
    disparity: float


def kl_per_point(P, Y, *, method: str = "exact", theta: float = 0.5, dof: float = 1.0):
    """Compute each point's share of the KL divergence.

    ``KL_i = Σ_j p_ij ln(p_ij / q_ij)``; the shares add up to `kl_divergence` (van der Maaten &
    Hinton 2008, eq. 2). Large ones are points that the map misplaces.

    Parameters
    ----------
    P : sparse or dense array of shape (N, N)
        Joint affinities.
    Y : array_like of shape (N, d)
        The map.
    method : str
        As in `forces.repulsion`.
    theta, dof : float
        As in `forces.kl_divergence`.

    Returns
    -------
    ndarray of float64, shape (N,)
        In nats.

    Raises
    ------
    ValueError
        If shapes do not fit, Y is not finite, or an option is out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import metrics
    >>> P = np.array([[0, 0.4, 0.1], [0.4, 0, 0], [0.1, 0, 0]])
    >>> metrics.kl_per_point(P, np.array([[0.0], [1.0], [9.0]])).round(3)
    array([ 0.148, -0.068,  0.216])
    """
    z = forces.repulsion(Y, method=method, theta=theta, dof=dof).z
    return forces.divergence_per_point(P, np.asarray(Y), z, dof)


def neighbor_recall(X, Y, k: int = 10, *, metric="euclidean") -> float:
    """Compute the part of each point's k nearest neighbours that are among its k in the map.

    Parameters
    ----------
    X : array_like, CSR of shape (N, D), or Neighbors
        Points, or their neighbours, k or more.
    Y : array_like of shape (N, d)
        The map.
    k : int
        Neighbours to compare.
    metric : str or callable
        Metric of X, as in `neighbors.find`.

    Returns
    -------
    float
        Mean over all points, 0 to 1; chance is k / (N − 1).

    Raises
    ------
    ValueError
        If X and Y differ in length, or k is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import metrics
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> metrics.neighbor_recall(X, 3 * X, k=10)
    1.0
    """
    if isinstance(X, Neighbors):
        if not 1 <= k <= X.indices.shape[1]:
            raise ValueError(f"k must be within 1 … {X.indices.shape[1]} neighbours, got {k!r}.")
        truth = X.indices[:, :k]
    else:
        truth = neighbors.find(X, k, metric=metric, method="exact").indices
    _check_same_points(truth, Y)
    kept = neighbors.find(Y, k, method="exact").indices
    n, rows = len(truth), np.arange(len(truth))[:, None]
    both = np.intersect1d((rows * n + truth)[truth >= 0], (rows * n + kept).ravel())
    return len(both) / truth.size


def trustworthiness(X, Y, k: int = 5, *, metric="euclidean") -> float:
    """Compute how far the map's neighbours are neighbours in the data.

    ``1 − 2 / (N k (2N − 3k − 1)) Σ_i Σ_{j ∈ U_k(i)} max(0, r(i, j) − k)``: U_k(i) are i's k
    nearest in the map, r(i, j) is j's rank by distance from i in the data (Venna & Kaski 2001).
    Memory grows with N, not N².

    Parameters
    ----------
    X : array_like or CSR of shape (N, D)
        Points.
    Y : array_like of shape (N, d)
        The map.
    k : int
        Neighbours in the map, below N / 2.
    metric : str or callable
        Metric of X: any of scikit-learn's.

    Returns
    -------
    float
        0 to 1.

    Raises
    ------
    ValueError
        If X and Y differ in length, or k is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import metrics
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> metrics.trustworthiness(X, 3 * X)
    1.0
    """
    X = neighbors.checked_points(X)
    n = X.shape[0]
    _check_same_points(X, Y)
    if not 1 <= k < n / 2:
        raise ValueError(f"k must be at least 1 and below N / 2 = {n / 2:g}, got {k!r}.")
    mapped = neighbors.find(Y, k, method="exact").indices
    penalty = np.maximum(0, ranks.of_neighbors(X, mapped, metric) - k).sum()
    return float(1 - 2 * penalty / (n * k * (2 * n - 3 * k - 1)))


def distance_correlation(X, Y, *, n_pairs: int = 100_000, random_state=None) -> float:
    """Compute Spearman's rank correlation of distances in data and map, on random pairs.

    Parameters
    ----------
    X : array_like or CSR of shape (N, D)
        Points; their distance is Euclidean.
    Y : array_like of shape (N, d)
        The map.
    n_pairs : int
        Pairs to draw.
    random_state : int, RandomState or None
        Seed.

    Returns
    -------
    float
        −1 to 1: how far the map's large arrangement is that of the data.

    Raises
    ------
    ValueError
        If X and Y differ in length.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import metrics
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> round(metrics.distance_correlation(X, 3 * X, random_state=0), 6)
    1.0
    """
    from scipy.stats import spearmanr
    from sklearn.metrics.pairwise import paired_distances
    from sklearn.utils import check_random_state

    X, Y = neighbors.checked_points(X), neighbors.checked_points(Y)
    _check_same_points(X, Y)
    i, j = check_random_state(random_state).randint(len(Y), size=(2, n_pairs))
    i, j = i[i != j], j[i != j]
    return float(spearmanr(paired_distances(X[i], X[j]), paired_distances(Y[i], Y[j])).statistic)


def align(Y, reference) -> Alignment:
    """Lay a map over another by shift, rotation or reflection, and scale (Procrustes).

    Parameters
    ----------
    Y : array_like of shape (N, d)
        The map to move.
    reference : array_like of shape (N, d)
        A map of the same points.

    Returns
    -------
    Alignment
        The moved map, and the part of the reference's variance left between the two.

    Raises
    ------
    ValueError
        If the shapes differ or a map has all its points on one spot.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import metrics
    >>> Y = np.random.default_rng(0).normal(size=(50, 2))
    >>> bool(metrics.align(Y, 5 - 2 * Y[:, ::-1]).disparity < 1e-12)
    True
    """
    from scipy.linalg import orthogonal_procrustes

    moved, fixed = np.array(Y, np.float64), np.array(reference, np.float64)
    if moved.shape != fixed.shape or moved.ndim != 2:
        raise ValueError(f"Maps must be of one shape (N, d), got {moved.shape} and {fixed.shape}.")
    middle = fixed.mean(axis=0)
    moved -= moved.mean(axis=0)
    fixed -= middle
    if not moved.any() or not fixed.any():
        raise ValueError("A map with all its points on one spot cannot be aligned.")
    rotation, singular_values = orthogonal_procrustes(moved, fixed)
    aligned = moved @ rotation * (singular_values / (moved**2).sum())
    return Alignment(aligned + middle, float(((aligned - fixed) ** 2).sum() / (fixed**2).sum()))


def _check_same_points(X, Y) -> None:
    if X.shape[0] != len(Y):
        raise ValueError(f"X and Y must hold the same points, got {X.shape[0]} and {len(Y)}.")
