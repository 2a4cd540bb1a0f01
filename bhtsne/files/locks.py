"""A folder → the right to write to it, which one process has at a time and loses with its end."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["locked"]


@contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """Hold a folder, and clear it of what a process that was killed had begun to write.

    Where the system or its file system knows no locks, nothing is held.

    Parameters
    ----------
    folder : path
        It must be there.
    name : str
        What a message calls it.

    Raises
    ------
    BlockingIOError
        If another process has it.
    """
    handle = _handle(folder, name)
    try:
        for torn in folder.glob(".*.tmp"):
            torn.unlink(missing_ok=True)
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _handle(folder: Path, name: str) -> int | None:
    """Return a handle whose lock goes with the process, however it ends."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise BlockingIOError(
            f"{name} {str(folder)!r} is in use by another run; wait for it, or name another folder."
        ) from error
    except OSError:  # some shared file systems
        os.close(handle)
        return None
    return handle
