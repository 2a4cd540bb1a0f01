"""A name, or an object with options → the kind of affinities, which weighs neighbours.

Each kind is a small frozen object: its number of neighbours, its weights, its symmetrization.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bhtsne.affinities import rows
from bhtsne.affinities.symmetrization import SYMMETRIES
from bhtsne.validation.numbers import check_choice, checked_number

__all__ = [
    "KINDS", "SYMMETRIES", "FixedSigma", "Gaussian", "Kind", "Mixture", "Multiscale", "Uniform",
    "are_given", "as_kind",
]  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A kind of affinities: the base of `Gaussian` and the others.

    Attributes
    ----------
    symmetrize : {"mean", "max"} or None
        How ``p_j|i`` and ``p_i|j`` are joined, see `affinities.joint`. None, as in openTSNE, makes
        the map of "mean": the gradient depends on ``p_ij + p_ji`` alone.
    """

    symmetrize: str | None = field(default="mean", kw_only=True)

    name = ""
    several = False  # whether it takes more than one perplexity

    def __post_init__(self) -> None:
        if self.symmetrize is not None:
            check_choice("symmetrize", self.symmetrize, SYMMETRIES, " or None")

    def n_neighbors(self, perplexity: Any) -> int:
        """Return the number of neighbours that a perplexity, or the largest of several, takes."""
        return max(int(3 * float(np.max(perplexity))), 1)

    def weights(self, distances: np.ndarray, perplexities: list[float]) -> np.ndarray:
        """Return ``p_j|i`` for distances float32 of shape (N, k), infinite where one is missing."""
        return rows.mixed(distances, perplexities, alike=False)


class Gaussian(Kind):
    """``p_j|i ∝ exp(−β_i d_ij²)``, calibrated to one perplexity; see `affinities.perplexity`.

    Parameters
    ----------
    symmetrize : {"mean", "max"} or None
        See `affinities.joint`.

    Examples
    --------
    >>> from bhtsne import TSNE, affinities
    >>> TSNE(affinities=affinities.Gaussian(symmetrize="max")).affinities.symmetrize
    'max'
    """

    name = "gaussian"


class Multiscale(Kind):
    """Gaussians of several perplexities, summed; see `affinities.multiscale`.

    Parameters
    ----------
    symmetrize : {"mean", "max"} or None
        See `affinities.joint`.
    """

    name, several = "multiscale", True


class Mixture(Kind):
    """Gaussians of several perplexities with equal shares; see `affinities.multiscale`.

    Parameters
    ----------
    symmetrize : {"mean", "max"} or None
        See `affinities.joint`.
    """

    name, several = "mixture", True

    def weights(self, distances, perplexities):
        """Return ``p_j|i``, float32 of the shape of distances."""
        return rows.mixed(distances, perplexities, alike=True)


class Uniform(Kind):
    """``p_j|i = 1/k`` for the k nearest neighbours, k the perplexity; see `affinities.uniform`.

    Parameters
    ----------
    symmetrize : {"mean", "max"} or None
        See `affinities.joint`.
    """

    name = "uniform"

    def n_neighbors(self, perplexity):
        """Return the perplexity as a number of neighbours."""
        return max(int(float(np.max(perplexity))), 1)

    def weights(self, distances, perplexities):
        """Return ``p_j|i``, float32 of the shape of distances."""
        return rows.uniform(distances, perplexities[0])


@dataclass(frozen=True)
class FixedSigma(Kind):
    """``p_j|i ∝ exp(−d_ij²/2σ²)`` with one width for all points; see `affinities.fixed_sigma`.

    Attributes
    ----------
    sigma : float
        Standard deviation in units of the distances, above 0.

    Examples
    --------
    >>> from bhtsne import affinities
    >>> affinities.FixedSigma(2.0)
    FixedSigma(symmetrize='mean', sigma=2.0)
    """

    sigma: float

    name = "fixed_sigma"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "sigma", float(checked_number("sigma", self.sigma)))

    def weights(self, distances, perplexities):
        """Return ``p_j|i``, float32 of the shape of distances."""
        return rows.gaussian(distances, self.sigma)


KINDS: dict[str, Any] = {
    kind.name: kind for kind in (Gaussian, Multiscale, Mixture, Uniform, FixedSigma)
}


def as_kind(affinities: Any, perplexity: Any = 30.0) -> Kind:
    """Return the kind of affinities that a parameter names.

    Parameters
    ----------
    affinities : str, Kind or array
        A name of `KINDS`, "perplexity" for "gaussian", or a kind. An array, or "precomputed",
        stands for affinities that are given, whose new points are weighed by a Gaussian.
    perplexity : float or sequence of float
        Several make a `Gaussian` a `Multiscale`.

    Returns
    -------
    Kind

    Raises
    ------
    ValueError
        If the name is unknown, or is "fixed_sigma", whose width only an object can hold.
    """
    if isinstance(affinities, Kind):
        kind = affinities
    elif not isinstance(affinities, str) or affinities in ("precomputed", "perplexity"):
        kind = Gaussian()
    elif affinities == "fixed_sigma":
        raise ValueError(
            'affinities="fixed_sigma" needs a width; pass affinities.FixedSigma(sigma).'
        )
    else:
        check_choice("affinities", affinities, (*KINDS, "precomputed"), ", a kind or an array")
        kind = KINDS[affinities]()
    if type(kind) is Gaussian and np.size(perplexity) > 1:
        return Multiscale(symmetrize=kind.symmetrize)
    return kind


def are_given(affinities: Any) -> bool:
    """Return whether affinities are a matrix P, in the parameter or in place of points."""
    return not isinstance(affinities, str | Kind) or affinities == "precomputed"
