"""The live figure: where it is shown, what it shows, how often, and that it never harms a run."""

import copy
import io
import pickle
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

import bhtsne.plot.live
from bhtsne import TSNE, DynamicTSNE, datasets, optimizer
from bhtsne.optimizer import Phase, Record, State
from bhtsne.plot import PALETTE, LiveFigure
from bhtsne.plot.live import _clock, _has_kernel, _status

X, y = datasets.digits()[:2]
X, y = X[:200], y[:200]
SHORT = {"n_iter": 60, "early_exaggeration_iter": 40, "callback_every": 10, "random_state": 0}


@pytest.fixture
def notebook(monkeypatch):
    """Make this a notebook; return what its cell shows: one place, and the pictures in its time."""
    shown = []

    class Handle:
        def display(self, image):
            assert not shown
            shown.append(image)

        def update(self, image):
            assert shown
            shown.append(image)

    display = SimpleNamespace(DisplayHandle=Handle, Image=lambda data: Image.open(io.BytesIO(data)))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setattr(bhtsne.plot.live, "_has_kernel", lambda: True)
    return shown


@pytest.fixture
def clock(monkeypatch):
    """Return a clock that stands still, and moves by a second whenever a figure is drawn."""
    now = [0.0]
    draw = FigureCanvasAgg.draw

    def slowly(self):
        now[0] += 1
        draw(self)

    monkeypatch.setattr(FigureCanvasAgg, "draw", slowly)
    monkeypatch.setattr(bhtsne.plot.live.time, "perf_counter", lambda: now[0])
    return now


def dark(picture, colour):
    """Return how many pixels have a colour."""
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    return int((np.abs(np.asarray(picture.convert("RGB"), int) - rgb).sum(axis=2) < 60).sum())


def test_a_notebook_shows_one_figure_that_is_replaced(notebook, monkeypatch):
    monkeypatch.setattr(bhtsne.plot.live, "_SHARE", np.inf)
    live = LiveFigure(y)
    silent = TSNE(**SHORT).fit(X)
    model = TSNE(callbacks=[live], **SHORT).fit(X)
    assert np.array_equal(model.embedding_, silent.embedding_)
    assert len(notebook) == 1 + 10
    assert len({picture.size for picture in notebook}) == 1
    assert all(dark(notebook[-1], colour) > 20 for colour in PALETTE[:10])
    assert live.figure._suptitle.get_text().startswith("iteration 100   KL ")
    line = live.figure.axes[1].lines[0]
    assert list(line.get_xdata()) == list(range(10, 101, 10))
    assert list(line.get_ydata()) == [record.kl for record in model.history_]
    assert live.figure.axes[1].get_xlim() == (0, 100)
    assert not plt.get_fignums()


def test_drawing_takes_at_most_a_tenth_of_the_time(notebook, clock):
    live, Y = LiveFigure(), np.zeros((5, 2), np.float32)
    state = State(Y, left=[Phase(1000)])
    live.begin(state)
    for i in range(1, 1000):
        clock[0] += 0.1
        state.left = [Phase(1000 - i)]
        live(Record(i, 1.0, 0, 0, i / 10), Y)
    assert 6 <= clock[0] - 99.9 <= 12  # of 100 s
    count = len(notebook)
    state.left = []
    live(Record(1000, 1.0, 0, 0, 100), Y)
    assert len(notebook) == count + 1


def test_a_fit_that_converges_early_shows_its_last_map(notebook, clock):
    model = TSNE(
        stopping=optimizer.Stopping(0.5), **SHORT | {"n_iter": 500, "callbacks": [LiveFigure()]}
    ).fit(X)
    assert model.stopped_ == "converged"
    text = model.callbacks[0].figure._suptitle.get_text()
    assert text.startswith(f"iteration {model.n_iter_} ")
    assert "left" not in text


def test_optimize_goes_on_in_the_same_figure(notebook):
    live = LiveFigure()
    model = TSNE(callbacks=[live], **SHORT).fit(X)
    figure = live.figure
    model.optimize(50)
    assert live.figure is figure
    assert list(figure.axes[1].lines[0].get_xdata()) == list(range(10, 151, 10))


@pytest.mark.full
@pytest.mark.parametrize("dims", [1, 3])
def test_maps_of_one_and_three_dimensions(notebook, dims):
    TSNE(dims, callbacks=[LiveFigure(X[:, 20])], **SHORT).fit(X)
    assert dark(notebook[-1], "#ffffff") > 1000


def test_many_points_are_thinned(notebook):
    live, n = LiveFigure(), 30_000
    Y = np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32)
    live.begin(State(Y, left=[Phase(1)]))
    assert len(live.figure.axes[0].collections[0].get_offsets()) == 20_000


def test_a_window_is_drawn_until_somebody_closes_it(monkeypatch):
    plt.close(plt.figure())
    drawn, opened = [], []
    monkeypatch.setattr(FigureCanvasAgg, "required_interactive_framework", "some")
    monkeypatch.setattr(FigureCanvasAgg, "flush_events", lambda self: drawn.append(1))
    monkeypatch.setattr(plt, "show", lambda block: opened.append(block))
    monkeypatch.setattr(bhtsne.plot.live, "_SHARE", np.inf)

    def close(record, Y):
        if record.iteration == 50:
            plt.close("all")

    TSNE(callbacks=[LiveFigure(y), close], **SHORT).fit(X)
    assert opened == [False]
    assert len(drawn) == 1 + 5


@pytest.mark.parametrize(
    ("shell", "expected"),
    [(None, False), (SimpleNamespace(), False), (SimpleNamespace(kernel=1), True)],
)
def test_a_notebook_is_told_from_a_terminal(monkeypatch, shell, expected):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert _has_kernel() == expected
    monkeypatch.delitem(sys.modules, "IPython")
    assert not _has_kernel()


def test_without_a_screen_nothing_happens():
    live = LiveFigure(y)
    TSNE(callbacks=[live], **SHORT).fit(X)
    assert live.figure is None
    assert not plt.get_fignums()


def test_what_cannot_be_drawn_is_told_before_the_first_iteration(notebook):
    with pytest.raises(ValueError, match=r"labels must have the shape \(200,\), got \(3,\)"):
        TSNE(callbacks=[LiveFigure([1, 2, 3])], **SHORT).fit(X)
    with pytest.raises(ValueError, match=r"a map to be shown must have the shape"):
        TSNE(4, method="exact", callbacks=[LiveFigure()], **SHORT).fit(X)
    with pytest.raises(TypeError, match="shows one map, got a list"):
        DynamicTSNE(callbacks=[LiveFigure()], n_iter=10, perplexity=5).fit([X[:30], X[:30]])


def test_a_copy_is_a_new_one(notebook):
    live = LiveFigure(y)
    TSNE(callbacks=[live], **SHORT).fit(X)
    for again in (copy.deepcopy(live), pickle.loads(pickle.dumps(live))):
        assert again.figure is None
        assert np.array_equal(again.labels, y)


def test_the_title_tells_the_time_left_at_the_last_pace():
    records = [Record(10 * i, 2.0, 0, 0, seconds) for i, seconds in enumerate([1, 2, 4, 8], 1)]
    assert _status(40, 60, records) == "iteration 40 of 100   KL 2.000   0:14 left"
    assert _status(10, 90, records[:1]) == "iteration 10 of 100   KL 2.000   0:09 left"
    assert _status(40, 0, records) == "iteration 40   KL 2.000   0:08 in all"
    assert _status(0, 1500, []) == "iteration 0 of 1,500"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (7.4, "0:07"), (754, "12:34"), (600, "10:00"), (3723, "1:02:03")],
)
def test_times_are_written_as_people_do(seconds, text):
    assert _clock(seconds) == text
