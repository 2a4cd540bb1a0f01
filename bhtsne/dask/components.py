"""Dask array or data frame → principal components, from mean and covariance in two passes."""

from functools import partial
from typing import Any

import numpy as np

from bhtsne.dask.mapping import map_rows
from bhtsne.dask.partitions import Partitions, points
from bhtsne.validation.numbers import check_count

__all__ = ["principal_components"]


def principal_components(X: Any, n_components: int) -> Any:
    """Project points on their first principal components, partition by partition.

    The axes are the eigenvectors of the covariance with the largest eigenvalues. The workers sum
    mean and covariance in an order that does not depend on the number of workers.

    Parameters
    ----------
    X : dask array or data frame of shape (N, D)
        Points. The covariance of shape (D, D) must fit into memory.
    n_components : int
        Number of components, 1 to D.

    Returns
    -------
    dask array or data frame of float32, shape (N, n_components)
        Lazy scores; mean and covariance are computed in the call. The sign of each axis is such
        that its largest loading is positive.

    Raises
    ------
    ValueError
        If n_components is out of range, or a partition has values that are not finite; the message
        has the number of the partition.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> from bhtsne import dask
    >>> dask.principal_components(da.from_array(np.eye(4), chunks=(2, 4)), 2).shape
    (4, 2)
    """
    partitions = Partitions(X)
    check_count("n_components", n_components)
    if n_components > partitions.n_columns:
        raise ValueError(
            f"n_components must be at most D = {partitions.n_columns}, got {n_components}."
        )
    *total, n = partitions.summed(_sum)
    if n < 1:
        raise ValueError("X must hold points, got empty partitions only.")
    mean = np.array(total) / n
    covariance = partitions.summed(_scatter, mean)
    axes = np.linalg.eigh(covariance)[1][:, ::-1][:, :n_components]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(n_components)])
    names = [f"pc{i}" for i in range(1, n_components + 1)]
    return map_rows(partial(_project, mean=mean, axes=axes), X, names)


def _sum(part: Any) -> np.ndarray:
    """Return the sum of the rows, followed by the number of rows."""
    return np.append(points(part).sum(axis=0, dtype=np.float64), len(part))


def _scatter(part: Any, mean: np.ndarray) -> np.ndarray:
    """Return the scatter matrix of the rows about a mean, of shape (D, D)."""
    rows = points(part) - mean
    return rows.T @ rows


def _project(points: np.ndarray, mean: np.ndarray, axes: np.ndarray) -> np.ndarray:
    return ((points - mean) @ axes).astype(np.float32)
