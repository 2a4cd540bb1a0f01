"""Fitted map, affinities of new points → their coordinates, each point on its own.

A new point i has affinities ``p_j|i`` to its neighbours j in the fitted data, and on the map
``q_j|i = w_ij / Z_i`` with ``Z_i = Σ_j w_ij`` over the fitted points, which do not move. Its
coordinates minimise ``KL(P_i‖Q_i) = Σ_j p_j|i ln(p_j|i / q_j|i)``, with the gradient
``(1 + 1/dof) (F_attr,i − F_rep,i / Z_i)``: the gradient of t-SNE with fixed other points and a
normalisation of its own for each point, so that new points do not act on each other (Poličar,
Stražar & Zupan 2021).
"""

import zlib

import numpy as np
from scipy import sparse

from bhtsne import tree
from bhtsne.forces import barnes_hut, edges, exact, packed

__all__ = ["MajorizedObjective", "NewPoints", "start"]

STARTS = ("weighted", "median", "random")
_SAMPLE = 200  # points whose force is compared with the exact one at a check


class NewPoints:
    """Mean KL divergence of new points from a fitted map, as an objective of the optimizer.

    Parameters
    ----------
    P : csr_array of float32, shape (M, N)
        Affinities of the new points to the fitted ones; each row sums to 1.
    fitted : ndarray of float32, shape (N, d)
        The map, which does not move.
    method : {"barnes_hut", "exact"}
        Method of the repulsion.
    theta, dof : float
        As in `forces.repulsion`.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> from bhtsne import transform
    >>> P = sparse.csr_array(np.array([[0.5, 0.5]], np.float32))
    >>> fitted = np.array([[-1, 0], [1, 0]], np.float32)
    >>> new = transform.NewPoints(P, fitted, "exact", 0.0, 1.0)
    >>> new.gradient(np.zeros((1, 2), np.float32), 1.0)  # half way the forces cancel
    array([[0., 0.]])
    """

    def __init__(self, P, fitted: np.ndarray, method: str, theta: float, dof: float) -> None:
        self._P, self._fitted = P, np.ascontiguousarray(fitted, np.float32)
        self._exact, self.theta, self._dof = method == "exact", float(theta), float(dof)
        self.affinity_share, self.reuse = 1.0, False  # all affinities, and a repulsion for each map
        if not self._exact:
            self._field = barnes_hut.Field(packed.pack(tree.build(self._fitted), self._dof))

    def gradient(self, Y: np.ndarray, exaggeration: float) -> np.ndarray:
        """Return the gradient at Y, of the shape of Y."""
        return self._gradient_and_curvature(Y, exaggeration)[0]

    def _gradient_and_curvature(
        self, Y: np.ndarray, exaggeration: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the gradient, and the curvature of the attraction's parabola (see below)."""
        force, z = self._repulsion(Y)
        pull, strength = edges.attract_to(self._P, Y, self._dof, self._fitted)
        push = force / np.maximum(z, np.finfo(z.dtype).tiny)[:, None]
        factor = 1 + 1 / self._dof
        return factor * (exaggeration * pull - push), factor * exaggeration * strength

    def check(self, Y: np.ndarray) -> tuple[float, float]:
        """Return the mean divergence of a point, and the relative error of a sample of forces."""
        force, z = self._repulsion(Y)
        P = self._P.tocoo()
        squared = ((Y[P.row].astype(np.float64) - self._fitted[P.col]) ** 2).sum(axis=1)
        log_w = -(self._dof + 1) / 2 * np.log1p(squared / self._dof)
        log_z = np.log(np.maximum(z, np.finfo(z.dtype).tiny).astype(np.float64))
        p = np.maximum(P.data, np.finfo(np.float32).tiny).astype(np.float64)
        kl = float((P.data * (np.log(p) - log_w + log_z[P.row])).sum() / len(Y))
        if self._exact:
            return kl, 0.0
        some = np.unique(np.linspace(0, len(Y) - 1, _SAMPLE).astype(np.int64))
        truth, _ = exact.field(self._fitted, Y[some], self._dof)
        size = np.linalg.norm(truth)
        return kl, float(np.linalg.norm(force[some] - truth) / size) if size > 0 else 0.0

    def _repulsion(self, Y):
        """Return forces and Z of each point."""
        if self._exact:
            return exact.field(self._fitted, Y, self._dof)
        return self._field(Y, self.theta)


class MajorizedObjective(NewPoints):
    """Objective of `NewPoints` with each point's gradient divided by a curvature of its own.

    ``ln(1 + d²/dof)`` lies below its tangent in d², so that the attractive part of the divergence
    lies below a parabola of curvature
    ``(1 + 1/dof) exaggeration Σ_j p_j|i (1 + d_ij²/dof)^-1``. A step at a learning rate of 1 and
    momentum 0 leads to its minimum (majorisation, as Yang, Peltonen & Kaski 2015 for whole maps).
    Far from its neighbours the gradient of a point vanishes; its quotient by the curvature does
    not.

    Parameters
    ----------
    P, fitted, method, theta, dof : as in `NewPoints`
        Affinities, map, and parameters of the force.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> from bhtsne import transform
    >>> P = sparse.csr_array(np.array([[0, 1]], np.float32))
    >>> fitted = np.array([[1000, 0], [0, 0]], np.float32)
    >>> settling = transform.MajorizedObjective(P, fitted, "exact", 0.0, 1.0)
    >>> far = np.array([[0, 500]], np.float32)  # from its neighbour
    >>> bool(settling.gradient(far, 2.0)[0, 1] > 250)
    True
    """

    def gradient(self, Y: np.ndarray, exaggeration: float) -> np.ndarray:
        """Return the gradient divided by the curvature, of the shape and in the units of Y."""
        slope, curvature = self._gradient_and_curvature(Y, exaggeration)
        return slope / np.maximum(curvature, np.finfo(curvature.dtype).tiny)[:, None]


def start(P: sparse.csr_array, fitted: np.ndarray, init: str, seed: int) -> np.ndarray:
    """Return the start of new points.

    Parameters
    ----------
    P : csr_array of shape (M, N)
        Affinities of the new points to the fitted ones; each row sums to 1.
    fitted : ndarray of shape (N, d)
        The map.
    init : {"weighted", "median", "random"}
        Mean of the neighbours' coordinates weighted by affinity; their median; or Gaussian noise
        with the standard deviation of the map, seeded for each point by its affinities and `seed`.
    seed : int
        Seed for "random".

    Returns
    -------
    ndarray of float32, shape (M, d)
        Coordinates, which for each point do not depend on the other points.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> from bhtsne import transform
    >>> P = sparse.csr_array(np.array([[0.75, 0.25]], np.float32))
    >>> transform.start(P, np.array([[0, 0], [4, 0]]), "weighted", 0)
    array([[1., 0.]], dtype=float32)
    """
    if init == "weighted":
        return (P @ fitted.astype(np.float64)).astype(np.float32)
    rows = [slice(*ends) for ends in zip(P.indptr[:-1], P.indptr[1:], strict=True)]
    if init == "median":
        return np.array([np.median(fitted[P.indices[row]], axis=0) for row in rows], np.float32)
    middle, spread = fitted.mean(axis=0), fitted.std()
    names = [zlib.crc32(P.indices[row].tobytes() + P.data[row].tobytes()) for row in rows]
    noise = [np.random.default_rng([seed, name]).normal(size=len(middle)) for name in names]
    return (middle + spread * np.array(noise)).astype(np.float32)
