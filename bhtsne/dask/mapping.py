"""A function of rows → the same of a dask array or data frame, lazily, on any client's workers."""

from collections.abc import Callable
from typing import Any

import numpy as np

from bhtsne.dask.partitions import Partitions, check_columns, current_client, named, points

__all__ = ["map_rows"]


def map_rows(function: Callable, X: Any, columns: list[str]) -> Any:
    """Return a function of every partition's rows as a lazy collection of float32.

    Parameters
    ----------
    function : callable
        Takes (m, D) points, returns (m, d). What it holds is sent to each worker once.
    X : dask array or data frame of shape (N, D)
        Points.
    columns : list of str
        Names of the d columns of what comes of a data frame, which keeps its index.

    Returns
    -------
    dask array or data frame of float32, shape (N, d)
        Nothing is computed yet. With a client, it is for that client's workers.
    """
    check_columns(X)
    held, d = _scattered(function), len(columns)
    if hasattr(X, "rechunk"):
        import dask.array as da

        partitions = Partitions(X)
        parts = [partitions.lazily(_call, i, held) for i in range(len(partitions.parts))]
        sized = zip(parts, X.chunks[0], strict=True)
        return da.concatenate([da.from_delayed(part, (m, d), np.float32) for part, m in sized])
    meta = _framed(np.empty((0, d), np.float32), X._meta.index, columns)
    return X.map_partitions(_named_frame, held, columns, meta=meta, enforce_metadata=False)


def _scattered(function: Callable) -> Any:
    """Return a function as one object on each worker, or as it is where there is no client."""
    client = current_client()
    return client.scatter(function, broadcast=True, hash=False) if client else function


def _call(part: Any, function: Callable) -> np.ndarray:
    return function(points(part))


def _named_frame(part: Any, function: Any, columns: list[str], partition_info=None) -> Any:
    i = (partition_info or {}).get("number", 0)
    return _framed(named(_call, part, i, function), part.index, columns)


def _framed(Y: np.ndarray, index: Any, columns: list[str]) -> Any:
    import pandas as pd

    return pd.DataFrame(Y, index=index[: len(Y)], columns=columns)
