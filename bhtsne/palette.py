"""Labels → categories or quantities, and their colours, for plots and for the browser."""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import isfinite
from numbers import Integral, Real
from typing import Any

import numpy as np

# Result of a search that maximises the smallest distance between two colours in CIELAB, under full
# colour vision, deuteranopia and protanopia. tests/test_plot.py computes these distances.
_HEX = """
5973a6 f9a653 269f66 bf400d 664dbf 33ccff f9cc0d 6c3320 ffb3bf 33736c
a385ff 293366 f570b8 f56629 1ff5f5 520a8f 5c4770 c23d7a 1f5247 5ca3a3
990047 47d6a3 d67a85 cce0a3 99298f 1f5c99 995ccc 660052 c2a37a 7a5c47
3333ad 527af5 c270cc 7a9900 ccadd6 707a47 99eb66 99a3eb 993300 1499e0
"""
# The same hues for a dark background, with a contrast of at least 3 to it. tests/test_plot_theme.py
# computes the contrasts and distances.
_HEX_ON_DARK = """
1e79bb f8a553 a0f69e cd4515 7f69f6 0ecbff f7ca02 a56048 feb3c0 347f7d
a185ff 1769d0 f978c2 f96c2b 2bf5f4 b62ae1 a22fa6 c73c81 376c56 5da4a5
b0315b 39d19d d87985 bed79a e265d3 3461ac a85fc9 aa318c f4d2b5 bc9672
7f41c0 1d5fdc bc5faa 7c9e0c caaed9 78865a 98ec6c 8b8bce aa4216 15a1e8
"""
PALETTE = tuple(f"#{digits}" for digits in _HEX.split())
DARK_PALETTE = tuple(f"#{digits}" for digits in _HEX_ON_DARK.split())
PLAIN = {"light": "#2f5f94", "dark": "#7fb2e5"}
MISSING = {"light": "#c8c8c8", "dark": "#4d5259"}
OTHERS = {"light": "#98a2b3", "dark": "#77808f"}  # of categories without a colour of their own


def is_missing(label: Any) -> bool:
    """Return whether a label is None, NaN, NaT, the NA of pandas, masked or blank text."""
    if isinstance(label, str | bytes):
        return not label.strip()
    return (
        label is None
        or label is np.ma.masked
        or type(label).__name__ == "NAType"
        or bool(label != label)
    )


def plain_values(labels: Any) -> list:
    """Return labels as Python objects, with None for missing labels.

    Labels are a list, an array, or a column of pandas, polars or pyarrow. Bytes are decoded,
    decimals become floats, durations become floats in days, and periods become their first day.
    Integral floats become integers if labels are missing, since tables convert integer columns
    with missing entries to float.
    """
    listed = _as_list(labels)
    try:  # convert each distinct label once: there are far fewer of them than points
        plain = {x: None if is_missing(x) else _plain_value(x) for x in set(listed)}
    except TypeError:  # cells that hold lists or other unhashable objects
        return [None if _is_missing_cell(x) else _plain_value(x) for x in listed]
    present = {x for x in plain.values() if x is not None}
    has_gaps = len(present) < len(plain) and None in plain.values()
    if has_gaps and len(present) <= len(PALETTE) and all(map(_is_integral_float, present)):
        plain = {x: None if value is None else int(value) for x, value in plain.items()}
    return [plain[x] for x in listed]


def _as_list(labels: Any) -> list:
    """Return labels as a list of Python objects, converted by their own table."""
    if not isinstance(labels, np.ndarray):
        method = next((x for x in ("to_pylist", "tolist", "to_list") if hasattr(labels, x)), None)
        return getattr(labels, method)() if method else list(labels)
    unit = {"M": "M8[us]", "m": "m8[us]"}.get(labels.dtype.kind)
    listed = (labels if unit is None else labels.astype(unit)).tolist()
    if labels.dtype.kind == "f":  # each NaN is a separate object, and a set would hold all of them
        for i in np.flatnonzero(np.isnan(np.ma.getdata(labels))):
            listed[i] = None
    return listed


def _is_missing_cell(label: Any) -> bool:
    """Return whether a label is missing; lists and arrays are not."""
    return not isinstance(label, list | tuple | dict | np.ndarray) and is_missing(label)


def _is_integral_float(label: Any) -> bool:
    return isinstance(label, float) and label.is_integer()


def _plain_value(label: Any) -> Any:
    """Convert a label to text, a number or a date; return other objects unchanged."""
    if isinstance(label, bytes):
        return label.decode(errors="replace")
    if isinstance(label, Decimal):
        return float(label)
    if isinstance(label, timedelta):
        return label / timedelta(days=1)
    if isinstance(label, np.generic) and label.dtype.kind in "mM":
        return _plain_value(label.astype(f"{label.dtype.kind}8[us]").item())
    if hasattr(label, "to_timestamp"):  # a pandas Period
        return label.to_timestamp()
    return label


def as_dates(labels: Iterable[Any]) -> dict[Any, float] | None:
    """Return the days since 1970 of each label if all labels are dates, otherwise None.

    Times are local to the time zone of each label. Text is read as dates if every label is in
    ISO 8601 and there are more distinct labels than colours.
    """
    seen = set(labels)
    if not seen:
        return None
    if len(seen) > len(PALETTE) and all(isinstance(x, str) and x[4:5] == "-" for x in seen):
        try:
            return {x: _days(datetime.fromisoformat(x)) for x in seen}
        except ValueError:
            return None
    return {x: _days(x) for x in seen} if all(isinstance(x, date) for x in seen) else None


def _days(when: date) -> float:
    time = when if isinstance(when, datetime) else datetime(when.year, when.month, when.day)
    return (time.replace(tzinfo=None) - datetime(1970, 1, 1)) / timedelta(days=1)


def categories(given: Sequence[Any], labels: Iterable[Any]) -> tuple[list | None, list]:
    """Return the categories with colours and the categories present, in order; None for quantities.

    All categories of a categorical Series have colours, including those without points, so that a
    subset of the points is drawn in the same colours. Numbers within text sort by value:
    "2", "10", "day 2", "day 10".
    """
    dtypes: list[Any] = [getattr(some, "dtype", None) for some in given]
    seen = set(labels)
    if dtypes and all(getattr(dtype, "name", None) == "category" for dtype in dtypes):
        # the categories of pandas have an order
        levels = list(dict.fromkeys(_plain_value(x) for d in dtypes for x in d.categories))
        present = [x for x in levels if x in seen]
        return (levels if len(levels) <= len(PALETTE) else present), present
    if all(isinstance(x, Integral) for x in seen) and len(seen) <= len(PALETTE):
        ordered = sorted(seen)
    elif all(isinstance(x, Real) for x in seen):
        return None, []
    else:
        ordered = sorted(seen, key=_sort_key)
    return ordered, ordered


def _sort_key(label: Any) -> tuple:
    """Return a key that sorts numbers by value, then text, with digits in text by value."""
    text = str(label)
    try:
        number = float(text)
    except ValueError:
        number = np.inf
    parts = re.split(r"(\d+)", text)
    # Not `int`, which raises for thousands of digits. Leading zeros are compared last, in `text`.
    parts[1::2] = [(len(digits.lstrip("0")), digits.lstrip("0")) for digits in parts[1::2]]
    return (0, number, parts, text) if isfinite(number) else (1, 0.0, parts, text)
