"""Pipes: what goes in and out is what files hold, and nothing else is among it."""

import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from bhtsne import cli, files, tables

FAST = ["--perplexity", "5", "--n-iter", "10", "--early-exaggeration", "4", "--quiet"]
X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
NAMES = np.array([f"no. {i}, {'ab'[i % 2]}" for i in range(40)])


class Piped:
    """A standard input or output of bytes."""

    def __init__(self, data=b""):
        self.buffer = io.BytesIO(data)

    def isatty(self):
        return False

    def write(self, text):
        self.buffer.write(text.encode())

    def flush(self):
        pass


@pytest.fixture
def piped(monkeypatch, tmp_path):
    """Return what runs the command on bytes, and returns its status and the bytes it wrote."""
    monkeypatch.chdir(tmp_path)

    def piped(command, data):
        out = Piped()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", Piped(data))
            patch.setattr(sys, "stdout", out)
            return cli.main(command), out.buffer.getvalue()

    return piped


def written(name, tmp_path):
    path = tmp_path / name
    if name.endswith(".npz"):
        np.savez(path, X=X)
    else:
        files.write(path, X, axes="x")
    data = path.read_bytes()
    path.unlink()
    return data


@pytest.mark.full(after=2)
@pytest.mark.parametrize("name", ["x.csv", "x.tsv", "x.npy", "x.npz", "x.parquet"])
def test_every_format_is_known_by_how_it_begins(name, piped, tmp_path, capsys):
    if name == "x.parquet":
        pytest.importorskip("pyarrow")
    data = written(name, tmp_path)
    status, out = piped(["embed", "-", *FAST], data)  # to the standard output by itself
    assert status == 0
    (tmp_path / "again.csv").write_bytes(out)
    read = tables.read(tmp_path / "again.csv")
    assert read.columns == ("tsne1", "tsne2")
    (tmp_path / name).write_bytes(data)
    assert cli.main(["embed", name, "-o", "map.npy", *FAST]) == 0
    np.testing.assert_array_equal(read.X.astype(np.float32), np.load(tmp_path / "map.npy"))
    assert "40 points, 3 features" in capsys.readouterr().err


@pytest.mark.full(after=1)
@pytest.mark.parametrize("form", ["csv", "tsv", "npy", "parquet"])
def test_a_map_is_piped_out_as_it_would_be_written(form, piped, tmp_path):
    if form == "parquet":
        pytest.importorskip("pyarrow")
    data = written("x.csv", tmp_path)
    status, out = piped(["embed", "-", "-o", "-", "--format", form, *FAST], data)
    assert status == 0
    (tmp_path / "x.csv").write_bytes(data)
    assert cli.main(["embed", "x.csv", "-o", f"map.{form}", *FAST]) == 0
    assert out == (tmp_path / f"map.{form}").read_bytes()


def test_a_fault_in_what_is_piped_in_names_no_hidden_file(piped, tmp_path, capsys):
    status, out = piped(["embed", "-"], b"a,b\n1,2\n3\n")
    assert (status, out) == (2, b"")
    said = capsys.readouterr().err
    assert said.startswith("bhtsne: the standard input must hold a table")
    assert str(tmp_path.parent) not in said
    assert piped(["embed", "-", "--checkpoint", "run"], b"1,2\n")[0] == 2
    assert "can be read again" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_nothing_is_waited_for_at_a_terminal(monkeypatch, capsys):
    terminal = Piped()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stdin", terminal)
    assert cli.main(["embed", "-"]) == 2
    assert "nothing is piped in" in capsys.readouterr().err


def test_columns_of_words_and_those_named_stay_beside_the_map(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    kept = {"name": NAMES, "id": np.arange(40) * 10, "kind": NAMES.astype("<U3"), "tsne1": X[:, 0]}
    files.write("x.csv", X, columns=kept, axes="x")
    command = ["embed", "x.csv", "--labels", "kind", "--keep", "id,tsne1", "--json", *FAST]
    for out in ("map.csv", "map.parquet"):
        if out == "map.parquet":
            pytest.importorskip("pyarrow")
        assert cli.main([*command, "-o", out]) == 0
        assert json.loads(capsys.readouterr().out)["features"] == 3
        assert tables.names(out) == ["tsne1", "tsne2", "label", "name", "id", "tsne1_"]
        read = tables.read(out, labels="label", keep=["id", "tsne1_"])
        np.testing.assert_array_equal(read.labels, kept["kind"])
        np.testing.assert_array_equal(read.extra["name"], NAMES)
        np.testing.assert_array_equal(read.extra["id"], kept["id"])
        np.testing.assert_array_equal(read.extra["tsne1_"].astype(np.float32), X[:, 0])
    assert cli.main(["embed", "x.csv", "--keep", "idd", "--quiet"]) == 2
    assert "did you mean 'id'?" in capsys.readouterr().err


def test_a_word_amid_numbers_is_a_fault_and_no_column_of_words(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{i % 7},{i}\n" for i in range(20))
    (tmp_path / "x.csv").write_text(f"a,b\n{rows}3,five\n")
    assert cli.main(["embed", "x.csv", "--quiet"]) == 2
    assert "column 'b' has 'five' in row 21 among numbers (1 of 21)" in capsys.readouterr().err


def test_a_reader_who_goes_is_not_told_of_it(tmp_path):
    command = [sys.executable, "-m", "bhtsne", "data", "clusters:20", "--json"]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    os.close(writer)
    assert done.stderr == ""
    assert done.returncode == 141
