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
    points = np.ascontiguousarray(np.asarray(Y, np.float64).T)
    rows = np.arange(points.shape[1]) if rows is None else rows
    force, z = np.zeros((len(points), len(rows))), np.zeros(len(rows))
    _all_pairs(points, rows, 1 / dof, None if dof == 1 else -(dof + 1) / 2, force, z)
    return np.ascontiguousarray(force.T), float(z.sum())


@jit.serial
def _weigh(points, i, first, scale, exponent, w, f):
    """Fill w, which adds up to Z, and f, the force's factor of d, for points first … on."""
    w[:] = 0
    for a in range(len(points)):
        # Slices, here and below, spare the test for a negative index: 5 ms for 12 at a check.
        at, others = points[a, i], points[a, first : first + len(w)]
        for j in range(len(w)):
            w[j] += (at - others[j]) ** 2
    for j in range(len(w)):
        t = 1 + w[j] * scale
        v = 1 / t
        w[j] = v if exponent is None else t**exponent
        f[j] = w[j] * v
    if first <= i < first + len(w):
        w[i - first] = f[i - first] = 0


@jit.parallel
def _all_pairs(points, rows, scale, exponent, force, z):
    d, n = points.shape
    for r in prange(len(rows)):
        buffer, i = np.empty((2, _CHUNK)), rows[r]
        for first in range(0, n, _CHUNK):
            w, f = buffer[0, : min(_CHUNK, n - first)], buffer[1, : min(_CHUNK, n - first)]
            _weigh(points, i, first, scale, exponent, w, f)
            z[r] += w.sum()
            for a in range(d):
                total, at, others = 0.0, points[a, i], points[a, first : first + len(f)]
                for j in range(len(f)):
                    total += f[j] * (at - others[j])
                force[a, r] += total
