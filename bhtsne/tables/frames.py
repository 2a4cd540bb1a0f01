"""A data frame → points and the names of their features, by the rules for files.

All columns of a frame are features: one that is not numeric raises an error with its name. pandas
and polars are not imported here; a frame is recognised by the module of its type.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from bhtsne.tables import missing, reading
from bhtsne.tables.columns import NUMBER, VECTOR, kind
from bhtsne.tables.report import listed
from bhtsne.tables.roles import Column
from bhtsne.validation.arrays import checked_points

__all__ = [
    "arrow_of",
    "as_points",
    "as_table",
    "check_kind",
    "in_order",
    "is_frame",
    "names_of",
    "order",
    "points",
]

_LIBRARIES = ("pandas", "polars", "pyarrow")
_REMEDY = "fill it in, or leave such rows out"


def is_frame(X: Any) -> bool:
    """Return whether X is a data frame, or a column, of pandas, polars or Arrow."""
    library = type(X).__module__.partition(".")[0]
    return library in _LIBRARIES or hasattr(X, "__arrow_c_stream__")


def names_of(X: Any) -> tuple[str, ...] | None:
    """Return the names of the columns of a frame if all are strings, as in scikit-learn."""
    if not is_frame(X) or not hasattr(X, "columns"):
        return None
    given = X.column_names if hasattr(X, "column_names") else X.columns
    names = tuple(given)
    return names if names and all(isinstance(name, str) for name in names) else None


def as_points(X: Any, fewest: int = 2, name: str = "X") -> Any:
    """Return a data frame, array or CSR matrix as finite points, or raise ValueError."""
    return checked_points(points(X, name) if is_frame(X) else X, fewest, name)


def as_table(X: Any, fewest: int = 2, name: str = "X") -> np.ndarray:
    """Return points as `as_points` does, as a dense array of float64."""
    X = as_points(X, fewest, name)
    return (X.toarray() if sparse.issparse(X) else X).astype(np.float64)


def points(X: Any, what: str = "X") -> Any:
    """Return the points of a data frame.

    Parameters
    ----------
    X : data frame or column of pandas, polars or pyarrow
        N rows; D columns of numbers, or one of vectors.
    what : str
        Name of X in messages.

    Returns
    -------
    ndarray of shape (N, D)
        Points in the common type of the columns; CSR if all columns are sparse.

    Raises
    ------
    ValueError
        If a column is not numeric or has a missing value; the message has its name.
    TypeError
        If the frame is lazy.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from bhtsne.tables import frames
    >>> frames.points(pa.table({"a": [1, 2], "b": [True, False]}))
    array([[1, 1],
           [2, 0]])
    """
    if hasattr(X, "collect"):
        raise TypeError(f"{what} must be a data frame, got a lazy one; call its method collect().")
    if _is_sparse(X):
        return X.sparse.to_coo().tocsr()
    if _is_plain(X):
        values = X.to_numpy()
        names = [str(name) for name in X.columns]
    else:
        columns = _columns(X, what)
        if not columns:
            raise ValueError(f"{what} must hold columns of numbers, got a frame without columns.")
        values = reading.stacked(columns)
        names = [column.name for column in columns]
        names = names if len(names) == values.shape[1] else names * values.shape[1]
    try:
        missing.check_complete(values, names, _REMEDY)
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from None
    return values


def order(names: Sequence[str], wanted: Sequence[str], what: str = "X") -> list[int]:
    """Return where the wanted features are among names.

    Raises
    ------
    ValueError
        If one is missing, one is there that is not wanted, or a name stands twice.

    Examples
    --------
    >>> from bhtsne.tables import frames
    >>> frames.order(["b", "a"], ["a", "b"])
    [1, 0]
    """
    lacking = [name for name in wanted if name not in set(names)]
    if lacking:
        raise ValueError(
            f"{what} must have the features of the fit, got none of the name "
            f"{listed([repr(name) for name in lacking])}; add them."
        )
    unknown = [name for name in names if name not in set(wanted)]
    if unknown:
        raise ValueError(
            f"{what} must have the features of the fit alone, got also "
            f"{listed([repr(name) for name in unknown])}; drop them."
        )
    if len(names) != len(wanted):
        raise ValueError(f"{what} must have each feature once, got {len(names)} of {len(wanted)}.")
    place = {name: j for j, name in enumerate(names)}
    return [place[name] for name in wanted]


def in_order(X: Any, wanted: Sequence[str], what: str = "X") -> Any:
    """Return a data frame, of dask or in memory, with the wanted columns in their order."""
    given = X.column_names if hasattr(X, "column_names") else X.columns
    order([str(name) for name in given], wanted, what)
    return X.select(list(wanted)) if hasattr(X, "column_names") else X[list(wanted)]


def check_kind(name: Any, dtype: Any, what: str = "X") -> None:
    """Raise ValueError unless a column of an Arrow type is a feature."""
    holds = kind(dtype)
    if holds not in (NUMBER, VECTOR):
        raise ValueError(
            f"{what} must hold numbers in each column, got {holds} in {name!r}; drop the column, "
            "or encode it as numbers."
        )


def _is_plain(X: Any) -> bool:
    """Return whether X is a frame of pandas whose columns all have numeric dtypes of NumPy."""
    if not type(X).__module__.startswith("pandas") or not hasattr(X, "columns"):
        return False
    numeric = [isinstance(dtype, np.dtype) and dtype.kind in "iuf" for dtype in X.dtypes]
    return bool(numeric) and all(numeric)


def _is_sparse(X: Any) -> bool:
    """Return whether X is a frame of pandas whose columns are all sparse."""
    framed = type(X).__module__.startswith("pandas") and hasattr(X, "columns")
    names = [type(dtype).__name__ for dtype in X.dtypes] if framed else []
    return bool(names) and set(names) == {"SparseDtype"}


def _columns(X: Any, what: str) -> list[Column]:
    """Return the columns of a frame of several types, each as an Arrow column."""
    columns = []
    for name, values in _cells(X):
        try:
            cells = arrow_of(values)
        except (TypeError, ValueError) as error:  # also the errors of pyarrow
            raise ValueError(
                f"{what} must hold values of one type in each column, got several in {name!r}: "
                f"{str(error).partition(chr(10))[0][:80].rstrip('.')}."
            ) from None
        check_kind(name, cells.type, what)
        columns.append(Column(str(name), kind(cells.type), cells))
    vectors = [column.name for column in columns if column.kind == VECTOR]
    if vectors and len(columns) > 1:
        raise ValueError(
            f"{what} must hold vectors in its only column, got them in {listed(vectors)} beside "
            "other columns; select one."
        )
    return columns


def _cells(X: Any) -> list[tuple[Any, Any]]:
    """Return pairs of a name and the values of the column."""
    library = type(X).__module__.partition(".")[0]
    if library == "pandas" and hasattr(X, "columns"):
        return [(name, X.iloc[:, j]) for j, name in enumerate(X.columns)]
    if library == "polars" and hasattr(X, "get_columns"):
        return [(column.name, column) for column in X.get_columns()]
    if library == "pyarrow" and hasattr(X, "column_names"):
        return list(zip(X.column_names, X.columns, strict=True))
    if library in _LIBRARIES:
        return [(getattr(X, "name", None) or "values", X)]
    import pyarrow as pa

    return _cells(pa.table(X))


def arrow_of(values: Any) -> Any:
    """Return a column as an Arrow column; a missing value of pandas is null."""
    import pyarrow as pa

    if hasattr(values, "to_arrow"):
        return values.to_arrow()
    if type(values).__module__.startswith("pyarrow"):
        return values
    if hasattr(values, "sparse"):
        values = values.sparse.to_dense()
    cells = pa.array(values, from_pandas=True)
    return cells if isinstance(cells, pa.ChunkedArray) else pa.chunked_array([cells])
