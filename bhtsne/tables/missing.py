"""Points with missing values → points without them, or an error with column and row."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bhtsne import choices

WAYS = choices.MISSING
_REMEDY = "fill it in, or use --missing drop, mean or median"

__all__ = ["WAYS", "check_complete", "check_complete_array", "treated"]


def treated(
    X: np.ndarray, names: Sequence[str], how: str | None
) -> tuple[np.ndarray, np.ndarray | None, dict[str, Any] | None]:
    """Return points without NaN, their rows, and a summary.

    Parameters
    ----------
    X : ndarray of shape (N, D)
        Points.
    names : sequence of str
        Names of the columns, for the message.
    how : {"drop", "mean", "median"} or None
        Omit points with NaN, or replace it by the mean or median of the column; None raises an
        error.

    Returns
    -------
    X : ndarray of shape (M, D)
        Points; the same array if nothing is missing.
    rows : ndarray of bool, shape (N,), or None
        Rows of the returned points, if some are omitted.
    done : dict or None
        ``how``, ``cells``, ``columns`` and ``rows``, if a value is missing.

    Raises
    ------
    ValueError
        If a value is missing and `how` is None, or no point is complete.

    Examples
    --------
    >>> X = np.array([[1.0, 2.0], [np.nan, 4.0], [3.0, 9.0]])
    >>> treated(X, ["a", "b"], "mean")[0].tolist()
    [[1.0, 2.0], [2.0, 4.0], [3.0, 9.0]]
    """
    if how is None:
        check_complete(X, names, _REMEDY)
        return X, None, None
    counts = _counts(X)
    columns = np.flatnonzero(counts)
    if not len(columns):
        return X, None, None
    done = {"how": how, "cells": int(counts.sum()), "columns": [names[int(j)] for j in columns]}
    incomplete = np.isnan(X[:, columns]).any(axis=1)
    done["rows"] = int(incomplete.sum())
    if how == "drop":
        if incomplete.all():
            raise ValueError(
                "each point misses a value, so that none is left without; use --missing mean or "
                "median, or --drop the columns that miss most."
            )
        return X[~incomplete], ~incomplete, done
    X = X.copy()
    for j in columns:
        known = X[~np.isnan(X[:, j]), j]
        X[np.isnan(X[:, j]), j] = known.mean() if how == "mean" else np.median(known)
    return X, None, done


def check_complete(X: np.ndarray, names: Sequence[Any], remedy: str) -> None:
    """Raise ValueError with column, row and count if a value is NaN."""
    counts = _counts(X)
    if not counts.any():
        return
    j = int(np.argmax(counts > 0))
    row = int(np.argmax(np.isnan(X[:, j]))) + 1
    others = int((counts > 0).sum()) - 1
    more = f", and {others:,} column{'s' * (others > 1)} more" if others else ""
    raise ValueError(
        f"column {names[j]!r} has no value in row {row:,} ({counts[j]:,} of {len(X):,} points"
        f"{more}); {remedy}."
    )


def check_complete_array(X: Any) -> None:
    """Raise ValueError with column, row and count if a value of an array of points is NaN."""
    if isinstance(X, np.ndarray) and X.ndim == 2:
        check_complete(X, range(1, X.shape[1] + 1), _REMEDY)


def _counts(X: np.ndarray) -> np.ndarray:
    """Return the number of NaN in each column, in blocks of rows."""
    counts = np.zeros(X.shape[1], np.int64)
    if X.dtype.kind != "f":
        return counts
    step = max((1 << 22) // max(X.shape[1], 1), 1)
    for start in range(0, len(X), step):
        counts += np.isnan(X[start : start + step]).sum(axis=0)
    return counts
