"""P → what the optimizer minimises: the KL divergence of a map, its gradient and its error."""

from collections.abc import Callable

import numpy as np
from numba import prange

from bhtsne import forces, jit, tree
from bhtsne.forces import barnes_hut, edges, exact

# Points whose repulsion is compared with the exact one at a check: enough for the error's first
# digit.
_SAMPLE = 200
# θ from the measured error, which grows as its third power or so: aimed at is this part of what is
# allowed, since the map moves on; below the second, a larger θ is tried.
_AIM, _SPARE, _ORDER, _TRIALS = 0.6, 0.3, 3.0, 6
_NARROWEST, _WIDEST = 0.05, 1.2
_GROWTH = 1.25  # from check to check: a map that is still small knows no error, and soon does


class KLDivergence:
    """KL divergence of a map from affinities.

    Attraction streams through P. That is fast where neighbours in the map are neighbours in
    memory, so a copy of P is kept in the Morton order of the map, and made anew as the map takes
    shape. The order of a row's entries stays, and with it every bit of the result.

    Parameters
    ----------
    P : csr_array of float32, shape (N, N)
        Joint affinities.
    method : {"barnes_hut", "exact"}
        How the repulsion is summed.
    theta, dof : float
        As in `forces.repulsion`.
    force_error : float, optional
        If given, each check sets θ anew, to the largest at which the force's error stays below
        this.
    """

    def __init__(
        self, P, method: str, theta: float, dof: float, force_error: float | None = None
    ) -> None:
        self._P, self._sorted_P, self._order = P, P, np.arange(P.shape[0])
        self._method, self.theta, self._dof = method, float(theta), float(dof)
        self._force_error = force_error
        self._calls, self._next_sort = 0, 0

    def gradient(self, Y: np.ndarray, exaggeration: float) -> np.ndarray:
        """Return the gradient at Y, of the shape of Y."""
        if self._method == "exact":
            Y = Y.astype(np.float64)
            attraction = edges.attract(self._P, Y, self._dof)
            repulsion = forces.Repulsion(*exact.repulsion(Y, self._dof))
            return forces.combine(attraction, repulsion, self._dof, exaggeration)
        sorted_points = tree.build(Y)
        force, z = barnes_hut.repulsion(sorted_points, self.theta, self._dof)
        if self._calls == self._next_sort:
            self._sort(sorted_points.order)
            self._next_sort = max(25, 2 * self._calls)
        self._calls += 1
        attraction = edges.attract(self._sorted_P, np.take(Y, self._order, axis=0), self._dof)
        grad = np.empty_like(Y)
        factor = 2 * (1 + 1 / self._dof)
        _gather(
            attraction, self._order, np.float32(factor * exaggeration),
            force, sorted_points.order, np.float32(factor / forces.checked_z(z)), grad,
        )  # fmt: skip
        return grad

    def check(self, Y: np.ndarray) -> tuple[float, float]:
        """Return the KL divergence at Y and the relative RMS error of a sample of its forces."""
        if self._method == "exact":
            return self._divergence(Y, exact.repulsion(Y, self._dof)[1]), 0.0
        sample = np.unique(np.linspace(0, len(Y) - 1, _SAMPLE).astype(np.int64))
        truth, _ = exact.repulsion(Y, self._dof, sample)
        sorted_points = tree.build(Y)
        place = np.empty(len(Y), np.intp)
        place[sorted_points.order] = np.arange(len(Y))

        def at(theta: float) -> tuple[float, float]:
            force, z = barnes_hut.repulsion(sorted_points, theta, self._dof)
            size = np.linalg.norm(truth)
            error = np.linalg.norm(force[:, place[sample]].T - truth) / size if size > 0 else 0.0
            return float(error), z

        error, z = at(self.theta)
        if self._force_error is not None:
            self.theta, error, z = _held(at, self.theta, error, z, self._force_error)
        return self._divergence(Y, z), error

    def _divergence(self, Y, z: float) -> float:
        shares = np.empty(len(Y))
        shares[self._order] = edges.divergence_by_row(
            self._sorted_P, Y[self._order], forces.checked_z(z), self._dof
        )
        return float(shares.sum())

    def _sort(self, order) -> None:
        P = self._P
        self._order = order.astype(np.intp)
        place = np.empty(len(order), P.indices.dtype)
        place[order] = np.arange(len(order))
        sorted_P = P.copy() if self._sorted_P is P else self._sorted_P
        sorted_P.indptr[1:] = np.cumsum(np.diff(P.indptr)[order])
        _permute(
            P.indptr, P.indices, P.data, order, place,
            sorted_P.indptr, sorted_P.indices, sorted_P.data,
        )  # fmt: skip
        self._sorted_P = sorted_P


def _held(at: Callable, theta: float, error: float, z: float, most: float) -> tuple:
    """Return the θ to go on with, and error and Z there: the error is below `most`, not by far.

    Of the angles tried the widest that is careful enough: the error does not fall evenly, since
    whole cells are opened or not.
    """
    widest = min(max(theta, _NARROWEST) * _GROWTH, _WIDEST)
    careful, careless = None, np.inf
    for _ in range(_TRIALS):
        if error <= most:
            careful = theta, error, z
            if error > _SPARE * most or theta >= widest:
                break
        else:
            careless = theta
        wanted = theta * (_AIM * most / max(error, most / 100)) ** (1 / _ORDER)
        if careful is not None and not careful[0] < wanted < careless:
            wanted = np.sqrt(careful[0] * min(careless, widest))
        theta = float(min(max(wanted, _NARROWEST), widest))
        error, z = at(theta)
    return careful or (theta, error, z)


@jit.parallel
def _permute(indptr, indices, p, order, place, to_indptr, to_indices, to_p):
    """Bring rows and columns of a CSR matrix into another order, each row's entries in theirs."""
    for i in prange(len(order)):
        shift = to_indptr[i] - indptr[order[i]]
        for e in range(indptr[order[i]], indptr[order[i] + 1]):
            to_indices[e + shift] = place[indices[e]]
            to_p[e + shift] = p[e]


@jit.parallel
def _gather(attraction, order, a, repulsion, tree_order, r, grad):
    """Fill grad with a · attraction − r · repulsion, each of which has its own order."""
    n, d = grad.shape
    for i in prange(n):
        for k in range(d):
            grad[order[i], k] = a * attraction[i, k]
    for i in prange(n):
        for k in range(d):
            grad[tree_order[i], k] -= r * repulsion[k, i]
