"""Columns in files: .csv, .tsv and .parquet, and labels in plain text.

Each reader returns points, labels or None, and the names of the points' columns or None.
"""

import csv
import io
from array import array
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from bhtsne.files.paths import arrow, kind, opened, seekable

_DELIMITERS = {"csv": ",", "tsv": "\t"}


def read_text(path: Path, label: str | None) -> tuple[Any, Any, tuple[str, ...] | None]:
    """Read .csv or .tsv, whose first line names the columns unless it is all numbers."""
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


def read_parquet(path: Path, label: str | None) -> tuple[Any, Any, tuple[str, ...]]:
    """Read .parquet, every column of which but the labels' holds numbers, and no null."""
    with seekable(path) as file, arrow().parquet.ParquetFile(file) as whole:
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


def read_labels(path: Path, n: int) -> np.ndarray:
    """Read one label a line; a first line too many that no other repeats is their name."""
    rows = list(_rows(path))
    while rows and not rows[-1][1]:
        rows.pop()
    cells = [row for _, row in rows]
    if len(rows) == n + 1 and cells[0] not in cells[1:] and not all(map(_is_number, cells[0])):
        del rows[0]
    return _parsed(rows)


def write_text(file: Any, Y: np.ndarray, labels: Any, delimiter: str = ",") -> None:
    """Write a line of names and one line a point, each number with all of its digits."""
    named = _named(Y, labels)
    with io.TextIOWrapper(file, "utf-8", newline="") as text:
        writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
        writer.writerow(named)
        writer.writerows(zip(*map(_texts, named.values()), strict=True))


def write_parquet(file: Any, Y: np.ndarray, labels: Any) -> None:
    """Write the map in its own dtype, and the labels in theirs."""
    arrow().parquet.write_table(arrow().table(_named(Y, labels)), file)


def _named(Y: np.ndarray, labels: np.ndarray | None) -> dict[str, np.ndarray]:
    columns = {f"tsne{i}": axis for i, axis in enumerate(Y.T, 1)}
    return columns if labels is None else columns | {"label": labels}


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield each line's number and its cells: none if it is blank, one if it is plain text."""
    delimiter = _DELIMITERS.get(kind(path))
    with opened(path) as file, io.TextIOWrapper(file, "utf-8-sig", newline="") as text:
        if delimiter is None:
            yield from enumerate(([line.strip()] if line.strip() else [] for line in text), 1)
        else:
            reader = csv.reader(text, delimiter=delimiter)
            yield from ((reader.line_num, row) for row in reader)


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


def _texts(column: np.ndarray) -> list[str]:
    form = "{:.9g}".format if column.dtype == np.float32 else str
    return list(map(form, column.tolist()))
