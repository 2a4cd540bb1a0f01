"""A running fit → `LiveFigure`, redrawn in place: map, KL divergence and remaining time."""

import io
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bhtsne.optimizer import Record, State
from bhtsne.palette import PLAIN
from bhtsne.plot.colours import colour
from bhtsne.plot.naming import explain_beside
from bhtsne.plot.scatter import (
    PROJECTION,
    apply_layout,
    coordinates,
    dot_style,
    draw_points,
    fit_limits,
    remove_frame,
    stack,
)

_POINTS = 20_000  # maximum number of points drawn
_SHARE = 0.1  # maximum fraction of the time of the run that is spent on drawing
_STYLE: dict = {"figsize": (9, 5), "layout": "constrained"}
_RECENT = 4  # number of checks from which the remaining time is estimated


class LiveFigure:
    """A callback that shows a running fit in one figure, which is redrawn in place.

    The figure shows the map, the KL divergence against the iterations, and the remaining time,
    estimated from the last checks. It appears in a notebook with any backend, otherwise in the
    window of an interactive backend. Without a display nothing is drawn. A random subset of at
    most 20,000 points is drawn. Drawing takes at most a tenth of the time of the run: some checks
    are skipped, but never the last. A notebook stores the last figure only.

    Parameters
    ----------
    labels : array-like of shape (N,) or None
        Labels that colour the points, as in `scatter`.

    Attributes
    ----------
    figure : Figure or None
        The current figure; None before the first run or without a display.

    Examples
    --------
    >>> from bhtsne import TSNE, datasets
    >>> X, y = datasets.digits()[:2]
    >>> live = LiveFigure(y[:300])
    >>> model = TSNE(random_state=0, callbacks=[live], callback_every=25).fit(X[:300])
    """

    def __init__(self, labels: Any = None) -> None:
        self.labels = labels
        self.figure: Any = None
        self._records: list[Record] = []
        self._state: State | None = None
        self._show: Callable[[], Any] | None = None

    def __reduce__(self) -> tuple:
        """Copy only the labels, since a window cannot be copied."""
        return LiveFigure, (self.labels,)

    def begin(self, state: State) -> None:
        """Draw the initial map of a run.

        Parameters
        ----------
        state : State
            State of the optimizer, with the map and the remaining phases.
        """
        self._state, self._records = state, list(state.history)
        if state.iteration == 0 or self.figure is None:
            self._create_figure(state.Y)
        if self._show is not None:
            self._draw(state.Y, state.iteration, self._iterations_left())

    def __call__(self, record: Record, Y: np.ndarray) -> None:
        """Draw the map of a check if enough time has passed or the check is the last."""
        if not self._records and self._state is None:  # the caller did not call `begin`
            self._create_figure(Y)
        self._records.append(record)
        if self._show is None:
            return
        left = self._iterations_left()
        if not left or time.perf_counter() - self._drawn > self._cost / _SHARE:
            self._draw(Y, record.iteration, left)

    def _iterations_left(self) -> int:
        return sum(phase.n_iter for phase in self._state.left) if self._state else 0

    def _create_figure(self, Y: np.ndarray) -> None:
        """Create the figure, with empty axes, if there is a display."""
        if not isinstance(Y, np.ndarray):
            raise TypeError(f"a LiveFigure shows one map, got a {type(Y).__name__}.")
        self._drawn, self._cost = -np.inf, 0.0
        coloured = colour([self.labels], [len(Y)])
        coordinates(Y, "a map to be shown")
        self.figure, self._show = (_in_notebook if _has_kernel() else _in_window)()
        if self._show is None:
            return
        self._chosen = np.sort(np.random.default_rng(0).permutation(len(Y))[:_POINTS])
        self._colours = coloured.colours[0][self._chosen], coloured.known[0][self._chosen]
        grid = self.figure.add_gridspec(1, 2, width_ratios=[5, 3])
        dims = Y.shape[1]
        self._map = self.figure.add_subplot(grid[0], projection=PROJECTION[dims])
        remove_frame(self._map, dims)
        curve = self.figure.add_subplot(grid[1])
        # Preliminary limits leave space for the last tick: the layout is fixed from here on.
        curve.set(xlabel="iteration", ylabel="KL divergence", xlim=(0, 1000))
        curve.spines[["top", "right"]].set_visible(False)
        (self._line,) = curve.plot([], [], ".-", color=PLAIN["light"], linewidth=1, markersize=4)
        self._title = self.figure.suptitle(" ")
        explain_beside(self.figure, [self._map, curve], coloured)
        apply_layout(self._map, curve)
        self.figure.set_layout_engine("none")

    def _draw(self, Y: np.ndarray, iteration: int, left: int) -> None:
        """Draw and show the map and the KL divergence at an iteration."""
        start, ax = time.perf_counter(), self._map
        for points in [*ax.collections]:
            points.remove()
        some = coordinates(Y)[self._chosen]
        fit_limits(ax, stack(some) if some.shape[1] == 1 else some)
        style = dot_style(ax, len(some), None, None, plain=self.labels is None)
        draw_points(ax, some, *self._colours).set(**style)
        self._line.set_data([[r.iteration for r in self._records], [r.kl for r in self._records]])
        self._line.axes.set_xlim(0, iteration + left or 1)
        self._line.axes.relim()
        self._line.axes.autoscale_view(scalex=False)
        self._title.set_text(_status(iteration, left, self._records))
        if self._show is not None:
            self._show()
        self._drawn = time.perf_counter()
        self._cost = self._drawn - start


def _status(iteration: int, left: int, records: list[Record]) -> str:
    """Return the title: iterations, KL divergence, and the time left estimated from checks."""
    parts = [f"iteration {iteration:,}" + (f" of {iteration + left:,}" if left else "")]
    if records:
        parts.append(f"KL {records[-1].kl:.3f}")
        before = records[-_RECENT] if len(records) >= _RECENT else Record(0, 0, 0, 0, 0.0)
        count = records[-1].iteration - before.iteration
        seconds = (records[-1].seconds - before.seconds) * left / max(count, 1)
        parts.append(f"{_clock(seconds)} left" if left else f"{_clock(records[-1].seconds)} in all")
    return "   ".join(parts)


def _clock(seconds: float) -> str:
    """Return a duration as text: 0:07, 12:34, 1:02:03."""
    text = str(timedelta(seconds=round(seconds)))
    return text.removeprefix("0:").removeprefix("0")


def _has_kernel() -> bool:
    """Return whether the process is a kernel of a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


def _in_notebook() -> tuple[Figure, Callable[[], Any]]:
    """Return a figure, and a function that displays it or updates the displayed image."""
    display = import_module("IPython.display")
    figure, handle, buffer = Figure(**_STYLE), display.DisplayHandle(), io.BytesIO()
    FigureCanvasAgg(figure)

    def show() -> None:
        first = not buffer.tell()
        buffer.seek(0)
        buffer.truncate()
        figure.savefig(buffer, format="png")
        (handle.display if first else handle.update)(display.Image(data=buffer.getvalue()))

    return figure, show


def _in_window() -> tuple[Any, Callable[[], Any] | None]:
    """Return a figure, and a function that redraws its window; None for both without a display."""
    from matplotlib import pyplot as plt

    figure: Any = plt.figure(**_STYLE)
    if not figure.canvas.required_interactive_framework:
        plt.close(figure)
        return None, None
    plt.show(block=False)

    def show() -> None:
        if plt.fignum_exists(figure.number):  # the window is still open
            figure.canvas.draw()
            figure.canvas.flush_events()

    return figure, show
