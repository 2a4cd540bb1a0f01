"""Tables of numbers in files: points and labels are read here, and maps are written."""

import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from bhtsne.files import arrays, columns
from bhtsne.files.arrays import read_arrays, write_arrays
from bhtsne.files.locks import locked
from bhtsne.files.packed import packed, read_told, unpacked
from bhtsne.files.paths import check_target, kind, replacing, sentences, stored
from bhtsne.files.table import Table, Wanted

__all__ = [
    "SUFFIXES",
    "Table",
    "check_target",
    "dumped",
    "kind",
    "locked",
    "names",
    "packed",
    "read",
    "read_arrays",
    "read_labels",
    "read_told",
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


def read(
    path: str | os.PathLike,
    *,
    labels: str | os.PathLike | None = None,
    keep: Sequence[str] = (),
    words: bool = False,
) -> Table:
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
    keep : sequence of str
        Names of columns (arrays of shape (N,), in an .npz) that are no coordinates but are to be
        kept beside them, as numbers or text.
    words : bool
        Whether to keep so, in place of an error, the columns whose first cell is no number.

    Returns
    -------
    Table
        X of shape (N, D) in the file's dtype (float64 from text), labels of shape (N,) or None,
        the names of the columns or None, and what was kept.

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
    ...     table = read(path, labels="kind")
    >>> table.X.tolist(), table.labels.tolist(), table.columns
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
        table = _READERS[form](path, Wanted(name, tuple(keep), words))
        X, y = table.X, table.labels
        if X.dtype.kind not in "biuf" or X.ndim != 2 or 0 in X.shape:
            raise ValueError(f"{X.dtype} of shape {X.shape}")
    held = (*(table.columns or ()), *table.kept)
    if y is None and name is not None:
        if not Path(name).is_file():
            known = _known(held)
            hint = _hint(name, held)
            raise ValueError(
                f"labels must be a part of {path}{known} or a file, got {name!r}{hint or '.'}"
            )
        y = read_labels(name, X.shape[0])
    for other in keep:
        if other not in table.kept and other != name:
            known, hint = _known(held), _hint(other, held)
            raise ValueError(f"keep must name parts of {path}{known}, got {other!r}{hint or '.'}")
    for other, values in table.kept.items():
        _checked(values, X.shape[0], f"{path}, {other}")
    return table._replace(labels=None if y is None else _checked(y, X.shape[0], name or path))


def _known(held: tuple[str, ...]) -> str:
    """Return what to say of the columns that there are, or of the first of many."""
    some = f"{', '.join(held[:9])}, …" if len(held) > 10 else ", ".join(held)
    return f" with the columns {some}" if held else ""


def _hint(name: str, held: tuple[str, ...]) -> str:
    near = get_close_matches(name, held, 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def names(path: str | os.PathLike) -> list[str]:
    """Return the names of the columns of a .csv, .tsv or .parquet; none of other files."""
    path = Path(path)
    if kind(path) not in ("csv", "tsv", "parquet"):
        return []
    with sentences(path, "a table of numbers, one point a row"):
        return columns.read_names(path)


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
    with replacing(path) as file:
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
        y = _checked(y.astype(str) if y.dtype == object else y, len(Y), "the call")
        while name in named:  # the table may hold an earlier map
            name += "_"
        named[name] = y
    return Y, named


def read_labels(path: str | os.PathLike, n: int) -> np.ndarray:
    """Read n labels from a file of their own: .npy, IDX, or text with one label a line."""
    path = Path(path)
    with sentences(path, "one label a line"):
        y = _labels_in(path, n)
    return _checked(y, n, path)


def _labels_in(path: Path, n: int) -> np.ndarray:
    form = kind(path)
    if form in ("npy", "idx"):
        return np.array(_READERS[form](path, Wanted()).X)
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
