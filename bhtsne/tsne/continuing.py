"""Fitted model → the same model after more iterations, with more points, or after its whole run."""

from typing import Any

import numpy as np
from scipy import sparse

from bhtsne import fitting, jit
from bhtsne.affinities.kinds import are_given
from bhtsne.checkpoint.run import NullCheckpoint, restored
from bhtsne.fitting.input import checked_input
from bhtsne.fitting.stages import has_points
from bhtsne.forces.adaptive import as_theta
from bhtsne.forces.objective import KLDivergence
from bhtsne.optimizer import Phase, State
from bhtsne.optimizer import callbacks as watchers
from bhtsne.progress import Progress
from bhtsne.schedules import checked_phase
from bhtsne.tsne.mapping import check_memory_and_perplexity, make_map, set_map
from bhtsne.validation.numbers import checked_number
from bhtsne.validation.parameters import check_callbacks

__all__ = ["add", "optimize", "resume"]


def resume(cls: type, path: Any, *, callbacks: Any, n_jobs: int | None, verbose: bool) -> Any:
    """Return a model of a run that a checkpoint holds, see `TSNE.resume`."""
    parameters, X, names = restored(path, cls)
    model = cls(**parameters, callbacks=callbacks, n_jobs=n_jobs, verbose=verbose)
    model.fit(X)
    if names is not None:
        model.feature_names_in_ = np.array(names, object)
    return model


def optimize(model: Any, n_iter: int, *, callbacks=None, callback_every=None, **changes) -> None:
    """Do more iterations, see `TSNE.optimize`."""
    watched = _watched(model, callbacks, callback_every)
    phase = _next_phase(model._last_phase, n_iter, **changes)
    _, force_error = as_theta(model.theta)
    state = State(
        model.embedding_, model._velocity, model._gains, model.n_iter_, list(model.history_),
        theta=model.theta_, dof=model.dof_, left=[phase], since=len(model.history_),
        done=list(model.phases_),
    )  # fmt: skip
    P, seconds = model.affinities_, dict(model.timings_)
    listeners = watchers.methods(watchers.listed(watched["callbacks"]), "stage")
    with jit.threads(model.n_jobs), Progress(model.verbose, listeners) as progress:
        with progress.timed("optimization", seconds):
            objective = KLDivergence(P, model.method, model.theta_, model.dof_, force_error)
            fitting.optimize(state, objective, progress, NullCheckpoint(), **watched)
        set_map(model, P, state, phase)
    if state.history:
        seconds["optimization"] = state.history[-1].seconds
    model.timings_ = seconds


def add(model: Any, X: Any, n_iter: int, *, callbacks=None, callback_every=None, **changes) -> None:
    """Add points, and optimize the map of all, see `TSNE.add`."""
    _check_computes(model)
    watched, last = _watched(model, callbacks, callback_every), model._last_phase
    automatic = last._replace(learning_rate="auto").rate(len(model.embedding_))
    if changes["learning_rate"] is None and last.learning_rate == automatic:
        changes["learning_rate"] = "auto"  # of all points
    phase = _next_phase(last, n_iter, **changes)
    placed = model.transform(X)
    X = checked_input(model, X, reset=False)
    together = sparse.vstack if sparse.issparse(X) else np.concatenate
    Y = np.concatenate([model.embedding_, np.asarray(placed)])
    X = together([model._fit_X, X])
    check_memory_and_perplexity(model, X)
    make_map(model, X, [phase], start=Y, **watched)


def _watched(model: Any, callbacks: Any, callback_every: Any) -> dict[str, Any]:
    """Return the callbacks and their interval, those of the model unless others are given."""
    callbacks = model.callbacks if callbacks is None else callbacks
    callback_every = model.callback_every if callback_every is None else callback_every
    check_callbacks(callbacks)
    checked_number("callback_every", callback_every)
    return {"callbacks": callbacks, "callback_every": callback_every}


def _next_phase(last: Phase, n_iter, exaggeration, learning_rate, momentum, theta) -> Phase:
    """Return the phase that follows the last one."""
    exaggeration = last.exaggeration if exaggeration is None else exaggeration
    momentum = last.momentum if momentum is None else momentum
    checked_phase(Phase(n_iter, exaggeration, 1.0, momentum, theta))
    if learning_rate is None:
        learning_rate = last.learning_rate
        if not isinstance(learning_rate, str):
            learning_rate *= last.exaggeration / exaggeration
    return checked_phase(
        Phase(n_iter, exaggeration, learning_rate, momentum, theta, rule=last.rule)
    )


def _check_computes(model: Any) -> None:
    """Raise ValueError if neighbours or affinities are given, for the fitted points alone."""
    points = has_points(model.metric, model.affinities)
    for name, given, remedy in (
        ("neighbors", not isinstance(model.neighbors, str | dict), 'a search, such as "auto"'),
        ("affinities", are_given(model.affinities), 'a kind of affinities, such as "gaussian"'),
    ):
        if given or not points:
            raise ValueError(
                f"{name} must be {remedy}, for points to be added, got those of the fitted points."
            )
