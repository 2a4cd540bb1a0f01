"""Each name gives the data it promises, and MNIST is looked for where it is said to be."""

import gzip
import os
import socket
import struct
import subprocess
import sys
import warnings
from urllib.error import URLError

import numpy as np
import pytest
import sklearn.datasets

from bhtsne import datasets

DATA = os.environ.get("BHTSNE_DATA")  # before the tests change it
LABELS = (np.arange(70_000) % 10).astype(np.uint8)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Keep every test away from the network and from the folders of whoever runs it."""

    def fetch(*args, **options):
        assert socket.getdefaulttimeout() == datasets._TIMEOUT
        warnings.warn("a network error occurred", stacklevel=2)
        raise URLError("no network")

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fetch)
    monkeypatch.setenv("BHTSNE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("BHTSNE_DATA", raising=False)


def put_npz(path, mark=0, **changes):
    X = np.zeros((70_000, 784), np.uint8)
    X[0, 0] = mark
    path.parent.mkdir(exist_ok=True)
    np.savez(path, **{"X": X, "y": LABELS} | changes)


def put_idx(folder, dash, *, zipped):
    """Write the four files: a header each, zeros for the images, and labels that count to 9."""
    folder.mkdir(exist_ok=True)
    for half, start, stop in (("train", 0, 60_000), ("t10k", 60_000, 70_000)):
        n = stop - start
        images = struct.pack(">BBBB3I", 0, 0, 8, 3, n, 28, 28) + bytes(n * 784)
        labels = struct.pack(">BBBBI", 0, 0, 8, 1, n) + LABELS[start:stop].tobytes()
        for stem, data in ((f"images{dash}idx3", images), (f"labels{dash}idx1", labels)):
            path = folder / f"{half}-{stem}-ubyte{'.gz' if zipped else ''}"
            path.write_bytes(gzip.compress(data, 1) if zipped else data)


def test_digits():
    X, y, name = datasets.load("digits")
    assert (X.shape, X.dtype, y.dtype, name) == ((1797, 64), np.float32, np.int64, "digits")
    assert (X.min(), X.max(), set(y.tolist())) == (0, 16, set(range(10)))


@pytest.mark.parametrize(
    "name", ["iris", "clusters:", "clusters:-5", "clusters:1e5", "mnist:5", ""]
)
def test_an_unknown_name_is_answered_with_the_known_ones(name):
    with pytest.raises(ValueError, match="digits, mnist, clusters"):
        datasets.load(name)


@pytest.mark.parametrize(("dash", "zipped"), [("-", True), (".", False)])
def test_mnist_from_the_original_files(tmp_path, dash, zipped):
    put_idx(tmp_path / "raw", dash, zipped=zipped)
    X, y, name = datasets.mnist(tmp_path / "raw")
    assert (X.shape, X.dtype, y.dtype, name) == ((70_000, 784), np.uint8, np.int64, "mnist")
    np.testing.assert_array_equal(y, LABELS)


def test_mnist_is_taken_from_the_first_place_that_has_it(tmp_path, monkeypatch):
    put_npz(tmp_path / "cache" / "mnist.npz", mark=1)
    assert datasets.load("mnist").X[0, 0] == 1
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("BHTSNE_DATA", str(tmp_path / "data"))
    assert datasets.mnist().X[0, 0] == 1
    put_npz(tmp_path / "data" / "mnist.npz", mark=2)
    assert datasets.mnist().X[0, 0] == 2
    put_npz(tmp_path / "other.npz", mark=3)
    assert datasets.mnist(tmp_path / "other.npz").X[0, 0] == 3


def test_the_cache_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.delenv("BHTSNE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    (tmp_path / "xdg").mkdir()
    put_npz(tmp_path / "xdg" / "bhtsne" / "mnist.npz", mark=4)
    assert datasets.mnist().X[0, 0] == 4


def test_an_explicit_path_without_mnist_is_an_error(tmp_path):
    put_npz(tmp_path / "cache" / "mnist.npz")
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(FileNotFoundError, match=r"must hold mnist\.npz or the four IDX files"):
            datasets.mnist(path)


def test_without_a_network_every_place_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("BHTSNE_DATA", str(tmp_path / "data"))
    places = f"{tmp_path / 'data'} or {tmp_path / 'cache'}, .*no network.*set BHTSNE_DATA"
    with pytest.raises(FileNotFoundError, match=places):
        datasets.mnist()
    assert socket.getdefaulttimeout() is None
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("closed", [False, True])
def test_what_is_fetched_is_kept_where_that_is_possible(tmp_path, monkeypatch, closed):
    calls = []

    def fetch(name, *, version, as_frame, return_X_y, parser, n_retries, delay):
        calls.append((name, version))
        return np.full((70_000, 784), 7), LABELS.astype(str).astype(object)

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fetch)
    if closed:
        (tmp_path / "cache").write_text("a file where the folder should be")
    for _ in range(2):
        X, y, _ = datasets.mnist()
        assert (X.dtype, X[5, 5], y.dtype) == (np.uint8, 7, np.int64)
        np.testing.assert_array_equal(y, LABELS)
    assert calls == [("mnist_784", 1)] * (2 if closed else 1)
    if not closed:
        assert os.listdir(tmp_path / "cache") == ["mnist.npz"]


@pytest.mark.parametrize(
    ("changes", "got"),
    [
        ({"X": np.zeros((70_000, 2), np.uint8)}, r"uint8 of shape \(70000, 2\) with other labels"),
        ({"X": np.zeros((9, 784), np.uint8), "y": LABELS[:9]}, r"\(9, 784\)"),
        ({"X": np.zeros((70_000, 784), np.int8)}, "int8 of shape"),
        ({"y": LABELS + 1}, "other labels"),
        ({"y": LABELS.astype(str)}, "other labels"),
    ],
)
def test_what_is_not_mnist_is_refused(tmp_path, changes, got):
    put_npz(tmp_path / "mnist.npz", **changes)
    with pytest.raises(ValueError, match=rf"{got}.*mnist\.npz"):
        datasets.mnist(tmp_path)


@pytest.mark.skipif(DATA is None, reason="BHTSNE_DATA names no folder of data")
def test_the_real_mnist():
    X, y, _ = datasets.mnist(DATA)
    assert X.mean() == pytest.approx(33.3860, abs=1e-4)
    counts = [6903, 7877, 6990, 7141, 6824, 6313, 6876, 7293, 6825, 6958]
    assert np.bincount(y).tolist() == counts


def test_clusters_have_the_promised_structure():
    X, y, _ = datasets.clusters(20_000, 50, 10, random_state=3)
    assert (X.shape, X.dtype, y.shape, y.dtype) == ((20_000, 50), np.float32, (20_000,), np.int64)
    sizes = np.bincount(y)
    assert np.all(np.diff(sizes) > 0)
    assert sizes[-1] / sizes[0] == pytest.approx(4, rel=0.01)
    centres = np.array([X[y == k].mean(axis=0) for k in range(10)])
    spreads = [np.sqrt(((X[y == k] - centres[k]) ** 2).mean()) for k in range(10)]
    np.testing.assert_allclose(np.sort(spreads), np.linspace(0.5, 1.5, 10), rtol=0.02)
    nearest = ((X[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    np.testing.assert_array_equal(nearest, y)
    assert len(set(y[:200].tolist())) == 10  # in random order


def test_clusters_follow_the_seed():
    first, again, other = (datasets.clusters(500, random_state=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.X, again.X)
    np.testing.assert_array_equal(first.y, again.y)
    assert not np.array_equal(first.X, other.X)
    np.testing.assert_array_equal(
        datasets.load("clusters:300").X, datasets.clusters(300, random_state=0).X
    )
    assert len(datasets.load("clusters").X) == 10_000


@pytest.mark.parametrize("n", [1, 2, 10])
def test_no_cluster_is_empty(n):
    assert np.bincount(datasets.clusters(n, 1, n).y).tolist() == [1] * n


@pytest.mark.parametrize(
    ("options", "got"),
    [
        ({"n": 0}, "n must be a whole number of at least 1, got 0"),
        ({"n": 10.0}, "n must be a whole number"),
        ({"n": True}, "n must be a whole number"),
        ({"n": 9}, "n must be at least n_clusters, 10, got 9"),
        ({"n": 9, "n_features": 0}, "n_features must be a whole number of at least 1, got 0"),
        ({"n": 9, "n_clusters": -1}, "n_clusters must be a whole number of at least 1, got -1"),
        ({"n": 99, "random_state": -1}, "random_state must be at least 0, got -1"),
    ],
)
def test_impossible_clusters_are_refused(options, got):
    with pytest.raises(ValueError, match=got):
        datasets.clusters(**options)


def test_scikit_learn_is_loaded_only_when_it_is_used():
    code = (
        "import sys, bhtsne.datasets; assert not {'sklearn', 'pyarrow', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
