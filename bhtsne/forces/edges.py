"""P, Y → sums over the edges of P: attraction and KL divergence.

``F_attr,i = Σ_j p_ij (1 + d_ij²/dof)^-1 (y_i − y_j)`` over the stored entries of the CSR matrix P.
The sum of a row follows the order in which its entries are stored, so that the bits depend neither
on the number of threads nor on the order of the rows. Sums are float64 for a float64 map, which the
exact method uses, and float32 for a float32 map.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np

from bhtsne import jit
from bhtsne.forces.counting import advance

__all__ = ["Edges", "attract", "attract_beside", "attract_to", "divergence_by_row"]

T = TypeVar("T")

_ROWS = 64  # rows that a thread sums at a time
_FEW = 3072  # points whose forces one thread sums sooner alone
_CHECKED = 1024  # rows of a block whose divergence is summed
_CHUNK = 256  # edges whose end points are gathered before they are summed
_LN2 = float(np.log(2))
_ROOT_HALF = int(np.float64(np.sqrt(0.5)).view(np.int64))  # its bits


class Edges(NamedTuple):
    """A CSR matrix of affinities: the edges of row i stand at ``indptr[i]:indptr[i + 1]``."""

    indptr: np.ndarray
    indices: np.ndarray
    p: np.ndarray

    @classmethod
    def of(cls, P) -> "Edges":
        """Return the arrays of a csr_array."""
        return cls(P.indptr, P.indices, P.data)


def attract(P, Y: np.ndarray, dof: float) -> np.ndarray:
    """Return the attraction of the points on each other, of the shape and dtype of Y."""
    return attract_beside(P, Y, dof, lambda: None)[0]


def attract_beside(P, Y: np.ndarray, dof: float, work: Callable[[], T]) -> tuple[np.ndarray, T]:
    """Return the attraction, and the result of `work`, which one thread does meanwhile."""
    points = _paired(Y)
    sums, result = _summed(P, points, points, dof, None, work)
    return np.ascontiguousarray(sums[:, : Y.shape[1]]), result


def attract_to(P, Y: np.ndarray, dof: float, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the attraction of the columns' points, `ends`, on the rows', and its strength.

    The strength of the attraction on i is ``Σ_j p_ij (1 + d_ij²/dof)^-1``, of shape (M,).
    """
    sums, _ = _summed(P, _paired(Y), _paired(ends), dof, True, lambda: None)
    return np.ascontiguousarray(sums[:, : Y.shape[1]]), sums[:, -1]


def _summed(
    P, points: np.ndarray, ends: np.ndarray, dof: float, strength, work: Callable[[], T]
) -> tuple[np.ndarray, T]:
    """Return the force on each point, with its strength in a last column if that is True.

    The second result is that of `work`, which one thread does meanwhile.
    """
    n, d = points.shape
    # Two coordinates are fetched as one number, which is faster than one by one.
    pairs = ends.view(np.float64 if points.dtype == np.float32 else np.complex128)
    sums = np.empty((n, d + bool(strength)), points.dtype)
    four, more = True if d > 2 else None, True if d > 4 else None
    sum_rows = partial(
        _sum_rows, Edges.of(P), points, pairs.ravel(), four, more, strength,
        points.dtype.type(1 / dof), sums, np.zeros(1, np.int64),
    )  # fmt: skip
    # For few points, the threads take longer to wake than the sums.
    return sums, jit.run_beside(work, sum_rows, alone=n <= _FEW)


def _paired(Y: np.ndarray) -> np.ndarray:
    """Return Y with an even number of coordinates: a column of zeros is added to an odd one."""
    return np.ascontiguousarray(np.pad(Y, ((0, 0), (0, 1))) if Y.shape[1] % 2 else Y)


def divergence_by_row(P, Y: np.ndarray, z: float, dof: float) -> np.ndarray:
    """Return ``Σ_j p_ij (ln p_ij − ln w_ij + ln Z)`` for each row, float64."""
    Y, out = np.ascontiguousarray(Y), np.empty(len(Y))

    def sum_rows(start: int, stop: int) -> None:
        logs = np.zeros((2, _CHUNK))
        buffers = logs, logs.view(np.int64), np.empty(_CHUNK)
        _sum_log_ratios(start, stop, Edges.of(P), Y, float(z), float(dof), buffers, out)

    jit.map_blocks(sum_rows, len(Y), _CHECKED, interruptible=False)
    return out


@jit.serial
def _gather(indices, p, n, whole, pairs, step, ends, weights):
    """Copy the end points of n edges, and their affinities, next to each other."""
    # Slices and unsigned numbers avoid the test for a negative index, which is slow here.
    for e in range(n):
        j, k = np.uint64(step) * np.uint64(indices[e]), np.uint64(step) * np.uint64(e)
        for a in range(np.uint64(step)):
            ends[k + a] = pairs[j + a]
        weights[e] = p[e]
    # The sums run over whole vectors: the rest of the buffer gets no weight.
    weights[n:whole] = 0


@jit.serial
def _pull(force, point, ends, weights, n, scale, four, more, strength):
    """Add ``Σ_j p_ij v_ij (y_i − y_j)`` over n edges to a force, and ``Σ_j p_ij v_ij`` to its end.

    ``v_ij = (1 + d_ij² scale)^-1``; the flags are those of `_sum_rows`.
    """
    fx = fy = fz = ft = total = point[0] * np.float32(0)
    width = 2 if four is None else 4 if more is None else len(point)
    for e in range(n):
        k = width * e
        dx, dy = point[0] - ends[k], point[1] - ends[k + 1]
        r2 = dx * dx + dy * dy
        if four is not None:
            dz, dt = point[2] - ends[k + 2], point[3] - ends[k + 3]
            r2 += dz * dz + dt * dt
        if more is not None:
            for a in range(4, width):
                r2 += (point[a] - ends[k + a]) ** 2
        w = weights[e] / (np.float32(1) + r2 * scale)
        fx += w * dx
        fy += w * dy
        if strength is not None:
            total += w
        if four is not None:
            fz += w * dz
            ft += w * dt
        if more is not None:
            for a in range(4, width):
                force[a] += w * (point[a] - ends[k + a])
    force[0] += fx
    force[1] += fy
    if four is not None:
        force[2] += fz
        force[3] += ft
    if strength is not None:
        force[len(force) - 1] += total


@jit.serial
def _sum_rows(edges, points, pairs, four, more, strength, scale, force, done):
    """Fill the attraction on points (see `_pull`) until none is left.

    Threads that call this at the same time share `done`, the number of points that are done or
    begun. Pairs are the end points of the edges, two coordinates in each number. `four` and `more`
    say whether points have 4 coordinates or more, and more than 4; `strength`, whether the strength
    of the attraction is summed too. Each is True or None, and an argument of its own: Numba
    compiles each case and drops a branch of None only where the name is an argument of the
    function. With the number of coordinates unknown to the compiler, the attraction takes twice the
    time (`bench/limit.py`).
    """
    indptr, indices, p = edges
    step = 1 if four is None else 2 if more is None else points.shape[1] // 2
    ends, weights = np.zeros(step * _CHUNK, pairs.dtype), np.zeros(_CHUNK, p.dtype)
    numbers = ends.view(points.dtype)
    start = advance(done, _ROWS)
    while start < len(points):
        for i in range(start, min(start + _ROWS, len(points))):
            force[i] = 0
            for first in range(indptr[i], indptr[i + 1], _CHUNK):
                count = min(_CHUNK, indptr[i + 1] - first)
                whole = (count + 31) & ~31
                there = slice(first, first + count)
                _gather(indices[there], p[there], count, whole, pairs, step, ends, weights)
                _pull(force[i], points[i], numbers, weights, whole, scale, four, more, strength)
        start = advance(done, _ROWS)


@jit.serial
def _sum_log_ratios(start, stop, edges, Y, z, dof, buffers, out):
    """Fill ``Σ_j p_ij ln(p_ij Z t_ij^e)`` of some rows, ``t = 1 + d²/dof``, ``e = (dof + 1)/2``."""
    more = (dof - 1) / 2  # at dof 1 the logarithms of t are not needed
    logs, bits, powers = buffers  # logarithms of p Z t and t, the bits of these numbers
    for i in range(start, stop):
        out[i] = 0.0
        for first in range(edges.indptr[i], edges.indptr[i + 1], _CHUNK):
            count = min(_CHUNK, edges.indptr[i + 1] - first)
            there = slice(first, first + count)
            indices, p = edges.indices[there], edges.p[there]
            for e in range(count):
                r2 = 0.0
                for a in range(Y.shape[1]):
                    r2 += (np.float64(Y[i, a]) - np.float64(Y[indices[e], a])) ** 2
                t = 1 + r2 / dof
                logs[0, e], logs[1, e] = p[e] * z * t if p[e] > 0 else 1.0, t
            for row in range(1 if more == 0 else 2):
                _take_logarithms(logs[row], bits[row], powers, count)
            total = 0.0
            for e in range(count):
                total += p[e] * (logs[0, e] + more * logs[1, e])
            out[i] += total


@jit.serial
def _take_logarithms(values, bits, powers, n):
    """Replace n positive numbers by their natural logarithms, to about 1e-15.

    ``ln(2^k m) = k ln 2 + 2 artanh s`` with ``s = (m − 1) / (m + 1)`` and m from √½ to √2. The
    loops have no calls and no branches, so that they run on whole vectors, faster than the C
    library's logarithm (`bench/NOTES.md`). `bits` are those of the values, `powers` is a buffer.
    """
    for e in range(n):
        power = (bits[e] - _ROOT_HALF) >> 52
        bits[e] -= power << 52
        powers[e] = power
    for e in range(n):
        s = (values[e] - 1) / (values[e] + 1)
        s2 = s * s
        series = 1 / 15 + s2 * (1 / 17 + s2 / 19)
        series = 1 / 9 + s2 * (1 / 11 + s2 * (1 / 13 + s2 * series))
        series = 1 / 3 + s2 * (1 / 5 + s2 * (1 / 7 + s2 * series))
        values[e] = powers[e] * _LN2 + 2 * s * (1 + s2 * series)
