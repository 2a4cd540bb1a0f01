"""Points → squared distances to all of X by matrix products, tile by tile, never N² memory."""

from collections.abc import Iterator

import numpy as np

from bhtsne.neighbors.frames import Frame

__all__ = ["COLUMNS", "STEP", "Tiles", "left_factor", "right_factor", "rounding"]

COLUMNS = 512  # of a tile
STEP = 64  # distances of a row that are compared with its bound at once; divides COLUMNS


def left_factor(points: np.ndarray, dtype: type = np.float32) -> np.ndarray:
    """Return L of ``|x − y|² = L Rᵀ = [−2x, |x|², 1] · [y, 1, |y|²]`` for points of a frame."""
    left = np.ones((len(points), points.shape[1] + 2), dtype)
    np.multiply(points, -2, out=left[:, :-2], casting="same_kind")
    left[:, -2] = np.einsum("ij,ij->i", points, points)
    return left


def right_factor(points: np.ndarray, dtype: type = np.float32) -> np.ndarray:
    """Return R for points of a frame, see `left_factor`."""
    right = np.ones((len(points), points.shape[1] + 2), dtype)
    right[:, :-2], right[:, -1] = points, np.einsum("ij,ij->i", points, points)
    return right


def rounding(sizes: np.ndarray, reach: float, d: int, dtype: type = np.float32) -> np.ndarray:
    """Return a bound of the error of distances by the factors, ``γ (|x| + |y|)²``.

    `sizes` are |x|, and `reach` is the largest |y|. With u the unit of rounding, γ is
    ``(d + 8) u``: d + 2 products and sums (Higham 2002, chapter 3), and the points' own rounding.
    """
    kind = np.finfo(dtype)  # its smallest number stands for products that vanish
    return (d + 8) * kind.eps / 2 * (sizes + reach) ** 2 + kind.tiny


class Tiles:
    """Squared distances from points to all of X, tile by tile.

    The points of a tile are fetched when it is due, so that X, which may be a memory map, is never
    copied. They are moved by a block's mean before the product, which rounds by the square of the
    distances from it: points far away from all others lose no digits.

    Parameters
    ----------
    X : ndarray of shape (N, D)
        The points.
    frame : Frame
        Their frame.
    columns : ndarray of int, shape (N,)
        Order in which the points stand in the tiles.
    dtype : type
        Type of the product.
    """

    def __init__(self, X: np.ndarray, frame: Frame, columns: np.ndarray, dtype: type):
        self.X, self.frame, self.columns, self.dtype = X, frame, columns, dtype
        self.firsts = np.arange(0, len(columns), COLUMNS)
        middles = [self._points(first).mean(axis=0, dtype=np.float64) for first in self.firsts]
        self.middles = frame.of(np.array(middles))

    def _points(self, first) -> np.ndarray:
        return self.X[self.columns[first : first + COLUMNS]]

    def each(self, here: np.ndarray) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Yield (first column, tile, bound of its error by row) for points of the frame.

        Near tiles come first. All are in the same array; the last one is filled up with infinity.
        """
        mean = here.mean(axis=0)
        here = here - mean
        left = left_factor(here, self.dtype)
        sizes = np.sqrt(left[:, -2].astype(np.float64))
        tile: np.ndarray = np.empty((len(here), COLUMNS), self.dtype)
        nearness = np.linalg.norm(self.middles - mean, axis=1)
        for first in self.firsts[np.argsort(nearness)]:
            points = self.frame.of(self._points(first))
            points -= mean
            right = right_factor(points, self.dtype)
            m = len(right)
            np.matmul(left, right.T, out=tile[:, :m])
            tile[:, m:] = np.inf
            reach = float(np.sqrt(right[:, -1].max()))
            yield first, tile, rounding(sizes, reach, here.shape[1], self.dtype)
