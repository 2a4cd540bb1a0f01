"""The beginning of a text file → how its table is written: encoding, delimiter, header.

The parser itself is pyarrow's. DuckDB's sniffer, which finds delimiters as well, knows no decimal
comma and no header of numbers, and is slow on wide tables (`bench/readers.py`, "duckdb_sniffer").
"""

import codecs
import csv
import io
from itertools import compress, islice, pairwise
from typing import Any, NamedTuple

from bhtsne.files import paths
from bhtsne.tables.text import is_missing, is_number

_DELIMITERS = (",", "\t", ";", "|", " ")
_ROWS = 1000  # of the sample that are looked at
_CELLS = 2000  # of these that are looked at to find the delimiter
_ENOUGH = 20  # lines that a sample has, if the file does
WESTERN = "windows-1252"  # what text that is no UTF-8 is taken for
_LONGEST = 1 << 26  # bytes of a line: three million numbers with all of their digits
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class Dialect(NamedTuple):
    """How a table is written as text.

    Attributes
    ----------
    encoding : str
        "utf-8", "utf-16" or "windows-1252".
    delimiter : str
        What stands between two cells.
    header : bool
        Whether the first line names the columns.
    names : tuple of str
        Names of the columns: "" for one without a name, "column_1" … without a header.
    skipped : int
        Lines before the first row.
    rows : tuple of list of str
        The first rows, from which the types of columns are guessed.
    """

    encoding: str
    delimiter: str
    header: bool
    names: tuple[str, ...]
    skipped: int
    rows: tuple[list[str], ...]


def find(path: Any, delimiter: str | None = None, header: bool | None = None) -> Dialect:
    """Return how a table is written; delimiter and header are found unless they are given.

    Raises
    ------
    ValueError
        If the file is no text.
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
    if header and body and len(body[0]) == len(names) + 1:  # as R writes names of rows
        names = ["", *names]
    names = names or [f"column_{j + 1}" for j in range(len(first))]
    return Dialect(encoding, delimiter, header, tuple(names), ends[0] if header else 0, tuple(body))


def has_header(rows: list[list[str]]) -> bool:
    """Return whether the first of some rows names the columns.

    It does if a column of numbers begins with a word. Where the first line is all numbers it is a
    row of the table, unless it counts up as the names of unnamed columns do (0, 1, 2, … or years)
    and the rows below do not look so.
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
    # No column of numbers: names are words of their own, which no row repeats.
    return len(set(first)) == len(first) and not any(c in row for row in body for c in first if c)


def _is_word(cell: str) -> bool:
    return not (is_missing(cell) or is_number(cell) or is_number(cell, ","))


def _is_numeric(cells: tuple[str, ...]) -> bool:
    known = [cell for cell in cells if not is_missing(cell)]
    return bool(known) and sum(is_number(c) or is_number(c, ",") for c in known) > len(known) / 2


def _counts_up(figures: list[str], columns: list[tuple[str, ...]]) -> bool:
    """Return whether numbers of a first line are those of columns, not of a point."""
    if len(figures) < 2 or not all(cell.strip().isdigit() for cell in figures):
        return False
    if any(int(b) - int(a) != 1 for a, b in pairwise(figures)):
        return False
    fractions = any(not cell.strip().lstrip("+-").isdigit() for cells in columns for cell in cells)
    return fractions or (len(figures) > 4 and int(figures[0]) < 2)


def _delimiter(lines: list[str]) -> str:
    """Return the delimiter that cuts most lines into as many cells, most of them numbers."""
    scores = [_score(lines, mark) for mark in _DELIMITERS]
    best = max(scores)
    return _DELIMITERS[scores.index(best)] if best > (0, 0) else ","


def _score(lines: list[str], mark: str) -> tuple[float, float]:
    """Return the shares of lines that are cut alike, and of cells that are numbers."""
    try:
        rows = [row for row in csv.reader(lines, delimiter=mark) if row]
    except csv.Error:
        return 0, 0
    widths = [len(row) for row in rows[1:] or rows]  # the header of R is one shorter
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
    """Return the first lines of a file, each whole, and their encoding."""
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
    """Return text and its encoding, which a mark tells, or else whether it is UTF-8."""
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
