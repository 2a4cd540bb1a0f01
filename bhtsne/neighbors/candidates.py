"""Kernels of the exact search: tiles → candidates → the k nearest, ties by index.

A tile's float32 distances only select: a pair that may be near, rounding considered, is measured
again from the differences of its coordinates in float64.
"""

from typing import NamedTuple

import numpy as np

from bhtsne import jit
from bhtsne.neighbors.tiles import COLUMNS, STEP

__all__ = [
    "Candidates",
    "Measured",
    "add_candidates",
    "keep_near",
    "list_pairs",
    "lower_ranks",
    "nearest_candidates",
    "nearest_listed",
]


class Measured(NamedTuple):
    """Points to be measured: ``d² = Σ_a ((x_a − y_a) inverse)²`` in float64.

    Attributes
    ----------
    X : ndarray of shape (N, D)
        Points among which neighbours are searched.
    new : ndarray of shape (M, D)
        Points whose neighbours are searched.
    inverse : float
        1 / scale of the frame.
    """

    X: np.ndarray
    new: np.ndarray
    inverse: float


class Candidates(NamedTuple):
    """Nearest points so far of each row of a block.

    Attributes
    ----------
    squared : ndarray of float64, shape (R, C)
        Squared distances, unordered.
    ids : ndarray of int32, shape (R, C)
        Indices of these points.
    counts : ndarray of int64, shape (R,)
        Candidates of each row.
    limits : ndarray of float64, shape (R,)
        Distance of the farthest candidate that a new one has to beat.
    last : ndarray of int32, shape (R,)
        Index of that candidate: of equal distances the lower index is nearer.
    """

    squared: np.ndarray
    ids: np.ndarray
    counts: np.ndarray
    limits: np.ndarray
    last: np.ndarray

    @classmethod
    def of(cls, rows: int, k: int) -> "Candidates":
        """Return no candidates of so many rows."""
        shape = rows, 3 * k + STEP
        return cls(
            np.empty(shape), np.empty(shape, np.int32), np.zeros(rows, np.int64),
            np.full(rows, np.inf), np.full(rows, np.iinfo(np.int32).max, np.int32),
        )  # fmt: skip


@jit.serial
def _squared_distance(measured, i, j):
    """Return d² from point i of `new` to point j of X."""
    x, y, total = measured.new[i], measured.X[j], 0.0
    for a in range(len(x)):
        d = (np.float64(x[a]) - np.float64(y[a])) * measured.inverse
        total += d * d
    return total


@jit.serial
def _partition(values, ids, count, keep):
    """Move the `keep` smallest of values[:count] to the front (Hoare's quickselect)."""
    low, high = 0, count - 1
    while low < high:
        middle = (low + high) >> 1
        pivot, name = values[middle], ids[middle]
        i, j = low, high
        while i <= j:
            while values[i] < pivot or (values[i] == pivot and ids[i] < name):
                i += 1
            while values[j] > pivot or (values[j] == pivot and ids[j] > name):
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                ids[i], ids[j] = ids[j], ids[i]
                i += 1
                j -= 1
        if keep <= j:
            high = j
        elif keep >= i:
            low = i
        else:
            return


@jit.serial
def _any_below(some, bound, bounds):
    """Return whether one of STEP numbers is below a bound, or below its own bound, if given."""
    below = np.float32(0)  # a sum of floats, which vectorises best
    for c in range(STEP):
        highest = bound
        if bounds is not None:
            highest = bounds[c] if bounds[c] > bound else bound
        below += np.float32(1) if some[c] < highest else np.float32(0)
    return below > 0


@jit.serial
def lower_ranks(tile, lowest):
    """Update the smallest numbers of each row, ascending, by a tile's."""
    rank = lowest.shape[1]
    for r in range(len(tile)):
        row, mine = tile[r], lowest[r]
        for begin in range(0, len(row), STEP):
            if not _any_below(row[begin : begin + STEP], mine[rank - 1], None):
                continue
            for c in range(begin, begin + STEP):
                value, at = row[c], rank - 1
                if value < mine[at]:
                    while at > 0 and mine[at - 1] > value:
                        mine[at] = mine[at - 1]
                        at -= 1
                    mine[at] = value


@jit.serial
def list_pairs(tile, rows, columns, same, pairs):
    """List the pairs of a tile below the bound of the row or of the column; return their number.

    A pair is ``512 r + c`` for row r and column c. In a tile of points with themselves, only
    pairs of c > r are listed.
    """
    n = 0
    for r in range(len(tile)):
        row, bound = tile[r], rows[r]
        for begin in range((r + 1) & -STEP if same else 0, tile.shape[1], STEP):
            some, bounds = row[begin : begin + STEP], columns[begin : begin + STEP]
            if not _any_below(some, bound, bounds):
                continue
            for c in range(STEP):  # without a branch: the next pair overwrites a rejected one
                pairs[n] = COLUMNS * r + begin + c
                n += ((some[c] < bound) | (some[c] < bounds[c])) & (not same or begin + c > r)
    return n


@jit.serial
def keep_near(pairs, measured, rows, columns):
    """Move the pairs within the limit of the row or of the column to the front; return how many."""
    n = 0
    for pair in pairs:
        r, c = pair // COLUMNS, pair % COLUMNS
        d2 = _squared_distance(measured, r, c)
        pairs[n] = pair
        n += (d2 <= rows[r]) | (d2 <= columns[c])
    return n


@jit.serial
def add_candidates(tile, doubts, names, own, measured, k, candidates):
    """Add the points of a tile that are nearer than a row's limit to the row's candidates.

    Names are the indices of the tile's columns, own the index of each row, which is left out, and
    doubts the bounds of the error of a row's distances.
    """
    squared, ids, counts, limits, last = candidates
    for r in range(len(own)):
        row, n, limit = tile[r], counts[r], limits[r]
        bound = np.float32(limit + doubts[r])
        for begin in range(0, len(row), STEP):
            if not _any_below(row[begin : begin + STEP], bound, None):
                continue
            for c in range(begin, begin + STEP):
                j = names[c]
                if not row[c] < bound or j == own[r]:
                    continue
                d2 = _squared_distance(measured, r, j)
                if d2 < limit or (d2 == limit and j < last[r]):
                    squared[r, n], ids[r, n] = d2, j
                    n += 1
                if n == squared.shape[1]:
                    _partition(squared[r], ids[r], n, k - 1)
                    n, limit, last[r] = k, squared[r, k - 1], ids[r, k - 1]
                    bound = np.float32(limit + doubts[r])
        counts[r], limits[r] = n, limit


@jit.serial
def _sort_nearest(squared, ids, count, k):
    """Move the k nearest of the candidates to the front, nearest first."""
    _partition(squared, ids, count, k - 1)
    for c in range(1, k):  # insertion sort: NumPy's sorts are no faster here, and slow to compile
        value, name, at = squared[c], ids[c], c
        while at > 0 and (
            squared[at - 1] > value or (squared[at - 1] == value and ids[at - 1] > name)
        ):
            squared[at], ids[at] = squared[at - 1], ids[at - 1]
            at -= 1
        squared[at], ids[at] = value, name


@jit.serial
def nearest_candidates(candidates, indices, squared):
    """Fill the nearest candidates of each row, nearest first."""
    k = indices.shape[1]
    for r in range(len(indices)):
        _sort_nearest(candidates.squared[r], candidates.ids[r], candidates.counts[r], k)
        for c in range(k):
            indices[r, c], squared[r, c] = candidates.ids[r, c], candidates.squared[r, c]


@jit.serial
def nearest_listed(names, starts, measured, indices, squared):
    """Fill the nearest of the points that are listed for each row, nearest first.

    The points of row r are ``names[starts[r]:starts[r + 1]]``. Rows of fewer points than
    neighbours are left as they are.
    """
    k = indices.shape[1]
    for r in range(len(indices)):
        ids = names[starts[r] : starts[r + 1]]
        if len(ids) < k:
            continue
        values = np.empty(len(ids))
        for c in range(len(ids)):
            values[c] = _squared_distance(measured, r, ids[c])
        _sort_nearest(values, ids, len(ids), k)
        for c in range(k):
            indices[r, c], squared[r, c] = ids[c], values[c]
