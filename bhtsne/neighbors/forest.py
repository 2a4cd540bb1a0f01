"""X → the k nearest neighbours of every point, approximate: random trees, neighbours of neighbours.

Each tree halves the points again and again across a random direction, and the points of a leaf are
compared with each other (Dasgupta & Freund 2008). The neighbours from all trees make a graph, in
which each point is then twice compared with the neighbours of its neighbours (after Dong, Moses &
Li 2011). The bits do not depend on the number of threads, and only one kernel is compiled.
"""

import threading
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from bhtsne import events, jit
from bhtsne.neighbors import exact
from bhtsne.neighbors.frames import Frame, blocks, framed, spatial_order
from bhtsne.validation.arrays import read_in_place

_FEW = 1000  # points up to which the exact search is used
_TREES, _LEAF = 6, 128
_FROM_LEAF, _FROM_TREES = 10, 30  # neighbours that a leaf, and all trees together, pass on
# Neighbours of neighbours that are compared in the two rounds, for each of the k neighbours. On
# MNIST nearly all of 90 neighbours are found, in less time than by the exact search
# (`bench/neighbors.py`).
_FIRST, _SECOND = 15, 50
_ROWS = 512  # of the graph at a time
# Ends of the shares of the whole time that trees and the three passes over the graph take; progress
# is reported by them.
_SHARES = (0, 0.25, 0.29, 0.64, 1)


def nearest(X: np.ndarray, k: int, seed: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return indices int32 and Euclidean distances float32, (N, k), nearest first, without self.

    Where more points coincide than a list holds, the list contains no others. Rows that lack
    neighbours are therefore searched exactly.
    """
    if len(X) <= _FEW:
        return exact.nearest(X, k)
    order = spatial_order(X)
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
    with np.errstate(over="ignore"):  # `find` reports it
        distances[order, :width] = np.sqrt(squared) * np.float32(points.scale)
    gaps = np.arange(len(X)) if width < k else np.flatnonzero(~np.isfinite(squared[:, -1]))
    if len(gaps):
        exact.search_rows(X, np.sort(order[gaps]), indices, distances)
    return indices, distances


def _width(candidates: int, k: int) -> int:
    """Return the w at which each point has ``w² = candidates · k`` neighbours of neighbours."""
    return int(np.ceil(np.sqrt(candidates * k)))


class _Points(NamedTuple):
    """Points in an order, as float32 with entries up to 1: a copy, or a memory map read in place.

    Attributes
    ----------
    table : ndarray of shape (N, D)
        The copy or the memory map.
    rows : ndarray of int32, shape (N,)
        Row of the table of each point.
    scale : float
        Factor by which distances are divided.
    frame : Frame or None
        Frame that the table is not in yet; None for a copy, which is.
    """

    table: np.ndarray
    rows: np.ndarray
    scale: float
    frame: Frame | None

    def at(self, ids: np.ndarray) -> np.ndarray:
        """Return these points."""
        some = self.table[self.rows[ids]]
        return some if self.frame is None else self.frame.of(some).astype(np.float32)

    def for_kernel(self) -> "_Table":
        """Return the points as the kernel reads them."""
        real = np.float32 if self.table.dtype == np.float32 else np.float64
        return _Table(self.table, self.rows, real(1 if self.frame is None else 1 / self.scale))


class _Table(NamedTuple):
    """Points for the kernel: point i is ``factor · table[rows[i]]``, but for a shift."""

    table: np.ndarray
    rows: np.ndarray
    factor: np.floating


class _Candidates(NamedTuple):
    """Indices and squared distances of the points that rows are compared with, (R, C)."""

    ids: np.ndarray
    squared: np.ndarray


def _points(X: np.ndarray, order: np.ndarray) -> _Points:
    """Return X in an order, copied so that near points are near in memory unless it is a map."""
    frame = framed(X)
    if read_in_place(X):
        return _Points(np.asarray(X), order, frame.scale, frame)
    points = np.empty(X.shape, np.float32)
    for some in blocks(*X.shape):
        points[some] = frame.of(X[order[some]])
    return _Points(points, np.arange(len(X), dtype=np.int32), frame.scale, None)


def _tree(points: _Points, rng) -> np.ndarray:
    """Return the nearest neighbours of each point within its leaf of a random tree."""
    n, d = points.table.shape
    handed = min(_FROM_LEAF, n - 1)
    near = np.empty((n, handed), np.int32)
    parts = [np.arange(n, dtype=np.int32)]
    while parts:
        part = parts.pop()
        if len(part) > _LEAF:
            a, b = points.at(part[rng.choice(len(part), 2, replace=False)])
            middle = len(part) // 2
            along = np.concatenate(
                [points.at(part[block]) @ (a - b) for block in blocks(len(part), d)]
            )
            halves = np.argpartition(along, middle)
            # Each half in the order of memory.
            parts += [part[np.sort(halves[:middle])], part[np.sort(halves[middle:])]]
            continue
        m, some = len(part), points.at(part)
        # Columns count on from the point itself, so that coincident points choose different ones.
        after = (np.arange(m)[:, None] + np.arange(1, m)) % m
        squared = np.einsum("ij,ij->i", some, some) - 2 * (some @ some.T)
        nearest = np.argpartition(np.take_along_axis(squared, after, 1), handed - 1, axis=1)
        near[part] = part[np.take_along_axis(after, nearest[:, :handed], 1)]
    return near


def _best(points: _Points, graph, limits, width: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the k nearest of each point, and squared distances, among its candidates in a graph.

    Candidates are its neighbours, and of the first `width` of them the first `width` neighbours,
    if they are nearer than the limit of the row.
    """
    n, width = len(graph), min(width, graph.shape[1])
    most = graph.shape[1] + width**2
    k = min(k, most)
    table = points.for_kernel()
    indices, squared = np.empty((n, k), np.int32), np.empty((n, k), np.float32)
    of_thread = threading.local()

    def block(start: int, stop: int) -> None:
        if not hasattr(of_thread, "compared_by"):  # new memory for each block costs page faults
            of_thread.compared_by = np.full(n, -1, np.int32)
            of_thread.point = np.empty(table.table.shape[1], type(table.factor))
            shape = min(_ROWS, n), most
            of_thread.found = np.empty(shape, np.int32), np.empty(shape, np.float32)
        found = _Candidates(*(array[: stop - start] for array in of_thread.found))
        longest = _compare(
            table, graph, limits, width, start, of_thread.point, of_thread.compared_by, found
        )
        ids, values = (array[:, : max(longest, k)] for array in found)
        ids, values = _take(ids, values, np.argpartition(values, k - 1, axis=1)[:, :k])
        by_distance = np.argsort(values, axis=1, kind="stable")
        indices[start:stop], squared[start:stop] = _take(ids, values, by_distance)

    jit.map_blocks(block, n, _ROWS)
    return indices, squared


def _take(ids, values, columns) -> tuple[np.ndarray, np.ndarray]:
    """Return the given columns of each row of both arrays."""
    return np.take_along_axis(ids, columns, 1), np.take_along_axis(values, columns, 1)


@jit.serial
def _compare(points, graph, limits, width, first, point, compared_by, candidates):
    """List the candidates of rows first … on, each once (see `_best`); return the longest count.

    Squared distances are ``Σ_a (factor (x_a − y_a))²``, in float32. `point` and `compared_by` are
    working memory: the coordinates of a row, and for each point the last row that it was a
    candidate of.
    """
    table, rows, factor = points
    ids, squared = candidates
    most, d = 0, len(point)
    for r in range(len(ids)):
        i, n = first + r, 0
        compared_by[i] = i
        for a in range(d):
            point[a] = table[rows[i], a]
        for c in range(-1, width):
            near = graph[i] if c < 0 else graph[graph[i, c], :width]
            for j in near:
                if compared_by[j] == i:
                    continue
                compared_by[j] = i
                total, other = np.float32(0), table[rows[j]]
                for a in range(d):
                    total += np.float32((point[a] - other[a]) * factor) ** 2
                if c < 0 or total < limits[i]:
                    ids[r, n], squared[r, n] = j, total
                    n += 1
        ids[r, n:], squared[r, n:] = i, np.inf
        most = max(most, n)
    return most
