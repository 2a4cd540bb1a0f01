"""A path → format of the file, file open for reading, or atomic replacement of the file."""

import gzip
import io
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import shorten
from typing import Any

from bhtsne import memory

_BLOCK = 1 << 20
_TEXT = ("csv", "tsv", "txt", "jsonl", "ndjson")


def kind(path: Path) -> str:
    """Return the format, "idx" or the suffix without its dot; .gz is ignored."""
    name = path.name.lower().removesuffix(".gz")
    return "idx" if re.search(r"[-.]idx(\d-ubyte)?$", name) else Path(name).suffix[1:]


def is_zipped(path: Path) -> bool:
    """Return whether the file is compressed by gzip."""
    return path.suffix.lower() == ".gz"


def check_memory(size: int) -> None:
    """Raise ValueError if `size` bytes of memory are not available."""
    free = memory.available()
    if size > free:
        raise ValueError(f"{size:,} bytes, unpacked, where {free:,.0f} of memory are free")


class _Unpacked(io.RawIOBase):
    """Decompressed data of a gzip file, limited by the available memory."""

    def __init__(self, file: gzip.GzipFile) -> None:
        self._file, self._count, self._limit = file, 0, memory.available()

    def readable(self) -> bool:
        return True

    def readinto(self, block: Any) -> int:
        size = self._file.readinto(block)
        self._count += size
        if self._count > self._limit:
            raise ValueError(f"more bytes, unpacked, than the {self._limit:,.0f} that are free")
        return size

    def close(self) -> None:
        self._file.close()
        super().close()


def stored(path: Path) -> Any:
    """Open a file for reading its bytes without decompression."""
    if path.exists() and not (
        path.is_file() or path.is_dir()
    ):  # open() raises an error for a folder
        raise ValueError("a pipe or a device, which may never end")
    return path.open("rb")


def opened(path: Path) -> Any:
    """Open a file for reading, decompressed, from start to end."""
    if not is_zipped(path):
        return stored(path)
    stored(path).close()
    return io.BufferedReader(_Unpacked(gzip.open(path)), _BLOCK)


def seekable(path: Path) -> Any:
    """Open a file for reading, decompressed, in any order."""
    if not is_zipped(path):
        return stored(path)
    whole = io.BytesIO()  # an archive is read from its end; gzip cannot seek backwards
    with opened(path) as file:
        shutil.copyfileobj(file, whole, _BLOCK)
    whole.seek(0)
    return whole


@contextmanager
def readable_errors(path: Path, rule: str) -> Iterator[None]:
    """Replace each error in the body by one sentence with the file and the rule for its content."""
    try:
        yield
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no file {path}; check its name and folder.") from None
    except (ImportError, MemoryError):  # a missing package, or too little memory, is no damage
        raise
    except Exception as error:  # a damaged header can raise any error in the parser of NumPy
        if isinstance(error, OSError) and error.errno is not None:  # errors of gzip have no number
            raise type(error)(
                f"{path} cannot be read ({error.strerror}); name a file that you may read."
            ) from error
        reason = shorten(str(error), 500, placeholder=" …").rstrip(".") or type(error).__name__
        if isinstance(error, KeyError):
            reason = f"no part {reason}"
        binary = "" if kind(path) in _TEXT else ", whole and without pickled objects"
        raise ValueError(
            f"{path} must hold {rule}{binary}, got: {reason}; correct the file or write it again."
        ) from error


def check_target(path: str | os.PathLike, suffixes: tuple[str, ...]) -> None:
    """Raise the errors of writing to a path, before any computation."""
    path = Path(path)
    if path.suffix.lower() not in suffixes:
        known = f"{', '.join(suffixes[:-1])} or {suffixes[-1]}".removeprefix(" or ")
        raise ValueError(f"a file to write must end in {known}, got {path}.")
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"{path} cannot be written: there is no folder {path.parent}; choose a folder that "
            "exists."
        )
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(
            f"{path} cannot be written: {path.parent} is read-only; choose another folder."
        )


def arrow() -> Any:
    """Return pyarrow with its parquet module, imported on first use."""
    import pyarrow.parquet

    return pyarrow


@contextmanager
def atomic_write(path: str | os.PathLike) -> Iterator[Any]:
    """Open a binary file that replaces `path` at the end of the body, unless the body raises.

    Data are synchronised to the disk before the replacement, and the name after it.
    """
    path = Path(path)
    # not by tempfile, whose files only their owner can read
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        file = temporary.open("xb")
    except OSError as error:
        raise type(error)(
            f"{path} cannot be written ({error.strerror}); choose a folder that exists and that "
            "you may write to."
        ) from error
    try:
        with file:
            yield file
            if not file.closed:  # a text wrapper closes the file
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Synchronise the names in a folder to the disk, on POSIX systems."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
