"""A table too large for memory → its parts, which are read one at a time: points, extra columns.

A part is a range of rows of a .npy file, or row groups of a .parquet file. The division is the same
in each process, so that the work can be shared, and continued after a stop.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from bhtsne.files.paths import arrow, atomic_write, kind, readable_errors
from bhtsne.files.table import Wanted
from bhtsne.tables import blocks, reading, roles
from bhtsne.tables.labels import split_column

_SAMPLE = 1 << 14  # rows by which ids are detected
_PRINT = 1 << 16  # bytes from each end of a file that identify it


class Part(NamedTuple):
    """Rows of a file.

    Attributes
    ----------
    path : str
        The file.
    start, rows : int
        First row, and number of rows.
    groups : tuple of int
        Row groups of a .parquet file that contain them.
    """

    path: str
    start: int
    rows: int
    groups: tuple[int, ...] = ()

    def __str__(self) -> str:
        """Return the name of the part in messages."""
        return f"{self.path}, rows {self.start:,} to {self.start + self.rows - 1:,}"


class Columns(NamedTuple):
    """Roles of the columns of a table, by their names; a .npy file has none.

    Attributes
    ----------
    points : tuple of str
        Names of the features.
    label : str or None
        Name of the column of labels, if there is one.
    extra : tuple of str
        Names of further columns, which are written to the map.
    set_aside : dict of str to str
        Columns that are not features by their contents, and the reasons.
    dropped : tuple of str
        Columns that are omitted.
    """

    points: tuple[str, ...] = ()
    label: str | None = None
    extra: tuple[str, ...] = ()
    set_aside: Mapping[str, str] = MappingProxyType({})
    dropped: tuple[str, ...] = ()


def cut(path: str | os.PathLike, rows: int) -> list[Part]:
    """Return the parts of a table, of at most `rows` rows or one row group each."""
    found = []
    for file in blocks.parts(path):
        name = str(file.resolve())
        if kind(file) == "npy":
            n = len(blocks.mapped(file))
            found += [Part(name, start, min(rows, n - start)) for start in range(0, n, rows)]
            continue
        with (
            readable_errors(file, "a table of numbers, one point a row"),
            blocks.opened(file) as table,
        ):
            metadata = table.metadata
            sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        start, groups = 0, list[int]()
        for i, size in enumerate([*sizes, rows + 1]):
            held = sum(sizes[group] for group in groups)
            if groups and held + size > rows:
                found += [Part(name, start, held, tuple(groups))] if held else []
                start, groups = start + held, []
            groups.append(i)
    return found


def columns(path: str | os.PathLike, wanted: Wanted) -> Columns:
    """Return the roles of the columns, by the same rules as for a table in memory.

    Types decide, and for ids the values of the first rows.
    """
    first = blocks.parts(path)[0]
    if kind(first) == "npy":
        named = [*wanted.aside(), *wanted.features]
        if wanted.label is None and named:
            raise ValueError(f"columns cannot be named, got {named[0]!r}: {first} has no names.")
        return Columns()
    with readable_errors(first, reading.HOLDS), blocks.opened(first) as table:
        names = table.schema_arrow.names
        some = next(table.iter_batches(_SAMPLE), None)
        cells = [] if some is None else some.columns
    if wanted.label is not None and wanted.label not in names:
        if not split_column(wanted.label)[0].is_file():
            raise ValueError(
                f"labels must be a column of {first} or a file, got {wanted.label!r}"
                f"{roles.did_you_mean(wanted.label, names) or '.'}"
            )
        wanted = wanted._replace(label=None)
    try:
        found = [reading.values_of(*pair, False) for pair in zip(names, cells, strict=True)]
        chosen = roles.choose(found, wanted)
    except ValueError as error:
        raise ValueError(f"{first}: {error}") from None
    if not chosen.features:
        raise ValueError(f"{first} must hold a column of numbers that is a feature, got none.")
    aside = [j for j in (chosen.id, *chosen.retained, *chosen.set_aside) if j is not None]
    return Columns(
        tuple(names[j] for j in chosen.features),
        None if chosen.label is None else names[chosen.label],
        tuple(dict.fromkeys(names[j] for j in sorted(aside))),
        {names[j]: why for j, why in chosen.set_aside.items()},
        tuple(names[j] for j in chosen.dropped),
    )


def read(part: Part, these: Columns, rows: int) -> Iterator[tuple[np.ndarray, dict[str, Any]]]:
    """Yield (points, extra columns) of a part in blocks of at most `rows` rows."""
    file = Path(part.path)
    if kind(file) == "npy":
        X = blocks.mapped(file)[part.start : part.start + part.rows]
        yield from ((X[start : start + rows], {}) for start in range(0, len(X), rows))
        return
    extra = [*([] if these.label is None else [these.label]), *these.extra]
    wanted = [*these.points, *extra]
    with readable_errors(file, "a table of numbers, one point a row"), blocks.opened(file) as table:
        blocks.check_same([*wanted, *these.dropped], table.schema_arrow.names)
        for batch in table.iter_batches(rows, row_groups=list(part.groups), columns=wanted):
            yield blocks.numbers(batch.select(these.points)), {n: batch[n] for n in extra}


def label_column(path: str | os.PathLike, name: str) -> np.ndarray:
    """Return one column of .parquet files."""
    found = []
    for file in blocks.parts(path):
        with readable_errors(file, f"a column {name!r}"), blocks.opened(file) as table:
            found.append(table.read([name]).column(0).to_numpy())
    return np.concatenate(found)


def write(path: str | os.PathLike, Y: np.ndarray, extra: Mapping[str, Any], labels: Any) -> None:
    """Write a part of a map with the column names of `files.write`, and extra columns unchanged."""
    named: dict[str, Any] = {f"tsne{i}": axis for i, axis in enumerate(Y.T, 1)}
    named |= {} if labels is None else {"label": labels}
    for name, values in extra.items():
        while name in named:
            name += "_"
        named[name] = values
    with atomic_write(path) as file:
        arrow().parquet.write_table(arrow().table(named), file)


def fingerprints(path: str | os.PathLike) -> list[list]:
    """Return name, size and the SHA-256 of both ends of each file, which identify it."""
    found = []
    for part in blocks.parts(path):
        with part.open("rb") as file:
            ends = file.read(_PRINT)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - _PRINT, 0))
            ends += file.read(_PRINT)
        found.append([part.name, size, hashlib.sha256(ends).hexdigest()])
    return found
