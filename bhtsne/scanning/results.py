"""Maps of a scan with their parameters and measures: `Scan`."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from bhtsne.neighbors import Neighbors

__all__ = ["Agreement", "Cell", "Scan", "ScannedMap", "title"]


class Cell(NamedTuple):
    """Parameters of one map of a scan.

    Attributes
    ----------
    perplexity, exaggeration : float
        As in `TSNE`.
    seed : int
        Seed of the start.
    """

    perplexity: float
    exaggeration: float
    seed: int


def title(cell: Cell, with_seed: bool = False) -> str:
    """Return parameters as text, without those that are usual; the seed in any case if asked."""
    parts = [f"perplexity {cell.perplexity:g}"]
    if cell.exaggeration != 1:
        parts.append(f"exaggeration {cell.exaggeration:g}")
    return ", ".join([*parts, f"seed {cell.seed}"] if cell.seed or with_seed else parts)


class ScannedMap(NamedTuple):
    """A map of a scan.

    Attributes
    ----------
    cell : Cell
        Its parameters.
    Y : ndarray of float32, shape (N, 2)
        The map, aligned with the first one.
    kl : float
        KL divergence, on the affinities of its own perplexity: comparable between maps of equal
        perplexity alone.
    recall_10, recall_100 : float
        Fraction of the 10 and of the 100 nearest neighbours that are among as many nearest on the
        map; of fewer neighbours where there are not so many. Of at most 2,500 points.
    trustworthiness : float
        See `metrics.trustworthiness`, at 10 neighbours, of the same points; NaN for fewer than 21
        points.
    distance_correlation : float
        See `metrics.distance_correlation`; NaN for a metric other than the Euclidean one.
    seconds : float
        Time of the optimization.
    """

    cell: Cell
    Y: np.ndarray
    kl: float
    recall_10: float
    recall_100: float
    trustworthiness: float
    distance_correlation: float
    seconds: float


class Agreement(NamedTuple):
    """Agreement of maps that differ in their seed alone.

    Attributes
    ----------
    perplexity, exaggeration : float
        Their parameters.
    share : float
        Fraction of the 10 nearest points on one map that are among the 10 nearest on another, mean
        over all points and pairs of maps.
    by_point : ndarray of float32, shape (N,)
        The same for each point.
    """

    perplexity: float
    exaggeration: float
    share: float
    by_point: np.ndarray


_MEASURES = tuple(name for name in ScannedMap._fields if name not in ("cell", "Y"))


def _known(value: float) -> float | None:
    return value if value == value else None  # NaN is not in JSON


@dataclass(frozen=True, repr=False)
class Scan:
    """Result of a scan.

    Attributes
    ----------
    maps : list of ScannedMap
        In the order of perplexities, exaggerations and seeds.
    agreement : list of Agreement
        One for each perplexity and exaggeration; empty with one seed.
    advice : tuple of str
        Two sentences that follow from the measures, with the figures they follow from.
    neighbors : Neighbors
        The neighbours that all maps share.
    """

    maps: list[ScannedMap]
    agreement: list[Agreement]
    advice: tuple[str, ...]
    neighbors: Neighbors

    def __repr__(self) -> str:
        """Return the number of maps and of points, without the maps."""
        return f"Scan({len(self.maps)} maps of {len(self.neighbors.indices):,} points)"

    def rows(self) -> list[dict[str, Any]]:
        """Return a row of parameters and measures for each map.

        Returns
        -------
        list of dict
            Without the maps themselves. What is not known is None, such as `agreement` with one
            seed.
        """
        shares = {(one.perplexity, one.exaggeration): one.share for one in self.agreement}
        return [
            one.cell._asdict()
            | {name: _known(value) for name, value in one._asdict().items() if name in _MEASURES}
            | {"agreement": shares.get(one.cell[:2])}
            for one in self.maps
        ]
