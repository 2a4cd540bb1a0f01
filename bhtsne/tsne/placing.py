"""Fitted estimator, new points → their places on the map, which stays."""

import inspect
import numbers
from collections.abc import Callable
from copy import copy
from functools import partial, wraps
from typing import Any

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from bhtsne import interrupts, jit, neighbors, optimizer, parameters
from bhtsne.dask.mapping import map_rows
from bhtsne.dask.partitions import check_columns, is_collection
from bhtsne.tables import frames
from bhtsne.transform import STARTS, MajorizedObjective, start
from bhtsne.tsne.input import checked_input
from bhtsne.tsne.known import wanted
from bhtsne.tsne.perplexities import effective, kind_of, warn_if_lowered
from bhtsne.tsne.stages import Stages
from bhtsne.validation.arrays import checked_reals, max_magnitude
from bhtsne.validation.numbers import FARTHEST, check_choice, check_count, checked_number

__all__ = ["Placing", "plain_copy"]

_FEW = 5.0  # effective neighbours of a new point


class Placing(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Stages):
    """What `TSNE` is to new points."""

    @interrupts.interruptible
    def transform(
        self, X, *, perplexity=None, exaggeration=1.5, n_iter=30, learning_rate=1.0, momentum=0.5,
        init="weighted", n_neighbors=None,
    ):  # fmt: skip
        """Place new points on the fitted map, which stays as it is.

        A point's place does not depend on which others are placed with it, nor on the number of
        threads. Points that were fitted are placed anew, beside themselves.

        Parameters
        ----------
        X : array_like, CSR or data frame of shape (M, D)
            New points; distances to the fitted ones, (M, N), for ``metric="precomputed"``. A dask
            array or data frame stays lazy and is placed partition by partition, by its workers.
        perplexity : float, sequence of float or None
            Effective number of neighbours of a new point in the fitted data. None is 5, or the
            fit's if that is less: of 10,000 digits placed among 60,000, 97.0 % then lie by their
            like, as at 30, and 60,000 placed among 10,000 keep .264 of their ten nearest, where at
            30 they keep .231.
        exaggeration : float
            Factor of the attraction.
        n_iter : int
            Iterations; 0 leaves the points where they start. 2,000 digits placed among 10,000
            without exaggeration are at a divergence of 2.527 after 30, and after 1,500 of plain
            gradient descent, which stands still where gradients vanish, at 2.577.
        learning_rate, momentum : float
            Factor of a step, and the fraction of the last step that is added. A step of 1 leads to
            the minimum of a parabola above the attraction, see `transform.MajorizedObjective`.
        init : {"weighted", "median", "random"} or array of shape (M, n_components)
            Where a point starts: at the mean of its neighbours weighted by affinity, at their
            median, or anywhere; or the places themselves. An earlier result goes on from there, but
            with neither momentum nor gains of its last step: not quite as more iterations at once.
        n_neighbors : int or None
            Neighbours of a new point in the fitted data; None is 3 · perplexity.

        Returns
        -------
        ndarray of float32, shape (M, n_components)
            Places on the map, or what `set_output` asks for; lazy for what is lazy.

        Raises
        ------
        NotFittedError
            If there is no map yet.
        ValueError
            If X does not fit the fitted data, or a parameter breaks its rule.

        Examples
        --------
        >>> from bhtsne import TSNE, datasets
        >>> X = datasets.digits().X
        >>> model = TSNE(random_state=0).fit(X[:1000])
        >>> model.transform(X[1000:]).shape
        (797, 2)
        """
        check_is_fitted(self, "embedding_")
        if isinstance(self.affinities, str) and self.affinities == "precomputed":
            raise ValueError(
                'affinities="precomputed" leaves no points to place new ones among; '
                "fit the points, with affinities=P."
            )
        if is_collection(X):
            options = {
                "perplexity": perplexity, "exaggeration": exaggeration, "n_iter": n_iter,
                "learning_rate": learning_rate, "momentum": momentum, "init": init,
                "n_neighbors": n_neighbors,
            }  # fmt: skip
            X = self._in_order(X)
            check_choice("init", init, STARTS)
            place = partial(_placed, model=_lean(self), options=options)
            return map_rows(place, X, list(self.get_feature_names_out()))
        n = len(self.embedding_)
        usual = perplexity is None
        if usual:
            perplexity = np.minimum(_FEW, self.perplexity).tolist()
        parameters.check_perplexity(perplexity, self.affinities)
        if not usual and np.max(perplexity) > n:
            raise ValueError(
                f"perplexity must be at most the number of fitted points, {n}, got {perplexity!r}; "
                "5 is the usual one."
            )
        kind = kind_of(self.affinities, perplexity)
        if n_neighbors is not None:
            check_count("n_neighbors", n_neighbors)
        elif not usual:
            warn_if_lowered(perplexity, kind, n, n)
        given = optimizer.Phase(n_iter, exaggeration, learning_rate, momentum)
        phase = parameters.check_phase(given)
        checked_number("learning_rate", learning_rate)  # "auto" would count the batch
        X = checked_input(self, X, reset=False)
        Y = _checked_start(init, (X.shape[0], self.embedding_.shape[1]))
        seeded = isinstance(self.random_state, numbers.Integral)
        seed = int(self.random_state) if seeded else 0
        with jit.threads(self.n_jobs):
            if n_neighbors is None:
                perplexity = effective(perplexity, kind, n, n)
            k = min(n_neighbors or wanted(kind, float(np.max(perplexity))), n)
            found = neighbors.query(
                self._fit_X, X, k, metric=self.metric, metric_params=self.metric_params
            )
            P = self._weigh(found, n, perplexity)
            if Y is None:
                Y = start(P, self.embedding_, init, seed)
            objective = MajorizedObjective(P, self.embedding_, self.method, self.theta_, self.dof)
            state = optimizer.run(
                optimizer.State(Y), objective, [phase], callback_every=max(phase.n_iter, 1),
                centred=(),
            )  # fmt: skip
        if state.stopped == "interrupt":
            raise KeyboardInterrupt
        return state.Y

    def _in_order(self, X) -> Any:
        """Return a dask collection with the features of the fit, or raise at once."""
        check_columns(X)
        known = getattr(self, "feature_names_in_", None)
        if known is not None and hasattr(X, "columns"):
            return frames.in_order(X, list(known))
        if X.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X must have {self.n_features_in_} columns as the fitted points, got {X.shape[1]}."
            )
        return X


def _stays_lazy(eager: Callable) -> Callable:
    """Return `transform` as it is for arrays, and unwrapped for dask's collections.

    scikit-learn wraps what it returns by `set_output`, which would compute what is lazy.
    """

    @wraps(eager)
    def transform(self, X, **options):
        return (inspect.unwrap(eager) if is_collection(X) else eager)(self, X, **options)

    return transform


Placing.transform = _stays_lazy(Placing.transform)  # type: ignore[method-assign]


def plain_copy(model: Any) -> Any:
    """Return a shallow copy that returns arrays, whatever `set_output` asks of the original.

    The copy has an output configuration of its own: `set_output` changes it in place.
    """
    plain = copy(model)
    vars(plain).pop("_sklearn_output_config", None)
    return plain.set_output(transform="default")


def _checked_start(init: Any, shape: tuple[int, int]) -> np.ndarray | None:
    """Return places that are given as a start, or None for a start by name."""
    if isinstance(init, str):
        check_choice("init", init, STARTS)
        return None
    Y = checked_reals(init, "init")
    if Y.shape != shape or not (np.isfinite(Y).all() and max_magnitude(Y) <= FARTHEST):
        raise ValueError(
            f"init must be one of {STARTS} or finite places of shape {shape}, within "
            f"±{FARTHEST:g}, got shape {Y.shape}."
        )
    return Y.astype(np.float32)


def _lean(model: Any) -> Any:
    """Return a copy of an estimator with no more than placing takes: what is sent to workers."""
    lean = plain_copy(model)
    for name in ("affinities_", "neighbors_", "kl_per_point_", "_velocity", "_gains"):
        vars(lean).pop(name, None)
    return lean.set_params(callbacks=(), checkpoint=None, verbose=False)


def _placed(points: np.ndarray, model: Any, options: dict) -> np.ndarray:
    if not len(points):
        return np.empty((0, model.n_components), np.float32)
    return model.set_params(n_jobs=jit.n_threads()).transform(points, **options)
