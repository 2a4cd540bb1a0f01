"""The tree holds every point once, in nested cells whose moments are those of their points."""

import itertools

import numpy as np
import pytest

from bhtsne import jit, tree

EPS = np.finfo(np.float32).eps
LAYOUTS = {
    "uniform": lambda rng, n, d: rng.uniform(-1, 1, (n, d)),
    "clustered": lambda rng, n, d: (
        rng.uniform(-50, 50, (8, d))[rng.integers(8, size=n)] + 0.1 * rng.normal(size=(n, d))
    ),
    "all equal": lambda rng, n, d: np.full((n, d), 3.7),
    "duplicates": lambda rng, n, d: rng.normal(size=(9, d))[rng.integers(9, size=n)],
    "axis": lambda rng, n, d: rng.uniform(-9, 9, (n, 1)) * np.eye(d)[-1],
    "diagonal": lambda rng, n, d: rng.uniform(-9, 9, (n, 1)) * np.ones(d),
    "two far groups": lambda rng, n, d: (
        rng.normal(size=(n, d)) + 1e5 * rng.integers(2, size=(n, 1))
    ),
    "away from zero": lambda rng, n, d: 1000 + 1e-3 * rng.normal(size=(n, d)),
    "tiny": lambda rng, n, d: 1e-30 * rng.normal(size=(n, d)),
}
CASES = [
    *itertools.product(LAYOUTS, (1, 2, 3), (25, 1000)),
    *itertools.product(["clustered"], (1, 2, 3), (5000,)),
    *itertools.product(["uniform", "all equal"], (1, 2, 3), (1, 2)),
]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: "{}-{}d-{}".format(*case))
def built(request):
    layout, d, n = request.param
    Y = LAYOUTS[layout](np.random.default_rng(n), n, d).astype(np.float32)
    return Y, tree.build(Y)


def children(t, c):
    k = c + 1
    while k < t.skip[c]:
        yield k
        k = t.skip[k]


def inner_cells(t):
    return np.flatnonzero(t.skip > np.arange(len(t.skip)) + 1)


def leaves(t):
    return np.flatnonzero(t.skip == np.arange(len(t.skip)) + 1)


def test_order_is_a_permutation(built):
    Y, t = built
    assert np.array_equal(np.sort(t.order), np.arange(len(Y)))


def test_points_are_the_map_in_that_order(built):
    Y, t = built
    assert np.array_equal(t.points, Y[t.order].T)
    assert t.points.flags.c_contiguous


def test_arrays_have_the_documented_types_and_shapes(built):
    Y, t = built
    (n, d), m = Y.shape, len(t.start)
    assert [a.dtype for a in (t.order, t.start, t.stop, t.skip, t.groups)] == [np.int32] * 5
    assert [a.dtype for a in (t.points, t.width, t.center, t.quadrupole)] == [np.float32] * 4
    assert t.order.shape == (n,)
    assert t.stop.shape == t.skip.shape == t.width.shape == (m,)
    assert t.center.shape == (d, m)
    assert t.quadrupole.shape == (d * (d + 1) // 2, m)


def test_the_root_holds_every_point(built):
    Y, t = built
    assert (t.start[0], t.stop[0], t.skip[0]) == (0, len(Y), len(t.start))


def test_children_partition_their_parent_and_are_smaller(built):
    _, t = built
    for c in inner_cells(t):
        of_c = list(children(t, c))
        assert 2 <= len(of_c) <= 2 ** len(t.points)
        assert t.skip[of_c[-1]] == t.skip[c]
        edges = [t.start[of_c[0]], *(t.stop[k] for k in of_c)]
        assert (edges[0], edges[-1]) == (t.start[c], t.stop[c])
        assert [t.start[k] for k in of_c[1:]] == edges[1:-1]
        assert (np.diff(edges) > 0).all()
        assert (t.width[of_c] <= t.width[c] / 2).all()


def test_every_cell_but_the_root_is_the_child_of_one(built):
    _, t = built
    found = [k for c in inner_cells(t) for k in children(t, c)]
    assert sorted(found) == list(range(1, len(t.start)))


def test_leaves_partition_the_points(built):
    Y, t = built
    last = leaves(t)
    assert t.start[last[0]] == 0
    assert np.array_equal(t.start[last[1:]], t.stop[last[:-1]])
    assert t.stop[last[-1]] == len(Y)


def test_siblings_are_apart_on_some_axis(built):
    _, t = built
    for c in inner_cells(t)[:50]:
        for a, b in itertools.combinations(children(t, c), 2):
            p, q = (t.points[:, t.start[k] : t.stop[k]] for k in (a, b))
            apart = (p.max(axis=1) < q.min(axis=1)) | (q.max(axis=1) < p.min(axis=1))
            assert apart.any()


def test_a_cells_points_lie_in_a_cube_of_its_width(built):
    _, t = built
    rounding = EPS * max(abs(t.points).max(), np.ptp(t.points, axis=1).max())
    for c in range(len(t.start)):
        extent = np.ptp(t.points[:, t.start[c] : t.stop[c]].astype(np.float64), axis=1).max()
        assert extent <= t.width[c] * (1 + EPS) + rounding


def test_the_root_is_as_wide_as_the_map_and_the_others_are_its_halves(built):
    Y, t = built
    side = np.ptp(Y.astype(np.float64), axis=0).max()
    if side > 0:
        assert side <= t.width[0] * (1 + EPS)
        assert t.width[0] <= side * (1 + 3e-6)
        halvings = np.log2(t.width[0] / t.width.astype(np.float64))
        assert abs(halvings - np.round(halvings)).max() < 1e-6


def test_a_large_leaf_holds_points_that_coincide_but_for_a_millionth_of_the_map(built):
    Y, t = built
    side = np.ptp(Y.astype(np.float64), axis=0).max()
    for c in leaves(t):
        if t.stop[c] - t.start[c] > tree.LEAF_SIZE:
            points = t.points[:, t.start[c] : t.stop[c]].astype(np.float64)
            assert np.ptp(points, axis=1).max() <= side * 2.0**-20


def test_centers_are_the_means_of_the_points(built):
    _, t = built
    for c in range(len(t.start)):
        points = t.points[:, t.start[c] : t.stop[c]].astype(np.float64)
        rounding = 8 * EPS * abs(points).max()
        assert abs(t.center[:, c] - points.mean(axis=1)).max() <= rounding


def test_quadrupoles_are_the_second_moments_of_the_points(built):
    _, t = built
    pairs = [(a, b) for b in range(len(t.points)) for a in range(b + 1)]
    for c in range(len(t.start)):
        points = t.points[:, t.start[c] : t.stop[c]].astype(np.float64)
        offsets = points - points.mean(axis=1, keepdims=True)
        truth = offsets @ offsets.T
        shift = 8 * EPS * abs(points).max()  # what rounding moves a centre by
        size = np.sqrt(np.trace(truth) / points.shape[1])
        bound = points.shape[1] * (8 * EPS * size**2 + 2 * size * shift + shift**2)
        found = np.array(t.quadrupole[:, c], np.float64)
        assert abs(found - [truth[a, b] for a, b in pairs]).max() <= bound + 1e-44


def test_groups_partition_the_points(built):
    Y, t = built
    assert t.start[t.groups[0]] == 0
    assert np.array_equal(t.start[t.groups[1:]], t.stop[t.groups[:-1]])
    assert t.stop[t.groups[-1]] == len(Y)


def test_groups_are_the_largest_cells_that_fit(built):
    _, t = built
    mass = t.stop - t.start
    is_leaf = t.skip == np.arange(len(t.skip)) + 1
    assert ((mass[t.groups] <= tree.GROUP_SIZE) | is_leaf[t.groups]).all()
    parent = np.full(len(mass), -1)
    for c in inner_cells(t):
        parent[list(children(t, c))] = c
    of_groups = parent[t.groups]
    assert (mass[of_groups[of_groups >= 0]] > tree.GROUP_SIZE).all()


@pytest.mark.parametrize("layout", ["uniform", "clustered"])
@pytest.mark.parametrize(("leaf_size", "group_size"), [(1, 1), (3, 50), (50, 7)])
def test_sizes_are_respected(layout, leaf_size, group_size):
    Y = LAYOUTS[layout](np.random.default_rng(0), 2000, 2)
    t = tree.build(Y, leaf_size=leaf_size, group_size=group_size)
    mass = t.stop - t.start
    assert mass[leaves(t)].max() <= leaf_size
    assert (mass[inner_cells(t)] > leaf_size).all()
    assert mass[t.groups].max() <= max(leaf_size, group_size)
    assert mass[t.groups].sum() == 2000


@pytest.mark.parametrize("d", [1, 2, 3])
def test_coincident_points_share_a_leaf_and_keep_their_order(d):
    Y = np.repeat(np.random.default_rng(0).normal(size=(4, d)), 100, axis=0)
    t = tree.build(Y)
    last = leaves(t)
    assert sorted(t.stop[last] - t.start[last]) == [100] * 4
    assert all((np.diff(t.order[t.start[c] : t.stop[c]]) > 0).all() for c in last)
    assert abs(t.quadrupole[:, last]).max() <= 1e-12


@pytest.mark.parametrize("d", [1, 2, 3])
def test_neighbours_in_order_are_neighbours_in_space(d):
    Y = np.random.default_rng(0).uniform(size=(5000, d))
    t = tree.build(Y)
    steps = np.linalg.norm(np.diff(t.points, axis=1), axis=0)
    shuffled = np.linalg.norm(np.diff(Y, axis=0), axis=1)
    assert steps.mean() < 0.3 * shuffled.mean()


@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_tree_is_the_same_at_any_number_of_threads_and_in_every_run(d):
    Y = np.random.default_rng(0).normal(size=(20_000, d))
    trees = []
    for n_jobs in (1, 2, 2):
        with jit.threads(n_jobs):
            trees.append(tree.build(Y))
    for other in trees[1:]:
        assert all(a.tobytes() == b.tobytes() for a, b in zip(trees[0], other, strict=True))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_input_is_not_changed_and_may_be_read_only(dtype):
    Y = np.random.default_rng(0).normal(size=(500, 2)).astype(dtype)
    before = Y.copy()
    Y.setflags(write=False)
    t = tree.build(Y)
    assert np.array_equal(Y, before)
    assert not any(np.shares_memory(Y, a) for a in t)


@pytest.mark.parametrize(
    "change",
    [np.asfortranarray, lambda Y: np.repeat(Y, 2, axis=0)[::2], lambda Y: Y.astype(">f8"), list],
    ids=["Fortran order", "strided", "big-endian", "list"],
)
def test_the_layout_in_memory_does_not_matter(change):
    Y = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32)
    other = tree.build(change(Y))
    assert all(a.tobytes() == b.tobytes() for a, b in zip(tree.build(Y), other, strict=True))


@pytest.mark.parametrize(
    ("shape", "seen"), [((5, 4), r"\(5, 4\)"), ((0, 2), r"\(0, 2\)"), ((5,), r"\(5,\)")]
)
def test_a_wrong_shape_is_refused_by_name(shape, seen):
    with pytest.raises(ValueError, match=f"Y must be an array of shape .* got {seen}"):
        tree.build(np.zeros(shape))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_what_is_not_finite_is_refused(value, d):
    Y = np.zeros((30, d))
    Y[7, d - 1] = value
    with pytest.raises(ValueError, match="Y must be finite"):
        tree.build(Y)
