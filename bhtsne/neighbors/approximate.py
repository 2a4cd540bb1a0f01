"""X → the k nearest neighbours of every point, approximate, by pynndescent.

pynndescent is imported on first use: the import takes seconds, and its search compiles in every
process, since it cannot be cached.
"""

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

from bhtsne import jit
from bhtsne.neighbors.exact import without_self
from bhtsne.neighbors.measures import metric_errors

# Arguments of `NNDescent` that `nearest` sets.
_OURS = ("self", "data", "metric", "metric_kwds", "n_neighbors", "random_state", "n_jobs")


def metrics(X) -> frozenset[str]:
    """Return the names of the metrics of pynndescent for dense or sparse points."""
    return frozenset(_named(X))


def _named(X) -> dict[str, Callable]:
    from pynndescent.distances import named_distances
    from pynndescent.sparse import sparse_named_distances

    return sparse_named_distances if sparse.issparse(X) else named_distances


def is_compiled(metric) -> bool:
    """Return whether a metric is a function that Numba compiles."""
    return hasattr(metric, "py_func")


def of_sparse_points(metric, params: dict) -> bool:
    """Return whether a compiled metric takes two sparse points, indices and data of each."""
    arguments = inspect.signature(metric.py_func).parameters.values()
    return sum(a.default is a.empty and a.name not in params for a in arguments) >= 4


def takes(X, metric, params: dict) -> bool:
    """Return whether pynndescent computes a metric, a name or a function, with these parameters."""
    if not isinstance(metric, str):
        return is_compiled(metric)
    named, metric = _named(X), _pynndescent_name(metric, params)
    return metric in named and params.keys() <= set(_parameters(named[metric], X))


def function(metric: str, params: dict) -> Callable[[np.ndarray, np.ndarray], float]:
    """Return a metric of pynndescent as a function of two dense points.

    A Hellinger distance of nearly equal points is NaN, the root of a number that rounding made
    negative; it is returned as 0.
    """
    measure = _named(np.empty(0))[metric]
    given = tuple(_ordered(measure, params, np.empty(0)).values())

    def measured(x: np.ndarray, y: np.ndarray) -> float:
        found = measure(x, y, *given)
        if np.isnan(found) and np.allclose(x / (np.abs(x).sum() or 1), y / (np.abs(y).sum() or 1)):
            return 0.0
        return found

    return measured


def nearest(
    X, k: int, metric, params: dict, seed: int | None, options: dict | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return indices int32 and distances float32, (N, k), nearest first, without self.

    Missing neighbours, at the end of a row, are -1 and infinity. With a seed the search runs on one
    thread: pynndescent divides its work by the number of threads, which changes the graph.
    """
    with jit.guarded(), metric_errors(metric, params):
        from pynndescent import NNDescent

        metric = _pynndescent_name(metric, params)
        measure = _named(X)[metric] if isinstance(metric, str) else metric
        X = X.astype(np.float32) if sparse.issparse(X) else np.ascontiguousarray(X, np.float32)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about gaps in the graph, which are -1 here
            # More candidates and an earlier stop than the defaults: fewer, fuller rounds.
            index = NNDescent(
                X,
                n_neighbors=k + 1,
                metric=metric,
                metric_kwds=_ordered(measure, params, X) or None,
                random_state=np.random.RandomState(seed),
                n_jobs=jit.n_threads() if seed is None else 1,
                **{"max_candidates": 30, "delta": 0.01, "compressed": False, **(options or {})},
            )
    indices, distances = (np.array(a) for a in index.neighbor_graph)
    distances[indices < 0] = np.inf
    order = np.argsort(distances, axis=1, kind="stable")
    indices = np.take_along_axis(indices, order, axis=1)
    return without_self(indices, np.take_along_axis(distances, order, axis=1))


def check_options(options: dict) -> None:
    """Raise ValueError unless options are arguments of `NNDescent` that users may set."""
    from pynndescent import NNDescent

    known = [name for name in inspect.signature(NNDescent.__init__).parameters if name not in _OURS]
    for name in options:
        if name not in known:
            raise ValueError(f"neighbors must hold options of pynndescent {known}, got {name!r}.")


def _pynndescent_name(metric, params: dict):
    """Return the name of a metric with these parameters in pynndescent."""
    return "wminkowski" if metric == "minkowski" and "w" in params else metric


def _parameters(measure, X) -> dict[str, Any]:
    """Return the parameters of a compiled metric and their defaults, in its order."""
    arguments = inspect.signature(measure.py_func).parameters
    points = 4 + ("n_features" in arguments) if sparse.issparse(X) else 2
    return {name: arguments[name].default for name in list(arguments)[points:]}


def _ordered(measure, params: dict, X) -> dict[str, Any]:
    """Return parameters in the order of a metric, with defaults: they are passed by position."""
    if not params:
        return {}
    known = _parameters(measure, X)
    last = max((i for i, name in enumerate(known) if name in params), default=-1)
    values = {**known, **params}
    return {name: _typed(values[name]) for name in list(known)[: last + 1]}


def _typed(value):
    """Return arrays as contiguous float64, for compiled functions, and numbers unchanged."""
    return np.ascontiguousarray(value, np.float64) if np.ndim(value) else value
