"""X → the k nearest neighbours of all its points, each pair of tiles compared once.

1. A sample of the points gives each point a bound that its k-th distance seldom exceeds.
2. Each tile of two blocks of points lists the pairs that are nearer than the bound of either.
3. For each point the listed points are measured in float64, and the k nearest are kept.

A point with fewer than k points within its bound is left open. In many dimensions the tiles hold
distances along the principal axes alone. No distance is shorter than those, so that the result
remains exact; pairs are then measured before they are listed.
"""

from typing import NamedTuple

import numpy as np

from bhtsne import events, jit
from bhtsne.neighbors.candidates import Measured, keep_near, list_pairs, lower_ranks, nearest_listed
from bhtsne.neighbors.frames import Frame, blocks, framed
from bhtsne.neighbors.pair_lists import PairLists
from bhtsne.neighbors.tiles import COLUMNS, left_factor, right_factor, rounding
from bhtsne.validation.arrays import read_in_place

__all__ = ["AXES", "gains", "search", "whole_distances"]

_FEW = 2048  # points up to which nothing is gained
_SAMPLED = 16  # one point in so many is in the sample
# Listed pairs per neighbour, at most; usually 1.7. More are listed where many points coincide, or
# where float32 products tell few points apart.
_MOST = 4
# Features, and numbers in X, up to which tiles hold whole distances.
_WIDE, _TABLE = 64, 1 << 24
AXES = 32, 64, 128  # numbers of axes otherwise
_FOR_AXES = 512  # points from which the axes are taken


class _Points(NamedTuple):
    """Points, their frame, and an order in which points that follow each other are near."""

    X: np.ndarray
    frame: Frame
    order: np.ndarray

    def at(self, places: slice) -> np.ndarray:
        """Return the points at these places of the order, in the frame."""
        return self.frame.of(self.X[self.order[places]])


def whole_distances(n: int, d: int, in_place: bool) -> bool:
    """Return whether tiles hold whole distances, and tables of the size of X are made for them."""
    return d <= _WIDE or (n * d <= _TABLE and not in_place)


def gains(n: int, k: int) -> bool:
    """Return whether pairs of tiles are faster than the search of each point."""
    return n > _FEW and k <= n // _SAMPLED


def search(X: np.ndarray, order: np.ndarray, indices, distances) -> np.ndarray:
    """Fill the neighbours of all points, and return those that are left open.

    Parameters
    ----------
    X : ndarray of shape (N, D)
        The points.
    order : ndarray of int32, shape (N,)
        Order in which points that follow each other are near.
    indices, distances : ndarray of int32 and of float64, shape (N, k)
        Results.

    Returns
    -------
    ndarray of int32
        Points whose rows have not been filled.
    """
    n, k = indices.shape
    points = _Points(X, framed(X), order)
    with events.portion(0, 0.1):
        limits = _limits(points, k)
    with events.portion(0.1, 0.7):
        pairs = _near_pairs(points, limits, _MOST * k * n)
    if pairs.full():
        return order
    with events.portion(0.7, 1):
        return _fill(points, pairs, limits, indices, distances)


def _limits(points: _Points, k: int) -> np.ndarray:
    """Return a squared distance for each place that seldom excludes the k-th neighbour.

    About ``λ = k / 16`` of the k nearest are in the sample, and seldom more than
    ``λ + 3 √λ + 1``: the limit is the distance of that rank in the sample.
    """
    sample = points.at(slice(_SAMPLED // 2, None, _SAMPLED))
    right = _whole_tiles(*sample.shape)
    right[: len(sample)] = right_factor(sample)
    expected = k / _SAMPLED
    rank = int(np.ceil(expected + 3 * np.sqrt(expected) + 1)) + 1  # a point may be in the sample
    limits = np.empty(len(points.order))

    def block(start: int, stop: int) -> None:
        left = left_factor(points.at(slice(start, stop)))
        lowest = np.full((stop - start, rank), np.inf, np.float32)
        tile = np.empty((stop - start, COLUMNS), np.float32)
        for first in range(0, len(right), COLUMNS):
            lower_ranks(np.matmul(left, right[first : first + COLUMNS].T, out=tile), lowest)
        limits[start:stop] = np.maximum(lowest[:, -1], 0)

    jit.map_blocks(block, len(limits), COLUMNS)
    return limits


def _whole_tiles(n: int, d: int) -> np.ndarray:
    """Return room for the right factor of n points, with points at infinity after them."""
    right = np.zeros((-(-n // COLUMNS) * COLUMNS, d + 2), np.float32)
    right[n:, -2:] = 1, np.inf
    return right


def _near_pairs(points: _Points, limits: np.ndarray, most: int) -> PairLists:
    """Return the pairs within the limit of either point, unless they are too many."""
    n, axes = len(limits), _axes(points)
    left, right = _tables(points, axes)
    sizes = np.sqrt(right[:n, -1].astype(np.float64))
    bounds = np.full(len(right), -1, np.float32)
    bounds[:n] = limits + rounding(sizes, float(sizes.max()), right.shape[1] - 2)
    lists = PairLists(len(right) // COLUMNS, most)

    def strip(start: int, stop: int) -> None:
        rows = slice(start, stop)
        tile = np.empty((stop - start, COLUMNS), np.float32)
        pairs = np.empty(tile.size, np.int32)
        for first in range(start, len(right), COLUMNS):
            if lists.full():
                break
            columns = slice(first, first + COLUMNS)
            np.matmul(left[rows], right[columns].T, out=tile)
            count = list_pairs(tile, bounds[rows], bounds[columns], first == start, pairs)
            if axes is not None:
                count = keep_near(
                    pairs[:count], _measured(points, rows, points.X[points.order[columns]]),
                    limits[rows], limits[columns],
                )  # fmt: skip
            lists.add(start // COLUMNS, first // COLUMNS, pairs[:count])

    jit.map_blocks(strip, n, COLUMNS)
    return lists


def _measured(points: _Points, rows: slice, among: np.ndarray) -> Measured:
    """Return the points of some rows, to be measured against others."""
    return Measured(among, points.X[points.order[rows]], 1 / points.frame.scale)


def _tables(points: _Points, axes: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the factors of all points, along the axes if given, the right one in whole tiles."""
    n, d = points.X.shape
    m = d if axes is None else axes.shape[1]
    left, right = np.empty((n, m + 2), np.float32), _whole_tiles(n, m)
    for some in blocks(n, d):
        here = points.at(some) if axes is None else points.at(some) @ axes
        left[some], right[:n][some] = left_factor(here), right_factor(here)
    return left, right


def _axes(points: _Points) -> np.ndarray | None:
    """Return as many principal axes of a sample, (D, A), as make the search fastest.

    The time of a pair is taken as A + 20 in a tile, and 25 (D + 40) where it is within the bounds
    and measured: a rough estimate, on which no result depends. Few features need no axes, nor do
    few points in memory, for which the search is faster without; a memory map is not copied whole.
    """
    n, d = points.X.shape
    if whole_distances(n, d, read_in_place(points.X)):
        return None
    from scipy.spatial.distance import cdist  # slow to import, and seldom needed

    sample = points.at(slice(None, None, max(n // _FOR_AXES, 1)))
    sample -= sample.mean(axis=0)
    axes = np.linalg.svd(sample, full_matrices=False)[2][: AXES[-1]].T
    squared = cdist(sample, sample, "sqeuclidean")
    limits = np.partition(squared, 2, axis=1)[:, 2:3]
    along = sample @ axes

    def cost(a: int) -> float:
        within = cdist(along[:, :a], along[:, :a], "sqeuclidean") < limits
        return a + 20 + 25 * (d + 40) * float(within.mean())

    return axes[:, : min(AXES, key=cost)]


def _fill(points: _Points, pairs: PairLists, limits, indices, distances) -> np.ndarray:
    """Fill the nearest of the listed points, and return the points without enough of them."""
    k = indices.shape[1]

    def block(start: int, stop: int) -> np.ndarray:
        mine = points.order[start:stop]
        rows, others = pairs.of_block(start // COLUMNS)
        by_row = np.argsort(rows, kind="stable")  # of 16 bits: a radix sort
        starts = np.append(0, np.cumsum(np.bincount(rows, minlength=len(mine))))
        near, squared = np.empty((len(mine), k), np.int32), np.full((len(mine), k), np.inf)
        measured = _measured(points, slice(start, stop), points.X)
        nearest_listed(points.order[others[by_row]], starts, measured, near, squared)
        whole = squared[:, -1] <= limits[start:stop]
        indices[mine[whole]] = near[whole]
        distances[mine[whole]] = np.sqrt(squared[whole]) * points.frame.scale
        return mine[~whole]

    return np.concatenate(jit.map_blocks(block, len(limits), COLUMNS))
