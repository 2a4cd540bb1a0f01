"""Y → `Tree`: a Morton-ordered 2^d-tree as flat arrays, with its geometry and moments.

The points are sorted along a Morton (Z-order) curve, so that every cell of the tree is a range of
consecutive points. Cells stand in depth-first order, and `skip` leads past a cell and all its
descendants, so that a walk needs no stack. Children come after their parents, so that one scan from
the end sums the moments. Layout after Barnes & Hut 1986 and Warren & Salmon 1993.
"""

from typing import NamedTuple

import numpy as np

from bhtsne import jit
from bhtsne.validation.arrays import checked_reals
from bhtsne.validation.numbers import check_count

__all__ = ["Tree", "build"]

# On MNIST's final map these sizes make the fastest repulsion. Leaves of 16 and groups of 256 are
# equally fast; leaves of 24 make the smaller tree.
LEAF_SIZE = 24
GROUP_SIZE = 192

# Bits of the key per axis. float32 carries 24; 2^21 cells across are fine enough for maps that a
# few stray points stretch a thousandfold.
_BITS: dict[int, int] = {1: 30, 2: 21, 3: 21}
_DIGIT = 11  # bits sorted per pass: 2,048 counters stay in the first-level cache


class Tree(NamedTuple):
    """A 2^d-tree over N points in d dimensions with M cells, as flat arrays.

    Attributes
    ----------
    order : ndarray of int32, shape (N,)
        Row of the input at each place of the Morton order.
    points : ndarray of float32, shape (d, N)
        Coordinates in Morton order, one contiguous row for each axis.
    start, stop : ndarray of int32, shape (M,)
        Each cell holds the points ``start:stop`` of the Morton order.
    skip : ndarray of int32, shape (M,)
        The next cell in depth-first order that is no descendant; c + 1 for a leaf c.
    width : ndarray of float32, shape (M,)
        Side of the cell.
    center : ndarray of float32, shape (d, M)
        Centre of mass; every point has mass 1.
    quadrupole : ndarray of float32, shape (d (d + 1) / 2, M)
        Σ δδᵀ over the cell's points about the centre of mass, in the order xx, xy, yy, xz, yz, zz.
    groups : ndarray of int32, shape (G,)
        The largest cells of at most `group_size` points; they partition the points.
    """

    order: np.ndarray
    points: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    skip: np.ndarray
    width: np.ndarray
    center: np.ndarray
    quadrupole: np.ndarray
    groups: np.ndarray


def build(Y, *, leaf_size: int = LEAF_SIZE, group_size: int = GROUP_SIZE) -> Tree:
    """Build the tree over a map.

    Parameters
    ----------
    Y : array_like of shape (N, d)
        Finite coordinates, N ≥ 1, d = 1, 2 or 3.
    leaf_size : int
        A cell of more points is split, unless the points coincide.
    group_size : int
        Upper bound for the points of a group (see `Tree.groups`), at least `leaf_size`. Only
        coincident points can make a leaf, and with it a group, larger.

    Returns
    -------
    Tree
        The tree; equal for equal Y, at any number of threads.

    Raises
    ------
    ValueError
        If Y is not of 1 to 3 dimensions, is empty, or is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import tree
    >>> t = tree.build(np.random.default_rng(0).normal(size=(1000, 2)))
    >>> int(t.stop[0] - t.start[0])
    1000
    """
    Y = checked_reals(Y, "Y")
    check_count("leaf_size", leaf_size)
    check_count("group_size", group_size)
    if Y.ndim != 2 or Y.shape[1] not in _BITS or not len(Y):
        raise ValueError(f"Y must be an array of shape (N, 1), (N, 2) or (N, 3), got {Y.shape}.")
    with np.errstate(over="ignore", invalid="ignore"):  # the next check reports them
        points = np.ascontiguousarray(Y.T, np.float32)
        low, high = points.min(axis=1), points.max(axis=1)
        side = float((high.astype(np.float64) - low).max())
    if not side <= 1e15:  # float32 holds its square times the number of points
        raise ValueError(f"Y must be finite, and at most 1e15 wide, got {side:g}.")
    d = len(points)
    unit = max(side, float(np.finfo(np.float32).tiny)) * (1 + 1e-6) / 2.0 ** _BITS[d]
    keys = np.empty(len(Y), np.uint64)
    _morton(points, low, 1.0 / unit, keys)
    keys, order = _sort(keys, -(-d * _BITS[d] // _DIGIT))
    points = np.take(points, order, axis=1)
    start, stop, width, groups = _split(keys, d, unit, leaf_size, max(leaf_size, group_size))
    skip = _link(start, stop, len(Y))
    center = np.empty((d, len(start)), np.float32)
    quadrupole = np.empty((d * (d + 1) // 2, len(start)), np.float32)
    _leaf_moments(points, start, stop, skip, center, quadrupole)
    _cell_moments(start, stop, skip, center, quadrupole)
    return Tree(order, points, start, stop, skip, width, center, quadrupole, groups)


@jit.serial
def _spread2(v):
    """Put one zero bit between the low 21 bits of v."""
    v = (v | (v << np.uint64(16))) & np.uint64(0x0000001F0000FFFF)
    v = (v | (v << np.uint64(8))) & np.uint64(0x001F00FF00FF00FF)
    v = (v | (v << np.uint64(4))) & np.uint64(0x010F0F0F0F0F0F0F)
    v = (v | (v << np.uint64(2))) & np.uint64(0x1333333333333333)
    return (v | (v << np.uint64(1))) & np.uint64(0x1555555555555555)


@jit.serial
def _spread3(v):
    """Put two zero bits between the low 21 bits of v."""
    v = (v | (v << np.uint64(32))) & np.uint64(0x001F00000000FFFF)
    v = (v | (v << np.uint64(16))) & np.uint64(0x001F0000FF0000FF)
    v = (v | (v << np.uint64(8))) & np.uint64(0x100F00F00F00F00F)
    v = (v | (v << np.uint64(4))) & np.uint64(0x10C30C30C30C30C3)
    return (v | (v << np.uint64(2))) & np.uint64(0x1249249249249249)


@jit.serial
def _morton(points, low, scale, keys):
    """Fill each point's place on the Z-order curve: the bits of its axes, interleaved.

    The coordinates are counted in cells of side 1 / scale from the lowest corner.
    """
    d, n = points.shape
    for i in range(n):
        key = np.uint64((points[0, i] - low[0]) * scale)
        if d == 2:
            y = np.uint64((points[1, i] - low[1]) * scale)
            key = _spread2(key) | (_spread2(y) << np.uint64(1))
        elif d == 3:
            y = np.uint64((points[1, i] - low[1]) * scale)
            z = np.uint64((points[2, i] - low[2]) * scale)
            key = _spread3(key) | (_spread3(y) << np.uint64(1)) | (_spread3(z) << np.uint64(2))
        keys[i] = key


@jit.serial
def _sort(keys, passes):
    """Sort keys by radix, least significant digit first; equal keys keep their order."""
    n = len(keys)
    order = np.empty(n, np.int32)
    for i in range(n):
        order[i] = i
    keys_to, order_to = np.empty_like(keys), np.empty_like(order)
    digits = np.uint64((1 << _DIGIT) - 1)
    for k in range(passes):
        shift = np.uint64(k * _DIGIT)
        place = np.zeros((1 << _DIGIT) + 1, np.int64)
        for i in range(n):
            place[((keys[i] >> shift) & digits) + np.uint64(1)] += 1
        if place[((keys[0] >> shift) & digits) + np.uint64(1)] == n:  # all have the same digit
            continue
        for b in range(1 << _DIGIT):
            place[b + 1] += place[b]
        for i in range(n):
            b = (keys[i] >> shift) & digits
            keys_to[place[b]] = keys[i]
            order_to[place[b]] = order[i]
            place[b] += 1
        keys, keys_to = keys_to, keys
        order, order_to = order_to, order
    return keys, order


@jit.serial
def _highest_bit(v):
    """Return the place of the highest bit of v, −1 for 0."""
    bit = -1
    for step in (32, 16, 8, 4, 2, 1):
        if v >> np.uint64(step):
            v >>= np.uint64(step)
            bit += step
    return bit + 1 if v else -1


@jit.serial
def _first_at_least(keys, start, stop, key):
    """Return the first place in keys[start:stop] whose key is not below `key`."""
    while start < stop:
        middle = (start + stop) >> 1
        if keys[middle] < key:
            start = middle + 1
        else:
            stop = middle
    return start


@jit.serial
def _split(keys, d, unit, leaf_size, group_size):
    """Split the sorted keys into cells, depth first; a cell with a single child is left out."""
    n = len(keys)
    most = 2 * n  # cells, since every inner cell has two children or more
    starts, stops = np.empty(most, np.int32), np.empty(most, np.int32)
    widths, groups = np.empty(most, np.float32), np.empty(n, np.int32)
    stack = np.empty((64 * 8, 3), np.int64)  # start, stop, whether the parent is in a group
    stack[0, 0], stack[0, 1], stack[0, 2] = 0, n, 0
    depth, cell, n_groups = 1, 0, 0
    while depth:
        depth -= 1
        start, stop, grouped = stack[depth, 0], stack[depth, 1], stack[depth, 2]
        # The highest bit in which the keys differ gives the smallest cell that holds them all.
        level = _highest_bit(keys[start] ^ keys[stop - 1])
        level = level // d if level >= 0 else -1
        starts[cell], stops[cell] = start, stop
        widths[cell] = unit * 2.0 ** (level + 1)
        leaf = stop - start <= leaf_size or level < 0
        if not grouped and (leaf or stop - start <= group_size):
            groups[n_groups] = cell
            n_groups += 1
            grouped = 1
        cell += 1
        if leaf:
            continue
        shift = np.uint64(level * d)
        base = (keys[start] >> np.uint64((level + 1) * d)) << np.uint64((level + 1) * d)
        for child in range((1 << d) - 1, -1, -1):
            first = _first_at_least(keys, start, stop, base | (np.uint64(child) << shift))
            if first < stop:
                stack[depth, 0], stack[depth, 1], stack[depth, 2] = first, stop, grouped
                depth += 1
                stop = first
    return starts[:cell].copy(), stops[:cell].copy(), widths[:cell].copy(), groups[:n_groups].copy()


@jit.serial
def _link(start, stop, n):
    """Return for each cell the next one in depth-first order that is no descendant of it."""
    m = len(start)
    skip = np.empty(m, np.int32)
    first = np.empty(n + 1, np.int32)  # the outermost later cell that starts at each point
    first[n] = m
    for c in range(m - 1, -1, -1):
        skip[c] = first[stop[c]]
        first[start[c]] = c
    return skip


@jit.serial
def _leaf_moments(points, start, stop, skip, center, quadrupole):
    """Fill the leaves' ``c = 1/m Σ y_i`` and ``S = Σ (y_i − c)(y_i − c)ᵀ`` from their points."""
    d = len(points)
    for c in range(len(start)):
        first, last = start[c], stop[c]
        if skip[c] != c + 1:
            continue
        row = 0
        for b in range(d):
            total = 0.0
            for i in range(first, last):
                total += points[b, i]
            center[b, c] = total / (last - first)
            for a in range(b + 1):
                total = 0.0
                for i in range(first, last):
                    total += (points[a, i] - center[a, c]) * (points[b, i] - center[b, c])
                quadrupole[row, c] = total
                row += 1


@jit.serial
def _cell_moments(start, stop, skip, center, quadrupole):
    """Fill c and S of all other cells from their children k, which come after them.

    ``c = 1/m Σ m_k c_k`` and ``S = Σ S_k + m_k (c_k − c)(c_k − c)ᵀ``.
    """
    d = len(center)
    mean = np.empty(d)
    for c in range(len(start) - 1, -1, -1):
        if skip[c] == c + 1:
            continue
        row = 0
        for b in range(d):
            total, k = 0.0, c + 1
            while k < skip[c]:
                total += center[b, k] * np.float64(stop[k] - start[k])
                k = skip[k]
            mean[b] = total / (stop[c] - start[c])
            center[b, c] = mean[b]
            for a in range(b + 1):
                total, k = 0.0, c + 1
                while k < skip[c]:
                    shift = (center[a, k] - mean[a]) * (center[b, k] - mean[b])
                    total += quadrupole[row, k] + shift * (stop[k] - start[k])
                    k = skip[k]
                quadrupole[row, c] = total
                row += 1
