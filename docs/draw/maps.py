"""Small data → their maps, each fitted once for all pictures."""

from functools import cache

import numpy as np

from bhtsne import TSNE, datasets


@cache
def digits() -> tuple[np.ndarray, np.ndarray, TSNE]:
    """Return 1,797 digits, their labels, and a fit."""
    X, y, _ = datasets.digits()
    return X, y, TSNE(random_state=0).fit(X)


def fitted(X: np.ndarray, **options) -> np.ndarray:
    """Return a map of points."""
    return TSNE(**({"random_state": 0} | options)).fit_transform(X)


def gaussians(centres, widths, n: int, d: int = 10, seed: int = 0) -> tuple:
    """Return n points around each centre, in d dimensions, and the centre of each point."""
    rng = np.random.default_rng(seed)
    parts = []
    for centre, width in zip(centres, widths, strict=True):
        middle = np.zeros(d)
        middle[: len(centre)] = centre
        parts.append(middle + width * rng.normal(size=(n, d)))
    return np.concatenate(parts), np.repeat(np.arange(len(centres)), n)
