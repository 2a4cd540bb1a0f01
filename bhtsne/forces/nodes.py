"""Group → nodes of an interpolation; field at the nodes → field at the points of the group.

Across a group of points the field of a distant cell is smooth. It is summed at Chebyshev nodes, 4
on each axis, and the points take the value of the polynomial through them, after the fast
multipole method of Fong & Darve 2009.
"""

import numpy as np
from numpy.polynomial import Chebyshev, Polynomial

from bhtsne import jit

__all__ = ["CHUNK", "NODES", "place", "polynomial", "spread"]

NODES = 4  # on an axis
_ROOTS = np.cos((np.arange(NODES) + 0.5) * np.pi / NODES).astype(np.float32)  # on −1 … 1
_LAGRANGE = np.linalg.inv(np.vander(_ROOTS, increasing=True)).T.astype(np.float32)
CHUNK = 64  # points that are interpolated at a time


def polynomial(function, degree: int) -> tuple:
    """Return the coefficients of the polynomial through a function's Chebyshev nodes on 0 … 1."""
    fit = Chebyshev.interpolate(function, degree, domain=[0, 1]).convert(kind=Polynomial)
    return tuple(fit.coef.astype(np.float32))


@jit.serial
def _place_on_axis(axis, first, last, period, box, nodes, begin, n):
    """Fill the box and the nodes of points first:last on one axis: ``middle + half · root``."""
    box[:] = 0
    if axis is not None:
        low = high = axis[first]  # NumPy's min and max are slow to compile
        for i in range(first + 1, last):
            low, high = min(low, axis[i]), max(high, axis[i])
        half = (high - low) / np.float32(2)
        box[0], box[1] = low + half, half
        for j in range(n):
            nodes[begin + j] = box[0] + half * _ROOTS[j // period % NODES]


@jit.serial
def place(axes, first, last, box, nodes, begin, n):
    """Fill the box of points first:last, (3, 2), and n = 4^d nodes from place `begin` on.

    A row of the box holds its middle and half width on an axis. Nodes are `packed.Axes`.
    """
    one = np.int64(1)  # a plain 1 would be a type of its own, compiled as well
    _place_on_axis(axes.x, first, last, one, box[0], nodes.x, begin, n)
    _place_on_axis(axes.y, first, last, one * NODES, box[1], nodes.y, begin, n)
    _place_on_axis(axes.z, first, last, one * NODES**2, box[2], nodes.z, begin, n)


@jit.serial
def _fill_weights(axis, begin, n, box, weights):
    """Fill the weights ``L_k(s)`` of n points on one axis, with s in −1 … 1 across the box."""
    if axis is not None:
        inverse = np.float32(1) / max(box[1], np.float32(1e-30))
        for k in range(NODES):
            for i in range(n):
                s = (axis[begin + i] - box[0]) * inverse
                weights[k, i] = _LAGRANGE[k, 0] + s * (
                    _LAGRANGE[k, 1] + s * (_LAGRANGE[k, 2] + s * _LAGRANGE[k, 3])
                )


@jit.serial
def _interpolate(weights, y, z, field, n, sums):
    """Add ``Σ_klm f_klm L_k(x) L_l(y) L_m(z)`` at n points, without an axis that is None."""
    for node in range(len(field)):
        wx, wy = weights[0, node % NODES], weights[1, node // NODES % NODES]
        wz, value = weights[2, node // NODES**2 % NODES], field[node]
        for i in range(n):
            w = value * wx[i]
            if y is not None:
                w *= wy[i]
            if z is not None:
                w *= wz[i]
            sums[i] += w


@jit.serial
def spread(axes, first, last, box, field, weights, sums):
    """Add the field at the nodes of points first:last, interpolated, to the sums at the points.

    Field has 4^d columns, sums have N; their rows are Z and F. Weights are working memory of shape
    (3, 4, CHUNK).
    """
    for begin in range(first, last, CHUNK):
        n = min(CHUNK, last - begin)
        _fill_weights(axes.x, begin, n, box[0], weights[0])
        _fill_weights(axes.y, begin, n, box[1], weights[1])
        _fill_weights(axes.z, begin, n, box[2], weights[2])
        for row in range(len(sums)):
            here = sums[row, begin : begin + n]
            _interpolate(weights, axes.y, axes.z, field[row], n, here)
