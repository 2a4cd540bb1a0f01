"""Two maps side by side: B lies as A does, and lines join the same points."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from matplotlib.patches import ConnectionPatch
from test_plot import blobs
from test_plot_several import colours, turned

from bhtsne.plot import PALETTE, compare

mpl.use("Agg")


def points(ax):
    return np.asarray(ax.collections[0].get_offsets())


def lines(axes):
    return [part for part in axes[0].figure.artists if isinstance(part, ConnectionPatch)]


def in_order(some):
    return some[np.lexsort(some.round(6).T)]


def test_a_map_that_was_turned_mirrored_shifted_and_scaled_lies_as_before():
    Y, y = blobs(300)
    left, right = compare(Y, 7 - 0.1 * turned(Y[:, ::-1], 2), y)
    np.testing.assert_allclose(in_order(points(right)), in_order(points(left)), atol=1e-6)
    assert left.get_xlim() == right.get_xlim()
    assert left.get_ylim() == right.get_ylim()


def test_an_unlike_map_is_as_large():
    random = np.random.default_rng(0)
    left, right = compare(random.normal(size=(200, 2)), random.normal(size=(200, 2)) * 9)
    radius = [np.sqrt(((p - p.mean(axis=0)) ** 2).sum(axis=1).mean()) for p in
              (points(left), points(right))]  # fmt: skip
    assert radius[0] == pytest.approx(radius[1])


def test_lines_join_the_same_points_in_the_colour_of_their_class():
    Y, y = blobs(120)
    other = Y + np.random.default_rng(1).normal(size=Y.shape)
    axes = compare(Y, other, y, n_lines=40)
    joined = lines(axes)
    assert len(joined) == 40
    expected = colours_by_place(axes[0], Y)
    for line in joined:
        i = np.flatnonzero((line.xy1 == Y).all(axis=1)).item()
        assert to_rgb(line.get_edgecolor()) == to_rgb(PALETTE[y[i]]) == expected[i]
        moved = points(axes[1])
        # the nearest point of B's panel is the same point: noise is smaller than islands
        assert np.abs(moved - line.xy2).sum(axis=1).min() < 1e-9
        assert np.linalg.norm(Y[i] - line.xy2) < 6
    axes[0].figure.canvas.draw()


def colours_by_place(ax, Y):
    at = {
        tuple(p): to_rgb(c)
        for p, c in zip(points(ax), ax.collections[0].get_facecolors(), strict=True)
    }
    return [at[tuple(p)] for p in Y]


def test_those_that_moved_most_are_joined():
    Y, y = blobs(300)
    other = Y.copy()
    far = np.array([3, 77, 200])
    other[far] *= -1
    joined = lines(compare(Y, other, y, n_lines=3, lines="moved"))
    assert {tuple(line.xy1) for line in joined} == {tuple(p) for p in Y[far]}


def test_the_sample_is_drawn_by_a_seed_and_may_be_none_or_all():
    Y, _ = blobs(30)
    first, again, other = (
        {tuple(line.xy1) for line in lines(compare(Y, Y, n_lines=9, random_state=seed))}
        for seed in (0, 0, 1)
    )
    assert first == again != other
    assert len(lines(compare(Y, Y, n_lines=0))) == 0
    assert len(lines(compare(Y, Y, n_lines=1000))) == 30


def test_axes_given_are_drawn_into_and_many_points_are_a_density():
    Y, y = blobs(500)
    figure, axes = plt.subplots(1, 2)
    axes[0].set_title("kept")
    assert list(compare(Y, Y, y, axes=axes, kind="density")) == list(axes)
    assert plt.get_fignums() == [figure.number]
    assert axes[0].get_title() == "kept"
    assert [len(ax.images) for ax in axes] == [1, 1]
    assert all(len(ax.texts) == 6 for ax in axes)


def test_quantities_have_one_bar_and_names_beside_are_one_legend():
    Y, y = blobs(90)
    assert len(compare(Y, Y, Y[:, 0])[0].figure.axes) == 3
    assert len(compare(Y, Y, y, legend="beside")[0].figure.legends) == 1
    both = compare(Y, -Y, y, n_lines=0)
    np.testing.assert_allclose(colours(both[0], Y), np.array([to_rgb(PALETTE[i]) for i in y]))


@pytest.mark.parametrize(
    ("A", "B", "options", "match"),
    [
        (np.zeros((3, 2)), np.eye(3, 2), {}, "all their points on one spot"),
        (np.eye(3, 2), np.eye(4, 2), {}, r"\(4, 2\) and \(3, 2\)"),
        (np.eye(3), np.eye(3), {}, "A must be a map of 2 dimensions, got 3"),
        (np.eye(3, 2), np.eye(3), {}, "B must be a map of 2 dimensions, got 3"),
        ([[0, np.nan]], np.eye(1, 2), {}, "A must be finite"),
        (np.eye(3, 2), np.eye(3, 2), {"n_lines": -1}, "n_lines .* got -1"),
        (np.eye(3, 2), np.eye(3, 2), {"n_lines": True}, "n_lines .* got True"),
        (np.eye(3, 2), np.eye(3, 2), {"lines": "all"}, "lines must be .* got 'all'"),
        (np.eye(3, 2), np.eye(3, 2), {"titles": "ab"}, "titles must be 2 titles"),
        (np.eye(3, 2), np.eye(3, 2), {"labels": [1, 2]}, "labels must have the shape"),
    ],
)
def test_what_does_not_fit_is_refused(A, B, options, match):
    with pytest.raises(ValueError, match=match):
        compare(A, B, **options)
    assert not plt.get_fignums()


def test_axes_of_the_wrong_number_or_kind_are_refused():
    with pytest.raises(ValueError, match="2 axes, one for each map, got 3"):
        compare(np.eye(3, 2), np.eye(3, 2), axes=plt.subplots(1, 3)[1])
    deep = [plt.figure().add_subplot(projection="3d")] * 2
    with pytest.raises(ValueError, match="2 dimensions"):
        compare(np.eye(3, 2), np.eye(3, 2), axes=deep)
