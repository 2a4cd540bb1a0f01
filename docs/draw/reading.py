"""Data with a known structure → pictures of pitfalls, drawn when the site is built."""

from functools import cache

import numpy as np
from maps import digits, fitted, gaussians
from matplotlib import pyplot as plt

from bhtsne import TSNE, plot


def _panels(maps: list, labels: list, titles: list, side: float = 2.5):
    """Draw maps in a row."""
    figure, axes = plt.subplots(1, len(maps), figsize=(side * len(maps), side + 0.35))
    for ax, Y, some, title in zip(axes, maps, labels, titles, strict=True):
        plot.scatter(Y, some, ax=ax, legend=None, title=title)
        ax.set_aspect("equal", adjustable="datalim")
        ax.set_box_aspect(1)  # titles at one height
    return figure


@cache
def _sizes():
    X, y = gaussians([(0,), (60,)], [1, 10], 300)
    return X[:, :2], fitted(X), y


def sizes():
    """Draw a narrow and a wide cluster, and their map."""
    X, Y, y = _sizes()
    return _panels([X, Y], [y, y], ["the data, first two of 10 axes", "the map"], 3.6)


@cache
def _distances():
    X, y = gaussians([(0, 0), (8, 0), (60, 0), (60, 8)], [1] * 4, 200)
    return X[:, :2], [fitted(X, perplexity=p) for p in (5, 30, 250)], y


def distances():
    """Draw clusters near and far from each other, and their maps."""
    X, maps, y = _distances()
    titles = ["the data", "perplexity 5", "30", "250"]
    return _panels([X, *maps], [y] * 4, titles)


@cache
def _perplexities():
    X, y, _ = digits()
    X, y = X[:700], y[:700]
    values = (2, 10, 30, 150)
    return values, [fitted(X, perplexity=p) for p in values], y


def perplexities():
    """Draw digits at four perplexities."""
    values, maps, y = _perplexities()
    return _panels(maps, [y] * 4, [f"perplexity {p}" for p in values])


@cache
def _noise():
    X = np.random.default_rng(0).normal(size=(500, 100))
    return [X[:, :2], *(fitted(X, perplexity=p) for p in (2, 5, 50))]


def noise():
    """Draw the maps of noise."""
    titles = ["the data, 2 of 100 axes", "perplexity 2", "5", "50"]
    return _panels(_noise(), [np.zeros(500, int)] * 4, titles)


@cache
def _ring():
    t = np.linspace(0, 2 * np.pi, 1000, endpoint=False)
    noise = 0.02 * np.random.default_rng(0).normal(size=(1000, 10))
    X = np.column_stack([np.cos(t), np.sin(t), *np.zeros((8, 1000))]) + noise
    starts = ("pca", "random", "random")
    maps = [fitted(X, init=s, random_state=k, perplexity=15) for k, s in enumerate(starts)]
    return [X[:, :2], *maps], t


def torn():
    """Draw a closed ring, whole and torn by the start."""
    maps, t = _ring()
    titles = ["the data", 'init="pca"', 'init="random"', "another seed"]
    return _panels(maps, [np.abs(t - np.pi)] * 4, titles)


@cache
def _repeated():
    X, y, model = digits()
    again = [fitted(X, init="random", random_state=seed) for seed in (1, 2)]
    return [model.embedding_, *again], y


def repeated():
    """Draw one data set from three starts."""
    maps, y = _repeated()
    return _panels(maps, [y] * 3, ['init="pca"', 'init="random"', "another seed"], 3)


def misplaced():
    """Draw the term of each point in the divergence, beside the labels."""
    _, y, model = digits()
    figure, axes = plt.subplots(1, 2, figsize=(9, 4.2))
    plot.scatter(model.embedding_, y, ax=axes[0], legend=None, title="classes")
    share = model.kl_per_point_ / model.kl_per_point_.mean()
    plot.scatter(model.embedding_, share, ax=axes[1], title="KL per point, by its mean")
    return figure


@cache
def _history():
    X, _, _ = digits()
    runs = {}
    for theta in (0.3, 0.5, 0.8):
        model = TSNE(random_state=0, theta=theta, callback_every=25).fit(X)
        runs[theta] = np.array([(r.iteration, r.kl, r.force_error) for r in model.history_])
    return runs


def history():
    """Draw divergence and measured force error over a run."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.8, 3))
    for number, (theta, run) in enumerate(_history().items()):
        colour = plot.PALETTE[(5, 1, 3)[number]]
        left.plot(run[:, 0], run[:, 1], c=colour, label=f"θ = {theta:g}", lw=(3.5, 2, 1)[number])
        right.semilogy(run[:, 0], run[:, 2], c=colour, label=f"θ = {theta:g}")
    left.set(xlabel="iteration", ylabel="KL divergence, nats")
    right.set(xlabel="iteration", ylabel="force error, relative RMS")
    right.legend()
    return figure
