"""Fitted TSNE ↔ one file: its parameters and its fitted attributes, and labels beside them."""

import os
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from bhtsne import storage
from bhtsne.checkpoint.identity import CLASSES
from bhtsne.files import check_column
from bhtsne.fitting.stages import has_points
from bhtsne.neighbors import Neighbors
from bhtsne.optimizer import Record
from bhtsne.schedules import checked_phase
from bhtsne.storage import Format
from bhtsne.tsne.mapping import check_model
from bhtsne.validation.graphs import checked_neighbors

__all__ = ["FORMAT", "load", "load_labelled", "save"]

FORMAT = Format("bhtsne.TSNE", 2, "a map that TSNE.save wrote")
_NOT_SAVED = ("callbacks", "checkpoint")
# Names in a file, and the fitted attributes that have them.
_ARRAYS = {
    "embedding": "embedding_",
    "velocity": "_velocity",
    "gains": "_gains",
    "kl_per_point": "kl_per_point_",
}
_OTHERS = {
    "affinities": "affinities_",
    "neighbors": "neighbors_",
    "points": "_fit_X",
    "last_phase": "_last_phase",
    "phases": "phases_",
    "history": "history_",
}
_PLAIN: dict[str, Any] = {
    "kl_divergence_": Real,
    "n_iter_": int,
    "stopped_": str | None,
    "theta_": Real,
    "dof_": Real,
    "timings_": dict,
    "n_features_in_": int,
}
_ATTRIBUTES = _ARRAYS | _OTHERS | {name.rstrip("_"): name for name in _PLAIN}


class Fitted(NamedTuple):
    """Value of a parameter that is an array or an index: the checked one, a fitted attribute."""

    name: str


_CLASSES = CLASSES | {"Fitted": Fitted}


def save(model: Any, path: str | os.PathLike, labels: np.ndarray | None = None) -> None:
    """Write a fitted estimator, and a label for each point if given; see `TSNE.save`."""
    content = {name: getattr(model, place) for name, place in _ATTRIBUTES.items()}
    given = model.get_params(deep=False).items()
    content["parameters"] = {
        name: _stored(model, name, value) for name, value in given if name not in _NOT_SAVED
    }
    if hasattr(model, "feature_names_in_"):
        content["feature_names_in"] = list(map(str, model.feature_names_in_))
    if labels is not None:
        content["labels"] = labels
    storage.save(path, FORMAT, content, _CLASSES)


def load(cls: type, path: str | os.PathLike) -> Any:
    """Return the fitted estimator that `save` wrote; see `TSNE.load`."""
    return load_labelled(cls, path)[0]


def load_labelled(cls: type, path: str | os.PathLike) -> tuple[Any, np.ndarray | None]:
    """Return the fitted estimator and the labels that `save` wrote."""
    content = storage.load(path, FORMAT, _CLASSES)
    with storage.archive.errors(path, FORMAT):
        names = set(content["parameters"])
    storage.check_names(names, cls, path)
    with storage.archive.errors(path, FORMAT):
        model, labels = _restored(cls, content), content.get("labels")
        if labels is not None:
            check_column(labels, len(model.embedding_), "labels", path)
    return model, labels


def _stored(model: Any, name: str, value: Any) -> Any:
    """Return a parameter, or a reference to the fitted attribute that holds the same data."""
    if name not in ("neighbors", "affinities") or not _is_data(value):
        return value
    return "auto" if getattr(model, _OTHERS[name]) is None else Fitted(name)


def _is_data(value: Any) -> bool:
    """Return whether a parameter is an array, a pair of arrays, or an index of pynndescent."""
    holds = any(hasattr(value, name) for name in ("__array__", "neighbor_graph"))
    return holds or type(value) in (list, tuple, Neighbors) or sparse.issparse(value)


def _restored(cls: type, content: dict[str, Any]) -> Any:
    """Return the estimator with the attributes of a file."""
    model = cls()
    # Files of earlier versions hold neither.
    content = {"phases": [], "dof": content["parameters"]["dof"]} | content
    for name, place in _ATTRIBUTES.items():
        setattr(model, place, content[name])
    for place in _ARRAYS.values():
        setattr(model, place, np.ascontiguousarray(getattr(model, place)))
    for name, value in content["parameters"].items():
        given = getattr(model, _OTHERS[value.name]) if isinstance(value, Fitted) else value
        model.set_params(**{name: given})
    if "feature_names_in" in content:
        model.feature_names_in_ = np.array(content["feature_names_in"], object)
    _check(model)
    return model


def _check(model: Any) -> None:
    """Raise ValueError unless all values are as `fit` sets them; compiled code has no checks."""
    check_model(model)
    for phase in (model._last_phase, *model.phases_):
        checked_phase(phase)
    for name, kind in _PLAIN.items():
        if not isinstance(getattr(model, name), kind):
            raise ValueError(f"{name} = {getattr(model, name)!r}")
    for record in model.history_:
        if not isinstance(record, Record) or not all(isinstance(one, Real) for one in record):
            raise ValueError(f"{record!r:.80} in the history")
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
    if has_points(model.metric, model.affinities):
        _check_part("fitted points", model._fit_X, (n, model.n_features_in_))
    if model.neighbors_ is not None:
        if not isinstance(model.neighbors_, Neighbors):
            raise ValueError(f"neighbors of type {type(model.neighbors_).__name__}")
        checked_neighbors(model.neighbors_, n)


def _check_part(name: str, part: Any, shape: tuple, dtypes: tuple = ()) -> None:
    """Raise ValueError unless an array has this shape, one of the dtypes and finite elements."""
    right = part.dtype in dtypes if dtypes else part.dtype.kind in "iuf"
    if part.shape != shape or not right:
        raise ValueError(f"{name}: {part.dtype} of shape {part.shape} in place of {shape}")
    if not np.isfinite(part.data if sparse.issparse(part) else part).all():
        raise ValueError(f"{name}: NaN or infinity")
