"""The walk and the sums of `barnes_hut`, compiled: see there for what they compute.

A map of fewer dimensions has None for the coordinates that it lacks: Numba compiles each case on
its own and drops the branches, so one body serves 1, 2 and 3 dimensions.
"""

import numpy as np
from numba import prange

from bhtsne import jit
from bhtsne.forces.nodes import polynomial

_LIST = 1024  # points listed before they are summed: they stay in the first-level cache
_DISTANT = np.float32(-1e20)  # from here the square of the distance is infinite: nobody is felt
# Points that feel a cell at once: a vector of AVX-512, two of AVX2. Known when it is compiled, and
# all in one array at fixed distances, so that the loop over them becomes straight vector code.
_LANES = 16
_X, _Y, _Z, _W, _FX, _FY, _FZ, _END = (_LANES * a for a in range(8))
# The kernel is smooth at length 1, so near cells need not be ever smaller: D² + 0.5 in place of D²
# makes the walk 2 to 5 times as fast while the map is small, and no less accurate.
_SMOOTH = np.float32(0.5)
# Polynomials for log2(1 + f) / f and (2^f − 1) / f, 0 ≤ f < 1, so that 1 to any power is 1. They
# err by 1e-6 and 4e-6, the tree by 1e-4.
_LOG2 = polynomial(lambda f: np.log2(1 + f) / f, 6)
_EXP2 = polynomial(lambda f: (np.exp2(f) - 1) / f, 3)
_FEW = 3  # a cell of so many points costs less, and errs less, as points
# Seen from 2.5 / θ half widths of a group away, what a cell exerts is smooth across the group: at θ
# 0.5 the nodes then add nothing to the error; at 2 / θ a line in three dimensions errs by 3e-3.
_FLAT = np.float32(2.5**2)


@jit.serial
def _power(t, exponent):
    """Return t^exponent, for t from 1 to infinity and an exponent below 0, by straight vector code.

    The C library's in its place takes a repulsion at dof 0.5 from 17 to 113 ms.
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
def _row(like, buffer, a):
    """Return row a of a buffer, or None on an axis that the map does not have."""
    if like is None:
        return None
    return buffer[a]


@jit.serial
def _choose(first, last, count, box, seen, links, theta2, ids):
    """Walk the tree for a group; return how many smooth cells, far cells and leaves it chose."""
    # Without a branch: the next cells are fetched while one is judged.
    queue, flat, far, leaves = ids
    wide = _FLAT * max(box[0, 1], box[1, 1], box[2, 1]) ** 2
    smooth = (last - first > count) & (wide > 0)  # else the group has fewer points than nodes
    n_flat, n_far, n_leaves, head, tail = 0, 0, 0, 0, 1
    queue[0] = 0
    while head < tail:
        cell = queue[head]
        head += 1
        center2 = border2 = _SMOOTH
        for a in range(3):
            d = abs(seen[cell, a] - box[a, 0])
            center2 += d * d
            border2 += max(d - box[a, 1], np.float32(0)) ** 2
        holds = (links[cell, 0] <= first) & (last <= links[cell, 1])  # far as its middle may be
        accepted = (seen[cell, 3] < theta2 * border2) & ~holds
        is_flat = accepted & smooth & (wide < theta2 * center2)
        is_far = accepted & ~is_flat & (links[cell, 1] - links[cell, 0] > _FEW)
        is_leaf = (accepted | (links[cell, 2] == cell + 1)) & ~is_far & ~is_flat
        flat[n_flat] = far[n_far] = leaves[n_leaves] = cell
        n_flat += is_flat
        n_far += is_far
        n_leaves += is_leaf
        if not (is_flat | is_far | is_leaf):
            child = cell + 1
            while child < links[cell, 2]:
                queue[tail] = child
                tail += 1
                child = links[child, 2]
    return n_flat, n_far, n_leaves


@jit.serial
def _sum_points(i, x, y, z, near, n, scale, exponent):
    """Return Z and F that n listed points exert on point i."""
    total = fx = fy = fz = np.float32(0)
    sx, sy, sz = near[0], near[1], near[2]
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
def _sum_near(first, last, p, near, n, kernel, place, out):
    """Let each point of a group feel the n listed points but itself; count those among them.

    `place` says where each point of the group is listed; None, if none of them can be.
    """
    (x, y, z), (scale, exponent, _) = p, kernel
    # Whole vectors only: the list is filled up with points too far to feel. So is, for its turn,
    # the point itself: its w = 1, subtracted later, would drown the small Z of a sparse map.
    end = (n + 31) & ~31
    near[0, n:end] = _DISTANT
    near[1:, n:end] = 0
    listed = 0
    for i in range(first, last):
        if place is not None and place[i] >= 0:
            near[0, place[i]] = _DISTANT
        sums = _sum_points(i, x, y, z, near, end, scale, exponent)
        if place is not None and place[i] >= 0:
            near[0, place[i]] = x[i]
            place[i] = -1
            listed += 1
        for row in range(len(out)):
            out[row, i] += sums[row]
    return listed


@jit.serial
def _copy(axis, start, stop, to, at):
    if axis is not None:
        source, to = axis[start:stop], to[at:]
        for i in range(len(source)):
            to[i] = source[i]


@jit.serial
def _feel_leaves(first, last, links, leaves, p, sources, near, kernel, place, out):
    """Let a group feel the points of leaves; return how many of its own were among them."""
    x, y, z = sources
    listed, n = 0, 0
    for leaf in leaves:
        begin, end = links[leaf, 0], links[leaf, 1]
        while begin < end:
            to = min(end, begin + _LIST - n)
            if place is not None:
                for i in range(max(begin, first), min(to, last)):
                    place[i] = n + i - begin
            _copy(x, begin, to, near[0], n)
            _copy(y, begin, to, near[1], n)
            _copy(z, begin, to, near[2], n)
            n += to - begin
            begin = to
            if n == _LIST:
                listed += _sum_near(first, last, p, near, n, kernel, place, out)
                n = 0
    return listed + _sum_near(first, last, p, near, n, kernel, place, out)


@jit.serial
def _feel_cell(b, y, z, cell, scale, exponent, factors):
    """Add what a cell exerts on the points of a block, to second order."""
    k2, k3, k4 = factors
    m, trace, cx, xx = cell[0], cell[1], cell[2], cell[3]
    if y is not None:
        cy, xy, yy = cell[4], cell[5], cell[6]
    if z is not None:
        cz, xz, yz, zz = cell[7], cell[8], cell[9], cell[10]
    for i in range(_LANES):
        dx = b[_X + i] - cx
        r2 = dx * dx
        mx = xx * dx
        if y is not None:
            dy = b[_Y + i] - cy
            r2 += dy * dy
            mx += xy * dy
            my = xy * dx + yy * dy
        if z is not None:
            dz = b[_Z + i] - cz
            r2 += dz * dz
            mx += xz * dz
            my += yz * dz
            mz = xz * dx + yz * dy + zz * dz
        a = mx * dx
        if y is not None:
            a += my * dy
        if z is not None:
            a += mz * dz
        t = np.float32(1) + r2 * scale
        v = np.float32(1) / t
        w = v if exponent is None else _power(t, exponent)
        u = w * v
        a *= v
        e = a - trace
        b[_W + i] += m * w + u * e
        h = v
        if exponent is not None:
            a *= k4
            h *= k3
        g = m + v * (a + k2 * e)
        b[_FX + i] += u * (g * dx - h * mx)
        if y is not None:
            b[_FY + i] += u * (g * dy - h * my)
        if z is not None:
            b[_FZ + i] += u * (g * dz - h * mz)


@jit.serial
def _load(axis, start, stop, b, at):
    """Fill a row of a block; points beyond the last stand where the last one does."""
    if axis is not None:
        for i in range(_LANES):
            b[at + i] = axis[min(start + i, stop - 1)]


@jit.serial
def _feel_cells(first, last, p, cells, ids, kernel, b, out):
    """Let points, or nodes, feel the listed cells, block by block."""
    (x, y, z), (scale, exponent, factors) = p, kernel
    for start in range(first, last, _LANES):
        stop = min(start + _LANES, last)
        _load(x, start, stop, b, _X)
        _load(y, start, stop, b, _Y)
        _load(z, start, stop, b, _Z)
        b[_W:] = 0
        for cell in ids:
            _feel_cell(b, y, z, cells[cell], scale, exponent, factors)
        for row in range(len(out)):
            for i in range(start, stop):
                out[row, i] += b[_W + _LANES * row + i - start]


@jit.serial
def _walk_group(first, last, seen, links, cells, p, theta2, kernel, at, buffers, place, out):
    """Sum what the points first:last and their nodes feel; return how many met themselves."""
    near, b, ids = buffers
    box, nodes, felt = at
    count = nodes.shape[1]
    n_flat, n_far, n_leaves = _choose(first, last, count, box, seen, links, theta2, ids)
    out[:, first:last] = 0
    felt[:] = 0
    listed = _feel_leaves(first, last, links, ids[3, :n_leaves], p, p, near, kernel, place, out)
    _feel_cells(first, last, p, cells, ids[2, :n_far], kernel, b, out)
    q = (nodes[0], _row(p[1], nodes, 1), _row(p[2], nodes, 2))
    _feel_cells(0, count, q, cells, ids[1, :n_flat], kernel, b, felt)
    return last - first - listed  # the others stand in a cell that they felt


@jit.parallel
def walk(
    seen, links, groups, cells, p, theta2, scale, exponent, factors,
    boxes, nodes, felt, place, out, met, tasks,
):  # fmt: skip
    """Fill out, felt at the groups' nodes, and met: how many of a group's points met themselves."""
    for task in prange(tasks):
        buffers = (
            np.empty((3, _LIST), np.float32), np.empty(_END, np.float32),
            np.empty((4, len(links)), np.int32),
        )  # fmt: skip
        for g in range(task, len(groups), tasks):
            met[g] = _walk_group(
                links[groups[g], 0], links[groups[g], 1], seen, links, cells, p, theta2,
                (scale, exponent, factors), (boxes[g], nodes[g], felt[g]), buffers, place, out,
            )  # fmt: skip


@jit.parallel
def visit(
    first, last, boxes, p, seen, links, cells, sources, theta2, scale, exponent, factors, out, tasks
):
    """Fill out with what other points, in groups, feel of the points of a tree."""
    for task in prange(tasks):
        kernel = scale, exponent, factors
        near, b = np.empty((3, _LIST), np.float32), np.empty(_END, np.float32)
        ids = np.empty((4, len(links)), np.int32)
        for g in range(task, len(first), tasks):
            _, n_far, n_leaves = _choose(-1, -1, 0, boxes[g], seen, links, theta2, ids)
            here, leaves = slice(first[g], last[g]), ids[3, :n_leaves]
            out[:, here] = 0
            _feel_leaves(first[g], last[g], links, leaves, p, sources, near, kernel, None, out)
            _feel_cells(first[g], last[g], p, cells, ids[2, :n_far], kernel, b, out)
