"""Smooth fields by interpolation: nodes of the groups, and from what they feel what points feel.

Across a group of points the field of a far cell is smooth: it is summed at Chebyshev's nodes, 4 on
each axis, and the points read it off the polynomial through them (Fong & Darve 2009 build a whole
fast multipole method so). A map of fewer than three dimensions has None for an axis it lacks.
"""

import numpy as np
from numba import prange
from numpy.polynomial import Chebyshev, Polynomial

from bhtsne import jit

__all__ = ["place", "polynomial", "spread"]

NODES = 4  # on an axis
_ROOTS = np.cos((np.arange(NODES) + 0.5) * np.pi / NODES).astype(np.float32)  # on −1 … 1
_LAGRANGE = np.linalg.inv(np.vander(_ROOTS, increasing=True)).T.astype(np.float32)
_CHUNK = 64  # points that are served at a time


def polynomial(function, degree: int) -> tuple:
    """Return a polynomial's coefficients that meet a function at Chebyshev's nodes on 0 … 1."""
    fit = Chebyshev.interpolate(function, degree, domain=[0, 1]).convert(kind=Polynomial)
    return tuple(fit.coef.astype(np.float32))


@jit.serial
def _place_on(axis, first, last, period, box, to):
    """Find the middle of the points and half their width on an axis, and place its nodes."""
    box[:] = 0
    if axis is not None:
        low, high = axis[first:last].min(), axis[first:last].max()
        half = (high - low) / np.float32(2)
        box[0], box[1] = low + half, half
        for j in range(len(to)):
            to[j] = box[0] + half * _ROOTS[j // period % NODES]


@jit.parallel
def place(first, last, x, y, z, boxes, nodes):
    """Fill each group's box, (3, 2): middle and half width, and the coordinates of its nodes."""
    for g in prange(len(first)):
        _place_on(x, first[g], last[g], 1, boxes[g, 0], nodes[g, 0])
        _place_on(y, first[g], last[g], NODES, boxes[g, 1], nodes[g, 1])
        _place_on(z, first[g], last[g], NODES**2, boxes[g, 2], nodes[g, 2])


@jit.serial
def _weigh(axis, begin, n, box, to):
    """Fill to with Lagrange's weight of each node for n points on an axis."""
    if axis is not None:
        inverse = np.float32(1) / max(box[1], np.float32(1e-30))
        for k in range(NODES):
            for i in range(n):
                s = (axis[begin + i] - box[0]) * inverse
                to[k, i] = _LAGRANGE[k, 0] + s * (
                    _LAGRANGE[k, 1] + s * (_LAGRANGE[k, 2] + s * _LAGRANGE[k, 3])
                )


@jit.serial
def _add(weights, has_y, has_z, felt, n, to):
    """Add what is felt at the nodes, interpolated, to n points."""
    for node in range(len(felt)):
        wx, wy = weights[0, node % NODES], weights[1, node // NODES % NODES]
        wz, value = weights[2, node // NODES**2 % NODES], felt[node]
        for i in range(n):
            w = value * wx[i]
            if has_y is not None:
                w *= wy[i]
            if has_z is not None:
                w *= wz[i]
            to[i] += w


@jit.parallel
def spread(first, last, x, y, z, boxes, felt, out, total):
    """Add to out what the groups' nodes feel, and to total the sum of each group's first row."""
    for g in prange(len(first)):
        weights = np.empty((3, NODES, _CHUNK), np.float32)
        for begin in range(first[g], last[g], _CHUNK):
            n = min(_CHUNK, last[g] - begin)
            _weigh(x, begin, n, boxes[g, 0], weights[0])
            _weigh(y, begin, n, boxes[g, 1], weights[1])
            _weigh(z, begin, n, boxes[g, 2], weights[2])
            for row in range(len(out)):
                _add(weights, y, z, felt[g, row], n, out[row, begin : begin + n])
            for i in range(begin, begin + n):
                total[g] += out[0, i]
