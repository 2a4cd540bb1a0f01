"""Tables of numbers in files: points and labels are read here, and maps are written."""

import csv
import gzip
import io
import math
import os
import re
import secrets
import zipfile
from array import array
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

_DELIMITERS = {"csv": ",", "tsv": "\t"}
_IDX_TYPES = {8: "=u1", 9: "=i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


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
    ValueError
        If the file is damaged or holds no table of numbers, or the labels don't fit the points.

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
    if _kind(path) not in _READERS:
        raise ValueError(
            "points are read from .npy, .npz, .csv, .tsv, .parquet and IDX files, also with .gz, "
            f"got {path}; convert it to one of them."
        )
    if _kind(path) == "parquet":
        _arrow()  # outside of what follows, which would take its absence for damage
    with _sentences(path, "a table of numbers, one point a row"):
        X, y, columns = _READERS[_kind(path)](path, name)
        if X.dtype.kind not in "biuf" or X.ndim != 2 or 0 in X.shape:
            raise ValueError(f"{X.dtype} of shape {X.shape}")
    if y is None and name is not None:
        if not Path(name).is_file():
            known = f" with the columns {', '.join(columns)}" if columns else ""
            raise ValueError(f"labels must be a part of {path}{known} or a file, got {name!r}.")
        with _sentences(Path(name), "one label a line"):
            y = _read_labels(Path(name), X.shape[0])
    return Table(X, None if y is None else _checked(y, X.shape[0], name or path), columns)


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
    kind = path.suffix.lower()[1:]
    if kind not in ("npy", "csv", "tsv", "parquet"):
        raise ValueError(f"a map is written to .npy, .csv, .tsv or .parquet, got {path}.")
    if Y.ndim != 2 or Y.dtype.kind not in "biuf":
        raise ValueError(f"a map must be a 2-D array of numbers, got {Y.dtype} of shape {Y.shape}.")
    Y = Y if Y.dtype == np.float32 else Y.astype(np.float64)
    columns = {f"tsne{i}": axis for i, axis in enumerate(Y.T, 1)}
    if labels is not None:
        y = np.asarray(labels)
        columns["label"] = _checked(y.astype(str) if y.dtype == object else y, len(Y), "the call")
    arrow = _arrow() if kind == "parquet" else None
    with replacing(path) as file:
        if kind == "npy":
            np.lib.format.write_array(file, Y, allow_pickle=False)
        elif arrow:
            arrow.parquet.write_table(arrow.table(columns), file)
        else:
            with io.TextIOWrapper(file, "utf-8", newline="") as text:
                writer = csv.writer(text, delimiter=_DELIMITERS[kind], lineterminator="\n")
                writer.writerow(columns)
                writer.writerows(zip(*map(_texts, columns.values()), strict=True))


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Any]:
    """Open a binary file that takes the place of `path` when the body is left without an error."""
    path = Path(path)
    # not by tempfile, whose files are closed to all but their owner: a result should not be
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        file = temporary.open("xb")
    except OSError as error:
        raise type(error)(
            f"{path} cannot be written ({error.strerror}); choose a folder that exists and that "
            "you may write to."
        ) from error
    try:
        with file:
            yield file
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _kind(path: Path) -> str:
    name = path.name.lower().removesuffix(".gz")
    return "idx" if re.search(r"[-.]idx(\d-ubyte)?$", name) else Path(name).suffix[1:]


@contextmanager
def _sentences(path: Path, rule: str) -> Iterator[None]:
    """Turn every error about what is in a file, a library's too, into one sentence about it."""
    try:
        yield
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no file {path}; check its name and folder.") from None
    except Exception as error:  # a damaged header can fail anywhere inside NumPy's parser
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise ValueError(
            f"{path} must hold {rule}, whole and without pickled objects, got: {reason}; "
            "correct the file or write it again."
        ) from error


def _open(path: Path) -> Any:
    return gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb")


def _seekable(path: Path) -> Any:
    if path.suffix.lower() != ".gz":
        return path.open("rb")
    with _open(path) as file:  # archives are read from their end, where gzip would start anew
        return io.BytesIO(file.read())


def _read_npy(path: Path, label: str | None = None) -> tuple[np.ndarray, None, None]:
    if path.suffix.lower() != ".gz":
        return np.lib.format.open_memmap(path, mode="r"), None, None
    with _open(path) as file:
        X = np.lib.format.read_array(file, allow_pickle=False)
        file.read(1)  # only at its end does gzip compare the checksum
    return X, None, None


def _read_idx(path: Path, label: str | None = None) -> tuple[np.ndarray, None, None]:
    with _open(path) as file:
        head = file.read(4).ljust(4, b"\xff")
        if head[:2] != b"\0\0" or head[2] not in _IDX_TYPES or not head[3]:
            raise ValueError(f"the magic number 0x{head.hex()}, which no IDX file has")
        dtype, shape = _IDX_TYPES[head[2]], np.frombuffer(file.read(4 * head[3]), ">u4").tolist()
        size, body = math.prod(shape) * np.dtype(dtype).itemsize, bytearray()
        # step by step: the header may claim any size, and a single read would allocate it
        while len(body) <= size and (block := file.read(min(size + 1 - len(body), 1 << 24))):
            body += block
    if len(shape) != head[3] or len(body) != size:
        found = f"more than {size}" if len(body) > size else len(body)
        raise ValueError(f"{found} bytes after a header that says {size} (shape {shape})")
    X = np.frombuffer(body, dtype).astype(dtype.replace(">", "="), copy=False)
    return X.reshape(shape[0], math.prod(shape[1:])) if len(shape) > 1 else X, None, None


def _read_npz(path: Path, label: str | None) -> tuple[Any, Any, None]:
    with _seekable(path) as file:
        if not zipfile.is_zipfile(file):
            raise ValueError("no zip archive, or only a part of one")
        file.seek(0)
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: np.asarray(archive[name]) for name in archive.files}
        if {"format", "shape", "data"} <= arrays.keys():
            import scipy.sparse

            file.seek(0)
            X = scipy.sparse.load_npz(file)
            if X.format in ("csr", "csc", "bsr"):
                X.check_format()  # compiled code follows a wrong index out of the array
            return scipy.sparse.csr_array(X), arrays.get(label), None
    wanted = ("y", "labels") if label is None else (label,)
    y = next((arrays.pop(key) for key in wanted if key in arrays), None)
    tables = ["X"] if "X" in arrays else [key for key in arrays if arrays[key].ndim == 2]
    if len(tables) != 1:
        found = ", ".join(f"{key} {values.shape}" for key, values in arrays.items())
        raise ValueError(f"neither an array X nor just one 2-D array among [{found}]")
    return arrays[tables[0]], y, None


def _arrow() -> Any:
    try:
        import pyarrow.parquet
    except ImportError:
        raise ValueError(
            'parquet files need pyarrow, which is not here; install "numba-bhtsne[parquet]".'
        ) from None
    return pyarrow


def _read_parquet(path: Path, label: str | None) -> tuple[Any, Any, tuple[str, ...]]:
    with _seekable(path) as file, _arrow().parquet.ParquetFile(file) as whole:
        table = whole.read()
    names, columns = table.column_names, []
    for name, column in zip(names, table.columns, strict=True):
        columns.append(column.to_numpy())
        if column.null_count or (name != label and columns[-1].dtype.kind not in "biuf"):
            row = int(column.is_null().to_numpy().argmax())
            raise ValueError(f"{column[row].as_py()!r} in column {name!r}, row {row + 1}")
    y = _take(names, columns, label)
    X = np.column_stack(columns or [np.empty((len(table), 0))])
    return X, None if y is None else np.array(y.tolist()), tuple(names)


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield each line's number and its cells: none if it is blank, one if it is plain text."""
    delimiter = _DELIMITERS.get(_kind(path))
    with _open(path) as file, io.TextIOWrapper(file, "utf-8-sig", newline="") as text:
        if delimiter is None:
            yield from enumerate(([line.strip()] if line.strip() else [] for line in text), 1)
        else:
            reader = csv.reader(text, delimiter=delimiter)
            yield from ((reader.line_num, row) for row in reader)


def _read_text(path: Path, label: str | None) -> tuple[Any, Any, tuple[str, ...] | None]:
    rows = ((line, row) for line, row in _rows(path) if row)
    head = next(rows, (1, []))
    first = head[1]
    headed, place = not all(map(_is_number, first)), None
    names = list(map(str.strip, first))
    if headed and "" in names:  # as in what pandas writes: a running number is no coordinate
        raise ValueError("a column without a name on its first line (an index, or a missing cell)")
    if headed:
        place = _take(names, list(range(len(names))), label)
    values, labels = array("d"), []
    for line, row in rows if headed else chain([head], rows):
        if len(row) != len(first):
            raise ValueError(f"{len(row)} cells on line {line} where the first has {len(first)}")
        if place is not None:
            labels.append((line, [row.pop(place)]))
        try:
            values.extend(map(_number, row))
        except ValueError:
            at = [_is_number(cell) for cell in row].index(False)
            column = repr(names[at]) if headed else str(at + 1)
            hint = f" (if it holds the labels: labels={column})" if headed else ""
            raise ValueError(f"{row[at]!r} in column {column}, line {line}{hint}") from None
    X = np.asarray(values).reshape(-1, max(len(first) - (place is not None), 1))
    return X, None if place is None else _parsed(labels), tuple(names) if headed else None


def _read_labels(path: Path, n: int) -> np.ndarray:
    if _kind(path) in ("npy", "idx"):
        return np.array(_READERS[_kind(path)](path, None)[0])
    rows = list(_rows(path))
    while rows and not rows[-1][1]:
        rows.pop()
    cells = [row for _, row in rows]
    # one line more than there are points, and like no other: the name of the column
    if len(rows) == n + 1 and cells[0] not in cells[1:] and not all(map(_is_number, cells[0])):
        del rows[0]
    return _parsed(rows)


def _parsed(rows: list[tuple[int, list[str]]]) -> np.ndarray:
    """Return the labels as integers if all of them are, else as numbers, else as text."""
    for line, row in rows:
        if len(row) != 1 or not row[0].strip():
            raise ValueError(f"{row} on line {line} in place of a label")
    y = np.array([row[0].strip() for _, row in rows])
    for dtype in (np.int64, np.float64) if all(map(_is_number, y)) else ():
        with suppress(ValueError, OverflowError):
            return y.astype(dtype)
    return y


def _take(names: list[str], columns: list, label: str | None) -> Any:
    """Remove the column of labels, and its name, from the lists and return it."""
    if label is None or label not in names:
        return None
    if names.count(label) > 1:
        raise ValueError(f"{names.count(label)} columns of the name {label!r}")
    place = names.index(label)
    del names[place]
    return columns.pop(place)


def _number(cell: str) -> float:
    if "_" in cell:  # 1_000 is a number in Python and a name everywhere else
        raise ValueError
    return float(cell)


def _is_number(cell: str) -> bool:
    with suppress(ValueError):
        return _number(cell) is not None
    return False


def _texts(column: np.ndarray) -> list:
    form = "{:.9g}".format if column.dtype == np.float32 else str
    return list(map(form, column.tolist()))


def _checked(y: np.ndarray, n: int, where: Any) -> np.ndarray:
    if y.ndim != 1 or y.dtype.kind not in "biufU" or len(y) != n:
        raise ValueError(
            f"labels must be a 1-D array of numbers or text, one for each of the {n} points, got "
            f"{y.dtype} of shape {y.shape} in {where}."
        )
    return y


_READERS = {
    "npy": _read_npy,
    "npz": _read_npz,
    "csv": _read_text,
    "tsv": _read_text,
    "parquet": _read_parquet,
    "idx": _read_idx,
}
