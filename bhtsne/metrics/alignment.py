"""Y, reference → a map laid over another by shift, turn, mirror and scale."""

from typing import NamedTuple

import numpy as np
from scipy.linalg import orthogonal_procrustes

from bhtsne.tables.frames import as_table

__all__ = ["Alignment", "align"]


class Alignment(NamedTuple):
    """A map laid over another.

    Attributes
    ----------
    Y : ndarray of float64, shape (N, d)
        The map, shifted, rotated or mirrored, and scaled.
    disparity : float
        Part of the reference's variance left between the two, 0 to 1.
    """

    Y: np.ndarray
    disparity: float


def align(Y, reference) -> Alignment:
    """Lay a map over another by shift, rotation or reflection, and scale (Procrustes).

    Parameters
    ----------
    Y : array_like of shape (N, d)
        The map to move.
    reference : array_like of shape (N, d)
        A map of the same points.

    Returns
    -------
    Alignment
        The moved map, and the part of the reference's variance left between the two.

    Raises
    ------
    ValueError
        If the shapes differ or a map has all its points on one spot.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import metrics
    >>> Y = np.random.default_rng(0).normal(size=(50, 2))
    >>> bool(metrics.align(Y, 5 - 2 * Y[:, ::-1]).disparity < 1e-12)
    True
    """
    moved, fixed = (as_table(one, 1, name) for one, name in ((Y, "Y"), (reference, "reference")))
    if moved.shape != fixed.shape:
        raise ValueError(
            f"Y and reference must be of one shape (N, d), got {moved.shape} and {fixed.shape}."
        )
    middle = fixed.mean(axis=0)
    moved -= moved.mean(axis=0)
    fixed -= middle
    if not moved.any() or not fixed.any():
        raise ValueError(
            "Y and reference must not have all their points on one spot, got such a map."
        )
    rotation, singular_values = orthogonal_procrustes(moved, fixed)
    aligned = moved @ rotation * (singular_values / (moved**2).sum())
    return Alignment(aligned + middle, float(((aligned - fixed) ** 2).sum() / (fixed**2).sum()))
