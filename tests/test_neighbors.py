"""Every search agrees with the matrix of all distances in float64, or says why it cannot."""

import numba
import numpy as np
import pandas as pd
import polars as pl
import pynndescent
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import NearestNeighbors

from bhtsne import jit, neighbors
from bhtsne.neighbors import exact, frames, pairs, random_trees


def normal(n, d, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def far_clusters(n, d):
    """Return points 1e-2 apart in clusters that are 1e4 apart: float32 products can't tell them."""
    centres = 1e4 * np.repeat(normal(5, d, 1), -(-n // 5), axis=0)[:n]
    return np.random.default_rng(3).permutation(centres + 1e-2 * normal(n, d, 2))


def doubles(n, d):
    return np.repeat(normal(-(-n // 40), d), 40, axis=0)[:n]


def grid(n, d):
    return np.random.default_rng(4).integers(0, 4, size=(n, d)).astype(float)


SHAPES = {
    "normal": normal,
    "far from the origin": lambda n, d: normal(n, d) + 1e6,
    "far clusters": far_clusters,
    "duplicates": doubles,
    "two places": lambda n, d: doubles(80, d)[np.arange(n) % 80],
    "constant": lambda n, d: np.full((n, d), 0.1),
    "grid": grid,
    "tiny": lambda n, d: 1e-30 * normal(n, d),
    "huge": lambda n, d: 1e30 * normal(n, d),
    "one column huge": lambda n, d: normal(n, d) * np.r_[1e8, np.ones(d - 1)],
}


def distances(X, metric="euclidean"):
    """Return all distances in float64, from differences, and infinity from each point to itself."""
    X = np.asarray(X, np.float64)
    scale = 2.0 ** np.frexp(np.abs(X).max())[1]  # no square overflows, and no bit is lost
    result = cdist(X / scale, X / scale, metric)
    if metric in ("euclidean", "cityblock"):
        result *= scale
    np.fill_diagonal(result, np.inf)
    return result


def assert_nearest(found, all_distances, rtol=1e-6, atol=0.0):
    """Neighbours are right up to ties: each where it says it is, and none nearer left out."""
    indices, values = found
    n, k = indices.shape
    assert indices.dtype == np.int32
    assert indices.min() >= 0
    assert not (indices == np.arange(n)[:, None]).any()
    assert (np.diff(np.sort(indices, axis=1)) > 0).all()
    assert (np.diff(values) >= 0).all()
    tolerance = {"rtol": rtol, "atol": atol}
    np.testing.assert_allclose(values, np.sort(all_distances, axis=1)[:, :k], **tolerance)
    there = np.take_along_axis(all_distances, indices.astype(int), axis=1)
    np.testing.assert_allclose(values, there, **tolerance)


def assert_ties_by_index(found):
    indices, values = found
    assert (np.diff(indices)[np.diff(values) == 0] > 0).all()


def assert_same_bits(a, b):
    for x, y in zip(a, b, strict=True):
        np.testing.assert_array_equal(x, y)
        assert x.dtype == y.dtype


@pytest.mark.full(after=4)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("n", "d", "k"),
    [
        (2, 9, 1),
        (33, 9, 32),
        (257, 12, 256),
        (300, 784, 5),
        (1025, 10, 30),
        (1300, 50, 91),
        (2, 1, 1),
        (500, 1, 3),
        (400, 3, 399),
        (700, 8, 10),
    ],
)
def test_exact_equals_brute_force(n, d, k, dtype):
    X = normal(n, d).astype(dtype)
    found = neighbors.find(X, k, method="exact")
    assert_nearest(found, distances(X))
    oracle = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(X.astype(np.float64))
    values, indices = oracle.kneighbors()
    np.testing.assert_array_equal(found.indices, indices)
    np.testing.assert_allclose(found.distances, values, rtol=1e-6)
    assert found.distances.dtype == np.float32


@pytest.mark.full(after=12)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [1, 5, 60])
@pytest.mark.parametrize("d", [3, 20])
@pytest.mark.parametrize("shape", SHAPES)
def test_exact_holds_for_every_shape_of_data(shape, d, k, dtype):
    X = SHAPES[shape](601, d).astype(dtype)
    assert_nearest(neighbors.find(X, k, method="exact"), distances(X))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", ["duplicates", "constant", "grid", "two places"])
@pytest.mark.parametrize("search", [exact.nearest, exact.nearest_by_kd_tree])
def test_equal_distances_are_ordered_by_index(search, shape, dtype):
    assert_ties_by_index(search(SHAPES[shape](601, 4).astype(dtype), 30))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("d", [1, 2, 8])
def test_k_d_tree_and_products_agree(shape, d):
    X = SHAPES[shape](601, d)
    by_tree, by_product = exact.nearest_by_kd_tree(X, 20), exact.nearest(X, 20)
    assert_nearest(by_tree, distances(X))
    assert_nearest(by_product, distances(X))
    np.testing.assert_allclose(by_tree[1], by_product[1], rtol=1e-9)


@pytest.mark.parametrize("d", [8, 70])
@pytest.mark.parametrize("shape", SHAPES)
def test_pairs_of_tiles_agree_with_the_search_of_each_point(shape, d, monkeypatch):
    X, k = SHAPES[shape](1301, d), 12
    indices, values = np.empty((len(X), k), np.int32), np.empty((len(X), k))
    exact.search_rows(X, np.arange(len(X)), indices, values)
    monkeypatch.setattr(pairs, "_FEW", 0)
    assert_same_bits(exact.nearest(X, k), (indices, values))
    monkeypatch.setattr(pairs, "_TABLE", 0)  # 70 features by principal axes
    assert pairs.whole_distances(*X.shape, False) == (d == 8)
    assert_same_bits(exact.nearest(X, k), (indices, values))


def test_fewer_axes_than_features_find_the_same(monkeypatch):
    X, k = normal(2500, 90) * np.geomspace(1, 0.01, 90), 12
    indices, values = np.empty((len(X), k), np.int32), np.empty((len(X), k))
    exact.search_rows(X, np.arange(len(X)), indices, values)
    monkeypatch.setattr(pairs, "_TABLE", 0)
    points = pairs._Points(X, frames.framed(X), np.arange(len(X)))
    assert pairs._axes(points).shape == (90, 32)
    assert_same_bits(exact.nearest(X, k), (indices, values))


def test_pairs_leave_few_points_open():
    X = normal(4500, 10)
    indices, values = np.empty((len(X), 30), np.int32), np.empty((len(X), 30))
    left = pairs.search(X, np.arange(len(X), dtype=np.int32), indices, values)
    assert len(left) < 45
    whole = np.setdiff1d(np.arange(len(X)), left)
    np.testing.assert_array_equal(indices[whole], exact.nearest(X, 30)[0][whole])


def test_too_many_near_pairs_leave_all_points_open():
    X = np.zeros((4500, 10))
    empty = np.empty((len(X), 5), np.int32), np.empty((len(X), 5))
    assert len(pairs.search(X, np.arange(len(X), dtype=np.int32), *empty)) == len(X)
    indices, values = exact.nearest(X, 5)
    np.testing.assert_array_equal(indices[-1], np.arange(5))
    assert not values.any()


def test_of_equal_distances_those_of_the_lowest_index_are_found():
    X = np.repeat(grid(40, 6), 40, axis=0)
    indices, _ = exact.nearest(X, 60)
    order = np.lexsort((np.broadcast_to(np.arange(len(X)), (len(X),) * 2), distances(X)))
    np.testing.assert_array_equal(indices, order[:, :60])


@pytest.mark.parametrize("k", [True, 0, 51, 2.0, "3"])
def test_a_query_for_an_impossible_number_is_refused(k):
    with pytest.raises(ValueError, match=r"k must be a whole number from 1 to N = 50"):
        neighbors.query(normal(50, 3), normal(2, 3), k)


def test_the_points_themselves_are_found_by_a_query_for_them():
    X = normal(50, 3)
    assert neighbors.query(X, X, 1).indices.ravel().tolist() == list(range(50))


def test_exact_measures_in_float64_what_float32_holds():
    X = (normal(300, 20) + 1000).astype(np.float32)
    _, values = exact.nearest(X, 10)
    np.testing.assert_allclose(values, np.sort(distances(X), axis=1)[:, :10], rtol=1e-12)


def test_self_is_left_out_by_its_index_when_duplicates_crowd_it_out():
    indices = np.array([[0, 1, 2], [0, 2, 1], [0, 1, 3], [3, 1, 0]], np.int32)
    values = np.array([[0, 0, 1], [0, 0, 0], [0, 0, 5], [0, 1, 2]], float)
    left, at = exact.without_self(indices, values)
    np.testing.assert_array_equal(left, [[1, 2], [0, 2], [0, 1], [1, 0]])
    np.testing.assert_array_equal(at, [[0, 1], [0, 0], [0, 0], [1, 2]])


@pytest.mark.parametrize(("d", "shape"), [(3, "grid"), (20, "far clusters"), (50, "normal")])
def test_bits_do_not_depend_on_the_number_of_threads(d, shape):
    X = SHAPES[shape](900, d)
    with jit.threads(1):
        one = neighbors.find(X, 15, method="exact")
    with jit.threads(2):
        two = neighbors.find(X, 15, method="exact")
    assert_same_bits(one, two)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cosine_equals_scikit_learn(dtype):
    X = normal(500, 12).astype(dtype)
    X[:50] = 3 * X[50:100]
    for scale in (1, 1e-30, 1e30):
        found = neighbors.find(dtype(scale) * X, 20, metric="cosine")
        oracle = pairwise_distances(X.astype(np.float64), metric="cosine")
        np.fill_diagonal(oracle, np.inf)
        assert_nearest(found, oracle, rtol=1e-5, atol=1e-12)


def test_cosine_of_nearly_parallel_rows_is_not_lost_in_rounding():
    X = np.ones((200, 30)) + 1e-6 * normal(200, 30)
    found = neighbors.find(X, 10, metric="cosine")
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    assert_nearest(found, distances(unit) ** 2 / 2, rtol=1e-4)


def test_cosine_of_zero_rows_equals_scikit_learn():
    X = np.vstack([np.zeros((3, 12)), normal(200, 12)])
    found = neighbors.find(X, 20, metric="cosine")
    oracle = pairwise_distances(X, metric="cosine")
    np.fill_diagonal(oracle, np.inf)
    assert_nearest(found, oracle, atol=1e-7)


@pytest.mark.parametrize("metric", ["manhattan", "chebyshev", "canberra", "correlation", "l1"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_other_metrics_equal_scikit_learn(metric, dtype):
    X = normal(300, 6).astype(dtype)
    oracle = pairwise_distances(X.astype(np.float64), metric=metric)
    np.fill_diagonal(oracle, np.inf)
    assert_nearest(neighbors.find(X, 12, metric=metric, method="exact"), oracle, rtol=1e-4)


def test_a_metric_may_be_a_function():
    X = normal(60, 3)
    found = neighbors.find(X, 5, metric=lambda a, b: np.abs(a - b).sum())
    assert_nearest(found, distances(X, "cityblock"))


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan"])
@pytest.mark.parametrize("form", [sparse.csr_array, sparse.csr_matrix, sparse.csc_array])
def test_sparse_points_have_the_neighbors_of_dense_ones(metric, form):
    X = normal(300, 40) * (np.random.default_rng(1).random((300, 40)) < 0.3)
    found = neighbors.find(form(X), 10, metric=metric)
    dense = neighbors.find(X, 10, metric=metric, method="exact")
    np.testing.assert_array_equal(found.indices, dense.indices)
    np.testing.assert_allclose(found.distances, dense.distances, rtol=1e-5)


def test_precomputed_distances_are_ranked():
    D = distances(normal(200, 5))
    np.fill_diagonal(D, 0)
    D[:4, :4] = 0  # duplicates
    before = D.copy()
    found = neighbors.find(D, 30, metric="precomputed")
    np.testing.assert_array_equal(D, before)
    np.fill_diagonal(D, np.inf)
    assert_nearest(found, D)
    assert_ties_by_index(found)


def kinds_of_input(tmp_path):
    whole = np.random.default_rng(0).integers(-100, 100, size=(150, 11))
    np.save(tmp_path / "x.npy", whole.astype(np.float32))
    names = [f"c{i}" for i in range(11)]
    read_only = whole.astype(np.float64)
    read_only.flags.writeable = False
    return whole, {
        "list": whole.tolist(),
        "memory map": np.load(tmp_path / "x.npy", mmap_mode="r"),
        "Fortran": np.asfortranarray(whole, dtype=np.float64),
        "Fortran float32": np.asfortranarray(whole, dtype=np.float32),
        "strided": np.repeat(whole.astype(float), 2, axis=1)[:, ::2],
        "read-only": read_only,
        "big-endian": whole.astype(">f8"),
        "float16": whole.astype(np.float16),
        "int64": whole,
        "int8": whole.astype(np.int8),
        "pandas": pd.DataFrame(whole, columns=names),
        "polars": pl.DataFrame(whole, schema=names),
        "csr of integers": sparse.csr_array(whole),
    }


def first_columns(X, n):
    if isinstance(X, list):
        return [row[:n] for row in X]
    return X[list(X.columns[:n])] if hasattr(X, "columns") else X[:, :n]


@pytest.mark.parametrize("columns", [4, 11])
def test_every_kind_of_input_gives_the_same_and_is_not_changed(tmp_path, columns):
    whole, kinds = kinds_of_input(tmp_path)
    expected = distances(whole[:, :columns])
    for name, X in kinds.items():
        part = first_columns(X, columns)
        before = np.array(part.toarray() if sparse.issparse(part) else part)
        assert_nearest(neighbors.find(part, 10, method="exact"), expected)
        after = np.array(part.toarray() if sparse.issparse(part) else part)
        np.testing.assert_array_equal(after, before, err_msg=name)


def test_more_bits_than_float64_are_taken_too():
    X = normal(150, 11)
    assert_nearest(neighbors.find(X.astype(np.longdouble), 10, method="exact"), distances(X))


def with_one(value):
    X = normal(20, 3)
    X[7, 1] = value
    return X


@pytest.mark.parametrize(
    ("X", "k", "options", "message"),
    [
        (with_one(np.nan), 3, {}, "X must be finite"),
        (with_one(-np.inf), 3, {}, "X must be finite"),
        (sparse.csr_array(with_one(np.nan)), 3, {}, "X must be finite"),
        (with_one(1e200), 3, {}, "must fit into float32.*divide X"),
        (normal(20, 3), 0, {}, "k must be .* from 1 to N − 1 = 19, got 0"),
        (normal(20, 3), 20, {}, "k must be .* from 1 to N − 1 = 19, got 20"),
        (normal(20, 3), 2.5, {}, r"k must be a whole number .*got 2\.5"),
        (normal(20, 3), -1, {}, "k must be a whole number"),
        (normal(20, 3), 3, {"metric": "eucl"}, "metric must be one of .*'euclidean'.*got 'eucl'"),
        (
            normal(20, 3),
            3,
            {"metric": "eucl", "method": "exact"},
            "metric must be one of scikit-learn's .*got 'eucl'; did you mean 'euclidean'",
        ),
        (
            normal(20, 3),
            3,
            {"metric": "eucl", "method": "pynndescent"},
            "metric must be one of pynndescent's .*got 'eucl'",
        ),
        (normal(20, 3), 3, {"method": "annoy"}, "method must be one of .*'exact'.*got 'annoy'"),
        (np.zeros(20), 3, {}, r"X must hold 2 points or more .*got shape \(20,\)"),
        (np.zeros((1, 3)), 1, {}, r"X must hold 2 points or more .*got shape \(1, 3\)"),
        (np.zeros((3, 0)), 1, {}, r"X must hold 2 points or more .*got shape \(3, 0\)"),
        (np.zeros((2, 2, 2)), 1, {}, "X must hold 2 points or more"),
        (normal(20, 3) * 1j, 3, {}, "X must .*complex"),
        (np.full((20, 3), "a"), 3, {}, "X must .*<U1"),
        (normal(20, 3), 3, {"metric": "precomputed"}, r"square, got \(20, 3\)"),
        (-np.ones((9, 9)), 3, {"metric": "precomputed"}, "at least 0, got -1"),
        (
            sparse.eye_array(9).tocsr(),
            3,
            {"metric": "precomputed"},
            "others than the points themselves",
        ),
    ],
)
def test_what_has_no_neighbors_is_refused(X, k, options, message):
    with pytest.raises(ValueError, match=message):
        neighbors.find(X, k, **options)


# The forest

FOREST = {
    "normal": lambda rng, n: rng.normal(size=(n, 20)),
    "clusters": lambda rng, n: rng.normal(size=(n, 20)) + 40 * rng.integers(5, size=(n, 1)),
    "far": lambda rng, n: rng.normal(size=(n, 8)) * 1e-3 + 1e3,
    "sheet": lambda rng, n: rng.uniform(size=(n, 2)) @ rng.normal(size=(2, 30)),
}


@pytest.mark.full(after=1)
@pytest.mark.parametrize("name", FOREST)
def test_the_forest_finds_nearly_all(name):
    X = FOREST[name](np.random.default_rng(0), 4000)
    found = neighbors.find(X, 30, method="forest", random_state=0)
    truth = neighbors.find(X, 30, method="exact")
    assert (np.diff(found.distances) >= 0).all()
    assert not (found.indices == np.arange(4000)[:, None]).any()
    assert all(len(np.unique(row)) == 30 for row in found.indices)
    reach = np.linalg.norm(X[:, None][:50] - X[found.indices[:50]], axis=2)
    np.testing.assert_allclose(found.distances[:50], reach, rtol=1e-3, atol=1e-6)
    assert (found.distances <= truth.distances[:, -1:] * (1 + 1e-4)).mean() > 0.97


def test_the_forest_gives_the_same_bits_at_any_number_of_threads():
    X = normal(3000, 20)
    with jit.threads(1):
        one = neighbors.find(X, 20, method="forest", random_state=3)
    with jit.threads(2):
        assert_same_bits(one, neighbors.find(X, 20, method="forest", random_state=3))
    other = neighbors.find(X, 20, method="forest", random_state=4)
    assert not np.array_equal(one.indices, other.indices)


@pytest.mark.full(after=2)
@pytest.mark.parametrize(("n", "k"), [(2, 1), (40, 39), (1500, 1499), (2000, 90), (3000, 500)])
@pytest.mark.parametrize("spots", [1, 40, None])
def test_the_forest_copes_with_few_points_and_duplicates(n, k, spots):
    X = normal(n, 6)[np.arange(n) % (spots or n)]
    found = neighbors.find(X, k, method="forest", random_state=0)
    truth = neighbors.find(X, k, method="exact")
    assert all(len(np.unique(row)) == k for row in found.indices[::50])
    assert not (found.indices == np.arange(n)[:, None]).any()
    # Crowds of 50 hide what is beyond them: 92 % there, 98 % and more elsewhere.
    assert (found.distances <= truth.distances[:, -1:] * (1 + 1e-4) + 1e-6).mean() > 0.9


@pytest.mark.parametrize(
    "along",
    [normal(101, 1)[:, 0], np.arange(64) % 3, np.zeros(9), [0, 1], [1, 1, 1, 0, 1], [0, 1, 0, 0]],
    ids=["normal", "three values", "equal", "two", "one below", "one above"],
)
def test_a_tree_halves_at_the_median_and_retains_the_order(along):
    along = np.asarray(along, np.float32)
    part = np.arange(len(along), dtype=np.int32) * 3
    random_trees._halve(part, along, np.empty_like(part))
    low, high = np.split(part // 3, [len(part) // 2])
    assert sorted(part // 3) == list(range(len(along)))
    assert along[low].max() <= along[high].min()
    assert (np.diff(low) > 0).all()
    assert (np.diff(high) > 0).all()


def test_the_points_of_a_leaf_are_compared_with_each_other():
    X = normal(100, 5).astype(np.float32)
    rows = np.random.default_rng(1).permutation(100).astype(np.int32)
    near = np.empty((100, 10), np.int32)
    random_trees.fill_from_leaves(X, rows, np.float32(0.5), np.random.default_rng(0), near)
    np.testing.assert_array_equal(near, neighbors.find(X[rows], 10, method="exact").indices)


@pytest.mark.parametrize("scale", [1e-300, 1e-40, 1e30, 1e39, 1e300])
def test_the_forest_takes_any_magnitude_or_says_that_it_does_not_fit(scale):
    X = normal(1500, 8) * scale
    if not 1e-37 <= scale <= 1e38:
        with pytest.raises(ValueError, match="must fit into float32"):
            neighbors.find(X, 10, method="forest", random_state=0)
        return
    found = neighbors.find(X, 10, method="forest", random_state=0)
    truth = neighbors.find(X, 10, method="exact")
    np.testing.assert_allclose(found.distances, truth.distances, rtol=0.2, atol=1e-44)


def test_the_forest_measures_angles_and_refuses_what_it_lacks():
    X = normal(2000, 10)
    found = neighbors.find(X, 15, metric="cosine", method="forest", random_state=0)
    truth = neighbors.find(X, 15, metric="cosine", method="exact")
    assert (found.distances <= truth.distances[:, -1:] * (1 + 1e-4)).mean() > 0.97
    with pytest.raises(ValueError, match="dense points and a metric of"):
        neighbors.find(X, 5, metric="manhattan", method="forest")
    with pytest.raises(ValueError, match="sparse matrix; use"):
        neighbors.find(sparse.csr_array(X), 5, method="forest")


# pynndescent compiles for 20 to 40 s a process and metric: few tests call it, others a stand-in.


@pytest.mark.full
def test_pynndescent_finds_nearly_all_and_restores_the_threads():
    X = normal(3000, 20)
    X[:100] = X[0]  # duplicates crowd each other out of the first column
    with jit.threads(2):
        before = numba.get_num_threads()
        found = neighbors.find(X, 20, method="pynndescent", random_state=0)
        assert numba.get_num_threads() == before
        again = neighbors.find(X, 20, method="pynndescent", random_state=0)
    assert_same_bits(found, again)
    oracle = distances(X)
    assert not (found.indices == np.arange(3000)[:, None]).any()
    assert (np.diff(found.distances) >= 0).all()
    there = np.take_along_axis(oracle, found.indices.astype(int), axis=1)
    np.testing.assert_allclose(found.distances, there, rtol=1e-4, atol=1e-5)
    limit = np.sort(oracle, axis=1)[:, 19:20] * (1 + 1e-6)
    assert (there <= limit).mean() >= 0.95


@pytest.mark.full
def test_pynndescent_gives_the_same_bits_at_any_number_of_threads():
    X = normal(3000, 20)
    with jit.threads(1):
        one = neighbors.find(X, 20, method="pynndescent", random_state=0)
        assert numba.get_num_threads() == 1
    with jit.threads(2):
        assert_same_bits(one, neighbors.find(X, 20, method="pynndescent", random_state=0))


def test_pynndescent_takes_other_metrics():
    X = normal(2100, 15)
    found = neighbors.find(X, 10, metric="manhattan", random_state=0)
    oracle = distances(X, "cityblock")
    there = np.take_along_axis(oracle, found.indices.astype(int), axis=1)
    np.testing.assert_allclose(found.distances, there, rtol=1e-5)
    assert (there <= np.sort(oracle, axis=1)[:, 9:10] * (1 + 1e-6)).mean() >= 0.95


class Index:
    """A stand-in for `NNDescent` that keeps what it was given and says what it was told to."""

    def __init__(self, indices, values):
        self.neighbor_graph = np.array(indices, np.int32), np.array(values, np.float32)

    def __call__(self, X, **options):
        """Search for nothing, and change the number of threads as the library does."""
        self.X, self.options = X, options
        numba.set_num_threads(1)
        return self


def test_gaps_in_the_graph_come_last_and_self_goes_by_its_index(monkeypatch):
    graph = [[1, 0, 2], [0, -1, -1], [2, -1, 1], [0, 1, 2]]
    at = [[0, 0, 2], [0, 7, 7], [0, 7, 1], [3, 3, 4]]  # duplicates 0 and 1; the last lost itself
    index = Index(graph, at)
    monkeypatch.setattr(pynndescent, "NNDescent", index)
    monkeypatch.delenv("LOKY_MAX_CPU_COUNT", raising=False)
    X = normal(4, 3)
    with jit.threads(None) as n:
        found = neighbors.find(np.asfortranarray(X), 2, method="pynndescent", random_state=1)
        assert numba.get_num_threads() == n
    np.testing.assert_array_equal(found.indices, [[1, 2], [0, -1], [1, -1], [0, 1]])
    np.testing.assert_array_equal(found.distances, [[0, 2], [0, np.inf], [1, np.inf], [3, 3]])
    assert (index.X.dtype, index.X.flags.c_contiguous) == (np.float32, True)
    # A seeded search runs on one thread: the graph depends on their number.
    assert (index.options["n_neighbors"], index.options["n_jobs"]) == (3, 1)
    np.testing.assert_array_equal(index.neighbor_graph[0], graph)  # the graph itself is not changed
    neighbors.find(X, 2, method="pynndescent")
    assert index.options["n_jobs"] == n


def test_the_threads_are_restored_when_pynndescent_fails(monkeypatch):
    def fail(X, **options):
        numba.set_num_threads(1)
        raise MemoryError

    monkeypatch.setattr(pynndescent, "NNDescent", fail)
    with jit.threads(2) as n:
        with pytest.raises(MemoryError):
            neighbors.find(normal(9, 3), 2, method="pynndescent")
        assert numba.get_num_threads() == n


def test_auto_picks_the_search_that_can_and_is_faster(monkeypatch):
    X = normal(30, 3)
    asked = []

    def note(name):
        def search(X, k, *_):
            asked.append(name)
            return np.zeros((len(X), k), np.int32), np.zeros((len(X), k), np.float32)

        return search

    monkeypatch.setattr(neighbors.approximate, "nearest", note("pynndescent"))
    monkeypatch.setattr(neighbors.forest, "nearest", note("forest"))
    neighbors.find(X, 3)
    neighbors.find(X, 3, metric="manhattan")
    assert asked == []
    monkeypatch.setattr(neighbors, "_CROSSOVER", 0.0)
    neighbors.find(X, 3)  # a k-d tree
    assert asked == []
    neighbors.find(normal(30, 9), 3)
    neighbors.find(normal(30, 9), 3, metric="cosine")
    assert asked == ["forest", "forest"]
    neighbors.find(normal(10_001, 2), 3, metric="manhattan")
    neighbors.find(normal(2001, 2), 3, metric=numba.njit(lambda a, b: 0.0))
    neighbors.find(X, 3, metric=numba.njit(lambda a, b: 0.0))  # few points: all pairs
    assert asked[2:] == ["pynndescent", "pynndescent"]
    neighbors.find(normal(2001, 2), 3, metric="nan_euclidean")  # which only scikit-learn has
    assert len(asked) == 4


# Neighbours of new points


def true_neighbors(X, new, k):
    squared = ((new[:, None].astype(float) - X) ** 2).sum(axis=-1)
    order = np.argsort(squared, axis=1, kind="stable")[:, :k]
    return order, np.sqrt(np.take_along_axis(squared, order, 1))


@pytest.mark.parametrize(("n", "m", "d"), [(1, 1, 1), (50, 7, 3), (1500, 300, 20), (700, 900, 4)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_query_finds_the_nearest_of_the_others(n, m, d, dtype):
    rng = np.random.default_rng(n)
    X, new = rng.normal(size=(n, d)).astype(dtype), rng.normal(size=(m, d)).astype(dtype)
    k = min(n, 15)
    indices, distances = true_neighbors(X, new, k)
    found = neighbors.query(X, new, k)
    assert np.array_equal(found.indices, indices)
    np.testing.assert_allclose(found.distances, distances, rtol=1e-6)


def test_query_finds_a_point_itself_and_its_duplicates():
    X = np.repeat(np.random.default_rng(0).normal(size=(40, 5)), 3, axis=0)
    found = neighbors.query(X, X[::3], 3)
    assert np.array_equal(found.indices, np.arange(120).reshape(40, 3))
    assert not found.distances.any()


def test_query_of_a_point_does_not_depend_on_the_others():
    rng = np.random.default_rng(0)
    X, new = rng.normal(size=(2000, 10)), rng.normal(size=(500, 10)) * rng.random((500, 1)) * 9
    whole = neighbors.query(X, new, 30)
    for i in range(0, 500, 99):
        alone = neighbors.query(X, new[i : i + 1], 30)
        assert np.array_equal(alone.indices[0], whole.indices[i])
        assert np.array_equal(alone.distances[0], whole.distances[i])


def test_query_far_away_is_searched_again_in_double():
    X = 1e6 + np.random.default_rng(0).normal(size=(3000, 4))
    new = X[:5] + 1e7
    assert np.array_equal(neighbors.query(X, new, 10).indices, true_neighbors(X, new, 10)[0])


@pytest.mark.parametrize("metric", ["cosine", "manhattan", lambda a, b: abs(a - b).max()])
def test_query_takes_other_metrics(metric):
    rng = np.random.default_rng(0)
    X, new = rng.random((60, 4)), rng.random((9, 4))
    truth = np.argsort(pairwise_distances(new, X, metric=metric), axis=1)[:, :5]
    assert np.array_equal(neighbors.query(X, new, 5, metric=metric).indices, truth)


@pytest.mark.parametrize(
    ("new", "k", "says"),
    [(np.ones((3, 2)), 3, "columns"), (np.ones((3, 4)), 0, "k must"), (np.ones((3, 4)), 11, "k m")],
)
def test_query_says_what_is_wrong(new, k, says):
    with pytest.raises(ValueError, match=says):
        neighbors.query(np.zeros((10, 4)), new, k)


def graphs_of(X, k):
    """Return the same neighbours in every form that is taken."""
    from pynndescent import NNDescent
    from sklearn.neighbors import kneighbors_graph

    near = neighbors.find(X, k)
    own = np.arange(len(X), dtype=np.int32)[:, None]
    with_self = np.hstack([own, near.indices]), np.hstack([0 * own, near.distances])
    return {
        "neighbors": near,
        "lists": [near.indices.tolist(), near.distances.tolist()],
        "with self": with_self,
        "csr": kneighbors_graph(X, k, mode="distance"),
        "coo with self": kneighbors_graph(X, k + 1, mode="distance", include_self=True).tocoo(),
        "shuffled": (near.indices[:, ::-1], near.distances[:, ::-1]),
        "pynndescent": NNDescent(X.astype(np.float32), n_neighbors=k + 1, random_state=0),
    }


@pytest.mark.full
def test_a_graph_of_ones_own_is_taken_in_any_form():
    X = normal(120, 4)
    graphs = graphs_of(X, 9)
    expected = graphs.pop("neighbors")
    for form, graph in graphs.items():
        found = neighbors.given(graph, 120)
        np.testing.assert_array_equal(found.indices, expected.indices, err_msg=form)
        np.testing.assert_allclose(found.distances, expected.distances, rtol=1e-5, err_msg=form)


def test_stored_zeros_of_a_graph_are_duplicates_and_gaps_are_gaps():
    graph = sparse.csr_array(
        (np.array([0.0, 3.0, 0.0, 3.0]), np.array([1, 2, 0, 0]), np.array([0, 2, 3, 4])), (3, 3)
    )
    found = neighbors.given(graph, 3)
    np.testing.assert_array_equal(found.indices, [[1, 2], [0, -1], [0, -1]])
    np.testing.assert_array_equal(found.distances, [[0, 3], [0, np.inf], [3, np.inf]])


@pytest.mark.parametrize(
    ("graph", "says"),
    [
        (np.ones((5, 2)), "must be two arrays"),
        ("nearest", "must be two arrays"),
        ((np.zeros((4, 2), int), np.ones((4, 2))), r"of shape \(5, k\) each"),
        ((np.zeros((5, 2)), np.ones((5, 2))), "whole numbers"),
        ((np.full((5, 2), 5), np.ones((5, 2))), "from 0 to 4, or -1 for none"),
        ((np.full((5, 2), -2), np.ones((5, 2))), "from 0 to 4, or -1 for none"),
        ((np.ones((5, 2), int), -np.ones((5, 2))), "0 or more"),
        ((np.ones((5, 2), int), np.full((5, 2), np.nan)), "0 or more"),
        (sparse.csr_array((5, 5)), "got no entry"),
        (sparse.csr_array(np.ones((5, 4))), "a column for each of 5 points"),
        (sparse.csr_array(np.ones((4, 5))), "must have 5 rows, got 4"),
        (sparse.csr_array(-np.ones((5, 5))), "at least 0"),
        (sparse.csr_array(np.full((5, 5), np.nan)), "at least 0"),
    ],
)
def test_a_graph_that_makes_no_sense_is_refused(graph, says):
    with pytest.raises(ValueError, match=says):
        neighbors.given(graph, 5)


def test_sparse_distances_are_all_that_is_known():
    X = normal(150, 5)
    D = np.linalg.norm(X[:, None] - X[None], axis=2)
    far = np.sort(D, axis=1)[:, 20][:, None] < D
    near = sparse.csr_array(np.where(far, 0, D))
    found, truth = (neighbors.find(d, 12, metric="precomputed") for d in (near, D))
    np.testing.assert_array_equal(found.indices, truth.indices)
    np.testing.assert_array_equal(found.distances, truth.distances)
    rows = [3, 77]
    new = neighbors.query(None, near[rows], 12, metric="precomputed")
    np.testing.assert_array_equal(new.indices, truth.indices[rows])


@pytest.mark.full(after=1)
@pytest.mark.parametrize("metric", ["hellinger", "linfty", "spearmanr"])
def test_new_points_can_be_found_by_a_metric_that_only_pynndescent_has(metric):
    X = np.abs(normal(60, 6)) + 0.1
    found = neighbors.query(X, X[:5], 4, metric=metric)
    np.testing.assert_array_equal(found.indices[:, 0], np.arange(5))
    np.testing.assert_allclose(found.distances[:, 0], 0, atol=1e-3)


def test_distances_that_are_no_number_pass_no_point_over():
    X = np.abs(normal(300, 6)) + 0.1  # of some of which Hellinger's ratio is rounded to above 1
    found = neighbors.query(X, X * 3, 1, metric="hellinger")
    np.testing.assert_array_equal(found.indices[:, 0], np.arange(300))
    with pytest.raises(ValueError, match=r"0 or more for metric 'hellinger', got -1 in row 0"):
        neighbors.query(-np.eye(3), [[0.0, 2.0, 1.0]], 1, metric="hellinger")


@pytest.mark.parametrize("metric", ["hamming", "braycurtis", "cosine", "manhattan"])
def test_sparse_points_take_the_metrics_of_either_library(metric):
    X = sparse.random_array((200, 30), density=0.3, random_state=0, format="csr")
    found = neighbors.find(X, 5, metric=metric, random_state=0)
    truth = neighbors.find(X.toarray(), 5, metric=metric, method="exact")
    # Two of these are left to pynndescent, which misses a few.
    assert (found.distances <= truth.distances[:, -1:] + 1e-5).mean() > 0.97


@pytest.mark.full(after=1)
@pytest.mark.parametrize(
    ("method", "metric", "params"),
    [
        ("exact", "minkowski", {"p": 1}),
        ("exact", "minkowski", {"p": 3}),
        ("exact", "euclidean", None),
        ("pynndescent", "minkowski", {"p": 3}),
        ("pynndescent", "euclidean", None),
    ],
)
def test_a_metric_is_given_its_parameters(method, metric, params):
    X = normal(200, 4)
    p = (params or {"p": 2})["p"]
    D = (np.abs(X[:, None] - X[None]) ** p).sum(axis=2) ** (1 / p)
    np.fill_diagonal(D, np.inf)
    found = neighbors.find(X, 6, metric=metric, metric_params=params, method=method)
    truth = np.sort(D, axis=1)[:, :6]
    assert np.isclose(found.distances, truth, rtol=1e-4).mean() > 0.97
    if method == "exact":
        new = neighbors.query(X, X[:9] + 0.1, 6, metric=metric, metric_params=params)
        D = (np.abs(X[:9, None] + 0.1 - X[None]) ** p).sum(axis=2) ** (1 / p)
        np.testing.assert_allclose(new.distances, np.sort(D, axis=1)[:, :6], rtol=1e-5)
