"""Tree, θ → repulsion and Z in O(N log N): groups walk, straight loops sum.

All points of a group share one walk, which sorts what it meets into three lists: near points, which
each point of the group sums (after Barnes 1990 and van der Maaten 2014); far cells, by mass and
quadrupole; and cells so far that their field is smooth across the group, which only its `nodes`
feel, and the points by interpolation.

The kernel is ``w = t^-e`` with ``t = 1 + r²/α``, ``e = (α + 1) / 2`` and α the dof; 1 / (1 + r²)
at dof 1. Summed are ``Z = Σ w`` and ``F = Σ u d`` with ``v = 1/t`` and ``u = w v``. With δ a
point's offset from its cell's centre of mass, where the first order vanishes, ``S = Σ δδᵀ``,
``M' = 2e(e+1)/α² S``, ``T' = e/α tr S`` and ``a = v dᵀM'd``, a cell of mass m at distance d gives
to second order::

    Z ≈ m w + u (a − T')
    F ≈ u ((m + v (a/e + (e+1)/e (a − T'))) d − (α/e) v M'd)
"""

import numpy as np

from bhtsne import jit
from bhtsne.forces import nodes
from bhtsne.forces.walk import visit, walk
from bhtsne.tree import Tree

# The expansion errs most for points on a line, so a cell's squared size is its width² + 12 λ / m, λ
# the largest less the smallest moment. The error falls from 2.4e-3 to 3.5e-4 on MNIST's exaggerated
# map, from 1.3e-2 to 1.2e-3 on a diagonal line; the walk takes 10 % longer.
_LINE = np.float32(12)


def repulsion(tree: Tree, theta: float, dof: float = 1.0) -> tuple[np.ndarray, float]:
    """Return the unnormalised repulsion, float32 of shape (d, N) in tree order, and Z."""
    d, n, g = len(tree.points), len(tree.order), len(tree.groups)
    seen, links, boxes, at_nodes = prepare(tree)
    felt = np.empty((g, d + 1, at_nodes.shape[2]), np.float32)
    out, z, met = np.empty((d + 1, n), np.float32), np.zeros(g), np.empty(g, np.int64)
    place = np.full(n, -1, np.int32)
    walk(
        seen, links, tree.groups, _cells(tree, dof), _axes(tree), np.float32(theta**2),
        *_kernel(dof), boxes, at_nodes, felt, place, out, met, jit.n_threads(),
    )  # fmt: skip
    first, last = tree.start[tree.groups], tree.stop[tree.groups]
    nodes.spread(first, last, *_axes(tree), boxes, felt, out, z)
    # Who met itself did so with w = 1 and without a force.
    return out[1:], max(float(z.sum() - met.sum()), 0.0)


class Field:
    """What other points feel of a map: each on its own, whatever other points there are.

    Points share a walk if they lie in one square of a grid, and the walk starts from the square,
    not from its points, so that the sums do not depend on who shares it.
    """

    def __init__(self, tree: Tree, dof: float) -> None:
        seen, links, _, _ = prepare(tree)
        self._tree = seen, links, _cells(tree, dof), _axes(tree)
        self._kernel = _kernel(dof)
        # As large as most groups' cells, for which the lists are long enough to share a walk.
        self._side = float(np.median(tree.width[tree.groups])) or 1.0
        self._order = np.arange(0)  # of the last points: steps seldom lead to another square

    def __call__(self, Y: np.ndarray, theta: float) -> tuple[np.ndarray, np.ndarray]:
        """Return forces (M, d) and each point's own Z (M,), float32."""
        d, n = Y.shape[1], len(Y)
        order = self._order if len(self._order) == n else np.arange(n)
        square = np.floor(np.take(Y.T, order, axis=1).astype(np.float64) / self._side)
        again = np.lexsort(square)  # of 65,000 points: 2 ms for 10 unsorted
        order = self._order = order[again]
        square, points = np.take(square, again, axis=1), np.take(Y.T, order, axis=1)
        begins = (square[:, 1:] != square[:, :-1]).any(axis=0)
        first = np.flatnonzero(np.append(True, begins))
        last = np.append(first[1:], n)
        boxes = np.zeros((len(first), 3, 2), np.float32)
        boxes[:, :d, 0] = (square[:, first].T + 0.5) * self._side
        boxes[:, :d, 1] = self._side / 2
        felt = np.empty((d + 1, n), np.float32)
        visit(
            first, last, boxes, (*points, *(None,) * (3 - d)), *self._tree, np.float32(theta**2),
            *self._kernel, felt, jit.n_threads(),
        )  # fmt: skip
        out = np.empty((n, d + 1), np.float32)
        out[order] = felt.T
        return np.ascontiguousarray(out[:, 1:]), out[:, 0]


def prepare(tree: Tree) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return what the walk asks of a cell, two arrays, and the groups' boxes and nodes."""
    d, m = tree.center.shape
    # What is asked together lies together: two cache lines instead of six.
    seen = np.zeros((m, 4), np.float32)
    seen[:, :d], seen[:, 3] = tree.center.T, _squared_size(tree)
    links = np.stack([tree.start, tree.stop, tree.skip], axis=1)
    boxes = np.empty((len(tree.groups), 3, 2), np.float32)
    at_nodes = np.empty((len(tree.groups), 3, nodes.NODES**d), np.float32)
    first, last = tree.start[tree.groups], tree.stop[tree.groups]
    nodes.place(first, last, *_axes(tree), boxes, at_nodes)
    return seen, links, boxes, at_nodes


def _axes(tree: Tree) -> tuple:
    """Return the coordinates in tree order, None on an axis that the map does not have."""
    return tuple(tree.points) + (None,) * (3 - len(tree.points))


def _cells(tree: Tree, dof: float) -> np.ndarray:
    """Return m, T (e/α), x, M_xx', y, M_xy', M_yy', z, M_xz', M_yz', M_zz' of all cells as rows.

    M' is M (2e(e+1)/α²).
    """
    d, e = len(tree.center), (dof + 1) / 2
    q, factor = tree.quadrupole, np.float32(2 * e * (e + 1) / dof**2)
    cells = np.empty(((4, 7, 11)[d - 1], len(tree.start)), np.float32)
    cells[0] = tree.stop - tree.start
    cells[1] = np.float32(e / dof) * q[[0, 2, 5][:d]].sum(axis=0)
    cells[[2, 4, 7][:d]] = tree.center
    cells[[3, 5, 6, 8, 9, 10][: len(q)]] = factor * q
    return np.ascontiguousarray(cells.T)


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


def _kernel(dof: float) -> tuple:
    """Return 1/α, −e, and (e+1)/e, α/e, 1/e; at dof 1 the power is known, and the rest 2, 1, 1."""
    e = (dof + 1) / 2
    exponent = None if dof == 1 else np.float32(-e)
    factors = (np.float32((e + 1) / e), np.float32(dof / e), np.float32(1 / e))
    return 1 / np.float32(dof), exponent, factors
