"""Format, header, arrays ↔ an .npz file: written atomically, and verified when it is read."""

import json
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bhtsne import __version__, files

__all__ = ["Format", "errors", "format_name", "read", "write"]


class Format(NamedTuple):
    """Format of a file.

    A parameter or field with a default may be added within a version; the version changes when
    files become unreadable for earlier code.

    Attributes
    ----------
    name : str
        Name in the header.
    version : int
        Version that is written, and the only one that is read.
    content : str
        The content in words, for messages.
    """

    name: str
    version: int
    content: str


def write(
    path: str | os.PathLike, form: Format, header: Any, arrays: Mapping[str, np.ndarray]
) -> None:
    """Write a header, as JSON, and arrays; an earlier file is replaced when all is on the disk.

    Parameters
    ----------
    path : str or path
        The file.
    form : Format
        Its format.
    header : object
        A value that JSON can represent.
    arrays : mapping of str to ndarray
        Arrays by their names, other than "file" and "header". NumPy writes them in blocks, without
        a copy of the whole.
    """
    text = json.dumps({"format": form.name, "version": form.version, "content": header})
    parts: dict[str, Any] = {"header": np.array(text.encode()), **arrays}
    with files.atomic_write(path) as file:
        np.savez(file, **parts)


def read(path: str | os.PathLike, form: Format) -> tuple[Any, dict[str, np.ndarray]]:
    """Read a header and arrays.

    Parameters
    ----------
    path : str or path
        The file.
    form : Format
        The expected format.

    Returns
    -------
    header : object
        The header.
    arrays : dict of str to ndarray
        The arrays by their names.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    OSError
        If the file is a folder, or may not be read.
    ValueError
        If the file is damaged, or of another format or version.
    """
    with errors(path, form):
        with files.stored(Path(path)) as file:
            arrays = files.read_arrays(file)
        header = json.loads(arrays.pop("header").item())
        name, version, content = header["format"], header["version"], header["content"]
        if name != form.name:
            raise ValueError(f"the format {name!r} in place of {form.name!r}")
    if version != form.version:
        raise ValueError(
            f"{path} is version {version!r:.20} of the format {form.name}, of which bhtsne "
            f"{__version__} reads version {form.version}; use the version of bhtsne that wrote it, "
            "or start again."
        )
    return content, arrays


def errors(path: str | os.PathLike, form: Format) -> AbstractContextManager[None]:
    """Return a context in which every error of reading a file becomes one sentence about it."""
    return files.readable_errors(Path(path), form.content)


def format_name(path: str | os.PathLike) -> str | None:
    """Return the name of the format of an .npz, or None if it is no file of `write`."""
    with files.readable_errors(Path(path), "arrays"), files.stored(Path(path)) as file:
        arrays = files.read_arrays(file, only="header")
    try:
        return json.loads(arrays["header"].item())["format"]
    except (KeyError, TypeError, ValueError):  # an array of another program may have this name
        return None
