"""What other implementations of t-SNE have got wrong, or still do, goes right here."""

import naive
import numpy as np
import pytest

from bhtsne import TSNE, affinities, forces, metrics, neighbors, transform
from bhtsne.forces.objective import KLDivergence
from bhtsne.neighbors import Neighbors

QUICK = {"perplexity": 8, "random_state": 0}


@pytest.fixture(scope="module")
def digits(digits):
    return digits[:300]


def test_exaggeration_is_not_multiplied_into_the_affinities(digits):
    def interrupt(*_):
        raise KeyboardInterrupt

    model = TSNE(callbacks=(interrupt,), callback_every=10, **QUICK).fit(digits)
    assert (model.n_iter_, model.stopped_) == (10, "interrupt")  # amid early exaggeration
    P = affinities.perplexity(model.neighbors_, 8)
    assert (model.affinities_ != P).nnz == 0
    assert model.affinities_.sum() == pytest.approx(1, abs=1e-6)
    assert model.kl_divergence_ == pytest.approx(naive.kl(P.toarray(), model.embedding_), rel=1e-4)


def test_the_nearer_of_two_neighbours_pulls_the_start_to_itself():
    near = neighbors.query([[0.0], [10.0]], [[1.0]], 2)
    P = affinities.conditional(near, 2, perplexity=1.5)
    start = transform.start(P, np.array([[-1.0, 0.0], [1.0, 0.0]]), "weighted", 0)
    assert start[0, 0] < -0.3  # weights that are distances would give 0.8


@pytest.mark.parametrize("method", ["exact", "forest"])
def test_a_point_is_left_out_of_its_neighbours_by_name_not_by_place(method):
    X = np.repeat(np.random.default_rng(0).normal(size=(60, 5)), 5, axis=0)
    found = neighbors.find(X, 8, method=method, random_state=0)
    assert not (found.indices == np.arange(300)[:, None]).any()
    twins = np.arange(300)[:, None] // 5 == found.indices // 5
    assert (twins[:, :4]).all()  # all four duplicates, and none of them taken for the point
    assert (found.distances[:, :4] == 0).all()


@pytest.mark.full(after=1)
@pytest.mark.parametrize("dof", [0.5, 1.0, 2.0])
def test_coincident_points_do_not_count_as_themselves(dof):
    Y = np.repeat(np.random.default_rng(0).normal(size=(40, 2)), 3, axis=0).astype(np.float32)
    for method in forces.METHODS:
        assert forces.repulsion(Y, method=method, dof=dof).z == pytest.approx(
            naive.z(Y, dof), rel=2e-3
        )
    assert forces.repulsion(np.zeros((5, 2)), theta=0.5).z == pytest.approx(20)


def test_the_seed_is_used(digits):
    starts = [
        TSNE(perplexity=8, init="random", random_state=k).fit_transform(digits) for k in (1, 1, 2)
    ]
    assert np.array_equal(starts[0], starts[1])
    assert not np.array_equal(starts[0], starts[2])
    X = np.random.default_rng(0).normal(size=(4000, 30))  # where a forest misses some
    graphs = [neighbors.find(X, 15, method="forest", random_state=k).indices for k in (1, 1, 2)]
    assert np.array_equal(graphs[0], graphs[1])
    assert not np.array_equal(graphs[0], graphs[2])


def test_an_array_as_start_leaves_early_exaggeration_on(digits):
    start = np.random.default_rng(0).normal(size=(300, 2)) * 1e-4
    given = TSNE(init=start, **QUICK).fit(digits)
    without = TSNE(init=start, early_exaggeration_iter=0, **QUICK).fit(digits)
    assert given.n_iter_ == 405
    assert without.n_iter_ == 285
    assert np.array_equal(
        given.embedding_, TSNE(init=start, early_exaggeration=12.0, **QUICK).fit_transform(digits)
    )


def test_the_perplexity_is_never_changed_in_silence(digits):
    few = digits[:60]
    with pytest.warns(UserWarning, match="perplexity 30 is too large"):
        model = TSNE(random_state=0).fit(few)
    assert model.perplexity == 30
    P = naive.conditional(model.neighbors_.distances, 59 / 3)
    np.testing.assert_allclose(np.exp([naive.entropy(row) for row in P]), 59 / 3, rtol=1e-3)
    with pytest.raises(ValueError, match="perplexity must be below the number of points"):
        TSNE(perplexity=60).fit(few)
    graph = neighbors.find(digits, 15)
    with pytest.warns(UserWarning, match="with 15 neighbours: 5 is used"):
        TSNE(neighbors=graph).fit(digits)
    with pytest.warns(UserWarning, match="perplexity 8 is too large for points with 15 neighbours"):
        TSNE(neighbors=graph, **QUICK).fit(digits)


@pytest.mark.full(after=1)
@pytest.mark.parametrize("method", forces.METHODS)
@pytest.mark.parametrize("dof", [0.3, 0.5, 1.0, 2.0, 10.0])
def test_the_divergence_is_right_for_every_kernel(digits, method, dof):
    model = TSNE(method=method, dof=dof, n_iter=60, theta=0.2, **QUICK).fit(digits)
    truth = naive.kl_per_point(model.affinities_.toarray(), model.embedding_, dof)
    assert model.kl_divergence_ == pytest.approx(truth.sum(), rel=1e-3, abs=1e-3)
    np.testing.assert_allclose(model.kl_per_point_, truth, atol=2e-3 * abs(truth).max())
    assert model.history_[-1].kl == pytest.approx(truth.sum(), rel=1e-3, abs=1e-3)


@pytest.mark.full(after=2)
@pytest.mark.parametrize("n", [5, 12, 40])
@pytest.mark.parametrize("learning_rate", ["auto", 200.0, 1000.0])
def test_few_points_do_not_collapse_onto_one(n, learning_rate):
    X = np.random.default_rng(n).normal(size=(n, 4))
    model = TSNE(perplexity=(n - 1) / 3, learning_rate=learning_rate, random_state=0).fit(X)
    apart = neighbors.find(model.embedding_, 1).distances
    assert apart.min() > 1e-3 * model.embedding_.std()
    assert model.embedding_.std() > 1e-2


def test_the_error_that_is_told_is_the_error(digits):
    P = affinities.perplexity(Neighbors(*neighbors.find(digits, 24)), 8)
    Y = TSNE(**QUICK).fit_transform(digits)
    for theta in (0.5, 1.2):
        told = KLDivergence(P, "barnes_hut", theta, 1.0).check(Y)[1]
        fast, slow = (forces.repulsion(Y, method=m, theta=theta).force for m in forces.METHODS[:2])
        error = np.linalg.norm(fast - slow) / np.linalg.norm(slow)
        assert 0.3 * error < told < 3 * error


def test_neighbors_that_are_kept_can_be_weighed_anew(digits):
    model = TSNE(perplexity=20, random_state=0).fit(digits)
    again = TSNE(perplexity=7, neighbors=model.neighbors_, random_state=0).fit(digits)
    near = neighbors.find(digits, 21)
    assert metrics.neighbor_recall(near, again.embedding_, 5) > 0.5
    assert (again.affinities_ != affinities.perplexity(near, 7)).nnz == 0
    assert (
        again.affinities_ != TSNE(perplexity=7, random_state=0).fit(digits).affinities_
    ).nnz == 0
