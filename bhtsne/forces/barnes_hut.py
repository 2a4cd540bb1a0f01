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

A map of fewer than three dimensions has None for the coordinates that it lacks: Numba compiles
each case on its own and drops the branches, so one body serves 1, 2 and 3 dimensions.
"""

import numpy as np
from numba import prange

from bhtsne import jit
from bhtsne.tree import Tree

# The lists are summed and emptied when they are full: they stay in the first-level cache.
_LIST = 1024
# The expansion errs most for points on a line: the squared length of an even segment, 12 λ / m with
# λ the difference of the largest and smallest moment, counts with the cell's width. On MNIST's
# exaggerated map the error falls from 2.4e-3 to 3.5e-4, on a diagonal line from 1.3e-2 to 1.2e-3;
# the walk takes 10 % longer.
_LINE = np.float32(12)
# The kernel is smooth at length 1, so near cells need not be ever smaller: D² + 0.1 in place of D²
# makes the walk 2 to 4 times as fast while the map is small, and no less accurate.
_SMOOTH = np.float32(0.1)
# A cell this small costs less, and errs less, as points.
_FEW = 3


def repulsion(tree: Tree, theta: float, dof: float = 1.0) -> tuple[np.ndarray, float]:
    """Return the unnormalised repulsion, float32 of shape (d, N) in tree order, and Z."""
    force, z = np.empty_like(tree.points), np.empty(len(tree.groups))
    d, m = tree.center.shape
    # What the walk asks of a cell lies together: two cache lines instead of six.
    seen = np.zeros((m, 4), np.float32)
    seen[:, :d], seen[:, 3] = tree.center.T, _squared_size(tree)
    links = np.stack([tree.start, tree.stop, tree.skip], axis=1)
    exponent = None if dof == 1 else np.float32(-(dof + 1) / 2)
    _walk(
        seen, links, tree.groups,
        _pad(tree.points, 3), _pad(tree.center, 3), _pad(tree.quadrupole, 6),
        np.float32(theta**2), 1 / np.float32(dof), exponent, _coefficients(dof),
        force, z, jit.n_threads(),
    )  # fmt: skip
    return force, float(z.sum()) - len(tree.order)  # each point met itself once, with w = 1


def _squared_size(tree: Tree) -> np.ndarray:
    """Return the cells' squared sizes: of the square, and more for points that lie on a line."""
    q, mass = tree.quadrupole, tree.stop - tree.start
    if len(q) == 1:
        spread = q[0]
    elif len(q) == 3:
        spread = np.sqrt((q[0] - q[2]) ** 2 + 4 * q[1] ** 2)
    else:
        third = (q[0] + q[2] + q[5]) / 3
        spread = np.sqrt(
            1.5 * ((q[0] - third) ** 2 + (q[2] - third) ** 2 + (q[5] - third) ** 2)
            + 3 * (q[1] ** 2 + q[3] ** 2 + q[4] ** 2)
        )
    return tree.width**2 + _LINE * spread / mass


def _pad(rows, n: int) -> tuple:
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
def _sum_near(first, last, p, near, n, low, scale, exponent, force):
    """Let each point of a group feel the n listed points; return what they add to Z."""
    x, y, z = p
    # Whole vectors only: the list is filled up with points too far to feel.
    end = (n + 31) & ~31
    near[0, n:end] = low - np.float32(1e8) - np.float32(1e4) * abs(low)
    near[1:, n:end] = 0
    total = 0.0
    for i in range(first, last):
        fx, fy, fz, s = _sum_points(
            i, x, y, z, near[0], _row(y, near, 1), _row(z, near, 2), end, scale, exponent
        )
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
    first, last, seen, links, p, c, q, theta2, scale, exponent, k, near, ids, far, force
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
                _copy(x, begin, to, near[0], n_near)
                _copy(y, begin, to, near[1], n_near)
                _copy(z, begin, to, near[2], n_near)
                n_near += to - begin
                begin = to
                if n_near == _LIST:
                    total += _sum_near(first, last, p, near, n_near, low_x, scale, exponent, force)
                    n_near = 0
            cell = skip
        else:
            cell += 1
    total += _sum_near(first, last, p, near, n_near, low_x, scale, exponent, force)
    return total + _sum_far(first, last, p, c, q, ids, n_far, far, links, scale, exponent, k, force)


@jit.parallel
def _walk(seen, links, groups, p, c, q, theta2, scale, exponent, k, force, z, tasks):
    """Fill force and, group by group, z: neither depends on which task takes which group."""
    for task in prange(tasks):
        near, far = np.empty((3, _LIST), np.float32), np.empty((10, _LIST), np.float32)
        ids = np.empty(_LIST, np.int32)
        for g in range(task, len(groups), tasks):
            z[g] = _walk_group(
                links[groups[g], 0], links[groups[g], 1], seen, links,
                p, c, q, theta2, scale, exponent, k, near, ids, far, force,
            )  # fmt: skip
