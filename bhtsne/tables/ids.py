"""Names and values of a column → whether it numbers the rows: an id is no feature."""

import re
from typing import Any

import numpy as np

__all__ = ["are_whole", "is_id_name", "is_running", "rises"]

_NAMES = re.compile(
    r"(.*[_\s.-])?(id|ids|idx|index|uuid|guid|rowid|rownum|row_?number|row_?names?)"
    r"|unnamed: \d+|__index_level_\d+__"
)
FEWEST = 10  # rows from which values that count up are taken for a number of the row


def is_id_name(name: str) -> bool:
    """Return whether a column of such a name, or of none, is an id.

    Examples
    --------
    >>> [is_id_name(name) for name in ("", "ID", "customer_id", "customerId", "width", "kid")]
    [True, True, True, True, False, False]
    """
    return not name or bool(_NAMES.fullmatch(name.lower())) or bool(re.search(r"[a-z]I[dD]$", name))


def is_running(values: Any) -> bool:
    """Return whether values go up by one from row to row."""
    return len(values) >= FEWEST and values.ndim == 1 and bool((np.diff(values) == 1).all())


def rises(values: Any) -> bool:
    """Return whether values are whole numbers, each of them above the one before."""
    if len(values) < FEWEST or values.ndim != 1 or not (np.diff(values) > 0).all():
        return False
    return values.dtype.kind in "iu" or bool((values == np.floor(values)).all())


def are_whole(values: Any) -> bool:
    """Return whether all values are whole numbers, as ids are."""
    return values.ndim == 1 and bool((values == np.floor(values)).all())
