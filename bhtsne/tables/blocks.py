"""A file of points → blocks of rows, read one after another: .npy and .parquet, or a folder."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bhtsne.files import arrays
from bhtsne.files.paths import arrow, kind, readable_errors
from bhtsne.files.table import Wanted
from bhtsne.tables import frames, missing, reading
from bhtsne.tables.columns import kind as holds
from bhtsne.tables.roles import Column

FORMS = ("npy", "parquet")


def parts(path: str | os.PathLike) -> list[Path]:
    """Return the files of a table: one, or those of one format in a folder, sorted by name."""
    path = Path(path)
    if not path.is_dir():
        if kind(path) not in FORMS:
            raise ValueError(f"blocks of points are read from .npy and .parquet files, got {path}.")
        return [path]
    files = sorted(file for form in FORMS for file in path.glob(f"[!._]*.{form}"))
    if len({kind(file) for file in files}) != 1:
        raise ValueError(
            f"{path} must be a folder of .npy files or of .parquet files, got "
            f"{'both' if files else 'none'}; move the points to a folder of their own."
        )
    return files


def count(path: str | os.PathLike) -> int:
    """Return the number of rows, from the headers of the files."""
    return sum(_rows_of(file) for file in parts(path))


def names(path: str | os.PathLike) -> tuple[str, ...]:
    """Return the names of the columns; .npy has none."""
    first = parts(path)[0]
    if kind(first) == "npy":
        return ()
    with readable_errors(first, "a table of numbers, one point a row"), opened(first) as table:
        return tuple(table.schema_arrow.names)


def read(
    path: str | os.PathLike, rows: int, wanted: Sequence[str] | None = None
) -> Iterator[np.ndarray]:
    """Yield the points of a table in blocks of at most `rows` rows.

    The order of the columns is that of `wanted`, or of the first file.
    """
    columns = list(names(path) if wanted is None else wanted)
    for file in parts(path):
        if kind(file) == "npy":
            X = mapped(file)
            yield from (X[start : start + rows] for start in range(0, len(X), rows))
            continue
        with readable_errors(file, "a table of numbers, one point a row"), opened(file) as table:
            check_same(columns, table.schema_arrow.names)
            for batch in table.iter_batches(rows, columns=columns):
                yield numbers(batch.select(columns))


def check_same(columns: list[str], found: list[str]) -> None:
    """Raise ValueError unless a file has the columns of the first one, in any order."""
    if sorted(columns) != sorted(found):
        odd = sorted(set(columns) ^ set(found))
        raise ValueError(f"other columns than the first file: {', '.join(odd)}")


def opened(file: Path) -> Any:
    """Open a .parquet file."""
    return arrow().parquet.ParquetFile(file)


def mapped(file: Path) -> np.ndarray:
    """Map a .npy file of points into memory."""
    with readable_errors(file, "a table of numbers, one point a row"):
        X = arrays.read_npy(file, Wanted())[0]
        if X.ndim != 2:
            raise ValueError(f"{X.dtype} of shape {X.shape}")
        return X


def _rows_of(file: Path) -> int:
    if kind(file) == "npy":
        return len(mapped(file))
    with readable_errors(file, "a table of numbers, one point a row"), opened(file) as table:
        return table.metadata.num_rows


def numbers(batch: Any) -> np.ndarray:
    """Return columns as points; ValueError if one is not numeric or has a missing value."""
    features = []
    for field, column in zip(batch.schema, batch.columns, strict=True):
        frames.check_kind(field.name, field.type, "the table")
        features.append(Column(field.name, holds(field.type), column))
    X = reading.stacked(features)
    names = batch.schema.names if len(features) == X.shape[1] else batch.schema.names * X.shape[1]
    missing.check_complete(X, names, "fill it in, or leave such rows out")
    return X
