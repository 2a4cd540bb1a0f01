"""A number, or a limit for the error of the forces → θ and that limit."""

from typing import Any, NamedTuple

from bhtsne.validation.numbers import checked_number

__all__ = ["AdaptiveTheta", "as_theta"]


class AdaptiveTheta(NamedTuple):
    """θ chosen at each check of a fit, so that the measured error of the forces stays small.

    Attributes
    ----------
    error : float
        Limit for the relative RMS error of the repulsion, as `history_` records it; 1e-3 is a good
        value.
    start : float
        θ before the first check.

    Examples
    --------
    >>> from bhtsne import TSNE, datasets, forces
    >>> model = TSNE(theta=forces.AdaptiveTheta(error=1e-3), random_state=0)
    >>> bool(model.fit(datasets.digits().X[:500]).history_[-1].force_error < 1e-3)
    True
    """

    error: float
    start: float = 0.45


def as_theta(theta: Any) -> tuple[float, float | None]:
    """Return θ at the start and the limit of the error, None for a θ that stays."""
    if not isinstance(theta, AdaptiveTheta):
        return checked_number("theta", theta), None
    error, start = (checked_number(*pair) for pair in theta._asdict().items())
    return start, error
