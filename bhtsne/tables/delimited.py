"""A text file of known dialect → its columns, numbers or text, by pyarrow's parser of CSV.

Columns of plain numbers in the sample are parsed as numbers. If a later cell is not a number, all
columns are read as text, and the kind of each is found from all of its cells. Parsed numbers take
less memory than text (`bench/readers.py`, "pyarrow_floats" and "pyarrow_text").
"""

import csv
import io
import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from bhtsne.files import paths
from bhtsne.tables.dialect import WESTERN, Dialect
from bhtsne.tables.text import MISSING, is_missing

_BLOCK = 1 << 24  # bytes; wide tables are slow with the 1 MiB of the parser's default
_OF_COLUMN = 1 << 11  # bytes that the parser needs for a column of any kind
_NULLS = sorted({form for word in MISSING for form in (word, word.upper(), word.title())} | {"NaN"})
# Not 007, which may be an id, whose zeros matter.
_NUMBER = re.compile(r"\s*[+-]?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*")


def read(
    path: Path, dialect: Dialect, text: Collection[int], wanted: Collection[int]
) -> tuple[list[Any], Dialect]:
    """Read columns of a text file.

    Parameters
    ----------
    path : path
        The file, compressed by gzip or not.
    dialect : Dialect
        Encoding, delimiter and header.
    text : collection of int
        Columns to read as text.
    wanted : collection of int
        Columns to read.

    Returns
    -------
    columns : list of pyarrow.ChunkedArray
        Columns of float64 or of strings, in the order of `wanted`.
    dialect : Dialect
        The dialect, with another encoding if the file has one.

    Raises
    ------
    ValueError
        If the rows differ in their numbers of cells, or the file is not text.
    """
    import pyarrow as pa

    _check_memory(path, dialect)
    try:
        return _parsed(path, dialect, set(text), wanted), dialect
    except pa.ArrowInvalid as error:
        if "invalid UTF8" in str(error):
            return read(path, dialect._replace(encoding=WESTERN), text, wanted)
        if "conversion error" in str(error):
            return _parsed(path, dialect, set(wanted), wanted), dialect
        raise ValueError(_fault(path, dialect, str(error))) from None


def guessed_text(dialect: Dialect) -> set[int]:
    """Return the columns whose first cells are not all plain numbers."""
    text = set(range(len(dialect.names)))
    if dialect.rows:
        width = len(dialect.names)
        columns = zip(*(row for row in dialect.rows if len(row) == width), strict=True)
        text -= {j for j, cells in enumerate(columns) if all(map(_is_plain, cells))}
    return text


def _is_plain(cell: str) -> bool:
    return bool(_NUMBER.fullmatch(cell)) or is_missing(cell)


def _parsed(path: Path, dialect: Dialect, text: set[int], wanted: Collection[int]) -> list[Any]:
    import pyarrow as pa
    from pyarrow import csv as parser

    keys = [f"{j}" for j in range(len(dialect.names))]  # names may be empty or repeated
    types = {keys[j]: pa.string() if j in text else pa.float64() for j in wanted}
    longest = max((sum(map(len, row)) + len(row) for row in dialect.rows), default=0)
    with paths.opened(path) as file:
        table = parser.read_csv(
            file,
            parser.ReadOptions(
                column_names=keys, skip_rows=dialect.skipped, encoding=dialect.encoding,
                block_size=max(_BLOCK, 8 * longest),
            ),
            parser.ParseOptions(delimiter=dialect.delimiter, newlines_in_values=True),
            parser.ConvertOptions(
                column_types=types, null_values=_NULLS, include_columns=[keys[j] for j in wanted]
            ),
        )  # fmt: skip
    _check_quotes(path, table)
    return list(table.columns)


def _check_quotes(path: Path, table: Any) -> None:
    """Raise ValueError if an unclosed quote has joined the rows after it to one cell."""
    import pyarrow as pa

    texts = [column for column in table.columns if pa.types.is_string(column.type)]
    last = [column[-1].as_py() or "" for column in texts if len(column)]
    if not any("\n" in cell or "\r" in cell for cell in last):
        return
    with paths.opened(path) as file:
        quotes = sum(block.count(b'"') for block in iter(lambda: file.read(_BLOCK), b""))
    if quotes % 2:
        raise ValueError("a quote that is opened and never closed")


def _check_memory(path: Path, dialect: Dialect) -> None:
    """Raise ValueError if the table needs more memory than is free, estimated by its first rows."""
    width = len(dialect.names)
    need = width * _OF_COLUMN
    if dialect.rows and not paths.is_zipped(path):
        row = sum(sum(map(len, row)) + len(row) for row in dialect.rows) / len(dialect.rows)
        need = max(need, int(os.stat(path).st_size / max(row, 1) * width * 8))
    paths.check_memory(need)


def _fault(path: Path, dialect: Dialect, error: str) -> str:
    """Return the line of a fault; the parser does not report it."""
    with paths.opened(path) as file:
        text = io.TextIOWrapper(file, dialect.encoding, "replace", newline="")
        reader, width, start = csv.reader(text, delimiter=dialect.delimiter), None, 1
        try:
            for row in reader:
                # The header of R has one name less than the rows have cells.
                width = width if width or not row else max(len(row), len(dialect.names))
                first = reader.line_num <= dialect.skipped
                if row and not first and len(row) != width:
                    return f"{len(row)} cells on line {start} where the first has {width}"
                start = reader.line_num + 1
        except csv.Error as fault:
            return f"{fault} on line {start}"
    return error.partition("\n")[0]
