"""Distances → the crowding problem: gradients between two points, densities of distances."""

from numbers import Real

import numpy as np

from bhtsne.sne import VARIANTS

__all__ = ["distance_density", "pair_gradient"]


def pair_gradient(
    data_distance,
    map_distance,
    *,
    variant: str = "t-sne",
    background: float = 0.2,
    published: bool = False,
) -> np.ndarray:
    """Compute the gradient between two points from their distances in the data and in the map.

    One term of ``∂C/∂y_i`` along ``y_i − y_j``, as in figure 1 of van der Maaten & Hinton 2008.
    Both p and q are divided by their value for two coincident points, which cancels their
    normalisation: with ``p = exp(−D²)`` and ``s = exp(−d²)``, or ``1/(1 + d²)`` for "t-sne"::

        sne, symmetric  4 (p − s) d
        uni-sne         4 (p (1 − ρ) s / q − s) d,  q = (1 − ρ) s + ρ
        t-sne           4 (p − s) s d

    Parameters
    ----------
    data_distance, map_distance : array_like
        D in units of √2 σ, and d, both at least 0; they are broadcast.
    variant : {"sne", "symmetric", "uni-sne", "t-sne"}
        As in `SNE`.
    background : float
        ρ of "uni-sne", 0 to below 1, relative to q of two coincident points.
    published : bool
        For "uni-sne", return ``4 (p − q) d``, without the factor ``(1 − ρ) s / q`` of the chain
        rule. This form has the weak repulsion at all distances that the paper shows and describes.
        The derivative of the divergence of UNI-SNE vanishes at large distances in the map.

    Returns
    -------
    ndarray of float64
        Gradient; positive values are attraction, negative values repulsion.

    Raises
    ------
    ValueError
        If a distance is negative or NaN, variant is unknown, or background is out of range.

    Examples
    --------
    >>> from bhtsne import crowding
    >>> near_but_unlike = dict(data_distance=3.0, map_distance=0.5)
    >>> for variant in ("sne", "uni-sne", "t-sne"):
    ...     print(variant, crowding.pair_gradient(**near_but_unlike, variant=variant).round(2))
    sne -1.56
    uni-sne -1.56
    t-sne -1.28
    >>> far_but_alike = dict(data_distance=0.5, map_distance=3.0)
    >>> for variant in ("sne", "uni-sne", "t-sne"):
    ...     print(variant, crowding.pair_gradient(**far_but_alike, variant=variant).round(2))
    sne 9.34
    uni-sne 0.0
    t-sne 0.81
    """
    if variant not in VARIANTS:
        raise ValueError(f"variant must be one of {VARIANTS}, got {variant!r}.")
    if not 0 <= background < 1:
        raise ValueError(f"background must be at least 0 and below 1, got {background!r}.")
    D, d = (np.asarray(x, np.float64) for x in (data_distance, map_distance))
    for name, x in (("data_distance", D), ("map_distance", d)):
        if not (x >= 0).all():
            raise ValueError(f"{name} must be at least 0, got a negative value or NaN.")
    p, s = np.exp(-(D**2)), 1 / (1 + d**2) if variant == "t-sne" else np.exp(-(d**2))
    if variant == "t-sne":
        return 4 * (p - s) * s * d
    if variant == "uni-sne" and background > 0:
        q = (1 - background) * s + background
        return 4 * (p - q) * d if published else 4 * (p * (1 - background) * s / q - s) * d
    return 4 * (p - s) * d


def distance_density(distance, n_dims: int) -> np.ndarray:
    """Compute the density of distances from the centre of a uniform ball in n dimensions.

    The density is ``n r^(n−1)`` up to radius 1 (van der Maaten & Hinton 2008, §3.2). With more
    dimensions, more of the ball lies close to its surface, and a map of two dimensions has no area
    for so many points at that distance.

    Parameters
    ----------
    distance : array_like
        r, in units of the ball's radius.
    n_dims : int
        n, at least 1.

    Returns
    -------
    ndarray of float64
        Density, 0 beyond 1; its integral over r is 1.

    Raises
    ------
    ValueError
        If n_dims is below 1, or a distance is negative or NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import crowding
    >>> r = np.linspace(0.9, 1, 1001)
    >>> for n in (2, 10, 50):  # fraction of the ball at radii from 0.9 to 1
    ...     print(n, (0.1 * crowding.distance_density(r, n).mean()).round(2))
    2 0.19
    10 0.65
    50 1.0
    """
    if not isinstance(n_dims, Real) or n_dims < 1:
        raise ValueError(f"n_dims must be at least 1, got {n_dims!r}.")
    r = np.asarray(distance, np.float64)
    if not (r >= 0).all():
        raise ValueError("distance must be at least 0, got a negative value or NaN.")
    return np.where(r <= 1, n_dims * np.minimum(r, 1) ** (n_dims - 1), 0.0)
