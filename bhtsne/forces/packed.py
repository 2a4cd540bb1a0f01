"""Tree, dof → `Packed`, the arrays that the kernels of Barnes-Hut read.

They stand in the folder of the kernels that read them, so that a cached kernel is renewed when a
field moves.
"""

from typing import Any, NamedTuple

import numpy as np

from bhtsne.tree import Tree

__all__ = ["Axes", "Cells", "Kernel", "Packed", "axes", "kernel", "pack"]

# The expansion errs most for points on a line, so the squared size of a cell is its
# width² + 12 λ / m, λ the difference between its largest and smallest second moment. This lowers
# the error several times, on an exaggerated map of MNIST as on a diagonal line, for a walk that
# takes a little longer.
_LINE = np.float32(12)


class Axes(NamedTuple):
    """Coordinates of N points: one array of float32 for each axis.

    An axis that the map lacks is None. Numba compiles each number of dimensions on its own and
    drops the branches of None, so that one body serves 1, 2 and 3 dimensions.
    """

    x: Any
    y: Any
    z: Any


class Cells(NamedTuple):
    """M cells of a tree of d dimensions; values that are read together lie together.

    Attributes
    ----------
    geometry : ndarray of float32, shape (M, 4)
        Centre of mass on three axes, 0 on one that the map lacks, and squared size.
    links : ndarray of int32, shape (M, 3)
        `start`, `stop` and `skip` of `Tree`.
    moments : ndarray of float32, shape (M, 4), (M, 7) or (M, 11)
        m, T', x, M'xx, and for more dimensions y, M'xy, M'yy, z, M'xz, M'yz, M'zz: mass, trace,
        centre of mass and second moments as the expansion in `barnes_hut` takes them.
    """

    geometry: np.ndarray
    links: np.ndarray
    moments: np.ndarray


class Kernel(NamedTuple):
    """The kernel ``w = (1 + scale r²)^exponent`` with the factors of its expansion.

    Attributes
    ----------
    scale : float32
        1/α, with α the dof.
    exponent : float32 or None
        −e = −(α + 1) / 2; None at dof 1, where w is ``1 / (1 + r²)`` and two factors are 1.
    trace, turn, stretch : float32
        (e + 1) / e, α / e and 1 / e.
    """

    scale: Any
    exponent: Any
    trace: Any
    turn: Any
    stretch: Any


class Packed(NamedTuple):
    """A tree with the arrays that the kernels read.

    Attributes
    ----------
    tree : Tree
        The tree over a map.
    axes : Axes
        Its points.
    cells : Cells
        Its cells.
    kernel : Kernel
        The kernel of the map.
    """

    tree: Tree
    axes: Axes
    cells: Cells
    kernel: Kernel


def pack(tree: Tree, dof: float) -> Packed:
    """Return a tree with the arrays for a number of degrees of freedom."""
    return Packed(tree, axes(tree.points), _cells(tree, dof), kernel(dof))


def axes(points: np.ndarray) -> Axes:
    """Return the coordinates of points, (d, N), by axis."""
    return Axes(*points, *(None,) * (3 - len(points)))


def kernel(dof: float) -> Kernel:
    """Return the kernel of a number of degrees of freedom."""
    e = (dof + 1) / 2
    exponent = None if dof == 1 else np.float32(-e)
    factors = np.float32((e + 1) / e), np.float32(dof / e), np.float32(1 / e)
    return Kernel(1 / np.float32(dof), exponent, *factors)


def _cells(tree: Tree, dof: float) -> Cells:
    """Return the cells of a tree; ``M' = 2e(e+1)/α² S`` and ``T' = e/α tr S``."""
    d, m = tree.center.shape
    geometry = np.zeros((m, 4), np.float32)
    geometry[:, :d], geometry[:, 3] = tree.center.T, _squared_size(tree)
    links = np.stack([tree.start, tree.stop, tree.skip], axis=1)
    e, q = (dof + 1) / 2, tree.quadrupole
    moments = np.empty(((4, 7, 11)[d - 1], m), np.float32)
    moments[0] = tree.stop - tree.start
    moments[1] = np.float32(e / dof) * q[[0, 2, 5][:d]].sum(axis=0)
    moments[[2, 4, 7][:d]] = tree.center
    moments[[3, 5, 6, 8, 9, 10][: len(q)]] = np.float32(2 * e * (e + 1) / dof**2) * q
    return Cells(geometry, links, np.ascontiguousarray(moments.T))


def _squared_size(tree: Tree) -> np.ndarray:
    """Return ``width² + 12 λ / m`` of each cell (see `_LINE`).

    λ is the difference of the eigenvalues of S in two dimensions, and in three the bound
    ``√(3/2 Σ (S_ij − δ_ij tr S / 3)²)``.
    """
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
