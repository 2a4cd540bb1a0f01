"""X → the array or CSR of floats that the stages take, its features in the order of the fit."""

from copy import copy
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from bhtsne.neighbors import precomputed
from bhtsne.tables import frames
from bhtsne.validation.arrays import (
    check_mask,
    checked_points,
    checked_sparse,
    float_conversion,
    read_in_place,
)

__all__ = ["checked_input", "float_types"]


def checked_input(estimator: Any, X: Any, **options: Any) -> Any:
    """Return X as an array or CSR of floats, as scikit-learn validates it for an estimator.

    Parameters
    ----------
    estimator : TSNE or SNE
        Gets `n_features_in_` and `feature_names_in_`, or has them with ``reset=False``: then the
        columns of a data frame are put into the order of the fit.
    X : array_like, CSR or data frame of shape (N, D)
        Points, distances or affinities.
    **options
        Of `sklearn.utils.validation.validate_data`.

    Raises
    ------
    ValueError
        If X is no table of finite numbers, or its features are not those of the fit.
    """
    check_mask(X)  # which scikit-learn drops
    if isinstance(estimator.metric, str) and estimator.metric == "precomputed":
        precomputed.check_shape(X)
    if frames.is_frame(X):
        return _of_frame(estimator, X, **options)
    if sparse.issparse(X):
        X = checked_sparse(X, "X")  # before compiled code follows its indices
    if not options.get("reset", True):  # an array has no names, and is taken by position
        estimator = copy(estimator)  # without names, of which scikit-learn would warn
        vars(estimator).pop("feature_names_in_", None)
    with float_conversion("X"):
        X = validate_data(
            estimator, X, accept_sparse="csr", dtype=float_types(X), ensure_all_finite=False,
            **options,
        )  # fmt: skip
    # `affinities.given` has rules of its own for P, which may be of any magnitude.
    kind = getattr(estimator, "affinities", None)
    is_P = isinstance(kind, str) and kind == "precomputed"
    return X if is_P else checked_points(X, fewest=1)


def _of_frame(estimator: Any, X: Any, *, reset: bool = True, **options: Any) -> Any:
    values, names = frames.points(X), frames.names_of(X)
    named = names is not None and len(names) == values.shape[1]
    if reset:
        values = checked_input(estimator, values, **options)
        if named:
            estimator.feature_names_in_ = np.array(names, object)
        return values
    known = getattr(estimator, "feature_names_in_", None)
    if names is not None and named and known is not None:
        values = values[:, frames.order(names, known)]
    if values.shape[1] != estimator.n_features_in_:
        raise ValueError(
            f"X must have {estimator.n_features_in_} columns as the fitted points, got "
            f"{values.shape[1]}."
        )
    values = check_array(
        values, accept_sparse="csr", dtype=float_types(values), ensure_all_finite=False, **options
    )
    return checked_points(values, fewest=1)


def float_types(X) -> list[type]:
    """Return the types that X may have, first the one that others are converted to."""
    if read_in_place(X):
        return [X.dtype]
    dtype = getattr(X, "dtype", np.dtype(np.float64))
    fits = isinstance(dtype, np.dtype) and np.result_type(dtype, np.float32) == np.float32
    return [np.float32, np.float64] if fits else [np.float64, np.float32]
