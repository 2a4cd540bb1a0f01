"""Starts are the components that a singular value decomposition finds, small, and never a line."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from bhtsne import affinities, initial, jit, neighbors
from bhtsne.initial import components


def stretched(n, d, seed=0):
    """Return points whose axes have clearly different lengths, so that components are distinct."""
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(d, d)))[0]
    return rng.normal(size=(n, d)) * 0.7 ** np.arange(d) @ rotation + rng.normal(size=d)


def scores(X, n_components):
    """Return the first components in float64, by numpy's SVD."""
    X = np.asarray(X, np.float64)
    U, s, _ = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)
    return (U * s)[:, :n_components]


def assert_same_axes(Y, oracle, rtol=1e-4):
    signs = np.sign((Y * oracle).sum(axis=0))
    assert signs.all()
    np.testing.assert_allclose(Y * signs, oracle, atol=rtol * oracle.std(axis=0).min())


def random_sparse(n, d):
    """Return CSR of few entries, the first two columns of which stand out."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, d)) * (rng.random((n, d)) < 0.05)
    X[:, :2] = [3, 2] * rng.normal(size=(n, 2))
    return sparse.csr_array(X)


def ring(n=150, seed=0):
    """Return the affinities of points around an ellipse, whose eigenvectors are known: waves."""
    turn = np.sort(np.random.default_rng(seed).uniform(0, 2 * np.pi, n))
    X = np.stack([2 * np.cos(turn), np.sin(turn)], axis=1)
    return affinities.perplexity(neighbors.find(X, 30), 10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("n", "d", "m"), [(200, 10, 2), (5000, 6, 3), (30, 100, 2), (300, 8, 1), (9, 9, 5)]
)
def test_pca_equals_the_svd_scaled_to_1e_4(n, d, m, dtype):
    X = stretched(n, d).astype(dtype)
    Y = initial.pca(X, m, random_state=0)
    assert (Y.shape, Y.dtype) == ((n, m), np.float32)
    oracle = scores(X, m)
    assert_same_axes(Y, oracle * 1e-4 / oracle[:, 0].std())
    assert abs(Y[:, 0].std() / 1e-4 - 1) < 1e-5
    np.testing.assert_allclose(Y.mean(axis=0, dtype=np.float64), 0, atol=1e-10)


@pytest.mark.parametrize("transform", [lambda X: 1e30 * X, lambda X: 1e-30 * X, lambda X: X + 1e4])
def test_pca_does_not_depend_on_scale_or_place(transform):
    X = stretched(400, 12)
    expected = initial.pca(X)
    assert_same_axes(initial.pca(transform(X)), expected.astype(np.float64), rtol=1e-3)


@pytest.mark.parametrize("form", [sparse.csr_array, sparse.csr_matrix])
def test_sparse_points_start_where_dense_ones_do(form):
    X = form(random_sparse(500, 60))
    np.testing.assert_allclose(initial.pca(X), initial.pca(X.toarray()), atol=1e-9)


@pytest.mark.full
@pytest.mark.parametrize("is_sparse", [False, True])
def test_many_features_are_left_to_an_iterative_solver(is_sparse, monkeypatch):
    X = random_sparse(150, 2500)
    oracle = scores(X.toarray(), 2)
    monkeypatch.setattr(components, "_covariance", lambda *_: pytest.fail("made D × D"))
    Y = initial.pca(X if is_sparse else X.toarray(), random_state=0)
    assert_same_axes(Y, oracle * 1e-4 / oracle[:, 0].std(), rtol=1e-3)
    again = initial.pca(X if is_sparse else X.toarray(), random_state=0)
    np.testing.assert_array_equal(Y, again)


@pytest.mark.parametrize("form", [np.array, sparse.csr_array])
@pytest.mark.parametrize("d", [20, 2100])
def test_points_that_all_coincide_start_at_random(form, d):
    Y = initial.pca(form(np.ones((50, d))), random_state=0)
    np.testing.assert_array_equal(Y, initial.random(50, random_state=0))


def test_fifty_components_for_a_search_in_fewer_dimensions():
    X = stretched(300, 80).astype(np.float32)
    Z = initial.principal_components(X, 50)
    assert (Z.shape, Z.dtype) == ((300, 50), np.float32)
    oracle = scores(X, 50)
    assert_same_axes(Z[:, :8], oracle[:, :8])
    squares = (Z.astype(np.float64) ** 2).sum()
    assert abs(squares / (oracle**2).sum() - 1) < 1e-5


@pytest.mark.parametrize("d", [5, 2100])
def test_each_axis_points_where_its_largest_weight_is_positive(d):
    X = np.zeros((100, d))
    X[:, :2] = stretched(100, 2) * [5, 1]
    Z = initial.principal_components(X, 2, random_state=0)
    axes = (X - X.mean(axis=0)).T @ Z
    assert (axes[np.abs(axes).argmax(axis=0), [0, 1]] > 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_points_on_a_line_can_leave_it(dtype):
    X = np.outer(np.random.default_rng(0).normal(size=300), np.arange(1, 7)).astype(dtype)
    Y = initial.pca(X, 3, random_state=0)
    oracle = scores(X, 1)
    assert_same_axes(Y[:, :1], oracle * 1e-4 / oracle.std())
    np.testing.assert_allclose(Y[:, 1:].std(axis=0), 1e-6, rtol=0.2)
    assert abs(np.corrcoef(Y[:, 1], Y[:, 2])[0, 1]) < 0.3


def test_fewer_features_than_components_are_filled_with_noise():
    X = np.random.default_rng(0).normal(size=(300, 1))
    Y = initial.pca(X, 2, random_state=0)
    assert_same_axes(Y[:, :1], scores(X, 1) * 1e-4 / X.std())
    assert 0.8e-6 < Y[:, 1].std() < 1.2e-6
    assert initial.pca(np.array([[0.0, 1.0], [1.0, 0.0]]), 3).shape == (2, 3)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e30])
@pytest.mark.parametrize("form", [np.array, sparse.csr_array])
def test_constant_data_start_at_random(value, form):
    Y = initial.pca(form(np.full((400, 5), value)), random_state=0)
    assert Y.dtype == np.float32
    np.testing.assert_allclose(Y.std(axis=0), 1e-4, rtol=0.2)
    assert len(np.unique(Y, axis=0)) == 400


def test_random_starts_follow_the_seed():
    Y = initial.random(1000, 3, random_state=0)
    assert (Y.shape, Y.dtype) == ((1000, 3), np.float32)
    np.testing.assert_allclose(Y.std(axis=0), 1e-4, rtol=0.1)
    np.testing.assert_allclose(Y.mean(axis=0), 0, atol=2e-5)
    np.testing.assert_array_equal(Y, initial.random(1000, 3, random_state=0))
    state = np.random.RandomState(0)
    np.testing.assert_array_equal(Y, initial.random(1000, 3, random_state=state))
    assert not np.array_equal(Y, initial.random(1000, 3, random_state=state))
    assert not np.array_equal(Y, initial.random(1000, 3, random_state=1))


def test_the_noise_of_pca_follows_the_seed():
    X = np.random.default_rng(0).normal(size=(50, 1))
    first, again, other = (initial.pca(X, random_state=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.full(after=1)
@pytest.mark.parametrize("kind", ["dense", "sparse", "wide", "spectral"])
def test_bits_do_not_depend_on_the_number_of_threads(kind):
    X = {
        "dense": stretched(9000, 20),
        "sparse": random_sparse(9000, 40),
        "wide": random_sparse(120, 2100).toarray(),
        "spectral": ring(4000),
    }[kind]
    start = initial.spectral if kind == "spectral" else initial.pca
    with jit.threads(1):
        one = start(X, random_state=0)
    with jit.threads(2):
        two = start(X, random_state=0)
    np.testing.assert_array_equal(one, two)


def test_input_of_any_kind_is_taken_and_not_changed():
    X = np.random.default_rng(0).integers(-99, 99, size=(80, 6)) * [9, 5, 3, 2, 1, 1]
    expected = initial.pca(X.astype(float))
    kinds = [X, X.astype(np.int16), X.tolist(), np.asfortranarray(X), pd.DataFrame(X)]
    for given in kinds:
        before = np.array(given)
        np.testing.assert_array_equal(initial.pca(given), expected)
        np.testing.assert_array_equal(np.array(given), before)


@pytest.mark.parametrize("d", [4, 2100])
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("start", [initial.pca, lambda X: initial.principal_components(X, 2)])
def test_points_that_are_not_finite_are_refused(start, value, d):
    X = np.random.default_rng(0).normal(size=(20, d))
    X[3, 2] = value
    with pytest.raises(ValueError, match=r"finite|NaN|infinity"):
        start(X)


@pytest.mark.parametrize("n_components", [0, -1, 5, 2.5])
def test_an_impossible_number_of_components_is_refused(n_components):
    X = stretched(20, 4)
    with pytest.raises(
        ValueError, match=r"n_components must be a whole number within 1 … min\(N, D\) = 4"
    ):
        initial.principal_components(X, n_components)


def test_spectral_start_is_what_a_dense_solver_finds():
    P = ring().toarray().astype(np.float64)
    degree = P.sum(axis=1)
    _, vectors = np.linalg.eigh(P / np.sqrt(np.outer(degree, degree)))
    oracle = (vectors / np.sqrt(degree)[:, None])[:, [-2, -3]]
    Y = initial.spectral(ring(), random_state=0)
    oracle -= oracle.mean(axis=0)
    found = Y / np.linalg.norm(Y, axis=0)
    assert abs((found * oracle / np.linalg.norm(oracle, axis=0)).sum(axis=0)).min() > 0.9999
    assert Y.std(axis=0).max() == pytest.approx(1e-4, rel=1e-5)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_parts_without_a_path_between_them_lie_beside_each_other(d):
    sizes = (120, 60, 30, 5, 2)
    P = sparse.block_diag([ring(n) if n > 40 else np.ones((n, n)) for n in sizes])
    Y = initial.spectral(P, d, random_state=0)
    assert np.isfinite(Y).all()
    labels = np.repeat(np.arange(5), sizes)
    middles = np.array([Y[labels == part].mean(axis=0) for part in range(5)])
    for part in range(3):
        mine = Y[labels == part]
        assert len(np.unique(mine, axis=0)) == len(mine)
        others = np.delete(middles, part, axis=0)
        reach = np.linalg.norm(mine - middles[part], axis=1)
        assert np.median(reach) < np.linalg.norm(others - middles[part], axis=1).min()


def test_a_start_of_ones_own_is_made_small():
    Y = np.random.default_rng(0).normal(size=(50, 2)) * [3, 1] + 7
    small = initial.rescale(Y)
    assert small.dtype == np.float32
    assert small.std(axis=0).max() == pytest.approx(1e-4, rel=1e-5)
    centred = Y - Y.mean(axis=0)
    np.testing.assert_allclose(small / small[0], centred / centred[0], rtol=1e-3, atol=1e-3)
    with pytest.raises(ValueError, match="all its points on one spot"):
        initial.rescale(np.ones((5, 2)))
