"""Stages and iterations → a progress bar for each on stderr, lines in a log file, or nothing."""

import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from bhtsne import events, interrupts, jit
from bhtsne.optimizer import State

# Shortest time in seconds of a stage whose bar stays on the screen. That of iterations always does.
_BRIEF = 1.0
# Weight of the last update in the rate, by tqdm's moving average. As the map grows, iterations
# become slower. A mean of all iterations would underestimate the time left more, and the larger
# weight that is tqdm's default would make it fluctuate more.
_SMOOTHING = 0.1
# Least and greatest time in seconds from one line of a log to the next; between them it is a tenth
# of the time of the stage.
_LINE_INTERVAL = (10.0, 600.0)
_COUNTS = " {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{postfix}]"
_BAR = "{desc:13}{percentage:3.0f}%|{bar}|" + _COUNTS
_LINE = "{desc:13}{percentage:3.0f}%" + _COUNTS
_UNKNOWN = "{desc:13}[{elapsed}{postfix}]"
_COUNTED = "{desc:13}{n_fmt} [{elapsed}, {rate_fmt}]"


class Progress:
    """A progress bar for each stage, with the rate, the time left and the last KL divergence.

    A line above the bar announces a compilation, and the bar counts the functions compiled. If
    stderr is a file, each stage of a second or more writes one line at its end, and a stage of
    minutes about ten lines in the meantime.

    Parameters
    ----------
    shown : bool
        False shows nothing and takes no time.
    listeners : sequence of callable
        Called with the name of each stage and its completed fraction, 0 at its beginning.
    """

    def __init__(self, shown: bool, listeners: Sequence[Callable[[str, float], Any]] = ()) -> None:
        self._shown, self._listeners = shown, listeners
        self._bar: Any = None
        self._announced = False
        self._open = ExitStack()

    def __enter__(self) -> "Progress":
        if self._shown:
            self._open.enter_context(jit.when_compiling(self._show_compilation))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _show_compilation(self, count: int) -> None:
        """Announce a compilation once; then show the functions compiled so far and the time."""
        if not self._announced:
            self._announced = True
            text = "Compiling for this machine: up to a minute, once. Later runs start at once."
            write = print if self._bar is None else self._bar.write
            write(text, file=sys.stderr)
        if self._bar is not None:
            self._bar.set_postfix(compiled=count)

    @contextmanager
    def timed(self, stage: str, seconds: dict[str, float], points: int = 0) -> Iterator[None]:
        """Show a stage, and measure its time.

        Parameters
        ----------
        stage : str
            Name of the stage.
        seconds : dict of str to float
            Receives the time of the stage under its name.
        points : int
            Number of points, for a stage that reports its progress by `events`; else 0. Such a
            stage precedes the first map, so that a signal raises KeyboardInterrupt.
        """
        start = time.perf_counter()
        try:
            if points:
                interrupts.check()
            with self._showing(stage, points):
                yield
            if points:
                interrupts.check()
        finally:
            seconds[stage] = time.perf_counter() - start

    @contextmanager
    def _showing(self, stage: str, points: int) -> Iterator[None]:
        if not (self._shown or self._listeners):
            yield
            return
        self._tell(stage, 0.0)
        if not self._shown:
            with self._heard(stage if points else None):
                yield
            return
        start = time.perf_counter()
        self._bar = bar = _bar(stage, points)
        try:
            with self._heard(stage if points else None):
                yield
        finally:
            bar.leave = bar.unit == "it" or time.perf_counter() - start >= _BRIEF
            self._bar = None
            bar.close()

    @contextmanager
    def counted(self, stage: str, points: int) -> Iterator[Callable[[int], None]]:
        """Show a stage, and yield a function that its body calls with each number of points done.

        Parameters
        ----------
        stage : str
            Name of the stage.
        points : int
            Number of points, or 0 if it is unknown: then the bar shows the number done and the
            rate.
        """
        with self, self._showing(stage, points):
            bar = self._bar

            def advance(count: int) -> None:
                interrupts.check()
                if bar is not None:
                    bar.update(count)

            if bar is not None and not points:
                bar.bar_format = _COUNTED
            with events.listening(None):  # the stages within a block report fractions of the block
                yield advance

    def _tell(self, stage: str, done: float) -> None:
        for listener in self._listeners:
            listener(stage, done)

    @contextmanager
    def _heard(self, stage: str | None) -> Iterator[None]:
        """Show and pass on the fractions that the body reports; for None, those are not heard."""

        def hear(done: float) -> None:
            self._tell(str(stage), done)
            self._show_fraction(done)

        with events.listening(None if stage is None else hear):
            yield

    def _show_fraction(self, done: float) -> None:
        """Show the fraction of the points that is done. A smaller one than before is a restart."""
        bar = self._bar
        if bar is None:
            return
        count = round(done * bar.total)
        if count < bar.n:
            bar.reset()
        bar.update(count - bar.n)

    def expect(self, n_iter: int, done: int = 0) -> None:
        """Set the number of iterations that follow, after those already done."""
        if self._bar is not None:
            self._bar.unit, self._bar.unit_scale, self._bar.bar_format = "it", False, _BAR
            self._bar.reset(total=done + n_iter)
            self._bar.initial = self._bar.n = self._bar.last_print_n = done

    def advance(self, state: State) -> None:
        """Count an iteration."""
        if self._bar is not None:
            if state.history:
                self._bar.set_postfix(KL=f"{state.history[-1].kl:.3f}", refresh=False)
            self._bar.update(state.iteration - self._bar.n)


def _bar(stage: str, points: int) -> Any:
    """Return a bar of points for a terminal or notebook, or lines if stderr is a file."""
    options: dict = {"desc": stage, "total": points or None, "unit": " points", "unit_scale": True}
    with warnings.catch_warnings(action="ignore"):  # tqdm warns in a notebook without widgets
        from tqdm.auto import tqdm
    notebook = "ipykernel.zmqshell" in sys.modules  # stores each update, hence the longer interval
    if notebook or sys.stderr.isatty():
        options["mininterval"] = 0.5 if notebook else 0.1
        form = _BAR if points else _UNKNOWN
        return tqdm(**options, bar_format=form, dynamic_ncols=True, smoothing=_SMOOTHING)
    return _Lines(tqdm.format_meter, **options)


class _Lines:
    """The interface of a bar for a log file: lines at intervals, and one at the end."""

    def __init__(self, format_meter: Callable[..., str], **options: Any) -> None:
        self._format, self._desc, self.total = format_meter, options["desc"], options["total"]
        self.unit, self.unit_scale, self.leave = options["unit"], options["unit_scale"], True
        self.reset()

    def reset(self, total: int | None = None) -> None:
        self.total = self.total if total is None else total
        self.n, self.initial, self._postfix = 0, 0, ""
        self._start = time.perf_counter()
        self._last = (self._start, 0)  # time of the last line, and the count done by then

    def set_postfix(self, refresh: bool = True, **values: Any) -> None:
        self._postfix = ", ".join(f"{name}={value}" for name, value in values.items())

    def update(self, count: int) -> None:
        self.n += count
        now, done = time.perf_counter(), self.n - self.initial
        passed, more = now - self._last[0], done - self._last[1]
        if passed < _LINE_INTERVAL[0] or not more or self.n == self.total:  # close writes the last
            return
        # Estimated time of the stage; without a total, the time so far.
        whole = (now - self._start) * ((self.total or self.n) - self.initial) / done
        if passed >= min(whole / 10, _LINE_INTERVAL[1]):
            self._last = (now, done)
            self._write(more / passed)

    def _write(self, rate: float | None = None) -> None:
        units = {name: getattr(self, name) for name in ("unit", "unit_scale", "initial")}
        elapsed = time.perf_counter() - self._start
        form = _LINE if self.total else _COUNTED if self.n else _UNKNOWN
        parts = {"prefix": self._desc, "postfix": self._postfix, "bar_format": form, "rate": rate}
        self.write(self._format(self.n, self.total, elapsed, **parts, **units), sys.stderr)

    def close(self) -> None:
        if self.leave:
            self._write()

    @staticmethod
    def write(text: str, file: Any) -> None:
        print(text, file=file, flush=True)
