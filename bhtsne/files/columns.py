"""Columns in files: .csv, .tsv and .parquet, and labels in plain text.

Each reader returns points, labels or None, and the names of the points' columns or None.
"""

import csv
import io
import reprlib
import sys
from array import array
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from bhtsne import memory
from bhtsne.files.paths import arrow, check_memory, kind, opened, seekable

_DELIMITERS = {"csv": ",", "tsv": "\t"}
_LONGEST = 1 << 26  # characters of a line: three million numbers with all of their digits


def read_text(path: Path, label: str | None) -> tuple[Any, Any, tuple[str, ...] | None]:
    """Read .csv or .tsv, whose first line names the columns unless it is all numbers."""
    rows = ((line, row) for line, row in _rows(path) if row)
    head = next(rows, (1, []))
    first = head[1]
    headed, place, room = not all(map(_is_number, first)), None, memory.available()
    names = list(map(str.strip, first))
    if headed and "" in names:  # as in what pandas writes: a running number is no coordinate
        raise ValueError("a column without a name on its first line (an index, or a missing cell)")
    if headed:
        place = _take(names, list(range(len(names))), label)
    values, labels = array("d"), list[str]()
    for line, row in rows if headed else chain([head], rows):
        if len(row) != len(first):
            raise ValueError(f"{len(row)} cells on line {line} where the first has {len(first)}")
        if place is not None:
            labels.append(_label(line, [row.pop(place)]))
            room -= sys.getsizeof(labels[-1])
        room -= 8 * len(row)
        if room < 0:
            raise ValueError(f"more numbers, from line {line} on, than there is memory for")
        try:
            values.extend(map(_number, row))
        except ValueError:
            at = [_is_number(cell) for cell in row].index(False)
            column = repr(names[at]) if headed else str(at + 1)
            hint = f" (if it holds the labels: labels={column})" if headed else ""
            cell = reprlib.repr(row[at])
            raise ValueError(f"{cell} in column {column}, line {line}{hint}") from None
    X = np.asarray(values).reshape(-1, max(len(first) - (place is not None), 1))
    return X, None if place is None else _parsed(labels), tuple(names) if headed else None


def read_parquet(path: Path, label: str | None) -> tuple[Any, Any, tuple[str, ...]]:
    """Read .parquet, every column of which but the labels' holds numbers, and no null."""
    with seekable(path) as file:
        table = _table(file)
    names, columns = table.column_names, []
    for name, column in zip(names, table.columns, strict=True):
        columns.append(column.to_numpy())
        if column.null_count or (name != label and columns[-1].dtype.kind not in "biuf"):
            row = int(column.is_null().to_numpy().argmax())
            cell = reprlib.repr(column[row].as_py())
            raise ValueError(f"{cell} in column {name!r}, row {row + 1}")
    y = _take(names, columns, label)
    X = np.column_stack(columns or [np.empty((len(table), 0))])
    return X, None if y is None else _array(y.tolist()), tuple(names)


def read_labels(path: Path, n: int) -> np.ndarray:
    """Read one label a line; a first line too many that no other repeats is their name."""
    labels, blank = list[str](), 0
    for line, row in _rows(path):
        if not row:
            blank = blank or line
            continue
        if blank or len(labels) > n:
            raise ValueError(f"[] on line {blank}" if blank else f"a label too many on line {line}")
        labels.append(_label(line, row))
    if len(labels) == n + 1 and labels[0] not in labels[1:] and not _is_number(labels[0]):
        del labels[0]
    return _parsed(labels)


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
    if delimiter is None:
        yield from enumerate(([line.strip()] if line.strip() else [] for line in _lines(path)), 1)
        return
    reader = csv.reader(_lines(path), delimiter=delimiter, strict=True)
    start = 1
    try:
        for row in reader:
            yield reader.line_num, row
            start = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(f"{error} (a quote amiss?) in the row from line {start} on") from None


def _lines(path: Path) -> Iterator[str]:
    """Yield each line, which is text in UTF-8 and has an end."""
    with (
        opened(path) as file,
        # what is no UTF-8 comes through as surrogates, for the decoder knows of no lines
        io.TextIOWrapper(file, "utf-8-sig", "surrogateescape", newline="") as text,
    ):
        for number, line in enumerate(iter(partial(text.readline, _LONGEST), ""), 1):
            if len(line) == _LONGEST:
                raise ValueError(f"more than {_LONGEST:,} characters on line {number}")
            if "\0" in line:
                raise ValueError(f"a NUL byte, which is no text in UTF-8, on line {number}")
            if not line.isascii():
                _check_text(line, number)
            yield line


def _check_text(line: str, number: int) -> None:
    try:
        line.encode()
    except UnicodeEncodeError as error:
        byte = ord(line[error.start]) & 0xFF
        raise ValueError(f"the byte 0x{byte:x}, which is no utf-8, on line {number}") from None


def _label(line: int, row: list[str]) -> str:
    if len(row) != 1 or not row[0].strip():
        raise ValueError(f"{reprlib.repr(row)} on line {line} in place of a label")
    return row[0].strip()


def _array(labels: list) -> np.ndarray:
    """Return labels as an array, each text of which is as wide as the longest."""
    if labels and isinstance(labels[0], str | bytes):
        check_memory(4 * len(labels) * max(map(len, labels)))
    return np.array(labels)


def _table(file: Any) -> Any:
    """Read a parquet file whose columns, as long as it says they are, fit into memory twice."""
    pyarrow = arrow()
    with pyarrow.parquet.ParquetFile(file, page_checksum_verification=True) as whole:
        told, schema = whole.metadata, whole.schema_arrow
        groups = [told.row_group(i) for i in range(told.num_row_groups)]
        rows = max(told.num_rows, sum(group.num_rows for group in groups))
        widths = (f.type.bit_width for f in schema if pyarrow.types.is_primitive(f.type))
        check_memory(max(rows * sum(widths) // 4, sum(g.total_byte_size for g in groups)))
        words = [f.name for f in schema if pyarrow.types.is_string(f.type)]
    file.seek(0)
    # a text that is repeated is then held once
    with pyarrow.parquet.ParquetFile(
        file, read_dictionary=words, page_checksum_verification=True
    ) as whole:
        table = whole.read()
    table.validate(full=True)  # what the columns point to is read by compiled code
    return table


def _parsed(labels: list[str]) -> np.ndarray:
    """Return the labels as integers if all of them are, else as numbers, else as text."""
    y = _array(labels)
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
