"""X → the k nearest neighbours of every point, approximate: random trees, neighbours of neighbours.

Each tree halves the points again and again across a random direction, and the points of a leaf are
compared with each other. What the trees find together is a graph; twice, each point then looks at
the neighbours of its neighbours (after Dong, Moses & Li 2011; Dasgupta & Freund 2008). The bits do
not depend on the number of threads, and nothing but one kernel compiles.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from bhtsne import events, jit
from bhtsne.neighbors import exact
from bhtsne.validation.arrays import read_in_place

_FEW = 1000  # points that are not worth a forest
_TREES, _LEAF = 6, 128
_FROM_LEAF, _FROM_TREES = 10, 30  # neighbours that a leaf, and all trees together, hand on
# Neighbours of neighbours that are looked at in the two rounds, for each neighbour wanted: of 90 on
# MNIST (70,000 × 50) 99.5 % are found in 4.1 s, the exact search takes 5.5; 10 and 28 find 98.7 %.
_FIRST, _SECOND = 15, 50
_ROWS = 512  # of the graph at a time
# What trees and each look at the graph take of the whole time: .23, .03, .35 and .39 of 90
# neighbours of 70,000, .33, .05, .27 and .35 of 30.
_SHARES = (0, 0.25, 0.29, 0.64, 1)


def nearest(X: np.ndarray, k: int, seed: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return indices int32 and Euclidean distances float32, (N, k), nearest first, without self.

    Points in a crowd of duplicates larger than their lists see nothing beyond it: rows that miss
    neighbours are searched exactly.
    """
    if len(X) <= _FEW:
        return exact.nearest(X, k)
    order = exact.spatial_order(X)
    points = _points(X, order)
    seeds = np.random.SeedSequence(seed).spawn(_TREES)
    trees, first, second, third = (events.portion(*ends) for ends in pairwise(_SHARES))
    with trees:
        found = jit.map_blocks(
            lambda t, _: _tree(points, np.random.default_rng(seeds[t])), _TREES, 1
        )
    endless = np.full(len(X), np.inf, np.float32)
    with first:
        graph, _ = _best(points, np.hstack(found), endless, 0, max(_FROM_TREES, _width(_FIRST, k)))
    with second:
        widest = max(k, _width(_SECOND, k))
        graph, squared = _best(points, graph, endless, _width(_FIRST, k), widest)
    limits = np.ascontiguousarray(squared[:, min(k, squared.shape[1]) - 1])
    with third:
        graph, squared = _best(points, graph, limits, _width(_SECOND, k), k)
    indices, distances = np.empty((len(X), k), np.int32), np.empty((len(X), k), np.float32)
    width = graph.shape[1]
    indices[order, :width] = order[graph]
    with np.errstate(over="ignore"):  # told by `find`
        distances[order, :width] = np.sqrt(squared) * np.float32(points.scale)
    gaps = np.arange(len(X)) if width < k else np.flatnonzero(~np.isfinite(squared[:, -1]))
    if len(gaps):
        exact.search_rows(X, np.sort(order[gaps]), indices, distances)
    return indices, distances


def _width(candidates: int, k: int) -> int:
    """Return how many neighbours have `candidates` neighbours together for each of k wanted."""
    return int(np.ceil(np.sqrt(candidates * k)))


class _Points(NamedTuple):
    """Points in an order, float32 with entries up to 1: a copy, or a map that is read in place."""

    table: np.ndarray
    rows: np.ndarray
    scale: float
    frame: exact.Frame | None  # of what is not in it yet

    def at(self, ids: np.ndarray) -> np.ndarray:
        """Return these points."""
        some = self.table[self.rows[ids]]
        return some if self.frame is None else self.frame.of(some).astype(np.float32)

    def for_kernels(self) -> tuple[np.ndarray, np.ndarray, np.floating]:
        """Return the table, the points' rows in it, and what its numbers are multiplied by."""
        real = np.float32 if self.table.dtype == np.float32 else np.float64
        return self.table, self.rows, real(1 if self.frame is None else 1 / self.scale)


def _points(X: np.ndarray, order: np.ndarray) -> _Points:
    """Return X in an order: near points near in memory, which takes half the time, or as a map."""
    frame = exact.framed(X)
    if read_in_place(X):
        return _Points(np.asarray(X), order, frame.scale, frame)
    points = np.empty(X.shape, np.float32)
    for some in exact.blocks(*X.shape):
        points[some] = frame.of(X[order[some]])
    return _Points(points, np.arange(len(X), dtype=np.int32), frame.scale, None)


def _tree(points: _Points, rng) -> np.ndarray:
    """Return for each point its nearest in the leaf of a random tree."""
    n, d = points.table.shape
    handed = min(_FROM_LEAF, n - 1)
    near = np.empty((n, handed), np.int32)
    parts = [np.arange(n, dtype=np.int32)]
    while parts:
        part = parts.pop()
        if len(part) > _LEAF:
            a, b = points.at(part[rng.choice(len(part), 2, replace=False)])
            middle, blocks = len(part) // 2, exact.blocks(len(part), d)
            along = np.concatenate([points.at(part[block]) @ (a - b) for block in blocks])
            halves = np.argpartition(along, middle)
            # Each half in the order of the memory that it is read from.
            parts += [part[np.sort(halves[:middle])], part[np.sort(halves[middle:])]]
            continue
        m, some = len(part), points.at(part)
        # Counted on from the point itself, so that those that coincide do not all choose the same.
        after = (np.arange(m)[:, None] + np.arange(1, m)) % m
        squared = np.einsum("ij,ij->i", some, some) - 2 * (some @ some.T)
        nearest = np.argpartition(np.take_along_axis(squared, after, 1), handed - 1, axis=1)
        near[part] = part[np.take_along_axis(after, nearest[:, :handed], 1)]
    return near


def _best(points: _Points, graph, limits, width: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the k nearest, and squared distances, among a graph's neighbours and theirs.

    Only of the first `width`, of each the first `width`, and only nearer than each row's limit.
    """
    n, width = len(graph), min(width, graph.shape[1])
    most = graph.shape[1] + width**2
    k = min(k, most)
    table, rows, factor = points.for_kernels()
    indices, squared = np.empty((n, k), np.int32), np.empty((n, k), np.float32)

    def block(start: int, stop: int) -> None:
        ids = np.empty((stop - start, most), np.int32)
        values = np.empty(ids.shape, np.float32)
        seen = np.full(n, -1, np.int32)
        mine = np.empty(table.shape[1], type(factor))
        longest = _look(table, rows, factor, mine, graph, limits, width, start, seen, ids, values)
        count = max(longest, k)
        ids, values = ids[:, :count], values[:, :count]
        ids, values = _take(ids, values, np.argpartition(values, k - 1, axis=1)[:, :k])
        by_distance = np.argsort(values, axis=1, kind="stable")
        indices[start:stop], squared[start:stop] = _take(ids, values, by_distance)

    jit.map_blocks(block, n, _ROWS)
    return indices, squared


def _take(ids, values, columns) -> tuple[np.ndarray, np.ndarray]:
    return np.take_along_axis(ids, columns, 1), np.take_along_axis(values, columns, 1)


@jit.serial
def _look(points, rows, factor, mine, graph, limits, width, first, seen, ids, values):
    """List what each row sees, once, with squared distances; return the length of the longest."""
    most = 0
    for r in range(len(ids)):
        i, n = first + r, 0
        seen[i] = i
        for a in range(len(mine)):
            mine[a] = points[rows[i], a]
        for c in range(-1, width):
            near = graph[i] if c < 0 else graph[graph[i, c], :width]
            for j in near:
                if seen[j] == i:
                    continue
                seen[j] = i
                total, theirs = np.float32(0), points[rows[j]]
                for a in range(len(mine)):
                    total += np.float32((mine[a] - theirs[a]) * factor) ** 2
                if c < 0 or total < limits[i]:
                    ids[r, n], values[r, n] = j, total
                    n += 1
        ids[r, n:], values[r, n:] = i, np.inf
        most = max(most, n)
    return most
