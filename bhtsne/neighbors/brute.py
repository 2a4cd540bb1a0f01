"""X → neighbours by any metric: all distances, block by block."""

import numpy as np
from scipy import sparse

from bhtsne import events, jit, user_warnings
from bhtsne.neighbors import approximate
from bhtsne.neighbors.measures import BINARY, dense, metric_errors

# Distances that a thread holds at a time, and the fewest rows: each block reads X once more.
_BLOCK, _ROWS = 1 << 19, 16
FEW = 2_000  # points whose pairs are few enough for a call of Python each: about 5 s
# N² D up to which sparse points are made dense: about 20 s, the time in which pynndescent compiles.
_DENSE = 2e10
_CALLS = 10_000_000  # of a Python function, above which compiling it pays


def metrics(is_sparse: bool = False) -> frozenset[str]:
    """Return the names of the metrics of scikit-learn for dense or sparse points."""
    from sklearn.neighbors import VALID_METRICS, VALID_METRICS_SPARSE

    names = (VALID_METRICS_SPARSE if is_sparse else VALID_METRICS)["brute"]
    return frozenset(names) - {"precomputed"}


def is_small(X, metric) -> bool:
    """Return whether all distances of at most 10,000 points take seconds."""
    n, d = X.shape
    if sparse.issparse(X):
        if isinstance(metric, str) and metric in metrics(is_sparse=True):
            return True
        if float(n) ** 2 * d > _DENSE:
            return False
    return n <= FEW or (isinstance(metric, str) and metric in metrics())


def comparable(X, metric):
    """Return points in the form in which `distances` compares them: bool, or float64."""
    if isinstance(metric, str) and metric in BINARY:
        return dense(X) != 0
    takes_sparse = isinstance(metric, str) and metric in metrics(is_sparse=True)
    # In float32 squares overflow, and the same points would have other distances.
    X = (X if takes_sparse else dense(X)).astype(np.float64, copy=False)
    if takes_sparse and sparse.issparse(X) and X.indices.dtype != np.int32 and X.nnz < 2**31:
        # scikit-learn before 1.7 takes no other indices for the Manhattan distance.
        parts = X.data, X.indices.astype(np.int32), X.indptr.astype(np.int32)
        X = sparse.csr_array(parts, shape=X.shape)
    return X


def nearest(X, k: int, measure, new=None) -> tuple[np.ndarray, np.ndarray]:
    """Return the k nearest points of X to each new one, or to each of X without itself.

    Nearest first; equal distances are ordered by index.
    """
    metric = measure.metric
    X = comparable(X, metric)
    own = np.arange(X.shape[0]) if new is None else None
    new = X if new is None else comparable(new, metric)
    m, n = new.shape[0], X.shape[0]
    indices, found = np.empty((m, k), np.int32), np.empty((m, k))

    def block(start: int, stop: int) -> None:
        D = distances(new, X, measure, start, stop, own)
        if own is not None:
            D[np.arange(stop - start), own[start:stop]] = np.inf
        indices[start:stop] = _first(D, k)
        found[start:stop] = np.take_along_axis(D, indices[start:stop].astype(np.int64), axis=1)

    _warn_of_calls(metric, m * n)
    each_block(block, m, max(_BLOCK // n, _ROWS), metric)
    return indices, found


def _first(D: np.ndarray, k: int) -> np.ndarray:
    """Return the columns of the k least values of each row, ties in the order of the columns."""
    near = np.sort(np.argpartition(D, k - 1, axis=1)[:, :k], axis=1)
    values = np.take_along_axis(D, near, axis=1)
    near = np.take_along_axis(near, np.argsort(values, axis=1, kind="stable"), axis=1)
    tied = (values.max(axis=1, keepdims=True) >= D).sum(axis=1) > k
    for row in np.flatnonzero(tied):
        near[row] = np.argsort(D[row], kind="stable")[:k]
    return near


def each_block(function, n: int, rows: int, metric) -> list:
    """Call `function(start, stop)` on blocks of ``range(n)`` that compute distances by a metric."""
    if not _is_called(metric):
        return jit.map_blocks(function, n, rows)
    with jit.guarded():  # Python calls the metric for each pair, one at a time
        return [function(some.start, min(some.stop, n)) for some in events.blocks(n, rows)]


def _is_called(metric) -> bool:
    """Return whether distances are computed by a call of a function for each pair."""
    return callable(metric) or metric not in metrics() | {"precomputed"}


def distances(new, X, measure, start: int, stop: int, own: np.ndarray | None = None) -> np.ndarray:
    """Return distances, float64, of new points `start` to `stop` from X; both are `comparable`.

    ValueError names the row of a NaN, except for the distance of a point to itself: `own` are the
    rows of X that the new points are, if they are such.
    """
    from sklearn.metrics import pairwise_distances

    metric, params, some = measure.metric, measure.params, new[start:stop]
    with metric_errors(metric, params), np.errstate(all="ignore"):
        if callable(metric):
            D = _called(lambda x, y: metric(x, y, **params), some, X)
        elif metric == "precomputed":
            D = np.array(some, np.float64)
        elif _is_called(metric):
            D = _called(approximate.function(metric, params), some, X)
        else:
            D = np.asarray(pairwise_distances(some, X, metric=metric, n_jobs=1, **params))
    unknown = np.isnan(D)
    if own is not None:
        unknown[np.arange(len(D)), own[start:stop]] = False
    if unknown.any():
        i, j = (int(at) for at in np.argwhere(unknown)[0])
        row = ("X_new", start + i, some[[i]])
        if own is not None:
            row = ("X", int(own[start + i]), some[[i]])
        other = ("X", j, X[[j]])
        raise ValueError(f"metric {metric!r} has no value {_why(row, other)}.")
    return D


def _called(function, new, X) -> np.ndarray:
    return np.array([[function(x, y) for y in X] for x in new], np.float64)


def _why(*rows: tuple) -> str:
    """Return the reason why two rows have no distance, for a message."""
    for name, i, row in rows:
        values = dense(row)
        if (values == values[0, 0]).all():
            what = "are all equal" if values[0, 0] else "are all 0"
            return f"for row {i} of {name}, whose values {what}; drop it or take another metric"
    (name, i, _), (other, j, _) = rows
    return f"for row {i} of {name} and row {j} of {other}; drop one or take another metric"


def _warn_of_calls(metric, calls: int) -> None:
    if callable(metric) and not approximate.is_compiled(metric) and calls > _CALLS:
        user_warnings.warn(
            f"metric is a plain Python function, which is called for {calls:,} pairs of points; "
            "numba.njit compiles it."
        )
