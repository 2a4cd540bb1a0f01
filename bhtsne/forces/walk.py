"""The walk and the sums of `barnes_hut`, compiled: see there for what they compute.

A map of fewer than three dimensions has None for the coordinates that it lacks: Numba compiles
each case on its own and drops the branches, so one body serves 1, 2 and 3 dimensions.
"""

import numpy as np
from numba import prange

from bhtsne import jit

# The lists are summed and emptied when they are full: they stay in the cache of a core.
_LIST = 1024
# The kernel is smooth at length 1, so near cells need not be ever smaller: D² + 0.1 in place of D²
# makes the walk 2 to 5 times as fast while the map is small, and no less accurate.
_SMOOTH = np.float32(0.1)
# A cell this small costs less, and errs less, as points.
_FEW = 3


@jit.serial
def _row(like, buffer, a):
    """Return row a of a buffer, or None on an axis that the map does not have."""
    if like is None:
        return None
    return buffer[a]


@jit.serial
def _bounds(axis, start, stop):
    if axis is None:
        return np.float32(0), np.float32(0)
    return axis[start:stop].min(), axis[start:stop].max()


@jit.serial
def _copy(axis, start, stop, to, at):
    if axis is not None:
        for i in range(stop - start):
            to[at + i] = axis[start + i]


@jit.serial
def _collect(axis, ids, n, end, to):
    """Fill to with the entries of the n listed cells and zeros up to end."""
    if axis is not None:
        for j in range(n):
            to[j] = axis[ids[j]]
        to[n:end] = 0


@jit.serial
def _sum_points(i, x, y, z, sx, sy, sz, n, scale, exponent):
    """Return F and Z that n listed points exert on point i."""
    fx, fy, fz, total = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
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
        w = v if exponent is None else t**exponent
        total += w
        w *= v
        fx += w * dx
        if y is not None:
            fy += w * dy
        if z is not None:
            fz += w * dz
    return fx, fy, fz, total


@jit.serial
def _sum_cells(i, x, y, z, cx, cy, cz, m, xx, xy, yy, xz, yz, zz, n, scale, exponent, k):
    """Return F and Z that n listed cells exert on point i, to second order."""
    k1, k2, k3, k4 = k
    fx, fy, fz, total = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
    for j in range(n):
        dx = x[i] - cx[j]
        r2 = dx * dx
        trace = xx[j]
        mx = xx[j] * dx
        if y is not None:
            dy = y[i] - cy[j]
            r2 += dy * dy
            trace += yy[j]
            mx += xy[j] * dy
            my = xy[j] * dx + yy[j] * dy
        if z is not None:
            dz = z[i] - cz[j]
            r2 += dz * dz
            trace += zz[j]
            mx += xz[j] * dz
            my += yz[j] * dz
            mz = xz[j] * dx + yz[j] * dy + zz[j] * dz
        a = mx * dx
        if y is not None:
            a += my * dy
        if z is not None:
            a += mz * dz
        t = np.float32(1) + r2 * scale
        v = np.float32(1) / t
        w = v if exponent is None else t**exponent
        u = w * v
        h = k3 * u * v
        total += m[j] * w + u * (k2 * v * a - k1 * trace)
        g = m[j] * u - h * trace + k4 * u * v * v * a
        h *= np.float32(2)
        fx += g * dx - h * mx
        if y is not None:
            fy += g * dy - h * my
        if z is not None:
            fz += g * dz - h * mz
    return fx, fy, fz, total


@jit.serial
def _add(axis, force, a, i, f):
    if axis is not None:
        force[a, i] += f


@jit.serial
def _sum_near(first, last, p, near, n, low, scale, exponent, place, force):
    """Let each point of a group feel the n listed points but itself; return what adds to Z."""
    x, y, z = p
    # Whole vectors only: the list is filled up with points too far to feel. So is, for its turn,
    # the point itself: its w = 1, subtracted later, would drown the small Z of a sparse map.
    end = (n + 31) & ~31
    distant = low - np.float32(1e15) - np.float32(1e4) * abs(low)
    near[0, n:end] = distant
    near[1:, n:end] = 0
    total = 0.0
    for i in range(first, last):
        if place[i] >= 0:
            near[0, place[i]] = distant
        fx, fy, fz, s = _sum_points(
            i, x, y, z, near[0], _row(y, near, 1), _row(z, near, 2), end, scale, exponent
        )
        if place[i] >= 0:
            near[0, place[i]] = x[i]
            place[i] = -1
            total += 1
        force[0, i] += fx
        _add(y, force, 1, i, fy)
        _add(z, force, 2, i, fz)
        total += s
    return total


@jit.serial
def _sum_far(first, last, p, c, q, ids, n, far, links, scale, exponent, k, force):
    """Let each point of a group feel the n listed cells; return what they add to Z."""
    x, y, z = p
    end = (n + 31) & ~31  # whole vectors only: the list is filled up with empty cells
    for j in range(n):
        far[0, j] = links[ids[j], 1] - links[ids[j], 0]
    far[0, n:end] = 0
    _collect(c[0], ids, n, end, far[1])
    _collect(c[1], ids, n, end, far[2])
    _collect(c[2], ids, n, end, far[3])
    _collect(q[0], ids, n, end, far[4])
    _collect(q[1], ids, n, end, far[5])
    _collect(q[2], ids, n, end, far[6])
    _collect(q[3], ids, n, end, far[7])
    _collect(q[4], ids, n, end, far[8])
    _collect(q[5], ids, n, end, far[9])
    total = 0.0
    for i in range(first, last):
        fx, fy, fz, s = _sum_cells(
            i, x, y, z, far[1], _row(y, far, 2), _row(z, far, 3), far[0],
            far[4], _row(y, far, 5), _row(y, far, 6),
            _row(z, far, 7), _row(z, far, 8), _row(z, far, 9),
            end, scale, exponent, k,
        )  # fmt: skip
        force[0, i] += fx
        _add(y, force, 1, i, fy)
        _add(z, force, 2, i, fz)
        total += s
    return total


@jit.serial
def _walk_group(
    first, last, seen, links, p, c, q, theta2, scale, exponent, k, near, ids, far, place, force
):
    """Walk the tree once for the points first:last; return their share of Z."""
    x, y, z = p
    low_x, high_x = _bounds(x, first, last)
    low_y, high_y = _bounds(y, first, last)
    low_z, high_z = _bounds(z, first, last)
    zero = np.float32(0)
    force[:, first:last] = 0
    total, n_near, n_far, cell = 0.0, 0, 0, 0
    while cell < len(links):
        gx = max(max(low_x - seen[cell, 0], seen[cell, 0] - high_x), zero)
        gy = max(max(low_y - seen[cell, 1], seen[cell, 1] - high_y), zero)
        gz = max(max(low_z - seen[cell, 2], seen[cell, 2] - high_z), zero)
        accepted = seen[cell, 3] < theta2 * (_SMOOTH + gx * gx + gy * gy + gz * gz)
        begin, end, skip = links[cell, 0], links[cell, 1], links[cell, 2]
        if accepted and end - begin > _FEW:
            ids[n_far] = cell
            n_far += 1
            if n_far == _LIST:
                total += _sum_far(
                    first, last, p, c, q, ids, n_far, far, links, scale, exponent, k, force
                )
                n_far = 0
            cell = skip
        elif accepted or skip == cell + 1:
            while begin < end:
                to = min(end, begin + _LIST - n_near)
                for i in range(max(begin, first), min(to, last)):
                    place[i] = n_near + i - begin
                _copy(x, begin, to, near[0], n_near)
                _copy(y, begin, to, near[1], n_near)
                _copy(z, begin, to, near[2], n_near)
                n_near += to - begin
                begin = to
                if n_near == _LIST:
                    total += _sum_near(
                        first, last, p, near, n_near, low_x, scale, exponent, place, force
                    )
                    n_near = 0
            cell = skip
        else:
            cell += 1
    total += _sum_near(first, last, p, near, n_near, low_x, scale, exponent, place, force)
    total += _sum_far(first, last, p, c, q, ids, n_far, far, links, scale, exponent, k, force)
    return total - (last - first)  # each point met itself once, with w = 1


@jit.parallel
def walk(seen, links, groups, p, c, q, theta2, scale, exponent, k, place, force, z, tasks):
    """Fill force and, group by group, z: neither depends on which task takes which group."""
    for task in prange(tasks):
        near, far = np.empty((3, _LIST), np.float32), np.empty((10, _LIST), np.float32)
        ids = np.empty(_LIST, np.int32)
        for g in range(task, len(groups), tasks):
            z[g] = _walk_group(
                links[groups[g], 0], links[groups[g], 1], seen, links,
                p, c, q, theta2, scale, exponent, k, near, ids, far, place, force,
            )  # fmt: skip
