"""Blocks of points → lists of their near pairs, in one array."""

from threading import Lock

import numpy as np

from bhtsne.neighbors.tiles import COLUMNS

__all__ = ["PairLists"]


class PairLists:
    """Near pairs of points in an order, by blocks of `COLUMNS` points.

    For point r of block i and point c of block j ≥ i a pair is ``COLUMNS r + c``. All pairs stand
    in one array, since many small arrays would leave holes in memory.

    Parameters
    ----------
    n_blocks : int
        Number of blocks.
    most : int
        Number of pairs that there is room for.
    """

    def __init__(self, n_blocks: int, most: int) -> None:
        self._pairs = np.empty(most, np.int32)  # takes memory where it is first written
        # The pairs of blocks i and j.
        self._starts, self._counts = np.zeros((2, n_blocks, n_blocks), np.int64)
        self._lock, self._total = Lock(), 0

    def full(self) -> bool:
        """Return whether more pairs came than there is room for."""
        return self._total > len(self._pairs)

    def add(self, i: int, j: int, pairs: np.ndarray) -> None:
        """Add the pairs of blocks i and j ≥ i; once full, nothing is added."""
        with self._lock:
            start = self._total
            self._total += len(pairs)
        if not self.full():
            self._starts[i, j], self._counts[i, j] = start, len(pairs)
            self._pairs[start : start + len(pairs)] = pairs

    def of_block(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the points of a block in its pairs, as row of the block and place of the other."""
        n = len(self._starts)
        after, _, begin = self._joined(np.full(n - i, i), np.arange(i, n))
        before, start, _ = self._joined(np.arange(i + 1), np.full(i + 1, i))  # within i both ways
        rows = np.concatenate([after // COLUMNS, before % COLUMNS])
        others = np.concatenate([begin + after % COLUMNS, start + before // COLUMNS])
        return rows.astype(np.int16), others

    def _joined(self, i: np.ndarray, j: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the pairs of blocks i and j, one after the other, and the first points of both."""
        counts = self._counts[i, j]
        ends = zip(self._starts[i, j], counts, strict=True)
        pairs = np.concatenate([self._pairs[start : start + count] for start, count in ends])
        first, second = (
            np.repeat(np.int32(COLUMNS) * at.astype(np.int32), counts) for at in (i, j)
        )
        return pairs, first, second
