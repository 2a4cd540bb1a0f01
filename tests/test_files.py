"""What is read is what was written, by a file's name; a map is written whole or not at all."""

import errno
import gzip
import io
import os
import struct
import subprocess
import sys

import filelock
import numpy as np
import pytest
import scipy.sparse

from bhtsne import files, tables

X = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
WORDS = np.array(["a", "b,c", 'say "d"', "é", "e", "f", "g"])


def idx(values, code, *, shape=None):
    shape = values.shape if shape is None else shape
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, code, len(shape), *shape) + values.tobytes()


def table(name):
    """Return the bytes of a file of that name that holds X, and y where it can."""
    out = io.BytesIO()
    if name == "x.npy":
        np.save(out, X)
    elif name == "x.npz":
        np.savez(out, X=X, y=np.arange(7))
    elif name == "sparse.npz":
        scipy.sparse.save_npz(out, scipy.sparse.csc_array(X * (X > 0)))
    elif name == "x.parquet":
        arrow = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        parquet.write_table(arrow.table({f"c{i}": X[:, i] for i in range(3)}), out)
    elif name in ("x.idx", "x-idx2-ubyte"):
        out.write(idx(X.astype(">f4"), 13))
    else:
        comma = "," if name == "x.csv" else "\t"
        np.savetxt(out, X, delimiter=comma, fmt="%.9g", header=comma.join("abc"), comments="")
    return out.getvalue()


NAMES = ["x.npy", "x.npz", "sparse.npz", "x.csv", "x.tsv", "x.parquet", "x.idx", "x-idx2-ubyte"]


@pytest.mark.parametrize("end", ["", ".gz", ".GZ"])
@pytest.mark.parametrize("name", NAMES)
def test_every_format_returns_the_same_points(tmp_path, name, end):
    path = tmp_path / (name + end)
    path.write_bytes(gzip.compress(table(name)) if end else table(name))
    read = tables.read(str(path))
    expected = X * (X > 0) if name == "sparse.npz" else X
    dense = read.X.toarray() if name == "sparse.npz" else read.X
    np.testing.assert_array_equal(dense.astype(np.float32), expected)
    assert dense.dtype == (np.float64 if name in ("x.csv", "x.tsv") else np.float32)
    assert dense.dtype.isnative
    if name == "sparse.npz":
        assert isinstance(read.X, scipy.sparse.csr_array)
    if name == "x.npz":
        np.testing.assert_array_equal(read.labels, np.arange(7))
    else:
        assert read.labels is None
    assert (read.columns is None) == (name not in ("x.csv", "x.tsv", "x.parquet"))


def test_npy_is_mapped_and_not_loaded(tmp_path):
    np.save(tmp_path / "x.npy", X)
    read = tables.read(tmp_path / "x.npy").X
    assert isinstance(read, np.memmap)
    assert not read.flags.writeable


def test_npz_of_several_arrays(tmp_path):
    np.savez(tmp_path / "one.npz", points=X, labels=WORDS, scale=3.0)
    read = tables.read(tmp_path / "one.npz")
    np.testing.assert_array_equal(read.X, X)
    np.testing.assert_array_equal(read.labels, WORDS)
    np.savez(tmp_path / "two.npz", a=X, b=X)
    with pytest.raises(ValueError, match=r"a \(7, 3\), b \(7, 3\)"):
        tables.read(tmp_path / "two.npz")
    np.savez(tmp_path / "other.npz", X=X, y=np.arange(7), kind=WORDS)
    np.testing.assert_array_equal(tables.read(tmp_path / "other.npz", labels="kind").labels, WORDS)


def test_csv_as_spreadsheets_write_it(tmp_path):
    (tmp_path / "x.csv").write_bytes('\ufeff"a","b"\r\n"1", 2e-3\r\n\r\n-3,nan\r\n'.encode())
    read = tables.read(tmp_path / "x.csv", missing="mean")
    np.testing.assert_array_equal(read.X, [[1, 0.002], [-3, 0.002]])
    assert read.columns == ("a", "b")
    (tmp_path / "x.csv").write_bytes("a,ü\n1,2\n".encode("windows-1252"))
    read = tables.read(tmp_path / "x.csv")
    assert (read.columns, read.report.encoding) == (("a", "ü"), "windows-1252")


def test_idx_images_become_rows(tmp_path):
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    (tmp_path / "t-images.idx3-ubyte").write_bytes(idx(images, 8))
    (tmp_path / "t-labels-idx1-ubyte.gz").write_bytes(
        gzip.compress(idx(np.array([4, 2], np.uint8), 8))
    )
    images_path, labels_path = tmp_path / "t-images.idx3-ubyte", tmp_path / "t-labels-idx1-ubyte.gz"
    read = tables.read(images_path, labels=labels_path)
    np.testing.assert_array_equal(read.X, images.reshape(2, 12))
    assert read.labels.tolist() == [4, 2]
    with pytest.raises(ValueError, match=r"uint8 of shape \(2,\)"):
        tables.read(labels_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("l.txt", "b\na\n"),
        ("l.txt", "kind\nb\na\n\n\n"),
        ("l", "b\r\na"),
        ("l.csv", '"b"\na\n'),
        ("l.tsv", "kind\nb\na\n"),
    ],
)
def test_labels_from_text(tmp_path, name, content):
    (tmp_path / name).write_text(content, newline="")
    np.save(tmp_path / "x.npy", X[:2])
    assert tables.read(tmp_path / "x.npy", labels=tmp_path / name).labels.tolist() == ["b", "a"]


def test_labels_from_other_files(tmp_path):
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "l.npy", WORDS)
    labels = tables.read(tmp_path / "x.npy", labels=tmp_path / "l.npy").labels
    np.testing.assert_array_equal(labels, WORDS)
    for text, dtype in (("3\n" * 7, np.int64), ("0.5\n" * 7, np.float64), ("1_0\n" * 7, "<U3")):
        (tmp_path / "l.txt").write_text(text)
        assert tables.read(tmp_path / "x.npy", labels=tmp_path / "l.txt").labels.dtype == dtype


def test_labels_from_a_column(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.csv").write_text("a,kind,b\n1,x,2\n3,y,4\n")
    (tmp_path / "kind").write_text("wrong\nwrong\n")
    read = tables.read("x.csv", labels="kind")
    assert read.labels.tolist() == ["x", "y"]
    assert (read.X.tolist(), read.columns) == ([[1, 2], [3, 4]], ("a", "b"))
    (tmp_path / "x.csv").write_text("a,kind\n1,x\n3,\n")
    read = tables.read("x.csv", labels="kind")
    assert (read.labels.tolist(), read.report.unlabelled) == (["x", ""], 1)
    (tmp_path / "x.csv").write_text("kind,kind\n1,2\n")
    with pytest.raises(ValueError, match="2 columns of the name 'kind'"):
        tables.read("x.csv", labels="kind")
    with pytest.raises(
        ValueError, match=r"columns kind, kind, or a file, got 'king'; did you mean 'kind'"
    ):
        tables.read("x.csv", labels="king")


def test_parquet_columns(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "x.parquet"
    kinds = arrow.array(["u", "v", "u"]).dictionary_encode()
    parquet.write_table(arrow.table({"a": [1, 2, 3], "k": kinds, "b": [0.5, 1.5, 2.5]}), path)
    read = tables.read(path, labels="k")
    assert read.labels.tolist() == ["u", "v", "u"]
    assert (read.X.tolist(), read.columns) == ([[1, 0.5], [2, 1.5], [3, 2.5]], ("a", "b"))
    read = tables.read(path)
    assert (read.columns, read.extra["k"].tolist()) == (("a", "b"), ["u", "v", "u"])
    assert read.report.set_aside == {"k": "categories"}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["npy", "csv", "tsv", "parquet"])
def test_a_map_comes_back_bit_by_bit(tmp_path, kind, dtype):
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    powers = 10.0 ** np.arange(-9, 5).reshape(7, 2)
    Y = (np.random.default_rng(2).normal(size=(7, 2)) * powers).astype(dtype)
    path = tmp_path / f"map.{kind}"
    files.write(path, Y, labels=WORDS.astype(object))
    read = tables.read(path, labels=None if kind == "npy" else "label")
    np.testing.assert_array_equal(read.X.astype(dtype), Y)
    if kind != "npy":
        np.testing.assert_array_equal(read.labels, WORDS)
        assert read.columns == ("tsne1", "tsne2")
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_map_that_cannot_be_written_leaves_nothing(tmp_path):
    path = tmp_path / "map.csv"
    path.write_text("before")
    with pytest.raises(UnicodeEncodeError):
        files.write(path, X, labels=["\ud800"] * 7)

    def interrupted():
        with files.atomic_write(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "Y", "labels", "got"),
    [
        ("map.xlsx", X, None, r"\.npy, \.csv, \.tsv or \.parquet, got .*map\.xlsx"),
        ("map.csv", X[0], None, r"2-D array of numbers, got float32 of shape \(3,\)"),
        ("map.csv", [["a"]], None, "2-D array of numbers"),
        ("map.csv", X, [1, 2], r"7 points, got int64 of shape \(2,\)"),
        ("map.csv", X, np.zeros((7, 1)), r"1-D array.*shape \(7, 1\)"),
    ],
)
def test_what_is_no_map_is_refused(tmp_path, name, Y, labels, got):
    with pytest.raises(ValueError, match=got):
        files.write(tmp_path / name, Y, labels=labels)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_closed_or_missing_is_named(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"cannot be written.*choose a folder"):
        files.write(tmp_path / "none" / "map.csv", X)

    def closed(self, mode):
        raise PermissionError(13, "Permission denied")

    # simulated, for no folder is closed to the superuser
    monkeypatch.setattr("pathlib.Path.open", closed)
    with pytest.raises(PermissionError, match=r"map\.csv cannot be written \(Permission denied\)"):
        files.write(tmp_path / "map.csv", X)


def test_a_folder_is_locked_once_and_cleared_of_temporary_files(tmp_path):
    for _ in range(2):
        (tmp_path / ".map.npz.0123.tmp").write_bytes(b"torn")
        with files.locked(tmp_path, "the map"):
            assert [path.name for path in tmp_path.iterdir()] == [files.LOCK]
            (tmp_path / ".map.npz.4567.tmp").write_bytes(b"half")
            with (
                pytest.raises(BlockingIOError, match=r"the map .* is in use by another run"),
                files.locked(tmp_path, "the map"),
            ):
                pass
            assert (tmp_path / ".map.npz.4567.tmp").exists()
        (tmp_path / ".map.npz.4567.tmp").unlink()
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOSYS, errno.EROFS, errno.EACCES])
def test_without_a_lock_temporary_files_stay(code, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError(code, os.strerror(code))

    (tmp_path / ".map.npz.0123.tmp").write_bytes(b"another run's")
    monkeypatch.setattr(filelock.FileLock, "acquire", fail)
    with files.locked(tmp_path, "the map"), files.locked(tmp_path, "the map"):
        assert [path.name for path in tmp_path.iterdir()] == [".map.npz.0123.tmp"]


@pytest.mark.parametrize("ending", ["os._exit(0)", "os.kill(os.getpid(), 9)", "raise ValueError"])
def test_the_end_of_a_process_ends_its_lock(ending, tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from bhtsne import files\n"
        f"with files.locked(Path(sys.argv[1]), 'the map'): {ending}"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], stderr=subprocess.DEVNULL)
    with files.locked(tmp_path, "the map"):
        pass
    assert list(tmp_path.iterdir()) == []
