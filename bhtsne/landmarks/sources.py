"""Array, CSR, data frame, file, dask collection or blocks → `Source`: blocks of rows."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from bhtsne import interrupts
from bhtsne.dask.partitions import Partitions, is_collection
from bhtsne.tables import blocks, frames
from bhtsne.tables.frames import as_points

__all__ = ["Source"]


class Source:
    """N points of D features, read in blocks. Each iteration reads them from the beginning.

    Parameters
    ----------
    X : array_like, CSR, data frame, dask collection, path, callable, or iterable of blocks
        Points of shape (N, D), or their blocks of shape (m, D). A path is that of a .npy or
        .parquet file, or of a folder of .parquet files. Blocks come from a list or another iterable
        that supports repeated iteration, or from a function that returns an iterator.
    rows : int
        Number of rows of a block. Blocks that X contains are not divided or joined.
    n : int, optional
        Number of points N, for blocks of a known total.
    features : sequence of str, optional
        Names of the features in the required order, for X with named columns.

    Attributes
    ----------
    names : tuple of str or None
        Names of the D features, for a data frame or a .parquet file.

    Raises
    ------
    TypeError
        If X is an iterator, which supports one iteration only, or is not a table.
    """

    def __init__(
        self, X: Any, rows: int, n: int | None = None, features: Sequence[str] | None = None
    ) -> None:
        self.names = _names(X)
        if features is not None and self.names is not None:
            frames.order(self.names, features)
            self.names = tuple(features)
            X = X if isinstance(X, str | os.PathLike) else frames.in_order(X, features)
        self._parts = Partitions(X) if is_collection(X) else None
        points = X if self._parts is None else self._parts
        self._begin, known = _reader(points, rows, self.names)
        self._n = known if n is None else n

    def __iter__(self) -> Iterator[Any]:
        """Yield each block as a finite float array or CSR, with D columns.

        Some blocks may be empty, such as partitions. The form, dense or sparse, is that of the
        first block.
        """
        n, first = 0, None
        for number, block in enumerate(self._begin()):
            interrupts.check()
            name = f"block {number} of X"
            shape = block.shape if hasattr(block, "shape") else np.shape(block)
            if len(shape) == 2 and not shape[0]:
                block = np.empty(shape, np.float32)
            else:
                block = as_points(block, fewest=1, name=name)
            form = block.shape[1], sparse.issparse(block)
            first = form if first is None else first
            if form[0] != first[0]:
                raise ValueError(
                    f"{name} must have {first[0]} columns as the first, got {form[0]}."
                )
            if form[1] != first[1] and len(block):
                raise ValueError(f"{name} must be {_KINDS[first[1]]} as the first, got another.")
            n += block.shape[0]
            yield block
        if not n or self._n not in (None, n):
            raise ValueError(f"X must hold {self._n or 'some'} points in each iteration, got {n}.")

    def __len__(self) -> int:
        """Return N, after an iteration over all blocks if it is unknown."""
        if self._n is None and self._parts is not None:
            self._n = sum(self._parts.sizes)
        if self._n is None:
            self._n = sum(block.shape[0] for block in self)
        return self._n

    @property
    def known(self) -> int:
        """Return N, or 0 if it is unknown before an iteration over all blocks."""
        return self._n or 0

    def numbered(self) -> Iterator[tuple[slice, Any]]:
        """Yield (rows, block) for each block."""
        start = 0
        for block in self:
            stop = start + block.shape[0]
            yield slice(start, stop), block
            start = stop

    def take(self, rows: np.ndarray) -> Any:
        """Return the given rows, in ascending order, as one array or CSR."""
        if self._parts is not None:
            return as_points(self._parts.take(rows))
        parts = []
        for here, block in self.numbered():
            first, last = np.searchsorted(rows, [here.start, here.stop])
            if first < last:
                parts.append(block[rows[first:last] - here.start])
        return sparse.vstack(parts, "csr") if sparse.issparse(parts[0]) else np.concatenate(parts)


_KINDS = ("dense", "sparse")  # indexed by whether a block is sparse


def _reader(
    X: Any, rows: int, names: Sequence[str] | None
) -> tuple[Callable[[], Iterator[Any]], int | None]:
    """Return a function that returns an iterator of the blocks, and N or None if it is unknown."""
    if isinstance(X, str | os.PathLike):
        path = Path(X)
        return lambda: blocks.read(path, rows, names), blocks.count(path)
    if callable(X):
        return lambda: iter(X()), None
    if isinstance(X, Iterator):
        raise TypeError(
            "X must support iteration more than once, got an iterator; give a function that "
            "returns one."
        )
    if isinstance(X, list | tuple) and len(X) and np.ndim(X[0]) < 2:
        X = np.asarray(X)
    if isinstance(X, Iterable) and not (sparse.issparse(X) or hasattr(X, "shape")):
        return lambda: iter(X), None
    if not getattr(X, "shape", ()):
        raise TypeError(f"X must be a table of points, a path or blocks of points, got {X!r}.")
    n = X.shape[0]
    X = X.tocsr() if sparse.issparse(X) else X
    take = X.iloc if hasattr(X, "iloc") else X
    return lambda: (take[start : start + rows] for start in range(0, n, rows)), n


def _names(X: Any) -> tuple[str, ...] | None:
    """Return the names of the features if all are text, else None."""
    if isinstance(X, str | os.PathLike):
        found = blocks.names(X)
    elif hasattr(X, "column_names"):
        found = tuple(X.column_names)
    else:
        found = tuple(getattr(X, "columns", ()))
    return found if found and all(isinstance(name, str) for name in found) else None
