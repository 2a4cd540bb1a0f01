"""P, Y → attraction, repulsion, Z, gradient and KL divergence, exact and by Barnes-Hut.

The gradient of the KL divergence splits into two sums (van der Maaten 2014)::

    ∂C/∂y_i = 2 (1 + 1/dof) (F_attr,i − F_rep,i / Z)        (the factor is 4 at dof 1)
    F_attr,i = Σ_j p_ij (w_ij)^(2/(dof+1)) (y_i − y_j)      `attraction`: over the edges of P
    F_rep,i = Σ_j w_ij (w_ij)^(2/(dof+1)) (y_i − y_j)       `exact` or `barnes_hut`: over all pairs
    w_ij = (1 + d_ij²/dof)^(−(dof+1)/2),  Z = Σ_{k≠l} w_kl

so that at dof 1 both weights are the familiar p_ij w_ij and w_ij².
"""

from typing import NamedTuple

import numpy as np

from bhtsne import choices, tree
from bhtsne.forces import barnes_hut, exact, packed
from bhtsne.forces.adaptive import AdaptiveTheta
from bhtsne.forces.edges import attract, divergence_by_row
from bhtsne.validation.maps import checked_affinities, checked_map, checked_options, checked_z
from bhtsne.validation.numbers import checked_number

__all__ = [
    "METHODS",
    "AdaptiveTheta",
    "Gradient",
    "Repulsion",
    "attraction",
    "gradient",
    "kl_divergence",
    "repulsion",
]


METHODS = choices.FORCES


class Repulsion(NamedTuple):
    """Repulsion before its division by Z.

    Attributes
    ----------
    force : ndarray of shape (N, d)
        ``Σ_j w_ij² (y_i − y_j)`` at dof 1; see `repulsion` for any dof.
    z : float
        The sum of w_ij over all i ≠ j.
    """

    force: np.ndarray
    z: float


class Gradient(NamedTuple):
    """Gradient of the KL divergence.

    Attributes
    ----------
    grad : ndarray of shape (N, d)
        ∂C/∂y_i, with the factor 4 at dof 1.
    kl : float
        KL divergence of P without exaggeration, in nats.
    z : float
        The sum of w_ij over all i ≠ j.
    """

    grad: np.ndarray
    kl: float
    z: float


def repulsion(Y, *, method: str = "barnes_hut", theta: float = 0.45, dof: float = 1.0) -> Repulsion:
    """Compute the repulsion between all points of a map, before its division by Z.

    ``F_rep,i = Σ_j w_ij² (y_i − y_j)`` at dof 1 and, for any dof,
    ``Σ_j w_ij (1 + d_ij²/dof)^-1 (y_i − y_j)`` (van der Maaten & Hinton 2008, eq. 5; van der
    Maaten 2009 for dof).

    Parameters
    ----------
    Y : array_like of shape (N, d)
        The map, within ±1e6. Barnes-Hut takes d = 1, 2 or 3, exact any d.
    method : {"barnes_hut", "exact"}
        Tree in O(N log N) and float32, or all pairs in O(N²) and float64.
    theta : float
        Barnes-Hut replaces the points of a cell of side s at distance D from a group of points by
        the cell where ``s < theta D``. 0 sums every pair.
    dof : float
        Degrees of freedom of the kernel ``w = (1 + d²/dof)^(−(dof+1)/2)``, 0.001 to below 10,000.

    Returns
    -------
    Repulsion
        ``force``, float32 (Barnes-Hut) or float64 (exact) of shape (N, d), and ``z``.

    Raises
    ------
    ValueError
        If Y is not a finite two-dimensional array or too wide, or a parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import forces
    >>> Y = np.random.default_rng(0).normal(size=(500, 2)) * 10
    >>> fast, oracle = forces.repulsion(Y), forces.repulsion(Y, method="exact")
    >>> bool(np.linalg.norm(fast.force - oracle.force) < 2e-3 * np.linalg.norm(oracle.force))
    True
    """
    theta, dof = checked_options(method, theta, dof)
    Y = checked_map(Y, method)
    if method == "exact":
        return Repulsion(*exact.repulsion(Y, dof))
    return Repulsion(*barnes_hut.repulsion(packed.pack(tree.build(Y), dof), theta))


def attraction(P, Y, *, dof: float = 1.0) -> np.ndarray:
    """Compute the attraction along the edges of P.

    ``F_attr,i = Σ_j p_ij w_ij (y_i − y_j)`` at dof 1 and, for any dof,
    ``Σ_j p_ij (1 + d_ij²/dof)^-1 (y_i − y_j)`` (van der Maaten 2014, eq. 8).

    Parameters
    ----------
    P : sparse or dense array of shape (N, N)
        Joint affinities, as `affinities.perplexity` returns them.
    Y : array_like of shape (N, d)
        The map.
    dof : float
        Degrees of freedom of the kernel.

    Returns
    -------
    ndarray of shape (N, d)
        Forces, float64 if Y is float64, else float32.

    Raises
    ------
    ValueError
        If the shapes of P and Y do not fit or Y is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import forces
    >>> P = np.array([[0, 0.5], [0.5, 0]])
    >>> forces.attraction(P, np.array([[0.0], [1.0]]))
    array([[-0.25],
           [ 0.25]])
    """
    Y, dof = checked_map(Y), float(checked_number("dof", dof))
    return attract(checked_affinities(P, len(Y)), Y, dof)


def gradient(
    P,
    Y,
    *,
    method: str = "barnes_hut",
    theta: float = 0.45,
    dof: float = 1.0,
    exaggeration: float = 1.0,
) -> Gradient:
    """Compute the gradient of the KL divergence, and the divergence itself.

    ``∂C/∂y_i = 4 (exaggeration · F_attr,i − F_rep,i / Z)`` at dof 1; for any dof the factor is
    ``2 (1 + 1/dof)`` (van der Maaten & Hinton 2008, eq. 5; van der Maaten 2009).

    Parameters
    ----------
    P : sparse or dense array of shape (N, N)
        Joint affinities: symmetric, summing to 1.
    Y : array_like of shape (N, d)
        The map.
    method : str
        Method of the repulsion, as in `repulsion`.
    theta, dof : float
        As in `repulsion`.
    exaggeration : float
        Factor of the attraction. P is not changed, and the divergence is that of P.

    Returns
    -------
    Gradient
        ``grad`` of shape (N, d), float32 (Barnes-Hut) or float64 (exact), ``kl`` and ``z``.

    Raises
    ------
    ValueError
        If shapes do not fit, Y is not finite, or a parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import forces
    >>> P = np.array([[0, 0.5], [0.5, 0]])
    >>> g = forces.gradient(P, np.array([[0.0], [1.0]]), method="exact")
    >>> float(abs(g.grad).max()) < 1e-12 and abs(g.kl) < 1e-12  # a map of two points always fits
    True
    """
    exaggeration = float(checked_number("exaggeration", exaggeration))
    theta, dof = checked_options(method, theta, dof)
    Y = checked_map(Y, method)
    P = checked_affinities(P, len(Y))
    rep = repulsion(Y, method=method, theta=theta, dof=dof)
    attr = attract(P, Y if method == "exact" else Y.astype(np.float32), dof)
    grad = combine(attr, rep, dof, exaggeration)
    return Gradient(grad, float(divergence_by_row(P, Y, rep.z, dof).sum()), rep.z)


def combine(attr, rep: Repulsion, dof: float, exaggeration: float) -> np.ndarray:
    """Return the gradient from its two sums (see the head of this file)."""
    factor, z = 2 * (1 + 1 / dof), checked_z(rep.z)
    dtype = attr.dtype.type
    return dtype(factor * exaggeration) * attr - dtype(factor / z) * rep.force


def kl_divergence(P, Y, *, method: str = "exact", theta: float = 0.45, dof: float = 1.0) -> float:
    """Compute the KL divergence of the map from the affinities, in nats.

    ``KL(P‖Q) = Σ_ij p_ij ln(p_ij / q_ij)`` with ``q_ij = w_ij / Z`` (van der Maaten & Hinton 2008,
    eq. 2). The exact Z takes O(N²) time; memory is O(N).

    Parameters
    ----------
    P : sparse or dense array of shape (N, N)
        Joint affinities: symmetric, summing to 1.
    Y : array_like of shape (N, d)
        The map.
    method : {"exact", "barnes_hut"}
        Method of Z; the sum over the edges is exact in both.
    theta, dof : float
        As in `repulsion`.

    Returns
    -------
    float
        KL divergence; if P sums to 1, at least 0 up to rounding.

    Raises
    ------
    ValueError
        If shapes do not fit, Y is not finite, or a parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import forces
    >>> P = np.array([[0, 0.4, 0.1], [0.4, 0, 0], [0.1, 0, 0]])
    >>> round(forces.kl_divergence(P, np.array([[0.0], [1.0], [9.0]])), 4)
    0.296
    """
    z = repulsion(Y, method=method, theta=theta, dof=dof).z
    return float(divergence_per_point(P, Y, z, dof).sum())


def divergence_per_point(P, Y, z: float, dof: float = 1.0) -> np.ndarray:
    """Return each row's term of the KL divergence, float64 of shape (N,), given Z."""
    Y, dof = checked_map(Y), float(checked_number("dof", dof))
    return divergence_by_row(checked_affinities(P, len(Y)), Y, checked_z(z), dof)
