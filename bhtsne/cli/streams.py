"""What is piped in → a file for the readers; a map → what is piped out."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bhtsne.cli.parser import Usage

NAME = "-"
_BLOCK = 1 << 20
# How files begin: those of NumPy, zip archives (.npz), Apache's, and what gzip packed.
_MAGIC = {
    b"\x93NUMPY": "npy", b"PK": "npz", b"PAR1": "parquet", b"ARROW1": "feather",
    b"\x1f\x8b": "csv.gz", b"{": "jsonl",
}  # fmt: skip


def is_stream(path: Any) -> bool:
    """Return whether a name stands for the standard input or output."""
    return str(path) == NAME


@contextmanager
def received() -> Iterator[Path]:
    """Keep what is piped in, in a file whose name says what it looks like, while it is read."""
    import tempfile

    if sys.stdin is None or sys.stdin.isatty():
        raise Usage("IN is -, and nothing is piped in; give a file, or write `bhtsne … - < FILE`")
    source = sys.stdin.buffer
    head = source.read(_BLOCK)
    with tempfile.TemporaryDirectory(prefix="bhtsne-") as folder:
        path = Path(folder, f"input.{_form(head)}")
        with path.open("wb") as file:
            block = head
            while block:
                file.write(block)
                block = source.read(_BLOCK)
        try:
            yield path
        except (OSError, ValueError) as error:
            raise type(error)(str(error).replace(str(path), "the standard input")) from error


def send(data: bytes) -> None:
    """Write bytes to the standard output."""
    stream = getattr(sys.stdout, "buffer", None)
    if stream is None:
        raise OSError("the standard output takes no bytes; write to a file.")
    stream.write(data)
    stream.flush()


def close_quietly() -> None:
    """Let nothing more be said to a reader of the standard output who has gone."""
    try:
        handle = sys.stdout.fileno()
    except (AttributeError, io.UnsupportedOperation, ValueError):
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, handle)
    os.close(nothing)


def _form(head: bytes) -> str:
    if head.startswith(b"PK") and b"[Content_Types].xml" in head:
        return "xlsx"
    if head[:2] == b"\0\0" and head[2:4] != b"":
        return "idx"
    return next((form for magic, form in _MAGIC.items() if head.startswith(magic)), "csv")
