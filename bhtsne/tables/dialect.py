"""First lines of a text file → its dialect: encoding, delimiter, header.

The parser is pyarrow's. DuckDB also detects delimiters, but no decimal comma and no header of
numbers, and is slow on wide tables (`bench/readers.py`, "duckdb_sniffer").
"""

import codecs
import csv
import io
from itertools import compress, islice, pairwise
from typing import Any, NamedTuple

from bhtsne.files import paths
from bhtsne.tables.text import is_missing, is_number

_DELIMITERS = (",", "\t", ";", "|", " ")
_ROWS = 1000  # rows of the sample
_CELLS = 2000  # cells of the sample by which the delimiter is found
_ENOUGH = 20  # lines of a sample, if the file has so many
WESTERN = "windows-1252"  # assumed encoding of text that is not UTF-8
_LONGEST = 1 << 26  # bytes of a line
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class Dialect(NamedTuple):
    """Form of a table in text.

    Attributes
    ----------
    encoding : str
        "utf-8", "utf-16" or "windows-1252".
    delimiter : str
        Separator of cells.
    header : bool
        Whether the first line holds the names of the columns.
    names : tuple of str
        Names of the columns: "" for one without a name, "column_1" … without a header.
    skipped : int
        Number of lines before the first row.
    rows : tuple of list of str
        First rows, by which the types of columns are guessed.
    """

    encoding: str
    delimiter: str
    header: bool
    names: tuple[str, ...]
    skipped: int
    rows: tuple[list[str], ...]


def find(path: Any, delimiter: str | None = None, header: bool | None = None) -> Dialect:
    """Return the dialect of a table; delimiter and header are detected unless given.

    Raises
    ------
    ValueError
        If the file is not text.
    """
    text, encoding = _sample(path)
    lines = list(islice(io.StringIO(text, newline=""), _ROWS))
    delimiter = delimiter or _delimiter(lines)
    reader = csv.reader(lines, delimiter=delimiter)
    rows, ends = [], []
    try:
        for row in reader:
            if row:
                rows.append(row)
                ends.append(reader.line_num)
            if len(rows) > _ROWS:
                break
    except csv.Error as error:
        raise ValueError(f"{error} on line {reader.line_num}") from None
    if not rows:
        return Dialect(encoding, delimiter, False, (), 0, ())
    if header is None:
        header = has_header(rows)
    first, body = rows[0], rows[1:] if header else rows
    names = [name.strip() for name in first] if header else []
    if (
        header and body and len(body[0]) == len(names) + 1
    ):  # R writes no name for the column of row names
        names = ["", *names]
    names = names or [f"column_{j + 1}" for j in range(len(first))]
    return Dialect(encoding, delimiter, header, tuple(names), ends[0] if header else 0, tuple(body))


def has_header(rows: list[list[str]]) -> bool:
    """Return whether the first row holds the names of the columns.

    It does if a numeric column starts with a word. A first line of numbers is a row of the table,
    unless it is a sequence such as 0, 1, 2, … or years, and the rows below are not.
    """
    first, *body = rows
    if not body:
        return not any(map(is_number, first))
    first = first if len(first) >= len(body[0]) else ["", *first]
    columns = list(zip(*(row for row in body if len(row) == len(first)), strict=True))
    numeric = [_is_numeric(cells) for cells in columns] or [False] * len(first)
    words = [c for c, n in zip(first, numeric, strict=True) if n and _is_word(c)]
    figures = [c for c, n in zip(first, numeric, strict=True) if n and is_number(c)]
    if figures:
        return _counts_up(figures, list(compress(columns, numeric))) or len(words) > len(figures)
    if words:
        return True
    # Without numeric columns: names are distinct words, which occur in no row.
    return len(set(first)) == len(first) and not any(c in row for row in body for c in first if c)


def _is_word(cell: str) -> bool:
    return not (is_missing(cell) or is_number(cell) or is_number(cell, ","))


def _is_numeric(cells: tuple[str, ...]) -> bool:
    known = [cell for cell in cells if not is_missing(cell)]
    return bool(known) and sum(is_number(c) or is_number(c, ",") for c in known) > len(known) / 2


def _counts_up(figures: list[str], columns: list[tuple[str, ...]]) -> bool:
    """Return whether numbers of a first line are numbers of columns, not coordinates."""
    if len(figures) < 2 or not all(cell.strip().isdigit() for cell in figures):
        return False
    if any(int(b) - int(a) != 1 for a, b in pairwise(figures)):
        return False
    fractions = any(not cell.strip().lstrip("+-").isdigit() for cells in columns for cell in cells)
    return fractions or (len(figures) > 4 and int(figures[0]) < 2)


def _delimiter(lines: list[str]) -> str:
    """Return the delimiter with which most lines have equally many cells, mostly numbers."""
    scores = [_score(lines, mark) for mark in _DELIMITERS]
    best = max(scores)
    return _DELIMITERS[scores.index(best)] if best > (0, 0) else ","


def _score(lines: list[str], mark: str) -> tuple[float, float]:
    """Return the fractions of lines with the usual number of cells, and of numeric cells."""
    try:
        rows = [row for row in csv.reader(lines, delimiter=mark) if row]
    except csv.Error:
        return 0, 0
    widths = [len(row) for row in rows[1:] or rows]  # the header of R has one name less
    if not widths or max(widths) < 2:
        return 0, 0
    usual = max(set(widths), key=widths.count)
    alike = widths.count(usual) / len(widths) if usual > 1 else 0
    cells = [cell for row in rows[:_ENOUGH] for cell in row]
    cells = cells[:_CELLS]
    decimals = (".",) if mark == "," else (".", ",")
    figures = sum(any(is_number(cell, d) for d in decimals) for cell in cells)
    return round(alike, 1), figures / max(len(cells), 1)


def _sample(path: Any) -> tuple[str, str]:
    """Return the first complete lines of a file, and their encoding."""
    with paths.opened(path) as file:
        data = file.read(1 << 20)
        while data.count(b"\n") + data.count(b"\r") < _ENOUGH:
            more = file.read(len(data))
            if not more:
                break
            data += more
            if len(data) > _LONGEST:
                raise ValueError(f"more than {_LONGEST:,} bytes in its first lines")
        whole = not file.read(1)
    if not whole:
        end = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        data = data[: end + (data[end : end + 1] == b"\0")]  # of UTF-16
    return decoded(data)


def decoded(data: bytes) -> tuple[str, str]:
    """Return text and its encoding: that of a byte order mark, UTF-8 or windows-1252."""
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")
    if encoding != "utf-16" and b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise ValueError(f"a NUL byte, which no text has, on line {line}")
    try:
        return data.decode("utf-8-sig" if encoding == "utf-8" else encoding), encoding
    except UnicodeDecodeError as error:
        if encoding == "utf-16":
            raise ValueError(f"text that is no UTF-16: {error.reason}") from None
        return data.decode(WESTERN, "replace"), WESTERN
