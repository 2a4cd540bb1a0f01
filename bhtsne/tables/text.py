"""A column of text → its numbers, or its kind.

A column is numeric if all of its cells are numbers or missing.
"""

import re
from typing import Any, NamedTuple

import numpy as np

from bhtsne.tables.columns import DATE, NUMBER, TEXT

MISSING = (
    "", "na", "n/a", "#n/a", "nan", "-nan", "null", "none", "nil", "missing", "<na>", "?", "-", ".",
)  # fmt: skip
_BOOLS = ("true", "false")
_SIGN, _EXPONENT = r"[+-]?", r"(?:[eE][+-]?\d+)?"
_MONEY = r"[$€£¥]?"
_GROUP = "[ \u00a0\u202f']"
_PLAIN = rf"{_SIGN}(?:\d+\.?\d*|\.\d+){_EXPONENT}"
_INFINITE = rf"{_SIGN}(?:inf|infinity)"
# Cells of a number with a decimal point or comma; thousands are grouped by the other, or by spaces.
_POINT = rf"{_MONEY}{_SIGN}{_MONEY}(?:{_PLAIN}|\d{{1,3}}(?:(?:,|{_GROUP})\d{{3}})+(?:\.\d+)?)"
_COMMA = (
    rf"{_MONEY}{_SIGN}{_MONEY}(?:\d+(?:,\d*)?{_EXPONENT}|,\d+|\d{{1,3}}(?:(?:\.|{_GROUP})\d{{3}})+"
    rf"(?:,\d+)?)(?:\s?[$€£¥])?"
)
_PATTERNS = {".": rf"{_POINT}(?:\s?[$€£¥])?|{_INFINITE}", ",": rf"{_COMMA}|{_INFINITE}"}
_GROUPED = rf"{_SIGN}\d{{1,3}}(?:,\d{{3}})+"  # with a decimal comma these are numbers too
_DATE = r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T]\d{1,2}:\d{2}.*)?"
_MOSTLY = 0.9  # fraction of numeric cells from which the others are mistakes


class Parsed(NamedTuple):
    """Kind and numbers of a column of text.

    Attributes
    ----------
    kind : str
        "numbers", "dates", "text" or "nothing".
    values : ndarray of float64, shape (N,), or None
        Numbers, NaN for an empty cell; None for other kinds.
    odd : int or None
        Row of the first cell that is not a number, if most others are.
    n_odd : int
        Number of such cells.
    """

    kind: str
    values: np.ndarray | None = None
    odd: int | None = None
    n_odd: int = 0


def is_number(cell: str, decimal: str = ".") -> bool:
    """Return whether a cell is a number, a percentage or an amount of money."""
    return re.fullmatch(rf"(?:{_PATTERNS[decimal]})\s?%?", cell.strip(), re.IGNORECASE) is not None


def is_missing(cell: str) -> bool:
    """Return whether a cell is a missing value."""
    return cell.strip().lower() in MISSING


def parse(column: Any, decimal: str = ".") -> Parsed:
    """Return the kind and the numbers of a column of text.

    Parameters
    ----------
    column : pyarrow.Array or pyarrow.ChunkedArray of string
        Cells.
    decimal : {".", ","}
        Decimal mark. The other mark separates thousands.

    Returns
    -------
    Parsed
        Kind and numbers. Numbers are also percentages (``4.2%`` is 0.042), amounts of money,
        numbers with separated thousands, and the words true and false (1 and 0).

    Examples
    --------
    >>> import pyarrow as pa
    >>> parse(pa.array(["4,230.00", "17", ""])).values
    array([4230.,   17.,   nan])
    >>> parse(pa.array(["4.230,5", "1e3"]), ",").values
    array([4230.5, 1000. ])
    >>> parse(pa.array(["2024-01-31", "2024-02-01"])).kind
    'dates'
    """
    import pyarrow.compute as pc

    cells, missing = pc.utf8_trim_whitespace(column), are_missing(column)
    lower = pc.utf8_lower(cells)
    count = len(cells) - int(pc.sum(missing).as_py() or 0)
    if not count:
        return Parsed("nothing")
    if int(pc.sum(_isin(lower, _BOOLS)).as_py() or 0) == count:
        return Parsed(NUMBER, _filled(pc.equal(lower, "true"), missing))
    readable = _matches(cells, _PATTERNS[decimal])
    if _all(readable, missing):
        return Parsed(NUMBER, _filled(_cleaned(cells, decimal), missing))
    percent = _matches(cells, rf"(?:{_PATTERNS[decimal]})\s?%")
    if _all(percent, missing):
        return Parsed(NUMBER, _filled(_cleaned(cells, decimal), missing) / 100)
    if _all(_matches(cells, _DATE), missing):
        return Parsed(DATE)
    known = np.array(pc.or_(readable, missing))
    n_odd = int((~known).sum())
    if n_odd > (1 - _MOSTLY) * count:
        return Parsed(TEXT)
    return Parsed(TEXT, None, int(np.argmin(known)), n_odd)


def decimal_mark(columns: list[Any], delimiter: str) -> str:
    """Return the decimal mark of columns of text: a comma if some are numeric only with it.

    If every comma could separate thousands, as in 4,230, it is decimal in a file with semicolons or
    tabs between cells, the form in which spreadsheets write decimal commas.
    """
    import pyarrow.compute as pc

    doubtful = False
    for column in columns:
        cells, missing = pc.utf8_trim_whitespace(column), are_missing(column)
        if _all(_matches(cells, _PATTERNS[","]), missing):
            if not _all(_matches(cells, _PATTERNS["."]), missing):
                return ","
            grouped = _matches(cells, _GROUPED)
            doubtful |= bool(_any(grouped)) and delimiter in ";\t"
    return "," if doubtful else "."


def are_missing(column: Any) -> Any:
    """Return which cells of text are missing values."""
    import pyarrow.compute as pc

    return _isin(pc.utf8_lower(pc.utf8_trim_whitespace(column)), MISSING)


def _isin(cells: Any, words: tuple[str, ...]) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.fill_null(pc.is_in(cells, value_set=pa.array(words, cells.type)), True)


def _matches(cells: Any, pattern: str) -> Any:
    import pyarrow.compute as pc

    return pc.match_substring_regex(cells, f"(?i)^(?:{pattern})$")


def _all(good: Any, missing: Any) -> bool:
    import pyarrow.compute as pc

    either = pc.or_(pc.fill_null(good, False), missing)
    return bool(pc.all(either).as_py()) and not pc.all(missing).as_py()


def _any(good: Any) -> bool:
    import pyarrow.compute as pc

    return bool(pc.any(good).as_py())


def _cleaned(cells: Any, decimal: str) -> Any:
    """Return cells of numbers without separators and signs of money."""
    import pyarrow.compute as pc

    group = "." if decimal == "," else ","
    cells = pc.replace_substring_regex(cells, rf"[{group}{_GROUP[1:-1]}$€£¥%+]", "")
    return pc.replace_substring(cells, ",", ".") if decimal == "," else cells


def _filled(cells: Any, missing: Any) -> np.ndarray:
    """Return cells as float64, NaN for a missing one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    known = pc.if_else(missing, pa.scalar(None, cells.type), cells)
    if pa.types.is_boolean(known.type):
        known = pc.cast(known, pa.uint8())
    known = pc.cast(known, pa.float64())
    return np.array(known.combine_chunks() if hasattr(known, "combine_chunks") else known)
