"""Columns in files: .csv, .tsv and .parquet, and labels in plain text."""

import csv
import io
import reprlib
import sys
from array import array
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from bhtsne import memory
from bhtsne.files.paths import arrow, check_memory, kind, opened, seekable
from bhtsne.files.table import Table, Wanted

_DELIMITERS = {"csv": ",", "tsv": "\t"}
_LONGEST = 1 << 26  # characters of a line: three million numbers with all of their digits


def read_text(path: Path, wanted: Wanted) -> Table:
    """Read .csv or .tsv, whose first line names the columns unless it is all numbers."""
    rows = ((line, row) for line, row in _rows(path) if row)
    head = next(rows, (1, []))
    first, headed = head[1], not all(map(_is_number, head[1]))
    names = list(map(str.strip, first))
    if headed and "" in names:  # as in what pandas writes: a running number is no coordinate
        raise ValueError("a column without a name on its first line (an index, or a missing cell)")
    begin = list(islice(rows, 1)) if headed else [head]
    cells = begin[0][1] if begin and wanted.words else []
    words = {name for name, cell in zip(names, cells, strict=False) if not _is_number(cell)}
    aside = _aside(names, wanted, words) if headed else {}
    place = aside.pop(wanted.label or "", None)
    points = [i for i in range(len(first)) if i != place and i not in aside.values()]
    values, labels, room = array("d"), list[str](), memory.available()
    kept: dict[str, list[str]] = {name: [] for name in aside}
    for line, row in chain(begin, rows):
        if len(row) != len(first):
            raise ValueError(f"{len(row)} cells on line {line} where the first has {len(first)}")
        if place is not None:
            labels.append(_label(line, [row[place]]))
            room -= sys.getsizeof(labels[-1])
        for name, at in aside.items():
            kept[name].append(row[at].strip())
            room -= sys.getsizeof(kept[name][-1])
        numbers = row if len(points) == len(row) else [row[i] for i in points]
        room -= 8 * len(numbers)
        if room < 0:
            raise ValueError(f"more numbers, from line {line} on, than there is memory for")
        try:
            values.extend(map(_number, numbers))
        except ValueError:
            at = points[[_is_number(cell) for cell in numbers].index(False)]
            raise ValueError(_no_number(row[at], names[at] if headed else at + 1, line)) from None
    X = np.asarray(values).reshape(-1, len(points) or int(not first))
    return Table(
        X,
        None if place is None else _parsed(labels),
        tuple(names[i] for i in points) if headed else None,
        {name: _parsed(cells) for name, cells in kept.items()},
    )


def read_parquet(path: Path, wanted: Wanted) -> Table:
    """Read .parquet, every column of which holds numbers, and no null, but for those set aside."""
    with seekable(path) as file:
        table = _table(file)
    names, columns = table.column_names, [column.to_numpy() for column in table.columns]
    words = set()
    if wanted.words:
        pairs = zip(names, table.columns, columns, strict=True)
        words = {n for n, c, values in pairs if values.dtype.kind not in "biuf" and not _nested(c)}
    aside = _aside(names, wanted, words)
    for name, column, values in zip(names, table.columns, columns, strict=True):
        given = column.null_count == 0 and values.dtype.kind in "biuf"
        if (name == wanted.label and column.null_count) or not (name in aside or given):
            row = int(column.is_null().to_numpy().argmax())
            cell = reprlib.repr(column[row].as_py())
            raise ValueError(f"{cell} in column {name!r}, row {row + 1}")
    place = aside.pop(wanted.label or "", None)
    points = [i for i in range(len(names)) if i != place and i not in aside.values()]
    X = np.column_stack([columns[i] for i in points] or [np.empty((len(table), 0))])
    return Table(
        X,
        None if place is None else _array(columns[place].tolist()),
        tuple(names[i] for i in points),
        {name: _kept(columns[i], table.columns[i]) for name, i in aside.items()},
    )


def read_names(path: Path) -> list[str]:
    """Return the names of a file's columns, which are those of its first line."""
    if kind(path) == "parquet":
        with seekable(path) as file:
            return arrow().parquet.read_schema(file).names
    first = next((row for _, row in _rows(path) if row), [])
    return [] if all(map(_is_number, first)) else list(map(str.strip, first))


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


def write_text(
    file: Any, Y: np.ndarray, named: Mapping[str, np.ndarray], delimiter: str = ","
) -> None:
    """Write a line of names and one line a point, each number with all of its digits."""
    text = io.TextIOWrapper(file, "utf-8", newline="")
    try:
        writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
        writer.writerow(named)
        writer.writerows(zip(*map(_texts, named.values()), strict=True))
    finally:
        text.detach()  # flushes it, and leaves the file open


def write_parquet(file: Any, Y: np.ndarray, named: Mapping[str, np.ndarray]) -> None:
    """Write the map in its own dtype, and each column in its."""
    arrow().parquet.write_table(arrow().table(dict(named)), file)


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


def _no_number(cell: str, column: str | int, line: int) -> str:
    named = f" (if it holds the labels: labels={column!r})" if isinstance(column, str) else ""
    return f"{reprlib.repr(cell)} in column {column!r}, line {line}{named}"


def _aside(names: list[str], wanted: Wanted, words: set[str]) -> dict[str, int]:
    """Return the places of the columns that are no coordinates, in their order."""
    aside = {name for name in (wanted.label, *wanted.keep) if name in names} | words
    for name in sorted(aside):
        if names.count(name) > 1:
            raise ValueError(f"{names.count(name)} columns of the name {name!r}")
    return {name: i for i, name in enumerate(names) if name in aside}


def _nested(column: Any) -> bool:
    return arrow().types.is_nested(column.type)


def _kept(values: np.ndarray, column: Any) -> np.ndarray:
    """Return a column of parquet as numbers, or as text in which what is missing is empty."""
    if values.dtype.kind in "biuf":
        return values
    return _array(["" if cell is None else str(cell) for cell in column.to_pylist()])


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
