"""X → `TSNE`, what users call: composes the stages, validates once, keeps the results."""

from bhtsne import checkpoint, interrupts
from bhtsne.tsne.going_on import GoingOn
from bhtsne.tsne.keeping import Keeping
from bhtsne.tsne.placing import Placing

__all__ = ["TSNE"]


class TSNE(Placing, GoingOn, Keeping):
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
        Effective number of neighbours of a point, of which 3 · perplexity are weighed. Above
        (N − 1) / 3, that is used, at least 1, with a warning; N or more is refused, except for the
        default. Several mean "multiscale", unless `affinities` is "mixture".
    affinities : str or array of shape (N, N), default "perplexity"
        How neighbours are weighed: {"perplexity", "multiscale", "mixture", "uniform",
        "fixed_sigma"}, see `affinities.conditional`. An array or sparse matrix is P itself, see
        `affinities.given`; so is X, for "precomputed".
    sigma : float or None, default None
        Width of the Gaussian for "fixed_sigma", in units of the distances.
    symmetrize : {"mean", "max"} or None, default "mean"
        How the affinities of two points to each other become one, see `affinities.joint`. None, as
        in openTSNE, makes the map of "mean": the gradient depends on ``p_ij + p_ji`` alone.
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
        & Berens 2019), at least 1; a quarter of it for ``schedule="opentsne"``, whose own number
        is four times as large for the same step.
    momentum : float or "auto", default "auto"
        Part of the last step that is kept, 0 to below 1; "auto" is the schedule's.
    phases : sequence of Phase or dict, or None, default None
        One's own schedule, see `optimizer.Phase`: it stands in place of all from
        `early_exaggeration` to `momentum`, and of `schedule`.
    min_kl_rate : float, default 0
        If above 0, early exaggeration and the rest each go on until the KL divergence falls by
        less than this part of itself an iteration, measured between checks, or for at most 500
        and 10,000 iterations, or what is given; 1e-4 is a good value.
    min_gradient_norm : float, default 0
        A check that finds the gradient no longer than this, after early exaggeration, ends it.
    schedule : {"fast", "opentsne"}, default "fast"
        What "auto" stands for. "fast": 50 iterations of early exaggeration (100 from a random or
        spectral start) and 50 more with momentum 0.9, 120 with 0.95, 30 with 0.8; from 200,000
        points on 250 with 0.8 and the same 200; below 50,000, where they take little time, 250 and
        500 with 0.8 to 0.95. "opentsne":
        250 and 500 with 0.8, learning rate and gains as in openTSNE, for maps to be compared: the
        same steps from the same start and P.
    init : {"auto", "pca", "spectral", "random"} or array of shape (N, n_components), default "auto"
        Start, see `initial`; "auto" is "pca", or "spectral" where X holds distances or affinities.
        An array is taken as it is: `initial.rescale` makes it small.
    metric : str or callable, default "euclidean"
        See `neighbors.find`. "precomputed": X holds the distances, all or sparse.
    metric_params : dict or None, default None
        Parameters of the metric by name. Those of "mahalanobis" and "seuclidean" are by default
        taken from the fitted points, for `transform` too.
    neighbors : {"auto", "exact", "forest", "pynndescent"}, dict or graph, default "auto"
        How neighbours are found; with arguments of ``pynndescent.NNDescent`` as a dict,
        ``{"method": "pynndescent", "n_trees": 20}``. Or one's own graph, see `neighbors.given`:
        `neighbors_` of an earlier fit, for a smaller perplexity; of each point the nearest count
        that the perplexity asks for.
    method : {"barnes_hut", "exact"}, default "barnes_hut"
        "exact" takes affinities and repulsion over all pairs, in time and memory O(N²).
    theta : float, default 0.5
        Angular size below which a cell of the tree stands for its points; 0 sums every pair.
    force_error : float or None, default None
        If given, θ is chosen anew at each check, beginning with `theta`, so that the measured
        error of the repulsion, which `history_` has, is below this; 1e-3 is a good value.
    dof : float, default 1
        Degrees of freedom of the map's kernel, 0.001 to below 10,000.
    callbacks : callable or sequence of callable, default ()
        Called with an `optimizer.Record` and a copy of the map. One that returns True, as a bool of
        Python or NumPy, stops; other return values are ignored.
    callback_every : int, default 50
        Iterations between checks.
    random_state : int, RandomState or None, default None
        Seed. Same seed, same bits, at any number of threads.
    n_jobs : int or None, default None
        Threads; None is all.
    verbose : bool, default False
        Show a progress bar on stderr.
    checkpoint : str, path or None, default None
        A folder in which the fit is kept while it goes on: each stage once it is done, and the map.
        After whatever stopped it, the same fit goes on from there, or `resume`, to the same bits. A
        fit of other data or parameters is refused.
    checkpoint_every : int, default 50
        Iterations from one map that is kept to the next.

    Attributes
    ----------
    embedding_ : ndarray of float32, shape (N, n_components)
        The map.
    kl_divergence_ : float
        KL divergence of the map in nats, with Z by the fit's method (at θ ≤ 0.25).
    kl_per_point_ : ndarray of float64, shape (N,)
        Each point's share of it: large where the map misplaces a point.
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
        θ at the end; not `theta` if `force_error` or a phase has changed it.
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
        affinities="perplexity",
        sigma=None,
        symmetrize="mean",
        early_exaggeration="auto",
        early_exaggeration_iter="auto",
        exaggeration=1.0,
        n_iter="auto",
        learning_rate="auto",
        momentum="auto",
        phases=None,
        min_kl_rate=0.0,
        min_gradient_norm=0.0,
        schedule="fast",
        init="auto",
        metric="euclidean",
        metric_params=None,
        neighbors="auto",
        method="barnes_hut",
        theta=0.5,
        force_error=None,
        dof=1.0,
        callbacks=(),
        callback_every=50,
        random_state=None,
        n_jobs=None,
        verbose=False,
        checkpoint=None,
        checkpoint_every=50,
    ):
        self.n_components = n_components
        self.perplexity = perplexity
        self.affinities = affinities
        self.sigma = sigma
        self.symmetrize = symmetrize
        self.early_exaggeration = early_exaggeration
        self.early_exaggeration_iter = early_exaggeration_iter
        self.exaggeration = exaggeration
        self.n_iter = n_iter
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.phases = phases
        self.min_kl_rate = min_kl_rate
        self.min_gradient_norm = min_gradient_norm
        self.schedule = schedule
        self.init = init
        self.metric = metric
        self.metric_params = metric_params
        self.neighbors = neighbors
        self.method = method
        self.theta = theta
        self.force_error = force_error
        self.dof = dof
        self.callbacks = callbacks
        self.callback_every = callback_every
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every

    @interrupts.interruptible
    def fit(self, X, y=None):
        """Make a map of X.

        Parameters
        ----------
        X : array_like, CSR or data frame of shape (N, D)
            Finite points of magnitudes within 1e-37 and 1e150, never changed; distances of shape
            (N, N) for ``metric="precomputed"``, P for ``affinities="precomputed"``.
        y : None
            Ignored; scikit-learn's pipelines pass it.

        Returns
        -------
        TSNE
            The fitted estimator, self. After Ctrl-C too, if a map had been begun.

        Raises
        ------
        ValueError
            If X or a parameter breaks its rule, or `checkpoint` holds a fit of others.
        MemoryError
            If a stage would need more memory than can be had; nothing has been computed then.
        OSError
            If `checkpoint` cannot be written to, or is in use.
        """
        X = self._checked(X)
        with checkpoint.opened(self, X) as kept:
            self._make(X, self._place, self._planned(X.shape[0]), kept)
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

    @property
    def _n_features_out(self) -> int:
        return self.embedding_.shape[1]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
