"""Dark and light, colours that stay, titles of legends: what is said of all figures alike."""

import inspect

import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from test_plot import VISION, blobs, colours_of, drawn, lab, least_distance

from bhtsne import plot
from bhtsne.plot import DARK_PALETTE, PALETTE, density, save, scatter, small_multiples
from bhtsne.plot.colours import MISSING, PLAIN, colour
from bhtsne.plot.theme import THEMES, background, contrast, ink

mpl.use("Agg")
DARK = THEMES["dark"].background
Y, y = blobs(300)
# One call of each function that draws.
CALLS = {
    "scatter": lambda **o: scatter(Y, y, title="a", legend="beside", legend_title="b", **o),
    "density": lambda **o: density(Y, Y[:, 0], title="a", legend_title="b", **o),
    "small_multiples": lambda **o: small_multiples([Y, Y], y, titles=["a", "b"], **o)[0],
    "thumbnails": lambda **o: plot.thumbnails(Y, np.eye(4)[None].repeat(300, 0), y, title="a", **o),
    "compare": lambda **o: plot.compare(Y, -Y, y, titles=["a", "b"], **o)[0],
    "kl_history": lambda **o: plot.kl_history({"a": RECORDS}, title="a", **o),
    "stage_times": lambda **o: plot.stage_times({"a": {"b": 1.0}}, title="a", **o),
    "force_errors": lambda **o: plot.force_errors({0.5: [0.1]}, title="a", **o),
    "kl_per_point": lambda **o: plot.kl_per_point(Model(), title="a", **o),
    "pair_gradients": lambda **o: plot.pair_gradients(**o)[0],
    "distance_densities": lambda **o: plot.distance_densities(**o),
    "distances": lambda **o: plot.distances(Y, Y, n_pairs=50, **o),
}
RECORDS = [plot.runs.Record(50 * i, 1.0 / i, 0.1, 0.01, 1.0) for i in (1, 2)]


class Model:
    embedding_, kl_per_point_ = Y, np.abs(Y[:, 0])


def texts(figure):
    found = figure.findobj(mpl.text.Text)
    return [text for text in found if text.get_text() and text.get_visible()]


def test_every_function_that_draws_is_called_here():
    drawing = {name for name in plot.__all__ if inspect.isfunction(getattr(plot, name))}
    assert drawing - {"save", "animate"} == set(CALLS)


@pytest.mark.full(after=4)
@pytest.mark.parametrize("name", CALLS)
def test_a_dark_figure_is_dark_and_all_its_text_can_be_read(name):
    figure = CALLS[name](theme="dark").figure
    figure.canvas.draw()
    assert background(figure.axes[0]) == DARK
    assert len(texts(figure)) >= 2
    for text in texts(figure):
        assert contrast(text.get_color(), DARK) >= 4.5, text.get_text()


@pytest.mark.full(after=3)
@pytest.mark.parametrize("name", CALLS)
def test_a_style_of_matplotlib_is_followed(name):
    with plt.style.context("dark_background"):
        figure = CALLS[name]().figure
        figure.canvas.draw()
        assert background(figure.axes[0]) == "#000000"
        assert all(contrast(text.get_color(), "black") >= 4.5 for text in texts(figure))


@pytest.mark.parametrize("name", CALLS)
def test_an_unknown_theme_is_refused(name):
    with pytest.raises(ValueError, match="theme must be 'light', 'dark' or None, got 'black'"):
        CALLS[name](theme="black")
    assert not plt.get_fignums()


def test_axes_given_are_painted_and_what_is_drawn_suits_them():
    _, (left, right) = plt.subplots(1, 2, facecolor="black")
    for ax in (left, right):
        ax.set_facecolor("none")
    scatter(Y, y, ax=left, title="on black")
    assert left.title.get_color() == THEMES["dark"].ink
    first = colour([y], [len(y)], theme="dark").colours[0]
    assert {tuple(c[:3]) for c in drawn(left).get_facecolors()} == {tuple(c[:3]) for c in first}
    scatter(Y, y, ax=right, theme="light")
    assert background(right) == "#ffffff"
    assert ink(right) == "#000000"


def test_a_saved_dark_picture_is_dark_to_its_edges(tmp_path):
    save(tmp_path / "map.png", Y, y, theme="dark")
    picture = plt.imread(tmp_path / "map.png")[..., :3]
    edge = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    np.testing.assert_allclose(edge, np.tile(to_rgb(DARK), (len(edge), 1)), atol=0.01)


def test_panes_of_three_dimensions_are_dark():
    ax = scatter(np.column_stack([Y, y]), y, theme="dark")
    assert ax.xaxis.pane.get_facecolor()[:3] == to_rgb(THEMES["dark"].pane)
    ax.figure.canvas.draw()


@pytest.mark.parametrize("stretch", [[1, 1, 1], [30, 1, 0.1]])
def test_units_are_equal_in_three_dimensions(stretch):
    deep = np.random.default_rng(0).normal(size=(90, 3)) * stretch
    for ax in (scatter(deep), small_multiples([deep])[0]):
        ax.figure.canvas.draw()
        low, high = np.array([ax.get_xlim(), ax.get_ylim(), ax.get_zlim()]).T
        assert (low <= deep.min(axis=0)).all()
        assert (high >= deep.max(axis=0)).all()
        unit = np.divide(ax._box_aspect, high - low)
        np.testing.assert_allclose(unit, unit[0], rtol=1e-6)


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
def test_the_dark_palette_can_be_told_apart(count, vision, least):
    assert least_distance(DARK_PALETTE[:count], vision) >= least
    assert len(set(DARK_PALETTE)) == len(DARK_PALETTE) == 40


def test_colours_on_dark_stand_out_and_are_the_hues_of_the_light_ones():
    assert min(contrast(c, DARK) for c in DARK_PALETTE) >= 3
    assert contrast(PLAIN["dark"], DARK) >= 3
    assert 1.5 <= contrast(MISSING["dark"], DARK) <= 3  # seen, and behind the others
    light, dark = (lab(p[:10], VISION["full"])[:, 1:] for p in (PALETTE, DARK_PALETTE))
    cosine = (
        (light * dark).sum(axis=1) / np.linalg.norm(light, axis=1) / np.linalg.norm(dark, axis=1)
    )
    assert cosine.min() > 0.9
    ramp = colour([np.linspace(0, 1, 50)], [50], theme="dark").colours[0]
    assert min(contrast(c, DARK) for c in ramp) >= 2
    assert (np.diff(lab(ramp[:, :3], VISION["full"])[1:-1:4, 0]) > 0).all()


def test_contrast_is_that_of_the_guidelines():
    assert contrast("black", "white") == pytest.approx(21)
    assert contrast("#777777", "white") == pytest.approx(4.48, abs=0.01)


def rgb_of(part, **options):
    """Return the colour of each label in the picture of a part."""
    labels = np.array(list("abcdef"))[y][part]
    there = plot.scatter(Y[part], labels, legend=None, **options)
    at = dict(zip(map(tuple, Y[part]), labels, strict=True))
    points = np.asarray(drawn(there).get_offsets())
    return {
        at[tuple(p)]: tuple(c[:3])
        for p, c in zip(points, drawn(there).get_facecolors(), strict=True)
    }


@pytest.mark.parametrize(
    "palette", [dict(zip("abcdef", PALETTE, strict=False)), dict.fromkeys("abcdef", "tab:red")]
)
def test_a_dict_gives_each_category_its_colour_whichever_are_there(palette):
    for part in (y >= 0, y > 2, y == 4):
        found = rgb_of(part, palette=palette)
        assert found == {name: to_rgb(palette[name]) for name in found}
    axes = small_multiples([Y[y > 2], Y], [y[y > 2], y], palette=dict.fromkeys(range(6), "red"))
    assert {tuple(c[:3]) for ax in axes for c in drawn(ax).get_facecolors()} == {(1, 0, 0)}


def test_a_list_gives_colours_in_order_and_a_legend_shows_them():
    assert rgb_of(y >= 0, palette=list("rgbcmy"))["c"] == to_rgb("b")
    ax = scatter(Y, y, palette=list("rgbcmy"), legend="beside")
    assert [to_rgb(h.get_color()) for h in ax.get_legend().legend_handles][2] == to_rgb("b")
    with pytest.warns(UserWarning, match="6 categories share 2 colours") as caught:
        scatter(Y, y, palette=["red", "blue"])
    assert caught[0].filename == __file__


def test_categories_of_pandas_keep_their_colours_where_some_are_not_seen():
    days = pd.Categorical(np.array(["b", "c"])[y % 2], ["a", "b", "c"])
    expected = np.array([to_rgb(PALETTE[1 + i]) for i in y % 2])
    np.testing.assert_allclose(colours_of(Y, days), expected)
    legend = scatter(Y, days, legend="beside").get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["b", "c"]


def test_quantities_take_a_colormap():
    found = scatter(Y, Y[:, 0], palette="magma", legend=None)
    assert mpl.colormaps["magma"](1.0)[:3] in {tuple(c[:3]) for c in drawn(found).get_facecolors()}
    assert scatter(Y, Y[:, 0], palette=mpl.colormaps["magma"]) is not None


def test_what_labels_are_is_told_by_a_series_or_an_argument():
    values = pd.Series(Y[:, 0], name="_expression of $x$")
    (bar,) = scatter(Y, values).figure.axes[1:]
    assert bar.get_ylabel() == "_expression of $x$"
    assert scatter(Y, values, legend_title="mine").figure.axes[1].get_ylabel() == "mine"
    assert scatter(Y, Y[:, 0]).figure.axes[1].get_ylabel() == ""
    legend = scatter(Y, pl.Series("kind", y), legend="beside").get_legend()
    assert legend.get_title().get_text() == "kind"
    assert scatter(Y, y, legend="beside").get_legend().get_title().get_text() == ""
    axes = small_multiples([Y, Y], pd.Series(y, name="kind"), legend="beside")
    assert axes[0].figure.legends[0].get_title().get_text() == "kind"


def test_the_bar_has_an_arrow_where_values_lie_beyond_it():
    values = np.zeros(300)
    assert scatter(Y, values).figure.axes[1]._colorbar.extend == "neither"
    values[:2] = 1e9
    assert scatter(Y, values).figure.axes[1]._colorbar.extend == "max"
    assert scatter(Y, Y[:, 0]).figure.axes[1]._colorbar.extend == "both"


@pytest.mark.parametrize("values", [[np.inf, -np.inf, 1.0], [np.inf] * 3, [np.nan, 1.0, 2.0]])
def test_quantities_that_are_not_finite_are_drawn(values):
    ax = scatter(Y[:3], values)
    ax.figure.canvas.draw()
    assert len(drawn(ax).get_offsets()) == 3


@pytest.mark.parametrize(
    ("labels", "palette", "match"),
    [
        (y, {0: "red"}, "palette must give each category a colour, got none for 1"),
        (y, ["red", "no colour"], "palette must hold colours .* got 'no colour'"),
        (y, [], "at least one colour"),
        (y, "viridis", "dict or a list of colours for categories, got 'viridis'"),
        (y, 3, "got 3"),
        (Y[:, 0], "no such map", "colormap of matplotlib .* got 'no such map'"),
        (Y[:, 0], ["red"], r"colormap of matplotlib .* got \['red'\]"),
    ],
)
def test_palettes_that_do_not_fit_are_refused(labels, palette, match):
    with pytest.raises(ValueError, match=match):
        scatter(Y, labels, palette=palette)
    assert not plt.get_fignums()
