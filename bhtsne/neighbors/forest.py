"""X → the k nearest neighbours of every point, approximate: random trees, neighbours of neighbours.

The neighbours within the leaves of several trees make a graph, in which each point is then twice
compared with the neighbours of its neighbours (after Dong, Moses & Li 2011). The bits do not depend
on the number of threads.
"""

import threading
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from bhtsne import events, jit
from bhtsne.neighbors import exact
from bhtsne.neighbors.frames import framed, spatial_order
from bhtsne.neighbors.prefetching import AHEAD, prefetch
from bhtsne.neighbors.random_trees import fill_from_leaves
from bhtsne.validation.arrays import read_in_place

_FEW = 1000  # points up to which the exact search is used
_TREES = 6
_FROM_LEAF, _FROM_TREES = 10, 30  # neighbours that a tree, and all of them together, pass on
# Neighbours of neighbours that are compared in the two rounds, for each of the k neighbours. On
# MNIST nearly all of 90 neighbours are found, in less time than by the exact search
# (`bench/neighbors.py`).
_FIRST, _SECOND = 15, 50
_ROWS = 128  # of the graph at a time, whose candidates then fit into a core's cache
_COPIED = 4096  # points that a thread copies at a time
_BITS, _INDEX = np.uint64(32), np.uint64(2**32 - 1)  # of an index in a key
# Ends of the shares of the whole time that trees and the three passes over the graph take; progress
# is reported by them.
_SHARES = (0, 0.13, 0.17, 0.48, 1)


def nearest(X: np.ndarray, k: int, seed: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return indices int32 and Euclidean distances float32, (N, k), nearest first, without self.

    Where more points coincide than a list holds, the list contains no others. Rows that lack
    neighbours are therefore searched exactly.
    """
    if len(X) <= _FEW:
        return exact.nearest(X, k)
    order = spatial_order(X)
    points = _points(X, order)
    graph = np.empty((len(X), _TREES * _FROM_LEAF), np.int32)
    seeds = np.random.SeedSequence(seed).spawn(_TREES)

    def grow(t: int, _: int) -> None:
        near = graph[:, t * _FROM_LEAF : (t + 1) * _FROM_LEAF]
        fill_from_leaves(*points.of_kernels, np.random.default_rng(seeds[t]), near)

    trees, first, second, third = (events.portion(*ends) for ends in pairwise(_SHARES))
    with trees:
        jit.map_blocks(grow, _TREES, 1)
    endless = np.full(len(X), np.inf, np.float32)
    with first:
        graph, _ = _best(points, graph, endless, 0, max(_FROM_TREES, _width(_FIRST, k)))
    with second:
        widest = max(k, _width(_SECOND, k))
        graph, squared = _best(points, graph, endless, _width(_FIRST, k), widest)
    limits = np.ascontiguousarray(squared[:, min(k, squared.shape[1]) - 1])
    with third:
        graph, squared = _best(points, graph, limits, _width(_SECOND, k), k)
    indices, distances = np.empty((len(X), k), np.int32), np.empty((len(X), k), np.float32)
    width = graph.shape[1]

    def write(start: int, stop: int) -> None:
        mine = order[start:stop]
        indices[mine, :width] = order[graph[start:stop]]
        with np.errstate(over="ignore"):  # `find` reports it
            distances[mine, :width] = np.sqrt(squared[start:stop]) * np.float32(points.scale)

    jit.map_blocks(write, len(X), _COPIED, interruptible=False)
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
    factor : float
        Factor of the differences of coordinates in the table that leads to those distances.
    """

    table: np.ndarray
    rows: np.ndarray
    scale: float
    factor: np.floating

    @property
    def of_kernels(self) -> tuple[np.ndarray, np.ndarray, np.floating]:
        """Return what kernels take."""
        return self.table, self.rows, self.factor


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
        table = np.asarray(X)
        real = np.float32 if table.dtype == np.float32 else np.float64
        return _Points(table, order, frame.scale, real(1 / frame.scale))
    points = np.empty(X.shape, np.float32)

    def copy(start: int, stop: int) -> None:
        points[start:stop] = frame.of(X[order[start:stop]])

    jit.map_blocks(copy, len(X), _COPIED, interruptible=False)
    rows = np.arange(len(X), dtype=np.int32)
    return _Points(points, rows, frame.scale, np.float32(1))


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
            *points.of_kernels, graph, limits, width, start, stop, k, of_thread.buffers
        )
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
    longest = k
    for i in range(first, stop):
        own, n = _list_candidates(graph, i, width, buffers)
        point[:] = table[rows[i]]
        count = 0
        for c in range(n):
            prefetch(table, rows[listed[min(c + AHEAD, n - 1)]])
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
