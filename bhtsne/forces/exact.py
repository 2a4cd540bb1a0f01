"""Y → repulsion and Z over all pairs: O(N²) time, O(N) memory, float64; the reference.

Equation 5 of van der Maaten & Hinton 2008, with the kernel of van der Maaten 2009 for dof ≠ 1.
`barnes_hut` approximates these sums.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import prange

from bhtsne import jit

__all__ = ["field", "repulsion"]

_CHUNK = 512  # points weighted at a time: their weights stay in the first-level cache


class _Targets(NamedTuple):
    """Points at which sums are made.

    Attributes
    ----------
    points : ndarray of float64, shape (d, M)
        Their coordinates.
    own : ndarray of int64, shape (M,)
        Which of the summed points each one is, and −1 if it is none of them.
    """

    points: Any
    own: Any


def repulsion(Y, dof: float = 1.0, rows=None) -> tuple[np.ndarray, float]:
    """Return the unnormalised repulsion, float64 of shape (N, d), and Z.

    With `rows`, only the force on those points, and their share of Z.
    """
    points = _by_axis(Y)
    rows = np.arange(points.shape[1]) if rows is None else rows
    force, z = _sums(points, _Targets(np.ascontiguousarray(points[:, rows]), rows), dof)
    return force, float(z.sum())


def field(Y, others, dof: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return the repulsion of a map on other points: forces (M, d) and own Z (M,), float64."""
    others = _by_axis(others)
    return _sums(_by_axis(Y), _Targets(others, np.full(others.shape[1], -1)), dof)


def _by_axis(Y) -> np.ndarray:
    """Return points as float64 of shape (d, N)."""
    return np.ascontiguousarray(np.asarray(Y, np.float64).T)


def _sums(points: np.ndarray, targets: _Targets, dof: float) -> tuple[np.ndarray, np.ndarray]:
    force, z = np.zeros(targets.points.shape), np.zeros(targets.points.shape[1])
    _sum_all(points, targets, 1 / dof, None if dof == 1 else -(dof + 1) / 2, force, z)
    return np.ascontiguousarray(force.T), z


@jit.serial
def _fill_weights(points, targets, r, first, scale, exponent, w, f):
    """Fill ``w = t^exponent`` and ``f = w / t``, ``t = 1 + d² scale``, for points first … on.

    Both are 0 for target r itself.
    """
    w[:] = 0
    for a in range(len(points)):
        # Slices, here and below, avoid the test for a negative index, which is slow here.
        here, others = targets.points[a, r], points[a, first : first + len(w)]
        for j in range(len(w)):
            w[j] += (here - others[j]) ** 2
    for j in range(len(w)):
        t = 1 + w[j] * scale
        v = 1 / t
        w[j] = v if exponent is None else t**exponent
        f[j] = w[j] * v
    own = targets.own[r]
    if first <= own < first + len(w):
        w[own - first] = f[own - first] = 0


@jit.parallel
def _sum_all(points, targets, scale, exponent, force, z):
    """Fill ``Z_i = Σ_j w_ij`` and ``F_i = Σ_j w_ij (1 + d_ij²/dof)^-1 (y_i − y_j)``, j ≠ i."""
    d, n = points.shape
    for r in prange(targets.points.shape[1]):
        buffer = np.empty((2, _CHUNK))
        for first in range(0, n, _CHUNK):
            w, f = buffer[0, : min(_CHUNK, n - first)], buffer[1, : min(_CHUNK, n - first)]
            _fill_weights(points, targets, r, first, scale, exponent, w, f)
            z[r] += w.sum()
            for a in range(d):
                total, here, others = 0.0, targets.points[a, r], points[a, first : first + len(f)]
                for j in range(len(f)):
                    total += f[j] * (here - others[j])
                force[a, r] += total
