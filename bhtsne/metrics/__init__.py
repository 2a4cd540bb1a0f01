"""X, P, Y → quality of a map: KL divergence, preservation of neighbours and distances, alignment.

All measures are functions of the map and of the data or its affinities, and need no estimator.
"""

from numbers import Integral

import numpy as np

from bhtsne import forces, neighbors
from bhtsne.forces import kl_divergence
from bhtsne.metrics import ranks
from bhtsne.metrics.alignment import Alignment, align
from bhtsne.neighbors import Neighbors
from bhtsne.tables.frames import as_points
from bhtsne.validation.arrays import checked_array
from bhtsne.validation.numbers import check_count, check_metric, checked_random_state

__all__ = [
    "Alignment",
    "align",
    "distance_correlation",
    "kl_divergence",
    "kl_per_point",
    "neighbor_hit",
    "neighbor_recall",
    "trustworthiness",
]


def kl_per_point(P, Y, *, method: str = "exact", theta: float = 0.45, dof: float = 1.0):
    """Compute the contribution of each point to the KL divergence.

    ``KL_i = Σ_j p_ij ln(p_ij / q_ij)``. The sum over all points is `kl_divergence` (van der Maaten
    & Hinton 2008, eq. 2). Large values mark misplaced points.

    Parameters
    ----------
    P : sparse or dense array of shape (N, N)
        Joint affinities.
    Y : array_like of shape (N, d)
        The map.
    method : str
        Computation of the normalisation of q, as in `forces.repulsion`.
    theta, dof : float
        As in `forces.kl_divergence`.

    Returns
    -------
    ndarray of float64, shape (N,)
        Contributions in nats.

    Raises
    ------
    ValueError
        If the shapes of P and Y differ, Y is not finite, or a parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import metrics
    >>> P = np.array([[0, 0.4, 0.1], [0.4, 0, 0], [0.1, 0, 0]])
    >>> metrics.kl_per_point(P, np.array([[0.0], [1.0], [9.0]])).round(3)
    array([ 0.148, -0.068,  0.216])
    """
    z = forces.repulsion(Y, method=method, theta=theta, dof=dof).z
    return forces.divergence_per_point(P, Y, z, dof)


def neighbor_recall(
    X, Y, k: int = 10, *, metric="euclidean", metric_params: dict | None = None
) -> float:
    """Compute the fraction of the k nearest neighbours that are among the k nearest in the map.

    ``Σ_i |N_k(i) ∩ M_k(i)| / (N k)``, where N_k(i) and M_k(i) are the k nearest neighbours of point
    i in the data and in the map.

    Parameters
    ----------
    X : array_like, CSR of shape (N, D), or Neighbors
        Points, or k or more neighbours of each point.
    Y : array_like of shape (N, d)
        The map.
    k : int
        Number of neighbours.
    metric : str or callable
        Metric of X, as in `neighbors.find`.
    metric_params : dict, optional
        Parameters of the metric by name.

    Returns
    -------
    float
        Mean over all points, 0 to 1. The expectation for a random map is k / (N − 1).

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
    in_data, Y = _nearest(X, k, metric, metric_params), as_points(Y, name="Y")
    _check_same_points(in_data, Y)
    in_map = neighbors.find(Y, k, method="exact").indices
    n, rows = len(in_data), np.arange(len(in_data))[:, None]
    shared = np.intersect1d((rows * n + in_data)[in_data >= 0], (rows * n + in_map).ravel())
    return len(shared) / in_data.size


def neighbor_hit(
    X, labels, k: int = 6, *, metric="euclidean", metric_params: dict | None = None
) -> float:
    """Compute the fraction of the k nearest neighbours that have the label of the point.

    ``Σ_i |{j ∈ N_k(i) : l_j = l_i}| / (N k)``, where N_k(i) are the k nearest neighbours of point i
    and l_i is its label. Rauber, Fadel, Falcão & Telea 2017 measure the separation of classes in a
    layer of a network, or in its map, by this neighbourhood hit.

    Parameters
    ----------
    X : array_like, CSR of shape (N, D), or Neighbors
        Points, a map, or k or more neighbours of each point.
    labels : array_like of shape (N,)
        One label per point.
    k : int
        Number of neighbours.
    metric : str or callable
        Metric of X, as in `neighbors.find`.
    metric_params : dict, optional
        Parameters of the metric by name.

    Returns
    -------
    float
        Mean over all points, 0 to 1. The expectation for random labels is Σ f² over the
        frequencies f of the classes.

    Raises
    ------
    ValueError
        If X and labels differ in length, or k is out of range.

    Examples
    --------
    >>> from bhtsne import metrics
    >>> metrics.neighbor_hit([[0.0], [1.0], [2.0], [7.0], [8.0], [9.0]], list("aaabbb"), k=2)
    1.0
    """
    labels = checked_array(labels, "labels")
    indices = _nearest(X, k, metric, metric_params)
    if labels.shape != (len(indices),):
        raise ValueError(
            f"labels must be of shape ({len(indices)},), one per point, got {labels.shape}."
        )
    same = labels[np.maximum(indices, 0)] == labels[:, None]
    return float((same & (indices >= 0)).mean())


def trustworthiness(
    X, Y, k: int = 5, *, metric="euclidean", metric_params: dict | None = None
) -> float:
    """Compute the trustworthiness: whether neighbours in the map are neighbours in the data.

    ``1 − 2 / (N k (2N − 3k − 1)) Σ_i Σ_{j ∈ U_k(i)} max(0, r(i, j) − k)``, where U_k(i) are the k
    nearest neighbours of point i in the map, and r(i, j) is the rank of j by its distance from i in
    the data (Venna & Kaski 2001). Memory grows with N, time with N².

    Parameters
    ----------
    X : array_like or CSR of shape (N, D)
        Points.
    Y : array_like of shape (N, d)
        The map.
    k : int
        Number of neighbours in the map, below N / 2.
    metric : str or callable
        Metric of X, as in `neighbors.find`.
    metric_params : dict, optional
        Parameters of the metric by name.

    Returns
    -------
    float
        Trustworthiness, 0 to 1.

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
    check_metric(metric, metric_params)
    X, Y = as_points(X), as_points(Y, name="Y")
    n = X.shape[0]
    _check_same_points(X, Y)
    if not isinstance(k, Integral) or not 1 <= k < n / 2:
        raise ValueError(f"k must be at least 1 and below N / 2 = {n / 2:g}, got {k!r}.")
    in_map = neighbors.find(Y, k, method="exact").indices
    of_data = ranks.of_neighbors(X, in_map, np.arange(n), metric, metric_params)
    penalty = np.maximum(0, of_data - k).sum()
    return float(1 - 2 * penalty / (n * k * (2 * n - 3 * k - 1)))


def distance_correlation(X, Y, *, n_pairs: int = 100_000, random_state=None) -> float:
    """Compute Spearman's rank correlation of the distances in the data and in the map.

    It is estimated from random pairs of points, and measures the preservation of the global
    structure.

    Parameters
    ----------
    X : array_like or CSR of shape (N, D)
        Points, whose distance is Euclidean.
    Y : array_like of shape (N, d)
        The map.
    n_pairs : int
        Number of pairs.
    random_state : int, RandomState or None
        Seed of the pairs.

    Returns
    -------
    float
        Rank correlation, −1 to 1.

    Raises
    ------
    ValueError
        If X and Y differ in length, or all pairs of points have the same distance.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import metrics
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> round(metrics.distance_correlation(X, 3 * X, random_state=0), 6)
    1.0
    """
    from scipy.stats import spearmanr
    from sklearn.metrics.pairwise import paired_euclidean_distances

    X, Y = as_points(X), as_points(Y, name="Y")
    _check_same_points(X, Y)
    check_count("n_pairs", n_pairs, 2)
    i, j = checked_random_state(random_state).randint(X.shape[0], size=(2, n_pairs))
    i, j = i[i != j], j[i != j]
    pairs = [paired_euclidean_distances(A[i], A[j]) for A in (X, Y)]
    for name, distances in zip("XY", pairs, strict=True):
        if not len(distances) or (distances == distances[0]).all():
            raise ValueError(
                f"{name} must hold points at different distances, got {len(distances)} pairs "
                "at equal distance; use other points, or a larger n_pairs."
            )
    return float(spearmanr(*pairs).statistic)


def _nearest(X, k: int, metric, params: dict | None) -> np.ndarray:
    """Return the indices of the k nearest neighbours of points, or the first k of `Neighbors`."""
    if not isinstance(X, Neighbors):
        return neighbors.find(X, k, metric=metric, metric_params=params, method="exact").indices
    if not isinstance(k, Integral) or not 1 <= k <= X.indices.shape[1]:
        raise ValueError(f"k must be within 1 … {X.indices.shape[1]} neighbours, got {k!r}.")
    return X.indices[:, :k]


def _check_same_points(X, Y) -> None:
    if X.shape[0] != Y.shape[0]:
        raise ValueError(f"X and Y must hold the same points, got {X.shape[0]} and {Y.shape[0]}.")
