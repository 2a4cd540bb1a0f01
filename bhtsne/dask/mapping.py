"""Function of rows, dask array or data frame → lazy collection of the function's results."""

from collections.abc import Callable
from typing import Any

import numpy as np

from bhtsne.dask.partitions import (
    Partitions,
    call_on_partition,
    check_columns,
    current_client,
    points,
)

__all__ = ["map_rows"]


def map_rows(function: Callable, X: Any, columns: list[str]) -> Any:
    """Apply a function to the rows of every partition, lazily.

    Parameters
    ----------
    function : callable
        Function of points of shape (m, D) that returns an array of shape (m, d). Each worker
        receives it once, with the arrays that it refers to.
    X : dask array or data frame of shape (N, D)
        Points.
    columns : list of str
        Names of the d columns of the result, for a data frame.

    Returns
    -------
    dask array or data frame of float32, shape (N, d)
        Lazy results, with the index of X for a data frame. If there is a client, its workers
        compute them.
    """
    check_columns(X)
    shared, d = _scattered(function), len(columns)
    if hasattr(X, "rechunk"):
        import dask.array as da

        partitions = Partitions(X)
        parts = [partitions.lazily(_call, i, shared) for i in range(len(partitions.parts))]
        sized = zip(parts, X.chunks[0], strict=True)
        return da.concatenate([da.from_delayed(part, (m, d), np.float32) for part, m in sized])
    meta = _framed(np.empty((0, d), np.float32), X._meta.index, columns)
    return X.map_partitions(_call_on_frame, shared, columns, meta=meta, enforce_metadata=False)


def _scattered(function: Callable) -> Any:
    """Return a function scattered to all workers, or the function itself without a client."""
    client = current_client()
    return client.scatter(function, broadcast=True, hash=False) if client else function


def _call(part: Any, function: Callable) -> np.ndarray:
    return function(points(part))


def _call_on_frame(part: Any, function: Any, columns: list[str], partition_info=None) -> Any:
    i = (partition_info or {}).get("number", 0)
    return _framed(call_on_partition(_call, part, i, function), part.index, columns)


def _framed(Y: np.ndarray, index: Any, columns: list[str]) -> Any:
    import pandas as pd

    return pd.DataFrame(Y, index=index[: len(Y)], columns=columns)
