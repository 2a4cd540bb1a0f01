"""Maps of a scan → their measures, and the agreement of maps that differ in their seed."""

from itertools import combinations, groupby

import numpy as np

from bhtsne import metrics, neighbors
from bhtsne.neighbors import Neighbors
from bhtsne.progress import Progress
from bhtsne.scanning.making import Data, Made
from bhtsne.scanning.results import Agreement, ScannedMap

__all__ = ["agreement", "measured", "shares_by_point"]

_NEAR, _FAR = 10, 100  # neighbours
_SAMPLE = 2_000  # points whose trustworthiness is computed, which takes time for each with all


def measured(
    data: Data, found: Neighbors, made: list[Made], progress: Progress
) -> list[ScannedMap]:
    """Return the maps, aligned with the first one, with their measures."""
    first, n = made[0].Y, data.X.shape[0]
    with progress.timed("measures", {}):
        return [_measured(data, found, one, first, n) for one in made]


def _measured(data: Data, found: Neighbors, one: Made, first: np.ndarray, n: int) -> ScannedMap:
    far = min(_FAR, n - 1)
    on_map = neighbors.find(one.Y, far, method="exact")
    near = min(_NEAR, far)
    trust = metrics.trustworthiness(
        data.X, one.Y, min(near, max((n - 1) // 2, 1)), metric=data.metric,
        metric_params=data.metric_params, n_sample=_SAMPLE,
    )  # fmt: skip
    euclidean = isinstance(data.metric, str) and data.metric in ("euclidean", "l2")
    correlation = (
        metrics.distance_correlation(data.X, one.Y, random_state=0) if euclidean else float("nan")
    )
    return ScannedMap(
        one.cell, metrics.align(one.Y, first).Y.astype(np.float32), one.kl,
        _shared(found.indices[:, :near], on_map.indices[:, :near]),
        _shared(found.indices[:, :far], on_map.indices),
        trust, correlation, one.seconds,
    )  # fmt: skip


def agreement(maps: list[ScannedMap], progress: Progress) -> list[Agreement]:
    """Return the agreement between seeds for each perplexity and exaggeration."""
    with progress.timed("agreement", {}):
        groups = groupby(maps, key=lambda one: one.cell[:2])
        return [_agreement(key[0], key[1], list(group)) for key, group in groups]


def _agreement(perplexity: float, exaggeration: float, maps: list[ScannedMap]) -> Agreement:
    n = len(maps[0].Y)
    near = [neighbors.find(one.Y, min(_NEAR, n - 1), method="exact").indices for one in maps]
    shares = [shares_by_point(a, b) for a, b in combinations(near, 2)]
    by_point = np.mean(shares, axis=0)
    return Agreement(perplexity, exaggeration, float(by_point.mean()), by_point.astype(np.float32))


def _shared(a: np.ndarray, b: np.ndarray) -> float:
    return float(shares_by_point(a, b).mean())


def shares_by_point(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return for each row the fraction of the indices in a that are in b."""
    n, k = a.shape
    rows = np.arange(n)[:, None] * n
    shared = np.isin((rows + a).ravel(), (rows + b).ravel(), assume_unique=True)
    return (shared.reshape(n, k) & (a >= 0)).mean(axis=1)
