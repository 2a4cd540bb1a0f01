"""File, or folder of a run → map, with the columns, errors and history that it stores."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from bhtsne.cli.parser import Usage, did_you_mean

# Patterns for the columns of coordinates; the first with a match counts.
_COORDINATES = (r"tsne\d+", r"projection_[xyz]", r"[xyz]")
_LABEL = "label"
_MAP = "a map of 1 to 3 dimensions"
MODEL, _RECORDING = "bhtsne.TSNE", "bhtsne.Recorder"


class Map(NamedTuple):
    """A map and further values of its points.

    Attributes
    ----------
    name : str
        Name of the file without its suffix.
    Y : ndarray of shape (N, d)
        The map.
    columns : mapping of str to ndarray of shape (N,)
        Other columns of the file, labels included.
    errors : ndarray of shape (N,) or None
        Contribution of each point to the KL divergence, for a fitted model.
    history : list of Record
        Records of the run, for a fitted model or a checkpoint.
    neighbors : Neighbors or None
        Neighbours of the points in the data, for a fitted model.
    """

    name: str
    Y: Any
    columns: Mapping[str, Any] = MappingProxyType({})
    errors: Any = None
    history: Any = ()
    neighbors: Any = None


def read(name: str) -> Map:
    """Return the map in a file, or the latest map of a checkpoint."""
    from bhtsne import tables

    path = Path(name)
    if not path.exists():
        raise Usage(f"MAP must be a file or the folder of a checkpoint, got {name!r}")
    if path.is_dir():
        return _of_parts(path) if any(path.glob("part-*.parquet")) else _of_checkpoint(path)
    kind = format_of(path)
    if kind == MODEL:
        return of_model(path)[0]
    if kind == _RECORDING:
        from bhtsne.recorder import Recorder

        run = Recorder.load(path)
        return Map(path.stem, run.maps[-1])
    names = tables.names(path)
    label = _LABEL if _LABEL in names else None
    table = tables.read(path, features=_coordinate_columns(names), labels=label)
    columns = {} if table.labels is None else {_LABEL: table.labels}
    columns |= {name: tables.readable(values) for name, values in table.extra.items()}
    return _checked_map(Map(path.stem, table.X, columns), path)


def is_recording(name: str) -> bool:
    """Return whether a name is that of a file of `Recorder.save`."""
    return Path(name).is_file() and format_of(Path(name)) == _RECORDING


def format_of(path: Path) -> str | None:
    """Return the name of the format of an .npz of this library, or None for other files."""
    from bhtsne import storage

    return storage.format_name(path) if path.suffix.lower() == ".npz" else None


def labels(given: Map, name: str | None) -> Any:
    """Return the labels of a map: a column of it, or the labels of a data set or a file."""
    from bhtsne import datasets, tables
    from bhtsne.tables.labels import split_column

    if name is None:
        name = _LABEL if _LABEL in given.columns else None
    if name is None:
        return None
    if name in given.columns:
        return given.columns[name]
    if split_column(name)[0].is_file():
        return tables.read_labels(name, len(given.Y))
    if name.partition(":")[0] in datasets.NAMES:
        y = datasets.load(name).y
        if len(y) != len(given.Y):
            raise Usage(f"--labels must hold {len(given.Y):,} labels, one for each point of "
                        f"{given.name}, got {len(y):,} of {name}")  # fmt: skip
        return y
    known = f" ({', '.join(given.columns)})" if given.columns else ""
    hint = did_you_mean(name, given.columns)
    raise Usage(f"--labels must be a column of {given.name}{known}, a file or a data set, got "
                f"{name!r}{hint}")  # fmt: skip


def images(given: Map, name: str) -> Any:
    """Return an image for each point of a map, from a data set or an IDX file."""
    from bhtsne.cli.points import load_named

    found = load_named(name).images
    if found is None or len(found) != len(given.Y):
        count = "no images" if found is None else f"{len(found):,} images"
        raise Usage(
            f"--images must hold an image for each of the {len(given.Y):,} points of {given.name}, "
            f"got {name!r} with {count}"
        )
    return found


def _coordinate_columns(names: list[str]) -> list[str]:
    """Return the names of the columns of coordinates, or none if no name is a usual one."""
    found = ([name for name in names if re.fullmatch(pattern, name)] for pattern in _COORDINATES)
    return next(filter(None, found), [])


def of_model(path: Path) -> tuple[Map, Any]:
    """Return the map of a saved model, with its labels as a column, and the model."""
    from bhtsne import TSNE
    from bhtsne.tsne import saving

    model, labels = saving.load_labelled(TSNE, path)
    columns = {} if labels is None else {_LABEL: labels}
    given = Map(
        path.stem, model.embedding_, columns, model.kl_per_point_, model.history_, model.neighbors_
    )
    return given, model


def _of_parts(path: Path) -> Map:
    """Return the map of a folder of parts."""
    import numpy as np

    found = [read(str(part)) for part in sorted(path.glob("part-*.parquet"))]
    columns = {
        name: np.concatenate([part.columns[name] for part in found]) for name in found[0].columns
    }
    return Map(path.stem, np.concatenate([part.Y for part in found]), columns)


def _of_checkpoint(path: Path) -> Map:
    """Return the latest map of a checkpoint, also while the run writes it."""
    from bhtsne.checkpoint.run import read_state

    states = sorted(path.glob("state-*.npz"))
    if not states:
        raise Usage(f"MAP must be a file or the folder of a checkpoint, got {path} without a map")
    state = read_state(states[-1])
    return _checked_map(Map(path.name, state.Y, history=state.history), states[-1])


def _checked_map(given: Map, path: Path) -> Map:
    """Return the map, or raise ValueError if it has more than 3 dimensions."""
    import numpy as np

    Y = given.Y
    if not isinstance(Y, np.ndarray) or Y.ndim != 2 or Y.shape[1] > 3:
        raise ValueError(
            f"{path} must hold {_MAP}, got {Y.shape[1]} columns of numbers; use a file of `bhtsne "
            "embed`."
        )
    return given
