"""A file or a folder that something has left → the map in it, and what is known of its points."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from bhtsne.cli.parser import Usage, did_you_mean

_AXES = (r"tsne\d+", r"projection_[xyz]", r"[xyz]")  # the first of which any column has
_LABEL = "label"
_MAP = "a map of 1 to 3 dimensions, such as `bhtsne embed` writes"
_MODEL, _RECORDING = "bhtsne.TSNE", "bhtsne.Recorder"


class Map(NamedTuple):
    """A map and what is known of its points.

    Attributes
    ----------
    name : str
        The file's name without its ending.
    Y : ndarray of shape (N, d)
        The map.
    columns : mapping of str to ndarray of shape (N,)
        What the file says of each point.
    errors : ndarray of shape (N,) or None
        Each point's share of the divergence, of a fitted map.
    history : list of Record
        The checks of the run that made it.
    """

    name: str
    Y: Any
    columns: Mapping[str, Any] = MappingProxyType({})
    errors: Any = None
    history: Any = ()


def read(name: str) -> Map:
    """Return the map that a file holds, or that a checkpoint has reached."""
    from bhtsne import tables

    path = Path(name)
    if not path.exists():
        raise Usage(f"MAP must be a file or the folder of a checkpoint, got {name!r}")
    if path.is_dir():
        return _of_parts(path) if any(path.glob("part-*.parquet")) else _of_checkpoint(path)
    kind = format_of(path)
    if kind == _MODEL:
        return _of_model(path)
    if kind == _RECORDING:
        from bhtsne.recorder import Recorder

        run = Recorder.load(path)
        return Map(path.stem, run.maps[-1])
    names = tables.names(path)
    table = tables.read(path, features=_axes(names), labels=_LABEL if _LABEL in names else None)
    kept = {name: tables.readable(values) for name, values in table.extra.items()}
    columns = ({} if table.labels is None else {_LABEL: table.labels}) | kept
    return _checked(Map(path.stem, table.X, columns), path)


def is_recording(name: str) -> bool:
    """Return whether a file holds the frames that a `Recorder` has kept."""
    return Path(name).is_file() and format_of(Path(name)) == _RECORDING


def format_of(path: Path) -> str | None:
    """Return the name of the library's format in which an .npz is, or None."""
    from bhtsne import storage

    return storage.format_name(path) if path.suffix.lower() == ".npz" else None


def labels(given: Map, name: str | None) -> Any:
    """Return what a map is coloured by: a column of it, a data set's labels or those of a file."""
    from bhtsne import datasets, tables

    if name is None:
        name = _LABEL if _LABEL in given.columns else None
    if name is None:
        return None
    if name in given.columns:
        return given.columns[name]
    if Path(name).is_file():
        return tables.read_labels(name, len(given.Y))
    if name.partition(":")[0] in datasets.NAMES:
        y = datasets.load(name).y
        if len(y) != len(given.Y):
            raise Usage(f"--labels must be {len(given.Y):,}, one for each point of {given.name}, "
                        f"got the {len(y):,} of {name}")  # fmt: skip
        return y
    known = f" ({', '.join(given.columns)})" if given.columns else ""
    hint = did_you_mean(name, given.columns)
    raise Usage(f"--labels must be a column of {given.name}{known}, a file or a data set, got "
                f"{name!r}{hint}")  # fmt: skip


def images(given: Map, name: str) -> Any:
    """Return an image for each point of a map, of a data set or an IDX file."""
    from bhtsne.cli.points import load_named

    found = load_named(name).images
    if found is None or len(found) != len(given.Y):
        what = "no images" if found is None else f"{len(found):,} images"
        raise Usage(
            f"--images must hold an image for each of the {len(given.Y):,} points of {given.name}, "
            f"got {name!r} with {what}"
        )
    return found


def _axes(names: list[str]) -> list[str]:
    """Return the names of the columns of coordinates, if some are known to be."""
    found = ([name for name in names if re.fullmatch(axes, name)] for axes in _AXES)
    return next(filter(None, found), [])


def _of_model(path: Path) -> Map:
    from bhtsne import TSNE

    model = TSNE.load(path)
    return Map(path.stem, model.embedding_, {}, model.kl_per_point_, model.history_)


def _of_parts(path: Path) -> Map:
    """Return the map that a folder holds in parts."""
    import numpy as np

    found = [read(str(part)) for part in sorted(path.glob("part-*.parquet"))]
    columns = {
        name: np.concatenate([part.columns[name] for part in found]) for name in found[0].columns
    }
    return Map(path.stem, np.concatenate([part.Y for part in found]), columns)


def _of_checkpoint(path: Path) -> Map:
    """Return the latest map of a run, which may be going on."""
    from bhtsne.checkpoint.run import read_state

    states = sorted(path.glob("state-*.npz"))
    if not states:
        raise Usage(
            f"MAP must be a file or the folder of a checkpoint, got {path}, where no map is"
        )
    state = read_state(states[-1])
    return _checked(Map(path.name, state.Y, history=state.history), states[-1])


def _checked(given: Map, path: Path) -> Map:
    """Return a map, or raise ValueError for points that are none."""
    import numpy as np

    Y = given.Y
    if not isinstance(Y, np.ndarray) or Y.ndim != 2 or Y.shape[1] > 3:
        raise ValueError(f"{path} must hold {_MAP}, got {Y.shape[1]} columns of numbers.")
    return given
