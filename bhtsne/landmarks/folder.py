"""A table that is never held whole → a folder with its map, part by part, placed among landmarks.

Beside the parts, which any reader of .parquet folders takes for one table, lies what they are
placed by, under names that such readers pass over. Whoever has it can place a part, so that work
can be shared and gone on with.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bhtsne import files, interrupts, jit, memory
from bhtsne.initial import components
from bhtsne.landmarks.choosing import choose
from bhtsne.landmarks.sources import Source
from bhtsne.tables import partwise
from bhtsne.tables.frames import as_points
from bhtsne.tables.partwise import Columns, Part
from bhtsne.tsne import TSNE
from bhtsne.validation.numbers import checked_random_state

__all__ = ["ROWS", "Landmarks", "Task", "begun", "fit", "kept", "missing", "name_of", "place"]

ROWS = 1 << 17  # of a part: some ten seconds' work, which is what a stop can cost
_BLOCK = 1 << 15  # rows that are placed at a time
_MODEL, _AXES, _TOLD = "_landmarks.npz", "_components.npz", "_landmarks.json"
_FORMAT, _VERSION = "bhtsne landmarks", 1
_KINDS = (TypeError, ValueError, MemoryError, OSError)


class Landmarks(NamedTuple):
    """How landmarks are chosen and mapped.

    Attributes
    ----------
    n : int
        Their number at the most.
    way : {"uniform", "coreset", "stratified"}
        How they are chosen.
    n_components : int
        Principal components, of the landmarks, that all points are reduced to; 0 for none.
    tsne : TSNE
        What maps them.
    """

    n: int
    way: str
    n_components: int
    tsne: TSNE


class Task(NamedTuple):
    """A part of the points, and where its part of the map goes.

    Attributes
    ----------
    folder : str
        The map.
    number : int
        Which part it is.
    part : Part
        Its points.
    columns : Columns
        What the columns of the table are.
    labels : ndarray of shape (rows,) or None
        Labels that are no column of the table.
    """

    folder: str
    number: int
    part: Part
    columns: Columns
    labels: Any = None


@contextmanager
def begun(folder: Path, told: dict[str, Any]) -> Iterator[bool]:
    """Make the folder, or make sure that it is of the same work; and hold it meanwhile.

    Parameters
    ----------
    folder : path
        The map.
    told : dict
        All that the map depends on, by its name, as JSON holds it.

    Yields
    ------
    bool
        Whether it has landmarks.

    Raises
    ------
    ValueError
        If the folder is of other work: what differs is named.
    BlockingIOError
        If another process is at it.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} must be a folder for parts, got a file; choose another name.")
    folder.mkdir(exist_ok=True)
    with files.locked(folder, "the map"):
        yield _is_begun(folder, told)


def _is_begun(folder: Path, told: dict[str, Any]) -> bool:
    if not (folder / _TOLD).exists():
        if any(not path.name.startswith(("_", ".")) for path in folder.iterdir()):
            raise ValueError(f"{folder} must be a map begun by landmarks, or empty; it is neither.")
        return False
    with files.readable_errors(folder / _TOLD, "what a map by landmarks was begun with"):
        known = json.loads((folder / _TOLD).read_bytes())
        if known.pop("format") != _FORMAT or known.pop("version") > _VERSION:
            raise ValueError("another kind or a later version")
    for name, value in json.loads(json.dumps(told)).items():
        if known.get(name) != value:
            raise ValueError(
                f"{folder} was begun with {name} {_short(known.get(name))}, and now it is "
                f"{_short(value)}: give the same to go on, or another name for the map."
            )
    return True


def fit(
    folder: Path, told: dict[str, Any], parts: Sequence[Part], columns: Columns, y: Any,
    how: Landmarks,
) -> TSNE:  # fmt: skip
    """Choose landmarks, map them, and write what places the rest."""
    n = sum(part.rows for part in parts)

    def pass_over():
        for part in parts:
            for X, _ in partwise.read(part, columns, _BLOCK):
                yield as_points(X, fewest=1, name=str(part))

    source, rng = Source(pass_over, _BLOCK, n), checked_random_state(how.tsne.random_state)
    with jit.threads(how.tsne.n_jobs):
        chosen = source.take(choose(source, min(how.n, n), how.way, y, rng))
        axes = None
        if how.n_components:
            axes = components.axes(chosen, how.n_components, rng)
        if axes is not None:
            chosen = components.projected(chosen, *axes).astype(np.float32)
    model = how.tsne.fit(chosen)
    interrupts.check_fit(model)
    if axes is not None:
        with files.atomic_write(folder / _AXES) as file:
            files.write_arrays(file, dict(zip(("mean", "axes"), axes, strict=True)))
    model.save(folder / _MODEL)
    with files.atomic_write(folder / _TOLD) as file:  # last, for it says that the others are there
        file.write(json.dumps({"format": _FORMAT, "version": _VERSION, **told}, indent=1).encode())
    return model


def kept(folder: Path) -> TSNE:
    """Return the map of the landmarks."""
    return TSNE.load(folder / _MODEL)


def name_of(number: int) -> str:
    """Return the name of a part's file."""
    return f"part-{number:05d}.parquet"


def missing(folder: Path, parts: Sequence[Part]) -> list[int]:
    """Return the numbers of the parts that are not placed yet."""
    return [i for i in range(len(parts)) if not (folder / name_of(i)).exists()]


def place(task: Task, advance: Callable[[int], Any] = lambda rows: None) -> dict[str, Any]:
    """Place a part and write it, whole or not at all.

    Parameters
    ----------
    task : Task
        Which part.
    advance : callable
        Is told the number of rows whenever some are placed.

    Returns
    -------
    dict
        ``rows``, and ``peak_memory_bytes`` of the process.

    Raises
    ------
    ValueError
        If a part holds no points as the landmarks are: it is named.
    """
    folder, part = Path(task.folder), task.part
    try:
        model, axes = _read(folder, (folder / _MODEL).stat().st_mtime_ns)
        model = model.set_params(n_jobs=jit.n_threads())
        maps: list[np.ndarray] = []
        besides: list[dict[str, Any]] = []
        for X, beside in partwise.read(part, task.columns, _BLOCK):
            X = as_points(X, fewest=1, name="its rows")
            if axes is not None:
                X = components.projected(X, *axes).astype(np.float32)
            maps.append(model.transform(X))
            besides.append(beside)
            advance(len(X))
        named = {name: _joined([beside[name] for beside in besides]) for name in besides[0]}
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
    """Return the map of the landmarks and the components, read once by each process."""
    model = kept(folder).set_params(verbose=False)
    if not (folder / _AXES).exists():
        return model, None
    with files.readable_errors(folder / _AXES, "components"), files.stored(folder / _AXES) as file:
        arrays = files.read_arrays(file)
    return model, (arrays["mean"], arrays["axes"])


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) < 200 else f"{text[:200]} …"
