"""Columns of a table → their roles: features, label, id, extra or omitted, with reasons."""

from difflib import get_close_matches
from typing import Any, NamedTuple

import numpy as np

from bhtsne.files.table import Wanted
from bhtsne.tables import ids
from bhtsne.tables.columns import NUMBER, TEXT, VECTOR, numbers
from bhtsne.tables.report import listed

__all__ = ["Column", "Roles", "choose", "did_you_mean"]


class Column(NamedTuple):
    """A column of a table.

    Attributes
    ----------
    name : str
        Name; "" for none.
    kind : str
        Kind of the values, see `columns.kind`.
    cells : pyarrow.ChunkedArray
        Values in the file.
    parsed : ndarray of shape (N,) or None
        Numbers of a column of text.
    fault : str or None
        Message about a cell of a numeric column that is not a number.
    """

    name: str
    kind: str
    cells: Any
    parsed: np.ndarray | None = None
    fault: str | None = None

    def numbers(self, rows: int | None = None) -> np.ndarray:
        """Return numbers or vectors of all or the first rows; NaN for a missing value."""
        if self.parsed is not None:
            return self.parsed[:rows]
        return numbers(self.name, self.cells if rows is None else self.cells[:rows])


class Roles(NamedTuple):
    """Roles of the columns, by their places in the table.

    Attributes
    ----------
    features : list of int
        Columns that are features.
    label, id : int or None
        Columns of labels, and of ids.
    retained, dropped : list of int
        Extra and omitted columns by the options `keep` and `drop`.
    set_aside : dict of int to str
        Columns that are not features by their contents, and the reason of each.
    notes : list of str
        Unexpected decisions about the features.
    """

    features: list[int]
    label: int | None
    id: int | None
    retained: list[int]
    dropped: list[int]
    set_aside: dict[int, str]
    notes: list[str]


def choose(columns: list[Column], wanted: Wanted) -> Roles:
    """Return the roles of the columns of a table.

    Raises
    ------
    ValueError
        If a given name is that of no column or of several, a feature is not numeric, or a numeric
        column has a cell that is not a number.
    """
    names = [column.name for column in columns]
    label = place(names, wanted.label, "labels") if wanted.label in names else None
    key = place(names, wanted.id, "--id")
    retained = [place(names, name, "--keep") for name in wanted.keep]
    dropped = [place(names, name, "--drop") for name in wanted.drop]
    given = [place(names, name, "--features") for name in wanted.features]
    said = {label, key, *retained, *dropped}
    for j in given:
        if j in said:
            raise ValueError(
                f"column {names[j]!r} cannot be a feature and something else; name it once."
            )
        _check_numeric(columns[j])
    rest = [j for j in range(len(columns)) if j not in said]
    if given:
        features, notes = given, list[str]()
        set_aside = {j: "not named" for j in rest if j not in given}
    else:
        features, set_aside, notes = _features(columns, rest)
    if key is None:
        key = next((j for j, why in set_aside.items() if why in _OF_IDS), None)
    return Roles(features, label, key, retained, dropped, set_aside, notes)


def _features(
    columns: list[Column], among: list[int]
) -> tuple[list[int], dict[int, str], list[str]]:
    """Return the features, the other columns with reasons, and unexpected decisions."""
    set_aside = _no_numbers(columns, among)
    numeric = [j for j in among if j not in set_aside]
    vectors = [j for j in numeric if columns[j].kind == VECTOR]
    if len(vectors) > 1:
        names = listed([columns[j].name for j in vectors])
        raise ValueError(f"columns {names} hold vectors each; name one by --features.")
    if vectors:
        set_aside |= {j: "beside the vectors" for j in numeric if j not in vectors}
        return vectors, set_aside, []
    notes = []
    of_rows = _ids(columns, numeric)
    if len(of_rows) < len(numeric):
        set_aside |= of_rows
    elif of_rows:
        names = listed([columns[j].name for j in of_rows])
        notes.append(f"{names} may number the rows, but is all there is")
    features = [j for j in numeric if j not in set_aside]
    rising = [columns[j].name for j in features if _rises(columns[j])]
    if rising and not notes:
        notes.append(
            f"{listed(rising)} is a feature, but rises from row to row, as an id does (--id sets "
            "it aside)"
        )
    for name in (columns[j].name for j in features):
        if name.lower() in _OF_LABELS:
            notes.append(f"{name} is a feature, but has a name of labels (--labels {name})")
    return features, set_aside, notes


_UNNAMED, _NAMED, _RUNNING = "an index without a name", "an id by its name", "a running number"
_OF_LABELS = ("label", "labels", "class", "target")
_OF_IDS = (_UNNAMED, _NAMED, _RUNNING)


def place(names: list[str], name: str | None, option: str) -> Any:
    """Return the place of the column of a name, or raise ValueError."""
    if name is None:
        return None
    if names.count(name) == 1:
        return names.index(name)
    if name in names:
        raise ValueError(
            f"{option} must name one column, got {names.count(name)} columns of the name {name!r}; "
            "give them names of their own."
        )
    raise ValueError(
        f"{option} must name one of the columns {listed(names)}, got {name!r}"
        f"{did_you_mean(name, names) or '.'}"
    )


def did_you_mean(name: str, names: list[str]) -> str:
    """Return a question with the most similar name, or an empty string."""
    near = get_close_matches(name, names, 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _no_numbers(columns: list[Column], among: list[int]) -> dict[int, str]:
    """Return the columns that are not numeric, and their kinds; ValueError for a faulty cell."""
    found = {}
    for j in among:
        column = columns[j]
        if column.kind not in (NUMBER, VECTOR):
            if column.fault is not None and not ids.is_id_name(column.name):
                raise ValueError(column.fault)
            is_id = column.kind == TEXT and ids.is_id_name(column.name)
            found[j] = (_NAMED if column.name else _UNNAMED) if is_id else column.kind
    return found


def _ids(columns: list[Column], among: list[int]) -> dict[int, str]:
    """Return the numeric columns that are ids, and the reasons."""
    found = {}
    for j in among:
        column = columns[j]
        if ids.is_id_name(column.name) and ids.are_whole(column.numbers()):
            found[j] = _NAMED if column.name else _UNNAMED
        elif _rises(column) and ids.is_running(column.numbers()):
            found[j] = _RUNNING
    return found


def _rises(column: Column) -> bool:
    """Return whether the values of a column increase; the first rows decide for most columns."""
    return ids.rises(column.numbers(ids.FEWEST)) and ids.rises(column.numbers())


def _check_numeric(column: Column) -> None:
    if column.kind in (NUMBER, VECTOR):
        return
    if column.fault is not None:
        raise ValueError(column.fault)
    raise ValueError(
        f"--features must name columns of numbers, got {column.name!r}, which holds {column.kind}."
    )
