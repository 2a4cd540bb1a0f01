"""Standard input → a temporary file for the readers; bytes of a map → standard output."""

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
# First bytes of each format: NumPy, zip archives (.npz), Parquet, Arrow, gzip and JSON.
_MAGIC = {
    b"\x93NUMPY": "npy", b"PK": "npz", b"PAR1": "parquet", b"ARROW1": "feather",
    b"\x1f\x8b": "csv.gz", b"{": "jsonl",
}  # fmt: skip


def is_stream(path: Any) -> bool:
    """Return whether a name is that of the standard input or output."""
    return str(path) == NAME


@contextmanager
def received() -> Iterator[Path]:
    """Yield a temporary file with the data of the standard input, and a suffix of its format."""
    import tempfile

    if sys.stdin is None or sys.stdin.isatty():
        raise Usage("IN is -, but nothing is piped in; use a file, or `bhtsne … - < FILE`")
    source = sys.stdin.buffer
    head = source.read(_BLOCK)
    with tempfile.TemporaryDirectory(prefix="bhtsne-") as folder:
        path = Path(folder, f"input.{_format(head)}")
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
        raise OSError("the standard output does not accept bytes; write to a file.")
    stream.write(data)
    stream.flush()


def close_quietly() -> None:
    """Send the rest of the standard output to os.devnull, after its pipe was closed.

    Otherwise Python prints an error when it flushes the stream at the end of the process.
    """
    try:
        handle = sys.stdout.fileno()
    except (AttributeError, io.UnsupportedOperation, ValueError):
        return
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, handle)
    os.close(null)


def _format(head: bytes) -> str:
    """Return the suffix of the format of data, by the first block."""
    if head.startswith(b"PK") and b"[Content_Types].xml" in head:
        return "xlsx"
    if head[:2] == b"\0\0" and head[2:4] != b"":
        return "idx"
    return next((suffix for magic, suffix in _MAGIC.items() if head.startswith(magic)), "csv")
