"""Content of a file of points → `Table`; request of a caller → `Wanted`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np


class Table(NamedTuple):
    """Points with labels and extra columns.

    Attributes
    ----------
    X : ndarray or CSR array of shape (N, D)
        Points.
    labels : ndarray of shape (N,) or None
        One label for each point; a missing label is an empty string, NaN or NaT.
    columns : tuple of str or None
        Names of the D features.
    extra : mapping of str to ndarray of shape (N,)
        Columns that are not features, by their names.
    sides : tuple of int or None
        Height and width, if each row is an image.
    rows : ndarray of bool or None
        Rows of the file that are points, if some are omitted.
    report : Report or None
        Roles of the columns of a table, see `tables.report`.
    """

    X: Any
    labels: np.ndarray | None = None
    columns: tuple[str, ...] | None = None
    extra: Mapping[str, np.ndarray] = MappingProxyType({})
    sides: tuple[int, ...] | None = None
    rows: np.ndarray | None = None
    report: Any = None


class Wanted(NamedTuple):
    """Roles of columns and dialect of text that a caller asks for; None for a detected one.

    Attributes
    ----------
    label, id : str or None
        Names of the column (or array) of labels, and of that of ids.
    keep, drop : tuple of str
        Columns that are not features: extra columns, and omitted ones.
    features : tuple of str
        Columns that are features; by default all numeric columns.
    header : bool or None
        Whether the first line holds the names of the columns.
    delimiter, decimal : str or None
        Separator of cells, and the decimal mark.
    missing : {"drop", "mean", "median"} or None
        Treatment of points with a missing value; None raises an error.
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
        """Return the given names of columns that are not features."""
        return tuple(name for name in (self.label, self.id, *self.keep, *self.drop) if name)
