"""P, Y → the sums over the edges of P: attraction and divergence.

``F_attr,i = Σ_j p_ij (1 + d_ij²/dof)^-1 (y_i − y_j)`` over the stored entries of the CSR matrix P.
A row's sum follows the order in which its entries are stored, so the bits depend neither on the
number of threads nor on the order of the rows.

The sums are float64 for a float64 map, which the exact path uses, and float32 for a float32 map.
"""

import numpy as np
from numba import prange

from bhtsne import jit

_ROWS = 64  # rows of a block; blocks are dealt in turn, since rows near hubs are longer
_CHUNK = 256  # edges whose far ends are brought together before they are summed


def attract(P, Y: np.ndarray, dof: float) -> np.ndarray:
    """Return the attraction, of the shape and dtype of Y."""
    Y = np.ascontiguousarray(Y)
    force = np.empty_like(Y)
    # Numba compiles each number of dimensions on its own and drops what meets None.
    has_y, has_z, has_more = (True if Y.shape[1] > a else None for a in (1, 2, 3))
    _sum_rows(
        P.indptr, P.indices, P.data, Y, has_y, has_z, has_more,
        Y.dtype.type(1 / dof), force, jit.n_threads(),
    )  # fmt: skip
    return force


def divergence_by_row(P, Y: np.ndarray, z: float, dof: float) -> np.ndarray:
    """Return ``Σ_j p_ij (ln p_ij − ln w_ij + ln Z)`` for each row, float64."""
    out = np.empty(len(Y))
    _log_ratio(P.indptr, P.indices, P.data, np.ascontiguousarray(Y), float(z), float(dof), out)
    return out


@jit.serial
def _rows(like, buffer, rows):
    """Return rows of a buffer, or None where the map has fewer dimensions."""
    if like is None:
        return None
    return buffer[rows]


@jit.serial
def _bring(indices, p, n, whole, flat, d, x, y, z, more, weights):
    """Copy the ends of n edges, and their affinities, next to each other."""
    # Slices and unsigned numbers spare the test for a negative index: attraction 9.3 -> 6.6 ms.
    for e in range(n):
        j = np.uint64(d) * np.uint64(indices[e])
        x[e] = flat[j]
        if y is not None:
            y[e] = flat[j + np.uint64(1)]
        if z is not None:
            z[e] = flat[j + np.uint64(2)]
        if more is not None:
            more[:, e] = flat[j + 3 : j + d]
        weights[e] = p[e]
    # Whole vectors only: what is left of the buffers has no weight.
    weights[n:whole] = 0


@jit.serial
def _pull(i, force, point, x, y, z, more, weights, n, scale):
    """Add the pull of n edges on a point to its force."""
    fx = fy = fz = point[0] * np.float32(0)
    for e in range(n):
        dx = point[0] - x[e]
        r2 = dx * dx
        if y is not None:
            dy = point[1] - y[e]
            r2 += dy * dy
        if z is not None:
            dz = point[2] - z[e]
            r2 += dz * dz
        if more is not None:
            for a in range(len(more)):
                r2 += (point[3 + a] - more[a, e]) ** 2
        w = weights[e] / (np.float32(1) + r2 * scale)
        fx += w * dx
        if y is not None:
            fy += w * dy
        if z is not None:
            fz += w * dz
        if more is not None:
            for a in range(len(more)):
                force[i, 3 + a] += w * (point[3 + a] - more[a, e])
    force[i, 0] += fx
    if y is not None:
        force[i, 1] += fy
    if z is not None:
        force[i, 2] += fz


@jit.parallel
def _sum_rows(indptr, indices, p, Y, has_y, has_z, has_more, scale, force, tasks):
    n, d = Y.shape
    flat = Y.reshape(n * d)
    blocks = (n + _ROWS - 1) // _ROWS
    for task in prange(tasks):
        ends, weights = np.zeros((d, _CHUNK), Y.dtype), np.zeros(_CHUNK, Y.dtype)
        x, y, z = ends[0], _rows(has_y, ends, 1), _rows(has_z, ends, 2)
        more = _rows(has_more, ends, slice(3, d))
        for block in range(task, blocks, tasks):
            for i in range(_ROWS * block, min(_ROWS * block + _ROWS, n)):
                force[i] = 0
                for first in range(indptr[i], indptr[i + 1], _CHUNK):
                    count = min(_CHUNK, indptr[i + 1] - first)
                    whole = (count + 31) & ~31
                    there = slice(first, first + count)
                    _bring(indices[there], p[there], count, whole, flat, d, x, y, z, more, weights)
                    _pull(i, force, Y[i], x, y, z, more, weights, whole, scale)


@jit.parallel
def _log_ratio(indptr, indices, p, Y, z, dof, out):
    more = (dof - 1) / 2  # ln(p Z t^e) is one logarithm at dof 1, where checks are to be cheap
    for i in prange(len(Y)):
        total = 0.0
        for k in range(indptr[i], indptr[i + 1]):
            if p[k] > 0:
                t = 1.0
                for a in range(Y.shape[1]):
                    d = np.float64(Y[i, a]) - np.float64(Y[indices[k], a])
                    t += d * d / dof
                ratio = np.log(p[k] * z * t)
                if more != 0:
                    ratio += more * np.log(t)
                total += p[k] * ratio
        out[i] = total
