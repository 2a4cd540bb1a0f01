"""X → `SNE`: t-SNE and its ancestors, over all pairs of points."""

from collections.abc import Callable

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

from bhtsne import affinities, fitting, interrupts, jit, optimizer
from bhtsne.affinities import Gaussian
from bhtsne.affinities.pairwise import check_memory
from bhtsne.fitting.input import checked_input
from bhtsne.fitting.perplexities import check_below_points, effective, warn_if_lowered
from bhtsne.fitting.stages import has_points, start_name
from bhtsne.optimizer import Phase, State
from bhtsne.progress import Progress
from bhtsne.sne.objective import VARIANTS, Divergence
from bhtsne.validation.numbers import check_choice, checked_number, checked_random_state
from bhtsne.validation.parameters import check_parameters, check_start

__all__ = ["SNE", "planned_phases"]

# Factor of N, or of 1 for "sne", whose gradient is N times as large. On the digits rates from 0.05
# to 0.3 end at the same divergence; from 1 on the optimization oscillates or diverges.
_RATE = 0.2


class SNE(BaseEstimator):
    """Stochastic neighbour embedding and its descendants, exact.

    Minimizes ``C = Σ_ij p ln(p / q)`` over all pairs of points; `variant` selects p and q, whose
    equations the module `bhtsne.sne` has. Time and memory grow with N²: 10,000 points take minutes.
    Use `TSNE` for maps of data; this class shows how t-SNE came about.

    Parameters
    ----------
    n_components : int, default 2
        Dimensions of the map.
    variant : {"sne", "symmetric", "uni-sne", "t-sne"}, default "sne"
        SNE (Hinton & Roweis 2002), symmetric SNE (van der Maaten & Hinton 2008, §3.1), UNI-SNE
        (Cook, Sutskever, Mnih & Hinton 2007) or t-SNE (van der Maaten & Hinton 2008).
    perplexity : float, default 30
        Effective number of neighbours of a point, below N, to which each σ_i is calibrated.
    sigma : float or None, default None
        One σ for all points, in units of the distances, instead of a perplexity; see
        `affinities.shared_sigma`.
    background : float, default 0.2
        ρ, the share of q that "uni-sne" distributes evenly over all pairs, 0 to below 1.
    noise : float, default 0
        Standard deviation of noise that is added to the map after each early iteration, in units of
        the map, and falls to 0 (Hinton & Roweis 2002). It helps "sne" from a random start.
    early_exaggeration : float or "auto", default "auto"
        Factor of the attraction in early iterations; "auto" is 12 for "t-sne", 1 for the others.
    early_exaggeration_iter : int or "auto", default "auto"
        Early iterations; "auto" is 250. In these "uni-sne" has no background, with which distant
        clusters would not attract each other.
    n_iter : int or "auto", default "auto"
        Iterations after them; "auto" is 500.
    learning_rate : float or "auto", default "auto"
        Factor of the gradient. "auto" is N / exaggeration for "t-sne", 0.2 for "sne", whose
        divergence is a sum over N rows, and 0.2 N for the others.
    momentum : float or "auto", default "auto"
        Fraction of the last step that is added to the next, 0 to below 1; "auto" is 0.8.
    init : {"auto", "pca", "spectral", "random"} or array of shape (N, n_components), default "auto"
        Start, see `initial`.
    metric : str or callable, default "euclidean"
        A metric of scikit-learn. "precomputed": X holds the distances.
    metric_params : dict or None, default None
        Parameters of the metric by name.
    callbacks : callable or sequence of callable, default ()
        Called with an `optimizer.Record` and a copy of the map; a return value of True ends the
        optimization.
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
        C, in nats; for "sne" a sum over N rows, N times as large as for the other variants.
    affinities_ : ndarray of float32, shape (N, N)
        p_j|i for "sne", p_ij for the others.
    n_iter_ : int
        Iterations done.
    history_ : list of Record
        Iteration, C, gradient norm and seconds of each check.
    stopped_ : {None, "callback", "interrupt"}
        Reason why the optimization ended before its last iteration.
    timings_ : dict of str to float
        Seconds of each stage.
    n_features_in_ : int
        D.
    feature_names_in_ : ndarray of shape (D,)
        Names of the columns, if X had names.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from bhtsne import SNE
    >>> Y = SNE(variant="symmetric", random_state=0).fit_transform(load_iris().data)
    >>> Y.shape
    (150, 2)
    """

    def __init__(
        self,
        n_components=2,
        *,
        variant="sne",
        perplexity=30.0,
        sigma=None,
        background=0.2,
        noise=0.0,
        early_exaggeration="auto",
        early_exaggeration_iter="auto",
        n_iter="auto",
        learning_rate="auto",
        momentum="auto",
        init="auto",
        metric="euclidean",
        metric_params=None,
        callbacks=(),
        callback_every=50,
        random_state=None,
        n_jobs=None,
        verbose=False,
    ):
        self.n_components = n_components
        self.variant = variant
        self.perplexity = perplexity
        self.sigma = sigma
        self.background = background
        self.noise = noise
        self.early_exaggeration = early_exaggeration
        self.early_exaggeration_iter = early_exaggeration_iter
        self.n_iter = n_iter
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.init = init
        self.metric = metric
        self.metric_params = metric_params
        self.callbacks = callbacks
        self.callback_every = callback_every
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    @interrupts.interruptible
    def fit(self, X, y=None):
        """Make a map of X.

        Parameters
        ----------
        X : array_like, CSR or data frame of shape (N, D)
            Finite points, which are not changed; distances of shape (N, N) for
            ``metric="precomputed"``.
        y : None
            Ignored.

        Returns
        -------
        SNE
            The fitted estimator, self; after Ctrl-C too, if there is a map.

        Raises
        ------
        ValueError
            If X or a parameter breaks its rule.
        MemoryError
            If all pairs need more memory than is available.
        """
        X = _checked_points(self, X)
        n, rng = X.shape[0], checked_random_state(self.random_state)
        seconds: dict[str, float] = {}
        with jit.threads(self.n_jobs), Progress(self.verbose) as progress:
            with progress.timed("affinities", seconds, n):
                P = _affinities(self, X)
                objective = Divergence(P, self.variant, self.background)
            with progress.timed("initial", seconds, n):
                init = start_name(self.init, has_points(self.metric))
                spectral = isinstance(init, str) and init == "spectral"
                graph = sparse.csr_array(objective.joint) if spectral else None
                state = State(fitting.initial_map(X, graph, init, self.n_components, rng))
            with progress.timed("optimization", seconds):
                _optimize(self, objective, state, rng, progress)
            with progress.timed("divergence", seconds):
                self.kl_divergence_ = objective.check(state.Y)[0]
        self.embedding_, self.affinities_ = state.Y, P
        self.n_iter_, self.history_, self.stopped_ = state.iteration, state.history, state.stopped
        self.timings_ = seconds
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
            `embedding_`.
        """
        return self.fit(X).embedding_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = not has_points(self.metric)
        return tags


def _checked_points(model: SNE, X):
    """Return X as an array or CSR of floats; raise before anything is computed otherwise."""
    X = checked_input(model, X, ensure_min_samples=2)
    check_choice("variant", model.variant, VARIANTS)
    check_parameters(model.get_params(deep=False))
    checked_number("perplexity", model.perplexity)
    n = X.shape[0]
    check_below_points(model.perplexity, n)
    check_start(model.init, (n, model.n_components), has_points(model.metric))
    check_memory(n)
    if model.sigma is None:
        warn_if_lowered(model.perplexity, Gaussian(), n - 1, n - 1)
    return X


def _affinities(model: SNE, X) -> np.ndarray:
    """Return p_j|i for "sne", p_ij for the other variants."""
    n = X.shape[0]
    P = affinities.conditional_pairs(
        X, effective(model.perplexity, Gaussian(), n - 1, n - 1), sigma=model.sigma,
        metric=model.metric, metric_params=model.metric_params,
    )  # fmt: skip
    if model.variant != "sne":
        P = P + P.T
        P /= P.sum(dtype=np.float64)
    return P


def _optimize(model: SNE, objective: Divergence, state: State, rng, progress: Progress) -> None:
    """Run all phases, "uni-sne" at first without its background."""
    phases = planned_phases(model, len(state.Y))
    early = phases[0].n_iter if model.early_exaggeration_iter != 0 else 0
    progress.expect(sum(phase.n_iter for phase in phases))
    optimizer.run(
        state,
        _Delayed(objective, early),
        phases,
        callbacks=model.callbacks,
        callback_every=model.callback_every,
        progress=_noisy(model.noise, early, rng, progress.advance),
    )


def planned_phases(model: SNE, n: int) -> list[Phase]:
    """Return the phases of a fit of n points."""
    early, rate = model.early_exaggeration, model.learning_rate
    if early == "auto":
        early = 12.0 if model.variant == "t-sne" else 1.0
    if rate == "auto" and model.variant != "t-sne":
        rate = _RATE * (1 if model.variant == "sne" else n)
    momentum = 0.8 if model.momentum == "auto" else model.momentum
    counts = (
        250 if model.early_exaggeration_iter == "auto" else model.early_exaggeration_iter,
        500 if model.n_iter == "auto" else model.n_iter,
    )
    pairs = zip(counts, (early, 1.0), strict=True)
    return [Phase(count, factor, rate, momentum) for count, factor in pairs if count]


class _Delayed:
    """An objective without background in its first `early` gradients."""

    theta, affinity_share, reuse = 0.0, 1.0, False  # every pair counts, each time

    def __init__(self, objective: Divergence, early: int) -> None:
        self._parts, self._early = (objective.without_background(), objective), early
        self._present = objective

    def gradient(self, Y: np.ndarray, exaggeration: float) -> np.ndarray:
        self._present = self._parts[self._early <= 0]
        self._early -= 1
        return self._present.gradient(Y, exaggeration)

    def check(self, Y: np.ndarray) -> tuple[float, float]:
        return self._present.check(Y)


def _noisy(noise: float, iterations: int, rng, after: Callable) -> Callable[[State], None]:
    """Return a function that adds noise falling to 0 after an iteration, and then calls `after`."""

    def step(state: State) -> None:
        left = 1 - state.iteration / iterations if iterations else 0.0
        if noise and left > 0:
            jitter = rng.normal(scale=noise * left, size=state.Y.shape)
            state.Y = state.Y + jitter.astype(np.float32)
        after(state)

    return step
