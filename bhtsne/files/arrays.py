"""Arrays in files: .npy, .npz (dense or SciPy's sparse) and IDX, the format of MNIST.

Each reader returns points, labels or None, and the names of the columns: None.
"""

import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from bhtsne.files.paths import is_zipped, opened, seekable

_IDX_TYPES = {8: "=u1", 9: "=i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def read_npy(path: Path, label: str | None = None) -> tuple[np.ndarray, None, None]:
    """Map the array into memory, or read it where gzip has to unpack it."""
    if not is_zipped(path):
        return np.lib.format.open_memmap(path, mode="r"), None, None
    with opened(path) as file:
        X = np.lib.format.read_array(file, allow_pickle=False)
        file.read(1)  # only at its end does gzip compare the checksum
    return X, None, None


def read_idx(path: Path, label: str | None = None) -> tuple[np.ndarray, None, None]:
    """Read an array of any dimension; whatever follows the first makes up one row."""
    with opened(path) as file:
        head = file.read(4).ljust(4, b"\xff")
        if head[:2] != b"\0\0" or head[2] not in _IDX_TYPES or not head[3]:
            raise ValueError(f"the magic number 0x{head.hex()}, which no IDX file has")
        dtype, shape = _IDX_TYPES[head[2]], np.frombuffer(file.read(4 * head[3]), ">u4").tolist()
        size, body = math.prod(shape) * np.dtype(dtype).itemsize, bytearray()
        # step by step: the header may claim any size, and a single read would allocate it
        while len(body) <= size and (block := file.read(min(size + 1 - len(body), 1 << 24))):
            body += block
    if len(shape) != head[3] or len(body) != size:
        found = f"more than {size}" if len(body) > size else len(body)
        raise ValueError(f"{found} bytes after a header that says {size} (shape {shape})")
    X = np.frombuffer(body, dtype).astype(dtype.replace(">", "="), copy=False)
    return X.reshape(shape[0], math.prod(shape[1:])) if len(shape) > 1 else X, None, None


def read_npz(path: Path, label: str | None) -> tuple[Any, Any, None]:
    """Read the array X, or the only 2-D one, or a sparse array; and the labels beside it."""
    with seekable(path) as file:
        if not zipfile.is_zipfile(file):
            raise ValueError("no zip archive, or only a part of one")
        file.seek(0)
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: np.asarray(archive[name]) for name in archive.files}
        if {"format", "shape", "data"} <= arrays.keys():
            import scipy.sparse

            file.seek(0)
            X = scipy.sparse.load_npz(file)
            if X.format in ("csr", "csc", "bsr"):
                X.check_format()  # compiled code follows a wrong index out of the array
            return scipy.sparse.csr_array(X), arrays.get(label), None
    wanted = ("y", "labels") if label is None else (label,)
    y = next((arrays.pop(key) for key in wanted if key in arrays), None)
    tables = ["X"] if "X" in arrays else [key for key in arrays if arrays[key].ndim == 2]
    if len(tables) != 1:
        found = ", ".join(f"{key} {values.shape}" for key, values in arrays.items())
        raise ValueError(f"neither an array X nor just one 2-D array among [{found}]")
    return arrays[tables[0]], y, None


def write_npy(file: Any, Y: np.ndarray, labels: np.ndarray | None) -> None:
    """Write the map; there is no place for labels."""
    np.lib.format.write_array(file, Y, allow_pickle=False)
