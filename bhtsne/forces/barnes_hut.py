"""Tree, θ → repulsion and Z in O(N log N): each group walks once, straight loops sum.

The points of a group share one walk (after Barnes 1990 and van der Maaten 2014), which sorts cells
into near, far and distant ones (see `walk`).

The kernel is ``w = t^-e`` with ``t = 1 + r²/α``, ``e = (α + 1) / 2`` and α the dof; 1 / (1 + r²)
at dof 1. The sums are ``Z = Σ w`` and ``F = Σ u d`` with ``v = 1/t`` and ``u = w v``. With δ the
offset of a point from its cell's centre of mass, about which the first order vanishes,
``S = Σ δδᵀ``, ``M' = 2e(e+1)/α² S``, ``T' = e/α tr S`` and ``a = v dᵀM'd``, a cell of mass m at
distance d adds, to second order::

    Z ≈ m w + u (a − T')
    F ≈ u ((m + v (a/e + (e+1)/e (a − T'))) d − (α/e) v M'd)
"""

import numpy as np
from numba import prange

from bhtsne import jit
from bhtsne.forces import nodes, packed
from bhtsne.forces.counting import advance
from bhtsne.forces.packed import Packed
from bhtsne.forces.sums import BLOCK_SIZE, LIST_SIZE, Buffers, add_cells, add_points
from bhtsne.forces.walk import Target, sort_cells

__all__ = ["Field", "repulsion", "sum_groups"]


def repulsion(sources: Packed, theta: float) -> tuple[np.ndarray, float]:
    """Return the unnormalised repulsion, float32 of the shape of the map, and Z."""
    tree, axes, cells, kernel = sources
    (d, n), tasks = tree.points.shape, jit.n_threads()
    force, z = np.empty((n, d), np.float32), np.empty(len(tree.groups))
    sums = np.empty((d + 1, n), np.float32)
    at, field = (np.empty((rows, tasks * nodes.NODES**d), np.float32) for rows in (d, d + 1))
    sum_groups(
        tree.start[tree.groups], tree.stop[tree.groups], axes, cells, np.float32(theta**2), kernel,
        packed.axes(at), field, np.full(n, -1, np.int32), sums, tree.order, force, z,
        np.zeros(1, np.int64), tasks,
    )  # fmt: skip
    return force, max(float(z.sum()), 0.0)


class Field:
    """Repulsion of a map on points outside of it, each independent of all other such points.

    Points share a walk if they lie in one square of a grid. The walk starts from the square and not
    from its points, so that the sums of a point do not depend on the others.

    Parameters
    ----------
    sources : Packed
        The tree over the map.
    """

    def __init__(self, sources: Packed) -> None:
        self._sources, tree = sources, sources.tree
        # As large as most groups' cells, for which the lists are long enough to share a walk.
        self._side = float(np.median(tree.width[tree.groups])) or 1.0
        self._order = np.arange(0)  # of the last points: few change their square in a step

    def __call__(self, Y: np.ndarray, theta: float) -> tuple[np.ndarray, np.ndarray]:
        """Return forces (M, d) and each point's own Z (M,), float32."""
        order, *groups = self._squares(Y)
        sums = np.empty((Y.shape[1] + 1, len(Y)), np.float32)
        _, axes, cells, kernel = self._sources
        _sum_others(
            *groups, packed.axes(np.take(Y.T, order, axis=1)), cells, axes, np.float32(theta**2),
            kernel, sums, np.zeros(1, np.int64), jit.n_threads(),
        )  # fmt: skip
        out = np.empty((len(Y), len(sums)), np.float32)
        out[order] = sums.T
        return np.ascontiguousarray(out[:, 1:]), out[:, 0]

    def _squares(self, Y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return an order of the points by squares; first point, end and box of each square."""
        n, d = Y.shape
        order = self._order if len(self._order) == n else np.arange(n)
        square = np.floor(np.take(Y.T, order, axis=1).astype(np.float64) / self._side)
        again = np.lexsort(square)  # faster where the last order nearly holds
        self._order, square = order[again], np.take(square, again, axis=1)
        begins = (square[:, 1:] != square[:, :-1]).any(axis=0)
        first = np.flatnonzero(np.append(True, begins)).astype(np.int32)
        boxes = np.zeros((len(first), 3, 2), np.float32)
        boxes[:, :d, 0] = (square[:, first].T + 0.5) * self._side
        boxes[:, :d, 1] = self._side / 2
        last = np.append(first[1:], np.int32(n))
        return self._order, first, last, boxes


@jit.serial
def _sum_group(first, last, node, end, axes, cells, theta2, kernel, buffers, sums):
    """Fill Z and F of the points of a group; return their Z, without w = 1 of each with itself.

    The nodes of the group stand at node:end of the buffers.
    """
    box, field = buffers.box, buffers.field[:, node:end]
    nodes.place(axes, first, last, box, buffers.nodes, node, end - node)
    target = Target(first, last, end - node, box)
    n_distant, n_far, n_near = sort_cells(target, cells, theta2, buffers.lists)
    _, distant, far, near = buffers.lists
    sums[:, first:last] = 0
    left_out = add_points(
        first, last, axes, axes, near[:n_near], cells, kernel, buffers.points, buffers.listed_at,
        sums,
    )  # fmt: skip
    add_cells(first, last, axes, far[:n_far], cells, kernel, buffers.block, sums)
    if n_distant:
        field[:] = 0
        add_cells(
            node, end, buffers.nodes, distant[:n_distant], cells, kernel, buffers.block,
            buffers.field,
        )  # fmt: skip
        nodes.spread(axes, first, last, box, field, buffers.weights, sums)
    z = 0.0
    for i in range(first, last):
        z += sums[0, i]
    return z - (last - first - left_out)  # the sum of a cell includes each of its own points


@jit.parallel
def sum_groups(
    firsts, lasts, axes, cells, theta2, kernel, at, field, listed_at, sums, order, force, z, done,
    tasks,
):  # fmt: skip
    """Fill F of the points of a tree, in the order of the map, and Z of each group.

    A task takes the next group whenever it is free, since cores may differ and other processes may
    need some of them; `done` counts the groups that are done or begun. Working memory: the sums,
    (d + 1, N); listed_at, (N,), −1 before and after; the nodes `at` and the field at them,
    (d + 1, tasks · 4^d), which have columns for each task.
    """
    for task in prange(tasks):
        # Some memory before the weights stays unused. If they lay just behind the coordinates, the
        # loop that fills them would go by single numbers, which AVX2 rounds in another way.
        weights = np.empty((4, nodes.NODES, nodes.CHUNK), np.float32)[1:]
        buffers = Buffers(
            np.empty((3, LIST_SIZE), np.float32), np.empty(BLOCK_SIZE, np.float32),
            np.empty((4, len(cells.links)), np.int32), listed_at, np.empty((3, 2), np.float32),
            at, field, weights,
        )  # fmt: skip
        count = field.shape[1] // tasks
        node, end = np.int32(task * count), np.int32((task + 1) * count)
        g = advance(done, 1)
        while g < len(firsts):
            z[g] = _sum_group(
                firsts[g], lasts[g], node, end, axes, cells, theta2, kernel, buffers, sums
            )
            for i in range(firsts[g], lasts[g]):
                for a in range(force.shape[1]):
                    force[order[i], a] = sums[a + 1, i]
            g = advance(done, 1)


@jit.parallel
def _sum_others(firsts, lasts, boxes, axes, cells, sources, theta2, kernel, sums, done, tasks):
    """Fill Z and F of points outside of the tree over the sources; for `done` see `sum_groups`."""
    outside = np.int32(-1)
    for _task in prange(tasks):
        points, block = np.empty((3, LIST_SIZE), np.float32), np.empty(BLOCK_SIZE, np.float32)
        lists = np.empty((4, len(cells.links)), np.int32)
        g = advance(done, 1)
        while g < len(firsts):
            first, last = firsts[g], lasts[g]
            target = Target(outside, outside, 0, boxes[g])
            _, n_far, n_near = sort_cells(target, cells, theta2, lists)
            sums[:, first:last] = 0
            near, far = lists[3, :n_near], lists[2, :n_far]
            add_points(first, last, axes, sources, near, cells, kernel, points, None, sums)
            add_cells(first, last, axes, far, cells, kernel, block, sums)
            g = advance(done, 1)
