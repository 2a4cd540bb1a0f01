"""Every warning points at the user's own line, whatever of the library it comes from."""

from types import SimpleNamespace

import numpy as np
import pytest

from bhtsne import SNE, TSNE, DynamicTSNE, LandmarkTSNE, neighbors, plot, scanpy

X = np.random.default_rng(0).normal(size=(60, 60))
QUICK = {"n_iter": 5, "early_exaggeration_iter": 5, "random_state": 0}


def manhattan(x, y):
    return np.abs(x - y).sum()


def few_neighbors():
    indices, distances = (part.copy() for part in neighbors.find(X, 15))
    indices[:7, 3:], distances[:7, 3:] = -1, np.inf
    return indices, distances


def fitted():
    return TSNE(perplexity=10, **QUICK).fit(X)


CALLS = {
    "fit": lambda: TSNE(perplexity=30, **QUICK).fit(X),
    "fit_transform": lambda: TSNE(perplexity=30, **QUICK).fit_transform(X),
    "exact": lambda: TSNE(perplexity=30, method="exact", **QUICK).fit(X),
    "bar": lambda: TSNE(perplexity=30, verbose=True, **QUICK).fit(X),
    "sne": lambda: SNE(perplexity=30, n_iter=5).fit(X),
    "dynamic": lambda: DynamicTSNE(perplexity=30, **QUICK).fit([X, X]),
    "landmarks": lambda: LandmarkTSNE(40, tsne=TSNE(perplexity=30, **QUICK)).fit(X),
    "given neighbours": lambda: TSNE(perplexity=5, neighbors=few_neighbors(), **QUICK).fit(X),
    "transform": lambda: fitted().transform(X, perplexity=59),
    "add": lambda: fitted().add(X[:1], n_iter=1) and TSNE(perplexity=30, **QUICK).fit(X),
    "plot": lambda: plot.scatter(
        np.arange(400.0).reshape(200, 2), [f"kind {i % 99}" for i in range(200)]
    ),
    "scanpy": lambda: scanpy.tsne(
        SimpleNamespace(X=np.tile(X, 2), obsm={}, obsp={}, uns={}, layers={}),
        perplexity=10, n_iter=5, early_exaggeration_iter=5,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_a_warning_points_at_the_line_that_called(name):
    with pytest.warns(UserWarning, match=".") as caught:
        CALLS[name]()
    assert {warning.filename for warning in caught} == {__file__}
    assert len({str(warning.message) for warning in caught}) == len(caught)  # each is said once
