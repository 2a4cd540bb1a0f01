"""P → objective of the optimizer: KL divergence of a map, its gradient and the error of its force.

While an optimisation runs, the objective owns θ; the state holds a copy, from which `resume` sets
the objective of a later process.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import prange
from scipy import sparse

from bhtsne import forces, jit, tree
from bhtsne.forces import barnes_hut, edges, exact, packed
from bhtsne.forces.pruning import pruned

# Points whose repulsion is compared with the exact one at a check: enough for the first digit of
# the error.
_SAMPLE = 200
_ROWS = 1024  # of P that a thread sorts at a time
# Control of θ by the measured error, which grows about as θ^_ORDER. The target is _AIM times the
# bound, since the map moves on until the next check; below _SPARE times the bound, a larger θ is
# tried.
_AIM, _SPARE, _ORDER, _TRIALS = 0.6, 0.3, 3.0, 6
_NARROWEST, _WIDEST = 0.05, 1.2
_GROWTH = 1.25  # of θ from one check to the next: the error of a small map is no guide for later


class KLDivergence:
    """KL divergence of a map from affinities.

    The attraction reads P row by row, which is fast where neighbours in the map are neighbours in
    memory. The class therefore holds a copy of P in the Morton order of the map, which it renews as
    the map takes shape. The order of the entries within a row never changes, so that the copy does
    not change a bit of the result.

    A phase may leave out the smaller affinities of each point (`affinity_share`): then the gradient
    is that of the pruned P, while the divergence is that of the whole P. It may also use one
    repulsion for several iterations (`reuse`): the tree and its sums take longer than the
    attraction, and change less from one iteration to the next.

    Parameters
    ----------
    P : csr_array of float32, shape (N, N)
        Joint affinities.
    method : {"barnes_hut", "exact"}
        Method of the repulsion.
    theta, dof : float
        As in `forces.repulsion`.
    force_error : float, optional
        Bound of the relative error of the repulsion. If given, each check sets θ to about the
        largest value within the bound.

    Attributes
    ----------
    reuse : bool
        Whether the next gradient takes the last repulsion, if there is one.
    repulsion : ndarray of shape (N, d) or None
        The last repulsion, with its factors in the gradient.
    """

    def __init__(
        self, P, method: str, theta: float, dof: float, force_error: float | None = None
    ) -> None:
        self._P = P
        self._attract_by(P)
        self._share = self.affinity_share = 1.0
        self._method, self.theta, self.dof = method, float(theta), float(dof)
        self._force_error = force_error
        self.reuse = False
        self.repulsion: Any = None
        self._calls, self._next_sort = 0, 0

    def gradient(self, Y: np.ndarray, exaggeration: float) -> np.ndarray:
        """Return the gradient at Y, of the shape of Y."""
        if self.affinity_share != self._share:
            self._prune()
        fresh = self.repulsion is None or not self.reuse
        factor = 2 * (1 + 1 / self.dof)
        if self._method == "exact":
            Y = Y.astype(np.float64)
            if fresh:
                force, z = exact.repulsion(Y, self.dof)
                self.repulsion = factor / forces.checked_z(z) * force
            attraction = edges.attract(self._attracting, Y, self.dof)
            return factor * exaggeration * attraction - self.repulsion
        # In this order two processes share the compilation of a first run (`fitting.compilation`).
        attraction, sources = edges.attract_beside(
            self._sorted_P, np.take(Y, self._order, axis=0), self.dof,
            lambda: packed.pack(tree.build(Y), self.dof) if fresh else None,
        )  # fmt: skip
        scale = 1.0  # of the repulsion, which is that of an earlier iteration
        if sources is not None:
            force, z = barnes_hut.repulsion(sources, self.theta)
            self.repulsion, scale = force, factor / forces.checked_z(z)
        grad = np.empty_like(Y)
        _combine(
            attraction, self._place, np.float32(factor * exaggeration), np.float32(scale),
            self.repulsion, grad,
        )  # fmt: skip
        if sources is not None and self._calls >= self._next_sort:
            self._sort(sources.tree.order)
            self._next_sort = max(25, 2 * self._calls)
        self._calls += 1
        return grad

    def check(self, Y: np.ndarray) -> tuple[float, float]:
        """Return the KL divergence at Y and the relative RMS error of a sample of its forces.

        With a `force_error`, the check also sets θ.
        """
        if self._method == "exact":
            return self._divergence(Y, exact.repulsion(Y, self.dof)[1]), 0.0
        sample = np.unique(np.linspace(0, len(Y) - 1, _SAMPLE).astype(np.int64))
        truth, _ = exact.repulsion(Y, self.dof, sample)
        sources = packed.pack(tree.build(Y), self.dof)

        def at(theta: float) -> tuple[float, float]:
            force, z = barnes_hut.repulsion(sources, theta)
            size = np.linalg.norm(truth)
            error = np.linalg.norm(force[sample] - truth) / size if size > 0 else 0.0
            return float(error), z

        error, z = at(self.theta)
        if self._force_error is not None:
            self.theta, error, z = _theta_within(self._force_error, at, self.theta, error, z)
        return self._divergence(Y, z), error

    def _divergence(self, Y, z: float) -> float:
        """Return the KL divergence, given Z; rows are added in the order of the points."""
        P, order, by_row = self._sorted_P, self._order, np.empty(len(Y))
        if self._attracting is not self._P:  # the sorted copy is that of the pruned P
            P, order = self._P, np.arange(len(Y))
        by_row[order] = edges.divergence_by_row(P, Y[order], forces.checked_z(z), self.dof)
        return float(by_row.sum())

    def _prune(self) -> None:
        """Let the share of the affinities attract that a phase has set."""
        self._share, self._sorted_P = self.affinity_share, self._P  # frees the sorted copy
        self._attract_by(pruned(self._P, self._share))
        self._next_sort = self._calls

    def _attract_by(self, P) -> None:
        """Set the affinities that attract; they are not sorted yet."""
        self._attracting = self._sorted_P = P
        self._order = np.arange(P.shape[0])  # of the points in sorted_P
        self._place = self._order.astype(np.int32)  # of each point in that order

    def _sort(self, order) -> None:
        """Bring the copy of P into the given order of the points."""
        P = self._attracting
        self._order, self._place = order.astype(np.intp), np.empty(len(order), np.int32)
        self._place[order] = np.arange(len(order))
        place = self._place.astype(P.indices.dtype, copy=False)
        sorted_P = _of_the_size_of(P) if self._sorted_P is P else self._sorted_P
        sorted_P.indptr[1:] = np.cumsum(np.diff(P.indptr)[order])
        to = edges.Edges.of(sorted_P)

        def permute(start: int, stop: int) -> None:
            _permute(start, stop, edges.Edges.of(P), order, place, to)

        jit.map_blocks(permute, len(order), _ROWS, interruptible=False)
        self._sorted_P = sorted_P


def _of_the_size_of(P: sparse.csr_array) -> sparse.csr_array:
    """Return a matrix with room for the entries of P, which one thread need not copy first."""
    room = sparse.csr_array(P.shape, dtype=P.dtype)
    room.data, room.indices = np.empty_like(P.data), np.empty_like(P.indices)
    room.indptr = np.zeros_like(P.indptr)
    return room


def _theta_within(most: float, at: Callable, theta: float, error: float, z: float) -> tuple:
    """Return θ, error and Z such that the error is below `most`, but not far below.

    `at` computes error and Z at some θ; error and z are those at theta. Of the values tried, the
    largest θ within the bound is returned: the error is no smooth function of θ, since a cell is
    opened as a whole or not at all.
    """
    widest = min(max(theta, _NARROWEST) * _GROWTH, _WIDEST)
    within, too_wide = None, np.inf
    for _ in range(_TRIALS):
        if error <= most:
            within = theta, error, z
            if error > _SPARE * most or theta >= widest:
                break
        else:
            too_wide = theta
        wanted = theta * (_AIM * most / max(error, most / 100)) ** (1 / _ORDER)
        if within is not None and not within[0] < wanted < too_wide:
            wanted = np.sqrt(within[0] * min(too_wide, widest))
        theta = float(min(max(wanted, _NARROWEST), widest))
        error, z = at(theta)
    return within or (theta, error, z)


@jit.serial
def _permute(start, stop, edges, order, place, to):
    """Fill some rows of P_σσ: row i is row order[i] of P, with its entries in their order."""
    for i in range(start, stop):
        begin, end = edges.indptr[order[i]], edges.indptr[order[i] + 1]
        shift = to.indptr[i] - begin
        for e in range(begin, end):
            to.indices[e + shift] = place[edges.indices[e]]
            to.p[e + shift] = edges.p[e]


@jit.parallel
def _combine(attraction, place, a, scale, repulsion, grad):
    """Scale the repulsion and fill ``grad = a F_attr − F_rep``; point j is attraction[place[j]]."""
    n, d = grad.shape
    for j in prange(n):
        i = place[j]
        for k in range(d):
            repulsion[j, k] *= scale
            grad[j, k] = a * attraction[i, k] - repulsion[j, k]
