"""Cells of a tree, a group of points → the cells that are near, far and distant for it.

The points of a group share one walk. A near cell is a leaf, or so small that its points cost less
than its expansion: each point of the group sums its points. A far cell is summed by its mass and
second moments at each point of the group; a distant cell only at the nodes of the group, since its
field is smooth across the group (see `nodes`).
"""

from typing import Any, NamedTuple

import numpy as np

from bhtsne import jit

__all__ = ["Target", "sort_cells"]

# The kernel is smooth over lengths below 1, so near cells need not become ever smaller: with
# D² + 0.5 in place of D² the walk of a map that is still small is several times as fast, and the
# sum no less accurate.
_SMOOTH = np.float32(0.5)
_FEW = 3  # up to so many points cost less, and err less, than the expansion of their cell
# From 2.5 / θ half widths of a group, the interpolation from the nodes adds nothing to the error at
# θ 0.5; from 2 / θ it would, on a line in three dimensions.
_DISTANT = np.float32(2.5**2)


class Target(NamedTuple):
    """A group of points for which the walk sorts cells.

    Attributes
    ----------
    first, last : int32
        The points ``first:last`` of the tree; −1 and −1 for points that are not in the tree.
    n_nodes : int
        Nodes of the group; a group of no more points has no distant cells.
    box : ndarray of float32, shape (3, 2)
        Middle and half width on each axis.
    """

    first: Any
    last: Any
    n_nodes: Any
    box: Any


@jit.serial
def sort_cells(target, cells, theta2, lists):
    """Walk the tree; return how many distant, far and near cells stand in lists[1], [2] and [3].

    A cell of squared size s² at squared distance D² from the box is accepted, that is summed as a
    cell, where ``s² < θ² (D² + 0.5)``. It is distant where also ``2.5² h² < θ² (C² + 0.5)``, with
    h the half width of the box and C the distance from its middle. lists[0] is the queue.
    """
    # No branches: the cells that come next in memory are fetched while one is judged.
    queue, distant, far, near = lists
    first, last, n_nodes, box = target
    wide = _DISTANT * max(box[0, 1], box[1, 1], box[2, 1]) ** 2
    has_nodes = (last - first > n_nodes) & (wide > 0)
    n_distant, n_far, n_near, head, tail = 0, 0, 0, 0, 1
    queue[0] = 0
    while head < tail:
        cell = queue[head]
        head += 1
        center2 = border2 = _SMOOTH
        for a in range(3):
            d = abs(cells.geometry[cell, a] - box[a, 0])
            center2 += d * d
            border2 += max(d - box[a, 1], np.float32(0)) ** 2
        # A cell that holds the group is at distance 0, even if its centre of mass is far away.
        holds = (cells.links[cell, 0] <= first) & (last <= cells.links[cell, 1])
        accepted = cells.geometry[cell, 3] < theta2 * (_SMOOTH if holds else border2)
        is_distant = accepted & has_nodes & (wide < theta2 * center2)
        is_far = accepted & ~is_distant & (cells.links[cell, 1] - cells.links[cell, 0] > _FEW)
        is_near = (accepted | (cells.links[cell, 2] == cell + 1)) & ~is_far & ~is_distant
        distant[n_distant] = far[n_far] = near[n_near] = cell
        n_distant += is_distant
        n_far += is_far
        n_near += is_near
        if not (is_distant | is_far | is_near):
            child = cell + 1
            while child < cells.links[cell, 2]:
                queue[tail] = child
                tail += 1
                child = cells.links[child, 2]
    return n_distant, n_far, n_near
