"""P, Y → attraction and the part of the KL divergence that runs over the edges of P.

``F_attr,i = Σ_j p_ij (1 + d_ij²/dof)^-1 (y_i − y_j)`` over the stored entries of the CSR matrix P.
A row's sum follows the order in which its entries are stored, so the bits depend neither on the
number of threads nor on the order of the rows.

The sums are float64 for a float64 map, which the exact path uses, and float32 for a float32 map.
"""

import numpy as np
from numba import prange

from bhtsne import jit

_ROWS = 64  # rows of a block; blocks are dealt in turn, since rows near hubs are longer


@jit.serial
def _sum_row(i, Y, has_y, has_z, has_more, indptr, indices, p, scale, force):
    """Write the force of row i's edges on point i."""
    one = np.float32(1)
    fx = fy = fz = Y[i, 0] * np.float32(0)
    if has_more is not None:
        force[i] = 0
    for e in range(indptr[i], indptr[i + 1]):
        j = indices[e]
        dx = Y[i, 0] - Y[j, 0]
        r2 = dx * dx
        if has_y is not None:
            dy = Y[i, 1] - Y[j, 1]
            r2 += dy * dy
        if has_z is not None:
            dz = Y[i, 2] - Y[j, 2]
            r2 += dz * dz
        if has_more is not None:
            for a in range(3, Y.shape[1]):
                r2 += (Y[i, a] - Y[j, a]) ** 2
        w = p[e] / (one + r2 * scale)
        fx += w * dx
        if has_y is not None:
            fy += w * dy
        if has_z is not None:
            fz += w * dz
        if has_more is not None:
            for a in range(3, Y.shape[1]):
                force[i, a] += w * (Y[i, a] - Y[j, a])
    force[i, 0] = fx
    if has_y is not None:
        force[i, 1] = fy
    if has_z is not None:
        force[i, 2] = fz


@jit.parallel
def attraction(indptr, indices, p, Y, has_y, has_z, has_more, scale, force, tasks):
    """Fill force, of the shape and dtype of Y.

    has_y, has_z and has_more are True or None: Numba compiles each case on its own and drops the
    branches of the dimensions that the map does not have.
    """
    n = len(Y)
    blocks = (n + _ROWS - 1) // _ROWS
    for task in prange(tasks):
        for block in range(task, blocks, tasks):
            for i in range(_ROWS * block, min(_ROWS * block + _ROWS, n)):
                _sum_row(i, Y, has_y, has_z, has_more, indptr, indices, p, scale, force)


@jit.parallel
def row_divergence(indptr, indices, p, Y, dof, out):
    """Fill out with ``Σ_j p_ij (ln p_ij − ln w_ij)``, float64: the KL divergence but for ln Z."""
    e, scale = (dof + 1) / 2, 1 / dof
    for i in prange(len(Y)):
        total = 0.0
        for k in range(indptr[i], indptr[i + 1]):
            if p[k] > 0:
                r2 = 0.0
                for a in range(Y.shape[1]):
                    d = np.float64(Y[i, a]) - np.float64(Y[indices[k], a])
                    r2 += d * d
                total += p[k] * (np.log(np.float64(p[k])) + e * np.log(1 + r2 * scale))
        out[i] = total
