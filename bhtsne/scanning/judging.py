"""Maps of a scan → their measures, and the agreement of maps that differ in their seed."""

from itertools import combinations, groupby

import numpy as np

from bhtsne import metrics, neighbors
from bhtsne.metrics import ranks
from bhtsne.neighbors import Neighbors
from bhtsne.progress import Progress
from bhtsne.scanning.making import Data, Made
from bhtsne.scanning.results import Agreement, ScannedMap

__all__ = ["agreement", "measured", "shares_by_point"]

_NEAR, _FAR = 10, 100  # neighbours
_SAMPLE = 2_500  # points that are measured: standard errors are about half a percent


def measured(
    data: Data, found: Neighbors, made: list[Made], progress: Progress
) -> list[ScannedMap]:
    """Return the maps, aligned with the first one, with their measures."""
    n = data.X.shape[0]
    sample = np.unique(np.linspace(0, n - 1, min(_SAMPLE, n)).astype(np.intp))
    far = min(_FAR, n - 1)
    near = min(_NEAR, far)
    with progress.timed("measures", {}):
        on_maps = [_nearest(one.Y, far, sample) for one in made]
        trusted = _trustworthiness(data, [rows[:, :near] for rows in on_maps], sample)
        return [
            _measured(data, found.indices[sample], one, made[0].Y, on_map, trust)
            for one, on_map, trust in zip(made, on_maps, trusted, strict=True)
        ]


def _measured(
    data: Data, in_data: np.ndarray, one: Made, first: np.ndarray, on_map: np.ndarray, trust: float
) -> ScannedMap:
    far = on_map.shape[1]
    near = min(_NEAR, far)
    euclidean = isinstance(data.metric, str) and data.metric in ("euclidean", "l2")
    correlation = (
        metrics.distance_correlation(data.X, one.Y, random_state=0) if euclidean else float("nan")
    )
    return ScannedMap(
        one.cell, metrics.align(one.Y, first).Y.astype(np.float32), one.kl,
        _shared(in_data[:, :near], on_map[:, :near]), _shared(in_data[:, :far], on_map),
        trust, correlation, one.seconds,
    )  # fmt: skip


def _nearest(Y: np.ndarray, k: int, sample: np.ndarray) -> np.ndarray:
    """Return the k nearest points on a map to each point of a sample, without itself."""
    indices = neighbors.query(Y, Y[sample], k + 1).indices
    # A row need not hold the point itself, as its duplicates are as near.
    rows = zip(indices, sample, strict=True)
    return np.array([row[row != i][:k] for row, i in rows])


def _trustworthiness(data: Data, near: list[np.ndarray], sample: np.ndarray) -> list[float]:
    """Return the trustworthiness of a sample on each map (see `metrics.trustworthiness`)."""
    n, k = data.X.shape[0], near[0].shape[1]
    if 2 * n - 3 * k - 1 <= 0 or k >= n / 2:
        return [float("nan")] * len(near)
    # One pass for all maps, since the distances in the data take most of the time.
    of_data = ranks.of_neighbors(
        data.X, np.hstack(near), sample, data.metric, data.metric_params
    )  # fmt: skip
    penalties = np.maximum(0, of_data - k).reshape(len(sample), len(near), k).sum(axis=(0, 2))
    return (1 - 2 * penalties / (len(sample) * k * (2 * n - 3 * k - 1))).tolist()


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
    width = max(a.max(), b.max()) + 1
    rows = np.arange(n, dtype=np.int64)[:, None] * width
    shared = np.isin((rows + a).ravel(), (rows + b).ravel(), assume_unique=True)
    return (shared.reshape(n, k) & (a >= 0)).mean(axis=1)
