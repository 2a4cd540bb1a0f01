"""X, neighbours in the map → their ranks by distance in X, block by block, never N² memory."""

import numpy as np

from bhtsne import jit
from bhtsne.neighbors import brute, measures, precomputed
from bhtsne.neighbors.exact import Tiles, framed
from bhtsne.validation.graphs import checked_distances

_ROWS = 256


def of_neighbors(X, mapped: np.ndarray, metric, metric_params=None) -> np.ndarray:
    """Return the rank, 1 or more, of each neighbour of each point, integers of mapped's shape."""
    measure = measures.resolved(X, metric, metric_params)
    X = precomputed.checked(X) if measure.metric == "precomputed" else measure.points(X)
    if isinstance(metric, str) and measure.metric == "euclidean" and isinstance(X, np.ndarray):
        return _by_tiles(X, mapped)
    return _by_any_metric(brute.comparable(X, measure.metric), mapped, measure)


def _by_tiles(X, mapped) -> np.ndarray:
    """Return the rank of each mapped neighbour by Euclidean distance in X, block by block."""
    frame = framed(X)
    tiles = Tiles(X, frame, np.arange(len(X)), np.float64)
    # A point's own distance must not count as nearer than itself for its rounding.
    slack = 1e-13 * (np.sqrt(tiles.norms) + np.sqrt(tiles.norms.max(initial=0))) ** 2

    def block(start, stop):
        here = frame.of(X[start:stop])
        ends = frame.of(X[mapped[start:stop]]) - here[:, None]
        limits = np.einsum("ijk,ijk->ij", ends, ends) - tiles.norms[start:stop, None]
        nearer = np.zeros(limits.shape, np.int64)
        for first, tile in tiles.each(here):
            rows = np.arange(max(start, first), min(stop, first + tile.shape[1]))
            tile[rows - start, rows - first] = np.inf
            _count_nearer(tile, limits - slack[start:stop, None], nearer)
        return nearer + 1

    return np.concatenate(jit.map_blocks(block, len(X), _ROWS))


def _by_any_metric(X, mapped, measure) -> np.ndarray:
    """Return the rank of each mapped neighbour in X by any metric."""

    def block(start, stop):
        distances = brute.distances(X, X, measure, start, stop, own=True)
        own = np.arange(stop - start), np.arange(start, stop)
        distances[own] = 0
        checked_distances(distances)
        limits = np.take_along_axis(distances, mapped[start:stop], axis=1)
        distances[own] = np.inf
        nearer = np.zeros(limits.shape, np.int64)
        _count_nearer(np.ascontiguousarray(distances), limits, nearer)
        return nearer + 1

    return np.concatenate(brute.each_block(block, X.shape[0], _ROWS, measure.metric))


@jit.serial
def _count_nearer(tile, limits, nearer):
    """Add to nearer how many of each row's distances are below each of its limits."""
    for r in range(len(tile)):
        row = tile[r]
        for m in range(limits.shape[1]):
            limit, count = limits[r, m], 0
            for c in range(len(row)):
                count += row[c] < limit
            nearer[r, m] += count
