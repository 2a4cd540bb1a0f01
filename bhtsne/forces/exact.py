"""Y → repulsion and Z over all pairs: O(N²) time, O(N) memory, float64. The oracle.

Equation 5 of van der Maaten & Hinton 2008, with the kernel of van der Maaten 2009 for dof ≠ 1.
The sum over the pairs is the whole method: compare `barnes_hut`, which approximates it.
"""

import numpy as np
from numba import prange

from bhtsne import jit

_CHUNK = 512  # points weighed at a time: their weights stay in the first-level cache


def repulsion(Y, dof: float = 1.0, rows=None) -> tuple[np.ndarray, float]:
    """Return the unnormalised repulsion, float64 of shape (N, d), and Z.

    With `rows`, only the force on those points, and their share of Z.
    """
    points = _axes(Y)
    rows = np.arange(points.shape[1]) if rows is None else rows
    force, z = _sums(points, np.ascontiguousarray(points[:, rows]), rows, dof)
    return force, float(z.sum())


def field(Y, others, dof: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return what other points feel of a map: forces (M, d) and each one's own Z (M,), float64."""
    others = _axes(others)
    return _sums(_axes(Y), others, np.full(others.shape[1], -1), dof)


def _axes(Y) -> np.ndarray:
    return np.ascontiguousarray(np.asarray(Y, np.float64).T)


def _sums(points, at, places, dof) -> tuple[np.ndarray, np.ndarray]:
    force, z = np.zeros(at.shape), np.zeros(at.shape[1])
    _all_pairs(points, at, places, 1 / dof, None if dof == 1 else -(dof + 1) / 2, force, z)
    return np.ascontiguousarray(force.T), z


@jit.serial
def _weigh(points, at, r, place, first, scale, exponent, w, f):
    """Fill w, which adds up to Z, and f, the force's factor of d, for points first … on."""
    w[:] = 0
    for a in range(len(points)):
        # Slices, here and below, spare the test for a negative index: 5 ms for 12 at a check.
        here, others = at[a, r], points[a, first : first + len(w)]
        for j in range(len(w)):
            w[j] += (here - others[j]) ** 2
    for j in range(len(w)):
        t = 1 + w[j] * scale
        v = 1 / t
        w[j] = v if exponent is None else t**exponent
        f[j] = w[j] * v
    if first <= place < first + len(w):
        w[place - first] = f[place - first] = 0


@jit.parallel
def _all_pairs(points, at, places, scale, exponent, force, z):
    """Sum over all points but the one at each target's own place, if it has one."""
    d, n = points.shape
    for r in prange(at.shape[1]):
        buffer = np.empty((2, _CHUNK))
        for first in range(0, n, _CHUNK):
            w, f = buffer[0, : min(_CHUNK, n - first)], buffer[1, : min(_CHUNK, n - first)]
            _weigh(points, at, r, places[r], first, scale, exponent, w, f)
            z[r] += w.sum()
            for a in range(d):
                total, here, others = 0.0, at[a, r], points[a, first : first + len(f)]
                for j in range(len(f)):
                    total += f[j] * (here - others[j])
                force[a, r] += total
