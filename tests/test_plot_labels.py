"""Labels of any type: missing ones, dates, numbers in text, and far too many of them."""

import datetime as dt
import io
import warnings
from decimal import Decimal

import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from matplotlib.legend import Legend
from PIL import Image
from test_plot import overlaps

import bhtsne.plot.live
from bhtsne import plot
from bhtsne.optimizer import Record
from bhtsne.palette import MISSING, OTHERS, PALETTE, PLAIN, as_dates, categories, plain_values
from bhtsne.plot.naming import shortened

mpl.use("Agg")
N = 60
Y = np.random.default_rng(0).normal(size=(N, 2))
MANY = 8_000
Y_MANY = np.random.default_rng(0).normal(size=(MANY, 2))
IDS = [f"cell {i}" for i in range(MANY)]
NAMES = [f"gene {i % 800}" for i in range(MANY - 400)] + ["common"] * 399 + [None]
DAYS = np.datetime64("2020-01-01") + np.arange(N)
PY_DAYS = DAYS.astype(object).tolist()


def told(figure):
    """Return what the legends of a figure say, those of axes and of all."""
    axes = [a for ax in figure.axes for a in (ax.get_legend(), *ax.artists)]
    legends = [a for a in (*figure.legends, *axes) if isinstance(a, Legend)]
    return [text.get_text() for legend in legends for text in legend.get_texts()]


def colours(ax):
    return np.asarray(ax.collections[-1].get_facecolors())[:, :3]


def whole(figure):
    """Assert that nothing that a figure says is cut off, or lies over another text."""
    figure.canvas.draw()
    # an axis also has ticks beyond its limits, which are not drawn
    curves = [ax for ax in figure.axes if ax.lines]
    ticks = {text for ax in curves for text in (*ax.get_xticklabels(), *ax.get_yticklabels())}
    texts = {t for t in figure.findobj(mpl.text.Text) if t.get_text().strip() and t.get_visible()}
    texts = [*(texts - ticks)]
    boxes = [text.get_window_extent() for text in texts]
    assert not overlaps(boxes)
    width, height = figure.canvas.get_width_height()
    for box in boxes:
        assert box.x0 >= -1
        assert box.y0 >= -1
        assert box.x1 <= width + 1
        assert box.y1 <= height + 1


# Labels that are missing

GAPS = {
    "text": ["a", None, "b"],
    "empty text": ["a", "", "b"],
    "blank text": ["a", " ", "b"],
    "text and NaN": np.array(["a", np.nan, "b"], object),
    "integers": [1, None, 2],
    "integers as floats": np.array([1.0, np.nan, 2.0]),
    "integers of pandas": pd.Series([1, None, 2], dtype="Int64"),
    "integers of pandas as floats": pd.Series([1, None, 2]),
    "integers of polars": pl.Series([1, None, 2]),
    "integers of pyarrow": pa.array([1, None, 2]),
    "floats": [1.5, float("nan"), 2.0],
    "float32": np.array([1.5, np.nan, 2], np.float32),
    "decimals": [Decimal("1.5"), None, Decimal(2)],
    "bool": [True, None, False],
    "bool of pandas": pd.Series([True, None, False], dtype="boolean"),
    "categories": pd.Categorical(["a", None, "b"]),
    "categories of polars": pl.Series(["a", None, "b"], dtype=pl.Categorical),
    "dictionary": pa.array(["a", None, "b"]).dictionary_encode(),
    "chunks": pa.chunked_array([["a", None], ["b"]]),
    "masked integers": np.ma.array([1, 7, 2], mask=[0, 1, 0]),
    "masked floats": np.ma.array([1.5, 7, 2], mask=[0, 1, 0]),
    "masked text": np.ma.array(["a", "x", "b"], mask=[0, 1, 0]),
    "NaT": np.array(["2020-01-01", "NaT", "2020-01-05"], "M8[D]"),
    "dates": [dt.date(2020, 1, 1), None, dt.date(2020, 1, 5)],
    "times of pandas": pd.Series(pd.to_datetime(["2020-01-01", None, "2020-01-05"])),
    "dates of polars": pl.Series([dt.date(2020, 1, 1), None, dt.date(2020, 1, 5)]),
    "bytes": [b"a", None, b"b"],
}


@pytest.mark.full(after=6)
@pytest.mark.parametrize("kind", GAPS)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_missing_label_is_grey_and_counted_whatever_the_type(kind, theme):
    three = np.array([[0.0, 0], [1, 0], [0, 1]])
    ax = plot.scatter(three, GAPS[kind], theme=theme)
    where = np.asarray(ax.collections[-1].get_offsets())
    grey = np.isclose(colours(ax), to_rgb(MISSING[theme])).all(axis=1)
    assert [tuple(p) for p in where[grey]] == [(1.0, 0.0)]
    assert told(ax.figure)[-1] == "no label (1)"
    whole(ax.figure)


@pytest.mark.parametrize("labels", [[None] * N, [""] * N, np.full(N, np.nan), [pd.NaT] * N])
def test_all_labels_may_be_missing(labels):
    ax = plot.scatter(Y, labels)
    assert np.allclose(colours(ax), to_rgb(MISSING["light"]))
    assert told(ax.figure) == [f"no label ({N})"]


def test_points_without_a_label_count_once_for_all_panels():
    labels = ["a", "b", None] * 20
    assert told(plot.small_multiples([Y, -Y, Y], labels)[0].figure)[-1] == "no label (20)"
    assert told(plot.compare(Y, -Y, labels)[0].figure)[-1] == "no label (20)"
    axes = plot.small_multiples([Y, -Y], [labels, [None, *labels[1:]]])
    assert told(axes[0].figure)[-1] == "no label (41)"
    assert told(plot.scatter(Y, labels, legend=None).figure) == []
    assert told(plot.scatter(Y).figure) == []


def test_the_count_is_under_names_in_place_in_the_picture_and_in_panels(tmp_path):
    centre = np.repeat([[0.0, 0], [9, 0], [0, 9]], 20, axis=0)
    labels = np.repeat(["a", "b", "c"], 20).astype(object)
    labels[0] = None
    ax = plot.scatter(Y + centre, labels)
    assert [text.get_text() for text in ax.texts] == ["a", "b", "c"]
    assert told(ax.figure) == ["no label (1)"]
    axes = plot.small_multiples([Y + centre, -Y - centre], labels)
    assert [text.get_text() for text in axes[1].texts] == ["a", "b", "c"]
    assert told(axes[0].figure) == ["no label (1)"]
    whole(axes[0].figure)
    with_count, without = tmp_path / "a.png", tmp_path / "b.png"
    plot.save(with_count, Y + centre, labels)
    plot.save(without, Y + centre, np.where(labels == None, "a", labels))  # noqa: E711
    heights = [len(plt.imread(path)) for path in (with_count, without)]
    assert heights[0] > heights[1] + 30  # the text is inside of the file


# Numbers in text, dates and other types


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["10", "2", "1"], ["1", "2", "10"]),
        (["1.5", "-3", "0", "1e2"], ["-3", "0", "1.5", "1e2"]),
        (["b", "10", "a", "9"], ["9", "10", "a", "b"]),
        (["day 10", "day 2", "day 1"], ["day 1", "day 2", "day 10"]),
        (["x10y2", "x9", "x10y10"], ["x9", "x10y2", "x10y10"]),
        (["nan", "inf", "7"], ["7", "inf", "nan"]),
        (["9" * 5000, "1" * 5000, "5"], ["5", "1" * 5000, "9" * 5000]),
        (["010", "9", "10"], ["9", "010", "10"]),
        ([b"10", b"2"], ["2", "10"]),
        ([True, False], [False, True]),
        (["²", "٣", "2"], ["2", "٣", "²"]),
    ],
)
def test_numbers_in_text_are_in_the_order_of_their_values(labels, expected):
    assert categories([labels], plain_values(labels))[0] == expected


def test_the_legend_and_the_colours_have_that_order():
    labels = np.array([str(i % 12) for i in range(N)])
    ax = plot.scatter(Y, labels, legend="beside")
    assert told(ax.figure) == [str(i) for i in range(12)]
    shown = {tuple(c) for c in colours(ax)}
    assert shown == {to_rgb(c) for c in PALETTE[:12]}


DATES = {
    "datetime64": DAYS,
    "dates": PY_DAYS,
    "datetimes": [dt.datetime(x.year, x.month, x.day) for x in PY_DAYS],
    "pandas": pd.Series(DAYS),
    "pandas index": pd.DatetimeIndex(DAYS),
    "pandas with a zone": pd.Series(pd.DatetimeIndex(DAYS)).dt.tz_localize("Asia/Tokyo"),
    "pandas objects": pd.Series(PY_DAYS, dtype=object),
    "periods": pd.Series(pd.period_range("2020-01-01", periods=N, freq="D")),
    "polars": pl.Series(PY_DAYS),
    "pyarrow": pa.array(PY_DAYS),
    "pyarrow timestamps": pa.array(PY_DAYS).cast(pa.timestamp("ms")),
    "text": [str(x) for x in PY_DAYS],
}


@pytest.mark.full(after=3)
@pytest.mark.parametrize("kind", DATES)
def test_dates_get_a_colour_bar_with_dates(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = plot.scatter(Y, DATES[kind], legend_title="sampled")
        bar = ax.figure.axes[1]
        whole(ax.figure)
    ticks = [text.get_text() for text in bar.get_yticklabels()]
    assert ticks == ["2020-01-15", "2020-02-01", "2020-02-15"]
    assert np.allclose(bar.get_ylim(), np.percentile(18_262 + np.arange(N), [1, 99]))
    assert bar.get_ylabel() == "sampled"


@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        ([dt.date(2020, 1, 2)] * N, "2020-01-02"),
        (np.datetime64("2020-01-02T00:00") + 7 * np.arange(N), "2020-01-02 03:00"),
        (np.datetime64("2020-01-02T00:00:00") + np.arange(N), "2020-01-02 00:00:30"),
        (np.datetime64("1400-01-01") + 3000 * np.arange(N), "1500"),
    ],
)
def test_dates_of_any_span_have_ticks_that_say_the_day(labels, shown):
    ax = plot.density(Y, labels)
    assert shown in [text.get_text() for text in ax.figure.axes[1].get_yticklabels()]


def test_a_few_days_in_text_stay_names_and_text_that_only_looks_like_dates_does():
    assert as_dates(["2020-01-01", "2020-01-02"]) is None
    assert as_dates([f"2020-{i:02}-xx" for i in range(60)]) is None
    assert as_dates([]) is None
    assert as_dates([dt.date(2020, 1, 1), "2020-01-02"]) is None
    assert as_dates([dt.datetime(1970, 1, 1, 12)]) == {dt.datetime(1970, 1, 1, 12): 0.5}


def test_decimals_and_durations_are_quantities():
    assert plain_values([Decimal("0.5"), Decimal(2)]) == [0.5, 2.0]
    for days in (
        DAYS - DAYS[0],
        pd.Series(DAYS - DAYS[0]),
        [dt.timedelta(int(i)) for i in range(N)],
    ):
        assert plain_values(days) == list(range(N))
        assert len(plot.scatter(Y, days).figure.axes) == 2


def test_whole_floats_without_gaps_stay_quantities():
    assert len(plot.scatter(Y, np.arange(N) % 3.0).figure.axes) == 2
    gaps = np.where(np.arange(N) == 0, np.nan, np.arange(N) % 3)
    ax = plot.scatter(Y, gaps, legend="beside")
    assert told(ax.figure) == ["0", "1", "2", "no label (1)"]


# Too many labels


def drawn(what, labels, tmp_path):
    """Return the figure or the picture that a function makes of many labels."""
    images = np.broadcast_to(np.eye(4), (MANY, 4, 4))
    maps = [Y_MANY, -Y_MANY]
    if what == "live":
        live = plot.LiveFigure(labels)
        live(Record(10, 1.0, 1.0, 1.0, 1.0), Y_MANY)
        return live.figure
    if what in ("save", "animate"):
        path = tmp_path / ("map.png" if what == "save" else "film.gif")
        if what == "save":
            plot.save(path, Y_MANY, labels)
        else:
            plot.animate(path, maps, labels, seconds=0.1, hold=0)
        with Image.open(path) as picture:
            return picture
    return {
        "scatter": lambda: plot.scatter(Y_MANY, labels).figure,
        "1-D": lambda: plot.scatter(Y_MANY[:, :1], labels).figure,
        "3-D": lambda: plot.scatter(np.c_[Y_MANY, Y_MANY[:, 0]], labels).figure,
        "density": lambda: plot.density(Y_MANY, labels).figure,
        "thumbnails": lambda: plot.thumbnails(Y_MANY, images, labels).figure,
        "small_multiples": lambda: plot.small_multiples(maps, labels)[0].figure,
        "compare": lambda: plot.compare(*maps, labels)[0].figure,
    }[what]()


@pytest.fixture
def _notebook(monkeypatch):
    def shown():
        figure = mpl.figure.Figure(**bhtsne.plot.live._STYLE)
        canvas = mpl.backends.backend_agg.FigureCanvasAgg(figure)
        return figure, lambda: canvas.print_png(io.BytesIO())

    monkeypatch.setattr(bhtsne.plot.live, "_has_kernel", lambda: True)
    monkeypatch.setattr(bhtsne.plot.live, "_in_notebook", shown)


WHAT = ["scatter", "1-D", "3-D", "density", "thumbnails", "small_multiples", "compare", "save"]
WHAT += ["animate", "live"]


@pytest.mark.full(after=3)
@pytest.mark.usefixtures("_notebook")
@pytest.mark.parametrize("what", WHAT)
@pytest.mark.parametrize("labels", ["ids", "names", "long names"])
def test_far_too_many_labels_leave_a_picture_that_can_be_read(what, labels, tmp_path):
    given = {"ids": IDS, "names": NAMES}.get(labels) or [x and x + "!" * 3000 for x in NAMES]
    match = "8,000 categories of one point each" if labels == "ids" else "801 categories; the 20"
    with pytest.warns(UserWarning, match=match) as caught:
        picture = drawn(what, given, tmp_path)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    if what in ("save", "animate"):
        assert max(picture.size) <= 4_000
        return
    said = told(picture)
    if labels == "ids":
        assert said == ["8,000 different labels"]
    else:
        assert len(said) == 22
        assert said[0] == shortened(given[-2], max(map(len, said)))
        assert said[-2:] == ["781 others", "no label (1)"]
    assert (picture.get_size_inches() * 200 <= 4_000).all()
    whole(picture)


def test_the_most_frequent_have_colours_and_the_others_are_grey():
    with pytest.warns(UserWarning, match="the 20 most frequent have colours"):
        ax = plot.scatter(Y_MANY, NAMES)
    shown, count = np.unique(colours(ax), axis=0, return_counts=True)
    number = {tuple(c): k for c, k in zip(shown, count, strict=True)}
    assert number[to_rgb(PALETTE[0])] == 399
    assert {to_rgb(c) for c in PALETTE[:20]} < set(number)
    assert set(number) - {to_rgb(c) for c in PALETTE[:20]} == {
        to_rgb(OTHERS["light"]),
        to_rgb(MISSING["light"]),
    }
    with pytest.warns(UserWarning, match="all points have one colour"):
        ax = plot.scatter(Y_MANY, IDS)
    assert np.allclose(colours(ax), to_rgb(PLAIN["light"]))


def test_a_palette_that_has_a_colour_for_each_is_used_and_the_legend_stays_short():
    ramp = [f"#{i:06x}" for i in range(801)]
    wanted = dict(zip(dict.fromkeys(NAMES[:-1]), ramp, strict=True))
    for palette in (wanted, ramp):
        ax = plot.scatter(Y_MANY, NAMES, palette=palette)
        assert len(np.unique(colours(ax), axis=0)) > 600
        assert len(told(ax.figure)) == 22
    with pytest.warns(UserWarning, match="the 2 most frequent"):
        ax = plot.scatter(Y_MANY, NAMES, palette=["red", "blue"], legend="in place")
    assert ax.texts[0].get_text() == "common"
    assert told(ax.figure) == ["799 others", "no label (1)"]


def test_names_in_place_only_for_those_that_are_named():
    with pytest.warns(UserWarning, match="801 categories"):
        ax = plot.scatter(Y_MANY, NAMES, legend="in place")
    assert len(ax.texts) == 20


@pytest.mark.parametrize(
    "name",
    ["x" * 10**6, "שלום " * 50, "🙂" * 100, "a\nb\n" * 50, "$x_1$" * 30],
    ids=["long", "from right to left", "emoji", "lines", "mathematics"],
)
def test_names_of_any_length_are_one_short_line(name):
    labels = [f"{name}{i % 3}" for i in range(N)]
    for legend in ("beside", "in place"):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph")
            ax = plot.scatter(Y, pd.Series(labels, name=name), legend=legend)
            whole(ax.figure)
        said = [text.get_text() for text in ax.texts] or told(ax.figure)
        assert [text[-1] for text in said] == ["0", "1", "2"]
        assert max(map(len, said)) <= 40
        assert "\n" not in "".join(said)
