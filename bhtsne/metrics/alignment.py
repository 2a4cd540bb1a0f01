"""Y, reference → `Alignment`: a map superimposed on another by Procrustes analysis."""

from typing import NamedTuple

import numpy as np
from scipy.linalg import orthogonal_procrustes

from bhtsne.tables.frames import as_table

__all__ = ["Alignment", "align"]


class Alignment(NamedTuple):
    """A map superimposed on a reference.

    Attributes
    ----------
    Y : ndarray of float64, shape (N, d)
        The map after translation, rotation or reflection, and scaling.
    disparity : float
        Sum of squared distances between the two maps, relative to that of the reference about its
        mean, 0 to 1.
    """

    Y: np.ndarray
    disparity: float


def align(Y, reference) -> Alignment:
    """Superimpose a map on a reference by translation, rotation or reflection, and scaling.

    With the means removed, the result minimises ``‖s Y Q − R‖`` over the scale s and orthogonal
    matrices Q (Procrustes analysis, Schönemann & Carroll 1970).

    Parameters
    ----------
    Y : array_like of shape (N, d)
        The map to transform.
    reference : array_like of shape (N, d)
        A map R of the same points.

    Returns
    -------
    Alignment
        The transformed map, and its disparity from the reference.

    Raises
    ------
    ValueError
        If the shapes differ, or all points of a map coincide.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import metrics
    >>> Y = np.random.default_rng(0).normal(size=(50, 2))
    >>> bool(metrics.align(Y, 5 - 2 * Y[:, ::-1]).disparity < 1e-12)
    True
    """
    moved, fixed = as_table(Y, 1, "Y"), as_table(reference, 1, "reference")
    if moved.shape != fixed.shape:
        raise ValueError(
            f"Y and reference must be of one shape (N, d), got {moved.shape} and {fixed.shape}."
        )
    mean = fixed.mean(axis=0)
    moved -= moved.mean(axis=0)
    fixed -= mean
    if not moved.any() or not fixed.any():
        raise ValueError(
            "Y and reference must not have all their points on one spot, got such a map; use a "
            "map of different points."
        )
    rotation, singular_values = orthogonal_procrustes(moved, fixed)
    aligned = moved @ rotation * (singular_values / (moved**2).sum())
    return Alignment(aligned + mean, float(((aligned - fixed) ** 2).sum() / (fixed**2).sum()))
