"""The figures of a lecture: signs and zeros of the gradients, densities, spread of distances."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from scipy import sparse
from scipy.integrate import trapezoid
from scipy.spatial.distance import pdist

from bhtsne import crowding
from bhtsne.plot import distance_densities, distances, pair_gradients

mpl.use("Agg")
PANELS = [("sne", False), ("uni-sne", True), ("uni-sne", False), ("t-sne", False)]


def heat(ax):
    """Return the heat map, and the distances in the data and on the map of each of its cells."""
    mesh = ax.collections[0]
    x, y = np.moveaxis(np.asarray(mesh.get_coordinates()), -1, 0)
    middle = [(z[1:, 1:] + z[:-1, :-1]) / 2 for z in (x, y)]
    return mesh, *middle


def test_heat_maps_are_the_gradients_at_their_places():
    axes = pair_gradients(background=0.3)
    for ax, (variant, published) in zip(axes, PANELS, strict=True):
        mesh, data, placed = heat(ax)
        options = {"variant": variant, "background": 0.3, "published": published}
        expected = crowding.pair_gradient(data, placed, **options)
        np.testing.assert_allclose(mesh.get_array(), expected, rtol=1e-6, atol=1e-9)
    assert ["data" in ax.get_xlabel() for ax in axes] == [False, False, True, True]
    assert ["map" in ax.get_ylabel() for ax in axes] == [True, False, True, False]


def test_no_force_is_white_attraction_warm_and_repulsion_cold():
    for ax in pair_gradients():
        mesh = ax.collections[0]
        strongest = np.abs(mesh.get_array()).max()
        cold, white, warm = mesh.to_rgba([-strongest, 0, strongest])
        np.testing.assert_allclose(white[:3], 1, atol=0.02)
        assert warm[0] > warm[2] + 0.3
        assert cold[2] > cold[0] + 0.1
        assert mesh.norm.vmin == -mesh.norm.vmax


def zeros(ax):
    """Return the points of the line without force, (n, 2): distance in the data, on the map."""
    (line,) = (c for c in ax.collections if c is not heat(ax)[0])
    return np.concatenate([path.vertices for path in line.get_paths()])


def test_the_line_is_where_attraction_turns_into_repulsion():
    sne, published, uni, t = pair_gradients()
    for ax, (variant, flag) in zip((sne, published, uni, t), PANELS, strict=True):
        data, placed = zeros(ax).T
        assert len(data) > 100
        options = {"variant": variant, "published": flag}
        above = crowding.pair_gradient(np.maximum(data - 0.03, 0), placed + 0.03, **options)
        below = crowding.pair_gradient(data + 0.03, np.maximum(placed - 0.03, 0.001), **options)
        assert (above > 0).all()
        assert (below < 0).all()
    data, placed = zeros(sne).T
    np.testing.assert_allclose(data, placed, atol=0.01)  # both are Gaussian
    data, placed = zeros(t).T
    np.testing.assert_allclose(np.exp(-(data**2)), 1 / (1 + placed**2), atol=0.01)


def test_axes_given_are_drawn_into():
    figure, axes = plt.subplots(1, 4)
    assert list(pair_gradients(axes=axes)) == list(axes)
    assert plt.get_fignums() == [figure.number]
    assert list(pair_gradients(axes=plt.subplots(2, 2)[1])) == plt.gcf().axes[:4]
    with pytest.raises(ValueError, match=r"4 axes, .* got 3"):
        pair_gradients(axes=axes[:3])
    with pytest.raises(ValueError, match="background"):
        pair_gradients(background=1)


def test_densities_are_those_of_a_ball():
    ax = distance_densities([1, 2, 7])
    for n, line in zip([1, 2, 7], ax.lines, strict=True):
        r, density = line.get_data()
        np.testing.assert_allclose(density, n * r ** (n - 1))
        assert trapezoid(density, r) == pytest.approx(1, abs=0.002)
        assert line.get_label() == str(n)
        assert ax.get_ylim()[0] < density[-1] < ax.get_ylim()[1]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["7", "2", "1"]
    given = plt.figure().add_subplot()
    assert distance_densities(ax=given) is given
    assert len(given.lines) == 4
    with pytest.raises(ValueError, match="n_dims"):
        distance_densities([2, 0])


def cloud(n=400, dims=30):
    X = np.random.default_rng(0).normal(size=(n, dims))
    return X, X[:, :2]


def steps(ax):
    """Return the density of data and map, and the edges of its bins."""
    outlines = [patch for patch in ax.patches if not patch.get_fill()]
    return [patch.get_data()[0] for patch in outlines], ax.patches[0].get_data()[1]


def test_distances_are_divided_by_their_mean_and_none_is_left_out():
    X, Y = cloud()
    densities, edges = steps(distances(X, Y))
    middle = (edges[1:] + edges[:-1]) / 2
    spreads = []
    for Z, density in zip((X, Y), densities, strict=True):
        share = density * np.diff(edges)
        assert share.sum() == pytest.approx(1)
        assert share @ middle == pytest.approx(1, abs=0.01)
        spreads.append(np.sqrt(share @ (middle - 1) ** 2))
        expected = pdist(Z).std() / pdist(Z).mean()
        assert spreads[-1] == pytest.approx(expected, rel=0.03)
    assert spreads[1] > 3 * spreads[0]


def test_legend_says_dimensions_and_spread():
    X, Y = cloud()
    texts = [text.get_text() for text in distances(X, Y).get_legend().get_texts()]
    for Z, text, name in zip((X, Y), texts, ("data", "map"), strict=True):
        start, _, spread = text.partition(": ± ")
        assert start == f"{name} ({Z.shape[1]}-D)"
        assert int(spread[:-1]) == pytest.approx(100 * pdist(Z).std() / pdist(Z).mean(), abs=1.5)


def test_no_pair_is_a_point_with_itself():
    """Of two points, all distances are the same: their spread is none."""
    texts = distances([[0.0], [3.0]], [[1.0], [2.0]], n_pairs=500).get_legend().get_texts()
    assert [text.get_text() for text in texts] == ["data (1-D): ± 0%", "map (1-D): ± 0%"]


def test_the_seed_decides_and_containers_do_not():
    X, Y = cloud()
    X[X < 0] = 0
    first, _ = steps(distances(X, Y))
    for given in (X, sparse.csr_array(X), np.float32(X)):
        again, _ = steps(distances(given, Y))
        np.testing.assert_allclose(again, first, atol=0.02)
    assert not np.allclose(steps(distances(X, Y, random_state=1))[0], first, atol=0.02)
    given = plt.figure().add_subplot()
    assert distances(X, Y, ax=given) is given


@pytest.mark.parametrize(
    ("X", "Y", "options", "match"),
    [
        (np.eye(3), np.zeros((2, 2)), {}, "same points, got 3 and 2"),
        (np.eye(3), np.zeros((3, 2)), {}, "Y must not have all its points on one spot"),
        (np.ones((3, 5)), np.eye(3), {}, "X must not have"),
        (np.eye(3), np.eye(3), {"n_pairs": 0}, "n_pairs must be .* got 0"),
        (np.eye(3), np.eye(3), {"n_pairs": 2.5}, "n_pairs"),
        (np.zeros(3), np.eye(3), {}, "shape"),
    ],
)
def test_what_does_not_fit_is_refused(X, Y, options, match):
    with pytest.raises(ValueError, match=match):
        distances(X, Y, **options)
    assert not plt.get_fignums()
