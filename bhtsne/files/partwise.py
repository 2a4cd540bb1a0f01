"""A table too large for memory → its parts, each read on its own: points, and columns beside them.

A part is some rows of a .npy file or some row groups of a .parquet file, the same ones each time,
so that work on them can be shared and gone on with.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bhtsne.files import blocks
from bhtsne.files.paths import arrow, kind, replacing, sentences

_PRINT = 1 << 16  # bytes from each end of a file that tell it from others


class Part(NamedTuple):
    """Rows of a file.

    Attributes
    ----------
    path : str
        The file.
    start, rows : int
        The first, and how many.
    groups : tuple of int
        The row groups that hold them, of a .parquet file.
    """

    path: str
    start: int
    rows: int
    groups: tuple[int, ...] = ()

    def __str__(self) -> str:
        """Return what a message calls it."""
        return f"{self.path}, rows {self.start:,} to {self.start + self.rows - 1:,}"


class Columns(NamedTuple):
    """What the columns of a table are; none has a name in a .npy file.

    Attributes
    ----------
    points : tuple of str
        Names of the features.
    label : str or None
        Name of the column of labels, if there is one.
    kept : tuple of str
        Names of what else is kept beside a map.
    """

    points: tuple[str, ...] = ()
    label: str | None = None
    kept: tuple[str, ...] = ()


def cut(path: str | os.PathLike, rows: int) -> list[Part]:
    """Return the parts of a table, of about so many rows: no less than a row group."""
    found = []
    for file in blocks.parts(path):
        name = str(file.resolve())
        if kind(file) == "npy":
            n = len(blocks.mapped(file))
            found += [Part(name, start, min(rows, n - start)) for start in range(0, n, rows)]
            continue
        with sentences(file, "a table of numbers, one point a row"), blocks.opened(file) as table:
            told = table.metadata
            sizes = [told.row_group(i).num_rows for i in range(told.num_row_groups)]
        start, groups = 0, list[int]()
        for i, size in enumerate([*sizes, rows + 1]):
            held = sum(sizes[group] for group in groups)
            if groups and held + size > rows:
                found += [Part(name, start, held, tuple(groups))] if held else []
                start, groups = start + held, []
            groups.append(i)
    return found


def columns(path: str | os.PathLike, label: str | None, keep: Sequence[str]) -> Columns:
    """Return what the columns are: those of text are kept, as well as those that are asked for."""
    first = blocks.parts(path)[0]
    if kind(first) == "npy":
        if keep:
            raise ValueError(f"keep must name columns, which {first} has none of, got {keep[0]!r}.")
        return Columns()
    types = arrow().types
    with sentences(first, "a table of numbers, one point a row"), blocks.opened(first) as table:
        fields = {field.name: field.type for field in table.schema_arrow}
    is_file = label is not None and label not in fields and Path(label).is_file()
    label = None if is_file else label
    for option, name in [("labels", label), *(("keep", name) for name in keep)]:
        if name is not None and name not in fields:
            near = get_close_matches(name, fields, 1)
            hint = f"; did you mean {near[0]!r}?" if near else "."
            raise ValueError(f"{option} must name a column of {first}, got {name!r}{hint}")

    def beside(name: str) -> bool:
        of = fields[name]
        number = types.is_integer(of) or types.is_floating(of) or types.is_boolean(of)
        return name in keep or not (number or types.is_nested(of))

    kept = tuple(name for name in fields if name != label and beside(name))
    points = tuple(name for name in fields if name != label and name not in kept)
    if not points:
        raise ValueError(f"{first} must hold a column of numbers that is not kept, got none.")
    return Columns(points, label, kept)


def read(part: Part, these: Columns, rows: int) -> Iterator[tuple[np.ndarray, dict[str, Any]]]:
    """Yield (points, the columns beside them) of a part, of at most so many rows at a time."""
    file = Path(part.path)
    if kind(file) == "npy":
        X = blocks.mapped(file)[part.start : part.start + part.rows]
        yield from ((X[start : start + rows], {}) for start in range(0, len(X), rows))
        return
    beside = [*([] if these.label is None else [these.label]), *these.kept]
    wanted = [*these.points, *beside]
    with sentences(file, "a table of numbers, one point a row"), blocks.opened(file) as table:
        blocks.check_same(wanted, table.schema_arrow.names)
        for batch in table.iter_batches(rows, row_groups=list(part.groups), columns=wanted):
            yield blocks.numbers(batch.select(these.points)), {n: batch[n] for n in beside}


def label_column(path: str | os.PathLike, name: str) -> np.ndarray:
    """Return one column of .parquet files, whole."""
    found = []
    for file in blocks.parts(path):
        with sentences(file, f"a column {name!r}"), blocks.opened(file) as table:
            found.append(table.read([name]).column(0).to_numpy())
    return np.concatenate(found)


def write(path: str | os.PathLike, Y: np.ndarray, beside: Mapping[str, Any], label: Any) -> None:
    """Write a part of a map as `files.write` names columns; what is beside it stays as it was."""
    named: dict[str, Any] = {f"tsne{i}": axis for i, axis in enumerate(Y.T, 1)}
    for name, values in beside.items():
        name = "label" if name == label else name
        while name in named:
            name += "_"
        named[name] = values
    with replacing(path) as file:
        arrow().parquet.write_table(arrow().table(named), file)


def fingerprints(path: str | os.PathLike) -> list[list]:
    """Return each file's name, size and the SHA-256 of its two ends, which tell it from others."""
    found = []
    for part in blocks.parts(path):
        with part.open("rb") as file:
            ends = file.read(_PRINT)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - _PRINT, 0))
            ends += file.read(_PRINT)
        found.append([part.name, size, hashlib.sha256(ends).hexdigest()])
    return found
