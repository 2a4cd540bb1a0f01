"""An AnnData gets a map in the place where scanpy keeps them, from its points or its graph."""

import anndata
import numpy as np
import pytest
from scipy import sparse

from bhtsne import TSNE, neighbors, scanpy

X = np.random.default_rng(0).normal(size=(150, 12)).astype(np.float32)
QUICK = {"n_iter": 20, "early_exaggeration_iter": 20, "random_state": 0}


def cells(**obsm):
    return anndata.AnnData(X, obsm=obsm)


@pytest.mark.parametrize(("obsm", "use_rep", "points"), [
    ({}, None, X), ({"X_pca": X[:, :5]}, None, X[:, :5]), ({"X_pca": X[:, :5]}, "X", X),
    ({"X_pca": X[:, :5], "X_other": X[:, 3:]}, "X_other", X[:, 3:]),
])  # fmt: skip
def test_the_map_is_that_of_the_representation(obsm, use_rep, points):
    adata = cells(**obsm)
    model = scanpy.tsne(adata, use_rep=use_rep, perplexity=9, **QUICK)
    assert np.array_equal(adata.obsm["X_tsne"], TSNE(perplexity=9, **QUICK).fit_transform(points))
    told = adata.uns["X_tsne"]
    assert told["params"]["perplexity"] == 9
    assert told["kl_divergence"] == model.kl_divergence_


@pytest.mark.parametrize("key", ["neighbors", "mine"])
def test_the_graph_that_scanpy_found_is_used(key):
    adata = cells()
    near = neighbors.find(X, 14)
    rows = np.arange(0, 150 * 14 + 1, 14)
    graph = sparse.csr_matrix((near.distances.ravel(), near.indices.ravel(), rows), (150, 150))
    name = "distances" if key == "neighbors" else "mine_distances"
    adata.obsp[name], adata.uns[key] = graph, {"distances_key": name}
    model = scanpy.tsne(adata, neighbors_key=key, key_added="X_map", **QUICK)
    assert model.perplexity == pytest.approx(14 / 3)
    assert np.array_equal(model.neighbors_.indices, near.indices)
    own = TSNE(perplexity=14 / 3, neighbors=near, **QUICK).fit_transform(X)
    assert np.array_equal(adata.obsm["X_map"], own)


def test_what_is_not_there_is_named_and_nothing_is_written():
    adata = cells()
    for options, error, says in (
        ({"use_rep": "X_umap"}, KeyError, "use_rep must be X or one of"),
        ({"neighbors_key": "neighbors"}, KeyError, "scanpy.pp.neighbors has found"),
        ({"perplexity": 1000}, ValueError, "perplexity must be below"),
        ({"perplexitty": 5}, TypeError, "perplexitty"),
    ):
        with pytest.raises(error, match=says):
            scanpy.tsne(adata, **options)
    assert not list(adata.obsm)
    assert not list(adata.uns)
