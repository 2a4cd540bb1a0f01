"""Maps of any size and orientation → the same within one frame, where a film can show them all."""

import numpy as np
from scipy.linalg import orthogonal_procrustes

_NEAR = 2  # maps to each side that the camera takes into account
_AWAY = 1.25  # how much wider than its map a view may be for the sake of those


def followed(maps: list[np.ndarray]) -> list[np.ndarray]:
    """Return maps as a camera sees them that follows their size: all within −1 to 1.

    A run's maps grow from 1e-4 to 100. Between two of them points glide in what is seen, so that
    nothing is ever cut off: the view is convex. The view's middle is the mean of those of the maps
    around, weighted by the inverse square of their width, since what is small may not be lost
    beside what is large. Its width is the mean of the logarithms of the widest around each, which
    is never narrower than the map; one that grows a thousandfold at once is not waited for.
    """
    low, high = (np.array([edge(Y, axis=0) for Y in maps]) for edge in (np.min, np.max))
    half = np.maximum((high - low).max(axis=1) / 2, np.finfo(np.float32).tiny)
    weights = np.array([1, 2, 3, 2, 1.0])
    around = np.arange(len(maps))[:, None] + np.arange(-_NEAR, _NEAR + 1)
    inside = np.clip(around, 0, len(maps) - 1)
    trust = weights * (half[:, None] / half[inside]) ** 2
    middle = (trust[..., None] * (low + high)[inside] / 2).sum(axis=1)
    middle /= trust.sum(axis=1, keepdims=True)
    needed = np.log(np.maximum(np.maximum(high - middle, middle - low).max(axis=1), half))
    widest = needed[inside].max(axis=1)
    smooth = np.average(widest[inside], axis=1, weights=weights)
    width = np.exp(np.clip(smooth, needed, needed + np.log(_AWAY)))
    return [(Y - m) / w for Y, m, w in zip(maps, middle, width, strict=True)]


def aligned(maps: list[np.ndarray], rows: list[np.ndarray]) -> list[np.ndarray]:
    """Return each map laid over the one before by shift, turn, mirror and scale (Procrustes).

    Rows say which point each row of a map is; those that both maps hold decide. Fewer than two, or
    all on one spot, leave a map as it is.
    """
    laid = maps[:1]
    for Y, mine, before in zip(maps[1:], rows[1:], rows, strict=False):
        _, here, there = np.intersect1d(mine, before, assume_unique=True, return_indices=True)
        moved, fixed = Y[here], laid[-1][there]
        shift, onto = (some.mean(axis=0) if len(some) else 0 for some in (moved, fixed))
        moved, fixed = moved - shift, fixed - onto
        if not (moved.any() and fixed.any()):
            laid.append(Y)
            continue
        turn, singular_values = orthogonal_procrustes(moved, fixed)
        laid.append((Y - shift) @ turn * (singular_values / (moved**2).sum()) + onto)
    return laid
