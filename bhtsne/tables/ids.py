"""Name and values of a column → whether it identifies the rows: an id is not a feature."""

import re
from typing import Any

import numpy as np

__all__ = ["are_whole", "is_id_name", "is_running", "rises"]

_NAMES = re.compile(
    r"(.*[_\s.-])?(id|ids|idx|index|uuid|guid|rowid|rownum|row_?number|row_?names?)"
    r"|unnamed: \d+|__index_level_\d+__"
)
FEWEST = 10  # rows from which consecutive values are taken for row numbers


def is_id_name(name: str) -> bool:
    """Return whether a name, which may be empty, is that of a column of ids.

    Examples
    --------
    >>> [is_id_name(name) for name in ("", "ID", "customer_id", "customerId", "width", "kid")]
    [True, True, True, True, False, False]
    """
    return not name or bool(_NAMES.fullmatch(name.lower())) or bool(re.search(r"[a-z]I[dD]$", name))


def is_running(values: Any) -> bool:
    """Return whether each value is the one before plus 1."""
    return len(values) >= FEWEST and values.ndim == 1 and bool((np.diff(values) == 1).all())


def rises(values: Any) -> bool:
    """Return whether values are integers, each greater than the one before."""
    if len(values) < FEWEST or values.ndim != 1 or not (np.diff(values) > 0).all():
        return False
    return values.dtype.kind in "iu" or bool((values == np.floor(values)).all())


def are_whole(values: Any) -> bool:
    """Return whether all values are integers, like ids."""
    return values.ndim == 1 and bool((values == np.floor(values)).all())
