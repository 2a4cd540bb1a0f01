"""Stages and iterations → a progress bar for each on stderr, lines in a log file, or nothing."""

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from bhtsne import events, interrupts, jit
from bhtsne.optimizer import State

# A stage that took less leaves no trace, but for the optimisation.
_BRIEF = 1.0
# The weight of the last tenth of a second in the rate. As the map grows iterations become dearer,
# on MNIST three times so: the time left is told 9.8, 7.0, 3.6 and 0.3 s of 24 too short after 10,
# 25, 50 and 75 %, by tqdm's own 0.3 no better, but jumping three times as far; by the mean of all
# iterations 11.2, 8.8, 5.4 and 2.7.
_SMOOTHING = 0.1
# Seconds from one line of a log to the next: a tenth of what the stage will take, within these.
_LINES = (10.0, 600.0)
_TOLD = " {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{postfix}]"
_BAR, _LINE = "{desc:13}{percentage:3.0f}%|{bar}|" + _TOLD, "{desc:13}{percentage:3.0f}%" + _TOLD
_UNKNOWN = "{desc:13}[{elapsed}]"
_COUNTED = "{desc:13}{n_fmt} [{elapsed}, {rate_fmt}]"


class Progress:
    """A bar for each stage: what is done, how fast, and the time left; the last KL divergence too.

    Above it stands a line if something has to be compiled first. Where stderr is a file, each stage
    that takes a second or more leaves a line, and about ten on the way if it takes minutes.

    Parameters
    ----------
    shown : bool
        False shows nothing and costs nothing.
    """

    def __init__(self, shown: bool) -> None:
        self._shown = shown
        self._bar: Any = None
        self._open = ExitStack()

    def __enter__(self) -> "Progress":
        if self._shown:
            self._open.enter_context(jit.when_compiling(self._tell_compiling))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _tell_compiling(self) -> None:
        text = "Compiling for this machine: up to half a minute, once. Later runs begin at once."
        write = print if self._bar is None else self._bar.write
        write(text, file=sys.stderr)

    @contextmanager
    def timed(self, stage: str, seconds: dict[str, float], points: int = 0) -> Iterator[None]:
        """Show a stage, and keep how long it takes.

        Parameters
        ----------
        stage : str
            Its name.
        seconds : dict of str to float
            Where the time is kept.
        points : int
            How many it has to do, if it tells which part of them is done. Such a stage comes before
            there is a map: a signal that has arrived ends it by KeyboardInterrupt.
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
        if not self._shown:
            yield
            return
        start = time.perf_counter()
        self._bar = bar = _bar(stage, points)
        try:
            with events.listening(self._hear if points else None):
                yield
        finally:
            # what is brief is not worth a line, unless somebody waits for its last number
            bar.leave = bar.unit == "it" or time.perf_counter() - start >= _BRIEF
            self._bar = None
            bar.close()

    @contextmanager
    def counted(self, stage: str, points: int) -> Iterator[Callable[[int], None]]:
        """Show a stage whose body tells by a function how many points more are done.

        Parameters
        ----------
        stage : str
            Its name.
        points : int
            How many there are; 0 where nobody knows: then the bar tells how many, and how fast.
        """
        with self, self._showing(stage, points):
            bar = self._bar

            def advance(count: int) -> None:
                interrupts.check()
                if bar is not None:
                    bar.update(count)

            if bar is not None and not points:
                bar.bar_format = _COUNTED
            with events.listening(None):  # a block's own stages are no part of the whole
                yield advance

    def _hear(self, done: float) -> None:
        """Show which part of the points is done; where it falls, the stage has begun anew."""
        bar = self._bar
        count = round(done * bar.total)
        if count < bar.n:
            bar.reset()
        bar.update(count - bar.n)

    def expect(self, n_iter: int, done: int = 0) -> None:
        """Set the number of iterations to come, after those that are done."""
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
    """Return a bar of points for the terminal or notebook that stderr is, or lines for a file."""
    options: dict = {"desc": stage, "total": points or None, "unit": " points", "unit_scale": True}
    with warnings.catch_warnings(action="ignore"):  # of a notebook that has no widgets
        from tqdm.auto import tqdm
    notebook = "ipykernel.zmqshell" in sys.modules  # which keeps all that is written
    if notebook or sys.stderr.isatty():
        options["mininterval"] = 0.5 if notebook else 0.1
        form = _BAR if points else _UNKNOWN
        return tqdm(**options, bar_format=form, dynamic_ncols=True, smoothing=_SMOOTHING)
    return _Lines(tqdm.format_meter, **options)


class _Lines:
    """A bar's stand-in where nothing can be taken back: a line now and then, and at the end."""

    def __init__(self, format_meter: Callable[..., str], **options: Any) -> None:
        self._format, self._desc, self.total = format_meter, options["desc"], options["total"]
        self.unit, self.unit_scale, self.leave = options["unit"], options["unit_scale"], True
        self.reset()

    def reset(self, total: int | None = None) -> None:
        self.total = self.total if total is None else total
        self.n, self.initial, self._postfix = 0, 0, ""
        self._start = time.perf_counter()
        self._last = (self._start, 0)  # line: when, and what had been done

    def set_postfix(self, refresh: bool, **values: str) -> None:
        self._postfix = ", ".join(f"{name}={value}" for name, value in values.items())

    def update(self, count: int) -> None:
        self.n += count
        now, done = time.perf_counter(), self.n - self.initial
        passed, more = now - self._last[0], done - self._last[1]
        if passed < _LINES[0] or not more or self.n == self.total:  # the last line is another's
            return
        # where nobody knows how much there is, as if it were done
        whole = (now - self._start) * ((self.total or self.n) - self.initial) / done
        if passed >= min(whole / 10, _LINES[1]):
            self._last = (now, done)
            self._write(more / passed)

    def _write(self, rate: float | None = None) -> None:
        told = {name: getattr(self, name) for name in ("unit", "unit_scale", "initial")}
        elapsed = time.perf_counter() - self._start
        form = _LINE if self.total else _COUNTED if self.n else _UNKNOWN
        parts = {"prefix": self._desc, "postfix": self._postfix, "bar_format": form, "rate": rate}
        self.write(self._format(self.n, self.total, elapsed, **parts, **told), sys.stderr)

    def close(self) -> None:
        if self.leave:
            self._write()

    @staticmethod
    def write(text: str, file: Any) -> None:
        print(text, file=file, flush=True)
