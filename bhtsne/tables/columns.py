"""An Arrow column → its kind and its numbers, by the same rules for all formats and data frames.

Integers, floating point numbers of any width, decimals and bools are numbers; lists of numbers of
one length are vectors. Text, categories, dates and all other types are neither.
"""

from functools import cache
from typing import Any

import numpy as np

NUMBER, VECTOR, TEXT, DATE = "numbers", "vectors", "text", "dates"


@cache
def kind(dtype: Any) -> str:
    """Return the kind of an Arrow type: `NUMBER`, `VECTOR`, or a word for a message.

    Parameters
    ----------
    dtype : pyarrow.DataType
        Type of a column.

    Returns
    -------
    str
        In the plural: "numbers", "vectors", "text", "categories", "dates", "times", "durations",
        "bytes", "records" or "nothing".

    Examples
    --------
    >>> import pyarrow as pa
    >>> kind(pa.decimal128(5, 2)), kind(pa.list_(pa.float16())), kind(pa.date32())
    ('numbers', 'vectors', 'dates')
    """
    import pyarrow.types as types

    dtype = getattr(dtype, "storage_type", dtype)  # of an extension type, such as a tensor
    if types.is_integer(dtype) or types.is_floating(dtype) or types.is_boolean(dtype):
        return NUMBER
    if types.is_decimal(dtype):
        return NUMBER
    if _is_list(dtype):
        return VECTOR if kind(dtype.value_type) == NUMBER else "lists"
    known = (
        (TEXT, (types.is_string, types.is_large_string, types.is_string_view)),
        ("categories", (types.is_dictionary,)),
        (DATE, (types.is_date, types.is_timestamp)),
        ("times", (types.is_time,)),
        ("durations", (types.is_duration, types.is_interval)),
        ("bytes", (types.is_binary, types.is_large_binary, types.is_binary_view,
                   types.is_fixed_size_binary)),
        ("nothing", (types.is_null,)),
    )  # fmt: skip
    return next((word for word, tests in known if any(t(dtype) for t in tests)), "records")


def numbers(name: str, column: Any) -> np.ndarray:
    """Return a column of numbers or vectors as an array; NaN where a value is missing.

    Parameters
    ----------
    name : str
        Name of the column, for messages.
    column : pyarrow.Array or pyarrow.ChunkedArray
        Of kind "numbers" or "vectors".

    Returns
    -------
    ndarray of shape (N,) or (N, D)
        Values in the type of the column, if NumPy has it and none is missing; else floating point.

    Raises
    ------
    ValueError
        If vectors differ in length, or a row has none.

    Examples
    --------
    >>> import pyarrow as pa
    >>> numbers("x", pa.array([True, None, False]))
    array([ 1., nan,  0.])
    >>> numbers("v", pa.array([[1, 2], [3, 4]]))
    array([[1, 2],
           [3, 4]])
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    column = _joined(column)
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if _is_list(column.type):
        return _vectors(name, column)
    if pa.types.is_decimal(column.type):
        # By way of text: the conversion of Arrow has errors in the last bit.
        column = pc.cast(pc.cast(column, pa.string()), pa.float64())
    elif pa.types.is_boolean(column.type):
        column = pc.cast(column, pa.uint8())
    values = column.to_numpy(zero_copy_only=False)
    return values.astype(np.float32) if values.dtype == np.float16 else values


def _vectors(name: str, column: Any) -> np.ndarray:
    import pyarrow.compute as pc

    if column.null_count:
        row = int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))
        raise ValueError(
            f"column {name!r} has no vector in row {row + 1} ({column.null_count:,} of "
            f"{len(column):,}); give one, or leave such rows out."
        )
    lengths = pc.list_value_length(column).to_numpy(zero_copy_only=False)
    other = np.flatnonzero(lengths != lengths[:1])
    if len(other):
        raise ValueError(
            f"column {name!r} must hold vectors of one length, got {lengths[other[0]]} numbers in "
            f"row {other[0] + 1} and {lengths[0]} in row 1."
        )
    flat = numbers(name, column.flatten())
    return flat.reshape(len(column), -1) if len(column) else np.empty((0, 0))


def _joined(column: Any) -> Any:
    """Return a chunked array as one array."""
    return column.combine_chunks() if hasattr(column, "combine_chunks") else column


def _is_list(dtype: Any) -> bool:
    import pyarrow.types as types

    return types.is_list(dtype) or types.is_large_list(dtype) or types.is_fixed_size_list(dtype)
