"""A run that goes on → `LiveFigure`, drawn anew in its place: map, divergence, time left."""

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
from bhtsne.plot.scatter import PROJECTION, coordinates, dots, frame, put, settle, stack, undress

_POINTS = 20_000  # that are drawn at most: a redraw then takes about 0.2 s
_SHARE = 0.1  # of the run's time that drawing takes at most
_STYLE: dict = {"figsize": (9, 5), "layout": "constrained"}
_PACE = 4  # checks by whose pace the time left is told


class LiveFigure:
    """A callback that shows a run while it goes on, in one figure that is drawn anew in its place.

    In a notebook, whatever its backend, and in a window of an interactive backend elsewhere: the
    map, the KL divergence over the iterations, and the time left at the pace of the last checks.
    Without a display nothing happens. At most 20,000 points are drawn, chosen at random, and at
    most a tenth of the run's time is spent on it: where checks are closer, some are passed over,
    but not the last. A notebook keeps the last figure only.

    Parameters
    ----------
    labels : array-like of shape (N,) or None
        One label a point, by which the points are coloured, as in `scatter`.

    Attributes
    ----------
    figure : Figure or None
        What was drawn last; None as long as there is no display, or no run.

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
        """Let a copy be a new one, since a window cannot be copied."""
        return LiveFigure, (self.labels,)

    def begin(self, state: State) -> None:
        """Draw the map that a run begins with.

        Parameters
        ----------
        state : State
            The optimizer's, which tells how many iterations are left.
        """
        self._state, self._records = state, list(state.history)
        if state.iteration == 0 or self.figure is None:
            self._open(state.Y)
        if self._show is not None:
            self._draw(state.Y, state.iteration, self._left())

    def __call__(self, record: Record, Y: np.ndarray) -> None:
        """Draw the map of a check, if enough time has passed or it is the last."""
        if not self._records and self._state is None:  # whoever calls tells no beginning
            self._open(Y)
        self._records.append(record)
        if self._show is None:
            return
        left = self._left()
        if not left or time.perf_counter() - self._drawn > self._cost / _SHARE:
            self._draw(Y, record.iteration, left)

    def _left(self) -> int:
        return sum(phase.n_iter for phase in self._state.left) if self._state else 0

    def _open(self, Y: np.ndarray) -> None:
        """Make a figure if there is anywhere to show it."""
        if not isinstance(Y, np.ndarray):
            raise TypeError(f"a LiveFigure shows one map, got a {type(Y).__name__}.")
        self._drawn, self._cost = -np.inf, 0.0
        coloured = colour([self.labels], [len(Y)])
        coordinates(Y, "a map to be shown")
        self.figure, self._show = (_in_notebook if _has_kernel() else _in_window)()
        if self._show is None:
            return
        self._chosen = np.sort(np.random.default_rng(0).permutation(len(Y))[:_POINTS])
        self._looks = coloured.colours[0][self._chosen], coloured.known[0][self._chosen]
        grid = self.figure.add_gridspec(1, 2, width_ratios=[5, 3])
        dims = Y.shape[1]
        self._map = self.figure.add_subplot(grid[0], projection=PROJECTION[dims])
        undress(self._map, dims)
        curve = self.figure.add_subplot(grid[1])
        # a layout with room for the last tick, since it stays as it is when the limits change
        curve.set(xlabel="iteration", ylabel="KL divergence", xlim=(0, 1000))
        curve.spines[["top", "right"]].set_visible(False)
        (self._line,) = curve.plot([], [], ".-", color=PLAIN["light"], linewidth=1, markersize=4)
        self._title = self.figure.suptitle(" ")
        explain_beside(self.figure, [self._map, curve], coloured)
        settle(self._map, curve)
        self.figure.set_layout_engine("none")

    def _draw(self, Y: np.ndarray, iteration: int, left: int) -> None:
        """Draw the run as it stands and show it."""
        start, ax = time.perf_counter(), self._map
        for points in [*ax.collections]:
            points.remove()
        some = coordinates(Y)[self._chosen]
        frame(ax, stack(some) if some.shape[1] == 1 else some)
        style = dots(ax, len(some), None, None, plain=self.labels is None)
        put(ax, some, *self._looks).set(**style)
        self._line.set_data([[r.iteration for r in self._records], [r.kl for r in self._records]])
        self._line.axes.set_xlim(0, iteration + left or 1)
        self._line.axes.relim()
        self._line.axes.autoscale_view(scalex=False)
        self._title.set_text(_told(iteration, left, self._records))
        if self._show is not None:
            self._show()
        self._drawn = time.perf_counter()
        self._cost = self._drawn - start


def _told(iteration: int, left: int, records: list[Record]) -> str:
    """Return the title: iterations, divergence and the time left at the pace of the last checks."""
    parts = [f"iteration {iteration:,}" + (f" of {iteration + left:,}" if left else "")]
    if records:
        parts.append(f"KL {records[-1].kl:.3f}")
        before = records[-_PACE] if len(records) >= _PACE else Record(0, 0, 0, 0, 0.0)
        count = records[-1].iteration - before.iteration
        seconds = (records[-1].seconds - before.seconds) * left / max(count, 1)
        parts.append(f"{_clock(seconds)} left" if left else f"{_clock(records[-1].seconds)} in all")
    return "   ".join(parts)


def _clock(seconds: float) -> str:
    """Return a time as people write it: 0:07, 12:34, 1:02:03."""
    text = str(timedelta(seconds=round(seconds)))
    return text.removeprefix("0:").removeprefix("0")


def _has_kernel() -> bool:
    """Return whether this runs in a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


def _in_notebook() -> tuple[Figure, Callable[[], Any]]:
    """Return a figure, and what shows it in the place where it was shown first."""
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
    """Return a figure, and what shows it in its window; None for both where there is no screen."""
    from matplotlib import pyplot as plt

    figure: Any = plt.figure(**_STYLE)
    if not figure.canvas.required_interactive_framework:
        plt.close(figure)
        return None, None
    plt.show(block=False)

    def show() -> None:
        if plt.fignum_exists(figure.number):  # nobody has closed it
            figure.canvas.draw()
            figure.canvas.flush_events()

    return figure, show
