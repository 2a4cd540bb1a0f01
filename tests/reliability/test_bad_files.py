"""Every kind of bad file is refused in one sentence that names it, and no good one is."""

import gzip
import io
import json
import os
import pickle
import re
import struct
import zipfile
from contextlib import suppress
from pathlib import Path
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from bhtsne import TSNE, cli, datasets, memory, optimizer, tables
from bhtsne.tables import dialect

X = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
SPARSE = scipy.sparse.random(6, 4, 0.5, format="csr", random_state=0)


def npy(values, **options):
    out = io.BytesIO()
    np.lib.format.write_array(out, np.asanyarray(values), **options)
    return out.getvalue()


def header(shape, descr="'<f8'", more=""):
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, {more}}}".encode()
    text = text.ljust(118) if len(text) < 118 else text
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(text)) + text


def npz(*, packed=zipfile.ZIP_STORED, **members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packed) as archive:
        for name, values in members.items():
            raw = isinstance(values, bytes)
            entry = zipfile.ZipInfo(name if raw else f"{name}.npy")  # of 1980, not of now:
            entry.compress_type = packed  # the same bytes whenever a case is drawn again
            archive.writestr(entry, values if raw else npy(values))
    return out.getvalue()


def sparse(array=SPARSE, **changes):
    out = io.BytesIO()
    scipy.sparse.save_npz(out, array)
    out.seek(0)
    with np.load(out) as archive:
        parts = dict(archive) | changes
    return npz(**{name: part for name, part in parts.items() if part is not None})


def idx(values=X, code=13, shape=None, big=">f4"):
    shape = values.shape if shape is None else shape
    values = values.astype(big).tobytes()
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, code, len(shape), *shape) + values


def feather(**named):
    out = io.BytesIO()
    pytest.importorskip("pyarrow.feather").write_feather(
        pytest.importorskip("pyarrow").table(named), out
    )
    return out.getvalue()


def parquet(**named):
    out = io.BytesIO()
    pq.write_table(pa.table(named), out)
    return out.getvalue()


def text(comma=","):
    rows = [comma.join("abc")] + [comma.join(map(str, row)) for row in X.tolist()]
    return "\n".join([*rows, ""]).encode()


def good():
    """Return a file of each format by its name."""
    plain = {
        "x.npy": npy(X),
        "x.npz": npz(X=X, y=np.arange(7)),
        "s.npz": sparse(),
        "x.idx": idx(),
        "x.csv": text(),
        "x.tsv": text("\t"),
        "x.parquet": parquet(a=X[:, 0], b=X[:, 1]),
        "x.feather": feather(a=X[:, 0], b=X[:, 1]),
        "x.jsonl": b"".join(
            json.dumps({"a": a, "b": b}).encode() + b"\n" for a, b, _ in X.tolist()
        ),
    }
    return plain | {f"{name}.gz": gzip.compress(data, mtime=0) for name, data in plain.items()}


def cut(name, part):
    data = good()[name]
    return data[: int(part * len(data))] if part < 1 else data[:-1]


def flipped(data, place, bit=1):
    place %= len(data)
    return data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :]


# A kind of bad file: its name, what makes it, and what the sentence says of it. Where that is text,
# the sentence names a line too.
KINDS = {
    "npy cut in the magic": ("x.npy", lambda: npy(X)[:4], "magic"),
    "npy cut in the header": ("x.npy", lambda: npy(X)[:40], "header"),
    "npy cut in the middle": ("x.npy", lambda: npy(X)[:-40], "44 bytes after a header that says"),
    "npy without its last byte": ("x.npy", lambda: npy(X)[:-1], "83 bytes after a header that say"),
    "npy and a byte more": ("x.npy", lambda: npy(X) + b"1", "more than 84 bytes after"),
    "npy, empty": ("x.npy", bytes, "magic"),
    "npy, wrong magic": ("x.npy", lambda: b"\x94" + npy(X)[1:], "magic"),
    "npy, version 3": ("x.npy", lambda: npy(X).replace(b"\1\0", b"\3\0", 1), r"version 3\.0"),
    "npy, absurd shape": ("x.npy", lambda: header("(10**6, 3)"), "header|malformed"),
    "npy, huge shape": ("x.npy", lambda: header((10**12, 10**6)), "0 bytes after a header that sa"),
    "npy, shape beyond 64 bits": ("x.npy", lambda: header((2**70, 3)), "0 bytes after a header"),
    "npy, shape whose size wraps": ("x.npy", lambda: header((2**62, 2**62)), "0 bytes after"),
    "npy, negative shape": ("x.npy", lambda: header((-3, 2)) + bytes(48), r"shape \(-3, 2\)"),
    "npy, shape of truths": ("x.npy", lambda: header((True, 2)) + bytes(16), r"shape \(True, 2\)"),
    "npy, fractional shape": ("x.npy", lambda: header((3.0, 2)) + bytes(48), "shape"),
    "npy, long header": ("x.npy", lambda: header((3, 2), more=" " * 20_000), "header"),
    "npy, nested header": ("x.npy", lambda: header((3, 2), more="(" * 9000), "got: "),
    "npy, subarrays": ("x.npy", lambda: header((3,), "('<f8', (2,))") + bytes(48), "type"),
    "npy, no bytes an element": ("x.npy", lambda: header((10**12, 3), "'<U0'"), "type <U0"),
    "npy, structured": ("x.npy", lambda: npy(np.zeros(3, [("a", "f4")])), r"\(3,\)"),
    "npy, complex": ("x.npy", lambda: npy(np.zeros((2, 2), complex)), r"complex128 of shape"),
    "npy, words": ("x.npy", lambda: npy([["1", "2"]]), r"<U1 of shape \(1, 2\)"),
    "npy, dates": ("x.npy", lambda: npy(np.zeros((2, 2), "M8[s]")), "datetime64"),
    "npy, no rows": ("x.npy", lambda: npy(np.zeros((0, 3))), r"shape \(0, 3\)"),
    "npy, no columns": ("x.npy", lambda: npy(np.zeros((3, 0))), r"shape \(3, 0\)"),
    "npy, a number": ("x.npy", lambda: npy(3.0), r"shape \(\)"),
    "npy, 1-D": ("x.npy", lambda: npy(np.zeros(3)), r"float64 of shape \(3,\)"),
    "npy, 3-D": ("x.npy", lambda: npy(np.zeros((2, 2, 2))), r"shape \(2, 2, 2\)"),
    "npy that is text": ("x.npy", text, "magic"),
    "npy.gz, not zipped": ("x.npy.gz", lambda: npy(X), "gzip"),
    "npy.gz, empty": ("x.npy.gz", bytes, "magic"),
    "npy.gz cut": ("x.npy.gz", lambda: cut("x.npy.gz", 1), "end"),
    "npy.gz cut in the middle": ("x.npy.gz", lambda: cut("x.npy.gz", 0.5), "end"),
    "npy.gz, wrong checksum": ("x.npy.gz", lambda: flipped(good()["x.npy.gz"], -8), "CRC"),
    "npy.gz, wrong length": ("x.npy.gz", lambda: flipped(good()["x.npy.gz"], -4), "length"),
    "npy.gz and more": ("x.npy.gz", lambda: good()["x.npy.gz"] + b"more", "gzip"),
    "npz cut in the header": ("x.npz", lambda: cut("x.npz", 0.1), "zip archive"),
    "npz cut in the middle": ("x.npz", lambda: cut("x.npz", 0.5), "zip archive"),
    "npz without its last byte": ("x.npz", lambda: cut("x.npz", 1), "zip archive"),
    "npz, empty": ("x.npz", bytes, "zip archive"),
    "npz that is an npy": ("x.npz", lambda: npy(X), "zip archive"),
    "npz of nothing": ("x.npz", npz, "neither an array X nor"),
    "npz of two tables": ("x.npz", lambda: npz(a=X, b=X), r"a \(7, 3\), b \(7, 3\)"),
    "npz of words": ("x.npz", lambda: npz(X=[["a"]]), r"<U1 of shape \(1, 1\)"),
    "npz and a note": ("x.npz", lambda: npz(X=X, note=b"by me"), "magic.* in the part 'note'"),
    "npz, wrong checksum": (
        "x.npz", lambda: flipped(npz(X=X), npz(X=X).index(X.tobytes()) + 9), "CRC.* in the part 'X'"
    ),
    "npz, part cut": ("x.npz", lambda: npz(**{"X.npy": npy(X)[:-1]}), "83 bytes.* part 'X'"),
    "npz, huge shape": ("x.npz", lambda: npz(**{"X.npy": header((10**12, 3))}), "0 bytes.*'X'"),
    "npz, negative shape": ("x.npz", lambda: npz(**{"X.npy": header((-3, 2))}), r"\(-3, 2\).*'X'"),
    "npz, packed otherwise": ("x.npz", lambda: npz(packed=zipfile.ZIP_BZIP2, X=X), "'X'.*compress"),
    "npz.gz cut": ("x.npz.gz", lambda: cut("x.npz.gz", 1), "end"),
    "sparse, index too large": ("s.npz", lambda: sparse(indices=SPARSE.indices + 9), "ind"),
    "sparse, index negative": ("s.npz", lambda: sparse(indices=SPARSE.indices - 9), "ind"),
    "sparse, indptr falls": ("s.npz", lambda: sparse(indptr=SPARSE.indptr[::-1]), "ind"),
    "sparse, indptr too long": ("s.npz", lambda: sparse(indptr=np.arange(99)), "index pointer"),
    "sparse, indptr of fractions": ("s.npz", lambda: sparse(indptr=np.zeros(7)), "indptr of float"),
    "sparse, data too short": ("s.npz", lambda: sparse(data=SPARSE.data[1:]), "same size"),
    "sparse, data of words": ("s.npz", lambda: sparse(data=SPARSE.data.astype(str)), "<U32"),
    "sparse, no indices": ("s.npz", lambda: sparse(indices=None), "no part 'indices"),
    "sparse, no data": ("s.npz", lambda: sparse(data=None), "neither an array X"),
    "sparse, unknown format": ("s.npz", lambda: sparse(format=np.array(b"xyz")), "xyz"),
    "sparse, shape negative": ("s.npz", lambda: sparse(shape=[-6, 4]), "negative"),
    "sparse, shape of fractions": ("s.npz", lambda: sparse(shape=[6.5, 4]), "shape of float64"),
    "sparse, shape of three": ("s.npz", lambda: sparse(shape=[6, 4, 3]), "shape"),
    "sparse, wrong pairs": ("s.npz", lambda: sparse(SPARSE.tocoo(), shape=[2, 2]), "exceeds"),
    "idx, empty": ("x.idx", bytes, "magic number 0xffffffff"),
    "idx, wrong magic": ("x.idx", lambda: b"\1" + idx()[1:], "magic number 0x01000d02"),
    "idx, wrong type": ("x.idx", lambda: idx(code=10), "magic number 0x00000a02"),
    "idx, no dimension": ("x.idx", lambda: struct.pack(">I", 0x800), "magic number 0x00000800"),
    "idx cut in the header": ("x.idx", lambda: idx()[:9], "0 bytes after a header"),
    "idx without its last byte": ("x.idx", lambda: idx()[:-1], "83 bytes after a header that says"),
    "idx, a row too many": ("x.idx", lambda: idx(shape=(6, 3)), "more than 72 bytes after"),
    "idx, a row too few": ("x.idx", lambda: idx(shape=(8, 3)), "84 bytes after a header that say"),
    "idx, absurd shape": ("x.idx", lambda: idx(shape=(2**32 - 1,) * 3), "84 bytes after a header"),
    "idx.gz, absurd shape": (
        "x.idx.gz", lambda: gzip.compress(idx(shape=(2**32 - 1,) * 3)), "84 bytes after a header"
    ),
    "idx of labels": ("x-idx1-ubyte", lambda: idx(X[:, 0]), r"shape \(7,\)"),
    "csv, empty": ("x.csv", bytes, r"no points \(shape \(0, 0\)\)"),
    "csv, blank": ("x.csv", lambda: b"\n\n\n", r"no points \(shape \(0, 0\)\)"),
    "csv, only names": ("x.csv", lambda: b"a,b\n", r"shape \(0, 2\)"),
    "csv, row too short": ("x.csv", lambda: b"a,b\n1,2\n3\n", "1 cells on line 3 where .* has 2"),
    "csv, row too long": ("x.csv", lambda: b"1,2\n\n3,4,5\n", "3 cells on line 3 where .* has 2"),
    "csv cut": ("x.csv", lambda: text()[:-30], "2 cells on line 8 where the first has 3"),
    "csv, NUL": ("x.csv", lambda: b"a,b\n1,2\n3,\0004\n", "NUL .* line 3"),
    "csv in UTF-16 without a mark": ("x.csv", lambda: "a\n1\n".encode("utf-16-le"), "NUL .* 1"),
    "csv in half of UTF-16": ("x.csv", lambda: "a\n1\n".encode("utf-16")[:-1], "no UTF-16"),
    "csv, quote not closed": ("x.csv", lambda: b'a,b\n1,2\n"3,4\n5,6\n', "1 cells on line 3"),
    "csv, cell without an end": ("x.csv", lambda: b"a\n" + b"1" * 200_000, "limit.* on line 2"),
    "csv that is an npy": ("x.csv", lambda: npy(X), "on line 1"),
    "csv.gz cut": ("x.csv.gz", lambda: cut("x.csv.gz", 1), "end"),
    "csv.gz, wrong checksum": ("x.csv.gz", lambda: flipped(good()["x.csv.gz"], -8), "CRC"),
    "csv.gz, not zipped": ("x.csv.gz", text, "gzip"),
    "feather, empty": ("x.feather", bytes, "got: "),
    "feather, no feather": ("x.feather", text, "got: "),
    "json, no json": ("x.jsonl", text, "JSON"),
    "json cut": ("x.jsonl", lambda: b'{"a": 1}\n{"a": ', "JSON"),
    "json, other types": ("x.jsonl", lambda: b'{"a": 1}\n{"a": "b"}\n', "JSON"),
    "excel, empty": ("x.xlsx", bytes, "file format"),
    "excel, no workbook": ("x.xlsx", text, "file format"),
    "parquet, empty": ("x.parquet", bytes, "Parquet"),
    "parquet cut in the middle": ("x.parquet", lambda: cut("x.parquet", 0.5), "Parquet"),
    "parquet without its last byte": ("x.parquet", lambda: cut("x.parquet", 1), "Parquet"),
    "parquet, wrong magic": ("x.parquet", lambda: cut("x.parquet", 1) + b"x", "Parquet"),
    "parquet.gz cut": ("x.parquet.gz", lambda: cut("x.parquet.gz", 1), "end"),
    "parquet, no rows": ("x.parquet", lambda: parquet(a=np.zeros(0)), r"shape \(0, 1\)"),
    "parquet, no columns": ("x.parquet", parquet, r"shape \(0, 0\)"),
}  # fmt: skip


def rows(*odd, n=20):
    """Return a table of n rows whose column b has other cells in its last rows."""
    cells = [*map(str, range(n - len(odd))), *odd]
    return ("a,b\n" + "".join(f"{i % 7},{cell}\n" for i, cell in enumerate(cells))).encode()


# A table that can be read and still makes no points: what the sentence says, with column and row.
UNFIT = {
    "a gap": ("x.csv", lambda: rows(""), "'b' has no value in row 20 .1 of 20 points.; fill"),
    "gaps": ("x.csv", lambda: rows("NA", "?", "7"), r"row 18 \(2 of 20 points\); fill it in, or"),
    "a gap in the first row": ("x.csv", lambda: b"a,b\n,2\n3,4\n", "no value in row 1 .1 of"),
    "a word": ("x.csv", lambda: rows("x"), r"'b' has 'x' in row 20 among .* \(1 of 20\); corr"),
    "a long word": ("x.csv", lambda: rows("w" * 9999), r"'w+\.\.\.w+' in row 20 among"),
    "a name of Python's": ("x.csv", lambda: rows("1_0"), "'1_0' in row 20 among"),
    "words alone": ("x.csv", lambda: b"a\nu\nv\n", r"no column of num.*a \(text\); encode"),
    "parquet, null": ("x.parquet", lambda: parquet(a=[1, None, 3]), "'a' has no value in row 2"),
    "parquet, NaN": ("x.parquet", lambda: parquet(a=[1.0, np.nan]), "'a' has no value in row 2"),
    "parquet, words": ("x.parquet", lambda: parquet(k=["u", "v"]), r"got k \(text\); encode one"),
    "parquet, records": ("x.parquet", lambda: parquet(a=[{"b": 1}]), r"got a \(records\)"),
    "parquet, lists": (
        "x.parquet", lambda: parquet(a=[[1.0], [2.0, 3.0]]), "'a' must hold vectors of one length"
    ),
    "parquet, a list too few": (
        "x.parquet", lambda: parquet(a=[[1.0], None]), "'a' has no vector in row 2 .1 of 2"
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", UNFIT)
def test_a_table_that_makes_no_points_is_refused_by_column_and_row(kind, tmp_path):
    name, make, got = UNFIT[kind]
    (tmp_path / name).write_bytes(make())
    message = refused(tmp_path / name, got)
    assert len(message.replace(str(tmp_path / name), "")) < 200


def refused(path, got, error=ValueError, *, read=tables.read, **options):
    """Assert that a file is refused in one sentence that says so, and that nothing is changed."""
    before = {file: file.lstat().st_mtime_ns for file in path.parent.iterdir()}
    with pytest.raises(error, match=got) as caught:
        read(path, **options)
    assert type(caught.value) is error
    message = str(caught.value)
    assert path.name in message
    assert message.endswith(".")
    assert "\n" not in message
    assert len(message) < 900
    assert {file: file.lstat().st_mtime_ns for file in path.parent.iterdir()} == before
    return message


@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_file_is_refused_in_one_sentence(kind, tmp_path):
    name, make, got = KINDS[kind]
    (tmp_path / name).write_bytes(make())
    message = refused(tmp_path / name, got)
    assert re.search(r"must hold .*, got: .+; correct the file or write it again\.$", message)


@pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.csv", "x.parquet"])
def test_too_little_memory_is_no_damage(name, tmp_path, monkeypatch):
    def none(*_):
        raise MemoryError("none left")

    (tmp_path / name).write_bytes(good()[name])
    for place in ("opened", "seekable"):
        monkeypatch.setattr(f"bhtsne.files.paths.{place}", none)
        monkeypatch.setattr(f"bhtsne.files.arrays.{place}", none)
    with pytest.raises(MemoryError, match="none left"):
        tables.read(tmp_path / name)


def test_there_are_as_many_kinds_as_formats_deserve():
    assert len(KINDS) >= 100
    assert {name.partition(".")[2] for name, _, _ in KINDS.values()} > {"npy", "npz", "csv", "idx"}


@pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.idx", "x.csv", "x.parquet", "x.csv.gz"])
def test_what_is_no_file_is_refused(name, tmp_path):
    for read in (tables.read, TSNE.load):
        refused(tmp_path / name, "there is no file .*; check", FileNotFoundError, read=read)
    (tmp_path / name).mkdir()
    for read in (tables.read, TSNE.load):
        folder = IsADirectoryError if os.name == "posix" else PermissionError
        refused(tmp_path / name, "cannot be read .*; name a file", folder, read=read)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes among its files")
@pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.csv", "x.csv.gz"])
def test_a_pipe_is_not_waited_for(name, tmp_path):
    os.mkfifo(tmp_path / name)
    for read in (tables.read, TSNE.load):
        refused(tmp_path / name, "a pipe or a device", read=read)


def test_a_closed_file_and_an_unknown_suffix_are_named(tmp_path, monkeypatch):
    (tmp_path / "x.docx").write_bytes(npy(X))
    refused(tmp_path / "x.docx", r"\.csv, .*\.parquet, .* files.*x\.docx; convert")

    def closed(self, mode):
        raise PermissionError(13, "Permission denied")

    # simulated, for no file is closed to the superuser
    monkeypatch.setattr("pathlib.Path.open", closed)
    for read in (tables.read, TSNE.load):
        refused(tmp_path / "x.npy", r"cannot be read \(Permission", PermissionError, read=read)


class Spy:
    """An object that leaves a file behind when it is unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return Path.touch, (self.trace,)


@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize("name", ["x.npy", "x.npz", "fields.npy"])
def test_nothing_is_unpickled(name, end, tmp_path):
    trace = tmp_path / "trace"
    spies = np.empty((1, 1), [("spy", object)] if name == "fields.npy" else object)
    spies.fill((Spy(trace),) if name == "fields.npy" else Spy(trace))
    data = npy(spies, allow_pickle=True)
    np.lib.format.read_array(io.BytesIO(data), allow_pickle=True)
    assert trace.exists()  # so the file would tell
    trace.unlink()
    whole = npz(X=X, **{"y.npy": data}) if name == "x.npz" else data
    (tmp_path / (name + end)).write_bytes(gzip.compress(whole) if end else whole)
    refused(tmp_path / (name + end), "without pickled objects, got: elements of the type")
    (tmp_path / "m").write_bytes(npz(**{"header.npy": data}))
    refused(tmp_path / "m", "without pickled objects, got: elements of the type", read=TSNE.load)
    (tmp_path / "p.npy").write_bytes(pickle.dumps(Spy(trace)))
    for read in (tables.read, TSNE.load):
        refused(tmp_path / "p.npy", "magic|zip archive", read=read)


MUCH = 1 << 23  # what a bomb unpacks to
FREE = 1 << 19


def claimed(name):
    """Return an .npz that says that its only part is far larger than it is."""
    data = bytearray(npz(**{name: npy(X)}))
    place = data.rindex(b"PK\1\2") + 20
    data[place : place + 8] = struct.pack("<II", 2**31, 2**31)
    return bytes(data)


BOMBS = {
    "npy": ("x.npy.gz", lambda: gzip.compress(header((MUCH // 8, 1)) + bytes(MUCH))),
    "npy, huge": ("x.npy.gz", lambda: gzip.compress(header((10**6, 10**6)) + bytes(MUCH))) ,
    "npz": ("x.npz", lambda: npz(packed=zipfile.ZIP_DEFLATED, X=np.zeros((MUCH // 8, 1)))),
    "npz of many": ("x.npz", lambda: npz(
        packed=zipfile.ZIP_DEFLATED, **{f"x{i}": np.zeros((MUCH // 128, 1)) for i in range(16)}
    )),
    "npz that claims": ("x.npz", lambda: claimed("X.npy")),
    "npz, zipped again": ("x.npz.gz", lambda: gzip.compress(npz(X=np.zeros((MUCH // 8, 1))))),
    "idx": ("x.idx.gz", lambda: gzip.compress(idx(X[0, :0], 8, (2, MUCH // 2)) + bytes(MUCH))),
    "csv": ("x.csv.gz", lambda: gzip.compress(b"0\n" * (MUCH // 2))),
    "csv of short cells": ("x.csv", lambda: b"0\n" * (FREE // 4)),
    "csv of blank lines": ("x.csv.gz", lambda: gzip.compress(b"\n" * MUCH)),
    "csv of one line": ("x.csv.gz", lambda: gzip.compress(b"0," * (MUCH // 2))),
    "csv of one cell": ("x.csv.gz", lambda: gzip.compress(b"0" * MUCH)),
    "parquet": ("x.parquet", lambda: parquet(a=np.zeros(MUCH // 8))),
    "parquet.gz": ("x.parquet.gz", lambda: gzip.compress(parquet(a=np.arange(MUCH // 8)))),
    "sparse of many rows": ("s.npz", lambda: sparse(SPARSE.tocoo(), shape=[10**9, 4])),
}  # fmt: skip


@pytest.fixture
def refused_without_reading(tracer):
    """Return `refused` where little memory is available; assert that not much more is allocated."""

    def check(*args, **options):
        assert 0 < tracer.peak(refused_with_little_memory, args, options) < 3 * MUCH / 4

    return check


def refused_with_little_memory(args, options):
    with mock.patch.object(memory, "available", return_value=FREE):
        refused(*args, **options)


@pytest.mark.parametrize("kind", BOMBS)
def test_no_more_is_unpacked_than_memory_holds(kind, tmp_path, refused_without_reading):
    name, make = BOMBS[kind]
    (tmp_path / name).write_bytes(make())
    refused_without_reading(tmp_path / name, r"memory|free")


def test_no_model_is_unpacked_that_memory_does_not_hold(tmp_path, refused_without_reading):
    (tmp_path / "m").write_bytes(npz(packed=zipfile.ZIP_DEFLATED, header=np.zeros(MUCH // 8)))
    refused_without_reading(tmp_path / "m", "of memory are free", read=TSNE.load)


@pytest.mark.parametrize(
    "words", [b"a\n" * (MUCH // 2), b"w" * 600_000 + b"\na" * 6], ids=["many", "one is long"]
)
def test_no_labels_are_unpacked_that_memory_does_not_hold(words, tmp_path, refused_without_reading):
    (tmp_path / "x.npy").write_bytes(npy(X))
    (tmp_path / "l.txt.gz").write_bytes(gzip.compress(words))
    refused_without_reading(
        tmp_path / "l.txt.gz", "must hold one label a line.*(too many|free)", read=read_labels
    )


def read_labels(path):
    return tables.read(path.parent / "x.npy", labels=path)


def test_labels_in_parquet_are_not_as_wide_as_the_longest_beyond_memory(
    tmp_path, refused_without_reading
):
    (tmp_path / "x.parquet").write_bytes(parquet(a=np.zeros(9), k=["w" * 99_999] + ["a"] * 8))
    refused_without_reading(tmp_path / "x.parquet", "of memory are free", labels="k")


def test_lines_without_an_end_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(dialect, "_LONGEST", 1 << 21)
    for name in ("x.csv", "x.tsv"):
        (tmp_path / name).write_bytes(b"1," * (1 << 21))
        refused(tmp_path / name, "more than 2,097,152 bytes in its first lines")


LABELS = {
    "one too many": ("l.txt", b"3\n1\n2\n", r"2 points, got int64 of shape \(3,\)"),
    "many too many": ("l.txt", b"3\n1\n2\n4\n", r"2 points, got int64 of shape \(4,\)"),
    "one that is no name": ("l.txt", b"a\na\nb\n", r"2 points, got <U1 of shape \(3,\)"),
    "one too few": ("l.txt", b"a\n", r"2 points, got <U1 of shape \(1,\)"),
    "none": ("l.txt", b"", r"2 points, got <U1 of shape \(0,\)"),
    "a blank line too many": ("l.txt", b"a\n\nb\n", r"2 points, got <U1 of shape \(3,\)"),
    "two on a line": ("l.csv", b"a\nb,c\n", "one label a line.*2 cells on line 2 where"),
    "two columns": ("l.csv", b"u,v\na,b\nc,d\n", r"columns u, v; name it as .*l\.csv:v"),
    "quote not closed": ("l.csv", b'a\n"b\n', "one label a line.* quote .* never closed"),
    "NUL": ("l.txt", b"a\n\0\n", "one label a line.* NUL .* on line 2"),
    "no npy": ("l.npy", b"junk", "one label a line.*magic"),
    "no idx": ("l.idx", b"junk", "one label a line.*magic number"),
    "a table": ("l.npy", npy(X[:2]), r"2 points, got float32 of shape \(2, 3\)"),
    "complex": ("l.npy", npy(np.zeros(2, complex)), "2 points, got complex128"),
    "no characters": ("l.npy", npy(np.array([1, -1], np.int32).view("<U1")), "0xffffffff"),
}


@pytest.mark.parametrize("kind", LABELS)
def test_bad_labels_are_refused_in_one_sentence(kind, tmp_path):
    name, content, got = LABELS[kind]
    (tmp_path / name).write_bytes(content)
    (tmp_path / "x.npy").write_bytes(npy(X[:2]))
    refused(tmp_path / name, got, read=read_labels)


def test_labels_between_quotes_that_never_close_are_not_made_one(tmp_path):
    (tmp_path / "x.csv").write_bytes(b'a,kind\n1,x\n2,"y\n3,z\n')
    refused(tmp_path / "x.csv", "quote that is opened and never closed", labels="kind")


GOOD = {
    "by columns": ("x.npy", lambda: npy(np.asfortranarray(X))),
    "by columns, zipped": ("x.npy.gz", lambda: gzip.compress(npy(np.asfortranarray(X)))),
    "by columns, npz": ("x.npz", lambda: npz(X=np.asfortranarray(X))),
    "big-endian": ("x.npy", lambda: npy(X.astype(">f4"))),
    "big-endian, npz": ("x.npz", lambda: npz(X=X.astype(">f8"))),
    "version 2": ("x.npy", lambda: npy(X, version=(2, 0))),
    "deflated": ("x.npz", lambda: npz(packed=zipfile.ZIP_DEFLATED, X=X)),
    "of Python 2": ("x.npy", lambda: header("(7L, 3L)", "'<f4'") + X.tobytes()),
    "zipped in two": ("x.npy.gz", lambda: gzip.compress(npy(X)[:99]) + gzip.compress(npy(X)[99:])),
    "lines of a Mac": ("x.csv", lambda: text().replace(b"\n", b"\r")),
    "a blank line": ("x.csv", lambda: text().replace(b"\n", b"\n\n")),
    "semicolons": ("x.csv", lambda: text(";")),
    "tabs named csv": ("x.csv", lambda: text("\t")),
    "commas named tsv": ("x.tsv", lambda: text()),
    "spaces": ("x.txt", lambda: text(" ")),
    "bars": ("x.csv", lambda: text("|")),
    "decimal commas": ("x.csv", lambda: text(";").replace(b".", b",")),
    "UTF-16": ("x.csv", lambda: text().decode().encode("utf-16")),
    "Latin-1": ("x.csv", lambda: text().replace(b"a,", b"\xe9,", 1)),
    "a mark of UTF-8": ("x.csv", lambda: "\ufeff".encode() + text()),
    "quotes": ("x.csv", lambda: text().replace(b"a,b", b'"a, ""b""",b')),
}


@pytest.mark.parametrize("kind", GOOD)
def test_what_is_unusual_is_read(kind, tmp_path):
    name, make = GOOD[kind]
    (tmp_path / name).write_bytes(make())
    table = tables.read(tmp_path / name)
    np.testing.assert_array_equal(table.X.astype(np.float32), X)


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "bsr", "dia"])
def test_every_sparse_format_is_read(form, tmp_path):
    (tmp_path / "s.npz").write_bytes(sparse(SPARSE.asformat(form)))
    np.testing.assert_array_equal(tables.read(tmp_path / "s.npz").X.toarray(), SPARSE.toarray())


def test_a_sparse_entry_that_is_there_twice_counts_as_its_sum(tmp_path):
    parts = {"data": np.ones(2), "indices": np.array([1, 1]), "indptr": np.array([0, 2])}
    (tmp_path / "s.npz").write_bytes(npz(format=np.array(b"csr"), shape=[1, 2], **parts))
    X = tables.read(tmp_path / "s.npz").X
    assert (X.nnz, X.toarray().tolist()) == (1, [[0, 2]])


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Return the bytes of a file with a small fitted map."""
    points = np.random.default_rng(0).random((40, 5))
    path = tmp_path_factory.mktemp("model") / "map"
    TSNE(perplexity=6, random_state=0, n_iter=5, early_exaggeration_iter=5).fit(points).save(path)
    return path.read_bytes()


def changed(data, content=None, head=None, **changes):
    """Return the file with other content, header or arrays: functions of the old ones, or None."""
    with np.load(io.BytesIO(data)) as archive:
        parts = dict(archive)
    for name, change in changes.items():
        name = name.replace("__", ".")
        parts[name] = change(parts[name]) if callable(change) else change
    header = json.loads(parts["header"].item())
    content = content or {}
    given = header["content"]["parameters"] | content.get("parameters", {})
    header["content"] |= content | {"parameters": given}
    parts["header"] = np.array(json.dumps(header | (head or {})).encode())
    return npz(**{name: part for name, part in parts.items() if part is not None})


def csr(shape):
    parts = {part: f"affinities.{part}" for part in ("data", "indices", "indptr")}
    return {"type": "csr", **parts, "shape": shape}


def with_nan(part):
    return np.where(np.arange(part.size).reshape(part.shape) == 1, np.nan, part).astype(part.dtype)


# A kind of bad file of a fitted map, and a part of the message.
MODELS = {
    "empty": (lambda data: b"", "zip archive"),
    "no archive": (lambda data: b"tsne", "zip archive"),
    "of tables": (lambda data: npz(X=X), "no part 'header'"),
    "header of numbers": (lambda data: npz(header=X), "got: can only convert an array of size 1"),
    "header a number": (lambda data: npz(header=np.array(1)), "got: the JSON object must be"),
    "header no JSON": (lambda data: npz(header=np.array("{")), "got: Expecting"),
    "header of no UTF-8": (lambda data: npz(header=np.array(b"\xff")), "got: "),
    "header a list": (lambda data: npz(header=np.array("[1]")), "got: list indices"),
    "header nested": (lambda data: npz(header=np.array("[" * 99_999)), "got: "),
    "content a list": (lambda data: changed(data, head={"content": [1]}), "content of type list"),
    "content nested": (
        lambda data: npz(header=np.array('{"format": "bhtsne.TSNE", "version": 2, "content": '
                                         + "[" * 900 + "]" * 900 + "}")), "got: "
    ),
    "of another format": (lambda data: changed(data, head={"format": "sne"}), "the format 'sne'"),
    "of a later version": (lambda data: changed(data, head={"version": 99}), "reads version 2"),
    "of an earlier version": (lambda data: changed(data, head={"version": 1}), "is version 1 of"),
    "of no version": (lambda data: changed(data, head={"version": "new"}), "is version 'new' of"),
    "of a long version": (lambda data: changed(data, head={"version": "n" * 9999}), "n{19} of"),
    "an unknown type": (
        lambda data: changed(data, {"parameters": {"dof": {"type": "Spy", "fields": {}}}}), "'Spy'"
    ),
    "a type of no name": (
        lambda data: changed(data, {"parameters": {"dof": {"type": [1], "fields": {}}}}), "got: "
    ),
    "an unknown field": (
        lambda data: changed(data, {"last_phase": {"type": "Phase", "fields": {"eta": 1}}}), "eta"
    ),
    "neighbours of a list": (lambda data: changed(data, {"neighbors": [1]}), "of type list"),
    "a wrong reference": (
        lambda data: changed(data, {"parameters": {"neighbors": {
            "type": "Fitted", "fields": {"name": "X"}}}}), "no part 'X'"
    ),
    "no map": (lambda data: changed(data, embedding=None), "no part 'embedding'"),
    "no velocity": (lambda data: changed(data, velocity=None), "no part 'velocity'"),
    "no points": (lambda data: changed(data, points=None), "no part 'points"),
    "no distances": (lambda data: changed(data, neighbors__distances=None), "no part 'neighbors.d"),
    "half of P": (lambda data: changed(data, affinities__data=None), "no part 'affinities.data'"),
    "fewer points": (lambda data: changed(data, embedding=lambda Y: Y[:9]), r"velocity: .* \(9, 2"),
    "flat map": (lambda data: changed(data, embedding=lambda Y: Y[:, 0]), r"map: .*\(40,\) in"),
    "map of a number": (lambda data: changed(data, embedding=lambda Y: Y[0, 0]), "got: "),
    "map in 3-D": (lambda data: changed(data, embedding=lambda Y: Y[:, [0, 1, 1]]), r"\(40, 3\)"),
    "map of doubles": (lambda data: changed(data, embedding=lambda Y: Y.astype(float)), "float64"),
    "map of words": (lambda data: changed(data, embedding=lambda Y: Y.astype(str)), "map: <U32 of"),
    "NaN in the map": (lambda data: changed(data, embedding=with_nan), "map: NaN or infinity"),
    "NaN in the gains": (lambda data: changed(data, gains=with_nan), "gains: NaN or infinity"),
    "NaN in the points": (lambda data: changed(data, points=with_nan), "points: NaN or infinity"),
    "NaN in P": (lambda data: changed(data, affinities__data=with_nan), "affinities: NaN or inf"),
    "NaN in distances": (
        lambda data: changed(data, neighbors__distances=with_nan), "distances must be 0 or"
    ),
    "divergences of others": (lambda data: changed(data, kl_per_point=lambda k: k[1:]), r"\(39,\)"),
    "a column too few": (lambda data: changed(data, points=lambda X: X[:, 1:]), r"\(40, 4\) in"),
    "an index of P too large": (
        lambda data: changed(data, affinities__indices=lambda i: i + 30), "got: .*ind"
    ),
    "P of another shape": (lambda data: changed(data, {"affinities": csr([40, 41])}), r"\(40, 41"),
    "P of a negative shape": (lambda data: changed(data, {"affinities": csr([-40, 40])}), "got: "),
    "P of a shape of words": (lambda data: changed(data, {"affinities": csr("ab")}), "got: "),
    "a neighbour too many": (
        lambda data: changed(data, neighbors__indices=lambda i: i + 30), "from 0 to 39"
    ),
    "fewer neighbours": (
        lambda data: changed(data, neighbors__indices=lambda i: i[:, 1:]), "of one shape"
    ),
    "a rule broken": (lambda data: changed(data, {"parameters": {"dof": -1}}), "dof must be at l"),
    "an unknown parameter": (lambda data: changed(data, {"parameters": {"hue": 1}}), "'hue'"),
    "a missing array": (
        lambda data: changed(data, {"parameters": {"init": {"type": "array", "name": "start"}}}),
        "no part 'start'",
    ),
    "iterations of words": (lambda data: changed(data, {"n_iter": "many"}), "n_iter_ = 'many'"),
    "a history of words": (lambda data: changed(data, {"history": ["kinds"]}), "'kinds' in the h"),
    "a phase of words": (
        lambda data: changed(data, {"last_phase": {"type": "Phase", "fields": {"n_iter": "a"}}}),
        "n_iter must be",
    ),
    "a record of words": (
        lambda data: changed(data, {"history": [{"type": "Record", "fields": dict.fromkeys(
            optimizer.Record._fields, "a")}]}), "in the history"
    ),
    "a name too few": (lambda data: changed(data, {"feature_names_in": ["a"]}), "1 names of 5 fe"),
    "zipped": (gzip.compress, "zip archive"),
}  # fmt: skip


@pytest.mark.parametrize("kind", MODELS)
def test_a_bad_model_is_refused_in_one_sentence(kind, saved, tmp_path):
    make, got = MODELS[kind]
    (tmp_path / "map.npz").write_bytes(make(saved))
    message = refused(tmp_path / "map.npz", got, read=TSNE.load)
    other = "which bhtsne .* does not have; use the version that wrote it|use the version of bhtsne"
    assert re.search(f"must hold a map that TSNE.save wrote|{other}", message)


def test_a_part_of_a_model_is_refused(saved, tmp_path):
    for size in [1, 10, 100, *range(1000, len(saved), len(saved) // 20), len(saved) - 1]:
        (tmp_path / "map").write_bytes(saved[:size])
        refused(tmp_path / "map", "zip archive", read=TSNE.load)


def test_a_bit_that_turns_is_seen_or_does_nothing(saved, tmp_path):
    path, rng, seen = tmp_path / "map", np.random.default_rng(0), 0
    ends = [*range(60), *range(-120, 0)]  # where the zip's own records are
    for place in [*rng.integers(len(saved), size=150).tolist(), *ends]:
        path.write_bytes(flipped(saved, place, 1 << int(rng.integers(8))))
        try:
            again = TSNE.load(path)
        except ValueError:
            refused(path, "must hold a map", read=TSNE.load)
            seen += 1
        else:
            again.save(path)
            assert path.read_bytes() == saved
    assert seen > 150


def test_the_four_files_of_mnist_that_do_not_fit_each_other_are_named(tmp_path):
    for part, side in (("train", 3), ("t10k", 2)):
        for stem, values in (
            ("images-idx3", np.ones((2, side, side))),
            ("labels-idx1", np.ones(2)),
        ):
            data = idx(values, 8, big="u1")
            (tmp_path / f"{part}-{stem}-ubyte").write_bytes(data)
    with pytest.raises(ValueError, match=f"{tmp_path.name} must hold the four IDX files of MNIST"):
        datasets.mnist(tmp_path)


@pytest.mark.parametrize(
    "kind", ["npy, negative shape", "csv, NUL", "npz and a note", "idx, empty"]
)
def test_the_command_says_it_in_one_sentence_too(kind, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name, make, got = KINDS[kind]
    (tmp_path / name).write_bytes(make())
    for command in (["embed", name], ["transform", name, name]):
        assert cli.main(command) == 2
        said = capsys.readouterr()
        assert re.fullmatch(rf"bhtsne: {name} must hold .*\.\n", said.err)
        assert command[0] == "transform" or re.search(got, said.err)
        assert said.out == ""
    assert os.listdir(tmp_path) == [name]


def test_the_command_names_a_folder_in_place_of_a_file(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.csv").mkdir()
    assert cli.main(["embed", "x.csv"]) == 2
    assert re.fullmatch(r"bhtsne: x\.csv cannot be read .*\.\n", capsys.readouterr().err)


HOSTILE = settings(max_examples=150, deadline=None, database=None, derandomize=True)
PLAIN = ("x.npy", "x.npz", "s.npz", "x.idx", "x.csv", "x.tsv", "x.parquet", "x.feather", "x.jsonl")
NAMES = [*PLAIN, *(f"{name}.gz" for name in PLAIN)]


@pytest.fixture(scope="module")
def attempt(tmp_path_factory):
    """Return what reads such bytes, and asserts that it ends well: in a table or in a sentence."""
    folder = tmp_path_factory.mktemp("hostile")

    def attempt(name, data):
        path = folder / name
        path.write_bytes(data)
        table = None
        with suppress(ValueError):
            table = tables.read(path)
        if table is None:
            refused(path, "must hold a table of numbers, .* got: .+; correct|: (no )?column")
        else:
            assert table.X.ndim == 2
            assert 0 not in table.X.shape
            assert table.X.dtype.kind in "biuf"
            assert table.labels is None or len(table.labels) == table.X.shape[0]
            np.asarray(table.X.sum())  # every number can be had
        path.unlink()

    return attempt


@pytest.mark.full(after=3)
@pytest.mark.parametrize("name", NAMES)
@HOSTILE
@given(data=st.binary(max_size=400))
def test_random_bytes_end_well(name, data, attempt):
    attempt(name, gzip.compress(data) if name.endswith(".gz") else data)


@pytest.mark.full(after=3)
@pytest.mark.parametrize("name", NAMES)
@HOSTILE
@given(data=st.data())
def test_damage_ends_well(name, data, attempt):
    whole = good()[name.removesuffix(".gz")]
    for _ in range(data.draw(st.integers(0, 4))):
        place = data.draw(st.integers(0, len(whole) - 1))
        whole = flipped(whole, place, data.draw(st.integers(1, 255)))
    whole = whole[: data.draw(st.integers(0, len(whole)) | st.just(len(whole)))]
    zipped = name.endswith(".gz")
    if zipped:
        whole = gzip.compress(whole, mtime=0)
        damaged = flipped(whole, data.draw(st.integers(0, len(whole) - 1)), 16)
        whole = damaged if data.draw(st.booleans()) else whole
    attempt(name, whole)
