"""Message → UserWarning at the line of the caller of this package."""

import sys
import warnings

__all__ = ["warn"]


def warn(message: str) -> None:
    """Issue a UserWarning that points at the line which called the package."""
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and _is_inner(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, UserWarning, stacklevel=level)


def _is_inner(module: str) -> bool:
    """Return whether a module is the package's, or one that calls it from within a call of it."""
    return module.partition(".")[0] in ("bhtsne", "sklearn", "contextlib", "functools")
