"""Metrics against the textbook, dense and small, and against scikit-learn's."""

import naive
import numpy as np
import pytest
from scipy import sparse
from scipy.spatial import procrustes
from sklearn.manifold import trustworthiness as reference_trustworthiness

from bhtsne import affinities, forces, jit, metrics, neighbors


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(700, 12))
    return X, X[:, :2] + 0.3 * rng.normal(size=(700, 2))


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "cosine"])
@pytest.mark.parametrize("k", [1, 5, 40])
def test_trustworthiness_is_scikit_learns(data, metric, k):
    X, Y = data
    expected = reference_trustworthiness(X, Y, n_neighbors=k, metric=metric)
    assert metrics.trustworthiness(X, Y, k, metric=metric) == pytest.approx(expected, abs=1e-12)


def test_trustworthiness_of_a_map_of_duplicates_is_finite_and_high():
    X = np.repeat(np.random.default_rng(0).normal(size=(30, 12)), 10, axis=0)
    assert metrics.trustworthiness(X, X[:, :2]) == pytest.approx(1, abs=1e-3)


def test_trustworthiness_falls_as_the_map_gets_worse(data):
    X, Y = data
    rng = np.random.default_rng(1)
    values = [metrics.trustworthiness(X, Y + s * rng.normal(size=Y.shape)) for s in (0, 1, 100)]
    assert values[0] > values[1] > values[2]
    assert values[2] == pytest.approx(0.5, abs=0.05)


def test_recall_counts_common_neighbours(data):
    X, Y = data
    k = 7

    def nearest(A):
        distances = np.linalg.norm(A[:, None] - A[None], axis=2)
        np.fill_diagonal(distances, np.inf)
        return np.argsort(distances, axis=1)[:, :k]

    common = [len(set(a) & set(b)) for a, b in zip(nearest(X), nearest(Y), strict=True)]
    expected = np.mean(common) / k
    assert metrics.neighbor_recall(X, Y, k) == pytest.approx(expected)
    assert metrics.neighbor_recall(neighbors.find(X, 30), Y, k) == pytest.approx(expected)
    assert metrics.neighbor_recall(X, X, k) == 1


def test_kl_of_the_points_adds_up(data):
    X, Y = data
    P = affinities.perplexity(neighbors.find(X, 60), 20)
    shares = metrics.kl_per_point(P, Y)
    assert shares.shape == (700,)
    assert shares.sum() == pytest.approx(forces.kl_divergence(P, Y), rel=1e-12)
    dense = P.toarray().astype(np.float64)
    w = 1 / (1 + ((Y[:, None] - Y[None]) ** 2).sum(axis=2))
    np.fill_diagonal(w, 0)
    q = w / w.sum()
    rows = np.where(dense > 0, dense * np.log(np.where(dense > 0, dense, 1) / (q + (w == 0))), 0)
    np.testing.assert_allclose(shares, rows.sum(axis=1), rtol=1e-6, atol=1e-12)
    assert metrics.kl_divergence(P, Y) == forces.kl_divergence(P, Y)


def test_distance_correlation_sees_order_not_scale(data):
    X, Y = data
    assert metrics.distance_correlation(X, 5 * X, random_state=0) == pytest.approx(1, abs=1e-9)
    noise = np.random.default_rng(2).normal(size=(700, 2))
    assert abs(metrics.distance_correlation(X, noise, random_state=0)) < 0.05
    assert 0.2 < metrics.distance_correlation(X, Y, random_state=0) < 0.9
    same = [metrics.distance_correlation(X, Y, random_state=3, n_pairs=500) for _ in range(2)]
    assert same[0] == same[1]


def test_align_undoes_a_similarity(data):
    _, Y = data
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(2, 2)))
    moved = 3.7 * Y @ turn + [5, -2]
    aligned = metrics.align(moved, Y)
    np.testing.assert_allclose(aligned.Y, Y, atol=1e-12)
    assert aligned.disparity < 1e-20


def test_disparity_is_scipys(data):
    X, Y = data
    assert metrics.align(Y, X[:, 3:5]).disparity == pytest.approx(procrustes(X[:, 3:5], Y)[2])


def test_same_bits_at_one_and_two_threads(data):
    X, Y = data
    values = []
    for n_jobs in (1, 2):
        with jit.threads(n_jobs):
            values.append((metrics.trustworthiness(X, Y), metrics.neighbor_recall(X, Y)))
    assert values[0] == values[1]


def test_bad_input_is_refused_by_name(data):
    X, Y = data
    with pytest.raises(ValueError, match="same points, got 700 and 699"):
        metrics.trustworthiness(X, Y[1:])
    with pytest.raises(ValueError, match="same points, got 700 and 699"):
        metrics.neighbor_recall(X, Y[1:])
    with pytest.raises(ValueError, match="same points, got 700 and 699"):
        metrics.distance_correlation(X, Y[1:])
    with pytest.raises(ValueError, match=r"k must be at least 1 and below N / 2 = 350, got 350"):
        metrics.trustworthiness(X, Y, 350)
    with pytest.raises(ValueError, match=r"k must be within 1 … 5 neighbours, got 6"):
        metrics.neighbor_recall(neighbors.find(X, 5), Y, 6)
    with pytest.raises(ValueError, match="one shape"):
        metrics.align(Y, X)
    with pytest.raises(ValueError, match="one spot"):
        metrics.align(np.ones((5, 2)), Y[:5])


def test_distances_of_sparse_points_are_those_of_dense_ones(data):
    X, Y = data
    told = [metrics.distance_correlation(A, Y, random_state=0) for A in (X, sparse.csr_array(X))]
    assert told[0] == pytest.approx(told[1], abs=1e-9)


def test_neighbour_hit_counts_labels(data):
    X, _ = data
    labels = np.random.default_rng(0).integers(0, 4, len(X))
    indices, _ = naive.knn(X, 6)
    expected = (labels[indices] == labels[:, None]).mean()
    assert metrics.neighbor_hit(X, labels) == pytest.approx(expected)
    found = neighbors.find(X, 10)
    assert metrics.neighbor_hit(found, labels, 6) == pytest.approx(expected)
    frequencies = np.bincount(labels) / len(labels)
    assert metrics.neighbor_hit(X, labels, 690) == pytest.approx((frequencies**2).sum(), abs=0.01)
    with pytest.raises(ValueError, match=r"labels must be of shape \(700,\)"):
        metrics.neighbor_hit(X, labels[:9])
    with pytest.raises(ValueError, match="k must be"):
        metrics.neighbor_hit(found, labels, 11)
