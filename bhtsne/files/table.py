"""What a reader finds in a file → `Table`: points, their labels, and columns that are no points."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np


class Table(NamedTuple):
    """Points and what is known of each.

    Attributes
    ----------
    X : ndarray or CSR array of shape (N, D)
        Points.
    labels : ndarray of shape (N,) or None
        One label a point.
    columns : tuple of str or None
        Names of the D columns.
    kept : mapping of str to ndarray of shape (N,)
        The columns that are no coordinates, by their names.
    sides : tuple of int or None
        Sides of the image that each row was, where it was one.
    """

    X: Any
    labels: np.ndarray | None = None
    columns: tuple[str, ...] | None = None
    kept: Mapping[str, np.ndarray] = MappingProxyType({})
    sides: tuple[int, ...] | None = None


class Wanted(NamedTuple):
    """Which columns of a file are no coordinates.

    Attributes
    ----------
    label : str or None
        The name of the column, or array, of labels.
    keep : tuple of str
        The names of columns that are kept as they are.
    words : bool
        Whether columns that begin with a word are kept too.
    """

    label: str | None = None
    keep: tuple[str, ...] = ()
    words: bool = False
