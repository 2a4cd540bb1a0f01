"""Parameters of an optimisation → `Phase`; its checks → `Record`."""

from typing import NamedTuple

__all__ = ["RULES", "Phase", "Record", "appended"]

RULES = ("default", "opentsne")

# Smallest automatic learning rate. The floors of other libraries, 50 to 200 in these units, raise
# the final KL divergence of small data sets.
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
        Factor of the gradient. The gradient has its factor 4, as in scikit-learn; FIt-SNE and
        openTSNE leave that out, so that the same step takes four times this rate there. "auto" is
        N / exaggeration (Belkina et al. 2019; Kobak & Berens 2019), at least 1, and
        N / (4 · exaggeration) for ``rule="opentsne"``.
    momentum : float
        Fraction of the last step that is added to the next, 0 to below 1.
    theta : float, optional
        The objective's θ from this phase on; None leaves θ unchanged.
    min_kl_rate : float
        The phase ends early when the relative decrease of the KL divergence per iteration, from
        one check to the next, falls below this after it has been higher (after Belkina et al.
        2019). 0 never ends the phase.
    min_gradient_norm : float
        The phase ends early at a check that finds the norm of the gradient at or below this.
        0 never ends the phase.
    rule : {"default", "opentsne"}
        Rule of the gains. "default": as in scikit-learn, ``gain + 0.2`` where gradient and velocity
        point apart, else ``max(0.8 gain, 0.01)``. "opentsne": ``gain + 0.2`` where their signs
        differ, as they do in the first iteration, else ``0.8 gain + 0.01``.
    affinity_share : float
        Part of the affinities of each point that attract it, the largest ones, scaled to a sum of
        1; all of them from 1 on.
    dof : float, optional
        The objective's degrees of freedom from this phase on; None leaves them unchanged.
    restart : bool
        Whether velocity and gains start anew, at 0 and 1, as at the start of a run.
    repulsion_every : int
        Iterations from one computation of the repulsion to the next; in between, the last one is
        used again, a multiple time step (Tuckerman, Berne & Martyna 1992). It is computed in the
        iterations whose number over all phases, from 0, is a multiple of this.
    """

    n_iter: int
    exaggeration: float = 1.0
    learning_rate: float | str = "auto"
    momentum: float = 0.8
    theta: float | None = None
    min_kl_rate: float = 0.0
    min_gradient_norm: float = 0.0
    rule: str = "default"
    affinity_share: float = 1.0
    dof: float | None = None
    restart: bool = False
    repulsion_every: int = 1

    def rate(self, n: int) -> float:
        """Return the learning rate for n points."""
        if not isinstance(self.learning_rate, str):
            return self.learning_rate
        if self.rule == "opentsne":
            return n / (4 * self.exaggeration)
        return max(n / self.exaggeration, LOWEST_RATE)

    def rest(self, n_iter: int) -> "Phase":
        """Return the last iterations of this phase: θ, dof and restart are for its first one."""
        return self._replace(n_iter=n_iter, theta=None, dof=None, restart=False)


class Record(NamedTuple):
    """Result of a check.

    Attributes
    ----------
    iteration : int
        Iterations done, over all phases.
    kl : float
        KL divergence of P without exaggeration, in nats.
    gradient_norm : float
        Euclidean norm of the gradient of the last step, with its exaggeration.
    force_error : float
        Relative RMS error of the approximate repulsion on a sample of points; 0 if it is exact.
    seconds : float
        Seconds since the optimisation began.
    """

    iteration: int
    kl: float
    gradient_norm: float
    force_error: float
    seconds: float


def appended(done: list[Phase], iteration: Phase) -> list[Phase]:
    """Return phases with one more iteration: in the last phase if its parameters are the same."""
    if done and done[-1]._replace(n_iter=1, restart=False) == iteration:
        return [*done[:-1], done[-1]._replace(n_iter=done[-1].n_iter + 1)]
    return [*done, iteration]
