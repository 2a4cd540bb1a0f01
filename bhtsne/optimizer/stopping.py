"""Rules by which a phase ends before its last iteration."""

from typing import NamedTuple

from bhtsne.validation.numbers import checked_number

__all__ = ["Stopping", "as_stopping"]


class Stopping(NamedTuple):
    """When an optimization ends early; by default it does not.

    Attributes
    ----------
    min_kl_rate : float
        If above 0, the first phase and the longest one at the last exaggeration each go on until
        the KL divergence falls by less than this fraction of itself an iteration, measured between
        checks, or for at most 500 and 10,000 iterations, or those that are given. 1e-4 is a good
        value (after Belkina et al. 2019).
    min_gradient_norm : float
        A check at the last exaggeration that finds a gradient of at most this norm ends the
        optimization.

    Examples
    --------
    >>> from bhtsne import TSNE, datasets, optimizer
    >>> rule = optimizer.Stopping(min_kl_rate=1e-2)
    >>> model = TSNE(stopping=rule, callback_every=10, random_state=0)
    >>> model.fit(datasets.digits().X[:300]).stopped_
    'converged'
    """

    min_kl_rate: float = 0.0
    min_gradient_norm: float = 0.0


def as_stopping(stopping: Stopping | None) -> Stopping:
    """Return checked rules, those of `Stopping` for None; TypeError for another object."""
    if stopping is None:
        return Stopping()
    if not isinstance(stopping, Stopping):
        raise TypeError(
            f"stopping must be an optimizer.Stopping or None, got {stopping!r}; pass "
            "optimizer.Stopping(min_kl_rate=1e-4)."
        )
    return Stopping(*(checked_number(*pair) for pair in stopping._asdict().items()))
