"""X → neighbours by metrics that are no matrix product: scikit-learn's search, in blocks."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from scipy import sparse

from bhtsne import jit
from bhtsne.neighbors import approximate


def metrics(X) -> frozenset[str]:
    """Return the names of the metrics that scikit-learn has for points like these."""
    from sklearn.neighbors import VALID_METRICS, VALID_METRICS_SPARSE

    names = (VALID_METRICS_SPARSE if sparse.issparse(X) else VALID_METRICS)["brute"]
    return frozenset(names) - {"precomputed"}


def nearest(X, k: int, metric, metric_params, new=None) -> tuple[np.ndarray, np.ndarray]:
    """Return the k nearest points of X to each new one, or to each of X without itself."""
    from sklearn.neighbors import NearestNeighbors

    if isinstance(metric, str) and metric not in metrics(X):
        if new is None or sparse.issparse(X) or metric not in approximate.metrics(X):
            raise ValueError(unknown(metric, metrics(X), "scikit-learn", X))
        metric = approximate.function(metric)
    # In float32 squares overflow, and the same points would have other distances.
    X = X.astype(np.float64, copy=False)
    new = None if new is None else new.astype(np.float64, copy=False)
    options = dict(metric_params or {})
    with about(metric, metric_params), jit.guarded():
        search = NearestNeighbors(
            n_neighbors=k, metric=metric, p=options.pop("p", 2), metric_params=options or None,
            algorithm="brute", n_jobs=jit.n_threads(),
        )  # fmt: skip
        distances, indices = search.fit(X).kneighbors(new)
    return indices.astype(np.int32), distances


@contextmanager
def about(metric, metric_params) -> Iterator[None]:
    """Let a library's complaint say that it is about a metric."""
    try:
        with warnings.catch_warnings():
            # Of NumPy, in threads too: what is not finite is seen in the distances.
            warnings.simplefilter("ignore", RuntimeWarning)
            warnings.filterwarnings("error", "Some metric_kwargs", UserWarning)
            yield
    except (TypeError, ValueError, UserWarning) as error:
        raise ValueError(
            f"metric and metric_params must suit each other and X, got {metric!r} and "
            f"{metric_params!r}, of which is said: {error}"
        ) from error


def unknown(metric, valid, library: str, X) -> str:
    """Return the sentence that says which metrics there are."""
    form = " for sparse points" if sparse.issparse(X) else ""
    return f"metric must be one of {library}'s{form} {sorted(valid)}, got {metric!r}."
