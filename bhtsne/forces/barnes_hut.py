"""Tree, θ → repulsion and Z in O(N log N): groups walk, points sum two straight lists.

All points of a group share one walk. It leaves a list of far cells, seen through their mass and
quadrupole, and a list of near points. Then each point of the group sums the two lists in straight
loops, which is what vectorises. After Barnes 1990 (groups) and van der Maaten 2014 (t-SNE).

The kernel of the map is ``w = t^-e`` with ``t = 1 + r²/dof`` and ``e = (dof + 1) / 2``; at dof 1,
``w = 1 / (1 + r²)``. Summed are ``Z = Σ w`` and ``F = Σ (w / t) d``. With δ a point's offset from
its cell's centre of mass, ``M = Σ δδᵀ``, ``T = tr M`` and ``A = dᵀ M d``, the expansion to second
order of a cell of mass m at distance d is::

    Z ≈ m w − (e/α) (w/t) T + (2e(e+1)/α²) (w/t²) A
    F ≈ (m w/t − ((e+1)/α) (w/t²) T + (2(e+1)(e+2)/α²) (w/t³) A) d − (2(e+1)/α) (w/t²) M d

The first order vanishes at the centre of mass.

A map of fewer than three dimensions has None in place of the coordinates that it lacks: Numba
compiles each case on its own and drops the branches, so one body serves 1, 2 and 3 dimensions.
"""

import numpy as np
from numba import prange

from bhtsne import jit
from bhtsne.tree import Tree

# The lists are summed and emptied when they are full: they stay in the first-level cache.
_LIST = 1024
# A cell this small costs less, and errs less, as points.
_FEW = 3


def repulsion(tree: Tree, theta: float, dof: float = 1.0) -> tuple[np.ndarray, float]:
    """Return the unnormalised repulsion, float32 of shape (d, N) in tree order, and Z."""
    force = np.empty_like(tree.points)
    z = np.empty(len(tree.groups))
    scale = 1 / np.float32(dof)
    exponent = None if dof == 1 else np.float32(-(dof + 1) / 2)
    _walk(
        tree.start, tree.stop, tree.skip, tree.width, tree.groups,
        pad(tree.points, 3), pad(tree.center, 3), pad(tree.quadrupole, 6),
        np.float32(theta**2), scale, exponent, _coefficients(dof), force, z, jit.n_threads(),
    )  # fmt: skip
    return force, float(z.sum()) - len(tree.order)  # each point met itself once, with w = 1


def pad(rows, n: int) -> tuple:
    """Return the rows of an array as a tuple, with None for those short of `n`."""
    return tuple(rows) + (None,) * (n - len(rows))


def _coefficients(dof: float) -> tuple:
    """Return the four constants of the expansion; (1, 4, 2, 12) at dof 1."""
    e = (dof + 1) / 2
    return (
        np.float32(e / dof),
        np.float32(2 * e * (e + 1) / dof**2),
        np.float32((e + 1) / dof),
        np.float32(2 * (e + 1) * (e + 2) / dof**2),
    )


@jit.serial
def _row(like, buffer, a):
    """Return row a of a buffer, or None on an axis that the map does not have."""
    if like is None:
        return None
    return buffer[a]


@jit.serial
def _low(axis, start, stop):
    if axis is None:
        return np.float32(0)
    return axis[start:stop].min()


@jit.serial
def _high(axis, start, stop):
    if axis is None:
        return np.float32(0)
    return axis[start:stop].max()


@jit.serial
def _gap(axis, i, low, high):
    """Return how far coordinate i lies outside [low, high]."""
    if axis is None:
        return np.float32(0)
    return max(max(low - axis[i], axis[i] - high), np.float32(0))


@jit.serial
def _copy(axis, start, stop, to, at):
    if axis is not None:
        for i in range(start, stop):
            to[at + i - start] = axis[i]


@jit.serial
def _fill(axis, to, at, end, value):
    if axis is not None:
        to[at:end] = value


@jit.serial
def _weight(t, exponent):
    if exponent is None:
        return np.float32(1) / t
    return t**exponent


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
        w = _weight(t, exponent)
        total += w
        w *= w if exponent is None else np.float32(1) / t
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
        w = v if exponent is None else _weight(t, exponent)
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
def _sum_lists(first, last, p, near, n_near, far, n_far, low, scale, exponent, k, force):
    """Let each point of a group feel the two lists; return what they add to Z."""
    x, y, z = p
    # Whole vectors only: the lists are filled up with points too far to feel and empty cells.
    end = (n_near + 31) & ~31
    distant = low - np.float32(1e8) - np.float32(1e4) * abs(low)
    _fill(x, near[0], n_near, end, distant)
    _fill(y, near[1], n_near, end, np.float32(0))
    _fill(z, near[2], n_near, end, np.float32(0))
    far_end = (n_far + 31) & ~31
    far[:, n_far:far_end] = 0
    total = 0.0
    for i in range(first, last):
        fx, fy, fz, s = _sum_points(
            i, x, y, z, near[0], _row(y, near, 1), _row(z, near, 2), end, scale, exponent
        )
        gx, gy, gz, c = _sum_cells(
            i, x, y, z, far[0], _row(y, far, 1), _row(z, far, 2), far[3],
            far[4], _row(y, far, 5), _row(y, far, 6),
            _row(z, far, 7), _row(z, far, 8), _row(z, far, 9),
            far_end, scale, exponent, k,
        )  # fmt: skip
        force[0, i] += fx + gx
        _add(y, force, 1, i, fy + gy)
        _add(z, force, 2, i, fz + gz)
        total += np.float64(s) + np.float64(c)
    return total


@jit.serial
def _copy_cell(cell, mass, c, q, far, at):
    """Append a cell's centre, mass and quadrupole to the list."""
    _copy(c[0], cell, cell + 1, far[0], at)
    _copy(c[1], cell, cell + 1, far[1], at)
    _copy(c[2], cell, cell + 1, far[2], at)
    far[3, at] = mass
    _copy(q[0], cell, cell + 1, far[4], at)
    _copy(q[1], cell, cell + 1, far[5], at)
    _copy(q[2], cell, cell + 1, far[6], at)
    _copy(q[3], cell, cell + 1, far[7], at)
    _copy(q[4], cell, cell + 1, far[8], at)
    _copy(q[5], cell, cell + 1, far[9], at)


@jit.serial
def _walk_group(
    first, last, start, stop, skip, width, p, c, q, theta2, scale, exponent, k, near, far, force
):
    """Walk the tree once for the points first:last; return their share of Z."""
    x, y, z = p
    cx, cy, cz = c
    low_x, high_x = _low(x, first, last), _high(x, first, last)
    low_y, high_y = _low(y, first, last), _high(y, first, last)
    low_z, high_z = _low(z, first, last), _high(z, first, last)
    force[:, first:last] = 0
    total, n_near, n_far, cell = 0.0, 0, 0, 0
    while cell < len(skip):
        gx, gy = _gap(cx, cell, low_x, high_x), _gap(cy, cell, low_y, high_y)
        gz = _gap(cz, cell, low_z, high_z)
        accepted = width[cell] * width[cell] < theta2 * (gx * gx + gy * gy + gz * gz)
        begin, end = start[cell], stop[cell]
        if accepted and end - begin > _FEW:
            if n_far == _LIST:
                total += _sum_lists(
                    first, last, p, near, 0, far, n_far, low_x, scale, exponent, k, force
                )
                n_far = 0
            _copy_cell(cell, end - begin, c, q, far, n_far)
            n_far += 1
            cell = skip[cell]
        elif accepted or skip[cell] == cell + 1:
            while begin < end:
                if n_near == _LIST:
                    total += _sum_lists(
                        first, last, p, near, n_near, far, 0, low_x, scale, exponent, k, force
                    )
                    n_near = 0
                to = min(end, begin + _LIST - n_near)
                _copy(x, begin, to, near[0], n_near)
                _copy(y, begin, to, near[1], n_near)
                _copy(z, begin, to, near[2], n_near)
                n_near += to - begin
                begin = to
            cell = skip[cell]
        else:
            cell += 1
    return total + _sum_lists(
        first, last, p, near, n_near, far, n_far, low_x, scale, exponent, k, force
    )


@jit.parallel
def _walk(start, stop, skip, width, groups, p, c, q, theta2, scale, exponent, k, force, z, tasks):
    """Fill force and, group by group, z: neither depends on which task takes which group."""
    for task in prange(tasks):
        near, far = np.empty((3, _LIST), np.float32), np.empty((10, _LIST), np.float32)
        for g in range(task, len(groups), tasks):
            z[g] = _walk_group(
                start[groups[g]], stop[groups[g]], start, stop, skip, width,
                p, c, q, theta2, scale, exponent, k, near, far, force,
            )  # fmt: skip
