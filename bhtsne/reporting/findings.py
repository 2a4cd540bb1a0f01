"""A fitted map → the figures of its report: `Findings`."""

from typing import Any, NamedTuple

import numpy as np

from bhtsne import neighbors
from bhtsne.fitting.stages import has_points
from bhtsne.neighbors import Neighbors
from bhtsne.progress import Progress
from bhtsne.scanning import making
from bhtsne.scanning.judging import shares_by_point
from bhtsne.scanning.results import Cell
from bhtsne.tables import scales

__all__ = ["Findings", "findings"]

_NEAR = 10  # neighbours
_STARTS = 3  # maps that are compared, the given one included
_SHUFFLED = 5_000  # largest number of points of the map of shuffled columns


class Findings(NamedTuple):
    """Figures of a report.

    Attributes
    ----------
    kept_by_point : ndarray of float, shape (N,), or None
        Fraction of the 10 nearest neighbours in the data that are among the 10 nearest on the map;
        None if no neighbours are known.
    recurring_by_point : ndarray of float, shape (N,)
        Fraction of the 10 nearest points on the map that are among the 10 nearest on maps from
        random starts.
    dominance : str or None
        Sentence on the few features that decide alone which points are near, if they do.
    kept_shuffled, kept_sample : float or None
        Fraction of neighbours kept on a map of data whose columns were shuffled independently, and
        on a map of the same number of points of the data themselves; None without columns.
    kl_shuffled, kl_sample : float or None
        KL divergences of these two maps.
    n_sample : int
        Points of these two maps.
    """

    kept_by_point: np.ndarray | None
    recurring_by_point: np.ndarray
    dominance: str | None
    kept_shuffled: float | None
    kept_sample: float | None
    kl_shuffled: float | None
    kl_sample: float | None
    n_sample: int

    @property
    def kept(self) -> float | None:
        """Return the mean fraction of neighbours kept."""
        return None if self.kept_by_point is None else float(self.kept_by_point.mean())

    @property
    def recurring(self) -> float:
        """Return the mean fraction of neighbours that recur."""
        return float(self.recurring_by_point.mean())


def findings(model: Any, progress: Progress) -> Findings:
    """Return the figures of the report of a fitted map."""
    Y, n = model.embedding_, len(model.embedding_)
    k = min(_NEAR, n - 1)
    on_map = neighbors.find(Y, k, method="exact").indices
    kept = None
    if model.neighbors_ is not None and model.neighbors_.indices.shape[1] >= k:
        kept = shares_by_point(model.neighbors_.indices[:, :k], on_map)
    with progress.timed("other starts", {}):
        recurring = _recurring(model, on_map, k)
    shuffled: tuple = (None, None, None, None, 0)
    dominance = None
    if has_points(model.metric, model.affinities) and isinstance(model._fit_X, np.ndarray):
        dominance = scales.dominance(model._fit_X, getattr(model, "feature_names_in_", None))
        with progress.timed("shuffled", {}):
            shuffled = _shuffled(model)
    return Findings(kept, recurring, dominance, *shuffled)


def _recurring(model: Any, on_map: np.ndarray, k: int) -> np.ndarray:
    """Return the fraction of each point's map neighbours that recur on maps of other starts."""
    shares = []
    for seed in range(1, _STARTS):
        start = making.random_start(len(on_map), seed)
        cell = Cell(float(np.max(model.perplexity)), model.exaggeration, seed)
        other = making.made(model.affinities_, start, cell, is_random=True, dof=model.dof_)
        near = neighbors.find(other.Y, k, method="exact").indices
        shares.append(shares_by_point(on_map, near))
    return np.mean(shares, axis=0)


def _shuffled(model: Any) -> tuple[float, float, float, float, int]:
    """Return neighbours kept and divergences of maps of shuffled columns, and of a sample."""
    rng = np.random.default_rng(0)
    X = model._fit_X
    some = np.sort(rng.choice(len(X), min(len(X), _SHUFFLED), replace=False))
    sample = np.asarray(X[some])
    shuffled = np.column_stack([rng.permutation(column) for column in sample.T])
    perplexity = min(float(np.max(model.perplexity)), max((len(some) - 1) / 3, 1))
    (kept_shuffled, kl_shuffled), (kept, kl) = (
        _map_of(making.Data(points, model.metric, model.metric_params), perplexity)
        for points in (shuffled, sample)
    )
    return kept_shuffled, kept, kl_shuffled, kl, len(some)


def _map_of(data: making.Data, perplexity: float) -> tuple[float, float]:
    """Return the fraction of neighbours that a map keeps, and its divergence."""
    quiet = Progress(False)
    found: Neighbors = making.neighbors_of(data, [perplexity], quiet)
    (one,) = making.maps(data, found, [Cell(perplexity, 1.0, 0)], quiet)
    k = min(_NEAR, len(one.Y) - 1)
    on_map = neighbors.find(one.Y, k, method="exact").indices
    return float(shares_by_point(found.indices[:, :k], on_map).mean()), one.kl
