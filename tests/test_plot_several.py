"""Several maps in one figure: the same colours, the same limits, one legend, room for all."""

import warnings

import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from test_plot import blobs, drawn, overlaps

from bhtsne.plot import PALETTE, scatter, small_multiples

mpl.use("Agg")


def turned(Y, angle):
    c, s = np.cos(angle), np.sin(angle)
    return Y @ [[c, s], [-s, c]]


def maps(count=3, n=600):
    """Return maps of six islands that grow and turn, and the island of each point."""
    Y, y = blobs(n)
    return [(1 + i) * turned(Y, i) for i in range(count)], y


def colours(ax, Y):
    """Return the colours of a panel in the order of its map."""
    points = zip(np.asarray(drawn(ax).get_offsets()), drawn(ax).get_facecolors(), strict=True)
    at = {tuple(point): colour[:3] for point, colour in points}
    return np.array([at[tuple(point)] for point in Y])


def legend_texts(axes):
    return [text.get_text() for text in axes[0].figure.legends[0].get_texts()]


def test_each_map_has_its_panel_with_every_point_in_it():
    several, y = maps(5)
    axes = small_multiples(several, y, titles=list("abcde"))
    assert axes.shape == (5,)
    assert [ax.get_title() for ax in axes] == list("abcde")
    assert len({ax.figure for ax in axes}) == 1
    for ax, Y in zip(axes, several, strict=True):
        offsets = np.asarray(drawn(ax).get_offsets())
        np.testing.assert_array_equal(np.sort(offsets, axis=0), np.sort(Y, axis=0))
        (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
        assert x0 < Y[:, 0].min() < Y[:, 0].max() < x1
        assert y0 < Y[:, 1].min() < Y[:, 1].max() < y1
        assert x1 - x0 == pytest.approx(y1 - y0)


def test_same_scale_is_the_same_limits_and_the_same_lengths_on_paper():
    several, y = maps()
    own = small_multiples(several, y)
    assert len({ax.get_xlim() for ax in own}) == 3
    same = small_multiples(several, y, same_scale=True)
    assert len({(ax.get_xlim(), ax.get_ylim()) for ax in same}) == 1
    same[0].figure.canvas.draw()
    assert np.ptp([ax.get_window_extent().size for ax in same], axis=0).max() < 1e-6
    everything = np.concatenate(several)
    low, high = np.array([same[0].get_xlim(), same[0].get_ylim()]).T
    assert (low < everything.min(axis=0)).all()
    assert (high > everything.max(axis=0)).all()


@pytest.mark.parametrize("dims", [1, 3])
def test_same_scale_in_other_dimensions(dims):
    axes = small_multiples(
        [scale * np.random.default_rng(0).normal(size=(90, dims)) for scale in (1, 4)],
        same_scale=True,
    )
    for side in "xyz"[: max(2, dims)]:
        limits = [getattr(ax, f"get_{side}lim")() for ax in axes]
        assert limits[0] == limits[1]


def test_a_category_has_its_colour_in_every_panel():
    """Even where a panel has no point of the categories before it."""
    several, y = maps()
    keep = [np.flatnonzero(y != 0), np.flatnonzero(y > 2), np.arange(len(y))]
    names = np.array(["zebra", "ant", "bee", "cat", "dog", "eel"])[y]
    parts = [Y[k] for Y, k in zip(several, keep, strict=True)]
    axes = small_multiples(parts, [names[k] for k in keep])
    rank = np.array([5, 0, 1, 2, 3, 4])[y]
    expected = np.array([to_rgb(PALETTE[i]) for i in rank])
    for ax, Y, k in zip(axes, parts, keep, strict=True):
        np.testing.assert_allclose(colours(ax, Y), expected[k])
        assert {text.get_text() for text in ax.texts} == set(names[k])


def test_a_quantity_has_one_scale():
    Y, _ = blobs(300)
    values = np.linspace(0, 1, 300)
    axes = small_multiples([Y, Y], [values, values + 1])
    whole = scatter(np.concatenate([Y, Y + 1000]), np.concatenate([values, values + 1]))
    expected = colours(whole, np.concatenate([Y, Y + 1000]))
    found = np.concatenate([colours(ax, Y) for ax in axes])
    np.testing.assert_allclose(found, expected)
    assert len(axes[0].figure.axes) == 3
    assert len(small_multiples([Y, Y], values, legend=None)[0].figure.axes) == 2


@pytest.mark.parametrize("make", [list, np.array, pd.Series, pl.Series, pd.Categorical])
def test_labels_are_one_sequence_or_one_for_each_map(make):
    several, y = maps(2, 60)
    one = small_multiples(several, make([str(i) for i in y]))
    each = small_multiples(several, [make([str(i) for i in y])] * 2)
    expected = np.array([to_rgb(PALETTE[i]) for i in y])
    for axes in (one, each):
        for ax, Y in zip(axes, several, strict=True):
            np.testing.assert_allclose(colours(ax, Y), expected)


def test_pandas_categories_keep_their_order_over_maps():
    several, y = maps(2, 90)
    orders = (list("MTWFSX"), list("XMTWFS"))
    days = [pd.Categorical(np.array(list("WTMFSX"))[y], order) for order in orders]
    axes = small_multiples(several, days, legend="beside")
    assert legend_texts(axes) == list("MTWFSX")


def test_a_map_without_labels_among_others_is_grey_and_plain_alone():
    several, y = maps(3)
    axes = small_multiples(several, [y, None, y], legend="beside")
    assert np.ptp(colours(axes[1], several[1]), axis=1).max() == 0
    assert legend_texts(axes) == [*"012345", "no label (600)"]
    plain = [small_multiples(several), small_multiples(several, [None] * 3)]
    single = drawn(scatter(several[0])).get_facecolors()[0, :3]
    for axes in plain:
        assert not axes[0].figure.legends
        np.testing.assert_allclose(colours(axes[2], several[2]), np.tile(single, (600, 1)))


def test_names_are_in_place_in_every_panel_or_in_none():
    several, y = maps()
    for ax in small_multiples(several, y):
        assert [text.get_text() for text in ax.texts] == list("012345")
    mixed = np.random.default_rng(0).permutation(y)
    axes = small_multiples(several, [y, mixed, y])
    assert not any(ax.texts or ax.get_legend() for ax in axes)
    assert legend_texts(axes) == list("012345")
    forced = small_multiples(several, [y, mixed, y], legend="in place")
    assert all(len(ax.texts) == 6 for ax in forced)
    assert not forced[0].figure.legends
    nothing = small_multiples(several, y, legend=None)
    assert not any(ax.texts for ax in nothing)
    assert not nothing[0].figure.legends


def test_the_legend_takes_width_of_its_own():
    several, y = maps(2)
    names = np.array([f"a rather long name of number {i}" for i in range(6)])[y]
    beside, without = (small_multiples(several, names, legend=x) for x in ("beside", None))
    for axes in (beside, without):
        axes[0].figure.canvas.draw()
    box = beside[0].figure.legends[0].get_window_extent()
    assert box.x0 > beside[1].get_window_extent().x1
    assert box.x1 <= beside[0].figure.bbox.x1
    width = [axes[0].get_window_extent().width for axes in (beside, without)]
    assert width[0] > 0.93 * width[1]


@pytest.mark.full(after=2)
@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 12, 20])
def test_figures_of_many_sizes_have_room_for_all(count):
    several, y = maps(count, 200)
    titles = np.arange(count) + 2000
    axes = small_multiples(several, y, titles=titles, legend="beside")
    figure = axes[0].figure
    figure.canvas.draw()
    assert [ax.get_title() for ax in axes] == [str(title) for title in titles]
    assert 3 <= figure.get_figwidth() <= 15
    assert 3 <= figure.get_figheight() <= 15
    extents = [part.get_window_extent() for ax in axes for part in (ax, ax.title)]
    assert not overlaps([*extents, figure.legends[0].get_window_extent()])
    assert all(figure.bbox.x0 <= e.x0 < e.x1 <= figure.bbox.x1 for e in extents)
    assert min(ax.get_window_extent().width / figure.dpi for ax in axes) > 1.8


def test_columns():
    several, y = maps(7, 60)
    rows = [
        len({round(ax.get_position().y0, 3) for ax in small_multiples(several, y, n_columns=n)})
        for n in (1, 3, 7, 100)
    ]
    assert rows == [7, 3, 1, 1]
    for count, shape in {
        1: (1, 1),
        3: (1, 3),
        4: (2, 2),
        7: (2, 4),
        12: (3, 4),
        20: (4, 5),
    }.items():
        grid = small_multiples(several[:1] * count)[0].get_subplotspec().get_gridspec()
        assert (grid.nrows, grid.ncols) == shape


def test_size_and_alpha_can_be_given():
    several, y = maps(2)
    for ax in small_multiples(several, y, size=3, alpha=0.4):
        assert drawn(ax).get_sizes() == [3]
        assert drawn(ax).get_alpha() == 0.4
    few, many = small_multiples([several[0][:50], several[1]])
    assert drawn(few).get_sizes()[0] > drawn(many).get_sizes()[0]


def test_maps_of_several_dimensions_and_an_array_of_maps():
    Y, y = blobs(90)
    axes = small_multiples([Y, Y[:, :1], np.column_stack([Y, y])], y)
    assert [ax.name for ax in axes] == ["rectilinear", "rectilinear", "3d"]
    axes[0].figure.canvas.draw()
    assert len(small_multiples(np.stack([Y, Y, Y]), y)) == 3


def test_points_on_one_spot_are_drawn_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        small_multiples([np.ones((3, 2)), np.ones((2, 1))])[0].figure.canvas.draw()


def test_more_categories_than_colours_warn_at_the_caller():
    Y, _ = blobs(200)
    with pytest.warns(UserWarning, match="41 categories") as caught:
        small_multiples([Y, Y], [f"{i % 41}" for i in range(200)])
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("several", "labels", "options", "match"),
    [
        ([], None, {}, "at least one map"),
        (np.zeros((3, 2)), None, {}, r"maps\[0\] must have the shape"),
        ([np.zeros((3, 2)), [[0, np.nan]]], None, {}, r"maps\[1\] must be finite"),
        ([np.zeros((3, 2))] * 2, [1, 2], {}, r"labels must have the shape \(3,\)"),
        ([np.zeros((3, 2))] * 2, [[1, 2, 3]], {}, "list of one for each of the 2 maps"),
        ([np.zeros((3, 2))] * 2, [[1, 2, 3], [1, 2]], {}, r"shape \(3,\), got \(2,\)"),
        ([np.zeros((3, 2))] * 2, None, {"titles": ["a"]}, "titles"),
        ([np.zeros((3, 2))] * 2, None, {"titles": "ab"}, "titles"),
        ([np.zeros((3, 2))], None, {"n_columns": 0}, "n_columns .* got 0"),
        ([np.zeros((3, 2))], None, {"n_columns": 1.5}, "n_columns"),
        ([np.zeros((3, 2))], [1, 2, 3], {"legend": "left"}, "legend"),
        ([np.zeros((3, 2)), np.zeros((3, 3))], [1, 2, 3], {"legend": "in place"}, "2-D"),
        ([np.zeros((3, 2)), np.zeros((3, 1))], None, {"same_scale": True}, r"\[1, 2\]"),
    ],
)
def test_what_does_not_fit_is_refused(several, labels, options, match):
    with pytest.raises(ValueError, match=match):
        small_multiples(several, labels, **options)
    assert not plt.get_fignums()
