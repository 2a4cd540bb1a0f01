"""What an optimisation is told, and what it tells: `Phase` and `Record`."""

from typing import NamedTuple

__all__ = ["RULES", "Phase", "Record"]

RULES = ("default", "opentsne")

# The floors of others, 50 to 200 in these units, cost small data sets their fit: 300 digits end at
# a KL divergence of .321 without and .336 with a floor of 50; 12 random points at .192 and .215.
LOWEST_RATE = 1.0


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
        "auto" is N / exaggeration (Belkina et al. 2019; Kobak & Berens 2019), at least 1, and
        N / (4 · exaggeration) for ``rule="opentsne"``.
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
    rule : {"default", "opentsne"}
        How gains change. "default": as in scikit-learn, ``gain + 0.2`` where gradient and velocity
        point apart, else ``max(0.8 gain, 0.01)``. "opentsne": ``gain + 0.2`` where their signs
        differ, as they do in the first iteration, else ``0.8 gain + 0.01``.
    """

    n_iter: int
    exaggeration: float = 1.0
    learning_rate: float | str = "auto"
    momentum: float = 0.8
    theta: float | None = None
    min_kl_rate: float = 0.0
    min_gradient_norm: float = 0.0
    rule: str = "default"

    def rate(self, n: int) -> float:
        """Return the learning rate for n points."""
        if not isinstance(self.learning_rate, str):
            return self.learning_rate
        if self.rule == "opentsne":
            return n / (4 * self.exaggeration)
        return max(n / self.exaggeration, LOWEST_RATE)


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
