"""Neighbors → P: joint affinities as a sparse matrix that is symmetric and sums to 1.

Each point's neighbours are first given conditional affinities ``p_j|i``, which sum to 1; these are
then made symmetric and divided by their sum.
"""

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from bhtsne import choices
from bhtsne.affinities import rows
from bhtsne.affinities.pairwise import all_pairs, conditional_pairs, shared_sigma
from bhtsne.affinities.symmetrization import SYMMETRIES, given, joint
from bhtsne.neighbors import Neighbors
from bhtsne.validation.graphs import (
    as_perplexities,
    check_perplexity,
    checked_neighbors,
    neighbor_arrays,
)
from bhtsne.validation.numbers import checked_number

__all__ = [
    "KINDS",
    "SYMMETRIES",
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

KINDS = choices.AFFINITIES
_SEVERAL = ("multiscale", "mixture")


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
    return _of_neighbors(neighbors, "perplexity", perplexity, symmetrize)


def multiscale(
    neighbors: Neighbors, perplexities, *, mixture: bool = False, symmetrize: str = "mean"
) -> sparse.csr_array:
    """Compute joint affinities of several perplexities at once.

    With β_il the precision that gives row i its l-th perplexity, ``p_j|i ∝ Σ_l exp(−β_il d_ij²)``
    (Lee, Peluffo-Ordóñez & Verleysen 2015; Kobak & Berens 2019), in which the widest kernel weighs
    most; or, as a mixture, the mean of the rows that each perplexity gives on its own.

    Parameters
    ----------
    neighbors : Neighbors
        As in `perplexity`: about three times the largest perplexity.
    perplexities : sequence of float
        Each as in `perplexity`.
    mixture : bool
        Whether each perplexity has the same part in a row.
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
    return _of_neighbors(neighbors, _SEVERAL[mixture], perplexities, symmetrize)


def uniform(
    neighbors: Neighbors, k: int | None = None, *, symmetrize: str = "mean"
) -> sparse.csr_array:
    """Compute joint affinities that are the same for each of a point's nearest neighbours.

    ``p_j|i = 1/k``, whose perplexity is k; with ``symmetrize="max"`` all of the graph's edges
    weigh the same.

    Parameters
    ----------
    neighbors : Neighbors
        As in `perplexity`.
    k : int or None
        How many of them count, nearest first; None is all.
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
    return _of_neighbors(neighbors, "uniform", k, symmetrize)


def fixed_sigma(
    neighbors: Neighbors, sigma: float, *, symmetrize: str = "mean"
) -> sparse.csr_array:
    """Compute joint affinities by a Gaussian that is as wide at every point.

    ``p_j|i ∝ exp(−d_ij² / 2σ²)`` over the neighbours j of i.

    Parameters
    ----------
    neighbors : Neighbors
        As in `perplexity`; those beyond three σ or so count little.
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
    C = conditional(neighbors, len(neighbor_arrays(neighbors)[0]), kind="fixed_sigma", sigma=sigma)
    return joint(C, symmetrize)


def conditional(
    neighbors: Neighbors,
    n: int,
    perplexity: float | Sequence[float] = 30.0,
    *,
    kind: str = "perplexity",
    sigma: float | None = None,
) -> sparse.csr_array:
    """Compute conditional affinities of points to n others: rows that are not yet joined.

    Parameters
    ----------
    neighbors : Neighbors
        Indices (M, k) among the n, and distances (M, k); index -1 marks a missing neighbour.
    n : int
        Number of the others.
    perplexity : float or sequence of float
        Effective number of neighbours, 1 to n: one for each scale of "multiscale" and "mixture",
        the number of nearest that count for "uniform", unused for "fixed_sigma". A row with fewer
        neighbours than that weighs them all alike.
    kind : {"perplexity", "multiscale", "mixture", "uniform", "fixed_sigma"}
        As the functions of these names; "mixture" is `multiscale` with ``mixture=True``.
    sigma : float, optional
        For "fixed_sigma".

    Returns
    -------
    scipy.sparse.csr_array of float32, shape (M, n)
        ``p_j|i``; each row with a neighbour sums to 1. Nothing that vanishes is stored.

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
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"kind must be one of {KINDS}, got {kind!r}.")
    indices, distances = checked_neighbors(neighbors, n)
    perplexities = as_perplexities(perplexity)
    if kind not in _SEVERAL and len(perplexities) != 1:
        raise ValueError(
            f"perplexity must be one number for {kind!r}, got {perplexity!r}; "
            'take "multiscale" or "mixture".'
        )
    if kind == "fixed_sigma":
        p = rows.gaussian(distances, float(checked_number("sigma", sigma)))
    else:
        for value in perplexities:
            check_perplexity(value, n + 1)
        p = (
            rows.uniform(distances, perplexities[0])
            if kind == "uniform"
            else rows.mixed(distances, perplexities, kind == "mixture")
        )
    m, k = indices.shape
    offset = np.int32 if 2 * m * k < 2**31 else np.int64  # SciPy gives the columns the same type
    starts = np.arange(0, m * k + 1, k, dtype=offset)
    C = sparse.csr_array((p.ravel(), np.maximum(indices, 0).ravel(), starts), shape=(m, n))
    C.eliminate_zeros()
    return C


def _of_neighbors(neighbors, kind, perplexity, symmetrize) -> sparse.csr_array:
    n = len(neighbor_arrays(neighbors)[0])
    for value in as_perplexities(perplexity):
        check_perplexity(value, n)
    return joint(conditional(neighbors, n, perplexity, kind=kind), symmetrize)
