"""Columns of values → typed arrays with names, in the smallest types that hold the values."""

from numbers import Integral
from typing import Any, NamedTuple

import numpy as np

from bhtsne.palette import PALETTE, as_dates, categories, plain_values

_EXACT = 1 << 53  # the largest integer up to which numbers of JavaScript are exact


class Column(NamedTuple):
    """One value for each point: numbers, or indices into names."""

    name: str
    kind: str  # "category" and "text" have names; "integer", "fraction" and "date" are quantities
    values: np.ndarray  # dates in ms since 1970; missing: NaN, or an index past the last name
    names: list[str] | None


def encode(where: str, values: Any, n: int, name: str = "id") -> Column:
    """Return values as a column; `where` is the name of the argument in error messages."""
    plain = hasattr(values, "__len__") and not isinstance(values, str | bytes | dict)
    if not plain or getattr(values, "ndim", 1) != 1 or len(values) != n:
        got = f" of length {len(values)}" if plain else ""
        raise ValueError(
            f"{where} must be one value for each of the {n} points, got "
            f"{type(values).__name__}{got}."
        )
    flat = plain_values(values)
    try:
        seen = {x for x in flat if x is not None}
    except TypeError:  # cells that hold lists or other unhashable objects
        flat = [None if x is None else str(x) for x in flat]
        seen = {x for x in flat if x is not None}
    if days := as_dates(seen):
        times = [np.nan if x is None else days[x] * 86_400_000 for x in flat]
        return Column(name, "date", np.round(times, 3), None)
    distinct, _ = categories([values], seen)
    if distinct is None:
        return _quantity(name, flat, seen)
    place = {x: i for i, x in enumerate(distinct)}
    codes = [len(place) if x is None else place[x] for x in flat]
    # Categories of one point each have no colours.
    n_present = len(flat) - flat.count(None)
    kind = "text" if len(PALETTE) < len(distinct) == n_present else "category"
    return Column(name, kind, _smallest(codes), [str(x) for x in distinct])


def _quantity(name: str, flat: list, seen: set) -> Column:
    """Return a column of numbers, or of text if integers are too large for JavaScript."""
    whole = all(isinstance(x, Integral) for x in seen)
    if whole and max(map(abs, seen)) > _EXACT:
        texts = [None if x is None else str(x) for x in flat]
        return encode(name, texts, len(flat), name)
    if whole and None not in flat:
        return Column(name, "integer", _smallest(flat), None)
    numbers = np.array([np.nan if x is None else x for x in flat], np.float64)
    single = numbers.astype(np.float32)
    exact = not whole or np.array_equal(single, numbers, equal_nan=True)
    return Column(name, "integer" if whole else "fraction", single if exact else numbers, None)


def _smallest(integers: list) -> np.ndarray:
    """Return integers in the smallest dtype that holds them and has a typed array in JavaScript."""
    array = np.array(integers, dtype=np.int64)
    for dtype in (np.uint8, np.int16, np.uint16, np.int32, np.uint32):
        if np.iinfo(dtype).min <= array.min() and array.max() <= np.iinfo(dtype).max:
            return array.astype(dtype)
    return array.astype(np.float64)
