"""Fitted estimator ↔ file: plain arrays and JSON in one .npz, versioned; nothing is pickled."""

import json
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from bhtsne import files
from bhtsne.checkpoint.names import check_names
from bhtsne.fitting import has_points
from bhtsne.neighbors import Neighbors
from bhtsne.optimizer import Phase, Record
from bhtsne.schedules import checked_phase
from bhtsne.tsne.mapping import check_model
from bhtsne.validation.graphs import checked_neighbors

__all__ = ["load", "save"]

_FORMAT, _VERSION = "bhtsne.TSNE", 1
_PLAIN: dict[str, Any] = {
    "kl_divergence_": Real,
    "n_iter_": int,
    "stopped_": str | None,
    "theta_": Real,
    "timings_": dict,
    "n_features_in_": int,
}
# Each part that the fit found, by its name in the file: what it is on the estimator.
_ARRAYS = {
    "embedding": "embedding_",
    "velocity": "_velocity",
    "gains": "_gains",
    "kl_per_point": "kl_per_point_",
}

# Parameters that may be arrays, or an object of another library, and what the fit keeps of them.
_FOUND = {"neighbors": "neighbors_", "affinities": "affinities_"}


def save(model: Any, path: Any) -> None:
    """Write a fitted model, see `TSNE.save`."""
    told: dict[str, Any] = {"format": _FORMAT, "version": _VERSION, "parameters": {}}
    arrays = {name: np.asarray(getattr(model, place)) for name, place in _ARRAYS.items()}
    for name, value in model.get_params(deep=False).items():
        if name in _FOUND and not isinstance(value, str | dict):
            known = getattr(model, _FOUND[name]) is not None
            told["parameters"][name] = _FOUND[name] if known else "auto"
        elif name not in ("callbacks", "checkpoint"):
            _put(f"parameter.{name}", value, told["parameters"], name, arrays)
    told |= {name: getattr(model, name) for name in _PLAIN}
    told["history_"] = [list(record) for record in model.history_]
    told["last_phase"] = list(model._last_phase)
    arrays |= files.packed("affinities", model.affinities_)
    if model._fit_X is not None:
        arrays |= files.packed("points", model._fit_X)
    if model.neighbors_ is not None:
        arrays |= dict(zip(("indices", "distances"), model.neighbors_, strict=True))
    if hasattr(model, "feature_names_in_"):
        told["feature_names_in_"] = [str(name) for name in model.feature_names_in_]
    arrays["told"] = np.array(json.dumps(told, default=np.generic.item))
    with files.atomic_write(path) as file:
        files.write_arrays(file, arrays)


def load(cls: type, path: Any) -> Any:
    """Read a fitted model, see `TSNE.load`."""
    with files.readable_errors(Path(path), "a map that TSNE.save wrote"):
        told, arrays = files.read_told(Path(path), _FORMAT, _VERSION)
        names = set(told["parameters"])
    check_names(names, cls, path)
    with files.readable_errors(Path(path), "a map that TSNE.save wrote"):
        return _restored(cls, told, arrays)


def _put(place: str, value: Any, told: dict, name: str, arrays: dict) -> None:
    """Put a parameter where it belongs: what JSON holds into told, an array beside others."""
    if name == "schedule" and not isinstance(value, str):
        value = [p if isinstance(p, dict) else p._asdict() for p in value]
    if _is_plain(value):
        told[name] = value
    elif isinstance(value, dict):
        told[name] = {}
        for key, part in value.items():
            _put(f"{place}.{key}", part, told[name], key, arrays)
    elif hasattr(value, "__array__"):
        told[name] = "an array"
        arrays[place] = np.asarray(value)
    else:
        raise ValueError(
            f"{name} must be a number, a word or an array to be saved, got {value!r}; "
            f"set_params({name}=…) before saving."
        )


def _is_plain(value: Any) -> bool:
    """Return whether JSON holds a value as it is."""
    if isinstance(value, list | tuple):
        return all(_is_plain(one) for one in value)
    if isinstance(value, dict):
        return all(_is_plain(one) for one in value.values())
    return value is None or isinstance(value, bool | int | float | str | np.generic)


def _given(place: str, told: dict, arrays: dict) -> dict:
    """Return parameters, or the parts of one, with the arrays among them."""
    given = {}
    for name, value in told.items():
        if isinstance(value, dict):
            value = _given(f"{place}.{name}", value, arrays)
        elif isinstance(value, str) and value == "an array":
            value = arrays[f"{place}.{name}"]
        given[name] = value
    return given


def _restored(cls: type, told: dict, arrays: dict) -> Any:
    given = _given("parameter", told["parameters"], arrays)
    model = cls(**given)
    for name in _PLAIN:
        setattr(model, name, told[name])
    for name, place in _ARRAYS.items():
        setattr(model, place, np.ascontiguousarray(arrays[name]))
    model.affinities_, model._fit_X = files.unpacked("affinities", arrays), None
    if has_points(model.metric, model.affinities):
        model._fit_X = files.unpacked("points", arrays)
    model.neighbors_ = None
    if "indices" in arrays:
        model.neighbors_ = Neighbors(arrays["indices"], arrays["distances"])
    for name, place in _FOUND.items():
        if isinstance(given.get(name), str) and given[name] == place:
            model.set_params(**{name: getattr(model, place)})
    model._last_phase = Phase(*told["last_phase"])
    model.history_ = [Record(*record) for record in told["history_"]]
    if "feature_names_in_" in told:
        model.feature_names_in_ = np.array(told["feature_names_in_"], object)
    _check(model)
    return model


def _check(model: Any) -> None:
    """Raise ValueError unless all is as a fit leaves it; compiled code looks at nothing twice."""
    check_model(model)
    checked_phase(model._last_phase)
    for name, kind in _PLAIN.items():
        if not isinstance(getattr(model, name), kind):
            raise ValueError(f"{name} = {getattr(model, name)!r}")
    if not all(isinstance(value, Real) for record in model.history_ for value in record):
        raise ValueError("a history of other things than numbers")
    names = getattr(model, "feature_names_in_", None)
    if names is not None and names.shape != (model.n_features_in_,):
        raise ValueError(f"{names.size} names of {model.n_features_in_} features")
    n = len(model.embedding_)
    flat, square = (n, model.n_components), (n, n)
    single = (np.float32,)
    _check_part("map", model.embedding_, flat, single)
    _check_part("velocity", model._velocity, flat, single)
    _check_part("gains", model._gains, flat, single)
    _check_part("divergence of each point", model.kl_per_point_, (n,), (np.float64,))
    _check_part("affinities", model.affinities_, square, single)
    if model._fit_X is not None:
        _check_part("fitted points", model._fit_X, (n, model.n_features_in_))
    if model.neighbors_ is not None:
        checked_neighbors(model.neighbors_, n)


def _check_part(name: str, part: Any, shape: tuple, dtypes: tuple = ()) -> None:
    right = part.dtype in dtypes if dtypes else part.dtype.kind in "iuf"
    if part.shape != shape or not right:
        raise ValueError(f"{name}: {part.dtype} of shape {part.shape} in place of {shape}")
    if not np.isfinite(part.data if sparse.issparse(part) else part).all():
        raise ValueError(f"{name}: NaN or infinity")
