"""X, neighbours in the map → their ranks by distance in X, in blocks of rows of distances."""

import numpy as np

from bhtsne import jit
from bhtsne.neighbors import brute, measures, precomputed
from bhtsne.neighbors.frames import framed
from bhtsne.neighbors.tiles import Tiles
from bhtsne.validation.graphs import checked_distances

_ROWS = 256  # points of a block


def of_neighbors(X, mapped: np.ndarray, rows: np.ndarray, metric, metric_params=None) -> np.ndarray:
    """Return the ranks of neighbours by distance in X, from 1.

    Parameters
    ----------
    X : ndarray or CSR of shape (N, D)
        Points, or distances of shape (N, N) for "precomputed".
    mapped : ndarray of int, shape (M, k)
        Neighbours of some points.
    rows : ndarray of int, shape (M,)
        These points, rising.
    metric : str or callable
        Metric of X, as in `neighbors.find`.
    metric_params : dict, optional
        Parameters of the metric by name.

    Returns
    -------
    ndarray of int64, shape (M, k)
        For each neighbour, one more than the number of points at a smaller distance.
    """
    measure = measures.resolved(X, metric, metric_params)
    X = precomputed.checked(X) if measure.metric == "precomputed" else measure.points(X)
    if isinstance(metric, str) and measure.metric == "euclidean" and isinstance(X, np.ndarray):
        return _by_tiles(X, mapped, rows)
    return _by_any_metric(brute.comparable(X, measure.metric), mapped, rows, measure)


def _by_tiles(X, mapped, rows) -> np.ndarray:
    """Return the ranks by Euclidean distance, from squared distances."""
    frame = framed(X)
    tiles = Tiles(X, frame, np.arange(len(X)), np.float64)

    def block(start, stop):
        own = rows[start:stop]
        points = frame.of(X[own])
        limits = np.empty((stop - start, mapped.shape[1]))
        for m in range(mapped.shape[1]):  # all at once, they may be too many to hold
            offsets = frame.of(X[mapped[start:stop, m]]) - points
            limits[:, m] = np.einsum("ij,ij->i", offsets, offsets)
        nearer = np.zeros(limits.shape, np.int64)
        for first, tile, doubts in tiles.each(points):
            here = np.flatnonzero((own >= first) & (own < first + tile.shape[1]))
            tile[here, own[here] - first] = np.inf
            # A tile and the limits round the same distance differently. Distances within the bound
            # of this error do not count as smaller.
            _count_nearer(tile, limits - doubts[:, None], nearer)
        return nearer + 1

    return np.concatenate(jit.map_blocks(block, len(rows), _ROWS))


def _by_any_metric(X, mapped, rows, measure) -> np.ndarray:
    """Return the ranks by a metric other than the Euclidean distance of a dense array."""
    some = X[rows]

    def block(start, stop):
        distances = brute.distances(some, X, measure, start, stop, rows)
        own = np.arange(stop - start), rows[start:stop]
        distances[own] = 0
        checked_distances(distances)
        limits = np.take_along_axis(distances, mapped[start:stop], axis=1)
        distances[own] = np.inf
        nearer = np.zeros(limits.shape, np.int64)
        _count_nearer(np.ascontiguousarray(distances), limits, nearer)
        return nearer + 1

    return np.concatenate(brute.each_block(block, len(rows), _ROWS, measure.metric))


@jit.serial
def _count_nearer(tile, limits, nearer):
    """Add to `nearer` the number of distances in each row below each limit of the row."""
    for r in range(len(tile)):
        row = tile[r]
        for m in range(limits.shape[1]):
            limit, count = limits[r, m], 0
            for c in range(len(row)):
                count += row[c] < limit
            nearer[r, m] += count
