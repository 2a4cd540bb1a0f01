"""Fitted model, new points → their places on its map."""

import inspect
import numbers
from collections.abc import Callable
from copy import copy
from functools import partial, wraps
from typing import Any

import numpy as np

from bhtsne import affinities, jit, neighbors, optimizer
from bhtsne.affinities.kinds import as_kind
from bhtsne.dask.mapping import map_rows
from bhtsne.dask.partitions import check_columns, is_collection
from bhtsne.fitting.input import checked_input
from bhtsne.fitting.perplexities import check_perplexities, effective, warn_if_lowered
from bhtsne.optimizer import Phase
from bhtsne.schedules import checked_phase
from bhtsne.tables import frames
from bhtsne.transform import STARTS, MajorizedObjective, start
from bhtsne.validation.graphs import as_perplexities
from bhtsne.validation.numbers import check_choice, check_count, checked_number
from bhtsne.validation.parameters import checked_places

__all__ = ["keep_lazy", "place", "plain_copy"]

_PERPLEXITY = 5.0  # of a new point


def place(model: Any, X: Any, **options: Any) -> Any:
    """Place new points on the map of a fitted model, see `TSNE.transform`.

    Parameters
    ----------
    model : TSNE
        The fitted model.
    X : array_like, CSR, data frame or dask collection of shape (M, D)
        New points.
    **options
        Of `TSNE.transform`.

    Returns
    -------
    ndarray of float32, shape (M, n_components), or a lazy collection
    """
    if isinstance(model.affinities, str) and model.affinities == "precomputed":
        raise ValueError(
            'affinities="precomputed" leaves no points to place new ones among; '
            "fit the points, with affinities=P."
        )
    if is_collection(X):
        X = _in_order(model, X)
        check_choice("init", options["init"], STARTS)
        function = partial(_place_block, model=_lean(model), options=options)
        return map_rows(function, X, list(model.get_feature_names_out()))
    return _place(model, X, **options)


def _place(
    model, X, perplexity, exaggeration, n_iter, learning_rate, momentum, init, n_neighbors
) -> np.ndarray:
    kind, perplexity = _checked_perplexity(model, perplexity, n_neighbors)
    phase = checked_phase(Phase(n_iter, exaggeration, learning_rate, momentum))
    checked_number("learning_rate", learning_rate)  # "auto" would count the batch
    X = checked_input(model, X, reset=False)
    Y = _checked_start(init, (X.shape[0], model.embedding_.shape[1]))
    seeded = isinstance(model.random_state, numbers.Integral)
    n = len(model.embedding_)
    with jit.threads(model.n_jobs):
        k = min(n_neighbors or kind.n_neighbors(perplexity), n)
        found = neighbors.search_among(
            model._fit_X, X, k, metric=model.metric, metric_params=model.metric_params
        )
        P = affinities.weighted(found, n, as_perplexities(perplexity), kind)
        if Y is None:
            Y = start(P, model.embedding_, init, int(model.random_state) if seeded else 0)
        objective = MajorizedObjective(P, model.embedding_, model.method, model.theta_, model.dof_)
        state = optimizer.run(
            optimizer.State(Y), objective, [phase], callback_every=max(phase.n_iter, 1),
            centred=(),
        )  # fmt: skip
    if state.stopped == "interrupt":
        raise KeyboardInterrupt
    return state.Y


def _checked_perplexity(model: Any, perplexity: Any, n_neighbors: Any) -> tuple[Any, Any]:
    """Return the kind of affinities of new points and their perplexity, or raise ValueError."""
    n, usual = len(model.embedding_), perplexity is None
    if usual:
        perplexity = np.minimum(_PERPLEXITY, model.perplexity).tolist()
    kind = as_kind(model.affinities, perplexity)
    check_perplexities(perplexity, kind)
    if not usual and np.max(perplexity) > n:
        raise ValueError(
            f"perplexity must be at most the number of fitted points, {n}, got {perplexity!r}; "
            "5 is the usual one."
        )
    if n_neighbors is not None:
        check_count("n_neighbors", n_neighbors)
        return kind, perplexity
    if not usual:
        warn_if_lowered(perplexity, kind, n, n)
    return kind, effective(perplexity, kind, n, n)


def _in_order(model: Any, X: Any) -> Any:
    """Return a dask collection with the features of the fit, or raise at once."""
    check_columns(X)
    known = getattr(model, "feature_names_in_", None)
    if known is not None and hasattr(X, "columns"):
        return frames.in_order(X, list(known))
    if X.shape[1] != model.n_features_in_:
        raise ValueError(
            f"X must have {model.n_features_in_} columns as the fitted points, got {X.shape[1]}."
        )
    return X


def keep_lazy(transform: Callable) -> Callable:
    """Return `transform` that omits the wrapper of scikit-learn for collections of dask.

    The wrapper serves `set_output`, and would compute a lazy result.
    """

    @wraps(transform)
    def lazy(self, X, **options):
        function = inspect.unwrap(transform) if is_collection(X) else transform
        return function(self, X, **options)

    return lazy


def plain_copy(model: Any) -> Any:
    """Return a shallow copy that returns arrays, whatever the `set_output` of the original.

    The copy has an output configuration of its own, since `set_output` changes it in place.
    """
    plain = copy(model)
    vars(plain).pop("_sklearn_output_config", None)
    return plain.set_output(transform="default")


def _checked_start(init: Any, shape: tuple[int, int]) -> np.ndarray | None:
    """Return places that are given as a start, or None for a start by name."""
    if isinstance(init, str):
        check_choice("init", init, STARTS)
        return None
    return checked_places("init", init, shape, f"one of {STARTS} or ")


def _lean(model: Any) -> Any:
    """Return a copy of a model with only what placing needs, to be sent to workers."""
    lean = plain_copy(model)
    for name in ("affinities_", "neighbors_", "kl_per_point_", "_velocity", "_gains"):
        vars(lean).pop(name, None)
    return lean.set_params(callbacks=(), checkpoint=None, verbose=False)


def _place_block(points: np.ndarray, model: Any, options: dict) -> np.ndarray:
    if not len(points):
        return np.empty((0, model.n_components), np.float32)
    return model.set_params(n_jobs=jit.n_threads()).transform(points, **options)
