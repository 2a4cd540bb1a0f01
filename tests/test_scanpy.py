"""An AnnData gets a map in the place where scanpy keeps them, from its points or its graph."""

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from bhtsne import TSNE, initial, neighbors, scanpy

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
        ({"neighbors_key": "neighbors"}, KeyError, "must be a key of scanpy.pp.neighbors"),
        ({"perplexity": 1000}, ValueError, "perplexity must be below"),
        ({"perplexitty": 5}, TypeError, "perplexitty"),
    ):
        with pytest.raises(error, match=says):
            scanpy.tsne(adata, **options)
    assert not list(adata.obsm)
    assert not list(adata.uns)


def wide(n_vars=120, kind=np.asarray):
    counts = np.random.default_rng(1).poisson(0.4, (150, n_vars)).astype(np.float32)
    return anndata.AnnData(kind(counts)), counts


@pytest.mark.full(after=2)
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, sparse.csc_matrix])
@pytest.mark.parametrize("backed", [False, True])
def test_sparse_and_backed_arrays_are_read(tmp_path, kind, backed):
    adata, counts = wide(30, kind)
    if backed:
        adata.write_h5ad(tmp_path / "cells.h5ad")
        adata = anndata.read_h5ad(tmp_path / "cells.h5ad", backed="r")
    model = scanpy.tsne(adata, perplexity=9, **QUICK)
    points = counts if kind is np.asarray else sparse.csr_matrix(counts)
    assert np.array_equal(model.embedding_, TSNE(perplexity=9, **QUICK).fit_transform(points))
    assert np.array_equal(adata.obsm["X_tsne"], model.embedding_)
    if backed:
        adata.file.close()


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_matrix, pd.DataFrame])
def test_representations_may_be_sparse_or_tables(kind):
    adata = cells()
    given = pd.DataFrame(X, index=adata.obs_names) if kind is pd.DataFrame else kind(X)
    adata.obsm["X_other"] = given
    model = scanpy.tsne(adata, use_rep="X_other", perplexity=9, **QUICK)
    plain = TSNE(perplexity=9, **QUICK).fit(X)
    assert np.array_equal(model.neighbors_.indices, plain.neighbors_.indices)


def test_layers_take_the_place_of_x():
    adata, counts = wide(30)
    adata.layers["logarithms"] = np.log1p(counts)
    model = scanpy.tsne(adata, layer="logarithms", perplexity=9, **QUICK)
    assert np.array_equal(
        model.embedding_, TSNE(perplexity=9, **QUICK).fit_transform(np.log1p(counts))
    )
    assert adata.uns["tsne"]["params"]["layer"] == "logarithms"


def test_n_pcs_are_columns_of_a_representation_or_components_of_x():
    adata = cells(X_pca=X)
    for options, points in (
        ({"n_pcs": 4}, X[:, :4]),
        ({"n_pcs": 0}, X),
        ({"n_pcs": 4, "use_rep": "X_pca"}, X[:, :4]),
    ):
        model = scanpy.tsne(adata, perplexity=9, **options, **QUICK)
        expected = TSNE(perplexity=9, **QUICK).fit_transform(points)
        assert np.array_equal(model.embedding_, expected)
    adata, counts = wide()
    model = scanpy.tsne(adata, 7, perplexity=9, **QUICK)
    components = initial.principal_components(counts, 7, random_state=0)
    assert np.array_equal(model.embedding_, TSNE(perplexity=9, **QUICK).fit_transform(components))


def test_many_variables_are_reduced_as_by_scanpy_with_a_warning():
    adata, _ = wide()
    with pytest.warns(UserWarning, match="no X_pca, so 50 principal components") as caught:
        model = scanpy.tsne(adata, perplexity=9, **QUICK)
    assert model.n_features_in_ == 50
    assert caught[0].filename == __file__
    for options in ({"use_rep": "X"}, {"n_pcs": 0}, {"metric": "cosine"}):
        assert scanpy.tsne(adata, perplexity=9, **options, **QUICK).n_features_in_ == 120


def test_arguments_of_scanpys_function_are_taken_and_stored_in_a_file(tmp_path):
    adata = cells(X_pca=X)
    call = {"use_rep": "X_pca", "perplexity": 9, "metric": "euclidean", "early_exaggeration": 12,
            "learning_rate": 200, "random_state": 0, "use_fast_tsne": False, "n_jobs": 1,
            "key_added": "map"}  # fmt: skip
    quick = {"n_iter": 20, "early_exaggeration_iter": 20}
    scanpy.tsne(adata, 5, **call, **quick)
    scanpy.tsne(adata, perplexity=[5, 9], affinities="multiscale", callbacks=[print], **QUICK)
    adata.write_h5ad(tmp_path / "cells.h5ad")
    back = anndata.read_h5ad(tmp_path / "cells.h5ad")
    told = back.uns["map"]["params"]
    call.pop("key_added")
    call.pop("use_fast_tsne")
    assert {name: told[name] for name in call} == call
    assert told["n_pcs"] == 5
    assert back.uns["tsne"]["params"]["perplexity"].tolist() == [5, 9]
    assert back.uns["tsne"]["params"]["early_exaggeration"] == "auto"
    assert np.array_equal(back.obsm["map"], adata.obsm["map"])
    assert back.uns["map"]["kl_divergence"] == adata.uns["map"]["kl_divergence"]


@pytest.mark.parametrize("backed", [False, True])
def test_a_copy_is_returned_and_the_original_is_left(tmp_path, backed):
    adata = cells()
    if backed:
        adata.write_h5ad(tmp_path / "cells.h5ad")
        adata = anndata.read_h5ad(tmp_path / "cells.h5ad", backed="r")
    made = scanpy.tsne(adata, copy=True, perplexity=9, **QUICK)
    assert made.obsm["X_tsne"].shape == (150, 2)
    assert not list(adata.obsm)
    assert not list(adata.uns)
    if backed:
        adata.file.close()


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"n_pcs": 13, "use_rep": "X_pca"}, ValueError, "n_pcs must be at most 12, the columns"),
        ({"n_pcs": -1}, ValueError, "n_pcs must be a whole number of 0 or more, or None, got -1"),
        ({"n_pcs": 2.5}, ValueError, "n_pcs must be a whole number"),
        ({"layer": "counts"}, KeyError, r"layer must be one of \[\], got 'counts'"),
        ({"layer": "a", "use_rep": "X"}, ValueError, "exclude each other"),
    ],
)
def test_errors_name_the_argument(options, error, says):
    with pytest.raises(error, match=says):
        scanpy.tsne(cells(X_pca=X), **options)


def test_cells_without_x_need_a_representation():
    adata = anndata.AnnData(shape=(150, 12), obsm={"X_mine": X})
    with pytest.raises(ValueError, match="adata must have X, got none; choose a representation"):
        scanpy.tsne(adata)
    scanpy.tsne(adata, use_rep="X_mine", perplexity=9, **QUICK)
