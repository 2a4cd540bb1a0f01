"""Metrics, their parameters, precomputed distances and given neighbours: what goes in is meant."""

import json

import numba
import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist, pdist, squareform
from sklearn.datasets import load_iris
from sklearn.neighbors import kneighbors_graph

from bhtsne import SNE, TSNE, affinities, metrics, neighbors
from bhtsne.cli import fitting, main
from bhtsne.neighbors import measures

QUICK = {"n_iter": 10, "early_exaggeration_iter": 10, "random_state": 0, "init": "random"}
RNG = np.random.default_rng(0)
X = RNG.random((60, 4))
BITS = RNG.random((60, 12)) > 0.5
PARAMS = {
    "wminkowski": {"w": np.ones(4)},
    "weighted_minkowski": {"w": np.ones(4), "p": 3},
    "kantorovich": {"cost": squareform(pdist(np.eye(4)))},
    "wasserstein": {"cost": squareform(pdist(np.eye(4)))},
    "sinkhorn": {"cost": squareform(pdist(np.eye(4)))},
}


def suited(metric):
    if metric == "haversine":
        return X[:, :2]
    if metric in ("kantorovich", "wasserstein", "sinkhorn"):
        return X[:12] / X[:12].sum(axis=1, keepdims=True)
    if metric in ("dot", "direct_cosine"):
        return X / np.linalg.norm(X, axis=1, keepdims=True)
    return BITS if metric in measures.BINARY else X


@pytest.mark.full(after=5)
@pytest.mark.parametrize("metric", sorted(measures.NAMES - {"precomputed"}))
def test_every_metric_that_is_named_works(metric):
    points, params = suited(metric), PARAMS.get(metric)
    found = neighbors.find(points, 3, metric=metric, metric_params=params)
    assert np.isfinite(found.distances).all()
    new = neighbors.query(points, points[:4], 4, metric=metric, metric_params=params)
    for i in range(4):
        np.testing.assert_allclose(new.distances[i, -1], found.distances[i, -1], atol=1e-3)


@pytest.mark.parametrize("name", ["Euclidean ", "euclidian", "EUCLIDEAN"])
def test_a_misspelt_metric_gets_a_hint(name):
    with pytest.raises(ValueError, match="did you mean 'euclidean'"):
        neighbors.find(X, 3, metric=name)


@pytest.mark.full(after=1)
@pytest.mark.parametrize(
    ("metric", "params", "scipys"),
    [
        ("mahalanobis", None, {"VI": np.linalg.inv(np.cov(X.T))}),
        ("mahalanobis", {"V": np.diag([1.0, 2, 3, 4])}, {"VI": np.diag(1 / np.arange(1.0, 5))}),
        ("mahalanobis", {"VI": np.diag([1.0, 2, 3, 4])}, {"VI": np.diag([1.0, 2, 3, 4])}),
        ("seuclidean", None, {"V": X.var(axis=0, ddof=1)}),
        ("seuclidean", {"V": np.arange(1.0, 5)}, {"V": np.arange(1.0, 5)}),
        ("minkowski", {"w": np.arange(1.0, 5), "p": 3}, {"p": 3, "w": np.arange(1.0, 5)}),
        ("minkowski", {"p": np.inf}, {"p": np.inf}),
    ],
)
@pytest.mark.parametrize("method", ["exact", "pynndescent"])
def test_parameters_go_by_name_whichever_library_computes(metric, params, scipys, method):
    if method == "pynndescent" and not (params and "w" in params):
        method = "auto"
    D = cdist(X, X, metric, **scipys)
    np.fill_diagonal(D, np.inf)
    options = {"metric": metric, "metric_params": params}
    found = neighbors.find(X, 5, method=method, random_state=0, **options)
    np.testing.assert_allclose(found.distances, np.sort(D, axis=1)[:, :5], rtol=1e-4)
    new = X[:9] + 0.1
    truth = np.sort(cdist(new, X, metric, **scipys), axis=1)[:, :5]
    np.testing.assert_allclose(neighbors.query(X, new, 5, **options).distances, truth, rtol=1e-4)
    Y = RNG.random((60, 2))
    assert metrics.neighbor_recall(X, Y, 5, **options) == metrics.neighbor_recall(found, Y, 5)
    np.fill_diagonal(D, 0)
    C = affinities.conditional_pairs(D, 10, metric="precomputed")
    np.testing.assert_allclose(affinities.conditional_pairs(X, 10, **options), C, atol=1e-4)
    trust = metrics.trustworthiness(D, Y, metric="precomputed")
    assert metrics.trustworthiness(X, Y, **options) == pytest.approx(trust, abs=1e-6)


@pytest.mark.parametrize(
    ("metric", "params", "says"),
    [
        ("euclidean", {"p": 2}, "metric_params must be None"),
        ("minkowski", {"q": 2}, "one of .*'p'.* got 'q'"),
        ("minkowski", {"p": 0}, "p must be a number above 0"),
        ("minkowski", {"w": [1.0, 2]}, r"w must hold finite numbers in shape \(4,\)"),
        ("mahalanobis", {"V": np.ones((4, 4))}, "needs a covariance that has an inverse"),
        ("seuclidean", {"V": [1.0, 0, 1, 1]}, "column 1 is 0"),
        ("kantorovich", None, "must hold 'cost'"),
        ("haversine", None, "two columns"),
    ],
)
def test_parameters_that_do_not_suit_are_refused(metric, params, says):
    for search in (neighbors.find, affinities.all_pairs):
        with pytest.raises(ValueError, match=says):
            search(X, 5, metric=metric, metric_params=params)


@pytest.mark.parametrize("metric", ["jaccard", "dice", "hamming"])
def test_bits_are_compared_without_a_warning_in_any_form(metric):
    D = pdist(BITS, metric)
    truth = TSNE(perplexity=8, metric="precomputed", **QUICK).fit(squareform(D)).affinities_
    for points in (BITS, BITS.astype(int), BITS * 1.0, sparse.csr_array(BITS * 1.0)):
        P = TSNE(perplexity=8, metric=metric, **QUICK).fit(points).affinities_
        assert abs(P - truth).max() < 1e-6
    if metric != "hamming":
        with pytest.warns(UserWarning, match="compares zero with nonzero"):
            neighbors.find(BITS * 2.0, 3, metric=metric)


def test_a_function_is_exact_on_few_points_and_sparse_points_are_made_dense():
    truth = neighbors.find(X, 5, metric="manhattan")

    def plain(a, b, scale=1.0):
        return scale * np.abs(a - b).sum()

    for metric in (plain, numba.njit(plain)):
        for points in (X, sparse.csr_array(X)):
            found = neighbors.find(points, 5, metric=metric)
            np.testing.assert_array_equal(found.indices, truth.indices)
        twice = neighbors.find(X, 5, metric=metric, metric_params={"scale": 2.0})
        np.testing.assert_allclose(twice.distances, 2 * truth.distances, rtol=1e-6)
    for name in ("braycurtis", "canberra", "chebyshev", "correlation", "mahalanobis", "hellinger"):
        one, other = (
            neighbors.find(form(X), 5, metric=name) for form in (np.array, sparse.csr_array)
        )
        np.testing.assert_array_equal(one.indices, other.indices, err_msg=name)


def test_a_plain_function_on_many_points_says_what_it_costs(monkeypatch):
    monkeypatch.setattr(neighbors.brute, "_CALLS", 1000)
    with pytest.warns(UserWarning, match=r"3,600 pairs of points; numba.njit") as caught:
        neighbors.find(X, 3, metric=lambda a, b: abs(a - b).sum())
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("metric", "row", "says"),
    [
        ("correlation", 2.0, "row 7 of X, whose values are all equal"),
        ("correlation", 0.0, "row 7 of X, whose values are all 0"),
    ],
)
def test_distances_that_are_not_numbers_name_the_row(metric, row, says):
    points = X.copy()
    points[7] = row
    for search in (neighbors.find, affinities.all_pairs):
        with pytest.raises(ValueError, match=says):
            search(points, 5, metric=metric)


DISTANCES = squareform(pdist(X))
SIMILAR = np.exp(-(DISTANCES**2))
WRONG = {
    "similarities": (SIMILAR, "least of each row on the diagonal"),
    "upper triangle": (np.triu(DISTANCES), r"one of its triangles is empty; X \+ X.T"),
    "lower triangle": (np.tril(DISTANCES), "one of its triangles is empty"),
    "asymmetric": (DISTANCES * (1 + RNG.random((60, 60))), "must be symmetric"),
    "negative": (DISTANCES - 0.1 * (1 - np.eye(60)), "at least 0"),
    "condensed": (pdist(X), "squareform"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_distance_is_refused_with_the_reason(name):
    D, says = WRONG[name]
    calls = [
        lambda: neighbors.find(D, 3, metric="precomputed"),
        lambda: affinities.all_pairs(D, 5, metric="precomputed"),
        lambda: affinities.conditional_pairs(D, 5, metric="precomputed"),
        lambda: affinities.shared_sigma(D, 5, metric="precomputed"),
        lambda: TSNE(perplexity=5, metric="precomputed", **QUICK).fit(D),
        lambda: SNE(perplexity=5, metric="precomputed", init="random").fit(D),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=says) as error:
            call()
        assert len(str(error.value)) < 260


def test_rounding_of_distances_is_clipped():
    D = DISTANCES + 1e-7 * np.eye(60) * RNG.normal(size=60)
    D[3, 5] = D[5, 3] = -1e-8
    truth = neighbors.find(np.maximum(D, 0), 5, metric="precomputed")
    for form in (np.array, sparse.csr_array):
        found = neighbors.find(form(D), 5, metric="precomputed")
        np.testing.assert_array_equal(found.indices, truth.indices)
        assert found.distances.min() == 0
        assert neighbors.query(None, form(D), 5, metric="precomputed").distances.min() == 0


def test_dense_sparse_and_graph_inputs_give_the_same_map():
    options = {"perplexity": 5, **QUICK}
    dense = TSNE(metric="precomputed", **options).fit(DISTANCES)
    graph = kneighbors_graph(X, 20, mode="distance")  # wider than is asked for
    stored = TSNE(metric="precomputed", **options).fit(graph)
    given = TSNE(neighbors=graph, **options).fit(X)
    pair = TSNE(neighbors=neighbors.find(X, 40), **options).fit(X)
    for model in (stored, given, pair):
        assert model.neighbors_.indices.shape == (60, 15)
        assert (model.affinities_ != dense.affinities_).nnz == 0
        np.testing.assert_array_equal(model.embedding_, dense.embedding_)


def test_rows_with_few_neighbors_are_counted_once_at_the_users_line():
    found = neighbors.find(X, 15)
    indices, distances = (np.array(part) for part in found)
    indices[:12, 9:] = -1
    with pytest.warns(UserWarning, match=r"should have 15 .* fewer for 12 of 60") as caught:
        TSNE(perplexity=5, neighbors=(indices, distances), **QUICK).fit(X)
    assert [warning.filename for warning in caught] == [__file__]


def test_masked_arrays_are_refused_where_something_is_masked():
    whole, masked = np.ma.masked_array(X), np.ma.masked_array(X, mask=X > 0.99)
    np.testing.assert_array_equal(neighbors.find(whole, 3).indices, neighbors.find(X, 3).indices)
    for call in (
        lambda: neighbors.find(masked, 3),
        lambda: neighbors.query(X, masked, 3),
        lambda: TSNE(perplexity=5, **QUICK).fit(masked),
        lambda: affinities.all_pairs(masked, 5),
    ):
        with pytest.raises(ValueError, match="masked entries"):
            call()


def test_options_of_pynndescent_are_passed_and_unknown_ones_refused(monkeypatch):
    seen = {}

    def note(points, k, metric, params, seed, options):
        seen.update(options)
        return neighbors.find(points, k)

    monkeypatch.setattr(neighbors.approximate, "nearest", note)
    model = TSNE(perplexity=5, neighbors={"method": "pynndescent", "n_trees": 20}, **QUICK)
    model.fit(load_iris().data)
    assert seen == {"n_trees": 20}
    with pytest.raises(ValueError, match="got 'trees'"):
        model.set_params(neighbors={"method": "pynndescent", "trees": 20}).fit(X)
    with pytest.raises(ValueError, match="options go with"):
        model.set_params(neighbors={"method": "exact", "n_trees": 20}).fit(X)


def test_parameters_of_the_fitted_points_place_new_ones_after_loading(tmp_path):
    for metric in ("mahalanobis", "seuclidean"):
        model = TSNE(perplexity=5, metric=metric, **QUICK).fit(X)
        model.save(tmp_path / "model.npz")
        again = TSNE.load(tmp_path / "model.npz")
        np.testing.assert_array_equal(again.transform(X[:5] + 0.1), model.transform(X[:5] + 0.1))


@pytest.mark.parametrize(
    ("metric", "expected"),
    [("euclidean", 50), ("l2", 50), ("sqeuclidean", 50), ("cosine", 0), ("correlation", 0)]
    + [(name, 0) for name in ("jaccard", "dice", "hamming", "hellinger", "manhattan")],
)
def test_components_are_taken_only_where_they_keep_the_metric(metric, expected):
    assert fitting.components_of(None, metric, 784) == expected
    assert fitting.components_of(0, metric, 784) == 0
    if metric in ("jaccard", "dice", "hamming", "hellinger", "manhattan"):
        with pytest.raises(ValueError, match="--pca must be 0 for --metric"):
            fitting.components_of(20, metric, 784)


FAST = ["--perplexity", "8", "--n-iter", "50", "--quiet", "--json"]


def told(capsys, *command):
    assert main([str(word) for word in command]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.full(after=1)
@pytest.mark.parametrize("metric", ["jaccard", "dice", "hamming"])
def test_the_command_maps_bits_by_a_metric_of_bits(tmp_path, capsys, metric):
    rng = np.random.default_rng(0)
    kinds = np.repeat(np.arange(3), 30)
    bits = rng.random((3, 120))[kinds] > rng.random((90, 120))
    np.save(tmp_path / "bits.npy", bits)
    path, out = tmp_path / "bits.npy", tmp_path / "map.npy"
    summary = told(capsys, "embed", path, "-o", out, "--metric", metric, *FAST)
    assert summary["pca"] is None
    assert summary["neighbor_recall"]["points"] == 90
    assert metrics.neighbor_hit(np.load(out), kinds) > 0.95
    expected = metrics.neighbor_recall(bits, np.load(out), 10, metric=metric)
    assert summary["neighbor_recall"]["recall"] == pytest.approx(expected, abs=1e-3)
    assert main(["embed", str(path), "-o", str(out), "--metric", metric, "--pca", "20"]) != 0
    assert "--pca must be 0 for --metric" in capsys.readouterr().err
    compared = told(capsys, "compare", path, "--metric", metric, *FAST)
    assert (compared["pca"], compared["recall_points"]) == (None, 90)
    film = tmp_path / "film.gif"
    command = ("animate", path, "-o", film, "--frames", "2", "--seconds", "0.1", "--fps", "5")
    assert told(capsys, *command, "--metric", metric, *FAST)["pca"] is None


def test_the_command_says_of_how_many_points_recall_is_where_it_reduced_them(
    tmp_path, capsys, monkeypatch
):
    for name in ("_FEWEST", "_MOST"):
        monkeypatch.setattr(fitting, name, 40)
    points = np.random.default_rng(0).normal(size=(90, 60))
    np.save(tmp_path / "x.npy", points)
    out = tmp_path / "map.npy"
    summary = told(capsys, "embed", tmp_path / "x.npy", "-o", out, *FAST)
    assert (summary["pca"], summary["neighbor_recall"]["points"]) == (50, 40)
    whole = metrics.neighbor_recall(points, np.load(out), 10)
    assert summary["neighbor_recall"]["recall"] == pytest.approx(whole, abs=0.15)
    assert main(["embed", str(tmp_path / "x.npy"), "-o", str(out), *FAST[:-1]]) == 0
    text = capsys.readouterr().out
    assert "60 features reduced to 50 principal components" in text
    assert "(of 40 points)" in text


@pytest.mark.parametrize(("products", "points"), [(1, 20), (90 * 60 * 30, 30), (1e9, 50)])
def test_the_sample_of_the_recall_shrinks_with_the_size_of_the_points(
    products, points, tmp_path, capsys, monkeypatch
):
    for name, value in {"_PRODUCTS": products, "_FEWEST": 20, "_MOST": 50}.items():
        monkeypatch.setattr(fitting, name, value)
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(90, 60)))
    summary = told(capsys, "embed", tmp_path / "x.npy", "-o", tmp_path / "map.npy", *FAST)
    assert summary["neighbor_recall"]["points"] == points
