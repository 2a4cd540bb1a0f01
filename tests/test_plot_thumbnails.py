"""Images where they lie: which are drawn, that none hides another, and in which colours."""

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from test_plot import blobs

from bhtsne.plot import PALETTE, thumbnails
from bhtsne.plot.thumbnails import apart

mpl.use("Agg")


def image(ax):
    return np.asarray(ax.images[-1].get_array())


def strokes(n, side=6):
    """Return images of a square of ones within zeros."""
    pictures = np.zeros((n, side, side))
    pictures[:, 1:-1, 1:-1] = 1
    return pictures


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 400), st.integers(0, 99), st.floats(0.5, 40), st.floats(0.5, 40))
def test_chosen_rectangles_do_not_overlap(n, seed, width, height):
    place = np.random.default_rng(seed).uniform(0, 200, (n, 2)).round(1)
    sides = np.array([width, height])
    chosen = apart(place, sides)
    assert len(set(chosen)) == len(chosen)
    away = np.abs(place[chosen][:, None] - place[chosen])
    hit = (away < sides).all(axis=-1) & ~np.eye(len(chosen), dtype=bool)
    assert not hit.any()
    assert (n == 0) == (len(chosen) == 0)


def test_where_there_are_many_points_the_page_is_nearly_full():
    place = np.random.default_rng(0).uniform(0, 200, (60_000, 2))
    chosen = apart(place, np.array([10.0, 10.0]))
    assert len(chosen) > 0.6 * 400


def test_far_points_are_all_drawn_where_they_lie():
    Y = np.array([[0.0, 0.0], [10, 0], [0, 10], [10, 10], [4, 6]])
    ax = thumbnails(Y, strokes(5), size=20)
    alpha = image(ax)[..., 3]
    x0, x1, y0, y1 = ax.images[-1].get_extent()
    rows, columns = alpha.shape
    for x, y in Y:
        column, row = columns * (x - x0) / (x1 - x0), rows * (y - y0) / (y1 - y0)
        assert alpha[int(row), int(column)] == 1
    side = 20 / 72 * ax.figure.dpi / ax.get_window_extent().width * columns
    assert alpha.sum() == pytest.approx(5 * (side * 4 / 6) ** 2, rel=0.1)


def test_images_stand_upright():
    """The bright upper row of each image is the upper one in the axes."""
    pictures = np.zeros((1, 4, 4))
    pictures[0, 0] = 1
    shown = image(thumbnails(np.zeros((1, 2)), pictures, opaque=False))[..., 3]
    whole = image(thumbnails(np.zeros((1, 2)), np.ones((1, 4, 4))))[..., 3]
    assert np.nonzero(shown)[0].min() > np.nonzero(whole)[0].mean()


def test_strokes_have_the_colours_of_classes_and_no_background():
    Y, y = blobs(200)
    ax = thumbnails(Y, strokes(200), y)
    shown = image(ax)[image(ax)[..., 3] > 0]
    assert {tuple(c) for c in np.unique(shown[:, :3], axis=0)} == {to_rgb(c) for c in PALETTE[:6]}
    assert len(ax.get_legend().get_texts()) == 6
    plain = thumbnails(Y, strokes(200))
    assert (image(plain)[..., :3] == 0).all()
    dark = image(thumbnails(Y, strokes(200), theme="dark"))
    assert (dark[dark[..., 3] > 0][:, :3] > 0.8).all()


@pytest.mark.parametrize("kind", ["grey", "colours", "bytes", "transparent"])
def test_pictures_keep_their_background_and_are_framed_by_class(kind):
    values = np.full((1, 20, 20), 0.5) if kind == "grey" else np.full((1, 20, 20, 3), 0.5)
    if kind == "grey":
        values[0, :10] = 0.0
        values[0, 0, 0] = 1.0
    if kind == "bytes":
        values = np.full((1, 20, 20, 3), 51, np.uint8)
    if kind == "transparent":
        values = np.concatenate([values, np.zeros((1, 20, 20, 1))], axis=-1)
    ax = thumbnails(np.zeros((1, 2)), values, ["a"], opaque=True)
    rows, columns = np.nonzero((image(ax)[..., :3] == to_rgb(PALETTE[0])).all(axis=-1))
    inner = image(ax)[rows.min() + 3 : rows.max() - 2, columns.min() + 3 : columns.max() - 2]
    assert (rows.max() - rows.min(), columns.max() - columns.min()) != (0, 0)
    expected = {"bytes": 0.2}.get(kind, 0.5)
    np.testing.assert_allclose(inner[:3, :, :3], expected, atol=1e-6)
    assert (inner[..., 3] == (0 if kind == "transparent" else 1)).all()


def test_written_digits_are_strokes_and_photographs_are_not():
    photographs = np.random.default_rng(0).uniform(size=(9, 8, 8))
    Y = np.arange(18.0).reshape(9, 2)
    assert set(np.unique(image(thumbnails(Y, photographs))[..., 3])) == {0, 1}
    assert (image(thumbnails(Y, photographs))[..., :3] > 0).any()
    assert (image(thumbnails(Y, strokes(9)))[..., :3] == 0).all()


def test_flat_images_are_squares_and_wide_ones_are_wide():
    Y = np.arange(18.0).reshape(9, 2)
    flat, square = (thumbnails(Y, x) for x in (strokes(9).reshape(9, 36), strokes(9)))
    np.testing.assert_array_equal(image(flat), image(square))
    wide = image(thumbnails(np.zeros((1, 2)), np.ones((1, 10, 30))))[..., 3]
    rows, columns = np.nonzero(wide)
    assert np.ptp(columns) + 1 == pytest.approx(3 * (np.ptp(rows) + 1), abs=3)


def test_axes_given_are_returned_and_a_quantity_has_a_bar():
    given_axes = plt.figure().add_subplot()
    assert thumbnails(np.eye(2), strokes(2), ax=given_axes) is given_axes
    assert len(thumbnails(np.eye(2), strokes(2), [0.5, 1.5]).figure.axes) == 2
    assert thumbnails(np.eye(2), strokes(2), ["a", "b"], legend=None).get_legend() is None


@pytest.mark.parametrize(
    ("Y", "images", "options", "match"),
    [
        (np.eye(3), np.zeros((3, 2, 2)), {}, "2 dimensions, got 3"),
        (np.eye(2), np.zeros((3, 2, 2)), {}, r"shape \(2, h, w\), .* got \(3, 2, 2\)"),
        (np.eye(2), np.zeros((2, 5)), {}, r"got \(2, 5\)"),
        (np.eye(2), np.zeros((2, 2, 2, 2)), {}, r"got \(2, 2, 2, 2\)"),
        (np.eye(2), np.zeros((2, 0, 0)), {}, r"got \(2, 0, 0\)"),
        (np.eye(2), np.full((2, 4), "a"), {}, "images must be numbers"),
        (np.eye(2), np.zeros((2, 4)), {"size": 0}, "size must be a number above 0 .* got 0"),
        (np.eye(2), np.zeros((2, 4)), {"opaque": 1}, "opaque must be True, False or None, got 1"),
        (np.eye(2), np.zeros((2, 4)), {"legend": "in place"}, "legend must be 'beside' or None"),
        (np.eye(2), np.zeros((2, 4)), {"labels": [1]}, "labels must have the shape"),
    ],
)
def test_what_does_not_fit_is_refused(Y, images, options, match):
    with pytest.raises(ValueError, match=match):
        thumbnails(Y, images, **options)
    assert not plt.get_fignums()
