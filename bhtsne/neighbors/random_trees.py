"""Points → one random tree, and the nearest neighbours of each point within its leaf.

A tree halves the points again and again across a random direction, and compares the points of a
leaf with each other (Dasgupta & Freund 2008). It is one call of a kernel, so that threads that make
several trees never wait for Python's lock.
"""

import numpy as np

from bhtsne import jit
from bhtsne.neighbors.prefetching import AHEAD, prefetch

__all__ = ["fill_from_leaves"]

_LEAF = 128  # points, at most
_BISECTIONS = 24  # as many as float32 has digits
_DEEPEST = 64  # more halves than there are bits in a number of points


def fill_from_leaves(table, rows, factor, rng, near) -> None:
    """Fill the nearest neighbours of each point within its leaf of a random tree.

    Parameters
    ----------
    table : ndarray of shape (N, D)
        Points.
    rows : ndarray of int32, shape (N,)
        Row of the table of each point.
    factor : float
        Factor of the differences of coordinates.
    rng : numpy.random.Generator
        Chooses the directions.
    near : ndarray of int32, shape (N, k)
        Result: indices into rows, nearest first. A leaf has more than k points.
    """
    _fill(table, rows, factor, rng.random((2 * len(rows) // _LEAF + 1, 2)), near)


@jit.serial
def _fill(table, rows, factor, draws, near):
    """Fill the neighbours; each part that is halved takes two of the numbers drawn from [0, 1)."""
    n, node, depth = len(rows), 0, 1
    part, spare = np.arange(n).astype(np.int32), np.empty(n, np.int32)
    along = np.empty(n, np.float32)
    coordinates = np.empty((_LEAF, table.shape[1]), np.float32)
    squared = np.empty((_LEAF, _LEAF), np.float32)
    waiting = np.empty((_DEEPEST, 2), np.int64)
    waiting[0] = 0, n
    while depth:
        depth -= 1
        start, stop = waiting[depth]
        some, m = part[start:stop], stop - start
        if m > _LEAF:
            first = int(draws[node, 0] * m)
            second = (first + 1 + int(draws[node, 1] * (m - 1))) % m
            node += 1
            _project(table, rows, factor, some, some[first], some[second], along)
            _halve(some, along[:m], spare)
            waiting[depth] = start + m // 2, stop
            waiting[depth + 1] = start, start + m // 2
            depth += 2
        else:
            _measure(table, rows, factor, some, coordinates, squared)
            _choose(squared, some, near)


@jit.serial
def _project(table, rows, factor, part, start, end, along):
    """Fill the coordinates of points along the line from one point to another."""
    origin = table[rows[start]]
    direction = (table[rows[end]] - origin) * factor
    for i in range(len(part)):
        prefetch(table, rows[part[min(i + AHEAD, len(part) - 1)]])
        row, total = rows[part[i]], np.float32(0)
        for a in range(len(direction)):
            total += np.float32((table[row, a] - origin[a]) * factor * direction[a])
        along[i] = total


@jit.serial
def _halve(part, along, spare):
    """Bring the half of the points with the lower coordinates first; both retain their order.

    The median is found by bisection, as in `forces.pruning`. Of the points that are as near to it
    as float32 can tell, the first ones go to the lower half.
    """
    m = len(part)
    low, high = along[0], along[0]
    for i in range(m):
        low, high = min(low, along[i]), max(high, along[i])
    below = 0  # points whose coordinates are less than `low`
    for _ in range(_BISECTIONS):
        middle, count = (low + high) / np.float32(2), 0
        for i in range(m):
            count += along[i] < middle
        if count <= m // 2:
            low, below = middle, count
        else:
            high = middle
        if count == m // 2:
            break
    free, left, right = m // 2 - below, 0, 0  # free: places for points that are not below
    for i in range(m):
        is_lower = along[i] < low
        if not is_lower and along[i] <= high and free > 0:
            is_lower = True
            free -= 1
        if is_lower:
            part[left] = part[i]
            left += 1
        else:
            spare[right] = part[i]
            right += 1
    part[left:] = spare[:right]


@jit.serial
def _measure(table, rows, factor, part, coordinates, squared):
    """Fill the squared distances between the points of a leaf."""
    d = table.shape[1]
    origin = table[rows[part[0]]]
    for i in range(len(part)):
        prefetch(table, rows[part[min(i + AHEAD, len(part) - 1)]])
        for a in range(d):
            coordinates[i, a] = (table[rows[part[i]], a] - origin[a]) * factor
    for i in range(len(part)):
        for j in range(i):
            total = np.float32(0)
            for a in range(d):
                total += (coordinates[i, a] - coordinates[j, a]) ** 2
            squared[i, j] = squared[j, i] = total


@jit.serial
def _choose(squared, part, near):
    """Fill the nearest neighbours of the points of a leaf, given its distances in both directions.

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
