"""Estimator, X → identity of a run: the values that must be the same for the run to continue."""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numba
import numpy as np
from scipy import sparse

from bhtsne import __version__, affinities, storage
from bhtsne.forces import AdaptiveTheta
from bhtsne.neighbors import Neighbors
from bhtsne.optimizer import Phase, Record, Stopping

# These do not change the result of a run.
_FREE = ("callbacks", "checkpoint", "n_jobs", "verbose")
_BLOCK = 1 << 24  # bytes hashed at a time, so that a memory map is never read whole


class Function(NamedTuple):
    """A parameter that is a function, which a file cannot hold.

    Attributes
    ----------
    name : str
        Its module and its name.
    """

    name: str


_CLASSES = (Neighbors, Phase, Record, Stopping, AdaptiveTheta, Function, *affinities.KINDS.values())
CLASSES: dict[str, type] = {one.__name__: one for one in _CLASSES}


def of(estimator: Any, X: Any, every: int) -> dict[str, Any]:
    """Return the identity of a run.

    Parameters
    ----------
    estimator : TSNE
        The estimator.
    X : ndarray or CSR
        Its input.
    every : int
        Iterations between saved states.

    Returns
    -------
    dict
        ``parameters``, ``every``, ``data`` (shape, dtype and SHA-256 of X) and
        ``libraries`` with their versions.
    """
    given = estimator.get_params(deep=False).items()
    return {
        "libraries": {"bhtsne": __version__, "numba": numba.__version__, "numpy": np.__version__},
        "parameters": {name: _stored(value) for name, value in given if name not in _FREE},
        "every": every,
        "data": {"shape": list(X.shape), "dtype": str(X.dtype), "sha256": fingerprint(X)},
    }


def parameters(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of an estimator from the identity of its run.

    Raises
    ------
    ValueError
        If one of them is a function.
    """
    for name, value in run["parameters"].items():
        if isinstance(value, Function):
            raise ValueError(
                f"{name} must be given again, since a file holds no function: fit the same data "
                f"with {name}={value.name}, the other parameters and this checkpoint."
            )
    return dict(run["parameters"])


def difference(given: Mapping[str, Any], saved: Mapping[str, Any]) -> str | None:
    """Return the first difference of two identities in words, or None.

    Parameters
    ----------
    given, saved : dict
        Identities; the saved one has a value for each parameter.
    """
    for name, value in given["parameters"].items():
        other = saved["parameters"][name]
        if not storage.equal(value, other, CLASSES):
            return f"{name}={_short(other)}, and {name}={_short(value)} is given"
    for name, value in given["data"].items():
        other = saved["data"].get(name)
        if value != other:
            return f"data of {name} {other}, and those given have {name} {value}"
    return None


def fingerprint(X: Any) -> str:
    """Return the SHA-256 of the numbers of an array or a CSR matrix."""
    digest = hashlib.sha256()
    for part in (X.data, X.indices, X.indptr) if sparse.issparse(X) else (X,):
        rows = max(_BLOCK // max(part[:1].nbytes, 1), 1)
        for start in range(0, len(part), rows):
            digest.update(np.ascontiguousarray(part[start : start + rows]).data)
    return digest.hexdigest()


def _stored(value: Any) -> Any:
    """Return a parameter as a file can hold it."""
    value = getattr(value, "neighbor_graph", value)  # of a pynndescent index
    if not callable(value):
        return list(value) if type(value) is tuple else value  # both mean the same
    names = getattr(value, "__module__", None), getattr(value, "__qualname__", repr(value))
    return Function(".".join(filter(None, names)))


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:77]}…"
