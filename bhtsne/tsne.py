"""X → `TSNE`, what users call: composes the stages, validates once, keeps the results."""

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from scipy import sparse
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data

from bhtsne import affinities, forces, initial, jit, neighbors, optimizer, parameters, schedules
from bhtsne.forces.objective import KLDivergence
from bhtsne.keeping import Keeping
from bhtsne.progress import Progress
from bhtsne.transform import Placing


class TSNE(Placing, Keeping):
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
    perplexity : float, default 30
        Effective number of neighbours of a point, below N. Each point is given 3 · perplexity
        neighbours, or all others if there are fewer.
    early_exaggeration : float or "auto", default "auto"
        Factor of the attraction at first; "auto" is 12.
    early_exaggeration_iter : int or "auto", default "auto"
        Iterations of that phase; "auto" is the schedule's.
    exaggeration : float, default 1
        Factor of the attraction afterwards.
    n_iter : int or "auto", default "auto"
        Iterations after early exaggeration; "auto" is the schedule's.
    learning_rate : float or "auto", default "auto"
        Factor of the gradient. "auto" is N / exaggeration in each phase (Belkina et al. 2019; Kobak
        & Berens 2019), at least 1. Four times as large in openTSNE for the same step.
    momentum : float or "auto", default "auto"
        Part of the last step that is kept, 0 to below 1; "auto" is the schedule's.
    schedule : {"fast", "opentsne"}, default "fast"
        What "auto" stands for. "fast": 50 iterations of early exaggeration (100 from a random
        start) and 50 more with momentum 0.9, 120 with 0.95, 30 with 0.8; from 200,000 points on
        250 with 0.8 and the same 200; below 50,000, where they take little time, 250 and 500 with
        0.8 to 0.95. "opentsne":
        250 and 500 with 0.8, the habit of the field, for maps to be compared.
    init : {"pca", "random"} or array of shape (N, n_components), default "pca"
        Start. An array is taken as it is; 1e-4 is a good standard deviation.
    metric : str or callable, default "euclidean"
        See `neighbors.find`. "precomputed": X holds the distances.
    neighbors : {"auto", "exact", "forest", "pynndescent"} or Neighbors, default "auto"
        How neighbours are found, or arrays (indices, distances) of shape (N, k) each.
    method : {"barnes_hut", "exact"}, default "barnes_hut"
        "exact" takes affinities and repulsion over all pairs, in time and memory O(N²).
    theta : float, default 0.5
        Angular size below which a cell of the tree stands for its points; 0 sums every pair.
    dof : float, default 1
        Degrees of freedom of the map's kernel.
    callbacks : sequence of callable, default ()
        Called with an `optimizer.Record` and a copy of the map; one that returns True stops.
    callback_every : int, default 50
        Iterations between checks.
    random_state : int, RandomState or None, default None
        Seed. Same seed, same bits, at any number of threads.
    n_jobs : int or None, default None
        Threads; None is all.
    verbose : bool, default False
        Show a progress bar on stderr.

    Attributes
    ----------
    embedding_ : ndarray of float32, shape (N, n_components)
        The map.
    kl_divergence_ : float
        KL divergence of the map in nats, with Z by the fit's method (at θ ≤ 0.25).
    n_iter_ : int
        Iterations done.
    affinities_ : csr_array of float32, shape (N, N)
        P.
    neighbors_ : Neighbors or None
        Indices and distances of the neighbours; None for ``method="exact"``.
    stopped_ : {None, "callback", "interrupt"}
        Why the optimisation ended before its last iteration, if it did.
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
        early_exaggeration="auto",
        early_exaggeration_iter="auto",
        exaggeration=1.0,
        n_iter="auto",
        learning_rate="auto",
        momentum="auto",
        schedule="fast",
        init="pca",
        metric="euclidean",
        neighbors="auto",
        method="barnes_hut",
        theta=0.5,
        dof=1.0,
        callbacks=(),
        callback_every=50,
        random_state=None,
        n_jobs=None,
        verbose=False,
    ):
        self.n_components = n_components
        self.perplexity = perplexity
        self.early_exaggeration = early_exaggeration
        self.early_exaggeration_iter = early_exaggeration_iter
        self.exaggeration = exaggeration
        self.n_iter = n_iter
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.schedule = schedule
        self.init = init
        self.metric = metric
        self.neighbors = neighbors
        self.method = method
        self.theta = theta
        self.dof = dof
        self.callbacks = callbacks
        self.callback_every = callback_every
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X, y=None):
        """Make a map of X.

        Parameters
        ----------
        X : array_like, CSR or data frame of shape (N, D)
            Finite points, never changed; distances of shape (N, N) for ``metric="precomputed"``.
        y : None
            Ignored; scikit-learn's pipelines pass it.

        Returns
        -------
        TSNE
            The fitted estimator, self. After Ctrl-C too, if a map had been begun.

        Raises
        ------
        ValueError
            If X or a parameter breaks its rule.
        MemoryError
            If ``method="exact"`` needs more memory than is free.
        """
        X = validate_data(self, X, accept_sparse="csr", dtype=_float_types(X), ensure_min_samples=2)
        parameters.check(self)
        parameters.check_against(self, X)
        rng = check_random_state(self.random_state)
        seconds: dict[str, float] = {}
        with jit.threads(self.n_jobs), Progress(self.verbose) as progress:
            with _timed(seconds, "neighbors", progress):
                found = self._find_neighbors(X, rng)
            with _timed(seconds, "affinities", progress):
                P = self._compute_affinities(X, found)
            with _timed(seconds, "initial", progress):
                Y = self._place(X, rng)
            with _timed(seconds, "optimization", progress):
                state = self._optimize(P, Y, progress)
            with _timed(seconds, "divergence", progress):
                self._keep(found, P, state)
        self.timings_ = seconds
        self._fit_X = None if self.metric == "precomputed" else X  # what `transform` searches
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
            `embedding_`, or what `set_output` asks for.
        """
        return self.fit(X).embedding_

    def _find_neighbors(self, X, rng) -> neighbors.Neighbors | None:
        if self.method == "exact":
            return None
        if not isinstance(self.neighbors, str):
            return neighbors.Neighbors(*self.neighbors)
        n = X.shape[0]
        k = int(3 * self.perplexity)
        if k > n - 1:
            warnings.warn(
                f"perplexity {self.perplexity:g} asks for {k} neighbours and each of {n} points "
                f"has {n - 1}: all are used. {(n - 1) / 3:.3g} is the most that is not cut short.",
                stacklevel=3,
            )
        seed = None if self.random_state is None else rng
        return neighbors.find(
            X, min(k, n - 1), metric=self.metric, method=self.neighbors, random_state=seed
        )

    def _compute_affinities(self, X, found) -> sparse.csr_array:
        if found is None:
            return affinities.all_pairs(X, self.perplexity, metric=self.metric)
        return affinities.perplexity(found, self.perplexity)

    def _place(self, X, rng) -> np.ndarray:
        if not isinstance(self.init, str):
            return np.array(self.init, np.float32)
        if self.init == "random":
            return initial.random(X.shape[0], self.n_components, random_state=rng)
        return initial.pca(X, self.n_components, random_state=rng)

    def _optimize(self, P, Y, progress) -> optimizer.State:
        names = (
            "init", "early_exaggeration", "early_exaggeration_iter", "exaggeration", "n_iter",
            "learning_rate", "momentum",
        )  # fmt: skip
        phases = schedules.phases(
            self.schedule, len(Y), **{name: getattr(self, name) for name in names}
        )
        progress.expect(sum(phase.n_iter for phase in phases))
        return optimizer.run(
            optimizer.State(Y),
            KLDivergence(P, self.method, self.theta, self.dof),
            phases,
            callbacks=self.callbacks,
            callback_every=self.callback_every,
            progress=progress.advance,
        )

    def _keep(self, found, P, state: optimizer.State) -> None:
        self.neighbors_, self.affinities_, self.embedding_ = found, P, state.Y
        self.n_iter_, self.history_ = state.iteration, state.history
        self.stopped_ = state.stopped
        self.kl_divergence_ = forces.kl_divergence(
            P, state.Y, method=self.method, theta=min(self.theta, 0.25), dof=self.dof
        )

    @property
    def _n_features_out(self) -> int:
        return self.embedding_.shape[1]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = self.metric == "precomputed"
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _float_types(X) -> list[type]:
    """Return float types that hold X, first the one that other dtypes are converted to."""
    dtype = getattr(X, "dtype", np.dtype(np.float64))
    fits = isinstance(dtype, np.dtype) and np.result_type(dtype, np.float32) == np.float32
    return [np.float32, np.float64] if fits else [np.float64, np.float32]


@contextmanager
def _timed(seconds: dict, stage: str, progress: Progress) -> Iterator[None]:
    progress.begin(stage)
    start = time.perf_counter()
    try:
        yield
    finally:
        seconds[stage] = time.perf_counter() - start
