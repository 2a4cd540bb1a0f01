"""A folder → an exclusive lock of it, which ends with the process."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

__all__ = ["LOCK", "locked"]

LOCK = ".lock"  # readers of folders of Parquet files ignore names that begin with a dot


@contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """Lock a folder, and remove the temporary files of a process that was killed.

    Where the folder cannot be locked (it is read-only, or its file system has no locks), the body
    runs without a lock, and temporary files stay: they may belong to another process.

    Parameters
    ----------
    folder : path
        An existing folder.
    name : str
        The folder's name in a message.

    Raises
    ------
    BlockingIOError
        If another process holds the lock.
    """
    lock = _acquired(folder, name)
    if lock is None:
        yield
        return
    try:
        for torn in folder.glob(".*.tmp"):
            torn.unlink(missing_ok=True)
        yield
    finally:
        # While the lock is held: a process that has opened the removed file then opens a new one.
        with suppress(OSError):  # Windows removes no open file
            (folder / LOCK).unlink()
        lock.release()


def _acquired(folder: Path, name: str) -> Any:
    """Return an acquired lock, or None if the folder cannot be locked."""
    import filelock

    # A soft lock, a mere file, would outlive a process that was killed on another machine.
    lock = filelock.FileLock(folder / LOCK, thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout as error:
        raise BlockingIOError(
            f"{name} {str(folder)!r} is in use by another run; wait for it, or name another folder."
        ) from error
    except OSError:
        return None
    return lock
