"""Forces equal the oracle's: exactly where they are exact, closely where a tree stands in."""

import inspect
import itertools
import math
import platform
import re
import warnings

import naive
import numba
import numpy as np
import pytest
from scipy import sparse

from bhtsne import forces, jit, tree
from bhtsne.forces import edges, exact, nodes, packed, pruning, sums
from bhtsne.forces.objective import KLDivergence

LAYOUTS = {
    "uniform": lambda rng, n, d, size: rng.uniform(-size, size, (n, d)),
    "clustered": lambda rng, n, d, size: (
        rng.uniform(-size, size, (10, d))[rng.integers(10, size=n)] + rng.normal(size=(n, d))
    ),
    "normal": lambda rng, n, d, size: size * rng.normal(size=(n, d)),
    "axis": lambda rng, n, d, size: rng.uniform(-size, size, (n, 1)) * np.eye(d)[-1],
    "diagonal": lambda rng, n, d, size: rng.uniform(-size, size, (n, 1)) * np.ones(d),
    "duplicates": lambda rng, n, d, size: size * rng.normal(size=(20, d))[rng.integers(20, size=n)],
    "far groups": lambda rng, n, d, size: (
        rng.normal(size=(n, d)) + size * rng.integers(2, size=(n, 1))
    ),
}
DOFS = (0.5, 1.0, 3.0)
# In one dimension the tree's loops are those of three with less in them: one dof is enough there.
TREE_CASES = [(1, 1.0), *itertools.product((2, 3), DOFS)]


def points(n, d, *, layout="clustered", size=30.0):
    return LAYOUTS[layout](np.random.default_rng(n + d), n, d, size)


def affinities(n, *, degree=8):
    """Return sparse joint affinities of random strengths, about 2 · degree in a row."""
    rng = np.random.default_rng(n)
    rows, columns = np.repeat(np.arange(n), degree), rng.integers(n, size=n * degree)
    p = rng.exponential(size=n * degree) * (rows != columns)
    at = (rows.astype(np.int32), columns.astype(np.int32))
    P = sparse.coo_array((p, at), shape=(n, n)).tocsr()
    P = P + P.T
    return sparse.csr_array(P / P.sum(), dtype=np.float32)


def dense(P):
    return P.toarray().astype(np.float64)


def error(found, truth):
    """Return the relative root of the mean square error."""
    return np.linalg.norm(found - truth) / np.linalg.norm(truth)


# Repulsion


@pytest.mark.parametrize("d", [1, 2, 3, 5])
@pytest.mark.parametrize("dof", DOFS)
def test_exact_repulsion_is_the_oracles(d, dof):
    for n in (2, 25, 300):
        Y = points(n, d)
        force, z = forces.repulsion(Y, method="exact", dof=dof)
        assert force.dtype == np.float64
        assert error(force, naive.repulsion(Y, dof)) < 1e-12
        assert z == pytest.approx(naive.z(Y, dof), rel=1e-12)


def test_exact_repulsion_on_some_points_is_that_part_of_the_whole():
    Y, rows = points(1500, 2), np.array([3, 600, 1499])
    force, z = exact.repulsion(Y, 1.0, rows)
    np.testing.assert_allclose(force, naive.repulsion(Y)[rows], rtol=1e-10)
    assert z == pytest.approx(naive.weights(Y)[rows].sum(), rel=1e-12)


@pytest.mark.full(after=2)
@pytest.mark.parametrize(("d", "dof"), TREE_CASES)
@pytest.mark.parametrize(
    ("layout", "size"),
    [
        ("uniform", 1), ("uniform", 10), ("uniform", 30), ("uniform", 100), ("uniform", 1000),
        ("clustered", 30), ("normal", 1e-4), ("axis", 1), ("axis", 30), ("axis", 300),
        ("diagonal", 1), ("diagonal", 30), ("diagonal", 300), ("duplicates", 1),
        ("duplicates", 30), ("far groups", 1000),
    ],
)  # fmt: skip
def test_barnes_hut_errs_by_less_than_2_in_1000(layout, size, d, dof):
    for n in (300, 2500):
        Y = points(n, d, layout=layout, size=size)
        truth = forces.repulsion(Y, method="exact", dof=dof)
        found = forces.repulsion(Y, dof=dof)
        assert found.force.dtype == np.float32
        assert error(found.force, truth.force) < 2e-3


@pytest.mark.full(after=2)
@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("layout", ["clustered", "uniform", "diagonal"])
def test_barnes_hut_errs_little_in_z_and_at_5000_points(layout, d):
    Y = points(5000, d, layout=layout)
    truth, found = forces.repulsion(Y, method="exact"), forces.repulsion(Y)
    assert error(found.force, truth.force) < 2e-3
    assert found.z == pytest.approx(truth.z, rel=2e-4)


@pytest.mark.parametrize(("d", "dof"), TREE_CASES)
def test_barnes_hut_comes_to_the_exact_sum_as_theta_falls(d, dof):
    Y = points(2000, d)
    truth = forces.repulsion(Y, method="exact", dof=dof)
    found = {t: forces.repulsion(Y, theta=t, dof=dof) for t in (0, 0.1, 0.25, 0.5, 1.0)}
    errors = [error(f.force, truth.force) for f in found.values()]
    noise = 1e-6  # of sums of 2000 terms in float32
    assert errors[0] < noise
    assert found[0].z == pytest.approx(truth.z, rel=1e-6)
    assert errors[1] < 1e-5
    assert all(errors[k] <= errors[k + 1] + noise for k in range(4))
    assert 4 * errors[3] < errors[4] < 0.1


@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_error_is_of_the_third_order_in_theta(d):
    """The first order vanishes and the second is summed: half of theta, an eighth of the error."""
    Y = points(4000, d, layout="uniform", size=10)
    truth = forces.repulsion(Y, method="exact").force
    small, large = (error(forces.repulsion(Y, theta=t).force, truth) for t in (0.4, 0.8))
    assert small < large / 4


@pytest.mark.parametrize("method", forces.METHODS)
@pytest.mark.parametrize("dof", DOFS)
@pytest.mark.parametrize(("n", "d"), [(2, 2), (25, 3), (700, 2), (5000, 3)])
def test_coincident_points_are_pairs_like_others(n, d, dof, method):
    force, z = forces.repulsion(np.full((n, d), 3.7), method=method, dof=dof)
    assert z == pytest.approx(n * (n - 1), rel=1e-12)
    assert abs(force).max() < 1e-15


@pytest.mark.parametrize("method", forces.METHODS)
@pytest.mark.parametrize("theta", [0.0, 0.5])
@pytest.mark.parametrize("layout", ["clustered", "duplicates", "normal"])
def test_self_is_left_out_exactly_once(layout, theta, method):
    for n in (2, 3, 25, 300):
        Y = points(n, 2, layout=layout, size=3)
        z = forces.repulsion(Y, method=method, theta=theta).z
        assert z == pytest.approx(naive.z(Y), rel=1e-4)


@pytest.mark.parametrize("method", forces.METHODS)
def test_a_point_alone_is_under_no_force(method):
    force, z = forces.repulsion(np.array([[1.0, 2.0]]), method=method)
    assert z == 0
    assert abs(force).max() < 1e-20


@pytest.mark.full(after=3)
@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("distance", [100.0, 1e3, 1e4, 1e5])
def test_z_is_right_where_points_are_far_apart(distance, d):
    """What is left of Z is small beside the self terms, which must not cost its digits."""
    Y = distance * np.arange(4)[:, None] * np.ones(d)
    assert forces.repulsion(Y).z == pytest.approx(naive.z(Y), rel=1e-3, abs=0)


# Attraction and the divergence


@pytest.mark.full(after=3)
@pytest.mark.parametrize("dof", DOFS)
@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_attraction_is_the_oracles(d, dof):
    P, Y = affinities(300), points(300, d)
    found = forces.attraction(P, Y, dof=dof)
    assert found.dtype == np.float64
    assert error(found, naive.attraction(dense(P), Y, dof)) < 1e-12


@pytest.mark.full(after=1)
@pytest.mark.parametrize("d", [1, 2, 3])
def test_attraction_of_a_float32_map_is_the_oracles(d):
    P, Y = affinities(300), points(300, d).astype(np.float32)
    found = forces.attraction(P, Y)
    assert found.dtype == np.float32
    assert error(found, naive.attraction(dense(P), Y)) < 1e-6


@pytest.mark.parametrize(
    "change",
    [
        dense, sparse.csr_array.toarray, sparse.csr_matrix, sparse.coo_array, sparse.csc_array,
        lambda P: P.astype(np.float64),
        lambda P: sparse.csr_array((P.data, P.indices.astype(np.int64), P.indptr.astype(np.int64))),
    ],
    ids=["dense64", "dense32", "csr_matrix", "coo", "csc", "float64", "int64"],
)  # fmt: skip
def test_affinities_may_come_in_any_form(change):
    P, Y = affinities(300), points(300, 2)
    np.testing.assert_allclose(forces.attraction(change(P), Y), forces.attraction(P, Y), rtol=1e-9)
    assert forces.kl_divergence(change(P), Y) == pytest.approx(forces.kl_divergence(P, Y))


@pytest.mark.parametrize("dof", DOFS)
@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_divergence_is_the_oracles_point_by_point(d, dof):
    P, Y = affinities(300), points(300, d)
    kl = forces.kl_divergence(P, Y, dof=dof)
    assert kl == pytest.approx(naive.kl(dense(P), Y, dof), rel=1e-9)
    per_point = forces.divergence_per_point(P, Y, naive.z(Y, dof), dof)
    np.testing.assert_allclose(per_point, naive.kl_per_point(dense(P), Y, dof), atol=1e-12)


@pytest.mark.full(after=1)
@pytest.mark.parametrize("dof", DOFS)
def test_divergence_by_barnes_hut_is_near(dof):
    P, Y = affinities(2000), points(2000, 2)
    found = forces.kl_divergence(P, Y, method="barnes_hut", dof=dof)
    assert found == pytest.approx(forces.kl_divergence(P, Y, dof=dof), abs=1e-4)


def test_divergence_is_0_where_the_map_fits_and_positive_elsewhere():
    Y = points(60, 2, layout="normal", size=2)
    P = naive.q(Y)
    assert abs(forces.kl_divergence(P, Y)) < 1e-6
    for seed in range(20):
        other = np.random.default_rng(seed).normal(size=(60, 2)) * 10.0 ** (seed % 5 - 2)
        assert forces.kl_divergence(P, other) > 1e-3


def test_explicit_zeros_and_empty_rows_count_nothing():
    P, Y = affinities(300).toarray(), points(300, 2)
    P[:, :200:3] = P[:200:3, :] = 0
    without = sparse.csr_array(P)
    with_zeros = sparse.csr_array(np.where(P == 0, 1, P))
    with_zeros.data[with_zeros.data == 1] = 0
    assert with_zeros.nnz == 300 * 300
    assert np.diff(without.indptr).min() == 0
    found = forces.attraction(with_zeros, Y)
    np.testing.assert_allclose(found, forces.attraction(without, Y), atol=1e-18)
    assert not found[:200:3].any()
    assert error(found, naive.attraction(dense(without), Y)) < 1e-12
    truth = naive.kl(dense(without), Y)
    assert forces.kl_divergence(with_zeros, Y) == pytest.approx(truth, rel=1e-7)
    assert forces.kl_divergence(without, Y) == pytest.approx(truth, rel=1e-7)


def test_a_row_longer_than_a_buffer_is_summed_whole():
    P, Y = naive.q(points(700, 2)), points(700, 3)
    found = forces.attraction(P, Y)
    assert error(found, naive.attraction(P.astype(np.float32), Y)) < 1e-12


# The gradient


@pytest.mark.full(after=4)
@pytest.mark.parametrize("dof", DOFS)
@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_gradient_is_the_slope_of_the_divergence(d, dof):
    P, Y = affinities(12), points(12, d, layout="normal", size=2)
    found, h = forces.gradient(P, Y, method="exact", dof=dof), 1e-5
    slope = np.empty_like(Y)
    for at in np.ndindex(Y.shape):
        step = np.zeros_like(Y)
        step[at] = h
        ahead, behind = (forces.kl_divergence(P, Y + s, dof=dof) for s in (step, -step))
        slope[at] = (ahead - behind) / (2 * h)
    assert error(found.grad, slope) < 1e-5
    assert found.kl == pytest.approx(naive.kl(dense(P), Y, dof), rel=1e-7)
    assert found.z == pytest.approx(naive.z(Y, dof), rel=1e-12)


@pytest.mark.parametrize("dof", DOFS)
@pytest.mark.parametrize("exaggeration", [1.0, 12.0, 0.3])
@pytest.mark.parametrize(("method", "bound"), [("exact", 1e-6), ("barnes_hut", 2e-3)])
def test_exaggeration_is_a_factor_of_the_attraction_alone(method, bound, exaggeration, dof):
    P, Y = affinities(300), points(300, 2)
    found = forces.gradient(P, Y, method=method, dof=dof, exaggeration=exaggeration)
    assert error(found.grad, naive.gradient(dense(P), Y, dof, exaggeration)) < bound
    assert found.kl == pytest.approx(naive.kl(dense(P), Y, dof), abs=1e-4)  # of P as it is


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize(("method", "bound"), [("exact", 1e-12), ("barnes_hut", 1e-3)])
def test_forces_sum_to_nothing(method, bound, d):
    grad = forces.gradient(affinities(2000), points(2000, d), method=method).grad
    total = np.linalg.norm(grad.sum(axis=0, dtype=np.float64))
    assert total < bound * np.linalg.norm(grad, axis=1).sum()


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize(("method", "bound"), [("exact", 1e-9), ("barnes_hut", 2e-3)])
def test_a_map_moved_turned_or_mirrored_has_its_forces_turned_alike(method, bound, d):
    P, Y = affinities(1000), points(1000, d)
    turn, _ = np.linalg.qr(np.random.default_rng(d).normal(size=(d, d)))
    grad = forces.gradient(P, Y, method=method).grad
    for factor in (turn, -turn):
        moved = forces.gradient(P, Y @ factor + 5, method=method).grad
        assert error(moved, grad @ factor) < bound


# Bits, inputs, errors


@pytest.mark.parametrize("method", forces.METHODS)
@pytest.mark.parametrize("d", [1, 2, 3])
def test_bits_depend_neither_on_the_number_of_threads_nor_on_the_run(d, method):
    P, Y = affinities(3000), points(3000, d).astype(np.float32)
    seen = []
    for n_jobs in (1, 2, 2):
        with jit.threads(n_jobs):
            force, z = forces.repulsion(Y, method=method)
            pull = forces.attraction(P, Y)
            grad, kl, _ = forces.gradient(P, Y, method=method)
            other = forces.kl_divergence(P, Y, method=method)
        seen.append([a.tobytes() for a in (force, pull, grad)] + [z, kl, other])
    assert seen[0] == seen[1] == seen[2]


@pytest.mark.parametrize("method", forces.METHODS)
def test_inputs_are_not_changed(method):
    P, Y = affinities(300), points(300, 2)
    before = [a.copy() for a in (P.data, P.indices, P.indptr, Y)]
    forces.gradient(P, Y, method=method, exaggeration=12)
    forces.attraction(P, Y)
    forces.kl_divergence(P, Y, method=method)
    objective = KLDivergence(P, method, 0.5, 1.0)
    for _ in range(30):
        objective.gradient(Y.astype(np.float32), 12.0)
    for a, b in zip(before, (P.data, P.indices, P.indptr, Y), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64, np.longdouble, ">f4", ">f8"])
@pytest.mark.parametrize("method", forces.METHODS)
def test_maps_may_be_of_any_float_or_integer_type(method, dtype):
    P, Y = affinities(50), np.round(points(50, 2, layout="normal", size=9)) + 60
    given = Y.astype(dtype)
    assert error(forces.repulsion(given, method=method).force, naive.repulsion(Y)) < 2e-3
    assert error(forces.attraction(P, given), naive.attraction(dense(P), Y)) < 1e-6
    assert forces.kl_divergence(P, given, method=method) == pytest.approx(
        naive.kl(dense(P), Y), rel=1e-4
    )


@pytest.mark.parametrize("change", [np.asfortranarray, lambda Y: np.repeat(Y, 2, 0)[::2], list])
def test_maps_may_lie_in_memory_as_they_like(change):
    P, Y = affinities(300), points(300, 2)
    for method in forces.METHODS:
        a, b = (forces.gradient(P, y, method=method) for y in (Y, change(Y)))
        assert a.grad.tobytes() == b.grad.tobytes()
        assert (a.kl, a.z) == (b.kl, b.z)


CALLS = {
    "repulsion": lambda P, Y, **options: forces.repulsion(Y, **options),
    "gradient": forces.gradient,
    "kl_divergence": forces.kl_divergence,
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"theta": -0.5}, r"theta .*-0\.5"), ({"theta": np.nan}, "theta .*nan"),
        ({"theta": np.inf}, "theta .*inf"), ({"dof": 0}, "dof .*0"),
        ({"dof": -2.5}, r"dof .*-2\.5"), ({"dof": np.nan}, "dof .*nan"),
        ({"dof": np.inf}, "dof .*inf"),
        ({"method": "fft"}, "method .*'fft'"), ({"method": None}, "method .*None"),
    ],
    ids=str,
)  # fmt: skip
def test_a_wrong_option_is_refused_by_name_and_value(call, options, message):
    with pytest.raises(ValueError, match=message):
        call(affinities(30), points(30, 2), **options)


@pytest.mark.parametrize("method", forces.METHODS)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_wrong_map_is_refused(call, method):
    P, Y = affinities(30), points(30, 2)
    for value in (np.nan, np.inf, -np.inf):
        Y[4, 1] = value
        with pytest.raises(ValueError, match="Y must be finite, got NaN or infinity"):
            call(P, Y, method=method)
    for shape, seen in (((30,), r"\(30,\)"), ((0, 2), r"\(0, 2\)"), ((3, 5, 2), r"\(3, 5, 2\)")):
        with pytest.raises(ValueError, match=rf"Y must be a map of shape \(N, d\), got .*{seen}"):
            call(P, np.zeros(shape), method=method)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_barnes_hut_refuses_more_than_3_dimensions_and_names_the_way_out(call):
    with pytest.raises(ValueError, match='got 4; use method="exact"'):
        call(affinities(30), points(30, 4), method="barnes_hut")


def test_attraction_checks_its_inputs_too():
    P, Y = affinities(30), points(30, 2)
    with pytest.raises(ValueError, match=r"dof .*-1"):
        forces.attraction(P, Y, dof=-1)
    with pytest.raises(ValueError, match="Y must be finite"):
        forces.attraction(P, np.where(Y > 0, np.nan, Y))


@pytest.mark.parametrize("method", forces.METHODS)
@pytest.mark.parametrize("shape", [(30, 29), (31, 31), (29, 29)])
def test_affinities_of_another_shape_are_refused(shape, method):
    P, Y = sparse.csr_array(shape, dtype=np.float32), points(30, 2)
    match = rf"\(30, 30\).*got \({shape[0]}, {shape[1]}\)"
    with pytest.raises(ValueError, match=match):
        forces.attraction(P, Y)
    with pytest.raises(ValueError, match=match):
        forces.gradient(P, Y, method=method)
    with pytest.raises(ValueError, match=match):
        forces.kl_divergence(P, Y, method=method)


@pytest.mark.parametrize("method", forces.METHODS)
@pytest.mark.parametrize("call", [forces.gradient, forces.kl_divergence])
def test_a_single_point_has_no_divergence_and_is_refused(call, method):
    with pytest.raises(ValueError, match="2 points or more"):
        call(np.zeros((1, 1)), np.zeros((1, 2)), method=method)


# What the optimizer minimises


@pytest.mark.full(after=2)
@pytest.mark.parametrize("method", forces.METHODS)
@pytest.mark.parametrize(("d", "dof"), [(1, 1.0), (2, 1.0), (2, 3.0), (3, 1.0), (3, 3.0)])
def test_the_objective_has_the_gradient(d, method, dof):
    P, Y = affinities(1000), points(1000, d).astype(np.float32)
    for exaggeration in (1.0, 12.0):
        found = KLDivergence(P, method, 0.5, dof).gradient(Y, exaggeration)
        options = {"method": method, "theta": 0.5, "dof": dof, "exaggeration": exaggeration}
        truth = forces.gradient(P, Y, **options).grad
        assert found.shape == Y.shape
        assert error(found, truth) < 1e-6


@pytest.mark.parametrize("method", forces.METHODS)
def test_sorting_on_the_way_does_not_change_a_bit(method):
    P, Y, other = affinities(2000), points(2000, 2), points(2000, 2, layout="uniform")
    Y, other = Y.astype(np.float32), other.astype(np.float32)
    objective = KLDivergence(P, method, 0.5, 1.0)
    first = objective.gradient(Y, 12.0)
    assert np.array_equal(objective._order, tree.build(Y).order) == (method == "barnes_hut")
    for _ in range(25):
        objective.gradient(other, 12.0)
    assert np.array_equal(objective._order, tree.build(other).order) == (method == "barnes_hut")
    assert objective.gradient(Y, 12.0).tobytes() == first.tobytes()


@pytest.mark.parametrize("dof", [1.0, 3.0])
@pytest.mark.parametrize("method", forces.METHODS)
def test_check_returns_the_divergence_and_the_error_of_the_force(method, dof):
    P, Y = affinities(2000), points(2000, 2).astype(np.float32)
    kl, found = KLDivergence(P, method, 0.8, dof).check(Y)
    assert kl == forces.kl_divergence(P, Y, method=method, theta=0.8, dof=dof)
    force, truth = (forces.repulsion(Y, method=m, theta=0.8, dof=dof)[0] for m in (method, "exact"))
    true_error = error(force, truth)
    assert true_error / 2 <= found <= 2 * true_error
    assert (true_error == 0) == (method == "exact")


@pytest.mark.parametrize("method", forces.METHODS)
def test_check_works_for_fewer_points_than_its_sample(method):
    P, Y = affinities(20), points(20, 2).astype(np.float32)
    kl, found = KLDivergence(P, method, 0.5, 1.0).check(Y)
    assert kl == pytest.approx(naive.kl(dense(P), Y), abs=1e-5)
    assert found < 1e-5


@pytest.mark.parametrize("dof", [0.5, 1.0, 3.0])
def test_the_divergence_is_that_of_the_c_library_s_logarithms(dof):
    """Of rows shorter and longer than a chunk, with zeros among the affinities."""
    rng = np.random.default_rng(0)
    P, Y = rng.exponential(size=(700, 700)) ** 6, rng.normal(size=(700, 2)).astype(np.float32) * 9
    P[rng.random(P.shape) < 0.3] = 0
    P[350:] *= rng.random((350, 700)) < 0.1
    P = (P / P.sum()).astype(np.float32)
    with_zeros = sparse.csr_array(
        (P.ravel(), *np.nonzero(np.ones(P.shape))[1:], np.arange(0, 490_001, 700)), shape=P.shape
    )
    d2 = ((Y[:, None].astype(np.float64) - Y) ** 2).sum(axis=2)
    w = (1 + d2 / dof) ** (-(dof + 1) / 2)
    p = P.astype(np.float64)
    expected = np.where(p > 0, p * np.log(np.where(p > 0, p, 1) * 1e5 / w), 0).sum(axis=1)
    for stored in (sparse.csr_array(P), with_zeros):
        assert np.allclose(
            edges.divergence_by_row(stored, Y, 1e5, dof), expected, rtol=1e-12, atol=1e-15
        )


# Pruned affinities


@pytest.mark.parametrize("share", [1e-6, 0.1, 1 / 6, 0.5, 0.9])
def test_the_largest_affinities_of_either_point_stay(share):
    P = affinities(500)
    got, rows = pruning.pruned(P, share), dense(P)
    largest = np.zeros(rows.shape, bool)
    for i, row in enumerate(rows):
        wanted = math.ceil(share * (row > 0).sum())
        largest[i, np.argsort(-row)[:wanted]] = True
    expected = np.where(largest | largest.T, rows, 0)
    assert np.array_equal(dense(got) > 0, expected > 0)
    assert np.allclose(dense(got), expected / expected.sum(), rtol=1e-6)
    assert (got != got.T).nnz == 0
    assert (got.dtype, got.indices.dtype) == (P.dtype, P.indices.dtype)


def test_pruning_leaves_the_whole_and_what_it_cannot_tell_apart():
    P = affinities(300)
    assert pruning.pruned(P, 1.0) is P
    same = P.copy()
    same.data[:] = 1 / P.nnz
    assert pruning.pruned(same, 0.2).nnz == P.nnz
    lonely = sparse.csr_array(np.diag([0.5, 0.5, 0], 1) + np.diag([0.5, 0.5, 0], -1), dtype="f4")
    assert np.array_equal(dense(pruning.pruned(lonely, 0.5)), dense(lonely) / 2)


def test_pruned_affinities_are_equal_at_any_number_of_threads():
    P = affinities(9000)
    by_threads = []
    for n_jobs in (1, 2):
        with jit.threads(n_jobs):
            got = pruning.pruned(P, 0.3)
        by_threads.append([part.tobytes() for part in (got.data, got.indices, got.indptr)])
    assert by_threads[0] == by_threads[1]


@pytest.mark.parametrize("method", forces.METHODS)
def test_pruned_affinities_attract_and_all_make_the_divergence(method):
    P, Y = affinities(2000), points(2000, 2).astype(np.float32)
    pruned, whole = pruning.pruned(P, 0.3), KLDivergence(P, method, 0.5, 1.0)
    expected = KLDivergence(pruned, method, 0.5, 1.0).gradient(Y, 4.0), whole.gradient(Y, 4.0)
    kl = whole.check(Y)
    objective = KLDivergence(P, method, 0.5, 1.0)
    for share, grad in zip((0.3, 1.0, 0.3), (*expected, expected[0]), strict=True):
        objective.affinity_share = share
        assert objective.gradient(Y, 4.0).tobytes() == grad.tobytes()
        assert objective.check(Y) == kl


@pytest.mark.parametrize("method", forces.METHODS)
def test_a_repulsion_that_is_used_again_is_that_of_the_map_before(method):
    P, n = affinities(2000), 2000
    maps = [points(n, 2, layout=layout).astype(np.float32) for layout in ("clustered", "normal")]
    objective = KLDivergence(P, method, 0.5, 0.7)
    objective.reuse = True  # there is none before the first gradient
    fresh = [forces.gradient(P, Y, method=method, theta=0.5, dof=0.7).grad for Y in maps]
    factor = 2 * (1 + 1 / 0.7)
    pulls = [3 * factor * forces.attraction(P, Y, dof=0.7) for Y in maps]
    plain = [factor * forces.attraction(P, Y, dof=0.7) for Y in maps]
    close = {"rtol": 1e-4, "atol": 1e-5 * abs(fresh[0]).max()}
    first, again = objective.gradient(maps[0], 3.0), objective.gradient(maps[1], 3.0)
    np.testing.assert_allclose(first, pulls[0] - plain[0] + fresh[0], **close)
    np.testing.assert_allclose(again, pulls[1] - plain[0] + fresh[0], **close)
    objective.reuse = False
    anew = objective.gradient(maps[1], 3.0)
    np.testing.assert_allclose(anew, pulls[1] - plain[1] + fresh[1], **close)


# Nodes


@pytest.mark.parametrize("n", [1, 70, 300])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_a_cubic_field_at_the_nodes_is_interpolated_exactly(d, n):
    rng = np.random.default_rng(d)
    Y = points(n, d).astype(np.float32)
    axes = packed.axes(np.ascontiguousarray(Y.T))
    box, at = np.empty((3, 2), np.float32), np.empty((d, nodes.NODES**d), np.float32)
    weights = np.empty((3, nodes.NODES, nodes.CHUNK), np.float32)
    powers = rng.normal(size=(d + 1, d, 4)) / 30.0 ** np.arange(4)

    def cubic(row, where):
        return np.prod([np.polyval(powers[row, a][::-1], where[a]) for a in range(d)], axis=0)

    out = np.zeros((d + 1, n), np.float32)
    for first, last in ((0, n // 2), (n // 2, n)):
        if first < last:
            nodes.place(axes, first, last, box, packed.axes(at), 0, nodes.NODES**d)
            field = np.array([cubic(row, at) for row in range(d + 1)], np.float32)
            nodes.spread(axes, first, last, box, field, weights, out)
    truth = np.array([cubic(row, Y.T.astype(np.float64)) for row in range(d + 1)])
    np.testing.assert_allclose(out, truth, rtol=1e-4, atol=1e-5 * abs(truth).max())


# The compiled code

LINE, BLOCK, ONE = np.zeros(64, np.float32), np.zeros(sums.BLOCK_SIZE, np.float32), np.float32(1)
PACKED = {
    ("x86_64", 4): r"\bv?divps\b", ("x86_64", 8): r"\bv?divpd\b",
    ("aarch64", 4): r"\bfdiv(\.4s)?\s+(v\d+\.4s|v\d+)", ("aarch64", 8): r"\bfdiv(\.2d)?\s+v\d+",
}  # fmt: skip
LOOPS = {
    f"{name}-{d}d": (function, arguments[d], itemsize)
    for name, function, itemsize, arguments in [
        ("points", sums._sum_pairs, 4, {
            d: (0, *ends, np.stack([LINE] * 3), 64, ONE, None)
            for d in (1, 2, 3) for ends in [(LINE,) * d + (None,) * (3 - d)]
        }),
        ("points of any kernel", sums._sum_pairs, 4, {
            2: (0, LINE, LINE, None, np.stack([LINE] * 3), 64, ONE, -ONE),
        }),
        ("cells of any kernel", sums._add_cell, 4, {
            2: (BLOCK, LINE, None, LINE, -ONE, packed.kernel(3.0)),
        }),
        ("cells", sums._add_cell, 4, {
            d: (BLOCK, *ends, LINE, None, packed.kernel(1.0))
            for d in (1, 2, 3) for ends in [(LINE,) * (d - 1) + (None,) * (3 - d)]
        }),
        ("edges", edges._pull, 4, {
            d: (LINE[:4], LINE[:4], LINE, LINE, 16, ONE, None if d < 3 else True, None, None)
            for d in (1, 2, 3)
        }),
        ("edges to others", edges._pull, 4, {
            2: (LINE[:3], LINE[:2], LINE, LINE, 16, ONE, None, None, True),
        }),
        ("exact", exact._fill_weights, 8, {
            2: (np.zeros((2, 64)), exact._Targets(np.zeros((2, 64)), np.zeros(64, np.int64)), 0, 0,
                1.0, None, *[np.zeros(64)] * 2),
        }),
    ]
    for d in arguments
}  # fmt: skip


@pytest.mark.full(after=1)
@pytest.mark.parametrize(("function", "arguments", "itemsize"), LOOPS.values(), ids=LOOPS)
def test_inner_loops_divide_whole_vectors(function, arguments, itemsize):
    """The division stands once in a loop, so that it is packed only if the loop is."""
    machine = {"AMD64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
    if (machine, itemsize) not in PACKED:
        pytest.skip(f"the packed instructions of {machine} are not listed here")
    # What comes from the cache cannot be inspected.
    fresh = numba.njit(error_model="numpy", fastmath=jit.FASTMATH)(function.py_func)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", numba.NumbaWarning)
        fresh.compile(tuple(numba.typeof(a) for a in arguments))
    (code,) = fresh.inspect_asm().values()
    assert re.search(PACKED[machine, itemsize], code)


@pytest.mark.parametrize("exponent", [-0.501, -0.75, -1.5, -3.0, -20.0])
def test_powers_by_straight_code_are_powers(exponent):
    t = np.concatenate([1 + np.geomspace(1e-7, 1, 500), np.geomspace(2, 1e38, 2000)])
    for value in t.astype(np.float32):
        truth = float(value) ** exponent
        found = sums._power(value, np.float32(exponent))
        assert found == pytest.approx(truth, rel=1e-5 * (1 - exponent), abs=1e-37)
    assert sums._power(np.float32(1), np.float32(exponent)) == 1
    assert sums._power(np.float32(np.inf), np.float32(exponent)) < 1e-19


@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_cell_that_holds_a_stray_is_opened_for_it(d):
    """The root, whose middle lies by the others, looks small from its far corner at large θ."""
    Y = np.random.default_rng(0).normal(size=(193, d)).astype(np.float32) * 100
    Y[0] = 5e5
    truth = forces.repulsion(Y.astype(np.float64), method="exact")
    fast = forces.repulsion(Y, theta=0.8)
    np.testing.assert_allclose(fast.z, truth.z, rtol=1e-3)
    np.testing.assert_allclose(fast.force[0], truth.force[0], rtol=1e-2)


@pytest.mark.parametrize(("d", "four"), [(2, numba.types.none), (3, numba.types.boolean)])
def test_the_compiler_knows_how_many_coordinates_the_attraction_sums(d, four):
    """With a number that is known only at run time, the sum takes twice the time."""
    Y = np.random.default_rng(0).normal(size=(50, d)).astype(np.float32)
    forces.attraction(sparse.csr_array(np.eye(50, k=1, dtype=np.float32)), Y)
    names = inspect.signature(edges._sum_rows.py_func).parameters
    compiled = [dict(zip(names, sig, strict=True)) for sig in edges._sum_rows.signatures]
    flags = {(one["four"], one["more"]) for one in compiled}
    assert (four, numba.types.none) in flags
