"""C → C + Cᵀ, for many points, by threads that share blocks of rows.

The entries of C are first dealt to blocks by their columns. A block of rows of the sum then takes
its rows of C and its part of the dealt entries, which fit into the cache of a core, where the
transpose as a whole does not.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse

from bhtsne import events, jit

__all__ = ["plus_transpose"]

_ROWS = 10  # bits of a row within its block, at least: 1,024 rows of 90 entries take 720 KiB
_BLOCKS = 1024  # at most, as long as rows within a block have 16 bits
_PASSES = 3  # of a sort by columns
_COLUMN = np.uint64(32)  # first bit of the column in a key; the number of an entry is below
_NUMBER = np.uint64(2**32 - 1)


class Dealt(NamedTuple):
    """Entries of C, in the order of the blocks of their columns, then of the blocks of their rows.

    Attributes
    ----------
    bounds : ndarray of int64, shape (B, B + 1)
        The entries of column block c and row block r are ``bounds[c, r]:bounds[c, r + 1]``.
    places : ndarray of uint32, shape (E,)
        Row within its block, times 2¹⁶, plus column within its block.
    p : ndarray of float32, shape (E,)
        Their values.
    """

    bounds: np.ndarray
    places: np.ndarray
    p: np.ndarray


def plus_transpose(C: sparse.csr_array) -> sparse.csr_array:
    """Return ``C + Cᵀ`` with sorted columns and without stored zeros.

    The same bits as those of SciPy at any number of threads.

    Parameters
    ----------
    C : csr_array of float32, shape (N, N)
        Entries of at least 0, in any order within their rows.

    Returns
    -------
    csr_array of float32, shape (N, N)
        The sum, with the type of C's indices.
    """
    n, shift = C.shape[0], _ROWS
    while n >> shift >= _BLOCKS and shift < 16:
        shift += 1
    with events.portion(0, 0.2):
        dealt = _dealt(C, shift)
    # Each block of the sum first has room for all entries of C and Cᵀ.
    firsts = C.indptr[: n : 1 << shift].astype(np.int64)
    firsts += dealt.bounds[:, 0]
    indptr = np.zeros(n + 1, C.indptr.dtype)
    indices, p = np.empty(2 * C.nnz, C.indices.dtype), np.empty(2 * C.nnz, np.float32)
    bits = int(n - 1).bit_length()

    def add(start: int, stop: int) -> int:
        block = start >> shift
        return _add(
            start, stop, C.indptr, C.indices, C.data, shift, bits, dealt.bounds[block], dealt,
            indptr[start + 1 :], indices[firsts[block] :], p[firsts[block] :],
        )  # fmt: skip

    with events.portion(0.2, 1):
        counts = jit.map_blocks(add, n, 1 << shift)
    np.cumsum(indptr, out=indptr)
    size = 0
    for first, count in zip(firsts, counts, strict=True):
        for array in (indices, p):
            array[size : size + count] = array[first : first + count]
        size += count
    for array in (indices, p):
        array.resize(size, refcheck=False)  # no view of them is left
    return sparse.csr_array((p, indices, indptr), shape=C.shape)


def _dealt(C, shift: int) -> Dealt:
    """Deal the entries of C to blocks of 2^shift rows and columns."""
    n = C.shape[0]
    n_blocks = -(-n >> shift)
    counts = np.zeros((n_blocks, n_blocks), np.int64)  # by row block, column block

    def count(start: int, stop: int) -> None:
        _count(start, stop, C.indptr, C.indices, shift, counts[start >> shift])

    with events.portion(0, 0.3):
        jit.map_blocks(count, n, 1 << shift)
    ends = np.cumsum(counts.T).reshape(counts.shape)
    bounds = np.column_stack((ends[:, 0] - counts[0], ends))
    dealt = Dealt(bounds, np.empty(C.nnz, np.uint32), np.empty(C.nnz, np.float32))

    def deal(start: int, stop: int) -> None:
        free = bounds[:, start >> shift].copy()
        _deal(start, stop, C.indptr, C.indices, C.data, shift, free, dealt)

    with events.portion(0.3, 1):
        jit.map_blocks(deal, n, 1 << shift)
    return dealt


@jit.serial
def _count(start, stop, indptr, indices, shift, counts):
    """Count the entries of some rows in each block of columns."""
    for e in range(indptr[start], indptr[stop]):
        counts[indices[e] >> shift] += 1


@jit.serial
def _deal(start, stop, indptr, indices, p, shift, free, dealt):
    """Copy the entries of some rows to the free places of the blocks of their columns."""
    last = (1 << shift) - 1
    for i in range(start, stop):
        for e in range(indptr[i], indptr[i + 1]):
            block = indices[e] >> shift
            to = free[block]
            free[block] = to + 1
            dealt.places[to] = (i - start) << 16 | (indices[e] & last)
            dealt.p[to] = p[e]


@jit.serial
def _add(
    start, stop, indptr, indices, p, shift, bits, bounds, dealt, lengths, sum_indices, sum_p
):  # fmt: skip
    """Fill some rows of C + Cᵀ and their lengths; return the number of their entries."""
    ends, rows, values = _transposed(stop - start, shift, bounds, dealt)
    room, begin, to = 0, 0, 0
    for i in range(stop - start):
        room = max(room, ends[i] - begin + indptr[start + i + 1] - indptr[start + i])
        begin = ends[i]
    keys, spare, p_of = (
        np.empty(room, np.uint64), np.empty(room, np.uint64), np.empty(room, np.float32)
    )  # fmt: skip
    digits = np.uint64(-(-bits // _PASSES))
    counts = np.empty((_PASSES, 1 << digits), np.int64)
    begin = 0
    for i in range(stop - start):
        m = 0
        for e in range(indptr[start + i], indptr[start + i + 1]):
            keys[m], p_of[m] = np.uint64(indices[e]) << _COLUMN | np.uint64(m), p[e]
            m += p[e] != 0
        for e in range(begin, ends[i]):
            keys[m], p_of[m] = np.uint64(rows[e]) << _COLUMN | np.uint64(m), values[e]
            m += values[e] != 0
        begin = ends[i]
        in_order = _sorted(keys[:m], spare, digits, counts)
        lengths[i] = _add_equal(in_order, p_of, sum_indices[to:], sum_p[to:])
        to += lengths[i]
    return to


@jit.serial
def _transposed(n_rows, shift, bounds, dealt):
    """Return some rows of Cᵀ: the ends of the rows, columns and values of their entries."""
    ends = np.zeros(n_rows + 1, np.int64)
    for e in range(bounds[0], bounds[-1]):
        ends[(dealt.places[e] & 0xFFFF) + 1] += 1
    for i in range(n_rows):
        ends[i + 1] += ends[i]
    size = bounds[-1] - bounds[0]
    columns, values = np.empty(size, np.uint32), np.empty(size, np.float32)
    for block in range(len(bounds) - 1):
        for e in range(bounds[block], bounds[block + 1]):
            i = dealt.places[e] & 0xFFFF
            columns[ends[i]] = (block << shift) + (dealt.places[e] >> 16)
            values[ends[i]] = dealt.p[e]
            ends[i] += 1
    return ends, columns, values


@jit.serial
def _sorted(keys, spare, digits, counts):
    """Return an array of the keys in the order of their columns, by a radix sort."""
    mask = (np.uint64(1) << digits) - np.uint64(1)
    counts[:] = 0
    for key in keys:
        for k in range(_PASSES):
            counts[k, key >> (_COLUMN + np.uint64(k) * digits) & mask] += 1
    for k in range(_PASSES):
        first = 0
        for digit in range(counts.shape[1]):
            first, counts[k, digit] = first + counts[k, digit], first
        for t in range(len(keys)):
            digit = keys[t] >> (_COLUMN + np.uint64(k) * digits) & mask
            spare[counts[k, digit]] = keys[t]
            counts[k, digit] += 1
        keys, spare = spare[: len(keys)], keys
    return keys


@jit.serial
def _add_equal(keys, p_of, indices, p):
    """Add up the values of each column, without a branch; return the number of columns."""
    last, total, to = np.uint64(0), np.float32(0), -1
    for t in range(len(keys)):
        column, value = keys[t] >> _COLUMN, p_of[keys[t] & _NUMBER]
        is_new = t == 0 or column != last
        total = value if is_new else total + value
        to += is_new
        indices[to], p[to] = column, total
        last = column
    return to + 1
