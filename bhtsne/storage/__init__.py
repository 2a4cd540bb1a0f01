"""Nested values ↔ one file: `save` and `load`, the only way in which the library stores its state.

Fitted estimators, checkpoints, recordings and the settings of maps in parts are stored by these
functions. A file is an .npz: a header in JSON, and arrays. It replaces an earlier one only when it
is complete; damage is detected by checksums; nothing is pickled.
"""

import os
from collections.abc import Mapping
from typing import Any

from bhtsne.storage import archive
from bhtsne.storage.archive import Format, format_name
from bhtsne.storage.defaults import check_names, with_defaults
from bhtsne.storage.encoding import decode, encode, equal

__all__ = [
    "Format",
    "archive",
    "check_names",
    "decode",
    "encode",
    "equal",
    "format_name",
    "load",
    "save",
    "with_defaults",
]


def save(
    path: str | os.PathLike, form: Format, content: Any, classes: Mapping[str, type] | None = None
) -> None:
    """Write a nested value to a file.

    Parameters
    ----------
    path : str or path
        A file, replaced if it exists.
    form : Format
        Format of the file.
    content : dict
        Values that `encode` accepts.
    classes : mapping of str to type, optional
        NamedTuples and dataclasses that the content may contain, by their names in the file.

    Raises
    ------
    ValueError
        If the content contains an object that no file can hold.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from pathlib import Path
    >>> form = Format("example", 1, "an example")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(Path(folder, "x.npz"), form, {"n": 2, "X": np.eye(2)})
    ...     content = load(Path(folder, "x.npz"), form)
    >>> content["n"], content["X"].tolist()
    (2, [[1.0, 0.0], [0.0, 1.0]])
    """
    archive.write(path, form, *encode(content, classes))


def load(
    path: str | os.PathLike, form: Format, classes: Mapping[str, type] | None = None
) -> dict[str, Any]:
    """Read the content of a file that `save` wrote.

    Parameters
    ----------
    path : str or path
        The file.
    form : Format
        Format of the file.
    classes : mapping of str to type, optional
        As in `save`.

    Returns
    -------
    dict
        The content. A field of a class that the file lacks has the default of the class.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    OSError
        If the file is a folder, or may not be read.
    ValueError
        If the file is damaged, or of another format or version.
    """
    header, arrays = archive.read(path, form)
    with archive.errors(path, form):
        content = decode(header, arrays, classes)
        if not isinstance(content, dict):
            raise ValueError(f"a content of type {type(content).__name__}")
    return content
