"""Tree and forces against sums over all pairs, on maps of any layout: fuzzing with hypothesis."""

from itertools import pairwise

import naive
import numpy as np
import pytest
from hypothesis import assume
from hypothesis import strategies as st
from outcomes import examples, seeds
from scipy import sparse

from bhtsne import forces, tree

LAYOUTS = ("random", "lattice", "line", "diagonal", "two far", "one spot", "clusters", "rings",
           "heavy tails", "twins", "one stray")  # fmt: skip
SPACINGS = (1e-30, 1e-20, 1e-8, 1e-4, 0.1, 1.0, 10.0, 100.0, 1e4)


@st.composite
def maps(draw, most=300):
    """Return a map, float32, within what forces take, and its dimensions' names."""
    n, d = draw(st.integers(2, most)), draw(st.integers(1, 3))
    rng, layout = np.random.default_rng(draw(seeds())), draw(st.sampled_from(LAYOUTS))
    Y = rng.normal(size=(n, d))
    if layout == "lattice":
        Y = np.stack(np.unravel_index(np.arange(n), (7,) * (d - 1) + (n,)), axis=1).astype(float)
    elif layout == "line":
        Y[:, 1:] = 0
    elif layout == "diagonal":
        Y = np.repeat(Y[:, :1], d, axis=1)
    elif layout == "two far":
        Y = Y * 1e-3 + np.where(np.arange(n) % 2, 1e3, -1e3)[:, None]
    elif layout == "one spot":
        Y[:] = Y[0]
    elif layout == "clusters":
        Y = Y * 0.01 + rng.integers(-5, 5, size=(n, d))
    elif layout == "rings":
        Y /= np.linalg.norm(Y, axis=1, keepdims=True)
    elif layout == "heavy tails":
        Y = rng.standard_cauchy(size=(n, d)).clip(-1e3, 1e3)
    elif layout == "twins":
        Y = Y[rng.integers(max(n // 5, 1), size=n)]
    elif layout == "one stray":
        Y[0] = 5e3
    return (Y * draw(st.sampled_from(SPACINGS))).clip(-1e6, 1e6).astype(np.float32)


@examples(1500, Y=maps(), leaf_size=st.sampled_from([1, 3, 24]))
def test_a_tree_holds_each_point_once_and_what_is_below_each_cell(Y, leaf_size):
    t = tree.build(Y, leaf_size=leaf_size, group_size=max(leaf_size, 40))
    n = len(Y)
    assert sorted(t.order) == list(range(n))
    np.testing.assert_array_equal(t.points, Y[t.order].T)
    leaves = np.flatnonzero(t.skip == np.arange(len(t.skip)) + 1)
    for cells in (leaves, t.groups):
        spans = sorted(zip(t.start[cells], t.stop[cells], strict=True))
        assert [start for start, _ in spans] == [0, *(stop for _, stop in spans[:-1])]
        assert spans[-1][1] == n
    Y64 = t.points.astype(np.float64)
    for c in range(len(t.start)):
        mine = Y64[:, t.start[c] : t.stop[c]]
        reach = np.ptp(mine, axis=1).max()
        middle = mine.mean(axis=1)
        size = np.abs(mine).max() * 1e-6 + 1e-37
        np.testing.assert_allclose(t.center[:, c], middle, atol=reach * 1e-5 + size)
        assert reach <= t.width[c] * (1 + 1e-5) + size or c in leaves
        children = []
        k = c + 1
        while k < t.skip[c]:
            children.append((t.start[k], t.stop[k]))
            k = t.skip[k]
        if children:
            assert children[0][0] == t.start[c]
            assert children[-1][1] == t.stop[c]
            assert all(one[1] == two[0] for one, two in pairwise(children))


def pulls(Y, dof):
    """Return the sum of the lengths of all forces on each point: what errors are parts of."""
    distance = np.sqrt(naive.squared_distances(Y))
    return (naive.weights(Y, dof) * naive.tails(Y, dof) * distance).sum(axis=1)


DOFS = st.sampled_from([1.0, 1.0, 0.3, 0.5, 2.0, 10.0])
# By θ, of the force, as a part of all forces on a point, and of Z. At 0.8, 0.4 was met, in 3-D.
ALLOWED = {0.0: (2e-5, 2e-5), 0.2: (1e-2, 5e-4), 0.5: (2e-2, 2e-3), 0.8: (1.0, 1e-2)}


@pytest.mark.full
@examples(3000, Y=maps(), theta=st.sampled_from(list(ALLOWED)), dof=DOFS)
def test_repulsion_by_the_tree_is_that_of_all_pairs(Y, theta, dof):
    truth = forces.repulsion(Y.astype(np.float64), method="exact", dof=dof)
    np.testing.assert_allclose(truth.z, naive.z(Y, dof), rtol=1e-9)
    fast, size = forces.repulsion(Y, theta=theta, dof=dof), pulls(Y, dof)
    error = np.abs(fast.force - truth.force).max(axis=1)
    # The middle of a cell is rounded as coordinates are.
    moved = np.finfo(np.float32).eps * np.abs(Y).max()
    rounding = 4 * moved * (naive.weights(Y, dof) * naive.tails(Y, dof)).sum(axis=1)
    of_force, of_z = ALLOWED[theta]
    # A kernel that falls as d^-11 is followed less well by three terms: 2.7 % were met once at 0.5.
    of_force *= 3 if dof > 2 else 1
    if np.ptp(Y, axis=0).max() < 1:
        # A cell of side s below θ √½ is taken whole from within, since the kernel is smooth at 1. A
        # force is r − (1 + 1/dof) r³ + …, of which a stray's at s then lacks the third order.
        of_force += 1.6 * (1 + 1 / dof) * theta**2 / 2
    assert (error <= of_force * size + 1e-6 * size.max() + rounding + 1e-37).all()
    assert abs(fast.z - truth.z) <= of_z * truth.z + 1e-6


@pytest.mark.full
@examples(1500, Y=maps(60), seed=seeds(), dof=DOFS, exaggeration=st.sampled_from([1.0, 4.0, 12.0]))
def test_gradient_and_divergence_are_those_of_the_equations(Y, seed, dof, exaggeration):
    P = np.random.default_rng(seed).random((len(Y), len(Y))) ** 8
    np.fill_diagonal(P, 0)
    P = ((P + P.T) / (2 * P.sum())).astype(np.float32)
    options = {"dof": dof, "exaggeration": exaggeration}
    assume(naive.z(Y, dof) > 1e-29)  # below 1e-30 it is refused
    exact = forces.gradient(P, Y.astype(np.float64), method="exact", **options)
    tree_by_pairs = forces.gradient(sparse.csr_array(P), Y, theta=0.0, **options)
    grad, kl = naive.gradient(P, Y, **options), naive.kl(P, Y, dof)
    distance = np.sqrt(naive.squared_distances(Y))
    pull = (exaggeration * P + naive.q(Y, dof)) * naive.tails(Y, dof) * distance
    size = 2 * (1 + 1 / dof) * pull.sum(axis=1)[:, None]
    for told, allowed in ((exact, 1e-6), (tree_by_pairs, 1e-4)):
        assert (np.abs(told.grad - grad) <= allowed * size + 1e-6 * size.max() + 1e-37).all()
        np.testing.assert_allclose(told.kl, kl, rtol=10 * allowed, atol=10 * allowed)
