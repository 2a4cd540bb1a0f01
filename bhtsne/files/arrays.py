"""Files of arrays → arrays: .npy, .npz (dense or SciPy's sparse) and IDX, the format of MNIST.

Memory is allocated as data is read: a shape in a header may be wrong.
"""

import io
import math
import os
import warnings
import zipfile
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bhtsne.files.paths import check_memory, is_zipped, opened, seekable
from bhtsne.files.table import Table, Wanted

_IDX_TYPES = {8: "=u1", 9: "=i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
# Version of .npy: number of bytes of the length of the header, and its parser. Version 3 is for
# structured arrays, which are no tables of numbers.
_HEADERS = {
    (1, 0): (2, np.lib.format.read_array_header_1_0),
    (2, 0): (4, np.lib.format.read_array_header_2_0),
}
_HEADER = 1 << 16  # bytes; NumPy accepts 10,000
_BLOCK = 1 << 20
# Those of `numpy.savez` and `numpy.savez_compressed`. Of others, zipfile decompresses whole blocks.
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_WHOLE = ("shape", "indices", "indptr", "row", "col", "offsets")  # parts of sparse arrays


def read_npy(path: Path, wanted: Wanted) -> Table:
    """Map the array into memory, or read it if it is compressed."""
    with opened(path) as file:
        if is_zipped(path):
            return Table(_npy(file))
        shape, order, dtype = _header(file)
        _check_size(os.fstat(file.fileno()).st_size - file.tell(), shape, dtype)
        return Table(np.memmap(file, dtype, "r", file.tell(), shape, order))


def read_idx(path: Path, wanted: Wanted) -> Table:
    """Read an array of any dimension; all dimensions but the first are one row."""
    with opened(path) as file:
        head = file.read(4).ljust(4, b"\xff")
        if head[:2] != b"\0\0" or head[2] not in _IDX_TYPES or not head[3]:
            raise ValueError(f"the magic number 0x{head.hex()}, which no IDX file has")
        sides = file.read(4 * head[3])
        if len(sides) != 4 * head[3]:
            raise ValueError(f"0 bytes after a header of {head[3]} dimensions that is cut short")
        shape = tuple(np.frombuffer(sides, ">u4").tolist())
        dtype = np.dtype(_IDX_TYPES[head[2]])
        X = _body(file, shape, dtype).astype(dtype.newbyteorder("="), copy=False)
    if len(shape) == 1:
        return Table(X)
    sides = shape[1:] if len(shape) == 3 else None
    return Table(X.reshape(shape[0], math.prod(shape[1:])), sides=sides)


def read_npz(path: Path, wanted: Wanted) -> Table:
    """Read the array X, or the only 2-D array, or a sparse array; and extra arrays."""
    with seekable(path) as file:
        arrays = read_arrays(file)
        extra = {key: arrays[key] for key in wanted.keep if key in arrays}
        if {"format", "shape", "data"} <= arrays.keys():
            y = None if wanted.label is None else arrays.get(wanted.label)
            return Table(_sparse(file, arrays), y, extra=extra)
    labels = ("y", "labels") if wanted.label is None else (wanted.label,)
    y = next((arrays.pop(key) for key in labels if key in arrays), None)
    tables = ["X"] if "X" in arrays else [key for key in arrays if arrays[key].ndim == 2]
    if len(tables) != 1:
        found = ", ".join(f"{key} {values.shape}" for key, values in arrays.items())
        raise ValueError(f"neither an array X nor just one 2-D array among [{found}]")
    return Table(arrays[tables[0]], y, extra=extra)


def read_arrays(file: Any, only: str | None = None) -> dict[str, np.ndarray]:
    """Return the arrays of an open .npz by their names, or only that of one name if it exists."""
    if not zipfile.is_zipfile(file):
        raise ValueError("no zip archive, or only a part of one")
    arrays: dict[str, np.ndarray] = {}
    with zipfile.ZipFile(file) as archive:
        members = [one for one in archive.infolist() if only in (None, _name(one))]
        check_memory(sum(member.file_size for member in members))
        for member in members:
            name = _name(member)
            if name in arrays or member.compress_type not in _COMPRESSIONS:
                raise ValueError(f"a part {name!r} that occurs twice or is compressed otherwise")
            try:
                with archive.open(member) as part:
                    arrays[name] = _npy(part)
            except MemoryError:  # too little memory is no damage
                raise
            except Exception as error:  # zipfile and zlib have errors of their own
                raise ValueError(f"{error or 'an early end'} in the part {name!r}") from error
    return arrays


def _name(member: zipfile.ZipInfo) -> str:
    """Return the name of an array of an .npz."""
    return member.filename.removesuffix(".npy")


def _sparse(file: Any, arrays: dict[str, np.ndarray]) -> Any:
    """Return the CSR array of a file of `scipy.sparse.save_npz` with these parts."""
    import scipy.sparse

    for name in set(_WHOLE) & arrays.keys():
        if arrays[name].dtype.kind not in "iu":
            raise ValueError(f"{name} of {arrays[name].dtype} in a sparse array")
    check_memory(8 * int(arrays["shape"].ravel()[0]))  # of the row pointers
    file.seek(0)
    X = scipy.sparse.load_npz(file)
    if X.format in ("csr", "csc", "bsr"):
        X.check_format()  # compiled code does not check indices again
    X = scipy.sparse.csr_array(X)
    X.sum_duplicates()
    return X


def _npy(file: Any) -> np.ndarray:
    shape, order, dtype = _header(file)
    if order == "C":
        return _body(file, shape, dtype)
    return _body(file, shape[::-1], dtype).T


def _header(file: Any) -> tuple[tuple[int, ...], Literal["C", "F"], np.dtype]:
    """Return shape, order and dtype; the position in the file is then that of the data."""
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"version {version[0]}.{version[1]} of .npy")
    width, parse = _HEADERS[version]
    length = file.read(width)
    text = file.read(min(int.from_bytes(length, "little"), _HEADER))
    with warnings.catch_warnings(action="ignore"):  # about headers of Python 2
        shape, by_columns, dtype = parse(io.BytesIO(length + text))
    if dtype.hasobject or dtype.subdtype or not dtype.itemsize:
        raise ValueError(f"elements of the type {dtype}")
    if not all(type(side) is int and side >= 0 for side in shape):
        raise ValueError(f"the shape {shape}")
    return shape, "F" if by_columns else "C", dtype


def _body(file: Any, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Read the rest of a file in blocks, since its shape may be wrong."""
    size, body = math.prod(shape) * dtype.itemsize, bytearray()
    # one byte more: checksums are compared at the end only
    while len(body) <= size and (block := file.read(min(size + 1 - len(body), _BLOCK))):
        body += block
    _check_size(len(body), shape, dtype)
    return np.frombuffer(body, dtype).reshape(shape)


def _check_size(found: int, shape: tuple[int, ...], dtype: np.dtype) -> None:
    size = math.prod(shape) * dtype.itemsize
    if found != size:
        there = f"more than {size}" if found > size else found
        raise ValueError(f"{there} bytes after a header that says {size} (shape {list(shape)})")
