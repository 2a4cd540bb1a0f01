"""A file → `Table`: roles of columns, missing values, labels."""

import reprlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bhtsne.files import arrays
from bhtsne.files.paths import check_memory, kind, readable_errors
from bhtsne.files.table import Table, Wanted
from bhtsne.tables import columns, formats, missing, roles, text
from bhtsne.tables.columns import NUMBER, VECTOR
from bhtsne.tables.formats import Raw
from bhtsne.tables.report import Report, listed
from bhtsne.tables.roles import Column, Roles

__all__ = ["HOLDS", "is_unlabelled", "labels_of", "read_table", "readable", "stacked", "values_of"]

HOLDS = "a table of numbers, one point a row"
_ARRAYS = {"npy": arrays.read_npy, "npz": arrays.read_npz, "idx": arrays.read_idx}
_NO_ID = "id"  # name of an unnamed column of ids


def read_table(path: Path, wanted: Wanted) -> Table:
    """Read points, labels and extra columns from a file; NaN only from arrays."""
    form = kind(path)
    if form in _ARRAYS:
        return _of_arrays(path, wanted)
    with readable_errors(path, HOLDS):
        raw = formats.read(path, wanted)
        decimal = _decimal(raw, wanted)
        if (
            decimal == "," and wanted.decimal != ","
        ):  # numbers with decimal points were read as text
            raw = formats.read(path, wanted._replace(decimal=","))
        if not raw.columns or not len(raw.columns[0]):
            rows = len(raw.columns[0]) if raw.columns else 0
            raise ValueError(f"no points (shape {(rows, len(raw.names))})")
    try:
        return _table(raw, wanted, decimal)
    except ValueError as error:
        said = str(error)
        raise ValueError(f"{path}: {said}{'' if said.endswith(('.', '?')) else '.'}") from None


def values_of(name: str, cells: Any, is_text: bool, decimal: str = ".") -> Column:
    """Return a column with its kind, found from all of its cells."""
    import pyarrow as pa

    holds = columns.kind(cells.type)
    if holds in (NUMBER, VECTOR):
        empty = cells.null_count == len(cells) or _are_gaps(columns.numbers(name, cells))
        return Column(name, "nothing" if empty else holds, cells)
    if not (is_text and pa.types.is_string(cells.type)):
        return Column(name, holds, cells)
    parsed = text.parse(cells, decimal)
    fault = None
    if parsed.odd is not None:
        fault = (
            f"column {name!r} has {reprlib.repr(cells[parsed.odd].as_py())} in row "
            f"{parsed.odd + 1:,} among numbers ({parsed.n_odd:,} of {len(cells):,}); "
            "correct it, or set the column aside by --keep or --drop."
        )
    return Column(name, parsed.kind, cells, parsed.values, fault)


def _are_gaps(values: np.ndarray) -> bool:
    """Return whether all values of a column are missing."""
    return values.dtype.kind == "f" and bool(np.isnan(values[:1]).all() and np.isnan(values).all())


def _decimal(raw: Raw, wanted: Wanted) -> str:
    import pyarrow as pa

    if raw.dialect is None or wanted.decimal is not None:
        return wanted.decimal or "."
    texts = [column for column in raw.columns if pa.types.is_string(column.type)]
    return text.decimal_mark(texts, raw.dialect.delimiter)


def _table(raw: Raw, wanted: Wanted, decimal: str) -> Table:
    found = [
        values_of(name, cells, raw.dialect is not None, decimal)
        for name, cells in zip(raw.names, raw.columns, strict=True)
    ]
    chosen = roles.choose(found, wanted)
    names = [found[j].name for j in chosen.features]
    if not names:
        held = listed([f"{c.name or 'a column without a name'} ({c.kind})" for c in found])
        raise ValueError(f"no column of numbers to make points of, got {held}; encode one.")
    X = stacked([found[j] for j in chosen.features])
    vectors = X.shape[1] if found and [found[j].kind for j in chosen.features] == [VECTOR] else None
    each = names if vectors is None else [f"{names[0]}[{i}]" for i in range(vectors)]
    X, rows, done = missing.treated(X, each, wanted.missing)
    labels = None if chosen.label is None else labels_of(found[chosen.label])
    labels = labels if labels is None or rows is None else labels[rows]
    extra = _extra(found, chosen, rows)
    headed = raw.dialect is None or raw.dialect.header
    report = _report(raw, found, chosen, wanted, names, X, labels, decimal)
    report = replace(report, missing=done, vectors=vectors)
    return Table(X, labels, tuple(each) if headed else None, extra, None, rows, report)


def stacked(features: list[Column]) -> np.ndarray:
    """Return columns of numbers, or one of vectors, as points of shape (N, D)."""
    first = features[0].numbers()
    if len(features) == 1 and first.ndim == 2:
        return np.ascontiguousarray(first)
    dtype = np.result_type(*{column.numbers(1).dtype for column in features}, first.dtype)
    if any(column.cells.null_count for column in features):  # NaN represents a null
        dtype = np.result_type(dtype, np.float32)
    check_memory(len(first) * len(features) * dtype.itemsize)
    X = np.empty((len(first), len(features)), dtype)
    for j, column in enumerate(features):
        X[:, j] = column.numbers()
    return X


def _extra(found: list[Column], chosen: Roles, rows: Any) -> dict[str, np.ndarray]:
    """Return the extra columns in their order, with the digits of the file."""
    places = {*chosen.retained, *chosen.set_aside, *([] if chosen.id is None else [chosen.id])}
    extra: dict[str, np.ndarray] = {}
    for column in (found[j] for j in sorted(places)):
        if column.kind in ("nothing", "bytes", "records", "lists", VECTOR):
            continue  # a table of text cannot hold them
        name = column.name or _NO_ID
        while name in extra:
            name += "_"
        values = _exact(column)
        extra[name] = values if rows is None else values[rows]
    return extra


def _exact(column: Column) -> np.ndarray:
    """Return a column as numbers if their text is that of the cells, else as text."""
    import pyarrow as pa

    cells = column.cells
    if column.kind == "dates" and not pa.types.is_string(cells.type):
        return _dates(cells)
    if column.kind != NUMBER:
        return _words(cells)
    numbers = _whole(column.numbers())
    if not pa.types.is_string(cells.type):
        return numbers
    words = _words(cells)
    return numbers if [str(n) for n in numbers.tolist()] == words.tolist() else words


def labels_of(column: Column) -> np.ndarray:
    """Return labels as numbers, dates or text; a missing label is NaN, NaT or an empty string."""
    import pyarrow as pa

    is_text = pa.types.is_string(column.cells.type)
    if column.kind == "dates":
        return _dates(column.cells)
    if column.kind != NUMBER or (is_text and _coded(column.cells)):
        return _words(column.cells)
    values = _whole(column.numbers())
    if values.dtype.kind == "f" and np.isnan(values).any():
        known = values[~np.isnan(values)]
        if (known == np.floor(known)).all():  # classes, as text since some points have none
            return np.array(["" if np.isnan(value) else str(int(value)) for value in values])
    return values


def _coded(cells: Any) -> bool:
    """Return whether text that can be read as numbers is a code such as 007 or 17E5."""
    import pyarrow.compute as pc

    return bool(pc.any(pc.match_substring_regex(cells, r"^\s*0\d|^\s*\d+[eE]\d+\s*$")).as_py())


def _dates(cells: Any) -> np.ndarray:
    """Return dates as datetime64, in days if none has a time."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(cells.type):
        cells = pc.if_else(text.are_missing(cells), None, cells)
    try:
        values = pc.cast(cells, pa.timestamp("s"), safe=False).to_numpy()
    except pa.ArrowInvalid:  # dates of another form than ISO 8601 are text
        return _words(cells)
    days = values.astype("M8[D]")
    return days if bool(((days == values) | np.isnat(values)).all()) else values


def _whole(values: np.ndarray) -> np.ndarray:
    """Return whole numbers as int64, other numbers unchanged."""
    with np.errstate(invalid="ignore"):
        exact = bool((values == np.floor(values)).all()) and bool((np.abs(values) < 2**53).all())
    return values.astype(np.int64) if exact else values


def _words(cells: Any) -> np.ndarray:
    """Return a column as strings; a missing value is an empty string."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    if not (pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)):
        cells = pa.chunked_array([pa.array([_said(c) for c in cells.to_pylist()], pa.string())])
    cells = pc.utf8_trim_whitespace(pc.fill_null(cells, ""))
    longest = pc.max(pc.utf8_length(cells)).as_py() or 1
    check_memory(4 * len(cells) * longest)
    return np.array(cells.to_pylist(), f"U{longest}")


def _said(cell: Any) -> str:
    return "" if cell is None else str(cell)


def _report(
    raw: Raw,
    found: list[Column],
    chosen: Roles,
    wanted: Wanted,
    names: list[str],
    X,
    labels,
    decimal,
) -> Report:
    def called(j: int) -> str:
        return found[j].name or "a column without a name"

    written = raw.dialect
    return Report(
        rows=len(X),
        features=names,
        header=None if written is None else written.header,
        delimiter=None if written is None else written.delimiter,
        decimal=None if written is None else decimal,
        encoding=None if written is None else written.encoding,
        label=None if chosen.label is None else called(chosen.label),
        unlabelled=0 if labels is None else int(is_unlabelled(labels).sum()),
        id=None if chosen.id is None else called(chosen.id),
        set_aside={called(j): why for j, why in chosen.set_aside.items()},
        kept=[*([wanted.id] if wanted.id else []), *(called(j) for j in chosen.retained)],
        dropped=[called(j) for j in chosen.dropped],
        notes=chosen.notes,
    )


def readable(values: np.ndarray) -> np.ndarray:
    """Return a column of text as numbers or dates if all values are, else unchanged."""
    import pyarrow as pa

    if values.dtype.kind != "U":
        return values
    return labels_of(values_of("", pa.chunked_array([pa.array(values.tolist())]), is_text=True))


def is_unlabelled(labels: np.ndarray) -> np.ndarray:
    """Return which labels are missing."""
    if labels.dtype.kind == "U":
        return labels == ""
    if labels.dtype.kind == "M":
        return np.isnat(labels)
    return np.isnan(labels) if labels.dtype.kind == "f" else np.zeros(len(labels), bool)


def _of_arrays(path: Path, wanted: Wanted) -> Table:
    """Read a file of arrays, whose columns have no names."""
    for option in ("features", "drop", "id", "header", "delimiter", "decimal"):
        if getattr(wanted, option):
            raise ValueError(
                f"--{option} goes with a table of columns, such as .csv or .parquet, got {path}."
            )
    with readable_errors(path, HOLDS):
        table = _ARRAYS[kind(path)](path, wanted)
        X = table.X
        if X.dtype.kind not in "biuf" or X.ndim != 2 or 0 in X.shape:
            raise ValueError(f"{X.dtype} of shape {X.shape}")
        if wanted.missing is None or not isinstance(X, np.ndarray):
            return table
        X, rows, done = missing.treated(X, [str(j) for j in range(X.shape[1])], wanted.missing)
        report = Report(len(X), [], vectors=X.shape[1], missing=done) if done else None
        if rows is None:
            return table._replace(X=X, report=report)
        labels = None if table.labels is None else table.labels[rows]
        extra = {name: values[rows] for name, values in table.extra.items()}
        return table._replace(X=X, labels=labels, extra=extra, rows=rows, report=report)
