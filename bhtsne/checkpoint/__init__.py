"""A run ↔ a folder: each stage once it is done, then the map now and then, so that none is lost.

`run.npz` says whose run it is, `points.npz` holds X or where it lies; `neighbors.npz`,
`affinities.npz` and the last two of `state-….npz` are what was reached.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from bhtsne import files, memory, user_warnings
from bhtsne.checkpoint import identity
from bhtsne.checkpoint.folder import COMMAND, Folder, Kept, state_name
from bhtsne.checkpoint.names import check_names
from bhtsne.checkpoint.settings import Checkpointing, as_checkpointing
from bhtsne.neighbors import Neighbors
from bhtsne.optimizer import Phase, Record, State

__all__ = [
    "COMMAND", "Checkpoint", "Checkpointing", "Folder", "NullCheckpoint", "as_checkpointing",
    "opened", "restored",
]  # fmt: skip


class NullCheckpoint:
    """What a run asks for that keeps nothing.

    Attributes
    ----------
    seconds : dict of str to float
        What each stage took that was found done.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def stage(self, name: str, compute: Callable[[], Any], rng: Any) -> Any:
        """Return what a stage comes to: as it was kept, or computed now."""
        return compute()

    def state(self, compute: Callable[[], State], rng: Any) -> State:
        """Return where the optimisation stands: where it was last kept, or at its start."""
        return compute()

    def keep(self, state: State, *, now: bool = False) -> None:
        """Keep where the optimisation stands, every so many iterations, or now."""


class Checkpoint(NullCheckpoint):
    """A run that is kept in a folder.

    Parameters
    ----------
    folder : Folder
        Where.
    every : int
        Iterations from one state that is kept to the next.
    seeded : bool
        Whether a stage that is computed anew comes to the same bits. If not, nothing that was kept
        after it would belong to it.
    """

    def __init__(self, folder: Folder, every: int, seeded: bool) -> None:
        super().__init__()
        self._folder, self._every, self._seeded = folder, every, seeded
        self._fresh, self._last = False, -1

    def stage(self, name: str, compute: Callable[[], Any], rng: Any) -> Any:
        """Return what a stage comes to: as it was kept, or computed now."""
        kept = self._found(name, _stage_of)
        if kept is not None:
            self._go_on(name, kept[0], rng)
            return kept[1]
        began = time.perf_counter()
        value = compute()
        self._fresh = True
        told = {"seconds": time.perf_counter() - began, "rng": rng.get_state(legacy=False)}
        self._folder.write_later(name, told, _arrays_of(value))
        return value

    def state(self, compute: Callable[[], State], rng: Any) -> State:
        """Return where the optimisation stands: where it was last kept, or at its start."""
        for name in self._folder.states():
            kept = self._found(name, _state_of)
            if kept is not None:
                told, state = kept
                self._go_on("optimization", told, rng)
                self._last = state.iteration
                return state
        state = compute()
        self.keep(state, now=True)
        return state

    def keep(self, state: State, *, now: bool = False) -> None:
        """Keep where the optimisation stands, every so many iterations, or now."""
        # A slow disk keeps fewer maps, and never the run from going on.
        due = now or (state.iteration % self._every == 0 and not self._folder.busy)
        if due and state.iteration != self._last and np.isfinite(state.Y).all():
            self._last = state.iteration
            told, arrays = _parts_of(state)
            self._folder.write_later(state_name(state.iteration), told, arrays)

    def _found(self, name: str, decode: Callable) -> tuple[dict[str, Any], Any] | None:
        return None if self._fresh and not self._seeded else self._folder.read_sound(name, decode)

    def _go_on(self, stage: str, told: dict[str, Any], rng: Any) -> None:
        """Take the generator and the time to where the stage left them."""
        self.seconds[stage] = told.get("seconds", 0.0)
        if self._seeded and "rng" in told:
            rng.set_state(told["rng"])


@contextmanager
def opened(estimator: Any, X: Any) -> Iterator[NullCheckpoint]:
    """Begin a run, or go on with one that was kept.

    Parameters
    ----------
    estimator : TSNE
        With its parameters, of which `checkpoint` is the folder, or None.
    X : ndarray or CSR
        What is fitted.

    Yields
    ------
    Checkpoint
        Or `NullCheckpoint`, without a folder.

    Raises
    ------
    ValueError
        If the folder holds a run of other parameters or data: the message says which.
    OSError
        If the folder cannot be written to, or is in use.
    """
    options = as_checkpointing(estimator.checkpoint)
    if options is None:
        yield NullCheckpoint()
        return
    run, arrays = identity.of(estimator, X, options.every)
    with Folder(options.folder) as folder:
        kept = folder.read("run")
        if kept is None:
            names = getattr(estimator, "feature_names_in_", None)
            folder.write("points", *_parts_of_points(X, names))
            folder.write("run", run, arrays)
        else:
            _check_same(run, kept[0], folder, type(estimator))
        yield Checkpoint(folder, options.every, estimator.random_state is not None)


def restored(path: Any, estimator: type) -> tuple[dict[str, Any], Any, list[str] | None]:
    """Return the parameters, X and the names of its columns of a run that was kept.

    Parameters that the run does not know, since they are later ones, are left to their defaults.
    """
    run = points = None
    if (Path(path) / "run.npz").exists():  # a mistaken name makes no folder, and no lock in one
        with Folder(path) as folder:
            run, points = folder.read("run"), folder.read("points")
    if run is None or points is None:
        raise FileNotFoundError(f"checkpoint {str(path)!r} holds no run; check the folder's name.")
    _check_version(run[0], path)
    check_names(run[0]["parameters"], estimator, Path(path) / "run.npz")
    told, arrays = points
    if "file" not in told:
        return identity.parameters(*run), files.unpacked("X", arrays), told["names"]
    where = told["file"]
    with files.readable_errors(where["filename"], "the points of the run that is to go on"):
        X = np.memmap(**where | {"mode": "r", "shape": tuple(where["shape"])})
    return identity.parameters(*run), X, told["names"]


def _check_version(kept: dict[str, Any], path: Any) -> None:
    if kept.get("format") != identity.FORMAT or kept.get("version") != identity.VERSION:
        raise ValueError(
            f"checkpoint {str(path)!r} was kept by another version of this library; "
            "name a new folder."
        )
    with files.readable_errors(Path(path) / "run.npz", "what a run has kept"):
        for name in ("parameters", "data"):
            dict(kept[name])


def _check_same(
    given: dict[str, Any], kept: dict[str, Any], folder: Folder, estimator: type
) -> None:
    _check_version(kept, folder.path)
    check_names(kept["parameters"], estimator, folder.path / "run.npz")
    what = identity.difference(given, kept, estimator)
    if what is not None:
        raise ValueError(
            f"checkpoint {str(folder.path)!r} holds a run with {what}; go on with the same, "
            "or name a new folder."
        )
    ours, theirs = given["libraries"], kept.get("libraries")
    if ours != theirs:
        user_warnings.warn(
            f"The run was begun with {theirs} and goes on with {ours}: its last bits may be others."
        )


def _parts_of_points(X: Any, names: Any) -> Kept:
    """Return X, or the file that it is a map of: that is never copied."""
    told: dict[str, Any] = {"names": None if names is None else list(map(str, names))}
    file = None if sparse.issparse(X) else _mapped(X)
    if file is None:
        return told, files.packed("X", X)
    order = "C" if X.flags.c_contiguous else "F"
    told["file"] = {
        "filename": str(file.filename), "offset": file.offset, "shape": list(X.shape),
        "dtype": X.dtype.str, "order": order,
    }  # fmt: skip
    return told, {}


def _mapped(X: np.ndarray) -> np.memmap | None:
    """Return the memory map of a file that an array is, whole, if it is one."""
    whole = memory.mapped(X)
    while whole is not None and isinstance(whole.base, np.memmap):
        whole = whole.base
    if whole is None or whole.filename is None or not whole.flags.forc:
        return None
    same = (whole.ctypes.data, whole.shape, whole.strides) == (X.ctypes.data, X.shape, X.strides)
    return whole if same else None


def _arrays_of(value: Any) -> dict[str, np.ndarray]:
    if value is None:
        return {}
    return value._asdict() if isinstance(value, Neighbors) else files.packed("P", value)


def _stage_of(_: dict[str, Any], arrays: dict[str, np.ndarray]) -> Any:
    if not arrays:
        return None
    return Neighbors(**arrays) if "indices" in arrays else files.unpacked("P", arrays)


def _parts_of(state: State) -> Kept:
    arrays = {name: getattr(state, name) for name in ("Y", "velocity", "gains")}
    told = {name: value for name, value in vars(state).items() if name not in arrays}
    told["seconds"] = state.history[-1].seconds if state.history else 0.0
    told["stopped"] = None if state.stopped == "interrupt" else state.stopped
    return told, arrays


def _state_of(told: dict[str, Any], arrays: dict[str, np.ndarray]) -> State:
    told = {name: value for name, value in told.items() if name != "seconds"}
    told["history"] = [Record(*record) for record in told["history"]]
    told["left"] = [Phase(*phase) for phase in told["left"]]
    return State(**(told | arrays))
