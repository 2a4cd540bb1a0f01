"""Metric, parameters and fitted points → `Measure`, a metric that a library computes, or one error.

Parameters go by name. By default those of "seuclidean" and "mahalanobis" are computed from the
fitted points, as in `scipy.spatial.distance.pdist`; both are Euclidean distances of transformed
points, so that every search can use them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from functools import partial
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numba import NumbaError
from scipy import sparse

from bhtsne import jit, memory, user_warnings

__all__ = ["NAMES", "Measure", "dense", "metric_errors", "resolved", "warn_of_values"]

BINARY = (
    "dice", "jaccard", "kulsinski", "matching", "rogerstanimoto", "russellrao", "sokalmichener",
    "sokalsneath", "yule",
)  # fmt: skip
TRANSFORMED = ("mahalanobis", "seuclidean", "standardised_euclidean")
_DIVERGENCES = (
    "hellinger", "jensen-shannon", "jensen_shannon", "symmetric-kl", "symmetric_kl",
    "symmetric_kullback_liebler",
)  # fmt: skip
_TRANSPORT = (
    "circular_kantorovich", "circular_wasserstein", "kantorovich-1d", "kantorovich_1d",
    "wasserstein-1d", "wasserstein_1d",
)  # fmt: skip
# Metrics of pynndescent that are no distances of real numbers are left out: similarities
# ("true_angular"), negative values ("inner_product"), and metrics of packed bits.
NAMES = frozenset(
    (
        *("euclidean", "l2", "sqeuclidean", "nan_euclidean", "minkowski", "haversine"),
        *("manhattan", "cityblock", "l1", "taxicab", "chebyshev", "linf", "linfinity", "linfty"),
        *("cosine", "correlation", "spearmanr", "braycurtis", "canberra", "hamming"),
        *("wminkowski", "weighted_minkowski", "dot", "direct_cosine", "tsss"),
        *("kantorovich", "wasserstein", "sinkhorn", "precomputed"),
        *BINARY, *TRANSFORMED, *_DIVERGENCES, *_TRANSPORT,
    )
)  # fmt: skip

_WEIGHTS = dict.fromkeys(
    (
        "braycurtis", "canberra", "chebyshev", "correlation", "dice", "hamming", "jaccard",
        "rogerstanimoto", "russellrao", "sokalsneath", "yule",
    ),
    ("w",),
)  # fmt: skip
_PARAMETERS: dict[str, tuple[str, ...]] = {
    **_WEIGHTS,
    **dict.fromkeys(_TRANSPORT, ("p",)),
    "minkowski": ("p", "w"),
    "wminkowski": ("w", "p"),
    "weighted_minkowski": ("w", "p"),
    "seuclidean": ("V",),
    "standardised_euclidean": ("V", "sigma"),
    "mahalanobis": ("V", "VI"),
    "kantorovich": ("cost", "max_iter"),
    "wasserstein": ("cost", "max_iter"),
    "sinkhorn": ("cost", "regularization"),
}
_NEEDED = {
    "wminkowski": "w", "weighted_minkowski": "w", "kantorovich": "cost", "wasserstein": "cost",
    "sinkhorn": "cost",
}  # fmt: skip
_ROWS = (
    256  # of a block, always padded to this size: the bits of a row must not depend on the others
)


class Measure(NamedTuple):
    """A metric with all its parameters.

    Attributes
    ----------
    metric : str or callable
        Name or function; "euclidean" for a metric that is Euclidean on transformed points.
    params : dict
        Its parameters by name.
    points : callable
        Transforms points, dense or CSR, before `metric` is computed.
    """

    metric: Any
    params: dict[str, Any]
    points: Callable[[Any], Any]


def resolved(X, metric, metric_params: dict | None, known=NAMES, library: str = "") -> Measure:
    """Return a metric with its parameters, by default those of X.

    ValueError names an unknown metric, an unknown parameter, or unsuitable points.
    """
    params = dict(metric_params or {})
    if not isinstance(metric, str):
        return Measure(metric, params, _same)
    if metric not in known or metric not in NAMES:
        raise ValueError(_unknown(metric, known & NAMES, library))
    _check_parameters(metric, params, X.shape[1])
    if metric == "haversine" and X.shape[1] != 2:
        raise ValueError(
            'X must have two columns, latitude and longitude in radians, for metric="haversine", '
            f"got {X.shape[1]}."
        )
    if metric in ("seuclidean", "standardised_euclidean"):
        V = params.get("V", params.get("sigma"))
        return _euclidean(X, _scales(_variances(X) if V is None else V))
    if metric == "mahalanobis":
        return _euclidean(X, _root(X, **params))
    if metric == "minkowski" and params.get("p") == np.inf:
        metric, params = "chebyshev", {name: params[name] for name in params if name != "p"}
    return Measure(metric, params, partial(_checked_values, metric))


def dense(X) -> np.ndarray:
    """Return points as a dense array; MemoryError if it does not fit into memory."""
    if not sparse.issparse(X):
        return np.asarray(X)
    memory.check(8.0 * X.shape[0] * X.shape[1], "The points as a dense array", "take fewer of them")
    return X.toarray()


def warn_of_values(X, metric) -> None:
    """Warn if a metric interprets the values of points in an unexpected way."""
    values = X.data if sparse.issparse(X) else X
    if not isinstance(metric, str):
        return
    if metric in BINARY and not ((values == 0) | (values == 1)).all():
        user_warnings.warn(
            f"metric {metric!r} compares zero with nonzero, and X holds other values than 0 and 1; "
            "pass X != 0, or take another metric."
        )
    if metric == "haversine" and np.abs(dense(X)[:, 0]).max() > np.pi:
        user_warnings.warn(
            'metric "haversine" takes latitudes and longitudes in radians, and X has latitudes '
            "beyond π; numpy.radians(X) converts degrees."
        )


@contextmanager
def metric_errors(metric, params) -> Iterator[None]:
    """Turn errors of a library, or of the user's function, into one about the metric."""
    try:
        yield
    except (TypeError, ValueError, IndexError, NumbaError) as error:
        said = f"{error}".strip().partition("\n")[0][:120]
        raise ValueError(
            f"metric and metric_params must suit each other and X, got {metric!r} and "
            f"{params or None!r}: {said}"
        ) from error


def _same(X):
    return X


def _unknown(metric: str, known, library: str) -> str:
    near = get_close_matches(metric.strip().lower(), sorted(known), 1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    library = library or "scikit-learn's and pynndescent's"
    return f"metric must be one of {library} {sorted(known)}, got {metric!r}{hint}"


def _check_parameters(metric: str, params: dict, d: int) -> None:
    takes = _PARAMETERS.get(metric, ())
    for name in params:
        if name not in takes:
            rule = f"one of {takes}" if takes else "None"
            raise ValueError(f"metric_params must be {rule} for metric {metric!r}, got {name!r}.")
    needed = _NEEDED.get(metric)
    if needed is not None and needed not in params:
        raise ValueError(f"metric_params must hold {needed!r} for metric {metric!r}.")
    if len(set(params) & {"V", "VI", "sigma"}) > 1:
        raise ValueError(f"metric_params must hold one of {takes} for metric {metric!r}, got both.")
    p = params.get("p", 2)
    if not isinstance(p, Real) or isinstance(p, bool) or not float(p) > 0:
        raise ValueError(f"metric_params' p must be a number above 0, got {p!r}.")
    for name, shape in (("w", (d,)), ("V", None), ("VI", (d, d)), ("cost", (d, d))):
        if name in params:
            shape = shape or ((d, d) if metric == "mahalanobis" else (d,))
            _check_array(name, params[name], shape)


def _check_array(name: str, value, shape: tuple[int, ...]) -> None:
    values = np.asarray(value)
    if values.dtype.kind not in "biuf" or values.shape != shape or not np.isfinite(values).all():
        raise ValueError(
            f"metric_params' {name} must hold finite numbers in shape {shape}, as X has "
            f"{shape[0]} columns, got {values.dtype} of shape {values.shape}."
        )
    if name == "w" and values.min() < 0:
        raise ValueError(f"metric_params' w must be 0 or more, got {values.min():g}.")


def _checked_values(metric: str, X):
    """Return points; ValueError for negative values if the metric compares distributions."""
    values = X.data if sparse.issparse(X) else X
    if metric in _DIVERGENCES and values.min(initial=0) < 0:
        raise ValueError(
            f"points must hold values of 0 or more for metric {metric!r}, got {values.min():g} in "
            f"row {int(np.ravel(dense(X).min(axis=1)).argmin())}; take another metric."
        )
    return X


def _euclidean(X, root: np.ndarray) -> Measure:
    """Return the Euclidean distance among points times `root`."""
    middle = np.asarray(X.mean(axis=0), np.float64).ravel()
    return Measure("euclidean", {}, partial(_transformed, middle, root))


def _transformed(middle: np.ndarray, root: np.ndarray, X) -> np.ndarray:
    result = np.empty(X.shape)

    def block(start: int, stop: int) -> None:
        rows = np.zeros((_ROWS, X.shape[1]))
        rows[: stop - start] = dense(X[start:stop]) - middle
        rows = rows * root if root.ndim == 1 else rows @ root
        result[start:stop] = rows[: stop - start]

    jit.map_blocks(block, X.shape[0], _ROWS)
    return result


def _variances(X) -> np.ndarray:
    return np.var(dense(X).astype(np.float64), axis=0, ddof=1)


def _scales(V) -> np.ndarray:
    V = np.asarray(V, np.float64)
    if V.min() <= 0:
        raise ValueError(
            'metric "seuclidean" divides by the variance of each column, and that of column '
            f"{int(V.argmin())} is {V.min():g}; drop that column or give metric_params={{'V': …}}."
        )
    return 1 / np.sqrt(V)


def _root(X, V=None, VI=None) -> np.ndarray:
    """Return R with R Rᵀ = VI, the inverse of V; V is the covariance of X by default."""
    n, d = X.shape
    if V is None and VI is None:
        V = np.cov(dense(X).astype(np.float64), rowvar=False).reshape(d, d)
    form = np.asarray(V if VI is None else VI, np.float64)
    size, axes = np.linalg.eigh((form + form.T) / 2)
    least, tiny = size[0], d * np.finfo(np.float64).eps * np.abs(size).max()
    if VI is None:
        if not least > tiny:
            raise ValueError(
                'metric "mahalanobis" needs a covariance that has an inverse, and that of '
                f"{n} points of {d} features has none; give metric_params={{'VI': …}} or "
                "fewer features."
            )
        return axes / np.sqrt(size)
    if least < -tiny or not size[-1] > 0:
        raise ValueError(
            f"metric_params' VI must have no negative eigenvalue, got {least:g}; it is the inverse "
            "of a covariance."
        )
    return axes * np.sqrt(np.maximum(size, 0))
