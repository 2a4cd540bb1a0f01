"""A run ↔ a folder: each stage when it is complete, and the optimisation at intervals.

`run.npz` identifies the run, `points.npz` holds X or the name of the file that holds it;
`neighbors.npz`, `affinities.npz` and the last two of `state-….npz` are results so far.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from bhtsne import memory, storage, user_warnings
from bhtsne.checkpoint import identity
from bhtsne.checkpoint.folder import FORMAT, Folder, state_name
from bhtsne.checkpoint.identity import CLASSES
from bhtsne.checkpoint.settings import Checkpointing, as_checkpointing
from bhtsne.files import readable_errors
from bhtsne.optimizer import Phase, Record, State

__all__ = ["Checkpoint", "NullCheckpoint", "opened", "read_state", "restored"]


_ADDED = {"dof", "done", "repulsion"}  # attributes of a state that those of earlier versions lack


class NullCheckpoint:
    """A checkpoint that saves nothing.

    Attributes
    ----------
    seconds : dict of str to float
        Time of each stage that was read and not computed.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def stage(self, name: str, compute: Callable[[], Any], rng: Any) -> Any:
        """Return the result of a stage, saved or computed now."""
        return compute()

    def state(self, compute: Callable[[], State], rng: Any) -> State:
        """Return the last saved state of the optimisation, or its start."""
        return compute()

    def save(self, state: State, *, now: bool = False) -> None:
        """Save the state of the optimisation, if it is due or `now`."""


class Checkpoint(NullCheckpoint):
    """A run whose results are saved in a folder.

    Parameters
    ----------
    folder : Folder
        The folder.
    every : int
        Iterations between two saved states.
    seeded : bool
        Whether a stage that is computed again has the same bits. If not, results that depend on it
        are computed again too.
    """

    def __init__(self, folder: Folder, every: int, seeded: bool) -> None:
        super().__init__()
        self._folder, self._every, self._seeded = folder, every, seeded
        self._computed, self._last = False, -1

    def stage(self, name: str, compute: Callable[[], Any], rng: Any) -> Any:
        """Return the result of a stage, saved or computed now."""
        saved = self._saved(name, _stage_of)
        if saved is not None:
            self.seconds[name] = saved["seconds"]
            if self._seeded:
                rng.set_state(saved["rng"])
            return saved["value"]
        began = time.perf_counter()
        value = compute()
        self._computed = True
        seconds = time.perf_counter() - began
        content = {"value": value, "seconds": seconds, "rng": rng.get_state(legacy=False)}
        self._folder.write_later(name, content)
        return value

    def state(self, compute: Callable[[], State], rng: Any) -> State:
        """Return the last saved state of the optimisation, or its start."""
        for name in self._folder.states():
            state = self._saved(name, _state_of)
            if state is not None:
                self.seconds["optimization"] = _seconds(state)
                self._last = state.iteration
                return state
        state = compute()
        self.save(state, now=True)
        return state

    def save(self, state: State, *, now: bool = False) -> None:
        """Save the state of the optimisation, if it is due or `now`."""
        # On a slow disk fewer states are saved; the run does not wait.
        due = now or (state.iteration % self._every == 0 and not self._folder.busy)
        if due and state.iteration != self._last and np.isfinite(state.Y).all():
            self._last = state.iteration
            stopped = None if state.stopped == "interrupt" else state.stopped
            content = vars(replace(state, stopped=stopped))
            self._folder.write_later(state_name(state.iteration), content)

    def _saved(self, name: str, convert: Callable) -> Any:
        outdated = self._computed and not self._seeded
        return None if outdated else self._folder.read_sound(name, convert)


@contextmanager
def opened(estimator: Any, X: Any) -> Iterator[NullCheckpoint]:
    """Begin a run, or continue a saved one.

    Parameters
    ----------
    estimator : TSNE
        The estimator, with its parameter `checkpoint`.
    X : ndarray or CSR
        Its input.

    Yields
    ------
    Checkpoint
        `NullCheckpoint` without a folder.

    Raises
    ------
    ValueError
        If the folder holds a run of other parameters or data; the message names the difference.
    OSError
        If the folder cannot be written to, or is in use.
    """
    options = as_checkpointing(estimator.checkpoint)
    if options is None:
        yield NullCheckpoint()
        return
    run = identity.of(estimator, X, options.every)
    with Folder(options.folder) as folder:
        saved = folder.read("run")
        if saved is None:
            names = getattr(estimator, "feature_names_in_", None)
            folder.write("points", _content_of(X, names))
            folder.write("run", run)
        else:
            _check_same(run, saved, folder, type(estimator))
        yield Checkpoint(folder, options.every, estimator.random_state is not None)


def restored(path: Any, estimator: type) -> tuple[dict[str, Any], Any, list[str] | None]:
    """Return the parameters, X and the names of its columns of a saved run.

    The parameter `checkpoint` is the folder, with the interval of the run.

    A parameter that the run lacks, because it is older, is left to its default.
    """
    run = points = None
    if (Path(path) / "run.npz").exists():  # a mistyped name creates no folder
        with Folder(path) as folder:
            run, points = folder.read("run"), folder.read("points")
    if run is None or points is None:
        raise FileNotFoundError(f"checkpoint {str(path)!r} holds no run; check the folder's name.")
    _complete(run, path, estimator)
    options = Checkpointing(path, run.get("every", Checkpointing(path).every))
    parameters = identity.parameters(run) | {"checkpoint": options}
    if "file" not in points:
        return parameters, points["X"], points["names"]
    where = points["file"]
    with readable_errors(where["filename"], "the points of the run that is to go on"):
        X = np.memmap(**where | {"mode": "r"})
    return parameters, X, points["names"]


def read_state(path: Path) -> State:
    """Return the state of an optimisation that a file of a checkpoint holds."""
    content = storage.load(path, FORMAT, CLASSES)
    with storage.archive.errors(path, FORMAT):
        return _state_of(content)


def _complete(run: dict[str, Any], path: Any, estimator: type) -> dict[str, Any]:
    """Return the identity of a saved run with a value for each parameter; raise if it is none."""
    path = Path(path) / "run.npz"
    with storage.archive.errors(path, FORMAT):
        saved = {name: dict(run[name]) for name in ("parameters", "data")}
    return saved | {"parameters": storage.with_defaults(saved["parameters"], estimator, path)}


def _check_same(
    given: dict[str, Any], saved: dict[str, Any], folder: Folder, estimator: type
) -> None:
    difference = identity.difference(given, _complete(saved, folder.path, estimator))
    if difference is not None:
        raise ValueError(
            f"checkpoint {str(folder.path)!r} holds a run with {difference}; go on with the same, "
            "or name a new folder."
        )
    ours, theirs = given["libraries"], saved.get("libraries")
    if ours != theirs:
        user_warnings.warn(
            f"The run began with {theirs} and continues with {ours}: its last bits may differ."
        )


def _content_of(X: Any, names: Any) -> dict[str, Any]:
    """Return X, or the place of a memory map in its file, which is not copied."""
    content: dict[str, Any] = {"names": None if names is None else list(map(str, names))}
    file = None if sparse.issparse(X) else _mapped(X)
    if file is None:
        return content | {"X": X}
    order = "C" if X.flags.c_contiguous else "F"
    where = {
        "filename": str(file.filename), "offset": file.offset, "shape": X.shape,
        "dtype": X.dtype.str, "order": order,
    }  # fmt: skip
    return content | {"file": where}


def _mapped(X: np.ndarray) -> np.memmap | None:
    """Return the memory map of which an array is the whole, if there is one."""
    whole = memory.mapped(X)
    while whole is not None and isinstance(whole.base, np.memmap):
        whole = whole.base
    if whole is None or whole.filename is None or not whole.flags.forc:
        return None
    same = (whole.ctypes.data, whole.shape, whole.strides) == (X.ctypes.data, X.shape, X.strides)
    return whole if same else None


def _stage_of(content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: content[name] for name in ("value", "seconds", "rng")}


def _state_of(content: dict[str, Any]) -> State:
    """Return a state; raise if a field is missing, since a default would lose a part of the run."""
    missing = {field.name for field in fields(State)} - content.keys() - _ADDED
    known = all(isinstance(record, Record) for record in content["history"])
    if missing or not known or not all(isinstance(phase, Phase) for phase in content["left"]):
        raise ValueError(f"a state without {', '.join(sorted(missing)) or 'records and phases'}")
    state = State(**content)
    arrays = state.Y, state.velocity, state.gains, state.repulsion
    if len({array.shape for array in arrays if array is not None}) > 1:
        raise ValueError("a state whose arrays differ in shape")
    return state


def _seconds(state: State) -> float:
    return state.history[-1].seconds if state.history else 0.0
