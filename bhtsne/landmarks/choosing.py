"""Points in blocks → the rows of those that stand for all: at random, a coreset, or by label."""

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.random import sample_without_replacement

from bhtsne import choices
from bhtsne.landmarks.sources import Source

__all__ = ["WAYS", "choose"]

WAYS = choices.LANDMARKS


def choose(source: Source, count: int, way: str, labels: Any, rng) -> np.ndarray:
    """Return `count` rows in ascending order.

    The choice does not depend on how the points are cut into blocks.
    """
    n = len(source)
    if way == "uniform":
        # which holds `count` numbers, where `rng.choice` holds N
        return np.sort(sample_without_replacement(n, count, random_state=rng)).astype(np.int64)
    if way == "stratified":
        return _by_label(labels, count, rng)
    return _coreset(source, count, rng)


def _by_label(labels: np.ndarray, count: int, rng) -> np.ndarray:
    """Draw from each class its share of the points, but one point at least."""
    try:
        _, classes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    except TypeError as error:
        raise ValueError(f"y must hold labels that are all numbers or all text: {error}.") from None
    if len(sizes) > count:
        raise ValueError(
            f"n_landmarks must be at least {len(sizes)}, one for each label, got {count}."
        )
    share = sizes * (count / sizes.sum())
    take = np.maximum(np.floor(share), 1).astype(int)
    while take.sum() != count:  # by the largest remainder, from who has most beyond its share
        lacking = take.sum() < count
        gap = np.where(take < sizes, share - take, -np.inf) if lacking else np.where(
            take > 1, take - share, -np.inf)  # fmt: skip
        take[gap.argmax()] += 1 if lacking else -1
    rows = np.argsort(classes, kind="stable")
    ends = np.cumsum(sizes)
    drawn = [
        rng.choice(rows[end - size : end], some, replace=False)
        for end, size, some in zip(ends, sizes, take, strict=True)
    ]
    return np.sort(np.concatenate(drawn))


def _coreset(source: Source, count: int, rng) -> np.ndarray:
    """Draw half by density, and half by squared distance from the mean (Bachem et al. 2018).

    ``q(x) = 1/2N + d(x, μ)² / 2 Σ d²``, without replacement: the `count` largest of ``ln q + g``,
    where g is drawn from Gumbel's distribution (Efraimidis & Spirakis 2006).
    """
    n = len(source)
    mean = sum((np.ravel(block.sum(axis=0, dtype=np.float64)) / n for block in source), np.zeros(1))
    squared = np.concatenate([_squared(block, mean) for block in source])
    total = squared.sum()
    q = 0.5 / n + (0.5 / total * squared if total > 0 else 0.5 / n)
    keys = np.log(q) + rng.gumbel(size=n)
    return np.sort(np.argpartition(keys, n - count)[n - count :])


def _squared(block, mean: np.ndarray) -> np.ndarray:
    if not sparse.issparse(block):
        return ((block - mean) ** 2).sum(axis=1)
    own = np.ravel(block.multiply(block).sum(axis=1))
    return np.maximum(own - 2 * (block @ mean) + mean @ mean, 0)
