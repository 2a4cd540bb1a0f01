"""(Y, gradient) → Y: gradient descent with momentum and gains, in phases; stopping, callbacks.

The function to minimise is an argument, `Objective`: the optimizer knows nothing of t-SNE.
"""

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from bhtsne import interrupts
from bhtsne.optimizer import callbacks as watchers
from bhtsne.optimizer.callbacks import Callback
from bhtsne.optimizer.phases import Phase, Record, appended
from bhtsne.optimizer.step import Motion, advanced
from bhtsne.optimizer.stopping import Stopping

__all__ = ["Objective", "Phase", "Record", "State", "Stopping", "resume", "run"]

_CHANGED = ("theta", "dof")  # parameters of the objective that phases change
_COPIED = (*_CHANGED, "repulsion")  # attributes of the objective that the state copies


class Objective(Protocol):
    """Function to minimise.

    Phases set the attributes `theta` and `affinity_share`, and `dof` where a phase has one, see
    `Phase`. Checks may change `theta`: the objective owns it during a run, and `State.theta` is a
    copy. Before each gradient `reuse` is set: whether it may take its last `repulsion`, which the
    state copies if the objective has one.
    """

    theta: float
    affinity_share: float
    reuse: bool

    def gradient(self, Y: np.ndarray, exaggeration: float) -> np.ndarray:
        """Return the gradient at Y, of the shape of Y."""

    def check(self, Y: np.ndarray) -> tuple[float, float]:
        """Return the KL divergence at Y and the relative error of the force."""


@dataclass
class State:
    """State of an optimisation: all that `resume` needs to continue it, bit for bit.

    Attributes
    ----------
    Y : ndarray of float32, shape (N, d)
        The map.
    velocity, gains : ndarray of float32, shape (N, d)
        The last step, and the factor of the learning rate for each coordinate.
    iteration : int
        Iterations done, over all phases.
    history : list of Record
        One record for each check.
    stopped : {None, "callback", "interrupt", "converged"}
        Reason why the optimisation ended before its last iteration.
    theta, dof : float or None
        Copies of the objective's θ and degrees of freedom after the last iteration, if it has them.
    repulsion : ndarray of shape (N, d) or None
        The repulsion of the last iteration, if the objective has one. The next may use it again.
    left : list of Phase
        Phases that are still to be done; the first is the rest of one that has begun.
    since : int
        Records before the present phase.
    converged : bool
        Whether the last phase with a smallest rate or norm reached it.
    done : list of Phase
        Phases that were done, with all their values. A run with these phases, from the same
        start, ends at the same map.
    """

    Y: np.ndarray
    velocity: np.ndarray = field(default_factory=lambda: np.empty(0, np.float32))
    gains: np.ndarray = field(default_factory=lambda: np.empty(0, np.float32))
    iteration: int = 0
    history: list[Record] = field(default_factory=list)
    stopped: str | None = None
    theta: Any = None
    dof: Any = None
    repulsion: Any = None
    left: list[Phase] = field(default_factory=list)
    since: int = 0
    converged: bool = False
    done: list[Phase] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.Y = np.ascontiguousarray(self.Y, np.float32)
        if not self.velocity.size:
            self.velocity, self.gains = np.zeros_like(self.Y), np.ones_like(self.Y)


def run(
    state: State,
    objective: Objective,
    phases: Sequence[Phase],
    *,
    callbacks: Callback | Sequence[Callback] = (),
    callback_every: int = 50,
    progress: Callable[[State], Any] | None = None,
    centred: Sequence[slice] = (slice(None),),
) -> State:
    """Minimise an objective by gradient descent with momentum and gains (Jacobs 1988).

    ``gain ← gain + 0.2`` where gradient and velocity point apart, else ``0.8 gain``, at least
    0.01; ``velocity ← momentum · velocity − learning_rate · gain · gradient``, at most
    5 long for each point; ``Y ← Y + velocity``, centred. `Phase.rule` selects a variant.

    Parameters
    ----------
    state : State
        Start of the optimisation. It is changed in place, so that the last whole iteration is
        there after an error too.
    objective : Objective
        Gradient and checks.
    phases : sequence of Phase
        Phases in their order, instead of those that the state has left. Velocity and gains carry
        over from one phase to the next.
    callbacks : callable or sequence of callable
        Called with the `Record` and a copy of the map every `callback_every` iterations. The
        optimisation ends when one returns True, as a bool of Python or NumPy; other return values
        are ignored. Callbacks may have further methods, which take the state: `begin`, called
        before the first iteration; `after_iteration`, after each, which may change `left`, the
        phases to come, and ends the optimisation by returning True; and `end`.
    callback_every : int
        Iterations between checks; the last iteration always ends with a check.
    progress : callable, optional
        Called with the state after each iteration.
    centred : sequence of slice
        Consecutive parts of the map, which together are the whole map. The mean of each is moved
        to 0 after each iteration. An empty sequence leaves the map where it is.

    Returns
    -------
    State
        The same object. After Ctrl-C, `stopped` is "interrupt" and the map is that of the last
        whole iteration.

    Raises
    ------
    FloatingPointError
        If the map is no longer finite: the learning rate is too large.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import optimizer
    >>> class Bowl:
    ...     def gradient(self, Y, exaggeration):
    ...         return Y
    ...     def check(self, Y):
    ...         return float((Y**2).sum() / 2), 0.0
    >>> state = optimizer.State(np.array([[1.0, 0.0], [-1.0, 0.0]]))
    >>> phase = optimizer.Phase(50, exaggeration=1.0, learning_rate=0.4, momentum=0.5)
    >>> optimizer.run(state, Bowl(), [phase]).history[-1].kl < 1e-4
    True
    """
    state.left, state.since, state.converged = list(phases), len(state.history), False
    return _descend(state, objective, callbacks, callback_every, progress, centred)


def resume(
    state: State,
    objective: Objective,
    *,
    callbacks: Callback | Sequence[Callback] = (),
    callback_every: int = 50,
    progress: Callable[[State], Any] | None = None,
    centred: Sequence[slice] = (slice(None),),
) -> State:
    """Do the phases that a state has left, bit for bit as a run without a break would.

    Parameters
    ----------
    state : State
        A state with phases in `left`: one whose run has stopped, or a new one. It is changed in
        place.
    objective : Objective
        Gradient and checks. Its θ is set to that of the state, unless this is None.
    callbacks, callback_every, progress, centred : optional
        As in `run`.

    Returns
    -------
    State
        The same object, as in `run`.

    Raises
    ------
    FloatingPointError
        If the map is no longer finite: the learning rate is too large.

    Examples
    --------
    >>> import numpy as np
    >>> from bhtsne import optimizer
    >>> class Bowl:
    ...     def gradient(self, Y, exaggeration):
    ...         return Y
    ...     def check(self, Y):
    ...         return float((Y**2).sum() / 2), 0.0
    >>> phase = optimizer.Phase(50, exaggeration=1.0, learning_rate=0.4, momentum=0.5)
    >>> state = optimizer.State(np.array([[1.0, 0.0], [-1.0, 0.0]]))
    >>> stop = lambda record, Y: record.iteration == 20
    >>> optimizer.run(state, Bowl(), [phase], callbacks=stop, callback_every=10).iteration
    20
    >>> optimizer.resume(state, Bowl()).iteration
    50
    """
    for name in _COPIED:
        if getattr(state, name) is not None:
            setattr(objective, name, getattr(state, name))
    return _descend(state, objective, callbacks, callback_every, progress, centred)


@interrupts.interruptible
def _descend(state: State, objective, callbacks, every: int, progress, centred) -> State:
    """Do the phases that the state has left."""
    started = time.perf_counter() - (state.history[-1].seconds if state.history else 0.0)
    state.stopped = None
    callbacks = watchers.listed(callbacks)
    after = watchers.methods(callbacks, "after_iteration")
    try:
        watchers.call(callbacks, "begin", state)
        while state.left:
            phase, *rest = state.left
            _set_parameters(objective, phase, state.iteration)
            left, ended = phase.n_iter - 1, False
            if left < 0:
                vars(state).update({"left": rest, **_copies(objective)})
                continue
            grad = objective.gradient(state.Y, phase.exaggeration)
            new = _step(state, grad, phase, centred)
            new["done"] = appended(state.done, _iteration(phase, objective, len(state.Y)))
            last = not left and not any(later.n_iter for later in rest)
            due = new["iteration"] % every == 0 or last
            if due:
                record = _record(new, grad, objective, started)
                new["history"] = [*state.history, record]
                ended = _converged(new["history"][state.since :], phase)
            left = 0 if ended else left
            if not left and (phase.min_kl_rate or phase.min_gradient_norm):
                new["converged"] = ended
            new["left"] = [phase.rest(left), *rest] if left else rest
            new["since"] = state.since if left else len(new.get("history", state.history))
            # In one call, which Ctrl-C cannot interrupt half way.
            vars(state).update(new | _copies(objective))
            if due and watchers.stop(callbacks, record, state.Y):
                state.stopped = "callback"
                return state
            if progress is not None:
                progress(state)
            answers = [watchers.is_true(method(state)) for method in after]
            if any(answers):
                state.stopped = "callback"
                return state
            interrupts.check()
        state.stopped = "converged" if state.converged else None
    except KeyboardInterrupt:  # by `interrupts.check`, or a callback
        state.stopped = "interrupt"
    finally:
        watchers.call(callbacks, "end", state)
    return state


def _set_parameters(objective: Objective, phase: Phase, iteration: int) -> None:
    """Set the attributes of the objective for the next iteration."""
    for name in _CHANGED:
        if getattr(phase, name) is not None:
            setattr(objective, name, getattr(phase, name))
    objective.affinity_share = phase.affinity_share
    objective.reuse = iteration % phase.repulsion_every != 0


def _copies(objective: Objective) -> dict[str, Any]:
    """Return the attributes of the objective that the state copies."""
    return {name: getattr(objective, name, None) for name in _COPIED}


def _iteration(phase: Phase, objective: Objective, n: int) -> Phase:
    """Return an iteration as a phase of its own, with all its values."""
    changed: dict[str, Any] = {name: getattr(objective, name, None) for name in _CHANGED}
    return phase._replace(
        n_iter=1, learning_rate=phase.rate(n), min_kl_rate=0.0, min_gradient_norm=0.0, **changed
    )


def _step(state: State, grad: np.ndarray, phase: Phase, centred) -> dict[str, Any]:
    """Return the attributes of a state that change in one step."""
    velocity, gains = state.velocity, state.gains
    if phase.restart:
        velocity, gains = np.zeros_like(velocity), np.ones_like(gains)
    moved = advanced(
        Motion(state.Y, velocity, gains), grad, phase.rate(len(state.Y)), phase.momentum, centred,
        as_opentsne=phase.rule == "opentsne",
    )  # fmt: skip
    return {**moved._asdict(), "iteration": state.iteration + 1}


def _converged(records: list[Record], phase: Phase) -> bool:
    """Return whether the checks of a phase so far allow it to end early."""
    if 0 < phase.min_gradient_norm >= records[-1].gradient_norm:
        return True
    if phase.min_kl_rate == 0 or len(records) < 3:
        return False
    pairs = itertools.pairwise(records)
    # A map of two points always fits, with a divergence of 0.
    rates = [(a.kl - b.kl) / (abs(b.kl) or 1.0) / (b.iteration - a.iteration) for a, b in pairs]
    # The rate must have been higher before: from a very small start nothing moves at first.
    return rates[-1] < min(phase.min_kl_rate, max(rates))


def _record(new: dict[str, Any], grad: np.ndarray, objective, started: float) -> Record:
    """Return the record of a check, or raise FloatingPointError."""
    # Not by BLAS: its bits depend on its threads, which also spin after the call.
    norm = float(np.sqrt((grad.astype(np.float64) ** 2).sum()))
    if not (np.isfinite(norm) and np.isfinite(new["Y"]).all()):
        raise FloatingPointError(
            f"The map is no longer finite after {new['iteration']} iterations; "
            "take a smaller learning_rate."
        )
    kl, error = objective.check(new["Y"])
    return Record(new["iteration"], kl, norm, error, time.perf_counter() - started)
