"""Tables of points → finite arrays that kernels can read, or one clear error."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from scipy import sparse

from bhtsne import memory

# Below, float32 keeps fewer digits; above, float64 does not hold the sum of its squares.
_LEAST, _MOST = 1e-37, 1e150


def checked_points(X, fewest: int = 2, name: str = "X"):
    """Return X as a finite float array, row by row, or CSR of shape (N, D), or raise ValueError.

    A memory map stays as it is, also of whole numbers or column by column: to convert is to copy.
    """
    X = checked_sparse(X, name) if sparse.issparse(X) else checked_reals(X, name)
    if X.ndim != 2 or X.shape[0] < fewest or X.shape[1] < 1:
        raise ValueError(
            f"{name} must hold {fewest} points or more in shape (N, D), got shape {X.shape}."
        )
    in_place = read_in_place(X)
    if not in_place and X.dtype not in (np.float32, np.float64):
        small = np.result_type(X.dtype, np.float32) == np.float32
        with np.errstate(over="ignore"):  # infinity is reported below
            X = X.astype(np.float32 if small else np.float64)
    size = max_magnitude(X.data if sparse.issparse(X) else X)
    if not np.isfinite(size):
        raise ValueError(
            f"{name} must be finite, got NaN or infinity{_place_of_first(X)}: drop or impute those "
            "rows."
        )
    check_size(size, name, _MOST)
    return X if in_place or sparse.issparse(X) else np.ascontiguousarray(X)


def _place_of_first(X) -> str:
    """Return the place of the first number that is not finite as text; none for a sparse matrix."""
    if sparse.issparse(X):
        return ""
    row = next(i for i in range(len(X)) if not np.isfinite(X[i]).all())
    return f", the first at {(row, int(np.argmin(np.isfinite(X[row]))))}"


def read_in_place(X) -> bool:
    """Return whether X is a memory map that compiled code can read: to convert it is to copy it."""
    readable = memory.mapped(X) is not None and X.dtype.kind in "iuf" and X.dtype.isnative
    return readable and X.dtype != np.float16


def check_mask(X, name: str = "X") -> None:
    """Raise ValueError if X is a masked array that has something masked."""
    if isinstance(X, np.ma.MaskedArray) and np.ma.getmaskarray(X).any():
        masked = np.ma.getmaskarray(X)
        raise ValueError(
            f"{name} must be whole, got {int(masked.sum())} masked entries, the first at "
            f"{tuple(map(int, np.argwhere(masked)[0]))}; drop those rows, or impute by X.filled."
        )


def checked_array(X, name: str) -> np.ndarray:
    """Return what NumPy makes of X, or raise ValueError."""
    check_mask(X, name)
    try:
        return np.asarray(X)
    except (OverflowError, TypeError, ValueError) as error:
        raise ValueError(f"{name} must be a table of numbers, got what is none: {error}") from None


@contextmanager
def float_conversion(name: str) -> Iterator[None]:
    """Convert numbers too large for float64 to infinity, or raise ValueError."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            yield
    except OverflowError:
        raise ValueError(f"{name} must hold numbers that fit into float64, got larger.") from None


def checked_reals(X, name: str) -> np.ndarray:
    """Return an array of real numbers of any shape, or raise ValueError."""
    X = checked_array(X, name)
    if X.ndim and X.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold real numbers, got {X.dtype}.")
    return X.astype(np.float32) if X.dtype == np.float16 else X  # which SciPy does not take


def max_magnitude(values: np.ndarray) -> float:
    """Return the largest magnitude of numbers, or NaN if one is; not a second array of them."""
    return max(float(values.max(initial=0)), -float(values.min(initial=0)))


def checked_sparse(X, name: str):
    """Return a sparse matrix as CSR, each place stored once, or raise ValueError.

    Compiled code follows an index wherever it leads, out of the array too, and takes the square of
    a sum for a sum of squares where a place is stored twice.
    """
    try:
        if X.format == "coo":
            X = sparse.coo_array((X.data, X.coords), shape=X.shape)
        elif X.format in ("csr", "csc", "bsr"):
            X = _looked_through(X, type(X))
        X = _looked_through(sparse.csr_array(X), sparse.csr_array)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must be a sparse matrix whose indices lie within it, got another: {error}."
        ) from None
    if X.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold real numbers, got {X.dtype}.")
    if not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    return X


def _looked_through(X, kind: type):
    """Return a compressed sparse matrix that shares X's parts; ValueError if they do not fit."""
    X = kind((X.data, X.indices, X.indptr), shape=X.shape)
    X.check_format()
    if (np.diff(X.indptr) < 0).any():  # SciPy looks no further where the last is not above 0
        raise ValueError("index pointer values must form a non-decreasing sequence")
    return X


def check_size(size: float, name: str, most: float) -> None:
    """Raise ValueError unless a largest magnitude is 0 or one that float32 can compute with."""
    if size and not _LEAST <= size <= most:
        raise ValueError(
            f"{name}'s numbers and distances must fit into float32, at most 3e38 and not all "
            f"below 1e-37, got {size:g}; divide {name} by its maximum."
        )
