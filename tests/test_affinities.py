"""P is the oracle's, symmetric to the last bit, and rows reach their perplexity at any scale."""

import naive
import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from bhtsne import TSNE, affinities, choices, events, jit, memory, neighbors
from bhtsne.affinities import addition
from bhtsne.affinities.kinds import as_kind
from bhtsne.neighbors import Neighbors


def normal(n, d, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def found(n=300, d=6, k=90, seed=0):
    return neighbors.find(normal(n, d, seed), k, method="exact")


def rows(distances, perplexity):
    """Return p_{j|i} as the package computes them, read off P.

    Every point names k others, which name only each other: P between the two is p_{j|i} / 2N.
    """
    n, k = np.shape(distances)
    indices = np.full((n + k, k), -1, np.int32)
    indices[:n] = np.arange(n, n + k)
    indices[n:, 0] = n + np.roll(np.arange(k), 1)
    P = affinities.perplexity(
        Neighbors(indices, np.vstack([distances, np.ones((k, k))]).astype(np.float32)), perplexity
    ).toarray()
    return P[:n, n:].astype(np.float64) * 2 * (n + k)


def assert_joint(P, n):
    """P is what every later stage relies on."""
    assert isinstance(P, sparse.csr_array)
    assert (P.shape, P.dtype, P.indices.dtype) == ((n, n), np.float32, np.int32)
    assert (P != P.T).nnz == 0
    assert not P.diagonal().any()
    assert P.indices.min() >= 0
    within = np.diff(np.repeat(np.arange(n), np.diff(P.indptr))) == 0
    assert (np.diff(P.indices)[within] > 0).all()
    assert np.isfinite(P.data).all()
    assert P.data.min() >= 0
    assert abs(P.data.sum(dtype=np.float64) - 1) < 1e-6


@pytest.mark.parametrize("perplexity", [1.5, 2, 5, 30, 60, 88, 89.9])
def test_rows_reach_their_perplexity(perplexity):
    p = rows(found().distances, perplexity)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
    reached = np.exp([naive.entropy(row) for row in p])
    np.testing.assert_allclose(reached, perplexity, rtol=1e-3)


@pytest.mark.full(after=2)
@pytest.mark.parametrize("perplexity", [1.5, 5, 30, 85])
@pytest.mark.parametrize("seed", [0, 1])
def test_rows_equal_those_of_bisection(perplexity, seed):
    distances = found(seed=seed).distances[::6]
    np.testing.assert_allclose(
        rows(distances, perplexity), naive.conditional(distances, perplexity), rtol=2e-3, atol=1e-6
    )


@pytest.mark.parametrize("perplexity", [1.5, 10, 30])
def test_joint_affinities_equal_the_oracle(perplexity):
    neighbors_ = found(100, 6, 50)
    P = affinities.perplexity(neighbors_, perplexity)
    assert_joint(P, 100)
    oracle = naive.joint(neighbors_.indices, naive.conditional(neighbors_.distances, perplexity))
    np.testing.assert_allclose(P.toarray(), oracle, rtol=2e-3, atol=1e-9)


@pytest.mark.parametrize("k", [1, 2, 40])
def test_few_neighbors_are_weighed_alike(k):
    neighbors_ = found(60, 4, k)
    P = affinities.perplexity(neighbors_, 45)
    assert_joint(P, 60)
    oracle = naive.joint(neighbors_.indices, np.full((60, k), 1 / k))
    np.testing.assert_allclose(P.toarray(), oracle, rtol=1e-6)


def test_a_perplexity_of_one_leaves_the_nearest():
    p = rows(found().distances, 1)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
    assert np.exp([naive.entropy(row) for row in p]).max() < 1.01


@pytest.mark.parametrize("power", [-66, -40, 40, 66])
def test_the_scale_of_distances_changes_no_bit(power):
    neighbors_ = found()
    P = affinities.perplexity(neighbors_, 20)
    scaled = Neighbors(neighbors_.indices, neighbors_.distances * np.float32(2.0**power))
    np.testing.assert_array_equal(affinities.perplexity(scaled, 20).toarray(), P.toarray())
    for factor in (1e-20, 1e20):
        scaled = Neighbors(neighbors_.indices, neighbors_.distances * np.float32(factor))
        again = affinities.perplexity(scaled, 20).toarray()
        np.testing.assert_allclose(again, P.toarray(), rtol=1e-4, atol=1e-12)


@pytest.mark.parametrize("distance", [0, 1e-30, 1, 1e30])
def test_equal_distances_weigh_the_same(distance):
    np.testing.assert_allclose(rows(np.full((7, 50), distance), 20), 1 / 50, rtol=1e-6)


@pytest.mark.parametrize("zeros", [21, 40, 49])
def test_more_duplicates_than_the_perplexity_share_the_row(zeros):
    distances = np.sort(np.random.default_rng(0).random((5, 50)), axis=1)
    distances[:, :zeros] = 0
    p = rows(distances, 20)
    np.testing.assert_allclose(p[:, :zeros], 1 / zeros, rtol=1e-3)
    assert p[:, zeros:].max() < 1e-3


def test_the_nearest_few_far_from_all_others_share_the_row():
    distances = np.full((5, 50), 1e6)
    distances[:, :30] = 1
    p = rows(distances, 20)
    np.testing.assert_allclose(p[:, :30], 1 / 30, rtol=1e-3)
    distances[:, 0] = 1e-6  # one very near: others must still make up the perplexity
    np.testing.assert_allclose(np.exp([naive.entropy(q) for q in rows(distances, 20)]), 20, 1e-3)


@pytest.mark.parametrize("perplexity", [2, 30])
def test_distances_over_many_magnitudes_reach_the_perplexity(perplexity):
    distances = np.sort(10 ** np.random.default_rng(0).uniform(-4, 4, (50, 90)), axis=1)
    p = rows(distances, perplexity)
    np.testing.assert_allclose(np.exp([naive.entropy(q) for q in p]), perplexity, rtol=2e-3)


def test_neighbors_that_are_missing_weigh_nothing():
    whole = found(100, 4, 30)
    indices, distances = whole.indices.copy(), whole.distances.copy()
    indices[:50, 20:], distances[:50, 20:] = -1, np.inf
    indices[7], distances[7] = -1, np.inf  # a row with none
    P = affinities.perplexity(Neighbors(indices, distances), 10)
    assert_joint(P, 100)
    oracle = np.zeros((100, 30))
    oracle[:50, :20] = naive.conditional(distances[:50, :20].clip(max=99), 10)
    oracle[50:] = naive.conditional(distances[50:], 10)
    oracle[7] = 0
    joint = np.zeros((100, 100))
    for i in range(100):
        for j, p in zip(indices[i], oracle[i], strict=True):
            joint[i, j] += p if j >= 0 else 0
    joint += joint.T
    np.testing.assert_allclose(P.toarray(), joint / joint.sum(), rtol=2e-3, atol=1e-9)
    distances[indices < 0] = 0  # the index alone tells
    again = affinities.perplexity(Neighbors(indices, distances), 10)
    np.testing.assert_array_equal(again.toarray(), P.toarray())


@pytest.mark.parametrize("dtype", [np.int64, np.uint16, np.int16])
def test_input_of_any_type_is_taken_and_not_changed(dtype):
    whole = found(100, 4, 30)
    expected = affinities.perplexity(whole, 10).toarray()
    indices = np.asfortranarray(whole.indices.astype(dtype))
    distances = np.asfortranarray(whole.distances.astype(np.float64))
    indices.flags.writeable = distances.flags.writeable = False
    P = affinities.perplexity((indices, distances), 10)
    np.testing.assert_array_equal(P.toarray(), expected)
    writeable = Neighbors(whole.indices.copy(), whole.distances.copy())
    affinities.perplexity(writeable, 10)
    np.testing.assert_array_equal(writeable.indices, whole.indices)
    np.testing.assert_array_equal(writeable.distances, whole.distances)


@pytest.mark.parametrize("form", ["points", "list", "CSR", "precomputed"])
def test_all_pairs_are_all_neighbors(form):
    X = normal(120, 5)
    expected = affinities.perplexity(neighbors.find(X, 119, method="exact"), 25).toarray()
    inputs = {"points": X, "list": X.tolist(), "CSR": sparse.csr_array(X)}
    if form == "precomputed":
        D = np.sqrt(naive.squared_distances(X))
        P = affinities.all_pairs(D, 25, metric="precomputed")
    else:
        P = affinities.all_pairs(inputs[form], 25)
    assert_joint(P, 120)
    assert P.nnz == 120 * 119
    np.testing.assert_allclose(P.toarray(), expected, rtol=1e-4, atol=1e-10)


def test_all_pairs_take_a_metric_and_do_not_change_their_input():
    X = normal(50, 5)
    before = X.copy()
    P = affinities.all_pairs(X, 10, metric="manhattan").toarray()
    np.testing.assert_array_equal(X, before)
    D = np.abs(X[:, None] - X[None]).sum(axis=2)
    others = np.array([np.delete(np.arange(50), i) for i in range(50)])
    oracle = naive.joint(others, naive.conditional(np.take_along_axis(D, others, axis=1), 10))
    np.testing.assert_allclose(P, oracle, rtol=2e-3, atol=1e-9)


def test_all_pairs_of_two_points():
    P = affinities.all_pairs(np.array([[0.0], [1.0]]), 1)
    np.testing.assert_array_equal(P.toarray(), [[0, 0.5], [0.5, 0]])


def test_bits_do_not_depend_on_the_number_of_threads():
    neighbors_, X = found(), normal(200, 6)
    results = []
    for n in (1, 2):
        with jit.threads(n):
            results.append((affinities.perplexity(neighbors_, 30), affinities.all_pairs(X, 30)))
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one.data, two.data)
        np.testing.assert_array_equal(one.indices, two.indices)
        np.testing.assert_array_equal(one.indptr, two.indptr)


def test_more_memory_than_there_is_is_refused_before_it_is_taken(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 3 * 2**30)
    X = np.broadcast_to(np.zeros(2), (32_768, 2))
    with pytest.raises(MemoryError, match=r"32,768 points need about 8 GiB, and 3 GiB.*barnes_hut"):
        affinities.all_pairs(X, 30)
    monkeypatch.setattr(memory, "available", lambda: 14 * 40**2)
    assert affinities.all_pairs(normal(40, 2), 5).nnz == 40 * 39
    monkeypatch.setattr(memory, "available", lambda: 14 * 40**2 - 1)
    with pytest.raises(MemoryError, match="40 points"):
        affinities.all_pairs(normal(40, 2), 5)


@pytest.mark.parametrize("perplexity", [0.99, 0, -3, 20, 1e9, np.nan, np.inf])
def test_an_impossible_perplexity_is_refused(perplexity):
    X = normal(20, 3)
    with pytest.raises(ValueError, match=r"perplexity must be at least 1 and (finite|below .* 20)"):
        affinities.perplexity(neighbors.find(X, 9), perplexity)
    with pytest.raises(ValueError, match=r"perplexity must be at least 1 and (finite|below .* 20)"):
        affinities.all_pairs(X, perplexity)


INDICES, DISTANCES = found(20, 3, 9)


def changed(array, value):
    array = array.copy()
    array[3, 4] = value
    return array


@pytest.mark.parametrize(
    ("indices", "distances", "message"),
    [
        (changed(INDICES, 20), DISTANCES, "from 0 to 19, or -1 .* to 20"),
        (changed(INDICES, -2), DISTANCES, "from 0 to 19, or -1 .* from -2"),
        (INDICES.astype(float), DISTANCES, "whole numbers .* got float64"),
        (INDICES, changed(DISTANCES, -1), "0 or more, got a negative one or NaN"),
        (INDICES, changed(DISTANCES, np.nan), "0 or more, got a negative one or NaN"),
        (INDICES[:, :8], DISTANCES, r"one shape .*\(20, 8\) and .*\(20, 9\)"),
        (INDICES[:19], DISTANCES, r"one shape .*\(19, 9\) and .*\(20, 9\)"),
        (INDICES[0], DISTANCES[0], r"one shape \(N, k\)"),
        (INDICES[:, :0], DISTANCES[:, :0], r"one shape \(N, k\)"),
    ],
)
def test_neighbors_that_make_no_sense_are_refused(indices, distances, message):
    with pytest.raises(ValueError, match=message):
        affinities.perplexity(Neighbors(indices, distances), 5)


def test_points_that_are_not_finite_are_refused():
    X = normal(20, 3)
    X[2, 2] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        affinities.all_pairs(X, 5)


def test_several_perplexities_are_the_sum_of_their_kernels():
    near = found(120, 4, 60)
    squared = np.asarray(near.distances, np.float64) ** 2
    p = [naive.conditional(near.distances, perplexity) for perplexity in (5, 18)]
    betas = [np.log(q[:, 0] / q[:, 9]) / (squared[:, 9] - squared[:, 0]) for q in p]
    kernels = [np.exp(-beta[:, None] * squared) for beta in betas]
    for mixture, parts in ((False, kernels), (True, p)):
        rows = sum(parts) / sum(parts).sum(axis=1, keepdims=True)
        P = affinities.multiscale(near, [5, 18], mixture=mixture)
        expected = naive.joint(near.indices, rows)
        np.testing.assert_allclose(P.toarray(), expected, atol=1e-4 * expected.max())
        assert_joint(P, 120)


@pytest.mark.parametrize("mixture", [False, True])
def test_one_perplexity_twice_is_that_perplexity(mixture):
    near = found()
    twice = affinities.multiscale(near, [20, 20], mixture=mixture)
    once = affinities.perplexity(near, 20)
    np.testing.assert_allclose(twice.toarray(), once.toarray(), atol=1e-6 * once.max())


def test_distances_of_any_size_have_the_same_scales():
    near = found()
    small = Neighbors(near.indices, near.distances * np.float32(2**-60))
    P, same = (affinities.multiscale(found, [5, 50]) for found in (near, small))
    assert (same != P).nnz == 0


def test_uniform_affinities_are_the_graph():
    near = found(80, 3, 12)
    mean = naive.joint(near.indices[:, :7], np.ones((80, 7)))
    for name, expected in (("mean", mean), ("max", mean > 0)):
        P = affinities.uniform(near, 7, symmetrize=name)
        np.testing.assert_allclose(P.toarray(), expected / expected.sum(), rtol=1e-6)
        assert_joint(P, 80)


@pytest.mark.parametrize("sigma", [1e-20, 0.3, 2.0, 1e20])
def test_one_width_for_all_follows_the_equation(sigma):
    near = found(80, 3, 79)
    squared = np.asarray(near.distances, np.float64) ** 2
    rows = np.exp(-(squared - squared.min(axis=1, keepdims=True)) / (2 * sigma**2))
    expected = naive.joint(near.indices, rows / rows.sum(axis=1, keepdims=True))
    P = affinities.fixed_sigma(near, sigma)
    np.testing.assert_allclose(P.toarray(), expected, atol=1e-6 * expected.max())
    assert_joint(P, 80)


@pytest.mark.parametrize(
    ("kind", "perplexities", "k"),
    [
        (affinities.Gaussian(), [9], 27),
        (affinities.Multiscale(), [3, 9], 27),
        (affinities.Mixture(), [3, 9], 27),
        (affinities.Uniform(), [9], 9),
        (affinities.FixedSigma(0.7), [9], 27),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_a_kind_is_a_number_of_neighbours_and_falling_weights_that_sum_to_1(kind, perplexities, k):
    assert kind.n_neighbors(perplexities) == k
    weights = kind.weights(found(60, 3, k).distances, perplexities)
    assert (np.diff(weights) <= 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize(
    "kind",
    ["perplexity", "gaussian", "multiscale", "mixture", "uniform", affinities.FixedSigma(0.7)],
)
def test_every_kind_has_rows_that_sum_to_1_and_leaves_gaps_out(kind):
    near = found(60, 3, 30)
    near.indices[5, 20:], near.distances[5, 20:] = -1, np.inf
    C = affinities.conditional(near, 60, 9, kind=kind)
    np.testing.assert_allclose(C.sum(axis=1), 1, rtol=1e-5)
    assert set(C[[5]].indices) <= set(near.indices[5, :20])


def test_affinities_of_ones_own_are_kept_to_the_last_bit():
    P = affinities.perplexity(found(), 20)
    assert (affinities.given(P) != P).nnz == 0
    assert (affinities.given(P.toarray()) != P).nnz == 0
    assert_joint(affinities.given(P * 1e-30), 300)
    np.testing.assert_allclose(affinities.given(7 * P.tocoo()).toarray(), P.toarray(), rtol=1e-6)


@pytest.mark.parametrize(
    ("P", "says"),
    [
        (np.ones((3, 2)), r"shape \(N, N\), got \(3, 2\)"),
        ([[0, 1], [2, 0]], "must be symmetric"),
        ([[0, -1], [-1, 0]], "at least 0"),
        ([[0, np.nan], [np.nan, 0]], "at least 0, got a negative one"),
        ([[0, np.inf], [np.inf, 0]], "finite"),
        (np.eye(3), "no point has a neighbour"),
    ],
)
def test_affinities_that_make_no_sense_are_refused(P, says):
    with pytest.raises(ValueError, match=says):
        affinities.given(P)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"kind": "gauss"}, "kind must be one of"),
        ({"kind": "fixed_sigma"}, "needs a width"),
        ({"perplexity": [5, 9]}, "perplexity must be one number"),
        ({"kind": "mixture", "perplexity": [5, 9000]}, "below the number of points"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(options, says):
    with pytest.raises(ValueError, match=says):
        affinities.conditional(found(60, 3, 30), 60, **options)


def test_kinds_are_those_that_the_command_offers():
    assert tuple(affinities.KINDS) == choices.AFFINITIES
    for name, kind in affinities.KINDS.items():
        one = kind(0.5) if name == "fixed_sigma" else kind()
        assert one == (kind(0.5) if name == "fixed_sigma" else kind())
        assert one.name == name
        assert clone(TSNE(affinities=one)).affinities == one


def test_several_perplexities_make_a_gaussian_multiscale():
    kinds = [as_kind(affinities.Gaussian(symmetrize="max"), p) for p in (30, [30], [10, 30])]
    assert [kind.name for kind in kinds] == ["gaussian", "gaussian", "multiscale"]
    assert {kind.symmetrize for kind in kinds} == {"max"}
    assert as_kind("mixture", [10, 30]).name == "mixture"


def test_symmetrization_by_the_maximum_holds_for_all_pairs_too():
    X = normal(60, 3)
    options = {"perplexity": 10, "n_iter": 5, "early_exaggeration_iter": 5, "random_state": 0}
    kinds = [affinities.Gaussian(symmetrize=how) for how in ("mean", "max")]
    exact = [TSNE(affinities=k, method="exact", **options).fit(X).affinities_ for k in kinds]
    near = neighbors.find(X, 59)
    for P, how in zip(exact, ("mean", "max"), strict=True):
        expected = affinities.perplexity(near, 10, symmetrize=how)
        np.testing.assert_allclose(P.toarray(), expected.toarray(), atol=1e-8)
    assert abs(exact[0] - exact[1]).max() > 1e-6


# The sum with the transpose


def graph(n, density=0.1, seed=0):
    """Return a sparse matrix in which point 0 is named by all, and point 1 names none."""
    rng = np.random.default_rng(seed)
    C = (rng.random((n, n)) * (rng.random((n, n)) < density)).astype(np.float32)
    C[:, 0], C[1:2] = 0.5, 0
    C = sparse.csr_array(C)
    order = np.argsort(rng.random(C.nnz) + np.repeat(np.arange(n), np.diff(C.indptr)))
    return sparse.csr_array((C.data[order], C.indices[order], C.indptr), C.shape)


@pytest.mark.parametrize("block", [2, 5, 10])  # bits of a row within its block
@pytest.mark.parametrize("n", [1, 2, 31, 300])
def test_the_sum_with_the_transpose_is_that_of_scipy(monkeypatch, n, block):
    monkeypatch.setattr(addition, "_ROWS", block)
    C = graph(n)
    C.data[::7] = 0  # zeros are not stored
    expected = C + C.T.tocsr()
    expected.eliminate_zeros()
    with jit.threads(1):
        P = addition.plus_transpose(C)
    assert P.indices.dtype == P.indptr.dtype == np.int32
    np.testing.assert_array_equal(P.indptr, expected.indptr)
    np.testing.assert_array_equal(P.indices, expected.sorted_indices().indices)
    np.testing.assert_array_equal(P.data, expected.sorted_indices().data)
    with jit.threads(2):
        again = addition.plus_transpose(C)
    assert P.indices.tobytes() == again.indices.tobytes()
    assert P.data.tobytes() == again.data.tobytes()


def test_the_progress_of_the_sum_only_grows(monkeypatch):
    monkeypatch.setattr(addition, "_ROWS", 5)
    reported = []
    with events.listening(reported.append):
        addition.plus_transpose(graph(300))
    assert len(reported) == 3 * 10
    assert reported == sorted(reported)
    assert reported[-1] == 1


def test_blocks_grow_with_the_number_of_points(monkeypatch):
    monkeypatch.setattr(addition, "_ROWS", 1)
    monkeypatch.setattr(addition, "_BLOCKS", 8)
    C = graph(100)
    assert (addition.plus_transpose(C) != C + C.T).nnz == 0


def test_affinities_of_many_points_are_those_of_few(monkeypatch):
    near = found()
    few = affinities.perplexity(near, 20)
    monkeypatch.setattr("bhtsne.affinities.symmetrization._MANY", 100)
    many = affinities.perplexity(near, 20)
    assert_joint(many, 300)
    assert few.data.tobytes() == many.data.tobytes()
    np.testing.assert_array_equal(few.indices, many.indices)


def test_joint_refuses_what_is_not_square():
    with pytest.raises(ValueError, match=r"of shape \(N, N\), got \(2, 3\)"):
        affinities.joint(sparse.csr_array(np.ones((2, 3))))
