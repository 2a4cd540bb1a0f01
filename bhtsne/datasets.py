"""Name → data set for examples and benchmarks: digits, MNIST, or Gaussian clusters of any size."""

import os
import socket
import warnings
from contextlib import suppress
from http.client import HTTPException
from importlib.metadata import distribution
from importlib.util import find_spec
from numbers import Integral
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bhtsne import files, tables

__all__ = ["NAMES", "Dataset", "clusters", "digits", "load", "mnist"]

NAMES = ("digits", "mnist", "clusters")
_MNIST = (70_000, 784)
_PARTS = ("train", "t10k")
_TIMEOUT = 10.0  # seconds without a response
_BLOCK = 16_384


class Dataset(NamedTuple):
    """Points with labels.

    Attributes
    ----------
    X : ndarray of shape (N, D)
        Points.
    y : ndarray of shape (N,)
        Labels, integers from 0.
    name : str
        Name of the data set.
    """

    X: np.ndarray
    y: np.ndarray
    name: str


def load(name: str) -> Dataset:
    """Return a data set by its name; the same name always gives the same numbers.

    Parameters
    ----------
    name : str
        One of `NAMES`. A number of points may follow ``clusters``, as in ``clusters:100000``; the
        default is 10,000.

    Returns
    -------
    Dataset
        X of shape (N, D), y of shape (N,) and the name.

    Raises
    ------
    ValueError
        If the name is unknown.
    FileNotFoundError
        If the name is "mnist", and MNIST is not on this computer and cannot be fetched.

    Examples
    --------
    >>> load("clusters:500").X.shape
    (500, 50)
    """
    kind, colon, count = name.partition(":")
    if kind == "clusters" and (not colon or (count.isascii() and count.isdigit())):
        return clusters(int(count or 10_000), random_state=0)
    if name == "digits":
        return digits()
    if name == "mnist":
        return mnist()
    raise ValueError(
        f"a data set must be one of {', '.join(NAMES)}, or clusters:N for N points, got {name!r}."
    )


def digits() -> Dataset:
    """Return the 1,797 handwritten digits of 8 × 8 pixels of scikit-learn.

    Returns
    -------
    Dataset
        X of shape (1797, 64), float32, from 0 to 16; y of shape (1797,), int64, from 0 to 9.

    Examples
    --------
    >>> digits().X.shape
    (1797, 64)
    """
    table = np.loadtxt(_digits_file(), np.float32, delimiter=",")
    return Dataset(table[:, :-1].copy(), table[:, -1].astype(np.int64), "digits")


def _digits_file() -> Path:
    """Return the file of scikit-learn, whose own reader is slow to import (see `tsne.fit`)."""
    name = "sklearn/datasets/data/digits.csv.gz"
    return Path(str(distribution("scikit-learn").locate_file(name)))


def mnist(path: str | os.PathLike | None = None) -> Dataset:
    """Return MNIST, 70,000 handwritten digits of 28 × 28 pixels; the last 10,000 are the test set.

    Without a path, the folder in the environment variable ``BHTSNE_DATA`` is searched, then the
    cache (``BHTSNE_CACHE``, or ``bhtsne`` in ``XDG_CACHE_HOME`` or ~/.cache). If neither holds
    MNIST, scikit-learn fetches it from OpenML, and it is saved in the cache.

    Parameters
    ----------
    path : str, path or None
        A file that `tables.read` can read, with labels; or a folder with ``mnist.npz`` (arrays X
        and y) or the four original IDX files, such as ``train-images-idx3-ubyte.gz``. With a path,
        no other place is searched.

    Returns
    -------
    Dataset
        X of shape (70000, 784), uint8; y of shape (70000,), int64, from 0 to 9.

    Raises
    ------
    FileNotFoundError
        If MNIST is not found and cannot be fetched.
    ValueError
        If a file is damaged or is not MNIST.

    References
    ----------
    LeCun, Bottou, Bengio & Haffner 1998, Gradient-based learning applied to document recognition.

    Examples
    --------
    >>> mnist("nowhere")
    Traceback (most recent call last):
    FileNotFoundError: nowhere must hold mnist.npz or the four IDX files of MNIST, ...
    """
    contents = "mnist.npz or the four IDX files of MNIST"
    if path is not None:
        found = _from_file(Path(path)) if Path(path).is_file() else _from_folder(Path(path))
        if found is None:
            raise FileNotFoundError(f"{path} must hold {contents}, got neither; check the path.")
        return found
    cache, searched = cache_folder(), places()
    for place in searched:
        found = _from_folder(place)
        if found is not None:
            return found
    try:
        fetched = _from_openml()
    except (OSError, HTTPException, ValueError) as error:
        where = " or ".join(map(str, searched))
        raise FileNotFoundError(
            f"MNIST is not in {where}, and fetching it from OpenML failed ({error}); put "
            f"{contents} into a folder and set BHTSNE_DATA to it."
        ) from error
    with suppress(OSError):  # without a cache, the next call fetches MNIST again
        cache.mkdir(parents=True, exist_ok=True)
        with files.atomic_write(cache / "mnist.npz") as file:
            np.savez_compressed(file, X=fetched.X, y=fetched.y)
    return fetched


def cache_folder() -> Path:
    """Return the folder for fetched data; it need not exist."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("BHTSNE_CACHE") or Path(caches, "bhtsne"))


def places() -> list[Path]:
    """Return the folders that are searched for MNIST."""
    return [Path(p) for p in (os.environ.get("BHTSNE_DATA"), cache_folder()) if p]


def holds_mnist(folder: Path) -> bool:
    """Return whether a folder has files with the names of MNIST; their contents are not read."""
    parts = [(f"{part}-{kind}", n) for part in _PARTS for kind, n in (("images", 3), ("labels", 1))]
    return (folder / "mnist.npz").is_file() or all(_idx(folder, *part) for part in parts)


def _from_folder(folder: Path) -> Dataset | None:
    if (folder / "mnist.npz").is_file():
        return _from_file(folder / "mnist.npz")
    parts: list[Any] = []
    for part in _PARTS:
        images, labels = _idx(folder, f"{part}-images", 3), _idx(folder, f"{part}-labels", 1)
        if images is None or labels is None:
            return None
        parts += tables.read(images, labels=labels)[:2]
    with files.readable_errors(folder, "the four IDX files of MNIST"):
        X, y = np.concatenate(parts[::2]), np.concatenate(parts[1::2])
    return _as_mnist(X, y, folder)


def _from_file(path: Path) -> Dataset:
    X, y = tables.read(path)[:2]
    return _as_mnist(X, y, path)


def _idx(folder: Path, stem: str, ndim: int) -> Path | None:
    """Return the IDX file of an array of `ndim` axes, or None if the folder has none."""
    names = (f"{stem}{dot}idx{ndim}-ubyte{end}" for dot in "-." for end in ("", ".gz"))
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _from_openml() -> Dataset:
    from sklearn.datasets import fetch_openml

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_TIMEOUT)
    try:
        with warnings.catch_warnings(action="ignore"):  # each failed attempt would warn
            X, y = fetch_openml(
                "mnist_784",
                version=1,
                as_frame=False,
                return_X_y=True,
                # "auto" is the faster parser, but needs pandas, which may not be installed
                parser="auto" if find_spec("pandas") else "liac-arff",
                n_retries=1,  # the minimum that scikit-learn accepts
                delay=0.1,
            )
    finally:
        socket.setdefaulttimeout(before)
    return _as_mnist(X.astype(np.uint8), y.astype(np.int64), "the response of OpenML")


def _as_mnist(X: Any, y: Any, where: Any) -> Dataset:
    """Return points and labels as a data set, or raise ValueError if they are not MNIST."""
    digits = y is not None and y.dtype.kind in "iu" and y.min() >= 0 and y.max() <= 9
    if not isinstance(X, np.ndarray) or X.shape != _MNIST or X.dtype != np.uint8 or not digits:
        raise ValueError(
            f"MNIST is uint8 of shape {_MNIST} with labels from 0 to 9, got {X.dtype} of shape "
            f"{X.shape} with {'other' if y is not None else 'no'} labels in {where}; replace it."
        )
    return Dataset(X, y.astype(np.int64), "mnist")


def clusters(
    n: int,
    n_features: int = 50,
    n_clusters: int = 10,
    *,
    random_state: int | np.random.Generator | None = None,
) -> Dataset:
    """Draw points from a mixture of Gaussian clusters.

    The centres are normal with a standard deviation of 4 in each coordinate. The sizes of the
    clusters are a geometric series, the last four times the first. The standard deviations are
    evenly spaced from 0.5 to 1.5, in random order. At 50 features no two clusters overlap.

    Parameters
    ----------
    n : int
        Number of points, N, at least `n_clusters`.
    n_features : int, default=50
        Number of coordinates, D.
    n_clusters : int, default=10
        Number of clusters; none is empty.
    random_state : int, numpy.random.Generator or None
        Seed or generator; the same int always gives the same points.

    Returns
    -------
    Dataset
        X of shape (N, D), float32, in random order; y of shape (N,), int64, the clusters.

    Raises
    ------
    ValueError
        If a number is not an integer of at least 1, n is below n_clusters, or random_state is a
        negative int.

    Examples
    --------
    >>> X, y, name = clusters(1000, n_clusters=3, random_state=0)
    >>> np.bincount(y)
    array([143, 286, 571])
    """
    for name, value in (("n", n), ("n_features", n_features), ("n_clusters", n_clusters)):
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}.")
    if n < n_clusters:
        raise ValueError(f"n must be at least n_clusters, {n_clusters}, got {n}; raise n.")
    if isinstance(random_state, Integral) and random_state < 0:
        raise ValueError(f"random_state must be at least 0, got {random_state}.")
    rng = np.random.default_rng(random_state)
    shares = np.cumsum(np.geomspace(1, 4, n_clusters))
    ends = np.rint(shares / shares[-1] * (n - n_clusters)).astype(np.int64)
    y = np.repeat(np.arange(n_clusters), np.diff(ends, prepend=0) + 1)
    rng.shuffle(y)
    centres = 4 * rng.standard_normal((n_clusters, n_features), dtype=np.float32)
    spreads = rng.permutation(np.linspace(0.5, 1.5, n_clusters, dtype=np.float32))[:, None]
    X = rng.standard_normal((n, n_features), dtype=np.float32)
    for start in range(0, n, _BLOCK):  # in blocks, so that temporaries stay smaller than X
        block = slice(start, start + _BLOCK)
        X[block] *= spreads[y[block]]
        X[block] += centres[y[block]]
    return Dataset(X, y, "clusters")
