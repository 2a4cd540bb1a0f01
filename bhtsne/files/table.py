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
        One label a point; an empty text, NaN or NaT where a point has none.
    columns : tuple of str or None
        Names of the D features.
    kept : mapping of str to ndarray of shape (N,)
        The columns that are no features, by their names.
    sides : tuple of int or None
        Sides of the image that each row was, where it was one.
    rows : ndarray of bool or None
        Rows of the file that are points, where some were left out.
    report : Report or None
        What was taken for what, of a table with columns: see `tables.report`.
    """

    X: Any
    labels: np.ndarray | None = None
    columns: tuple[str, ...] | None = None
    kept: Mapping[str, np.ndarray] = MappingProxyType({})
    sides: tuple[int, ...] | None = None
    rows: np.ndarray | None = None
    report: Any = None


class Wanted(NamedTuple):
    """Which columns of a file are what, and how its text is written; None where that is found.

    Attributes
    ----------
    label, id : str or None
        Names of the column (or array) of labels, and of that of ids.
    keep, drop : tuple of str
        Columns that are no features: written beside the map, and left out.
    features : tuple of str
        The columns that are features; none stands for all columns of numbers.
    header : bool or None
        Whether the first line names the columns.
    delimiter, decimal : str or None
        What stands between cells, and the decimal mark.
    missing : {"drop", "mean", "median"} or None
        What becomes of points with a missing value; None refuses them.
    """

    label: str | None = None
    id: str | None = None
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    header: bool | None = None
    delimiter: str | None = None
    decimal: str | None = None
    missing: str | None = None

    def aside(self) -> tuple[str, ...]:
        """Return the names of columns that are no features, as far as they are given."""
        return tuple(name for name in (self.label, self.id, *self.keep, *self.drop) if name)
