"""The stages of a fit, one after another, and what of them is kept."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from bhtsne import (
    affinities,
    checkpoint,
    events,
    forces,
    initial,
    jit,
    memory,
    neighbors,
    optimizer,
    parameters,
    schedules,
)
from bhtsne.affinities.pairwise import check_memory
from bhtsne.forces.objective import KLDivergence
from bhtsne.optimizer import Phase, State
from bhtsne.progress import Progress
from bhtsne.tsne import needs
from bhtsne.tsne.input import checked_input
from bhtsne.tsne.known import known_neighbors, wanted
from bhtsne.tsne.perplexities import effective, kind_of, warn_if_lowered
from bhtsne.validation.arrays import read_in_place
from bhtsne.validation.numbers import as_python_number

__all__ = ["Stages"]

_OF_SCHEDULE = (
    "init", "early_exaggeration", "early_exaggeration_iter", "exaggeration", "n_iter",
    "learning_rate", "momentum", "min_kl_rate", "min_gradient_norm",
)  # fmt: skip


class Stages(BaseEstimator):
    """What a fit consists of; parameters and results are those of `TSNE`."""

    neighbors_: Any  # a list of them where there are several tables

    def _checked(self, X):
        """Return X as an array or CSR of floats; raise for what breaks a rule."""
        X = checked_input(self, X, ensure_min_samples=2)
        parameters.check(self)
        parameters.check_against(self, X)
        parameters.check_start(self, X.shape[0])
        self._check_memory(X)
        self._warn_of_perplexity(X)
        return X

    def _make(
        self, X, place: Callable, phases: Sequence[Phase],
        kept: checkpoint.NullCheckpoint | None = None, **watched: Any,
    ) -> None:  # fmt: skip
        """Make a map of X, which has been checked, from where `place(X, P, rng)` starts it."""
        rng, kept = check_random_state(self.random_state), kept or checkpoint.NullCheckpoint()
        seconds: dict[str, float] = {}

        def start() -> State:
            return State(place(X, P, rng), theta=as_python_number(self.theta), left=list(phases))

        with jit.threads(self.n_jobs), Progress(self.verbose) as progress:
            with progress.timed("neighbors", seconds, X.shape[0]):
                found = kept.stage("neighbors", lambda: self._find_neighbors(X, rng), rng)
            with progress.timed("affinities", seconds, X.shape[0]):
                P = kept.stage("affinities", lambda: self._compute_affinities(X, found), rng)
            with progress.timed("initial", seconds, X.shape[0]):
                state = kept.state(start, rng)
            with progress.timed("optimization", seconds):
                self._descend(P, state, progress, kept, **watched)
            with progress.timed("divergence", seconds):
                self._keep(P, state, phases[-1] if phases else Phase(0))
        before = kept.seconds
        self.timings_ = {stage: s + before.get(stage, 0.0) for stage, s in seconds.items()}
        self.neighbors_ = found
        self._fit_X = X if self._has_points else None  # what `transform` searches

    def needed_memory(self, X) -> dict[str, float]:
        """Return the bytes that each stage of a fit by neighbours would need.

        They are what is needed at the stage's fullest, beyond what is held before the fit; a fit
        for which that is more than can be had is refused.

        Parameters
        ----------
        X : ndarray or CSR of shape (N, D)
            Points, of which only the shape and the kind matter.

        Returns
        -------
        dict of str to float
            Bytes by the stage's name; empty where all pairs have affinities.

        Examples
        --------
        >>> import numpy as np
        >>> from bhtsne import TSNE
        >>> X = np.broadcast_to(np.float32(0), (1_000_000, 50))  # a shape that takes no memory
        >>> needed = TSNE(n_jobs=2).needed_memory(X)
        >>> list(needed), 2.5 < max(needed.values()) / 2**30 < 4
        (['neighbors', 'affinities', 'initial', 'optimization'], True)
        """
        n, kind = X.shape[0], self._kind
        if self._own_affinities:
            return {}
        most, scales = self._most(n), np.size(self.perplexity)
        k, search = min(wanted(kind, most), n - 1), self.neighbors
        if isinstance(search, dict):
            search = search.get("method", "pynndescent")
        if self._knows_neighbors(X) or not self._has_points:
            search = "given"
        elif self.method == "exact" and kind != "uniform":
            k, search = n - 1, "exact"
        elif search == "auto":
            search = neighbors.suitable(X, self.metric, self.metric_params)
        if search == "exact" and not neighbors.is_euclidean(X, self.metric, self.metric_params):
            search = "brute"
        init = self._start if isinstance(self.init, str) else "given"
        stored = -(-X.nnz // n) if sparse.issparse(X) else X.shape[1]
        return needs.of_fit(
            n, stored, k, search=search, init=init, n_components=self.n_components,
            scales=scales, threads=jit.n_threads(), in_place=read_in_place(X),
        )  # fmt: skip

    def _check_memory(self, X) -> None:
        """Raise MemoryError before anything is computed if a stage needs more than can be had."""
        n, known = X.shape[0], self._own_affinities or self._knows_neighbors(X)
        all_pairs = self.method == "exact" and self._kind != "uniform" and not known
        if all_pairs and self._kind == "perplexity":
            check_memory(n)
            return
        remedy = (
            'take fewer points, or method="barnes_hut", whose memory grows with N'
            if all_pairs
            else "take a smaller perplexity, with which it grows, or fit fewer points and place "
            "the others by transform"
        )
        for stage, need in self.needed_memory(X).items():
            memory.check(
                need, f"The {stage} of {n:,} points at perplexity {self._most(n):g}", remedy
            )

    @property
    def _kind(self) -> str:
        """How neighbours are weighed."""
        return kind_of(self.affinities, self.perplexity)

    @property
    def _own_affinities(self) -> bool:
        """Whether the affinities are given, so that no perplexity is asked for."""
        return not isinstance(self.affinities, str) or self.affinities == "precomputed"

    def _knows_neighbors(self, X) -> bool:
        """Whether neighbours are given: as a graph, or as the stored distances of X."""
        stored = isinstance(self.metric, str) and self.metric == "precomputed"
        return not isinstance(self.neighbors, str | dict) or (stored and sparse.issparse(X))

    def _most(self, n: int) -> float:
        """Return the largest effective perplexity among n points."""
        return float(np.max(effective(self.perplexity, self._kind, n - 1, n - 1)))

    def _warn_of_perplexity(self, X) -> None:
        """Warn if the number of points lowers the perplexity."""
        if not self._own_affinities and not self._knows_neighbors(X):
            warn_if_lowered(self.perplexity, self._kind, X.shape[0] - 1, X.shape[0] - 1)

    @property
    def _start(self) -> Any:
        """The start: `init`, or what its "auto" stands for."""
        if not isinstance(self.init, str) or self.init != "auto":
            return self.init
        return "pca" if self._has_points else "spectral"

    @property
    def _has_points(self) -> bool:
        """Whether X holds points, not distances or affinities of theirs."""
        return "precomputed" not in [
            x for x in (self.metric, self.affinities) if isinstance(x, str)
        ]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = not self._has_points
        return tags

    def _find_neighbors(self, X, rng) -> neighbors.Neighbors | None:
        n, kind = X.shape[0], self._kind
        if self._own_affinities:
            return None
        if self._knows_neighbors(X):
            most = float(np.max(self.perplexity))
            if isinstance(self.neighbors, str | dict):
                found = neighbors.find(X, min(wanted(kind, most), n - 1), metric="precomputed")
            else:
                found = neighbors.given(self.neighbors, n)
            found = known_neighbors(found, kind, self.perplexity)
            warn_if_lowered(self.perplexity, kind, found.indices.shape[1], n - 1)
            return found
        if self.method == "exact" and kind != "uniform":
            if kind == "perplexity":
                return None
            return neighbors.find(
                X, n - 1, metric=self.metric, metric_params=self.metric_params, method="exact"
            )
        seed = None if self.random_state is None else rng
        return neighbors.find(
            X, min(wanted(kind, self._most(n)), n - 1), metric=self.metric,
            metric_params=self.metric_params, method=self.neighbors, random_state=seed,
        )  # fmt: skip

    def _compute_affinities(self, X, found) -> sparse.csr_array:
        n = X.shape[0]
        if self._own_affinities:
            return affinities.given(X if isinstance(self.affinities, str) else self.affinities, n)
        k = n - 1 if found is None else found.indices.shape[1]
        perplexity = effective(self.perplexity, self._kind, k, n - 1)
        if found is None:
            return affinities.all_pairs(
                X, perplexity, metric=self.metric, metric_params=self.metric_params
            )
        with events.portion(0, 0.4):
            conditional = [self._weigh(found, n, perplexity)]
        with events.portion(0.4, 1):  # which lets go of the other on the way
            return affinities.joint(conditional.pop(), self.symmetrize or "mean")

    def _weigh(self, found, n: int, perplexity) -> sparse.csr_array:
        """Return conditional affinities to n fitted points, for one's own P by perplexity."""
        kind = kind_of(self.affinities, perplexity)
        return affinities.conditional(found, n, perplexity, kind=kind, sigma=self.sigma)

    def _place(self, X, P, rng) -> np.ndarray:
        if not isinstance(self.init, str):
            return np.array(self.init, np.float32)
        if self._start == "random":
            return initial.random(X.shape[0], self.n_components, random_state=rng)
        if self._start == "spectral":
            return initial.spectral(P, self.n_components, random_state=rng)
        return initial.pca(X, self.n_components, random_state=rng)

    def _planned(self, n: int) -> list[Phase]:
        if self.phases is not None:
            told = (p if isinstance(p, Phase) else Phase(**p) for p in self.phases)
            return [parameters.check_phase(phase) for phase in told]
        given = {name: as_python_number(getattr(self, name)) for name in _OF_SCHEDULE} | {
            "init": self._start
        }
        return schedules.phases(self.schedule, n, **given)

    def _descend(
        self, P, state: State, progress: Progress, kept: checkpoint.NullCheckpoint, **watched
    ) -> None:
        """Do what the state has left to do."""
        if state.stopped == "callback":  # as it was kept
            return
        objective = KLDivergence(P, self.method, state.theta, self.dof, self.force_error)
        progress.expect(sum(phase.n_iter for phase in state.left), state.iteration)

        def after(state: State) -> None:
            progress.advance(state)
            kept.keep(state)

        try:
            optimizer.resume(
                state,
                objective,
                progress=after,
                **{"callbacks": self.callbacks, "callback_every": self.callback_every} | watched,
            )
        finally:
            kept.keep(state, now=True)

    def _keep(self, P, state: State, last: Phase) -> None:
        """Set the fitted attributes that the optimisation leads to, all of them or none."""
        shares = self._divergences(P, state.Y, state.theta)
        self.kl_per_point_, self.kl_divergence_ = shares, float(shares.sum())
        self.affinities_, self.embedding_ = P, state.Y
        self.n_iter_, self.history_ = state.iteration, state.history
        self.stopped_, self.theta_ = state.stopped, state.theta
        self._velocity, self._gains, self._last_phase = state.velocity, state.gains, last

    def _divergences(self, P, Y, theta: float) -> np.ndarray:
        """Return each point's share of the KL divergence, with Z by the fit's method."""
        z = forces.repulsion(Y, method=self.method, theta=min(theta, 0.25), dof=self.dof).z
        return forces.divergence_per_point(P, Y, z, self.dof)
