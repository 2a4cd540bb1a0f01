"""Fitted estimator → the same, further on: more iterations, more points, the rest of a run."""

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from bhtsne import checkpoint, interrupts, jit, parameters
from bhtsne.optimizer import Phase, State
from bhtsne.progress import Progress
from bhtsne.tsne.input import checked_input
from bhtsne.tsne.stages import Stages
from bhtsne.validation.numbers import checked_number

__all__ = ["GoingOn"]


class GoingOn(Stages):
    """`resume`, `optimize` and `add` of `TSNE`."""

    @classmethod
    def resume(cls, path, *, callbacks=(), n_jobs=None, verbose=False) -> Any:
        """Go on with a fit that was kept by `checkpoint`, from where it was stopped.

        Parameters
        ----------
        path : str or path
            The folder.
        callbacks, n_jobs, verbose
            As in `TSNE`; nothing of these is kept.

        Returns
        -------
        TSNE
            The fitted estimator, with the bits of the fit that was never stopped.

        Raises
        ------
        FileNotFoundError
            If the folder holds no run.
        ValueError
            If the file that says whose run it is, or that holds the points, is damaged; or a
            parameter is a function: then fit the same data with the same `checkpoint` instead. Or
            another version wrote the folder, and has a parameter that this version does not have.

        Examples
        --------
        >>> import tempfile
        >>> from bhtsne import TSNE, datasets
        >>> X = datasets.digits().X[:300]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model = TSNE(n_iter=100, random_state=0, checkpoint=folder).fit(X)
        ...     again = TSNE.resume(folder)  # had it been killed, it would go on
        >>> bool((again.embedding_ == model.embedding_).all())
        True
        """
        given, X, names = checkpoint.restored(path, cls)
        model = cls(**given, callbacks=callbacks, n_jobs=n_jobs, verbose=verbose, checkpoint=path)
        model.fit(X)
        if names is not None:
            model.feature_names_in_ = np.array(names, object)
        return model

    @interrupts.interruptible
    def optimize(
        self, n_iter, *, exaggeration=None, learning_rate=None, momentum=None, theta=None,
        callbacks=None, callback_every=None,
    ) -> Any:  # fmt: skip
        """Go on optimising the map, as if the fit had not ended: with its momentum and gains.

        Parameters
        ----------
        n_iter : int
            Iterations.
        exaggeration, momentum, theta : float, optional
            As in `Phase`; None is what they were in the last iteration.
        learning_rate : float or "auto", optional
            As in `Phase`; None is the last one, the larger the smaller the exaggeration is now.
        callbacks, callback_every
            As in `TSNE`, for these iterations; None is the estimator's.

        Returns
        -------
        TSNE
            Itself, with `embedding_`, `history_` and all that depends on them brought up to date.
            If the map would no longer be finite, it stays as it was.

        Raises
        ------
        NotFittedError
            If there is no map yet.
        ValueError
            If a parameter breaks its rule.
        FloatingPointError
            If the map is no longer finite: the learning rate is too large.

        Examples
        --------
        >>> from bhtsne import TSNE, datasets
        >>> X = datasets.digits().X[:500]
        >>> whole = TSNE(schedule="opentsne", n_iter=200, random_state=0).fit(X)
        >>> halves = TSNE(schedule="opentsne", n_iter=100, random_state=0).fit(X).optimize(100)
        >>> bool((whole.embedding_ == halves.embedding_).all())
        True
        """
        check_is_fitted(self, "embedding_")
        watched = self._watched(callbacks, callback_every)
        phase = self._next(n_iter, exaggeration, learning_rate, momentum, theta)
        state = State(
            self.embedding_, self._velocity, self._gains, self.n_iter_, list(self.history_),
            theta=self.theta_, left=[phase], since=len(self.history_),
        )  # fmt: skip
        seconds = dict(self.timings_)
        with jit.threads(self.n_jobs), Progress(self.verbose) as progress:
            with progress.timed("optimization", seconds):
                self._descend(
                    self.affinities_, state, progress, checkpoint.NullCheckpoint(), **watched
                )
            self._keep(self.affinities_, state, phase)
        if state.history:
            seconds["optimization"] = state.history[-1].seconds
        self.timings_ = seconds
        return self

    @interrupts.interruptible
    def add(
        self, X, *, n_iter=150, exaggeration=None, learning_rate=None, momentum=None, theta=None,
        callbacks=None, callback_every=None,
    ) -> Any:  # fmt: skip
        """Add points to the fitted ones, and optimise the map of them all.

        The new points are placed by `transform`; neighbours and affinities are found anew, among
        all; then every point moves, from where it is.

        Parameters
        ----------
        X : array_like, CSR or data frame of shape (M, D)
            New points.
        n_iter : int
            Iterations.
        exaggeration, learning_rate, momentum, theta, callbacks, callback_every : optional
            As in `optimize`; a learning rate that was automatic is so for N + M points.

        Returns
        -------
        TSNE
            Itself, fitted to N + M points: the earlier ones first, in their order.

        Raises
        ------
        NotFittedError
            If there is no map yet.
        ValueError
            If X does not fit the fitted points, or these were given as distances, affinities or a
            neighbour graph, which say nothing of new ones.

        Examples
        --------
        >>> from bhtsne import TSNE, datasets
        >>> X = datasets.digits().X[:600]
        >>> TSNE(random_state=0).fit(X[:500]).add(X[500:]).embedding_.shape
        (600, 2)
        """
        check_is_fitted(self, "embedding_")
        self._check_own("neighbors", 'a way to find them, such as "auto"')
        self._check_own("affinities", 'a kind of affinities, such as "perplexity"')
        watched, last = self._watched(callbacks, callback_every), self._last_phase
        if learning_rate is None and last.learning_rate == last._replace(learning_rate="auto").rate(
            len(self.embedding_)
        ):
            learning_rate = "auto"  # of all points
        phase = self._next(n_iter, exaggeration, learning_rate, momentum, theta)
        placed = self.transform(X)
        X = checked_input(self, X, reset=False)
        together = sparse.vstack if sparse.issparse(X) else np.concatenate
        Y = np.concatenate([self.embedding_, np.asarray(placed)])
        X = together([self._fit_X, X])
        self._check_memory(X)
        self._make(X, lambda *_: Y, [phase], **watched)
        return self

    def _watched(self, callbacks, callback_every) -> dict[str, Any]:
        """Return the callbacks and their interval, the estimator's unless others are given."""
        callbacks = self.callbacks if callbacks is None else callbacks
        callback_every = self.callback_every if callback_every is None else callback_every
        parameters.check_callbacks(callbacks)
        checked_number("callback_every", callback_every)
        return {"callbacks": callbacks, "callback_every": callback_every}

    def _next(self, n_iter, exaggeration, learning_rate, momentum, theta) -> Phase:
        """Return the phase that follows the last one."""
        last = self._last_phase
        exaggeration = last.exaggeration if exaggeration is None else exaggeration
        momentum = last.momentum if momentum is None else momentum
        parameters.check_phase(Phase(n_iter, exaggeration, 1.0, momentum, theta))
        if learning_rate is None:
            learning_rate = last.learning_rate
            if not isinstance(learning_rate, str):
                learning_rate *= last.exaggeration / exaggeration
        phase = Phase(n_iter, exaggeration, learning_rate, momentum, theta, rule=last.rule)
        return parameters.check_phase(phase)

    def _check_own(self, name: str, remedy: str) -> None:
        if not isinstance(getattr(self, name), str) or not self._has_points:
            raise ValueError(
                f"{name} must be {remedy}, for points to be added, got those of the fitted points."
            )
