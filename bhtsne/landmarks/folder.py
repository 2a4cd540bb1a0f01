"""A table larger than memory → a folder with its map, in parts, placed among landmarks.

The parts are .parquet files, which other programs read as one table. The fitted landmarks and the
settings lie beside them under names that these programs ignore. With them any process can place a
part, so that the work can be shared, and continued after a stop.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bhtsne import files, interrupts, jit, memory, storage
from bhtsne.checkpoint.identity import CLASSES
from bhtsne.initial import components
from bhtsne.landmarks.choosing import choose
from bhtsne.landmarks.sources import Source
from bhtsne.storage import Format
from bhtsne.tables import partwise
from bhtsne.tables.frames import as_points
from bhtsne.tables.partwise import Columns, Part
from bhtsne.tsne.estimator import TSNE
from bhtsne.validation.numbers import checked_random_state

__all__ = ["ROWS", "Landmarks", "Task", "begun", "fit", "missing", "name_of", "place", "read_model"]

ROWS = 1 << 17  # of a part; a stop loses the work on one
_BLOCK = 1 << 15  # rows that are placed at a time
_MODEL, _SETTINGS = "_landmarks.npz", "_settings.npz"
_FORMAT = Format("bhtsne.landmarks", 2, "the settings of a map by landmarks")
_KINDS = (TypeError, ValueError, MemoryError, OSError)


class Landmarks(NamedTuple):
    """Number, choice and mapping of landmarks.

    Attributes
    ----------
    n : int
        Largest number of landmarks.
    way : {"uniform", "coreset", "stratified"}
        Method of the choice.
    n_components : int
        Number of principal components of the landmarks to which all points are reduced; 0 for no
        reduction.
    tsne : TSNE
        Estimator of the landmarks' map.
    """

    n: int
    way: str
    n_components: int
    tsne: TSNE


class Task(NamedTuple):
    """A part of the points, and the place of its map.

    Attributes
    ----------
    folder : str
        Folder of the map.
    number : int
        Number of the part.
    part : Part
        Rows of the table.
    columns : Columns
        Roles of the columns of the table.
    labels : ndarray of shape (rows,) or None
        Labels, if they are not a column of the table.
    """

    folder: str
    number: int
    part: Part
    columns: Columns
    labels: Any = None


@contextmanager
def begun(folder: Path, settings: dict[str, Any]) -> Iterator[bool]:
    """Create the folder, or verify that it has the same settings; and lock it meanwhile.

    Parameters
    ----------
    folder : path
        Folder of the map.
    settings : dict
        Options on which the map depends, by their names. Those of `TSNE` are a dict, "parameters".

    Yields
    ------
    bool
        Whether the folder has landmarks.

    Raises
    ------
    ValueError
        If the folder has other settings; the message names the difference.
    BlockingIOError
        If another process uses the folder.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} must be a folder for parts, got a file; choose another name.")
    folder.mkdir(exist_ok=True)
    with files.locked(folder, "the map"):
        yield _is_begun(folder, settings)


def _is_begun(folder: Path, settings: dict[str, Any]) -> bool:
    path = folder / _SETTINGS
    if not path.exists():
        if any(not file.name.startswith(("_", ".")) for file in folder.iterdir()):
            raise ValueError(f"{folder} must be a map begun by landmarks, or empty; it is neither.")
        return False
    content = storage.load(path, _FORMAT, CLASSES)
    with storage.archive.errors(path, _FORMAT):
        saved = dict(content["settings"])
        parameters = dict(saved.pop("parameters"))
    saved |= storage.with_defaults(parameters, TSNE, path)
    for name, value in (settings | settings["parameters"]).items():
        if name != "parameters" and not storage.equal(saved.get(name), value, CLASSES):
            raise ValueError(
                f"{folder} was begun with {name} {_short(saved.get(name))}, and now it is "
                f"{_short(value)}: give the same to go on, or another name for the map."
            )
    return True


def fit(
    folder: Path, settings: dict[str, Any], parts: Sequence[Part], columns: Columns, y: Any,
    how: Landmarks,
) -> TSNE:  # fmt: skip
    """Choose and fit landmarks, and write them and the settings to the folder."""
    n = sum(part.rows for part in parts)

    def blocks():
        for part in parts:
            for X, _ in partwise.read(part, columns, _BLOCK):
                yield as_points(X, fewest=1, name=str(part))

    source, rng = Source(blocks, _BLOCK, n), checked_random_state(how.tsne.random_state)
    with jit.threads(how.tsne.n_jobs):
        chosen = source.take(choose(source, min(how.n, n), how.way, y, rng))
        axes = None
        if how.n_components:
            axes = components.axes(chosen, how.n_components, rng)
        if axes is not None:
            chosen = components.projected(chosen, *axes).astype(np.float32)
    model = how.tsne.fit(chosen)
    interrupts.check_fit(model)
    model.save(folder / _MODEL)
    # The settings are last: where they exist, the landmarks exist too.
    content = {"settings": settings, "components": axes}
    storage.save(folder / _SETTINGS, _FORMAT, content, CLASSES)
    return model


def read_model(folder: Path) -> TSNE:
    """Return the fitted landmarks."""
    return TSNE.load(folder / _MODEL)


def name_of(number: int) -> str:
    """Return the name of the file of a part."""
    return f"part-{number:05d}.parquet"


def missing(folder: Path, parts: Sequence[Part]) -> list[int]:
    """Return the numbers of the parts that are not placed."""
    return [i for i in range(len(parts)) if not (folder / name_of(i)).exists()]


def place(task: Task, advance: Callable[[int], Any] = lambda rows: None) -> dict[str, Any]:
    """Place the points of a part, and write its file.

    Parameters
    ----------
    task : Task
        The part.
    advance : callable
        A function that is called with the number of rows when a block of them is placed.

    Returns
    -------
    dict
        ``rows``, and ``peak_memory_bytes`` of the process.

    Raises
    ------
    ValueError
        If the part has other columns than the landmarks, or no numbers in them.
    """
    folder, part = Path(task.folder), task.part
    try:
        model, axes = _read(folder, (folder / _MODEL).stat().st_mtime_ns)
        model = model.set_params(n_jobs=jit.n_threads())
        maps: list[np.ndarray] = []
        extra: list[dict[str, Any]] = []
        for X, others in partwise.read(part, task.columns, _BLOCK):
            X = as_points(X, fewest=1, name="its rows")
            if axes is not None:
                X = components.projected(X, *axes).astype(np.float32)
            maps.append(model.transform(X))
            extra.append(others)
            advance(len(X))
        named = {name: _joined([others[name] for others in extra]) for name in extra[0]}
        labels = task.labels if task.columns.label is None else named.pop(task.columns.label)
        partwise.write(folder / name_of(task.number), np.concatenate(maps), named, labels)
    except Exception as error:
        kind = next((kind for kind in _KINDS if isinstance(error, kind)), RuntimeError)
        raise kind(f"part {task.number} ({part}): {error}") from error
    return {"rows": part.rows, "peak_memory_bytes": memory.peak()}


def _joined(arrays: list) -> Any:
    import pyarrow

    return pyarrow.chunked_array(arrays)


@lru_cache(maxsize=1)
def _read(folder: Path, written: int) -> tuple[TSNE, tuple[np.ndarray, np.ndarray] | None]:
    """Return the fitted landmarks, and mean and axes of the components; cached in each process."""
    model = read_model(folder).set_params(verbose=False)
    return model, storage.load(folder / _SETTINGS, _FORMAT, CLASSES)["components"]


def _short(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) < 200 else f"{text[:200]} …"
