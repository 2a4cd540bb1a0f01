"""Snapshots → `DynamicTSNE`: the estimator of a sequence of maps."""

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils import check_array

from bhtsne import events, fitting, interrupts, jit, optimizer, schedules
from bhtsne.affinities import Gaussian
from bhtsne.dynamic.objective import Sequential, movement
from bhtsne.dynamic.snapshots import Rows, consensus, rows
from bhtsne.fitting.input import float_types
from bhtsne.fitting.perplexities import check_below_points, warn_if_lowered
from bhtsne.fitting.stages import has_points, knows_neighbors, start_name
from bhtsne.forces.objective import KLDivergence
from bhtsne.optimizer import Phase, State
from bhtsne.optimizer.callbacks import listed
from bhtsne.progress import Progress
from bhtsne.tables import frames
from bhtsne.validation.arrays import checked_sparse, float_conversion
from bhtsne.validation.numbers import (
    as_python_number,
    check_choice,
    checked_number,
    checked_random_state,
)
from bhtsne.validation.parameters import check_parameters, check_start

__all__ = ["DynamicTSNE"]


class DynamicTSNE(BaseEstimator):
    """Dynamic t-SNE (Rauber, Falcão & Telea 2016): comparable maps of a sequence of snapshots.

    Minimizes ``Σ_t KL(P[t]‖Q[t]) + λ/2N Σ_i Σ_t ‖y_i[t] − y_i[t+1]‖²``. T snapshots of the same
    points, such as activations of a network after each epoch, become T maps; the penalty keeps a
    point in place unless its neighbours change. Snapshots may lack points. Repulsion is summed by a
    tree: ten snapshots of 10,000 points take about a minute (`bench/dynamic.py`).

    Parameters
    ----------
    n_components : int, default 2
        Dimensions of the maps: 1, 2 or 3 by Barnes-Hut, any by ``method="exact"``.
    movement_penalty : float, default 0.01
        λ, 0 to below 1e6. With 0 each map is that of `TSNE` from the same start. A larger penalty
        moves points less and makes each map depend more on the others; 0.1 is a common choice.
        `bench/dynamic.py` measures both effects.
    perplexity : float, default 30
        Effective number of neighbours of a point, below the number N of points of every snapshot.
        Above (N − 1) / 3, that is used, at least 1, with a warning.
    early_exaggeration : float or "auto", default "auto"
        Factor of the attraction in the first phase; "auto" is 12.
    early_exaggeration_iter : int or "auto", default "auto"
        Iterations of this phase; "auto" is that of the schedule.
    exaggeration : float, default 1
        Factor of the attraction afterwards.
    n_iter : int or "auto", default "auto"
        Iterations after early exaggeration; "auto" is that of the schedule.
    learning_rate : float or "auto", default "auto"
        Factor of the gradient for a snapshot of mean size; it is proportional to the size of the
        others. "auto" is N / exaggeration.
    momentum : float or "auto", default "auto"
        Fraction of the last step that is added to the next, 0 to below 1; "auto" is that of the
        schedule.
    schedule : {"fast", "opentsne"}, default "fast"
        The values of "auto", as in `TSNE`, for snapshots of mean size.
    init : {"pca", "spectral", "random"} or array of shape (points, n_components), default "pca"
        Start of a point, the same in all snapshots: the mean of the starts of all snapshots, after
        rotation onto each other. An array has a row for each point, in the order of `ids_`.
    metric : str or callable, default "euclidean"
        See `neighbors.find`; "precomputed": each snapshot holds the distances.
    metric_params : dict or None, default None
        Parameters of the metric by name.
    neighbors : {"auto", "exact", "forest", "pynndescent"}, default "auto"
        Search for neighbours.
    method : {"barnes_hut", "exact"}, default "barnes_hut"
        "exact" takes affinities and repulsion over all pairs, in time and memory O(N²).
    theta : float, default 0.45
        Angular size below which a cell of the tree stands for its points.
    dof : float, default 1
        Degrees of freedom of the maps' kernel.
    callbacks : callable or sequence of callable, default ()
        Called with an `optimizer.Record`, whose divergence is the mean of all snapshots, and a list
        of copies of the maps; a return value of True ends the optimization.
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
    embeddings_ : list of ndarray of float32, shape (N_t, n_components)
        The map of each snapshot, all in the same coordinates.
    kl_divergences_ : ndarray of float64, shape (T,)
        KL divergence of each map in nats.
    movement_ : ndarray of float64, shape (T − 1,)
        Movement from each map to the next, see `dynamic.movement`.
    ids_ : ndarray of shape (points,)
        Ids of the points, each once, sorted; 0 to N − 1 without ids.
    affinities_ : list of csr_array of float32, shape (N_t, N_t)
        P of each snapshot.
    neighbors_ : list of Neighbors
        Indices and distances of the neighbours in each snapshot.
    n_iter_ : int
        Iterations done.
    history_ : list of Record
        Iteration, mean KL divergence, gradient norm, force error and seconds of each check.
    stopped_ : {None, "callback", "interrupt"}
        Reason why the optimization ended before its last iteration.
    timings_ : dict of str to float
        Seconds of each stage.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import DynamicTSNE, datasets
    >>> X = datasets.digits().X[:300]
    >>> noise = np.random.default_rng(0).normal(size=X.shape)
    >>> drifting = [X + amount * noise for amount in (0, 1, 2)]
    >>> model = DynamicTSNE(random_state=0, n_iter=100).fit(drifting)
    >>> [Y.shape for Y in model.embeddings_], bool((model.movement_ < 0.5).all())
    ([(300, 2), (300, 2), (300, 2)], True)
    """

    def __init__(
        self,
        n_components=2,
        *,
        movement_penalty=0.01,
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
    ):
        self.n_components = n_components
        self.movement_penalty = movement_penalty
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

    @interrupts.interruptible
    def fit(self, snapshots, y=None, *, ids=None):
        """Make a map of each snapshot.

        Parameters
        ----------
        snapshots : sequence of array_like, CSR or data frame of shape (N_t, D_t)
            Finite points, which are not changed, or an array of shape (T, N, D). Snapshots may
            have different features, and, with ids, different points.
        y : None
            Ignored.
        ids : sequence of array_like of shape (N_t,), optional
            Id of the point of each row of each snapshot, a number or a string. None if row i is the
            same point in all snapshots.

        Returns
        -------
        DynamicTSNE
            The fitted estimator, self; after Ctrl-C too, if there are maps.

        Raises
        ------
        ValueError
            If a snapshot or a parameter breaks its rule, or snapshots differ in length without ids.
        """
        check_parameters(self.get_params(deep=False))
        checked_number("perplexity", self.perplexity)
        check_choice("schedule", self.schedule, tuple(schedules.SCHEDULES))
        snapshots = _tables(snapshots)
        where = rows([X.shape[0] for X in snapshots], ids)
        check_start(self.init, (len(where.names), self.n_components), has_points(self.metric))
        fewest = min(X.shape[0] for X in snapshots)
        check_below_points(self.perplexity, fewest)
        if not any(knows_neighbors(X, self.metric, self.neighbors) for X in snapshots):
            warn_if_lowered(self.perplexity, Gaussian(), fewest - 1, fewest - 1)
        seconds: dict[str, float] = {}
        n = sum(X.shape[0] for X in snapshots)
        with jit.threads(self.n_jobs), Progress(self.verbose) as progress:
            with progress.timed("neighbors", seconds, n):
                found = events.mapped(lambda X: _neighbors(self, X), snapshots)
            with progress.timed("affinities", seconds, n):
                pairs = list(zip(snapshots, found, strict=True))
                P = events.mapped(lambda pair: _affinities(self, *pair), pairs)
            with progress.timed("initial", seconds, n):
                state = State(_start(self, snapshots, P, where))
            with progress.timed("optimization", seconds):
                _optimize(self, P, where, state, progress)
            with progress.timed("divergence", seconds):
                maps = [state.Y[part].copy() for part in where.parts]
                kls = [
                    fitting.kl_per_point(p, Y, self.method, self.theta, self.dof).sum()
                    for p, Y in zip(P, maps, strict=True)
                ]
        self.embeddings_, self.kl_divergences_ = maps, np.array(kls)
        self.movement_, self.ids_ = movement(maps, ids=ids), where.names
        self.affinities_, self.neighbors_, self.timings_ = P, found, seconds
        self.n_iter_, self.history_, self.stopped_ = state.iteration, state.history, state.stopped
        return self

    def fit_transform(self, snapshots, y=None, *, ids=None):
        """Make a map of each snapshot and return them.

        Parameters
        ----------
        snapshots : sequence of array_like, CSR or data frame of shape (N_t, D_t)
            As in `fit`.
        y : None
            Ignored.
        ids : sequence of array_like of shape (N_t,), optional
            As in `fit`.

        Returns
        -------
        list of ndarray of float32, shape (N_t, n_components)
            `embeddings_`.
        """
        return self.fit(snapshots, ids=ids).embeddings_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = not has_points(self.metric)
        return tags


def _neighbors(model: DynamicTSNE, X):
    """Return the neighbours in a snapshot; all snapshots have the same seed."""
    seed = None if model.random_state is None else checked_random_state(model.random_state)
    return fitting.find_neighbors(
        X, Gaussian(), model.perplexity, metric=model.metric, metric_params=model.metric_params,
        search=model.neighbors, method=model.method, random_state=seed,
    )  # fmt: skip


def _affinities(model: DynamicTSNE, X, found):
    """Return P of a snapshot."""
    return fitting.compute_affinities(
        X, found, Gaussian(), model.perplexity, metric=model.metric,
        metric_params=model.metric_params,
    )  # fmt: skip


def _start(model: DynamicTSNE, snapshots, P, where: Rows) -> np.ndarray:
    """Return the start of all rows: the same place for a point in all snapshots."""
    init = start_name(model.init, has_points(model.metric))
    if not isinstance(init, str):
        return np.array(init, np.float32)[where.points]

    def alone(pair):
        rng = checked_random_state(model.random_state)
        X, p = pair
        return fitting.initial_map(X, p, init, model.n_components, rng)

    starts = events.mapped(alone, list(zip(snapshots, P, strict=True)))
    return consensus(starts, where)[where.points]


def _optimize(model: DynamicTSNE, P, where: Rows, state: State, progress: Progress) -> None:
    """Run all phases on the maps of all snapshots at once."""
    maps = [KLDivergence(p, model.method, model.theta, model.dof) for p in P]
    phases = _phases(model, round(len(state.Y) / len(P)))
    progress.expect(sum(phase.n_iter for phase in phases))

    def parted(callback):
        return lambda record, Y: callback(record, [Y[part] for part in where.parts])

    optimizer.run(
        state,
        Sequential(maps, where, model.movement_penalty, model.theta),
        phases,
        callbacks=[parted(callback) for callback in listed(model.callbacks)],
        callback_every=model.callback_every,
        progress=progress.advance,
        # A penalty makes all maps one: if each were centred by itself, all points would move when
        # some are missing.
        centred=(slice(None),) if model.movement_penalty else where.parts,
    )


def _phases(model: DynamicTSNE, n: int) -> list[Phase]:
    """Return the phases for snapshots of n points on average."""
    names = (
        "early_exaggeration", "early_exaggeration_iter", "exaggeration", "n_iter",
        "learning_rate", "momentum",
    )  # fmt: skip
    given = {name: as_python_number(getattr(model, name)) for name in names}
    init = start_name(model.init, has_points(model.metric))
    return schedules.phases(model.schedule, n, init=init, theta=model.theta, **given)


def _tables(snapshots) -> list:
    """Return a list of tables of floats, or raise ValueError."""
    if isinstance(snapshots, str) or not hasattr(snapshots, "__len__"):
        raise TypeError(
            f"snapshots must be a list of tables (N, D), or an array (T, N, D), got {snapshots!r}."
        )
    if getattr(snapshots, "ndim", 3) != 3:
        raise ValueError(
            "snapshots must be a list of tables (N, D), or an array (T, N, D), got one array of "
            f"shape {snapshots.shape}; TSNE is for one table."
        )
    return [_table(f"snapshots[{t}]", X) for t, X in enumerate(snapshots)]


def _table(name: str, X):
    if sparse.issparse(X):
        X = checked_sparse(X, name)  # before compiled code follows its indices
    X = frames.points(X, name) if frames.is_frame(X) else X
    with float_conversion(name):
        return check_array(
            X, accept_sparse="csr", dtype=float_types(X), ensure_min_samples=2, input_name=name
        )
