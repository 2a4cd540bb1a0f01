"""Sparse and dense arrays, and what is told of them ↔ the plain arrays that an .npz holds."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bhtsne.files.arrays import read_arrays
from bhtsne.files.paths import stored

_CSR = ("data", "indices", "indptr", "shape")


def read_told(path: Path, form: str, version: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read what an archive says of itself, and its arrays; ValueError if another kind, or later."""
    with stored(path) as file:
        arrays = read_arrays(file)
    told = json.loads(str(arrays["told"]))
    if told["format"] != form or told["version"] > version:
        raise ValueError(f"{told['format']}, version {told['version']}; known is version {version}")
    return told, arrays


def packed(name: str, X: Any) -> dict[str, np.ndarray]:
    """Return an array, or the parts of a CSR matrix, under names that begin with one."""
    from scipy import sparse

    if not sparse.issparse(X):
        return {name: np.asarray(X)}
    X = sparse.csr_array(X)
    return {f"{name}.{part}": np.asarray(getattr(X, part)) for part in _CSR}


def unpacked(name: str, arrays: Mapping[str, np.ndarray]) -> Any:
    """Return what `packed` took apart."""
    if name in arrays:
        return arrays[name]
    from scipy import sparse

    data, indices, indptr, shape = (arrays[f"{name}.{part}"] for part in _CSR)
    X = sparse.csr_array((data, indices, indptr), shape=tuple(shape))
    X.check_format()  # compiled code follows a wrong index out of the array
    # SciPy may have taken smaller integers, for which other code is compiled, of other bits.
    X.indices, X.indptr = indices, indptr
    return X
