"""Arrays and maps ↔ files of users: written atomically, and read without trust in their content."""

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
from bhtsne.files.arrays import read_arrays
from bhtsne.files.locks import LOCK, locked
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
    "read_arrays",
    "readable_errors",
    "stored",
    "write",
]

_WRITERS: dict[str, Callable] = {
    "npy": writing.write_npy,
    "csv": writing.write_text,
    "tsv": partial(writing.write_text, delimiter="\t"),
    "parquet": writing.write_parquet,
}
SUFFIXES = tuple(f".{form}" for form in _WRITERS)  # of the files of `write`


def write(
    path: str | os.PathLike,
    Y: Any,
    *,
    labels: Any = None,
    columns: Mapping[str, Any] = MappingProxyType({}),
    axes: str = "tsne",
) -> None:
    """Write a map to a file in the format of its suffix.

    The file replaces an earlier one only when it is complete.

    Parameters
    ----------
    path : str or path
        A file .npy (only the map), .csv, .tsv or .parquet (needs pyarrow).
    Y : array-like of shape (N, d)
        The map, in columns ``tsne1``, ``tsne2``, … Text has all of its digits.
    labels : array-like of shape (N,) or None
        One label for each point, in the column ``label``.
    columns : mapping of str to array-like of shape (N,)
        Further columns, written after the labels. A name that is taken gets a ``_`` at its end.
    axes : str
        Prefix of the names of the coordinates.

    Raises
    ------
    OSError
        If the folder does not exist or may not be written to.
    ValueError
        If the suffix is another one, Y is not 2-D, or labels or columns are not of its length.

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
    parts = _parts(Y, labels, columns, axes)
    with atomic_write(path) as file:
        _WRITERS[path.suffix.lower()[1:]](file, *parts)


def dumped(form: str, Y: Any, *, labels: Any = None, columns: Mapping[str, Any]) -> bytes:
    """Return the bytes of a file of `write` in a format: one of `SUFFIXES` without its dot."""
    file = io.BytesIO()
    _WRITERS[form](file, *_parts(Y, labels, columns, "tsne"))
    return file.getvalue()


def _parts(
    Y: Any, labels: Any, columns: Mapping[str, Any], axes: str
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return a map, and all columns of the file by their names; or raise ValueError."""
    Y = np.asarray(Y)
    if Y.ndim != 2 or Y.dtype.kind not in "biuf":
        raise ValueError(f"a map must be a 2-D array of numbers, got {Y.dtype} of shape {Y.shape}.")
    Y = Y if Y.dtype == np.float32 else Y.astype(np.float64)
    named = {f"{axes}{i}": axis for i, axis in enumerate(Y.T, 1)}
    for name, values in [*([] if labels is None else [("label", labels)]), *columns.items()]:
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
                f"{name} must be text, got {codes.max():#x} in {where}, which is no character; "
                "write them again."
            )
