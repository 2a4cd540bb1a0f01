"""Maps of any size and orientation → the same within one frame, where a film can show them all."""

import numpy as np
from scipy.linalg import orthogonal_procrustes

_WEIGHTS = np.array([1, 2, 3, 2, 1.0])  # of the maps around that a view takes into account
_TINY = float(np.finfo(np.float32).tiny)
# How much less those count whose points are e times as far apart. Of 10,000 digits the zoom then
# changes its pace from map to map by .09 (.34 without those around), and the start fills .98 of the
# view; by .08 and .05 with 1, where it waits for a map that grows a thousandfold.
_STRICT = 4.0


def followed(maps: list[np.ndarray]) -> list[np.ndarray]:
    """Return maps as a camera sees them that follows their size: all within −1 to 1.

    A run's maps grow from 1e-4 to 100. Between two of them points glide in what is seen, so that
    nothing is ever cut off: the view is convex. Its middle and width are means over the maps
    around, the width of the widest around each of those and never below the map's own: so that a
    few points which fly far away for a map or two make no jump. Maps count the less the more their
    size differs, which is how far their points are from the median.
    """
    low, high = (np.array([edge(Y, axis=0) for Y in maps]) for edge in (np.min, np.max))
    sizes = np.log([max(np.median(np.abs(Y - np.median(Y, axis=0))), _TINY) for Y in maps])
    near = np.arange(len(maps))[:, None] + np.arange(len(_WEIGHTS)) - len(_WEIGHTS) // 2
    near = np.clip(near, 0, len(maps) - 1)
    apart = np.abs(sizes[near] - sizes[:, None])
    weights = _WEIGHTS * np.exp(-_STRICT * apart)
    weights /= weights.sum(axis=1, keepdims=True)
    middle = (weights[..., None] * (low + high)[near] / 2).sum(axis=1)
    needed = np.log(np.maximum(np.maximum(high - middle, middle - low).max(axis=1), _TINY))
    widest = (needed[near] - _STRICT * apart).max(axis=1)
    width = np.exp(np.maximum(needed, (weights * widest[near]).sum(axis=1)))
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
