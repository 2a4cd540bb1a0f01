"""Tables in files and data frames → points, with names, ids, labels and further columns."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bhtsne.files import check_column, paths
from bhtsne.files.table import Table, Wanted
from bhtsne.tables import formats, reading
from bhtsne.tables.formats import READERS, TEXT
from bhtsne.tables.labels import read_labels, split_column
from bhtsne.tables.reading import HOLDS, is_unlabelled, readable
from bhtsne.tables.report import Report, listed
from bhtsne.tables.roles import did_you_mean

__all__ = ["FORMS", "Report", "Table", "Wanted", "names", "read", "read_labels", "readable"]

_FORMS_OF_ARRAYS = ("npy", "npz", "idx")
FORMS = (*_FORMS_OF_ARRAYS, *TEXT, *READERS)  # by the ending of a file's name


def read(
    path: str | os.PathLike,
    *,
    labels: str | os.PathLike | None = None,
    keep: Sequence[str] = (),
    drop: Sequence[str] = (),
    features: Sequence[str] = (),
    id: str | None = None,
    header: bool | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    missing: str | None = None,
) -> Table:
    r"""Read points, and labels if there are any, from a file in the format of its suffix.

    Nothing is unpickled. In a table with columns, numeric columns are features; text, categories,
    dates and ids are returned as extra columns.

    Parameters
    ----------
    path : str or path
        A file .npy (memory-mapped), .npz (the array ``X``, or the only 2-D array, or what
        `scipy.sparse.save_npz` wrote), IDX (.idx, -idx3-ubyte: each image becomes a row), .csv,
        .tsv or .txt, .parquet, .feather or .arrow, .jsonl or .ndjson, .xlsx, .xls or .ods; also
        compressed, with .gz appended.
    labels : str, path or None
        Name of the column of labels (or of the array, in an .npz), which is not a feature; or a
        file of labels, FILE:COLUMN if it has several columns. By default the array ``y`` or
        ``labels`` of an .npz, and no labels from other files.
    keep, drop : sequence of str
        Names of columns that are not features: returned as extra columns, or left out. `keep` may
        also name arrays of shape (N,) in an .npz.
    features : sequence of str
        Names of the columns that are features; the others are extra columns.
    id : str or None
        Name of the column that identifies the points.
    header : bool or None
        Whether the first line of text holds the names of the columns; detected by default.
    delimiter, decimal : str or None
        Separator of the cells of text, and the decimal mark; detected by default.
    missing : {"drop", "mean", "median"} or None
        Omit points with a missing value, or replace it by the mean or median of its column; None
        raises an error.

    Returns
    -------
    Table
        X of shape (N, D) in the dtype of the file (float64 from text), labels of shape (N,) or
        None, the names of the features or None, extra columns, and a report.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    OSError
        If it is a folder, or may not be read.
    ValueError
        If the file is damaged, contains no points or missing values, needs more memory than is
        available, or contradicts an option.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "iris.csv")
    ...     _ = path.write_text("width,length,kind\n1,2.5,setosa\n3,4,virginica\n")
    ...     table = read(path, labels="kind")
    >>> table.X.tolist(), table.labels.tolist(), table.columns
    ([[1.0, 2.5], [3.0, 4.0]], ['setosa', 'virginica'], ('width', 'length'))
    """
    path, name = Path(path), None if labels is None else os.fspath(labels)
    if paths.kind(path) not in FORMS:
        raise ValueError(
            f"points are read from {', '.join(f'.{form}' for form in FORMS)} files, also with .gz, "
            f"got {path}; convert it to one of them."
        )
    wanted = Wanted(
        name, id, tuple(keep), tuple(drop), tuple(features), header, delimiter, decimal, missing
    )
    table = reading.read_table(path, wanted)
    if table.labels is None and name is not None:
        table = _with_labels(table, path, name)
    held = (*(table.columns or ()), *table.extra)
    for other in keep:
        if other not in table.extra and other != name:
            hint = did_you_mean(other, list(held)) or "."
            raise ValueError(f"keep must name arrays of {path}, got {other!r}{hint}")
    for other, values in {**table.extra, "labels": table.labels}.items():
        if values is not None:
            check_column(values, table.X.shape[0], other, path)
    return table


def _with_labels(table: Table, path: Path, name: str) -> Table:
    """Return a table with the labels of a file."""
    file, _ = split_column(name)
    if not file.is_file():
        held = [*(table.columns or ()), *table.extra]
        columns = f" with the columns {listed(held)}" if held else ""
        raise ValueError(
            f"labels must be a column or an array of {path}{columns}, or a file, got {name!r}"
            f"{did_you_mean(name, held) or '.'}"
        )
    n = table.X.shape[0] if table.rows is None else len(table.rows)
    y = read_labels(name, n)
    y = y if table.rows is None else y[table.rows]
    report = table.report
    if report is not None:
        report = replace(report, label=name, unlabelled=int(is_unlabelled(y).sum()))
    return table._replace(labels=y, report=report)


def names(path: str | os.PathLike) -> list[str]:
    """Return the names of the columns of a table, none for files of arrays."""
    path = Path(path)
    if paths.kind(path) not in FORMS or paths.kind(path) in _FORMS_OF_ARRAYS:
        return []
    with paths.readable_errors(path, HOLDS):
        return formats.names(path)
