"""An estimator and its data → whose run it is: what must be the same for a run to go on."""

import hashlib
import json
from inspect import signature
from typing import Any

import numba
import numpy as np
from scipy import sparse
from sklearn.utils import check_random_state

from bhtsne import __version__, files
from bhtsne.optimizer import Phase

FORMAT, VERSION = "bhtsne run", 1
# These change nothing of what a run comes to.
_FREE = ("callbacks", "checkpoint", "n_jobs", "verbose")
_BLOCK = 1 << 24  # bytes hashed at a time, so that a memory map is never read whole


def of(estimator: Any, X: Any, every: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return whose run it is, as JSON would have it, and the parameters that are arrays."""
    parameters: dict[str, Any] = {}
    arrays: dict[str, np.ndarray] = {}
    for name, value in estimator.get_params(deep=False).items():
        if name not in _FREE:
            parameters[name], parts = _kept(name, value)
            arrays |= parts
    told = {
        "format": FORMAT,
        "version": VERSION,
        "libraries": {"bhtsne": __version__, "numba": numba.__version__, "numpy": np.__version__},
        "parameters": parameters,
        "checkpoint_every": every,
        "data": {"shape": list(X.shape), "dtype": str(X.dtype), "sha256": fingerprint(X)},
    }
    return json.loads(json.dumps(told, default=_number)), arrays


def parameters(told: dict[str, Any], arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return an estimator's parameters from what `of` has returned."""
    given = {name: told[name] for name in ("checkpoint_every",) if name in told}
    for name, value in told["parameters"].items():
        if isinstance(value, dict) and "function" in value:
            raise ValueError(
                f"{name} must be given again, since a file holds no function: fit the same data "
                f"with {name}={value['function']}, the other parameters and this checkpoint."
            )
        given[name] = _given(name, value, arrays)
    return given


def difference(given: dict[str, Any], kept: dict[str, Any], estimator: type) -> str | None:
    """Return in which parameter or property of the data two runs differ, or None.

    A parameter that is later than the run has its default there.
    """
    defaults = {name: one.default for name, one in signature(estimator).parameters.items()}
    for name, value in given["parameters"].items():
        other = kept["parameters"].get(name, defaults[name])
        if value != other:
            return f"{name}={_short(other)}, and {name}={_short(value)} is given"
    for name, value in given["data"].items():
        other = kept["data"].get(name)
        if value != other:
            return f"data of {name} {other}, and those given have {name} {value}"
    return None


def fingerprint(X: Any) -> str:
    """Return the SHA-256 of an array's or a CSR matrix's numbers."""
    digest = hashlib.sha256()
    for part in (X.data, X.indices, X.indptr) if sparse.issparse(X) else (X,):
        rows = max(_BLOCK // max(part[:1].nbytes, 1), 1)
        for start in range(0, len(part), rows):
            digest.update(np.ascontiguousarray(part[start : start + rows]).data)
    return digest.hexdigest()


def _kept(name: str, value: Any) -> tuple[Any, dict[str, np.ndarray]]:
    """Return a parameter as JSON, and the arrays that it consists of."""
    value = getattr(value, "neighbor_graph", value)  # of a pynndescent index
    if name == "schedule" and not isinstance(value, str):
        return [p._asdict() if isinstance(p, Phase) else p for p in value], {}
    if isinstance(value, np.random.RandomState):
        return {"generator": value.get_state(legacy=False)}, {}
    if callable(value):
        where = getattr(value, "__module__", None), getattr(value, "__qualname__", repr(value))
        return {"function": ".".join(filter(None, where))}, {}
    if sparse.issparse(value) or (hasattr(value, "__array__") and np.ndim(value)):
        value = value if sparse.issparse(value) else np.asarray(value)
        return {"array": _sum(value)}, files.packed(f"parameter.{name}", value)
    if isinstance(value, tuple | list) and any(hasattr(part, "__array__") for part in value):
        arrays = {f"parameter.{name}.{k}": np.asarray(part) for k, part in enumerate(value)}
        return {"arrays": [_sum(part) for part in arrays.values()]}, arrays
    return value, {}


def _given(name: str, value: Any, arrays: dict[str, np.ndarray]) -> Any:
    place = f"parameter.{name}"
    if not isinstance(value, dict):
        return value
    if "generator" in value:
        generator = check_random_state(0)
        generator.set_state(value["generator"])
        return generator
    if "array" in value:
        return files.unpacked(place, arrays)
    if "arrays" in value:
        return tuple(arrays[f"{place}.{k}"] for k in range(len(value["arrays"])))
    # What a metric takes besides the points is numbers or arrays.
    return {key: np.array(v) if isinstance(v, list) else v for key, v in value.items()}


def _sum(value: Any) -> str:
    whole = sparse.csr_array(value) if sparse.issparse(value) else np.atleast_1d(value)
    return f"{whole.dtype} {'×'.join(map(str, whole.shape))} {fingerprint(whole)}"


def _number(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else repr(value)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
