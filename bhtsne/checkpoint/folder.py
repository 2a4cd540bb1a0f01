"""A folder ↔ the files of one run, written by a thread of their own while the run continues."""

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from bhtsne import files, storage, user_warnings
from bhtsne.checkpoint.identity import CLASSES
from bhtsne.storage import Format

COMMAND = "command.json"  # the arguments of `bhtsne embed`
FORMAT = Format("bhtsne.checkpoint", 2, "a part of a run's checkpoint")
_STATES = 2  # the last may be incomplete while it is written, and damaged by the disk after that


class Folder:
    """A folder of one run, which no other process may use at the same time.

    Parameters
    ----------
    path : str or path
        The folder. It is created if it does not exist; its parent must exist.

    Raises
    ------
    OSError
        If the folder cannot be created or written to, or another process uses it.
    ValueError
        If it holds files of another kind.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = Path(path)
        _make(self.path)
        self._resources = ExitStack()
        self._resources.enter_context(files.locked(self.path, "checkpoint"))
        self._writer = ThreadPoolExecutor(1, "bhtsne-checkpoint")
        self._last: Future | None = None
        self._drop_old_states()  # a process may have been killed before it removed one

    def __enter__(self) -> "Folder":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.wait()
        finally:
            self._writer.shutdown()
            self._resources.close()

    def read(self, name: str) -> dict[str, Any] | None:
        """Return the content of a file, or None if there is none; ValueError if it is damaged."""
        path = self._path(name)
        return storage.load(path, FORMAT, CLASSES) if path.exists() else None

    def read_sound(self, name: str, convert: Callable[[dict[str, Any]], Any]) -> Any:
        """Return the converted content of a file, or None; if it is damaged, with a warning."""
        try:
            content = self.read(name)
            if content is None:
                return None
            with storage.archive.errors(self._path(name), FORMAT):
                return convert(content)
        except ValueError as error:
            user_warnings.warn(f"{str(error).rstrip('.')}, and the run continues without it.")
            return None

    def states(self) -> list[str]:
        """Return the names of the states, the latest first."""
        return sorted((path.stem for path in self.path.glob("state-*.npz")), reverse=True)

    def write(self, name: str, content: dict[str, Any]) -> None:
        """Write a file, and wait until it is on the disk."""
        self._write(name, *storage.encode(content, CLASSES))

    def write_later(self, name: str, content: dict[str, Any]) -> None:
        """Write a file while the run continues; a failure becomes a warning."""
        self.wait()
        # The thread gets numbers of now: the run changes lists, but replaces arrays.
        parts = storage.encode(content, CLASSES)
        self._last = self._writer.submit(self._write_last, name, *parts)

    def _write_last(self, name: str, header: Any, arrays: dict[str, np.ndarray]) -> None:
        self._write(name, header, arrays)
        self._drop_old_states()

    def _write(self, name: str, header: Any, arrays: dict[str, np.ndarray]) -> None:
        storage.archive.write(self._path(name), FORMAT, header, arrays)

    def _path(self, name: str) -> Path:
        return self.path / f"{name}.npz"

    def _drop_old_states(self) -> None:
        for old in self.states()[_STATES:]:
            self._path(old).unlink()

    @property
    def busy(self) -> bool:
        """Whether a file is being written."""
        return self._last is not None and not self._last.done()

    def wait(self) -> None:
        """Wait until the last file is written, or has failed."""
        last, self._last = self._last, None
        if last is None:
            return
        try:
            last.result()
        except OSError as error:  # the map matters more than its copy: the run continues
            user_warnings.warn(
                f"{str(error).rstrip('.')}; the run goes on, and its earlier checkpoint stays."
            )


def state_name(iteration: int) -> str:
    """Return the name of the state after an iteration."""
    return f"state-{iteration:08}"


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
