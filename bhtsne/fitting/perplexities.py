"""Perplexity and number of neighbours → the effective perplexity, which separates neighbours.

A row of k neighbours has at most perplexity k, where all weigh the same and the map would collapse.
A perplexity p takes the nearest 3 p, so that k / 3 is the largest that is used, as in openTSNE's
multiscale affinities and in FIt-SNE.
"""

from typing import Any

import numpy as np

from bhtsne import user_warnings
from bhtsne.affinities import FixedSigma, Kind, Uniform
from bhtsne.validation.arrays import checked_reals
from bhtsne.validation.numbers import checked_number

__all__ = ["check_below_points", "check_perplexities", "effective", "warn_if_lowered"]

DEFAULT = 30.0  # few points may have it too: it is lowered with a warning


def check_perplexities(perplexity: Any, kind: Kind) -> None:
    """Raise unless a perplexity, or a sequence of them, suits a kind of affinities."""
    if not isinstance(perplexity, list | tuple | np.ndarray):
        checked_number("perplexity", perplexity)
        return
    values = checked_reals(perplexity, "perplexity").ravel().tolist()
    if not values:
        raise ValueError("perplexity must hold a number, got an empty sequence.")
    if len(values) > 1 and not kind.several:
        raise ValueError(
            f"perplexity must be one number for {kind.name!r} affinities, got {perplexity!r}; "
            'several are for "multiscale" and "mixture".'
        )
    for one in values:
        checked_number("perplexity", one)


def check_below_points(perplexity: Any, n: int) -> None:
    """Raise ValueError for a perplexity of N or more, but for the default."""
    most = float(np.max(perplexity))
    if most != DEFAULT and most >= n:
        raise ValueError(
            f"perplexity must be below the number of points, got {most:g} for {n}; "
            f"{max((n - 1) / 3, 1):.4g} is a sensible largest value."
        )


def effective(perplexity: Any, kind: Kind, k: int, others: int) -> Any:
    """Return the perplexity, or list of them, for rows of k neighbours among so many others.

    One that takes more neighbours than there are becomes a third of their number, at least 1; for
    `Uniform`, whose perplexity is a number of neighbours, it becomes k, or a third of k where k is
    all others.
    """
    if isinstance(kind, FixedSigma):
        return perplexity
    everybody = isinstance(kind, Uniform) and k >= others
    most = k if isinstance(kind, Uniform) and not everybody else max(k / 3, 1.0)

    def lowered(one: float) -> float:
        too_large = kind.n_neighbors(one) > k or (everybody and one >= k)
        return min(one, most) if too_large else one

    if np.ndim(perplexity) == 0:
        return lowered(perplexity)
    values = list(dict.fromkeys(map(lowered, np.ravel(perplexity).tolist())))
    return values if len(values) > 1 or kind.several else values[0]


def warn_if_lowered(perplexity: Any, kind: Kind, k: int, others: int) -> None:
    """Warn if the effective perplexity differs from the parameter."""
    taken = np.ravel(effective(perplexity, kind, k, others)).tolist()
    if set(taken) == set(np.ravel(perplexity).tolist()):
        return
    user_warnings.warn(
        f"perplexity {_shown(perplexity)} is too large for points with {k} neighbours: "
        f"{_shown(taken)} is used; set perplexity to {int(100 * max(taken)) / 100:.10g} or less."
    )


def _shown(perplexity: Any) -> str:
    return ", ".join(f"{one:.4g}" for one in np.ravel(perplexity).tolist())
