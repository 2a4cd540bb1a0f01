"""P, share → P with the largest affinities of each point alone."""

import math

import numpy as np
from scipy import sparse

from bhtsne import jit
from bhtsne.forces.edges import Edges

__all__ = ["pruned"]

_ROWS = 1024  # of P that a thread takes at a time
_BISECTIONS = 24  # as many as float32 has digits


def pruned(P: sparse.csr_array, share: float) -> sparse.csr_array:
    """Return P with the largest affinities of each point, scaled to a sum of 1.

    An affinity stays if it is among the largest of either of its two points, equal ones included,
    so that a symmetric P stays symmetric.

    Parameters
    ----------
    P : csr_array of shape (N, N)
        Joint affinities, symmetric.
    share : float
        Part of the entries of each row that count as its largest, above 0; 1 returns P itself.

    Returns
    -------
    csr_array of shape (N, N)
        Entries in their order in P.
    """
    if share >= 1:
        return P
    edges, n = Edges.of(P), P.shape[0]
    smallest, keep, counts = np.empty(n, P.dtype), np.empty(P.nnz, bool), np.zeros(n + 1, np.int64)

    def find(start: int, stop: int) -> None:
        _find_smallest(start, stop, edges, share, smallest)

    def mark(start: int, stop: int) -> None:
        _mark(start, stop, edges, smallest, keep, counts[1:])

    def copy(start: int, stop: int) -> None:
        _copy(start, stop, edges, keep, kept)

    jit.map_blocks(find, n, _ROWS, interruptible=False)
    jit.map_blocks(mark, n, _ROWS, interruptible=False)
    indptr = np.cumsum(counts).astype(P.indptr.dtype)
    indices, p = (np.empty(indptr[-1], array.dtype) for array in (P.indices, P.data))
    kept = Edges(indptr, indices, p)
    jit.map_blocks(copy, n, _ROWS, interruptible=False)
    p /= p.sum(dtype=np.float64)
    return sparse.csr_array((p, indices, indptr), shape=P.shape)


@jit.serial
def _find_smallest(start, stop, edges, share, smallest):
    """Find a number for each of some rows that the largest entries, and no others, reach.

    By bisection, which is faster than `np.partition` (`bench/NOTES.md`). Among nearly equal entries
    it stops with a few more than asked for.
    """
    for i in range(start, stop):
        row = edges.p[edges.indptr[i] : edges.indptr[i + 1]]
        wanted, low, high = math.ceil(share * len(row)), np.float32(0), np.float32(0)
        for e in range(len(row)):
            high = max(high, row[e])
        for _ in range(_BISECTIONS):
            middle, count = (low + high) / np.float32(2), 0
            for e in range(len(row)):
                count += row[e] >= middle
            if count >= wanted:
                low = middle
            else:
                high = middle
            if count == wanted:
                break
        smallest[i] = low


@jit.serial
def _mark(start, stop, edges, smallest, keep, counts):
    """Mark the entries of some rows that stay, and count them."""
    for i in range(start, stop):
        for e in range(edges.indptr[i], edges.indptr[i + 1]):
            keep[e] = edges.p[e] >= min(smallest[i], smallest[edges.indices[e]])
            counts[i] += keep[e]


@jit.serial
def _copy(start, stop, edges, keep, kept):
    """Copy the marked entries of some rows."""
    for i in range(start, stop):
        to = kept.indptr[i]
        for e in range(edges.indptr[i], edges.indptr[i + 1]):
            if keep[e]:
                kept.indices[to], kept.p[to] = edges.indices[e], edges.p[e]
                to += 1
