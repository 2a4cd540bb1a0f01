"""Conditional or given affinities → P: symmetric, with an empty diagonal and a sum of 1."""

import numpy as np
from scipy import sparse

from bhtsne import events
from bhtsne.affinities.addition import plus_transpose
from bhtsne.validation.arrays import checked_reals, checked_sparse
from bhtsne.validation.numbers import check_choice, check_count

SYMMETRIES = ("mean", "max")
_ROUNDING = 2.0**-21  # of a sum of 1 in float32: affinities with such a sum keep their bits
_ASYMMETRY = 1e-5  # allowed, in units of the largest entry: the rounding of float32
# Points above which own kernels add C and Cᵀ: on two threads 1,000,000 take 2.7 s for 9.4 by SciPy,
# 20,000 only 0.05 for 0.10 (`bench/addition.py`), less than the compilation of the kernels costs.
_MANY = 20_000


def joint(conditional: sparse.csr_array, symmetrize: str = "mean") -> sparse.csr_array:
    """Compute joint affinities from conditional ones.

    ``p_ij ∝ p_j|i + p_i|j`` (van der Maaten & Hinton 2008, §3.1), or ``max(p_j|i, p_i|j)``.

    Parameters
    ----------
    conditional : csr_array of shape (N, N)
        ``p_j|i`` in row i, as `affinities.conditional` returns it; numbers of at least 0.
    symmetrize : {"mean", "max"}
        The mean or the maximum of the two conditional affinities.

    Returns
    -------
    scipy.sparse.csr_array of float32, shape (N, N)
        Joint affinities, symmetric to the last bit, with a sum of 1 and sorted columns.

    Raises
    ------
    ValueError
        If symmetrize is another word, no affinity is above 0, or the array is not square.

    Examples
    --------
    >>> from scipy import sparse
    >>> from bhtsne import affinities
    >>> C = sparse.csr_array([[0.0, 1.0, 0.0], [0.5, 0.0, 0.5], [0.0, 1.0, 0.0]])
    >>> affinities.joint(C).toarray()
    array([[0.  , 0.25, 0.  ],
           [0.25, 0.  , 0.25],
           [0.  , 0.25, 0.  ]], dtype=float32)
    """
    check_choice("symmetrize", symmetrize, SYMMETRIES)
    if conditional.ndim != 2 or conditional.shape[0] != conditional.shape[1]:
        raise ValueError(f"conditional must be of shape (N, N), got {conditional.shape}.")
    C = sparse.csr_array(conditional, dtype=np.float32)
    del conditional
    if symmetrize == "mean" and C.shape[0] > _MANY:
        P = plus_transpose(C)
    else:
        transposed = C.T.tocsr()
        events.report(0.25)
        C = transposed.T.tocsr()  # transposing back sorts the columns
        events.report(0.55)
        P = C + transposed if symmetrize == "mean" else C.maximum(transposed)
        P.eliminate_zeros()
    events.report(1)
    return normalized(P)


def given(P, n: int | None = None) -> sparse.csr_array:
    """Check and normalise given affinities.

    Parameters
    ----------
    P : sparse or dense array of shape (N, N)
        Symmetric matrix of finite numbers of at least 0. The diagonal is ignored, since
        ``p_ii = 0``, and the rest is divided by its sum.
    n : int, optional
        Required N.

    Returns
    -------
    scipy.sparse.csr_array of float32, shape (N, N)
        Joint affinities with a sum of 1. The argument is not changed.

    Raises
    ------
    ValueError
        If P is not square, not of shape (n, n), not symmetric, or has an entry that is negative
        or not finite.

    Examples
    --------
    >>> from bhtsne import affinities
    >>> affinities.given([[5, 2, 0], [2, 5, 2], [0, 2, 5]]).toarray()
    array([[0.  , 0.25, 0.  ],
           [0.25, 0.  , 0.25],
           [0.  , 0.25, 0.  ]], dtype=float32)
    """
    P = (checked_sparse if sparse.issparse(P) else checked_reals)(P, "Affinities P")
    if n is not None:
        check_count("n", n)
    if P.ndim != 2 or P.shape[0] != P.shape[1] or (n is not None and P.shape[0] != n):
        size = "N" if n is None else n
        raise ValueError(f"Affinities P must be of shape ({size}, {size}), got {P.shape}.")
    P = sparse.coo_array(P)
    if P.nnz and not (P.data.min() >= 0 and np.isfinite(P.data.max())):
        raise ValueError(
            "Affinities P must hold finite numbers of at least 0, got a negative one, NaN or "
            "infinity."
        )
    off = P.row != P.col
    with np.errstate(over="ignore"):  # the next check reports infinity, or the division removes it
        data = P.data[off].astype(np.float64)
        is_one = abs(data.sum() - 1) < _ROUNDING
    if not np.isfinite(data).all():
        raise ValueError(
            "Affinities P must fit into float64, got larger ones; divide P by its sum."
        )
    if not is_one:  # else every bit stays
        data /= data.max(initial=np.finfo(np.float64).tiny)
        data /= max(data.sum(), np.finfo(np.float64).tiny)
    P = sparse.csr_array((data.astype(np.float32), (P.row[off], P.col[off])), shape=P.shape)
    if P.nnz and abs(P - P.T).max() > _ASYMMETRY * P.max():
        raise ValueError("Affinities P must be symmetric, got others; (P + P.T) / 2 are.")
    P.sort_indices()
    return P if is_one and P.nnz else normalized(P)


def normalized(P: sparse.csr_array) -> sparse.csr_array:
    """Divide P, in place, by its sum."""
    total = np.float32(P.data.sum(dtype=np.float64))
    if not total > 0:
        raise ValueError("Affinities must hold one above 0, got none: no point has a neighbour.")
    P.data /= total
    return P
