"""Named arrays and JSON ↔ files of one folder, each of them whole or not there.

A file is an .npz of plain arrays, whose CRC-32 sums tell a torn or altered one. What a run has
computed is written by a thread of its own, while the run goes on.
"""

import json
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from bhtsne import files, user_warnings

Kept = tuple[dict[str, Any], dict[str, np.ndarray]]

COMMAND = "command.json"  # what `bhtsne embed` was called with
_STATES = 2  # the last is not yet whole while it is written, and may be torn by the disk after it


class Folder:
    """A folder of one run, which no other process may use at the same time.

    Parameters
    ----------
    path : str or path
        Made if there is none; its own parent must be there.

    Raises
    ------
    OSError
        If it cannot be made or written to, or another process uses it.
    ValueError
        If it holds files of another kind.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = Path(path)
        _make(self.path)
        self._held = ExitStack()
        self._held.enter_context(files.locked(self.path, "checkpoint"))
        self._writer = ThreadPoolExecutor(1, "bhtsne-checkpoint")
        self._last: Future | None = None
        self._drop_old_states()  # a process may have been killed before it had removed one

    def __enter__(self) -> "Folder":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.wait()
        finally:
            self._writer.shutdown()
            self._held.close()

    def read(self, name: str) -> Kept | None:
        """Return what a file holds, or None if it is not there; ValueError if it is damaged."""
        path = self.path / f"{name}.npz"
        if not path.exists():
            return None
        with files.readable_errors(path, "what a run has kept"):
            with files.stored(path) as file:
                arrays = files.read_arrays(file)
            return json.loads(str(arrays.pop("told"))), arrays

    def read_sound(
        self, name: str, decode: Callable[[dict, dict], Any]
    ) -> tuple[dict[str, Any], Any] | None:
        """Return what a file says and what it decodes to, or None and a warning if it cannot be."""
        try:
            kept = self.read(name)
            if kept is None:
                return None
            with files.readable_errors(self.path / f"{name}.npz", "what a run has kept"):
                return kept[0], decode(*kept)
        except ValueError as error:
            user_warnings.warn(f"{str(error).rstrip('.')}, and the run does without it.")
            return None

    def states(self) -> list[str]:
        """Return the names of the states, the latest first."""
        return sorted((path.stem for path in self.path.glob("state-*.npz")), reverse=True)

    def write(self, name: str, told: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        """Write a file, and wait until it is safe."""
        arrays = arrays | {"told": np.array(json.dumps(told, default=_plain))}
        with files.atomic_write(self.path / f"{name}.npz") as file:
            files.write_arrays(file, arrays)

    def write_later(self, name: str, told: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        """Write a file while the run goes on; what could not be written is told by a warning."""
        self.wait()
        self._last = self._writer.submit(self._write_last, name, told, arrays)

    def _write_last(self, name: str, told: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self.write(name, told, arrays)
        self._drop_old_states()

    def _drop_old_states(self) -> None:
        for old in self.states()[_STATES:]:
            (self.path / f"{old}.npz").unlink()

    @property
    def busy(self) -> bool:
        """Whether something is still being written."""
        return self._last is not None and not self._last.done()

    def wait(self) -> None:
        """Wait until what was to be written is written, or could not be."""
        last, self._last = self._last, None
        if last is None:
            return
        try:
            last.result()
        except OSError as error:  # a map is worth more than its copy: the run goes on
            user_warnings.warn(
                f"{str(error).rstrip('.')}; the run goes on, and its earlier checkpoint stays."
            )


def state_name(iteration: int) -> str:
    """Return the name of the state after an iteration."""
    return f"state-{iteration:08}"


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)


def _make(path: Path) -> None:
    try:
        path.mkdir(exist_ok=True)
        names = {entry.name for entry in path.iterdir()}
    except OSError as error:
        raise type(error)(
            f"checkpoint must be a folder, or a name for a new one in a folder that exists and "
            f"that you may write to, got {str(path)!r} ({error.strerror})."
        ) from None
    ours = {COMMAND, "run.npz", "points.npz"}
    others = {name for name in names if name != files.LOCK and not name.endswith(".tmp")}
    if others and not others & ours:
        raise ValueError(
            f"checkpoint must be a folder of its own, got {str(path)!r}, which holds "
            f"{min(others)!r} and no run; name a new one."
        )
