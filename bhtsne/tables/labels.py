"""A file of labels, or a column of it → one label for each point."""

from pathlib import Path
from typing import Any

import numpy as np

from bhtsne.files import arrays, check_column, paths
from bhtsne.files.table import Wanted
from bhtsne.tables import dialect, formats, reading, roles
from bhtsne.tables.report import listed
from bhtsne.tables.text import is_number

__all__ = ["read_labels", "split_column"]

_HOLDS = "one label a line"


def split_column(name: str) -> tuple[Path, str | None]:
    """Return the file and the column of FILE or FILE:COLUMN.

    Examples
    --------
    >>> split_column("labels.txt")
    (PosixPath('labels.txt'), None)
    """
    file, _, column = name.rpartition(":")
    if file and not Path(name).exists() and Path(file).is_file():
        return Path(file), column
    return Path(name), None


def read_labels(name: Any, n: int) -> np.ndarray:
    """Read n labels from a file, or from a column of it.

    Parameters
    ----------
    name : str or path
        FILE or FILE:COLUMN: .npy, IDX, an array of an .npz, any table, or text with one label in
        each line. Of n + 1 lines, the first is a header; the first line of a table of text also if
        it holds COLUMN.
    n : int
        Number of points.

    Returns
    -------
    ndarray of shape (n,)
        Numbers, dates, or text. A missing label is an empty string, NaN or NaT.

    Raises
    ------
    ValueError
        If the file has several columns and none is named, or not n labels.
    """
    path, column = split_column(str(name))
    form = paths.kind(path)
    table = form in ("csv", "tsv") or form in formats.READERS or column is not None
    with paths.readable_errors(path, _HOLDS):
        if form in ("npy", "idx", "npz"):
            y = _of_arrays(path, column)
        elif table:
            names, cells = _columns(path, n, column)
        else:
            y = _of_lines(path, n)
    if form not in ("npy", "idx", "npz") and table:
        y = _one(path, names, cells, column)
    check_column(y, n, "labels", path)
    return y


def _of_arrays(path: Path, column: str | None) -> np.ndarray:
    if paths.kind(path) != "npz":
        reader = arrays.read_npy if paths.kind(path) == "npy" else arrays.read_idx
        return np.array(reader(path, Wanted()).X)
    with paths.seekable(path) as file:
        found = arrays.read_arrays(file)
    if column is None and len(found) == 1:
        return next(iter(found.values()))
    if column not in found:
        raise ValueError(f"the arrays {listed(list(found))}: name one as {path}:ARRAY")
    return found[column]


def _columns(path: Path, n: int, column: str | None) -> tuple[list[str], list[Any]]:
    """Return the names and columns of a table.

    The first row of text holds the names if `column` is one of its cells. It also does if the rows
    are not n with it, and none of its cells is a number or recurs below.
    """
    raw = formats.read(path, Wanted(header=False, decimal=","))
    if paths.kind(path) in formats.TEXT and raw.columns and len(raw.columns[0]):
        names = [str(cells[0]) for cells in raw.columns]
        others = [cells[1:] for cells in raw.columns]
        can_be = len(raw.columns[0]) != n and all(
            map(_is_name, names, [cells.to_pylist() for cells in others])
        )
        if column in names or can_be:
            return names, others
    return list(raw.names), raw.columns


def _one(path: Path, names: list[str], cells: list[Any], column: str | None) -> np.ndarray:
    if column is None and len(names) > 1:
        raise ValueError(
            f"labels of {path} must be one of its columns {listed(names)}; name it as "
            f"{path}:{names[-1]}."
        )
    if not names:
        return np.empty(0, "U1")
    j = 0 if column is None else roles.place(names, column, f"labels of {path}")
    return reading.labels_of(reading.values_of(names[j], cells[j], is_text=True))


def _is_name(first: str, others: list[str]) -> bool:
    """Return whether a first line is a name of the lines below."""
    return first not in others and not is_number(first)


def _of_lines(path: Path, n: int) -> np.ndarray:
    import pyarrow as pa

    with paths.opened(path) as file:
        data = file.read()
    paths.check_memory(64 * data.count(b"\n"))  # of a line, in Python and NumPy
    lines = [line.strip() for line in dialect.decoded(data)[0].splitlines()]
    while len(lines) > n and not lines[-1]:
        lines.pop()
    # One line too many is a header, unless a label is empty: then it cannot be decided.
    if len(lines) == n + 1 and all(lines) and _is_name(lines[0], lines[1:]):
        del lines[0]
    cells = pa.chunked_array([pa.array(lines, pa.string())])
    return reading.labels_of(reading.values_of("labels", cells, is_text=True))
