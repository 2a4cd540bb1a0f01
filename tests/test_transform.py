"""New points are placed each on its own, by the gradient of their divergence, beside their like."""

from functools import partial

import numpy as np
import pytest
from scipy import sparse

from bhtsne import TSNE, affinities, datasets, forces, neighbors, optimizer, transform, tree
from bhtsne.forces import barnes_hut, exact, packed

METHODS = forces.METHODS


def cluster_map(n=400, d=2, seed=0):
    rng = np.random.default_rng(seed)
    return (10 * rng.normal(size=(n, d)) + 30 * rng.integers(3, size=(n, 1))).astype(np.float32)


def some_affinities(m, n, seed=0):
    rng = np.random.default_rng(seed)
    indices = np.argsort(rng.random((m, n)), axis=1)[:, :12].astype(np.int32)
    distances = np.sort(rng.random((m, 12)), axis=1).astype(np.float32)
    return affinities.conditional(neighbors.Neighbors(indices, distances), n, 5)


def slopes(function, Y, step=1e-4):
    """Return the slope of a function of Y along each coordinate, by differences."""
    out = np.empty_like(Y)
    for at in np.ndindex(Y.shape):
        ahead, behind = Y.copy(), Y.copy()
        ahead[at] += step
        behind[at] -= step
        out[at] = (function(ahead) - function(behind)) / (2 * step)
    return out


@pytest.fixture(scope="module")
def fitted():
    X, y, _ = datasets.digits()
    return TSNE(random_state=0).fit(X[:1400]), X, y


# The field of a map


@pytest.mark.parametrize("dof", [1.0, 0.5, 3.0])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_exact_field_is_the_sum_over_the_map(d, dof):
    Y, others = cluster_map(300, d), cluster_map(40, d, seed=1)
    force, z = exact.field(Y, others, dof)
    delta = others[:, None].astype(float) - Y
    w = (1 + (delta**2).sum(axis=-1) / dof) ** (-(dof + 1) / 2)
    u = w ** (1 + 2 / (dof + 1))
    np.testing.assert_allclose(z, w.sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(force, (u[..., None] * delta).sum(axis=1), rtol=1e-9, atol=1e-13)


@pytest.mark.full(after=1)
@pytest.mark.parametrize("theta", [0.0, 0.5])
@pytest.mark.parametrize("dof", [1.0, 0.5])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_field_by_the_tree_is_near_the_exact_one(d, dof, theta):
    Y, others = cluster_map(5000, d), cluster_map(600, d, seed=1)
    force, z = barnes_hut.Field(packed.pack(tree.build(Y), dof))(others, theta)
    truth, true_z = exact.field(Y, others, dof)
    most = 2e-3 if theta else 1e-5
    assert np.linalg.norm(force - truth) < most * np.linalg.norm(truth)
    assert np.abs(z / true_z - 1).max() < 5 * most


def test_a_point_on_a_fitted_one_feels_it():
    Y = cluster_map(500)
    _, z = barnes_hut.Field(packed.pack(tree.build(Y), 1.0))(Y[:50], 0.0)
    others = exact.repulsion(Y, rows=np.arange(50))[1]
    assert z.sum() == pytest.approx(others + 50, rel=1e-5)


@pytest.mark.full(after=1)
@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_field_at_a_point_does_not_depend_on_the_others(d):
    field = partial(barnes_hut.Field(packed.pack(tree.build(cluster_map(3000, d)), 1.0)), theta=0.5)
    others = cluster_map(300, d, seed=1)
    force, z = field(others)
    shuffled = np.random.default_rng(2).permutation(300)
    assert field(others[shuffled])[0].tobytes() == force[shuffled].tobytes()
    for i in range(0, 300, 23):
        alone, own_z = field(others[i : i + 1])
        assert (alone.tobytes(), own_z.tobytes()) == (force[i].tobytes(), z[i : i + 1].tobytes())


# The gradient


@pytest.mark.full(after=1)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dof", [1.0, 0.5, 3.0])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_gradient_is_that_of_the_divergence(d, dof, method):
    fitted, Y = cluster_map(400, d), cluster_map(6, d, seed=1)
    P = some_affinities(6, 400)
    objective = transform.NewPoints(P, fitted, method, 0.0, dof)
    grad = objective.gradient(Y, 1.0)

    def divergence(Y):
        squared = ((Y[:, None] - fitted.astype(float)) ** 2).sum(axis=-1)
        w = (1 + squared / dof) ** (-(dof + 1) / 2)
        q, p = w / w.sum(axis=1, keepdims=True), P.toarray().astype(float)
        return (p[p > 0] * np.log(p[p > 0] / q[p > 0])).sum()

    numeric = slopes(divergence, Y.astype(float))
    np.testing.assert_allclose(grad, numeric, rtol=2e-3, atol=2e-6)
    assert objective.check(Y)[0] == pytest.approx(divergence(Y.astype(float)) / 6, rel=1e-5)


@pytest.mark.full(after=1)
@pytest.mark.parametrize("dof", [1.0, 0.5, 3.0])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_a_step_leads_to_the_lowest_point_of_a_parabola_above(d, dof):
    fitted, Y = cluster_map(400, d), cluster_map(6, d, seed=1)
    P = some_affinities(6, 400)
    given = P, fitted, "exact", 0.0, dof
    step = transform.MajorizedObjective(*given).gradient(Y, 2.0)
    slope = transform.NewPoints(*given).gradient(Y, 2.0)
    curvature = slope / step
    np.testing.assert_allclose(curvature, curvature[:, :1].repeat(d, 1), rtol=1e-4)

    def attraction(Y):
        t = 1 + ((Y[:, None] - fitted.astype(float)) ** 2).sum(axis=-1) / dof
        return 2.0 * (dof + 1) / 2 * (P.toarray() * np.log(t)).sum(axis=1)

    push = slope - 2.0 * transform.edges.attract_to(P, Y, dof, fitted)[0] * (1 + 1 / dof)
    for away in np.random.default_rng(0).normal(size=(50, 6, d)) * 10:
        above = ((slope - push) * away).sum(1) + curvature[:, 0] * (away**2).sum(1) / 2
        assert (attraction(Y + away) - attraction(Y) <= above + 1e-5).all()


@pytest.mark.full
def test_thirty_steps_reach_what_many_of_plain_descent_do(fitted):
    model, X, _ = fitted
    P = affinities.conditional(neighbors.query(model._fit_X, X[1400:], 15), 1400, 5.0)
    given = P, model.embedding_, model.method, model.theta_, model.dof
    begin = transform.start(P, model.embedding_, "weighted", 0)
    kl = {}
    for kind, n_iter, momentum in (
        (transform.MajorizedObjective, 30, 0.5),
        (transform.NewPoints, 1000, 0.8),
    ):
        phase = optimizer.Phase(n_iter, 1.0, 1.0, momentum)
        state = optimizer.State(begin)
        kl[kind] = optimizer.run(state, kind(*given), [phase], centred=()).history[-1].kl
    assert kl[transform.MajorizedObjective] < kl[transform.NewPoints] + 0.01


def test_steps_lower_the_divergence():
    P, fitted = some_affinities(50, 400), cluster_map()
    objective = transform.NewPoints(P, fitted, "barnes_hut", 0.5, 1.0)
    state = optimizer.State(transform.start(P, fitted, "random", 0))
    before = objective.check(state.Y)[0]
    optimizer.run(state, objective, [optimizer.Phase(100, 1.0, 1.0, 0.8)], centred=())
    assert state.history[-1].kl < before
    assert state.history[-1].force_error < 2e-3


# Where they start


def test_weighted_start_is_the_mean_by_affinity_and_not_by_distance():
    P = sparse.csr_array(np.array([[0.9, 0.1, 0]], np.float32))
    fitted = np.array([[0, 0], [10, 0], [50, 50]], np.float32)
    np.testing.assert_allclose(transform.start(P, fitted, "weighted", 0), [[1, 0]], rtol=1e-6)


def test_median_start_is_within_the_majority():
    P = sparse.csr_array(np.full((1, 3), 1 / 3, np.float32))
    fitted = np.array([[0, 0], [1, 1], [50, 50]], np.float32)
    np.testing.assert_array_equal(transform.start(P, fitted, "median", 0), [[1, 1]])


def test_random_start_depends_on_the_point_and_the_seed_alone():
    P, fitted = some_affinities(20, 400), cluster_map()
    whole = transform.start(P, fitted, "random", 3)
    assert transform.start(P[7:8], fitted, "random", 3).tobytes() == whole[7].tobytes()
    assert (transform.start(P, fitted, "random", 4) != whole).all()
    assert len(np.unique(whole, axis=0)) == 20


# The estimator


def test_new_digits_go_to_their_class(fitted):
    model, X, y = fitted
    placed = model.transform(X[1400:])
    near = neighbors.query(model.embedding_, placed, 5).indices
    votes = np.array([np.bincount(row).argmax() for row in y[near]])
    assert (votes == y[1400:]).mean() > 0.93


def test_a_fitted_point_lands_beside_itself(fitted):
    model, X, _ = fitted
    away = np.linalg.norm(model.transform(X[:300]) - model.embedding_[:300], axis=1)
    assert np.median(away) < 0.01 * np.ptp(model.embedding_, axis=0).max()


@pytest.mark.parametrize("init", transform.STARTS)
def test_each_point_is_placed_on_its_own(fitted, init):
    model, X, _ = fitted
    new = X[1400:1500]
    whole = model.transform(new, init=init, n_iter=40)
    shuffled = np.random.default_rng(0).permutation(100)
    assert model.transform(new[shuffled], init=init, n_iter=40).tobytes() == (
        whole[shuffled].tobytes()
    )
    for i in (0, 57):
        alone = model.transform(new[i : i + 1], init=init, n_iter=40)
        assert alone.tobytes() == whole[i].tobytes()


def test_the_same_bits_at_one_thread_and_two(fitted):
    model, X, _ = fitted
    before = model.n_jobs
    try:
        places = [model.set_params(n_jobs=k).transform(X[1400:], n_iter=30) for k in (1, 2)]
    finally:
        model.set_params(n_jobs=before)
    assert places[0].tobytes() == places[1].tobytes()


def test_the_map_stays(fitted):
    model, X, _ = fitted
    before = model.embedding_.copy()
    model.transform(X[1400:], n_iter=10)
    assert model.embedding_.tobytes() == before.tobytes()


@pytest.mark.full(after=2)
@pytest.mark.parametrize("kind", ["csr", "float32", "frame", "precomputed", "exact", "cosine"])
def test_new_points_come_in_the_forms_that_fit_takes(kind):
    X = np.random.default_rng(0).random((120, 4))
    old, new, options = X[:100], X[100:], {}
    if kind == "csr":
        old, new = sparse.csr_array(old), sparse.csr_array(new)
    elif kind == "float32":
        old, new = old.astype(np.float32), new.astype(np.float32)
    elif kind == "frame":
        pandas = pytest.importorskip("pandas")
        old, new = (pandas.DataFrame(part, columns=list("abcd")) for part in (old, new))
    elif kind == "precomputed":
        full = np.linalg.norm(X[:, None] - X, axis=-1)
        old, new = full[:100, :100], full[100:, :100]
        options = {"metric": "precomputed", "init": "random"}
    else:
        options = {"method": "exact"} if kind == "exact" else {"metric": "cosine"}
    model = TSNE(perplexity=8, random_state=0, **options).fit(old)
    placed = model.transform(new)
    assert placed.shape == (20, 2)
    assert placed.dtype == np.float32
    assert np.isfinite(placed).all()
    near = neighbors.query(model.embedding_, placed, 10).indices
    truth = neighbors.query(X[:100], X[100:], 10, metric="euclidean").indices
    assert np.mean([np.isin(a, b).mean() for a, b in zip(truth, near, strict=True)]) > 0.4


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"perplexity": 0.5}, ValueError, "perplexity"),
        ({"perplexity": 2000}, ValueError, "perplexity"),
        ({"n_iter": -1}, ValueError, "n_iter"),
        ({"n_iter": 2.5}, TypeError, "n_iter"),
        ({"init": "spectral"}, ValueError, "init"),
        ({"exaggeration": 0}, ValueError, "exaggeration"),
        ({"learning_rate": "fast"}, TypeError, "learning_rate"),
        ({"momentum": 1}, ValueError, "momentum"),
    ],
)
def test_a_bad_option_is_named(fitted, options, error, says):
    model, X, _ = fitted
    with pytest.raises(error, match=says):
        model.transform(X[1400:], **options)


def test_bad_points_are_refused(fitted):
    model, X, _ = fitted
    with pytest.raises(ValueError, match="63 features"):
        model.transform(X[:, :63])
    with pytest.raises(ValueError, match="NaN"):
        model.transform(np.where(X > 15, np.nan, X))
    with pytest.raises(ValueError, match="not fitted"):
        TSNE().transform(X)
