"""Tree, θ → repulsion and Z in O(N log N): groups walk, points sum two straight lists.

All points of a group share one walk. It leaves a list of far cells, mass and quadrupole, and one of
near points, which each point of the group sums in straight loops: that is what vectorises. After
Barnes 1990 (groups) and van der Maaten 2014 (t-SNE).

The kernel is ``w = t^-e`` with ``t = 1 + r²/α``, ``e = (α + 1) / 2`` and α the dof; 1 / (1 + r²)
at dof 1. Summed are ``Z = Σ w`` and ``F = Σ (w / t) d``. With δ a point's offset from its cell's
centre of mass, where the first order vanishes, ``M = Σ δδᵀ``, ``T = tr M`` and ``A = dᵀ M d``, a
cell of mass m at distance d gives to second order::

    Z ≈ m w − (e/α) (w/t) T + (2e(e+1)/α²) (w/t²) A
    F ≈ (m w/t − ((e+1)/α) (w/t²) T + (2(e+1)(e+2)/α²) (w/t³) A) d − (2(e+1)/α) (w/t²) M d
"""

import numpy as np

from bhtsne import jit
from bhtsne.forces.walk import walk
from bhtsne.tree import Tree

# The expansion errs most for points on a line, so a cell's squared size is its width² + 12 λ / m, λ
# the largest less the smallest moment. The error falls from 2.4e-3 to 3.5e-4 on MNIST's exaggerated
# map, from 1.3e-2 to 1.2e-3 on a diagonal line; the walk takes 10 % longer.
_LINE = np.float32(12)


def repulsion(tree: Tree, theta: float, dof: float = 1.0) -> tuple[np.ndarray, float]:
    """Return the unnormalised repulsion, float32 of shape (d, N) in tree order, and Z."""
    force, z = np.empty_like(tree.points), np.empty(len(tree.groups))
    place = np.full(len(tree.order), -1, np.int32)
    d, m = tree.center.shape
    # What the walk asks of a cell lies together: two cache lines instead of six.
    seen = np.zeros((m, 4), np.float32)
    seen[:, :d], seen[:, 3] = tree.center.T, _squared_size(tree)
    links = np.stack([tree.start, tree.stop, tree.skip], axis=1)
    exponent = None if dof == 1 else np.float32(-(dof + 1) / 2)
    walk(
        seen, links, tree.groups,
        _pad(tree.points, 3), _pad(tree.center, 3), _pad(tree.quadrupole, 6),
        np.float32(theta**2), 1 / np.float32(dof), exponent, _coefficients(dof),
        place, force, z, jit.n_threads(),
    )  # fmt: skip
    return force, max(float(z.sum()), 0.0)


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
