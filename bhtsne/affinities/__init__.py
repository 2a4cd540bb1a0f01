"""Neighbors → P: joint affinities as a sparse matrix that is symmetric and sums to 1.

Each point's neighbours first get conditional affinities ``p_j|i``, which sum to 1; these are then
symmetrized and divided by their sum.
"""

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from bhtsne.affinities.kinds import (
    KINDS,
    SYMMETRIES,
    FixedSigma,
    Gaussian,
    Kind,
    Mixture,
    Multiscale,
    Uniform,
    as_kind,
)
from bhtsne.affinities.pairwise import all_pairs, conditional_pairs, shared_sigma
from bhtsne.affinities.symmetrization import given, joint
from bhtsne.neighbors import Neighbors
from bhtsne.validation.graphs import (
    as_perplexities,
    check_perplexity,
    checked_neighbors,
    neighbor_arrays,
)
from bhtsne.validation.numbers import check_choice

__all__ = [
    "KINDS",
    "SYMMETRIES",
    "FixedSigma",
    "Gaussian",
    "Kind",
    "Mixture",
    "Multiscale",
    "Uniform",
    "all_pairs",
    "conditional",
    "conditional_pairs",
    "fixed_sigma",
    "given",
    "joint",
    "multiscale",
    "perplexity",
    "shared_sigma",
    "uniform",
]


def perplexity(
    neighbors: Neighbors, perplexity: float = 30.0, *, symmetrize: str = "mean"
) -> sparse.csr_array:
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
    symmetrize : {"mean", "max"}
        As in `joint`.

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
    return _joint(neighbors, Gaussian(symmetrize=symmetrize), perplexity)


def multiscale(
    neighbors: Neighbors, perplexities, *, mixture: bool = False, symmetrize: str = "mean"
) -> sparse.csr_array:
    """Compute joint affinities of several perplexities at once.

    With β_il the precision that gives row i its l-th perplexity, ``p_j|i ∝ Σ_l exp(−β_il d_ij²)``
    (Lee, Peluffo-Ordóñez & Verleysen 2015; Kobak & Berens 2019), in which the widest kernel weighs
    most; or, as a mixture, the mean of the rows of each perplexity.

    Parameters
    ----------
    neighbors : Neighbors
        As in `perplexity`: about three times the largest perplexity.
    perplexities : sequence of float
        Each as in `perplexity`.
    mixture : bool
        Whether each perplexity has an equal share in a row.
    symmetrize : {"mean", "max"}
        As in `joint`.

    Returns
    -------
    scipy.sparse.csr_array of float32, shape (N, N)
        As `perplexity`.

    Raises
    ------
    ValueError
        If a perplexity is out of range, or indices and distances do not make sense.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import affinities, neighbors
    >>> near = neighbors.find(np.random.default_rng(0).normal(size=(200, 5)), 150)
    >>> both = affinities.multiscale(near, [5, 50])
    >>> [round(float(P.max()), 4) for P in (both, affinities.perplexity(near, 5))]
    [0.0011, 0.0033]
    """
    kind = Mixture if mixture else Multiscale
    return _joint(neighbors, kind(symmetrize=symmetrize), perplexities)


def uniform(
    neighbors: Neighbors, k: int | None = None, *, symmetrize: str = "mean"
) -> sparse.csr_array:
    """Compute joint affinities with equal weights for the nearest neighbours of a point.

    ``p_j|i = 1/k``, whose perplexity is k; with ``symmetrize="max"`` all edges of the graph
    weigh the same.

    Parameters
    ----------
    neighbors : Neighbors
        As in `perplexity`.
    k : int or None
        Number of nearest neighbours that have a weight; None is all.
    symmetrize : {"mean", "max"}
        As in `joint`.

    Returns
    -------
    scipy.sparse.csr_array of float32, shape (N, N)
        As `perplexity`.

    Raises
    ------
    ValueError
        If k is below 1, or indices and distances do not make sense.

    Examples
    --------
    >>> from bhtsne import affinities, neighbors
    >>> near = neighbors.find([[0.0], [1.0], [3.0]], 1)
    >>> affinities.uniform(near, symmetrize="max").toarray()
    array([[0.  , 0.25, 0.  ],
           [0.25, 0.  , 0.25],
           [0.  , 0.25, 0.  ]], dtype=float32)
    """
    k = neighbor_arrays(neighbors)[0].shape[1] if k is None else k
    return _joint(neighbors, Uniform(symmetrize=symmetrize), k)


def fixed_sigma(
    neighbors: Neighbors, sigma: float, *, symmetrize: str = "mean"
) -> sparse.csr_array:
    """Compute joint affinities by a Gaussian of one width for all points.

    ``p_j|i ∝ exp(−d_ij² / 2σ²)`` over the neighbours j of i.

    Parameters
    ----------
    neighbors : Neighbors
        As in `perplexity`; those beyond about three σ weigh little.
    sigma : float
        Standard deviation in units of the distances.
    symmetrize : {"mean", "max"}
        As in `joint`.

    Returns
    -------
    scipy.sparse.csr_array of float32, shape (N, N)
        As `perplexity`.

    Raises
    ------
    ValueError
        If sigma is not above 0, or indices and distances do not make sense.

    Examples
    --------
    >>> from bhtsne import affinities, neighbors
    >>> near = neighbors.find([[0.0], [1.0], [3.0]], 2)
    >>> affinities.fixed_sigma(near, sigma=1.0).toarray().round(3)
    array([[0.   , 0.3  , 0.016],
           [0.3  , 0.   , 0.184],
           [0.016, 0.184, 0.   ]], dtype=float32)
    """
    return _joint(neighbors, FixedSigma(sigma, symmetrize=symmetrize))


def conditional(
    neighbors: Neighbors,
    n: int,
    perplexity: float | Sequence[float] = 30.0,
    *,
    kind: str | Kind = "gaussian",
) -> sparse.csr_array:
    """Compute conditional affinities of points to n others, row by row.

    Parameters
    ----------
    neighbors : Neighbors
        Indices (M, k) among the n, and distances (M, k); index -1 marks a missing neighbour.
    n : int
        Number of the others.
    perplexity : float or sequence of float
        Effective number of neighbours, 1 to n: one for each scale of "multiscale" and "mixture",
        the number of nearest neighbours for "uniform", unused for `FixedSigma`. A row with fewer
        neighbours than that weighs them all alike.
    kind : {"gaussian", "multiscale", "mixture", "uniform"} or Kind
        A name or an object such as `FixedSigma`, see `affinities.kinds`.

    Returns
    -------
    scipy.sparse.csr_array of float32, shape (M, n)
        ``p_j|i``; each row with a neighbour sums to 1. Zeros are not stored.

    Raises
    ------
    ValueError
        If an option is out of range, or indices and distances do not make sense.

    Examples
    --------
    >>> from bhtsne import affinities, neighbors
    >>> near = neighbors.query([[0.0], [1.0], [2.0], [9.0]], [[1.1]], 3)
    >>> round(float(affinities.conditional(near, 4, perplexity=2).sum()), 6)
    1.0
    """
    if not isinstance(kind, Kind):
        check_choice("kind", kind, (*KINDS, "perplexity"))
        kind = as_kind(kind)
    near = Neighbors(*checked_neighbors(neighbors, n))
    perplexities = as_perplexities(perplexity)
    if not kind.several and len(perplexities) != 1:
        raise ValueError(
            f"perplexity must be one number for {kind.name!r}, got {perplexity!r}; "
            'take "multiscale" or "mixture".'
        )
    if not isinstance(kind, FixedSigma):
        for value in perplexities:
            check_perplexity(value, n + 1)
    return weighted(near, n, perplexities, kind)


def weighted(near: Neighbors, n: int, perplexities: list[float], kind: Kind) -> sparse.csr_array:
    """Compute conditional affinities as `conditional` does, without its checks."""
    p = kind.weights(near.distances, perplexities)
    m, k = near.indices.shape
    offset = np.int32 if 2 * m * k < 2**31 else np.int64  # SciPy gives the columns the same type
    starts = np.arange(0, m * k + 1, k, dtype=offset)
    C = sparse.csr_array((p.ravel(), np.maximum(near.indices, 0).ravel(), starts), shape=(m, n))
    C.eliminate_zeros()
    return C


def _joint(neighbors, kind: Kind, perplexity=30.0) -> sparse.csr_array:
    n = len(neighbor_arrays(neighbors)[0])
    if not isinstance(kind, FixedSigma):
        for value in as_perplexities(perplexity):
            check_perplexity(value, n)
    return joint(conditional(neighbors, n, perplexity, kind=kind), kind.symmetrize or "mean")
