"""Tables of numbers in files: points and labels are read here, and maps are written."""

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bhtsne.files import arrays, columns
from bhtsne.files.arrays import read_arrays, write_arrays
from bhtsne.files.packed import packed, unpacked
from bhtsne.files.paths import check_target, kind, replacing, sentences, stored

__all__ = [
    "SUFFIXES",
    "Table",
    "check_target",
    "packed",
    "read",
    "read_arrays",
    "replacing",
    "sentences",
    "stored",
    "unpacked",
    "write",
    "write_arrays",
]

_READERS: dict[str, Callable] = {
    "npy": arrays.read_npy,
    "npz": arrays.read_npz,
    "idx": arrays.read_idx,
    "csv": columns.read_text,
    "tsv": columns.read_text,
    "parquet": columns.read_parquet,
}
_WRITERS: dict[str, Callable] = {
    "npy": arrays.write_npy,
    "csv": columns.write_text,
    "tsv": partial(columns.write_text, delimiter="\t"),
    "parquet": columns.write_parquet,
}
SUFFIXES = tuple(f".{form}" for form in _WRITERS)  # of the files that `write` writes


class Table(NamedTuple):
    """Points (ndarray or CSR array, shape (N, D)), their N labels, and the D columns' names."""

    X: Any
    labels: np.ndarray | None
    columns: tuple[str, ...] | None


def read(path: str | os.PathLike, *, labels: str | os.PathLike | None = None) -> Table:
    r"""Read points, and labels if there are any, from a file whose name says its format.

    Nothing is ever unpickled. NaN and infinity are passed on: whoever uses the points judges them.

    Parameters
    ----------
    path : str or path
        A file .npy (memory-mapped), .npz (the array ``X``, or the only 2-D array, or what
        `scipy.sparse.save_npz` wrote), .csv or .tsv (a first line that is not all numbers names
        the columns), .parquet (needs pyarrow) or IDX (.idx, -idx3-ubyte: each image becomes a
        row), also with .gz appended.
    labels : str, path or None
        The name of a column (of an array, in an .npz), which is then left out of the points; or
        else another file: .npy, IDX, or text with one label a line. None takes the array ``y`` or
        ``labels`` of an .npz, and no labels from other files.

    Returns
    -------
    Table
        X of shape (N, D) in the file's dtype (float64 from text), labels of shape (N,) or None,
        and the names of the columns or None.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    OSError
        If it is a folder, or must not be read.
    ValueError
        If the file is damaged, holds no table of numbers or unpacks to more than memory holds, or
        the labels don't fit the points.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "iris.csv")
    ...     _ = path.write_text("width,length,kind\n1,2.5,setosa\n3,4,virginica\n")
    ...     X, y, columns = read(path, labels="kind")
    >>> X.tolist(), y.tolist(), columns
    ([[1.0, 2.5], [3.0, 4.0]], ['setosa', 'virginica'], ('width', 'length'))
    """
    path, name = Path(path), None if labels is None else os.fspath(labels)
    form = kind(path)
    if form not in _READERS:
        raise ValueError(
            "points are read from .npy, .npz, .csv, .tsv, .parquet and IDX files, also with .gz, "
            f"got {path}; convert it to one of them."
        )
    if form == "parquet":
        columns.arrow()  # outside of what follows, which would take its absence for damage
    with sentences(path, "a table of numbers, one point a row"):
        X, y, names = _READERS[form](path, name)
        if X.dtype.kind not in "biuf" or X.ndim != 2 or 0 in X.shape:
            raise ValueError(f"{X.dtype} of shape {X.shape}")
    if y is None and name is not None:
        if not Path(name).is_file():
            known = f" with the columns {', '.join(names)}" if names else ""
            raise ValueError(f"labels must be a part of {path}{known} or a file, got {name!r}.")
        with sentences(Path(name), "one label a line"):
            y = _read_labels(Path(name), X.shape[0])
    return Table(X, None if y is None else _checked(y, X.shape[0], name or path), names)


def write(path: str | os.PathLike, Y: Any, *, labels: Any = None) -> None:
    """Write a map to a file whose name says its format, whole or not at all.

    Parameters
    ----------
    path : str or path
        A file .npy (only the map), .csv, .tsv or .parquet (needs pyarrow); replaced if it exists.
    Y : array-like of shape (N, d)
        The map; in columns ``tsne1``, ``tsne2``, … Text keeps every bit of it.
    labels : array-like of shape (N,) or None
        One label a point, in the last column, ``label``.

    Raises
    ------
    OSError
        If the folder does not exist or must not be written to.
    ValueError
        If the suffix is another one, Y is not 2-D, or the labels don't fit it.

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
    path, Y = Path(path), np.asarray(Y)
    check_target(path, SUFFIXES)
    form = path.suffix.lower()[1:]
    if Y.ndim != 2 or Y.dtype.kind not in "biuf":
        raise ValueError(f"a map must be a 2-D array of numbers, got {Y.dtype} of shape {Y.shape}.")
    Y = Y if Y.dtype == np.float32 else Y.astype(np.float64)
    y = None if labels is None else np.asarray(labels)
    if y is not None:
        y = _checked(y.astype(str) if y.dtype == object else y, len(Y), "the call")
    with replacing(path) as file:
        _WRITERS[form](file, Y, y)


def _read_labels(path: Path, n: int) -> np.ndarray:
    form = kind(path)
    if form in ("npy", "idx"):
        return np.array(_READERS[form](path, None)[0])
    return columns.read_labels(path, n)


def _checked(y: np.ndarray, n: int, where: Any) -> np.ndarray:
    if y.ndim != 1 or y.dtype.kind not in "biufU" or len(y) != n:
        raise ValueError(
            f"labels must be a 1-D array of numbers or text, one for each of the {n} points, got "
            f"{y.dtype} of shape {y.shape} in {where}; correct them."
        )
    if y.dtype.kind == "U":  # NumPy takes any four bytes for a character
        codes = np.ascontiguousarray(y, y.dtype.newbyteorder("=")).view(np.uint32)
        if codes.max() > sys.maxunicode:
            raise ValueError(
                f"labels must be text, got the character {codes.max():#x}, which no alphabet has, "
                f"in {where}; write them again."
            )
    return y
