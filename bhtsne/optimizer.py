"""(Y, gradient) → Y: gradient descent with momentum and gains, in phases; stopping, callbacks.

What is minimised is an argument, `Objective`: the optimizer knows nothing of t-SNE.
"""

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numba import prange

from bhtsne import jit

__all__ = ["Objective", "Phase", "Record", "State", "run"]

MAX_STEP = 5.0  # a point moves at most this far in an iteration
MIN_GAIN = 0.01
# The floors of others, 50 to 200 in these units, cost small data sets their fit: 300 digits end at
# a KL divergence of .321 without and .336 with a floor of 50; 12 random points at .192 and .215.
LOWEST_RATE = 1.0
_ROWS = 1024  # points of a block, whose coordinates are summed in order


class Phase(NamedTuple):
    """Some iterations under one set of parameters.

    Attributes
    ----------
    n_iter : int
        Iterations.
    exaggeration : float
        Factor of the attraction.
    learning_rate : float or "auto"
        Factor of the gradient, which has its factor 4 as in scikit-learn; FIt-SNE and openTSNE
        leave that out, so that their learning rate is four times this one for the same step.
        "auto" is N / exaggeration (Belkina et al. 2019; Kobak & Berens 2019), at least 1.
    momentum : float
        Part of the last step that is kept, 0 to below 1.
    theta : float, optional
        What the objective's θ is from here on; None leaves it as it is.
    min_kl_rate : float
        The phase ends early when the KL divergence falls by less than this part of itself an
        iteration, from one check to the next, after having fallen faster (after Belkina et al.
        2019). 0 never ends it.
    min_gradient_norm : float
        The phase ends early at a check that finds the gradient no longer than this. 0 never ends
        it.
    """

    n_iter: int
    exaggeration: float = 1.0
    learning_rate: float | str = "auto"
    momentum: float = 0.8
    theta: float | None = None
    min_kl_rate: float = 0.0
    min_gradient_norm: float = 0.0

    def rate(self, n: int) -> float:
        """Return the learning rate for n points."""
        if isinstance(self.learning_rate, str):
            return max(n / self.exaggeration, LOWEST_RATE)
        return self.learning_rate


class Record(NamedTuple):
    """What was seen at a check.

    Attributes
    ----------
    iteration : int
        Iterations done, over all phases.
    kl : float
        KL divergence, not exaggerated, in nats.
    gradient_norm : float
        Euclidean norm of the gradient, exaggerated as it was used.
    force_error : float
        Relative RMS error of the approximate repulsion on a sample of points; 0 if it is exact.
    seconds : float
        Since the optimisation began.
    """

    iteration: int
    kl: float
    gradient_norm: float
    force_error: float
    seconds: float


class Objective(Protocol):
    """What the optimizer minimises; it has a `theta` if phases are to set one."""

    theta: float

    def gradient(self, Y: np.ndarray, exaggeration: float) -> np.ndarray:
        """Return the gradient at Y, of the shape of Y."""

    def check(self, Y: np.ndarray) -> tuple[float, float]:
        """Return the KL divergence and the relative error of the force, at the last gradient."""


@dataclass
class State:
    """Where an optimisation stands; enough to go on from.

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
        Why the optimisation ended before its last iteration; "converged" if the last phase with a
        least rate or norm met it.
    """

    Y: np.ndarray
    velocity: np.ndarray = field(default_factory=lambda: np.empty(0, np.float32))
    gains: np.ndarray = field(default_factory=lambda: np.empty(0, np.float32))
    iteration: int = 0
    history: list[Record] = field(default_factory=list)
    stopped: str | None = None

    def __post_init__(self) -> None:
        self.Y = np.ascontiguousarray(self.Y, np.float32)
        if not self.velocity.size:
            self.velocity, self.gains = np.zeros_like(self.Y), np.ones_like(self.Y)


Callback = Callable[[Record, np.ndarray], Any]


def run(
    state: State,
    objective: Objective,
    phases: Sequence[Phase],
    *,
    callbacks: Sequence[Callback] = (),
    callback_every: int = 50,
    progress: Callable[[State], Any] | None = None,
    centred: Sequence[slice] = (slice(None),),
) -> State:
    """Minimise an objective by gradient descent with momentum and gains (Jacobs 1988).

    ``gain ← gain + 0.2`` where gradient and velocity point apart, else ``0.8 gain``, at least
    0.01; ``velocity ← momentum · velocity − learning_rate · gain · gradient``, at most
    5 long for each point; ``Y ← Y + velocity``, centred.

    Parameters
    ----------
    state : State
        Where to start; changed in place, so that what was reached is there whatever happens.
    objective : Objective
        Gradient and checks.
    phases : sequence of Phase
        Done one after another; velocity and gains are kept.
    callbacks : sequence of callable
        Called with the `Record` and a copy of the map every `callback_every` iterations; one that
        returns True ends the optimisation.
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
    state.stopped = None
    last = state.iteration + sum(phase.n_iter for phase in phases)
    try:
        for phase in phases:
            if phase.theta is not None:
                objective.theta = phase.theta
            began = len(state.history)
            for done in range(1, phase.n_iter + 1):
                grad = objective.gradient(state.Y, phase.exaggeration)
                _advance(state, grad, phase, centred)
                due = state.iteration % callback_every == 0 or state.iteration == last
                if due and _check(state, grad, objective, callbacks, started):
                    state.stopped = "callback"
                    return state
                if progress is not None:
                    progress(state)
                if due and _converged(state.history[began:], phase):
                    state.stopped = "converged"
                    last -= phase.n_iter - done
                    break
            else:
                if phase.min_kl_rate or phase.min_gradient_norm:
                    state.stopped = None
    except KeyboardInterrupt:
        state.stopped = "interrupt"
    return state


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


def _advance(state: State, grad: np.ndarray, phase: Phase, centred=(slice(None),)) -> None:
    """Make one step; nothing of it is seen before it is whole."""
    Y, velocity, gains = (np.empty_like(state.Y) for _ in range(3))
    grad = np.ascontiguousarray(grad, np.float32)
    rate, momentum = np.float32(phase.rate(len(Y))), np.float32(phase.momentum)
    for part in centred or (slice(None),):
        points = Y[part]
        sums = np.zeros((-(-len(points) // _ROWS), Y.shape[1]))
        _step(
            state.Y[part], grad[part], state.velocity[part], state.gains[part],
            rate, momentum, points, velocity[part], gains[part], sums,
        )  # fmt: skip
        if centred:
            with np.errstate(invalid="ignore"):  # what is not finite is told at the next check
                for a, mean in enumerate((sums.sum(axis=0) / len(points)).astype(np.float32)):
                    points[:, a] -= mean  # by columns: 0.05 ms for 0.2 by rows of two
    state.Y, state.velocity, state.gains = Y, velocity, gains
    state.iteration += 1


def _check(state, grad, objective, callbacks, started) -> bool:
    """Append a record; return whether a callback wants to stop."""
    norm = float(np.linalg.norm(grad.astype(np.float64)))
    if not (np.isfinite(norm) and np.isfinite(state.Y).all()):
        raise FloatingPointError(
            f"The map is no longer finite after {state.iteration} iterations; "
            "take a smaller learning_rate."
        )
    kl, error = objective.check(state.Y)
    seconds = time.perf_counter() - started
    state.history.append(Record(state.iteration, kl, norm, error, seconds))
    answers = [callback(state.history[-1], state.Y.copy()) for callback in callbacks]
    return any(answer is True for answer in answers)


@jit.parallel
def _step(Y, grad, velocity, gains, learning_rate, momentum, to_Y, to_velocity, to_gains, sums):
    """Fill the new map, velocity and gains, and sums with each block's new coordinates."""
    n, d = Y.shape
    for block in prange(len(sums)):
        for i in range(_ROWS * block, min(_ROWS * block + _ROWS, n)):
            length = np.float32(0)
            for a in range(d):
                g, v, gain = grad[i, a], velocity[i, a], gains[i, a]
                # Without a branch, which would be mistaken half of the time: 0.9 ms for 0.5.
                apart = ((g > 0) & (v < 0)) | ((g < 0) & (v > 0))
                lower = max(gain * np.float32(0.8), np.float32(MIN_GAIN))
                gain = gain + np.float32(0.2) if apart else lower
                v = momentum * v - learning_rate * gain * g
                to_gains[i, a], to_velocity[i, a] = gain, v
                length += v * v
            # Never divided by a length near 0: the approximate root of a denormal is infinite.
            if length > np.float32(MAX_STEP**2):
                for a in range(d):
                    to_velocity[i, a] *= np.float32(MAX_STEP) / np.sqrt(length)
            for a in range(d):
                to_Y[i, a] = Y[i, a] + to_velocity[i, a]
                sums[block, a] += to_Y[i, a]
