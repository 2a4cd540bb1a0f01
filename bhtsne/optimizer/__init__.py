"""(Y, gradient) → Y: gradient descent with momentum and gains, in phases; stopping, callbacks.

What is minimised is an argument, `Objective`: the optimizer knows nothing of t-SNE.
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
from bhtsne.optimizer.phases import Phase, Record
from bhtsne.optimizer.step import advanced
from bhtsne.optimizer.stopping import Stopping

__all__ = ["Objective", "Phase", "Record", "State", "Stopping", "run"]


class Objective(Protocol):
    """What the optimizer minimises; it has a `theta` if phases are to set one."""

    theta: float

    def gradient(self, Y: np.ndarray, exaggeration: float) -> np.ndarray:
        """Return the gradient at Y, of the shape of Y."""

    def check(self, Y: np.ndarray) -> tuple[float, float]:
        """Return the KL divergence and the relative error of the force, at the last gradient."""


@dataclass
class State:
    """Where an optimisation stands: all that is needed to go on, bit for bit.

    Attributes
    ----------
    Y : ndarray of float32, shape (N, d)
        The map.
    velocity, gains : ndarray of float32, shape (N, d)
        The last step, and each coordinate's factor of the learning rate.
    iteration : int
        Iterations done, over all phases.
    history : list of Record
        One record a check.
    stopped : {None, "callback", "interrupt", "converged"}
        Why the optimisation ended before its last iteration.
    theta : float or None
        The objective's θ, if it has one.
    left : list of Phase
        What is still to be done; the first is the rest of one that has begun.
    since : int
        Records before the phase at hand.
    converged : bool
        Whether the last phase with a least rate or norm met it.
    """

    Y: np.ndarray
    velocity: np.ndarray = field(default_factory=lambda: np.empty(0, np.float32))
    gains: np.ndarray = field(default_factory=lambda: np.empty(0, np.float32))
    iteration: int = 0
    history: list[Record] = field(default_factory=list)
    stopped: str | None = None
    theta: Any = None
    left: list[Phase] = field(default_factory=list)
    since: int = 0
    converged: bool = False

    def __post_init__(self) -> None:
        self.Y = np.ascontiguousarray(self.Y, np.float32)
        if not self.velocity.size:
            self.velocity, self.gains = np.zeros_like(self.Y), np.ones_like(self.Y)


@interrupts.interruptible
def run(
    state: State,
    objective: Objective,
    phases: Sequence[Phase] | None,
    *,
    callbacks: Callback | Sequence[Callback] = (),
    callback_every: int = 50,
    progress: Callable[[State], Any] | None = None,
    centred: Sequence[slice] = (slice(None),),
) -> State:
    """Minimise an objective by gradient descent with momentum and gains (Jacobs 1988).

    ``gain ← gain + 0.2`` where gradient and velocity point apart, else ``0.8 gain``, at least
    0.01; ``velocity ← momentum · velocity − learning_rate · gain · gradient``, at most
    5 long for each point; ``Y ← Y + velocity``, centred. `Phase.rule` names a variant.

    Parameters
    ----------
    state : State
        Where to start; changed in place, so that what was reached is there whatever happens.
    objective : Objective
        Gradient and checks.
    phases : sequence of Phase or None
        Done one after another; velocity and gains are kept. None is what the state has left.
    callbacks : callable or sequence of callable
        Called with the `Record` and a copy of the map every `callback_every` iterations. The
        optimisation ends when one returns True, as a bool of Python or NumPy; other return values
        are ignored. A method `begin` is called with the state before the first iteration, when
        `left` says what is to come.
    callback_every : int
        Iterations between checks; there is one at the end in any case.
    progress : callable, optional
        Called with the state after each iteration.
    centred : sequence of slice
        Parts of the map, all of it in order, each of whose means is moved to 0 after each
        iteration; none for a map that is to stay where it is.

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
    started = time.perf_counter() - (state.history[-1].seconds if state.history else 0.0)
    if phases is not None:
        state.left, state.since, state.converged = list(phases), len(state.history), False
    elif state.theta is not None:
        objective.theta = state.theta
    state.stopped = None
    callbacks = watchers.listed(callbacks)
    last = state.iteration + sum(phase.n_iter for phase in state.left)
    try:
        watchers.begin(callbacks, state)
        while state.left:
            phase, *rest = state.left
            if phase.theta is not None:
                objective.theta = state.theta = phase.theta
            left, ended = phase.n_iter - 1, False
            if left < 0:
                state.left = rest
                continue
            grad = objective.gradient(state.Y, phase.exaggeration)
            new = _step(state, grad, phase, centred)
            due = new["iteration"] % callback_every == 0 or new["iteration"] == last
            if due:
                record = _checked(new, grad, objective, started)
                new |= {"history": [*state.history, record], "theta": _theta(objective)}
                ended = _converged(new["history"][state.since :], phase)
            if ended:
                last, left = last - left, 0
            if not left and (phase.min_kl_rate or phase.min_gradient_norm):
                new["converged"] = ended
            new["left"] = [phase._replace(n_iter=left, theta=None), *rest] if left else rest
            new["since"] = state.since if left else len(new.get("history", state.history))
            vars(state).update(new)  # in one call, which Ctrl-C cannot halve
            if due and watchers.stop(callbacks, record, state.Y):
                state.stopped = "callback"
                return state
            if progress is not None:
                progress(state)
            interrupts.check()
        state.stopped = "converged" if state.converged else None
    except KeyboardInterrupt:  # by `interrupts.check`, or a callback
        state.stopped = "interrupt"
    return state


def _step(state: State, grad: np.ndarray, phase: Phase, centred) -> dict[str, Any]:
    """Return what one step makes of a state."""
    moved = advanced(
        state.Y, state.velocity, state.gains, grad, phase.rate(len(state.Y)), phase.momentum,
        centred, as_opentsne=phase.rule == "opentsne",
    )  # fmt: skip
    parts = dict(zip(("Y", "velocity", "gains"), moved, strict=True))
    return {**parts, "iteration": state.iteration + 1}


def _theta(objective: Objective) -> float | None:
    return getattr(objective, "theta", None)


def _converged(records: list[Record], phase: Phase) -> bool:
    """Return whether the checks of a phase so far allow it to end early."""
    if 0 < phase.min_gradient_norm >= records[-1].gradient_norm:
        return True
    if phase.min_kl_rate == 0 or len(records) < 3:
        return False
    pairs = itertools.pairwise(records)
    # Two points always fit: their divergence is 0.
    rates = [(a.kl - b.kl) / (abs(b.kl) or 1.0) / (b.iteration - a.iteration) for a, b in pairs]
    # A start so small that nothing moves yet has a low rate too: it is to have been higher.
    return rates[-1] < min(phase.min_kl_rate, max(rates))


def _checked(new: dict[str, Any], grad: np.ndarray, objective, started: float) -> Record:
    """Return the record of a check, or raise FloatingPointError."""
    # Not by BLAS: its bits depend on its threads, and those go on turning in circles after it.
    norm = float(np.sqrt((grad.astype(np.float64) ** 2).sum()))
    if not (np.isfinite(norm) and np.isfinite(new["Y"]).all()):
        raise FloatingPointError(
            f"The map is no longer finite after {new['iteration']} iterations; "
            "take a smaller learning_rate."
        )
    kl, error = objective.check(new["Y"])
    return Record(new["iteration"], kl, norm, error, time.perf_counter() - started)
