"""A table → the floating types that it is taken in, so that it is copied as rarely as possible."""

import numpy as np

from bhtsne.neighbors.points import read_in_place

__all__ = ["float_types"]


def float_types(X) -> list[type]:
    """Return the types that X may have, first the one that others are converted to."""
    if read_in_place(X):
        return [X.dtype]
    dtype = getattr(X, "dtype", np.dtype(np.float64))
    fits = isinstance(dtype, np.dtype) and np.result_type(dtype, np.float32) == np.float32
    return [np.float32, np.float64] if fits else [np.float64, np.float32]
