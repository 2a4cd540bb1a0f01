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
from bhtsne.neighbors.prefetching import LINE, prefetch
from bhtsne.validation.arrays import read_in_place

_FEW = 1000  # points up to which the exact search is used
_TREES, _LEAF = 6, 128
_FROM_LEAF, _FROM_TREES = 10, 30  # neighbours that a leaf, and all trees together, pass on
# Neighbours of neighbours that are compared in the two rounds, for each of the k neighbours. On
# MNIST nearly all of 90 neighbours are found, in less time than by the exact search
# (`bench/neighbors.py`).
_FIRST, _SECOND = 15, 50
# A candidate is fetched from memory so many candidates before its distance is computed, and so many
# bytes of it: the processor itself fetches what follows (`bench/NOTES.md` has the times).
_AHEAD, _MOST_BYTES = 12, 512
_ROWS = 128  # of the graph at a time, whose candidates then fit into a core's cache
_BITS, _INDEX = np.uint64(32), np.uint64(2**32 - 1)  # of an index in a key
# Ends of the shares of the whole time that trees and the three passes over the graph take; progress
# is reported by them.
_SHARES = (0, 0.21, 0.25, 0.51, 1)


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

    @property
    def factor(self) -> np.floating:
        """Return the factor of the rows of the table that leads to the frame, but for a shift."""
        real = np.float32 if self.table.dtype == np.float32 else np.float64
        return real(1 if self.frame is None else 1 / self.scale)


class _Buffers(NamedTuple):
    """Working memory of a thread for N points, blocks of R rows and at most C candidates of each.

    Attributes
    ----------
    point : ndarray of shape (D,)
        Coordinates of a row.
    listed_by : ndarray of int32, shape (N,)
        For each point, the last row whose candidate it was.
    listed : ndarray of int32, shape (C + 1,)
        Candidates of a row, each once.
    keys : ndarray of uint64, shape (R, C + 1)
        Candidates of each row as numbers that sort by distance and then by index: the bits of the
        squared distance, a float32, above those of the index.
    counts : ndarray of int64, shape (R,)
        Number of keys of each row.
    """

    point: np.ndarray
    listed_by: np.ndarray
    listed: np.ndarray
    keys: np.ndarray
    counts: np.ndarray


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
    n = len(points.rows)
    near = np.empty((n, min(_FROM_LEAF, n - 1)), np.int32)
    parts = [np.arange(n, dtype=np.int32)]
    while parts:
        part = parts.pop()
        if len(part) > _LEAF:
            ends = part[rng.choice(len(part), 2, replace=False)]
            along = np.empty(len(part), np.float32)
            _project(points.table, points.rows, points.factor, part, *ends, along)
            middle = len(part) // 2
            halves = np.argpartition(along, middle)
            # Each half in the order of memory.
            parts += [part[np.sort(halves[:middle])], part[np.sort(halves[middle:])]]
            continue
        some = points.at(part)
        # Without the square of the point itself, which is the same for all others.
        squared = np.einsum("ij,ij->i", some, some) - 2 * (some @ some.T)
        _choose(squared, part, near)
    return near


@jit.serial
def _project(table, rows, factor, part, start, end, along):
    """Fill the coordinates of points along the line from one point to another."""
    origin = table[rows[start]]
    direction = (table[rows[end]] - origin) * factor
    for i in range(len(part)):
        row, total = rows[part[i]], np.float32(0)
        for a in range(len(direction)):
            total += np.float32((table[row, a] - origin[a]) * factor * direction[a])
        along[i] = total


@jit.serial
def _choose(squared, part, near):
    """Fill the nearest neighbours of the points of a leaf, given its distances in two directions.

    Other points follow on the point itself, so that coincident ones choose different neighbours.
    """
    m, last = len(part), near.shape[1] - 1
    nearest, columns = np.empty(last + 1, squared.dtype), np.empty(last + 1, np.int32)
    for i in range(m):
        nearest[:] = np.inf
        for j in range(i + 1, i + m):
            column = j if j < m else j - m
            distance = squared[i, column]
            if distance < nearest[last]:
                c = last
                while c > 0 and nearest[c - 1] > distance:
                    nearest[c], columns[c] = nearest[c - 1], columns[c - 1]
                    c -= 1
                nearest[c], columns[c] = distance, column
        for c in range(last + 1):
            near[part[i], c] = part[columns[c]]


def _best(points: _Points, graph, limits, width: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the k nearest of each point, and squared distances, among its candidates in a graph.

    Candidates are its neighbours, and of the first `width` of them the first `width` neighbours,
    if they are nearer than the limit of the row.
    """
    n, width = len(graph), min(width, graph.shape[1])
    most = graph.shape[1] + width**2
    k, rows = min(k, most), min(_ROWS, n)
    indices, squared = np.empty((n, k), np.int32), np.empty((n, k), np.float32)
    of_thread = threading.local()

    def block(start: int, stop: int) -> None:
        if not hasattr(of_thread, "buffers"):  # new memory for each block costs page faults
            of_thread.buffers = _Buffers(
                np.empty(points.table.shape[1], points.table.dtype), np.full(n, -1, np.int32),
                np.empty(most + 1, np.int32), np.empty((rows, most + 1), np.uint64),
                np.empty(rows, np.int64),
            )  # fmt: skip
        longest = _compare(
            points.table, points.rows, points.factor, graph, limits, width, start, stop, k,
            of_thread.buffers,
        )  # fmt: skip
        keys = np.partition(of_thread.buffers.keys[: stop - start, :longest], k - 1, axis=1)[:, :k]
        keys.sort(axis=1)
        indices[start:stop] = keys & _INDEX
        squared[start:stop] = (keys >> _BITS).astype(np.uint32).view(np.float32)

    jit.map_blocks(block, n, _ROWS)
    return indices, squared


@jit.serial
def _compare(table, rows, factor, graph, limits, width, first, stop, k, buffers):
    """Fill the keys of the candidates of rows first … stop (see `_best`).

    Return the largest number of them, at least k; rows of fewer are filled up with themselves at
    infinite distance. Squared distances are ``Σ_a (factor (x_a − y_a))²``, in float32.
    """
    point, _, listed, keys, counts = buffers
    row_bytes, longest = min(table.shape[1] * table.itemsize, _MOST_BYTES), k
    for i in range(first, stop):
        own, n = _list_candidates(graph, i, width, buffers)
        point[:] = table[rows[i]]
        count = 0
        for c in range(n):
            ahead = rows[listed[min(c + _AHEAD, n - 1)]]
            for byte in range(0, row_bytes, LINE):
                prefetch(table, ahead, byte)
            j, total = listed[c], np.float32(0)
            for a in range(len(point)):
                total += np.float32((point[a] - table[rows[j], a]) * factor) ** 2
            keys[i - first, count] = _key(total, j)
            count += (c < own) | (total < limits[i])
        counts[i - first] = count
        longest = max(longest, count)
    for i in range(first, stop):
        keys[i - first, counts[i - first] : longest] = _key(np.inf, i)
    return longest


@jit.serial
def _list_candidates(graph, i, width, buffers):
    """List the candidates of a row, each once; return the number of its neighbours, and of all."""
    own, n = 0, 0
    buffers.listed_by[i] = i
    for c in range(-1, width):
        near = graph[i] if c < 0 else graph[graph[i, c], :width]
        for j in near:
            # Without a branch, which the processor would predict wrongly half of the time: the next
            # point replaces one that is listed already.
            buffers.listed[n] = j
            n += buffers.listed_by[j] != i
            buffers.listed_by[j] = i
        if c < 0:
            own = n
    return own, n


@jit.serial
def _key(squared, i):
    return (np.uint64(np.float32(squared).view(np.uint32)) << _BITS) | np.uint64(i)
