"""Checked points → map: the stages of a fit of `TSNE`, one after another, and its results."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from scipy import sparse

from bhtsne import affinities, fitting, jit, schedules
from bhtsne.affinities.kinds import are_given, as_kind
from bhtsne.checkpoint.run import NullCheckpoint, opened
from bhtsne.checkpoint.settings import as_checkpointing
from bhtsne.fitting import perplexities
from bhtsne.fitting.stages import has_points, knows_neighbors, start_name
from bhtsne.forces.adaptive import as_theta
from bhtsne.forces.objective import KLDivergence
from bhtsne.neighbors import Neighbors
from bhtsne.optimizer import Phase, State
from bhtsne.optimizer import callbacks as watchers
from bhtsne.optimizer.stopping import as_stopping
from bhtsne.progress import Progress
from bhtsne.tsne.memory_estimate import check_memory
from bhtsne.validation.numbers import as_python_number, checked_random_state
from bhtsne.validation.parameters import check_parameters, check_start

__all__ = ["check_fit", "check_model", "fit", "make_map", "planned_phases", "set_map"]

_OF_SCHEDULE = (
    "early_exaggeration", "early_exaggeration_iter", "exaggeration", "n_iter", "learning_rate",
    "momentum",
)  # fmt: skip


def check_model(model: Any) -> None:
    """Raise ValueError or TypeError for the first parameter that breaks a rule of its own."""
    theta, _ = as_theta(model.theta)
    check_parameters(model.get_params(deep=False) | {"theta": theta})
    perplexities.check_perplexities(model.perplexity, as_kind(model.affinities, model.perplexity))
    schedules.as_phases(model.schedule)
    as_stopping(model.stopping)
    as_checkpointing(model.checkpoint)


def check_fit(model: Any, X: Any) -> None:
    """Raise for checked points that a model cannot be fitted to, before anything is computed."""
    check_model(model)
    n, points = X.shape[0], has_points(model.metric, model.affinities)
    check_start(model.init, (n, model.n_components), points)
    check_memory_and_perplexity(model, X)


def check_memory_and_perplexity(model: Any, X: Any) -> None:
    """Raise for a perplexity of N or more, or a fit too large for memory; warn of a lowered one."""
    n = X.shape[0]
    if not are_given(model.affinities):
        perplexities.check_below_points(model.perplexity, n)
    check_memory(model, X)
    if not are_given(model.affinities) and not knows_neighbors(X, model.metric, model.neighbors):
        kind = as_kind(model.affinities, model.perplexity)
        perplexities.warn_if_lowered(model.perplexity, kind, n - 1, n - 1)


def planned_phases(model: Any, n: int) -> list[Phase]:
    """Return the phases of a fit of n points."""
    phases = schedules.as_phases(model.schedule)
    if phases is not None:
        return phases
    given = {name: as_python_number(getattr(model, name)) for name in _OF_SCHEDULE}
    init = start_name(model.init, has_points(model.metric, model.affinities))
    theta, force_error = as_theta(model.theta)
    return schedules.phases(
        model.schedule, n, init=init, theta=None if force_error else theta, **given,
        **as_stopping(model.stopping)._asdict(),
    )  # fmt: skip


def fit(model: Any, X: Any) -> None:
    """Make a map of checked points by the parameters of a model, see `TSNE.fit`."""
    phases = planned_phases(model, X.shape[0])
    with opened(model, X) as checkpoint:
        make_map(
            model, X, phases, checkpoint,
            callbacks=model.callbacks, callback_every=model.callback_every,
        )  # fmt: skip


def make_map(
    model: Any,
    X: Any,
    phases: Sequence[Phase],
    checkpoint: NullCheckpoint | None = None,
    *,
    start: np.ndarray | None = None,
    callbacks: Any,
    callback_every: int,
) -> None:
    """Make a map of checked points, and set the fitted attributes of a model.

    Parameters
    ----------
    model : TSNE or Fit
        Its parameters have been checked.
    X : ndarray or CSR of shape (N, D)
        Checked points, distances or affinities.
    phases : sequence of Phase
        Iterations.
    checkpoint : NullCheckpoint or Checkpoint, optional
        Returns stages that an earlier run has saved, and saves those that this one computes.
    start : ndarray of shape (N, n_components), optional
        The start; None is that of `model.init`.
    callbacks, callback_every
        As in `TSNE`.
    """
    n, checkpoint = X.shape[0], checkpoint or NullCheckpoint()
    rng = checked_random_state(model.random_state)
    seconds: dict[str, float] = {}
    callbacks = watchers.listed(callbacks)
    listeners = watchers.methods(callbacks, "stage")
    with (
        jit.threads(model.n_jobs),
        Progress(model.verbose, listeners) as progress,
        watchers.watching(callbacks, n),
    ):
        with progress.timed("neighbors", seconds, n):
            found = checkpoint.stage("neighbors", partial(_neighbors, model, X, rng), rng)
        watchers.call(callbacks, "receive", found)
        with progress.timed("affinities", seconds, n):
            P = checkpoint.stage("affinities", partial(_affinities, model, X, found), rng)
        with progress.timed("initial", seconds, n):
            begin = partial(_first_state, model, X, P, phases, start, rng)
            state = checkpoint.state(begin, rng)
            if state.dof is None:  # saved by an earlier version
                state.dof = float(model.dof)
        with progress.timed("optimization", seconds):
            theta, error = as_theta(model.theta)
            objective = KLDivergence(P, model.method, state.theta, state.dof, error)
            fitting.optimize(
                state, objective, progress, checkpoint,
                callbacks=callbacks, callback_every=callback_every,
            )  # fmt: skip
        if state.left and not error:
            state.theta = theta  # not that of a coarse phase in which the run stopped
        with progress.timed("divergence", seconds):
            set_map(model, P, state, phases[-1] if phases else Phase(0))
    before = checkpoint.seconds
    model.timings_ = {stage: s + before.get(stage, 0.0) for stage, s in seconds.items()}
    model.neighbors_ = found
    model._fit_X = X if has_points(model.metric, model.affinities) else None  # for `transform`


def _neighbors(model: Any, X: Any, rng: Any) -> Neighbors | None:
    """Return the neighbours that the affinities need, None for affinities that are given."""
    if are_given(model.affinities):
        return None
    return fitting.find_neighbors(
        X, as_kind(model.affinities, model.perplexity), model.perplexity, metric=model.metric,
        metric_params=model.metric_params, search=model.neighbors, method=model.method,
        random_state=None if model.random_state is None else rng,
    )  # fmt: skip


def _affinities(model: Any, X: Any, found: Neighbors | None) -> sparse.csr_array:
    """Return P, computed or given."""
    if are_given(model.affinities):
        given = X if isinstance(model.affinities, str) else model.affinities
        return affinities.given(given, X.shape[0])
    return fitting.compute_affinities(
        X, found, as_kind(model.affinities, model.perplexity), model.perplexity,
        metric=model.metric, metric_params=model.metric_params,
    )  # fmt: skip


def _first_state(model, X, P, phases: Sequence[Phase], start: np.ndarray | None, rng) -> State:
    """Return the state before the first iteration."""
    theta, _ = as_theta(model.theta)
    if start is None:
        init = start_name(model.init, has_points(model.metric, model.affinities))
        start = fitting.initial_map(X, P, init, model.n_components, rng)
    return State(start, theta=theta, dof=float(model.dof), left=list(phases))


def set_map(model: Any, P: Any, state: State, last: Phase) -> None:
    """Set the fitted attributes that an optimization leads to, all of them or none."""
    kl = fitting.kl_per_point(P, state.Y, model.method, state.theta, state.dof)
    model.kl_per_point_, model.kl_divergence_ = kl, float(kl.sum())
    model.affinities_, model.embedding_ = P, state.Y
    model.n_iter_, model.history_ = state.iteration, state.history
    model.stopped_, model.theta_, model.dof_ = state.stopped, state.theta, state.dof
    model.phases_ = state.done
    model._velocity, model._gains, model._last_phase = state.velocity, state.gains, last
