"""Arrays and maps ↔ files, which are written whole or not at all and never trusted."""

import io
import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from bhtsne.files import writing
from bhtsne.files.arrays import read_arrays, write_arrays
from bhtsne.files.locks import LOCK, locked
from bhtsne.files.packed import packed, read_told, unpacked
from bhtsne.files.paths import atomic_write, check_target, kind, readable_errors, stored

__all__ = [
    "LOCK",
    "SUFFIXES",
    "atomic_write",
    "check_column",
    "check_target",
    "dumped",
    "kind",
    "locked",
    "packed",
    "read_arrays",
    "read_told",
    "readable_errors",
    "stored",
    "unpacked",
    "write",
    "write_arrays",
]

_WRITERS: dict[str, Callable] = {
    "npy": writing.write_npy,
    "csv": writing.write_text,
    "tsv": partial(writing.write_text, delimiter="\t"),
    "parquet": writing.write_parquet,
}
SUFFIXES = tuple(f".{form}" for form in _WRITERS)  # of the files that `write` writes


def write(
    path: str | os.PathLike,
    Y: Any,
    *,
    labels: Any = None,
    kept: Mapping[str, Any] = MappingProxyType({}),
    axes: str = "tsne",
) -> None:
    """Write a map to a file whose name says its format, whole or not at all.

    Parameters
    ----------
    path : str or path
        A file .npy (only the map), .csv, .tsv or .parquet (needs pyarrow); replaced if it exists.
    Y : array-like of shape (N, d)
        The map; in columns ``tsne1``, ``tsne2``, … Text keeps every bit of it.
    labels : array-like of shape (N,) or None
        One label a point, in the column ``label``.
    kept : mapping of str to array-like of shape (N,)
        More columns, written after it; one whose name is taken gets a ``_`` at its end.
    axes : str
        What the names of the coordinates begin with, where Y is no map.

    Raises
    ------
    OSError
        If the folder does not exist or must not be written to.
    ValueError
        If the suffix is another one, Y is not 2-D, or the labels or columns don't fit it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "map.csv")
    ...     write(path, [[0.5, -1.0], [2.0, 0.25]], labels=["a", "b"])
    ...     print(path.read_text())
    tsne1,tsne2,label
    0.5,-1.0,a
    2.0,0.25,b
    """
    path = Path(path)
    check_target(path, SUFFIXES)
    parts = _parts(Y, labels, kept, axes)
    with atomic_write(path) as file:
        _WRITERS[path.suffix.lower()[1:]](file, *parts)


def dumped(form: str, Y: Any, *, labels: Any = None, kept: Mapping[str, Any]) -> bytes:
    """Return what `write` would write to a file of a format: one of `SUFFIXES`, without its dot."""
    file = io.BytesIO()
    _WRITERS[form](file, *_parts(Y, labels, kept, "tsne"))
    return file.getvalue()


def _parts(
    Y: Any, labels: Any, kept: Mapping[str, Any], axes: str
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return a map, and its columns and those beside it by their names; or raise ValueError."""
    Y = np.asarray(Y)
    if Y.ndim != 2 or Y.dtype.kind not in "biuf":
        raise ValueError(f"a map must be a 2-D array of numbers, got {Y.dtype} of shape {Y.shape}.")
    Y = Y if Y.dtype == np.float32 else Y.astype(np.float64)
    named = {f"{axes}{i}": axis for i, axis in enumerate(Y.T, 1)}
    for name, values in [*([] if labels is None else [("label", labels)]), *kept.items()]:
        y = np.asarray(values)
        y = y.astype(str) if y.dtype == object else y
        check_column(y, len(Y), "labels" if name == "label" else name, "the call")
        while name in named:  # the table may hold an earlier map
            name += "_"
        named[name] = y
    return Y, named


def check_column(y: np.ndarray, n: int, name: str, where: Any) -> None:
    """Raise ValueError unless a column has a number, a text or a date for each of n points."""
    if y.ndim != 1 or y.dtype.kind not in "biufUM" or len(y) != n:
        raise ValueError(
            f"{name} must be a 1-D array of numbers, text or dates, one for each of {n} points, "
            f"got {y.dtype} of shape {y.shape} in {where}; correct them."
        )
    if y.dtype.kind == "U":  # NumPy takes any four bytes for a character
        codes = np.ascontiguousarray(y, y.dtype.newbyteorder("=")).view(np.uint32)
        if codes.max(initial=0) > sys.maxunicode:
            raise ValueError(
                f"{name} must be text, got the character {codes.max():#x}, which no alphabet has, "
                f"in {where}; write them again."
            )
