"""The pictures: colours, draw order, sizes, names, and what is refused."""

import time
import warnings

import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb

from bhtsne.plot import PALETTE, save, scatter

mpl.use("Agg")
BLACK_AND_WHITE = ["#000000", "#ffffff"]
# Machado, Oliveira and Fernandes (2009), severity 1, applied to linear RGB
VISION = {
    "full": np.eye(3),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.01182, 0.04294, 0.968881],
        ]
    ),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
}


def blobs(n=600, count=6, seed=0):
    """Return a map of `count` round islands on a circle, and the island of each point."""
    random = np.random.default_rng(seed)
    y = np.sort(random.integers(count, size=n))
    angle = 2 * np.pi * y / count
    centre = 60 * np.column_stack([np.cos(angle), np.sin(angle)])
    return centre + random.normal(size=(n, 2)) * 6, y


def drawn(ax):
    return ax.collections[-1]


def lab(colours, matrix):
    rgb = np.array([to_rgb(colour) for colour in colours])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.clip(linear @ matrix.T, 0, 1) @ np.transpose(to_xyz) / [0.9505, 1.0, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.column_stack(
        [116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])]
    )


def least_distance(colours, vision):
    points = lab(colours, VISION[vision])
    distance = np.linalg.norm(points[:, None] - points, axis=-1)
    return distance[np.triu_indices(len(points), 1)].min()


def overlaps(extents):
    return [
        (i, j) for j in range(len(extents)) for i in range(j) if extents[i].overlaps(extents[j])
    ]


# About 2.3 is the least difference seen between large patches side by side; points of 1 to 6
# pixels need several times that.
@pytest.mark.parametrize(
    ("count", "vision", "least"),
    [
        (10, "full", 30),
        (10, "deuteranopia", 20),
        (10, "protanopia", 20),
        (40, "full", 12),
        (40, "deuteranopia", 6),
        (40, "protanopia", 6),
    ],
)
def test_palette_can_be_told_apart(count, vision, least):
    assert least_distance(PALETTE[:count], vision) >= least
    assert least_distance([*PALETTE[:count], "#ffffff"], "full") >= 12
    assert len(set(PALETTE)) == len(PALETTE) == 40


def test_distances_are_measured_as_cielab():
    assert least_distance(BLACK_AND_WHITE, "full") == pytest.approx(100, abs=0.1)
    # the classical confusion: far apart in full vision, near with deuteranopia
    confused = ["#a08000", "#70a000"]
    assert least_distance(confused, "deuteranopia") < 0.4 * least_distance(confused, "full")


def test_every_point_is_drawn_once_with_its_own_colour():
    Y, y = blobs()
    ax = scatter(Y, y)
    offsets, colours = drawn(ax).get_offsets(), drawn(ax).get_facecolors()
    assert len(ax.collections) == 1
    back, there = np.lexsort(offsets.T), np.lexsort(Y.T)
    np.testing.assert_array_equal(offsets[back], Y[there])
    expected = np.array([to_rgb(PALETTE[i]) for i in y])
    np.testing.assert_allclose(colours[back, :3], expected[there])


def test_no_point_is_outside_the_axes_even_far_from_the_others():
    Y, y = blobs()
    Y[17] = 400, -300
    ax = scatter(Y, y)
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    assert x0 < Y[:, 0].min()
    assert x1 > 400
    assert y0 < -300
    assert y1 > Y[:, 1].max()
    assert ax.get_aspect() == 1.0


def test_draw_order_is_not_by_class():
    Y, y = blobs()
    ax = scatter(Y, y)
    place = {tuple(point): label for point, label in zip(Y, y, strict=True)}
    order = np.array([place[tuple(point)] for point in np.asarray(drawn(ax).get_offsets())])
    changes = np.count_nonzero(np.diff(order))
    assert changes > 0.7 * len(y)  # six classes in random order: 5/6 of the neighbours differ


def test_axes_given_are_axes_returned_and_others_are_new():
    Y, y = blobs(100)
    figure, axes = plt.subplots(1, 2)
    axes[0].set_title("kept")
    assert scatter(Y, y, ax=axes[0]) is axes[0]
    assert axes[0].get_title() == "kept"
    assert not axes[1].collections
    assert scatter(Y, y, title="new").figure is not figure


def test_subfigures_are_axes_too():
    part, _ = plt.figure(layout="constrained").subfigures(1, 2)
    ax = part.subplots()
    assert scatter(*blobs(100), ax=ax) is ax
    scatter(*blobs(100), ax=ax, legend="beside")


def test_size_and_alpha_fall_with_n_and_size_grows_with_the_axes():
    sizes, alphas = [], []
    for n in (12, 100, 1_000, 10_000, 50_000):
        points = drawn(scatter(*blobs(n)))
        sizes.append(points.get_sizes()[0])
        alphas.append(points.get_alpha())
    assert (np.diff(sizes) < 0).all()
    assert (np.diff(alphas) < 0).all()
    assert 0.3 < alphas[-1] < alphas[0] <= 1
    small = plt.figure(figsize=(3, 3)).add_subplot()
    assert drawn(scatter(*blobs(1_000), ax=small)).get_sizes()[0] < 0.5 * sizes[2]


def test_size_and_alpha_can_be_given():
    points = drawn(scatter(*blobs(50), size=7, alpha=0.25))
    assert points.get_sizes() == [7]
    assert points.get_alpha() == 0.25


@pytest.mark.parametrize(
    "names",
    [
        ["0", "1", "2", "3", "4", "5"],
        ["ankle boot", "pullover", "_hidden", "$x$", "sandal and sneaker", "T-shirt"],
    ],
)
def test_compact_classes_are_named_in_place(names):
    Y, y = blobs()
    ax = scatter(Y, np.array(names)[y])
    ax.figure.canvas.draw()
    assert ax.get_legend() is None
    assert {text.get_text() for text in ax.texts} == set(names)
    assert not any(text.get_parse_math() for text in ax.texts)
    extents = [text.get_window_extent() for text in ax.texts]
    box = ax.get_window_extent()
    for text, extent in zip(ax.texts, extents, strict=True):
        centre = Y[np.array(names)[y] == text.get_text()].mean(axis=0)
        assert np.linalg.norm(np.array(text.get_position()) - centre) < 12
        assert box.x0 <= extent.x0 <= extent.x1 <= box.x1
        assert box.y0 <= extent.y0 <= extent.y1 <= box.y1
    assert not overlaps(extents)


def test_names_of_neighbours_are_pushed_apart():
    Y, y = blobs(900, 9)
    Y[y == 1] += Y[y == 0].mean(axis=0) - Y[y == 1].mean(axis=0) + [0, 2]
    names = np.array([f"a rather long name {i}" for i in range(9)])
    ax = scatter(Y, names[y], legend="in place")
    ax.figure.canvas.draw()
    assert len(ax.texts) == 9
    assert not overlaps([text.get_window_extent() for text in ax.texts])


def test_the_name_of_a_torn_class_is_on_one_of_its_parts():
    Y, y = blobs(800, 8)
    torn = np.where(np.isin(y, [0, 4]), 0, y)  # two islands that face each other: mean in between
    ax = scatter(Y, torn)
    (text,) = (text for text in ax.texts if text.get_text() == "0")
    assert np.linalg.norm(Y[torn == 0] - text.get_position(), axis=1).min() < 5


def test_mixed_many_or_tiny_classes_are_named_beside():
    Y, y = blobs(600)
    mixed = np.random.default_rng(0).permutation(y)
    many = np.arange(600) % 25
    tiny = np.arange(12) % 6
    for points, labels in ((Y, mixed), (Y, many), (Y[::50], tiny)):
        ax = scatter(points, labels)
        assert not ax.texts
        texts = [text.get_text() for text in ax.get_legend().get_texts()]
        assert texts == [str(i) for i in range(labels.max() + 1)]


def test_names_with_an_underscore_or_dollars_are_kept_beside():
    Y, y = blobs(100, 2)
    ax = scatter(Y, np.array(["_a", "$b$"])[y], legend="beside")
    entries = ax.get_legend().get_texts()
    assert [entry.get_text() for entry in entries] == ["$b$", "_a"]
    assert not any(entry.get_parse_math() for entry in entries)


def test_no_legend_if_none_is_wanted_or_there_is_nothing_to_name():
    Y, y = blobs(200)
    for ax in (scatter(Y, y, legend=None), scatter(Y), scatter(Y, Y[:, 0], legend=None)):
        assert not ax.texts
        assert ax.get_legend() is None
        assert ax.figure.axes == [ax]


def colours_of(Y, labels):
    """Return the colours in the order of `Y`."""
    points = drawn(scatter(Y, labels, legend=None))
    at = {
        tuple(p): c
        for p, c in zip(np.asarray(points.get_offsets()), points.get_facecolors(), strict=True)
    }
    return np.array([at[tuple(p)][:3] for p in Y])


@pytest.mark.parametrize(
    "make",
    [
        list,
        np.array,
        pd.Categorical,
        pl.Series,
        lambda v: pd.Series(v, index=np.arange(len(v))[::-1]),
        lambda v: pd.Series(v, dtype="category"),
    ],
)
@pytest.mark.parametrize("values", [["left", "right"], [3, 7], [False, True]])
def test_categories_in_any_container(make, values):
    Y, y = blobs(60, 2)
    colours = colours_of(Y, make([values[i] for i in y]))
    np.testing.assert_allclose(colours, np.array([to_rgb(PALETTE[i]) for i in y]))


def test_categories_of_polars():
    Y, y = blobs(60, 2)
    colours = colours_of(Y, pl.Series(np.array(["a", "b"])[y], dtype=pl.Categorical))
    np.testing.assert_allclose(colours, np.array([to_rgb(PALETTE[i]) for i in y]))


def test_pandas_categories_keep_their_order():
    Y, y = blobs(90, 3)
    days = pd.Categorical(np.array(["Mon", "Tue", "Wed"])[y], ["Wed", "Sun", "Tue", "Mon"])
    texts = scatter(Y, days, legend="beside").get_legend().get_texts()
    assert [text.get_text() for text in texts] == ["Wed", "Tue", "Mon"]


@pytest.mark.parametrize(
    "labels", [np.linspace(0, 1, 300), np.arange(300), np.arange(300.0) % 3, [1.5] * 300]
)
def test_quantities_get_a_colour_bar(labels):
    Y, _ = blobs(300)
    ax = scatter(Y, labels)
    assert len(ax.figure.axes) == 2
    assert ax.get_legend() is None
    ax.figure.canvas.draw()


def test_colours_of_quantities_rise_in_lightness():
    Y, _ = blobs(300)
    colours = colours_of(Y, np.arange(300))
    assert (np.diff(lab(colours, VISION["full"])[5:-5:10, 0]) > 0).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda y: [None if i % 3 == 0 else int(v) for i, v in enumerate(y)],
        lambda y: [np.nan if i % 3 == 0 else str(v) for i, v in enumerate(y)],
        lambda y: np.where(np.arange(len(y)) % 3 == 0, np.nan, y + 0.5),
        lambda y: pd.Series([None if i % 3 == 0 else v for i, v in enumerate(y)], dtype="Int64"),
        lambda y: pl.Series([None if i % 3 == 0 else str(v) for i, v in enumerate(y)]),
        lambda y: pd.Categorical([None if i % 3 == 0 else v for i, v in enumerate(y)]),
    ],
)
def test_missing_labels_are_grey_and_underneath(make):
    Y, y = blobs(300)
    colours = colours_of(Y, make(y))
    chroma = np.hypot(*lab(colours, VISION["full"])[:, 1:].T)
    np.testing.assert_array_equal(chroma < 1, np.arange(300) % 3 == 0)
    first = np.asarray(drawn(plt.gcf().axes[0]).get_offsets())[:100]
    assert {tuple(p) for p in first} == {tuple(p) for p in Y[::3]}


def test_missing_labels_are_in_the_legend_and_all_may_be_missing():
    Y, y = blobs(60)
    labels = [None, *map(str, y[1:])]
    texts = scatter(Y, labels, legend="beside").get_legend().get_texts()
    assert texts[-1].get_text() == "no label (1)"
    assert scatter(Y, [None] * 60).get_legend() is None


def test_more_categories_than_colours_warn():
    Y, _ = blobs(200)
    names = [f"{i % 41}" for i in range(200)]
    with pytest.warns(UserWarning, match="41 categories share 40 colours"):
        ax = scatter(Y, names)
    assert len(ax.get_legend().get_texts()) == 41
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scatter(Y, [f"{i % 40}" for i in range(200)])


def test_one_dimension_is_stacked():
    Y, y = blobs(400)
    offsets = np.asarray(drawn(scatter(Y[:, :1], y)).get_offsets())
    np.testing.assert_array_equal(np.sort(offsets[:, 0]), np.sort(Y[:, 0]))
    assert len(np.unique(offsets, axis=0)) == 400
    again = np.asarray(drawn(scatter(Y[:, :1], y)).get_offsets())
    np.testing.assert_array_equal(offsets, again)
    same = np.asarray(drawn(scatter(np.zeros((5, 1)))).get_offsets())
    np.testing.assert_array_equal(np.sort(same[:, 1]), np.arange(5))


def test_three_dimensions_have_their_axes():
    Y, y = blobs(300)
    Y = np.column_stack([Y, y])
    ax = scatter(Y, y)
    assert ax.name == "3d"
    assert len(ax.get_legend().get_texts()) == 6
    ax.figure.canvas.draw()


@pytest.mark.parametrize("n", [1, 2])
def test_a_point_or_two_and_equal_points(n):
    scatter(np.ones((n, 2)), ["a"] * n).figure.canvas.draw()
    scatter(np.ones((n, 2)), ["a"] * n, legend="in place").figure.canvas.draw()


@pytest.mark.full(after=1)
@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg", ".PNG"])
def test_saved_twice_is_the_same_file(tmp_path, suffix):
    Y, y = blobs(200)
    for name in ("a", "b"):
        save(tmp_path / f"{name}{suffix}", Y, y, title="same")
    first, second = ((tmp_path / f"{name}{suffix}").read_bytes() for name in ("a", "b"))
    assert first == second
    assert b"CreationDate" not in first  # its seconds may agree by chance
    start = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml"}[suffix.lower()]
    assert first.startswith(start)
    assert len(list(tmp_path.iterdir())) == 2
    assert not plt.get_fignums()


def test_saved_picture_is_white_and_about_seven_inches(tmp_path):
    save(tmp_path / "map.png", *blobs(300))
    picture = plt.imread(tmp_path / "map.png")
    assert abs(picture.shape[0] / 200 - 7) < 0.7
    assert abs(picture.shape[1] / 200 - 7) < 0.7
    assert (picture[[0, -1]] == 1).all()
    assert 0.005 < (picture[..., :3].min(axis=-1) < 0.9).mean() < 0.3


def test_a_legend_beside_does_not_shrink_the_saved_map(tmp_path):
    Y, _ = blobs(300)
    save(tmp_path / "map.png", Y, [f"a long name for number {i % 30}" for i in range(300)])
    height, width, _ = plt.imread(tmp_path / "map.png").shape
    assert height > 1200
    assert width > height + 400


def test_many_points_are_an_image_in_a_vector_file(tmp_path):
    Y, y = blobs(20_000)
    save(tmp_path / "few.svg", Y[:300], y[:300])
    save(tmp_path / "many.svg", Y, y)
    assert "<image" not in (tmp_path / "few.svg").read_text()
    assert "<image" in (tmp_path / "many.svg").read_text()
    assert (tmp_path / "many.svg").stat().st_size < 2_000_000


def test_a_failed_save_leaves_the_old_file(tmp_path):
    path = tmp_path / "map.png"
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match="alpha"):
        save(path, *blobs(20), alpha=7)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.full
def test_seventy_thousand_points_in_seconds(tmp_path):
    Y, y = blobs(70_000, 10)
    start = time.perf_counter()
    save(tmp_path / "map.png", Y, y)
    assert time.perf_counter() - start < 10  # 1 s alone; the rest is for a busy machine


@pytest.mark.parametrize(
    ("Y", "labels", "options", "match"),
    [
        (np.zeros(5), None, {}, "shape"),
        (np.zeros((5, 4)), None, {}, "shape"),
        (np.zeros((0, 2)), None, {}, "shape"),
        ([[0, 1], [np.nan, 2]], None, {}, "finite"),
        ([[0, 1], [np.inf, 2]], None, {}, "1 of its 2"),
        (np.zeros((3, 2)), [1, 2], {}, "labels"),
        (np.zeros((3, 2)), np.zeros((3, 1)), {}, "labels"),
        (np.zeros((3, 2)), None, {"legend": "left"}, "legend"),
        (np.zeros((3, 3)), [1, 2, 3], {"legend": "in place"}, "in place"),
        (np.zeros((3, 2)), [0.5, 2, 3], {"legend": "in place"}, "in place"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, Y, labels, options, match):
    with pytest.raises(ValueError, match=match):
        scatter(Y, labels, **options)
    with pytest.raises(ValueError, match=match):
        save(tmp_path / "map.png", Y, labels, **options)
    assert not list(tmp_path.iterdir())


def test_axes_of_the_wrong_kind_are_refused():
    flat, deep = plt.figure().add_subplot(), plt.figure().add_subplot(projection="3d")
    with pytest.raises(ValueError, match="3 dimensions"):
        scatter(np.zeros((3, 3)), ax=flat)
    with pytest.raises(ValueError, match="2 dimensions"):
        scatter(np.zeros((3, 2)), ax=deep)


@pytest.mark.parametrize("name", ["map.jpg", "map", "map.png.gz"])
def test_other_suffixes_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match=r"\.png, \.pdf or \.svg"):
        save(tmp_path / name, np.zeros((3, 2)))


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"map\.png"):
        save(tmp_path / "nowhere" / "map.png", np.zeros((3, 2)))
