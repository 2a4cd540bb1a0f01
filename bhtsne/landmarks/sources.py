"""Points wherever they lie → blocks of rows: arrays, maps, CSR, files, or one's own blocks."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from bhtsne import dask
from bhtsne.neighbors import checked_points

__all__ = ["Source"]


class Source:
    """N points of D features that are read in blocks, as often as is asked for.

    Parameters
    ----------
    X : array_like, CSR, data frame, dask collection, path, callable, or iterable of blocks
        Points of shape (N, D); a file that `files.read_blocks` reads; or blocks of shape (m, D),
        from a list or another iterable that begins anew each time, or from a function that returns
        an iterator.
    rows : int
        Rows of a block; one's own blocks stay as they are.

    Raises
    ------
    TypeError
        If X is an iterator, which can be gone through only once.
    """

    def __init__(self, X: Any, rows: int) -> None:
        self._parts = dask.Partitions(X) if dask.is_collection(X) else None
        self._begin, self._n = _beginning(X if self._parts is None else self._parts, rows)
        self._d: int | None = None

    def __iter__(self) -> Iterator[Any]:
        """Yield the blocks, checked: float arrays or CSR, of as many columns each."""
        for number, block in enumerate(self._begin()):
            block = checked_points(block, fewest=1, name=f"block {number} of X")
            self._d = self._d or block.shape[1]
            if block.shape[1] != self._d:
                raise ValueError(
                    f"block {number} of X must have {self._d} columns as the first, got "
                    f"{block.shape[1]}."
                )
            yield block

    def __len__(self) -> int:
        """Return N, which takes a pass over blocks whose number nobody tells."""
        if self._n is None and self._parts is not None:
            self._n = sum(self._parts.sizes)
        if self._n is None:
            self._n = sum(block.shape[0] for block in self._begin())
        return self._n

    def numbered(self) -> Iterator[tuple[slice, Any]]:
        """Yield (rows, block) for each block."""
        start = 0
        for block in self:
            stop = start + block.shape[0]
            yield slice(start, stop), block
            start = stop

    def take(self, rows: np.ndarray) -> Any:
        """Return these rows, in ascending order, as one array or CSR."""
        if self._parts is not None:
            return checked_points(self._parts.take(rows))
        parts = []
        for here, block in self.numbered():
            first, last = np.searchsorted(rows, [here.start, here.stop])
            if first < last:
                parts.append(block[rows[first:last] - here.start])
        return sparse.vstack(parts, "csr") if sparse.issparse(parts[0]) else np.concatenate(parts)


def _beginning(X: Any, rows: int) -> tuple[Callable[[], Iterator[Any]], int | None]:
    """Return what begins a pass over the blocks, and N where it is known."""
    if isinstance(X, str | os.PathLike):
        from bhtsne.files import blocks

        path = Path(X)
        return lambda: blocks.read(path, rows), blocks.count(path)
    if callable(X):
        return lambda: iter(X()), None
    if isinstance(X, Iterator):
        raise TypeError(
            "X must be gone through more than once, got an iterator; give a function that returns "
            "one."
        )
    if isinstance(X, list | tuple) and len(X) and np.ndim(X[0]) < 2:
        X = np.asarray(X)
    if isinstance(X, Iterable) and not (sparse.issparse(X) or hasattr(X, "shape")):
        return lambda: iter(X), None
    n = X.shape[0]
    take = X.iloc if hasattr(X, "iloc") else X
    return lambda: (take[start : start + rows] for start in range(0, n, rows)), n
