"""Densities: every point is counted once, where it lies, in the colours of the classes there."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from test_plot import blobs, drawn

from bhtsne.plot import PALETTE, density, save, scatter, small_multiples
from bhtsne.plot.colours import MISSING, PLAIN, colour
from bhtsne.plot.raster import SCALES, grid, shaded

mpl.use("Agg")


def image(ax):
    return np.asarray(ax.images[-1].get_array())


def told(labels, n):
    return colour([labels], [n])


def one_pixel(labels, scale="eq_hist"):
    """Return the RGBA of a pixel that holds all points."""
    n = len(labels)
    on = grid(np.full((n, 2), 0.5), (0, 1, 0, 1), (1, 1))
    return shaded(on, told(labels, n), scale, 0)[0, 0]


def test_every_point_is_counted_once_where_it_lies():
    Y, _ = blobs(5_000)
    low, high = Y.min(axis=0), Y.max(axis=0)
    on = grid(Y, (low[0], high[0], low[1], high[1]), (40, 30))
    assert len(on.inside) == len(Y)
    counted = np.bincount(on.pixel, minlength=1200).reshape(30, 40)
    edges = [np.linspace(a, b, k + 1) for a, b, k in zip(low, high, (40, 30), strict=True)]
    expected, _, _ = np.histogram2d(*Y.T, bins=edges)
    assert np.abs(counted - expected.T).sum() <= 4  # rounding at the edges of pixels
    part = grid(Y, (low[0], Y[:, 0].mean(), low[1], high[1]), (40, 30))
    np.testing.assert_array_equal(part.inside, np.flatnonzero(Y[:, 0] <= Y[:, 0].mean()))


def test_the_image_lies_under_the_points():
    """The middle of all opaque pixels of a class is the middle of its points."""
    Y, y = blobs(30_000)
    ax = density(Y, y, scale="linear", legend=None)
    rows, columns = image(ax).shape[:2]
    assert (columns, rows) == tuple(np.round(ax.get_window_extent().size).astype(int))
    x0, x1, y0, y1 = ax.images[-1].get_extent()
    assert (x0, x1) == ax.get_xlim()
    assert (y0, y1) == ax.get_ylim()
    row, column = np.nonzero(np.abs(image(ax)[..., :3] - to_rgb(PALETTE[2])).max(axis=-1) < 0.02)
    middle = (x0 + (x1 - x0) * column.mean() / columns, y0 + (y1 - y0) * row.mean() / rows)
    np.testing.assert_allclose(middle, Y[y == 2].mean(axis=0), atol=1)


def test_limits_and_aspect_are_those_of_dots():
    Y, y = blobs(500)
    dots, shades = scatter(Y, y, kind="dots"), density(Y, y)
    np.testing.assert_allclose(shades.get_xlim(), dots.get_xlim(), atol=1)
    np.testing.assert_allclose(shades.get_ylim(), dots.get_ylim(), atol=1)
    assert shades.get_aspect() == dots.get_aspect() == 1


def test_colours_in_a_pixel_are_mixed_as_light_by_their_shares():
    def light(rgb):
        rgb = np.array(to_rgb(rgb))
        return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)

    mixed = one_pixel(["a"] * 3 + ["b"])
    expected = 0.75 * light(PALETTE[0]) + 0.25 * light(PALETTE[1])
    np.testing.assert_allclose(light(mixed[:3]), expected, atol=1e-9)
    np.testing.assert_allclose(one_pixel(["a"] * 5)[:3], to_rgb(PALETTE[0]), atol=1e-9)
    assert mixed[3] == 1


def test_of_quantities_the_mean_is_shown_and_extremes_do_not_move_it():
    values = np.linspace(0, 1, 1000)
    coloured = told(values, 1000)
    on = grid(np.column_stack([values, values]), (0, 1, 0, 1), (2, 1))
    shown = shaded(on, coloured, "log", 0)[0]
    for half, pixel in zip((values[:500], values[500:]), shown, strict=True):
        mean = np.clip(half, 0.00999, 0.99001).mean()
        np.testing.assert_allclose(pixel[:3], coloured.scale.to_rgba(mean)[:3], atol=0.02)
    far = np.append(values, [np.inf, -np.inf, 1e30])
    place = np.append(values, [0.1, 0.9, 0.9])
    on = grid(np.column_stack([place, place]), (0, 1, 0, 1), (2, 1))
    np.testing.assert_allclose(shaded(on, told(far, 1003), "log", 0)[0], shown, atol=0.03)


def test_points_without_a_label_show_only_where_no_other_is():
    labels = ["a", None, None, None]
    on = grid(np.array([[0.1, 0], [0.1, 0], [0.9, 0], [0.9, 0]]), (0, 1, 0, 1), (2, 1))
    both, alone = shaded(on, told(labels, 4), "eq_hist", 0)[0]
    np.testing.assert_allclose(both[:3], to_rgb(PALETTE[0]))
    np.testing.assert_allclose(alone[:3], to_rgb(MISSING["light"]))
    plain = shaded(on, told(None, 4), "eq_hist", 0)[0]
    np.testing.assert_allclose(plain[:, :3], [to_rgb(PLAIN["light"])] * 2)


@pytest.mark.parametrize("scale", SCALES)
def test_opacity_rises_with_the_count_and_no_point_is_lost(scale):
    counts = np.array([1, 2, 5, 40, 1000, 0])
    x = np.repeat(np.arange(6) + 0.5, counts)
    on = grid(np.column_stack([x, x]), (0, 6, 0, 6), (6, 1))
    alpha = shaded(on, told(None, len(x)), scale, 0)[0, :, 3]
    assert alpha[5] == 0
    assert (np.diff(alpha[:5]) > 0).all()
    assert alpha[0] >= 0.2
    assert alpha[4] == 1


def test_equalised_opacities_are_used_by_as_many_pixels_each():
    counts = np.round(np.exp(np.linspace(0, 9, 200))).astype(int)
    x = np.repeat(np.arange(200) + 0.5, counts)
    on = grid(np.column_stack([x, x]), (0, 200, 0, 200), (200, 1))
    alpha = shaded(on, told(None, len(x)), "eq_hist", 0)[0, :, 3]
    used, _ = np.histogram(alpha, bins=5)
    assert used.min() > 30


def test_a_point_is_wide_enough_to_be_seen_in_a_fine_picture():
    on = grid(np.array([[0.5, 0.5], [0.01, 0.99]]), (0, 1, 0, 1), (9, 9))
    alpha = shaded(on, told(None, 2), "linear", 1)[..., 3]
    expected = np.zeros((9, 9))
    expected[3:6, 3:6] = expected[7:9, 0:2] = 1
    np.testing.assert_array_equal(alpha, expected)


def test_what_is_right_for_n_is_taken_and_either_can_be_forced():
    few, many = np.zeros((9, 2)) + np.arange(9)[:, None], blobs(200_000)[0]
    for Y, options, dense in (
        (few, {}, False),
        (few, {"kind": "density"}, True),
        (many, {}, True),
        (many, {"kind": "dots"}, False),
        (many, {"size": 1}, False),
        (many[:199_999], {}, False),
    ):
        ax = scatter(Y, **options)
        assert bool(ax.images) == dense
        assert bool(ax.collections) != dense
    deep = scatter(np.column_stack([many, many[:, 0]]))
    assert len(drawn(deep).get_offsets()) == 200_000


def test_panels_of_many_and_of_few():
    Y, y = blobs(600)
    axes = small_multiples([Y, Y * 3], y, kind="density", same_scale=True)
    assert [len(ax.images) for ax in axes] == [1, 1]
    covered = [(image(ax)[..., 3] > 0).sum() for ax in axes]
    assert covered[0] < covered[1]
    assert axes[0].get_xlim() == axes[1].get_xlim()


def test_one_dimension_is_a_histogram_stacked_by_class():
    Y, y = blobs(20_000)
    labels = pd.Series(np.where(y == 5, None, y.astype(str)))
    ax = density(Y[:, :1], labels, legend=None)
    shown = image(ax)
    heights = (shown[..., 3] > 0).sum(axis=0)
    x0, x1, _, top = ax.images[-1].get_extent()
    counts, _ = np.histogram(Y[:, 0], bins=np.linspace(x0, x1, shown.shape[1] + 1))
    assert counts.max() == top
    np.testing.assert_allclose(heights / shown.shape[0], counts / top, atol=0.01)
    column = shown[: heights.max(), heights.argmax(), :3]
    assert (np.abs(np.diff(column, axis=0)).max(axis=1) > 0).sum() <= 6  # one band a class
    share = [(np.abs(shown[..., :3] - to_rgb(c)).max(axis=-1) < 0.01).sum() for c in PALETTE[:5]]
    expected = np.bincount(y)[:5] / (y < 5).sum()
    np.testing.assert_allclose(np.array(share) / sum(share), expected, atol=0.01)


def test_names_are_in_place_and_a_saved_density_is_the_same_each_time(tmp_path):
    Y, y = blobs(3_000)
    assert len(density(Y, y).texts) == 6
    for name in ("a", "b"):
        save(tmp_path / f"{name}.png", Y, y, kind="density", theme="dark")
    first, second = ((tmp_path / f"{name}.png").read_bytes() for name in ("a", "b"))
    assert first == second


@pytest.mark.parametrize("n", [1, 2])
def test_a_point_or_two_on_one_spot(n):
    for dims in (1, 2):
        ax = density(np.ones((n, dims)), ["a"] * n)
        ax.figure.canvas.draw()
        assert image(ax)[..., 3].max() == 1


@pytest.mark.parametrize(
    ("function", "Y", "options", "match"),
    [
        (density, np.zeros((3, 2)), {"scale": "cube"}, "scale must be .* got 'cube'"),
        (density, np.zeros((3, 3)), {}, "1 or 2 dimensions, got 3"),
        (density, [[0, np.nan]], {}, "finite"),
        (density, np.zeros((3, 2)), {"legend": "left"}, "legend"),
        (scatter, np.zeros((3, 3)), {"kind": "density"}, "1 or 2 dimensions, got 3"),
        (scatter, np.zeros((3, 2)), {"kind": "points"}, "kind must be .* got 'points'"),
        (scatter, np.zeros((3, 2)), {"kind": "density", "size": 2}, "size and alpha are of dots"),
    ],
)
def test_what_does_not_fit_is_refused(function, Y, options, match):
    with pytest.raises(ValueError, match=match):
        function(Y, **options)
    assert not plt.get_fignums()
