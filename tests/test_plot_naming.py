"""Names in place: none overlaps another or is cut, each is at its class, or a line leads there."""

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.transforms import Bbox
from test_plot import overlaps

from bhtsne.plot import scatter
from bhtsne.plot.naming import _spread
from bhtsne.plot.theme import THEMES

mpl.use("Agg")
LONG = np.array([f"oligodendrocyte precursor {i}" for i in range(40)])


def lattice(count, per=40):
    """Return islands on a square lattice, and the island of each point."""
    side = int(np.ceil(count**0.5))
    y = np.repeat(np.arange(count), per)
    centre = 10.0 * np.column_stack([y % side, y // side])
    return centre + np.random.default_rng(0).normal(size=centre.shape), y


def extents(ax):
    ax.figure.canvas.draw()
    return [text.get_window_extent() for text in ax.texts]


def inside(ax, some):
    box = ax.get_window_extent()
    return all(
        box.x0 - 1 <= e.x0 <= e.x1 <= box.x1 + 1 and box.y0 - 1 <= e.y0 <= e.y1 <= box.y1 + 1
        for e in some
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_forty_classes_are_named_where_they_are(theme):
    Y, y = lattice(40)
    ax = scatter(Y, y, theme=theme)
    assert ax.get_legend() is None
    found = extents(ax)
    assert len(found) == 40
    assert not overlaps(found)
    assert inside(ax, found)
    for text in ax.texts:
        middle = Y[y == int(text.get_text())].mean(axis=0)
        assert np.abs(text.get_position() - middle).max() < 4
        halo = text.get_path_effects()[0]._gc["foreground"]
        assert to_rgb(halo) == to_rgb(THEMES[theme].background)


def test_of_many_classes_a_few_may_lie_upon_each_other():
    Y, y = lattice(40)
    Y[y == 0] = Y[y == 10]
    assert len(scatter(Y, y).texts) == 40
    Y, y = lattice(12)
    Y[y == 0] = Y[y == 10]
    assert not scatter(Y, y).texts  # a legend of 12 can be read


def test_long_names_at_the_edge_are_whole_and_touch_their_class():
    Y, y = lattice(9)
    ax = scatter(Y, LONG[y])
    found = extents(ax)
    assert len(found) == 9
    assert not overlaps(found)
    assert inside(ax, found)
    for text, extent in zip(ax.texts, found, strict=True):
        place = ax.transData.transform(Y[LONG[y] == text.get_text()])
        assert any(extent.contains(*point) for point in place)


def test_a_line_leads_to_a_name_that_found_no_room_at_its_place():
    y = np.repeat(np.arange(12), 30)
    Y = np.random.default_rng(0).normal(size=(360, 2)) + np.where(y == 0, 60, 0)[:, None]
    ax = scatter(Y, LONG[y], legend="in place")
    assert len(ax.texts) == 12
    assert not overlaps(extents(ax))
    assert len(ax.lines) >= 6
    for line in ax.lines:
        place, edge = np.column_stack(line.get_data())
        assert np.linalg.norm(place) < 4  # the heap, in which all but the first class lie
        point = ax.transData.transform(edge)
        away = [np.abs(point - np.clip(point, e.min, e.max)).max() for e in extents(ax)]
        assert min(away) < 4
    assert len(scatter(*lattice(9)).lines) == 0


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 25), st.integers(0, 999))
def test_rectangles_are_pushed_apart_inside_the_box_or_it_says_not(count, seed):
    random = np.random.default_rng(seed)
    box = Bbox([[10, 20], [510, 420]])
    halves = random.uniform(4, [90, 12], (count, 2))
    start = random.uniform(box.min, box.max, (count, 2))
    centres, room = _spread(start, halves, box)
    assert np.isfinite(centres).all()
    assert (centres - halves >= box.min - 1e-9).all()
    assert (centres + halves <= box.max + 1e-9).all()
    found = [Bbox([c - h + 1e-9, c + h - 1e-9]) for c, h in zip(centres, halves, strict=True)]
    assert not room or not overlaps(found)
    assert room or count > 8
