"""Points in partitions → their principal components: two passes, and D × D numbers at a time."""

from functools import partial
from typing import Any

import numpy as np

from bhtsne.dask.mapping import map_rows
from bhtsne.dask.partitions import Partitions, points
from bhtsne.validation.numbers import check_count

__all__ = ["principal_components"]


def principal_components(X: Any, n_components: int) -> Any:
    """Project points on their first principal components, partition by partition.

    Parameters
    ----------
    X : dask array or data frame of shape (N, D)
        Points; D × D numbers fit into memory.
    n_components : int
        1 … D.

    Returns
    -------
    dask array or data frame of float32, shape (N, n_components)
        The scores, lazily; mean and covariance are computed at once, by the workers, in an order
        that does not depend on their number. Each axis points where its largest weight is positive.

    Raises
    ------
    ValueError
        If n_components is out of range, or a partition holds no finite numbers: it is named.

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
        raise ValueError("X must hold points, got partitions that are all empty.")
    mean = np.array(total) / n
    covariance = partitions.summed(_scatter, mean)
    axes = np.linalg.eigh(covariance)[1][:, ::-1][:, :n_components]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(n_components)])
    names = [f"pc{i}" for i in range(1, n_components + 1)]
    return map_rows(partial(_project, mean=mean, axes=axes), X, names)


def _sum(part: Any) -> np.ndarray:
    """Return the sum of the rows, and how many they are."""
    return np.append(points(part).sum(axis=0, dtype=np.float64), len(part))


def _scatter(part: Any, mean: np.ndarray) -> np.ndarray:
    rows = points(part) - mean
    return rows.T @ rows


def _project(points: np.ndarray, mean: np.ndarray, axes: np.ndarray) -> np.ndarray:
    return ((points - mean) @ axes).astype(np.float32)
