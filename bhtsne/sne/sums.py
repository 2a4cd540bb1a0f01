"""P, Y → sums over all pairs of points for every variant of SNE, in O(N²) time, float64.

With the kernel w_ij, ``exp(−d_ij²)`` or ``1/(1 + d_ij²)``, and h_i, half of its normalisation, a
pair has ``s_ij = w_ij (h_i + h_j)``: q_ij for h = 1/2Z, and ``(q_j|i + q_i|j) / 2N`` for
h_i = 1/(2N Z_i). The module `bhtsne.sne` has the gradients.
"""

import math

import numpy as np
from numba import prange

from bhtsne import jit

_CHUNK = 512  # pairs computed at a time, whose buffers stay in the first-level cache
_LOG2E = math.log2(math.e)
_LN2 = math.log(2)
# Taylor series of 2^f in f ln 2, |f| ≤ 1/2; the first omitted term is 6e-15.
_EXP2 = tuple(_LN2**k / math.factorial(k) for k in range(12))


@jit.serial
def _exp(x):
    """Return e^x for x ≤ 0 by code that vectorises; the C library computes one number a call."""
    power = max(x * _LOG2E, -1022.0)
    whole = np.floor(power + 0.5)
    f = power - whole
    result = _EXP2[11]
    for k in range(10, -1, -1):
        result = result * f + _EXP2[k]
    return result * np.int64((np.int64(np.int32(whole)) + 1023) << 52).view(np.float64)


@jit.serial
def _weigh(points, i, first, student, w):
    """Fill w with the kernel w_ij between point i and points j = first, …; w_ii is 0."""
    w[:] = 0
    for a in range(len(points)):
        here, others = points[a, i], points[a, first : first + len(w)]
        for j in range(len(w)):
            w[j] += (here - others[j]) ** 2
    for j in range(len(w)):
        w[j] = _exp(-w[j]) if student is None else 1 / (1 + w[j])
    if first <= i < first + len(w):
        w[i - first] = 0


@jit.parallel
def masses(points, student, z):
    """Fill z with ``Z_i = Σ_j w_ij``."""
    n = points.shape[1]
    for i in prange(n):
        w = np.empty(_CHUNK)
        for first in range(0, n, _CHUNK):
            count = min(_CHUNK, n - first)
            _weigh(points, i, first, student, w[:count])
            z[i] += w[:count].sum()


@jit.serial
def _factors(p, w, here, h, student, background, pull, push):
    """Fill the factors of y_i − y_j in attraction and repulsion, see the module `bhtsne.sne`."""
    for j in range(len(w)):
        s = w[j] * (here + h[j])
        pull[j], push[j] = p[j], s
        if student is not None:
            pull[j] *= w[j]
            push[j] *= w[j]
        if background is not None:
            share, uniform = background
            gaussian = (1 - share) * s
            pull[j] *= gaussian / (gaussian + uniform)


@jit.parallel
def forces(p, points, h, student, background, attraction, repulsion, pulls):
    """Fill ``Σ_j pull (y_i − y_j)``, ``Σ_j push (y_i − y_j)`` and ``Σ_j pull`` of each point.

    `background` is None, or ρ and ``ρ / (N (N − 1))``.
    """
    d, n = points.shape
    for i in prange(n):
        buffer = np.empty((3, _CHUNK))
        for first in range(0, n, _CHUNK):
            there = slice(first, min(first + _CHUNK, n))
            count = there.stop - there.start
            w, pull, push = buffer[0, :count], buffer[1, :count], buffer[2, :count]
            _weigh(points, i, first, student, w)
            _factors(p[i, there], w, h[i], h[there], student, background, pull, push)
            pulls[i] += pull.sum()
            for a in range(d):
                here, others = points[a, i], points[a, there]
                pulled = pushed = 0.0
                for j in range(count):
                    pulled += pull[j] * (here - others[j])
                    pushed += push[j] * (here - others[j])
                attraction[a, i] += pulled
                repulsion[a, i] += pushed


@jit.parallel
def surprise(p, points, h, student, background, out):
    """Fill each row's ``−Σ_j p_ij ln w_ij``, or, with a background, ``−Σ_j p_ij ln q_ij``."""
    d, n = points.shape
    for i in prange(n):
        total = 0.0
        for j in range(n):
            if p[i, j] > 0:
                d2 = 0.0
                for a in range(d):
                    d2 += (points[a, i] - points[a, j]) ** 2
                if background is not None:
                    share, uniform = background
                    d2 = -np.log((1 - share) * np.exp(-d2) * (h[i] + h[j]) + uniform)
                elif student is not None:
                    d2 = np.log1p(d2)
                total += p[i, j] * d2
        out[i] = total
