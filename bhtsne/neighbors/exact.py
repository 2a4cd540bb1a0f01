"""X → the k nearest neighbours of every point, exact: by matrix products, or a k-d tree.

All neighbours of all points come from pairs of tiles (`pairs`). New points, some points, and those
that the pairs leave open are compared with all tiles, block by block. Either way float32 products
select, and the distances and their order are those of float64.
"""

import numpy as np

from bhtsne import events, jit
from bhtsne.neighbors import pairs
from bhtsne.neighbors.candidates import (
    Candidates,
    Measured,
    add_candidates,
    lower_ranks,
    nearest_candidates,
)
from bhtsne.neighbors.frames import blocks, framed, spatial_order
from bhtsne.neighbors.tiles import COLUMNS, Tiles

__all__ = ["nearest", "nearest_by_kd_tree", "nearest_to", "search_rows", "without_self"]

# Points are fetched from X for each block of rows: with blocks of thousands of rows this takes no
# longer than a search in a copy of X.
_ROWS = 256, 2048
_PARTS = 16  # least number of blocks of rows, so that each of as many threads has work
_COPIED = 1 << 20  # numbers of a block of rows
_FARTHEST = 1e15  # limit of a new point, in extents of X: float32 holds its square
_PAIRS_SHARE = 0.97  # of the time; the rest is for the points that pairs leave open
_QUERIES = 1 << 14  # points that are searched in a k-d tree at once


def nearest(X: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return indices int32 and Euclidean distances float64, (N, k), nearest first, without self.

    Equal distances are ordered by index.
    """
    order = spatial_order(X)
    indices, distances = np.empty((len(X), k), np.int32), np.empty((len(X), k))
    left, done = order, 0.0
    if pairs.gains(*indices.shape):
        done = _PAIRS_SHARE
        with events.portion(0, done):
            left = pairs.search(X, order, indices, distances)
    with events.portion(done, 1):
        if len(left):
            _search(X, None, left, order, indices, distances)
        events.report(1)
    return indices, distances


def search_rows(X: np.ndarray, rows: np.ndarray, indices, distances) -> None:
    """Fill these rows of indices and distances, (N, k), as `nearest` does."""
    _search(X, None, rows, spatial_order(X), indices, distances)


def nearest_to(X: np.ndarray, new: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the k nearest points of X to each new point, as `nearest` does."""
    indices, distances = np.empty((len(new), k), np.int32), np.empty((len(new), k))
    # The order shortens the lists of candidates, but for few points it takes longer than they do.
    order = spatial_order(X) if len(new) > _ROWS[1] else np.arange(len(X), dtype=np.int32)
    _search(X, new, spatial_order(new), order, indices, distances)
    return indices, distances


def _search(X, new, rows, order, indices, distances) -> None:
    """Fill the neighbours of rows of `new`, or of X itself where that is None."""
    frame = framed(X)  # of X alone, so that no new point changes the bits of another
    if new is not None:
        farthest = max(np.abs(frame.of(new[b])).max() for b in blocks(*new.shape))
        if farthest > _FARTHEST:
            raise ValueError(
                f"X_new must lie within {_FARTHEST:g} times the extent of X, beyond which all "
                f"points are equally near, got {farthest:.2g} times."
            )
    tiles = Tiles(X, frame, order, np.float32)
    names = np.append(order, np.full(COLUMNS, -1, np.int32))
    k = indices.shape[1]

    def block(start: int, stop: int) -> None:
        mine = rows[start:stop]
        points = (X if new is None else new)[mine]
        measured = Measured(X, points, 1 / frame.scale)
        own = mine if new is None else np.full(len(mine), -1, np.int32)
        candidates = Candidates.of(len(mine), k)
        for i, (first, tile, doubts) in enumerate(tiles.each(frame.of(points))):
            if not i:  # no neighbour is farther than the k-th in the nearest tile
                lowest = np.full((len(mine), k + (new is None)), np.inf, np.float32)
                lower_ranks(tile, lowest)
                candidates.limits[:] = lowest[:, -1] + doubts
            add_candidates(tile, doubts, names[first:], own, measured, k, candidates)
        found, squared = np.empty((len(mine), k), np.int32), np.empty((len(mine), k))
        nearest_candidates(candidates, found, squared)
        indices[mine], distances[mine] = found, np.sqrt(squared) * frame.scale

    many = int(np.clip(min(len(rows) // _PARTS, _COPIED // X.shape[1]), *_ROWS))
    parts = max(-(-len(rows) // many), 1)
    jit.map_blocks(block, len(rows), max(-(-len(rows) // parts), 1))  # of equal size


def nearest_by_kd_tree(X: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the result of `nearest`, by a k-d tree, which is faster in few dimensions."""
    from scipy.spatial import cKDTree  # slow to import, and seldom needed

    tree, n = cKDTree(X), len(X)
    indices, distances = np.empty((n, k + 1), np.int32), np.empty((n, k + 1))
    for some in events.blocks(n, _QUERIES):
        found = tree.query(X[some], k + 1, workers=jit.n_threads())
        distances[some], indices[some] = found
    indices, distances = without_self(indices, distances)
    order = np.lexsort((indices, distances))
    return np.take_along_axis(indices, order, 1), np.take_along_axis(distances, order, 1)


def without_self(indices, distances) -> tuple[np.ndarray, np.ndarray]:
    """Drop each row's own index from (N, k + 1) neighbours, or the farthest where it is absent.

    The own index need not be in the first column: duplicates may stand before it, or replace it.
    """
    n, k = indices.shape
    is_self = indices == np.arange(n)[:, None]
    is_self[~is_self.any(axis=1), -1] = True
    return indices[~is_self].reshape(n, k - 1), distances[~is_self].reshape(n, k - 1)
