"""Points in blocks → rows of landmarks: a uniform or stratified sample, or a coreset."""

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.random import sample_without_replacement

from bhtsne import choices
from bhtsne.landmarks.sources import Source

__all__ = ["WAYS", "choose"]

WAYS = choices.LANDMARKS


def choose(source: Source, count: int, way: str, labels: Any, rng) -> np.ndarray:
    """Return `count` rows in ascending order, which do not depend on the division into blocks.

    Parameters
    ----------
    source : Source
        Points.
    count : int
        Number of rows, at most N.
    way : {"uniform", "coreset", "stratified"}
        Choice of the rows, as in `LandmarkTSNE`.
    labels : ndarray of shape (N,) or None
        Labels, for "stratified".
    rng : RandomState
        Random numbers.
    """
    n = len(source)
    if way == "uniform":
        # Its memory grows with `count`; that of `rng.choice` grows with N.
        return np.sort(sample_without_replacement(n, count, random_state=rng)).astype(np.int64)
    if way == "stratified":
        return _by_label(labels, count, rng)
    return _coreset(source, count, rng)


def _by_label(labels: np.ndarray, count: int, rng) -> np.ndarray:
    """Return rows of each class in proportion to its size, and at least one."""
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
    # Method of the largest remainder: one row at a time to the class furthest below its share, or
    # from the class furthest above it.
    while take.sum() != count:
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
    """Return the rows of a lightweight coreset (Bachem, Lucic & Krause 2018).

    The probability of a point is ``q(x) = 1/(2N) + d(x, μ)² / (2 Σ d²)``, where d is the distance
    from the mean μ. The `count` largest values of ``ln q + g``, with g from the standard Gumbel
    distribution, are a sample without replacement (Efraimidis & Spirakis 2006).
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
