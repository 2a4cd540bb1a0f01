"""P, variant → objective of the optimizer: the divergence of a map from affinities, exact."""

from copy import copy

import numpy as np
from scipy import sparse

from bhtsne.sne import sums
from bhtsne.validation.arrays import checked_reals, checked_sparse
from bhtsne.validation.maps import checked_map
from bhtsne.validation.numbers import checked_number

__all__ = ["VARIANTS", "Divergence", "divergence", "gradient"]

VARIANTS = ("sne", "symmetric", "uni-sne", "t-sne")


class Divergence:
    """Divergence of a variant of SNE, and its gradient.

    Parameters
    ----------
    P : sparse or dense array of shape (N, N)
        Affinities with a diagonal of 0: p_j|i, whose rows sum to 1, for "sne"; p_ij, which sum to
        1, for the other variants.
    variant : {"sne", "symmetric", "uni-sne", "t-sne"}
        See the module `bhtsne.sne`.
    background : float
        ρ, the share of q that "uni-sne" distributes evenly over all pairs, 0 to below 1.

    Attributes
    ----------
    joint : ndarray of float32, shape (N, N)
        ``p_ij = (p_j|i + p_i|j) / 2N``, or the symmetric part of P, which enters the gradient.

    Raises
    ------
    ValueError
        If P is not square, has a negative or no positive entry, is not finite, or an option is out
        of range.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import sne
    >>> two = sne.Divergence(np.array([[0, 0.5], [0.5, 0]]), "t-sne")
    >>> bool(abs(two.gradient(np.array([[0.0], [1.0]]), 1.0)).max() < 1e-12)  # an exact fit
    True
    """

    theta, affinity_share, reuse = 0.0, 1.0, False  # every pair counts, each time

    def __init__(self, P, variant: str = "sne", background: float = 0.2) -> None:
        P = _dense_affinities(P)
        if not isinstance(variant, str) or variant not in VARIANTS:
            raise ValueError(f"variant must be one of {VARIANTS}, got {variant!r}.")
        background = float(checked_number("background", background))
        self._n = n = len(P)
        self._by_row = variant == "sne"
        self._student = True if variant == "t-sne" else None
        self._background = None
        if variant == "uni-sne" and background > 0:
            self._background = background, background / (n * (n - 1))
        self._masses = P.sum(axis=1, dtype=np.float64)
        self._information = _information(P)
        self.joint = P + P.T
        self.joint *= np.float32(0.5 / n if self._by_row else 0.5)

    def gradient(self, Y: np.ndarray, exaggeration: float) -> np.ndarray:
        """Return the gradient at Y, float64 of the shape of Y."""
        points = _by_axis(Y)
        attraction, repulsion = np.zeros(points.shape), np.zeros(points.shape)
        pulls = np.zeros(self._n)
        h, _ = self._halves(points)
        sums.forces(
            self.joint, points, h, self._student, self._background, attraction, repulsion, pulls
        )
        share = 1.0 if self._background is None else pulls.sum()
        factor = 4.0 * self._n if self._by_row else 4.0
        return np.ascontiguousarray(
            (factor * exaggeration * attraction - factor * share * repulsion).T
        )

    def check(self, Y: np.ndarray) -> tuple[float, float]:
        """Return the divergence at Y, and 0, the error of the force."""
        points, rows = _by_axis(Y), np.empty(self._n)
        h, log_z = self._halves(points)
        sums.surprise(self.joint, points, h, self._student, self._background, rows)
        cross = rows.sum() * (self._n if self._by_row else 1)
        if self._background is None:
            cross += (self._masses * log_z).sum()
        return float(self._information + cross), 0.0

    def without_background(self) -> "Divergence":
        """Return the same divergence with ρ = 0; it shares the affinities."""
        without = copy(self)
        without._background = None
        return without

    def _halves(self, points) -> tuple[np.ndarray, np.ndarray]:
        """Return h (see `sums`), and ln Z of each row, or of all."""
        z = np.zeros(self._n)
        sums.masses(points, self._student, z)
        if not self._by_row:
            z[:] = z.sum()
        z = np.maximum(z, np.finfo(np.float64).tiny)  # 0 for a point far from all others
        return 0.5 / (z * self._n if self._by_row else z), np.log(z)


def divergence(P, Y, *, variant: str = "sne", background: float = 0.2) -> float:
    """Compute the divergence of a variant of SNE, ``Σ_ij p ln(p / q)``, in nats.

    Parameters
    ----------
    P : sparse or dense array of shape (N, N)
        As in `Divergence`.
    Y : array_like of shape (N, d)
        The map.
    variant, background : str, float
        As in `Divergence`.

    Returns
    -------
    float
        For "sne" the sum over N rows, N times as large as for the other variants.

    Raises
    ------
    ValueError
        If P or Y is invalid, their sizes differ, or an option is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import forces, sne
    >>> P = np.array([[0, 0.4, 0.1], [0.4, 0, 0], [0.1, 0, 0]])
    >>> Y = np.array([[0.0], [1.0], [9.0]])
    >>> bool(np.isclose(sne.divergence(P, Y, variant="t-sne"), forces.kl_divergence(P, Y)))
    True
    """
    objective = Divergence(P, variant, background)
    return objective.check(_checked_map(Y, len(objective.joint)))[0]


def gradient(P, Y, *, variant: str = "sne", background: float = 0.2) -> np.ndarray:
    """Compute the gradient of the divergence of a variant of SNE.

    The module `bhtsne.sne` has the equations.

    Parameters
    ----------
    P : sparse or dense array of shape (N, N)
        As in `Divergence`.
    Y : array_like of shape (N, d)
        The map.
    variant, background : str, float
        As in `Divergence`.

    Returns
    -------
    ndarray of float64, shape (N, d)
        ∂C/∂y_i.

    Raises
    ------
    ValueError
        If P or Y is invalid, their sizes differ, or an option is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import sne
    >>> P = np.array([[0, 1, 0], [0.5, 0, 0.5], [0, 1, 0]])
    >>> sne.gradient(P, np.array([[-1.0], [0.0], [1.0]])).round(2)  # 0 for the middle point
    array([[ 0.28],
           [ 0.  ],
           [-0.28]])
    """
    objective = Divergence(P, variant, background)
    return objective.gradient(_checked_map(Y, len(objective.joint)), 1.0)


def _dense_affinities(P) -> np.ndarray:
    """Return P as a dense array of float32, or raise ValueError."""
    P = checked_sparse(P, "P").toarray() if sparse.issparse(P) else checked_reals(P, "P")
    if P.ndim != 2 or P.shape[0] != P.shape[1] or len(P) < 2:
        raise ValueError(
            f"P must be of shape (N, N), of 2 points or more, got an array of shape {P.shape}."
        )
    with np.errstate(over="ignore"):  # infinity is reported below
        P = np.ascontiguousarray(P, np.float32)
    if not (P.min() >= 0 and 0 < P.max() < np.inf):
        raise ValueError(
            "P must hold finite float32 numbers of at least 0, and one above 0, got NaN, infinity, "
            "a negative number, or zeros alone."
        )
    if P.diagonal().any():
        raise ValueError(
            "P must have a diagonal of 0, got another; set it by numpy.fill_diagonal(P, 0)."
        )
    return P


def _checked_map(Y, n: int) -> np.ndarray:
    Y = checked_map(Y)
    if len(Y) != n:
        raise ValueError(f"Y must be a map of shape ({n}, d), as P has {n} points, got {Y.shape}.")
    return Y.astype(np.float64)


def _information(P) -> float:
    """Return ``Σ_ij p_ij ln p_ij``, row by row, without a second matrix."""
    return float(sum(np.sum(row * np.log(row)) for row in (r[r > 0].astype(np.float64) for r in P)))


def _by_axis(Y) -> np.ndarray:
    return np.ascontiguousarray(np.asarray(Y, np.float64).T)
