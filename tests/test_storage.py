"""Values of each kind are stored and read without a change, or refused with their place."""

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
import scipy.sparse

from bhtsne import TSNE, storage
from bhtsne.storage import Format

FORM = Format("example", 3, "an example")


class Point(NamedTuple):
    """A NamedTuple, whose second field is later than some files."""

    x: Any
    y: Any = 0


@dataclass(frozen=True)
class Kernel:
    """A frozen dataclass."""

    width: Any
    shape: str = "normal"


CLASSES = {"Point": Point, "Kernel": Kernel}
X = np.arange(6.0).reshape(2, 3)
SPARSE = scipy.sparse.csr_array(np.array([[0, 1.5], [2, 0]]))

SAME = {
    "none": None,
    "true": True,
    "integer": 2**80,
    "float": 0.1,
    "infinity": -np.inf,
    "text": 'é "\ud800" \0',
    "list": [1, [2.5, "a"], []],
    "tuple": (1, (2, []), ()),
    "dict": {"a": 1, "b": {"c": (None,)}, "": {}},
    "dict with other keys": {1: "a", (2, None): "b", 0.5: {}},
    "dict with the key of the encoding": {"type": "array", "name": "x"},
    "named tuple": Point(1, Point("a", (2,))),
    "frozen dataclass": Kernel(0.5, "flat"),
    "both": [Kernel(Point(1)), {"kernel": Kernel(2)}],
}
ARRAYS = {
    "float64": X,
    "float16": X.astype(np.float16),
    "big-endian": X.astype(">i4"),
    "by columns": np.asfortranarray(X),
    "a part": X[:, ::2],
    "read-only": np.broadcast_to(np.float32(2), (3, 2)),
    "bool": X > 2,
    "complex": X + 1j,
    "text": np.array(["a", "é"]),
    "dates": np.array(["2020-01-01"], "M8[D]"),
    "0-d": np.array(3.0),
    "empty": np.empty((0, 5), np.int8),
}


@pytest.fixture
def again(tmp_path):
    """Return a function that stores a value and reads it."""

    def again(value):
        path = tmp_path / "x.npz"
        storage.save(path, FORM, {"value": value}, CLASSES)
        return storage.load(path, FORM, CLASSES)["value"]

    return again


@pytest.mark.parametrize("kind", SAME)
def test_a_value_is_read_as_it_was(kind, again):
    read = again(SAME[kind])
    assert type(read) is type(SAME[kind])
    assert read == SAME[kind]
    assert repr(read) == repr(SAME[kind])  # no list in place of a tuple at any depth


@pytest.mark.parametrize("kind", ARRAYS)
def test_an_array_is_read_as_it_was(kind, again):
    for read in (again(ARRAYS[kind]), again({"a": [ARRAYS[kind]]})["a"][0]):
        assert (read.dtype, read.shape) == (ARRAYS[kind].dtype, ARRAYS[kind].shape)
        np.testing.assert_array_equal(read, ARRAYS[kind])


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_a_sparse_matrix_is_read_as_csr_with_its_indices(form, dtype, again):
    matrix = SPARSE.asformat(form)
    if form == "csr":
        matrix.indices, matrix.indptr = matrix.indices.astype(dtype), matrix.indptr.astype(dtype)
    read = again(matrix)
    assert (read != SPARSE).nnz == 0
    assert isinstance(read, scipy.sparse.csr_array)
    if form == "csr":
        assert read.indices.dtype == read.indptr.dtype == dtype


def test_scalars_of_numpy_are_read_as_those_of_python(again):
    value = [np.int64(3), np.float32(0.4), np.bool_(True), np.str_("a"), np.float64(0.1)]
    read = again(value)
    assert read == [3, float(np.float32(0.4)), True, "a", 0.1]
    assert list(map(type, read)) == [int, float, bool, str, float]


def test_a_generator_is_read_at_its_state(again):
    generator = np.random.RandomState(5)
    generator.normal(size=3)
    read = again(generator)
    np.testing.assert_array_equal(read.normal(size=9), generator.normal(size=9))


def test_arrays_have_readable_and_different_names():
    value = {"a": {"b": X, "b.data": SPARSE}, "a.b": 2 * X, "p": Point((X, 1))}
    encoded, arrays = storage.encode(value, CLASSES)
    assert {"a.b", "a.b_", "a.b.data.data", "p.x.0"} < arrays.keys()
    read = storage.decode(json.loads(json.dumps(encoded)), arrays, CLASSES)
    np.testing.assert_array_equal(read["a"]["b"], X)
    np.testing.assert_array_equal(read["a.b"], 2 * X)
    assert (read["a"]["b.data"] != SPARSE).nnz == 0


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (np.array([None]), "ndarray"),
        (np.zeros(2, [("a", "f4")]), "ndarray"),
        (len, "builtin_function_or_method"),
        ({1}, "set"),
        (1j, "complex"),
        (b"a", "bytes"),
        (TSNE(), "TSNE"),
    ],
)
def test_what_no_file_can_hold_is_refused_with_its_place(value, kind, tmp_path):
    with pytest.raises(ValueError, match=rf"^a\.1\.b must consist of .* of type '{kind}'; set"):
        storage.save(tmp_path / "x.npz", FORM, {"a": [1, {"b": value}]}, CLASSES)
    with pytest.raises(ValueError, match=r"^a must consist of .* of type 'Point'; set"):
        storage.save(tmp_path / "x.npz", FORM, {"a": Point(1)})
    assert list(tmp_path.iterdir()) == []


def test_a_field_that_the_file_lacks_has_its_default():
    assert storage.decode({"type": "Point", "fields": {"x": 1}}, {}, CLASSES) == Point(1, 0)
    assert storage.decode({"type": "Kernel", "fields": {"width": 1}}, {}, CLASSES) == Kernel(1)
    for fields in ({"y": 1}, {"x": 1, "z": 2}):
        with pytest.raises(TypeError, match="argument"):
            storage.decode({"type": "Point", "fields": fields}, {}, CLASSES)
    with pytest.raises(ValueError, match="type 'Point', which is unknown"):
        storage.decode({"type": "Point", "fields": {"x": 1}}, {})


def test_parameters_that_the_file_lacks_have_their_defaults():
    complete = storage.with_defaults({"perplexity": 5}, TSNE, "map.npz")
    assert complete == TSNE(perplexity=5).get_params()
    with pytest.raises(ValueError, match=r"map\.npz holds the parameter 'eta', which bhtsne"):
        storage.with_defaults({"eta": 5}, TSNE, "map.npz")


@pytest.mark.parametrize("version", [1, 2, 4, 99, None, "3"])
def test_another_version_is_named(version, tmp_path):
    storage.save(tmp_path / "x.npz", FORM._replace(version=version), {})
    with pytest.raises(ValueError, match=rf"x\.npz is version {version!r} of .* reads version 3"):
        storage.load(tmp_path / "x.npz", FORM)


def test_another_format_is_named_and_can_be_asked_for(tmp_path):
    storage.save(tmp_path / "x.npz", FORM, {"X": X})
    assert storage.format_name(tmp_path / "x.npz") == "example"
    with pytest.raises(ValueError, match=r"must hold a map, .* the format 'example' in place of"):
        storage.load(tmp_path / "x.npz", Format("map", 3, "a map"))
    for header in (X, np.array("a,b"), np.array("[1]"), np.array("{}"), np.array(["a", "b"])):
        np.savez(tmp_path / "y.npz", X=X, header=header)
        assert storage.format_name(tmp_path / "y.npz") is None
    np.savez(tmp_path / "z.npz", X=X)
    assert storage.format_name(tmp_path / "z.npz") is None


def test_values_are_compared_as_they_are_stored():
    assert storage.equal({"a": np.int64(2), "b": [X]}, {"a": 2, "b": [X.copy()]})
    assert storage.equal(SPARSE, SPARSE.tocoo())
    for other in (X + 1, X.astype(np.float32), X[:1], X.tolist(), None, (X,)):
        assert not storage.equal(X, other)
    assert not storage.equal(SPARSE, 2 * SPARSE)
    assert not storage.equal(Point(1), Point(2), CLASSES)


@pytest.mark.full(after=1)
@pytest.mark.parametrize("order", ["C", "F", "neither"])
def test_writing_takes_no_second_copy_of_an_array(order, tmp_path, tracer):
    array = tracer.peak(large, order)
    assert array >= 8 * 4096**2
    assert 0 < tracer.peak(save_large, tmp_path / "x.npz", order) - array < 8 * 4096**2 / 3


def large(order):
    if order == "neither":
        return np.ones((4096, 4096, 2))[..., 0]
    return np.ones((4096, 4096), order=order)


def save_large(path, order):
    storage.save(path, FORM, {"X": large(order)})


def test_a_write_that_fails_leaves_the_earlier_file(tmp_path, monkeypatch):
    def full(file, **parts):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    storage.save(tmp_path / "x.npz", FORM, {"n": 1})
    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space left"):
        storage.save(tmp_path / "x.npz", FORM, {"n": 2})
    assert storage.load(tmp_path / "x.npz", FORM) == {"n": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["x.npz"]
