"""X → `TSNE`: the estimator, whose methods call the functions that do the work."""

import os
from typing import Any

from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from bhtsne import interrupts
from bhtsne.fitting import has_points
from bhtsne.fitting.input import checked_input
from bhtsne.tsne import continuing, mapping, memory_estimate, placing, saving

__all__ = ["TSNE"]


class TSNE(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """t-distributed stochastic neighbour embedding (van der Maaten & Hinton 2008).

    Places similar points close to each other on a map of one to three dimensions, by minimising
    ``KL(P‖Q) = Σ_ij p_ij ln(p_ij / q_ij)``. P are the affinities of the data, calibrated to a
    perplexity; Q are those of the map, ``q_ij ∝ (1 + ‖y_i − y_j‖²/dof)^(−(dof+1)/2)``. Repulsion
    between all pairs is summed by a tree in O(N log N) (Barnes-Hut, van der Maaten 2014), or
    exactly.

    Parameters
    ----------
    n_components : int, default 2
        Dimensions of the map: 1, 2 or 3 by Barnes-Hut, any by ``method="exact"``.
    perplexity : float or sequence of float, default 30
        Effective number of neighbours of a point; the nearest 3 · perplexity have affinities.
        Above (N − 1) / 3, that is used, at least 1, with a warning; N or more is refused, except
        for the default. Several mean "multiscale", unless `affinities` is "mixture".
    affinities : str, Kind or array of shape (N, N), default "gaussian"
        Kind of affinities: {"gaussian", "multiscale", "mixture", "uniform"}, "perplexity" for
        "gaussian", or an object that carries options, such as
        ``affinities.Gaussian(symmetrize="max")`` and ``affinities.FixedSigma(2.0)``. An array or
        sparse matrix is P itself, see `affinities.given`; so is X, for "precomputed".
    early_exaggeration : float or "auto", default "auto"
        Factor of the attraction in the first phase; "auto" is 12.
    early_exaggeration_iter : int or "auto", default "auto"
        Iterations of that phase; "auto" is the schedule's.
    exaggeration : float, default 1
        Factor of the attraction in the last phases; with "fast", it falls to this in steps.
    n_iter : int or "auto", default "auto"
        Iterations after early exaggeration; "auto" is the schedule's.
    learning_rate : float or "auto", default "auto"
        Factor of the gradient. "auto" is N / exaggeration in each phase (Belkina et al. 2019; Kobak
        & Berens 2019), at least 1; a quarter of it for ``schedule="opentsne"``, whose own number
        is four times as large for the same step.
    momentum : float or "auto", default "auto"
        Fraction of the last step that is added to the next, 0 to below 1; "auto" is that of the
        schedule.
    schedule : {"fast", "opentsne"} or sequence of Phase or dict, default "fast"
        The values of "auto". "fast" has an exaggeration that falls in steps, a rising momentum,
        and a larger θ while the map is rough, see `schedules.phases`. "opentsne" takes the steps of
        openTSNE from the same start and P: 250 and 500 iterations at momentum 0.8, with its
        learning rate and gains. A list of phases, see `optimizer.Phase`, replaces all parameters
        from `early_exaggeration` to `momentum`.
    stopping : optimizer.Stopping or None, default None
        Rules that end the optimization early, such as ``optimizer.Stopping(min_kl_rate=1e-4)``.
    init : {"auto", "pca", "spectral", "random"} or array of shape (N, n_components), default "auto"
        Start, see `initial`; "auto" is "pca", or "spectral" where X holds distances or affinities.
        An array is used without scaling: `initial.rescale` makes it small.
    metric : str or callable, default "euclidean"
        See `neighbors.find`. "precomputed": X holds the distances, all or sparse.
    metric_params : dict or None, default None
        Parameters of the metric by name. Those of "mahalanobis" and "seuclidean" are by default
        those of the fitted points, for `transform` too.
    neighbors : {"auto", "exact", "forest", "pynndescent"}, dict or graph, default "auto"
        Search for neighbours; a dict adds arguments of ``pynndescent.NNDescent``, as in
        ``{"method": "pynndescent", "n_trees": 20}``. A graph, see `neighbors.given`, replaces the
        search, such as `neighbors_` of an earlier fit for a smaller perplexity; the nearest
        3 · perplexity of each point have affinities.
    method : {"barnes_hut", "exact"}, default "barnes_hut"
        "exact" takes affinities and repulsion over all pairs, in time and memory O(N²).
    theta : float or forces.AdaptiveTheta, default 0.45
        Angular size below which a cell of the tree stands for its points; 0 sums every pair. With
        "fast", phases before the last take 2.5 times this value, at most 1.
        ``forces.AdaptiveTheta(error=1e-3)`` chooses θ at each check by the measured error of the
        repulsion, which `history_` records.
    dof : float, default 1
        Degrees of freedom of the map's kernel, 0.001 to below 10,000.
    callbacks : callable or sequence of callable, default ()
        Called with an `optimizer.Record` and a copy of the map. A return value of True, a bool of
        Python or NumPy, ends the optimization; others are ignored.
    callback_every : int, default 50
        Iterations between checks.
    random_state : int, RandomState or None, default None
        Seed. Same seed, same bits, at any number of threads.
    n_jobs : int or None, default None
        Threads; None is all.
    verbose : bool, default False
        Show a progress bar on stderr.
    checkpoint : str, path, checkpoint.Checkpointing or None, default None
        A folder in which the fit is saved while it goes on: each finished stage, and the map every
        50 iterations, or as often as ``checkpoint.Checkpointing(folder, every=10)`` says. After
        an interruption, the same fit continues from there, or `resume` does, to the same bits. A
        fit of other data or parameters is refused.

    Attributes
    ----------
    embedding_ : ndarray of float32, shape (N, n_components)
        The map.
    kl_divergence_ : float
        KL divergence of the map in nats, with Z by the fit's method (at θ ≤ 0.25).
    kl_per_point_ : ndarray of float64, shape (N,)
        Term of each point in `kl_divergence_`: large where the map misplaces a point.
    n_iter_ : int
        Iterations done.
    affinities_ : csr_array of float32, shape (N, N)
        P.
    neighbors_ : Neighbors or None
        Indices and distances of the neighbours; None where all pairs have affinities, and for
        one's own P.
    stopped_ : {None, "callback", "interrupt", "converged"}
        Why the optimisation ended before its last iteration, if it did.
    theta_ : float
        θ at the end, which an `AdaptiveTheta` or a phase may have changed.
    dof_ : float
        Degrees of freedom at the end, which a phase may have changed.
    phases_ : list of Phase
        Phases that were done, with all their values: as the `schedule` of a fit from the same start
        they give the same map.
    history_ : list of Record
        Iteration, KL divergence, gradient norm, force error and seconds of each check.
    timings_ : dict of str to float
        Seconds of each stage.
    n_features_in_ : int
        D.
    feature_names_in_ : ndarray of shape (D,)
        Names of the columns, if X had names.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from bhtsne import TSNE
    >>> Y = TSNE(random_state=0).fit_transform(load_iris().data)
    >>> Y.shape
    (150, 2)
    """

    def __init__(
        self,
        n_components=2,
        *,
        perplexity=30.0,
        affinities="gaussian",
        early_exaggeration="auto",
        early_exaggeration_iter="auto",
        exaggeration=1.0,
        n_iter="auto",
        learning_rate="auto",
        momentum="auto",
        schedule="fast",
        stopping=None,
        init="auto",
        metric="euclidean",
        metric_params=None,
        neighbors="auto",
        method="barnes_hut",
        theta=0.45,
        dof=1.0,
        callbacks=(),
        callback_every=50,
        random_state=None,
        n_jobs=None,
        verbose=False,
        checkpoint=None,
    ):
        self.n_components = n_components
        self.perplexity = perplexity
        self.affinities = affinities
        self.early_exaggeration = early_exaggeration
        self.early_exaggeration_iter = early_exaggeration_iter
        self.exaggeration = exaggeration
        self.n_iter = n_iter
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.schedule = schedule
        self.stopping = stopping
        self.init = init
        self.metric = metric
        self.metric_params = metric_params
        self.neighbors = neighbors
        self.method = method
        self.theta = theta
        self.dof = dof
        self.callbacks = callbacks
        self.callback_every = callback_every
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.checkpoint = checkpoint

    @interrupts.interruptible
    def fit(self, X, y=None):
        """Make a map of X.

        Parameters
        ----------
        X : array_like, CSR or data frame of shape (N, D)
            Finite points of magnitudes within 1e-37 and 1e150, which are not changed; distances of
            shape (N, N) for ``metric="precomputed"``, P for ``affinities="precomputed"``.
        y : None
            Ignored; scikit-learn's pipelines pass it.

        Returns
        -------
        TSNE
            The fitted estimator, self; after Ctrl-C too, if there is a map.

        Raises
        ------
        ValueError
            If X or a parameter breaks its rule, or `checkpoint` holds a fit of others.
        MemoryError
            If a stage needs more memory than is available; nothing has been computed then.
        OSError
            If `checkpoint` cannot be written to, or is in use.
        """
        X = checked_input(self, X, ensure_min_samples=2)
        mapping.check_fit(self, X)
        mapping.fit(self, X)
        return self

    def fit_transform(self, X, y=None):
        """Make a map of X and return it.

        Parameters
        ----------
        X : array_like, CSR or data frame of shape (N, D)
            As in `fit`.
        y : None
            Ignored.

        Returns
        -------
        ndarray of float32, shape (N, n_components)
            `embedding_`, in the container of `set_output`.
        """
        return self.fit(X).embedding_

    @interrupts.interruptible
    def transform(
        self, X, *, perplexity=None, exaggeration=1.5, n_iter=30, learning_rate=1.0, momentum=0.5,
        init="weighted", n_neighbors=None,
    ):  # fmt: skip
        """Place new points on the fitted map, which does not change.

        The place of a point depends neither on the other new points nor on the number of threads.
        Fitted points are placed as if they were new, beside their own places.

        Parameters
        ----------
        X : array_like, CSR or data frame of shape (M, D)
            New points; distances to the fitted ones, (M, N), for ``metric="precomputed"``. A dask
            array or data frame stays lazy; its workers place the partitions.
        perplexity : float, sequence of float or None
            Effective number of neighbours of a new point in the fitted data. None is 5, or that of
            the fit if it is less: new digits then lie as often among their class as at 30, and
            keep more of their nearest neighbours (`bench/new_points.py`, `bench/landmarks.py`).
        exaggeration : float
            Factor of the attraction.
        n_iter : int
            Iterations; 0 returns the start.
        learning_rate, momentum : float
            Factor of a step, and the fraction of the last step that is added. A step of 1 leads to
            the minimum of a parabola above the attraction, see `transform.MajorizedObjective`.
        init : {"weighted", "median", "random"} or array of shape (M, n_components)
            Start of a point: the mean of its neighbours weighted by affinity, their median, or a
            random place; or the places themselves. An earlier result continues from there, without
            the momentum and gains of its last step.
        n_neighbors : int or None
            Neighbours of a new point in the fitted data; None is 3 · perplexity.

        Returns
        -------
        ndarray of float32, shape (M, n_components)
            Places on the map, in the container of `set_output`; lazy for a dask collection.

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
        return placing.place(
            self, X, perplexity=perplexity, exaggeration=exaggeration, n_iter=n_iter,
            learning_rate=learning_rate, momentum=momentum, init=init, n_neighbors=n_neighbors,
        )  # fmt: skip

    @interrupts.interruptible
    def optimize(
        self, n_iter, *, exaggeration=None, learning_rate=None, momentum=None, theta=None,
        callbacks=None, callback_every=None,
    ) -> Any:  # fmt: skip
        """Continue the optimization with the momentum and gains of its last iteration.

        Parameters
        ----------
        n_iter : int
            Iterations.
        exaggeration, momentum, theta : float, optional
            As in `optimizer.Phase`; None is the value of the last iteration.
        learning_rate : float or "auto", optional
            As in `optimizer.Phase`; None is the last one, scaled by the change of exaggeration.
        callbacks, callback_every
            As in `TSNE`, for these iterations; None is that of the estimator.

        Returns
        -------
        TSNE
            Itself, with updated attributes. A map that is no longer finite is discarded.

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
        continuing.optimize(
            self, n_iter, exaggeration=exaggeration, learning_rate=learning_rate,
            momentum=momentum, theta=theta, callbacks=callbacks, callback_every=callback_every,
        )  # fmt: skip
        return self

    @interrupts.interruptible
    def add(
        self, X, *, n_iter=150, exaggeration=None, learning_rate=None, momentum=None, theta=None,
        callbacks=None, callback_every=None,
    ) -> Any:  # fmt: skip
        """Add points to the fitted ones, and optimize the map of all.

        `transform` places the new points; neighbours and affinities of all points are computed
        anew; then all points move.

        Parameters
        ----------
        X : array_like, CSR or data frame of shape (M, D)
            New points.
        n_iter : int
            Iterations.
        exaggeration, learning_rate, momentum, theta, callbacks, callback_every : optional
            As in `optimize`; an automatic learning rate is that of N + M points.

        Returns
        -------
        TSNE
            Itself, fitted to N + M points: the earlier ones first, in their order.

        Raises
        ------
        NotFittedError
            If there is no map yet.
        ValueError
            If X does not match the fitted points, or these were given as distances, affinities or
            a neighbour graph, which do not cover new ones.

        Examples
        --------
        >>> from bhtsne import TSNE, datasets
        >>> X = datasets.digits().X[:600]
        >>> TSNE(random_state=0).fit(X[:500]).add(X[500:]).embedding_.shape
        (600, 2)
        """
        check_is_fitted(self, "embedding_")
        continuing.add(
            self, X, n_iter, exaggeration=exaggeration, learning_rate=learning_rate,
            momentum=momentum, theta=theta, callbacks=callbacks, callback_every=callback_every,
        )  # fmt: skip
        return self

    @classmethod
    def resume(cls, path, *, callbacks=(), n_jobs=None, verbose=False) -> Any:
        """Continue a fit that `checkpoint` has saved.

        Parameters
        ----------
        path : str or path
            The folder.
        callbacks, n_jobs, verbose
            As in `TSNE`; a checkpoint does not hold them.

        Returns
        -------
        TSNE
            The fitted estimator, with the bits of an uninterrupted fit.

        Raises
        ------
        FileNotFoundError
            If the folder holds no run.
        ValueError
            If a file of the parameters or points is damaged; if a parameter is a function: then
            fit the same data with the same `checkpoint` instead; or if a later version wrote the
            folder, with a parameter that this version does not have.

        Examples
        --------
        >>> import tempfile
        >>> from bhtsne import TSNE, datasets
        >>> X = datasets.digits().X[:300]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model = TSNE(n_iter=100, random_state=0, checkpoint=folder).fit(X)
        ...     again = TSNE.resume(folder)  # after a kill, the fit would continue
        >>> bool((again.embedding_ == model.embedding_).all())
        True
        """
        return continuing.resume(cls, path, callbacks=callbacks, n_jobs=n_jobs, verbose=verbose)

    def save(self, path: str | os.PathLike) -> None:
        """Write the fitted estimator to a file, whole or not at all.

        The file holds the parameters but for `callbacks` and `checkpoint`, the fitted points, which
        `transform` needs, and the results. It is an .npz of plain arrays, whatever its name.

        Parameters
        ----------
        path : str or path
            The file, replaced if it exists.

        Raises
        ------
        NotFittedError
            If there is no map yet.
        ValueError
            If a parameter is a function or a generator, which cannot be saved.
        OSError
            If the file cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> from bhtsne import TSNE, datasets
        >>> X = datasets.digits().X
        >>> model = TSNE(random_state=0, n_iter=50).fit(X[:500])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(Path(folder, "digits.npz"))
        ...     again = TSNE.load(Path(folder, "digits.npz"))
        >>> bool((again.transform(X[500:600]) == model.transform(X[500:600])).all())
        True
        """
        check_is_fitted(self, "embedding_")
        saving.save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike) -> Any:
        """Return the fitted estimator that `save` wrote.

        Parameters
        ----------
        path : str or path
            The file.

        Returns
        -------
        TSNE
            The map, and the places of new points, have the same bits as before.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        OSError
            If it is a folder, or must not be read.
        ValueError
            If the file is damaged, of another kind, or of a later version. A parameter that an
            older file does not hold has its default.
        """
        return saving.load(cls, path)

    def needed_memory(self, X) -> dict[str, float]:
        """Return the memory that each stage of a fit by neighbours needs.

        The estimates are peaks beyond the memory in use before the fit; a fit that needs more than
        is available is refused.

        Parameters
        ----------
        X : ndarray or CSR of shape (N, D)
            Points; only their shape and type matter.

        Returns
        -------
        dict of str to float
            Bytes by name of the stage; empty for affinities that are given.

        Examples
        --------
        >>> import numpy as np
        >>> from bhtsne import TSNE
        >>> X = np.broadcast_to(np.float32(0), (1_000_000, 50))  # a shape that takes no memory
        >>> needed = TSNE(n_jobs=2).needed_memory(X)
        >>> list(needed), 2.5 < max(needed.values()) / 2**30 < 4
        (['neighbors', 'affinities', 'initial', 'optimization'], True)
        """
        return memory_estimate.needed_memory(self, X)

    @property
    def _n_features_out(self) -> int:
        return self.embedding_.shape[1]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = not has_points(self.metric, self.affinities)
        return tags


# scikit-learn has wrapped `transform` by now, for `set_output`, which would compute what is lazy.
TSNE.transform = placing.keep_lazy(TSNE.transform)  # type: ignore[method-assign]  # wrapped anew
