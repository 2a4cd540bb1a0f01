"""Points → their frame, in which float32 holds squared distances, and an order in space."""

from typing import NamedTuple

import numpy as np

__all__ = ["Frame", "blocks", "framed", "spatial_order"]

_COPIED = 1 << 20  # numbers that a thread copies at a time: X is never copied whole
_WHOLE = 512  # points of a part that is not halved, and of a sample for its widest dimension


class Frame(NamedTuple):
    """Mean of the points, and a power of 2 above the largest distance of an entry from it.

    Division by a power of 2 is exact, so that a distance does not depend on the other points.
    """

    middle: np.ndarray
    scale: float

    def of(self, points: np.ndarray) -> np.ndarray:
        """Return points in the frame, float64; the entries of its own points are at most 1."""
        moved = points - self.middle
        moved /= self.scale  # in place, which is faster than a new array
        return moved


def framed(X: np.ndarray) -> Frame:
    """Return the frame of points, reading them in blocks."""
    if not len(X):
        return Frame(np.zeros(X.shape[1]), 1.0)
    # Rounding is monotonic, so that the extremes of a feature have its largest difference.
    extremes = [(X[b].min(axis=0), X[b].max(axis=0)) for b in blocks(*X.shape)]
    with np.errstate(over="ignore"):
        middle = X.mean(axis=0, dtype=np.float64)
        scale = max(float(np.abs(extreme - middle).max()) for pair in extremes for extreme in pair)
    return Frame(middle, float(np.ldexp(1.0, np.frexp(scale)[1])))


def blocks(n: int, d: int) -> list[slice]:
    """Return slices of n rows of d numbers, each of a few MiB."""
    rows = max(_COPIED // d // _WHOLE, 1) * _WHOLE
    return [slice(start, start + rows) for start in range(0, n, rows)]


def spatial_order(X: np.ndarray) -> np.ndarray:
    """Return an order of the points in which points that follow each other are near.

    The points are halved again and again at the median of the dimension that is widest in a sample.
    """
    parts, done = [np.arange(len(X), dtype=np.int32)], []
    while parts:
        part = parts.pop()
        if len(part) <= _WHOLE:
            done.append(part)
            continue
        some = X[part[:: max(len(part) // _WHOLE, 1)]]
        axis = np.argmax((some / (np.abs(some).max() or 1)).var(axis=0))
        middle = len(part) // 2
        halves = np.argpartition(X[part, axis], middle)
        parts += [part[halves[middle:]], part[halves[:middle]]]
    return np.concatenate(done)
