"""Maps of any size and orientation → the same maps in common limits, for the frames of a film."""

import numpy as np
from scipy.linalg import orthogonal_procrustes

_WEIGHTS = np.array([1, 2, 3, 2, 1.0])  # of the neighbouring maps, two before and two after
_TINY = float(np.finfo(np.float32).tiny)
# The weight of a neighbouring map falls by this power of the ratio of sizes. With smaller powers
# the first maps of a run are tiny in the view, since later maps are a thousand times as large.
_SIZE_POWER = 4.0


def followed(maps: list[np.ndarray]) -> list[np.ndarray]:
    """Return maps in the coordinates of a camera that follows their size, within −1 to 1.

    The maps of a run grow from 1e-4 to 100. The centre and the width of the view are weighted
    means over neighbouring maps, so that a few points that leave the others for one or two maps
    cause no jump. The width is averaged over the largest widths near each neighbour, and is never
    below that of the map, which leaves no point outside. Weights decrease with the ratio of sizes;
    the size of a map is the median distance of its coordinates from their median. Points that move
    linearly between two views stay inside, since the view is convex.
    """
    low, high = (np.array([edge(Y, axis=0) for Y in maps]) for edge in (np.min, np.max))
    sizes = np.log([max(np.median(np.abs(Y - np.median(Y, axis=0))), _TINY) for Y in maps])
    near = np.arange(len(maps))[:, None] + np.arange(len(_WEIGHTS)) - len(_WEIGHTS) // 2
    near = np.clip(near, 0, len(maps) - 1)
    apart = np.abs(sizes[near] - sizes[:, None])
    weights = _WEIGHTS * np.exp(-_SIZE_POWER * apart)
    weights /= weights.sum(axis=1, keepdims=True)
    middle = (weights[..., None] * (low + high)[near] / 2).sum(axis=1)
    needed = np.log(np.maximum(np.maximum(high - middle, middle - low).max(axis=1), _TINY))
    widest = (needed[near] - _SIZE_POWER * apart).max(axis=1)
    width = np.exp(np.maximum(needed, (weights * widest[near]).sum(axis=1)))
    return [(Y - m) / w for Y, m, w in zip(maps, middle, width, strict=True)]


def aligned(maps: list[np.ndarray], rows: list[np.ndarray]) -> list[np.ndarray]:
    """Return each map aligned with the one before by Procrustes analysis.

    The transformation is a translation, rotation or reflection, and scaling. `rows` holds the
    number of the point in each row of each map; the points of both maps determine the
    transformation. A map is unchanged if they are fewer than two or coincide.
    """
    results = maps[:1]
    for Y, mine, before in zip(maps[1:], rows[1:], rows, strict=False):
        _, here, there = np.intersect1d(mine, before, assume_unique=True, return_indices=True)
        moved, fixed = Y[here], results[-1][there]
        shift, onto = (some.mean(axis=0) if len(some) else 0 for some in (moved, fixed))
        moved, fixed = moved - shift, fixed - onto
        if not (moved.any() and fixed.any()):
            results.append(Y)
            continue
        turn, singular_values = orthogonal_procrustes(moved, fixed)
        results.append((Y - shift) @ turn * (singular_values / (moved**2).sum()) + onto)
    return results
