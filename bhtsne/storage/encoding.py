"""Nested values ↔ JSON and arrays: `encode` and `decode`.

In JSON a value that is no number, string, None, list or dict of strings is a dict with the key
"type"; an array is represented by its name.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from typing import Any

import numpy as np

__all__ = ["decode", "encode", "equal"]

_TYPE = "type"
_DTYPES = "biufcSUmM"  # kinds of elements without Python objects
_CSR = ("data", "indices", "indptr")


def encode(
    value: Any, classes: Mapping[str, type] | None = None
) -> tuple[Any, dict[str, np.ndarray]]:
    """Return a nested value as JSON and named arrays.

    Parameters
    ----------
    value : object
        Numbers, strings, None, arrays, sparse matrices, NumPy's RandomState, instances of the
        classes; and lists, tuples and dicts of these.
    classes : mapping of str to type, optional
        NamedTuples and dataclasses by their names.

    Returns
    -------
    encoded : object
        A value that JSON can represent.
    arrays : dict of str to ndarray
        The arrays, each under the path to it, such as "parameters.init". They are not copied.

    Raises
    ------
    ValueError
        If the value contains an object of another type.

    Examples
    --------
    >>> encode({"n": 2, "pair": (1, None), "X": np.eye(1)})[0]
    {'n': 2, 'pair': {'type': 'tuple', 'items': [1, None]}, 'X': {'type': 'array', 'name': 'X'}}
    """
    encoder = _Encoder({cls: name for name, cls in (classes or {}).items()})
    return encoder.encoded(value, ""), encoder.arrays


def decode(
    encoded: Any, arrays: Mapping[str, np.ndarray], classes: Mapping[str, type] | None = None
) -> Any:
    """Return the nested value that `encode` took apart.

    Parameters
    ----------
    encoded : object
        The value as JSON.
    arrays : mapping of str to ndarray
        Arrays by their names.
    classes : mapping of str to type, optional
        As in `encode`. A field that is missing has its default.

    Returns
    -------
    object
        The value. NumPy's scalars are Python's, and sparse matrices are CSR arrays.

    Raises
    ------
    KeyError
        If an array is missing.
    TypeError
        If a class lacks a field, or a field without a default is missing.
    ValueError
        If a type is unknown, or a sparse matrix is inconsistent.

    Examples
    --------
    >>> decode(*encode({"pair": (1, None), "X": np.eye(1)}))
    {'pair': (1, None), 'X': array([[1.]])}
    """
    classes = classes or {}
    again = partial(decode, arrays=arrays, classes=classes)
    if isinstance(encoded, list):
        return [again(item) for item in encoded]
    if not isinstance(encoded, dict):
        return encoded
    kind = encoded.get(_TYPE)
    if kind is None:
        return {key: again(item) for key, item in encoded.items()}
    if kind == "array":
        return arrays[encoded["name"]]
    if kind == "csr":
        return _csr([arrays[encoded[part]] for part in _CSR], encoded["shape"])
    if kind == "tuple":
        return tuple(map(again, encoded["items"]))
    if kind == "dict":
        return {again(key): again(item) for key, item in encoded["items"]}
    if kind == "RandomState":
        generator = np.random.RandomState()
        generator.set_state(again(encoded["state"]))
        return generator
    if kind in classes:
        return classes[kind](**{name: again(item) for name, item in encoded["fields"].items()})
    raise ValueError(f"a value of the type {kind!r}, which is unknown")


def equal(a: Any, b: Any, classes: Mapping[str, type] | None = None) -> bool:
    """Return whether two nested values are stored alike.

    Examples
    --------
    >>> equal({"X": np.eye(2)}, {"X": np.eye(2)}), equal(np.eye(2), [1.0])
    (True, False)
    """
    (one, ones), (other, others) = encode(a, classes), encode(b, classes)
    return one == other and all(
        x.dtype == others[name].dtype and np.array_equal(x, others[name])
        for name, x in ones.items()
    )


class _Encoder:
    """The arrays that have been found in a value so far.

    Parameters
    ----------
    names : dict of type to str
        Names of the known classes.
    """

    def __init__(self, names: Mapping[type, str]) -> None:
        self._names = names
        self.arrays: dict[str, np.ndarray] = {}

    def encoded(self, value: Any, path: str) -> Any:
        """Return a value as JSON; its arrays are added to `arrays`."""
        from scipy import sparse

        if isinstance(value, np.generic) and value.dtype.kind in "biufU":
            value = value.item()
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if type(value) in self._names:
            parts = {name: getattr(value, name) for name in _fields(value)}
            return {_TYPE: self._names[type(value)], "fields": self._items(parts, path)}
        if isinstance(value, dict):
            return self._dict(value, path)
        if type(value) in (list, tuple):
            items = list(self._items(dict(enumerate(value)), path).values())
            return items if isinstance(value, list) else {_TYPE: "tuple", "items": items}
        if isinstance(value, np.random.RandomState):
            state = value.get_state(legacy=False)
            return {_TYPE: "RandomState", "state": self.encoded(state, path)}
        if sparse.issparse(value):
            X = sparse.csr_array(value)
            parts = {part: self._named(getattr(X, part), f"{path}.{part}") for part in _CSR}
            return {_TYPE: "csr", **parts, "shape": list(X.shape)}
        X = np.asarray(value) if hasattr(value, "__array__") else None
        if X is not None and X.dtype.kind in _DTYPES:
            return {_TYPE: "array", "name": self._named(X, path)}
        raise ValueError(
            f"{path} must consist of numbers, strings and arrays to be saved, got an object of "
            f"type {type(value).__name__!r}; set another value before."
        )

    def _items(self, parts: Mapping[Any, Any], path: str) -> dict[Any, Any]:
        prefix = f"{path}." if path else ""
        return {name: self.encoded(part, f"{prefix}{name}") for name, part in parts.items()}

    def _dict(self, value: dict, path: str) -> dict[str, Any]:
        items = self._items(value, path)
        if all(type(key) is str for key in items) and _TYPE not in items:
            return items
        pairs = [[self.encoded(key, path), item] for key, item in items.items()]
        return {_TYPE: "dict", "items": pairs}

    def _named(self, X: np.ndarray, path: str) -> str:
        """Add an array, and return its name: the path, with "_" at the end if that is taken."""
        while path in self.arrays:
            path += "_"
        self.arrays[path] = X
        return path


def _fields(value: Any) -> tuple[str, ...]:
    """Return the names of the fields of a dataclass or a NamedTuple."""
    return tuple(one.name for one in fields(value)) if is_dataclass(value) else value._fields


def _csr(parts: list[np.ndarray], shape: Any) -> Any:
    """Return the CSR array of these parts; ValueError if they are inconsistent."""
    from scipy import sparse

    data, indices, indptr = parts
    X = sparse.csr_array((data, indices, indptr), shape=tuple(shape))
    X.check_format()  # compiled code does not check indices again
    # SciPy may have converted to smaller integers, for which other code is compiled.
    X.indices, X.indptr = indices, indptr
    return X
