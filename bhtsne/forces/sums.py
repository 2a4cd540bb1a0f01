"""Points, cells → the sums Z and F at points of a group, or at its nodes (see `barnes_hut`).

In the innermost functions an axis that may be None, and the exponent, are arguments of their own:
Numba drops a branch of None only where the name is an argument of the function.
"""

from typing import Any, NamedTuple

import numpy as np

from bhtsne import jit
from bhtsne.forces.nodes import polynomial

__all__ = ["BLOCK_SIZE", "LIST_SIZE", "Buffers", "add_cells", "add_points"]

LIST_SIZE = 1024  # points listed before they are summed: they stay in the first-level cache
# Points, or nodes, whose sums grow together: a vector of AVX-512, two of AVX2. The number is known
# to the compiler, and one array holds all rows of a block at fixed distances, so that the loop over
# the lanes becomes straight vector code.
_LANES = 16
_X, _Y, _Z, _W, _FX, _FY, _FZ, BLOCK_SIZE = (_LANES * a for a in range(8))
_INFINITY = np.float32(-1e20)  # its squared distance is infinite, so that w and the force are 0
# Polynomials for log2(1 + f) / f and (2^f − 1) / f on 0 ≤ f < 1; their factor f makes 1 to any
# power 1. Their error, of some 1e-6, is far below that of the tree.
_LOG2 = polynomial(lambda f: np.log2(1 + f) / f, 6)
_EXP2 = polynomial(lambda f: (np.exp2(f) - 1) / f, 3)


class Buffers(NamedTuple):
    """Working memory of one thread.

    Attributes
    ----------
    points : ndarray of float32, shape (3, LIST_SIZE)
        Coordinates of listed points.
    block : ndarray of float32, shape (BLOCK_SIZE,)
        Coordinates and sums of 16 points or nodes: x, y, z, Z, F_x, F_y, F_z.
    lists : ndarray of int32, shape (4, M)
        Queue of the walk, and distant, far and near cells.
    listed_at : ndarray of int32, shape (N,)
        As in `add_points`; all threads share it.
    box : ndarray of float32, shape (3, 2)
        Middle and half width of the group on each axis.
    nodes : Axes of T · 4^d nodes
        Coordinates of the nodes of a group for each of T threads.
    field : ndarray of float32, shape (d + 1, T · 4^d)
        Z and F at the nodes.
    weights : ndarray of float32, shape (3, 4, CHUNK)
        Weights of the interpolation from the nodes.
    """

    points: Any
    block: Any
    lists: Any
    listed_at: Any
    box: Any
    nodes: Any
    field: Any
    weights: Any


@jit.serial
def _power(t, exponent):
    """Return t^exponent, for t from 1 to infinity and an exponent below 0, by straight vector code.

    The power of the C library is called number by number: a repulsion takes several times as long.
    """
    bits = np.float32(t).view(np.int32)
    mantissa = np.int32((bits & np.int32(0x7FFFFF)) | np.int32(0x3F800000)).view(np.float32)
    f = mantissa - np.float32(1)
    log = _LOG2[6]
    for k in range(5, -1, -1):
        log = log * f + _LOG2[k]
    log = log * f + np.float32(np.int32(bits >> np.int32(23)) - np.int32(127))
    power = max(exponent * log, np.float32(-126))
    whole = np.floor(power)
    f = power - whole
    exp = (((_EXP2[3] * f + _EXP2[2]) * f + _EXP2[1]) * f + _EXP2[0]) * f + np.float32(1)
    return exp * np.int32((np.int32(whole) + np.int32(127)) << np.int32(23)).view(np.float32)


@jit.serial
def _sum_pairs(i, x, y, z, points, n, scale, exponent):
    """Return ``Σ_j w_ij`` and ``Σ_j w_ij v_ij (y_i − y_j)`` of point i and n listed points j."""
    total = fx = fy = fz = np.float32(0)
    sx, sy, sz = points[0], points[1], points[2]
    for j in range(n):
        dx = x[i] - sx[j]
        r2 = dx * dx
        if y is not None:
            dy = y[i] - sy[j]
            r2 += dy * dy
        if z is not None:
            dz = z[i] - sz[j]
            r2 += dz * dz
        t = np.float32(1) + r2 * scale
        v = np.float32(1) / t
        w = v if exponent is None else _power(t, exponent)
        total += w
        w *= v
        fx += w * dx
        if y is not None:
            fy += w * dy
        if z is not None:
            fz += w * dz
    return total, fx, fy, fz


@jit.serial
def _add_listed(first, last, targets, points, n, kernel, listed_at, sums):
    """Add the n listed points to the sums of points first:last; return how many left itself out.

    `listed_at` holds the place of each target in the list, or −1; it is None where no target can
    be listed.
    """
    # The list is filled up to whole vectors with points at infinity. A target is moved there too
    # while its own sum is made: w = 1 of itself, subtracted later, would cost digits of a small Z.
    end = (n + 31) & ~31
    points[0, n:end] = _INFINITY
    points[1:, n:end] = 0
    left_out = 0
    x, y, z = targets
    for i in range(first, last):
        if listed_at is not None and listed_at[i] >= 0:
            points[0, listed_at[i]] = _INFINITY
        of_point = _sum_pairs(i, x, y, z, points, end, kernel.scale, kernel.exponent)
        if listed_at is not None and listed_at[i] >= 0:
            points[0, listed_at[i]] = x[i]
            listed_at[i] = -1
            left_out += 1
        for row in range(len(sums)):
            sums[row, i] += of_point[row]
    return left_out


@jit.serial
def _append(axis, start, stop, points, n):
    """Copy the coordinates of points start:stop to the list from place n on."""
    if axis is not None:
        source, points = axis[start:stop], points[n:]
        for i in range(len(source)):
            points[i] = source[i]


@jit.serial
def add_points(first, last, targets, sources, leaves, cells, kernel, points, listed_at, sums):
    """Add ``Σ_j w_ij`` and ``Σ_j w_ij v_ij (y_i − y_j)`` over the points j ≠ i of leaves.

    Returns how many of the targets first:last are points of these leaves, each of which left itself
    out of its own sum. `listed_at`, −1 for all points, is None for targets outside of the tree.
    """
    left_out = n = np.int64(0)  # a plain 0 would be a type of its own, compiled as well
    for leaf in leaves:
        begin, end = cells.links[leaf, 0], cells.links[leaf, 1]
        while begin < end:
            to = min(end, begin + LIST_SIZE - n)
            if listed_at is not None:
                for i in range(max(begin, first), min(to, last)):
                    listed_at[i] = n + i - begin
            _append(sources.x, begin, to, points[0], n)
            _append(sources.y, begin, to, points[1], n)
            _append(sources.z, begin, to, points[2], n)
            n += to - begin
            begin = to
            if n == LIST_SIZE:
                left_out += _add_listed(first, last, targets, points, n, kernel, listed_at, sums)
                n = np.int64(0)
    return left_out + _add_listed(first, last, targets, points, n, kernel, listed_at, sums)


@jit.serial
def _add_cell(block, y, z, moments, exponent, kernel):
    """Add a cell to the sums of a block, by the expansion to second order in `barnes_hut`."""
    m, trace, cx, xx = moments[0], moments[1], moments[2], moments[3]
    if y is not None:
        cy, xy, yy = moments[4], moments[5], moments[6]
    if z is not None:
        cz, xz, yz, zz = moments[7], moments[8], moments[9], moments[10]
    for i in range(_LANES):
        dx = block[_X + i] - cx
        r2 = dx * dx
        mx = xx * dx
        if y is not None:
            dy = block[_Y + i] - cy
            r2 += dy * dy
            mx += xy * dy
            my = xy * dx + yy * dy
        if z is not None:
            dz = block[_Z + i] - cz
            r2 += dz * dz
            mx += xz * dz
            my += yz * dz
            mz = xz * dx + yz * dy + zz * dz
        a = mx * dx
        if y is not None:
            a += my * dy
        if z is not None:
            a += mz * dz
        t = np.float32(1) + r2 * kernel.scale
        v = np.float32(1) / t
        w = v if exponent is None else _power(t, exponent)
        u = w * v
        a *= v
        e = a - trace
        block[_W + i] += m * w + u * e
        h = v
        if exponent is not None:
            a *= kernel.stretch
            h *= kernel.turn
        g = m + v * (a + kernel.trace * e)
        block[_FX + i] += u * (g * dx - h * mx)
        if y is not None:
            block[_FY + i] += u * (g * dy - h * my)
        if z is not None:
            block[_FZ + i] += u * (g * dz - h * mz)


@jit.serial
def _load(axis, start, stop, block, row):
    """Fill a row of a block with points start:stop; the last one fills the lanes that are left."""
    if axis is not None:
        for i in range(_LANES):
            block[row + i] = axis[min(start + i, stop - 1)]


@jit.serial
def add_cells(first, last, targets, ids, cells, kernel, block, sums):
    """Add the cells of a list to the sums of targets first:last, which are points or nodes."""
    for start in range(first, last, _LANES):
        stop = min(start + _LANES, last)
        _load(targets.x, start, stop, block, _X)
        _load(targets.y, start, stop, block, _Y)
        _load(targets.z, start, stop, block, _Z)
        block[_W:] = 0
        for cell in ids:
            moments = cells.moments[cell]
            _add_cell(block, targets.y, targets.z, moments, kernel.exponent, kernel)
        for row in range(len(sums)):
            for i in range(start, stop):
                sums[row, i] += block[_W + _LANES * row + i - start]
